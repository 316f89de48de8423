/* nn/optim_record.c: an update as part of the recording:
 *
 *     gradients ─► norm (reported, and guards the update)
 *         └─► clamp to clip_value ─► norm ─► scale = grad_scale·min(1, clip_norm/(norm + 1e-6))
 *                  └──────────────────────────────────► one op per bucket ─► moving average
 *
 * Clipping by norm never touches the gradients: its coefficient goes into the update as a scalar.  The 1e-6 is that of
 * torch.nn.utils.clip_grad_norm_.
 */
#include <stdio.h>

#include "nn/optim.h"

/* A leaf "kind/of", as ig_optim_leaf finds it again. */
static ig_var *named_leaf(ig_graph *g, const char *kind, const char *of, const ig_tensor *t) {
    char name[IG_OPTIM_NAME_MAX];
    snprintf(name, sizeof name, "%s/%s", kind, of); /* fits: ig_optim_make_state has refused longer ones */
    return ig_input(g, name, t);
}

/* The parameters of one update; v[i] is the gradient of param[i], NULL where there is none.  With rows[i], v[i] is what those
 * rows get. */
typedef struct gradients {
    ig_var **v, **dense; /* [count]; dense: only those that are there */
    ig_var **rows;
    int count;
} gradients;

static bool make_gradients(ig_optim *o, ig_graph *g, gradients *d) {
    *d = (gradients){.v = ig_calloc(o->count * 3 + 1, sizeof *d->v)};
    d->dense = d->v ? d->v + o->count : NULL;
    d->rows = d->v ? d->v + 2 * o->count : NULL;
    if (!d->v) ig_poison(g, IG_E_NOMEM, "out of memory while recording the update");
    return d->v != NULL;
}

/* In the parameter's type, and contiguous: the gradient of a transposed weight is a transposed view. */
static ig_var *as_stored(ig_graph *g, const optim_param *q, ig_var *d) {
    if (ig_var_dtype(d) != q->p->value.dtype) d = ig_cast(g, d, q->p->value.dtype);
    return ig_tensor_is_contiguous(ig_value(d)) ? d : ig_contiguous(g, d);
}

static void set_gradient(gradients *d, size_t i, ig_var *v) {
    d->v[i] = v;
    if (v) d->dense[d->count++] = v;
}

/* by_row: as rows where that is possible.  Buffers are whole. */
static void from_graph(ig_optim *o, ig_graph *g, bool by_row, gradients *d) {
    for (size_t i = 0; i < o->count && !ig_graph_poisoned(g); i++) {
        ig_var *v = ig_gradient(g, ig_param_var(g, o->param[i].p));
        bool rows = v && by_row && o->use.rows && ig_optim_rows_of(g, o->param[i].p, v, &d->rows[i], &v);
        set_gradient(d, i, v && !rows ? as_stored(g, &o->param[i], v) : v);
    }
    if (d->count == 0) ig_poison(g, IG_E_STATE, "no parameter has a gradient: ig_backward comes before the update");
}

static void from_buffers(ig_optim *o, ig_graph *g, gradients *d) {
    for (size_t i = 0; i < o->count && !ig_graph_poisoned(g); i++)
        set_gradient(d, i, o->param[i].accumulated ? named_leaf(g, "gradient", o->param[i].p->name, &o->param[i].buffer) : NULL);
    if (d->count == 0) ig_poison(g, IG_E_STATE, "nothing was accumulated: ig_optim_record_accumulate comes before the update");
}

/* ---- clipping ---------------------------------------------------------------------------------------------------- */

static void clamp_all(ig_optim *o, ig_graph *g, double limit, gradients *d) {
    d->count = 0;
    for (size_t i = 0; i < o->count; i++)
        if (d->v[i]) set_gradient(d, i, ig_clamp(g, d->v[i], -limit, limit));
}

static ig_var *scalar(ig_graph *g, const ig_var *like, double value) { return ig_full(g, ig_var_dtype(like), 0, NULL, value); }

/* grad_scale·min(1, limit/(norm + 1e-6)) */
static ig_var *clip_scale(ig_graph *g, ig_var *norm, double limit, double grad_scale) {
    ig_var *share = ig_affine(g, ig_reciprocal(g, ig_affine(g, norm, 1, 1e-6)), limit, 0);
    return ig_affine(g, ig_minimum(g, share, scalar(g, norm, 1)), grad_scale, 0);
}

static ig_var *norm_of(ig_graph *g, const gradients *d, double grad_scale) {
    ig_var *norm = ig_global_norm(g, d->dense, d->count);
    return grad_scale == 1 ? norm : ig_affine(g, norm, grad_scale, 0);
}

/* ---- updating ---------------------------------------------------------------------------------------------------- */

static int put_tuple(ig_optim *o, ig_graph *g, size_t i, ig_var *gradient, ig_var **in) {
    optim_param *q = &o->param[i];
    int n = 0;
    in[n++] = ig_param_var(g, q->p);
    in[n++] = gradient;
    for (int k = 0; k < o->states; k++) in[n++] = named_leaf(g, o->use.state[k], q->p->name, &q->state[k]);
    return n;
}

