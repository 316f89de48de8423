/* models/export_gguf_keys.c: config.json, tokenizer and chat template as the metadata that llama.cpp reads. */
#include <math.h>
#include <string.h>

#include "models/export_gguf.h"

/* ---- pairs ---- */

static ig_gguf_pair *add(gguf_pairs *p, const char *arch, const char *part, ig_gguf_type type) {
    ig_gguf_pair *to = &p->pair[p->count];
    snprintf(p->key[p->count], sizeof p->key[p->count], "%s.%s", arch, part);
    *to = (ig_gguf_pair){.key = p->key[p->count], .type = type};
    p->count++;
    return to;
}

static void add_int(gguf_pairs *p, const char *arch, const char *part, int64_t v) { add(p, arch, part, IG_GGUF_U32)->integer = v; }
static void add_real(gguf_pairs *p, const char *arch, const char *part, double v) { add(p, arch, part, IG_GGUF_F32)->real = v; }
static void add_flag(gguf_pairs *p, const char *arch, const char *part, bool v) { add(p, arch, part, IG_GGUF_BOOL)->integer = v; }

static void add_text(gguf_pairs *p, const char *arch, const char *part, const char *s, size_t len) {
    add(p, arch, part, IG_GGUF_TEXT)->text = (ig_gguf_text){s, len};
}

/* ---- the network ---- */

static int64_t size_or(const ig_tree *t, const char *key, int64_t otherwise) {
    const ig_tree *v = ig_tree_get(t, key);
    return v && v->type == IG_TREE_INT ? v->integer : otherwise;
}

static ig_status must_be(const ig_model *m, const char *key, const char *const *known, ig_error *err) {
    const char *said = ig_tree_text(ig_doc_root(m->config), key, known[0]);
    for (; *known; known++)
        if (strcmp(*known, said) == 0) return IG_OK;
    return ig_model_refuse(m, key, err, "GGUF has no key for \"%.60s\"", said);
}

static const ig_tree *scaling_of(const ig_model *m) {
    const ig_tree *t = ig_tree_get(ig_doc_root(m->config), "rope_scaling");
    if (!t || t->type != IG_TREE_MAP) t = ig_tree_get(ig_doc_root(m->config), "rope_parameters");
    return t && t->type == IG_TREE_MAP ? t : NULL;
}

static const char *scaling_type(const ig_tree *scaling) {
    return ig_tree_text(scaling, "rope_type", ig_tree_text(scaling, "type", "default"));
}

/* The plain rules have keys; Llama 3.1's is a tensor of factors, from which readers take everything but this context. */
static ig_status add_scaling(gguf_pairs *p, const ig_model *m, const char *arch, ig_error *err) {
    const ig_tree *s = scaling_of(m);
    const char *type = scaling_type(s);
    if (strcmp(type, "linear") == 0) {
        add_text(p, arch, "rope.scaling.type", "linear", 6);
        add_real(p, arch, "rope.scaling.factor", ig_tree_real(s, "factor", 1));
    }
    if (strcmp(type, "llama3") != 0) return IG_OK;
    if (ig_tree_real(s, "low_freq_factor", 1) != 1 || ig_tree_real(s, "high_freq_factor", 4) != 4)
        return ig_model_refuse(m, "rope_scaling", err, "GGUF files only say the factors 1 and 4");
    add_int(p, arch, "rope.scaling.original_context_length", size_or(s, "original_max_position_embeddings", 8192));
    return IG_OK;
}

static int64_t head_size(const ig_tree *t) {
    int64_t heads = ig_tree_int(t, "num_attention_heads", 1);
    return size_or(t, "head_dim", ig_tree_int(t, "hidden_size", heads) / heads);
}

static double rope_theta(const ig_tree *t) {
    return ig_tree_real(t, "rope_theta", ig_tree_real(ig_tree_get(t, "rope_parameters"), "rope_theta", 10000));
}

static ig_status add_llama(gguf_pairs *p, const ig_model *m, const char *arch, ig_error *err) {
    static const char *const silu[] = {"silu", "swish", NULL};
    const ig_tree *t = ig_doc_root(m->config);
    int64_t heads = ig_tree_int(t, "num_attention_heads", 1);
    IG_TRY(must_be(m, "hidden_act", silu, err));
    add_int(p, arch, "embedding_length", ig_tree_int(t, "hidden_size", 0));
    add_int(p, arch, "feed_forward_length", ig_tree_int(t, "intermediate_size", 0));
    add_int(p, arch, "block_count", ig_tree_int(t, "num_hidden_layers", 0));
    add_int(p, arch, "attention.head_count", heads);
    add_int(p, arch, "attention.head_count_kv", size_or(t, "num_key_value_heads", heads));
    add_int(p, arch, "attention.key_length", head_size(t));
    add_int(p, arch, "attention.value_length", head_size(t));
    add_int(p, arch, "rope.dimension_count", head_size(t));
    add_real(p, arch, "attention.layer_norm_rms_epsilon", ig_tree_real(t, "rms_norm_eps", 1e-6));
    add_real(p, arch, "rope.freq_base", rope_theta(t));
    return add_scaling(p, m, arch, err);
}

