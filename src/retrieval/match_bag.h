/* retrieval/match_bag.h: a small network over the bag of grams of a text.
 *
 *     grams ─► Σ idf·E[term], words and pieces each scaled ─► x [D] ─► h = relu(x·W1 + b1) [H] ─► h·W2 + b2 ─► softmax
 *
 * (the input of fastText, Bojanowski et al. 2017, with a hidden layer).
 */
#ifndef INGOT_RETRIEVAL_MATCH_BAG_H
#define INGOT_RETRIEVAL_MATCH_BAG_H

#include "retrieval/match_terms.h"

typedef struct match_bag {
    size_t terms, labels, stride; /* stride: labels up to a multiple of 16; what is beyond them stays 0 */
    size_t D, H;                  /* multiples of 16 */
    float *embedding;             /* [terms][D] */
    float *w1, *b1;               /* [D][H], [H] */
    float *w2, *b2;               /* [H][stride], [stride] */
} match_bag;

typedef bool match_bag_progress(void *arg, size_t epoch, size_t epochs); /* false: stop */

/* Texts use[0..n) of x.  Row i of `target` is a distribution over labels, or target_row[i] < 0: all on label[i]. */
typedef struct match_bag_set {
    const match_terms *terms;
    const match_bags *x;
    const uint32_t *use;
    size_t n;
    const int32_t *label;       /* [x->n] */
    const float *weight;        /* [x->n] */
    const int32_t *target_row;  /* [x->n]; NULL: none */
    const float *target;        /* [rows][labels] */
    size_t labels;
    size_t D, H, epochs, batch;
    float lr, drop_words, drop_hidden, smoothing, contrast, temperature, decay;
    uint64_t seed;
    match_bag_progress *progress;
    void *arg;
} match_bag_set;

ig_status match_bag_train(ig_context *ctx, const match_bag_set *set, match_bag *out, ig_error *err); /* in one thread */

/* logit [stride]; scratch of D + H floats. */
void match_bag_logits(ig_context *ctx, const match_bag *b, const match_terms *t, const match_seen *seen, size_t n, float *logit,
                      float *scratch);
/* What each occurrence counts: idf over the length of its kind.  skip: words that are left out, may be NULL. */
void match_bag_weights(const match_terms *t, const match_seen *seen, size_t n, const uint8_t *skip, float *weight);
ig_status match_bag_new(size_t terms, size_t labels, size_t D, size_t H, match_bag *out, ig_error *err); /* all 0 */
void match_bag_fini(match_bag *b);

#endif
