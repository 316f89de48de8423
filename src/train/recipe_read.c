/* train/recipe_read.c: from the checked tree to the settings of a recipe: defaults, and what has to hold between keys. */
#include <math.h>
#include <string.h>

#include "train/recipe.h"
#include "train/task.h"

static const ig_tree *part(const ig_recipe *r, const char *path) {
    return ig_tree_path(ig_doc_root(r->doc), path);
}

/* ---- files ---- */

static ig_status read_list(const ig_recipe *r, const ig_tree *at, const char *path, char ***out, size_t *count, ig_error *err) {
    size_t n = at->type == IG_TREE_LIST ? at->count : 1;
    if (n == 0 || n > IG_RECIPE_FILES_MAX) return recipe_fail(r, at, path, err, "expected 1 to %d files, found %zu", IG_RECIPE_FILES_MAX, n);
    *out = ig_calloc(n, sizeof **out);
    if (!*out) return ig_error_nomem(err, n * sizeof **out);
    for (const ig_tree *t = at->type == IG_TREE_LIST ? at->child : at; *count < n; t = t->next) {
        if (t->type != IG_TREE_TEXT || !*t->text)
            return recipe_fail(r, t, path, err, "expected the path of a file, found %s", t->type == IG_TREE_TEXT ? "nothing" : ig_tree_type_name(t->type));
        IG_TRY(recipe_path(r, t->text, &(*out)[*count], err));
        (*count)++;
    }
    return IG_OK;
}

static ig_status read_held_out(ig_recipe *r, const ig_tree *held, ig_error *err) {
    r->data.validation_fraction = 0.1;
    if (!held) return IG_OK;
    r->data.validation_fraction = 0;
    if (held->type == IG_TREE_TEXT || held->type == IG_TREE_LIST)
        return read_list(r, held, "data.validation", &r->data.validation, &r->data.validation_count, err);
    bool number = held->type == IG_TREE_INT || held->type == IG_TREE_REAL;
    if (!number || !(held->real >= 0 && held->real <= 0.9))
        return recipe_fail(r, held, "data.validation", err, "expected a file, a list of them, or a share between 0 and 0.9");
    r->data.validation_fraction = held->real;
    return IG_OK;
}

static bool listed(const char *const *keys, const char *key) {
    for (size_t i = 0; keys && keys[i]; i++)
        if (strcmp(keys[i], key) == 0) return true;
    return false;
}

/* A key that is for another kind of data is a mistake, not a wish without effect. */
static ig_status check_keys(const ig_recipe *r, const ig_tree *data, ig_error *err) {
    static const char *const always[] = {"kind", "train", "validation", NULL};
    for (const ig_tree *t = data->child; t; t = t->next) {
        char key[80];
        snprintf(key, sizeof key, "data.%.60s", t->key);
        if (!listed(always, t->key) && !listed(r->data.task->keys, t->key))
            return recipe_fail(r, t, key, err, "is not for data of the kind %s", r->data.task->name);
    }
    return IG_OK;
}

/* The same for whole parts: dpo is for preference. */
static ig_status check_parts(const ig_recipe *r, ig_error *err) {
    size_t count;
    const train_task *const *all = train_tasks(&count);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; all[i]->parts && all[i]->parts[k]; k++)
            if (part(r, all[i]->parts[k]) && !listed(r->data.task->parts, all[i]->parts[k]))
                return recipe_fail(r, part(r, all[i]->parts[k]), all[i]->parts[k], err, "is for data of the kind %s", all[i]->name);
    return IG_OK;
}

static ig_status read_data(ig_recipe *r, ig_error *err) {
    const ig_tree *data = part(r, "data");
    r->data.task = train_task_by_name(ig_tree_text(data, "kind", "text"));
    if (r->model.head && (!r->data.task->head || strcmp(r->model.head, r->data.task->head) != 0))
        return recipe_fail(r, part(r, "model"), "model.head", err, "data of the kind %s trains %s%s, not %s",
                           r->data.task->name,
                           r->data.task->head ? "the head " : "no head of its own",
                               r->data.task->head ? r->data.task->head : "", r->model.head);
    IG_TRY(check_keys(r, data, err));
    IG_TRY(check_parts(r, err));
    IG_TRY(read_list(r, ig_tree_get(data, "train"), "data.train", &r->data.train, &r->data.train_count, err));
    ig_batch_order_parse(ig_tree_text(data, "order", "random"), &r->data.order);
    r->data.cut = strcmp(ig_tree_text(data, "too_long", "refuse"), "cut") == 0;
    return read_held_out(r, ig_tree_get(data, "validation"), err);
}

