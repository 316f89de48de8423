/* retrieval/rank_look.c: candidates and features of a question; see rank_look.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "retrieval/rank_look.h"

enum { LEXICAL = 200, FOUND = 80, MANY = 20000, BUDGET = 30000 /* postings of a channel that find candidates */ };
static const float SAME_FROM = 0.6f; /* cosine from which a known question may be the same question */

ig_status ig_rank_look_init(rank_look *l, const rank_index *x, ig_error *err) {
    size_t n = x->passages + 1;
    *l = (rank_look){0};
    ig_status s = ig_rank_terms_init(&l->terms, err);
    bool ok = true;
    for (int i = 0; i < RANK_FORM; i++) ok &= (l->channel[i] = ig_calloc(n, sizeof(float))) != NULL;
    l->form = ig_calloc(x->forms + 1, sizeof *l->form);
    l->met = ig_calloc(x->forms + 1, sizeof *l->met);
    l->nearest = ig_calloc(n, sizeof *l->nearest);
    l->found = ig_calloc(n, sizeof *l->found);
    l->mixed = ig_calloc(n, sizeof *l->mixed);
    l->spread = ig_calloc(x->channel[RANK_WORD].terms + 1, sizeof *l->spread);
    l->taken = ig_calloc(n, 1);
    if (s == IG_OK && !(ok && l->form && l->met && l->nearest && l->found && l->mixed && l->spread && l->taken)) {
        s = ig_error_nomem(err, n * sizeof(float));
    }
    if (s != IG_OK) ig_rank_look_fini(l);
    return s;
}

void ig_rank_look_fini(rank_look *l) {
    ig_rank_terms_fini(&l->terms);
    for (int i = 0; i < RANK_FORM; i++) ig_free(l->channel[i]);
    for (int i = 0; i < RANK_CHANNELS; i++) ig_free(l->picks[i].pick);
    ig_free(l->form);
    ig_free(l->met);
    ig_free(l->nearest);
    ig_free(l->found);
    ig_free(l->mixed);
    ig_free(l->spread);
    ig_free(l->taken);
    ig_free(l->passage);
    ig_free(l->row);
    ig_free(l->column);
    *l = (rank_look){0};
}

size_t ig_rank_most(const rank_index *x) {
    return x->passages <= MANY ? x->passages : x->passages / 10;
}

static ig_status reserve(rank_look *l, size_t n, size_t extra, ig_error *err) {
    if (n <= l->cap) return IG_OK;
    uint32_t *passage = ig_realloc_array(l->passage, n, sizeof *passage);
    if (passage) l->passage = passage;
    rank_row *row = ig_realloc_array(l->row, n, sizeof *row);
    if (row) l->row = row;
    float *column = ig_realloc_array(l->column, n * (1 + extra), sizeof *column);
    if (column) l->column = column;
    if (!passage || !row || !column) return ig_error_nomem(err, n * sizeof *row);
    l->cap = n;
    return IG_OK;
}

/* Drop about three terms in ten: a question as somebody else might have put it. */
static void thin_bag(rank_bag *bag, uint64_t key) {
    size_t n = 0;
    for (size_t i = 0; i < bag->n; i++) {
        if (ig_hash64(&bag->term[i].hash, sizeof bag->term[i].hash, key) % 10 >= 3) bag->term[n++] = bag->term[i];
    }
    bag->n = n;
}

static ig_status score_channels(rank_look *l, const rank_index *x, const rank_model *m, ig_error *err) {
    static const uint8_t bag_of[RANK_FORM] = {RANK_BAG_GRAM, RANK_BAG_WORD, RANK_BAG_LONG, RANK_BAGS};
    for (int i = 0; i < RANK_FORM; i++) {
        l->picks[i].n = l->picks[i].early = 0;
        memset(l->channel[i], 0, x->passages * sizeof(float));
        if (m->numbers.without >> i & 1) continue;
        const rank_bag *bag = bag_of[i] == RANK_BAGS ? &l->terms.mixed : &l->terms.bag[bag_of[i]];
        IG_TRY(ig_rank_channel_pick(&x->channel[i], bag, ig_rank_most(x), BUDGET, &l->picks[i], err));
        ig_rank_channel_bm25(&x->channel[i], &l->picks[i], m->numbers.k1[i], m->numbers.b[i], l->channel[i]);
    }
    return IG_OK;
}

static bool left_out(const rank_index *x, const rank_ask *ask, size_t form) {
    return ask->folds && x->form_key[form] % ask->folds == ask->fold;
}

static void take_nearest(rank_look *l, const rank_index *x, size_t f, float norm) {
    float cosine = l->form[f] / (norm * x->form_norm[f] + 1e-9f), *best = &l->nearest[x->form_passage[f]];
    if (cosine > *best) *best = cosine < 1 ? cosine : 1;
}

