/* text/template/method.c: methods: of text, dicts, lists and loops, by Python's names and rules. */
#include <string.h>

#include "text/template/builtins.h"

/* ---- text: borders and case ---- */

static ig_status strip_sides(tpl_run *r, const tpl_call *c, unsigned sides, tpl_value *out) {
    tpl_value set;
    IG_TRY(ig_tpl_arg_text(r, c, 0, "", &set));
    bool given = c->arg[0] && c->arg[0]->type == TPL_TEXT;
    *out = ig_tpl_strip(c->self, given ? &set : NULL, sides);
    return ig_tpl_work(r, c->self.len / 64);
}

static ig_status do_strip(tpl_run *r, const tpl_call *c, tpl_value *out) {
    return strip_sides(r, c, TPL_LEFT | TPL_RIGHT, out);
}
static ig_status do_lstrip(tpl_run *r, const tpl_call *c, tpl_value *out) { return strip_sides(r, c, TPL_LEFT, out); }
static ig_status do_rstrip(tpl_run *r, const tpl_call *c, tpl_value *out) { return strip_sides(r, c, TPL_RIGHT, out); }

static bool has_prefix(tpl_value v, tpl_value part) {
    return part.len <= v.len && memcmp(v.text, part.text, part.len) == 0;
}

static bool has_suffix(tpl_value v, tpl_value part) {
    return part.len <= v.len && memcmp(v.text + v.len - part.len, part.text, part.len) == 0;
}

/* One text, or a tuple of which one must fit. */
static ig_status any_fits(tpl_run *r, const tpl_call *c, bool (*fits)(tpl_value v, tpl_value part), tpl_value *out) {
    const tpl_value *part = c->arg[0];
    size_t count = 1;
    if (part->type == TPL_TUPLE) count = part->list->count, part = part->list->item;
    *out = ig_tpl_bool(false);
    for (size_t i = 0; i < count; i++) {
        if (part[i].type != TPL_TEXT)
            return ig_tpl_fail(r, IG_E_FORMAT, "%s takes a string, not %s", c->fn->name, ig_tpl_type_name(part[i]));
        out->boolean = out->boolean || fits(c->self, part[i]);
    }
    return ig_tpl_work(r, count);
}

static ig_status do_startswith(tpl_run *r, const tpl_call *c, tpl_value *out) { return any_fits(r, c, has_prefix, out); }
static ig_status do_endswith(tpl_run *r, const tpl_call *c, tpl_value *out) { return any_fits(r, c, has_suffix, out); }

static ig_status do_removeprefix(tpl_run *r, const tpl_call *c, tpl_value *out) {
    tpl_value part;
    IG_TRY(ig_tpl_arg_text(r, c, 0, "", &part));
    size_t cut = has_prefix(c->self, part) ? part.len : 0;
    *out = ig_tpl_text(c->self.text + cut, c->self.len - cut);
    return IG_OK;
}

static ig_status do_removesuffix(tpl_run *r, const tpl_call *c, tpl_value *out) {
    tpl_value part;
    IG_TRY(ig_tpl_arg_text(r, c, 0, "", &part));
    *out = ig_tpl_text(c->self.text, c->self.len - (has_suffix(c->self, part) ? part.len : 0));
    return IG_OK;
}

static ig_status do_upper(tpl_run *r, const tpl_call *c, tpl_value *out) {
    return ig_tpl_change_case(r, c->self, TPL_UPPER, out);
}
static ig_status do_lower(tpl_run *r, const tpl_call *c, tpl_value *out) {
    return ig_tpl_change_case(r, c->self, TPL_LOWER, out);
}
static ig_status do_title(tpl_run *r, const tpl_call *c, tpl_value *out) {
    return ig_tpl_change_case(r, c->self, TPL_TITLE_METHOD, out);
}
static ig_status do_capitalize(tpl_run *r, const tpl_call *c, tpl_value *out) {
    return ig_tpl_change_case(r, c->self, TPL_CAPITALIZE, out);
}

static ig_status do_isupper(tpl_run *r, const tpl_call *c, tpl_value *out) {
    *out = ig_tpl_bool(ig_tpl_has_case(r, c->self, TPL_UPPER));
    return ig_tpl_work(r, c->self.len / 8);
}

static ig_status do_islower(tpl_run *r, const tpl_call *c, tpl_value *out) {
    *out = ig_tpl_bool(ig_tpl_has_case(r, c->self, TPL_LOWER));
    return ig_tpl_work(r, c->self.len / 8);
}

