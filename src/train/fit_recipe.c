/* train/fit_recipe.c: recipes for families with a fit of their own: the schema, and reading them.
 *
 *     name, seed
 *     model:     family, config                                                     config is checked by the family's table
 *     data:      kind: interactions, train, validation, format, user, item, value, time, duplicates
 *     evaluate:  k, relevant
 */
#include <math.h>
#include <string.h>

#include "ingot/fit.h"

#define TEXT(name, text, other) { .key = name, .type = IG_TREE_TEXT, .doc = text, .otherwise = other }

static const ig_schema_field of_data[] = {
    {.key = "kind", .type = IG_TREE_TEXT, .required = true, .choices = "interactions", .doc = "interactions"},
    {.key = "train", .required = true, .doc = "file of interactions, or a list of them"},
    {.key = "validation", .doc = "file of later interactions to measure on, or a list", .otherwise = "none"},
    {.key = "format", .type = IG_TREE_TEXT, .choices = "table|rows|lines", .otherwise = "table",
     .doc = "table: named columns; rows: user item value time without a header; lines: user item item …"},
    TEXT("user", "column of the user", "user"),
    TEXT("item", "column of the item", "item"),
    TEXT("value", "column of the value", "value, if there is one; else each counts 1"),
    TEXT("time", "column of the time", "time, if there is one"),
    {.key = "duplicates", .type = IG_TREE_TEXT, .choices = "last|sum", .otherwise = "last",
     .doc = "a pair that comes again: the last counts, or values are added"},
    {0},
};
static const ig_schema_field of_evaluate[] = {
    {.key = "k", .type = IG_TREE_INT, .has_range = true, .min = 1, .max = IG_RECOMMEND_MAX, .otherwise = "20", .doc = "length of the lists"},
    {.key = "relevant", .type = IG_TREE_REAL, .otherwise = "every value", .doc = "values from here on are what is to be found"},
    {0},
};
static const ig_schema_field of_model[] = {
    TEXT("family", "code behind the model", "the one that reads config.model_type"),
    {.key = "config", .type = IG_TREE_MAP, .required = true, .doc = "content of the model's config.json"},
    {0},
};
static const ig_schema_field schema[] = {
    TEXT("name", "name of the model", "the file's"),
    {.key = "seed", .type = IG_TREE_INT, .has_range = true, .min = 0, .max = 9e15, .otherwise = "1337", .doc = "of all random numbers"},
    {.key = "model", .type = IG_TREE_MAP, .required = true, .fields = of_model, .doc = "what is trained"},
    {.key = "data", .type = IG_TREE_MAP, .required = true, .fields = of_data, .doc = "what it learns from"},
    {.key = "evaluate", .type = IG_TREE_MAP, .fields = of_evaluate, .doc = "what is measured at the end"},
    {0},
};

const ig_schema_field *ig_fit_recipe_schema(void) { return schema; }

bool ig_fit_recipe_is(const char *path) {
    ig_doc *d = NULL;
    if (ig_path_is_dir(path) || ig_doc_load(path, IG_RECIPE_BYTES_MAX, &d, NULL) != IG_OK) return false;
    const ig_tree *kind = ig_tree_path(ig_doc_root(d), "data.kind");
    bool is = kind && kind->type == IG_TREE_TEXT && strcmp(kind->text, "interactions") == 0;
    ig_doc_free(d);
    return is;
}

/* ---- loading ---- */

static ig_status at(const ig_fit_recipe *r, const ig_tree *t, ig_error *err, const char *message) {
    return ig_error_at(err, IG_E_FORMAT, r->file, t ? t->line : 0, "%s", message);
}

static ig_status override(ig_fit_recipe *r, const char *text, ig_error *err) {
    const char *equal = strchr(text, '=');
    if (!equal || equal == text) return ig_error_set(err, IG_E_ARG, "\"%s\": expected path.to.key=value, as in model.config.rank=32", text);
    char *path = ig_strndup(text, (size_t)(equal - text));
    if (!path) return ig_error_nomem(err, strlen(text));
    ig_status s = ig_doc_set(r->doc, path, equal + 1, err);
    ig_free(path);
    return s;
}

/* The family's own table decides about model.config. */
static ig_status check_config(ig_fit_recipe *r, ig_error *err) {
    const ig_tree *model = ig_tree_get(ig_doc_root(r->doc), "model"), *type = ig_tree_path(model, "config.model_type");
    if (!type || type->type != IG_TREE_TEXT) return at(r, model, err, "model.config: model_type is missing: als");
    const ig_family *f = ig_family_by_model_type(type->text);
    if (!f || !f->recommender) return at(r, type, err, "model.config.model_type: no family that learns from interactions; als is one");
    if (strcmp(ig_tree_text(model, "family", f->name), f->name) != 0) return at(r, model, err, "model.family is not the one of model_type");
    r->config = ig_tree_get(model, "config");
    return ig_schema_check(r->file, r->config, f->config_schema(type->text), err);
}

