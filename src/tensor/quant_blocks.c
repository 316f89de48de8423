/* tensor/quant_blocks.c: GGUF's blocks: names, sizes, and the numbers that they stand for.
 *
 * Blocks come from files: any bytes give some numbers, and no address is assumed to be aligned.
 */
#include "tensor/quant_blocks.h"

#include <string.h>
#include <strings.h>

#include "ingot/tensor.h"

static const struct {
    const char *name;
    size_t size, bytes;
    int zero;
} types[IG_BLOCK_COUNT] = {
    [IG_BLOCK_F32] = {"f32", 1, 4, 0},       [IG_BLOCK_F16] = {"f16", 1, 2, 0},       [IG_BLOCK_BF16] = {"bf16", 1, 2, 0},
    [IG_BLOCK_Q8_0] = {"q8_0", 32, 34, 128}, [IG_BLOCK_Q4_0] = {"q4_0", 32, 18, 8},   [IG_BLOCK_Q5_0] = {"q5_0", 32, 22, 16},
    [IG_BLOCK_Q4_K] = {"q4_K", 256, 144, 0}, [IG_BLOCK_Q5_K] = {"q5_K", 256, 176, 0}, [IG_BLOCK_Q6_K] = {"q6_K", 256, 210, 32},
};

const char *ig_block_name(ig_block_type t) { return (unsigned)t < IG_BLOCK_COUNT ? types[t].name : "?"; }
size_t ig_block_size(ig_block_type t) { return types[t].size; }
size_t ig_block_bytes(ig_block_type t) { return types[t].bytes; }
int ig_block_zero(ig_block_type t) { return types[t].zero; }

bool ig_block_parse(const char *name, ig_block_type *out) {
    for (int t = 0; t < IG_BLOCK_COUNT; t++)
        if (strcasecmp(name, types[t].name) == 0) {
            *out = (ig_block_type)t;
            return true;
        }
    return false;
}

ig_status ig_block_row_bytes(ig_block_type t, size_t n, size_t *out, ig_error *err) {
    if ((unsigned)t >= IG_BLOCK_COUNT) return ig_error_set(err, IG_E_ARG, "%d is no block type", (int)t);
    if (n % types[t].size)
        return ig_error_set(err, IG_E_SHAPE, "%s stores %zu values in a block; %zu is no multiple of it", types[t].name, types[t].size, n);
    if (!ig_mul_size(n / types[t].size, types[t].bytes, out)) return ig_error_set(err, IG_E_LIMIT, "%zu values of %s do not fit in memory", n, types[t].name);
    return IG_OK;
}

float ig_get_f16(const uint8_t *p) { return ig_f16_to_f32((uint16_t)(p[0] | p[1] << 8)); }

void ig_put_f16(uint8_t *p, float v) {
    uint16_t h = ig_f32_to_f16(v);
    p[0] = (uint8_t)h, p[1] = (uint8_t)(h >> 8);
}

/* ---- scales of 6 bits -------------------------------------------------------------------------------------------- */

void ig_k_scales_get(const uint8_t *p, int j, int *s, int *m) {
    if (j < 4) {
        *s = p[j] & 63, *m = p[j + 4] & 63;
        return;
    }
    *s = (p[j + 4] & 15) | (p[j - 4] >> 6) << 4;
    *m = p[j + 4] >> 4 | (p[j] >> 6) << 4;
}

void ig_k_scales_put(uint8_t *p, const uint8_t s[8], const uint8_t m[8]) {
    for (int j = 0; j < 4; j++) {
        p[j] = (uint8_t)(s[j] | (s[j + 4] >> 4) << 6);
        p[j + 4] = (uint8_t)(m[j] | (m[j + 4] >> 4) << 6);
        p[j + 8] = (uint8_t)((s[j + 4] & 15) | (m[j + 4] & 15) << 4);
    }
}

/* ---- opening a block --------------------------------------------------------------------------------------------- */

/* 16 bytes: values 0-15 in the low halves, 16-31 in the high ones. */
static void halves(const uint8_t *q, uint8_t *u) {
    for (int i = 0; i < 16; i++) u[i] = q[i] & 15, u[i + 16] = q[i] >> 4;
}

