/* graph/ops/conv_packed.c: convolution over prepared kernels (ingot/conv.h), with what follows it in the same pass.
 *
 * The kernel is no tensor: the node borrows the caller's ig_conv_weight, whose address is its first constant (IG_OP_BORROWS).
 * With a residual that is input 0, so that a plan writes the result in its place.  For running only: no gradient.
 */
#include "graph/ops/conv.h"
#include "tensor/conv_packed.h"

/* Constants: the weight; those of a convolution; the activation; the zero of a residual in 8 bits.  Reals: slope, its scale. */
enum { WEIGHT = 0, CONSTANTS = 1, ACTIVATION = CONSTANTS + CONV_CONSTANTS, RESIDUAL_ZERO };
enum { SLOPE = 0, RESIDUAL_SCALE };
#define PACKED_ATTR_NAMES "weight," CONV_ATTR_NAMES ",activation,residual_zero;slope,residual_scale"

static const ig_conv_weight *weight_of(const ig_node *n) { return (const ig_conv_weight *)(intptr_t)n->attrs.i[WEIGHT]; }

static bool has_residual(const ig_node *n) { return n->op == &ig_op_conv2d_packed_add; }

static const ig_tensor *x_of(const ig_node *n) { return &n->in[has_residual(n)]->t; }

/* ---- shapes ------------------------------------------------------------------------------------------------------ */

static ig_status check_x(const ig_node *n, const ig_conv_weight *w, ig_error *err) {
    char text[128];
    const ig_tensor *x = x_of(n);
    const int64_t groups = n->attrs.i[CONSTANTS + CONV_GROUPS], *k = ig_conv_weight_shape(w);
    bool narrow = ig_conv_weight_in(w).scale > 0;
    if (x->dtype != IG_DTYPE_F32 && !(narrow && x->dtype == IG_DTYPE_U8))
        return ig_error_set(err, IG_E_DTYPE, "x is %s; this kernel takes f32%s", ig_dtype_name(x->dtype), narrow ? " or u8" : "");
    bool fits = x->ndim == 4 && ig_tensor_is_contiguous(x) && x->shape[3] == k[1] * groups;
    for (int d = 1; d < 4 && fits; d++) fits = x->shape[d] >= 1 && x->shape[d] <= INT32_MAX;
    if (fits) return IG_OK;
    return ig_error_set(err, IG_E_SHAPE, "%s with a kernel [%lld,%lld,%lld,%lld] in %lld groups; [N,H,W,%lld] without gaps is needed",
                        ig_tensor_shape_text(x, text, sizeof text), (long long)k[0], (long long)k[1], (long long)k[2], (long long)k[3],
                        (long long)groups, (long long)(k[1] * groups));
}

static ig_status check_residual(const ig_node *n, ig_error *err) {
    const ig_tensor *y = &n->out[0].t;
    int64_t zero = n->attrs.i[RESIDUAL_ZERO];
    IG_TRY(ig_need_shape(n, 0, y->dtype, 4, y->shape, err));
    if (!ig_tensor_is_contiguous(&n->in[0]->t)) return ig_error_set(err, IG_E_SHAPE, "the residual is not contiguous");
    if (y->dtype == IG_DTYPE_U8 && (!(n->attrs.f[RESIDUAL_SCALE] > 0) || zero < 0 || zero > 255))
        return ig_error_set(err, IG_E_ARG, "a residual in 8 bits needs its scale and zero, not %g and %lld", n->attrs.f[RESIDUAL_SCALE], (long long)zero);
    return IG_OK;
}

static ig_status packed_shape(ig_node *n, ig_error *err) {
    const ig_conv_weight *w = weight_of(n);
    int64_t *i = n->attrs.i + CONSTANTS;
    if (!w) return ig_error_set(err, IG_E_ARG, "no kernel was given");
    IG_TRY(ig_conv_check_constants(i, err));
    if (n->attrs.i[ACTIVATION] < IG_CONV_LINEAR || n->attrs.i[ACTIVATION] > IG_CONV_RELU6)
        return ig_error_set(err, IG_E_ARG, "%lld is no activation", (long long)n->attrs.i[ACTIVATION]);
    IG_TRY(check_x(n, w, err));
    const ig_tensor *x = x_of(n);
    const int64_t *k = ig_conv_weight_shape(w);
    IG_TRY(ig_conv_divides(i[CONV_GROUPS], k[0], "output", err));
    int64_t y[4] = {x->shape[0], 0, 0, k[0]};
    for (int axis = 0; axis < 2; axis++) IG_TRY(ig_conv_positions(i, axis, x->shape[1 + axis], k[2 + axis], &y[1 + axis], err));
    IG_TRY(ig_out_set(n, 0, ig_conv_weight_out(w).scale > 0 ? IG_DTYPE_U8 : IG_DTYPE_F32, 4, y, err));
    return has_residual(n) ? check_residual(n, err) : IG_OK;
}

