/* tensor/quant_blocks.h: 32 values of any quantised type, opened: what blocks, panels and the encoder share.
 *
 *     value i = scale[i/16]·(u[i] - zero) - min
 */
#ifndef TENSOR_QUANT_BLOCKS_H
#define TENSOR_QUANT_BLOCKS_H

#include "tensor/kernels/panel.h"

typedef struct ig_open_block {
    uint8_t u[32];
    int zero;
    float scale[2], min;
} ig_open_block;

/* Values 32·b … of a row in GGUF's layout. */
void ig_block_open(ig_block_type t, const uint8_t *row, size_t b, ig_open_block *out);
void ig_open_block_f32(const ig_open_block *o, float *out);
int ig_block_zero(ig_block_type t);

/* Offsets within the blocks of 256. */
enum { K_D = 0, K_DMIN = 2, K_SCALES = 4, Q4_K_Q = 16, Q5_K_HIGH = 16, Q5_K_Q = 48, Q6_K_HIGH = 128, Q6_K_SCALES = 192, Q6_K_D = 208 };

/* The 6-bit scale and minimum of 32 values j = 0…7, in the 12 bytes of q4_K and q5_K:
 *   j < 4:  byte j = s[j] | bits 4-5 of s[j+4] << 6;   byte j+4 = m[j] | bits 4-5 of m[j+4] << 6
 *   then    byte j+8 = low half of s[j+4] | low half of m[j+4] << 4 */
void ig_k_scales_get(const uint8_t *p, int j, int *s, int *m);
void ig_k_scales_put(uint8_t *p, const uint8_t s[8], const uint8_t m[8]);

/* Scales are little-endian f16 at any address. */
float ig_get_f16(const uint8_t *p);
void ig_put_f16(uint8_t *p, float v);

/* ---- the fits of quant_fit.c, over n <= 32 values with weights w ------------------------------------------------- */

/* A scale for integers in [-top, top - 1] (w·(x - scale·q)² small); may be negative. */
float ig_fit_symmetric(const float *x, const float *w, int n, int top);
double ig_symmetric_error(const float *x, const float *w, int n, int top, float scale);
int ig_symmetric_code(float x, float scale, int top); /* in [-top, top - 1] */
/* scale >= 0 and min >= 0 for x ≈ scale·q - min, q in [0, top]. */
void ig_fit_affine(const float *x, const float *w, int n, int top, float *scale, float *min);
double ig_affine_error(const float *x, const float *w, int n, int top, float scale, float min);
int ig_affine_code(float x, float scale, float min, int top);

#endif