static void update_bucket(ig_optim *o, ig_graph *g, int bucket, const gradients *d, ig_var *norm, ig_var *scale, ig_var **in) {
    char number[16];
    int n = IG_OPTIM_FIXED;
    snprintf(number, sizeof number, "%d", bucket);
    in[0] = named_leaf(g, "settings", number, &o->bucket[bucket].leaf);
    in[1] = norm;
    in[2] = scale;
    for (size_t i = 0; i < o->count; i++)
        if (o->param[i].bucket == bucket && d->v[i] && !d->rows[i]) n += put_tuple(o, g, i, d->v[i], in + n);
    if (n > IG_OPTIM_FIXED) ig_record(g, o->use.op, in, n, NULL);
    for (size_t i = 0; i < o->count; i++) {
        if (o->param[i].bucket != bucket || !d->rows[i]) continue;
        in[IG_OPTIM_FIXED] = d->rows[i];
        ig_record(g, o->use.rows, in, IG_OPTIM_ROWS_FIXED + put_tuple(o, g, i, d->v[i], in + IG_OPTIM_ROWS_FIXED), NULL);
    }
}

static void update_average(ig_optim *o, ig_graph *g, const gradients *d, ig_var *norm, ig_var **in) {
    int n = 0;
    if (o->opts.ema_decay == 0) return;
    in[n++] = ig_input(g, "ema_decay", &o->ema_decay);
    in[n++] = norm;
    for (size_t i = 0; i < o->count; i++) {
        if (!d->v[i]) continue;
        in[n++] = named_leaf(g, "ema", o->param[i].p->name, &o->param[i].ema);
        in[n++] = ig_param_var(g, o->param[i].p);
    }
    ig_record(g, &ig_op_multi_ema, in, n, NULL);
}

static ig_var *update(ig_optim *o, ig_graph *g, gradients *d, double grad_scale, ig_var **in) {
    ig_var *norm = norm_of(g, d, grad_scale), *clipped = norm;
    if (o->opts.clip_value > 0) clamp_all(o, g, o->opts.clip_value / grad_scale, d);
    if (o->opts.clip_value > 0 && o->opts.clip_norm > 0) clipped = norm_of(g, d, grad_scale);
    ig_var *scale = o->opts.clip_norm > 0 ? clip_scale(g, clipped, o->opts.clip_norm, grad_scale) : scalar(g, norm, grad_scale);
    for (int b = 0; b < o->buckets; b++) update_bucket(o, g, b, d, norm, scale, in);
    update_average(o, g, d, norm, in);
    return norm;
}

static ig_var *record(ig_optim *o, ig_graph *g, gradients *d, double grad_scale) {
    if (!(grad_scale > 0)) return ig_poison(g, IG_E_ARG, "grad_scale is %g, and must be above 0", grad_scale);
    size_t most = IG_OPTIM_ROWS_FIXED + o->count * (2 + IG_OPTIM_STATES_MAX);
    ig_var **in = ig_calloc(most, sizeof *in);
    if (!in) return ig_poison(g, IG_E_NOMEM, "out of memory while recording the update");
    ig_var *norm = update(o, g, d, grad_scale, in);
    ig_free(in);
    return norm;
}

ig_var *ig_optim_record(ig_optim *o, ig_graph *g, double grad_scale) {
    gradients d;
    if (!make_gradients(o, g, &d)) return ig_poison(g, IG_E_NOMEM, "out of memory");
    from_graph(o, g, true, &d);
    ig_var *norm = record(o, g, &d, grad_scale);
    ig_free(d.v);
    return norm;
}

/* ---- accumulation ------------------------------------------------------------------------------------------------ */

static void record_buffers(ig_optim *o, ig_graph *g, const gradients *d) {
    ig_var **in = ig_calloc(o->count * 2 + 1, sizeof *in);
    int n = 0;
    if (!in) {
        ig_poison(g, IG_E_NOMEM, "out of memory while recording the accumulation");
        return;
    }
    for (size_t i = 0; i < o->count; i++) {
        if (!d->v[i]) continue;
        in[n++] = named_leaf(g, "gradient", o->param[i].p->name, &o->param[i].buffer);
        in[n++] = d->v[i];
        o->param[i].accumulated = true;
    }
    ig_record(g, &ig_op_multi_accumulate, in, n, NULL);
    ig_free(in);
}

void ig_optim_record_accumulate(ig_optim *o, ig_graph *g) {
    gradients d;
    ig_error err = {0};
    if (ig_optim_make_buffers(o, &err) != IG_OK) ig_poison(g, err.code, "%s", err.message);
    if (!make_gradients(o, g, &d)) return;
    from_graph(o, g, false, &d);
    if (!ig_graph_poisoned(g)) record_buffers(o, g, &d);
    ig_free(d.v);
}

ig_var *ig_optim_record_from_buffers(ig_optim *o, ig_graph *g, double grad_scale) {
    gradients d;
    if (!make_gradients(o, g, &d)) return ig_poison(g, IG_E_NOMEM, "out of memory");
    from_buffers(o, g, &d);
    int n = d.count;
    ig_var **buffers = ig_calloc((size_t)n + 1, sizeof *buffers);
    if (!buffers) ig_poison(g, IG_E_NOMEM, "out of memory while recording the update");
    for (int i = 0; buffers && i < n; i++) buffers[i] = d.dense[i]; /* clip_value puts clamped ones in their place */
    ig_var *norm = record(o, g, &d, grad_scale);
    if (buffers) ig_record(g, &ig_op_multi_clear, buffers, n, NULL);
    ig_free(buffers);
    ig_free(d.v);
    return norm;
}
