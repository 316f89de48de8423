/* tensor/kernels/table.c: the table of one instruction set; compiled once per set, like the kernels. */
#include "tensor/kernels/table.h"

/* the double twins are compiled once, and shared */
#define IG_DECLARE_MAP_F64(name, arity) void ig_k_map_##name##_f64(double *y, const double *const in[3], size_t n, const ig_map_args *args);
IG_MAPS(IG_DECLARE_MAP_F64)
IG_DECLARE_ROWS(f64, double)

#define MAP_F32(name, arity) [IG_MAP_##name] = K(map_##name),
#define MAP_F64(name, arity) [IG_MAP_##name] = ig_k_map_##name##_f64,
#define MAP_ARITY(name, arity) [IG_MAP_##name] = arity,
#define BOTH(name) .name = K(name), .name##_f64 = ig_k_##name##_f64

const ig_kernels K(table) = {
    .map_f32 = {IG_MAPS(MAP_F32)},
    .map_f64 = {IG_MAPS(MAP_F64)},
    .map_arity = {IG_MAPS(MAP_ARITY)},
    .bf16_to_f32 = K(bf16_to_f32), .f32_to_bf16 = K(f32_to_bf16), .f16_to_f32 = K(f16_to_f32), .f32_to_f16 = K(f32_to_f16),
    .f32_to_u8 = K(f32_to_u8), .u8_to_f32 = K(u8_to_f32),
    BOTH(row_sum), BOTH(row_sum_squares), BOTH(row_max), BOTH(add_rows),
    BOTH(softmax_row), BOTH(log_softmax_row), BOTH(softmax_grad_row), BOTH(log_softmax_grad_row), BOTH(lse_row), BOTH(cross_entropy_grad_row),
    BOTH(layer_norm_row), BOTH(layer_norm_grad_row), BOTH(rms_norm_row), BOTH(rms_norm_grad_row), BOTH(rope_row),
    BOTH(attention_forward), BOTH(attention_backward), BOTH(attention_scratch),
    BOTH(conv_rows), BOTH(conv_data_rows), BOTH(conv_weight_planes),
    BOTH(column_sums), BOTH(column_moments), BOTH(column_affine), BOTH(column_grad_sums), BOTH(column_grad),
    BOTH(max_pool), BOTH(max_pool_grad), BOTH(avg_pool), BOTH(avg_pool_grad), BOTH(add_scaled), BOTH(blend), BOTH(window_sum),
    BOTH(strip_pack), BOTH(strips_product), BOTH(lstm_row), BOTH(lstm_grad_row), BOTH(gru_row), BOTH(gru_grad_row), BOTH(add_two_row),
    .adam = K(adam), .sgd = K(sgd), .rmsprop = K(rmsprop), .adagrad = K(adagrad), .axpby = K(axpby), .product = K(product),
    .attention_pages = K(attention_pages),
    .quantise_row = K(quantise_row),
    .panel = {K(panel_f32), K(panel_f16), K(panel_bf16), K(panel_q8_0), K(panel_q4_0), K(panel_q5_0), K(panel_q4_k), K(panel_q5_k), K(panel_q6_k)},
};
