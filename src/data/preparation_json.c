/* data/preparation_json.c: preparation.json, written and read.
 *
 *     {"preparation": 1, "label": {"name", "classes": […], "drop_stop"}, "missing": […], "bad_is_missing",
 *      "fields": [{"name": "age", "type": "integer", "as": "number", "scaling": "standard", "impute", "mean", "sd", "some_missing"},
 *                 {"name": "job", "type": "category", "as": "category", "values": […]}, {… "as": "hash", "buckets"},
 *                 {… "as": "buckets", "edges": […]}, {… "as": "date", "order": "ymd", "clock"}, {… "as": "text"}]}
 *
 * What is read is checked as any file from outside: lists in order, deviations above zero, places within limits.
 */
#include <math.h>
#include <string.h>

#include "data/preparation.h"

#define VERSION 1

static const char *const kind_names[FIELD_KINDS] = {"number", "buckets", "category", "hash", "date", "text"};
static const char *const scaling_names[] = {"standard", "log", "buckets", "none"};
static const char *const order_names[] = {"ymd", "dmy", "mdy"};

/* ---- written ------------------------------------------------------------------------------------------------------------- */

static void put_text(ig_json *j, const char *key, const char *value) { ig_json_key(j, key), ig_json_text(j, value); }
static void put_real(ig_json *j, const char *key, double value) { ig_json_key(j, key), ig_json_real(j, value); }
static void put_bool(ig_json *j, const char *key, bool value) { ig_json_key(j, key), ig_json_bool(j, value); }

static void put_texts(ig_json *j, const char *key, char *const *list, size_t count) {
    ig_json_key(j, key);
    ig_json_open(j, '[');
    for (size_t i = 0; i < count; i++) ig_json_text(j, list[i]);
    ig_json_close(j, ']');
}

static void put_field(ig_json *j, const field *f) {
    ig_json_open(j, '{');
    put_text(j, "name", f->name);
    put_text(j, "type", ig_column_type_name(f->type));
    put_text(j, "as", kind_names[f->kind]);
    if (f->kind == FIELD_NUMBER || f->kind == FIELD_DATE) {
        put_text(j, "scaling", scaling_names[f->scaling]);
        put_real(j, "impute", f->impute), put_real(j, "mean", f->mean), put_real(j, "sd", f->sd);
    }
    put_bool(j, "some_missing", f->some_missing);
    if (f->kind == FIELD_DATE) put_text(j, "order", order_names[f->order]), put_bool(j, "clock", f->clock);
    if (f->kind == FIELD_CATEGORY) put_texts(j, "values", f->value, f->values);
    if (f->kind == FIELD_HASH) ig_json_key(j, "buckets"), ig_json_int(j, (int64_t)f->buckets);
    if (f->kind == FIELD_BUCKETS) {
        ig_json_key(j, "edges");
        ig_json_open(j, '[');
        for (size_t i = 0; i < f->edges; i++) ig_json_real(j, f->edge[i]);
        ig_json_close(j, ']');
    }
    ig_json_close(j, '}');
}

static void put_label(ig_json *j, const ig_preparation *p) {
    ig_json_key(j, "label");
    ig_json_open(j, '{');
    put_text(j, "name", p->label);
    put_bool(j, "drop_stop", p->drop_stop);
    if (p->classes) put_texts(j, "classes", p->class_name, p->classes);
    ig_json_close(j, '}');
}

ig_status ig_preparation_json(const ig_preparation *p, ig_buf *out, ig_error *err) {
    ig_json j = {.out = out, .indent = 1};
    ig_json_open(&j, '{');
    ig_json_key(&j, "preparation"), ig_json_int(&j, VERSION);
    if (p->label) put_label(&j, p);
    if (p->missing) put_texts(&j, "missing", p->missing, p->missing_count);
    put_bool(&j, "bad_is_missing", p->bad_is_missing);
    ig_json_key(&j, "fields");
    ig_json_open(&j, '[');
    for (size_t i = 0; i < p->fields; i++) put_field(&j, &p->field[i]);
    ig_json_close(&j, ']');
    ig_json_close(&j, '}');
    return ig_buf_status(out, err);
}

