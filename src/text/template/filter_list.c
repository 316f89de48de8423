/* text/template/filter_list.c: filters on lists that keep their order: first, last, list, items, reverse, map, select, sum. */
#include <string.h>

#include "text/template/builtins.h"

static ig_status do_list(tpl_run *r, const tpl_call *c, tpl_value *out) {
    tpl_value items;
    IG_TRY(ig_tpl_iterate(r, c->self, &items));
    IG_TRY(ig_tpl_work(r, items.list->count / 16));
    IG_TRY(ig_tpl_list_new(r, TPL_LIST, items.list->count, out));
    for (size_t i = 0; i < items.list->count; i++) IG_TRY(ig_tpl_list_add(r, *out, items.list->item[i]));
    return IG_OK;
}

static ig_status do_first(tpl_run *r, const tpl_call *c, tpl_value *out) {
    tpl_value items;
    IG_TRY(ig_tpl_iterate(r, c->self, &items));
    *out = items.list->count ? items.list->item[0] : ig_tpl_undefined("the first item", 14);
    return IG_OK;
}

static ig_status do_last(tpl_run *r, const tpl_call *c, tpl_value *out) {
    tpl_value items;
    IG_TRY(ig_tpl_iterate(r, c->self, &items));
    *out = items.list->count ? items.list->item[items.list->count - 1] : ig_tpl_undefined("the last item", 13);
    return IG_OK;
}

ig_status ig_tpl_do_items(tpl_run *r, const tpl_call *c, tpl_value *out) {
    size_t count = c->self.type == TPL_DICT ? c->self.dict->count : 0;
    if (c->self.type != TPL_DICT && c->self.type != TPL_UNDEFINED)
        return ig_tpl_fail(r, IG_E_FORMAT, "items needs a dict, not %s", ig_tpl_type_name(c->self));
    IG_TRY(ig_tpl_work(r, count));
    IG_TRY(ig_tpl_list_new(r, TPL_LIST, count, out));
    for (size_t i = 0; i < count; i++) {
        tpl_value pair;
        IG_TRY(ig_tpl_pair(r, c->self.dict->entry[i].key, c->self.dict->entry[i].value, &pair));
        IG_TRY(ig_tpl_list_add(r, *out, pair));
    }
    return IG_OK;
}

static ig_status reverse_text(tpl_run *r, tpl_value v, tpl_value *out) {
    size_t mark = r->text.len;
    for (size_t end = v.len; end > 0;) {
        size_t n = 1;
        while (n < end && ((uint8_t)v.text[end - n] & 0xc0) == 0x80) n++;
        ig_buf_append(&r->text, v.text + end - n, n);
        end -= n;
    }
    IG_TRY(ig_tpl_work(r, v.len / 8));
    return ig_tpl_take(r, mark, out);
}

static ig_status do_reverse(tpl_run *r, const tpl_call *c, tpl_value *out) {
    if (c->self.type == TPL_TEXT) return reverse_text(r, c->self, out);
    tpl_value items;
    IG_TRY(ig_tpl_iterate(r, c->self, &items));
    IG_TRY(ig_tpl_work(r, items.list->count / 16));
    IG_TRY(ig_tpl_list_new(r, TPL_LIST, items.list->count, out));
    for (size_t i = items.list->count; i > 0; i--) IG_TRY(ig_tpl_list_add(r, *out, items.list->item[i - 1]));
    return IG_OK;
}

static ig_status do_sum(tpl_run *r, const tpl_call *c, tpl_value *out) {
    tpl_value items, sum = c->arg[1] ? *c->arg[1] : ig_tpl_int(0);
    IG_TRY(ig_tpl_iterate(r, c->self, &items));
    for (size_t i = 0; i < items.list->count; i++) {
        tpl_value v = items.list->item[i];
        if (c->arg[0] && c->arg[0]->type != TPL_NONE) IG_TRY(ig_tpl_attribute_path(r, v, *c->arg[0], &v));
        IG_TRY(ig_tpl_work(r, 1));
        IG_TRY(ig_tpl_binary(r, '+', sum, v, &sum));
    }
    *out = sum;
    return IG_OK;
}

/* ---- map ---- */

/* What map, select and their kin go through: as in Jinja, anything that is false counts as empty. */
static ig_status items_or_none(tpl_run *r, tpl_value v, tpl_value *items) {
    return ig_tpl_truth(v) ? ig_tpl_iterate(r, v, items) : ig_tpl_list_new(r, TPL_LIST, 0, items);
}

static const tpl_value *keyword(const tpl_call *c, const char *name) {
    for (size_t k = 0; k < c->raw.count; k++) {
        if (c->raw.name[k] && strcmp(c->raw.name[k], name) == 0) return &c->raw.value[k];
    }
    return NULL;
}

/* The arguments from number `from` on. */
static tpl_args rest_of(const tpl_args *a, size_t from) {
    if (from >= a->count) return (tpl_args){0};
    return (tpl_args){.value = a->value + from, .name = a->name + from, .count = a->count - from};
}

