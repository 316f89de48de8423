/* tests/stats/test_paired.c: the paired, grouped bootstrap, and McNemar's exact test. */
#include "../check.h"

#include <math.h>

#include "ingot/stats.h"

enum { N = 400 };
static double a[N], b[N];
static size_t group[N];

static ig_paired paired(size_t groups) {
    ig_error err = {0};
    ig_paired p;
    check_ok(ig_stats_paired_bootstrap(a, b, group, N, groups, 0.95, 2000, 5, &p, &err));
    return p;
}

static void equal_ways_do_not_differ(void **state) {
    (void)state;
    for (size_t i = 0; i < N; i++) a[i] = b[i] = (double)(i % 3 == 0), group[i] = i;
    ig_paired p = paired(N);
    assert_true(p.difference.lo == 0 && p.difference.hi == 0 && p.difference.mean == 0);
    assert_true(p.a.lo < p.a.mean && p.a.mean < p.a.hi);
}

/* 40 of 400 cases are better: the difference is 0.1 with the deviation of a share, sqrt(0.1·0.9/400) = 0.015, times 1.96.
 * The bootstrap of 2000 replicates finds its ends to about a tenth of that. */
static void interval_is_that_of_a_share(void **state) {
    (void)state;
    for (size_t i = 0; i < N; i++) a[i] = 0, b[i] = i % 10 == 0, group[i] = i;
    ig_paired p = paired(N);
    assert_true(fabs(p.difference.mean - 0.1) < 1e-12);
    assert_true(fabs(p.difference.lo - (0.1 - 0.0294)) < 0.004);
    assert_true(fabs(p.difference.hi - (0.1 + 0.0294)) < 0.004);
}

/* Ten cases each that are all right or all wrong are worth one: the interval is sqrt(10) times as wide. */
static void groups_make_it_wider(void **state) {
    (void)state;
    for (size_t i = 0; i < N; i++) a[i] = 0, b[i] = i / 10 % 2, group[i] = i;
    double single = paired(N).difference.hi - paired(N).difference.lo;
    for (size_t i = 0; i < N; i++) group[i] = i / 10;
    double grouped = paired(N).difference.hi - paired(N).difference.lo;
    assert_true(fabs(grouped / single - sqrt(10)) < 0.4);
}

static void mcnemar_is_the_binomial(void **state) {
    (void)state;
    assert_true(ig_stats_mcnemar(0, 0) == 1);
    assert_true(fabs(ig_stats_mcnemar(0, 5) - 0.0625) < 1e-12);       /* 2 / 2^5 */
    assert_true(fabs(ig_stats_mcnemar(2, 8) - 0.109375) < 1e-12);     /* 2 (1 + 10 + 45) / 2^10 */
    assert_true(ig_stats_mcnemar(4, 4) == 1);
}

static void wrong_arguments_are_refused(void **state) {
    (void)state;
    ig_paired p;
    group[0] = 3;
    check_fails(ig_stats_paired_bootstrap(a, b, group, 0, 1, 0.95, 100, 0, &p, NULL), IG_E_ARG);
    check_fails(ig_stats_paired_bootstrap(a, b, group, 1, 3, 0.95, 100, 0, &p, NULL), IG_E_ARG);
    check_fails(ig_stats_paired_bootstrap(a, b, group, 1, 4, 1.5, 100, 0, &p, NULL), IG_E_ARG);
    check_fails(ig_stats_paired_bootstrap(a, b, group, 1, 4, 0.95, 9, 0, &p, NULL), IG_E_ARG);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_ways_do_not_differ), cmocka_unit_test(interval_is_that_of_a_share),
        cmocka_unit_test(groups_make_it_wider), cmocka_unit_test(mcnemar_is_the_binomial),
        cmocka_unit_test(wrong_arguments_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
