/* net/http_exchange.c: the callbacks of libmicrohttpd, all on its one thread: a connection and its requests as they arrive.
 *
 * http_on_request is called with the headers, then with each piece of the body, then at its end, and again whenever the
 * connection is resumed without an answer queued.  An error that is clear from the headers is answered at once, unless a body
 * is on its way: a client that does not ask first (Expect: 100-continue) would see a reset connection instead of the answer.
 * So up to DROP_FACTOR times the limit is read and dropped first, under the deadlines of any body.  The same holds for what the
 * hook check_head refuses: a body that nobody may send is never kept.
 */
#include <stdlib.h>
#include <string.h>

#include "net/http.h"

#define DROP_FACTOR 8

void http_on_connection(void *server, struct MHD_Connection *mhd, void **slot, enum MHD_ConnectionNotificationCode code) {
    ig_http_server *s = server;
    http_conn *c = *slot;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
        const union MHD_ConnectionInfo *from = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
        c = fd ? ig_calloc(1, sizeof *c) : NULL;
        *slot = c;
        if (!c) return; /* its requests are refused in http_on_request */
        *c = (http_conn){.server = s, .fd = fd->connect_fd, .since = ig_clock()};
        if (from && from->client_addr) http_address_key(from->client_addr, c->address);
        http_socket_setup(c->fd);
        pthread_mutex_lock(&s->lock);
        c->next = s->conns;
        if (c->next) c->next->prev = c;
        s->conns = c;
        pthread_mutex_unlock(&s->lock);
    } else if (c) {
        pthread_mutex_lock(&s->lock);
        if (c->prev) c->prev->next = c->next;
        else s->conns = c->next;
        if (c->next) c->next->prev = c->prev;
        pthread_mutex_unlock(&s->lock);
        ig_free(c);
    }
}

void *http_on_target(void *server, const char *raw, struct MHD_Connection *mhd) {
    (void)mhd;
    return http_request_new(server, raw);
}

void http_on_completed(void *server, struct MHD_Connection *mhd, void **slot, enum MHD_RequestTerminationCode code) {
    ig_http_server *s = server;
    ig_http_request *req = *slot;
    (void)mhd, (void)code;
    *slot = NULL;
    if (!req) return;
    pthread_mutex_lock(&s->lock);
    if (req->conn) {
        req->conn->req = NULL;
        req->conn->kept = true;
        req->conn->since = ig_clock();
        req->conn = NULL;
        req->mhd = NULL;
        if (--s->active == 0) pthread_cond_broadcast(&s->quiet);
    }
    http_set_gone(req);
    pthread_mutex_unlock(&s->lock);
    http_request_unref(req);
}

/* http_on_request does so, once it has given the lock back. */
static enum MHD_Result send_answer(ig_http_request *req) {
    req->stage = HTTP_SENDING;
    req->has_answer = true;
    return MHD_YES;
}

static enum MHD_Result refuse(ig_http_request *req, int status, const char *message) {
    if (http_answer_error(req, status, message, NULL) != IG_OK) return MHD_NO;
    return send_answer(req);
}

static void refuse_later(ig_http_request *req, int status, const char *message) {
    if (req->refusal) return;
    req->refusal = status;
    snprintf(req->refusal_text, sizeof req->refusal_text, "%s", message);
}

/* ---- headers ------------------------------------------------------------------------------------------------------------ */

/* The one Content-Length, or -1 without one; false when it is no number, is there twice, or stands beside chunks. */
static bool body_length(const ig_http_request *req, long long *length) {
    bool chunked = ig_http_request_header(req, "Transfer-Encoding") != NULL;
    int count = 0;
    *length = -1;
    for (size_t i = 0; i < req->header_count; i++) {
        const char *value = req->header[i].value;
        if (strcasecmp(req->header[i].name, "Content-Length") != 0) continue;
        size_t digits = strspn(value, "0123456789");
        if (count++ || !digits || value[digits] || digits > 18) return false;
        *length = strtoll(value, NULL, 10);
    }
    return !(count && chunked);
}

static enum MHD_Result check_body(ig_http_request *req) {
    long long length;
    size_t most = req->body.max;
    if (!body_length(req, &length)) return refuse(req, 400, "the length of the body is not clear from the headers");
    if (length >= 0 && (unsigned long long)length > most) refuse_later(req, 413, "the body is too large");
    bool asks = ig_http_request_header(req, "Expect") != NULL;
    bool too_much = length >= 0 && (unsigned long long)length / DROP_FACTOR > most;
    return req->refusal && (asks || too_much) ? refuse(req, req->refusal, req->refusal_text) : MHD_YES;
}

