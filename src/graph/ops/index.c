/* graph/ops/index.c: rows and elements by index.
 *
 * All indices are checked before anything is written.  What several indices point to is added in the order of the
 * indices, always by one thread: rows are cut into ranges of columns, lines along an axis stay whole.  No atomics, so the
 * result has the same bits for any number of threads.
 */
#include "graph/ops/ops.h"

#include <string.h>

/* ---- embedding: table [V,C], indices [...] → [...,C] --------------------------------------------------------------------- */

static ig_status embedding_shape(ig_node *n, ig_error *err) {
    const ig_tensor *table = &n->in[0]->t, *at = &n->in[1]->t;
    int64_t shape[IG_DIMS_MAX + 1];
    IG_TRY(ig_need_indices(n, 1, err));
    if (table->ndim != 2 || !ig_tensor_is_contiguous(table)) return ig_error_set(err, IG_E_SHAPE, "the table must be a contiguous [V,C]");
    memcpy(shape, at->shape, sizeof at->shape);
    shape[at->ndim] = table->shape[1];
    return ig_out_set(n, 0, table->dtype, at->ndim + 1, shape, err);
}

typedef struct rows_job {
    const ig_run *r;
    const ig_tensor *at;
    int64_t rows, columns;
} rows_job;

static void embedding_range(void *arg, size_t begin, size_t end, int thread) {
    const rows_job *j = arg;
    size_t bytes = (size_t)j->columns * ig_dtype_size(j->r->out[0]->dtype);
    char *y = j->r->out[0]->data;
    const char *table = j->r->in[0]->data;
    (void)thread;
    for (size_t i = begin; i < end; i++) memcpy(y + i * bytes, table + (size_t)ig_index_at(j->at, (int64_t)i) * bytes, bytes);
}

static ig_status embedding_forward(const ig_run *r, ig_error *err) {
    const ig_tensor *table = r->in[0], *at = r->in[1];
    rows_job j = {.r = r, .at = at, .rows = ig_tensor_numel(at), .columns = table->shape[1]};
    IG_TRY(ig_check_indices(at, table->shape[0], NULL, "index", err));
    if (j.columns) ig_parallel_for(r->ctx, (size_t)j.rows, ig_grain((size_t)j.columns), embedding_range, &j);
    return IG_OK;
}

static void embedding_back(ig_graph *g, ig_node *n, ig_var *const *d, ig_var **dx) {
    const ig_tensor *table = &n->in[0]->t;
    dx[0] = ig_scatter_rows(g, ig_full(g, table->dtype, 2, table->shape, 0), n->in[1], d[0]);
}

const ig_op ig_op_embedding = {
    .name = "embedding", .doc = "rows of a table: [V,C] at indices [...] gives [...,C]", .nin_min = 2, .nin_max = 2, .nout = 1, .map = -1,
    .shape = embedding_shape, .forward = embedding_forward, .backward = embedding_back,
};

ig_var *ig_embedding(ig_graph *g, ig_var *table, ig_var *indices) {
    ig_var *in[] = {ig_contiguous(g, table), ig_contiguous(g, indices)};
    return ig_record(g, &ig_op_embedding, in, 2, NULL);
}

/* ---- scatter_rows: base [V,C], indices [...], src [...,C] ------------------------------------------------------------------- */

static ig_status scatter_rows_shape(ig_node *n, ig_error *err) {
    const ig_tensor *base = &n->in[0]->t, *at = &n->in[1]->t;
    int64_t shape[IG_DIMS_MAX + 1];
    IG_TRY(ig_need_real(n, 0, true, err));
    IG_TRY(ig_need_indices(n, 1, err));
    IG_TRY(ig_need_real(n, 2, true, err));
    if (base->ndim != 2) return ig_error_set(err, IG_E_SHAPE, "the base must be [V,C]");
    memcpy(shape, at->shape, sizeof at->shape);
    shape[at->ndim] = base->shape[1];
    IG_TRY(ig_need_shape(n, 2, base->dtype, at->ndim + 1, shape, err));
    return ig_shape_same(n, err);
}

#define ADD_ROWS(real, suffix)                                                                                         \
    static void add_rows_##suffix(const rows_job *j, int64_t begin, int64_t end) {                                     \
        real *y = j->r->out[0]->data;                                                                                  \
        const real *src = j->r->in[2]->data;                                                                           \
        for (int64_t i = 0; i < j->rows; i++) {                                                                        \
            real *to = y + ig_index_at(j->at, i) * j->columns;                                                         \
            const real *from = src + i * j->columns;                                                                   \
            for (int64_t c = begin; c < end; c++) to[c] += from[c];                                                    \
        }                                                                                                              \
    }
ADD_ROWS(float, f32)
ADD_ROWS(double, f64)

