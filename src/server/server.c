/* server/server.c: opening and closing, and a request's way: id, route, key, limits, handler, log.
 * No text and no key ever reaches the log.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server/server.h"

#define WORKERS 64
#define HEAVY_MAX 48
#define IDLE_SECONDS (15 * 60)
#define SMALL_BYTES ((size_t)64 << 10)   /* a body that is read before anything is asked */
#define REFUSED_BYTES ((size_t)1 << 20)  /* read and dropped from who may not ask, times net's factor */
#define BODY_BYTES_MAX ((size_t)32 << 20)
#define UPLOAD_BYTES_MAX ((size_t)512 << 20)
#define BODIES_BYTES_MAX ((size_t)1 << 30)
#define ORIGINS_EVERY 5   /* wakes of the keeper */
#define SWEEP_EVERY 1800  /* an hour */

/* ---- one request ------------------------------------------------------------------------------------------------------------ */

static ig_status find_route(call *c) {
    bool other;
    const char *ids[2];
    c->route = route_find(c->http, ids, &other);
    c->segment = ids[0];
    c->second = ids[1];
    if (c->route) return IG_OK;
    const char *method = ig_http_request_method(c->http);
    if (other) return call_fail(c, 405, NULL, "method_not_allowed", "this path does not take %s; docs/OPENAI.md lists what it takes", method);
    return call_fail(c, 404, NULL, "unknown_url", "there is no route %s %.200s; docs/OPENAI.md lists all", method,
                     ig_http_request_path(c->http));
}

static ig_status admit(call *c, const ig_store_key *key) {
    int retry;
    char text[16];
    int64_t per_minute = key->requests_per_minute ? key->requests_per_minute : c->s->o.requests_per_minute;
    int64_t concurrent = key->concurrent ? key->concurrent : c->s->o.concurrent;
    ig_status s = admission_enter(c->s->admission, c->key_id, per_minute, concurrent, c->route->heavy, &retry, &c->err);
    if (s != IG_E_BUSY) return s;
    snprintf(text, sizeof text, "%d", retry);
    (void)ig_http_header_add(c->http, "Retry-After", text, NULL);
    snprintf(c->code, sizeof c->code, "rate_limit_exceeded");
    return s;
}

static ig_status serve(call *c) {
    ig_store_key key = {0};
    IG_TRY(find_route(c));
    IG_TRY(access_check(c, &key));
    IG_TRY(admit(c, &key));
    ig_status s = c->route->run(c);
    admission_leave(c->s->admission, c->key_id, c->route->heavy);
    if (s == IG_E_BUSY && !c->answered) (void)ig_http_header_add(c->http, "Retry-After", "1", NULL);
    return s;
}

static void log_line(const call *c, double seconds) {
    ig_buf b = {.max = 4096};
    ig_json j = {.out = &b};
    if (!c->s->o.log) return;
    ig_json_open(&j, '{');
    reply_pair_int(&j, "time", ig_unix_time());
    reply_pair_text(&j, "id", c->id);
    reply_pair_text(&j, "method", ig_http_request_method(c->http));
    reply_pair_text(&j, "route", c->route ? c->route->path : NULL);
    reply_pair_int(&j, "status", c->status);
    reply_pair_int(&j, "ms", (int64_t)(seconds * 1000));
    reply_pair_text(&j, "key", c->key_id);
    reply_pair_text(&j, "model", c->model[0] ? c->model : NULL);
    reply_pair_int(&j, "prompt_tokens", c->prompt_tokens);
    reply_pair_int(&j, "completion_tokens", c->completion_tokens);
    reply_pair_text(&j, "error", c->code[0] ? c->code : NULL);
    ig_json_close(&j, '}');
    if (ig_buf_status(&b, NULL) == IG_OK) c->s->o.log(c->s->o.log_arg, b.data);
    ig_buf_fini(&b);
}

/* The status line is gone, the log and the counters tell what became of it. */
static void late_failure(call *c) {
    c->status = failure_status(c);
    if (!c->code[0]) snprintf(c->code, sizeof c->code, "%s", failure_code(c, c->status));
    if (c->status == 500) ig_log_write(c->s->ctx, IG_LOG_ERROR, "%s: %s", c->id, c->err.message);
}

