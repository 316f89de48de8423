/* models/weights_fill.c: tensors of a file into the parameters of a model.
 *
 * Every tensor of the files must fill a parameter and every parameter must be filled: a model that runs with one matrix
 * missing gives answers that look like answers.  All that does not fit is told at once, by name.
 */
#include <string.h>

#include "models/weights.h"

#define LISTED_MAX 6 /* names of each kind in the message */

/* ---- telling what does not fit ---- */

static void complain(model_complaints *c, const char *fmt, ...) IG_PRINTF(2, 3);
static void complain(model_complaints *c, const char *fmt, ...) {
    char text[160];
    va_list args;
    if (c->count++ >= LISTED_MAX) return;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    ig_buf_printf(&c->names, "%s%s", c->count > 1 ? ", " : "", text);
}

static void tell(const model_complaints *c, ig_buf *out) {
    if (!c->count) return;
    ig_buf_printf(out, "%s%zu %s: %s", out->len ? "; " : "", c->count, c->kind, c->names.data ? c->names.data : "?");
    if (c->count > LISTED_MAX) ig_buf_puts(out, " …");
}

/* ---- tensors ---- */

typedef struct arrival {
    const model_weights *w;
    size_t i;
    const char *name;
    ig_block_type type;
    ig_param *p;
    bool turned; /* the file has the matrix the other way round */
} arrival;

static int64_t index_of(const ig_model *m, const char *name) {
    for (size_t i = 0; i < m->params.count; i++)
        if (strcmp(m->params.item[i]->name, name) == 0) return (int64_t)i;
    return -1;
}

static ig_status read_into(const model_filling *l, const arrival *a, const ig_tensor *to, ig_error *err) {
    ig_tensor turned;
    if (!a->turned) return a->w->read(l->m->ctx, a->w, a->i, to, err);
    IG_TRY(ig_tensor_transpose(&turned, to, 0, 1, err));
    return a->w->read(l->m->ctx, a->w, a->i, &turned, err);
}

/* A tied head that is stored a second time must be the same, or one of the two would be ignored. */
static ig_status compare_again(model_filling *l, const arrival *a, ig_error *err) {
    const ig_tensor *p = &a->p->value;
    ig_tensor again;
    if (!p->data) {
        complain(&l->unknown, "%s, which is stored twice", a->name);
        return IG_OK;
    }
    IG_TRY(ig_tensor_new(l->m->ctx, p->dtype, p->ndim, p->shape, &again, err));
    ig_status status = read_into(l, a, &again, err);
    bool same = status == IG_OK && memcmp(again.data, p->data, ig_tensor_bytes(p)) == 0;
    if (status == IG_OK && !same) complain(&l->unknown, "%s, which differs from the tensor it is tied to", a->name);
    ig_tensor_unref(&again);
    return status;
}

static ig_status give_blocks(model_filling *l, const arrival *a, ig_error *err) {
    const void *blocks = NULL;
    void *own = NULL;
    ig_status s = a->w->blocks(a->w, a->i, &blocks, &own, err);
    if (s == IG_OK) s = l->on_blocks(l->arg, a->p, a->type, blocks, &own, err);
    ig_free(own);
    return s;
}

static ig_status fill(model_filling *l, const arrival *a, bool again, ig_error *err) {
    bool as_blocks = l->on_blocks && a->w->blocks && a->p->role != IG_PARAM_PLAIN && a->type != IG_BLOCK_F32;
    if (again) return compare_again(l, a, err);
    return as_blocks ? give_blocks(l, a, err) : read_into(l, a, &a->p->value, err);
}

