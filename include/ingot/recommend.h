/* ingot/recommend.h: models that recommend: learned from interactions, asked for items, users and neighbours.
 *
 *     interactions ──ig_recommend_fit──► model ──ig_model_save──► config.json, model.safetensors, interactions.safetensors
 *                                          │
 *            a known user, or a list of items and values of somebody new ──► items with scores, and because of what
 *            an item ──► items like it, users who will like it next
 *
 * Users and items are named by the texts that they have in the data.  A model keeps what it learned from, so that what a user
 * has already is not recommended, and so that it can say which of the user's items a recommendation came from.
 */
#ifndef INGOT_RECOMMEND_H
#define INGOT_RECOMMEND_H

#include <signal.h>

#include "ingot/interactions.h"
#include "ingot/models.h"

#pragma GCC visibility push(default) /* what stands here, libingot.so exports */
#ifdef __cplusplus
extern "C" {
#endif

/* ---- learning ------------------------------------------------------------------------------------------------------ */

typedef struct ig_fit_progress {
    int sweep, sweeps;      /* done, in all */
    double loss;            /* explicit: RMSE on what was learned from; implicit: the weighted squared error per interaction */
    double elapsed, left;   /* seconds */
} ig_fit_progress;
typedef void ig_fit_progress_fn(void *arg, const ig_fit_progress *p);

typedef struct ig_fit_opts {
    uint64_t seed;
    const char *checkpoint;  /* file that a stopped fit goes on from, written twice a minute and when it is stopped; NULL: none */
    bool resume;             /* go on from it when it is there; IG_E_STATE when it is of other data or settings */
    ig_fit_progress_fn *progress; /* after every sweep */
    void *arg;
    const volatile sig_atomic_t *cancel; /* non-zero: finish the sweep, write the checkpoint, return IG_E_CANCELLED */
} ig_fit_opts;

/* A new model from finished interactions, which are moved into it.  `config` is what a recipe says under model.config; the
 * numbers of users and items come from the data.  The same data, settings, seed and processor features give the same bits,
 * whatever the number of threads.  opts may be NULL. */
ig_status ig_recommend_fit(ig_context *ctx, const char *config_name, const ig_tree *config, ig_interactions *data,
                           const ig_fit_opts *opts, ig_model **out, ig_error *err);

/* ---- asking -------------------------------------------------------------------------------------------------------- */

#define IG_BECAUSE_MAX 5

typedef struct ig_because {
    int32_t item;          /* one of the user's */
    float share;           /* of the score; negative: speaks against it */
} ig_because;

typedef struct ig_recommended {
    int32_t number;        /* of the item, or the user */
    double score;          /* explicit: the expected value; implicit: about 1 for what is liked; similar: the cosine */
    ig_because because[IG_BECAUSE_MAX]; /* strongest first */
    int because_count;
} ig_recommended;

typedef struct ig_recommend_opts {
    size_t n;              /* 0: 10; at most IG_RECOMMEND_MAX */
    bool keep_seen;        /* also what the user (the item) has already */
    bool explain;          /* fill in `because` */
} ig_recommend_opts;

typedef struct ig_history {
    const int32_t *number; /* items of a user, or users of an item; each once */
    const float *value;
    size_t count;
} ig_history;

/* Best first, equal scores by how many have the item, then by number.  out [opts.n]; *count how many were found.
 * By user: his own row.  By history: folded in, without training: the row that a fit would have solved for him. */
ig_status ig_recommend_for_user(const ig_model *m, int32_t user, const ig_recommend_opts *opts, ig_recommended *out, size_t *count,
                                ig_error *err);
ig_status ig_recommend_for_history(const ig_model *m, const ig_history *h, const ig_recommend_opts *opts, ig_recommended *out,
                                   size_t *count, ig_error *err);
ig_status ig_recommend_similar(const ig_model *m, int32_t item, const ig_recommend_opts *opts, ig_recommended *out, size_t *count,
                               ig_error *err);
/* Users who have not got an item and would like it: a known one, or a new one that the users in `h` have. */
ig_status ig_recommend_users(const ig_model *m, int32_t item, const ig_recommend_opts *opts, ig_recommended *out, size_t *count,
                             ig_error *err);
ig_status ig_recommend_users_of_new(const ig_model *m, const ig_history *h, const ig_recommend_opts *opts, ig_recommended *out,
                                    size_t *count, ig_error *err);
/* What it was learned from; NULL: the model does not recommend. */
const ig_interactions *ig_recommend_data(const ig_model *m);
/* Scores of all items for a user, [items]. */
ig_status ig_recommend_scores(const ig_model *m, int32_t user, float *out, ig_error *err);
bool ig_recommend_is_explicit(const ig_model *m); /* scores are expected values */

/* ---- measuring ----------------------------------------------------------------------------------------------------- */

typedef struct ig_recommend_metrics {
    size_t users;          /* with at least one item to find */
    double recall, ndcg, map, precision, hit_rate; /* at k, means over these users */
    double coverage;       /* share of all items that stand in some list */
    size_t ratings;        /* pairs that the model knows both sides of */
    double rmse, mae;      /* over them; NAN for implicit models */
    size_t unknown;        /* pairs with a user or item that the model has never seen: left out of the means, counted here */
} ig_recommend_metrics;

typedef struct ig_recommend_eval_opts {
    size_t k;                    /* 0: 20 */
    const ig_interactions *mask; /* further pairs that are not to be found, as validation data when testing; NULL */
    double relevant;             /* values from here on are what is to be found; NAN: all */
    const volatile sig_atomic_t *cancel;
} ig_recommend_eval_opts;

/* All items that the user has not got are ranked, none is sampled.
 *     recall = hits / relevant      precision = hits / k      nDCG = Σ_hits 1/log2(rank+1) / the same of a perfect list
 *     MAP = mean of Σ_hits precision at its rank / min(relevant, k) */
ig_status ig_recommend_evaluate(const ig_model *m, const ig_interactions *test, const ig_recommend_eval_opts *opts,
                                ig_recommend_metrics *out, ig_error *err);

/* ---- what a family gives ------------------------------------------------------------------------------------------- */

struct ig_recommender {
    /* Fill the model from the data, which it keeps on success. */
    ig_status (*fit)(ig_model *m, ig_interactions *data, const ig_fit_opts *opts, ig_error *err);
    const ig_interactions *(*data)(const ig_model *m);
    bool (*is_explicit)(const ig_model *m);
    /* out [items] or [users]; user or item -1: the one with this history */
    ig_status (*score_items)(const ig_model *m, int32_t user, const ig_history *h, float *out, ig_error *err);
    ig_status (*score_users)(const ig_model *m, int32_t item, const ig_history *h, float *out, ig_error *err);
    ig_status (*similar)(const ig_model *m, int32_t item, float *out, ig_error *err);
    /* How much each entry of a user's history adds to the score of an item, out [h->count]. */
    ig_status (*contributions)(const ig_model *m, const ig_history *h, int32_t item, float *out, ig_error *err);
};

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
