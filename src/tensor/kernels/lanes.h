/* tensor/kernels/lanes.h: sixteen numbers side by side, the unit in which every sum of the kernels runs.
 *
 * One AVX-512 register, two AVX2 registers, or a plain array in the reference build and for double.  A loop that adds whole
 * `lanes` keeps 16 partial sums, element i in lane i mod 16, and lanes_sum folds them in halves: the order of the additions,
 * and so the last bit, is the same for every instruction set.
 *
 * Trap: an array of vectors that a loop indexes is kept on the stack by the compiler, written and read again in every
 * iteration.  Hence the two named halves.
 */
#ifndef INGOT_TENSOR_LANES_H
#define INGOT_TENSOR_LANES_H

#include "tensor/kernels/isa.h"

#if !defined(IG_WIDE) && defined(__AVX512F__)
#include <immintrin.h>

typedef __m512 lanes;

INLINE lanes lanes_set(float x) { return _mm512_set1_ps(x); }
INLINE lanes lanes_load(const float *p) { return _mm512_loadu_ps(p); }
INLINE lanes lanes_load_f16(const uint16_t *p) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)p)); }
INLINE void lanes_store(float *p, lanes a) { _mm512_storeu_ps(p, a); }
/* n < 16 elements, `rest` in the lanes behind them */
INLINE lanes lanes_load_part(const float *p, size_t n, float rest) {
    return _mm512_mask_loadu_ps(_mm512_set1_ps(rest), (__mmask16)((1u << n) - 1), p);
}
INLINE lanes lanes_add(lanes a, lanes b) { return _mm512_add_ps(a, b); }
INLINE lanes lanes_sub(lanes a, lanes b) { return _mm512_sub_ps(a, b); }
INLINE lanes lanes_mul(lanes a, lanes b) { return _mm512_mul_ps(a, b); }
INLINE lanes lanes_fma(lanes a, lanes b, lanes c) { return _mm512_fmadd_ps(a, b, c); }
/* a > b ? a : b, so b when either is NaN */
INLINE lanes lanes_max(lanes a, lanes b) { return _mm512_max_ps(a, b); }

typedef struct eight { __m256 v; } eight;
INLINE eight lanes_low(lanes a) { return (eight){_mm512_castps512_ps256(a)}; }
INLINE eight lanes_high(lanes a) { return (eight){_mm512_extractf32x8_ps(a, 1)}; }

#elif !defined(IG_WIDE) && defined(__AVX2__)
#include <immintrin.h>

typedef struct lanes { __m256 lo, hi; } lanes;

