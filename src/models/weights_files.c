/* models/weights_files.c: safetensors, PyTorch's and llama2.c's files as model_weights.  weights_gguf.c has GGUF. */
#include <string.h>

#include "models/weights.h"

static ig_block_type block_of(ig_dtype d) {
    return d == IG_DTYPE_F16 ? IG_BLOCK_F16 : d == IG_DTYPE_BF16 ? IG_BLOCK_BF16 : IG_BLOCK_F32;
}

/* ---- safetensors ---- */

static void st_name(const model_weights *w, size_t i, char *buf, size_t size) {
    snprintf(buf, size, "%s", ig_safetensors_name(w->file, i));
}

static ig_status st_describe(const model_weights *w, size_t i, ig_tensor *shape, ig_block_type *type, ig_error *err) {
    IG_TRY(ig_safetensors_describe(w->file, i, shape, err));
    *type = block_of(shape->dtype);
    return IG_OK;
}

static ig_status st_read(ig_context *ctx, const model_weights *w, size_t i, const ig_tensor *dst, ig_error *err) {
    return ig_safetensors_read(ctx, w->file, i, dst, err);
}

model_weights model_weights_safetensors(ig_safetensors *f) {
    return (model_weights){.file = f, .count = ig_safetensors_count(f), .name = st_name, .describe = st_describe, .read = st_read};
}

/* ---- PyTorch ---- */

/* Training scripts put the weights beside an optimiser's state: only what is below one of these words is the model. */
static const char *const roots[] = {"state_dict.", "model_state_dict.", "module."};

static const char *below_root(const char *name) {
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++) {
        size_t n = strlen(roots[i]);
        if (strncmp(name, roots[i], n) == 0) return below_root(name + n);
    }
    return name;
}

static void torch_name(const model_weights *w, size_t i, char *buf, size_t size) {
    const char *name = ig_torch_name(w->file, i);
    snprintf(buf, size, "%s", strncmp(name, "optimizer.", 10) == 0 ? "" : below_root(name));
}

static ig_status torch_describe(const model_weights *w, size_t i, ig_tensor *shape, ig_block_type *type, ig_error *err) {
    IG_TRY(ig_torch_describe(w->file, i, shape, err));
    *type = block_of(shape->dtype);
    return IG_OK;
}

static ig_status torch_read(ig_context *ctx, const model_weights *w, size_t i, const ig_tensor *dst, ig_error *err) {
    return ig_torch_read(ctx, w->file, i, dst, err);
}

model_weights model_weights_torch(ig_torch *f) {
    return (model_weights){.file = f, .count = ig_torch_count(f), .name = torch_name, .describe = torch_describe, .read = torch_read};
}

/* ---- llama2.c ---- */

static void llama2c_name(const model_weights *w, size_t i, char *buf, size_t size) {
    snprintf(buf, size, "%s", ig_llama2c_name(w->file, i));
}

static ig_status llama2c_describe(const model_weights *w, size_t i, ig_tensor *shape, ig_block_type *type, ig_error *err) {
    *type = IG_BLOCK_F32;
    return ig_llama2c_describe(w->file, i, shape, err);
}

static ig_status llama2c_read(ig_context *ctx, const model_weights *w, size_t i, const ig_tensor *dst, ig_error *err) {
    return ig_llama2c_read(ctx, w->file, i, dst, err);
}

model_weights model_weights_llama2c(ig_llama2c *f) {
    return (model_weights){.file = f, .count = ig_llama2c_count(f), .name = llama2c_name, .describe = llama2c_describe,
                           .read = llama2c_read};
}
