/* data/table.c: opening a table of any format, its names, and the way of its rows to the caller. */
#include "data/table.h"

#include <string.h>

#include "data/plain_text.h"

/* ---- rows ---------------------------------------------------------------------------------------------------------- */

void table_cells_add(table_cells *c, const char *s, size_t n) {
    ig_buf_append(&c->bytes, s, n);
    ig_buf_putc(&c->bytes, '\0');
    c->count++;
}

void table_cells_clear(table_cells *c) {
    ig_buf_clear(&c->bytes);
    c->count = 0;
}

ig_status table_problem(const ig_table *t, const ig_error *problem, ig_error *err) {
    if (problem->code != IG_E_NOMEM && t->opts.problem) {
        t->opts.problem(t->opts.problem_arg, problem);
        return IG_OK;
    }
    if (err) *err = *problem;
    return problem->code;
}

static bool all_empty(const char *cells, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (cells[i]) return false; /* an empty cell is one NUL */
    return true;
}

static ig_status ragged(const ig_table *t, size_t count, int line, ig_error *err) {
    ig_error problem = {0};
    ig_error_at(&problem, IG_E_FORMAT, t->file, line, "the row has %zu fields and the table %zu columns: put quotes around a field "
                "that holds the delimiter or a line break", count, t->columns);
    return table_problem(t, &problem, err);
}

ig_status table_emit(const ig_table *t, table_visit *v, const char *cells, size_t count, int line, bool short_row, ig_error *err) {
    const char *at = cells;
    size_t n = count < t->columns ? count : t->columns;
    for (size_t i = 0; i < n; i++, at += strlen(at) + 1) v->values[i] = at;
    if (!all_empty(at, count - n)) return ragged(t, count, line, err);
    if (all_empty(cells, count)) return IG_OK;
    if (count < t->columns && !short_row) return ragged(t, count, line, err);
    for (size_t i = n; i < t->columns; i++) v->values[i] = "";
    ig_table_row row = {.values = v->values, .count = t->columns, .line = line};
    return v->fn(v->arg, &row, err);
}

ig_status ig_table_each(const ig_table *t, ig_table_row_fn *fn, void *arg, ig_error *err) {
    table_visit v = {.fn = fn, .arg = arg, .values = ig_calloc(t->columns, sizeof *v.values)};
    if (!v.values) return ig_error_nomem(err, t->columns * sizeof *v.values);
    ig_status status = IG_OK;
    if (t->format == IG_TABLE_JSON) status = json_each(t, &v, err);
    else if (t->format == IG_TABLE_JSON_LINES) status = json_lines_each(t, &v, err);
    else if (t->format != IG_TABLE_XLSX) status = csv_each(t, &v, err);
    else {
        for (size_t i = t->first_row; i < t->row_count && status == IG_OK; i++)
            status = table_emit(t, &v, t->grid.bytes.data + t->rows[i].at, t->rows[i].count, t->rows[i].line, true, err);
    }
    ig_free(v.values);
    return status;
}

/* ---- names --------------------------------------------------------------------------------------------------------- */

static void put_name(ig_table *t, const char *s, size_t column) {
    size_t n = strlen(s);
    while (n && strchr(" \t\r\n", s[n - 1])) n--;
    while (n && strchr(" \t\r\n", *s)) s++, n--;
    if (n) ig_buf_append(&t->names_text, s, n);
    else ig_buf_printf(&t->names_text, "column %zu", column + 1);
    ig_buf_putc(&t->names_text, '\0');
}

ig_status table_set_names(ig_table *t, const char *cells, size_t count, int line, ig_error *err) {
    const char *at = cells;
    if (count > IG_TABLE_COLUMNS_MAX)
        return ig_error_at(err, IG_E_LIMIT, t->file, line, "the table has %zu columns, at most %d are read", count, IG_TABLE_COLUMNS_MAX);
    t->names_text.max = IG_TABLE_BYTES_MAX;
    for (size_t i = 0; i < count; i++, at += strlen(at) + 1) put_name(t, at, i);
    IG_TRY(ig_buf_status(&t->names_text, err));
    t->names = ig_calloc(count, sizeof *t->names);
    if (!t->names) return ig_error_nomem(err, count * sizeof *t->names);
    at = t->names_text.data;
    for (t->columns = 0; t->columns < count; t->columns++, at += strlen(at) + 1) t->names[t->columns] = at;
    return IG_OK;
}

size_t ig_table_count(const ig_table *t) {
    return t->columns;
}

const char *ig_table_name(const ig_table *t, size_t column) {
    return column < t->columns ? t->names[column] : "";
}

ig_table_format ig_table_format_of(const ig_table *t) {
    return t->format;
}

/* ---- opening ------------------------------------------------------------------------------------------------------- */

