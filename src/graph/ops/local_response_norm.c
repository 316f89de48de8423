/* graph/ops/local_response_norm.c: sums over neighbouring channels, and the normalisation of AlexNet that stands on them
 * (Krizhevsky et al. 2012, section 3.3), with torch's constants:
 *
 *     y = x / (k + alpha/size · Σ x²)^beta,   the sum over channels c - ⌊size/2⌋ … c + ⌊(size-1)/2⌋ that exist
 */
#include "graph/ops/ops.h"

static ig_status window_sum_shape(ig_node *n, ig_error *err) {
    const int64_t *i = n->attrs.i;
    IG_TRY(ig_need_real(n, 0, true, err));
    if (n->in[0]->t.ndim == 0) return ig_error_set(err, IG_E_SHAPE, "a scalar has no last dimension");
    if (i[0] < 0 || i[1] < 0)
        return ig_error_set(err, IG_E_ARG, "a window of %lld before and %lld after", (long long)i[0], (long long)i[1]);
    return ig_shape_same(n, err);
}

static void sum_rows(void *arg, size_t begin, size_t end, int thread) {
    const ig_run *r = arg;
    size_t c = (size_t)r->in[0]->shape[r->in[0]->ndim - 1], before = (size_t)r->node->attrs.i[0],
           after = (size_t)r->node->attrs.i[1];
    const void *x = r->in[0]->data;
    void *y = r->out[0]->data;
    (void)thread;
    for (size_t at = begin * c; at < end * c; at += c) {
        if (ig_is_f64(r->in[0])) r->k->window_sum_f64((double *)y + at, (const double *)x + at, before, after, c);
        else r->k->window_sum((float *)y + at, (const float *)x + at, before, after, c);
    }
}

static ig_status window_sum_forward(const ig_run *r, ig_error *err) {
    const ig_tensor *x = r->in[0];
    int64_t c = x->shape[x->ndim - 1];
    ig_run arg = *r;
    (void)err;
    if (c) ig_parallel_for(r->ctx, (size_t)(ig_tensor_numel(x) / c), ig_grain((size_t)(4 * c)), sum_rows, &arg);
    return IG_OK;
}

static ig_var *window_sum(ig_graph *g, ig_var *x, int64_t before, int64_t after) {
    ig_var *in = ig_contiguous(g, x);
    return ig_record(g, &ig_op_window_sum, &in, 1, &(ig_attrs){.i = {before, after}});
}

static void window_sum_back(ig_graph *g, ig_node *n, ig_var *const *d, ig_var **dx) {
    dx[0] = window_sum(g, d[0], n->attrs.i[1], n->attrs.i[0]);
}

const ig_op ig_op_window_sum = {
    .name = "window_sum", .doc = "y[c] = Σ x[c - before … c + after] along the last dim", .nin_min = 1, .nin_max = 1, .nout = 1,
    .map = -1, .shape = window_sum_shape, .forward = window_sum_forward, .backward = window_sum_back,
    .attr_names = "before,after",
};

ig_var *ig_local_response_norm(ig_graph *g, ig_var *x, int64_t size, double alpha, double beta, double k) {
    if (size < 1) return ig_poison(g, IG_E_ARG, "local_response_norm: a window of %lld channels", (long long)size);
    ig_var *sum = window_sum(g, ig_square(g, x), size / 2, (size - 1) / 2);
    return ig_mul(g, x, ig_pow(g, ig_affine(g, sum, alpha / (double)size, k), ig_constant(g, -beta)));
}