static ig_status add_gpt2(gguf_pairs *p, const ig_model *m, const char *arch, ig_error *err) {
    static const char *const gelu[] = {"gelu_new", "gelu_pytorch_tanh", NULL};
    const ig_tree *t = ig_doc_root(m->config);
    IG_TRY(must_be(m, "activation_function", gelu, err));
    if (!ig_tree_bool(t, "bias", true)) return ig_model_refuse(m, "bias", err, "llama.cpp's gpt2 needs biases");
    add_int(p, arch, "embedding_length", ig_tree_int(t, "n_embd", 0));
    add_int(p, arch, "feed_forward_length", size_or(t, "n_inner", 4 * ig_tree_int(t, "n_embd", 0)));
    add_int(p, arch, "block_count", ig_tree_int(t, "n_layer", 0));
    add_int(p, arch, "attention.head_count", ig_tree_int(t, "n_head", 1));
    add_real(p, arch, "attention.layer_norm_epsilon", ig_tree_real(t, "layer_norm_epsilon", 1e-5));
    return IG_OK;
}

static ig_status add_bert(gguf_pairs *p, const ig_model *m, const char *arch, ig_error *err) {
    static const char *const gelu[] = {"gelu", NULL};
    const ig_tree *t = ig_doc_root(m->config);
    IG_TRY(must_be(m, "hidden_act", gelu, err));
    add_int(p, arch, "embedding_length", ig_tree_int(t, "hidden_size", 0));
    add_int(p, arch, "feed_forward_length", ig_tree_int(t, "intermediate_size", 0));
    add_int(p, arch, "block_count", ig_tree_int(t, "num_hidden_layers", 0));
    add_int(p, arch, "attention.head_count", ig_tree_int(t, "num_attention_heads", 1));
    add_real(p, arch, "attention.layer_norm_epsilon", ig_tree_real(t, "layer_norm_eps", 1e-12));
    add_flag(p, arch, "attention.causal", false);
    add_int(p, "tokenizer.ggml", "token_type_count", ig_tree_int(t, "type_vocab_size", 2));
    return IG_OK;
}

ig_status gguf_rope_factors(const ig_model *m, float **out, int64_t *count, ig_error *err) {
    const ig_tree *s = scaling_of(m), *t = ig_doc_root(m->config);
    *out = NULL;
    if (strcmp(scaling_type(s), "llama3") != 0) return IG_OK;
    double factor = ig_tree_real(s, "factor", 1), original = (double)size_or(s, "original_max_position_embeddings", 8192);
    *count = head_size(t) / 2;
    *out = ig_calloc((size_t)*count, sizeof **out);
    if (!*out) return ig_error_nomem(err, (size_t)*count * sizeof **out);
    for (int64_t i = 0; i < *count; i++) {
        double wavelength = 2 * M_PI * pow(rope_theta(t), (double)i / (double)*count), smooth = (original / wavelength - 1) / 3;
        double between = 1 / ((1 - smooth) / factor + smooth);
        (*out)[i] = (float)(wavelength < original / 4 ? 1 : wavelength > original ? factor : between);
    }
    return IG_OK;
}

/* ---- the tokenizer ---- */

static ig_gguf_text *texts(const char *const *s, const size_t *len, size_t n) {
    ig_gguf_text *t = ig_calloc(n + 1, sizeof *t);
    for (size_t i = 0; t && i < n; i++) t[i] = (ig_gguf_text){s[i], len ? len[i] : strlen(s[i])};
    return t;
}

static void add_array(gguf_pairs *p, const char *part, ig_gguf_type item, size_t count, const void *items) {
    ig_gguf_pair *to = add(p, "tokenizer.ggml", part, IG_GGUF_ARRAY);
    to->item = item;
    to->count = count;
    to->items = items;
}

static void add_id(gguf_pairs *p, const char *part, const ig_model *m, const char *key, int32_t otherwise) {
    int64_t id = size_or(ig_doc_root(m->config), key, otherwise);
    if (id >= 0) add_int(p, "tokenizer.ggml", part, id);
}

static void add_switch(gguf_pairs *p, const char *part, int value) {
    if (value >= 0) add_flag(p, "tokenizer.ggml", part, value != 0);
}