static void handle(void *arg, ig_http_request *req) {
    call c = {.s = arg, .http = req, .start = ig_clock()};
    reply_new_id("req_", c.id);
    (void)ig_http_header_add(req, "x-request-id", c.id, NULL);
    (void)ig_http_header_add(req, "X-Content-Type-Options", "nosniff", NULL); /* markup that users wrote is never taken for a page */
    ig_status s = serve(&c);
    bool cut = s == IG_E_CANCELLED || (s != IG_OK && !c.answered); /* who has all of the answer may go */
    bool gone = cut && ig_http_request_gone(req);
    if (gone) c.status = 499; /* nobody waits any more; as nginx writes it */
    else if (s != IG_OK && !c.answered) (void)reply_failure(&c);
    else if (s != IG_OK) late_failure(&c);
    double seconds = ig_clock() - c.start;
    metrics_count(c.s->metrics, &c, seconds);
    log_line(&c, seconds);
    ig_store_key_scope_fini(&c.allowed);
    ig_doc_free(c.body);
}

/* ---- before the body ---------------------------------------------------------------------------------------------------------- */

static bool is_small(const ig_http_request *req) {
    const char *length = ig_http_request_header(req, "Content-Length");
    if (!length) return ig_http_request_header(req, "Transfer-Encoding") == NULL;
    return strlen(length) < 18 && strtoull(length, NULL, 10) <= SMALL_BYTES;
}

static size_t body_limit(const ig_http_request *req) {
    const char *type = ig_http_request_header(req, "Content-Type");
    return type && strncasecmp(type, "multipart/form-data", 19) == 0 ? UPLOAD_BYTES_MAX : BODY_BYTES_MAX;
}

/* Much is read only from who may ask: an ig_http_head_fn.  Small requests are checked by the worker that serves them. */
static int check_head(void *arg, ig_http_request *req, size_t *body_bytes_max, char *message, size_t size) {
    call c = {.s = arg, .http = req, .start = ig_clock()};
    ig_store_key key = {0};
    if (is_small(req)) return 0;
    ig_status s = find_route(&c);
    if (s == IG_OK) s = access_check(&c, &key);
    *body_bytes_max = s == IG_OK ? body_limit(req) : REFUSED_BYTES;
    if (s == IG_OK) return 0;
    c.status = failure_status(&c);
    snprintf(message, size, "%s", c.status == 500 ? "the server failed; try again" : c.err.message);
    reply_new_id("req_", c.id);
    (void)ig_http_header_add(req, "x-request-id", c.id, NULL);
    if (c.status == 401) (void)ig_http_header_add(req, "WWW-Authenticate", "Bearer", NULL);
    log_line(&c, ig_clock() - c.start);
    return c.status;
}

/* ---- opening ------------------------------------------------------------------------------------------------------------------ */

static ig_status has_keys(ig_store *store, bool *out, ig_error *err) {
    ig_store_key *keys = NULL;
    size_t count = 0;
    bool more;
    IG_TRY(ig_store_key_list(store, &(ig_store_page){.limit = IG_STORE_LIST_MAX}, &keys, &count, &more, err));
    *out = false;
    for (size_t i = 0; i < count; i++) *out |= keys[i].revoked_at == 0;
    ig_free(keys);
    return IG_OK;
}

static ig_status check_access(ig_server *s, ig_error *err) {
    const char *host = s->o.host ? s->o.host : "127.0.0.1";
    bool keys = false;
    if (s->o.no_key && !ig_net_is_loopback(host))
        return ig_error_set(err, IG_E_STATE, "without keys the server listens on this machine only, not on %s; leave out --no-key and "
                            "make a key: ingot key new --name NAME", host);
    if (s->o.no_key) return IG_OK;
    if (!s->store) return ig_error_set(err, IG_E_STATE, "without a workspace there are no keys; make one with ingot init, or serve with --no-key");
    IG_TRY(has_keys(s->store, &keys, err));
    if (keys) return IG_OK;
    return ig_error_set(err, IG_E_STATE, "nobody could use the server: there is no key yet; make one with: ingot key new --name NAME%s",
                        ig_net_is_loopback(host) ? " (or serve without keys on this machine: --no-key)" : "");
}

static ig_status open_store(ig_server *s, ig_error *err) {
    char path[IG_PATH_MAX];
    if (!s->o.workspace) return IG_OK;
    IG_TRY(ig_path_join(path, sizeof path, s->o.workspace, "store", err));
    IG_TRY(ig_store_open(path, NULL, &s->store, err));
    ig_loop_opts o = {.workspace = s->o.workspace, .store = s->store, .kinds = s->o.kinds};
    IG_TRY(ig_loop_open(s->ctx, &o, &s->loop, err));
    return origins_refresh(s, err);
}

