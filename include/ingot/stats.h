/* ingot/stats.h: means, metrics, distributions, and how far to trust them.
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

/* ---- metrics: what a model says against what is true -------------------------------------------------------------------- */

typedef enum ig_stats_metric {
    /* predicted is a class */
    IG_METRIC_ACCURACY,
    IG_METRIC_PRECISION, IG_METRIC_RECALL, IG_METRIC_F1,                   /* of class 1 */
    IG_METRIC_PRECISION_MACRO, IG_METRIC_RECALL_MACRO, IG_METRIC_F1_MACRO, /* mean over the classes that occur */
    IG_METRIC_F1_MICRO,
    /* predicted is a probability */
    IG_METRIC_AUC,      /* of class 1 against 0; a tie counts a half.  Any score will do */
    IG_METRIC_LOG_LOSS, /* mean -ln p(target), p at least 1e-15 */
    IG_METRIC_BRIER,    /* mean (p - target)²; of many classes the sum over them (Brier 1950) */
    IG_METRIC_ECE,      /* expected calibration error over 15 equal bins (Naeini et al. 2015); of many classes, of the likeliest */
    /* predicted is a number */
    IG_METRIC_RMSE, IG_METRIC_MAE,
    /* predicted is a score, target a gain (0: not relevant), group the query */
    IG_METRIC_NDCG,     /* gains 2^target - 1, discount log2(rank + 1) (Burges et al. 2005) */
    IG_METRIC_MAP, IG_METRIC_MRR, IG_METRIC_RECALL_AT_K, IG_METRIC_PRECISION_AT_K,
    IG_METRIC_COUNT
} ig_stats_metric;
const char *ig_stats_metric_name(ig_stats_metric m);           /* "accuracy", "ndcg" … */
bool ig_stats_metric_parse(const char *name, ig_stats_metric *out);
bool ig_stats_metric_less_is_better(ig_stats_metric m);

typedef struct ig_cases {
    const double *target;    /* [n] class 0, 1 …, number, or gain */
    const double *predicted; /* [n]; probabilities of more than two classes [n,classes] */
    size_t n;
    size_t classes;          /* 0: two */
    const size_t *group;     /* [n] what is drawn together, below `groups`; NULL: every case alone.  Of rankings the query */
    size_t groups;
    size_t k;                /* of rankings: the first k count; 0: all */
} ig_cases;
/* The mean of a ranking is over the queries that have something relevant; equal scores keep the order of the cases.  *out is NaN
 * where the metric says nothing (AUC of a single class).  Fails with IG_E_ARG, naming the case: a class that is none, a
 * probability outside of [0,1], a number that is not finite. */
ig_status ig_stats_metric_value(ig_stats_metric m, const ig_cases *c, double *out, ig_error *err);
/* With the percentile interval of a bootstrap that draws whole groups; replicates without a value are left out.  ECE and RMSE are
 * not means: their intervals may lie a little to one side. */
ig_status ig_stats_metric_interval(ig_stats_metric m, const ig_cases *c, double confidence, size_t replicates, uint64_t seed, ig_interval *out,
                             ig_error *err);
/* matrix [classes,classes]: rows are the truth, columns what was predicted. */
ig_status ig_stats_confusion(const double *target, const double *predicted, size_t n, size_t classes, size_t *matrix, ig_error *err);
/* The share of 0 … items-1 that was shown at all: a count over a fixed catalogue, without an interval.  IG_E_ARG for an item outside. */
ig_status ig_stats_coverage(const size_t *shown, size_t n, size_t items, double *out, ig_error *err);

/* ---- two distributions ----------------------------------------------------------------------------------------------------- */

/* Population stability index: Σ (now - before) · ln(now / before) over shares, each at least 1e-4. */
double ig_stats_psi(const double *before, const double *now, size_t n);
/* P(χ² with df degrees of freedom > x), x >= 0, df > 0. */
double ig_stats_chi2_p(double x, double df);
/* P(D > d) of two samples of n and m from one distribution, asymptotically (Smirnov 1948; Stephens' correction). */
double ig_stats_ks_p(double d, double n, double m);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
