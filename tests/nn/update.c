/* tests/nn/update.c: what holds for an update whatever the optimiser: bad gradients leave no trace, micro-batches add up,
 * state survives a checkpoint, averages change places with weights, and sizes do not matter.
 */
#include <math.h>

#include "trainer.h"

static ig_context *ctx;
static double start[WEIGHTS], gradient[4][WEIGHTS];

static int set_up(void **state) {
    ig_rng r;
    (void)state;
    ig_rng_init(&r, 7, 0);
    for (int i = 0; i < WEIGHTS; i++) start[i] = ig_rng_normal(&r);
    for (int k = 0; k < 4; k++)
        for (int i = 0; i < WEIGHTS; i++) gradient[k][i] = (float)ig_rng_normal(&r);
    return ig_context_new(NULL, &ctx, NULL) != IG_OK;
}

static int tear_down(void **state) {
    (void)state;
    ig_context_free(ctx);
    return 0;
}

static ig_optim_opts options(int kind) {
    return (ig_optim_opts){.kind = (ig_optim_kind)kind, .momentum = kind == IG_OPTIM_SGD || kind == IG_OPTIM_RMSPROP ? 0.9 : 0,
                           .weight_decay = 0.1, .clip_norm = 1, .ema_decay = 0.9};
}

/* ---- gradients that are not finite ------------------------------------------------------------------------------- */

/* All weights and states but the step count, one after the other. */
static int snapshot(const trainer *t, double *out) {
    int n = 0;
    for (int i = 0; i < WEIGHTS; i++) out[n++] = trainer_weight(t, i);
    for (size_t k = 1; k < ig_optim_state_count(t->optim); k++) {
        const char *name;
        ig_tensor s;
        ig_optim_state_at(t->optim, k, &name, &s);
        for (int64_t i = 0; i < ig_tensor_numel(&s); i++) out[n++] = ig_tensor_get(&s, i);
    }
    return n;
}

static void check_bad_step(trainer *t, double bad) {
    double before[WEIGHTS * 4], after[WEIGHTS * 4], g[WEIGHTS];
    memcpy(g, gradient[1], sizeof g);
    g[WEIGHTS - 2] = bad;
    int n = snapshot(t, before);
    trainer_step(t, 0.1, 1, g);
    assert_false(isfinite(t->norm));
    assert_int_equal(snapshot(t, after), n);
    assert_memory_equal(before, after, sizeof *before * (size_t)n);
}

static void a_gradient_that_is_not_finite_leaves_weights_and_state_as_they_were(void **state) {
    const double bad[] = {NAN, INFINITY, -INFINITY};
    (void)state;
    for (int run = 0; run < IG_OPTIM_COUNT * 4; run++) {
        trainer t;
        ig_optim_opts o = options(run / 4);
        if (run & 1) o.clip_norm = 0, o.clip_value = 0.5; /* the clamp would hide an infinity */
        trainer_make(&t, ctx, IG_DTYPE_F32, start);
        trainer_optimise(&t, &o);
        if (run & 2) trainer_capture(&t, 1);
        trainer_step(&t, 0.1, 1, gradient[0]);
        for (int i = 0; i < 3; i++) check_bad_step(&t, bad[i]);
        trainer_step(&t, 0.1, 1, gradient[0]);
        assert_true(isfinite(t.norm) && isfinite(trainer_weight(&t, 0)));
        trainer_free(&t);
    }
}

/* ---- accumulation ------------------------------------------------------------------------------------------------ */

typedef struct micro {
    ig_plan *add, *update;
} micro;

static micro capture_micro(trainer *t, double scale) {
    ig_error err = {0};
    ig_graph *g = NULL;
    micro m = {0};
    check_ok(ig_graph_new(t->ctx, IG_GRAPH_LAZY, &g, &err));
    trainer_backward(t, g);
    ig_optim_record_accumulate(t->optim, g);
    check_ok(ig_capture(g, NULL, 0, (ig_plan_opts){0}, &m.add, &err));
    ig_graph_reset(g);
    ig_var *norm = ig_optim_record_from_buffers(t->optim, g, scale);
    check_ok(ig_capture(g, &norm, 1, (ig_plan_opts){0}, &m.update, &err));
    ig_graph_free(g);
    return m;
}

