/* train/fit_run.c: one run of a recipe whose family has its own fit: data, fit, measuring, saving. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "ingot/fit.h"

typedef struct fit_run {
    ig_context *ctx;
    const ig_fit_recipe *r;
    ig_fit_run_opts o;
    ig_fit_result *out;
    const char *dir;
    char run[IG_PATH_MAX], checkpoint[IG_PATH_MAX], log[IG_PATH_MAX], recipe[IG_PATH_MAX];
    char digest[65];
    FILE *lines;
} fit_run;

/* ---- the folder ---- */

static ig_status check_folder(const fit_run *f, ig_error *err) {
    char config[IG_PATH_MAX];
    IG_TRY(ig_path_join(config, sizeof config, f->dir, "config.json", err));
    bool begun = ig_path_exists(f->checkpoint), done = ig_path_exists(config);
    if (f->o.resume && done && !begun) return ig_error_at(err, IG_E_EXISTS, f->dir, 0, "holds a model that is finished: nothing to resume");
    if (f->o.resume || f->o.overwrite) return IG_OK;
    if (begun) return ig_error_at(err, IG_E_EXISTS, f->dir, 0, "holds a run that was stopped; resume it, overwrite it, or choose another folder");
    return done ? ig_error_at(err, IG_E_EXISTS, f->dir, 0, "holds a model; overwrite it or choose another folder") : IG_OK;
}

static ig_status write_recipe(const fit_run *f, ig_error *err) {
    ig_buf text = {.max = 2 * IG_RECIPE_BYTES_MAX};
    ig_json j = {.out = &text, .indent = 2};
    ig_json_tree(&j, ig_doc_root(f->r->doc));
    ig_buf_putc(&text, '\n');
    ig_status s = ig_buf_status(&text, err);
    if (s == IG_OK) s = ig_file_write(f->recipe, text.data, text.len, err);
    ig_buf_fini(&text);
    return s;
}

static ig_status remove_file(const char *path, ig_error *err) {
    return unlink(path) == 0 || errno == ENOENT ? IG_OK : ig_error_errno_at(err, path, "cannot remove it");
}

static ig_status open_folder(fit_run *f, ig_error *err) {
    IG_TRY(ig_path_join(f->run, sizeof f->run, f->dir, "run", err));
    IG_TRY(ig_path_join(f->checkpoint, sizeof f->checkpoint, f->run, "fit.safetensors", err));
    IG_TRY(ig_path_join(f->log, sizeof f->log, f->run, "log.jsonl", err));
    IG_TRY(ig_path_join(f->recipe, sizeof f->recipe, f->run, "recipe.json", err));
    IG_TRY(check_folder(f, err));
    IG_TRY(ig_dir_make(f->run, err));
    if (f->o.overwrite) IG_TRY(remove_file(f->checkpoint, err));
    IG_TRY(write_recipe(f, err));
    f->lines = fopen(f->log, f->o.resume ? "a" : "w");
    return f->lines ? IG_OK : ig_error_errno_at(err, f->log, "cannot write the log");
}

/* ---- the fit ---- */

static void on_sweep(void *arg, const ig_fit_progress *p) {
    fit_run *f = arg;
    fprintf(f->lines, "{\"sweep\": %d, \"loss\": %.9g, \"seconds\": %.3f}\n", p->sweep, p->loss, p->elapsed);
    fflush(f->lines);
    f->out->loss = p->loss;
    f->out->sweeps = p->sweep;
    if (f->o.progress) f->o.progress(f->o.arg, p);
}

static ig_status validate(fit_run *f, const ig_model *m, ig_error *err) {
    ig_interactions x = {0};
    ig_recommend_eval_opts o = {.k = f->r->k, .relevant = f->r->relevant, .cancel = f->o.cancel};
    if (!ig_fit_recipe_validates(f->r)) return IG_OK;
    IG_TRY(ig_fit_recipe_read(f->r, true, f->o.problem, f->o.problem_arg, &x, err));
    ig_status s = ig_recommend_evaluate(m, &x, &o, &f->out->metrics, err);
    f->out->validated = s == IG_OK;
    ig_interactions_fini(&x);
    return s;
}

static void pair(ig_json *j, const char *key, double v) { ig_json_key(j, key), ig_json_real(j, v); }

static void format_metrics(const fit_run *f, ig_json *j) {
    const ig_recommend_metrics *m = &f->out->metrics;
    ig_json_open(j, '{');
    pair(j, "loss", f->out->loss);
    pair(j, "users", (double)f->out->users), pair(j, "items", (double)f->out->items), pair(j, "interactions", (double)f->out->interactions);
    if (f->out->validated) {
        pair(j, "k", (double)f->r->k);
        pair(j, "recall_at_k", m->recall), pair(j, "ndcg_at_k", m->ndcg), pair(j, "map_at_k", m->map), pair(j, "coverage", m->coverage);
        pair(j, "rmse", m->rmse), pair(j, "mae", m->mae);
    }
    ig_json_close(j, '}');
}

static ig_status save(fit_run *f, const ig_model *m, ig_error *err) {
    ig_buf metrics = {.max = 4096}, recipe = {.max = 2 * IG_RECIPE_BYTES_MAX};
    ig_json jm = {.out = &metrics}, jr = {.out = &recipe};
    format_metrics(f, &jm);
    ig_json_tree(&jr, ig_doc_root(f->r->doc));
    ig_status s = ig_buf_status(&metrics, err);
    if (s == IG_OK) s = ig_buf_status(&recipe, err);
    if (s == IG_OK) s = ig_model_save(m, f->dir, &(ig_model_card){.recipe = recipe.data, .data_sha256 = f->digest, .metrics_json = metrics.data}, err);
    ig_buf_fini(&metrics);
    ig_buf_fini(&recipe);
    return s == IG_OK ? remove_file(f->checkpoint, err) : s;
}

static ig_status learn(fit_run *f, ig_interactions *data, ig_error *err) {
    ig_model *m = NULL;
    ig_fit_opts o = {.seed = f->r->seed, .checkpoint = f->checkpoint, .resume = f->o.resume, .progress = on_sweep, .arg = f, .cancel = f->o.cancel};
    ig_interactions_digest(data, f->digest);
    f->out->users = data->users.count, f->out->items = data->items.count, f->out->interactions = data->count;
    IG_TRY(ig_recommend_fit(f->ctx, "model.config", f->r->config, data, &o, &m, err));
    ig_status s = validate(f, m, err);
    if (s == IG_OK) s = save(f, m, err);
    ig_model_free(m);
    return s;
}

ig_status ig_fit_run(ig_context *ctx, const ig_fit_recipe *r, const char *out_dir, const ig_fit_run_opts *opts, ig_fit_result *out,
                     ig_error *err) {
    fit_run f = {.ctx = ctx, .r = r, .o = opts ? *opts : (ig_fit_run_opts){0}, .out = out, .dir = out_dir};
    ig_interactions data = {0};
    double began = ig_clock();
    *out = (ig_fit_result){0};
    ig_status s = ig_fit_recipe_read(r, false, f.o.problem, f.o.problem_arg, &data, err);
    if (s == IG_OK) s = open_folder(&f, err);
    if (s == IG_OK) s = learn(&f, &data, err);
    if (f.lines) fclose(f.lines);
    ig_interactions_fini(&data);
    out->seconds = ig_clock() - began;
    return s;
}
