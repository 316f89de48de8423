/* stats/bootstrap.c: the percentile bootstrap of a mean (Efron 1979). */
#include <math.h>
#include <stdlib.h>

#include "ingot/stats.h"

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Replicate r draws from its own stream, so that the replicates may be computed in any order. */
static double resampled_mean(const double *x, size_t n, uint64_t seed, uint64_t r) {
    ig_rng rng;
    double sum = 0;
    ig_rng_init(&rng, seed, r);
    for (size_t i = 0; i < n; i++) sum += x[ig_rng_below(&rng, n)];
    return sum / (double)n;
}

/* Between two sorted values, linearly (the usual "type 7"). */
static double quantile(const double *sorted, size_t n, double p) {
    double at = p * (double)(n - 1), below = floor(at);
    size_t i = (size_t)below;
    return i + 1 < n ? sorted[i] + (at - below) * (sorted[i + 1] - sorted[i]) : sorted[n - 1];
}

ig_status ig_stats_bootstrap(const double *x, size_t n, double confidence, size_t replicates, uint64_t seed, ig_interval *out,
                             ig_error *err) {
    if (n < 2) return ig_error_set(err, IG_E_ARG, "an interval needs two values or more, not %zu", n);
    if (!(confidence > 0 && confidence < 1)) return ig_error_set(err, IG_E_ARG, "confidence %g is not between 0 and 1", confidence);
    if (replicates < 100) return ig_error_set(err, IG_E_ARG, "%zu replicates are too few; take 100 or more", replicates);
    double *means = ig_calloc(replicates, sizeof *means);
    if (!means) return ig_error_nomem(err, replicates * sizeof *means);
    for (size_t r = 0; r < replicates; r++) means[r] = resampled_mean(x, n, seed, r);
    qsort(means, replicates, sizeof *means, by_value);
    double tail = (1 - confidence) / 2;
    *out = (ig_interval){ig_stats_mean(x, n), quantile(means, replicates, tail), quantile(means, replicates, 1 - tail)};
    ig_free(means);
    return IG_OK;
}
