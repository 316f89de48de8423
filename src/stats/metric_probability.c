/* stats/metric_probability.c: how good probabilities are: AUC, log loss, Brier score, calibration error.
 *
 * AUC is the share of pairs (one of class 1, one of class 0) in which the first has the higher score (Mann & Whitney 1947); equal
 * scores are gone through together, so that a pair of them counts a half whatever the order of the cases.
 */
#include <math.h>
#include <stdlib.h>

#include "stats/metric.h"

#define ECE_BINS 15
#define P_MIN 1e-15

typedef struct scored {
    double score;
    size_t at;
} scored;

static int by_score(const void *a, const void *b) {
    const scored *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

static ig_status order_cases(metric_work *w, ig_error *err) {
    scored *s = ig_calloc(w->c->n, sizeof *s);
    w->order = ig_calloc(w->c->n, sizeof *w->order);
    if (!s || !w->order) {
        ig_free(s);
        return ig_error_nomem(err, w->c->n * sizeof *s);
    }
    for (size_t i = 0; i < w->c->n; i++) s[i] = (scored){w->c->predicted[i], i};
    qsort(s, w->c->n, sizeof *s, by_score);
    for (size_t i = 0; i < w->c->n; i++) w->order[i] = s[i].at;
    ig_free(s);
    return IG_OK;
}

ig_status probability_begin(metric_work *w, ig_error *err) {
    const ig_cases *c = w->c;
    size_t each = w->classes > 2 ? w->classes : 1;
    bool score = w->metric == IG_METRIC_AUC;
    if (score && w->classes != 2) return ig_error_set(err, IG_E_ARG, "auc is of two classes, not %zu", w->classes);
    for (size_t i = 0; i < c->n; i++)
        if (!(c->target[i] >= 0 && c->target[i] < (double)w->classes && floor(c->target[i]) == c->target[i]))
            return ig_error_set(err, IG_E_ARG, "case %zu: the true class %g is none of 0 to %zu", i, c->target[i], w->classes - 1);
    for (size_t i = 0; i < c->n * each; i++) {
        double p = c->predicted[i];
        if (score ? isnan(p) : !(p >= 0 && p <= 1))
            return ig_error_set(err, IG_E_ARG, "case %zu: %g is no %s", i / each, p, score ? "score" : "probability: it must be between 0 and 1");
    }
    return score ? order_cases(w, err) : IG_OK;
}

static double auc(const metric_work *w, const double *weight) {
    const ig_cases *c = w->c;
    double below = 0, won = 0, positives = 0;
    for (size_t i = 0, end; i < c->n; i = end) {
        double ones = 0, zeros = 0;
        for (end = i; end < c->n && c->predicted[w->order[end]] == c->predicted[w->order[i]]; end++) {
            double v = weight ? weight[w->order[end]] : 1;
            if (c->target[w->order[end]] > 0) ones += v;
            else zeros += v;
        }
        won += ones * (below + zeros / 2);
        below += zeros, positives += ones;
    }
    return positives > 0 && below > 0 ? won / (positives * below) : NAN;
}

/* p of class k in case i. */
static double p_of(const metric_work *w, size_t i, size_t k) {
    if (w->classes > 2) return w->c->predicted[i * w->classes + k];
    return k ? w->c->predicted[i] : 1 - w->c->predicted[i];
}

static double loss_of(const metric_work *w, size_t i) {
    size_t target = (size_t)w->c->target[i];
    double sum = 0;
    if (w->metric == IG_METRIC_LOG_LOSS) {
        double p = p_of(w, i, target);
        return -log(p > P_MIN ? p : P_MIN);
    }
    for (size_t k = w->classes > 2 ? 0 : 1; k < w->classes; k++) {
        double d = p_of(w, i, k) - (double)(k == target);
        sum += d * d;
    }
    return sum;
}

/* Of two classes p is that of class 1, and right is a 1. */
static double confidence_of(const metric_work *w, size_t i, bool *right) {
    size_t best = w->classes > 2 ? 0 : 1;
    for (size_t k = 1; w->classes > 2 && k < w->classes; k++)
        if (p_of(w, i, k) > p_of(w, i, best)) best = k;
    *right = (size_t)w->c->target[i] == best;
    return p_of(w, i, best);
}

static double ece(const metric_work *w, const double *weight) {
    double said[ECE_BINS] = {0}, was[ECE_BINS] = {0}, all = 0, sum = 0;
    for (size_t i = 0; i < w->c->n; i++) {
        bool right;
        double p = confidence_of(w, i, &right), v = weight ? weight[i] : 1;
        size_t bin = (size_t)(p * ECE_BINS);
        if (bin == ECE_BINS) bin--;
        said[bin] += v * p, was[bin] += v * right, all += v;
    }
    for (size_t b = 0; b < ECE_BINS; b++) sum += fabs(said[b] - was[b]);
    return sum / all;
}

double probability_value(const metric_work *w, const double *weight) {
    double sum = 0, all = 0;
    if (w->metric == IG_METRIC_AUC) return auc(w, weight);
    if (w->metric == IG_METRIC_ECE) return ece(w, weight);
    for (size_t i = 0; i < w->c->n; i++) {
        double v = weight ? weight[i] : 1;
        sum += v > 0 ? v * loss_of(w, i) : 0;
        all += v;
    }
    return sum / all;
}
