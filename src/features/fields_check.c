/* features/fields_check.c: a value from outside against a table of fields.
 *
 * The checked value is written anew, in the order of the table and with defaults, and parsed again: what a kind gets holds
 * nothing that its table does not name.  null counts as absent.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "ingot/features.h"
#include "ingot/limits.h"

typedef struct check_place {
    const char *what;          /* "request", "settings" */
    char path[512];            /* "price.min" */
} check_place;

static ig_status put_map(ig_json *j, check_place *at, const ig_field *fields, const ig_tree *value, ig_error *err);

static ig_status wrong(const check_place *at, ig_error *err, const char *expected, const ig_tree *got) {
    return ig_error_set(err, IG_E_ARG, "%s: \"%s\" must be %s, not %s", at->what, at->path, expected,
                        ig_tree_type_name(got->type));
}

static bool is_choice(const char *choices, const char *text) {
    size_t n = strlen(text);
    for (const char *p = choices; p; p = strchr(p, '|') ? strchr(p, '|') + 1 : NULL)
        if (strcspn(p, "|") == n && strncmp(p, text, n) == 0) return true;
    return false;
}

static ig_status check_range(const check_place *at, const ig_field *f, double value, const char *unit, ig_error *err) {
    if (!(f->max > f->min) || (value >= f->min && value <= f->max)) return IG_OK;
    return ig_error_set(err, IG_E_ARG, "%s: \"%s\" is %g%s; it may be %g … %g", at->what, at->path, value, unit, f->min,
                        f->max);
}

static ig_status put_text(ig_json *j, const check_place *at, const ig_field *f, const ig_tree *value, ig_error *err) {
    if (value->type != IG_TREE_TEXT) return wrong(at, err, "text", value);
    if (memchr(value->text, '\0', value->text_len))
        return ig_error_set(err, IG_E_ARG, "%s: \"%s\" holds a NUL byte", at->what, at->path);
    if (f->type == IG_FIELD_CHOICE && !is_choice(f->choices, value->text))
        return ig_error_set(err, IG_E_ARG, "%s: \"%s\" is \"%.60s\"; it may be %s", at->what, at->path, value->text,
                            f->choices);
    IG_TRY(check_range(at, f, (double)value->text_len, " bytes long", err));
    ig_json_text_n(j, value->text, value->text_len);
    return IG_OK;
}

static ig_status put_number(ig_json *j, const check_place *at, const ig_field *f, const ig_tree *value, ig_error *err) {
    bool whole = value->type == IG_TREE_INT, real = value->type == IG_TREE_REAL;
    if (f->type == IG_FIELD_INT && !whole) return wrong(at, err, "a whole number", value);
    if (!whole && !real) return wrong(at, err, "a number", value);
    IG_TRY(check_range(at, f, value->real, "", err));
    if (whole) {
        ig_json_int(j, value->integer);
    } else {
        ig_json_real(j, value->real);
    }
    return IG_OK;
}

/* Files are one text or several. */
static ig_status put_files(ig_json *j, const check_place *at, const ig_field *f, const ig_tree *value, ig_error *err) {
    if (value->type != IG_TREE_LIST) return put_text(j, at, f, value, err);
    ig_json_open(j, '[');
    for (const ig_tree *c = value->child; c; c = c->next) IG_TRY(put_text(j, at, f, c, err));
    ig_json_close(j, ']');
    return IG_OK;
}

static ig_status put_list(ig_json *j, check_place *at, const ig_field *f, const ig_tree *value, ig_error *err) {
    size_t n = strlen(at->path), i = 0;
    if (value->type != IG_TREE_LIST) return wrong(at, err, "a list", value);
    IG_TRY(check_range(at, f, (double)value->count, " long", err));
    ig_json_open(j, '[');
    for (const ig_tree *c = value->child; c; c = c->next, i++) {
        snprintf(at->path + n, sizeof at->path - n, "[%zu]", i);
        if (c->type != IG_TREE_MAP) return wrong(at, err, "a map", c);
        IG_TRY(put_map(j, at, f->of, c, err));
    }
    at->path[n] = '\0';
    ig_json_close(j, ']');
    return IG_OK;
}

