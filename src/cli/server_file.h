/* cli/server_file.h: WORKSPACE/serve.json, by which commands of a workspace find its running server.
 *
 *     {"pid": 4711, "url": "http://127.0.0.1:8080", "key_id": "key-…" or null, "key": "ig-…" or null}
 *
 * Mode 0600.  The key is of the role app, made for this file, and revoked when the server ends.  A file whose process is gone,
 * or is no longer a server, counts for nothing; the next server clears it away. */
#ifndef INGOT_CLI_SERVER_FILE_H
#define INGOT_CLI_SERVER_FILE_H

#include "cli/cli.h"
#include "ingot/store.h"

typedef struct cli_server_file {
    int64_t pid;
    char url[320], key_id[IG_STORE_ID_SIZE], key[IG_STORE_SECRET_SIZE]; /* "" without keys */
} cli_server_file;

/* The running server of this workspace; false when there is none. */
bool cli_server_find(const char *workspace, cli_server_file *out);
/* Before a server is opened: remove what a killed one left, its key too. */
void cli_server_clear(const char *workspace);
/* Tell of this process.  Nothing is written while another server of the workspace runs. */
ig_status cli_server_tell(const char *workspace, const char *host, int port, bool with_key, ig_error *err);
/* Take it back, with the key. */
void cli_server_untell(const char *workspace);

#endif
