/* tensor/quant_fit.c: scales that make the weighted squared error of rounding small.
 *
 * For given integers the best scale (and minimum) solves a small least-squares problem; for given scales the best
 * integers are the nearest ones.  So a grid of starting scales, wider than what covers the extremes (cutting the largest
 * value off often pays), each made better by one such solution, and the best one by a few more in turn.
 */
#include "tensor/quant_blocks.h"

#include <math.h>

#define ROUNDS 4
#define STEPS_BELOW 8  /* eighths of an integer by which the largest value may lie inside of the range */
#define STEPS_ABOVE 24 /* … and beyond it */

/* Nearest even, |v| < 2^22. */
static float nearest(float v) { return (v + 12582912.0f) - 12582912.0f; }
static float within(float v, float lo, float hi) { return v < lo ? lo : v > hi ? hi : v; }
static float inverse(float v) { return fabsf(v) > 1e-37f ? 1 / v : 0; }

/* ---- x ≈ scale·q ------------------------------------------------------------------------------------------------- */

int ig_symmetric_code(float x, float scale, int top) {
    return (int)nearest(within(x * inverse(scale), (float)-top, (float)(top - 1)));
}

double ig_symmetric_error(const float *x, const float *w, int n, int top, float scale) {
    float r = inverse(scale), sum = 0;
    for (int i = 0; i < n; i++) {
        float e = x[i] - scale * nearest(within(x[i] * r, (float)-top, (float)(top - 1)));
        sum += w[i] * e * e;
    }
    return (double)sum;
}

/* The best scale for the integers that 1/r gives. */
static float solve_symmetric(const float *x, const float *w, int n, int top, float r) {
    float xq = 0, qq = 0;
    for (int i = 0; i < n; i++) {
        float q = nearest(within(x[i] * r, (float)-top, (float)(top - 1)));
        xq += w[i] * x[i] * q, qq += w[i] * q * q;
    }
    return qq > 0 ? xq / qq : 0;
}

static void try_symmetric(const float *x, const float *w, int n, int top, float r, float *best, double *least) {
    float scale = solve_symmetric(x, w, n, top, r);
    double e = ig_symmetric_error(x, w, n, top, scale);
    if (e < *least) *least = e, *best = scale;
}

float ig_fit_symmetric(const float *x, const float *w, int n, int top) {
    float peak = 0;
    for (int i = 0; i < n; i++)
        if (fabsf(x[i]) > fabsf(peak)) peak = x[i];
    float r = inverse(peak), best = -peak / (float)top;
    if (r == 0) return 0;
    double least = ig_symmetric_error(x, w, n, top, best);
    for (int s = -STEPS_BELOW; s <= STEPS_ABOVE; s++) {
        try_symmetric(x, w, n, top, -((float)top + 0.125f * (float)s) * r, &best, &least); /* the peak at the longer end */
        try_symmetric(x, w, n, top, ((float)(top - 1) + 0.125f * (float)s) * r, &best, &least);
    }
    for (int round = 0; round < ROUNDS; round++) try_symmetric(x, w, n, top, inverse(best), &best, &least);
    return best;
}

/* ---- x ≈ scale·q - min ------------------------------------------------------------------------------------------- */

int ig_affine_code(float x, float scale, float min, int top) {
    return (int)nearest(within((x + min) * inverse(scale), 0, (float)top));
}

double ig_affine_error(const float *x, const float *w, int n, int top, float scale, float min) {
    float r = inverse(scale), sum = 0;
    for (int i = 0; i < n; i++) {
        float e = x[i] - (scale * nearest(within((x[i] + min) * r, 0, (float)top)) - min);
        sum += w[i] * e * e;
    }
    return (double)sum;
}

typedef struct affine {
    float scale, min;
    double error;
} affine;

/* The best scale and min for the integers that r = 1/scale and min give; min may not be negative. */
static void try_affine(const float *x, const float *w, int n, int top, float r, float min, affine *best) {
    double sw = 0, swq = 0, swqq = 0, swx = 0, swxq = 0;
    for (int i = 0; i < n; i++) {
        double q = (double)nearest(within((x[i] + min) * r, 0, (float)top)), wi = (double)w[i], xi = (double)x[i];
        sw += wi, swq += wi * q, swqq += wi * q * q, swx += wi * xi, swxq += wi * xi * q;
    }
    double det = sw * swqq - swq * swq, scale = 0, offset = 0;
    if (det > 0) scale = (sw * swxq - swq * swx) / det, offset = (swqq * swx - swq * swxq) / det;
    if (det <= 0 || offset > 0) scale = swqq > 0 ? swxq / swqq : 0, offset = 0;
    if (!(scale >= 0)) return;
    double e = ig_affine_error(x, w, n, top, (float)scale, (float)-offset);
    if (e < best->error) *best = (affine){(float)scale, (float)-offset, e};
}

void ig_fit_affine(const float *x, const float *w, int n, int top, float *scale, float *min) {
    float lo = 0, hi = x[0];
    for (int i = 0; i < n; i++) lo = x[i] < lo ? x[i] : lo, hi = x[i] > hi ? x[i] : hi;
    float span = hi - lo;
    affine best = {span / (float)top, -lo, 0};
    best.error = ig_affine_error(x, w, n, top, best.scale, best.min);
    float r = inverse(span);
    for (int s = -STEPS_BELOW; r > 0 && s <= STEPS_ABOVE; s++)
        try_affine(x, w, n, top, ((float)top + 0.125f * (float)s) * r, -lo - 0.0625f * (float)(s > 0 ? s : 0) * span / (float)top, &best);
    for (int round = 0; r > 0 && round < ROUNDS; round++) try_affine(x, w, n, top, inverse(best.scale), best.min, &best);
    *scale = best.scale, *min = best.min > 0 ? best.min : 0;
}
