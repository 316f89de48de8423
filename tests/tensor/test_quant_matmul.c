/* tests/tensor/test_quant_matmul.c: products over quantised weights: against double precision, and the bits of every
 * instruction set, number of rows and number of threads against each other.
 *
 * x is rounded per 32 values to steps of max/127, so a value errs by at most half a step, and a product by
 * Σ |w|·max/254.  Sums in f32 add a rounding per block of the largest part, which for q4_K and q5_K is d·s·q and dmin·m
 * apart: each at most twice the span of the row.
 */
#include "../check.h"

#include <float.h>
#include <math.h>

#include "ingot/quant.h"

#define EPS ((double)FLT_EPSILON / 2)

typedef struct problem {
    ig_block_type type;
    int64_t M, N, K;
    uint8_t *blocks;
    size_t bytes;
    float *x, *y;
} problem;

static void fill_gaussian(float *x, size_t n, uint64_t stream) {
    ig_rng r;
    ig_rng_init(&r, 11, stream);
    for (size_t i = 0; i < n; i++) x[i] = (float)ig_rng_normal(&r);
}

static problem make(ig_block_type type, int64_t M, int64_t N, int64_t K) {
    problem p = {.type = type, .M = M, .N = N, .K = K};
    ig_error err = {0};
    size_t weights = (size_t)(N * K);
    float *w = malloc(weights * sizeof *w);
    fill_gaussian(w, weights, 1);
    check_ok(ig_block_row_bytes(type, weights, &p.bytes, &err));
    p.blocks = malloc(p.bytes);
    check_ok(ig_blocks_from_f32(type, w, weights, NULL, p.blocks, &err));
    free(w);
    p.x = malloc((size_t)(M * K) * sizeof *p.x), p.y = malloc((size_t)(M * N) * sizeof *p.y);
    fill_gaussian(p.x, (size_t)(M * K), 2);
    return p;
}

/* Any bytes, with scales that are small numbers. */
static problem make_raw(ig_block_type type, int64_t M, int64_t N, int64_t K) {
    problem p = make(type, M, N, K);
    ig_rng r;
    ig_rng_init(&r, 13, (uint64_t)type);
    size_t block = ig_block_bytes(type);
    for (size_t i = 0; i < p.bytes; i++) p.blocks[i] = (uint8_t)ig_rng_u32(&r);
    for (size_t b = 0; b < p.bytes / block && type >= IG_BLOCK_Q8_0; b++) {
        uint8_t *at = p.blocks + b * block + (type == IG_BLOCK_Q6_K ? 208 : 0);
        at[1] &= 0xb3; /* no infinity, and many denormal numbers */
        if (type == IG_BLOCK_Q4_K || type == IG_BLOCK_Q5_K) at[3] &= 0xb3;
    }
    return p;
}

static void drop(problem *p) { free(p->blocks), free(p->x), free(p->y); }

static ig_context *context(ig_cpu cpu, int threads) {
    ig_context *ctx = NULL;
    return ig_context_new(&(ig_context_opts){.threads = threads, .cpu = cpu}, &ctx, NULL) == IG_OK ? ctx : NULL;
}

static void run(const problem *p, ig_cpu cpu, int threads, int64_t M, float *y) {
    ig_error err = {0};
    ig_context *ctx = context(cpu, threads);
    ig_qweight *w = NULL;
    check_ok(ig_qweight_new(ctx, p->type, p->N, p->K, p->blocks, &w, &err));
    check_ok(ig_qweight_matmul(ctx, w, p->x, M, y, &err));
    ig_qweight_free(w);
    ig_context_free(ctx);
}

static bool has(ig_cpu cpu) {
    ig_context *ctx = context(cpu, 1);
    ig_context_free(ctx);
    return ctx != NULL;
}

static int64_t k_unit(ig_block_type t) { return t < IG_BLOCK_Q8_0 ? 1 : (int64_t)ig_block_size(t); }

/* ---- against double precision ------------------------------------------------------------------------------------ */

static void check_value(const problem *p, const float *w, int64_t m, int64_t n) {
    const float *x = p->x + m * p->K;
    double want = 0, step = 0, span = 0, size = 0;
    for (int64_t k = 0; k < p->K; k++) {
        float max = 0;
        for (int64_t j = k / 32 * 32; j < k / 32 * 32 + 32 && j < p->K; j++) max = fmaxf(max, fabsf(x[j]));
        want += (double)w[k] * x[k], step += fabs((double)w[k]) * max / 254;
        span = fmax(span, fabs((double)w[k])), size += fabs((double)x[k]);
    }
    double roundings = (double)(p->type < IG_BLOCK_Q8_0 ? p->K : p->K / 32 + 8) * EPS * 4 * span * size;
    double tolerance = roundings + (p->type < IG_BLOCK_Q8_0 ? 0 : step * (1 + 4 * EPS));
    double got = p->y[m * p->N + n];
    if (!(fabs(got - want) <= tolerance))
        fail_msg("%s [%d,%d,%d] at %d,%d: %.9g, not %.9g ± %.3g", ig_block_name(p->type), (int)p->M, (int)p->N, (int)p->K, (int)m, (int)n, got, want, tolerance);
}

