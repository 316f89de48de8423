/* graph/ops/softmax.c: softmax and its logarithm along the last dim; another axis is brought there by views. */
#include "graph/graph.h"

static ig_status float_shape(ig_node *n, ig_error *err) {
    ig_dtype t = n->in[0]->t.dtype;
    for (int k = 0; k < n->nin; k++) {
        if (n->in[k]->t.dtype != t || (t != IG_DTYPE_F32 && t != IG_DTYPE_F64)) return ig_error_set(err, IG_E_DTYPE, "takes f32 or f64");
        if (!ig_tensor_is_contiguous(&n->in[k]->t) || n->in[k]->t.ndim < 1) return ig_error_set(err, IG_E_SHAPE, "rows must be contiguous");
    }
    return ig_shape_same(n, err);
}

typedef struct softmax_job {
    const ig_kernels *k;
    const ig_tensor *a, *b, *y; /* x; or dy, y */
    size_t n;
    bool logarithm;
} softmax_job;

static void forward_range(void *arg, size_t begin, size_t end, int thread) {
    const softmax_job *j = arg;
    (void)thread;
    for (size_t r = begin; r < end; r++) {
        size_t o = r * j->n;
        if (j->y->dtype == IG_DTYPE_F64) (j->logarithm ? j->k->log_softmax_row_f64 : j->k->softmax_row_f64)((double *)j->y->data + o, (const double *)j->a->data + o, j->n);
        else (j->logarithm ? j->k->log_softmax_row : j->k->softmax_row)((float *)j->y->data + o, (const float *)j->a->data + o, j->n);
    }
}

static void backward_range(void *arg, size_t begin, size_t end, int thread) {
    const softmax_job *j = arg;
    (void)thread;
    for (size_t r = begin; r < end; r++) {
        size_t o = r * j->n;
        if (j->y->dtype == IG_DTYPE_F64)
            (j->logarithm ? j->k->log_softmax_grad_row_f64 : j->k->softmax_grad_row_f64)((double *)j->y->data + o, (const double *)j->a->data + o, (const double *)j->b->data + o, j->n);
        else
            (j->logarithm ? j->k->log_softmax_grad_row : j->k->softmax_grad_row)((float *)j->y->data + o, (const float *)j->a->data + o, (const float *)j->b->data + o, j->n);
    }
}

static ig_status run_rows(const ig_run *r, bool logarithm, ig_range_fn *fn) {
    const ig_tensor *y = r->out[0];
    softmax_job j = {.k = r->k, .a = r->in[0], .b = r->node->nin > 1 ? r->in[1] : NULL, .y = y, .n = (size_t)y->shape[y->ndim - 1], .logarithm = logarithm};
    if (j.n) ig_parallel_for(r->ctx, (size_t)ig_tensor_numel(y) / j.n, 1 + 8192 / j.n, fn, &j);
    return IG_OK;
}

static ig_status softmax_forward(const ig_run *r, ig_error *err) { (void)err; return run_rows(r, false, forward_range); }
static ig_status log_softmax_forward(const ig_run *r, ig_error *err) { (void)err; return run_rows(r, true, forward_range); }
static ig_status softmax_grad_forward(const ig_run *r, ig_error *err) { (void)err; return run_rows(r, false, backward_range); }
static ig_status log_softmax_grad_forward(const ig_run *r, ig_error *err) { (void)err; return run_rows(r, true, backward_range); }

const ig_op ig_op_softmax_grad = {
    .name = "softmax_grad", .doc = "y·(dy - Σ dy·y), from dy and y", .nin_min = 2, .nin_max = 2, .nout = 1, .map = -1, .flags = IG_OP_IN_PLACE,
    .shape = float_shape, .forward = softmax_grad_forward,
};
const ig_op ig_op_log_softmax_grad = {
    .name = "log_softmax_grad", .doc = "dy - eʸ·Σ dy, from dy and y", .nin_min = 2, .nin_max = 2, .nout = 1, .map = -1, .flags = IG_OP_IN_PLACE,
    .shape = float_shape, .forward = log_softmax_grad_forward,
};

static void back(ig_graph *g, const ig_op *op, ig_node *n, ig_var *const *d, ig_var **dx) {
    ig_var *in[] = {ig_contiguous(g, d[0]), &n->out[0]};
    dx[0] = ig_record(g, op, in, 2, NULL);
}
static void softmax_back(ig_graph *g, ig_node *n, ig_var *const *d, ig_var **dx) { back(g, &ig_op_softmax_grad, n, d, dx); }
static void log_softmax_back(ig_graph *g, ig_node *n, ig_var *const *d, ig_var **dx) { back(g, &ig_op_log_softmax_grad, n, d, dx); }

const ig_op ig_op_softmax = {
    .name = "softmax", .doc = "eˣ / Σ eˣ along the last dim", .nin_min = 1, .nin_max = 1, .nout = 1, .map = -1, .flags = IG_OP_IN_PLACE,
    .shape = float_shape, .forward = softmax_forward, .backward = softmax_back,
};
const ig_op ig_op_log_softmax = {
    .name = "log_softmax", .doc = "x - ln Σ eˣ along the last dim", .nin_min = 1, .nin_max = 1, .nout = 1, .map = -1, .flags = IG_OP_IN_PLACE,
    .shape = float_shape, .forward = log_softmax_forward, .backward = log_softmax_back,
};

static ig_var *along(ig_graph *g, const ig_op *op, ig_var *x, int axis) {
    if (axis < 0) axis += x->t.ndim;
    if (!ig_graph_poisoned(g) && (axis < 0 || axis >= x->t.ndim)) return ig_poison(g, IG_E_SHAPE, "%s: axis %d of %d dims", op->name, axis, x->t.ndim);
    bool last = axis == x->t.ndim - 1;
    ig_var *rows = ig_contiguous(g, last ? x : ig_transpose(g, x, axis, -1));
    ig_var *y = ig_record(g, op, &rows, 1, NULL);
    return last ? y : ig_transpose(g, y, axis, -1);
}

ig_var *ig_softmax(ig_graph *g, ig_var *x, int axis) { return along(g, &ig_op_softmax, x, axis); }
ig_var *ig_log_softmax(ig_graph *g, ig_var *x, int axis) { return along(g, &ig_op_log_softmax, x, axis); }
