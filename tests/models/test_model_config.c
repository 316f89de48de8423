/* tests/models/test_model_config.c: what a config.json may say, and what is refused, with its reason. */
#include <math.h>

#include "tiny.h"

#include "../check.h"

static ig_context *ctx;

static int set_up(void **state) {
    (void)state;
    return ig_context_new(NULL, &ctx, NULL) == IG_OK ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    ig_context_free(ctx);
    return 0;
}

/* ---- damaged ones ---- */

typedef struct damaged {
    const char *json, *says; /* a part of the message */
    ig_status status;
    int line;
} damaged;

#define GPT2 "\"model_type\":\"gpt2\",\"vocab_size\":65,\"n_positions\":16,\"n_embd\":32,\"n_layer\":2,\"n_head\":4"
#define LLAMA                                                                                                          \
    "\"model_type\":\"llama\",\"vocab_size\":65,\"max_position_embeddings\":16,\"hidden_size\":32,\"intermediate_size\":40,"    \
    "\"num_hidden_layers\":2,\"num_attention_heads\":4"

static const damaged cases[] = {
    {"", "", IG_E_FORMAT, 0},
    {"[]", "map", IG_E_FORMAT, 1},
    {"{\"vocab_size\":65}", "model_type", IG_E_FORMAT, 1},
    {"{\"model_type\":7}", "expected", IG_E_FORMAT, 1},
    {"{\n\"model_type\":\"gpt3\"}", "known are gpt2, llama, mistral, qwen2, qwen3, bert, roberta, xlm-roberta", IG_E_UNSUPPORTED, 2},
    {"{\"model_type\":\"gpt2\"}", "\"vocab_size\" is missing", IG_E_FORMAT, 1},
    {"{" GPT2 ",\n\"n_embd\":32}", "", IG_E_FORMAT, 2},                                                /* twice */
    {"{" GPT2 ",\n\"n_ctx\":8}", "n_ctx: differs from n_positions", IG_E_FORMAT, 2},
    {"{" GPT2 ",\n\"n_inner\":0}", "between 1 and", IG_E_FORMAT, 2},
    {"{" GPT2 ",\n\"n_inner\":\"many\"}", "found text \"many\"", IG_E_FORMAT, 2},
    {"{" GPT2 ",\n\"activation_function\":\"mish\"}", "activation \"mish\"", IG_E_UNSUPPORTED, 2},
    {"{" GPT2 ",\n\"resid_pdrop\":1.0}", "resid_pdrop", IG_E_FORMAT, 2},
    {"{" GPT2 ",\n\"embd_pdrop\":-0.1}", "embd_pdrop", IG_E_FORMAT, 2},
    {"{" GPT2 ",\n\"layer_norm_epsilon\":\"1e-5\"}", "layer_norm_epsilon", IG_E_FORMAT, 2},
    {"{" GPT2 ",\n\"scale_attn_weights\":false}", "scale_attn_weights: false is not supported", IG_E_UNSUPPORTED, 2},
    {"{" GPT2 ",\n\"scale_attn_by_inverse_layer_idx\":true}", "not supported", IG_E_UNSUPPORTED, 2},
    {"{" GPT2 ",\n\"add_cross_attention\":true}", "not supported", IG_E_UNSUPPORTED, 2},
    {"{" GPT2 ",\n\"tie_word_embeddings\":1}", "tie_word_embeddings", IG_E_FORMAT, 2},
    {"{\"model_type\":\"gpt2\",\"vocab_size\":65,\"n_positions\":16,\"n_embd\":32,\"n_layer\":2,\n\"n_head\":5}",
     "n_head: n_embd, which is 32, is no multiple", IG_E_FORMAT, 2},
    {"{\"model_type\":\"gpt2\",\n\"vocab_size\":99999999,\"n_positions\":16,\"n_embd\":32,\"n_layer\":2,\"n_head\":4}",
     "vocab_size", IG_E_FORMAT, 2},
    {"{\"model_type\":\"gpt2\",\"vocab_size\":2000000,\"n_positions\":16,\"n_embd\":65536,\"n_layer\":2,\"n_head\":4}",
     "wte.weight [2000000,65536] needs", IG_E_LIMIT, 0},
    {"{" LLAMA ",\n\"num_key_value_heads\":3}", "num_attention_heads, which is 4", IG_E_FORMAT, 2},
    {"{" LLAMA ",\n\"head_dim\":7}", "even size", IG_E_FORMAT, 1},
    {"{" LLAMA ",\n\"mlp_bias\":true}", "mlp_bias", IG_E_UNSUPPORTED, 2},
    {"{" LLAMA ",\n\"hidden_act\":\"relu2\"}", "relu2", IG_E_UNSUPPORTED, 2},
    {"{" LLAMA ",\n\"rope_scaling\":{\"type\":\"dynamic\",\"factor\":2.0}}", "scaled rotary positions \"dynamic\"", IG_E_UNSUPPORTED, 2},
    {"{" LLAMA ",\n\"rope_scaling\":{\"type\":\"linear\"}}", "its factors are out of range", IG_E_FORMAT, 2},
    {"{" LLAMA ",\n\"rope_parameters\":{\"rope_type\":\"llama3\",\"factor\":8,\"low_freq_factor\":4,\"high_freq_factor\":4}}",
     "its factors are out of range", IG_E_FORMAT, 2},
    {"{" LLAMA ",\n\"rope_theta\":0}", "rope_theta", IG_E_FORMAT, 2},
    {"{" LLAMA ",\n\"rope_parameters\":{\"rope_theta\":-1}}", "rope_theta is out of range", IG_E_FORMAT, 2},
};

