/* formats/torch_names.c: nested containers into a flat list of dotted names.
 *
 * Containers may refer to each other in circles or fold out without end although the pickle is short: depth and number of
 * visited values are limited.  None, bytes, devices and element types have no entry.
 */
#include <stdlib.h>
#include <string.h>

#include "formats/torch.h"

#define VISITS_MAX (4 * IG_TORCH_ENTRIES_MAX)

typedef struct walk {
    ig_torch *t;
    char name[IG_TORCH_NAME_BYTES_MAX + 32];
    size_t len, visits;
    int depth;
} walk;

#define FAIL(code, ...) return ig_error_at(err, code, w->t->file, 0, __VA_ARGS__)

/* ---- entries ----------------------------------------------------------------------------------------------------- */

static ig_status add(walk *w, torch_kind kind, torch_entry **out, ig_error *err) {
    ig_torch *t = w->t;
    *out = NULL;
    if (t->entry_count >= IG_TORCH_ENTRIES_MAX)
        FAIL(IG_E_LIMIT, "more than %u tensors, numbers and texts", IG_TORCH_ENTRIES_MAX);
    IG_TRY(torch_grow((void **)&t->entry, &t->entry_cap, t->entry_count, sizeof *t->entry, err));
    torch_entry *e = &t->entry[t->entry_count];
    *e = (torch_entry){.kind = kind, .name = ig_strdup(w->len ? w->name : kind == TORCH_TENSOR ? "tensor" : "value")};
    if (!e->name) return ig_error_nomem(err, w->len + 1);
    t->entry_count++;
    *out = e;
    return IG_OK;
}

static ig_status add_number(walk *w, double v, ig_error *err) {
    torch_entry *e;
    IG_TRY(add(w, TORCH_NUMBER, &e, err));
    e->number = v;
    return IG_OK;
}

/* A text with a zero byte, or not UTF-8, is bytes in disguise. */
static ig_status add_text(walk *w, pickle_text text, ig_error *err) {
    torch_entry *e;
    if (memchr(text.at, 0, text.len) || !ig_utf8_valid(text.at, text.len)) return IG_OK;
    IG_TRY(add(w, TORCH_TEXT, &e, err));
    e->text = ig_strndup(text.at, text.len);
    return e->text ? IG_OK : ig_error_nomem(err, text.len + 1);
}

static ig_status add_tensor(walk *w, const pickle_value *v, ig_error *err) {
    torch_entry *e;
    if (v->object.kind != TORCH_OBJECT_TENSOR) return IG_OK;
    IG_TRY(add(w, TORCH_TENSOR, &e, err));
    e->tensor = v->object.index;
    return IG_OK;
}

/* ---- the way down ------------------------------------------------------------------------------------------------ */

static ig_status visit(walk *w, const pickle_value *v, ig_error *err);

static ig_status visit_under(walk *w, pickle_text part, const pickle_value *v, ig_error *err) {
    size_t kept = w->len, dot = kept > 0;
    if (!part.len || memchr(part.at, 0, part.len) || !ig_utf8_valid(part.at, part.len))
        FAIL(IG_E_FORMAT, "below \"%.200s\" a key that is empty, not UTF-8 or has a zero byte", w->name);
    if (part.len > IG_TORCH_NAME_BYTES_MAX || kept + part.len + dot > IG_TORCH_NAME_BYTES_MAX)
        FAIL(IG_E_LIMIT, "a name below \"%.200s\" has more than %u bytes", w->name, IG_TORCH_NAME_BYTES_MAX);
    if (dot) w->name[w->len++] = '.';
    memcpy(w->name + w->len, part.at, part.len);
    w->len += part.len;
    w->name[w->len] = '\0';
    IG_TRY(visit(w, v, err));
    w->len = kept;
    w->name[kept] = '\0';
    return IG_OK;
}

static ig_status visit_number(walk *w, int64_t number, const pickle_value *v, ig_error *err) {
    char text[24];
    int n = snprintf(text, sizeof text, "%lld", (long long)number);
    return visit_under(w, (pickle_text){text, (size_t)n}, v, err);
}

