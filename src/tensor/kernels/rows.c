/* tensor/kernels/rows.c: sums, softmax and cross-entropy over rows of contiguous elements.
 *
 * Sums run in LANES accumulators, element i in lane i mod LANES, which are then folded in halves: the same order for every
 * vector width.
 */
#include "tensor/kernels/kernel_math.h"
#include "tensor/kernels/table.h"

INLINE real fold(const real lane[LANES]) {
    real t[LANES];
    memcpy(t, lane, sizeof t);
    for (int width = LANES / 2; width; width /= 2)
        for (int j = 0; j < width; j++) t[j] += t[j + width];
    return t[0];
}

/* Σ term over i: `term` may use i. */
#define SUM(result, n, term)                                                                                           \
    do {                                                                                                               \
        real lane_[LANES] = {0};                                                                                       \
        size_t body_ = (n) / LANES * LANES;                                                                            \
        for (size_t o_ = 0; o_ < body_; o_ += LANES)                                                                   \
            for (size_t j_ = 0; j_ < LANES; j_++) { size_t i = o_ + j_; lane_[j_] += (term); }                         \
        for (size_t i = body_; i < (n); i++) lane_[i - body_] += (term);                                               \
        result = fold(lane_);                                                                                          \
    } while (0)

real K(row_sum)(const real *x, size_t n) {
    real s;
    SUM(s, n, x[i]);
    return s;
}

real K(row_sum_squares)(const real *x, size_t n) {
    real s;
    SUM(s, n, x[i] * x[i]);
    return s;
}

/* NaN wins: once in a lane it stays there. */
real K(row_max)(const real *x, size_t n) {
    real lane[LANES], best;
    for (size_t j = 0; j < LANES; j++) lane[j] = x[j < n ? j : 0];
    size_t body = n / LANES * LANES;
    for (size_t o = 0; o < body; o += LANES)
        for (size_t j = 0; j < LANES; j++) { real v = x[o + j]; lane[j] = v > lane[j] || v != v ? v : lane[j]; }
    for (size_t i = body; i < n; i++) { real v = x[i]; lane[i - body] = v > lane[i - body] || v != v ? v : lane[i - body]; }
    best = lane[0];
    for (size_t j = 1; j < LANES; j++) best = lane[j] > best || lane[j] != lane[j] ? (best != best ? best : lane[j]) : best;
    return best;
}

/* Columns in strips that stay in registers and the first cache; rows one after the other, so the order is that of the rows. */
void K(add_rows)(real *y, const real *x, size_t rows, size_t n, size_t ld) {
    enum { STRIP = 128 };
    for (size_t j = 0; j < n; j += STRIP) {
        real sum[STRIP] = {0};
        size_t width = n - j < STRIP ? n - j : STRIP;
        if (width == STRIP) {
            for (size_t r = 0; r < rows; r++)
                for (size_t i = 0; i < STRIP; i++) sum[i] += x[r * ld + j + i];
        } else {
            for (size_t r = 0; r < rows; r++)
                for (size_t i = 0; i < width; i++) sum[i] += x[r * ld + j + i];
        }
        memcpy(y + j, sum, width * sizeof *y);
    }
}

/* ---- softmax ------------------------------------------------------------------------------------------------------------- */

/* A row of -inf only (nothing visible) has the maximum -inf: shifting by 0 instead keeps exp(-inf) = 0 and no NaN. */
INLINE real shift_of(real max) { return max == -INFINITY ? R(0.0) : max; }

real K(softmax_row)(real *y, const real *x, size_t n) {
    if (n == 0) return -INFINITY;
    real shift = shift_of(K(row_max)(x, n)), sum;
    EACH(i, n) y[i] = k_exp(x[i] - shift);
    SUM(sum, n, y[i]);
    real inverse = sum > 0 ? R(1.0) / sum : sum != sum ? sum : R(0.0);
    EACH(i, n) y[i] *= inverse;
    return shift + k_log(sum);
}

real K(lse_row)(const real *x, size_t n) {
    if (n == 0) return -INFINITY;
    real shift = shift_of(K(row_max)(x, n)), sum;
    SUM(sum, n, k_exp(x[i] - shift));
    return shift + k_log(sum);
}

real K(log_softmax_row)(real *y, const real *x, size_t n) {
    real lse = K(lse_row)(x, n);
    EACH(i, n) y[i] = x[i] - lse;
    return lse;
}

