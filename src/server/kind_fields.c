/* server/kind_fields.c: see kind_fields.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "server/kind_fields.h"

const ig_field *kind_field(const ig_field *fields, const char *name) {
    for (const ig_field *f = fields; f && f->name; f++)
        if (strcmp(f->name, name) == 0) return f;
    return NULL;
}

static bool is_text(const ig_field *f) { return f->type == IG_FIELD_TEXT || f->type == IG_FIELD_PROSE; }

const ig_field *kind_text_field(const ig_field *fields) {
    const ig_field *first = NULL;
    for (const ig_field *f = fields; f && f->name; f++) {
        if (is_text(f) && f->required) return f;
        if (is_text(f) && !first) first = f;
    }
    return first;
}

/* ---- values ----------------------------------------------------------------------------------------------------------- */

static ig_status put_number(ig_json *j, const ig_field *f, const char *text, ig_error *err) {
    char *end = NULL;
    errno = 0;
    double v = strtod(text, &end);
    bool bad = end == text || *end || errno || v != v;
    if (!bad && f->type == IG_FIELD_INT) bad = v < -9007199254740992.0 || v > 9007199254740992.0 || v != (double)(int64_t)v;
    if (bad) return ig_error_set(err, IG_E_ARG, "%s needs %s, not \"%.80s\"", f->name, f->type == IG_FIELD_INT ? "a whole number" : "a number", text);
    if (f->type == IG_FIELD_INT) ig_json_int(j, (int64_t)v);
    else ig_json_real(j, v);
    return IG_OK;
}

static ig_status put_bool(ig_json *j, const ig_field *f, const char *text, ig_error *err) {
    bool yes = strcmp(text, "true") == 0 || strcmp(text, "yes") == 0;
    if (!yes && strcmp(text, "false") != 0 && strcmp(text, "no") != 0)
        return ig_error_set(err, IG_E_ARG, "%s is true or false, not \"%.80s\"", f->name, text);
    ig_json_bool(j, yes);
    return IG_OK;
}

static ig_status put_tree(ig_json *j, const ig_field *f, const char *text, ig_error *err) {
    ig_doc *d = NULL;
    IG_TRY(ig_json_parse(f->name, text, strlen(text), &d, err));
    ig_json_tree(j, ig_doc_root(d));
    ig_doc_free(d);
    return IG_OK;
}

ig_status kind_put_text(ig_json *j, const ig_field *f, const char *text, ig_error *err) {
    ig_json_key(j, f->name);
    switch (f->type) {
    case IG_FIELD_INT:
    case IG_FIELD_REAL: return put_number(j, f, text, err);
    case IG_FIELD_BOOL: return put_bool(j, f, text, err);
    case IG_FIELD_LIST:
    case IG_FIELD_MAP: return put_tree(j, f, text, err);
    default: ig_json_text(j, text); return IG_OK;
    }
}

/* ---- sources ----------------------------------------------------------------------------------------------------------- */

bool kind_is_source(const ig_field *f) { return f->type == IG_FIELD_FILES || f->type == IG_FIELD_URL || f->type == IG_FIELD_LIST; }

/* Is this ending ("csv"; "/" for a folder) among those that the field reads ("csv|xlsx|/")? */
static bool reads(const ig_field *f, const char *ending) {
    size_t len = strlen(ending);
    for (const char *at = f->choices; at && *at;) {
        size_t n = strcspn(at, "|");
        if (n == len && strncasecmp(at, ending, n) == 0) return true;
        at += n + (at[n] == '|');
    }
    return false;
}

const ig_field *kind_source_for(const ig_kind *k, const char *path, bool is_folder) {
    const char *dot = strrchr(ig_path_base(path), '.'), *ending = is_folder ? "/" : dot ? dot + 1 : "";
    bool url = strncmp(path, "http://", 7) == 0 || strncmp(path, "https://", 8) == 0;
    const ig_field *first = NULL;
    for (const ig_field *f = k->source_fields; f && f->name; f++) {
        if (f->type != (url ? IG_FIELD_URL : IG_FIELD_FILES)) continue;
        if (!url && reads(f, ending)) return f;
        if (!first) first = f;
    }
    return first;
}

ig_status kind_sources(const ig_tree *list, const ig_tree *options, ig_source **out, size_t *count, ig_error *err) {
    *count = 0;
    *out = ig_calloc((list ? list->count : 0) + 1, sizeof **out);
    if (!*out) return ig_error_nomem(err, sizeof **out);
    for (const ig_tree *v = list ? list->child : NULL; v; v = v->next)
        (*out)[(*count)++] = (ig_source){.field = ig_tree_text(v, "field", NULL), .name = ig_tree_text(v, "name", NULL),
                                         .url = ig_tree_text(v, "url", NULL), .path = ig_tree_text(v, "path", NULL), .options = options};
    return IG_OK;
}

const char *kind_answer_text(const ig_kind *k, const ig_tree *answer) {
    const ig_field *f = kind_text_field(k->answer_fields);
    return f ? ig_tree_text(answer, f->name, NULL) : NULL;
}
