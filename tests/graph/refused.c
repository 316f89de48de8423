/* tests/graph/refused.c: what ops refuse, with which error and words; that nothing is written then; and the ops that
 * change leaves.
 */
#include "../check.h"

#include <math.h>

#include "graph/graph.h"
#include "graph/ops/ops.h"

typedef struct fixture {
    ig_context *ctx;
    ig_graph *g;
    ig_tensor x, y, heads, keys, row, wide; /* f32 [3,5], [5,3], [1,2,3,4], [1,2,2,4], [5]; f64 [3,5] */
    ig_tensor at, far;                      /* i64 [3], within [0,3); with a 7 */
} fixture;

static ig_tensor ones(ig_context *ctx, ig_dtype dtype, int ndim, const int64_t *shape) {
    ig_tensor t;
    ig_error err = {0};
    check_ok(ig_tensor_new(ctx, dtype, ndim, shape, &t, &err));
    check_ok(ig_tensor_fill(ctx, &t, 1, &err));
    return t;
}

static int set_up(void **state) {
    static fixture f;
    ig_error err = {0};
    check_ok(ig_context_new(&(ig_context_opts){.threads = 2}, &f.ctx, &err));
    check_ok(ig_graph_new(f.ctx, IG_GRAPH_EAGER, &f.g, &err));
    f.x = ones(f.ctx, IG_DTYPE_F32, 2, (int64_t[]){3, 5}), f.y = ones(f.ctx, IG_DTYPE_F32, 2, (int64_t[]){5, 3});
    f.heads = ones(f.ctx, IG_DTYPE_F32, 4, (int64_t[]){1, 2, 3, 4}), f.keys = ones(f.ctx, IG_DTYPE_F32, 4, (int64_t[]){1, 2, 2, 4});
    f.row = ones(f.ctx, IG_DTYPE_F32, 1, (int64_t[]){5}), f.wide = ones(f.ctx, IG_DTYPE_F64, 2, (int64_t[]){3, 5});
    f.at = ones(f.ctx, IG_DTYPE_I64, 1, (int64_t[]){3}), f.far = ones(f.ctx, IG_DTYPE_I64, 1, (int64_t[]){3});
    ig_tensor_set(&f.far, 2, 7);
    *state = &f;
    return 0;
}

static int tear_down(void **state) {
    fixture *f = *state;
    ig_tensor *t[] = {&f->x, &f->y, &f->heads, &f->keys, &f->row, &f->wide, &f->at, &f->far};
    ig_graph_free(f->g);
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) ig_tensor_unref(t[i]);
    ig_context_free(f->ctx);
    return 0;
}

/* ---- refused ------------------------------------------------------------------------------------------------------------------ */

typedef struct leaves {
    ig_graph *g;
    ig_var *x, *y, *heads, *keys, *row, *wide, *at, *far;
} leaves;

static leaves leaves_of(const fixture *f) {
    ig_graph_reset(f->g);
    return (leaves){.g = f->g, .x = ig_input(f->g, "x", &f->x), .y = ig_input(f->g, "y", &f->y), .heads = ig_input(f->g, "heads", &f->heads),
                    .keys = ig_input(f->g, "keys", &f->keys), .row = ig_input(f->g, "row", &f->row), .wide = ig_input(f->g, "wide", &f->wide),
                    .at = ig_input(f->g, "at", &f->at), .far = ig_input(f->g, "far", &f->far)};
}

/* The recording must be poisoned with this status, and its message contain these words; then it is started anew. */
static void check_poison(leaves *l, const fixture *f, ig_status status, const char *words, int line) {
    ig_error err = {0};
    ig_status s = ig_graph_status(l->g, &err);
    if (s != status || !strstr(err.message, words))
        fail_msg("line %d: %s \"%s\" instead of %s \"%s\"", line, ig_status_name(s), err.message, ig_status_name(status), words);
    *l = leaves_of(f);
}
#define REFUSED(call, status, words) ((void)(call), check_poison(&l, f, status, words, __LINE__))

