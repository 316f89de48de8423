/* models/gpt/config.c: config.json of GPT-2 and of Llama and its descendants (Mistral, Qwen 2 and 3), with the keys that
 * Hugging Face gives them.
 *
 * The tables say what each key may be; what has to hold between keys is checked after them.  A setting that would change
 * the results and is not supported is refused by name: running a model as a slightly different one is worse than not
 * running it.  Everything else that other programs write there ("architectures", "torch_dtype" …) is kept and ignored.
 */
#include <string.h>

#include "models/fields.h"
#include "models/gpt/gpt.h"
#include "models/model.h"

static const ig_schema_field gpt2_schema[] = {
    {.key = "model_type", .type = IG_TREE_TEXT, .required = true, .choices = "gpt2"},
    SIZE("vocab_size", IG_VOCAB_MAX, true, "tokens of the vocabulary"),
    SIZE("n_positions", CONTEXT_MAX, true, "context length"),
    SIZE("n_ctx", CONTEXT_MAX, false, "the same, as old files write it"),
    SIZE("n_embd", CHANNELS_MAX, true, "channels"),
    SIZE("n_layer", LAYERS_MAX, true, "blocks"),
    SIZE("n_head", HEADS_MAX, true, "attention heads"),
    SIZE_OR_NULL("n_inner", INNER_MAX, "inner size of the network in a block", "4 · n_embd"),
    {.key = "activation_function", .type = IG_TREE_TEXT, .doc = "gelu_new, gelu or relu", .otherwise = "gelu_new"},
    RATE("embd_pdrop", "dropout of the embeddings"),
    RATE("resid_pdrop", "dropout of what attention and network add"),
    RATE("attn_pdrop", "dropout of attention probabilities; training needs 0"),
    REAL("layer_norm_epsilon", 0, 1, "added to the variance", "1e-5"),
    REAL("initializer_range", 0, 100, "deviation of new weights", "0.02"),
    FLAG("tie_word_embeddings", "the head is the token table", "true"),
    FLAG("bias", "biases in matrices and norms (Ingot's own key)", "true"),
    FLAG("scale_attn_weights", "must be true", "true"),
    FLAG("scale_attn_by_inverse_layer_idx", "must be false", "false"),
    FLAG("reorder_and_upcast_attn", "no difference in f32", "false"),
    FLAG("add_cross_attention", "must be false", "false"),
    TOKEN("bos_token_id", "token that starts a text"),
    TOKEN("eos_token_id", "token that ends a text"),
    {0},
};

static const ig_schema_field llama_schema[] = {
    {.key = "model_type", .type = IG_TREE_TEXT, .required = true, .choices = "llama|mistral|qwen2|qwen3"},
    SIZE("vocab_size", IG_VOCAB_MAX, true, "tokens of the vocabulary"),
    SIZE("max_position_embeddings", CONTEXT_MAX, true, "context length"),
    SIZE("hidden_size", CHANNELS_MAX, true, "channels"),
    SIZE("intermediate_size", INNER_MAX, true, "inner size of the network in a block"),
    SIZE("num_hidden_layers", LAYERS_MAX, true, "blocks"),
    SIZE("num_attention_heads", HEADS_MAX, true, "attention heads"),
    SIZE_OR_NULL("num_key_value_heads", HEADS_MAX, "heads of keys and values", "num_attention_heads"),
    SIZE_OR_NULL("head_dim", 4096, "size of a head", "hidden_size / num_attention_heads"),
    {.key = "hidden_act", .type = IG_TREE_TEXT, .doc = "silu, gelu, gelu_new or relu", .otherwise = "silu"},
    REAL("rms_norm_eps", 0, 1, "added to the mean square", "1e-6"),
    REAL("rope_theta", 1, 1e12, "base of the rotary positions", "10000"),
    {.key = "rope_scaling", .type = IG_TREE_MAP, .nullable = true, .doc = "longer contexts: rope_type default, linear or llama3"},
    {.key = "rope_parameters", .type = IG_TREE_MAP, .nullable = true, .doc = "rope_theta and rope_scaling as newer files write them"},
    SIZE_OR_NULL("sliding_window", CONTEXT_MAX, "positions that attention sees; Ingot stops there", "max_position_embeddings"),
    FLAG("use_sliding_window", "whether sliding_window applies (Qwen)", "false"),
    REAL("initializer_range", 0, 100, "deviation of new weights", "0.02"),
    FLAG("tie_word_embeddings", "the head is the token table", "false"),
    FLAG("attention_bias", "biases of q, k, v and o; Qwen 2 has those of q, k and v without saying so", "false"),
    FLAG("mlp_bias", "must be false", "false"),
    RATE("attention_dropout", "dropout of attention probabilities; training needs 0"),
    RATE("embd_pdrop", "dropout of the embeddings (Ingot's own key)"),
    RATE("resid_pdrop", "dropout of what attention and network add (Ingot's own key)"),
    TOKEN("bos_token_id", "token that starts a text"),
    TOKEN("eos_token_id", "token that ends a text"),
    {0},
};

