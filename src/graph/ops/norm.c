/* graph/ops/norm.c: layer norm (Ba et al. 2016) and RMS norm (Zhang & Sennrich 2019) over the last dimension C.
 *
 *     layer norm   y = x̂·w + b,  x̂ = (x - mean)·rstd,  rstd = 1/√(var + eps)
 *     RMS norm     y = x̂·w,      x̂ = x·rstd,           rstd = 1/√(mean(x²) + eps)
 *
 * The statistics of every row are outputs too, for the gradient.  dw and db are sums over all rows: rows are cut into at
 * most CHUNKS_MAX chunks, each with partial sums of its own in scratch, which are added in order at the end.  The chunks
 * depend on the number of rows only, so the bits do not depend on the number of threads.
 */
#include "graph/ops/ops.h"

#include <string.h>

#define CHUNKS_MAX ((size_t)64)
#define CHUNK_ROWS ((size_t)16) /* at least */

static size_t row_length(const ig_node *n, int k) { return (size_t)ig_dim(n->in[k], -1); }

static size_t row_count(const ig_node *n, int k) {
    size_t c = row_length(n, k);
    return c ? (size_t)ig_tensor_numel(&n->in[k]->t) / c : 0;
}

/* ---- shape -------------------------------------------------------------------------------------------------------------- */

/* Input k must be a real, contiguous [C], C the last size of input x. */
static ig_status need_row(const ig_node *n, int k, int x, ig_error *err) {
    int64_t c = ig_dim(n->in[x], -1);
    IG_TRY(ig_need_real(n, k, true, err));
    return ig_need_shape(n, k, n->in[x]->t.dtype, 1, &c, err);
}

static ig_status need_rows(const ig_node *n, int k, ig_error *err) {
    IG_TRY(ig_need_real(n, k, true, err));
    return n->in[k]->t.ndim ? IG_OK : ig_error_set(err, IG_E_SHAPE, "a scalar has no last dimension");
}

static ig_status norm_shape(ig_node *n, ig_error *err) {
    const ig_tensor *x = &n->in[0]->t;
    IG_TRY(need_rows(n, 0, err));
    for (int k = 1; k < n->nin; k++) IG_TRY(need_row(n, k, 0, err));
    IG_TRY(ig_shape_same(n, err));
    for (int k = 1; k < n->nout; k++) IG_TRY(ig_out_set(n, k, x->dtype, x->ndim - 1, x->shape, err));
    return IG_OK;
}

/* Inputs dy, x, w, statistics …; outputs dx, dw, and db when there is a bias (else an empty one). */
static ig_status norm_grad_shape(ig_node *n, ig_error *err) {
    const ig_tensor *x = &n->in[1]->t;
    int64_t c = ig_dim(n->in[1], -1), none = 0;
    IG_TRY(need_rows(n, 1, err));
    IG_TRY(ig_need_real(n, 0, true, err));
    IG_TRY(ig_need_shape(n, 0, x->dtype, x->ndim, x->shape, err));
    IG_TRY(need_row(n, 2, 1, err));
    for (int k = 3; k < n->nin; k++) {
        IG_TRY(ig_need_real(n, k, true, err));
        IG_TRY(ig_need_shape(n, k, x->dtype, x->ndim - 1, x->shape, err));
    }
    IG_TRY(ig_out_set(n, 0, x->dtype, x->ndim, x->shape, err));
    IG_TRY(ig_out_set(n, 1, x->dtype, 1, &c, err));
    return n->nout == 3 ? ig_out_set(n, 2, x->dtype, 1, n->attrs.i[0] ? &c : &none, err) : IG_OK;
}

/* ---- forward ---------------------------------------------------------------------------------------------------------------- */

typedef struct norm_job {
    const ig_run *r;
    size_t n, rows, chunk; /* length of a row, their number, rows of a chunk */
    size_t sums;           /* rows of partial sums per chunk: dw, and db */
} norm_job;

static void layer_norm_rows(void *arg, size_t begin, size_t end, int thread) {
    const norm_job *j = arg;
    const ig_run *r = j->r;
    const void *x = r->in[0]->data, *w = r->in[1]->data, *b = r->node->nin > 2 ? r->in[2]->data : NULL;
    void *y = r->out[0]->data, *mean = r->out[1]->data, *rstd = r->out[2]->data;
    double eps = r->node->attrs.f[0];
    bool wide = ig_is_f64(r->in[0]);
    (void)thread;
    for (size_t i = begin, at = begin * j->n; i < end; i++, at += j->n) {
        if (wide) r->k->layer_norm_row_f64((double *)y + at, (double *)mean + i, (double *)rstd + i, (const double *)x + at, w, b, eps, j->n);
        else r->k->layer_norm_row((float *)y + at, (float *)mean + i, (float *)rstd + i, (const float *)x + at, w, b, (float)eps, j->n);
    }
}

