/* server/fields.c: checks a request against its endpoint's table: names, types, ranges, and what is supported.
 *
 * Nothing is ignored in silence: a field that OpenAI has and this server does not support is refused by name, and so is a
 * field that nobody knows, with the nearest name that is known.
 */
#include <math.h>
#include <string.h>

#include "server/server.h"

const ig_tree *field_get(const ig_tree *map, const char *key) {
    const ig_tree *t = ig_tree_get(map, key);
    return t && t->type != IG_TREE_NULL ? t : NULL;
}

static unsigned type_bit(const ig_tree *t) {
    switch (t->type) {
    case IG_TREE_BOOL: return F_BOOL;
    case IG_TREE_INT: return F_INT | F_REAL;
    case IG_TREE_REAL: return F_REAL;
    case IG_TREE_TEXT: return F_TEXT;
    case IG_TREE_LIST: return F_LIST;
    case IG_TREE_MAP: return F_MAP;
    default: return 0;
    }
}

static void type_words(unsigned types, ig_buf *b) {
    static const struct { unsigned bit; const char *word; } words[] = {{F_BOOL, "true or false"}, {F_INT, "a whole number"},
        {F_REAL, "a number"}, {F_TEXT, "a text"}, {F_LIST, "a list"}, {F_MAP, "an object"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (types & words[i].bit) ig_buf_printf(b, "%s%s", b->len ? " or " : "", words[i].word);
}

static bool among(const char *choices, const char *word) {
    size_t len = strlen(word);
    for (const char *p = choices; p && *p;) {
        size_t n = strcspn(p, "|");
        if (n == len && memcmp(p, word, n) == 0) return true;
        p += n + (p[n] == '|');
    }
    return false;
}

/* Does this value of a refused field ask for nothing? */
static bool asks_for_nothing(const field *f, const ig_tree *v) {
    if (v->type == IG_TREE_BOOL) return among(f->choices, v->boolean ? "true" : "false");
    if (v->type == IG_TREE_TEXT) return among(f->choices, v->text);
    return (v->type == IG_TREE_LIST || v->type == IG_TREE_MAP) && v->count == 0;
}

static ig_status unknown(call *c, const ig_tree *v, const field *fields, const char *name) {
    const char *best = NULL;
    int distance = 4;
    for (const field *f = fields; f->name; f++) {
        int d = ig_edit_distance(f->name, v->key, distance);
        if (d < distance) distance = d, best = f->name;
    }
    if (best) return call_fail(c, 400, name, "unknown_parameter", "there is no parameter '%s'; did you mean '%s'?", name, best);
    return call_fail(c, 400, name, "unknown_parameter", "there is no parameter '%s'", name);
}

static ig_status check_range(call *c, const ig_tree *v, const field *f, const char *name) {
    bool text = v->type == IG_TREE_TEXT, sized = text || v->type == IG_TREE_LIST || v->type == IG_TREE_MAP;
    double x = text ? (double)v->text_len : sized ? (double)v->count : v->real;
    if (!(f->max > f->min) || (text && f->types != F_TEXT) || v->type == IG_TREE_BOOL) return IG_OK;
    if (x >= f->min && x <= f->max) return IG_OK;
    const char *what = text ? "string" : sized ? "array" : v->type == IG_TREE_INT ? "integer" : "decimal";
    char code[48];
    snprintf(code, sizeof code, "%s_%s_%s_value", what, x < f->min ? "below" : "above", x < f->min ? "min" : "max");
    return call_fail(c, 400, name, code, "'%s' is %s%.17g; it must be between %.17g and %.17g", name, sized ? "of length " : "", x,
                     f->min, f->max);
}

static ig_status check_value(call *c, const ig_tree *v, const field *f, const char *name) {
    ig_buf words = {.max = 256};
    if (f->use == FIELD_REFUSED) {
        if (asks_for_nothing(f, v)) return IG_OK;
        return call_fail(c, 400, name, "unsupported_parameter", "'%s' is not supported here: %s", name, f->doc);
    }
    if (!(type_bit(v) & f->types)) {
        type_words(f->types, &words);
        ig_status s = call_fail(c, 400, name, "invalid_type", "'%s' must be %s, not %s", name, words.len ? words.data : "absent",
                                ig_tree_type_name(v->type));
        ig_buf_fini(&words);
        return s;
    }
    if (v->type == IG_TREE_TEXT && f->choices && !among(f->choices, v->text))
        return call_fail(c, 400, name, "invalid_value", "'%s' must be one of %s", name, f->choices);
    if (v->type == IG_TREE_TEXT && strlen(v->text) != v->text_len)
        return call_fail(c, 400, name, "invalid_value", "'%s' has a zero byte in it", name);
    return check_range(c, v, f, name);
}

ig_status fields_check(call *c, const ig_tree *map, const field *fields, const char *prefix) {
    char name[80];
    for (const ig_tree *v = map->child; v; v = v->next) {
        const field *f = fields;
        while (f->name && strcmp(f->name, v->key) != 0) f++;
        snprintf(name, sizeof name, "%s%s", prefix, v->key);
        if (!f->name) return unknown(c, v, fields, name);
        if (v->type != IG_TREE_NULL) IG_TRY(check_value(c, v, f, name));
    }
    for (const field *f = fields; f->name; f++) {
        snprintf(name, sizeof name, "%s%s", prefix, f->name);
        if (f->required && !field_get(map, f->name))
            return call_fail(c, 400, name, "missing_required_parameter", "'%s' is missing", name);
    }
    return IG_OK;
}
