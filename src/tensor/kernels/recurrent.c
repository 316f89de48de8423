/* tensor/kernels/recurrent.c: the recurrent product of LSTM and GRU over packed weights, and their gates.
 *
 * The weights of a sweep over time are packed once and read at every step, so that a step streams them in the order in which
 * they lie.  A strip is 16 columns; strips lie in pairs, [K][32], and the last one, when their number is odd, as [K][16]:
 *
 *     strips 0 | 1 of k = 0, 1 … K-1  ║  strips 2 | 3 of k = 0, 1 … K-1  ║  strip 4 …
 *
 * With one strip per gate of the same 16 units, all sums that these units need stand in one small array that the first cache
 * holds, and the gates are computed as soon as it is full.
 *
 * LSTM (Hochreiter & Schmidhuber 1997; Gers et al. 2000), gates i f g o:    GRU (Cho et al. 2014), r z n:
 *     c = σ(f)·c' + σ(i)·tanh(g)                                                q = W_hn·h' + b_hn
 *     h = σ(o)·tanh(c)                                                          n = tanh(x_n + σ(r)·q)
 *                                                                               h = (1 - σ(z))·n + σ(z)·h'
 */
#include "tensor/kernels/kernel_math.h"
#include "tensor/kernels/table.h"

#define PAIR (2 * LANES)

/* y[i·width + u] = w(i,u), zero from u = n on */
void K(strip_pack)(real *y, size_t width, const real *w, size_t row, size_t col, size_t k, size_t n) {
    for (size_t i = 0; i < k; i++, y += width, w += row)
        for (size_t u = 0; u < LANES; u++) y[u] = u < n ? w[u * col] : R(0.0);
}

/* ---- the product ------------------------------------------------------------------------------------------------------ */

#if !defined(IG_WIDE) && defined(__AVX2__)

#include "tensor/kernels/tile.h"

#define ROWS 48 /* a multiple of every tile's rows */

void K(strips_product)(real *c, const real *a, size_t a_row, const real *b, size_t m, size_t k, size_t strips) {
    static const dim from[ROWS];
    dim depth[ROWS];
    const size_t ldc = LANES * strips;
    for (size_t i = 0; i < ROWS; i++) depth[i] = (dim)k;
    for (size_t j = 0; j < ldc; j += PANEL) {
        size_t first = j / PAIR * PAIR, width = ldc - first < PAIR ? ldc - first : PAIR;
        for (size_t i = 0; i < m; i += ROWS)
            product_panel(c + i * ldc + j, (dim)ldc, (matrix){a + i * a_row, (dim)a_row, 1}, b + first * k + (j - first),
                          (dim)width, 0, (dim)(m - i < ROWS ? m - i : ROWS), (span){from, depth}, false, ldc - j > W);
    }
}

#else

void K(strips_product)(real *c, const real *a, size_t a_row, const real *b, size_t m, size_t k, size_t strips) {
    const size_t ldc = LANES * strips;
    for (size_t j = 0; j < ldc; j++) {
        size_t first = j / PAIR * PAIR, width = ldc - first < PAIR ? ldc - first : PAIR;
        const real *column = b + first * k + (j - first);
        for (size_t i = 0; i < m; i++) {
            real sum = 0;
            for (size_t x = 0; x < k; x++) sum = FMA(a[i * a_row + x], column[x * width], sum);
            c[i * ldc + j] = sum;
        }
    }
}

#endif

/* ---- gates --------------------------------------------------------------------------------------------------------------- */

/* The loops are compiled once for a whole strip (or pair), where the compiler knows the count, and once for the rest. */
#define WHOLE_OR_PART(whole, call)                                                                                     \
    do {                                                                                                               \
        if (n == (whole)) {                                                                                            \
            const size_t count = (whole);                                                                              \
            call;                                                                                                      \
        } else {                                                                                                       \
            const size_t count = n;                                                                                    \
            call;                                                                                                      \
        }                                                                                                              \
    } while (0)

