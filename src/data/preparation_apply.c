/* data/preparation_apply.c: cells to numbers, as they were fitted.
 *
 * A table, a row and a JSON object all come down to one cell of one field, so that training and answering cannot differ.
 */
#include <math.h>
#include <string.h>

#include "data/column_values.h"
#include "data/preparation.h"
#include "data/table.h"

/* Where a cell stands, for errors. */
typedef struct place {
    const ig_preparation *p;
    const char *file;
    int line;
} place;

/* A cell: its text without space at the ends; of JSON numbers the number too, which the text may round. */
typedef struct cell {
    const char *text;
    bool missing, has_number;
    double number;
} cell;

static double scaled(const field *f, double x) {
    if (f->scaling == IG_SCALING_LOG) x = copysign(log1p(fabs(x)), x);
    return (x - f->mean) / f->sd;
}

static ig_status bad_value(const place *at, const field *f, const char *s, ig_error *err) {
    static const char *const wanted[IG_COLUMN_TYPES] = {[IG_COLUMN_BOOLEAN] = "yes or no", [IG_COLUMN_INTEGER] = "a whole number",
                                                        [IG_COLUMN_NUMBER] = "a number", [IG_COLUMN_DATE] = "a date"};
    return ig_error_at(err, IG_E_FORMAT, at->file, at->line, "column \"%.60s\": \"%.60s\" is not %s", f->name, s,
                       wanted[f->type] ? wanted[f->type] : "a value");
}

/* An integer in training may have a fraction later. */
static bool read_number(const field *f, const cell *c, double *x) {
    if (c->has_number && f->type != IG_COLUMN_DATE && isfinite(c->number)) {
        *x = c->number;
        return f->type != IG_COLUMN_BOOLEAN || *x == 0 || *x == 1;
    }
    return column_number(c->text, f->type == IG_COLUMN_INTEGER ? IG_COLUMN_NUMBER : f->type, f->order, x);
}

static ig_status apply_number(const place *at, const field *f, const cell *c, const ig_prepared_row *out, ig_error *err) {
    double x = f->impute;
    bool missing = c->missing;
    if (!missing && !read_number(f, c, &x)) {
        if (!at->p->bad_is_missing) return bad_value(at, f, c->text, err);
        missing = true, x = f->impute;
    }
    if (f->kind == FIELD_BUCKETS) {
        size_t b = 0;
        while (b < f->edges && f->edge[b] <= x) b++;
        out->indices[f->index_at] = missing ? INDEX_MISSING : INDEX_FIRST + (int32_t)b;
        return IG_OK;
    }
    out->numbers[f->number_at] = (float)scaled(f, x);
    if (f->some_missing) out->numbers[f->number_at + 1] = missing;
    return IG_OK;
}

static ig_status apply_date(const place *at, const field *f, const cell *c, const ig_prepared_row *out, ig_error *err) {
    cell_date d = {0};
    bool missing = c->missing || !cell_date_parse(c->text, f->order, &d);
    if (missing && !c->missing && !at->p->bad_is_missing) return bad_value(at, f, c->text, err);
    out->numbers[f->number_at] = (float)scaled(f, missing ? f->impute : d.days);
    if (f->some_missing) out->numbers[f->number_at + 1] = missing;
    out->indices[f->index_at] = missing ? INDEX_MISSING : INDEX_FIRST + d.month - 1;
    out->indices[f->index_at + 1] = missing ? INDEX_MISSING : INDEX_FIRST + d.weekday;
    if (f->clock) out->indices[f->index_at + 2] = missing ? INDEX_MISSING : INDEX_FIRST + d.hour;
    return IG_OK;
}

static int32_t category_index(const field *f, const cell *c) {
    if (c->missing) return INDEX_MISSING;
    if (f->kind == FIELD_HASH) return INDEX_FIRST + (int32_t)(ig_hash64(c->text, strlen(c->text), 1) % f->buckets);
    size_t i = texts_find(f->value, f->values, c->text);
    return i < f->values ? INDEX_FIRST + (int32_t)i : INDEX_OTHER;
}

static ig_status apply_cell(const place *at, const field *f, const cell *c, const ig_prepared_row *out, ig_error *err) {
    switch (f->kind) {
    case FIELD_NUMBER:
    case FIELD_BUCKETS: return apply_number(at, f, c, out, err);
    case FIELD_DATE: return apply_date(at, f, c, out, err);
    case FIELD_TEXT:
        if (out->texts) out->texts[f->text_at] = c->missing ? "" : c->text;
        return IG_OK;
    default: out->indices[f->index_at] = category_index(f, c); return IG_OK;
    }
}

static bool is_missing(const ig_preparation *p, const char *s) {
    return cell_missing(s, (const char *const *)p->missing, p->missing_count);
}

/* ---- the label ---------------------------------------------------------------------------------------------------------- */

