/* graph/ops/conv.c: convolution over pictures [N,H,W,C], and its gradients.
 *
 *     conv2d          y = x∗w + bias        x [N,H,W,C], w [O,C/groups,KH,KW] → y [N,OH,OW,O]
 *     conv2d_data     dx from dy and w      forward: the transposed convolution
 *     conv2d_weights  dw from x and dy
 *
 * All three are linear in each of their inputs, and the gradients of each are the other two, so that gradients of any order
 * are recorded with these rows.  Signals [N,T,C] are pictures of one row.
 *
 *     OH = ⌊(H + before + after - dilation·(KH - 1) - 1) / stride⌋ + 1
 */
#include "graph/ops/conv.h"

#include <string.h>

enum { SIZE = CONV_CONSTANTS }; /* after the constants: of conv2d_data the size of dx, of conv2d_weights that of the kernel */

/* Who is x, w and y of a row. */
typedef struct sides {
    ig_conv_pass pass;
    const ig_tensor *x, *w, *y;
} sides;

static sides sides_of(const ig_op *op, const ig_tensor *a, const ig_tensor *b, const ig_tensor *out) {
    if (op == &ig_op_conv2d) return (sides){IG_CONV_FORWARD, a, b, out};
    if (op == &ig_op_conv2d_data) return (sides){IG_CONV_DATA, out, b, a};
    return (sides){IG_CONV_WEIGHTS, a, out, b};
}

/* ---- shapes ------------------------------------------------------------------------------------------------------ */

ig_status ig_conv_check_constants(int64_t *i, ig_error *err) {
    static const char *const name[] = {"stride", "dilation", "padding before", "padding after", "groups"};
    for (int k = 0; k <= CONV_GROUPS; k++) {
        bool padding = k >= CONV_BEFORE && k < CONV_GROUPS;
        if (i[k] == 0 && !padding) i[k] = 1;
        if (i[k] < !padding || i[k] > IG_CONV_SIZE_MAX)
            return ig_error_set(err, IG_E_ARG, "%s %lld; it must be %d to %d", name[k / 2], (long long)i[k], !padding, IG_CONV_SIZE_MAX);
    }
    return IG_OK;
}

/* Input k: four sizes without gaps, at least 1 each but the number of pictures. */
static ig_status need_array(const ig_node *n, int k, const char *layout, bool pictures, ig_error *err) {
    char text[128];
    const ig_tensor *t = &n->in[k]->t;
    if (t->dtype != IG_DTYPE_F32 && t->dtype != IG_DTYPE_F64 && t->dtype != IG_DTYPE_BF16)
        return ig_error_set(err, IG_E_DTYPE, "input %d is %s; f32, f64 or bf16 is needed", k, ig_dtype_name(t->dtype));
    IG_TRY(ig_need_same_type(n, 0, k, err));
    bool fits = t->ndim == 4 && ig_tensor_is_contiguous(t);
    for (int d = pictures; d < 4 && fits; d++) fits = t->shape[d] >= 1 && t->shape[d] <= INT32_MAX;
    if (fits) return IG_OK;
    return ig_error_set(err, IG_E_SHAPE, "input %d is %s; %s without gaps, and at least 1 of each, is needed", k,
                        ig_tensor_shape_text(t, text, sizeof text), layout);
}

/* Positions of a kernel along an axis. */
ig_status ig_conv_positions(const int64_t *i, int axis, int64_t size, int64_t taps, int64_t *out, ig_error *err) {
    if (taps < 1 || taps > IG_CONV_SIZE_MAX)
        return ig_error_set(err, IG_E_SHAPE, "a kernel size of %lld; it must be 1 to %d", (long long)taps, IG_CONV_SIZE_MAX);
    int64_t extent = i[CONV_DILATION + axis] * (taps - 1) + 1, room = size + i[CONV_BEFORE + axis] + i[CONV_AFTER + axis];
    if (extent > room)
        return ig_error_set(err, IG_E_SHAPE, "a kernel that covers %lld does not fit into %lld with padding %lld and %lld", (long long)extent,
                            (long long)size, (long long)i[CONV_BEFORE + axis], (long long)i[CONV_AFTER + axis]);
    *out = (room - extent) / i[CONV_STRIDE + axis] + 1;
    return IG_OK;
}

static ig_status out_type(ig_node *n, const int64_t *shape, ig_error *err) {
    return ig_out_set(n, 0, n->in[0]->t.dtype == IG_DTYPE_F64 ? IG_DTYPE_F64 : IG_DTYPE_F32, 4, shape, err);
}

