/* tensor/quant_encode.c: numbers into GGUF's blocks.
 *
 * In blocks of 256 the scales are themselves small integers times an f16.  They are chosen in three steps: the best scale
 * of each part alone (quant_fit.c); the shared f16 from the largest of them; then, with that f16 as rounded, the integer
 * scales among the neighbours that give the least error, and once more the f16 that is best for all integers chosen.
 */
#include "tensor/quant_blocks.h"

#include <math.h>
#include <string.h>

#include "ingot/tensor.h"

#define F16_MAX 65504.0f

static float as_f16(float v) { return ig_f16_to_f32(ig_f32_to_f16(v > F16_MAX ? F16_MAX : v < -F16_MAX ? -F16_MAX : v)); }

/* ---- checks ------------------------------------------------------------------------------------------------------ */

static ig_status check_values(const float *x, size_t n, const float *importance, ig_error *err) {
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(x[i])) return ig_error_set(err, IG_E_NUMERIC, "value %zu is not finite and cannot be quantised", i);
        if (importance && !(importance[i] >= 0 && importance[i] <= 1e30f))
            return ig_error_set(err, IG_E_ARG, "the importance of value %zu is not in [0, 1e30]", i);
    }
    return IG_OK;
}

/* Weights of n values, the largest 1; where all are zero, all alike. */
static void take_weights(const float *importance, int n, float *w) {
    float max = 0;
    for (int i = 0; importance && i < n; i++) max = importance[i] > max ? importance[i] : max;
    for (int i = 0; i < n; i++) w[i] = max > 0 ? importance[i] / max : 1;
}

/* ---- blocks of 32 ------------------------------------------------------------------------------------------------ */

static void encode_q8_0(const float *x, uint8_t *p) {
    float max = 0;
    for (int i = 0; i < 32; i++) max = fabsf(x[i]) > max ? fabsf(x[i]) : max;
    float d = as_f16(max / 127);
    ig_put_f16(p, d);
    for (int i = 0; i < 32; i++) {
        int q = ig_symmetric_code(x[i], d, 128);
        p[2 + i] = (uint8_t)(int8_t)(q < -127 ? -127 : q);
    }
}

/* Rounding the scale to f16 may lose what the fit won: the neighbours of the rounded one are tried too. */
static float f16_scale(const float *x, const float *w, int top, float scale) {
    float best = as_f16(scale);
    double least = ig_symmetric_error(x, w, 32, top, best);
    for (int s = -1; s <= 1; s += 2) {
        float d = as_f16(scale * (1 + (float)s * 0x1p-11f));
        double e = ig_symmetric_error(x, w, 32, top, d);
        if (e < least) least = e, best = d;
    }
    return best;
}

static void encode_halves(ig_block_type t, const float *x, const float *w, uint8_t *p) {
    int top = t == IG_BLOCK_Q4_0 ? 8 : 16;
    uint8_t u[32], *q = p + (t == IG_BLOCK_Q4_0 ? 2 : 6);
    uint32_t high = 0;
    float d = f16_scale(x, w, top, ig_fit_symmetric(x, w, 32, top));
    ig_put_f16(p, d);
    for (int i = 0; i < 32; i++) {
        u[i] = (uint8_t)(ig_symmetric_code(x[i], d, top) + top);
        high |= (uint32_t)(u[i] >> 4 & 1) << i;
    }
    for (int i = 0; i < 16; i++) q[i] = (uint8_t)((u[i] & 15) | (u[i + 16] & 15) << 4);
    if (t == IG_BLOCK_Q5_0)
        for (int i = 0; i < 4; i++) p[2 + i] = (uint8_t)(high >> 8 * i);
}

/* ---- q4_K, q5_K -------------------------------------------------------------------------------------------------- */

typedef struct k_scales {
    float d, dmin;
    uint8_t s[8], m[8];
    double error;
} k_scales;

/* How many d make v, nearest; far values, which a rounded-off d gives, are cut. */
static long times(float v, float d) {
    float ratio = d != 0 ? v / d : 0;
    return lrintf(ratio > 1000 ? 1000 : ratio < -1000 ? -1000 : ratio);
}

static int clamp63(long v) { return v < 0 ? 0 : v > 63 ? 63 : (int)v; }