static ig_status unknown_class(const place *at, const char *s, ig_error *err) {
    char folded[80], other[80];
    cell_fold(s, folded, sizeof folded);
    for (size_t i = 0; i < at->p->classes; i++) {
        cell_fold(at->p->class_name[i], other, sizeof other);
        if (strcmp(folded, other) == 0)
            return ig_error_at(err, IG_E_FORMAT, at->file, at->line, "label \"%.60s\": the class \"%.60s\" is written \"%.60s\" here; write both "
                               "the same way, or let a full stop at the end not count", at->p->label, at->p->class_name[i], s);
    }
    return ig_error_at(err, IG_E_FORMAT, at->file, at->line, "label \"%.60s\": \"%.60s\" is none of the %zu classes of training, such as \"%.60s\"",
                       at->p->label, s, at->p->classes, at->p->class_name[0]);
}

/* s without space at the ends.  NaN when it is missing. */
static ig_status apply_label(const place *at, const char *s, double *out, ig_error *err) {
    char text[IG_LABEL_BYTES_MAX];
    size_t n = strlen(s);
    *out = NAN;
    if (is_missing(at->p, s)) return IG_OK;
    if (!at->p->classes) {
        if (cell_number(s, out)) return IG_OK;
        return ig_error_at(err, IG_E_FORMAT, at->file, at->line, "label \"%.60s\": \"%.60s\" is no number", at->p->label, s);
    }
    if (n >= sizeof text) return unknown_class(at, s, err);
    memcpy(text, s, n + 1);
    if (at->p->drop_stop && n > 1 && text[n - 1] == '.') text[n - 1] = '\0';
    size_t i = texts_find(at->p->class_name, at->p->classes, text);
    if (i == at->p->classes) return unknown_class(at, text, err);
    *out = (double)i;
    return IG_OK;
}

/* ---- tables ------------------------------------------------------------------------------------------------------------- */

static ig_status lacks(const ig_preparation *p, const char *file, int line, const char *name, ig_error *err) {
    char list[300] = "";
    size_t n = 0;
    for (size_t i = 0; i < p->fields && n + 50 < sizeof list; i++)
        n += (size_t)snprintf(list + n, sizeof list - n, "%s%.40s", i ? ", " : "", p->field[i].name);
    return ig_error_at(err, IG_E_NOT_FOUND, file, line, "the column \"%.60s\" is not there; the model was trained with %s", name, list);
}

static ig_prepared_row row_of(const ig_preparation *p, const ig_prepared *x, size_t r) {
    return (ig_prepared_row){x->numbers + r * p->numbers, x->indices + r * p->indices, x->texts + r * p->texts, NULL};
}

static ig_status apply_column(const ig_preparation *p, const ig_frame *f, const field *one, ig_prepared *x, ig_error *err) {
    int column = ig_frame_find(f, one->name);
    if (column < 0) return lacks(p, f->file, 1, one->name, err);
    const ig_frame_column *c = &f->column[column];
    for (size_t r = 0; r < f->rows; r++) {
        const place at = {p, f->file, f->line[r]};
        const char *s = c->value[c->code[r]];
        const cell value = {.text = s, .missing = is_missing(p, s)};
        const ig_prepared_row out = row_of(p, x, r);
        IG_TRY(apply_cell(&at, one, &value, &out, err));
    }
    return IG_OK;
}

static ig_status apply_labels(const ig_preparation *p, const ig_frame *f, ig_prepared *x, ig_error *err) {
    int column = p->label ? ig_frame_find(f, p->label) : -1;
    if (column < 0) return IG_OK;
    const ig_frame_column *c = &f->column[column];
    x->label = ig_calloc(f->rows, sizeof *x->label);
    if (!x->label) return ig_error_nomem(err, f->rows * sizeof *x->label);
    for (size_t r = 0; r < f->rows; r++) {
        const place at = {p, f->file, f->line[r]};
        IG_TRY(apply_label(&at, c->value[c->code[r]], &x->label[r], err));
        if (isnan(x->label[r])) return ig_error_at(err, IG_E_FORMAT, f->file, f->line[r], "the row has no label: drop it, or fill in \"%.60s\"", p->label);
    }
    return IG_OK;
}

static ig_status apply(const ig_preparation *p, const ig_frame *f, ig_prepared *x, ig_error *err) {
    size_t numbers, indices, texts;
    if (!ig_mul_size(f->rows, p->numbers, &numbers) || !ig_mul_size(f->rows, p->indices, &indices) || !ig_mul_size(f->rows, p->texts, &texts))
        return ig_error_at(err, IG_E_LIMIT, f->file, 0, "%zu rows of %zu numbers are too many", f->rows, p->numbers);
    x->numbers = ig_calloc(numbers + 1, sizeof *x->numbers);
    x->indices = ig_calloc(indices + 1, sizeof *x->indices);
    x->texts = ig_calloc(texts + 1, sizeof *x->texts);
    if (!x->numbers || !x->indices || !x->texts) return ig_error_nomem(err, numbers * sizeof *x->numbers);
    for (size_t i = 0; i < p->fields; i++) IG_TRY(apply_column(p, f, &p->field[i], x, err));
    return apply_labels(p, f, x, err);
}

