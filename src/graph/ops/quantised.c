/* graph/ops/quantised.c: products and look-ups over quantised weights (ingot/quant.h).
 *
 * The weight is no tensor: the node borrows the caller's ig_qweight, whose address is its constant (IG_OP_BORROWS: such a
 * plan can be unrolled but not saved).  Nothing flows back to the weight; to x flows dx = dy·w over the numbers that the
 * weight stands for, as if x had not been rounded (a straight-through estimate), so that adapters before it can learn.
 */
#include "graph/ops/ops.h"
#include "ingot/quant.h"

#include <string.h>

static const ig_qweight *weight_of(const ig_node *n) { return (const ig_qweight *)(intptr_t)n->attrs.i[0]; }

static ig_attrs borrowed(const ig_qweight *w) { return (ig_attrs){.i = {(int64_t)(intptr_t)w}}; }

/* Input 0 is f32 [..., from] without gaps; the output is [..., to]. */
static ig_status last_dim_shape(ig_node *n, int64_t from, int64_t to, ig_error *err) {
    const ig_tensor *x = &n->in[0]->t;
    char text[128];
    int64_t shape[IG_DIMS_MAX];
    if (x->dtype != IG_DTYPE_F32) return ig_error_set(err, IG_E_DTYPE, "a product with quantised weights takes f32, not %s", ig_dtype_name(x->dtype));
    if (x->ndim < 1 || x->shape[x->ndim - 1] != from || !ig_tensor_is_contiguous(x))
        return ig_error_set(err, IG_E_SHAPE, "%s times quantised weights: the last size must be %lld, without gaps",
                            ig_tensor_shape_text(x, text, sizeof text), (long long)from);
    memcpy(shape, x->shape, sizeof shape);
    shape[x->ndim - 1] = to;
    return ig_out_set(n, 0, IG_DTYPE_F32, x->ndim, shape, err);
}

static ig_status need_weight(const ig_node *n, ig_error *err) {
    return weight_of(n) ? IG_OK : ig_error_set(err, IG_E_ARG, "no quantised weights were given");
}

/* ---- y = x·wᵀ ---------------------------------------------------------------------------------------------------- */

static int64_t rows_of(const ig_tensor *t, int64_t columns) { return ig_tensor_numel(t) / columns; }

static ig_status linear_shape(ig_node *n, ig_error *err) {
    IG_TRY(need_weight(n, err));
    return last_dim_shape(n, ig_qweight_cols(weight_of(n)), ig_qweight_rows(weight_of(n)), err);
}

static size_t linear_scratch(ig_context *ctx, const ig_node *n) {
    (void)ctx;
    return ig_qweight_scratch(weight_of(n), rows_of(&n->in[0]->t, ig_qweight_cols(weight_of(n))));
}

static ig_status linear_forward(const ig_run *r, ig_error *err) {
    const ig_qweight *w = weight_of(r->node);
    (void)err;
    ig_qweight_matmul_in(r->ctx, w, r->in[0]->data, rows_of(r->in[0], ig_qweight_cols(w)), r->out[0]->data, r->scratch);
    return IG_OK;
}

static void linear_back(ig_graph *g, ig_node *n, ig_var *const *d, ig_var **dx) {
    ig_var *dy = ig_contiguous(g, d[0]);
    dx[0] = ig_record(g, &ig_op_linear_quantised_grad, &dy, 1, &n->attrs);
}

static double linear_flops(const ig_node *n) {
    return 2.0 * (double)ig_tensor_numel(&n->in[0]->t) * (double)n->out[0].t.shape[n->out[0].t.ndim - 1];
}

const ig_op ig_op_linear_quantised = {
    .name = "linear_quantised", .doc = "x·wᵀ, w [N,K] block-quantised", .nin_min = 1, .nin_max = 1, .nout = 1, .map = -1,
    .flags = IG_OP_BORROWS, .shape = linear_shape, .forward = linear_forward, .backward = linear_back, .scratch = linear_scratch,
    .flops = linear_flops, .attr_names = "weight",
};

