/* tests/models/tiny.c: see tiny.h. */
#include "tiny.h"

#include <string.h>

#include "../check.h"

const char tiny_gpt2_json[] = "{\"model_type\": \"gpt2\", \"vocab_size\": 65, \"n_positions\": 32, \"n_embd\": 32, \"n_layer\": 2,"
                              " \"n_head\": 4, \"n_inner\": 48, \"initializer_range\": 0.2}";
const char tiny_gpt2_untied_json[] = "{\"model_type\": \"gpt2\", \"vocab_size\": 65, \"n_positions\": 32, \"n_embd\": 32, \"n_layer\": 2,"
                                     " \"n_head\": 2, \"initializer_range\": 0.2, \"tie_word_embeddings\": false}";
const char tiny_llama_json[] = "{\"model_type\": \"llama\", \"vocab_size\": 65, \"max_position_embeddings\": 32, \"hidden_size\": 32,"
                               " \"intermediate_size\": 40, \"num_hidden_layers\": 2, \"num_attention_heads\": 4,"
                               " \"num_key_value_heads\": 2, \"rope_theta\": 10000.0, \"rms_norm_eps\": 1e-5, \"initializer_range\": 0.2}";
#define TINY_LLAMA(type, rest)                                                                                         \
    "{\"model_type\": \"" type "\", \"vocab_size\": 65, \"max_position_embeddings\": 32, \"hidden_size\": 32,"              \
    " \"intermediate_size\": 40, \"num_hidden_layers\": 2, \"num_attention_heads\": 4, \"num_key_value_heads\": 2,"           \
    " \"rope_theta\": 500.0, \"rms_norm_eps\": 1e-6, \"initializer_range\": 0.2" rest "}"
const char tiny_mistral_json[] = TINY_LLAMA("mistral", ", \"sliding_window\": 32");
const char tiny_qwen2_json[] = TINY_LLAMA("qwen2", "");
const char tiny_qwen3_json[] = TINY_LLAMA("qwen3", ", \"head_dim\": 16");
const char tiny_llama31_json[] =
    TINY_LLAMA("llama", ", \"attention_bias\": true, \"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 8.0, \"low_freq_factor\": 1.0,"
                        " \"high_freq_factor\": 4.0, \"original_max_position_embeddings\": 64}");
const char tiny_linear_json[] = TINY_LLAMA("llama", ", \"rope_scaling\": {\"rope_type\": \"linear\", \"factor\": 2.5}");
const char tiny_llama_tied_json[] = "{\"model_type\": \"llama\", \"vocab_size\": 65, \"max_position_embeddings\": 32, \"hidden_size\": 24,"
                                    " \"intermediate_size\": 40, \"num_hidden_layers\": 2, \"num_attention_heads\": 3, \"head_dim\": 16,"
                                    " \"num_key_value_heads\": 1, \"rope_theta\": 500.0, \"rms_norm_eps\": 1e-6,"
                                    " \"initializer_range\": 0.2, \"tie_word_embeddings\": true}";

/* Ones and zeros would hide a norm's weight or a bias that is not used. */
static void disturb(ig_model *m, uint64_t seed) {
    ig_error err;
    for (size_t i = 0; i < m->params.count; i++) {
        const ig_param *p = m->params.item[i];
        if (p->value.ndim > 1) continue;
        double mean = strstr(p->name, ".bias") ? 0 : 1;
        check_ok(ig_init_tensor(m->ctx, &p->value, p->name, seed, IG_INIT_NORMAL, (ig_init_opts){.a = mean, .b = 0.1}, &err));
    }
}

ig_model *tiny_model(ig_context *ctx, const char *config_json, uint64_t seed) {
    ig_model *m = NULL;
    ig_error err;
    check_ok(ig_model_new(ctx, "config.json", config_json, strlen(config_json), &m, &err));
    check_ok(m->family->initialise(m, seed, &err));
    disturb(m, seed);
    return m;
}

void tiny_logits(ig_model *m, const int64_t *tokens, int64_t B, int64_t T, float *out) {
    ig_graph *g = NULL;
    ig_tensor t, dst;
    ig_error err;
    int64_t shape[3] = {B, T, m->family->vocab_size(m)};
    check_ok(ig_tensor_new(m->ctx, IG_DTYPE_I64, 2, shape, &t, &err));
    memcpy(t.data, tokens, sizeof *tokens * (size_t)(B * T));
    check_ok(ig_graph_new(m->ctx, IG_GRAPH_EAGER, &g, &err));
    ig_pass pass = {.g = g};
    ig_var *logits = m->family->logits(m, &pass, ig_input(g, "tokens", &t), NULL);
    check_ok(ig_graph_status(g, &err));
    check_ok(ig_tensor_wrap(&dst, out, IG_DTYPE_F32, 3, shape, &err));
    check_ok(ig_tensor_copy(m->ctx, &dst, ig_value(logits), &err));
    ig_graph_free(g);
    ig_tensor_unref(&t);
}

int32_t tiny_token(int64_t i) { return (int32_t)((i * i * 7 + i * 13 + 5) % TINY_V); }
