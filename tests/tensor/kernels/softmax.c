/* Softmax, log-softmax, log-sum-exp and the cross-entropy gradient against plain loops in double. */
#include "kernel_check.h"

static const float spreads[] = {1, 30, 1000}; /* from flat rows to rows where all but one underflow */

typedef struct row {
    size_t n;
    float *x, *dy, *y;
    double *p, lse; /* expected */
} row;

static row make(size_t n, float spread) {
    row r = {.n = n, .x = guarded(n), .dy = guarded(n), .y = guarded(n), .p = malloc(n * sizeof(double))};
    double max = -(double)INFINITY, sum = 0;
    fill(r.x, n, -spread, spread), fill(r.dy, n, -1, 1);
    for (size_t i = 0; i < n; i++) max = fmax(max, r.x[i]);
    for (size_t i = 0; i < n; i++) sum += exp(r.x[i] - max);
    for (size_t i = 0; i < n; i++) r.p[i] = exp(r.x[i] - max) / sum;
    r.lse = max + log(sum);
    return r;
}

static void drop(row *r) {
    free_guarded(r->x, r->n), free_guarded(r->dy, r->n), free_guarded(r->y, r->n);
    free(r->p);
}

/* x - max has one rounding of up to |x - max|·EPS, which e^x makes relative; underflow below e^-87 is allowed. */
static double relative(const row *r, float spread) { return EPS * (4 * (double)spread + (double)r->n / 16 + 16); }
#define TINY 2e-38

#define EACH_ROW(k, r, spread)                                                                                         \
    EACH_SET(k) EACH_SIZE(n_) for (size_t c_ = 0; c_ < COUNT(spreads); c_++)                                           \
        for (float spread = spreads[c_], *once_ = &spread; once_; once_ = NULL)                                        \
            for (row r = make(n_, spread); r.x; drop(&r), r.x = NULL)

static void softmax_is_the_formula(void **state) {
    (void)state;
    EACH_ROW(k, r, spread) {
        check_near("lse of softmax", r.n, 0, k->softmax_row(r.y, r.x, r.n), r.lse, relative(&r, spread) + EPS * fabs(r.lse));
        for (size_t i = 0; i < r.n; i++) check_near("softmax", r.n, i, r.y[i], r.p[i], relative(&r, spread) * r.p[i] + TINY);
        check_near("lse", r.n, 0, k->lse_row(r.x, r.n), r.lse, relative(&r, spread) + EPS * fabs(r.lse));
    }
}

static void log_softmax_is_the_formula(void **state) {
    (void)state;
    EACH_ROW(k, r, spread) {
        check_near("lse of log_softmax", r.n, 0, k->log_softmax_row(r.y, r.x, r.n), r.lse, relative(&r, spread) + EPS * fabs(r.lse));
        for (size_t i = 0; i < r.n; i++)
            check_near("log_softmax", r.n, i, r.y[i], r.x[i] - r.lse, relative(&r, spread) + 2 * EPS * (fabs(r.x[i]) + fabs(r.lse)));
    }
}

static void gradients_are_the_formulas(void **state) {
    (void)state;
    EACH_ROW(k, r, spread) {
        double dot = 0, sum = 0, *y = malloc(r.n * sizeof *y);
        (void)spread;
        k->softmax_row(r.y, r.x, r.n);
        for (size_t i = 0; i < r.n; i++) y[i] = r.y[i], dot += y[i] * r.dy[i];
        float *dx = guarded(r.n);
        k->softmax_grad_row(dx, r.dy, r.y, r.n);
        for (size_t i = 0; i < r.n; i++)
            check_near("softmax_grad", r.n, i, dx[i], y[i] * (r.dy[i] - dot), EPS * ((double)r.n / 16 + 10) * 2 * y[i] + TINY);
        k->log_softmax_row(r.y, r.x, r.n);
        for (size_t i = 0; i < r.n; i++) sum += r.dy[i];
        k->log_softmax_grad_row(dx, r.dy, r.y, r.n);
        for (size_t i = 0; i < r.n; i++)
            check_near("log_softmax_grad", r.n, i, dx[i], r.dy[i] - exp(r.y[i]) * sum, EPS * ((double)r.n / 16 + 10) * (1 + (double)r.n * exp(r.y[i])) + TINY);
        free_guarded(dx, r.n), free(y);
    }
}

static void cross_entropy_gradient_is_the_formula(void **state) {
    (void)state;
    EACH_ROW(k, r, spread) for (int smooth = 0; smooth < 2; smooth++) {
        size_t target = r.n / 2;
        double s = smooth ? 0.1 : 0, scale = 0.25, rounded_lse = (float)r.lse;
        k->cross_entropy_grad_row(r.y, r.x, (float)r.lse, (int64_t)target, (float)s, (float)scale, r.n);
        for (size_t i = 0; i < r.n; i++) {
            double p = exp(r.x[i] - rounded_lse), want = (p - (i == target ? 1 - s : 0) - s / (double)r.n) * scale;
            check_near("cross_entropy_grad", r.n, i, r.y[i], want, relative(&r, spread) * p + 4 * EPS * (fabs(want) + (i == target) + s) + TINY);
        }
    }
}

static void rows_without_a_finite_value_do_not_turn_into_nan(void **state) {
    (void)state;
    EACH_SET(k) EACH_SIZE(n) {
        float *x = guarded(n), *y = guarded(n);
        for (size_t i = 0; i < n; i++) x[i] = -INFINITY;
        assert_true(k->softmax_row(y, x, n) == -INFINITY);
        for (size_t i = 0; i < n; i++) assert_true(y[i] == 0);
        assert_true(k->lse_row(x, n) == -INFINITY);
        x[n - 1] = 3;
        assert_true(k->softmax_row(y, x, n) == 3);
        for (size_t i = 0; i < n; i++) assert_true(y[i] == (i == n - 1));
        x[n / 2] = NAN;
        assert_true(isnan(k->softmax_row(y, x, n)));
        assert_true(isnan(y[0]));
        free_guarded(x, n), free_guarded(y, n);
    }
}

static void places_and_instruction_sets_do_not_change_bits(void **state) {
    (void)state;
    EACH_SIZE(n) {
        float *x = guarded(n), *y = guarded(n), *first = guarded(n), lse = 0;
        bool any = false;
        fill(x, n, -20, 20);
        EACH_SET(k) {
            float here = k->softmax_row(any ? y : first, x, n);
            if (any) assert_true(same_bits(first, y, n) && same_bits(&here, &lse, 1));
            any = true, lse = here;
            memcpy(y, x, n * sizeof *x);
            k->softmax_row(y, y, n);
            assert_true(same_bits(first, y, n));
        }
        free_guarded(x, n), free_guarded(y, n), free_guarded(first, n);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(softmax_is_the_formula),
        cmocka_unit_test(log_softmax_is_the_formula),
        cmocka_unit_test(gradients_are_the_formulas),
        cmocka_unit_test(cross_entropy_gradient_is_the_formula),
        cmocka_unit_test(rows_without_a_finite_value_do_not_turn_into_nan),
        cmocka_unit_test(places_and_instruction_sets_do_not_change_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