/* Integer scales for parts with the best scales `scale` and `min`: the nearest, and the best of their neighbours. */
static void choose_integers(const float *x, const float *w, int top, const float *scale, const float *min, k_scales *c) {
    c->error = 0;
    for (int j = 0; j < 8; j++) {
        int s0 = clamp63(times(scale[j], c->d)), m0 = clamp63(times(min[j], c->dmin));
        double least = INFINITY;
        c->s[j] = (uint8_t)s0, c->m[j] = (uint8_t)m0; /* should the squares of huge values be infinite */
        for (int s = clamp63(s0 - 1); s <= clamp63(s0 + 1); s++)
            for (int m = clamp63(m0 - 1); m <= clamp63(m0 + 1); m++) {
                double e = ig_affine_error(x + 32 * j, w + 32 * j, 32, top, c->d * (float)s, c->dmin * (float)m);
                if (e < least) least = e, c->s[j] = (uint8_t)s, c->m[j] = (uint8_t)m;
            }
        c->error += least;
    }
}

/* d and dmin that fit all 256 values best, given every integer. */
static void solve_shared(const float *x, const float *w, int top, const k_scales *c, float *d, float *dmin) {
    double aa = 0, ab = 0, bb = 0, ax = 0, bx = 0; /* x ≈ d·a - dmin·b */
    for (int i = 0; i < 256; i++) {
        int j = i / 32;
        double a = c->s[j] * ig_affine_code(x[i], c->d * c->s[j], c->dmin * c->m[j], top), b = c->m[j], wi = (double)w[i], xi = (double)x[i];
        aa += wi * a * a, ab += wi * a * b, bb += wi * b * b, ax += wi * a * xi, bx += wi * b * xi;
    }
    double det = aa * bb - ab * ab;
    *d = c->d, *dmin = c->dmin;
    if (det > 1e-12 * aa * bb) *d = (float)((ax * bb - ab * bx) / det), *dmin = (float)((ax * ab - aa * bx) / det);
    else if (aa > 0 && bb == 0) *d = (float)(ax / aa);
}

static void fit_k(const float *x, const float *w, int top, k_scales *best) {
    float scale[8], min[8], scale_max = 0, min_max = 0;
    for (int j = 0; j < 8; j++) {
        ig_fit_affine(x + 32 * j, w + 32 * j, 32, top, &scale[j], &min[j]);
        scale_max = scale[j] > scale_max ? scale[j] : scale_max, min_max = min[j] > min_max ? min[j] : min_max;
    }
    best->d = as_f16(scale_max / 63), best->dmin = as_f16(min_max / 63);
    choose_integers(x, w, top, scale, min, best);
    for (int round = 0; round < 2; round++) {
        k_scales c = *best;
        solve_shared(x, w, top, best, &c.d, &c.dmin);
        c.d = as_f16(c.d), c.dmin = as_f16(c.dmin);
        if (!(c.d > 0 && c.dmin >= 0)) return;
        choose_integers(x, w, top, scale, min, &c);
        if (c.error >= best->error) return;
        *best = c;
    }
}

static void encode_k(ig_block_type t, const float *x, const float *w, uint8_t *p) {
    int top = t == IG_BLOCK_Q4_K ? 15 : 31;
    uint8_t *q = p + (t == IG_BLOCK_Q4_K ? Q4_K_Q : Q5_K_Q);
    k_scales c;
    fit_k(x, w, top, &c);
    memset(p, 0, ig_block_bytes(t));
    ig_put_f16(p + K_D, c.d), ig_put_f16(p + K_DMIN, c.dmin);
    ig_k_scales_put(p + K_SCALES, c.s, c.m);
    for (int i = 0; i < 256; i++) {
        int j = i / 32, u = ig_affine_code(x[i], c.d * c.s[j], c.dmin * c.m[j], top);
        q[32 * (j / 2) + i % 32] |= (uint8_t)((u & 15) << 4 * (j & 1));
        if (t == IG_BLOCK_Q5_K) p[Q5_K_HIGH + i % 32] |= (uint8_t)(u >> 4 << j);
    }
}

/* ---- q6_K -------------------------------------------------------------------------------------------------------- */

