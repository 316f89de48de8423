/* graph/ops/layout.c: copying between layouts of the same element type: heads apart and joined, parts of a concat, rows of
 * a cache, transposed pictures.
 *
 * The dimensions are walked in the order in which they lie in the destination, whatever their logical order, and those
 * that both sides walk in one stride are joined.  What is left is one of three:
 *
 *     both inner strides are one element     rows by memcpy
 *     the source runs along another dim      tiles of TILE × TILE, so that every line of the cache is used once
 *     else                                   element by element
 */
#include "graph/ops/ops.h"

#include <string.h>

#define TILE 16
#define RUN ((int64_t)16384) /* elements of a row that one item copies */

typedef struct walk {
    int n;
    int64_t size[IG_DIMS_MAX], to[IG_DIMS_MAX], from[IG_DIMS_MAX]; /* strides in bytes */
    size_t element;
    char *dst;
    const char *src;
    bool tiled; /* dims n-2 and n-1 are cut into tiles */
} walk;

/* ---- describing --------------------------------------------------------------------------------------------------- */

static void add_dim(walk *w, int64_t size, int64_t to, int64_t from) {
    int i = w->n - 1;
    if (size == 1) return;
    if (w->n && w->to[i] == to * size && w->from[i] == from * size) {
        w->size[i] *= size, w->to[i] = to, w->from[i] = from;
    } else {
        w->size[w->n] = size, w->to[w->n] = to, w->from[w->n++] = from;
    }
}

/* Bring the dim along which the source is contiguous next to the last. */
static void choose_tiles(walk *w) {
    int last = w->n - 1;
    int64_t one = (int64_t)w->element;
    if (w->n < 2 || w->from[last] == one || w->to[last] != one) return;
    for (int i = 0; i < last && !w->tiled; i++) {
        if (w->from[i] != one) continue;
        int64_t size = w->size[i], to = w->to[i], from = w->from[i];
        for (int k = i; k < last - 1; k++) w->size[k] = w->size[k + 1], w->to[k] = w->to[k + 1], w->from[k] = w->from[k + 1];
        w->size[last - 1] = size, w->to[last - 1] = to, w->from[last - 1] = from;
        w->tiled = true;
    }
}

static walk walk_of(const ig_tensor *dst, const ig_tensor *src) {
    walk w = {.element = ig_dtype_size(dst->dtype), .dst = dst->data, .src = src->data};
    int order[IG_DIMS_MAX];
    int64_t bytes = (int64_t)w.element;
    ig_memory_order(dst, order);
    for (int i = 0; i < dst->ndim; i++) {
        int d = order[i];
        add_dim(&w, dst->shape[d], dst->stride[d] * bytes, src->stride[d] * bytes);
    }
    if (w.n == 0) w.size[0] = 1, w.to[0] = w.from[0] = bytes, w.n = 1;
    choose_tiles(&w);
    return w;
}

/* ---- copying ------------------------------------------------------------------------------------------------------ */

/* Strides of one side of a block of rows and columns, in bytes. */
typedef struct steps {
    int64_t row, column;
} steps;

#define STRIDED(type)                                                                                                  \
    for (int64_t r = 0; r < rows; r++)                                                                                 \
        for (int64_t c = 0; c < columns; c++)                                                                          \
            *(type *)(void *)(d + r * to.row + c * to.column) = *(const type *)(const void *)(s + r * from.row + c * from.column)

static void copy_block(size_t element, char *d, const char *s, int64_t rows, int64_t columns, steps to, steps from) {
    switch (element) {
    case 1: STRIDED(uint8_t); break;
    case 2: STRIDED(uint16_t); break;
    case 4: STRIDED(uint32_t); break;
    default: STRIDED(uint64_t); break;
    }
}

static int64_t at_most(int64_t a, int64_t b) { return a < b ? a : b; }

/* Elements [begin, begin + RUN) of a row. */
static void copy_run(const walk *w, char *d, const char *s, int64_t begin) {
    int last = w->n - 1;
    int64_t one = (int64_t)w->element, to = w->to[last], from = w->from[last], n = at_most(RUN, w->size[last] - begin);
    d += begin * to, s += begin * from;
    if (to == one && from == one) memcpy(d, s, (size_t)n * w->element);
    else copy_block(w->element, d, s, 1, n, (steps){0, to}, (steps){0, from});
}

/* TILE rows in which the source is contiguous, against all columns; the inner loop reads along the source. */
static void copy_tiles(const walk *w, char *d, const char *s, int64_t begin) {
    int a = w->n - 2, b = w->n - 1;
    int64_t width = at_most(TILE, w->size[a] - begin);
    d += begin * w->to[a], s += begin * w->from[a];
    for (int64_t c = 0; c < w->size[b]; c += TILE)
        copy_block(w->element, d + c * w->to[b], s + c * w->from[b], at_most(TILE, w->size[b] - c), width,
                   (steps){w->to[b], w->to[a]}, (steps){w->from[b], w->from[a]});
}

static int outer_dims(const walk *w) { return w->n - (w->tiled ? 2 : 1); }

/* Items per position of the outer dims. */
static int64_t block_count(const walk *w) {
    return w->tiled ? (w->size[w->n - 2] + TILE - 1) / TILE : (w->size[w->n - 1] + RUN - 1) / RUN;
}

/* An item is a run of a row, or TILE rows; the outer dims are counted up as an odometer. */
static void copy_range(void *arg, size_t begin, size_t end, int thread) {
    const walk *w = arg;
    int outer = outer_dims(w);
    int64_t blocks = block_count(w), at[IG_DIMS_MAX], left = (int64_t)begin / blocks, block = (int64_t)begin % blocks;
    char *d = w->dst;
    const char *s = w->src;
    (void)thread;
    for (int i = outer - 1; i >= 0; i--) {
        at[i] = left % w->size[i], left /= w->size[i];
        d += at[i] * w->to[i], s += at[i] * w->from[i];
    }
    for (size_t item = begin; item < end; item++) {
        if (w->tiled) copy_tiles(w, d, s, block * TILE);
        else copy_run(w, d, s, block * RUN);
        if (++block < blocks) continue;
        block = 0;
        for (int i = outer - 1; i >= 0; i--) {
            d += w->to[i], s += w->from[i];
            if (++at[i] < w->size[i]) break;
            d -= w->to[i] * w->size[i], s -= w->from[i] * w->size[i];
            at[i] = 0;
        }
    }
}

ig_status ig_copy_layout(ig_context *ctx, const ig_tensor *dst, const ig_tensor *src, ig_error *err) {
    if (dst->dtype != src->dtype || !ig_tensor_same_shape(dst, src)) return ig_tensor_copy(ctx, dst, src, err);
    if (ig_tensor_numel(dst) == 0) return IG_OK;
    walk w = walk_of(dst, src);
    size_t items = (size_t)block_count(&w);
    int64_t row = w.size[w.n - 1], cost = w.tiled ? TILE * row : at_most(RUN, row);
    for (int i = 0; i < outer_dims(&w); i++) items *= (size_t)w.size[i];
    ig_parallel_for(ctx, items, ig_grain((size_t)cost), copy_range, &w);
    return IG_OK;
}
