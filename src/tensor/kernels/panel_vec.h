/* tensor/kernels/panel_vec.h: the few vector operations of the panel products, for each instruction set.
 *
 * A vector has a lane per row of the panel: WIDE floats (vf), or WIDE × 4 bytes (vi), which are four successive values
 * of each row.  A panel of 16 rows is walked in 16 / WIDE parts.  Every operation gives the same bits in every build.
 */
#ifndef INGOT_TENSOR_PANEL_VEC_H
#define INGOT_TENSOR_PANEL_VEC_H

#include <string.h>

#include "tensor/kernels/kernel_math.h"
#include "tensor/kernels/panel.h"


INLINE int32_t four_bytes(const int8_t *x) {
    int32_t v;
    memcpy(&v, x, sizeof v);
    return v;
}

#if defined(__AVX512VNNI__)

#include <immintrin.h>
#define WIDE 16
#define LIVE_MAX 16 /* rows of x whose sums stay in registers */
typedef __m512i vi;
typedef __m512 vf;

INLINE vi v_bytes(const uint8_t *p) { return _mm512_loadu_si512(p); }
INLINE vi v_low(vi a) { return _mm512_and_si512(a, _mm512_set1_epi8(15)); }
INLINE vi v_high(vi a) { return v_low(_mm512_srli_epi16(a, 4)); }
/* a | (b << n & mask), bytes; n < 0 shifts right; no masked bit may come from another byte */
INLINE vi v_join(vi a, vi b, int n, int mask) {
    vi s = n >= 0 ? _mm512_slli_epi16(b, (unsigned)(n >= 0 ? n : 0)) : _mm512_srli_epi16(b, (unsigned)(n < 0 ? -n : 0));
    return _mm512_ternarylogic_epi32(a, s, _mm512_set1_epi8((char)mask), 0xf8);
}
INLINE vi v_start(int32_t negsum, int shift) { return _mm512_slli_epi32(_mm512_set1_epi32(negsum), (unsigned)shift); }
/* acc += w·x, w unsigned below 64, x signed */
INLINE vi v_dot(vi acc, vi w, const int8_t *x) { return _mm512_dpbusd_epi32(acc, w, _mm512_set1_epi32(four_bytes(x))); }
/* the same for w = q + 128: between v_start_wide(-Σx) and the end the sum is that of q·x */
INLINE vi v_start_wide(int32_t negsum) { return v_start(negsum, 7); }
INLINE vi v_dot_wide(vi acc, vi w, const int8_t *x) { return v_dot(acc, w, x); }
INLINE vi v_sum(vi a, vi b) { return _mm512_add_epi32(a, b); }
INLINE vi v_difference(vi a, vi b) { return _mm512_sub_epi32(a, b); }
INLINE vf v_float(vi a) { return _mm512_cvtepi32_ps(a); }
INLINE vf v_zero(void) { return _mm512_setzero_ps(); }
INLINE vf v_same(float x) { return _mm512_set1_ps(x); }
INLINE vf v_mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
INLINE vf v_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }
INLINE vf v_load(const float *p) { return _mm512_loadu_ps(p); }
INLINE void v_store(float *p, vf a) { _mm512_storeu_ps(p, a); }
INLINE vf v_f16(const uint8_t *p) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)p)); }
INLINE vf v_bf16(const uint8_t *p) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)p)), 16));
}
INLINE vf v_u8(const uint8_t *p) { return v_float(_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)p))); }
INLINE vf v_i8(const uint8_t *p) { return v_float(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(const void *)p))); }

#elif defined(__AVX2__)

#include <immintrin.h>
#define WIDE 8
#define LIVE_MAX 4
typedef __m256i vi;
typedef __m256 vf;

