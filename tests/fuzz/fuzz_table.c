/* Fuzz target: tables of questions and answers, as they are uploaded.
 *
 * The first byte chooses the format (as the digit of an ig_table_format), the rest is the file.  What is read must hold what
 * ingot/documents.h promises: a value for each column, UTF-8, lines that do not go back.
 */
#include <string.h>

#include "ingot/documents.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                  \
    do {                                    \
        if (!(condition)) __builtin_trap(); \
    } while (0)

typedef struct reading {
    const ig_table *t;
    int line;
    size_t rows;
} reading;

static ig_status on_row(void *arg, const ig_table_row *row, ig_error *err) {
    reading *r = arg;
    (void)err;
    REQUIRE(row->count == ig_table_count(r->t));
    REQUIRE(row->line >= r->line);
    for (size_t i = 0; i < row->count; i++) REQUIRE(row->values[i] && ig_utf8_valid(row->values[i], strlen(row->values[i])));
    r->line = row->line;
    r->rows++;
    return IG_OK;
}

static void on_problem(void *arg, const ig_error *problem) {
    (void)arg;
    REQUIRE(problem->code != IG_OK && problem->code != IG_E_NOMEM && *problem->message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const ig_table_opts opts = {.format = size && *data >= '0' && *data <= '5' ? (ig_table_format)(*data - '0') : IG_TABLE_AUTO,
                                .problem = on_problem};
    ig_table *t = NULL;
    ig_error err = {0};
    if (!size || ig_table_parse("upload", data + 1, size - 1, &opts, &t, &err) != IG_OK) return 0;
    ig_table_columns columns;
    reading once = {.t = t}, again = {.t = t};
    ig_status status = ig_table_each(t, on_row, &once, &err);
    REQUIRE(ig_table_each(t, on_row, &again, &err) == status && once.rows == again.rows);
    for (size_t i = 0; i < ig_table_count(t); i++) REQUIRE(ig_table_name(t, i));
    if (ig_table_find_columns(t, NULL, &columns, &err) == IG_OK)
        for (int i = 0; i < IG_ROLE_COUNT; i++) REQUIRE(columns.of[i] < (int)ig_table_count(t));
    ig_table_close(t);
    return 0;
}