static void shapes_that_do_not_fit_are_refused(void **state) {
    const fixture *f = *state;
    leaves l = leaves_of(f);
    ig_var *part[4];
    REFUSED(ig_sum(l.g, l.x, 1 << 2, false), IG_E_SHAPE, "sum: axes 4 of a tensor with 2 dimensions");
    REFUSED(ig_max(l.g, ig_slice(l.g, l.x, 0, 1, 1), 1, false), IG_E_SHAPE, "max: the maximum of no elements");
    REFUSED(ig_argmax(l.g, l.x, 2), IG_E_SHAPE, "argmax: axis 2 of a tensor with 2 dimensions");
    REFUSED(ig_argmax(l.g, ig_slice(l.g, l.x, 0, 1, 1), 0), IG_E_SHAPE, "argmax: the largest of no elements");
    REFUSED(ig_sum_to(l.g, l.x, 1, (int64_t[]){3}), IG_E_SHAPE, "sum_to: [3] does not broadcast to [3,5]");
    REFUSED(ig_cumsum(l.g, l.x, -3, false), IG_E_SHAPE, "cumsum: axis -3");
    REFUSED(ig_softmax(l.g, l.x, 5), IG_E_SHAPE, "axis 5");
    REFUSED(ig_reshape(l.g, l.x, 1, (int64_t[]){14}), IG_E_SHAPE, "15 elements");
    REFUSED(ig_reshape(l.g, ig_transpose(l.g, l.x, 0, 1), 1, (int64_t[]){14}), IG_E_SHAPE, "15 elements");
    REFUSED(ig_reshape(l.g, l.x, 7, (int64_t[]){1, 1, 1, 1, 1, 3, 5}), IG_E_SHAPE, "at most 6");
    REFUSED(ig_slice(l.g, l.x, 1, 3, 6), IG_E_SHAPE, "slice 3…6 of dimension 1");
    REFUSED(ig_transpose(l.g, l.x, 0, 2), IG_E_SHAPE, "axis 2");
    REFUSED(ig_broadcast(l.g, l.x, 2, (int64_t[]){3, 6}), IG_E_SHAPE, "does not broadcast to [3,6]");
    REFUSED(ig_concat(l.g, (ig_var *[]){l.x, l.y}, 2, 0), IG_E_SHAPE, "concat: input 1 is f32[5,3]; f32[5,5] is needed");
    REFUSED(ig_split(l.g, l.x, 1, 2, part), IG_E_SHAPE, "split of axis 1 (size 5) into 2 equal parts");
    REFUSED(ig_embedding(l.g, l.row, l.at), IG_E_SHAPE, "[V,C]");
    REFUSED(ig_gather(l.g, l.x, 0, l.at), IG_E_SHAPE, "indices [3] into [3,5]");
    REFUSED(ig_scatter_rows(l.g, l.x, l.at, l.y), IG_E_SHAPE, "input 2 is f32[5,3]; f32[3,5] is needed");
    REFUSED(ig_layer_norm(l.g, l.y, l.row, NULL, 1e-5), IG_E_SHAPE, "input 1 is f32[5]; f32[3] is needed");
    REFUSED(ig_cross_entropy(l.g, l.y, l.at, (ig_cross_entropy_opts){0}), IG_E_SHAPE, "input 1 is i64[3]; i64[5] is needed");
    REFUSED(ig_attention(l.g, l.x, l.x, l.x, (ig_attention_opts){0}), IG_E_SHAPE, "[batch,heads,time,size]");
    REFUSED(ig_attention(l.g, l.heads, l.keys, l.keys, (ig_attention_opts){.causal = true}), IG_E_SHAPE, "3 queries see only 2 keys");
    REFUSED(ig_attention(l.g, l.heads, l.keys, l.heads, (ig_attention_opts){0}), IG_E_SHAPE, "input 2");
    REFUSED(ig_rope(l.g, l.x, l.at, 10000, true), IG_E_SHAPE, "5 dimensions cannot turn in pairs");
    REFUSED(ig_rope(l.g, l.keys, l.at, 10000, true), IG_E_SHAPE, "input 1 is f32[3,2]; f32[2,2] is needed");
    REFUSED(ig_lstm_recurrence(l.g, l.x, l.y, NULL, NULL, (ig_recurrent_opts){0}, NULL, NULL), IG_E_SHAPE, "recurrent weights [4·H,H] are needed");
    REFUSED(ig_gru_recurrence(l.g, l.x, l.y, NULL, NULL, (ig_recurrent_opts){0}, NULL), IG_E_SHAPE, "recurrent weights [3·H,H] are needed");
    REFUSED(ig_assign(l.g, l.x, l.y), IG_E_SHAPE, "does not broadcast");
}

