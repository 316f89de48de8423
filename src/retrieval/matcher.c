/* retrieval/matcher.c: answering, and saying why.
 *
 * A text is read once; both kinds of learners see it.  The nearest known questions come from postings: only rows that share a
 * term are touched.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "retrieval/matcher_impl.h"

#define NEAREST_SCALE 20 /* similarity 0.1 more is a probability e² times higher */

void ig_matcher_free(ig_matcher *m) {
    if (!m) return;
    match_terms_fini(&m->terms);
    match_members_fini(&m->members);
    match_known_fini(&m->known);
    ig_free(m);
}

size_t ig_matcher_labels(const ig_matcher *m) { return m->labels; }

/* ---- known questions ---- */

void match_known_fini(match_known *k) {
    match_rows_fini(&k->rows);
    ig_free(k->label);
    ig_free(k->text_start);
    ig_free(k->text);
    ig_free(k->post_start);
    ig_free(k->post);
    ig_free(k->post_value);
    *k = (match_known){0};
}

/* Terms in more rows than this tell little and cost much. */
static uint64_t common(const match_known *k) { return k->rows.n / 20 > 2000 ? k->rows.n / 20 : 2000; }

/* start[t+1]: first where the postings of t begin, then, as they are filled in, where they end. */
static void fill_postings(match_known *k, const uint32_t *rows_with, uint64_t most) {
    for (size_t row = 0; row < k->rows.n; row++)
        for (uint64_t i = k->rows.start[row]; i < k->rows.start[row + 1]; i++) {
            uint32_t term = k->rows.term[i];
            if (rows_with[term] > most) continue;
            uint64_t at = k->post_start[term + 1]++;
            k->post[at] = (uint32_t)row, k->post_value[at] = k->rows.value[i];
        }
}

ig_status match_known_index(match_known *k, const match_terms *t, ig_error *err) {
    uint64_t all = k->rows.start[k->rows.n];
    uint32_t *rows_with = ig_calloc(t->count + 1, sizeof *rows_with);
    k->post_start = ig_calloc(t->count + 2, sizeof *k->post_start);
    k->post = ig_calloc((size_t)all + 1, sizeof *k->post);
    k->post_value = ig_calloc((size_t)all + 1, sizeof *k->post_value);
    if (!rows_with || !k->post_start || !k->post || !k->post_value) {
        ig_free(rows_with);
        return ig_error_nomem(err, (size_t)all * sizeof *k->post);
    }
    for (uint64_t i = 0; i < all; i++) rows_with[k->rows.term[i]]++;
    for (size_t i = 0; i < t->count; i++)
        k->post_start[i + 2] = k->post_start[i + 1] + (rows_with[i] > common(k) ? 0 : rows_with[i]);
    fill_postings(k, rows_with, common(k));
    ig_free(rows_with);
    return IG_OK;
}

void match_known_compare(const match_known *k, const uint32_t *term, const float *value, size_t n, float *similarity) {
    memset(similarity, 0, k->rows.n * sizeof *similarity);
    for (size_t i = 0; i < n; i++)
        for (uint64_t at = k->post_start[term[i]]; at < k->post_start[term[i] + 1]; at++)
            similarity[k->post[at]] += value[i] * k->post_value[at] / MATCH_KINDS; /* rows have length √MATCH_KINDS */
}

/* ---- answering ---- */

/* Where an familiarity stands among those of held-out questions; below all of them it falls on, so that a threshold can be set. */
static double standing(const float *familiar, double familiarity) {
    size_t lo = 0, hi = MATCH_QUANTILES;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if ((double)familiar[mid] <= familiarity) lo = mid + 1;
        else hi = mid;
    }
    if (lo == MATCH_QUANTILES) return 1;
    if (lo == 0) return exp(familiarity - (double)familiar[0]) / (MATCH_QUANTILES + 1);
    double below = (double)familiar[lo - 1], width = (double)familiar[lo] - below;
    return ((double)lo + (width > 0 ? (familiarity - below) / width : 0)) / (MATCH_QUANTILES + 1);
}

static ig_status by_nearest(const ig_matcher *m, const match_query *q, float *log_p, double *in_scope, ig_error *err) {
    const match_known *k = &m->known;
    float *similarity = ig_calloc(k->rows.n + 1, sizeof *similarity);
    if (!similarity) return ig_error_nomem(err, k->rows.n * sizeof *similarity);
    match_known_compare(k, q->term, q->value, q->count, similarity);
    memset(log_p, 0, m->labels * sizeof *log_p);
    float best = 0;
    for (size_t i = 0; i < k->rows.n; i++) {
        if (similarity[i] > log_p[k->label[i]]) log_p[k->label[i]] = similarity[i];
        if (similarity[i] > best) best = similarity[i];
    }
    ig_free(similarity);
    match_log_softmax(log_p, m->labels, NEAREST_SCALE);
    *in_scope = standing(m->familiar, (double)best);
    return IG_OK;
}

