/* data/csr.c: sparse rows of libsvm and libfm.
 *
 *     2 qid:7 1:0.74 6:0.87 8:0.75  # a remark        label, query, then index:value in any order, each index once
 *
 * The format is that of SVMlight (Joachims 1999).  Rows are put in the order of their indices, as products with them want.
 */
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "data/cells.h"

#define WORD_MAX 64

typedef struct csr_reader {
    const char *name;
    int line;
    ig_csr *x;
    size_t rows_cap, entries_cap;
    bool queries;
} csr_reader;

typedef struct csr_entry {
    int32_t index;
    float value;
} csr_entry;

static ig_status reserve_rows(csr_reader *r, ig_error *err) {
    ig_csr *x = r->x;
    if (x->rows < r->rows_cap) return IG_OK;
    if (x->rows == IG_CSR_ROWS_MAX) return ig_error_at(err, IG_E_LIMIT, r->name, r->line, "more than %u rows: split the file", IG_CSR_ROWS_MAX);
    size_t cap = r->rows_cap ? 2 * r->rows_cap : 256;
    size_t *start = ig_realloc_array(x->start, cap + 1, sizeof *start);
    if (start) x->start = start;
    double *label = ig_realloc_array(x->label, cap, sizeof *label);
    if (label) x->label = label;
    int64_t *query = ig_realloc_array(x->query, cap, sizeof *query);
    if (query) x->query = query;
    if (!start || !label || !query) return ig_error_nomem(err, cap * sizeof *start);
    r->rows_cap = cap;
    return IG_OK;
}

static ig_status reserve_entry(csr_reader *r, ig_error *err) {
    ig_csr *x = r->x;
    if (x->entries < r->entries_cap) return IG_OK;
    size_t cap = r->entries_cap ? 2 * r->entries_cap : 1024;
    int32_t *index = ig_realloc_array(x->index, cap, sizeof *index);
    if (index) x->index = index;
    float *value = ig_realloc_array(x->value, cap, sizeof *value);
    if (value) x->value = value;
    if (!index || !value) return ig_error_nomem(err, cap * sizeof *index);
    r->entries_cap = cap;
    return IG_OK;
}

/* The next word of [*at, end), copied; false at the end of the line or before a remark. */
static bool next_word(const char **at, const char *end, char word[WORD_MAX], bool *too_long) {
    const char *s = *at;
    while (s < end && strchr(" \t\r", *s) && *s) s++;
    const char *begin = s;
    while (s < end && (!strchr(" \t\r", *s) || !*s)) s++;
    size_t n = (size_t)(s - begin);
    *at = s;
    *too_long = n >= WORD_MAX;
    if (!n || *begin == '#' || *too_long) return false;
    memcpy(word, begin, n);
    word[n] = '\0';
    return strlen(word) == n || (*too_long = true, false);
}

/* Decimal digits only, as large as an index may be. */
static bool parse_index(const char *s, int32_t *out) {
    int64_t v;
    if (!*s || strspn(s, "0123456789") != strlen(s) || !ig_number_parse_int(s, &v) || v > IG_CSR_INDEX_MAX) return false;
    *out = (int32_t)v;
    return true;
}

static ig_status add_entry(csr_reader *r, char *word, ig_error *err) {
    char *colon = strchr(word, ':');
    int32_t index;
    double value;
    if (!colon) return ig_error_at(err, IG_E_FORMAT, r->name, r->line, "\"%s\" is no index:value pair", word);
    *colon = '\0';
    if (!parse_index(word, &index))
        return ig_error_at(err, IG_E_FORMAT, r->name, r->line, "\"%s\" is no index: whole numbers from 0 to %d are", word, IG_CSR_INDEX_MAX);
    if (!cell_number(colon + 1, &value)) return ig_error_at(err, IG_E_FORMAT, r->name, r->line, "index %d: \"%s\" is no number", index, colon + 1);
    IG_TRY(reserve_entry(r, err));
    r->x->index[r->x->entries] = index;
    r->x->value[r->x->entries++] = (float)value;
    if ((size_t)index >= r->x->columns) r->x->columns = (size_t)index + 1;
    return IG_OK;
}

static ig_status take_query(csr_reader *r, const char *word, ig_error *err) {
    int32_t q;
    if (r->x->rows && !r->queries)
        return ig_error_at(err, IG_E_FORMAT, r->name, r->line, "this row has a qid and the rows above have none");
    if (!parse_index(word + 4, &q)) return ig_error_at(err, IG_E_FORMAT, r->name, r->line, "\"%s\" is no qid: a whole number is", word);
    r->queries = true;
    r->x->query[r->x->rows] = q;
    return IG_OK;
}

