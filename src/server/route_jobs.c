/* server/route_jobs.c: /v1/fine_tuning/jobs: jobs are rows of the store; jobs.c runs them. */
#include <string.h>

#include "server/server.h"

static ig_status need_store(call *c) {
    if (c->s->store && c->s->o.program) return IG_OK;
    return call_fail(c, 404, NULL, "no_workspace", "the server runs without a workspace, which is where jobs are kept");
}

/* ---- the job object ------------------------------------------------------------------------------------------------------------------ */

static void put_hyperparameter(const ig_tree *spec, const char *name, ig_json *j) {
    const ig_tree *v = job_hyperparameter(spec, name);
    ig_json_key(j, name);
    if (v) ig_json_tree(j, v);
    else ig_json_text(j, "auto");
}

static void put_hyperparameters(const ig_tree *spec, ig_json *j) {
    ig_json_key(j, "hyperparameters"), ig_json_open(j, '{');
    put_hyperparameter(spec, "n_epochs", j);
    put_hyperparameter(spec, "batch_size", j);
    put_hyperparameter(spec, "learning_rate_multiplier", j);
    ig_json_close(j, '}');
}

static void put_tree(const ig_tree *spec, const char *key, ig_json *j) {
    const ig_tree *v = field_get(spec, key);
    ig_json_key(j, key);
    if (v) ig_json_tree(j, v);
    else ig_json_null(j);
}

static void put_error(const ig_store_job *job, ig_json *j) {
    ig_json_key(j, "error");
    if (!job->error || !job->error[0]) {
        ig_json_null(j);
        return;
    }
    ig_json_open(j, '{');
    reply_pair_text(j, "code", "training_failed");
    reply_pair_text(j, "message", job->error);
    reply_pair_text(j, "param", NULL);
    ig_json_close(j, '}');
}

static void put_times(const ig_store_job *job, ig_json *j) {
    reply_pair_int(j, "created_at", job->created_at);
    ig_json_key(j, "finished_at");
    if (job->finished_at) ig_json_int(j, job->finished_at);
    else ig_json_null(j);
}

static ig_status put_job(const ig_store_job *job, ig_json *j, ig_error *err) {
    ig_doc *d = NULL;
    IG_TRY(ig_json_parse("job", job->spec, strlen(job->spec), &d, err));
    const ig_tree *spec = ig_doc_root(d), *method = field_get(spec, "method");
    ig_json_open(j, '{');
    reply_pair_text(j, "id", job->id);
    reply_pair_text(j, "object", "fine_tuning.job");
    put_times(job, j);
    reply_pair_text(j, "status", ig_store_job_status_name(job->status));
    reply_pair_text(j, "model", ig_tree_text(spec, "model", ""));
    reply_pair_text(j, "fine_tuned_model", job->status == IG_JOB_SUCCEEDED ? ig_tree_text(spec, "result", "") : NULL);
    put_error(job, j);
    put_hyperparameters(spec, j);
    ig_json_key(j, "method"), ig_json_open(j, '{');
    reply_pair_text(j, "type", ig_tree_text(method, "type", "supervised"));
    ig_json_close(j, '}');
    put_tree(spec, "training_file", j);
    put_tree(spec, "validation_file", j);
    put_tree(spec, "seed", j);
    put_tree(spec, "metadata", j);
    reply_pair_text(j, "organization_id", "local");
    ig_json_key(j, "result_files"), ig_json_open(j, '['), ig_json_close(j, ']');
    ig_json_key(j, "integrations"), ig_json_open(j, '['), ig_json_close(j, ']');
    reply_pair_text(j, "trained_tokens", NULL);
    ig_json_close(j, '}');
    ig_doc_free(d);
    return IG_OK;
}

static ig_status reply_job(call *c, ig_store_job *job) {
    ig_buf b = {.max = 4 << 20};
    ig_json j = {.out = &b};
    ig_status s = put_job(job, &j, &c->err);
    if (s == IG_OK) s = reply_json(c, 200, &b);
    ig_buf_fini(&b);
    return s;
}

