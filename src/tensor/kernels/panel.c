/* tensor/kernels/panel.c: products of a tile of x with a panel of weights (layouts in panel.h).
 *
 *     y[m][r] = Σ over blocks of 32   scale_x · (d·Σ u·q - min·Σ q)        u unsigned weights, q rounded x
 *
 * The integer sum of a block is exact; its offset (8, 16, 32 or 128 for types whose zero lies there) is where the sum
 * starts.  Per block the weights are unpacked into 8 registers once, and serve all rows of the tile.  Sums of a row run
 * over the blocks in order, so that they do not depend on the tile: decoding gives a row the same bits in any company.
 * Halves of a block are summed apart, which shortens the chain of dependent instructions.
 */
#include "tensor/kernels/panel_vec.h"
#include "tensor/kernels/table.h"

#define PART_OFFSET(part) ((size_t)(part) * WIDE)
#define AHEAD 4096 /* bytes that the weights are fetched ahead, into the second cache: a panel's next blocks */

/* ---- rounding x -------------------------------------------------------------------------------------------------- */

/* Nearest even by adding 1.5·2^23: the sum's low bits are the integer. */
INLINE int32_t nearest(float v) { return (int32_t)(float_to_bits(v + 12582912.0f) - 0x4b400000u); }

static void quantise_block(ig_quant_x *out, const float *x) {
    uint32_t top = 0;
    int32_t sum[2] = {0, 0};
    for (int i = 0; i < 32; i++) {
        uint32_t size = float_to_bits(x[i]) & 0x7fffffffu;
        top = size > top ? size : top;
    }
    bool finite = top < 0x7f800000u, counts = top >= 0x04000000u && finite; /* 2^-119: 127/max still fits */
    float max = bits_to_float(top), inverse = counts ? 127.0f / max : 0.0f;
    out->scale = counts ? max / 127.0f : finite ? 0.0f : bits_to_float(0x7fc00000u);
    if (counts)
        for (int i = 0; i < 32; i++) out->q[i] = (int8_t)nearest(x[i] * inverse);
    else memset(out->q, 0, sizeof out->q);
    for (int i = 0; i < 16; i++) sum[0] += out->q[i], sum[1] += out->q[i + 16];
    out->negsum[0] = -sum[0], out->negsum[1] = -sum[0] - sum[1];
    out->minus = -out->scale * (float)(sum[0] + sum[1]);
}

void K(quantise_row)(ig_quant_x *out, size_t stride, const float *x, size_t k) {
    for (size_t b = 0; b < k / 32; b++) quantise_block(out + b * stride, x + b * 32);
}

/* ---- weights out of their panel ---------------------------------------------------------------------------------- */

INLINE void low_halves(vi *w, const uint8_t *p, int part) {
#pragma GCC unroll 4
    for (int v = 0; v < 4; v++) {
        vi line = v_bytes(p + 64 * v + 4 * PART_OFFSET(part));
        w[v] = v_low(line), w[v + 4] = v_high(line);
    }
}

INLINE void unpack(vi *w, const uint8_t *p, ig_block_type type, int part) {
    const size_t at = 4 * PART_OFFSET(part);
    if (type == IG_BLOCK_Q8_0) {
#pragma GCC unroll 8
        for (int v = 0; v < 8; v++) w[v] = v_bytes(p + 64 * v + at);
        return;
    }
    low_halves(w, p + ig_panel_high_bytes(type), part);
    if (type == IG_BLOCK_Q5_0 || type == IG_BLOCK_Q5_K) {
        vi bits = v_bytes(p + at);
#pragma GCC unroll 8
        for (int v = 0; v < 8; v++) w[v] = v_join(w[v], bits, 4 - v, 16);
    }
    if (type == IG_BLOCK_Q6_K) {
        vi first = v_bytes(p + at), second = v_bytes(p + 64 + at);
#pragma GCC unroll 4
        for (int v = 0; v < 4; v++) w[v] = v_join(w[v], first, 4 - 2 * v, 48), w[v + 4] = v_join(w[v + 4], second, 4 - 2 * v, 48);
    }
}

/* The scales of one block of the type. */
typedef struct scales {
    vf d, dmin;
    const uint8_t *each;        /* q6_K: s[16][16] */
    uint8_t s[128], m[128];     /* q4_K, q5_K: [8][16] */
} scales;

