/* net/http_stream.c: answers that are sent while they are made, and server-sent events on top of them.
 *
 * A ring of bytes lies between the handler, which blocks while it is full, and libmicrohttpd, whose connection is suspended
 * while it is empty:
 *
 *   handler ── stream_write ──►  [ ring: ring_at, ring_len ]  ── read_stream ──► chunk to the client
 *            waits for `changed`                                suspends; resumed by write, end and gone
 *
 * A client that takes nothing for write_timeout_ms is cut, so that a handler never waits longer than that.
 */
#include <string.h>

#include "net/http.h"

#define BLOCK_BYTES 16384 /* libmicrohttpd asks for at most so much at once */

static size_t ring_put(ig_http_request *req, const char *bytes, size_t len) {
    size_t space = req->ring_size - req->ring_len, end = (req->ring_at + req->ring_len) % req->ring_size;
    if (len > space) len = space;
    size_t first = len < req->ring_size - end ? len : req->ring_size - end;
    memcpy(req->ring + end, bytes, first);
    memcpy(req->ring, bytes + first, len - first);
    req->ring_len += len;
    return len;
}

static size_t ring_take(ig_http_request *req, char *bytes, size_t len) {
    if (len > req->ring_len) len = req->ring_len;
    size_t first = len < req->ring_size - req->ring_at ? len : req->ring_size - req->ring_at;
    memcpy(bytes, req->ring + req->ring_at, first);
    memcpy(bytes + first, req->ring, len - first);
    req->ring_at = (req->ring_at + len) % req->ring_size;
    req->ring_len -= len;
    return len;
}

/* libmicrohttpd wants bytes.  It holds the request as long as it asks. */
static ssize_t read_stream(void *arg, uint64_t at, char *bytes, size_t max) {
    ig_http_request *req = arg;
    (void)at;
    ssize_t got = 0;
    pthread_mutex_lock(&req->server->lock);
    if (req->server->closing || (req->gone && !req->ended)) {
        got = MHD_CONTENT_READER_END_WITH_ERROR;
    } else if (req->ring_len) {
        got = (ssize_t)ring_take(req, bytes, max);
        pthread_cond_broadcast(&req->changed);
    } else if (req->ended) {
        got = MHD_CONTENT_READER_END_OF_STREAM;
    } else {
        req->suspended = true;
        MHD_suspend_connection(req->mhd);
    }
    pthread_mutex_unlock(&req->server->lock);
    return got;
}

static ig_status begin_locked(ig_http_request *req, int status, const char *content_type, ig_error *err) {
    IG_TRY(http_check_answer(req, err));
    if (!req->ring) req->ring = ig_malloc(req->server->opts.stream_buffer_bytes);
    if (!req->ring) return ig_error_nomem(err, req->server->opts.stream_buffer_bytes);
    req->ring_size = req->server->opts.stream_buffer_bytes;
    struct MHD_Response *r = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, read_stream, req, NULL);
    req->no_body |= status == 204 || status == 304;
    /* else libmicrohttpd ends chunks that it never began, behind the headers */
    if (r && req->no_body) MHD_set_response_options(r, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
    IG_TRY(http_set_response(req, status, content_type, r, err));
    req->streaming = true;
    return IG_OK;
}

ig_status ig_http_stream_begin(ig_http_request *req, int status, const char *content_type, ig_error *err) {
    if (status < 200 || status > 599) return ig_error_set(err, IG_E_ARG, "HTTP status %d: expected 200 to 599", status);
    pthread_mutex_lock(&req->server->lock);
    ig_status done = begin_locked(req, status, content_type, err);
    pthread_mutex_unlock(&req->server->lock);
    return done;
}

