/* train/run.h: a run: a trainer at work in a folder, and what it tells about it.
 *
 *     run.c           the loop
 *     run_folder.c    OUT and OUT/run: whether they may be used, the lock, the recipe's copy
 *     run_tell.c    progress, times, errors that say where to go on
 *     run_evaluate.c  evaluation, sample, best model
 */
#ifndef INGOT_TRAIN_RUN_H
#define INGOT_TRAIN_RUN_H

#include "train/checkpoint.h"
#include "train/run_log.h"

typedef struct run_paths {
    char out[IG_PATH_MAX], run[IG_PATH_MAX], log[IG_PATH_MAX], chart[IG_PATH_MAX], recipe[IG_PATH_MAX], checkpoints[IG_PATH_MAX], lock[IG_PATH_MAX];
} run_paths;

typedef struct run {
    trainer t;
    run_log log;
    run_paths at;
    ig_train_opts opts;
    int lock;                     /* file descriptor; -1: none */
    char checkpoint[IG_PATH_MAX]; /* newest good one; "" */
    int64_t first_step;
    double started, before;       /* clock at the start of this call; seconds of earlier calls */
    double step_seconds, step_weight; /* smoothed, bias-corrected */
    double evaluation_seconds;    /* of the last one */
} run;

/* Set the paths, and check that OUT may be used as opts say.  Writes nothing. */
ig_status run_folder_check(run *r, const char *out_dir, ig_error *err);
/* Make the folders, take the lock, remove what is to be overwritten. */
ig_status run_folder_open(run *r, ig_error *err);
void run_folder_close(run *r);
ig_status run_write_recipe(const run *r, ig_error *err);
/* The recipe with its overrides, as JSON, which is YAML too. */
ig_status run_format_recipe(const ig_recipe *recipe, ig_buf *out, ig_error *err);

void run_clock_step(run *r, double seconds);
void run_tell(run *r, ig_train_event event, const char *text); /* text: path, sample or message, as the event has it */
ig_train_progress run_progress(const run *r, ig_train_event event, const char *text);
void run_warn(void *r, const char *message); /* told and logged */
/* After a failure: say what stays and where to go on. */
void run_explain(const run *r, ig_error *err);

/* Loss, sample, chart; a better model replaces the one in OUT; schedule and early stopping listen. */
ig_status run_evaluate(run *r, ig_error *err);
ig_status run_save_model(run *r, ig_error *err); /* the weights as they are now, or their average */

#endif
