/* base/schema.c: the one checker of everything that comes in as JSON or YAML.
 *
 * A schema is a static table (ingot/base.h).  The first thing that does not fit is told with file, line and path, what was
 * expected and what was found, in words for someone who wrote a recipe and not a parser:
 *
 *     recipe.yaml:12: train.lr: expected a number between 0 and 10, found text "fast"
 *     recipe.yaml:14: train.warmpu: unknown key; did you mean "warmup"?
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/number.h"
#include "ingot/base.h"

#define PATH_CHARS 256

typedef struct checker {
    const char *name;
    ig_error *err;
    char path[PATH_CHARS]; /* of the node being checked: "train.layers[2].size"; "" at the root */
} checker;

/* Append to the path; returns the old length, which pop takes.  A path that is too long is cut, and stays readable. */
static size_t push(checker *k, const char *fmt, ...) IG_PRINTF(2, 3);
static size_t push(checker *k, const char *fmt, ...) {
    size_t len = strlen(k->path);
    va_list args;
    va_start(args, fmt);
    vsnprintf(k->path + len, sizeof k->path - len, fmt, args);
    va_end(args);
    return len;
}

static void pop(checker *k, size_t len) {
    k->path[len] = '\0';
}

static size_t push_key(checker *k, const char *key) {
    return push(k, "%s%.60s", k->path[0] ? "." : "", key);
}

static ig_status fail(const checker *k, int line, const char *message) {
    const char *colon = k->path[0] ? ": " : "";
    return ig_error_at(k->err, IG_E_FORMAT, k->name, line, "%s%s%s", k->path, colon, message);
}

/* ---- expected … found … ---- */

static void put_number(ig_buf *b, double v) {
    char digits[IG_REAL_CHARS];
    if (isfinite(v)) {
        ig_buf_append(b, digits, ig_number_format(v, digits));
    } else {
        ig_buf_puts(b, isnan(v) ? "not-a-number" : v < 0 ? "minus infinity" : "infinity");
    }
}

static void put_range(ig_buf *b, const ig_schema_field *f) {
    bool low = isfinite(f->min), high = isfinite(f->max);
    if (!f->has_range || (!low && !high)) return;
    ig_buf_puts(b, low && high ? " between " : low ? " of at least " : " of at most ");
    if (low) put_number(b, f->min);
    if (low && high) ig_buf_puts(b, " and ");
    if (high) put_number(b, f->max);
}

/* "adam|adamw|sgd" as "adam, adamw or sgd" */
static void put_choices(ig_buf *b, const char *choices) {
    ig_buf_puts(b, "one of ");
    for (const char *p = choices; *p;) {
        size_t n = strcspn(p, "|");
        ig_buf_append(b, p, n);
        p += n;
        if (*p == '|') p++;
        if (*p) ig_buf_puts(b, strchr(p, '|') ? ", " : " or ");
    }
}

static void put_expected(ig_buf *b, const ig_schema_field *f, ig_tree_type type) {
    bool number = type == IG_TREE_INT || type == IG_TREE_REAL;
    if (type == IG_TREE_TEXT && f->choices) {
        put_choices(b, f->choices);
    } else {
        ig_buf_puts(b, ig_tree_type_name(type));
        if (number) put_range(b, f);
    }
}

/* A text is cut at a character border; its line breaks would break the message. */
static void put_text_found(ig_buf *b, const ig_tree *t) {
    size_t n = 0, step;
    uint32_t cp;
    while (n < 40 && (step = ig_utf8_decode(t->text + n, t->text_len - n, &cp)) > 0 && cp >= 0x20) n += step;
    ig_buf_puts(b, "text \"");
    ig_buf_append(b, t->text, n);
    ig_buf_puts(b, n < t->text_len ? "…\"" : "\"");
}

static void put_found(ig_buf *b, const ig_tree *t) {
    switch (t->type) {
    case IG_TREE_NULL: ig_buf_puts(b, "nothing"); break;
    case IG_TREE_BOOL: ig_buf_puts(b, t->boolean ? "true" : "false"); break;
    case IG_TREE_INT: ig_buf_printf(b, "%" PRId64, t->integer); break;
    case IG_TREE_REAL: put_number(b, t->real); break;
    case IG_TREE_TEXT: put_text_found(b, t); break;
    case IG_TREE_LIST: ig_buf_puts(b, "a list"); break;
    case IG_TREE_MAP: ig_buf_puts(b, "a map"); break;
    }
}

/* Send the text in b, or why it could not be made. */
static ig_status fail_with(const checker *k, int line, ig_buf *b) {
    ig_status status = b->status == IG_E_NOMEM ? ig_error_nomem(k->err, 0) : fail(k, line, b->data ? b->data : "");
    ig_buf_fini(b);
    return status;
}

static ig_status mismatch(const checker *k, const ig_schema_field *f, ig_tree_type type, const ig_tree *t) {
    ig_buf b = {.max = sizeof k->err->message};
    ig_buf_puts(&b, "expected ");
    put_expected(&b, f, type);
    ig_buf_puts(&b, ", found ");
    put_found(&b, t);
    return fail_with(k, t->line, &b);
}

