/* models/als/dense.c: small dense matrices in double, and a gamma variate: what drawing the priors takes. */
#include <math.h>

#include "models/als/als.h"

bool als_cholesky(double *a, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j <= i; j++) {
            double v = a[i * n + j];
            for (int64_t k = 0; k < j; k++) v -= a[i * n + k] * a[j * n + k];
            if (j < i) a[i * n + j] = v / a[j * n + j];
            else if (v > 0 && isfinite(v)) a[i * n + i] = sqrt(v);
            else return false;
        }
        for (int64_t j = i + 1; j < n; j++) a[i * n + j] = 0;
    }
    return true;
}

void als_forward(const double *l, double *b, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        double v = b[i];
        for (int64_t k = 0; k < i; k++) v -= l[i * n + k] * b[k];
        b[i] = v / l[i * n + i];
    }
}

void als_backward(const double *l, double *b, int64_t n) {
    for (int64_t i = n; i-- > 0;) {
        double v = b[i];
        for (int64_t k = i + 1; k < n; k++) v -= l[k * n + i] * b[k];
        b[i] = v / l[i * n + i];
    }
}

/* Marsaglia & Tsang 2000; shape >= 1, which degrees of freedom of whole rows are. */
double als_gamma(ig_rng *r, double shape) {
    double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        double x = ig_rng_normal(r), v = 1 + c * x;
        if (v <= 0) continue;
        v = v * v * v;
        if (log(1 - ig_rng_uniform(r)) < 0.5 * x * x + d - d * v + d * log(v)) return d * v;
    }
}
