/* tensor/kernels/channel_norm.c: statistics and normalisation per column of a matrix, for batch and group norm over [rows,C].
 *
 * All functions walk `count` contiguous elements as rows of n; the last row may be shorter.  The caller lays several rows of
 * few channels side by side (and repeats the vectors), so that n is long enough to fill vectors whatever C is.  Columns are
 * taken in strips, whose sums and vectors stay in registers over all rows.  Every column is summed in the order of the rows,
 * so all instruction sets give the same bits.
 */
#include "tensor/kernels/table.h"

#define STRIP 64 /* columns */

/* CALL(at, first, rows, m) for all strips: columns [first, first + m) of `rows` rows, the first of them at element `at`. */
#define STRIPS(CALL)                                                                                                   \
    size_t whole_ = count / n, rest_ = count - whole_ * n, c_ = 0;                                                     \
    for (; c_ + STRIP <= n; c_ += STRIP) CALL(c_, c_, whole_, STRIP);                                                  \
    if (c_ < n) CALL(c_, c_, whole_, n - c_);                                                                          \
    for (c_ = 0; c_ < rest_; c_ += STRIP) CALL(whole_ * n + c_, c_, 1, rest_ - c_ < STRIP ? rest_ - c_ : STRIP)

/* i is the first element of the strip in each row. */
#define EACH_ROW(i) for (size_t i = 0, r_ = 0; r_ < rows; r_++, i += n)

/* ---- statistics ---------------------------------------------------------------------------------------------------- */

INLINE void strip_sums(real *sum, const real *x, size_t rows, size_t n, size_t m) {
    real s[STRIP];
    EACH(j, m) s[j] = sum[j];
    EACH_ROW(i) EACH(j, m) s[j] += x[i + j];
    EACH(j, m) sum[j] = s[j];
}

void K(column_sums)(real *sum, const real *x, size_t count, size_t n) {
#define CALL(at, first, rows, m) strip_sums(sum + (first), x + (at), rows, n, m)
    STRIPS(CALL);
#undef CALL
}

INLINE void strip_moments(real *first, real *second, const real *x, const real *around, size_t rows, size_t n, size_t m) {
    real a[STRIP], s[STRIP], t[STRIP];
    EACH(j, m) a[j] = around[j], s[j] = first[j], t[j] = second[j];
    EACH_ROW(i) {
        EACH(j, m) {
            real d = x[i + j] - a[j];
            s[j] += d, t[j] = FMA(d, d, t[j]);
        }
    }
    EACH(j, m) first[j] = s[j], second[j] = t[j];
}

void K(column_moments)(real *first, real *second, const real *x, const real *around, size_t count, size_t n) {
#define CALL(at, c, rows, m) strip_moments(first + (c), second + (c), x + (at), around + (c), rows, n, m)
    STRIPS(CALL);
#undef CALL
}

/* ---- forward ------------------------------------------------------------------------------------------------------- */

/* The vectors of a strip. */
typedef struct strip {
    const real *mean, *scale, *shift, *c0, *c1;
} strip;

INLINE strip strip_at(const ig_columns *v, size_t first) {
    return (strip){(const real *)v->mean + first, (const real *)v->scale + first, (const real *)v->shift + first,
                   (const real *)v->c0 + first, (const real *)v->c1 + first};
}

INLINE void strip_affine(real *y, const real *x, const real *add, strip v, size_t rows, size_t n, size_t m, bool relu) {
    real mean[STRIP], scale[STRIP], shift[STRIP];
    EACH(j, m) mean[j] = v.mean[j], scale[j] = v.scale[j], shift[j] = v.shift[j];
    EACH_ROW(i) {
        EACH(j, m) {
            real t = FMA(x[i + j] - mean[j], scale[j], shift[j]);
            if (add) t += add[i + j];
            y[i + j] = relu && t < 0 ? R(0.0) : t;
        }
    }
}

