/* train/train_step.c: one step of training, and what a loss that is no number means.
 *
 * Step s uses the batches s·accumulate … s·accumulate + accumulate - 1 and the dropout keys of the same numbers, so a step
 * depends on the weights, the optimiser's state and s only.
 */
#include <math.h>

#include "train/trainer.h"

double train_lr(const trainer *t) {
    return ig_schedule_lr(&t->at.schedule, t->at.step);
}

static void fill(trainer *t, int64_t batch) {
    int64_t *key = t->key.data;
    ig_batches_offsets(&t->batches, batch, t->offsets);
    ig_batches_fill(&t->batches, t->offsets, &t->tokens, &t->targets);
    key[0] = (int64_t)t->seed;
    key[1] = batch;
}

/* The optimiser has refused to apply what is not finite; here it is told, with what a person needs to find the cause. */
static ig_status not_finite(const trainer *t, double loss, double norm, double lr, ig_error *err) {
    bool in_loss = !isfinite(loss);
    int64_t last = t->r->train.batch - 1;
    return ig_error_set(err, IG_E_NUMERIC,
                        "step %lld: the %s is %s; this update was not applied. Its last batch has the windows at tokens %lld to %lld (%lld windows) of the "
                        "training text. Likely causes: a learning rate that is too high (%g at this step: try a tenth, or more schedule.warmup, or "
                        "optimiser.clip_norm: 1); damaged data at these places%s",
                        (long long)t->at.step + 1, in_loss ? "loss" : "gradient norm", isnan(in_loss ? loss : norm) ? "not a number" : "infinite",
                        (long long)t->offsets[0], (long long)t->offsets[last], (long long)last + 1, lr,
                        t->bf16 ? "; products in bf16 (train.precision: f32 tells)" : "");
}

static ig_status run_micro_steps(trainer *t, double lr, double *loss, ig_error *err) {
    int64_t n = t->r->train.accumulate;
    for (int64_t i = 0; i < n; i++) {
        fill(t, t->at.step * n + i);
        if (n == 1) ig_optim_begin_step(t->optim, lr);
        IG_TRY(ig_plan_run(t->micro, err));
        *loss += ig_tensor_get(ig_plan_output(t->micro, 0), 0) / (double)n;
        if (!isfinite(*loss)) return not_finite(t, *loss, 0, lr, err);
    }
    return IG_OK;
}

ig_status train_step(trainer *t, ig_error *err) {
    double lr = train_lr(t), loss = 0, norm;
    IG_TRY(run_micro_steps(t, lr, &loss, err));
    if (t->update) {
        ig_optim_begin_step(t->optim, lr);
        IG_TRY(ig_plan_run(t->update, err));
    }
    norm = ig_tensor_get(t->update ? ig_plan_output(t->update, 0) : ig_plan_output(t->micro, 1), 0);
    if (!isfinite(norm)) return not_finite(t, loss, norm, lr, err);
    t->at.step++;
    t->at.tokens += (uint64_t)(t->r->train.batch * t->r->train.context * t->r->train.accumulate);
    t->at.loss = loss;
    t->at.grad_norm = norm;
    return IG_OK;
}