/* Unloads idle models, sees keys that other processes made, and removes what may not be kept any longer; wakes every few seconds. */
static void *keep(void *arg) {
    ig_server *s = arg;
    int wakes = 0;
    pthread_mutex_lock(&s->lock);
    while (!s->closing) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += 2;
        pthread_cond_timedwait(&s->wake, &s->lock, &until);
        pthread_mutex_unlock(&s->lock);
        pool_sweep(s->pool);
        if (++wakes % ORIGINS_EVERY == 0) (void)origins_refresh(s, NULL); /* the next time is soon */
        if (s->store && wakes % SWEEP_EVERY == 1) (void)ig_store_said_sweep(s->store, NULL, NULL);
        pthread_mutex_lock(&s->lock);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

static ig_status copy_texts(ig_server *s, const ig_server_opts *o, ig_error *err) {
    const char *from[] = {o->host, o->cert_file, o->key_file, o->workspace, o->program, o->version};
    const char **to[] = {&s->o.host, &s->o.cert_file, &s->o.key_file, &s->o.workspace, &s->o.program, &s->o.version};
    for (size_t i = 0; i < sizeof to / sizeof *to; i++) *to[i] = NULL;
    for (size_t i = 0; i < sizeof from / sizeof *from; i++) {
        *to[i] = from[i] ? ig_strdup(from[i]) : NULL;
        if (from[i] && !*to[i]) return ig_error_nomem(err, strlen(from[i]));
    }
    return IG_OK;
}

static ig_status start(ig_server *s, ig_error *err) {
    ig_http_opts h = {.host = s->o.host, .port = s->o.port, .cert_file = s->o.cert_file, .key_file = s->o.key_file,
                      .threads = WORKERS, .queue_max = 2 * WORKERS, .bodies_bytes_max = BODIES_BYTES_MAX,
                      .body_bytes_max = UPLOAD_BYTES_MAX, .error_body = reply_net_error, .allow_origin = origins_allow,
                      .check_head = check_head, .hook_arg = s};
    IG_TRY(origins_open(&s->origins, err));
    IG_TRY(threads_open(&s->threads, err));
    IG_TRY(open_store(s, err));
    IG_TRY(check_access(s, err));
    IG_TRY(pool_open(s, &s->pool, err));
    IG_TRY(admission_open(HEAVY_MAX, &s->admission, err));
    IG_TRY(metrics_open(&s->metrics, err));
    IG_TRY(jobs_open(s, &s->jobs, err));
    IG_TRY(webhooks_open(s, &s->webhooks, err));
    if (pthread_create(&s->keeper, NULL, keep, s) != 0) return ig_error_set(err, IG_E_LIMIT, "no thread could be started");
    s->has_keeper = true;
    return ig_http_server_open(&h, handle, s, &s->http, err);
}

ig_status ig_server_open(ig_context *ctx, const ig_server_opts *opts, ig_server **out, ig_error *err) {
    *out = NULL;
    ig_server *s = ig_calloc(1, sizeof *s);
    if (!s) return ig_error_nomem(err, sizeof *s);
    s->ctx = ctx;
    s->o = *opts;
    if (!s->o.idle_seconds) s->o.idle_seconds = IDLE_SECONDS;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->wake, NULL);
    ig_status status = copy_texts(s, opts, err);
    if (status == IG_OK) status = start(s, err);
    s->o.models = NULL; /* the pool has its own */
    if (status == IG_OK) *out = s;
    else ig_server_close(s);
    return status;
}

int ig_server_port(const ig_server *s) { return ig_http_server_port(s->http); }

ig_status ig_server_drain(ig_server *s, int timeout_ms, ig_error *err) { return ig_http_server_drain(s->http, timeout_ms, err); }

static void stop_keeper(ig_server *s) {
    if (!s->has_keeper) return;
    pthread_mutex_lock(&s->lock);
    s->closing = true;
    pthread_cond_broadcast(&s->wake);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->keeper, NULL);
}

void ig_server_close(ig_server *s) {
    if (!s) return;
    ig_http_server_close(s->http);
    stop_keeper(s);
    webhooks_close(s->webhooks);
    jobs_close(s->jobs);
    pool_close(s->pool);
    admission_close(s->admission);
    metrics_close(s->metrics);
    ig_loop_close(s->loop);
    threads_close(s->threads);
    origins_close(s->origins);
    ig_store_close(s->store);
    const char *texts[] = {s->o.host, s->o.cert_file, s->o.key_file, s->o.workspace, s->o.program, s->o.version};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) ig_free((void *)(uintptr_t)texts[i]);
    pthread_cond_destroy(&s->wake);
    pthread_mutex_destroy(&s->lock);
    ig_free(s);
}
