/* models/als/sweep.c: all rows of one side, on all cores; and how well the rows fit.
 *
 * Rows are independent, so threads take the next few whenever they are free: rows differ a thousandfold in their work, and the
 * result does not depend on who solved which.
 */
#include <math.h>
#include <string.h>

#include "models/als/als.h"

#define ROWS_AT_ONCE 8

typedef struct row_job {
    als_fit *f;
    als_problem p;
    int side;
    size_t next;      /* row that nobody has taken; atomic */
    int failed;       /* atomic: 1 + a row whose matrix has no factor */
} row_job;

void als_random(const als_fit *f, int side, uint64_t what, uint64_t row, ig_rng *r) {
    uint64_t place[3] = {(uint64_t)f->sweep, (uint64_t)side << 8 | what, row};
    ig_rng_init(r, f->o->seed, ig_hash64(place, sizeof place, 0));
}

static als_view view(const als_fit *f, int side) {
    const als_config *c = f->c;
    const float *x = f->side[side].x;
    return (als_view){.factors = x + (c->bias ? 1 : 0), .bias = c->bias ? x : NULL, .stride = c->width, .bias_stride = c->width};
}

static ig_history history(const als_side *s, size_t row) {
    size_t from = (size_t)s->offset[row];
    return (ig_history){.number = s->index + from, .value = s->value + from, .count = (size_t)s->offset[row + 1] - from};
}

/* ---- solving ---- */

/* The prior mean of a row: mu, and what the link adds. */
static const float *prior_of(const als_fit *f, const als_side *s, size_t row, float *out) {
    size_t W = (size_t)f->c->width;
    if (!f->c->bayesian) return NULL;
    if (!s->shift) return s->prior;
    memcpy(out, s->prior, W * sizeof *out);
    f->k->axpby(out, s->shift + row * W, 1, 1, W);
    return out;
}

static const float *noise_of(const als_fit *f, int side, size_t row, float *z) {
    ig_rng r;
    if (!f->c->bayesian) return NULL;
    als_random(f, side, ALS_DRAW_ROW, row, &r);
    for (int64_t i = 0; i < f->c->D; i++) z[i] = (float)ig_rng_normal(&r);
    for (int64_t i = f->c->D; i < f->c->width; i++) z[i] = 0;
    return z;
}

static void solve_row(row_job *j, als_work *w, size_t row) {
    als_fit *f = j->f;
    als_side *s = &f->side[j->side];
    float *x = s->x + row * (size_t)f->c->width;
    ig_history h = history(s, row);
    if (f->c->conjugate) {
        als_descend(&j->p, w, &h, x);
        return;
    }
    als_build(&j->p, w, &h, prior_of(f, s, row, w->r));
    if (!als_solve(&j->p, w, noise_of(f, j->side, row, w->z), x)) __atomic_store_n(&j->failed, 1 + (int)row, __ATOMIC_RELAXED);
}

static void solve_rows(void *arg, size_t begin, size_t end, int thread) {
    row_job *j = arg;
    als_work w;
    (void)begin, (void)end;
    als_work_slice(&w, j->f->c, j->f->work + (size_t)thread * als_work_floats(j->f->c));
    size_t rows = j->f->side[j->side].rows;
    for (size_t r; (r = __atomic_fetch_add(&j->next, ROWS_AT_ONCE, __ATOMIC_RELAXED)) < rows;)
        for (size_t i = r; i < rows && i < r + ROWS_AT_ONCE; i++) solve_row(j, &w, i);
}

static ig_status make_base(als_fit *f, int side, ig_error *err) {
    const als_config *c = f->c;
    const als_side *other = &f->side[!side];
    if (c->bayesian) return IG_OK;
    if (!c->explicit_values) IG_TRY(als_gram(f->ctx, f->k, other->x, other->rows, (size_t)c->width, f->gram, err));
    als_base(c, c->explicit_values ? NULL : f->gram, NULL, f->base);
    return IG_OK;
}

ig_status als_solve_side(als_fit *f, int side, ig_error *err) {
    size_t threads = (size_t)ig_context_threads(f->ctx);
    IG_TRY(make_base(f, side, err));
    row_job j = {.f = f, .side = side};
    j.p = (als_problem){.c = f->c, .k = f->k, .y = view(f, !side), .base = f->c->bayesian ? f->side[side].base : f->base,
                        .noise = f->c->bayesian ? (float)f->noise : 1, .mean = (float)f->mean};
    ig_parallel_for(f->ctx, threads, 1, solve_rows, &j);
    if (!j.failed) return IG_OK;
    return ig_error_set(err, IG_E_NUMERIC, "sweep %d: the equations of %s %d have no solution; use a larger regularization, or check its values",
                        f->sweep, side == ALS_USERS ? "user" : "item", j.failed - 1);
}

/* ---- measuring ---- */

static double row_error(const als_fit *f, const als_problem *p, size_t row) {
    const als_config *c = f->c;
    const als_side *users = &f->side[ALS_USERS];
    const float *x = users->x + row * (size_t)c->width, *y = f->side[ALS_ITEMS].x;
    ig_history h = history(users, row);
    double sum = 0;
    for (size_t k = 0; k < h.count; k++) {
        const float *g = y + h.number[k] * c->width;
        float weight, pull, score = f->k->dot(x, g, (size_t)c->width);
        if (c->explicit_values) {
            if (c->bias) score += x[0] + g[0] - x[0] * g[0];
            double e = h.value[k] - f->mean - score;
            sum += e * e;
            continue;
        }
        als_weigh(p, h.number[k], h.value[k], &weight, &pull);
        double liked = h.value[k] > 0, e = liked - score;
        sum += (1 + weight) * e * e - (double)score * score;
    }
    return sum;
}

static void measure_rows(void *arg, size_t begin, size_t end, int thread) {
    als_fit *f = arg;
    als_problem p = {.c = f->c, .k = f->k, .mean = (float)f->mean};
    (void)thread;
    for (size_t r = begin; r < end; r++) f->error[r] = row_error(f, &p, r);
}

/* Σ over all pairs of (x·y)² is the product of the two Gram matrices; f->gram is that of the items after the users' turn. */
static double all_pairs(als_fit *f) {
    size_t W = (size_t)f->c->width;
    double sum = 0;
    if (als_gram(f->ctx, f->k, f->side[ALS_USERS].x, f->side[ALS_USERS].rows, W, f->base, NULL) != IG_OK) return NAN;
    for (size_t i = 0; i < W * W; i++) sum += (double)f->gram[i] * f->base[i];
    return sum;
}

void als_measure(als_fit *f) {
    size_t users = f->side[ALS_USERS].rows;
    double n = (double)f->side[ALS_USERS].offset[users];
    f->loss = f->c->explicit_values ? 0 : all_pairs(f);
    ig_parallel_for(f->ctx, users, 64, measure_rows, f);
    for (size_t u = 0; u < users; u++) f->loss += f->error[u];
    f->loss = n > 0 ? f->loss / n : 0;
    if (f->c->explicit_values) f->loss = sqrt(f->loss);
}
