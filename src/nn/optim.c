/* nn/optim.c: an optimiser's life: its settings checked, its parameters sorted into buckets, and the settings of a step.
 * Recording stands in optim_record.c, state and moving average in optim_state.c, the formulas in optim/.
 */
#include "nn/optim.h"

#include <math.h>
#include <string.h>

#define ROW_DECLARE(upper, lower) extern const optim_row ig_optim_##lower;
IG_OPTIMS(ROW_DECLARE)
#define ROW_ADDRESS(upper, lower) &ig_optim_##lower,
static const optim_row *const rows[] = {IG_OPTIMS(ROW_ADDRESS)};
#define ROW_NAME(upper, lower) #lower,
static const char *const names[] = {IG_OPTIMS(ROW_NAME)};

const char *ig_optim_name(ig_optim_kind kind) { return (unsigned)kind < IG_OPTIM_COUNT ? names[kind] : "?"; }

static bool is_named(const ig_op *op, const char *name) { return op && strcmp(op->name, name) == 0; }

const ig_op *ig_optim_op(const char *name) {
    const ig_op *shared[] = {&ig_op_multi_accumulate, &ig_op_multi_clear, &ig_op_multi_ema, &ig_op_distinct_rows};
    for (int i = 0; i < IG_OPTIM_COUNT; i++) {
        const ig_op *own[] = {rows[i]->plain.op, rows[i]->plain.rows, rows[i]->with_momentum.op, rows[i]->with_momentum.rows};
        for (size_t k = 0; k < sizeof own / sizeof *own; k++)
            if (is_named(own[k], name)) return own[k];
    }
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++)
        if (is_named(shared[i], name)) return shared[i];
    return NULL;
}

bool ig_optim_parse(const char *name, ig_optim_kind *out) {
    for (int i = 0; i < IG_OPTIM_COUNT; i++) {
        if (strcmp(names[i], name) != 0) continue;
        *out = (ig_optim_kind)i;
        return true;
    }
    return false;
}

/* ---- settings ---------------------------------------------------------------------------------------------------- */

static ig_status check_range(const ig_optim_opts *o, ig_error *err) {
    const struct { const char *name; double value, below; } all[] = {
        {"momentum", o->momentum, 1}, {"beta1", o->beta1, 1}, {"beta2", o->beta2, 1}, {"alpha", o->alpha, 1},
        {"ema_decay", o->ema_decay, 1}, {"eps", o->eps, INFINITY}, {"weight_decay", o->weight_decay, INFINITY},
        {"l1", o->l1, INFINITY}, {"clip_norm", o->clip_norm, INFINITY}, {"clip_value", o->clip_value, INFINITY},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!(all[i].value >= 0 && all[i].value < all[i].below))
            return ig_error_set(err, IG_E_ARG, "%s: %s is %g, and must be in [0, %g)", names[o->kind], all[i].name,
                                all[i].value, all[i].below);
    return IG_OK;
}

static ig_status check_opts(const ig_optim_opts *o, ig_error *err) {
    if ((unsigned)o->kind >= IG_OPTIM_COUNT) return ig_error_set(err, IG_E_ARG, "no optimiser has the number %d", (int)o->kind);
    IG_TRY(check_range(o, err));
    if (o->momentum > 0 && !rows[o->kind]->with_momentum.op)
        return ig_error_set(err, IG_E_ARG, "%s takes no momentum", names[o->kind]);
    if (o->nesterov && (o->kind != IG_OPTIM_SGD || o->momentum == 0))
        return ig_error_set(err, IG_E_ARG, "%s: nesterov is for sgd with momentum", names[o->kind]);
    if (o->group_count < 0 || (o->group_count > 0 && !o->groups))
        return ig_error_set(err, IG_E_ARG, "%s: %d groups", names[o->kind], o->group_count);
    return IG_OK;
}

static double or_default(double v, double otherwise) { return v != 0 ? v : otherwise; }

