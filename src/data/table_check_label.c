/* data/table_check_label.c: the label: which column it is, whether it is there, balanced, contradicted, or told by another column.
 *
 * How much a column alone tells is measured without the row that is asked about: the most frequent label (or the mean) of the other
 * rows with the same value.  An id thereby tells nothing, and a copy of the label tells all:
 *
 *     predicts = 1 - wrong / wrong without the column          (of numbers: squares of errors)
 */
#include <math.h>
#include <string.h>
#include <strings.h>

#include "data/table_check.h"

#define QUANTILES 100
#define CODES_MAX 65536
#define CLASSES_MAX 100
#define LEAK 0.95
#define RARE_SHARE 0.1

/* ---- which column ------------------------------------------------------------------------------------------------------------- */

static bool can_be_label(const ig_column_profile *p) {
    return p->type == IG_COLUMN_BOOLEAN || ((p->type == IG_COLUMN_CATEGORY || p->type == IG_COLUMN_INTEGER) && p->distinct <= 20);
}

/* By name; else the last column, where it has few values. */
static int guess_label(const table_checking *t) {
    static const char *const names[] = {"label", "labels", "target", "class", "y", "outcome", "churn", "default", "income", "survived",
                                        "标签", "目标", "类别", "结果", "是否流失", "是否违约"};
    for (size_t n = 0; n < sizeof names / sizeof *names; n++)
        for (size_t i = 0; i < t->f->columns; i++)
            if (strcasecmp(t->f->column[i].name, names[n]) == 0 && t->out->profile[i].type != IG_COLUMN_CONSTANT) return (int)i;
    return t->f->columns > 1 && can_be_label(&t->out->profile[t->f->columns - 1]) ? (int)t->f->columns - 1 : -1;
}

static ig_status find_label(table_checking *t, ig_error *err) {
    if (t->o->label && !*t->o->label) return IG_OK;
    if (t->o->label) return ig_frame_column_of(t->f, t->o->label, &t->out->label, err);
    t->out->label = guess_label(t);
    t->out->label_guessed = t->out->label >= 0;
    return IG_OK;
}

/* A number with many values is predicted as one. */
static bool label_is_number(const table_checking *t) {
    const ig_column_profile *p = &t->out->profile[t->out->label];
    return (p->type == IG_COLUMN_INTEGER || p->type == IG_COLUMN_NUMBER) && p->distinct > 20;
}

/* ---- codes ---------------------------------------------------------------------------------------------------------------------- */

/* The quantile step of a number: steps end at values, so that equal numbers are in one step. */
static uint32_t step_of(const double *edge, size_t edges, double v) {
    size_t lo = 0, hi = edges;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (edge[mid] <= v) lo = mid + 1;
        else hi = mid;
    }
    return (uint32_t)lo;
}

static ig_status number_codes(const ig_frame_column *c, const double *number, uint32_t *of, size_t *codes, ig_error *err) {
    double edge[QUANTILES];
    value_counts v = {0};
    size_t edges = 0;
    IG_TRY(values_sort(number, c->count, c->distinct, &v, err));
    for (int q = 1; q < QUANTILES && v.len > QUANTILES; q++) {
        double e = values_quantile(&v, (double)q / QUANTILES);
        if (!edges || e > edge[edges - 1]) edge[edges++] = e;
    }
    for (size_t i = 0; v.len <= QUANTILES && i < v.len; i++) edge[edges++] = v.item[i].v;
    for (size_t i = 0; i < c->distinct; i++) of[i] = isnan(number[i]) ? 0 : 1 + step_of(edge, edges, number[i]);
    *codes = edges + 2;
    ig_free(v.item);
    return IG_OK;
}

/* of [distinct]: the code of every value. */
static ig_status value_codes(const ig_frame_column *c, const ig_column_profile *p, uint32_t *of, size_t *codes, ig_error *err) {
    double *number;
    bool numeric = p->type >= IG_COLUMN_INTEGER && p->type <= IG_COLUMN_DATE;
    if (!numeric) {
        for (size_t i = 0; i < c->distinct; i++) of[i] = c->missing[i] ? 0 : 1 + (uint32_t)i;
        *codes = c->distinct + 1;
        return IG_OK;
    }
    ig_status status = column_numbers(c, p->type, p->order, &number, err);
    if (status == IG_OK) status = number_codes(c, number, of, codes, err);
    ig_free(number);
    return status;
}

