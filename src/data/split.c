/* data/split.c: which rows are held out, and folds.
 *
 *     hash(row, seed) ── < fraction? ─────────────► held out: a row stays where it is whatever rows come and go
 *     by stratum, then hash ── first share of each ► held out with every class in its share; dealt in turn ► folds
 *
 * Rows are named by what they hold, so that sorting a file changes nothing.
 */
#include <math.h>
#include <stdlib.h>

#include "data/split.h"

typedef struct split_row {
    uint64_t hash;
    double time;
    uint32_t stratum;
    size_t row;
} split_row;

uint64_t split_hash(uint64_t key, uint64_t seed) { return ig_hash64(&key, sizeof key, seed); }

static uint64_t hash_of(const ig_row_split *s, size_t row) {
    return split_hash(s->group ? s->group[row] : s->key ? s->key[row] : row, s->seed);
}

/* Stratum, then hash; equal rows in the order of the file. */
static int by_hash(const void *a, const void *b) {
    const split_row *x = a, *y = b;
    if (x->stratum != y->stratum) return x->stratum < y->stratum ? -1 : 1;
    if (x->hash != y->hash) return x->hash < y->hash ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

static int by_time(const void *a, const void *b) {
    const split_row *x = a, *y = b;
    if (x->time != y->time) return x->time < y->time ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

static ig_status ordered_rows(const ig_row_split *s, split_row **out, ig_error *err) {
    split_row *r = *out = ig_calloc(s->rows, sizeof *r);
    if (!r) return ig_error_nomem(err, s->rows * sizeof *r);
    for (size_t i = 0; i < s->rows; i++)
        r[i] = (split_row){hash_of(s, i), s->time ? s->time[i] : 0, s->stratum ? s->stratum[i] : 0, i};
    qsort(r, s->rows, sizeof *r, s->time ? by_time : by_hash);
    return IG_OK;
}

static ig_status check(const ig_row_split *s, ig_error *err) {
    if (s->time && (s->stratum || s->group)) return ig_error_set(err, IG_E_ARG, "a split by time takes neither strata nor groups");
    for (size_t i = 0; s->time && i < s->rows; i++)
        if (isnan(s->time[i])) return ig_error_set(err, IG_E_ARG, "row %zu has no time: drop it, or split without time", i + 1);
    return IG_OK;
}

/* ---- held out ----------------------------------------------------------------------------------------------------------- */

static void hold_by_hash(const ig_row_split *s, double fraction, bool *held) {
    for (size_t i = 0; i < s->rows; i++) held[i] = (double)(hash_of(s, i) >> 11) * 0x1p-53 < fraction;
}

/* The first share of every stratum; a stratum of two rows or more never goes to one side whole. */
static void hold_by_stratum(const split_row *r, size_t n, double fraction, bool *held) {
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i; end < n && r[end].stratum == r[i].stratum;) end++;
        size_t size = end - i, part = (size_t)(fraction * (double)size + 0.5);
        if (size >= 2 && !part) part = 1;
        if (size >= 2 && part == size) part = size - 1;
        for (size_t k = i; k < end; k++) held[r[k].row] = k - i < part;
    }
}

/* Rows of one moment stay together, on the later side. */
static void hold_by_time(const split_row *r, size_t n, double fraction, bool *held) {
    size_t cut = n - (size_t)(fraction * (double)n + 0.5);
    while (cut > 0 && cut < n && r[cut].time == r[cut - 1].time) cut--;
    for (size_t k = 0; k < n; k++) held[r[k].row] = k >= cut;
}

static ig_status hold_groups(const ig_row_split *s, double fraction, bool *held, ig_error *err) {
    const double share[2] = {fraction, 1 - fraction};
    int *bin = ig_calloc(s->rows, sizeof *bin);
    if (!bin) return ig_error_nomem(err, s->rows * sizeof *bin);
    ig_status status = split_groups(s, 2, share, bin, err);
    for (size_t i = 0; i < s->rows; i++) held[i] = bin[i] == 0;
    ig_free(bin);
    return status;
}

static ig_status hold(const ig_row_split *s, double fraction, bool *held, ig_error *err) {
    split_row *r;
    if (s->group && s->stratum) return hold_groups(s, fraction, held, err);
    if (!s->stratum && !s->time) return hold_by_hash(s, fraction, held), IG_OK;
    IG_TRY(ordered_rows(s, &r, err));
    if (s->time) hold_by_time(r, s->rows, fraction, held);
    else hold_by_stratum(r, s->rows, fraction, held);
    ig_free(r);
    return IG_OK;
}

ig_status ig_row_split_held_out(const ig_row_split *s, double fraction, bool *held, ig_error *err) {
    size_t out = 0;
    if (!(fraction > 0 && fraction < 1)) return ig_error_set(err, IG_E_ARG, "the share of held out rows is between 0 and 1, not %g", fraction);
    if (!s->rows) return ig_error_set(err, IG_E_ARG, "no rows to split");
    IG_TRY(check(s, err));
    IG_TRY(hold(s, fraction, held, err));
    for (size_t i = 0; i < s->rows; i++) out += held[i];
    if (out && out < s->rows) return IG_OK;
    return ig_error_set(err, IG_E_ARG, "%g of %zu rows leaves one side empty: take another share, or more rows", fraction, s->rows);
}

/* ---- folds --------------------------------------------------------------------------------------------------------------- */

static ig_status fold_groups(const ig_row_split *s, int folds, int *fold, ig_error *err) {
    double *share = ig_calloc((size_t)folds, sizeof *share);
    if (!share) return ig_error_nomem(err, (size_t)folds * sizeof *share);
    for (int i = 0; i < folds; i++) share[i] = 1.0 / folds;
    ig_status status = split_groups(s, folds, share, fold, err);
    ig_free(share);
    return status;
}

static void fold_by_time(const split_row *r, size_t n, int folds, int *fold) {
    for (size_t k = 0; k < n; k++) {
        bool same = k && r[k].time == r[k - 1].time;
        fold[r[k].row] = same ? fold[r[k - 1].row] : (int)(k * (size_t)folds / n);
    }
}

ig_status ig_row_split_folds(const ig_row_split *s, int folds, int *fold, ig_error *err) {
    split_row *r;
    if (folds < 2) return ig_error_set(err, IG_E_ARG, "%d folds; two are the least", folds);
    if ((size_t)folds > s->rows) return ig_error_set(err, IG_E_ARG, "%d folds of %zu rows: take fewer folds", folds, s->rows);
    IG_TRY(check(s, err));
    if (s->group) return fold_groups(s, folds, fold, err);
    IG_TRY(ordered_rows(s, &r, err));
    if (s->time) fold_by_time(r, s->rows, folds, fold);
    for (size_t k = 0; !s->time && k < s->rows; k++) fold[r[k].row] = (int)(k % (size_t)folds);
    ig_free(r);
    return IG_OK;
}
