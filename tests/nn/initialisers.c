/* tests/nn/initialisers.c: distribution, fans, orthogonality and determinism of starting values. */
#include <math.h>

#include "../check.h"
#include "ingot/nn.h"

static ig_context *ctx;

static int make_context(void **state) {
    (void)state;
    return ig_context_new(NULL, &ctx, NULL) != IG_OK;
}

static int free_context(void **state) {
    (void)state;
    ig_context_free(ctx);
    return 0;
}

static ig_tensor fill_in(ig_context *c, ig_dtype type, int ndim, const int64_t *shape, const char *name, uint64_t seed,
                         ig_init kind, ig_init_opts opts) {
    ig_error err = {0};
    ig_tensor t;
    check_ok(ig_tensor_new(c, type, ndim, shape, &t, &err));
    check_ok(ig_init_tensor(c, &t, name, seed, kind, opts, &err));
    return t;
}

static ig_tensor fill(int ndim, const int64_t *shape, ig_init kind, ig_init_opts opts) {
    return fill_in(ctx, IG_DTYPE_F32, ndim, shape, "w", 1, kind, opts);
}

typedef struct moments {
    double mean, deviation, min, max;
} moments;

static moments measure(const ig_tensor *t) {
    int64_t n = ig_tensor_numel(t);
    moments m = {.min = INFINITY, .max = -INFINITY};
    double squares = 0;
    for (int64_t i = 0; i < n; i++) {
        double x = ig_tensor_get(t, i);
        m.mean += x / (double)n, squares += x * x / (double)n;
        m.min = fmin(m.min, x), m.max = fmax(m.max, x);
    }
    m.deviation = sqrt(squares - m.mean * m.mean);
    return m;
}

/* n draws: the mean is off by σ/√n, the deviation by at most σ/√(2n) (normal; less for uniform); five times that. */
static void check_moments(const ig_tensor *t, double mean, double deviation) {
    double n = (double)ig_tensor_numel(t);
    moments m = measure(t);
    assert_true(fabs(m.mean - mean) < 5 * deviation / sqrt(n));
    assert_true(fabs(m.deviation - deviation) < 5 * deviation / sqrt(2 * n));
}

static void constants_are_constant(void **state) {
    const struct { ig_init kind; ig_init_opts opts; double want; } all[] = {
        {IG_INIT_ZEROS, {.a = 0}, 0}, {IG_INIT_ONES, {.a = 0}, 1}, {IG_INIT_CONSTANT, {.a = -2.5}, -2.5}};
    int64_t n = 1000;
    (void)state;
    for (int i = 0; i < 3; i++) {
        ig_tensor t = fill(1, &n, all[i].kind, all[i].opts);
        moments m = measure(&t);
        assert_true(m.min == all[i].want && m.max == all[i].want);
        ig_tensor_unref(&t);
    }
}

static void uniform_and_normal_have_their_moments(void **state) {
    int64_t shape[] = {300, 400};
    (void)state;
    ig_tensor u = fill(2, shape, IG_INIT_UNIFORM, (ig_init_opts){.a = -1, .b = 3});
    ig_tensor n = fill(2, shape, IG_INIT_NORMAL, (ig_init_opts){.a = 0.5, .b = 0.02});
    moments m = measure(&u);
    check_moments(&u, 1, 4 / sqrt(12));
    assert_true(m.min >= -1 && m.max < 3.0001);
    check_moments(&n, 0.5, 0.02);
    ig_tensor_unref(&u);
    ig_tensor_unref(&n);
}

