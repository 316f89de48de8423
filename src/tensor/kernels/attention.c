/* tensor/kernels/attention.c: softmax(q·kᵀ·scale + mask)·v for one head, blockwise.   (Dao et al. 2022, "FlashAttention")
 *
 * ROWS query rows are taken at a time.  Their scores over all visible keys stand in a scratch of ROWS × S, which stays in
 * the second cache, and never more: T×S is not stored, and the backward pass computes the scores again from q, k and the
 * saved log-sum-exp.
 *
 *     scores = Q·Kᵀ        K is packed transposed once per head, so that every product below reads B in whole vectors
 *     P = exp(scale·scores - lse),  O = P·V
 *     dP = dO·Vᵀ,  dS = P∘(dP - Σ dO∘O)·scale,  dQ = dS·K,  dK += dSᵀ·Q,  dV += Pᵀ·dO        (appendix B.2 there)
 *
 * One micro-kernel does all products: C[m][n] = Σ_k A(m,k)·B[k][n], A by two strides (so transposed A costs nothing), a
 * tile of up to 6 rows × PANELS vectors of C in registers.  A causal block computes up to its last row's last visible key.
 * Plain loops stand in for head sizes that are no multiple of the vector, for double, and for the reference build; few
 * rows (decoding) read k and v once, as they are.
 */
#include "tensor/kernels/kernel_math.h"
#include "tensor/kernels/table.h"

#if defined(__AVX512F__)
#include <immintrin.h>
#define W 16
#define PANELS 4
#define VFMA(a, b, c) ((vec)_mm512_fmadd_ps((__m512)(a), (__m512)(b), (__m512)(c)))
#elif defined(__AVX2__)
#include <immintrin.h>
#define W 8
#define PANELS 2
#define VFMA(a, b, c) ((vec)_mm256_fmadd_ps((__m256)(a), (__m256)(b), (__m256)(c)))
#else
#define W 4
#define PANELS 1
#endif
#define ROWS 48
#define FEW_ROWS 4

typedef int64_t dim;

static dim visible_keys(const ig_attention_args *a, dim t) {
    dim v = a->causal ? t + a->offset + 1 : a->S;
    return v < 0 ? 0 : v > a->S ? a->S : v;
}

/* ---- plain loops --------------------------------------------------------------------------------------------------------- */

static real dot(const real *x, const real *y, dim n) {
    real lane[LANES] = {0}, sum = 0;
    dim body = n / LANES * LANES;
    for (dim o = 0; o < body; o += LANES)
        for (dim j = 0; j < LANES; j++) lane[j] = FMA(x[o + j], y[o + j], lane[j]);
    for (dim i = body; i < n; i++) lane[i - body] = FMA(x[i], y[i], lane[i - body]);
    for (dim j = 0; j < LANES; j++) sum += lane[j];
    return sum;
}

static void add_scaled(real *y, const real *x, real f, dim n) { EACH(i, (size_t)n) y[i] = FMA(f, x[i], y[i]); }

static void forward_row(real *o, real *lse, const real *q, const real *k, const real *v, const ig_attention_args *a, dim t, real *p) {
    dim n = visible_keys(a, t);
    for (dim s = 0; s < n; s++) p[s] = dot(q + t * a->q_row, k + s * a->k_row, a->D) * (real)a->scale;
    lse[t] = K(softmax_row)(p, p, (size_t)n);
    real *y = o + t * a->o_row;
    memset(y, 0, sizeof *y * (size_t)a->D);
    for (dim s = 0; s < n; s++) add_scaled(y, v + s * a->v_row, p[s], a->D);
}

typedef struct backward_args {
    real *dq, *dk, *dv;
    const real *d_o, *o, *lse, *q, *k, *v;
    const ig_attention_args *a;
    dim dq_row, dk_row, dv_row, do_row;
} backward_args;

static void backward_row(const backward_args *b, dim t) {
    const ig_attention_args *a = b->a;
    dim n = visible_keys(a, t);
    const real *q = b->q + t * a->q_row, *d_o = b->d_o + t * b->do_row;
    real *dq = b->dq + t * b->dq_row, delta = dot(d_o, b->o + t * a->o_row, a->D);
    memset(dq, 0, sizeof *dq * (size_t)a->D);
    for (dim s = 0; s < n; s++) {
        real p = k_exp(dot(q, b->k + s * a->k_row, a->D) * (real)a->scale - b->lse[t]);
        real ds = p * (dot(d_o, b->v + s * a->v_row, a->D) - delta) * (real)a->scale;
        add_scaled(dq, b->k + s * a->k_row, ds, a->D);
        add_scaled(b->dk + s * b->dk_row, q, ds, a->D);
        add_scaled(b->dv + s * b->dv_row, d_o, p, a->D);
    }
}

