/* tests/train/test_preference.c: the loss of preferences and its gradient against PyTorch (tests/nn/lora_torch.py), with a model
 * whose logits are the rows of a table.
 */
#include "../nn/reference.h"

#include <math.h>

#include "train/preference.h"

#define V 7
#define T 4
#define B 3

static ig_var *table_logits(ig_model *m, const ig_pass *p, ig_var *tokens, ig_kv_cache *cache) {
    (void)cache;
    return ig_embedding(p->g, ig_param_var(p->g, m->params.item[0]), tokens);
}

static void fill(const ig_tensor *t, const ig_tree *numbers) {
    int64_t i = 0;
    for (const ig_tree *v = numbers->child; v; v = v->next) ig_tensor_set(t, i++, v->real);
    assert_int_equal(i, ig_tensor_numel(t));
}

/* Sums of at most 24 logarithms below 10 in f32. */
static void check(const ig_tensor *t, const ig_tree *numbers) {
    int64_t i = 0;
    for (const ig_tree *v = numbers->child; v; v = v->next, i++)
        if (!(fabs(ig_tensor_get(t, i) - v->real) <= 2e-5)) fail_msg("[%d]: %.9g, must be %.9g", (int)i, ig_tensor_get(t, i), v->real);
}

static void loss_and_gradient_are_those_of_torch(void **state) {
    static const ig_family family = {.name = "table", .logits = table_logits};
    int64_t table[2] = {V, V}, rows[2] = {2 * B, T}, pairs[1] = {B};
    ig_recipe recipe = {.dpo.beta = 0.3};
    ig_model m = {.family = &family};
    train_shape s = {.rows = B, .length = T};
    ig_error err = {0};
    ig_param *p;
    ig_graph *g;
    ig_var *margin;
    task_sums sums = {0};
    int outputs = 0;
    (void)state;
    ig_doc *d = reference_load("lora_torch.json");
    const ig_tree *r = ig_tree_get(ig_doc_root(d), "dpo");
    check_ok(ig_context_new(&(ig_context_opts){.threads = 1}, &m.ctx, &err));
    ig_params_init(&m.params, m.ctx);
    check_ok(ig_params_add(&m.params, "table", IG_DTYPE_F32, 2, table, true, &p, &err));
    check_ok(ig_tensor_new(m.ctx, IG_DTYPE_I64, 2, rows, &s.in[ROWS_TOKENS], &err));
    check_ok(ig_tensor_new(m.ctx, IG_DTYPE_I64, 2, rows, &s.in[ROWS_TARGETS], &err));
    check_ok(ig_tensor_new(m.ctx, IG_DTYPE_F32, 2, rows, &s.in[ROWS_MASK], &err));
    check_ok(ig_tensor_new(m.ctx, IG_DTYPE_F32, 1, pairs, &s.in[ROWS_PRIOR], &err));
    check_ok(ig_tensor_zeros(m.ctx, IG_DTYPE_I64, 1, pairs, &s.in[ROWS_PRESENT], &err));
    fill(&p->value, ig_tree_get(r, "table"));
    fill(&s.in[ROWS_TOKENS], ig_tree_get(r, "tokens"));
    fill(&s.in[ROWS_TARGETS], ig_tree_get(r, "targets"));
    fill(&s.in[ROWS_MASK], ig_tree_get(r, "mask"));
    fill(&s.in[ROWS_PRIOR], ig_tree_get(r, "prior"));
    trainer t = {.ctx = m.ctx, .r = &recipe, .model = &m};
    check_ok(ig_graph_new(m.ctx, IG_GRAPH_EAGER, &g, &err));
    ig_var *loss = preference_loss(&t, &(ig_pass){.g = g}, &s, &margin, &outputs);
    ig_backward(g, loss);
    check_ok(ig_graph_status(g, &err));
    check(ig_value(loss), ig_tree_get(r, "loss"));
    check(ig_value(margin), ig_tree_get(r, "margin"));
    check(ig_value(ig_gradient(g, ig_param_var(g, p))), ig_tree_get(r, "dtable"));
    ((int64_t *)s.in[ROWS_PRESENT].data)[2] = IG_NO_TARGET;
    preference_watch(&t, &s, (const ig_tensor *const[]){ig_value(margin)}, &sums);
    double a = ig_tensor_get(ig_value(margin), 0), b = ig_tensor_get(ig_value(margin), 1);
    assert_true(outputs == 1 && sums.count == 2 && sums.sum[0] == a + b && sums.sum[1] == (a > 0) + (b > 0));
    ig_graph_free(g);
    ig_tensor_unref(&s.in[ROWS_TOKENS]), ig_tensor_unref(&s.in[ROWS_TARGETS]), ig_tensor_unref(&s.in[ROWS_MASK]), ig_tensor_unref(&s.in[ROWS_PRIOR]), ig_tensor_unref(&s.in[ROWS_PRESENT]);
    ig_params_fini(&m.params);
    ig_context_free(m.ctx);
    ig_doc_free(d);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(loss_and_gradient_are_those_of_torch)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