static void run_micro(trainer *t, const micro *m, const double *a, const double *b) {
    ig_error err = {0};
    trainer_put(&t->cw, &t->cb, a);
    check_ok(ig_plan_run(m->add, &err));
    trainer_put(&t->cw, &t->cb, b);
    check_ok(ig_plan_run(m->add, &err));
    ig_optim_begin_step(t->optim, 0.1);
    check_ok(ig_plan_run(m->update, &err));
    t->norm = ig_tensor_get(ig_plan_output(m->update, 0), 0);
}

static void two_micro_batches_equal_one_batch_of_both(void **state) {
    (void)state;
    for (int clip = 0; clip < 2; clip++) {
        trainer big, small;
        ig_optim_opts o = {.kind = IG_OPTIM_ADAMW, .weight_decay = 0.1, .clip_norm = 1, .clip_value = clip ? 0.3 : 0};
        trainer_make(&big, ctx, IG_DTYPE_F64, start), trainer_optimise(&big, &o);
        trainer_make(&small, ctx, IG_DTYPE_F64, start), trainer_optimise(&small, &o);
        micro m = capture_micro(&small, 0.5);
        for (int step = 0; step < 2; step++) { /* the second finds the buffers cleared */
            double mean[WEIGHTS];
            for (int i = 0; i < WEIGHTS; i++) mean[i] = 0.5 * (gradient[2 * step][i] + gradient[2 * step + 1][i]);
            trainer_step(&big, 0.1, 1, mean);
            run_micro(&small, &m, gradient[2 * step], gradient[2 * step + 1]);
            assert_true(fabs(big.norm - small.norm) < 1e-14 * big.norm * 10);
            for (int i = 0; i < WEIGHTS; i++) assert_true(fabs(trainer_weight(&big, i) - trainer_weight(&small, i)) < 1e-14);
        }
        ig_plan_free(m.add), ig_plan_free(m.update);
        trainer_free(&big), trainer_free(&small);
    }
}

static void a_bad_micro_batch_does_not_stay_in_the_buffers(void **state) {
    trainer t;
    ig_optim_opts o = {.kind = IG_OPTIM_SGD};
    double bad[WEIGHTS] = {NAN};
    (void)state;
    trainer_make(&t, ctx, IG_DTYPE_F32, start);
    trainer_optimise(&t, &o);
    micro m = capture_micro(&t, 0.5);
    run_micro(&t, &m, gradient[0], bad);
    for (int i = 0; i < WEIGHTS; i++) assert_true(trainer_weight(&t, i) == (double)(float)start[i]);
    run_micro(&t, &m, gradient[0], gradient[1]);
    assert_true(isfinite(t.norm));
    ig_plan_free(m.add), ig_plan_free(m.update);
    trainer_free(&t);
}

static void updating_before_anything_was_accumulated_is_refused(void **state) {
    trainer t;
    ig_error err = {0};
    ig_graph *g = NULL;
    ig_optim_opts o = {.kind = IG_OPTIM_SGD};
    (void)state;
    trainer_make(&t, ctx, IG_DTYPE_F32, start);
    trainer_optimise(&t, &o);
    check_ok(ig_graph_new(ctx, IG_GRAPH_LAZY, &g, &err));
    ig_optim_record_from_buffers(t.optim, g, 1);
    check_fails(ig_graph_status(g, &err), IG_E_STATE);
    ig_graph_reset(g);
    ig_optim_record(t.optim, g, 1); /* no backward pass */
    check_fails(ig_graph_status(g, &err), IG_E_STATE);
    ig_graph_free(g);
    trainer_free(&t);
}

/* ---- state ------------------------------------------------------------------------------------------------------- */

static void copy_state(const trainer *to, const trainer *from) {
    ig_error err = {0};
    assert_int_equal(ig_optim_state_count(to->optim), ig_optim_state_count(from->optim));
    for (size_t k = 0; k < ig_optim_state_count(to->optim); k++) {
        const char *a, *b;
        ig_tensor d, s;
        ig_optim_state_at(to->optim, k, &a, &d), ig_optim_state_at(from->optim, k, &b, &s);
        assert_string_equal(a, b);
        check_ok(ig_tensor_copy(ctx, &d, &s, &err));
    }
    check_ok(ig_tensor_copy(ctx, &to->w->value, &from->w->value, &err));
    check_ok(ig_tensor_copy(ctx, &to->b->value, &from->b->value, &err));
    ig_optim_state_loaded(to->optim);
}

