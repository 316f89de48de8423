/* ingot/tensor.h: n-dimensional arrays.
 *
 * A tensor is a strided view of reference-counted storage: row-major, dim 0 outermost, strides in elements (0 where a
 * dimension is broadcast).  It is a plain struct that is passed by pointer; copying the struct copies the view without
 * taking a reference, so ownership is taken with ig_tensor_ref and given back with ig_tensor_unref.
 */
#ifndef INGOT_TENSOR_H
#define INGOT_TENSOR_H

#include "ingot/base.h"
#include "ingot/limits.h"

#pragma GCC visibility push(default) /* what stands here, libingot.so exports */
#ifdef __cplusplus
extern "C" {
#endif

typedef enum ig_dtype {
    IG_DTYPE_F32,
    IG_DTYPE_F64,
    IG_DTYPE_F16,
    IG_DTYPE_BF16,
    IG_DTYPE_I32,
    IG_DTYPE_I64,
    IG_DTYPE_U8,
    IG_DTYPE_BOOL, /* one byte, 0 or 1 */
    IG_DTYPE_COUNT
} ig_dtype;

size_t ig_dtype_size(ig_dtype d);
const char *ig_dtype_name(ig_dtype d);                   /* "f32" … */
bool ig_dtype_parse(const char *name, ig_dtype *out);
bool ig_dtype_is_float(ig_dtype d);

typedef struct ig_storage ig_storage;

typedef struct ig_tensor {
    ig_dtype dtype;
    int ndim;
    int64_t shape[IG_DIMS_MAX];
    int64_t stride[IG_DIMS_MAX]; /* elements */
    void *data;                  /* first element; NULL while only the shape is known */
    ig_storage *storage;         /* NULL: the memory belongs to somebody else */
} ig_tensor;

/* Shape only: row-major strides, no memory.  IG_E_SHAPE for negative sizes, too many dimensions or an element count that
 * does not fit. */
ig_status ig_tensor_describe(ig_tensor *t, ig_dtype dtype, int ndim, const int64_t *shape, ig_error *err);
/* With memory of its own, not cleared. */
ig_status ig_tensor_new(ig_context *ctx, ig_dtype dtype, int ndim, const int64_t *shape, ig_tensor *out, ig_error *err);
ig_status ig_tensor_zeros(ig_context *ctx, ig_dtype dtype, int ndim, const int64_t *shape, ig_tensor *out, ig_error *err);
/* Give a described tensor (any dense strides) memory of its own. */
ig_status ig_tensor_alloc(ig_context *ctx, ig_tensor *t, ig_error *err);
/* Over the caller's memory, which must outlive it. */
ig_status ig_tensor_wrap(ig_tensor *t, void *data, ig_dtype dtype, int ndim, const int64_t *shape, ig_error *err);
void ig_tensor_ref(const ig_tensor *t);
void ig_tensor_unref(ig_tensor *t); /* also clears data and storage; fine on a zeroed struct */

int64_t ig_tensor_numel(const ig_tensor *t);
size_t ig_tensor_bytes(const ig_tensor *t); /* numel times element size */
bool ig_tensor_is_contiguous(const ig_tensor *t);
bool ig_tensor_same_shape(const ig_tensor *a, const ig_tensor *b);
/* "[2,3,4]" */
const char *ig_tensor_shape_text(const ig_tensor *t, char *buf, size_t size);

/* Views: only shape, strides and data change; no reference is taken. */
ig_status ig_tensor_reshape(ig_tensor *view, const ig_tensor *t, int ndim, const int64_t *shape, ig_error *err); /* one size may be -1; IG_E_SHAPE if a copy would be needed */
ig_status ig_tensor_transpose(ig_tensor *view, const ig_tensor *t, int a, int b, ig_error *err);
ig_status ig_tensor_slice(ig_tensor *view, const ig_tensor *t, int axis, int64_t begin, int64_t end, ig_error *err);
ig_status ig_tensor_broadcast(ig_tensor *view, const ig_tensor *t, int ndim, const int64_t *shape, ig_error *err);

/* Copy with conversion: same shape (src broadcasts), any strides and types.  f32 → bf16/f16 rounds to nearest even. */
ig_status ig_tensor_copy(ig_context *ctx, const ig_tensor *dst, const ig_tensor *src, ig_error *err);
ig_status ig_tensor_fill(ig_context *ctx, const ig_tensor *t, double value, ig_error *err);
double ig_tensor_get(const ig_tensor *t, int64_t linear_index); /* row-major index; for tests and printing */
void ig_tensor_set(const ig_tensor *t, int64_t linear_index, double value);

/* Bytes of tensor storage alive in this context now, the most so far, and the number of allocations so far. */
typedef struct ig_tensor_stats {
    uint64_t bytes, peak_bytes, allocations;
} ig_tensor_stats;
void ig_tensor_stats_get(ig_context *ctx, ig_tensor_stats *out);

float ig_bf16_to_f32(uint16_t v);
uint16_t ig_f32_to_bf16(float v); /* round to nearest even; NaN stays NaN */
float ig_f16_to_f32(uint16_t v);
uint16_t ig_f32_to_f16(float v);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
