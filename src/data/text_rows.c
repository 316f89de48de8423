/* data/text_rows.c: rows of texts out of a table: which column is what, what is wrong with a row, and what is held out.
 *
 *     bytes   ␀ text␀ pair␀ label␀ text␀ …     a row knows where its values begin; place 0 is the empty value of all
 */
#include "ingot/text_rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/conversation.h"
#include "ingot/documents.h"

#define NAMES_MAX 20
#define ALONE_MAX 5 /* so many names of a role are meant for it alone */

static const struct {
    const char *name;
    const char *known[NAMES_MAX]; /* folded: without case, spaces, '_' and '-' */
} roles[IG_TEXT_ROLES] = {
    [IG_TEXT_FIRST] = {"text", {"text", "sentence", "sentence1", "texta", "text1", "question", "query", "review", "utterance",
                                "comment",
                                "content", "premise", "body", "title", "文本", "句子", "评论", "内容", "问题", "标题"}},
    [IG_TEXT_SECOND] = {"pair", {"pair", "sentence2", "textb", "text2", "hypothesis", "answer", "reply", "response",
                                 "document", "passage",
                                 "positive", "答案", "回答", "回复", "答复", "文档"}},
    [IG_TEXT_NEGATIVE] = {"negative", {"negative", "hardnegative", "wronganswer", "负例", "错误答案"}},
    [IG_TEXT_LABEL] = {"label", {"label", "labels", "标签", "类别", "分类", "category", "class", "intent", "sentiment", "target",
                                 "topic", "tag",
                                 "意图", "情感"}},
    [IG_TEXT_SCORE] = {"score", {"score", "similarity", "relevance", "分数", "相似度", "isbest", "rating", "得分", "评分"}},
};

const char *ig_text_role_name(ig_text_role role) { return (unsigned)role < IG_TEXT_ROLES ? roles[role].name : ""; }

/* ---- columns ---- */

typedef struct reader {
    const char *path;
    const ig_text_rows_opts *opts;
    const ig_table *table;
    int column[IG_TEXT_ROLES]; /* -1: none */
    ig_text_rows *out;
    row_reader row;            /* tells what is wrong */
} reader;

static bool same_name(const char *name, const char *folded) {
    for (; *name; name++) {
        if (strchr(" \t_-", *name)) continue;
        char c = *name >= 'A' && *name <= 'Z' ? (char)(*name - 'A' + 'a') : *name;
        if (*folded++ != c) return false;
    }
    return *folded == '\0';
}

static int find_known(const ig_table *t, ig_text_role role, int names) {
    for (int i = 0; i < names && roles[role].known[i]; i++)
        for (size_t k = 0; k < ig_table_count(t); k++)
            if (same_name(ig_table_name(t, k), roles[role].known[i])) return (int)k;
    return -1;
}

static int find_given(const ig_table *t, const char *given) {
    for (size_t k = 0; k < ig_table_count(t); k++)
        if (strcmp(ig_table_name(t, k), given) == 0) return (int)k;
    char *end;
    long number = strtol(given, &end, 10);
    return *given && !*end && number >= 1 && (size_t)number <= ig_table_count(t) ? (int)number - 1 : -1;
}

static ig_status no_column(const reader *r, ig_text_role role, ig_error *err) {
    const char *given = r->opts->column[role];
    char list[400] = "";
    size_t n = 0;
    for (size_t k = 0; k < ig_table_count(r->table) && n + 60 < sizeof list; k++)
        n += (size_t)snprintf(list + n, sizeof list - n, "%s\"%.40s\"", k ? ", " : "", ig_table_name(r->table, k));
    return ig_error_at(err, IG_E_NOT_FOUND, r->path, 1, "%s %s%.80s%s was found among %s: name it, or give its number from 1",
                       given ? "no column" : "no column for the", given ? "\"" : roles[role].name, given ? given : "",
                           given ? "\"" : "", list);
}

