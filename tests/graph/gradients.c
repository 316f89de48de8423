/* tests/graph/gradients.c: every op's gradient against finite differences, and its agreement in f32 and in a plan.
 *
 * For a case y = op(x …) and a fixed random dy, L(x) = Σ y·dy.  In f64, ig_backward_from must give for each element of
 * each input
 *
 *     dL/dx = (L(x + h) - L(x - h)) / 2h,   h = 1e-5
 *
 * up to a tolerance of 1e-6 of its size plus 1e-8·(1 + S), S = Σ|y·dy|.  The difference is off by h²/6·|L'''|, some 1e-11
 * for functions whose third derivative is of the size of S, up to a few hundred times that for the steepest here (1/√x
 * near 0.3: 15·x^-3.5/8 = 126); and by the rounding of L, about 10·eps·S/h = 2e-10·S.
 *
 * The same case in f32 must agree with f64 (the row kernels differ: one is vectorised), and the captured plan must give
 * the bits of the dynamic graph, again when it runs a second time.
 */
#include "cases.h"

#include <float.h>
#include <math.h>

typedef enum layout { ROW_MAJOR, TRANSPOSED, SLICED, SHARED, LAYOUTS } layout;
static const char *const layout_name[LAYOUTS] = {"row-major", "transposed", "sliced", "one tensor for all"};

typedef struct trial {
    const op_case *c;
    layout l;
    ig_context *ctx;
    ig_graph *g;
    ig_dtype dtype;
    int tensors;                         /* SHARED: 1 */
    ig_tensor store[CASE_INPUTS_MAX], x[CASE_INPUTS_MAX], dy;
    ig_var *var[CASE_INPUTS_MAX], *y;
} trial;

static void explain(const trial *t, const char *what) {
    ig_error err = {0};
    ig_graph_status(t->g, &err);
    fail_msg("%s, %s, %s: %s: %s", t->c->name, layout_name[t->l], ig_dtype_name(t->dtype), what, err.message);
}

/* ---- making inputs -------------------------------------------------------------------------------------------------------- */

/* Multiples of 2^-16, which f32 holds exactly, away from 0, where many functions bend. */
static void fill(const ig_tensor *t, bool positive, ig_rng *r) {
    for (int64_t i = 0; i < ig_tensor_numel(t); i++) {
        double v = (positive ? 0.3 : 0.1) + 2 * ig_rng_uniform(r);
        if (!positive && ig_rng_below(r, 2)) v = -v;
        ig_tensor_set(t, i, ldexp(floor(ldexp(v, 16)), -16));
    }
}

static void make_input(trial *t, int k, ig_rng *r) {
    ig_error err = {0};
    case_shape s = t->c->in[k];
    int last = s.ndim - 1;
    if (t->l == TRANSPOSED && s.ndim >= 2) {
        int64_t swap = s.size[last];
        s.size[last] = s.size[last - 1], s.size[last - 1] = swap;
    }
    if (t->l == SLICED)
        for (int d = 0; d < s.ndim; d++) s.size[d] += 2;
    check_ok(ig_tensor_zeros(t->ctx, t->dtype, s.ndim, s.size, &t->store[k], &err));
    t->x[k] = t->store[k];
    if (t->l == TRANSPOSED && s.ndim >= 2) check_ok(ig_tensor_transpose(&t->x[k], &t->x[k], last - 1, last, &err));
    if (t->l == SLICED)
        for (int d = 0; d < s.ndim; d++) check_ok(ig_tensor_slice(&t->x[k], &t->x[k], d, 1, s.size[d] - 1, &err));
    fill(&t->x[k], t->c->positive, r);
}

static bool inputs_equal(const op_case *c) {
    for (int k = 1; k < c->inputs; k++)
        if (memcmp(&c->in[k], &c->in[0], sizeof c->in[0]) != 0) return false;
    return c->inputs > 1;
}

/* ---- running -------------------------------------------------------------------------------------------------------------------- */

static void record(trial *t) {
    ig_var *x[CASE_INPUTS_MAX];
    for (int k = 0; k < t->c->inputs; k++) {
        char name[16];
        int from = t->l == SHARED ? 0 : k;
        snprintf(name, sizeof name, "x%d", from);
        x[k] = t->var[from] = ig_parameter(t->g, name, &t->x[from]);
    }
    t->y = t->c->build(t->g, x, t->c);
    if (ig_graph_poisoned(t->g)) explain(t, "forward");
}

static void record_backward(trial *t) {
    ig_backward_from(t->g, t->y, ig_input(t->g, "dy", &t->dy));
    if (ig_graph_poisoned(t->g)) explain(t, "backward");
}

