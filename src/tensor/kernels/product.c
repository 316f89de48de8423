/* tensor/kernels/product.c: small products of matrices, for networks whose layers are too small to prepare a product for.
 *
 * c [m][n] = (c +) Σ_k a(i,k) · b[k][n], a by two distances, so that a transposed matrix needs no copy.  n is a multiple of 16.
 * Four rows of c stay in registers while k runs; every element adds in the order of k, whatever the instruction set.
 */
#include "tensor/kernels/lanes.h"
#include "tensor/kernels/table.h"

#define A(i) lanes_set(a[(i) * a_row + k * a_col])

static void four_rows(float *c, const float *a, size_t a_row, size_t a_col, const float *b, size_t n, size_t depth, bool add) {
    for (size_t j = 0; j < n; j += LANES) {
        lanes s0, s1, s2, s3;
        s0 = s1 = s2 = s3 = lanes_set(0);
        if (add) s0 = lanes_load(c + j), s1 = lanes_load(c + n + j), s2 = lanes_load(c + 2 * n + j), s3 = lanes_load(c + 3 * n + j);
        for (size_t k = 0; k < depth; k++) {
            lanes x = lanes_load(b + k * n + j);
            s0 = lanes_fma(A(0), x, s0), s1 = lanes_fma(A(1), x, s1), s2 = lanes_fma(A(2), x, s2), s3 = lanes_fma(A(3), x, s3);
        }
        lanes_store(c + j, s0), lanes_store(c + n + j, s1), lanes_store(c + 2 * n + j, s2), lanes_store(c + 3 * n + j, s3);
    }
}

static void one_row(float *c, const float *a, size_t a_col, const float *b, size_t n, size_t depth, bool add) {
    for (size_t j = 0; j < n; j += LANES) {
        lanes s = add ? lanes_load(c + j) : lanes_set(0);
        for (size_t k = 0; k < depth; k++) s = lanes_fma(lanes_set(a[k * a_col]), lanes_load(b + k * n + j), s);
        lanes_store(c + j, s);
    }
}

void K(product)(float *c, const float *a, size_t a_row, size_t a_col, const float *b, size_t m, size_t n, size_t k, bool add) {
    size_t i = 0;
    for (; i + 4 <= m; i += 4) four_rows(c + i * n, a + i * a_row, a_row, a_col, b, n, k, add);
    for (; i < m; i++) one_row(c + i * n, a + i * a_row, a_col, b, n, k, add);
}
