/* models/als/answer.c: scores of items and users, neighbours, and reasons.
 *
 * The mean of the predictions of all parts is one product, because the parts of a row stand side by side:
 *
 *     score(u, i) = mean + (Σ_p b_u,p + b_i,p)/parts + x_u·y_i/parts
 *
 * Somebody new is folded in: his row is solved part by part against the other side as it is, which is what the last half of a
 * sweep does for those who are known.  A row is linear in what its interactions pull, so a score falls apart into one share
 * for each of them:   y_iᵀ·A⁻¹·Σ_j pull_j·g_j   (Hu, Koren & Volinsky 2008, section 5)
 */
#include <math.h>
#include <string.h>

#include "models/als/als.h"

static const als *state(const ig_model *m) { return m->state; }
static const float *data_of(const ig_param *p) { return p ? p->value.data : NULL; }

/* ---- folding in ---- */

typedef struct folding {
    const ig_model *m;
    const als *s;
    const als_config *c;
    const ig_kernels *k;
    int side;             /* of the row that is solved */
    float *block, *base, *gram, *x;
    als_work w;
    als_problem p;
} folding;

static als_view part_view(const als *s, int side, int64_t part) {
    const als_config *c = &s->c;
    const float *bias = data_of(s->t[side].bias);
    return (als_view){.factors = data_of(s->t[side].factors) + part * c->rank, .bias = bias ? bias + part : NULL,
                      .stride = c->parts * c->rank, .bias_stride = c->parts};
}

static void folding_end(folding *f) { ig_free(f->block); }

/* The rows of the other side as [n,W], for their Gram matrix. */
static ig_status gram_of(folding *f, ig_error *err) {
    int64_t n = f->c->rows[!f->side], W = f->c->width;
    float *y = ig_calloc((size_t)n, (size_t)W * sizeof *y);
    if (!y) return ig_error_nomem(err, (size_t)(n * W) * sizeof *y);
    als_view v = part_view(f->s, !f->side, 0);
    for (int64_t i = 0; i < n; i++) als_regressor(f->c, &v, i, y + i * W);
    ig_status s = als_gram(f->m->ctx, f->k, y, (size_t)n, (size_t)W, f->gram, err);
    ig_free(y);
    return s;
}

static ig_status folding_begin(folding *f, const ig_model *m, int side, ig_error *err) {
    const als *s = state(m);
    size_t W = (size_t)s->c.width, n = als_work_floats(&s->c) + 2 * W * W + W;
    *f = (folding){.m = m, .s = s, .c = &s->c, .k = ig_kernels_of(m->ctx), .side = side};
    f->block = ig_calloc(n, sizeof *f->block);
    if (!f->block) return ig_error_nomem(err, n * sizeof *f->block);
    f->base = f->block;
    f->gram = f->base + W * W;
    f->x = f->gram + W * W;
    als_work_slice(&f->w, f->c, f->x + W);
    ig_status status = s->c.explicit_values ? IG_OK : gram_of(f, err);
    if (status != IG_OK) folding_end(f);
    return status;
}

/* mu and the link's share, [W]; NULL: none.  Stands in w.r. */
static const float *prior_of(folding *f, const ig_history *h, int64_t part) {
    const als_config *c = f->c;
    const als_tensors *t = &f->s->t[f->side];
    if (!c->bayesian) return NULL;
    memset(f->w.r, 0, (size_t)c->width * sizeof *f->w.r);
    memcpy(f->w.r, data_of(t->prior) + part * c->D, (size_t)c->D * sizeof *f->w.r);
    float scale = h->count ? 1 / sqrtf((float)h->count) : 0;
    for (size_t k = 0; t->link && k < h->count; k++)
        f->k->axpby(f->w.r, data_of(t->link) + (h->number[k] * c->parts + part) * c->D, scale, 1, (size_t)c->D);
    return f->w.r;
}

/* The equations of one part into w.a and w.b. */
static void fold_part(folding *f, const ig_history *h, int64_t part) {
    const als_config *c = f->c;
    const float *precision = data_of(f->s->t[f->side].precision);
    als_base(c, c->explicit_values ? NULL : f->gram, precision ? precision + part * c->D * c->D : NULL, f->base);
    f->p = (als_problem){.c = c, .k = f->k, .y = part_view(f->s, !f->side, part), .base = f->base,
                         .noise = f->s->noise ? data_of(f->s->noise)[part] : 1, .mean = f->s->mean ? *data_of(f->s->mean) : 0};
    als_build(&f->p, &f->w, h, prior_of(f, h, part));
}

static ig_status no_solution(ig_error *err) {
    return ig_error_set(err, IG_E_NUMERIC, "the equations of this history have no solution; check its values");
}

/* factors [parts·K] and the mean bias of a new row */
static ig_status fold(const ig_model *m, int side, const ig_history *h, float *factors, double *bias, ig_error *err) {
    folding f;
    IG_TRY(folding_begin(&f, m, side, err));
    ig_status s = IG_OK;
    *bias = 0;
    for (int64_t part = 0; part < f.c->parts && s == IG_OK; part++) {
        fold_part(&f, h, part);
        if (!als_solve(&f.p, &f.w, NULL, f.x)) s = no_solution(err);
        memcpy(factors + part * f.c->rank, f.x + f.c->bias, (size_t)f.c->rank * sizeof *factors);
        if (f.c->bias) *bias += f.x[0] / (double)f.c->parts;
    }
    folding_end(&f);
    return s;
}

