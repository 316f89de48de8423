/* train/validate.c: the loss over what is held out: every window or row in order, every token once, in f32 without dropout.
 *
 * A run gives the mean over its targets that count; runs are added in f64, weighted by their count, so the result is the
 * mean over all targets, the figure that `ingot eval` gives for the same text and context.
 */
#include <math.h>

#include "train/feed.h"
#include "train/preference.h"

typedef struct totals {
    double loss, margin, accuracy; /* sums over what counts */
    int64_t counted;
} totals;

int64_t validate_batches(const trainer *t) { return feed_evaluations(t); }

static ig_status one_batch(trainer *t, int64_t batch, totals *sum, ig_error *err) {
    double margin = NAN, accuracy = NAN;
    int64_t n = feed_fill_evaluation(t, batch);
    IG_TRY(ig_plan_run(t->held.plan, err));
    if (t->r->data.kind == IG_EXAMPLES_PREFERENCE) preference_tell(&t->held, ig_plan_output(t->held.plan, 1), &margin, &accuracy);
    sum->loss += (double)n * ig_tensor_get(ig_plan_output(t->held.plan, 0), 0);
    sum->margin += (double)n * margin;
    sum->accuracy += (double)n * accuracy;
    sum->counted += n;
    return IG_OK;
}

ig_status validate(trainer *t, double *loss, ig_error *err) {
    totals sum = {0};
    int64_t batches = validate_batches(t);
    for (int64_t i = 0; i < batches; i++) IG_TRY(one_batch(t, i, &sum, err));
    *loss = sum.loss / (double)sum.counted;
    t->at.margin = sum.margin / (double)sum.counted;
    t->at.accuracy = sum.accuracy / (double)sum.counted;
    return IG_OK;
}

ig_status validate_one_batch(trainer *t, ig_error *err) {
    totals sum = {0};
    return one_batch(t, 0, &sum, err);
}
