/* tensor/kernels/kernels.h: kernels compute on raw pointers and know no tensor.
 *
 * Every kernel has one source, compiled once per instruction set (reference, avx2, avx512) into an ig_kernels table;
 * ig_kernels_of(ctx) is the table of this processor (or of IG_CPU).  f32 entries are vectorised; f64 entries exist for
 * gradient tests and come from the same source compiled with `real` = double (reference only, shared by all tables).
 *
 * Rules.  Kernels are serial: the caller cuts the work with ig_parallel_for.  A loop's body and tail give the same bits
 * (no -ffp-contract; fma() where wanted), so results do not depend on how rows were cut.  Sums run over 16 fixed lanes
 * in a fixed order, whatever the vector width, so that avx2 and avx512 agree.  `y` may be the same array as an input
 * where a kernel is marked [in place].  ld is the distance between rows, in elements.
 */
#ifndef INGOT_TENSOR_KERNELS_H
#define INGOT_TENSOR_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ingot/base.h"
#include "tensor/kernels/panel.h"

/* ---- element-wise maps ------------------------------------------------------------------------------------------- */

/* name, inputs, formula.  f0, f1 are constants of the op; a, b, c its inputs in order.  All [in place].
 * The graph's ops of the same name are defined in graph/ops/elementwise.c. */
#define IG_MAPS(X)                                                                                                     \
    X(copy, 1) X(neg, 1) X(abs, 1) X(sign, 1) X(square, 1) X(sqrt, 1) X(rsqrt, 1) X(reciprocal, 1)                    \
    X(exp, 1) X(log, 1) X(log1p, 1) X(sin, 1) X(cos, 1) X(floor, 1)                                                    \
    X(sigmoid, 1) X(tanh, 1) X(relu, 1) X(leaky_relu, 1) /* f0 = slope */                                              \
    X(gelu, 1) /* x·Φ(x), by erf */ X(gelu_tanh, 1) X(silu, 1)                                                         \
    X(affine, 1) /* a·f0 + f1 */ X(clamp, 1) /* to [f0,f1] */ X(dropout, 1) /* see args->key: f0 = p */                \
    X(add, 2) X(sub, 2) X(mul, 2) X(div, 2) X(pow, 2) X(minimum, 2) X(maximum, 2)                                      \
    X(eq, 2) X(ne, 2) X(lt, 2) X(le, 2) X(gt, 2) X(ge, 2) /* give 0 or 1 */                                            \
    X(sigmoid_grad, 2) /* dy, y */ X(tanh_grad, 2) /* dy, y */ X(relu_grad, 2) /* dy, x */                             \
    X(leaky_relu_grad, 2) /* dy, x; f0 */ X(gelu_grad, 2) /* dy, x */ X(gelu_tanh_grad, 2) /* dy, x */                 \
    X(silu_grad, 2) /* dy, x */ X(abs_grad, 2) /* dy, x */ X(pow_grad_a, 3) /* dy, a, b: dy·b·a^(b-1) */               \
    X(fma, 3) /* a·b + c */ X(select, 3) /* a != 0 ? b : c */

#define IG_MAP_ENUM(name, arity) IG_MAP_##name,
typedef enum ig_map { IG_MAPS(IG_MAP_ENUM) IG_MAP_COUNT } ig_map;
#undef IG_MAP_ENUM

typedef struct ig_map_args {
    double f[2];
    const uint64_t *key; /* dropout: {key, step}; keep element i iff word(i) >= p·2^32, scaled by 1/(1-p).
                          * word(i) = 32-bit word i%4 of philox(key[0] ^ stream·golden, key[1], i/4) */
    uint64_t stream;     /* dropout: which op of the step */
    uint64_t index;      /* logical index of element 0 of this call, a multiple of 4 is not guaranteed */
} ig_map_args;

typedef void ig_map_f32_fn(float *y, const float *const in[3], size_t n, const ig_map_args *args);
typedef void ig_map_f64_fn(double *y, const double *const in[3], size_t n, const ig_map_args *args);

/* ---- the table ------------------------------------------------------------------------------------------------------ */

typedef struct ig_adam_args { /* one step of Adam/AdamW (Loshchilov & Hutter 2019, alg. 2); bias corrections precomputed */
    float lr, beta1, beta2, eps, weight_decay; /* decoupled: p -= lr·wd·p before the update */
    float l1, l2;                              /* coupled: g += l2·p + l1·sign(p) */
    float correction1, correction2;            /* 1-beta1^t, 1-beta2^t */
    float grad_scale;                          /* clipping: g is multiplied by it first */
} ig_adam_args;

