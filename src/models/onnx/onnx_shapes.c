/* models/onnx/onnx_shapes.c: views, concat, and values of one number.  Strides have no meaning in ONNX, so a contiguous copy is
 * the value itself.
 */
#include "models/onnx/onnx.h"

/* The same value under another node. */
static void write_same(onnx_export *x, const ig_node *n, const onnx_row *row) {
    (void)row;
    if (onnx_only_channels_first(x, n->in[0])) onnx_set_channels_first(x, n, 0, onnx_in_channels_first(x, n, 0));
    else onnx_set(x, n, 0, onnx_in(x, n, 0));
}

/* Channels in front stay there when the result is of the same dimensions. */
static bool stays_in_front(const onnx_export *x, const ig_node *n) {
    return n->out[0].t.ndim == n->in[0]->t.ndim && onnx_only_channels_first(x, n->in[0]);
}

static const char *source(onnx_export *x, const ig_node *n, bool in_front) {
    return in_front ? onnx_in_channels_first(x, n, 0) : onnx_in(x, n, 0);
}

static void set(onnx_export *x, const ig_node *n, int k, const char *name, bool in_front) {
    if (in_front) onnx_set_channels_first(x, n, k, name);
    else onnx_set(x, n, k, name);
}

static int axis_of(const ig_node *n, bool in_front) {
    int axis = (int)n->attrs.i[0];
    return in_front ? onnx_axis_channels_first(n->in[0]->t.ndim, axis) : axis;
}

/* ---- reshape, broadcast ---- */

/* A picture of one pixel is the same row of numbers in either order. */
static bool is_one_pixel(const ig_node *n) {
    const ig_tensor *t = &n->in[0]->t;
    for (int d = 1; d < t->ndim - 1; d++)
        if (t->shape[d] != 1) return false;
    return t->ndim >= 3;
}

/* Sizes that follow the inputs: what stands where it stood is 0, one other is -1, more are computed. */
static void write_reshape(onnx_export *x, const ig_node *n, const onnx_row *row) {
    bool in_front = onnx_only_channels_first(x, n->in[0]) && is_one_pixel(n);
    const ig_var *from = n->in[0], *to = &n->out[0];
    onnx_size size[IG_DIMS_MAX];
    int64_t shape[IG_DIMS_MAX];
    int unknown = 0;
    (void)row;
    for (int d = 0; d < to->t.ndim; d++) {
        size[d] = onnx_dim(x, to, d);
        shape[d] = size[d].c[0];
        if (onnx_is_fixed(size[d])) continue;
        bool kept = d < from->t.ndim && onnx_size_is(size[d], onnx_dim(x, from, d)) && (!in_front || d == 0);
        shape[d] = kept ? 0 : -1;
        unknown += !kept;
    }
    const char *to_shape = unknown > 1 ? onnx_shape_value(x, size, to->t.ndim) : onnx_ints(x, shape, to->t.ndim);
    onnx_set(x, n, 0, onnx_op2(x, "Reshape", source(x, n, in_front), to_shape));
}

/* Expand takes 1 for "as it is". */
static void write_broadcast(onnx_export *x, const ig_node *n, const onnx_row *row) {
    const ig_var *from = n->in[0], *to = &n->out[0];
    onnx_size size[IG_DIMS_MAX];
    int added = to->t.ndim - from->t.ndim;
    (void)row;
    for (int d = 0; d < to->t.ndim; d++) {
        size[d] = onnx_dim(x, to, d);
        if (d >= added && onnx_size_is(size[d], onnx_dim(x, from, d - added))) size[d] = onnx_fixed(1);
    }
    onnx_set(x, n, 0, onnx_op2(x, "Expand", onnx_in(x, n, 0), onnx_shape_value(x, size, to->t.ndim)));
}

static void write_full(onnx_export *x, const ig_node *n, const onnx_row *row) {
    const ig_var *to = &n->out[0];
    onnx_size size[IG_DIMS_MAX];
    const char *v = onnx_real(x, to->t.dtype, n->attrs.f[0]);
    (void)row;
    for (int d = 0; d < to->t.ndim; d++) size[d] = onnx_dim(x, to, d);
    onnx_set(x, n, 0, to->t.ndim ? onnx_op2(x, "Expand", v, onnx_shape_value(x, size, to->t.ndim)) : v);
}

/* ---- transpose, slice, split, concat ---- */

static void write_transpose(onnx_export *x, const ig_node *n, const onnx_row *row) {
    int ndim = n->in[0]->t.ndim;
    int64_t order[IG_DIMS_MAX], a = n->attrs.i[0], b = n->attrs.i[1];
    (void)row;
    if (a < 0) a += ndim;
    if (b < 0) b += ndim;
    for (int d = 0; d < ndim; d++) order[d] = d == a ? b : d == b ? a : d;
    onnx_set(x, n, 0, onnx_permute(x, onnx_in(x, n, 0), order, ndim));
}

static void write_slice(onnx_export *x, const ig_node *n, const onnx_row *row) {
    bool in_front = stays_in_front(x, n);
    onnx_size begin = onnx_attr_size(x, n, 1), end = onnx_attr_size(x, n, 2);
    (void)row;
    set(x, n, 0, onnx_slice(x, source(x, n, in_front), axis_of(n, in_front), begin, end, 1), in_front);
}

static void write_split(onnx_export *x, const ig_node *n, const onnx_row *row) {
    bool in_front = stays_in_front(x, n);
    onnx_size at = onnx_fixed(0);
    const char *v = source(x, n, in_front);
    (void)row;
    for (int k = 0; k < n->nout; k++) {
        onnx_size end = k + 1 < n->nout ? onnx_attr_size(x, n, k + 1) : onnx_dim(x, n->in[0], (int)n->attrs.i[0]);
        set(x, n, k, onnx_slice(x, v, axis_of(n, in_front), at, end, 1), in_front);
        at = end;
    }
}

static void write_concat(onnx_export *x, const ig_node *n, const onnx_row *row) {
    bool in_front = false;
    const char **in = onnx_alloc(x, sizeof *in * (size_t)n->nin);
    (void)row;
    if (!in) return;
    for (int k = 0; k < n->nin; k++) in_front |= onnx_only_channels_first(x, n->in[k]);
    for (int k = 0; k < n->nin; k++) in[k] = in_front ? onnx_in_channels_first(x, n, k) : onnx_in(x, n, k);
    set(x, n, 0, onnx_emit(x, "Concat", in, n->nin, (onnx_attr[]){onnx_int("axis", axis_of(n, in_front))}, 1), in_front);
}

const onnx_row onnx_rows_shapes[] = {
    {.op = "contiguous", .write = write_same},
    {.op = "stop_gradient", .write = write_same},
    {.op = "reshape", .write = write_reshape},
    {.op = "broadcast", .write = write_broadcast},
    {.op = "full", .write = write_full},
    {.op = "transpose", .write = write_transpose},
    {.op = "slice", .write = write_slice},
    {.op = "split2", .write = write_split},
    {.op = "split3", .write = write_split},
    {.op = "concat", .write = write_concat},
    {0},
};