ig_status check_codes(const ig_frame *f, size_t column, const ig_column_profile *p, uint32_t **code, size_t *codes, ig_error *err) {
    const ig_frame_column *c = &f->column[column];
    uint32_t *of = ig_calloc(c->distinct + 1, sizeof *of);
    *code = ig_calloc(f->rows, sizeof **code);
    ig_status status = of && *code ? value_codes(c, p, of, codes, err) : ig_error_nomem(err, f->rows * sizeof **code);
    for (size_t r = 0; status == IG_OK && r < f->rows; r++) (*code)[r] = of[c->code[r]];
    ig_free(of);
    return status;
}

/* ---- what a column tells --------------------------------------------------------------------------------------------------------- */

typedef struct telling {
    const ig_frame *f;
    const ig_frame_column *label;
    const double *number;  /* [distinct of label], for numbers; NULL: classes */
    const uint32_t *code;  /* [rows] */
    size_t codes, classes;
    size_t known;          /* rows with a label */
} telling;

/* The most frequent class of counts without one of class `own`; ties go to the lower one. */
static size_t likeliest(const uint32_t *count, size_t classes, size_t own) {
    size_t best = 0, most = 0;
    for (size_t k = 0; k < classes; k++) {
        size_t n = count[k] - (k == own);
        if (n > most) best = k, most = n;
    }
    return most ? best : classes;
}

static ig_status class_errors(const telling *t, double *out, ig_error *err) {
    size_t cells;
    if (!ig_mul_size(t->codes, t->classes, &cells) || cells > (size_t)CODES_MAX * CLASSES_MAX) {
        *out = NAN;
        return IG_OK;
    }
    uint32_t *count = ig_calloc(cells, sizeof *count);
    if (!count) return ig_error_nomem(err, cells * sizeof *count);
    for (size_t r = 0; r < t->f->rows; r++)
        if (!t->label->missing[t->label->code[r]]) count[t->code[r] * t->classes + t->label->code[r]]++;
    for (size_t code = *out = 0; code < t->codes; code++)
        for (size_t k = 0; k < t->classes; k++) {
            const uint32_t *here = count + code * t->classes;
            if (here[k] && likeliest(here, t->classes, k) != k) *out += here[k];
        }
    ig_free(count);
    return IG_OK;
}

typedef struct moments {
    double n, sum, squares;
} moments;

/* Of a value alone in its code the mean of all is said. */
static ig_status number_errors(const telling *t, double *out, ig_error *err) {
    moments *m = ig_calloc(t->codes, sizeof *m), all = {0};
    if (!m) return ig_error_nomem(err, t->codes * sizeof *m);
    for (size_t r = 0; r < t->f->rows; r++) {
        double v = t->number[t->label->code[r]];
        if (isnan(v)) continue;
        moments *here = &m[t->code[r]];
        here->n++, here->sum += v, here->squares += v * v, all.n++, all.sum += v;
    }
    *out = 0;
    for (size_t r = 0; r < t->f->rows; r++) {
        double v = t->number[t->label->code[r]];
        if (isnan(v)) continue;
        const moments *here = &m[t->code[r]];
        double said = here->n > 1 ? (here->sum - v) / (here->n - 1) : (all.sum - v) / (all.n - 1);
        *out += (v - said) * (v - said);
    }
    ig_free(m);
    return IG_OK;
}

static ig_status errors_of(const telling *t, double *out, ig_error *err) {
    return t->number ? number_errors(t, out, err) : class_errors(t, out, err);
}

static ig_status tell_column(table_checking *t, telling *x, size_t column, double without, ig_error *err) {
    uint32_t *code = NULL;
    double with = NAN;
    ig_finding *found;
    ig_status status = check_codes(t->f, column, &t->out->profile[column], &code, &x->codes, err);
    x->code = code;
    if (status == IG_OK) status = errors_of(x, &with, err);
    ig_free(code);
    IG_TRY(status);
    t->out->predicts[column] = isnan(with) || !(without > 0) || with > without ? 0 : 1 - with / without;
    if (t->out->predicts[column] < LEAK) return IG_OK;
    IG_TRY(check_add(t, IG_FINDING_LEAK, (int)column, &found, err));
    found->count = x->known;
    found->value = t->out->predicts[column];
    return IG_OK;
}

