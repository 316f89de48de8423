/* data/interactions_read.c: files of interactions, row by row; what cannot be read is named by file and line. */
#include <stdlib.h>
#include <string.h>

#include "ingot/interactions.h"

#define FIELDS_MAX 4

typedef struct reading {
    ig_interactions *x;
    const ig_interactions_opts *o;
    const char *path;
    int user, item, value, time; /* columns of a table; -1: none */
} reading;

bool ig_interaction_format_parse(const char *name, ig_interaction_format *out) {
    static const char *const names[] = {"table", "rows", "lines"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0) {
            *out = (ig_interaction_format)i;
            return true;
        }
    return false;
}

/* ---- one interaction ---- */

/* A bad row goes to the caller's list; a full memory or a limit ends the reading. */
static ig_status bad_row(const reading *r, int line, const ig_error *what, ig_error *err) {
    ig_error e = {0};
    ig_error_at(&e, what->code, r->path, line, "%s", what->message);
    if (what->code != IG_E_FORMAT || !r->o->problem) {
        if (err) *err = e;
        return what->code;
    }
    r->o->problem(r->o->problem_arg, &e);
    return IG_OK;
}

static ig_status number(const char *text, const char *what, double *out, ig_error *err) {
    char *end;
    *out = strtod(text, &end);
    if (end != text && *end == 0) return IG_OK;
    return ig_error_set(err, IG_E_FORMAT, "the %s \"%.60s\" is no number", what, text);
}

static ig_status whole(const char *text, int64_t *out, ig_error *err) {
    double v = 0;
    IG_TRY(number(text, "time", &v, err));
    if (!(v > -9e15 && v < 9e15)) return ig_error_set(err, IG_E_FORMAT, "the time \"%.60s\" is out of range", text);
    *out = (int64_t)v;
    return IG_OK;
}

/* "" for a field that there is not */
static ig_status take(const reading *r, const char *user, const char *item, const char *value, const char *time, int line, ig_error *err) {
    ig_error what = {0};
    double v = 1;
    int64_t t = 0;
    ig_status s = *value ? number(value, "value", &v, &what) : IG_OK;
    if (s == IG_OK && *time) s = whole(time, &t, &what);
    if (s == IG_OK) s = ig_interactions_add(r->x, user, item, v, t, &what);
    return s == IG_OK ? IG_OK : bad_row(r, line, &what, err);
}

/* ---- tables ---- */

static const char *cell(const ig_table_row *row, int column) { return column < 0 ? "" : row->values[column]; }

/* A value that is missing in one row of a column of values is no 1. */
static ig_status take_row(void *arg, const ig_table_row *row, ig_error *err) {
    const reading *r = arg;
    ig_error what = {0};
    if (r->value >= 0 && !*row->values[r->value]) {
        ig_error_set(&what, IG_E_FORMAT, "the value is empty");
        return bad_row(r, row->line, &what, err);
    }
    return take(r, cell(row, r->user), cell(row, r->item), cell(row, r->value), cell(row, r->time), row->line, err);
}

static int column_named(const ig_table *t, const char *name) {
    for (size_t i = 0; i < ig_table_count(t); i++)
        if (strcmp(ig_table_name(t, i), name) == 0) return (int)i;
    return -1;
}

static ig_status no_column(const reading *r, const ig_table *t, const char *name, ig_error *err) {
    ig_buf known = {.max = 400};
    for (size_t i = 0; i < ig_table_count(t); i++) ig_buf_printf(&known, "%s%.40s", i ? ", " : "", ig_table_name(t, i));
    ig_status s = ig_error_at(err, IG_E_NOT_FOUND, r->path, 0, "has no column \"%.60s\"; its columns are %s", name, known.data ? known.data : "none");
    ig_buf_fini(&known);
    return s;
}

static ig_status find(const reading *r, const ig_table *t, const char *given, const char *usual, bool needed, int *out, ig_error *err) {
    *out = column_named(t, given ? given : usual);
    return *out >= 0 || (!needed && !given) ? IG_OK : no_column(r, t, given ? given : usual, err);
}

static ig_status read_columns(reading *r, const ig_table *t, ig_error *err) {
    IG_TRY(find(r, t, r->o->user, "user", true, &r->user, err));
    IG_TRY(find(r, t, r->o->item, "item", true, &r->item, err));
    IG_TRY(find(r, t, r->o->value, "value", false, &r->value, err));
    IG_TRY(find(r, t, r->o->time, "time", false, &r->time, err));
    return ig_table_each(t, take_row, r, err);
}

