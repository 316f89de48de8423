/* tests/nn/lora.c: a dense layer with an adapter against PyTorch: output, gradients, and one step of AdamW. */
#include "reference.h"

#include <math.h>

#define M 5
#define K 6
#define N 4
#define R 2

static ig_context *ctx;
static ig_doc *reference;

static int set_up(void **state) {
    ig_error err = {0};
    (void)state;
    check_ok(ig_context_new(&(ig_context_opts){.threads = 1}, &ctx, &err));
    reference = reference_load("lora_torch.json");
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    ig_doc_free(reference);
    ig_context_free(ctx);
    return 0;
}

static const ig_tree *numbers(const char *name) { return ig_tree_get(ig_tree_get(ig_doc_root(reference), "lora"), name); }

static void fill(const ig_tensor *t, const char *name) {
    int64_t i = 0;
    for (const ig_tree *v = numbers(name)->child; v; v = v->next) ig_tensor_set(t, i++, v->real);
    assert_int_equal(i, ig_tensor_numel(t));
}

/* Sums of at most 6 products of numbers below 30 in f32: 6 · 900 · 2^-24 with room. */
static void check(const ig_tensor *t, const char *name) {
    int64_t i = 0;
    for (const ig_tree *v = numbers(name)->child; v; v = v->next, i++)
        if (!(fabs(ig_tensor_get(t, i) - v->real) <= 4e-4)) fail_msg("%s[%d]: %.9g, must be %.9g", name, (int)i, ig_tensor_get(t, i), v->real);
}

typedef struct layer {
    ig_params all, trained;
    ig_param *w, *a, *b;
    ig_lora lora;
    ig_tensor x, dy;
} layer;

static void make(layer *l, ig_param_role role) {
    int64_t ws[2] = {N, K}, turned[2] = {K, N}, as[2] = {R, K}, bs[2] = {N, R}, xs[2] = {M, K}, ys[2] = {M, N};
    ig_error err = {0};
    ig_params_init(&l->all, ctx);
    ig_params_init(&l->trained, ctx);
    check_ok(ig_params_add(&l->all, "w", IG_DTYPE_F32, 2, role == IG_PARAM_IN_OUT ? turned : ws, true, &l->w, &err));
    check_ok(ig_params_add(&l->trained, "a", IG_DTYPE_F32, 2, as, true, &l->a, &err));
    check_ok(ig_params_add(&l->trained, "b", IG_DTYPE_F32, 2, bs, true, &l->b, &err));
    check_ok(ig_tensor_new(ctx, IG_DTYPE_F32, 2, xs, &l->x, &err));
    check_ok(ig_tensor_new(ctx, IG_DTYPE_F32, 2, ys, &l->dy, &err));
    ig_tensor view = l->w->value;
    if (role == IG_PARAM_IN_OUT) check_ok(ig_tensor_transpose(&view, &l->w->value, 0, 1, &err));
    fill(&view, "w");
    fill(&l->a->value, "a"), fill(&l->b->value, "b"), fill(&l->x, "x"), fill(&l->dy, "dy");
    l->w->role = role;
    l->w->frozen = true;
    l->lora = (ig_lora){.a = l->a, .b = l->b, .scale = 16.0 / R};
    l->w->lora = &l->lora;
}

static void unmake(layer *l) {
    ig_params_fini(&l->all);
    ig_params_fini(&l->trained);
    ig_tensor_unref(&l->x);
    ig_tensor_unref(&l->dy);
}

static void check_step(ig_param_role role) {
    layer l;
    ig_graph *g;
    ig_optim *o;
    ig_error err = {0};
    ig_tensor before;
    make(&l, role);
    check_ok(ig_tensor_new(ctx, IG_DTYPE_F32, 2, l.w->value.shape, &before, &err));
    memcpy(before.data, l.w->value.data, ig_tensor_bytes(&before));
    check_ok(ig_optim_new(ctx, &l.trained, &(ig_optim_opts){.kind = IG_OPTIM_ADAMW, .weight_decay = 0.1}, &o, &err));
    check_ok(ig_graph_new(ctx, IG_GRAPH_EAGER, &g, &err));
    ig_var *x = ig_parameter(g, "x", &l.x), *y = ig_nn_dense(&(ig_pass){.g = g}, x, l.w, NULL);
    ig_backward(g, ig_sum(g, ig_mul(g, y, ig_input(g, "dy", &l.dy)), 0, false));
    check_ok(ig_graph_status(g, &err));
    check(ig_value(y), "y");
    check(ig_value(ig_gradient(g, x)), "dx");
    check(ig_value(ig_gradient(g, ig_param_var(g, l.a))), "da");
    check(ig_value(ig_gradient(g, ig_param_var(g, l.b))), "db");
    ig_optim_begin_step(o, 0.01);
    ig_optim_record(o, g, 1);
    check_ok(ig_graph_status(g, &err));
    check(&l.a->value, "a_after");
    check(&l.b->value, "b_after");
    assert_memory_equal(before.data, l.w->value.data, ig_tensor_bytes(&before));
    ig_graph_free(g);
    ig_optim_free(o);
    ig_tensor_unref(&before);
    unmake(&l);
}

static void a_step_is_that_of_torch(void **state) {
    (void)state;
    check_step(IG_PARAM_OUT_IN);
    check_step(IG_PARAM_IN_OUT);
}

static void a_packed_matrix_takes_an_adapter(void **state) {
    layer l;
    ig_graph *g;
    ig_error err = {0};
    (void)state;
    make(&l, IG_PARAM_OUT_IN);
    check_ok(ig_param_pack(ctx, l.w, IG_BLOCK_F32, NULL, &err));
    check_ok(ig_graph_new(ctx, IG_GRAPH_EAGER, &g, &err));
    ig_var *x = ig_parameter(g, "x", &l.x), *y = ig_nn_dense(&(ig_pass){.g = g}, x, l.w, NULL);
    ig_backward(g, ig_sum(g, ig_mul(g, y, ig_input(g, "dy", &l.dy)), 0, false));
    check_ok(ig_graph_status(g, &err));
    check(ig_value(y), "y");
    check(ig_value(ig_gradient(g, x)), "dx");
    check(ig_value(ig_gradient(g, ig_param_var(g, l.a))), "da");
    ig_graph_free(g);
    unmake(&l);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_step_is_that_of_torch), cmocka_unit_test(a_packed_matrix_takes_an_adapter)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