/* ASCII digits only: other scripts' digits do not occur in templates. */
static ig_status do_isdigit(tpl_run *r, const tpl_call *c, tpl_value *out) {
    bool all = c->self.len > 0;
    for (size_t i = 0; i < c->self.len && all; i++) all = c->self.text[i] >= '0' && c->self.text[i] <= '9';
    *out = ig_tpl_bool(all);
    return ig_tpl_work(r, c->self.len / 8);
}

static ig_status do_isspace(tpl_run *r, const tpl_call *c, tpl_value *out) {
    *out = ig_tpl_bool(c->self.len && !ig_tpl_strip(c->self, NULL, TPL_LEFT).len);
    return ig_tpl_work(r, c->self.len / 8);
}

/* ---- text: search, replacement, parts ---- */

static ig_status do_replace(tpl_run *r, const tpl_call *c, tpl_value *out) {
    tpl_value old, with;
    int64_t count;
    IG_TRY(ig_tpl_arg_text(r, c, 0, "", &old));
    IG_TRY(ig_tpl_arg_text(r, c, 1, "", &with));
    IG_TRY(ig_tpl_arg_int(r, c, 2, -1, &count));
    return ig_tpl_replace(r, c->self, old, with, count, out);
}

static size_t find_last(tpl_value v, tpl_value part) {
    size_t found = SIZE_MAX;
    for (size_t at = v.len + 1; at-- > 0 && found == SIZE_MAX;) {
        if (part.len <= v.len - at && memcmp(v.text + at, part.text, part.len) == 0) found = at;
    }
    return found;
}

static ig_status found_at(tpl_run *r, const tpl_call *c, bool last, tpl_value *out) {
    tpl_value part;
    IG_TRY(ig_tpl_arg_text(r, c, 0, "", &part));
    size_t at = last ? find_last(c->self, part) : ig_tpl_find(c->self, part, 0);
    *out = ig_tpl_int(at == SIZE_MAX ? -1 : (int64_t)ig_tpl_chars(c->self.text, at));
    return ig_tpl_work(r, c->self.len / 16);
}

static ig_status do_find(tpl_run *r, const tpl_call *c, tpl_value *out) { return found_at(r, c, false, out); }
static ig_status do_rfind(tpl_run *r, const tpl_call *c, tpl_value *out) { return found_at(r, c, true, out); }

static ig_status do_count(tpl_run *r, const tpl_call *c, tpl_value *out) {
    tpl_value part;
    int64_t count = 0;
    IG_TRY(ig_tpl_arg_text(r, c, 0, "", &part));
    IG_TRY(ig_tpl_work(r, c->self.len / 16));
    if (!part.len) count = (int64_t)ig_tpl_chars(c->self.text, c->self.len) + 1;
    for (size_t at = 0; part.len && (at = ig_tpl_find(c->self, part, at)) != SIZE_MAX; at += part.len) count++;
    *out = ig_tpl_int(count);
    return IG_OK;
}

/* Words between white space; `most` cuts at most, and what is left keeps its end. */
static ig_status split_space(tpl_run *r, tpl_value rest, int64_t most, tpl_value list) {
    for (;;) {
        rest = ig_tpl_strip(rest, NULL, TPL_LEFT);
        if (!rest.len) return IG_OK;
        if (most-- == 0) return ig_tpl_list_add(r, list, rest);
        size_t n = 0;
        uint32_t cp;
        while (n < rest.len) {
            size_t len = ig_utf8_decode(rest.text + n, rest.len - n, &cp);
            if (ig_tpl_is_space(cp)) break;
            n += len;
        }
        IG_TRY(ig_tpl_list_add(r, list, ig_tpl_text(rest.text, n)));
        rest = ig_tpl_text(rest.text + n, rest.len - n);
    }
}

static ig_status rsplit_space(tpl_run *r, tpl_value rest, int64_t most, tpl_value list) {
    for (;;) {
        rest = ig_tpl_strip(rest, NULL, TPL_RIGHT);
        if (!rest.len) return IG_OK;
        if (most-- == 0) return ig_tpl_list_add(r, list, rest);
        size_t at = rest.len;
        while (at > 0) {
            tpl_value before = ig_tpl_text(rest.text, at);
            if (ig_tpl_strip(before, NULL, TPL_RIGHT).len != at) break;
            at--;
        }
        IG_TRY(ig_tpl_list_add(r, list, ig_tpl_text(rest.text + at, rest.len - at)));
        rest.len = at;
    }
}

static ig_status split_by(tpl_run *r, tpl_value v, tpl_value by, int64_t most, tpl_value list) {
    size_t at = 0, next;
    while (most-- != 0 && (next = ig_tpl_find(v, by, at)) != SIZE_MAX) {
        IG_TRY(ig_tpl_list_add(r, list, ig_tpl_text(v.text + at, next - at)));
        at = next + by.len;
    }
    return ig_tpl_list_add(r, list, ig_tpl_text(v.text + at, v.len - at));
}

