/* Attention of every instruction set against the formula in double precision, for shapes that exercise every tail, both
 * kinds of mask, rows that see nothing, and single-token decoding. */
#include "kernel_check.h"

typedef struct shape {
    int64_t T, S, D;
    bool causal;
    int64_t offset;
} shape;

typedef struct arrays {
    ig_attention_args a;
    size_t nq, nk, no;
    float *q, *k, *v, *o, *d_o, *lse, *dq, *dk, *dv, *dk0, *dv0, *scratch;
    size_t scratch_n;
    double spread; /* largest Σ|q||k|·scale */
} arrays;

static float *filled(size_t n) {
    float *x = guarded(n);
    fill(x, n, -1, 1);
    return x;
}

static size_t extent(int64_t rows, int64_t row, int64_t d) { return (size_t)((rows - 1) * row + d); }

static arrays make(const ig_kernels *k, shape s) {
    arrays x = {.a = {.T = s.T, .S = s.S, .D = s.D, .q_row = 3 * s.D + 5, .k_row = 3 * s.D + 5, .v_row = 2 * s.D + 1, .o_row = s.D + 3,
                      .scale = (float)(1.3 / sqrt((double)s.D)), .causal = s.causal, .offset = s.offset}};
    x.nq = extent(s.T, x.a.q_row, s.D), x.nk = extent(s.S, x.a.k_row, s.D), x.no = extent(s.T, x.a.o_row, s.D);
    x.scratch_n = k->attention_scratch(&x.a);
    x.q = filled(x.nq), x.k = filled(x.nk), x.v = filled(x.nk), x.d_o = filled(x.no), x.o = filled(x.no), x.lse = filled((size_t)s.T);
    x.dq = filled(x.nq), x.dk = filled(x.nk), x.dv = filled(x.nk), x.dk0 = filled(x.nk), x.dv0 = filled(x.nk);
    memcpy(x.dk, x.dk0, x.nk * sizeof(float)), memcpy(x.dv, x.dv0, x.nk * sizeof(float));
    x.scratch = guarded(x.scratch_n);
    return x;
}

static void drop(arrays *x) {
    free_guarded(x->q, x->nq), free_guarded(x->k, x->nk), free_guarded(x->v, x->nk), free_guarded(x->d_o, x->no), free_guarded(x->o, x->no);
    free_guarded(x->lse, (size_t)x->a.T), free_guarded(x->dq, x->nq), free_guarded(x->dk, x->nk), free_guarded(x->dv, x->nk);
    free_guarded(x->dk0, x->nk), free_guarded(x->dv0, x->nk), free_guarded(x->scratch, x->scratch_n);
}

static int64_t seen(const arrays *x, int64_t t) {
    int64_t n = x->a.causal ? t + x->a.offset + 1 : x->a.S;
    return n < 0 ? 0 : n > x->a.S ? x->a.S : n;
}

/* p[s] of row t in double; returns log-sum-exp. */
static double probabilities(arrays *x, int64_t t, double *p) {
    const ig_attention_args *a = &x->a;
    double max = -(double)INFINITY, sum = 0;
    for (int64_t s = 0; s < seen(x, t); s++) {
        double dot = 0, size = 0;
        for (int64_t d = 0; d < a->D; d++) {
            double m = (double)x->q[t * a->q_row + d] * x->k[s * a->k_row + d];
            dot += m, size += fabs(m);
        }
        p[s] = dot * a->scale;
        if (p[s] > max) max = p[s];
        if (size * a->scale > x->spread) x->spread = size * a->scale;
    }
    for (int64_t s = 0; s < seen(x, t); s++) sum += exp(p[s] - max);
    for (int64_t s = 0; s < seen(x, t); s++) p[s] = exp(p[s] - max) / sum;
    return seen(x, t) ? max + log(sum) : -(double)INFINITY;
}

/* A score is off by (D + 2)·EPS·Σ|q||k|, which e^x turns into a relative error of p; a sum over S adds S roundings. */
static double roundings(const arrays *x) {
    return 2 * EPS * (2 * (double)(x->a.D + 2) * (1 + x->spread) + (double)x->a.S + 16);
}

