/* server/route_content.c: making a feature, and its content: adding, listing, withdrawing.
 *
 * A new feature is built by a process of its own.  Who asks gets the feature when that takes a few seconds, else the job
 * (202).  Adding content keeps the weights and is done here.
 */
#include <string.h>
#include <unistd.h>

#include "server/uploads.h"

#define WAIT_S 8.0

/* ---- a new feature ---------------------------------------------------------------------------------------------------------- */

static ig_status check_name(call *c, const char *name) {
    ig_store_feature f = {0};
    pool_info *models = NULL;
    size_t count = 0;
    bool taken = false;
    if (!*name) return call_fail(c, 400, "name", "missing_required_parameter", "'name' is missing");
    if (ig_store_feature_get(c->s->store, name, &f, NULL) == IG_OK) taken = true, ig_store_feature_fini(&f);
    if (taken) return call_fail(c, 409, "name", "name_taken", "there is a feature '%.100s' already", name);
    IG_TRY(pool_list(c->s->pool, &models, &count, &c->err));
    for (size_t i = 0; i < count; i++) taken |= strcmp(models[i].name, name) == 0;
    ig_free(models);
    return taken ? call_fail(c, 409, "name", "name_taken", "there is a model '%.100s'; features and models share their names", name) : IG_OK;
}

/* The settings, checked: of a form they are JSON in a text. */
static ig_status take_settings(call *c, const ig_kind *k, const upload *u, ig_doc **out) {
    const ig_tree *v = field_get(ig_doc_root(u->fields), "settings");
    ig_doc *given = NULL;
    const char *text = v && v->type == IG_TREE_TEXT ? v->text : "{}";
    IG_TRY(ig_json_parse("settings", text, strlen(text), &given, &c->err));
    ig_status s = ig_fields_check("settings", k->setting_fields, v && v->type == IG_TREE_MAP ? v : ig_doc_root(given), out, &c->err);
    ig_doc_free(given);
    return s;
}

static void put_spec(const call *c, const ig_kind *k, const char *name, const ig_doc *checked, const upload *u, ig_buf *out) {
    ig_json j = {.out = out};
    ig_json_open(&j, '{');
    reply_pair_text(&j, "feature", name);
    reply_pair_text(&j, "kind", k->name);
    ig_json_key(&j, "settings"), ig_json_tree(&j, ig_doc_root(checked));
    upload_put_sources(u, &j);
    reply_pair_text(&j, "folder", u->folder[0] ? u->folder : NULL);
    reply_pair_text(&j, "who", c->key_id);
    ig_json_close(&j, '}');
}

/* The job's end, or its state after WAIT_S. */
static ig_status wait_for(call *c, ig_store_job *job) {
    while (job->status <= IG_JOB_RUNNING && ig_clock() - c->start < WAIT_S && !ig_http_request_gone(c->http)) {
        char id[IG_STORE_ID_SIZE];
        memcpy(id, job->id, sizeof id);
        usleep(50000);
        ig_store_job_fini(job);
        IG_TRY(ig_store_job_get(c->s->store, id, job, &c->err));
    }
    return IG_OK;
}

static ig_status reply_new(call *c, const char *name, const ig_store_job *job) {
    ig_buf b = {.max = SERVER_REPLY_BYTES_MAX};
    if (job->status == IG_JOB_FAILED) return call_fail(c, 400, NULL, "build_failed", "%s", job->error);
    if (job->status != IG_JOB_SUCCEEDED) return reply_work(c, 202, job);
    return reply_result(c, 201, ig_loop_show(c->s->loop, name, &b, &c->err), &b);
}

static ig_status new_feature(call *c, upload *u, bool *started) {
    const ig_kind *k = NULL;
    ig_doc *checked = NULL;
    ig_buf spec = {.max = IG_STORE_TEXT_MAX};
    ig_store_job job = {0};
    IG_TRY(upload_read(c, &k, u));
    const char *name = ig_tree_text(ig_doc_root(u->fields), "name", "");
    IG_TRY(check_name(c, name));
    IG_TRY(take_settings(c, k, u, &checked));
    put_spec(c, k, name, checked, u, &spec);
    ig_doc_free(checked);
    ig_status s = work_new(c, JOB_NEW, &spec, &job);
    *started = s == IG_OK;
    if (s == IG_OK) s = wait_for(c, &job);
    if (s == IG_OK) s = reply_new(c, name, &job);
    ig_store_job_fini(&job);
    ig_buf_fini(&spec);
    return s;
}

