/* train/run_tell.c: what a run tells while it works, and what its errors say. */
#include <math.h>
#include <string.h>

#include "train/feed.h"
#include "train/run.h"

void run_clock_step(run *r, double seconds) {
    const double keep = 0.9;
    r->step_seconds = keep * r->step_seconds + (1 - keep) * seconds;
    r->step_weight = keep * r->step_weight + (1 - keep);
    r->t.at.elapsed = r->before + ig_clock() - r->started;
}

static double seconds_per_step(const run *r) {
    return r->step_weight > 0 ? r->step_seconds / r->step_weight : NAN;
}

static double seconds_left(const run *r) {
    int64_t steps = r->t.steps - r->t.at.step, evaluations = r->t.validates ? steps / r->t.r->evaluate.every : 0;
    if (r->t.at.step - r->first_step < 3) return NAN;
    return (double)steps * seconds_per_step(r) + (double)evaluations * r->evaluation_seconds;
}

ig_train_progress run_progress(const run *r, ig_train_event event, const char *text) {
    const trainer *t = &r->t;
    double tokens = (double)t->units_per_step, seconds = seconds_per_step(r);
    const train_figure *figures = t->r->data.task->figures;
    ig_train_progress p = {
        .event = event, .step = t->at.step, .total = t->steps, .share = (double)t->at.step / (double)t->steps,
        .loss = t->at.loss, .eval_loss = t->at.eval_loss, .best_eval_loss = t->at.best_eval_loss, .best_step = t->at.best_step,
        .lr = ig_schedule_lr(&t->at.schedule, t->at.step > 0 ? t->at.step - 1 : 0), .grad_norm = t->at.grad_norm,
        .epoch = feed_epoch(t, t->at.step * t->r->train.accumulate),
        .tokens_per_second = seconds > 0 ? tokens / seconds : 0, .tokens = t->at.tokens, .unit = t->r->data.task->unit, .memory_bytes = ig_process_peak_bytes(),
        .elapsed = r->before + ig_clock() - r->started, .left = seconds_left(r),
    };
    for (int k = 0; figures && figures[k].name; k++) p.figure[p.figures++] = (ig_train_figure){figures[k].name, t->at.figure[k]};
    if (event == IG_TRAIN_EVALUATED) p.sample = text;
    else if (event == IG_TRAIN_CHECKPOINT || event == IG_TRAIN_BEST) p.path = text;
    else p.message = text;
    return p;
}

void run_tell(run *r, ig_train_event event, const char *text) {
    ig_train_progress p = run_progress(r, event, text);
    if (r->opts.progress) r->opts.progress(r->opts.arg, &p);
}

/* Before the log is open (while the run looks for a checkpoint) it is only told. */
void run_warn(void *arg, const char *message) {
    run *r = arg;
    ig_train_progress p = run_progress(r, IG_TRAIN_WARNING, message);
    if (r->log.file) run_log_write(&r->log, &p, NULL);
    if (r->opts.progress) r->opts.progress(r->opts.arg, &p);
    else ig_log_write(r->t.ctx, IG_LOG_WARN, "%s", message);
}

void run_explain(const run *r, ig_error *err) {
    if (!err || (err->code != IG_E_NUMERIC && err->code != IG_E_IO)) return;
    size_t len = strlen(err->message);
    if (*r->checkpoint) snprintf(err->message + len, sizeof err->message - len, ". The last good checkpoint stays: %.200s", ig_path_base(r->checkpoint));
    else snprintf(err->message + len, sizeof err->message - len, ". There was no checkpoint yet");
}
