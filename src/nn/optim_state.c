/* nn/optim_state.c: what an optimiser remembers between steps, by name for checkpoints: the step count, the moments, and
 * the moving average of the weights (Polyak & Juditsky 1992).  Gradient buffers are not part of it: checkpoints are
 * written between updates, when the buffers are zero.
 */
#include <stdio.h>
#include <string.h>

#include "nn/optim.h"

static ig_status name_state(ig_optim *o, const char *kind, const char *param, const ig_tensor *t, ig_error *err) {
    ig_buf b = {.max = IG_OPTIM_NAME_MAX - 16};
    ig_buf_printf(&b, "%s%s%s", kind, param ? "/" : "", param ? param : "");
    ig_status s = ig_buf_status(&b, err);
    if (s != IG_OK) {
        ig_buf_fini(&b);
        return s;
    }
    o->named[o->named_count++] = (optim_named){.name = b.data, .t = t};
    return IG_OK;
}

static ig_status zeros_like(ig_optim *o, const ig_tensor *p, ig_tensor *out, ig_error *err) {
    return ig_tensor_zeros(o->ctx, p->dtype, p->ndim, p->shape, out, err);
}

static ig_status make_param_state(ig_optim *o, optim_param *q, ig_error *err) {
    for (int k = 0; k < o->states; k++) {
        IG_TRY(zeros_like(o, &q->p->value, &q->state[k], err));
        IG_TRY(name_state(o, o->use.state[k], q->p->name, &q->state[k], err));
    }
    if (o->opts.ema_decay == 0) return IG_OK;
    IG_TRY(zeros_like(o, &q->p->value, &q->ema, err));
    return name_state(o, "ema", q->p->name, &q->ema, err);
}

ig_status ig_optim_make_state(ig_optim *o, ig_error *err) {
    int64_t one = 1;
    size_t most = 1 + o->count * (IG_OPTIM_STATES_MAX + 1);
    o->named = ig_calloc(most, sizeof *o->named);
    if (!o->named) return ig_error_nomem(err, most * sizeof *o->named);
    IG_TRY(ig_tensor_zeros(o->ctx, IG_DTYPE_I64, 1, &one, &o->step, err));
    IG_TRY(name_state(o, "step", NULL, &o->step, err));
    for (size_t i = 0; i < o->count; i++) IG_TRY(make_param_state(o, &o->param[i], err));
    return IG_OK;
}

ig_status ig_optim_make_buffers(ig_optim *o, ig_error *err) {
    for (size_t i = 0; i < o->count; i++)
        if (!o->param[i].buffer.data) IG_TRY(zeros_like(o, &o->param[i].p->value, &o->param[i].buffer, err));
    return IG_OK;
}

size_t ig_optim_state_count(const ig_optim *o) { return o->named_count; }

void ig_optim_state_at(const ig_optim *o, size_t i, const char **name, ig_tensor *t) {
    *name = o->named[i].name;
    *t = *o->named[i].t;
}

/* "kind/of": what follows the kind, or NULL. */
static const char *after(const char *name, const char *kind) {
    size_t n = strlen(kind);
    return strncmp(name, kind, n) == 0 && name[n] == '/' ? name + n + 1 : NULL;
}

static const ig_tensor *find_leaf(const ig_optim *o, const char *name) {
    const char *of = after(name, "gradient");
    for (size_t i = 0; of && i < o->count; i++)
        if (strcmp(o->param[i].p->name, of) == 0 && o->param[i].buffer.data) return &o->param[i].buffer;
    for (size_t i = 0; i < o->named_count; i++)
        if (strcmp(o->named[i].name, name) == 0) return o->named[i].t;
    char settings[32];
    for (int i = 0; i < o->buckets; i++) {
        snprintf(settings, sizeof settings, "settings/%d", i);
        if (strcmp(name, settings) == 0) return &o->bucket[i].leaf;
    }
    return strcmp(name, "ema_decay") == 0 ? &o->ema_decay : NULL;
}

bool ig_optim_leaf(const ig_optim *o, const char *name, ig_tensor *out) {
    const ig_tensor *t = find_leaf(o, name);
    if (t) *out = *t;
    return t != NULL;
}

void ig_optim_state_loaded(ig_optim *o) {
    for (size_t i = 0; i < o->count; i++)
        if (o->param[i].buffer.data) memset(o->param[i].buffer.data, 0, ig_tensor_bytes(&o->param[i].buffer));
}

/* ---- the moving average ------------------------------------------------------------------------------------------ */

static void swap_bytes(char *a, char *b, size_t n) {
    char hold[4096];
    for (size_t i = 0; i < n; i += sizeof hold) {
        size_t len = n - i < sizeof hold ? n - i : sizeof hold;
        memcpy(hold, a + i, len);
        memcpy(a + i, b + i, len);
        memcpy(b + i, hold, len);
    }
}

/* The bytes, not the tensors: plans are bound to the weights' memory. */
void ig_optim_ema_swap(ig_optim *o) {
    if (ig_optim_steps(o) == 0) return;
    for (size_t i = 0; i < o->count; i++)
        if (o->param[i].ema.data)
            swap_bytes(o->param[i].p->value.data, o->param[i].ema.data, ig_tensor_bytes(&o->param[i].ema));
}