static void scatter_rows_range(void *arg, size_t begin, size_t end, int thread) {
    const rows_job *j = arg;
    (void)thread;
    if (ig_is_f64(j->r->out[0])) add_rows_f64(j, (int64_t)begin, (int64_t)end);
    else add_rows_f32(j, (int64_t)begin, (int64_t)end);
}

/* What out starts from, unless the plan has put it there already. */
static ig_status start_from_base(const ig_run *r, ig_error *err) {
    return r->out[0]->data == r->in[0]->data ? IG_OK : ig_copy_layout(r->ctx, r->out[0], r->in[0], err);
}

static ig_status scatter_rows_forward(const ig_run *r, ig_error *err) {
    rows_job j = {.r = r, .at = r->in[1], .rows = ig_tensor_numel(r->in[1]), .columns = r->in[0]->shape[1]};
    IG_TRY(ig_check_indices(j.at, r->in[0]->shape[0], NULL, "index", err));
    IG_TRY(start_from_base(r, err));
    size_t grain = ig_grain((size_t)j.rows);
    ig_parallel_for(r->ctx, (size_t)j.columns, grain < 16 ? 16 : grain, scatter_rows_range, &j); /* whole lines of the cache */
    return IG_OK;
}

static void scatter_rows_back(ig_graph *g, ig_node *n, ig_var *const *d, ig_var **dx) {
    if (n->in[0]->requires_grad) dx[0] = d[0];
    if (n->in[2]->requires_grad) dx[2] = ig_embedding(g, d[0], n->in[1]);
}

const ig_op ig_op_scatter_rows = {
    .name = "scatter_rows", .doc = "base with src[i] added to row indices[i]; the gradient of embedding", .nin_min = 3, .nin_max = 3, .nout = 1,
    .map = -1, .flags = IG_OP_IN_PLACE, .shape = scatter_rows_shape, .forward = scatter_rows_forward, .backward = scatter_rows_back,
};

ig_var *ig_scatter_rows(ig_graph *g, ig_var *base, ig_var *indices, ig_var *src) {
    ig_var *in[] = {ig_contiguous(g, base), ig_contiguous(g, indices), ig_contiguous(g, src)};
    return ig_record(g, &ig_op_scatter_rows, in, 3, NULL);
}

/* ---- gather, scatter_add: i = axis ------------------------------------------------------------------------------------------------ */

/* A line is all positions of the indices that differ along the axis only. */
typedef struct lines_job {
    const ig_run *r;
    const ig_tensor *at, *far; /* indices; the tensor that they point into */
    int axis;
    int64_t step;              /* along the axis, in at */
} lines_job;

static lines_job lines_of(const ig_run *r, const ig_tensor *at, const ig_tensor *far) {
    lines_job j = {.r = r, .at = at, .far = far, .axis = (int)r->node->attrs.i[0]};
    j.step = ig_axis_view_of(at, j.axis).inner;
    return j;
}

/* Where line `line` begins in the indices (row-major) and in the far tensor. */
static void line_begin(const lines_job *j, int64_t line, int64_t *near, int64_t *far) {
    int64_t stride = 1;
    *near = *far = 0;
    for (int d = j->at->ndim - 1; d >= 0; d--) {
        int64_t i = d == j->axis ? 0 : line % j->at->shape[d];
        if (d != j->axis) line /= j->at->shape[d];
        *near += i * stride, *far += i * j->far->stride[d];
        stride *= j->at->shape[d];
    }
}

static void for_lines(const lines_job *j, ig_range_fn *fn) {
    int64_t len = j->at->shape[j->axis], n = ig_tensor_numel(j->at);
    if (n) ig_parallel_for(j->r->ctx, (size_t)(n / len), ig_grain(4 * (size_t)len), fn, (void *)(uintptr_t)j);
}

/* indices [k] must not be larger than far [f] anywhere but along the axis. */
static ig_status check_lines(ig_node *n, int far, int at, ig_error *err) {
    const ig_tensor *x = &n->in[far]->t, *i = &n->in[at]->t;
    char a[128], b[128];
    IG_TRY(ig_axis_attr(n, 0, x, err));
    IG_TRY(ig_need_indices(n, at, err));
    bool fits = x->ndim == i->ndim;
    for (int d = 0; fits && d < x->ndim; d++) fits = d == n->attrs.i[0] || i->shape[d] <= x->shape[d];
    if (fits) return IG_OK;
    return ig_error_set(err, IG_E_SHAPE, "indices %s into %s along axis %d", ig_tensor_shape_text(i, a, sizeof a), ig_tensor_shape_text(x, b, sizeof b),
                        (int)n->attrs.i[0]);
}

static ig_status gather_shape(ig_node *n, ig_error *err) {
    IG_TRY(check_lines(n, 0, 1, err));
    return ig_out_set(n, 0, n->in[0]->t.dtype, n->in[1]->t.ndim, n->in[1]->t.shape, err);
}