/* ---- running ----------------------------------------------------------------------------------------------------- */

static ig_conv_packed_desc describe(const ig_node *n) {
    const int64_t *i = n->attrs.i + CONSTANTS;
    const ig_tensor *x = x_of(n), *y = &n->out[0].t;
    return (ig_conv_packed_desc){
        .in = x->dtype, .out = y->dtype, .size = ig_conv_sizes(i, x->shape, ig_conv_weight_shape(weight_of(n)), y->shape),
        .after = {i[CONV_AFTER], i[CONV_AFTER + 1]}, .activation = (ig_conv_activation)n->attrs.i[ACTIVATION], .slope = (float)n->attrs.f[SLOPE],
        .residual = has_residual(n), .residual_numbers = {n->attrs.f[RESIDUAL_SCALE], (int)n->attrs.i[RESIDUAL_ZERO]},
    };
}

static size_t packed_scratch(ig_context *ctx, const ig_node *n) {
    ig_conv_packed_desc d = describe(n);
    return ig_conv_packed_scratch(ctx, weight_of(n), &d);
}

static ig_status make(ig_context *ctx, const ig_node *n, ig_conv_packed **out, ig_error *err) {
    ig_conv_packed_desc d = describe(n);
    return d.size.n > 0 ? ig_conv_packed_new(ctx, weight_of(n), &d, out, err) : IG_OK;
}

static ig_status packed_prepare(ig_context *ctx, ig_node *n, ig_error *err) {
    ig_conv_packed *p = NULL;
    IG_TRY(make(ctx, n, &p, err));
    n->prepared = p;
    return IG_OK;
}

static void packed_release(ig_node *n) {
    ig_conv_packed_free(n->prepared);
    n->prepared = NULL;
}

static ig_status packed_forward(const ig_run *r, ig_error *err) {
    const ig_node *n = r->node;
    bool more = has_residual(n);
    ig_conv_packed *made = NULL;
    if (r->out[0]->shape[0] == 0) return IG_OK;
    if (!n->prepared) IG_TRY(make(r->ctx, n, &made, err));
    ig_status s = ig_conv_packed_run(made ? made : n->prepared, r->out[0]->data, r->in[more]->data, more ? r->in[0]->data : NULL, r->scratch, err);
    ig_conv_packed_free(made);
    return s;
}

static double packed_flops(const ig_node *n) {
    const int64_t *k = ig_conv_weight_shape(weight_of(n));
    return 2.0 * (double)ig_tensor_numel(&n->out[0].t) * (double)k[1] * (double)k[2] * (double)k[3];
}

const ig_op ig_op_conv2d_packed = {
    .name = "conv2d_packed", .doc = "act(x∗w + bias) over a prepared kernel: f32, or 8 bits", .nin_min = 1, .nin_max = 1, .nout = 1, .map = -1,
    .flags = IG_OP_BORROWS | IG_OP_NO_GRAD, .shape = packed_shape, .forward = packed_forward, .scratch = packed_scratch, .prepare = packed_prepare,
    .release = packed_release, .flops = packed_flops, .attr_names = PACKED_ATTR_NAMES,
};

const ig_op ig_op_conv2d_packed_add = {
    .name = "conv2d_packed_add", .doc = "act(x∗w + bias + residual) over a prepared kernel; inputs residual, x", .nin_min = 2, .nin_max = 2, .nout = 1,
    .map = -1, .flags = IG_OP_BORROWS | IG_OP_NO_GRAD | IG_OP_IN_PLACE, .shape = packed_shape, .forward = packed_forward, .scratch = packed_scratch,
    .prepare = packed_prepare, .release = packed_release, .flops = packed_flops, .attr_names = PACKED_ATTR_NAMES,
};

ig_var *ig_conv2d_packed(ig_graph *g, ig_var *x, const ig_conv_weight *w, ig_var *residual, ig_conv_opts o, ig_conv_post post) {
    ig_attrs a = {.i = {[WEIGHT] = (int64_t)(intptr_t)w, [ACTIVATION] = post.activation, [RESIDUAL_ZERO] = post.residual.zero},
                  .f = {[SLOPE] = post.slope, [RESIDUAL_SCALE] = post.residual.scale}};
    if (o.output_padding[0] || o.output_padding[1]) return ig_poison(g, IG_E_ARG, "conv2d_packed: output_padding is for transposed convolutions");
    ig_conv_constants(a.i + CONSTANTS, &o);
    ig_var *in[] = {residual ? ig_contiguous(g, residual) : ig_contiguous(g, x), ig_contiguous(g, x)};
    return residual ? ig_record(g, &ig_op_conv2d_packed_add, in, 2, &a) : ig_record(g, &ig_op_conv2d_packed, in, 1, &a);
}
