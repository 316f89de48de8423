/* tests/net/test_http_stream.c: streams arrive whole and at once, and stop when nobody listens. */
#include "raw.h"

#include <sys/socket.h>
#include <unistd.h>

#define END "Host: x\r\nConnection: close\r\n\r\n"

static char answer[1 << 16];

/* The chunks of a body put together, in place. */
static const char *unchunk(char *body) {
    char *to = body, *from = body;
    for (;;) {
        char *text;
        size_t n = strtoul(from, &text, 16);
        if (!n || strncmp(text, "\r\n", 2) != 0) break;
        memmove(to, text + 2, n);
        to += n;
        from = text + 2 + n + 2;
    }
    *to = '\0';
    return body;
}

static void bytes_arrive_as_they_were_written(void **state) {
    (void)state;
    ig_http_server *s = serve((ig_http_opts){.stream_buffer_bytes = 5}); /* smaller than a line: the ring goes round */
    assert_int_equal(raw_ask(ig_http_server_port(s), "GET /count HTTP/1.1\r\n" END, answer, sizeof answer), 200);
    const char *body = unchunk((char *)raw_body(answer)), text[] = "退款多久到账？";
    assert_int_equal(strlen(body), 10 * strlen(text));
    for (int i = 0; i < 10; i++) assert_memory_equal(body + i * strlen(text), text, strlen(text));
    ig_http_server_close(s);
}

static void events_have_their_form(void **state) {
    (void)state;
    ig_http_server *s = serve((ig_http_opts){0});
    assert_int_equal(raw_ask(ig_http_server_port(s), "GET /sse HTTP/1.1\r\n" END, answer, sizeof answer), 200);
    assert_non_null(strstr(answer, "Content-Type: text/event-stream; charset=utf-8\r\n"));
    assert_non_null(strstr(answer, "Cache-Control: no-store\r\n"));
    assert_string_equal(unchunk((char *)raw_body(answer)),
                        "data: {\"a\":1}\n\n: ping\n\nevent: two\ndata: x\ndata: y\ndata: z\n\ndata: \n\n");
    ig_http_server_close(s);
}

static void stall(void *arg, ig_http_request *req) {
    (void)arg;
    if (ig_http_stream_begin(req, 200, "text/plain", NULL) != IG_OK) return;
    (void)ig_http_stream_write(req, "first", 5, NULL);
    while (!ig_http_request_gone(req)) usleep(5000);
    atomic_fetch_add(&gone_seen, 1);
}

/* The handler writes nothing more until the client has left: what it wrote must be on its way before. */
static void a_piece_is_sent_before_the_next_one_is_there(void **state) {
    (void)state;
    ig_http_server *s = NULL;
    ig_error err = {0};
    size_t len = 0, n;
    check_ok(ig_http_server_open(NULL, stall, NULL, &s, &err));
    atomic_store(&gone_seen, 0);
    int fd = raw_connect(ig_http_server_port(s));
    raw_send(fd, "GET / HTTP/1.1\r\n" END);
    memset(answer, 0, sizeof answer);
    while (!strstr(answer, "first") && (n = raw_read(fd, answer + len, sizeof answer - len - 1, 10000)) > 0) len += n;
    assert_non_null(strstr(answer, "first"));
    close(fd);
    assert_true(wait_for(&gone_seen, 1, 10000));
    ig_http_server_close(s);
}

static void a_client_that_vanishes_is_noticed(void **state) {
    (void)state;
    ig_http_server *s = serve((ig_http_opts){0});
    int fd = raw_connect(ig_http_server_port(s));
    raw_send(fd, "GET /sleep HTTP/1.1\r\n" END);
    assert_true(wait_for(&started, 1, 10000));
    close(fd);
    assert_true(wait_for(&gone_seen, 1, 10000));
    fd = raw_connect(ig_http_server_port(s));
    raw_send(fd, "GET /flood HTTP/1.1\r\n" END);
    assert_true(raw_read(fd, answer, sizeof answer, 10000) > 0);
    struct linger hard = {.l_onoff = 1}; /* a reset instead of an end */
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(fd);
    assert_true(wait_for(&gone_seen, 2, 10000));
    ig_http_server_close(s);
}

static void a_client_that_takes_nothing_is_cut(void **state) {
    (void)state;
    ig_http_server *s = serve((ig_http_opts){.write_timeout_ms = 200});
    int fd = raw_connect(ig_http_server_port(s));
    raw_send(fd, "GET /flood HTTP/1.1\r\n" END);
    assert_true(wait_for(&gone_seen, 1, 20000));
    assert_true(raw_ended(fd, 10000));
    close(fd);
    ig_http_server_close(s);
}

static void an_open_stream_is_not_taken_for_a_whole_one(void **state) {
    (void)state;
    ig_http_server *s = serve((ig_http_opts){0});
    int fd = raw_connect(ig_http_server_port(s));
    raw_send(fd, "GET /open HTTP/1.1\r\nHost: x\r\n\r\n");
    raw_answer(fd, answer, sizeof answer);
    assert_null(strstr(answer, "\r\n0\r\n"));
    close(fd);
    ig_http_server_close(s);
}

static void misuse(void *arg, ig_http_request *req) {
    ig_error err = {0};
    (void)arg;
    bool right = ig_http_stream_write(req, "x", 1, &err) == IG_E_STATE && ig_http_stream_end(req, &err) == IG_E_STATE;
    right &= ig_http_reply(req, 99, NULL, "", 0, &err) == IG_E_ARG && ig_http_stream_begin(req, 1000, NULL, &err) == IG_E_ARG;
    right &= ig_http_reply_error(req, 200, "x", &err) == IG_E_ARG && ig_http_header_add(req, "A\r\nB", "x", &err) == IG_E_ARG;
    right &= ig_http_header_add(req, "A", "x\r\nB: y", &err) == IG_E_ARG && ig_http_header_add(req, "", "x", &err) == IG_E_ARG;
    for (int i = 0; i < 32; i++) right &= ig_http_header_add(req, "A", "x", &err) == IG_OK;
    right &= ig_http_header_add(req, "A", "x", &err) == IG_E_LIMIT;
    right &= ig_http_request_segment(req, 99) == NULL && ig_http_request_query(req, "q") == NULL;
    right &= ig_http_reply(req, right ? 204 : 500, NULL, NULL, 0, &err) == IG_OK;
    right &= ig_http_header_add(req, "A", "x", &err) != IG_OK;
    ig_status again = ig_http_reply(req, 200, NULL, "", 0, &err); /* unless the answer is sent already */
    right &= again == IG_E_STATE || again == IG_E_CANCELLED;
    atomic_fetch_add(right ? &finished : &gone_seen, 1);
}

static void misuse_is_told_to_the_handler(void **state) {
    (void)state;
    ig_http_server *s = NULL;
    ig_error err = {0};
    check_ok(ig_http_server_open(NULL, misuse, NULL, &s, &err));
    atomic_store(&finished, 0);
    assert_int_equal(raw_ask(ig_http_server_port(s), "GET / HTTP/1.1\r\n" END, answer, sizeof answer), 204);
    assert_true(wait_for(&finished, 1, 10000));
    ig_http_server_close(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_arrive_as_they_were_written),
        cmocka_unit_test(events_have_their_form),
        cmocka_unit_test(a_piece_is_sent_before_the_next_one_is_there),
        cmocka_unit_test(a_client_that_vanishes_is_noticed),
        cmocka_unit_test(a_client_that_takes_nothing_is_cut),
        cmocka_unit_test(an_open_stream_is_not_taken_for_a_whole_one),
        cmocka_unit_test(misuse_is_told_to_the_handler),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
