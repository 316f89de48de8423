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

typedef struct rounding {
    const float *x;
    size_t K, row_bytes;
    ig_block_type type;
    char *blocks;
    ig_error *error; /* [threads] */
} rounding;

static void round_rows(void *arg, size_t begin, size_t end, int thread) {
    const rounding *r = arg;
    ig_error *e = &r->error[thread];
    for (size_t i = begin; i < end && !e->code; i++)
        e->code = ig_blocks_from_f32(r->type, r->x + i * r->K, r->K, NULL, r->blocks + i * r->row_bytes, e);
}

ig_status model_round(ig_context *ctx, const ig_tensor *rows, ig_block_type type, void **out, ig_error *err) {
    size_t threads = (size_t)ig_context_threads(ctx), numel = (size_t)ig_tensor_numel(rows);
    rounding r = {.x = rows->data, .type = type, .K = rows->ndim ? (size_t)rows->shape[rows->ndim - 1] : 1};
    size_t N = r.K ? numel / r.K : 0;
    IG_TRY(ig_block_row_bytes(type, r.K, &r.row_bytes, err));
    r.error = ig_calloc(threads, sizeof *r.error);
    r.blocks = ig_calloc(N + 1, r.row_bytes);
    ig_status s = r.error && r.blocks ? IG_OK : ig_error_nomem(err, N * r.row_bytes);
    if (s == IG_OK) ig_parallel_for(ctx, N, 16, round_rows, &r);
    for (size_t i = 0; i < threads && s == IG_OK; i++) {
        s = r.error[i].code;
        if (s != IG_OK && err) *err = r.error[i];
    }
    ig_free(r.error);
    if (s == IG_OK) *out = r.blocks;
    else ig_free(r.blocks);
    return s;
}
