/* models/model_write.h: the files of a model's folder, one by one; for saving, importing and quantising. */
#ifndef INGOT_MODELS_MODEL_WRITE_H
#define INGOT_MODELS_MODEL_WRITE_H

#include "ingot/models.h"

#define MODEL_AS_STORED IG_DTYPE_COUNT /* each tensor in the type of the file that it came from */

/* config.json, with the type of the numbers in it. */
ig_status model_write_config(const ig_model *m, const char *folder, const char *type, ig_error *err);
/* model.safetensors; packed matrices become numbers. */
ig_status model_write_dense(const ig_model *m, const char *folder, ig_dtype type, ig_error *err);
ig_status model_write_safetensors(const ig_model *m, const char *path, ig_dtype type, ig_error *err); /* the file alone */
ig_status model_write_tokenizer(const ig_model *m, const char *folder, ig_error *err);
ig_status model_write_card(const ig_model *m, const ig_model_card *card, const char *folder, ig_error *err);

/* A parameter as rows of blocks, [N,K] in the order of products; data NULL: take the numbers. */
typedef struct model_blocks {
    ig_block_type type;
    const void *data;
    void *own; /* memory of data, to be freed; NULL */
} model_blocks;
/* model.gguf: blocks [params.count] where there are any, the rest in f32. */
ig_status model_write_gguf(const ig_model *m, const model_blocks *blocks, const char *folder, ig_error *err);

/* Numbers of a parameter in its own shape, or a matrix as [N,K]; f32, packed or not.  Give it back with ig_tensor_unref. */
ig_status model_numbers(ig_context *ctx, const ig_param *p, ig_tensor *out, ig_error *err);
ig_status model_rows(ig_context *ctx, const ig_param *p, ig_tensor *out, ig_error *err);
/* The type that a matrix gets when a model becomes `type`: tables and heads one that is finer than q4_K, rows that do not fill
 * blocks a smaller block or f16, what is no matrix f32. */
ig_block_type model_block_type(const ig_param *p, ig_block_type type);

#endif
