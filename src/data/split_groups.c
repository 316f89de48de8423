/* data/split_groups.c: whole groups to parts of given shares.
 *
 * Greedy: the largest group first, to the part that then holds least of what it shall hold, measured as the sum over strata of the
 * squares of have / want.  Without strata that is the rule of longest processing time first (Graham 1969), whose parts differ
 * by less than the smallest group that was placed last.
 */
#include <stdlib.h>

#include "data/split.h"

#define STRATA_MAX 4096

typedef struct group_row {
    uint64_t group;
    uint32_t stratum;
    size_t row;
} group_row;

typedef struct row_group {
    uint64_t hash;
    size_t first, size; /* of the ordered rows */
} row_group;

typedef struct placing {
    const ig_row_split *s;
    group_row *row;
    row_group *group;
    double *want, *have; /* [bins, strata] */
    size_t *of;          /* [strata] rows of the group at hand */
    size_t groups, strata;
    int bins;
} placing;

static int by_group(const void *a, const void *b) {
    const group_row *x = a, *y = b;
    if (x->group != y->group) return x->group < y->group ? -1 : 1;
    if (x->stratum != y->stratum) return x->stratum < y->stratum ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

static int by_size(const void *a, const void *b) {
    const row_group *x = a, *y = b;
    if (x->size != y->size) return x->size > y->size ? -1 : 1;
    return x->hash < y->hash ? -1 : x->hash > y->hash;
}

static void find_groups(placing *p) {
    for (size_t i = 0, end; i < p->s->rows; i = end) {
        for (end = i; end < p->s->rows && p->row[end].group == p->row[i].group;) end++;
        p->group[p->groups++] = (row_group){split_hash(p->row[i].group, p->s->seed), i, end - i};
    }
    qsort(p->group, p->groups, sizeof *p->group, by_size);
}

/* How much worse the part gets by taking the group that is counted in p->of. */
static double cost(const placing *p, const row_group *g, int bin) {
    double sum = 0;
    for (size_t i = g->first; i < g->first + g->size; i += p->of[p->row[i].stratum]) { /* rows of a stratum stand together */
        size_t at = (size_t)bin * p->strata + p->row[i].stratum, n = p->of[p->row[i].stratum];
        double before = p->have[at] / p->want[at], after = (p->have[at] + (double)n) / p->want[at];
        sum += (after * after - before * before) * p->want[at];
    }
    return sum;
}

static void place(placing *p, const row_group *g, int *bin) {
    int best = 0;
    double least = 0;
    for (size_t i = g->first; i < g->first + g->size; i++) p->of[p->row[i].stratum] = 0;
    for (size_t i = g->first; i < g->first + g->size; i++) p->of[p->row[i].stratum]++;
    for (int b = 0; b < p->bins; b++) {
        double c = cost(p, g, b);
        if (b == 0 || c < least) best = b, least = c;
    }
    for (size_t i = g->first; i < g->first + g->size; i++) {
        p->have[(size_t)best * p->strata + p->row[i].stratum]++;
        bin[p->row[i].row] = best;
    }
}

static ig_status prepare(placing *p, ig_error *err) {
    const ig_row_split *s = p->s;
    size_t cells = (size_t)p->bins * p->strata;
    p->row = ig_calloc(s->rows, sizeof *p->row);
    p->group = ig_calloc(s->rows, sizeof *p->group);
    p->want = ig_calloc(cells, sizeof *p->want), p->have = ig_calloc(cells, sizeof *p->have);
    p->of = ig_calloc(p->strata, sizeof *p->of);
    if (!p->row || !p->group || !p->want || !p->have || !p->of) return ig_error_nomem(err, s->rows * sizeof *p->row);
    for (size_t i = 0; i < s->rows; i++) p->row[i] = (group_row){s->group[i], s->stratum ? s->stratum[i] : 0, i};
    qsort(p->row, s->rows, sizeof *p->row, by_group);
    find_groups(p);
    return IG_OK;
}

static ig_status run(placing *p, const double *share, int *bin, ig_error *err) {
    IG_TRY(prepare(p, err));
    if (p->groups < (size_t)p->bins)
        return ig_error_set(err, IG_E_ARG, "%zu groups cannot be given to %d parts: take fewer parts", p->groups, p->bins);
    for (size_t i = 0; i < p->s->rows; i++)
        for (int b = 0; b < p->bins; b++) p->want[(size_t)b * p->strata + p->row[i].stratum] += share[b];
    for (size_t g = 0; g < p->groups; g++) place(p, &p->group[g], bin);
    return IG_OK;
}

ig_status split_groups(const ig_row_split *s, int bins, const double *share, int *bin, ig_error *err) {
    placing p = {.s = s, .bins = bins, .strata = 1};
    for (size_t i = 0; s->stratum && i < s->rows; i++)
        if (s->stratum[i] >= p.strata) p.strata = (size_t)s->stratum[i] + 1;
    if (p.strata > STRATA_MAX)
        return ig_error_set(err, IG_E_LIMIT, "%zu strata; %d are the most: stratify by a column with fewer values", p.strata, STRATA_MAX);
    ig_status status = run(&p, share, bin, err);
    ig_free(p.row), ig_free(p.group), ig_free(p.want), ig_free(p.have), ig_free(p.of);
    return status;
}
