/* graph/ops/state.c: changing leaves in place, and the norm that gradients are clipped by.
 *
 * An update is recorded like any other op, and happens at its place in the recording.  Its result is a view of the leaf
 * as it is afterwards; it is kept in a plan although nobody may read that.
 */
#include "graph/ops/ops.h"
#include "tensor/map.h"

#include <math.h>
#include <string.h>

/* ---- assign, accumulate --------------------------------------------------------------------------------------------------- */

/* The output is input 0 itself. */
static void out_is_leaf(ig_node *n) {
    n->out[0].t = n->in[0]->t;
    n->out[0].t.data = NULL, n->out[0].t.storage = NULL;
}

static ig_status update_shape(ig_node *n, ig_error *err) {
    const ig_tensor *leaf = &n->in[0]->t;
    ig_tensor view;
    IG_TRY(ig_tensor_broadcast(&view, &n->in[1]->t, leaf->ndim, leaf->shape, err));
    out_is_leaf(n);
    return IG_OK;
}

static ig_status assign_forward(const ig_run *r, ig_error *err) { return ig_copy_layout(r->ctx, r->in[0], r->in[1], err); }

static ig_status accumulate_forward(const ig_run *r, ig_error *err) {
    static const ig_map_program add = {.steps = 1, .inputs = 2, .outputs = 1, .step = {{.map = IG_MAP_add, .in = {0, 1}, .key = -1}}};
    (void)err;
    ig_map_run(r->ctx, &add, r->in, r->in); /* the output is input 0 */
    return IG_OK;
}

#define UPDATE_FLAGS (IG_OP_VIEW | IG_OP_EFFECT | IG_OP_NO_GRAD)

const ig_op ig_op_assign = {
    .name = "assign", .doc = "leaf = value, converted and broadcast", .nin_min = 2, .nin_max = 2, .nout = 1, .map = -1, .flags = UPDATE_FLAGS,
    .mutates = 1, .shape = update_shape, .forward = assign_forward,
};

const ig_op ig_op_accumulate = {
    .name = "accumulate", .doc = "leaf += value", .nin_min = 2, .nin_max = 2, .nout = 1, .map = -1, .flags = UPDATE_FLAGS, .mutates = 1,
    .shape = update_shape, .forward = accumulate_forward,
};

void ig_assign(ig_graph *g, ig_var *leaf, ig_var *value) {
    ig_var *in[] = {leaf, value};
    ig_record(g, &ig_op_assign, in, 2, NULL);
}

void ig_accumulate(ig_graph *g, ig_var *leaf, ig_var *value) {
    ig_var *in[] = {leaf, value};
    ig_record(g, &ig_op_accumulate, in, 2, NULL);
}

/* ---- global_norm ------------------------------------------------------------------------------------------------------------------ */

#define CHUNK ((int64_t)16384)

/* Is every element of t's memory one of t, once?  Then their order does not matter for a norm. */
static bool has_no_gaps(const ig_tensor *t) {
    int order[IG_DIMS_MAX];
    int64_t step = 1;
    ig_memory_order(t, order);
    for (int i = t->ndim - 1; i >= 0; i--) {
        int d = order[i];
        if (t->shape[d] != 1 && t->stride[d] != step) return ig_tensor_numel(t) == 0;
        step *= t->shape[d];
    }
    return true;
}

static ig_status global_norm_shape(ig_node *n, ig_error *err) {
    ig_dtype type = n->in[0]->t.dtype;
    for (int k = 0; k < n->nin; k++) {
        IG_TRY(ig_need_real(n, k, false, err));
        IG_TRY(ig_need_same_type(n, 0, k, err));
        if (!has_no_gaps(&n->in[k]->t)) return ig_error_set(err, IG_E_SHAPE, "input %d is not contiguous", k);
    }
    return ig_out_set(n, 0, type, 0, NULL, err);
}

static int64_t chunks_of(const ig_tensor *t) { return (ig_tensor_numel(t) + CHUNK - 1) / CHUNK; }

static size_t global_norm_scratch(ig_context *ctx, const ig_node *n) {
    int64_t chunks = 0;
    (void)ctx;
    for (int k = 0; k < n->nin; k++) chunks += chunks_of(&n->in[k]->t);
    return (size_t)chunks * sizeof(double);
}

static double sum_squares(const ig_run *r, const ig_tensor *t, int64_t chunk) {
    int64_t from = chunk * CHUNK, left = ig_tensor_numel(t) - from;
    size_t n = (size_t)(left < CHUNK ? left : CHUNK);
    if (ig_is_f64(t)) return r->k->row_sum_squares_f64((const double *)t->data + from, n);
    return (double)r->k->row_sum_squares((const float *)t->data + from, n);
}

/* Chunks are numbered through all inputs. */
static void norm_range(void *arg, size_t begin, size_t end, int thread) {
    const ig_run *r = arg;
    double *partial = r->scratch;
    int64_t chunk = (int64_t)begin;
    int k = 0;
    (void)thread;
    for (; chunk >= chunks_of(r->in[k]); k++) chunk -= chunks_of(r->in[k]);
    for (size_t i = begin; i < end; i++, chunk++) {
        while (chunk >= chunks_of(r->in[k])) chunk = 0, k++;
        partial[i] = sum_squares(r, r->in[k], chunk);
    }
}

static ig_status global_norm_forward(const ig_run *r, ig_error *err) {
    size_t chunks = global_norm_scratch(r->ctx, r->node) / sizeof(double);
    const double *partial = r->scratch;
    double sum = 0;
    ig_run arg = *r;
    (void)err;
    ig_parallel_for(r->ctx, chunks, 1, norm_range, &arg);
    for (size_t i = 0; i < chunks; i++) sum += partial[i];
    ig_tensor_set(r->out[0], 0, sqrt(sum));
    return IG_OK;
}

static void global_norm_back(ig_graph *g, ig_node *n, ig_var *const *d, ig_var **dx) {
    ig_var *share = ig_div(g, d[0], &n->out[0]);
    for (int k = 0; k < n->nin; k++)
        if (n->in[k]->requires_grad) dx[k] = ig_mul(g, n->in[k], share);
}

const ig_op ig_op_global_norm = {
    .name = "global_norm", .doc = "square root of the sum of all squares of all inputs", .nin_min = 1, .nin_max = -1, .nout = 1, .map = -1,
    .shape = global_norm_shape, .forward = global_norm_forward, .backward = global_norm_back, .scratch = global_norm_scratch,
};

ig_var *ig_global_norm(ig_graph *g, ig_var *const *xs, int count) {
    bool all = true;
    for (int k = 0; k < count && !ig_graph_poisoned(g); k++) all = all && xs[k] && has_no_gaps(&xs[k]->t);
    if (all || ig_graph_poisoned(g)) return ig_record(g, &ig_op_global_norm, xs, count, NULL);
    ig_var **dense = ig_graph_alloc(g, sizeof *dense * (size_t)count);
    for (int k = 0; dense && k < count; k++) dense[k] = xs[k] && !has_no_gaps(&xs[k]->t) ? ig_contiguous(g, xs[k]) : xs[k];
    return dense ? ig_record(g, &ig_op_global_norm, dense, count, NULL) : ig_poison(g, IG_E_NOMEM, "out of memory while recording");
}
