/* cli/verb_run.h: between the files of ingot run. */
#ifndef INGOT_CLI_RUN_H
#define INGOT_CLI_RUN_H

#include "cli/cli.h"
#include "ingot/infer.h"

typedef struct cli_run {
    cli *c;
    ig_session *session;
    const ig_tokenizer *tokenizer;
    ig_generate_opts opts;
    ig_grammar *grammar; /* of opts */
    const char *stop[CLI_ARGS_MAX];
    uint64_t seed;
    ig_choice *choices; /* one per token, with --logprobs */
    size_t choices_count, choices_cap;
    ig_status failed;   /* of cli_run_remember */
} cli_run;

/* run_report.c: keep a choice for the report; print what was generated (the text itself is on stdout already, unless JSON
 * is wanted); returns the exit code. */
ig_status cli_run_remember(cli_run *r, const ig_choice *choice);
int cli_run_report(cli_run *r, const ig_generation *g);

#endif
