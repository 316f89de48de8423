/* graph/ops/ops.h: what the files of this folder share: the list of their rows, and small helpers.
 *
 * A shape rule must refuse whatever its forward cannot compute, layout included: rows also come from saved plans, which
 * are data to check.  The ig_* functions that people call bring inputs into that layout first (ig_contiguous).
 */
#ifndef INGOT_GRAPH_OPS_H
#define INGOT_GRAPH_OPS_H

#include "graph/graph.h"

/* Every row that is not an element-wise map, in the order of the documentation. */
#define IG_OPS(X)                                                                                                      \
    X(leaf) X(full) X(cast) X(stop_gradient) X(matmul) X(linear)                                                       \
    X(conv2d) X(conv2d_data) X(conv2d_weights) X(conv2d_packed) X(conv2d_packed_add)                                    \
    X(linear_quantised) X(linear_quantised_grad) X(embedding_quantised)                                                \
    X(sum) X(mean) X(max) X(argmax) X(sum_to) X(cumsum)                                                                \
    X(softmax) X(softmax_grad) X(log_softmax) X(log_softmax_grad)                                                      \
    X(reshape) X(transpose) X(slice) X(slice_grad) X(broadcast) X(contiguous) X(concat) X(split2) X(split3)            \
    X(embedding) X(gather) X(scatter_add) X(scatter_rows)                                                              \
    X(layer_norm) X(layer_norm_grad) X(rms_norm) X(rms_norm_grad)                                                      \
    X(batch_norm) X(batch_norm_grad) X(group_norm) X(group_norm_grad) X(window_sum)                                    \
    X(max_pool2d) X(adaptive_max_pool2d) X(max_over_time) X(max_pool_grad)                                             \
    X(avg_pool2d) X(avg_pool2d_grad) X(adaptive_avg_pool2d) X(adaptive_avg_pool2d_grad)                                \
    X(pad) X(pad_grad) X(interpolate) X(interpolate_grad)                                                              \
    X(cross_entropy) X(cross_entropy_grad) X(attention) X(attention_grad) X(rope_table) X(rope)                        \
    X(lstm) X(lstm_grad) X(gru) X(gru_grad)                                                                            \
    X(assign) X(accumulate) X(page_write) X(attention_pages) X(global_norm)

#define IG_OP_EXTERN(name) extern const ig_op ig_op_##name;
IG_OPS(IG_OP_EXTERN)
#undef IG_OP_EXTERN

/* ---- shapes ---------------------------------------------------------------------------------------------------------- */

/* A contiguous tensor seen along one axis: [outer][len][inner]. */
typedef struct ig_axis_view {
    int64_t outer, len, inner;
} ig_axis_view;
ig_axis_view ig_axis_view_of(const ig_tensor *t, int axis);

/* Bring attrs.i[slot] into [0, ndim); IG_E_SHAPE when it is no axis of t. */
ig_status ig_axis_attr(ig_node *n, int slot, const ig_tensor *t, ig_error *err);
/* Input k must be f32 or f64, and, where `contiguous`, lie in row-major order without gaps. */
ig_status ig_need_real(const ig_node *n, int k, bool contiguous, ig_error *err);
/* Input k must be i32 or i64, contiguous. */
ig_status ig_need_indices(const ig_node *n, int k, ig_error *err);
ig_status ig_need_same_type(const ig_node *n, int a, int b, ig_error *err);
/* Input k must have this type and shape. */
ig_status ig_need_shape(const ig_node *n, int k, ig_dtype dtype, int ndim, const int64_t *shape, ig_error *err);
/* Output k without gaps, its dimensions in memory in the order in which they lie in `like`: what follows a transposed
 * input keeps its order, so that turning it back costs nothing. */
ig_status ig_out_set_like(ig_node *n, int k, const ig_tensor *like, int ndim, const int64_t *shape, ig_error *err);
/* Dimensions of t from the slowest to the fastest in memory. */
void ig_memory_order(const ig_tensor *t, int *order);

/* dst = src, any strides; quick where both have the same type and shape (else as ig_tensor_copy). */
ig_status ig_copy_layout(ig_context *ctx, const ig_tensor *dst, const ig_tensor *src, ig_error *err);

/* By how much pair `pair` of a rope_table with these attributes turns from one position to the next. */
double ig_rope_frequency(const ig_attrs *a, int64_t pair, int64_t pairs);

/* ---- running ----------------------------------------------------------------------------------------------------------- */

/* Items of `cost` element operations each: how many make a range worth a thread. */
static inline size_t ig_grain(size_t cost) { return cost >= 16384 ? 1 : 16384 / (cost ? cost : 1); }

static inline int64_t ig_index_at(const ig_tensor *t, int64_t i) {
    return t->dtype == IG_DTYPE_I32 ? ((const int32_t *)t->data)[i] : ((const int64_t *)t->data)[i];
}
/* All in [0, bound), or equal to *ignore where that is given; else IG_E_ARG naming the first that is not. */
ig_status ig_check_indices(const ig_tensor *t, int64_t bound, const int64_t *ignore, const char *what, ig_error *err);

static inline bool ig_is_f64(const ig_tensor *t) { return t->dtype == IG_DTYPE_F64; }
static inline size_t ig_round64(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

#endif
