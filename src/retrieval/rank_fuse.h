/* retrieval/rank_fuse.h: the weights of the features, and how sure an answer is.
 *
 * Weights: softmax cross-entropy over each question's candidates (listwise; Cao et al. 2007), with a small pull to zero, by
 * full-batch Adam on features of unit deviation.  The weights of the known questions may not become negative: that a passage
 * has a question already says nothing against it.
 *
 * Sureness: a logistic regression over a few signs of the best candidate.
 */
#ifndef INGOT_RETRIEVAL_RANK_FUSE_H
#define INGOT_RETRIEVAL_RANK_FUSE_H

#include "ingot/ranker.h"

typedef struct rank_row {
    float x[IG_RANK_FEATURES];
    int8_t label; /* 1 right, -1 said not to be, 0 not known to be right */
} rank_row;

typedef struct rank_group { /* one question: rows begin … begin + n */
    size_t begin, n;
    float weight;
    bool kept;     /* its own form was left in the index */
    double reach;  /* the most that the feature "word" could be */
    double words;  /* how many words it has */
} rank_group;

typedef struct rank_set {
    rank_row *row;
    rank_group *group;
    size_t rows, row_cap, groups, group_cap;
} rank_set;

ig_status ig_rank_set_add(rank_set *s, const rank_row *rows, size_t n, rank_group group, ig_error *err);
void ig_rank_set_fini(rank_set *s);

/* weight: the beginning, and the result.  Features of `without` stay 0. */
ig_status ig_rank_fuse(const rank_set *set, uint32_t without, float weight[IG_RANK_FEATURES], ig_error *err);
float ig_rank_mix(const float *weight, const float *x);

enum { RANK_SIGNS = 6 };
/* Signs of the best of n candidates (score sorted, best first). */
void ig_rank_signs(const float *score, const rank_row *const *row, size_t n, double reach, double words,
                   double sign[RANK_SIGNS]);
double ig_rank_sure(const float *sure, const double sign[RANK_SIGNS]);
/* sure [RANK_SIGNS]; *rest: when the first is wrong, how often one of the next nine is right.  Both are left as they are when
 * there are too few questions. */
ig_status ig_rank_calibrate(const rank_set *set, const float *weight, float *sure, float *rest, ig_error *err);

#endif
