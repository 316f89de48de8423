/* graph/ops/reduce.c: sums, means and maxima over any set of axes, and cumulative sums.
 *
 * Neighbouring axes that are both reduced or both kept are joined, so that x becomes an alternation of the two:
 *
 *     … kept, reduced, kept, reduced                 ends reduced: the inner loop folds a row into one number
 *     … kept, reduced, kept, reduced, kept           ends kept: the inner loop adds rows of numbers
 *
 * Long folds are cut into pieces whose partial results stand in scratch and are folded in order at the end.  Pieces depend
 * on the shape only, so the result does not depend on the number of threads.
 */
#include "graph/ops/ops.h"
#include "tensor/map.h"

#include <string.h>

#define PIECE ((int64_t)16384)  /* elements of a row that are folded at once */
#define STRIP ((int64_t)4096)   /* columns that one item adds up */
#define PIECES_MAX ((int64_t)64) /* of rows */
#define ITEMS_ENOUGH ((int64_t)64) /* without cutting: enough for any number of threads that one machine has */

/* ---- how x is walked -------------------------------------------------------------------------------------------------- */

typedef struct walk {
    int kept_n, red_n; /* outer dims, after joining */
    int64_t kept_size[IG_DIMS_MAX], kept_stride[IG_DIMS_MAX], red_size[IG_DIMS_MAX], red_stride[IG_DIMS_MAX];
    int64_t outputs, repeats; /* products of the outer sizes */
    bool row;                 /* ends reduced */
    int64_t n;                /* inner: length of the row, or number of columns */
    int64_t rows;             /* columns: rows that lie one after the other */
    int64_t piece, pieces;    /* elements (row) or rows (columns) of a piece, and their number */
    int64_t strips;           /* of columns */
} walk;

/* Join axes: size[i], reduced[i]. */
static int join_axes(const ig_tensor *x, uint32_t axes, int64_t *size, bool *reduced) {
    int m = 0;
    for (int d = 0; d < x->ndim; d++) {
        bool r = axes >> d & 1;
        if (x->shape[d] == 1) continue;
        if (m && reduced[m - 1] == r) size[m - 1] *= x->shape[d];
        else size[m] = x->shape[d], reduced[m++] = r;
    }
    return m;
}

static void outer_dims(walk *w, int m, const int64_t *size, const bool *reduced) {
    int64_t stride = w->n * w->rows;
    w->outputs = w->repeats = 1;
    for (int i = m - 1; i >= 0; i--) {
        if (reduced[i]) w->red_size[w->red_n] = size[i], w->red_stride[w->red_n++] = stride, w->repeats *= size[i];
        else w->kept_size[w->kept_n] = size[i], w->kept_stride[w->kept_n++] = stride, w->outputs *= size[i];
        stride *= size[i];
    }
}

static int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

static void cut(walk *w) {
    int64_t items = w->outputs * w->repeats;
    w->strips = w->row ? 1 : divide_up(w->n, STRIP);
    if (w->row) {
        w->piece = items < ITEMS_ENOUGH ? PIECE : w->n;
        w->pieces = divide_up(w->n, w->piece);
    } else {
        int64_t pieces = items * w->strips < ITEMS_ENOUGH ? divide_up(w->rows * w->n, 4 * PIECE) : 1;
        if (pieces > PIECES_MAX) pieces = PIECES_MAX;
        w->piece = divide_up(w->rows, pieces);
        w->pieces = divide_up(w->rows, w->piece);
    }
}

static walk walk_of(const ig_tensor *x, uint32_t axes) {
    walk w = {.n = 1, .rows = 1, .row = true};
    int64_t size[IG_DIMS_MAX];
    bool reduced[IG_DIMS_MAX];
    int m = join_axes(x, axes, size, reduced);
    if (ig_tensor_numel(x) == 0) return w;
    if (m) w.n = size[--m], w.row = reduced[m];
    if (!w.row && m) w.rows = size[--m]; /* the one before a kept one is reduced */
    outer_dims(&w, m, size, reduced);
    cut(&w);
    return w;
}

