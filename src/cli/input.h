/* cli/input.h: texts, tokenizers and models that a verb is given. */
#ifndef INGOT_CLI_INPUT_H
#define INGOT_CLI_INPUT_H

#include "cli/cli.h"
#include "ingot/models.h"

/* All of standard input, at most `max` bytes, appended to *out. */
ig_status cli_read_stdin(ig_buf *out, size_t max, ig_error *err);
/* Argument i, or standard input when it is missing and no terminal; IG_E_ARG when there is neither. */
ig_status cli_input_text(cli *c, int i, ig_buf *out);
/* A tokenizer.json, a folder that holds one, or the name of a model of the workspace. */
ig_status cli_load_tokenizer(cli *c, const char *arg, ig_tokenizer **out);

/* Load a model by name or path.  0, or the exit code after a message and advice were printed. */
int cli_open_model(cli *c, const char *arg, ig_model **out);

#endif
