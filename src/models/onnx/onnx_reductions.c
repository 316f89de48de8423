/* models/onnx/onnx_reductions.c: sums, means and maxima, softmax, and the norms over rows. */
#include <string.h>

#include "models/onnx/onnx.h"

/* ---- over axes ---- */

/* What is left must read the same with the channels in front: all between batch and channels goes, or the channels go. */
static bool reduces_pixels(const onnx_export *x, const ig_node *n) {
    int ndim = n->in[0]->t.ndim;
    uint32_t axes = (uint32_t)n->attrs.i[0], pixels = ((1u << (ndim - 1)) - 1) & ~1u;
    return onnx_only_channels_first(x, n->in[0]) && (axes == pixels || axes == 1u << (ndim - 1));
}

static const char *reduce(onnx_export *x, const char *op, const char *v, const int64_t *axes, int count, bool keep) {
    if (strcmp(op, "ReduceSum") == 0) { /* takes its axes as an input since version 13, the others only since 18 */
        const char *in[] = {v, onnx_ints(x, axes, count)};
        return onnx_emit(x, op, in, 2, (onnx_attr[]){onnx_int("keepdims", keep)}, 1);
    }
    return onnx_emit(x, op, &v, 1, (onnx_attr[]){onnx_list("axes", axes, count), onnx_int("keepdims", keep)}, 2);
}

static void write_reduce(onnx_export *x, const ig_node *n, const onnx_row *row) {
    bool in_front = reduces_pixels(x, n), keep = n->attrs.i[1] != 0;
    int64_t axes[IG_DIMS_MAX];
    int count = 0, ndim = n->in[0]->t.ndim;
    for (int d = 0; d < ndim; d++)
        if (n->attrs.i[0] >> d & 1) axes[count++] = in_front ? onnx_axis_channels_first(ndim, d) : d;
    const char *v = in_front ? onnx_in_channels_first(x, n, 0) : onnx_in(x, n, 0);
    const char *y = count ? reduce(x, row->to, v, axes, count, keep) : v; /* of a single number: itself */
    if (in_front && keep) onnx_set_channels_first(x, n, 0, y);
    else onnx_set(x, n, 0, y);
}

static void write_argmax(onnx_export *x, const ig_node *n, const onnx_row *row) {
    const char *v = onnx_in(x, n, 0);
    (void)row;
    onnx_set(x, n, 0,
             onnx_emit(x, "ArgMax", &v, 1, (onnx_attr[]){onnx_int("axis", n->attrs.i[0]), onnx_int("keepdims", 0)}, 2));
}

static void write_cumsum(onnx_export *x, const ig_node *n, const onnx_row *row) {
    const char *in[] = {onnx_in(x, n, 0), onnx_index(x, n->attrs.i[0])};
    (void)row;
    onnx_set(x, n, 0, onnx_emit(x, "CumSum", in, 2, (onnx_attr[]){onnx_int("reverse", n->attrs.i[1] != 0)}, 1));
}

static void write_softmax(onnx_export *x, const ig_node *n, const onnx_row *row) {
    const char *v = onnx_in(x, n, 0);
    onnx_set(x, n, 0, onnx_emit(x, row->to, &v, 1, (onnx_attr[]){onnx_int("axis", -1)}, 1));
}

/* ---- norms ---- */

static void write_layer_norm(onnx_export *x, const ig_node *n, const onnx_row *row) {
    const char *in[] = {onnx_in(x, n, 0), onnx_in(x, n, 1), n->nin == 3 ? onnx_in(x, n, 2) : ""};
    (void)row;
    onnx_set(x, n, 0,
             onnx_emit(x, "LayerNormalization", in, n->nin,
                       (onnx_attr[]){onnx_int("axis", -1), onnx_float("epsilon", n->attrs.f[0])}, 2));
}

/* x / √(mean x² + eps) · w */
static void write_rms_norm(onnx_export *x, const ig_node *n, const onnx_row *row) {
    const char *v = onnx_in(x, n, 0);
    int64_t last = n->in[0]->t.ndim - 1;
    (void)row;
    const char *mean = reduce(x, "ReduceMean", onnx_op2(x, "Mul", v, v), &last, 1, true);
    const char *root = onnx_op1(x, "Sqrt", onnx_op2(x, "Add", mean, onnx_real(x, n->in[0]->t.dtype, n->attrs.f[0])));
    onnx_set(x, n, 0, onnx_op2(x, "Mul", onnx_op2(x, "Div", v, root), onnx_in(x, n, 1)));
}

const onnx_row onnx_rows_reductions[] = {
    {.op = "sum", .write = write_reduce, .to = "ReduceSum"},
    {.op = "mean", .write = write_reduce, .to = "ReduceMean"},
    {.op = "max", .write = write_reduce, .to = "ReduceMax"},
    {.op = "argmax", .write = write_argmax},
    {.op = "cumsum", .write = write_cumsum},
    {.op = "softmax", .write = write_softmax, .to = "Softmax"},
    {.op = "log_softmax", .write = write_softmax, .to = "LogSoftmax"},
    {.op = "layer_norm", .write = write_layer_norm},
    {.op = "rms_norm", .write = write_rms_norm},
    {0},
};
