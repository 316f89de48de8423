/* Splits: what must stay together does, classes keep their shares, order and seed do what is promised. */
#include "../check.h"

#include <math.h>

#include "ingot/tabular.h"

enum { N = 1200 };
static uint64_t key[N], group[N];
static uint32_t stratum[N];
static double when[N];
static bool held[N];
static int fold[N];

static void fill(void) {
    for (size_t i = 0; i < N; i++) {
        key[i] = 1000 + i, group[i] = i / 7, stratum[i] = i % 10 == 0 ? 2 : i % 3 == 0, when[i] = (double)(N - i) / 4;
        when[i] = floor(when[i]);
    }
}

static size_t count_held(void) {
    size_t n = 0;
    for (size_t i = 0; i < N; i++) n += held[i];
    return n;
}

/* 1200 draws of 0.25 have a deviation of 15. */
static void a_hash_decides_and_nothing_else(void **state) {
    ig_error err = {0};
    bool before[N];
    (void)state;
    fill();
    ig_row_split s = {.rows = N, .key = key, .seed = 5};
    check_ok(ig_row_split_held_out(&s, 0.25, held, &err));
    assert_true(count_held() > 300 - 60 && count_held() < 300 + 60);
    memcpy(before, held, sizeof held);
    for (size_t i = 0; i < N; i++) key[i] = 1000 + (N - 1 - i); /* the other way round, and half of the rows gone */
    s.rows = N / 2;
    check_ok(ig_row_split_held_out(&s, 0.25, held, &err));
    for (size_t i = 0; i < N / 2; i++) assert_true(held[i] == before[N - 1 - i]);
    s.seed = 6;
    check_ok(ig_row_split_held_out(&s, 0.25, held, &err));
    size_t differ = 0;
    for (size_t i = 0; i < N / 2; i++) differ += held[i] != before[N - 1 - i];
    assert_true(differ > 100);
}

static void strata_keep_their_shares(void **state) {
    ig_error err = {0};
    size_t all[3] = {0}, out[3] = {0}, in_fold[3][5] = {{0}};
    (void)state;
    fill();
    ig_row_split s = {.rows = N, .key = key, .stratum = stratum, .seed = 1};
    check_ok(ig_row_split_held_out(&s, 0.2, held, &err));
    check_ok(ig_row_split_folds(&s, 5, fold, &err));
    for (size_t i = 0; i < N; i++) all[stratum[i]]++, out[stratum[i]] += held[i], in_fold[stratum[i]][fold[i]]++;
    for (int k = 0; k < 3; k++) {
        assert_true(fabs((double)out[k] - 0.2 * (double)all[k]) <= 0.5);
        for (int f = 0; f < 5; f++) assert_true(fabs((double)in_fold[k][f] - (double)all[k] / 5) < 1);
    }
}

static void groups_stay_together(void **state) {
    ig_error err = {0};
    (void)state;
    fill();
    for (int with = 0; with < 2; with++) {
        size_t size[4] = {0}, twos[4] = {0};
        ig_row_split s = {.rows = N, .key = key, .group = group, .stratum = with ? stratum : NULL, .seed = 9};
        check_ok(ig_row_split_held_out(&s, 0.3, held, &err));
        check_ok(ig_row_split_folds(&s, 4, fold, &err));
        for (size_t i = 0; i < N; i++) {
            size[fold[i]]++, twos[fold[i]] += stratum[i] == 2;
            if (i && group[i] == group[i - 1]) assert_true(held[i] == held[i - 1] && fold[i] == fold[i - 1]);
        }
        for (int f = 0; f < 4; f++) assert_true(size[f] >= N / 4 - 14 && size[f] <= N / 4 + 14);
        for (int f = 0; with && f < 4; f++) assert_true(twos[f] >= 27 && twos[f] <= 33);
    }
}

static void time_goes_forward_and_a_moment_is_not_cut(void **state) {
    ig_error err = {0};
    (void)state;
    fill();
    ig_row_split s = {.rows = N, .time = when, .seed = 1};
    check_ok(ig_row_split_held_out(&s, 0.1, held, &err));
    check_ok(ig_row_split_folds(&s, 6, fold, &err));
    for (size_t i = 1; i < N; i++) { /* times descend */
        assert_true(held[i - 1] >= held[i] && fold[i - 1] >= fold[i]);
        if (when[i] == when[i - 1]) assert_true(held[i] == held[i - 1] && fold[i] == fold[i - 1]);
    }
    assert_true(count_held() >= N / 10 && count_held() <= N / 10 + 4);
    assert_true(fold[0] == 5 && fold[N - 1] == 0);
}

static void what_cannot_be_split_is_refused(void **state) {
    ig_error err = {0};
    (void)state;
    fill();
    ig_row_split s = {.rows = 3, .key = key};
    check_fails(ig_row_split_held_out(&s, 1.5, held, &err), IG_E_ARG);
    check_fails(ig_row_split_held_out(&s, 1e-9, held, &err), IG_E_ARG);
    check_fails(ig_row_split_folds(&s, 4, fold, &err), IG_E_ARG);
    check_fails(ig_row_split_folds(&s, 1, fold, &err), IG_E_ARG);
    s.group = group; /* one group of three rows */
    check_fails(ig_row_split_folds(&s, 2, fold, &err), IG_E_ARG);
    s.time = when;
    check_fails(ig_row_split_held_out(&s, 0.5, held, &err), IG_E_ARG);
    s.group = NULL, when[1] = NAN;
    check_fails(ig_row_split_held_out(&s, 0.5, held, &err), IG_E_ARG);
}

static void failed_allocations_are_reported(void **state) {
    (void)state;
    fill();
    for (int with = 0; with < 3; with++) {
        ig_row_split s = {.rows = N, .key = key, .stratum = with != 1 ? stratum : NULL, .group = with ? group : NULL};
        for (uint64_t n = 1;; n++) {
            ig_alloc_fail_at(n);
            ig_status a = ig_row_split_held_out(&s, 0.5, held, NULL), b = a == IG_OK ? ig_row_split_folds(&s, 3, fold, NULL) : a;
            ig_alloc_fail_at(0);
            if (b == IG_OK) break;
            assert_int_equal(b, IG_E_NOMEM);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hash_decides_and_nothing_else), cmocka_unit_test(strata_keep_their_shares),
        cmocka_unit_test(groups_stay_together), cmocka_unit_test(time_goes_forward_and_a_moment_is_not_cut),
        cmocka_unit_test(what_cannot_be_split_is_refused), cmocka_unit_test(failed_allocations_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
