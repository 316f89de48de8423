/* retrieval/matcher_impl.h: a matcher inside, for training, the file and answering. */
#ifndef INGOT_RETRIEVAL_MATCHER_IMPL_H
#define INGOT_RETRIEVAL_MATCHER_IMPL_H

#include "retrieval/match_members.h"

enum { MATCH_QUANTILES = 256 };

/* The questions that it was trained on, for explanations and nearest neighbours.
 * post[post_start[t] … post_start[t+1]) are the rows with term t; very common terms have none. */
typedef struct match_known {
    match_rows rows;
    int32_t *label;       /* [rows.n] */
    uint64_t *text_start; /* [rows.n + 1] */
    char *text;
    uint64_t *post_start; /* [terms + 1] */
    uint32_t *post;
    float *post_value;
} match_known;

struct ig_matcher {
    ig_context *ctx;
    size_t labels;
    bool learned;         /* false: nearest neighbours only, members is empty */
    match_terms terms;
    match_members members;
    match_known known;
    float familiar[MATCH_QUANTILES]; /* of held-out questions, rising */
};

/* post… anew, from rows. */
ig_status match_known_index(match_known *k, const match_terms *t, ig_error *err);
void match_known_fini(match_known *k);
/* similarity [rows.n] of a row to all, 0 where nothing is shared. */
void match_known_compare(const match_known *k, const uint32_t *term, const float *value, size_t n, float *similarity);

#endif
