/* train/validate.c: the loss and the figures over what is held out: everything once, in order, in f32 without dropout.
 *
 * A run gives the mean over what counts in it; runs are added in f64, weighted by their count, so the result is the mean over
 * all of it: for text the figure that `ingot eval` gives for the same text and context.
 */
#include <math.h>

#include "train/task.h"

typedef struct totals {
    double loss;
    int64_t counted;
    task_sums sums;
} totals;

static ig_status one_batch(trainer *t, int64_t batch, totals *sum, ig_error *err) {
    const train_task *task = t->r->data.task;
    int64_t n = 0;
    IG_TRY(task->fill_held(t, batch, &n, err));
    IG_TRY(ig_plan_run(t->held.plan, err));
    task_watch(t, &t->held, 1, &sum->sums);
    sum->loss += (double)n * ig_tensor_get(ig_plan_output(t->held.plan, 0), 0);
    sum->counted += n;
    return IG_OK;
}

ig_status validate(trainer *t, double *loss, ig_error *err) {
    const train_task *task = t->r->data.task;
    totals sum = {0};
    for (int64_t i = 0; i < t->held_runs; i++) IG_TRY(one_batch(t, i, &sum, err));
    *loss = sum.loss / (double)sum.counted;
    for (int k = 0; k < IG_TRAIN_FIGURES_MAX; k++) t->at.figure[k] = sum.sums.count > 0 ? sum.sums.sum[k] / sum.sums.count : NAN;
    return task->conclude ? task->conclude(t, &sum.sums, t->at.figure, err) : IG_OK;
}

ig_status validate_one_batch(trainer *t, ig_error *err) {
    totals sum = {0};
    return one_batch(t, 0, &sum, err);
}
