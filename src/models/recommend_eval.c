/* models/recommend_eval.c: how well lists and expected values meet what people did later.
 *
 * Users and items of the test are matched by their ids.  For a user with something to find, all items are ranked that he has not
 * got in what the model learned from (nor in the mask): nothing is sampled, because sampled metrics order models differently
 * (Krichene & Rendle 2020).
 */
#include <math.h>
#include <string.h>

#include "ingot/recommend.h"

#define K_USUAL 20

typedef struct evaluation {
    const ig_model *m;
    const ig_interactions *data, *test;
    ig_recommend_eval_opts o;
    int32_t *item_of;        /* [items of test]: the model's number, or -1 */
    int32_t *mask_item_of;   /* the same of the mask */
    float *score;            /* [items] */
    uint8_t *flag;           /* [items]: HIDDEN, WANTED */
    bool *shown;             /* [items]: stood in some list */
    int32_t *top;            /* [k] */
    ig_recommend_metrics *out;
    double square, absolute;
} evaluation;
enum { HIDDEN = 1, WANTED = 2 };

/* ---- ids ---- */

static int32_t find(const ig_id_table *t, const char *id) { return (int32_t)ig_id_table_find(t, id, strlen(id)); }

static ig_status match(const ig_interactions *from, const ig_interactions *data, int32_t **out, ig_error *err) {
    *out = ig_calloc(from->items.count + 1, sizeof **out);
    if (!*out) return ig_error_nomem(err, from->items.count * sizeof **out);
    for (size_t i = 0; i < from->items.count; i++) (*out)[i] = find(&data->items, ig_id_table_at(&from->items, i));
    return IG_OK;
}

/* ---- one user ---- */

static void hide(evaluation *e, const ig_interactions *x, int64_t user, const int32_t *item_of) {
    for (int64_t k = user < 0 ? 0 : x->offset[user]; user >= 0 && k < x->offset[user + 1]; k++) {
        int32_t item = item_of ? item_of[x->item[k]] : x->item[k];
        if (item >= 0) e->flag[item] |= HIDDEN;
    }
}

/* How many are to be found; errors of expected values on the way. */
static size_t take_test(evaluation *e, size_t user) {
    const ig_interactions *t = e->test;
    size_t wanted = 0;
    for (int64_t k = t->offset[user]; k < t->offset[user + 1]; k++) {
        int32_t item = e->item_of[t->item[k]];
        if (item < 0) {
            e->out->unknown++;
            continue;
        }
        double error = e->score[item] - t->value[k];
        e->square += error * error;
        e->absolute += fabs(error);
        e->out->ratings++;
        bool relevant = isnan(e->o.relevant) || t->value[k] >= e->o.relevant;
        if (relevant && !(e->flag[item] & HIDDEN)) {
            e->flag[item] |= WANTED;
            wanted++;
        }
    }
    return wanted;
}

/* The best k by insertion, which is quick because few pass the last one. */
static size_t rank(evaluation *e) {
    size_t n = 0, items = e->data->items.count;
    for (size_t i = 0; i < items; i++) {
        if (e->flag[i] & HIDDEN) continue;
        if (n == e->o.k && e->score[i] <= e->score[e->top[n - 1]]) continue;
        size_t at = n < e->o.k ? n++ : n - 1;
        for (; at > 0 && e->score[e->top[at - 1]] < e->score[i]; at--) e->top[at] = e->top[at - 1];
        e->top[at] = (int32_t)i;
    }
    return n;
}

static void add_list(evaluation *e, size_t n, size_t wanted) {
    double hits = 0, gain = 0, ideal = 0, precision = 0;
    size_t possible = wanted < e->o.k ? wanted : e->o.k;
    for (size_t r = 0; r < n; r++) {
        e->shown[e->top[r]] = true;
        if (!(e->flag[e->top[r]] & WANTED)) continue;
        hits++;
        gain += 1 / log2((double)r + 2);
        precision += hits / (double)(r + 1);
    }
    for (size_t r = 0; r < possible; r++) ideal += 1 / log2((double)r + 2);
    e->out->users++;
    e->out->recall += hits / (double)wanted;
    e->out->precision += hits / (double)e->o.k;
    e->out->hit_rate += hits > 0;
    e->out->ndcg += gain / ideal;
    e->out->map += precision / (double)possible;
}