static void damaged_configs_are_refused_with_line_and_reason(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const damaged *c = &cases[i];
        ig_model *m = (ig_model *)ctx;
        ig_error err = {0};
        ig_status status = ig_model_new(ctx, "config.json", c->json, strlen(c->json), &m, &err);
        bool line_fits = c->line == 0 || err.line == c->line;
        if (status != c->status || !strstr(err.message, c->says) || !line_fits || m)
            fail_msg("case %zu: %s, line %d: %s", i, ig_status_name(status), err.line, err.message);
    }
}

/* ---- good ones ---- */

static ig_model *made(const char *json) {
    ig_model *m = NULL;
    ig_error err;
    check_ok(ig_model_new(ctx, "config.json", json, strlen(json), &m, &err));
    return m;
}

static void keys_of_other_programs_are_kept(void **state) {
    (void)state;
    ig_model *m = made("{" GPT2 ",\"task_specific_params\":{\"a\":[1]},\"transformers_version\":\"4.40\",\"n_inner\":null}");
    assert_non_null(ig_tree_path(ig_doc_root(m->config), "task_specific_params.a"));
    assert_int_equal(ig_params_find(&m->params, "transformer.h.1.mlp.c_fc.weight")->value.shape[1], 128);
    ig_model_free(m);
}

static void what_readers_elsewhere_would_assume_is_written(void **state) {
    (void)state;
    ig_model *m = made("{" GPT2 "}");
    const ig_tree *t = ig_doc_root(m->config);
    assert_true(ig_tree_real(t, "attn_pdrop", 1) == 0 && ig_tree_real(t, "resid_pdrop", 1) == 0);
    assert_string_equal(ig_tree_get(t, "architectures")->child->text, "GPT2LMHeadModel");
    ig_model_free(m);
}

static void rotary_settings_may_be_null_or_default(void **state) {
    (void)state;
    ig_model_free(made("{" LLAMA ",\"rope_scaling\":null,\"head_dim\":null,\"num_key_value_heads\":null}"));
    ig_model_free(made("{" LLAMA ",\"rope_scaling\":{\"rope_type\":\"default\"}}"));
    ig_model_free(made("{" LLAMA ",\"rope_parameters\":{\"rope_type\":\"default\",\"rope_theta\":5e5}}"));
}

static void a_model_without_biases_has_none(void **state) {
    (void)state;
    ig_model *m = made("{" GPT2 ",\"bias\":false}");
    for (size_t i = 0; i < m->params.count; i++) assert_null(strstr(m->params.item[i]->name, "bias"));
    assert_int_equal(m->params.count, 2 + 2 * 6 + 1);
    ig_model_free(m);
}

/* GPT-2 124M has 124,439,808 parameters (OpenAI's count); its shapes are those of this config. */
static void gpt2_small_has_its_published_size(void **state) {
    (void)state;
    ig_model *m = made("{\"model_type\":\"gpt2\",\"vocab_size\":50257,\"n_positions\":1024,\"n_embd\":768,\"n_layer\":12,\"n_head\":12}");
    assert_int_equal(ig_params_numel(&m->params), 124439808);
    assert_int_equal(m->family->context_length(m), 1024);
    assert_int_equal(m->family->vocab_size(m), 50257);
    ig_model_free(m);
}

