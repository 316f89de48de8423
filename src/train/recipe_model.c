/* train/recipe_model.c: the model part of a recipe, and the config.json that comes out of it.
 *
 * `model.config` is checked by the family's own table.  vocab_size is decided by the tokenizer and the context length by
 * train.context, so both may be left out; the family's table says how it calls them.
 */
#include <string.h>

#include "train/recipe.h"

#define CONFIG_FIELDS_MAX 96

bool recipe_has_field(const ig_schema_field *fields, const char *key) {
    for (; fields && fields->key; fields++)
        if (strcmp(fields->key, key) == 0) return true;
    return false;
}

/* How the family of this config calls its context length. */
static const char *context_key(const ig_schema_field *fields) {
    return recipe_has_field(fields, "n_positions") ? "n_positions" : "max_position_embeddings";
}

static ig_status wrap_config(const ig_recipe *r, const ig_schema_field *fields, ig_error *err) {
    ig_schema_field open[CONFIG_FIELDS_MAX + 1] = {0}, top[] = {{.key = "model", .type = IG_TREE_MAP}, {.key = "*"}, {0}};
    ig_schema_field part[] = {{.key = "config", .type = IG_TREE_MAP, .fields = open}, {.key = "*"}, {0}};
    for (size_t i = 0; fields[i].key; i++) {
        if (i == CONFIG_FIELDS_MAX) return ig_error_set(err, IG_E_INTERNAL, "config.json: more than %d keys", CONFIG_FIELDS_MAX);
        open[i] = fields[i];
        if (strcmp(open[i].key, "vocab_size") == 0 || strcmp(open[i].key, context_key(fields)) == 0) open[i].required = false;
    }
    top[0].fields = part;
    return ig_schema_check(r->file, ig_doc_root(r->doc), top, err);
}

static const ig_family *family_named(const char *name, const ig_tree *at, const ig_recipe *r, ig_error *err) {
    const ig_family *f = ig_family_by_name(name);
    char known[256] = "";
    size_t count, len = 0;
    const ig_family *const *all = ig_families(&count);
    for (size_t i = 0; i < count && len < sizeof known; i++)
        len += (size_t)snprintf(known + len, sizeof known - len, "%s%s", i ? ", " : "", all[i]->name);
    if (!f) recipe_fail(r, at, "model.family", err, "expected one of %s, found \"%.60s\"", known, name);
    return f;
}

static const ig_family *family_of_type(const ig_recipe *r, const ig_tree *type, ig_error *err) {
    const ig_family *f = ig_family_by_model_type(type->text);
    if (!f) recipe_fail(r, type, "model.config.model_type", err, "\"%.60s\" is of no known family; gpt2 and llama are known", type->text);
    return f;
}

static ig_status read_config(ig_recipe *r, const ig_tree *model, ig_error *err) {
    const ig_tree *config = ig_tree_get(model, "config"), *type = ig_tree_get(config, "model_type");
    const ig_tree *named = ig_tree_get(model, "family");
    if (!type || type->type != IG_TREE_TEXT) return recipe_fail(r, config, "model.config", err, "key \"model_type\" is missing: text, as gpt2 or llama");
    const ig_family *f = family_of_type(r, type, err);
    if (!f) return IG_E_FORMAT;
    const ig_family *said = named ? family_named(named->text, named, r, err) : f;
    if (!said) return IG_E_FORMAT;
    if (said != f) return recipe_fail(r, named, "model.family", err, "model_type \"%s\" is of the family %s", type->text, f->name);
    r->model.family = f->name;
    r->model.config = config;
    return wrap_config(r, f->config_schema(type->text), err);
}

/* Of a model that is there only the rates of dropout can be chosen. */
static ig_status read_rates(ig_recipe *r, const ig_tree *config, ig_error *err) {
    r->model.config = config;
    for (const ig_tree *t = config ? config->child : NULL; t; t = t->next) {
        char key[160];
        snprintf(key, sizeof key, "model.config.%.100s", t->key);
        if (!strstr(t->key, "drop")) return recipe_fail(r, t, key, err, "with model.from only dropout rates can be changed; the rest is the model's own");
        if (t->type != IG_TREE_INT && t->type != IG_TREE_REAL) return recipe_fail(r, t, key, err, "expected a number");
    }
    return IG_OK;
}

