/* tensor/quant_weight.c: a quantised matrix prepared for products, and the products.
 *
 * x is cut into chunks that fit the second cache, each of tiles of up to 16 rows; a thread takes a range of panels and
 * runs all tiles of the chunk over each, so that a panel comes from memory once per chunk.  One to sixteen rows are one
 * tile: then every weight is read once, and memory is what bounds.
 */
#include "ingot/quant.h"

#include <string.h>

#include "ingot/tensor.h"
#include "tensor/gemm.h"
#include "tensor/kernels/kernels.h"
#include "tensor/quant_pack.h"

#define CHUNK_BYTES ((size_t)768 << 10)
#define CHUNK_ROWS_MAX 256
#define WORK_MIN ((size_t)64 << 10) /* multiplications that are worth a thread */
#define GRAD_ROWS 256               /* rows of w that are made numbers at a time */

struct ig_qweight {
    ig_block_type type;
    size_t rows, k, panels, panel_bytes, bytes;
    uint8_t *panel;
};

static size_t min_size(size_t a, size_t b) { return a < b ? a : b; }

/* ---- making ------------------------------------------------------------------------------------------------------ */

typedef struct packing {
    const ig_qweight *w;
    const uint8_t *blocks;
    size_t row_bytes;
} packing;

static void pack_range(void *arg, size_t begin, size_t end, int thread) {
    const packing *p = arg;
    const ig_qweight *w = p->w;
    size_t width = ig_panel_rows(w->type);
    (void)thread;
    for (size_t i = begin; i < end; i++) {
        uint8_t *panel = w->panel + i * w->panel_bytes;
        memset(panel, 0, w->panel_bytes);
        ig_panel_pack(w->type, panel, p->blocks + i * width * p->row_bytes, p->row_bytes, min_size(width, w->rows - i * width), w->k);
    }
}

static ig_status check_sizes(ig_qweight *w, size_t *row_bytes, ig_error *err) {
    size_t width = ig_panel_rows(w->type), padded, all;
    IG_TRY(ig_block_row_bytes(w->type, w->k, row_bytes, err));
    if (!ig_add_size(w->rows, width - 1, &padded) || !ig_mul_size(w->k, GRAD_ROWS * sizeof(float), &all) || !ig_mul_size(padded, *row_bytes, &all))
        return ig_error_set(err, IG_E_LIMIT, "a weight [%zu,%zu] of %s does not fit in memory", w->rows, w->k, ig_block_name(w->type));
    w->panels = padded / width;
    w->panel_bytes = ig_panel_bytes(w->type, w->k);
    if (!ig_mul_size(w->panels, w->panel_bytes, &w->bytes))
        return ig_error_set(err, IG_E_LIMIT, "a weight [%zu,%zu] of %s does not fit in memory", w->rows, w->k, ig_block_name(w->type));
    return IG_OK;
}

ig_status ig_qweight_new(ig_context *ctx, ig_block_type type, int64_t N, int64_t K, const void *blocks,
                         ig_qweight **out, ig_error *err) {
    if ((unsigned)type >= IG_BLOCK_COUNT) return ig_error_set(err, IG_E_ARG, "%d is no block type", (int)type);
    if (N < 1 || K < 1) return ig_error_set(err, IG_E_SHAPE, "a weight of [%lld,%lld]; both sizes must be at least 1", (long long)N, (long long)K);
    ig_qweight made = {.type = type, .rows = (size_t)N, .k = (size_t)K};
    packing p = {.blocks = blocks};
    IG_TRY(check_sizes(&made, &p.row_bytes, err));
    ig_qweight *w = ig_malloc(sizeof *w);
    if (!w) return ig_error_nomem(err, sizeof *w);
    *w = made;
    w->panel = ig_malloc_aligned(w->bytes);
    if (!w->panel) {
        ig_free(w);
        return ig_error_nomem(err, made.bytes);
    }
    p.w = w;
    ig_parallel_for(ctx, w->panels, 1 + WORK_MIN / (16 * w->k), pack_range, &p);
    *out = w;
    return IG_OK;
}

void ig_qweight_free(ig_qweight *w) {
    if (!w) return;
    ig_free_aligned(w->panel, w->bytes);
    ig_free(w);
}

