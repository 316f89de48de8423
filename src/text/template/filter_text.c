/* text/template/filter_text.c: filters that give text: case, replacement, indent, escape, join, tojson. */
#include <string.h>

#include "text/template/builtins.h"

static ig_status case_of(tpl_run *r, const tpl_call *c, tpl_case how, tpl_value *out) {
    tpl_value v;
    IG_TRY(ig_tpl_to_text(r, c->self, &v));
    return ig_tpl_change_case(r, v, how, out);
}

static ig_status do_upper(tpl_run *r, const tpl_call *c, tpl_value *out) { return case_of(r, c, TPL_UPPER, out); }
static ig_status do_lower(tpl_run *r, const tpl_call *c, tpl_value *out) { return case_of(r, c, TPL_LOWER, out); }
static ig_status do_title(tpl_run *r, const tpl_call *c, tpl_value *out) { return case_of(r, c, TPL_TITLE_FILTER, out); }
static ig_status do_capitalize(tpl_run *r, const tpl_call *c, tpl_value *out) { return case_of(r, c, TPL_CAPITALIZE, out); }

static ig_status do_string(tpl_run *r, const tpl_call *c, tpl_value *out) {
    return ig_tpl_to_text(r, c->self, out);
}

static ig_status do_trim(tpl_run *r, const tpl_call *c, tpl_value *out) {
    tpl_value v, set;
    IG_TRY(ig_tpl_to_text(r, c->self, &v));
    IG_TRY(ig_tpl_arg_text(r, c, 0, "", &set));
    *out = ig_tpl_strip(v, c->arg[0] && c->arg[0]->type == TPL_TEXT ? &set : NULL, TPL_LEFT | TPL_RIGHT);
    return ig_tpl_work(r, v.len / 64);
}

static ig_status do_replace(tpl_run *r, const tpl_call *c, tpl_value *out) {
    tpl_value v, old, with;
    int64_t count;
    IG_TRY(ig_tpl_to_text(r, c->self, &v));
    IG_TRY(ig_tpl_to_text(r, *c->arg[0], &old));
    IG_TRY(ig_tpl_to_text(r, *c->arg[1], &with));
    IG_TRY(ig_tpl_arg_int(r, c, 2, -1, &count));
    return ig_tpl_replace(r, v, old, with, count, out);
}

static ig_status do_escape(tpl_run *r, const tpl_call *c, tpl_value *out) {
    static const char plain[] = "&<>\"'", *const entity[] = {"&amp;", "&lt;", "&gt;", "&#34;", "&#39;"};
    tpl_value v;
    IG_TRY(ig_tpl_to_text(r, c->self, &v));
    size_t mark = r->text.len;
    for (size_t i = 0; i < v.len; i++) {
        const char *known = v.text[i] ? strchr(plain, v.text[i]) : NULL;
        if (known)
            ig_buf_puts(&r->text, entity[known - plain]);
        else
            ig_buf_putc(&r->text, v.text[i]);
    }
    IG_TRY(ig_tpl_work(r, v.len / 8));
    return ig_tpl_take(r, mark, out);
}

/* ---- indent ---- */

/* A number of spaces, or the text itself. */
static ig_status take_indent(tpl_run *r, const tpl_call *c, tpl_value *out) {
    int64_t width;
    if (c->arg[0] && c->arg[0]->type == TPL_TEXT) {
        *out = *c->arg[0];
        return IG_OK;
    }
    IG_TRY(ig_tpl_arg_int(r, c, 0, 4, &width));
    return ig_tpl_binary(r, '*', ig_tpl_text(" ", 1), ig_tpl_int(width), out);
}

/* Every line but the first (unless `first`), and empty ones only with `blank`. */
static ig_status do_indent(tpl_run *r, const tpl_call *c, tpl_value *out) {
    tpl_value v, by;
    bool first = ig_tpl_arg_bool(c, 1, false), blank = ig_tpl_arg_bool(c, 2, false);
    IG_TRY(ig_tpl_to_text(r, c->self, &v));
    IG_TRY(take_indent(r, c, &by));
    size_t mark = r->text.len;
    for (size_t at = 0; at <= v.len;) {
        const char *end = at < v.len ? memchr(v.text + at, '\n', v.len - at) : NULL;
        size_t n = end ? (size_t)(end - v.text) - at : v.len - at;
        if (at ? n || blank : first) ig_buf_append(&r->text, by.text, by.len);
        ig_buf_append(&r->text, v.text + at, n);
        if (end) ig_buf_putc(&r->text, '\n');
        IG_TRY(ig_tpl_work(r, 1 + by.len / 64));
        at += n + 1;
    }
    return ig_tpl_take(r, mark, out);
}