/* The outer dims are listed from the innermost. */
static int64_t offset_of(int n, const int64_t *size, const int64_t *stride, int64_t index) {
    int64_t offset = 0;
    for (int i = 0; i < n; i++) offset += index % size[i] * stride[i], index /= size[i];
    return offset;
}

/* ---- folding ------------------------------------------------------------------------------------------------------------ */

typedef struct fold {
    const ig_kernels *k;
    walk w;
    bool max, wide; /* maximum instead of sum; f64 instead of f32 */
    const void *x;
    void *partial, *y; /* the same when there is one piece only */
} fold;

/* NaN wins, as in the row kernel. */
#define MAX_COLUMNS(real, suffix)                                                                                      \
    static void max_columns_##suffix(real *y, const real *x, size_t rows, size_t n, size_t ld) {                       \
        memcpy(y, x, n * sizeof *y);                                                                                   \
        for (size_t r = 1; r < rows; r++)                                                                              \
            for (size_t j = 0; j < n; j++) {                                                                           \
                real v = x[r * ld + j];                                                                                \
                y[j] = v > y[j] || v != v ? v : y[j];                                                                  \
            }                                                                                                          \
    }
MAX_COLUMNS(float, f32)
MAX_COLUMNS(double, f64)

static void fold_row(const fold *f, void *y, int64_t at, const void *x, int64_t from, int64_t n) {
    if (f->wide) ((double *)y)[at] = (f->max ? f->k->row_max_f64 : f->k->row_sum_f64)((const double *)x + from, (size_t)n);
    else ((float *)y)[at] = (f->max ? f->k->row_max : f->k->row_sum)((const float *)x + from, (size_t)n);
}

static void fold_columns(const fold *f, void *y, int64_t at, const void *x, int64_t from, int64_t rows, int64_t n, int64_t ld) {
    size_t r = (size_t)rows, c = (size_t)n, l = (size_t)ld;
    if (f->wide) (f->max ? max_columns_f64 : f->k->add_rows_f64)((double *)y + at, (const double *)x + from, r, c, l);
    else (f->max ? max_columns_f32 : f->k->add_rows)((float *)y + at, (const float *)x + from, r, c, l);
}

static int64_t at_most(int64_t a, int64_t b) { return a < b ? a : b; }

/* Item = (((output·repeats + repeat)·pieces + piece)·strips + strip): one partial result. */
static void fold_items(void *arg, size_t begin, size_t end, int thread) {
    const fold *f = arg;
    const walk *w = &f->w;
    (void)thread;
    for (int64_t i = (int64_t)begin; i < (int64_t)end; i++) {
        int64_t strip = i % w->strips, part = i / w->strips, p = part % w->pieces, block = part / w->pieces;
        int64_t from = offset_of(w->kept_n, w->kept_size, w->kept_stride, block / w->repeats) +
                       offset_of(w->red_n, w->red_size, w->red_stride, block % w->repeats);
        if (w->row) {
            fold_row(f, f->partial, part, f->x, from + p * w->piece, at_most(w->piece, w->n - p * w->piece));
        } else {
            int64_t column = strip * STRIP;
            fold_columns(f, f->partial, part * w->n + column, f->x, from + p * w->piece * w->n + column,
                         at_most(w->piece, w->rows - p * w->piece), at_most(STRIP, w->n - column), w->n);
        }
    }
}

/* Item = output·strips + strip: the partial results of one output, in order. */
static void fold_partials(void *arg, size_t begin, size_t end, int thread) {
    const fold *f = arg;
    const walk *w = &f->w;
    int64_t parts = w->repeats * w->pieces;
    (void)thread;
    for (int64_t i = (int64_t)begin; i < (int64_t)end; i++) {
        int64_t o = i / w->strips, column = i % w->strips * STRIP;
        if (w->row) fold_row(f, f->y, o, f->partial, o * parts, parts);
        else fold_columns(f, f->y, o * w->n + column, f->partial, o * parts * w->n + column, parts, at_most(STRIP, w->n - column), w->n);
    }
}

