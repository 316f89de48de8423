/* tests/graph/large.c: shapes at which ops cut their work: pieces and strips of reductions, chunks of rows, blocks of a
 * cut head.  Results against straightforward loops in double, and the same bits for one, two and five threads.
 */
#include "../check.h"

#include <float.h>
#include <math.h>

#include "ingot/graph.h"

static ig_context *new_context(int threads) {
    ig_error err = {0};
    ig_context *ctx = NULL;
    check_ok(ig_context_new(&(ig_context_opts){.threads = threads}, &ctx, &err));
    return ctx;
}

static ig_tensor random_tensor(ig_context *ctx, int ndim, const int64_t *shape, uint64_t stream) {
    ig_tensor t;
    ig_error err = {0};
    ig_rng r;
    ig_rng_init(&r, 5, stream);
    check_ok(ig_tensor_new(ctx, IG_DTYPE_F32, ndim, shape, &t, &err));
    for (int64_t i = 0; i < ig_tensor_numel(&t); i++) ((float *)t.data)[i] = (float)(2 * ig_rng_uniform(&r) - 1);
    return t;
}

static const float *floats(const ig_var *v) { return ig_value(v)->data; }

static ig_graph *new_graph(ig_context *ctx) {
    ig_graph *g = NULL;
    ig_error err = {0};
    check_ok(ig_graph_new(ctx, IG_GRAPH_EAGER, &g, &err));
    return g;
}

static void check_graph(const ig_graph *g) {
    ig_error err = {0};
    check_ok(ig_graph_status(g, &err));
}

/* ---- reductions ------------------------------------------------------------------------------------------------------------ */

typedef struct reduction_case {
    int ndim;
    int64_t shape[4];
    uint32_t axes;
} reduction_case;

/* Element i of x adds to element where(i) of y. */
static int64_t where(const reduction_case *c, int64_t i) {
    int64_t y = 0, stride = 1;
    for (int d = c->ndim - 1; d >= 0; d--) {
        int64_t at = i % c->shape[d];
        i /= c->shape[d];
        if (!(c->axes >> d & 1)) y += at * stride, stride *= c->shape[d];
    }
    return y;
}

static void check_reduction(ig_context *ctx, const reduction_case *c) {
    ig_tensor x = random_tensor(ctx, c->ndim, c->shape, 1);
    ig_graph *g = new_graph(ctx);
    ig_var *in = ig_input(g, "x", &x), *sum = ig_sum(g, in, c->axes, false), *max = ig_max(g, in, c->axes, false), *mean = ig_mean(g, in, c->axes, true);
    check_graph(g);
    int64_t numel = ig_tensor_numel(&x), outputs = ig_tensor_numel(ig_value(sum));
    double *want = calloc((size_t)outputs, sizeof *want), *size = calloc((size_t)outputs, sizeof *size), *top = calloc((size_t)outputs, sizeof *top);
    for (int64_t i = 0; i < numel; i++) {
        double v = (double)((float *)x.data)[i];
        int64_t o = where(c, i);
        want[o] += v, size[o] += fabs(v), top[o] = v > top[o] || size[o] == fabs(v) ? v : top[o];
    }
    for (int64_t o = 0; o < outputs; o++) {
        double count = (double)(numel / outputs), tolerance = 4 * (double)FLT_EPSILON * size[o]; /* signs differ: partial sums stay far below Σ|x| */
        if (fabs((double)floats(sum)[o] - want[o]) > tolerance || fabs((double)floats(mean)[o] - want[o] / count) > 2 * tolerance / count ||
            (double)floats(max)[o] != top[o])
            fail_msg("axes %x of a tensor of %lld elements: output %lld is sum %g, max %g instead of %g, %g", c->axes, (long long)numel, (long long)o,
                     (double)floats(sum)[o], (double)floats(max)[o], want[o], top[o]);
    }
    free(want), free(size), free(top);
    ig_graph_free(g);
    ig_tensor_unref(&x);
}

static void reductions_are_what_loops_say(void **state) {
    (void)state;
    static const reduction_case cases[] = {
        {1, {100003}, 1}, {2, {3, 50021}, 2}, {2, {50021, 3}, 1}, {2, {70, 40007}, 2}, {2, {5, 9001}, 1}, {2, {4099, 768}, 1},
        {3, {17, 1009, 64}, 3}, {3, {7, 1009, 64}, 5}, {3, {3, 5003, 11}, 2}, {4, {3, 257, 5, 129}, 5}, {4, {3, 257, 5, 129}, 10}, {4, {1, 30011, 1, 3}, 2},
    };
    ig_context *ctx = new_context(2);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) check_reduction(ctx, &cases[i]);
    ig_context_free(ctx);
}