static void decay_is_for_matrices_only(void **state) {
    (void)state;
    ig_model *m = made("{" GPT2 "}");
    for (size_t i = 0; i < m->params.count; i++) assert_int_equal(m->params.item[i]->decay, m->params.item[i]->value.ndim == 2);
    ig_model_free(m);
}

static double deviation(const ig_tensor *t) {
    double sum = 0;
    for (int64_t i = 0; i < ig_tensor_numel(t); i++) sum += ig_tensor_get(t, i) * ig_tensor_get(t, i);
    return sqrt(sum / (double)ig_tensor_numel(t));
}

/* 4,096 numbers: the deviation is within 5 %, more than four of its own deviations. */
static void new_weights_have_the_deviations_of_the_paper(void **state) {
    (void)state;
    ig_error err;
    ig_model *m = made("{\"model_type\":\"gpt2\",\"vocab_size\":64,\"n_positions\":64,\"n_embd\":64,\"n_layer\":8,\"n_head\":4}");
    check_ok(m->family->initialise(m, 1, &err));
    assert_true(fabs(deviation(&ig_params_find(&m->params, "transformer.wte.weight")->value) / 0.02 - 1) < 0.05);
    assert_true(fabs(deviation(&ig_params_find(&m->params, "transformer.h.3.attn.c_proj.weight")->value) / 0.005 - 1) < 0.05);
    assert_true(deviation(&ig_params_find(&m->params, "transformer.h.0.ln_1.weight")->value) == 1);
    assert_true(deviation(&ig_params_find(&m->params, "transformer.h.0.mlp.c_fc.bias")->value) == 0);
    ig_model_free(m);
}

/* ---- passes that are refused ---- */

static ig_status record(ig_model *m, bool training, int64_t T, ig_error *said) {
    ig_graph *g = NULL;
    ig_tensor tokens;
    ig_error err;
    int64_t shape[2] = {1, T};
    check_ok(ig_tensor_zeros(ctx, IG_DTYPE_I64, 2, shape, &tokens, &err));
    check_ok(ig_graph_new(ctx, IG_GRAPH_LAZY, &g, &err));
    ig_pass pass = {.g = g, .training = training};
    m->family->logits(m, &pass, ig_input(g, "tokens", &tokens), NULL);
    ig_status status = ig_graph_status(g, said);
    ig_graph_free(g);
    ig_tensor_unref(&tokens);
    return status;
}

static void attention_dropout_is_refused_in_training_only(void **state) {
    (void)state;
    ig_error err = {0};
    ig_model *m = made("{" GPT2 ",\"attn_pdrop\":0.1}");
    check_ok(record(m, false, 8, &err));
    check_fails(record(m, true, 8, &err), IG_E_UNSUPPORTED);
    assert_non_null(strstr(err.message, "attn_pdrop is 0.1"));
    check_ok(ig_model_set(m, "attn_pdrop", "0", &err));
    check_ok(record(m, true, 8, &err));
    check_fails(ig_model_set(m, "attn_pdrop", "2", &err), IG_E_FORMAT);
    ig_model_free(m);
}

static void more_positions_than_the_model_knows_are_refused(void **state) {
    (void)state;
    ig_error err = {0};
    const char *json[] = {"{" GPT2 "}", "{" LLAMA "}"};
    for (int i = 0; i < 2; i++) {
        ig_model *m = made(json[i]);
        check_ok(record(m, false, 16, &err));
        check_fails(record(m, false, 17, &err), IG_E_LIMIT);
        ig_model_free(m);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_configs_are_refused_with_line_and_reason),
        cmocka_unit_test(keys_of_other_programs_are_kept),
        cmocka_unit_test(what_readers_elsewhere_would_assume_is_written),
        cmocka_unit_test(rotary_settings_may_be_null_or_default),
        cmocka_unit_test(a_model_without_biases_has_none),
        cmocka_unit_test(gpt2_small_has_its_published_size),
        cmocka_unit_test(decay_is_for_matrices_only),
        cmocka_unit_test(new_weights_have_the_deviations_of_the_paper),
        cmocka_unit_test(attention_dropout_is_refused_in_training_only),
        cmocka_unit_test(more_positions_than_the_model_knows_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
