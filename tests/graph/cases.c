/* tests/graph/cases.c: the cases of cases.h: for every op that has a gradient, several shapes: odd and prime, of size 0
 * and 1, broadcast, with few and many rows.
 */
#include "cases.h"

#define N(array) ((int)(sizeof(array) / sizeof *(array)))
#define D0 {0, {0}}
#define D1(a) {1, {a}}
#define D2(a, b) {2, {a, b}}
#define D3(a, b, c) {3, {a, b, c}}
#define D4(a, b, c, d) {4, {a, b, c, d}}
#define BUILD(name) static ig_var *name(ig_graph *g, ig_var *const *x, const op_case *c)

/* An input of the test's own: the memory is static, so it outlives every graph. */
static ig_var *fixed(ig_graph *g, const char *name, void *data, ig_dtype dtype, int ndim, const int64_t *shape) {
    ig_tensor t;
    assert_int_equal(ig_tensor_wrap(&t, data, dtype, ndim, shape, NULL), IG_OK);
    return ig_input(g, name, &t);
}

static ig_var *indices(ig_graph *g, const int64_t *values, int n, int ndim, const int64_t *shape, bool narrow) {
    static int64_t wide[8][16];
    static int32_t small[8][16];
    static int next;
    int slot = next++ % 8; /* more than one case records at a time */
    for (int i = 0; i < n; i++) wide[slot][i] = values[i], small[slot][i] = (int32_t)values[i];
    return narrow ? fixed(g, "indices", small[slot], IG_DTYPE_I32, ndim, shape) : fixed(g, "indices", wide[slot], IG_DTYPE_I64, ndim, shape);
}

/* ---- element-wise -------------------------------------------------------------------------------------------------------- */

BUILD(map) {
    ig_attrs a = {.f = {c->f[0], c->f[1]}};
    return ig_record(g, &ig_map_ops[c->i[0]], x, c->inputs, &a);
}

BUILD(dropout) {
    static int64_t key[2] = {7, 3}, two = 2;
    return ig_dropout(g, x[0], c->f[0], fixed(g, "key", key, IG_DTYPE_I64, 1, &two));
}

BUILD(select_positive) { (void)c; return ig_select(g, ig_gt(g, x[0], ig_full(g, x[0]->t.dtype, 0, NULL, 0)), x[1], x[2]); }
BUILD(cast) { (void)c; return ig_cast(g, ig_cast(g, x[0], IG_DTYPE_F32), IG_DTYPE_F64); }