INLINE void open_scales(scales *c, const uint8_t *p, ig_block_type type, int part) {
    c->d = v_f16(p + 2 * PART_OFFSET(part));
    if (type == IG_BLOCK_Q6_K) c->each = p + 32 + PART_OFFSET(part);
    if (type != IG_BLOCK_Q4_K && type != IG_BLOCK_Q5_K) return;
    c->dmin = v_f16(p + 32 + 2 * PART_OFFSET(part));
    p += 64;
    for (int i = 0; i < 64; i++) c->s[i] = p[i] & 63;
    for (int i = 0; i < 64; i++) c->s[64 + i] = p[64 + i] & 63;
    for (int i = 0; i < 64; i++) c->m[i] = p[128 + i] & 63;
    for (int i = 0; i < 64; i++) c->m[64 + i] = (uint8_t)(p[i] >> 6 | (p[64 + i] >> 6) << 2 | (p[128 + i] >> 6) << 4);
}

/* ---- the product ------------------------------------------------------------------------------------------------- */

/* Where a sum starts: minus the offset of the weights, times Σq.  One half of a block takes that of both, the other none:
 * loads are what bounds here.  Only q6_K needs the halves apart. */
INLINE vi start(ig_block_type type, int32_t negsum) {
    switch (type) {
    case IG_BLOCK_Q8_0: return v_start_wide(negsum);
    case IG_BLOCK_Q4_0: return v_start(negsum, 3);
    case IG_BLOCK_Q5_0: return v_start(negsum, 4);
    case IG_BLOCK_Q6_K: return v_start(negsum, 5);
    default: return v_start(0, 0);
    }
}

INLINE vi half_block(vi sum, ig_block_type type, const vi *w, const ig_quant_x *x, int half) {
#pragma GCC unroll 4
    for (int v = 4 * half; v < 4 * half + 4; v++)
        sum = type == IG_BLOCK_Q8_0 ? v_dot_wide(sum, w[v], x->q + 4 * v) : v_dot(sum, w[v], x->q + 4 * v);
    return sum;
}

/* Adds block j of the open scales to the sums of `live` rows. */
INLINE void add_block(vf *acc, int live, ig_block_type type, const vi *w, const scales *c, const ig_quant_x *x, int j,
                      int part) {
    vf a = c->d, b = c->d;
    if (type == IG_BLOCK_Q6_K) a = v_mul(v_i8(c->each + 32 * j), c->d), b = v_mul(v_i8(c->each + 32 * j + 16), c->d);
    else if (ig_block_is_k(type)) {
        a = v_mul(v_u8(c->s + 16 * j + PART_OFFSET(part)), c->d);
        b = v_mul(v_u8(c->m + 16 * j + PART_OFFSET(part)), c->dmin);
    }
#pragma GCC unroll 16
    for (int m = 0; m < live; m++) {
        vi whole = start(type, x[m].negsum[1]), half = type == IG_BLOCK_Q6_K ? start(type, x[m].negsum[0]) : v_start(0, 0);
        vi first = half_block(half, type, w, &x[m], 0), second = half_block(whole, type, w, &x[m], 1);
        vf t;
        if (type == IG_BLOCK_Q6_K) t = v_fma(v_float(v_difference(second, half)), b, v_mul(v_float(first), a));
        else t = v_mul(v_float(v_sum(first, second)), a);
        acc[m] = v_fma(t, v_same(x[m].scale), acc[m]);
        if (type == IG_BLOCK_Q4_K || type == IG_BLOCK_Q5_K) acc[m] = v_fma(b, v_same(x[m].minus), acc[m]);
    }
}

/* Rows m0 … m0 + live of the tile. */
INLINE void quantised_rows(const ig_panel_args *p, ig_block_type type, int live, int m0, int part, float out[][16]) {
    const size_t tile_rows = LIVE_MAX == 16 ? (size_t)live : p->tile_rows;
    const int group = ig_block_is_k(type) ? 8 : 1;
    const size_t bytes = ig_panel_integer_bytes(type), blocks = p->k / 32;
    const uint8_t *w8 = p->panel, *s8 = p->panel + blocks * bytes;
    const ig_quant_x *x = (const ig_quant_x *)p->tile + m0;
    vf acc[LIVE_MAX];
    for (int m = 0; m < live; m++) acc[m] = v_zero();
    for (size_t b = 0; b < blocks; b += (size_t)group, s8 += ig_panel_scale_bytes(type)) {
        scales c;
        open_scales(&c, s8, type, part);
#pragma GCC unroll 1
        for (int j = 0; j < group; j++, w8 += bytes, x += tile_rows) {
            vi w[8];
            for (size_t line = 0; line < bytes; line += 64) __builtin_prefetch(w8 + AHEAD + line, 0, 2);
            unpack(w, w8, type, part);
            add_block(acc, live, type, w, &c, x, j, part);
        }
    }
    for (int m = 0; m < live; m++) v_store(out[m0 + m] + PART_OFFSET(part), acc[m]);
}