static void run_fold(const ig_run *r, uint32_t axes, bool max) {
    const ig_tensor *x = r->in[0], *y = r->out[0];
    fold f = {.k = r->k, .w = walk_of(x, axes), .max = max, .wide = ig_is_f64(x), .x = x->data, .y = y->data};
    const walk *w = &f.w;
    int64_t parts = w->repeats * w->pieces, width = w->row ? 1 : at_most(STRIP, w->n);
    f.partial = parts > 1 ? r->scratch : f.y;
    ig_parallel_for(r->ctx, (size_t)(w->outputs * parts * w->strips), ig_grain((size_t)(w->row ? w->piece : w->piece * width)), fold_items, &f);
    if (parts > 1) ig_parallel_for(r->ctx, (size_t)(w->outputs * w->strips), ig_grain((size_t)(parts * width)), fold_partials, &f);
}

static size_t fold_scratch(const ig_tensor *x, uint32_t axes) {
    walk w = walk_of(x, axes);
    if (ig_tensor_numel(x) == 0 || w.repeats * w.pieces == 1) return 0;
    return (size_t)(w.outputs * w.repeats * w.pieces * (w.row ? 1 : w.n)) * ig_dtype_size(x->dtype);
}

/* ---- sum, mean, max: i = axes, keepdim --------------------------------------------------------------------------------- */

static ig_status reduce_shape(ig_node *n, ig_error *err) {
    const ig_tensor *x = &n->in[0]->t;
    int64_t shape[IG_DIMS_MAX], *axes = &n->attrs.i[0];
    int ndim = 0;
    IG_TRY(ig_need_real(n, 0, true, err));
    if (*axes == 0) *axes = (1 << x->ndim) - 1;
    if (*axes < 0 || *axes >> x->ndim) return ig_error_set(err, IG_E_SHAPE, "axes %llx of a tensor with %d dimensions", (unsigned long long)*axes, x->ndim);
    for (int d = 0; d < x->ndim; d++) {
        if (!(*axes >> d & 1)) shape[ndim++] = x->shape[d];
        else if (n->attrs.i[1]) shape[ndim++] = 1;
    }
    return ig_out_set(n, 0, x->dtype, ndim, shape, err);
}

static ig_status max_shape(ig_node *n, ig_error *err) {
    IG_TRY(reduce_shape(n, err));
    if (ig_tensor_numel(&n->in[0]->t) == 0 && ig_tensor_numel(&n->out[0].t) > 0)
        return ig_error_set(err, IG_E_SHAPE, "the maximum of no elements");
    return IG_OK;
}

static uint32_t axes_of(const ig_node *n) { return (uint32_t)n->attrs.i[0]; }

static ig_status sum_over(const ig_run *r, uint32_t axes) {
    if (ig_tensor_numel(r->in[0]) == 0) memset(r->out[0]->data, 0, ig_tensor_bytes(r->out[0]));
    else run_fold(r, axes, false);
    return IG_OK;
}

static ig_status sum_forward(const ig_run *r, ig_error *err) {
    (void)err;
    return sum_over(r, axes_of(r->node));
}

static double reduced_count(const ig_node *n) {
    double count = 1;
    for (int d = 0; d < n->in[0]->t.ndim; d++)
        if (axes_of(n) >> d & 1) count *= (double)n->in[0]->t.shape[d];
    return count;
}

static ig_status mean_forward(const ig_run *r, ig_error *err) {
    ig_map_program p = {.steps = 1, .inputs = 1, .outputs = 1};
    p.step[0] = (ig_map_step){.map = IG_MAP_affine, .key = -1, .f = {1 / reduced_count(r->node), 0}};
    IG_TRY(sum_forward(r, err));
    ig_map_run(r->ctx, &p, r->out, r->out);
    return IG_OK;
}

static ig_status max_forward(const ig_run *r, ig_error *err) {
    (void)err;
    if (ig_tensor_numel(r->in[0]) > 0) run_fold(r, axes_of(r->node), true);
    return IG_OK;
}

static size_t reduce_scratch(ig_context *ctx, const ig_node *n) {
    (void)ctx;
    return fold_scratch(&n->in[0]->t, axes_of(n));
}

/* A reduced value (or its gradient), back in the shape of x, as a view. */
static ig_var *spread(ig_graph *g, const ig_node *n, ig_var *v) {
    const ig_tensor *x = &n->in[0]->t;
    int64_t kept[IG_DIMS_MAX];
    for (int d = 0; d < x->ndim; d++) kept[d] = axes_of(n) >> d & 1 ? 1 : x->shape[d];
    return ig_broadcast(g, ig_reshape(g, v, x->ndim, kept), x->ndim, x->shape);
}