/* ---- create ------------------------------------------------------------------------------------------------------------------------- */

static const field hyperparameter_fields[] = {
    {"n_epochs", F_INT | F_TEXT, FIELD_USED, 1, 50, "auto", false, ""},
    {"batch_size", F_INT | F_TEXT, FIELD_USED, 1, 256, "auto", false, ""},
    {"learning_rate_multiplier", F_REAL | F_TEXT, FIELD_USED, 1e-3, 100, "auto", false, ""},
    {NULL, 0, FIELD_USED, 0, 0, NULL, false, NULL},
};
static const field method_fields[] = {
    {"type", F_TEXT, FIELD_USED, 0, 0, "supervised|dpo", true, ""},
    {"supervised", F_MAP, FIELD_USED, 0, 0, NULL, false, ""},
    {"dpo", F_MAP, FIELD_USED, 0, 0, NULL, false, ""},
    {"reinforcement", 0, FIELD_REFUSED, 0, 0, NULL, false, "supervised and dpo are"},
    {NULL, 0, FIELD_USED, 0, 0, NULL, false, NULL},
};
static const field method_part_fields[] = {
    {"hyperparameters", F_MAP, FIELD_USED, 0, 0, NULL, false, ""},
    {NULL, 0, FIELD_USED, 0, 0, NULL, false, NULL},
};

static ig_status check_method(call *c, const ig_tree *body) {
    const ig_tree *method = field_get(body, "method"), *older = field_get(body, "hyperparameters");
    char prefix[64];
    if (older) IG_TRY(fields_check(c, older, hyperparameter_fields, "hyperparameters."));
    if (!method) return IG_OK;
    IG_TRY(fields_check(c, method, method_fields, "method."));
    const char *type = ig_tree_text(method, "type", "");
    const ig_tree *own = field_get(method, type), *place;
    if (!own) return IG_OK;
    snprintf(prefix, sizeof prefix, "method.%s.", type);
    IG_TRY(fields_check(c, own, method_part_fields, prefix));
    place = field_get(own, "hyperparameters");
    snprintf(prefix, sizeof prefix, "method.%s.hyperparameters.", type);
    return place ? fields_check(c, place, hyperparameter_fields, prefix) : IG_OK;
}

static ig_status check_file(call *c, const char *key, const ig_tree *v) {
    ig_store_file f;
    ig_error err = {0};
    if (!v) return IG_OK;
    ig_status s = ig_store_file_get(c->s->store, v->text, &f, &err);
    if (s == IG_E_NOT_FOUND || s == IG_E_ARG) return call_fail(c, 400, key, "file_not_found", "there is no file '%.60s'", v->text);
    if (s != IG_OK) c->err = err;
    return s;
}

static ig_status check_suffix(call *c, const ig_tree *v) {
    bool good = !v || (v->text_len >= 1 && v->text_len <= 64);
    for (const char *p = v && good ? v->text : ""; *p; p++)
        good = good && ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || *p == '-' || *p == '_');
    return good ? IG_OK : call_fail(c, 400, "suffix", "invalid_value", "'suffix' must be 1 to 64 letters, digits, - and _");
}

static ig_status check_base(call *c, const ig_tree *body) {
    pool_info *models = NULL;
    size_t count;
    bool found = false;
    const char *name = ig_tree_text(body, "model", "");
    IG_TRY(pool_list(c->s->pool, &models, &count, &c->err));
    for (size_t i = 0; i < count; i++) found |= strcmp(models[i].name, name) == 0;
    ig_free(models);
    return found ? IG_OK : call_fail(c, 400, "model", "model_not_found", "there is no model '%.100s' to start from", name);
}

