/* nn/optim_rows.c: updates of tables of which a batch touches a few rows.
 *
 * The gradient of a looked-up table is zeros with rows added (graph/ops/index.c).  For a parameter that is `by_row` it is never
 * made: the op `distinct_rows` adds up what belongs to one row, and the update runs over those rows alone:
 *
 *     indices [7 2 7]   gradients [a b c]   ─► rows [2 7 -1], sums [b a+c 0]   ─► p[2], p[7] and their moments change
 *
 * Rows come out sorted, and a sum is taken in the order of the batch, as the dense gradient takes it: with gradient descent and
 * Adagrad the weights get the same numbers as by the dense way.  Moments that decay (momentum, Adam) and weight decay do so only
 * in steps that touch the row: "lazy" or "sparse" Adam.
 */
#include <stdlib.h>
#include <string.h>

#include "nn/optim.h"

#define PLACES_MAX ((int64_t)1 << 31) /* a place has 32 bits of a sort key */

/* ---- distinct_rows: indices [...], gradients [...,C] → rows i64 [N], sums [N,C]; a row of -1 ends them ----------------------- */

static ig_status distinct_shape(ig_node *n, ig_error *err) {
    const ig_tensor *at = &n->in[0]->t, *d = &n->in[1]->t;
    int64_t N = ig_tensor_numel(at), C = d->ndim ? d->shape[d->ndim - 1] : 0, size[2] = {N, C};
    if (at->dtype != IG_DTYPE_I64 && at->dtype != IG_DTYPE_I32)
        return ig_error_set(err, IG_E_DTYPE, "indices must be i64 or i32");
    if (d->dtype != IG_DTYPE_F32 && d->dtype != IG_DTYPE_F64) return ig_error_set(err, IG_E_DTYPE, "takes f32 and f64");
    if (ig_tensor_numel(d) != N * C || !ig_tensor_is_contiguous(at) || !ig_tensor_is_contiguous(d))
        return ig_error_set(err, IG_E_SHAPE, "expected contiguous indices [...] and gradients [...,C]");
    if (N > PLACES_MAX) return ig_error_set(err, IG_E_LIMIT, "more than %lld indices", (long long)PLACES_MAX);
    IG_TRY(ig_out_set(n, 0, IG_DTYPE_I64, 1, &N, err));
    return ig_out_set(n, 1, d->dtype, 2, size, err);
}

static size_t distinct_scratch(ig_context *ctx, const ig_node *n) {
    (void)ctx;
    return (size_t)ig_tensor_numel(&n->in[0]->t) * sizeof(uint64_t);
}

static int64_t index_at(const ig_tensor *t, int64_t i) {
    return t->dtype == IG_DTYPE_I64 ? ((const int64_t *)t->data)[i] : ((const int32_t *)t->data)[i];
}

static int by_key(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Row in the upper half, place in the batch in the lower: no two are equal, so any sort gives the same order. */
static ig_status sort_places(const ig_run *r, uint64_t *key, int64_t N, ig_error *err) {
    for (int64_t i = 0; i < N; i++) {
        int64_t row = index_at(r->in[0], i);
        if (row < 0 || row > UINT32_MAX) return ig_error_set(err, IG_E_ARG, "index %lld is out of range", (long long)row);
        key[i] = (uint64_t)row << 32 | (uint64_t)i;
    }
    qsort(key, (size_t)N, sizeof *key, by_key);
    return IG_OK;
}

#define ADD_UP(real, suffix)                                                                                           \
    static void add_up_##suffix(const ig_run *r, const uint64_t *key, int64_t N, int64_t C) {                          \
        int64_t *rows = r->out[0]->data, n = 0;                                                                        \
        real *sums = r->out[1]->data;                                                                                  \
        const real *d = r->in[1]->data;                                                                                \
        memset(sums, 0, (size_t)(N * C) * sizeof *sums);                                                               \
        for (int64_t i = 0; i < N; i++) {                                                                              \
            int64_t row = (int64_t)(key[i] >> 32), place = (int64_t)(key[i] & UINT32_MAX);                             \
            if (n == 0 || rows[n - 1] != row) rows[n++] = row;                                                         \
            for (int64_t c = 0; c < C; c++) sums[(n - 1) * C + c] += d[place * C + c];                                 \
        }                                                                                                              \
        while (n < N) rows[n++] = -1;                                                                                  \
    }
ADD_UP(float, f32)
ADD_UP(double, f64)

static ig_status distinct_forward(const ig_run *r, ig_error *err) {
    int64_t N = ig_tensor_numel(r->in[0]), C = r->out[1]->shape[1];
    uint64_t *key = r->scratch;
    if (N == 0) return IG_OK;
    IG_TRY(sort_places(r, key, N, err));
    if (r->out[1]->dtype == IG_DTYPE_F32) add_up_f32(r, key, N, C);
    else add_up_f64(r, key, N, C);
    return IG_OK;
}