ig_status ig_preparation_apply(const ig_preparation *p, const ig_frame *f, ig_prepared *out, ig_error *err) {
    *out = (ig_prepared){.rows = f->rows};
    ig_status status = apply(p, f, out, err);
    if (status != IG_OK) ig_prepared_fini(out);
    return status;
}

void ig_prepared_fini(ig_prepared *x) {
    ig_free(x->numbers), ig_free(x->indices), ig_free(x->texts), ig_free(x->label);
    *x = (ig_prepared){0};
}

/* ---- a row ---------------------------------------------------------------------------------------------------------------- */

static const char *row_value(const ig_table *t, const ig_table_row *row, const char *name) {
    for (size_t i = 0; i < row->count; i++)
        if (strcmp(ig_table_name(t, i), name) == 0) return row->values[i];
    return NULL;
}

/* A copy without space at the ends; valid until the next call. */
static ig_status trimmed(const char *s, ig_buf *buf, ig_error *err) {
    size_t n;
    ig_buf_clear(buf);
    s = cell_trim(s, &n);
    ig_buf_append(buf, s, n);
    ig_buf_putc(buf, '\0');
    return ig_buf_status(buf, err);
}

static ig_status apply_row(const place *at, const ig_table *t, const ig_table_row *row, const ig_prepared_row *out, ig_buf *buf, ig_error *err) {
    for (size_t i = 0; i < at->p->fields; i++) {
        const field *f = &at->p->field[i];
        const char *s = row_value(t, row, f->name);
        if (!s) return lacks(at->p, at->file, at->line, f->name, err);
        IG_TRY(trimmed(s, buf, err));
        const cell c = {.text = f->kind == FIELD_TEXT ? s : buf->data, .missing = is_missing(at->p, buf->data)};
        IG_TRY(apply_cell(at, f, &c, out, err));
    }
    if (!out->label) return IG_OK;
    const char *s = at->p->label ? row_value(t, row, at->p->label) : NULL;
    IG_TRY(trimmed(s ? s : "", buf, err));
    return apply_label(at, buf->data, out->label, err);
}

ig_status ig_preparation_row(const ig_preparation *p, const char *file, const ig_table *t, const ig_table_row *row,
                             const ig_prepared_row *out, ig_error *err) {
    const place at = {p, file, row->line};
    ig_buf buf = {.max = IG_TABLE_BYTES_MAX};
    ig_status status = apply_row(&at, t, row, out, &buf, err);
    ig_buf_fini(&buf);
    return status;
}

/* ---- an object ------------------------------------------------------------------------------------------------------------ */

static ig_status json_cell(const place *at, const ig_tree *v, ig_buf *buf, cell *out, ig_error *err) {
    ig_buf raw = {.max = IG_TABLE_BYTES_MAX};
    if (v) table_put_json(&raw, v);
    ig_status status = ig_buf_status(&raw, err);
    if (status == IG_OK) status = trimmed(raw.data ? raw.data : "", buf, err);
    ig_buf_fini(&raw);
    IG_TRY(status);
    *out = (cell){.text = buf->data, .missing = is_missing(at->p, buf->data)};
    out->has_number = v && (v->type == IG_TREE_INT || v->type == IG_TREE_REAL);
    out->number = v ? v->real : 0;
    return IG_OK;
}

static ig_status apply_object(place *at, const ig_tree *object, const ig_prepared_row *out, ig_buf *buf, ig_error *err) {
    cell c;
    for (size_t i = 0; i < at->p->fields; i++) {
        const field *f = &at->p->field[i];
        const ig_tree *v = ig_tree_get(object, f->name);
        at->line = v ? v->line : object->line;
        if (!v && !f->some_missing) return lacks(at->p, at->file, at->line, f->name, err);
        IG_TRY(json_cell(at, v, buf, &c, err));
        if (f->kind == FIELD_TEXT && v && v->type == IG_TREE_TEXT) c.text = v->text;
        if (f->kind == FIELD_TEXT && v && v->type != IG_TREE_TEXT && v->type != IG_TREE_NULL)
            return ig_error_at(err, IG_E_FORMAT, at->file, at->line, "\"%.60s\" must be text, not %s", f->name, ig_tree_type_name(v->type));
        IG_TRY(apply_cell(at, f, &c, out, err));
    }
    if (!out->label) return IG_OK;
    IG_TRY(json_cell(at, at->p->label ? ig_tree_get(object, at->p->label) : NULL, buf, &c, err));
    return apply_label(at, c.text, out->label, err);
}

ig_status ig_preparation_object(const ig_preparation *p, const char *name, const ig_tree *object, const ig_prepared_row *out, ig_error *err) {
    place at = {p, name, object->line};
    ig_buf buf = {.max = IG_TABLE_BYTES_MAX};
    if (object->type != IG_TREE_MAP)
        return ig_error_at(err, IG_E_FORMAT, name, object->line, "an object with the row's values is expected, not %s", ig_tree_type_name(object->type));
    ig_status status = apply_object(&at, object, out, &buf, err);
    ig_buf_fini(&buf);
    return status;
}
