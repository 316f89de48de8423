/* tensor/kernels/table.h: every kernel of one build, declared once from the list of maps and the rows below.
 *
 * Included by the kernel sources (so that definitions are checked against the declarations) and by table.c, which fills
 * the ig_kernels of its instruction set.
 */
#ifndef INGOT_TENSOR_TABLE_H
#define INGOT_TENSOR_TABLE_H

#include "tensor/kernels/isa.h"

#define IG_DECLARE_MAP(name, arity) void K(map_##name)(real *y, const real *const in[3], size_t n, const ig_map_args *args);
IG_MAPS(IG_DECLARE_MAP)

/* Declares the functions of suffix S over element type T. */
#define IG_DECLARE_ROWS(S, T)                                                                                          \
    T IG_PASTE(row_sum, S)(const T *x, size_t n);                                                                      \
    T IG_PASTE(row_sum_squares, S)(const T *x, size_t n);                                                              \
    T IG_PASTE(row_max, S)(const T *x, size_t n);                                                                      \
    void IG_PASTE(add_rows, S)(T *y, const T *x, size_t rows, size_t n, size_t ld);                                    \
    T IG_PASTE(softmax_row, S)(T *y, const T *x, size_t n);                                                            \
    T IG_PASTE(log_softmax_row, S)(T *y, const T *x, size_t n);                                                        \
    void IG_PASTE(softmax_grad_row, S)(T *dx, const T *dy, const T *y, size_t n);                                      \
    void IG_PASTE(log_softmax_grad_row, S)(T *dx, const T *dy, const T *y, size_t n);                                  \
    T IG_PASTE(lse_row, S)(const T *x, size_t n);                                                                      \
    void IG_PASTE(cross_entropy_grad_row, S)(T *dx, const T *x, T lse, int64_t target, T smoothing, T scale, size_t n); \
    void IG_PASTE(layer_norm_row, S)(T *y, T *mean, T *rstd, const T *x, const T *w, const T *b, T eps, size_t n);     \
    void IG_PASTE(layer_norm_grad_row, S)(T *dx, T *dw, T *db, const T *dy, const T *x, const T *w, T mean, T rstd, size_t n); \
    void IG_PASTE(rms_norm_row, S)(T *y, T *rstd, const T *x, const T *w, T eps, size_t n);                            \
    void IG_PASTE(rms_norm_grad_row, S)(T *dx, T *dw, const T *dy, const T *x, const T *w, T rstd, size_t n);          \
    void IG_PASTE(column_sums, S)(T *sum, const T *x, size_t count, size_t n);                                          \
    void IG_PASTE(column_moments, S)(T *first, T *second, const T *x, const T *around, size_t count, size_t n);         \
    void IG_PASTE(column_affine, S)(T *y, const T *x, const T *add, const ig_columns *v, size_t count, size_t n, bool relu); \
    void IG_PASTE(column_grad_sums, S)(T *sum, T *dot, T *g, const T *dy, const T *x, const T *y, const ig_columns *v, size_t count, size_t n, bool relu); \
    void IG_PASTE(column_grad, S)(T *dx, const T *dy, const T *x, const ig_columns *v, size_t count, size_t n, bool relu); \
    void IG_PASTE(max_pool, S)(T *y, int32_t *index, const T *x, const ig_window *w, size_t c);                        \
    void IG_PASTE(max_pool_grad, S)(T *dx, const T *dy, const int32_t *index, size_t ld, size_t c);                    \
    void IG_PASTE(avg_pool, S)(T *y, const T *x, const ig_window *w, T divisor, size_t c);                             \
    void IG_PASTE(avg_pool_grad, S)(T *dx, const T *dy, const ig_window *w, T divisor, size_t c);                      \
    void IG_PASTE(add_scaled, S)(T *y, const T *x, T a, size_t n);                                                     \
    void IG_PASTE(blend, S)(T *y, const T *const x[4], T h, T w, size_t n);                                            \
    void IG_PASTE(window_sum, S)(T *y, const T *x, size_t before, size_t after, size_t n);                             \
    void IG_PASTE(rope_row, S)(T *y, const T *x, const T *c, const T *s, size_t d, bool half, T sign);                 \
    void IG_PASTE(attention_forward, S)(T *o, T *lse, const T *q, const T *k, const T *v, const ig_attention_args *a, T *scratch); \
    void IG_PASTE(attention_backward, S)(T *dq, T *dk, T *dv, const T *d_o, const T *o, const T *lse, const T *q, const T *k, const T *v, \
        const ig_attention_args *a, int64_t dq_row, int64_t dk_row, int64_t dv_row, int64_t do_row, T *scratch);       \
    size_t IG_PASTE(attention_scratch, S)(const ig_attention_args *a);                                                 \
    void IG_PASTE(conv_rows, S)(T *y, const T *x, const T *w, const T *bias, const ig_conv_args *a, size_t begin, size_t end); \
    void IG_PASTE(conv_data_rows, S)(T *dx, const T *dy, const T *w, const ig_conv_args *a, size_t begin, size_t end);  \
    void IG_PASTE(conv_weight_planes, S)(T *dw, const T *x, const T *dy, const ig_conv_args *a, size_t begin, size_t end);\
    void IG_PASTE(strip_pack, S)(T *y, size_t width, const T *w, size_t row, size_t col, size_t k, size_t n);          \
    void IG_PASTE(strips_product, S)(T *c, const T *a, size_t a_row, const T *b, size_t m, size_t k, size_t strips);   \
    void IG_PASTE(lstm_row, S)(T *h, T *c, T *gates, const T *x, const T *sum, const T *c_prev, size_t H, size_t n);   \
    void IG_PASTE(lstm_grad_row, S)(T *dx, T *dh, T *dc, const T *sum, const T *dh_out, const T *dc_out, const T *gates, \
        const T *c, const T *c_prev, size_t H, size_t n);                                                              \
    void IG_PASTE(gru_row, S)(T *h, T *gates, const T *x, const T *sum, const T *b, const T *h_prev, size_t H, size_t n); \
    void IG_PASTE(gru_grad_row, S)(T *dx, T *ds, T *dh, const T *sum, const T *dh_out, const T *gates, const T *h_prev, \
        size_t H, size_t n);                                                                                           \
    void IG_PASTE(add_two_row, S)(T *y, const T *a, const T *b, size_t n);