/* The request, with the seed and the name of the new model settled. */
static ig_status write_spec(const ig_tree *body, ig_buf *out, ig_error *err) {
    ig_json j = {.out = out};
    uint32_t word[4];
    char name[256];
    ig_philox((uint64_t)(ig_clock() * 1e9), (uint64_t)ig_unix_time(), 1, word);
    snprintf(name, sizeof name, "%.100s-%s%s%08x", ig_tree_text(body, "model", ""), ig_tree_text(body, "suffix", ""), field_get(body, "suffix") ? "-" : "",
             word[0]);
    ig_json_open(&j, '{');
    for (const ig_tree *v = body->child; v; v = v->next)
        if (strcmp(v->key, "seed") != 0) ig_json_key(&j, v->key), ig_json_tree(&j, v);
    reply_pair_int(&j, "seed", ig_tree_int(body, "seed", (int64_t)(word[1] >> 1)));
    reply_pair_text(&j, "result", name);
    ig_json_close(&j, '}');
    return ig_buf_status(out, err);
}

ig_status run_job_new(call *c) {
    ig_buf spec = {.max = IG_STORE_TEXT_MAX};
    ig_store_job job = {0};
    IG_TRY(need_store(c));
    IG_TRY(call_body(c));
    const ig_tree *body = ig_doc_root(c->body);
    IG_TRY(fields_check(c, body, job_fields, ""));
    IG_TRY(check_method(c, body));
    IG_TRY(check_suffix(c, field_get(body, "suffix")));
    IG_TRY(check_base(c, body));
    IG_TRY(check_file(c, "training_file", field_get(body, "training_file")));
    IG_TRY(check_file(c, "validation_file", field_get(body, "validation_file")));
    ig_status s = write_spec(body, &spec, &c->err);
    if (s == IG_OK) s = ig_store_job_new(c->s->store, JOB_FINE_TUNING, spec.data, JOB_STARTS_MAX, &job, &c->err);
    if (s == IG_OK) s = ig_store_event_add(c->s->store, job.id, IG_LEVEL_INFO, "the job was created", NULL, &c->err);
    if (s == IG_OK) s = reply_job(c, &job);
    if (s == IG_OK) jobs_wake(c->s->jobs);
    ig_store_job_fini(&job);
    ig_buf_fini(&spec);
    return s;
}

/* ---- read and cancel ------------------------------------------------------------------------------------------------------------------ */

static ig_status find_job(call *c, ig_store_job *job) {
    ig_error err = {0};
    IG_TRY(need_store(c));
    ig_status s = ig_store_job_get(c->s->store, c->segment, job, &err);
    if (s == IG_OK && strcmp(job->kind, JOB_FINE_TUNING) == 0) return s;
    if (s == IG_OK) ig_store_job_fini(job);
    if (s == IG_OK || s == IG_E_NOT_FOUND || s == IG_E_ARG)
        return call_fail(c, 404, "id", "job_not_found", "there is no fine-tuning job '%.60s'", c->segment);
    c->err = err;
    return s;
}

ig_status run_job_get(call *c) {
    ig_store_job job = {0};
    IG_TRY(find_job(c, &job));
    ig_status s = reply_job(c, &job);
    ig_store_job_fini(&job);
    return s;
}

ig_status run_job_cancel(call *c) {
    ig_store_job job = {0}, now = {0};
    IG_TRY(find_job(c, &job));
    ig_error err = {0};
    ig_status s = ig_store_job_cancel(c->s->store, job.id, c->key_id, &err);
    if (s == IG_E_STATE) s = call_fail(c, 400, "id", "job_ended", "the job has ended: it is %s", ig_store_job_status_name(job.status));
    else if (s != IG_OK) c->err = err;
    if (s == IG_OK) s = ig_store_job_get(c->s->store, job.id, &now, &c->err);
    if (s == IG_OK) s = reply_job(c, &now);
    ig_store_job_fini(&now);
    ig_store_job_fini(&job);
    return s;
}

/* ---- lists ------------------------------------------------------------------------------------------------------------------------------ */