ig_status ig_conv_divides(int64_t groups, int64_t channels, const char *what, ig_error *err) {
    if (channels % groups == 0) return IG_OK;
    return ig_error_set(err, IG_E_SHAPE, "%lld %s channels do not divide into %lld groups", (long long)channels, what, (long long)groups);
}

static ig_status check_bias(const ig_node *n, int64_t O, ig_error *err) {
    if (n->nin < 3) return IG_OK;
    if (!ig_tensor_is_contiguous(&n->in[2]->t)) return ig_error_set(err, IG_E_SHAPE, "the bias is not contiguous");
    return ig_need_shape(n, 2, n->in[0]->t.dtype == IG_DTYPE_F64 ? IG_DTYPE_F64 : IG_DTYPE_F32, 1, &O, err);
}

static ig_status conv2d_shape(ig_node *n, ig_error *err) {
    int64_t *i = n->attrs.i, y[4];
    char tx[128], tw[128];
    IG_TRY(ig_conv_check_constants(i, err));
    IG_TRY(need_array(n, 0, "[N,H,W,C]", true, err));
    IG_TRY(need_array(n, 1, "[O,C/groups,KH,KW]", false, err));
    const ig_tensor *x = &n->in[0]->t, *w = &n->in[1]->t;
    if (x->shape[3] != w->shape[1] * i[CONV_GROUPS])
        return ig_error_set(err, IG_E_SHAPE, "%s with a kernel %s in %lld groups: the channels differ", ig_tensor_shape_text(x, tx, sizeof tx),
                            ig_tensor_shape_text(w, tw, sizeof tw), (long long)i[CONV_GROUPS]);
    IG_TRY(ig_conv_divides(i[CONV_GROUPS], w->shape[0], "output", err));
    IG_TRY(check_bias(n, w->shape[0], err));
    y[0] = x->shape[0], y[3] = w->shape[0];
    for (int axis = 0; axis < 2; axis++) IG_TRY(ig_conv_positions(i, axis, x->shape[1 + axis], w->shape[2 + axis], &y[1 + axis], err));
    return out_type(n, y, err);
}

static ig_status data_shape(ig_node *n, ig_error *err) {
    int64_t *i = n->attrs.i, at = 0;
    IG_TRY(ig_conv_check_constants(i, err));
    IG_TRY(need_array(n, 0, "[N,OH,OW,O]", true, err));
    IG_TRY(need_array(n, 1, "[O,C/groups,KH,KW]", false, err));
    const ig_tensor *y = &n->in[0]->t, *w = &n->in[1]->t;
    if (y->shape[3] != w->shape[0])
        return ig_error_set(err, IG_E_SHAPE, "%lld channels with a kernel of %lld", (long long)y->shape[3], (long long)w->shape[0]);
    IG_TRY(ig_conv_divides(i[CONV_GROUPS], w->shape[0], "input", err));
    int64_t x[4] = {y->shape[0], i[SIZE], i[SIZE + 1], 0};
    if (w->shape[1] > INT32_MAX / i[CONV_GROUPS]) return ig_error_set(err, IG_E_LIMIT, "%lld groups of %lld channels are too many", (long long)i[CONV_GROUPS], (long long)w->shape[1]);
    x[3] = w->shape[1] * i[CONV_GROUPS];
    for (int axis = 0; axis < 2; axis++) {
        if (i[SIZE + axis] < 1 || i[SIZE + axis] > INT32_MAX) return ig_error_set(err, IG_E_SHAPE, "a result of size %lld", (long long)i[SIZE + axis]);
        IG_TRY(ig_conv_positions(i, axis, i[SIZE + axis], w->shape[2 + axis], &at, err));
        if (at != y->shape[1 + axis])
            return ig_error_set(err, IG_E_SHAPE, "a size of %lld gives %lld positions, not %lld", (long long)i[SIZE + axis], (long long)at, (long long)y->shape[1 + axis]);
    }
    return out_type(n, x, err);
}

