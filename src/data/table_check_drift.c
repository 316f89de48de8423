/* data/table_check_drift.c: a table beside others: the test table (rows and labels in both) and an earlier one (drift).
 *
 *     numbers     10 quantiles of before ─► PSI         every value ─► D = max |F_now - F_before| ─► p
 *     categories  shares of values       ─► PSI         χ² of the 2 × values counts              ─► p
 *
 * With many rows p is small for changes that nobody would care about, so PSI says whether a column moved (0.1 a little, 0.25 much;
 * Siddiqi 2006) and p is told beside it.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/table_check.h"
#include "ingot/stats.h"

#define DECILES 10
#define DRIFT_PSI 0.1
#define VALUES_MAX 100000

/* ---- the test table ------------------------------------------------------------------------------------------------------------- */

/* Hashes of rows over the columns that both have, without the label, in the order of f's columns. */
static void shared_keys(const ig_frame *f, const ig_frame *g, int label, bool of_g, uint64_t *key) {
    const ig_frame *x = of_g ? g : f;
    memset(key, 0, x->rows * sizeof *key);
    for (size_t i = 0; i < f->columns; i++) {
        int other = ig_frame_find(g, f->column[i].name);
        if (other < 0 || (int)i == label) continue;
        const ig_frame_column *c = of_g ? &g->column[other] : &f->column[i];
        for (size_t r = 0; r < x->rows; r++) {
            const char *s = c->value[c->code[r]];
            key[r] = ig_hash64(s, strlen(s), key[r] + i);
        }
    }
}

static ig_status match_rows(table_checking *t, const uint64_t *mine, const uint64_t *theirs, seen *s, ig_error *err) {
    const ig_frame *test = t->o->test;
    ig_finding *x = NULL;
    int64_t *line;
    for (size_t r = 0; r < t->f->rows; r++) {
        IG_TRY(seen_slot(s, (const char *)&mine[r], sizeof *mine, &line, err));
        if (!*line) *line = t->f->line[r];
    }
    for (size_t r = 0; r < test->rows; r++) {
        IG_TRY(seen_slot(s, (const char *)&theirs[r], sizeof *theirs, &line, err));
        if (*line <= 0) {
            *line = -1; /* of the test table only */
            continue;
        }
        if (!x) IG_TRY(check_add(t, IG_FINDING_IN_TEST, -1, &x, err));
        if (!x->count) check_detail(x, "%d", test->line[r]);
        check_row(x, (int)*line);
    }
    if (x) x->value = (double)x->count / (double)test->rows;
    return IG_OK;
}

static ig_status check_shared_rows(table_checking *t, ig_error *err) {
    uint64_t *mine = ig_calloc(t->f->rows, sizeof *mine), *theirs = ig_calloc(t->o->test->rows, sizeof *theirs);
    seen s = {0};
    ig_status status = IG_OK;
    if (!mine || !theirs) status = ig_error_nomem(err, t->f->rows * sizeof *mine);
    else {
        shared_keys(t->f, t->o->test, t->out->label, false, mine);
        shared_keys(t->f, t->o->test, t->out->label, true, theirs);
        status = match_rows(t, mine, theirs, &s, err);
    }
    seen_fini(&s);
    ig_free(mine), ig_free(theirs);
    return status;
}

static bool has_value(const ig_frame_column *c, const char *s) {
    for (size_t i = 0; i < c->distinct; i++)
        if (strcmp(c->value[i], s) == 0) return true;
    return false;
}

/* A class of the test table that is not ours but folds to one of ours. */
static ig_status check_label_spelling(table_checking *t, ig_error *err) {
    const ig_frame_column *mine = &t->f->column[t->out->label];
    int other = ig_frame_find(t->o->test, mine->name);
    if (other < 0 || mine->distinct > 1000 || t->o->test->column[other].distinct > 1000) return IG_OK;
    const ig_frame_column *theirs = &t->o->test->column[other];
    ig_finding *x = NULL;
    for (size_t i = 0; i < theirs->distinct; i++) {
        char a[128], b[128];
        if (theirs->missing[i] || has_value(mine, theirs->value[i])) continue;
        cell_fold(theirs->value[i], a, sizeof a);
        for (size_t k = 0; k < mine->distinct; k++) {
            cell_fold(mine->value[k], b, sizeof b);
            if (strcmp(a, b) != 0) continue;
            if (!x) {
                IG_TRY(check_add(t, IG_FINDING_LABEL_SPELLING, t->out->label, &x, err));
                check_detail(x, "%.60s | %.60s", mine->value[k], theirs->value[i]);
            }
            check_row(x, t->o->test->line[theirs->first[i]]);
            x->count += theirs->count[i] - 1;
        }
    }
    return IG_OK;
}

