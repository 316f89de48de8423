/* ingot/quant.h: block-quantised weights, and products over them.
 *
 * A row of a weight matrix is cut into blocks of 32 or 256 values; a block holds small integers and the scales that turn
 * them into numbers.  The layouts are GGUF's (docs/gguf.md of the ggml project), so that blocks from such a file are used
 * as they lie there.  For computing, a matrix is prepared once (ig_qweight): rows are interleaved so that one pass over
 * memory serves many rows at a time.
 */
#ifndef INGOT_QUANT_H
#define INGOT_QUANT_H

#include "ingot/base.h"

#pragma GCC visibility push(default) /* what stands here, libingot.so exports */
#ifdef __cplusplus
extern "C" {
#endif

/* d, dmin: f16 scales; q: the stored integer, unsigned unless said.         values   bytes   a value is
 */
typedef enum ig_block_type {
    IG_BLOCK_F32,  /*                                                             1       4                              */
    IG_BLOCK_F16,  /*                                                             1       2                              */
    IG_BLOCK_BF16, /*                                                             1       2                              */
    IG_BLOCK_Q8_0, /* d | q: 32 signed bytes                                     32      34   d·q                        */
    IG_BLOCK_Q4_0, /* d | q: 16 bytes, value i low half, i+16 high half          32      18   d·(q - 8)                  */
    IG_BLOCK_Q5_0, /* d | bit 4 of all q: 4 bytes | low 4 bits as in q4_0        32      22   d·(q - 16)                 */
    IG_BLOCK_Q4_K, /* d | dmin | 8 × (s, m) of 6 bits: 12 bytes | q: 128 bytes  256     144   d·s·q - dmin·m, s,m per 32 */
    IG_BLOCK_Q5_K, /* as q4_K, with bit 4 of all q in 32 bytes before q         256     176   d·s·q - dmin·m, s,m per 32 */
    IG_BLOCK_Q6_K, /* low 4 bits: 128 | high 2 bits: 64 | s: 16 signed | d      256     210   d·s·(q - 32), s per 16     */
    IG_BLOCK_COUNT
} ig_block_type;

const char *ig_block_name(ig_block_type t); /* "f32", "q8_0", "q4_K" … */
bool ig_block_parse(const char *name, ig_block_type *out); /* upper and lower case are the same */
size_t ig_block_size(ig_block_type t);  /* values in a block */
size_t ig_block_bytes(ig_block_type t); /* bytes of a block */
/* Bytes of n values; n must be a multiple of the block size.  IG_E_SHAPE, or IG_E_LIMIT when it does not fit. */
ig_status ig_block_row_bytes(ig_block_type t, size_t n, size_t *out, ig_error *err);

/* n values out of their blocks; IG_E_SHAPE unless n is a multiple of the block size.  `blocks` needs no alignment. */
ig_status ig_blocks_to_f32(ig_block_type t, const void *blocks, size_t n, float *out, ig_error *err);
/* n values into blocks, with the least squared error that a search finds; importance [n], not negative, weighs the errors
 * (NULL: all alike).  IG_E_NUMERIC when a value is not finite, IG_E_ARG when an importance is negative or not finite. */
ig_status ig_blocks_from_f32(ig_block_type t, const float *x, size_t n, const float *importance, void *out, ig_error *err);

/* The same for x [N,K], on all threads; *out is to be given to ig_free. */
ig_status ig_blocks_from_rows(ig_context *ctx, ig_block_type t, const float *x, size_t N, size_t K, void **out, ig_error *err);

/* A weight matrix [N,K], prepared for products.  Immutable, so that threads may share it. */
typedef struct ig_qweight ig_qweight;

/* From N rows of K values in blocks, one row after the other; the blocks are not needed afterwards. */
ig_status ig_qweight_new(ig_context *ctx, ig_block_type type, int64_t N, int64_t K, const void *blocks,
                         ig_qweight **out, ig_error *err);
void ig_qweight_free(ig_qweight *w);
size_t ig_qweight_bytes(const ig_qweight *w); /* memory that it takes */
ig_block_type ig_qweight_type(const ig_qweight *w);
int64_t ig_qweight_rows(const ig_qweight *w); /* N */
int64_t ig_qweight_cols(const ig_qweight *w); /* K */
/* Row `row` as numbers, the same bits as ig_blocks_to_f32.  0 <= row < N, out [K]. */
void ig_qweight_row_f32(const ig_qweight *w, int64_t row, float *out);

/* y = x·wᵀ.   x [M,K], y [M,N], f32, row-major.
 *
 * For quantised types each 32 values of x are rounded to 8 bits with a scale of their own, and products are summed as
 * integers; f32, f16 and bf16 weights are multiplied in f32.  A row of y has the same bits whatever M, the number of
 * threads and the instruction set are.  A NaN or an infinity in a row of x makes the row of y NaN (quantised types).
 * Values of x below 2^-119 count as zero where they are the largest of their 32. */
ig_status ig_qweight_matmul(ig_context *ctx, const ig_qweight *w, const float *x, int64_t M, float *y, ig_error *err);
/* The same over memory of the caller's, 64-byte aligned, of ig_qweight_scratch(w, M) bytes: allocates nothing. */
size_t ig_qweight_scratch(const ig_qweight *w, int64_t M);
void ig_qweight_matmul_in(ig_context *ctx, const ig_qweight *w, const float *x, int64_t M, float *y, void *scratch);

/* dx = dy·w, the gradient of the product to x, in f32 over the numbers that the weights stand for.  dy [M,N], dx [M,K]. */
ig_status ig_qweight_matmul_grad(ig_context *ctx, const ig_qweight *w, const float *dy, int64_t M, float *dx, ig_error *err);
size_t ig_qweight_grad_scratch(const ig_qweight *w); /* as above */
ig_status ig_qweight_matmul_grad_in(ig_context *ctx, const ig_qweight *w, const float *dy, int64_t M, float *dx,
                                    void *scratch, ig_error *err);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