#ifdef IG_WIDE
IG_DECLARE_ROWS(f64, real)
#else
IG_DECLARE_ROWS(IG_ISA, real)
void K(bf16_to_f32)(float *y, const uint16_t *x, size_t n);
void K(f32_to_bf16)(uint16_t *y, const float *x, size_t n);
void K(f16_to_f32)(float *y, const uint16_t *x, size_t n);
void K(f32_to_f16)(uint16_t *y, const float *x, size_t n);
void K(f32_to_u8)(uint8_t *q, const float *x, float inverse, float zero, size_t n);
void K(u8_to_f32)(float *x, const uint8_t *q, float scale, float zero, size_t n);
void K(adam)(real *p, const real *g, real *m, real *v, size_t n, const ig_adam_args *a);
void K(sgd)(real *p, const real *g, real *m, size_t n, real lr, real momentum, bool nesterov, real decay, real l1, real l2_more, real grad_scale);
void K(rmsprop)(real *p, const real *g, real *v, real *m, size_t n, real lr, real alpha, real eps, real momentum, real decay, real l1, real l2_more, real grad_scale);
void K(adagrad)(real *p, const real *g, real *v, size_t n, real lr, real eps, real decay, real l1, real l2_more, real grad_scale);
void K(product)(float *c, const float *a, size_t a_row, size_t a_col, const float *b, size_t m, size_t n, size_t k, bool add);
void K(axpby)(real *y, const real *x, real a, real b, size_t n);
void K(attention_pages)(float *o, const float *q, const void *k, const void *v, const ig_page_args *a, float *scratch);
void K(quantise_row)(ig_quant_x *out, size_t stride, const float *x, size_t k);
void K(panel_f32)(const ig_panel_args *p);
void K(panel_f16)(const ig_panel_args *p);
void K(panel_bf16)(const ig_panel_args *p);
void K(panel_q8_0)(const ig_panel_args *p);
void K(panel_q4_0)(const ig_panel_args *p);
void K(panel_q5_0)(const ig_panel_args *p);
void K(panel_q4_k)(const ig_panel_args *p);
void K(panel_q5_k)(const ig_panel_args *p);
void K(panel_q6_k)(const ig_panel_args *p);
extern const ig_kernels K(table);
#endif

#endif
