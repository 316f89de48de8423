/* tensor/kernels/attention_blocks.c: attention of many query rows, blockwise.   (Dao et al. 2022, "FlashAttention")
 *
 * ROWS query rows meet a block of keys at a time; their scores stand in a scratch that the second cache holds, and T×S never
 * exists.  Forward keeps, per row, the running maximum and sum of e^x and rescales its output when a later block raises the
 * maximum; backward computes the probabilities again from the saved log-sum-exp, one block of keys at a time, so that the
 * gradients of those keys stay in the cache while all rows pass by.
 *
 *     forward, per rows × keys        backward, per keys × rows                                  (appendix B.2 there)
 *       S = scale·Q·Kᵀ                  P = exp(scale·Q·Kᵀ - lse)          dQ += dS·K
 *       P = exp(S - max)                dP = dO·Vᵀ                         dK += dSᵀ·Q
 *       O = O·e^(old max - max) + P·V   dS = P∘(dP - Σ dO∘O)·scale         dV += Pᵀ·dO
 *
 * Packed: Kᵀ (and Vᵀ) in panels [D][PANEL] of keys; all other operands in rows of `wide` floats, D rounded up to 16 with
 * zeros, so that no product has a tail.  A causal mask is a count n[r] of visible keys per row, which rises by at most one from
 * row to row: tiles that see nothing are skipped, and the products over keys stop at the tile's last count, for which
 * the rows of P and dS are zero behind their own.
 */
#include "tensor/kernels/attention.h"

#if IG_ATTENTION_BLOCKS

#include "tensor/kernels/kernel_math.h"
#include "tensor/kernels/lanes.h"
#include "tensor/kernels/tile.h"

#define ROWS 96
#define KEYS_MAX 256
#define KEY_UNIT 32  /* a multiple of PANEL for every width */
#define ZEROS 16     /* behind a row's last visible key: at least the rows of a tile */

static dim least(dim a, dim b) { return a < b ? a : b; }
static dim round_up(dim n, dim unit) { return (n + unit - 1) / unit * unit; }

/* Keys of a block: fewer for wide heads, so that the packed block keeps its place in the second cache. */
static dim block_keys(const ig_attention_args *a) {
    dim keys = a->D <= 64 ? KEYS_MAX : a->D <= 128 ? KEYS_MAX / 2 : KEYS_MAX / 4;
    return least(keys, round_up(a->S, KEY_UNIT));
}

/* What one pair of blocks needs to know. */
typedef struct block {
    dim d, wide, ld;           /* head size, rounded up; distance of score rows */
    dim m, keys;               /* rows and keys of this pair */
    dim n[ROWS];               /* visible keys per row, 0 … keys */
    dim zero[KEYS_MAX], depth[ROWS]; /* the spans 0 … d of all rows */
    dim from[KEYS_MAX], rows[KEYS_MAX]; /* per key: the rows that see it are from … rows-1 */
} block;

static void block_init(block *b, const ig_attention_args *a) {
    b->d = a->D, b->wide = round_up(a->D, LANES), b->ld = block_keys(a) + ZEROS;
    for (dim i = 0; i < KEYS_MAX; i++) b->zero[i] = 0;
    for (dim i = 0; i < ROWS; i++) b->depth[i] = b->d;
}

/* Rows t … t+m-1 against keys s … ; false if none is seen. */
static bool block_place(block *b, const ig_attention_args *a, dim t, dim m, dim s) {
    dim keys = block_keys(a), x = 0;
    for (dim r = 0; r < m; r++) {
        dim n = visible_keys(a, t + r) - s;
        b->n[r] = n < 0 ? 0 : least(n, keys);
        for (; x < b->n[r]; x++) b->from[x] = r, b->rows[x] = m;
    }
    b->m = m, b->keys = b->n[m - 1];
    return b->keys > 0;
}

/* ---- packing ----------------------------------------------------------------------------------------------------------- */