static void a_resumed_optimiser_ends_with_the_same_bits(void **state) {
    (void)state;
    for (int kind = 0; kind < IG_OPTIM_COUNT; kind++) {
        trainer a, b;
        double zero[WEIGHTS] = {0}, x[WEIGHTS * 4], y[WEIGHTS * 4];
        ig_optim_opts o = options(kind);
        trainer_make(&a, ctx, IG_DTYPE_F32, start), trainer_optimise(&a, &o), trainer_capture(&a, 1);
        trainer_make(&b, ctx, IG_DTYPE_F32, zero), trainer_optimise(&b, &o), trainer_capture(&b, 1);
        for (int i = 0; i < 2; i++) trainer_step(&a, 0.1, 1, gradient[i]);
        copy_state(&b, &a);
        assert_int_equal(ig_optim_steps(b.optim), 2);
        for (int i = 2; i < 4; i++) trainer_step(&a, 0.05, 1, gradient[i]), trainer_step(&b, 0.05, 1, gradient[i]);
        int n = snapshot(&a, x);
        assert_int_equal(snapshot(&b, y), n);
        assert_memory_equal(x, y, sizeof *x * (size_t)n);
        trainer_free(&a), trainer_free(&b);
    }
}

static void average_and_weights_change_places_and_back(void **state) {
    trainer t;
    double before[WEIGHTS];
    ig_optim_opts o = {.kind = IG_OPTIM_SGD, .ema_decay = 0.75};
    (void)state;
    trainer_make(&t, ctx, IG_DTYPE_F64, start);
    trainer_optimise(&t, &o);
    ig_optim_ema_swap(t.optim); /* before the first step there is no average */
    for (int i = 0; i < WEIGHTS; i++) assert_true(trainer_weight(&t, i) == start[i]);
    trainer_step(&t, 0.5, 1, gradient[0]);
    for (int i = 0; i < WEIGHTS; i++) before[i] = trainer_weight(&t, i);
    ig_optim_ema_swap(t.optim);
    for (int i = 0; i < WEIGHTS; i++)
        assert_true(fabs(trainer_weight(&t, i) - (0.75 * start[i] + 0.25 * before[i])) < 1e-15 * 4);
    ig_optim_ema_swap(t.optim);
    for (int i = 0; i < WEIGHTS; i++) assert_true(trainer_weight(&t, i) == before[i]);
    trainer_free(&t);
}

/* ---- which parameters -------------------------------------------------------------------------------------------- */

static void parameters_without_gradient_and_frozen_ones_stay(void **state) {
    trainer t;
    ig_error err = {0};
    ig_graph *g = NULL;
    ig_param *unused = NULL, *frozen = NULL;
    int64_t n = 3;
    ig_optim_opts o = {.kind = IG_OPTIM_ADAMW, .weight_decay = 0.5};
    (void)state;
    trainer_make(&t, ctx, IG_DTYPE_F32, start);
    check_ok(ig_params_add(&t.ps, "unused", IG_DTYPE_F32, 1, &n, true, &unused, &err));
    check_ok(ig_params_add(&t.ps, "frozen", IG_DTYPE_F32, 1, &n, true, &frozen, &err));
    frozen->frozen = true;
    for (int i = 0; i < 3; i++) ig_tensor_set(&unused->value, i, 1), ig_tensor_set(&frozen->value, i, 2);
    trainer_optimise(&t, &o);
    trainer_put(&t.cw, &t.cb, gradient[0]);
    check_ok(ig_graph_new(ctx, IG_GRAPH_EAGER, &g, &err));
    ig_optim_begin_step(t.optim, 0.1);
    ig_var *loss = ig_sum(g, ig_mul(g, ig_param_var(g, t.b), ig_param_var(g, t.b)), 0, false);
    ig_backward(g, ig_mul(g, loss, ig_sum(g, ig_param_var(g, frozen), 0, false)));
    ig_optim_record(t.optim, g, 1);
    check_ok(ig_graph_status(g, &err));
    ig_graph_free(g);
    for (int i = 0; i < 3; i++) assert_true(ig_tensor_get(&unused->value, i) == 1 && ig_tensor_get(&frozen->value, i) == 2);
    for (int i = 0; i < W; i++) assert_true(trainer_weight(&t, i) == (double)(float)start[i]);
    assert_true(trainer_weight(&t, W) != (double)(float)start[W]);
    trainer_free(&t);
}