static void gather_range(void *arg, size_t begin, size_t end, int thread) {
    const lines_job *j = arg;
    size_t size = ig_dtype_size(j->far->dtype);
    int64_t far_step = j->far->stride[j->axis], len = j->at->shape[j->axis];
    (void)thread;
    for (size_t line = begin; line < end; line++) {
        int64_t near, far;
        line_begin(j, (int64_t)line, &near, &far);
        for (int64_t i = 0; i < len; i++, near += j->step)
            memcpy((char *)j->r->out[0]->data + near * (int64_t)size,
                   (const char *)j->far->data + (far + ig_index_at(j->at, near) * far_step) * (int64_t)size, size);
    }
}

static ig_status gather_forward(const ig_run *r, ig_error *err) {
    lines_job j = lines_of(r, r->in[1], r->in[0]);
    IG_TRY(ig_check_indices(j.at, j.far->shape[j.axis], NULL, "index", err));
    for_lines(&j, gather_range);
    return IG_OK;
}

static void gather_back(ig_graph *g, ig_node *n, ig_var *const *d, ig_var **dx) {
    const ig_tensor *x = &n->in[0]->t;
    dx[0] = ig_scatter_add(g, ig_full(g, x->dtype, x->ndim, x->shape, 0), (int)n->attrs.i[0], n->in[1], d[0]);
}

const ig_op ig_op_gather = {
    .name = "gather", .doc = "y[…,i,…] = x[…,indices[…,i,…],…] along the axis, as torch.gather", .nin_min = 2, .nin_max = 2, .nout = 1, .map = -1,
    .shape = gather_shape, .forward = gather_forward, .backward = gather_back, .attr_names = "axis",
};

ig_var *ig_gather(ig_graph *g, ig_var *x, int axis, ig_var *indices) {
    ig_attrs a = {.i = {axis}};
    ig_var *in[] = {x, ig_contiguous(g, indices)};
    return ig_record(g, &ig_op_gather, in, 2, &a);
}

static ig_status scatter_add_shape(ig_node *n, ig_error *err) {
    const ig_tensor *at = &n->in[1]->t;
    IG_TRY(ig_need_real(n, 0, true, err));
    IG_TRY(ig_need_real(n, 2, true, err));
    IG_TRY(check_lines(n, 0, 1, err));
    IG_TRY(ig_need_shape(n, 2, n->in[0]->t.dtype, at->ndim, at->shape, err));
    return ig_shape_same(n, err);
}

static void scatter_add_range(void *arg, size_t begin, size_t end, int thread) {
    const lines_job *j = arg;
    const void *src = j->r->in[2]->data;
    void *y = j->far->data;
    int64_t far_step = j->far->stride[j->axis], len = j->at->shape[j->axis];
    bool wide = ig_is_f64(j->far);
    (void)thread;
    for (size_t line = begin; line < end; line++) {
        int64_t near, far;
        line_begin(j, (int64_t)line, &near, &far);
        for (int64_t i = 0; i < len; i++, near += j->step) {
            int64_t to = far + ig_index_at(j->at, near) * far_step;
            if (wide) ((double *)y)[to] += ((const double *)src)[near];
            else ((float *)y)[to] += ((const float *)src)[near];
        }
    }
}

static ig_status scatter_add_forward(const ig_run *r, ig_error *err) {
    lines_job j = lines_of(r, r->in[1], r->out[0]);
    IG_TRY(ig_check_indices(j.at, j.far->shape[j.axis], NULL, "index", err));
    IG_TRY(start_from_base(r, err));
    for_lines(&j, scatter_add_range);
    return IG_OK;
}

static void scatter_add_back(ig_graph *g, ig_node *n, ig_var *const *d, ig_var **dx) {
    if (n->in[0]->requires_grad) dx[0] = d[0];
    if (n->in[2]->requires_grad) dx[2] = ig_gather(g, d[0], (int)n->attrs.i[0], n->in[1]);
}

const ig_op ig_op_scatter_add = {
    .name = "scatter_add", .doc = "base with src added at indices along the axis, as torch.scatter_add", .nin_min = 3, .nin_max = 3, .nout = 1,
    .map = -1, .flags = IG_OP_IN_PLACE, .shape = scatter_add_shape, .forward = scatter_add_forward, .backward = scatter_add_back, .attr_names = "axis",
};

ig_var *ig_scatter_add(ig_graph *g, ig_var *base, int axis, ig_var *indices, ig_var *src) {
    ig_attrs a = {.i = {axis}};
    ig_var *in[] = {ig_contiguous(g, base), ig_contiguous(g, indices), ig_contiguous(g, src)};
    return ig_record(g, &ig_op_scatter_add, in, 3, &a);
}
