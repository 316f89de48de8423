/* stats/mean.c: mean and deviation in two passes, so that a large offset does not eat the deviation. */
#include <math.h>

#include "ingot/stats.h"

double ig_stats_mean(const double *x, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i];
    return sum / (double)n;
}

double ig_stats_sd(const double *x, size_t n) {
    if (n < 2) return 0;
    double mean = ig_stats_mean(x, n), squares = 0;
    for (size_t i = 0; i < n; i++) squares += (x[i] - mean) * (x[i] - mean);
    return sqrt(squares / (double)(n - 1));
}