/* ---- keys ---- */

static const ig_schema_field *field_of(const ig_schema_field *fields, const char *key) {
    const ig_schema_field *any = NULL;
    for (const ig_schema_field *f = fields; f->key; f++) {
        if (strcmp(f->key, key) == 0) return f;
        if (strcmp(f->key, "*") == 0) any = f;
    }
    return any;
}

static const char *nearest_key(const ig_schema_field *fields, const char *key) {
    size_t len = strlen(key);
    int bound = len < 4 ? 1 : len < 8 ? 2 : 3;
    const char *nearest = NULL;
    for (const ig_schema_field *f = fields; f->key; f++) {
        int distance = ig_edit_distance(key, f->key, bound);
        if (distance > bound) continue;
        nearest = f->key;
        bound = distance - 1; /* from now on only a nearer one counts */
        if (bound < 0) break;
    }
    return nearest;
}

static ig_status unknown_key(checker *k, const ig_schema_field *fields, const ig_tree *t) {
    ig_buf b = {.max = sizeof k->err->message};
    const char *nearest = nearest_key(fields, t->key);
    push_key(k, t->key);
    if (nearest) {
        ig_buf_printf(&b, "unknown key; did you mean \"%s\"?", nearest);
    } else {
        ig_buf_puts(&b, fields->key ? "unknown key; known here: " : "unknown key; none is known here");
        for (const ig_schema_field *f = fields; f->key; f++) ig_buf_printf(&b, "%s%s", f == fields ? "" : ", ", f->key);
    }
    return fail_with(k, t->line, &b);
}

/* ---- values ---- */

static bool is_choice(const char *choices, const ig_tree *t) {
    for (const char *p = choices; *p;) {
        size_t n = strcspn(p, "|");
        if (n == t->text_len && memcmp(p, t->text, n) == 0) return true;
        p += n + (p[n] == '|');
    }
    return false;
}

/* Everything but what is inside of a list or map.  NaN fails every comparison, so that it is in no range. */
static bool fits(const ig_schema_field *f, ig_tree_type type, const ig_tree *t) {
    if (type == IG_TREE_REAL && t->type == IG_TREE_INT) type = IG_TREE_INT;
    if (t->type != type) return false;
    if (type == IG_TREE_REAL && !isfinite(t->real)) return false;
    if (f->has_range && (type == IG_TREE_INT || type == IG_TREE_REAL)) return t->real >= f->min && t->real <= f->max;
    if (f->choices && type == IG_TREE_TEXT) return is_choice(f->choices, t);
    return true;
}

static ig_status check_map(checker *k, const ig_tree *t, const ig_schema_field *fields);

static ig_status check_items(checker *k, const ig_schema_field *f, const ig_tree *t) {
    size_t i = 0;
    for (const ig_tree *c = t->child; c; c = c->next, i++) {
        size_t len = push(k, "[%zu]", i);
        if (f->item != IG_TREE_NULL && !fits(f, f->item, c)) return mismatch(k, f, f->item, c);
        if (f->fields && c->type == IG_TREE_MAP) IG_TRY(check_map(k, c, f->fields));
        pop(k, len);
    }
    return IG_OK;
}

static ig_status check_value(checker *k, const ig_schema_field *f, const ig_tree *t) {
    if (t->type == IG_TREE_NULL && f->nullable) return IG_OK;
    if (f->type == IG_TREE_NULL) return IG_OK; /* anything */
    if (!fits(f, f->type, t)) return mismatch(k, f, f->type, t);
    if (t->type == IG_TREE_LIST) return check_items(k, f, t);
    if (t->type == IG_TREE_MAP && f->fields) return check_map(k, t, f->fields);
    return IG_OK;
}

static ig_status check_required(checker *k, const ig_tree *t, const ig_schema_field *fields) {
    for (const ig_schema_field *f = fields; f->key; f++) {
        if (!f->required || ig_tree_get(t, f->key)) continue;
        ig_buf b = {.max = sizeof k->err->message};
        ig_buf_printf(&b, "key \"%s\" is missing: ", f->key);
        if (f->type == IG_TREE_NULL) {
            ig_buf_puts(&b, "a value");
        } else {
            put_expected(&b, f, f->type);
        }
        return fail_with(k, t->line, &b);
    }
    return IG_OK;
}

static ig_status check_map(checker *k, const ig_tree *t, const ig_schema_field *fields) {
    for (const ig_tree *c = t->child; c; c = c->next) {
        const ig_schema_field *f = field_of(fields, c->key);
        if (!f) return unknown_key(k, fields, c);
        size_t len = push_key(k, c->key);
        IG_TRY(check_value(k, f, c));
        pop(k, len);
    }
    return check_required(k, t, fields);
}

ig_status ig_schema_check(const char *name, const ig_tree *t, const ig_schema_field *fields, ig_error *err) {
    checker k = {.name = name, .err = err};
    ig_schema_field root = {.key = "", .type = IG_TREE_MAP, .fields = fields};
    return check_value(&k, &root, t);
}
