/* data/column_values.c: numbers of a column in order, and their quantiles. */
#include <math.h>
#include <stdlib.h>

#include "data/column_values.h"

bool column_number(const char *s, ig_column_type type, ig_date_order order, double *out) {
    cell_date d;
    if (type == IG_COLUMN_BOOLEAN) return cell_boolean(s, out);
    if (type != IG_COLUMN_DATE) return cell_number(s, out) && (type != IG_COLUMN_INTEGER || cell_integer(*out));
    if (!cell_date_parse(s, order, &d)) return false;
    *out = d.days;
    return true;
}

ig_status column_numbers(const ig_frame_column *c, ig_column_type type, ig_date_order order, double **out, ig_error *err) {
    double *x = *out = ig_calloc(c->distinct + 1, sizeof *x);
    if (!x) return ig_error_nomem(err, (c->distinct + 1) * sizeof *x);
    for (size_t i = 0; i < c->distinct; i++)
        if (c->missing[i] || !column_number(c->value[i], type, order, &x[i])) x[i] = NAN;
    return IG_OK;
}

static int by_value(const void *a, const void *b) {
    double x = ((const value_count *)a)->v, y = ((const value_count *)b)->v;
    return (x > y) - (x < y);
}

/* Equal neighbours become one. */
static void join_equal(value_counts *v) {
    size_t kept = 0;
    for (size_t i = 0; i < v->len; i++) {
        if (kept && v->item[kept - 1].v == v->item[i].v) v->item[kept - 1].n += v->item[i].n;
        else v->item[kept++] = v->item[i];
    }
    v->len = kept;
}

ig_status values_sort(const double *number, const uint32_t *count, size_t distinct, value_counts *out, ig_error *err) {
    *out = (value_counts){.item = ig_calloc(distinct + 1, sizeof *out->item)};
    if (!out->item) return ig_error_nomem(err, (distinct + 1) * sizeof *out->item);
    for (size_t i = 0; i < distinct; i++) {
        if (isnan(number[i]) || !count[i]) continue;
        out->item[out->len++] = (value_count){number[i], count[i]};
        out->rows += count[i];
    }
    qsort(out->item, out->len, sizeof *out->item, by_value);
    join_equal(out);
    return IG_OK;
}

double values_quantile(const value_counts *v, double p) {
    if (!v->rows) return 0;
    double at = p * (double)(v->rows - 1);
    size_t low = (size_t)at, before = 0, i = 0;
    while (before + v->item[i].n <= low) before += v->item[i++].n;
    bool inside = low + 1 < before + v->item[i].n || i + 1 == v->len;
    return inside ? v->item[i].v : v->item[i].v + (at - (double)low) * (v->item[i + 1].v - v->item[i].v);
}

double values_mean(const value_counts *v) {
    double sum = 0;
    for (size_t i = 0; i < v->len; i++) sum += v->item[i].v * (double)v->item[i].n;
    return v->rows ? sum / (double)v->rows : 0;
}

double values_sd(const value_counts *v) {
    double mean = values_mean(v), squares = 0;
    for (size_t i = 0; i < v->len; i++) squares += (v->item[i].v - mean) * (v->item[i].v - mean) * (double)v->item[i].n;
    return v->rows > 1 ? sqrt(squares / (double)(v->rows - 1)) : 0;
}

ig_status values_mad(const value_counts *v, double median, double *out, ig_error *err) {
    value_counts away = {.item = ig_calloc(v->len + 1, sizeof *away.item), .len = v->len, .rows = v->rows};
    if (!away.item) return ig_error_nomem(err, (v->len + 1) * sizeof *away.item);
    for (size_t i = 0; i < v->len; i++) away.item[i] = (value_count){fabs(v->item[i].v - median), v->item[i].n};
    qsort(away.item, away.len, sizeof *away.item, by_value);
    *out = values_quantile(&away, 0.5);
    ig_free(away.item);
    return IG_OK;
}
