/* cli/verb_run.h: between the files of ingot run. */
#ifndef INGOT_CLI_RUN_H
#define INGOT_CLI_RUN_H

#include "cli/cli.h"
#include "cli/server_file.h"
#include "ingot/infer.h"

typedef struct cli_run {
    cli *c;
    ig_model *model;          /* with its session; NULL while a server answers */
    ig_session *session;
    const ig_tokenizer *tokenizer;
    ig_generate_opts opts;
    ig_grammar *grammar; /* of opts */
    const char *stop[CLI_ARGS_MAX];
    uint64_t seed;
    ig_choice *choices; /* one per token, with --logprobs */
    size_t choices_count, choices_cap;
    ig_status failed;   /* of cli_run_remember */
    bool by_server;
    cli_server_file server;
    ig_tokenizer *prompt_words; /* for the server's prompt */
} cli_run;

/* run_report.c: keep a choice for the report; print what was generated (the text itself is on stdout already, unless JSON
 * is wanted); returns the exit code. */
ig_status cli_run_remember(cli_run *r, const ig_choice *choice);
int cli_run_report(cli_run *r, const ig_generation *g);

/* run_server.c: is there a server that writes what this process would?  Let it; false when it could not, and nothing was
 * printed. */
bool cli_run_finds_server(cli_run *r);
bool cli_run_by_server(cli_run *r, const char *prompt, size_t len, int *code);

#endif