static enum MHD_Result check_head(ig_http_request *req, ig_status headers, const ig_error *headers_error) {
    ig_http_server *s = req->server;
    ig_error err = {0};
    const union MHD_ConnectionInfo *size = MHD_get_connection_info(req->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    if (headers == IG_E_LIMIT) return refuse(req, 431, headers_error->message);
    if (headers != IG_OK) return MHD_NO;
    if (size && size->header_size > s->opts.header_bytes_max) return refuse(req, 431, "the headers are too large");
    ig_status target = http_target_parse(req->raw_target, &req->target, &err);
    if (target == IG_E_NOMEM) return MHD_NO;
    if (target != IG_OK) return refuse(req, target == IG_E_LIMIT ? 414 : 400, err.message);
    http_allow_origin(req);
    return s->draining ? refuse(req, 503, "the server is stopping") : MHD_YES;
}

/* Without the lock: what the hook asks of the request takes it. */
static void ask_hook(ig_http_request *req) {
    const ig_http_opts *o = &req->server->opts;
    char message[sizeof req->refusal_text] = "";
    size_t most = req->body.max;
    int status = o->check_head ? o->check_head(o->hook_arg, req, &most, message, sizeof message) : 0;
    if (most < req->body.max) req->body.max = most;
    if (status) refuse_later(req, status, message);
}

/* Called without the lock, as the headers are copied before anybody else knows the request. */
static enum MHD_Result receive_head(ig_http_request *req, http_conn *conn, struct MHD_Connection *mhd, const char *method) {
    ig_error err = {0};
    req->has_head = true;
    req->mhd = mhd;
    req->method = ig_strdup(method);
    req->no_body = strcmp(method, "HEAD") == 0;
    ig_status headers = req->method ? http_request_headers(req, &err) : IG_E_NOMEM;
    pthread_mutex_lock(&req->server->lock);
    req->conn = conn;
    req->stage = HTTP_BODY;
    req->since = ig_clock();
    conn->req = req;
    req->server->active++;
    enum MHD_Result result = conn->cut || req->server->closing ? MHD_NO : check_head(req, headers, &err);
    pthread_mutex_unlock(&req->server->lock);
    if (result != MHD_YES || req->has_answer) return result;
    ask_hook(req);
    pthread_mutex_lock(&req->server->lock);
    result = conn->cut || req->server->closing ? MHD_NO : check_body(req);
    pthread_mutex_unlock(&req->server->lock);
    return result;
}

/* ---- body ---------------------------------------------------------------------------------------------------------------- */

static enum MHD_Result take_body(ig_http_request *req, const char *data, size_t size) {
    static const char full[] = "the server holds too many requests; try again";
    ig_http_server *s = req->server;
    req->body_seen += size;
    if (req->body_seen / DROP_FACTOR > req->body.max) return MHD_NO;
    if (!req->refusal && size > req->body.max - req->body.len) refuse_later(req, 413, "the body is too large");
    if (!req->refusal && (s->body_bytes > s->opts.bodies_bytes_max || size > s->opts.bodies_bytes_max - s->body_bytes))
        refuse_later(req, 503, full);
    if (req->refusal) {
        s->body_bytes -= req->body.len;
        ig_buf_fini(&req->body);
        return MHD_YES;
    }
    ig_buf_append(&req->body, data, size);
    if (req->body.status != IG_OK) refuse_later(req, 503, full); /* no memory: the next piece frees what is held */
    else s->body_bytes += size;
    return MHD_YES;
}

static enum MHD_Result suspend(ig_http_request *req) {
    req->suspended = true;
    MHD_suspend_connection(req->mhd);
    return MHD_YES;
}

static enum MHD_Result body_complete(ig_http_request *req) {
    if (req->refusal) return refuse(req, req->refusal, req->refusal_text);
    if (!http_enqueue(req)) return refuse(req, 429, "the server is busy; try again");
    return suspend(req);
}

static enum MHD_Result advance_locked(ig_http_request *req, const char *data, size_t *size) {
    if (req->conn->cut || req->server->closing) return MHD_NO;
    if (req->stage == HTTP_BODY && *size) {
        enum MHD_Result result = take_body(req, data, *size);
        *size = 0;
        return result;
    }
    if (req->stage == HTTP_BODY) return body_complete(req);
    if (req->response) return send_answer(req);
    return req->gone ? MHD_NO : suspend(req);
}

static enum MHD_Result advance(ig_http_request *req, const char *data, size_t *size) {
    pthread_mutex_lock(&req->server->lock);
    enum MHD_Result result = advance_locked(req, data, size);
    pthread_mutex_unlock(&req->server->lock);
    return result;
}

enum MHD_Result http_on_request(void *server, struct MHD_Connection *mhd, const char *url, const char *method,
                                const char *version, const char *data, size_t *size, void **slot) {
    ig_http_request *req = *slot;
    const union MHD_ConnectionInfo *context = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    http_conn *conn = context ? context->socket_context : NULL;
    (void)server, (void)url, (void)version;
    if (!req || !conn) return MHD_NO; /* no memory */
    enum MHD_Result result = req->has_head ? advance(req, data, size) : receive_head(req, conn, mhd, method);
    /* an answer is never replaced */
    if (result == MHD_YES && req->has_answer) return MHD_queue_response(mhd, req->status, req->response);
    return result;
}
