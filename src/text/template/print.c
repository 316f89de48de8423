/* text/template/print.c: values as text: as {{ v }} writes them, as they stand inside a list, and as JSON.
 *
 * {{ v }} is Python's str: True, None, 1.0, ['a', "it's"].  tojson is json.dumps with ensure_ascii off, as transformers sets
 * it: ", " and ": " between items, or one item a line when an indent is given.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "text/template/value.h"

/* Decimal digits of the shortest number that reads back as v, and its exponent: v = ±0.DIGITS · 10^point. */
static size_t shortest_digits(double v, char digits[20], int *point) {
    char text[40];
    size_t n = 0;
    for (int precision = 0; precision <= 16; precision++) {
        snprintf(text, sizeof text, "%.*e", precision, fabs(v));
        if (strtod(text, NULL) == fabs(v)) break;
    }
    char *e = strchr(text, 'e');
    for (char *p = text; p < e; p++) { /* whatever the locale's decimal point is, it is no digit */
        if (*p >= '0' && *p <= '9') digits[n++] = *p;
    }
    *point = (int)strtol(e + 1, NULL, 10) + 1;
    return n;
}

/* Python's repr(float): an exponent below 1e-4 and from 1e16 on, and always a point or an exponent. */
static void print_real(ig_buf *b, double v) {
    char digits[20];
    int point;
    if (!isfinite(v)) {
        ig_buf_puts(b, isnan(v) ? "nan" : v > 0 ? "inf" : "-inf");
        return;
    }
    int n = (int)shortest_digits(v, digits, &point);
    if (signbit(v)) ig_buf_putc(b, '-');
    if (v != 0 && (point <= -4 || point > 16)) {
        ig_buf_putc(b, digits[0]);
        if (n > 1) ig_buf_printf(b, ".%.*s", n - 1, digits + 1);
        ig_buf_printf(b, "e%c%02d", point - 1 < 0 ? '-' : '+', abs(point - 1));
        return;
    }
    if (point <= 0) ig_buf_puts(b, "0.");
    for (int i = point; i < 0; i++) ig_buf_putc(b, '0');
    for (int i = 0; i < n || i < point; i++) {
        if (i == point && point > 0) ig_buf_putc(b, '.');
        ig_buf_putc(b, i < n ? digits[i] : '0');
    }
    if (n <= point) ig_buf_puts(b, ".0");
}

/* What Python's repr shows as an escape: controls, format characters, spaces other than ' ', private and unassigned ends. */
static bool is_printable(uint32_t cp) {
    if (cp < 0x20 || (cp >= 0x7f && cp <= 0xa0) || cp == 0xad) return false;
    if (cp >= 0x2000 && cp <= 0x206f) return (cp >= 0x2010 && cp <= 0x2027) || (cp >= 0x2030 && cp <= 0x205e);
    return cp != 0x1680 && cp != 0x3000 && cp != 0xfeff && !(cp >= 0xe000 && cp <= 0xf8ff) && !(cp >= 0xfff0 && cp <= 0xfffb) &&
           cp < 0xe0000;
}

static void print_escape(ig_buf *b, uint32_t cp) {
    if (cp == '\n')
        ig_buf_puts(b, "\\n");
    else if (cp == '\r')
        ig_buf_puts(b, "\\r");
    else if (cp == '\t')
        ig_buf_puts(b, "\\t");
    else
        ig_buf_printf(b, cp < 0x100 ? "\\x%02x" : cp < 0x10000 ? "\\u%04x" : "\\U%08x", (unsigned)cp);
}

static void print_quoted(ig_buf *b, tpl_value v) {
    char quote = memchr(v.text, '\'', v.len) && !memchr(v.text, '"', v.len) ? '"' : '\'';
    ig_buf_putc(b, quote);
    for (size_t at = 0; at < v.len;) {
        uint32_t cp;
        size_t n = ig_utf8_decode(v.text + at, v.len - at, &cp);
        if (cp == (uint32_t)quote || cp == '\\') ig_buf_putc(b, '\\');
        if (is_printable(cp))
            ig_buf_append(b, v.text + at, n);
        else
            print_escape(b, cp);
        at += n;
    }
    ig_buf_putc(b, quote);
}

static ig_status print(tpl_run *r, tpl_value v, bool inside, int depth);

static ig_status print_list(tpl_run *r, tpl_value v, int depth) {
    bool tuple = v.type == TPL_TUPLE;
    ig_buf_putc(&r->text, tuple ? '(' : '[');
    for (size_t i = 0; i < v.list->count; i++) {
        if (i) ig_buf_puts(&r->text, ", ");
        IG_TRY(print(r, v.list->item[i], true, depth + 1));
    }
    if (tuple && v.list->count == 1) ig_buf_putc(&r->text, ',');
    ig_buf_putc(&r->text, tuple ? ')' : ']');
    return IG_OK;
}