/* x [1,2,3,4] is a picture of 2 x 3 with 4 channels, and a kernel of 3 x 4 for one output from 2 channels. */
static void convolutions_that_do_not_fit_are_refused(void **state) {
    const fixture *f = *state;
    leaves l = leaves_of(f);
#define CONV(...) ig_conv2d(l.g, l.heads, l.heads, NULL, (ig_conv_opts){__VA_ARGS__})
    REFUSED(CONV(0), IG_E_SHAPE, "conv2d: [1,2,3,4] with a kernel [1,2,3,4] in 1 groups: the channels differ");
    REFUSED(CONV(.groups = 2), IG_E_SHAPE, "conv2d: 1 output channels do not divide into 2 groups");
    REFUSED(CONV(.groups = -1), IG_E_ARG, "conv2d: groups -1; it must be 1 to 1048576");
    REFUSED(CONV(.stride = {1, -2}), IG_E_ARG, "conv2d: stride -2; it must be 1 to 1048576");
    REFUSED(CONV(.dilation = {1 << 21}), IG_E_ARG, "conv2d: dilation 2097152; it must be 1 to 1048576");
    REFUSED(CONV(.pad_after = {-1}), IG_E_ARG, "conv2d: padding after -1; it must be 0 to 1048576");
    REFUSED(CONV(.output_padding = {1}), IG_E_ARG, "conv2d: output_padding is for transposed convolutions");
    REFUSED(ig_conv2d(l.g, l.x, l.heads, NULL, (ig_conv_opts){0}), IG_E_SHAPE, "conv2d: input 0 is [3,5]; [N,H,W,C] without gaps");
    REFUSED(ig_conv2d(l.g, l.heads, ig_cast(l.g, l.heads, IG_DTYPE_F64), NULL, (ig_conv_opts){0}), IG_E_DTYPE, "conv2d: input 0 is f32, input 1 is f64");
    ig_var *kernel = ig_reshape(l.g, l.heads, 4, (int64_t[]){1, 4, 3, 2});
    REFUSED(ig_conv2d(l.g, l.heads, kernel, NULL, (ig_conv_opts){0}), IG_E_SHAPE, "conv2d: a kernel that covers 3 does not fit into 2 with padding 0 and 0");
    kernel = ig_reshape(l.g, l.heads, 4, (int64_t[]){6, 4, 1, 1});
    REFUSED(ig_conv2d(l.g, l.heads, kernel, l.row, (ig_conv_opts){0}), IG_E_SHAPE, "conv2d: input 2 is f32[5]; f32[6] is needed");
    REFUSED(ig_conv_transpose2d(l.g, l.heads, l.heads, NULL, (ig_conv_opts){.output_padding = {1}}), IG_E_ARG, "output_padding 1 must be 0 or less than the stride 1");
    REFUSED(ig_conv_transpose2d(l.g, l.heads, l.heads, NULL, (ig_conv_opts){0}), IG_E_SHAPE, "conv2d_data: 4 channels with a kernel of 1");
    REFUSED(ig_conv1d(l.g, l.heads, l.heads, NULL, (ig_conv_opts){0}), IG_E_SHAPE, "a convolution in one dimension needs [N,T,C]");
    REFUSED(ig_conv2d_packed(l.g, l.heads, NULL, NULL, (ig_conv_opts){0}, (ig_conv_post){0}), IG_E_ARG, "conv2d_packed: no kernel was given");
#undef CONV
}

