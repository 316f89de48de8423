/* models/recommend.c: what every family that recommends has in common: making a model from data, and lists from scores.
 *
 * Known and new rows are answered alike: scores of everything, without what is there already, the best n of it by a heap.
 */
#include "ingot/recommend.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define N_USUAL 10

/* ---- learning ---- */

/* The recipe's keys, with the numbers that the data decides. */
static ig_status format_config(const ig_tree *config, const ig_interactions *data, ig_buf *out, ig_error *err) {
    ig_json j = {.out = out};
    ig_json_open(&j, '{');
    for (const ig_tree *t = config->child; t; t = t->next) {
        if (strcmp(t->key, "num_users") == 0 || strcmp(t->key, "num_items") == 0) continue;
        ig_json_key(&j, t->key);
        ig_json_tree(&j, t);
    }
    ig_json_key(&j, "num_users"), ig_json_int(&j, (int64_t)data->users.count);
    ig_json_key(&j, "num_items"), ig_json_int(&j, (int64_t)data->items.count);
    ig_json_close(&j, '}');
    return ig_buf_status(out, err);
}

static ig_status not_recommending(const ig_model *m, ig_error *err) {
    return ig_error_set(err, IG_E_UNSUPPORTED, "a model of the family %s does not recommend", m->family->name);
}

static ig_status fit_new(ig_model *m, ig_interactions *data, const ig_fit_opts *opts, ig_error *err) {
    static const ig_fit_opts none = {0};
    if (!m->family->recommender) return not_recommending(m, err);
    return m->family->recommender->fit(m, data, opts ? opts : &none, err);
}

ig_status ig_recommend_fit(ig_context *ctx, const char *config_name, const ig_tree *config, ig_interactions *data,
                           const ig_fit_opts *opts, ig_model **out, ig_error *err) {
    ig_buf text = {.max = 2 * IG_RECIPE_BYTES_MAX};
    ig_model *m = NULL;
    *out = NULL;
    if (!config || config->type != IG_TREE_MAP) return ig_error_set(err, IG_E_ARG, "%s: model.config is missing", config_name);
    if (!data->offset) return ig_error_set(err, IG_E_STATE, "the interactions are not finished");
    if (data->count == 0) return ig_error_set(err, IG_E_ARG, "the data holds no interactions; give at least one");
    ig_status s = format_config(config, data, &text, err);
    if (s == IG_OK) s = ig_model_new(ctx, config_name, text.data, text.len, &m, err);
    if (s == IG_OK) s = fit_new(m, data, opts, err);
    ig_buf_fini(&text);
    if (s == IG_OK) *out = m;
    else ig_model_free(m);
    return s;
}

/* ---- asking ---- */

const ig_interactions *ig_recommend_data(const ig_model *m) { return m->family->recommender ? m->family->recommender->data(m) : NULL; }

bool ig_recommend_is_explicit(const ig_model *m) { return m->family->recommender && m->family->recommender->is_explicit(m); }

typedef struct query {
    const ig_model *m;
    const struct ig_recommender *r;
    const ig_interactions *data;
    ig_recommend_opts o;
    size_t rows;         /* that are ranked */
    int64_t *popular;    /* [rows]: who has more comes first when scores are equal */
    float *score;        /* [rows] */
    bool *hidden;        /* [rows] */
} query;

static void query_end(query *q) {
    ig_free(q->popular);
    ig_free(q->score);
    ig_free(q->hidden);
}

static void count_popular(query *q, bool users) {
    const ig_interactions *d = q->data;
    if (users)
        for (size_t u = 0; u < q->rows; u++) q->popular[u] = d->offset[u + 1] - d->offset[u];
    else
        for (size_t k = 0; k < d->count; k++) q->popular[d->item[k]]++;
}

