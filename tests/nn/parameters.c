/* tests/nn/parameters.c: the list of parameters, and their leaves. */
#include "../check.h"
#include "ingot/nn.h"

static ig_context *ctx;

static int make_context(void **state) {
    (void)state;
    return ig_context_new(NULL, &ctx, NULL) != IG_OK;
}

static int free_context(void **state) {
    (void)state;
    ig_context_free(ctx);
    return 0;
}

static void pointers_stay_valid_while_the_list_grows(void **state) {
    ig_error err = {0};
    ig_params ps;
    ig_param *first = NULL, *p = NULL;
    int64_t shape[] = {2, 3};
    (void)state;
    ig_params_init(&ps, ctx);
    check_ok(ig_params_add(&ps, "p0", IG_DTYPE_F32, 2, shape, true, &first, &err));
    for (int i = 1; i < 200; i++) {
        char name[16];
        snprintf(name, sizeof name, "p%d", i);
        check_ok(ig_params_add(&ps, name, IG_DTYPE_F32, 2, shape, false, &p, &err));
    }
    assert_ptr_equal(ig_params_find(&ps, "p0"), first);
    assert_ptr_equal(ig_params_find(&ps, "p199"), p);
    assert_null(ig_params_find(&ps, "p200"));
    assert_int_equal(ig_params_numel(&ps), 1200);
    assert_true(ig_tensor_get(&first->value, 5) == 0);
    ig_params_fini(&ps);
    assert_int_equal(ps.count, 0);
}

static void a_name_is_taken_once(void **state) {
    ig_error err = {0};
    ig_params ps;
    int64_t shape[] = {2, -1};
    (void)state;
    ig_params_init(&ps, ctx);
    check_ok(ig_params_add(&ps, "wte", IG_DTYPE_F32, 1, shape, true, NULL, &err));
    check_fails(ig_params_add(&ps, "wte", IG_DTYPE_F32, 1, shape, true, NULL, &err), IG_E_EXISTS);
    assert_non_null(strstr(err.message, "wte"));
    check_fails(ig_params_add(&ps, "bad", IG_DTYPE_F32, 2, shape, true, NULL, &err), IG_E_SHAPE);
    assert_int_equal(ps.count, 1);
    ig_params_fini(&ps);
}

static void a_frozen_parameter_gets_no_gradient(void **state) {
    ig_error err = {0};
    ig_params ps;
    ig_param *w = NULL, *f = NULL;
    ig_graph *g = NULL;
    int64_t n = 4;
    (void)state;
    ig_params_init(&ps, ctx);
    check_ok(ig_params_add(&ps, "w", IG_DTYPE_F32, 1, &n, true, &w, &err));
    check_ok(ig_params_add(&ps, "f", IG_DTYPE_F32, 1, &n, true, &f, &err));
    f->frozen = true;
    check_ok(ig_graph_new(ctx, IG_GRAPH_EAGER, &g, &err));
    ig_backward(g, ig_sum(g, ig_mul(g, ig_param_var(g, w), ig_param_var(g, f)), 0, false));
    assert_non_null(ig_gradient(g, ig_param_var(g, w)));
    assert_null(ig_gradient(g, ig_param_var(g, f)));
    check_ok(ig_graph_status(g, &err));
    ig_graph_free(g);
    ig_params_fini(&ps);
}

static void every_failed_allocation_is_survived(void **state) {
    int64_t shape[] = {8, 8};
    (void)state;
    for (uint64_t n = 1; n < 20; n++) {
        ig_error err = {0};
        ig_params ps;
        ig_params_init(&ps, ctx);
        ig_alloc_fail_at(n);
        ig_status s = ig_params_add(&ps, "w", IG_DTYPE_F32, 2, shape, true, NULL, &err);
        ig_alloc_fail_at(0);
        assert_int_equal(ps.count, s == IG_OK);
        assert_true(s == IG_OK || s == IG_E_NOMEM);
        ig_params_fini(&ps);
        if (s == IG_OK) return;
    }
    fail_msg("adding a parameter allocates more than expected");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pointers_stay_valid_while_the_list_grows),
        cmocka_unit_test(a_name_is_taken_once),
        cmocka_unit_test(a_frozen_parameter_gets_no_gradient),
        cmocka_unit_test(every_failed_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, make_context, free_context);
}