static void types_and_values_that_do_not_fit_are_refused(void **state) {
    const fixture *f = *state;
    leaves l = leaves_of(f);
    REFUSED(ig_sum(l.g, l.at, 0, false), IG_E_DTYPE, "input 0 is i64; f32 or f64 is needed");
    REFUSED(ig_concat(l.g, (ig_var *[]){l.x, l.wide}, 2, 0), IG_E_DTYPE, "input 1 is f64[3,5]; f32[3,5] is needed");
    REFUSED(ig_embedding(l.g, l.x, l.row), IG_E_DTYPE, "indices must be i32 or i64");
    REFUSED(ig_global_norm(l.g, (ig_var *[]){l.x, l.wide}, 2), IG_E_DTYPE, "input 0 is f32, input 1 is f64");
    REFUSED(ig_cross_entropy(l.g, l.x, l.at, (ig_cross_entropy_opts){.label_smoothing = 1.5}), IG_E_ARG, "1.5 is not in [0, 1]");
    REFUSED(ig_rope(l.g, l.heads, l.at, -1, true), IG_E_ARG, "theta -1 is not positive");
    REFUSED(ig_assign(l.g, ig_neg(l.g, l.x), l.x), IG_E_ARG, "must be a leaf");
    REFUSED(ig_global_norm(l.g, NULL, 0), IG_E_ARG, "0 inputs");
    REFUSED(ig_layer_norm(l.g, l.x, NULL, NULL, 1e-5), IG_E_ARG, "input 1 is missing");
}

static void indices_out_of_range_are_refused_by_name(void **state) {
    const fixture *f = *state;
    leaves l = leaves_of(f);
    ig_var *rows = ig_broadcast(l.g, l.row, 2, (int64_t[]){3, 5}), *matrix = ig_reshape(l.g, l.far, 2, (int64_t[]){1, 3});
    REFUSED(ig_embedding(l.g, l.x, l.far), IG_E_ARG, "embedding: index 7 at position 2 is not in [0, 3)");
    rows = ig_broadcast(l.g, l.row, 2, (int64_t[]){3, 5});
    REFUSED(ig_scatter_rows(l.g, l.x, l.far, rows), IG_E_ARG, "scatter_rows: index 7 at position 2 is not in [0, 3)");
    matrix = ig_reshape(l.g, l.far, 2, (int64_t[]){1, 3});
    REFUSED(ig_gather(l.g, l.x, 1, matrix), IG_E_ARG, "gather: index 7 at position 2 is not in [0, 5)");
    matrix = ig_reshape(l.g, l.far, 2, (int64_t[]){1, 3});
    REFUSED(ig_scatter_add(l.g, l.x, 1, matrix, ig_slice(l.g, ig_reshape(l.g, l.row, 2, (int64_t[]){1, 5}), 1, 0, 3)), IG_E_ARG, "index 7 at position 2");
    REFUSED(ig_cross_entropy(l.g, l.x, l.far, (ig_cross_entropy_opts){0}), IG_E_ARG, "cross_entropy: target 7 at position 2 is not in [0, 5)");
    REFUSED(ig_cross_entropy(l.g, l.x, l.far, (ig_cross_entropy_opts){.has_ignore = true, .ignore_index = 7}), IG_OK, "");
}