typedef struct ig_attention_args {
    /* Scaled dot-product attention of one (batch, kv head) with its H/G query heads; rows of D contiguous floats.
     * q[h]: T rows, distance q_row; k, v: S rows.  Causal with offset: row t sees s <= t + offset (offset = S_valid - T). */
    int64_t T, S, D;
    int64_t q_row, k_row, v_row, o_row; /* distances between successive positions, elements */
    float scale;
    bool causal;
    int64_t offset;
} ig_attention_args;

/* Pictures are NHWC, kernels OIHW.  before: rows and columns of zeros above and on the left. */
typedef struct ig_conv_args {
    int64_t n, h, w, c;         /* x [n,h,w,c] */
    int64_t oh, ow, o;          /* y [n,oh,ow,o] */
    int64_t kh, kw, groups;     /* w [o,c/groups,kh,kw] */
    int64_t stride[2], dilation[2], before[2]; /* of height, width; stride and dilation >= 1 */
} ig_conv_args;

/* One query row of `heads` heads that share a key head, over a cache in pages of IG_PAGE positions. */
#define IG_PAGE 64
typedef struct ig_page_args {
    int64_t D, heads;
    int64_t q_row, o_row;       /* floats between two heads */
    bool half;                  /* keys and values in f16 */
    int64_t k_stride, v_stride; /* elements between two pages of the key head: keys [D][64], values [64][ig_page_width(D)] */
    const int32_t *page;        /* [⌈keys / 64⌉] */
    int64_t keys;               /* the row sees positions 0 … keys-1 */
    float scale;
} ig_page_args;
static inline int64_t ig_page_width(int64_t D) { return (D + 15) / 16 * 16; }

typedef struct ig_columns {
    /* Vectors of the columns of a channel norm, in the kernel's element type: y = (x - mean)·scale + shift; and for the gradient
     * dx = dy·scale - c0 - (x - mean)·c1. */
    const void *mean, *scale, *shift, *c0, *c1;
} ig_columns;

typedef struct ig_window { /* of a pool: the pixels from the first one on, all within the picture */
    int64_t rows, columns;           /* at least 1 */
    int64_t row_stride, column_stride; /* elements */
    int32_t position, width;         /* of the first pixel: row·width + column; pixels of a row of the picture */
} ig_window;

