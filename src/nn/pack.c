/* nn/pack.c: matrices prepared for running: rounded to a block type, row by row, and laid out for products (ingot/quant.h). */
#include "ingot/nn.h"

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
    void *blocks = NULL;
    IG_TRY(rows_of(ctx, p, &rows, err));
    ig_status s = type == IG_BLOCK_F32 ? IG_OK : ig_blocks_from_rows(ctx, type, rows.data, (size_t)rows.shape[0], (size_t)rows.shape[1], &blocks, err);
    if (s == IG_OK) s = ig_qweight_new(ctx, type, rows.shape[0], rows.shape[1], blocks ? blocks : rows.data, out, err);
    ig_free(blocks);
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

ig_status ig_param_pack_conv(ig_context *ctx, ig_param *p, const ig_conv_weight_opts *opts, ig_error *err) {
    const ig_tensor *t = &p->value;
    if (p->role != IG_PARAM_CONV || t->dtype != IG_DTYPE_F32 || (t->ndim != 3 && t->ndim != 4) || !ig_tensor_is_contiguous(t))
        return ig_error_set(err, IG_E_ARG, "%s is no kernel of a convolution that can be packed", p->name);
    if (p->conv) return ig_error_set(err, IG_E_STATE, "%s is packed already", p->name);
    int64_t shape[4] = {t->shape[0], t->shape[1], t->ndim == 4 ? t->shape[2] : 1, t->shape[t->ndim - 1]};
    IG_TRY(ig_conv_weight_new(ctx, t->data, shape, opts, &p->conv, err));
    drop_data(&p->value);
    return IG_OK;
}

ig_status ig_param_pack(ig_context *ctx, ig_param *p, ig_block_type type, const void *blocks, ig_error *err) {
    ig_qweight *w = NULL;
    bool turned = p->role == IG_PARAM_IN_OUT;
    if ((p->role != IG_PARAM_OUT_IN && p->role != IG_PARAM_IN_OUT) || p->value.ndim != 2 || p->value.dtype != IG_DTYPE_F32)
        return ig_error_set(err, IG_E_ARG, "%s is no matrix that can be packed", p->name);
    if (p->packed) return ig_error_set(err, IG_E_STATE, "%s is packed already", p->name);
    if (blocks) IG_TRY(ig_qweight_new(ctx, type, p->value.shape[turned], p->value.shape[!turned], blocks, &w, err));
    else IG_TRY(pack_value(ctx, p, type, &w, err));
    p->packed = w;
    drop_data(&p->value);
    return IG_OK;
}