static void check_forward(arrays *x, const char *set) {
    const ig_attention_args *a = &x->a;
    double *p = malloc((size_t)a->S * sizeof *p);
    for (int64_t t = 0; t < a->T; t++) {
        double lse = probabilities(x, t, p);
        check_near(set, (size_t)a->T, (size_t)t, x->lse[t], lse, roundings(x) * (1 + x->spread));
        for (int64_t d = 0; d < a->D; d++) {
            double want = 0;
            for (int64_t s = 0; s < seen(x, t); s++) want += p[s] * x->v[s * a->v_row + d];
            check_near(set, (size_t)a->S, (size_t)(t * a->D + d), x->o[t * a->o_row + d], want, roundings(x));
        }
    }
    free(p);
}

/* dq of one row is checked at once; its share of dk and dv is added to the sums in double. */
static void backward_row(arrays *x, int64_t t, double *p, double *dk, double *dv, const char *set) {
    const ig_attention_args *a = &x->a;
    const float *d_o = x->d_o + t * a->o_row, *q = x->q + t * a->q_row;
    double delta = 0, *ds = malloc((size_t)a->S * sizeof *ds);
    probabilities(x, t, p);
    for (int64_t s = 0; s < seen(x, t); s++) {
        ds[s] = 0;
        for (int64_t d = 0; d < a->D; d++) ds[s] += (double)d_o[d] * x->v[s * a->v_row + d];
        delta += p[s] * ds[s];
    }
    for (int64_t s = 0; s < seen(x, t); s++) ds[s] = p[s] * (ds[s] - delta) * a->scale;
    for (int64_t d = 0; d < a->D; d++) {
        double dq = 0;
        for (int64_t s = 0; s < seen(x, t); s++) {
            dq += ds[s] * x->k[s * a->k_row + d];
            dk[s * a->D + d] += ds[s] * q[d];
            dv[s * a->D + d] += p[s] * d_o[d];
        }
        check_near(set, (size_t)a->S, (size_t)(t * a->D + d), x->dq[t * a->q_row + d], dq, roundings(x) * (double)a->D * a->scale);
    }
    free(ds);
}

static void check_backward(arrays *x, const char *set) {
    const ig_attention_args *a = &x->a;
    size_t n = (size_t)(a->S * a->D);
    double *p = malloc((size_t)a->S * sizeof *p), *dk = calloc(n, sizeof *dk), *dv = calloc(n, sizeof *dv);
    for (int64_t t = 0; t < a->T; t++) backward_row(x, t, p, dk, dv, set);
    double tolerance = (roundings(x) + EPS * (double)a->T) * (double)a->T;
    for (int64_t s = 0; s < a->S; s++)
        for (int64_t d = 0; d < a->D; d++) {
            check_near("dv", (size_t)a->S, (size_t)(s * a->D + d), x->dv[s * a->v_row + d] - (double)x->dv0[s * a->v_row + d],
                       dv[s * a->D + d], tolerance);
            check_near("dk", (size_t)a->S, (size_t)(s * a->D + d), x->dk[s * a->k_row + d] - (double)x->dk0[s * a->k_row + d],
                       dk[s * a->D + d], tolerance * (1 + (double)a->D * a->scale));
        }
    free(p), free(dk), free(dv);
}

static void forward(const ig_kernels *k, arrays *x) { k->attention_forward(x->o, x->lse, x->q, x->k, x->v, &x->a, x->scratch); }

static void backward(const ig_kernels *k, arrays *x) {
    k->attention_backward(x->dq, x->dk, x->dv, x->d_o, x->o, x->lse, x->q, x->k, x->v, &x->a, x->a.q_row, x->a.k_row, x->a.v_row, x->a.o_row,
                          x->scratch);
}