ig_status ig_preparation_save(const ig_preparation *p, const char *path, ig_error *err) {
    ig_buf b = {.max = IG_PREPARATION_BYTES_MAX};
    ig_status status = ig_preparation_json(p, &b, err);
    ig_buf_putc(&b, '\n');
    if (status == IG_OK) status = ig_buf_status(&b, err);
    if (status == IG_OK) status = ig_file_write(path, b.data, b.len, err);
    ig_buf_fini(&b);
    return status;
}

/* ---- read ------------------------------------------------------------------------------------------------------------------ */

static const ig_schema_field label_fields[] = {
    {.key = "name", .type = IG_TREE_TEXT, .required = true},
    {.key = "drop_stop", .type = IG_TREE_BOOL},
    {.key = "classes", .type = IG_TREE_LIST, .item = IG_TREE_TEXT},
    {.key = NULL},
};
static const ig_schema_field field_fields[] = {
    {.key = "name", .type = IG_TREE_TEXT, .required = true},
    {.key = "type", .type = IG_TREE_TEXT, .required = true, .choices = "boolean|integer|number|date|category|text"},
    {.key = "as", .type = IG_TREE_TEXT, .required = true, .choices = "number|buckets|category|hash|date|text"},
    {.key = "scaling", .type = IG_TREE_TEXT, .choices = "standard|log|none"},
    {.key = "impute", .type = IG_TREE_REAL}, {.key = "mean", .type = IG_TREE_REAL},
    {.key = "sd", .type = IG_TREE_REAL, .has_range = true, .min = 1e-300, .max = 1e300},
    {.key = "some_missing", .type = IG_TREE_BOOL},
    {.key = "order", .type = IG_TREE_TEXT, .choices = "ymd|dmy|mdy"},
    {.key = "clock", .type = IG_TREE_BOOL},
    {.key = "values", .type = IG_TREE_LIST, .item = IG_TREE_TEXT},
    {.key = "buckets", .type = IG_TREE_INT, .has_range = true, .min = 1, .max = 1 << 24},
    {.key = "edges", .type = IG_TREE_LIST, .item = IG_TREE_REAL},
    {.key = NULL},
};
static const ig_schema_field root_fields[] = {
    {.key = "preparation", .type = IG_TREE_INT, .required = true, .has_range = true, .min = VERSION, .max = VERSION},
    {.key = "label", .type = IG_TREE_MAP, .fields = label_fields},
    {.key = "missing", .type = IG_TREE_LIST, .item = IG_TREE_TEXT},
    {.key = "bad_is_missing", .type = IG_TREE_BOOL},
    {.key = "fields", .type = IG_TREE_LIST, .required = true, .item = IG_TREE_MAP, .fields = field_fields},
    {.key = NULL},
};

static int choice(const ig_tree *map, const char *key, const char *const *names, int count) {
    const char *s = ig_tree_text(map, key, names[0]);
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], s) == 0) return i;
    return 0;
}

static ig_status get_text(const char *s, char **out, ig_error *err) {
    *out = ig_strdup(s);
    return *out ? IG_OK : ig_error_nomem(err, strlen(s) + 1);
}

/* A list of texts; ordered: each must follow the one before, by its bytes. */
static ig_status get_texts(const char *name, const ig_tree *list, bool ordered, char ***out, size_t *count, ig_error *err) {
    *count = list->count;
    *out = ig_calloc(list->count + 1, sizeof **out);
    if (!*out) return ig_error_nomem(err, (list->count + 1) * sizeof **out);
    size_t i = 0;
    for (const ig_tree *v = list->child; v; v = v->next, i++) {
        IG_TRY(get_text(v->text, &(*out)[i], err));
        if (ordered && i && strcmp((*out)[i - 1], (*out)[i]) >= 0)
            return ig_error_at(err, IG_E_FORMAT, name, v->line, "\"%.60s\" is not in order, or stands twice", v->text);
    }
    return IG_OK;
}

static ig_status get_edges(const char *name, const ig_tree *list, field *f, ig_error *err) {
    f->edge = ig_calloc(list->count + 1, sizeof *f->edge);
    if (!f->edge) return ig_error_nomem(err, (list->count + 1) * sizeof *f->edge);
    for (const ig_tree *v = list->child; v; v = v->next) {
        if (f->edges && !(v->real > f->edge[f->edges - 1])) return ig_error_at(err, IG_E_FORMAT, name, v->line, "the edges do not ascend");
        f->edge[f->edges++] = v->real;
    }
    return IG_OK;
}