static int by_index(const void *a, const void *b) {
    int32_t x = ((const csr_entry *)a)->index, y = ((const csr_entry *)b)->index;
    return (x > y) - (x < y);
}

static bool in_order(const ig_csr *x, size_t first) {
    for (size_t i = first + 1; i < x->entries; i++)
        if (x->index[i] <= x->index[i - 1]) return false;
    return true;
}

static ig_status order_row(csr_reader *r, size_t first, ig_error *err) {
    ig_csr *x = r->x;
    size_t n = x->entries - first;
    if (in_order(x, first)) return IG_OK;
    csr_entry *e = ig_calloc(n, sizeof *e);
    if (!e) return ig_error_nomem(err, n * sizeof *e);
    for (size_t i = 0; i < n; i++) e[i] = (csr_entry){x->index[first + i], x->value[first + i]};
    qsort(e, n, sizeof *e, by_index);
    for (size_t i = 0; i < n; i++) x->index[first + i] = e[i].index, x->value[first + i] = e[i].value;
    ig_free(e);
    for (size_t i = first + 1; i < x->entries; i++)
        if (x->index[i] == x->index[i - 1])
            return ig_error_at(err, IG_E_FORMAT, r->name, r->line, "index %d stands twice in this row", x->index[i]);
    return IG_OK;
}

static ig_status too_long_word(const csr_reader *r, ig_error *err) {
    return ig_error_at(err, IG_E_FORMAT, r->name, r->line, "a word is longer than %d bytes or holds a zero byte: label index:value … is expected", WORD_MAX - 1);
}

static ig_status read_line(csr_reader *r, const char *at, const char *end, ig_error *err) {
    char word[WORD_MAX];
    bool too_long;
    ig_csr *x = r->x;
    size_t first = x->entries;
    if (!next_word(&at, end, word, &too_long)) return too_long ? too_long_word(r, err) : IG_OK;
    IG_TRY(reserve_rows(r, err));
    if (!cell_number(word, &x->label[x->rows])) return ig_error_at(err, IG_E_FORMAT, r->name, r->line, "the label \"%s\" is no number", word);
    bool query = false;
    for (int i = 0; next_word(&at, end, word, &too_long); i++) {
        if (i == 0 && strncmp(word, "qid:", 4) == 0) {
            IG_TRY(take_query(r, word, err));
            query = true;
        } else IG_TRY(add_entry(r, word, err));
    }
    if (too_long) return too_long_word(r, err);
    if (r->queries && !query) return ig_error_at(err, IG_E_FORMAT, r->name, r->line, "this row has no qid and the rows above have one");
    IG_TRY(order_row(r, first, err));
    x->start[x->rows++] = first;
    return IG_OK;
}

static ig_status read_lines(csr_reader *r, const char *text, size_t len, ig_error *err) {
    const char *end = text + len;
    size_t mark = len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0; /* of UTF-8 */
    for (const char *at = text + mark; at < end;) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        if (!stop) stop = end;
        r->line++;
        IG_TRY(read_line(r, at, stop, err));
        at = stop + 1;
    }
    if (!r->x->rows) return ig_error_at(err, IG_E_FORMAT, r->name, 0, "no row is in it: label index:value … is expected");
    r->x->start[r->x->rows] = r->x->entries;
    if (!r->queries) ig_free(r->x->query), r->x->query = NULL;
    return IG_OK;
}

ig_status ig_csr_parse(const char *name, const char *text, size_t len, ig_csr *out, ig_error *err) {
    csr_reader r = {.name = name, .x = out};
    *out = (ig_csr){0};
    if (len > IG_TABLE_BYTES_MAX) return ig_error_at(err, IG_E_LIMIT, name, 0, "%zu bytes, at most %zu are read: split the file", len, IG_TABLE_BYTES_MAX);
    ig_status status = read_lines(&r, len ? text : "", len, err);
    if (status != IG_OK) ig_csr_fini(out);
    return status;
}

ig_status ig_csr_load(const char *path, ig_csr *out, ig_error *err) {
    ig_map_file m;
    *out = (ig_csr){0};
    if (ig_path_is_dir(path)) return ig_error_at(err, IG_E_ARG, path, 0, "this is a folder; a libsvm or libfm file is needed");
    IG_TRY(ig_file_map(path, &m, err));
    ig_status status = ig_csr_parse(path, (const char *)m.data, m.size, out, err);
    ig_file_unmap(&m);
    return status;
}

void ig_csr_fini(ig_csr *x) {
    ig_free(x->start), ig_free(x->index), ig_free(x->value), ig_free(x->label), ig_free(x->query);
    *x = (ig_csr){0};
}