static void products_are_those_of_the_numbers(void **state) {
    (void)state;
    static const int64_t sizes[][3] = {{1, 1, 1}, {1, 33, 2}, {2, 16, 1}, {3, 17, 3}, {5, 31, 5}, {7, 40, 2}, {16, 5, 2}, {17, 50, 1}, {41, 35, 3}};
    ig_error err = {0};
    ig_context *ctx = context(IG_CPU_AUTO, 1);
    for (int t = 0; t < IG_BLOCK_COUNT; t++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            problem p = make((ig_block_type)t, sizes[s][0], sizes[s][1], sizes[s][2] * k_unit((ig_block_type)t));
            float *w = malloc((size_t)(p.N * p.K) * sizeof *w);
            check_ok(ig_blocks_to_f32(p.type, p.blocks, (size_t)(p.N * p.K), w, &err));
            run(&p, IG_CPU_AUTO, 1, p.M, p.y);
            for (int64_t m = 0; m < p.M; m++)
                for (int64_t n = 0; n < p.N; n++) check_value(&p, w + n * p.K, m, n);
            free(w), drop(&p);
        }
    ig_context_free(ctx);
}

/* Errors of rounded activations look random: over K = 4096 the root mean square stays below what steps of max/127 per 32
 * values give, 1/sqrt(12) of a step. */
static void the_error_is_that_of_8_bits_per_32_values(void **state) {
    (void)state;
    ig_error err = {0};
    for (int t = IG_BLOCK_Q8_0; t < IG_BLOCK_COUNT; t++) {
        problem p = make((ig_block_type)t, 16, 32, 4096);
        float *w = malloc((size_t)(p.N * p.K) * sizeof *w);
        check_ok(ig_blocks_to_f32(p.type, p.blocks, (size_t)(p.N * p.K), w, &err));
        run(&p, IG_CPU_AUTO, 1, p.M, p.y);
        double sum = 0, size = 0;
        for (int64_t i = 0; i < p.M * p.N; i++) {
            double want = 0;
            for (int64_t k = 0; k < p.K; k++) want += (double)w[i % p.N * p.K + k] * p.x[i / p.N * p.K + k];
            sum += (p.y[i] - want) * (p.y[i] - want), size += want * want;
        }
        assert_true(sqrt(sum / size) < 2.5 / 127 / sqrt(12)); /* the largest of 32 gaussian values is 2.4 on average */
        free(w), drop(&p);
    }
}

/* ---- bits -------------------------------------------------------------------------------------------------------- */

static void every_instruction_set_gives_the_same_bits(void **state) {
    (void)state;
    for (int t = 0; t < IG_BLOCK_COUNT; t++)
        for (int raw = 0; raw < 2; raw++) {
            ig_block_type type = (ig_block_type)t;
            if (raw && type < IG_BLOCK_Q8_0) continue; /* any bytes are infinities too */
            problem p = raw ? make_raw(type, 23, 37, 3 * k_unit(type)) : make(type, 23, 37, 3 * k_unit(type));
            for (int64_t k = 0; k < p.K; k++) p.x[3 * p.K + k] *= 1e30f, p.x[4 * p.K + k] *= 1e-30f, p.x[5 * p.K + k] = 0;
            run(&p, IG_CPU_REFERENCE, 1, p.M, p.y);
            float *y = malloc((size_t)(p.M * p.N) * sizeof *y);
            for (ig_cpu cpu = IG_CPU_AVX2; cpu <= IG_CPU_AVX512; cpu++) {
                if (!has(cpu)) continue;
                run(&p, cpu, 1, p.M, y);
                assert_memory_equal(y, p.y, (size_t)(p.M * p.N) * sizeof *y);
            }
            free(y), drop(&p);
        }
}

