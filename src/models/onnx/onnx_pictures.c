/* models/onnx/onnx_pictures.c: convolutions, pools, group norm, borders and sizes of pictures.
 *
 * ONNX has these with the channels in front, [N,C,H,W].  Where its operators leave room (how a last window that reaches over
 * the end counts, which pixel is the nearest), what is written does not depend on it: borders are given so that no window is
 * partial by rounding up, and pixels are taken by their numbers.
 */
#include <float.h>

#include "graph/ops/conv.h"
#include "models/onnx/onnx.h"

#define WINDOWS_MAX 64 /* of an adaptive maximum whose windows are cut out one by one */

static bool sizes_are_fixed(onnx_export *x, const ig_var *v) {
    return onnx_is_fixed(onnx_dim(x, v, 1)) && onnx_is_fixed(onnx_dim(x, v, 2));
}

/* ---- convolution ---- */

static void write_conv(onnx_export *x, const ig_node *n, const onnx_row *row) {
    const int64_t *i = n->attrs.i;
    const char *in[] = {onnx_in_channels_first(x, n, 0), onnx_in(x, n, 1), n->nin == 3 ? onnx_in(x, n, 2) : ""};
    onnx_attr attr[] = {onnx_list("kernel_shape", &n->in[1]->t.shape[2], 2), onnx_list("strides", i + CONV_STRIDE, 2),
                        onnx_list("dilations", i + CONV_DILATION, 2), onnx_list("pads", i + CONV_BEFORE, 4),
                        onnx_int("group", i[CONV_GROUPS])};
    (void)row;
    onnx_set_channels_first(x, n, 0, onnx_emit(x, "Conv", in, n->nin, attr, 5));
}

/* The transposed convolution; what its size exceeds the smallest possible one is the output padding. */
static void write_conv_data(onnx_export *x, const ig_node *n, const onnx_row *row) {
    const int64_t *i = n->attrs.i, *kernel = &n->in[1]->t.shape[2];
    const char *in[] = {onnx_in_channels_first(x, n, 0), onnx_in(x, n, 1)};
    int64_t more[2];
    (void)row;
    for (int k = 0; k < 2; k++) {
        int64_t least = (n->in[0]->t.shape[1 + k] - 1) * i[CONV_STRIDE + k] + i[CONV_DILATION + k] * (kernel[k] - 1) + 1 -
                        i[CONV_BEFORE + k] - i[CONV_AFTER + k];
        more[k] = n->out[0].t.shape[1 + k] - least;
    }
    onnx_attr attr[] = {onnx_list("kernel_shape", kernel, 2),
                        onnx_list("strides", i + CONV_STRIDE, 2),
                        onnx_list("dilations", i + CONV_DILATION, 2),
                        onnx_list("pads", i + CONV_BEFORE, 4),
                        onnx_int("group", i[CONV_GROUPS]),
                        onnx_list("output_padding", more, 2)};
    onnx_set_channels_first(x, n, 0, onnx_emit(x, "ConvTranspose", in, 2, attr, 6));
}

/* ---- sliding pools: i = kernel, stride, before, after; f = ceil_mode, count_include_pad ---- */

enum { KERNEL = 0, STRIDE = 2, BEFORE = 4, AFTER = 6 };
enum { CEIL, INCLUDE_PAD };

/* What the last window needs behind the picture. */
static int64_t reach(const ig_node *n, int k, int64_t before) {
    const int64_t *i = n->attrs.i;
    int64_t end = (n->out[0].t.shape[1 + k] - 1) * i[STRIDE + k] + i[KERNEL + k],
            over = end - n->in[0]->t.shape[1 + k] - before;
    return over > 0 ? over : 0;
}

/* pads of H and W around [N,C,H,W] */
static const char *border(onnx_export *x, const char *v, const int64_t *before, const int64_t *after, ig_dtype type) {
    int64_t pads[8] = {0, 0, before[0], before[1], 0, 0, after[0], after[1]};
    return onnx_op3(x, "Pad", v, onnx_ints(x, pads, 8), onnx_real(x, type, 0));
}