/* 8 × 8 floats, rows of x at distance `row` (only `count` of them exist, zeros follow) to columns of y at distance PANEL. */
static void transpose_8(float *y, const float *x, dim row, dim count) {
    __m256 r[8], t[8], z = _mm256_setzero_ps();
    for (int i = 0; i < 8; i++) r[i] = i < count ? _mm256_loadu_ps(x + i * row) : z;
    for (int i = 0; i < 8; i += 2) t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]), t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    for (int i = 0; i < 8; i += 4)
        for (int j = 0; j < 2; j++) {
            r[i + 2 * j] = _mm256_shuffle_ps(t[i + j], t[i + j + 2], 0x44);
            r[i + 2 * j + 1] = _mm256_shuffle_ps(t[i + j], t[i + j + 2], 0xee);
        }
    for (int i = 0; i < 4; i++) {
        _mm256_storeu_ps(y + i * PANEL, _mm256_permute2f128_ps(r[i], r[i + 4], 0x20));
        _mm256_storeu_ps(y + (i + 4) * PANEL, _mm256_permute2f128_ps(r[i], r[i + 4], 0x31));
    }
}

/* Panels [d][PANEL] of the transposed rows, zeros behind the last. */
static void pack_panels(float *y, const float *x, dim row, dim n, dim d) {
    for (dim s = 0; s < round_up(n, PANEL); s += 8) {
        float *to = y + s / PANEL * PANEL * d + s % PANEL;
        dim count = n - s < 0 ? 0 : least(n - s, 8), i = 0;
        for (; i + 8 <= d; i += 8) transpose_8(to + i * PANEL, x + s * row + i, row, count);
        for (; i < d; i++)
            for (dim j = 0; j < 8; j++) to[i * PANEL + j] = j < count ? x[(s + j) * row + i] : 0;
    }
}

/* Rows of `wide` floats, times f; zeros behind d. */
static void pack_rows(float *y, const float *x, dim row, dim n, dim d, dim wide, float f) {
    for (dim r = 0; r < n; r++) {
        EACH(i, (size_t)d) y[r * wide + (dim)i] = x[r * row + (dim)i] * f;
        for (dim i = d; i < wide; i++) y[r * wide + i] = 0;
    }
}

static void unpack_rows(float *y, dim row, const float *x, dim n, dim d, dim wide) {
    for (dim r = 0; r < n; r++) memcpy(y + r * row, x + r * wide, sizeof *y * (size_t)d);
}

static void add_packed_rows(float *y, dim row, const float *x, dim n, dim d, dim wide) {
    for (dim r = 0; r < n; r++) EACH(i, (size_t)d) y[r * row + (dim)i] += x[r * wide + (dim)i];
}

/* ---- products ------------------------------------------------------------------------------------------------------------ */

/* scores[m][keys] = x·yᵀ, x [m][wide], y packed in panels.  Row r is right up to n[r], rounded up to 16. */
static void product_scores(float *scores, const float *x, const float *panels, const block *b) {
    for (dim j = 0; j < b->keys; j += PANEL)
        product_panel(scores + j, b->ld, (matrix){x, b->wide, 1}, panels + j * b->d, PANEL, b->from[j], b->m, (span){b->zero, b->depth}, false,
                      b->keys - j > W);
}

/* y[m][wide] += p·x, p [m][keys], x [keys][wide] */
static void product_rows(float *y, const float *p, const float *x, const block *b) {
    for (dim j = 0; j < b->wide; j += PANEL)
        product_panel(y + j, b->wide, (matrix){p, b->ld, 1}, x + j, b->wide, 0, b->m, (span){b->zero, b->n}, true, b->wide - j > W);
}

/* y[keys][wide] += pᵀ·x, x [m][wide] */
static void product_keys(float *y, const float *p, const float *x, const block *b) {
    for (dim j = 0; j < b->wide; j += PANEL)
        product_panel(y + j, b->wide, (matrix){p, 1, b->ld}, x + j, b->wide, 0, b->keys, (span){b->from, b->rows}, true, b->wide - j > W);
}

