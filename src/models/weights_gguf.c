/* models/weights_gguf.c: GGUF files as model_weights: blocks become numbers row by row, or are given as they are. */
#include <string.h>

#include "models/weights.h"

static const uint32_t numbers[IG_BLOCK_COUNT] = {
    [IG_BLOCK_F32] = 0,  [IG_BLOCK_F16] = 1,  [IG_BLOCK_BF16] = 30, [IG_BLOCK_Q8_0] = 8,  [IG_BLOCK_Q4_0] = 2,
    [IG_BLOCK_Q5_0] = 6, [IG_BLOCK_Q4_K] = 12, [IG_BLOCK_Q5_K] = 13, [IG_BLOCK_Q6_K] = 14,
};

uint32_t model_ggml_number(ig_block_type type) { return numbers[type]; }

bool model_ggml_type(uint32_t number, ig_block_type *out) {
    for (int t = 0; t < IG_BLOCK_COUNT; t++)
        if (numbers[t] == number) {
            *out = (ig_block_type)t;
            return true;
        }
    return false;
}

static ig_status type_of(const ig_gguf_tensor *t, ig_block_type *out, ig_error *err) {
    if (model_ggml_type(t->type, out)) return IG_OK;
    return ig_error_set(err, IG_E_UNSUPPORTED, "%s is of the type %s, which is not supported: use a file in f32, f16, bf16, q8_0, q4_0, "
                        "q5_0, q4_K, q5_K or q6_K", t->name, ig_ggml_type_find(t->type)->name);
}

ig_status model_gguf_describe(const ig_gguf *f, size_t i, ig_tensor *shape, ig_block_type *type, ig_error *err) {
    const ig_gguf_tensor *t = ig_gguf_describe(f, i);
    IG_TRY(type_of(t, type, err));
    ig_dtype d = *type == IG_BLOCK_F16 ? IG_DTYPE_F16 : *type == IG_BLOCK_BF16 ? IG_DTYPE_BF16 : IG_DTYPE_F32;
    return ig_tensor_describe(shape, d, t->ndim, t->shape, err);
}

/* Blocks to numbers, into memory of the caller's shape. */
static ig_status unpack(ig_context *ctx, const ig_gguf_tensor *t, ig_block_type type, const ig_tensor *dst, ig_error *err) {
    ig_tensor numbers_of;
    IG_TRY(ig_tensor_new(ctx, IG_DTYPE_F32, t->ndim, t->shape, &numbers_of, err));
    ig_status s = ig_blocks_to_f32(type, t->data, (size_t)ig_tensor_numel(&numbers_of), numbers_of.data, err);
    if (s == IG_OK) s = ig_tensor_copy(ctx, dst, &numbers_of, err);
    ig_tensor_unref(&numbers_of);
    return s;
}

ig_status model_gguf_read(ig_context *ctx, const ig_gguf *f, size_t i, const ig_tensor *dst, ig_error *err) {
    const ig_gguf_tensor *t = ig_gguf_describe(f, i);
    ig_block_type type = IG_BLOCK_F32;
    IG_TRY(type_of(t, &type, err));
    return ig_block_size(type) == 1 ? ig_gguf_read(ctx, f, i, dst, err) : unpack(ctx, t, type, dst, err);
}

/* ---- Ingot's own ---- */

static void own_name(const model_weights *w, size_t i, char *buf, size_t size) {
    snprintf(buf, size, "%s", ig_gguf_describe(w->file, i)->name);
}

static ig_status own_describe(const model_weights *w, size_t i, ig_tensor *shape, ig_block_type *type, ig_error *err) {
    return model_gguf_describe(w->file, i, shape, type, err);
}

static ig_status own_read(ig_context *ctx, const model_weights *w, size_t i, const ig_tensor *dst, ig_error *err) {
    return model_gguf_read(ctx, w->file, i, dst, err);
}

static ig_status own_blocks(const model_weights *w, size_t i, const void **out, void **own, ig_error *err) {
    (void)err;
    *out = ig_gguf_describe(w->file, i)->data;
    *own = NULL;
    return IG_OK;
}

model_weights model_weights_gguf(ig_gguf *f) {
    return (model_weights){.file = f, .count = ig_gguf_count(f), .turned = true, .name = own_name, .describe = own_describe,
                           .read = own_read, .blocks = own_blocks};
}
