/* Sums and maxima against plain loops in double; add_rows against the order it promises. */
#include "kernel_check.h"

/* 16 lanes of n/16 additions each, then four to fold. */
static double tolerance_of(size_t n, double magnitude) { return EPS * ((double)n / 16 + 6) * magnitude; }

static void sums_are_within_their_roundings(void **state) {
    (void)state;
    EACH_SET(k) EACH_SIZE(n) {
        float *x = guarded(n);
        double sum = 0, squares = 0, magnitude = 0;
        fill(x, n, -3, 5);
        for (size_t i = 0; i < n; i++) sum += x[i], magnitude += fabs((double)x[i]), squares += (double)x[i] * x[i];
        check_near("row_sum", n, 0, k->row_sum(x, n), sum, tolerance_of(n, magnitude));
        check_near("row_sum_squares", n, 0, k->row_sum_squares(x, n), squares, tolerance_of(n, squares));
        free_guarded(x, n);
    }
}

static void an_empty_sum_is_zero(void **state) {
    (void)state;
    float x = 1;
    EACH_SET(k) {
        assert_true(k->row_sum(&x, 0) == 0);
        assert_true(k->row_sum_squares(&x, 0) == 0);
    }
}

static void the_maximum_is_found_wherever_it_stands(void **state) {
    (void)state;
    EACH_SET(k) EACH_SIZE(n) {
        float *x = guarded(n);
        for (size_t at = 0; at < n; at++) {
            fill(x, n, -9, -1);
            x[at] = -0.5f;
            assert_true(k->row_max(x, n) == -0.5f);
            x[at] = INFINITY;
            assert_true(k->row_max(x, n) == INFINITY);
            x[at] = NAN;
            assert_true(isnan(k->row_max(x, n)));
        }
        for (size_t i = 0; i < n; i++) x[i] = -INFINITY;
        assert_true(k->row_max(x, n) == -INFINITY);
        free_guarded(x, n);
    }
}

static void rows_are_added_in_their_order(void **state) {
    (void)state;
    static const size_t rows[] = {0, 1, 2, 7, 100};
    EACH_SET(k) for (size_t c = 0; c < COUNT(rows); c++) EACH_SIZE(n) {
        size_t ld = n + 3, all = rows[c] * ld;
        float *x = guarded(all), *y = guarded(n);
        fill(x, all, -1, 1);
        k->add_rows(y, x, rows[c], n, ld);
        for (size_t j = 0; j < n; j++) {
            float sum = 0;
            for (size_t i = 0; i < rows[c]; i++) sum += x[i * ld + j];
            check_near("add_rows", n, j, y[j], sum, 0);
        }
        free_guarded(x, all), free_guarded(y, n);
    }
}

static void instruction_sets_give_the_same_bits(void **state) {
    (void)state;
    EACH_SIZE(n) {
        float *x = guarded(n), first[3], again[3];
        bool any = false;
        fill(x, n, -1, 1);
        EACH_SET(k) {
            float *r = any ? again : first;
            r[0] = k->row_sum(x, n), r[1] = k->row_sum_squares(x, n), r[2] = k->row_max(x, n);
            if (any) assert_true(same_bits(first, again, 3));
            any = true;
        }
        free_guarded(x, n);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_within_their_roundings),       cmocka_unit_test(an_empty_sum_is_zero),
        cmocka_unit_test(the_maximum_is_found_wherever_it_stands), cmocka_unit_test(rows_are_added_in_their_order),
        cmocka_unit_test(instruction_sets_give_the_same_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
