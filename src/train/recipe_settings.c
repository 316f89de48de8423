/* train/recipe_settings.c: what the weights at the end depend on, as a flat JSON object.
 *
 * A checkpoint keeps this text, and a resumed run compares its own with it key by key.  What is left out may change between
 * the two: name, samples, how often and how many checkpoints, and paths (the data is known by its digest, which the
 * trainer adds).  Numbers are written so that the same double gives the same text.
 */
#include <string.h>

#include "train/recipe.h"
#include "train/task.h"

static void put_int(ig_json *j, const char *key, int64_t v) {
    ig_json_key(j, key);
    ig_json_int(j, v);
}

static void put_real(ig_json *j, const char *key, double v) {
    ig_json_key(j, key);
    ig_json_real(j, v);
}

static void put_text(ig_json *j, const char *key, const char *v) {
    ig_json_key(j, key);
    if (v) ig_json_text(j, v);
    else ig_json_null(j);
}

static void put_model(ig_json *j, const ig_recipe *r) {
    char key[128];
    for (const ig_tree *t = r->model.config ? r->model.config->child : NULL; t; t = t->next) {
        snprintf(key, sizeof key, "model.config.%.100s", t->key);
        ig_json_key(j, key);
        ig_json_tree(j, t);
    }
    put_text(j, "model.from", r->model.from ? ig_path_base(r->model.from) : NULL);
    put_text(j, "model.head", r->model.head);
    put_text(j, "data.kind", r->data.task->name);
    put_text(j, "data.order", ig_batch_order_name(r->data.order));
    put_real(j, "data.validation", r->data.validation_fraction);
}

static void put_lora(ig_json *j, const ig_recipe *r) {
    if (!r->lora.given) return;
    put_int(j, "lora.rank", r->lora.rank);
    put_real(j, "lora.alpha", r->lora.alpha);
    put_real(j, "lora.dropout", r->lora.dropout);
    put_text(j, "lora.quantise", r->lora.quantise == IG_BLOCK_COUNT ? NULL : ig_block_name(r->lora.quantise));
    for (size_t i = 0; i < r->lora.target_count; i++) {
        char key[64];
        snprintf(key, sizeof key, "lora.targets[%zu]", i);
        put_text(j, key, r->lora.targets[i]);
    }
}

/* What is for this kind of data only, as it stands in the recipe with its defaults filled in. */
static void put_part(ig_json *j, const char *name, const ig_tree *part, const char *const *keys) {
    for (const ig_tree *t = part ? part->child : NULL; t; t = t->next) {
        bool wanted = !keys;
        for (size_t i = 0; keys && keys[i]; i++) wanted = wanted || strcmp(keys[i], t->key) == 0;
        char key[128];
        snprintf(key, sizeof key, "%.50s.%.60s", name, t->key);
        if (!wanted || strcmp(key, "data.order") == 0 || strcmp(key, "data.too_long") == 0 || strcmp(key, "dpo.beta") == 0) continue;
        ig_json_key(j, key);
        ig_json_tree(j, t);
    }
}

static void put_parts(ig_json *j, const ig_recipe *r) {
    const train_task *task = r->data.task;
    const ig_tree *root = ig_doc_root(r->doc);
    if (task != &train_task_text) put_int(j, "data.too_long", r->data.cut);
    if (task == &train_task_preference) put_real(j, "dpo.beta", r->dpo.beta);
    put_part(j, "data", ig_tree_get(root, "data"), task->keys ? task->keys : (const char *const[]){NULL});
    for (size_t i = 0; task->parts && task->parts[i]; i++) put_part(j, task->parts[i], ig_tree_get(root, task->parts[i]), NULL);
}

static void put_train(ig_json *j, const ig_recipe *r) {
    put_parts(j, r);
    put_int(j, "train.steps", r->train.steps);
    put_real(j, "train.epochs", r->train.epochs);
    put_int(j, "train.batch", r->train.batch);
    put_int(j, "train.context", r->train.context);
    put_int(j, "train.accumulate", r->train.accumulate);
    ig_json_key(j, "regularise.dropout");
    if (r->regularise.has_dropout) ig_json_real(j, r->regularise.dropout);
    else ig_json_null(j);
    put_real(j, "regularise.label_smoothing", r->regularise.label_smoothing);
    put_int(j, "regularise.early_stop.patience", r->regularise.patience);
    put_real(j, "regularise.early_stop.min_delta", r->regularise.min_delta);
    put_int(j, "evaluate.every", r->evaluate.every);
    put_text(j, "evaluate.metric", r->evaluate.metric < 0 ? "eval_loss" : r->data.task->figures[r->evaluate.metric].name);
    put_int(j, "evaluate.windows", r->evaluate.windows);
}

static void put_optimiser(ig_json *j, const ig_recipe *r) {
    const ig_optim_opts *o = &r->optimiser.opts;
    const ig_tree *t = ig_tree_path(ig_doc_root(r->doc), "optimiser");
    put_text(j, "optimiser.name", ig_tree_text(t, "name", "adamw"));
    put_real(j, "optimiser.lr", r->optimiser.lr);
    put_real(j, "optimiser.beta1", o->beta1);
    put_real(j, "optimiser.beta2", o->beta2);
    put_real(j, "optimiser.eps", o->eps);
    put_real(j, "optimiser.alpha", o->alpha);
    put_real(j, "optimiser.momentum", o->momentum);
    put_int(j, "optimiser.nesterov", o->nesterov);
    put_real(j, "optimiser.weight_decay", o->weight_decay);
    put_real(j, "optimiser.l1", o->l1);
    put_real(j, "optimiser.clip_norm", o->clip_norm);
    put_real(j, "optimiser.clip_value", o->clip_value);
    put_real(j, "optimiser.ema", o->ema_decay);
    for (int i = 0; i < r->optimiser.groups; i++) {
        char key[64];
        snprintf(key, sizeof key, "optimiser.groups[%d]", i);
        ig_json_key(j, key);
        ig_json_open(j, '{');
        put_text(j, "match", r->optimiser.match[i]);
        put_real(j, "lr_scale", o->groups[i + 1].lr_scale);
        put_real(j, "weight_decay", o->groups[i + 1].weight_decay);
        ig_json_close(j, '}');
    }
}

static void put_schedule(ig_json *j, const ig_recipe *r) {
    const ig_tree *t = ig_tree_path(ig_doc_root(r->doc), "schedule");
    put_text(j, "schedule.name", ig_tree_text(t, "name", "constant"));
    put_real(j, "schedule.warmup", ig_tree_real(t, "warmup", 0));
    put_real(j, "schedule.min_lr", r->schedule.min_lr);
    put_int(j, "schedule.step_size", r->schedule.step_size);
    put_real(j, "schedule.gamma", r->schedule.gamma);
    put_int(j, "schedule.patience", r->schedule.patience);
}

/* The object is left open: the trainer adds what only the data and the machine tell. */
ig_status recipe_format_settings(const ig_recipe *r, ig_json *j, ig_error *err) {
    ig_json_open(j, '{');
    put_model(j, r);
    put_lora(j, r);
    put_train(j, r);
    put_optimiser(j, r);
    put_schedule(j, r);
    return ig_buf_status(j->out, err);
}