static void a_maximum_with_a_nan_is_a_nan(void **state) {
    (void)state;
    ig_context *ctx = new_context(2);
    ig_graph *g = new_graph(ctx);
    ig_tensor x = random_tensor(ctx, 2, (int64_t[]){40009, 3}, 2);
    ((float *)x.data)[3 * 31000 + 1] = NAN;
    ig_var *y = ig_max(g, ig_input(g, "x", &x), 1, false), *at = ig_argmax(g, ig_input(g, "x", &x), 0);
    check_graph(g);
    assert_true(isnan(floats(y)[1]));
    assert_false(isnan(floats(y)[0]) || isnan(floats(y)[2]));
    const int64_t *where_nan = ig_value(at)->data;
    assert_int_equal(where_nan[1], 31000);
    assert_float_equal(((float *)x.data)[3 * where_nan[2] + 2], floats(y)[2], 0);
    ig_graph_free(g);
    ig_tensor_unref(&x);
    ig_context_free(ctx);
}

/* ---- layouts ---------------------------------------------------------------------------------------------------------- */

/* Exchange dims p and q of [3,5,70,37], or of its middle, copy, and compare element by element. */
static void check_layout(ig_context *ctx, ig_dtype dtype, int p, int q, bool sliced) {
    ig_error err = {0};
    ig_tensor x, view;
    check_ok(ig_tensor_new(ctx, dtype, 4, (int64_t[]){3, 5, 70, 37}, &x, &err));
    for (int64_t i = 0; i < ig_tensor_numel(&x); i++) ig_tensor_set(&x, i, (double)(i % 251));
    check_ok(ig_tensor_transpose(&view, &x, p, q, &err));
    for (int d = 0; sliced && d < 4; d++) check_ok(ig_tensor_slice(&view, &view, d, 1, view.shape[d] - 1, &err));
    ig_graph *g = new_graph(ctx);
    ig_var *v = ig_input(g, "x", &view), *y = ig_contiguous(g, v), *twice = ig_concat(g, (ig_var *[]){v, v}, 2, 1);
    check_graph(g);
    int64_t part = view.shape[1] * view.shape[2] * view.shape[3];
    for (int64_t i = 0; i < ig_tensor_numel(&view); i++) {
        double want = ig_tensor_get(&view, i), again = ig_tensor_get(ig_value(twice), i / part * 2 * part + part + i % part);
        if (ig_tensor_get(ig_value(y), i) != want || again != want)
            fail_msg("%s, dims %d and %d: element %lld", ig_dtype_name(dtype), p, q, (long long)i);
    }
    ig_graph_free(g);
    ig_tensor_unref(&x);
}

static void copies_keep_every_element(void **state) {
    (void)state;
    static const ig_dtype types[] = {IG_DTYPE_F32, IG_DTYPE_F64, IG_DTYPE_BF16, IG_DTYPE_I32, IG_DTYPE_I64, IG_DTYPE_U8};
    ig_context *ctx = new_context(3);
    for (size_t t = 0; t < sizeof types / sizeof *types; t++)
        for (int pair = 0; pair < 16; pair++)
            for (int sliced = 0; sliced < 2; sliced++) check_layout(ctx, types[t], pair / 4, pair % 4, sliced != 0);
    ig_context_free(ctx);
}

/* ---- attention: more threads than heads cut the rows --------------------------------------------------------------------------- */

static double score(const float *q, const float *k, int64_t D) {
    double s = 0;
    for (int64_t d = 0; d < D; d++) s += (double)q[d] * (double)k[d];
    return s / sqrt((double)D);
}

static void attention_row(const float *q, const float *k, const float *v, int64_t visible, int64_t D, double *y) {
    double largest = -INFINITY, sum = 0;
    for (int64_t s = 0; s < visible; s++) largest = fmax(largest, score(q, k + s * D, D));
    for (int64_t d = 0; d < D; d++) y[d] = 0;
    for (int64_t s = 0; s < visible; s++) {
        double p = exp(score(q, k + s * D, D) - largest);
        sum += p;
        for (int64_t d = 0; d < D; d++) y[d] += p * (double)v[s * D + d];
    }
    for (int64_t d = 0; d < D; d++) y[d] /= sum;
}

