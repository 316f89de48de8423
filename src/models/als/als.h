/* models/als/als.h: factorisation of a table of users and items by alternating least squares, for the files of this folder.
 *
 *     value(u, i) ≈ mean + b_u + b_i + x_u·y_i                      biases with `explicit` only
 *
 *     implicit   Σ c_ui (p_ui - x_u·y_i)² + λ(Σ|x_u|² + Σ|y_i|²), c = 1 + α·value, p = value > 0, over all pairs
 *                                                                   (Hu, Koren & Volinsky 2008)
 *     explicit   Σ (v_ui - …)² + λ(Σ n_u|x_u|² + Σ n_i|y_i|²) over the pairs that are there   (Zhou et al. 2008)
 *     bayesian   explicit, with each row a draw from its normal distribution instead of its mean, and the priors of the rows drawn
 *                too (Salakhutdinov & Mnih 2008); a prior mean may depend on what the user has (Koren's SVD++ 2008, in the form
 *                of Macau, Simm et al. 2017).  `parts` draws are kept, and the mean of their predictions is the prediction.
 *
 * Fixed one side, each row of the other is the solution of normal equations of its own.  A row of one part is [b, x] here
 * (b only with biases), D numbers in `width` places: D up to a multiple of 16.  In the model's file the parts stand side by
 * side, so that the mean over parts is one product:
 *
 *     user_factors [U, parts·K]   user_bias [U, parts]   and of items     mean [1]
 *     user_prior [parts, D]  user_precision [parts, D, D]  user_link [I, parts·D]  and of items, noise [parts]     bayesian
 *
 * Shape letters: U users, I items, K rank, D numbers of a row, W width.
 */
#ifndef INGOT_MODELS_ALS_H
#define INGOT_MODELS_ALS_H

#include "ingot/recommend.h"
#include "tensor/kernels/kernels.h"

typedef struct als_config {
    bool explicit_values, bias, bayesian, conjugate, weighted, log_confidence;
    bool linked[2];                   /* priors of users depend on their items; of items on their users */
    int64_t rows[2];                  /* U, I */
    int64_t rank, parts, D, width;
    double regularization, bias_regularization, alpha;
    int sweeps, burn_in, thin, cg_steps;
} als_config;

enum { ALS_USERS, ALS_ITEMS };

typedef struct als_tensors { /* of one side */
    const ig_param *factors, *bias, *prior, *precision, *link;
} als_tensors;

typedef struct als {
    als_config c;
    als_tensors t[2];
    const ig_param *mean, *noise;
    ig_interactions data;
    int64_t *offset;  /* the data by item: [I+1], [count], [count] */
    int32_t *user;
    float *value;
    float low, high;  /* of all values: predictions stay between them */
} als;

/* ---- rows: rows.c ---- */

/* The rows of one side and part, wherever they stand; bias NULL: none. */
typedef struct als_view {
    const float *factors, *bias;
    int64_t stride, bias_stride;
} als_view;

/* What the rows of one side are solved from. */
typedef struct als_problem {
    const als_config *c;
    const ig_kernels *k;
    als_view y;          /* the other side */
    const float *base;   /* [W,W], symmetric: what every row's matrix begins with; ones where D ends */
    float noise;         /* weight of an interaction */
    float mean;
} als_problem;

typedef struct als_work { /* of one thread: slices of one block */
    float *a, *b, *z;       /* [W,W], [W], [W] */
    float *panel, *scaled;  /* [ALS_CHUNK,W] */
    float *r, *p, *q;       /* [W] */
} als_work;
#define ALS_CHUNK 64

