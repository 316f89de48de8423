/* graph/capture.c: from a recording to a plan's own copy of what is needed.
 *
 * Live is what the outputs and the updates in place depend on.  Two small rewrites happen on the way: a product followed
 * by the addition of a row becomes the fully connected layer (one pass instead of two), and a copy in the same type that
 * is contiguous already falls away.
 */
#include "graph/plan.h"

#include <string.h>

ig_status ig_plan_new(ig_context *ctx, int outputs, ig_plan **out, ig_error *err) {
    ig_plan *p = ig_calloc(1, sizeof *p);
    if (!p) return ig_error_nomem(err, sizeof *p);
    p->ctx = ctx;
    p->output = ig_calloc((size_t)outputs + 1, sizeof *p->output);
    ig_status s = p->output ? ig_graph_new(ctx, IG_GRAPH_LAZY, &p->g, err) : ig_error_nomem(err, 0);
    if (s != IG_OK) {
        ig_plan_free(p);
        return s;
    }
    p->outputs = outputs;
    *out = p;
    return IG_OK;
}

/* ---- what is live ------------------------------------------------------------------------------------------------------- */

static void mark_live(const ig_graph *g, ig_var *const *outputs, int count, bool *live) {
    for (int i = 0; i < count; i++) live[outputs[i]->node->id] = true;
    for (int i = g->count - 1; i >= 0; i--) {
        const ig_node *n = g->node[i];
        if (n->op->flags & IG_OP_EFFECT) live[i] = true;
        if (!live[i]) continue;
        for (int k = 0; k < n->nin; k++) live[n->in[k]->node->id] = true;
    }
}

static void count_users(const ig_graph *g, ig_var *const *outputs, int count, const bool *live, int *users) {
    for (int i = 0; i < g->count; i++)
        for (int k = 0; live[i] && k < g->node[i]->nin; k++) users[g->node[i]->in[k]->node->id]++;
    for (int i = 0; i < count; i++) users[outputs[i]->node->id]++;
}

/* ---- copying ---------------------------------------------------------------------------------------------------------------- */

typedef struct copier {
    ig_graph *to;
    ig_var **map; /* [old node id * IG_OP_OUT_MAX + k] → new variable */
    const bool *live;
    int *users;
} copier;

static ig_var *mapped(const copier *c, const ig_var *v) { return c->map[(size_t)v->node->id * IG_OP_OUT_MAX + (size_t)v->index]; }

static void copy_leaf(copier *c, const ig_node *n) {
    ig_var *v = n->is_param ? ig_parameter(c->to, n->name, &n->out[0].t) : ig_input(c->to, n->name, &n->out[0].t);
    c->map[(size_t)n->id * IG_OP_OUT_MAX] = v;
}

/* add(matmul(a, b), row) with no other user of the product → linear(a, b, row) */
static bool is_biased_product(const copier *c, const ig_node *n, int product) {
    const ig_node *m = n->in[product]->node;
    const ig_tensor *row = &n->in[1 - product]->t, *y = &n->out[0].t;
    return n->op == &ig_map_ops[IG_MAP_add] && m->op == &ig_op_matmul && c->users[m->id] == 1 && row->ndim == 1 &&
           y->ndim >= 2 && row->shape[0] == y->shape[y->ndim - 1] && row->dtype == y->dtype &&
           y->dtype == m->out[0].t.dtype && ig_tensor_is_contiguous(row) && ig_tensor_same_shape(y, &m->out[0].t);
}

static bool copy_as_linear(copier *c, const ig_node *n) {
    for (int product = 0; product < 2; product++) {
        if (n->nin != 2 || !is_biased_product(c, n, product)) continue;
        const ig_node *m = n->in[product]->node;
        ig_var *in[] = {mapped(c, m->in[0]), mapped(c, m->in[1]), mapped(c, n->in[1 - product])};
        ig_node *l = ig_node_new(c->to, &ig_op_linear, 3, NULL);
        if (!l) return true;
        memcpy(l->in, in, sizeof in);
        l->out[0].t = n->out[0].t;
        l->out[0].t.data = NULL, l->out[0].t.storage = NULL;
        c->map[(size_t)n->id * IG_OP_OUT_MAX] = &l->out[0];
        return true;
    }
    return false;
}

/* A product that a later addition takes over is not copied by itself. */
static bool is_absorbed(const copier *c, const ig_graph *g, const ig_node *n) {
    if (n->op != &ig_op_matmul || c->users[n->id] != 1) return false;
    for (int i = n->id + 1; i < g->count; i++) {
        const ig_node *u = g->node[i];
        if (!c->live[i]) continue;
        for (int k = 0; k < u->nin; k++)
            if (u->in[k]->node == n) return u->nin == 2 && is_biased_product(c, u, k);
    }
    return false;
}

static void copy_node(copier *c, const ig_graph *g, const ig_node *n) {
    if (n->op == &ig_op_leaf) {
        copy_leaf(c, n);
        return;
    }
    if (is_absorbed(c, g, n) || copy_as_linear(c, n)) return;
    ig_node *m = ig_node_new(c->to, n->op, n->nin, &n->attrs);
    if (!m) return;
    for (int k = 0; k < n->nin; k++) m->in[k] = mapped(c, n->in[k]);
    for (int k = 0; k < n->nout; k++) {
        m->out[k].t = n->out[k].t;
        m->out[k].t.data = NULL, m->out[k].t.storage = NULL;
        c->map[(size_t)n->id * IG_OP_OUT_MAX + (size_t)k] = &m->out[k];
    }
}

static ig_status copy_live(const ig_graph *g, ig_var *const *outputs, int count, copier *c, bool *live, ig_plan *p, ig_error *err) {
    mark_live(g, outputs, count, live);
    count_users(g, outputs, count, live, c->users);
    c->live = live;
    for (int i = 0; i < g->count && !ig_graph_poisoned(c->to); i++)
        if (live[i]) copy_node(c, g, g->node[i]);
    IG_TRY(ig_graph_status(c->to, err));
    for (int i = 0; i < count; i++) p->output[i] = mapped(c, outputs[i]);
    return IG_OK;
}

ig_status ig_plan_finish(ig_plan *p, ig_plan_opts opts, ig_error *err) {
    IG_TRY(ig_plan_fuse(p, !opts.no_fusion, err));
    return ig_plan_layout(p, err);
}

ig_status ig_capture(ig_graph *g, ig_var *const *outputs, int count, ig_plan_opts opts, ig_plan **out, ig_error *err) {
    IG_TRY(ig_graph_status(g, err));
    for (int i = 0; i < count; i++)
        if (!outputs[i]) return ig_error_set(err, IG_E_ARG, "capture: output %d is missing", i);
    ig_plan *p = NULL;
    IG_TRY(ig_plan_new(g->ctx, count, &p, err));
    size_t n = (size_t)g->count + 1;
    bool *live = ig_calloc(n, sizeof *live);
    copier c = {.to = p->g, .map = ig_calloc(n * IG_OP_OUT_MAX, sizeof *c.map), .users = ig_calloc(n, sizeof *c.users)};
    ig_status s = live && c.map && c.users ? copy_live(g, outputs, count, &c, live, p, err) : ig_error_nomem(err, n * sizeof *c.map);
    ig_free(live);
    ig_free(c.map);
    ig_free(c.users);
    if (s == IG_OK) s = ig_plan_finish(p, opts, err);
    if (s == IG_OK) *out = p;
    else ig_plan_free(p);
    return s;
}