ig_status recipe_read_model(ig_recipe *r, const ig_tree *root, ig_error *err) {
    const ig_tree *model = ig_tree_get(root, "model"), *from = ig_tree_get(model, "from");
    if (!from && !ig_tree_get(model, "config")) return recipe_fail(r, model, "model", err, "expected either config or from, found none");
    if (!from && ig_tree_get(model, "head")) return recipe_fail(r, ig_tree_get(model, "head"), "model.head", err,
                                                                "needs model.from; of a new model the kind of data decides");
    if (!from) return read_config(r, model, err);
    IG_TRY(read_rates(r, ig_tree_get(model, "config"), err));
    r->model.head = ig_tree_text(model, "head", NULL);
    return recipe_path(r, from->text, &r->model.from, err);
}

/* ---- the adapter ---- */

static ig_status read_targets(ig_recipe *r, const ig_tree *t, ig_error *err) {
    bool all = !t || (t->type == IG_TREE_TEXT && strcmp(t->text, "all") == 0);
    if (all) return IG_OK;
    if (t->type != IG_TREE_LIST || t->count == 0) return recipe_fail(r, t, "lora.targets", err, "expected all, or a list of names as [q, v]");
    r->lora.targets = ig_calloc(t->count, sizeof *r->lora.targets);
    if (!r->lora.targets) return ig_error_nomem(err, t->count * sizeof *r->lora.targets);
    for (const ig_tree *name = t->child; name; name = name->next) {
        if (name->type != IG_TREE_TEXT || !*name->text) return recipe_fail(r, name, "lora.targets", err, "expected the name of a layer, found %s", ig_tree_type_name(name->type));
        r->lora.targets[r->lora.target_count++] = name->text;
    }
    return IG_OK;
}

ig_status recipe_read_lora(ig_recipe *r, const ig_tree *t, ig_error *err) {
    const ig_tree *quantise = ig_tree_get(t, "quantise");
    r->lora.given = t != NULL;
    r->lora.quantise = IG_BLOCK_COUNT;
    if (!t) return IG_OK;
    r->lora.rank = ig_tree_int(t, "rank", 8);
    r->lora.alpha = ig_tree_real(t, "alpha", 16);
    r->lora.dropout = ig_tree_real(t, "dropout", 0);
    r->lora.merge = ig_tree_bool(t, "merge", true);
    if (!r->model.from) return recipe_fail(r, t, "lora", err, "needs model.from: an adapter changes a model that has learned already");
    if (quantise && !ig_block_parse(quantise->text, &r->lora.quantise)) return recipe_fail(r, quantise, "lora.quantise", err, "\"%.40s\" is no type of blocks; q8_0 and q4_k are two", quantise->text);
    if (quantise && r->lora.merge) return recipe_fail(r, quantise, "lora.quantise", err, "needs merge: false; `ingot merge` makes a whole model of the adapter afterwards");
    return read_targets(r, ig_tree_get(t, "targets"), err);
}

/* ---- config.json ---- */

/* Dropout of attention probabilities is left alone: no family computes them as numbers that could be dropped. */
const char *const recipe_rates[] = {"embd_pdrop", "resid_pdrop", "hidden_dropout_prob", "dropout", NULL};

static bool sets_dropout(const ig_recipe *r, const ig_schema_field *fields, const char *key) {
    if (!r->regularise.has_dropout || !recipe_has_field(fields, key)) return false;
    for (size_t i = 0; recipe_rates[i]; i++)
        if (strcmp(key, recipe_rates[i]) == 0) return true;
    return false;
}

static bool decides_context(const ig_recipe *r, const ig_schema_field *fields) {
    const char *key = context_key(fields);
    return recipe_has_field(fields, key) && !ig_tree_get(r->model.config, key);
}

ig_status recipe_format_config(const ig_recipe *r, recipe_config_fn *more, const void *arg, ig_buf *out, ig_error *err) {
    const char *type = ig_tree_text(r->model.config, "model_type", "");
    const ig_schema_field *fields = ig_family_by_model_type(type)->config_schema(type);
    ig_json j = {.out = out, .indent = 2};
    ig_json_open(&j, '{');
    for (const ig_tree *t = r->model.config->child; t; t = t->next) {
        if (sets_dropout(r, fields, t->key)) continue;
        ig_json_key(&j, t->key);
        ig_json_tree(&j, t);
    }
    if (decides_context(r, fields)) {
        ig_json_key(&j, context_key(fields));
        ig_json_int(&j, r->train.context);
    }
    for (size_t i = 0; recipe_rates[i]; i++) {
        if (!sets_dropout(r, fields, recipe_rates[i])) continue;
        ig_json_key(&j, recipe_rates[i]);
        ig_json_real(&j, r->regularise.dropout);
    }
    more(arg, fields, &j);
    ig_json_close(&j, '}');
    return ig_buf_status(out, err);
}
