/* retrieval/match_svm.c: dual coordinate descent for the squared hinge loss (Hsieh et al. 2008, "A dual coordinate descent
 * method for large-scale linear SVM", algorithm 3 with shrinking).
 *
 *     min ½‖w‖² + Σ C_i max(0, 1 - y_i w·x_i)²        C_i = c · weight_i,  y_i = +1 for the label, -1 for the rest
 *
 * One α_i >= 0 per question; a step solves for one of them exactly and moves w by it.  Labels are independent of each other
 * and are cut over the threads; each has random numbers of its own, so the threads change no bit.
 */
#include "retrieval/match_svm.h"

#include <float.h>
#include <math.h>
#include <stdatomic.h>
#include <string.h>

enum { ROUNDS_MAX = 60 };
#define TOLERANCE 0.1

/* One label's problem. */
typedef struct problem {
    const match_svm_set *set;
    const double *norm;   /* [n] x·x + 1 */
    float *w;             /* [terms + 1] */
    double *alpha;        /* [n] */
    uint32_t *order;      /* [n] the first `active` are looked at */
    size_t active;
    double highest, lowest;          /* projected gradient of this round */
    double shrink_high, shrink_low;  /* of the round before */
} problem;

static double margin_of(const problem *p, uint32_t row) {
    const match_rows *x = p->set->x;
    double sum = (double)p->w[p->set->terms];
    for (uint64_t k = x->start[row]; k < x->start[row + 1]; k++) sum += (double)p->w[x->term[k]] * (double)x->value[k];
    return sum;
}

static void move(problem *p, uint32_t row, float by) {
    const match_rows *x = p->set->x;
    for (uint64_t k = x->start[row]; k < x->start[row + 1]; k++) p->w[x->term[k]] += by * x->value[k];
    p->w[p->set->terms] += by;
}

/* One step on the i-th question.  False: it lies so far on the right side that it may rest. */
static bool step(problem *p, uint32_t i, int32_t label) {
    const match_svm_set *s = p->set;
    uint32_t row = s->use[i];
    double y = s->label[row] == label ? 1 : -1, diagonal = 0.5 / (s->c * (double)s->weight[row]);
    double g = y * margin_of(p, row) - 1 + p->alpha[i] * diagonal, projected = g;
    if (p->alpha[i] == 0) {
        if (g > p->shrink_high) return false;
        if (g > 0) projected = 0;
    }
    if (projected > p->highest) p->highest = projected;
    if (projected < p->lowest) p->lowest = projected;
    if (fabs(projected) < 1e-12) return true;
    double before = p->alpha[i], next = before - g / (p->norm[i] + diagonal);
    p->alpha[i] = next > 0 ? next : 0;
    move(p, row, (float)((p->alpha[i] - before) * y));
    return true;
}

static void solve(problem *p, int32_t label) {
    ig_rng rng;
    size_t n = p->set->n;
    ig_rng_init(&rng, p->set->seed, (uint64_t)label);
    memset(p->w, 0, (p->set->terms + 1) * sizeof *p->w);
    for (size_t i = 0; i < n; i++) p->alpha[i] = 0, p->order[i] = (uint32_t)i;
    p->active = n, p->shrink_high = DBL_MAX;
    for (int round = 0; round < ROUNDS_MAX; round++) {
        p->highest = -DBL_MAX, p->lowest = DBL_MAX;
        for (size_t i = 0; i < p->active; i++) {
            size_t j = i + ig_rng_below(&rng, p->active - i);
            uint32_t other = p->order[i];
            p->order[i] = p->order[j], p->order[j] = other;
        }
        for (size_t i = 0; i < p->active;) {
            uint32_t at = p->order[i];
            if (step(p, at, label)) i++;
            else p->order[i] = p->order[--p->active], p->order[p->active] = at;
        }
        p->shrink_high = p->highest > 0 ? p->highest : DBL_MAX;
        if (p->highest - p->lowest > TOLERANCE) continue;
        if (p->active == n) break;
        p->active = n, p->shrink_high = DBL_MAX; /* wake all: is it true for them too? */
    }
}

typedef struct job {
    const match_svm_set *set;
    const double *norm;
    match_svm *out;
    atomic_bool failed;
} job;

static void train_range(void *arg, size_t begin, size_t end, int thread) {
    job *j = arg;
    const match_svm_set *s = j->set;
    size_t n = s->n ? s->n : 1;
    (void)thread;
    problem p = {.set = s, .norm = j->norm, .w = ig_calloc(s->terms + 1, sizeof *p.w), .alpha = ig_calloc(n, sizeof *p.alpha),
                 .order = ig_calloc(n, sizeof *p.order)};
    if (!p.w || !p.alpha || !p.order) j->failed = true;
    else
        for (size_t label = begin; label < end; label++) {
            solve(&p, (int32_t)label);
            for (size_t t = 0; t <= s->terms; t++) j->out->weight[t * j->out->stride + label] = p.w[t];
        }
    ig_free(p.w);
    ig_free(p.alpha);
    ig_free(p.order);
}

static double *norms(const match_svm_set *s) {
    double *norm = ig_calloc(s->n ? s->n : 1, sizeof *norm);
    for (size_t i = 0; norm && i < s->n; i++) {
        norm[i] = 1;
        for (uint64_t k = s->x->start[s->use[i]]; k < s->x->start[s->use[i] + 1]; k++)
            norm[i] += (double)s->x->value[k] * (double)s->x->value[k];
    }
    return norm;
}

ig_status match_svm_train(ig_context *ctx, const match_svm_set *set, match_svm *out, ig_error *err) {
    *out = (match_svm){.terms = set->terms, .labels = set->labels, .stride = (set->labels + 15) / 16 * 16};
    out->weight = ig_calloc((set->terms + 1) * out->stride, sizeof *out->weight);
    double *norm = norms(set);
    job j = {.set = set, .norm = norm, .out = out};
    if (norm && out->weight) ig_parallel_for(ctx, set->labels, 1, train_range, &j);
    bool failed = !norm || !out->weight || j.failed;
    ig_free(norm);
    if (!failed) return IG_OK;
    match_svm_fini(out);
    return ig_error_nomem(err, (set->terms + 1) * sizeof(float));
}

void match_svm_margins(const match_svm *s, const uint32_t *term, const float *value, size_t n, float *margin) {
    memcpy(margin, s->weight + s->terms * s->stride, s->stride * sizeof *margin);
    for (size_t k = 0; k < n; k++) {
        const float *row = s->weight + term[k] * s->stride;
        for (size_t c = 0; c < s->stride; c++) margin[c] += value[k] * row[c];
    }
}

void match_svm_fini(match_svm *s) {
    ig_free(s->weight);
    *s = (match_svm){0};
}