static void pictures_that_do_not_fit_are_refused(void **state) {
    const fixture *f = *state;
    leaves l = leaves_of(f); /* heads: one picture of 2 × 3 pixels with 4 channels */
    ig_batch_norm_opts train = {.training = true};
    ig_pool_opts o = {.kernel = {2, 2}, .pad_before = {0, 2}};
    REFUSED(ig_batch_norm(l.g, l.x, l.row, l.keys, NULL, NULL, train), IG_E_SHAPE, "batch_norm: input 2 is f32[1,2,2,4]; f32[5] is needed");
    REFUSED(ig_batch_norm(l.g, l.row, l.row, l.row, NULL, NULL, train), IG_E_SHAPE, "5 channels need at least 2 values of each");
    REFUSED(ig_batch_norm(l.g, l.x, l.row, NULL, NULL, NULL, train), IG_E_ARG, "input 2 is missing");
    REFUSED(ig_batch_norm(l.g, l.x, l.row, l.row, NULL, NULL, (ig_batch_norm_opts){0}), IG_E_ARG, "inference needs running_mean");
    train.residual = l.y;
    REFUSED(ig_batch_norm(l.g, l.x, l.row, l.row, NULL, NULL, train), IG_E_SHAPE, "input 3 is f32[5,3]; f32[3,5] is needed");
    REFUSED(ig_batch_norm(l.g, l.x, l.row, l.row, l.keys, NULL, (ig_batch_norm_opts){.training = true}), IG_E_SHAPE, "broadcast");
    REFUSED(ig_group_norm(l.g, l.x, 2, l.row, l.row, 1e-5), IG_E_SHAPE, "5 channels do not fall into 2 groups");
    REFUSED(ig_group_norm(l.g, l.x, 5, l.row, l.row, -1), IG_E_ARG, "eps -1 is negative");
    REFUSED(ig_local_response_norm(l.g, l.x, 0, 1, 1, 1), IG_E_ARG, "a window of 0 channels");
    REFUSED(ig_max_pool2d(l.g, l.x, o), IG_E_SHAPE, "max_pool2d: input 0 has 2 dimensions; [N,H,W,C] is needed");
    REFUSED(ig_max_pool2d(l.g, l.heads, o), IG_E_ARG, "padding 2, 0 around a kernel of 2");
    REFUSED(ig_max_pool2d(l.g, l.heads, (ig_pool_opts){.kernel = {0, 2}}), IG_E_ARG, "kernel 0");
    REFUSED(ig_avg_pool2d(l.g, l.heads, (ig_pool_opts){.kernel = {2, 2}, .stride = {-1, 1}}), IG_E_ARG, "stride -1");
    REFUSED(ig_avg_pool2d(l.g, l.heads, (ig_pool_opts){.kernel = {3, 2}}), IG_E_SHAPE, "a kernel of 3 does not fit into 2 pixels");
    REFUSED(ig_avg_pool2d(l.g, ig_slice(l.g, l.heads, 1, 1, 1), (ig_pool_opts){.kernel = {1, 1}}), IG_E_SHAPE, "a picture of 0 pixels along a side");
    REFUSED(ig_max_pool1d(l.g, l.x, o), IG_E_SHAPE, "[N,T,C]");
    REFUSED(ig_adaptive_avg_pool2d(l.g, l.heads, 0, 1), IG_E_ARG, "an output of size 0");
    REFUSED(ig_pad(l.g, l.x, (int64_t[]){3, 0}, (int64_t[]){0, 0}, IG_PAD_REFLECT, 0), IG_E_SHAPE, "dimension 0 has 3 elements: too few to reflect 3, 0");
    REFUSED(ig_pad(l.g, l.x, (int64_t[]){-1, 0}, (int64_t[]){0, 0}, IG_PAD_CONSTANT, 0), IG_E_ARG, "padding -1, 0 of dimension 0");
    REFUSED(ig_interpolate(l.g, l.heads, 0, 3, IG_INTERPOLATE_NEAREST, false), IG_E_SHAPE, "a side of 0 pixels");
    REFUSED(ig_interpolate(l.g, l.heads, 2, 3, IG_INTERPOLATE_NEAREST, true), IG_E_ARG, "only bilinear");
    REFUSED(ig_dropout_channels(l.g, l.row, 0.5, l.at), IG_E_SHAPE, "[N,...,C]");
}

static void lengths_of_sequences_are_checked_at_run_time(void **state) {
    const fixture *f = *state;
    leaves l = leaves_of(f);
    ig_var *x = ig_reshape(l.g, l.x, 3, (int64_t[]){3, 1, 5});
    REFUSED(ig_max_over_time(l.g, x, l.far), IG_E_ARG, "length 7 at position 2 is not in [1, 1]");
    x = ig_reshape(l.g, l.x, 3, (int64_t[]){3, 1, 5});
    REFUSED(ig_max_over_time(l.g, x, l.row), IG_E_DTYPE, "input 1");
}

