/* models/gpt/gpt.h: the decoder-only transformer (Radford et al. 2019; Touvron et al. 2023), for the files of this folder.
 *
 * Two members of one family.  What differs between them is data here, so that forward.c reads like one network:
 *
 *                     GPT-2                                  Llama
 *     positions       learned table, added to the tokens     rotary, turning q and k in every layer
 *     norm            layer norm, weight and bias            RMS norm, weight only
 *     attention       q, k, v in one product                 three products; G <= H key/value heads
 *     network         down(gelu(up(x)))                      down(silu(gate(x)) · up(x))
 *     matrices        [in,out]                               [out,in]
 *
 * Mistral is a Llama; Qwen 2 has biases at q, k and v, Qwen 3 norms at the heads of q and k instead.
 *
 * Shape letters: B batch, T time, C channels, H heads, G key/value heads, D head size, F inner size, V vocabulary.
 */
#ifndef INGOT_MODELS_GPT_H
#define INGOT_MODELS_GPT_H

#include "ingot/models.h"

typedef enum gpt_activation { GPT_GELU_TANH, GPT_GELU, GPT_RELU, GPT_SILU } gpt_activation;

typedef struct gpt_config {
    bool llama;
    int layers;
    int64_t V, C, H, G, D, F;
    int64_t context;       /* positions that the model knows */
    gpt_activation activation;
    double norm_eps, rope_theta;
    ig_rope_scaling rope_scaling;
    double init_deviation; /* of the weights of a new model */
    bool tied;             /* the head is the token table */
    bool bias;             /* GPT-2's matrices and norms have biases */
    bool qkv_bias, out_bias; /* so have these of some Llamas */
    bool head_norm;        /* Qwen 3: RMS norm of every head of q and k before they turn */
} gpt_config;

typedef struct gpt_dropout {
    double embedding, residual;
    double attention;      /* of attention probabilities: known, refused in training */
} gpt_dropout;

typedef struct gpt_linear {
    const ig_param *w, *b; /* b NULL: no bias */
} gpt_linear;

typedef struct gpt_block {
    gpt_linear norm1, norm2;   /* [C] */
    gpt_linear qkv;            /* GPT-2: [C,3C] */
    gpt_linear q, k, v;        /* Llama: [H·D,C], [G·D,C], [G·D,C] */
    const ig_param *q_norm, *k_norm; /* [D]; NULL: none */
    gpt_linear out;            /* [H·D,C], or [C,H·D] in Llama */
    gpt_linear up, gate, down; /* [C,F], –, [F,C]; or [F,C], [F,C], [C,F] in Llama */
} gpt_block;

typedef struct gpt {
    gpt_config c;
    gpt_dropout dropout;
    const ig_param *tokens;    /* [V,C] */
    const ig_param *positions; /* [context,C]; NULL in Llama */
    gpt_linear norm;           /* [C], before the head */
    const ig_param *head;      /* [V,C]: `tokens` when tied */
    gpt_block *block;          /* [layers] */
    ig_tensor range;           /* i64 [context] = 0, 1, 2 …: positions of a pass without cache */
} gpt;

/* config.c */
const ig_schema_field *gpt_schema(const char *model_type);
ig_status gpt_read_config(const ig_model *m, gpt_config *c, ig_error *err);
void gpt_read_dropout(const ig_model *m, gpt_dropout *d);
/* Write into config.json what its readers elsewhere would assume otherwise. */
ig_status gpt_complete_config(ig_model *m, ig_error *err);

/* parameters.c */
ig_status gpt_add_parameters(ig_model *m, gpt *s, ig_error *err);
ig_status gpt_initialise(ig_model *m, uint64_t seed, ig_error *err);
void gpt_tensor_name(const ig_model *m, const char *name, char *buf, size_t size);

/* forward.c */
ig_var *gpt_logits(ig_model *m, const ig_pass *p, ig_var *tokens, ig_kv_cache *cache);
ig_var *gpt_hidden(ig_model *m, const ig_pass *p, ig_var *tokens, ig_var *types, ig_var *lengths);

#endif