size_t als_work_floats(const als_config *c);
void als_work_slice(als_work *w, const als_config *c, float *block);
/* base of a model's part, or of the fit: λ and the Gram matrix of y, or the precision of the prior.  precision [D,D] or NULL. */
void als_base(const als_config *c, const float *gram, const float *precision, float *base);
/* w->a and w->b of a row that has these interactions; prior [W] or NULL: its prior mean. */
void als_build(const als_problem *p, als_work *w, const ig_history *h, const float *prior);
/* The row's solution into x [W], plus noise z [W] when not NULL.  False: the matrix is not positive definite.  Destroys w->a. */
bool als_solve(const als_problem *p, als_work *w, const float *z, float *x);
/* The same by a few steps of conjugate gradients from x on, without building the matrix (Takács, Pilászy & Tikk 2011). */
void als_descend(const als_problem *p, als_work *w, const ig_history *h, float *x);
/* Row i as it multiplies another: [1, factors] or [factors], zeros up to W. */
void als_regressor(const als_config *c, const als_view *v, int64_t i, float *out);
/* Weight and target of one interaction, in the equations of a row: Σ weight·g·gᵀ, Σ pull·g. */
void als_weigh(const als_problem *p, int64_t other, float value, float *weight, float *pull);
/* Σ x xᵀ over rows [n][W], lower triangle made whole; the order of the sum is fixed.  bias_as_one: place 0 counts as 1. */
ig_status als_gram(ig_context *ctx, const ig_kernels *k, const float *x, size_t n, size_t width, float *gram, ig_error *err);

/* ---- learning ---- */

typedef struct als_side {
    size_t rows;
    const int64_t *offset;
    const int32_t *index;
    const float *value;
    float *x;           /* [rows,W] */
    /* bayesian: */
    float *shift;       /* [rows,W]: what the link adds to the prior mean; NULL: no link */
    float *link;        /* [rows of the other side,W] */
    float *scale;       /* [rows]: 1/√n */
    double *mu;         /* [D] */
    double *precision;  /* [D,D] */
    double link_precision;
    float *base;        /* [W,W] */
    float *prior;       /* [W]: mu */
} als_side;

typedef struct als_fit {
    ig_context *ctx;
    ig_model *m;
    als *s;
    const als_config *c;
    const ig_kernels *k;
    const ig_fit_opts *o;
    als_side side[2];
    float *gram, *base;  /* [W,W] */
    float *work;         /* [threads] blocks */
    double *error;       /* [users]: squared errors of each row */
    double noise, mean, loss;
    int sweep, sweeps;
    char digest[65];     /* of data, settings and seed */
} als_fit;

ig_status als_fit_model(ig_model *m, ig_interactions *data, const ig_fit_opts *opts, ig_error *err); /* fit.c */
ig_status als_solve_side(als_fit *f, int side, ig_error *err);                                       /* sweep.c */
void als_measure(als_fit *f);                                                                        /* sweep.c */
ig_status als_sample_side(als_fit *f, int side, ig_error *err);  /* prior.c: draws mu, precision and link */
void als_sample_noise(als_fit *f);                               /* prior.c */
ig_status als_sample_link(als_fit *f, int side, const double *root, ig_error *err); /* link.c; root: of the precision */
void als_link_shift(als_fit *f, int side);                                          /* link.c */
ig_status als_checkpoint_save(const als_fit *f, ig_error *err);  /* checkpoint.c */
ig_status als_checkpoint_load(als_fit *f, ig_error *err);

/* A stream of random numbers that belongs to one row, or one draw, of one sweep. */
void als_random(const als_fit *f, int side, uint64_t what, uint64_t row, ig_rng *r);
enum { ALS_DRAW_START, ALS_DRAW_ROW, ALS_DRAW_PRIOR, ALS_DRAW_LINK_ROW, ALS_DRAW_LINK, ALS_DRAW_SCALE, ALS_DRAW_NOISE };

/* ---- dense.c: small matrices in double ---- */

bool als_cholesky(double *a, int64_t n);                       /* lower triangle in place, zeros above */
void als_forward(const double *l, double *b, int64_t n);       /* b = L⁻¹ b */
void als_backward(const double *l, double *b, int64_t n);      /* b = L⁻ᵀ b */
double als_gamma(ig_rng *r, double shape);                     /* of rate 1 */

/* ---- the model ---- */

const ig_schema_field *als_schema(const char *model_type);     /* config.c */
ig_status als_read_config(const ig_model *m, als_config *c, ig_error *err);
ig_status als_keep_data(als *s, ig_interactions *data, ig_error *err); /* family.c: moves it in */
extern const struct ig_recommender als_recommender;             /* answer.c */

#endif