static void settings_out_of_range_are_refused(void **state) {
    const ig_optim_opts bad[] = {
        {.kind = (ig_optim_kind)77}, {.kind = IG_OPTIM_ADAM, .beta1 = 1}, {.kind = IG_OPTIM_ADAM, .beta2 = -0.1},
        {.kind = IG_OPTIM_SGD, .momentum = NAN}, {.kind = IG_OPTIM_GD, .momentum = 0.9},
        {.kind = IG_OPTIM_ADAM, .momentum = 0.9}, {.kind = IG_OPTIM_SGD, .nesterov = true},
        {.kind = IG_OPTIM_RMSPROP, .momentum = 0.9, .nesterov = true}, {.kind = IG_OPTIM_SGD, .weight_decay = -1},
        {.kind = IG_OPTIM_SGD, .clip_norm = INFINITY}, {.kind = IG_OPTIM_SGD, .ema_decay = 1},
        {.kind = IG_OPTIM_SGD, .group_count = 1},
    };
    trainer t;
    (void)state;
    trainer_make(&t, ctx, IG_DTYPE_F32, start);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ig_error err = {0};
        if (ig_optim_new(ctx, &t.ps, &bad[i], &t.optim, &err) != IG_E_ARG || !err.message[0])
            fail_msg("bad settings %zu were taken", i);
    }
    t.b->group = 1;
    const ig_optim_group group = {0};
    ig_optim_opts o = {.groups = &group, .group_count = 1};
    check_fails(ig_optim_new(ctx, &t.ps, &o, &t.optim, NULL), IG_E_ARG);
    trainer_free(&t);
}

static void every_failed_allocation_is_survived(void **state) {
    trainer t;
    ig_optim_opts o = options(IG_OPTIM_ADAMW);
    (void)state;
    trainer_make(&t, ctx, IG_DTYPE_F32, start);
    for (uint64_t n = 1; n < 200; n++) {
        ig_error err = {0};
        ig_alloc_fail_at(n);
        ig_status s = ig_optim_new(ctx, &t.ps, &o, &t.optim, &err);
        ig_alloc_fail_at(0);
        if (s == IG_OK) break;
        assert_int_equal(s, IG_E_NOMEM);
    }
    assert_non_null(t.optim);
    trainer_free(&t);
}

static void every_failed_allocation_while_recording_poisons_the_graph(void **state) {
    trainer t;
    ig_error err = {0};
    ig_optim_opts o = options(IG_OPTIM_ADAMW);
    bool done = false;
    (void)state;
    o.clip_value = 1;
    trainer_make(&t, ctx, IG_DTYPE_F32, start);
    trainer_optimise(&t, &o);
    for (uint64_t n = 1; n < 200 && !done; n++) {
        ig_graph *g = NULL;
        check_ok(ig_graph_new(ctx, IG_GRAPH_LAZY, &g, &err));
        trainer_backward(&t, g);
        ig_alloc_fail_at(n);
        ig_optim_record_accumulate(t.optim, g);
        ig_optim_record_from_buffers(t.optim, g, 1);
        ig_optim_record(t.optim, g, 1);
        ig_alloc_fail_at(0);
        done = ig_graph_status(g, &err) == IG_OK;
        if (!done) check_fails(ig_graph_status(g, &err), IG_E_NOMEM);
        ig_graph_free(g);
    }
    assert_true(done);
    trainer_free(&t);
}

/* ---- sizes: chunk borders, empty and single tensors, any number of threads --------------------------------------- */

static const int64_t sizes[] = {1, 0, 16383, 16384, 16385, 3, 0, 50000, 7};
#define SIZES (sizeof sizes / sizeof *sizes)

