/* nn/pack.c: matrices prepared for running: rounded to a block type, row by row, and laid out for products (ingot/quant.h). */
#include <string.h>

#include "ingot/nn.h"

typedef struct rounding {
    const ig_tensor *rows; /* [N,K], contiguous */
    ig_block_type type;
    size_t row_bytes;
    char *blocks;
    ig_error *error;       /* [threads] */
} rounding;

static void round_rows(void *arg, size_t begin, size_t end, int thread) {
    const rounding *r = arg;
    size_t K = (size_t)r->rows->shape[1];
    for (size_t i = begin; i < end && !r->error[thread].code; i++)
        ig_blocks_from_f32(r->type, (const float *)r->rows->data + i * K, K, NULL, r->blocks + i * r->row_bytes, &r->error[thread]);
}

static ig_status round_all(ig_context *ctx, rounding *r, ig_error *err) {
    size_t threads = (size_t)ig_context_threads(ctx), N = (size_t)r->rows->shape[0];
    r->error = ig_calloc(threads, sizeof *r->error);
    r->blocks = ig_calloc(N + 1, r->row_bytes);
    ig_status s = r->error && r->blocks ? IG_OK : ig_error_nomem(err, N * r->row_bytes);
    if (s == IG_OK) ig_parallel_for(ctx, N, 1, round_rows, r);
    for (size_t i = 0; i < threads && s == IG_OK; i++) {
        s = r->error[i].code;
        if (s != IG_OK && err) *err = r->error[i];
    }
    ig_free(r->error);
    return s;
}

/* value as [N,K] in row-major order; *own is to be given back. */
static ig_status rows_of(ig_context *ctx, const ig_param *p, ig_tensor *own, ig_error *err) {
    if (p->role == IG_PARAM_OUT_IN) {
        *own = p->value;
        ig_tensor_ref(own);
        return IG_OK;
    }
    ig_tensor turned;
    int64_t shape[2] = {p->value.shape[1], p->value.shape[0]};
    IG_TRY(ig_tensor_transpose(&turned, &p->value, 0, 1, err));
    IG_TRY(ig_tensor_new(ctx, IG_DTYPE_F32, 2, shape, own, err));
    ig_status s = ig_tensor_copy(ctx, own, &turned, err);
    if (s != IG_OK) ig_tensor_unref(own);
    return s;
}

static ig_status pack_value(ig_context *ctx, const ig_param *p, ig_block_type type, ig_qweight **out, ig_error *err) {
    ig_tensor rows = {0};
    rounding r = {.rows = &rows, .type = type};
    IG_TRY(rows_of(ctx, p, &rows, err));
    ig_status s = ig_block_row_bytes(type, (size_t)rows.shape[1], &r.row_bytes, err);
    if (s == IG_OK && type != IG_BLOCK_F32) s = round_all(ctx, &r, err);
    if (s == IG_OK) s = ig_qweight_new(ctx, type, rows.shape[0], rows.shape[1], r.blocks ? r.blocks : rows.data, out, err);
    ig_free(r.blocks);
    ig_tensor_unref(&rows);
    return s;
}

/* Shape and type stay, the memory goes. */
static void drop_data(ig_tensor *t) {
    ig_tensor shape = *t;
    ig_tensor_unref(t);
    shape.data = NULL, shape.storage = NULL;
    *t = shape;
}

ig_status ig_param_pack(ig_context *ctx, ig_param *p, ig_block_type type, const void *blocks, ig_error *err) {
    ig_qweight *w = NULL;
    bool turned = p->role == IG_PARAM_IN_OUT;
    if (p->role == IG_PARAM_PLAIN || p->value.ndim != 2 || p->value.dtype != IG_DTYPE_F32)
        return ig_error_set(err, IG_E_ARG, "%s is no matrix that can be packed", p->name);
    if (p->packed) return ig_error_set(err, IG_E_STATE, "%s is packed already", p->name);
    if (blocks) IG_TRY(ig_qweight_new(ctx, type, p->value.shape[turned], p->value.shape[!turned], blocks, &w, err));
    else IG_TRY(pack_value(ctx, p, type, &w, err));
    p->packed = w;
    drop_data(&p->value);
    return IG_OK;
}
