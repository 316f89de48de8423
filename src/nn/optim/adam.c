/* nn/optim/adam.c: Adam (Kingma & Ba 2015, alg. 1) and AdamW (Loshchilov & Hutter 2019, alg. 2), as in torch.optim:
 *
 *     m = beta1·m + (1-beta1)·g;  v = beta2·v + (1-beta2)·g²
 *     p = p·(1 - lr·decay) - lr/(1-beta1^t) · m / (√(v/(1-beta2^t)) + eps)
 *
 * Adam adds its weight decay to g; AdamW shrinks p by it, apart from the moments.
 */
#include <math.h>

#include "nn/optim.h"

static void f64_piece(const optim_args *a, double *p, const double *g, double *m, double *v, size_t n) {
    const optim_settings *s = a->s;
    for (size_t i = 0; i < n; i++) {
        double d = ig_optim_gradient(a, p[i], g[i]);
        m[i] = s->momentum * m[i] + (1 - s->momentum) * d;
        v[i] = s->beta2 * v[i] + (1 - s->beta2) * d * d;
        p[i] = p[i] * (1 - s->lr * s->decay) - s->lr / s->correction1 * m[i] / (sqrt(v[i] / s->correction2) + s->eps);
    }
}

/* at: p, g, m, v */
static void piece(const ig_kernels *k, const void *args, ig_dtype dtype, void *const at[IG_MULTI_MAX], size_t n) {
    const optim_args *a = args;
    const optim_settings *s = a->s;
    ig_adam_args f32 = {.lr = (float)s->lr, .beta1 = (float)s->momentum, .beta2 = (float)s->beta2, .eps = (float)s->eps,
                        .weight_decay = (float)s->decay, .l1 = (float)s->l1, .l2 = (float)s->l2,
                        .correction1 = (float)s->correction1, .correction2 = (float)s->correction2,
                        .grad_scale = (float)a->scale};
    if (dtype == IG_DTYPE_F64) f64_piece(a, at[0], at[1], at[2], at[3], n);
    else k->adam(at[0], at[1], at[2], at[3], n, &f32);
}

static ig_status forward(const ig_run *r, ig_error *err) {
    return ig_optim_run(r, piece, err);
}

#define FORMULA "m, v = averages of g, g²; p -= lr·(m/√v + decay·p), bias corrected"
static const ig_op adam = IG_OPTIM_OP("adam", FORMULA, 2, forward);
static const ig_op adam_rows = IG_OPTIM_ROWS_OP("adam_rows", FORMULA, 2, forward);

extern const optim_row ig_optim_adam, ig_optim_adamw;
#define MOMENTS {.op = &adam, .rows = &adam_rows, .state = {"exp_avg", "exp_avg_sq"}}
const optim_row ig_optim_adam = {.plain = MOMENTS, .eps = 1e-8, .betas = true};
const optim_row ig_optim_adamw = {.plain = MOMENTS, .eps = 1e-8, .betas = true, .decoupled = true};
