/* cli/recommend_words.h: bad rows of interactions, and the figures of lists, for the verbs that read and measure them. */
#ifndef INGOT_CLI_RECOMMEND_WORDS_H
#define INGOT_CLI_RECOMMEND_WORDS_H

#include "cli/cli.h"
#include "ingot/recommend.h"

typedef struct cli_bad_rows {
    cli *c;
    size_t count;  /* the first few were printed */
} cli_bad_rows;

void cli_bad_row(void *arg, const ig_error *problem); /* an ig_problem_fn; arg is a cli_bad_rows */
void cli_bad_rows_tell(cli *c, const cli_bad_rows *b);

void cli_recommend_json(ig_json *j, const ig_recommend_metrics *m, size_t k);
void cli_recommend_print(const cli *c, const ig_recommend_metrics *m, size_t k);

/* ingot eval of a model that recommends; returns the exit code. */
int cli_recommend_eval(cli *c, ig_model *m);

#endif
