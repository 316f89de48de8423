/* tests/models/test_deepfm.c: factorisation machines and their networks are what PyTorch makes of the same weights.
 *
 * deepfm_torch.py wrote five small models with all combinations of parts that have a name, and, computed in f64 pair by pair,
 * their logits and the gradients of a loss.  Here all is f32: sums of some tens of products leave relative errors of up to 1e-6;
 * ten times that is allowed.
 */
#include <math.h>

#include "ingot/models.h"

#include "../check.h"

#define TOLERANCE 1e-5
#define PARAMS_MAX 16
#define B 5

static ig_context *ctx;
static ig_doc *reference;

static int set_up(void **state) {
    (void)state;
    if (ig_context_new(NULL, &ctx, NULL) != IG_OK) return -1;
    return ig_doc_load(DEEPFM_TORCH, 1 << 20, &reference, NULL) == IG_OK ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    ig_doc_free(reference);
    ig_context_free(ctx);
    return 0;
}

/* ---- the reference ---- */

static void fill(const ig_tree *list, const ig_tensor *t, const char *what) {
    int64_t i = 0;
    if (!list || (int64_t)list->count != ig_tensor_numel(t)) fail_msg("the reference's %s does not have %lld numbers", what, (long long)ig_tensor_numel(t));
    for (const ig_tree *at = list->child; at; at = at->next) ig_tensor_set(t, i++, at->type == IG_TREE_INT ? (double)at->integer : at->real);
}

static void check_close(const char *what, const ig_tensor *t, const ig_tree *list) {
    double norm = 0, off = 0;
    int64_t i = 0;
    if (!list || (int64_t)list->count != ig_tensor_numel(t)) fail_msg("%s has %lld numbers", what, (long long)ig_tensor_numel(t));
    for (const ig_tree *at = list->child; at; at = at->next, i++) {
        double want = at->type == IG_TREE_INT ? (double)at->integer : at->real, d = ig_tensor_get(t, i) - want;
        norm += want * want, off += d * d;
    }
    if (!(sqrt(off) <= TOLERANCE * sqrt(norm) + 1e-7)) fail_msg("%s: off by %g of %g", what, sqrt(off), sqrt(norm));
}

static ig_status new_model(const char *config, ig_model **out, ig_error *err) {
    return ig_model_new(ctx, "config.json", config, strlen(config), out, err);
}

/* The JSON of a subtree: configs are small and flat enough to be written out by hand. */
static void format_config(const ig_tree *c, ig_buf *out) {
    const ig_tree *parts = ig_tree_get(c, "parts");
    ig_buf_printf(out, "{\"model_type\":\"deepfm\",\"num_numbers\":%lld,\"embedding_size\":%lld", (long long)ig_tree_int(c, "num_numbers", 0),
                  (long long)ig_tree_int(c, "embedding_size", 0));
    for (int k = 0; k < 2; k++) {
        const char *key = k ? "hidden_sizes" : "field_sizes";
        ig_buf_printf(out, ",\"%s\":[", key);
        for (const ig_tree *at = ig_tree_get(c, key)->child; at; at = at->next) ig_buf_printf(out, "%lld%s", (long long)at->integer, at->next ? "," : "]");
    }
    ig_buf_puts(out, ",\"parts\":{");
    for (const ig_tree *at = parts->child; at; at = at->next)
        ig_buf_printf(out, "\"%s\":%s%s", at->key, ig_tree_bool(parts, at->key, false) ? "true" : "false", at->next ? "," : "}}");
}

static ig_model *model_of(const ig_tree *r) {
    ig_buf config = {.max = 4096};
    ig_model *m = NULL;
    ig_error err;
    format_config(ig_tree_get(r, "config"), &config);
    check_ok(new_model(config.data, &m, &err));
    assert_int_equal(m->params.count, ig_tree_get(r, "parameters")->count);
    for (size_t i = 0; i < m->params.count; i++)
        fill(ig_tree_get(ig_tree_get(r, "parameters"), m->params.item[i]->name), &m->params.item[i]->value, m->params.item[i]->name);
    ig_buf_fini(&config);
    return m;
}

static void compare(const ig_tree *r, ig_model *m, ig_graph *g, ig_var *y, ig_var *weights) {
    char what[128];
    ig_error err;
    ig_backward(g, ig_sum(g, ig_mul(g, y, weights), 0, false));
    check_ok(ig_graph_status(g, &err));
    check_close("logits", ig_value(y), ig_tree_get(r, "logits"));
    for (size_t i = 0; i < m->params.count; i++) {
        ig_var *d = ig_gradient(g, ig_param_var(g, m->params.item[i]));
        snprintf(what, sizeof what, "%s: gradient of %s", r->key, m->params.item[i]->name);
        if (!d) fail_msg("%s is missing", what);
        check_close(what, ig_value(ig_contiguous(g, d)), ig_tree_get(ig_tree_get(r, "gradients"), m->params.item[i]->name));
    }
}