/* A mean that counts the border gets one of zeros first; what a window then reaches beyond it does not count. */
static void write_pool(onnx_export *x, const ig_node *n, const onnx_row *row) {
    const int64_t *i = n->attrs.i;
    const char *v = onnx_in_channels_first(x, n, 0);
    bool fixed = sizes_are_fixed(x, n->in[0]), counted = n->attrs.f[INCLUDE_PAD] != 0;
    int64_t pads[4];
    for (int k = 0; k < 2; k++) {
        int64_t inside = i[BEFORE + k] + (counted ? i[AFTER + k] : 0);
        pads[k] = counted ? 0 : i[BEFORE + k];
        pads[2 + k] = fixed ? reach(n, k, inside) : counted ? 0 : i[AFTER + k];
    }
    if (counted && (i[BEFORE] || i[BEFORE + 1] || i[AFTER] || i[AFTER + 1]))
        v = border(x, v, i + BEFORE, i + AFTER, n->in[0]->t.dtype);
    onnx_attr attr[] = {onnx_list("kernel_shape", i + KERNEL, 2), onnx_list("strides", i + STRIDE, 2),
                        onnx_list("pads", pads, 4), onnx_int("ceil_mode", !fixed && n->attrs.f[CEIL] != 0)};
    onnx_set_channels_first(x, n, 0, onnx_emit(x, row->to, &v, 1, attr, 4));
}

/* ---- adaptive pools: i = out_h, out_w ---- */

/* Windows of one axis that overlap: each cut out and reduced, and put side by side. */
static const char *cut_windows(onnx_export *x, const char *v, int axis, int64_t in, int64_t out, const char *reduce) {
    const char *part[WINDOWS_MAX];
    int64_t at = axis;
    if (out > WINDOWS_MAX) {
        onnx_fail(x, IG_E_UNSUPPORTED, "an adaptive pool of %lld windows of %lld pixels cannot be written in ONNX",
                  (long long)out, (long long)in);
        return v;
    }
    for (int64_t o = 0; o < out; o++) {
        const char *w = onnx_slice(x, v, axis, onnx_fixed(o * in / out), onnx_fixed(((o + 1) * in + out - 1) / out), 1);
        part[o] = onnx_emit(x, reduce, &w, 1, (onnx_attr[]){onnx_list("axes", &at, 1), onnx_int("keepdims", 1)}, 2);
    }
    return out == 1 ? part[0] : onnx_emit(x, "Concat", part, (int)out, (onnx_attr[]){onnx_int("axis", axis)}, 1);
}

static void write_adaptive_pool(onnx_export *x, const ig_node *n, const onnx_row *row) {
    bool mean = n->nout == 1;
    const char *v = onnx_in_channels_first(x, n, 0), *reduce = mean ? "ReduceMean" : "ReduceMax";
    const int64_t *in = &n->in[0]->t.shape[1], *out = n->attrs.i;
    int64_t size[2];
    if (out[0] == 1 && out[1] == 1) {
        onnx_set_channels_first(x, n, 0, onnx_op1(x, mean ? "GlobalAveragePool" : "GlobalMaxPool", v));
        return;
    }
    if (!sizes_are_fixed(x, n->in[0])) {
        onnx_fail(x, IG_E_UNSUPPORTED, "%s over a size that is left open cannot be written in ONNX", n->op->name);
        return;
    }
    for (int k = 0; k < 2; k++) size[k] = in[k] / out[k];
    if (in[0] % out[0] == 0 && in[1] % out[1] == 0)
        v = onnx_emit(x, row->to, &v, 1, (onnx_attr[]){onnx_list("kernel_shape", size, 2), onnx_list("strides", size, 2)}, 2);
    else v = cut_windows(x, cut_windows(x, v, 2, in[0], out[0], reduce), 3, in[1], out[1], reduce);
    onnx_set_channels_first(x, n, 0, v);
}