static void a_row_does_not_depend_on_its_company(void **state) {
    (void)state;
    for (ig_cpu cpu = IG_CPU_REFERENCE; cpu <= IG_CPU_AVX512; cpu++)
        for (int t = 0; has(cpu) && t < IG_BLOCK_COUNT; t++) {
            problem p = make((ig_block_type)t, 40, 75, 2 * k_unit((ig_block_type)t));
            float *y = malloc((size_t)(p.M * p.N) * sizeof *y);
            run(&p, cpu, 1, p.M, p.y);
            for (int64_t m = 1; m <= 18; m++) {
                run(&p, cpu, 1 + (int)m % 3, m, y);
                assert_memory_equal(y, p.y, (size_t)(m * p.N) * sizeof *y);
            }
            free(y), drop(&p);
        }
}

static void rows_come_back_to_the_bit(void **state) {
    (void)state;
    ig_error err = {0};
    ig_context *ctx = context(IG_CPU_AUTO, 1);
    for (int t = 0; t < IG_BLOCK_COUNT; t++) {
        ig_block_type type = (ig_block_type)t;
        problem p = type < IG_BLOCK_Q8_0 ? make(type, 1, 37, 3) : make_raw(type, 1, 37, 2 * k_unit(type));
        float *want = malloc((size_t)(p.N * p.K) * sizeof *want), *row = malloc((size_t)p.K * sizeof *row);
        ig_qweight *w = NULL;
        check_ok(ig_blocks_to_f32(type, p.blocks, (size_t)(p.N * p.K), want, &err));
        check_ok(ig_qweight_new(ctx, type, p.N, p.K, p.blocks, &w, &err));
        for (int64_t n = 0; n < p.N; n++) {
            ig_qweight_row_f32(w, n, row);
            assert_memory_equal(row, want + n * p.K, (size_t)p.K * sizeof *row);
        }
        ig_qweight_free(w);
        free(want), free(row), drop(&p);
    }
    ig_context_free(ctx);
}

/* ---- extremes ---------------------------------------------------------------------------------------------------- */

static void values_that_are_not_finite_stay_in_their_row(void **state) {
    (void)state;
    for (int t = IG_BLOCK_Q8_0; t < IG_BLOCK_COUNT; t++) {
        problem p = make((ig_block_type)t, 3, 20, 256), clean = make((ig_block_type)t, 3, 20, 256);
        p.x[256 + 40] = t % 2 ? NAN : INFINITY;
        run(&p, IG_CPU_AUTO, 1, 3, p.y);
        run(&clean, IG_CPU_AUTO, 1, 3, clean.y);
        for (int64_t n = 0; n < p.N; n++) assert_true(isnan(p.y[p.N + n]));
        assert_memory_equal(p.y, clean.y, (size_t)p.N * sizeof(float));
        assert_memory_equal(p.y + 2 * p.N, clean.y + 2 * p.N, (size_t)p.N * sizeof(float));
        drop(&p), drop(&clean);
    }
}

/* All q at -128 and all x at ±max: sums that would overflow 16 bits. */
static void the_largest_integers_do_not_overflow(void **state) {
    (void)state;
    problem p = make(IG_BLOCK_Q8_0, 2, 16, 4096);
    for (size_t b = 0; b < p.bytes / 34; b++) memset(p.blocks + 34 * b, 0x80, 34), p.blocks[34 * b] = 0, p.blocks[34 * b + 1] = 0x3c;
    for (int64_t k = 0; k < 2 * p.K; k++) p.x[k] = k < p.K ? 127 : k % 2 ? -127 : 127;
    for (ig_cpu cpu = IG_CPU_REFERENCE; cpu <= IG_CPU_AVX512; cpu++) {
        if (!has(cpu)) continue;
        run(&p, cpu, 1, 2, p.y);
        for (int64_t n = 0; n < p.N; n++) {
            assert_true(p.y[n] == -128.0f * 127 * 4096);
            assert_true(p.y[p.N + n] == 0);
        }
    }
    drop(&p);
}

/* ---- the rest of the interface ----------------------------------------------------------------------------------- */

static void memory_is_that_of_the_blocks(void **state) {
    (void)state;
    ig_error err = {0};
    ig_context *ctx = context(IG_CPU_AUTO, 1);
    for (int t = 0; t < IG_BLOCK_COUNT; t++) {
        problem p = make((ig_block_type)t, 1, 256, 1024);
        ig_qweight *w = NULL;
        check_ok(ig_qweight_new(ctx, p.type, p.N, p.K, p.blocks, &w, &err));
        assert_true((double)ig_qweight_bytes(w) < 1.01 * (double)p.bytes);
        assert_int_equal(ig_qweight_type(w), p.type);
        assert_int_equal(ig_qweight_rows(w), 256);
        assert_int_equal(ig_qweight_cols(w), 1024);
        ig_qweight_free(w);
        drop(&p);
    }
    ig_context_free(ctx);
}

