/* data/table_check.c: what is wrong with a table, column by column and row by row.
 *
 * Everything is asked of the different values of a column, which are fewer than its rows; only duplicates and the label's questions
 * go through the rows.  An outlier lies both five robust deviations (1.4826 · MAD) from the median and past Tukey's outer fence, three
 * quartile distances out, and is one of few: what a twentieth of the rows does is a long tail (Hampel 1974; Tukey 1977).
 */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "data/table_check.h"

#define FINDINGS_MAX 20000
#define ROBUST_Z 5
#define FENCE 3
#define OUTLIER_SHARE 0.05

static const struct {
    const char *name;
    bool serious;
} kinds[IG_FINDING_COUNT] = {
    [IG_FINDING_BAD_ROW] = {"bad_row", true}, [IG_FINDING_NO_HEADER] = {"no_header", true},
    [IG_FINDING_CONSTANT] = {"constant", false}, [IG_FINDING_ID] = {"id", false}, [IG_FINDING_MISSING] = {"missing", false},
    [IG_FINDING_BAD_VALUE] = {"bad_value", true}, [IG_FINDING_SPELLING] = {"spelling", false},
    [IG_FINDING_MANY_VALUES] = {"many_values", false}, [IG_FINDING_OUTLIERS] = {"outliers", false},
    [IG_FINDING_DUPLICATES] = {"duplicates", false}, [IG_FINDING_CONTRADICTION] = {"contradiction", false},
    [IG_FINDING_LABEL_MISSING] = {"label_missing", true}, [IG_FINDING_IMBALANCE] = {"imbalance", false},
    [IG_FINDING_LEAK] = {"leak", true}, [IG_FINDING_IN_TEST] = {"in_test", true},
    [IG_FINDING_LABEL_SPELLING] = {"label_spelling", true}, [IG_FINDING_DRIFT] = {"drift", true},
    [IG_FINDING_COLUMN_GONE] = {"column_gone", true},
};

const char *ig_finding_name(ig_finding_kind k) { return (unsigned)k < IG_FINDING_COUNT ? kinds[k].name : ""; }
bool ig_finding_is_serious(ig_finding_kind k) { return (unsigned)k < IG_FINDING_COUNT && kinds[k].serious; }

ig_status check_add(table_checking *t, ig_finding_kind kind, int column, ig_finding **out, ig_error *err) {
    ig_table_check *c = t->out;
    if (c->findings == c->findings_cap) {
        size_t cap = c->findings_cap ? 2 * c->findings_cap : 32;
        if (cap > FINDINGS_MAX) return ig_error_at(err, IG_E_LIMIT, t->f->file, 0, "more than %d findings", FINDINGS_MAX);
        ig_finding *bigger = ig_realloc_array(c->finding, cap, sizeof *bigger);
        if (!bigger) return ig_error_nomem(err, cap * sizeof *bigger);
        c->finding = bigger, c->findings_cap = cap;
    }
    *out = &c->finding[c->findings++];
    **out = (ig_finding){.kind = kind, .column = column};
    return IG_OK;
}

void check_row(ig_finding *x, int line) {
    x->count++;
    if (x->lines < IG_FINDING_LINES) x->line[x->lines++] = line;
}

void check_detail(ig_finding *x, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    vsnprintf(x->detail, sizeof x->detail, fmt, args);
    va_end(args);
    size_t n = strlen(x->detail);
    while (n && !ig_utf8_valid(x->detail, n)) x->detail[--n] = '\0';
}

/* Rows whose value in a column is marked, as one finding. */
static ig_status add_marked(table_checking *t, ig_finding_kind kind, size_t column, const bool *marked, const char *detail, ig_error *err) {
    const ig_frame_column *c = &t->f->column[column];
    ig_finding *x;
    IG_TRY(check_add(t, kind, (int)column, &x, err));
    check_detail(x, "%s", detail);
    for (size_t r = 0; r < t->f->rows; r++)
        if (marked[c->code[r]]) check_row(x, t->f->line[r]);
    return IG_OK;
}

/* ---- columns ---------------------------------------------------------------------------------------------------------------- */

static ig_status check_missing(table_checking *t, size_t column, ig_error *err) {
    const ig_frame_column *c = &t->f->column[column];
    char words[80] = "";
    size_t n = 0;
    if (!c->missing_rows) return IG_OK;
    for (size_t i = 0; i < c->distinct && n + 20 < sizeof words; i++)
        if (c->missing[i] && *c->value[i]) n += (size_t)snprintf(words + n, sizeof words - n, "%s%.12s", n ? ", " : "", c->value[i]);
    return add_marked(t, IG_FINDING_MISSING, column, c->missing, words, err);
}

