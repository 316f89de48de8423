/* tensor/kernels/reduce.c: sums and maxima of contiguous elements, and the sum of rows. */
#include "tensor/kernels/lanes.h"
#include "tensor/kernels/table.h"

real K(row_sum)(const real *x, size_t n) { return sum_of(x, n); }

real K(row_sum_squares)(const real *x, size_t n) { return sum_of_products(x, x, n); }

static bool has_nan(const real *x, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (x[i] != x[i]) return true;
    return false;
}

/* The vector maximum loses NaN.  x·0 is NaN for a NaN, and for infinities: only then the row is searched. */
real K(row_max)(const real *x, size_t n) {
    lanes m = lanes_set(-INFINITY), zero = lanes_set(0), odd = zero;
#define STEP(LOAD) m = lanes_max(LOAD(x, -INFINITY), m), odd = lanes_fma(LOAD(x, 0), zero, odd)
    LANES_LOOP(n, STEP);
#undef STEP
    real suspect = lanes_sum(odd);
    return suspect != suspect && has_nan(x, n) ? (real)NAN : lanes_largest(m);
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