static void scaled_initialisers_follow_fan_in_and_fan_out(void **state) {
    int64_t matrix[] = {100, 400}, picture[] = {64, 32, 3, 5}; /* [out,in], [out,in,height,width] */
    const struct { ig_init kind; ig_init_opts opts; int ndim; const int64_t *shape; double deviation; } all[] = {
        {IG_INIT_XAVIER_NORMAL, {.a = 0}, 2, matrix, sqrt(2.0 / 500)},
        {IG_INIT_XAVIER_UNIFORM, {.a = 5.0 / 3}, 2, matrix, 5.0 / 3 * sqrt(2.0 / 500)},
        {IG_INIT_XAVIER_NORMAL, {.a = 0}, 4, picture, sqrt(2.0 / (96 * 15))},
        {IG_INIT_KAIMING_NORMAL, {.a = 0}, 2, matrix, sqrt(2.0 / 400)},
        {IG_INIT_KAIMING_NORMAL, {.transposed = true}, 2, matrix, sqrt(2.0 / 100)},
        {IG_INIT_KAIMING_UNIFORM, {.a = 1}, 2, matrix, sqrt(1.0 / 400)},
        {IG_INIT_KAIMING_UNIFORM, {.a = 0}, 4, picture, sqrt(2.0 / (32 * 15))},
    };
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        ig_tensor t = fill(all[i].ndim, all[i].shape, all[i].kind, all[i].opts);
        check_moments(&t, 0, all[i].deviation);
        ig_tensor_unref(&t);
    }
}

/* Largest deviation of the rows' (or columns') products from gain²·I. */
static double deviation_from_identity(const ig_tensor *t, double gain) {
    int64_t rows = t->shape[0], cols = ig_tensor_numel(t) / rows, n = rows < cols ? rows : cols, k = rows < cols ? cols : rows;
    double worst = 0;
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < n; j++) {
            double sum = i == j ? -gain * gain : 0;
            for (int64_t l = 0; l < k; l++)
                sum += rows < cols ? ig_tensor_get(t, i * cols + l) * ig_tensor_get(t, j * cols + l)
                                   : ig_tensor_get(t, l * cols + i) * ig_tensor_get(t, l * cols + j);
            worst = fmax(worst, fabs(sum));
        }
    }
    return worst;
}

static void orthogonal_is_orthogonal(void **state) {
    int64_t shapes[][3] = {{40, 40, 1}, {70, 30, 1}, {30, 70, 1}, {16, 3, 9}, {1, 8, 1}, {8, 1, 1}};
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        ig_tensor t = fill_in(ctx, IG_DTYPE_F64, 3, shapes[i], "q", 1, IG_INIT_ORTHOGONAL, (ig_init_opts){.a = i == 1 ? 2 : 0});
        assert_true(deviation_from_identity(&t, i == 1 ? 2 : 1) < 1e-13 * 4); /* backward stable: a few eps times √n */
        ig_tensor_unref(&t);
    }
}

/* Without the signs of R's diagonal the first column would always have a negative first entry (LAPACK's choice). */
static void orthogonal_matrices_are_spread_evenly(void **state) {
    int64_t shape[] = {3, 3};
    int positive = 0;
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        ig_tensor t = fill_in(ctx, IG_DTYPE_F64, 2, shape, "q", seed, IG_INIT_ORTHOGONAL, (ig_init_opts){0});
        positive += ig_tensor_get(&t, 0) > 0;
        ig_tensor_unref(&t);
    }
    assert_in_range(positive, 65, 135); /* 100 ± 5·√50 */
}

static bool same(const ig_tensor *a, const ig_tensor *b) { return memcmp(a->data, b->data, ig_tensor_bytes(a)) == 0; }

static void numbers_depend_on_seed_and_name_and_not_on_threads(void **state) {
    int64_t shape[] = {257, 301}; /* several chunks, the last incomplete */
    ig_context *one = NULL;
    ig_context_opts opts = {.threads = 1};
    ig_error err = {0};
    (void)state;
    check_ok(ig_context_new(&opts, &one, &err));
    for (int k = 0; k < 2; k++) {
        ig_init kind = k ? IG_INIT_UNIFORM : IG_INIT_NORMAL;
        ig_init_opts o = {.b = 1};
        ig_tensor a = fill_in(ctx, IG_DTYPE_F32, 2, shape, "w", 1, kind, o);
        ig_tensor b = fill_in(one, IG_DTYPE_F32, 2, shape, "w", 1, kind, o);
        ig_tensor c = fill_in(ctx, IG_DTYPE_F32, 2, shape, "w", 2, kind, o);
        ig_tensor d = fill_in(ctx, IG_DTYPE_F32, 2, shape, "v", 1, kind, o);
        assert_true(same(&a, &b));
        assert_false(same(&a, &c) || same(&a, &d));
        ig_tensor_unref(&a), ig_tensor_unref(&b), ig_tensor_unref(&c), ig_tensor_unref(&d);
    }
    ig_context_free(one);
}

