/* tensor/kernels/normal.c: normal equations of least squares, many small ones: building them, and solving them by Cholesky.
 *
 * A matrix [d][d] is symmetric and only its lower triangle counts, in whole blocks of sixteen columns; d is a multiple of 16
 * (zeros in the panels, ones on the diagonal fill up what a caller has less).  An element of a sum is one chain of fused
 * operations in the order of k, so instruction sets agree.
 *
 *     add_outer        A += Σ_k x[k]·y[k]ᵀ           tiles of rows stay in registers while k runs
 *     cholesky         A = L·Lᵀ, in place            right-looking, four columns at a time (Golub & Van Loan 2013, 4.2)
 *     cholesky_solve   x = L⁻ᵀ·(L⁻¹·b + z)           with z normal this is a draw from N(A⁻¹b, A⁻¹)
 */
#include "tensor/kernels/lanes.h"
#include "tensor/kernels/table.h"

#define COLUMNS 4
#define X(i) lanes_set(x[k * d + (i)])

/* ---- building ---- */

#if defined(__AVX512F__)
#define TILE_ROWS 8 /* enough sums in flight for 32 registers */
static void tile(float *a, const float *x, const float *y, size_t n, size_t d) {
    lanes s0 = lanes_load(a), s1 = lanes_load(a + d), s2 = lanes_load(a + 2 * d), s3 = lanes_load(a + 3 * d);
    lanes s4 = lanes_load(a + 4 * d), s5 = lanes_load(a + 5 * d), s6 = lanes_load(a + 6 * d), s7 = lanes_load(a + 7 * d);
    for (size_t k = 0; k < n; k++) {
        lanes v = lanes_load(y + k * d);
        s0 = lanes_fma(X(0), v, s0), s1 = lanes_fma(X(1), v, s1), s2 = lanes_fma(X(2), v, s2), s3 = lanes_fma(X(3), v, s3);
        s4 = lanes_fma(X(4), v, s4), s5 = lanes_fma(X(5), v, s5), s6 = lanes_fma(X(6), v, s6), s7 = lanes_fma(X(7), v, s7);
    }
    lanes_store(a, s0), lanes_store(a + d, s1), lanes_store(a + 2 * d, s2), lanes_store(a + 3 * d, s3);
    lanes_store(a + 4 * d, s4), lanes_store(a + 5 * d, s5), lanes_store(a + 6 * d, s6), lanes_store(a + 7 * d, s7);
}
#else
#define TILE_ROWS 4
static void tile(float *a, const float *x, const float *y, size_t n, size_t d) {
    lanes s0 = lanes_load(a), s1 = lanes_load(a + d), s2 = lanes_load(a + 2 * d), s3 = lanes_load(a + 3 * d);
    for (size_t k = 0; k < n; k++) {
        lanes v = lanes_load(y + k * d);
        s0 = lanes_fma(X(0), v, s0), s1 = lanes_fma(X(1), v, s1), s2 = lanes_fma(X(2), v, s2), s3 = lanes_fma(X(3), v, s3);
    }
    lanes_store(a, s0), lanes_store(a + d, s1), lanes_store(a + 2 * d, s2), lanes_store(a + 3 * d, s3);
}
#endif

void K(add_outer)(float *a, const float *x, const float *y, size_t n, size_t d) {
    for (size_t i = 0; i < d; i += TILE_ROWS)
        for (size_t j = 0; j <= i; j += LANES) tile(a + i * d + j, x + i, y + j, n, d);
}

float K(dot)(const float *x, const float *y, size_t n) { return sum_of_products(x, y, n); }