static ig_status print_dict(tpl_run *r, tpl_value v, int depth) {
    ig_buf_puts(&r->text, v.type == TPL_NAMESPACE ? "<Namespace {" : "{");
    for (size_t i = 0; i < v.dict->count; i++) {
        if (i) ig_buf_puts(&r->text, ", ");
        IG_TRY(print(r, v.dict->entry[i].key, true, depth + 1));
        ig_buf_puts(&r->text, ": ");
        IG_TRY(print(r, v.dict->entry[i].value, true, depth + 1));
    }
    ig_buf_puts(&r->text, v.type == TPL_NAMESPACE ? "}>" : "}");
    return IG_OK;
}

static ig_status print(tpl_run *r, tpl_value v, bool inside, int depth) {
    ig_buf *b = &r->text;
    if (depth > TPL_VALUE_DEPTH_MAX) return ig_tpl_fail(r, IG_E_LIMIT, "values nested more than %d deep", TPL_VALUE_DEPTH_MAX);
    IG_TRY(ig_tpl_work(r, v.type == TPL_TEXT ? v.len / 64 + 1 : 1));
    switch (v.type) {
    case TPL_UNDEFINED:
        if (inside) ig_buf_puts(b, "Undefined");
        break;
    case TPL_NONE: ig_buf_puts(b, "None"); break;
    case TPL_BOOL: ig_buf_puts(b, v.boolean ? "True" : "False"); break;
    case TPL_INT: ig_buf_printf(b, "%lld", (long long)v.integer); break;
    case TPL_REAL: print_real(b, v.real); break;
    case TPL_TEXT:
        if (inside)
            print_quoted(b, v);
        else
            ig_buf_append(b, v.text, v.len);
        break;
    case TPL_LIST:
    case TPL_TUPLE: IG_TRY(print_list(r, v, depth)); break;
    case TPL_DICT:
    case TPL_NAMESPACE: IG_TRY(print_dict(r, v, depth)); break;
    case TPL_LOOP: ig_buf_printf(b, "<LoopContext %zu/%zu>", v.loop->index + 1, v.loop->count); break;
    case TPL_CALLABLE: return ig_tpl_fail(r, IG_E_FORMAT, "a function cannot be printed: it is called with ( )");
    }
    return ig_tpl_check_text(r);
}

ig_status ig_tpl_print(tpl_run *r, tpl_value v) {
    return print(r, v, false, 0);
}

ig_status ig_tpl_to_text(tpl_run *r, tpl_value v, tpl_value *out) {
    if (v.type == TPL_TEXT) {
        *out = v;
        return IG_OK;
    }
    size_t mark = r->text.len;
    IG_TRY(ig_tpl_print(r, v));
    return ig_tpl_take(r, mark, out);
}

/* ---- JSON ---- */

static void json_char(ig_buf *b, const char *s, size_t n, uint32_t cp, bool ascii) {
    static const char plain[] = "\"\\\n\r\t\b\f", letter[] = "\"\\nrtbf";
    const char *known = cp && cp < 0x80 ? strchr(plain, (int)cp) : NULL;
    if (known) {
        ig_buf_printf(b, "\\%c", letter[known - plain]);
    } else if (cp < 0x20 || (ascii && cp >= 0x7f && cp < 0x10000 && cp != 0x7f)) {
        ig_buf_printf(b, "\\u%04x", (unsigned)cp);
    } else if (ascii && cp >= 0x10000) {
        unsigned rest = (unsigned)cp - 0x10000;
        ig_buf_printf(b, "\\u%04x\\u%04x", 0xd800 + (rest >> 10), 0xdc00 + (rest & 0x3ff));
    } else {
        ig_buf_append(b, s, n);
    }
}

static void json_text(ig_buf *b, tpl_value v, bool ascii) {
    ig_buf_putc(b, '"');
    for (size_t at = 0; at < v.len;) {
        uint32_t cp;
        size_t n = ig_utf8_decode(v.text + at, v.len - at, &cp);
        json_char(b, v.text + at, n, cp, ascii);
        at += n;
    }
    ig_buf_putc(b, '"');
}

static void json_line(ig_buf *b, const tpl_json_opts *o, int depth) {
    if (o->indent < 0) return;
    ig_buf_putc(b, '\n');
    for (int i = 0; i < depth * o->indent; i++) ig_buf_putc(b, ' ');
}