/* The cosine of the nearest form of each passage, as far as the early terms tell. */
static ig_status score_forms(rank_look *l, const rank_index *x, const rank_model *m, const rank_ask *ask, ig_error *err) {
    memset(l->nearest, 0, x->passages * sizeof(float));
    l->picks[RANK_FORM].n = l->picks[RANK_FORM].early = 0;
    if ((m->numbers.without >> IG_RANK_FORM & 1) && (m->numbers.without >> IG_RANK_SAME & 1)) return IG_OK;
    const rank_channel *c = &x->channel[RANK_FORM];
    size_t most = x->forms <= MANY ? x->forms : x->forms / 10;
    l->form_norm = (float)ig_rank_channel_norm_of(c, &l->terms.mixed);
    memset(l->form, 0, x->forms * sizeof(float));
    IG_TRY(ig_rank_channel_pick(c, &l->terms.mixed, most, BUDGET, &l->picks[RANK_FORM], err));
    ig_rank_channel_dot(c, &l->picks[RANK_FORM], l->form);
    for (size_t f = 0; f < x->forms; f++) {
        if (l->form[f] > 0 && !left_out(x, ask, f)) take_nearest(l, x, f, l->form_norm);
    }
    return IG_OK;
}

static int by_number(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* What the other terms add, for the candidates and their forms only.  `taken` tells the candidates. */
static void add_rest(rank_look *l, const rank_index *x, const rank_model *m, const rank_ask *ask) {
    if (l->n) qsort(l->passage, l->n, sizeof *l->passage, by_number);
    for (int i = 0; i < RANK_FORM; i++) {
        ig_rank_channel_bm25_rest(&x->channel[i], &l->picks[i], m->numbers.k1[i], m->numbers.b[i], l->passage, l->n,
                                  l->channel[i]);
    }
    const rank_picks *p = &l->picks[RANK_FORM];
    if (p->early == p->n) return;
    size_t met = 0;
    for (size_t f = 0; f < x->forms; f++) {
        if (l->form[f] > 0 && l->taken[x->form_passage[f]] && !left_out(x, ask, f)) l->met[met++] = (uint32_t)f;
    }
    ig_rank_channel_dot_rest(&x->channel[RANK_FORM], p, l->met, met, l->form);
    for (size_t i = 0; i < met; i++) take_nearest(l, x, l->met[i], l->form_norm);
}

static float same_of(float cosine) {
    return cosine > SAME_FROM ? (cosine - SAME_FROM) / (1 - SAME_FROM) : 0;
}

static void mix_lexical(rank_look *l, const rank_index *x, const rank_model *m, const rank_ask *ask) {
    const float *w = m->numbers.weight;
    for (size_t d = 0; d < x->passages; d++) {
        float sum = w[IG_RANK_FORM] * l->nearest[d] + w[IG_RANK_SAME] * same_of(l->nearest[d]);
        for (int i = 0; i < RANK_FORM; i++) sum += w[i] * l->channel[i][d];
        l->mixed[d] = sum;
    }
    for (size_t d = 0; ask->keep && d < x->passages; d++) {
        if ((l->mixed[d] > 0 || l->found[d] > 0) && !ask->keep(ask->keep_arg, (uint32_t)d)) l->mixed[d] = l->found[d] = 0;
    }
}

/* A heap of the best k of score[n] that are not taken, the least on top; among equals the earlier passage is better. */
static bool worse(const float *score, uint32_t a, uint32_t b) {
    return score[a] != score[b] ? score[a] < score[b] : a > b;
}

static void sift(uint32_t *heap, size_t n, size_t i, const float *score) {
    for (;;) {
        size_t least = i, left = 2 * i + 1;
        if (left < n && worse(score, heap[left], heap[least])) least = left;
        if (left + 1 < n && worse(score, heap[left + 1], heap[least])) least = left + 1;
        if (least == i) return;
        uint32_t t = heap[i];
        heap[i] = heap[least];
        heap[least] = t;
        i = least;
    }
}

static void take_best(rank_look *l, const float *score, size_t passages, size_t k) {
    uint32_t *heap = l->passage + l->n;
    size_t n = 0;
    for (size_t d = 0; d < passages; d++) {
        if (score[d] <= 0 || l->taken[d]) continue;
        if (n < k) {
            heap[n++] = (uint32_t)d;
            if (n == k) {
                for (size_t i = k / 2 + 1; i-- > 0;) sift(heap, n, i, score);
            }
        } else if (worse(score, heap[0], (uint32_t)d)) {
            heap[0] = (uint32_t)d;
            sift(heap, n, 0, score);
        }
    }
    for (size_t i = 0; i < n; i++) l->taken[heap[i]] = 1;
    l->n += n;
}

static void find_candidates(rank_look *l, const rank_index *x, const rank_model *m, const rank_ask *ask) {
    memset(l->found, 0, x->passages * sizeof(float));
    if (!(m->numbers.without >> IG_RANK_TRANSLATE & 1)) {
        ig_rank_translation_find(&m->translation, x, &l->terms.bag[RANK_BAG_WORD], ig_rank_most(x), l->found);
    }
    mix_lexical(l, x, m, ask);
    l->n = 0;
    take_best(l, l->mixed, x->passages, ask->narrow ? LEXICAL / 3 : LEXICAL);
    take_best(l, l->found, x->passages, ask->narrow ? FOUND / 2 : FOUND);
    for (size_t i = 0; i < ask->also_n; i++) {
        if (l->taken[ask->also[i]]) continue;
        l->taken[ask->also[i]] = 1;
        l->passage[l->n++] = ask->also[i];
    }
    add_rest(l, x, m, ask);
    for (size_t i = 0; i < l->n; i++) l->taken[l->passage[i]] = 0;
}

static ig_status fill_rows(rank_look *l, const rank_index *x, const rank_model *m, const rank_ask *ask, ig_error *err) {
    uint32_t without = m->numbers.without;
    memset(l->row, 0, l->n * sizeof *l->row);
    for (size_t i = 0; i < l->n; i++) {
        uint32_t d = l->passage[i];
        float *v = l->row[i].x, length = log1pf(x->channel[RANK_WORD].length[d]);
        for (int c = 0; c < RANK_FORM; c++) v[c] = l->channel[c][d];
        v[IG_RANK_QUALITY] = without >> IG_RANK_QUALITY & 1 ? 0 : ig_rank_quality_of(m->quality, x, d);
        v[IG_RANK_LENGTH] = length;
        v[IG_RANK_LENGTH2] = length * length / 4;
        v[IG_RANK_FORM] = l->nearest[d];
        v[IG_RANK_SAME] = same_of(l->nearest[d]);
    }
    if (!(without >> IG_RANK_TRANSLATE & 1)) {
        ig_rank_translation_score(&m->translation, x, &l->terms.bag[RANK_BAG_WORD], l->passage, l->n, l->spread, l->column);
        for (size_t i = 0; i < l->n; i++) l->row[i].x[IG_RANK_TRANSLATE] = l->column[i];
    }
    size_t extra = m->numbers.extra;
    if (!extra || !l->n) return IG_OK;
    IG_TRY(ask->extra.fn(ask->extra.arg, ask->text, ask->len, l->passage, l->n, l->column, err));
    for (size_t i = 0; i < l->n * extra; i++) {
        if (!isfinite(l->column[i])) return ig_error_set(err, IG_E_NUMERIC, "an extra feature of a passage is no number");
        l->row[i / extra].x[IG_RANK_EXTRA + i % extra] = l->column[i];
    }
    return IG_OK;
}

static void measure_question(rank_look *l, const rank_index *x, const rank_model *m) {
    const rank_channel *c = &x->channel[RANK_WORD];
    const rank_bag *words = &l->terms.bag[RANK_BAG_WORD];
    l->reach = 0;
    l->words = (double)words->n;
    for (size_t i = 0; i < words->n; i++) {
        size_t t = ig_rank_channel_find(c, words->term[i].hash);
        double idf = t == SIZE_MAX ? log(1 + ((double)c->docs + 0.5) / 0.5) : ig_rank_channel_idf(c, t);
        l->reach += idf * words->term[i].tf * (m->numbers.k1[RANK_WORD] + 1);
    }
}

ig_status ig_rank_look_up(rank_look *l, const rank_index *x, const rank_model *m, const rank_ask *ask, ig_error *err) {
    size_t extra = m->numbers.extra;
    if (extra != (size_t)(ask->extra.fn ? ask->extra.count : 0)) {
        return ig_error_set(err, IG_E_ARG, "this ranker was trained with %zu extra features: give as many", extra);
    }
    IG_TRY(reserve(l, LEXICAL + FOUND + ask->also_n, extra, err));
    IG_TRY(ig_rank_terms_read(&l->terms, ask->text, ask->len, err));
    if (ask->thin) {
        for (int i = 0; i < RANK_BAGS; i++) thin_bag(&l->terms.bag[i], ask->thin);
        thin_bag(&l->terms.mixed, ask->thin);
    }
    measure_question(l, x, m);
    IG_TRY(score_channels(l, x, m, err));
    IG_TRY(score_forms(l, x, m, ask, err));
    find_candidates(l, x, m, ask);
    return fill_rows(l, x, m, ask, err);
}
