/* graph/graph.c: recording.
 *
 * A recording is an array of nodes in the order of the calls; a node's inputs stand before it.  Nodes live in chunks that
 * belong to the graph and are kept over ig_graph_reset, so that a dynamic training loop settles to no allocation for
 * them.  In an eager graph every node also owns the memory of its outputs until the recording is forgotten.
 */
#include "graph/graph.h"

#include <string.h>

#define CHUNK_BYTES ((size_t)64 << 10)

struct ig_chunk {
    ig_chunk *next;
    size_t used, size;
};

/* ---- life ------------------------------------------------------------------------------------------------------------ */

static void make_dead(ig_graph *g) {
    memset(&g->dead_node, 0, sizeof g->dead_node);
    g->dead_node.op = &ig_op_leaf;
    g->dead_node.id = -1;
    g->dead_node.nout = 1;
    g->dead_node.out[0].node = &g->dead_node;
}

ig_status ig_graph_new(ig_context *ctx, ig_graph_mode mode, ig_graph **out, ig_error *err) {
    ig_graph *g = ig_calloc(1, sizeof *g);
    if (!g) return ig_error_nomem(err, sizeof *g);
    g->ctx = ctx, g->mode = mode;
    make_dead(g);
    *out = g;
    return IG_OK;
}

static void free_chunks(ig_chunk *c) {
    while (c) {
        ig_chunk *next = c->next;
        ig_free(c);
        c = next;
    }
}

void ig_graph_reset(ig_graph *g) {
    for (int i = 0; i < g->count; i++)
        for (int k = 0; k < g->node[i]->nout; k++) ig_tensor_unref(&g->node[i]->out[k].t);
    while (g->chunk) {
        ig_chunk *c = g->chunk;
        g->chunk = c->next;
        c->used = 0, c->next = g->spare, g->spare = c;
    }
    g->count = 0, g->streams = 0, g->segment = 0, g->segments = 0;
    g->error = (ig_error){0};
    make_dead(g);
}

void ig_graph_free(ig_graph *g) {
    if (!g) return;
    ig_graph_reset(g);
    free_chunks(g->spare);
    ig_free(g->node);
    ig_free(g);
}

ig_context *ig_graph_context(const ig_graph *g) { return g->ctx; }
size_t ig_graph_node_count(const ig_graph *g) { return (size_t)g->count; }
uint64_t ig_graph_next_stream(ig_graph *g) { return g->streams++; }

/* ---- errors ---------------------------------------------------------------------------------------------------------- */

bool ig_graph_poisoned(const ig_graph *g) { return g->error.code != IG_OK; }

ig_status ig_graph_status(const ig_graph *g, ig_error *err) {
    if (err && g->error.code != IG_OK) *err = g->error;
    return g->error.code;
}

ig_var *ig_poison(ig_graph *g, ig_status code, const char *fmt, ...) {
    if (g->error.code == IG_OK) {
        va_list args;
        va_start(args, fmt);
        char text[sizeof g->error.message];
        vsnprintf(text, sizeof text, fmt, args);
        va_end(args);
        ig_error_set(&g->error, code, "%s", text);
    }
    return &g->dead_node.out[0];
}

/* ---- memory ------------------------------------------------------------------------------------------------------------ */

static ig_chunk *take_chunk(ig_graph *g, size_t need) {
    if (g->spare && g->spare->size >= need) {
        ig_chunk *c = g->spare;
        g->spare = c->next;
        return c;
    }
    size_t size = need > CHUNK_BYTES ? need : CHUNK_BYTES;
    ig_chunk *c = ig_malloc(sizeof *c + size);
    if (c) c->used = 0, c->size = size;
    return c;
}

void *ig_graph_alloc(ig_graph *g, size_t n) {
    n = (n + 15) & ~(size_t)15;
    if (!g->chunk || g->chunk->size - g->chunk->used < n) {
        ig_chunk *c = take_chunk(g, n);
        if (!c) {
            ig_poison(g, IG_E_NOMEM, "out of memory while recording (%zu bytes)", n);
            return NULL;
        }
        c->next = g->chunk, g->chunk = c;
    }
    void *p = (char *)(g->chunk + 1) + g->chunk->used;
    g->chunk->used += n;
    return memset(p, 0, n);
}

static bool grow_nodes(ig_graph *g) {
    if (g->count < g->cap) return true;
    if (g->count >= IG_GRAPH_NODES_MAX) {
        ig_poison(g, IG_E_LIMIT, "a recording has at most %d ops; reset the graph between steps", IG_GRAPH_NODES_MAX);
        return false;
    }
    int cap = g->cap ? g->cap * 2 : 256;
    ig_node **p = ig_realloc_array(g->node, (size_t)cap, sizeof *p);
    if (!p) {
        ig_poison(g, IG_E_NOMEM, "out of memory while recording");
        return false;
    }
    g->node = p, g->cap = cap;
    return true;
}

