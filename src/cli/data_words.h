/* cli/data_words.h: what is wrong with rows, in the user's language. */
#ifndef INGOT_CLI_DATA_WORDS_H
#define INGOT_CLI_DATA_WORDS_H

#include "cli/cli.h"
#include "ingot/examples.h"

const char *cli_problem_words(const cli *c, ig_problem_kind kind);

#endif
