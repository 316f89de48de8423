/* retrieval/rank_quality.h: which answers people accept, whatever the question: a logistic regression over the words and the
 * length of a passage, learned from accepted answers against those that were said not to answer.
 */
#ifndef INGOT_RETRIEVAL_RANK_QUALITY_H
#define INGOT_RETRIEVAL_RANK_QUALITY_H

#include "retrieval/rank_index.h"

enum { RANK_QUALITY_BUCKETS = 1 << 14, RANK_QUALITY_SIZE = RANK_QUALITY_BUCKETS + 32 };

/* weight [RANK_QUALITY_SIZE]; all zero where fewer than 30 answers of either sort are known.  folds 0: learn from all. */
ig_status ig_rank_quality_learn(const rank_index *x, const rank_pairs *pairs, unsigned folds, unsigned fold, uint64_t seed,
                                float *weight, ig_error *err);
float ig_rank_quality_of(const float *weight, const rank_index *x, uint32_t passage); /* log-odds */

#endif