static void sum_back(ig_graph *g, ig_node *n, ig_var *const *d, ig_var **dx) { dx[0] = spread(g, n, d[0]); }

static void mean_back(ig_graph *g, ig_node *n, ig_var *const *d, ig_var **dx) {
    dx[0] = spread(g, n, ig_affine(g, d[0], 1 / reduced_count(n), 0));
}

/* Shared evenly among equals, as torch.amax does. */
static void max_back(ig_graph *g, ig_node *n, ig_var *const *d, ig_var **dx) {
    ig_var *best = ig_cast(g, ig_eq(g, n->in[0], spread(g, n, &n->out[0])), n->in[0]->t.dtype);
    ig_var *share = ig_div(g, d[0], ig_sum(g, best, axes_of(n), n->attrs.i[1] != 0));
    dx[0] = ig_mul(g, best, spread(g, n, share));
}

#define REDUCTION(op_name, words)                                                                                      \
    .name = #op_name, .doc = words, .nin_min = 1, .nin_max = 1, .nout = 1, .map = -1, .forward = op_name##_forward,    \
    .backward = op_name##_back, .scratch = reduce_scratch, .attr_names = "axes,keepdim"

const ig_op ig_op_sum = {REDUCTION(sum, "sum over the axes in a bit set (0: all)"), .shape = reduce_shape};
const ig_op ig_op_mean = {REDUCTION(mean, "mean over the axes in a bit set (0: all)"), .shape = reduce_shape};
const ig_op ig_op_max = {REDUCTION(max, "maximum over the axes in a bit set (0: all); NaN wins"), .shape = max_shape};

static ig_var *reduce(ig_graph *g, const ig_op *op, ig_var *x, uint32_t axes, bool keepdim) {
    ig_attrs a = {.i = {axes, keepdim}};
    ig_var *dense = ig_contiguous(g, x);
    return ig_record(g, op, &dense, 1, &a);
}

ig_var *ig_sum(ig_graph *g, ig_var *x, uint32_t axes, bool keepdim) { return reduce(g, &ig_op_sum, x, axes, keepdim); }
ig_var *ig_mean(ig_graph *g, ig_var *x, uint32_t axes, bool keepdim) { return reduce(g, &ig_op_mean, x, axes, keepdim); }
ig_var *ig_max(ig_graph *g, ig_var *x, uint32_t axes, bool keepdim) { return reduce(g, &ig_op_max, x, axes, keepdim); }

/* ---- sum_to: i = ndim, shape… --------------------------------------------------------------------------------------------- */

/* The axes of x that were broadcast from `shape`. */
static ig_status broadcast_axes(const ig_tensor *x, int ndim, const int64_t *shape, uint32_t *axes, ig_error *err) {
    ig_tensor to, view;
    IG_TRY(ig_tensor_describe(&to, x->dtype, ndim, shape, err));
    IG_TRY(ig_tensor_broadcast(&view, &to, x->ndim, x->shape, err));
    *axes = 0;
    for (int d = 0; d < x->ndim; d++) {
        int j = d - (x->ndim - ndim);
        if (j < 0 || (shape[j] == 1 && x->shape[d] != 1)) *axes |= 1u << d;
    }
    return IG_OK;
}

static ig_status sum_to_shape(ig_node *n, ig_error *err) {
    const int64_t *i = n->attrs.i;
    uint32_t axes;
    IG_TRY(ig_need_real(n, 0, true, err));
    if (i[0] < 0 || i[0] > IG_DIMS_MAX) return ig_error_set(err, IG_E_SHAPE, "%lld dimensions", (long long)i[0]);
    IG_TRY(broadcast_axes(&n->in[0]->t, (int)i[0], i + 1, &axes, err));
    return ig_out_set(n, 0, n->in[0]->t.dtype, (int)i[0], i + 1, err);
}

