/* ingot/nn.h: parameters, layers, initialisers, optimisers, schedules and regularisers: what networks are made of and
 * trained with.  Everything here records ops of ingot/graph.h.
 */
#ifndef INGOT_NN_H
#define INGOT_NN_H

#include "ingot/graph.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- parameters ------------------------------------------------------------------------------------------------------ */

typedef struct ig_param {
    char *name;         /* as in the model file: "transformer.h.0.attn.c_attn.weight" */
    ig_tensor value;    /* f32 (f64 in tests) */
    bool decay;         /* weight decay applies (matrices and embeddings yes; biases and norms no) */
    bool frozen;
    int group;          /* parameter group of the recipe; 0 */
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
int64_t ig_params_numel(const ig_params *ps);
/* The leaf of a parameter in a graph (a constant input when frozen). */
ig_var *ig_param_var(ig_graph *g, const ig_param *p);

/* ---- initialisers: deterministic in (seed, the parameter's name) ------------------------------------------------------- */

typedef enum ig_init {
    IG_INIT_ZEROS,
    IG_INIT_ONES,
    IG_INIT_CONSTANT,        /* a */
    IG_INIT_UNIFORM,         /* [a, b) */
    IG_INIT_NORMAL,          /* mean a, deviation b */
    IG_INIT_XAVIER_UNIFORM,  /* gain a, 0 = 1        (Glorot & Bengio 2010) */
    IG_INIT_XAVIER_NORMAL,
    IG_INIT_KAIMING_UNIFORM, /* gain a, 0 = sqrt 2   (He et al. 2015) */
    IG_INIT_KAIMING_NORMAL,
    IG_INIT_ORTHOGONAL       /* gain a, 0 = 1        (Saxe et al. 2014), by LAPACK's QR */
} ig_init;
/* fan_in and fan_out come from the shape: [out,in,…] unless transposed ([in,out], as GPT-2's layers store it). */
typedef struct ig_init_opts {
    double a, b;
    bool transposed;
} ig_init_opts;
ig_status ig_init_tensor(ig_context *ctx, const ig_tensor *t, const char *name, uint64_t seed, ig_init kind, ig_init_opts opts,
                         ig_error *err);
bool ig_init_parse(const char *name, ig_init *out); /* "xavier_uniform" … */

/* ---- layers ---------------------------------------------------------------------------------------------------------------- */

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
ig_var *ig_nn_dropout(const ig_pass *p, ig_var *x, double rate);

/* ---- optimisers -------------------------------------------------------------------------------------------------------------- */

typedef enum ig_optim_kind { IG_OPTIM_GD, IG_OPTIM_SGD, IG_OPTIM_RMSPROP, IG_OPTIM_ADAGRAD, IG_OPTIM_ADAM, IG_OPTIM_ADAMW } ig_optim_kind;

typedef struct ig_optim_group { /* multiplies or replaces the optimiser's own settings for parameters of this group */
    double lr_scale;        /* 0 = 1 */
    double weight_decay;    /* < 0: the optimiser's */
} ig_optim_group;

typedef struct ig_optim_opts { /* names and defaults of torch.optim; 0 is the default except where 0 is meaningful */
    ig_optim_kind kind;
    double momentum;        /* SGD, RMSprop */
    bool nesterov;
    double beta1, beta2;    /* 0: 0.9, 0.999 */
    double alpha;           /* RMSprop; 0: 0.99 */
    double eps;             /* 0: 1e-8 (Adagrad 1e-10) */
    double weight_decay;    /* AdamW: decoupled; others: coupled L2 */
    double l1;              /* coupled L1 */
    double clip_norm;       /* of the global gradient norm; 0: none */
    double clip_value;      /* of each gradient entry; 0: none */
    double ema_decay;       /* moving average of weights; 0: none */
    const ig_optim_group *groups;
    int group_count;        /* 0: one group with everything */
} ig_optim_opts;

typedef struct ig_optim ig_optim;
/* Makes the state (moments, step, average) for all parameters that are not frozen. */
ig_status ig_optim_new(ig_context *ctx, const ig_params *ps, const ig_optim_opts *opts, ig_optim **out, ig_error *err);
void ig_optim_free(ig_optim *o);
bool ig_optim_parse(const char *name, ig_optim_kind *out);
/* Record the update of all parameters from ig_gradient() of their leaves, times grad_scale (1/accumulation steps).
 * Returns the global gradient norm before clipping, 0-d f32. */
ig_var *ig_optim_record(ig_optim *o, ig_graph *g, double grad_scale);
/* With accumulation: record buffers += gradients instead (micro step), and the update from the buffers, which it clears. */
void ig_optim_record_accumulate(ig_optim *o, ig_graph *g);
ig_var *ig_optim_record_from_buffers(ig_optim *o, ig_graph *g, double grad_scale);
/* Before each run of a recorded update: the learning rate of this step (the step count advances). */
void ig_optim_begin_step(ig_optim *o, double lr);
int64_t ig_optim_steps(const ig_optim *o);
/* State for checkpoints: named tensors ("exp_avg/NAME", "ema/NAME", "step" …), borrowed. */
size_t ig_optim_state_count(const ig_optim *o);
void ig_optim_state_at(const ig_optim *o, size_t i, const char **name, ig_tensor *t);
void ig_optim_state_loaded(ig_optim *o); /* after a checkpoint was copied into the state tensors */
/* Exchange the weights with their moving average (call again to change back). */
void ig_optim_ema_swap(ig_optim *o);

/* ---- schedules -------------------------------------------------------------------------------------------------------------- */

typedef enum ig_schedule_kind { IG_SCHEDULE_CONSTANT, IG_SCHEDULE_STEP, IG_SCHEDULE_LINEAR, IG_SCHEDULE_COSINE, IG_SCHEDULE_ONE_CYCLE, IG_SCHEDULE_PLATEAU } ig_schedule_kind;
typedef struct ig_schedule {
    ig_schedule_kind kind;
    double lr, min_lr;       /* peak and floor */
    int64_t warmup, total;   /* steps; warm-up rises linearly from lr/warmup */
    int64_t step_size;       /* STEP: multiply by gamma every so many steps */
    double gamma;            /* STEP, PLATEAU (factor) */
    int64_t patience;        /* PLATEAU: evaluations without improvement */
    /* state of PLATEAU, saved in checkpoints */
    double plateau_scale, plateau_best;
    int64_t plateau_bad;
} ig_schedule;
bool ig_schedule_parse(const char *name, ig_schedule_kind *out);
double ig_schedule_lr(const ig_schedule *s, int64_t step);   /* step counts from 0 */
void ig_schedule_evaluated(ig_schedule *s, double loss);      /* PLATEAU listens */

typedef struct ig_early_stop {
    int64_t patience;        /* evaluations without improvement by min_delta; 0: off */
    double min_delta;
    double best;             /* start: +inf (init 0-patience struct with ig_early_stop_init) */
    int64_t bad;
} ig_early_stop;
void ig_early_stop_init(ig_early_stop *e, int64_t patience, double min_delta);
bool ig_early_stop_evaluated(ig_early_stop *e, double loss); /* true: stop now */

#ifdef __cplusplus
}
#endif
#endif
