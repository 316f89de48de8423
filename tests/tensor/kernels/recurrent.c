/* The packed product of recurrent networks, and the gates of LSTM and GRU, against plain loops in double. */
#include "kernel_check.h"

#define STRIP 16

static float weight(const float *w, size_t row, size_t col, size_t k, size_t j) { return w[k * row + j * col]; }

/* Columns 0 … n-1 of w, in strips, packed as recurrent.c draws it. */
static float *pack(const ig_kernels *t, const float *w, size_t row, size_t col, size_t k, size_t n, size_t strips) {
    float *b = guarded(k * strips * STRIP);
    for (size_t s = 0; s < strips; s++) {
        size_t first = s / 2 * 2, width = strips - first > 1 ? 2 * STRIP : STRIP, left = n > s * STRIP ? n - s * STRIP : 0;
        t->strip_pack(b + first * STRIP * k + (s - first) * STRIP, width, w + s * STRIP * col, row, col, k,
                      left < STRIP ? left : STRIP);
    }
    return b;
}

/* Every element is one chain of fused operations in the order of k: all instruction sets give the same bits. */
static void check_product(size_t m, size_t k, size_t n, bool turned) {
    size_t strips = (n + STRIP - 1) / STRIP, columns = strips * STRIP, row = turned ? 1 : columns, col = turned ? k : 1;
    float *a = guarded(m * (k + 3)), *w = guarded(columns * k), *reference = guarded(m * columns);
    fill(a, m * (k + 3), -1, 1), fill(w, columns * k, -1, 1);
    EACH_SET(t) {
        float *b = pack(t, w, row, col, k, n, strips), *c = guarded(m * columns);
        t->strips_product(c, a, k + 3, b, m, k, strips);
        for (size_t i = 0; i < m; i++) {
            for (size_t j = 0; j < columns; j++) {
                double want = 0, size = 0;
                for (size_t x = 0; x < k && j < n; x++) {
                    double p = (double)a[i * (k + 3) + x] * (double)weight(w, row, col, x, j);
                    want += p, size += fabs(p);
                }
                check_near("strips_product", n, i * columns + j, c[i * columns + j], want, EPS * (double)k * size);
            }
        }
        if (set_ == IG_CPU_REFERENCE) memcpy(reference, c, m * columns * sizeof *c);
        else assert_true(same_bits(c, reference, m * columns));
        free_guarded(b, k * columns), free_guarded(c, m * columns);
    }
    free_guarded(a, m * (k + 3)), free_guarded(w, columns * k), free_guarded(reference, m * columns);
}

static void the_packed_product_is_the_product(void **state) {
    (void)state;
    static const size_t rows[] = {1, 2, 5, 12, 20, 47, 49, 100}, columns[] = {1, 16, 17, 32, 47, 64};
    for (size_t i = 0; i < COUNT(rows); i++)
        for (size_t j = 0; j < COUNT(columns); j++) check_product(rows[i], j % 2 ? 33 : 7, columns[j], (i + j) % 2);
}

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

/* Values far out, where the gates are shut or open, stand among the usual ones. */
static void fill_gates(float *x, size_t n) {
    fill(x, n, -4, 4);
    x[0] = 200, x[n - 1] = -200;
}

/* Functions are good to 2 units, each of few factors below 1: 16 roundings of values up to the size of c. */
static void lstm_gates_are_the_formula(void **state) {
    (void)state;
    enum { H = 40 };
    EACH_SET(t) for (size_t n = 1; n <= STRIP; n++) {
        float *x = guarded(4 * H), *sum = guarded(4 * STRIP), *before = guarded(n), *h = guarded(n), *c = guarded(n),
              *gates = guarded(4 * H);
        fill_gates(x, 4 * H), fill(sum, 4 * STRIP, -1, 1), fill(before, n, -3, 3);
        t->lstm_row(h, c, gates, x, sum, before, H, n);
        for (size_t u = 0; u < n; u++) {
            double v[4];
            for (size_t g = 0; g < 4; g++) v[g] = x[g * H + u] + sum[g * STRIP + u], v[g] = g == 2 ? tanh(v[g]) : sigmoid(v[g]);
            double cell = v[1] * before[u] + v[0] * v[2];
            check_near("c", n, u, c[u], cell, EPS * 64);
            check_near("h", n, u, h[u], v[3] * tanh(cell), EPS * 64);
            for (size_t g = 0; g < 4; g++) check_near("a gate", n, u, gates[g * H + u], v[g], EPS * 16);
        }
        free_guarded(x, 4 * H), free_guarded(sum, 4 * STRIP), free_guarded(before, n), free_guarded(h, n), free_guarded(c, n);
        free_guarded(gates, 4 * H);
    }
}

static void gru_gates_are_the_formula(void **state) {
    (void)state;
    enum { H = 40 };
    EACH_SET(t) for (size_t n = 1; n <= STRIP; n++) {
        float *x = guarded(3 * H), *sum = guarded(3 * STRIP), *b = guarded(3 * H), *before = guarded(n), *h = guarded(n),
              *gates = guarded(4 * H);
        fill_gates(x, 3 * H), fill(sum, 3 * STRIP, -1, 1), fill(b, 3 * H, -1, 1), fill(before, n, -1, 1);
        t->gru_row(h, gates, x, sum, b, before, H, n);
        for (size_t u = 0; u < n; u++) {
            double r = sigmoid((double)x[u] + sum[u] + b[u]), z = sigmoid((double)x[H + u] + sum[STRIP + u] + b[H + u]);
            double q = (double)sum[2 * STRIP + u] + b[2 * H + u], m = tanh(x[2 * H + u] + r * q), want[4] = {r, z, m, q};
            check_near("h", n, u, h[u], (1 - z) * m + z * before[u], EPS * 64);
            for (size_t g = 0; g < 4; g++) check_near("a gate", n, u, gates[g * H + u], want[g], EPS * 32);
        }
        free_guarded(x, 3 * H), free_guarded(sum, 3 * STRIP), free_guarded(b, 3 * H), free_guarded(before, n),
            free_guarded(h, n);
        free_guarded(gates, 4 * H);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_packed_product_is_the_product),
        cmocka_unit_test(lstm_gates_are_the_formula),
        cmocka_unit_test(gru_gates_are_the_formula),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
