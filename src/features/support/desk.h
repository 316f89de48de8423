/* features/support/desk.h: a version of a desk, open. */
#ifndef INGOT_FEATURES_SUPPORT_DESK_H
#define INGOT_FEATURES_SUPPORT_DESK_H

#include "features/support/units.h"
#include "ingot/matcher.h"
#include "ingot/ranker.h"

#define DESK_RESULTS 12

typedef struct desk {
    ig_ranker *ranker;
    ig_matcher *matcher;      /* NULL: too few questions to learn from */
    support_units units;
    support_exact exact;
    double threshold;         /* chosen when it was built */
    double set_threshold;     /* of the settings; 0: none */
    ig_doc *settings;
} desk;

/* What the desk makes of a question. */
typedef struct desk_finding {
    ig_rank_result result[DESK_RESULTS];
    size_t count;
    double confidence;        /* that the first is right */
    bool exact;               /* the team wrote this very question */
    double in_scope;          /* of the matcher; 1 without one */
} desk_finding;

typedef struct desk_query {
    const char *question, *language;
    bool (*withdrawn)(void *arg, const char *item); /* NULL: nothing is */
    void *withdrawn_arg;
    bool without_exact;       /* judged: as if nobody had written the question down */
} desk_query;

ig_status desk_find(const desk *d, const desk_query *q, desk_finding *out, ig_error *err);
double desk_threshold(const desk *d);

/* Log-probabilities of units, as the ranker's extra feature: label of a unit → what the matcher says. */
typedef struct desk_extra {
    const ig_matcher *const *matchers; /* one, or one for each fold */
    size_t folds;
    const support_units *units;
    float *row;                        /* [labels] of the last question */
    uint64_t row_of;
    bool has_row;
    double in_scope;
} desk_extra;
#define DESK_EXTRA_FLOOR -12.0f
ig_status desk_extra_fn(void *arg, const char *question, size_t len, const uint32_t *passages, size_t n, float *out, ig_error *err);
size_t desk_fold(const char *question, size_t len, size_t folds);

ig_status desk_build(const ig_build *b, ig_error *err);
ig_status desk_open(ig_context *ctx, const char *folder, const ig_tree *settings, void **out, ig_error *err);
void desk_close(void *version);
ig_status desk_answer(void *version, const ig_ask *ask, ig_reply *reply, ig_error *err);
ig_status desk_explain(void *version, const ig_ask *ask, const ig_tree *answer, ig_buf *out, ig_error *err);
ig_status desk_judge(void *version, const ig_case *cases, size_t count, ig_judgement *out, ig_error *err);

#endif
