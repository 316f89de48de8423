/* cli/words.h: numbers as people read them, and results as JSON. */
#ifndef INGOT_CLI_WORDS_H
#define INGOT_CLI_WORDS_H

#include "cli/cli.h"

#define CLI_WORD_MAX 32

/* All write into buf and return it. */
const char *cli_word_bytes(uint64_t bytes, char buf[CLI_WORD_MAX]);    /* "12 MB", "1.5 GB" */
const char *cli_word_count(double n, char buf[CLI_WORD_MAX]);          /* "940", "1.2k", "124M" */
const char *cli_word_seconds(double seconds, char buf[CLI_WORD_MAX]);  /* "8s", "2m05s", "3h20m" */

/* What a run counts ("tokens", "rows", "pictures"), in the language of the command. */
const char *cli_word_unit(const cli *c, const char *unit);

/* A text as one word of a shell command: in quotes where it needs them. */
const char *cli_word_quoted(const char *text, char *buf, size_t size);

/* Results as JSON: cli_json_begin opens an object in *out, cli_json_end closes and prints it; returns the exit code. */
ig_json cli_json_begin(ig_buf *out);
int cli_json_end(cli *c, ig_json *j);
void cli_json_pair_text(ig_json *j, const char *key, const char *value); /* null when value is NULL */
void cli_json_pair_int(ig_json *j, const char *key, int64_t value);
void cli_json_pair_real(ig_json *j, const char *key, double value);

#endif
