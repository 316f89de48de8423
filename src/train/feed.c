/* train/feed.c: see feed.h.
 *
 * With accumulation each micro step's mean counts by its share of the step's targets, so that the gradient is that of the
 * mean over all of them, however the rows fell into batches.
 */
#include "train/feed.h"

#include <math.h>

#define STEPS_MAX 1e12

static bool is_text(const trainer *t) { return t->r->data.kind == IG_EXAMPLES_TEXT; }
static bool is_preference(const trainer *t) { return t->r->data.kind == IG_EXAMPLES_PREFERENCE; }

/* ---- making ---- */

static ig_status make_text(trainer *t, ig_error *err) {
    const ig_recipe *r = t->r;
    IG_TRY(ig_batches_init(&t->batches, t->corpus.train.data, t->corpus.train.len, r->train.batch, r->train.context, r->data.order, t->seed, err));
    t->validates = t->corpus.validation.len > 0;
    t->shapes = 1;
    t->shape[0].length = r->train.context;
    if (!t->validates) return IG_OK;
    return ig_windows_init(&t->windows, t->corpus.validation.data, t->corpus.validation.len, r->train.context, r->evaluate.windows, err);
}

/* Held-out rows are evaluated in batches of one shape. */
static void measure_held_out(trainer *t) {
    const ig_examples *x = &t->corpus.examples;
    size_t longest = 2;
    for (size_t i = t->corpus.train_rows; i < x->count; i++) {
        if (x->row[i].len > longest) longest = x->row[i].len;
        if (x->row[i].rejected_len > longest) longest = x->row[i].rejected_len;
    }
    int64_t length = ((int64_t)longest - 1 + 7) / 8 * 8;
    t->held.length = length < t->r->train.context ? length : t->r->train.context;
    t->held_rows = (int64_t)(x->count - t->corpus.train_rows);
    if (t->r->evaluate.windows && t->held_rows > t->r->evaluate.windows) t->held_rows = t->r->evaluate.windows;
}

static ig_status make_rows(trainer *t, ig_error *err) {
    const ig_recipe *r = t->r;
    IG_TRY(ig_row_batches_init(&t->rows, &t->corpus.examples, 0, t->corpus.train_rows, r->train.batch, r->train.context, t->seed, err));
    t->validates = t->corpus.examples.count > t->corpus.train_rows;
    t->shapes = t->rows.buckets;
    for (int k = 0; k < t->shapes; k++) t->shape[k].length = t->rows.length[k];
    measure_held_out(t);
    return IG_OK;
}

ig_status feed_make(trainer *t, ig_error *err) {
    const ig_recipe *r = t->r;
    IG_TRY(is_text(t) ? make_text(t, err) : make_rows(t, err));
    double per_epoch = 1 / feed_epoch(t, 1) / (double)r->train.accumulate;
    double wanted = fmax(1, ceil(r->train.epochs * per_epoch - 1e-9)); /* 1e-9: rounding must not add a step */
    if (wanted > STEPS_MAX) return ig_error_at(err, IG_E_LIMIT, r->file, 0, "train.epochs: %.3g steps are more than %.3g", wanted, STEPS_MAX);
    t->steps = r->train.steps ? r->train.steps : (int64_t)wanted;
    t->offsets = ig_calloc((size_t)r->train.batch, sizeof *t->offsets);
    return t->offsets ? IG_OK : ig_error_nomem(err, (size_t)r->train.batch * sizeof *t->offsets);
}

/* `rows` conversations or windows, or pairs. */
static ig_status make_shape(trainer *t, train_shape *s, int64_t rows, ig_error *err) {
    int64_t size[2] = {is_preference(t) ? 2 * rows : rows, s->length}, pairs[1] = {rows};
    s->rows = rows;
    IG_TRY(ig_tensor_zeros(t->ctx, IG_DTYPE_I64, 2, size, &s->tokens, err));
    IG_TRY(ig_tensor_zeros(t->ctx, IG_DTYPE_I64, 2, size, &s->targets, err));
    if (!is_preference(t)) return IG_OK;
    IG_TRY(ig_tensor_zeros(t->ctx, IG_DTYPE_F32, 2, size, &s->mask, err));
    IG_TRY(ig_tensor_zeros(t->ctx, IG_DTYPE_F32, 1, pairs, &s->prior, err));
    return ig_tensor_zeros(t->ctx, IG_DTYPE_I64, 1, pairs, &s->present, err);
}

ig_status feed_make_shapes(trainer *t, ig_error *err) {
    int64_t one[1] = {1}, two[1] = {2};
    IG_TRY(ig_tensor_zeros(t->ctx, IG_DTYPE_I64, 1, two, &t->key, err));
    IG_TRY(ig_tensor_zeros(t->ctx, IG_DTYPE_F32, 1, one, &t->share, err));
    for (int k = 0; k < t->shapes; k++) IG_TRY(make_shape(t, &t->shape[k], t->r->train.batch, err));
    if (!t->validates) return IG_OK;
    if (is_text(t)) t->held.length = t->r->train.context;
    return make_shape(t, &t->held, train_evaluation_rows(t, is_text(t) ? t->windows.used : t->held_rows), err);
}

void feed_free(trainer *t) {
    for (int k = 0; k <= IG_ROW_BUCKETS_MAX; k++) {
        train_shape *s = k < IG_ROW_BUCKETS_MAX ? &t->shape[k] : &t->held;
        ig_tensor *tensors[] = {&s->tokens, &s->targets, &s->mask, &s->prior, &s->present};
        for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++) ig_tensor_unref(tensors[i]);
        ig_plan_free(s->plan);
    }
    ig_tensor_unref(&t->key);
    ig_tensor_unref(&t->share);
    ig_free(t->offsets);
    ig_free(t->prior);
    ig_row_batches_fini(&t->rows);
}

