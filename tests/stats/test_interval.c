/* tests/stats/test_interval.c: quantiles against printed tables, intervals against textbook values and by coverage. */
#include "../check.h"

#include <math.h>

#include "ingot/stats.h"

static void mean_and_deviation_survive_a_large_offset(void **state) {
    (void)state;
    const double x[] = {1e9 + 2, 1e9 + 4, 1e9 + 4, 1e9 + 4, 1e9 + 5, 1e9 + 5, 1e9 + 7, 1e9 + 9};
    assert_true(ig_stats_mean(x, 8) == 1e9 + 5);
    assert_true(fabs(ig_stats_sd(x, 8) - sqrt(32.0 / 7)) < 1e-12);
    assert_true(ig_stats_sd(x, 1) == 0);
}

/* Abramowitz & Stegun, table 26.10, and scipy.stats.t.ppf for the digits behind it. */
static void quantiles_are_those_of_the_tables(void **state) {
    (void)state;
    const struct {
        double p, df, t;
    } rows[] = {
        {0.975, 1, 12.706204736432095}, {0.975, 2, 4.302652729911275}, {0.975, 4, 2.7764451051977987}, {0.975, 9, 2.2621571627409915},
        {0.975, 29, 2.045229642132703}, {0.995, 9, 3.2498355440153697}, {0.95, 120, 1.6576508993552355}, {0.975, 1e6, 1.959966375},
        {0.5, 7, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double t = ig_stats_t_quantile(rows[i].p, rows[i].df);
        if (fabs(t - rows[i].t) > 1e-7 * (1 + rows[i].t)) fail_msg("row %zu: %.12g, expected %.12g", i, t, rows[i].t);
        assert_true(fabs(t + ig_stats_t_quantile(1 - rows[i].p, rows[i].df)) < 1e-7 * (1 + fabs(t)));
    }
}

static void interval_is_students(void **state) {
    (void)state;
    ig_error err;
    ig_interval v;
    const double x[] = {4.9, 5.1, 5.0, 5.3, 4.7};
    check_ok(ig_stats_t_interval(x, 5, 0.95, &v, &err));
    double half = 2.7764451051977987 * sqrt(0.05) / sqrt(5);
    assert_true(fabs(v.mean - 5) < 1e-12 && fabs(v.hi - 5 - half) < 1e-9 && fabs(5 - half - v.lo) < 1e-9);
}

/* 1,000 samples of a normal variable: a 90 % interval holds the mean 900 times; 4 standard errors of that count are 38. */
static void intervals_hold_the_mean_as_often_as_they_say(void **state) {
    (void)state;
    ig_error err;
    int t_holds = 0, boot_holds = 0;
    for (uint64_t k = 0; k < 1000; k++) {
        double x[30];
        ig_interval v;
        ig_rng rng;
        ig_rng_init(&rng, 42, k);
        for (int i = 0; i < 30; i++) x[i] = 3 + ig_rng_normal(&rng);
        check_ok(ig_stats_t_interval(x, 30, 0.9, &v, &err));
        t_holds += v.lo <= 3 && 3 <= v.hi;
        check_ok(ig_stats_bootstrap(x, 30, 0.9, 200, k, &v, &err));
        boot_holds += v.lo <= 3 && 3 <= v.hi;
    }
    assert_in_range(t_holds, 862, 938);
    assert_in_range(boot_holds, 840, 938); /* the percentile bootstrap is a little too narrow for 30 values */
}

static void bootstrap_is_a_function_of_the_seed(void **state) {
    (void)state;
    ig_error err;
    ig_interval a, b, c;
    const double x[] = {1, 2, 4, 8, 16};
    check_ok(ig_stats_bootstrap(x, 5, 0.95, 500, 1, &a, &err));
    check_ok(ig_stats_bootstrap(x, 5, 0.95, 500, 1, &b, &err));
    check_ok(ig_stats_bootstrap(x, 5, 0.95, 500, 2, &c, &err));
    assert_memory_equal(&a, &b, sizeof a);
    assert_true(a.lo != c.lo || a.hi != c.hi);
}

/* By hand: class 0 has 2·2/(3+4), class 1 has 2·1/(2+2), class 2 nothing at all, class 3 0. */
static void macro_f1_is_the_mean_over_the_classes_that_there_are(void **state) {
    (void)state;
    ig_error err;
    ig_interval v;
    const int32_t are[] = {0, 0, 0, 1, 1, 3}, said[] = {0, 0, 1, 1, 0, 0}, wrong[] = {0, 0, 4, 1, 0, 0};
    check_ok(ig_stats_macro_f1(are, said, 6, 4, 0.95, 500, 1, &v, &err));
    assert_true(fabs(v.mean - (4.0 / 7 + 0.5 + 0) / 3) < 1e-12);
    assert_true(v.lo < v.mean && v.hi > v.mean && v.lo >= 0 && v.hi <= 1);
    check_ok(ig_stats_macro_f1(are, are, 6, 4, 0.95, 500, 1, &v, &err));
    assert_true(v.mean == 1 && v.lo == 1 && v.hi == 1);
    check_fails(ig_stats_macro_f1(are, wrong, 6, 4, 0.95, 500, 1, &v, &err), IG_E_ARG);
}

static void what_has_no_interval_is_refused(void **state) {
    (void)state;
    ig_error err;
    ig_interval v;
    const double x[] = {1, 2};
    check_fails(ig_stats_t_interval(x, 1, 0.95, &v, &err), IG_E_ARG);
    check_fails(ig_stats_t_interval(x, 2, 1, &v, &err), IG_E_ARG);
    check_fails(ig_stats_t_interval(x, 2, NAN, &v, &err), IG_E_ARG);
    check_fails(ig_stats_bootstrap(x, 2, 0.95, 10, 1, &v, &err), IG_E_ARG);
    check_fails(ig_stats_bootstrap(x, 1, 0.95, 1000, 1, &v, &err), IG_E_ARG);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mean_and_deviation_survive_a_large_offset),
        cmocka_unit_test(quantiles_are_those_of_the_tables),
        cmocka_unit_test(interval_is_students),
        cmocka_unit_test(intervals_hold_the_mean_as_often_as_they_say),
        cmocka_unit_test(bootstrap_is_a_function_of_the_seed),
        cmocka_unit_test(macro_f1_is_the_mean_over_the_classes_that_there_are),
        cmocka_unit_test(what_has_no_interval_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