const ig_schema_field *gpt_schema(const char *model_type) {
    return strcmp(model_type, "gpt2") == 0 ? gpt2_schema : llama_schema;
}

/* ---- pieces of both ---- */

static int64_t size_or(const ig_tree *t, const char *key, int64_t otherwise) {
    const ig_tree *v = ig_tree_get(t, key);
    return v && v->type == IG_TREE_INT ? v->integer : otherwise;
}

static ig_status read_activation(const ig_model *m, const char *key, const char *otherwise, gpt_activation *out, ig_error *err) {
    static const struct {
        const char *name;
        gpt_activation activation;
    } known[] = {{"gelu_new", GPT_GELU_TANH}, {"gelu_pytorch_tanh", GPT_GELU_TANH}, {"gelu", GPT_GELU}, {"relu", GPT_RELU},
                 {"silu", GPT_SILU}, {"swish", GPT_SILU}};
    const char *name = ig_tree_text(ig_doc_root(m->config), key, otherwise);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        *out = known[i].activation;
        if (strcmp(name, known[i].name) == 0) return IG_OK;
    }
    return ig_model_refuse(m, key, err, "the activation \"%.60s\" is not supported; gelu_new, gelu, relu and silu are", name);
}

/* A switch that only works one way. */
static ig_status only(const ig_model *m, const char *key, bool supported, ig_error *err) {
    bool said = ig_tree_bool(ig_doc_root(m->config), key, supported);
    if (said == supported) return IG_OK;
    return ig_model_refuse(m, key, err, "%s is not supported", said ? "true" : "false");
}

static ig_status divides(const ig_model *m, const char *what, const char *key, int64_t whole, int64_t part, ig_error *err) {
    if (whole % part == 0) return IG_OK;
    return ig_model_contradiction(m, key, err, "%s, which is %lld, is no multiple of it", what, (long long)whole);
}

/* ---- GPT-2 ---- */

static ig_status check_gpt2(const ig_model *m, const gpt_config *c, ig_error *err) {
    const ig_tree *t = ig_doc_root(m->config);
    IG_TRY(only(m, "scale_attn_weights", true, err));
    IG_TRY(only(m, "scale_attn_by_inverse_layer_idx", false, err));
    IG_TRY(only(m, "add_cross_attention", false, err));
    if (size_or(t, "n_ctx", c->context) != c->context)
        return ig_model_contradiction(m, "n_ctx", err, "differs from n_positions, which is %lld", (long long)c->context);
    return divides(m, "n_embd", "n_head", c->C, c->H, err);
}

static ig_status read_gpt2(const ig_model *m, gpt_config *c, ig_error *err) {
    const ig_tree *t = ig_doc_root(m->config);
    c->V = ig_tree_int(t, "vocab_size", 0);
    c->context = ig_tree_int(t, "n_positions", 0);
    c->C = ig_tree_int(t, "n_embd", 0);
    c->layers = (int)ig_tree_int(t, "n_layer", 0);
    c->H = c->G = ig_tree_int(t, "n_head", 1);
    c->D = c->C / c->H;
    c->F = size_or(t, "n_inner", 4 * c->C);
    c->norm_eps = ig_tree_real(t, "layer_norm_epsilon", 1e-5);
    c->tied = ig_tree_bool(t, "tie_word_embeddings", true);
    c->bias = ig_tree_bool(t, "bias", true);
    IG_TRY(read_activation(m, "activation_function", "gelu_new", &c->activation, err));
    return check_gpt2(m, c, err);
}

/* ---- Llama ---- */

static bool is_type(const ig_model *m, const char *type) {
    return strcmp(ig_tree_text(ig_doc_root(m->config), "model_type", ""), type) == 0;
}

/* "default" is the plain rotation; dynamic, yarn, longrope … change it in ways that are not supported. */
static ig_status read_rope(const ig_model *m, const char *key, ig_rope_scaling *out, ig_error *err) {
    const ig_tree *rope = ig_tree_get(ig_doc_root(m->config), key);
    const char *type = ig_tree_text(rope, "rope_type", ig_tree_text(rope, "type", "default"));
    if (!rope || rope->type == IG_TREE_NULL || strcmp(type, "default") == 0) return IG_OK;
    bool llama3 = strcmp(type, "llama3") == 0;
    if (!llama3 && strcmp(type, "linear") != 0)
        return ig_model_refuse(m, key, err, "scaled rotary positions \"%.60s\" are not supported; linear and llama3 are", type);
    out->factor = ig_tree_real(rope, "factor", 0);
    if (llama3) {
        out->low_frequency = ig_tree_real(rope, "low_freq_factor", 1);
        out->high_frequency = ig_tree_real(rope, "high_freq_factor", 4);
        out->original_context = size_or(rope, "original_max_position_embeddings", 8192);
    }
    bool sound = out->factor >= 1 && (!llama3 || (out->low_frequency > 0 && out->high_frequency > out->low_frequency && out->original_context > 0));
    return sound ? IG_OK : ig_model_contradiction(m, key, err, "its factors are out of range");
}