static void fill_settings(const ig_optim *o, double decay, double l1, optim_settings *s) {
    bool betas = o->row->betas;
    *s = (optim_settings){
        .decay = o->row->decoupled ? decay : 0, .l2 = o->row->decoupled ? 0 : decay, .l1 = l1,
        .momentum = betas ? or_default(o->opts.beta1, 0.9) : o->opts.momentum,
        .beta2 = betas ? or_default(o->opts.beta2, 0.999) : or_default(o->opts.alpha, 0.99),
        .eps = or_default(o->opts.eps, o->row->eps), .correction1 = 1, .correction2 = 1, .nesterov = o->opts.nesterov,
    };
}

/* ---- buckets ----------------------------------------------------------------------------------------------------- */

static ig_status add_bucket(ig_optim *o, double lr_scale, const optim_settings *s, ig_error *err) {
    optim_bucket *b = ig_realloc_array(o->bucket, (size_t)o->buckets + 1, sizeof *b);
    if (!b) return ig_error_nomem(err, sizeof *b);
    o->bucket = b;
    b[o->buckets++] = (optim_bucket){.lr_scale = lr_scale, .now = *s};
    return IG_OK;
}

static ig_status choose_bucket(ig_optim *o, optim_param *q, ig_error *err) {
    const ig_optim_group all = {.weight_decay = -1}, *group = &all;
    const ig_optim_opts *opts = &o->opts;
    if (opts->group_count > 0) {
        if (q->p->group < 0 || q->p->group >= opts->group_count)
            return ig_error_set(err, IG_E_ARG, "%s is in group %d of %d", q->p->name, q->p->group, opts->group_count);
        group = &opts->groups[q->p->group];
    }
    optim_settings s;
    double scale = or_default(group->lr_scale, 1), decay = group->weight_decay < 0 ? opts->weight_decay : group->weight_decay;
    fill_settings(o, q->p->decay ? decay : 0, q->p->decay ? opts->l1 : 0, &s);
    for (q->bucket = 0; q->bucket < o->buckets; q->bucket++) {
        const optim_bucket *b = &o->bucket[q->bucket];
        if (b->lr_scale == scale && b->now.decay == s.decay && b->now.l2 == s.l2 && b->now.l1 == s.l1) return IG_OK;
    }
    return add_bucket(o, scale, &s, err);
}

static ig_status take_params(ig_optim *o, const ig_params *ps, ig_error *err) {
    o->param = ig_calloc(ps->count + 1, sizeof *o->param);
    if (!o->param) return ig_error_nomem(err, ps->count * sizeof *o->param);
    for (size_t i = 0; i < ps->count; i++) {
        ig_param *p = ps->item[i];
        if (p->frozen) continue;
        if (p->packed) return ig_error_set(err, IG_E_STATE, "%s is packed for running, and cannot be trained", p->name);
        if (p->value.dtype != IG_DTYPE_F32 && p->value.dtype != IG_DTYPE_F64)
            return ig_error_set(err, IG_E_DTYPE, "%s is %s: only f32 and f64 are trained", p->name,
                                ig_dtype_name(p->value.dtype));
        o->param[o->count].p = p;
        IG_TRY(choose_bucket(o, &o->param[o->count++], err));
    }
    return IG_OK;
}