static void logits_and_gradients_are_those_of_torch(void **state) {
    (void)state;
    for (const ig_tree *r = ig_doc_root(reference)->child; r; r = r->next) {
        ig_tensor numbers, indices, weights;
        ig_graph *g = NULL;
        ig_error err;
        ig_model *m = model_of(r);
        ig_row_shape s = m->family->row_shape(m);
        int64_t n[2] = {B, s.numbers}, f[2] = {B, s.indices};
        check_ok(ig_tensor_zeros(ctx, IG_DTYPE_F32, 2, n, &numbers, &err));
        check_ok(ig_tensor_zeros(ctx, IG_DTYPE_I64, 2, f, &indices, &err));
        check_ok(ig_tensor_zeros(ctx, IG_DTYPE_F32, 1, n, &weights, &err));
        fill(ig_tree_get(r, "numbers"), &numbers, "numbers");
        fill(ig_tree_get(r, "indices"), &indices, "indices");
        fill(ig_tree_get(r, "weights"), &weights, "weights");
        check_ok(ig_graph_new(ctx, IG_GRAPH_EAGER, &g, &err));
        ig_var *y = m->family->predict(m, &(ig_pass){.g = g}, ig_input(g, "numbers", &numbers), ig_input(g, "indices", &indices));
        compare(r, m, g, y, ig_input(g, "weights", &weights));
        ig_graph_free(g);
        ig_tensor_unref(&numbers);
        ig_tensor_unref(&indices);
        ig_tensor_unref(&weights);
        ig_model_free(m);
    }
}

/* ---- wrong descriptions ---- */

static void wrong_configs_are_refused_by_key(void **state) {
    static const struct { const char *config, *says; } bad[] = {
        {"{\"model_type\":\"deepfm\"}", "num_numbers"},
        {"{\"model_type\":\"deepfm\",\"num_numbers\":2,\"parts\":{\"linear\":false}}", "parts"},
        {"{\"model_type\":\"deepfm\",\"num_numbers\":2,\"parts\":{\"wide\":true}}", "wide"},
        {"{\"model_type\":\"deepfm\",\"num_numbers\":-1}", "num_numbers"},
        {"{\"model_type\":\"deepfm\",\"field_sizes\":[3,0]}", "field_sizes"},
        {"{\"model_type\":\"deepfm\",\"field_sizes\":[3,\"x\"]}", "field_sizes"},
        {"{\"model_type\":\"deepfm\",\"field_sizes\":[3],\"hidden_sizes\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]}", "hidden_sizes"},
        {"{\"model_type\":\"deepfm\",\"field_sizes\":[3],\"id2label\":{\"0\":\"a\",\"1\":\"b\",\"2\":\"c\"}}", "id2label"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ig_model *m = NULL;
        ig_error err = {0};
        ig_status status = new_model(bad[i].config, &m, &err);
        if (status != IG_E_FORMAT || !strstr(err.message, bad[i].says)) fail_msg("%s: %s", bad[i].config, err.message);
    }
}

static void rows_of_another_shape_poison_the_recording(void **state) {
    static const char config[] = "{\"model_type\":\"deepfm\",\"num_numbers\":2,\"field_sizes\":[3]}";
    int64_t size[2] = {B, 3};
    ig_tensor numbers;
    ig_graph *g = NULL;
    ig_model *m = NULL;
    ig_error err;
    (void)state;
    check_ok(new_model(config, &m, &err));
    check_ok(ig_tensor_zeros(ctx, IG_DTYPE_F32, 2, size, &numbers, &err));
    check_ok(ig_graph_new(ctx, IG_GRAPH_LAZY, &g, &err));
    m->family->predict(m, &(ig_pass){.g = g}, ig_input(g, "numbers", &numbers), NULL);
    check_fails(ig_graph_status(g, &err), IG_E_SHAPE);
    ig_graph_free(g);
    ig_tensor_unref(&numbers);
    ig_model_free(m);
}

/* ---- allocation ---- */

static void a_failed_allocation_is_told(void **state) {
    static const char config[] = "{\"model_type\":\"deepfm\",\"num_numbers\":2,\"field_sizes\":[3,4],\"hidden_sizes\":[5]}";
    (void)state;
    for (uint64_t n = 1; n < 2000; n++) {
        ig_model *m = NULL;
        ig_error err = {0};
        ig_alloc_fail_at(n);
        ig_status status = new_model(config, &m, &err);
        ig_alloc_fail_at(0);
        ig_model_free(m);
        if (status == IG_OK) return;
        assert_int_equal(status, IG_E_NOMEM);
    }
    fail_msg("no end of allocations");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logits_and_gradients_are_those_of_torch),
        cmocka_unit_test(wrong_configs_are_refused_by_key),
        cmocka_unit_test(rows_of_another_shape_poison_the_recording),
        cmocka_unit_test(a_failed_allocation_is_told),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