static ig_status put_value(ig_json *j, check_place *at, const ig_field *f, const ig_tree *value, ig_error *err) {
    switch (f->type) {
    case IG_FIELD_INT:
    case IG_FIELD_REAL: return put_number(j, at, f, value, err);
    case IG_FIELD_BOOL:
        if (value->type != IG_TREE_BOOL) return wrong(at, err, "true or false", value);
        ig_json_bool(j, value->boolean);
        return IG_OK;
    case IG_FIELD_FILES: return put_files(j, at, f, value, err);
    case IG_FIELD_LIST: return put_list(j, at, f, value, err);
    case IG_FIELD_MAP:
        if (value->type != IG_TREE_MAP) return wrong(at, err, "a map", value);
        return put_map(j, at, f->of, value, err);
    default: return put_text(j, at, f, value, err);
    }
}

static const ig_field *field_of(const ig_field *fields, const char *name) {
    for (; fields && fields->name; fields++)
        if (strcmp(fields->name, name) == 0) return fields;
    return NULL;
}

static ig_status check_known(const check_place *at, const ig_field *fields, const char *key, ig_error *err) {
    const char *nearest = NULL;
    int best = 4;
    if (field_of(fields, key)) return IG_OK;
    for (const ig_field *f = fields; f && f->name; f++) {
        int d = ig_edit_distance(key, f->name, best);
        if (d < best) {
            best = d;
            nearest = f->name;
        }
    }
    if (nearest)
        return ig_error_set(err, IG_E_ARG, "%s: there is no \"%.100s\"; did you mean \"%s\"?", at->what, key, nearest);
    return ig_error_set(err, IG_E_ARG, "%s: there is no \"%.100s\" here", at->what, key);
}

static ig_status put_default(ig_json *j, const check_place *at, const ig_field *f, ig_error *err) {
    ig_doc *d = NULL;
    if (f->required) return ig_error_set(err, IG_E_ARG, "%s: \"%s\" is missing", at->what, at->path);
    if (!f->otherwise) return IG_OK;
    IG_TRY(ig_json_parse(f->name, f->otherwise, strlen(f->otherwise), &d, err));
    ig_json_key(j, f->name);
    ig_json_tree(j, ig_doc_root(d));
    ig_doc_free(d);
    return IG_OK;
}

static ig_status put_map(ig_json *j, check_place *at, const ig_field *fields, const ig_tree *value, ig_error *err) {
    size_t n = strlen(at->path);
    for (const ig_tree *c = value ? value->child : NULL; c; c = c->next) IG_TRY(check_known(at, fields, c->key, err));
    ig_json_open(j, '{');
    for (const ig_field *f = fields; f && f->name; f++) {
        const ig_tree *given = value ? ig_tree_get(value, f->name) : NULL;
        snprintf(at->path + n, sizeof at->path - n, "%s%s", n ? "." : "", f->name);
        if (given && given->type != IG_TREE_NULL) {
            ig_json_key(j, f->name);
            IG_TRY(put_value(j, at, f, given, err));
        } else {
            IG_TRY(put_default(j, at, f, err));
        }
    }
    at->path[n] = '\0';
    ig_json_close(j, '}');
    return IG_OK;
}

ig_status ig_fields_check(const char *what, const ig_field *fields, const ig_tree *value, ig_doc **out, ig_error *err) {
    check_place at = {.what = what};
    ig_buf b = {.max = IG_STORE_TEXT_MAX};
    ig_json j = {.out = &b};
    if (value && value->type != IG_TREE_MAP)
        return ig_error_set(err, IG_E_ARG, "%s must be a JSON object, not %s", what, ig_tree_type_name(value->type));
    ig_status s = put_map(&j, &at, fields, value, err);
    if (s == IG_OK) s = ig_buf_status(&b, err);
    if (s == IG_OK) s = ig_json_parse(what, b.data, b.len, out, err);
    ig_buf_fini(&b);
    return s;
}
