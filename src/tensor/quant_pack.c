/* tensor/quant_pack.c: rows of blocks into panels and back.  The layout of panels is drawn in kernels/panel.h. */
#include "tensor/quant_pack.h"

#include <string.h>

#include "ingot/tensor.h"
#include "tensor/quant_blocks.h"

static size_t real_bytes(ig_block_type t) { return t == IG_BLOCK_F32 ? 4 : 2; }

/* Blocks of the type in k values. */
static size_t blocks_of(ig_block_type t, size_t k) { return k / ig_block_size(t); }
static const uint8_t *scales_of(ig_block_type t, const uint8_t *panel, size_t k) { return panel + k / 32 * ig_panel_integer_bytes(t); }

size_t ig_panel_bytes(ig_block_type t, size_t k) {
    size_t bytes = ig_block_is_quantised(t) ? k / 32 * ig_panel_integer_bytes(t) + blocks_of(t, k) * ig_panel_scale_bytes(t) : 32 * k * real_bytes(t);
    return (bytes + 63) & ~(size_t)63;
}

/* ---- integers ---------------------------------------------------------------------------------------------------- */

static void put_integers(ig_block_type t, uint8_t *p, size_t r, const uint8_t *u) {
    uint8_t *low = p + ig_panel_high_bytes(t);
    for (size_t i = 0; i < 32; i++) {
        size_t v = i / 4, at = 4 * r + i % 4;
        if (t == IG_BLOCK_Q8_0) {
            p[64 * v + at] = u[i];
            continue;
        }
        low[64 * (v % 4) + at] |= (uint8_t)((u[i] & 15) << (v < 4 ? 0 : 4));
        if (t == IG_BLOCK_Q6_K) p[64 * (v / 4) + at] |= (uint8_t)(u[i] >> 4 << 2 * (v % 4));
        else if (ig_panel_high_bytes(t)) p[at] |= (uint8_t)(u[i] >> 4 << v);
    }
}

static void get_integers(ig_block_type t, const uint8_t *p, size_t r, uint8_t *u) {
    const uint8_t *low = p + ig_panel_high_bytes(t);
    for (size_t i = 0; i < 32; i++) {
        size_t v = i / 4, at = 4 * r + i % 4;
        if (t == IG_BLOCK_Q8_0) {
            u[i] = p[64 * v + at];
            continue;
        }
        u[i] = low[64 * (v % 4) + at] >> (v < 4 ? 0 : 4) & 15;
        if (t == IG_BLOCK_Q6_K) u[i] |= (uint8_t)((p[64 * (v / 4) + at] >> 2 * (v % 4) & 3) << 4);
        else if (ig_panel_high_bytes(t)) u[i] |= (uint8_t)((p[at] >> v & 1) << 4);
    }
}

/* ---- scales ------------------------------------------------------------------------------------------------------ */

static void put_k_scales(uint8_t *p, size_t r, const uint8_t *block) {
    memcpy(p + 2 * r, block + K_D, 2);
    memcpy(p + 32 + 2 * r, block + K_DMIN, 2);
    for (int j = 0; j < 4; j++) {
        int s, m, s4, m4;
        size_t at = 64 + 16 * (size_t)j + r;
        ig_k_scales_get(block + K_SCALES, j, &s, &m);
        ig_k_scales_get(block + K_SCALES, j + 4, &s4, &m4);
        p[at] = (uint8_t)(s | m4 << 6);
        p[at + 64] = (uint8_t)(s4 | m4 >> 2 << 6);
        p[at + 128] = (uint8_t)(m | m4 >> 4 << 6);
    }
}

static void put_scales(ig_block_type t, uint8_t *p, size_t r, const uint8_t *block) {
    if (t == IG_BLOCK_Q6_K) {
        memcpy(p + 2 * r, block + Q6_K_D, 2);
        for (size_t j = 0; j < 16; j++) p[32 + 16 * j + r] = block[Q6_K_SCALES + j];
    } else if (ig_block_is_k(t)) put_k_scales(p, r, block);
    else memcpy(p + 2 * r, block, 2);
}

static void get_k_scales(const uint8_t *p, size_t r, size_t j, ig_open_block *o) {
    size_t at = 64 + 16 * (j % 4) + r;
    int s = p[at + 64 * (j / 4)] & 63, m = p[at + 128] & 63;
    if (j >= 4) m = p[at] >> 6 | p[at + 64] >> 6 << 2 | p[at + 128] >> 6 << 4;
    o->scale[0] = o->scale[1] = ig_get_f16(p + 2 * r) * (float)s;
    o->min = ig_get_f16(p + 32 + 2 * r) * (float)m;
}

static void get_scales(ig_block_type t, const uint8_t *p, size_t r, size_t j, ig_open_block *o) {
    float d = ig_get_f16(p + 2 * r);
    o->zero = ig_block_zero(t), o->min = 0;
    if (t == IG_BLOCK_Q6_K)
        for (size_t h = 0; h < 2; h++) o->scale[h] = d * (float)(int8_t)p[32 + 16 * (2 * j + h) + r];
    else if (ig_block_is_k(t)) get_k_scales(p, r, j, o);
    else o->scale[0] = o->scale[1] = d;
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

static void pack_row(ig_block_type t, uint8_t *panel, size_t r, const uint8_t *row, size_t k) {
    uint8_t *scales = panel + k / 32 * ig_panel_integer_bytes(t);
    for (size_t b = 0; b < k / 32; b++) {
        ig_open_block o;
        ig_block_open(t, row, b, &o);
        put_integers(t, panel + b * ig_panel_integer_bytes(t), r, o.u);
    }
    for (size_t b = 0; b < blocks_of(t, k); b++) put_scales(t, scales + b * ig_panel_scale_bytes(t), r, row + b * ig_block_bytes(t));
}

void ig_panel_pack(ig_block_type t, uint8_t *panel, const uint8_t *rows_in, size_t row_bytes, size_t rows, size_t k) {
    for (size_t r = 0; r < rows; r++) {
        const uint8_t *row = rows_in + r * row_bytes;
        if (ig_block_is_quantised(t)) {
            pack_row(t, panel, r, row, k);
            continue;
        }
        size_t size = real_bytes(t);
        for (size_t i = 0; i < k; i++) memcpy(panel + (32 * i + r) * size, row + i * size, size);
    }
}

void ig_panel_row_f32(ig_block_type t, const uint8_t *panel, size_t r, size_t k, float *out) {
    for (size_t i = 0; !ig_block_is_quantised(t) && i < k; i++)
        (void)ig_blocks_to_f32(t, panel + (32 * i + r) * real_bytes(t), 1, out + i, NULL);
    for (size_t b = 0; ig_block_is_quantised(t) && b < k / 32; b++) {
        size_t block = b * 32 / ig_block_size(t);
        ig_open_block o;
        get_integers(t, panel + b * ig_panel_integer_bytes(t), r, o.u);
        get_scales(t, scales_of(t, panel, k) + block * ig_panel_scale_bytes(t), r, b % 8, &o);
        ig_open_block_f32(&o, out + 32 * b);
    }
}
