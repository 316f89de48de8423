/* stats/distribution.c: whether two distributions are the same: PSI, and the tails of χ² and of Kolmogorov and Smirnov's D.
 *
 * P(χ² > x) = Q(df/2, x/2), the regularised upper incomplete gamma function: by its series below a + 1 and by its continued fraction
 * above (Abramowitz & Stegun 6.5.29 and 6.5.31).
 */
#include <math.h>

#include "ingot/stats.h"

#define STEPS_MAX 10000
#define SHARE_MIN 1e-4

double ig_stats_psi(const double *before, const double *now, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double a = before[i] > SHARE_MIN ? before[i] : SHARE_MIN, b = now[i] > SHARE_MIN ? now[i] : SHARE_MIN;
        sum += (b - a) * log(b / a);
    }
    return sum;
}

/* P(a, x) = x^a e^-x / Γ(a) · Σ x^n / (a (a+1) … (a+n)) */
static double lower_series(double a, double x, double front) {
    double term = 1 / a, sum = term;
    for (int n = 1; n < STEPS_MAX && term > sum * 1e-17; n++) {
        term *= x / (a + n);
        sum += term;
    }
    return front * sum;
}

/* Q(a, x) = x^a e^-x / Γ(a) · 1/(x+1-a- 1(1-a)/(x+3-a- 2(2-a)/(x+5-a- …))), from the front (Lentz 1976). */
static double upper_fraction(double a, double x, double front) {
    double b = x + 1 - a, c = 1e300, d = 1 / b, f = d;
    for (int n = 1; n < STEPS_MAX; n++) {
        double an = n * (a - n);
        b += 2;
        d = an * d + b, c = b + an / c;
        if (fabs(d) < 1e-300) d = 1e-300;
        if (fabs(c) < 1e-300) c = 1e-300;
        d = 1 / d;
        f *= c * d;
        if (fabs(c * d - 1) < 1e-15) break;
    }
    return front * f;
}

double ig_stats_chi2_p(double x, double df) {
    double a = df / 2, half = x / 2;
    if (!(half > 0)) return 1;
    double front = exp(a * log(half) - half - lgamma(a));
    return half < a + 1 ? 1 - lower_series(a, half, front) : upper_fraction(a, half, front);
}

double ig_stats_ks_p(double d, double n, double m) {
    double size = sqrt(n * m / (n + m)), t = (size + 0.12 + 0.11 / size) * d, sum = 0;
    if (t < 0.2) return 1; /* the series would need many terms, and is 1 to twelve digits */
    for (int k = 1; k <= 100; k++) {
        double term = exp(-2.0 * k * k * t * t);
        sum += k % 2 ? term : -term;
        if (term < 1e-18) break;
    }
    double p = 2 * sum;
    return p < 0 ? 0 : p > 1 ? 1 : p;
}