/* Gradients that come from a saved plan: sizes that do not belong together would be read out of bounds. */
static void gradients_of_pictures_check_what_they_are_given(void **state) {
    const fixture *f = *state;
    leaves l = leaves_of(f);
    ig_attrs a = {.i = {2, 3}};
    ig_var *index = ig_cast(l.g, l.heads, IG_DTYPE_I32);
    REFUSED(ig_record(l.g, &ig_op_max_pool_grad, (ig_var *[]){l.heads, index}, 2, &a), IG_E_ARG, "input 1 is not where a pool");
    a = (ig_attrs){.i = {2, 3, 0, 0, 1 << 25, 1}};
    REFUSED(ig_record(l.g, &ig_op_interpolate_grad, &l.heads, 1, &a), IG_E_SHAPE, "a side of 33554432 pixels");
    a = (ig_attrs){.i = {2, 2, 1, 1}, .f = {0, 0, 9, 9}};
    REFUSED(ig_record(l.g, &ig_op_avg_pool2d_grad, &l.heads, 1, &a), IG_E_SHAPE, "input 0 is f32[1,2,3,4]; f32[1,8,8,4] is needed");
    a = (ig_attrs){.i = {0, 0, 2, 1}, .f = {IG_PAD_REFLECT}};
    REFUSED(ig_record(l.g, &ig_op_pad_grad, &l.heads, 1, &a), IG_E_SHAPE, "padding 2, 1 of dimension 1 of 2 elements");
    a = (ig_attrs){.i = {5}};
    REFUSED(ig_record(l.g, &ig_op_batch_norm_grad, (ig_var *[]){l.y, l.x, l.row, l.row, l.row, l.row}, 6, &a), IG_E_SHAPE, "input 0 is f32[5,3]; f32[3,5]");
}

/* In a plan the base of a scatter may be overwritten in place: a bad index must leave it as it was, and the plan usable. */
static void a_plan_survives_a_bad_index(void **state) {
    const fixture *f = *state;
    ig_error err = {0};
    ig_graph *g = NULL;
    ig_plan *p = NULL;
    check_ok(ig_graph_new(f->ctx, IG_GRAPH_LAZY, &g, &err));
    ig_var *y = ig_scatter_rows(g, ig_full(g, IG_DTYPE_F32, 2, (int64_t[]){4, 5}, 0), ig_input(g, "far", &f->far), ig_input(g, "x", &f->x));
    check_ok(ig_capture(g, &y, 1, (ig_plan_opts){0}, &p, &err));
    check_fails(ig_plan_run(p, &err), IG_E_ARG);
    for (int64_t i = 0; i < 20; i++) assert_true(ig_tensor_get(ig_plan_output(p, 0), i) == 0);
    ig_tensor_set(&f->far, 2, 3);
    check_ok(ig_plan_run(p, &err));
    for (int64_t i = 0; i < 20; i++) assert_true(ig_tensor_get(ig_plan_output(p, 0), i) == (i / 5 == 1 ? 2 : i / 5 == 3 ? 1 : 0));
    ig_tensor_set(&f->far, 2, 7);
    ig_plan_free(p);
    ig_graph_free(g);
}

static void a_length_out_of_range_is_refused_at_run_time(void **state) {
    const fixture *f = *state;
    leaves l = leaves_of(f);
    ig_tensor length = ones(f->ctx, IG_DTYPE_I64, 1, (int64_t[]){1});
    ig_tensor_set(&length, 0, 4);
    REFUSED(ig_attention(l.g, l.heads, l.heads, l.heads, (ig_attention_opts){.length = ig_input(l.g, "n", &length)}), IG_E_ARG, "length 4");
    ig_tensor_set(&length, 0, 2);
    REFUSED(ig_attention(l.g, l.heads, l.heads, l.heads, (ig_attention_opts){.causal = true, .length = ig_input(l.g, "n", &length)}), IG_E_ARG, "need 3 … 3");
    ig_tensor lengths = ones(f->ctx, IG_DTYPE_I64, 1, (int64_t[]){ig_dim(l.heads, 0) + 1});
    REFUSED(ig_attention(l.g, l.heads, l.heads, l.heads, (ig_attention_opts){.length = ig_input(l.g, "ns", &lengths)}), IG_E_SHAPE, "input 3");
    ig_tensor_unref(&length), ig_tensor_unref(&lengths);
}

