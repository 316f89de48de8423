/* ingot/graph.h: recording, differentiation, and the static plan.
 *
 * Code that calls ops records a graph.  In an eager graph (the dynamic graph) each op is also computed as it is recorded;
 * in a lazy graph only shapes are known, until ig_capture turns the recording into a plan: memory laid out once in one
 * arena, element-wise chains fused, kernels chosen, so that a step allocates nothing and does no graph work.
 *
 * Differentiation is a transformation of the recording: ig_backward records the gradient with the same ops, so that
 * forward, backward, clipping and update are one graph and become one plan.
 *
 * Recording is sticky: the first failing op poisons the graph; later ops return the graph's dead variable and do nothing,
 * and ig_graph_status says once what was wrong.  So network code reads like the formula, and checks once at the end.
 */
#ifndef INGOT_GRAPH_H
#define INGOT_GRAPH_H

#include "ingot/conv.h"
#include "ingot/quant.h"
#include "ingot/tensor.h"

#pragma GCC visibility push(default) /* what stands here, libingot.so exports */
#ifdef __cplusplus
extern "C" {
#endif

typedef struct ig_graph ig_graph;
typedef struct ig_var ig_var;   /* one output of one op; owned by its graph */
typedef struct ig_plan ig_plan;

typedef enum ig_graph_mode { IG_GRAPH_EAGER, IG_GRAPH_LAZY } ig_graph_mode;

ig_status ig_graph_new(ig_context *ctx, ig_graph_mode mode, ig_graph **out, ig_error *err);
void ig_graph_free(ig_graph *g);
void ig_graph_reset(ig_graph *g); /* forget the recording, keep the memory for the next one */
ig_status ig_graph_status(const ig_graph *g, ig_error *err);
ig_context *ig_graph_context(const ig_graph *g);
size_t ig_graph_node_count(const ig_graph *g);

/* Leaves.  All bind a tensor of the caller's, whose memory must outlive the graph and its plans and is read anew at each
 * run of a plan.  The same memory given twice is the same leaf.  names are for printing and saving; copied. */
ig_var *ig_input(ig_graph *g, const char *name, const ig_tensor *t);     /* data, positions, learning rate … */
ig_var *ig_parameter(ig_graph *g, const char *name, const ig_tensor *t); /* differentiable */
ig_var *ig_constant(ig_graph *g, double value);                          /* a 0-d f32 that never changes */
ig_var *ig_full(ig_graph *g, ig_dtype dtype, int ndim, const int64_t *shape, double value);

const ig_tensor *ig_value(const ig_var *v); /* dtype and shape always; data after eager computation */
ig_dtype ig_var_dtype(const ig_var *v);
int64_t ig_dim(const ig_var *v, int axis);  /* size; negative axes count from the end; 0 in a poisoned graph */
int ig_ndim(const ig_var *v);
ig_var *ig_stop_gradient(ig_graph *g, ig_var *x);

/* Record the gradients of the scalar `loss`.  Afterwards ig_gradient(v) is the gradient of any variable that needs one,
 * NULL where none flows.  Can be called once per loss; gradients of a second call add up. */
void ig_backward(ig_graph *g, ig_var *loss);
/* The same, for a variable of any shape with a given output gradient. */
void ig_backward_from(ig_graph *g, ig_var *y, ig_var *dy);
ig_var *ig_gradient(ig_graph *g, ig_var *v);

/* Activation recomputation (Chen et al. 2016): values recorded between begin and end are not kept for the backward pass
 * but recorded a second time there; `end` names the results that stay.  Costs one more forward pass of that stretch. */
void ig_recompute_begin(ig_graph *g);
void ig_recompute_end(ig_graph *g, ig_var *const *results, int count);

/* ---- ops: see docs/OPS.md for shapes and formulas ------------------------------------------------------------------- */

/* Element-wise, with broadcasting as in NumPy; f32 and f64 compute in their own type, other types through f32
 * (i32, i64 through f64).  Comparisons give bool. */
ig_var *ig_neg(ig_graph *g, ig_var *x);
ig_var *ig_abs(ig_graph *g, ig_var *x);
ig_var *ig_sign(ig_graph *g, ig_var *x);
ig_var *ig_square(ig_graph *g, ig_var *x);
ig_var *ig_sqrt(ig_graph *g, ig_var *x);
ig_var *ig_rsqrt(ig_graph *g, ig_var *x);
ig_var *ig_reciprocal(ig_graph *g, ig_var *x);
ig_var *ig_exp(ig_graph *g, ig_var *x);
ig_var *ig_log(ig_graph *g, ig_var *x);
ig_var *ig_log1p(ig_graph *g, ig_var *x);
ig_var *ig_sin(ig_graph *g, ig_var *x);
ig_var *ig_cos(ig_graph *g, ig_var *x);
ig_var *ig_floor(ig_graph *g, ig_var *x);
ig_var *ig_sigmoid(ig_graph *g, ig_var *x);
ig_var *ig_tanh(ig_graph *g, ig_var *x);
ig_var *ig_relu(ig_graph *g, ig_var *x);
ig_var *ig_leaky_relu(ig_graph *g, ig_var *x, double slope);
ig_var *ig_gelu(ig_graph *g, ig_var *x);      /* x·Φ(x)   (Hendrycks & Gimpel 2016) */
ig_var *ig_gelu_tanh(ig_graph *g, ig_var *x); /* its tanh form, as GPT-2 uses it */
ig_var *ig_silu(ig_graph *g, ig_var *x);
ig_var *ig_affine(ig_graph *g, ig_var *x, double scale, double shift); /* x·scale + shift */
ig_var *ig_clamp(ig_graph *g, ig_var *x, double lo, double hi);
ig_var *ig_relu6(ig_graph *g, ig_var *x);        /* min(max(0, x), 6) */
ig_var *ig_hard_sigmoid(ig_graph *g, ig_var *x); /* relu6(x + 3)/6   (Howard et al. 2019) */
ig_var *ig_hard_swish(ig_graph *g, ig_var *x);   /* x · hard_sigmoid(x) */
ig_var *ig_add(ig_graph *g, ig_var *a, ig_var *b);
ig_var *ig_sub(ig_graph *g, ig_var *a, ig_var *b);
ig_var *ig_mul(ig_graph *g, ig_var *a, ig_var *b);
ig_var *ig_div(ig_graph *g, ig_var *a, ig_var *b);
ig_var *ig_pow(ig_graph *g, ig_var *a, ig_var *b);
ig_var *ig_minimum(ig_graph *g, ig_var *a, ig_var *b);
ig_var *ig_maximum(ig_graph *g, ig_var *a, ig_var *b);
ig_var *ig_eq(ig_graph *g, ig_var *a, ig_var *b);
ig_var *ig_ne(ig_graph *g, ig_var *a, ig_var *b);
ig_var *ig_lt(ig_graph *g, ig_var *a, ig_var *b);
ig_var *ig_le(ig_graph *g, ig_var *a, ig_var *b);
ig_var *ig_gt(ig_graph *g, ig_var *a, ig_var *b);
ig_var *ig_ge(ig_graph *g, ig_var *a, ig_var *b);
ig_var *ig_fma(ig_graph *g, ig_var *a, ig_var *b, ig_var *c);           /* a·b + c, rounded once */
ig_var *ig_select(ig_graph *g, ig_var *condition, ig_var *a, ig_var *b);
ig_var *ig_cast(ig_graph *g, ig_var *x, ig_dtype dtype); /* recorded once per variable and type */
/* Inverted dropout.  key: i64 [2] = {seed, step}, read at run time; p in [0,1).  p = 0 records nothing. */
ig_var *ig_dropout(ig_graph *g, ig_var *x, double p, ig_var *key);
/* The same for whole channels of x [N,...,C]: all positions of a channel of a picture live or die together.   (Tompson et al. 2015) */
ig_var *ig_dropout_channels(ig_graph *g, ig_var *x, double p, ig_var *key);

/* Reductions over axes (a bit set: bit i is dim i; 0 = all), f32 and f64. */
ig_var *ig_sum(ig_graph *g, ig_var *x, uint32_t axes, bool keepdim);
ig_var *ig_mean(ig_graph *g, ig_var *x, uint32_t axes, bool keepdim);
ig_var *ig_max(ig_graph *g, ig_var *x, uint32_t axes, bool keepdim);
ig_var *ig_argmax(ig_graph *g, ig_var *x, int axis); /* i64; the first of equals; no gradient */
ig_var *ig_sum_to(ig_graph *g, ig_var *x, int ndim, const int64_t *shape); /* undoes a broadcast */
ig_var *ig_cumsum(ig_graph *g, ig_var *x, int axis, bool reverse);
ig_var *ig_softmax(ig_graph *g, ig_var *x, int axis);
ig_var *ig_log_softmax(ig_graph *g, ig_var *x, int axis);

/* A·B over the last two dims, leading dims broadcast; transposed views are taken as they are.  f32, f64; bf16 inputs give
 * f32.  a [...,M,K], b [...,K,N] → [...,M,N]. */
ig_var *ig_matmul(ig_graph *g, ig_var *a, ig_var *b);
/* a·b + bias, bias [N] or NULL: one kernel. */
ig_var *ig_linear(ig_graph *g, ig_var *a, ig_var *b, ig_var *bias);
/* Over quantised weights, which the graph and its plans borrow: they must outlive both, and such a plan cannot be saved.
 * x f32 [...,K], w [N,K] → x·wᵀ [...,N]; the gradient flows to x only.  indices [...] → rows of w [...,K], no gradient. */
ig_var *ig_linear_quantised(ig_graph *g, ig_var *x, const ig_qweight *w);
ig_var *ig_embedding_quantised(ig_graph *g, ig_var *indices, const ig_qweight *w);

/* Convolution over pictures [N,H,W,C] with kernels as PyTorch stores them.   (LeCun et al. 1998)
 * Pairs are height, width; in one dimension the first counts.  0 is the default, and means 1 for stride, dilation and groups. */
typedef struct ig_conv_opts {
    int64_t stride[2], dilation[2];
    int64_t pad_before[2], pad_after[2]; /* zeros above and on the left; below and on the right */
    int64_t groups;                      /* groups = C: depthwise */
    int64_t output_padding[2];           /* transposed only, less than the stride: which of the possible sizes is meant */
} ig_conv_opts;
/* w [O,C/groups,KH,KW], bias [O] or NULL → [N,OH,OW,O], OH = ⌊(H + before + after - dilation·(KH - 1) - 1) / stride⌋ + 1.  f32, f64;
 * bf16 inputs give f32 (the bias is f32 then).  Fails with IG_E_SHAPE, IG_E_DTYPE or IG_E_ARG. */
ig_var *ig_conv2d(ig_graph *g, ig_var *x, ig_var *w, ig_var *bias, ig_conv_opts opts);
ig_var *ig_conv1d(ig_graph *g, ig_var *x, ig_var *w, ig_var *bias, ig_conv_opts opts); /* x [N,T,C], w [O,C/groups,K] */
/* w [C,O/groups,KH,KW] → [N,OH,OW,O], OH = (H - 1)·stride - before - after + dilation·(KH - 1) + 1 + output_padding */
ig_var *ig_conv_transpose2d(ig_graph *g, ig_var *x, ig_var *w, ig_var *bias, ig_conv_opts opts);
ig_var *ig_conv_transpose1d(ig_graph *g, ig_var *x, ig_var *w, ig_var *bias, ig_conv_opts opts); /* x [N,T,C], w [C,O/groups,K] */

/* What follows a convolution over a packed kernel in the same pass. */
typedef struct ig_conv_post {
    ig_conv_activation activation;
    double slope;           /* of IG_CONV_LEAKY_RELU */
    ig_conv_quant residual; /* the numbers of a residual in u8 */
} ig_conv_post;
/* Over a prepared kernel, which the graph and its plans borrow: act(x∗w + bias + residual).  residual, as the result, or NULL.
 * x f32; u8 too where the kernel is in 8 bits.  The result is u8 where the kernel has the numbers of its output.  No gradient. */
ig_var *ig_conv2d_packed(ig_graph *g, ig_var *x, const ig_conv_weight *w, ig_var *residual, ig_conv_opts opts, ig_conv_post post);

/* Shapes.  Views cost nothing; reshape of a view that is not dense copies. */
ig_var *ig_reshape(ig_graph *g, ig_var *x, int ndim, const int64_t *shape); /* one size may be -1 */
ig_var *ig_transpose(ig_graph *g, ig_var *x, int a, int b);
ig_var *ig_slice(ig_graph *g, ig_var *x, int axis, int64_t begin, int64_t end);
ig_var *ig_broadcast(ig_graph *g, ig_var *x, int ndim, const int64_t *shape);
ig_var *ig_contiguous(ig_graph *g, ig_var *x);
ig_var *ig_concat(ig_graph *g, ig_var *const *xs, int count, int axis);
/* Equal parts along an axis, as views; out[parts]. */
void ig_split(ig_graph *g, ig_var *x, int axis, int parts, ig_var **out);

/* Indices are i64 or i32.  Out of range ones give IG_E_ARG at run time, before anything is written. */
ig_var *ig_embedding(ig_graph *g, ig_var *table, ig_var *indices); /* table [V,C], indices [...] → [...,C] */
ig_var *ig_gather(ig_graph *g, ig_var *x, int axis, ig_var *indices);      /* as torch.gather */
ig_var *ig_scatter_add(ig_graph *g, ig_var *base, int axis, ig_var *indices, ig_var *src); /* base + src at indices, as torch.scatter_add */
ig_var *ig_scatter_rows(ig_graph *g, ig_var *base, ig_var *indices, ig_var *src); /* base [V,C]; base[indices[i]] += src[i]; base NULL-able by ig_full 0 */

/* Losses and norms. */
typedef struct ig_cross_entropy_opts {
    int64_t ignore_index;     /* targets equal to it do not count; used when has_ignore */
    bool has_ignore;
    double label_smoothing;   /* share of the mass spread evenly (Szegedy et al. 2016) */
} ig_cross_entropy_opts;
/* logits [...,V], targets [...] i64 → mean over the targets that count, 0-d f32 (0 when none counts). */
ig_var *ig_cross_entropy(ig_graph *g, ig_var *logits, ig_var *targets, ig_cross_entropy_opts opts);
/* Over the last dim.  w, b [C]; b may be NULL.   (Ba et al. 2016; Zhang & Sennrich 2019) */
ig_var *ig_layer_norm(ig_graph *g, ig_var *x, ig_var *w, ig_var *b, double eps);
ig_var *ig_rms_norm(ig_graph *g, ig_var *x, ig_var *w, double eps);

/* Pictures are [N,H,W,C], sequences [N,T,C]; f32 and f64.
 *
 * Batch norm over all but the last dim (Ioffe & Szegedy 2015); w, b, running_mean, running_var [C].  training: statistics of this
 * batch, at least two values per channel; the running ones, leaves or NULL, move there by `momentum` (torch's: the share of the new),
 * the variance by its unbiased estimate.  Else: an affine function of the running statistics, made of element-wise ops.
 * residual, of x's shape, is added before relu; NULL: none.  In training both are part of the same pass over memory. */
typedef struct ig_batch_norm_opts {
    double momentum, eps;
    bool training, relu;
    ig_var *residual;
} ig_batch_norm_opts;
ig_var *ig_batch_norm(ig_graph *g, ig_var *x, ig_var *w, ig_var *b, ig_var *running_mean, ig_var *running_var, ig_batch_norm_opts opts);
/* Batch norm in inference is x·scale + shift: for folding into the weights before it. */
void ig_batch_norm_fold(ig_graph *g, ig_var *w, ig_var *b, ig_var *mean, ig_var *var, double eps, ig_var **scale, ig_var **shift);
/* x [N,...,C], per picture and group of C/groups channels; groups = C: instance norm.   (Wu & He 2018) */
ig_var *ig_group_norm(ig_graph *g, ig_var *x, int64_t groups, ig_var *w, ig_var *b, double eps);
/* x / (k + alpha/size·Σ x²)^beta, the sum over `size` channels around each.   (Krizhevsky et al. 2012, with torch's alpha) */
ig_var *ig_local_response_norm(ig_graph *g, ig_var *x, int64_t size, double alpha, double beta, double k);

/* Pools, as torch.nn.functional.  {rows, columns}; a stride of 0 is the kernel's size; each padding is smaller than the kernel.
 * Over time, [N,T,C], element 0 of each array is the one that counts. */
typedef struct ig_pool_opts {
    int64_t kernel[2], stride[2], pad_before[2], pad_after[2];
    bool ceil_mode;         /* a last window may reach over the end; Caffe's way */
    bool count_include_pad; /* of means */
} ig_pool_opts;
ig_var *ig_max_pool2d(ig_graph *g, ig_var *x, ig_pool_opts opts);
ig_var *ig_avg_pool2d(ig_graph *g, ig_var *x, ig_pool_opts opts);
ig_var *ig_max_pool1d(ig_graph *g, ig_var *x, ig_pool_opts opts);
ig_var *ig_avg_pool1d(ig_graph *g, ig_var *x, ig_pool_opts opts);
ig_var *ig_adaptive_max_pool2d(ig_graph *g, ig_var *x, int64_t out_h, int64_t out_w);
ig_var *ig_adaptive_avg_pool2d(ig_graph *g, ig_var *x, int64_t out_h, int64_t out_w);
/* [N,T,C] → [N,C]; lengths i64 [N], 1 … T, read at run time: only the first so many positions count; NULL: all. */
ig_var *ig_max_over_time(ig_graph *g, ig_var *x, ig_var *lengths);

typedef enum ig_pad_mode { IG_PAD_CONSTANT, IG_PAD_REFLECT, IG_PAD_REPLICATE } ig_pad_mode;
/* before, after: one per dim of x, which has up to four; a reflected border is smaller than the dim.  value: of a constant one. */
ig_var *ig_pad(ig_graph *g, ig_var *x, const int64_t *before, const int64_t *after, ig_pad_mode mode, double value);
typedef enum ig_interpolate_mode { IG_INTERPOLATE_NEAREST, IG_INTERPOLATE_BILINEAR } ig_interpolate_mode;
/* [N,H,W,C] → [N,out_h,out_w,C], as torch.nn.functional.interpolate with size; align_corners for bilinear only. */
ig_var *ig_interpolate(ig_graph *g, ig_var *x, int64_t out_h, int64_t out_w, ig_interpolate_mode mode, bool align_corners);

typedef struct ig_attention_opts {
    double scale;  /* 0: 1/sqrt(D) */
    bool causal;
    ig_var *length; /* i64 [1] or [B], read at run time: how many of the S keys are valid (of each sequence); NULL: all */
} ig_attention_opts;
/* Scaled dot-product attention, per head: softmax(q·kᵀ·scale + mask)·v.   (Vaswani et al. 2017, eq. 1)
 * q [B,H,T,D]; k, v [B,G,S,D] with H a multiple of G (grouped queries); f32, D contiguous, other strides free.
 * causal: position t sees s <= t + (S_valid - T), and S_valid >= T.  Returns [B,H,T,D] laid out as [B,T,H,D], so that joining the heads is a
 * view.  Memory is O(T·D): the T×S scores are never stored, in training either (Dao et al. 2022). */
ig_var *ig_attention(ig_graph *g, ig_var *q, ig_var *k, ig_var *v, ig_attention_opts opts);
/* Rotary positions (Su et al. 2021).  x [B,H,T,D] any strides with D contiguous, positions i64 [T]; the first
 * rotary_dims of D turn (0: all).  half: pairs (i, i+D/2) as Hugging Face lays them out; else adjacent pairs. */
ig_var *ig_rope(ig_graph *g, ig_var *x, ig_var *positions, double theta, bool half);
/* Frequencies divided by `factor`, to reach further than training did: all of them (positional interpolation, Chen et al. 2023),
 * or, where original_context is not 0, those whose wave length is above original_context / low_frequency, and by parts those
 * down to original_context / high_frequency (Llama 3.1).  factor 0 or 1: none. */
typedef struct ig_rope_scaling {
    double factor, low_frequency, high_frequency;
    int64_t original_context;
} ig_rope_scaling;
ig_var *ig_rope_scaled(ig_graph *g, ig_var *x, ig_var *positions, double theta, ig_rope_scaling scaling, bool half);
/* Keys and values of generation, in pages of 64 positions that sequences own or share.   (Kwon et al. 2023)
 * pool, a leaf in f32 or f16: keys [P,G,D,64] or values [P,G,64,Dv], Dv = D rounded up to 16.  x [1,G,R,D] f32; row r belongs to position
 * positions[r] (i64 [R]; -1: padding) of the sequence whose pages are table[r] (i32 [R,N]).  Returns the whole pool. */
ig_var *ig_page_write(ig_graph *g, ig_var *pool, ig_var *x, ig_var *table, ig_var *positions, bool keys);
/* Row r of q [1,H,R,D] sees positions 0 … positions[r] of its sequence; returns [1,H,R,D] laid out as [1,R,H,D].  chunk: the
 * rows that count are successive positions of one sequence, and are computed together.  Else every row has the bits that it
 * has alone. */
ig_var *ig_attention_pages(ig_graph *g, ig_var *q, ig_var *keys, ig_var *values, ig_var *table, ig_var *positions, bool chunk);

/* Recurrent networks over whole sequences, time first, as PyTorch's: the product of all inputs is one matrix product, and the steps,
 * with weights packed once and fused gates, are one op, as is their gradient.
 *
 * LSTM   (Hochreiter & Schmidhuber 1997): x [T,B,I]; w_ih [4H,I], w_hh [4H,H], biases [4H] or NULL, gates i f g o; h0, c0 [B,H],
 * NULL: zeros.  Returns y [T,B,H]; *hT, *cT (NULL: not wanted) are the states after the last step, [B,H].
 * GRU   (Cho et al. 2014): three gates r z n, b_hn inside the reset gate.
 * lengths: a step behind the end of its sequence keeps the state and gives 0; so reverse starts at each sequence's own end. */
typedef struct ig_recurrent_weights {
    ig_var *w_ih, *w_hh, *b_ih, *b_hh;
} ig_recurrent_weights;
typedef struct ig_recurrent_opts {
    bool reverse;    /* from the last step to the first; y stays in the order of time */
    ig_var *lengths; /* i64 [B], each in [0, T], read at run time; NULL: all T */
} ig_recurrent_opts;
ig_var *ig_lstm(ig_graph *g, ig_var *x, const ig_recurrent_weights *w, ig_var *h0, ig_var *c0, ig_recurrent_opts opts, ig_var **hT,
                ig_var **cT);
ig_var *ig_gru(ig_graph *g, ig_var *x, const ig_recurrent_weights *w, ig_var *h0, ig_recurrent_opts opts, ig_var **hT);
/* The steps alone, x being the product: [T,B,4H] = x·w_ihᵀ + b_ih + b_hh; of a GRU [T,B,3H] = x·w_ihᵀ + b_ih. */
ig_var *ig_lstm_recurrence(ig_graph *g, ig_var *x, ig_var *w_hh, ig_var *h0, ig_var *c0, ig_recurrent_opts opts, ig_var **hT,
                           ig_var **cT);
ig_var *ig_gru_recurrence(ig_graph *g, ig_var *x, ig_var *w_hh, ig_var *b_hh, ig_var *h0, ig_recurrent_opts opts, ig_var **hT);

/* State: change leaves in place, in recording order. */
void ig_assign(ig_graph *g, ig_var *leaf, ig_var *value);      /* leaf = value */
void ig_accumulate(ig_graph *g, ig_var *leaf, ig_var *value);  /* leaf += value */
ig_var *ig_global_norm(ig_graph *g, ig_var *const *xs, int count); /* sqrt of the sum of all squares, 0-d f32 */

/* ---- plans ------------------------------------------------------------------------------------------------------------ */

typedef struct ig_plan_opts {
    bool no_fusion;
} ig_plan_opts;

/* Everything that `outputs` and the in-place updates need becomes the plan; the rest is dropped.  The graph stays usable
 * and may be freed.  Memory is taken here, primitives are made here. */
ig_status ig_capture(ig_graph *g, ig_var *const *outputs, int count, ig_plan_opts opts, ig_plan **out, ig_error *err);
ig_status ig_plan_run(ig_plan *p, ig_error *err);
const ig_tensor *ig_plan_output(const ig_plan *p, int i);
void ig_plan_free(ig_plan *p);

typedef struct ig_plan_stats {
    size_t arena_bytes;     /* memory of all intermediate values */
    size_t unshared_bytes;  /* what they would take without sharing memory */
    int ops, steps;         /* recorded ops, and kernel launches after fusion */
    double flops;           /* of the matrix products and attention, one run */
} ig_plan_stats;
void ig_plan_stats_get(const ig_plan *p, ig_plan_stats *out);

/* A table for people: step, op, shapes, memory. */
ig_status ig_plan_print(const ig_plan *p, ig_buf *out);
/* Run it `runs` times and tell how long each kind of op took, slowest first. */
ig_status ig_plan_profile(ig_plan *p, int runs, ig_buf *out, ig_error *err);
/* JSON with all ops and leaves (by name, without their data). */
ig_status ig_plan_save(const ig_plan *p, const char *path, ig_error *err);
/* Leaves are bound by name: `bind` gives the tensor for a name, borrowed (shape and dtype are checked). */
typedef ig_status ig_plan_bind_fn(void *arg, const char *name, const ig_tensor *expected, ig_tensor *out, ig_error *err);
typedef struct ig_plan_source {
    ig_plan_bind_fn *bind;
    void *arg;
    const struct ig_op *(*more_ops)(const char *name); /* rows beside the op table's: ig_optim_op for a training step; or NULL */
} ig_plan_source;
/* IG_E_FORMAT with file and line for what is not a plan; nothing in the file is trusted. */
ig_status ig_plan_load(ig_context *ctx, const char *path, const ig_plan_source *source, ig_plan **out, ig_error *err);
/* Record the plan's ops again, one by one, in a graph (eager or lazy) over the same leaves; outs[count] gets its outputs. */
ig_status ig_plan_unroll(const ig_plan *p, ig_graph *g, ig_var **outs, int count, ig_error *err);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
