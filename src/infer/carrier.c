/* infer/carrier.c: see carrier.h.  The state is a leaf of both plans, and each assigns to it at its end. */
#include "infer/carrier.h"

#include <string.h>

#define MANY 64

/* ---- opening and closing ---- */

static ig_status make_state(carrier *c, ig_error *err) {
    int64_t shape[2];
    for (; c->states < c->m->family->state_count(c->m); c->states++) {
        c->m->family->state_shape(c->m, c->states, 1, shape);
        IG_TRY(ig_tensor_zeros(c->m->ctx, IG_DTYPE_F32, 2, shape, &c->state[c->states], err));
    }
    return IG_OK;
}

ig_status carrier_open(carrier *c, ig_model *m, bool bf16, ig_error *err) {
    int64_t many[2] = {1, MANY}, one[2] = {1, 1};
    *c = (carrier){.m = m, .bf16 = bf16};
    if (m->family->state_count(m) > IG_STATE_MAX)
        return ig_error_set(err, IG_E_LIMIT, "the network carries %d tensors from token to token; at most %d are possible",
                            m->family->state_count(m), IG_STATE_MAX);
    IG_TRY(make_state(c, err));
    IG_TRY(ig_tensor_zeros(m->ctx, IG_DTYPE_I64, 2, many, &c->many.tokens, err));
    return ig_tensor_zeros(m->ctx, IG_DTYPE_I64, 2, one, &c->one.tokens, err);
}

void carrier_close(carrier *c) {
    ig_plan_free(c->many.plan);
    ig_plan_free(c->one.plan);
    ig_tensor_unref(&c->many.tokens);
    ig_tensor_unref(&c->one.tokens);
    for (int i = 0; i < c->states; i++) ig_tensor_unref(&c->state[i]);
    *c = (carrier){0};
}

void carrier_restart(carrier *c) {
    for (int i = 0; i < c->states; i++) memset(c->state[i].data, 0, ig_tensor_bytes(&c->state[i]));
    c->length = 0;
}

/* ---- plans ---- */

/* What nobody asks for is not computed: the plan of many tokens has a state for its output, and so no decoder. */
static ig_status record(carrier *c, carrier_plan *p, ig_graph *g, ig_error *err) {
    bool many = p == &c->many;
    ig_var *state[IG_STATE_MAX], *next[IG_STATE_MAX];
    char name[24];
    ig_pass pass = {.g = g, .bf16 = c->bf16 && many};
    for (int i = 0; i < c->states; i++) {
        snprintf(name, sizeof name, "state/%d", i);
        state[i] = ig_input(g, name, &c->state[i]);
    }
    ig_var *logits = c->m->family->logits_carried(c->m, &pass, ig_input(g, "tokens", &p->tokens), state, next);
    for (int i = 0; i < c->states; i++) ig_assign(g, state[i], next[i]);
    IG_TRY(ig_graph_status(g, err));
    return ig_capture(g, many ? &next[0] : &logits, 1, (ig_plan_opts){0}, &p->plan, err);
}

static ig_status need_plan(carrier *c, carrier_plan *p, ig_error *err) {
    ig_graph *g = NULL;
    if (p->plan) return IG_OK;
    IG_TRY(ig_graph_new(c->m->ctx, IG_GRAPH_LAZY, &g, err));
    ig_status status = record(c, p, g, err);
    ig_graph_free(g);
    return status;
}

/* ---- running ---- */

static ig_status run(carrier *c, carrier_plan *p, const int32_t *tokens, ig_error *err) {
    IG_TRY(need_plan(c, p, err));
    for (int64_t i = 0; i < p->tokens.shape[1]; i++) ((int64_t *)p->tokens.data)[i] = tokens[i];
    IG_TRY(ig_plan_run(p->plan, err));
    c->length += (size_t)p->tokens.shape[1];
    return IG_OK;
}

ig_status carrier_read(carrier *c, const int32_t *tokens, size_t n, const float **logits, ig_error *err) {
    size_t done = 0;
    for (; n - done > MANY; done += MANY) IG_TRY(run(c, &c->many, tokens + done, err));
    for (; done < n; done++) IG_TRY(run(c, &c->one, tokens + done, err));
    *logits = ig_plan_output(c->one.plan, 0)->data;
    return IG_OK;
}