INLINE void put_rows(const ig_panel_args *p, const float *out, size_t row) {
    for (size_t m = 0; m < p->rows; m++) memcpy(p->y + m * p->y_row, out + m * row, p->columns * sizeof(float));
}

INLINE void quantised(const ig_panel_args *p, ig_block_type type, int live) {
    float out[16][16];
    for (int m0 = 0; m0 < (int)p->tile_rows; m0 += live)
        for (int part = 0; part < 16 / WIDE; part++) quantised_rows(p, type, live, m0, part, out);
    put_rows(p, out[0], 16);
}

/* ---- f32, f16, bf16: two vectors of weights at a time ------------------------------------------------------------ */

INLINE vf weights(ig_block_type type, const uint8_t *p, size_t i) {
    return type == IG_BLOCK_F32 ? v_load((const float *)(const void *)p + i) : type == IG_BLOCK_F16 ? v_f16(p + 2 * i) : v_bf16(p + 2 * i);
}

INLINE void real_rows(const ig_panel_args *p, ig_block_type type, int live, int m0, int part, float out[][32]) {
    const size_t tile_rows = LIVE_MAX == 16 ? (size_t)live : p->tile_rows;
    const size_t size = type == IG_BLOCK_F32 ? 4 : 2;
    const uint8_t *w = p->panel + 2 * PART_OFFSET(part) * size;
    const float *x = (const float *)p->tile + m0;
    vf low[8], high[8];
    for (int m = 0; m < live; m++) low[m] = high[m] = v_zero();
    for (size_t k = 0; k < p->k; k++, w += 32 * size, x += tile_rows) {
        __builtin_prefetch(w + AHEAD, 0, 2);
        vf a = weights(type, w, 0), b = weights(type, w, WIDE);
#pragma GCC unroll 8
        for (int m = 0; m < live; m++) {
            vf v = v_same(x[m]);
            low[m] = v_fma(a, v, low[m]), high[m] = v_fma(b, v, high[m]);
        }
    }
    for (int m = 0; m < live; m++) {
        v_store(out[m0 + m] + 2 * PART_OFFSET(part), low[m]);
        v_store(out[m0 + m] + 2 * PART_OFFSET(part) + WIDE, high[m]);
    }
}

INLINE void real_panel(const ig_panel_args *p, ig_block_type type, int live) {
    float out[8][32];
    for (int m0 = 0; m0 < (int)p->tile_rows; m0 += live)
        for (int part = 0; part < 16 / WIDE; part++) real_rows(p, type, live, m0, part, out);
    put_rows(p, out[0], 32);
}

/* ---- one function per type --------------------------------------------------------------------------------------- */

/* Rows whose sums stay in registers at once: all of a tile, or a divisor of it. */
static inline size_t live_rows(const ig_panel_args *p) {
    return p->tile_rows <= LIVE_MAX ? p->tile_rows : LIVE_MAX == 1 ? 1 : p->tile_rows == 6 ? 3 : 4;
}

/* A constant number of rows, so that the sums are registers. */
#define CASE(product, type, rows)                                                                                      \
    case rows: product(p, type, rows); break;
#if LIVE_MAX == 1
#define FEW(product, type) CASE(product, type, 1)
#else
#define FEW(product, type) CASE(product, type, 1) CASE(product, type, 2) CASE(product, type, 3) CASE(product, type, 4)
#endif
#if LIVE_MAX == 16
#define MORE(product, type) CASE(product, type, 6) CASE(product, type, 8)
#define MANY(product, type) CASE(product, type, 12) CASE(product, type, 16)
#else
#define MORE(product, type)
#define MANY(product, type)
#endif

#define REAL(name, type)                                                                                               \
    void K(panel_##name)(const ig_panel_args *p) {                                                                     \
        switch (live_rows(p)) { FEW(real_panel, type) MORE(real_panel, type) }                                         \
    }
#define QUANTISED(name, type)                                                                                          \
    void K(panel_##name)(const ig_panel_args *p) {                                                                     \
        switch (live_rows(p)) { FEW(quantised, type) MORE(quantised, type) MANY(quantised, type) }                     \
    }

REAL(f32, IG_BLOCK_F32)
REAL(f16, IG_BLOCK_F16)
REAL(bf16, IG_BLOCK_BF16)
QUANTISED(q8_0, IG_BLOCK_Q8_0)
QUANTISED(q4_0, IG_BLOCK_Q4_0)
QUANTISED(q5_0, IG_BLOCK_Q5_0)
QUANTISED(q4_k, IG_BLOCK_Q4_K)
QUANTISED(q5_k, IG_BLOCK_Q5_K)
QUANTISED(q6_k, IG_BLOCK_Q6_K)
