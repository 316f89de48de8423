/* data/xlsx_parts.c: the parts of a workbook around its cells.   (ECMA-376 part 1, 18.2, 18.4, 18.8)
 *
 *     xl/workbook.xml             sheets: name, state, r:id; date1904
 *     xl/_rels/workbook.xml.rels  r:id → xl/worksheets/sheet1.xml
 *     xl/sharedStrings.xml        si = one text: its t, or the t of its runs r; rPh is how it is read aloud, and left out
 *     xl/styles.xml               numFmt: codes of number formats; cellXfs/xf: number format of cell format 0, 1, 2 …
 */
#include "data/xlsx_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FORMATS_MAX 512 /* number formats of one's own, and cell formats */

/* Room for one more of `size` bytes. */
static ig_status grow(void *array, size_t count, size_t *cap, size_t size, ig_error *err) {
    if (count < *cap) return IG_OK;
    size_t more = *cap ? *cap * 2 : 64;
    void *p = ig_realloc_array(*(void **)array, more, size);
    if (!p) return ig_error_nomem(err, more * size);
    *(void **)array = p;
    *cap = more;
    return IG_OK;
}

/* ---- shared texts ----------------------------------------------------------------------------------------------------- */

typedef struct strings_reader {
    xlsx_parts *p;
    bool text, aloud;
} strings_reader;

static ig_status string_start(void *arg, const char *name, const char **attributes, ig_error *err) {
    strings_reader *r = arg;
    (void)attributes;
    if (strcmp(name, "si") == 0) {
        IG_TRY(grow(&r->p->string_at, r->p->string_count, &r->p->string_cap, sizeof *r->p->string_at, err));
        r->p->string_at[r->p->string_count++] = r->p->strings.len;
    }
    if (strcmp(name, "rPh") == 0) r->aloud = true;
    r->text = strcmp(name, "t") == 0 && !r->aloud && r->p->string_count;
    return IG_OK;
}

static ig_status string_end(void *arg, const char *name, ig_error *err) {
    strings_reader *r = arg;
    r->text = false;
    if (strcmp(name, "rPh") == 0) r->aloud = false;
    if (strcmp(name, "si") == 0) ig_buf_putc(&r->p->strings, '\0');
    return ig_buf_status(&r->p->strings, err);
}

static ig_status string_text(void *arg, const char *s, size_t n, ig_error *err) {
    strings_reader *r = arg;
    if (r->text) ig_buf_append(&r->p->strings, s, n);
    return ig_buf_status(&r->p->strings, err);
}

static ig_status read_strings(xlsx_parts *p, const office *o, ig_error *err) {
    strings_reader r = {.p = p};
    const xml_handlers h = {string_start, string_end, string_text, &r};
    if (!office_has(o, "xl/sharedStrings.xml")) return IG_OK;
    return office_xml(o, "xl/sharedStrings.xml", &h, err);
}

/* ---- formats ---------------------------------------------------------------------------------------------------------- */

typedef struct formats_reader {
    xlsx_parts *p;
    long id[FORMATS_MAX];
    unsigned char kind[FORMATS_MAX];
    size_t count;
    bool cells; /* inside of cellXfs */
} formats_reader;

/* Letters outside of quotes and brackets: y and d make a date, h and s a time.  "General" and "[Red]0.00" have none. */
static xlsx_kind kind_of_code(const char *code) {
    bool date = false, hour = false;
    if (strncmp(code, "General", 7) == 0) return XLSX_NUMBER;
    for (const char *p = code; *p && *p != ';'; p++) {
        if (*p == '"' || (*p == '[' && !strchr("hHmMsS", p[1]))) {
            const char *close = strchr(p + 1, *p == '"' ? '"' : ']');
            if (!close) break;
            p = close;
        } else if (*p == '\\' || *p == '_' || *p == '*') p += p[1] != '\0';
        else if (strchr("yYdD", *p)) date = true;
        else if (strchr("hHsS", *p)) hour = true;
    }
    return date ? hour ? XLSX_DATE_TIME : XLSX_DATE : hour ? XLSX_TIME : XLSX_NUMBER;
}

static xlsx_kind kind_of_id(const formats_reader *r, long id) {
    for (size_t i = 0; i < r->count; i++)
        if (r->id[i] == id) return (xlsx_kind)r->kind[i];
    if (id == 22) return XLSX_DATE_TIME;
    if ((id >= 14 && id <= 17) || (id >= 27 && id <= 31) || id == 36 || (id >= 50 && id <= 54) || id == 57 || id == 58) return XLSX_DATE;
    return (id >= 18 && id <= 21) || (id >= 32 && id <= 35) || (id >= 45 && id <= 47) || id == 55 || id == 56 ? XLSX_TIME : XLSX_NUMBER;
}

static ig_status format_start(void *arg, const char *name, const char **attributes, ig_error *err) {
    formats_reader *r = arg;
    const char *id = xml_attribute(attributes, "numFmtId"), *code = xml_attribute(attributes, "formatCode");
    if (strcmp(name, "cellXfs") == 0) r->cells = true;
    if (strcmp(name, "numFmt") == 0 && id && code && r->count < FORMATS_MAX) {
        r->id[r->count] = strtol(id, NULL, 10);
        r->kind[r->count++] = (unsigned char)kind_of_code(code);
    }
    if (strcmp(name, "xf") == 0 && r->cells) {
        IG_TRY(grow(&r->p->kinds, r->p->kind_count, &r->p->kind_cap, 1, err));
        r->p->kinds[r->p->kind_count++] = (unsigned char)kind_of_id(r, id ? strtol(id, NULL, 10) : 0);
    }
    return IG_OK;
}

