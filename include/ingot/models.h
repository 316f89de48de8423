/* ingot/models.h: families and models.
 *
 * A family is the code behind a class of models: a table of functions and a description; models/list.c lists them.
 * A model is parameters with their family's code, a folder in the Hugging Face layout:
 *
 *     DIR/config.json  model.safetensors  tokenizer.json  card.json (family, recipe, data digest, metrics, parent)
 *
 * or, quantised, with model.gguf in the place of model.safetensors.
 */
#ifndef INGOT_MODELS_H
#define INGOT_MODELS_H

#include "ingot/nn.h"
#include "ingot/quant.h"
#include "ingot/text.h"

#pragma GCC visibility push(default) /* what stands here, libingot.so exports */
#ifdef __cplusplus
extern "C" {
#endif

typedef struct ig_model ig_model;
typedef struct ig_family ig_family;

/* What a family can do; commands and routes ask for a capability, never for a family. */
enum {
    IG_CAN_GENERATE = 1,
    IG_CAN_EMBED = 2,
    IG_CAN_CLASSIFY = 4,
    IG_CAN_SCORE = 8,
    IG_CAN_TAG = 16,
    IG_CAN_DETECT = 32,
    IG_CAN_RECOMMEND = 64,
    IG_CAN_SPEAK = 128,
    IG_CAN_SEE = 256, /* pictures to classes */
    IG_CAN_FILL = 512, /* predict tokens that were masked */
    IG_CAN_PREDICT = 1024 /* rows of a table to a probability or a number */
};

/* What a model that predicts takes as a row. */
typedef struct ig_row_shape {
    int64_t numbers, indices; /* D, F */
    const int64_t *sizes;     /* [F] index i is below sizes[i]; the model's */
    bool regression;          /* the result is a number; else the logit of class 1 against class 0 */
} ig_row_shape;

#define IG_STATE_MAX 64 /* tensors that a recurrent network carries from one stretch of a text to the next */

/* Key/value cache of a generating model, in pages (ig_page_write), and where the R rows of a run stand in it. */
typedef struct ig_kv_cache {
    int layers;
    ig_tensor *k, *v;     /* [layers]: pools of pages, f32 or f16, [P,G,D,64] and [P,G,64,Dv] */
    ig_tensor table;      /* i32 [R,N]: the pages of each row's sequence */
    ig_tensor places;     /* i64 [R]: position of each row in its sequence; -1: padding */
    ig_tensor positions;  /* i64 [R]: the same for tables of positions; any valid one for padding */
    ig_tensor last;       /* i64 [1]: the one row of the run whose logits are wanted; without memory: all rows */
    bool chunk;           /* rows follow each other in one sequence */
} ig_kv_cache;

struct ig_family {
    const char *name, *doc;
    unsigned capabilities;
    /* model_type values of config.json that this family reads ("gpt2", "llama"), NULL-terminated */
    const char *const *model_types;
    /* What config.json (and the `model` part of a recipe) may say for one of them.  The table is strict; of a config.json
     * only the keys that it knows are checked, because other programs keep keys of their own there. */
    const ig_schema_field *(*config_schema)(const char *model_type);
    /* Keep what forward needs in m->state (freed by free_state), and add all parameters, zeroed.  config has passed the
     * schema; what only holds between keys is checked here, and what is known but not supported is refused by name. */
    ig_status (*build)(ig_model *m, ig_error *err);
    void (*free_state)(void *state);
    /* Read again the settings that may change after build: dropout rates, never shapes.  NULL: none. */
    ig_status (*settings)(ig_model *m, ig_error *err);
    /* The parameter that a tensor called `name` in a model file fills, into buf ("" for what other programs store and
     * this family does not need).  NULL: names are the parameters' own. */
    void (*tensor_name)(const ig_model *m, const char *name, char *buf, size_t size);
    /* Fill the parameters for training from scratch. */
    ig_status (*initialise)(ig_model *m, uint64_t seed, ig_error *err);
    /* What this model of the family can do: some need a head that not every config.json asks for.  NULL: all of it. */
    unsigned (*can)(const ig_model *m);
    /* Whether the model works without this parameter.  Files have all optional parameters or none; what they have not is
     * dropped.  NULL: every parameter is needed. */
    bool (*optional)(const ig_model *m, const char *name);
    /* tokens i64 [B,T] → logits [B,T,V].  cache NULL in training: positions 0…T-1.  With a cache B is 1, T is its
     * number of rows, and its `last` asks for one of them: logits [1,1,V]. */
    ig_var *(*logits)(ig_model *m, const ig_pass *p, ig_var *tokens, ig_kv_cache *cache);
    /* Reading whole texts.  tokens i64 [B,T]; types i64 [B,T], which text of a pair a token belongs to, NULL: all 0;
     * lengths i64 [B], NULL: all T.  Padding stands behind a text, may be any token, and changes nothing in the rows before
     * it; what its own rows hold is of no meaning, but finite. */
    ig_var *(*hidden)(ig_model *m, const ig_pass *p, ig_var *tokens, ig_var *types, ig_var *lengths);   /* → [B,T,C] */
    ig_var *(*classify)(ig_model *m, const ig_pass *p, ig_var *tokens, ig_var *types, ig_var *lengths); /* → logits [B,L] */
    /* → logits [B,T,V]; with places i64 [N], each b·T + t, of these tokens only: [N,V] */
    ig_var *(*masked)(ig_model *m, const ig_pass *p, ig_var *tokens, ig_var *types, ig_var *lengths, ig_var *places);
    /* Pictures f32 [B,H,W,C] → logits [B,L].  *features, where features is not NULL: the last value that still is a picture,
     * [B,h,w,c], for telling which places decided. */
    ig_var *(*see)(ig_model *m, const ig_pass *p, ig_var *pictures, ig_var **features);
    void (*picture_size)(const ig_model *m, int64_t size[3]); /* H, W, C */
    /* Rows of a table: numbers f32 [B,D], NULL when D is 0; indices i64 [B,F], NULL when F is 0 → logits or numbers [B]. */
    ig_var *(*predict)(ig_model *m, const ig_pass *p, ig_var *numbers, ig_var *indices);
    ig_row_shape (*row_shape)(const ig_model *m);
    ig_var *(*tag)(ig_model *m, const ig_pass *p, ig_var *tokens, ig_var *types, ig_var *lengths);      /* → logits [B,T,L] */
    /* Networks that read on: what one stretch of a text leaves behind, the next one starts from.  state[i], of state_shape, are
     * the tensors before the first token (zeros at the start of a text), next[i] those after the last.  Whoever reads on binds
     * the state as inputs and assigns next to them at the end of the step; truncated back-propagation needs no more, for no
     * gradient flows into an input.   tokens i64 [B,T] → logits [B,T,V].  NULL: the family has no such state. */
    ig_var *(*logits_carried)(ig_model *m, const ig_pass *p, ig_var *tokens, ig_var *const *state, ig_var **next);
    int (*state_count)(const ig_model *m);                                   /* at most IG_STATE_MAX */
    void (*state_shape)(const ig_model *m, int i, int64_t B, int64_t shape[2]); /* f32 [B,H] */
    /* What ig_model_pack does beside packing the matrices of ig_nn_dense: kernels packed, norms folded.  NULL: nothing. */
    ig_status (*prepare)(ig_model *m, ig_error *err);
    int64_t (*hidden_size)(const ig_model *m);               /* C */
    int64_t (*type_count)(const ig_model *m);                /* types are 0 … count-1; NULL: 1 */
    int64_t (*label_count)(const ig_model *m);               /* L; 0 without a head for it */
    const char *(*label)(const ig_model *m, int64_t i);
    /* What config.json's `architectures` says of such a model with this head ("bare", "masked", "classify", "tag"); NULL: the
     * family has none such. */
    const char *(*architecture)(const char *model_type, const char *head);
    bool (*of_head)(const ig_model *m, const char *name);    /* whether a parameter belongs to the head.  NULL: none does */
    int (*cache_layers)(const ig_model *m);
    void (*cache_shape)(const ig_model *m, int64_t *kv_heads, int64_t *head_size);
    int64_t (*context_length)(const ig_model *m);
    int64_t (*vocab_size)(const ig_model *m);
    double (*flops_per_token)(const ig_model *m, int64_t context); /* of one forward pass */
    /* What else a model of the family needs in its folder: written to the stage of a save, read from the folder after the weights.
     * NULL: nothing. */
    ig_status (*write_more)(const ig_model *m, const char *folder, ig_error *err);
    ig_status (*read_more)(ig_model *m, const char *dir, ig_error *err);
    const struct ig_recommender *recommender; /* of families that recommend, and learn by a fit of their own: ingot/recommend.h */
};

struct ig_model {
    ig_context *ctx;
    const ig_family *family;
    ig_doc *config;
    ig_params params;
    void *state;              /* the family's */
    ig_tokenizer *tokenizer;  /* NULL: none */
    char *path;               /* folder it was loaded from; NULL */
    struct ig_adapter *adapter; /* what was put upon the weights; NULL: none */
};

const ig_family *const *ig_families(size_t *count);
const ig_family *ig_family_by_name(const char *name);
const ig_family *ig_family_by_model_type(const char *model_type);

/* A new model with the given config (JSON text of config.json; model_type chooses the family).  Its parameters are zero
 * until family->initialise or a file fills them. */
ig_status ig_model_new(ig_context *ctx, const char *config_name, const char *config_json, size_t len, ig_model **out,
                       ig_error *err);
/* Load a folder (or that of an adapter, with its base): config.json, model.safetensors (or its shards) or model.gguf, and
 * tokenizer.json or vocab.json with merges.txt if there.  Matrices of a model.gguf are packed (ig_param_pack): such a model
 * runs, and only adapters beside them can be trained.
 * Unknown, missing and misshapen tensors are listed by name (IG_E_FORMAT).  Weights may be f32, f64, f16 or bf16. */
ig_status ig_model_load(ig_context *ctx, const char *dir, ig_model **out, ig_error *err);
/* ---- models of other programs ------------------------------------------------------------------------------------------- */

typedef struct ig_model_import_opts {
    bool overwrite;         /* replace a model that is there; else IG_E_EXISTS */
    bool convert;           /* weights become `dtype`: f32, f16, bf16 */
    ig_dtype dtype;         /* [as they are in the source: quantised ones keep their blocks, in a model.gguf] */
    const char *tokenizer;  /* file of the tokenizer [what the source has or has beside it] */
} ig_model_import_opts;

typedef struct ig_model_import_report {
    const char *format, *family; /* "folder", "gguf", "pytorch", "llama2.c" */
    size_t tensors, packed;      /* parameters, and how many of them are in quantised blocks */
    int64_t parameters;          /* numbers */
    char type[16];               /* "f32" … "q4_K" */
    bool has_tokenizer, chat_template;
    ig_tokenizer_kind tokenizer;
} ig_model_import_report;

/* Make the folder `dir` out of a folder in the Hugging Face layout, a GGUF file of llama.cpp's, a PyTorch checkpoint with
 * a config.json beside it, or a llama2.c checkpoint.  All or nothing: `dir` is there when the model is whole.
 * Unknown, missing and misshapen tensors are listed by name (IG_E_FORMAT).  opts and report may be NULL. */
ig_status ig_model_import(ig_context *ctx, const char *source, const char *dir, const ig_model_import_opts *opts,
                          ig_model_import_report *report, ig_error *err);

typedef struct ig_quantize_layer {
    const char *name;
    ig_block_type type;
    int64_t rows, columns;
    double error;          /* |w - rounded w| / |w|, Euclidean */
} ig_quantize_layer;
/* Told after each matrix; false stops with IG_E_CANCELLED. */
typedef bool ig_quantize_fn(void *arg, const ig_quantize_layer *layer, size_t done, size_t total);

typedef struct ig_quantize_opts {
    ig_block_type type;
    bool overwrite;
    ig_quantize_fn *on_layer; /* NULL: none */
    void *arg;
} ig_quantize_opts;

typedef struct ig_quantize_report {
    uint64_t bytes_before, bytes_after; /* of all parameters */
    size_t matrices, fallbacks;         /* how many of them could not have the type */
    double error;                       /* of all matrices together */
} ig_quantize_report;

/* Write the folder of a model whose matrices are in blocks of this type, in a model.gguf.  Tables of tokens and heads are q6_K
 * for q4_K.  Rows that are no multiple of the block become q8_0, or f16 where that does not fit either; norms, biases and
 * tables of positions stay f32.  All or nothing, as ig_model_import. */
ig_status ig_model_quantize(const ig_model *m, const char *dir, const ig_quantize_opts *opts, ig_quantize_report *report,
                            ig_error *err);

/* Write one file that llama.cpp reads: gpt2, llama, mistral, qwen2, qwen3 and bare bert models, with their tokenizer and chat
 * template.  Matrices get the type as in ig_model_quantize.  What GGUF has no name for is refused by name. */
ig_status ig_model_export_gguf(const ig_model *m, const char *path, ig_block_type type, ig_error *err);
/* Write the weights alone as f32, f16 or bf16. */
ig_status ig_model_export_safetensors(const ig_model *m, const char *path, ig_dtype type, ig_error *err);

/* Write one ONNX file (operator set 17) that runs without Ingot, with batch and length left open: of the heads that the model has,
 * the classifier, else logits of masked or next tokens, else the hidden states.  Inputs are input_ids and, where they matter,
 * attention_mask and token_type_ids, outputs logits or last_hidden_state, as transformers names them; a mask is 1 for a text and 0
 * behind it.  type f16 stores matrices in half the space; they are computed with in f32.  Packed matrices become numbers.
 * IG_E_UNSUPPORTED names an op without a form in ONNX; IG_E_LIMIT over 2 GiB. */
ig_status ig_model_export_onnx(ig_model *m, const char *path, ig_dtype type, ig_error *err);
/* Replace *m by a model whose config.json has the keys of `changes` in the place of its own (null: without them).  Parameters
 * of
 * the same name and shape are taken over, those of the head only with keep_head; all others are new, and their names are
 * appended to *fresh.  *m stays as it was when it fails. */
ig_status ig_model_rehead(ig_model **m, const ig_tree *changes, bool keep_head, uint64_t seed, ig_buf *fresh, ig_error *err);

/* Change a setting of config.json that has no influence on shapes, e.g. ("resid_pdrop", "0.2"). */
ig_status ig_model_set(ig_model *m, const char *key, const char *yaml_value, ig_error *err);
/* Prepare all matrices for running (ig_param_pack): less memory, quicker products, and the same bits for a row of up to 16
 * whatever stands beside it.  Type IG_BLOCK_COUNT: as they lie in the file (f32, f16, bf16); else the
 * types that ig_model_quantize gives, which are finer where rows do not fill blocks.  The model cannot be trained afterwards. */
ig_status ig_model_pack(ig_model *m, ig_block_type type, ig_error *err);
typedef struct ig_model_card {
    const char *recipe;       /* text of the recipe, or NULL */
    const char *data_sha256;
    const char *parent;
    const char *metrics_json; /* a JSON object, or NULL */
} ig_model_card;
/* Write the folder, all or nothing: if this is killed at any point, loading gives the whole old model or the whole new
 * one.  Other files there stay.  A config.json that is no model's is refused with IG_E_EXISTS.
 * card may be NULL. */
ig_status ig_model_save(const ig_model *m, const char *dir, const ig_model_card *card, ig_error *err);
void ig_model_free(ig_model *m);

/* ---- adapters   (Hu et al. 2021, "LoRA") -------------------------------------------------------------------------------
 *
 * The weights of a model stay, and each chosen matrix gets a change of low rank.  On disk an adapter is what the PEFT library
 * reads and writes: adapter_config.json, which names the base, and adapter_model.safetensors.  ig_model_load takes such a
 * folder too, together with its base. */

typedef struct ig_adapter_opts {
    int64_t rank;               /* 0: 8 */
    double alpha;               /* scale is alpha/rank; 0: 16 */
    double dropout;             /* of what goes into A */
    const char *const *targets; /* "q", "k", "v", "o", "gate", "up", "down", or ends of layer names as "attn.c_attn" */
    size_t target_count;        /* 0: all linear layers but the head */
    uint64_t seed;              /* of A; B is zero, so that the model is what it was */
} ig_adapter_opts;

/* Freeze all parameters and add an adapter.  IG_E_ARG for a target that no layer has; IG_E_STATE when there is one already. */
ig_status ig_model_adapt(ig_model *m, const ig_adapter_opts *opts, ig_error *err);
/* The parameters of the adapter, for an optimiser; NULL without one. */
ig_params *ig_model_adapter_params(const ig_model *m);
/* Add the adapter to the weights and forget it.  Graphs and plans over the model must be gone.  IG_E_STATE when packed. */
ig_status ig_model_merge(ig_model *m, ig_error *err);
/* Write the folder of the adapter; `base` is the folder of the model that it belongs to.  ig_model_save writes the
 * merged weights instead.  Refuses a folder that holds a model of its own with IG_E_EXISTS. */
ig_status ig_model_save_adapter(const ig_model *m, const char *dir, const char *base, const ig_model_card *card, ig_error *err);
/* Put the adapter of a folder upon a model.  What does not fit the model is told by name. */
ig_status ig_model_load_adapter(ig_model *m, const char *dir, ig_error *err);
/* Whether the model has all of these capabilities. */
bool ig_model_can(const ig_model *m, unsigned capabilities);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