static ig_status check_numbers(table_checking *t, size_t column, const double *number, bool *marked, ig_error *err) {
    const ig_frame_column *c = &t->f->column[column];
    const ig_column_profile *p = &t->out->profile[column];
    double reach = FENCE * (p->q3 - p->q1), spread = 1.4826 * p->mad, worst = 0;
    size_t bad = 0, out = 0, rows = 0, example = 0;
    for (size_t i = 0; i < c->distinct; i++) {
        marked[i] = !c->missing[i] && isnan(number[i]);
        if (marked[i]) bad++, example = i;
    }
    if (bad) IG_TRY(add_marked(t, IG_FINDING_BAD_VALUE, column, marked, c->value[example], err));
    if (p->type == IG_COLUMN_BOOLEAN || !(reach > 0) || !(spread > 0)) return IG_OK;
    for (size_t i = 0; i < c->distinct; i++) {
        double away = fabs(number[i] - p->median);
        marked[i] = away > ROBUST_Z * spread && (number[i] < p->q1 - reach || number[i] > p->q3 + reach);
        out += marked[i], rows += marked[i] ? c->count[i] : 0;
        if (marked[i] && away > worst) worst = away, example = i;
    }
    if (!out || (double)rows > OUTLIER_SHARE * (double)p->rows) return IG_OK;
    IG_TRY(add_marked(t, IG_FINDING_OUTLIERS, column, marked, c->value[example], err));
    t->out->finding[t->out->findings - 1].value = worst / spread;
    return IG_OK;
}

static ig_status check_number_column(table_checking *t, size_t column, ig_error *err) {
    const ig_frame_column *c = &t->f->column[column];
    const ig_column_profile *p = &t->out->profile[column];
    double *number;
    bool *marked = ig_calloc(c->distinct + 1, sizeof *marked);
    if (!marked) return ig_error_nomem(err, c->distinct + 1);
    ig_status status = column_numbers(c, p->type, p->order, &number, err);
    if (status == IG_OK) status = check_numbers(t, column, number, marked, err);
    ig_free(number);
    ig_free(marked);
    return status;
}

static ig_status find_spelling(table_checking *t, size_t column, seen *s, ig_error *err) {
    const ig_frame_column *c = &t->f->column[column];
    ig_finding *x = NULL;
    for (size_t i = 0; i < c->distinct; i++) {
        char folded[128];
        int64_t earlier;
        if (c->missing[i]) continue;
        cell_fold(c->value[i], folded, sizeof folded);
        IG_TRY(seen_add(s, folded, strlen(folded), (int64_t)i + 1, &earlier, err));
        if (!earlier || strlen(folded) + 1 == sizeof folded) continue;
        if (!x) {
            IG_TRY(check_add(t, IG_FINDING_SPELLING, (int)column, &x, err));
            check_detail(x, "%.60s | %.60s", c->value[earlier - 1], c->value[i]);
        }
        check_row(x, t->f->line[c->first[i]]);
    }
    return IG_OK;
}

static ig_status check_category(table_checking *t, size_t column, ig_error *err) {
    const ig_column_profile *p = &t->out->profile[column];
    seen s = {0};
    ig_finding *x;
    ig_status status = find_spelling(t, column, &s, err);
    seen_fini(&s);
    IG_TRY(status);
    if (p->distinct <= 50 || p->distinct * 10 <= p->rows) return IG_OK;
    IG_TRY(check_add(t, IG_FINDING_MANY_VALUES, (int)column, &x, err));
    x->count = p->distinct;
    return IG_OK;
}

static ig_status check_column(table_checking *t, size_t column, ig_error *err) {
    const ig_column_profile *p = &t->out->profile[column];
    ig_finding *x;
    IG_TRY(check_missing(t, column, err));
    if (p->type == IG_COLUMN_CONSTANT || p->type == IG_COLUMN_ID) {
        IG_TRY(check_add(t, p->type == IG_COLUMN_ID ? IG_FINDING_ID : IG_FINDING_CONSTANT, (int)column, &x, err));
        x->count = p->rows;
        return IG_OK;
    }
    if (p->type == IG_COLUMN_CATEGORY) return check_category(t, column, err);
    return p->type == IG_COLUMN_TEXT ? IG_OK : check_number_column(t, column, err);
}

/* ---- rows ---------------------------------------------------------------------------------------------------------------------- */

