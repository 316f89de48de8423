/* train/feed.c: see feed.h. */
#include "train/feed.h"

#include <math.h>

#define STEPS_MAX 1e12

ig_status feed_make(trainer *t, ig_error *err) {
    const ig_recipe *r = t->r;
    t->rows_of_batch = ig_calloc((size_t)r->train.batch, sizeof *t->rows_of_batch);
    if (!t->rows_of_batch) return ig_error_nomem(err, (size_t)r->train.batch * sizeof *t->rows_of_batch);
    IG_TRY(r->data.task->make(t, err));
    double per_epoch = 1 / feed_epoch(t, 1) / (double)r->train.accumulate;
    double wanted = fmax(1, ceil(r->train.epochs * per_epoch - 1e-9)); /* 1e-9: rounding must not add a step */
    if (wanted > STEPS_MAX) return ig_error_at(err, IG_E_LIMIT, r->file, 0, "train.epochs: %.3g steps are more than %.3g", wanted, STEPS_MAX);
    t->steps = r->train.steps ? r->train.steps : (int64_t)wanted;
    return IG_OK;
}

ig_status feed_make_inputs(trainer *t, ig_error *err) {
    const train_task *task = t->r->data.task;
    int64_t one[1] = {1}, two[1] = {2};
    IG_TRY(ig_tensor_zeros(t->ctx, IG_DTYPE_I64, 1, two, &t->key, err));
    IG_TRY(ig_tensor_zeros(t->ctx, IG_DTYPE_F32, 1, one, &t->share, err));
    for (int k = 0; k < t->shapes; k++) IG_TRY(task->inputs(t, &t->shape[k], err));
    if (t->validates) IG_TRY(task->inputs(t, &t->held, err));
    return task->prepare ? task->prepare(t, err) : IG_OK;
}

static void free_shape(train_shape *s) {
    for (int i = 0; i < TRAIN_INPUTS_MAX; i++) ig_tensor_unref(&s->in[i]);
    ig_plan_free(s->plan);
}

void feed_free(trainer *t) {
    for (int k = 0; k < TRAIN_SHAPES_MAX; k++) free_shape(&t->shape[k]);
    free_shape(&t->held);
    ig_tensor_unref(&t->key);
    ig_tensor_unref(&t->share);
    ig_free(t->rows_of_batch);
    if (t->r && t->r->data.task->release) t->r->data.task->release(t);
}

void feed_begin_step(trainer *t, int64_t first_batch) {
    const train_task *task = t->r->data.task;
    t->step_counted = t->step_units = 0;
    if (!task->count) {
        t->step_units = t->units_per_step;
        return;
    }
    for (int64_t i = 0; i < t->r->train.accumulate; i++) t->step_counted += task->count(t, first_batch + i, &t->step_units);
}

ig_status feed_fill(trainer *t, int64_t batch, train_shape **shape, ig_error *err) {
    const train_task *task = t->r->data.task;
    int64_t *key = t->key.data, counted = 0;
    int k = 0;
    key[0] = (int64_t)t->seed;
    key[1] = batch;
    IG_TRY(task->fill(t, batch, &k, &counted, err));
    *(float *)t->share.data = task->count ? (float)((double)counted * (double)t->r->train.accumulate / (double)t->step_counted) : 1;
    *shape = &t->shape[k];
    return IG_OK;
}

double feed_epoch(const trainer *t, int64_t batches) { return t->r->data.task->epoch(t, batches); }
