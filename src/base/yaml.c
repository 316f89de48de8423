/* base/yaml.c: YAML's JSON-like core, read through libyaml's events.
 *
 * libyaml knows the layout rules and the lines; this file takes its events into the builder of tree.h and refuses what a
 * recipe must not contain: anchors and aliases (a small text could unfold to a huge tree), tags, merge keys, several
 * documents.  Plain scalars resolve by the core schema of YAML 1.2 (section 10.3.2), so that "no" and "on" are text and
 * 0o17 is a number; a scalar in quotes or in a block is always text.
 *
 * libyaml has its own allocations, which cannot be given ours; it reports their failure as YAML_MEMORY_ERROR.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "base/number.h"
#include "base/tree.h"

static int line_of(const yaml_event_t *e) {
    return (int)e->start_mark.line + 1;
}

/* ---- plain scalars ---- */

static bool is_one_of(const char *s, const char *const *words) {
    for (; *words; words++) {
        if (strcmp(s, *words) == 0) return true;
    }
    return false;
}

static bool resolve_word(const char *s, ig_tree *v) {
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const yes[] = {"true", "True", "TRUE", NULL}, *const no[] = {"false", "False", "FALSE", NULL};
    static const char *const inf[] = {".inf", ".Inf", ".INF", NULL}, *const nan_words[] = {".nan", ".NaN", ".NAN", NULL};
    if (is_one_of(s, nulls)) return true; /* a zeroed node is null */
    if (is_one_of(s, yes) || is_one_of(s, no)) {
        v->type = IG_TREE_BOOL;
        v->boolean = is_one_of(s, yes);
        return true;
    }
    if (is_one_of(s, nan_words) || is_one_of(s + (*s == '-' || *s == '+'), inf)) {
        v->type = IG_TREE_REAL;
        v->real = is_one_of(s, nan_words) ? NAN : *s == '-' ? -INFINITY : INFINITY;
        return true;
    }
    return false;
}

static void set_int(ig_tree *v, int64_t i) {
    v->type = IG_TREE_INT;
    v->integer = i;
    v->real = (double)i;
}

/* 0x1F and 0o17; a value past 63 bits stays text. */
static bool resolve_based(const char *s, ig_tree *v) {
    if (s[0] != '0' || (s[1] != 'x' && s[1] != 'o')) return false;
    bool hex = s[1] == 'x';
    size_t n = strlen(s + 2);
    if (n == 0 || strspn(s + 2, hex ? "0123456789abcdefABCDEF" : "01234567") != n || n > (hex ? 16 : 21)) return false;
    unsigned long long u = strtoull(s + 2, NULL, hex ? 16 : 8);
    if (u > INT64_MAX) return false;
    set_int(v, (int64_t)u);
    return true;
}

/* [-+]? ( \.[0-9]+ | [0-9]+ (\.[0-9]*)? ) ([eE][-+]?[0-9]+)? */
static bool is_decimal(const char *s, bool *whole) {
    static const char digits[] = "0123456789";
    s += *s == '-' || *s == '+';
    size_t before = strspn(s, digits), after = 0;
    s += before;
    *whole = *s == '\0';
    if (*s == '.') {
        s++;
        after = strspn(s, digits);
        s += after;
    }
    if (before + after == 0) return false;
    if (*s == 'e' || *s == 'E') {
        s++;
        s += *s == '-' || *s == '+';
        size_t exponent = strspn(s, digits);
        if (exponent == 0) return false;
        s += exponent;
    }
    return *s == '\0';
}

/* false: too large for a double. */
static bool resolve_plain(const char *s, size_t len, ig_tree *v) {
    bool whole;
    v->text = NULL;
    v->text_len = 0;
    if (strlen(s) == len) {
        if (resolve_word(s, v) || resolve_based(s, v)) return true;
        if (is_decimal(s, &whole)) {
            int64_t i;
            if (whole && ig_number_parse_int(s, &i)) {
                set_int(v, i);
                return true;
            }
            v->type = IG_TREE_REAL;
            return ig_number_parse(s, &v->real);
        }
    }
    v->type = IG_TREE_TEXT;
    v->text = s;
    v->text_len = len;
    return true;
}

/* ---- events ---- */

static ig_status refuse(const ig_tree_builder *b, const yaml_event_t *e, const char *what, ig_error *err) {
    return ig_builder_fail(b, err, IG_E_FORMAT, line_of(e), "%s", what);
}

static ig_status check_properties(const ig_tree_builder *b, const yaml_event_t *e, const void *anchor, const void *tag,
                                  ig_error *err) {
    if (anchor) return refuse(b, e, "anchors (&name) are not supported: write the value out", err);
    if (tag) return refuse(b, e, "tags (!name) are not supported", err);
    return IG_OK;
}

/* The next scalar is a key when the innermost map has one fewer value than it needs. */
static bool expects_key(const ig_tree_builder *b) {
    const ig_tree *top = ig_builder_top(b);
    return top && top->type == IG_TREE_MAP && !b->key;
}

