/* Optimiser steps against torch.optim's formulas written in double, over several steps so that the moments matter. */
#include "kernel_check.h"

enum { STEPS = 3 };

typedef struct vars {
    size_t n;
    float *p, *g, *m, *v;
    double *P, *M, *V; /* expected */
} vars;

static vars make(size_t n) {
    vars x = {n, guarded(n), guarded(n), guarded(n), guarded(n), malloc(n * sizeof(double)), calloc(n, sizeof(double)), calloc(n, sizeof(double))};
    fill(x.p, n, -1, 1);
    memset(x.m, 0, n * sizeof *x.m), memset(x.v, 0, n * sizeof *x.v);
    for (size_t i = 0; i < n; i++) x.P[i] = x.p[i];
    return x;
}

static void drop(vars *x) {
    free_guarded(x->p, x->n), free_guarded(x->g, x->n), free_guarded(x->m, x->n), free_guarded(x->v, x->n);
    free(x->P), free(x->M), free(x->V);
}

static void check(const char *what, const vars *x) {
    for (size_t i = 0; i < x->n; i++) {
        check_near(what, x->n, i, x->p[i], x->P[i], EPS * STEPS * 16);
        check_near(what, x->n, i, x->m[i], x->M[i], EPS * STEPS * 16 * (1 + fabs(x->M[i])));
        check_near(what, x->n, i, x->v[i], x->V[i], EPS * STEPS * 16 * (1 + fabs(x->V[i])));
    }
}

static double penalised(const vars *x, size_t i, double l1, double l2, double scale) {
    return x->g[i] * scale + l2 * x->P[i] + l1 * ((x->P[i] > 0) - (x->P[i] < 0));
}

static void adam_is_the_algorithm(void **state) {
    (void)state;
    EACH_SET(k) EACH_SIZE(n) {
        vars x = make(n);
        for (int t = 1; t <= STEPS; t++) {
            ig_adam_args a = {.lr = 0.01f, .beta1 = 0.9f, .beta2 = 0.99f, .eps = 1e-6f, .weight_decay = 0.1f, .l1 = 0.001f, .l2 = 0.01f,
                              .grad_scale = 0.5f};
            double b1 = a.beta1, b2 = a.beta2, c1 = 1 - pow(b1, t), c2 = 1 - pow(b2, t), lr = a.lr;
            a.correction1 = (float)c1, a.correction2 = (float)c2;
            fill(x.g, n, 0.5, 2); /* away from 0, where the step's sign would hang on a rounding */
            k->adam(x.p, x.g, x.m, x.v, n, &a);
            for (size_t i = 0; i < n; i++) {
                double g = penalised(&x, i, a.l1, a.l2, a.grad_scale);
                x.P[i] -= lr * a.weight_decay * x.P[i];
                x.M[i] = b1 * x.M[i] + (1 - b1) * g, x.V[i] = b2 * x.V[i] + (1 - b2) * g * g;
                x.P[i] -= lr * (x.M[i] / c1) / (sqrt(x.V[i] / c2) + a.eps);
            }
        }
        check("adam", &x);
        drop(&x);
    }
}

static void sgd_is_the_algorithm(void **state) {
    (void)state;
    EACH_SET(k) EACH_SIZE(n) for (int kind = 0; kind < 3; kind++) { /* plain, momentum, Nesterov */
        vars x = make(n);
        float lr = 0.01f, mu = 0.9f, wd = 0.1f, l1 = 0.001f, l2 = 0.02f;
        for (int t = 1; t <= STEPS; t++) {
            fill(x.g, n, -2, 2);
            k->sgd(x.p, x.g, kind ? x.m : NULL, n, lr, mu, kind == 2, wd, l1, l2, 0.5f);
            for (size_t i = 0; i < n; i++) {
                double g = penalised(&x, i, l1, (double)wd + (double)l2, 0.5);
                if (kind) x.M[i] = (double)mu * x.M[i] + g;
                x.P[i] -= (double)lr * (kind == 0 ? g : kind == 1 ? x.M[i] : g + (double)mu * x.M[i]);
            }
        }
        check("sgd", &x);
        drop(&x);
    }
}

