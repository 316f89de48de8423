/* retrieval/rank_translate_learn.c: IBM model 1 by expectation and maximisation.
 *
 * t(w | a) lives in a hash table over the pairs of words that occur together.  Each step shares every question word out among
 * the
 * answer's words in proportion to t, with the "no word" that says background(w) taking its part, and divides the sums by what
 * each
 * answer word got plus SMOOTH: a rare answer word cannot claim everything it was seen with once (Moore 2004).  With many pairs,
 * words that met only once are left out, which keeps the table in bounds.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "retrieval/rank_translate.h"
#include "retrieval/rank_translate_block.h"

enum {
    STEPS = 6,
    ANSWER_WORDS = 100,       /* of a passage */
    MANY = 20000,             /* pairs from which on words must meet twice */
    MET_BITS = 25,            /* size of the filter for that */
    SLOTS_MAX = 1 << 23       /* 128 MiB; what does not fit is left out */
};
static const float SMOOTH = 0.7f, NOTHING = 4, P_MIN = 0.002f;

typedef struct em {
    const rank_index *x;
    const rank_pairs *pairs;
    unsigned folds, fold;
    uint64_t *key;            /* (question word << 32 | answer word) + 1 */
    float *p, *sum;
    size_t slots, used;
    float *total;             /* [terms of WORD] */
    float *background;        /* [words of the questions] */
    uint8_t *met;
} em;

typedef ig_status pair_fn(em *m, size_t pair, const uint32_t *answer, const uint8_t *tf, size_t n, ig_error *err);

/* Call fn for every pair to be learned from, with the words of its answer. */
static ig_status each_pair(em *m, pair_fn *fn, ig_error *err) {
    const rank_index *x = m->x;
    for (size_t i = 0; i < m->pairs->n; i++) {
        uint32_t d = m->pairs->passage[i];
        if (d == RANK_NONE || m->pairs->weight[i] <= 0) continue;
        if (m->folds && m->pairs->key[i] % m->folds == m->fold) continue;
        size_t n = x->word_begin[d + 1] - x->word_begin[d];
        IG_TRY(fn(m, i, x->word + x->word_begin[d], x->word_tf + x->word_begin[d], n < ANSWER_WORDS ? n : ANSWER_WORDS, err));
    }
    return IG_OK;
}

static ig_status count_words(em *m, size_t i, const uint32_t *answer, const uint8_t *tf, size_t n, ig_error *err) {
    (void)answer, (void)tf, (void)n, (void)err;
    for (uint64_t w = m->pairs->begin[i]; w < m->pairs->begin[i + 1]; w++)
        m->background[m->pairs->word[w]] += m->pairs->weight[i];
    return IG_OK;
}

static uint64_t key_of(uint32_t w, uint32_t a) {
    return ((uint64_t)w << 32 | a) + 1;
}

static uint64_t mixed(uint64_t key) {
    key *= UINT64_C(0x9E3779B97F4A7C15);
    return key ^ key >> 29;
}

static ig_status count_meetings(em *m, size_t i, const uint32_t *answer, const uint8_t *tf, size_t n, ig_error *err) {
    (void)tf, (void)err;
    for (uint64_t w = m->pairs->begin[i]; w < m->pairs->begin[i + 1]; w++) {
        for (size_t a = 0; a < n; a++) {
            uint8_t *met = &m->met[mixed(key_of(m->pairs->word[w], answer[a])) >> (64 - MET_BITS)];
            if (*met < 2) ++*met;
        }
    }
    return IG_OK;
}

static size_t slot_of(const em *m, uint64_t key) {
    size_t at = mixed(key) & (m->slots - 1);
    while (m->key[at] && m->key[at] != key) at = (at + 1) & (m->slots - 1);
    return at;
}

static ig_status grow(em *m, ig_error *err) {
    em bigger = {.slots = m->slots ? 2 * m->slots : 4096};
    bigger.key = ig_calloc(bigger.slots, sizeof *bigger.key);
    if (!bigger.key) return ig_error_nomem(err, bigger.slots * sizeof *bigger.key);
    for (size_t i = 0; i < m->slots; i++) {
        if (m->key[i]) bigger.key[slot_of(&bigger, m->key[i])] = m->key[i];
    }
    ig_free(m->key);
    m->key = bigger.key;
    m->slots = bigger.slots;
    return IG_OK;
}

