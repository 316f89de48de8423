/* ingot/ranker.h: from a team's own question-answer pairs to a ranking of all answers for a new question.
 *
 * Features of a question and a passage, each of which finds what the others miss, are mixed by weights that are learned from
 * the team's own pairs, on questions that the features have not seen:
 *
 *     gram, word, long, begin   BM25 over character n-grams, words, longer n-grams and the beginning of the passage
 *     translate                 which words of a question an answer's words make likely (IBM model 1, learned from the pairs):
 *                               finds answers that share no word with the question, also across languages
 *     quality, length, length2  which answers people accept, whatever the question
 *     form, same                the nearest known question of the passage
 *     extra                     what the caller adds, as the log-probability of a classifier
 *
 * Two files in a folder: the index (of the passages and their questions) and the weights (what was learned), so that new
 * content needs a new index only.  An open ranker is read-only and may be asked by several threads at once.
 */
#ifndef INGOT_RANKER_H
#define INGOT_RANKER_H

#include "ingot/base.h"

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

typedef enum ig_rank_feature {
    IG_RANK_GRAM,
    IG_RANK_WORD,
    IG_RANK_LONG,
    IG_RANK_BEGIN,
    IG_RANK_TRANSLATE,
    IG_RANK_QUALITY,
    IG_RANK_LENGTH,
    IG_RANK_LENGTH2,
    IG_RANK_FORM,
    IG_RANK_SAME,
    IG_RANK_EXTRA, /* the first of IG_RANK_EXTRA_MAX */
    IG_RANK_EXTRA_MAX = 3,
    IG_RANK_FEATURES = IG_RANK_EXTRA + IG_RANK_EXTRA_MAX
} ig_rank_feature;
const char *ig_rank_feature_name(int feature); /* "gram" …; "" beyond */

/* An answer or a section of a page. */
typedef struct ig_rank_passage {
    const char *id;               /* given back with results; at most 255 bytes */
    const char *title;            /* may be NULL */
    const char *text;
    const char *const *questions; /* forms of the question that it answers */
    size_t question_count;
} ig_rank_passage;

/* A question whose answer is known (passage >= 0), or of which is only known what does not answer it. */
typedef struct ig_rank_case {
    const char *question;
    int64_t passage;              /* index, or -1 */
    double weight;                /* 0 … 1 */
    const uint32_t *not_passages;
    size_t not_count;
} ig_rank_case;

/* Extra features of a question for these passages: out[i * count + f].  While training it must give what a classifier says that
 * has not seen this question (out of fold). */
typedef ig_status ig_rank_extra_fn(void *arg, const char *question, size_t len, const uint32_t *passages, size_t n, float *out,
                                   ig_error *err);
typedef struct ig_rank_extra {
    ig_rank_extra_fn *fn;         /* NULL: none */
    void *arg;
    int count;                    /* 1 … IG_RANK_EXTRA_MAX */
} ig_rank_extra;

typedef struct ig_ranker_opts {
    uint64_t seed;
    const char *previous;         /* folder of an earlier ranker: its weights, a new index (seconds) */
    uint32_t without;             /* bits 1 << feature: leave them out; for measurements */
    ig_rank_extra extra;
    bool (*progress)(void *arg, const char *stage, size_t done, size_t total); /* false: stop.  May be NULL */
    void *progress_arg;
} ig_ranker_opts;

/* Build a ranker into a folder (made when absent).  Every form of a passage is a case of weight 1.  The same input and seed
 * give
 * the same bytes.  opts may be NULL.  IG_E_ARG for a case that names no passage; IG_E_LIMIT; IG_E_CANCELLED. */
ig_status ig_ranker_train(const ig_rank_passage *passages, size_t n, const ig_rank_case *cases, size_t m,
                          const ig_ranker_opts *opts, const char *folder, ig_error *err);

typedef struct ig_ranker ig_ranker;
/* IG_E_FORMAT for damaged files. */
ig_status ig_ranker_open(const char *folder, ig_ranker **out, ig_error *err);
void ig_ranker_close(ig_ranker *r); /* NULL is allowed */
size_t ig_ranker_passages(const ig_ranker *r);
const char *ig_ranker_passage_id(const ig_ranker *r, uint32_t passage); /* NULL beyond */

typedef struct ig_rank_result {
    uint32_t passage;
    float score;
    float probability;                    /* that it is the right one, calibrated; 1 minus the sum of all: "none of these" */
    float part[IG_RANK_FEATURES];         /* weight times feature; their sum is the score */
} ig_rank_result;

typedef struct ig_rank_query {
    bool (*keep)(void *arg, uint32_t passage); /* false: as if it were not there.  May be NULL */
    void *keep_arg;
    ig_rank_extra extra;                  /* count as in training, else IG_E_ARG */
} ig_rank_query;

/* The k best passages for a question, best first (ties: the earlier passage); *count may be less.  opts may be NULL. */
ig_status ig_ranker_query(ig_ranker *r, const char *text, size_t len, size_t k, const ig_rank_query *opts,
                          ig_rank_result *results,
                          size_t *count, ig_error *err);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
