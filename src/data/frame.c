/* data/frame.c: a table as coded columns.
 *
 *     rows ──► column: code [rows] ──► value "clerk", count 3770, first row 1
 *                                      value "?",     count 1836, first row 27, missing
 *
 * A dictionary per column, by open addressing over the codes; its texts stand one after the other in a buffer, and become
 * pointers when the last row is in and the buffer moves no more.
 */
#include <math.h>
#include <string.h>

#include "data/cells.h"

typedef struct dictionary {
    ig_buf text;      /* values, each with a NUL */
    size_t *at;       /* [cap] of the value in text */
    uint32_t *slot;   /* [slots] code + 1; 0: free */
    size_t cap, slots;
    size_t rows_cap;
} dictionary;

struct frame_store {
    ig_frame_opts opts;
    ig_table *table;  /* while rows are read */
    ig_buf names;
    ig_buf cell;      /* a value that is cut */
    dictionary *of;   /* [columns] */
    size_t columns;
    size_t lines_cap;
    int stop_column;
};

/* ---- the dictionary of a column ---------------------------------------------------------------------------------------- */

static uint32_t *slot_of(const dictionary *d, const char *s, size_t len) {
    size_t i = (size_t)ig_hash64(s, len, 7) & (d->slots - 1);
    for (; d->slot[i]; i = (i + 1) & (d->slots - 1)) {
        const char *other = d->text.data + d->at[d->slot[i] - 1];
        if (strncmp(other, s, len) == 0 && !other[len]) break;
    }
    return &d->slot[i];
}

static ig_status grow_slots(dictionary *d, size_t count, ig_error *err) {
    if (2 * count < d->slots) return IG_OK;
    dictionary bigger = *d;
    bigger.slots = d->slots ? 2 * d->slots : 64;
    bigger.slot = ig_calloc(bigger.slots, sizeof *bigger.slot);
    if (!bigger.slot) return ig_error_nomem(err, bigger.slots * sizeof *bigger.slot);
    for (uint32_t code = 0; code < count; code++) {
        const char *s = d->text.data + d->at[code];
        *slot_of(&bigger, s, strlen(s)) = code + 1;
    }
    ig_free(d->slot);
    *d = bigger;
    return IG_OK;
}

/* *p of *cap items gets room for one more. */
static ig_status grow_array(void *p, size_t cap, size_t size, ig_error *err) {
    void **array = p, *bigger = ig_realloc_array(*array, cap, size);
    if (!bigger) return ig_error_nomem(err, cap * size);
    *array = bigger;
    return IG_OK;
}

static ig_status grow_values(ig_frame_column *c, dictionary *d, ig_error *err) {
    if (c->distinct < d->cap) return IG_OK;
    size_t cap = d->cap ? 2 * d->cap : 16;
    IG_TRY(grow_array(&d->at, cap, sizeof *d->at, err));
    IG_TRY(grow_array(&c->count, cap, sizeof *c->count, err));
    IG_TRY(grow_array(&c->first, cap, sizeof *c->first, err));
    d->cap = cap;
    return IG_OK;
}

static ig_status add_value(ig_frame_column *c, dictionary *d, const char *s, size_t len, size_t row, ig_error *err) {
    IG_TRY(grow_slots(d, c->distinct, err));
    IG_TRY(grow_values(c, d, err));
    uint32_t *slot = slot_of(d, s, len);
    if (!*slot) {
        d->at[c->distinct] = d->text.len;
        ig_buf_append(&d->text, s, len);
        ig_buf_putc(&d->text, '\0');
        IG_TRY(ig_buf_status(&d->text, err));
        c->count[c->distinct] = 0;
        c->first[c->distinct] = (uint32_t)row;
        *slot = (uint32_t)++c->distinct;
    }
    c->code[row] = *slot - 1;
    c->count[*slot - 1]++;
    return IG_OK;
}

/* ---- rows ---------------------------------------------------------------------------------------------------------------- */

