/* retrieval/rank_calibrate.c: from scores to the probability that the first is right; see rank_fuse.h.
 *
 * Learned on questions that the features have not seen, each of them twice: with its answer among the candidates, and with it
 * taken away, which is what a question looks like that the team has no answer to.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "retrieval/rank_fuse.h"

enum { FEW = 30, NEWTON = 25, NEXT = 10 };
static const double ABSENT = 0.25; /* weight of a question without an answer */
static const double KEPT = 0.25;   /* of a question that is in the index nearly word for word: these are answered too easily */
static const double RIDGE = 0.5;   /* pull to the beginning */

void ig_rank_signs(const float *score, const rank_row *const *row, size_t n, double reach, double words,
                   double sign[RANK_SIGNS]) {
    memset(sign, 0, RANK_SIGNS * sizeof *sign);
    sign[0] = 1;
    if (!n) {
        sign[1] = -8;
        return;
    }
    double others = 1e-9;
    for (size_t i = 1; i < n; i++) others += exp((double)score[i] - score[0]);
    double odds = -log(others);
    sign[1] = odds < -8 ? -8 : odds > 8 ? 8 : odds;
    sign[2] = reach > 0 ? row[0]->x[IG_RANK_WORD] / reach : 0;
    sign[3] = words > 0 ? row[0]->x[IG_RANK_TRANSLATE] / words : 0;
    sign[4] = row[0]->x[IG_RANK_FORM];
    sign[5] = row[0]->x[IG_RANK_SAME];
}

double ig_rank_sure(const float *sure, const double sign[RANK_SIGNS]) {
    double z = 0;
    for (int i = 0; i < RANK_SIGNS; i++) z += sure[i] * sign[i];
    return 1 / (1 + exp(-z));
}

typedef struct seen {
    double sign[RANK_SIGNS], weight;
    bool right;
} seen;

typedef struct ranked {
    float score;
    const rank_row *row;
} ranked;

