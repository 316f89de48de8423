/* nn/optim/sgd.c: stochastic gradient descent as torch.optim.SGD defines it (Sutskever et al. 2013, with the learning
 * rate outside of the velocity):  m = momentum·m + g;  p -= lr·m, or lr·(g + momentum·m) after Nesterov.
 */
#include "nn/optim.h"

static void f64_piece(const optim_args *a, double *p, const double *g, double *m, size_t n) {
    for (size_t i = 0; i < n; i++) {
        double d = ig_optim_gradient(a, p[i], g[i]);
        if (m) {
            m[i] = a->s->momentum * m[i] + d;
            d = a->s->nesterov != 0 ? d + a->s->momentum * m[i] : m[i];
        }
        p[i] -= a->s->lr * d;
    }
}

/* at: p, g, and the velocity or NULL */
static void piece(const ig_kernels *k, const void *args, ig_dtype dtype, void *const at[IG_MULTI_MAX], size_t n) {
    const optim_args *a = args;
    const optim_settings *s = a->s;
    if (dtype == IG_DTYPE_F64) f64_piece(a, at[0], at[1], at[2], n);
    else k->sgd(at[0], at[1], at[2], n, (float)s->lr, (float)s->momentum, s->nesterov != 0, 0, (float)s->l1,
                (float)s->l2, (float)a->scale);
}

static ig_status forward(const ig_run *r, ig_error *err) {
    return ig_optim_run(r, piece, err);
}

extern const ig_op ig_op_sgd, ig_op_sgd_rows;
const ig_op ig_op_sgd_rows = IG_OPTIM_ROWS_OP("sgd_rows", "p -= lr·g", 0, forward);
const ig_op ig_op_sgd = IG_OPTIM_OP("sgd", "p -= lr·g", 0, forward);
static const ig_op sgd_momentum = IG_OPTIM_OP("sgd_momentum", "m = momentum·m + g; p -= lr·m", 1, forward);
static const ig_op sgd_momentum_rows = IG_OPTIM_ROWS_OP("sgd_momentum_rows", "m = momentum·m + g; p -= lr·m", 1, forward);

extern const optim_row ig_optim_sgd;
const optim_row ig_optim_sgd = {
    .plain = {.op = &ig_op_sgd, .rows = &ig_op_sgd_rows},
    .with_momentum = {.op = &sgd_momentum, .rows = &sgd_momentum_rows, .state = {"momentum_buffer"}},
};
