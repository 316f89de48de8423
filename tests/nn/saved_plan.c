/* tests/nn/saved_plan.c: a training step as a plan: it allocates nothing when it runs, and saved, loaded and bound to
 * another trainer's memory, or unrolled into ops again, it does what the recording does, to the bit.
 */
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "trainer.h"

static ig_context *ctx;
static double start[WEIGHTS], gradient[4][WEIGHTS];
static char path[64];

static int set_up(void **state) {
    ig_rng r;
    (void)state;
    ig_rng_init(&r, 11, 0);
    for (int i = 0; i < WEIGHTS; i++) start[i] = ig_rng_normal(&r);
    for (int k = 0; k < 4; k++)
        for (int i = 0; i < WEIGHTS; i++) gradient[k][i] = (float)ig_rng_normal(&r);
    snprintf(path, sizeof path, "/tmp/ingot-plan-%d.json", (int)getpid());
    return ig_context_new(NULL, &ctx, NULL) != IG_OK;
}

static int tear_down(void **state) {
    (void)state;
    ig_context_free(ctx);
    remove(path);
    return 0;
}

static const ig_optim_opts options[] = {
    {.kind = IG_OPTIM_ADAMW, .weight_decay = 0.1, .clip_norm = 1, .ema_decay = 0.9},
    {.kind = IG_OPTIM_SGD, .momentum = 0.9, .nesterov = true, .clip_value = 0.5},
    {.kind = IG_OPTIM_RMSPROP, .momentum = 0.5, .l1 = 0.01},
    {.kind = IG_OPTIM_ADAGRAD},
    {.kind = IG_OPTIM_GD},
};
#define OPTIONS (sizeof options / sizeof *options)

static void make(trainer *t, const ig_optim_opts *o) {
    trainer_make(t, ctx, IG_DTYPE_F32, start);
    trainer_optimise(t, o);
}

static ig_status bind(void *arg, const char *name, const ig_tensor *expected, ig_tensor *out, ig_error *err) {
    const trainer *t = arg;
    const struct { const char *name; const ig_tensor *t; } own[] = {{"w", &t->w->value}, {"b", &t->b->value}, {"cw", &t->cw}, {"cb", &t->cb}};
    (void)expected;
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (strcmp(own[i].name, name) == 0) {
            *out = *own[i].t;
            return IG_OK;
        }
    return ig_optim_leaf(t->optim, name, out) ? IG_OK : ig_error_set(err, IG_E_NOT_FOUND, "no leaf %s", name);
}

static void check_same(const trainer *a, const trainer *b) {
    assert_true(a->norm == b->norm);
    for (int i = 0; i < WEIGHTS; i++) assert_true(trainer_weight(a, i) == trainer_weight(b, i));
    for (size_t k = 0; k < ig_optim_state_count(a->optim); k++) {
        const char *name;
        ig_tensor x, y;
        ig_optim_state_at(a->optim, k, &name, &x);
        ig_optim_state_at(b->optim, k, &name, &y);
        assert_memory_equal(x.data, y.data, ig_tensor_bytes(&x));
    }
}

static void a_loaded_step_trains_as_the_recorded_one(void **state) {
    (void)state;
    for (size_t k = 0; k < OPTIONS; k++) {
        trainer recorded, loaded;
        ig_error err = {0};
        make(&recorded, &options[k]), make(&loaded, &options[k]);
        trainer_capture(&recorded, 0.5);
        check_ok(ig_plan_save(recorded.plan, path, &err));
        ig_plan_source source = {.bind = bind, .arg = &loaded, .more_ops = ig_optim_op};
        check_ok(ig_plan_load(ctx, path, &source, &loaded.plan, &err));
        for (int i = 0; i < 4; i++) {
            trainer_step(&recorded, 0.1, 0.5, gradient[i]);
            trainer_step(&loaded, 0.1, 0.5, gradient[i]);
            check_same(&recorded, &loaded);
        }
        trainer_free(&recorded), trainer_free(&loaded);
    }
}

static void an_unrolled_step_trains_as_the_recorded_one(void **state) {
    (void)state;
    for (size_t k = 0; k < OPTIONS; k++) {
        trainer recorded, unrolled;
        ig_error err = {0};
        ig_graph *g = NULL;
        ig_var *norm = NULL;
        make(&recorded, &options[k]), make(&unrolled, &options[k]);
        trainer_capture(&recorded, 1), trainer_capture(&unrolled, 1);
        trainer_step(&recorded, 0.1, 1, gradient[0]);
        trainer_put(&unrolled.cw, &unrolled.cb, gradient[0]);
        ig_optim_begin_step(unrolled.optim, 0.1);
        check_ok(ig_graph_new(ctx, IG_GRAPH_EAGER, &g, &err));
        check_ok(ig_plan_unroll(unrolled.plan, g, &norm, 1, &err));
        unrolled.norm = ig_tensor_get(ig_value(norm), 0);
        ig_graph_free(g);
        check_same(&recorded, &unrolled);
        trainer_free(&recorded), trainer_free(&unrolled);
    }
}

/* Damage that still is JSON: every line must be refused, or make a plan that runs. */
static void a_plan_without_the_update_rows_is_refused_with_its_line(void **state) {
    trainer t;
    ig_error err = {0};
    ig_plan *p = NULL;
    (void)state;
    make(&t, &options[0]);
    trainer_capture(&t, 1);
    check_ok(ig_plan_save(t.plan, path, &err));
    assert_int_equal(ig_plan_load(ctx, path, &(ig_plan_source){.bind = bind, .arg = &t}, &p, &err), IG_E_FORMAT);
    assert_non_null(strstr(err.message, "adam"));
    assert_null(p);
    trainer_free(&t);
}

static void a_running_step_allocates_nothing(void **state) {
    (void)state;
    for (size_t k = 0; k < OPTIONS; k++) {
        trainer t;
        make(&t, &options[k]);
        trainer_capture(&t, 1);
        trainer_step(&t, 0.1, 1, gradient[0]);
        ig_alloc_fail_at(0);
        for (int i = 1; i < 4; i++) trainer_step(&t, 0.1, 1, gradient[i]);
        assert_int_equal(ig_alloc_fail_at(0), 0);
        trainer_free(&t);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loaded_step_trains_as_the_recorded_one),
        cmocka_unit_test(an_unrolled_step_trains_as_the_recorded_one),
        cmocka_unit_test(a_plan_without_the_update_rows_is_refused_with_its_line),
        cmocka_unit_test(a_running_step_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