static ig_status weights_shape(ig_node *n, ig_error *err) {
    int64_t *i = n->attrs.i, at = 0;
    IG_TRY(ig_conv_check_constants(i, err));
    IG_TRY(need_array(n, 0, "[N,H,W,C]", true, err));
    IG_TRY(need_array(n, 1, "[N,OH,OW,O]", true, err));
    const ig_tensor *x = &n->in[0]->t, *y = &n->in[1]->t;
    if (x->shape[0] != y->shape[0]) return ig_error_set(err, IG_E_SHAPE, "%lld pictures and %lld gradients", (long long)x->shape[0], (long long)y->shape[0]);
    IG_TRY(ig_conv_divides(i[CONV_GROUPS], x->shape[3], "input", err));
    IG_TRY(ig_conv_divides(i[CONV_GROUPS], y->shape[3], "output", err));
    for (int axis = 0; axis < 2; axis++) {
        IG_TRY(ig_conv_positions(i, axis, x->shape[1 + axis], i[SIZE + axis], &at, err));
        if (at != y->shape[1 + axis])
            return ig_error_set(err, IG_E_SHAPE, "%lld positions, not %lld", (long long)at, (long long)y->shape[1 + axis]);
    }
    return out_type(n, (int64_t[]){y->shape[3], x->shape[3] / i[CONV_GROUPS], i[SIZE], i[SIZE + 1]}, err);
}

/* ---- running ----------------------------------------------------------------------------------------------------- */

ig_conv_args ig_conv_sizes(const int64_t *i, const int64_t *x, const int64_t *w, const int64_t *y) {
    return (ig_conv_args){
        .n = x[0], .h = x[1], .w = x[2], .c = x[3], .oh = y[1], .ow = y[2], .o = y[3], .kh = w[2], .kw = w[3], .groups = i[CONV_GROUPS],
        .stride = {i[CONV_STRIDE], i[CONV_STRIDE + 1]}, .dilation = {i[CONV_DILATION], i[CONV_DILATION + 1]},
        .before = {i[CONV_BEFORE], i[CONV_BEFORE + 1]},
    };
}

static ig_conv_desc describe(const ig_node *n, const sides *s) {
    const int64_t *i = n->attrs.i;
    return (ig_conv_desc){.pass = s->pass, .in = n->in[0]->t.dtype, .out = n->out[0].t.dtype, .bias = n->nin == 3,
                          .size = ig_conv_sizes(i, s->x->shape, s->w->shape, s->y->shape), .after = {i[CONV_AFTER], i[CONV_AFTER + 1]}};
}

static ig_status make(ig_context *ctx, const ig_node *n, ig_conv **out, ig_error *err) {
    sides s = sides_of(n->op, &n->in[0]->t, &n->in[1]->t, &n->out[0].t);
    ig_conv_desc d = describe(n, &s);
    return d.size.n > 0 ? ig_conv_new(ctx, &d, out, err) : IG_OK;
}

static ig_status conv_prepare(ig_context *ctx, ig_node *n, ig_error *err) {
    ig_conv *c = NULL;
    IG_TRY(make(ctx, n, &c, err));
    n->prepared = c;
    return IG_OK;
}

static void conv_release(ig_node *n) {
    ig_conv_free(n->prepared);
    n->prepared = NULL;
}

static ig_status conv_forward(const ig_run *r, ig_error *err) {
    const ig_node *n = r->node;
    sides s = sides_of(n->op, r->in[0], r->in[1], r->out[0]);
    ig_conv_io io = {.x = s.x->data, .w = s.w->data, .y = s.y->data, .bias = n->nin == 3 ? r->in[2]->data : NULL};
    ig_conv *made = NULL;
    if (s.x->shape[0] == 0) { /* no picture: the gradient of the kernel is zero, and there is nothing else to write */
        if (s.pass == IG_CONV_WEIGHTS) memset(s.w->data, 0, ig_tensor_bytes(s.w));
        return IG_OK;
    }
    if (!n->prepared) IG_TRY(make(r->ctx, n, &made, err));
    ig_status status = ig_conv_run(made ? made : n->prepared, &io, err);
    ig_conv_free(made);
    return status;
}

static double conv_flops(const ig_node *n) {
    sides s = sides_of(n->op, &n->in[0]->t, &n->in[1]->t, &n->out[0].t);
    const int64_t *w = s.w->shape;
    return 2.0 * (double)ig_tensor_numel(s.y) * (double)w[1] * (double)w[2] * (double)w[3];
}

/* ---- gradients: each row's are the other two --------------------------------------------------------------------- */

static ig_var *data_of(ig_graph *g, ig_var *y, ig_var *w, const ig_attrs *from, const ig_var *x) {
    ig_attrs a = *from;
    a.i[SIZE] = ig_dim(x, 1), a.i[SIZE + 1] = ig_dim(x, 2);
    return ig_record(g, &ig_op_conv2d_data, (ig_var *[]){y, w}, 2, &a);
}

