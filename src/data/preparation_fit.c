/* data/preparation_fit.c: means, vocabularies and buckets, from the rows of training only.
 *
 * A value's place in its vocabulary follows from the set of frequent values, which are ordered by their text: not from the order of
 * rows.  What is rarer than min_count shares index 0 with what is never seen, so that index 0 is trained.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/column_values.h"
#include "data/preparation.h"

#define BUCKETS_DEFAULT 16
#define BUCKETS_MAX 1024
#define HASH_ABOVE_DEFAULT 10000
#define HASH_BUCKETS_DEFAULT 4096

typedef struct fitting {
    const ig_frame *f;
    const ig_preparation_opts *o;
    ig_preparation *p;
    uint32_t *count; /* [distinct] rows in use of the column at hand */
} fitting;

size_t field_numbers(const field *f) {
    return (f->kind == FIELD_NUMBER || f->kind == FIELD_DATE) ? 1 + (size_t)f->some_missing : 0;
}

size_t field_indices(const field *f) {
    if (f->kind == FIELD_DATE) return f->clock ? 3 : 2;
    return f->kind == FIELD_BUCKETS || f->kind == FIELD_CATEGORY || f->kind == FIELD_HASH;
}

void preparation_lay_out(ig_preparation *p) {
    p->numbers = p->indices = p->texts = 0;
    for (size_t i = 0; i < p->fields; i++) {
        field *f = &p->field[i];
        f->number_at = p->numbers, f->index_at = p->indices, f->text_at = p->texts;
        p->numbers += field_numbers(f), p->indices += field_indices(f), p->texts += f->kind == FIELD_TEXT;
    }
}

ig_status texts_copy(const char *const *from, size_t count, char ***out, ig_error *err) {
    *out = ig_calloc(count + 1, sizeof **out);
    if (!*out) return ig_error_nomem(err, (count + 1) * sizeof **out);
    for (size_t i = 0; i < count; i++) {
        (*out)[i] = ig_strdup(from[i]);
        if (!(*out)[i]) return ig_error_nomem(err, strlen(from[i]) + 1);
    }
    return IG_OK;
}

void texts_free(char **list, size_t count) {
    for (size_t i = 0; list && i < count; i++) ig_free(list[i]);
    ig_free(list);
}

size_t texts_find(char *const *list, size_t count, const char *s) {
    size_t lo = 0, hi = count;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        int order = strcmp(list[mid], s);
        if (order == 0) return mid;
        if (order < 0) lo = mid + 1;
        else hi = mid;
    }
    return count;
}