static ig_status read_tokenizer(ig_recipe *r, ig_error *err) {
    const ig_tree *t = part(r, "tokenizer"), *kind = ig_tree_get(t, "kind"), *path = ig_tree_get(t, "path");
    r->tokenizer.given = t != NULL;
    r->tokenizer.vocab_size = ig_tree_int(t, "vocab_size", 0);
    if (t && r->data.task->tokens == TASK_NO_TOKENS) return recipe_fail(r, t, "tokenizer", err, "is not for data of the kind %s", r->data.task->name);
    if (r->data.task->tokens == TASK_NO_TOKENS) return IG_OK;
    if (!t && !r->model.from) return recipe_fail(r, ig_doc_root(r->doc), "tokenizer", err, "a new model needs one: {kind: char}, {kind: bpe, vocab_size: N} or {path: tokenizer.json}");
    if (!t) return IG_OK;
    if (!kind == !path) return recipe_fail(r, t, "tokenizer", err, "expected either kind or path, found %s", kind ? "both" : "none");
    if (path && r->tokenizer.vocab_size) return recipe_fail(r, t, "tokenizer.vocab_size", err, "the tokenizer of `path` has its own");
    if (path) return recipe_path(r, path->text, &r->tokenizer.path, err);
    if (r->data.task->tokens < TASK_LEARNED_TOKENS)
        return recipe_fail(r, t, "tokenizer.kind", err, "no tokenizer is learned from data of the kind %s; give the path of one, or leave it to the model of model.from", r->data.task->name);
    bool word = strcmp(kind->text, "word") == 0, pieces = word || strcmp(kind->text, "wordpiece") == 0;
    IG_TRY(ig_tokenizer_kind_parse(word ? "wordpiece" : kind->text, &r->tokenizer.kind, err));
    r->tokenizer.words = word;
    r->tokenizer.keep_case = !ig_tree_bool(t, "lower_case", true);
    if (ig_tree_get(t, "lower_case") && !pieces) return recipe_fail(r, t, "tokenizer.lower_case", err,
                                                                    "is for wordpiece and word");
    if (pieces && r->data.task->tokens != TASK_LEARNED_WORDS)
        return recipe_fail(r, t, "tokenizer.kind", err,
                           "%s does not keep a text as it was; char and bpe are for data of the kind %s", kind->text,
                               r->data.task->name);
    if (pieces && r->tokenizer.vocab_size < 8) return recipe_fail(r, t, "tokenizer.vocab_size", err, "%s needs it: 8 or more",
                                                                  kind->text);
    if (r->tokenizer.kind == IG_TOKENIZER_BPE && r->tokenizer.vocab_size < 257)
        return recipe_fail(r, t, "tokenizer.vocab_size", err, "bpe needs 257 or more: the 256 bytes and what is learned");
    return IG_OK;
}

/* ---- training ---- */

static ig_status read_context(const ig_recipe *r, ig_error *err) {
    const ig_tree *most = ig_tree_get(r->model.config, "n_positions");
    if (!most) most = ig_tree_get(r->model.config, "max_position_embeddings");
    if (most && most->integer < r->train.context)
        return recipe_fail(r, part(r, "train"), "train.context", err, "%lld tokens are more than the model's %lld positions",
                           (long long)r->train.context, (long long)most->integer);
    return IG_OK;
}

static ig_status read_train(ig_recipe *r, ig_error *err) {
    const ig_tree *t = part(r, "train"), *steps = ig_tree_get(t, "steps");
    const char *precision = ig_tree_text(t, "precision", "auto");
    if (!steps == !ig_tree_get(t, "epochs")) return recipe_fail(r, t, "train", err, "expected either steps or epochs, found %s", steps ? "both" : "none");
    r->train.steps = ig_tree_int(t, "steps", 0);
    r->train.epochs = ig_tree_real(t, "epochs", 0);
    r->train.batch = ig_tree_int(t, "batch", 12);
    r->train.context = ig_tree_int(t, "context", 64);
    r->train.accumulate = ig_tree_int(t, "accumulate", 1);
    r->train.recompute = ig_tree_bool(t, "recompute", false);
    r->train.precision = strcmp(precision, "f32") == 0 ? IG_PRECISION_F32 : strcmp(precision, "bf16") == 0 ? IG_PRECISION_BF16 : IG_PRECISION_AUTO;
    return read_context(r, err);
}

/* ---- optimiser ---- */

