/* retrieval/rank_pairs.c: the questions that a ranker learns from: forms of the passages and the caller's cases. */
#include <string.h>

#include "retrieval/rank_index.h"

void ig_rank_pairs_fini(rank_pairs *p) {
    ig_free(p->text);
    ig_free(p->passage);
    ig_free(p->weight);
    ig_free(p->key);
    ig_free(p->of);
    ig_free(p->begin);
    ig_free(p->word);
    ig_free(p->word_hash);
    *p = (rank_pairs){0};
}

static ig_status check_case(const ig_rank_case *c, size_t at, size_t n, ig_error *err) {
    if (!c->question) return ig_error_set(err, IG_E_ARG, "case %zu has no question", at);
    if (c->passage < -1 || (c->passage >= 0 && (uint64_t)c->passage >= n)) {
        return ig_error_set(err, IG_E_ARG, "case %zu names passage %lld; there are %zu", at, (long long)c->passage, n);
    }
    if (!(c->weight >= 0 && c->weight <= 1)) return ig_error_set(err, IG_E_ARG, "case %zu: weight %g is not in 0 … 1", at,
                                                                 c->weight);
    for (size_t i = 0; i < c->not_count; i++) {
        if (c->not_passages[i] >= n) return ig_error_set(err, IG_E_ARG, "case %zu: no passage %u", at, c->not_passages[i]);
    }
    return IG_OK;
}

static void put(rank_pairs *p, const char *text, uint32_t passage, double weight, const ig_rank_case *of) {
    p->text[p->n] = text;
    p->passage[p->n] = passage;
    p->weight[p->n] = (float)weight;
    p->of[p->n++] = of;
}

ig_status ig_rank_pairs_make(const ig_rank_passage *passages, size_t n, const ig_rank_case *cases, size_t m, rank_pairs *out,
                             ig_error *err) {
    size_t total = m;
    for (size_t i = 0; i < n; i++) {
        if (!ig_add_size(total, passages[i].question_count, &total)) return ig_error_set(err, IG_E_LIMIT, "too many questions");
    }
    for (size_t i = 0; i < m; i++) IG_TRY(check_case(&cases[i], i, n, err));
    if (total >= RANK_NONE) return ig_error_set(err, IG_E_LIMIT, "%zu questions are too many", total);
    *out = (rank_pairs){0};
    out->text = ig_calloc(total + 1, sizeof *out->text);
    out->passage = ig_calloc(total + 1, sizeof *out->passage);
    out->weight = ig_calloc(total + 1, sizeof *out->weight);
    out->key = ig_calloc(total + 1, sizeof *out->key);
    out->of = ig_calloc(total + 1, sizeof *out->of);
    out->begin = ig_calloc(total + 1, sizeof *out->begin);
    if (!out->text || !out->passage || !out->weight || !out->key || !out->of || !out->begin) {
        ig_rank_pairs_fini(out);
        return ig_error_nomem(err, total * sizeof *out->text);
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t q = 0; q < passages[i].question_count; q++) put(out, passages[i].questions[q], (uint32_t)i, 1, NULL);
    }
    for (size_t i = 0; i < m; i++) {
        put(out, cases[i].question, cases[i].passage < 0 ? RANK_NONE : (uint32_t)cases[i].passage, cases[i].weight, &cases[i]);
    }
    return IG_OK;
}
