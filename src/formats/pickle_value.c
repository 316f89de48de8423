/* formats/pickle_value.c: the values that a pickle makes and the heap they live in.
 *
 * Values refer to each other freely, also in circles; the heap frees them all at once, without following a reference.
 */
#include <string.h>

#include "formats/pickle.h"

#define CHUNK_VALUES 512

struct pickle_chunk {
    struct pickle_chunk *next;
    size_t used;
    pickle_value value[CHUNK_VALUES];
};

const char *pickle_type_name(pickle_type t) {
    static const char *const names[] = {
        [PICKLE_NONE] = "None",        [PICKLE_BOOL] = "a bool",         [PICKLE_INT] = "an integer", [PICKLE_REAL] = "a float",
        [PICKLE_TEXT] = "a text",      [PICKLE_BYTES] = "bytes",         [PICKLE_TUPLE] = "a tuple",  [PICKLE_LIST] = "a list",
        [PICKLE_SET] = "a set",        [PICKLE_DICT] = "a dictionary",   [PICKLE_NAME] = "a name",    [PICKLE_MARK] = "a mark",
        [PICKLE_LONG] = "a large integer", [PICKLE_OBJECT] = "a tensor or storage",
    };
    return names[t];
}

bool pickle_text_is(pickle_text t, const char *s) { return t.len == strlen(s) && memcmp(t.at, s, t.len) == 0; }

static ig_status spend(pickle_heap *h, ig_error *err) {
    if (h->spent >= IG_PICKLE_VALUES_MAX)
        return ig_error_set(err, IG_E_LIMIT, "the pickle makes more than %u values", IG_PICKLE_VALUES_MAX);
    h->spent++;
    return IG_OK;
}

ig_status pickle_new(pickle_heap *h, pickle_type type, pickle_value **out, ig_error *err) {
    IG_TRY(spend(h, err));
    if (!h->chunk || h->chunk->used == CHUNK_VALUES) {
        struct pickle_chunk *c = ig_calloc(1, sizeof *c);
        if (!c) return ig_error_nomem(err, sizeof *c);
        c->next = h->chunk;
        h->chunk = c;
    }
    *out = &h->chunk->value[h->chunk->used++];
    (*out)->type = type;
    return IG_OK;
}

static bool is_container(pickle_type t) {
    return t == PICKLE_TUPLE || t == PICKLE_LIST || t == PICKLE_SET || t == PICKLE_DICT;
}

ig_status pickle_append(pickle_heap *h, pickle_value *container, pickle_value *item, ig_error *err) {
    IG_TRY(spend(h, err));
    if (container->list.count == container->list.cap) {
        size_t cap = container->list.cap ? 2 * container->list.cap : 4;
        pickle_value **more = ig_realloc_array(container->list.item, cap, sizeof *more);
        if (!more) return ig_error_nomem(err, cap * sizeof *more);
        container->list.item = more;
        container->list.cap = cap;
    }
    container->list.item[container->list.count++] = item;
    return IG_OK;
}

void pickle_heap_fini(pickle_heap *h) {
    while (h->chunk) {
        struct pickle_chunk *c = h->chunk;
        h->chunk = c->next;
        for (size_t i = 0; i < c->used; i++)
            if (is_container(c->value[i].type)) ig_free(c->value[i].list.item);
        ig_free(c);
    }
    h->spent = 0;
}
