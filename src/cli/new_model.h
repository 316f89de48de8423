/* cli/new_model.h: what verbs that make a model out of another one share: where it goes, and what is told of it. */
#ifndef INGOT_CLI_NEW_MODEL_H
#define INGOT_CLI_NEW_MODEL_H

#include "cli/cli.h"
#include "ingot/models.h"

/* The folder that a name stands for: models/NAME of the workspace, or a path when it has a '/' or there is no workspace. */
ig_status cli_new_model_path(cli *c, const char *name, char *path, size_t size, ig_error *err);
/* --dtype f32|f16|bf16 of the command line into *opts; 0, or the exit code. */
int cli_import_options(cli *c, ig_model_import_opts *opts);
/* Import and report; `source` for messages.  Returns the exit code. */
int cli_import(cli *c, const char *source, const char *dir, const ig_model_import_opts *opts);

#endif
