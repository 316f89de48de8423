/* graph/ops/shape.c: views, and what copies between layouts.
 *
 * A view is a node that runs nothing: its shape rule gives sizes and strides, its `view` the offset into input 0.
 * concat and slice_grad lay their result out in the order in which the first input lies in memory, so that the gradient
 * of a transposed, split view (the heads of a fused projection) turns back into a matrix without another copy.
 */
#include "graph/ops/ops.h"

#include <string.h>

/* Output k = this view, without memory yet. */
static void set_view(ig_node *n, int k, const ig_tensor *view) {
    n->out[k].t = *view;
    n->out[k].t.data = NULL, n->out[k].t.storage = NULL;
}

/* An axis or size from the attributes as an int; what does not fit is refused by whoever checks it. */
static int as_int(int64_t v) { return v < INT32_MIN || v > INT32_MAX ? INT32_MAX : (int)v; }

static bool same_sizes(const ig_tensor *t, int ndim, const int64_t *shape) {
    return ndim == t->ndim && memcmp(shape, t->shape, sizeof *shape * (size_t)ndim) == 0;
}

#define VIEW_ROW(op_name, functions, words)                                                                            \
    .name = op_name, .doc = words, .nin_min = 1, .nin_max = 1, .map = -1, .flags = IG_OP_VIEW, .shape = functions##_shape, .backward = functions##_back

/* ---- reshape, broadcast: i = ndim, shape… --------------------------------------------------------------------------------- */

static ig_status reshape_shape(ig_node *n, ig_error *err) {
    ig_tensor view;
    IG_TRY(ig_tensor_reshape(&view, &n->in[0]->t, as_int(n->attrs.i[0]), n->attrs.i + 1, err));
    set_view(n, 0, &view);
    return IG_OK;
}

static void reshape_back(ig_graph *g, ig_node *n, ig_var *const *d, ig_var **dx) {
    dx[0] = ig_reshape(g, d[0], n->in[0]->t.ndim, n->in[0]->t.shape);
}

static ig_status broadcast_shape(ig_node *n, ig_error *err) {
    ig_tensor view;
    IG_TRY(ig_tensor_broadcast(&view, &n->in[0]->t, as_int(n->attrs.i[0]), n->attrs.i + 1, err));
    set_view(n, 0, &view);
    return IG_OK;
}

static void broadcast_back(ig_graph *g, ig_node *n, ig_var *const *d, ig_var **dx) {
    dx[0] = ig_sum_to(g, d[0], n->in[0]->t.ndim, n->in[0]->t.shape);
}

#define SIZES "ndim,size0,size1,size2,size3,size4,size5"
const ig_op ig_op_reshape = {VIEW_ROW("reshape", reshape, "the same elements in another shape; one size may be -1"), .nout = 1, .attr_names = SIZES};
const ig_op ig_op_broadcast = {VIEW_ROW("broadcast", broadcast, "sizes of 1 repeated, and dimensions added in front"), .nout = 1, .attr_names = SIZES};

static bool put_sizes(ig_graph *g, const char *name, ig_attrs *a, int ndim, const int64_t *shape) {
    if (ndim < 0 || ndim > IG_DIMS_MAX) {
        ig_poison(g, IG_E_SHAPE, "%s to %d dimensions; at most %d are possible", name, ndim, IG_DIMS_MAX);
        return false;
    }
    a->i[0] = ndim;
    if (ndim) memcpy(a->i + 1, shape, sizeof *shape * (size_t)ndim);
    return true;
}

ig_var *ig_reshape(ig_graph *g, ig_var *x, int ndim, const int64_t *shape) {
    ig_attrs a = {0};
    ig_tensor view;
    if (ig_graph_poisoned(g) || !put_sizes(g, "reshape", &a, ndim, shape) || same_sizes(&x->t, ndim, shape)) return x;
    if (!ig_tensor_is_contiguous(&x->t) && ig_tensor_reshape(&view, &x->t, ndim, shape, NULL) != IG_OK) x = ig_contiguous(g, x);
    return ig_record(g, &ig_op_reshape, &x, 1, &a);
}