/* ---- forward --------------------------------------------------------------------------------------------------------------- */

/* One row of scores becomes e^(score - max); y is rescaled when the maximum rises. */
static void softmax_step(float *p, dim n, float *max, float *sum, float *y, dim wide) {
    if (n > 0) {
        float block_max = largest_of(p, (size_t)n), top = block_max > *max ? block_max : *max, shift = top == -INFINITY ? 0.0f : top;
        size_t vectors = (size_t)(n + LANES - 1) / LANES;
        EACH(i, vectors * LANES) p[i] = k_exp_down(p[i] - shift);
        memset(p + n, 0, ZEROS * sizeof *p);
        float block_sum = sum_of(p, vectors * LANES);
        if (*max == -INFINITY || *max == top) { /* the first block, or no larger score */
            *sum += block_sum;
        } else {
            float keep = k_exp_down(*max - shift);
            EACH(i, (size_t)wide) y[i] *= keep;
            *sum = *sum * keep + block_sum;
        }
        *max = top;
    } else {
        memset(p, 0, ZEROS * sizeof *p);
    }
}

/* Nothing seen: o = 0, lse = -inf. */
static void finish_rows(float *o, dim o_row, float *lse, const float *y, const float *max, const float *sum, const block *b) {
    EACH(r, (size_t)b->m) lse[r] = max[r] + k_log(sum[r]);
    for (dim r = 0; r < b->m; r++) {
        float inverse = sum[r] == 0 ? 0.0f : 1.0f / sum[r];
        EACH(i, (size_t)b->d) o[r * o_row + (dim)i] = y[r * b->wide + (dim)i] * inverse;
    }
}

void K(attention_blocks_forward)(float *o, float *lse, const float *q, const float *k, const float *v, const ig_attention_args *a, float *scratch) {
    block b;
    block_init(&b, a);
    float *kt = scratch, *vs = kt + round_up(a->S, KEY_UNIT) * b.d, *qs = vs + a->S * b.wide, *y = qs + ROWS * b.wide, *p = y + ROWS * b.wide;
    float max[ROWS], sum[ROWS];
    pack_panels(kt, k, a->k_row, a->S, b.d);
    pack_rows(vs, v, a->v_row, a->S, b.d, b.wide, 1);
    for (dim t = 0; t < a->T; t += ROWS) {
        dim m = least(ROWS, a->T - t);
        pack_rows(qs, q + t * a->q_row, a->q_row, m, b.d, b.wide, a->scale);
        memset(y, 0, sizeof *y * (size_t)(m * b.wide));
        for (dim r = 0; r < m; r++) max[r] = -INFINITY, sum[r] = 0;
        for (dim s = 0; s < a->S && block_place(&b, a, t, m, s); s += block_keys(a)) {
            product_scores(p, qs, kt + s * b.d, &b);
            for (dim r = 0; r < m; r++) softmax_step(p + r * b.ld, b.n[r], &max[r], &sum[r], y + r * b.wide, b.wide);
            product_rows(y, p, vs + s * b.wide, &b);
        }
        finish_rows(o + t * a->o_row, a->o_row, lse + t, y, max, sum, &b);
    }
}

/* ---- backward -------------------------------------------------------------------------------------------------------------- */

/* Scores become P, and dP becomes dS. */
static void gradient_step(float *p, float *ds, dim n, float scale, float lse, float delta) {
    EACH(i, (size_t)round_up(n, LANES)) {
        float e = k_exp_down(FMA(p[i], scale, -lse));
        p[i] = e, ds[i] = e * (ds[i] - delta) * scale;
    }
    memset(p + n, 0, ZEROS * sizeof *p);
    memset(ds + n, 0, ZEROS * sizeof *ds);
}

typedef struct backward_scratch { float *kt, *vt, *ks, *dk, *dv, *q, *d_o, *dq, *p, *ds; } backward_scratch;