static const tpl_value *positional(const tpl_call *c, size_t i) {
    return i < c->raw.count && !c->raw.name[i] ? &c->raw.value[i] : NULL;
}

static ig_status map_attribute(tpl_run *r, const tpl_call *c, const tpl_list *items, tpl_value list) {
    const tpl_value *path = keyword(c, "attribute"), *otherwise = keyword(c, "default");
    for (size_t i = 0; i < items->count; i++) {
        tpl_value v;
        IG_TRY(ig_tpl_work(r, 1));
        IG_TRY(ig_tpl_attribute_path(r, items->item[i], *path, &v));
        IG_TRY(ig_tpl_list_add(r, list, v.type == TPL_UNDEFINED && otherwise ? *otherwise : v));
    }
    return IG_OK;
}

static ig_status do_map(tpl_run *r, const tpl_call *c, tpl_value *out) {
    tpl_value items;
    IG_TRY(items_or_none(r, c->self, &items));
    IG_TRY(ig_tpl_list_new(r, TPL_LIST, items.list->count, out));
    if (keyword(c, "attribute")) return map_attribute(r, c, items.list, *out);
    const tpl_value *name = positional(c, 0);
    const tpl_builtin *fn = name && name->type == TPL_TEXT ? ig_tpl_find_filter(name->text, name->len) : NULL;
    if (!fn) return ig_tpl_fail(r, IG_E_FORMAT, "map needs the name of a filter, or attribute=");
    tpl_args args = rest_of(&c->raw, 1);
    for (size_t i = 0; i < items.list->count; i++) {
        tpl_value v;
        IG_TRY(ig_tpl_call_builtin(r, fn, items.list->item[i], &args, &v));
        IG_TRY(ig_tpl_list_add(r, *out, v));
    }
    return IG_OK;
}

/* ---- select and reject ---- */

/* Is the item to be kept by the test that argument `at` names (by its truth when there is none)? */
static ig_status passes(tpl_run *r, const tpl_call *c, size_t at, tpl_value v, bool *out) {
    const tpl_value *name = positional(c, at);
    *out = ig_tpl_truth(v);
    if (!name) return IG_OK;
    if (name->type != TPL_TEXT) return ig_tpl_fail(r, IG_E_FORMAT, "%s needs the name of a test", c->fn->name);
    const tpl_builtin *fn = ig_tpl_find_test(name->text, name->len);
    if (!fn)
        return ig_tpl_fail(r, IG_E_FORMAT, "%s: there is no test \"%.*s\"", c->fn->name, name->len < 40 ? (int)name->len : 40,
                           name->text);
    tpl_args args = rest_of(&c->raw, at + 1);
    tpl_value result;
    IG_TRY(ig_tpl_call_builtin(r, fn, v, &args, &result));
    *out = ig_tpl_truth(result);
    return IG_OK;
}

static ig_status choose(tpl_run *r, const tpl_call *c, bool by_attribute, bool keep, tpl_value *out) {
    tpl_value items;
    const tpl_value *path = by_attribute ? positional(c, 0) : NULL;
    if (by_attribute && !path) return ig_tpl_fail(r, IG_E_FORMAT, "%s needs the name of an attribute", c->fn->name);
    IG_TRY(items_or_none(r, c->self, &items));
    IG_TRY(ig_tpl_list_new(r, TPL_LIST, 0, out));
    for (size_t i = 0; i < items.list->count; i++) {
        tpl_value v = items.list->item[i];
        bool pass;
        IG_TRY(ig_tpl_work(r, 1));
        if (path) IG_TRY(ig_tpl_attribute_path(r, v, *path, &v));
        IG_TRY(passes(r, c, by_attribute, v, &pass));
        if (pass == keep) IG_TRY(ig_tpl_list_add(r, *out, items.list->item[i]));
    }
    return IG_OK;
}

static ig_status do_select(tpl_run *r, const tpl_call *c, tpl_value *out) { return choose(r, c, false, true, out); }
static ig_status do_reject(tpl_run *r, const tpl_call *c, tpl_value *out) { return choose(r, c, false, false, out); }
static ig_status do_selectattr(tpl_run *r, const tpl_call *c, tpl_value *out) { return choose(r, c, true, true, out); }
static ig_status do_rejectattr(tpl_run *r, const tpl_call *c, tpl_value *out) { return choose(r, c, true, false, out); }

static const tpl_builtin list_filters[] = {
    {"list", do_list, "", 0},
    {"first", do_first, "", 0},
    {"last", do_last, "", 0},
    {"items", ig_tpl_do_items, "", 0},
    {"reverse", do_reverse, "", 0},
    {"sum", do_sum, "attribute start", 0},
    {"map", do_map, NULL, 0},
    {"select", do_select, NULL, 0},
    {"reject", do_reject, NULL, 0},
    {"selectattr", do_selectattr, NULL, 0},
    {"rejectattr", do_rejectattr, NULL, 0},
};
TPL_LIST_BUILTINS(ig_tpl_list_filters, list_filters);
