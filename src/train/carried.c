/* train/carried.c: see carried.h. */
#include "train/carried.h"

#include <string.h>

#define NAME_BYTES 24

typedef struct carried {
    int count;
    char name[IG_STATE_MAX][NAME_BYTES];
    ig_tensor step[IG_STATE_MAX], held[IG_STATE_MAX]; /* [B,H] */
} carried;

ig_status carried_open(trainer *t, ig_error *err) {
    const ig_family *f = t->model->family;
    if (!f->logits_carried)
        return ig_error_at(
            err, IG_E_UNSUPPORTED, t->r->file, 0,
            "data.order: sequential is for models that carry a state, as lstm and gru; one of the family %s has none", f->name);
    carried *c = ig_calloc(1, sizeof *c);
    if (!c) return ig_error_nomem(err, sizeof *c);
    t->data = c;
    c->count = f->state_count(t->model);
    if (c->count > IG_STATE_MAX)
        return ig_error_set(err, IG_E_LIMIT, "the model carries %d tensors; at most %d are possible", c->count, IG_STATE_MAX);
    for (int i = 0; i < c->count; i++) snprintf(c->name[i], NAME_BYTES, "carried/%d", i);
    return IG_OK;
}

static ig_tensor *state_of(const trainer *t, const train_shape *s) {
    carried *c = t->data;
    return s == &t->held ? c->held : c->step;
}

ig_status carried_inputs(trainer *t, const train_shape *s, ig_error *err) {
    const carried *c = t->data;
    int64_t size[2];
    for (int i = 0; i < c->count; i++) {
        t->model->family->state_shape(t->model, i, s->rows, size);
        IG_TRY(ig_tensor_zeros(t->ctx, IG_DTYPE_F32, 2, size, &state_of(t, s)[i], err));
    }
    return IG_OK;
}

void carried_clear(trainer *t, const train_shape *s) {
    const carried *c = t->data;
    for (int i = 0; i < c->count; i++) memset(state_of(t, s)[i].data, 0, ig_tensor_bytes(&state_of(t, s)[i]));
}

ig_var *carried_loss(trainer *t, const ig_pass *p, const train_shape *s, const ig_tensor *tokens, const ig_tensor *targets) {
    const carried *c = t->data;
    ig_var *state[IG_STATE_MAX], *next[IG_STATE_MAX];
    for (int i = 0; i < c->count; i++) state[i] = ig_input(p->g, c->name[i], &state_of(t, s)[i]);
    ig_var *logits = t->model->family->logits_carried(t->model, p, ig_input(p->g, "tokens", tokens), state, next); /* [B,T,V] */
    ig_cross_entropy_opts opts = {.has_ignore = !p->training, .ignore_index = IG_NO_TARGET};
    if (p->training) opts.label_smoothing = t->r->regularise.label_smoothing;
    ig_var *loss = ig_cross_entropy(p->g, logits, ig_input(p->g, "targets", targets), opts);
    for (int i = 0; i < c->count; i++) ig_assign(p->g, state[i], next[i]);
    return loss;
}

const char *carried_kept(const trainer *t, size_t i, ig_tensor *out) {
    const carried *c = t->data;
    if (!c || i >= (size_t)c->count) return NULL;
    *out = c->step[i];
    return c->name[i];
}

void carried_close(trainer *t) {
    carried *c = t->data;
    if (!c) return;
    for (int i = 0; i < IG_STATE_MAX; i++) {
        ig_tensor_unref(&c->step[i]);
        ig_tensor_unref(&c->held[i]);
    }
    ig_free(c);
    t->data = NULL;
}