static ig_var *weights_of(ig_graph *g, ig_var *x, ig_var *y, const ig_attrs *from, const ig_var *w) {
    ig_attrs a = *from;
    a.i[SIZE] = ig_dim(w, 2), a.i[SIZE + 1] = ig_dim(w, 3);
    return ig_record(g, &ig_op_conv2d_weights, (ig_var *[]){x, y}, 2, &a);
}

static ig_var *forward_of(ig_graph *g, ig_var *x, ig_var *w, const ig_attrs *from) {
    ig_attrs a = *from;
    a.i[SIZE] = a.i[SIZE + 1] = 0;
    return ig_record(g, &ig_op_conv2d, (ig_var *[]){x, w}, 2, &a);
}

/* bf16 rows take bf16 gradients. */
static ig_var *gradient_for(ig_graph *g, const ig_node *n, ig_var *d) { return ig_cast(g, ig_contiguous(g, d), n->in[0]->t.dtype); }

static void conv2d_back(ig_graph *g, ig_node *n, ig_var *const *d, ig_var **dx) {
    ig_var *x = n->in[0], *w = n->in[1], *dy = gradient_for(g, n, d[0]);
    if (x->requires_grad) dx[0] = data_of(g, dy, w, &n->attrs, x);
    if (w->requires_grad) dx[1] = weights_of(g, x, dy, &n->attrs, w);
    if (n->nin == 3 && n->in[2]->requires_grad) dx[2] = ig_sum_to(g, d[0], 1, n->in[2]->t.shape);
}

static void data_back(ig_graph *g, ig_node *n, ig_var *const *d, ig_var **dx) {
    ig_var *y = n->in[0], *w = n->in[1], *dz = gradient_for(g, n, d[0]);
    if (y->requires_grad) dx[0] = forward_of(g, dz, w, &n->attrs);
    if (w->requires_grad) dx[1] = weights_of(g, dz, y, &n->attrs, w);
}

static void weights_back(ig_graph *g, ig_node *n, ig_var *const *d, ig_var **dx) {
    ig_var *x = n->in[0], *y = n->in[1], *dw = gradient_for(g, n, d[0]);
    if (x->requires_grad) dx[0] = data_of(g, y, dw, &n->attrs, x);
    if (y->requires_grad) dx[1] = forward_of(g, x, dw, &n->attrs);
}

const ig_op ig_op_conv2d = {
    .name = "conv2d", .doc = "x [N,H,W,C] convolved with w [O,C/groups,KH,KW], + bias [O]", .nin_min = 2, .nin_max = 3, .nout = 1, .map = -1,
    .shape = conv2d_shape, .forward = conv_forward, .backward = conv2d_back, .prepare = conv_prepare, .release = conv_release,
    .flops = conv_flops, .attr_names = CONV_ATTR_NAMES,
};

const ig_op ig_op_conv2d_data = {
    .name = "conv2d_data", .doc = "conv2d's gradient to x, from dy and w: the transposed convolution", .nin_min = 2, .nin_max = 2, .nout = 1, .map = -1,
    .shape = data_shape, .forward = conv_forward, .backward = data_back, .prepare = conv_prepare, .release = conv_release,
    .flops = conv_flops, .attr_names = CONV_ATTR_NAMES ",height,width",
};

const ig_op ig_op_conv2d_weights = {
    .name = "conv2d_weights", .doc = "conv2d's gradient to w, from x and dy", .nin_min = 2, .nin_max = 2, .nout = 1, .map = -1,
    .shape = weights_shape, .forward = conv_forward, .backward = weights_back, .prepare = conv_prepare, .release = conv_release,
    .flops = conv_flops, .attr_names = CONV_ATTR_NAMES ",kernel_h,kernel_w",
};

/* ---- what people call -------------------------------------------------------------------------------------------- */

void ig_conv_constants(int64_t *i, const ig_conv_opts *o) {
    for (int k = 0; k < 2; k++) {
        i[CONV_STRIDE + k] = o->stride[k], i[CONV_DILATION + k] = o->dilation[k];
        i[CONV_BEFORE + k] = o->pad_before[k], i[CONV_AFTER + k] = o->pad_after[k];
    }
    i[CONV_GROUPS] = o->groups;
}

ig_var *ig_conv2d(ig_graph *g, ig_var *x, ig_var *w, ig_var *bias, ig_conv_opts o) {
    ig_attrs a = {0};
    ig_conv_constants(a.i, &o);
    if (o.output_padding[0] || o.output_padding[1]) return ig_poison(g, IG_E_ARG, "conv2d: output_padding is for transposed convolutions");
    ig_var *in[] = {ig_contiguous(g, x), ig_contiguous(g, w), bias ? ig_contiguous(g, bias) : NULL};
    return ig_record(g, &ig_op_conv2d, in, bias ? 3 : 2, &a);
}

