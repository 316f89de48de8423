/* tests/graph/ops_torch.c: ops and their gradients against PyTorch's, committed in ops_torch.json (made by ops_torch.py).
 *
 * The reference was computed in double on inputs that f32 holds exactly; Ingot computes in f32.  Each comparison allows
 * 64 roundings of the largest value of the array: sums here are at most a few dozen terms.
 */
#include "../check.h"

#include <float.h>
#include <math.h>

#include "ingot/graph.h"

#define INPUTS_MAX 4

typedef struct entry {
    const char *op;
    ig_var *(*record)(ig_graph *g, ig_var *const *x, int n, const ig_tree *attrs);
} entry;

#define BUILD(name) static ig_var *name(ig_graph *g, ig_var *const *x, int n, const ig_tree *a)
#define UNUSED (void)n, (void)a

static int axis_of(const ig_tree *a) { return (int)ig_tree_int(a, "axis", 0); }
static uint32_t axes_of(const ig_tree *a) { return (uint32_t)ig_tree_int(a, "axes", 0); }

BUILD(softmax) { UNUSED; return ig_softmax(g, x[0], axis_of(a)); }
BUILD(log_softmax) { UNUSED; return ig_log_softmax(g, x[0], axis_of(a)); }
BUILD(cross_entropy) {
    UNUSED;
    ig_cross_entropy_opts o = {.has_ignore = ig_tree_get(a, "ignore") != NULL, .ignore_index = ig_tree_int(a, "ignore", 0),
                               .label_smoothing = ig_tree_real(a, "smoothing", 0)};
    return ig_cross_entropy(g, x[0], x[1], o);
}
BUILD(layer_norm) { UNUSED; return ig_layer_norm(g, x[0], x[1], x[2], ig_tree_real(a, "eps", 0)); }
BUILD(rms_norm) { UNUSED; return ig_rms_norm(g, x[0], x[1], ig_tree_real(a, "eps", 0)); }
BUILD(attention) { UNUSED; return ig_attention(g, x[0], x[1], x[2], (ig_attention_opts){.causal = ig_tree_bool(a, "causal", false)}); }
BUILD(rope) { UNUSED; return ig_rope(g, x[0], x[1], ig_tree_real(a, "theta", 0), ig_tree_bool(a, "half", false)); }
BUILD(embedding) { UNUSED; return ig_embedding(g, x[0], x[1]); }
BUILD(gather) { UNUSED; return ig_gather(g, x[0], axis_of(a), x[1]); }
BUILD(scatter_add) { UNUSED; return ig_scatter_add(g, x[0], axis_of(a), x[1], x[2]); }
BUILD(scatter_rows) { UNUSED; return ig_scatter_rows(g, x[0], x[1], x[2]); }
BUILD(cumsum) { UNUSED; return ig_cumsum(g, x[0], axis_of(a), ig_tree_bool(a, "reverse", false)); }
BUILD(sum) { UNUSED; return ig_sum(g, x[0], axes_of(a), false); }
BUILD(mean) { UNUSED; return ig_mean(g, x[0], axes_of(a), ig_tree_bool(a, "keepdim", false)); }
BUILD(max) { UNUSED; return ig_max(g, x[0], axes_of(a), false); }
BUILD(leaky_relu) { UNUSED; return ig_leaky_relu(g, x[0], ig_tree_real(a, "slope", 0)); }
BUILD(clamp) { UNUSED; return ig_clamp(g, x[0], ig_tree_real(a, "lo", 0), ig_tree_real(a, "hi", 0)); }
BUILD(linear) { UNUSED; return ig_linear(g, x[0], x[1], x[2]); }
static void pair_of(const ig_tree *a, const char *name, int64_t *out) {
    const ig_tree *t = ig_tree_get(a, name);
    if (t) out[0] = t->child->integer, out[1] = t->child->next ? t->child->next->integer : 0;
}
static ig_conv_opts conv_opts(const ig_tree *a) {
    ig_conv_opts o = {.groups = ig_tree_int(a, "groups", 0)};
    pair_of(a, "stride", o.stride), pair_of(a, "dilation", o.dilation), pair_of(a, "before", o.pad_before), pair_of(a, "after", o.pad_after);
    pair_of(a, "output_padding", o.output_padding);
    return o;
}
BUILD(conv2d) { return ig_conv2d(g, x[0], x[1], n == 3 ? x[2] : NULL, conv_opts(a)); }
BUILD(conv1d) { return ig_conv1d(g, x[0], x[1], n == 3 ? x[2] : NULL, conv_opts(a)); }
BUILD(conv_transpose2d) { return ig_conv_transpose2d(g, x[0], x[1], n == 3 ? x[2] : NULL, conv_opts(a)); }
BUILD(conv_transpose1d) { return ig_conv_transpose1d(g, x[0], x[1], n == 3 ? x[2] : NULL, conv_opts(a)); }
BUILD(concat) { return ig_concat(g, x, n, axis_of(a)); }
BUILD(global_norm) { UNUSED; return ig_global_norm(g, x, n); }

