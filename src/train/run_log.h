/* train/run_log.h: what a run writes down for people and programs.
 *
 * log.jsonl has an object per line, with the keys of LLaMA-Factory's trainer_log.jsonl and two of ours:
 *
 *     {"current_steps": 250, "total_steps": 2000, "loss": 2.31, "lr": 0.00097, "epoch": 0.19, "percentage": 12.5,
 *      "elapsed_time": "0:00:31", "remaining_time": "0:03:37", "throughput": 6190.4, "total_tokens": 192000,
 *      "grad_norm": 0.71, "memory": 104857600}
 *     {"current_steps": 250, "total_steps": 2000, "eval_loss": 2.29, …, "sample": "…"}
 *     of preferences also "rewards/margins" and "rewards/accuracies", or "eval_rewards/…", as TRL calls them
 *     {"current_steps": 250, "total_steps": 2000, "warning": "…"}
 */
#ifndef INGOT_TRAIN_RUN_LOG_H
#define INGOT_TRAIN_RUN_LOG_H

#include "ingot/train.h"

typedef struct log_point {
    double step, loss;
} log_point;

typedef struct log_curve {
    log_point *at;
    size_t len, cap;
} log_curve;

typedef struct run_log {
    FILE *file;
    char path[IG_PATH_MAX];
    log_curve train, eval; /* what the lines say, for the chart */
} run_log;

/* Keeps the lines up to and including `step` (-1: none) and goes on behind them. */
ig_status run_log_open(run_log *l, const char *path, int64_t step, ig_error *err);
void run_log_close(run_log *l);

/* loss, or eval_loss and sample, according to the event; WARNING: message. */
ig_status run_log_write(run_log *l, const ig_train_progress *p, ig_error *err);

/* "1:02:03"; "" when not known */
const char *run_time_text(double seconds, char buf[32]);

/* chart.c: an SVG of both curves. */
ig_status run_chart_write(const run_log *l, const char *title, int64_t total_steps, const char *path, ig_error *err);

#endif