INLINE lanes lanes_set(float x) { return (lanes){_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
INLINE lanes lanes_load(const float *p) { return (lanes){_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
INLINE __m256 load_f16_8(const uint16_t *p) { return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p)); }
INLINE lanes lanes_load_f16(const uint16_t *p) { return (lanes){load_f16_8(p), load_f16_8(p + 8)}; }
INLINE void lanes_store(float *p, lanes a) { _mm256_storeu_ps(p, a.lo), _mm256_storeu_ps(p + 8, a.hi); }
INLINE lanes lanes_load_part(const float *p, size_t n, float rest) {
    float t[LANES];
    lanes_store(t, lanes_set(rest));
    for (size_t i = 0; i < n; i++) t[i] = p[i];
    return lanes_load(t);
}
INLINE lanes lanes_add(lanes a, lanes b) { return (lanes){_mm256_add_ps(a.lo, b.lo), _mm256_add_ps(a.hi, b.hi)}; }
INLINE lanes lanes_sub(lanes a, lanes b) { return (lanes){_mm256_sub_ps(a.lo, b.lo), _mm256_sub_ps(a.hi, b.hi)}; }
INLINE lanes lanes_mul(lanes a, lanes b) { return (lanes){_mm256_mul_ps(a.lo, b.lo), _mm256_mul_ps(a.hi, b.hi)}; }
INLINE lanes lanes_fma(lanes a, lanes b, lanes c) { return (lanes){_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)}; }
INLINE lanes lanes_max(lanes a, lanes b) { return (lanes){_mm256_max_ps(a.lo, b.lo), _mm256_max_ps(a.hi, b.hi)}; }

typedef struct eight { __m256 v; } eight;
INLINE eight lanes_low(lanes a) { return (eight){a.lo}; }
INLINE eight lanes_high(lanes a) { return (eight){a.hi}; }

#else

typedef struct lanes { real v[LANES]; } lanes;

#define EACH_LANE(value)                                                                                               \
    do {                                                                                                               \
        lanes r_;                                                                                                      \
        for (size_t j = 0; j < LANES; j++) r_.v[j] = (value);                                                          \
        return r_;                                                                                                     \
    } while (0)
INLINE lanes lanes_set(real x) { EACH_LANE(x); }
INLINE lanes lanes_load(const real *p) { EACH_LANE(p[j]); }
INLINE void lanes_store(real *p, lanes a) { memcpy(p, a.v, sizeof a.v); }
INLINE lanes lanes_load_part(const real *p, size_t n, real rest) { EACH_LANE(j < n ? p[j] : rest); }
INLINE lanes lanes_add(lanes a, lanes b) { EACH_LANE(a.v[j] + b.v[j]); }
INLINE lanes lanes_sub(lanes a, lanes b) { EACH_LANE(a.v[j] - b.v[j]); }
INLINE lanes lanes_mul(lanes a, lanes b) { EACH_LANE(a.v[j] * b.v[j]); }
INLINE lanes lanes_fma(lanes a, lanes b, lanes c) { EACH_LANE(FMA(a.v[j], b.v[j], c.v[j])); }
INLINE lanes lanes_max(lanes a, lanes b) { EACH_LANE(a.v[j] > b.v[j] ? a.v[j] : b.v[j]); }

#endif

#if !defined(IG_WIDE) && defined(__AVX2__)
INLINE float lanes_sum(lanes a) {
    __m256 s = _mm256_add_ps(lanes_low(a).v, lanes_high(a).v);
    __m128 t = _mm_add_ps(_mm256_castps256_ps128(s), _mm256_extractf128_ps(s, 1));
    t = _mm_add_ps(t, _mm_movehl_ps(t, t));
    return _mm_cvtss_f32(t) + _mm_cvtss_f32(_mm_movehdup_ps(t));
}
INLINE float lanes_largest(lanes a) {
    __m256 s = _mm256_max_ps(lanes_low(a).v, lanes_high(a).v);
    __m128 t = _mm_max_ps(_mm256_castps256_ps128(s), _mm256_extractf128_ps(s, 1));
    t = _mm_max_ps(t, _mm_movehl_ps(t, t));
    return _mm_cvtss_f32(_mm_max_ss(t, _mm_movehdup_ps(t)));
}
#else
INLINE real lanes_sum(lanes a) {
    for (size_t width = LANES / 2; width; width /= 2)
        for (size_t j = 0; j < width; j++) a.v[j] += a.v[j + width];
    return a.v[0];
}
INLINE real lanes_largest(lanes a) {
    for (size_t width = LANES / 2; width; width /= 2)
        for (size_t j = 0; j < width; j++) a.v[j] = a.v[j] > a.v[j + width] ? a.v[j] : a.v[j + width];
    return a.v[0];
}
#endif

/* ---- sums over n contiguous elements -------------------------------------------------------------------------------- */

#define LANES_LOOP(n, step)                                                                                            \
    do {                                                                                                               \
        size_t i = 0;                                                                                                  \
        for (; i + LANES <= (n); i += LANES) step(LOAD_FULL);                                                          \
        if (i < (n)) step(LOAD_PART);                                                                                  \
    } while (0)
#define LOAD_FULL(p, rest) lanes_load((p) + i)
#define LOAD_PART(p, rest) lanes_load_part((p) + i, n - i, rest)

INLINE lanes lanes_add_all(lanes s, const real *x, size_t n) {
#define STEP(LOAD) s = lanes_add(s, LOAD(x, 0))
    LANES_LOOP(n, STEP);
#undef STEP
    return s;
}

INLINE real sum_of(const real *x, size_t n) { return lanes_sum(lanes_add_all(lanes_set(0), x, n)); }

INLINE real sum_of_products(const real *x, const real *y, size_t n) {
    lanes s = lanes_set(0);
#define STEP(LOAD) s = lanes_fma(LOAD(x, 0), LOAD(y, 0), s)
    LANES_LOOP(n, STEP);
#undef STEP
    return lanes_sum(s);
}

/* Σ (x - mean)² */
INLINE real sum_of_squares_around(const real *x, real mean, size_t n) {
    lanes s = lanes_set(0), m = lanes_set(mean), d;
#define STEP(LOAD) d = lanes_sub(LOAD(x, mean), m), s = lanes_fma(d, d, s)
    LANES_LOOP(n, STEP);
#undef STEP
    return lanes_sum(s);
}

/* The largest, by the plain comparison: a NaN may or may not win. */
INLINE real largest_of(const real *x, size_t n) {
    lanes m = lanes_set(-INFINITY);
#define STEP(LOAD) m = lanes_max(LOAD(x, -INFINITY), m)
    LANES_LOOP(n, STEP);
#undef STEP
    return lanes_largest(m);
}

#endif
