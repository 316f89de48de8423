/* tensor/kernels/optim.c: one step of each optimiser over a run of parameters, in one pass.
 *
 * All as torch.optim defines them.  The gradient is scaled first (clipping), then the coupled penalties are added.
 */
#include "tensor/kernels/kernel_math.h"
#include "tensor/kernels/table.h"

#define GRADIENT(i) FMA(l2, p[i], FMA(g[i], grad_scale, l1 * (p[i] > 0 ? R(1.0) : p[i] < 0 ? R(-1.0) : R(0.0))))

/* Kingma & Ba 2015; the decay of Loshchilov & Hutter 2019 comes before the update, apart from the gradient. */
void K(adam)(real *p, const real *g, real *m, real *v, size_t n, const ig_adam_args *a) {
    const real b1 = (real)a->beta1, b2 = (real)a->beta2, eps = (real)a->eps, l1 = (real)a->l1, l2 = (real)a->l2;
    const real grad_scale = (real)a->grad_scale, keep = R(1.0) - (real)a->lr * (real)a->weight_decay;
    const real step = (real)(a->lr / a->correction1), root = R(1.0) / MATH(sqrt)((real)a->correction2);
    EACH(i, n) {
        real d = GRADIENT(i);
        real m1 = FMA(b1, m[i] - d, d), v1 = FMA(b2, v[i], (R(1.0) - b2) * d * d);
        m[i] = m1, v[i] = v1;
        p[i] = FMA(-step, m1 / FMA(MATH(sqrt)(v1), root, eps), p[i] * keep);
    }
}

void K(sgd)(real *p, const real *g, real *m, size_t n, real lr, real momentum, bool nesterov, real decay, real l1, real l2_more, real grad_scale) {
    const real l2 = decay + l2_more;
    if (!m) {
        EACH(i, n) p[i] = FMA(-lr, GRADIENT(i), p[i]);
        return;
    }
    EACH(i, n) {
        real d = GRADIENT(i), m1 = FMA(momentum, m[i], d);
        m[i] = m1;
        p[i] = FMA(-lr, nesterov ? FMA(momentum, m1, d) : m1, p[i]);
    }
}

void K(rmsprop)(real *p, const real *g, real *v, real *m, size_t n, real lr, real alpha, real eps, real momentum, real decay, real l1, real l2_more,
                real grad_scale) {
    const real l2 = decay + l2_more;
    EACH(i, n) {
        real d = GRADIENT(i), v1 = FMA(alpha, v[i], (R(1.0) - alpha) * d * d), u = d / (MATH(sqrt)(v1) + eps);
        v[i] = v1;
        if (m) m[i] = u = FMA(momentum, m[i], u);
        p[i] = FMA(-lr, u, p[i]);
    }
}

void K(adagrad)(real *p, const real *g, real *v, size_t n, real lr, real eps, real decay, real l1, real l2_more, real grad_scale) {
    const real l2 = decay + l2_more;
    EACH(i, n) {
        real d = GRADIENT(i), v1 = FMA(d, d, v[i]);
        v[i] = v1;
        p[i] = FMA(-lr, d / (MATH(sqrt)(v1) + eps), p[i]);
    }
}

void K(axpby)(real *y, const real *x, real a, real b, size_t n) { EACH(i, n) y[i] = FMA(a, x[i], b * y[i]); }
