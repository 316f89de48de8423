/* nn/optim.h: what an optimiser is made of, for the files of this room.
 *
 * An optimiser is a row (nn/optim/NAME.c): which tensors it remembers per parameter, and the op that updates all
 * parameters of a bucket in one launch, with inputs
 *
 *     [settings f64, norm, scale,  p, g, state…,  p, g, state…,  …]
 *
 * A bucket is the parameters that share learning rate and penalties.  Its settings are a leaf over optim_settings, which
 * ig_optim_begin_step writes before each run, so a plan follows the schedule without being captured again.
 */
#ifndef INGOT_NN_OPTIM_H
#define INGOT_NN_OPTIM_H

#include "ingot/nn.h"
#include "nn/multi_tensor.h"

#define IG_OPTIM_STATES_MAX 2
#define IG_OPTIM_NAME_MAX 4096 /* bytes of a state's name */
#define IG_OPTIM_FIXED 3      /* inputs before the tuples */
#define IG_OPTIM_ROWS_FIXED 4 /* the same of an update of rows: optim_rows.c */

/* In double: bias corrections lose half of their digits in float when beta is near 1. */
typedef struct optim_settings {
    double lr;                       /* of this step and bucket */
    double decay;                    /* decoupled */
    double l2, l1;                   /* coupled: added to the gradient as l2·p + l1·sign p */
    double momentum;                 /* SGD's and RMSprop's; Adam's beta1 */
    double beta2;                    /* of the squares: Adam's beta2, RMSprop's alpha */
    double eps;
    double correction1, correction2; /* 1-beta^t */
    double nesterov;                 /* 0 or 1 */
} optim_settings;
#define IG_OPTIM_SETTINGS ((int64_t)(sizeof(optim_settings) / sizeof(double)))

typedef struct optim_variant {
    const ig_op *op;                         /* NULL: there is none */
    const ig_op *rows;                       /* the same for the rows of a table that have a gradient */
    const char *state[IG_OPTIM_STATES_MAX];  /* names as in torch.optim; NULL ends */
} optim_variant;

/* One row per optimiser, in the file that defines it: `const optim_row ig_optim_NAME = {…};`. */
typedef struct optim_row {
    optim_variant plain, with_momentum; /* with_momentum.op NULL: opts.momentum is refused */
    double eps;                         /* default */
    bool decoupled;                     /* weight decay is */
    bool betas;                         /* momentum and squares are beta1 and beta2, with bias correction */
} optim_row;

typedef struct optim_param {
    ig_param *p;
    int bucket;
    ig_tensor state[IG_OPTIM_STATES_MAX], buffer, ema;
    bool accumulated; /* ig_optim_record_accumulate has recorded its gradient */
} optim_param;

typedef struct optim_bucket {
    double lr_scale;
    optim_settings now;
    ig_tensor leaf; /* over `now` */
} optim_bucket;

typedef struct optim_named {
    char *name;
    const ig_tensor *t;
} optim_named;

struct ig_optim {
    ig_context *ctx;
    ig_optim_opts opts; /* groups is not kept: buckets have what it says */
    const optim_row *row;
    optim_variant use;
    int states;           /* per parameter */
    optim_param *param;   /* those that are not frozen */
    size_t count;
    optim_bucket *bucket;
    int buckets;
    ig_tensor step;       /* i64 [1] */
    ig_tensor ema_decay;  /* over opts.ema_decay */
    optim_named *named;   /* for checkpoints */
    size_t named_count;
};

/* An update op: its tuples are p, g and `states` tensors; p and the states change. */
#define IG_OPTIM_OP(op_name, formula, states, run)                                                                     \
    {.name = op_name, .doc = formula, .nin_min = IG_OPTIM_FIXED, .nin_max = -1, .map = -1,                             \
     .flags = IG_OP_EFFECT | IG_OP_NO_GRAD, .mutates = 1u | ((1u << (states)) - 1) << 2, .mutates_every = 2 + (states), \
     .shape = ig_optim_shape, .scratch = ig_multi_scratch, .forward = run}

/* The same over rows: [settings, norm, scale, rows,  p, sums, state…], one parameter. */
#define IG_OPTIM_ROWS_OP(op_name, formula, states, run)                                                                \
    {.name = op_name, .doc = formula ", of some rows", .nin_min = IG_OPTIM_ROWS_FIXED, .nin_max = -1, .map = -1,       \
     .flags = IG_OP_EFFECT | IG_OP_NO_GRAD, .mutates = 1u | ((1u << (states)) - 1) << 2, .mutates_every = 2 + (states), \
     .shape = ig_optim_rows_shape, .forward = run}

ig_status ig_optim_fixed_shape(ig_node *n, ig_error *err); /* of the first IG_OPTIM_FIXED inputs */
ig_status ig_optim_shape(ig_node *n, ig_error *err);

/* The arguments of a piece, for every optimiser. */
typedef struct optim_args {
    const optim_settings *s;
    double scale; /* of the gradient */
} optim_args;
/* fn over all tuples (or rows) with an optim_args; nothing at all when norm or scale is not finite. */
ig_status ig_optim_run(const ig_run *r, ig_multi_fn *fn, ig_error *err);
/* The gradient as the formula sees it: scaled, with the coupled penalties. */
double ig_optim_gradient(const optim_args *a, double p, double g);

/* optim_rows.c: whether the gradient of p is zeros with rows added and p wants no more: then the rows and what they get. */
extern const ig_op ig_op_distinct_rows;
bool ig_optim_rows_of(ig_graph *g, const ig_param *p, ig_var *gradient, ig_var **rows, ig_var **sums);
ig_status ig_optim_rows_shape(ig_node *n, ig_error *err);
ig_status ig_optim_rows_run(const ig_run *r, ig_multi_fn *fn, const optim_args *args, ig_error *err);

ig_status ig_optim_make_state(ig_optim *o, ig_error *err);
ig_status ig_optim_make_buffers(ig_optim *o, ig_error *err);

#endif
