/* train/task_text.c: plain text: windows [B,T] of it, and the next token as target everywhere; the last window of what is held
 * out is padded.
 *
 * data.order: sequential trains a recurrent network by truncated back-propagation: every row reads on where it stopped in the
 * step before, from the state that it had there (carried.c).  What is held out is cut into stretches in the same way.
 */
#include "train/carried.h"
#include "train/corpus.h"
#include "train/task.h"

enum { TOKENS, TARGETS };

#define STRETCH_WINDOWS_MIN 16

static bool is_sequential(const trainer *t) { return t->r->data.order == IG_ORDER_SEQUENTIAL; }

/* Few stretches, so that little is read from an empty state. */
static ig_status hold_stretches_out(trainer *t, ig_error *err) {
    const ig_recipe *r = t->r;
    const ig_ids *held = &t->corpus.validation;
    int64_t most = r->evaluate.windows * r->train.context + 1, count = (int64_t)held->len;
    if (r->evaluate.windows && count > most) count = most;
    IG_TRY(ig_windows_init(&t->windows, held->data, (size_t)count, r->train.context, 0, err));
    t->held.rows = train_evaluation_rows(t, (t->windows.used - 1) / STRETCH_WINDOWS_MIN + 1, 1);
    t->held_runs = (t->windows.used - 1) / t->held.rows + 1;
    return IG_OK;
}

static ig_status make(trainer *t, ig_error *err) {
    const ig_recipe *r = t->r;
    const ig_ids *train = &t->corpus.train, *held = &t->corpus.validation;
    IG_TRY(
        ig_batches_init(&t->batches, train->data, train->len, r->train.batch, r->train.context, r->data.order, t->seed, err));
    t->shapes = 1;
    t->shape[0].rows = r->train.batch;
    t->shape[0].length = t->held.length = r->train.context;
    t->units_per_step = r->train.batch * r->train.context * r->train.accumulate;
    t->validates = held->len > 0;
    if (is_sequential(t)) IG_TRY(carried_open(t, err));
    if (!t->validates) return IG_OK;
    if (is_sequential(t)) return hold_stretches_out(t, err);
    IG_TRY(ig_windows_init(&t->windows, held->data, held->len, r->train.context, r->evaluate.windows, err));
    t->held.rows = train_evaluation_rows(t, t->windows.used, 1);
    t->held_runs = (t->windows.used - 1) / t->held.rows + 1;
    return IG_OK;
}

static ig_status inputs(trainer *t, train_shape *s, ig_error *err) {
    IG_TRY(task_inputs(t, s, (ig_dtype[]){IG_DTYPE_I64, IG_DTYPE_I64}, 2, err));
    return is_sequential(t) ? carried_inputs(t, s, err) : IG_OK;
}

static ig_var *loss(trainer *t, const ig_pass *p, train_shape *s, ig_var **more, int *count) {
    (void)more, (void)count;
    if (is_sequential(t)) return carried_loss(t, p, s, &s->in[TOKENS], &s->in[TARGETS]);
    return train_token_loss(t, p, &s->in[TOKENS], &s->in[TARGETS], p->training);
}

static ig_status fill(trainer *t, int64_t batch, int *shape, int64_t *counted, ig_error *err) {
    (void)err;
    train_shape *s = &t->shape[0];
    ig_batches_offsets(&t->batches, batch, t->rows_of_batch);
    ig_batches_fill(&t->batches, t->rows_of_batch, &s->in[TOKENS], &s->in[TARGETS]);
    if (is_sequential(t) && ig_batches_begin(&t->batches, batch)) carried_clear(t, s);
    *shape = 0;
    *counted = s->rows * s->length;
    return IG_OK;
}

/* Row k reads the windows k·runs, k·runs + 1 …, one in each run. */
static int64_t fill_stretches(trainer *t, int64_t run) {
    train_shape *s = &t->held;
    int64_t counted = 0, one[2] = {1, s->length};
    if (run == 0) carried_clear(t, s);
    for (int64_t row = 0; row < s->rows; row++) {
        ig_tensor tokens, targets;
        int64_t *token = (int64_t *)s->in[TOKENS].data + row * s->length,
                *target = (int64_t *)s->in[TARGETS].data + row * s->length;
        ig_tensor_wrap(&tokens, token, IG_DTYPE_I64, 2, one, NULL);
        ig_tensor_wrap(&targets, target, IG_DTYPE_I64, 2, one, NULL);
        counted += ig_windows_fill(&t->windows, row * t->held_runs + run, &tokens, &targets);
    }
    return counted;
}

static ig_status fill_held(trainer *t, int64_t i, int64_t *counted, ig_error *err) {
    (void)err;
    if (is_sequential(t)) {
        *counted = fill_stretches(t, i);
        return IG_OK;
    }
    *counted = ig_windows_fill(&t->windows, i * t->held.rows, &t->held.in[TOKENS], &t->held.in[TARGETS]);
    return IG_OK;
}

static double epoch(const trainer *t, int64_t batches) { return ig_batches_epoch(&t->batches, batches); }

static void where(const trainer *t, char *buf, size_t size) {
    int64_t n = t->r->train.batch;
    snprintf(buf, size, "the windows at tokens %lld to %lld (%lld windows) of the training text",
             (long long)t->rows_of_batch[0], (long long)t->rows_of_batch[n - 1], (long long)n);
}

static void size(const trainer *t, int64_t *train, int64_t *held) {
    *train = (int64_t)t->corpus.train.len;
    *held = (int64_t)t->corpus.validation.len;
}

static const char *const keys[] = {"order", NULL};

const train_task train_task_text = {
    .name = "text",
    .doc = "plain text: the next token is learned",
    .unit = "tokens",
    .tokens = TASK_LEARNED_TOKENS,
    .needs = IG_CAN_GENERATE,
    .needs_words = "predict the next token",
    .keys = keys,
    .load = corpus_load,
    .check = corpus_check,
    .make = make,
    .inputs = inputs,
    .loss = loss,
    .fill = fill,
    .fill_held = fill_held,
    .epoch = epoch,
    .where = where,
    .size = size,
    .save = corpus_save_format,
    .kept = carried_kept,
    .release = carried_close,
};