static ig_status check_gone(table_checking *t, const ig_frame *other, ig_error *err) {
    ig_finding *x;
    for (size_t i = 0; other && i < other->columns; i++) {
        if (ig_frame_find(t->f, other->column[i].name) >= 0) continue;
        IG_TRY(check_add(t, IG_FINDING_COLUMN_GONE, -1, &x, err));
        x->count = 1;
        check_detail(x, "%.150s", other->column[i].name);
    }
    return IG_OK;
}

/* ---- drift ------------------------------------------------------------------------------------------------------------------------- */

/* Shares of deciles of `edge`, and last of rows without a number. */
static void decile_shares(const value_counts *v, size_t rows, const double *edge, double share[DECILES + 1]) {
    memset(share, 0, (DECILES + 1) * sizeof *share);
    for (size_t i = 0; i < v->len; i++) {
        size_t bin = 0;
        while (bin < DECILES - 1 && edge[bin] < v->item[i].v) bin++;
        share[bin] += (double)v->item[i].n / (double)rows;
    }
    share[DECILES] = (double)(rows - v->rows) / (double)rows;
}

static double ks_distance(const value_counts *a, const value_counts *b) {
    double fa = 0, fb = 0, most = 0;
    for (size_t i = 0, k = 0; i < a->len && k < b->len;) {
        double x = a->item[i].v < b->item[k].v ? a->item[i].v : b->item[k].v;
        if (a->item[i].v == x) fa += (double)a->item[i++].n / (double)a->rows;
        if (b->item[k].v == x) fb += (double)b->item[k++].n / (double)b->rows;
        if (fabs(fa - fb) > most) most = fabs(fa - fb);
    }
    return most;
}

static void drift_of_values(const value_counts *before, size_t before_rows, const value_counts *now, size_t rows, ig_drift *d) {
    double edge[DECILES - 1], a[DECILES + 1], b[DECILES + 1];
    for (int i = 0; i < DECILES - 1; i++) edge[i] = values_quantile(before, (i + 1) / (double)DECILES);
    decile_shares(before, before_rows, edge, a);
    decile_shares(now, rows, edge, b);
    d->psi = ig_stats_psi(a, b, DECILES + 1);
    d->statistic = ks_distance(before, now);
    d->p = ig_stats_ks_p(d->statistic, (double)before->rows, (double)now->rows);
    d->mean_before = values_mean(before), d->mean_now = values_mean(now);
    d->known = true;
}

static ig_status sorted_numbers(const ig_frame_column *c, const ig_column_profile *p, value_counts *out, ig_error *err) {
    double *number;
    ig_status status = column_numbers(c, p->type, p->order, &number, err);
    if (status == IG_OK) status = values_sort(number, c->count, c->distinct, out, err);
    ig_free(number);
    return status;
}

static ig_status drift_of_numbers(const ig_frame *f, const ig_frame_column *now, const ig_frame *g, const ig_frame_column *before,
                                  const ig_column_profile *p, ig_drift *d, ig_error *err) {
    value_counts a = {0}, b = {0};
    ig_status status = sorted_numbers(before, p, &a, err);
    if (status == IG_OK) status = sorted_numbers(now, p, &b, err);
    d->numeric = true;
    if (status == IG_OK && a.rows && b.rows) drift_of_values(&a, g->rows, &b, f->rows, d);
    ig_free(a.item), ig_free(b.item);
    return status;
}

typedef struct two_counts {
    const char *value;
    double before, now;
} two_counts;

static int by_value(const void *a, const void *b) { return strcmp(((const two_counts *)a)->value, ((const two_counts *)b)->value); }

