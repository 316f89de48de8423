/* tests/nn/schedules.c: schedules against torch.optim.lr_scheduler (schedule_torch.py), and what torch does not say. */
#include <math.h>

#include "reference.h"

#define STEPS_MAX 64
/* torch multiplies its rates step by step, 20 roundings of the peak. */
#define TOLERANCE (20 * 2.3e-16 * 0.02)

static ig_schedule from_tree(const ig_tree *c) {
    ig_schedule s = {.lr = ig_tree_real(c, "lr", 0), .min_lr = ig_tree_real(c, "min_lr", 0),
                     .warmup = ig_tree_int(c, "warmup", 0), .total = ig_tree_int(c, "total", 0),
                     .step_size = ig_tree_int(c, "step_size", 0), .gamma = ig_tree_real(c, "gamma", 0),
                     .patience = ig_tree_int(c, "patience", 0)};
    assert_true(ig_schedule_parse(ig_tree_text(c, "kind", ""), &s.kind));
    return s;
}

static void check_case(const ig_tree *c) {
    double rate[STEPS_MAX], loss[STEPS_MAX];
    ig_error err = {0};
    ig_schedule s = from_tree(c);
    size_t n = reference_numbers(ig_tree_get(c, "rates"), rate, STEPS_MAX);
    bool listens = ig_tree_get(c, "losses") != NULL;
    if (listens) reference_numbers(ig_tree_get(c, "losses"), loss, STEPS_MAX);
    check_ok(ig_schedule_check(&s, &err));
    for (size_t i = 0; i < n; i++) {
        double ours = ig_schedule_lr(&s, (int64_t)i);
        if (fabs(ours - rate[i]) > TOLERANCE)
            fail_msg("%s, step %zu: %.17g, torch has %.17g", ig_schedule_name(s.kind), i, ours, rate[i]);
        if (listens) ig_schedule_evaluated(&s, loss[i]);
    }
}

static void rates_are_those_of_torch(void **state) {
    ig_doc *d = reference_load("schedule_torch.json");
    int seen = 0;
    (void)state;
    for (const ig_tree *c = ig_tree_get(ig_doc_root(d), "cases")->child; c; c = c->next, seen++) check_case(c);
    assert_int_equal(seen, 10);
    ig_doc_free(d);
}

static void past_total_the_rate_stays(void **state) {
    (void)state;
    ig_schedule cosine = {.kind = IG_SCHEDULE_COSINE, .lr = 1, .min_lr = 0.1, .warmup = 2, .total = 10};
    ig_schedule linear = {.kind = IG_SCHEDULE_LINEAR, .lr = 1, .min_lr = 0.1, .warmup = 2, .total = 10};
    ig_schedule cycle = {.kind = IG_SCHEDULE_ONE_CYCLE, .lr = 1, .min_lr = 0.1, .total = 10};
    for (int64_t step = 10; step < 2000; step += 199) {
        assert_true(ig_schedule_lr(&cosine, step) == 0.1);
        assert_true(ig_schedule_lr(&linear, step) == 0.1);
        assert_true(ig_schedule_lr(&cycle, step) == 0.1);
    }
}

static void warm_up_rises_from_the_first_step_for_every_schedule(void **state) {
    (void)state;
    for (int k = 0; k < IG_SCHEDULE_COUNT; k++) {
        ig_schedule s = {.kind = (ig_schedule_kind)k, .lr = 1, .warmup = 4, .total = 20, .step_size = 100};
        for (int64_t i = 0; k != IG_SCHEDULE_ONE_CYCLE && i < 4; i++) assert_true(ig_schedule_lr(&s, i) == (double)(i + 1) / 4);
        assert_true(ig_schedule_lr(&s, 0) > 0 && ig_schedule_lr(&s, 0) < ig_schedule_lr(&s, 1));
    }
}

static void a_plateau_schedule_that_is_saved_goes_on_where_it_was(void **state) {
    ig_schedule a = {.kind = IG_SCHEDULE_PLATEAU, .lr = 1, .gamma = 0.5, .patience = 1}, b = a;
    (void)state;
    for (int i = 0; i < 5; i++) ig_schedule_evaluated(&a, i ? 2 : NAN);
    b.plateau_scale = a.plateau_scale, b.plateau_best = a.plateau_best, b.plateau_bad = a.plateau_bad;
    for (int i = 0; i < 5; i++) {
        ig_schedule_evaluated(&a, 2), ig_schedule_evaluated(&b, 2);
        assert_true(ig_schedule_lr(&a, i) == ig_schedule_lr(&b, i));
    }
    assert_true(ig_schedule_lr(&a, 0) < 1);
}

static void settings_that_make_no_schedule_are_refused_by_name(void **state) {
    const struct { ig_schedule s; const char *field; } bad[] = {
        {{.kind = IG_SCHEDULE_COSINE, .lr = 0, .total = 10}, "lr"},
        {{.kind = IG_SCHEDULE_COSINE, .lr = NAN, .total = 10}, "lr"},
        {{.kind = IG_SCHEDULE_COSINE, .lr = 1, .min_lr = 2, .total = 10}, "min_lr"},
        {{.kind = IG_SCHEDULE_COSINE, .lr = 1, .warmup = 10, .total = 10}, "total"},
        {{.kind = IG_SCHEDULE_LINEAR, .lr = 1}, "total"},
        {{.kind = IG_SCHEDULE_STEP, .lr = 1}, "step_size"},
        {{.kind = IG_SCHEDULE_STEP, .lr = 1, .step_size = 1, .gamma = 2}, "gamma"},
        {{.kind = IG_SCHEDULE_CONSTANT, .lr = 1, .warmup = -1}, "warmup"},
        {{.kind = IG_SCHEDULE_PLATEAU, .lr = 1, .patience = -1}, "patience"},
        {{.kind = (ig_schedule_kind)99, .lr = 1}, "99"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ig_error err = {0};
        check_fails(ig_schedule_check(&bad[i].s, &err), IG_E_ARG);
        if (!strstr(err.message, bad[i].field)) fail_msg("%zu: \"%s\" does not name %s", i, err.message, bad[i].field);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates_are_those_of_torch),
        cmocka_unit_test(past_total_the_rate_stays),
        cmocka_unit_test(warm_up_rises_from_the_first_step_for_every_schedule),
        cmocka_unit_test(a_plateau_schedule_that_is_saved_goes_on_where_it_was),
        cmocka_unit_test(settings_that_make_no_schedule_are_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