static void rmsprop_is_the_algorithm(void **state) {
    (void)state;
    EACH_SET(k) EACH_SIZE(n) for (int momentum = 0; momentum < 2; momentum++) {
        vars x = make(n);
        float lr = 0.01f, alpha = 0.9f, eps = 1e-6f, mu = 0.5f;
        for (int t = 1; t <= STEPS; t++) {
            fill(x.g, n, 0.5, 2);
            k->rmsprop(x.p, x.g, x.v, momentum ? x.m : NULL, n, lr, alpha, eps, mu, 0.1f, 0.001f, 0.02f, 0.5f);
            for (size_t i = 0; i < n; i++) {
                double g = penalised(&x, i, (double)0.001f, (double)0.1f + (double)0.02f, 0.5), u;
                x.V[i] = (double)alpha * x.V[i] + (1 - (double)alpha) * g * g;
                u = g / (sqrt(x.V[i]) + (double)eps);
                if (momentum) x.M[i] = u = (double)mu * x.M[i] + u;
                x.P[i] -= (double)lr * u;
            }
        }
        check("rmsprop", &x);
        drop(&x);
    }
}

static void adagrad_is_the_algorithm(void **state) {
    (void)state;
    EACH_SET(k) EACH_SIZE(n) {
        vars x = make(n);
        for (int t = 1; t <= STEPS; t++) {
            fill(x.g, n, 0.5, 2);
            k->adagrad(x.p, x.g, x.v, n, 0.01f, 1e-6f, 0.1f, 0.001f, 0.02f, 0.5f);
            for (size_t i = 0; i < n; i++) {
                double g = penalised(&x, i, (double)0.001f, (double)0.1f + (double)0.02f, 0.5);
                x.V[i] += g * g;
                x.P[i] -= (double)0.01f * g / (sqrt(x.V[i]) + (double)1e-6f);
            }
        }
        check("adagrad", &x);
        drop(&x);
    }
}

static void axpby_is_the_formula(void **state) {
    (void)state;
    EACH_SET(k) EACH_SIZE(n) {
        vars x = make(n);
        fill(x.g, n, -1, 1);
        k->axpby(x.p, x.g, 0.3f, -1.7f, n);
        for (size_t i = 0; i < n; i++) check_near("axpby", n, i, x.p[i], (double)0.3f * x.g[i] + (double)-1.7f * x.P[i], EPS * 6);
        drop(&x);
    }
}

/* How the parameters were cut among threads must not show. */
static void cuts_and_instruction_sets_do_not_change_bits(void **state) {
    (void)state;
    enum { N = 1023, CUT = 37 };
    ig_adam_args a = {.lr = 0.01f, .beta1 = 0.9f, .beta2 = 0.99f, .eps = 1e-6f, .weight_decay = 0.1f, .l1 = 0.001f, .l2 = 0.01f,
                      .correction1 = 0.1f, .correction2 = 0.01f, .grad_scale = 0.7f};
    vars first = make(N);
    bool any = false;
    EACH_SET(k) for (int cut = 0; cut < 2; cut++) {
        random_state = 7;
        vars x = make(N);
        fill(x.g, N, -1, 1);
        if (cut) k->adam(x.p, x.g, x.m, x.v, CUT, &a);
        size_t from = cut ? CUT : 0;
        k->adam(x.p + from, x.g + from, x.m + from, x.v + from, N - from, &a);
        if (any) assert_true(same_bits(first.p, x.p, N) && same_bits(first.m, x.m, N) && same_bits(first.v, x.v, N));
        else memcpy(first.p, x.p, N * sizeof(float)), memcpy(first.m, x.m, N * sizeof(float)), memcpy(first.v, x.v, N * sizeof(float));
        any = true;
        drop(&x);
    }
    drop(&first);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adam_is_the_algorithm),   cmocka_unit_test(sgd_is_the_algorithm),
        cmocka_unit_test(rmsprop_is_the_algorithm), cmocka_unit_test(adagrad_is_the_algorithm),
        cmocka_unit_test(axpby_is_the_formula),    cmocka_unit_test(cuts_and_instruction_sets_do_not_change_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