static ig_status find_duplicates(table_checking *t, const uint64_t *key, seen *s, ig_error *err) {
    ig_finding *x = NULL;
    for (size_t r = 0; r < t->f->rows; r++) {
        int64_t earlier;
        IG_TRY(seen_add(s, (const char *)&key[r], sizeof *key, t->f->line[r], &earlier, err));
        if (!earlier) continue;
        if (!x) {
            IG_TRY(check_add(t, IG_FINDING_DUPLICATES, -1, &x, err));
            check_detail(x, "%lld", (long long)earlier);
        }
        check_row(x, t->f->line[r]);
    }
    t->out->duplicates = x ? x->count : 0;
    return IG_OK;
}

static ig_status check_duplicates(table_checking *t, ig_error *err) {
    uint64_t *key = ig_calloc(t->f->rows, sizeof *key);
    seen s = {0};
    if (!key) return ig_error_nomem(err, t->f->rows * sizeof *key);
    ig_frame_keys(t->f, -1, key);
    ig_status status = find_duplicates(t, key, &s, err);
    seen_fini(&s);
    ig_free(key);
    return status;
}

static ig_status check_bad_rows(table_checking *t, ig_error *err) {
    ig_finding *x;
    if (!t->o->bad_rows) return IG_OK;
    IG_TRY(check_add(t, IG_FINDING_BAD_ROW, -1, &x, err));
    for (size_t i = 0; i < t->o->bad_rows_kept; i++) check_row(x, t->o->bad_row[i].line);
    x->count = t->o->bad_rows;
    if (t->o->bad_rows_kept) check_detail(x, "%s", t->o->bad_row[0].message);
    return IG_OK;
}

/* A first row with numbers among the names, where the columns below hold numbers too, is no row of names. */
static ig_status check_header(table_checking *t, ig_error *err) {
    ig_finding *x;
    size_t numbers = 0, example = 0;
    for (size_t i = 0; i < t->f->columns; i++) {
        double v;
        bool numeric = t->out->profile[i].type >= IG_COLUMN_BOOLEAN && t->out->profile[i].type <= IG_COLUMN_NUMBER;
        if (numeric && cell_number(t->f->column[i].name, &v)) numbers++, example = i;
    }
    if (numbers < 2 && !(numbers == 1 && t->f->columns <= 3)) return IG_OK;
    IG_TRY(check_add(t, IG_FINDING_NO_HEADER, -1, &x, err));
    x->count = numbers;
    check_detail(x, "%s", t->f->column[example].name);
    return IG_OK;
}

/* ---- all ------------------------------------------------------------------------------------------------------------------------- */

/* Serious ones first, then by kind, then by column. */
static int by_weight(const void *a, const void *b) {
    const ig_finding *x = a, *y = b;
    if (kinds[x->kind].serious != kinds[y->kind].serious) return kinds[x->kind].serious ? -1 : 1;
    if (x->kind != y->kind) return x->kind < y->kind ? -1 : 1;
    return x->column < y->column ? -1 : x->column > y->column;
}

static ig_status run(table_checking *t, ig_error *err) {
    ig_table_check *out = t->out;
    out->profile = ig_calloc(t->f->columns, sizeof *out->profile);
    if (!out->profile) return ig_error_nomem(err, t->f->columns * sizeof *out->profile);
    for (size_t i = 0; i < t->f->columns; i++) IG_TRY(ig_profile(t->f, i, IG_COLUMN_TYPES, &out->profile[i], err));
    IG_TRY(check_bad_rows(t, err));
    IG_TRY(check_header(t, err));
    for (size_t i = 0; i < t->f->columns; i++) IG_TRY(check_column(t, i, err));
    IG_TRY(check_duplicates(t, err));
    IG_TRY(check_label(t, err));
    IG_TRY(check_against(t, err));
    qsort(out->finding, out->findings, sizeof *out->finding, by_weight);
    for (size_t i = 0; i < out->findings; i++) out->serious += kinds[out->finding[i].kind].serious;
    return IG_OK;
}

ig_status ig_table_check_run(const ig_frame *f, const ig_table_check_opts *opts, ig_table_check *out, ig_error *err) {
    const ig_table_check_opts none = {0};
    table_checking t = {.f = f, .o = opts ? opts : &none, .out = out};
    *out = (ig_table_check){.label = -1};
    ig_status status = run(&t, err);
    if (status != IG_OK) ig_table_check_fini(out);
    return status;
}

void ig_table_check_fini(ig_table_check *c) {
    ig_free(c->profile), ig_free(c->drift), ig_free(c->predicts), ig_free(c->finding);
    *c = (ig_table_check){.label = -1};
}