/* [N,T,1,C] → [N,1,1,C], of the first lengths[n] steps */
static void write_max_over_time(onnx_export *x, const ig_node *n, const onnx_row *row) {
    const char *v = onnx_in(x, n, 0);
    int64_t axis = 1;
    (void)row;
    if (n->nin == 2) {
        const char *t = onnx_op3(x, "Range", onnx_index(x, 0), onnx_size_scalar(x, onnx_dim(x, n->in[0], 1)), onnx_index(x, 1));
        const char *length =
            onnx_reshape(x, onnx_cast(x, onnx_in(x, n, 1), n->in[1]->t.dtype, IG_DTYPE_I64), (int64_t[]){-1, 1, 1, 1}, 4);
        const char *live = onnx_op2(x, "Less", onnx_reshape(x, t, (int64_t[]){-1, 1, 1}, 3), length);
        v = onnx_op3(x, "Where", live, v, onnx_real(x, n->in[0]->t.dtype, -FLT_MAX));
    }
    onnx_set(x, n, 0, onnx_emit(x, "ReduceMax", &v, 1, (onnx_attr[]){onnx_list("axes", &axis, 1), onnx_int("keepdims", 1)}, 2));
}

/* ---- norms ---- */

/* numbers [count] of one value */
static const char *row_of(onnx_export *x, ig_dtype type, double v, int64_t count) {
    return onnx_op2(x, "Expand", onnx_real(x, type, v), onnx_ints(x, &count, 1));
}

/* Groups as the channels of an instance norm, then w and b by channel. */
static void write_group_norm(onnx_export *x, const ig_node *n, const onnx_row *row) {
    ig_dtype type = n->in[0]->t.dtype;
    int64_t groups = n->attrs.i[0], channels[IG_DIMS_MAX] = {-1, 1, 1, 1, 1, 1};
    int rank = n->in[0]->t.ndim - 1;
    const char *v = onnx_in_channels_first(x, n, 0);
    (void)row;
    const char *in[] = {onnx_reshape(x, v, (int64_t[]){0, groups, -1}, 3), row_of(x, type, 1, groups),
                        row_of(x, type, 0, groups)};
    const char *y = onnx_emit(x, "InstanceNormalization", in, 3, (onnx_attr[]){onnx_float("epsilon", n->attrs.f[0])}, 1);
    y = onnx_op2(x, "Reshape", y, onnx_op1(x, "Shape", v));
    y = onnx_op2(x, "Mul", y, onnx_reshape(x, onnx_in(x, n, 1), channels, rank));
    onnx_set_channels_first(x, n, 0, onnx_op2(x, "Add", y, onnx_reshape(x, onnx_in(x, n, 2), channels, rank)));
}

/* Sums over neighbouring channels: a border of zeros, and as many shifted parts as the window is wide. */
static void write_window_sum(onnx_export *x, const ig_node *n, const onnx_row *row) {
    int64_t before = n->attrs.i[0], after = n->attrs.i[1], ndim = n->in[0]->t.ndim, C = n->in[0]->t.shape[ndim - 1];
    bool front = onnx_only_channels_first(x, n->in[0]);
    int axis = front ? 1 : (int)ndim - 1;
    int64_t pads[2 * IG_DIMS_MAX] = {0};
    const char **part = onnx_alloc(x, sizeof *part * (size_t)(before + after + 1));
    (void)row;
    if (!part) return;
    pads[axis] = before, pads[ndim + axis] = after;
    const char *v = front ? onnx_in_channels_first(x, n, 0) : onnx_in(x, n, 0);
    v = onnx_op3(x, "Pad", v, onnx_ints(x, pads, 2 * (int)ndim), onnx_real(x, n->in[0]->t.dtype, 0));
    for (int64_t k = 0; k <= before + after; k++) part[k] = onnx_slice(x, v, axis, onnx_fixed(k), onnx_fixed(k + C), 1);
    const char *y = onnx_emit(x, "Sum", part, (int)(before + after + 1), NULL, 0);
    if (front) onnx_set_channels_first(x, n, 0, y);
    else onnx_set(x, n, 0, y);
}