static void open_list(ig_json *j) {
    ig_json_open(j, '{');
    reply_pair_text(j, "object", "list");
    ig_json_key(j, "data"), ig_json_open(j, '[');
}

static ig_status end_list(call *c, ig_json *j, bool more) {
    ig_json_close(j, ']');
    ig_json_key(j, "has_more"), ig_json_bool(j, more);
    ig_json_close(j, '}');
    return reply_json(c, 200, j->out);
}

ig_status run_job_list(call *c) {
    ig_store_page page = {0};
    ig_store_job *list = NULL;
    size_t count = 0;
    bool more = false;
    ig_buf b = {.max = SERVER_REPLY_BYTES_MAX};
    ig_json j = {.out = &b};
    IG_TRY(need_store(c));
    IG_TRY(call_page(c, 100, &page));
    IG_TRY(ig_store_job_list(c->s->store, JOB_FINE_TUNING, &page, &list, &count, &more, &c->err));
    open_list(&j);
    ig_status s = IG_OK;
    for (size_t i = 0; i < count && s == IG_OK; i++) s = put_job(&list[i], &j, &c->err);
    ig_store_jobs_free(list, count);
    if (s == IG_OK) s = end_list(c, &j, more);
    ig_buf_fini(&b);
    return s;
}

static ig_status list_events(call *c, const ig_store_job *job, const ig_store_page *page, ig_json *j) {
    ig_store_event *list = NULL;
    size_t count = 0;
    bool more = false;
    IG_TRY(ig_store_event_list(c->s->store, job->id, page, &list, &count, &more, &c->err));
    open_list(j);
    for (size_t i = 0; i < count; i++) {
        ig_json_open(j, '{');
        reply_pair_text(j, "id", list[i].id);
        reply_pair_text(j, "object", "fine_tuning.job.event");
        reply_pair_int(j, "created_at", list[i].created_at);
        reply_pair_text(j, "level", ig_store_level_name(list[i].level));
        reply_pair_text(j, "message", list[i].message);
        reply_pair_text(j, "type", "message");
        ig_json_close(j, '}');
    }
    ig_store_events_free(list, count);
    return end_list(c, j, more);
}

static ig_status list_checkpoints(call *c, const ig_store_job *job, const ig_store_page *page, ig_json *j) {
    ig_store_checkpoint *list = NULL;
    size_t count = 0;
    bool more = false;
    IG_TRY(ig_store_checkpoint_list(c->s->store, job->id, page, &list, &count, &more, &c->err));
    open_list(j);
    for (size_t i = 0; i < count; i++) {
        ig_json_open(j, '{');
        reply_pair_text(j, "id", list[i].id);
        reply_pair_text(j, "object", "fine_tuning.job.checkpoint");
        reply_pair_int(j, "created_at", list[i].created_at);
        reply_pair_text(j, "fine_tuning_job_id", job->id);
        reply_pair_text(j, "fine_tuned_model_checkpoint", ig_path_base(list[i].path));
        reply_pair_int(j, "step_number", list[i].step);
        ig_json_close(j, '}');
    }
    ig_store_checkpoints_free(list, count);
    return end_list(c, j, more);
}

typedef ig_status list_fn(call *c, const ig_store_job *job, const ig_store_page *page, ig_json *j);
static ig_status list_of_job(call *c, list_fn *list) {
    ig_store_page page = {0};
    ig_store_job job = {0};
    ig_buf b = {.max = SERVER_REPLY_BYTES_MAX};
    ig_json j = {.out = &b};
    IG_TRY(call_page(c, 100, &page));
    IG_TRY(find_job(c, &job));
    ig_status s = list(c, &job, &page, &j);
    ig_store_job_fini(&job);
    ig_buf_fini(&b);
    return s;
}

ig_status run_job_events(call *c) { return list_of_job(c, list_events); }
ig_status run_job_checkpoints(call *c) { return list_of_job(c, list_checkpoints); }
