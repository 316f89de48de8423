/* models/als/prior.c: drawing what the rows of a side have in common: the mean and precision of their normal distribution, given
 * the rows, and the precision of the values' noise.
 *
 *     Λ ~ Wishart(W, ν), μ ~ N(μ*, (κΛ)⁻¹)        normal-Wishart with μ₀ = 0, κ₀ = 1, W₀ = 1, ν₀ = D   (Salakhutdinov & Mnih 2008, eq. 14)
 *     κ = κ₀ + N    ν = ν₀ + N + F    μ* = Σr/κ    W⁻¹ = 1 + Σrrᵀ - κμ*μ*ᵀ + λ·βᵀβ
 *
 * r are the rows without what the link β [F,D] explains, whose columns share Λ (Simm et al. 2017, eq. 8).  A Wishart variate is
 * L⁻ᵀ·B·(L⁻ᵀ·B)ᵀ with W⁻¹ = L·Lᵀ and Bartlett's triangle B.
 */
#include <math.h>
#include <string.h>

#include "models/als/als.h"

#define KAPPA_0 1.0

typedef struct draw {
    int64_t D, W;
    float *residual, *gram;        /* [rows,W], [W,W] */
    double *inverse, *root, *mean; /* [D,D], [D,D], [D] */
    double kappa, degrees;
} draw;

static void draw_free(draw *d) {
    ig_free(d->residual);
    ig_free(d->gram);
    ig_free(d->inverse);
    ig_free(d->root);
    ig_free(d->mean);
}

static ig_status draw_new(draw *d, const als_fit *f, const als_side *s, ig_error *err) {
    size_t W = (size_t)f->c->width, D = (size_t)f->c->D;
    *d = (draw){.D = f->c->D, .W = f->c->width, .kappa = KAPPA_0 + (double)s->rows, .degrees = (double)(D + s->rows)};
    d->residual = ig_calloc(s->rows + 1, W * sizeof *d->residual);
    d->gram = ig_calloc(W * W, sizeof *d->gram);
    d->inverse = ig_calloc(D * D, sizeof *d->inverse);
    d->root = ig_calloc(D * D, sizeof *d->root);
    d->mean = ig_calloc(D, sizeof *d->mean);
    if (d->residual && d->gram && d->inverse && d->root && d->mean) return IG_OK;
    draw_free(d);
    return ig_error_nomem(err, s->rows * W * sizeof(float));
}

/* ---- the posterior's numbers ---- */

static void add_gram(draw *d, double factor) {
    for (int64_t i = 0; i < d->D; i++)
        for (int64_t j = 0; j < d->D; j++) d->inverse[i * d->D + j] += factor * d->gram[i * d->W + j];
}

static ig_status add_link(draw *d, const als_fit *f, int side, ig_error *err) {
    const als_side *s = &f->side[side], *other = &f->side[!side];
    if (!s->link) return IG_OK;
    IG_TRY(als_gram(f->ctx, f->k, s->link, other->rows, (size_t)d->W, d->gram, err));
    add_gram(d, s->link_precision);
    d->degrees += (double)other->rows;
    return IG_OK;
}

static void residuals(draw *d, const als_fit *f, const als_side *s) {
    size_t W = (size_t)d->W;
    memcpy(d->residual, s->x, s->rows * W * sizeof *s->x);
    if (s->shift) f->k->axpby(d->residual, s->shift, -1, 1, s->rows * W);
    for (size_t r = 0; r < s->rows; r++)
        for (int64_t i = 0; i < d->D; i++) d->mean[i] += d->residual[r * W + (size_t)i] / d->kappa;
}

static ig_status posterior(draw *d, const als_fit *f, int side, ig_error *err) {
    const als_side *s = &f->side[side];
    residuals(d, f, s);
    IG_TRY(als_gram(f->ctx, f->k, d->residual, s->rows, (size_t)d->W, d->gram, err));
    add_gram(d, 1);
    for (int64_t i = 0; i < d->D; i++) {
        d->inverse[i * d->D + i] += 1;
        for (int64_t j = 0; j < d->D; j++) d->inverse[i * d->D + j] -= d->kappa * d->mean[i] * d->mean[j];
    }
    return add_link(d, f, side, err);
}

/* ---- the draws ---- */

/* root = L⁻ᵀ·B, column by column; a row of B is made where it is needed, in a fixed order. */
static bool wishart(draw *d, double *precision, ig_rng *r) {
    int64_t D = d->D;
    if (!als_cholesky(d->inverse, D)) return false;
    for (int64_t j = 0; j < D; j++) {
        double *column = precision; /* scratch until the product below */
        for (int64_t i = 0; i < j; i++) column[i] = 0;
        column[j] = sqrt(2 * als_gamma(r, (d->degrees - (double)j) / 2));
        for (int64_t i = j + 1; i < D; i++) column[i] = ig_rng_normal(r);
        als_backward(d->inverse, column, D);
        for (int64_t i = 0; i < D; i++) d->root[i * D + j] = column[i];
    }
    for (int64_t i = 0; i < D; i++)
        for (int64_t j = 0; j <= i; j++) {
            double v = 0;
            for (int64_t k = 0; k < D; k++) v += d->root[i * D + k] * d->root[j * D + k];
            precision[i * D + j] = precision[j * D + i] = v;
        }
    return true;
}

static bool mean(draw *d, const als_side *s, ig_rng *r) {
    double *z = d->inverse;
    memcpy(d->root, s->precision, (size_t)(d->D * d->D) * sizeof *d->root);
    if (!als_cholesky(d->root, d->D)) return false;
    for (int64_t i = 0; i < d->D; i++) z[i] = ig_rng_normal(r);
    als_backward(d->root, z, d->D);
    for (int64_t i = 0; i < d->D; i++) s->mu[i] = d->mean[i] + z[i] / sqrt(d->kappa);
    return true;
}

static void spread(const als_fit *f, als_side *s) {
    int64_t W = f->c->width, D = f->c->D;
    for (int64_t i = 0; i < D; i++) {
        s->prior[i] = (float)s->mu[i];
        for (int64_t j = 0; j < D; j++) s->base[i * W + j] = (float)s->precision[i * D + j];
    }
    for (int64_t i = D; i < W; i++) s->base[i * W + i] = 1;
}

static ig_status sample(draw *d, als_fit *f, int side, ig_error *err) {
    als_side *s = &f->side[side];
    ig_rng r;
    als_random(f, side, ALS_DRAW_PRIOR, 0, &r);
    IG_TRY(posterior(d, f, side, err));
    if (!wishart(d, s->precision, &r) || !mean(d, s, &r))
        return ig_error_set(err, IG_E_NUMERIC, "sweep %d: the rows of %s have no distribution; check the values of the data", f->sweep,
                            side == ALS_USERS ? "users" : "items");
    spread(f, s);
    return s->link ? als_sample_link(f, side, d->root, err) : IG_OK;
}

ig_status als_sample_side(als_fit *f, int side, ig_error *err) {
    draw d;
    IG_TRY(draw_new(&d, f, &f->side[side], err));
    ig_status s = sample(&d, f, side, err);
    draw_free(&d);
    return s;
}

/* Gamma(1 + n/2, 1 + squared errors/2); als_measure has just been here. */
void als_sample_noise(als_fit *f) {
    double n = (double)f->side[ALS_USERS].offset[f->side[ALS_USERS].rows];
    ig_rng r;
    als_random(f, 0, ALS_DRAW_NOISE, 0, &r);
    f->noise = als_gamma(&r, 1 + n / 2) / (1 + f->loss * f->loss * n / 2);
}