static ig_status collect(em *m, size_t i, const uint32_t *answer, const uint8_t *tf, size_t n, ig_error *err) {
    (void)tf;
    for (uint64_t w = m->pairs->begin[i]; w < m->pairs->begin[i + 1]; w++) {
        if (4 * (m->used + n + 1) > 3 * m->slots && m->slots < SLOTS_MAX) IG_TRY(grow(m, err));
        if (4 * (m->used + n + 1) > 3 * m->slots) return IG_OK;
        for (size_t a = 0; a < n; a++) {
            uint64_t key = key_of(m->pairs->word[w], answer[a]);
            if (m->met && m->met[mixed(key) >> (64 - MET_BITS)] < 2) continue;
            size_t at = slot_of(m, key);
            m->used += !m->key[at];
            m->key[at] = key;
        }
    }
    return IG_OK;
}

static ig_status expect(em *m, size_t i, const uint32_t *answer, const uint8_t *tf, size_t n, ig_error *err) {
    size_t at[ANSWER_WORDS];
    (void)err;
    for (uint64_t w = m->pairs->begin[i]; w < m->pairs->begin[i + 1]; w++) {
        uint32_t word = m->pairs->word[w];
        float z = NOTHING * m->background[word];
        for (size_t a = 0; a < n; a++) {
            at[a] = slot_of(m, key_of(word, answer[a]));
            if (m->key[at[a]]) z += m->p[at[a]] * (float)tf[a];
        }
        for (size_t a = 0; a < n; a++) {
            if (m->key[at[a]]) m->sum[at[a]] += m->pairs->weight[i] * m->p[at[a]] * (float)tf[a] / z;
        }
    }
    return IG_OK;
}

static void maximise(em *m, size_t terms) {
    for (size_t t = 0; t < terms; t++) m->total[t] = SMOOTH;
    for (size_t i = 0; i < m->slots; i++) {
        if (m->key[i]) m->total[(uint32_t)(m->key[i] - 1)] += m->sum[i];
    }
    for (size_t i = 0; i < m->slots; i++) {
        if (m->key[i]) m->p[i] = m->sum[i] / m->total[(uint32_t)(m->key[i] - 1)];
        m->sum[i] = 0;
    }
}

static ig_status prepare(em *m, ig_error *err) {
    size_t words = m->pairs->words;
    double total = 0;
    m->background = ig_calloc(words + 1, sizeof *m->background);
    m->total = ig_calloc(m->x->channel[RANK_WORD].terms + 1, sizeof *m->total);
    if (!m->background || !m->total) return ig_error_nomem(err, words * sizeof *m->background);
    IG_TRY(each_pair(m, count_words, err));
    for (size_t w = 0; w < words; w++) total += m->background[w];
    for (size_t w = 0; w < words; w++) m->background[w] = (float)((m->background[w] + 0.1) / (total + 0.1 * (double)words));
    if (m->pairs->n > MANY) {
        m->met = ig_calloc((size_t)1 << MET_BITS, 1);
        if (!m->met) return ig_error_nomem(err, (size_t)1 << MET_BITS);
        IG_TRY(each_pair(m, count_meetings, err));
    }
    IG_TRY(grow(m, err));
    IG_TRY(each_pair(m, collect, err));
    ig_free(m->met);
    m->met = NULL;
    m->p = ig_calloc(m->slots, sizeof *m->p);
    m->sum = ig_calloc(m->slots, sizeof *m->sum);
    if (!m->p || !m->sum) return ig_error_nomem(err, m->slots * sizeof *m->p);
    for (size_t i = 0; i < m->slots; i++) m->p[i] = 0.01f;
    return IG_OK;
}

typedef struct entry {
    uint32_t w, a; /* by their places in the block */
    float p;
} entry;

static int by_word(const void *x, const void *y) {
    const entry *a = x, *b = y;
    if (a->w != b->w) return a->w < b->w ? -1 : 1;
    if (a->p != b->p) return a->p > b->p ? -1 : 1;
    return (a->a > b->a) - (a->a < b->a);
}

typedef struct named {
    uint64_t hash;
    uint32_t id;
} named;

static int by_hash(const void *x, const void *y) {
    uint64_t a = ((const named *)x)->hash, b = ((const named *)y)->hash;
    return (a > b) - (a < b);
}