static ig_status add_tokenizer(gguf_pairs *p, const ig_model *m, ig_error *err) {
    const ig_vocab *v = &p->vocab.v;
    IG_TRY(ig_tokenizer_to_vocab(m->tokenizer, &p->vocab, err));
    p->texts = texts(v->text, v->text_len, v->count);
    p->merges = texts(v->merge, NULL, v->merges);
    if (!p->texts || !p->merges) return ig_error_nomem(err, v->count * sizeof *p->texts);
    add_text(p, "tokenizer.ggml", "model", v->model, strlen(v->model));
    if (v->pre) add_text(p, "tokenizer.ggml", "pre", v->pre, strlen(v->pre));
    add_array(p, "tokens", IG_GGUF_TEXT, v->count, p->texts);
    add_array(p, "token_type", IG_GGUF_I32, v->count, v->type);
    if (v->score) add_array(p, "scores", IG_GGUF_F32, v->count, v->score);
    if (v->merges) add_array(p, "merges", IG_GGUF_TEXT, v->merges, p->merges);
    add_id(p, "bos_token_id", m, "bos_token_id", v->bos);
    add_id(p, "eos_token_id", m, "eos_token_id", v->eos);
    add_id(p, "unknown_token_id", m, "unk_token_id", v->unk);
    add_id(p, "padding_token_id", m, "pad_token_id", v->pad);
    add_id(p, "cls_token_id", m, "cls_token_id", v->cls);
    add_id(p, "seperator_token_id", m, "sep_token_id", v->sep); /* GGUF's own spelling */
    add_id(p, "mask_token_id", m, "mask_token_id", v->mask);
    add_switch(p, "add_bos_token", v->add_bos);
    add_switch(p, "add_eos_token", v->add_eos);
    add_switch(p, "add_space_prefix", v->add_space_prefix);
    return IG_OK;
}

/* tokenizer_config.json's chat_template, or the file that newer folders have for it. */
static ig_status read_template(const ig_model *m, ig_buf *out, ig_error *err) {
    char path[IG_PATH_MAX];
    ig_doc *d = NULL;
    out->max = IG_TEMPLATE_BYTES_MAX;
    if (!m->path) return IG_OK;
    IG_TRY(ig_path_join(path, sizeof path, m->path, "chat_template.jinja", err));
    if (ig_path_exists(path)) return ig_file_read(path, IG_TEMPLATE_BYTES_MAX, out, err);
    IG_TRY(ig_path_join(path, sizeof path, m->path, "tokenizer_config.json", err));
    if (!ig_path_exists(path)) return IG_OK;
    IG_TRY(ig_doc_load(path, 16 * IG_RECIPE_BYTES_MAX, &d, err));
    const ig_tree *t = ig_tree_get(ig_doc_root(d), "chat_template");
    if (t && t->type == IG_TREE_TEXT) ig_buf_append(out, t->text, t->text_len);
    ig_doc_free(d);
    return ig_buf_status(out, err);
}

/* ---- together ---- */

static int64_t file_type(ig_block_type t) { /* llama.cpp's numbers for "mostly this" */
    static const int64_t numbers[IG_BLOCK_COUNT] = {[IG_BLOCK_F16] = 1,  [IG_BLOCK_BF16] = 32, [IG_BLOCK_Q8_0] = 7, [IG_BLOCK_Q4_0] = 2,
                                                    [IG_BLOCK_Q5_0] = 8, [IG_BLOCK_Q4_K] = 15, [IG_BLOCK_Q5_K] = 17, [IG_BLOCK_Q6_K] = 18};
    return numbers[t];
}

static ig_status add_all(gguf_pairs *p, const ig_model *m, const gguf_names *n, ig_block_type type, ig_error *err) {
    const char *name = m->path ? ig_path_base(m->path) : "model", *arch = n->arch;
    add_text(p, "general", "architecture", arch, strlen(arch));
    add_text(p, "general", "name", name, strlen(name));
    add_int(p, "general", "file_type", file_type(type));
    add_int(p, "general", "quantization_version", 2);
    add_int(p, "general", "alignment", 32);
    add_int(p, arch, "context_length", m->family->context_length(m));
    add_int(p, arch, "vocab_size", m->family->vocab_size(m));
    if (strcmp(arch, "gpt2") == 0) IG_TRY(add_gpt2(p, m, arch, err));
    else if (strcmp(arch, "bert") == 0) IG_TRY(add_bert(p, m, arch, err));
    else IG_TRY(add_llama(p, m, arch, err));
    if (!m->tokenizer) {
        add_text(p, "tokenizer.ggml", "model", "none", 4);
        return IG_OK;
    }
    IG_TRY(add_tokenizer(p, m, err));
    IG_TRY(read_template(m, &p->chat_template, err));
    if (p->chat_template.len) add_text(p, "tokenizer", "chat_template", p->chat_template.data, p->chat_template.len);
    return IG_OK;
}

ig_status gguf_pairs_make(const ig_model *m, const gguf_names *n, ig_block_type type, gguf_pairs *out, ig_error *err) {
    *out = (gguf_pairs){0};
    ig_status s = add_all(out, m, n, type, err);
    if (s != IG_OK) gguf_pairs_fini(out);
    return s;
}

void gguf_pairs_fini(gguf_pairs *p) {
    ig_vocab_copy_fini(&p->vocab);
    ig_free(p->texts);
    ig_free(p->merges);
    ig_buf_fini(&p->chat_template);
    p->texts = p->merges = NULL;
}
