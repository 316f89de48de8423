/* cli/workspace_store.h: the store of the workspace, WORKSPACE/store. */
#ifndef INGOT_CLI_WORKSPACE_STORE_H
#define INGOT_CLI_WORKSPACE_STORE_H

#include "cli/cli.h"
#include "ingot/store.h"

/* Its folder; it need not be there. */
ig_status cli_store_folder(cli *c, char *path, size_t size, ig_error *err);
/* Opened for a short command; an error is in c->err, and *out NULL. */
ig_status cli_store(cli *c, ig_store **out);

#endif