/* The size whose convolution has as many positions as the input here; false when it does not fit. */
static bool transposed_size(ig_graph *g, const ig_var *x, const ig_var *w, const ig_conv_opts *o, ig_attrs *a) {
    ig_error err = {0};
    if (ig_conv_check_constants(a->i, &err) != IG_OK) {
        ig_poison(g, err.code, "conv_transpose2d: %s", err.message);
        return false;
    }
    for (int k = 0; k < 2; k++) {
        int64_t taps = ig_dim(w, 2 + k), size = ig_dim(x, 1 + k), more = o->output_padding[k];
        if (more < 0 || more >= a->i[CONV_STRIDE + k]) {
            ig_poison(g, IG_E_ARG, "conv_transpose2d: output_padding %lld must be 0 or less than the stride %lld", (long long)more, (long long)a->i[CONV_STRIDE + k]);
            return false;
        }
        if (taps < 1 || taps > IG_CONV_SIZE_MAX || size < 1 || size > INT32_MAX) {
            ig_poison(g, IG_E_SHAPE, "conv_transpose2d: a kernel of %lld over a size of %lld", (long long)taps, (long long)size);
            return false;
        }
        a->i[SIZE + k] = (size - 1) * a->i[CONV_STRIDE + k] - a->i[CONV_BEFORE + k] - a->i[CONV_AFTER + k] + a->i[CONV_DILATION + k] * (taps - 1) + 1 + more;
    }
    return true;
}

ig_var *ig_conv_transpose2d(ig_graph *g, ig_var *x, ig_var *w, ig_var *bias, ig_conv_opts o) {
    ig_attrs a = {0};
    ig_conv_constants(a.i, &o);
    ig_var *in[] = {ig_contiguous(g, x), ig_contiguous(g, w)};
    if (ig_graph_poisoned(g) || !transposed_size(g, in[0], in[1], &o, &a)) return in[0];
    ig_var *y = ig_record(g, &ig_op_conv2d_data, in, 2, &a);
    if (!bias || ig_graph_poisoned(g)) return y;
    if (ig_ndim(bias) != 1 || ig_dim(bias, 0) != ig_dim(y, 3)) return ig_poison(g, IG_E_SHAPE, "conv_transpose2d: the bias must have %lld values", (long long)ig_dim(y, 3));
    return ig_add(g, y, bias);
}

/* ---- one dimension: a picture of one row ------------------------------------------------------------------------- */

typedef ig_var *conv_fn(ig_graph *g, ig_var *x, ig_var *w, ig_var *bias, ig_conv_opts o);

static ig_var *as_row(ig_graph *g, conv_fn *conv, ig_var *x, ig_var *w, ig_var *bias, ig_conv_opts o) {
    if (ig_graph_poisoned(g)) return x;
    if (ig_ndim(x) != 3 || ig_ndim(w) != 3) return ig_poison(g, IG_E_SHAPE, "a convolution in one dimension needs [N,T,C] and a kernel of three sizes");
    ig_conv_opts row = {.stride = {1, o.stride[0]}, .dilation = {1, o.dilation[0]}, .pad_before = {0, o.pad_before[0]},
                        .pad_after = {0, o.pad_after[0]}, .output_padding = {0, o.output_padding[0]}, .groups = o.groups};
    ig_var *x4 = ig_reshape(g, x, 4, (int64_t[]){ig_dim(x, 0), 1, ig_dim(x, 1), ig_dim(x, 2)});
    ig_var *w4 = ig_reshape(g, w, 4, (int64_t[]){ig_dim(w, 0), ig_dim(w, 1), 1, ig_dim(w, 2)});
    ig_var *y = conv(g, x4, w4, bias, row);
    return ig_reshape(g, y, 3, (int64_t[]){ig_dim(y, 0), ig_dim(y, 2), ig_dim(y, 3)});
}

ig_var *ig_conv1d(ig_graph *g, ig_var *x, ig_var *w, ig_var *bias, ig_conv_opts o) { return as_row(g, ig_conv2d, x, w, bias, o); }

ig_var *ig_conv_transpose1d(ig_graph *g, ig_var *x, ig_var *w, ig_var *bias, ig_conv_opts o) {
    return as_row(g, ig_conv_transpose2d, x, w, bias, o);
}