static void start(trial *t, const op_case *c, layout l, ig_dtype dtype, ig_context *ctx, ig_graph_mode mode) {
    ig_error err = {0};
    ig_rng r;
    ig_rng_init(&r, 11, 0); /* the same numbers in every layout and type */
    *t = (trial){.c = c, .l = l, .ctx = ctx, .dtype = dtype, .tensors = l == SHARED ? 1 : c->inputs};
    check_ok(ig_graph_new(ctx, mode, &t->g, &err));
    for (int k = 0; k < t->tensors; k++) make_input(t, k, &r);
    record(t);
    check_ok(ig_tensor_new(ctx, dtype, ig_ndim(t->y), ig_value(t->y)->shape, &t->dy, &err));
    ig_rng_init(&r, 12, 0);
    fill(&t->dy, false, &r);
}

static void finish(trial *t) {
    ig_graph_free(t->g);
    for (int k = 0; k < t->tensors; k++) ig_tensor_unref(&t->store[k]);
    ig_tensor_unref(&t->dy);
}

static double loss(trial *t, double *size) {
    double sum = 0;
    ig_graph_reset(t->g);
    record(t);
    if (size) *size = 0;
    for (int64_t i = 0; i < ig_tensor_numel(&t->dy); i++) {
        double term = ig_tensor_get(ig_value(t->y), i) * ig_tensor_get(&t->dy, i);
        sum += term;
        if (size) *size += fabs(term);
    }
    return sum;
}

static double difference(trial *t, int k, int64_t i) {
    double h = t->c->step != 0 ? t->c->step : 1e-5, x = ig_tensor_get(&t->x[k], i);
    ig_tensor_set(&t->x[k], i, x + h);
    double above = loss(t, NULL);
    ig_tensor_set(&t->x[k], i, x - h);
    double below = loss(t, NULL);
    ig_tensor_set(&t->x[k], i, x);
    return (above - below) / (2 * h);
}

/* ---- which ops were seen ---------------------------------------------------------------------------------------------------------- */

static const ig_op *seen[256];
static int seen_count;

static void see(const ig_graph *g) {
    for (int i = 0; i < g->count; i++) {
        const ig_node *n = g->node[i];
        bool flows = n->out[0].requires_grad, known = false;
        for (int s = 0; s < seen_count; s++) known |= seen[s] == n->op;
        if (flows && !known && seen_count < 256) seen[seen_count++] = n->op;
    }
}

/* ---- tests ---------------------------------------------------------------------------------------------------------------------------- */

static ig_context *new_context(int threads) {
    ig_error err = {0};
    ig_context *ctx = NULL;
    check_ok(ig_context_new(&(ig_context_opts){.threads = threads}, &ctx, &err));
    return ctx;
}

static void check_case(const op_case *c, layout l, ig_context *ctx) {
    trial t;
    ig_error err = {0};
    ig_tensor dx[CASE_INPUTS_MAX] = {0};
    double size;
    start(&t, c, l, IG_DTYPE_F64, ctx, IG_GRAPH_EAGER);
    record_backward(&t);
    see(t.g);
    for (int k = 0; k < t.tensors; k++) {
        ig_var *gradient = ig_gradient(t.g, t.var[k]);
        check_ok(ig_tensor_zeros(ctx, IG_DTYPE_F64, t.x[k].ndim, t.x[k].shape, &dx[k], &err));
        if (gradient) check_ok(ig_tensor_copy(ctx, &dx[k], ig_value(gradient), &err));
    }
    loss(&t, &size);
    for (int k = 0; k < t.tensors; k++) {
        for (int64_t i = 0; i < ig_tensor_numel(&t.x[k]); i++) {
            double want = difference(&t, k, i), have = ig_tensor_get(&dx[k], i);
            if (!(fabs(want - have) <= 1e-6 * fabs(want) + 1e-8 * (1 + size)))
                fail_msg("%s, %s: gradient of input %d at %lld is %.12g; the difference quotient is %.12g", c->name, layout_name[l], k, (long long)i, have, want);
        }
        ig_tensor_unref(&dx[k]);
    }
    finish(&t);
}

static void gradients_are_what_differences_say(void **state) {
    (void)state;
    ig_context *ctx = new_context(2);
    for (size_t i = 0; i < op_case_count; i++)
        for (layout l = 0; l < LAYOUTS; l++)
            if (l != SHARED || inputs_equal(&op_cases[i])) check_case(&op_cases[i], l, ctx);
    ig_context_free(ctx);
}

static void every_differentiable_op_has_a_case(void **state) {
    (void)state;
    size_t count;
    const ig_op *const *ops = ig_ops_all(&count);
    assert_true(seen_count > 0);
    for (size_t i = 0; i < count; i++) {
        bool found = !ops[i]->backward || ops[i]->flags & IG_OP_NO_GRAD;
        for (int s = 0; s < seen_count && !found; s++) found = seen[s] == ops[i];
        if (!found) fail_msg("no case of tests/graph/cases.c records the op \"%s\" on the way of a gradient", ops[i]->name);
    }
}

