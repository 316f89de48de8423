/* tensor/kernels/tile.h: the inner product of matrices whose result stays in registers; included by attention_blocks.c
 * and recurrent.c.
 *
 * C[m][n] = (C +) Σ_k A(m,k)·B[k][n].  A is read element by element, by two strides, so that a transposed A costs nothing.
 * B is read in whole vectors from a panel of PANEL columns.  A tile holds R rows × P vectors of sums in registers: 12 × 2 with
 * 32 registers (AVX-512) or 6 × 2 with 16 (AVX2); each vector of B that is loaded serves R fused operations, each number of A two.
 * One element of C is one chain of fused operations in the order of k: tiles of any shape give the same bits.
 *
 * Trap: the loops over R and P must vanish before the compiler looks for registers, and gcc unrolls so early only loops that
 * stand inside another loop.  That is why a function runs over all row tiles of a panel instead of doing one.  When the sums are
 * spilled the speed falls to a third; bench/kernels.c shows it.
 */
#ifndef INGOT_TENSOR_TILE_H
#define INGOT_TENSOR_TILE_H

#include <immintrin.h>

#include "tensor/kernels/attention.h"



#if defined(__AVX512F__)
#define W 16
#define BROADCAST(x) _mm512_set1_ps(x)
#define LOAD(p) _mm512_loadu_ps(p)
#define STORE(p, v) _mm512_storeu_ps(p, v)
#define VFMA(a, b, c) _mm512_fmadd_ps(a, b, c)
typedef __m512 vec;
#else
#define W 8
#define BROADCAST(x) _mm256_set1_ps(x)
#define LOAD(p) _mm256_loadu_ps(p)
#define STORE(p, v) _mm256_storeu_ps(p, v)
#define VFMA(a, b, c) _mm256_fmadd_ps(a, b, c)
typedef __m256 vec;
#endif
#define PANEL (2 * W)

typedef struct matrix { /* element (i, j) is p[i·row + j·col] */
    const float *p;
    dim row, col;
} matrix;

/* Row i of a product takes k from first[i] to last[i] only, both rising with i: what a causal mask leaves. */
typedef struct span {
    const dim *first, *last;
} span;

#define TILE(R, P)                                                                                                     \
    static dim tile_##R##_##P(float *c, dim ldc, matrix a, const float *b, dim ldb, dim i, dim m, span k, bool add) {  \
        for (; i + R <= m; i += R) {                                                                                   \
            vec sum[R][P];                                                                                             \
            for (int r = 0; r < R; r++)                                                                                \
                for (int j = 0; j < P; j++) sum[r][j] = add ? LOAD(c + (i + r) * ldc + j * W) : BROADCAST(0);          \
            for (dim x = k.first[i]; x < k.last[i + R - 1]; x++) {                                                     \
                vec row[P];                                                                                            \
                for (int j = 0; j < P; j++) row[j] = LOAD(b + x * ldb + j * W);                                        \
                for (int r = 0; r < R; r++) {                                                                          \
                    vec f = BROADCAST(a.p[(i + r) * a.row + x * a.col]);                                               \
                    for (int j = 0; j < P; j++) sum[r][j] = VFMA(f, row[j], sum[r][j]);                                \
                }                                                                                                      \
            }                                                                                                          \
            for (int r = 0; r < R; r++)                                                                                \
                for (int j = 0; j < P; j++) STORE(c + (i + r) * ldc + j * W, sum[r][j]);                               \
        }                                                                                                              \
        return i;                                                                                                      \
    }

#if W == 16
TILE(12, 1) TILE(8, 1) TILE(4, 1) TILE(2, 1) TILE(1, 1)
TILE(12, 2) TILE(8, 2) TILE(4, 2) TILE(2, 2) TILE(1, 2)
#define TILE_ROWS 12
#define TILES(P) i = tile_12_##P(ARGS), i = tile_8_##P(ARGS), i = tile_4_##P(ARGS), i = tile_2_##P(ARGS), tile_1_##P(ARGS)
#else
TILE(6, 1) TILE(4, 1) TILE(2, 1) TILE(1, 1)
TILE(6, 2) TILE(4, 2) TILE(2, 2) TILE(1, 2)
#define TILE_ROWS 6
#define TILES(P) i = tile_6_##P(ARGS), i = tile_4_##P(ARGS), i = tile_2_##P(ARGS), tile_1_##P(ARGS)
#endif
#define ARGS c, ldc, a, b, ldb, i, m, k, add

/* Rows i … m-1 of one panel of C, of one or two vectors. */
static void product_panel(float *c, dim ldc, matrix a, const float *b, dim ldb, dim i, dim m, span k, bool add, bool wide) {
    if (wide) TILES(2);
    else TILES(1);
}

#endif
