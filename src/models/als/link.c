/* models/als/link.c: what a row's prior mean has from what the row holds: a user from his items, an item from its users.
 *
 *     prior mean of row r = μ + Σ_{j in row r} β_j / √n_r                         (Koren 2008, eq. 15: SVD++)
 *
 * With X the table of 1/√n, a draw of β [F,D] solves       (XᵀX + λ)·β = Xᵀ(x - μ + E₁) + √λ·E₂
 * where the rows of E₁ and E₂ are normal with precision Λ  (Simm et al. 2017, eq. 9).  The D columns are solved side by side by
 * conjugate gradients; XᵀX is never built.
 */
#include <math.h>
#include <string.h>

#include "models/als/als.h"

#define STEPS_MAX 25
#define TOLERANCE 1e-3 /* of a column's residual: far below the noise of a draw */

/* ---- sums over the rows of the data ---- */

typedef struct sum_job {
    const ig_kernels *k;
    const als_side *rows;    /* whose rows are summed over */
    const float *in, *scale; /* of the rows: scale[r]^power, NULL: 1 */
    float *out;
    size_t W;
    int power;
} sum_job;

static void sum_rows(void *arg, size_t begin, size_t end, int thread) {
    const sum_job *j = arg;
    (void)thread;
    for (size_t r = begin; r < end; r++) {
        float *out = j->out + r * j->W, factor = j->scale ? j->scale[r] : 1;
        size_t from = (size_t)j->rows->offset[r], n = (size_t)j->rows->offset[r + 1] - from;
        j->k->sum_rows_at(out, j->in, j->rows->index + from, n, j->W);
        if (j->power == 2) factor *= factor;
        if (j->scale) j->k->axpby(out, out, 0, factor, j->W);
    }
}

static void add_up(const als_fit *f, const als_side *rows, const float *scale, int power, const float *in, float *out) {
    sum_job j = {.k = f->k, .rows = rows, .in = in, .scale = scale, .out = out, .W = (size_t)f->c->width, .power = power};
    ig_parallel_for(f->ctx, rows->rows, 32, sum_rows, &j);
}

void als_link_shift(als_fit *f, int side) {
    als_side *s = &f->side[side];
    if (s->link) add_up(f, s, s->scale, 1, s->link, s->shift);
}

/* ---- conjugate gradients over columns ---- */

typedef struct solver {
    als_fit *f;
    const als_side *s, *other;
    size_t W, n;               /* n = rows of the other side · W */
    float *right, *r, *p, *q;  /* [F,W] */
    float *m;                  /* [rows,W] */
    float lambda;
} solver;

static void apply(solver *v, const float *in, float *out) {
    add_up(v->f, v->s, v->s->scale, 2, in, v->m);
    add_up(v->f, v->other, NULL, 0, v->m, out);
    v->f->k->axpby(out, in, v->lambda, 1, v->n);
}

static void column_dots(const solver *v, const float *a, const float *b, double *out) {
    memset(out, 0, v->W * sizeof *out);
    for (size_t i = 0; i < v->n; i += v->W)
        for (size_t c = 0; c < v->W; c++) out[c] += (double)a[i + c] * b[i + c];
}

/* y = factor·x + keep·y, a factor for each column */
static void add_columns(const solver *v, float *y, const float *x, const double *factor, const double *keep) {
    for (size_t i = 0; i < v->n; i += v->W)
        for (size_t c = 0; c < v->W; c++) y[i + c] = (float)(factor[c] * x[i + c] + (keep ? keep[c] : 1) * y[i + c]);
}

static bool step(solver *v, float *x, double *size, const double *first) {
    double along[IG_NORMAL_MAX], back[IG_NORMAL_MAX], next[IG_NORMAL_MAX], one[IG_NORMAL_MAX];
    bool done = true;
    apply(v, v->p, v->q);
    column_dots(v, v->p, v->q, along);
    for (size_t c = 0; c < v->W; c++) {
        along[c] = along[c] > 0 ? size[c] / along[c] : 0;
        back[c] = -along[c];
        one[c] = 1;
    }
    add_columns(v, x, v->p, along, NULL);
    add_columns(v, v->r, v->q, back, NULL);
    column_dots(v, v->r, v->r, next);
    for (size_t c = 0; c < v->W; c++) {
        double ratio = size[c] > 0 ? next[c] / size[c] : 0;
        size[c] = next[c];
        next[c] = ratio;
        if (size[c] > TOLERANCE * TOLERANCE * first[c]) done = false;
    }
    add_columns(v, v->p, v->r, one, next);
    return !done;
}

