/* cli/workspace_store.c: from the workspace to its store. */
#include "cli/workspace_store.h"

ig_status cli_store_folder(cli *c, char *path, size_t size, ig_error *err) {
    char workspace[IG_PATH_MAX];
    IG_TRY(cli_workspace(c, workspace, sizeof workspace, true, err));
    return ig_path_join(path, size, workspace, "store", err);
}

ig_status cli_store(cli *c, ig_store **out) {
    char folder[IG_PATH_MAX];
    *out = NULL;
    IG_TRY(cli_store_folder(c, folder, sizeof folder, &c->err));
    return ig_store_open(folder, &(ig_store_opts){.quick = true}, out, &c->err);
}