static uint32_t sum_to_axes(const ig_node *n) {
    uint32_t axes = 0;
    broadcast_axes(&n->in[0]->t, (int)n->attrs.i[0], n->attrs.i + 1, &axes, NULL); /* the shape rule has checked it */
    return axes;
}

static ig_status sum_to_forward(const ig_run *r, ig_error *err) {
    (void)err;
    return sum_over(r, sum_to_axes(r->node));
}

static size_t sum_to_scratch(ig_context *ctx, const ig_node *n) {
    (void)ctx;
    return fold_scratch(&n->in[0]->t, sum_to_axes(n));
}

static void sum_to_back(ig_graph *g, ig_node *n, ig_var *const *d, ig_var **dx) {
    dx[0] = ig_broadcast(g, d[0], n->in[0]->t.ndim, n->in[0]->t.shape);
}

const ig_op ig_op_sum_to = {
    .name = "sum_to", .doc = "sum over what a broadcast from this shape has repeated", .nin_min = 1, .nin_max = 1, .nout = 1, .map = -1,
    .shape = sum_to_shape, .forward = sum_to_forward, .backward = sum_to_back, .scratch = sum_to_scratch,
    .attr_names = "ndim,size0,size1,size2,size3,size4,size5",
};

ig_var *ig_sum_to(ig_graph *g, ig_var *x, int ndim, const int64_t *shape) {
    ig_attrs a = {.i = {ndim}};
    if (ig_graph_poisoned(g)) return x;
    if (ndim < 0 || ndim > IG_DIMS_MAX) return ig_poison(g, IG_E_SHAPE, "sum_to: %d dimensions", ndim);
    if (ndim == x->t.ndim && memcmp(shape, x->t.shape, sizeof *shape * (size_t)ndim) == 0) return x;
    if (ndim) memcpy(a.i + 1, shape, sizeof *shape * (size_t)ndim);
    ig_var *dense = ig_contiguous(g, x);
    return ig_record(g, &ig_op_sum_to, &dense, 1, &a);
}

/* ---- argmax: i = axis ----------------------------------------------------------------------------------------------------- */

static ig_status argmax_shape(ig_node *n, ig_error *err) {
    const ig_tensor *x = &n->in[0]->t;
    int64_t shape[IG_DIMS_MAX];
    int ndim = 0;
    IG_TRY(ig_need_real(n, 0, true, err));
    IG_TRY(ig_axis_attr(n, 0, x, err));
    if (x->shape[n->attrs.i[0]] == 0) return ig_error_set(err, IG_E_SHAPE, "the largest of no elements");
    for (int d = 0; d < x->ndim; d++)
        if (d != n->attrs.i[0]) shape[ndim++] = x->shape[d];
    return ig_out_set(n, 0, IG_DTYPE_I64, ndim, shape, err);
}

typedef struct axis_job {
    const ig_run *r;
    ig_axis_view v;
    bool reverse;
    int64_t strips;
} axis_job;

/* The first of equals; the first NaN if there is one. */
#define LARGEST(real, suffix)                                                                                          \
    static int64_t largest_##suffix(const real *x, int64_t n, int64_t step) {                                          \
        int64_t best = 0;                                                                                              \
        for (int64_t i = 1; i < n && x[best * step] == x[best * step]; i++)                                            \
            if (x[i * step] > x[best * step] || x[i * step] != x[i * step]) best = i;                                  \
        return best;                                                                                                   \
    }
LARGEST(float, f32)
LARGEST(double, f64)

static void argmax_range(void *arg, size_t begin, size_t end, int thread) {
    const axis_job *j = arg;
    const ig_tensor *x = j->r->in[0];
    int64_t *y = j->r->out[0]->data, inner = j->v.inner, len = j->v.len;
    (void)thread;
    for (int64_t i = (int64_t)begin; i < (int64_t)end; i++) {
        int64_t at = i / inner * len * inner + i % inner;
        y[i] = ig_is_f64(x) ? largest_f64((const double *)x->data + at, len, inner) : largest_f32((const float *)x->data + at, len, inner);
    }
}

static ig_status argmax_forward(const ig_run *r, ig_error *err) {
    axis_job j = {.r = r, .v = ig_axis_view_of(r->in[0], (int)r->node->attrs.i[0])};
    (void)err;
    ig_parallel_for(r->ctx, (size_t)(j.v.outer * j.v.inner), ig_grain((size_t)j.v.len), argmax_range, &j);
    return IG_OK;
}

