/* tests/graph/allocation.c: every case of cases.c with its n-th allocation failing, n = 1, 2, 3 …: forward, gradient,
 * capture and run must report IG_E_NOMEM, and give back all tensor memory.
 */
#include "cases.h"

typedef struct attempt {
    ig_context *ctx;
    const op_case *c;
    const ig_tensor *x;
    ig_graph *g;
    ig_plan *p;
} attempt;

static ig_status record(attempt *a, ig_graph_mode mode, ig_var **out, ig_error *err) {
    ig_var *x[CASE_INPUTS_MAX];
    IG_TRY(ig_graph_new(a->ctx, mode, &a->g, err));
    for (int k = 0; k < a->c->inputs; k++) x[k] = ig_parameter(a->g, "x", &a->x[k]);
    IG_TRY(ig_graph_status(a->g, err));
    out[0] = a->c->build(a->g, x, a->c);
    IG_TRY(ig_graph_status(a->g, err));
    ig_backward_from(a->g, out[0], ig_full(a->g, ig_var_dtype(out[0]), ig_ndim(out[0]), ig_value(out[0])->shape, 1));
    IG_TRY(ig_graph_status(a->g, err));
    out[1] = ig_gradient(a->g, x[0]);
    return IG_OK;
}

static ig_status run(attempt *a, ig_graph_mode mode, ig_error *err) {
    ig_var *out[2];
    IG_TRY(record(a, mode, out, err));
    if (mode == IG_GRAPH_EAGER) return IG_OK;
    IG_TRY(ig_capture(a->g, out, out[1] ? 2 : 1, (ig_plan_opts){0}, &a->p, err));
    return ig_plan_run(a->p, err);
}

/* False when all went well: nothing was left to fail. */
static bool fails_cleanly(attempt *a, ig_graph_mode mode, uint64_t n) {
    ig_tensor_stats before, after;
    ig_error err = {0};
    ig_tensor_stats_get(a->ctx, &before);
    ig_alloc_fail_at(n);
    ig_status s = run(a, mode, &err);
    ig_alloc_fail_at(0);
    ig_plan_free(a->p);
    ig_graph_free(a->g);
    a->p = NULL, a->g = NULL;
    ig_tensor_stats_get(a->ctx, &after);
    if (s != IG_OK && s != IG_E_NOMEM) fail_msg("%s, allocation %llu: %s: %s", a->c->name, (unsigned long long)n, ig_status_name(s), err.message);
    if (after.bytes != before.bytes)
        fail_msg("%s, allocation %llu: %llu bytes of tensors stayed", a->c->name, (unsigned long long)n, (unsigned long long)(after.bytes - before.bytes));
    return s != IG_OK;
}

static void check_case(ig_context *ctx, const op_case *c) {
    ig_tensor x[CASE_INPUTS_MAX];
    ig_error err = {0};
    attempt a = {.ctx = ctx, .c = c, .x = x};
    for (int k = 0; k < c->inputs; k++) {
        check_ok(ig_tensor_new(ctx, c->step != 0 ? IG_DTYPE_F64 : IG_DTYPE_F32, c->in[k].ndim, c->in[k].size, &x[k], &err));
        check_ok(ig_tensor_fill(ctx, &x[k], 0.5, &err));
    }
    for (ig_graph_mode mode = IG_GRAPH_EAGER; mode <= IG_GRAPH_LAZY; mode++) {
        uint64_t n = 1;
        while (fails_cleanly(&a, mode, n)) n++;
        assert_true(n > 1);
    }
    for (int k = 0; k < c->inputs; k++) ig_tensor_unref(&x[k]);
}

static void failed_allocations_are_reported_and_leave_nothing(void **state) {
    (void)state;
    ig_error err = {0};
    ig_context *ctx = NULL;
    check_ok(ig_context_new(&(ig_context_opts){.threads = 1}, &ctx, &err));
    for (size_t i = 0; i < op_case_count; i++) check_case(ctx, &op_cases[i]);
    ig_context_free(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(failed_allocations_are_reported_and_leave_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
