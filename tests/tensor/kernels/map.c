/* Element-wise kernels of every instruction set against their double twins, which stand on libm. */
#include "kernel_check.h"

static const char *const names[] = {
#define NAME(name, arity) #name,
    IG_MAPS(NAME)};

/* Roundings allowed: relative to the result, and relative to `scale_of` where the formula cancels. */
static double units(ig_map m) {
    switch (m) {
    case IG_MAP_copy: case IG_MAP_neg: case IG_MAP_abs: case IG_MAP_sign: case IG_MAP_floor: case IG_MAP_relu: case IG_MAP_clamp:
    case IG_MAP_minimum: case IG_MAP_maximum: case IG_MAP_eq: case IG_MAP_ne: case IG_MAP_lt: case IG_MAP_le: case IG_MAP_gt:
    case IG_MAP_ge: case IG_MAP_relu_grad: case IG_MAP_select: case IG_MAP_abs_grad: return 0;
    case IG_MAP_square: case IG_MAP_sqrt: case IG_MAP_reciprocal: case IG_MAP_add: case IG_MAP_sub: case IG_MAP_mul: case IG_MAP_div:
    case IG_MAP_affine: case IG_MAP_fma: return 1.01;
    case IG_MAP_gelu_tanh: return 40; /* e^u with u up to 25 */
    case IG_MAP_exp: case IG_MAP_log: case IG_MAP_log1p: case IG_MAP_sin: case IG_MAP_cos: case IG_MAP_pow: return 4;
    default: return 10;
    }
}

/* What the formula's largest intermediate is of the order of; its roundings remain when terms cancel. */
static double scale_of(ig_map m, const double in[3]) {
    switch (m) {
    case IG_MAP_gelu: return fabs(in[0]);
    case IG_MAP_gelu_grad: case IG_MAP_gelu_tanh_grad: case IG_MAP_silu_grad: return fabs(in[0]) * 4;
    case IG_MAP_sigmoid_grad: case IG_MAP_tanh_grad: return fabs(in[0]) * (1 + in[1] * in[1]);
    case IG_MAP_affine: return 3;
    case IG_MAP_fma: return 0;
    default: return 0;
    }
}

static const float extremes[] = {0.0f, -0.0f, 1.0f, -1.0f, 0.5f, -0.5f, 2.0f, -2.0f, INFINITY, -INFINITY, NAN, 1e-45f, -1e-45f, 1.1754942e-38f,
    1e-39f, 3.4028235e38f, -3.4028235e38f, 88.72f, 88.73f, 89.5f, -87.3f, -87.4f, -103.9f, -104.1f, -150.0f, 1e10f, -1e10f, 1e-10f, -1e-10f,
    9.0f, -9.0f, 0.624f, 0.626f, 0.9999999f, -0.9999999f, 1.0000001f, 16777216.0f, 3.9f, -3.9f, 6.2831855f, 1.5707964f, 1e5f, -1e30f};

static bool wild(float x) { return !(fabsf(x) < 1e4f) || (x != 0 && fabsf(x) < 1e-30f); }

static void fill_inputs(float *const x[3], size_t n, bool extreme) {
    random_state = n; /* the same each time */
    for (int a = 0; a < 3; a++)
        for (size_t i = 0; i < n; i++) {
            size_t pick = a == 0 ? i : a == 1 ? i / 3 : i * 7 + 5;
            x[a][i] = extreme ? extremes[pick % COUNT(extremes)] : (float)random_in(-6, 6);
        }
}

static double expected(const ig_kernels *k, ig_map m, const double in[3], const ig_map_args *args) {
    double y;
    k->map_f64[m](&y, (const double *const[3]){&in[0], &in[1], &in[2]}, 1, args);
    return y;
}

/* Two-operand gradients multiply what the graph never combines (an infinite dy with a denormal x): extremes are checked one
 * operand at a time there. */
static void check_values(const ig_kernels *k, ig_map m, size_t n, bool extreme) {
    ig_map_args args = {.f = {-0.5, 1.5}};
    float *x[3] = {guarded(n), guarded(n), guarded(n)}, *y = guarded(n);
    fill_inputs(x, n, extreme);
    if (extreme && units(m) >= 10 && k->map_arity[m] > 1)
        for (size_t i = 0; i < n; i++) x[0][i] = 1.25f;
    k->map_f32[m](y, (const float *const[3]){x[0], x[1], x[2]}, n, &args);
    for (size_t i = 0; i < n; i++) {
        double in[3] = {x[0][i], x[1][i], x[2][i]}, want = expected(k, m, in, &args);
        if (m == IG_MAP_pow_grad_a && (wild(x[1][i]) || wild(x[2][i]))) continue; /* the power alone leaves the range of f32 */
        float rounded = (float)want;
        double tiny = fabs(want) < 1.2e-38 ? 1.5e-45 * (1 + units(m)) + (units(m) > 4 ? 4e-37 : 0) : 0;
        if (isinf(rounded) && fabs(want) < 3.42e38) continue; /* within rounding of the largest number */
        check_near(names[m], n, i, y[i], rounded, EPS * 2 * units(m) * (fabs(want) + scale_of(m, in)) + tiny);
    }
    free_guarded(y, n);
    for (int a = 0; a < 3; a++) free_guarded(x[a], n);
}

