/* train/validate.c: the loss over the validation text: every window in order, every token once, in f32 without dropout.
 *
 * A run gives the mean over its targets that count; runs are added in f64, weighted by their count, so the result is the
 * mean over all targets, the figure that `ingot eval` gives for the same text and context.
 */
#include "train/trainer.h"

int64_t validate_batches(const trainer *t) {
    return t->validates ? (t->windows.used - 1) / t->seen.shape[0] + 1 : 0;
}

static ig_status one_batch(trainer *t, int64_t batch, double *sum, int64_t *counted, ig_error *err) {
    int64_t n = ig_windows_fill(&t->windows, batch * t->seen.shape[0], &t->seen, &t->wanted);
    IG_TRY(ig_plan_run(t->evaluation, err));
    *sum += (double)n * ig_tensor_get(ig_plan_output(t->evaluation, 0), 0);
    *counted += n;
    return IG_OK;
}

ig_status validate(trainer *t, double *loss, ig_error *err) {
    double sum = 0;
    int64_t counted = 0, batches = validate_batches(t);
    for (int64_t i = 0; i < batches; i++) IG_TRY(one_batch(t, i, &sum, &counted, err));
    *loss = sum / (double)counted;
    return IG_OK;
}

ig_status validate_one_batch(trainer *t, ig_error *err) {
    double sum = 0;
    int64_t counted = 0;
    return one_batch(t, 0, &sum, &counted, err);
}
