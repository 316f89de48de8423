/* tensor/kernels/kernel_math.h: functions that the compiler vectorises: no branches, no calls.
 *
 * f32: Cephes' ranges and minimax polynomials (Moshier), about 1 to 2 units in the last place, right at infinities, NaN and
 * zero.  double: libm, for it serves gradient tests only.
 */
#ifndef INGOT_TENSOR_KERNEL_MATH_H
#define INGOT_TENSOR_KERNEL_MATH_H

#include "tensor/kernels/isa.h"

#ifdef IG_WIDE

INLINE real k_exp(real x) { return exp(x); }
INLINE real k_exp_down(real x) { return exp(x); }
INLINE real k_log(real x) { return log(x); }
INLINE real k_log1p(real x) { return log1p(x); }
INLINE real k_tanh(real x) { return tanh(x); }
INLINE real k_erf(real x) { return erf(x); }

#else

INLINE float bits_to_float(uint32_t u) {
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

INLINE uint32_t float_to_bits(float f) {
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return u;
}

/* x = n·ln 2 + r with |r| <= ln 2 / 2; e^x = 2^n·e^r.  Adding 1.5·2^23 rounds to an integer and leaves it in the low bits.
 * 2^n is applied in two halves so that results near both ends of the range, denormals included, come out right. */
INLINE float k_exp(float x) {
    float c = x < -104.0f ? -104.0f : x; /* NaN passes both comparisons */
    c = c > 89.0f ? 89.0f : c;
    float shifted = FMA(c, 1.44269504088896341f, 12582912.0f);
    float n = shifted - 12582912.0f;
    float r = FMA(n, -0.693359375f, c);
    r = FMA(n, 2.12194440e-4f, r);
    float p = FMA(1.9875691500e-4f, r, 1.3981999507e-3f);
    p = FMA(p, r, 8.3334519073e-3f);
    p = FMA(p, r, 4.1665795894e-2f);
    p = FMA(p, r, 1.6666665459e-1f);
    p = FMA(p, r, 5.0000001201e-1f);
    p = FMA(p, r * r, r) + 1.0f;
    int32_t i = (int32_t)(float_to_bits(shifted) - 0x4b400000u);
    int32_t half = i >> 1, rest = i - half;
    return p * bits_to_float((uint32_t)(half + 127) << 23) * bits_to_float((uint32_t)(rest + 127) << 23);
}

/* e^x without the ends of the range: 0 below e^-87, and x must not be above 88.  Cheaper, and enough wherever 1 or a maximum
 * stands beside the result. */
INLINE float k_exp_down(float x) {
    float shifted = FMA(x, 1.44269504088896341f, 12582912.0f);
    float n = shifted - 12582912.0f;
    float r = FMA(n, 2.12194440e-4f, FMA(n, -0.693359375f, x));
    float p = FMA(1.9875691500e-4f, r, 1.3981999507e-3f);
    p = FMA(p, r, 8.3334519073e-3f);
    p = FMA(p, r, 4.1665795894e-2f);
    p = FMA(p, r, 1.6666665459e-1f);
    p = FMA(p, r, 5.0000001201e-1f);
    p = FMA(p, r * r, r) + 1.0f;
    float y = p * bits_to_float((float_to_bits(shifted) << 23) + 0x3f800000u);
    return x < -87.0f ? 0.0f : y; /* NaN fails the comparison and has gone through p */
}

INLINE float k_log(float x) {
    float tiny = x < 1.17549435e-38f ? 1.0f : 0.0f;
    float s = tiny > 0.0f ? x * 8388608.0f : x; /* denormals */
    uint32_t u = float_to_bits(s);
    int32_t e = (int32_t)(u - 0x3f3504f3u) >> 23; /* mantissa into [sqrt(1/2), sqrt(2)) */
    float m = bits_to_float(u - ((uint32_t)e << 23)) - 1.0f;
    float n = (float)e - tiny * 23.0f, z = m * m;
    float p = FMA(7.0376836292e-2f, m, -1.1514610310e-1f);
    p = FMA(p, m, 1.1676998740e-1f);
    p = FMA(p, m, -1.2420140846e-1f);
    p = FMA(p, m, 1.4249322787e-1f);
    p = FMA(p, m, -1.6668057665e-1f);
    p = FMA(p, m, 2.0000714765e-1f);
    p = FMA(p, m, -2.4999993993e-1f);
    p = FMA(p, m, 3.3333331174e-1f);
    float y = FMA(n, -2.12194440e-4f, p * m * z);
    y = FMA(z, -0.5f, y) + m;
    y = FMA(n, 0.693359375f, y);
    y = x == 0.0f ? -INFINITY : y;
    y = x < 0.0f ? NAN : y;
    y = x == INFINITY ? INFINITY : y;
    return x != x ? x : y;
}

/* log(u) of the rounded u = 1 + x, plus what the rounding lost.  Both ends would divide 0 by 0 or inf by inf. */
INLINE float k_log1p(float x) {
    float u = 1.0f + x, lost = (x - (u - 1.0f)) / u;
    return k_log(u) + (u > 0.0f && u < INFINITY ? lost : 0.0f);
}

/* Quadrant n and rest of x, π/2 in three parts (Cody & Waite 1980); good to |x| < TRIG_NEAR, beyond which libm is asked. */
#define TRIG_NEAR 16384.0f

INLINE float k_sin_quadrant(float x, uint32_t turn) {
    float shifted = FMA(x, 0.636619772f, 12582912.0f), n = shifted - 12582912.0f;
    uint32_t quadrant = float_to_bits(shifted) + turn;
    float r = FMA(n, -0x1.921fb0p+00f, x);
    r = FMA(n, -0x1.5110b4p-22f, r);
    r = FMA(n, -0x1.846988p-48f, r);
    float z = r * r;
    float s = FMA(FMA(FMA(-1.9515295891e-4f, z, 8.3321608736e-3f), z, -1.6666654611e-1f), z * r, r);
    float c = FMA(FMA(FMA(2.443315711809948e-5f, z, -1.388731625493765e-3f), z, 4.166664568298827e-2f), z * z, FMA(-0.5f, z, 1.0f));
    float y = quadrant & 1 ? c : s;
    return bits_to_float(float_to_bits(y) ^ (quadrant & 2) << 30);
}

INLINE float k_tanh(float x) {
    float a = fabsf(x), z = x * x;
    float p = FMA(-5.70498872745e-3f, z, 2.06390887954e-2f);
    p = FMA(p, z, -5.37397155531e-2f);
    p = FMA(p, z, 1.33314422036e-1f);
    p = FMA(p, z, -3.33332819422e-1f);
    float small = FMA(p * z, x, x);
    float large = 1.0f - 2.0f / (k_exp_down(2.0f * (a > 20.0f ? 20.0f : a)) + 1.0f);
    large = x < 0.0f ? -large : large;
    return a < 0.625f ? small : large;
}

INLINE float k_erf(float x) {
    float a = fabsf(x), z = x * x;
    float t = FMA(7.853861353153693e-5f, z, -8.010193625184903e-4f);
    t = FMA(t, z, 5.188327685732524e-3f);
    t = FMA(t, z, -2.685381193529856e-2f);
    t = FMA(t, z, 1.128358514861418e-1f);
    t = FMA(t, z, -3.761262582423300e-1f);
    t = FMA(t, z, 1.128379165726710e+0f);
    float q = 1.0f / (a > 1.0f ? a : 1.0f), y = q * q;
    float p = FMA(2.326819970068386e-2f, y, -1.387039388740657e-1f);
    p = FMA(p, y, 3.687424674597105e-1f);
    p = FMA(p, y, -5.824733027278666e-1f);
    p = FMA(p, y, 6.210004621745983e-1f);
    p = FMA(p, y, -4.944515323274145e-1f);
    p = FMA(p, y, 3.404879937665872e-1f);
    p = FMA(p, y, -2.741127028184656e-1f);
    p = FMA(p, y, 5.638259427386472e-1f);
    float r = FMA(-1.047766399936249e+1f, y, 1.297719955372516e+1f);
    r = FMA(r, y, -7.495518717768503e+0f);
    r = FMA(r, y, 2.921019019210786e+0f);
    r = FMA(r, y, -1.015265279202700e+0f);
    r = FMA(r, y, 4.218463358204948e-1f);
    r = FMA(r, y, -2.820767439740514e-1f);
    r = FMA(r, y, 5.641895067754075e-1f);
    float tail = 1.0f - k_exp_down(-z) * q * (a < 2.0f ? p : r);
    float large = x < 0.0f ? -tail : tail;
    return a < 1.0f ? x * t : large;
}

#endif

/* 0 below -87, where denormal numbers begin: they cost a hundred cycles wherever they go.  1 from 17 up. */
INLINE real k_sigmoid(real x) {
    real y = R(1.0) / (R(1.0) + k_exp_down(x < -87 ? R(0.0) : -x));
    return x < -87 ? R(0.0) : y;
}

#endif