static ig_status rsplit_by(tpl_run *r, tpl_value v, tpl_value by, int64_t most, tpl_value list) {
    size_t at;
    while (most-- != 0 && (at = find_last(v, by)) != SIZE_MAX) {
        IG_TRY(ig_tpl_work(r, v.len - at));
        IG_TRY(ig_tpl_list_add(r, list, ig_tpl_text(v.text + at + by.len, v.len - at - by.len)));
        v.len = at;
    }
    return ig_tpl_list_add(r, list, v);
}

static void turn_round(tpl_list *l) {
    for (size_t i = 0; i < l->count / 2; i++) {
        tpl_value v = l->item[i];
        l->item[i] = l->item[l->count - 1 - i];
        l->item[l->count - 1 - i] = v;
    }
}

static ig_status split(tpl_run *r, const tpl_call *c, bool last, tpl_value *out) {
    tpl_value by;
    int64_t most;
    IG_TRY(ig_tpl_arg_text(r, c, 0, "", &by));
    IG_TRY(ig_tpl_arg_int(r, c, 1, -1, &most));
    IG_TRY(ig_tpl_work(r, c->self.len / 8));
    IG_TRY(ig_tpl_list_new(r, TPL_LIST, 0, out));
    bool given = c->arg[0] && c->arg[0]->type == TPL_TEXT;
    if (given && !by.len) return ig_tpl_fail(r, IG_E_FORMAT, "%s by an empty string", c->fn->name);
    if (last) {
        IG_TRY(given ? rsplit_by(r, c->self, by, most, *out) : rsplit_space(r, c->self, most, *out));
        turn_round(out->list);
        return IG_OK;
    }
    return given ? split_by(r, c->self, by, most, *out) : split_space(r, c->self, most, *out);
}

static ig_status do_split(tpl_run *r, const tpl_call *c, tpl_value *out) { return split(r, c, false, out); }
static ig_status do_rsplit(tpl_run *r, const tpl_call *c, tpl_value *out) { return split(r, c, true, out); }

/* Lines end with \n, \r or \r\n. */
static ig_status do_splitlines(tpl_run *r, const tpl_call *c, tpl_value *out) {
    tpl_value v = c->self;
    bool keep = ig_tpl_arg_bool(c, 0, false);
    IG_TRY(ig_tpl_work(r, v.len / 8));
    IG_TRY(ig_tpl_list_new(r, TPL_LIST, 0, out));
    for (size_t at = 0; at < v.len;) {
        size_t n = 0, end;
        while (at + n < v.len && v.text[at + n] != '\n' && v.text[at + n] != '\r') n++;
        end = at + n + (at + n < v.len);
        if (end < v.len && v.text[end - 1] == '\r' && v.text[end] == '\n') end++;
        IG_TRY(ig_tpl_list_add(r, *out, ig_tpl_text(v.text + at, keep ? end - at : n)));
        at = end;
    }
    return IG_OK;
}

static ig_status do_join(tpl_run *r, const tpl_call *c, tpl_value *out) {
    return ig_tpl_do_join(r, *c->arg[0], c->self, NULL, false, out);
}

/* ---- format: {} {0} {name}, without a format after a colon ---- */

static ig_status format_field(tpl_run *r, const tpl_call *c, const char *field, size_t n, size_t *next) {
    size_t index = 0;
    bool digits = n < 6;
    for (size_t i = 0; i < n && digits; i++) {
        digits = field[i] >= '0' && field[i] <= '9';
        index = index * 10 + (size_t)(field[i] - '0');
    }
    if (!n) index = (*next)++;
    for (size_t k = 0; k < c->raw.count; k++) {
        const char *name = c->raw.name[k];
        bool fits = name ? strlen(name) == n && memcmp(name, field, n) == 0 : digits && k == index;
        if (fits) return ig_tpl_print(r, c->raw.value[k]);
    }
    return ig_tpl_fail(r, IG_E_FORMAT, "format has no value for {%.*s}", n < 40 ? (int)n : 40, field);
}

static ig_status do_format(tpl_run *r, const tpl_call *c, tpl_value *out) {
    tpl_value v = c->self;
    size_t mark = r->text.len, next = 0;
    IG_TRY(ig_tpl_work(r, v.len / 8));
    for (size_t at = 0; at < v.len; at++) {
        char brace = v.text[at];
        if ((brace == '{' || brace == '}') && at + 1 < v.len && v.text[at + 1] == brace) at++;
        else if (brace == '{') {
            const char *end = memchr(v.text + at, '}', v.len - at);
            if (!end) return ig_tpl_fail(r, IG_E_FORMAT, "a { in format is never closed");
            IG_TRY(format_field(r, c, v.text + at + 1, (size_t)(end - v.text) - at - 1, &next));
            at = (size_t)(end - v.text);
            continue;
        }
        ig_buf_putc(&r->text, brace);
    }
    return ig_tpl_take(r, mark, out);
}