static backward_scratch backward_layout(float *x, const block *b, const ig_attention_args *a) {
    dim keys = block_keys(a);
    backward_scratch w;
    w.kt = x, x += keys * b->d, w.vt = x, x += keys * b->d;
    w.ks = x, x += keys * b->wide, w.dk = x, x += keys * b->wide, w.dv = x, x += keys * b->wide;
    w.q = x, x += ROWS * b->wide, w.d_o = x, x += ROWS * b->wide, w.dq = x, x += ROWS * b->wide;
    w.p = x, x += ROWS * b->ld, w.ds = x;
    return w;
}

static void backward_rows(const backward_args *g, const backward_scratch *w, const block *b, dim t) {
    const ig_attention_args *a = g->a;
    float *dq = g->dq + t * g->dq_row;
    pack_rows(w->q, g->q + t * a->q_row, a->q_row, b->m, b->d, b->wide, 1);
    pack_rows(w->d_o, g->d_o + t * g->do_row, g->do_row, b->m, b->d, b->wide, 1);
    product_scores(w->p, w->q, w->kt, b);
    product_scores(w->ds, w->d_o, w->vt, b);
    for (dim r = 0; r < b->m; r++) {
        float delta = sum_of_products(g->d_o + (t + r) * g->do_row, g->o + (t + r) * a->o_row, (size_t)b->d);
        gradient_step(w->p + r * b->ld, w->ds + r * b->ld, b->n[r], a->scale, g->lse[t + r], delta);
    }
    pack_rows(w->dq, dq, g->dq_row, b->m, b->d, b->wide, 1);
    product_rows(w->dq, w->ds, w->ks, b);
    unpack_rows(dq, g->dq_row, w->dq, b->m, b->d, b->wide);
    product_keys(w->dk, w->ds, w->q, b);
    product_keys(w->dv, w->p, w->d_o, b);
}

void K(attention_blocks_backward)(const backward_args *g, float *scratch) {
    const ig_attention_args *a = g->a;
    block b;
    block_init(&b, a);
    backward_scratch w = backward_layout(scratch, &b, a);
    for (dim t = 0; t < a->T; t++) memset(g->dq + t * g->dq_row, 0, sizeof *g->dq * (size_t)b.d);
    for (dim s = 0; s < a->S; s += block_keys(a)) {
        dim keys = least(block_keys(a), a->S - s), first = a->causal && s > a->offset ? s - a->offset : 0;
        pack_panels(w.kt, g->k + s * a->k_row, a->k_row, keys, b.d);
        pack_panels(w.vt, g->v + s * a->v_row, a->v_row, keys, b.d);
        pack_rows(w.ks, g->k + s * a->k_row, a->k_row, keys, b.d, b.wide, 1);
        memset(w.dk, 0, sizeof *w.dk * (size_t)(keys * b.wide));
        memset(w.dv, 0, sizeof *w.dv * (size_t)(keys * b.wide));
        for (dim t = first; t < a->T; t += ROWS)
            if (block_place(&b, a, t, least(ROWS, a->T - t), s)) backward_rows(g, &w, &b, t);
        add_packed_rows(g->dk + s * g->dk_row, g->dk_row, w.dk, keys, b.d, b.wide);
        add_packed_rows(g->dv + s * g->dv_row, g->dv_row, w.dv, keys, b.d, b.wide);
    }
}

size_t K(attention_blocks_scratch)(const ig_attention_args *a) {
    block b;
    block_init(&b, a);
    dim keys = block_keys(a);
    dim forward = round_up(a->S, KEY_UNIT) * b.d + a->S * b.wide + ROWS * (2 * b.wide + b.ld);
    dim backward = keys * (2 * b.d + 3 * b.wide) + ROWS * (3 * b.wide + 2 * b.ld);
    return (size_t)(forward > backward ? forward : backward);
}

#endif
