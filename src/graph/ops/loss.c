/* graph/ops/loss.c: cross-entropy of a softmax, with label smoothing (Szegedy et al. 2016).
 *
 *     loss of a row = lse(x) - (1-s)·x[target] - s·mean(x)          lse = ln Σ eˣ
 *     d/dx          = softmax(x) - (1-s)·onehot(target) - s/V
 *
 * Neither the softmax nor its logarithm is stored: one number per row (lse) is enough for the gradient, which can take
 * the place of the logits, the largest array of a language model's step.
 */
#include "graph/ops/ops.h"

#include <string.h>

typedef struct loss_job {
    const ig_run *r;
    const ig_tensor *logits, *targets;
    size_t V;
    const int64_t *ignore; /* NULL: all targets count */
    double smoothing;
    double scale;          /* gradient: dloss / count */
} loss_job;

static loss_job job_of(const ig_run *r) {
    const ig_attrs *a = &r->node->attrs;
    const ig_tensor *x = r->in[0];
    return (loss_job){.r = r, .logits = x, .targets = r->in[1], .V = (size_t)x->shape[x->ndim - 1], .ignore = a->i[0] ? &a->i[1] : NULL, .smoothing = a->f[0]};
}

static bool counts(const loss_job *j, int64_t target) { return !j->ignore || target != *j->ignore; }

static ig_status inputs_shape(const ig_node *n, ig_error *err) {
    const ig_tensor *x = &n->in[0]->t, *t = &n->in[1]->t;
    IG_TRY(ig_need_real(n, 0, true, err));
    IG_TRY(ig_need_indices(n, 1, err));
    if (x->ndim < 1) return ig_error_set(err, IG_E_SHAPE, "the logits must be [...,V]");
    if (!(n->attrs.f[0] >= 0 && n->attrs.f[0] <= 1)) return ig_error_set(err, IG_E_ARG, "label smoothing %g is not in [0, 1]", n->attrs.f[0]);
    return ig_need_shape(n, 1, t->dtype, x->ndim - 1, x->shape, err);
}

/* ---- forward ---------------------------------------------------------------------------------------------------------------- */

static ig_status cross_entropy_shape(ig_node *n, ig_error *err) {
    const ig_tensor *x = &n->in[0]->t;
    IG_TRY(inputs_shape(n, err));
    IG_TRY(ig_out_set(n, 0, x->dtype, 0, NULL, err));
    IG_TRY(ig_out_set(n, 1, x->dtype, x->ndim - 1, x->shape, err));
    return ig_out_set(n, 2, x->dtype, 0, NULL, err);
}

/* Loss of every row, as double, in scratch: their sum is made afterwards, in order. */
static size_t cross_entropy_scratch(ig_context *ctx, const ig_node *n) {
    (void)ctx;
    return (size_t)ig_tensor_numel(&n->in[1]->t) * sizeof(double);
}

static double row_loss(const loss_job *j, size_t i, int64_t target) {
    const ig_kernels *k = j->r->k;
    double lse, picked, sum = 0;
    if (ig_is_f64(j->logits)) {
        const double *x = (const double *)j->logits->data + i * j->V;
        lse = ((double *)j->r->out[1]->data)[i] = k->lse_row_f64(x, j->V);
        picked = counts(j, target) ? x[target] : 0;
        if (j->smoothing != 0) sum = k->row_sum_f64(x, j->V);
    } else {
        const float *x = (const float *)j->logits->data + i * j->V;
        lse = ((float *)j->r->out[1]->data)[i] = k->lse_row(x, j->V);
        picked = counts(j, target) ? (double)x[target] : 0;
        if (j->smoothing != 0) sum = (double)k->row_sum(x, j->V);
    }
    return counts(j, target) ? lse - (1 - j->smoothing) * picked - j->smoothing * sum / (double)j->V : 0;
}

static void loss_range(void *arg, size_t begin, size_t end, int thread) {
    const loss_job *j = arg;
    double *loss = j->r->scratch;
    (void)thread;
    for (size_t i = begin; i < end; i++) loss[i] = row_loss(j, i, ig_index_at(j->targets, (int64_t)i));
}