static int by_text(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static bool in_use(const fitting *t, size_t row) { return !t->o->use || t->o->use[row]; }

static ig_status count_rows(fitting *t, const ig_frame_column *c, ig_error *err) {
    ig_free(t->count);
    t->count = ig_calloc(c->distinct + 1, sizeof *t->count);
    if (!t->count) return ig_error_nomem(err, (c->distinct + 1) * sizeof *t->count);
    for (size_t r = 0; r < t->f->rows; r++) t->count[c->code[r]] += in_use(t, r);
    return IG_OK;
}

/* The values of at least min_count rows in use, ordered. */
static ig_status frequent_values(const fitting *t, const ig_frame_column *c, size_t min_count, char ***out, size_t *count, ig_error *err) {
    const char **list = ig_calloc(c->distinct + 1, sizeof *list);
    size_t n = 0;
    if (!list) return ig_error_nomem(err, (c->distinct + 1) * sizeof *list);
    for (size_t i = 0; i < c->distinct; i++)
        if (!c->missing[i] && t->count[i] && t->count[i] >= min_count) list[n++] = c->value[i];
    qsort(list, n, sizeof *list, by_text);
    *count = n;
    ig_status status = texts_copy(list, n, out, err);
    ig_free(list);
    return status;
}

/* ---- numbers ---------------------------------------------------------------------------------------------------------- */

static ig_status bad_cell(const fitting *t, const ig_frame_column *c, const double *number, const field *f, ig_error *err) {
    for (size_t r = 0; r < t->f->rows; r++) {
        uint32_t code = c->code[r];
        if (in_use(t, r) && !c->missing[code] && isnan(number[code]))
            return ig_error_at(err, IG_E_FORMAT, t->f->file, t->f->line[r], "column \"%.60s\": \"%.60s\" is no %s: mend it, or let bad values "
                               "count as missing", c->name, c->value[code], ig_column_type_name(f->type));
    }
    return IG_OK;
}

/* Edges between quantile buckets; equal ones are joined. */
static ig_status fit_edges(field *f, const value_counts *v, size_t buckets, ig_error *err) {
    f->edge = ig_calloc(buckets, sizeof *f->edge);
    if (!f->edge) return ig_error_nomem(err, buckets * sizeof *f->edge);
    for (size_t b = 1; b < buckets && v->rows; b++) {
        double edge = values_quantile(v, (double)b / (double)buckets);
        if (edge > v->item[0].v && (!f->edges || edge > f->edge[f->edges - 1])) f->edge[f->edges++] = edge;
    }
    return IG_OK;
}

static void fit_scale(const fitting *t, field *f, value_counts *v) {
    f->impute = t->o->impute == IG_IMPUTE_MEAN ? values_mean(v) : values_quantile(v, 0.5);
    f->mean = 0, f->sd = 1;
    for (size_t i = 0; f->scaling == IG_SCALING_LOG && i < v->len; i++) v->item[i].v = copysign(log1p(fabs(v->item[i].v)), v->item[i].v);
    if (f->scaling != IG_SCALING_STANDARD && f->scaling != IG_SCALING_LOG) return;
    f->mean = values_mean(v), f->sd = values_sd(v);
    if (!(f->sd > 0)) f->sd = 1;
}

static ig_status fit_values(fitting *t, const ig_frame_column *c, const double *number, field *f, ig_error *err) {
    value_counts v = {0};
    size_t missing = 0, used = 0;
    size_t buckets = t->o->buckets ? t->o->buckets : BUCKETS_DEFAULT;
    IG_TRY(values_sort(number, t->count, c->distinct, &v, err));
    for (size_t i = 0; i < c->distinct; i++) used += t->count[i], missing += isnan(number[i]) ? t->count[i] : 0;
    f->some_missing = missing > 0;
    ig_status status = IG_OK;
    if (!t->o->bad_is_missing) status = bad_cell(t, c, number, f, err);
    if (status == IG_OK && f->kind == FIELD_BUCKETS) status = fit_edges(f, &v, buckets, err);
    if (status == IG_OK) fit_scale(t, f, &v);
    ig_free(v.item);
    return status;
}

static ig_status fit_number(fitting *t, const ig_frame_column *c, field *f, ig_error *err) {
    double *number;
    ig_status status = column_numbers(c, f->type, f->order, &number, err);
    if (status == IG_OK) status = fit_values(t, c, number, f, err);
    ig_free(number);
    return status;
}

/* ---- fields ----------------------------------------------------------------------------------------------------------- */

static ig_status fit_category(fitting *t, const ig_frame_column *c, field *f, ig_error *err) {
    size_t above = t->o->hash_above ? t->o->hash_above : HASH_ABOVE_DEFAULT;
    for (size_t i = 0; i < c->distinct; i++) f->some_missing |= c->missing[i] && t->count[i];
    if (c->distinct > above) {
        f->kind = FIELD_HASH;
        f->buckets = t->o->hash_buckets ? t->o->hash_buckets : HASH_BUCKETS_DEFAULT;
        return IG_OK;
    }
    return frequent_values(t, c, t->o->min_count, &f->value, &f->values, err);
}

static const ig_column_choice *choice_of(const ig_preparation_opts *o, const char *column) {
    for (size_t i = 0; i < o->choices; i++)
        if (strcmp(o->choice[i].column, column) == 0) return &o->choice[i];
    return NULL;
}

static field_kind kind_of(ig_column_type type, ig_scaling scaling) {
    switch (type) {
    case IG_COLUMN_BOOLEAN: return FIELD_NUMBER;
    case IG_COLUMN_INTEGER:
    case IG_COLUMN_NUMBER: return scaling == IG_SCALING_BUCKETS ? FIELD_BUCKETS : FIELD_NUMBER;
    case IG_COLUMN_DATE: return FIELD_DATE;
    case IG_COLUMN_CATEGORY: return FIELD_CATEGORY;
    case IG_COLUMN_TEXT: return FIELD_TEXT;
    default: return FIELD_KINDS;
    }
}

static ig_status fit_column(fitting *t, size_t column, ig_error *err) {
    const ig_frame_column *c = &t->f->column[column];
    const ig_column_choice *choice = choice_of(t->o, c->name);
    ig_column_profile profile;
    IG_TRY(ig_profile(t->f, column, choice ? choice->type : IG_COLUMN_TYPES, &profile, err));
    ig_scaling scaling = choice ? choice->scaling : t->o->scaling;
    field_kind kind = kind_of(profile.type, scaling);
    if (kind == FIELD_KINDS) return IG_OK;
    if (profile.type == IG_COLUMN_BOOLEAN) scaling = IG_SCALING_NONE;
    if (profile.type == IG_COLUMN_DATE) scaling = IG_SCALING_STANDARD;
    field *f = &t->p->field[t->p->fields++];
    *f = (field){.name = ig_strdup(c->name), .kind = kind, .type = profile.type, .scaling = scaling, .sd = 1,
                 .order = profile.order, .clock = profile.clock};
    if (!f->name) return ig_error_nomem(err, strlen(c->name) + 1);
    IG_TRY(count_rows(t, c, err));
    if (kind == FIELD_CATEGORY) return fit_category(t, c, f, err);
    return kind == FIELD_TEXT ? IG_OK : fit_number(t, c, f, err);
}

/* "50K." and "50K" become one class. */
static void drop_stops(ig_preparation *p) {
    size_t kept = 0;
    for (size_t i = 0; i < p->classes; i++) {
        size_t n = strlen(p->class_name[i]);
        if (n > 1 && p->class_name[i][n - 1] == '.') p->class_name[i][n - 1] = '\0';
    }
    qsort(p->class_name, p->classes, sizeof *p->class_name, by_text);
    for (size_t i = 0; i < p->classes; i++) {
        if (kept && strcmp(p->class_name[kept - 1], p->class_name[i]) == 0) ig_free(p->class_name[i]);
        else p->class_name[kept++] = p->class_name[i];
    }
    p->classes = kept;
}

/* A label's values, as `use` and drop_stop leave them. */
static ig_status fit_label(fitting *t, ig_error *err) {
    const ig_preparation_opts *o = t->o;
    int column;
    if (!o->label) return IG_OK;
    IG_TRY(ig_frame_column_of(t->f, o->label, &column, err));
    t->p->label = ig_strdup(o->label);
    if (!t->p->label) return ig_error_nomem(err, strlen(o->label) + 1);
    if (o->label_is_number) return IG_OK;
    const ig_frame_column *c = &t->f->column[column];
    IG_TRY(count_rows(t, c, err));
    IG_TRY(frequent_values(t, c, 1, &t->p->class_name, &t->p->classes, err));
    if (o->drop_stop) drop_stops(t->p);
    if (t->p->classes < 2)
        return ig_error_at(err, IG_E_ARG, t->f->file, 0, "the label \"%.60s\" has %zu values; two are the least", c->name, t->p->classes);
    return IG_OK;
}

static ig_status fit(fitting *t, ig_error *err) {
    const ig_preparation_opts *o = t->o;
    t->p->drop_stop = o->drop_stop, t->p->bad_is_missing = o->bad_is_missing;
    if (o->buckets == 1 || o->buckets > BUCKETS_MAX) return ig_error_set(err, IG_E_ARG, "numbers go into 2 to %d buckets, not %zu", BUCKETS_MAX, o->buckets);
    t->p->missing_count = o->missing ? o->missing_count : 0;
    if (o->missing) IG_TRY(texts_copy(o->missing, o->missing_count, &t->p->missing, err));
    for (size_t i = 0; i < o->choices; i++) {
        int column;
        IG_TRY(ig_frame_column_of(t->f, o->choice[i].column, &column, err));
    }
    t->p->field = ig_calloc(t->f->columns, sizeof *t->p->field);
    if (!t->p->field) return ig_error_nomem(err, t->f->columns * sizeof *t->p->field);
    IG_TRY(fit_label(t, err));
    for (size_t i = 0; i < t->f->columns; i++)
        if (!o->label || strcmp(t->f->column[i].name, o->label) != 0) IG_TRY(fit_column(t, i, err));
    if (!t->p->fields) return ig_error_at(err, IG_E_ARG, t->f->file, 0, "no column is left to learn from: all are ids, constants or the label");
    preparation_lay_out(t->p);
    return IG_OK;
}

ig_status ig_preparation_fit(const ig_frame *f, const ig_preparation_opts *opts, ig_preparation **out, ig_error *err) {
    const ig_preparation_opts none = {0};
    fitting t = {.f = f, .o = opts ? opts : &none, .p = ig_calloc(1, sizeof *t.p)};
    *out = NULL;
    if (!t.p) return ig_error_nomem(err, sizeof *t.p);
    ig_status status = fit(&t, err);
    ig_free(t.count);
    if (status == IG_OK) *out = t.p;
    else ig_preparation_free(t.p);
    return status;
}
