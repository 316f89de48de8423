/* graph/ops/softmax.c: softmax and its logarithm.
 *
 * The rows of the table work along the last axis; another axis is brought there by a transposed copy and the result is
 * handed back as a transposed view.
 *
 *     y = eˣ / Σ eˣ           dx = y·(dy - Σ dy·y)
 *     y = x - ln Σ eˣ         dx = dy - e^y·Σ dy
 */
#include "graph/ops/ops.h"

typedef struct rows_job {
    const ig_run *r;
    size_t n; /* length of a row */
    bool log;
} rows_job;

static ig_status softmax_shape(ig_node *n, ig_error *err) {
    IG_TRY(ig_need_real(n, 0, true, err));
    if (n->in[0]->t.ndim == 0) return ig_error_set(err, IG_E_SHAPE, "a scalar has no axis");
    return ig_shape_same(n, err);
}

static void softmax_range(void *arg, size_t begin, size_t end, int thread) {
    const rows_job *j = arg;
    const ig_kernels *k = j->r->k;
    const void *x = j->r->in[0]->data;
    void *y = j->r->out[0]->data;
    bool wide = ig_is_f64(j->r->out[0]);
    (void)thread;
    for (size_t i = begin * j->n; i < end * j->n; i += j->n) {
        if (wide) (j->log ? k->log_softmax_row_f64 : k->softmax_row_f64)((double *)y + i, (const double *)x + i, j->n);
        else (j->log ? k->log_softmax_row : k->softmax_row)((float *)y + i, (const float *)x + i, j->n);
    }
}

static void grad_range(void *arg, size_t begin, size_t end, int thread) {
    const rows_job *j = arg;
    const ig_kernels *k = j->r->k;
    const void *dy = j->r->in[0]->data, *y = j->r->in[1]->data;
    void *dx = j->r->out[0]->data;
    bool wide = ig_is_f64(j->r->out[0]);
    (void)thread;
    for (size_t i = begin * j->n; i < end * j->n; i += j->n) {
        if (wide)
            (j->log ? k->log_softmax_grad_row_f64 : k->softmax_grad_row_f64)((double *)dx + i, (const double *)dy + i,
                                                                              (const double *)y + i, j->n);
        else
            (j->log ? k->log_softmax_grad_row : k->softmax_grad_row)((float *)dx + i, (const float *)dy + i,
                                                                      (const float *)y + i, j->n);
    }
}

/* Some four times the cost of a map per element: exp, and three passes. */
static ig_status run_rows(const ig_run *r, ig_range_fn *range, bool log) {
    const ig_tensor *y = r->out[0];
    size_t numel = (size_t)ig_tensor_numel(y);
    if (numel == 0) return IG_OK;
    rows_job j = {.r = r, .n = (size_t)y->shape[y->ndim - 1], .log = log};
    ig_parallel_for(r->ctx, numel / j.n, ig_grain(4 * j.n), range, &j);
    return IG_OK;
}

#define FORWARD(op_name, range, log)                                                                                   \
    static ig_status op_name##_forward(const ig_run *r, ig_error *err) { (void)err; return run_rows(r, range, log); }
FORWARD(softmax, softmax_range, false)
FORWARD(log_softmax, softmax_range, true)
FORWARD(softmax_grad, grad_range, false)
FORWARD(log_softmax_grad, grad_range, true)

static ig_status grad_shape(ig_node *n, ig_error *err) {
    const ig_tensor *y = &n->in[1]->t;
    IG_TRY(ig_need_real(n, 0, true, err));
    IG_TRY(ig_need_real(n, 1, true, err));
    IG_TRY(ig_need_shape(n, 0, y->dtype, y->ndim, y->shape, err));
    return softmax_shape(n, err);
}

#define GRAD_ROW(op_name, words)                                                                                       \
    .name = #op_name, .doc = words, .nin_min = 2, .nin_max = 2, .nout = 1, .map = -1, .flags = IG_OP_NO_GRAD,          \
    .shape = grad_shape, .forward = op_name##_forward

const ig_op ig_op_softmax_grad = {GRAD_ROW(softmax_grad, "y·(dy - Σ dy·y) over the last axis; inputs dy, y")};
const ig_op ig_op_log_softmax_grad = {GRAD_ROW(log_softmax_grad, "dy - e^y·Σ dy over the last axis; inputs dy, y")};

static void softmax_back(ig_graph *g, ig_node *n, ig_var *const *d, ig_var **dx) {
    ig_var *in[] = {ig_contiguous(g, d[0]), &n->out[0]};
    dx[0] = ig_record(g, &ig_op_softmax_grad, in, 2, NULL);
}

static void log_softmax_back(ig_graph *g, ig_node *n, ig_var *const *d, ig_var **dx) {
    ig_var *in[] = {ig_contiguous(g, d[0]), &n->out[0]};
    dx[0] = ig_record(g, &ig_op_log_softmax_grad, in, 2, NULL);
}

#define SOFTMAX_ROW(op_name, words)                                                                                    \
    .name = #op_name, .doc = words, .nin_min = 1, .nin_max = 1, .nout = 1, .map = -1, .flags = IG_OP_IN_PLACE,         \
    .shape = softmax_shape, .forward = op_name##_forward, .backward = op_name##_back

const ig_op ig_op_softmax = {SOFTMAX_ROW(softmax, "eˣ / Σ eˣ over the last axis")};
const ig_op ig_op_log_softmax = {SOFTMAX_ROW(log_softmax, "x - ln Σ eˣ over the last axis")};

static ig_var *along(ig_graph *g, const ig_op *op, ig_var *x, int axis) {
    if (ig_graph_poisoned(g)) return x;
    bool last = x->t.ndim == 0 || axis == -1 || axis == x->t.ndim - 1;
    ig_var *rows = ig_contiguous(g, last ? x : ig_transpose(g, x, axis, -1));
    ig_var *y = ig_record(g, op, &rows, 1, NULL);
    return last ? y : ig_transpose(g, y, axis, -1);
}

ig_var *ig_softmax(ig_graph *g, ig_var *x, int axis) { return along(g, &ig_op_softmax, x, axis); }
ig_var *ig_log_softmax(ig_graph *g, ig_var *x, int axis) { return along(g, &ig_op_log_softmax, x, axis); }