static ig_status format_end(void *arg, const char *name, ig_error *err) {
    formats_reader *r = arg;
    (void)err;
    if (strcmp(name, "cellXfs") == 0) r->cells = false;
    return IG_OK;
}

static ig_status read_formats(xlsx_parts *p, const office *o, ig_error *err) {
    formats_reader r = {.p = p};
    const xml_handlers h = {.start = format_start, .end = format_end, .arg = &r};
    return office_has(o, "xl/styles.xml") ? office_xml(o, "xl/styles.xml", &h, err) : IG_OK;
}

/* ---- which sheet ------------------------------------------------------------------------------------------------------ */

typedef struct sheet_reader {
    xlsx_parts *p;
    const char *wanted;
    char id[128], names[512];
    bool found;
} sheet_reader;

static ig_status workbook_start(void *arg, const char *name, const char **attributes, ig_error *err) {
    sheet_reader *r = arg;
    (void)err;
    if (strcmp(name, "workbookPr") == 0) {
        const char *since = xml_attribute(attributes, "date1904");
        r->p->since_1904 = since && (*since == '1' || *since == 't');
    }
    if (strcmp(name, "sheet") != 0) return IG_OK;
    const char *title = xml_attribute(attributes, "name"), *id = xml_attribute(attributes, "id"), *state = xml_attribute(attributes, "state");
    size_t n = strlen(r->names);
    if (title && n + 80 < sizeof r->names) snprintf(r->names + n, sizeof r->names - n, "%s\"%.60s\"", n ? ", " : "", title);
    if (r->found || !id || !title) return IG_OK;
    if (r->wanted ? strcmp(title, r->wanted) != 0 : state && strcmp(state, "visible") != 0) return IG_OK;
    snprintf(r->id, sizeof r->id, "%s", id);
    r->found = true;
    return IG_OK;
}

static ig_status relation_start(void *arg, const char *name, const char **attributes, ig_error *err) {
    sheet_reader *r = arg;
    const char *id = xml_attribute(attributes, "Id"), *target = xml_attribute(attributes, "Target");
    (void)name, (void)err;
    if (!id || !target || strcmp(id, r->id) != 0) return IG_OK;
    snprintf(r->p->sheet, sizeof r->p->sheet, "%s%s", *target == '/' ? "" : "xl/", *target == '/' ? target + 1 : target);
    return IG_OK;
}

static ig_status find_sheet(xlsx_parts *p, const office *o, const char *sheet, ig_error *err) {
    sheet_reader r = {.p = p, .wanted = sheet};
    xml_handlers h = {.start = workbook_start, .arg = &r};
    if (!office_has(o, "xl/workbook.xml"))
        return ig_error_at(err, IG_E_FORMAT, o->file, 0, "the archive holds no workbook of Excel (xl/workbook.xml): save the table as .xlsx or CSV");
    IG_TRY(office_xml(o, "xl/workbook.xml", &h, err));
    if (!r.found && sheet)
        return ig_error_at(err, IG_E_NOT_FOUND, o->file, 0, "no sheet is named \"%.100s\"; there are: %s", sheet, r.names);
    if (!r.found) return ig_error_at(err, IG_E_FORMAT, o->file, 0, "the workbook has no sheet that can be seen");
    h.start = relation_start;
    IG_TRY(office_xml(o, "xl/_rels/workbook.xml.rels", &h, err));
    return p->sheet[0] ? IG_OK : ig_error_at(err, IG_E_FORMAT, o->file, 0, "the workbook does not say which file its sheet is: save it again");
}

/* ---- numbers ---------------------------------------------------------------------------------------------------------- */

/* Day 60 of the calendar of 1900 is a 29 February that never was: days before it are one off. */
static bool format_date(double serial, bool since_1904, xlsx_kind kind, char out[64]) {
    double seconds = floor(serial * 86400 + 0.5);
    double days = floor(seconds / 86400);
    struct tm tm;
    if (!(serial >= 0) || serial > 2958466) return false; /* 31 December 9999 */
    double offset = since_1904 ? 24107 : days < 60 ? 25568 : 25569;
    time_t at = (time_t)((days - offset) * 86400 + (seconds - days * 86400));
    if (!gmtime_r(&at, &tm)) return false;
    bool whole = seconds == days * 86400;
    if (kind == XLSX_TIME && days < 1) return strftime(out, 64, "%H:%M:%S", &tm) > 0;
    return strftime(out, 64, kind == XLSX_DATE && whole ? "%Y-%m-%d" : "%Y-%m-%d %H:%M:%S", &tm) > 0;
}

const char *xlsx_number(const xlsx_parts *p, const char *value, size_t format, char out[64]) {
    char *end;
    double number = strtod(value, &end);
    xlsx_kind kind = format < p->kind_count ? (xlsx_kind)p->kinds[format] : XLSX_NUMBER;
    if (end == value || *end || !isfinite(number)) snprintf(out, 64, "%.60s", value);
    else if (kind == XLSX_NUMBER || !format_date(number, p->since_1904, kind, out)) snprintf(out, 64, "%.15g", number);
    return out;
}

/* ---- all -------------------------------------------------------------------------------------------------------------- */

ig_status xlsx_parts_read(xlsx_parts *p, const office *o, const char *sheet, ig_error *err) {
    p->strings.max = IG_TABLE_BYTES_MAX;
    IG_TRY(find_sheet(p, o, sheet, err));
    IG_TRY(read_strings(p, o, err));
    return read_formats(p, o, err);
}

void xlsx_parts_fini(xlsx_parts *p) {
    ig_buf_fini(&p->strings);
    ig_free(p->string_at);
    ig_free(p->kinds);
}
