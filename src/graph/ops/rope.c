/* graph/ops/rope.c: rotary positions.   (Su et al. 2021, "RoFormer")
 *
 * Every pair (a, b) of a head turns by an angle that grows with the position:
 *
 *     a' = a·cos - b·sin,  b' = b·cos + a·sin        angle of pair i at position p:  p·theta^(-2i/R)
 *
 * Sines and cosines are a node of their own, rope_table, recorded once for all layers that use the same positions; it is
 * computed in double for the positions of that run.  The gradient turns back: the same op with the sign -1.
 */
#include "graph/ops/ops.h"

#include <math.h>
#include <string.h>

#define PI 3.14159265358979323846

/* ---- rope_table: positions [T] → cos, sin [T,R/2]; i = R, dtype, original context; f = theta, factor, low, high -------------------------------------------------- */

static ig_status table_shape(ig_node *n, ig_error *err) {
    const ig_tensor *p = &n->in[0]->t;
    int64_t R = n->attrs.i[0], dtype = n->attrs.i[1], shape[2] = {0, R / 2};
    IG_TRY(ig_need_indices(n, 0, err));
    if (p->ndim != 1) return ig_error_set(err, IG_E_SHAPE, "positions must be [T], they have %d dimensions", p->ndim);
    if (R < 2 || R % 2) return ig_error_set(err, IG_E_SHAPE, "%lld dimensions cannot turn in pairs", (long long)R);
    if (dtype != IG_DTYPE_F32 && dtype != IG_DTYPE_F64) return ig_error_set(err, IG_E_DTYPE, "the table must be f32 or f64");
    if (n->attrs.f[1] != 0 && !(n->attrs.f[1] >= 1 && n->attrs.i[2] >= 0 && (n->attrs.i[2] == 0 || n->attrs.f[3] > n->attrs.f[2])))
        return ig_error_set(err, IG_E_ARG, "positions scaled by %g, %g … %g", n->attrs.f[1], n->attrs.f[2], n->attrs.f[3]);
    if (!(n->attrs.f[0] > 0)) return ig_error_set(err, IG_E_ARG, "theta %g is not positive", n->attrs.f[0]);
    shape[0] = p->shape[0];
    IG_TRY(ig_out_set(n, 0, (ig_dtype)dtype, 2, shape, err));
    return ig_out_set(n, 1, (ig_dtype)dtype, 2, shape, err);
}

typedef struct table_job {
    const ig_run *r;
    int64_t pairs;
    const double *frequency; /* [pairs], in scratch */
} table_job;

static void table_range(void *arg, size_t begin, size_t end, int thread) {
    const table_job *j = arg;
    const ig_tensor *c = j->r->out[0], *s = j->r->out[1];
    (void)thread;
    for (int64_t t = (int64_t)begin; t < (int64_t)end; t++) {
        double position = (double)ig_index_at(j->r->in[0], t);
        for (int64_t i = 0, at = t * j->pairs; i < j->pairs; i++, at++) {
            double angle = position * j->frequency[i];
            if (ig_is_f64(c)) ((double *)c->data)[at] = cos(angle), ((double *)s->data)[at] = sin(angle);
            else ((float *)c->data)[at] = (float)cos(angle), ((float *)s->data)[at] = (float)sin(angle);
        }
    }
}

/* Llama 3.1: short waves as they are, long ones stretched, those between by parts. */
static double scaled(double frequency, const ig_attrs *a) {
    double factor = a->f[1], low = a->f[2], high = a->f[3], context = (double)a->i[2];
    if (factor == 0) return frequency;
    if (context == 0) return frequency / factor;
    double turns = context * frequency / (2 * PI), share = (turns - low) / (high - low);
    if (share >= 1) return frequency;
    return share <= 0 ? frequency / factor : (1 - share) * frequency / factor + share * frequency;
}

double ig_rope_frequency(const ig_attrs *a, int64_t pair, int64_t pairs) { return scaled(pow(a->f[0], -(double)pair / (double)pairs), a); }