static ig_status visit_items(walk *w, const pickle_value *v, ig_error *err) {
    for (size_t i = 0; i < v->list.count; i++) IG_TRY(visit_number(w, (int64_t)i, v->list.item[i], err));
    return IG_OK;
}

static ig_status visit_pairs(walk *w, const pickle_value *v, ig_error *err) {
    for (size_t i = 0; i + 1 < v->list.count; i += 2) {
        const pickle_value *key = v->list.item[i], *value = v->list.item[i + 1];
        if (key->type == PICKLE_TEXT) IG_TRY(visit_under(w, key->text, value, err));
        else if (key->type == PICKLE_INT) IG_TRY(visit_number(w, key->integer, value, err));
        else FAIL(IG_E_UNSUPPORTED, "below \"%.200s\" %s as a key; texts and integers are read", w->name,
                  pickle_type_name(key->type));
    }
    return IG_OK;
}

static ig_status visit(walk *w, const pickle_value *v, ig_error *err) {
    ig_status status = IG_OK;
    if (++w->visits > VISITS_MAX) FAIL(IG_E_LIMIT, "its containers unfold to more than %u values", VISITS_MAX);
    if (w->depth >= IG_TREE_DEPTH_MAX) FAIL(IG_E_LIMIT, "\"%.200s\" is nested more than %d deep", w->name, IG_TREE_DEPTH_MAX);
    w->depth++;
    switch (v->type) {
    case PICKLE_BOOL: status = add_number(w, v->boolean, err); break;
    case PICKLE_INT: status = add_number(w, (double)v->integer, err); break;
    case PICKLE_REAL: status = add_number(w, v->real, err); break;
    case PICKLE_TEXT: status = add_text(w, v->text, err); break;
    case PICKLE_OBJECT: status = add_tensor(w, v, err); break;
    case PICKLE_DICT: status = visit_pairs(w, v, err); break;
    case PICKLE_TUPLE: case PICKLE_LIST: case PICKLE_SET: status = visit_items(w, v, err); break;
    default: break;
    }
    w->depth--;
    return status;
}

/* ---- the list ---------------------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b) {
    return strcmp((*(torch_entry *const *)a)->name, (*(torch_entry *const *)b)->name);
}

/* Tensors to the front; their order stays. */
static ig_status tensors_first(ig_torch *t, ig_error *err) {
    torch_entry *sorted = ig_calloc(t->entry_count + 1, sizeof *sorted);
    size_t n = 0;
    if (!sorted) return ig_error_nomem(err, t->entry_count * sizeof *sorted);
    for (size_t i = 0; i < t->entry_count; i++)
        if (t->entry[i].kind == TORCH_TENSOR) sorted[n++] = t->entry[i];
    t->named_tensors = n;
    for (size_t i = 0; i < t->entry_count; i++)
        if (t->entry[i].kind != TORCH_TENSOR) sorted[n++] = t->entry[i];
    ig_free(t->entry);
    t->entry = sorted;
    return IG_OK;
}

ig_status torch_name_all(ig_torch *t, const pickle_value *root, ig_error *err) {
    walk w = {.t = t};
    IG_TRY(visit(&w, root, err));
    IG_TRY(tensors_first(t, err));
    t->by_name = ig_calloc(t->entry_count + 1, sizeof *t->by_name);
    if (!t->by_name) return ig_error_nomem(err, t->entry_count * sizeof *t->by_name);
    for (size_t i = 0; i < t->entry_count; i++) t->by_name[i] = &t->entry[i];
    qsort(t->by_name, t->entry_count, sizeof *t->by_name, by_name);
    for (size_t i = 1; i < t->entry_count; i++)
        if (strcmp(t->by_name[i]->name, t->by_name[i - 1]->name) == 0)
            return ig_error_at(err, IG_E_FORMAT, t->file, 0, "two values are called %.200s", t->by_name[i]->name);
    return IG_OK;
}
