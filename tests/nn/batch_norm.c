/* The batch norm layer: torch's parameter names and roles, running statistics that a training pass moves (also in a plan),
 * statistics that hold far from zero, and folding into scale and shift.
 */
#include "../check.h"

#include <math.h>

#include "ingot/nn.h"

#define ROWS 1000
#define C 3

typedef struct fixture {
    ig_context *ctx;
    ig_params ps;
    ig_nn_batch_norm_layer layer;
    ig_tensor x;
    ig_graph *g;
} fixture;

static void start(fixture *f, ig_graph_mode mode, double centre) {
    ig_error err = {0};
    ig_rng r;
    ig_rng_init(&r, 5, 0);
    *f = (fixture){0};
    check_ok(ig_context_new(&(ig_context_opts){.threads = 2}, &f->ctx, &err));
    ig_params_init(&f->ps, f->ctx);
    check_ok(ig_nn_batch_norm_add(&f->ps, "features.1", IG_DTYPE_F32, C, &f->layer, &err));
    check_ok(ig_tensor_new(f->ctx, IG_DTYPE_F32, 2, (int64_t[]){ROWS, C}, &f->x, &err));
    for (int64_t i = 0; i < ROWS * C; i++) ig_tensor_set(&f->x, i, centre + (double)(i % C) + 2 * ig_rng_uniform(&r));
    check_ok(ig_graph_new(f->ctx, mode, &f->g, &err));
}

static void finish(fixture *f) {
    ig_graph_free(f->g);
    ig_tensor_unref(&f->x);
    ig_params_fini(&f->ps);
    ig_context_free(f->ctx);
}

static void moments(const fixture *f, int64_t c, double *mean, double *var) {
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < ROWS; i++) sum += ig_tensor_get(&f->x, i * C + c);
    *mean = sum / ROWS;
    for (int64_t i = 0; i < ROWS; i++) squares += pow(ig_tensor_get(&f->x, i * C + c) - *mean, 2);
    *var = squares / ROWS;
}

static ig_var *forward(fixture *f, bool training) {
    return ig_nn_batch_norm(&(ig_pass){.g = f->g, .training = training}, ig_input(f->g, "x", &f->x), &f->layer, NULL, false);
}

static void parameters_have_torchs_names_and_roles(void **state) {
    (void)state;
    static const struct { const char *name; double value; bool running;
    } want[] = {{"features.1.weight", 1, false},
                {"features.1.bias", 0, false},
                {"features.1.running_mean", 0, true},
                {"features.1.running_var", 1, true}};
    fixture f;
    ig_error err = {0};
    start(&f, IG_GRAPH_EAGER, 0);
    assert_int_equal(f.ps.count, 4);
    for (size_t i = 0; i < 4; i++) {
        const ig_param *p = ig_params_find(&f.ps, want[i].name);
        assert_non_null(p);
        assert_true(ig_tensor_get(&p->value, C - 1) == want[i].value);
        assert_int_equal(p->frozen, want[i].running);
        assert_int_equal(p->role, want[i].running ? IG_PARAM_STATE : IG_PARAM_PLAIN);
        assert_false(p->decay);
    }
    ig_nn_batch_norm_layer again;
    check_fails(ig_nn_batch_norm_add(&f.ps, "features.1", IG_DTYPE_F32, C, &again, &err), IG_E_EXISTS);
    finish(&f);
}

/* Twice the same batch, the second run of a plan: running = 0.9·(0.9·r + 0.1·batch) + 0.1·batch. */
static void training_moves_the_running_statistics(void **state) {
    (void)state;
    fixture f;
    ig_error err = {0};
    ig_plan *p = NULL;
    start(&f, IG_GRAPH_LAZY, 0);
    ig_var *y = forward(&f, true);
    check_ok(ig_capture(f.g, &y, 1, (ig_plan_opts){0}, &p, &err));
    for (int run = 0; run < 2; run++) check_ok(ig_plan_run(p, &err));
    for (int64_t c = 0; c < C; c++) {
        double mean, var;
        moments(&f, c, &mean, &var);
        var *= (double)ROWS / (ROWS - 1);
        assert_true(fabs(ig_tensor_get(&f.layer.running_mean->value, c) - 0.19 * mean) < 1e-6);
        assert_true(fabs(ig_tensor_get(&f.layer.running_var->value, c) - (0.81 + 0.19 * var)) < 1e-6);
    }
    ig_plan_free(p);
    finish(&f);
}

/* The mean of squares less the square of the mean would have no digit left here: (4096)² needs all 24 bits. */
static void statistics_hold_far_from_zero(void **state) {
    (void)state;
    fixture f;
    start(&f, IG_GRAPH_EAGER, 4096);
    ig_var *y = forward(&f, true);
    for (int64_t c = 0; c < C; c++) {
        double mean, var;
        moments(&f, c, &mean, &var);
        /* the mean itself is an f32: off by up to 2^-12, here of a deviation of 0.6 */
        for (int64_t i = 0; i < ROWS; i++) {
            double want = (ig_tensor_get(&f.x, i * C + c) - mean) / sqrt(var + 1e-5);
            assert_true(fabs(ig_tensor_get(ig_value(y), i * C + c) - want) < 1e-3);
        }
    }
    finish(&f);
}

static void folding_is_inference(void **state) {
    (void)state;
    fixture f;
    ig_error err = {0};
    ig_var *scale, *shift;
    start(&f, IG_GRAPH_EAGER, 1);
    forward(&f, true);
    ig_var *w = ig_param_var(f.g, f.layer.weight), *b = ig_param_var(f.g, f.layer.bias);
    ig_var *mean = ig_param_var(f.g, f.layer.running_mean), *var = ig_param_var(f.g, f.layer.running_var),
           *y = forward(&f, false);
    ig_batch_norm_fold(f.g, w, b, mean, var, 1e-5, &scale, &shift);
    check_ok(ig_graph_status(f.g, &err));
    for (int64_t i = 0; i < ROWS * C; i++) {
        double want = ig_tensor_get(&f.x, i) * ig_tensor_get(ig_value(scale), i % C) + ig_tensor_get(ig_value(shift), i % C);
        assert_true(fabs(ig_tensor_get(ig_value(y), i) - want) < 1e-6);
    }
    finish(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_have_torchs_names_and_roles),
        cmocka_unit_test(training_moves_the_running_statistics),
        cmocka_unit_test(statistics_hold_far_from_zero),
        cmocka_unit_test(folding_is_inference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