static ig_status table_forward(const ig_run *r, ig_error *err) {
    table_job j = {.r = r, .pairs = r->out[0]->shape[1], .frequency = r->scratch};
    double *f = r->scratch;
    (void)err;
    for (int64_t i = 0; i < j.pairs; i++) f[i] = ig_rope_frequency(&r->node->attrs, i, j.pairs);
    ig_parallel_for(r->ctx, (size_t)r->out[0]->shape[0], ig_grain(64 * (size_t)j.pairs), table_range, &j);
    return IG_OK;
}

static size_t table_scratch(ig_context *ctx, const ig_node *n) {
    (void)ctx;
    return (size_t)n->attrs.i[0] / 2 * sizeof(double);
}

const ig_op ig_op_rope_table = {
    .name = "rope_table", .doc = "cos and sin of position·theta^(-2i/dims): positions [T] give two [T,dims/2]", .nin_min = 1, .nin_max = 1, .nout = 2,
    .map = -1, .flags = IG_OP_NO_GRAD, .shape = table_shape, .forward = table_forward, .scratch = table_scratch, .attr_names = "dims,dtype,original_context;theta,factor,low,high",
};

/* ---- rope: x [...,T,D], cos, sin; i = half, backwards ------------------------------------------------------------------------------ */

static ig_status rope_shape(ig_node *n, ig_error *err) {
    const ig_tensor *x = &n->in[0]->t, *c = &n->in[1]->t;
    IG_TRY(ig_need_real(n, 0, false, err));
    if (x->ndim < 2) return ig_error_set(err, IG_E_SHAPE, "x must be [...,T,D]");
    int64_t D = x->shape[x->ndim - 1];
    if (D > 1 && x->stride[x->ndim - 1] != 1) return ig_error_set(err, IG_E_SHAPE, "the head size is not contiguous");
    for (int k = 1; k < 3; k++) {
        IG_TRY(ig_need_real(n, k, true, err));
        IG_TRY(ig_need_shape(n, k, x->dtype, 2, (int64_t[]){x->shape[x->ndim - 2], c->ndim == 2 ? c->shape[1] : -1}, err));
    }
    if (c->shape[1] > D / 2) return ig_error_set(err, IG_E_SHAPE, "%lld pairs turn in a head of size %lld", (long long)c->shape[1], (long long)D);
    IG_TRY(ig_out_set_like(n, 0, x, x->ndim, x->shape, err));
    return n->out[0].t.stride[x->ndim - 1] == 1 || D <= 1 ? IG_OK : ig_out_set(n, 0, x->dtype, x->ndim, x->shape, err);
}

typedef struct rope_job {
    const ig_run *r;
    int order[IG_DIMS_MAX]; /* dims but the last, slowest in memory first */
    int dims;               /* their number */
    size_t D, pairs;
    bool half;
    double sign;
} rope_job;

static void turn_row(const rope_job *j, int64_t from, int64_t to, int64_t t) {
    const ig_run *r = j->r;
    size_t R = 2 * j->pairs, rest = j->D - R, row = (size_t)t * j->pairs;
    const void *x = r->in[0]->data, *c = r->in[1]->data, *s = r->in[2]->data;
    void *y = r->out[0]->data;
    if (ig_is_f64(r->in[0])) {
        r->k->rope_row_f64((double *)y + to, (const double *)x + from, (const double *)c + row, (const double *)s + row, R, j->half, j->sign);
        memcpy((double *)y + to + R, (const double *)x + from + R, rest * sizeof(double));
    } else {
        r->k->rope_row((float *)y + to, (const float *)x + from, (const float *)c + row, (const float *)s + row, R, j->half, (float)j->sign);
        memcpy((float *)y + to + R, (const float *)x + from + R, rest * sizeof(float));
    }
}

static void rope_range(void *arg, size_t begin, size_t end, int thread) {
    const rope_job *j = arg;
    const ig_tensor *x = j->r->in[0], *y = j->r->out[0];
    (void)thread;
    for (size_t row = begin; row < end; row++) {
        int64_t left = (int64_t)row, from = 0, to = 0, t = 0;
        for (int i = j->dims - 1; i >= 0; i--) {
            int d = j->order[i];
            int64_t at = left % y->shape[d];
            left /= y->shape[d];
            from += at * x->stride[d], to += at * y->stride[d];
            if (d == y->ndim - 2) t = at;
        }
        turn_row(j, from, to, t);
    }
}

