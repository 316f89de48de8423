/* server/reply.c: answers and errors, in the shapes of OpenAI's API. */
#include <string.h>
#include <unistd.h>

#include "server/server.h"

void reply_pair_text(ig_json *j, const char *key, const char *value) {
    ig_json_key(j, key);
    if (value) ig_json_text(j, value);
    else ig_json_null(j);
}

void reply_pair_int(ig_json *j, const char *key, int64_t value) {
    ig_json_key(j, key);
    ig_json_int(j, value);
}

void reply_usage(ig_json *j, int64_t prompt, int64_t completion) {
    ig_json_key(j, "usage"), ig_json_open(j, '{');
    reply_pair_int(j, "prompt_tokens", prompt);
    reply_pair_int(j, "completion_tokens", completion);
    reply_pair_int(j, "total_tokens", prompt + completion);
    ig_json_close(j, '}');
}

/* 96 bits of clock, process and a counter, mixed: different on every call, and no secret. */
void reply_new_id(const char *prefix, char id[SERVER_ID_SIZE]) {
    static uint64_t calls;
    uint32_t word[4];
    uint64_t n = __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED);
    ig_philox((uint64_t)ig_unix_time() << 20 ^ (uint64_t)getpid(), (uint64_t)(ig_clock() * 1e9), n, word);
    snprintf(id, SERVER_ID_SIZE, "%s%08x%08x%08x", prefix, word[0], word[1], word[2]);
}

ig_status reply_json(call *c, int status, const ig_buf *b) {
    IG_TRY(ig_buf_status(b, &c->err));
    c->answered = true;
    c->status = status;
    return ig_http_reply(c->http, status, "application/json", b->data, b->len, &c->err);
}

ig_status reply_events(call *c) {
    c->answered = true;
    c->status = 200;
    return ig_sse_begin(c->http, &c->err);
}

/* ---- errors ---------------------------------------------------------------------------------------------------------------- */

ig_status call_fail(call *c, int status, const char *param, const char *code, const char *fmt, ...) {
    va_list args;
    char message[sizeof c->err.message];
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    c->fail_status = status;
    snprintf(c->param, sizeof c->param, "%s", param ? param : "");
    snprintf(c->code, sizeof c->code, "%s", code ? code : "");
    return ig_error_set(&c->err, IG_E_ARG, "%s", message);
}

int failure_status(const call *c) {
    if (c->fail_status) return c->fail_status;
    switch (c->err.code) {
    case IG_E_ARG:
    case IG_E_FORMAT:
    case IG_E_LIMIT:
    case IG_E_UNSUPPORTED: return 400;
    case IG_E_NOT_FOUND: return 404;
    case IG_E_EXISTS:
    case IG_E_STATE: return 409;
    case IG_E_BUSY: return 429;
    case IG_E_NOMEM:
    case IG_E_CANCELLED: return 503;
    default: return 500;
    }
}

static const char *type_of(int status) {
    if (status == 401) return "authentication_error";
    if (status == 403) return "permission_error";
    if (status == 429) return "rate_limit_error";
    return status < 500 ? "invalid_request_error" : "server_error";
}

/* Of what nothing more is known. */
static const char *code_of(int status) {
    switch (status) {
    case 401: return "invalid_api_key";
    case 403: return "insufficient_permissions";
    case 404: return "unknown_url";
    case 405: return "method_not_allowed";
    case 409: return "conflict";
    case 408: return "request_too_slow";
    case 413: return "body_too_large";
    case 414: return "url_too_long";
    case 429: return "rate_limit_exceeded";
    case 431: return "headers_too_large";
    case 503: return "server_overloaded";
    case 504: return "request_timeout";
    default: return status < 500 ? "bad_request" : "server_error";
    }
}

const char *failure_code(const call *c, int status) {
    if (c->code[0]) return c->code;
    return status == 404 ? "not_found" : code_of(status);
}

/* What concerns the machine alone is logged by id, and not told: paths of files are nobody's business. */
void failure_message(const call *c, int status, ig_json *j) {
    char text[1100];
    if (status == 500) snprintf(text, sizeof text, "the server failed; its log has more under %s", c->id);
    else ig_error_format(&c->err, text, sizeof text);
    reply_pair_text(j, "message", text);
}

void failure_json(const call *c, int status, ig_buf *out) {
    ig_json j = {.out = out};
    ig_json_open(&j, '{');
    ig_json_key(&j, "error"), ig_json_open(&j, '{');
    failure_message(c, status, &j);
    reply_pair_text(&j, "type", type_of(status));
    reply_pair_text(&j, "param", c->param[0] ? c->param : NULL);
    reply_pair_text(&j, "code", failure_code(c, status));
    ig_json_close(&j, '}');
    ig_json_close(&j, '}');
}

ig_status reply_failure(call *c) {
    int status = failure_status(c);
    ig_buf b = {.max = 1 << 16};
    if (!c->code[0]) snprintf(c->code, sizeof c->code, "%s", failure_code(c, status));
    if (status == 500) ig_log_write(c->s->ctx, IG_LOG_ERROR, "%s: %s", c->id, c->err.message);
    if (status == 401) (void)ig_http_header_add(c->http, "WWW-Authenticate", "Bearer", NULL);
    failure_json(c, status, &b);
    ig_status s = reply_json(c, status, &b);
    ig_buf_fini(&b);
    return s;
}

ig_status reply_late_failure(call *c, ig_status failed) {
    ig_buf b = {.max = 1 << 16};
    failure_json(c, failure_status(c), &b);
    (void)ig_sse_event(c->http, NULL, b.data ? b.data : "", b.len, NULL); /* the client may be gone */
    (void)ig_http_stream_end(c->http, NULL);
    ig_buf_fini(&b);
    return failed;
}

void reply_net_error(void *server, int status, const char *message, ig_buf *body) {
    ig_json j = {.out = body};
    metrics_refused(((ig_server *)server)->metrics, status);
    ig_json_open(&j, '{');
    ig_json_key(&j, "error"), ig_json_open(&j, '{');
    reply_pair_text(&j, "message", message);
    reply_pair_text(&j, "type", type_of(status));
    reply_pair_text(&j, "param", NULL);
    reply_pair_text(&j, "code", code_of(status));
    ig_json_close(&j, '}');
    ig_json_close(&j, '}');
}

ig_status call_body(call *c) {
    size_t n;
    const char *bytes = ig_http_request_body(c->http, &n);
    ig_error err = {0};
    ig_status s = ig_json_parse("body", bytes ? bytes : "", n, &c->body, &err);
    if (s == IG_E_NOMEM) return ig_error_nomem(&c->err, n);
    if (s != IG_OK) return call_fail(c, 400, NULL, "invalid_json", "the body is not JSON that is taken here: line %d: %s", err.line, err.message);
    if (ig_doc_root(c->body)->type != IG_TREE_MAP) return call_fail(c, 400, NULL, "invalid_type", "the body must be a JSON object");
    return IG_OK;
}
