/* graph/ops/leaf.c: what a recording starts from: the caller's tensors, and constants. */
#include <string.h>

#include "graph/graph.h"

const ig_op ig_op_leaf = {.name = "leaf", .doc = "a tensor of the caller's: parameter, input or state", .nout = 1, .map = -1, .flags = IG_OP_NO_GRAD};

static bool same_memory(const ig_tensor *a, const ig_tensor *b) {
    return a->data == b->data && a->data && a->dtype == b->dtype && ig_tensor_same_shape(a, b) &&
           memcmp(a->stride, b->stride, sizeof *a->stride * (size_t)a->ndim) == 0;
}

static ig_var *find_leaf(ig_graph *g, const ig_tensor *t) {
    for (int i = 0; i < g->count; i++)
        if (g->node[i]->op == &ig_op_leaf && same_memory(&g->node[i]->out[0].t, t)) return &g->node[i]->out[0];
    return NULL;
}

static ig_var *leaf(ig_graph *g, const char *name, const ig_tensor *t, bool is_param) {
    if (ig_graph_poisoned(g)) return &g->dead_node.out[0];
    if (!t->data && ig_tensor_numel(t) > 0) return ig_poison(g, IG_E_ARG, "leaf %s has no memory", name ? name : "?");
    ig_var *known = find_leaf(g, t);
    if (!known) {
        ig_node *n = ig_node_new(g, &ig_op_leaf, 0, NULL);
        size_t len = name ? strlen(name) : 0;
        char *copy = n ? ig_graph_alloc(g, len + 1) : NULL;
        if (!copy) return &g->dead_node.out[0];
        if (len) memcpy(copy, name, len);
        n->name = copy;
        n->segment = 0; /* leaves are never recomputed */
        n->out[0].t = *t;
        ig_tensor_ref(t);
        known = &n->out[0];
    }
    if (is_param) known->requires_grad = known->node->is_param = true;
    return known;
}

ig_var *ig_input(ig_graph *g, const char *name, const ig_tensor *t) { return leaf(g, name, t, false); }
ig_var *ig_parameter(ig_graph *g, const char *name, const ig_tensor *t) { return leaf(g, name, t, true); }

/* ---- full: i = dtype, ndim, shape…; f = value ------------------------------------------------------------------------- */

static ig_status full_shape(ig_node *n, ig_error *err) {
    const int64_t *i = n->attrs.i;
    return ig_out_set(n, 0, (ig_dtype)i[0], (int)i[1], i + 2, err);
}

static ig_status full_forward(const ig_run *r, ig_error *err) {
    const ig_tensor *y = r->out[0];
    if (r->node->attrs.f[0] == 0) {
        memset(y->data, 0, ig_tensor_bytes(y));
        return IG_OK;
    }
    return ig_tensor_fill(r->ctx, y, r->node->attrs.f[0], err);
}

const ig_op ig_op_full = {
    .name = "full", .doc = "one value everywhere", .nout = 1, .map = -1, .flags = IG_OP_NO_GRAD,
    .shape = full_shape, .forward = full_forward, .attr_names = "dtype,ndim,size0,size1,size2,size3,size4,size5;value",
};

ig_var *ig_full(ig_graph *g, ig_dtype dtype, int ndim, const int64_t *shape, double value) {
    ig_attrs a = {.i = {dtype, ndim}, .f = {value}};
    if (ndim < 0 || ndim > IG_DIMS_MAX) return ig_poison(g, IG_E_SHAPE, "full: %d dimensions", ndim);
    if (ndim) memcpy(a.i + 2, shape, sizeof *shape * (size_t)ndim);
    return ig_record(g, &ig_op_full, NULL, 0, &a);
}

ig_var *ig_constant(ig_graph *g, double value) { return ig_full(g, IG_DTYPE_F32, 0, NULL, value); }
