/* models/model_pack.c: a whole model prepared for running. */
#include "models/adapter.h"
#include "models/model_write.h"

static ig_block_type as_stored(const ig_param *p) {
    return p->stored == IG_DTYPE_F16 ? IG_BLOCK_F16 : p->stored == IG_DTYPE_BF16 ? IG_BLOCK_BF16 : IG_BLOCK_F32;
}

ig_status ig_model_pack(ig_model *m, ig_block_type type, ig_error *err) {
    bool dense = m->adapter && !m->adapter->row[0].matrix->packed;
    if (dense) IG_TRY(ig_model_merge(m, err)); /* one product instead of three, and a row's bits do not depend on others */
    for (size_t i = 0; i < m->params.count; i++) {
        ig_param *p = m->params.item[i];
        if ((p->role != IG_PARAM_OUT_IN && p->role != IG_PARAM_IN_OUT) || p->packed) continue;
        IG_TRY(ig_param_pack(m->ctx, p, type == IG_BLOCK_COUNT ? as_stored(p) : model_block_type(p, type), NULL, err));
    }
    return m->family->prepare ? m->family->prepare(m, err) : IG_OK;
}