static ig_table_format format_by_content(const char *name, const char *s, size_t len) {
    if (len >= 4 && memcmp(s, "PK\3\4", 4) == 0) return IG_TABLE_XLSX;
    if (ends_with(name, ".jsonl") || ends_with(name, ".ndjson")) return IG_TABLE_JSON_LINES;
    if (ends_with(name, ".json")) return IG_TABLE_JSON;
    if (ends_with(name, ".tsv") || ends_with(name, ".tab")) return IG_TABLE_TSV;
    if (ends_with(name, ".csv")) return IG_TABLE_CSV;
    size_t at = len >= 3 && memcmp(s, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    while (at < len && strchr(" \t\r\n", s[at]) && s[at]) at++;
    return at < len && (s[at] == '{' || (s[at] == '[' && len - at > 1)) ? IG_TABLE_JSON : IG_TABLE_CSV;
}

/* Many exports name JSON lines ".json": an object ends on the first line, and the next line begins another. */
static bool looks_like_lines(const ig_buf *text) {
    const char *s = text->data, *end = text->data + text->len, *nl = text->len ? memchr(s, '\n', text->len) : NULL;
    if (!nl || *s != '{') return false;
    const char *last = nl;
    while (last > s && strchr(" \t\r\n", *last)) last--;
    while (nl < end && strchr(" \t\r\n", *nl)) nl++;
    return *last == '}' && nl < end && *nl == '{';
}

static ig_status open_text(ig_table *t, const void *bytes, size_t len, ig_error *err) {
    t->text.max = IG_TABLE_BYTES_MAX;
    IG_TRY(plain_text(t->file, bytes, len, &t->text, err));
    if (strspn(t->text.data ? t->text.data : "", " \t\r\n") == t->text.len)
        return ig_error_at(err, IG_E_FORMAT, t->file, 0, "the table is empty: a first row with the names of the columns is needed");
    if (t->format == IG_TABLE_JSON && looks_like_lines(&t->text)) t->format = IG_TABLE_JSON_LINES;
    if (t->format == IG_TABLE_JSON) return json_open(t, err);
    return t->format == IG_TABLE_JSON_LINES ? json_lines_open(t, err) : csv_open(t, err);
}

static ig_status open_any(ig_table *t, const void *bytes, size_t len, ig_error *err) {
    if (len > IG_TABLE_BYTES_MAX)
        return ig_error_at(err, IG_E_LIMIT, t->file, 0, "the table has %zu bytes, at most %zu are read: split it", len, IG_TABLE_BYTES_MAX);
    if (len >= 8 && memcmp(bytes, "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", 8) == 0)
        return ig_error_at(err, IG_E_UNSUPPORTED, t->file, 0, "an old or encrypted Excel file: save it as .xlsx without a password, or as CSV");
    if (t->format == IG_TABLE_AUTO) t->format = format_by_content(t->file, bytes, len);
    if (t->opts.no_header && t->format != IG_TABLE_CSV && t->format != IG_TABLE_TSV)
        return ig_error_at(err, IG_E_ARG, t->file, 0, "only CSV and TSV can be without a first row of names");
    return t->format == IG_TABLE_XLSX ? xlsx_open(t, bytes, len, err) : open_text(t, bytes, len, err);
}

ig_status ig_table_parse(const char *name, const void *bytes, size_t len, const ig_table_opts *opts, ig_table **out, ig_error *err) {
    ig_table *t = ig_calloc(1, sizeof *t);
    *out = NULL;
    if (!t) return ig_error_nomem(err, sizeof *t);
    if (opts) t->opts = *opts;
    t->format = t->opts.format;
    t->file = ig_strdup(name);
    ig_status status = t->file ? open_any(t, len ? bytes : "", len, err) : ig_error_nomem(err, strlen(name) + 1);
    if (status == IG_OK) *out = t;
    else ig_table_close(t);
    return status;
}

ig_status ig_table_open(const char *path, const ig_table_opts *opts, ig_table **out, ig_error *err) {
    ig_map_file m;
    *out = NULL;
    if (ig_path_is_dir(path)) return ig_error_at(err, IG_E_ARG, path, 0, "this is a folder; a table (CSV, JSON, XLSX) is needed");
    IG_TRY(ig_file_map(path, &m, err));
    ig_status status = ig_table_parse(path, m.data, m.size, opts, out, err);
    ig_file_unmap(&m);
    return status;
}

void ig_table_close(ig_table *t) {
    if (!t) return;
    ig_free(t->file);
    ig_buf_fini(&t->text);
    ig_buf_fini(&t->names_text);
    ig_buf_fini(&t->grid.bytes);
    ig_free(t->rows);
    ig_free(t->names);
    ig_doc_free(t->doc);
    ig_free(t);
}
