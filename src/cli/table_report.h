/* cli/table_report.h: what `ingot data check` says of a table, as text, as JSON, and as a page. */
#ifndef INGOT_CLI_TABLE_REPORT_H
#define INGOT_CLI_TABLE_REPORT_H

#include "cli/cli.h"
#include "ingot/tabular.h"

#define CLI_TABLE_BAD_ROWS 20

typedef struct cli_table_report {
    cli *c;
    ig_frame f, test, before;
    ig_table_check check;
    ig_error bad[CLI_TABLE_BAD_ROWS];
    size_t bad_rows;
} cli_table_report;

/* `ingot data check FILE` where FILE is a table; the exit code. */
int cli_check_table(cli *c);
/* Whether a .json or .jsonl file is a table, and no list of conversations or preferences. */
bool cli_looks_like_table(const char *path);

/* One sentence in the user's language, without the column's name, with the first lines. */
void cli_table_finding(const cli_table_report *r, const ig_finding *x, ig_buf *out);
/* What shows the type: "17 … 90, middle 37". */
void cli_table_evidence(const cli_table_report *r, size_t column, ig_buf *out);
const char *cli_table_type(const cli *c, ig_column_type t);

void cli_table_print(const cli_table_report *r);
int cli_table_json(const cli_table_report *r);
ig_status cli_table_page(const cli_table_report *r, const char *path, ig_error *err);

#endif