void K(sum_rows_at)(float *y, const float *x, const int32_t *index, size_t n, size_t d) {
    for (size_t j = 0; j < d; j += LANES) {
        lanes even = lanes_set(0), odd = even;
        size_t k = 0;
        for (; k + 2 <= n; k += 2) {
            even = lanes_add(even, lanes_load(x + (size_t)index[k] * d + j));
            odd = lanes_add(odd, lanes_load(x + (size_t)index[k + 1] * d + j));
        }
        if (k < n) even = lanes_add(even, lanes_load(x + (size_t)index[k] * d + j));
        lanes_store(y + j, lanes_add(even, odd));
    }
}

/* ---- solving ---- */

/* Four columns from k on of all rows; c[m] gets column k + m, with zeros above row k + COLUMNS.  False: no pivot. */
static bool factor_columns(float *a, size_t d, size_t k, float c[COLUMNS][IG_NORMAL_MAX]) {
    float inverse[COLUMNS];
    for (size_t i = k; i < d; i++) {
        float *row = a + i * d + k;
        size_t last = i - k < COLUMNS ? i - k : COLUMNS;
        for (size_t m = 0; m < last; m++) {
            const float *pivot = a + (k + m) * d + k;
            float v = row[m];
            for (size_t q = 0; q < m; q++) v = FMA(-row[q], pivot[q], v);
            row[m] = v * inverse[m];
        }
        if (last < COLUMNS) {
            float v = row[last];
            for (size_t q = 0; q < last; q++) v = FMA(-row[q], row[q], v);
            if (!(v > 0) || !(v <= 3e38f)) return false;
            row[last] = sqrtf(v);
            inverse[last] = 1 / row[last];
        }
        for (size_t m = 0; m < COLUMNS; m++) c[m][i] = i < k + COLUMNS ? 0 : row[m];
    }
    return true;
}

/* Row i less what the four columns explain; the columns that are done are multiplied by zeros and stay. */
static void update_row(float *row, size_t i, size_t k, float c[COLUMNS][IG_NORMAL_MAX]) {
    lanes f0 = lanes_set(-c[0][i]), f1 = lanes_set(-c[1][i]), f2 = lanes_set(-c[2][i]), f3 = lanes_set(-c[3][i]);
    for (size_t j = k / LANES * LANES; j <= i; j += LANES) {
        lanes s = lanes_load(row + j);
        s = lanes_fma(f0, lanes_load(c[0] + j), s), s = lanes_fma(f1, lanes_load(c[1] + j), s);
        s = lanes_fma(f2, lanes_load(c[2] + j), s), s = lanes_fma(f3, lanes_load(c[3] + j), s);
        lanes_store(row + j, s);
    }
}

bool K(cholesky)(float *a, size_t d) {
    float c[COLUMNS][IG_NORMAL_MAX] = {{0}};
    for (size_t k = 0; k < d; k += COLUMNS) {
        if (!factor_columns(a, d, k, c)) return false;
        for (size_t i = k + COLUMNS; i < d; i++) update_row(a + i * d, i, k, c);
        for (size_t m = 0; m < COLUMNS; m++) memset(c[m] + k, 0, COLUMNS * sizeof **c);
    }
    for (size_t i = 0; i < d; i++) /* so that solving may take whole blocks */
        for (size_t j = i + 1; j < (i / LANES + 1) * LANES; j++) a[i * d + j] = 0;
    return true;
}

void K(cholesky_solve)(const float *l, float *b, const float *z, size_t d) {
    float y[IG_NORMAL_MAX] = {0};
    for (size_t i = 0; i < d; i++) {
        const float *row = l + i * d;
        y[i] = (b[i] - sum_of_products(row, y, (i / LANES + 1) * LANES)) / row[i];
    }
    if (z)
        for (size_t i = 0; i < d; i++) y[i] += z[i];
    for (size_t i = d; i-- > 0;) {
        const float *row = l + i * d;
        float v = y[i] / row[i];
        for (size_t j = 0; j <= i; j += LANES) lanes_store(y + j, lanes_fma(lanes_set(-v), lanes_load(row + j), lanes_load(y + j)));
        b[i] = v;
    }
}
