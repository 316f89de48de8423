/* server/job_tuning.c: a fine-tuning job's recipe before its process starts, its losses as events while it runs, and what it
 * leaves: the new model.
 *
 *     WORKSPACE/jobs/JOB.yaml   the recipe (job_recipe.c)
 *               models/NAME/    the new model; run/log.jsonl grows with each step, and is read on from where the last look ended
 *
 * An event's data are {"stage", "share", "detail", "step", "loss" or "eval_loss"}: the console's progress and chart.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "server/server.h"

#define LOOK_BYTES ((size_t)1 << 20) /* of the log, in one look; a line is shorter */
#define POINTS_MAX 150               /* of the training loss; evaluations are all told */

static ig_status path_of_file(ig_server *s, const ig_tree *id, char *path, size_t size, ig_error *err) {
    ig_store_file f;
    path[0] = '\0';
    if (!id) return IG_OK;
    IG_TRY(ig_store_file_get(s->store, id->text, &f, err));
    return ig_store_file_path(s->store, &f, path, size, err);
}

ig_status tuning_write_recipe(ig_server *server, const ig_store_job *job, const char *path, ig_error *err) {
    char training[IG_PATH_MAX], validation[IG_PATH_MAX];
    ig_doc *d = NULL;
    ig_buf text = {.max = IG_RECIPE_BYTES_MAX};
    IG_TRY(ig_json_parse("job", job->spec, strlen(job->spec), &d, err));
    const ig_tree *spec = ig_doc_root(d);
    ig_status s = path_of_file(server, field_get(spec, "training_file"), training, sizeof training, err);
    if (s == IG_OK) s = path_of_file(server, field_get(spec, "validation_file"), validation, sizeof validation, err);
    if (s == IG_OK) s = job_recipe(spec, training, validation[0] ? validation : NULL, &text, err);
    if (s == IG_OK) s = ig_file_write(path, text.data, text.len, err);
    ig_buf_fini(&text);
    ig_doc_free(d);
    return s;
}

/* ---- what the run logs --------------------------------------------------------------------------------------------------- */

static void add_event(tuning_log *l, double loss, bool evaluated, int64_t total) {
    char text[128];
    ig_buf b = {.max = 1024};
    ig_json j = {.out = &b};
    snprintf(text, sizeof text, "step %lld of %lld: %s loss %.4f", (long long)l->last, (long long)total, evaluated ? "validation" : "training", loss);
    ig_json_open(&j, '{');
    ig_json_key(&j, "stage"), ig_json_text(&j, "train");
    ig_json_key(&j, "share"), ig_json_real(&j, total > 0 ? (double)l->last / (double)total : 0);
    ig_json_key(&j, "detail"), ig_json_text(&j, text);
    ig_json_key(&j, "step"), ig_json_int(&j, l->last);
    ig_json_key(&j, evaluated ? "eval_loss" : "loss"), ig_json_real(&j, loss);
    ig_json_close(&j, '}');
    if (ig_buf_status(&b, NULL) == IG_OK) (void)ig_store_event_add(l->store, l->job, IG_LEVEL_INFO, text, b.data, NULL);
    ig_buf_fini(&b);
}

/* Evaluations, the first and the last step, and steps so far apart that a long run has POINTS_MAX of them. */
static void tell_line(tuning_log *l, const ig_tree *line) {
    int64_t total = ig_tree_int(line, "total_steps", 0);
    double evaluated = ig_tree_real(line, "eval_loss", NAN), loss = ig_tree_real(line, "loss", NAN);
    l->last = ig_tree_int(line, "current_steps", l->last);
    if (isfinite(evaluated)) add_event(l, evaluated, true, total);
    if (!isfinite(loss)) return;
    if (l->told && l->last < total && l->last - l->told < total / POINTS_MAX) return;
    l->told = l->last;
    add_event(l, loss, false, total);
}

/* Whole lines; the number of bytes that they take. */
static size_t tell_lines(tuning_log *l, const char *text, size_t size) {
    size_t at = 0;
    const char *end;
    while ((end = memchr(text + at, '\n', size - at))) {
        ig_doc *d = NULL;
        size_t len = (size_t)(end - text) - at;
        if (ig_json_parse("log", text + at, len, &d, NULL) == IG_OK) {
            tell_line(l, ig_doc_root(d));
            ig_doc_free(d);
        }
        at += len + 1;
    }
    return at;
}

ig_status tuning_log_open(ig_server *s, const ig_store_job *job, tuning_log *l, ig_error *err) {
    char models[IG_PATH_MAX], model[IG_PATH_MAX];
    ig_doc *d = NULL;
    *l = (tuning_log){.store = s->store, .job = job->id};
    IG_TRY(ig_path_join(models, sizeof models, s->o.workspace, "models", err));
    IG_TRY(ig_json_parse("job", job->spec, strlen(job->spec), &d, err));
    ig_status status = ig_path_join(model, sizeof model, models, ig_tree_text(ig_doc_root(d), "result", ""), err);
    ig_doc_free(d);
    if (status == IG_OK) status = ig_path_join(l->path, sizeof l->path, model, "run/log.jsonl", err);
    snprintf(l->model, sizeof l->model, "%s", status == IG_OK ? model : "");
    struct stat was;
    if (status == IG_OK && job->attempts > 1 && stat(l->path, &was) == 0) l->at = (long)was.st_size; /* that was told before */
    return status;
}

/* Before the first step there is no log yet: nothing is told. */
bool tuning_log_look(tuning_log *l) {
    FILE *f = fopen(l->path, "rb");
    char *text = f ? ig_malloc(LOOK_BYTES) : NULL;
    size_t told = 0;
    if (text && fseek(f, l->at, SEEK_SET) == 0) told = tell_lines(l, text, fread(text, 1, LOOK_BYTES, f));
    l->at += (long)told;
    ig_free(text);
    if (f) fclose(f);
    return told > 0;
}

/* The new model is the checkpoint of the last step. */
ig_status tuning_take_run(tuning_log *l, ig_error *err) {
    while (tuning_log_look(l)) {}
    return ig_store_checkpoint_add(l->store, l->job, l->last, l->model, NULL, err);
}
