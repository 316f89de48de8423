/* models/bert/bert.h: the encoder-only transformer (Devlin et al. 2019; Liu et al. 2019; Conneau et al. 2020), for the
 * files of this folder.
 *
 * BERT and RoBERTa (whose multilingual form is XLM-RoBERTa) are one network; what differs stands in the configuration:
 *
 *                        BERT                                       RoBERTa, XLM-RoBERTa
 *     first position     row 0 of the table                         row pad_token_id + 1
 *     classification     classifier(tanh(pooler(first row)))        out_proj(tanh(dense(first row)))
 *     masked tokens      cls.predictions                            lm_head
 *     tags of tokens         classifier(row)                            classifier(row)
 *     word before names  bert.                                      roberta.      (left out without a head)
 *
 * Shape letters: B batch, T time, C channels, H heads, D head size, F inner size, V vocabulary, L labels.
 */
#ifndef INGOT_MODELS_BERT_H
#define INGOT_MODELS_BERT_H

#include "ingot/models.h"

typedef enum bert_activation { BERT_GELU, BERT_GELU_TANH, BERT_RELU, BERT_SILU } bert_activation;
typedef enum bert_head { BERT_BARE, BERT_MASKED, BERT_CLASSIFY, BERT_TAG } bert_head;

typedef struct bert_config {
    bool roberta;
    bert_head head;
    int layers;
    int64_t V, C, H, D, F, L; /* L 0 unless the head classifies texts or tokens */
    int64_t types;            /* rows of the table of token types */
    int64_t positions;        /* rows of the table of positions */
    int64_t first;            /* the row of position 0 */
    bert_activation activation;
    double norm_eps, init_deviation;
} bert_config;

typedef struct bert_dropout {
    double hidden, classifier;
    double attention;         /* of attention probabilities: known, refused in training */
} bert_dropout;

typedef struct bert_linear {
    const ig_param *w, *b;    /* [out,in], [out]; of a norm [C], [C] */
} bert_linear;

typedef struct bert_block {
    bert_linear q, k, v, out; /* [C,C] */
    bert_linear up, down;     /* [F,C], [C,F] */
    bert_linear norm1, norm2; /* behind the sums */
} bert_block;

typedef struct bert {
    bert_config c;
    bert_dropout dropout;
    const ig_param *tokens, *positions, *types; /* [V,C], [positions,C], [types,C] */
    bert_linear norm;         /* of the embeddings */
    bert_block *block;        /* [layers] */
    bert_linear dense, norm_head; /* of the head: pooler or first layer [C,C]; norm of the masked head */
    bert_linear project;      /* classification, tags: [L,C]; masked: the token table, with a bias [V] of its own */
} bert;

/* config.c */
const ig_schema_field *bert_schema(const char *model_type);
const char *bert_architecture(const char *model_type, const char *head);
ig_status bert_read_config(const ig_model *m, bert_config *c, ig_error *err);
void bert_read_dropout(const ig_model *m, bert_dropout *d);
/* Write into config.json what its readers elsewhere would assume otherwise. */
ig_status bert_complete_config(ig_model *m, const bert_config *c, ig_error *err);

/* parameters.c */
ig_status bert_add_parameters(ig_model *m, bert *s, ig_error *err);
ig_status bert_initialise(ig_model *m, uint64_t seed, ig_error *err);

/* names.c */
const char *bert_root(const bert_config *c); /* what stands before the names of the encoder: "", "bert." or "roberta." */
void bert_tensor_name(const ig_model *m, const char *name, char *buf, size_t size);
bool bert_optional(const ig_model *m, const char *name);
bool bert_of_head(const ig_model *m, const char *name);

/* forward.c */
ig_var *bert_hidden(ig_model *m, const ig_pass *p, ig_var *tokens, ig_var *types, ig_var *lengths);
ig_var *bert_classify(ig_model *m, const ig_pass *p, ig_var *tokens, ig_var *types, ig_var *lengths);
ig_var *bert_masked(ig_model *m, const ig_pass *p, ig_var *tokens, ig_var *types, ig_var *lengths, ig_var *places);
ig_var *bert_tag(ig_model *m, const ig_pass *p, ig_var *tokens, ig_var *types, ig_var *lengths);

#endif