static ig_status read_groups(ig_recipe *r, const ig_tree *list, ig_error *err) {
    size_t n = list ? list->count : 0, i = 0;
    if (n > IG_RECIPE_GROUPS_MAX) return recipe_fail(r, list, "optimiser.groups", err, "more than %d", IG_RECIPE_GROUPS_MAX);
    ig_optim_group *groups = ig_calloc(n + 1, sizeof *groups);
    r->optimiser.opts.groups = groups;
    r->optimiser.match = ig_calloc(n + 1, sizeof *r->optimiser.match);
    if (!groups || !r->optimiser.match) return ig_error_nomem(err, n * sizeof *groups);
    groups[0] = (ig_optim_group){.lr_scale = 1, .weight_decay = -1};
    for (const ig_tree *t = list ? list->child : NULL; t; t = t->next, i++) {
        r->optimiser.match[i] = ig_tree_text(t, "match", "");
        groups[i + 1] = (ig_optim_group){.lr_scale = ig_tree_real(t, "lr_scale", 1), .weight_decay = ig_tree_real(t, "weight_decay", -1)};
    }
    r->optimiser.groups = (int)n;
    r->optimiser.opts.group_count = (int)n + 1;
    return IG_OK;
}

static ig_status check_momentum(const ig_recipe *r, const ig_tree *t, ig_error *err) {
    const ig_optim_opts *o = &r->optimiser.opts;
    bool sgd = o->kind == IG_OPTIM_SGD, takes = sgd || o->kind == IG_OPTIM_RMSPROP;
    if (o->momentum > 0 && !takes)
        return recipe_fail(r, ig_tree_get(t, "momentum"), "optimiser.momentum", err, "is for sgd and rmsprop; adam has betas");
    if (o->nesterov && (!sgd || o->momentum == 0))
        return recipe_fail(r, ig_tree_get(t, "nesterov"), "optimiser.nesterov", err, "needs sgd with a momentum above 0");
    return IG_OK;
}

static ig_status read_optimiser(ig_recipe *r, ig_error *err) {
    const ig_tree *t = part(r, "optimiser"), *betas = ig_tree_get(t, "betas");
    ig_optim_opts *o = &r->optimiser.opts;
    ig_optim_parse(ig_tree_text(t, "name", "adamw"), &o->kind);
    if (betas && betas->count != 2) return recipe_fail(r, betas, "optimiser.betas", err, "expected two numbers, found %zu", betas->count);
    o->beta1 = betas ? betas->child->real : 0.9;
    o->beta2 = betas ? betas->child->next->real : 0.999;
    o->momentum = ig_tree_real(t, "momentum", 0);
    o->nesterov = ig_tree_bool(t, "nesterov", false);
    o->alpha = ig_tree_real(t, "alpha", 0);
    o->eps = ig_tree_real(t, "eps", 0);
    o->weight_decay = ig_tree_real(t, "weight_decay", o->kind == IG_OPTIM_ADAMW ? 0.01 : 0);
    o->l1 = ig_tree_real(t, "l1", 0);
    o->clip_norm = ig_tree_real(t, "clip_norm", 0);
    o->clip_value = ig_tree_real(t, "clip_value", 0);
    o->ema_decay = ig_tree_real(t, "ema", 0);
    r->optimiser.lr = ig_tree_real(t, "lr", 1e-3);
    IG_TRY(check_momentum(r, t, err));
    return read_groups(r, ig_tree_get(t, "groups"), err);
}

static ig_status read_schedule(ig_recipe *r, ig_error *err) {
    const ig_tree *t = part(r, "schedule"), *min_lr = ig_tree_get(t, "min_lr"), *warmup = ig_tree_get(t, "warmup");
    ig_schedule *s = &r->schedule;
    ig_schedule_parse(ig_tree_text(t, "name", "constant"), &s->kind);
    s->lr = r->optimiser.lr;
    s->min_lr = ig_tree_real(t, "min_lr", 0);
    s->step_size = ig_tree_int(t, "step_size", 0);
    s->gamma = ig_tree_real(t, "gamma", 0.1);
    s->patience = ig_tree_int(t, "patience", 10);
    s->plateau_scale = 1;
    s->plateau_best = INFINITY;
    if (s->min_lr > s->lr) return recipe_fail(r, min_lr, "schedule.min_lr", err, "%g is above optimiser.lr, which is %g", s->min_lr, s->lr);
    if (warmup && warmup->real >= 1 && warmup->real != floor(warmup->real))
        return recipe_fail(r, warmup, "schedule.warmup", err, "expected whole steps, or a share below 1; found %g", warmup->real);
    if (warmup && r->train.steps && warmup->real >= (double)r->train.steps)
        return recipe_fail(r, warmup, "schedule.warmup", err, "%g steps are not fewer than train.steps, which is %lld", warmup->real, (long long)r->train.steps);
    if (s->kind == IG_SCHEDULE_STEP && !s->step_size) return recipe_fail(r, t, "schedule.step_size", err, "the step schedule needs it");
    return IG_OK;
}

/* ---- regularisation and evaluation ---- */

