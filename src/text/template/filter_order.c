/* text/template/filter_order.c: filters that order: sort, dictsort, unique, min, max.
 *
 * Each item gets a key: the item or its attribute, in lower case unless case_sensitive.  Sorting is a merge sort from small
 * runs up, stable in both directions as Python's is.
 */
#include <string.h>

#include "text/template/builtins.h"

typedef struct keyed {
    tpl_value key, item;
} keyed;

static ig_status make_key(tpl_run *r, tpl_value item, const tpl_value *attribute, bool case_sensitive, tpl_value *key) {
    *key = item;
    if (attribute && attribute->type != TPL_NONE) IG_TRY(ig_tpl_attribute_path(r, item, *attribute, key));
    return key->type == TPL_TEXT && !case_sensitive ? ig_tpl_change_case(r, *key, TPL_LOWER, key) : IG_OK;
}

static ig_status make_keys(tpl_run *r, const tpl_list *items, const tpl_value *attribute, bool case_sensitive, keyed **out) {
    IG_TRY(ig_tpl_alloc(r, items->count, sizeof **out, out));
    for (size_t i = 0; i < items->count; i++) {
        (*out)[i].item = items->item[i];
        IG_TRY(make_key(r, items->item[i], attribute, case_sensitive, &(*out)[i].key));
    }
    return ig_tpl_work(r, items->count);
}

/* from[0..middle) and from[middle..n), each in order, to to[0..n). */
static ig_status merge(tpl_run *r, const keyed *from, size_t middle, size_t n, bool reverse, keyed *to) {
    size_t a = 0, b = middle;
    for (size_t i = 0; i < n; i++) {
        bool left = b == n;
        if (a < middle && b < n) {
            int order;
            IG_TRY(ig_tpl_compare(r, from[a].key, from[b].key, &order));
            left = reverse ? order >= 0 : order <= 0;
        }
        to[i] = left ? from[a++] : from[b++];
    }
    return IG_OK;
}

static ig_status sort_keyed(tpl_run *r, keyed **items, size_t count, bool reverse) {
    keyed *from = *items, *to;
    IG_TRY(ig_tpl_alloc(r, count, sizeof *to, &to));
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t at = 0; at < count; at += 2 * width) {
            size_t n = count - at < 2 * width ? count - at : 2 * width;
            IG_TRY(merge(r, from + at, n < width ? n : width, n, reverse, to + at));
        }
        keyed *swap = from;
        from = to;
        to = swap;
    }
    *items = from;
    return IG_OK;
}

static ig_status sorted(tpl_run *r, const tpl_list *items, const tpl_value *attribute, bool case_sensitive, bool reverse,
                        tpl_value *out) {
    keyed *k;
    IG_TRY(make_keys(r, items, attribute, case_sensitive, &k));
    IG_TRY(sort_keyed(r, &k, items->count, reverse));
    IG_TRY(ig_tpl_list_new(r, TPL_LIST, items->count, out));
    for (size_t i = 0; i < items->count; i++) IG_TRY(ig_tpl_list_add(r, *out, k[i].item));
    return IG_OK;
}

static ig_status do_sort(tpl_run *r, const tpl_call *c, tpl_value *out) {
    tpl_value items;
    IG_TRY(ig_tpl_iterate(r, c->self, &items));
    return sorted(r, items.list, c->arg[2], ig_tpl_arg_bool(c, 1, false), ig_tpl_arg_bool(c, 0, false), out);
}

static ig_status do_dictsort(tpl_run *r, const tpl_call *c, tpl_value *out) {
    tpl_value items, by, place = ig_tpl_int(0);
    IG_TRY(ig_tpl_arg_text(r, c, 1, "key", &by));
    if (ig_tpl_is_word(by, "value")) place = ig_tpl_int(1);
    else if (!ig_tpl_is_word(by, "key")) return ig_tpl_fail(r, IG_E_FORMAT, "dictsort goes by 'key' or by 'value'");
    IG_TRY(ig_tpl_do_items(r, c, &items));
    return sorted(r, items.list, &place, ig_tpl_arg_bool(c, 0, false), ig_tpl_arg_bool(c, 2, false), out);
}

static ig_status do_unique(tpl_run *r, const tpl_call *c, tpl_value *out) {
    tpl_value items, seen;
    keyed *k;
    IG_TRY(ig_tpl_iterate(r, c->self, &items));
    IG_TRY(make_keys(r, items.list, c->arg[1], ig_tpl_arg_bool(c, 0, false), &k));
    IG_TRY(ig_tpl_list_new(r, TPL_LIST, 0, &seen));
    IG_TRY(ig_tpl_list_new(r, TPL_LIST, 0, out));
    for (size_t i = 0; i < items.list->count; i++) {
        bool known;
        IG_TRY(ig_tpl_contains(r, seen, k[i].key, &known));
        if (known) continue;
        IG_TRY(ig_tpl_list_add(r, seen, k[i].key));
        IG_TRY(ig_tpl_list_add(r, *out, k[i].item));
    }
    return IG_OK;
}

static ig_status extreme(tpl_run *r, const tpl_call *c, int sign, tpl_value *out) {
    tpl_value items;
    keyed *k;
    size_t best = 0;
    IG_TRY(ig_tpl_iterate(r, c->self, &items));
    IG_TRY(make_keys(r, items.list, c->arg[1], ig_tpl_arg_bool(c, 0, false), &k));
    for (size_t i = 1; i < items.list->count; i++) {
        int order;
        IG_TRY(ig_tpl_compare(r, k[i].key, k[best].key, &order));
        if (order * sign > 0) best = i;
    }
    *out = items.list->count ? k[best].item : ig_tpl_undefined("an item of an empty list", 24);
    return IG_OK;
}

static ig_status do_min(tpl_run *r, const tpl_call *c, tpl_value *out) { return extreme(r, c, -1, out); }
static ig_status do_max(tpl_run *r, const tpl_call *c, tpl_value *out) { return extreme(r, c, 1, out); }

static const tpl_builtin order_filters[] = {
    {"sort", do_sort, "reverse case_sensitive attribute", 0},
    {"dictsort", do_dictsort, "case_sensitive by reverse", 0},
    {"unique", do_unique, "case_sensitive attribute", 0},
    {"min", do_min, "case_sensitive attribute", 0},
    {"max", do_max, "case_sensitive attribute", 0},
};
TPL_LIST_BUILTINS(ig_tpl_order_filters, order_filters);
