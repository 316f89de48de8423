/* retrieval/match_members.h: the learners of one matcher, trained together and read together. */
#ifndef INGOT_RETRIEVAL_MATCH_MEMBERS_H
#define INGOT_RETRIEVAL_MATCH_MEMBERS_H

#include "ingot/matcher.h"
#include "retrieval/match_bag.h"
#include "retrieval/match_svm.h"

enum { MATCH_BAGS_MAX = 8 };

/* log p = log softmax(scale · mean over members of log softmax(member's scale · its output)) */
typedef struct match_members {
    match_svm svm;
    match_bag bag[MATCH_BAGS_MAX];
    size_t bags;
    float svm_scale, bag_scale, scale;
} match_members;
void match_members_fini(match_members *m);

/* All texts of a training, and what is thought of each now. */
typedef struct match_data {
    ig_context *ctx;
    match_terms terms;
    match_rows rows;
    match_bags bags;
    size_t n, labels;
    int32_t *label;       /* [n] -1: nothing thought */
    float *weight;        /* [n] */
    int32_t *target_row;  /* [n] row of target, -1: the label alone */
    float *target;        /* [rows][labels] */
    const ig_match_opts *opts;
    bool stopped;
} match_data;

/* What to train on which rows. */
typedef struct match_fit {
    uint32_t *use;
    size_t n;
    size_t bags, epochs;
    uint64_t seed;
    match_members out;
} match_fit;
ig_status match_members_fit(match_data *d, match_fit *fit, size_t count, const char *stage, ig_error *err);

/* Floats that match_members_score needs beside its results. */
size_t match_members_scratch(const match_members *m);
/* A text as both kinds of learners see it. */
typedef struct match_view {
    const match_seen *seen;
    const uint32_t *term;
    const float *value;
    size_t seen_count, count;
} match_view;

/* log_p [labels] and how familiar the text looks: the mean over networks of log Σ exp(logit) (the energy of Liu et al. 2020)
 * plus the largest log_p.  On CLINC150's validation parts the sum told questions about something else apart better than
 * either (area under the curve 0.977; 0.975 and 0.957). */
void match_members_score(ig_context *ctx, const match_members *m, const match_terms *t, const match_view *v, float *log_p,
                         double *familiarity, float *scratch);
match_view match_view_of(const match_data *d, uint32_t row);

/* x ─► scale·x - log Σ exp(scale·x), in place; returns the log-sum. */
double match_log_softmax(float *x, size_t n, double scale);

#endif