static ig_status read_regularise(ig_recipe *r, ig_error *err) {
    const ig_tree *t = part(r, "regularise"), *stop = ig_tree_get(t, "early_stop");
    bool held_out = r->data.validation_count > 0 || r->data.validation_fraction > 0;
    r->regularise.has_dropout = ig_tree_get(t, "dropout") != NULL;
    r->regularise.dropout = ig_tree_real(t, "dropout", 0);
    r->regularise.label_smoothing = ig_tree_real(t, "label_smoothing", 0);
    r->regularise.patience = ig_tree_int(stop, "patience", 0);
    r->regularise.min_delta = ig_tree_real(stop, "min_delta", 0);
    if (stop && !held_out) return recipe_fail(r, stop, "regularise.early_stop", err, "needs validation text, and data.validation is 0");
    if (r->schedule.kind == IG_SCHEDULE_PLATEAU && !held_out)
        return recipe_fail(r, part(r, "schedule"), "schedule.name", err, "plateau needs validation text, and data.validation is 0");
    return IG_OK;
}

static ig_status read_dpo(ig_recipe *r, ig_error *err) {
    r->dpo.beta = ig_tree_real(part(r, "dpo"), "beta", 0.1);
    if (r->data.task == &train_task_preference && r->regularise.label_smoothing > 0)
        return recipe_fail(r, part(r, "regularise"), "regularise.label_smoothing", err, "is not for data of the kind preference");
    return IG_OK;
}

/* eval_loss, or one of the figures of this kind of data. */
static ig_status read_metric(ig_recipe *r, const ig_tree *evaluate, ig_error *err) {
    const char *name = ig_tree_text(evaluate, "metric", "eval_loss");
    char known[256] = "eval_loss";
    r->evaluate.metric = -1;
    if (strcmp(name, "eval_loss") == 0) return IG_OK;
    for (int k = 0; r->data.task->figures && r->data.task->figures[k].name; k++) {
        const char *figure = r->data.task->figures[k].name;
        if (strncmp(name, "eval_", 5) == 0 && strcmp(name + 5, figure) == 0) {
            r->evaluate.metric = k;
            return IG_OK;
        }
        size_t len = strlen(known);
        snprintf(known + len, sizeof known - len, ", eval_%s", figure);
    }
    return recipe_fail(r, ig_tree_get(evaluate, "metric"), "evaluate.metric", err, "expected one of %s, found \"%.60s\"", known, name);
}

static ig_status read_windows(ig_recipe *r, const ig_tree *t, ig_error *err) {
    bool all = !t || (t->type == IG_TREE_TEXT && strcmp(t->text, "all") == 0);
    if (!all && (t->type != IG_TREE_INT || t->integer < 1))
        return recipe_fail(r, t, "evaluate.windows", err, "expected all, or a whole number of at least 1");
    r->evaluate.windows = all ? 0 : t->integer;
    return IG_OK;
}

static ig_status read_evaluate(ig_recipe *r, ig_error *err) {
    const ig_tree *t = part(r, "evaluate"), *sample = ig_tree_get(t, "sample"), *checkpoint = part(r, "checkpoint");
    IG_TRY(read_metric(r, t, err));
    r->evaluate.every = ig_tree_int(t, "every", 250);
    if (sample && !(r->data.task->needs & IG_CAN_GENERATE)) return recipe_fail(r, sample, "evaluate.sample", err, "is not for data of the kind %s: such a model writes no text", r->data.task->name);
    r->evaluate.prompt = sample ? ig_tree_text(sample, "prompt", "") : NULL;
    r->evaluate.sample_tokens = ig_tree_int(sample, "tokens", 100);
    r->evaluate.temperature = ig_tree_real(sample, "temperature", 0.8);
    r->evaluate.top_k = ig_tree_int(sample, "top_k", 0);
    r->checkpoint.every = ig_tree_int(checkpoint, "every", r->evaluate.every);
    r->checkpoint.keep = ig_tree_int(checkpoint, "keep", 2);
    return read_windows(r, ig_tree_get(t, "windows"), err);
}

ig_status recipe_read(ig_recipe *r, ig_error *err) {
    const ig_tree *root = ig_doc_root(r->doc);
    r->name = ig_tree_text(root, "name", ig_path_base(r->file));
    r->seed = (uint64_t)ig_tree_int(root, "seed", 1337);
    IG_TRY(recipe_read_model(r, root, err));
    IG_TRY(recipe_read_lora(r, part(r, "lora"), err));
    IG_TRY(read_data(r, err));
    IG_TRY(read_tokenizer(r, err));
    IG_TRY(read_train(r, err));
    IG_TRY(read_optimiser(r, err));
    IG_TRY(read_schedule(r, err));
    IG_TRY(read_regularise(r, err));
    IG_TRY(read_dpo(r, err));
    return read_evaluate(r, err);
}
