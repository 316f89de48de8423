/* net/http_reply.c: whole answers, their headers, errors, and who else may read them (CORS).
 *
 * A request is answered once.  The answer is made where it is known, on a worker, on the watch or on libmicrohttpd's thread,
 * and sent by the latter when it has the connection back.
 */
#include <string.h>

#include "net/http.h"

/* ---- headers of the answer ---------------------------------------------------------------------------------------- */

static bool is_token(const char *s) {
    static const char allowed[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    return *s && !s[strspn(s, allowed)];
}

static bool is_field_value(const char *s) {
    for (; *s; s++)
        if (((unsigned char)*s < 0x20 && *s != '\t') || *s == 0x7f) return false;
    return true;
}

static ig_status add_header(ig_http_request *req, const char *name, const char *value, ig_error *err) {
    if (!is_token(name) || !is_field_value(value))
        return ig_error_set(err, IG_E_ARG, "\"%s\" is no header that can be sent", name);
    if (req->reply_header_count == HTTP_REPLY_HEADERS_MAX)
        return ig_error_set(err, IG_E_LIMIT, "more than %d headers for one answer", HTTP_REPLY_HEADERS_MAX);
    http_pair p = {ig_strdup(name), ig_strdup(value)};
    if (!p.name || !p.value) {
        ig_free((char *)p.name);
        ig_free((char *)p.value);
        return ig_error_nomem(err, strlen(name) + strlen(value));
    }
    req->reply_header[req->reply_header_count++] = p;
    return IG_OK;
}

ig_status ig_http_header_add(ig_http_request *req, const char *name, const char *value, ig_error *err) {
    pthread_mutex_lock(&req->server->lock);
    ig_status status = http_check_answer(req, err);
    if (status == IG_OK) status = add_header(req, name, value, err);
    pthread_mutex_unlock(&req->server->lock);
    return status;
}

static bool put_headers(ig_http_request *req, int status, const char *content_type, struct MHD_Response *r) {
    char wait[16];
    bool done = !content_type || MHD_add_response_header(r, "Content-Type", content_type) == MHD_YES;
    for (size_t i = 0; i < req->reply_header_count; i++)
        done = done && MHD_add_response_header(r, req->reply_header[i].name, req->reply_header[i].value) == MHD_YES;
    snprintf(wait, sizeof wait, "%d", req->server->opts.retry_after_s);
    if ((status == 429 || status == 503) && !MHD_get_response_header(r, "Retry-After"))
        done = done && MHD_add_response_header(r, "Retry-After", wait) == MHD_YES;
    if (req->server->draining) done = done && MHD_add_response_header(r, "Connection", "close") == MHD_YES;
    return done;
}

/* ---- the answer ------------------------------------------------------------------------------------------------------- */

ig_status http_check_answer(ig_http_request *req, ig_error *err) {
    if (http_is_gone(req)) return ig_error_set(err, IG_E_CANCELLED, "the client is gone");
    if (req->response) return ig_error_set(err, IG_E_STATE, "the request is answered already");
    return IG_OK;
}

ig_status http_set_response(ig_http_request *req, int status, const char *content_type, struct MHD_Response *response,
                            ig_error *err) {
    if (!response) return ig_error_nomem(err, 0);
    if (!put_headers(req, status, content_type, response)) {
        MHD_destroy_response(response);
        return ig_error_set(err, IG_E_ARG, "the headers of the answer cannot be sent");
    }
    req->status = (unsigned)status;
    req->response = response;
    http_resume(req);
    return IG_OK;
}

static struct MHD_Response *copy_response(const void *bytes, size_t len) {
    char *copy = ig_malloc(len + 1);
    if (!copy) return NULL;
    if (len) memcpy(copy, bytes, len);
    struct MHD_Response *r = MHD_create_response_from_buffer_with_free_callback(len, copy, ig_free);
    if (!r) ig_free(copy);
    return r;
}

ig_status ig_http_reply(ig_http_request *req, int status, const char *content_type, const void *bytes, size_t len,
                        ig_error *err) {
    if (status < 200 || status > 599) return ig_error_set(err, IG_E_ARG, "HTTP status %d: expected 200 to 599", status);
    if (status == 204 || status == 304) len = 0;
    struct MHD_Response *r = copy_response(bytes, len);
    if (!r) return ig_error_nomem(err, len);
    pthread_mutex_lock(&req->server->lock);
    ig_status checked = http_check_answer(req, err);
    if (checked != IG_OK) MHD_destroy_response(r);
    else checked = http_set_response(req, status, content_type, r, err);
    pthread_mutex_unlock(&req->server->lock);
    return checked;
}

/* ---- errors ------------------------------------------------------------------------------------------------------------ */

static const char *error_type(int status) {
    return status == 401 || status == 403 ? "authentication_error"
           : status == 429                ? "rate_limit_error"
           : status >= 500                ? "server_error"
                                          : "invalid_request_error";
}

static void default_body(int status, const char *message, ig_buf *body) {
    ig_json j = {.out = body};
    ig_json_open(&j, '{');
    ig_json_key(&j, "error");
    ig_json_open(&j, '{');
    ig_json_key(&j, "message");
    ig_json_text(&j, message);
    ig_json_key(&j, "type");
    ig_json_text(&j, error_type(status));
    ig_json_key(&j, "param");
    ig_json_null(&j);
    ig_json_key(&j, "code");
    ig_json_null(&j);
    ig_json_close(&j, '}');
    ig_json_close(&j, '}');
}

ig_status http_error_body(ig_http_server *s, int status, const char *message, ig_buf *body, ig_error *err) {
    *body = (ig_buf){.max = 1 << 16};
    if (s->opts.error_body) s->opts.error_body(s->opts.hook_arg, status, message, body);
    else default_body(status, message, body);
    ig_status done = ig_buf_status(body, err);
    if (done != IG_OK) ig_buf_fini(body);
    return done;
}

ig_status http_answer_error(ig_http_request *req, int status, const char *message, ig_error *err) {
    ig_buf body;
    IG_TRY(http_error_body(req->server, status, message, &body, err));
    struct MHD_Response *r = copy_response(body.data ? body.data : "", body.len);
    ig_buf_fini(&body);
    return http_set_response(req, status, "application/json", r, err);
}

ig_status ig_http_reply_error(ig_http_request *req, int status, const char *message, ig_error *err) {
    if (status < 400 || status > 599)
        return ig_error_set(err, IG_E_ARG, "HTTP status %d of an error: expected 400 to 599", status);
    pthread_mutex_lock(&req->server->lock);
    ig_status done = http_check_answer(req, err);
    if (done == IG_OK) done = http_answer_error(req, status, message, err);
    pthread_mutex_unlock(&req->server->lock);
    return done;
}

/* ---- CORS: an allowed origin is named in every answer, and preflights are answered here -------------------------------- */

void http_allow_origin(ig_http_request *req) {
    const ig_http_opts *o = &req->server->opts;
    const char *origin = ig_http_request_header(req, "Origin");
    if (!o->allow_origin) return;
    /* without memory for them the headers are missing, and the browser keeps the answer to itself */
    if (add_header(req, "Vary", "Origin", NULL) != IG_OK) return;
    if (!origin || !o->allow_origin(o->hook_arg, req, origin)) return;
    if (add_header(req, "Access-Control-Allow-Origin", origin, NULL) != IG_OK) return;
    (void)add_header(req, "Access-Control-Expose-Headers", "*", NULL);
}

bool http_is_preflight(const ig_http_request *req) {
    return req->server->opts.allow_origin && strcmp(req->method, "OPTIONS") == 0 && ig_http_request_header(req, "Origin") &&
           ig_http_request_header(req, "Access-Control-Request-Method");
}

void http_answer_preflight(ig_http_request *req) {
    const char *headers = ig_http_request_header(req, "Access-Control-Request-Headers");
    bool allowed = false;
    for (size_t i = 0; i < req->reply_header_count; i++)
        allowed |= strcmp(req->reply_header[i].name, "Access-Control-Allow-Origin") == 0;
    if (allowed) {
        bool done = ig_http_header_add(req, "Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE", NULL) == IG_OK;
        if (done && headers) done = ig_http_header_add(req, "Access-Control-Allow-Headers", headers, NULL) == IG_OK;
        if (done) done = ig_http_header_add(req, "Access-Control-Max-Age", "600", NULL) == IG_OK;
        if (!done) return; /* answered 500 by the worker */
    }
    (void)ig_http_reply(req, 204, NULL, "", 0, NULL); /* fails when the client is gone: nobody to tell */
}
