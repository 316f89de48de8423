/* tensor/map.c: the element-wise runner.
 *
 * Dimensions that every operand walks in one stride are joined first, so that almost everything is a few long rows.  The
 * logical order is then cut into ranges for the threads and blocks of IG_MAP_BLOCK elements, small enough that all
 * intermediate results of a fused chain stay in the first cache:
 *
 *     for each block:   load or point at operands  →  kernel  →  kernel  →  …  →  store
 *
 * An operand of another type or stride is converted into a block buffer first; one that is constant along a row fills
 * its buffer once.  Kernels therefore see contiguous f32 (or f64) only.
 */
#include "tensor/map.h"

#include <string.h>

#define IG_MAP_BLOCK 512
#define IG_MAP_GRAIN 8192 /* elements below which a second thread costs more than it brings */

typedef struct map_job {
    const ig_map_program *p;
    const ig_kernels *k;
    const ig_tensor *const *in, *const *out;
    int ndim; /* after joining */
    int64_t shape[IG_DIMS_MAX];
    int64_t in_stride[IG_CHAIN_INPUTS_MAX][IG_DIMS_MAX], out_stride[IG_CHAIN_STEPS_MAX][IG_DIMS_MAX];
} map_job;

static double saturate(double v, double lo, double hi) { return v != v ? 0 : v < lo ? lo : v > hi ? hi : v; }

static int64_t saturate_i64(double v) {
    if (v != v) return 0;
    if (v >= 9223372036854775808.0) return INT64_MAX;
    return v <= -9223372036854775808.0 ? INT64_MIN : (int64_t)v;
}

/* Offsets of row `row` in every operand. */
static void row_offsets(const map_job *j, size_t row, int64_t *in_off, int64_t *out_off) {
    memset(in_off, 0, sizeof *in_off * (size_t)j->p->inputs);
    memset(out_off, 0, sizeof *out_off * (size_t)j->p->outputs);
    for (int d = j->ndim - 2; d >= 0; d--) {
        int64_t i = (int64_t)(d ? row % (size_t)j->shape[d] : row); /* divisions cost as much as a short row */
        if (d) row /= (size_t)j->shape[d];
        for (int o = 0; o < j->p->inputs; o++) in_off[o] += i * j->in_stride[o][d];
        for (int o = 0; o < j->p->outputs; o++) out_off[o] += i * j->out_stride[o][d];
    }
}

#define REAL float
#define REAL_DTYPE IG_DTYPE_F32
#define NAME(x) x##_f32
#define KERNEL(k, m) (k)->map_f32[m]
#include "tensor/map_block.h"
#undef REAL
#undef REAL_DTYPE
#undef NAME
#undef KERNEL

#define REAL double
#define REAL_DTYPE IG_DTYPE_F64
#define NAME(x) x##_f64
#define KERNEL(k, m) (k)->map_f64[m]
#include "tensor/map_block.h"

/* Strides of t for a walk over shape[ndim]: right-aligned, 0 where it is broadcast. */
static void walk_strides(const ig_tensor *t, int ndim, const int64_t *shape, int64_t *stride) {
    for (int i = 0; i < ndim; i++) {
        int j = i - (ndim - t->ndim);
        stride[i] = j < 0 || (t->shape[j] == 1 && shape[i] != 1) ? 0 : t->stride[j];
    }
}

static bool joins(const int64_t *stride, int outer, int inner, int64_t inner_size) {
    return stride[outer] == stride[inner] * inner_size;
}

static bool all_join(const map_job *j, int outer, int inner) {
    for (int o = 0; o < j->p->inputs; o++)
        if (!joins(j->in_stride[o], outer, inner, j->shape[inner])) return false;
    for (int o = 0; o < j->p->outputs; o++)
        if (!joins(j->out_stride[o], outer, inner, j->shape[inner])) return false;
    return true;
}

static void move_dim(map_job *j, int to, int from) {
    j->shape[to] = j->shape[from];
    for (int o = 0; o < j->p->inputs; o++) j->in_stride[o][to] = j->in_stride[o][from];
    for (int o = 0; o < j->p->outputs; o++) j->out_stride[o][to] = j->out_stride[o][from];
}

/* Drop dimensions of size 1 and join neighbours that every operand walks in one stride. */
static void join_dims(map_job *j) {
    int n = 0;
    for (int d = 0; d < j->ndim; d++) {
        if (j->shape[d] == 1) continue;
        if (n && all_join(j, n - 1, d)) {
            int64_t size = j->shape[n - 1] * j->shape[d];
            move_dim(j, n - 1, d);
            j->shape[n - 1] = size;
        } else {
            move_dim(j, n++, d);
        }
    }
    j->ndim = n;
}

/* The same tensors may join with a neighbour only after the outer stride is known, so strides of the key are neutral. */
static bool computes_in_f64(const ig_tensor *const *t, int count, unsigned skip) {
    for (int i = 0; i < count; i++) {
        ig_dtype d = t[i]->dtype;
        if (!(skip >> i & 1) && (d == IG_DTYPE_F64 || d == IG_DTYPE_I32 || d == IG_DTYPE_I64)) return true;
    }
    return false;
}

void ig_map_run(ig_context *ctx, const ig_map_program *p, const ig_tensor *const *in, const ig_tensor *const *out) {
    map_job j = {.p = p, .k = ig_kernels_of(ctx), .in = in, .out = out, .ndim = out[0]->ndim};
    size_t n = (size_t)ig_tensor_numel(out[0]);
    unsigned keys = 0;
    if (n == 0) return;
    memcpy(j.shape, out[0]->shape, sizeof j.shape);
    for (int s = 0; s < p->steps; s++)
        if (p->step[s].key >= 0) keys |= 1u << p->step[s].key;
    for (int i = 0; i < p->inputs; i++)
        if (!(keys >> i & 1)) walk_strides(in[i], j.ndim, j.shape, j.in_stride[i]); /* a key is no operand: strides stay 0 */
    for (int i = 0; i < p->outputs; i++) walk_strides(out[i], j.ndim, j.shape, j.out_stride[i]);
    join_dims(&j);
    bool wide = computes_in_f64(in, p->inputs, keys) || computes_in_f64(out, p->outputs, 0);
    ig_parallel_for(ctx, n, IG_MAP_GRAIN, wide ? run_range_f64 : run_range_f32, &j);
}