static ig_status grow_rows(ig_frame *f, ig_error *err) {
    struct frame_store *s = f->store;
    if (f->rows < s->lines_cap) return IG_OK;
    if (f->rows == IG_TABLE_ROWS_MAX)
        return ig_error_at(err, IG_E_LIMIT, f->file, 0, "the table has more than %u rows: split it", IG_TABLE_ROWS_MAX);
    size_t cap = s->lines_cap ? 2 * s->lines_cap : 256;
    for (size_t i = 0; i < f->columns; i++) IG_TRY(grow_array(&f->column[i].code, cap, sizeof *f->column[i].code, err));
    IG_TRY(grow_array(&f->line, cap, sizeof *f->line, err));
    s->lines_cap = cap;
    return IG_OK;
}

static ig_status take_row(void *arg, const ig_table_row *row, ig_error *err) {
    ig_frame *f = arg;
    IG_TRY(grow_rows(f, err));
    for (size_t i = 0; i < f->columns; i++) {
        size_t len;
        const char *s = cell_trim(row->values[i], &len);
        if ((int)i == f->store->stop_column && len > 1 && s[len - 1] == '.') len--;
        IG_TRY(add_value(&f->column[i], &f->store->of[i], s, len, f->rows, err));
    }
    f->line[f->rows++] = row->line;
    return IG_OK;
}

static ig_status begin(ig_frame *f, ig_error *err) {
    struct frame_store *s = f->store;
    f->columns = s->columns = ig_table_count(s->table);
    f->column = ig_calloc(f->columns, sizeof *f->column);
    s->of = ig_calloc(f->columns, sizeof *s->of);
    if (!f->column || !s->of) return ig_error_nomem(err, f->columns * sizeof *s->of);
    s->names.max = IG_TABLE_BYTES_MAX;
    for (size_t i = 0; i < f->columns; i++) {
        s->of[i].text.max = IG_TABLE_BYTES_MAX;
        ig_buf_append(&s->names, ig_table_name(s->table, i), strlen(ig_table_name(s->table, i)) + 1);
    }
    IG_TRY(ig_buf_status(&s->names, err));
    const char *at = s->names.data;
    for (size_t i = 0; i < f->columns; i++, at += strlen(at) + 1) f->column[i].name = at;
    s->stop_column = s->opts.drop_stop ? ig_frame_find(f, s->opts.drop_stop) : -1;
    return IG_OK;
}

/* Pointers to the values, and what they do not say. */
static ig_status finish_column(const ig_frame *f, ig_frame_column *c, dictionary *d, ig_error *err) {
    const ig_frame_opts *o = &f->store->opts;
    c->value = ig_calloc(c->distinct + 1, sizeof *c->value);
    c->missing = ig_calloc(c->distinct + 1, sizeof *c->missing);
    if (!c->value || !c->missing) return ig_error_nomem(err, (c->distinct + 1) * sizeof *c->value);
    for (size_t i = 0; i < c->distinct; i++) {
        c->value[i] = d->text.data + d->at[i];
        c->missing[i] = cell_missing(c->value[i], o->missing, o->missing_count);
        if (c->missing[i]) c->missing_rows += c->count[i];
    }
    ig_free(d->slot), ig_free(d->at);
    d->slot = NULL, d->at = NULL;
    return IG_OK;
}

static ig_status read_rows(ig_frame *f, ig_error *err) {
    IG_TRY(begin(f, err));
    IG_TRY(ig_table_each(f->store->table, take_row, f, err));
    if (!f->rows) return ig_error_at(err, IG_E_FORMAT, f->file, 0, "the table has no rows below the names of its columns");
    for (size_t i = 0; i < f->columns; i++) IG_TRY(finish_column(f, &f->column[i], &f->store->of[i], err));
    return IG_OK;
}

static ig_status load(const char *name, const void *bytes, size_t len, const ig_frame_opts *opts, ig_frame *f, ig_error *err) {
    *f = (ig_frame){.file = ig_strdup(name), .store = ig_calloc(1, sizeof *f->store)};
    if (!f->file || !f->store) return ig_error_nomem(err, sizeof *f->store);
    if (opts) f->store->opts = *opts;
    const ig_table_opts *t = &f->store->opts.table;
    IG_TRY(bytes ? ig_table_parse(name, bytes, len, t, &f->store->table, err) : ig_table_open(name, t, &f->store->table, err));
    ig_status status = read_rows(f, err);
    ig_table_close(f->store->table);
    f->store->table = NULL;
    return status;
}