ig_var *ig_linear_quantised(ig_graph *g, ig_var *x, const ig_qweight *w) {
    ig_attrs a = borrowed(w);
    ig_var *in = ig_contiguous(g, x);
    return ig_record(g, &ig_op_linear_quantised, &in, 1, &a);
}

/* ---- dx = dy·w --------------------------------------------------------------------------------------------------- */

static ig_status grad_shape(ig_node *n, ig_error *err) {
    IG_TRY(need_weight(n, err));
    return last_dim_shape(n, ig_qweight_rows(weight_of(n)), ig_qweight_cols(weight_of(n)), err);
}

static size_t grad_scratch(ig_context *ctx, const ig_node *n) {
    (void)ctx;
    return ig_qweight_grad_scratch(weight_of(n));
}

static ig_status grad_forward(const ig_run *r, ig_error *err) {
    const ig_qweight *w = weight_of(r->node);
    return ig_qweight_matmul_grad_in(r->ctx, w, r->in[0]->data, rows_of(r->in[0], ig_qweight_rows(w)), r->out[0]->data, r->scratch, err);
}

const ig_op ig_op_linear_quantised_grad = {
    .name = "linear_quantised_grad", .doc = "dy·w", .nin_min = 1, .nin_max = 1, .nout = 1, .map = -1, .flags = IG_OP_BORROWS | IG_OP_NO_GRAD,
    .shape = grad_shape, .forward = grad_forward, .scratch = grad_scratch, .flops = linear_flops, .attr_names = "weight",
};

/* ---- rows -------------------------------------------------------------------------------------------------------- */

static ig_status embedding_shape(ig_node *n, ig_error *err) {
    const ig_tensor *at = &n->in[0]->t;
    int64_t shape[IG_DIMS_MAX + 1];
    IG_TRY(need_weight(n, err));
    IG_TRY(ig_need_indices(n, 0, err));
    memcpy(shape, at->shape, sizeof at->shape);
    shape[at->ndim] = ig_qweight_cols(weight_of(n));
    return ig_out_set(n, 0, IG_DTYPE_F32, at->ndim + 1, shape, err);
}

static void embedding_range(void *arg, size_t begin, size_t end, int thread) {
    const ig_run *r = arg;
    const ig_qweight *w = weight_of(r->node);
    (void)thread;
    for (size_t i = begin; i < end; i++)
        ig_qweight_row_f32(w, ig_index_at(r->in[0], (int64_t)i), (float *)r->out[0]->data + i * (size_t)ig_qweight_cols(w));
}

static ig_status embedding_forward(const ig_run *r, ig_error *err) {
    const ig_qweight *w = weight_of(r->node);
    ig_run copy = *r;
    IG_TRY(ig_check_indices(r->in[0], ig_qweight_rows(w), NULL, "index", err));
    ig_parallel_for(r->ctx, (size_t)ig_tensor_numel(r->in[0]), ig_grain((size_t)ig_qweight_cols(w)), embedding_range, &copy);
    return IG_OK;
}

const ig_op ig_op_embedding_quantised = {
    .name = "embedding_quantised", .doc = "rows of block-quantised weights: [V,C] at indices [...] gives [...,C]", .nin_min = 1, .nin_max = 1,
    .nout = 1, .map = -1, .flags = IG_OP_BORROWS | IG_OP_NO_GRAD, .shape = embedding_shape, .forward = embedding_forward, .attr_names = "weight",
};

ig_var *ig_embedding_quantised(ig_graph *g, ig_var *indices, const ig_qweight *w) {
    ig_attrs a = borrowed(w);
    ig_var *in = ig_contiguous(g, indices);
    return ig_record(g, &ig_op_embedding_quantised, &in, 1, &a);
}