static ig_status add_user(evaluation *e, size_t user, ig_error *err) {
    const char *id = ig_id_table_at(&e->test->users, user);
    int32_t known = find(&e->data->users, id);
    if (e->o.cancel && *e->o.cancel) return ig_error_set(err, IG_E_CANCELLED, "stopped");
    if (known < 0) {
        e->out->unknown += (size_t)(e->test->offset[user + 1] - e->test->offset[user]);
        return IG_OK;
    }
    if (e->test->offset[user + 1] == e->test->offset[user]) return IG_OK;
    memset(e->flag, 0, e->data->items.count);
    IG_TRY(ig_recommend_scores(e->m, known, e->score, err));
    hide(e, e->data, known, NULL);
    if (e->o.mask) hide(e, e->o.mask, ig_id_table_find(&e->o.mask->users, id, strlen(id)), e->mask_item_of);
    size_t wanted = take_test(e, user);
    if (wanted) add_list(e, rank(e), wanted);
    return IG_OK;
}

/* ---- all of them ---- */

static void finish(evaluation *e) {
    ig_recommend_metrics *r = e->out;
    double users = r->users ? (double)r->users : 1, ratings = (double)r->ratings;
    size_t shown = 0;
    for (size_t i = 0; i < e->data->items.count; i++) shown += e->shown[i];
    r->recall /= users, r->ndcg /= users, r->map /= users, r->precision /= users, r->hit_rate /= users;
    r->coverage = (double)shown / (double)e->data->items.count;
    bool values = ig_recommend_is_explicit(e->m) && r->ratings > 0;
    r->rmse = values ? sqrt(e->square / ratings) : NAN;
    r->mae = values ? e->absolute / ratings : NAN;
}

static ig_status run(evaluation *e, ig_error *err) {
    size_t items = e->data->items.count;
    e->score = ig_calloc(items + 1, sizeof *e->score);
    e->flag = ig_calloc(items + 1, sizeof *e->flag);
    e->shown = ig_calloc(items + 1, sizeof *e->shown);
    e->top = ig_calloc(e->o.k, sizeof *e->top);
    if (!e->score || !e->flag || !e->shown || !e->top) return ig_error_nomem(err, items * sizeof *e->score);
    IG_TRY(match(e->test, e->data, &e->item_of, err));
    if (e->o.mask) IG_TRY(match(e->o.mask, e->data, &e->mask_item_of, err));
    for (size_t u = 0; u < e->test->users.count; u++) IG_TRY(add_user(e, u, err));
    finish(e);
    return IG_OK;
}

ig_status ig_recommend_evaluate(const ig_model *m, const ig_interactions *test, const ig_recommend_eval_opts *opts,
                                ig_recommend_metrics *out, ig_error *err) {
    evaluation e = {.m = m, .data = ig_recommend_data(m), .test = test, .out = out};
    *out = (ig_recommend_metrics){0};
    e.o = opts ? *opts : (ig_recommend_eval_opts){.relevant = NAN};
    if (!e.data) return ig_error_set(err, IG_E_UNSUPPORTED, "a model of the family %s does not recommend", m->family->name);
    if (e.o.k == 0) e.o.k = K_USUAL;
    if (e.o.k > IG_RECOMMEND_MAX) return ig_error_set(err, IG_E_ARG, "k is larger than %d", IG_RECOMMEND_MAX);
    if (!test->offset || (e.o.mask && !e.o.mask->offset)) return ig_error_set(err, IG_E_STATE, "the interactions are not finished");
    ig_status s = run(&e, err);
    ig_free(e.item_of), ig_free(e.mask_item_of), ig_free(e.score), ig_free(e.flag), ig_free(e.shown), ig_free(e.top);
    return s;
}