static ig_status lacks(const char *name, const ig_tree *t, const char *key, ig_error *err) {
    return ig_error_at(err, IG_E_FORMAT, name, t->line, "the field \"%.60s\" lacks \"%s\"", ig_tree_text(t, "name", ""), key);
}

/* What a kind of field cannot be without; and which types it goes with. */
static ig_status check_field(const char *name, const ig_tree *t, const field *f, ig_error *err) {
    static const char *const needed[FIELD_KINDS] = {"sd", "edges", "values", "buckets", "order", "some_missing"};
    bool numeric = f->type >= IG_COLUMN_BOOLEAN && f->type <= IG_COLUMN_NUMBER;
    bool as_number = f->kind == FIELD_NUMBER || f->kind == FIELD_BUCKETS;
    if (!ig_tree_get(t, needed[f->kind])) return lacks(name, t, needed[f->kind], err);
    if (f->kind == FIELD_DATE && !ig_tree_get(t, "sd")) return lacks(name, t, "sd", err);
    if (as_number != numeric || (f->kind == FIELD_DATE) != (f->type == IG_COLUMN_DATE))
        return ig_error_at(err, IG_E_FORMAT, name, t->line, "the field \"%.60s\" is a %s, which cannot be a %s", f->name,
                           ig_column_type_name(f->type), kind_names[f->kind]);
    if (!isfinite(f->mean) || !isfinite(f->impute)) return ig_error_at(err, IG_E_FORMAT, name, t->line, "the field \"%.60s\" has a number that is not finite", f->name);
    return IG_OK;
}

static ig_status get_field(const char *name, const ig_tree *t, field *f, ig_error *err) {
    const ig_tree *values = ig_tree_get(t, "values"), *edges = ig_tree_get(t, "edges");
    f->kind = (field_kind)choice(t, "as", kind_names, FIELD_KINDS);
    f->scaling = (ig_scaling)choice(t, "scaling", scaling_names, 4);
    f->order = (ig_date_order)choice(t, "order", order_names, 3);
    ig_column_type_parse(ig_tree_text(t, "type", ""), &f->type);
    f->impute = ig_tree_real(t, "impute", 0), f->mean = ig_tree_real(t, "mean", 0), f->sd = ig_tree_real(t, "sd", 1);
    f->some_missing = ig_tree_bool(t, "some_missing", false), f->clock = ig_tree_bool(t, "clock", false);
    f->buckets = (size_t)ig_tree_int(t, "buckets", 1);
    IG_TRY(get_text(ig_tree_text(t, "name", ""), &f->name, err));
    IG_TRY(check_field(name, t, f, err));
    if (values) IG_TRY(get_texts(name, values, true, &f->value, &f->values, err));
    return edges ? get_edges(name, edges, f, err) : IG_OK;
}

static ig_status get_label(const char *name, const ig_tree *t, ig_preparation *p, ig_error *err) {
    const ig_tree *classes = ig_tree_get(t, "classes");
    IG_TRY(get_text(ig_tree_text(t, "name", ""), &p->label, err));
    p->drop_stop = ig_tree_bool(t, "drop_stop", false);
    return classes ? get_texts(name, classes, true, &p->class_name, &p->classes, err) : IG_OK;
}

static ig_status get_all(const char *name, const ig_tree *root, ig_preparation *p, ig_error *err) {
    IG_TRY(ig_schema_check(name, root, root_fields, err));
    const ig_tree *fields = ig_tree_get(root, "fields"), *label = ig_tree_get(root, "label"), *missing = ig_tree_get(root, "missing");
    p->bad_is_missing = ig_tree_bool(root, "bad_is_missing", false);
    if (label) IG_TRY(get_label(name, label, p, err));
    if (missing) IG_TRY(get_texts(name, missing, false, &p->missing, &p->missing_count, err));
    if (!fields->count) return ig_error_at(err, IG_E_FORMAT, name, fields->line, "there are no fields");
    if (fields->count > IG_TABLE_COLUMNS_MAX) return ig_error_at(err, IG_E_LIMIT, name, fields->line, "more than %d fields", IG_TABLE_COLUMNS_MAX);
    p->field = ig_calloc(fields->count, sizeof *p->field);
    if (!p->field) return ig_error_nomem(err, fields->count * sizeof *p->field);
    for (const ig_tree *f = fields->child; f; f = f->next) IG_TRY(get_field(name, f, &p->field[p->fields++], err));
    preparation_lay_out(p);
    return IG_OK;
}

