/* models/model_rows.c: parameters as numbers, as rows of a product, and as blocks. */
#include <string.h>

#include "models/model_write.h"

static ig_status unpack(ig_context *ctx, const ig_qweight *w, ig_tensor *out, ig_error *err) {
    int64_t shape[2] = {ig_qweight_rows(w), ig_qweight_cols(w)};
    IG_TRY(ig_tensor_new(ctx, IG_DTYPE_F32, 2, shape, out, err));
    for (int64_t i = 0; i < shape[0]; i++) ig_qweight_row_f32(w, i, (float *)out->data + i * shape[1]);
    return IG_OK;
}

/* The same matrix the other way round, in memory of its own; takes *t. */
static ig_status turn(ig_context *ctx, ig_tensor *t, ig_error *err) {
    ig_tensor view, turned;
    int64_t shape[2] = {t->shape[1], t->shape[0]};
    ig_status s = ig_tensor_transpose(&view, t, 0, 1, err);
    if (s == IG_OK) s = ig_tensor_new(ctx, IG_DTYPE_F32, 2, shape, &turned, err);
    if (s != IG_OK) {
        ig_tensor_unref(t);
        return s;
    }
    s = ig_tensor_copy(ctx, &turned, &view, err);
    ig_tensor_unref(t);
    *t = turned;
    if (s != IG_OK) ig_tensor_unref(t);
    return s;
}

static ig_status get(ig_context *ctx, const ig_param *p, bool rows, ig_tensor *out, ig_error *err) {
    bool turned = p->role == IG_PARAM_IN_OUT && rows != (p->packed != NULL);
    if (p->packed) IG_TRY(unpack(ctx, p->packed, out, err));
    else {
        *out = p->value;
        ig_tensor_ref(out);
    }
    return turned ? turn(ctx, out, err) : IG_OK;
}

ig_status model_numbers(ig_context *ctx, const ig_param *p, ig_tensor *out, ig_error *err) { return get(ctx, p, false, out, err); }

ig_status model_rows(ig_context *ctx, const ig_param *p, ig_tensor *out, ig_error *err) { return get(ctx, p, true, out, err); }

/* ---- blocks ---- */

static bool ends_with(const char *s, const char *end) {
    size_t n = strlen(s), k = strlen(end);
    return n >= k && strcmp(s + n - k, end) == 0;
}

/* Errors in these reach every token or every logit. */
static bool is_vocabulary(const char *name) {
    return ends_with(name, "embed_tokens.weight") || ends_with(name, "wte.weight") || ends_with(name, "word_embeddings.weight") ||
           strcmp(name, "lm_head.weight") == 0;
}

ig_block_type model_block_type(const ig_param *p, ig_block_type type) {
    if (p->role == IG_PARAM_PLAIN) return IG_BLOCK_F32;
    size_t K = (size_t)p->value.shape[p->role == IG_PARAM_OUT_IN];
    if (type == IG_BLOCK_Q4_K && is_vocabulary(p->name)) type = IG_BLOCK_Q6_K;
    if (K % ig_block_size(type) && ig_block_size(type) > 32) type = IG_BLOCK_Q8_0;
    return K % ig_block_size(type) ? IG_BLOCK_F16 : type;
}