/* ---- filling ---- */

/* Preferences: a target that is not learned becomes any valid one, and its mask 0. */
static void mask_targets(train_shape *s) {
    int64_t *target = s->targets.data, n = ig_tensor_numel(&s->targets);
    float *mask = s->mask.data;
    for (int64_t i = 0; i < n; i++) {
        mask[i] = target[i] != IG_NO_TARGET;
        if (target[i] == IG_NO_TARGET) target[i] = 0;
    }
}

static int64_t fill_pairs(trainer *t, train_shape *s, const int64_t *rows, int64_t n) {
    const ig_examples *x = &t->corpus.examples;
    int64_t counted = 0, *present = s->present.data;
    float *prior = s->prior.data;
    for (int64_t i = 0; i < s->rows; i++) {
        int64_t row = i < n ? rows[i] : -1;
        ig_examples_fill(x, row, false, i, &s->tokens, &s->targets);
        ig_examples_fill(x, row, true, s->rows + i, &s->tokens, &s->targets);
        present[i] = row < 0 ? IG_NO_TARGET : 0;
        prior[i] = row < 0 || !t->prior ? 0 : t->prior[row];
        counted += row >= 0;
    }
    mask_targets(s);
    return counted;
}

int64_t feed_fill_rows(trainer *t, train_shape *s, const int64_t *rows, int64_t n) {
    int64_t counted = 0;
    if (is_preference(t)) return fill_pairs(t, s, rows, n);
    for (int64_t i = 0; i < s->rows; i++) counted += ig_examples_fill(&t->corpus.examples, i < n ? rows[i] : -1, false, i, &s->tokens, &s->targets);
    return counted;
}

static int64_t count_row(const trainer *t, int64_t row) {
    const ig_examples *x = &t->corpus.examples;
    int64_t n = 0;
    if (is_preference(t)) return 1;
    for (size_t i = 1; i < x->row[row].len; i++) n += x->learned.data[x->row[row].at + i] != 0;
    return n;
}

static int64_t count_batch(trainer *t, int64_t batch) {
    const ig_examples *x = &t->corpus.examples;
    int64_t n = 0;
    ig_row_batches_pick(&t->rows, batch, t->offsets);
    for (int64_t i = 0; i < t->r->train.batch; i++) {
        if (t->offsets[i] < 0) continue;
        n += count_row(t, t->offsets[i]);
        t->step_tokens += (int64_t)(x->row[t->offsets[i]].len + x->row[t->offsets[i]].rejected_len);
    }
    return n;
}

void feed_begin_step(trainer *t, int64_t first_batch) {
    t->step_targets = t->step_tokens = 0;
    if (is_text(t)) t->step_tokens = t->r->train.batch * t->r->train.context * t->r->train.accumulate;
    if (is_text(t)) return;
    for (int64_t i = 0; i < t->r->train.accumulate; i++) t->step_targets += count_batch(t, first_batch + i);
}

int feed_fill(trainer *t, int64_t batch) {
    int64_t *key = t->key.data;
    float *share = t->share.data;
    int k = 0;
    key[0] = (int64_t)t->seed;
    key[1] = batch;
    *share = 1;
    if (is_text(t)) {
        ig_batches_offsets(&t->batches, batch, t->offsets);
        ig_batches_fill(&t->batches, t->offsets, &t->shape[0].tokens, &t->shape[0].targets);
    } else {
        k = ig_row_batches_pick(&t->rows, batch, t->offsets);
        int64_t counted = feed_fill_rows(t, &t->shape[k], t->offsets, t->r->train.batch);
        *share = (float)((double)counted * (double)t->r->train.accumulate / (double)t->step_targets);
    }
    return k;
}

int64_t feed_fill_evaluation(trainer *t, int64_t i) {
    int64_t first = i * t->held.rows, rows[EVALUATION_ROWS_MAX];
    if (is_text(t)) return ig_windows_fill(&t->windows, first, &t->held.tokens, &t->held.targets);
    for (int64_t k = 0; k < t->held.rows; k++) rows[k] = first + k < t->held_rows ? (int64_t)t->corpus.train_rows + first + k : -1;
    return feed_fill_rows(t, &t->held, rows, t->held.rows);
}

int64_t feed_evaluations(const trainer *t) {
    if (!t->validates) return 0;
    return ((is_text(t) ? t->windows.used : t->held_rows) - 1) / t->held.rows + 1;
}

/* ---- telling ---- */

double feed_epoch(const trainer *t, int64_t batches) {
    return is_text(t) ? ig_batches_epoch(&t->batches, batches) : ig_row_batches_epoch(&t->rows, batches);
}

void feed_where(const trainer *t, char *buf, size_t size) {
    int64_t first = t->offsets[0], last = t->offsets[t->r->train.batch - 1], n = t->r->train.batch;
    if (is_text(t)) {
        snprintf(buf, size, "the windows at tokens %lld to %lld (%lld windows) of the training text", (long long)first, (long long)last, (long long)n);
        return;
    }
    for (last = n - 1; last > 0 && t->offsets[last] < 0; last--) continue;
    snprintf(buf, size, "the rows of lines %lld to %lld (%lld rows, in a random order)", (long long)t->corpus.examples.row[first].line,
             (long long)t->corpus.examples.row[t->offsets[last]].line, (long long)last + 1);
}