/* ---- scores ---- */

static double mean_bias(const als *s, int side, int64_t row) {
    const float *bias = data_of(s->t[side].bias);
    double sum = 0;
    for (int64_t p = 0; bias && p < s->c.parts; p++) sum += bias[row * s->c.parts + p];
    return sum / (double)s->c.parts;
}

typedef struct score_job {
    const als *s;
    const ig_kernels *k;
    const float *x;  /* [parts·K] */
    double constant;
    int side;        /* that is scored */
    float *out;
} score_job;

static void score_rows(void *arg, size_t begin, size_t end, int thread) {
    const score_job *j = arg;
    const als_config *c = &j->s->c;
    size_t n = (size_t)(c->parts * c->rank);
    (void)thread;
    for (size_t r = begin; r < end; r++) {
        double v = j->constant + mean_bias(j->s, j->side, (int64_t)r);
        v += j->k->dot(j->x, data_of(j->s->t[j->side].factors) + r * n, n) / (double)c->parts;
        if (c->explicit_values) v = fmin(fmax(v, j->s->low), j->s->high);
        j->out[r] = (float)v;
    }
}

static void score_all(const ig_model *m, int side, const float *x, double bias, float *out) {
    const als *s = state(m);
    score_job j = {.s = s, .k = ig_kernels_of(m->ctx), .x = x, .side = side, .out = out};
    j.constant = bias + (s->mean ? *data_of(s->mean) : 0);
    ig_parallel_for(m->ctx, (size_t)s->c.rows[side], 1024, score_rows, &j);
}

/* Scores of the other side's rows for one row of `side`, known or folded in. */
static ig_status score(const ig_model *m, int side, int32_t row, const ig_history *h, float *out, ig_error *err) {
    const als *s = state(m);
    int64_t n = s->c.parts * s->c.rank;
    if (row >= 0) {
        score_all(m, !side, data_of(s->t[side].factors) + row * n, mean_bias(s, side, row), out);
        return IG_OK;
    }
    double bias;
    float *x = ig_calloc((size_t)n, sizeof *x);
    if (!x) return ig_error_nomem(err, (size_t)n * sizeof *x);
    ig_status status = fold(m, side, h, x, &bias, err);
    if (status == IG_OK) score_all(m, !side, x, bias, out);
    ig_free(x);
    return status;
}

static ig_status score_items(const ig_model *m, int32_t user, const ig_history *h, float *out, ig_error *err) {
    return score(m, ALS_USERS, user, h, out, err);
}

static ig_status score_users(const ig_model *m, int32_t item, const ig_history *h, float *out, ig_error *err) {
    return score(m, ALS_ITEMS, item, h, out, err);
}

/* Cosines; an item without numbers is like none. */
static ig_status similar(const ig_model *m, int32_t item, float *out, ig_error *err) {
    const als *s = state(m);
    const ig_kernels *k = ig_kernels_of(m->ctx);
    size_t n = (size_t)(s->c.parts * s->c.rank);
    const float *y = data_of(s->t[ALS_ITEMS].factors), *x = y + (size_t)item * n;
    float own = k->dot(x, x, n);
    (void)err;
    for (int64_t i = 0; i < s->c.rows[ALS_ITEMS]; i++) {
        const float *v = y + (size_t)i * n;
        float norm = k->dot(v, v, n);
        out[i] = own > 0 && norm > 0 ? k->dot(x, v, n) / sqrtf(own * norm) : 0;
    }
    return IG_OK;
}

/* ---- reasons ---- */

/* v = A⁻¹·g_i, once; each entry's share is pull·(g·v). */
static ig_status explain_part(folding *f, const ig_history *h, int32_t item, int64_t part, float *out, ig_error *err) {
    size_t W = (size_t)f->c->width;
    fold_part(f, h, part);
    als_regressor(f->c, &f->p.y, item, f->w.b);
    if (!als_solve(&f->p, &f->w, NULL, f->x)) return no_solution(err);
    for (size_t k = 0; k < h->count; k++) {
        float weight, pull;
        als_weigh(&f->p, h->number[k], h->value[k], &weight, &pull);
        als_regressor(f->c, &f->p.y, h->number[k], f->w.panel);
        out[k] += pull * f->k->dot(f->w.panel, f->x, W) / (float)f->c->parts;
    }
    return IG_OK;
}

static ig_status contributions(const ig_model *m, const ig_history *h, int32_t item, float *out, ig_error *err) {
    folding f;
    IG_TRY(folding_begin(&f, m, ALS_USERS, err));
    memset(out, 0, h->count * sizeof *out);
    ig_status s = IG_OK;
    for (int64_t part = 0; part < f.c->parts && s == IG_OK; part++) s = explain_part(&f, h, item, part, out, err);
    folding_end(&f);
    return s;
}

static const ig_interactions *data(const ig_model *m) { return &state(m)->data; }
static bool is_explicit(const ig_model *m) { return state(m)->c.explicit_values; }

const struct ig_recommender als_recommender = {
    .fit = als_fit_model,
    .data = data,
    .is_explicit = is_explicit,
    .score_items = score_items,
    .score_users = score_users,
    .similar = similar,
    .contributions = contributions,
};
