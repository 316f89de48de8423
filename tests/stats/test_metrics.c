/* tests/stats/test_metrics.c: metrics against their definitions in Python (make_metrics.py), intervals, and distributions. */
#include "../check.h"

#include <math.h>

#include "ingot/stats.h"

typedef struct reference {
    double *target, *predicted;
    size_t *group;
    ig_cases c;
} reference;

static double *numbers_of(const ig_tree *list) {
    double *x = ig_calloc(list->count, sizeof *x), *at = x;
    assert_non_null(x);
    for (const ig_tree *v = list->child; v; v = v->next) *at++ = v->real;
    return x;
}

static void begin(reference *r, const ig_tree *t) {
    const ig_tree *group = ig_tree_get(t, "group");
    r->target = numbers_of(ig_tree_get(t, "target")), r->predicted = numbers_of(ig_tree_get(t, "predicted"));
    r->group = group ? ig_calloc(group->count, sizeof *r->group) : NULL;
    size_t i = 0;
    for (const ig_tree *v = group ? group->child : NULL; v; v = v->next) r->group[i++] = (size_t)v->integer;
    r->c = (ig_cases){.target = r->target, .predicted = r->predicted, .n = ig_tree_get(t, "target")->count,
                      .classes = (size_t)ig_tree_int(t, "classes", 0), .group = r->group,
                      .groups = (size_t)ig_tree_int(t, "groups", 0), .k = (size_t)ig_tree_int(t, "k", 0)};
}

static void end(reference *r) { ig_free(r->target), ig_free(r->predicted), ig_free(r->group); }

/* Sums of at most 240 terms of size 1: 1e-12 is a hundred times their rounding. */
static void values_are_those_of_the_definitions(void **state) {
    ig_doc *d;
    ig_error err = {0};
    char path[1024];
    bool met[IG_METRIC_COUNT] = {false};
    (void)state;
    snprintf(path, sizeof path, "%s/tests/stats/metrics.json", getenv("INGOT_ROOT") ? getenv("INGOT_ROOT") : ".");
    check_ok(ig_doc_load(path, 1 << 20, &d, &err));
    for (const ig_tree *t = ig_doc_root(d)->child; t; t = t->next) {
        reference r;
        begin(&r, t);
        for (const ig_tree *e = ig_tree_get(t, "expected")->child; e; e = e->next) {
            ig_stats_metric m;
            double v;
            ig_interval i;
            assert_true(ig_stats_metric_parse(e->key, &m));
            check_ok(ig_stats_metric_value(m, &r.c, &v, &err));
            if (fabs(v - e->real) > 1e-12) fail_msg("%s: %.15g instead of %.15g", e->key, v, e->real);
            check_ok(ig_stats_metric_interval(m, &r.c, 0.95, 200, 3, &i, &err));
            if (!(i.mean == v && i.lo <= i.hi)) fail_msg("%s: %g in [%g, %g]", e->key, v, i.lo, i.hi);
            met[m] = true;
        }
        end(&r);
    }
    for (int m = 0; m < IG_METRIC_COUNT; m++)
        if (!met[m]) fail_msg("no reference for %s", ig_stats_metric_name((ig_stats_metric)m));
    ig_doc_free(d);
}

/* 300 cases of 1000 are right: sqrt(0.3·0.7/1000) · 1.96 = 0.0284, which 2000 replicates find to a tenth; ten cases that go
 * together make it sqrt(10) times as wide. */
static void intervals_are_those_of_shares(void **state) {
    enum { N = 1000 };
    static double target[N], predicted[N];
    static size_t group[N];
    ig_error err = {0};
    ig_interval i, grouped;
    (void)state;
    for (size_t k = 0; k < N; k++) target[k] = 1, predicted[k] = k < 300, group[k] = k / 10;
    ig_cases c = {.target = target, .predicted = predicted, .n = N};
    check_ok(ig_stats_metric_interval(IG_METRIC_ACCURACY, &c, 0.95, 2000, 1, &i, &err));
    assert_true(fabs(i.lo - (0.3 - 0.0284)) < 0.003 && fabs(i.hi - (0.3 + 0.0284)) < 0.003);
    c.group = group, c.groups = N / 10;
    check_ok(ig_stats_metric_interval(IG_METRIC_ACCURACY, &c, 0.95, 2000, 1, &grouped, &err));
    assert_true(fabs((grouped.hi - grouped.lo) / (i.hi - i.lo) - sqrt(10)) < 0.4);
}

