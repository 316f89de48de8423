/* tests/nn/linear.c: the fully connected layer and dropout, as a pass records them. */
#include <math.h>

#include "../check.h"
#include "ingot/nn.h"

#define M 7
#define K 48
#define N 20

static ig_context *ctx;
static ig_tensor x, w, w_out_in, bias; /* [M,K], [K,N], [N,K], [N] */

static ig_tensor random_tensor(const char *name, int ndim, const int64_t *shape) {
    ig_error err = {0};
    ig_tensor t;
    check_ok(ig_tensor_new(ctx, IG_DTYPE_F32, ndim, shape, &t, &err));
    check_ok(ig_init_tensor(ctx, &t, name, 1, IG_INIT_NORMAL, (ig_init_opts){.b = 1}, &err));
    return t;
}

static int set_up(void **state) {
    int64_t xs[] = {M, K}, ws[] = {K, N}, ts[] = {N, K}, n = N;
    ig_error err = {0};
    ig_tensor turned;
    (void)state;
    check_ok(ig_context_new(NULL, &ctx, &err));
    x = random_tensor("x", 2, xs), w = random_tensor("w", 2, ws), bias = random_tensor("bias", 1, &n);
    check_ok(ig_tensor_new(ctx, IG_DTYPE_F32, 2, ts, &w_out_in, &err));
    check_ok(ig_tensor_transpose(&turned, &w, 0, 1, &err));
    check_ok(ig_tensor_copy(ctx, &w_out_in, &turned, &err));
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    ig_tensor_unref(&x), ig_tensor_unref(&w), ig_tensor_unref(&w_out_in), ig_tensor_unref(&bias);
    ig_context_free(ctx);
    return 0;
}

static double expected(int64_t i, int64_t j, bool biased, double *magnitude) {
    double sum = biased ? ig_tensor_get(&bias, j) : 0;
    *magnitude = fabs(sum);
    for (int64_t k = 0; k < K; k++) {
        double p = ig_tensor_get(&x, i * K + k) * ig_tensor_get(&w, k * N + j);
        sum += p, *magnitude += fabs(p);
    }
    return sum;
}

/* Both factors are rounded to `eps` of relative error, sums are f32: |error| <= (2·eps + K·2^-24)·Σ|products|. */
static void check_linear(bool bf16, bool biased, bool out_in, double eps) {
    ig_error err = {0};
    ig_graph *g = NULL;
    check_ok(ig_graph_new(ctx, IG_GRAPH_EAGER, &g, &err));
    ig_pass p = {.g = g, .bf16 = bf16};
    ig_var *wv = ig_parameter(g, "w", out_in ? &w_out_in : &w);
    ig_var *y = ig_nn_linear(&p, ig_input(g, "x", &x), wv, biased ? ig_parameter(g, "bias", &bias) : NULL, out_in);
    check_ok(ig_graph_status(g, &err));
    assert_int_equal(ig_var_dtype(y), IG_DTYPE_F32);
    assert_int_equal(ig_dim(y, 0), M);
    assert_int_equal(ig_dim(y, 1), N);
    for (int64_t i = 0; i < M * N; i++) {
        double magnitude, want = expected(i / N, i % N, biased, &magnitude), got = ig_tensor_get(ig_value(y), i);
        if (fabs(got - want) > (2 * eps + K * 0x1p-24) * magnitude)
            fail_msg("bf16 %d, bias %d, out_in %d: %g for %g", bf16, biased, out_in, got, want);
    }
    ig_graph_free(g);
}

static void products_are_right_in_both_layouts_with_and_without_bias(void **state) {
    (void)state;
    for (int i = 0; i < 4; i++) check_linear(false, i & 1, i & 2, 0);
}

static void bf16_products_stay_within_the_rounding_of_their_factors(void **state) {
    (void)state;
    for (int i = 0; i < 4; i++) check_linear(true, i & 1, i & 2, 0x1p-9 * 1.01);
}

/* The gradients are products too, over M (of w) rows: same bound. */
static void gradient_of(bool bf16, bool out_in, double *dw) {
    ig_error err = {0};
    ig_graph *g = NULL;
    check_ok(ig_graph_new(ctx, IG_GRAPH_EAGER, &g, &err));
    ig_pass p = {.g = g, .bf16 = bf16};
    ig_var *wv = ig_parameter(g, "w", out_in ? &w_out_in : &w);
    ig_var *y = ig_nn_linear(&p, ig_input(g, "x", &x), wv, NULL, out_in);
    ig_backward(g, ig_mean(g, ig_square(g, y), 0, false));
    ig_var *d = ig_gradient(g, wv);
    check_ok(ig_graph_status(g, &err));
    assert_non_null(d);
    assert_int_equal(ig_var_dtype(d), IG_DTYPE_F32);
    for (int64_t i = 0; i < K * N; i++) dw[i] = ig_tensor_get(ig_value(d), i);
    ig_graph_free(g);
}

static void gradients_reach_the_f32_weights_through_bf16(void **state) {
    static double exact[K * N], rounded[K * N], turned[K * N];
    double largest = 0, worst = 0;
    (void)state;
    gradient_of(false, false, exact);
    gradient_of(true, false, rounded);
    gradient_of(false, true, turned);
    for (int64_t i = 0; i < K * N; i++) {
        largest = fmax(largest, fabs(exact[i])), worst = fmax(worst, fabs(exact[i] - rounded[i]));
        assert_true(fabs(turned[i % N * K + i / N] - exact[i]) < 1e-5);
    }
    assert_true(worst < 4 * 0x1p-8 * largest);
    assert_true(worst > 0 || !ig_context_has_bf16(ctx));
}

static void dropout_needs_training_a_rate_and_a_key(void **state) {
    ig_error err = {0};
    ig_graph *g = NULL;
    (void)state;
    check_ok(ig_graph_new(ctx, IG_GRAPH_EAGER, &g, &err));
    ig_pass p = {.g = g};
    ig_var *v = ig_input(g, "x", &x);
    assert_ptr_equal(ig_nn_dropout(&p, v, 0.5), v);
    p.training = true;
    assert_ptr_equal(ig_nn_dropout(&p, v, 0), v);
    check_ok(ig_graph_status(g, &err));
    ig_nn_dropout(&p, v, 0.5);
    check_fails(ig_graph_status(g, &err), IG_E_ARG);
    ig_graph_free(g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_are_right_in_both_layouts_with_and_without_bias),
        cmocka_unit_test(bf16_products_stay_within_the_rounding_of_their_factors),
        cmocka_unit_test(gradients_reach_the_f32_weights_through_bf16),
        cmocka_unit_test(dropout_needs_training_a_rate_and_a_key),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
