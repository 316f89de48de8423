/* tensor/kernels/attention.c: softmax(q·kᵀ·scale + mask)·v for one head, row by row.
 *
 * This is the plain form: the reference, the double twin, and, in every build, the form for a few query rows.  Decoding one token
 * reads every key and value once, in place, and is bound by memory; many rows go to attention_blocks.c.  A row that sees no
 * key gives o = 0, lse = -inf, and no gradient.
 */
#include "tensor/kernels/attention.h"

#include "tensor/kernels/kernel_math.h"
#include "tensor/kernels/lanes.h"
#include "tensor/kernels/table.h"

#define FEW_ROWS 4 /* below, packing K and V costs more than it saves */

/* y[0..16·many) = Σ_s f[s]·x[s][·], the sums in registers */
#define COMBINE(name, many)                                                                                            \
    static void name(real *y, const real *f, const real *x, dim row, dim n) {                                          \
        lanes a = lanes_set(0), b = a, c = a, d = a;                                                                   \
        for (dim s = 0; s < n; s++) {                                                                                  \
            lanes w = lanes_set(f[s]);                                                                                 \
            const real *p = x + s * row;                                                                               \
            a = lanes_fma(w, lanes_load(p), a);                                                                        \
            if (many > 1) b = lanes_fma(w, lanes_load(p + LANES), b);                                                  \
            if (many > 2) c = lanes_fma(w, lanes_load(p + 2 * LANES), c), d = lanes_fma(w, lanes_load(p + 3 * LANES), d); \
        }                                                                                                              \
        lanes_store(y, a);                                                                                             \
        if (many > 1) lanes_store(y + LANES, b);                                                                       \
        if (many > 2) lanes_store(y + 2 * LANES, c), lanes_store(y + 3 * LANES, d);                                    \
    }
COMBINE(combine_1, 1)
COMBINE(combine_2, 2)
COMBINE(combine_4, 4)

static void add_scaled(real *y, const real *x, real f, dim n) { EACH(i, (size_t)n) y[i] = FMA(f, x[i], y[i]); }

static void combine(real *y, const real *f, const real *x, dim row, dim n, dim d) {
    dim i = 0;
    for (; i + 4 * LANES <= d; i += 4 * LANES) combine_4(y + i, f, x + i, row, n);
    for (; i + 2 * LANES <= d; i += 2 * LANES) combine_2(y + i, f, x + i, row, n);
    for (; i + LANES <= d; i += LANES) combine_1(y + i, f, x + i, row, n);
    if (i == d) return;
    memset(y + i, 0, sizeof *y * (size_t)(d - i));
    for (dim s = 0; s < n; s++) add_scaled(y + i, x + s * row + i, f[s], d - i);
}

static void forward_row(real *o, real *lse, const real *q, const real *k, const real *v, const ig_attention_args *a, dim t, real *p) {
    dim n = visible_keys(a, t);
    for (dim s = 0; s < n; s++) p[s] = sum_of_products(q + t * a->q_row, k + s * a->k_row, (size_t)a->D) * (real)a->scale;
    lse[t] = K(softmax_row)(p, p, (size_t)n);
    combine(o + t * a->o_row, p, v, a->v_row, n, a->D);
}

static void backward_row(const backward_args *b, dim t) {
    const ig_attention_args *a = b->a;
    dim n = visible_keys(a, t), d = a->D;
    const real *q = b->q + t * a->q_row, *d_o = b->d_o + t * b->do_row;
    real *dq = b->dq + t * b->dq_row, delta = sum_of_products(d_o, b->o + t * a->o_row, (size_t)d);
    memset(dq, 0, sizeof *dq * (size_t)d);
    for (dim s = 0; s < n; s++) {
        const real *k = b->k + s * a->k_row, *v = b->v + s * a->v_row;
        real p = k_exp(sum_of_products(q, k, (size_t)d) * (real)a->scale - b->lse[t]);
        real ds = p * (sum_of_products(d_o, v, (size_t)d) - delta) * (real)a->scale;
        add_scaled(dq, k, ds, d);
        add_scaled(b->dk + s * b->dk_row, q, ds, d);
        add_scaled(b->dv + s * b->dv_row, d_o, p, d);
    }
}

/* ---- entries ----------------------------------------------------------------------------------------------------------- */

size_t K(attention_scratch)(const ig_attention_args *a) {
#if IG_ATTENTION_BLOCKS
    if (a->T >= FEW_ROWS) return K(attention_blocks_scratch)(a);
#endif
    return (size_t)a->S;
}

void K(attention_forward)(real *o, real *lse, const real *q, const real *k, const real *v, const ig_attention_args *a, real *scratch) {
#if IG_ATTENTION_BLOCKS
    if (a->T >= FEW_ROWS) {
        K(attention_blocks_forward)(o, lse, q, k, v, a, scratch);
        return;
    }
#endif
    for (dim t = 0; t < a->T; t++) forward_row(o, lse, q, k, v, a, t, scratch);
}

void K(attention_backward)(real *dq, real *dk, real *dv, const real *d_o, const real *o, const real *lse, const real *q, const real *k, const real *v,
                           const ig_attention_args *a, int64_t dq_row, int64_t dk_row, int64_t dv_row, int64_t do_row, real *scratch) {
    backward_args b = {dq, dk, dv, d_o, o, lse, q, k, v, a, dq_row, dk_row, dv_row, do_row};
#if IG_ATTENTION_BLOCKS
    if (a->T >= FEW_ROWS) {
        K(attention_blocks_backward)(&b, scratch);
        return;
    }
#endif
    (void)scratch;
    for (dim t = 0; t < a->T; t++) backward_row(&b, t);
}
