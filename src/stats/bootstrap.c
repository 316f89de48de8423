/* stats/bootstrap.c: the percentile bootstrap of a mean, and of a macro-averaged F1 (Efron 1979). */
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

static ig_status check(size_t n, double confidence, size_t replicates, ig_error *err) {
    if (n < 2) return ig_error_set(err, IG_E_ARG, "an interval needs two values or more, not %zu", n);
    if (!(confidence > 0 && confidence < 1)) return ig_error_set(err, IG_E_ARG, "confidence %g is not between 0 and 1", confidence);
    if (replicates < 100) return ig_error_set(err, IG_E_ARG, "%zu replicates are too few; take 100 or more", replicates);
    return IG_OK;
}

ig_status ig_stats_bootstrap(const double *x, size_t n, double confidence, size_t replicates, uint64_t seed, ig_interval *out,
                             ig_error *err) {
    IG_TRY(check(n, confidence, replicates, err));
    double *means = ig_calloc(replicates, sizeof *means);
    if (!means) return ig_error_nomem(err, replicates * sizeof *means);
    for (size_t r = 0; r < replicates; r++) means[r] = resampled_mean(x, n, seed, r);
    qsort(means, replicates, sizeof *means, by_value);
    double tail = (1 - confidence) / 2;
    *out = (ig_interval){ig_stats_mean(x, n), quantile(means, replicates, tail), quantile(means, replicates, 1 - tail)};
    ig_free(means);
    return IG_OK;
}

/* ---- macro F1 ---- */

/* rng NULL: all cases once; counts [3·classes] is scratch. */
static double macro_f1(const int32_t *are, const int32_t *said, size_t n, size_t classes, ig_rng *rng, size_t *counts) {
    size_t *hit = counts, *truly = counts + classes, *claimed = counts + 2 * classes, seen = 0;
    double sum = 0;
    for (size_t c = 0; c < 3 * classes; c++) counts[c] = 0;
    for (size_t k = 0; k < n; k++) {
        size_t i = rng ? (size_t)ig_rng_below(rng, n) : k;
        hit[are[i]] += are[i] == said[i], truly[are[i]]++, claimed[said[i]]++;
    }
    for (size_t c = 0; c < classes; c++) {
        if (!(truly[c] + claimed[c])) continue;
        sum += 2 * (double)hit[c] / (double)(truly[c] + claimed[c]), seen++;
    }
    return sum / (double)seen;
}

ig_status ig_stats_macro_f1(const int32_t *are, const int32_t *said, size_t n, size_t classes, double confidence,
                            size_t replicates,
                            uint64_t seed, ig_interval *out, ig_error *err) {
    IG_TRY(check(n, confidence, replicates, err));
    for (size_t i = 0; i < n; i++)
        if (are[i] < 0 || said[i] < 0 || (size_t)are[i] >= classes || (size_t)said[i] >= classes)
            return ig_error_set(err, IG_E_ARG, "case %zu has a class that is none of the %zu", i, classes);
    size_t *counts = ig_calloc(3 * classes, sizeof *counts);
    double *values = ig_calloc(replicates, sizeof *values), tail = (1 - confidence) / 2;
    ig_status status = counts && values ? IG_OK : ig_error_nomem(err, replicates * sizeof *values);
    for (size_t r = 0; r < replicates && status == IG_OK; r++) {
        ig_rng rng;
        ig_rng_init(&rng, seed, r);
        values[r] = macro_f1(are, said, n, classes, &rng, counts);
    }
    if (status == IG_OK) {
        qsort(values, replicates, sizeof *values, by_value);
        *out = (ig_interval){macro_f1(are, said, n, classes, NULL, counts), quantile(values, replicates, tail),
                             quantile(values, replicates, 1 - tail)};
    }
    ig_free(counts);
    ig_free(values);
    return status;
}