static ig_status read_table(reading *r, ig_error *err) {
    ig_table *t = NULL;
    ig_table_opts o = {.problem = r->o->problem, .problem_arg = r->o->problem_arg};
    IG_TRY(ig_table_open(r->path, &o, &t, err));
    ig_status s = read_columns(r, t, err);
    ig_table_close(t);
    return s;
}

/* ---- mapped text ---- */

typedef struct line_reader {
    const char *at, *end;
    int number;
    ig_buf text; /* the line, cut into fields in place */
} line_reader;

static bool next_line(line_reader *l) {
    if (l->at == l->end) return false;
    const char *stop = memchr(l->at, '\n', (size_t)(l->end - l->at));
    size_t len = (size_t)((stop ? stop : l->end) - l->at);
    ig_buf_clear(&l->text);
    ig_buf_append(&l->text, l->at, len && l->at[len - 1] == '\r' ? len - 1 : len);
    l->at = stop ? stop + 1 : l->end;
    l->number++;
    return true;
}

static bool separates(char c) { return c == ' ' || c == '\t' || c == ',' || c == ';' || c == ':' || c == '|'; }

/* The next field, ended in place; NULL after the last.  "::" is one gap. */
static char *next_field(char **at) {
    char *s = *at;
    while (separates(*s)) s++;
    if (!*s) return NULL;
    char *e = s;
    while (*e && !separates(*e)) e++;
    *at = *e ? e + 1 : e;
    *e = 0;
    return s;
}

static ig_status take_fields(const reading *r, line_reader *l, ig_error *err) {
    const char *field[FIELDS_MAX] = {"", "", "", ""};
    char *at = l->text.data, *f;
    int n = 0;
    while ((f = next_field(&at)))
        if (n++ < FIELDS_MAX) field[n - 1] = f;
    ig_error what = {0};
    if (n == 0) return IG_OK;
    if (n >= 2 && n <= FIELDS_MAX) return take(r, field[0], field[1], field[2], field[3], l->number, err);
    ig_error_set(&what, IG_E_FORMAT, "expected user, item and, if there are, value and time; found %d fields", n);
    return bad_row(r, l->number, &what, err);
}

/* A user without items is known all the same: he can be recommended to. */
static ig_status take_list(const reading *r, line_reader *l, ig_error *err) {
    char *at = l->text.data, *item;
    const char *user = next_field(&at);
    int32_t number_of;
    ig_error what = {0};
    if (!user) return IG_OK;
    if (ig_id_table_add(&r->x->users, user, strlen(user), &number_of, &what) != IG_OK) return bad_row(r, l->number, &what, err);
    while ((item = next_field(&at))) IG_TRY(take(r, user, item, "", "", l->number, err));
    return IG_OK;
}

static ig_status read_mapped(reading *r, ig_error *err) {
    ig_map_file map = {0};
    IG_TRY(ig_file_map(r->path, &map, err));
    line_reader l = {.at = (const char *)map.data, .end = (const char *)map.data + map.size, .text = {.max = IG_INTERACTION_LINE_MAX}};
    ig_status s = IG_OK;
    while (s == IG_OK && next_line(&l)) {
        s = ig_buf_status(&l.text, err);
        if (s == IG_E_LIMIT) s = ig_error_at(err, s, r->path, l.number, "the line is longer than %u bytes", IG_INTERACTION_LINE_MAX);
        else if (s == IG_OK && l.text.len && memchr(l.text.data, 0, l.text.len))
            s = ig_error_at(err, IG_E_FORMAT, r->path, l.number, "holds a zero byte: the file is no text");
        else if (s == IG_OK && l.text.len) s = r->o->format == IG_INTERACTIONS_ROWS ? take_fields(r, &l, err) : take_list(r, &l, err);
    }
    ig_buf_fini(&l.text);
    ig_file_unmap(&map);
    return s;
}

ig_status ig_interactions_read(ig_interactions *x, const char *path, const ig_interactions_opts *opts, ig_error *err) {
    static const ig_interactions_opts none = {0};
    reading r = {.x = x, .o = opts ? opts : &none, .path = path};
    if (x->offset) return ig_error_set(err, IG_E_STATE, "interactions are finished: nothing can be added");
    return r.o->format == IG_INTERACTIONS_TABLE ? read_table(&r, err) : read_mapped(&r, err);
}
