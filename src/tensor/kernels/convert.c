/* tensor/kernels/convert.c: half-precision numbers, rounded to nearest even, by integer arithmetic that vectorises. */
#include "tensor/kernels/kernel_math.h"
#include "tensor/kernels/table.h"

void K(bf16_to_f32)(float *y, const uint16_t *x, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = bits_to_float((uint32_t)x[i] << 16);
}

void K(f32_to_bf16)(uint16_t *y, const float *x, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint32_t u = float_to_bits(x[i]), rounded = (u + 0x7fffu + ((u >> 16) & 1)) >> 16, nan = (u >> 16) | 0x40;
        y[i] = (uint16_t)((u & 0x7fffffffu) > 0x7f800000u ? nan : rounded);
    }
}

void K(f16_to_f32)(float *y, const uint16_t *x, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint32_t sign = (uint32_t)(x[i] & 0x8000) << 16, rest = (uint32_t)(x[i] & 0x7fff) << 13;
        float scaled = bits_to_float(rest) * 0x1p112f; /* moves the exponent's bias, denormals included */
        uint32_t special = rest >= 0x0f800000u ? rest | 0x7f800000u : float_to_bits(scaled);
        y[i] = bits_to_float(sign | special);
    }
}

void K(f32_to_f16)(uint16_t *y, const float *x, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint32_t u = float_to_bits(x[i]), sign = (u >> 16) & 0x8000, m = u & 0x7fffffffu;
        uint32_t normal = (m - 0x38000000u + 0xfff + ((m >> 13) & 1)) >> 13;
        uint32_t small = float_to_bits(bits_to_float(m) + 0.5f) - 0x3f000000u;
        uint32_t h = m < 0x38800000u ? small : normal;
        h = m >= 0x477ff000u ? 0x7c00 : h;
        h = m > 0x7f800000u ? 0x7e00 : h;
        y[i] = (uint16_t)(sign | h);
    }
}
