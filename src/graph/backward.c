/* graph/backward.c: reverse-mode differentiation as a transformation of the recording.
 *
 * Nodes are visited from the loss backwards.  Each has collected the gradients of its outputs by then, since all who use
 * them stand behind it; its op records the gradients of its inputs, which are added to what those have collected.  The
 * gradient is made of ordinary ops, so it can be captured, fused, and differentiated again.
 *
 * Recomputation (Chen et al. 2016, "Training deep nets with sublinear memory cost"): the backward of a node inside a
 * stretch is recorded over a copy of that node, whose inputs are copies too, up to what lies outside of the stretch or
 * was named a result.  The originals are then needed by nobody after the forward pass, and their memory is free.
 */
#include "graph/graph.h"

#include <string.h>

/* ---- recomputation ------------------------------------------------------------------------------------------------------- */

void ig_recompute_begin(ig_graph *g) {
    if (g->segment) {
        ig_poison(g, IG_E_STATE, "recomputation stretches cannot be nested");
        return;
    }
    g->segment = ++g->segments;
}

/* An eager graph gives the memory of the stretch back at once. */
static void release_stretch(ig_graph *g, int segment) {
    for (int i = 0; i < g->count; i++) {
        ig_node *n = g->node[i];
        if (n->segment != segment || n->segment_result || n->op == &ig_op_leaf) continue;
        for (int k = 0; k < n->nout; k++) ig_tensor_unref(&n->out[k].t);
    }
}

void ig_recompute_end(ig_graph *g, ig_var *const *results, int count) {
    int segment = g->segment;
    g->segment = 0;
    if (!segment || ig_graph_poisoned(g)) return;
    for (int i = 0; i < count; i++) results[i]->node->segment_result = true;
    if (g->mode == IG_GRAPH_EAGER) release_stretch(g, segment);
}

static ig_node *again(ig_graph *g, ig_node *n);

/* The variable that a copy of a node of `segment` reads instead of v. */
static ig_var *again_var(ig_graph *g, ig_var *v, int segment) {
    ig_node *n = v->node;
    if (n->segment != segment || n->segment_result || n->op == &ig_op_leaf) return v;
    ig_node *copy = again(g, n);
    return copy ? &copy->out[v->index] : NULL;
}

/* Recursion goes no deeper than one stretch is long: a layer. */
static ig_node *again(ig_graph *g, ig_node *n) {
    if (!n->segment || n->again) return n->segment ? n->again : n;
    ig_var **in = ig_graph_alloc(g, sizeof *in * (size_t)(n->nin ? n->nin : 1));
    if (!in) return NULL;
    for (int i = 0; i < n->nin; i++)
        if (!(in[i] = again_var(g, n->in[i], n->segment))) return NULL;
    return n->again = ig_node_copy(g, n, in);
}

/* ---- collecting gradients ---------------------------------------------------------------------------------------------------- */

/* Is v = rows scattered into zeros?  Then a sum with it can scatter into the other addend instead. */
static bool scatters_into_zeros(const ig_var *v) {
    if (v->node->op != &ig_op_scatter_rows) return false;
    const ig_node *base = v->node->in[0]->node;
    return base->op == &ig_op_full && base->attrs.f[0] == 0;
}

static ig_var *sum_of(ig_graph *g, ig_var *a, ig_var *b) {
    if (!a) return b;
    if (scatters_into_zeros(b)) return ig_scatter_rows(g, a, b->node->in[1], b->node->in[2]);
    return ig_add(g, a, b);
}

static bool check_gradient(ig_graph *g, const ig_node *n, int k, const ig_var *dx) {
    char have[128], want[128];
    if (ig_tensor_same_shape(&dx->t, &n->in[k]->t)) return true;
    ig_poison(g, IG_E_INTERNAL, "%s: the gradient of input %d has the shape %s instead of %s", n->op->name, k,
              ig_tensor_shape_text(&dx->t, have, sizeof have), ig_tensor_shape_text(&n->in[k]->t, want, sizeof want));
    return false;
}

/* Take the gradients that n's outputs have collected; false when there are none. */
static bool take_pending(ig_graph *g, ig_node *n, ig_var **dy) {
    bool any = false;
    for (int k = 0; k < n->nout; k++) {
        dy[k] = n->out[k].pending;
        n->out[k].pending = NULL;
        if (!dy[k]) continue;
        any = true;
        n->out[k].grad = sum_of(g, n->out[k].grad, dy[k]);
    }
    return any;
}

static void pass_on(ig_graph *g, ig_node *n) {
    ig_var *dy[IG_OP_OUT_MAX];
    if (!take_pending(g, n, dy) || !n->op->backward) return;
    bool flows = false;
    for (int i = 0; i < n->nin; i++) flows |= n->in[i]->requires_grad;
    ig_node *seen = flows ? again(g, n) : NULL;
    ig_var **dx = seen ? ig_graph_alloc(g, sizeof *dx * (size_t)(n->nin ? n->nin : 1)) : NULL;
    if (!dx) return;
    n->op->backward(g, seen, dy, dx);
    for (int i = 0; i < n->nin && !ig_graph_poisoned(g); i++) {
        ig_var *x = n->in[i];
        if (!dx[i] || !x->requires_grad || !check_gradient(g, n, i, dx[i])) continue;
        x->pending = sum_of(g, x->pending, dx[i]);
    }
}

void ig_backward_from(ig_graph *g, ig_var *y, ig_var *dy) {
    if (ig_graph_poisoned(g)) return;
    if (!ig_tensor_same_shape(&y->t, &dy->t)) {
        ig_poison(g, IG_E_SHAPE, "backward: the gradient of the output has another shape than the output");
        return;
    }
    if (g->segment) {
        ig_poison(g, IG_E_STATE, "backward inside a recomputation stretch: end it first");
        return;
    }
    y->pending = dy;
    for (int i = y->node->id; i >= 0 && !ig_graph_poisoned(g); i--) pass_on(g, g->node[i]);
}

void ig_backward(ig_graph *g, ig_var *loss) {
    if (ig_graph_poisoned(g)) return;
    if (ig_tensor_numel(&loss->t) != 1) {
        ig_poison(g, IG_E_SHAPE, "backward needs a scalar loss; give a gradient with ig_backward_from for other shapes");
        return;
    }
    ig_backward_from(g, loss, ig_full(g, loss->t.dtype, loss->t.ndim, loss->t.shape, 1.0));
}

ig_var *ig_gradient(ig_graph *g, ig_var *v) { return ig_graph_poisoned(g) ? NULL : v->grad; }

