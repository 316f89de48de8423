/* train/trainer.c: a recipe made ready to run. */
#include <fnmatch.h>
#include <math.h>
#include <string.h>

#include "train/feed.h"

/* ---- model ---- */

/* The rates of `config` and `regularise.dropout` take the place of those that the model came with. */
static ig_status set_rates(trainer *t, ig_error *err) {
    const ig_schema_field *fields = t->model->family->config_schema(ig_tree_text(ig_doc_root(t->model->config), "model_type", ""));
    const ig_tree *config = t->r->model.config;
    char value[32];
    for (const ig_tree *c = config ? config->child : NULL; c; c = c->next) {
        snprintf(value, sizeof value, "%.17g", c->real);
        IG_TRY(ig_model_set(t->model, c->key, value, err));
    }
    snprintf(value, sizeof value, "%.17g", t->r->regularise.dropout);
    for (size_t i = 0; recipe_rates[i] && t->r->regularise.has_dropout; i++)
        if (recipe_has_field(fields, recipe_rates[i])) IG_TRY(ig_model_set(t->model, recipe_rates[i], value, err));
    return IG_OK;
}

static ig_status load_model(trainer *t, ig_error *err) {
    IG_TRY(ig_model_load(t->ctx, t->r->model.from, &t->model, err));
    return set_rates(t, err);
}

/* What the data decides of config.json: recipe_format_config asks for it. */
static void data_config(const void *arg, const ig_schema_field *fields, ig_json *j) {
    const trainer *t = arg;
    const ig_tree *given = t->r->model.config;
    if (t->corpus.tokenizer && recipe_has_field(fields, "vocab_size") && !ig_tree_get(given, "vocab_size")) {
        ig_json_key(j, "vocab_size");
        ig_json_int(j, (int64_t)ig_tokenizer_count(t->corpus.tokenizer));
    }
    const ig_family *f = ig_family_by_name(t->r->model.family);
    const char *head = t->r->data.task->head, *type = ig_tree_text(given, "model_type", "");
    const char *name = head && f->architecture ? f->architecture(type, head) : NULL;
    if (name && !ig_tree_get(given, "architectures")) {
        ig_json_key(j, "architectures"), ig_json_open(j, '[');
        ig_json_text(j, name);
        ig_json_close(j, ']');
    }
    if (t->r->data.task->config) t->r->data.task->config(t, fields, j);
}

static ig_status new_model(trainer *t, ig_error *err) {
    ig_buf config = {.max = IG_RECIPE_BYTES_MAX};
    ig_status status = recipe_format_config(t->r, data_config, t, &config, err);
    if (status == IG_OK) status = ig_model_new(t->ctx, t->r->file, config.data, config.len, &t->model, err);
    ig_buf_fini(&config);
    return status == IG_OK ? t->model->family->initialise(t->model, t->seed, err) : status;
}

/* The keys of config.json that a new head changes: those of the data, and the name of the architecture. */
static ig_status format_changes(const trainer *t, ig_buf *out, ig_error *err) {
    const ig_family *f = t->model->family;
    const char *type = ig_tree_text(ig_doc_root(t->model->config), "model_type", "");
    const char *name = f->architecture ? f->architecture(type, t->r->model.head) : NULL;
    if (!name) return ig_error_at(err, IG_E_UNSUPPORTED, t->r->file, 0, "model.head: the family %s has no head %s", f->name,
                                  t->r->model.head);
    ig_json j = {.out = out};
    ig_json_open(&j, '{');
    ig_json_key(&j, "architectures"), ig_json_open(&j, '['), ig_json_text(&j, name), ig_json_close(&j, ']');
    if (t->r->data.task->config) t->r->data.task->config(t, f->config_schema(type), &j);
    ig_json_close(&j, '}');
    return ig_buf_status(out, err);
}

/* A head that the model has already is kept, unless it tells other labels apart. */
static bool same_labels(const trainer *t, const ig_tree *changes) {
    const ig_tree *names = ig_tree_get(changes, "id2label");
    const ig_family *f = t->model->family;
    int64_t count = f->label_count ? f->label_count(t->model) : 0, i = 0;
    if (!names) return true;
    for (const ig_tree *n = names->child; n; n = n->next, i++)
        if (i >= count || strcmp(f->label(t->model, i), n->text) != 0) return false;
    return i == count;
}