INLINE void lstm_units(real *h, real *c, real *gates, const real *x, const real *sum, const real *c_prev, size_t H, size_t n) {
    EACH(u, n) {
        real i = k_sigmoid(x[u] + sum[u]), f = k_sigmoid(x[H + u] + sum[LANES + u]);
        real g = k_tanh(x[2 * H + u] + sum[2 * LANES + u]), o = k_sigmoid(x[3 * H + u] + sum[3 * LANES + u]);
        real cell = FMA(f, c_prev[u], i * g);
        gates[u] = i, gates[H + u] = f, gates[2 * H + u] = g, gates[3 * H + u] = o;
        c[u] = cell;
        h[u] = o * k_tanh(cell);
    }
}

void K(lstm_row)(real *h, real *c, real *gates, const real *x, const real *sum, const real *c_prev, size_t H, size_t n) {
    WHOLE_OR_PART(LANES, lstm_units(h, c, gates, x, sum, c_prev, H, count));
}

INLINE void lstm_grad_units(real *dx, real *dh, real *dc, const real *sum, const real *dh_out, const real *dc_out,
                            const real *gates, const real *c, const real *c_prev, size_t H, size_t n) {
    EACH(u, n) {
        real i = gates[u], f = gates[H + u], g = gates[2 * H + u], o = gates[3 * H + u], t = k_tanh(c[u]);
        real d = dh[u] + sum[u] + dh_out[u];
        real e = FMA(d * o, R(1.0) - t * t, dc[u] + dc_out[u]);
        dx[u] = e * g * i * (R(1.0) - i);
        dx[H + u] = e * c_prev[u] * f * (R(1.0) - f);
        dx[2 * H + u] = e * i * (R(1.0) - g * g);
        dx[3 * H + u] = d * t * o * (R(1.0) - o);
        dc[u] = e * f;
        dh[u] = 0;
    }
}

void K(lstm_grad_row)(real *dx, real *dh, real *dc, const real *sum, const real *dh_out, const real *dc_out, const real *gates,
                      const real *c, const real *c_prev, size_t H, size_t n) {
    WHOLE_OR_PART(PAIR, lstm_grad_units(dx, dh, dc, sum, dh_out, dc_out, gates, c, c_prev, H, count));
}

INLINE void gru_units(real *h, real *gates, const real *x, const real *sum, const real *b, const real *h_prev, size_t H,
                      size_t n) {
    EACH(u, n) {
        real r = k_sigmoid(x[u] + (sum[u] + b[u])), z = k_sigmoid(x[H + u] + (sum[LANES + u] + b[H + u]));
        real q = sum[2 * LANES + u] + b[2 * H + u], m = k_tanh(FMA(r, q, x[2 * H + u]));
        gates[u] = r, gates[H + u] = z, gates[2 * H + u] = m, gates[3 * H + u] = q;
        h[u] = FMA(z, h_prev[u] - m, m);
    }
}

void K(gru_row)(real *h, real *gates, const real *x, const real *sum, const real *b, const real *h_prev, size_t H, size_t n) {
    WHOLE_OR_PART(LANES, gru_units(h, gates, x, sum, b, h_prev, H, count));
}

INLINE void gru_grad_units(real *dx, real *ds, real *dh, const real *sum, const real *dh_out, const real *gates,
                           const real *h_prev, size_t H, size_t n) {
    EACH(u, n) {
        real r = gates[u], z = gates[H + u], m = gates[2 * H + u], q = gates[3 * H + u];
        real d = dh[u] + sum[u] + dh_out[u];
        real dm = d * (R(1.0) - z) * (R(1.0) - m * m), dr = dm * q * r * (R(1.0) - r);
        real dz = d * (h_prev[u] - m) * z * (R(1.0) - z);
        dx[u] = dr, dx[H + u] = dz, dx[2 * H + u] = dm;
        ds[u] = dr, ds[H + u] = dz, ds[2 * H + u] = dm * r;
        dh[u] = d * z;
    }
}

void K(gru_grad_row)(real *dx, real *ds, real *dh, const real *sum, const real *dh_out, const real *gates, const real *h_prev,
                     size_t H, size_t n) {
    WHOLE_OR_PART(PAIR, gru_grad_units(dx, ds, dh, sum, dh_out, gates, h_prev, H, count));
}

void K(add_two_row)(real *y, const real *a, const real *b, size_t n) { EACH(i, n) y[i] += a[i] + b[i]; }
