/* server/route_work.c: /v1/jobs: what is being built or learned, with its progress.  jobs.c runs them.
 *
 *     {"id", "kind", "feature", "status", "progress": {"stage", "share", "detail"}, "result", "error", "created_at", "started_at",
 *      "finished_at"}                                      one job has "events" too, the newest last
 */
#include <string.h>

#include "server/server.h"

#define EVENTS_SHOWN 200

ig_status work_new(call *c, const char *kind, const ig_buf *spec, ig_store_job *out) {
    if (!c->s->store || !c->s->jobs)
        return call_fail(c, 409, NULL, "no_jobs", "this server starts no processes, which building and learning need");
    IG_TRY(ig_buf_status(spec, &c->err));
    IG_TRY(ig_store_job_new(c->s->store, kind, spec->data, 1, out, &c->err));
    (void)ig_store_event_add(c->s->store, out->id, IG_LEVEL_INFO, "waiting", NULL, NULL); /* for people only */
    jobs_wake(c->s->jobs);
    return IG_OK;
}

/* ---- a job as JSON ------------------------------------------------------------------------------------------------------------ */

static void put_json_text(ig_json *j, const char *key, const char *text) {
    ig_doc *d = NULL;
    ig_json_key(j, key);
    if (text && *text && ig_json_parse(key, text, strlen(text), &d, NULL) == IG_OK) ig_json_tree(j, ig_doc_root(d));
    else ig_json_null(j);
    ig_doc_free(d);
}

/* The newest event that has numbers: they are the progress. */
static ig_status put_progress(ig_store *store, const ig_store_job *job, ig_json *j, ig_error *err) {
    ig_store_event *list = NULL;
    size_t count = 0;
    bool more;
    const char *data = NULL;
    IG_TRY(ig_store_event_list(store, job->id, &(ig_store_page){.limit = 5}, &list, &count, &more, err));
    for (size_t i = 0; i < count && !data; i++)
        if (list[i].data && list[i].data[0]) data = list[i].data;
    put_json_text(j, "progress", data);
    ig_store_events_free(list, count);
    return IG_OK;
}

static void put_event(ig_json *j, const ig_store_event *e) {
    ig_json_open(j, '{');
    reply_pair_int(j, "at", e->created_at);
    reply_pair_text(j, "level", ig_store_level_name(e->level));
    reply_pair_text(j, "message", e->message);
    put_json_text(j, "data", e->data);
    ig_json_close(j, '}');
}

static ig_status put_events(ig_store *store, const ig_store_job *job, ig_json *j, ig_error *err) {
    ig_store_event *list = NULL;
    size_t count = 0;
    bool more;
    IG_TRY(ig_store_event_list(store, job->id, &(ig_store_page){.limit = EVENTS_SHOWN}, &list, &count, &more, err));
    ig_json_key(j, "events"), ig_json_open(j, '[');
    for (size_t i = count; i-- > 0;) put_event(j, &list[i]);
    ig_json_close(j, ']');
    ig_store_events_free(list, count);
    return IG_OK;
}

static ig_status put_work(ig_store *store, const ig_store_job *job, bool events, ig_json *j, ig_error *err) {
    ig_doc *spec = NULL;
    IG_TRY(ig_json_parse("job", job->spec, strlen(job->spec), &spec, err));
    ig_json_open(j, '{');
    reply_pair_text(j, "id", job->id);
    reply_pair_text(j, "kind", job->kind);
    reply_pair_text(j, "feature", ig_tree_text(ig_doc_root(spec), "feature", NULL));
    reply_pair_text(j, "model", ig_tree_text(ig_doc_root(spec), "result", NULL));
    reply_pair_text(j, "status", ig_store_job_status_name(job->status));
    ig_status s = put_progress(store, job, j, err);
    put_json_text(j, "result", job->result);
    reply_pair_text(j, "error", job->error && job->error[0] ? job->error : NULL);
    reply_pair_int(j, "created_at", job->created_at);
    reply_pair_int(j, "started_at", job->started_at);
    reply_pair_int(j, "finished_at", job->finished_at);
    if (events && s == IG_OK) s = put_events(store, job, j, err);
    ig_json_close(j, '}');
    ig_doc_free(spec);
    return s;
}

ig_status reply_work(call *c, int status, const ig_store_job *job) {
    ig_buf b = {.max = SERVER_REPLY_BYTES_MAX};
    ig_json j = {.out = &b};
    return reply_result(c, status, put_work(c->s->store, job, true, &j, &c->err), &b);
}

/* ---- routes ----------------------------------------------------------------------------------------------------------------------- */

ig_status run_work_list(call *c) {
    ig_store_page page = {.limit = 50};
    ig_store_job *list = NULL;
    size_t count = 0;
    bool more = false;
    ig_buf b = {.max = SERVER_REPLY_BYTES_MAX};
    ig_json j = {.out = &b};
    IG_TRY(call_loop(c));
    IG_TRY(call_page(c, 200, &page));
    IG_TRY(ig_store_job_list(c->s->store, ig_http_request_query(c->http, "kind"), &page, &list, &count, &more, &c->err));
    ig_status s = IG_OK;
    ig_json_open(&j, '{');
    ig_json_key(&j, "jobs"), ig_json_open(&j, '[');
    for (size_t i = 0; i < count && s == IG_OK; i++) s = put_work(c->s->store, &list[i], false, &j, &c->err);
    ig_json_close(&j, ']');
    ig_json_key(&j, "has_more"), ig_json_bool(&j, more);
    ig_json_close(&j, '}');
    ig_store_jobs_free(list, count);
    return reply_result(c, 200, s, &b);
}

static ig_status find_work(call *c, ig_store_job *job) {
    ig_error err = {0};
    IG_TRY(call_loop(c));
    ig_status s = ig_store_job_get(c->s->store, c->segment, job, &err);
    if (s == IG_E_NOT_FOUND || s == IG_E_ARG) return call_fail(c, 404, "id", "job_not_found", "there is no job '%.60s'", c->segment);
    if (s != IG_OK) c->err = err;
    return s;
}

ig_status run_work_get(call *c) {
    ig_store_job job = {0};
    IG_TRY(find_work(c, &job));
    ig_status s = reply_work(c, 200, &job);
    ig_store_job_fini(&job);
    return s;
}

ig_status run_work_cancel(call *c) {
    ig_store_job job = {0}, now = {0};
    ig_error err = {0};
    IG_TRY(find_work(c, &job));
    ig_status s = ig_store_job_cancel(c->s->store, job.id, c->key_id, &err);
    if (s == IG_E_STATE) s = call_fail(c, 409, "id", "job_ended", "the job has ended: it is %s", ig_store_job_status_name(job.status));
    else if (s != IG_OK) c->err = err;
    if (s == IG_OK) s = ig_store_job_get(c->s->store, job.id, &now, &c->err);
    if (s == IG_OK) s = reply_work(c, 200, &now);
    ig_store_job_fini(&now);
    ig_store_job_fini(&job);
    return s;
}