ig_node *ig_node_new(ig_graph *g, const ig_op *op, int nin, const ig_attrs *attrs) {
    if (ig_graph_poisoned(g) || !grow_nodes(g)) return NULL;
    ig_node *n = ig_graph_alloc(g, sizeof *n);
    ig_var **in = ig_graph_alloc(g, sizeof *in * (size_t)(nin ? nin : 1));
    if (!n || !in) return NULL;
    n->op = op, n->id = g->count, n->nin = nin, n->in = in, n->nout = op->nout, n->segment = g->segment;
    if (attrs) n->attrs = *attrs;
    for (int k = 0; k < n->nout; k++) n->out[k].node = n, n->out[k].index = k;
    g->node[g->count++] = n;
    return n;
}

/* ---- asking -------------------------------------------------------------------------------------------------------------- */

const ig_tensor *ig_value(const ig_var *v) { return &v->t; }
ig_dtype ig_var_dtype(const ig_var *v) { return v->t.dtype; }
int ig_ndim(const ig_var *v) { return v->t.ndim; }
bool ig_var_is_leaf(const ig_var *v) { return v->node->op == &ig_op_leaf; }
bool ig_node_is_view(const ig_node *n) { return (n->op->flags & IG_OP_VIEW) != 0; }

int64_t ig_dim(const ig_var *v, int axis) {
    if (axis < 0) axis += v->t.ndim;
    return axis >= 0 && axis < v->t.ndim ? v->t.shape[axis] : 0;
}

bool ig_node_mutates(const ig_node *n, int input) {
    int every = n->op->mutates_every;
    if (every > 0) {
        int first = n->op->nin_min; /* the fixed inputs before the repeating ones */
        return input >= first && (n->op->mutates >> ((input - first) % every) & 1);
    }
    return input < 31 && (n->op->mutates >> input & 1);
}

/* ---- recording an op -------------------------------------------------------------------------------------------------------- */

static bool check_inputs(ig_graph *g, const ig_op *op, ig_var *const *in, int nin) {
    if (nin < op->nin_min || (op->nin_max >= 0 && nin > op->nin_max)) {
        ig_poison(g, IG_E_ARG, "%s: %d inputs", op->name, nin);
        return false;
    }
    for (int i = 0; i < nin; i++) {
        if (!in[i]) {
            ig_poison(g, IG_E_ARG, "%s: input %d is missing", op->name, i);
            return false;
        }
        if (in[i]->node == &g->dead_node) {
            ig_poison(g, IG_E_STATE, "%s: input %d comes from before the graph was reset", op->name, i);
            return false;
        }
    }
    return true;
}

static bool check_mutated(ig_graph *g, const ig_node *n) {
    for (int i = 0; i < n->nin; i++) {
        if (ig_node_mutates(n, i) && !ig_var_is_leaf(n->in[i])) {
            ig_poison(g, IG_E_ARG, "%s: input %d is changed in place, so it must be a leaf", n->op->name, i);
            return false;
        }
    }
    return true;
}

static void mark_differentiable(ig_node *n) {
    bool flows = false;
    if (!n->op->backward || n->op->flags & IG_OP_NO_GRAD) return;
    for (int i = 0; i < n->nin; i++) flows |= n->in[i]->requires_grad;
    for (int k = 0; k < n->nout; k++) n->out[k].requires_grad = flows && ig_dtype_is_float(n->out[k].t.dtype);
}

ig_var *ig_record(ig_graph *g, const ig_op *op, ig_var *const *in, int nin, const ig_attrs *attrs) {
    ig_var *dead = &g->dead_node.out[0];
    if (ig_graph_poisoned(g) || !check_inputs(g, op, in, nin)) return dead;
    ig_node *n = ig_node_new(g, op, nin, attrs);
    if (!n) return dead;
    if (nin) memcpy(n->in, in, sizeof *in * (size_t)nin);
    ig_error err = {0};
    if (op->shape && op->shape(n, &err) != IG_OK) {
        g->count--;
        return ig_poison(g, err.code, "%s: %s", op->name, err.message);
    }
    if (!check_mutated(g, n)) return dead;
    mark_differentiable(n);
    if (g->mode == IG_GRAPH_EAGER) ig_node_compute(g, n);
    return ig_graph_poisoned(g) ? dead : &n->out[0];
}

