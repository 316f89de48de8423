/* train/train_step.c: one step of training, and what a loss that is no number means.
 *
 * Step s uses the batches s·accumulate … s·accumulate + accumulate - 1 and the dropout keys of the same numbers, so a step
 * depends on the weights, the optimiser's state and s only.
 */
#include <math.h>

#include "train/feed.h"

double train_lr(const trainer *t) {
    return ig_schedule_lr(&t->at.schedule, t->at.step);
}

/* The optimiser has refused to apply what is not finite; here it is told, with what a person needs to find the cause. */
static ig_status not_finite(const trainer *t, double loss, double norm, double lr, ig_error *err) {
    bool in_loss = !isfinite(loss);
    char where[160];
    t->r->data.task->where(t, where, sizeof where);
    return ig_error_set(err, IG_E_NUMERIC,
                        "step %lld: the %s is %s; this update was not applied. Its last batch has %s. Likely causes: a learning rate that is too high (%g at this step: try a tenth, or more schedule.warmup, or "
                        "optimiser.clip_norm: 1); damaged data at these places%s",
                        (long long)t->at.step + 1, in_loss ? "loss" : "gradient norm", isnan(in_loss ? loss : norm) ? "not a number" : "infinite",
                        where, lr,
                        t->bf16 ? "; products in bf16 (train.precision: f32 tells)" : "");
}

static ig_status run_micro_steps(trainer *t, double lr, double *loss, double *norm, task_sums *sums, ig_error *err) {
    int64_t n = t->r->train.accumulate;
    feed_begin_step(t, t->at.step * n);
    for (int64_t i = 0; i < n; i++) {
        train_shape *s = NULL;
        IG_TRY(feed_fill(t, t->at.step * n + i, &s, err));
        if (n == 1) ig_optim_begin_step(t->optim, lr);
        IG_TRY(ig_plan_run(s->plan, err));
        *loss += ig_tensor_get(ig_plan_output(s->plan, 0), 0) / (double)n;
        if (!isfinite(*loss)) return not_finite(t, *loss, 0, lr, err);
        if (n == 1) *norm = ig_tensor_get(ig_plan_output(s->plan, 1), 0);
        task_watch(t, s, n == 1 ? 2 : 1, sums);
    }
    return IG_OK;
}

ig_status train_step(trainer *t, ig_error *err) {
    double lr = train_lr(t), loss = 0, norm = 0;
    task_sums sums = {0};
    IG_TRY(run_micro_steps(t, lr, &loss, &norm, &sums, err));
    if (t->update) {
        ig_optim_begin_step(t->optim, lr);
        IG_TRY(ig_plan_run(t->update, err));
        norm = ig_tensor_get(ig_plan_output(t->update, 0), 0);
    }
    if (!isfinite(norm)) return not_finite(t, loss, norm, lr, err);
    t->at.step++;
    t->at.tokens += (uint64_t)t->step_units;
    t->at.loss = loss;
    t->at.grad_norm = norm;
    for (int k = 0; k < IG_TRAIN_FIGURES_MAX; k++) t->at.figure[k] = sums.count > 0 ? sums.sum[k] / sums.count : NAN;
    return IG_OK;
}