typedef struct many {
    ig_context *ctx;
    ig_params ps;
    ig_tensor before[SIZES], c[SIZES];
} many;

static void many_make(many *m, int threads) {
    ig_error err = {0};
    ig_context_opts opts = {.threads = threads};
    ig_init_opts normal = {.b = 1};
    check_ok(ig_context_new(&opts, &m->ctx, &err));
    ig_params_init(&m->ps, m->ctx);
    for (size_t i = 0; i < SIZES; i++) {
        char name[32];
        ig_param *p = NULL;
        snprintf(name, sizeof name, "p%zu", i);
        check_ok(ig_params_add(&m->ps, name, IG_DTYPE_F32, 1, &sizes[i], true, &p, &err));
        check_ok(ig_tensor_new(m->ctx, IG_DTYPE_F32, 1, &sizes[i], &m->before[i], &err));
        check_ok(ig_tensor_new(m->ctx, IG_DTYPE_F32, 1, &sizes[i], &m->c[i], &err));
        check_ok(ig_init_tensor(m->ctx, &p->value, name, 1, IG_INIT_NORMAL, normal, &err));
        check_ok(ig_init_tensor(m->ctx, &m->before[i], name, 1, IG_INIT_NORMAL, normal, &err));
        check_ok(ig_init_tensor(m->ctx, &m->c[i], name, 2, IG_INIT_NORMAL, normal, &err));
    }
}

static void many_step(many *m) {
    ig_error err = {0};
    ig_graph *g = NULL;
    ig_optim *o = NULL;
    ig_optim_opts opts = {.kind = IG_OPTIM_SGD};
    check_ok(ig_optim_new(m->ctx, &m->ps, &opts, &o, &err));
    check_ok(ig_graph_new(m->ctx, IG_GRAPH_EAGER, &g, &err));
    ig_var *loss = ig_constant(g, 0);
    for (size_t i = 0; i < SIZES; i++)
        loss = ig_add(g, loss, ig_sum(g, ig_mul(g, ig_param_var(g, m->ps.item[i]), ig_input(g, "c", &m->c[i])), 0, false));
    ig_backward(g, loss);
    ig_optim_begin_step(o, 0.5);
    ig_optim_record(o, g, 1);
    check_ok(ig_graph_status(g, &err));
    ig_graph_free(g);
    ig_optim_free(o);
}

static void many_free(many *m) {
    for (size_t i = 0; i < SIZES; i++) ig_tensor_unref(&m->before[i]), ig_tensor_unref(&m->c[i]);
    ig_params_fini(&m->ps);
    ig_context_free(m->ctx);
}

static void chunks_cover_every_element_once_for_any_number_of_threads(void **state) {
    (void)state;
    for (int threads = 1; threads < 5; threads++) {
        many m;
        many_make(&m, threads);
        many_step(&m);
        for (size_t i = 0; i < SIZES; i++) {
            const float *p = m.ps.item[i]->value.data, *q = m.before[i].data, *c = m.c[i].data;
            for (int64_t k = 0; k < sizes[i]; k++)
                if (p[k] != fmaf(-0.5f, c[k], q[k])) fail_msg("%d threads, tensor %zu, element %lld", threads, i, (long long)k);
        }
        many_free(&m);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gradient_that_is_not_finite_leaves_weights_and_state_as_they_were),
        cmocka_unit_test(two_micro_batches_equal_one_batch_of_both),
        cmocka_unit_test(a_bad_micro_batch_does_not_stay_in_the_buffers),
        cmocka_unit_test(updating_before_anything_was_accumulated_is_refused),
        cmocka_unit_test(a_resumed_optimiser_ends_with_the_same_bits),
        cmocka_unit_test(average_and_weights_change_places_and_back),
        cmocka_unit_test(parameters_without_gradient_and_frozen_ones_stay),
        cmocka_unit_test(settings_out_of_range_are_refused),
        cmocka_unit_test(every_failed_allocation_is_survived),
        cmocka_unit_test(every_failed_allocation_while_recording_poisons_the_graph),
        cmocka_unit_test(chunks_cover_every_element_once_for_any_number_of_threads),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
