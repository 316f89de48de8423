/* data/table_check.h: what the parts of the check share. */
#ifndef DATA_TABLE_CHECK_H
#define DATA_TABLE_CHECK_H

#include "data/column_values.h"
#include "data/seen.h"

typedef struct table_checking {
    const ig_frame *f;
    const ig_table_check_opts *o;
    ig_table_check *out;
} table_checking;

/* A new finding at the end of the list, valid until the next one. */
ig_status check_add(table_checking *t, ig_finding_kind kind, int column, ig_finding **out, ig_error *err);
/* One more row of it; its line is kept while there is room. */
void check_row(ig_finding *x, int line);
/* Text into detail, cut between characters. */
void check_detail(ig_finding *x, const char *fmt, ...) IG_PRINTF(2, 3);
ig_status check_label(table_checking *t, ig_error *err);
ig_status check_against(table_checking *t, ig_error *err);
/* What a column says, as a code below *codes: values of categories, quantiles of numbers; missing is a code of its own. */
ig_status check_codes(const ig_frame *f, size_t column, const ig_column_profile *p, uint32_t **code /* [rows] */, size_t *codes, ig_error *err);

#endif
