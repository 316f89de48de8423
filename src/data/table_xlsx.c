/* data/table_xlsx.c: the cells of one sheet.   (ECMA-376 part 1, 18.3)
 *
 *     <row r="3"><c r="B3" t="s" s="2"><v>17</v></c> …     t: s shared text, inlineStr, str, b, e, n (a number, or a date by s)
 *
 * A row knows its number and a cell its column; what is left out is empty.  The sheet is held whole, since a row at a time would
 * leave expat in the middle of its own stack.
 */
#include <stdlib.h>
#include <string.h>

#include "data/table.h"
#include "data/xlsx_parts.h"

typedef struct sheet {
    ig_table *t;
    const xlsx_parts *parts;
    ig_buf value;
    char type[16];
    size_t format, column; /* of the cell; column of the next cell */
    int line;
    bool in_row, in_value;
} sheet;

/* "BC12": 54.  Without letters the next column. */
static size_t column_of(const char *reference, size_t next) {
    size_t column = 0;
    const char *p = reference ? reference : "";
    for (; *p >= 'A' && *p <= 'Z' && column < 1u << 20; p++) column = column * 26 + (size_t)(*p - 'A' + 1);
    return column ? column - 1 : next;
}

static ig_status begin_row(sheet *s, const char **attributes, ig_error *err) {
    ig_table *t = s->t;
    const char *number = xml_attribute(attributes, "r");
    if (t->row_count == IG_TABLE_ROWS_MAX)
        return ig_error_at(err, IG_E_LIMIT, t->file, s->line, "the sheet has more than %u rows: split it", IG_TABLE_ROWS_MAX);
    if (t->row_count == t->row_cap) {
        size_t more = t->row_cap ? t->row_cap * 2 : 256;
        void *p = ig_realloc_array(t->rows, more, sizeof *t->rows);
        if (!p) return ig_error_nomem(err, more * sizeof *t->rows);
        t->rows = p;
        t->row_cap = more;
    }
    long given = number ? strtol(number, NULL, 10) : 0;
    s->line = given > 0 && given < 1 << 30 ? (int)given : s->line + 1;
    t->rows[t->row_count++] = (table_grid_row){.at = t->grid.bytes.len, .line = s->line};
    s->column = 0;
    s->in_row = true;
    return IG_OK;
}

static void begin_cell(sheet *s, const char **attributes) {
    const char *type = xml_attribute(attributes, "t"), *format = xml_attribute(attributes, "s");
    s->column = column_of(xml_attribute(attributes, "r"), s->column);
    s->format = format ? (size_t)strtoul(format, NULL, 10) : 0;
    snprintf(s->type, sizeof s->type, "%s", type ? type : "n");
    ig_buf_clear(&s->value);
}

static ig_status on_start(void *arg, const char *name, const char **attributes, ig_error *err) {
    sheet *s = arg;
    if (strcmp(name, "row") == 0) return begin_row(s, attributes, err);
    if (strcmp(name, "c") == 0) begin_cell(s, attributes);
    if (strcmp(name, "rPh") == 0) s->type[0] = '\0'; /* how an inline text is read aloud */
    s->in_value = s->in_row && (strcmp(name, "v") == 0 || (strcmp(name, "t") == 0 && strcmp(s->type, "inlineStr") == 0));
    return IG_OK;
}

static ig_status on_text(void *arg, const char *text, size_t n, ig_error *err) {
    sheet *s = arg;
    if (s->in_value) ig_buf_append(&s->value, text, n);
    return ig_buf_status(&s->value, err);
}

/* The text of the cell; NULL for a shared text that is not there. */
static const char *cell_text(sheet *s, char number[64]) {
    const char *value = s->value.len ? s->value.data : "";
    if (strcmp(s->type, "s") == 0) {
        size_t i = *value ? (size_t)strtoul(value, NULL, 10) : SIZE_MAX;
        return i < s->parts->string_count ? s->parts->strings.data + s->parts->string_at[i] : NULL;
    }
    if (strcmp(s->type, "b") == 0) return *value == '1' ? "true" : "false";
    return strcmp(s->type, "n") == 0 && *value ? xlsx_number(s->parts, value, s->format, number) : value;
}

static ig_status end_cell(sheet *s, ig_error *err) {
    char number[64];
    ig_table *t = s->t;
    table_grid_row *row = &t->rows[t->row_count - 1];
    const char *text = s->value.len ? cell_text(s, number) : "";
    if (!text) return ig_error_at(err, IG_E_FORMAT, t->file, s->line, "a cell names shared text %.20s, which is not there: save the file again", s->value.data);
    if (*text && s->column < row->count)
        return ig_error_at(err, IG_E_FORMAT, t->file, s->line, "the cells of the row are not in their order: save the file again");
    if (*text && s->column >= IG_TABLE_COLUMNS_MAX)
        return ig_error_at(err, IG_E_LIMIT, t->file, s->line, "a cell stands in column %zu, at most %d are read", s->column + 1, IG_TABLE_COLUMNS_MAX);
    if (*text) {
        for (; row->count < s->column; row->count++) table_cells_add(&t->grid, "", 0);
        table_cells_add(&t->grid, text, strlen(text));
        row->count++;
    }
    s->column++;
    return ig_buf_status(&t->grid.bytes, err);
}

static ig_status on_end(void *arg, const char *name, ig_error *err) {
    sheet *s = arg;
    s->in_value = false;
    if (strcmp(name, "c") == 0 && s->in_row) return end_cell(s, err);
    if (strcmp(name, "row") == 0) s->in_row = false;
    return IG_OK;
}

/* The first row that is not empty names the columns. */
static ig_status take_names(ig_table *t, ig_error *err) {
    while (t->first_row < t->row_count && !t->rows[t->first_row].count) t->first_row++;
    if (t->first_row == t->row_count)
        return ig_error_at(err, IG_E_FORMAT, t->file, 0, "the sheet is empty: a first row with the names of the columns is needed");
    const table_grid_row *names = &t->rows[t->first_row];
    if (!t->opts.headless) t->first_row++;
    return table_set_names(t, t->grid.bytes.data + names->at, names->count, names->line, err);
}

static ig_status read_sheet(ig_table *t, const office *o, ig_error *err) {
    xlsx_parts parts = {0};
    sheet s = {.t = t, .parts = &parts, .value.max = IG_TABLE_BYTES_MAX};
    const xml_handlers h = {on_start, on_end, on_text, &s};
    t->grid.bytes.max = IG_TABLE_BYTES_MAX;
    ig_status status = xlsx_parts_read(&parts, o, t->opts.sheet, err);
    if (status == IG_OK) status = office_xml(o, parts.sheet, &h, err);
    ig_buf_fini(&s.value);
    xlsx_parts_fini(&parts);
    return status == IG_OK ? take_names(t, err) : status;
}

ig_status xlsx_open(ig_table *t, const void *bytes, size_t len, ig_error *err) {
    office o;
    IG_TRY(office_open(&o, t->file, bytes, len, err));
    ig_status status = read_sheet(t, &o, err);
    office_close(&o);
    return status;
}
