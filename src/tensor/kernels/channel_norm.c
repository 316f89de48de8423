/* tensor/kernels/channel_norm.c: statistics and normalisation per column of a matrix, for batch and group norm over [rows,C].
 *
 * All functions walk `count` contiguous elements as rows of n; the last row may be shorter.  The caller lays several rows of few
 * channels side by side (and repeats the vectors), so that n is long enough to fill vectors whatever C is.  Every column is
 * summed in the order of the rows, so all instruction sets give the same bits.
 */
#include "tensor/kernels/table.h"

/* Row by row: i is the first element of a row, m its length. */
#define ROWS(i, m) for (size_t i = 0, m; i < count && (m = count - i < n ? count - i : n, true); i += n)

void K(column_sums)(real *sum, const real *x, size_t count, size_t n) {
    ROWS(i, m) EACH(j, m) sum[j] += x[i + j];
}

void K(column_moments)(real *first, real *second, const real *x, const real *around, size_t count, size_t n) {
    ROWS(i, m) {
        EACH(j, m) {
            real d = x[i + j] - around[j];
            first[j] += d, second[j] = FMA(d, d, second[j]);
        }
    }
}

INLINE void affine(real *y, const real *x, const real *add, const ig_columns *v, size_t count, size_t n, bool relu) {
    const real *mean = v->mean, *scale = v->scale, *shift = v->shift;
    ROWS(i, m) {
        EACH(j, m) {
            real t = FMA(x[i + j] - mean[j], scale[j], shift[j]);
            if (add) t += add[i + j];
            y[i + j] = relu && t < 0 ? R(0.0) : t;
        }
    }
}

void K(column_affine)(real *y, const real *x, const real *add, const ig_columns *v, size_t count, size_t n, bool relu) {
    if (add && relu) affine(y, x, add, v, count, n, true);
    else if (add) affine(y, x, add, v, count, n, false);
    else if (relu) affine(y, x, NULL, v, count, n, true);
    else affine(y, x, NULL, v, count, n, false);
}

/* What reaches the affine part: dy, or dy where the rectified output was positive; it is recomputed unless y is given. */
#define PASSED(j) (relu && !((y ? y[i + j] : FMA(x[i + j] - mean[j], scale[j], shift[j])) > 0) ? R(0.0) : dy[i + j])

INLINE void grad_sums(real *sum, real *dot, const real *dy, const real *x, const real *y, const ig_columns *v, size_t count, size_t n,
                      bool relu) {
    const real *mean = v->mean, *scale = v->scale, *shift = v->shift;
    ROWS(i, m) {
        EACH(j, m) {
            real g = PASSED(j);
            sum[j] += g, dot[j] = FMA(g, x[i + j] - mean[j], dot[j]);
        }
    }
}

void K(column_grad_sums)(real *sum, real *dot, const real *dy, const real *x, const real *y, const ig_columns *v, size_t count, size_t n,
                         bool relu) {
    if (relu && y) grad_sums(sum, dot, dy, x, y, v, count, n, true);
    else if (relu) grad_sums(sum, dot, dy, x, NULL, v, count, n, true);
    else grad_sums(sum, dot, dy, x, NULL, v, count, n, false);
}

INLINE void grad(real *dx, real *d_add, const real *dy, const real *x, const real *y, const ig_columns *v, size_t count, size_t n, bool relu) {
    const real *mean = v->mean, *scale = v->scale, *shift = v->shift, *c0 = v->c0, *c1 = v->c1;
    ROWS(i, m) {
        EACH(j, m) {
            real g = PASSED(j);
            if (d_add) d_add[i + j] = g;
            dx[i + j] = FMA(g, scale[j], -FMA(x[i + j] - mean[j], c1[j], c0[j]));
        }
    }
}

void K(column_grad)(real *dx, real *d_add, const real *dy, const real *x, const real *y, const ig_columns *v, size_t count, size_t n,
                    bool relu) {
    if (d_add) grad(dx, d_add, dy, x, y, v, count, n, true);
    else if (relu) grad(dx, NULL, dy, x, NULL, v, count, n, true);
    else grad(dx, NULL, dy, x, NULL, v, count, n, false);
}
