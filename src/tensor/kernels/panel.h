/* tensor/kernels/panel.h: the layouts that the products over quantised weights read: panels of weights, tiles of x.
 *
 * A panel holds 16 rows of the matrix (32 for f32, f16, bf16), the last one filled up with zeros.  First come the
 * integers of all blocks of 32 values, then the scales; both parts start on a cache line.
 *
 *   a line: 64 bytes = 16 rows × 4 values: byte 4r + t is row r, value 4v + t.  Eight lines v = 0…7 are 32 values.
 *
 *   integers of 32 values                                                        bytes
 *     q8_0         8 lines of q + 128                                              512
 *     4-bit types  4 lines: line v in the low halves, line v + 4 in the high       256
 *     5-bit types  1 line of bits: bit v belongs to line v | 4 lines as above  64 + 256
 *     q6_K         2 lines of bits: bits 2(v%4)… of line v/4  | 4 lines       128 + 256
 *
 *   scales, r = row
 *     q8_0 q4_0 q5_0   per 32:   d[r] f16                                           32
 *     q4_K q5_K        per 256:  d[r] f16 | dmin[r] f16 | three times 64 bytes     256
 *                                  a = s[0…3][r] + m[4…7][r] bits 0-1 << 6
 *                                  b = s[4…7][r] + m[4…7][r] bits 2-3 << 6
 *                                  c = m[0…3][r] + m[4…7][r] bits 4-5 << 6
 *     q6_K             per 256:  d[r] f16 | s[0…15][r] signed                      288
 *
 *   f32 f16 bf16   values [K][32]
 *
 * A tile holds up to 16 rows of x (8 for f32, f16, bf16): ig_quant_x [K/32][tile_rows], or float [K][tile_rows].
 */
#ifndef INGOT_TENSOR_PANEL_H
#define INGOT_TENSOR_PANEL_H

#include "ingot/quant.h"

/* 32 values of a row of x, as scale·q. */
typedef struct ig_quant_x {
    int8_t q[32];
    float scale, minus; /* minus = -scale·Σq */
    int32_t negsum[2];  /* -Σq of the first half, and of both */
} ig_quant_x;

typedef struct ig_panel_args {
    float *y; /* [rows] of distance y_row, `columns` of the panel's rows each */
    size_t y_row, rows, columns;
    const uint8_t *panel;
    const void *tile;
    size_t tile_rows; /* ig_tile_rows(…): rows, or a few more */
    size_t k;
} ig_panel_args;

static inline bool ig_block_is_quantised(ig_block_type t) { return t >= IG_BLOCK_Q8_0; }
static inline bool ig_block_is_k(ig_block_type t) { return t >= IG_BLOCK_Q4_K; }
static inline size_t ig_panel_rows(ig_block_type t) { return ig_block_is_quantised(t) ? 16 : 32; }
static inline size_t ig_tile_rows_max(ig_block_type t) { return ig_block_is_quantised(t) ? 16 : 8; }

/* The sizes for which there is a kernel; the next one up. */
static inline size_t ig_tile_rows(size_t rows) {
    return rows <= 4 ? rows : rows <= 6 ? 6 : rows <= 8 ? 8 : rows <= 12 ? 12 : 16;
}

/* Bytes of a row of x in a tile. */
static inline size_t ig_tile_row_bytes(ig_block_type t, size_t k) {
    return ig_block_is_quantised(t) ? k / 32 * sizeof(ig_quant_x) : k * sizeof(float);
}

/* Bytes of 32 values × 16 rows before the 4 lines of low halves. */
static inline size_t ig_panel_high_bytes(ig_block_type t) {
    return t == IG_BLOCK_Q5_0 || t == IG_BLOCK_Q5_K ? 64 : t == IG_BLOCK_Q6_K ? 128 : 0;
}
static inline size_t ig_panel_integer_bytes(ig_block_type t) { return t == IG_BLOCK_Q8_0 ? 512 : 256 + ig_panel_high_bytes(t); }
/* Bytes of the scales of one block of the type × 16 rows. */
static inline size_t ig_panel_scale_bytes(ig_block_type t) { return t == IG_BLOCK_Q6_K ? 288 : ig_block_is_k(t) ? 256 : 32; }

#endif