static void rms_norm_rows(void *arg, size_t begin, size_t end, int thread) {
    const norm_job *j = arg;
    const ig_run *r = j->r;
    const void *x = r->in[0]->data, *w = r->in[1]->data;
    void *y = r->out[0]->data, *rstd = r->out[1]->data;
    double eps = r->node->attrs.f[0];
    bool wide = ig_is_f64(r->in[0]);
    (void)thread;
    for (size_t i = begin, at = begin * j->n; i < end; i++, at += j->n) {
        if (wide) r->k->rms_norm_row_f64((double *)y + at, (double *)rstd + i, (const double *)x + at, w, eps, j->n);
        else r->k->rms_norm_row((float *)y + at, (float *)rstd + i, (const float *)x + at, w, (float)eps, j->n);
    }
}

static ig_status run_rows(const ig_run *r, ig_range_fn *rows) {
    norm_job j = {.r = r, .n = row_length(r->node, 0), .rows = row_count(r->node, 0)};
    if (j.n) ig_parallel_for(r->ctx, j.rows, ig_grain(2 * j.n), rows, &j);
    return IG_OK;
}

static ig_status layer_norm_forward(const ig_run *r, ig_error *err) { (void)err; return run_rows(r, layer_norm_rows); }
static ig_status rms_norm_forward(const ig_run *r, ig_error *err) { (void)err; return run_rows(r, rms_norm_rows); }

/* ---- gradient ------------------------------------------------------------------------------------------------------------------ */

static size_t chunk_rows(size_t rows) {
    size_t even = (rows + CHUNKS_MAX - 1) / CHUNKS_MAX;
    return even > CHUNK_ROWS ? even : CHUNK_ROWS;
}

static size_t chunk_count(size_t rows) { return (rows + chunk_rows(rows) - 1) / chunk_rows(rows); }

static bool has_db(const ig_node *n) { return n->nout == 3 && n->attrs.i[0]; }

static size_t grad_scratch(ig_context *ctx, const ig_node *n) {
    (void)ctx;
    return chunk_count(row_count(n, 1)) * row_length(n, 1) * (has_db(n) ? 2 : 1) * ig_dtype_size(n->in[1]->t.dtype);
}

/* Partial sums of chunk c in scratch: [chunk][dw, db][C]. */
static void *sums_of(const norm_job *j, size_t c, size_t which) {
    return (char *)j->r->scratch + (c * j->sums + which) * j->n * ig_dtype_size(j->r->in[1]->dtype);
}

static void layer_norm_grad_row(const norm_job *j, size_t i, void *dw, void *db) {
    const ig_run *r = j->r;
    const void *dy = r->in[0]->data, *x = r->in[1]->data, *w = r->in[2]->data, *mean = r->in[3]->data, *rstd = r->in[4]->data;
    void *dx = r->out[0]->data;
    size_t at = i * j->n;
    if (ig_is_f64(r->in[1]))
        r->k->layer_norm_grad_row_f64((double *)dx + at, dw, db, (const double *)dy + at, (const double *)x + at, w, ((const double *)mean)[i],
                                      ((const double *)rstd)[i], j->n);
    else
        r->k->layer_norm_grad_row((float *)dx + at, dw, db, (const float *)dy + at, (const float *)x + at, w, ((const float *)mean)[i],
                                  ((const float *)rstd)[i], j->n);
}

static void rms_norm_grad_row(const norm_job *j, size_t i, void *dw) {
    const ig_run *r = j->r;
    const void *dy = r->in[0]->data, *x = r->in[1]->data, *w = r->in[2]->data, *rstd = r->in[3]->data;
    void *dx = r->out[0]->data;
    size_t at = i * j->n;
    if (ig_is_f64(r->in[1]))
        r->k->rms_norm_grad_row_f64((double *)dx + at, dw, (const double *)dy + at, (const double *)x + at, w, ((const double *)rstd)[i], j->n);
    else r->k->rms_norm_grad_row((float *)dx + at, dw, (const float *)dy + at, (const float *)x + at, w, ((const float *)rstd)[i], j->n);
}

static void grad_chunks(void *arg, size_t begin, size_t end, int thread) {
    const norm_job *j = arg;
    size_t bytes = j->n * ig_dtype_size(j->r->in[1]->dtype);
    (void)thread;
    for (size_t c = begin; c < end; c++) {
        void *dw = sums_of(j, c, 0), *db = j->sums == 2 ? sums_of(j, c, 1) : NULL;
        size_t first = c * j->chunk, last = first + j->chunk < j->rows ? first + j->chunk : j->rows;
        memset(dw, 0, bytes * j->sums);
        for (size_t i = first; i < last; i++) {
            if (j->r->node->nout == 3) layer_norm_grad_row(j, i, dw, db);
            else rms_norm_grad_row(j, i, dw);
        }
    }
}