#if !defined(IG_WIDE) && W > 4

/* ---- the micro-kernel -------------------------------------------------------------------------------------------------------- */

typedef float vec __attribute__((vector_size(W * 4), aligned(4), may_alias));

typedef struct operand_a {
    const float *p;
    dim m, k; /* strides of row and column */
} operand_a;

#define TILE(R, P)                                                                                                     \
    static void tile_##R##_##P(float *c, dim ldc, operand_a a, const float *b, dim ldb, dim k, bool add) {             \
        vec acc[R][P];                                                                                                 \
        for (int r = 0; r < R; r++)                                                                                    \
            for (int j = 0; j < P; j++) acc[r][j] = add ? *(const vec *)(c + r * ldc + j * W) : (vec){0};              \
        for (dim i = 0; i < k; i++) {                                                                                  \
            vec row[P];                                                                                                \
            for (int j = 0; j < P; j++) row[j] = *(const vec *)(b + i * ldb + j * W);                                  \
            for (int r = 0; r < R; r++) {                                                                              \
                vec x = (vec){0} + a.p[r * a.m + i * a.k];                                                             \
                for (int j = 0; j < P; j++) acc[r][j] = VFMA(x, row[j], acc[r][j]);                                               \
            }                                                                                                          \
        }                                                                                                              \
        for (int r = 0; r < R; r++)                                                                                    \
            for (int j = 0; j < P; j++) *(vec *)(c + r * ldc + j * W) = acc[r][j];                                     \
    }
TILE(6, 1) TILE(4, 1) TILE(2, 1) TILE(1, 1) TILE(6, 2) TILE(4, 2) TILE(2, 2) TILE(1, 2)
#if PANELS == 4
TILE(6, 3) TILE(4, 3) TILE(2, 3) TILE(1, 3) TILE(6, 4) TILE(4, 4) TILE(2, 4) TILE(1, 4)
#endif

typedef void tile_fn(float *c, dim ldc, operand_a a, const float *b, dim ldb, dim k, bool add);

static tile_fn *const tiles[PANELS][4] = {
    {tile_6_1, tile_4_1, tile_2_1, tile_1_1},
    {tile_6_2, tile_4_2, tile_2_2, tile_1_2},
#if PANELS == 4
    {tile_6_3, tile_4_3, tile_2_3, tile_1_3},
    {tile_6_4, tile_4_4, tile_2_4, tile_1_4},
#endif
};

/* C[m][n] (+)= A·B; n is a multiple of W. */
static void product(float *c, dim ldc, operand_a a, const float *b, dim ldb, dim m, dim n, dim k, bool add) {
    static const int rows[4] = {6, 4, 2, 1};
    for (dim j = 0; j < n;) {
        dim panels = (n - j) / W < PANELS ? (n - j) / W : PANELS;
        for (dim i = 0; i < m;) {
            int r = m - i >= 6 ? 0 : m - i >= 4 ? 1 : m - i >= 2 ? 2 : 3;
            tiles[panels - 1][r](c + i * ldc + j, ldc, (operand_a){a.p + i * a.m, a.m, a.k}, b + j, ldb, k, add);
            i += rows[r];
        }
        j += panels * W;
    }
}

/* ---- packing -------------------------------------------------------------------------------------------------------------------- */

static dim padded(dim s) { return (s + PANELS * W - 1) / (PANELS * W) * (PANELS * W); }

/* xt[d][s] = x[s][d], the columns behind S zeroed. */
static void pack_transposed(float *xt, const float *x, dim row, dim s, dim d, dim ld) {
    for (dim i = 0; i < d; i++) memset(xt + i * ld + s, 0, sizeof *xt * (size_t)(ld - s));
    for (dim o = 0; o < s; o += W) {
        dim width = s - o < W ? s - o : W;
        for (dim i = 0; i < d; i++)
            for (dim j = 0; j < width; j++) xt[i * ld + o + j] = x[(o + j) * row + i];
    }
}

/* ---- blocks ----------------------------------------------------------------------------------------------------------------------- */

static dim round_up(dim n) { return (n + W - 1) / W * W; }