/* Attention that sees only the last `sliding_window` positions equals full attention as long as there are no more. */
static void stop_at_window(const ig_model *m, gpt_config *c) {
    const ig_tree *t = ig_doc_root(m->config);
    bool applies = is_type(m, "mistral") || ig_tree_bool(t, "use_sliding_window", false);
    int64_t window = size_or(t, "sliding_window", c->context);
    if (applies && window < c->context) c->context = window;
}

static ig_status check_llama(const ig_model *m, const gpt_config *c, ig_error *err) {
    IG_TRY(only(m, "mlp_bias", false, err));
    if (!(c->rope_theta >= 1 && c->rope_theta <= 1e12))
        return ig_model_contradiction(m, "rope_parameters", err, "rope_theta is out of range");
    IG_TRY(divides(m, "num_attention_heads", "num_key_value_heads", c->H, c->G, err));
    if (!size_or(ig_doc_root(m->config), "head_dim", 0))
        IG_TRY(divides(m, "hidden_size", "num_attention_heads", c->C, c->H, err));
    if (c->D % 2 == 0) return IG_OK;
    return ig_model_contradiction(m, "num_attention_heads", err, "heads of %lld channels; rotary positions need an even size",
                                  (long long)c->D);
}

static ig_status read_llama(const ig_model *m, gpt_config *c, ig_error *err) {
    const ig_tree *t = ig_doc_root(m->config);
    c->V = ig_tree_int(t, "vocab_size", 0);
    c->context = ig_tree_int(t, "max_position_embeddings", 0);
    c->C = ig_tree_int(t, "hidden_size", 0);
    c->F = ig_tree_int(t, "intermediate_size", 0);
    c->layers = (int)ig_tree_int(t, "num_hidden_layers", 0);
    c->H = ig_tree_int(t, "num_attention_heads", 1);
    c->G = size_or(t, "num_key_value_heads", c->H);
    c->D = size_or(t, "head_dim", c->C / c->H);
    c->norm_eps = ig_tree_real(t, "rms_norm_eps", 1e-6);
    c->rope_theta = ig_tree_real(t, "rope_theta", ig_tree_real(ig_tree_get(t, "rope_parameters"), "rope_theta", 10000));
    c->tied = ig_tree_bool(t, "tie_word_embeddings", false);
    c->out_bias = ig_tree_bool(t, "attention_bias", false);
    c->qkv_bias = c->out_bias || is_type(m, "qwen2");
    c->head_norm = is_type(m, "qwen3");
    stop_at_window(m, c);
    IG_TRY(read_rope(m, "rope_scaling", &c->rope_scaling, err));
    IG_TRY(read_rope(m, "rope_parameters", &c->rope_scaling, err));
    IG_TRY(read_activation(m, "hidden_act", "silu", &c->activation, err));
    return check_llama(m, c, err);
}

/* ---- both ---- */

static bool is_llama(const ig_model *m) { return !is_type(m, "gpt2"); }

ig_status gpt_read_config(const ig_model *m, gpt_config *c, ig_error *err) {
    *c = (gpt_config){.llama = is_llama(m), .init_deviation = ig_tree_real(ig_doc_root(m->config), "initializer_range", 0.02)};
    return c->llama ? read_llama(m, c, err) : read_gpt2(m, c, err);
}

void gpt_read_dropout(const ig_model *m, gpt_dropout *d) {
    const ig_tree *t = ig_doc_root(m->config);
    d->embedding = ig_tree_real(t, "embd_pdrop", 0);
    d->residual = ig_tree_real(t, "resid_pdrop", 0);
    d->attention = ig_tree_real(t, is_llama(m) ? "attention_dropout" : "attn_pdrop", 0);
}

static ig_status set_if_absent(ig_model *m, const char *key, const char *value, ig_error *err) {
    if (ig_tree_get(ig_doc_root(m->config), key)) return IG_OK;
    return ig_doc_set(m->config, key, value, err);
}

/* A rate that is not written is 0 here and 0.1 in Hugging Face's GPT-2: write it, so that both read the same. */
ig_status gpt_complete_config(ig_model *m, ig_error *err) {
    static const char *const rates[] = {"embd_pdrop", "resid_pdrop", "attn_pdrop"};
    if (is_type(m, "mistral")) return set_if_absent(m, "architectures", "[MistralForCausalLM]", err);
    if (is_type(m, "qwen2")) return set_if_absent(m, "architectures", "[Qwen2ForCausalLM]", err);
    if (is_type(m, "qwen3")) return set_if_absent(m, "architectures", "[Qwen3ForCausalLM]", err);
    if (is_llama(m)) return set_if_absent(m, "architectures", "[LlamaForCausalLM]", err);
    for (int i = 0; i < 3; i++) IG_TRY(set_if_absent(m, rates[i], "0.0", err));
    return set_if_absent(m, "architectures", "[GPT2LMHeadModel]", err);
}