ig_status run_feature_new(call *c) {
    upload *u = ig_calloc(1, sizeof *u);
    bool started = false;
    if (!u) return ig_error_nomem(&c->err, sizeof *u);
    ig_status s = new_feature(c, u, &started);
    upload_fini(u, started); /* the job removes them */
    ig_free(u);
    return s;
}

/* ---- more content -------------------------------------------------------------------------------------------------------------- */

/* What breaks goes with the refusal: {"error": {…}, "result": {…}}. */
static ig_status reply_refused(call *c, ig_buf *result) {
    ig_buf b = {.max = SERVER_REPLY_BYTES_MAX};
    snprintf(c->code, sizeof c->code, "answers_break");
    failure_json(c, 409, &b);
    if (b.len) b.len--; /* the closing brace */
    ig_buf_puts(&b, ",\"result\":");
    ig_buf_append(&b, result->data, result->len);
    ig_buf_putc(&b, '}');
    return reply_result(c, 409, IG_OK, &b);
}

static ig_status add_content(call *c, upload *u) {
    ig_store_feature f = {0};
    const char *force = ig_http_request_query(c->http, "force");
    ig_doing doing = {.who = c->key_id};
    ig_buf b = {.max = SERVER_REPLY_BYTES_MAX};
    IG_TRY(call_feature(c, c->segment, &f));
    const ig_kind *k = server_kind(c->s, f.kind);
    ig_store_feature_fini(&f);
    if (!k) return call_fail(c, 409, NULL, "unknown_kind", "this program has no code for the kind of '%.100s'", c->segment);
    IG_TRY(upload_read(c, &k, u));
    if (!u->count) return call_fail(c, 400, NULL, "missing_required_parameter", "there is no content in the request: send files, 'items' or 'url'");
    ig_status s = ig_loop_add(c->s->loop, c->segment, u->source, u->count, force && strcmp(force, "1") == 0, &doing, &b, &c->err);
    if (s == IG_E_STATE && b.len > 0 && b.status == IG_OK) s = reply_refused(c, &b);
    else return reply_result(c, 200, s, &b);
    ig_buf_fini(&b);
    return s;
}

ig_status run_content_add(call *c) {
    upload *u = ig_calloc(1, sizeof *u);
    if (!u) return ig_error_nomem(&c->err, sizeof *u);
    ig_status s = add_content(c, u);
    upload_fini(u, false);
    ig_free(u);
    return s;
}

/* ---- lists and tombstones ------------------------------------------------------------------------------------------------------- */

static ig_status put_item(void *arg, const ig_store_item *item, ig_error *err) {
    ig_json *j = arg;
    ig_doc *d = NULL;
    IG_TRY(ig_json_parse("item", item->body, strlen(item->body), &d, err));
    ig_json_open(j, '{');
    reply_pair_text(j, "id", item->id);
    reply_pair_text(j, "title", ig_tree_text(ig_doc_root(d), "title", item->id));
    reply_pair_text(j, "source", item->source);
    reply_pair_int(j, "line", item->line);
    reply_pair_int(j, "added_at", item->added_at);
    reply_pair_int(j, "changed_at", item->changed_at);
    reply_pair_int(j, "withdrawn_at", item->withdrawn_at);
    ig_json_key(j, "body"), ig_json_tree(j, ig_doc_root(d));
    ig_json_close(j, '}');
    ig_doc_free(d);
    return ig_buf_status(j->out, err);
}

ig_status run_content_list(call *c) {
    ig_store_feature f = {0};
    int64_t offset, limit, total = 0;
    const char *query = ig_http_request_query(c->http, "query");
    ig_buf b = {.max = SERVER_REPLY_BYTES_MAX};
    ig_json j = {.out = &b};
    IG_TRY(call_query_int(c, "offset", 0, INT32_MAX, 0, &offset));
    IG_TRY(call_query_int(c, "limit", 1, 1000, 50, &limit));
    IG_TRY(call_feature(c, c->segment, &f));
    ig_json_open(&j, '{');
    ig_json_key(&j, "items"), ig_json_open(&j, '[');
    ig_status s = ig_store_item_find(c->s->store, f.id, query && *query ? query : NULL, offset, (int)limit, put_item, &j, &total, &c->err);
    ig_json_close(&j, ']');
    reply_pair_int(&j, "total", total);
    ig_json_close(&j, '}');
    ig_store_feature_fini(&f);
    return reply_result(c, 200, s, &b);
}

ig_status run_content_delete(call *c) {
    ig_doing doing = {.who = c->key_id};
    ig_buf b = {.max = SERVER_REPLY_BYTES_MAX};
    IG_TRY(call_named_feature(c));
    return reply_result(c, 200, ig_loop_withdraw(c->s->loop, c->segment, &c->second, 1, &doing, &b, &c->err), &b);
}
