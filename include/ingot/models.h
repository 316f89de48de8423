/* ingot/models.h: families and models.
 *
 * A family is the code behind a class of models: a table of functions and a description; models/list.c lists them.
 * A model is parameters with their family's code, a folder in the Hugging Face layout:
 *
 *     DIR/config.json  model.safetensors  tokenizer.json  card.json (family, recipe, data digest, metrics, parent)
 */
#ifndef INGOT_MODELS_H
#define INGOT_MODELS_H

#include "ingot/nn.h"
#include "ingot/text.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ig_model ig_model;
typedef struct ig_family ig_family;

/* What a family can do; commands and routes ask for a capability, never for a family. */
enum { IG_CAN_GENERATE = 1, IG_CAN_EMBED = 2, IG_CAN_CLASSIFY = 4, IG_CAN_SCORE = 8, IG_CAN_TAG = 16, IG_CAN_DETECT = 32, IG_CAN_RECOMMEND = 64, IG_CAN_SPEAK = 128 };

/* Key/value cache of a generating model: per layer k and v, f32 [1,G,S,D]. */
typedef struct ig_kv_cache {
    int layers;
    ig_tensor *k, *v;
    ig_tensor pos;        /* i64 [1]: positions already filled; where the next ones go */
    ig_tensor length;     /* i64 [1]: pos + valid new positions: what attention may see */
    ig_tensor positions;  /* i64 [T] of the running bucket, owned by the session */
} ig_kv_cache;

struct ig_family {
    const char *name, *doc;
    unsigned capabilities;
    const ig_schema_field *config_schema;           /* of config.json */
    /* model_type values of config.json that this family reads ("gpt2", "llama"), NULL-terminated */
    const char *const *model_types;
    /* Check config, keep what forward needs in *state (freed by free_state), and add all parameters, uninitialised. */
    ig_status (*build)(ig_model *m, ig_error *err);
    void (*free_state)(void *state);
    /* Fill the parameters for training from scratch. */
    ig_status (*initialise)(ig_model *m, uint64_t seed, ig_error *err);
    /* tokens i64 [B,T] → logits [B,T,V].  cache NULL in training: positions 0…T-1. */
    ig_var *(*logits)(ig_model *m, const ig_pass *p, ig_var *tokens, ig_kv_cache *cache);
    int (*cache_layers)(const ig_model *m);
    void (*cache_shape)(const ig_model *m, int64_t *kv_heads, int64_t *head_size);
    int64_t (*context_length)(const ig_model *m);
    int64_t (*vocab_size)(const ig_model *m);
    double (*flops_per_token)(const ig_model *m, int64_t context); /* of one forward pass */
};

struct ig_model {
    ig_context *ctx;
    const ig_family *family;
    ig_doc *config;
    ig_params params;
    void *state;              /* the family's */
    ig_tokenizer *tokenizer;  /* NULL: none */
    char *path;               /* folder it was loaded from; NULL */
};

const ig_family *const *ig_families(size_t *count);
const ig_family *ig_family_by_name(const char *name);
const ig_family *ig_family_by_model_type(const char *model_type);

/* A new model with the given config (JSON text of config.json; model_type chooses the family). */
ig_status ig_model_new(ig_context *ctx, const char *config_name, const char *config_json, size_t len, ig_model **out, ig_error *err);
/* Load a folder.  Unknown, missing and misshapen tensors are listed by name. */
ig_status ig_model_load(ig_context *ctx, const char *dir, ig_model **out, ig_error *err);
typedef struct ig_model_card {
    const char *recipe;       /* text of the recipe, or NULL */
    const char *data_sha256;
    const char *parent;
    const char *metrics_json; /* a JSON object, or NULL */
} ig_model_card;
/* Write the folder: complete or absent (a temporary folder is renamed); an existing model is replaced. */
ig_status ig_model_save(const ig_model *m, const char *dir, const ig_model_card *card, ig_error *err);
void ig_model_free(ig_model *m);

#ifdef __cplusplus
}
#endif
#endif