static ig_status find_columns(reader *r, ig_error *err) {
    for (ig_text_role k = 0; k < IG_TEXT_ROLES; k++) {
        bool needed = r->opts->needs >> k & 1, may = r->opts->may >> k & 1;
        const char *given = needed || may ? r->opts->column[k] : NULL;
        r->column[k] = given ? find_given(r->table, given) : needed ? find_known(r->table, k,
            NAMES_MAX) : may ? find_known(r->table, k, ALONE_MAX) : -1;
        if (r->column[k] < 0 && (needed || given)) return no_column(r, k, err);
        r->out->has[k] = r->out->has[k] || r->column[k] >= 0;
    }
    return IG_OK;
}

/* ---- rows ---- */

static ig_status put(ig_text_rows *x, const char *value, size_t *at, ig_error *err) {
    if (!x->bytes.len) {
        x->bytes.max = IG_TABLE_BYTES_MAX * 4;
        ig_buf_putc(&x->bytes, '\0');
    }
    *at = *value ? x->bytes.len : 0;
    if (*value) ig_buf_append(&x->bytes, value, strlen(value) + 1);
    return ig_buf_status(&x->bytes, err);
}

static ig_status grow(ig_text_rows *x, ig_error *err) {
    if (x->count < x->cap) return IG_OK;
    size_t cap = x->cap ? 2 * x->cap : 256;
    if (cap > IG_TEXT_ROWS_MAX) return ig_error_set(err, IG_E_LIMIT, "more than %zu rows", IG_TEXT_ROWS_MAX / 2);
    ig_text_row *row = ig_realloc_array(x->row, cap, sizeof *row);
    if (!row) return ig_error_nomem(err, cap * sizeof *row);
    x->row = row, x->cap = cap;
    return IG_OK;
}

static bool blank(const char *s) { return !s[strspn(s, " \t\r\n")]; }

/* false: told */
static bool check(reader *r, const ig_table_row *row, double *score) {
    for (ig_text_role k = 0; k < IG_TEXT_ROLES; k++) {
        if (!(r->opts->needs >> k & 1)) continue;
        const char *value = row->values[r->column[k]];
        if (blank(value)) return row_problem(&r->row, IG_PROBLEM_FIELDS, "no %s in column \"%.60s\"", roles[k].name,
                                             ig_table_name(r->table, (size_t)r->column[k]));
        if (k != IG_TEXT_SCORE) continue;
        char *end;
        *score = strtod(value, &end);
        if (end == value || !blank(end) || !isfinite(*score)) return row_problem(&r->row, IG_PROBLEM_LABEL,
            "\"%.60s\" is no number", value);
    }
    return true;
}

static ig_status take_row(void *arg, const ig_table_row *row, ig_error *err) {
    reader *r = arg;
    ig_text_row one = {.file = r->row.file, .line = row->line, .label = -1};
    r->row.line = row->line;
    if (!check(r, row, &one.score)) return r->row.status;
    IG_TRY(grow(r->out, err));
    for (ig_text_role k = 0; k < IG_TEXT_ROLES; k++)
        if (r->column[k] >= 0) IG_TRY(put(r->out, row->values[r->column[k]], &one.at[k], err));
    r->out->row[r->out->count++] = one;
    return IG_OK;
}

static void on_problem(void *arg, const ig_error *problem) {
    reader *r = arg;
    r->row.line = problem->line;
    row_problem(&r->row, IG_PROBLEM_FIELDS, "%.150s", problem->message);
}

static ig_status take_table(reader *r, const ig_table *t, ig_error *err) {
    size_t before = r->out->count, told = r->row.problems->count;
    r->table = t;
    IG_TRY(find_columns(r, err));
    IG_TRY(ig_table_each(t, take_row, r, err));
    IG_TRY(r->row.status);
    if (r->out->count > before || r->row.problems->count > told) return IG_OK;
    return ig_error_at(err, IG_E_FORMAT, r->path, 0, "the table has no row");
}

static reader begin(const char *name, const ig_text_rows_opts *opts, ig_text_rows *out, ig_problems *problems, ig_error *err) {
    return (reader){.path = name, .opts = opts, .out = out, .row = {.problems = problems, .file = out->files++, .err = err}};
}