/* eps of f32 times the size of the sum it is part of, some hundred roundings deep. */
static void check_close(const trial *t, const char *what, const ig_tensor *narrow, const ig_tensor *wide) {
    double largest = 0;
    for (int64_t i = 0; i < ig_tensor_numel(wide); i++) largest = fmax(largest, fabs(ig_tensor_get(wide, i)));
    for (int64_t i = 0; i < ig_tensor_numel(wide); i++) {
        double have = ig_tensor_get(narrow, i), want = ig_tensor_get(wide, i);
        if (!(fabs(have - want) <= 100 * (double)FLT_EPSILON * (1 + largest)))
            fail_msg("%s, %s: %s at %lld is %.9g in f32, %.9g in f64", t->c->name, layout_name[t->l], what, (long long)i, have, want);
    }
}

static void f32_agrees_with_f64(void **state) {
    (void)state;
    ig_context *ctx = new_context(2);
    for (size_t i = 0; i < op_case_count; i++) {
        for (layout l = 0; l < SHARED; l++) {
            trial a, b;
            start(&a, &op_cases[i], l, IG_DTYPE_F32, ctx, IG_GRAPH_EAGER);
            start(&b, &op_cases[i], l, IG_DTYPE_F64, ctx, IG_GRAPH_EAGER);
            if (op_cases[i].step == 0) record_backward(&a), record_backward(&b); /* a cast to f32 gives f64 in both: nothing to compare */
            check_close(&b, "y", ig_value(a.y), ig_value(b.y));
            for (int k = 0; k < a.tensors; k++) {
                ig_var *da = ig_gradient(a.g, a.var[k]), *db = ig_gradient(b.g, b.var[k]);
                assert_int_equal(da == NULL, db == NULL);
                if (da) check_close(&b, "a gradient", ig_value(da), ig_value(db));
            }
            finish(&a);
            finish(&b);
        }
    }
    ig_context_free(ctx);
}

/* ---- plans ------------------------------------------------------------------------------------------------------------------------------ */

static int outputs_of(trial *t, ig_var **out) {
    int n = 0;
    out[n++] = t->y;
    for (int k = 0; k < t->tensors; k++)
        if (ig_gradient(t->g, t->var[k])) out[n++] = ig_gradient(t->g, t->var[k]);
    return n;
}

static void check_same_bits(const trial *t, const ig_tensor *plan, const ig_tensor *eager, int output) {
    for (int64_t i = 0; i < ig_tensor_numel(eager); i++) {
        double a = ig_tensor_get(plan, i), b = ig_tensor_get(eager, i);
        if (memcmp(&a, &b, sizeof a) != 0)
            fail_msg("%s, %s, %s: output %d at %lld is %.17g in the plan, %.17g op by op", t->c->name, layout_name[t->l], ig_dtype_name(t->dtype), output,
                     (long long)i, a, b);
    }
}

static void check_plan(const op_case *c, layout l, ig_dtype dtype, ig_context *ctx, ig_context *alone) {
    trial eager, lazy;
    ig_error err = {0};
    ig_plan *p = NULL;
    ig_var *want[1 + CASE_INPUTS_MAX], *out[1 + CASE_INPUTS_MAX];
    start(&eager, c, l, dtype, alone, IG_GRAPH_EAGER);
    start(&lazy, c, l, dtype, ctx, IG_GRAPH_LAZY);
    record_backward(&eager);
    record_backward(&lazy);
    int n = outputs_of(&eager, want);
    assert_int_equal(outputs_of(&lazy, out), n);
    ig_status s = ig_capture(lazy.g, out, n, (ig_plan_opts){0}, &p, &err);
    if (s != IG_OK) fail_msg("%s, %s: capture: %s", c->name, layout_name[l], err.message);
    for (int run = 0; run < 2; run++) {
        check_ok(ig_plan_run(p, &err));
        for (int i = 0; i < n; i++) check_same_bits(&eager, ig_plan_output(p, i), ig_value(want[i]), i);
    }
    ig_plan_free(p);
    finish(&eager);
    finish(&lazy);
}

/* The dynamic graph runs on one thread, the plan on three: the bits of these ops do not depend on it. */
static void plans_give_the_bits_of_the_dynamic_graph(void **state) {
    (void)state;
    ig_context *ctx = new_context(3), *alone = new_context(1);
    for (size_t i = 0; i < op_case_count; i++) {
        for (layout l = 0; l < LAYOUTS; l++) {
            if (l == SHARED && !inputs_equal(&op_cases[i])) continue;
            check_plan(&op_cases[i], l, IG_DTYPE_F64, ctx, alone);
            if (op_cases[i].step == 0) check_plan(&op_cases[i], l, IG_DTYPE_F32, ctx, alone);
        }
    }
    ig_context_free(ctx);
    ig_context_free(alone);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_are_what_differences_say),
        cmocka_unit_test(every_differentiable_op_has_a_case),
        cmocka_unit_test(f32_agrees_with_f64),
        cmocka_unit_test(plans_give_the_bits_of_the_dynamic_graph),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
