/* features/loop/rows.c: a feature with its kind and settings, and its items in memory.
 *
 * An item is one block: id, body, source, each with its NUL; the id is where it begins.
 */
#include "features/loop/loop.h"

void loop_feature_fini(loop_feature *f) {
    ig_store_feature_fini(&f->row);
    ig_doc_free(f->settings);
    *f = (loop_feature){0};
}

static ig_status fill_feature(ig_loop *l, loop_feature *f, ig_error *err) {
    const char *settings = f->row.settings && *f->row.settings ? f->row.settings : "{}";
    f->kind = ig_kind_find(l->kinds, f->row.kind);
    if (!f->kind)
        return ig_error_set(err, IG_E_UNSUPPORTED, "\"%s\" is a feature of the kind \"%s\", which this program does not have",
                            f->row.name, f->row.kind);
    return ig_json_parse("settings", settings, strlen(settings), &f->settings, err);
}

ig_status loop_feature_get(ig_loop *l, const char *name, loop_feature *out, ig_error *err) {
    *out = (loop_feature){0};
    IG_TRY(loop_name_check(name, err));
    IG_TRY(ig_store_feature_get(l->store, name, &out->row, err));
    ig_status s = fill_feature(l, out, err);
    if (s != IG_OK) loop_feature_fini(out);
    return s;
}

static ig_status copy_item(const ig_item *from, ig_item *to, ig_error *err) {
    size_t a = strlen(from->id) + 1, b = strlen(from->body) + 1, c = strlen(from->source) + 1;
    char *block = ig_malloc(a + b + c);
    if (!block) return ig_error_nomem(err, a + b + c);
    memcpy(block, from->id, a);
    memcpy(block + a, from->body, b);
    memcpy(block + a + b, from->source, c);
    *to = (ig_item){block, block + a, block + a + b, from->line};
    return IG_OK;
}

static ig_status make_room(loop_items *x, ig_error *err) {
    if (x->count < x->cap) return IG_OK;
    if (x->count >= IG_LOOP_ITEMS_MAX)
        return ig_error_set(err, IG_E_LIMIT, "a feature may have %u items; divide the content among several features",
                            IG_LOOP_ITEMS_MAX);
    size_t cap = x->cap ? x->cap * 2 : 64;
    ig_item *more = ig_realloc_array(x->at, cap, sizeof *more);
    if (!more) return ig_error_nomem(err, cap * sizeof *more);
    x->at = more;
    x->cap = cap;
    return IG_OK;
}

ig_status loop_items_put(loop_items *x, const ig_item *item, ig_error *err) {
    ig_item copy;
    IG_TRY(make_room(x, err));
    size_t at = loop_index_get(&x->index, item->id);
    IG_TRY(copy_item(item, &copy, err));
    ig_status s = loop_index_put(&x->index, copy.id, at == SIZE_MAX ? x->count : at, err);
    if (s != IG_OK) {
        ig_free((void *)copy.id);
        return s;
    }
    if (at == SIZE_MAX) {
        x->at[x->count++] = copy;
    } else {
        ig_free((void *)x->at[at].id);
        x->at[at] = copy;
    }
    return IG_OK;
}

static ig_status take_item(void *arg, const ig_store_item *i, ig_error *err) {
    return loop_items_put(arg, &(ig_item){i->id, i->body, i->source ? i->source : "", i->line}, err);
}

ig_status loop_items_load(ig_loop *l, const char *feature, loop_items *out, ig_error *err) {
    return ig_store_item_each(l->store, NULL, feature, false, take_item, out, err);
}

void loop_items_fini(loop_items *x) {
    for (size_t i = 0; i < x->count; i++) ig_free((void *)x->at[i].id);
    ig_free(x->at);
    loop_index_fini(&x->index);
    *x = (loop_items){0};
}
