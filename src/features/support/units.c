/* features/support/units.c: items joined by their answer, as a list that is saved and loaded. */
#include <stdlib.h>
#include <string.h>

#include "features/support/units.h"

#define UNITS_BYTES_MAX ((size_t)4 << 30)

void support_units_fini(support_units *u) {
    for (size_t i = 0; i < u->count; i++) {
        support_unit *x = &u->at[i];
        ig_free(x->id), ig_free(x->title), ig_free(x->answer), ig_free(x->language), ig_free(x->source), ig_free(x->anchor);
    }
    for (size_t i = 0; i < u->item_count; i++) ig_free(u->item_ids[i]);
    ig_free(u->at), ig_free(u->item_ids), ig_free(u->by_item);
    *u = (support_units){0};
}

static ig_status copy_text(char **out, const char *text, ig_error *err) {
    *out = ig_strdup(text ? text : "");
    return *out ? IG_OK : ig_error_nomem(err, text ? strlen(text) : 0);
}

static ig_status room_for_unit(support_units *u, ig_error *err) {
    if (u->count < u->cap) return IG_OK;
    size_t cap = u->cap ? 2 * u->cap : 64;
    support_unit *at = ig_realloc_array(u->at, cap, sizeof *at);
    if (!at) return ig_error_nomem(err, cap * sizeof *at);
    u->at = at, u->cap = cap;
    return IG_OK;
}

static ig_status add_item_id(support_units *u, const char *id, ig_error *err) {
    if (u->item_count == u->item_cap) {
        size_t cap = u->item_cap ? 2 * u->item_cap : 64;
        char **ids = ig_realloc_array(u->item_ids, cap, sizeof *ids);
        if (!ids) return ig_error_nomem(err, cap * sizeof *ids);
        u->item_ids = ids, u->item_cap = cap;
    }
    IG_TRY(copy_text(&u->item_ids[u->item_count], id, err));
    u->item_count++;
    return IG_OK;
}

/* ---- sorted access ---------------------------------------------------------------------------------------------------- */

static int compare_places(const void *a, const void *b) {
    const struct support_item_place *x = a, *y = b;
    return strcmp(x->id, y->id);
}

static ig_status sort_items(support_units *u, ig_error *err) {
    u->by_item = ig_malloc((u->item_count + 1) * sizeof *u->by_item);
    if (!u->by_item) return ig_error_nomem(err, u->item_count * sizeof *u->by_item);
    for (size_t i = 0; i < u->count; i++)
        for (uint32_t k = 0; k < u->at[i].items; k++) {
            uint32_t at = u->at[i].first + k;
            u->by_item[at].id = u->item_ids[at], u->by_item[at].unit = (uint32_t)i;
        }
    qsort(u->by_item, u->item_count, sizeof *u->by_item, compare_places);
    return IG_OK;
}

int64_t support_units_find(const support_units *u, const char *item) {
    struct support_item_place key = {.id = item};
    if (!u->item_count) return -1;
    const struct support_item_place *p = bsearch(&key, u->by_item, u->item_count, sizeof key, compare_places);
    return p ? (int64_t)p->unit : -1;
}

int64_t support_units_find_unit(const support_units *u, const char *id) {
    int64_t at = support_units_find(u, id); /* a unit's id is that of its first item */
    return at >= 0 && !strcmp(u->at[at].id, id) ? at : -1;
}

/* ---- from items -------------------------------------------------------------------------------------------------------- */

typedef struct joining {
    support_units *u;
    const ig_item *items;
    uint32_t *slot, *unit_of; /* by answer: unit + 1;  unit of each item */
    size_t slots;
} joining;

/* The unit of an answer, a new one where there is none. */
static ig_status join(joining *j, const ig_tree *body, const ig_item *item, uint32_t *unit, ig_error *err) {
    const char *type = ig_tree_text(body, "type", ""), *language = ig_tree_text(body, "language", "en");
    bool passage = !strcmp(type, "passage");
    const char *answer = ig_tree_text(body, passage ? "text" : "answer", "");
    size_t at = ig_hash64(answer, strlen(answer), (unsigned char)language[0]) & (j->slots - 1);
    for (; j->slot[at]; at = (at + 1) & (j->slots - 1)) {
        *unit = j->slot[at] - 1;
        const support_unit *x = &j->u->at[*unit];
        if (!strcmp(x->answer, answer) && !strcmp(x->language, language)) return IG_OK;
    }
    IG_TRY(room_for_unit(j->u, err));
    support_unit *x = &j->u->at[j->u->count];
    *x = (support_unit){.passage = passage, .label = -1, .line = item->line, .page = ig_tree_int(body, "page", 0)};
    j->u->count++;
    j->slot[at] = (uint32_t)j->u->count;
    *unit = (uint32_t)j->u->count - 1;
    IG_TRY(copy_text(&x->id, item->id, err));
    IG_TRY(copy_text(&x->title, ig_tree_text(body, "title", ""), err));
    IG_TRY(copy_text(&x->answer, answer, err));
    IG_TRY(copy_text(&x->language, language, err));
    IG_TRY(copy_text(&x->source, item->source, err));
    return copy_text(&x->anchor, ig_tree_text(body, "anchor", ""), err);
}

static ig_status join_all(joining *j, size_t count, ig_error *err) {
    for (size_t i = 0; i < count; i++) {
        ig_doc *d = NULL;
        IG_TRY(ig_json_parse(j->items[i].id, j->items[i].body, strlen(j->items[i].body), &d, err));
        ig_status s = join(j, ig_doc_root(d), &j->items[i], &j->unit_of[i], err);
        ig_doc_free(d);
        IG_TRY(s);
        j->u->at[j->unit_of[i]].items++;
    }
    return IG_OK;
}

