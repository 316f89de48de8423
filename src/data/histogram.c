/* data/histogram.c: a column as a few counts, for pictures. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/column_values.h"

#define BINS_MAX (sizeof ((ig_histogram *)0)->count / sizeof ((ig_histogram *)0)->count[0])

/* Equal steps over the middle 98 %, so that one wild value does not squeeze all others into one bin. */
static void number_bins(const value_counts *v, ig_histogram *h) {
    h->lo = values_quantile(v, 0.01), h->hi = values_quantile(v, 0.99);
    if (!(h->hi > h->lo)) h->lo = v->item[0].v, h->hi = v->item[v->len - 1].v;
    if (!(h->hi > h->lo)) h->hi = h->lo + 1;
    for (size_t i = 0; i < v->len; i++) {
        double at = floor((v->item[i].v - h->lo) / (h->hi - h->lo) * (double)h->bins);
        size_t bin = at < 0 ? 0 : at >= (double)h->bins ? h->bins - 1 : (size_t)at;
        h->count[bin] += v->item[i].n;
    }
}

typedef struct named_count {
    const char *value;
    size_t n;
} named_count;

static int by_count(const void *a, const void *b) {
    const named_count *x = a, *y = b;
    if (x->n != y->n) return x->n < y->n ? 1 : -1;
    return strcmp(x->value, y->value);
}

static ig_status value_bins(const ig_frame_column *c, ig_histogram *h, ig_error *err) {
    size_t n = 0, bins = h->bins;
    named_count *all = ig_calloc(c->distinct + 1, sizeof *all);
    if (!all) return ig_error_nomem(err, (c->distinct + 1) * sizeof *all);
    for (size_t i = 0; i < c->distinct; i++)
        if (!c->missing[i]) all[n++] = (named_count){c->value[i], c->count[i]};
    qsort(all, n, sizeof *all, by_count);
    h->bins = n < bins ? n : bins;
    for (size_t i = 0; i < n; i++) {
        size_t bin = i < h->bins ? i : h->bins - 1;
        h->count[bin] += all[i].n;
        h->value[bin] = i < h->bins ? all[i].value : NULL;
    }
    ig_free(all);
    return IG_OK;
}

ig_status ig_frame_histogram(const ig_frame *f, size_t column, const ig_column_profile *p, size_t bins, ig_histogram *out, ig_error *err) {
    const ig_frame_column *c = &f->column[column];
    double *number;
    value_counts v = {0};
    if (!bins || bins > BINS_MAX) return ig_error_set(err, IG_E_ARG, "a histogram has 1 to %zu bins, not %zu", BINS_MAX, bins);
    *out = (ig_histogram){.bins = bins, .numeric = p->type >= IG_COLUMN_INTEGER && p->type <= IG_COLUMN_DATE};
    if (!out->numeric) return value_bins(c, out, err);
    IG_TRY(column_numbers(c, p->type, p->order, &number, err));
    ig_status status = values_sort(number, c->count, c->distinct, &v, err);
    ig_free(number);
    IG_TRY(status);
    if (v.len) number_bins(&v, out);
    else out->bins = 0;
    ig_free(v.item);
    return IG_OK;
}
