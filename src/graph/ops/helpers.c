/* graph/ops/helpers.c: checks and layouts that many shape rules share. */
#include "graph/ops/ops.h"

#include <string.h>

ig_axis_view ig_axis_view_of(const ig_tensor *t, int axis) {
    ig_axis_view v = {1, t->shape[axis], 1};
    for (int d = 0; d < axis; d++) v.outer *= t->shape[d];
    for (int d = axis + 1; d < t->ndim; d++) v.inner *= t->shape[d];
    return v;
}

ig_status ig_axis_attr(ig_node *n, int slot, const ig_tensor *t, ig_error *err) {
    int64_t *axis = &n->attrs.i[slot];
    if (*axis < -t->ndim || *axis >= t->ndim)
        return ig_error_set(err, IG_E_SHAPE, "axis %lld of a tensor with %d dimensions", (long long)*axis, t->ndim);
    if (*axis < 0) *axis += t->ndim;
    return IG_OK;
}

ig_status ig_need_real(const ig_node *n, int k, bool contiguous, ig_error *err) {
    const ig_tensor *t = &n->in[k]->t;
    if (t->dtype != IG_DTYPE_F32 && t->dtype != IG_DTYPE_F64)
        return ig_error_set(err, IG_E_DTYPE, "input %d is %s; f32 or f64 is needed", k, ig_dtype_name(t->dtype));
    if (contiguous && !ig_tensor_is_contiguous(t)) return ig_error_set(err, IG_E_SHAPE, "input %d is not contiguous", k);
    return IG_OK;
}

ig_status ig_need_indices(const ig_node *n, int k, ig_error *err) {
    const ig_tensor *t = &n->in[k]->t;
    if (t->dtype != IG_DTYPE_I32 && t->dtype != IG_DTYPE_I64)
        return ig_error_set(err, IG_E_DTYPE, "input %d is %s; indices must be i32 or i64", k, ig_dtype_name(t->dtype));
    if (!ig_tensor_is_contiguous(t)) return ig_error_set(err, IG_E_SHAPE, "input %d is not contiguous", k);
    return IG_OK;
}

ig_status ig_need_same_type(const ig_node *n, int a, int b, ig_error *err) {
    ig_dtype da = n->in[a]->t.dtype, db = n->in[b]->t.dtype;
    if (da == db) return IG_OK;
    return ig_error_set(err, IG_E_DTYPE, "input %d is %s, input %d is %s", a, ig_dtype_name(da), b, ig_dtype_name(db));
}

ig_status ig_need_shape(const ig_node *n, int k, ig_dtype dtype, int ndim, const int64_t *shape, ig_error *err) {
    char have[128], want[128];
    const ig_tensor *t = &n->in[k]->t;
    ig_tensor w;
    IG_TRY(ig_tensor_describe(&w, dtype, ndim, shape, err));
    if (t->dtype == dtype && ig_tensor_same_shape(t, &w)) return IG_OK;
    return ig_error_set(err, t->dtype == dtype ? IG_E_SHAPE : IG_E_DTYPE, "input %d is %s%s; %s%s is needed", k, ig_dtype_name(t->dtype),
                        ig_tensor_shape_text(t, have, sizeof have), ig_dtype_name(dtype), ig_tensor_shape_text(&w, want, sizeof want));
}

/* Stable: dimensions of equal stride (sizes of 1) keep their order.  A broadcast dimension has no place in memory: then
 * row-major. */
void ig_memory_order(const ig_tensor *t, int *order) {
    bool broadcast = false;
    for (int d = 0; d < t->ndim; d++) {
        order[d] = d;
        broadcast |= t->stride[d] == 0 && t->shape[d] > 1;
    }
    for (int i = 1; i < t->ndim && !broadcast; i++) {
        int d = order[i], j = i;
        for (; j > 0 && t->stride[order[j - 1]] < t->stride[d]; j--) order[j] = order[j - 1];
        order[j] = d;
    }
}

ig_status ig_out_set_like(ig_node *n, int k, const ig_tensor *like, int ndim, const int64_t *shape, ig_error *err) {
    int order[IG_DIMS_MAX];
    int64_t step = 1;
    IG_TRY(ig_out_set(n, k, like->dtype, ndim, shape, err));
    if (like->ndim != ndim) return IG_OK;
    ig_memory_order(like, order);
    for (int i = ndim - 1; i >= 0; i--) {
        n->out[k].t.stride[order[i]] = step;
        step *= shape[order[i]] > 0 ? shape[order[i]] : 1;
    }
    return IG_OK;
}

ig_status ig_check_indices(const ig_tensor *t, int64_t bound, const int64_t *ignore, const char *what, ig_error *err) {
    int64_t n = ig_tensor_numel(t);
    for (int64_t i = 0; i < n; i++) {
        int64_t v = ig_index_at(t, i);
        if ((v >= 0 && v < bound) || (ignore && v == *ignore)) continue;
        return ig_error_set(err, IG_E_ARG, "%s %lld at position %lld is not in [0, %lld)", what, (long long)v, (long long)i, (long long)bound);
    }
    return IG_OK;
}
