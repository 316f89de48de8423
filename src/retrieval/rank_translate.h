/* retrieval/rank_translate.h: which words of a question the words of an answer make likely (IBM model 1; Brown et al. 1993),
 * learned from question-answer pairs and used as in translation-based retrieval (Berger, Lafferty 1999; Xue et al. 2008):
 *
 *     P(w | d) = (1 - λ) · background(w) + λ · Σ_a t(w | a) · tf(a, d) / |d|,   t mixed with β of "the word itself"
 *
 * One block, the same in memory and in the file:
 *
 *     header      questions' words Q, answers' words A, entries E (u64 each)
 *     q_hash      u64 [Q]       sorted
 *     a_hash      u64 [A]       sorted
 *     q_begin     u64 [Q + 1]
 *     background  f32 [Q]
 *     a           u32 [E]       number of the answer's word; the likeliest first
 *     p           f32 [E]       t(w | a)
 */
#ifndef INGOT_RETRIEVAL_RANK_TRANSLATE_H
#define INGOT_RETRIEVAL_RANK_TRANSLATE_H

#include "retrieval/rank_index.h"

typedef struct rank_translation {
    size_t questions, answers, entries;
    const uint64_t *q_hash, *a_hash, *q_begin;
    const float *background, *p;
    const uint32_t *a;
    uint32_t *term;    /* [answers]: number in the index's WORD channel, RANK_NONE; made by ig_rank_translation_bind */
    void *block;       /* owned when learned */
    size_t size;
} rank_translation;

/* Learn from the pairs of which (key % folds) != fold; folds 0: from all. */
ig_status ig_rank_translation_learn(const rank_index *x, const rank_pairs *pairs, unsigned folds, unsigned fold,
                                    rank_translation *out, ig_error *err);
ig_status ig_rank_translation_open(const rank_section *s, const char *file, rank_translation *out, ig_error *err);
ig_status ig_rank_translation_bind(rank_translation *t, const rank_index *x, ig_error *err);
void ig_rank_translation_fini(rank_translation *t);

/* Σ ln(P(w | d) / ((1 - λ) background(w))) over the question's words, for each of the passages.  scratch [terms of WORD] is
 * all zero,
 * before and after. */
void ig_rank_translation_score(const rank_translation *t, const rank_index *x, const rank_bag *words, const uint32_t *passages,
                               size_t n, float *scratch, float *out);
/* score[passages] += what the likeliest translations of the question's words give: to find candidates. */
void ig_rank_translation_find(const rank_translation *t, const rank_index *x, const rank_bag *words, size_t most, float *score);

#endif
