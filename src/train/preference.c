/* train/preference.c: direct preference optimisation   (Rafailov et al. 2023, eq. 7)
 *
 *     loss = -log σ(β·[(log π(c) - log π₀(c)) - (log π(r) - log π₀(r))])
 *
 * π is the model as it learns, π₀ the one that it started from; log π of an answer is the sum over its tokens.  The prior
 * log π₀(c) - log π₀(r) of every pair is computed once, before the first step, so that one model is kept in memory.  -log σ(x) is the
 * cross-entropy of the two logits (x, 0), which is exact where σ underflows.
 */
#include "train/preference.h"

#include "train/task.h"

/* ---- inputs ---- */

ig_status preference_inputs(trainer *t, train_shape *s, ig_error *err) {
    int64_t size[2] = {2 * s->rows, s->length};
    for (int i = ROWS_TOKENS; i <= ROWS_MASK; i++) IG_TRY(ig_tensor_zeros(t->ctx, i == ROWS_MASK ? IG_DTYPE_F32 : IG_DTYPE_I64, 2, size, &s->in[i], err));
    IG_TRY(ig_tensor_zeros(t->ctx, IG_DTYPE_F32, 1, &s->rows, &s->in[ROWS_PRIOR], err));
    return ig_tensor_zeros(t->ctx, IG_DTYPE_I64, 1, &s->rows, &s->in[ROWS_PRESENT], err);
}

/* A target that is not learned becomes any valid one, and its mask 0. */
static void mask_targets(train_shape *s) {
    int64_t *target = s->in[ROWS_TARGETS].data, n = ig_tensor_numel(&s->in[ROWS_TARGETS]);
    float *mask = s->in[ROWS_MASK].data;
    for (int64_t i = 0; i < n; i++) {
        mask[i] = target[i] != IG_NO_TARGET;
        if (target[i] == IG_NO_TARGET) target[i] = 0;
    }
}

int64_t preference_fill(trainer *t, train_shape *s, const int64_t *rows, int64_t n) {
    const ig_examples *x = &t->corpus.examples;
    int64_t counted = 0, *present = s->in[ROWS_PRESENT].data;
    float *prior = s->in[ROWS_PRIOR].data;
    for (int64_t i = 0; i < s->rows; i++) {
        int64_t row = i < n ? rows[i] : -1;
        ig_examples_fill(x, row, false, i, &s->in[ROWS_TOKENS], &s->in[ROWS_TARGETS]);
        ig_examples_fill(x, row, true, s->rows + i, &s->in[ROWS_TOKENS], &s->in[ROWS_TARGETS]);
        present[i] = row < 0 ? IG_NO_TARGET : 0;
        prior[i] = row < 0 || !t->prior ? 0 : t->prior[row];
        counted += row >= 0;
    }
    mask_targets(s);
    return counted;
}

/* ---- the loss ---- */

/* Σ log π over the tokens that are learned, of every row: [2B] */
static ig_var *log_likelihood(trainer *t, const ig_pass *p, const train_shape *s) {
    ig_graph *g = p->g;
    int64_t column[3] = {2 * s->rows, s->length, 1}, flat[2] = {2 * s->rows, s->length};
    ig_var *logits = t->model->family->logits(t->model, p, ig_input(g, "tokens", &s->in[ROWS_TOKENS]), NULL);   /* [2B,T,V] */
    ig_var *targets = ig_reshape(g, ig_input(g, "targets", &s->in[ROWS_TARGETS]), 3, column);
    ig_var *picked = ig_gather(g, ig_log_softmax(g, logits, 2), 2, targets);                           /* [2B,T,1] */
    return ig_sum(g, ig_mul(g, ig_reshape(g, picked, 2, flat), ig_input(g, "mask", &s->in[ROWS_MASK])), 1u << 1, false);
}

/* log π(c) - log π(r): [B] */
static ig_var *difference(trainer *t, const ig_pass *p, const train_shape *s) {
    ig_var *sums = log_likelihood(t, p, s);
    return ig_sub(p->g, ig_slice(p->g, sums, 0, 0, s->rows), ig_slice(p->g, sums, 0, s->rows, 2 * s->rows));
}

