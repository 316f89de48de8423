/* tensor/gemm.h: products of matrices, C = A·B (+ bias) (+ C), batched, on raw pointers.
 *
 * A product is described once and prepared once per shape; the prepared product is cached in the context.  oneDNN runs
 * f32 and bf16, OpenBLAS f64, and f32 where oneDNN has nothing; plain loops stand behind both and are what
 * IG_CPU=reference runs.
 */
#ifndef INGOT_TENSOR_GEMM_H
#define INGOT_TENSOR_GEMM_H

#include "ingot/tensor.h"

#define IG_GEMM_BATCH_MAX (IG_DIMS_MAX - 2)

typedef struct ig_gemm_desc {
    ig_dtype in;     /* of A and B: f32, bf16 or f64 */
    ig_dtype out;    /* f32 for f32 and bf16; f64 for f64; bf16 for bf16 is possible too */
    bool accumulate; /* C += A·B */
    bool bias;       /* + bias[N], f32 (f64 for f64) */
    int batch_ndim;
    int64_t batch[IG_GEMM_BATCH_MAX];                                     /* sizes of the leading dims of C */
    int64_t a_batch[IG_GEMM_BATCH_MAX], b_batch[IG_GEMM_BATCH_MAX], c_batch[IG_GEMM_BATCH_MAX]; /* strides; 0 repeats A or B */
    int64_t m, n, k;
    int64_t a_row, a_col, b_row, b_col, c_row; /* strides in elements; one of row and col is 1; C's col is 1 */
} ig_gemm_desc;

typedef struct ig_gemm ig_gemm;

/* The prepared product of this description: from the cache, or made now. `pin` keeps it until ig_gemm_unpin; without it
 * the pointer holds until the next ig_gemm_get. */
ig_status ig_gemm_get(ig_context *ctx, const ig_gemm_desc *desc, bool pin, ig_gemm **out, ig_error *err);
void ig_gemm_unpin(ig_gemm *g);
ig_status ig_gemm_run(ig_gemm *g, void *c, const void *a, const void *b, const void *bias, ig_error *err);

#endif
