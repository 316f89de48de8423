/* stats/student.c: Student's t: quantiles, and the interval of a mean.
 *
 * The distribution function is P(T <= t) = 1 - I(df/(df+t²); df/2, 1/2)/2 for t >= 0, with I the regularised incomplete beta
 * function, here by its continued fraction (Abramowitz & Stegun 26.5.8) with Lentz's algorithm.  The quantile is found by
 * bisection: slower than Newton's method and never wrong.
 */
#include <math.h>

#include "ingot/stats.h"

/* Step m of the fraction multiplies by `a`: c and d are the two running quotients, kept away from zero. */
static double lentz(double a, double *c, double *d) {
    *d = 1 + a * *d;
    *c = 1 + a / *c;
    if (fabs(*d) < 1e-300) *d = 1e-300;
    if (fabs(*c) < 1e-300) *c = 1e-300;
    *d = 1 / *d;
    return *c * *d;
}

static double beta_fraction(double x, double a, double b) {
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    if (fabs(d) < 1e-300) d = 1e-300;
    d = 1 / d;
    double f = d;
    for (int m = 1; m <= 1000; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        f *= lentz(even, &c, &d);
        double step = lentz(odd, &c, &d);
        f *= step;
        if (fabs(step - 1) < 1e-15) break;
    }
    return f;
}

/* The fraction converges quickly for x < (a+1)/(a+b+2); beyond, the other tail is computed. */
static double incomplete_beta(double x, double a, double b) {
    if (x <= 0) return 0;
    if (x >= 1) return 1;
    double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
    if (x < (a + 1) / (a + b + 2)) return front * beta_fraction(x, a, b) / a;
    return 1 - front * beta_fraction(1 - x, b, a) / b;
}

/* P(T > t), t >= 0 */
static double upper_tail(double t, double df) {
    return 0.5 * incomplete_beta(df / (df + t * t), df / 2, 0.5);
}

double ig_stats_t_quantile(double p, double df) {
    if (p < 0.5) return -ig_stats_t_quantile(1 - p, df);
    double lo = 0, hi = 1;
    while (upper_tail(hi, df) > 1 - p && hi < 1e300) hi *= 2;
    for (int i = 0; i < 200 && hi - lo > 1e-15 * hi; i++) {
        double mid = lo + (hi - lo) / 2;
        if (upper_tail(mid, df) > 1 - p) lo = mid;
        else hi = mid;
    }
    return lo + (hi - lo) / 2;
}

ig_status ig_stats_t_interval(const double *x, size_t n, double confidence, ig_interval *out, ig_error *err) {
    if (n < 2) return ig_error_set(err, IG_E_ARG, "an interval needs two values or more, not %zu", n);
    if (!(confidence > 0 && confidence < 1)) return ig_error_set(err, IG_E_ARG, "confidence %g is not between 0 and 1", confidence);
    double mean = ig_stats_mean(x, n), t = ig_stats_t_quantile(0.5 + confidence / 2, (double)(n - 1));
    double half = t * ig_stats_sd(x, n) / sqrt((double)n);
    *out = (ig_interval){mean, mean - half, mean + half};
    return IG_OK;
}