static ig_status query_begin(query *q, const ig_model *m, bool users, const ig_recommend_opts *opts, ig_error *err) {
    *q = (query){.m = m, .r = m->family->recommender, .data = ig_recommend_data(m), .o = opts ? *opts : (ig_recommend_opts){0}};
    if (!q->r) return not_recommending(m, err);
    if (q->o.n == 0) q->o.n = N_USUAL;
    if (q->o.n > IG_RECOMMEND_MAX) return ig_error_set(err, IG_E_ARG, "%zu are more than %d recommendations", q->o.n, IG_RECOMMEND_MAX);
    q->rows = users ? q->data->users.count : q->data->items.count;
    q->popular = ig_calloc(q->rows + 1, sizeof *q->popular);
    q->score = ig_calloc(q->rows + 1, sizeof *q->score);
    q->hidden = ig_calloc(q->rows + 1, sizeof *q->hidden);
    if (!q->popular || !q->score || !q->hidden) {
        query_end(q);
        return ig_error_nomem(err, q->rows * sizeof *q->popular);
    }
    count_popular(q, users);
    return IG_OK;
}

/* ---- the best n: a heap whose root is the worst that is kept ---- */

static bool better(const query *q, int32_t a, int32_t b) {
    if (q->score[a] != q->score[b]) return q->score[a] > q->score[b];
    if (q->popular[a] != q->popular[b]) return q->popular[a] > q->popular[b];
    return a < b;
}

static void sink(const query *q, ig_recommended *heap, size_t n, size_t i) {
    for (;;) {
        size_t worst = i, left = 2 * i + 1, right = left + 1;
        if (left < n && better(q, heap[worst].number, heap[left].number)) worst = left;
        if (right < n && better(q, heap[worst].number, heap[right].number)) worst = right;
        if (worst == i) return;
        ig_recommended t = heap[i];
        heap[i] = heap[worst];
        heap[worst] = t;
        i = worst;
    }
}

static size_t best(const query *q, ig_recommended *out) {
    size_t n = 0, most = q->o.n;
    for (size_t r = 0; r < q->rows; r++) {
        ig_recommended one = {.number = (int32_t)r, .score = q->score[r]};
        if (q->hidden[r]) continue;
        if (n < most) {
            out[n++] = one;
            if (n == most)
                for (size_t i = n / 2; i-- > 0;) sink(q, out, n, i);
        } else if (better(q, one.number, out[0].number)) {
            out[0] = one;
            sink(q, out, n, 0);
        }
    }
    if (n < most)
        for (size_t i = n / 2; i-- > 0;) sink(q, out, n, i);
    for (size_t last = n; last > 1; last--) { /* the worst goes behind the rest */
        ig_recommended t = out[0];
        out[0] = out[last - 1];
        out[last - 1] = t;
        sink(q, out, last - 1, 0);
    }
    return n;
}

/* ---- reasons ---- */

static void insert(ig_recommended *to, int32_t item, float share) {
    int at = to->because_count;
    while (at > 0 && fabsf(to->because[at - 1].share) < fabsf(share)) at--;
    if (at == IG_BECAUSE_MAX) return;
    if (to->because_count < IG_BECAUSE_MAX) to->because_count++;
    for (int i = to->because_count - 1; i > at; i--) to->because[i] = to->because[i - 1];
    to->because[at] = (ig_because){.item = item, .share = share};
}

static ig_status explain(const query *q, const ig_history *h, ig_recommended *out, size_t n, ig_error *err) {
    float *share = ig_calloc(h->count + 1, sizeof *share);
    if (!share) return ig_error_nomem(err, h->count * sizeof *share);
    ig_status s = IG_OK;
    for (size_t i = 0; i < n && s == IG_OK; i++) {
        s = q->r->contributions(q->m, h, out[i].number, share, err);
        for (size_t k = 0; k < h->count && s == IG_OK; k++) insert(&out[i], h->number[k], share[k]);
    }
    ig_free(share);
    return s;
}

/* ---- the questions ---- */

static ig_history history_of(const ig_interactions *d, int32_t user) {
    size_t from = (size_t)d->offset[user];
    return (ig_history){.number = d->item + from, .value = d->value + from, .count = (size_t)d->offset[user + 1] - from};
}

static ig_status check_number(int32_t number, size_t count, const char *what, ig_error *err) {
    if (number >= 0 && (size_t)number < count) return IG_OK;
    return ig_error_set(err, IG_E_ARG, "%s %d is none of the model's %zu", what, number, count);
}

