/* tensor/kernels/softmax.c: softmax, log-sum-exp and cross-entropy over a row of contiguous elements.
 *
 * The maximum is taken off first, so e^x never overflows and the largest term is 1.  A vocabulary's row (50257) leaves the
 * first cache: e^x is therefore written and summed in chunks, while they are still there.  A row of -inf only (nothing visible)
 * gives zeros and the log-sum-exp -inf; a NaN anywhere makes the whole row NaN.
 */
#include "tensor/kernels/kernel_math.h"
#include "tensor/kernels/lanes.h"
#include "tensor/kernels/table.h"

#define CHUNK 512 /* a multiple of LANES */

/* Shifting by 0 instead of -inf keeps e^-inf = 0 and makes no NaN. */
static real shift_of(const real *x, size_t n) {
    real max = largest_of(x, n);
    return max == -INFINITY ? R(0.0) : max;
}

/* y = e^(x - shift), returns the sum; y NULL: the sum only */
static real sum_of_exp(real *y, const real *x, real shift, size_t n) {
    real buf[CHUNK];
    lanes s = lanes_set(0);
    for (size_t o = 0; o < n; o += CHUNK) {
        size_t count = n - o < CHUNK ? n - o : CHUNK;
        real *e = y ? y + o : buf;
        EACH(i, count) e[i] = k_exp_down(x[o + i] - shift);
        s = lanes_add_all(s, e, count);
    }
    return lanes_sum(s);
}

real K(softmax_row)(real *y, const real *x, size_t n) {
    real shift = shift_of(x, n), sum = sum_of_exp(y, x, shift, n), inverse = sum == 0 ? R(0.0) : R(1.0) / sum;
    EACH(i, n) y[i] *= inverse;
    return shift + k_log(sum);
}

real K(lse_row)(const real *x, size_t n) {
    real shift = shift_of(x, n);
    return shift + k_log(sum_of_exp(NULL, x, shift, n));
}

real K(log_softmax_row)(real *y, const real *x, size_t n) {
    real lse = K(lse_row)(x, n);
    EACH(i, n) y[i] = x[i] - lse;
    return lse;
}

void K(softmax_grad_row)(real *dx, const real *dy, const real *y, size_t n) {
    real dot = sum_of_products(dy, y, n);
    EACH(i, n) dx[i] = y[i] * (dy[i] - dot);
}

void K(log_softmax_grad_row)(real *dx, const real *dy, const real *y, size_t n) {
    real sum = sum_of(dy, n);
    EACH(i, n) dx[i] = FMA(-sum, k_exp_down(y[i]), dy[i]);
}

void K(cross_entropy_grad_row)(real *dx, const real *x, real lse, int64_t target, real smoothing, real scale, size_t n) {
    real spread = smoothing / (real)n;
    EACH(i, n) dx[i] = (k_exp_down(x[i] - lse) - spread) * scale;
    dx[target] -= (R(1.0) - smoothing) * scale;
}