static void the_gradient_is_the_product_with_the_numbers(void **state) {
    (void)state;
    ig_error err = {0};
    ig_context *ctx = context(IG_CPU_AUTO, 2);
    for (int t = 0; t < IG_BLOCK_COUNT; t++) {
        problem p = make((ig_block_type)t, 3, 300, 256); /* more rows than are made numbers at a time */
        float *dx = malloc((size_t)(p.M * p.K) * sizeof *dx), *row = malloc((size_t)p.K * sizeof *row);
        double *want = calloc((size_t)(p.M * p.K), sizeof *want);
        ig_qweight *w = NULL;
        fill_gaussian(p.y, (size_t)(p.M * p.N), 5);
        check_ok(ig_qweight_new(ctx, p.type, p.N, p.K, p.blocks, &w, &err));
        check_ok(ig_qweight_matmul_grad(ctx, w, p.y, p.M, dx, &err));
        for (int64_t n = 0; n < p.N; n++) {
            ig_qweight_row_f32(w, n, row);
            for (int64_t i = 0; i < p.M * p.K; i++) want[i] += (double)p.y[i / p.K * p.N + n] * row[i % p.K];
        }
        for (int64_t i = 0; i < p.M * p.K; i++) assert_true(fabs(dx[i] - want[i]) < 300 * EPS * 300 * 4);
        ig_qweight_free(w);
        free(dx), free(row), free(want), drop(&p);
    }
    ig_context_free(ctx);
}

static void wrong_sizes_are_refused(void **state) {
    (void)state;
    ig_error err = {0};
    ig_context *ctx = context(IG_CPU_AUTO, 1);
    ig_qweight *w = NULL;
    uint8_t block[256] = {0};
    check_fails(ig_qweight_new(ctx, IG_BLOCK_Q4_K, 1, 128, block, &w, &err), IG_E_SHAPE);
    check_fails(ig_qweight_new(ctx, IG_BLOCK_Q8_0, 0, 32, block, &w, &err), IG_E_SHAPE);
    check_fails(ig_qweight_new(ctx, IG_BLOCK_Q8_0, 1, -32, block, &w, &err), IG_E_SHAPE);
    check_fails(ig_qweight_new(ctx, (ig_block_type)99, 1, 32, block, &w, &err), IG_E_ARG);
    check_fails(ig_qweight_new(ctx, IG_BLOCK_Q8_0, INT64_MAX, INT64_MAX / 32 * 32, block, &w, &err), IG_E_LIMIT);
    check_fails(ig_qweight_new(ctx, IG_BLOCK_F32, INT64_MAX, 1, block, &w, &err), IG_E_LIMIT);
    assert_null(w);
    ig_qweight_free(NULL);
    ig_context_free(ctx);
}

static ig_status all_calls(ig_context *ctx, const problem *p, ig_error *err) {
    ig_qweight *w = NULL;
    IG_TRY(ig_qweight_new(ctx, p->type, p->N, p->K, p->blocks, &w, err));
    ig_status s = ig_qweight_matmul(ctx, w, p->x, p->M, p->y, err);
    if (s == IG_OK) s = ig_qweight_matmul_grad(ctx, w, p->y, p->M, p->x, err);
    ig_qweight_free(w);
    return s;
}

static void failed_allocations_are_reported(void **state) {
    (void)state;
    ig_error err = {0};
    problem p = make(IG_BLOCK_Q5_K, 2, 20, 256);
    ig_status s = IG_E_NOMEM;
    for (uint64_t n = 1; s != IG_OK; n++) {
        ig_context *ctx = context(IG_CPU_AUTO, 1);
        ig_alloc_fail_at(n);
        s = all_calls(ctx, &p, &err);
        ig_alloc_fail_at(0);
        assert_true(s == IG_OK ? n > 3 : s == IG_E_NOMEM);
        ig_context_free(ctx);
    }
    drop(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_are_those_of_the_numbers), cmocka_unit_test(the_error_is_that_of_8_bits_per_32_values),
        cmocka_unit_test(every_instruction_set_gives_the_same_bits), cmocka_unit_test(a_row_does_not_depend_on_its_company),
        cmocka_unit_test(rows_come_back_to_the_bit), cmocka_unit_test(values_that_are_not_finite_stay_in_their_row),
        cmocka_unit_test(the_largest_integers_do_not_overflow), cmocka_unit_test(memory_is_that_of_the_blocks),
        cmocka_unit_test(the_gradient_is_the_product_with_the_numbers), cmocka_unit_test(wrong_sizes_are_refused),
        cmocka_unit_test(failed_allocations_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
