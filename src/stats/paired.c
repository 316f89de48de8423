/* stats/paired.c: two ways of doing the same cases, compared pair by pair.
 *
 * Cases that belong together (paraphrases of one question) come as groups, and the bootstrap draws whole groups: cases of one
 * group are right or wrong together, and drawing them singly would make the interval too narrow (Davison & Hinkley 1997, 3.8).
 * The exact test of McNemar (1947) asks whether the pairs that differ fall to one side more often than a coin would.
 */
#include <math.h>
#include <stdlib.h>

#include "ingot/stats.h"

/* Sums of one group. */
typedef struct group_sum {
    double a, b, n;
} group_sum;

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(const double *sorted, size_t n, double p) {
    double at = p * (double)(n - 1);
    size_t i = (size_t)at;
    return i + 1 < n ? sorted[i] + (at - (double)i) * (sorted[i + 1] - sorted[i]) : sorted[n - 1];
}

/* means: a, b and b - a of every replicate, one after another. */
static void resample(const group_sum *g, size_t groups, size_t replicates, uint64_t seed, double *means) {
    for (size_t r = 0; r < replicates; r++) {
        ig_rng rng;
        group_sum sum = {0};
        ig_rng_init(&rng, seed, r);
        for (size_t i = 0; i < groups; i++) {
            const group_sum *pick = &g[ig_rng_below(&rng, groups)];
            sum.a += pick->a;
            sum.b += pick->b;
            sum.n += pick->n;
        }
        means[r] = sum.a / sum.n;
        means[replicates + r] = sum.b / sum.n;
        means[2 * replicates + r] = (sum.b - sum.a) / sum.n;
    }
}

static ig_interval interval_of(double *means, size_t replicates, double confidence, double mean) {
    double tail = (1 - confidence) / 2;
    qsort(means, replicates, sizeof *means, by_value);
    return (ig_interval){mean, quantile(means, replicates, tail), quantile(means, replicates, 1 - tail)};
}

/* Groups that hold no case are left out. */
static size_t sum_groups(const double *a, const double *b, const size_t *group, size_t n, group_sum *g, size_t groups) {
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        group_sum *s = &g[group[i]];
        s->a += a[i];
        s->b += b[i];
        s->n += 1;
    }
    for (size_t i = 0; i < groups; i++)
        if (g[i].n > 0) g[kept++] = g[i];
    return kept;
}

static ig_status check(const size_t *group, size_t n, size_t groups, double confidence, size_t replicates, ig_error *err) {
    if (n < 1) return ig_error_set(err, IG_E_ARG, "an interval needs a pair of values");
    if (!(confidence > 0 && confidence < 1))
        return ig_error_set(err, IG_E_ARG, "confidence %g is not between 0 and 1", confidence);
    if (replicates < 100) return ig_error_set(err, IG_E_ARG, "%zu replicates are too few; take 100 or more", replicates);
    for (size_t i = 0; i < n; i++)
        if (group[i] >= groups) return ig_error_set(err, IG_E_ARG, "group %zu of %zu", group[i], groups);
    return IG_OK;
}

ig_status ig_stats_paired_bootstrap(const double *a, const double *b, const size_t *group, size_t n, size_t groups,
                                    double confidence, size_t replicates, uint64_t seed, ig_paired *out, ig_error *err) {
    IG_TRY(check(group, n, groups, confidence, replicates, err));
    group_sum *g = ig_calloc(groups, sizeof *g);
    double *means = ig_calloc(replicates, 3 * sizeof *means);
    if (!g || !means) {
        ig_free(g);
        ig_free(means);
        return ig_error_nomem(err, replicates * 3 * sizeof *means);
    }
    size_t kept = sum_groups(a, b, group, n, g, groups);
    double ma = ig_stats_mean(a, n), mb = ig_stats_mean(b, n);
    resample(g, kept, replicates, seed, means);
    out->a = interval_of(means, replicates, confidence, ma);
    out->b = interval_of(means + replicates, replicates, confidence, mb);
    out->difference = interval_of(means + 2 * replicates, replicates, confidence, mb - ma);
    ig_free(g);
    ig_free(means);
    return IG_OK;
}

double ig_stats_mcnemar(size_t only_a, size_t only_b) {
    size_t n = only_a + only_b, small = only_a < only_b ? only_a : only_b;
    double p = 0;
    if (n == 0) return 1;
    for (size_t k = 0; k <= small; k++)
        p += exp(lgamma((double)n + 1) - lgamma((double)k + 1) - lgamma((double)(n - k) + 1) - (double)n * log(2));
    return 2 * p < 1 ? 2 * p : 1;
}