static ig_status tell_columns(table_checking *t, telling *x, ig_error *err) {
    double without;
    uint32_t *none = ig_calloc(t->f->rows, sizeof *none);
    if (!none) return ig_error_nomem(err, t->f->rows * sizeof *none);
    x->code = none, x->codes = 1;
    ig_status status = errors_of(x, &without, err);
    ig_free(none);
    for (size_t i = 0; i < t->f->columns && status == IG_OK; i++) {
        ig_column_type type = t->out->profile[i].type;
        if ((int)i != t->out->label && type != IG_COLUMN_CONSTANT && type != IG_COLUMN_TEXT) status = tell_column(t, x, i, without, err);
    }
    return status;
}

static ig_status check_leaks(table_checking *t, ig_error *err) {
    const ig_column_profile *p = &t->out->profile[t->out->label];
    const ig_frame_column *label = &t->f->column[t->out->label];
    double *number = NULL;
    telling x = {.f = t->f, .label = label, .classes = label->distinct, .known = t->f->rows - label->missing_rows};
    t->out->predicts = ig_calloc(t->f->columns, sizeof *t->out->predicts);
    if (!t->out->predicts) return ig_error_nomem(err, t->f->columns * sizeof *t->out->predicts);
    if (x.known < 2 || (!label_is_number(t) && label->distinct > CLASSES_MAX)) return IG_OK;
    if (label_is_number(t)) IG_TRY(column_numbers(label, p->type, p->order, &number, err));
    x.number = number;
    ig_status status = tell_columns(t, &x, err);
    ig_free(number);
    return status;
}

/* ---- the label itself --------------------------------------------------------------------------------------------------------------- */

static ig_status check_balance(table_checking *t, ig_error *err) {
    const ig_frame_column *c = &t->f->column[t->out->label];
    ig_finding *x;
    size_t rarest = c->distinct, known = t->f->rows - c->missing_rows;
    for (size_t i = 0; i < c->distinct; i++)
        if (!c->missing[i] && (rarest == c->distinct || c->count[i] < c->count[rarest])) rarest = i;
    size_t classes = t->out->profile[t->out->label].distinct;
    if (rarest == c->distinct || label_is_number(t) || classes < 2) return IG_OK;
    double share = (double)c->count[rarest] / (double)known;
    if (share * (double)classes / 2 >= RARE_SHARE) return IG_OK;
    IG_TRY(check_add(t, IG_FINDING_IMBALANCE, t->out->label, &x, err));
    check_row(x, t->f->line[c->first[rarest]]);
    x->count = c->count[rarest], x->value = share;
    check_detail(x, "%.100s", c->value[rarest]);
    return IG_OK;
}

static ig_status check_label_missing(table_checking *t, ig_error *err) {
    const ig_frame_column *c = &t->f->column[t->out->label];
    ig_finding *x;
    if (!c->missing_rows) return IG_OK;
    IG_TRY(check_add(t, IG_FINDING_LABEL_MISSING, t->out->label, &x, err));
    for (size_t r = 0; r < t->f->rows; r++)
        if (c->missing[c->code[r]]) check_row(x, t->f->line[r]);
    return IG_OK;
}

/* Rows equal but for the label. */
static ig_status find_contradictions(table_checking *t, const uint64_t *key, seen *s, ig_error *err) {
    const ig_frame_column *c = &t->f->column[t->out->label];
    ig_finding *x = NULL;
    for (size_t r = 0; r < t->f->rows; r++) {
        int64_t earlier;
        IG_TRY(seen_add(s, (const char *)&key[r], sizeof *key, (int64_t)r + 1, &earlier, err));
        if (!earlier || c->code[earlier - 1] == c->code[r]) continue;
        if (!x) {
            IG_TRY(check_add(t, IG_FINDING_CONTRADICTION, t->out->label, &x, err));
            check_detail(x, "%d", t->f->line[earlier - 1]);
        }
        check_row(x, t->f->line[r]);
    }
    return IG_OK;
}

static ig_status check_contradictions(table_checking *t, ig_error *err) {
    uint64_t *key = ig_calloc(t->f->rows, sizeof *key);
    seen s = {0};
    if (!key) return ig_error_nomem(err, t->f->rows * sizeof *key);
    ig_frame_keys(t->f, t->out->label, key);
    ig_status status = find_contradictions(t, key, &s, err);
    seen_fini(&s);
    ig_free(key);
    return status;
}

ig_status check_label(table_checking *t, ig_error *err) {
    IG_TRY(find_label(t, err));
    if (t->out->label < 0) return IG_OK;
    IG_TRY(check_label_missing(t, err));
    IG_TRY(check_balance(t, err));
    if (t->f->columns > 2) IG_TRY(check_contradictions(t, err));
    return check_leaks(t, err);
}
