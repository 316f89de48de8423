/* models/gguf_names.c: see gguf_names.h.   Names: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md */
#include "models/gguf_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef const char *const pair[2];

static pair llama_outer[] = {{"token_embd", "embed_tokens"}, {"output_norm", "norm"}, {"output", "lm_head"}, {NULL, NULL}};
static pair llama_inner[] = {
    {"attn_norm", "input_layernorm"}, {"attn_q", "self_attn.q_proj"}, {"attn_k", "self_attn.k_proj"},
    {"attn_v", "self_attn.v_proj"}, {"attn_output", "self_attn.o_proj"}, {"attn_q_norm", "self_attn.q_norm"},
    {"attn_k_norm", "self_attn.k_norm"}, {"ffn_norm", "post_attention_layernorm"}, {"ffn_gate", "mlp.gate_proj"},
    {"ffn_up", "mlp.up_proj"}, {"ffn_down", "mlp.down_proj"}, {NULL, NULL}};

static pair gpt2_outer[] = {{"token_embd", "wte"}, {"position_embd", "wpe"}, {"output_norm", "ln_f"}, {"output", "lm_head"},
                            {NULL, NULL}};
static pair gpt2_inner[] = {{"attn_norm", "ln_1"}, {"attn_qkv", "attn.c_attn"}, {"attn_output", "attn.c_proj"},
                            {"ffn_norm", "ln_2"}, {"ffn_up", "mlp.c_fc"}, {"ffn_down", "mlp.c_proj"}, {NULL, NULL}};

static pair bert_outer[] = {{"token_embd", "embeddings.word_embeddings"}, {"position_embd", "embeddings.position_embeddings"},
                            {"token_types", "embeddings.token_type_embeddings"}, {"token_embd_norm", "embeddings.LayerNorm"},
                            {NULL, NULL}};
static pair bert_inner[] = {
    {"attn_q", "attention.self.query"}, {"attn_k", "attention.self.key"}, {"attn_v", "attention.self.value"},
    {"attn_output", "attention.output.dense"}, {"attn_output_norm", "attention.output.LayerNorm"},
    {"ffn_up", "intermediate.dense"}, {"ffn_down", "output.dense"}, {"layer_output_norm", "output.LayerNorm"}, {NULL, NULL}};

static const gguf_names rows[] = {
    {"llama", "llama", true, "model.", "layers.", llama_outer, llama_inner},
    {"llama", "mistral", true, "model.", "layers.", llama_outer, llama_inner},
    {"mistral", "mistral", true, "model.", "layers.", llama_outer, llama_inner},
    {"qwen2", "qwen2", false, "model.", "layers.", llama_outer, llama_inner},
    {"qwen3", "qwen3", false, "model.", "layers.", llama_outer, llama_inner},
    {"gpt2", "gpt2", false, "transformer.", "h.", gpt2_outer, gpt2_inner},
    {"bert", "bert", false, "", "encoder.layer.", bert_outer, bert_inner},
};

const gguf_names *gguf_names_of_arch(const char *arch) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].arch, arch) == 0) return &rows[i];
    return NULL;
}

const gguf_names *gguf_names_of_model(const char *model_type) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].model_type, model_type) == 0) return &rows[i];
    return NULL;
}

/* The other word of a pair whose side `from` is followed by ".weight" or ".bias" in `name`; NULL when there is none. */
static const char *other_word(const char *const (*table)[2], int from, const char *name, const char **kind) {
    *kind = strrchr(name, '.');
    for (size_t i = 0; *kind && table[i][0]; i++) {
        size_t n = strlen(table[i][from]);
        if (n == (size_t)(*kind - name) && strncmp(name, table[i][from], n) == 0) return table[i][!from];
    }
    return NULL;
}

/* "blk.12.attn_q.weight": the number, and what follows it. */
static bool split_block(const char *name, const char *start, long *number, const char **rest) {
    size_t n = strlen(start);
    char *end;
    if (strncmp(name, start, n) != 0 || name[n] < '0' || name[n] > '9') return false;
    *number = strtol(name + n, &end, 10);
    *rest = end + 1;
    return *end == '.';
}

void gguf_name_to_hf(const gguf_names *n, const char *name, char *buf, size_t size) {
    const char *rest, *word, *kind;
    long block;
    snprintf(buf, size, "%s", name);
    if (split_block(name, "blk.", &block, &rest)) {
        word = other_word(n->inner, 0, rest, &kind);
        if (word) snprintf(buf, size, "%s%s%ld.%s%s", n->root, n->blocks, block, word, kind);
        return;
    }
    word = other_word(n->outer, 0, name, &kind);
    if (word) snprintf(buf, size, "%s%s%s", strcmp(word, "lm_head") == 0 ? "" : n->root, word, kind);
}

static const char *without(const char *name, const char *start) {
    size_t n = strlen(start);
    return strncmp(name, start, n) == 0 ? name + n : name;
}

bool gguf_name_from_hf(const gguf_names *n, const char *name, char *buf, size_t size) {
    const char *rest, *word, *kind;
    long block;
    name = without(without(without(name, "bert."), "roberta."), n->root);
    if (split_block(name, n->blocks, &block, &rest)) {
        word = other_word(n->inner, 1, rest, &kind);
        if (word) snprintf(buf, size, "blk.%ld.%s%s", block, word, kind);
        return word != NULL;
    }
    word = other_word(n->outer, 1, name, &kind);
    if (word) snprintf(buf, size, "%s%s", word, kind);
    return word != NULL;
}

char gguf_permuted(const gguf_names *n, const char *gguf_name) {
    const char *rest;
    long block;
    if (!n->pairs || !split_block(gguf_name, "blk.", &block, &rest)) return 0;
    if (strncmp(rest, "attn_q.", 7) == 0) return 'q';
    return strncmp(rest, "attn_k.", 7) == 0 ? 'k' : 0;
}

int64_t gguf_row(int64_t row, int64_t D) {
    int64_t at = row % D, half = D / 2;
    return row - at + 2 * (at % half) + at / half;
}
