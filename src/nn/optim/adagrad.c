/* nn/optim/adagrad.c: as torch.optim.Adagrad (Duchi et al. 2011):  v += g²;  p -= lr·g/(√v + eps). */
#include <math.h>

#include "nn/optim.h"

static void f64_piece(const optim_args *a, double *p, const double *g, double *v, size_t n) {
    for (size_t i = 0; i < n; i++) {
        double d = ig_optim_gradient(a, p[i], g[i]);
        v[i] += d * d;
        p[i] -= a->s->lr * d / (sqrt(v[i]) + a->s->eps);
    }
}

/* at: p, g, v */
static void piece(const ig_kernels *k, const void *args, ig_dtype dtype, void *const at[IG_MULTI_MAX], size_t n) {
    const optim_args *a = args;
    const optim_settings *s = a->s;
    if (dtype == IG_DTYPE_F64) f64_piece(a, at[0], at[1], at[2], n);
    else k->adagrad(at[0], at[1], at[2], n, (float)s->lr, (float)s->eps, 0, (float)s->l1, (float)s->l2, (float)a->scale);
}

static ig_status forward(const ig_run *r, ig_error *err) {
    return ig_optim_run(r, piece, err);
}

#define FORMULA "v += g²; p -= lr·g/(√v + eps)"
static const ig_op adagrad = IG_OPTIM_OP("adagrad", FORMULA, 1, forward);
static const ig_op adagrad_rows = IG_OPTIM_ROWS_OP("adagrad_rows", FORMULA, 1, forward);

extern const optim_row ig_optim_adagrad;
const optim_row ig_optim_adagrad = {.plain = {.op = &adagrad, .rows = &adagrad_rows, .state = {"sum"}}, .eps = 1e-10};