ig_status ig_text_rows_read(const char *path, const ig_text_rows_opts *opts, ig_text_rows *out, ig_problems *problems,
                            ig_error *err) {
    reader r = begin(path, opts, out, problems, err);
    ig_table_opts how = {.problem = on_problem, .problem_arg = &r, .headless = opts->no_header, .no_quotes = opts->no_quotes};
    ig_table *t = NULL;
    IG_TRY(ig_table_open(path, &how, &t, err));
    ig_status status = take_table(&r, t, err);
    ig_table_close(t);
    return status;
}

ig_status ig_text_rows_parse(const char *name, const void *bytes, size_t len, const ig_text_rows_opts *opts, ig_text_rows *out,
                             ig_problems *problems, ig_error *err) {
    reader r = begin(name, opts, out, problems, err);
    ig_table_opts how = {.problem = on_problem, .problem_arg = &r, .headless = opts->no_header, .no_quotes = opts->no_quotes};
    ig_table *t = NULL;
    IG_TRY(ig_table_parse(name, bytes, len, &how, &t, err));
    ig_status status = take_table(&r, t, err);
    ig_table_close(t);
    return status;
}

const char *ig_text_rows_get(const ig_text_rows *x, size_t i, ig_text_role role) {
    size_t at = x->row[i].at[role];
    return at ? x->bytes.data + at : "";
}

void ig_text_rows_fini(ig_text_rows *x) {
    ig_free(x->row);
    ig_buf_fini(&x->bytes);
    *x = (ig_text_rows){0};
}

/* ---- what is held out ---- */

typedef struct place {
    const char *label;
    uint64_t key;
    size_t index;
} place;

