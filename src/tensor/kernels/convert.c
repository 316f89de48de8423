/* tensor/kernels/convert.c: half-precision numbers, rounded to nearest even.
 *
 * bf16 by integer arithmetic that vectorises; f16 by the processor's own instructions, and in the reference build and for
 * tails by integers.  Both agree on every value (tests/tensor/kernels/convert.c); a NaN stays a NaN, its payload is free.
 */
#include "tensor/kernels/kernel_math.h"
#include "tensor/kernels/table.h"

#ifdef __F16C__
#include <immintrin.h>
#endif

void K(bf16_to_f32)(float *y, const uint16_t *x, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = bits_to_float((uint32_t)x[i] << 16);
}

void K(f32_to_bf16)(uint16_t *y, const float *x, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint32_t u = float_to_bits(x[i]), rounded = (u + 0x7fffu + ((u >> 16) & 1)) >> 16, nan = (u >> 16) | 0x40;
        y[i] = (uint16_t)((u & 0x7fffffffu) > 0x7f800000u ? nan : rounded);
    }
}

/* ---- 8 bits, with a scale and a zero ----------------------------------------------------------------------------------------- */

/* Adding 1.5·2^23 rounds to a whole number, to nearest even, which then stands in the low bits. */
void K(f32_to_u8)(uint8_t *q, const float *x, float inverse, float zero, size_t n) {
    for (size_t i = 0; i < n; i++) {
        float v = x[i] * inverse + zero;
        v = v > 0 ? v : 0;
        v = v < 255 ? v : 255;
        q[i] = (uint8_t)float_to_bits(v + 12582912.0f);
    }
}

void K(u8_to_f32)(float *x, const uint8_t *q, float scale, float zero, size_t n) {
    for (size_t i = 0; i < n; i++) x[i] = scale * ((float)q[i] - zero);
}

/* ---- f16 ------------------------------------------------------------------------------------------------------------------ */

static float widen(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, rest = (uint32_t)(h & 0x7fff) << 13;
    float scaled = bits_to_float(rest) * 0x1p112f; /* moves the exponent's bias, denormals included */
    uint32_t special = rest >= 0x0f800000u ? rest | 0x7f800000u : float_to_bits(scaled);
    return bits_to_float(sign | special);
}

static uint16_t narrow(float x) {
    uint32_t u = float_to_bits(x), sign = (u >> 16) & 0x8000, m = u & 0x7fffffffu;
    uint32_t normal = (m - 0x38000000u + 0xfff + ((m >> 13) & 1)) >> 13;
    uint32_t small = float_to_bits(bits_to_float(m) + 0.5f) - 0x3f000000u; /* the addition rounds where f16's denormals end */
    uint32_t h = m < 0x38800000u ? small : normal;
    h = m >= 0x477ff000u ? 0x7c00 : h;
    h = m > 0x7f800000u ? 0x7e00 : h;
    return (uint16_t)(sign | h);
}

void K(f16_to_f32)(float *y, const uint16_t *x, size_t n) {
    size_t i = 0;
#ifdef __F16C__
    for (; i + 8 <= n; i += 8) _mm256_storeu_ps(y + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(x + i))));
#endif
    for (; i < n; i++) y[i] = widen(x[i]);
}

void K(f32_to_f16)(uint16_t *y, const float *x, size_t n) {
    size_t i = 0;
#ifdef __F16C__
    for (; i + 8 <= n; i += 8) _mm_storeu_si128((__m128i *)(void *)(y + i), _mm256_cvtps_ph(_mm256_loadu_ps(x + i), _MM_FROUND_TO_NEAREST_INT));
#endif
    for (; i < n; i++) y[i] = narrow(x[i]);
}