static ig_status check_and_fill(model_filling *l, arrival *a, bool again, ig_error *err) {
    char found[96], wanted[96];
    ig_tensor t, shape = a->p->value;
    IG_TRY(a->w->describe(a->w, a->i, &t, &a->type, err));
    a->turned = a->w->turned && a->p->role == IG_PARAM_IN_OUT;
    if (a->turned) shape.shape[0] = a->p->value.shape[1], shape.shape[1] = a->p->value.shape[0];
    if (!ig_tensor_same_shape(&t, &shape)) {
        complain(&l->misshapen, "%s is %s, must be %s", a->name, ig_tensor_shape_text(&t, found, sizeof found),
                 ig_tensor_shape_text(&shape, wanted, sizeof wanted));
        return IG_OK;
    }
    if (!ig_dtype_is_float(t.dtype)) {
        complain(&l->misshapen, "%s is %s, must be a float type", a->name, ig_dtype_name(t.dtype));
        return IG_OK;
    }
    if (!again) a->p->stored = t.dtype;
    return fill(l, a, again, err);
}

static ig_status take(model_filling *l, const model_weights *w, size_t i, ig_error *err) {
    char name[MODEL_NAME_MAX], own[MODEL_NAME_MAX];
    w->name(w, i, name, sizeof name);
    if (!name[0]) return IG_OK;
    snprintf(own, sizeof own, "%s", name);
    if (l->m->family->tensor_name) l->m->family->tensor_name(l->m, name, own, sizeof own);
    if (!own[0]) return IG_OK;
    int64_t param = strlen(name) + 32 < sizeof own ? index_of(l->m, own) : -1;
    if (param < 0) {
        complain(&l->unknown, "%s", name);
        return IG_OK;
    }
    arrival a = {.w = w, .i = i, .name = name, .p = l->m->params.item[param]};
    bool again = l->filled[param];
    l->filled[param] = true;
    return check_and_fill(l, &a, again, err);
}

/* ---- all of them ---- */

ig_status model_filling_begin(model_filling *l, ig_model *m, const char *where, ig_error *err) {
    *l = (model_filling){.m = m, .where = where};
    l->missing = (model_complaints){.kind = "missing", .names.max = 1024};
    l->unknown = (model_complaints){.kind = "unknown", .names.max = 1024};
    l->misshapen = (model_complaints){.kind = "misshapen", .names.max = 1024};
    l->filled = ig_calloc(m->params.count + 1, sizeof *l->filled);
    return l->filled ? IG_OK : ig_error_nomem(err, m->params.count);
}

ig_status model_filling_take(model_filling *l, const model_weights *w, ig_error *err) {
    for (size_t i = 0; i < w->count; i++) IG_TRY(take(l, w, i, err));
    return IG_OK;
}

static bool is_optional(const model_filling *l, size_t i) {
    const ig_family *f = l->m->family;
    return f->optional && f->optional(l->m, l->m->params.item[i]->name);
}

/* All optional parameters are in the files, or none. */
static void drop_optional(model_filling *l) {
    for (size_t i = 0; i < l->m->params.count; i++)
        if (l->filled[i] && is_optional(l, i)) return;
    for (size_t i = l->m->params.count; i-- > 0;) {
        if (!is_optional(l, i)) continue;
        ig_params_drop(&l->m->params, i);
        memmove(l->filled + i, l->filled + i + 1, (l->m->params.count - i) * sizeof *l->filled);
    }
}

static ig_status conclude(model_filling *l, ig_error *err) {
    ig_buf text = {.max = 700};
    drop_optional(l);
    for (size_t i = 0; i < l->m->params.count; i++)
        if (!l->filled[i]) complain(&l->missing, "%s", l->m->params.item[i]->name);
    tell(&l->missing, &text);
    tell(&l->unknown, &text);
    tell(&l->misshapen, &text);
    ig_status status = IG_OK;
    if (l->missing.count + l->unknown.count + l->misshapen.count)
        status = ig_error_at(err, IG_E_FORMAT, l->where, 0, "the weights do not fit config.json: %s", text.data ? text.data : "");
    ig_buf_fini(&text);
    return status;
}

ig_status model_filling_end(model_filling *l, ig_status status, ig_error *err) {
    if (status == IG_OK) status = conclude(l, err);
    ig_buf_fini(&l->missing.names);
    ig_buf_fini(&l->unknown.names);
    ig_buf_fini(&l->misshapen.names);
    ig_free(l->filled);
    *l = (model_filling){0};
    return status;
}
