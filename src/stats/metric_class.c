/* stats/metric_class.c: classes and numbers: accuracy, precision, recall, F1, the confusion matrix; RMSE and MAE.
 *
 *     precision = hits / predicted      recall = hits / true      F1 = 2 · hits / (predicted + true)      0 / 0 is 0
 */
#include <math.h>
#include <string.h>

#include "stats/metric.h"

static ig_status check_class(double v, size_t classes, size_t i, const char *what, ig_error *err) {
    if (v >= 0 && v < (double)classes && floor(v) == v) return IG_OK;
    return ig_error_set(err, IG_E_ARG, "case %zu: the %s class %g is none of 0 to %zu", i, what, v, classes - 1);
}

static ig_status check_classes(const double *target, const double *predicted, size_t n, size_t classes, ig_error *err) {
    if (classes < 2) return ig_error_set(err, IG_E_ARG, "%zu classes; two are the least", classes);
    for (size_t i = 0; i < n; i++) {
        IG_TRY(check_class(target[i], classes, i, "true", err));
        IG_TRY(check_class(predicted[i], classes, i, "predicted", err));
    }
    return IG_OK;
}

ig_status class_begin(metric_work *w, ig_error *err) {
    IG_TRY(check_classes(w->c->target, w->c->predicted, w->c->n, w->classes, err));
    w->counts = ig_calloc(w->classes, 3 * sizeof *w->counts);
    return w->counts ? IG_OK : ig_error_nomem(err, w->classes * 3 * sizeof *w->counts);
}

static double ratio(double a, double b) { return b > 0 ? a / b : 0; }

static double of_class(ig_stats_metric m, double hits, double predicted, double truth) {
    switch (m) {
    case IG_METRIC_PRECISION:
    case IG_METRIC_PRECISION_MACRO: return ratio(hits, predicted);
    case IG_METRIC_RECALL:
    case IG_METRIC_RECALL_MACRO: return ratio(hits, truth);
    default: return ratio(2 * hits, predicted + truth);
    }
}

double class_value(const metric_work *w, const double *weight) {
    double *hits = w->counts, *predicted = hits + w->classes, *truth = predicted + w->classes;
    double all = 0, right = 0, sum = 0;
    size_t occur = 0;
    memset(w->counts, 0, 3 * w->classes * sizeof *w->counts);
    for (size_t i = 0; i < w->c->n; i++) {
        size_t t = (size_t)w->c->target[i], p = (size_t)w->c->predicted[i];
        double v = weight ? weight[i] : 1;
        truth[t] += v, predicted[p] += v, all += v;
        if (t == p) hits[t] += v, right += v;
    }
    if (w->metric == IG_METRIC_ACCURACY || w->metric == IG_METRIC_F1_MICRO) return right / all;
    if (w->metric <= IG_METRIC_F1) return of_class(w->metric, hits[1], predicted[1], truth[1]);
    for (size_t k = 0; k < w->classes; k++) {
        if (!(truth[k] + predicted[k] > 0)) continue;
        sum += of_class(w->metric, hits[k], predicted[k], truth[k]);
        occur++;
    }
    return sum / (double)occur;
}

ig_status ig_stats_confusion(const double *target, const double *predicted, size_t n, size_t classes, size_t *matrix, ig_error *err) {
    IG_TRY(check_classes(target, predicted, n, classes, err));
    memset(matrix, 0, classes * classes * sizeof *matrix);
    for (size_t i = 0; i < n; i++) matrix[(size_t)target[i] * classes + (size_t)predicted[i]]++;
    return IG_OK;
}

ig_status number_begin(metric_work *w, ig_error *err) {
    for (size_t i = 0; i < w->c->n; i++)
        if (!isfinite(w->c->target[i]) || !isfinite(w->c->predicted[i]))
            return ig_error_set(err, IG_E_ARG, "case %zu: %g and %g are to be compared, which is not possible", i, w->c->target[i], w->c->predicted[i]);
    return IG_OK;
}

double number_value(const metric_work *w, const double *weight) {
    double sum = 0, all = 0;
    for (size_t i = 0; i < w->c->n; i++) {
        double d = fabs(w->c->predicted[i] - w->c->target[i]), v = weight ? weight[i] : 1;
        sum += v * (w->metric == IG_METRIC_RMSE ? d * d : d);
        all += v;
    }
    return w->metric == IG_METRIC_RMSE ? sqrt(sum / all) : sum / all;
}
