/* models/weights.h: files of weights, whatever their format, and filling a model's parameters from them.
 *
 *     safetensors, GGUF, PyTorch, llama2.c ──► model_weights: names as Hugging Face gives them, shapes, numbers or blocks
 *                                                   │
 *     model_filling_begin, _take (once per file), _end: every tensor fills a parameter, every parameter is filled
 */
#ifndef INGOT_MODELS_WEIGHTS_H
#define INGOT_MODELS_WEIGHTS_H

#include "ingot/formats.h"
#include "ingot/limits.h"
#include "ingot/models.h"

#define MODEL_NAME_MAX 512 /* bytes of a tensor's name here */

typedef struct model_weights model_weights;
struct model_weights {
    void *file; /* the open reader */
    const void *more; /* what else the functions need */
    size_t count;
    bool turned; /* matrices that are [in,out] here (IG_PARAM_IN_OUT) lie in the file as [out,in] */
    /* Name of tensor i; "" for what is no parameter and not needed. */
    void (*name)(const model_weights *w, size_t i, char *buf, size_t size);
    /* Shape and type; blocks that are no plain numbers have dtype f32 and their type in *type. */
    ig_status (*describe)(const model_weights *w, size_t i, ig_tensor *shape, ig_block_type *type, ig_error *err);
    /* Copy into dst: same shape, any strides and float type. */
    ig_status (*read)(ig_context *ctx, const model_weights *w, size_t i, const ig_tensor *dst, ig_error *err);
    /* The rows of a matrix as they lie in the file; *own gets memory to be freed, or NULL.  NULL: the format has none. */
    ig_status (*blocks)(const model_weights *w, size_t i, const void **out, void **own, ig_error *err);
};

model_weights model_weights_safetensors(ig_safetensors *f);
model_weights model_weights_torch(ig_torch *f);
model_weights model_weights_llama2c(ig_llama2c *f);
/* Ingot's own GGUF (model.gguf of a model's folder): parameters under their own names, matrices [out,in]. */
model_weights model_weights_gguf(ig_gguf *f);
/* What the others are built from: numbers of tensor i in rows of its last dimension. */
ig_status model_gguf_read(ig_context *ctx, const ig_gguf *f, size_t i, const ig_tensor *dst, ig_error *err);
ig_status model_gguf_describe(const ig_gguf *f, size_t i, ig_tensor *shape, ig_block_type *type, ig_error *err);
/* ggml's number of a block type and back; false for a type that Ingot cannot compute with. */
uint32_t model_ggml_number(ig_block_type type);
bool model_ggml_type(uint32_t number, ig_block_type *out);

/* ---- filling ------------------------------------------------------------------------------------------------------- */

typedef struct model_complaints {
    const char *kind;
    ig_buf names;
    size_t count;
} model_complaints;

/* A matrix in blocks, [N,K].  Who keeps the memory sets *own to NULL. */
typedef ig_status model_blocks_fn(void *arg, ig_param *p, ig_block_type type, const void *blocks, void **own, ig_error *err);

typedef struct model_filling {
    ig_model *m;
    const char *where;          /* for errors */
    model_blocks_fn *on_blocks; /* takes matrices that are not f32; NULL: they become numbers */
    void *arg;
    bool *filled; /* [params.count] */
    model_complaints missing, unknown, misshapen;
} model_filling;

ig_status model_filling_begin(model_filling *l, ig_model *m, const char *where, ig_error *err);
ig_status model_filling_take(model_filling *l, const model_weights *w, ig_error *err);
/* Tells everything that did not fit, by name; gives `status` back when it is an error already.  Frees. */
ig_status model_filling_end(model_filling *l, ig_status status, ig_error *err);

#endif