/* The entries worth keeping: likelier than the word is anyway. */
static size_t keep_entries(const em *m, const uint32_t *place, entry *out) {
    size_t n = 0;
    for (size_t i = 0; i < m->slots; i++) {
        uint32_t w = (uint32_t)((m->key[i] - 1) >> 32), a = (uint32_t)(m->key[i] - 1);
        if (!m->key[i] || m->p[i] < P_MIN || m->p[i] < m->background[w]) continue;
        if (out) out[n] = (entry){place[w], a, m->p[i] < 1 ? m->p[i] : 1};
        n++;
    }
    return n;
}

static void fill_block(const em *m, const named *sorted, const entry *list, const uint64_t head[3], unsigned char *b) {
    translation_parts at = {0};
    ig_rank_translation_parts(head, &at);
    memcpy(b, head, 3 * sizeof *head);
    memcpy(b + at.a_hash, m->x->channel[RANK_WORD].hash, head[1] * sizeof(uint64_t));
    uint64_t *q_hash = (uint64_t *)(void *)(b + at.q_hash), *begin = (uint64_t *)(void *)(b + at.q_begin);
    float *background = (float *)(void *)(b + at.background), *p = (float *)(void *)(b + at.p);
    uint32_t *a = (uint32_t *)(void *)(b + at.a);
    for (size_t q = 0; q < head[0]; q++) {
        q_hash[q] = sorted[q].hash;
        background[q] = m->background[sorted[q].id];
    }
    for (size_t e = 0; e < head[2]; e++) {
        begin[list[e].w + 1]++;
        a[e] = list[e].a;
        p[e] = list[e].p;
    }
    for (size_t q = 0; q < head[0]; q++) begin[q + 1] += begin[q];
}

static void drop_table(em *m) {
    ig_free(m->key);
    ig_free(m->p);
    ig_free(m->sum);
    m->key = NULL;
    m->p = m->sum = NULL;
}

/* The table makes room for the block as soon as what is kept of it is listed. */
static ig_status make_block(em *m, rank_translation *out, ig_error *err) {
    size_t words = m->pairs->words;
    named *sorted = ig_calloc(words + 1, sizeof *sorted);
    uint32_t *place = ig_calloc(words + 1, sizeof *place);
    entry *list = NULL;
    ig_status s = sorted && place ? IG_OK : ig_error_nomem(err, words * sizeof *sorted);
    if (s == IG_OK) {
        for (size_t w = 0; w < words; w++) sorted[w] = (named){m->pairs->word_hash[w], (uint32_t)w};
        qsort(sorted, words, sizeof *sorted, by_hash);
        for (size_t w = 0; w < words; w++) place[sorted[w].id] = (uint32_t)w;
        uint64_t head[3] = {words, m->x->channel[RANK_WORD].terms, keep_entries(m, place, NULL)};
        translation_parts part = {0};
        ig_rank_translation_parts(head, &part);
        list = ig_calloc(head[2] + 1, sizeof *list);
        if (list) {
            keep_entries(m, place, list);
            drop_table(m);
            out->block = ig_calloc(1, part.size);
            out->size = part.size;
        }
        if (!list || !out->block) s = ig_error_nomem(err, part.size);
        if (s == IG_OK) {
            qsort(list, head[2], sizeof *list, by_word);
            fill_block(m, sorted, list, head, out->block);
        }
    }
    ig_free(sorted);
    ig_free(place);
    ig_free(list);
    return s;
}

static ig_status learn(em *m, rank_translation *out, ig_error *err) {
    IG_TRY(prepare(m, err));
    for (int step = 0; step < STEPS; step++) {
        IG_TRY(each_pair(m, expect, err));
        maximise(m, m->x->channel[RANK_WORD].terms);
    }
    IG_TRY(make_block(m, out, err));
    void *block = out->block;
    ig_status s = ig_rank_translation_open(&(rank_section){block, out->size}, "translations", out, err);
    out->block = block;
    IG_TRY(s);
    return ig_rank_translation_bind(out, m->x, err);
}

ig_status ig_rank_translation_learn(const rank_index *x, const rank_pairs *pairs, unsigned folds, unsigned fold,
                                    rank_translation *out, ig_error *err) {
    em m = {.x = x, .pairs = pairs, .folds = folds, .fold = fold};
    *out = (rank_translation){0};
    ig_status s = learn(&m, out, err);
    drop_table(&m);
    ig_free(m.total);
    ig_free(m.background);
    ig_free(m.met);
    if (s != IG_OK) ig_rank_translation_fini(out);
    return s;
}
