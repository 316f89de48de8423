/* tensor/kernels/pool.c: what pictures need, one pixel of c channels at a time: pools over a window of pixels, blends of four
 * pixels, sums over neighbouring channels.
 *
 * Channels are contiguous (NHWC): every loop over them is a vector loop, and the loop over the pixels of a window stands
 * outside.
 */
#include "tensor/kernels/table.h"

#define STRIP 32 /* channels */

/* Channels [0, c) of at most STRIP: the maxima so far and their places stay in registers. */
INLINE void max_strip(real *y, int32_t *index, const real *x, const ig_window *w, size_t c) {
    real best[STRIP];
    int32_t place[STRIP];
    EACH(j, c) best[j] = x[j], place[j] = w->position;
    for (int64_t r = 0; r < w->rows; r++) {
        for (int64_t s = 0; s < w->columns; s++) {
            const real *v = x + r * w->row_stride + s * w->column_stride;
            const int32_t here = w->position + (int32_t)r * w->width + (int32_t)s;
            EACH(j, c) {
                bool wins = v[j] > best[j] || v[j] != v[j];
                best[j] = wins ? v[j] : best[j], place[j] = wins ? here : place[j];
            }
        }
    }
    EACH(j, c) y[j] = best[j], index[j] = place[j];
}

void K(max_pool)(real *y, int32_t *index, const real *x, const ig_window *w, size_t c) {
    size_t j = 0;
    for (; j + STRIP <= c; j += STRIP) max_strip(y + j, index + j, x + j, w, STRIP);
    if (j < c) max_strip(y + j, index + j, x + j, w, c - j);
}

void K(max_pool_grad)(real *dx, const real *dy, const int32_t *index, size_t ld, size_t c) {
    EACH(j, c) dx[(size_t)index[j] * ld + j] += dy[j];
}

void K(avg_pool)(real *y, const real *x, const ig_window *w, real divisor, size_t c) {
    memset(y, 0, c * sizeof *y);
    for (int64_t r = 0; r < w->rows; r++) {
        for (int64_t s = 0; s < w->columns; s++) {
            const real *v = x + r * w->row_stride + s * w->column_stride;
            EACH(j, c) y[j] += v[j];
        }
    }
    EACH(j, c) y[j] /= divisor;
}

void K(avg_pool_grad)(real *dx, const real *dy, const ig_window *w, real divisor, size_t c) {
    const real share = R(1.0) / divisor;
    for (int64_t r = 0; r < w->rows; r++) {
        for (int64_t s = 0; s < w->columns; s++) {
            real *d = dx + r * w->row_stride + s * w->column_stride;
            EACH(j, c) d[j] = FMA(dy[j], share, d[j]);
        }
    }
}

void K(add_scaled)(real *y, const real *x, real a, size_t n) {
    EACH(i, n) y[i] = FMA(a, x[i], y[i]);
}

void K(blend)(real *y, const real *const x[4], real h, real w, size_t n) {
    const real *a = x[0], *b = x[1], *c = x[2], *d = x[3], v = 1 - w;
    EACH(i, n) y[i] = FMA(h, FMA(w, d[i], v * c[i]), (1 - h) * FMA(w, b[i], v * a[i]));
}

/* One shifted copy of the row after the other. */
void K(window_sum)(real *y, const real *x, size_t before, size_t after, size_t n) {
    memset(y, 0, n * sizeof *y);
    for (size_t o = before < n ? before : n; o > 0; o--) EACH(i, n - o) y[i + o] += x[i];
    for (size_t o = 0; o <= after && o < n; o++) EACH(i, n - o) y[i] += x[i + o];
}