const ig_op ig_op_distinct_rows = {
    .name = "distinct_rows", .doc = "rows that are looked up, sorted, and what their gradients add up to", .nin_min = 2, .nin_max = 2,
    .nout = 2, .map = -1, .flags = IG_OP_NO_GRAD, .shape = distinct_shape, .scratch = distinct_scratch, .forward = distinct_forward,
};

/* ---- recording ----------------------------------------------------------------------------------------------------------- */

static bool is_zeros(const ig_var *v) { return strcmp(v->node->op->name, "full") == 0 && v->node->attrs.f[0] == 0; }

bool ig_optim_rows_of(ig_graph *g, const ig_param *p, ig_var *gradient, ig_var **rows, ig_var **sums) {
    const ig_node *n = gradient->node;
    if (!p->by_row || p->value.ndim != 2 || strcmp(n->op->name, "scatter_rows") != 0 || !is_zeros(n->in[0])) return false;
    ig_var *in[2] = {n->in[1], n->in[2]};
    *rows = ig_record(g, &ig_op_distinct_rows, in, 2, NULL);
    if (ig_graph_poisoned(g)) return false;
    *sums = &(*rows)->node->out[1];
    return true;
}

/* ---- updating: [settings, norm, scale, rows], then one tuple p [V,C], sums [N,C], states [V,C] -------------------------------- */

ig_status ig_optim_rows_shape(ig_node *n, ig_error *err) {
    const ig_tensor *rows = &n->in[IG_OPTIM_FIXED]->t, *p = &n->in[IG_OPTIM_ROWS_FIXED]->t, *sums = &n->in[IG_OPTIM_ROWS_FIXED + 1]->t;
    IG_TRY(ig_optim_fixed_shape(n, err));
    if (rows->dtype != IG_DTYPE_I64 || rows->ndim != 1 || n->nin != IG_OPTIM_ROWS_FIXED + n->op->mutates_every)
        return ig_error_set(err, IG_E_SHAPE, "expected rows i64 [N] and one parameter");
    bool fits = p->ndim == 2 && sums->ndim == 2 && sums->shape[0] == rows->shape[0] && sums->shape[1] == p->shape[1] && sums->dtype == p->dtype;
    if (!fits || (p->dtype != IG_DTYPE_F32 && p->dtype != IG_DTYPE_F64))
        return ig_error_set(err, IG_E_SHAPE, "the sums do not fit the rows of the table");
    for (int k = 2; k < n->op->mutates_every; k++)
        if (!ig_tensor_same_shape(&n->in[IG_OPTIM_ROWS_FIXED + k]->t, p) || n->in[IG_OPTIM_ROWS_FIXED + k]->t.dtype != p->dtype)
            return ig_error_set(err, IG_E_SHAPE, "a moment differs from its table");
    return IG_OK;
}

typedef struct rows_job {
    const ig_run *r;
    ig_multi_fn *fn;
    const optim_args *args;
    size_t row_bytes;
} rows_job;

static void update_range(void *arg, size_t begin, size_t end, int thread) {
    const rows_job *j = arg;
    const ig_tensor *const *t = j->r->in + IG_OPTIM_ROWS_FIXED;
    const int64_t *rows = j->r->in[IG_OPTIM_FIXED]->data;
    (void)thread;
    for (size_t i = begin; i < end && rows[i] >= 0; i++) {
        void *at[IG_MULTI_MAX] = {0};
        for (int k = 0; k < j->r->node->op->mutates_every; k++) at[k] = (char *)t[k]->data + (k == 1 ? i : (size_t)rows[i]) * j->row_bytes;
        j->fn(j->r->k, j->args, t[0]->dtype, at, (size_t)t[0]->shape[1]);
    }
}

/* Rows are sorted, so the last one that is there is the greatest. */
static ig_status check_rows(const ig_tensor *rows, int64_t V, ig_error *err) {
    const int64_t *row = rows->data;
    for (int64_t i = rows->shape[0]; i-- > 0;)
        if (row[i] >= 0)
            return row[i] < V ? IG_OK : ig_error_set(err, IG_E_ARG, "row %lld of a table of %lld", (long long)row[i],
                                                     (long long)V);
    return IG_OK;
}

ig_status ig_optim_rows_run(const ig_run *r, ig_multi_fn *fn, const optim_args *args, ig_error *err) {
    const ig_tensor *rows = r->in[IG_OPTIM_FIXED], *p = r->in[IG_OPTIM_ROWS_FIXED];
    rows_job j = {.r = r, .fn = fn, .args = args, .row_bytes = (size_t)p->shape[1] * ig_dtype_size(p->dtype)};
    IG_TRY(check_rows(rows, p->shape[0], err));
    ig_parallel_for(r->ctx, (size_t)rows->shape[0], 512, update_range, &j);
    return IG_OK;
}
