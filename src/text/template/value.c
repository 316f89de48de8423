/* text/template/value.c: what values are: truth, equality, order, lists and dicts, and values from a JSON tree.
 *
 * The rules are Python's, because templates are written against it: 1 == 1.0 == true, text is ordered by code point (which
 * for UTF-8 is the order of bytes), "" and 0 and empty lists are false.
 */
#include "text/template/value.h"

#include <string.h>

const char *ig_tpl_type_name(tpl_value v) {
    static const char *const name[] = {
        [TPL_UNDEFINED] = "undefined", [TPL_NONE] = "none",   [TPL_BOOL] = "a boolean", [TPL_INT] = "an integer",
        [TPL_REAL] = "a float",        [TPL_TEXT] = "a string", [TPL_LIST] = "a list",  [TPL_TUPLE] = "a tuple",
        [TPL_DICT] = "a dict",         [TPL_NAMESPACE] = "a namespace", [TPL_LOOP] = "a loop", [TPL_CALLABLE] = "a function",
    };
    return name[v.type];
}

bool ig_tpl_truth(tpl_value v) {
    switch (v.type) {
    case TPL_UNDEFINED:
    case TPL_NONE: return false;
    case TPL_BOOL: return v.boolean;
    case TPL_INT: return v.integer != 0;
    case TPL_REAL: return v.real != 0;
    case TPL_TEXT: return v.len > 0;
    case TPL_LIST:
    case TPL_TUPLE: return v.list->count > 0;
    case TPL_DICT: return v.dict->count > 0;
    case TPL_NAMESPACE:
    case TPL_LOOP:
    case TPL_CALLABLE: return true;
    }
    return false;
}

bool ig_tpl_is_word(tpl_value v, const char *word) {
    return v.type == TPL_TEXT && v.len == strlen(word) && memcmp(v.text, word, v.len) == 0;
}

/* ---- equality and order ---- */

static bool same_text(tpl_value a, tpl_value b) {
    return a.len == b.len && memcmp(a.text, b.text, a.len) == 0;
}

static ig_status equal(tpl_run *r, tpl_value a, tpl_value b, int depth, bool *out);

static ig_status equal_lists(tpl_run *r, const tpl_list *a, const tpl_list *b, int depth, bool *out) {
    *out = a->count == b->count;
    for (size_t i = 0; *out && i < a->count; i++) IG_TRY(equal(r, a->item[i], b->item[i], depth + 1, out));
    return IG_OK;
}

static ig_status equal_dicts(tpl_run *r, tpl_value a, tpl_value b, int depth, bool *out) {
    *out = a.dict->count == b.dict->count;
    for (size_t i = 0; *out && i < a.dict->count; i++) {
        const tpl_value *other;
        IG_TRY(ig_tpl_dict_find(r, b, a.dict->entry[i].key, &other));
        *out = other != NULL;
        if (other) IG_TRY(equal(r, a.dict->entry[i].value, *other, depth + 1, out));
    }
    return IG_OK;
}

static ig_status equal(tpl_run *r, tpl_value a, tpl_value b, int depth, bool *out) {
    if (depth > TPL_VALUE_DEPTH_MAX) return ig_tpl_fail(r, IG_E_LIMIT, "values nested more than %d deep", TPL_VALUE_DEPTH_MAX);
    IG_TRY(ig_tpl_work(r, a.type == TPL_TEXT ? a.len / 64 + 1 : 1));
    *out = false;
    if (ig_tpl_is_int(a) && ig_tpl_is_int(b)) {
        *out = ig_tpl_as_int(a) == ig_tpl_as_int(b);
    } else if (ig_tpl_is_number(a) && ig_tpl_is_number(b)) {
        *out = ig_tpl_as_real(a) == ig_tpl_as_real(b);
    } else if (a.type == b.type) {
        switch (a.type) {
        case TPL_TEXT: *out = same_text(a, b); break;
        case TPL_LIST:
        case TPL_TUPLE: return equal_lists(r, a.list, b.list, depth, out);
        case TPL_DICT: return equal_dicts(r, a, b, depth, out);
        case TPL_NAMESPACE: *out = a.dict == b.dict; break;
        case TPL_LOOP: *out = a.loop == b.loop; break;
        case TPL_CALLABLE: *out = a.callable == b.callable; break;
        default: *out = true; /* undefined and none: one value each */
        }
    }
    return IG_OK;
}

ig_status ig_tpl_equal(tpl_run *r, tpl_value a, tpl_value b, bool *out) {
    return equal(r, a, b, 0, out);
}

