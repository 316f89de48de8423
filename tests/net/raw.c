#include "raw.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- the client's side ---------------------------------------------------------------------------------------------- */

int raw_connect(int port) {
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) != 0) fail_msg("connect: %s", strerror(errno));
    return fd;
}

void raw_send_n(int fd, const char *bytes, size_t n) {
    while (n) {
        ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);
        if (sent <= 0) return;
        bytes += sent;
        n -= (size_t)sent;
    }
}

void raw_send(int fd, const char *text) {
    raw_send_n(fd, text, strlen(text));
}

size_t raw_read(int fd, char *out, size_t size, int ms) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (poll(&p, 1, ms) != 1) return 0;
    ssize_t n = recv(fd, out, size, 0);
    return n > 0 ? (size_t)n : 0;
}

static bool is_whole(const char *text, size_t len) {
    const char *body = strstr(text, "\r\n\r\n"), *length = strcasestr(text, "\r\nContent-Length:");
    if (!body) return false;
    body += 4;
    if (strncmp(text, "HTTP/1.1 100", 12) == 0) return is_whole(body, len - (size_t)(body - text));
    if (length && length < body) return len - (size_t)(body - text) >= strtoul(length + 17, NULL, 10);
    if (strcasestr(text, "Transfer-Encoding: chunked")) return len >= 5 && memcmp(text + len - 5, "0\r\n\r\n", 5) == 0;
    return strncmp(text + 9, "204", 3) == 0;
}

int raw_answer(int fd, char *out, size_t size) {
    size_t len = 0, n;
    *out = '\0';
    while (len + 1 < size && !is_whole(out, len) && (n = raw_read(fd, out + len, size - len - 1, 20000)) > 0) {
        len += n;
        out[len] = '\0';
    }
    int status = 0;
    const char *at = out;
    while (sscanf(at, "HTTP/1.1 %d", &status) == 1 && status == 100) at = strstr(at, "\r\n\r\n") + 4;
    return status;
}

int raw_ask(int port, const char *request, char *out, size_t size) {
    int fd = raw_connect(port);
    raw_send(fd, request);
    int status = raw_answer(fd, out, size);
    close(fd);
    return status;
}

const char *raw_body(const char *answer) {
    const char *body = strstr(answer, "\r\n\r\n");
    return body ? body + 4 : "";
}

bool raw_ended(int fd, int ms) {
    char some[4096];
    double until = ig_clock() + ms / 1000.0;
    while (ig_clock() < until) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (poll(&p, 1, 100) == 1 && recv(fd, some, sizeof some, 0) <= 0) return true;
    }
    return false;
}

bool wait_for(atomic_int *value, int at_least, int ms) {
    for (; ms > 0 && atomic_load(value) < at_least; ms -= 5) usleep(5000);
    return atomic_load(value) >= at_least;
}

/* ---- the handler ------------------------------------------------------------------------------------------------------ */

atomic_int started, gone_seen, finished;

static void echo(ig_http_request *req) {
    size_t len;
    const char *body = ig_http_request_body(req, &len);
    const char *q = ig_http_request_query(req, "q"), *x = ig_http_request_header(req, "x-TEST");
    ig_buf b = {.max = 32 << 20};
    ig_buf_printf(&b, "%s %s q=%s x=%s n=%zu peer=%s\n", ig_http_request_method(req), ig_http_request_path(req), q ? q : "-",
                  x ? x : "-", ig_http_request_segment_count(req), ig_http_request_peer(req));
    ig_buf_append(&b, body, len);
    if (b.status == IG_OK && ig_http_header_add(req, "X-Answer", "yes", NULL) == IG_OK)
        (void)ig_http_reply(req, 200, "text/plain", b.data, b.len, NULL);
    ig_buf_fini(&b);
}

static void sleep_until_gone(ig_http_request *req) {
    const char *ms = ig_http_request_query(req, "ms");
    for (long left = ms ? strtol(ms, NULL, 10) : 60000; left > 0; left -= 5) {
        if (ig_http_request_gone(req)) {
            atomic_fetch_add(&gone_seen, 1);
            return;
        }
        usleep(5000);
    }
    (void)ig_http_reply(req, 200, "text/plain", "slept", 5, NULL);
}

static void count(ig_http_request *req) {
    static const char text[] = "退款多久到账？"; /* cut inside its characters */
    if (ig_http_stream_begin(req, 200, "text/plain; charset=utf-8", NULL) != IG_OK) return;
    for (int i = 0; i < 10; i++)
        for (size_t at = 0; at < sizeof text - 1; at += 2)
            if (ig_http_stream_write(req, text + at, sizeof text - 1 - at < 2 ? 1 : 2, NULL) != IG_OK) return;
    (void)ig_http_stream_end(req, NULL);
}

static void flood(ig_http_request *req) {
    static const char block[65536];
    ig_error err = {0};
    if (ig_http_stream_begin(req, 200, "application/octet-stream", NULL) != IG_OK) return;
    while (ig_http_stream_write(req, block, sizeof block, &err) == IG_OK) {}
    if (err.code == IG_E_CANCELLED) atomic_fetch_add(&gone_seen, 1);
}

static void events(ig_http_request *req) {
    if (ig_sse_begin(req, NULL) != IG_OK) return;
    (void)ig_sse_event(req, NULL, "{\"a\":1}", 7, NULL);
    (void)ig_sse_ping(req, NULL);
    (void)ig_sse_event(req, "two", "x\ny\r\nz", 6, NULL);
    (void)ig_sse_event(req, NULL, "", 0, NULL);
    (void)ig_http_stream_end(req, NULL);
}

void handle(void *arg, ig_http_request *req) {
    const char *verb = ig_http_request_segment(req, 0);
    char text[32];
    size_t len;
    (void)arg;
    atomic_fetch_add(&started, 1);
    if (!verb || strcmp(verb, "echo") == 0) echo(req);
    else if (strcmp(verb, "sleep") == 0) sleep_until_gone(req);
    else if (strcmp(verb, "count") == 0) count(req);
    else if (strcmp(verb, "flood") == 0) flood(req);
    else if (strcmp(verb, "sse") == 0) events(req);
    else if (strcmp(verb, "open") == 0) (void)ig_http_stream_begin(req, 200, "text/plain", NULL);
    else if (strcmp(verb, "size") == 0) {
        (void)ig_http_request_body(req, &len);
        snprintf(text, sizeof text, "%zu", len);
        (void)ig_http_reply(req, 200, "text/plain", text, strlen(text), NULL);
    } else if (strcmp(verb, "none") != 0) {
        (void)ig_http_reply_error(req, 404, "there is no such route", NULL);
    }
    atomic_fetch_add(&finished, 1);
}

ig_http_server *serve(ig_http_opts opts) {
    ig_http_server *s = NULL;
    ig_error err = {0};
    if (!opts.threads) opts.threads = 4;
    check_ok(ig_http_server_open(&opts, handle, NULL, &s, &err));
    assert_true(ig_http_server_port(s) > 0);
    atomic_store(&started, 0);
    atomic_store(&gone_seen, 0);
    atomic_store(&finished, 0);
    return s;
}