ig_var *preference_loss(trainer *t, const ig_pass *p, train_shape *s, ig_var **more, int *count) {
    ig_graph *g = p->g;
    int64_t column[2] = {s->rows, 1};
    ig_var *x = ig_affine(g, ig_sub(g, difference(t, p, s), ig_input(g, "prior", &s->in[ROWS_PRIOR])), t->r->dpo.beta, 0);
    ig_var *pair[2] = {ig_reshape(g, x, 2, column), ig_full(g, IG_DTYPE_F32, 2, column, 0)};
    more[(*count)++] = x;
    return ig_cross_entropy(g, ig_concat(g, pair, 2, 1), ig_input(g, "present", &s->in[ROWS_PRESENT]),
                            (ig_cross_entropy_opts){.has_ignore = true, .ignore_index = IG_NO_TARGET});
}

/* ---- the prior ---- */

static ig_status run_rows(trainer *t, train_shape *s, ig_plan *plan, const int64_t *rows, int64_t n, ig_error *err) {
    for (int64_t at = 0; at < n; at += s->rows) {
        int64_t here = n - at < s->rows ? n - at : s->rows;
        preference_fill(t, s, rows + at, here);
        IG_TRY(ig_plan_run(plan, err));
        for (int64_t i = 0; i < here; i++) t->prior[rows[at + i]] = (float)ig_tensor_get(ig_plan_output(plan, 0), i);
    }
    return IG_OK;
}

/* In the precision in which these rows will be read. */
static ig_status of_shape(trainer *t, train_shape *s, bool bf16, const int64_t *rows, int64_t n, ig_error *err) {
    ig_graph *g = NULL;
    ig_plan *plan = NULL;
    IG_TRY(ig_graph_new(t->ctx, IG_GRAPH_LAZY, &g, err));
    ig_var *sum = difference(t, &(ig_pass){.g = g, .bf16 = bf16}, s);
    ig_status status = ig_graph_status(g, err);
    if (status == IG_OK) status = ig_capture(g, &sum, 1, (ig_plan_opts){0}, &plan, err);
    ig_graph_free(g);
    if (status == IG_OK) status = run_rows(t, s, plan, rows, n, err);
    ig_plan_free(plan);
    return status;
}

static ig_status of_held_out(trainer *t, ig_error *err) {
    int64_t *rows = ig_calloc((size_t)t->held_rows, sizeof *rows);
    if (!rows) return ig_error_nomem(err, (size_t)t->held_rows * sizeof *rows);
    for (int64_t i = 0; i < t->held_rows; i++) rows[i] = (int64_t)t->corpus.train_rows + i;
    ig_status status = of_shape(t, &t->held, false, rows, t->held_rows, err);
    ig_free(rows);
    return status;
}

ig_status preference_prepare(trainer *t, ig_error *err) {
    float *prior = ig_calloc(t->corpus.examples.count, sizeof *prior);
    if (!prior) return ig_error_nomem(err, t->corpus.examples.count * sizeof *prior);
    t->prior = prior;
    for (int k = 0; k < t->shapes; k++)
        IG_TRY(of_shape(t, &t->shape[k], t->bf16, t->rows.rows + t->rows.rows_at[k], t->rows.rows_at[k + 1] - t->rows.rows_at[k],
                        err));
    return t->validates ? of_held_out(t, err) : IG_OK;
}

void preference_watch(trainer *t, const train_shape *s, const ig_tensor *const *more, task_sums *sums) {
    (void)t;
    const int64_t *present = s->in[ROWS_PRESENT].data;
    for (int64_t i = 0; i < s->rows; i++) {
        if (present[i] == IG_NO_TARGET) continue;
        double m = ig_tensor_get(more[0], i);
        sums->sum[0] += m, sums->sum[1] += m > 0, sums->count++;
    }
}
