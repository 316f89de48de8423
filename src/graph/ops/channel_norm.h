/* graph/ops/channel_norm.h: how batch and group norm cut their work; shared by channel_norm.c and channel_norm_grad.c.
 *
 * x [...,C] is seen as segments of rows of C channels: one segment for batch norm, a segment per picture for group norm.  The
 * statistics of a segment are those of its groups, C/groups channels each (batch norm: groups = C).  The rows of a segment are
 * cut into blocks, which depend on the shape only, so the bits do not depend on the number of threads:
 *
 *     segment 0                     segment 1
 *     | block 0 | block 1 | bl. |   | block 0 | block 1 | bl. |
 *
 * Kernels see several rows of few channels as one row of `width` columns, with the vectors of the channels repeated.
 */
#ifndef INGOT_GRAPH_CHANNEL_NORM_H
#define INGOT_GRAPH_CHANNEL_NORM_H

#include "graph/ops/ops.h"

typedef struct ig_channel_norm {
    const ig_run *r;
    bool wide, relu;
    double eps;
    size_t size;                        /* bytes of an element */
    size_t segments, rows, channels, groups;
    size_t width, block, blocks;        /* columns of a kernel's row; rows of a block; blocks of a segment */
    const ig_tensor *x, *w, *b, *mean, *var;
    char *vectors;                      /* [segments][5][width]: mean, scale, shift, c0, c1 */
    char *partial;                      /* [segments][blocks][3][width] */
    char *totals;                       /* [segments][2][channels]: of the gradient */
} ig_channel_norm;

/* Of node n whose input x is number k.  Memory and tensors are left to ig_channel_norm_bind. */
ig_channel_norm ig_channel_norm_of(const ig_node *n, int k);
size_t ig_channel_norm_scratch(const ig_channel_norm *j);
void ig_channel_norm_bind(ig_channel_norm *j, const ig_run *r, const ig_tensor *x, const ig_tensor *w, const ig_tensor *b,
                          const ig_tensor *mean, const ig_tensor *var);
/* Fill mean, scale and shift of all segments from the statistics. */
void ig_channel_norm_vectors(ig_channel_norm *j);
/* Shape rules: x must be [...,C] with at least `rows_min` rows in a segment; input k must be [C]; statistics' shape. */
ig_status ig_channel_norm_check(const ig_node *n, int x, int64_t rows_min, ig_error *err);
ig_status ig_need_channels(const ig_node *n, int k, int x, ig_error *err);
int ig_channel_norm_stat_shape(const ig_node *n, int x, int64_t shape[2]);

static inline double ig_real_at(const ig_channel_norm *j, const void *p, size_t i) {
    return j->wide ? ((const double *)p)[i] : (double)((const float *)p)[i];
}
static inline void ig_real_put(const ig_channel_norm *j, void *p, size_t i, double v) {
    if (j->wide) ((double *)p)[i] = v;
    else ((float *)p)[i] = (float)v;
}

static inline char *ig_channel_norm_vector(const ig_channel_norm *j, size_t segment, size_t which) {
    return j->vectors + (segment * 5 + which) * j->width * j->size;
}
static inline ig_columns ig_channel_norm_columns(const ig_channel_norm *j, size_t segment) {
    char *v = ig_channel_norm_vector(j, segment, 0);
    size_t step = j->width * j->size;
    return (ig_columns){v, v + step, v + 2 * step, v + 3 * step, v + 4 * step};
}
static inline char *ig_channel_norm_partial(const ig_channel_norm *j, size_t item, size_t which) {
    return j->partial + (item * 3 + which) * j->width * j->size;
}
/* Rows of block number `block` of any segment. */
static inline size_t ig_channel_norm_rows(const ig_channel_norm *j, size_t block) {
    size_t left = j->rows - block * j->block;
    return left < j->block ? left : j->block;
}
/* Bytes from the start of x to item = segment·blocks + block. */
static inline size_t ig_channel_norm_offset(const ig_channel_norm *j, size_t item) {
    return (item / j->blocks * j->rows + item % j->blocks * j->block) * j->channels * j->size;
}
/* Columns that hold the same channel are added up into the first `channels` of them. */
void ig_channel_norm_fold(const ig_channel_norm *j, void *sums);
void ig_channel_norm_repeat(const ig_channel_norm *j, void *vector);

/* The kernel of this element type; void pointers become its own. */
#define IG_COLUMNS(j, kernel, ...) ((j)->wide ? (j)->r->k->kernel##_f64(__VA_ARGS__) : (j)->r->k->kernel(__VA_ARGS__))

#endif
