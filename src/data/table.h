/* data/table.h: what the readers of tables share.
 *
 *     bytes ──open──► text or doc or grid, and names ──each──► table_cells (a row) ──table_emit──► the caller
 *
 * A row on its way is table_cells: its values one after the other, each with a NUL behind it.
 */
#ifndef DATA_TABLE_H
#define DATA_TABLE_H

#include "ingot/documents.h"

typedef struct table_cells {
    ig_buf bytes;
    size_t count;
} table_cells;

/* A row of a sheet: `count` values from grid.bytes.data + at. */
typedef struct table_grid_row {
    size_t at, count;
    int line;
} table_grid_row;

struct ig_table {
    char *file;
    ig_table_opts opts;
    ig_table_format format;
    ig_buf text;          /* CSV, JSON lines */
    char delimiter;       /* CSV */
    size_t body;          /* CSV: where the rows begin, after the names */
    int body_line;
    ig_doc *doc;          /* JSON */
    const ig_tree *list;  /* in doc */
    table_cells grid;     /* XLSX */
    table_grid_row *rows;
    size_t row_count, row_cap, first_row;
    ig_buf names_text;
    const char **names;   /* [columns], in names_text */
    size_t columns;
};

typedef struct table_visit {
    ig_table_row_fn *fn;
    void *arg;
    const char **values; /* [columns] */
} table_visit;

ig_status csv_open(ig_table *t, ig_error *err);
ig_status csv_each(const ig_table *t, table_visit *v, ig_error *err);
ig_status json_open(ig_table *t, ig_error *err);
ig_status json_each(const ig_table *t, table_visit *v, ig_error *err);
ig_status json_lines_open(ig_table *t, ig_error *err);
ig_status json_lines_each(const ig_table *t, table_visit *v, ig_error *err);
ig_status xlsx_open(ig_table *t, const void *bytes, size_t len, ig_error *err);

void table_cells_add(table_cells *c, const char *s, size_t n);
void table_cells_clear(table_cells *c);
/* A value of JSON as the text of a cell: nothing for null. */
void table_put_json(ig_buf *out, const ig_tree *v);
/* The names of the columns: trimmed, an empty one becomes "column 3". */
ig_status table_set_names(ig_table *t, const char *cells, size_t count, int line, ig_error *err);
/* Give a row to the caller.  short_row: missing cells at its end are empty ones. */
ig_status table_emit(const ig_table *t, table_visit *v, const char *cells, size_t count, int line, bool short_row, ig_error *err);
/* A row that is left out: told to opts.problem, or returned.  Only a failed allocation always is. */
ig_status table_problem(const ig_table *t, const ig_error *problem, ig_error *err);

#endif