/* Ids by unit: counted, then placed. */
static ig_status place_items(joining *j, size_t count, ig_error *err) {
    support_units *u = j->u;
    uint32_t first = 0;
    u->item_ids = ig_calloc(count + 1, sizeof *u->item_ids);
    if (!u->item_ids) return ig_error_nomem(err, count * sizeof *u->item_ids);
    u->item_count = u->item_cap = count;
    for (size_t i = 0; i < u->count; i++) u->at[i].first = first, first += u->at[i].items, u->at[i].items = 0;
    for (size_t i = 0; i < count; i++) {
        support_unit *x = &u->at[j->unit_of[i]];
        IG_TRY(copy_text(&u->item_ids[x->first + x->items++], j->items[i].id, err));
    }
    return sort_items(u, err);
}

ig_status support_units_from_items(const ig_item *items, size_t count, support_units *out, ig_error *err) {
    joining j = {.u = out, .items = items, .slots = 64};
    while (j.slots < 2 * count) j.slots *= 2;
    j.slot = ig_calloc(j.slots, sizeof *j.slot);
    j.unit_of = ig_calloc(count + 1, sizeof *j.unit_of);
    ig_status s = j.slot && j.unit_of ? IG_OK : ig_error_nomem(err, j.slots * sizeof *j.slot);
    if (s == IG_OK) s = join_all(&j, count, err);
    if (s == IG_OK) s = place_items(&j, count, err);
    ig_free(j.slot), ig_free(j.unit_of);
    return s;
}

/* ---- file ---------------------------------------------------------------------------------------------------------------- */

static void write_unit(const support_units *u, const support_unit *x, ig_buf *out) {
    ig_json j = {.out = out};
    ig_json_open(&j, '{');
    ig_json_key(&j, "id"), ig_json_text(&j, x->id);
    ig_json_key(&j, "items"), ig_json_open(&j, '[');
    for (uint32_t i = 0; i < x->items; i++) ig_json_text(&j, u->item_ids[x->first + i]);
    ig_json_close(&j, ']');
    ig_json_key(&j, "passage"), ig_json_bool(&j, x->passage);
    ig_json_key(&j, "title"), ig_json_text(&j, x->title);
    ig_json_key(&j, "answer"), ig_json_text(&j, x->answer);
    ig_json_key(&j, "language"), ig_json_text(&j, x->language);
    ig_json_key(&j, "source"), ig_json_text(&j, x->source);
    ig_json_key(&j, "line"), ig_json_int(&j, x->line);
    ig_json_key(&j, "anchor"), ig_json_text(&j, x->anchor);
    ig_json_key(&j, "page"), ig_json_int(&j, x->page);
    ig_json_key(&j, "label"), ig_json_int(&j, x->label);
    ig_json_close(&j, '}');
    ig_buf_putc(out, '\n');
}

ig_status support_units_save(const support_units *u, const char *path, ig_error *err) {
    ig_writer *w = NULL;
    ig_buf line = {.max = 2 * IG_STORE_TEXT_MAX};
    ig_status s = ig_writer_open(path, &w, err);
    for (size_t i = 0; i < u->count && s == IG_OK; i++) {
        ig_buf_clear(&line);
        write_unit(u, &u->at[i], &line);
        s = ig_buf_status(&line, err);
        if (s == IG_OK) s = ig_writer_write(w, line.data, line.len, err);
    }
    if (s == IG_OK) s = ig_writer_commit(w, err);
    ig_writer_close(w);
    ig_buf_fini(&line);
    return s;
}

static ig_status read_unit(support_units *u, const ig_tree *t, ig_error *err) {
    const ig_tree *items = ig_tree_get(t, "items");
    IG_TRY(room_for_unit(u, err));
    support_unit *x = &u->at[u->count];
    *x = (support_unit){.passage = ig_tree_bool(t, "passage", false), .line = ig_tree_int(t, "line", 0), .first = (uint32_t)u->item_count,
                        .page = ig_tree_int(t, "page", 0), .label = (int32_t)ig_tree_int(t, "label", -1)};
    u->count++;
    for (const ig_tree *i = items ? items->child : NULL; i; i = i->next, x->items++) IG_TRY(add_item_id(u, i->text ? i->text : "", err));
    IG_TRY(copy_text(&x->id, ig_tree_text(t, "id", ""), err));
    IG_TRY(copy_text(&x->title, ig_tree_text(t, "title", ""), err));
    IG_TRY(copy_text(&x->answer, ig_tree_text(t, "answer", ""), err));
    IG_TRY(copy_text(&x->language, ig_tree_text(t, "language", "en"), err));
    IG_TRY(copy_text(&x->source, ig_tree_text(t, "source", ""), err));
    return copy_text(&x->anchor, ig_tree_text(t, "anchor", ""), err);
}

ig_status support_units_load(const char *path, support_units *out, ig_error *err) {
    ig_map_file map;
    IG_TRY(ig_file_map(path, &map, err));
    const char *at = (const char *)map.data, *end = at + map.size;
    ig_status s = IG_OK;
    while (at < end && s == IG_OK) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        ig_doc *d = NULL;
        if (!stop) stop = end;
        s = ig_json_parse(path, at, (size_t)(stop - at), &d, err);
        if (s == IG_OK) s = read_unit(out, ig_doc_root(d), err);
        ig_doc_free(d);
        at = stop + 1;
    }
    ig_file_unmap(&map);
    return s == IG_OK ? sort_items(out, err) : s;
}
