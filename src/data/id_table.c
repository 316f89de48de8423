/* data/id_table.c: texts to numbers and back: one block of bytes, and a table of open addressing that is at most half full. */
#include <string.h>

#include "ingot/interactions.h"

#define SLOTS_FIRST 64

static size_t slot_of(const ig_id_table *t, const char *id, size_t len) {
    size_t mask = t->slots - 1, i = ig_hash64(id, len, 0) & mask;
    for (; t->slot[i]; i = (i + 1) & mask) {
        const char *at = t->bytes + t->begin[t->slot[i] - 1];
        if (strncmp(at, id, len) == 0 && at[len] == 0) break;
    }
    return i;
}

int64_t ig_id_table_find(const ig_id_table *t, const char *id, size_t len) {
    if (!t->slots || len == 0 || memchr(id, 0, len)) return -1;
    size_t i = slot_of(t, id, len);
    return t->slot[i] ? (int64_t)t->slot[i] - 1 : -1;
}

const char *ig_id_table_at(const ig_id_table *t, size_t number) { return t->bytes + t->begin[number]; }

void ig_id_table_fini(ig_id_table *t) {
    ig_free(t->bytes);
    ig_free(t->begin);
    ig_free(t->slot);
    *t = (ig_id_table){0};
}

/* ---- growing ---- */

static ig_status grow_slots(ig_id_table *t, ig_error *err) {
    if (2 * (t->count + 1) <= t->slots) return IG_OK;
    size_t slots = t->slots ? 2 * t->slots : SLOTS_FIRST;
    uint32_t *fresh = ig_calloc(slots, sizeof *fresh), *old = t->slot;
    if (!fresh) return ig_error_nomem(err, slots * sizeof *fresh);
    t->slot = fresh;
    t->slots = slots;
    for (size_t n = 0; n < t->count; n++) {
        const char *id = ig_id_table_at(t, n);
        t->slot[slot_of(t, id, strlen(id))] = (uint32_t)n + 1;
    }
    ig_free(old);
    return IG_OK;
}

static ig_status grow_begins(ig_id_table *t, ig_error *err) {
    if (t->count < t->begins) return IG_OK;
    size_t cap = t->begins ? 2 * t->begins : SLOTS_FIRST;
    size_t *begin = ig_realloc_array(t->begin, cap, sizeof *begin);
    if (!begin) return ig_error_nomem(err, cap * sizeof *begin);
    t->begin = begin;
    t->begins = cap;
    return IG_OK;
}

static ig_status grow_bytes(ig_id_table *t, size_t more, ig_error *err) {
    if (more <= t->cap - t->len) return IG_OK;
    size_t cap = 2 * t->cap + more + 1024;
    char *bytes = ig_realloc(t->bytes, cap);
    if (!bytes) return ig_error_nomem(err, cap);
    t->bytes = bytes;
    t->cap = cap;
    return IG_OK;
}

/* Ids stand in lists, one a line, in JSON and on the command line. */
static ig_status check(const char *id, size_t len, ig_error *err) {
    if (len == 0) return ig_error_set(err, IG_E_FORMAT, "an id is empty");
    if (len > IG_ID_BYTES_MAX) return ig_error_set(err, IG_E_FORMAT, "an id of %zu bytes is longer than %d", len, IG_ID_BYTES_MAX);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)id[i] < 0x20 || id[i] == 0x7f)
            return ig_error_set(err, IG_E_FORMAT, "an id holds a control character (byte %d)", (unsigned char)id[i]);
    return ig_utf8_valid(id, len) ? IG_OK : ig_error_set(err, IG_E_FORMAT, "an id is not UTF-8");
}

ig_status ig_id_table_add(ig_id_table *t, const char *id, size_t len, int32_t *number, ig_error *err) {
    IG_TRY(check(id, len, err));
    int64_t known = ig_id_table_find(t, id, len);
    if (known >= 0) {
        *number = (int32_t)known;
        return IG_OK;
    }
    if (t->count >= IG_IDS_MAX) return ig_error_set(err, IG_E_LIMIT, "more than %d different ids", IG_IDS_MAX);
    IG_TRY(grow_slots(t, err));
    IG_TRY(grow_begins(t, err));
    IG_TRY(grow_bytes(t, len + 1, err));
    t->slot[slot_of(t, id, len)] = (uint32_t)t->count + 1;
    t->begin[t->count] = t->len;
    memcpy(t->bytes + t->len, id, len);
    t->bytes[t->len + len] = 0;
    t->len += len + 1;
    *number = (int32_t)t->count++;
    return IG_OK;
}
