/* features/loop/index.c: position by name: a hash table with open addresses, at most half full. */
#include "features/loop/loop.h"

static size_t find_slot(const loop_index *x, const char *name) {
    size_t i = ig_hash64(name, strlen(name), 0) & (x->cap - 1);
    while (x->slot[i].name && strcmp(x->slot[i].name, name) != 0) i = (i + 1) & (x->cap - 1);
    return i;
}

size_t loop_index_get(const loop_index *x, const char *name) {
    if (x->cap == 0) return SIZE_MAX;
    size_t i = find_slot(x, name);
    return x->slot[i].name ? x->slot[i].at : SIZE_MAX;
}

static ig_status grow(loop_index *x, ig_error *err) {
    loop_index bigger = {.count = x->count, .cap = x->cap ? x->cap * 2 : 64};
    bigger.slot = ig_calloc(bigger.cap, sizeof *bigger.slot);
    if (!bigger.slot) return ig_error_nomem(err, bigger.cap * sizeof *bigger.slot);
    for (size_t i = 0; i < x->cap; i++)
        if (x->slot[i].name) bigger.slot[find_slot(&bigger, x->slot[i].name)] = x->slot[i];
    ig_free(x->slot);
    *x = bigger;
    return IG_OK;
}

ig_status loop_index_put(loop_index *x, const char *name, size_t at, ig_error *err) {
    if (x->count * 2 >= x->cap) IG_TRY(grow(x, err));
    size_t i = find_slot(x, name);
    if (!x->slot[i].name) x->count++;
    x->slot[i] = (struct loop_index_slot){name, at};
    return IG_OK;
}

void loop_index_fini(loop_index *x) {
    ig_free(x->slot);
    *x = (loop_index){0};
}
