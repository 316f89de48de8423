/* net/http_watch.c: the thread that ends what takes too long, and finds out who hung up.
 *
 *   stage of the connection             deadline                        what happens
 *   ----------------------------------  ------------------------------  -----------------------------------------------
 *   new, headers not complete           header_timeout_ms               408 if anything was sent, closed
 *   kept, next headers not complete     idle_timeout_ms                 closed
 *   body                                body_timeout_ms, upload_rate    408, closed
 *   queued or running                   total_timeout_ms                504; the request is gone
 *   sending                             total_timeout_ms                cut; the request is gone
 *
 * Deadlines are totals: a byte now and then does not move them.  libmicrohttpd cannot be made to answer a request that is not
 * complete, so the 408 is written to the socket here (not under TLS): before the headers and the body are complete it writes
 * nothing itself.
 */
#include <linux/tcp.h>
#include <poll.h>
#include <string.h>

#include "net/http.h"

#define PERIOD 0.1
#define UPLOAD_GRACE 5.0 /* seconds before the rate counts */

static bool has_sent_anything(const http_conn *c) {
    struct tcp_info info = {0};
    socklen_t len = sizeof info;
    if (getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0) return false;
    return info.tcpi_bytes_received > 0;
}

/* Says why if it can, and cuts. */
static void time_out(http_conn *c, const char *message) {
    ig_http_server *s = c->server;
    ig_buf body, text = {.max = 1 << 17};
    if (!c->cut && !s->tls && http_error_body(s, 408, message, &body, NULL) == IG_OK) {
        ig_buf_printf(&text,
                      "HTTP/1.1 408 Request Timeout\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: "
                      "%zu\r\n\r\n",
                      body.len);
        ig_buf_append(&text, body.data ? body.data : "", body.len);
        /* what does not fit into the socket's buffer is lost with the connection */
        if (text.status == IG_OK && send(c->fd, text.data, text.len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) text.len = 0;
        ig_buf_fini(&text);
        ig_buf_fini(&body);
    }
    http_cut(c);
}

static void watch_between(http_conn *c, double now) {
    ig_http_server *s = c->server;
    double age = now - c->since;
    if (c->kept && (s->draining || age > s->opts.idle_timeout_ms / 1000.0)) http_cut(c);
    if (c->kept) return;
    bool late = age > s->opts.header_timeout_ms / 1000.0;
    if (late && has_sent_anything(c)) time_out(c, "the headers took too long");
    else if (late || s->draining) http_cut(c);
}

static void watch_body(ig_http_request *req, double now) {
    const ig_http_opts *o = &req->server->opts;
    double age = now - req->since;
    bool slow =
        o->upload_rate_min > 0 && age > UPLOAD_GRACE && (double)req->body_seen < o->upload_rate_min * (age - UPLOAD_GRACE);
    if (slow || age > o->body_timeout_ms / 1000.0) time_out(req->conn, "the body took too long");
}

static void watch_answer(ig_http_request *req, double now) {
    const ig_http_opts *o = &req->server->opts;
    double age = now - req->since, most = o->total_timeout_ms / 1000.0;
    if (age <= most) {
        if (!req->gone && !req->ended && (req->streaming || !req->response))
            (void)http_is_gone(req); /* wakes a handler that waits */
    } else if (!req->response && !req->gone) {
        if (http_answer_error(req, 504, "the answer took too long", NULL) != IG_OK) http_cut(req->conn);
        http_set_gone(req);
    } else if (req->streaming || !req->gone || age > 2 * most) { /* a 504 has that time again to be sent */
        http_cut(req->conn);
        http_set_gone(req);
    }
}

static void watch_all(ig_http_server *s) {
    double now = ig_clock();
    for (http_conn *c = s->conns; c; c = c->next) {
        if (c->cut) continue;
        if (!c->req) watch_between(c, now);
        else if (c->req->stage == HTTP_BODY) watch_body(c->req, now);
        else watch_answer(c->req, now);
    }
}

static void *watch(void *arg) {
    ig_http_server *s = arg;
    pthread_mutex_lock(&s->lock);
    while (!s->closing) {
        watch_all(s);
        (void)http_cond_wait_until(&s->tick, &s->lock, ig_clock() + PERIOD);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

ig_status http_watch_start(ig_http_server *s, ig_error *err) {
    if (pthread_create(&s->watch, NULL, watch, s) != 0) return ig_error_set(err, IG_E_IO, "cannot start a thread");
    s->watching = true;
    return IG_OK;
}

void http_watch_stop(ig_http_server *s) {
    if (s->watching) pthread_join(s->watch, NULL);
}