static ig_status cross_entropy_forward(const ig_run *r, ig_error *err) {
    loss_job j = job_of(r);
    size_t rows = (size_t)ig_tensor_numel(j.targets);
    const double *loss = r->scratch;
    double sum = 0, count = 0;
    IG_TRY(ig_check_indices(j.targets, (int64_t)j.V, j.ignore, "target", err));
    ig_parallel_for(r->ctx, rows, ig_grain(4 * j.V), loss_range, &j);
    for (size_t i = 0; i < rows; i++) {
        if (counts(&j, ig_index_at(j.targets, (int64_t)i))) sum += loss[i], count++;
    }
    ig_tensor_set(r->out[0], 0, count > 0 ? sum / count : 0);
    ig_tensor_set(r->out[2], 0, count);
    return IG_OK;
}

/* ---- gradient ------------------------------------------------------------------------------------------------------------------ */

static ig_status cross_entropy_grad_shape(ig_node *n, ig_error *err) {
    const ig_tensor *x = &n->in[0]->t;
    IG_TRY(inputs_shape(n, err));
    IG_TRY(ig_need_real(n, 2, true, err));
    IG_TRY(ig_need_shape(n, 2, x->dtype, x->ndim - 1, x->shape, err));
    IG_TRY(ig_need_shape(n, 3, x->dtype, 0, NULL, err));
    IG_TRY(ig_need_shape(n, 4, x->dtype, 0, NULL, err));
    return ig_shape_same(n, err);
}

static void grad_range(void *arg, size_t begin, size_t end, int thread) {
    const loss_job *j = arg;
    const ig_run *r = j->r;
    const void *x = r->in[0]->data, *lse = r->in[2]->data;
    void *dx = r->out[0]->data;
    bool wide = ig_is_f64(j->logits);
    (void)thread;
    for (size_t i = begin, at = begin * j->V; i < end; i++, at += j->V) {
        int64_t target = ig_index_at(j->targets, (int64_t)i);
        size_t size = wide ? sizeof(double) : sizeof(float);
        if (!counts(j, target)) memset((char *)dx + at * size, 0, j->V * size);
        else if (wide) r->k->cross_entropy_grad_row_f64((double *)dx + at, (const double *)x + at, ((const double *)lse)[i], target, j->smoothing, j->scale, j->V);
        else r->k->cross_entropy_grad_row((float *)dx + at, (const float *)x + at, ((const float *)lse)[i], target, (float)j->smoothing, (float)j->scale, j->V);
    }
}

static ig_status cross_entropy_grad_forward(const ig_run *r, ig_error *err) {
    loss_job j = job_of(r);
    double count = ig_tensor_get(r->in[4], 0);
    IG_TRY(ig_check_indices(j.targets, (int64_t)j.V, j.ignore, "target", err));
    j.scale = count > 0 ? ig_tensor_get(r->in[3], 0) / count : 0;
    ig_parallel_for(r->ctx, (size_t)ig_tensor_numel(j.targets), ig_grain(4 * j.V), grad_range, &j);
    return IG_OK;
}

const ig_op ig_op_cross_entropy_grad = {
    .name = "cross_entropy_grad", .doc = "inputs logits, targets, lse, dloss, count; output dlogits", .nin_min = 5, .nin_max = 5, .nout = 1, .map = -1,
    .flags = IG_OP_IN_PLACE | IG_OP_NO_GRAD, .shape = cross_entropy_grad_shape, .forward = cross_entropy_grad_forward,
    .attr_names = "has_ignore,ignore_index;smoothing",
};

static void cross_entropy_back(ig_graph *g, ig_node *n, ig_var *const *d, ig_var **dx) {
    if (!d[0]) return;
    ig_var *in[] = {n->in[0], n->in[1], &n->out[1], d[0], &n->out[2]};
    dx[0] = ig_record(g, &ig_op_cross_entropy_grad, in, 5, &n->attrs);
}

const ig_op ig_op_cross_entropy = {
    .name = "cross_entropy", .doc = "mean over the rows that count of lse(x) - (1-s)·x[target] - s·mean(x); outputs loss, lse, count",
    .nin_min = 2, .nin_max = 2, .nout = 3, .map = -1, .shape = cross_entropy_shape, .forward = cross_entropy_forward, .backward = cross_entropy_back,
    .scratch = cross_entropy_scratch, .attr_names = "has_ignore,ignore_index;smoothing",
};

ig_var *ig_cross_entropy(ig_graph *g, ig_var *logits, ig_var *targets, ig_cross_entropy_opts opts) {
    ig_attrs a = {.i = {opts.has_ignore, opts.has_ignore ? opts.ignore_index : 0}, .f = {opts.label_smoothing}};
    ig_var *in[] = {ig_contiguous(g, logits), ig_contiguous(g, targets)};
    return ig_record(g, &ig_op_cross_entropy, in, 2, &a);
}