/* ---- join ---- */

ig_status ig_tpl_do_join(tpl_run *r, tpl_value list, tpl_value between, const tpl_value *attribute, bool convert,
                         tpl_value *out) {
    size_t mark = r->text.len;
    IG_TRY(ig_tpl_iterate(r, list, &list));
    for (size_t i = 0; i < list.list->count; i++) {
        tpl_value item = list.list->item[i];
        if (attribute) IG_TRY(ig_tpl_attribute_path(r, item, *attribute, &item));
        if (!convert && item.type != TPL_TEXT)
            return ig_tpl_fail(r, IG_E_FORMAT, "join: item %zu is %s, not a string", i, ig_tpl_type_name(item));
        if (i) ig_buf_append(&r->text, between.text, between.len);
        IG_TRY(ig_tpl_print(r, item));
    }
    return ig_tpl_take(r, mark, out);
}

static ig_status do_join(tpl_run *r, const tpl_call *c, tpl_value *out) {
    tpl_value between = ig_tpl_text("", 0);
    if (c->arg[0]) IG_TRY(ig_tpl_to_text(r, *c->arg[0], &between));
    return ig_tpl_do_join(r, c->self, between, c->arg[1], true, out);
}

/* ---- tojson ---- */

static ig_status take_separators(tpl_run *r, const tpl_value *given, tpl_json_opts *o) {
    o->item_separator = o->indent < 0 ? ig_tpl_text(", ", 2) : ig_tpl_text(",", 1);
    o->key_separator = ig_tpl_text(": ", 2);
    if (!given || given->type == TPL_NONE) return IG_OK;
    const tpl_value *pair = ig_tpl_is_list(*given) && given->list->count == 2 ? given->list->item : NULL;
    if (!pair || pair[0].type != TPL_TEXT || pair[1].type != TPL_TEXT)
        return ig_tpl_fail(r, IG_E_FORMAT, "separators of tojson are two strings");
    o->item_separator = pair[0];
    o->key_separator = pair[1];
    return IG_OK;
}

/* The parameters, and their order, are those that transformers gives to this filter. */
static ig_status do_tojson(tpl_run *r, const tpl_call *c, tpl_value *out) {
    tpl_json_opts o = {.ensure_ascii = ig_tpl_arg_bool(c, 0, false), .sort_keys = ig_tpl_arg_bool(c, 3, false)};
    int64_t indent;
    IG_TRY(ig_tpl_arg_int(r, c, 1, -1, &indent));
    if (indent > 64) return ig_tpl_fail(r, IG_E_LIMIT, "tojson indents by at most 64");
    o.indent = indent < 0 ? -1 : (int)indent;
    IG_TRY(take_separators(r, c->arg[2], &o));
    size_t mark = r->text.len;
    IG_TRY(ig_tpl_print_json(r, c->self, &o));
    return ig_tpl_take(r, mark, out);
}

static const tpl_builtin text_filters[] = {
    {"upper", do_upper, "", 0},
    {"lower", do_lower, "", 0},
    {"title", do_title, "", 0},
    {"capitalize", do_capitalize, "", 0},
    {"string", do_string, "", 0},
    {"safe", do_string, "", 0},
    {"trim", do_trim, "chars", 0},
    {"replace", do_replace, "old new count", 2},
    {"escape", do_escape, "", 0},
    {"e", do_escape, "", 0},
    {"indent", do_indent, "width first blank", 0},
    {"join", do_join, "d attribute", 0},
    {"tojson", do_tojson, "ensure_ascii indent separators sort_keys", 0},
};
TPL_LIST_BUILTINS(ig_tpl_text_filters, text_filters);