ig_node *ig_node_copy(ig_graph *g, const ig_node *n, ig_var *const *in) {
    ig_node *c = ig_node_new(g, n->op, n->nin, &n->attrs);
    if (!c) return NULL;
    if (n->nin) memcpy(c->in, in, sizeof *in * (size_t)n->nin);
    for (int k = 0; k < n->nout; k++) {
        c->out[k].t = n->out[k].t;
        c->out[k].t.data = NULL, c->out[k].t.storage = NULL;
    }
    mark_differentiable(c);
    if (g->mode == IG_GRAPH_EAGER) ig_node_compute(g, c);
    return ig_graph_poisoned(g) ? NULL : c;
}

/* ---- eager computation ---------------------------------------------------------------------------------------------------------- */

static ig_status eager_outputs(ig_graph *g, ig_node *n, ig_error *err) {
    for (int k = 0; k < n->nout; k++) {
        ig_tensor *t = &n->out[k].t;
        if (ig_node_is_view(n)) {
            const ig_tensor *base = &n->in[0]->t;
            size_t offset = n->op->view ? n->op->view(n, k) : 0;
            t->data = (char *)base->data + offset * ig_dtype_size(t->dtype);
            t->storage = base->storage;
            ig_tensor_ref(t);
        } else {
            IG_TRY(ig_tensor_alloc(g->ctx, t, err));
        }
    }
    return IG_OK;
}

static ig_status eager_run(ig_graph *g, ig_node *n, ig_error *err) {
    IG_TRY(eager_outputs(g, n, err));
    if (!n->op->forward) return IG_OK;
    const ig_tensor *small[16], *outs[IG_OP_OUT_MAX];
    const ig_tensor **ins = n->nin <= 16 ? small : ig_malloc(sizeof *ins * (size_t)n->nin);
    size_t scratch = n->op->scratch ? n->op->scratch(g->ctx, n) : 0;
    void *memory = scratch ? ig_malloc_aligned(scratch) : NULL;
    ig_status s = !ins || (scratch && !memory) ? ig_error_nomem(err, scratch) : IG_OK;
    if (s == IG_OK) {
        for (int i = 0; i < n->nin; i++) ins[i] = &n->in[i]->t;
        for (int k = 0; k < n->nout; k++) outs[k] = &n->out[k].t;
        ig_run r = {.ctx = g->ctx, .k = ig_kernels_of(g->ctx), .node = n, .in = ins, .out = outs, .scratch = memory};
        s = n->op->forward(&r, err);
    }
    if (ins != small) ig_free(ins);
    if (memory) ig_free_aligned(memory, scratch);
    return s;
}

void ig_node_compute(ig_graph *g, ig_node *n) {
    ig_error err = {0};
    if (n->op == &ig_op_leaf) return;
    for (int i = 0; i < n->nin; i++) {
        if (!n->in[i]->t.data && ig_tensor_numel(&n->in[i]->t) > 0) {
            ig_poison(g, IG_E_STATE, "%s: input %d has no value (was it released by a recomputation stretch?)", n->op->name, i);
            return;
        }
    }
    if (eager_run(g, n, &err) != IG_OK) ig_poison(g, err.code, "%s: %s", n->op->name, err.message);
}

/* ---- shape rules that many ops share --------------------------------------------------------------------------------------------- */

ig_status ig_out_set(ig_node *n, int k, ig_dtype dtype, int ndim, const int64_t *shape, ig_error *err) {
    return ig_tensor_describe(&n->out[k].t, dtype, ndim, shape, err);
}

ig_status ig_shape_same(ig_node *n, ig_error *err) {
    const ig_tensor *x = &n->in[0]->t;
    return ig_out_set(n, 0, x->dtype, x->ndim, x->shape, err);
}

ig_status ig_broadcast_shape(const ig_tensor *a, const ig_tensor *b, int *ndim, int64_t *shape, ig_error *err) {
    char left[128], right[128];
    int n = a->ndim > b->ndim ? a->ndim : b->ndim;
    for (int i = 0; i < n; i++) {
        int ia = i - (n - a->ndim), ib = i - (n - b->ndim);
        int64_t sa = ia < 0 ? 1 : a->shape[ia], sb = ib < 0 ? 1 : b->shape[ib];
        if (sa != sb && sa != 1 && sb != 1)
            return ig_error_set(err, IG_E_SHAPE, "%s and %s do not broadcast", ig_tensor_shape_text(a, left, sizeof left),
                                ig_tensor_shape_text(b, right, sizeof right));
        shape[i] = sa == 1 ? sb : sa;
    }
    *ndim = n;
    return IG_OK;
}