ig_var *ig_broadcast(ig_graph *g, ig_var *x, int ndim, const int64_t *shape) {
    ig_attrs a = {0};
    if (ig_graph_poisoned(g) || !put_sizes(g, "broadcast", &a, ndim, shape) || same_sizes(&x->t, ndim, shape)) return x;
    return ig_record(g, &ig_op_broadcast, &x, 1, &a);
}

/* ---- transpose: i = a, b ------------------------------------------------------------------------------------------------------ */

static ig_status transpose_shape(ig_node *n, ig_error *err) {
    ig_tensor view;
    IG_TRY(ig_tensor_transpose(&view, &n->in[0]->t, as_int(n->attrs.i[0]), as_int(n->attrs.i[1]), err));
    set_view(n, 0, &view);
    return IG_OK;
}

static void transpose_back(ig_graph *g, ig_node *n, ig_var *const *d, ig_var **dx) {
    dx[0] = ig_transpose(g, d[0], (int)n->attrs.i[0], (int)n->attrs.i[1]);
}

const ig_op ig_op_transpose = {VIEW_ROW("transpose", transpose, "two dimensions exchanged"), .nout = 1, .attr_names = "a,b"};

ig_var *ig_transpose(ig_graph *g, ig_var *x, int a, int b) {
    ig_attrs at = {.i = {a, b}};
    return ig_record(g, &ig_op_transpose, &x, 1, &at);
}

/* ---- slice: i = axis, begin, end; and its gradient: i = axis, begin, size ---------------------------------------------------------- */

static ig_status slice_shape(ig_node *n, ig_error *err) {
    ig_tensor view;
    IG_TRY(ig_axis_attr(n, 0, &n->in[0]->t, err));
    IG_TRY(ig_tensor_slice(&view, &n->in[0]->t, (int)n->attrs.i[0], n->attrs.i[1], n->attrs.i[2], err));
    set_view(n, 0, &view);
    return IG_OK;
}

static size_t slice_view(const ig_node *n, int output) {
    (void)output;
    return (size_t)(n->attrs.i[1] * n->in[0]->t.stride[n->attrs.i[0]]);
}

static void slice_back(ig_graph *g, ig_node *n, ig_var *const *d, ig_var **dx) {
    ig_attrs a = {.i = {n->attrs.i[0], n->attrs.i[1], n->in[0]->t.shape[n->attrs.i[0]]}};
    dx[0] = ig_record(g, &ig_op_slice_grad, &d[0], 1, &a);
}

const ig_op ig_op_slice = {VIEW_ROW("slice", slice, "elements begin … end-1 along the axis"), .nout = 1, .view = slice_view, .attr_names = "axis,begin,end"};

ig_var *ig_slice(ig_graph *g, ig_var *x, int axis, int64_t begin, int64_t end) {
    ig_attrs a = {.i = {axis, begin, end}};
    return ig_record(g, &ig_op_slice, &x, 1, &a);
}

static ig_status slice_grad_shape(ig_node *n, ig_error *err) {
    const ig_tensor *dy = &n->in[0]->t;
    const int64_t *i = n->attrs.i;
    int64_t shape[IG_DIMS_MAX];
    IG_TRY(ig_axis_attr(n, 0, dy, err));
    if (i[1] < 0 || i[2] < 0 || i[1] > i[2] - dy->shape[i[0]])
        return ig_error_set(err, IG_E_SHAPE, "%lld elements at %lld of %lld", (long long)dy->shape[i[0]], (long long)i[1], (long long)i[2]);
    memcpy(shape, dy->shape, sizeof shape);
    shape[i[0]] = i[2];
    return ig_out_set_like(n, 0, dy, dy->ndim, shape, err);
}

