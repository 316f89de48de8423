/* formats/gguf_read.c: a tensor's numbers, for the types of one element per block.
 *
 * Types that Ingot's tensors have are copied with conversion; i8 and i16 are widened first, which f32 holds exactly.
 */
#include <string.h>

#include "formats/gguf.h"

#define FAIL(code, ...) return ig_error_at(err, code, g->file, 0, __VA_ARGS__)

enum { GGML_F32 = 0, GGML_F16 = 1, GGML_I8 = 24, GGML_I16 = 25, GGML_I32 = 26, GGML_I64 = 27, GGML_F64 = 28, GGML_BF16 = 30 };

/* The type in which the elements are handed on; false where there is none. */
static bool dtype_of(uint32_t type, ig_dtype *out) {
    switch (type) {
    case GGML_F32: case GGML_I8: case GGML_I16: *out = IG_DTYPE_F32; return true;
    case GGML_F16: *out = IG_DTYPE_F16; return true;
    case GGML_BF16: *out = IG_DTYPE_BF16; return true;
    case GGML_F64: *out = IG_DTYPE_F64; return true;
    case GGML_I32: *out = IG_DTYPE_I32; return true;
    case GGML_I64: *out = IG_DTYPE_I64; return true;
    default: return false;
    }
}

static void widen(float *dst, const ig_gguf_tensor *t, size_t n) {
    const int8_t *one = t->data;
    for (size_t i = 0; i < n; i++) {
        int16_t two = one[t->type == GGML_I8 ? i : 0];
        if (t->type == GGML_I16) memcpy(&two, (const uint8_t *)t->data + 2 * i, sizeof two);
        dst[i] = two;
    }
}

/* Through a copy: other width, or not aligned to its elements. */
static ig_status read_copy(ig_context *ctx, const ig_gguf_tensor *t, ig_tensor *src, const ig_tensor *dst, ig_error *err) {
    IG_TRY(ig_tensor_alloc(ctx, src, err));
    if (t->type == GGML_I8 || t->type == GGML_I16) widen(src->data, t, (size_t)ig_tensor_numel(src));
    else memcpy(src->data, t->data, (size_t)t->bytes);
    ig_status status = ig_tensor_copy(ctx, dst, src, err);
    ig_tensor_unref(src);
    return status;
}

ig_status ig_gguf_read(ig_context *ctx, const ig_gguf *g, size_t i, const ig_tensor *dst, ig_error *err) {
    ig_tensor src;
    ig_dtype dtype;
    char have[96], want[96];
    const ig_gguf_tensor *t = ig_gguf_describe(g, i);
    if (!t) FAIL(IG_E_ARG, "tensor %zu of %zu", i, g->tensor_count);
    if (!dtype_of(t->type, &dtype))
        FAIL(IG_E_UNSUPPORTED, "tensor %.200s has the type %s, which cannot be read as plain numbers", t->name,
             ig_ggml_type_find(t->type)->name);
    IG_TRY(ig_tensor_describe(&src, dtype, t->ndim, t->shape, err));
    if (!ig_tensor_same_shape(&src, dst))
        FAIL(IG_E_SHAPE, "tensor %.200s is %s in the file, %s was expected", t->name,
             ig_tensor_shape_text(&src, have, sizeof have), ig_tensor_shape_text(dst, want, sizeof want));
    if (ig_tensor_numel(&src) == 0) return IG_OK;
    if (ig_tensor_bytes(&src) != t->bytes || (uintptr_t)t->data % ig_dtype_size(dtype))
        return read_copy(ctx, t, &src, dst, err);
    src.data = (void *)(uintptr_t)t->data; /* only read */
    return ig_tensor_copy(ctx, dst, &src, err);
}