static ig_status check_files(const ig_fit_recipe *r, const char *path, ig_error *err) {
    const ig_tree *t = ig_tree_path(ig_doc_root(r->doc), path);
    if (!t || (t->type == IG_TREE_TEXT && *t->text)) return IG_OK;
    bool fine = t->type == IG_TREE_LIST && t->count >= 1 && t->count <= IG_FIT_FILES_MAX;
    for (const ig_tree *f = fine ? t->child : NULL; f; f = f->next) fine = fine && f->type == IG_TREE_TEXT && *f->text;
    return fine ? IG_OK : ig_error_at(err, IG_E_FORMAT, r->file, t->line, "%s: expected a file, or a list of 1 to %d", path, IG_FIT_FILES_MAX);
}

static ig_status read_recipe(ig_fit_recipe *r, ig_error *err) {
    const ig_tree *root = ig_doc_root(r->doc), *data = ig_tree_get(root, "data"), *evaluate = ig_tree_get(root, "evaluate");
    IG_TRY(ig_schema_check(r->file, root, schema, err));
    IG_TRY(check_config(r, err));
    IG_TRY(check_files(r, "data.train", err));
    IG_TRY(check_files(r, "data.validation", err));
    r->name = ig_tree_text(root, "name", ig_path_base(r->file));
    r->seed = (uint64_t)ig_tree_int(root, "seed", 1337);
    ig_interaction_format_parse(ig_tree_text(data, "format", "table"), &r->data.format);
    r->data.user = ig_tree_text(data, "user", NULL);
    r->data.item = ig_tree_text(data, "item", NULL);
    r->data.value = ig_tree_text(data, "value", NULL);
    r->data.time = ig_tree_text(data, "time", NULL);
    r->duplicates = strcmp(ig_tree_text(data, "duplicates", "last"), "sum") == 0 ? IG_DUPLICATES_SUM : IG_DUPLICATES_LAST;
    r->k = (size_t)ig_tree_int(evaluate, "k", 20);
    r->relevant = ig_tree_real(evaluate, "relevant", NAN);
    return IG_OK;
}

static ig_status load(ig_fit_recipe *r, const char *const *overrides, size_t count, ig_error *err) {
    IG_TRY(ig_doc_load(r->file, IG_RECIPE_BYTES_MAX, &r->doc, err));
    for (size_t i = 0; i < count; i++) IG_TRY(override(r, overrides[i], err));
    return read_recipe(r, err);
}

ig_status ig_fit_recipe_load(const char *path, const char *const *overrides, size_t override_count, ig_fit_recipe **out, ig_error *err) {
    *out = NULL;
    ig_fit_recipe *r = ig_calloc(1, sizeof *r);
    if (!r) return ig_error_nomem(err, sizeof *r);
    r->file = ig_strdup(path);
    ig_status s = r->file ? load(r, overrides, override_count, err) : ig_error_nomem(err, strlen(path));
    if (s == IG_OK) *out = r;
    else ig_fit_recipe_free(r);
    return s;
}

void ig_fit_recipe_free(ig_fit_recipe *r) {
    if (!r) return;
    ig_doc_free(r->doc);
    ig_free(r->file);
    ig_free(r);
}

/* ---- its data ---- */

bool ig_fit_recipe_validates(const ig_fit_recipe *r) { return ig_tree_path(ig_doc_root(r->doc), "data.validation") != NULL; }

/* Paths are relative to the recipe's folder. */
static ig_status read_file(const ig_fit_recipe *r, const char *name, const ig_interactions_opts *o, ig_interactions *out, ig_error *err) {
    char path[IG_PATH_MAX], dir[IG_PATH_MAX];
    int len = (int)(ig_path_base(r->file) - r->file);
    snprintf(dir, sizeof dir, "%.*s", len, r->file);
    if (len == 0) return ig_interactions_read(out, name, o, err);
    IG_TRY(ig_path_join(path, sizeof path, dir, name, err));
    return ig_interactions_read(out, path, o, err);
}

ig_status ig_fit_recipe_read(const ig_fit_recipe *r, bool validation, ig_problem_fn *problem, void *arg, ig_interactions *out, ig_error *err) {
    const ig_tree *t = ig_tree_path(ig_doc_root(r->doc), validation ? "data.validation" : "data.train");
    ig_interactions_opts o = r->data;
    ig_status s = IG_OK;
    o.problem = problem;
    o.problem_arg = arg;
    if (t && t->type == IG_TREE_TEXT) s = read_file(r, t->text, &o, out, err);
    for (const ig_tree *f = t && t->type == IG_TREE_LIST ? t->child : NULL; f && s == IG_OK; f = f->next) s = read_file(r, f->text, &o, out, err);
    if (s == IG_OK) s = ig_interactions_finish(out, r->duplicates, err);
    if (s != IG_OK) ig_interactions_fini(out);
    return s;
}