ig_status ig_frame_parse(const char *name, const void *bytes, size_t len, const ig_frame_opts *opts, ig_frame *out, ig_error *err) {
    ig_status status = load(name, len ? bytes : "", len, opts, out, err);
    if (status != IG_OK) ig_frame_fini(out);
    return status;
}

ig_status ig_frame_load(const char *path, const ig_frame_opts *opts, ig_frame *out, ig_error *err) {
    ig_status status = load(path, NULL, 0, opts, out, err);
    if (status != IG_OK) ig_frame_fini(out);
    return status;
}

static void free_column(ig_frame_column *c) {
    ig_free(c->code), ig_free(c->value), ig_free(c->count), ig_free(c->first), ig_free(c->missing);
}

void ig_frame_fini(ig_frame *f) {
    for (size_t i = 0; f->column && i < f->columns; i++) free_column(&f->column[i]);
    for (size_t i = 0; f->store && f->store->of && i < f->store->columns; i++) {
        dictionary *d = &f->store->of[i];
        ig_buf_fini(&d->text);
        ig_free(d->at), ig_free(d->slot);
    }
    if (f->store) ig_buf_fini(&f->store->names), ig_free(f->store->of);
    ig_free(f->store), ig_free(f->column), ig_free(f->line), ig_free(f->file);
    *f = (ig_frame){0};
}

/* ---- questions ------------------------------------------------------------------------------------------------------------ */

int ig_frame_find(const ig_frame *f, const char *name) {
    for (size_t i = 0; i < f->columns; i++)
        if (strcmp(f->column[i].name, name) == 0) return (int)i;
    return -1;
}

ig_status ig_frame_column_of(const ig_frame *f, const char *name, int *out, ig_error *err) {
    char list[400] = "";
    size_t n = 0;
    *out = ig_frame_find(f, name);
    if (*out >= 0) return IG_OK;
    for (size_t i = 0; i < f->columns && n + 60 < sizeof list; i++)
        n += (size_t)snprintf(list + n, sizeof list - n, "%s\"%.40s\"", i ? ", " : "", f->column[i].name);
    return ig_error_at(err, IG_E_NOT_FOUND, f->file, 1, "no column is named \"%.100s\"; the table has %zu: %s", name, f->columns, list);
}

void ig_frame_value_keys(const ig_frame *f, int column, uint64_t *key) {
    const ig_frame_column *c = &f->column[column];
    for (size_t r = 0; r < f->rows; r++) {
        const char *s = c->value[c->code[r]];
        key[r] = ig_hash64(s, strlen(s), 11);
    }
}

void ig_frame_keys(const ig_frame *f, int skip, uint64_t *key) {
    for (size_t r = 0; r < f->rows; r++) key[r] = 0;
    for (size_t i = 0; i < f->columns; i++) {
        const ig_frame_column *c = &f->column[i];
        for (size_t r = 0; (int)i != skip && r < f->rows; r++) {
            const char *s = c->value[c->code[r]];
            key[r] = ig_hash64(s, strlen(s), key[r] + i);
        }
    }
}

ig_status ig_frame_times(const ig_frame *f, int column, double *time, ig_error *err) {
    const ig_frame_column *c = &f->column[column];
    ig_column_profile p;
    cell_date d;
    IG_TRY(ig_profile(f, (size_t)column, IG_COLUMN_TYPES, &p, err));
    for (size_t r = 0; r < f->rows; r++) {
        const char *s = c->value[c->code[r]];
        if (c->missing[c->code[r]]) time[r] = NAN;
        else if (p.type == IG_COLUMN_DATE && cell_date_parse(s, p.order, &d)) time[r] = d.days * 86400;
        else if (!cell_number(s, &time[r]))
            return ig_error_at(err, IG_E_FORMAT, f->file, f->line[r], "column \"%.60s\": \"%.60s\" is neither a number nor a date", c->name, s);
    }
    return IG_OK;
}
