/* data/table_csv.c: CSV and its relatives.   (RFC 4180)
 *
 *     name,answer⏎              record = field, delimiter, field … line end (LF, CRLF or CR)
 *     "a ""b"", c","two⏎lines"⏎  a field that begins with a quote ends at the next quote that is not doubled
 *
 * The delimiter is the one of , ; tab | with which the first records agree best on a number of fields above one.
 * A record with text behind a closing quote is left out up to its line end; a quote that is never closed ends the table,
 * since everything after it might be inside of the field.
 */
#include <string.h>

#include "data/table.h"

#define SNIFF_BYTES 65536
#define SNIFF_RECORDS 50

typedef struct csv {
    const char *file, *at, *end;
    char delimiter;
    int line;
    bool unclosed; /* a quote that nothing ends */
    bool no_quotes;
} csv;

static bool at_record_end(const csv *c) {
    return c->at == c->end || *c->at == '\n' || *c->at == '\r';
}

/* After the opening quote.  Lines are counted on the way. */
static ig_status quoted_field(csv *c, table_cells *out, ig_error *err) {
    int first = c->line;
    for (;;) {
        const char *quote = memchr(c->at, '"', (size_t)(c->end - c->at));
        if (!quote) {
            c->unclosed = true;
            return ig_error_at(err, IG_E_FORMAT, c->file, first, "the quote that begins here is never closed: end the field with \", "
                               "and write a quote inside of it twice");
        }
        for (const char *p = c->at; p < quote; p++) c->line += *p == '\n';
        ig_buf_append(&out->bytes, c->at, (size_t)(quote - c->at));
        c->at = quote + 1;
        if (c->at == c->end || *c->at != '"') break;
        ig_buf_putc(&out->bytes, '"');
        c->at++;
    }
    while (c->at < c->end && *c->at == ' ') c->at++;
    if (at_record_end(c) || *c->at == c->delimiter) return IG_OK;
    return ig_error_at(err, IG_E_FORMAT, c->file, c->line, "text stands behind a closing quote: write a quote inside of a field twice");
}

static void bare_field(csv *c, table_cells *out) {
    const char *begin = c->at;
    while (!at_record_end(c) && *c->at != c->delimiter) c->at++;
    ig_buf_append(&out->bytes, begin, (size_t)(c->at - begin));
}

static void skip_line_end(csv *c) {
    while (!at_record_end(c)) c->at++;
    if (c->at == c->end) return;
    if (*c->at == '\r' && c->at + 1 < c->end && c->at[1] == '\n') c->at++;
    c->at++;
    c->line++;
}

/* One record.  c is behind it when it could be read, and where reading stopped when not. */
static ig_status record(csv *c, table_cells *out, ig_error *err) {
    table_cells_clear(out);
    for (;;) {
        if (c->at < c->end && *c->at == '"' && !c->no_quotes) {
            c->at++;
            IG_TRY(quoted_field(c, out, err));
        } else bare_field(c, out);
        ig_buf_putc(&out->bytes, '\0');
        out->count++;
        if (at_record_end(c)) break;
        c->at++;
    }
    skip_line_end(c);
    return ig_buf_status(&out->bytes, err);
}

/* ---- which delimiter ------------------------------------------------------------------------------------------------ */

/* How well the first records fit: share of records with as many fields as the first, in thousandths; then the fields. */
static ig_status score(const ig_table *t, char delimiter, table_cells *cells, size_t *out, ig_error *err) {
    size_t sample = t->text.len < SNIFF_BYTES ? t->text.len : SNIFF_BYTES, total = 0, same = 0, fields = 0;
    csv c = {.file = t->file, .at = t->text.data, .end = t->text.data + sample, .delimiter = delimiter, .line = 1,
             .no_quotes = t->opts.no_quotes};
    while (c.at < c.end && total < SNIFF_RECORDS) {
        ig_status status = record(&c, cells, err);
        if (status == IG_E_NOMEM) return status;
        if (c.at == c.end && total && sample < t->text.len) break; /* cut in the middle */
        if (c.unclosed) break;
        if (status == IG_E_FORMAT) skip_line_end(&c);
        if (status == IG_OK && cells->count == 1 && cells->bytes.len == 1) continue;
        if (!fields) fields = cells->count;
        total++;
        same += status == IG_OK && cells->count == fields;
    }
    *out = fields > 1 ? same * 1000 / total * 10000 + (fields < 9999 ? fields : 9999) : 0;
    return IG_OK;
}

static ig_status sniff(ig_table *t, table_cells *cells, ig_error *err) {
    size_t best = 0;
    t->delimiter = ',';
    for (const char *d = ",;\t|"; *d; d++) {
        size_t s;
        ig_error ignored;
        ig_status status = score(t, *d, cells, &s, &ignored);
        if (status != IG_OK) return ig_error_nomem(err, cells->bytes.len);
        if (s > best) best = s, t->delimiter = *d;
    }
    return IG_OK;
}

/* ---- the table ------------------------------------------------------------------------------------------------------ */

static ig_status open_with(ig_table *t, table_cells *cells, ig_error *err) {
    if (t->format == IG_TABLE_TSV) t->delimiter = '\t';
    else IG_TRY(sniff(t, cells, err));
    csv c = {.file = t->file, .at = t->text.data, .end = t->text.data + t->text.len,
             .delimiter = t->delimiter, .line = 1, .no_quotes = t->opts.no_quotes};
    const char *first;
    int line;
    do {
        first = c.at, line = c.line;
        IG_TRY(record(&c, cells, err));
    } while (c.at < c.end && cells->count == 1 && cells->bytes.len == 1);
    t->body = (size_t)((t->opts.headless ? first : c.at) - t->text.data);
    t->body_line = t->opts.headless ? line : c.line;
    while (!t->opts.headless && cells->count > 1 && cells->bytes.len > 1 && cells->bytes.data[cells->bytes.len - 2] == '\0')
        cells->count--, cells->bytes.len--; /* delimiters at the end of the first row name nothing */
    return table_set_names(t, cells->bytes.data, cells->count, line, err);
}

ig_status csv_open(ig_table *t, ig_error *err) {
    table_cells cells = {.bytes.max = IG_TABLE_BYTES_MAX};
    ig_status status = open_with(t, &cells, err);
    ig_buf_fini(&cells.bytes);
    return status;
}

static ig_status each_with(const ig_table *t, table_cells *cells, table_visit *v, ig_error *err) {
    csv c = {.file = t->file, .at = t->text.data + t->body, .end = t->text.data + t->text.len, .delimiter = t->delimiter,
             .line = t->body_line, .no_quotes = t->opts.no_quotes};
    while (c.at < c.end) {
        ig_error problem = {0};
        int line = c.line;
        ig_status status = record(&c, cells, &problem);
        if (status == IG_OK) {
            IG_TRY(table_emit(t, v, cells->bytes.data, cells->count, line, false, err));
            continue;
        }
        IG_TRY(table_problem(t, &problem, err));
        if (c.unclosed) break;
        skip_line_end(&c);
    }
    return IG_OK;
}

ig_status csv_each(const ig_table *t, table_visit *v, ig_error *err) {
    table_cells cells = {.bytes.max = IG_TABLE_BYTES_MAX};
    ig_status status = each_with(t, &cells, v, err);
    ig_buf_fini(&cells.bytes);
    return status;
}
