/* train/task_rows.c: conversations, and pairs of answers to choose between.
 *
 *     chat         a shape per bucket of lengths, [B,T]; rows padded behind, only what the assistant says is a target
 *     preference   a shape per bucket, [2B,T]: the chosen answers of B rows, then the rejected ones
 */
#include "train/corpus.h"
#include "train/preference.h"
#include "train/task.h"

static bool is_preference(const trainer *t) { return t->r->data.task == &train_task_preference; }

/* ---- batches ---- */

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
    t->held.rows = train_evaluation_rows(t, t->held_rows, is_preference(t) ? 2 : 1);
    t->held_runs = (t->held_rows - 1) / t->held.rows + 1;
}

static ig_status make(trainer *t, ig_error *err) {
    const ig_recipe *r = t->r;
    IG_TRY(ig_row_batches_init(&t->rows, &t->corpus.examples, 0, t->corpus.train_rows, r->train.batch, r->train.context, t->seed, err));
    t->shapes = t->rows.buckets;
    for (int k = 0; k < t->shapes; k++) {
        t->shape[k].rows = r->train.batch;
        t->shape[k].length = t->rows.length[k];
    }
    t->units_per_step = r->train.batch * r->train.context * r->train.accumulate;
    t->validates = t->corpus.examples.count > t->corpus.train_rows;
    if (t->validates) measure_held_out(t);
    return IG_OK;
}

static ig_status chat_inputs(trainer *t, train_shape *s, ig_error *err) {
    return task_inputs(t, s, (ig_dtype[]){IG_DTYPE_I64, IG_DTYPE_I64}, 2, err);
}

static int64_t count_row(const trainer *t, int64_t row) {
    const ig_examples *x = &t->corpus.examples;
    int64_t n = 0;
    if (is_preference(t)) return 1;
    for (size_t i = 1; i < x->row[row].len; i++) n += x->learned.data[x->row[row].at + i] != 0;
    return n;
}

static int64_t count(trainer *t, int64_t batch, int64_t *units) {
    const ig_examples *x = &t->corpus.examples;
    int64_t n = 0;
    ig_row_batches_pick(&t->rows, batch, t->rows_of_batch);
    for (int64_t i = 0; i < t->r->train.batch; i++) {
        int64_t row = t->rows_of_batch[i];
        if (row < 0) continue;
        n += count_row(t, row);
        *units += (int64_t)(x->row[row].len + x->row[row].rejected_len);
    }
    return n;
}

/* ---- filling ---- */

static int64_t fill_rows(trainer *t, train_shape *s, const int64_t *rows, int64_t n) {
    int64_t counted = 0;
    if (is_preference(t)) return preference_fill(t, s, rows, n);
    for (int64_t i = 0; i < s->rows; i++)
        counted += ig_examples_fill(&t->corpus.examples, i < n ? rows[i] : -1, false, i, &s->in[ROWS_TOKENS], &s->in[ROWS_TARGETS]);
    return counted;
}

static ig_status fill(trainer *t, int64_t batch, int *shape, int64_t *counted, ig_error *err) {
    (void)err;
    *shape = ig_row_batches_pick(&t->rows, batch, t->rows_of_batch);
    *counted = fill_rows(t, &t->shape[*shape], t->rows_of_batch, t->r->train.batch);
    return IG_OK;
}

static ig_status fill_held(trainer *t, int64_t i, int64_t *counted, ig_error *err) {
    (void)err;
    int64_t first = i * t->held.rows, rows[EVALUATION_ROWS_MAX];
    for (int64_t k = 0; k < t->held.rows; k++) rows[k] = first + k < t->held_rows ? (int64_t)t->corpus.train_rows + first + k : -1;
    *counted = fill_rows(t, &t->held, rows, t->held.rows);
    return IG_OK;
}

static ig_var *chat_loss(trainer *t, const ig_pass *p, train_shape *s, ig_var **more, int *outputs) {
    (void)more, (void)outputs;
    return train_token_loss(t, p, &s->in[ROWS_TOKENS], &s->in[ROWS_TARGETS], false);
}

/* ---- telling ---- */

static double epoch(const trainer *t, int64_t batches) { return ig_row_batches_epoch(&t->rows, batches); }

static void where(const trainer *t, char *buf, size_t size) {
    const ig_example *row = t->corpus.examples.row;
    int64_t last = t->r->train.batch - 1;
    while (last > 0 && t->rows_of_batch[last] < 0) last--;
    snprintf(buf, size, "the rows of lines %lld to %lld (%lld rows, in a random order)", (long long)row[t->rows_of_batch[0]].line,
             (long long)row[t->rows_of_batch[last]].line, (long long)last + 1);
}

static void size(const trainer *t, int64_t *train, int64_t *held) {
    const ig_examples *x = &t->corpus.examples;
    *held = 0;
    for (size_t i = t->corpus.train_rows; i < x->count; i++) *held += (int64_t)(x->row[i].len + x->row[i].rejected_len);
    *train = (int64_t)x->ids.len - *held;
}

static void release(trainer *t) {
    ig_free(t->prior);
    ig_row_batches_fini(&t->rows);
}

static const char *const keys[] = {"too_long", NULL};
static const char *const dpo[] = {"dpo", NULL};
static const train_figure rewards[] = {{"rewards/margins", true}, {"rewards/accuracies", true}, {0}};

const train_task train_task_chat = {
    .name = "chat", .doc = "JSON lines of conversations: what the assistant says is learned", .unit = "tokens", .tokens = TASK_GIVEN_TOKENS,
    .needs = IG_CAN_GENERATE, .needs_words = "predict the next token", .keys = keys,
    .load = corpus_load_rows, .check = corpus_check, .make = make, .inputs = chat_inputs, .loss = chat_loss, .count = count, .fill = fill,
    .fill_held = fill_held, .epoch = epoch, .where = where, .size = size, .save = corpus_save_format, .release = release,
};

const train_task train_task_preference = {
    .name = "preference", .doc = "JSON lines of pairs of answers: the better one is learned", .unit = "tokens", .tokens = TASK_GIVEN_TOKENS,
    .needs = IG_CAN_GENERATE, .needs_words = "predict the next token", .keys = keys, .parts = dpo, .figures = rewards,
    .load = corpus_load_rows, .check = corpus_check, .make = make, .inputs = preference_inputs, .prepare = preference_prepare,
    .loss = preference_loss, .count = count, .fill = fill, .fill_held = fill_held, .watch = preference_watch, .epoch = epoch,
    .where = where, .size = size, .save = corpus_save_format, .release = release,
};
