/* data/xlsx_parts.h: what the cells of a sheet refer to: texts, formats that mean a date, and which file the sheet is. */
#ifndef DATA_XLSX_PARTS_H
#define DATA_XLSX_PARTS_H

#include "data/office.h"

typedef enum xlsx_kind { XLSX_NUMBER, XLSX_DATE, XLSX_TIME, XLSX_DATE_TIME } xlsx_kind;

typedef struct xlsx_parts {
    ig_buf strings;        /* shared texts, each with a NUL behind it */
    size_t *string_at;     /* [string_count], in strings */
    size_t string_count, string_cap;
    unsigned char *kinds;  /* xlsx_kind of each cell format */
    size_t kind_count, kind_cap;
    bool since_1904;       /* days are counted from 1904, as old Macintoshes did */
    char sheet[256];       /* entry of the sheet */
} xlsx_parts;

/* sheet: its name; NULL: the first that is not hidden. */
ig_status xlsx_parts_read(xlsx_parts *p, const office *o, const char *sheet, ig_error *err);
void xlsx_parts_fini(xlsx_parts *p);
/* The number of a cell as text: a date or time when its format says so, else its shortest decimal form.  Returns out. */
const char *xlsx_number(const xlsx_parts *p, const char *value, size_t format, char out[64]);

#endif