/* Values are means of numbers below 1: the error is some roundings of 1, and of exp of scores of size √D. */
static void check_attention(ig_context *ctx, int64_t H, int64_t T, int64_t S, int64_t D, bool causal) {
    int64_t qs[] = {1, H, T, D}, ks[] = {1, H, S, D};
    ig_tensor q = random_tensor(ctx, 4, qs, 1), k = random_tensor(ctx, 4, ks, 2), v = random_tensor(ctx, 4, ks, 3);
    ig_graph *g = new_graph(ctx);
    ig_var *y = ig_attention(g, ig_input(g, "q", &q), ig_input(g, "k", &k), ig_input(g, "v", &v), (ig_attention_opts){.causal = causal});
    check_graph(g);
    for (int64_t i = 0; i < H * T; i++) {
        double want[64];
        int64_t h = i / T, t = i % T, at = h * S * D;
        attention_row((const float *)q.data + i * D, (const float *)k.data + at, (const float *)v.data + at, causal ? t + 1 + S - T : S, D, want);
        for (int64_t d = 0; d < D; d++) {
            double have = ig_tensor_get(ig_value(y), i * D + d);
            if (fabs(have - want[d]) > 32 * (double)FLT_EPSILON) fail_msg("head %lld, row %lld, %lld: %g instead of %g", (long long)h, (long long)t, (long long)d, have, want[d]);
        }
    }
    ig_graph_free(g);
    ig_tensor_unref(&q), ig_tensor_unref(&k), ig_tensor_unref(&v);
}

static void cut_heads_give_what_loops_say(void **state) {
    (void)state;
    ig_context *ctx = new_context(5);
    check_attention(ctx, 1, 421, 433, 16, true);
    check_attention(ctx, 2, 421, 421, 32, true);
    check_attention(ctx, 1, 200, 67, 16, false);
    check_attention(ctx, 1, 197, 199, 5, true);
    ig_context_free(ctx);
}

/* ---- the same bits for any number of threads ------------------------------------------------------------------------------------- */

enum { ROWS = 1031, WIDTH = 67, OUTPUTS = 16 };

/* Loss and gradients of a little network that passes through every op that sums over rows. */
static int record_step(ig_graph *g, ig_tensor *x, ig_tensor *w, ig_tensor *targets, ig_var **out) {
    ig_var *in = ig_parameter(g, "x", x), *weight = ig_parameter(g, "w", w), *at = ig_input(g, "t", targets);
    ig_var *h = ig_layer_norm(g, in, weight, weight, 1e-5), *r = ig_rms_norm(g, h, weight, 1e-6);
    ig_var *rows = ig_reshape(g, r, 4, (int64_t[]){1, 1, ROWS, WIDTH});
    ig_var *mixed = ig_reshape(g, ig_attention(g, rows, rows, rows, (ig_attention_opts){.causal = true}), 2, (int64_t[]){ROWS, WIDTH});
    ig_var *picked = ig_embedding(g, mixed, at);
    ig_var *loss = ig_cross_entropy(g, ig_softmax(g, ig_cumsum(g, picked, 0, false), -1), ig_clamp(g, at, 0, WIDTH - 1), (ig_cross_entropy_opts){.label_smoothing = 0.1});
    loss = ig_add(g, loss, ig_mean(g, ig_mul(g, picked, picked), 0, false));
    ig_backward(g, loss);
    out[0] = loss, out[1] = ig_gradient(g, in), out[2] = ig_gradient(g, weight), out[3] = ig_global_norm(g, (ig_var *[]){out[1], out[2]}, 2);
    check_graph(g);
    return 4;
}

static void check_threads(int threads, float *first) {
    ig_context *ctx = new_context(threads);
    ig_error err = {0};
    ig_graph *g = new_graph(ctx);
    ig_tensor x = random_tensor(ctx, 2, (int64_t[]){ROWS, WIDTH}, 1), w = random_tensor(ctx, 1, (int64_t[]){WIDTH}, 2), t;
    ig_var *out[OUTPUTS];
    check_ok(ig_tensor_new(ctx, IG_DTYPE_I64, 1, (int64_t[]){ROWS}, &t, &err));
    for (int64_t i = 0; i < ROWS; i++) ((int64_t *)t.data)[i] = i * i % ROWS;
    int n = record_step(g, &x, &w, &t, out);
    for (int k = 0; k < n; k++) {
        const ig_tensor *v = ig_value(out[k]);
        if (threads == 1) memcpy(first, v->data, ig_tensor_bytes(v));
        else if (memcmp(first, v->data, ig_tensor_bytes(v)) != 0) fail_msg("output %d has other bits with %d threads", k, threads);
        first += ig_tensor_numel(v);
    }
    ig_graph_free(g);
    ig_tensor_unref(&x), ig_tensor_unref(&w), ig_tensor_unref(&t);
    ig_context_free(ctx);
}

static void results_have_the_same_bits_for_any_number_of_threads(void **state) {
    (void)state;
    float *first = calloc((size_t)(ROWS * WIDTH + WIDTH + 2), sizeof *first);
    check_threads(1, first);
    check_threads(2, first);
    check_threads(5, first);
    free(first);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reductions_are_what_loops_say),
        cmocka_unit_test(a_maximum_with_a_nan_is_a_nan),
        cmocka_unit_test(copies_keep_every_element),
        cmocka_unit_test(cut_heads_give_what_loops_say),
        cmocka_unit_test(results_have_the_same_bits_for_any_number_of_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