static void json_between(ig_buf *b, const tpl_json_opts *o, size_t i, int depth) {
    if (i) ig_buf_append(b, o->item_separator.text, o->item_separator.len);
    json_line(b, o, depth);
}

static ig_status json(tpl_run *r, tpl_value v, const tpl_json_opts *o, int depth);

static ig_status json_list(tpl_run *r, tpl_value v, const tpl_json_opts *o, int depth) {
    ig_buf_putc(&r->text, '[');
    for (size_t i = 0; i < v.list->count; i++) {
        json_between(&r->text, o, i, depth + 1);
        IG_TRY(json(r, v.list->item[i], o, depth + 1));
    }
    if (v.list->count) json_line(&r->text, o, depth);
    ig_buf_putc(&r->text, ']');
    return IG_OK;
}

/* Keys are text in JSON: json.dumps writes numbers, booleans and none as their JSON in quotes. */
static ig_status json_key(tpl_run *r, tpl_value key, const tpl_json_opts *o, int depth) {
    if (key.type == TPL_TEXT) return json(r, key, o, depth);
    if (!ig_tpl_is_number(key) && key.type != TPL_NONE)
        return ig_tpl_fail(r, IG_E_FORMAT, "%s cannot be a key in JSON", ig_tpl_type_name(key));
    ig_buf_putc(&r->text, '"');
    IG_TRY(json(r, key, o, depth));
    ig_buf_putc(&r->text, '"');
    return IG_OK;
}

/* The entries by key, all of which must be text: insertion into a new list, as maps here are small and steps are counted. */
static ig_status sorted_entries(tpl_run *r, const tpl_dict *d, tpl_entry **out) {
    IG_TRY(ig_tpl_alloc(r, d->count, sizeof **out, out));
    for (size_t i = 0; i < d->count; i++) {
        size_t at = i;
        for (; at > 0; at--) {
            int order;
            IG_TRY(ig_tpl_compare(r, (*out)[at - 1].key, d->entry[i].key, &order));
            if (order <= 0) break;
            (*out)[at] = (*out)[at - 1];
        }
        (*out)[at] = d->entry[i];
    }
    return IG_OK;
}

static ig_status json_dict(tpl_run *r, tpl_value v, const tpl_json_opts *o, int depth) {
    tpl_entry *entry = v.dict->entry;
    if (o->sort_keys) IG_TRY(sorted_entries(r, v.dict, &entry));
    ig_buf_putc(&r->text, '{');
    for (size_t i = 0; i < v.dict->count; i++) {
        json_between(&r->text, o, i, depth + 1);
        IG_TRY(json_key(r, entry[i].key, o, depth + 1));
        ig_buf_append(&r->text, o->key_separator.text, o->key_separator.len);
        IG_TRY(json(r, entry[i].value, o, depth + 1));
    }
    if (v.dict->count) json_line(&r->text, o, depth);
    ig_buf_putc(&r->text, '}');
    return IG_OK;
}

static void json_real(ig_buf *b, double v) {
    if (isfinite(v))
        print_real(b, v);
    else
        ig_buf_puts(b, isnan(v) ? "NaN" : v > 0 ? "Infinity" : "-Infinity");
}

static ig_status json(tpl_run *r, tpl_value v, const tpl_json_opts *o, int depth) {
    if (depth > TPL_VALUE_DEPTH_MAX) return ig_tpl_fail(r, IG_E_LIMIT, "values nested more than %d deep", TPL_VALUE_DEPTH_MAX);
    IG_TRY(ig_tpl_work(r, v.type == TPL_TEXT ? v.len / 64 + 1 : 1));
    switch (v.type) {
    case TPL_NONE: ig_buf_puts(&r->text, "null"); break;
    case TPL_BOOL: ig_buf_puts(&r->text, v.boolean ? "true" : "false"); break;
    case TPL_INT: ig_buf_printf(&r->text, "%lld", (long long)v.integer); break;
    case TPL_REAL: json_real(&r->text, v.real); break;
    case TPL_TEXT: json_text(&r->text, v, o->ensure_ascii); break;
    case TPL_LIST:
    case TPL_TUPLE: IG_TRY(json_list(r, v, o, depth)); break;
    case TPL_DICT: IG_TRY(json_dict(r, v, o, depth)); break;
    default: return ig_tpl_fail(r, IG_E_FORMAT, "%s has no form in JSON", ig_tpl_type_name(v));
    }
    return ig_tpl_check_text(r);
}

ig_status ig_tpl_print_json(tpl_run *r, tpl_value v, const tpl_json_opts *opts) {
    return json(r, v, opts, 0);
}
