/* tests/tensor/kernels/normal.c: normal equations against plain loops in double, and the same bits for every instruction set. */
#include "kernel_check.h"

enum { N = 37 };
static const size_t widths[] = {16, 32, 48, 112, 288};

typedef struct system {
    float x[N * 288], w[N * 288], a[288 * 288], b[288], z[288];
} system_;

/* A = 1 + Σ w·wᵀ of positive weights */
static void make(system_ *s, size_t d) {
    fill(s->x, N * d, -1, 1);
    for (size_t k = 0; k < N; k++) {
        float weight = (float)random_in(0.1, 2);
        for (size_t i = 0; i < d; i++) s->w[k * d + i] = weight * s->x[k * d + i];
    }
    memset(s->a, 0, d * d * sizeof *s->a);
    for (size_t i = 0; i < d; i++) s->a[i * d + i] = 1;
    fill(s->b, d, -1, 1);
    fill(s->z, d, -1, 1);
}

static double element(const system_ *s, size_t d, size_t i, size_t j) {
    double v = i == j;
    for (size_t k = 0; k < N; k++) v += (double)s->w[k * d + i] * s->x[k * d + j];
    return v;
}

/* N + 1 roundings of a sum below 2·N */
static void sums_of_products_are_those_of_loops(void **state) {
    (void)state;
    static system_ s;
    static float first[288 * 288];
    for (size_t t = 0; t < COUNT(widths); t++) {
        size_t d = widths[t];
        bool have = false;
        make(&s, d);
        EACH_SET(k) {
            float *a = guarded(d * d);
            memcpy(a, s.a, d * d * sizeof *a);
            k->add_outer(a, s.w, s.x, N, d);
            for (size_t i = 0; i < d; i++)
                for (size_t j = 0; j <= i; j++) {
                    assert_true(fabs(a[i * d + j] - element(&s, d, i, j)) <= (N + 1) * EPS * 2 * N);
                    if (have) assert_true(same_bits(&a[i * d + j], &first[i * d + j], 1));
                }
            memcpy(first, a, d * d * sizeof *a);
            have = true;
            free_guarded(a, d * d);
        }
    }
}

/* The residual of a backward stable solver: about d roundings of |A|·|x|. */
static void check_solution(const system_ *s, size_t d, const float *x, const float *b) {
    for (size_t i = 0; i < d; i++) {
        double sum = -b[i], size = fabs((double)b[i]);
        for (size_t j = 0; j < d; j++) {
            double e = i >= j ? element(s, d, i, j) : element(s, d, j, i);
            sum += e * x[j], size += fabs(e * x[j]);
        }
        assert_true(fabs(sum) <= 8 * (double)d * EPS * size + 1e-4);
    }
}

static void systems_are_solved(void **state) {
    (void)state;
    static system_ s;
    static float first[288], l[288 * 288];
    for (size_t t = 0; t < COUNT(widths); t++) {
        size_t d = widths[t];
        bool have = false;
        make(&s, d);
        EACH_SET(k) {
            float *x = guarded(d), *y = guarded(d);
            memcpy(l, s.a, d * d * sizeof *l);
            k->add_outer(l, s.w, s.x, N, d);
            assert_true(k->cholesky(l, d));
            memcpy(x, s.b, d * sizeof *x);
            k->cholesky_solve(l, x, NULL, d);
            check_solution(&s, d, x, s.b);
            memset(y, 0, d * sizeof *y);
            k->cholesky_solve(l, y, s.z, d); /* y = L⁻ᵀ·z: Lᵀ·y is z again */
            for (size_t i = 0; i < d; i++) {
                double v = 0;
                for (size_t j = i; j < d; j++) v += (double)l[j * d + i] * y[j];
                assert_true(fabs(v - s.z[i]) < 1e-4);
            }
            if (have) assert_true(same_bits(x, first, d));
            memcpy(first, x, d * sizeof *x);
            have = true;
            free_guarded(x, d), free_guarded(y, d);
        }
    }
}

static void what_is_not_positive_definite_is_told(void **state) {
    (void)state;
    static float a[32 * 32];
    EACH_SET(k) {
        static const float bad[] = {0, -1, NAN, INFINITY};
        for (size_t b = 0; b < COUNT(bad); b++)
            for (size_t at = 0; at < 32; at += 5) {
                memset(a, 0, sizeof a);
                for (size_t i = 0; i < 32; i++) a[i * 32 + i] = i == at ? bad[b] : 1;
                assert_false(k->cholesky(a, 32));
            }
    }
}

static void rows_are_summed_by_their_numbers(void **state) {
    (void)state;
    static float x[64 * 48];
    static const int32_t index[] = {3, 3, 63, 0, 17};
    fill(x, 64 * 48, -1, 1);
    EACH_SET(k)
        for (size_t n = 0; n <= COUNT(index); n++) {
            float *y = guarded(48);
            k->sum_rows_at(y, x, index, n, 48);
            for (size_t j = 0; j < 48; j++) {
                double v = 0;
                for (size_t i = 0; i < n; i++) v += x[(size_t)index[i] * 48 + j];
                assert_true(fabs(v - y[j]) <= 5 * 5 * EPS);
            }
            free_guarded(y, 48);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_of_products_are_those_of_loops), cmocka_unit_test(systems_are_solved),
        cmocka_unit_test(what_is_not_positive_definite_is_told), cmocka_unit_test(rows_are_summed_by_their_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