static const tpl_builtin text_methods[] = {
    {"strip", do_strip, "chars", 0},
    {"lstrip", do_lstrip, "chars", 0},
    {"rstrip", do_rstrip, "chars", 0},
    {"startswith", do_startswith, "prefix", 1},
    {"endswith", do_endswith, "suffix", 1},
    {"removeprefix", do_removeprefix, "prefix", 1},
    {"removesuffix", do_removesuffix, "suffix", 1},
    {"split", do_split, "sep maxsplit", 0},
    {"rsplit", do_rsplit, "sep maxsplit", 0},
    {"splitlines", do_splitlines, "keepends", 0},
    {"upper", do_upper, "", 0},
    {"lower", do_lower, "", 0},
    {"title", do_title, "", 0},
    {"capitalize", do_capitalize, "", 0},
    {"isupper", do_isupper, "", 0},
    {"islower", do_islower, "", 0},
    {"isdigit", do_isdigit, "", 0},
    {"isspace", do_isspace, "", 0},
    {"replace", do_replace, "old new count", 2},
    {"join", do_join, "iterable", 1},
    {"find", do_find, "sub", 1},
    {"rfind", do_rfind, "sub", 1},
    {"count", do_count, "sub", 1},
    {"format", do_format, NULL, 0},
};
TPL_LIST_BUILTINS(ig_tpl_text_methods, text_methods);

/* ---- dicts ---- */

static ig_status do_keys(tpl_run *r, const tpl_call *c, tpl_value *out) {
    return ig_tpl_iterate(r, c->self, out);
}

static ig_status do_values(tpl_run *r, const tpl_call *c, tpl_value *out) {
    const tpl_dict *d = c->self.dict;
    IG_TRY(ig_tpl_work(r, d->count));
    IG_TRY(ig_tpl_list_new(r, TPL_LIST, d->count, out));
    for (size_t i = 0; i < d->count; i++) IG_TRY(ig_tpl_list_add(r, *out, d->entry[i].value));
    return IG_OK;
}

static ig_status do_get(tpl_run *r, const tpl_call *c, tpl_value *out) {
    const tpl_value *found;
    IG_TRY(ig_tpl_dict_find(r, c->self, *c->arg[0], &found));
    *out = found ? *found : c->arg[1] ? *c->arg[1] : ig_tpl_none();
    return IG_OK;
}

static const tpl_builtin dict_methods[] = {
    {"items", ig_tpl_do_items, "", 0},
    {"keys", do_keys, "", 0},
    {"values", do_values, "", 0},
    {"get", do_get, "key default", 1},
};
TPL_LIST_BUILTINS(ig_tpl_dict_methods, dict_methods);

/* ---- lists and loops ---- */

static ig_status do_append(tpl_run *r, const tpl_call *c, tpl_value *out) {
    *out = ig_tpl_none();
    return ig_tpl_list_add(r, c->self, *c->arg[0]);
}

static ig_status do_pop(tpl_run *r, const tpl_call *c, tpl_value *out) {
    tpl_list *l = c->self.list;
    int64_t i;
    IG_TRY(ig_tpl_arg_int(r, c, 0, -1, &i));
    if (i < 0) i += (int64_t)l->count;
    if (i < 0 || (uint64_t)i >= l->count)
        return ig_tpl_fail(r, IG_E_FORMAT, "pop: there is no such item in a list of %zu", l->count);
    IG_TRY(ig_tpl_work(r, l->count / 16));
    *out = l->item[i];
    memmove(l->item + i, l->item + i + 1, (l->count - (size_t)i - 1) * sizeof *l->item);
    l->count--;
    return IG_OK;
}

static const tpl_builtin list_methods[] = {{"append", do_append, "object", 1}, {"pop", do_pop, "index", 0}};
TPL_LIST_BUILTINS(ig_tpl_list_methods, list_methods);

static ig_status do_cycle(tpl_run *r, const tpl_call *c, tpl_value *out) {
    if (!c->raw.count) return ig_tpl_fail(r, IG_E_FORMAT, "loop.cycle needs arguments");
    *out = c->raw.value[c->self.loop->index % c->raw.count];
    return IG_OK;
}

static const tpl_builtin loop_methods[] = {{"cycle", do_cycle, NULL, 0}};
TPL_LIST_BUILTINS(ig_tpl_loop_methods, loop_methods);
