/* ingot/matcher.h: which of a team's answers does this question want?
 *
 * A matcher is trained from nothing, in minutes on two cores: from questions whose answer is known, questions whose answer is
 * not, and what users said (which may be wrong).
 *
 *     cases ──► grams ──► a linear support vector machine per answer ─┐
 *                    └──► networks over bags of grams ────────────────┴─► equal weights of log-probabilities ─► calibrated
 *
 * With more answers than IG_MATCH_LEARNED_MAX it remembers the questions and compares (nearest neighbours).
 * docs/support.md has the figures and the protocol.
 *
 * Deterministic: the same cases and seed give the same bits, whatever the number of threads.
 */
#ifndef INGOT_MATCHER_H
#define INGOT_MATCHER_H

#include "ingot/base.h"

#pragma GCC visibility push(default) /* what stands here, libingot.so exports */
#ifdef __cplusplus
extern "C" {
#endif

#define IG_MATCH_LEARNED_MAX 2000 /* labels; above, nearest neighbours */

/* A question.  label: its answer, 0 … labels-1, or -1: not known.  not_labels: answers that somebody said it does not want.
 *
 * weight: how likely what was said is right, in [0,1].  1 is taken as it is (content, staff).  Below 1 it is an observation:
 *     label alone             "yes, this one" to an answer that was shown
 *     label and not_labels    "no, that one", chosen among all
 *     not_labels alone        "no"
 * and is weighed against what the other questions say. */
typedef struct ig_match_case {
    const char *text;
    size_t len;
    int32_t label;
    float weight;
    const int32_t *not_labels;
    size_t not_count;
} ig_match_case;

typedef enum ig_match_effort { IG_MATCH_NORMAL, IG_MATCH_QUICK, IG_MATCH_THOROUGH } ig_match_effort;

typedef bool ig_match_progress_fn(void *arg, const char *stage, size_t done, size_t total); /* false: stop */

typedef struct ig_match_opts {
    uint64_t seed;
    ig_match_effort effort;
    ig_match_progress_fn *progress; /* may be NULL */
    void *arg;
} ig_match_opts;

typedef struct ig_matcher ig_matcher;

/* Every label needs a question with weight 1 or feedback to be found at all; labels without any are never the answer.
 * opts may be NULL.  IG_E_ARG names the case that is wrong; IG_E_CANCELLED when progress says so. */
ig_status ig_matcher_train(ig_context *ctx, const ig_match_case *cases, size_t n, size_t labels, const ig_match_opts *opts,
                           ig_matcher **out, ig_error *err);

/* One file, matcher.bin, in the folder `dir`, replaced as a whole.  Opening checks all of it; IG_E_FORMAT for a damaged one. */
ig_status ig_matcher_save(const ig_matcher *m, const char *dir, ig_error *err);
ig_status ig_matcher_open(ig_context *ctx, const char *dir, ig_matcher **out, ig_error *err);
void ig_matcher_free(ig_matcher *m); /* NULL is fine */

size_t ig_matcher_labels(const ig_matcher *m);

/* log_probability [labels]: calibrated on questions that were held out.  in_scope: which share of the team's own questions,
 * held out, looked no more familiar than this one: near 0 for a question about something else.  Threads may share m. */
ig_status ig_matcher_score(const ig_matcher *m, const char *text, size_t len, float *log_probability, double *in_scope,
                           ig_error *err);

/* Bytes [from, to) of the question that spoke for the label (or, negative, against it). */
typedef struct ig_match_reason {
    size_t from, to;
    double weight;
} ig_match_reason;
/* A question of the training with a label, known or concluded. */
typedef struct ig_match_near {
    const char *text; /* len bytes, of the matcher */
    size_t len;
    int32_t label;
    double similarity; /* cosine, 0 … 1 */
} ig_match_near;
/* The strongest reasons for `label` and the nearest training questions; *_count: room on entry, filled on return. */
ig_status ig_matcher_explain(const ig_matcher *m, const char *text, size_t len, int32_t label, ig_match_reason *reasons,
                             size_t *reason_count, ig_match_near *near, size_t *near_count, ig_error *err);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
