/* models/als/config.c: config.json to als_config, and what has to hold between its keys. */
#include <string.h>

#include "models/als/als.h"
#include "models/fields.h"
#include "models/model.h"

#define SWEEPS_MAX 100000
#define SAMPLES_MAX 4096

static const ig_schema_field fields[] = {
    {.key = "model_type", .type = IG_TREE_TEXT, .required = true, .choices = "als", .doc = "als"},
    SIZE("num_users", IG_IDS_MAX, false, "users; from the data"),
    SIZE("num_items", IG_IDS_MAX, false, "items; from the data"),
    {.key = "objective", .type = IG_TREE_TEXT, .choices = "implicit|explicit", .otherwise = "implicit",
     .doc = "implicit: what people do (views, purchases); explicit: what they say (ratings)"},
    {.key = "rank", .type = IG_TREE_INT, .has_range = true, .min = 1, .max = IG_ALS_RANK_MAX, .otherwise = "64",
     .doc = "numbers of one user or item"},
    {.key = "sweeps", .type = IG_TREE_INT, .has_range = true, .min = 1, .max = SWEEPS_MAX, .otherwise = "15",
     .doc = "times that all items and all users are solved; not with bayesian"},
    REAL("regularization", 0, 1e9, "λ: how strongly numbers are held near 0", "0.1; implicit 10"),
    {.key = "weighted_regularization", .type = IG_TREE_BOOL, .otherwise = "true for explicit, else false",
     .doc = "λ times the interactions of the row"},
    REAL("bias_regularization", 0, 1e9, "λ of the biases", "as regularization"),
    REAL("alpha", 0, 1e9, "implicit: confidence of an interaction is 1 + alpha·value", "40"),
    {.key = "confidence", .type = IG_TREE_TEXT, .choices = "linear|log", .otherwise = "linear",
     .doc = "implicit: log is 1 + alpha·log(1 + value)"},
    {.key = "solver", .type = IG_TREE_TEXT, .choices = "cholesky|conjugate_gradient", .otherwise = "cholesky",
     .doc = "implicit: exact, or a few steps towards the solution, which is quicker for high ranks"},
    {.key = "cg_steps", .type = IG_TREE_INT, .has_range = true, .min = 1, .max = 1000, .otherwise = "3",
     .doc = "steps of conjugate_gradient for each row"},
    FLAG("bias", "explicit: a number of their own for users and items", "true"),
    FLAG("bayesian", "explicit: predictions are means over draws; regularization is found by itself", "false"),
    {.key = "burn_in", .type = IG_TREE_INT, .has_range = true, .min = 0, .max = SWEEPS_MAX, .otherwise = "50",
     .doc = "bayesian: sweeps before the first draw is kept"},
    {.key = "samples", .type = IG_TREE_INT, .has_range = true, .min = 1, .max = SAMPLES_MAX, .otherwise = "50",
     .doc = "bayesian: draws that the model keeps"},
    {.key = "thin", .type = IG_TREE_INT, .has_range = true, .min = 1, .max = 1000, .otherwise = "5",
     .doc = "bayesian: sweeps from one kept draw to the next"},
    FLAG("user_history", "bayesian: what a user has says something about him, whatever its value (SVD++)", "false"),
    FLAG("item_audience", "bayesian: who has an item says something about it", "false"),
    {0},
};

const ig_schema_field *als_schema(const char *model_type) {
    (void)model_type;
    return fields;
}

static const ig_tree *root(const ig_model *m) { return ig_doc_root(m->config); }

static bool says(const ig_model *m, const char *key, const char *word) { return strcmp(ig_tree_text(root(m), key, ""), word) == 0; }

/* A setting of the other objective is a mistake, not a wish to be passed over. */
static ig_status check_only(const ig_model *m, bool holds, const char *where, const char *const *keys, size_t count, ig_error *err) {
    for (size_t i = 0; i < count && !holds; i++)
        if (ig_tree_get(root(m), keys[i])) return ig_model_contradiction(m, keys[i], err, "is for %s only", where);
    return IG_OK;
}

static ig_status check_keys(const ig_model *m, const als_config *c, ig_error *err) {
    static const char *const implicit[] = {"alpha", "confidence", "solver", "cg_steps"};
    static const char *const explicit_[] = {"bias", "bias_regularization", "bayesian"};
    static const char *const bayesian[] = {"burn_in", "samples", "thin", "user_history", "item_audience"};
    static const char *const plain[] = {"regularization", "bias_regularization", "weighted_regularization", "sweeps"};
    IG_TRY(check_only(m, !c->explicit_values, "objective: implicit", implicit, 4, err));
    IG_TRY(check_only(m, c->explicit_values, "objective: explicit", explicit_, 3, err));
    IG_TRY(check_only(m, c->bayesian, "bayesian: true", bayesian, 5, err));
    return check_only(m, !c->bayesian, "bayesian: false", plain, 4, err);
}

static ig_status check_sizes(const ig_model *m, als_config *c, ig_error *err) {
    for (int side = 0; side < 2; side++)
        if (c->rows[side] < 1)
            return ig_model_contradiction(m, side ? "num_items" : "num_users", err, "is missing: a model of this family is made from data");
    c->D = c->rank + (c->bias ? 1 : 0);
    c->width = (c->D + 15) / 16 * 16;
    return c->width <= IG_NORMAL_MAX ? IG_OK : ig_model_contradiction(m, "rank", err, "more than %d", IG_ALS_RANK_MAX);
}

ig_status als_read_config(const ig_model *m, als_config *c, ig_error *err) {
    const ig_tree *t = root(m);
    *c = (als_config){.explicit_values = says(m, "objective", "explicit"), .conjugate = says(m, "solver", "conjugate_gradient"),
                      .log_confidence = says(m, "confidence", "log")};
    c->bayesian = ig_tree_bool(t, "bayesian", false);
    c->bias = c->explicit_values && ig_tree_bool(t, "bias", true);
    c->weighted = !c->bayesian && ig_tree_bool(t, "weighted_regularization", c->explicit_values);
    c->rows[ALS_USERS] = ig_tree_int(t, "num_users", 0);
    c->rows[ALS_ITEMS] = ig_tree_int(t, "num_items", 0);
    c->rank = ig_tree_int(t, "rank", 64);
    c->regularization = ig_tree_real(t, "regularization", c->explicit_values ? 0.1 : 10);
    c->bias_regularization = ig_tree_real(t, "bias_regularization", c->regularization);
    c->alpha = ig_tree_real(t, "alpha", 40);
    c->cg_steps = (int)ig_tree_int(t, "cg_steps", 3);
    c->burn_in = (int)ig_tree_int(t, "burn_in", 50);
    c->thin = (int)ig_tree_int(t, "thin", 5);
    c->parts = c->bayesian ? ig_tree_int(t, "samples", 50) : 1;
    c->sweeps = c->bayesian ? c->burn_in + (int)c->parts * c->thin : (int)ig_tree_int(t, "sweeps", 15);
    c->linked[ALS_USERS] = ig_tree_bool(t, "user_history", false);
    c->linked[ALS_ITEMS] = ig_tree_bool(t, "item_audience", false);
    IG_TRY(check_keys(m, c, err));
    return check_sizes(m, c, err);
}
