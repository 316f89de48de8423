/* data/interactions.c: pairs of user and item, gathered in any order, as one row per user. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ingot/interactions.h"

/* ---- gathering ---- */

static ig_status grow(ig_interactions *x, ig_error *err) {
    if (x->entries < x->entry_cap) return IG_OK;
    if (x->entries >= IG_INTERACTIONS_MAX) return ig_error_set(err, IG_E_LIMIT, "more than %d interactions", IG_INTERACTIONS_MAX);
    size_t cap = x->entry_cap ? 2 * x->entry_cap : 1024;
    ig_interaction_entry *entry = ig_realloc_array(x->entry, cap, sizeof *entry);
    if (!entry) return ig_error_nomem(err, cap * sizeof *entry);
    x->entry = entry;
    x->entry_cap = cap;
    return IG_OK;
}

ig_status ig_interactions_add(ig_interactions *x, const char *user, const char *item, double value, int64_t time, ig_error *err) {
    ig_interaction_entry e = {.value = (float)value, .time = time, .order = x->entries};
    if (x->offset) return ig_error_set(err, IG_E_STATE, "interactions are finished: nothing can be added");
    if (!isfinite(e.value)) return ig_error_set(err, IG_E_FORMAT, "the value %g is no finite number", value);
    IG_TRY(grow(x, err));
    IG_TRY(ig_id_table_add(&x->users, user, strlen(user), &e.user, err));
    IG_TRY(ig_id_table_add(&x->items, item, strlen(item), &e.item, err));
    x->entry[x->entries++] = e;
    return IG_OK;
}

/* ---- rows ---- */

static int compare(const void *pa, const void *pb) {
    const ig_interaction_entry *a = pa, *b = pb;
    if (a->user != b->user) return a->user < b->user ? -1 : 1;
    if (a->item != b->item) return a->item < b->item ? -1 : 1;
    if (a->time != b->time) return a->time < b->time ? -1 : 1;
    return a->order < b->order ? -1 : 1;
}

static bool same_pair(const ig_interaction_entry *a, const ig_interaction_entry *b) { return a->user == b->user && a->item == b->item; }

/* Sorted entries to rows; of a pair that comes again the values are added, or the last one stays. */
static void fill_rows(ig_interactions *x, ig_duplicates duplicates) {
    for (size_t i = 0; i < x->entries; i++) {
        const ig_interaction_entry *e = &x->entry[i];
        if (i > 0 && same_pair(e - 1, e)) {
            float *v = &x->value[x->count - 1];
            *v = duplicates == IG_DUPLICATES_SUM ? *v + e->value : e->value;
            x->repeated++;
            continue;
        }
        x->item[x->count] = e->item;
        x->value[x->count++] = e->value;
        x->offset[e->user + 1] = (int64_t)x->count;
    }
    for (size_t u = 0; u < x->users.count; u++)
        if (x->offset[u + 1] < x->offset[u]) x->offset[u + 1] = x->offset[u];
}

ig_status ig_interactions_finish(ig_interactions *x, ig_duplicates duplicates, ig_error *err) {
    size_t users = x->users.count;
    if (x->offset) return ig_error_set(err, IG_E_STATE, "interactions are finished already");
    if (x->entries) qsort(x->entry, x->entries, sizeof *x->entry, compare);
    x->item = ig_calloc(x->entries + 1, sizeof *x->item);
    x->value = ig_calloc(x->entries + 1, sizeof *x->value);
    int64_t *offset = ig_calloc(users + 1, sizeof *offset);
    if (!x->item || !x->value || !offset) {
        ig_free(offset);
        return ig_error_nomem(err, x->entries * sizeof *x->item);
    }
    x->offset = offset;
    fill_rows(x, duplicates);
    ig_free(x->entry);
    x->entry = NULL;
    x->entries = x->entry_cap = 0;
    return IG_OK;
}

void ig_interactions_fini(ig_interactions *x) {
    ig_id_table_fini(&x->users);
    ig_id_table_fini(&x->items);
    ig_free(x->entry);
    ig_free(x->offset);
    ig_free(x->item);
    ig_free(x->value);
    *x = (ig_interactions){0};
}

/* ---- the other way round ---- */

static void fill_columns(const ig_interactions *x, int64_t *offset, int32_t *user, float *value) {
    size_t items = x->items.count;
    for (size_t k = 0; k < x->count; k++) offset[x->item[k] + 1]++;
    for (size_t i = 0; i < items; i++) offset[i + 1] += offset[i];
    for (size_t u = 0; u < x->users.count; u++)
        for (int64_t k = x->offset[u]; k < x->offset[u + 1]; k++) {
            int64_t at = offset[x->item[k]]++;
            user[at] = (int32_t)u;
            value[at] = x->value[k];
        }
    for (size_t i = items; i > 0; i--) offset[i] = offset[i - 1];
    offset[0] = 0;
}

ig_status ig_interactions_by_item(const ig_interactions *x, int64_t **offset, int32_t **user, float **value, ig_error *err) {
    *offset = ig_calloc(x->items.count + 1, sizeof **offset);
    *user = ig_calloc(x->count + 1, sizeof **user);
    *value = ig_calloc(x->count + 1, sizeof **value);
    if (*offset && *user && *value) {
        fill_columns(x, *offset, *user, *value);
        return IG_OK;
    }
    ig_free(*offset);
    ig_free(*user);
    ig_free(*value);
    *offset = NULL, *user = NULL, *value = NULL;
    return ig_error_nomem(err, x->count * sizeof **user);
}

void ig_interactions_digest(const ig_interactions *x, char out[65]) {
    char part[5][65];
    ig_sha256_hex(x->users.bytes ? x->users.bytes : "", x->users.len, part[0]);
    ig_sha256_hex(x->items.bytes ? x->items.bytes : "", x->items.len, part[1]);
    ig_sha256_hex(x->offset, (x->users.count + 1) * sizeof *x->offset, part[2]);
    ig_sha256_hex(x->item, x->count * sizeof *x->item, part[3]);
    ig_sha256_hex(x->value, x->count * sizeof *x->value, part[4]);
    ig_sha256_hex(part, sizeof part, out);
}
