/* models/als/rows.c: one row of one side: its normal equations, and their solution.
 *
 *     A = base + Σ w·g·gᵀ (+ λ·n)      b = base·prior + Σ pull·g      x = A⁻¹·b
 *
 * g is the other side's row as it multiplies this one; its bias is taken off the target.  Interactions go through in chunks
 * that stay in the first cache.  The Gram trick of implicit data: all pairs weigh 1, which is yᵀy in `base`, once for all
 * rows; what is there weighs only its excess c - 1 here.
 */
#include <math.h>
#include <string.h>

#include "models/als/als.h"

#define GRAM_PARTS 16

/* ---- scratch ---- */

size_t als_work_floats(const als_config *c) {
    size_t w = (size_t)c->width;
    return w * w + 2 * ALS_CHUNK * w + 5 * w;
}

void als_work_slice(als_work *w, const als_config *c, float *block) {
    size_t n = (size_t)c->width;
    w->a = block, block += n * n;
    w->panel = block, block += ALS_CHUNK * n;
    w->scaled = block, block += ALS_CHUNK * n;
    w->b = block, block += n;
    w->z = block, block += n;
    w->r = block, block += n;
    w->p = block, block += n;
    w->q = block;
}

/* ---- what goes into the equations ---- */

void als_regressor(const als_config *c, const als_view *v, int64_t i, float *out) {
    size_t K = (size_t)c->rank, first = c->bias;
    if (c->bias) out[0] = 1;
    memcpy(out + first, v->factors + i * v->stride, K * sizeof *out);
    memset(out + first + K, 0, ((size_t)c->width - first - K) * sizeof *out);
}

void als_weigh(const als_problem *p, int64_t other, float value, float *weight, float *pull) {
    const als_config *c = p->c;
    if (c->explicit_values) {
        float bias = c->bias ? p->y.bias[other * p->y.bias_stride] : 0;
        *weight = p->noise;
        *pull = p->noise * (value - p->mean - bias);
        return;
    }
    float size = fabsf(value);
    *weight = (float)c->alpha * (c->log_confidence ? log1pf(size) : size);
    *pull = value > 0 ? 1 + *weight : 0;
}

/* Zhou's weighted λ counts a row's interactions. */
static float ridge(const als_config *c, size_t n) { return c->weighted && !c->bayesian ? (float)c->regularization * (float)n : 0; }

/* The matrix without the row's own interactions; ones where D ends, so that the factor exists. */
void als_base(const als_config *c, const float *gram, const float *precision, float *base) {
    size_t W = (size_t)c->width, D = (size_t)c->D;
    memset(base, 0, W * W * sizeof *base);
    for (size_t i = 0; i < D; i++) {
        float *row = base + i * W;
        if (gram) memcpy(row, gram + i * W, D * sizeof *row);
        if (precision) memcpy(row, precision + i * D, D * sizeof *row);
        if (!precision && !c->weighted) row[i] += (float)(c->bias && i == 0 ? c->bias_regularization : c->regularization);
    }
    for (size_t i = D; i < W; i++) base[i * W + i] = 1;
}

static size_t fill_panel(const als_problem *p, als_work *w, const ig_history *h, size_t from) {
    size_t W = (size_t)p->c->width, n = h->count - from < ALS_CHUNK ? h->count - from : ALS_CHUNK;
    for (size_t k = 0; k < n; k++) als_regressor(p->c, &p->y, h->number[from + k], w->panel + k * W);
    return n;
}

/* λ·n on the diagonal; a row without interactions has only the prior to go by. */
static void add_ridge(const als_config *c, size_t n, float *a) {
    if (!c->weighted || c->bayesian) return;
    size_t W = (size_t)c->width;
    for (size_t i = 0; i < (size_t)c->D; i++) {
        double of = c->bias && i == 0 ? c->bias_regularization : c->regularization;
        a[i * W + i] += (float)(of * (n ? (double)n : 1));
    }
}

