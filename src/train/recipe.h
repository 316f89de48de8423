/* train/recipe.h: the parts of reading a recipe, between the files of it. */
#ifndef INGOT_TRAIN_RECIPE_H
#define INGOT_TRAIN_RECIPE_H

#include "ingot/train.h"

extern const ig_schema_field recipe_schema[];

/* IG_E_FORMAT at a node of the recipe; `path` is the dotted key. */
ig_status recipe_fail(const ig_recipe *r, const ig_tree *at, const char *path, ig_error *err, const char *fmt, ...) IG_PRINTF(5, 6);

/* What has to hold between the keys of the model part: recipe_model.c. */
ig_status recipe_read_model(ig_recipe *r, const ig_tree *root, ig_error *err);
ig_status recipe_read_lora(ig_recipe *r, const ig_tree *lora, ig_error *err); /* NULL: none */
/* The rest: recipe_read.c. */
ig_status recipe_read(ig_recipe *r, ig_error *err);
/* Path of a file that stands in the recipe, relative to the recipe's folder.  *out is the caller's. */
ig_status recipe_path(const ig_recipe *r, const char *text, char **out, ig_error *err);

/* The config.json of the new model, as JSON text: the recipe's config, and keys that `more` adds, which the data decides. */
typedef void recipe_config_fn(const void *arg, const ig_schema_field *fields, ig_json *j);
ig_status recipe_format_config(const ig_recipe *r, recipe_config_fn *more, const void *arg, ig_buf *out, ig_error *err);
bool recipe_has_field(const ig_schema_field *fields, const char *key);
extern const char *const recipe_rates[]; /* keys of config.json that regularise.dropout sets; NULL-terminated */

/* Every setting that the weights at the end depend on, as one flat JSON object, which is left open for more:
 * {"train.batch": 12, …  Two recipes with the same settings train the same model, whatever their files look like. */
ig_status recipe_format_settings(const ig_recipe *r, ig_json *j, ig_error *err);

#endif