static void forward_blocks(float *o, float *lse, const float *q, const float *k, const float *v, const ig_attention_args *a, float *scratch) {
    dim ld = padded(a->S), d = a->D;
    float *kt = scratch, *p = scratch + d * ld;
    pack_transposed(kt, k, a->k_row, a->S, d, ld);
    for (dim t = 0; t < a->T; t += ROWS) {
        dim m = a->T - t < ROWS ? a->T - t : ROWS, last = visible_keys(a, t + m - 1);
        product(p, ld, (operand_a){q + t * a->q_row, a->q_row, 1}, kt, ld, m, round_up(last), d, false);
        for (dim r = 0; r < m; r++) {
            float *row = p + r * ld;
            dim n = visible_keys(a, t + r);
            EACH(i, (size_t)n) row[i] *= a->scale;
            lse[t + r] = K(softmax_row)(row, row, (size_t)n);
            memset(row + n, 0, sizeof *row * (size_t)(last - n));
        }
        product(o + t * a->o_row, a->o_row, (operand_a){p, ld, 1}, v, a->v_row, m, d, last, false);
    }
}

static void backward_blocks(const backward_args *b, float *scratch) {
    const ig_attention_args *a = b->a;
    dim ld = padded(a->S), d = a->D;
    float *kt = scratch, *vt = kt + d * ld, *p = vt + d * ld, *ds = p + ROWS * ld;
    pack_transposed(kt, b->k, a->k_row, a->S, d, ld);
    pack_transposed(vt, b->v, a->v_row, a->S, d, ld);
    for (dim t = 0; t < a->T; t += ROWS) {
        dim m = a->T - t < ROWS ? a->T - t : ROWS, last = visible_keys(a, t + m - 1), wide = round_up(last);
        const float *q = b->q + t * a->q_row, *d_o = b->d_o + t * b->do_row;
        product(p, ld, (operand_a){q, a->q_row, 1}, kt, ld, m, wide, d, false);
        product(ds, ld, (operand_a){d_o, b->do_row, 1}, vt, ld, m, wide, d, false);
        for (dim r = 0; r < m; r++) {
            float *pr = p + r * ld, *sr = ds + r * ld;
            float delta = dot(d_o + r * b->do_row, b->o + (t + r) * a->o_row, d), lse = b->lse[t + r], scale = a->scale;
            dim n = visible_keys(a, t + r);
            EACH(i, (size_t)n) {
                float e = k_exp(FMA(pr[i], scale, -lse));
                pr[i] = e, sr[i] = e * (sr[i] - delta) * scale;
            }
            memset(pr + n, 0, sizeof *pr * (size_t)(last - n));
            memset(sr + n, 0, sizeof *sr * (size_t)(last - n));
        }
        product(b->dq + t * b->dq_row, b->dq_row, (operand_a){ds, ld, 1}, b->k, a->k_row, m, d, last, false);
        product(b->dk, b->dk_row, (operand_a){ds, 1, ld}, q, a->q_row, last, d, m, true);
        product(b->dv, b->dv_row, (operand_a){p, 1, ld}, d_o, b->do_row, last, d, m, true);
    }
}

static bool blocks_fit(const ig_attention_args *a) { return a->D % W == 0 && a->T >= FEW_ROWS && a->S > 0; }

#else

static dim padded(dim s) { return s; }
static void forward_blocks(real *o, real *lse, const real *q, const real *k, const real *v, const ig_attention_args *a, real *scratch) {
    (void)o, (void)lse, (void)q, (void)k, (void)v, (void)a, (void)scratch;
}
static void backward_blocks(const backward_args *b, real *scratch) { (void)b, (void)scratch; }
static bool blocks_fit(const ig_attention_args *a) { (void)a; return false; }

#endif

/* ---- entries ------------------------------------------------------------------------------------------------------------------------ */

size_t K(attention_scratch)(const ig_attention_args *a) {
    size_t ld = (size_t)padded(a->S);
    return blocks_fit(a) ? 2 * ld * (size_t)a->D + 2 * ROWS * ld : (size_t)a->S + 1;
}

void K(attention_forward)(real *o, real *lse, const real *q, const real *k, const real *v, const ig_attention_args *a, real *scratch) {
    if (blocks_fit(a)) forward_blocks(o, lse, q, k, v, a, scratch);
    else for (dim t = 0; t < a->T; t++) forward_row(o, lse, q, k, v, a, t, scratch);
}

void K(attention_backward)(real *dq, real *dk, real *dv, const real *d_o, const real *o, const real *lse, const real *q, const real *k, const real *v,
                           const ig_attention_args *a, int64_t dq_row, int64_t dk_row, int64_t dv_row, int64_t do_row, real *scratch) {
    backward_args b = {dq, dk, dv, d_o, o, lse, q, k, v, a, dq_row, dk_row, dv_row, do_row};
    if (blocks_fit(a)) backward_blocks(&b, scratch);
    else for (dim t = 0; t < a->T; t++) backward_row(&b, t);
}