static void add_chunks(void *arg, size_t begin, size_t end, int thread) {
    const norm_job *j = arg;
    const ig_kernels *k = j->r->k;
    size_t chunks = chunk_count(j->rows);
    (void)thread;
    for (size_t which = 0; which < j->sums; which++) {
        void *y = j->r->out[1 + which]->data, *x = sums_of(j, 0, which);
        if (ig_is_f64(j->r->in[1])) k->add_rows_f64((double *)y + begin, (const double *)x + begin, chunks, end - begin, j->sums * j->n);
        else k->add_rows((float *)y + begin, (const float *)x + begin, chunks, end - begin, j->sums * j->n);
    }
}

static ig_status norm_grad_forward(const ig_run *r, ig_error *err) {
    norm_job j = {.r = r, .n = row_length(r->node, 1), .rows = row_count(r->node, 1), .sums = has_db(r->node) ? 2 : 1};
    (void)err;
    if (!j.n) return IG_OK;
    j.chunk = chunk_rows(j.rows);
    ig_parallel_for(r->ctx, chunk_count(j.rows), ig_grain(4 * j.n * j.chunk), grad_chunks, &j);
    ig_parallel_for(r->ctx, j.n, 256, add_chunks, &j);
    return IG_OK;
}

const ig_op ig_op_layer_norm_grad = {
    .name = "layer_norm_grad", .doc = "inputs dy, x, w, mean, rstd; outputs dx, dw, db (empty without bias)", .nin_min = 5, .nin_max = 5, .nout = 3,
    .map = -1, .flags = IG_OP_IN_PLACE | IG_OP_NO_GRAD, .shape = norm_grad_shape, .forward = norm_grad_forward, .scratch = grad_scratch,
    .attr_names = "bias",
};

const ig_op ig_op_rms_norm_grad = {
    .name = "rms_norm_grad", .doc = "inputs dy, x, w, rstd; outputs dx, dw", .nin_min = 4, .nin_max = 4, .nout = 2, .map = -1,
    .flags = IG_OP_IN_PLACE | IG_OP_NO_GRAD, .shape = norm_grad_shape, .forward = norm_grad_forward, .scratch = grad_scratch,
};

/* Only y is differentiable: the statistics are for the gradient alone. */
static void norm_back(ig_graph *g, ig_node *n, ig_var *const *d, ig_var **dx) {
    bool layer = n->nout == 3, bias = n->nin == 3;
    ig_attrs a = {.i = {bias}};
    if (!d[0]) return;
    ig_var *in[] = {ig_contiguous(g, d[0]), n->in[0], n->in[1], &n->out[1], &n->out[n->nout - 1]};
    dx[0] = ig_record(g, layer ? &ig_op_layer_norm_grad : &ig_op_rms_norm_grad, in, layer ? 5 : 4, layer ? &a : NULL);
    if (ig_graph_poisoned(g)) return;
    dx[1] = &dx[0]->node->out[1];
    if (bias) dx[2] = &dx[0]->node->out[2];
}

const ig_op ig_op_layer_norm = {
    .name = "layer_norm", .doc = "(x - mean)/√(var + eps)·w + b over the last dim; outputs y, mean, 1/√(var + eps)   (Ba et al. 2016)",
    .nin_min = 2, .nin_max = 3, .nout = 3, .map = -1, .shape = norm_shape, .forward = layer_norm_forward, .backward = norm_back, .attr_names = ";eps",
};

const ig_op ig_op_rms_norm = {
    .name = "rms_norm", .doc = "x/√(mean x² + eps)·w over the last dim; outputs y, 1/√(mean x² + eps)   (Zhang & Sennrich 2019)", .nin_min = 2,
    .nin_max = 2, .nout = 2, .map = -1, .shape = norm_shape, .forward = rms_norm_forward, .backward = norm_back, .attr_names = ";eps",
};

ig_var *ig_layer_norm(ig_graph *g, ig_var *x, ig_var *w, ig_var *b, double eps) {
    ig_attrs a = {.f = {eps}};
    ig_var *in[] = {ig_contiguous(g, x), ig_contiguous(g, w), b ? ig_contiguous(g, b) : NULL};
    return ig_record(g, &ig_op_layer_norm, in, b ? 3 : 2, &a);
}

ig_var *ig_rms_norm(ig_graph *g, ig_var *x, ig_var *w, double eps) {
    ig_attrs a = {.f = {eps}};
    ig_var *in[] = {ig_contiguous(g, x), ig_contiguous(g, w)};
    return ig_record(g, &ig_op_rms_norm, in, 2, &a);
}
