/* tests/models/test_model_pack.c: a packed model computes what the plain one does: to rounding for f32, as its rounded
 * weights do for the others; row by row the same bits; and it can be neither trained nor saved by mistake.
 */
#include <math.h>

#include "../check.h"
#include "ingot/infer.h"
#include "tiny.h"

#define T 20

static ig_context *ctx;

static int set_up(void **state) {
    (void)state;
    return ig_context_new(NULL, &ctx, NULL) != IG_OK;
}

static int tear_down(void **state) {
    (void)state;
    ig_context_free(ctx);
    return 0;
}

static const char *const configs[] = {tiny_gpt2_json, tiny_gpt2_untied_json, tiny_llama_json, tiny_llama_tied_json, tiny_qwen2_json, tiny_qwen3_json};
#define CONFIGS (sizeof configs / sizeof *configs)

static void logits_of(ig_model *m, float *out) {
    int64_t tokens[T];
    for (int i = 0; i < T; i++) tokens[i] = tiny_token(i);
    tiny_logits(m, tokens, 1, T, out);
}

static double distance(const float *a, const float *b) {
    double sum = 0, size = 0;
    for (int i = 0; i < T * TINY_V; i++) sum += (a[i] - b[i]) * (a[i] - b[i]), size += b[i] * b[i];
    return sqrt(sum / size);
}

/* f32: sums in another order.  f16 and bf16: half a unit in the last of 11 and 8 bits, over two layers. */
static void packed_models_compute_the_same(void **state) {
    static const struct { ig_block_type type; double most; } types[] = {{IG_BLOCK_F32, 1e-5}, {IG_BLOCK_F16, 2e-3}, {IG_BLOCK_BF16, 2e-2}};
    static float plain[T * TINY_V], packed[T * TINY_V];
    ig_error err;
    (void)state;
    for (size_t c = 0; c < CONFIGS; c++)
        for (size_t k = 0; k < sizeof types / sizeof *types; k++) {
            ig_model *m = tiny_model(ctx, configs[c], 7);
            logits_of(m, plain);
            check_ok(ig_model_pack(m, types[k].type, &err));
            logits_of(m, packed);
            double d = distance(packed, plain);
            if (!(d <= types[k].most)) fail_msg("config %zu, %s: %g", c, ig_block_name(types[k].type), d);
            assert_true(types[k].type == IG_BLOCK_F32 || d > 0);
            ig_model_free(m);
        }
}

/* Rows of 32, 40, 48 and 64 values: what is no multiple of 32 becomes f16. */
static void rows_that_do_not_fit_a_block_become_f16(void **state) {
    ig_error err;
    (void)state;
    ig_model *m = tiny_model(ctx, tiny_llama_json, 7);
    check_ok(ig_model_pack(m, IG_BLOCK_Q8_0, &err));
    assert_int_equal(ig_qweight_type(ig_params_find(&m->params, "model.layers.0.self_attn.q_proj.weight")->packed), IG_BLOCK_Q8_0);
    assert_int_equal(ig_qweight_type(ig_params_find(&m->params, "model.layers.0.mlp.down_proj.weight")->packed), IG_BLOCK_F16);
    assert_null(ig_params_find(&m->params, "model.norm.weight")->packed);
    ig_model_free(m);
}

static void a_packed_model_is_neither_saved_nor_trained(void **state) {
    ig_error err;
    ig_optim *o = NULL;
    ig_graph *g = NULL;
    (void)state;
    ig_model *m = tiny_model(ctx, tiny_gpt2_json, 7);
    ig_param *p = ig_params_find(&m->params, "transformer.h.0.ln_1.weight");
    assert_int_equal(ig_param_pack(ctx, p, IG_BLOCK_F32, NULL, &err), IG_E_ARG);
    check_ok(ig_model_pack(m, IG_BLOCK_COUNT, &err));
    assert_int_equal(ig_model_save(m, "/tmp/ingot-packed", NULL, &err), IG_E_STATE);
    assert_non_null(strstr(err.message, "packed"));
    assert_int_equal(ig_optim_new(ctx, &m->params, &(ig_optim_opts){.kind = IG_OPTIM_ADAMW}, &o, &err), IG_E_STATE);
    check_ok(ig_graph_new(ctx, IG_GRAPH_LAZY, &g, &err));
    ig_param_var(g, ig_params_find(&m->params, "transformer.wte.weight"));
    assert_int_not_equal(ig_graph_status(g, &err), IG_OK);
    ig_graph_free(g);
    ig_model_free(m);
}

static ig_status pack_once(uint64_t n, ig_error *err) {
    ig_model *m = tiny_model(ctx, tiny_gpt2_json, 7);
    ig_alloc_fail_at(n);
    ig_status s = ig_model_pack(m, IG_BLOCK_F16, err);
    ig_alloc_fail_at(0);
    ig_model_free(m);
    return s;
}

static void failed_allocations_are_statuses(void **state) {
    ig_error err;
    uint64_t n = 1;
    (void)state;
    for (; pack_once(n, &err) != IG_OK; n++) assert_int_equal(err.code, IG_E_NOMEM);
    assert_true(n > 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packed_models_compute_the_same),
        cmocka_unit_test(rows_that_do_not_fit_a_block_become_f16),
        cmocka_unit_test(a_packed_model_is_neither_saved_nor_trained),
        cmocka_unit_test(failed_allocations_are_statuses),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