size_t ig_qweight_bytes(const ig_qweight *w) { return w->bytes + sizeof *w; }
ig_block_type ig_qweight_type(const ig_qweight *w) { return w->type; }
int64_t ig_qweight_rows(const ig_qweight *w) { return (int64_t)w->rows; }
int64_t ig_qweight_cols(const ig_qweight *w) { return (int64_t)w->k; }

void ig_qweight_row_f32(const ig_qweight *w, int64_t row, float *out) {
    size_t width = ig_panel_rows(w->type), r = (size_t)row;
    ig_panel_row_f32(w->type, w->panel + r / width * w->panel_bytes, r % width, w->k, out);
}

/* ---- y = x·wᵀ ---------------------------------------------------------------------------------------------------- */

typedef struct product {
    const ig_kernels *k;
    const ig_qweight *w;
    const float *x; /* of this chunk */
    float *y;
    size_t rows, tile_max, row_bytes;
    uint8_t *tiles;
} product;

static size_t chunk_rows(const ig_qweight *w, size_t m) {
    size_t fit = CHUNK_BYTES / ig_tile_row_bytes(w->type, w->k) / 16 * 16;
    return min_size(m, fit < 16 ? 16 : fit > CHUNK_ROWS_MAX ? CHUNK_ROWS_MAX : fit);
}

/* Rows of the tile in which row m lies, with the rows that fill it up. */
static size_t tile_rows_at(const product *p, size_t m) { return ig_tile_rows(min_size(p->tile_max, p->rows - m / p->tile_max * p->tile_max)); }

static void clear_row(const product *p, uint8_t *tile, size_t tile_rows, size_t m) {
    for (size_t b = 0; b < p->w->k / 32; b++) memset((ig_quant_x *)(void *)tile + b * tile_rows + m, 0, sizeof(ig_quant_x));
}

/* Rows of x, and those that fill up the last tile, into their tiles. */
static void tile_range(void *arg, size_t begin, size_t end, int thread) {
    const product *p = arg;
    bool quantised = ig_block_is_quantised(p->w->type);
    (void)thread;
    for (size_t m = begin; m < end; m++) {
        size_t first = m / p->tile_max * p->tile_max, n = tile_rows_at(p, m < p->rows ? m : p->rows - 1);
        uint8_t *tile = p->tiles + first * p->row_bytes;
        const float *x = p->x + m * p->w->k;
        if (quantised && m < p->rows) p->k->quantise_row((ig_quant_x *)(void *)tile + (m - first), n, x, p->w->k);
        else if (quantised) clear_row(p, tile, n, m - first);
        else
            for (size_t i = 0; i < p->w->k; i++) ((float *)(void *)tile)[i * n + (m - first)] = m < p->rows ? x[i] : 0;
    }
}

static void panel_range(void *arg, size_t begin, size_t end, int thread) {
    const product *p = arg;
    size_t width = ig_panel_rows(p->w->type);
    (void)thread;
    for (size_t i = begin; i < end; i++)
        for (size_t m = 0; m < p->rows; m += p->tile_max) {
            ig_panel_args a = {.y = p->y + m * p->w->rows + i * width, .y_row = p->w->rows, .rows = min_size(p->tile_max, p->rows - m),
                               .columns = min_size(width, p->w->rows - i * width), .panel = p->w->panel + i * p->w->panel_bytes,
                               .tile = p->tiles + m * p->row_bytes, .tile_rows = tile_rows_at(p, m), .k = p->w->k};
            p->k->panel[p->w->type](&a);
        }
}

size_t ig_qweight_scratch(const ig_qweight *w, int64_t M) {
    size_t rows = chunk_rows(w, M > 0 ? (size_t)M : 0), max = ig_tile_rows_max(w->type), rest = rows % max;
    return ((rows - rest + (rest ? ig_tile_rows(rest) : 0)) * ig_tile_row_bytes(w->type, w->k) + 63) & ~(size_t)63;
}

