/* net/http_request.c: a request: made, read by handlers, ended.
 *
 * Whatever a handler reads is a copy: libmicrohttpd may finish with the connection while the handler still works.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <string.h>

#include "net/http.h"

ig_http_request *http_request_new(ig_http_server *s, const char *raw_target) {
    ig_http_request *req = ig_calloc(1, sizeof *req);
    if (!req) return NULL;
    *req = (ig_http_request){.server = s, .holders = 1, .body = {.max = s->opts.body_bytes_max}};
    req->raw_target = ig_strdup(raw_target);
    if (!req->raw_target || !http_cond_init(&req->changed)) {
        ig_free(req->raw_target);
        ig_free(req);
        return NULL;
    }
    return req;
}

static void request_free(ig_http_request *req) {
    if (req->response) MHD_destroy_response(req->response);
    for (size_t i = 0; i < req->reply_header_count; i++) {
        ig_free((char *)req->reply_header[i].name);
        ig_free((char *)req->reply_header[i].value);
    }
    pthread_cond_destroy(&req->changed);
    http_target_fini(&req->target);
    ig_buf_fini(&req->body);
    ig_free(req->raw_target);
    ig_free(req->method);
    ig_free(req->header_text);
    ig_free(req->header);
    ig_free(req->ring);
    ig_free(req);
}

void http_request_unref(ig_http_request *req) {
    ig_http_server *s = req->server;
    pthread_mutex_lock(&s->lock);
    bool last = --req->holders == 0;
    if (last) s->body_bytes -= req->body.len;
    pthread_mutex_unlock(&s->lock);
    if (last) request_free(req);
}

/* ---- headers, copied: first measured, then filled ------------------------------------------------------------------ */

typedef struct copier {
    ig_http_request *req;
    size_t count, bytes;
    char *to;
} copier;

static enum MHD_Result measure(void *arg, enum MHD_ValueKind kind, const char *name, const char *value) {
    (void)kind;
    copier *c = arg;
    c->count++;
    c->bytes += strlen(name) + (value ? strlen(value) : 0) + 2;
    return MHD_YES;
}

/* Without the white space behind it, which is no part of a value and which libmicrohttpd leaves. */
static const char *put(copier *c, const char *s) {
    size_t n = strlen(s);
    char *at = c->to;
    while (n && (s[n - 1] == ' ' || s[n - 1] == '\t')) n--;
    memcpy(at, s, n);
    at[n] = '\0';
    c->to += n + 1;
    return at;
}

static enum MHD_Result fill(void *arg, enum MHD_ValueKind kind, const char *name, const char *value) {
    (void)kind;
    copier *c = arg;
    http_pair *p = &c->req->header[c->req->header_count++];
    p->name = put(c, name);
    p->value = put(c, value ? value : "");
    return MHD_YES;
}

static void copy_peer(ig_http_request *req) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(req->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *a = info ? info->client_addr : NULL;
    if (a && a->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)a)->sin_addr, req->peer, sizeof req->peer);
    if (a && a->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr, req->peer, sizeof req->peer);
}

ig_status http_request_headers(ig_http_request *req, ig_error *err) {
    copier c = {.req = req};
    copy_peer(req);
    MHD_get_connection_values(req->mhd, MHD_HEADER_KIND, measure, &c);
    if (c.count > IG_HTTP_HEADERS_MAX) return ig_error_set(err, IG_E_LIMIT, "more than %d header fields", IG_HTTP_HEADERS_MAX);
    req->header = ig_calloc(c.count + 1, sizeof *req->header);
    req->header_text = c.to = ig_malloc(c.bytes + 1);
    if (!req->header || !req->header_text) return ig_error_nomem(err, c.bytes);
    MHD_get_connection_values(req->mhd, MHD_HEADER_KIND, fill, &c);
    return IG_OK;
}

/* ---- gone ------------------------------------------------------------------------------------------------------------- */

void http_resume(ig_http_request *req) {
    if (!req->suspended) return;
    req->suspended = false;
    MHD_resume_connection(req->mhd);
}

void http_cut(http_conn *conn) {
    if (!conn->cut) shutdown(conn->fd, SHUT_RDWR);
    conn->cut = true;
}

void http_set_gone(ig_http_request *req) {
    req->gone = true;
    pthread_cond_broadcast(&req->changed);
    http_resume(req); /* so that libmicrohttpd sends what answer there is, or closes */
}

bool http_is_gone(ig_http_request *req) {
    if (req->gone) return true;
    if (!req->conn) {
        req->gone = true;
    } else {
        struct pollfd p = {.fd = req->conn->fd, .events = POLLRDHUP};
        if (poll(&p, 1, 0) == 1 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR))) http_set_gone(req);
    }
    return req->gone;
}

bool ig_http_request_gone(ig_http_request *req) {
    pthread_mutex_lock(&req->server->lock);
    bool gone = http_is_gone(req);
    pthread_mutex_unlock(&req->server->lock);
    return gone;
}

/* ---- what handlers read ------------------------------------------------------------------------------------------- */

const char *ig_http_request_method(const ig_http_request *req) {
    return req->method;
}

const char *ig_http_request_path(const ig_http_request *req) {
    return req->target.path;
}

size_t ig_http_request_segment_count(const ig_http_request *req) {
    return req->target.segment_count;
}

const char *ig_http_request_segment(const ig_http_request *req, size_t i) {
    return i < req->target.segment_count ? req->target.segment[i] : NULL;
}

const char *ig_http_request_query(const ig_http_request *req, const char *name) {
    for (size_t i = 0; i < req->target.arg_count; i++)
        if (strcmp(req->target.arg[i].name, name) == 0) return req->target.arg[i].value;
    return NULL;
}

const char *ig_http_request_header(const ig_http_request *req, const char *name) {
    for (size_t i = 0; i < req->header_count; i++)
        if (strcasecmp(req->header[i].name, name) == 0) return req->header[i].value;
    return NULL;
}

const void *ig_http_request_body(const ig_http_request *req, size_t *len) {
    *len = req->body.len;
    return req->body.data ? req->body.data : "";
}

const char *ig_http_request_peer(const ig_http_request *req) {
    return req->peer;
}