INLINE vi v_bytes(const uint8_t *p) { return _mm256_loadu_si256((const __m256i *)(const void *)p); }
INLINE vi v_low(vi a) { return _mm256_and_si256(a, _mm256_set1_epi8(15)); }
INLINE vi v_high(vi a) { return v_low(_mm256_srli_epi16(a, 4)); }
INLINE vi v_join(vi a, vi b, int n, int mask) {
    vi s = n >= 0 ? _mm256_slli_epi16(b, n >= 0 ? n : 0) : _mm256_srli_epi16(b, n < 0 ? -n : 0);
    return _mm256_or_si256(a, _mm256_and_si256(s, _mm256_set1_epi8((char)mask)));
}
INLINE vi v_start(int32_t negsum, int shift) { return _mm256_slli_epi32(_mm256_set1_epi32(negsum), shift); }
/* Pairs of products fit 16 bits: 2·63·127, and for signed bytes 2·128·127. */
INLINE vi v_pairs(vi acc, vi unsigned_bytes, vi signed_bytes) {
    vi pairs = _mm256_maddubs_epi16(unsigned_bytes, signed_bytes);
    return _mm256_add_epi32(acc, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}
INLINE vi v_dot(vi acc, vi w, const int8_t *x) { return v_pairs(acc, w, _mm256_set1_epi32(four_bytes(x))); }
INLINE vi v_start_wide(int32_t negsum) {
    (void)negsum;
    return _mm256_setzero_si256();
}
INLINE vi v_dot_wide(vi acc, vi w, const int8_t *x) { /* |q| · (x with the sign of q) */
    vi q = _mm256_xor_si256(w, _mm256_set1_epi8((char)0x80));
    return v_pairs(acc, _mm256_abs_epi8(q), _mm256_sign_epi8(_mm256_set1_epi32(four_bytes(x)), q));
}
INLINE vi v_sum(vi a, vi b) { return _mm256_add_epi32(a, b); }
INLINE vi v_difference(vi a, vi b) { return _mm256_sub_epi32(a, b); }
INLINE vf v_float(vi a) { return _mm256_cvtepi32_ps(a); }
INLINE vf v_zero(void) { return _mm256_setzero_ps(); }
INLINE vf v_same(float x) { return _mm256_set1_ps(x); }
INLINE vf v_mul(vf a, vf b) { return _mm256_mul_ps(a, b); }
INLINE vf v_fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }
INLINE vf v_load(const float *p) { return _mm256_loadu_ps(p); }
INLINE void v_store(float *p, vf a) { _mm256_storeu_ps(p, a); }
INLINE vf v_f16(const uint8_t *p) { return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p)); }
INLINE vf v_bf16(const uint8_t *p) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)p)), 16));
}
INLINE vf v_u8(const uint8_t *p) { return v_float(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p))); }
INLINE vf v_i8(const uint8_t *p) { return v_float(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p))); }

#else /* plain C: what the others are tested against */

#define WIDE 16
#define LIVE_MAX 1
typedef struct vi { uint32_t lane[WIDE]; } vi;
typedef struct vf { float lane[WIDE]; } vf;
#define EACH_LANE for (int l = 0; l < WIDE; l++)

INLINE vi v_bytes(const uint8_t *p) {
    vi a;
    memcpy(&a, p, sizeof a);
    return a;
}
INLINE vi v_low(vi a) {
    EACH_LANE a.lane[l] &= 0x0f0f0f0fu;
    return a;
}
INLINE vi v_high(vi a) {
    EACH_LANE a.lane[l] = a.lane[l] >> 4 & 0x0f0f0f0fu;
    return a;
}
INLINE vi v_join(vi a, vi b, int n, int mask) {
    EACH_LANE a.lane[l] |= (n >= 0 ? b.lane[l] << n : b.lane[l] >> -n) & 0x01010101u * (uint32_t)mask;
    return a;
}
INLINE vi v_start(int32_t negsum, int shift) {
    vi a;
    EACH_LANE a.lane[l] = (uint32_t)negsum << shift;
    return a;
}
INLINE vi v_dot(vi acc, vi w, const int8_t *x) {
    EACH_LANE for (int t = 0; t < 4; t++) acc.lane[l] += (uint32_t)((int)(w.lane[l] >> 8 * t & 255) * x[t]);
    return acc;
}
INLINE vi v_start_wide(int32_t negsum) { return v_start(negsum, 7); }
INLINE vi v_dot_wide(vi acc, vi w, const int8_t *x) { return v_dot(acc, w, x); }
INLINE vi v_sum(vi a, vi b) {
    EACH_LANE a.lane[l] += b.lane[l];
    return a;
}
INLINE vi v_difference(vi a, vi b) {
    EACH_LANE a.lane[l] -= b.lane[l];
    return a;
}
INLINE vf v_float(vi a) {
    vf y;
    EACH_LANE y.lane[l] = (float)(int32_t)a.lane[l];
    return y;
}
INLINE vf v_same(float x) {
    vf y;
    EACH_LANE y.lane[l] = x;
    return y;
}
INLINE vf v_zero(void) { return v_same(0); }
INLINE vf v_mul(vf a, vf b) {
    EACH_LANE a.lane[l] *= b.lane[l];
    return a;
}
INLINE vf v_fma(vf a, vf b, vf c) {
    EACH_LANE a.lane[l] = FMA(a.lane[l], b.lane[l], c.lane[l]);
    return a;
}
INLINE vf v_load(const float *p) {
    vf y;
    memcpy(&y, p, sizeof y);
    return y;
}
INLINE void v_store(float *p, vf a) { memcpy(p, &a, sizeof a); }
void K(f16_to_f32)(float *y, const uint16_t *x, size_t n);
INLINE vf v_f16(const uint8_t *p) {
    uint16_t h[WIDE];
    vf y;
    memcpy(h, p, sizeof h);
    K(f16_to_f32)(y.lane, h, WIDE);
    return y;
}
INLINE vf v_bf16(const uint8_t *p) {
    uint16_t h[WIDE];
    vf y;
    memcpy(h, p, sizeof h);
    EACH_LANE y.lane[l] = bits_to_float((uint32_t)h[l] << 16);
    return y;
}
INLINE vf v_u8(const uint8_t *p) {
    vf y;
    EACH_LANE y.lane[l] = (float)p[l];
    return y;
}
INLINE vf v_i8(const uint8_t *p) {
    vf y;
    EACH_LANE y.lane[l] = (float)(int8_t)p[l];
    return y;
}

#endif

#endif