static ig_status slice_grad_forward(const ig_run *r, ig_error *err) {
    const ig_tensor *dy = r->in[0], *dx = r->out[0];
    const int64_t *i = r->node->attrs.i;
    ig_tensor part;
    IG_TRY(ig_tensor_slice(&part, dx, (int)i[0], i[1], i[1] + dy->shape[i[0]], err));
    memset(dx->data, 0, ig_tensor_bytes(dx));
    return ig_copy_layout(r->ctx, &part, dy, err);
}

static void slice_grad_back(ig_graph *g, ig_node *n, ig_var *const *d, ig_var **dx) {
    int axis = (int)n->attrs.i[0];
    dx[0] = ig_slice(g, d[0], axis, n->attrs.i[1], n->attrs.i[1] + n->in[0]->t.shape[axis]);
}

const ig_op ig_op_slice_grad = {
    .name = "slice_grad", .doc = "x at begin along an axis of this size, zeros around it", .nin_min = 1, .nin_max = 1, .nout = 1, .map = -1,
    .shape = slice_grad_shape, .forward = slice_grad_forward, .backward = slice_grad_back, .attr_names = "axis,begin,size",
};

/* ---- split: i = axis, and where part 1 (and part 2) begins ------------------------------------------------------------------------------ */

/* Begin of part k, k = parts gives the end. */
static int64_t split_border(const ig_node *n, int k) {
    return k == 0 ? 0 : k == n->op->nout ? n->in[0]->t.shape[n->attrs.i[0]] : n->attrs.i[k];
}

static ig_status split_shape(ig_node *n, ig_error *err) {
    IG_TRY(ig_axis_attr(n, 0, &n->in[0]->t, err));
    for (int k = 0; k < n->op->nout; k++) {
        ig_tensor view;
        IG_TRY(ig_tensor_slice(&view, &n->in[0]->t, (int)n->attrs.i[0], split_border(n, k), split_border(n, k + 1), err));
        set_view(n, k, &view);
    }
    return IG_OK;
}

static size_t split_view(const ig_node *n, int output) {
    return (size_t)(split_border(n, output) * n->in[0]->t.stride[n->attrs.i[0]]);
}

static void split_back(ig_graph *g, ig_node *n, ig_var *const *d, ig_var **dx) {
    ig_var *part[IG_OP_OUT_MAX];
    for (int k = 0; k < n->nout; k++) {
        const ig_tensor *t = &n->out[k].t;
        part[k] = d[k] ? d[k] : ig_full(g, t->dtype, t->ndim, t->shape, 0);
    }
    dx[0] = ig_concat(g, part, n->nout, (int)n->attrs.i[0]);
}

const ig_op ig_op_split2 = {VIEW_ROW("split2", split, "two parts along the axis"), .nout = 2, .view = split_view, .attr_names = "axis,begin1"};
const ig_op ig_op_split3 = {VIEW_ROW("split3", split, "three parts along the axis"), .nout = 3, .view = split_view, .attr_names = "axis,begin1,begin2"};

/* Many parts are a tree of twos and threes: all views, and the gradient is log3(parts) concats instead of one full-size
 * gradient per part. */
static void split_tree(ig_graph *g, ig_var *x, int axis, int parts, int64_t size, ig_var **out) {
    int groups = parts == 2 ? 2 : 3, first = parts / groups, second = (parts - first) / (groups - 1), third = parts - first - second;
    ig_attrs a = {.i = {axis, first * size, (first + second) * size}};
    if (parts == 1 || ig_graph_poisoned(g)) {
        for (int k = 0; k < parts; k++) out[k] = x;
        return;
    }
    ig_var *y = ig_record(g, groups == 2 ? &ig_op_split2 : &ig_op_split3, &x, 1, &a);
    ig_var *part[] = {y, y, y};
    for (int k = 1; k < groups && !ig_graph_poisoned(g); k++) part[k] = &y->node->out[k];
    split_tree(g, part[0], axis, first, size, out);
    split_tree(g, part[1], axis, second, size, out + first);
    if (third) split_tree(g, part[2], axis, third, size, out + first + second);
}