/* A saved plan may ask for anything: rows recorded directly must refuse layouts that their forward cannot read. */
static void rows_refuse_layouts_that_they_cannot_read(void **state) {
    const fixture *f = *state;
    leaves l = leaves_of(f);
    ig_attrs a = {0};
    static const ig_op *const ops[] = {&ig_op_sum, &ig_op_mean, &ig_op_max, &ig_op_argmax, &ig_op_sum_to, &ig_op_cumsum, &ig_op_softmax, &ig_op_log_softmax};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        ig_var *turned = ig_transpose(l.g, l.x, 0, 1);
        REFUSED(ig_record(l.g, ops[i], &turned, 1, &a), IG_E_SHAPE, "input 0 is not contiguous");
    }
    ig_var *heads = ig_transpose(l.g, l.heads, 2, 3);
    REFUSED(ig_record(l.g, &ig_op_attention, (ig_var *[]){heads, heads, heads}, 3, &a), IG_E_SHAPE, "the head size of input 0 is not contiguous");
    a.i[0] = INT64_MAX, a.i[1] = INT64_MIN;
    REFUSED(ig_record(l.g, &ig_op_sum, &l.x, 1, &a), IG_E_SHAPE, "axes");
    REFUSED(ig_record(l.g, &ig_op_slice, &l.x, 1, &a), IG_E_SHAPE, "axis");
    REFUSED(ig_record(l.g, &ig_op_reshape, &l.x, 1, &a), IG_E_SHAPE, "dimensions");
    REFUSED(ig_record(l.g, &ig_op_broadcast, &l.x, 1, &a), IG_E_SHAPE, "dimensions");
    REFUSED(ig_record(l.g, &ig_op_transpose, &l.x, 1, &a), IG_E_SHAPE, "axis");
    REFUSED(ig_record(l.g, &ig_op_sum_to, &l.x, 1, &a), IG_E_SHAPE, "dimensions");
    a.i[0] = 0;
    REFUSED(ig_record(l.g, &ig_op_slice, &l.x, 1, &a), IG_E_SHAPE, "slice");
    REFUSED(ig_record(l.g, &ig_op_slice_grad, &l.x, 1, &a), IG_E_SHAPE, "elements at");
    REFUSED(ig_record(l.g, &ig_op_split3, &l.x, 1, &a), IG_E_SHAPE, "slice");
}

/* ---- changing leaves ------------------------------------------------------------------------------------------------------------ */

static void leaves_are_changed_in_recording_order(void **state) {
    const fixture *f = *state;
    leaves l = leaves_of(f);
    ig_error err = {0};
    ig_tensor leaf = ones(f->ctx, IG_DTYPE_F32, 2, (int64_t[]){3, 5});
    ig_var *v = ig_input(l.g, "leaf", &leaf);
    ig_accumulate(l.g, v, ig_affine(l.g, l.x, 3, 0)); /* 1 + 3 */
    ig_var *before = ig_square(l.g, v);               /* 16 */
    ig_assign(l.g, v, l.row);                         /* broadcast: 1 */
    ig_accumulate(l.g, v, l.at->t.ndim ? ig_affine(l.g, l.wide, 0.5, 0) : v); /* f64 into f32: 1.5 */
    check_ok(ig_graph_status(l.g, &err));
    for (int64_t i = 0; i < 15; i++) {
        assert_true(ig_tensor_get(&leaf, i) == 1.5);
        assert_true(ig_tensor_get(ig_value(before), i) == 16);
    }
    ig_tensor_unref(&leaf);
}

/* ---- what is shared, and what nothing flows through --------------------------------------------------------------------------- */