BUILD(batch_norm) {
    ig_batch_norm_opts o = {.training = true, .eps = ig_tree_real(a, "eps", 0), .relu = ig_tree_bool(a, "relu", false), .residual = n == 4 ? x[3] : NULL};
    return ig_batch_norm(g, x[0], x[1], x[2], NULL, NULL, o);
}
BUILD(batch_norm_twice) {
    static float mean[8], var[8];
    ig_tensor tm, tv;
    int64_t c = ig_dim(x[0], -1);
    ig_batch_norm_opts o = {.training = true, .eps = ig_tree_real(a, "eps", 0), .momentum = ig_tree_real(a, "momentum", 0)};
    (void)n;
    assert_true(c <= 8);
    for (int64_t i = 0; i < c; i++) mean[i] = 0, var[i] = 1;
    assert_int_equal(ig_tensor_wrap(&tm, mean, IG_DTYPE_F32, 1, &c, NULL), IG_OK);
    assert_int_equal(ig_tensor_wrap(&tv, var, IG_DTYPE_F32, 1, &c, NULL), IG_OK);
    ig_var *m = ig_input(g, "running_mean", &tm), *v = ig_input(g, "running_var", &tv);
    ig_batch_norm(g, x[0], x[1], x[2], m, v, o);
    o.training = false;
    return ig_batch_norm(g, x[0], x[1], x[2], m, v, o);
}
BUILD(group_norm) { UNUSED; return ig_group_norm(g, x[0], ig_tree_int(a, "groups", 0), x[1], x[2], ig_tree_real(a, "eps", 0)); }
BUILD(local_response_norm) {
    UNUSED;
    return ig_local_response_norm(g, x[0], ig_tree_int(a, "size", 0), ig_tree_real(a, "alpha", 0), ig_tree_real(a, "beta", 0), ig_tree_real(a, "k", 0));
}
static ig_pool_opts pool_of(const ig_tree *a) {
    int64_t kernel = ig_tree_int(a, "kernel", 0), stride = ig_tree_int(a, "stride", 0), pad = ig_tree_int(a, "pad", 0);
    return (ig_pool_opts){.kernel = {kernel, kernel}, .stride = {stride, stride}, .pad_before = {pad, pad}, .pad_after = {pad, pad},
                          .ceil_mode = ig_tree_bool(a, "ceil", false), .count_include_pad = ig_tree_bool(a, "include", false)};
}
BUILD(max_pool2d) { UNUSED; return ig_max_pool2d(g, x[0], pool_of(a)); }
BUILD(avg_pool2d) { UNUSED; return ig_avg_pool2d(g, x[0], pool_of(a)); }
BUILD(max_pool1d) { UNUSED; return ig_max_pool1d(g, x[0], pool_of(a)); }
BUILD(avg_pool1d) { UNUSED; return ig_avg_pool1d(g, x[0], pool_of(a)); }
BUILD(adaptive_avg_pool2d) { UNUSED; return ig_adaptive_avg_pool2d(g, x[0], ig_tree_int(a, "h", 0), ig_tree_int(a, "w", 0)); }
BUILD(adaptive_max_pool2d) { UNUSED; return ig_adaptive_max_pool2d(g, x[0], ig_tree_int(a, "h", 0), ig_tree_int(a, "w", 0)); }
BUILD(max_over_time) { UNUSED; return ig_max_over_time(g, x[0], x[1]); }
BUILD(pad) { UNUSED; return ig_pad(g, x[0], (int64_t[]){0, 3, 1, 0}, (int64_t[]){0, 0, 2, 0}, (ig_pad_mode)ig_tree_int(a, "mode", 0), 0.5); }
BUILD(interpolate) {
    UNUSED;
    ig_interpolate_mode mode = (ig_interpolate_mode)ig_tree_int(a, "mode", 0);
    return ig_interpolate(g, x[0], ig_tree_int(a, "h", 0), ig_tree_int(a, "w", 0), mode, ig_tree_bool(a, "align", false));
}
BUILD(relu6) { UNUSED; return ig_relu6(g, ig_affine(g, x[0], 8, 0)); }
BUILD(hard_sigmoid) { UNUSED; return ig_hard_sigmoid(g, ig_affine(g, x[0], 4, 0)); }
BUILD(hard_swish) { UNUSED; return ig_hard_swish(g, ig_affine(g, x[0], 4, 0)); }