/* Leaves over the settings; only now, because the buckets moved while they grew. */
static ig_status wrap_settings(ig_optim *o, ig_error *err) {
    int64_t n = IG_OPTIM_SETTINGS, one = 1;
    for (int i = 0; i < o->buckets; i++)
        IG_TRY(ig_tensor_wrap(&o->bucket[i].leaf, &o->bucket[i].now, IG_DTYPE_F64, 1, &n, err));
    return ig_tensor_wrap(&o->ema_decay, &o->opts.ema_decay, IG_DTYPE_F64, 1, &one, err);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

ig_status ig_optim_new(ig_context *ctx, const ig_params *ps, const ig_optim_opts *opts, ig_optim **out, ig_error *err) {
    IG_TRY(check_opts(opts, err));
    ig_optim *o = ig_calloc(1, sizeof *o);
    if (!o) return ig_error_nomem(err, sizeof *o);
    o->ctx = ctx, o->opts = *opts, o->row = rows[opts->kind];
    o->use = opts->momentum > 0 ? o->row->with_momentum : o->row->plain;
    while (o->states < IG_OPTIM_STATES_MAX && o->use.state[o->states]) o->states++;
    ig_status s = take_params(o, ps, err);
    o->opts.groups = NULL, o->opts.group_count = 0;
    if (s == IG_OK) s = wrap_settings(o, err);
    if (s == IG_OK) s = ig_optim_make_state(o, err);
    if (s == IG_OK) *out = o;
    else ig_optim_free(o);
    return s;
}

void ig_optim_free(ig_optim *o) {
    if (!o) return;
    for (size_t i = 0; i < o->count; i++) {
        optim_param *q = &o->param[i];
        for (int k = 0; k < o->states; k++) ig_tensor_unref(&q->state[k]);
        ig_tensor_unref(&q->buffer);
        ig_tensor_unref(&q->ema);
    }
    for (size_t i = 0; i < o->named_count; i++) ig_free(o->named[i].name);
    ig_tensor_unref(&o->step);
    ig_free(o->named);
    ig_free(o->param);
    ig_free(o->bucket);
    ig_free(o);
}

/* ---- a step ------------------------------------------------------------------------------------------------------ */

static void start_average(ig_optim *o) {
    for (size_t i = 0; i < o->count; i++)
        if (o->param[i].ema.data) memcpy(o->param[i].ema.data, o->param[i].p->value.data, ig_tensor_bytes(&o->param[i].ema));
}

int64_t ig_optim_steps(const ig_optim *o) { return *(const int64_t *)o->step.data; }

void ig_optim_begin_step(ig_optim *o, double lr) {
    int64_t *step = o->step.data;
    if (*step == 0) start_average(o);
    double t = (double)++*step;
    for (int i = 0; i < o->buckets; i++) {
        optim_settings *s = &o->bucket[i].now;
        s->lr = lr * o->bucket[i].lr_scale;
        if (!o->row->betas) continue;
        s->correction1 = 1 - pow(s->momentum, t);
        s->correction2 = 1 - pow(s->beta2, t);
    }
}

/* ---- what the update ops share ----------------------------------------------------------------------------------- */

ig_status ig_optim_fixed_shape(ig_node *n, ig_error *err) {
    const ig_tensor *settings = &n->in[0]->t;
    if (settings->dtype != IG_DTYPE_F64 || ig_tensor_numel(settings) != IG_OPTIM_SETTINGS)
        return ig_error_set(err, IG_E_SHAPE, "input 0 must be the %d settings of a bucket, in f64", (int)IG_OPTIM_SETTINGS);
    for (int k = 1; k < IG_OPTIM_FIXED; k++)
        if (ig_tensor_numel(&n->in[k]->t) != 1) return ig_error_set(err, IG_E_SHAPE, "input %d must be one number", k);
    return IG_OK;
}

ig_status ig_optim_shape(ig_node *n, ig_error *err) {
    IG_TRY(ig_optim_fixed_shape(n, err));
    return ig_multi_shape(n, err);
}

ig_status ig_optim_run(const ig_run *r, ig_multi_fn *fn, ig_error *err) {
    double norm = ig_tensor_get(r->in[1], 0), scale = ig_tensor_get(r->in[2], 0);
    optim_args args = {.s = r->in[0]->data, .scale = scale};
    if (!isfinite(norm) || !isfinite(scale)) return IG_OK; /* guarded by tests/nn/update.c */
    return r->node->op->nin_min == IG_OPTIM_ROWS_FIXED ? ig_optim_rows_run(r, fn, &args, err) : ig_multi_run(r, fn, &args);
}

double ig_optim_gradient(const optim_args *a, double p, double g) {
    double sign = p > 0 ? 1 : p < 0 ? -1 : 0;
    return g * a->scale + a->s->l2 * p + a->s->l1 * sign;
}
