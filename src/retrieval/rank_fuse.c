/* retrieval/rank_fuse.c: listwise learning of the features' weights; see rank_fuse.h. */
#include <math.h>
#include <string.h>

#include "retrieval/rank_fuse.h"

enum { STEPS = 150, FEW = 10, F = IG_RANK_FEATURES };
static const double RATE = 0.05, PULL = 1e-3;

void ig_rank_set_fini(rank_set *s) {
    ig_free(s->row);
    ig_free(s->group);
    *s = (rank_set){0};
}

ig_status ig_rank_set_add(rank_set *s, const rank_row *rows, size_t n, rank_group group, ig_error *err) {
    if (s->rows + n > s->row_cap) {
        size_t cap = 2 * (s->rows + n);
        rank_row *row = ig_realloc_array(s->row, cap, sizeof *row);
        if (!row) return ig_error_nomem(err, cap * sizeof *row);
        s->row = row;
        s->row_cap = cap;
    }
    if (s->groups == s->group_cap) {
        size_t cap = s->group_cap ? 2 * s->group_cap : 64;
        rank_group *g = ig_realloc_array(s->group, cap, sizeof *g);
        if (!g) return ig_error_nomem(err, cap * sizeof *g);
        s->group = g;
        s->group_cap = cap;
    }
    if (n) memcpy(s->row + s->rows, rows, n * sizeof *rows);
    group.begin = s->rows;
    group.n = n;
    s->group[s->groups++] = group;
    s->rows += n;
    return IG_OK;
}

float ig_rank_mix(const float *weight, const float *x) {
    float sum[4] = {0}; /* four at a time: additions of one sum wait for each other */
    int f = 0;
    for (; f + 4 <= F; f += 4) {
        for (int i = 0; i < 4; i++) sum[i] += weight[f + i] * x[f + i];
    }
    for (; f < F; f++) sum[0] += weight[f] * x[f];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/* The deviation of each feature within a question's candidates. */
static void deviations(const rank_set *set, double sd[F]) {
    double sum[F] = {0}, n = 1e-9;
    for (size_t g = 0; g < set->groups; g++) {
        const rank_row *row = set->row + set->group[g].begin;
        size_t m = set->group[g].n;
        double mean[F] = {0};
        for (size_t i = 0; i < m; i++) {
            for (int f = 0; f < F; f++) mean[f] += row[i].x[f] / (double)m;
        }
        for (size_t i = 0; i < m; i++) {
            for (int f = 0; f < F; f++) sum[f] += (row[i].x[f] - mean[f]) * (row[i].x[f] - mean[f]);
        }
        n += (double)m;
    }
    for (int f = 0; f < F; f++) sd[f] = sqrt(sum[f] / n) > 1e-6 ? sqrt(sum[f] / n) : 1;
}

/* gradient += of -ln(what the right ones get), or of -ln(1 - what the refused ones get) where none is known to be right.
 * Both are p(x | all) - p(x | those that are wanted), expected features under the softmax. */
static void add_gradient(const rank_set *set, const rank_group *g, const float *weight, float *p, double gradient[F]) {
    const rank_row *row = set->row + g->begin;
    float top = -INFINITY;
    double all = 0, wanted = 0;
    bool right = false, refused = false;
    for (size_t i = 0; i < g->n; i++) {
        p[i] = ig_rank_mix(weight, row[i].x);
        if (p[i] > top) top = p[i];
        right |= row[i].label > 0;
        refused |= row[i].label < 0;
    }
    if (!right && !refused) return;
    for (size_t i = 0; i < g->n; i++) {
        p[i] = expf(p[i] - top);
        all += p[i];
        if (right ? row[i].label > 0 : row[i].label >= 0) wanted += p[i];
    }
    if (wanted <= 1e-12 * all) wanted = 1e-12 * all;
    for (size_t i = 0; i < g->n; i++) {
        double share = p[i] / all - ((right ? row[i].label > 0 : row[i].label >= 0) ? p[i] / wanted : 0);
        for (int f = 0; f < F; f++) gradient[f] += g->weight * share * row[i].x[f];
    }
}

static bool may_be_negative(int f) {
    return f == IG_RANK_QUALITY || f == IG_RANK_LENGTH || f == IG_RANK_LENGTH2;
}

static void descend(const rank_set *set, uint32_t without, const double sd[F], double total, float *p, float weight[F]) {
    double m[F] = {0}, v[F] = {0};
    for (int step = 1; step <= STEPS; step++) {
        double gradient[F] = {0}, rate = RATE * (step < 2 * STEPS / 3 ? 1 : 3 * (1 - (double)step / (STEPS + 1)));
        for (size_t g = 0; g < set->groups; g++) add_gradient(set, &set->group[g], weight, p, gradient);
        for (int f = 0; f < F; f++) {
            double u = weight[f] * sd[f], d = gradient[f] / sd[f] / total + PULL * u;
            m[f] = 0.9 * m[f] + 0.1 * d;
            v[f] = 0.99 * v[f] + 0.01 * d * d;
            u -= rate * (m[f] / (1 - pow(0.9, step))) / (sqrt(v[f] / (1 - pow(0.99, step))) + 1e-8);
            if (u < 0 && !may_be_negative(f)) u = 0;
            weight[f] = without >> f & 1 ? 0 : (float)(u / sd[f]);
        }
    }
}

ig_status ig_rank_fuse(const rank_set *set, uint32_t without, float weight[F], ig_error *err) {
    size_t most = 0;
    double sd[F], total = 0;
    for (int f = 0; f < F; f++) {
        if (without >> f & 1) weight[f] = 0;
    }
    for (size_t g = 0; g < set->groups; g++) {
        if (set->group[g].n > most) most = set->group[g].n;
        total += set->group[g].weight;
    }
    if (set->groups < FEW || total <= 0) return IG_OK;
    float *p = ig_calloc(most + 1, sizeof *p);
    if (!p) return ig_error_nomem(err, most * sizeof *p);
    deviations(set, sd);
    descend(set, without, sd, total, p, weight);
    ig_free(p);
    return IG_OK;
}