static int order_text(tpl_value a, tpl_value b) {
    size_t n = a.len < b.len ? a.len : b.len;
    int order = n ? memcmp(a.text, b.text, n) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static ig_status compare(tpl_run *r, tpl_value a, tpl_value b, int depth, int *order);

static ig_status compare_lists(tpl_run *r, const tpl_list *a, const tpl_list *b, int depth, int *order) {
    *order = 0;
    for (size_t i = 0; i < a->count && i < b->count; i++) {
        bool same;
        IG_TRY(equal(r, a->item[i], b->item[i], depth + 1, &same));
        if (!same) return compare(r, a->item[i], b->item[i], depth + 1, order);
    }
    *order = (a->count > b->count) - (a->count < b->count);
    return IG_OK;
}

static ig_status compare(tpl_run *r, tpl_value a, tpl_value b, int depth, int *order) {
    if (depth > TPL_VALUE_DEPTH_MAX) return ig_tpl_fail(r, IG_E_LIMIT, "values nested more than %d deep", TPL_VALUE_DEPTH_MAX);
    IG_TRY(ig_tpl_work(r, a.type == TPL_TEXT ? a.len / 64 + 1 : 1));
    if (ig_tpl_is_int(a) && ig_tpl_is_int(b)) {
        int64_t x = ig_tpl_as_int(a), y = ig_tpl_as_int(b);
        *order = (x > y) - (x < y);
    } else if (ig_tpl_is_number(a) && ig_tpl_is_number(b)) {
        double x = ig_tpl_as_real(a), y = ig_tpl_as_real(b);
        *order = (x > y) - (x < y);
    } else if (a.type == TPL_TEXT && b.type == TPL_TEXT) {
        *order = order_text(a, b);
    } else if (ig_tpl_is_list(a) && a.type == b.type) {
        return compare_lists(r, a.list, b.list, depth, order);
    } else {
        return ig_tpl_fail(r, IG_E_FORMAT, "%s and %s have no order", ig_tpl_type_name(a), ig_tpl_type_name(b));
    }
    return IG_OK;
}

ig_status ig_tpl_compare(tpl_run *r, tpl_value a, tpl_value b, int *order) {
    return compare(r, a, b, 0, order);
}

ig_status ig_tpl_contains(tpl_run *r, tpl_value whole, tpl_value part, bool *out) {
    *out = false;
    if (whole.type == TPL_TEXT && part.type == TPL_TEXT) {
        IG_TRY(ig_tpl_work(r, whole.len / 64 + 1));
        *out = ig_tpl_find(whole, part, 0) != SIZE_MAX;
    } else if (ig_tpl_is_list(whole)) {
        for (size_t i = 0; !*out && i < whole.list->count; i++) IG_TRY(ig_tpl_equal(r, whole.list->item[i], part, out));
    } else if (ig_tpl_is_dict(whole)) {
        const tpl_value *found;
        IG_TRY(ig_tpl_dict_find(r, whole, part, &found));
        *out = found != NULL;
    } else if (whole.type != TPL_UNDEFINED) {
        return ig_tpl_fail(r, IG_E_FORMAT, "%s cannot be looked for in %s", ig_tpl_type_name(part), ig_tpl_type_name(whole));
    }
    return IG_OK;
}

/* ---- lists and dicts ---- */

ig_status ig_tpl_list_new(tpl_run *r, tpl_type type, size_t cap, tpl_value *out) {
    tpl_list *list;
    IG_TRY(ig_tpl_alloc(r, 1, sizeof *list, &list));
    if (cap) IG_TRY(ig_tpl_alloc(r, cap, sizeof *list->item, &list->item));
    list->cap = cap;
    *out = (tpl_value){.type = type, .list = list};
    return IG_OK;
}

ig_status ig_tpl_list_add(tpl_run *r, tpl_value list, tpl_value item) {
    tpl_list *l = list.list;
    if (l->count == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 4;
        tpl_value *grown;
        IG_TRY(ig_tpl_alloc(r, cap, sizeof *grown, &grown));
        if (l->count) memcpy(grown, l->item, l->count * sizeof *grown);
        l->item = grown;
        l->cap = cap;
    }
    l->item[l->count++] = item;
    return IG_OK;
}

ig_status ig_tpl_pair(tpl_run *r, tpl_value a, tpl_value b, tpl_value *out) {
    tpl_value pair;
    IG_TRY(ig_tpl_list_new(r, TPL_TUPLE, 2, &pair));
    IG_TRY(ig_tpl_list_add(r, pair, a));
    IG_TRY(ig_tpl_list_add(r, pair, b));
    *out = pair;
    return IG_OK;
}

ig_status ig_tpl_dict_new(tpl_run *r, tpl_type type, tpl_value *out) {
    tpl_dict *dict;
    IG_TRY(ig_tpl_alloc(r, 1, sizeof *dict, &dict));
    *out = (tpl_value){.type = type, .dict = dict};
    return IG_OK;
}

/* Linear: the maps of a conversation have a handful of keys, and what is looked at counts as steps. */
ig_status ig_tpl_dict_find(tpl_run *r, tpl_value dict, tpl_value key, const tpl_value **out) {
    const tpl_dict *d = dict.dict;
    *out = NULL;
    IG_TRY(ig_tpl_work(r, d->count / 8));
    for (size_t i = 0; !*out && i < d->count; i++) {
        bool same;
        if (key.type == TPL_TEXT && d->entry[i].key.type == TPL_TEXT)
            same = same_text(key, d->entry[i].key);
        else
            IG_TRY(ig_tpl_equal(r, key, d->entry[i].key, &same));
        if (same) *out = &d->entry[i].value;
    }
    return IG_OK;
}

static ig_status dict_add(tpl_run *r, tpl_dict *d, tpl_value key, tpl_value value) {
    if (d->count == d->cap) {
        size_t cap = d->cap ? d->cap * 2 : 4;
        tpl_entry *grown;
        IG_TRY(ig_tpl_alloc(r, cap, sizeof *grown, &grown));
        if (d->count) memcpy(grown, d->entry, d->count * sizeof *grown);
        d->entry = grown;
        d->cap = cap;
    }
    d->entry[d->count++] = (tpl_entry){.key = key, .value = value};
    return IG_OK;
}

ig_status ig_tpl_dict_put(tpl_run *r, tpl_value dict, tpl_value key, tpl_value value) {
    const tpl_value *found;
    if (key.type == TPL_LIST || ig_tpl_is_dict(key) || key.type == TPL_UNDEFINED)
        return ig_tpl_fail(r, IG_E_FORMAT, "%s cannot be a key", ig_tpl_type_name(key));
    IG_TRY(ig_tpl_dict_find(r, dict, key, &found));
    if (!found) return dict_add(r, dict.dict, key, value);
    *(tpl_value *)found = value;
    return IG_OK;
}

/* ---- iteration ---- */

static ig_status characters(tpl_run *r, tpl_value v, tpl_value *list) {
    IG_TRY(ig_tpl_list_new(r, TPL_LIST, ig_tpl_chars(v.text, v.len), list));
    for (size_t at = 0; at < v.len;) {
        size_t n = ig_tpl_char_at(v.text + at, v.len - at, 1);
        IG_TRY(ig_tpl_list_add(r, *list, ig_tpl_text(v.text + at, n)));
        at += n;
    }
    return ig_tpl_work(r, v.len);
}

ig_status ig_tpl_iterate(tpl_run *r, tpl_value v, tpl_value *list) {
    if (ig_tpl_is_list(v)) {
        *list = v;
        return IG_OK;
    }
    if (v.type == TPL_TEXT) return characters(r, v, list);
    if (v.type == TPL_UNDEFINED) return ig_tpl_list_new(r, TPL_LIST, 0, list);
    if (v.type != TPL_DICT) return ig_tpl_fail(r, IG_E_FORMAT, "%s is nothing to go through", ig_tpl_type_name(v));
    IG_TRY(ig_tpl_list_new(r, TPL_LIST, v.dict->count, list));
    for (size_t i = 0; i < v.dict->count; i++) IG_TRY(ig_tpl_list_add(r, *list, v.dict->entry[i].key));
    return ig_tpl_work(r, v.dict->count);
}

ig_status ig_tpl_count(tpl_run *r, tpl_value v, size_t *out) {
    if (v.type == TPL_TEXT)
        *out = ig_tpl_chars(v.text, v.len);
    else if (ig_tpl_is_list(v))
        *out = v.list->count;
    else if (v.type == TPL_DICT)
        *out = v.dict->count;
    else if (v.type == TPL_UNDEFINED)
        *out = 0;
    else
        return ig_tpl_fail(r, IG_E_FORMAT, "%s has no length", ig_tpl_type_name(v));
    return ig_tpl_work(r, v.type == TPL_TEXT ? v.len / 64 : 0);
}

/* ---- from JSON ---- */

static ig_status list_from_tree(tpl_run *r, const ig_tree *t, tpl_value *out) {
    IG_TRY(ig_tpl_list_new(r, TPL_LIST, t->count, out));
    for (const ig_tree *c = t->child; c; c = c->next) {
        tpl_value item;
        IG_TRY(ig_tpl_from_tree(r, c, &item));
        IG_TRY(ig_tpl_list_add(r, *out, item));
    }
    return IG_OK;
}

static ig_status dict_from_tree(tpl_run *r, const ig_tree *t, tpl_value *out) {
    IG_TRY(ig_tpl_dict_new(r, TPL_DICT, out));
    for (const ig_tree *c = t->child; c; c = c->next) {
        tpl_value value;
        IG_TRY(ig_tpl_from_tree(r, c, &value));
        IG_TRY(dict_add(r, out->dict, ig_tpl_text(c->key, strlen(c->key)), value)); /* a tree has no key twice */
    }
    return IG_OK;
}

/* As deep as the tree, which its parser limits to IG_TREE_DEPTH_MAX. */
ig_status ig_tpl_from_tree(tpl_run *r, const ig_tree *t, tpl_value *out) {
    IG_TRY(ig_tpl_work(r, 1));
    switch (t->type) {
    case IG_TREE_NULL: *out = ig_tpl_none(); break;
    case IG_TREE_BOOL: *out = ig_tpl_bool(t->boolean); break;
    case IG_TREE_INT: *out = ig_tpl_int(t->integer); break;
    case IG_TREE_REAL: *out = ig_tpl_real(t->real); break;
    case IG_TREE_TEXT: *out = ig_tpl_text(t->text, t->text_len); break;
    case IG_TREE_LIST: return list_from_tree(r, t, out);
    case IG_TREE_MAP: return dict_from_tree(r, t, out);
    }
    return IG_OK;
}
