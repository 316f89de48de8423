/* server/job_tuning.c: a fine-tuning job's recipe before its process starts, and what the run leaves: the new model, and its
 * evaluations as events.
 *
 *     WORKSPACE/jobs/JOB.yaml   the recipe (job_recipe.c)
 *               models/NAME/    the new model; run/log.jsonl tells how it went
 */
#include <string.h>

#include "server/server.h"

#define LOG_BYTES_MAX ((size_t)64 << 20)

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

/* ---- what the run has logged ------------------------------------------------------------------------------------------------------------- */

static void tell_loss(ig_server *s, const ig_store_job *job, const ig_tree *line) {
    char text[128];
    if (!ig_tree_get(line, "eval_loss")) return;
    snprintf(text, sizeof text, "step %lld of %lld: validation loss %.4f", (long long)ig_tree_int(line, "current_steps", 0),
             (long long)ig_tree_int(line, "total_steps", 0), ig_tree_real(line, "eval_loss", 0));
    (void)ig_store_event_add(s->store, job->id, IG_LEVEL_INFO, text, NULL, NULL);
}

/* The evaluations in models/NAME/run/log.jsonl as events; *last is the last step. */
static void tell_log(ig_server *s, const ig_store_job *job, const char *text, int64_t *last) {
    for (const char *at = text; *at;) {
        size_t len = strcspn(at, "\n");
        ig_doc *d = NULL;
        if (ig_json_parse("log", at, len, &d, NULL) == IG_OK) {
            tell_loss(s, job, ig_doc_root(d));
            *last = ig_tree_int(ig_doc_root(d), "current_steps", *last);
            ig_doc_free(d);
        }
        at += len + (at[len] != 0);
    }
}

/* The new model is the checkpoint of the last step. */
ig_status tuning_take_run(ig_server *server, const ig_store_job *job, ig_error *err) {
    char model[IG_PATH_MAX], path[IG_PATH_MAX];
    ig_doc *d = NULL;
    ig_buf text = {.max = LOG_BYTES_MAX};
    int64_t last = 0;
    IG_TRY(ig_path_join(path, sizeof path, server->o.workspace, "models", err));
    IG_TRY(ig_json_parse("job", job->spec, strlen(job->spec), &d, err));
    ig_status s = ig_path_join(model, sizeof model, path, ig_tree_text(ig_doc_root(d), "result", ""), err);
    ig_doc_free(d);
    if (s == IG_OK) s = ig_path_join(path, sizeof path, model, "run/log.jsonl", err);
    if (s == IG_OK) s = ig_file_read(path, LOG_BYTES_MAX, &text, err);
    if (s == IG_OK) tell_log(server, job, text.data ? text.data : "", &last);
    ig_buf_fini(&text);
    return s == IG_OK ? ig_store_checkpoint_add(server->store, job->id, last, model, NULL, err) : s;
}