static void maps_agree_with_libm(void **state) {
    (void)state;
    EACH_SET(k) for (int m = 0; m < IG_MAP_COUNT; m++) {
        if (m == IG_MAP_dropout) continue;
        EACH_SIZE(n) check_values(k, (ig_map)m, n, false);
        check_values(k, (ig_map)m, COUNT(extremes) * 43, true);
    }
}

static const uint64_t key[2] = {0x123456789abcdef0u, 42};

static void run(const ig_kernels *k, ig_map m, float *y, float *const x[3], size_t first, size_t n) {
    ig_map_args args = {.f = {0.25, 1.5}, .key = key, .stream = 3, .index = 5 + first};
    k->map_f32[m](y + first, (const float *const[3]){x[0] + first, x[1] + first, x[2] + first}, n, &args);
}

static void cuts_and_places_do_not_change_bits(void **state) {
    (void)state;
    enum { N = 257 };
    static const size_t cuts[] = {1, 2, 5, 16, 31, 64, 100};
    float *x[3] = {guarded(N), guarded(N), guarded(N)}, *whole = guarded(N), *parts = guarded(N);
    for (int extreme = 0; extreme < 2; extreme++) EACH_SET(k) for (int m = 0; m < IG_MAP_COUNT; m++) {
        fill_inputs(x, N, extreme);
        run(k, (ig_map)m, whole, x, 0, N);
        for (size_t c = 0; c < COUNT(cuts); c++) {
            run(k, (ig_map)m, parts, x, 0, cuts[c]);
            run(k, (ig_map)m, parts, x, cuts[c], N - cuts[c]);
            if (!same_bits(whole, parts, N)) fail_msg("%s: cut at %zu", names[m], cuts[c]);
        }
        for (int a = 0; a < k->map_arity[m]; a++) {
            fill_inputs(x, N, extreme);
            run(k, (ig_map)m, x[a], x, 0, N);
            if (!same_bits(whole, x[a], N)) fail_msg("%s: in place of operand %d", names[m], a);
        }
    }
    for (int a = 0; a < 3; a++) free_guarded(x[a], N);
    free_guarded(whole, N), free_guarded(parts, N);
}

static void instruction_sets_give_the_same_bits(void **state) {
    (void)state;
    enum { N = 4000 };
    float *x[3] = {guarded(N), guarded(N), guarded(N)}, *first = guarded(N), *y = guarded(N);
    for (int m = 0; m < IG_MAP_COUNT; m++) {
        bool any = false;
        fill_inputs(x, N, false);
        EACH_SET(k) {
            run(k, (ig_map)m, any ? y : first, x, 0, N);
            if (any && !same_bits(first, y, N)) fail_msg("%s: %s differs", names[m], ig_cpu_name((ig_cpu)set_));
            any = true;
        }
    }
    for (int a = 0; a < 3; a++) free_guarded(x[a], N);
    free_guarded(first, N), free_guarded(y, N);
}

static void dropout_keeps_by_the_words_of_philox(void **state) {
    (void)state;
    enum { N = 1000 };
    float *x[3] = {guarded(N), guarded(N), guarded(N)}, *y = guarded(N);
    fill(x[0], N, 1, 2);
    EACH_SET(k) {
        run(k, IG_MAP_dropout, y, x, 0, N);
        for (uint64_t i = 0; i < N; i++) {
            uint32_t word[4];
            ig_philox(key[0] ^ 3 * 0x9E3779B97F4A7C15u, key[1], (i + 5) / 4, word);
            float want = word[(i + 5) % 4] >= 0x40000000u ? x[0][i] * (float)(1 / 0.75) : 0.0f;
            check_near("dropout", N, i, y[i], want, 0);
        }
    }
    free_guarded(y, N);
    for (int a = 0; a < 3; a++) free_guarded(x[a], N);
}

static void every_float_of_a_wide_grid_is_accurate(void **state) {
    (void)state;
    static const ig_map list[] = {IG_MAP_exp, IG_MAP_log, IG_MAP_log1p, IG_MAP_sin, IG_MAP_cos, IG_MAP_tanh, IG_MAP_sigmoid};
    enum { N = 4096 };
    float *x = guarded(N), *y = guarded(N);
    ig_map_args args = {.f = {0, 0}};
    EACH_SET(k) for (size_t m = 0; m < COUNT(list); m++)
        for (uint32_t block = 0; block < 64; block++) {
            for (uint32_t i = 0; i < N; i++) {
                uint32_t bits = (block * N + i) * 16381u; /* strides through all exponents and both signs */
                memcpy(&x[i], &bits, sizeof bits);
            }
            k->map_f32[list[m]](y, (const float *const[3]){x, x, x}, N, &args);
            for (size_t i = 0; i < N; i++) {
                double in[3] = {x[i]}, want = expected(k, list[m], in, &args);
                if (fabs(want) > 3.4028235e38) want = want > 0 ? (double)INFINITY : -(double)INFINITY;
                check_near(names[list[m]], N, i, y[i], want, EPS * 5 * fabs(want) + (list[m] == IG_MAP_sigmoid ? 1e-37 : 3e-45));
            }
        }
    free_guarded(x, N), free_guarded(y, N);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_agree_with_libm),
        cmocka_unit_test(cuts_and_places_do_not_change_bits),
        cmocka_unit_test(instruction_sets_give_the_same_bits),
        cmocka_unit_test(dropout_keeps_by_the_words_of_philox),
        cmocka_unit_test(every_float_of_a_wide_grid_is_accurate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
