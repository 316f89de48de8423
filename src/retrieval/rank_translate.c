/* retrieval/rank_translate.c: using a learned translation; see rank_translate.h.  Learning is in rank_translate_learn.c. */
#include <math.h>
#include <string.h>

#include "retrieval/rank_translate.h"
#include "retrieval/rank_translate_block.h"

static const double LAMBDA = 0.6, SELF = 0.3; /* λ and β of the header: chosen on training parts of two collections */
static const float SMOOTH = 8;                /* words added to a passage's length: short ones are not sure of anything */
enum { EXPAND = 10 };                         /* translations of a word by which candidates are found */

void ig_rank_translation_fini(rank_translation *t) {
    ig_free(t->term);
    ig_free(t->block);
    *t = (rank_translation){0};
}

static const char *check_translation(const rank_translation *t) {
    if (t->q_begin[0] != 0 || t->q_begin[t->questions] != t->entries) return "its lists do not cover the entries";
    for (size_t q = 0; q < t->questions; q++) {
        if (t->q_begin[q] > t->q_begin[q + 1] || t->q_begin[q + 1] > t->entries) return "a list ends before it begins";
        if (q && t->q_hash[q - 1] >= t->q_hash[q]) return "its words are not sorted";
        if (!(t->background[q] > 0 && t->background[q] <= 1)) return "a frequency is out of range";
    }
    for (size_t a = 1; a < t->answers; a++) {
        if (t->a_hash[a - 1] >= t->a_hash[a]) return "its words are not sorted";
    }
    for (size_t e = 0; e < t->entries; e++) {
        if (t->a[e] >= t->answers || !(t->p[e] >= 0 && t->p[e] <= 1)) return "an entry is out of range";
    }
    return NULL;
}

ig_status ig_rank_translation_open(const rank_section *s, const char *file, rank_translation *out, ig_error *err) {
    const unsigned char *b = s->data;
    uint64_t head[3];
    translation_parts part;
    if (s->size < sizeof head) return ig_error_at(err, IG_E_FORMAT, file, 0, "the translations are cut short: train again");
    memcpy(head, b, sizeof head);
    if (!ig_rank_translation_parts(head, &part) || part.size != s->size) {
        return ig_error_at(err, IG_E_FORMAT, file, 0, "the translations have not the size that they name: train again");
    }
    *out = (rank_translation){.questions = head[0], .answers = head[1], .entries = head[2], .size = s->size};
    out->q_hash = (const uint64_t *)(const void *)(b + part.q_hash);
    out->a_hash = (const uint64_t *)(const void *)(b + part.a_hash);
    out->q_begin = (const uint64_t *)(const void *)(b + part.q_begin);
    out->background = (const float *)(const void *)(b + part.background);
    out->a = (const uint32_t *)(const void *)(b + part.a);
    out->p = (const float *)(const void *)(b + part.p);
    const char *why = check_translation(out);
    return why ? ig_error_at(err, IG_E_FORMAT, file, 0, "the translations are damaged (%s): train again", why) : IG_OK;
}

ig_status ig_rank_translation_bind(rank_translation *t, const rank_index *x, ig_error *err) {
    t->term = ig_calloc(t->answers + 1, sizeof *t->term);
    if (!t->term) return ig_error_nomem(err, t->answers * sizeof *t->term);
    for (size_t a = 0; a < t->answers; a++) {
        size_t at = ig_rank_channel_find(&x->channel[RANK_WORD], t->a_hash[a]);
        t->term[a] = at == SIZE_MAX ? RANK_NONE : (uint32_t)at;
    }
    return IG_OK;
}

/* A question's word: its list and its frequency; a word that no question had is as rare as the rarest. */
typedef struct found_word {
    uint64_t begin, end;
    double background;
    size_t self; /* the word itself, in WORD; SIZE_MAX */
} found_word;

static found_word find_word(const rank_translation *t, const rank_index *x, uint64_t hash) {
    found_word f = {.background = 1e-5, .self = ig_rank_channel_find(&x->channel[RANK_WORD], hash)};
    size_t lo = 0, hi = t->questions;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (t->q_hash[mid] < hash) lo = mid + 1;
        else hi = mid;
    }
    if (lo < t->questions && t->q_hash[lo] == hash) {
        f.begin = t->q_begin[lo];
        f.end = t->q_begin[lo + 1];
        f.background = t->background[lo];
    }
    return f;
}

/* Spread the word's translations over the index's words, or (back) take them away. */
static void spread(const rank_translation *t, const found_word *f, bool back, float *scratch) {
    for (uint64_t e = f->begin; e < f->end; e++) {
        uint32_t term = t->term[t->a[e]];
        if (term != RANK_NONE) scratch[term] = back ? 0 : scratch[term] + (float)(1 - SELF) * t->p[e];
    }
    if (f->self != SIZE_MAX) scratch[f->self] = back ? 0 : scratch[f->self] + (float)SELF;
}

void ig_rank_translation_score(const rank_translation *t, const rank_index *x, const rank_bag *words, const uint32_t *passages,
                               size_t n, float *scratch, float *out) {
    for (size_t i = 0; i < n; i++) out[i] = 0;
    for (size_t q = 0; q < words->n; q++) {
        found_word f = find_word(t, x, words->term[q].hash);
        float odds = (float)(LAMBDA / (1 - LAMBDA) / f.background);
        if (f.begin == f.end && f.self == SIZE_MAX) continue;
        spread(t, &f, false, scratch);
        for (size_t i = 0; i < n; i++) {
            uint32_t d = passages[i];
            float sum = 0;
            for (uint64_t w = x->word_begin[d]; w < x->word_begin[d + 1]; w++)
                sum += scratch[x->word[w]] * (float)x->word_tf[w];
            if (sum > 0) out[i] += log1pf(odds * sum / (x->channel[RANK_WORD].length[d] + SMOOTH));
        }
        spread(t, &f, true, scratch);
    }
}

void ig_rank_translation_find(const rank_translation *t, const rank_index *x, const rank_bag *words, size_t most,
                              float *score) {
    const rank_channel *c = &x->channel[RANK_WORD];
    for (size_t q = 0; q < words->n; q++) {
        found_word f = find_word(t, x, words->term[q].hash);
        uint64_t end = f.end - f.begin > EXPAND ? f.begin + EXPAND : f.end;
        for (uint64_t e = f.begin; e < end; e++) {
            uint32_t term = t->term[t->a[e]];
            if (term == RANK_NONE || c->offset[term + 1] - c->offset[term] > most) continue;
            float gain = (float)log1p(LAMBDA / (1 - LAMBDA) * t->p[e] / f.background / (c->mean_length + SMOOTH));
            for (uint64_t i = c->offset[term]; i < c->offset[term + 1]; i++) score[c->doc[i]] += gain;
        }
    }
}