typedef struct ig_kernels {
    ig_map_f32_fn *map_f32[IG_MAP_COUNT];
    ig_map_f64_fn *map_f64[IG_MAP_COUNT];
    int map_arity[IG_MAP_COUNT];

    /* conversions, n elements */
    void (*bf16_to_f32)(float *y, const uint16_t *x, size_t n);
    void (*f32_to_bf16)(uint16_t *y, const float *x, size_t n);
    void (*f16_to_f32)(float *y, const uint16_t *x, size_t n);
    void (*f32_to_f16)(uint16_t *y, const float *x, size_t n);

    void (*f32_to_u8)(uint8_t *q, const float *x, float inverse, float zero, size_t n); /* x·inverse + zero to the nearest of 0 … 255; NaN: 0 */
    void (*u8_to_f32)(float *x, const uint8_t *q, float scale, float zero, size_t n);   /* scale·(q - zero) */

    /* sums.  row_*: one value from n contiguous elements, 16 fixed lanes. */
    float (*row_sum)(const float *x, size_t n);
    float (*row_sum_squares)(const float *x, size_t n);
    float (*row_max)(const float *x, size_t n);            /* n >= 1; NaN if any is NaN */
    void (*add_rows)(float *y, const float *x, size_t rows, size_t n, size_t ld); /* y[j] = Σ_i x[i·ld + j], in row order from 0 */

    /* softmax over n contiguous elements: y = exp(x - max) / sum [in place]; returns log-sum-exp. */
    float (*softmax_row)(float *y, const float *x, size_t n);
    float (*log_softmax_row)(float *y, const float *x, size_t n);       /* [in place] */
    void (*softmax_grad_row)(float *dx, const float *dy, const float *y, size_t n);     /* y·(dy - Σ dy·y) */
    void (*log_softmax_grad_row)(float *dx, const float *dy, const float *y, size_t n); /* dy - exp(y)·Σ dy */
    float (*lse_row)(const float *x, size_t n);                          /* log Σ exp(x), without storing */
    /* dx = (softmax(x) - (1-s)·onehot(target) - s/n)·scale, from the saved lse [in place] */
    void (*cross_entropy_grad_row)(float *dx, const float *x, float lse, int64_t target, float smoothing, float scale, size_t n);

    /* layer norm, one row: y = (x - mean)·rstd·w + b; w and b may be NULL. */
    void (*layer_norm_row)(float *y, float *mean, float *rstd, const float *x, const float *w, const float *b, float eps, size_t n);
    /* dx of one row [in place with dy]; dw += dy·x̂ and db += dy when not NULL (accumulators of the caller's chunk) */
    void (*layer_norm_grad_row)(float *dx, float *dw, float *db, const float *dy, const float *x, const float *w, float mean, float rstd, size_t n);
    void (*rms_norm_row)(float *y, float *rstd, const float *x, const float *w, float eps, size_t n);
    void (*rms_norm_grad_row)(float *dx, float *dw, const float *dy, const float *x, const float *w, float rstd, size_t n);

    /* channel norms over `count` elements in rows of n (the last may be shorter), vectors of n; y, add, g may be NULL */
    void (*column_sums)(float *sum, const float *x, size_t count, size_t n); /* sum[j] += Σ x */
    void (*column_moments)(float *first, float *second, const float *x, const float *around, size_t count, size_t n); /* += Σ d, Σ d²; d = x - around */
    void (*column_affine)(float *y, const float *x, const float *add, const ig_columns *v, size_t count, size_t n, bool relu); /* [in place] */
    /* sum += Σ g, dot += Σ g·(x - mean); g = dy, with relu where the output was positive: y, or when NULL the affine part;
     * g is written too where y is given */
    void (*column_grad_sums)(float *sum, float *dot, float *g, const float *dy, const float *x, const float *y, const ig_columns *v, size_t count, size_t n, bool relu);
    /* dx = g·scale - c0 - (x - mean)·c1 [in place with dy] */
    void (*column_grad)(float *dx, const float *dy, const float *x, const ig_columns *v, size_t count, size_t n, bool relu);

    /* pools and pictures, c channels of one pixel.  The first of equals wins, NaN always. */
    void (*max_pool)(float *y, int32_t *index, const float *x, const ig_window *w, size_t c); /* index: position of the winner */
    void (*max_pool_grad)(float *dx, const float *dy, const int32_t *index, size_t ld, size_t c); /* dx[index[j]·ld + j] += dy[j] */
    void (*avg_pool)(float *y, const float *x, const ig_window *w, float divisor, size_t c);
    void (*avg_pool_grad)(float *dx, const float *dy, const ig_window *w, float divisor, size_t c); /* adds */
    void (*add_scaled)(float *y, const float *x, float a, size_t n);                                /* y += a·x */
    void (*blend)(float *y, const float *const x[4], float h, float w, size_t n); /* (1-h)·((1-w)·x0 + w·x1) + h·((1-w)·x2 + w·x3) */
    void (*window_sum)(float *y, const float *x, size_t before, size_t after, size_t n); /* y[i] = Σ x[i - before … i + after], within the row */

    /* rotary position, one head row of D: cos, sin [D/2].  half: pairs (i, i+D/2), else (2i, 2i+1). sign -1 inverts. [in place] */
    void (*rope_row)(float *y, const float *x, const float *cos, const float *sin, size_t d, bool half, float sign);

    /* optimisers over n parameters [all in place] */
    void (*adam)(float *p, const float *g, float *m, float *v, size_t n, const ig_adam_args *a);
    void (*sgd)(float *p, const float *g, float *m, size_t n, float lr, float momentum, bool nesterov, float weight_decay, float l1, float l2, float grad_scale); /* m NULL: plain; torch.optim.SGD */
    void (*rmsprop)(float *p, const float *g, float *v, float *m, size_t n, float lr, float alpha, float eps, float momentum, float weight_decay, float l1, float l2, float grad_scale);
    void (*adagrad)(float *p, const float *g, float *v, size_t n, float lr, float eps, float weight_decay, float l1, float l2, float grad_scale);
    void (*axpby)(float *y, const float *x, float a, float b, size_t n); /* y = a·x + b·y */

    /* small products: c [m][n] = (add ? c : 0) + Σ_k a[i·a_row + k·a_col] · b[k][n]; n is a multiple of 16 */
    void (*product)(float *c, const float *a, size_t a_row, size_t a_col, const float *b, size_t m, size_t n, size_t k, bool add);

    /* attention, f32 in and out; blockwise with scratch of ig_attention_scratch(args) floats; never stores T×S. */
    void (*attention_forward)(float *o, float *lse, const float *q, const float *k, const float *v, const ig_attention_args *a, float *scratch);
    /* dq is written, dk and dv are ADDED to (rows of D at distance k_row / v_row; dq at q_row, o and d_o at o_row).
     * delta[t] = Σ_d o·do is computed inside. */
    void (*attention_backward)(float *dq, float *dk, float *dv, const float *d_o, const float *o, const float *lse,
                               const float *q, const float *k, const float *v, const ig_attention_args *a,
                               int64_t dq_row, int64_t dk_row, int64_t dv_row, int64_t do_row, float *scratch);
    size_t (*attention_scratch)(const ig_attention_args *a); /* elements */

    /* recurrent networks, see recurrent.c.  A strip is 16 columns of a matrix; two strips lie side by side, a last odd one alone. */
    void (*strip_pack)(float *y, size_t width, const float *w, size_t row, size_t col, size_t k, size_t n);
    /* c [m][16·strips] = Σ_k a(i,k)·b[k][…], b packed; every sum in the order of k */
    void (*strips_product)(float *c, const float *a, size_t a_row, const float *b, size_t m, size_t k, size_t strips);
    /* n units of one sequence at one step.  x, gates, dx: gates H apart; sum, the recurrent product: 16 apart */
    void (*lstm_row)(float *h, float *c, float *gates, const float *x, const float *sum, const float *c_prev, size_t H, size_t n);
    /* dh, dc: what later steps send to this state, then what this one sends to the state before (without the product) */
    void (*lstm_grad_row)(float *dx, float *dh, float *dc, const float *sum, const float *dh_out, const float *dc_out, const float *gates,
                          const float *c, const float *c_prev, size_t H, size_t n);
    void (*gru_row)(float *h, float *gates, const float *x, const float *sum, const float *b, const float *h_prev, size_t H, size_t n);
    void (*gru_grad_row)(float *dx, float *ds, float *dh, const float *sum, const float *dh_out, const float *gates, const float *h_prev,
                         size_t H, size_t n);
    void (*add_two_row)(float *y, const float *a, const float *b, size_t n); /* y += a + b */

    /* attention over pages: o [heads][D]; k, v: page 0 of the key head; scratch of heads·(ig_page_width(D) + 2) floats */
    void (*attention_pages)(float *o, const float *q, const void *k, const void *v, const ig_page_args *a, float *scratch);
    /* products over quantised weights, see panel.h.  One row of x into its column of a tile of `stride` rows: */
    void (*quantise_row)(ig_quant_x *out, size_t stride, const float *x, size_t k);
    void (*panel[IG_BLOCK_COUNT])(const ig_panel_args *p); /* y[m][r] = Σ x[m]·w[r] */

    /* plain convolution: rows [n·oh] of y; rows [n·h] of dx; planes [o·c/groups] of dw */
    void (*conv_rows)(float *y, const float *x, const float *w, const float *bias, const ig_conv_args *a, size_t begin, size_t end);
    void (*conv_data_rows)(float *dx, const float *dy, const float *w, const ig_conv_args *a, size_t begin, size_t end);
    void (*conv_weight_planes)(float *dw, const float *x, const float *dy, const ig_conv_args *a, size_t begin, size_t end);

    /* the same in double, for gradient tests: plain code, equal in every table */
    double (*row_sum_f64)(const double *x, size_t n);
    double (*row_sum_squares_f64)(const double *x, size_t n);
    double (*row_max_f64)(const double *x, size_t n);
    void (*add_rows_f64)(double *y, const double *x, size_t rows, size_t n, size_t ld);
    double (*softmax_row_f64)(double *y, const double *x, size_t n);
    double (*log_softmax_row_f64)(double *y, const double *x, size_t n);
    void (*softmax_grad_row_f64)(double *dx, const double *dy, const double *y, size_t n);
    void (*log_softmax_grad_row_f64)(double *dx, const double *dy, const double *y, size_t n);
    double (*lse_row_f64)(const double *x, size_t n);
    void (*cross_entropy_grad_row_f64)(double *dx, const double *x, double lse, int64_t target, double smoothing, double scale, size_t n);
    void (*layer_norm_row_f64)(double *y, double *mean, double *rstd, const double *x, const double *w, const double *b, double eps, size_t n);
    void (*layer_norm_grad_row_f64)(double *dx, double *dw, double *db, const double *dy, const double *x, const double *w, double mean, double rstd, size_t n);
    void (*rms_norm_row_f64)(double *y, double *rstd, const double *x, const double *w, double eps, size_t n);
    void (*rms_norm_grad_row_f64)(double *dx, double *dw, const double *dy, const double *x, const double *w, double rstd, size_t n);
    void (*column_sums_f64)(double *sum, const double *x, size_t count, size_t n);
    void (*column_moments_f64)(double *first, double *second, const double *x, const double *around, size_t count, size_t n);
    void (*column_affine_f64)(double *y, const double *x, const double *add, const ig_columns *v, size_t count, size_t n, bool relu);
    void (*column_grad_sums_f64)(double *sum, double *dot, double *g, const double *dy, const double *x, const double *y, const ig_columns *v, size_t count, size_t n,
                                 bool relu);
    void (*column_grad_f64)(double *dx, const double *dy, const double *x, const ig_columns *v, size_t count, size_t n,
                            bool relu);
    void (*max_pool_f64)(double *y, int32_t *index, const double *x, const ig_window *w, size_t c);
    void (*max_pool_grad_f64)(double *dx, const double *dy, const int32_t *index, size_t ld, size_t c);
    void (*avg_pool_f64)(double *y, const double *x, const ig_window *w, double divisor, size_t c);
    void (*avg_pool_grad_f64)(double *dx, const double *dy, const ig_window *w, double divisor, size_t c);
    void (*add_scaled_f64)(double *y, const double *x, double a, size_t n);
    void (*blend_f64)(double *y, const double *const x[4], double h, double w, size_t n);
    void (*window_sum_f64)(double *y, const double *x, size_t before, size_t after, size_t n);
    void (*rope_row_f64)(double *y, const double *x, const double *cos, const double *sin, size_t d, bool half, double sign);
    void (*attention_forward_f64)(double *o, double *lse, const double *q, const double *k, const double *v, const ig_attention_args *a, double *scratch);
    void (*attention_backward_f64)(double *dq, double *dk, double *dv, const double *d_o, const double *o, const double *lse, const double *q,
                                   const double *k, const double *v, const ig_attention_args *a, int64_t dq_row, int64_t dk_row, int64_t dv_row,
                                   int64_t do_row, double *scratch);
    size_t (*attention_scratch_f64)(const ig_attention_args *a);
    void (*conv_rows_f64)(double *y, const double *x, const double *w, const double *bias, const ig_conv_args *a, size_t begin, size_t end);
    void (*conv_data_rows_f64)(double *dx, const double *dy, const double *w, const ig_conv_args *a, size_t begin, size_t end);
    void (*conv_weight_planes_f64)(double *dw, const double *x, const double *dy, const ig_conv_args *a, size_t begin, size_t end);
    void (*strip_pack_f64)(double *y, size_t width, const double *w, size_t row, size_t col, size_t k, size_t n);
    void (*strips_product_f64)(double *c, const double *a, size_t a_row, const double *b, size_t m, size_t k, size_t strips);
    void (*lstm_row_f64)(double *h, double *c, double *gates, const double *x, const double *sum, const double *c_prev, size_t H, size_t n);
    void (*lstm_grad_row_f64)(double *dx, double *dh, double *dc, const double *sum, const double *dh_out, const double *dc_out, const double *gates,
                          const double *c, const double *c_prev, size_t H, size_t n);
    void (*gru_row_f64)(double *h, double *gates, const double *x, const double *sum, const double *b, const double *h_prev, size_t H, size_t n);
    void (*gru_grad_row_f64)(double *dx, double *ds, double *dh, const double *sum, const double *dh_out, const double *gates, const double *h_prev,
                         size_t H, size_t n);
    void (*add_two_row_f64)(double *y, const double *a, const double *b, size_t n);
} ig_kernels;

const ig_kernels *ig_kernels_of(ig_context *ctx);
/* For tests: the table of a given instruction set, NULL if this processor lacks it. */
const ig_kernels *ig_kernels_for(ig_cpu cpu);

#endif