static ig_status by_members(const ig_matcher *m, const match_query *q, float *log_p, double *in_scope, ig_error *err) {
    float *scratch = ig_calloc(match_members_scratch(&m->members), sizeof *scratch);
    if (!scratch) return ig_error_nomem(err, match_members_scratch(&m->members) * sizeof *scratch);
    match_view view = {q->seen, q->term, q->value, q->seen_count, q->count};
    double familiarity = 0;
    match_members_score(m->ctx, &m->members, &m->terms, &view, log_p, &familiarity, scratch);
    *in_scope = standing(m->familiar, familiarity);
    ig_free(scratch);
    return IG_OK;
}

ig_status ig_matcher_score(const ig_matcher *m, const char *text, size_t len, float *log_probability, double *in_scope,
                           ig_error *err) {
    match_query q = {0};
    double scope = 0;
    ig_status s = match_query_read(&m->terms, text, len, &q, err);
    if (s == IG_OK) s = (m->learned ? by_members : by_nearest)(m, &q, log_probability, &scope, err);
    if (s == IG_OK && q.count == 0) scope = 0; /* not one gram that was ever seen */
    if (in_scope) *in_scope = scope;
    match_query_fini(&q);
    return s;
}

/* ---- explaining ---- */

/* Each occurrence's part of what its term adds to the label's margin. */
static double part_of(const ig_matcher *m, const match_query *q, uint32_t term, int32_t label) {
    size_t lo = 0, hi = q->count, times = 0;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (q->term[mid] < term) lo = mid + 1;
        else hi = mid;
    }
    for (size_t i = 0; i < q->seen_count; i++) times += q->seen[i].term == term;
    if (lo == q->count || q->term[lo] != term || !times) return 0;
    float weight = m->learned ? m->members.svm.weight[term * m->members.svm.stride + (size_t)label] : m->terms.idf[term];
    return (double)q->value[lo] * (double)weight / (double)times;
}

/* Into the list, sorted by size, the smallest drops out. */
static void put_reason(ig_match_reason *list, size_t room, size_t *count, ig_match_reason r) {
    if (room == 0 || r.weight == 0) return;
    if (*count == room && fabs(list[room - 1].weight) >= fabs(r.weight)) return;
    size_t at = *count < room ? (*count)++ : room - 1;
    for (; at > 0 && fabs(list[at - 1].weight) < fabs(r.weight); at--) list[at] = list[at - 1];
    list[at] = r;
}

static void put_near(ig_match_near *list, size_t room, size_t *count, ig_match_near r) {
    if (room == 0 || r.similarity <= 0) return;
    if (*count == room && list[room - 1].similarity >= r.similarity) return;
    size_t at = *count < room ? (*count)++ : room - 1;
    for (; at > 0 && list[at - 1].similarity < r.similarity; at--) list[at] = list[at - 1];
    list[at] = r;
}

static ig_status nearest(const ig_matcher *m, const match_query *q, ig_match_near *near, size_t room, size_t *count,
                         ig_error *err) {
    const match_known *k = &m->known;
    float *similarity = ig_calloc(k->rows.n + 1, sizeof *similarity);
    if (!similarity) return ig_error_nomem(err, k->rows.n * sizeof *similarity);
    match_known_compare(k, q->term, q->value, q->count, similarity);
    for (size_t i = 0; i < k->rows.n; i++) {
        size_t from = (size_t)k->text_start[i];
        put_near(near, room, count, (ig_match_near){k->text + from, (size_t)k->text_start[i + 1] - from, k->label[i],
                                                    (double)similarity[i]});
    }
    ig_free(similarity);
    return IG_OK;
}

ig_status ig_matcher_explain(const ig_matcher *m, const char *text, size_t len, int32_t label, ig_match_reason *reasons,
                             size_t *reason_count, ig_match_near *near, size_t *near_count, ig_error *err) {
    size_t reason_room = *reason_count, near_room = *near_count;
    *reason_count = *near_count = 0;
    if (label < 0 || (size_t)label >= m->labels)
        return ig_error_set(err, IG_E_ARG, "label %d; the matcher has 0 to %zu", label, m->labels - 1);
    match_query q = {0};
    ig_status s = match_query_read(&m->terms, text, len, &q, err);
    for (size_t i = 0; s == IG_OK && i < q.grams.count; i++) {
        const match_gram *g = &q.grams.item[i];
        uint32_t term = match_terms_find(&m->terms, g->hash);
        if (term == MATCH_NO_TERM || g->kind != MATCH_WORDS) continue;
        put_reason(reasons, reason_room, reason_count, (ig_match_reason){g->from, g->to, part_of(m, &q, term, label)});
    }
    if (s == IG_OK) s = nearest(m, &q, near, near_room, near_count, err);
    match_query_fini(&q);
    return s;
}