#define UNARY_SHAPES(map_name, ...)                                                                                    \
    {#map_name " [3,5]", map, 1, {D2(3, 5)}, .i = {IG_MAP_##map_name}, __VA_ARGS__},                                   \
        {#map_name " [2,1,3]", map, 1, {D3(2, 1, 3)}, .i = {IG_MAP_##map_name}, __VA_ARGS__},                          \
        {#map_name " []", map, 1, {D0}, .i = {IG_MAP_##map_name}, __VA_ARGS__},                                        \
        {#map_name " [0,3]", map, 1, {D2(0, 3)}, .i = {IG_MAP_##map_name}, __VA_ARGS__}
#define UNARY(map_name) UNARY_SHAPES(map_name, .positive = false)
#define UNARY_POSITIVE(map_name) UNARY_SHAPES(map_name, .positive = true)

#define BINARY_SHAPES(map_name, ...)                                                                                   \
    {#map_name " [3,5] [3,5]", map, 2, {D2(3, 5), D2(3, 5)}, .i = {IG_MAP_##map_name}, __VA_ARGS__},                   \
        {#map_name " [3,5] [5]", map, 2, {D2(3, 5), D1(5)}, .i = {IG_MAP_##map_name}, __VA_ARGS__},                    \
        {#map_name " [2,3,1] [7]", map, 2, {D3(2, 3, 1), D1(7)}, .i = {IG_MAP_##map_name}, __VA_ARGS__},               \
        {#map_name " [] [3]", map, 2, {D0, D1(3)}, .i = {IG_MAP_##map_name}, __VA_ARGS__},                             \
        {#map_name " [3,1] [0]", map, 2, {D2(3, 1), D1(0)}, .i = {IG_MAP_##map_name}, __VA_ARGS__}
#define BINARY(map_name) BINARY_SHAPES(map_name, .positive = false)
#define BINARY_POSITIVE(map_name) BINARY_SHAPES(map_name, .positive = true)

/* ---- products ------------------------------------------------------------------------------------------------------------- */

BUILD(matmul) { (void)c; return ig_matmul(g, x[0], x[1]); }
BUILD(linear) { (void)c; return ig_linear(g, x[0], x[1], x[2]); }
/* Over f32 "blocks", which round nothing that a finite difference could see. */
BUILD(linear_quantised) {
    static ig_qweight *w;
    static const float rows[3][5] = {{0.5f, -1, 0.25f, 2, -0.75f}, {1, 1.5f, -0.5f, 0.125f, 1}, {-2, 0.25f, 1, -1, 0.5f}};
    ig_error err = {0};
    (void)c;
    if (!w && ig_qweight_new(ig_graph_context(g), IG_BLOCK_F32, 3, 5, rows, &w, &err) != IG_OK) return ig_poison(g, err.code, "%s", err.message);
    return ig_cast(g, ig_linear_quantised(g, ig_cast(g, x[0], IG_DTYPE_F32), w), IG_DTYPE_F64);
}
BUILD(matmul_turned) { (void)c; return ig_matmul(g, ig_transpose(g, x[0], -2, -1), x[1]); }

/* ---- convolution: i = stride, dilation, padding, as height and width in two digits; groups ------------------------------------- */

static ig_conv_opts conv_opts(const op_case *c) {
    ig_conv_opts o = {.groups = c->i[3]};
    for (int k = 0; k < 2; k++) {
        int64_t part = k == 0 ? 10 : 1;
        o.stride[k] = c->i[0] / part % 10, o.dilation[k] = c->i[1] / part % 10;
        o.pad_before[k] = c->i[2] / part % 10, o.pad_after[k] = c->i[2] / 100 / part % 10;
    }
    return o;
}

static ig_conv_opts conv_row_opts(const op_case *c) { /* one digit each */
    return (ig_conv_opts){.stride = {c->i[0]}, .dilation = {c->i[1]}, .pad_before = {c->i[2] % 10}, .pad_after = {c->i[2] / 10}, .groups = c->i[3]};
}

BUILD(conv2d) { return ig_conv2d(g, x[0], x[1], c->inputs == 3 ? x[2] : NULL, conv_opts(c)); }
BUILD(conv1d) { return ig_conv1d(g, x[0], x[1], c->inputs == 3 ? x[2] : NULL, conv_row_opts(c)); }
/* f = output padding of height, width */
BUILD(conv_transpose2d) {
    ig_conv_opts o = conv_opts(c);
    o.output_padding[0] = (int64_t)c->f[0], o.output_padding[1] = (int64_t)c->f[1];
    return ig_conv_transpose2d(g, x[0], x[1], c->inputs == 3 ? x[2] : NULL, o);
}
BUILD(conv_transpose1d) {
    ig_conv_opts o = conv_row_opts(c);
    o.output_padding[0] = (int64_t)c->f[0];
    return ig_conv_transpose1d(g, x[0], x[1], c->inputs == 3 ? x[2] : NULL, o);
}
/* f = size of the kernel */
BUILD(conv2d_weights) {
    ig_conv_opts o = conv_opts(c);
    ig_attrs a = {.i = {o.stride[0], o.stride[1], o.dilation[0], o.dilation[1], o.pad_before[0], o.pad_before[1], o.pad_after[0], o.pad_after[1],
                        o.groups, (int64_t)c->f[0], (int64_t)c->f[1]}};
    return ig_record(g, &ig_op_conv2d_weights, (ig_var *[]){ig_contiguous(g, x[0]), ig_contiguous(g, x[1])}, 2, &a);
}

/* ---- reductions: i = axes or axis, keepdim or reverse ------------------------------------------------------------------------ */

BUILD(sum) { return ig_sum(g, x[0], (uint32_t)c->i[0], c->i[1] != 0); }
BUILD(mean) { return ig_mean(g, x[0], (uint32_t)c->i[0], c->i[1] != 0); }
BUILD(max) { return ig_max(g, x[0], (uint32_t)c->i[0], c->i[1] != 0); }
BUILD(sum_to) { return ig_sum_to(g, x[0], (int)c->i[0], c->i + 1); }
BUILD(cumsum) { return ig_cumsum(g, x[0], (int)c->i[0], c->i[1] != 0); }
BUILD(softmax) { return ig_softmax(g, x[0], (int)c->i[0]); }
BUILD(log_softmax) { return ig_log_softmax(g, x[0], (int)c->i[0]); }
BUILD(global_norm) { return ig_global_norm(g, x, c->inputs); }

#define REDUCTION_SHAPES(fn)                                                                                           \
    {#fn " of all", fn, 1, {D2(3, 5)}}, {#fn " of a scalar", fn, 1, {D0}},                                             \
        {#fn " over 0", fn, 1, {D3(3, 5, 2)}, .i = {1, 0}}, {#fn " over 1, kept", fn, 1, {D3(3, 5, 2)}, .i = {2, 1}},  \
        {#fn " over 0 and 2", fn, 1, {D3(3, 5, 2)}, .i = {5, 0}},                                                      \
        {#fn " over 1 and 3", fn, 1, {D4(2, 3, 1, 5)}, .i = {10, 0}},                                                  \
        {#fn " over 0 and 2 of four", fn, 1, {D4(2, 3, 2, 3)}, .i = {5, 1}}

/* ---- shapes ------------------------------------------------------------------------------------------------------------------ */

BUILD(reshape) { return ig_reshape(g, x[0], 2, c->i); }
BUILD(reshape_turned) { return ig_reshape(g, ig_transpose(g, x[0], 0, 1), 2, c->i); }
BUILD(transpose) { return ig_transpose(g, x[0], (int)c->i[0], (int)c->i[1]); }
BUILD(slice) { return ig_slice(g, x[0], (int)c->i[0], c->i[1], c->i[2]); }
BUILD(broadcast) { return ig_broadcast(g, x[0], (int)c->i[0], c->i + 1); }
BUILD(contiguous) { (void)c; return ig_contiguous(g, ig_transpose(g, x[0], 0, 1)); }
BUILD(concat) { return ig_concat(g, x, c->inputs, (int)c->i[0]); }
BUILD(concat_turned) { return ig_concat(g, (ig_var *[]){ig_transpose(g, x[0], 1, 2), ig_transpose(g, x[1], 1, 2)}, 2, (int)c->i[0]); }

BUILD(slice_grad) {
    ig_attrs a = {.i = {c->i[0], c->i[1], c->i[2]}};
    return ig_record(g, &ig_op_slice_grad, x, 1, &a);
}

/* i = axis, parts, first part used, step: the sum of the squares of some of the parts. */
BUILD(split) {
    ig_var *part[16], *y = NULL;
    ig_split(g, x[0], (int)c->i[0], (int)c->i[1], part);
    for (int64_t k = c->i[2]; k < c->i[1]; k += c->i[3]) {
        ig_var *square = ig_square(g, part[k]);
        y = y ? ig_add(g, ig_affine(g, y, 2, 0), square) : square;
    }
    return y;
}

/* ---- indices: i = axis, indices as i32 ------------------------------------------------------------------------------------------ */

BUILD(embedding) {
    static const int64_t at[] = {3, 0, 3, 6, 1, 3};
    return ig_embedding(g, x[0], indices(g, at, N(at), 2, (int64_t[]){2, 3}, c->i[1] != 0));
}

BUILD(embedding_none) { (void)c; return ig_embedding(g, x[0], indices(g, NULL, 0, 1, (int64_t[]){0}, false)); }

BUILD(scatter_rows) {
    static const int64_t at[] = {3, 0, 3, 6};
    return ig_scatter_rows(g, x[0], indices(g, at, N(at), 1, (int64_t[]){4}, c->i[1] != 0), x[1]);
}

/* Rows of one table twice: the gradients are scattered into one array. */
BUILD(embedding_twice) {
    static const int64_t at[] = {3, 0, 3, 6}, more[] = {2, 3, 3, 1};
    ig_var *a = ig_embedding(g, x[0], indices(g, at, 4, 1, (int64_t[]){4}, c->i[1] != 0));
    return ig_mul(g, a, ig_embedding(g, x[0], indices(g, more, 4, 1, (int64_t[]){4}, false)));
}

static ig_var *lines(ig_graph *g, int axis, bool narrow) { /* into [3,5,2] */
    static const int64_t at0[] = {2, 0, 1, 2, 2, 2, 0, 1, 0, 0}, at1[] = {4, 0, 4, 4, 3, 1}, at2[] = {1, 1, 0, 1, 1, 0};
    if (axis == 0) return indices(g, at0, N(at0), 3, (int64_t[]){1, 5, 2}, narrow);
    if (axis == 1) return indices(g, at1, N(at1), 3, (int64_t[]){1, 3, 2}, narrow);
    return indices(g, at2, N(at2), 3, (int64_t[]){2, 1, 3}, narrow);
}

BUILD(gather) { return ig_gather(g, x[0], (int)c->i[0], lines(g, (int)c->i[0], c->i[1] != 0)); }
BUILD(scatter_add) { return ig_scatter_add(g, x[0], (int)c->i[0], lines(g, (int)c->i[0], c->i[1] != 0), x[1]); }

/* ---- norms, losses ----------------------------------------------------------------------------------------------------------------- */

BUILD(layer_norm) { return ig_layer_norm(g, x[0], x[1], c->inputs == 3 ? x[2] : NULL, 1e-5); }
BUILD(rms_norm) { (void)c; return ig_rms_norm(g, x[0], x[1], 1e-6); }

/* i = has_ignore, ignore index, narrow */
BUILD(cross_entropy) {
    static const int64_t at[] = {3, 0, 4, 1, 2, 4};
    ig_cross_entropy_opts o = {.has_ignore = c->i[0] != 0, .ignore_index = c->i[1], .label_smoothing = c->f[0]};
    int ndim = ig_ndim(x[0]) - 1;
    return ig_cross_entropy(g, x[0], indices(g, at, N(at), ndim, x[0]->t.shape, c->i[2] != 0), o);
}

/* ---- attention, rotary positions ----------------------------------------------------------------------------------------------------- */

/* i = causal, length (0: none) */
BUILD(attention) {
    static int64_t length[16], one = 1;
    ig_attention_opts o = {.causal = c->i[0] != 0, .scale = c->f[0]};
    length[c->i[1]] = c->i[1];
    if (c->i[1]) o.length = fixed(g, "length", &length[c->i[1]], IG_DTYPE_I64, 1, &one);
    return ig_attention(g, x[0], x[1], x[2], o);
}

/* Sequences of 2 and 5 keys. */
BUILD(padded_attention) {
    static int64_t length[2] = {2, 5}, two = 2;
    (void)c;
    return ig_attention(g, x[0], x[1], x[2], (ig_attention_opts){.length = fixed(g, "length", length, IG_DTYPE_I64, 1, &two)});
}

/* q, k, v out of one projection [B,T,(H+2G)·D], the heads joined again: what a transformer does. */
BUILD(fused_attention) {
    ig_var *qkv[3];
    int64_t heads[4] = {ig_dim(x[0], 0), ig_dim(x[0], 1), 6, ig_dim(x[0], 2) / 6}, joined[3] = {heads[0], heads[1], ig_dim(x[0], 2) / 3};
    (void)c;
    ig_split(g, ig_transpose(g, ig_reshape(g, x[0], 4, heads), 1, 2), 1, 3, qkv);
    ig_var *y = ig_attention(g, qkv[0], qkv[1], qkv[2], (ig_attention_opts){.causal = true});
    return ig_reshape(g, ig_transpose(g, y, 1, 2), 3, joined);
}

static ig_var *positions(ig_graph *g, int64_t T) {
    static int64_t at[] = {5, 6, 9, 0, 1};
    return fixed(g, "positions", at, IG_DTYPE_I64, 1, &T);
}

BUILD(rope) { return ig_rope(g, x[0], positions(g, ig_dim(x[0], -2)), 100, c->i[0] != 0); }
BUILD(rope_heads) { return ig_rope(g, ig_transpose(g, x[0], 1, 2), positions(g, ig_dim(x[0], 1)), 10000, c->i[0] != 0); }

/* Only the first four dimensions of a head turn. */
BUILD(rope_part) {
    ig_attrs t = {.i = {4, x[0]->t.dtype}, .f = {100}}, a = {.i = {c->i[0]}};
    ig_var *at = positions(g, ig_dim(x[0], -2)), *table = ig_record(g, &ig_op_rope_table, &at, 1, &t);
    return ig_record(g, &ig_op_rope, (ig_var *[]){ig_contiguous(g, x[0]), table, &table->node->out[1]}, 3, &a);
}

/* ---- pictures ------------------------------------------------------------------------------------------------------------------------- */

/* i = relu; a fourth input is the residual */
BUILD(batch_norm) {
    ig_batch_norm_opts o = {.training = true, .momentum = 0.1, .eps = 1e-3, .relu = c->i[0] != 0, .residual = c->inputs == 4 ? x[3] : NULL};
    return ig_batch_norm(g, x[0], x[1], x[2], NULL, NULL, o);
}

BUILD(batch_norm_inference) {
    ig_batch_norm_opts o = {.eps = 1e-3, .relu = c->i[0] != 0, .residual = c->inputs == 6 ? x[5] : NULL};
    return ig_batch_norm(g, x[0], x[1], x[2], x[3], x[4], o);
}

BUILD(group_norm) { return ig_group_norm(g, x[0], c->i[0], x[1], x[2], 1e-3); }
BUILD(local_response_norm) { return ig_local_response_norm(g, x[0], c->i[0], 0.5, 0.75, 1.5); }

/* i = kernel, stride, padding, 1: ceil mode, 2: count the padding; rows and columns differ by one where they can */
static ig_pool_opts pool_opts(const op_case *c) {
    int64_t more = c->i[0] > 1, pad = c->i[2];
    return (ig_pool_opts){.kernel = {c->i[0] + more, c->i[0]}, .stride = {c->i[1], c->i[1]}, .pad_before = {pad, pad}, .pad_after = {pad, pad ? pad - 1 : 0},
                          .ceil_mode = (c->i[3] & 1) != 0, .count_include_pad = (c->i[3] & 2) != 0};
}
BUILD(max_pool2d) { return ig_max_pool2d(g, x[0], pool_opts(c)); }
BUILD(avg_pool2d) { return ig_avg_pool2d(g, x[0], pool_opts(c)); }
BUILD(max_pool1d) { return ig_max_pool1d(g, x[0], pool_opts(c)); }
BUILD(avg_pool1d) { return ig_avg_pool1d(g, x[0], pool_opts(c)); }
BUILD(adaptive_max_pool2d) { return ig_adaptive_max_pool2d(g, x[0], c->i[0], c->i[1]); }
BUILD(adaptive_avg_pool2d) { return ig_adaptive_avg_pool2d(g, x[0], c->i[0], c->i[1]); }

BUILD(max_over_time) {
    static int64_t lengths[] = {2, 5, 1};
    return ig_max_over_time(g, x[0], c->i[0] ? fixed(g, "lengths", lengths, IG_DTYPE_I64, 1, x[0]->t.shape) : NULL);
}

/* i = mode, before dim 0, before the others, after them */
BUILD(pad) {
    int64_t before[IG_DIMS_MAX] = {c->i[1], c->i[2], c->i[2], 0}, after[IG_DIMS_MAX] = {0, c->i[3], c->i[2], c->i[3] - c->i[2]};
    return ig_pad(g, x[0], before, after, (ig_pad_mode)c->i[0], 0.75);
}

/* i = height, width, mode, align_corners */
BUILD(interpolate) { return ig_interpolate(g, x[0], c->i[0], c->i[1], (ig_interpolate_mode)c->i[2], c->i[3] != 0); }

BUILD(hard_swish) { (void)c; return ig_hard_swish(g, ig_relu6(g, ig_affine(g, x[0], 2, 1))); }
BUILD(dropout_channels) {
    static int64_t key[2] = {7, 3}, two = 2;
    return ig_dropout_channels(g, x[0], c->f[0], fixed(g, "key", key, IG_DTYPE_I64, 1, &two));
}

#define WITH_AFFINE(c, ...) {__VA_ARGS__, D1(c), D1(c)}
/* ---- recurrent networks --------------------------------------------------------------------------------------------------------------- */

/* i = reverse, the length of the second sequence (0: no lengths), what else is used: 1 the last state, 2 the last cell alone */
static ig_recurrent_opts recurrent_opts(ig_graph *g, const op_case *c) {
    static int64_t lengths[8][3];
    int64_t *l = lengths[c->i[1]], three = 3;
    l[0] = 3, l[1] = c->i[1], l[2] = 0;
    return (ig_recurrent_opts){.reverse = c->i[0] != 0, .lengths = c->i[1] ? fixed(g, "lengths", l, IG_DTYPE_I64, 1, &three) : NULL};
}

/* [T,B,H] and [B,H] as one matrix. */
static ig_var *with_state(ig_graph *g, ig_var *y, ig_var *state) {
    int64_t rows[2] = {ig_dim(y, 0) * ig_dim(y, 1), ig_dim(y, 2)};
    return ig_concat(g, (ig_var *[]){ig_reshape(g, y, 2, rows), state}, 2, 0);
}

BUILD(lstm) {
    ig_recurrent_weights w = {x[1], x[2], x[3], x[4]};
    ig_var *h, *cell, *y = ig_lstm(g, x[0], &w, c->inputs == 6 ? x[5] : NULL, NULL, recurrent_opts(g, c), &h, &cell);
    return c->i[2] ? with_state(g, y, c->i[2] == 2 ? cell : ig_add(g, h, ig_square(g, cell))) : y;
}

BUILD(lstm_steps) {
    ig_var *h, *cell, *y = ig_lstm_recurrence(g, x[0], x[1], x[2], x[3], recurrent_opts(g, c), &h, &cell);
    return c->i[2] == 2 ? cell : c->i[2] ? with_state(g, y, h) : y;
}

BUILD(gru) {
    ig_recurrent_weights w = {x[1], x[2], x[3], x[4]};
    ig_var *h, *y = ig_gru(g, x[0], &w, c->inputs == 6 ? x[5] : NULL, recurrent_opts(g, c), &h);
    return c->i[2] ? with_state(g, y, h) : y;
}

BUILD(gru_steps) { return ig_gru_recurrence(g, x[0], x[1], NULL, x[2], recurrent_opts(g, c), NULL); }

/* ---- the table ------------------------------------------------------------------------------------------------------------------------ */

const op_case op_cases[] = {
    UNARY(copy), UNARY(neg), UNARY(abs), UNARY(square), UNARY_POSITIVE(sqrt), UNARY_POSITIVE(rsqrt), UNARY(reciprocal), UNARY(exp),
    UNARY_POSITIVE(log), UNARY_POSITIVE(log1p), UNARY(sin), UNARY(cos), UNARY(sigmoid), UNARY(tanh), UNARY(relu), UNARY(gelu), UNARY(gelu_tanh), UNARY(silu),
    UNARY_SHAPES(leaky_relu, .f = {0.125}), UNARY_SHAPES(affine, .f = {1.75, 0.25}), UNARY_SHAPES(clamp, .f = {-0.5, 0.75}),
    {"dropout [3,5]", dropout, 1, {D2(3, 5)}, .f = {0.25}}, {"dropout [7]", dropout, 1, {D1(7)}, .f = {0.5}},
    BINARY(add), BINARY(sub), BINARY(mul), BINARY(div), BINARY_POSITIVE(pow), BINARY(minimum), BINARY(maximum),
    {"fma", map, 3, {D2(3, 5), D2(3, 5), D2(3, 5)}, .i = {IG_MAP_fma}}, {"fma, broadcast", map, 3, {D2(3, 1), D1(5), D0}, .i = {IG_MAP_fma}},
    {"select", select_positive, 3, {D2(3, 5), D2(3, 5), D2(3, 5)}}, {"select, broadcast", select_positive, 3, {D2(3, 1), D1(5), D0}},
    {"cast", cast, 1, {D2(3, 5)}, .step = 0.125}, {"cast of nothing", cast, 1, {D2(0, 5)}, .step = 0.125},

    {"matmul [3,5] [5,7]", matmul, 2, {D2(3, 5), D2(5, 7)}}, {"matmul of equal squares", matmul, 2, {D2(3, 3), D2(3, 3)}},
    {"matmul [2,3,5] [5,7]", matmul, 2, {D3(2, 3, 5), D2(5, 7)}}, {"matmul [2,3,5] [2,5,1]", matmul, 2, {D3(2, 3, 5), D3(2, 5, 1)}},
    {"matmul [2,1,3,5] [4,5,2]", matmul, 2, {D4(2, 1, 3, 5), D3(4, 5, 2)}}, {"matmul [3,5] [2,5,2]", matmul, 2, {D2(3, 5), D3(2, 5, 2)}},
    {"matmul [0,5] [5,3]", matmul, 2, {D2(0, 5), D2(5, 3)}}, {"matmul [3,0] [0,2]", matmul, 2, {D2(3, 0), D2(0, 2)}},
    {"matmul [1,1] [1,1]", matmul, 2, {D2(1, 1), D2(1, 1)}}, {"matmul [5,1] [1,3]", matmul, 2, {D2(5, 1), D2(1, 3)}},
    {"matmul of a transposed", matmul_turned, 2, {D2(5, 3), D2(5, 7)}}, {"matmul of transposed batches", matmul_turned, 2, {D3(2, 5, 3), D3(2, 5, 7)}},
    {"linear_quantised", linear_quantised, 1, {D2(3, 5)}, .step = 0.125}, {"linear_quantised of nothing", linear_quantised, 1, {D2(0, 5)}, .step = 0.125},
    {"linear [3,5]", linear, 3, {D2(3, 5), D2(5, 7), D1(7)}}, {"linear [2,3,5]", linear, 3, {D3(2, 3, 5), D2(5, 1), D1(1)}},

    {"conv2d 3x3", conv2d, 3, {D4(2, 5, 4, 3), D4(2, 3, 3, 3), D1(2)}, .i = {0, 0, 1111}},
    {"conv2d 1x1", conv2d, 2, {D4(2, 3, 2, 3), D4(5, 3, 1, 1)}},
    {"conv2d 1x1 of equal shapes", conv2d, 2, {D4(3, 1, 1, 1), D4(3, 1, 1, 1)}},
    {"conv2d of stride 2", conv2d, 2, {D4(1, 6, 5, 2), D4(3, 2, 3, 2)}, .i = {22, 0, 101}},
    {"conv2d of stride 2 that leaves a row", conv2d, 2, {D4(1, 6, 6, 1), D4(1, 1, 3, 3)}, .i = {23, 0, 0}},
    {"conv2d, dilated", conv2d, 3, {D4(1, 6, 5, 2), D4(2, 2, 3, 2), D1(2)}, .i = {0, 23, 2010}},
    {"conv2d, depthwise", conv2d, 3, {D4(2, 4, 4, 3), D4(3, 1, 3, 3), D1(3)}, .i = {0, 0, 1111, 3}},
    {"conv2d, depthwise, twice as many", conv2d, 2, {D4(1, 4, 3, 3), D4(6, 1, 2, 3)}, .i = {21, 0, 110, 3}},
    {"conv2d in groups", conv2d, 3, {D4(1, 4, 3, 4), D4(6, 2, 2, 2), D1(6)}, .i = {0, 0, 0, 2}},
    {"conv2d, kernel larger than the picture", conv2d, 2, {D4(1, 2, 3, 2), D4(2, 2, 5, 4)}, .i = {0, 0, 2121}},
    {"conv2d of nothing", conv2d, 3, {D4(0, 4, 4, 2), D4(3, 2, 3, 3), D1(3)}, .i = {0, 0, 1111}},
    {"conv2d of one pixel", conv2d, 2, {D4(1, 1, 1, 1), D4(1, 1, 1, 1)}},
    {"conv1d", conv1d, 3, {D3(2, 7, 3), D3(2, 3, 3), D1(2)}, .i = {2, 1, 21}}, {"conv1d, causal and dilated", conv1d, 2, {D3(1, 6, 2), D3(2, 2, 2)}, .i = {1, 3, 3}},
    {"conv1d in groups", conv1d, 2, {D3(1, 5, 4), D3(4, 1, 3)}, .i = {0, 0, 11, 4}},
    {"conv_transpose2d", conv_transpose2d, 3, {D4(2, 3, 2, 2), D4(2, 3, 3, 2), D1(3)}, .i = {21, 0, 1010}, .f = {1, 0}},
    {"conv_transpose2d, dilated", conv_transpose2d, 2, {D4(1, 3, 3, 2), D4(2, 1, 2, 2)}, .i = {0, 22, 11}},
    {"conv_transpose2d in groups", conv_transpose2d, 2, {D4(1, 2, 3, 4), D4(4, 1, 2, 2)}, .i = {22, 0, 0, 2}},
    {"conv_transpose2d of nothing", conv_transpose2d, 2, {D4(0, 2, 3, 2), D4(2, 1, 2, 2)}},
    {"conv_transpose1d", conv_transpose1d, 3, {D3(2, 4, 2), D3(2, 3, 3), D1(3)}, .i = {3, 0, 12}, .f = {2}},
    {"conv2d_weights", conv2d_weights, 2, {D4(2, 5, 4, 2), D4(2, 3, 4, 3)}, .i = {21, 0, 1111}, .f = {3, 3}},
    {"conv2d_weights in groups", conv2d_weights, 2, {D4(1, 4, 4, 4), D4(1, 3, 2, 2)}, .i = {0, 12, 0, 2}, .f = {2, 2}},
    {"conv2d_weights of nothing", conv2d_weights, 2, {D4(0, 4, 4, 2), D4(0, 3, 3, 3)}, .f = {2, 2}},

    REDUCTION_SHAPES(sum), REDUCTION_SHAPES(mean), REDUCTION_SHAPES(max), {"sum of nothing", sum, 1, {D2(0, 3)}, .i = {1}},
    {"sum to [5]", sum_to, 1, {D3(2, 3, 5)}, .i = {1, 5}}, {"sum to [3,1]", sum_to, 1, {D3(2, 3, 5)}, .i = {2, 3, 1}},
    {"sum to []", sum_to, 1, {D2(2, 3)}, .i = {0}}, {"sum to [2,1,5]", sum_to, 1, {D3(2, 3, 5)}, .i = {3, 2, 1, 5}},
    {"sum of nothing to [3]", sum_to, 1, {D2(0, 3)}, .i = {1, 3}},
    {"cumsum 0", cumsum, 1, {D3(3, 5, 2)}, .i = {0}}, {"cumsum 1 reversed", cumsum, 1, {D3(3, 5, 2)}, .i = {1, 1}},
    {"cumsum -1", cumsum, 1, {D2(3, 7)}, .i = {-1}}, {"cumsum of nothing", cumsum, 1, {D2(0, 7)}, .i = {0}},
    {"softmax -1", softmax, 1, {D2(3, 5)}, .i = {-1}}, {"softmax 0", softmax, 1, {D3(3, 5, 2)}, .i = {0}},
    {"softmax 1", softmax, 1, {D3(3, 5, 2)}, .i = {1}}, {"softmax of one", softmax, 1, {D2(3, 1)}, .i = {-1}},
    {"softmax of nothing", softmax, 1, {D2(3, 0)}, .i = {-1}}, {"softmax of 37", softmax, 1, {D2(2, 37)}, .i = {-1}},
    {"log_softmax -1", log_softmax, 1, {D2(3, 5)}, .i = {-1}}, {"log_softmax 0", log_softmax, 1, {D3(3, 5, 2)}, .i = {0}},
    {"log_softmax of 37", log_softmax, 1, {D2(2, 37)}, .i = {-1}},
    {"global_norm of one", global_norm, 1, {D2(3, 5)}}, {"global_norm of three", global_norm, 3, {D2(3, 5), D1(7), D3(2, 0, 3)}},
    {"global_norm of equals", global_norm, 2, {D2(3, 5), D2(3, 5)}},

    {"reshape", reshape, 1, {D3(3, 2, 5)}, .i = {6, 5}}, {"reshape -1", reshape, 1, {D3(3, 2, 5)}, .i = {-1, 2}},
    {"reshape of nothing", reshape, 1, {D2(0, 3)}, .i = {0, 7}}, {"reshape of a transposed", reshape_turned, 1, {D3(3, 2, 5)}, .i = {3, 10}},
    {"transpose", transpose, 1, {D3(3, 2, 5)}, .i = {0, -1}}, {"transpose to itself", transpose, 1, {D3(3, 2, 5)}, .i = {1, 1}},
    {"slice", slice, 1, {D3(3, 7, 2)}, .i = {1, 2, 5}}, {"slice of nothing", slice, 1, {D2(3, 7)}, .i = {0, 1, 1}},
    {"slice at the end", slice, 1, {D2(3, 7)}, .i = {-1, 6, 7}},
    {"slice_grad", slice_grad, 1, {D3(3, 2, 2)}, .i = {1, 3, 7}}, {"slice_grad at 0", slice_grad, 1, {D2(3, 2)}, .i = {0, 0, 3}},
    {"broadcast", broadcast, 1, {D2(3, 1)}, .i = {3, 2, 3, 5}}, {"broadcast of a scalar", broadcast, 1, {D0}, .i = {2, 3, 2}},
    {"broadcast to nothing", broadcast, 1, {D2(1, 3)}, .i = {2, 0, 3}},
    {"contiguous", contiguous, 1, {D3(3, 2, 5)}}, {"contiguous of nothing", contiguous, 1, {D2(3, 0)}},
    {"concat 0", concat, 2, {D2(3, 5), D2(2, 5)}, .i = {0}}, {"concat -1", concat, 3, {D2(3, 5), D2(3, 0), D2(3, 1)}, .i = {-1}},
    {"concat of equals", concat, 2, {D3(2, 3, 5), D3(2, 3, 5)}, .i = {1}}, {"concat of one", concat, 1, {D2(3, 5)}, .i = {0}},
    {"concat of transposed", concat_turned, 2, {D3(2, 3, 5), D3(2, 3, 1)}, .i = {1}},
    {"split 1", split, 1, {D2(3, 2)}, .i = {0, 1, 0, 1}}, {"split 2", split, 1, {D2(3, 6)}, .i = {1, 2, 0, 1}},
    {"split 3", split, 1, {D2(6, 2)}, .i = {0, 3, 0, 1}}, {"split 3, the middle unused", split, 1, {D3(2, 3, 5)}, .i = {1, 3, 0, 2}},
    {"split 4", split, 1, {D2(3, 4)}, .i = {-1, 4, 0, 1}}, {"split 7, some unused", split, 1, {D2(7, 3)}, .i = {0, 7, 1, 3}},
    {"split 11", split, 1, {D2(11, 2)}, .i = {0, 11, 0, 1}}, {"split of nothing", split, 1, {D2(0, 3)}, .i = {0, 3, 0, 1}},

    {"embedding", embedding, 1, {D2(7, 3)}}, {"embedding by i32", embedding, 1, {D2(7, 1)}, .i = {0, 1}},
    {"embedding of nothing", embedding_none, 1, {D2(7, 3)}}, {"embedding twice", embedding_twice, 1, {D2(7, 3)}, .i = {0, 1}},
    {"scatter_rows", scatter_rows, 2, {D2(7, 3), D2(4, 3)}}, {"scatter_rows by i32", scatter_rows, 2, {D2(7, 37), D2(4, 37)}, .i = {0, 1}},
    {"gather 0", gather, 1, {D3(3, 5, 2)}, .i = {0}}, {"gather 1", gather, 1, {D3(3, 5, 2)}, .i = {1, 1}},
    {"gather 2", gather, 1, {D3(3, 5, 2)}, .i = {2}},
    {"scatter_add 0", scatter_add, 2, {D3(3, 5, 2), D3(1, 5, 2)}, .i = {0}}, {"scatter_add 1", scatter_add, 2, {D3(3, 5, 2), D3(1, 3, 2)}, .i = {1, 1}},
    {"scatter_add 2", scatter_add, 2, {D3(3, 5, 2), D3(2, 1, 3)}, .i = {2}},

    {"layer_norm", layer_norm, 3, {D2(3, 5), D1(5), D1(5)}}, {"layer_norm without bias", layer_norm, 2, {D3(2, 3, 7), D1(7)}},
    {"layer_norm of 67 rows", layer_norm, 3, {D2(67, 3), D1(3), D1(3)}}, {"layer_norm of no rows", layer_norm, 3, {D2(0, 3), D1(3), D1(3)}},
    {"layer_norm of one row", layer_norm, 3, {D1(19), D1(19), D1(19)}},
    {"rms_norm", rms_norm, 2, {D2(3, 5), D1(5)}}, {"rms_norm of 67 rows", rms_norm, 2, {D2(67, 3), D1(3)}},
    {"rms_norm of one row", rms_norm, 2, {D1(19), D1(19)}}, {"rms_norm of no rows", rms_norm, 2, {D2(0, 3), D1(3)}},
    {"cross_entropy", cross_entropy, 1, {D2(6, 5)}}, {"cross_entropy [2,3,7]", cross_entropy, 1, {D3(2, 3, 7)}, .i = {0, 0, 1}},
    {"cross_entropy, 4 ignored", cross_entropy, 1, {D2(6, 5)}, .i = {1, 4}, .f = {0.1}}, {"cross_entropy, smoothed", cross_entropy, 1, {D2(6, 5)}, .f = {0.2}},
    {"cross_entropy of no rows", cross_entropy, 1, {D2(0, 5)}}, {"cross_entropy of one row", cross_entropy, 1, {D1(5)}},

    {"attention", attention, 3, {D4(2, 2, 3, 4), D4(2, 2, 5, 4), D4(2, 2, 5, 4)}}, {"attention, causal", attention, 3, {D4(1, 2, 5, 3), D4(1, 2, 5, 3), D4(1, 2, 5, 3)}, .i = {1}},
    {"attention, grouped, causal", attention, 3, {D4(2, 6, 3, 4), D4(2, 2, 5, 4), D4(2, 2, 5, 4)}, .i = {1}},
    {"attention of 4 of 5 keys", attention, 3, {D4(1, 2, 3, 4), D4(1, 1, 5, 4), D4(1, 1, 5, 4)}, .i = {0, 4}},
    {"attention of 4 of 5 keys, causal", attention, 3, {D4(1, 2, 3, 4), D4(1, 1, 5, 4), D4(1, 1, 5, 4)}, .i = {1, 4}, .f = {0.75}},
    {"attention of sequences of 2 and 5 keys", padded_attention, 3, {D4(2, 2, 5, 4), D4(2, 1, 5, 4), D4(2, 1, 5, 4)}},
    {"attention of one query and of sequences of 2 and 5 keys", padded_attention, 3, {D4(2, 1, 1, 4), D4(2, 1, 5, 4), D4(2, 1, 5, 4)}},
    {"attention of one query", attention, 3, {D4(2, 1, 1, 7), D4(2, 1, 5, 7), D4(2, 1, 5, 7)}, .i = {1}},
    {"attention of no queries", attention, 3, {D4(2, 1, 0, 7), D4(2, 1, 5, 7), D4(2, 1, 5, 7)}},
    {"attention, head size 16", attention, 3, {D4(1, 2, 7, 16), D4(1, 1, 7, 16), D4(1, 1, 7, 16)}, .i = {1}},
    {"attention over one projection", fused_attention, 1, {D3(2, 3, 24)}},
    {"lstm", lstm, 6, {D3(4, 3, 2), D2(12, 2), D2(12, 3), D1(12), D1(12), D2(3, 3)}}, {"lstm, no first state", lstm, 5, {D3(2, 1, 5), D2(4, 5), D2(4, 1), D1(4), D1(4)}, .i = {0, 0, 1}},
    {"lstm, reverse, with its state", lstm, 6, {D3(4, 3, 2), D2(12, 2), D2(12, 3), D1(12), D1(12), D2(3, 3)}, .i = {1, 0, 1}},
    {"lstm of sequences of 3, 2 and 0", lstm, 6, {D3(4, 3, 2), D2(12, 2), D2(12, 3), D1(12), D1(12), D2(3, 3)}, .i = {0, 2, 1}},
    {"lstm of sequences of 3, 4 and 0, reverse", lstm, 6, {D3(4, 3, 2), D2(12, 2), D2(12, 3), D1(12), D1(12), D2(3, 3)}, .i = {1, 4, 1}},
    {"lstm of 17 units", lstm_steps, 4, {D3(2, 2, 68), D2(68, 17), D2(2, 17), D2(2, 17)}}, {"lstm, its last cell", lstm_steps, 4, {D3(3, 2, 8), D2(8, 2), D2(2, 2), D2(2, 2)}, .i = {0, 0, 2}},
    {"lstm of no steps", lstm_steps, 4, {D3(0, 2, 8), D2(8, 2), D2(2, 2), D2(2, 2)}, .i = {0, 0, 1}}, {"lstm of no sequences", lstm_steps, 4, {D3(3, 0, 8), D2(8, 2), D2(0, 2), D2(0, 2)}},
    {"gru", gru, 6, {D3(4, 3, 2), D2(9, 2), D2(9, 3), D1(9), D1(9), D2(3, 3)}}, {"gru, no first state", gru, 5, {D3(2, 1, 5), D2(3, 5), D2(3, 1), D1(3), D1(3)}, .i = {0, 0, 1}},
    {"gru, reverse, with its state", gru, 6, {D3(4, 3, 2), D2(9, 2), D2(9, 3), D1(9), D1(9), D2(3, 3)}, .i = {1, 0, 1}},
    {"gru of sequences of 3, 2 and 0", gru, 6, {D3(4, 3, 2), D2(9, 2), D2(9, 3), D1(9), D1(9), D2(3, 3)}, .i = {0, 2, 1}},
    {"gru of sequences of 3, 4 and 0, reverse", gru, 6, {D3(4, 3, 2), D2(9, 2), D2(9, 3), D1(9), D1(9), D2(3, 3)}, .i = {1, 4, 1}},
    {"gru of 17 units", gru_steps, 3, {D3(2, 2, 51), D2(51, 17), D2(2, 17)}}, {"gru of no steps", gru_steps, 3, {D3(0, 2, 6), D2(6, 2), D2(2, 2)}},

    {"rope in halves", rope, 1, {D4(2, 2, 3, 6)}, .i = {1}}, {"rope in pairs", rope, 1, {D4(1, 2, 5, 4)}}, {"rope [3,4]", rope, 1, {D2(3, 4)}, .i = {1}},
    {"rope of heads", rope_heads, 1, {D4(2, 3, 2, 4)}, .i = {1}}, {"rope of nothing", rope, 1, {D3(0, 3, 4)}},
    {"batch_norm", batch_norm, 3, WITH_AFFINE(3, D4(2, 3, 5, 3))}, {"batch_norm, relu", batch_norm, 3, WITH_AFFINE(5, D4(2, 2, 3, 5)), .i = {1}},
    {"batch_norm of rows", batch_norm, 3, WITH_AFFINE(7, D2(3, 7))}, {"batch_norm of 301 rows", batch_norm, 3, WITH_AFFINE(1, D3(7, 43, 1))},
    {"batch_norm of 130 channels", batch_norm, 3, WITH_AFFINE(130, D2(3, 130))}, {"batch_norm of two values", batch_norm, 3, WITH_AFFINE(2, D2(2, 2))},
    {"batch_norm, residual", batch_norm, 4, {D3(2, 3, 5), D1(5), D1(5), D3(2, 3, 5)}},
    {"batch_norm, residual, relu", batch_norm, 4, {D3(3, 3, 5), D1(5), D1(5), D3(3, 3, 5)}, .i = {1}},
    {"batch_norm in inference", batch_norm_inference, 5, {D3(2, 3, 5), D1(5), D1(5), D1(5), D1(5)}, .positive = true},
    {"batch_norm in inference, residual, relu", batch_norm_inference, 6, {D3(2, 3, 5), D1(5), D1(5), D1(5), D1(5), D3(2, 3, 5)}, .i = {1}, .positive = true},
    {"group_norm", group_norm, 3, WITH_AFFINE(6, D4(2, 3, 2, 6)), .i = {2}}, {"group_norm of one group", group_norm, 3, WITH_AFFINE(5, D3(3, 2, 5)), .i = {1}},
    {"instance norm", group_norm, 3, WITH_AFFINE(3, D4(2, 5, 3, 3)), .i = {3}}, {"group_norm [3,6]", group_norm, 3, WITH_AFFINE(6, D2(3, 6)), .i = {3}},
    {"group_norm of nothing", group_norm, 3, WITH_AFFINE(4, D3(0, 3, 4)), .i = {2}}, {"group_norm of no pixels", group_norm, 3, WITH_AFFINE(4, D3(3, 0, 4)), .i = {2}},
    {"local_response_norm", local_response_norm, 1, {D3(2, 3, 7)}, .i = {5}}, {"local_response_norm of 4", local_response_norm, 1, {D2(3, 5)}, .i = {4}},
    {"local_response_norm of more than all", local_response_norm, 1, {D2(3, 3)}, .i = {9}}, {"local_response_norm of nothing", local_response_norm, 1, {D2(0, 3)}, .i = {3}},

    {"max_pool2d 2, 2", max_pool2d, 1, {D4(2, 6, 4, 3)}, .i = {2, 2}}, {"max_pool2d 3, 2, padded", max_pool2d, 1, {D4(2, 7, 5, 2)}, .i = {3, 2, 1}},
    {"max_pool2d 2, 2, ceil", max_pool2d, 1, {D4(1, 5, 5, 3)}, .i = {2, 2, 0, 1}}, {"max_pool2d 3, 1", max_pool2d, 1, {D4(1, 5, 4, 1)}, .i = {3, 1}},
    {"max_pool2d of nothing", max_pool2d, 1, {D4(0, 5, 4, 3)}, .i = {2, 1}}, {"max_pool2d of 70 channels", max_pool2d, 1, {D4(1, 3, 3, 70)}, .i = {2, 1}},
    {"max_pool2d of 17 pictures", max_pool2d, 1, {D4(17, 3, 2, 2)}, .i = {2, 1}},
    {"avg_pool2d 2, 2", avg_pool2d, 1, {D4(2, 6, 4, 3)}, .i = {2, 2}}, {"avg_pool2d 3, 2, padded", avg_pool2d, 1, {D4(2, 7, 5, 2)}, .i = {3, 2, 1}},
    {"avg_pool2d 3, 2, padding counted, ceil", avg_pool2d, 1, {D4(1, 6, 6, 2)}, .i = {3, 2, 1, 3}}, {"avg_pool2d of 70 channels", avg_pool2d, 1, {D4(1, 3, 3, 70)}, .i = {2, 1}},
    {"avg_pool2d of nothing", avg_pool2d, 1, {D4(0, 5, 4, 3)}, .i = {2, 1}},
    {"max_pool1d", max_pool1d, 1, {D3(2, 7, 3)}, .i = {2, 2}}, {"avg_pool1d", avg_pool1d, 1, {D3(2, 7, 3)}, .i = {2, 1, 1}},
    {"adaptive_max_pool2d", adaptive_max_pool2d, 1, {D4(2, 7, 5, 3)}, .i = {3, 2}}, {"adaptive_max_pool2d, larger", adaptive_max_pool2d, 1, {D4(1, 2, 3, 2)}, .i = {3, 5}},
    {"adaptive_avg_pool2d", adaptive_avg_pool2d, 1, {D4(2, 7, 5, 3)}, .i = {3, 2}}, {"adaptive_avg_pool2d, larger", adaptive_avg_pool2d, 1, {D4(1, 2, 3, 2)}, .i = {3, 5}},
    {"adaptive_avg_pool2d to one", adaptive_avg_pool2d, 1, {D4(2, 3, 5, 7)}, .i = {1, 1}}, {"adaptive_avg_pool2d of nothing", adaptive_avg_pool2d, 1, {D4(0, 3, 5, 7)}, .i = {2, 1}},
    {"max_over_time", max_over_time, 1, {D3(3, 5, 7)}}, {"max_over_time with lengths", max_over_time, 1, {D3(3, 5, 7)}, .i = {1}},
    {"max_over_time of nothing", max_over_time, 1, {D3(0, 5, 7)}},
    {"pad", pad, 1, {D4(2, 3, 2, 3)}, .i = {IG_PAD_CONSTANT, 1, 1, 2}}, {"pad of rows", pad, 1, {D2(3, 2)}, .i = {IG_PAD_CONSTANT, 0, 2, 1}},
    {"pad of nothing", pad, 1, {D3(2, 0, 3)}, .i = {IG_PAD_CONSTANT, 0, 1, 1}}, {"pad reflected", pad, 1, {D4(2, 4, 3, 3)}, .i = {IG_PAD_REFLECT, 1, 1, 2}},
    {"pad reflected, pictures apart", pad, 1, {D4(3, 4, 3, 2)}, .i = {IG_PAD_REFLECT, 0, 1, 1}}, {"pad replicated", pad, 1, {D4(2, 3, 2, 3)}, .i = {IG_PAD_REPLICATE, 2, 1, 3}},
    {"pad replicated, of rows", pad, 1, {D2(3, 2)}, .i = {IG_PAD_REPLICATE, 0, 2, 3}},
    {"interpolate, nearest", interpolate, 1, {D4(2, 3, 5, 2)}, .i = {7, 4, IG_INTERPOLATE_NEAREST}}, {"interpolate, twice as large", interpolate, 1, {D4(1, 2, 3, 70)}, .i = {4, 6, IG_INTERPOLATE_NEAREST}},
    {"interpolate, bilinear", interpolate, 1, {D4(2, 3, 5, 2)}, .i = {7, 4, IG_INTERPOLATE_BILINEAR}}, {"interpolate, corners aligned", interpolate, 1, {D4(2, 3, 5, 3)}, .i = {5, 7, IG_INTERPOLATE_BILINEAR, 1}},
    {"interpolate, bilinear, one pixel", interpolate, 1, {D4(2, 1, 3, 3)}, .i = {3, 1, IG_INTERPOLATE_BILINEAR, 1}}, {"interpolate of nothing", interpolate, 1, {D4(0, 3, 5, 2)}, .i = {7, 4, IG_INTERPOLATE_BILINEAR}},
    {"hard_swish", hard_swish, 1, {D2(3, 5)}}, {"dropout_channels", dropout_channels, 1, {D3(2, 3, 5)}, .f = {0.25}},

    {"rope of a part", rope_part, 1, {D3(2, 3, 7)}, .i = {1}}, {"rope of a part in pairs", rope_part, 1, {D3(2, 3, 7)}},
};

const size_t op_case_count = sizeof op_cases / sizeof *op_cases;