static void open_q5_0(const uint8_t *p, uint8_t *u) {
    uint32_t high = (uint32_t)p[2] | (uint32_t)p[3] << 8 | (uint32_t)p[4] << 16 | (uint32_t)p[5] << 24;
    halves(p + 6, u);
    for (int i = 0; i < 32; i++) u[i] |= (uint8_t)((high >> i & 1) << 4);
}

/* 64 values share 32 bytes: the first 32 in the low halves. */
static void open_k(ig_block_type t, const uint8_t *p, int j, ig_open_block *o) {
    const uint8_t *q = p + (t == IG_BLOCK_Q4_K ? Q4_K_Q : Q5_K_Q) + 32 * (j / 2);
    int s, m;
    for (int i = 0; i < 32; i++) o->u[i] = q[i] >> 4 * (j & 1) & 15;
    if (t == IG_BLOCK_Q5_K)
        for (int i = 0; i < 32; i++) o->u[i] |= (uint8_t)((p[Q5_K_HIGH + i] >> j & 1) << 4);
    ig_k_scales_get(p + K_SCALES, j, &s, &m);
    o->scale[0] = o->scale[1] = ig_get_f16(p + K_D) * (float)s;
    o->min = ig_get_f16(p + K_DMIN) * (float)m;
}

/* 128 values share 64 bytes of low halves (32-value parts 0 and 1 low, 2 and 3 high) and 32 bytes of pairs of bits. */
static void open_q6_k(const uint8_t *p, int j, ig_open_block *o) {
    const uint8_t *low = p + 64 * (j / 4) + 32 * (j & 1), *high = p + Q6_K_HIGH + 32 * (j / 4);
    int part = j & 3;
    float d = ig_get_f16(p + Q6_K_D);
    for (int i = 0; i < 32; i++) o->u[i] = (uint8_t)((low[i] >> 4 * (part >> 1) & 15) | (high[i] >> 2 * part & 3) << 4);
    for (int h = 0; h < 2; h++) o->scale[h] = d * (float)(int8_t)p[Q6_K_SCALES + 2 * j + h];
}

void ig_block_open(ig_block_type t, const uint8_t *row, size_t b, ig_open_block *o) {
    bool k = ig_block_is_k(t);
    const uint8_t *p = row + (k ? b / 8 : b) * types[t].bytes;
    o->zero = types[t].zero, o->min = 0;
    if (t == IG_BLOCK_Q6_K) open_q6_k(p, (int)(b % 8), o);
    else if (k) open_k(t, p, (int)(b % 8), o);
    else {
        o->scale[0] = o->scale[1] = ig_get_f16(p);
        if (t == IG_BLOCK_Q4_0) halves(p + 2, o->u);
        else if (t == IG_BLOCK_Q5_0) open_q5_0(p, o->u);
        else
            for (int i = 0; i < 32; i++) o->u[i] = (uint8_t)(p[2 + i] ^ 0x80); /* q + 128 */
    }
}

void ig_open_block_f32(const ig_open_block *o, float *out) {
    for (int i = 0; i < 32; i++) out[i] = o->scale[i / 16] * (float)(o->u[i] - o->zero) - o->min;
}

static void reals_to_f32(ig_block_type t, const uint8_t *p, size_t n, float *out) {
    if (t == IG_BLOCK_F32) memcpy(out, p, n * sizeof *out);
    for (size_t i = 0; t != IG_BLOCK_F32 && i < n; i++) {
        uint16_t h = (uint16_t)(p[2 * i] | p[2 * i + 1] << 8);
        out[i] = t == IG_BLOCK_F16 ? ig_f16_to_f32(h) : ig_bf16_to_f32(h);
    }
}

ig_status ig_blocks_to_f32(ig_block_type t, const void *blocks, size_t n, float *out, ig_error *err) {
    size_t bytes;
    IG_TRY(ig_block_row_bytes(t, n, &bytes, err));
    if (n == 0) return IG_OK;
    if (!ig_block_is_quantised(t)) reals_to_f32(t, blocks, n, out);
    for (size_t b = 0; ig_block_is_quantised(t) && b < n / 32; b++) {
        ig_open_block o;
        ig_block_open(t, blocks, b, &o);
        ig_open_block_f32(&o, out + 32 * b);
    }
    return IG_OK;
}
