/* train/recipe.c: a recipe in memory: read, checked against the schema, and freed. */
#include <string.h>

#include "train/recipe.h"

ig_status recipe_fail(const ig_recipe *r, const ig_tree *at, const char *path, ig_error *err, const char *fmt, ...) {
    char message[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    return ig_error_at(err, IG_E_FORMAT, r->file, at ? at->line : 0, "%s: %s", path, message);
}

ig_status recipe_path(const ig_recipe *r, const char *text, char **out, ig_error *err) {
    char path[IG_PATH_MAX];
    size_t folder = (size_t)(ig_path_base(r->file) - r->file);
    char *dir = folder ? ig_strndup(r->file, folder) : ig_strdup("");
    if (!dir) return ig_error_nomem(err, folder);
    ig_status status = IG_OK;
    if (*dir) status = ig_path_join(path, sizeof path, dir, text, err);
    *out = status != IG_OK ? NULL : ig_strdup(*dir ? path : text);
    ig_free(dir);
    if (status == IG_OK && !*out) status = ig_error_nomem(err, strlen(text));
    return status;
}

/* "path.to.key=value" */
static ig_status apply_override(ig_recipe *r, const char *text, ig_error *err) {
    const char *equals = strchr(text, '=');
    if (!equals || equals == text)
        return ig_error_set(err, IG_E_ARG, "\"%s\": expected path.to.key=value, as in train.steps=500", text);
    char *path = ig_strndup(text, (size_t)(equals - text));
    if (!path) return ig_error_nomem(err, strlen(text));
    ig_status status = ig_doc_set(r->doc, path, equals + 1, err);
    ig_free(path);
    return status;
}

static ig_status read_document(ig_recipe *r, const char *yaml, size_t len, const char *const *overrides, size_t count, ig_error *err) {
    if (len > IG_RECIPE_BYTES_MAX) return ig_error_at(err, IG_E_LIMIT, r->file, 0, "larger than a recipe may be (%u bytes)", IG_RECIPE_BYTES_MAX);
    IG_TRY(ig_yaml_parse(r->file, yaml, len, &r->doc, err));
    if (!ig_doc_root(r->doc) || ig_doc_root(r->doc)->type == IG_TREE_NULL)
        return ig_error_at(err, IG_E_FORMAT, r->file, 1, "the recipe is empty; it needs model, data and train");
    for (size_t i = 0; i < count; i++) IG_TRY(apply_override(r, overrides[i], err));
    IG_TRY(ig_schema_check(r->file, ig_doc_root(r->doc), recipe_schema, err));
    return recipe_read(r, err);
}

ig_status ig_recipe_parse(ig_context *ctx, const char *name, const char *yaml, size_t len, const char *const *overrides,
                          size_t override_count, ig_recipe **out, ig_error *err) {
    (void)ctx;
    *out = NULL;
    ig_recipe *r = ig_calloc(1, sizeof *r);
    if (!r) return ig_error_nomem(err, sizeof *r);
    r->file = ig_strdup(name);
    ig_status status = r->file ? read_document(r, yaml, len, overrides, override_count, err) : ig_error_nomem(err, strlen(name));
    if (status == IG_OK) *out = r;
    else ig_recipe_free(r);
    return status;
}

ig_status ig_recipe_load(ig_context *ctx, const char *path, const char *const *overrides, size_t override_count, ig_recipe **out,
                         ig_error *err) {
    ig_buf text = {.max = IG_RECIPE_BYTES_MAX};
    *out = NULL;
    ig_status status = ig_file_read(path, IG_RECIPE_BYTES_MAX, &text, err);
    if (status == IG_OK) status = ig_recipe_parse(ctx, path, text.data ? text.data : "", text.len, overrides, override_count, out, err);
    ig_buf_fini(&text);
    return status;
}

static void free_texts(char **texts, size_t count) {
    for (size_t i = 0; texts && i < count; i++) ig_free(texts[i]);
    ig_free(texts);
}

void ig_recipe_free(ig_recipe *r) {
    if (!r) return;
    free_texts(r->data.train, r->data.train_count);
    free_texts(r->data.validation, r->data.validation_count);
    ig_free(r->model.from);
    ig_free(r->tokenizer.path);
    ig_free((void *)r->optimiser.opts.groups);
    ig_free(r->optimiser.match);
    ig_free(r->lora.targets);
    ig_doc_free(r->doc);
    ig_free(r->file);
    ig_free(r);
}
