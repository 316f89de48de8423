/* nn/optim/rmsprop.c: as torch.optim.RMSprop (Tieleman & Hinton 2012, lecture 6.5):
 * v = alpha·v + (1-alpha)·g²;  u = g/(√v + eps);  p -= lr·u, or with momentum m = momentum·m + u and p -= lr·m.
 */
#include <math.h>

#include "nn/optim.h"

static void f64_piece(const optim_args *a, double *p, const double *g, double *v, double *m, size_t n) {
    const optim_settings *s = a->s;
    for (size_t i = 0; i < n; i++) {
        double d = ig_optim_gradient(a, p[i], g[i]);
        v[i] = s->beta2 * v[i] + (1 - s->beta2) * d * d;
        double u = d / (sqrt(v[i]) + s->eps);
        if (m) m[i] = u = s->momentum * m[i] + u;
        p[i] -= s->lr * u;
    }
}

/* at: p, g, v, and the velocity or NULL */
static void piece(const ig_kernels *k, const void *args, ig_dtype dtype, void *const at[IG_MULTI_MAX], size_t n) {
    const optim_args *a = args;
    const optim_settings *s = a->s;
    if (dtype == IG_DTYPE_F64) f64_piece(a, at[0], at[1], at[2], at[3], n);
    else k->rmsprop(at[0], at[1], at[2], at[3], n, (float)s->lr, (float)s->beta2, (float)s->eps, (float)s->momentum, 0,
                    (float)s->l1, (float)s->l2, (float)a->scale);
}

static ig_status forward(const ig_run *r, ig_error *err) {
    return ig_optim_run(r, piece, err);
}

#define FORMULA "v = alpha·v + (1-alpha)·g²; p -= lr·g/(√v + eps)"
#define MOMENTUM "v = alpha·v + (1-alpha)·g²; m = momentum·m + g/(√v + eps); p -= lr·m"
static const ig_op rmsprop = IG_OPTIM_OP("rmsprop", FORMULA, 1, forward);
static const ig_op rmsprop_rows = IG_OPTIM_ROWS_OP("rmsprop_rows", FORMULA, 1, forward);
static const ig_op rmsprop_momentum = IG_OPTIM_OP("rmsprop_momentum", MOMENTUM, 2, forward);
static const ig_op rmsprop_momentum_rows = IG_OPTIM_ROWS_OP("rmsprop_momentum_rows", MOMENTUM, 2, forward);

extern const optim_row ig_optim_rmsprop;
const optim_row ig_optim_rmsprop = {
    .plain = {.op = &rmsprop, .rows = &rmsprop_rows, .state = {"square_avg"}},
    .with_momentum = {.op = &rmsprop_momentum, .rows = &rmsprop_momentum_rows, .state = {"square_avg", "momentum_buffer"}},
    .eps = 1e-8,
};