void ig_qweight_matmul_in(ig_context *ctx, const ig_qweight *w, const float *x, int64_t M, float *y, void *scratch) {
    product p = {.k = ig_kernels_of(ctx), .w = w, .tile_max = ig_tile_rows_max(w->type), .row_bytes = ig_tile_row_bytes(w->type, w->k), .tiles = scratch};
    size_t all = M > 0 ? (size_t)M : 0, chunk = chunk_rows(w, all);
    for (size_t m = 0; m < all; m += chunk) {
        p.rows = min_size(chunk, all - m), p.x = x + m * w->k, p.y = y + m * w->rows;
        size_t whole = p.rows / p.tile_max * p.tile_max, rest = p.rows - whole;
        ig_parallel_for(ctx, whole + (rest ? ig_tile_rows(rest) : 0), 1 + WORK_MIN / 4 / w->k, tile_range, &p);
        ig_parallel_for(ctx, w->panels, 1 + WORK_MIN / (16 * w->k), panel_range, &p);
    }
}

ig_status ig_qweight_matmul(ig_context *ctx, const ig_qweight *w, const float *x, int64_t M, float *y, ig_error *err) {
    if (M < 1) return IG_OK;
    size_t bytes = ig_qweight_scratch(w, M);
    void *scratch = ig_malloc_aligned(bytes);
    if (!scratch) return ig_error_nomem(err, bytes);
    ig_qweight_matmul_in(ctx, w, x, M, y, scratch);
    ig_free_aligned(scratch, bytes);
    return IG_OK;
}

/* ---- dx = dy·w --------------------------------------------------------------------------------------------------- */

typedef struct rows_f32 {
    const ig_qweight *w;
    size_t first;
    float *out;
} rows_f32;

static void rows_range(void *arg, size_t begin, size_t end, int thread) {
    const rows_f32 *r = arg;
    (void)thread;
    for (size_t i = begin; i < end; i++) ig_qweight_row_f32(r->w, (int64_t)(r->first + i), r->out + i * r->w->k);
}

/* dx (+)= dy·rows, over the rows that are numbers now. */
static ig_status add_rows(ig_context *ctx, const rows_f32 *r, size_t count, const float *dy, int64_t M, float *dx,
                          ig_error *err) {
    const ig_qweight *w = r->w;
    ig_gemm_desc d;
    ig_gemm *g = NULL;
    memset(&d, 0, sizeof d); /* the padding too: descriptions are compared by their bytes */
    d.in = d.out = IG_DTYPE_F32, d.accumulate = r->first > 0, d.m = M, d.n = (int64_t)w->k, d.k = (int64_t)count;
    d.a_row = (int64_t)w->rows, d.a_col = 1, d.b_row = (int64_t)w->k, d.b_col = 1, d.c_row = (int64_t)w->k;
    IG_TRY(ig_gemm_get(ctx, &d, false, &g, err));
    return ig_gemm_run(g, dx, dy + r->first, r->out, NULL, err);
}

size_t ig_qweight_grad_scratch(const ig_qweight *w) { return min_size(GRAD_ROWS, w->rows) * w->k * sizeof(float); }

ig_status ig_qweight_matmul_grad_in(ig_context *ctx, const ig_qweight *w, const float *dy, int64_t M, float *dx,
                                    void *scratch, ig_error *err) {
    rows_f32 r = {.w = w, .out = scratch};
    for (; M > 0 && r.first < w->rows; r.first += GRAD_ROWS) {
        size_t count = min_size(GRAD_ROWS, w->rows - r.first);
        ig_parallel_for(ctx, count, 1 + WORK_MIN / 16 / w->k, rows_range, &r);
        IG_TRY(add_rows(ctx, &r, count, dy, M, dx, err));
    }
    return IG_OK;
}

ig_status ig_qweight_matmul_grad(ig_context *ctx, const ig_qweight *w, const float *dy, int64_t M, float *dx, ig_error *err) {
    size_t bytes = ig_qweight_grad_scratch(w);
    void *scratch = ig_malloc_aligned(bytes);
    if (!scratch) return ig_error_nomem(err, bytes);
    ig_status s = ig_qweight_matmul_grad_in(ctx, w, dy, M, dx, scratch, err);
    ig_free_aligned(scratch, bytes);
    return s;
}
