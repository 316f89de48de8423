/* models/import/import_gguf_config.c: the metadata of a GGUF file as the text of a config.json.
 *
 * Sizes that tensors tell are taken from the tensors, everything else from the keys of the architecture.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "models/gguf_names.h"
#include "models/import/import.h"

typedef struct writing {
    const ig_gguf *g;
    const char *source;
    const gguf_names *n;
    ig_json j;
} writing;

typedef struct row {
    const char *gguf, *hf;
    bool real, needed;
} row;

static const row llama_rows[] = {
    {"context_length", "max_position_embeddings", false, true},
    {"embedding_length", "hidden_size", false, true},
    {"feed_forward_length", "intermediate_size", false, true},
    {"block_count", "num_hidden_layers", false, true},
    {"attention.head_count", "num_attention_heads", false, true},
    {"attention.head_count_kv", "num_key_value_heads", false, false},
    {"attention.key_length", "head_dim", false, false},
    {"attention.layer_norm_rms_epsilon", "rms_norm_eps", true, true},
    {"rope.freq_base", "rope_theta", true, false},
    {"attention.sliding_window", "sliding_window", false, false},
    {NULL, NULL, false, false}};
static const row gpt2_rows[] = {
    {"context_length", "n_positions", false, true},  {"embedding_length", "n_embd", false, true},
    {"feed_forward_length", "n_inner", false, true}, {"block_count", "n_layer", false, true},
    {"attention.head_count", "n_head", false, true}, {"attention.layer_norm_epsilon", "layer_norm_epsilon", true, true},
    {NULL, NULL, false, false}};
static const row bert_rows[] = {
    {"context_length", "max_position_embeddings", false, true},
    {"embedding_length", "hidden_size", false, true},
    {"feed_forward_length", "intermediate_size", false, true},
    {"block_count", "num_hidden_layers", false, true},
    {"attention.head_count", "num_attention_heads", false, true},
    {"attention.layer_norm_epsilon", "layer_norm_eps", true, true},
    {NULL, NULL, false, false}};

static const char *key_of(const writing *w, const char *part, char key[128]) {
    snprintf(key, 128, "%s.%s", w->n->arch, part);
    return key;
}

/* A number that was rounded to f32 on the way: the shortest one that rounds to it, "1e-05" and not 9.99999975e-06. */
static double shortest(double v) {
    char text[40];
    for (int digits = 1; digits <= 9; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, v);
        if ((float)strtod(text, NULL) == (float)v) return strtod(text, NULL);
    }
    return v;
}

static ig_status write_row(writing *w, const row *r, ig_error *err) {
    char key[128];
    ig_gguf_value v;
    int64_t size;
    double real;
    if (!ig_gguf_get(w->g, key_of(w, r->gguf, key), &v) && !r->needed) return IG_OK;
    if (r->real) IG_TRY(ig_gguf_get_real(w->g, key, &real, err));
    else IG_TRY(ig_gguf_get_int(w->g, key, 0, INT32_MAX, &size, err));
    ig_json_key(&w->j, r->hf);
    if (r->real) ig_json_real(&w->j, shortest(real));
    else ig_json_int(&w->j, size);
    return IG_OK;
}

static ig_status write_rows(writing *w, ig_error *err) {
    const row *rows = strcmp(w->n->arch, "gpt2") == 0 ? gpt2_rows : strcmp(w->n->arch, "bert") == 0 ? bert_rows : llama_rows;
    for (; rows->gguf; rows++) IG_TRY(write_row(w, rows, err));
    return IG_OK;
}

/* Rows of a table; 0 when it is not there. */
static int64_t rows_of(const ig_gguf *g, const char *name) {
    int64_t i = ig_gguf_find(g, name);
    const ig_gguf_tensor *t = i < 0 ? NULL : ig_gguf_describe(g, (size_t)i);
    return t && t->ndim ? t->shape[0] : 0;
}

static void write_text(writing *w, const char *key, const char *text) {
    ig_json_key(&w->j, key);
    ig_json_text(&w->j, text);
}

static void write_flag(writing *w, const char *key, bool value) {
    ig_json_key(&w->j, key);
    ig_json_bool(&w->j, value);
}

static void write_token(writing *w, const char *gguf, const char *hf) {
    int64_t id;
    if (ig_gguf_get_int(w->g, gguf, 0, INT32_MAX, &id, NULL) != IG_OK) return;
    ig_json_key(&w->j, hf);
    ig_json_int(&w->j, id);
}

/* ---- rotary positions ---- */

/* Llama 3.1's factors of the frequencies, as the file that defines them computes them. */
static double llama3_factor(double frequency, double factor, double original) {
    const double low = 1, high = 4;
    double wavelength = 2 * M_PI / frequency, smooth = (original / wavelength - low) / (high - low);
    if (wavelength < original / high) return 1;
    return wavelength > original / low ? factor : 1 / ((1 - smooth) / factor + smooth);
}

typedef struct factors {
    const float *at;
    int64_t count;
    double theta, factor, original;
} factors;

static bool agree(const factors *f) {
    for (int64_t i = 0; i < f->count; i++) {
        double want = llama3_factor(pow(f->theta, -(double)i / (double)f->count), f->factor, f->original);
        if (!(fabs(f->at[i] - want) <= 1e-4 * want)) return false;
    }
    return true;
}

