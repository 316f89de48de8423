/* retrieval/match_svm.h: a linear support vector machine per label, one against the rest. */
#ifndef INGOT_RETRIEVAL_MATCH_SVM_H
#define INGOT_RETRIEVAL_MATCH_SVM_H

#include "retrieval/match_terms.h"

/* weight [terms + 1][stride]: a row per term, so that a text adds a few rows; the last row is the bias. */
typedef struct match_svm {
    size_t terms, labels, stride;
    float *weight;
} match_svm;

/* Rows `use[0..n)` of x; row use[i] has label[use[i]] and counts weight[use[i]] > 0.  c: what an error costs. */
typedef struct match_svm_set {
    const match_rows *x;
    const uint32_t *use;
    size_t n;
    const int32_t *label; /* [x->n] */
    const float *weight;  /* [x->n] */
    size_t terms, labels;
    double c;
    uint64_t seed;
} match_svm_set;

ig_status match_svm_train(ig_context *ctx, const match_svm_set *set, match_svm *out, ig_error *err);
/* margin [stride] = Σ value·row + bias */
void match_svm_margins(const match_svm *s, const uint32_t *term, const float *value, size_t n, float *margin);
void match_svm_fini(match_svm *s);

#endif