static ig_status rehead(trainer *t, ig_error *err) {
    ig_buf text = {.max = IG_RECIPE_BYTES_MAX}, fresh = {.max = 1 << 16};
    ig_doc *changes = NULL;
    char *note = t->corpus.note;
    ig_status status = format_changes(t, &text, err);
    if (status == IG_OK) status = ig_json_parse(t->r->file, text.data, text.len, &changes, err);
    if (status == IG_OK) status = ig_model_rehead(&t->model, ig_doc_root(changes), same_labels(t, ig_doc_root(changes)),
                                                  t->seed, &fresh, err);
    if (status == IG_OK && fresh.len)
        snprintf(note + strlen(note), sizeof t->corpus.note - strlen(note), "%snew in the model: %.200s", *note ? "; " : "",
                 fresh.data);
    ig_doc_free(changes);
    ig_buf_fini(&text);
    ig_buf_fini(&fresh);
    return status == IG_OK ? set_rates(t, err) : status;
}

static ig_status check_model(const trainer *t, ig_error *err) {
    const train_task *task = t->r->data.task;
    if (!ig_model_can(t->model, task->needs))
        return ig_error_at(err, IG_E_UNSUPPORTED, t->r->file, 0,
                           "%s of family %s does not %s, which is what data of the kind %s trains%s%s",
                           t->r->model.from ? "this model" : "a model like this", t->model->family->name, task->needs_words,
                               task->name,
                           t->r->model.from && task->head ? "; it does with model.head: " : "",
                               t->r->model.from && task->head ? task->head : "");
    return task->check ? task->check(t, err) : IG_OK;
}

/* What is trained: all parameters, or those of an adapter upon them. */
static ig_status adapt(trainer *t, ig_error *err) {
    const ig_recipe *r = t->r;
    ig_error why = {0};
    ig_adapter_opts opts = {.rank = r->lora.rank, .alpha = r->lora.alpha, .dropout = r->lora.dropout, .targets = r->lora.targets,
                            .target_count = r->lora.target_count, .seed = t->seed};
    t->trained = &t->model->params;
    if (t->model->adapter) IG_TRY(ig_model_merge(t->model, err)); /* model.from is an adapter and its base */
    if (!r->lora.given) return IG_OK;
    if (r->lora.quantise != IG_BLOCK_COUNT) IG_TRY(ig_model_pack(t->model, r->lora.quantise, err));
    ig_status status = ig_model_adapt(t->model, &opts, &why);
    t->trained = ig_model_adapter_params(t->model);
    if (status == IG_E_ARG) return ig_error_at(err, IG_E_FORMAT, r->file, 0, "lora.targets: %.600s", why.message);
    if (status != IG_OK && err) *err = why;
    return status;
}

/* A loaded model may bring the tokenizer that the data needs; a new one needs what the data decides. */
static ig_status make_model(trainer *t, ig_error *err) {
    if (t->r->model.from) IG_TRY(load_model(t, err));
    IG_TRY(t->r->data.task->load(t, err));
    if (t->model && t->r->model.head) IG_TRY(rehead(t, err));
    if (!t->model) IG_TRY(new_model(t, err));
    if (t->corpus.tokenizer) {
        ig_tokenizer_free(t->model->tokenizer);
        t->model->tokenizer = t->corpus.tokenizer;
        t->corpus.tokenizer = NULL;
    }
    IG_TRY(check_model(t, err));
    return adapt(t, err);
}

/* ---- optimiser ---- */

/* A row of optimiser.groups that matches nothing is a mistake in the glob. */
static ig_status assign_groups(trainer *t, ig_error *err) {
    const ig_recipe *r = t->r;
    for (int i = 0; i < r->optimiser.groups; i++) {
        size_t matched = 0;
        for (size_t k = 0; k < t->trained->count; k++) {
            ig_param *p = t->trained->item[k];
            if (fnmatch(r->optimiser.match[i], p->name, 0) != 0) continue;
            matched++;
            if (p->group) continue;
            p->group = i + 1;
            p->frozen = p->role == IG_PARAM_STATE || r->optimiser.opts.groups[i + 1].lr_scale == 0;
        }
        if (!matched)
            return ig_error_at(err, IG_E_FORMAT, r->file, 0, "optimiser.groups[%d].match: \"%.80s\" matches no parameter; the first is called \"%s\"", i,
                               r->optimiser.match[i], t->trained->count ? t->trained->item[0]->name : "");
    }
    return IG_OK;
}

