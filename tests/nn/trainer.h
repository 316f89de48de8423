/* tests/nn/trainer.h: two parameters whose gradients are whatever a test wants: the loss is Σ w·c, so dloss/dw = c.
 *
 *     w [3,4], decays; b [5], does not; the step is a captured plan or recorded op by op
 */
#ifndef TESTS_NN_TRAINER_H
#define TESTS_NN_TRAINER_H

#include "../check.h"
#include "ingot/nn.h"

#define W 12
#define B 5
#define WEIGHTS (W + B)

typedef struct trainer {
    ig_context *ctx;
    ig_params ps;
    ig_param *w, *b;
    ig_tensor cw, cb; /* the gradients of the next step */
    ig_optim *optim;
    ig_plan *plan;    /* NULL: eager */
    double norm;      /* of the last step */
} trainer;

static inline void trainer_put(const ig_tensor *w, const ig_tensor *b, const double *v) {
    for (int i = 0; i < W; i++) ig_tensor_set(w, i, v[i]);
    for (int i = 0; i < B; i++) ig_tensor_set(b, i, v[W + i]);
}

static inline double trainer_weight(const trainer *t, int i) {
    return i < W ? ig_tensor_get(&t->w->value, i) : ig_tensor_get(&t->b->value, i - W);
}

static inline void trainer_make(trainer *t, ig_context *ctx, ig_dtype type, const double *start) {
    int64_t w[] = {3, 4}, b = B;
    ig_error err = {0};
    *t = (trainer){.ctx = ctx};
    ig_params_init(&t->ps, ctx);
    check_ok(ig_params_add(&t->ps, "w", type, 2, w, true, &t->w, &err));
    check_ok(ig_params_add(&t->ps, "b", type, 1, &b, false, &t->b, &err));
    check_ok(ig_tensor_zeros(ctx, type, 2, w, &t->cw, &err));
    check_ok(ig_tensor_zeros(ctx, type, 1, &b, &t->cb, &err));
    trainer_put(&t->w->value, &t->b->value, start);
}

static inline void trainer_backward(trainer *t, ig_graph *g) {
    ig_var *w = ig_mul(g, ig_param_var(g, t->w), ig_input(g, "cw", &t->cw));
    ig_var *b = ig_mul(g, ig_param_var(g, t->b), ig_input(g, "cb", &t->cb));
    ig_backward(g, ig_add(g, ig_sum(g, w, 0, false), ig_sum(g, b, 0, false)));
}

static inline void trainer_optimise(trainer *t, const ig_optim_opts *opts) {
    ig_error err = {0};
    check_ok(ig_optim_new(t->ctx, &t->ps, opts, &t->optim, &err));
}

static inline void trainer_capture(trainer *t, double grad_scale) {
    ig_error err = {0};
    ig_graph *g = NULL;
    check_ok(ig_graph_new(t->ctx, IG_GRAPH_LAZY, &g, &err));
    trainer_backward(t, g);
    ig_var *norm = ig_optim_record(t->optim, g, grad_scale);
    check_ok(ig_capture(g, &norm, 1, (ig_plan_opts){0}, &t->plan, &err));
    ig_graph_free(g);
}

static inline void trainer_step_eager(trainer *t, double grad_scale) {
    ig_error err = {0};
    ig_graph *g = NULL;
    check_ok(ig_graph_new(t->ctx, IG_GRAPH_EAGER, &g, &err));
    trainer_backward(t, g);
    ig_var *norm = ig_optim_record(t->optim, g, grad_scale);
    check_ok(ig_graph_status(g, &err));
    t->norm = ig_tensor_get(ig_value(norm), 0);
    ig_graph_free(g);
}

static inline void trainer_step(trainer *t, double lr, double grad_scale, const double *gradient) {
    ig_error err = {0};
    trainer_put(&t->cw, &t->cb, gradient);
    ig_optim_begin_step(t->optim, lr);
    if (!t->plan) {
        trainer_step_eager(t, grad_scale);
        return;
    }
    check_ok(ig_plan_run(t->plan, &err));
    t->norm = ig_tensor_get(ig_plan_output(t->plan, 0), 0);
}

static inline void trainer_free(trainer *t) {
    ig_plan_free(t->plan);
    ig_optim_free(t->optim);
    ig_tensor_unref(&t->cw);
    ig_tensor_unref(&t->cb);
    ig_params_fini(&t->ps);
}

static inline double trainer_state(const trainer *t, const char *name, int64_t i) {
    for (size_t k = 0; k < ig_optim_state_count(t->optim); k++) {
        const char *known;
        ig_tensor s;
        ig_optim_state_at(t->optim, k, &known, &s);
        if (strcmp(known, name) == 0) return ig_tensor_get(&s, i);
    }
    fail_msg("the optimiser has no state %s", name);
    return 0;
}

#endif
