/* tensor/kernels/norm.c: normalisation of one row, and its gradient.   (Ba et al. 2016; Zhang & Sennrich 2019)
 *
 * The variance is the mean of squared distances from the mean, in a second pass: the mean of squares minus the square of the mean
 * loses all digits when the mean is large.
 */
#include "tensor/kernels/kernel_math.h"
#include "tensor/kernels/lanes.h"
#include "tensor/kernels/table.h"

void K(layer_norm_row)(real *y, real *mean, real *rstd, const real *x, const real *w, const real *b, real eps, size_t n) {
    const real m = sum_of(x, n) / (real)n;
    const real r = R(1.0) / MATH(sqrt)(sum_of_squares_around(x, m, n) / (real)n + eps);
    if (w && b) EACH(i, n) y[i] = FMA((x[i] - m) * r, w[i], b[i]);
    else if (w) EACH(i, n) y[i] = (x[i] - m) * r * w[i];
    else if (b) EACH(i, n) y[i] = (x[i] - m) * r + b[i];
    else EACH(i, n) y[i] = (x[i] - m) * r;
    *mean = m, *rstd = r;
}

/* dx = r·(g - mean(g) - x̂·mean(g·x̂)),  g = dy·w */
void K(layer_norm_grad_row)(real *dx, real *dw, real *db, const real *dy, const real *x, const real *w, real mean, real rstd, size_t n) {
    lanes m = lanes_set(mean), r = lanes_set(rstd), one = lanes_set(1), sum = lanes_set(0), dot = sum, g;
#define STEP(LOAD)                                                                                                     \
    g = lanes_mul(LOAD(dy, 0), w ? LOAD(w, 0) : one), sum = lanes_add(sum, g),                                         \
    dot = lanes_fma(g, lanes_mul(lanes_sub(LOAD(x, mean), m), r), dot)
    LANES_LOOP(n, STEP);
#undef STEP
    const real s0 = lanes_sum(sum) / (real)n, s1 = lanes_sum(dot) / (real)n;
    if (dw) EACH(i, n) dw[i] = FMA(dy[i], (x[i] - mean) * rstd, dw[i]);
    if (db) EACH(i, n) db[i] += dy[i];
    if (w) EACH(i, n) dx[i] = rstd * FMA(-s1, (x[i] - mean) * rstd, FMA(dy[i], w[i], -s0));
    else EACH(i, n) dx[i] = rstd * FMA(-s1, (x[i] - mean) * rstd, dy[i] - s0);
}

void K(rms_norm_row)(real *y, real *rstd, const real *x, const real *w, real eps, size_t n) {
    const real r = R(1.0) / MATH(sqrt)(sum_of_products(x, x, n) / (real)n + eps);
    if (w) EACH(i, n) y[i] = x[i] * r * w[i];
    else EACH(i, n) y[i] = x[i] * r;
    *rstd = r;
}

/* dx = r·(g - x̂·mean(g·x̂)),  x̂ = x·r,  g = dy·w */
void K(rms_norm_grad_row)(real *dx, real *dw, const real *dy, const real *x, const real *w, real rstd, size_t n) {
    lanes r = lanes_set(rstd), one = lanes_set(1), dot = lanes_set(0);
#define STEP(LOAD) dot = lanes_fma(lanes_mul(LOAD(dy, 0), w ? LOAD(w, 0) : one), lanes_mul(LOAD(x, 0), r), dot)
    LANES_LOOP(n, STEP);
#undef STEP
    const real s = lanes_sum(dot) / (real)n;
    if (dw) EACH(i, n) dw[i] = FMA(dy[i], x[i] * rstd, dw[i]);
    if (w) EACH(i, n) dx[i] = rstd * FMA(-s, x[i] * rstd, dy[i] * w[i]);
    else EACH(i, n) dx[i] = rstd * FMA(-s, x[i] * rstd, dy[i]);
}