void als_build(const als_problem *p, als_work *w, const ig_history *h, const float *prior) {
    size_t W = (size_t)p->c->width;
    memcpy(w->a, p->base, W * W * sizeof *w->a);
    for (size_t i = 0; i < W; i++) w->b[i] = prior ? p->k->dot(p->base + i * W, prior, W) : 0;
    for (size_t from = 0; from < h->count; from += ALS_CHUNK) {
        size_t n = fill_panel(p, w, h, from);
        for (size_t k = 0; k < n; k++) {
            float weight, pull;
            als_weigh(p, h->number[from + k], h->value[from + k], &weight, &pull);
            p->k->axpby(w->b, w->panel + k * W, pull, 1, W);
            for (size_t i = 0; i < W; i++) w->scaled[k * W + i] = weight * w->panel[k * W + i];
        }
        p->k->add_outer(w->a, w->scaled, w->panel, n, W);
    }
    add_ridge(p->c, h->count, w->a);
}

bool als_solve(const als_problem *p, als_work *w, const float *z, float *x) {
    size_t W = (size_t)p->c->width;
    if (!p->k->cholesky(w->a, W)) return false;
    p->k->cholesky_solve(w->a, w->b, z, W);
    memcpy(x, w->b, W * sizeof *x);
    memset(x + p->c->D, 0, (W - (size_t)p->c->D) * sizeof *x);
    return true;
}

/* ---- conjugate gradients ---- */

/* out = A·v, without A; with b not NULL also b += Σ pull·g. */
static void multiply(const als_problem *p, als_work *w, const ig_history *h, const float *v, float *out, float *b) {
    size_t W = (size_t)p->c->width;
    for (size_t i = 0; i < W; i++) out[i] = p->k->dot(p->base + i * W, v, W);
    p->k->axpby(out, v, ridge(p->c, h->count ? h->count : 1), 1, (size_t)p->c->D);
    for (size_t k = 0; k < h->count; k++) {
        float weight, pull, *g = w->panel;
        als_regressor(p->c, &p->y, h->number[k], g);
        als_weigh(p, h->number[k], h->value[k], &weight, &pull);
        p->k->axpby(out, g, weight * p->k->dot(g, v, W), 1, W);
        if (b) p->k->axpby(b, g, pull, 1, W);
    }
}

void als_descend(const als_problem *p, als_work *w, const ig_history *h, float *x) {
    size_t W = (size_t)p->c->width;
    memset(w->r, 0, W * sizeof *w->r);
    multiply(p, w, h, x, w->q, w->r);
    p->k->axpby(w->r, w->q, -1, 1, W);
    memcpy(w->p, w->r, W * sizeof *w->p);
    float size = p->k->dot(w->r, w->r, W), first = size;
    for (int step = 0; step < p->c->cg_steps && size > 1e-12f * first && size > 0; step++) {
        multiply(p, w, h, w->p, w->q, NULL);
        float along = size / p->k->dot(w->p, w->q, W);
        p->k->axpby(x, w->p, along, 1, W);
        p->k->axpby(w->r, w->q, -along, 1, W);
        float next = p->k->dot(w->r, w->r, W);
        p->k->axpby(w->p, w->r, 1, next / size, W);
        size = next;
    }
}

/* ---- the Gram matrix ---- */

typedef struct gram_job {
    const ig_kernels *k;
    const float *x;
    float *part; /* [GRAM_PARTS,W,W] */
    size_t n, width;
} gram_job;

static void sum_parts(void *arg, size_t begin, size_t end, int thread) {
    const gram_job *j = arg;
    (void)thread;
    for (size_t i = begin; i < end; i++) {
        size_t from = j->n * i / GRAM_PARTS, to = j->n * (i + 1) / GRAM_PARTS;
        const float *x = j->x + from * j->width;
        j->k->add_outer(j->part + i * j->width * j->width, x, x, to - from, j->width);
    }
}

ig_status als_gram(ig_context *ctx, const ig_kernels *k, const float *x, size_t n, size_t width, float *gram, ig_error *err) {
    size_t size = width * width;
    gram_job j = {.k = k, .x = x, .part = ig_calloc(GRAM_PARTS * size, sizeof *j.part), .n = n, .width = width};
    if (!j.part) return ig_error_nomem(err, GRAM_PARTS * size * sizeof *j.part);
    ig_parallel_for(ctx, GRAM_PARTS, 1, sum_parts, &j);
    for (size_t i = 1; i < GRAM_PARTS; i++) k->axpby(j.part, j.part + i * size, 1, 1, size);
    for (size_t r = 0; r < width; r++)
        for (size_t c = 0; c <= r; c++) gram[r * width + c] = gram[c * width + r] = j.part[r * width + c];
    ig_free(j.part);
    return IG_OK;
}
