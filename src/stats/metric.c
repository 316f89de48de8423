/* stats/metric.c: the table of metrics, their values and their intervals.
 *
 * A replicate draws groups with replacement and gives every case the number of times its group was drawn; the interval lies between
 * the quantiles of the replicates' values (Efron 1979; whole groups: Davison & Hinkley 1997, 3.8).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/metric.h"

typedef struct metric_row {
    const char *name;
    ig_status (*begin)(metric_work *w, ig_error *err);
    double (*value)(const metric_work *w, const double *weight);
    bool less_is_better, ranking;
} metric_row;

#define CLASS(n) {n, class_begin, class_value, false, false}
#define RANK(n) {n, rank_begin, rank_value, false, true}
static const metric_row rows[IG_METRIC_COUNT] = {
    [IG_METRIC_ACCURACY] = CLASS("accuracy"),
    [IG_METRIC_PRECISION] = CLASS("precision"), [IG_METRIC_RECALL] = CLASS("recall"), [IG_METRIC_F1] = CLASS("f1"),
    [IG_METRIC_PRECISION_MACRO] = CLASS("precision_macro"), [IG_METRIC_RECALL_MACRO] = CLASS("recall_macro"),
    [IG_METRIC_F1_MACRO] = CLASS("f1_macro"), [IG_METRIC_F1_MICRO] = CLASS("f1_micro"),
    [IG_METRIC_AUC] = {"auc", probability_begin, probability_value, false, false},
    [IG_METRIC_LOG_LOSS] = {"log_loss", probability_begin, probability_value, true, false},
    [IG_METRIC_BRIER] = {"brier", probability_begin, probability_value, true, false},
    [IG_METRIC_ECE] = {"ece", probability_begin, probability_value, true, false},
    [IG_METRIC_RMSE] = {"rmse", number_begin, number_value, true, false},
    [IG_METRIC_MAE] = {"mae", number_begin, number_value, true, false},
    [IG_METRIC_NDCG] = RANK("ndcg"), [IG_METRIC_MAP] = RANK("map"), [IG_METRIC_MRR] = RANK("mrr"),
    [IG_METRIC_RECALL_AT_K] = RANK("recall_at_k"), [IG_METRIC_PRECISION_AT_K] = RANK("precision_at_k"),
};

const char *ig_stats_metric_name(ig_stats_metric m) { return (unsigned)m < IG_METRIC_COUNT ? rows[m].name : ""; }
bool ig_stats_metric_less_is_better(ig_stats_metric m) { return (unsigned)m < IG_METRIC_COUNT && rows[m].less_is_better; }

bool ig_stats_metric_parse(const char *name, ig_stats_metric *out) {
    for (int i = 0; i < IG_METRIC_COUNT; i++)
        if (strcmp(rows[i].name, name) == 0) {
            *out = (ig_stats_metric)i;
            return true;
        }
    return false;
}

static void fini(metric_work *w) { ig_free(w->order), ig_free(w->query), ig_free(w->counts); }

static ig_status begin(metric_work *w, ig_error *err) {
    const ig_cases *c = w->c;
    if ((unsigned)w->metric >= IG_METRIC_COUNT) return ig_error_set(err, IG_E_ARG, "there is no metric %d", (int)w->metric);
    if (!c->n) return ig_error_set(err, IG_E_ARG, "%s needs a case or more", ig_stats_metric_name(w->metric));
    if (rows[w->metric].ranking && !c->group) return ig_error_set(err, IG_E_ARG, "%s needs to know the query of every case", ig_stats_metric_name(w->metric));
    for (size_t i = 0; c->group && i < c->n; i++)
        if (c->group[i] >= c->groups) return ig_error_set(err, IG_E_ARG, "case %zu: there is no group %zu of %zu", i, c->group[i], c->groups);
    w->classes = c->classes ? c->classes : 2;
    return rows[w->metric].begin(w, err);
}

ig_status ig_stats_metric_value(ig_stats_metric m, const ig_cases *c, double *out, ig_error *err) {
    metric_work w = {.metric = m, .c = c};
    ig_status status = begin(&w, err);
    if (status == IG_OK) *out = rows[m].value(&w, NULL);
    fini(&w);
    return status;
}

/* ---- intervals ------------------------------------------------------------------------------------------------------------ */

typedef struct resampling {
    const metric_work *w;
    size_t units;   /* what is drawn */
    double *drawn;  /* [units] */
    double *weight; /* [n]: drawn, or that of each case's group */
    double *value;  /* [replicates] */
    size_t values;
} resampling;

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(const double *sorted, size_t n, double p) {
    double at = p * (double)(n - 1);
    size_t i = (size_t)at;
    return i + 1 < n ? sorted[i] + (at - (double)i) * (sorted[i + 1] - sorted[i]) : sorted[n - 1];
}

static void replicate(resampling *r, uint64_t seed, uint64_t number) {
    const ig_cases *c = r->w->c;
    bool ranking = rows[r->w->metric].ranking;
    ig_rng rng;
    ig_rng_init(&rng, seed, number);
    memset(r->drawn, 0, r->units * sizeof *r->drawn);
    for (size_t i = 0; i < r->units; i++) r->drawn[ig_rng_below(&rng, r->units)]++;
    for (size_t i = 0; r->weight && i < c->n; i++) r->weight[i] = r->drawn[c->group[i]];
    double v = rows[r->w->metric].value(r->w, ranking || !r->weight ? r->drawn : r->weight);
    if (!isnan(v)) r->value[r->values++] = v;
}

static ig_status resample(resampling *r, double confidence, size_t replicates, uint64_t seed, ig_interval *out, ig_error *err) {
    double tail = (1 - confidence) / 2;
    r->units = r->w->c->group ? r->w->c->groups : r->w->c->n;
    r->drawn = ig_calloc(r->units, sizeof *r->drawn), r->value = ig_calloc(replicates, sizeof *r->value);
    if (!r->drawn || !r->value) return ig_error_nomem(err, (r->units + replicates) * sizeof *r->drawn);
    if (r->w->c->group && !rows[r->w->metric].ranking) {
        r->weight = ig_calloc(r->w->c->n, sizeof *r->weight);
        if (!r->weight) return ig_error_nomem(err, r->w->c->n * sizeof *r->weight);
    }
    for (size_t i = 0; i < replicates; i++) replicate(r, seed, i);
    qsort(r->value, r->values, sizeof *r->value, by_value);
    out->mean = rows[r->w->metric].value(r->w, NULL);
    out->lo = r->values ? quantile(r->value, r->values, tail) : NAN;
    out->hi = r->values ? quantile(r->value, r->values, 1 - tail) : NAN;
    return IG_OK;
}

ig_status ig_stats_metric_interval(ig_stats_metric m, const ig_cases *c, double confidence, size_t replicates, uint64_t seed, ig_interval *out,
                             ig_error *err) {
    metric_work w = {.metric = m, .c = c};
    resampling r = {.w = &w};
    if (!(confidence > 0 && confidence < 1)) return ig_error_set(err, IG_E_ARG, "confidence %g is not between 0 and 1", confidence);
    if (replicates < 100) return ig_error_set(err, IG_E_ARG, "%zu replicates are too few; take 100 or more", replicates);
    ig_status status = begin(&w, err);
    if (status == IG_OK) status = resample(&r, confidence, replicates, seed, out, err);
    ig_free(r.drawn), ig_free(r.weight), ig_free(r.value);
    fini(&w);
    return status;
}