static void layers_share_one_table_of_positions(void **state) {
    const fixture *f = *state;
    leaves l = leaves_of(f);
    ig_error err = {0};
    size_t before = ig_graph_node_count(l.g);
    for (int i = 0; i < 4; i++) ig_rope(l.g, l.heads, l.at, 10000, true);
    assert_int_equal(ig_graph_node_count(l.g) - before, 5);
    ig_rope(l.g, l.heads, l.at, 500, true);
    assert_int_equal(ig_graph_node_count(l.g) - before, 7);
    ig_assign(l.g, l.at, l.far); /* the positions change: another table */
    ig_rope(l.g, l.heads, l.at, 500, true);
    assert_int_equal(ig_graph_node_count(l.g) - before, 10);
    check_ok(ig_graph_status(l.g, &err));
    check_ok(ig_tensor_fill(f->ctx, &f->at, 1, &err));
}

static void the_gradient_of_a_fused_projection_is_copied_once(void **state) {
    const fixture *f = *state;
    leaves l = leaves_of(f);
    ig_error err = {0};
    ig_tensor x = ones(f->ctx, IG_DTYPE_F32, 3, (int64_t[]){2, 5, 24});
    ig_var *p = ig_parameter(l.g, "p", &x), *qkv[3];
    ig_split(l.g, ig_transpose(l.g, ig_reshape(l.g, p, 4, (int64_t[]){2, 5, 6, 4}), 1, 2), 1, 3, qkv);
    ig_var *y = ig_attention(l.g, qkv[0], qkv[1], qkv[2], (ig_attention_opts){.causal = true});
    y = ig_reshape(l.g, ig_transpose(l.g, y, 1, 2), 3, (int64_t[]){2, 5, 8});
    ig_backward_from(l.g, y, ig_input(l.g, "dy", &(ig_tensor){.dtype = IG_DTYPE_F32, .ndim = 3, .shape = {2, 5, 8}, .stride = {40, 8, 1}, .data = x.data}));
    check_ok(ig_graph_status(l.g, &err));
    assert_true(ig_tensor_is_contiguous(ig_value(ig_gradient(l.g, p))));
    int copies = 0;
    for (int i = 0; i < l.g->count; i++) copies += l.g->node[i]->op == &ig_op_contiguous || l.g->node[i]->op == &ig_op_concat;
    assert_int_equal(copies, 1);
    ig_tensor_unref(&x);
}

static void nothing_flows_through_stop_gradient(void **state) {
    const fixture *f = *state;
    leaves l = leaves_of(f);
    ig_error err = {0};
    ig_var *p = ig_parameter(l.g, "x", &f->x);
    ig_backward(l.g, ig_sum(l.g, ig_mul(l.g, ig_stop_gradient(l.g, p), p), 0, false));
    check_ok(ig_graph_status(l.g, &err));
    for (int64_t i = 0; i < 15; i++) assert_true(ig_tensor_get(ig_value(ig_gradient(l.g, p)), i) == 1); /* x, not 2·x */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes_that_do_not_fit_are_refused),
        cmocka_unit_test(convolutions_that_do_not_fit_are_refused), cmocka_unit_test(types_and_values_that_do_not_fit_are_refused),
        cmocka_unit_test(indices_out_of_range_are_refused_by_name),
        cmocka_unit_test(pictures_that_do_not_fit_are_refused),
        cmocka_unit_test(lengths_of_sequences_are_checked_at_run_time),
        cmocka_unit_test(gradients_of_pictures_check_what_they_are_given),
        cmocka_unit_test(a_plan_survives_a_bad_index),
        cmocka_unit_test(a_length_out_of_range_is_refused_at_run_time),
        cmocka_unit_test(rows_refuse_layouts_that_they_cannot_read),
        cmocka_unit_test(leaves_are_changed_in_recording_order),
        cmocka_unit_test(layers_share_one_table_of_positions),
        cmocka_unit_test(the_gradient_of_a_fused_projection_is_copied_once),
        cmocka_unit_test(nothing_flows_through_stop_gradient),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