/* The part of the schedule that needs the number of steps. */
static ig_status make_schedule(trainer *t, ig_error *err) {
    const ig_tree *warmup = ig_tree_path(ig_doc_root(t->r->doc), "schedule.warmup");
    double w = warmup ? warmup->real : 0;
    t->at.schedule = t->r->schedule;
    t->at.schedule.total = t->steps;
    t->at.schedule.warmup = (int64_t)(w < 1 ? floor(w * (double)t->steps) : w);
    ig_early_stop_init(&t->at.early, t->r->regularise.patience, t->r->regularise.min_delta);
    if (t->at.schedule.warmup < t->steps) return IG_OK;
    return ig_error_at(err, IG_E_FORMAT, t->r->file, warmup->line, "schedule.warmup: %lld steps are not fewer than the %lld of the run",
                       (long long)t->at.schedule.warmup, (long long)t->steps);
}

/* ---- all of it ---- */

static ig_status make(trainer *t, ig_error *err) {
    IG_TRY(make_model(t, err));
    IG_TRY(assign_groups(t, err));
    IG_TRY(feed_make(t, err));
    IG_TRY(make_schedule(t, err));
    IG_TRY(ig_optim_new(t->ctx, t->trained, &t->r->optimiser.opts, &t->optim, err));
    return train_plans_make(t, err);
}

ig_status trainer_init(trainer *t, ig_context *ctx, const ig_recipe *r, const uint64_t *seed, ig_error *err) {
    *t = (trainer){.ctx = ctx, .r = r, .seed = seed ? *seed : r->seed};
    t->at = (train_state){.loss = NAN, .grad_norm = NAN, .eval_loss = NAN, .best_eval_loss = NAN, .best_score = NAN};
    for (int k = 0; k < IG_TRAIN_FIGURES_MAX; k++) t->at.figure[k] = t->at.best_figure[k] = NAN;
    t->bf16 = r->train.precision == IG_PRECISION_BF16 || (r->train.precision == IG_PRECISION_AUTO && ig_context_has_bf16(ctx));
    ig_status status = make(t, err);
    if (status != IG_OK) trainer_fini(t);
    return status;
}

void trainer_fini(trainer *t) {
    ig_plan_free(t->update);
    feed_free(t);
    ig_optim_free(t->optim);
    ig_model_free(t->model);
    corpus_fini(&t->corpus);
    *t = (trainer){0};
}

/* ---- settings ---- */

static ig_status tokenizer_sha256(const trainer *t, char out[65], ig_error *err) {
    ig_buf text = {.max = IG_TOKENIZER_BYTES_MAX};
    ig_status status = ig_tokenizer_format(t->model->tokenizer, &text, err);
    if (status == IG_OK) ig_sha256_hex(text.data, text.len, out);
    ig_buf_fini(&text);
    return status;
}

ig_status trainer_settings(const trainer *t, ig_buf *out, ig_error *err) {
    char tokenizer[65] = "none";
    if (t->model->tokenizer) IG_TRY(tokenizer_sha256(t, tokenizer, err));
    ig_json j = {.out = out};
    IG_TRY(recipe_format_settings(t->r, &j, err));
    ig_json_key(&j, "seed");
    ig_json_int(&j, (int64_t)t->seed);
    ig_json_key(&j, "train.precision");
    ig_json_text(&j, t->bf16 ? "bf16" : "f32");
    ig_json_key(&j, "data (SHA-256)");
    ig_json_text(&j, t->corpus.sha256);
    ig_json_key(&j, "tokenizer (SHA-256)");
    ig_json_text(&j, tokenizer);
    ig_json_close(&j, '}');
    return ig_buf_status(out, err);
}