/* ---- borders and sizes ---- */

/* i = before, after of each dim; f = mode, value */
static void write_pad(onnx_export *x, const ig_node *n, const onnx_row *row) {
    static const char *const modes[] = {"constant", "reflect", "edge"};
    bool front = onnx_only_channels_first(x, n->in[0]);
    int ndim = n->in[0]->t.ndim;
    int64_t pads[2 * IG_DIMS_MAX];
    (void)row;
    for (int d = 0; d < ndim; d++) {
        int at = front ? onnx_axis_channels_first(ndim, d) : d;
        pads[at] = n->attrs.i[2 * d], pads[ndim + at] = n->attrs.i[2 * d + 1];
    }
    const char *in[] = {front ? onnx_in_channels_first(x, n, 0) : onnx_in(x, n, 0), onnx_ints(x, pads, 2 * ndim),
                        onnx_real(x, n->in[0]->t.dtype, n->attrs.f[1])};
    const char *y = onnx_emit(x, "Pad", in, 3, (onnx_attr[]){onnx_text("mode", modes[(int)n->attrs.f[0]])}, 1);
    if (front) onnx_set_channels_first(x, n, 0, y);
    else onnx_set(x, n, 0, y);
}

/* Pixel o·in/out of one axis. */
static const char *nearest(onnx_export *x, const char *v, int axis, int64_t in, int64_t out) {
    int64_t *at = onnx_alloc(x, sizeof *at * (size_t)out);
    for (int64_t o = 0; at && o < out; o++) at[o] = o * in / out;
    if (!at || in == out) return v;
    return onnx_emit(x, "Gather", (const char *[]){v, onnx_ints(x, at, (int)out)}, 2, (onnx_attr[]){onnx_int("axis", axis)}, 1);
}

/* i = height, width, mode, align_corners */
static void write_interpolate(onnx_export *x, const ig_node *n, const onnx_row *row) {
    const int64_t *i = n->attrs.i, *in = &n->in[0]->t.shape[1];
    const ig_var *y = &n->out[0];
    const char *v = onnx_in_channels_first(x, n, 0);
    (void)row;
    if (!sizes_are_fixed(x, n->in[0]) || !sizes_are_fixed(x, y)) {
        onnx_fail(x, IG_E_UNSUPPORTED, "interpolate over a size that is left open cannot be written in ONNX");
        return;
    }
    if (i[2] == IG_INTERPOLATE_NEAREST) {
        onnx_set_channels_first(x, n, 0, nearest(x, nearest(x, v, 2, in[0], i[0]), 3, in[1], i[1]));
        return;
    }
    onnx_size size[] = {onnx_dim(x, y, 0), onnx_dim(x, y, 3), onnx_fixed(i[0]), onnx_fixed(i[1])};
    const char *from[] = {v, "", "", onnx_shape_value(x, size, 4)};
    onnx_attr attr[] = {onnx_text("mode", "linear"),
                        onnx_text("coordinate_transformation_mode", i[3] ? "align_corners" : "half_pixel")};
    onnx_set_channels_first(x, n, 0, onnx_emit(x, "Resize", from, 4, attr, 2));
}

const onnx_row onnx_rows_pictures[] = {
    {.op = "conv2d", .write = write_conv},
    {.op = "conv2d_data", .write = write_conv_data},
    {.op = "max_pool2d", .write = write_pool, .to = "MaxPool"},
    {.op = "avg_pool2d", .write = write_pool, .to = "AveragePool"},
    {.op = "adaptive_max_pool2d", .write = write_adaptive_pool, .to = "MaxPool"},
    {.op = "adaptive_avg_pool2d", .write = write_adaptive_pool, .to = "AveragePool"},
    {.op = "max_over_time", .write = write_max_over_time},
    {.op = "group_norm", .write = write_group_norm},
    {.op = "window_sum", .write = write_window_sum},
    {.op = "pad", .write = write_pad},
    {.op = "interpolate", .write = write_interpolate},
    {0},
};