INLINE void affine(real *y, const real *x, const real *add, const ig_columns *v, size_t count, size_t n, bool relu) {
#define CALL(at, first, rows, m) strip_affine(y + (at), x + (at), add ? add + (at) : NULL, strip_at(v, first), rows, n, m, relu)
    STRIPS(CALL);
#undef CALL
}

void K(column_affine)(real *y, const real *x, const real *add, const ig_columns *v, size_t count, size_t n, bool relu) {
    if (add && relu) affine(y, x, add, v, count, n, true);
    else if (add) affine(y, x, add, v, count, n, false);
    else if (relu) affine(y, x, NULL, v, count, n, true);
    else affine(y, x, NULL, v, count, n, false);
}

/* ---- gradient ------------------------------------------------------------------------------------------------------ */

/* What reaches the affine part: dy, or dy where the rectified output was positive; that is recomputed unless y is given. */
#define PASSED(i) (relu && !((y ? y[i] : FMA(x[i] - mean[j], scale[j], shift[j])) > 0) ? R(0.0) : dy[i])

INLINE void strip_grad_sums(real *sum, real *dot, real *g_out, const real *dy, const real *x, const real *y, strip v,
                            size_t rows, size_t n, size_t m, bool relu) {
    real mean[STRIP], scale[STRIP], shift[STRIP], s[STRIP], d[STRIP];
    EACH(j, m) mean[j] = v.mean[j], scale[j] = v.scale[j], shift[j] = v.shift[j], s[j] = sum[j], d[j] = dot[j];
    EACH_ROW(i) {
        EACH(j, m) {
            real g = PASSED(i + j);
            if (g_out) g_out[i + j] = g;
            s[j] += g, d[j] = FMA(g, x[i + j] - mean[j], d[j]);
        }
    }
    EACH(j, m) sum[j] = s[j], dot[j] = d[j];
}

INLINE void grad_sums(real *sum, real *dot, real *g, const real *dy, const real *x, const real *y, const ig_columns *v,
                      size_t count, size_t n, bool relu) {
#define CALL(at, first, rows, m) \
    strip_grad_sums(sum + (first), dot + (first), g ? g + (at) : NULL, dy + (at), x + (at), y ? y + (at) : NULL, \
                    strip_at(v, first), rows, n, m, relu)
    STRIPS(CALL);
#undef CALL
}

void K(column_grad_sums)(real *sum, real *dot, real *g, const real *dy, const real *x, const real *y, const ig_columns *v,
                         size_t count, size_t n, bool relu) {
    if (relu && y && g) grad_sums(sum, dot, g, dy, x, y, v, count, n, true);
    else if (relu && y) grad_sums(sum, dot, NULL, dy, x, y, v, count, n, true);
    else if (relu) grad_sums(sum, dot, NULL, dy, x, NULL, v, count, n, true);
    else grad_sums(sum, dot, NULL, dy, x, NULL, v, count, n, false);
}

INLINE void strip_grad(real *dx, const real *dy, const real *x, strip v, size_t rows, size_t n, size_t m, bool relu) {
    real mean[STRIP], scale[STRIP], shift[STRIP], c0[STRIP], c1[STRIP];
    const real *y = NULL;
    EACH(j, m) mean[j] = v.mean[j], scale[j] = v.scale[j], shift[j] = v.shift[j], c0[j] = v.c0[j], c1[j] = v.c1[j];
    EACH_ROW(i) EACH(j, m) dx[i + j] = FMA(PASSED(i + j), scale[j], -FMA(x[i + j] - mean[j], c1[j], c0[j]));
}

INLINE void grad(real *dx, const real *dy, const real *x, const ig_columns *v, size_t count, size_t n, bool relu) {
#define CALL(at, first, rows, m) strip_grad(dx + (at), dy + (at), x + (at), strip_at(v, first), rows, n, m, relu)
    STRIPS(CALL);
#undef CALL
}

void K(column_grad)(real *dx, const real *dy, const real *x, const ig_columns *v, size_t count, size_t n, bool relu) {
    if (relu) grad(dx, dy, x, v, count, n, true);
    else grad(dx, dy, x, v, count, n, false);
}