static ig_status open_factors(writing *w, factors *f, ig_error *err) {
    char key[128];
    ig_gguf_value v;
    const ig_gguf_tensor *t = ig_gguf_describe(w->g, (size_t)ig_gguf_find(w->g, "rope_freqs.weight"));
    *f = (factors){.at = t->data, .count = t->ndim == 1 ? t->shape[0] : 0, .theta = 10000, .original = 8192};
    if (t->type != 0 || f->count < 1)
        return ig_error_at(err, IG_E_FORMAT, w->source, 0, "rope_freqs.weight must be a list of f32 numbers");
    if (ig_gguf_get(w->g, key_of(w, "rope.freq_base", key), &v)) IG_TRY(ig_gguf_get_real(w->g, key, &f->theta, err));
    if (ig_gguf_get(w->g, key_of(w, "rope.scaling.original_context_length", key), &v))
        IG_TRY(ig_gguf_get_real(w->g, key, &f->original, err));
    for (int64_t i = 0; i < f->count; i++) f->factor = f->at[i] > f->factor ? f->at[i] : f->factor;
    return IG_OK;
}

/* The file has the factors and not the settings that they come from: those of Llama 3.1 must give the same factors. */
static ig_status write_llama3(writing *w, ig_error *err) {
    factors f;
    IG_TRY(open_factors(w, &f, err));
    if (!agree(&f))
        return ig_error_at(err, IG_E_UNSUPPORTED, w->source, 0, "rope_freqs.weight does not follow the rule of Llama 3.1 (factor %g, original "
                           "context %g); only that rule is supported", f.factor, f.original);
    ig_json_key(&w->j, "rope_scaling");
    ig_json_open(&w->j, '{');
    write_text(w, "rope_type", "llama3");
    ig_json_key(&w->j, "factor"), ig_json_real(&w->j, f.factor);
    ig_json_key(&w->j, "low_freq_factor"), ig_json_real(&w->j, 1);
    ig_json_key(&w->j, "high_freq_factor"), ig_json_real(&w->j, 4);
    ig_json_key(&w->j, "original_max_position_embeddings"), ig_json_int(&w->j, (int64_t)f.original);
    ig_json_close(&w->j, '}');
    return IG_OK;
}

static ig_status write_scaling(writing *w, ig_error *err) {
    char key[128], text[32] = "linear";
    ig_gguf_text type = {0};
    double factor = 0;
    if (ig_gguf_find(w->g, "rope_freqs.weight") >= 0) return write_llama3(w, err);
    if (ig_gguf_get_text(w->g, key_of(w, "rope.scaling.type", key), &type, NULL) == IG_OK)
        snprintf(text, sizeof text, "%.*s", (int)(type.len < 30 ? type.len : 30), type.at);
    ig_gguf_get_real(w->g, key_of(w, "rope.scaling.factor", key), &factor, NULL);
    if (strcmp(text, "none") == 0 || (strcmp(text, "linear") == 0 && (factor == 0 || factor == 1))) return IG_OK;
    ig_json_key(&w->j, "rope_scaling"); /* what is not supported is refused by the family, by its name */
    ig_json_open(&w->j, '{');
    write_text(w, "rope_type", text);
    ig_json_key(&w->j, "factor"), ig_json_real(&w->j, shortest(factor));
    ig_json_close(&w->j, '}');
    return IG_OK;
}

/* ---- together ---- */

/* What would change the results and has no key in config.json here. */
static ig_status refuse(const writing *w, ig_error *err) {
    static const char *const parts[] = {"expert_count", "attention.causal_window", "attention.max_alibi_bias", "logit_scale"};
    char key[128];
    double value = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (ig_gguf_get_real(w->g, key_of(w, parts[i], key), &value, NULL) == IG_OK && value != 0)
            return ig_error_at(err, IG_E_UNSUPPORTED, w->source, 0, "%s is %g, which is not supported", key, value);
    return IG_OK;
}

static void write_architecture(writing *w) {
    static const char *const names[][2] = {{"llama", "LlamaForCausalLM"}, {"mistral", "MistralForCausalLM"}, {"qwen2", "Qwen2ForCausalLM"},
                                           {"qwen3", "Qwen3ForCausalLM"}, {"gpt2", "GPT2LMHeadModel"}, {"bert", "BertModel"}};
    write_text(w, "model_type", w->n->model_type);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i][0], w->n->model_type) != 0) continue;
        ig_json_key(&w->j, "architectures");
        ig_json_open(&w->j, '[');
        ig_json_text(&w->j, names[i][1]);
        ig_json_close(&w->j, ']');
    }
}

static ig_status write_all(writing *w, bool tied, ig_error *err) {
    bool bert = strcmp(w->n->arch, "bert") == 0, llama = strcmp(w->n->arch, "gpt2") != 0 && !bert;
    write_architecture(w);
    ig_json_key(&w->j, "vocab_size");
    ig_json_int(&w->j, rows_of(w->g, "token_embd.weight"));
    IG_TRY(write_rows(w, err));
    if (!bert) write_flag(w, "tie_word_embeddings", tied);
    if (bert) ig_json_key(&w->j, "type_vocab_size"), ig_json_int(&w->j, rows_of(w->g, "token_types.weight"));
    if (llama && strcmp(w->n->model_type, "qwen2") != 0) write_flag(w, "attention_bias", ig_gguf_find(w->g, "blk.0.attn_output.bias") >= 0);
    if (llama) IG_TRY(write_scaling(w, err));
    write_token(w, "tokenizer.ggml.bos_token_id", "bos_token_id");
    write_token(w, "tokenizer.ggml.eos_token_id", "eos_token_id");
    return refuse(w, err);
}

ig_status import_gguf_config(const ig_gguf *g, const char *source, const gguf_names *n, bool tied, ig_buf *json, ig_error *err) {
    writing w = {.g = g, .source = source, .n = n, .j = {.out = json}};
    ig_json_open(&w.j, '{');
    IG_TRY(write_all(&w, tied, err));
    ig_json_close(&w.j, '}');
    return ig_buf_status(json, err);
}