static int by_score(const void *a, const void *b) {
    const ranked *x = a, *y = b;
    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

/* Space for sorting the candidates of one question. */
typedef struct sorting {
    ranked *list;
    float *score;
    const rank_row **row;
} sorting;

static size_t sort_rows(const rank_set *set, const rank_group *g, const float *weight, bool absent, sorting *s) {
    size_t n = 0;
    for (size_t i = 0; i < g->n; i++) {
        const rank_row *row = set->row + g->begin + i;
        if (!absent || row->label <= 0) s->list[n++] = (ranked){ig_rank_mix(weight, row->x), row};
    }
    qsort(s->list, n, sizeof *s->list, by_score);
    for (size_t i = 0; i < n; i++) {
        s->score[i] = s->list[i].score;
        s->row[i] = s->list[i].row;
    }
    return n;
}

/* Gaussian elimination with the largest pivot; a is positive definite. */
static void solve(double a[RANK_SIGNS][RANK_SIGNS], double b[RANK_SIGNS]) {
    for (int i = 0; i < RANK_SIGNS; i++) {
        for (int r = i + 1; r < RANK_SIGNS; r++) {
            double k = a[r][i] / a[i][i];
            for (int c = i; c < RANK_SIGNS; c++) a[r][c] -= k * a[i][c];
            b[r] -= k * b[i];
        }
    }
    for (int i = RANK_SIGNS - 1; i >= 0; i--) {
        for (int c = i + 1; c < RANK_SIGNS; c++) b[i] -= a[i][c] * b[c];
        b[i] /= a[i][i];
    }
}

/* What `fit` makes small: cross-entropy and the pull. */
static double loss(const seen *list, size_t n, const double *from, const double *w) {
    double sum = 0;
    for (int i = 0; i < RANK_SIGNS; i++) sum += RIDGE / 2 * (w[i] - from[i]) * (w[i] - from[i]);
    for (size_t k = 0; k < n; k++) {
        double z = 0;
        for (int i = 0; i < RANK_SIGNS; i++) z += w[i] * list[k].sign[i];
        if (list[k].right) z = -z;
        sum += list[k].weight * (z > 0 ? z + log1p(exp(-z)) : log1p(exp(z)));
    }
    return sum;
}

/* A step that would make the loss larger is halved: where the beginning is sure and wrong the curve is nearly flat, and a whole
 * step leads so far away that all answers become 0 or 1.  False when nothing is gained any more. */
static bool newton_step(const seen *list, size_t n, const double *from, double *w) {
    double a[RANK_SIGNS][RANK_SIGNS] = {{0}}, b[RANK_SIGNS];
    for (int i = 0; i < RANK_SIGNS; i++) {
        b[i] = RIDGE * (w[i] - from[i]);
        a[i][i] = RIDGE;
    }
    for (size_t k = 0; k < n; k++) {
        double z = 0;
        for (int i = 0; i < RANK_SIGNS; i++) z += w[i] * list[k].sign[i];
        double p = 1 / (1 + exp(-z)), curve = list[k].weight * (p * (1 - p) + 1e-4);
        for (int i = 0; i < RANK_SIGNS; i++) {
            b[i] += list[k].weight * (p - list[k].right) * list[k].sign[i];
            for (int j = 0; j < RANK_SIGNS; j++) a[i][j] += curve * list[k].sign[i] * list[k].sign[j];
        }
    }
    solve(a, b);
    double before = loss(list, n, from, w);
    for (double part = 1; part > 1e-6; part /= 2) {
        double next[RANK_SIGNS];
        for (int i = 0; i < RANK_SIGNS; i++) next[i] = w[i] - part * b[i];
        if (!(loss(list, n, from, next) < before)) continue;
        memcpy(w, next, sizeof next);
        return true;
    }
    return false;
}

static void fit(const seen *list, size_t n, float *sure) {
    double w[RANK_SIGNS], from[RANK_SIGNS];
    for (int i = 0; i < RANK_SIGNS; i++) w[i] = from[i] = sure[i];
    for (int step = 0; step < NEWTON && newton_step(list, n, from, w); step++) {}
    for (int i = 0; i < RANK_SIGNS; i++) {
        if (!isfinite(w[i])) return;
    }
    for (int i = 0; i < RANK_SIGNS; i++) sure[i] = (float)w[i];
}

static size_t look(const rank_set *set, const float *weight, sorting *s, seen *out, double *rest) {
    size_t n = 0;
    double wrong = 1, next = 0.5;
    for (size_t g = 0; g < set->groups; g++) {
        const rank_group *group = &set->group[g];
        for (int absent = 0; absent < 2; absent++) {
            size_t m = sort_rows(set, group, weight, absent, s);
            seen *o = &out[n];
            ig_rank_signs(s->score, s->row, m, group->reach, group->words, o->sign);
            o->right = m && s->row[0]->label > 0;
            o->weight = group->weight * (absent ? ABSENT : 1) * (group->kept ? KEPT : 1);
            n += o->weight > 0;
            if (absent || o->right) continue;
            wrong += 1;
            for (size_t i = 1; i < m && i < NEXT; i++) next += s->row[i]->label > 0;
        }
    }
    *rest = next < wrong ? next / wrong : 1;
    return n;
}

ig_status ig_rank_calibrate(const rank_set *set, const float *weight, float *sure, float *rest, ig_error *err) {
    size_t most = 0;
    for (size_t g = 0; g < set->groups; g++) most = set->group[g].n > most ? set->group[g].n : most;
    if (set->groups < FEW) return IG_OK;
    sorting s = {ig_calloc(most + 1, sizeof *s.list), ig_calloc(most + 1, sizeof *s.score), ig_calloc(most + 1, sizeof *s.row)};
    seen *list = ig_calloc(2 * set->groups + 1, sizeof *list);
    ig_status st = s.list && s.score && s.row && list ? IG_OK : ig_error_nomem(err, set->groups * sizeof *list);
    if (st == IG_OK) {
        double share;
        size_t n = look(set, weight, &s, list, &share);
        *rest = (float)share;
        fit(list, n, sure);
    }
    ig_free(s.list);
    ig_free(s.score);
    ig_free(s.row);
    ig_free(list);
    return st;
}