static ig_status check_history(const ig_history *h, size_t count, const char *what, ig_error *err) {
    for (size_t k = 0; k < h->count; k++) {
        IG_TRY(check_number(h->number[k], count, what, err));
        if (!isfinite(h->value[k])) return ig_error_set(err, IG_E_ARG, "a value of the history is no finite number");
    }
    return IG_OK;
}

static ig_status items_for(query *q, int32_t user, const ig_history *h, ig_recommended *out, size_t *count, ig_error *err) {
    IG_TRY(q->r->score_items(q->m, user, h, q->score, err));
    for (size_t k = 0; !q->o.keep_seen && k < h->count; k++) q->hidden[h->number[k]] = true;
    *count = best(q, out);
    return q->o.explain ? explain(q, h, out, *count, err) : IG_OK;
}

ig_status ig_recommend_for_user(const ig_model *m, int32_t user, const ig_recommend_opts *opts, ig_recommended *out, size_t *count,
                                ig_error *err) {
    query q;
    IG_TRY(query_begin(&q, m, false, opts, err));
    ig_status s = check_number(user, q.data->users.count, "user", err);
    if (s == IG_OK) {
        ig_history h = history_of(q.data, user);
        s = items_for(&q, user, &h, out, count, err);
    }
    query_end(&q);
    return s;
}

ig_status ig_recommend_for_history(const ig_model *m, const ig_history *h, const ig_recommend_opts *opts, ig_recommended *out,
                                   size_t *count, ig_error *err) {
    query q;
    IG_TRY(query_begin(&q, m, false, opts, err));
    ig_status s = check_history(h, q.data->items.count, "item", err);
    if (s == IG_OK) s = items_for(&q, -1, h, out, count, err);
    query_end(&q);
    return s;
}

ig_status ig_recommend_similar(const ig_model *m, int32_t item, const ig_recommend_opts *opts, ig_recommended *out, size_t *count,
                               ig_error *err) {
    query q;
    IG_TRY(query_begin(&q, m, false, opts, err));
    ig_status s = check_number(item, q.data->items.count, "item", err);
    if (s == IG_OK) s = q.r->similar(m, item, q.score, err);
    if (s == IG_OK) {
        if (!q.o.keep_seen) q.hidden[item] = true;
        *count = best(&q, out);
    }
    query_end(&q);
    return s;
}

static bool has(const ig_interactions *d, size_t user, int32_t item) {
    for (int64_t k = d->offset[user]; k < d->offset[user + 1]; k++)
        if (d->item[k] == item) return true;
    return false;
}

ig_status ig_recommend_users(const ig_model *m, int32_t item, const ig_recommend_opts *opts, ig_recommended *out, size_t *count,
                             ig_error *err) {
    query q;
    IG_TRY(query_begin(&q, m, true, opts, err));
    ig_status s = check_number(item, q.data->items.count, "item", err);
    if (s == IG_OK) s = q.r->score_users(m, item, NULL, q.score, err);
    if (s == IG_OK) {
        for (size_t u = 0; !q.o.keep_seen && u < q.rows; u++) q.hidden[u] = has(q.data, u, item);
        *count = best(&q, out);
    }
    query_end(&q);
    return s;
}

ig_status ig_recommend_users_of_new(const ig_model *m, const ig_history *h, const ig_recommend_opts *opts, ig_recommended *out,
                                    size_t *count, ig_error *err) {
    query q;
    IG_TRY(query_begin(&q, m, true, opts, err));
    ig_status s = check_history(h, q.rows, "user", err);
    if (s == IG_OK) s = q.r->score_users(m, -1, h, q.score, err);
    if (s == IG_OK) {
        for (size_t k = 0; !q.o.keep_seen && k < h->count; k++) q.hidden[h->number[k]] = true;
        *count = best(&q, out);
    }
    query_end(&q);
    return s;
}

ig_status ig_recommend_scores(const ig_model *m, int32_t user, float *out, ig_error *err) {
    const ig_interactions *d = ig_recommend_data(m);
    if (!d) return not_recommending(m, err);
    IG_TRY(check_number(user, d->users.count, "user", err));
    return m->family->recommender->score_items(m, user, NULL, out, err);
}
