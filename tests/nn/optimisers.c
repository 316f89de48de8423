/* tests/nn/optimisers.c: every optimiser against torch.optim (optim_torch.py): eight steps with a changing rate, weight
 * decay, momentum, penalties, clipping, groups and moving averages; op by op and as a plan, in f64 and f32.
 */
#include <math.h>

#include "reference.h"
#include "trainer.h"

#define STEPS 8

/* f64: the same formulas in another order.  f32: per step some ten roundings of numbers up to 4. */
static double tolerance(ig_dtype type) { return type == IG_DTYPE_F64 ? 1e-13 : STEPS * 10 * 0x1p-24 * 4; }

typedef struct reference {
    double lr[STEPS], start[WEIGHTS], gradient[STEPS][WEIGHTS];
} reference;

static ig_optim_opts read_opts(const ig_tree *c, ig_optim_group *group) {
    ig_optim_opts o = {.momentum = ig_tree_real(c, "momentum", 0), .nesterov = ig_tree_bool(c, "nesterov", false),
                       .beta1 = ig_tree_real(c, "beta1", 0), .beta2 = ig_tree_real(c, "beta2", 0),
                       .alpha = ig_tree_real(c, "alpha", 0), .eps = ig_tree_real(c, "eps", 0),
                       .weight_decay = ig_tree_real(c, "weight_decay", 0), .l1 = ig_tree_real(c, "l1", 0),
                       .clip_norm = ig_tree_real(c, "clip_norm", 0), .clip_value = ig_tree_real(c, "clip_value", 0),
                       .ema_decay = ig_tree_real(c, "ema_decay", 0)};
    assert_true(ig_optim_parse(ig_tree_text(c, "kind", ""), &o.kind));
    *group = (ig_optim_group){.lr_scale = ig_tree_real(c, "lr_scale", 0), .weight_decay = ig_tree_real(c, "group_decay", -1)};
    if (group->lr_scale != 0) o.groups = group, o.group_count = 1;
    return o;
}

static void compare(const char *what, int number, int step, double got, double want, double allowed) {
    if (!(fabs(got - want) <= allowed))
        fail_msg("case %d, step %d: %s is %.17g, torch has %.17g", number, step, what, got, want);
}

static void check_steps(trainer *t, const ig_tree *c, const reference *r, int number, ig_dtype type) {
    double want[WEIGHTS], norm[STEPS], scale = ig_tree_real(c, "grad_scale", 1);
    const ig_tree *row = ig_tree_get(c, "weights")->child;
    reference_numbers(ig_tree_get(c, "norms"), norm, STEPS);
    for (int step = 0; step < STEPS; step++, row = row->next) {
        trainer_step(t, r->lr[step], scale, r->gradient[step]);
        reference_numbers(row, want, WEIGHTS);
        compare("the norm", number, step, t->norm, norm[step], tolerance(type) * norm[step]);
        for (int i = 0; i < WEIGHTS; i++) compare("a weight", number, step, trainer_weight(t, i), want[i], tolerance(type));
    }
    assert_int_equal(ig_optim_steps(t->optim), STEPS);
}

static void check_average(trainer *t, const ig_tree *c, int number, ig_dtype type) {
    double want[WEIGHTS];
    reference_numbers(ig_tree_get(c, "ema"), want, WEIGHTS);
    for (int i = 0; i < WEIGHTS; i++)
        compare("an average", number, STEPS, i < W ? trainer_state(t, "ema/w", i) : trainer_state(t, "ema/b", i - W), want[i],
                tolerance(type));
}

static void check_case(ig_context *ctx, const ig_tree *c, const reference *r, int number, ig_dtype type, bool plan) {
    trainer t;
    ig_optim_group group;
    ig_optim_opts opts = read_opts(c, &group);
    trainer_make(&t, ctx, type, r->start);
    trainer_optimise(&t, &opts);
    if (plan) trainer_capture(&t, ig_tree_real(c, "grad_scale", 1));
    check_steps(&t, c, r, number, type);
    if (opts.ema_decay > 0) check_average(&t, c, number, type);
    trainer_free(&t);
}

static void read_reference(const ig_tree *root, reference *r) {
    const ig_tree *row = ig_tree_get(root, "gradients")->child;
    reference_numbers(ig_tree_get(root, "lrs"), r->lr, STEPS);
    reference_numbers(ig_tree_get(root, "start"), r->start, WEIGHTS);
    for (int i = 0; i < STEPS; i++, row = row->next) reference_numbers(row, r->gradient[i], WEIGHTS);
}

static void check_all(ig_dtype type, bool plan) {
    ig_doc *d = reference_load("optim_torch.json");
    ig_error err = {0};
    ig_context *ctx = NULL;
    reference r;
    int number = 0;
    bool seen[IG_OPTIM_COUNT] = {false};
    check_ok(ig_context_new(NULL, &ctx, &err));
    read_reference(ig_doc_root(d), &r);
    for (const ig_tree *c = ig_tree_get(ig_doc_root(d), "cases")->child; c; c = c->next, number++) {
        ig_optim_kind kind;
        check_case(ctx, c, &r, number, type, plan);
        if (ig_optim_parse(ig_tree_text(c, "kind", ""), &kind)) seen[kind] = true;
    }
    for (int k = 0; k < IG_OPTIM_COUNT; k++)
        if (!seen[k]) fail_msg("%s has no reference in optim_torch.json", ig_optim_name((ig_optim_kind)k));
    ig_context_free(ctx);
    ig_doc_free(d);
}

static void recorded_steps_are_those_of_torch_in_f64(void **state) { (void)state, check_all(IG_DTYPE_F64, false); }
static void recorded_steps_are_those_of_torch_in_f32(void **state) { (void)state, check_all(IG_DTYPE_F32, false); }
static void planned_steps_are_those_of_torch_in_f64(void **state) { (void)state, check_all(IG_DTYPE_F64, true); }
static void planned_steps_are_those_of_torch_in_f32(void **state) { (void)state, check_all(IG_DTYPE_F32, true); }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_steps_are_those_of_torch_in_f64),
        cmocka_unit_test(recorded_steps_are_those_of_torch_in_f32),
        cmocka_unit_test(planned_steps_are_those_of_torch_in_f64),
        cmocka_unit_test(planned_steps_are_those_of_torch_in_f32),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