const ig_op ig_op_argmax = {
    .name = "argmax", .doc = "where along the axis the largest is, as i64; the first of equals", .nin_min = 1, .nin_max = 1, .nout = 1,
    .map = -1, .flags = IG_OP_NO_GRAD, .shape = argmax_shape, .forward = argmax_forward, .attr_names = "axis",
};

ig_var *ig_argmax(ig_graph *g, ig_var *x, int axis) {
    ig_attrs a = {.i = {axis}};
    ig_var *dense = ig_contiguous(g, x);
    return ig_record(g, &ig_op_argmax, &dense, 1, &a);
}

/* ---- cumsum: i = axis, reverse ---------------------------------------------------------------------------------------------- */

static ig_status cumsum_shape(ig_node *n, ig_error *err) {
    IG_TRY(ig_need_real(n, 0, true, err));
    IG_TRY(ig_axis_attr(n, 0, &n->in[0]->t, err));
    return ig_shape_same(n, err);
}

/* Columns [0,width) of one [len][inner] block, from `first` in steps of one row. */
#define RUNNING(real, suffix)                                                                                          \
    static void running_##suffix(real *y, const real *x, int64_t len, int64_t inner, int64_t width, bool reverse) {    \
        for (int64_t i = 0; i < len; i++) {                                                                            \
            int64_t row = (reverse ? len - 1 - i : i) * inner, before = row + (reverse ? inner : -inner);              \
            for (int64_t c = 0; c < width; c++) y[row + c] = i ? y[before + c] + x[row + c] : x[row + c];              \
        }                                                                                                              \
    }
RUNNING(float, f32)
RUNNING(double, f64)

static void cumsum_range(void *arg, size_t begin, size_t end, int thread) {
    const axis_job *j = arg;
    const ig_tensor *x = j->r->in[0], *y = j->r->out[0];
    (void)thread;
    for (int64_t i = (int64_t)begin; i < (int64_t)end; i++) {
        int64_t column = i % j->strips * STRIP, at = i / j->strips * j->v.len * j->v.inner + column;
        int64_t width = at_most(STRIP, j->v.inner - column);
        if (ig_is_f64(x)) running_f64((double *)y->data + at, (const double *)x->data + at, j->v.len, j->v.inner, width, j->reverse);
        else running_f32((float *)y->data + at, (const float *)x->data + at, j->v.len, j->v.inner, width, j->reverse);
    }
}

static ig_status cumsum_forward(const ig_run *r, ig_error *err) {
    axis_job j = {.r = r, .v = ig_axis_view_of(r->in[0], (int)r->node->attrs.i[0]), .reverse = r->node->attrs.i[1] != 0};
    (void)err;
    if (ig_tensor_numel(r->in[0]) == 0) return IG_OK;
    j.strips = divide_up(j.v.inner, STRIP);
    ig_parallel_for(r->ctx, (size_t)(j.v.outer * j.strips), ig_grain((size_t)(j.v.len * at_most(STRIP, j.v.inner))), cumsum_range, &j);
    return IG_OK;
}

static void cumsum_back(ig_graph *g, ig_node *n, ig_var *const *d, ig_var **dx) {
    dx[0] = ig_cumsum(g, d[0], (int)n->attrs.i[0], n->attrs.i[1] == 0);
}

const ig_op ig_op_cumsum = {
    .name = "cumsum", .doc = "y[i] = x[0] + … + x[i] along the axis; reverse: x[i] + … + x[last]", .nin_min = 1, .nin_max = 1, .nout = 1,
    .map = -1, .flags = IG_OP_IN_PLACE, .shape = cumsum_shape, .forward = cumsum_forward, .backward = cumsum_back, .attr_names = "axis,reverse",
};

ig_var *ig_cumsum(ig_graph *g, ig_var *x, int axis, bool reverse) {
    ig_attrs a = {.i = {axis, reverse}};
    ig_var *dense = ig_contiguous(g, x);
    return ig_record(g, &ig_op_cumsum, &dense, 1, &a);
}