/* Signed integer scales; returns the error with them. */
static double choose_q6_scales(const float *x, const float *w, const float *scale, float d, int8_t *s) {
    double sum = 0;
    for (int j = 0; j < 16; j++) {
        long near = times(scale[j], d);
        double least = INFINITY;
        s[j] = (int8_t)(near < -128 ? -128 : near > 127 ? 127 : near);
        for (long v = near - 1; v <= near + 1; v++) {
            if (v < -128 || v > 127) continue;
            double e = ig_symmetric_error(x + 16 * j, w + 16 * j, 16, 32, d * (float)v);
            if (e < least) least = e, s[j] = (int8_t)v;
        }
        sum += least;
    }
    return sum;
}

static float solve_q6_shared(const float *x, const float *w, float d, const int8_t *s) {
    double aa = 0, ax = 0;
    for (int i = 0; i < 256; i++) {
        double a = s[i / 16] * ig_symmetric_code(x[i], d * (float)s[i / 16], 32);
        aa += (double)w[i] * a * a, ax += (double)w[i] * a * (double)x[i];
    }
    return aa > 0 ? as_f16((float)(ax / aa)) : d;
}

static float fit_q6(const float *x, const float *w, int8_t *s) {
    float scale[16], peak = 0;
    for (int j = 0; j < 16; j++) {
        scale[j] = ig_fit_symmetric(x + 16 * j, w + 16 * j, 16, 32);
        if (fabsf(scale[j]) > fabsf(peak)) peak = scale[j];
    }
    float d = as_f16(peak / -128);
    double least = choose_q6_scales(x, w, scale, d, s);
    for (int round = 0; round < 2; round++) {
        int8_t other[16];
        float again = solve_q6_shared(x, w, d, s);
        double e = choose_q6_scales(x, w, scale, again, other);
        if (e >= least) break;
        d = again, least = e;
        memcpy(s, other, sizeof other);
    }
    return d;
}

static void encode_q6_k(const float *x, const float *w, uint8_t *p) {
    int8_t s[16] = {0};
    float d = fit_q6(x, w, s);
    memset(p, 0, ig_block_bytes(IG_BLOCK_Q6_K));
    ig_put_f16(p + Q6_K_D, d);
    memcpy(p + Q6_K_SCALES, s, sizeof s);
    for (int i = 0; i < 256; i++) {
        int part = i / 32 & 3, u = ig_symmetric_code(x[i], d * (float)s[i / 16], 32) + 32;
        p[64 * (i / 128) + 32 * (part & 1) + i % 32] |= (uint8_t)((u & 15) << 4 * (part >> 1));
        p[Q6_K_HIGH + 32 * (i / 128) + i % 32] |= (uint8_t)(u >> 4 << 2 * part);
    }
}

/* ---- all types --------------------------------------------------------------------------------------------------- */

static void encode_reals(ig_block_type t, const float *x, size_t n, uint8_t *p) {
    if (t == IG_BLOCK_F32) memcpy(p, x, n * sizeof *x);
    for (size_t i = 0; t != IG_BLOCK_F32 && i < n; i++) {
        uint16_t h = t == IG_BLOCK_F16 ? ig_f32_to_f16(x[i]) : ig_f32_to_bf16(x[i]);
        p[2 * i] = (uint8_t)h, p[2 * i + 1] = (uint8_t)(h >> 8);
    }
}

static void encode_block(ig_block_type t, const float *x, const float *w, uint8_t *p) {
    if (t == IG_BLOCK_Q8_0) encode_q8_0(x, p);
    else if (t == IG_BLOCK_Q6_K) encode_q6_k(x, w, p);
    else if (ig_block_is_k(t)) encode_k(t, x, w, p);
    else encode_halves(t, x, w, p);
}

ig_status ig_blocks_from_f32(ig_block_type t, const float *x, size_t n, const float *importance, void *out, ig_error *err) {
    size_t bytes, size;
    IG_TRY(ig_block_row_bytes(t, n, &bytes, err));
    if (!ig_block_is_quantised(t)) {
        encode_reals(t, x, n, out);
        return IG_OK;
    }
    IG_TRY(check_values(x, n, importance, err));
    size = ig_block_size(t);
    for (size_t b = 0; b < n / size; b++) {
        float w[256];
        take_weights(importance ? importance + b * size : NULL, (int)size, w);
        encode_block(t, x + b * size, w, (uint8_t *)out + b * ig_block_bytes(t));
    }
    return IG_OK;
}
