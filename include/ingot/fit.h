/* ingot/fit.h: recipes for families that learn by a fit of their own, not by gradients: data.kind is interactions.
 *
 *     OUT/                   the model, when the fit is done
 *     OUT/run/recipe.json    the recipe with all overrides
 *     OUT/run/log.jsonl      {"sweep": 3, "loss": 0.81, "seconds": 1.2} for each sweep
 *     OUT/run/fit.safetensors  what a stopped fit goes on from; removed when it is done
 */
#ifndef INGOT_FIT_H
#define INGOT_FIT_H

#include "ingot/recommend.h"

#pragma GCC visibility push(default) /* what stands here, libingot.so exports */
#ifdef __cplusplus
extern "C" {
#endif

#define IG_FIT_FILES_MAX 1024

/* Texts live as long as the recipe; docs/models/als.md describes every key. */
typedef struct ig_fit_recipe {
    ig_doc *doc;               /* as read, with the overrides */
    char *file;
    const char *name;
    uint64_t seed;
    const ig_tree *config;     /* model.config */
    ig_interactions_opts data;
    ig_duplicates duplicates;
    size_t k;                  /* of the lists that are measured */
    double relevant;           /* NAN: every value */
} ig_fit_recipe;

/* Whether a file is a recipe of this kind: a YAML file whose data.kind is interactions. */
bool ig_fit_recipe_is(const char *path);
/* overrides: "path.to.key=value".  What is wrong is told with file, line and key (IG_E_FORMAT). */
ig_status ig_fit_recipe_load(const char *path, const char *const *overrides, size_t override_count, ig_fit_recipe **out, ig_error *err);
void ig_fit_recipe_free(ig_fit_recipe *r);
const ig_schema_field *ig_fit_recipe_schema(void);

/* The interactions of data.train (or data.validation), finished.  problem is told of rows that are left out. */
ig_status ig_fit_recipe_read(const ig_fit_recipe *r, bool validation, ig_problem_fn *problem, void *arg, ig_interactions *out,
                             ig_error *err);
bool ig_fit_recipe_validates(const ig_fit_recipe *r);

typedef struct ig_fit_run_opts {
    bool resume, overwrite;
    ig_problem_fn *problem;    /* of the data's rows; NULL: the first bad row ends the run */
    void *problem_arg;
    ig_fit_progress_fn *progress;
    void *arg;
    const volatile sig_atomic_t *cancel;
} ig_fit_run_opts;

typedef struct ig_fit_result {
    size_t users, items, interactions;
    double loss, seconds;
    int sweeps;
    bool validated;
    ig_recommend_metrics metrics; /* on data.validation */
} ig_fit_result;

/* IG_E_EXISTS: OUT holds a model or a run; resume or overwrite it.  IG_E_CANCELLED: it can be resumed. */
ig_status ig_fit_run(ig_context *ctx, const ig_fit_recipe *r, const char *out_dir, const ig_fit_run_opts *opts, ig_fit_result *out,
                     ig_error *err);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