static ig_status take_key(ig_tree_builder *b, const yaml_event_t *e, const char *text, size_t len, ig_error *err) {
    bool plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (plain && len == 0) return refuse(b, e, "a value without a key", err);
    if (plain && strcmp(text, "<<") == 0) return refuse(b, e, "merge keys (<<) are not supported: write the values out", err);
    return ig_builder_key(b, text, len, line_of(e), err);
}

static ig_status take_scalar(ig_tree_builder *b, const yaml_event_t *e, ig_error *err) {
    IG_TRY(check_properties(b, e, e->data.scalar.anchor, e->data.scalar.tag, err));
    size_t len = e->data.scalar.length;
    char *text = ig_doc_alloc(b->doc, len + 1);
    if (!text) return ig_error_nomem(err, len + 1);
    memcpy(text, e->data.scalar.value, len);
    if (expects_key(b)) return take_key(b, e, text, len, err);
    ig_tree v = {.line = line_of(e)};
    if (e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE) {
        v.type = IG_TREE_TEXT;
        v.text = text;
        v.text_len = len;
    } else if (!resolve_plain(text, len, &v)) {
        return refuse(b, e, "a number that is too large", err);
    }
    return ig_builder_scalar(b, &v, err);
}

static ig_status take_open(ig_tree_builder *b, const yaml_event_t *e, ig_error *err) {
    bool map = e->type == YAML_MAPPING_START_EVENT;
    IG_TRY(check_properties(b, e, map ? e->data.mapping_start.anchor : e->data.sequence_start.anchor,
                            map ? e->data.mapping_start.tag : e->data.sequence_start.tag, err));
    if (expects_key(b)) return refuse(b, e, "a key must be text, not a list or a map", err);
    return ig_builder_open(b, map ? IG_TREE_MAP : IG_TREE_LIST, line_of(e), err);
}

static ig_status take_event(ig_tree_builder *b, const yaml_event_t *e, ig_error *err) {
    switch (e->type) {
    case YAML_SCALAR_EVENT: return take_scalar(b, e, err);
    case YAML_MAPPING_START_EVENT:
    case YAML_SEQUENCE_START_EVENT: return take_open(b, e, err);
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT: ig_builder_close(b); return IG_OK;
    case YAML_ALIAS_EVENT: return refuse(b, e, "aliases (*name) are not supported: write the value out", err);
    case YAML_DOCUMENT_START_EVENT:
        return b->root ? refuse(b, e, "a second document (---) in one text", err) : IG_OK;
    default: return IG_OK;
    }
}

/* ---- libyaml ---- */

static int line_of_offset(const char *text, size_t len, size_t offset) {
    int line = 1;
    for (size_t i = 0; i < len && i < offset; i++) line += text[i] == '\n';
    return line;
}

static ig_status parser_error(const ig_tree_builder *b, const yaml_parser_t *p, const char *text, size_t len, ig_error *err) {
    if (p->error == YAML_MEMORY_ERROR) return ig_error_nomem(err, 0);
    if (p->error == YAML_READER_ERROR) {
        return ig_builder_fail(b, err, IG_E_FORMAT, line_of_offset(text, len, p->problem_offset), "%s",
                               p->problem ? p->problem : "not readable as text");
    }
    int line = (int)p->problem_mark.line + 1;
    const char *problem = p->problem ? p->problem : "not YAML";
    if (!p->context) return ig_builder_fail(b, err, IG_E_FORMAT, line, "%s", problem);
    return ig_builder_fail(b, err, IG_E_FORMAT, line, "%s, %s that starts in line %d", problem, p->context,
                           (int)p->context_mark.line + 1);
}

static ig_status run_events(ig_tree_builder *b, yaml_parser_t *p, const char *text, size_t len, ig_error *err) {
    for (;;) {
        yaml_event_t e;
        if (!yaml_parser_parse(p, &e)) return parser_error(b, p, text, len, err);
        bool end = e.type == YAML_STREAM_END_EVENT;
        ig_status status = take_event(b, &e, err);
        yaml_event_delete(&e);
        if (status != IG_OK || end) return status;
    }
}

ig_status ig_yaml_build(ig_tree_builder *b, const char *text, size_t len, ig_error *err) {
    IG_TRY(ig_tree_check_utf8(b, text, len, err));
    yaml_parser_t p;
    if (!yaml_parser_initialize(&p)) return ig_error_nomem(err, 0);
    yaml_parser_set_encoding(&p, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&p, (const unsigned char *)text, len);
    ig_status status = run_events(b, &p, text, len, err);
    yaml_parser_delete(&p);
    if (status == IG_OK && !b->root) return ig_builder_scalar(b, &(ig_tree){.line = 1}, err); /* an empty text is null */
    return status;
}

ig_status ig_yaml_parse(const char *name, const char *text, size_t len, ig_doc **out, ig_error *err) {
    *out = NULL;
    ig_doc *doc;
    IG_TRY(ig_doc_new(name, &doc, err));
    ig_tree_builder b;
    ig_builder_init(&b, doc, ig_doc_name(doc), true);
    ig_status status = ig_yaml_build(&b, text, len, err);
    ig_builder_fini(&b);
    if (status != IG_OK) {
        ig_doc_free(doc);
        return status;
    }
    ig_doc_set_root(doc, b.root);
    *out = doc;
    return IG_OK;
}