/* From the last draw on: it is near. */
static void solve(solver *v, float *x) {
    double size[IG_NORMAL_MAX], first[IG_NORMAL_MAX];
    column_dots(v, v->right, v->right, first);
    apply(v, x, v->r);
    v->f->k->axpby(v->r, v->right, 1, -1, v->n);
    memcpy(v->p, v->r, v->n * sizeof *v->p);
    column_dots(v, v->r, v->r, size);
    for (int i = 0; i < STEPS_MAX && step(v, x, size, first); i++) {}
}

/* ---- the draw ---- */

/* Add a row of N(0, Λ⁻¹), times `factor`, to out; root: Λ = root·rootᵀ. */
static void add_noise(const als_fit *f, int side, int what, size_t row, const double *root, double factor, float *out) {
    double z[IG_NORMAL_MAX];
    ig_rng r;
    als_random(f, side, (uint64_t)what, row, &r);
    for (int64_t i = 0; i < f->c->D; i++) z[i] = ig_rng_normal(&r);
    als_backward(root, z, f->c->D);
    for (int64_t i = 0; i < f->c->D; i++) out[i] += (float)(factor * z[i]);
}

/* right = Xᵀ(x - μ + E₁) + √λ·E₂ */
static void make_right(solver *v, int side, const double *root) {
    for (size_t r = 0; r < v->s->rows; r++) {
        float *m = v->m + r * v->W;
        memcpy(m, v->s->x + r * v->W, v->W * sizeof *m);
        v->f->k->axpby(m, v->s->prior, -1, 1, v->W);
        add_noise(v->f, side, ALS_DRAW_LINK_ROW, r, root, 1, m);
        v->f->k->axpby(m, m, 0, v->s->scale[r], v->W);
    }
    add_up(v->f, v->other, NULL, 0, v->m, v->right);
    for (size_t j = 0; j < v->other->rows; j++)
        add_noise(v->f, side, ALS_DRAW_LINK, j, root, sqrt(v->s->link_precision), v->right + j * v->W);
}

/* λ ~ Gamma((1 + F·D)/2, (1 + Σ βᵀΛβ)/2) */
static void sample_precision(als_fit *f, int side) {
    als_side *s = &f->side[side];
    int64_t D = f->c->D, W = f->c->width;
    size_t F = f->side[!side].rows;
    double sum = 1;
    ig_rng r;
    for (size_t j = 0; j < F; j++)
        for (int64_t i = 0; i < D; i++) {
            double v = 0;
            for (int64_t k = 0; k < D; k++) v += s->precision[i * D + k] * s->link[j * (size_t)W + (size_t)k];
            sum += v * s->link[j * (size_t)W + (size_t)i];
        }
    als_random(f, side, ALS_DRAW_SCALE, 0, &r);
    s->link_precision = als_gamma(&r, fmax(1, (1 + (double)F * (double)D) / 2)) / (sum / 2);
}

ig_status als_sample_link(als_fit *f, int side, const double *root, ig_error *err) {
    als_side *s = &f->side[side];
    solver v = {.f = f, .s = s, .other = &f->side[!side], .W = (size_t)f->c->width, .lambda = (float)s->link_precision};
    v.n = v.other->rows * v.W;
    float *block = ig_calloc(4 * v.n + s->rows * v.W + 1, sizeof *block);
    if (!block) return ig_error_nomem(err, (4 * v.n + s->rows * v.W) * sizeof *block);
    v.right = block, v.r = block + v.n, v.p = block + 2 * v.n, v.q = block + 3 * v.n, v.m = block + 4 * v.n;
    make_right(&v, side, root);
    solve(&v, s->link);
    ig_free(block);
    sample_precision(f, side);
    als_link_shift(f, side);
    return IG_OK;
}
