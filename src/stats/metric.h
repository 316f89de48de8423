/* stats/metric.h: a metric over weighted cases.
 *
 * The bootstrap draws cases by giving them weights (how often each was drawn), so that what is sorted once serves every replicate.
 * weight [n] of cases; of rankings [groups] of queries.
 */
#ifndef STATS_METRIC_H
#define STATS_METRIC_H

#include "ingot/stats.h"

typedef struct metric_work {
    ig_stats_metric metric;
    const ig_cases *c;
    size_t classes;
    size_t *order;    /* AUC: cases by score */
    double *query;    /* rankings: [groups] value of each; NaN: nothing relevant */
    double *counts;   /* classes: [3,classes] hits, predicted, true */
} metric_work;

ig_status class_begin(metric_work *w, ig_error *err);
double class_value(const metric_work *w, const double *weight);
ig_status probability_begin(metric_work *w, ig_error *err);
double probability_value(const metric_work *w, const double *weight);
ig_status number_begin(metric_work *w, ig_error *err);
double number_value(const metric_work *w, const double *weight);
ig_status rank_begin(metric_work *w, ig_error *err);
double rank_value(const metric_work *w, const double *weight);

#endif
