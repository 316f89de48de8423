/* nn/multi_tensor.h: ops that treat all parameters in one launch. */
#ifndef INGOT_NN_MULTI_TENSOR_H
#define INGOT_NN_MULTI_TENSOR_H

#include "graph/op.h"

#define IG_MULTI_MAX 4 /* tensors of one tuple: parameter, gradient, two moments */

/* One piece of one tuple: at[k] is where the piece begins in tensor k of the tuple, n the number of elements. */
typedef void ig_multi_fn(const ig_kernels *k, const void *args, ig_dtype dtype, void *const at[IG_MULTI_MAX], size_t n);

/* Shape rule, scratch size and run of an op with inputs [fixed…, tuple, tuple, …], where fixed is op->nin_min and the
 * length of a tuple is op->mutates_every. */
ig_status ig_multi_shape(ig_node *n, ig_error *err);
size_t ig_multi_scratch(ig_context *ctx, const ig_node *n);
ig_status ig_multi_run(const ig_run *r, ig_multi_fn *fn, const void *args);

/* In place of the public ops' one call per tensor: buffers += gradients (tuples [buffer, gradient]); buffers = 0;
 * average = decay·average + (1-decay)·weight (inputs decay f64 [1], norm; tuples [average, weight]). */
extern const ig_op ig_op_multi_accumulate, ig_op_multi_clear, ig_op_multi_ema;

#endif
