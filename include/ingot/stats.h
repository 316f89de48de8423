/* ingot/stats.h: means, and how far to trust them.
 *
 * A measured mean comes with an interval: Student's t where the values are many or near to normal, the bootstrap where
 * they are not.  Sums run in f64 over the values in their order, so the same values give the same bits.
 */
#ifndef INGOT_STATS_H
#define INGOT_STATS_H

#include "ingot/base.h"

#pragma GCC visibility push(default) /* what stands here, libingot.so exports */
#ifdef __cplusplus
extern "C" {
#endif

double ig_stats_mean(const double *x, size_t n); /* n >= 1 */
double ig_stats_sd(const double *x, size_t n);   /* of the sample, divided by n - 1; 0 when n < 2 */

typedef struct ig_interval {
    double mean, lo, hi;
} ig_interval;

/* Student's interval of a mean (Student 1908): mean ± t(n-1) · sd / sqrt(n).  confidence in (0,1), e.g. 0.95; n >= 2. */
ig_status ig_stats_t_interval(const double *x, size_t n, double confidence, ig_interval *out, ig_error *err);
/* The p-quantile of Student's t with `df` degrees of freedom, 0 < p < 1, df >= 1. */
double ig_stats_t_quantile(double p, double df);

/* Percentile bootstrap of a mean (Efron 1979): the quantiles of the means of `replicates` samples drawn with replacement,
 * at least 100.  Deterministic in the seed.  n >= 2. */
ig_status ig_stats_bootstrap(const double *x, size_t n, double confidence, size_t replicates, uint64_t seed, ig_interval *out,
                             ig_error *err);

/* Mean over the classes of F1 = 2·hits / (said + are); are[i], said[i] < classes.  A class that is neither counts not.  The
 * interval
 * is the percentile bootstrap over cases, as above; n >= 2, classes >= 1. */
ig_status ig_stats_macro_f1(const int32_t *are, const int32_t *said, size_t n, size_t classes, double confidence,
                            size_t replicates,
                            uint64_t seed, ig_interval *out, ig_error *err);

/* Two ways of doing the same n cases: a[i] and b[i] are of one case, group[i] < groups says what belongs together.  Means and
 * b - a with percentile intervals of a bootstrap that draws whole groups, weighed by their cases.  n >= 1; with a single group
 * the intervals have no width. */
typedef struct ig_paired {
    ig_interval a, b, difference;
} ig_paired;
ig_status ig_stats_paired_bootstrap(const double *a, const double *b, const size_t *group, size_t n, size_t groups,
                                    double confidence, size_t replicates, uint64_t seed, ig_paired *out, ig_error *err);
/* Exact two-sided p of McNemar's test: only_a cases that only a did right, only_b that only b did.  1 without any. */
double ig_stats_mcnemar(size_t only_a, size_t only_b);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