static ig_status write_locked(ig_http_request *req, const char *bytes, size_t len, ig_error *err) {
    double patience = req->server->opts.write_timeout_ms / 1000.0, until = ig_clock() + patience;
    if (!req->streaming || req->ended) return ig_error_set(err, IG_E_STATE, "no stream is open");
    while (len) {
        if (http_is_gone(req)) return ig_error_set(err, IG_E_CANCELLED, "the client is gone");
        if (req->no_body) return IG_OK;
        size_t n = ring_put(req, bytes, len);
        bytes += n;
        len -= n;
        if (n) {
            until = ig_clock() + patience;
            http_resume(req);
        } else if (!http_cond_wait_until(&req->changed, &req->server->lock, until)) {
            http_cut(req->conn);
            http_set_gone(req);
            return ig_error_set(err, IG_E_CANCELLED, "the client took nothing for %d ms", req->server->opts.write_timeout_ms);
        }
    }
    return IG_OK;
}

ig_status ig_http_stream_write(ig_http_request *req, const void *bytes, size_t len, ig_error *err) {
    pthread_mutex_lock(&req->server->lock);
    ig_status done = write_locked(req, bytes, len, err);
    pthread_mutex_unlock(&req->server->lock);
    return done;
}

static ig_status end_locked(ig_http_request *req, ig_error *err) {
    if (!req->streaming || req->ended) return ig_error_set(err, IG_E_STATE, "no stream is open");
    bool gone = http_is_gone(req) && !req->no_body;
    if (!gone) req->ended = true;
    http_resume(req);
    return gone ? ig_error_set(err, IG_E_CANCELLED, "the client is gone") : IG_OK;
}

ig_status ig_http_stream_end(ig_http_request *req, ig_error *err) {
    pthread_mutex_lock(&req->server->lock);
    ig_status done = end_locked(req, err);
    pthread_mutex_unlock(&req->server->lock);
    return done;
}

void http_stream_cut_if_open(ig_http_request *req) {
    if (req->streaming && !req->ended) http_set_gone(req);
}

/* ---- server-sent events ---------------------------------------------------------------------------------------------- */

ig_status ig_sse_begin(ig_http_request *req, ig_error *err) {
    IG_TRY(ig_http_header_add(req, "Cache-Control", "no-store", err));
    IG_TRY(ig_http_header_add(req, "X-Accel-Buffering", "no", err)); /* nginx passes events on at once */
    return ig_http_stream_begin(req, 200, "text/event-stream; charset=utf-8", err);
}

/* One "data:" line for each line of the text; \r\n, \r and \n all end one. */
static void put_data(ig_buf *b, const char *data, size_t len) {
    for (size_t i = 0;; i++) {
        size_t n = 0;
        while (i + n < len && data[i + n] != '\n' && data[i + n] != '\r') n++;
        ig_buf_puts(b, "data: ");
        ig_buf_append(b, data + i, n);
        ig_buf_putc(b, '\n');
        i += n;
        if (i >= len) return;
        if (data[i] == '\r' && i + 1 < len && data[i + 1] == '\n') i++;
    }
}

ig_status ig_sse_event(ig_http_request *req, const char *event, const char *data, size_t len, ig_error *err) {
    size_t most;
    if (event && strpbrk(event, "\r\n")) return ig_error_set(err, IG_E_ARG, "the name of an event has a line end");
    /* seven bytes more for each line, which is one byte at least */
    if (!ig_mul_size(len, 8, &most) || !ig_add_size(most, 64 + (event ? strlen(event) : 0), &most))
        return ig_error_set(err, IG_E_LIMIT, "an event of %zu bytes", len);
    ig_buf b = {.max = most};
    if (event) ig_buf_printf(&b, "event: %s\n", event);
    put_data(&b, data, len);
    ig_buf_putc(&b, '\n');
    ig_status done = ig_buf_status(&b, err);
    if (done == IG_OK) done = ig_http_stream_write(req, b.data, b.len, err);
    ig_buf_fini(&b);
    return done;
}

ig_status ig_sse_ping(ig_http_request *req, ig_error *err) {
    return ig_http_stream_write(req, ": ping\n\n", 8, err);
}
