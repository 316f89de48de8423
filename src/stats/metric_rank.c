/* stats/metric_rank.c: lists that were ranked for a query.
 *
 * A query's value is found once; the mean over queries, and its interval, follow from them.  Queries without anything relevant have
 * no value: no order of their cases is better than another.
 *
 *     nDCG@k (Järvelin & Kekäläinen 2002), AP@k = Σ precision at each hit / min(relevant, k), RR@k = 1 / rank of the first hit
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/metric.h"

typedef struct ranked {
    size_t query, at;
    double score, gain;
} ranked;

static int by_rank(const void *a, const void *b) {
    const ranked *x = a, *y = b;
    if (x->query != y->query) return x->query < y->query ? -1 : 1;
    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

static int by_gain(const void *a, const void *b) {
    double x = ((const ranked *)a)->gain, y = ((const ranked *)b)->gain;
    return (x < y) - (x > y);
}

static double dcg(const ranked *r, size_t k) {
    double sum = 0;
    for (size_t i = 0; i < k; i++) sum += (exp2(r[i].gain) - 1) / log2((double)i + 2);
    return sum;
}

/* r is reordered. */
static double ndcg(ranked *r, size_t n, size_t k) {
    double got = dcg(r, k);
    qsort(r, n, sizeof *r, by_gain);
    return got / dcg(r, k);
}

static double query_value(ig_stats_metric m, ranked *r, size_t n, size_t asked) {
    size_t k = asked && asked < n ? asked : n, relevant = 0, hits = 0, first = 0;
    double precisions = 0;
    for (size_t i = 0; i < n; i++) relevant += r[i].gain > 0;
    if (!relevant) return NAN;
    if (m == IG_METRIC_NDCG) return ndcg(r, n, k);
    for (size_t i = 0; i < k; i++) {
        if (!(r[i].gain > 0)) continue;
        hits++;
        if (!first) first = i + 1;
        precisions += (double)hits / (double)(i + 1);
    }
    switch (m) {
    case IG_METRIC_MAP: return precisions / (double)(asked && asked < relevant ? asked : relevant);
    case IG_METRIC_MRR: return first ? 1 / (double)first : 0;
    case IG_METRIC_RECALL_AT_K: return (double)hits / (double)relevant;
    default: return (double)hits / (double)(asked ? asked : n);
    }
}

static void query_values(metric_work *w, ranked *r) {
    const ig_cases *c = w->c;
    for (size_t q = 0; q < c->groups; q++) w->query[q] = NAN;
    for (size_t i = 0, end; i < c->n; i = end) {
        size_t query = r[i].query;
        for (end = i; end < c->n && r[end].query == query;) end++;
        w->query[query] = query_value(w->metric, r + i, end - i, c->k);
    }
}

ig_status rank_begin(metric_work *w, ig_error *err) {
    const ig_cases *c = w->c;
    for (size_t i = 0; i < c->n; i++)
        if (isnan(c->predicted[i]) || !(c->target[i] >= 0 && c->target[i] <= 64))
            return ig_error_set(err, IG_E_ARG, "case %zu: gain %g, score %g: gains are 0 to 64, scores are numbers", i, c->target[i], c->predicted[i]);
    ranked *r = ig_calloc(c->n, sizeof *r);
    w->query = ig_calloc(c->groups, sizeof *w->query);
    if (!r || !w->query) {
        ig_free(r);
        return ig_error_nomem(err, c->n * sizeof *r);
    }
    for (size_t i = 0; i < c->n; i++) r[i] = (ranked){c->group[i], i, c->predicted[i], c->target[i]};
    qsort(r, c->n, sizeof *r, by_rank);
    query_values(w, r);
    ig_free(r);
    return IG_OK;
}

double rank_value(const metric_work *w, const double *weight) {
    double sum = 0, all = 0;
    for (size_t q = 0; q < w->c->groups; q++) {
        if (isnan(w->query[q])) continue;
        double v = weight ? weight[q] : 1;
        sum += v * w->query[q], all += v;
    }
    return all > 0 ? sum / all : NAN;
}

ig_status ig_stats_coverage(const size_t *shown, size_t n, size_t items, double *out, ig_error *err) {
    size_t count = 0;
    if (!items) return ig_error_set(err, IG_E_ARG, "a catalogue without items cannot be covered");
    bool *seen = ig_calloc(items, sizeof *seen);
    if (!seen) return ig_error_nomem(err, items);
    ig_status status = IG_OK;
    for (size_t i = 0; i < n && status == IG_OK; i++) {
        if (shown[i] >= items) status = ig_error_set(err, IG_E_ARG, "item %zu is none of %zu", shown[i], items);
        else count += !seen[shown[i]], seen[shown[i]] = true;
    }
    ig_free(seen);
    *out = (double)count / (double)items;
    return status;
}