static void other_types_and_strides_get_the_same_numbers(void **state) {
    int64_t shape[] = {20, 30}, turned[] = {30, 20};
    ig_error err = {0};
    ig_init_opts o = {.b = 1};
    ig_tensor view, base;
    (void)state;
    ig_tensor f = fill(2, shape, IG_INIT_NORMAL, o), d = fill_in(ctx, IG_DTYPE_F64, 2, shape, "w", 1, IG_INIT_NORMAL, o);
    check_ok(ig_tensor_new(ctx, IG_DTYPE_F32, 2, turned, &base, &err));
    check_ok(ig_tensor_transpose(&view, &base, 0, 1, &err));
    check_ok(ig_init_tensor(ctx, &view, "w", 1, IG_INIT_NORMAL, o, &err));
    for (int64_t i = 0; i < 600; i++) {
        assert_true((float)ig_tensor_get(&d, i) == (float)ig_tensor_get(&f, i));
        assert_true(ig_tensor_get(&view, i) == ig_tensor_get(&f, i));
    }
    ig_tensor_unref(&f), ig_tensor_unref(&d), ig_tensor_unref(&base);
}

static void what_cannot_be_filled_is_refused_by_name(void **state) {
    ig_error err = {0};
    ig_tensor t;
    int64_t n = 4;
    (void)state;
    check_ok(ig_tensor_new(ctx, IG_DTYPE_F32, 1, &n, &t, &err));
    check_fails(ig_init_tensor(ctx, &t, "bias", 1, IG_INIT_XAVIER_NORMAL, (ig_init_opts){0}, &err), IG_E_SHAPE);
    assert_non_null(strstr(err.message, "bias: xavier_normal"));
    check_fails(ig_init_tensor(ctx, &t, "bias", 1, IG_INIT_ORTHOGONAL, (ig_init_opts){0}, &err), IG_E_SHAPE);
    check_fails(ig_init_tensor(ctx, &t, "bias", 1, IG_INIT_NORMAL, (ig_init_opts){.b = -1}, &err), IG_E_ARG);
    check_fails(ig_init_tensor(ctx, &t, "bias", 1, (ig_init)99, (ig_init_opts){0}, &err), IG_E_ARG);
    ig_tensor_unref(&t);
    check_ok(ig_tensor_new(ctx, IG_DTYPE_I64, 1, &n, &t, &err));
    check_fails(ig_init_tensor(ctx, &t, "ids", 1, IG_INIT_ZEROS, (ig_init_opts){0}, &err), IG_E_DTYPE);
    ig_tensor_unref(&t);
}

static void names_are_read_back(void **state) {
    ig_init kind;
    (void)state;
    for (int i = 0; i < IG_INIT_COUNT; i++) {
        assert_true(ig_init_parse(ig_init_name((ig_init)i), &kind));
        assert_int_equal(kind, i);
    }
    assert_false(ig_init_parse("lecun", &kind));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constants_are_constant),
        cmocka_unit_test(uniform_and_normal_have_their_moments),
        cmocka_unit_test(scaled_initialisers_follow_fan_in_and_fan_out),
        cmocka_unit_test(orthogonal_is_orthogonal),
        cmocka_unit_test(orthogonal_matrices_are_spread_evenly),
        cmocka_unit_test(numbers_depend_on_seed_and_name_and_not_on_threads),
        cmocka_unit_test(other_types_and_strides_get_the_same_numbers),
        cmocka_unit_test(what_cannot_be_filled_is_refused_by_name),
        cmocka_unit_test(names_are_read_back),
    };
    return cmocka_run_group_tests(tests, make_context, free_context);
}