static const shape shapes[] = {
    {1, 1, 1, true, 0}, {1, 5, 3, true, 4}, {2, 2, 2, true, 0}, {3, 7, 5, false, 0}, {7, 7, 8, true, 0}, {16, 16, 16, true, 0},
    {17, 17, 16, false, 0}, {31, 31, 33, true, 0}, {48, 48, 64, true, 0}, {49, 49, 64, true, 0}, {64, 64, 32, true, 0}, {65, 130, 64, true, 65},
    {65, 130, 64, false, 0}, {100, 257, 80, true, 157}, {127, 127, 13, true, 0}, {1, 1000, 64, true, 999}, {2, 300, 48, true, 298},
    {4, 300, 48, true, 296}, {5, 600, 31, true, 595}, {200, 513, 96, true, 313}, {130, 700, 40, false, 0}, {101, 101, 1, true, 0},
    {97, 53, 24, true, -44}, {97, 53, 24, true, 0}, {60, 20, 64, true, -70}, {20, 300, 64, true, -3}, {33, 400, 257, true, 367},
    {300, 300, 128, true, 0}, {3, 2, 200, true, -1}, {6, 64, 64, false, 0}, {12, 65, 17, false, 0}};

static void attention_is_the_formula(void **state) {
    (void)state;
    EACH_SET(k) for (size_t i = 0; i < COUNT(shapes); i++) {
        arrays x = make(k, shapes[i]);
        const char *set = ig_cpu_name((ig_cpu)set_);
        forward(k, &x);
        check_forward(&x, set);
        backward(k, &x);
        check_backward(&x, set);
        drop(&x);
    }
}

/* Scores of ±thousands: the maximum must be taken off before e^x, also when a later block of keys raises it. */
static void large_scores_stay_finite(void **state) {
    (void)state;
    EACH_SET(k) for (int rising = 0; rising < 2; rising++) {
        arrays x = make(k, (shape){50, 900, 32, false, 0});
        x.a.scale = 3;
        for (int64_t s = 0; s < x.a.S; s++)
            for (int64_t d = 0; d < x.a.D; d++) x.k[s * x.a.k_row + d] *= (float)(rising ? s : x.a.S - s);
        forward(k, &x);
        for (int64_t t = 0; t < x.a.T; t++) {
            assert_true(isfinite(x.lse[t]));
            for (int64_t d = 0; d < x.a.D; d++) assert_true(fabsf(x.o[t * x.a.o_row + d]) <= 1.0f + 1e-5f);
        }
        backward(k, &x);
        for (int64_t t = 0; t < x.a.T; t++) assert_true(isfinite(x.dq[t * x.a.q_row]));
        drop(&x);
    }
}

static void check_same(const char *what, const float *a, const float *b, int64_t rows, int64_t row, int64_t d, shape s) {
    for (int64_t i = 0; i < rows; i++)
        if (!same_bits(a + i * row, b + i * row, (size_t)d))
            fail_msg("%s of T=%d S=%d D=%d, row %d: avx2 and avx512 differ", what, (int)s.T, (int)s.S, (int)s.D, (int)i);
}

static void vector_widths_give_the_same_bits(void **state) {
    (void)state;
    const ig_kernels *narrow = ig_kernels_for(IG_CPU_AVX2), *wide = ig_kernels_for(IG_CPU_AVX512);
    if (!narrow || !wide) skip();
    for (size_t i = 0; i < COUNT(shapes); i++) {
        random_state = i;
        arrays x = make(narrow, shapes[i]);
        random_state = i;
        arrays y = make(wide, shapes[i]);
        forward(narrow, &x), backward(narrow, &x), forward(wide, &y), backward(wide, &y);
        check_same("o", x.o, y.o, x.a.T, x.a.o_row, x.a.D, shapes[i]);
        check_same("lse", x.lse, y.lse, 1, 0, x.a.T, shapes[i]);
        check_same("dq", x.dq, y.dq, x.a.T, x.a.q_row, x.a.D, shapes[i]);
        check_same("dk", x.dk, y.dk, x.a.S, x.a.k_row, x.a.D, shapes[i]);
        check_same("dv", x.dv, y.dv, x.a.S, x.a.v_row, x.a.D, shapes[i]);
        drop(&x), drop(&y);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attention_is_the_formula),
        cmocka_unit_test(large_scores_stay_finite),
        cmocka_unit_test(vector_widths_give_the_same_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