void K(softmax_grad_row)(real *dx, const real *dy, const real *y, size_t n) {
    real dot;
    SUM(dot, n, dy[i] * y[i]);
    EACH(i, n) dx[i] = y[i] * (dy[i] - dot);
}

void K(log_softmax_grad_row)(real *dx, const real *dy, const real *y, size_t n) {
    real sum;
    SUM(sum, n, dy[i]);
    EACH(i, n) dx[i] = dy[i] - k_exp(y[i]) * sum;
}

void K(cross_entropy_grad_row)(real *dx, const real *x, real lse, int64_t target, real smoothing, real scale, size_t n) {
    real spread = smoothing / (real)n;
    EACH(i, n) dx[i] = (k_exp(x[i] - lse) - spread) * scale;
    dx[target] -= (R(1.0) - smoothing) * scale;
}

/* ---- normalisation: one row ---------------------------------------------------------------------------------------------------- */

void K(layer_norm_row)(real *y, real *mean, real *rstd, const real *x, const real *w, const real *b, real eps, size_t n) {
    real m, v, r;
    SUM(m, n, x[i]);
    m /= (real)n;
    SUM(v, n, (x[i] - m) * (x[i] - m));
    r = R(1.0) / MATH(sqrt)(v / (real)n + eps);
    if (w && b) EACH(i, n) y[i] = FMA((x[i] - m) * r, w[i], b[i]);
    else if (w) EACH(i, n) y[i] = (x[i] - m) * r * w[i];
    else EACH(i, n) y[i] = (x[i] - m) * r;
    if (b && !w) EACH(i, n) y[i] += b[i];
    *mean = m, *rstd = r;
}

/* dx = r·(g - mean(g) - x̂·mean(g·x̂)),  g = dy·w */
void K(layer_norm_grad_row)(real *dx, real *dw, real *db, const real *dy, const real *x, const real *w, real mean, real rstd, size_t n) {
    real s0, s1;
    if (dw) EACH(i, n) dw[i] = FMA(dy[i], (x[i] - mean) * rstd, dw[i]);
    if (db) EACH(i, n) db[i] += dy[i];
    if (w) {
        SUM(s0, n, dy[i] * w[i]);
        SUM(s1, n, dy[i] * w[i] * ((x[i] - mean) * rstd));
    } else {
        SUM(s0, n, dy[i]);
        SUM(s1, n, dy[i] * ((x[i] - mean) * rstd));
    }
    s0 /= (real)n, s1 /= (real)n;
    if (w) EACH(i, n) dx[i] = rstd * (dy[i] * w[i] - s0 - (x[i] - mean) * rstd * s1);
    else EACH(i, n) dx[i] = rstd * (dy[i] - s0 - (x[i] - mean) * rstd * s1);
}

void K(rms_norm_row)(real *y, real *rstd, const real *x, const real *w, real eps, size_t n) {
    real v;
    SUM(v, n, x[i] * x[i]);
    real r = R(1.0) / MATH(sqrt)(v / (real)n + eps);
    if (w) EACH(i, n) y[i] = x[i] * r * w[i];
    else EACH(i, n) y[i] = x[i] * r;
    *rstd = r;
}

/* dx = r·(g - x̂·mean(g·x̂)),  x̂ = x·r,  g = dy·w */
void K(rms_norm_grad_row)(real *dx, real *dw, const real *dy, const real *x, const real *w, real rstd, size_t n) {
    real s;
    if (dw) EACH(i, n) dw[i] = FMA(dy[i], x[i] * rstd, dw[i]);
    if (w) SUM(s, n, dy[i] * w[i] * (x[i] * rstd));
    else SUM(s, n, dy[i] * (x[i] * rstd));
    s /= (real)n;
    if (w) EACH(i, n) dx[i] = rstd * (dy[i] * w[i] - x[i] * rstd * s);
    else EACH(i, n) dx[i] = rstd * (dy[i] - x[i] * rstd * s);
}

/* ---- rotary positions ------------------------------------------------------------------------------------------------------------ */

void K(rope_row)(real *y, const real *x, const real *c, const real *s, size_t d, bool half, real sign) {
    size_t pairs = d / 2, step = half ? 1 : 2, apart = half ? pairs : 1;
    EACH(i, pairs) {
        real a = x[i * step], b = x[i * step + apart], sin = sign * s[i];
        y[i * step] = a * c[i] - b * sin;
        y[i * step + apart] = b * c[i] + a * sin;
    }
}
