/* cli/verb_train.h: between the files of ingot train. */
#ifndef INGOT_CLI_TRAIN_H
#define INGOT_CLI_TRAIN_H

#include "cli/progress.h"
#include "ingot/train.h"

typedef struct cli_train {
    cli *c;
    ig_recipe *recipe;
    char out[IG_PATH_MAX];   /* folder of the model */
    char shown[IG_PATH_MAX]; /* the same, as short as it can be typed */
    bool in_workspace;       /* the model has a name there */
    cli_progress progress;
} cli_train;

/* --out, else models/NAME of the workspace, else runs/NAME here, into t->out and t->shown. */
ig_status cli_train_choose_out(cli_train *t, const char *name);
/* train_fit.c: the recipe is one of a family with its own fit; returns the exit code. */
int cli_train_fit(cli_train *t, const char *const *set, size_t sets);

/* train_progress.c: arg is a cli_train. */
void cli_train_event(void *arg, const ig_train_progress *p);

/* train_report.c: what a run will take, what came of it, and how it goes on; they return exit codes. */
int cli_train_report_check(cli_train *t, const ig_train_report *r);
int cli_train_report_done(cli_train *t, const ig_train_result *r);
int cli_train_report_stopped(cli_train *t, const ig_train_result *r);
/* The command that goes on with this run. */
void cli_train_resume_command(const cli_train *t, ig_buf *out);

#endif
