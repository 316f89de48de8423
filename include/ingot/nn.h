/* ingot/nn.h: parameters, layers, initialisers, optimisers, schedules and regularisers: what networks are made of and
 * trained with.  Everything here records ops of ingot/graph.h.
 */
#ifndef INGOT_NN_H
#define INGOT_NN_H

#include "ingot/graph.h"

#pragma GCC visibility push(default) /* what stands here, libingot.so exports */
#ifdef __cplusplus
extern "C" {
#endif

/* ---- parameters -------------------------------------------------------------------------------------------------- */

typedef enum ig_param_role {
    IG_PARAM_PLAIN,     /* norms, biases, tables of positions */
    IG_PARAM_OUT_IN,    /* a matrix of ig_nn_dense, [N,K]; or a table of ig_nn_lookup */
    IG_PARAM_IN_OUT,    /* a matrix of ig_nn_dense, [K,N], as GPT-2 stores them */
    IG_PARAM_CONV,      /* the kernel of a convolution, [O,C/groups,KH,KW] (1-D: [O,C/groups,K]) */
    IG_PARAM_STATE      /* what the forward pass itself moves, as running statistics: in model files and checkpoints, frozen for
                           the optimiser; a pass that trains records ig_assign of it */
} ig_param_role;

/* A change of low rank to a matrix that itself stays: y = x·W + dropout(x)·Aᵀ·Bᵀ·scale   (Hu et al. 2021) */
typedef struct ig_lora {
    const struct ig_param *a, *b; /* [rank,K], [N,rank], whatever the matrix's role */
    double scale, dropout;
} ig_lora;

typedef struct ig_param {
    char *name;         /* as in the model file: "transformer.h.0.attn.c_attn.weight" */
    ig_tensor value;    /* f32 (f64 in tests); packed: shape and type, but no data */
    bool decay;         /* weight decay applies (matrices and embeddings yes; biases and norms no) */
    bool frozen;
    bool by_row;        /* a table [V,C] whose update touches only the rows that a batch has looked up: see ig_optim_record */
    int group;          /* parameter group of the recipe; 0 */
    ig_param_role role;
    ig_dtype stored;    /* element type in the file that it was read from */
    ig_qweight *packed; /* [N,K], instead of value's data: for running, not for training; NULL: none */
    ig_conv_weight *conv; /* role CONV, instead of value's data: for running; NULL: none */
    const ig_lora *lora; /* of a matrix of ig_nn_dense; borrowed; NULL: none */
} ig_param;

typedef struct ig_params {
    ig_context *ctx;
    ig_param **item;
    size_t count, cap;
} ig_params;

void ig_params_init(ig_params *ps, ig_context *ctx);
void ig_params_fini(ig_params *ps);
/* Add a zeroed parameter; IG_E_EXISTS for a name that is there.  The pointer stays valid as long as *ps. */
ig_status ig_params_add(ig_params *ps, const char *name, ig_dtype dtype, int ndim, const int64_t *shape, bool decay,
                        ig_param **out, ig_error *err);
ig_param *ig_params_find(const ig_params *ps, const char *name);
void ig_params_drop(ig_params *ps, size_t i); /* those behind it move up */
int64_t ig_params_numel(const ig_params *ps);
/* The leaf of a parameter in a graph (a constant input when frozen).  A packed one has none. */
ig_var *ig_param_var(ig_graph *g, const ig_param *p);
/* Prepare a matrix for running and give value's data back: rows of K values in `blocks` of this type, [N] of them, are taken as
 * they are; NULL: value is rounded to the type.  Graphs and plans over the old data must be gone.  IG_E_ARG for a parameter
 * whose role is plain, IG_E_SHAPE when K is no multiple of the type's block. */
ig_status ig_param_pack(ig_context *ctx, ig_param *p, ig_block_type type, const void *blocks, ig_error *err);

/* The same for the kernel of a convolution, [O,C/groups,KH,KW] or [O,C/groups,K]; see ingot/conv.h.  IG_E_ARG for another role. */
ig_status ig_param_pack_conv(ig_context *ctx, ig_param *p, const ig_conv_weight_opts *opts, ig_error *err);

/* ---- initialisers: deterministic in (seed, the parameter's name) ------------------------------------------------- */

/* The list of initialisers: IG_INIT_name, and the name in recipes.  A new one is a line here and a file in src/nn/init/. */
#define IG_INITS(X)                                                                                                    \
    X(ZEROS, zeros)                                                                                                    \
    X(ONES, ones)                                                                                                      \
    X(CONSTANT, constant)               /* a */                                                                        \
    X(UNIFORM, uniform)                 /* [a, b) */                                                                   \
    X(NORMAL, normal)                   /* mean a, deviation b */                                                      \
    X(XAVIER_UNIFORM, xavier_uniform)   /* gain a, 0 = 1        (Glorot & Bengio 2010) */                              \
    X(XAVIER_NORMAL, xavier_normal)                                                                                    \
    X(KAIMING_UNIFORM, kaiming_uniform) /* gain a, 0 = sqrt 2   (He et al. 2015) */                                    \
    X(KAIMING_NORMAL, kaiming_normal)                                                                                  \
    X(ORTHOGONAL, orthogonal)           /* gain a, 0 = 1        (Saxe et al. 2014), by LAPACK's QR */
#define IG_INIT_ENUM(upper, lower) IG_INIT_##upper,
typedef enum ig_init { IG_INITS(IG_INIT_ENUM) IG_INIT_COUNT } ig_init;
#undef IG_INIT_ENUM
/* fan_in and fan_out come from the shape, [out,in,…] unless transposed ([in,out], as GPT-2's layers store it); fewer than
 * two dimensions have none: IG_E_SHAPE.  Orthogonal: the matrix [shape[0], the rest] has orthonormal rows or columns. */
typedef struct ig_init_opts {
    double a, b;
    bool transposed;
} ig_init_opts;
/* t of any float type and strides.  The same (seed, name, shape) gives the same numbers, whatever the number of threads
 * (orthogonal: up to rounding, LAPACK's products are cut by threads). */
ig_status ig_init_tensor(ig_context *ctx, const ig_tensor *t, const char *name, uint64_t seed, ig_init kind, ig_init_opts opts,
                         ig_error *err);
bool ig_init_parse(const char *name, ig_init *out); /* "xavier_uniform" … */
const char *ig_init_name(ig_init kind);

/* ---- layers ------------------------------------------------------------------------------------------------------ */

/* How a forward pass is recorded. */
typedef struct ig_pass {
    ig_graph *g;
    bool training;        /* dropout on */
    bool bf16;            /* matrix products in bf16 (f32 sums, f32 master weights) */
    bool recompute;       /* each layer is a recomputation stretch: less memory, one more forward pass */
    ig_var *key;          /* i64 [2] = {seed, step} for dropout; NULL allowed when p = 0 */
} ig_pass;

/* x [...,K]; w [K,N], or [N,K] when `out_in`; bias [N] or NULL → [...,N].  Products in bf16 when the pass says so. */
ig_var *ig_nn_linear(const ig_pass *p, ig_var *x, ig_var *w, ig_var *bias, bool out_in);
/* The same over parameters, packed or not, and what their adapters add; bias may be NULL. */
ig_var *ig_nn_dense(const ig_pass *p, ig_var *x, const ig_param *w, const ig_param *bias);
/* act(x∗w + bias + residual) over pictures [N,H,W,C] or signals [N,T,C]; bias and residual may be NULL.  A packed kernel has its
 * bias, and a batch norm that stood behind it, in itself: `bias` does not count then.  Products in bf16 when the pass says so
 * (not packed).  post.residual only where the result is u8. */
ig_var *ig_nn_conv(const ig_pass *p, ig_var *x, const ig_param *w, const ig_param *bias, ig_var *residual, ig_conv_opts opts, ig_conv_post post);
/* Rows of a table [V,C]: indices [...] → [...,C]. */
ig_var *ig_nn_lookup(const ig_pass *p, const ig_param *table, ig_var *indices);
/* x itself unless training and rate > 0. */
ig_var *ig_nn_dropout(const ig_pass *p, ig_var *x, double rate);

/* Batch norm (see ig_batch_norm): torch's names, roles and defaults. */
typedef struct ig_nn_batch_norm_layer {
    const ig_param *weight, *bias, *running_mean, *running_var; /* [C]; the last two have the role IG_PARAM_STATE, and are frozen */
    double momentum, eps;                                       /* 0: 0.1, 1e-5 */
} ig_nn_batch_norm_layer;
/* Adds "name.weight" (ones), "name.bias", "name.running_mean" (zeros), "name.running_var" (ones). */
ig_status ig_nn_batch_norm_add(ig_params *ps, const char *name, ig_dtype dtype, int64_t channels, ig_nn_batch_norm_layer *out, ig_error *err);
/* x [...,C]; a pass that trains normalises by the batch and moves the running statistics.  residual may be NULL; relu comes last. */
ig_var *ig_nn_batch_norm(const ig_pass *p, ig_var *x, const ig_nn_batch_norm_layer *layer, ig_var *residual, bool relu);
/* Recurrent layers, named as torch.nn.LSTM and GRU name them: "weight_ih_l0", "bias_hh_l1_reverse". */
typedef enum ig_cell { IG_CELL_LSTM, IG_CELL_GRU } ig_cell;

typedef struct ig_recurrent_layer { /* one layer in one direction, G = 4 or 3 gates */
    const ig_param *w_ih, *w_hh, *b_ih, *b_hh; /* [G·H,I], [G·H,H], [G·H], [G·H] */
} ig_recurrent_layer;

typedef struct ig_recurrent {
    ig_cell cell;
    int layers;
    bool bidirectional;
    double dropout;                  /* of what goes from one layer to the next */
    double weight_drop;              /* of the recurrent weights, once for all steps   (Merity et al. 2018) */
    const ig_recurrent_layer *layer; /* [layers·directions], the reverse direction behind its forward one */
} ig_recurrent;

/* part is "weight_ih", "weight_hh", "bias_ih" or "bias_hh". */
void ig_recurrent_name(char *buf, size_t size, const char *part, int layer, bool reverse);
/* How many tensors a state of all layers is: h, then c, of each layer and direction in their order. */
int ig_recurrent_states(const ig_recurrent *r);
/* x [T,B,I] → [T,B,directions·H]; lengths i64 [B] or NULL.  first, last: the states [B,H] before the first step and after the last,
 * ig_recurrent_states of them; NULL: zeros, and not wanted. */
ig_var *ig_nn_recurrent(const ig_pass *p, const ig_recurrent *r, ig_var *x, ig_var *lengths, ig_var *const *first, ig_var **last);

/* ---- optimisers -------------------------------------------------------------------------------------------------- */

/* The list of optimisers: IG_OPTIM_name, and the name in recipes.  A new one is a line here and a file in src/nn/optim/. */
#define IG_OPTIMS(X)                                                                                                   \
    X(GD, gd)           /* p -= lr·g; on the whole data this is gradient descent */                                    \
    X(SGD, sgd)         /* with momentum (Polyak 1964), or Nesterov's (Sutskever et al. 2013) */                       \
    X(RMSPROP, rmsprop) /* Tieleman & Hinton 2012, with optional momentum */                                           \
    X(ADAGRAD, adagrad) /* Duchi et al. 2011 */                                                                        \
    X(ADAM, adam)       /* Kingma & Ba 2015 */                                                                         \
    X(ADAMW, adamw)     /* Loshchilov & Hutter 2019 */
#define IG_OPTIM_ENUM(upper, lower) IG_OPTIM_##upper,
typedef enum ig_optim_kind { IG_OPTIMS(IG_OPTIM_ENUM) IG_OPTIM_COUNT } ig_optim_kind;
#undef IG_OPTIM_ENUM

typedef struct ig_optim_group { /* multiplies or replaces the optimiser's own settings for parameters of this group */
    double lr_scale;        /* 0 = 1 */
    double weight_decay;    /* < 0: the optimiser's; for parameters that decay */
} ig_optim_group;

typedef struct ig_optim_opts { /* names and defaults of torch.optim; 0 is the default except where 0 is meaningful */
    ig_optim_kind kind;
    double momentum;        /* SGD, RMSprop */
    bool nesterov;          /* SGD with momentum */
    double beta1, beta2;    /* 0: 0.9, 0.999 */
    double alpha;           /* RMSprop; 0: 0.99 */
    double eps;             /* 0: 1e-8 (Adagrad 1e-10) */
    double weight_decay;    /* AdamW: decoupled; others: coupled L2 */
    double l1;              /* coupled L1, of parameters that decay */
    double clip_norm;       /* of the global gradient norm, after clip_value; 0: none   (Pascanu et al. 2013) */
    double clip_value;      /* of each gradient entry, after grad_scale; 0: none */
    double ema_decay;       /* moving average of weights; 0: none */
    const ig_optim_group *groups;
    int group_count;        /* 0: one group with everything */
} ig_optim_opts;

typedef struct ig_optim ig_optim;
/* Makes the state (moments, step, average) for all parameters that are not frozen.  *ps must outlive *out, and *out the
 * graphs and plans that record it.  IG_E_ARG for a setting out of range or one that this kind does not have. */
ig_status ig_optim_new(ig_context *ctx, const ig_params *ps, const ig_optim_opts *opts, ig_optim **out, ig_error *err);
void ig_optim_free(ig_optim *o);
bool ig_optim_parse(const char *name, ig_optim_kind *out);
const char *ig_optim_name(ig_optim_kind kind);
/* Record the update of all parameters from ig_gradient() of their leaves, times grad_scale > 0 (1/accumulation steps).
 * Parameters without a gradient stay as they are.  Of a parameter that is by_row and looked up once, only the rows that the
 * batch names change, at a cost that does not depend on the table; their moments and their decay rest in other steps.  Returns the global gradient norm before clipping, 0-d, in the type of
 * the parameters (which must be one).  If it is not finite when the update runs, weights, moments and average keep the
 * bits they had: the caller looks at the norm and stops with the last good weights. */
ig_var *ig_optim_record(ig_optim *o, ig_graph *g, double grad_scale);
/* With accumulation: record buffers += gradients instead (micro step), and the update from the buffers, which it clears
 * (also when it was not applied). */
void ig_optim_record_accumulate(ig_optim *o, ig_graph *g);
ig_var *ig_optim_record_from_buffers(ig_optim *o, ig_graph *g, double grad_scale);
/* Before each run of a recorded update: the learning rate of this step (the step count advances).  The moving average
 * starts from the weights as they are at the first call. */
void ig_optim_begin_step(ig_optim *o, double lr);
int64_t ig_optim_steps(const ig_optim *o);
/* State for checkpoints: named tensors, borrowed: "step" (i64 [1]), and per parameter its moments as torch.optim names
 * them ("exp_avg/NAME" …) and "ema/NAME". */
size_t ig_optim_state_count(const ig_optim *o);
void ig_optim_state_at(const ig_optim *o, size_t i, const char **name, ig_tensor *t);
/* For a saved plan that trains (ig_plan_load): an update op's row by name, or NULL; and the tensor of a leaf that the
 * update recorded ("settings/0", "exp_avg/NAME", "gradient/NAME", "ema/NAME" …), borrowed.  False: not the optimiser's. */
const struct ig_op *ig_optim_op(const char *name);
bool ig_optim_leaf(const ig_optim *o, const char *name, ig_tensor *out);
/* After a checkpoint was copied into the state tensors: forgets what accumulated before. */
void ig_optim_state_loaded(ig_optim *o);
/* Exchange the weights with their moving average (call again to change back).  Does nothing without ema_decay or before
 * the first step. */
void ig_optim_ema_swap(ig_optim *o);

/* ---- schedules --------------------------------------------------------------------------------------------------- */

/* The list of schedules: IG_SCHEDULE_name, and the name in recipes.  A new one is a line here and a file in
 * src/nn/schedule/.  t counts the steps after the warm-up, T = total - warmup. */
#define IG_SCHEDULES(X)                                                                                                \
    X(CONSTANT, constant)   /* lr */                                                                                   \
    X(STEP, step)           /* lr·gamma^⌊t/step_size⌋ */                                                               \
    X(LINEAR, linear)       /* straight from lr to min_lr at T */                                                      \
    X(COSINE, cosine)       /* half a cosine from lr to min_lr at T   (Loshchilov & Hutter 2017) */                    \
    X(ONE_CYCLE, one_cycle) /* cosine from lr/25 up to lr, and down to min_lr   (Smith & Topin 2018) */                \
    X(PLATEAU, plateau)     /* lr·gamma whenever the validation loss stops falling */
#define IG_SCHEDULE_ENUM(upper, lower) IG_SCHEDULE_##upper,
typedef enum ig_schedule_kind { IG_SCHEDULES(IG_SCHEDULE_ENUM) IG_SCHEDULE_COUNT } ig_schedule_kind;
#undef IG_SCHEDULE_ENUM

/* Learning rate as torch.optim.lr_scheduler computes it.  Start from zero and set what is needed. */
typedef struct ig_schedule {
    ig_schedule_kind kind;
    double lr, min_lr;       /* peak and floor; ONE_CYCLE: min_lr 0 = lr/250000 */
    int64_t warmup, total;   /* steps; warm-up rises linearly from lr/warmup; ONE_CYCLE: the rise, 0 = 0.3·total */
    int64_t step_size;       /* STEP: multiply by gamma every so many steps */
    double gamma;            /* STEP, PLATEAU (factor); 0: 0.1 */
    int64_t patience;        /* PLATEAU: evaluations without improvement (of a ten-thousandth) that are forgiven */
    /* state of PLATEAU, saved in checkpoints; plateau_scale 0 = not evaluated yet */
    double plateau_scale, plateau_best;
    int64_t plateau_bad;
} ig_schedule;
bool ig_schedule_parse(const char *name, ig_schedule_kind *out);
const char *ig_schedule_name(ig_schedule_kind kind);
/* IG_E_ARG, with the field's name, for settings that make no schedule. */
ig_status ig_schedule_check(const ig_schedule *s, ig_error *err);
double ig_schedule_lr(const ig_schedule *s, int64_t step);    /* step counts from 0; past total: the last value */
void ig_schedule_evaluated(ig_schedule *s, double loss);      /* PLATEAU listens; NaN is no improvement */

/* ---- early stopping (Prechelt 1998) ------------------------------------------------------------------------------ */

typedef struct ig_early_stop {
    int64_t patience;        /* evaluations without improvement by min_delta; 0: off */
    double min_delta;
    double best;             /* start: +inf (init 0-patience struct with ig_early_stop_init) */
    int64_t bad;
} ig_early_stop;
void ig_early_stop_init(ig_early_stop *e, int64_t patience, double min_delta);
bool ig_early_stop_evaluated(ig_early_stop *e, double loss); /* true: stop now.  NaN is no improvement */

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