void ig_split(ig_graph *g, ig_var *x, int axis, int parts, ig_var **out) {
    int64_t size = ig_dim(x, axis);
    bool valid = parts >= 1 && axis >= -ig_ndim(x) && axis < ig_ndim(x) && size % parts == 0;
    if (!valid && !ig_graph_poisoned(g)) x = ig_poison(g, IG_E_SHAPE, "split of axis %d (size %lld) into %d equal parts", axis, (long long)size, parts);
    if (parts >= 1) split_tree(g, x, axis, parts, size / parts, out);
}

/* ---- contiguous --------------------------------------------------------------------------------------------------------------------------- */

static ig_status contiguous_forward(const ig_run *r, ig_error *err) { return ig_copy_layout(r->ctx, r->out[0], r->in[0], err); }

static void contiguous_back(ig_graph *g, ig_node *n, ig_var *const *d, ig_var **dx) {
    (void)g, (void)n;
    dx[0] = d[0];
}

const ig_op ig_op_contiguous = {
    .name = "contiguous", .doc = "a row-major copy", .nin_min = 1, .nin_max = 1, .nout = 1, .map = -1,
    .shape = ig_shape_same, .forward = contiguous_forward, .backward = contiguous_back,
};

ig_var *ig_contiguous(ig_graph *g, ig_var *x) {
    if (ig_graph_poisoned(g) || !x || ig_tensor_is_contiguous(&x->t)) return x;
    return ig_record(g, &ig_op_contiguous, &x, 1, NULL);
}

/* ---- concat: i = axis ------------------------------------------------------------------------------------------------------------------------ */

static ig_status concat_shape(ig_node *n, ig_error *err) {
    const ig_tensor *x = &n->in[0]->t;
    int64_t shape[IG_DIMS_MAX], size = 0;
    IG_TRY(ig_axis_attr(n, 0, x, err));
    int axis = (int)n->attrs.i[0];
    memcpy(shape, x->shape, sizeof shape);
    for (int k = 0; k < n->nin; k++) {
        if (__builtin_add_overflow(size, ig_dim(n->in[k], axis), &size)) return ig_error_set(err, IG_E_SHAPE, "too large");
        shape[axis] = ig_dim(n->in[k], axis);
        IG_TRY(ig_need_shape(n, k, x->dtype, x->ndim, shape, err));
    }
    shape[axis] = size;
    return ig_out_set_like(n, 0, x, x->ndim, shape, err);
}

static ig_status concat_forward(const ig_run *r, ig_error *err) {
    int axis = (int)r->node->attrs.i[0];
    int64_t at = 0;
    for (int k = 0; k < r->node->nin; k++) {
        ig_tensor part;
        int64_t size = r->in[k]->shape[axis];
        IG_TRY(ig_tensor_slice(&part, r->out[0], axis, at, at + size, err));
        IG_TRY(ig_copy_layout(r->ctx, &part, r->in[k], err));
        at += size;
    }
    return IG_OK;
}

static void concat_back(ig_graph *g, ig_node *n, ig_var *const *d, ig_var **dx) {
    int axis = (int)n->attrs.i[0];
    int64_t at = 0;
    for (int k = 0; k < n->nin; k++) {
        int64_t size = n->in[k]->t.shape[axis];
        if (n->in[k]->requires_grad) dx[k] = ig_slice(g, d[0], axis, at, at + size);
        at += size;
    }
}

const ig_op ig_op_concat = {
    .name = "concat", .doc = "inputs one after the other along the axis, laid out in memory as the first", .nin_min = 1, .nin_max = -1, .nout = 1,
    .map = -1, .shape = concat_shape, .forward = concat_forward, .backward = concat_back, .attr_names = "axis",
};

ig_var *ig_concat(ig_graph *g, ig_var *const *xs, int count, int axis) {
    ig_attrs a = {.i = {axis}};
    return count == 1 ? xs[0] : ig_record(g, &ig_op_concat, xs, count, &a);
}