static ig_status from_doc(const ig_doc *d, ig_preparation **out, ig_error *err) {
    ig_preparation *p = ig_calloc(1, sizeof *p);
    if (!p) return ig_error_nomem(err, sizeof *p);
    ig_status status = get_all(ig_doc_name(d), ig_doc_root(d), p, err);
    if (status == IG_OK) *out = p;
    else ig_preparation_free(p);
    return status;
}

ig_status ig_preparation_parse(const char *name, const char *text, size_t len, ig_preparation **out, ig_error *err) {
    ig_doc *d = NULL;
    *out = NULL;
    IG_TRY(ig_json_parse(name, text, len, &d, err));
    ig_status status = from_doc(d, out, err);
    ig_doc_free(d);
    return status;
}

ig_status ig_preparation_load(const char *path, ig_preparation **out, ig_error *err) {
    ig_doc *d = NULL;
    *out = NULL;
    IG_TRY(ig_doc_load(path, IG_PREPARATION_BYTES_MAX, &d, err));
    ig_status status = from_doc(d, out, err);
    ig_doc_free(d);
    return status;
}

void ig_preparation_free(ig_preparation *p) {
    if (!p) return;
    for (size_t i = 0; p->field && i < p->fields; i++) {
        field *f = &p->field[i];
        texts_free(f->value, f->values);
        ig_free(f->name), ig_free(f->edge);
    }
    texts_free(p->class_name, p->classes);
    texts_free(p->missing, p->missing_count);
    ig_free(p->field), ig_free(p->label), ig_free(p);
}

/* ---- what it makes --------------------------------------------------------------------------------------------------------- */

size_t ig_preparation_numbers(const ig_preparation *p) { return p->numbers; }
size_t ig_preparation_indices(const ig_preparation *p) { return p->indices; }
size_t ig_preparation_texts(const ig_preparation *p) { return p->texts; }
const char *ig_preparation_label(const ig_preparation *p) { return p->label; }
size_t ig_preparation_classes(const ig_preparation *p) { return p->classes; }
const char *ig_preparation_class(const ig_preparation *p, size_t i) { return i < p->classes ? p->class_name[i] : ""; }

const char *ig_preparation_number_name(const ig_preparation *p, size_t i, char *buf, size_t size) {
    snprintf(buf, size, "%s", "");
    for (size_t k = 0; k < p->fields; k++) {
        const field *f = &p->field[k];
        if (i - f->number_at < field_numbers(f) && i >= f->number_at) snprintf(buf, size, "%s%s", f->name, i > f->number_at ? " missing" : "");
    }
    return buf;
}

static const field *index_field(const ig_preparation *p, size_t i) {
    for (size_t k = 0; k < p->fields; k++)
        if (i >= p->field[k].index_at && i - p->field[k].index_at < field_indices(&p->field[k])) return &p->field[k];
    return NULL;
}

const char *ig_preparation_index_name(const ig_preparation *p, size_t i, char *buf, size_t size) {
    static const char *const parts[] = {" month", " weekday", " hour"};
    const field *f = index_field(p, i);
    snprintf(buf, size, "%s%s", f ? f->name : "", f && f->kind == FIELD_DATE ? parts[i - f->index_at] : "");
    return buf;
}

const char *ig_preparation_text_name(const ig_preparation *p, size_t i) {
    for (size_t k = 0; k < p->fields; k++)
        if (p->field[k].kind == FIELD_TEXT && p->field[k].text_at == i) return p->field[k].name;
    return "";
}

size_t ig_preparation_vocabulary(const ig_preparation *p, size_t i) {
    static const size_t parts[] = {12, 7, 24};
    const field *f = index_field(p, i);
    if (!f) return 0;
    if (f->kind == FIELD_DATE) return INDEX_FIRST + parts[i - f->index_at];
    return INDEX_FIRST + (f->kind == FIELD_CATEGORY ? f->values : f->kind == FIELD_HASH ? f->buckets : f->edges + 1);
}