static void confusion_and_coverage_count(void **state) {
    const double target[] = {0, 0, 1, 2, 2, 2}, predicted[] = {0, 1, 1, 0, 2, 2};
    const size_t shown[] = {0, 2, 2, 0};
    const size_t expected[9] = {1, 1, 0, 0, 1, 0, 1, 0, 2};
    size_t matrix[9];
    double share;
    ig_error err = {0};
    (void)state;
    check_ok(ig_stats_confusion(target, predicted, 6, 3, matrix, &err));
    assert_memory_equal(matrix, expected, sizeof matrix);
    check_ok(ig_stats_coverage(shown, 4, 8, &share, &err));
    assert_true(share == 0.25);
    check_fails(ig_stats_coverage(shown, 4, 2, &share, &err), IG_E_ARG);
}

static void what_says_nothing_is_nan_and_wrong_cases_are_named(void **state) {
    const double ones[] = {1, 1}, half[] = {0.5, 2};
    double v;
    ig_error err = {0};
    ig_cases c = {.target = ones, .predicted = half, .n = 2};
    (void)state;
    check_ok(ig_stats_metric_value(IG_METRIC_AUC, &c, &v, &err));
    assert_true(isnan(v));
    check_fails(ig_stats_metric_value(IG_METRIC_BRIER, &c, &v, &err), IG_E_ARG);
    assert_non_null(strstr(err.message, "case 1"));
    check_fails(ig_stats_metric_value(IG_METRIC_ACCURACY, &c, &v, &err), IG_E_ARG);
    check_fails(ig_stats_metric_value(IG_METRIC_NDCG, &c, &v, &err), IG_E_ARG);
    c.n = 0;
    check_fails(ig_stats_metric_value(IG_METRIC_RMSE, &c, &v, &err), IG_E_ARG);
}

/* Tabled points: χ² of 5 % at 1, 10 and 100 degrees; Kolmogorov's 5 % and 1 % points 1.3581 and 1.6276, which Stephens' correction
 * leaves as they are for large samples. */
static void tails_are_those_of_the_tables(void **state) {
    (void)state;
    assert_true(fabs(ig_stats_chi2_p(3.841458820694124, 1) - 0.05) < 1e-12);
    assert_true(fabs(ig_stats_chi2_p(18.307038053275146, 10) - 0.05) < 1e-12);
    assert_true(fabs(ig_stats_chi2_p(124.34211340400407, 100) - 0.05) < 1e-11);
    assert_true(fabs(ig_stats_chi2_p(2, 2) - exp(-1)) < 1e-14);
    assert_true(ig_stats_chi2_p(0, 3) == 1);
    double n = 1e8, root = sqrt(n / 2);
    assert_true(fabs(ig_stats_ks_p(1.3580986 / root, n, n) - 0.05) < 1e-4);
    assert_true(fabs(ig_stats_ks_p(1.6276236 / root, n, n) - 0.01) < 1e-4);
    const double a[] = {0.5, 0.5}, b[] = {0.25, 0.75};
    assert_true(fabs(ig_stats_psi(a, b, 2) - (0.25 * log(2) + 0.25 * log(1.5))) < 1e-15);
    assert_true(ig_stats_psi(a, a, 2) == 0);
}

static void failed_allocations_are_reported(void **state) {
    const double target[] = {1, 0, 1, 0, 2, 1}, score[] = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6};
    const size_t group[] = {0, 0, 1, 1, 1, 2};
    (void)state;
    for (int m = 0; m < IG_METRIC_COUNT; m++) {
        ig_cases c = {.target = target, .predicted = m < IG_METRIC_AUC ? target : score, .n = m < IG_METRIC_NDCG ? 4 : 6, .group = group,
                      .groups = 3, .classes = m < IG_METRIC_AUC ? 3 : 2};
        for (uint64_t n = 1;; n++) {
            ig_interval i;
            ig_alloc_fail_at(n);
            ig_status s = ig_stats_metric_interval((ig_stats_metric)m, &c, 0.9, 100, 1, &i, NULL);
            ig_alloc_fail_at(0);
            if (s == IG_OK) break;
            assert_int_equal(s, IG_E_NOMEM);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_those_of_the_definitions), cmocka_unit_test(intervals_are_those_of_shares),
        cmocka_unit_test(confusion_and_coverage_count), cmocka_unit_test(what_says_nothing_is_nan_and_wrong_cases_are_named),
        cmocka_unit_test(tails_are_those_of_the_tables), cmocka_unit_test(failed_allocations_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