static ig_status rope_forward(const ig_run *r, ig_error *err) {
    const ig_tensor *y = r->out[0];
    rope_job j = {.r = r, .D = (size_t)y->shape[y->ndim - 1], .pairs = (size_t)r->in[1]->shape[1], .half = r->node->attrs.i[0] != 0,
                  .sign = r->node->attrs.i[1] ? -1 : 1};
    int order[IG_DIMS_MAX];
    (void)err;
    if (ig_tensor_numel(y) == 0) return IG_OK;
    ig_memory_order(y, order);
    for (int i = 0; i < y->ndim; i++)
        if (order[i] != y->ndim - 1) j.order[j.dims++] = order[i];
    ig_parallel_for(r->ctx, (size_t)ig_tensor_numel(y) / j.D, ig_grain(j.D), rope_range, &j);
    return IG_OK;
}

static ig_var *turn(ig_graph *g, ig_var *x, ig_var *c, ig_var *s, bool half, bool backwards) {
    ig_attrs a = {.i = {half, backwards}};
    if (ig_graph_poisoned(g)) return x;
    bool rows = x->t.ndim == 0 || ig_dim(x, -1) <= 1 || x->t.stride[x->t.ndim - 1] == 1;
    ig_var *in[] = {rows ? x : ig_contiguous(g, x), c, s};
    return ig_record(g, &ig_op_rope, in, 3, &a);
}

static void rope_back(ig_graph *g, ig_node *n, ig_var *const *d, ig_var **dx) {
    dx[0] = turn(g, d[0], n->in[1], n->in[2], n->attrs.i[0] != 0, n->attrs.i[1] == 0);
}

const ig_op ig_op_rope = {
    .name = "rope", .doc = "pairs of the last dim turned by their position: x [...,T,D], cos, sin [T,dims/2]   (Su et al. 2021)", .nin_min = 3,
    .nin_max = 3, .nout = 1, .map = -1, .shape = rope_shape, .forward = rope_forward, .backward = rope_back, .attr_names = "half,backwards",
};

/* ---- recording ------------------------------------------------------------------------------------------------------------------------- */

static bool changes(const ig_node *n, const ig_var *leaf) {
    for (int k = 0; k < n->nin; k++)
        if (n->in[k] == leaf && ig_node_mutates(n, k)) return true;
    return false;
}

/* The table that these positions have already, unless they were changed since. */
static ig_var *find_table(const ig_graph *g, const ig_var *positions, const ig_attrs *a) {
    for (int i = g->count - 1; i >= 0; i--) {
        const ig_node *n = g->node[i];
        if (changes(n, positions)) return NULL;
        if (n->op == &ig_op_rope_table && n->in[0] == positions && memcmp(&n->attrs, a, sizeof *a) == 0) return &g->node[i]->out[0];
    }
    return NULL;
}

/* A table of a leaf's positions stands outside of recomputation stretches: it is small, and every layer reads it. */
static ig_var *table_of(ig_graph *g, ig_var *positions, const ig_attrs *a) {
    int segment = g->segment;
    bool leaf = ig_var_is_leaf(positions);
    ig_var *known = leaf ? find_table(g, positions, a) : NULL;
    if (known) return known;
    if (leaf) g->segment = 0;
    positions = ig_contiguous(g, positions);
    ig_var *table = ig_record(g, &ig_op_rope_table, &positions, 1, a);
    g->segment = segment;
    return table;
}

ig_var *ig_rope(ig_graph *g, ig_var *x, ig_var *positions, double theta, bool half) {
    return ig_rope_scaled(g, x, positions, theta, (ig_rope_scaling){0}, half);
}

ig_var *ig_rope_scaled(ig_graph *g, ig_var *x, ig_var *positions, double theta, ig_rope_scaling scaling, bool half) {
    if (ig_graph_poisoned(g)) return x;
    ig_attrs a = {.i = {ig_dim(x, -1), x->t.dtype, scaling.original_context},
                  .f = {theta, scaling.factor, scaling.low_frequency, scaling.high_frequency}};
    ig_var *c = table_of(g, positions, &a);
    return ig_graph_poisoned(g) ? c : turn(g, x, c, &c->node->out[1], half, false);
}