#define UNARY(name)                                                                                                    \
    BUILD(name##_of) { UNUSED; return ig_##name(g, x[0]); }
#define BINARY(name)                                                                                                   \
    BUILD(name##_of) { UNUSED; return ig_##name(g, x[0], x[1]); }
UNARY(gelu) UNARY(gelu_tanh) UNARY(silu) UNARY(sigmoid) UNARY(tanh) UNARY(relu) UNARY(abs) UNARY(exp) UNARY(log) UNARY(log1p) UNARY(sqrt) UNARY(rsqrt)
BINARY(minimum) BINARY(maximum) BINARY(pow) BINARY(div) BINARY(matmul)

#define OWN(name) {#name, name}
#define PLAIN(name) {#name, name##_of}
static const entry entries[] = {
    OWN(softmax), OWN(log_softmax), OWN(cross_entropy), OWN(layer_norm), OWN(rms_norm), OWN(attention), OWN(rope), OWN(embedding), OWN(gather),
    OWN(scatter_add), OWN(scatter_rows), OWN(cumsum), OWN(sum), OWN(mean), OWN(max), OWN(leaky_relu), OWN(clamp), OWN(linear), OWN(concat), OWN(global_norm),
    OWN(conv2d), OWN(conv1d), OWN(conv_transpose2d), OWN(conv_transpose1d),
    OWN(batch_norm), OWN(batch_norm_twice), OWN(group_norm), OWN(local_response_norm), OWN(max_pool2d), OWN(avg_pool2d), OWN(max_pool1d), OWN(avg_pool1d),
    OWN(adaptive_avg_pool2d), OWN(adaptive_max_pool2d), OWN(max_over_time), OWN(pad), OWN(interpolate), OWN(relu6), OWN(hard_sigmoid), OWN(hard_swish),
    PLAIN(gelu), PLAIN(gelu_tanh), PLAIN(silu), PLAIN(sigmoid), PLAIN(tanh), PLAIN(relu), PLAIN(abs), PLAIN(exp), PLAIN(log), PLAIN(log1p), PLAIN(sqrt),
    PLAIN(rsqrt), PLAIN(minimum), PLAIN(maximum), PLAIN(pow), PLAIN(div), PLAIN(matmul),
};

static const entry *find(const char *op) {
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++)
        if (strcmp(entries[i].op, op) == 0) return &entries[i];
    fail_msg("ops_torch.json has the op \"%s\", which this test does not record", op);
    return NULL;
}

static void read_array(ig_context *ctx, const ig_tree *t, ig_tensor *out) {
    ig_error err = {0};
    int64_t shape[IG_DIMS_MAX], i = 0;
    int ndim = 0;
    ig_dtype dtype;
    assert_non_null(t);
    assert_true(ig_dtype_parse(ig_tree_text(t, "dtype", ""), &dtype));
    for (const ig_tree *s = ig_tree_get(t, "shape")->child; s; s = s->next) shape[ndim++] = s->integer;
    check_ok(ig_tensor_new(ctx, dtype, ndim, shape, out, &err));
    for (const ig_tree *v = ig_tree_get(t, "values")->child; v; v = v->next) ig_tensor_set(out, i++, v->real);
    assert_int_equal(i, ig_tensor_numel(out));
}

static void check_array(ig_context *ctx, const ig_tree *c, const char *what, const ig_tensor *have, const ig_tree *expected) {
    ig_tensor want;
    double largest = 0;
    read_array(ctx, expected, &want);
    assert_true(ig_tensor_same_shape(have, &want));
    for (int64_t i = 0; i < ig_tensor_numel(&want); i++) largest = fmax(largest, fabs(ig_tensor_get(&want, i)));
    for (int64_t i = 0; i < ig_tensor_numel(&want); i++) {
        double a = ig_tensor_get(have, i), b = ig_tensor_get(&want, i);
        if (!(fabs(a - b) <= 64 * (double)FLT_EPSILON * (largest + 1e-3)))
            fail_msg("ops_torch.json:%d: %s: %s at %lld is %.9g; PyTorch has %.9g", c->line, ig_tree_text(c, "op", ""), what, (long long)i, a, b);
    }
    ig_tensor_unref(&want);
}

static void check_case(ig_context *ctx, ig_graph *g, const ig_tree *c) {
    ig_tensor x[INPUTS_MAX], dy;
    ig_var *var[INPUTS_MAX];
    ig_error err = {0};
    char name[16];
    int n = 0;
    ig_graph_reset(g);
    for (const ig_tree *t = ig_tree_get(c, "inputs")->child; t; t = t->next, n++) {
        read_array(ctx, t, &x[n]);
        snprintf(name, sizeof name, "x%d", n);
        var[n] = x[n].dtype == IG_DTYPE_F32 ? ig_parameter(g, name, &x[n]) : ig_input(g, name, &x[n]);
    }
    read_array(ctx, ig_tree_get(c, "dy"), &dy);
    ig_var *y = find(ig_tree_text(c, "op", ""))->record(g, var, n, ig_tree_get(c, "attrs"));
    ig_backward_from(g, y, ig_input(g, "dy", &dy));
    check_ok(ig_graph_status(g, &err));
    check_array(ctx, c, "y", ig_value(y), ig_tree_get(c, "y"));
    const ig_tree *d = ig_tree_get(c, "gradients")->child;
    for (int k = 0; k < n; k++) {
        if (x[k].dtype == IG_DTYPE_F32) check_array(ctx, c, "a gradient", ig_value(ig_gradient(g, var[k])), d), d = d->next;
        ig_tensor_unref(&x[k]);
    }
    ig_tensor_unref(&dy);
}

static void ops_and_gradients_are_pytorchs(void **state) {
    (void)state;
    ig_error err = {0};
    ig_context *ctx = NULL;
    ig_graph *g = NULL;
    ig_doc *doc = NULL;
    int count = 0;
    check_ok(ig_context_new(&(ig_context_opts){0}, &ctx, &err));
    check_ok(ig_graph_new(ctx, IG_GRAPH_EAGER, &g, &err));
    check_ok(ig_doc_load(TEST_SOURCE "/ops_torch.json", 1 << 20, &doc, &err));
    for (const ig_tree *c = ig_tree_get(ig_doc_root(doc), "cases")->child; c; c = c->next, count++) check_case(ctx, g, c);
    assert_true(count > 40);
    ig_doc_free(doc);
    ig_graph_free(g);
    ig_context_free(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(ops_and_gradients_are_pytorchs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
