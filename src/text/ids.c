/* text/ids.c: a list of token ids that grows.  It is bounded by what is encoded: no text has more ids than bytes. */
#include "ingot/text.h"

ig_status ig_ids_push(ig_ids *ids, int32_t id, ig_error *err) {
    if (ids->len == ids->cap) {
        size_t cap = ids->cap ? ids->cap * 2 : 64;
        int32_t *data = ig_realloc_array(ids->data, cap, sizeof *data);
        if (!data) return ig_error_nomem(err, cap * sizeof *data);
        ids->data = data;
        ids->cap = cap;
    }
    ids->data[ids->len++] = id;
    return IG_OK;
}

void ig_ids_fini(ig_ids *ids) {
    ig_free(ids->data);
    *ids = (ig_ids){0};
}
