/* cli/input.h: texts and tokenizers that a verb is given. */
#ifndef INGOT_CLI_INPUT_H
#define INGOT_CLI_INPUT_H

#include "cli/cli.h"
#include "ingot/text.h"

/* All of standard input, at most `max` bytes, appended to *out. */
ig_status cli_read_stdin(ig_buf *out, size_t max, ig_error *err);
/* Argument i, or standard input when it is missing and no terminal; IG_E_ARG when there is neither. */
ig_status cli_input_text(cli *c, int i, ig_buf *out);
/* A tokenizer.json, a folder that holds one, or the name of a model of the workspace. */
ig_status cli_load_tokenizer(cli *c, const char *arg, ig_tokenizer **out);

#endif