static int by_label_and_key(const void *a, const void *b) {
    const place *x = a, *y = b;
    int order = strcmp(x->label, y->label);
    if (order) return order;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

static uint64_t key_of(const ig_text_rows *x, size_t i) {
    const char *a = ig_text_rows_get(x, i, IG_TEXT_FIRST), *b = ig_text_rows_get(x, i, IG_TEXT_SECOND);
    return ig_hash64(b, strlen(b), ig_hash64(a, strlen(a), 0x73706c6974));
}

/* Mark the first share of each label in the order of the keys, up to where a key ends. */
static size_t mark(const place *p, size_t n, double share, bool *held) {
    size_t marked = 0;
    for (size_t at = 0, end; at < n; at = end) {
        for (end = at + 1; end < n && strcmp(p[end].label, p[at].label) == 0;) end++;
        size_t wanted = at + (size_t)(share * (double)(end - at) + 0.5);
        while (wanted > at && wanted < end && p[wanted].key == p[wanted - 1].key) wanted++;
        if (wanted == end && share < 1) wanted = at; /* a label of one text is learned */
        for (size_t i = at; i < wanted; i++) held[p[i].index] = true, marked++;
    }
    return marked;
}

static void move_behind(ig_text_rows *x, const bool *held, ig_text_row *moved) {
    size_t kept = 0, n = 0;
    for (size_t i = 0; i < x->count; i++) {
        if (held[i]) moved[n++] = x->row[i];
        else x->row[kept++] = x->row[i];
    }
    memcpy(x->row + kept, moved, n * sizeof *moved);
}

ig_status ig_text_rows_split(ig_text_rows *x, double share, size_t *kept, ig_error *err) {
    size_t n = *kept = x->count;
    if (!n || !(share > 0)) return IG_OK;
    place *p = ig_calloc(n, sizeof *p);
    bool *is_held = ig_calloc(n, sizeof *is_held);
    ig_text_row *moved = ig_calloc(n, sizeof *moved);
    ig_status status = p && is_held && moved ? IG_OK : ig_error_nomem(err, n * sizeof *moved);
    for (size_t i = 0; i < n && status == IG_OK; i++) p[i] = (place){ig_text_rows_get(x, i, IG_TEXT_LABEL), key_of(x, i), i};
    if (status == IG_OK) {
        qsort(p, n, sizeof *p, by_label_and_key);
        *kept = n - mark(p, n, share, is_held);
        if (*kept) move_behind(x, is_held, moved);
        else *kept = n;
    }
    ig_free(p);
    ig_free(is_held);
    ig_free(moved);
    return status;
}

/* ---- classes ---- */

static bool whole_number(const char *s, long long *out) {
    char *end;
    *out = strtoll(s, &end, 10);
    return *s && !*end && strlen(s) < 18;
}

static int by_value(const void *a, const void *b) {
    const char *x = *(const char *const *)a, *y = *(const char *const *)b;
    long long m, n;
    bool p = whole_number(x, &m), q = whole_number(y, &n);
    if (p && q && m != n) return m < n ? -1 : 1;
    return p != q ? (p ? -1 : 1) : strcmp(x, y);
}

static int by_name(const void *a, const void *b) { return strcmp(**(char **const *)a, **(char **const *)b); }

/* The names are there: their order by bytes. */
static ig_status sort_names(ig_classes *c, ig_error *err) {
    char ***p = ig_calloc(c->count + 1, sizeof *p);
    c->sorted = ig_calloc(c->count + 1, sizeof *c->sorted);
    if (!p || !c->sorted) {
        ig_free(p);
        return ig_error_nomem(err, c->count * sizeof *p);
    }
    for (size_t i = 0; i < c->count; i++) p[i] = &c->name[i];
    qsort(p, c->count, sizeof *p, by_name);
    for (size_t i = 0; i < c->count; i++) c->sorted[i] = (int32_t)(p[i] - c->name);
    ig_free(p);
    for (size_t i = 1; i < c->count; i++)
        if (strcmp(c->name[c->sorted[i - 1]], c->name[c->sorted[i]]) == 0)
            return ig_error_set(err, IG_E_ARG, "two classes are called \"%.80s\"", c->name[c->sorted[i]]);
    return IG_OK;
}

ig_status ig_classes_of_names(const char *const *names, size_t count, ig_classes *out, ig_error *err) {
    *out = (ig_classes){.name = ig_calloc(count + 1, sizeof *out->name)};
    if (!out->name) return ig_error_nomem(err, count * sizeof *out->name);
    ig_status status = IG_OK;
    for (size_t i = 0; i < count && status == IG_OK; i++) {
        out->name[i] = ig_strdup(names[i]);
        if (!out->name[i]) status = ig_error_nomem(err, strlen(names[i]) + 1);
        else out->count++;
    }
    if (status == IG_OK) status = sort_names(out, err);
    if (status != IG_OK) ig_classes_fini(out);
    return status;
}

ig_status ig_classes_of_rows(const ig_text_rows *x, size_t rows, ig_classes *out, ig_error *err) {
    const char **all = ig_calloc(rows + 1, sizeof *all);
    size_t n = 0;
    *out = (ig_classes){0};
    if (!all) return ig_error_nomem(err, rows * sizeof *all);
    for (size_t i = 0; i < rows; i++) all[i] = ig_text_rows_get(x, i, IG_TEXT_LABEL);
    qsort(all, rows, sizeof *all, by_value);
    for (size_t i = 0; i < rows; i++)
        if (!n || strcmp(all[n - 1], all[i]) != 0) all[n++] = all[i];
    ig_status status = ig_classes_of_names(all, n, out, err);
    ig_free(all);
    return status;
}

int32_t ig_classes_find(const ig_classes *c, const char *name) {
    for (size_t low = 0, high = c->count; low < high;) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, c->name[c->sorted[middle]]);
        if (order == 0) return c->sorted[middle];
        if (order < 0) high = middle;
        else low = middle + 1;
    }
    return -1;
}

void ig_classes_fini(ig_classes *c) {
    for (size_t i = 0; i < c->count; i++) ig_free(c->name[i]);
    ig_free(c->name);
    ig_free(c->sorted);
    *c = (ig_classes){0};
}

ig_status ig_text_rows_classify(ig_text_rows *x, const ig_classes *c, ig_problems *problems, ig_error *err) {
    for (size_t i = 0; i < x->count; i++) {
        row_reader r = {.problems = problems, .file = x->row[i].file, .line = x->row[i].line, .err = err};
        const char *label = ig_text_rows_get(x, i, IG_TEXT_LABEL);
        x->row[i].label = ig_classes_find(c, label);
        if (x->row[i].label < 0) row_problem(&r, IG_PROBLEM_LABEL, "\"%.60s\" is none of the %zu classes", label, c->count);
        IG_TRY(r.status);
    }
    return IG_OK;
}