/* The values of both, each once; what is missing counts as one value, "". */
static size_t join_values(const ig_frame_column *before, const ig_frame_column *now, two_counts *v) {
    size_t n = 0, kept = 0;
    for (size_t i = 0; i < before->distinct; i++) v[n++] = (two_counts){before->missing[i] ? "" : before->value[i], before->count[i], 0};
    for (size_t i = 0; i < now->distinct; i++) v[n++] = (two_counts){now->missing[i] ? "" : now->value[i], 0, now->count[i]};
    qsort(v, n, sizeof *v, by_value);
    for (size_t i = 0; i < n; i++) {
        if (kept && strcmp(v[kept - 1].value, v[i].value) == 0) v[kept - 1].before += v[i].before, v[kept - 1].now += v[i].now;
        else v[kept++] = v[i];
    }
    return kept;
}

static void drift_of_counts(const two_counts *v, size_t n, double before, double now, double *shares, ig_drift *d) {
    double most = -1;
    for (size_t i = 0; i < n; i++) {
        double a = v[i].before / before, b = v[i].now / now, both = (v[i].before + v[i].now) / (before + now);
        shares[i] = a, shares[n + i] = b;
        d->statistic += (v[i].before - both * before) * (v[i].before - both * before) / (both * before);
        d->statistic += (v[i].now - both * now) * (v[i].now - both * now) / (both * now);
        if (fabs(b - a) <= most) continue;
        most = fabs(b - a), d->share_before = a, d->share_now = b;
        snprintf(d->value, sizeof d->value, "%.70s", v[i].value);
    }
    for (size_t k = strlen(d->value); k && !ig_utf8_valid(d->value, k); k--) d->value[k - 1] = '\0';
    d->psi = ig_stats_psi(shares, shares + n, n);
    d->p = n > 1 ? ig_stats_chi2_p(d->statistic, (double)(n - 1)) : 1;
    d->known = true;
}

static ig_status drift_of_categories(const ig_frame *f, const ig_frame_column *now, const ig_frame *g, const ig_frame_column *before,
                                     ig_drift *d, ig_error *err) {
    size_t most = before->distinct + now->distinct;
    if (most > VALUES_MAX) return IG_OK;
    two_counts *v = ig_calloc(most + 1, sizeof *v);
    double *shares = ig_calloc(2 * most + 1, sizeof *shares);
    if (v && shares) drift_of_counts(v, join_values(before, now, v), (double)g->rows, (double)f->rows, shares, d);
    ig_status status = v && shares ? IG_OK : ig_error_nomem(err, most * sizeof *v);
    ig_free(v), ig_free(shares);
    return status;
}

static ig_status check_drift(table_checking *t, size_t column, ig_error *err) {
    const ig_frame *g = t->o->before;
    const ig_column_profile *p = &t->out->profile[column];
    ig_drift *d = &t->out->drift[column];
    ig_finding *x;
    int other = ig_frame_find(g, t->f->column[column].name);
    if (other < 0 || p->type == IG_COLUMN_ID || p->type == IG_COLUMN_TEXT) return IG_OK;
    const ig_frame_column *now = &t->f->column[column], *before = &g->column[other];
    bool numeric = p->type >= IG_COLUMN_INTEGER && p->type <= IG_COLUMN_DATE;
    if (numeric) IG_TRY(drift_of_numbers(t->f, now, g, before, p, d, err));
    else IG_TRY(drift_of_categories(t->f, now, g, before, d, err));
    if (!d->known || d->psi < DRIFT_PSI || d->p > 0.01) return IG_OK;
    IG_TRY(check_add(t, IG_FINDING_DRIFT, (int)column, &x, err));
    x->count = t->f->rows, x->value = d->psi;
    check_detail(x, "%s", d->value);
    return IG_OK;
}

ig_status check_against(table_checking *t, ig_error *err) {
    if (t->o->test) {
        IG_TRY(check_shared_rows(t, err));
        if (t->out->label >= 0) IG_TRY(check_label_spelling(t, err));
    }
    IG_TRY(check_gone(t, t->o->test, err));
    IG_TRY(check_gone(t, t->o->before, err));
    if (!t->o->before) return IG_OK;
    t->out->drift = ig_calloc(t->f->columns, sizeof *t->out->drift);
    if (!t->out->drift) return ig_error_nomem(err, t->f->columns * sizeof *t->out->drift);
    for (size_t i = 0; i < t->f->columns; i++) IG_TRY(check_drift(t, i, err));
    return IG_OK;
}
