/* tests/net/test_http_limits.c: every limit in bytes, numbers and time is kept, and told to the client where it can be. */
#include "raw.h"

#include <unistd.h>

#define END "Host: x\r\nConnection: close\r\n\r\n"

static char answer[1 << 16], long_text[1 << 17];

static const char *fill(size_t n) {
    memset(long_text, 'x', n);
    long_text[n] = '\0';
    return long_text;
}

static void headers_are_limited(void **state) {
    (void)state;
    ig_http_server *s = serve((ig_http_opts){.header_bytes_max = 4096});
    ig_buf b = {.max = 1 << 20};
    ig_buf_printf(&b, "GET /echo HTTP/1.1\r\nX: %s\r\n" END, fill(3000));
    assert_int_equal(raw_ask(ig_http_server_port(s), b.data, answer, sizeof answer), 200);
    ig_buf_clear(&b);
    ig_buf_printf(&b, "GET /echo HTTP/1.1\r\nX: %s\r\n" END, fill(5000));
    assert_int_equal(raw_ask(ig_http_server_port(s), b.data, answer, sizeof answer), 431);
    assert_non_null(strstr(answer, "{\"error\""));
    ig_buf_clear(&b);
    ig_buf_printf(&b, "GET /echo HTTP/1.1\r\nX: %s\r\n" END, fill(100000)); /* libmicrohttpd itself gives up */
    int status = raw_ask(ig_http_server_port(s), b.data, answer, sizeof answer);
    assert_true(status == 431 || status == 0);
    ig_buf_clear(&b);
    ig_buf_puts(&b, "GET /echo HTTP/1.1\r\n");
    for (int i = 0; i < 200; i++) ig_buf_printf(&b, "X%d: 1\r\n", i);
    ig_buf_puts(&b, END);
    assert_int_equal(raw_ask(ig_http_server_port(s), b.data, answer, sizeof answer), 431);
    ig_buf_fini(&b);
    ig_http_server_close(s);
}

static void bodies_are_limited(void **state) {
    (void)state;
    ig_http_server *s = serve((ig_http_opts){.body_bytes_max = 1000});
    ig_buf b = {.max = 1 << 20};
    ig_buf_printf(&b, "POST /size HTTP/1.1\r\nContent-Length: 1000\r\n" END "%s", fill(1000));
    assert_int_equal(raw_ask(ig_http_server_port(s), b.data, answer, sizeof answer), 200);
    assert_string_equal(raw_body(answer), "1000");
    ig_buf_clear(&b);
    ig_buf_printf(&b, "POST /size HTTP/1.1\r\nContent-Length: 1001\r\n" END "%s", fill(1001));
    assert_int_equal(raw_ask(ig_http_server_port(s), b.data, answer, sizeof answer), 413);
    assert_int_equal(raw_ask(ig_http_server_port(s),
                             "POST /size HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1001\r\n" END, answer,
                             sizeof answer),
                     413);
    assert_null(strstr(answer, "100 Continue"));
    assert_int_equal(
        raw_ask(ig_http_server_port(s), "POST /size HTTP/1.1\r\nContent-Length: 99999999999\r\n" END, answer, sizeof answer),
        413);
    ig_buf_clear(&b);
    ig_buf_printf(&b, "POST /size HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" END "3e9\r\n%s\r\n0\r\n\r\n", fill(1001));
    assert_int_equal(raw_ask(ig_http_server_port(s), b.data, answer, sizeof answer), 413);
    ig_buf_clear(&b);
    ig_buf_printf(&b, "POST /size HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" END "10000\r\n%s",
                  fill(0x10000)); /* no end to it: cut */
    assert_int_equal(raw_ask(ig_http_server_port(s), b.data, answer, sizeof answer), 0);
    ig_buf_fini(&b);
    ig_http_server_close(s);
}

/* Of "Key: none" nothing is taken; of "Key: small" 10 bytes. */
static int look_at_head(void *arg, ig_http_request *req, size_t *body_bytes_max, char *message, size_t size) {
    const char *key = ig_http_request_header(req, "Key");
    ++*(int *)arg;
    if (!key) return 0;
    *body_bytes_max = strcmp(key, "small") == 0 ? 10 : 1000;
    if (strcmp(key, "none") != 0) return 0;
    snprintf(message, size, "no key fits %s", ig_http_request_path(req));
    (void)ig_http_header_add(req, "X-Seen", "head", NULL);
    return 401;
}

static void a_request_is_refused_by_its_headers(void **state) {
    (void)state;
    int asked = 0;
    ig_http_server *s = serve((ig_http_opts){.body_bytes_max = 1 << 16, .check_head = look_at_head, .hook_arg = &asked});
    int port = ig_http_server_port(s);
    ig_buf b = {.max = 1 << 20};
    assert_int_equal(raw_ask(port, "POST /size HTTP/1.1\r\nContent-Length: 5\r\n" END "12345", answer, sizeof answer), 200);
    assert_int_equal(raw_ask(port, "POST /size HTTP/1.1\r\nKey: small\r\nContent-Length: 10\r\n" END "1234567890", answer, sizeof answer), 200);
    assert_int_equal(raw_ask(port, "POST /size HTTP/1.1\r\nKey: small\r\nContent-Length: 11\r\n" END "12345678901", answer, sizeof answer), 413);
    assert_int_equal(raw_ask(port, "GET /size HTTP/1.1\r\nKey: none\r\n" END, answer, sizeof answer), 401);
    assert_non_null(strstr(answer, "no key fits /size"));
    assert_non_null(strstr(answer, "X-Seen: head"));
    ig_buf_printf(&b, "POST /size HTTP/1.1\r\nKey: none\r\nContent-Length: 8000\r\n" END "%s", fill(8000)); /* read and dropped */
    assert_int_equal(raw_ask(port, b.data, answer, sizeof answer), 401);
    assert_int_equal(raw_ask(port, "POST /size HTTP/1.1\r\nKey: none\r\nContent-Length: 60000\r\n" END, answer, sizeof answer), 401); /* not waited for */
    assert_int_equal(raw_ask(port, "POST /size HTTP/1.1\r\nKey: none\r\nExpect: 100-continue\r\nContent-Length: 5\r\n" END, answer, sizeof answer), 401);
    assert_null(strstr(answer, "100 Continue"));
    assert_int_equal(asked, 7);
    ig_buf_fini(&b);
    ig_http_server_close(s);
}

static void bodies_together_are_limited(void **state) {
    (void)state;
    ig_http_server *s = serve((ig_http_opts){.bodies_bytes_max = 1500});
    ig_buf b = {.max = 1 << 20};
    int first = raw_connect(ig_http_server_port(s));
    ig_buf_printf(&b, "POST /sleep HTTP/1.1\r\nContent-Length: 1000\r\n" END "%s", fill(1000));
    raw_send(first, b.data);
    assert_true(wait_for(&started, 1, 10000));
    assert_int_equal(raw_ask(ig_http_server_port(s), b.data, answer, sizeof answer), 503);
    assert_non_null(strstr(answer, "Retry-After: 1\r\n"));
    close(first);
    assert_true(wait_for(&finished, 1, 10000));
    ig_buf_clear(&b);
    ig_buf_printf(&b, "POST /size HTTP/1.1\r\nContent-Length: 1000\r\n" END "%s", fill(1000));
    int status = 0;
    for (int i = 0; i < 1000 && status != 200; i++) status = raw_ask(ig_http_server_port(s), b.data, answer, sizeof answer);
    assert_int_equal(status, 200); /* what the first held is free again */
    ig_buf_fini(&b);
    ig_http_server_close(s);
}

static void a_full_queue_answers_429(void **state) {
    (void)state;
    ig_http_server *s = serve((ig_http_opts){.threads = 1, .queue_max = 2, .retry_after_s = 7});
    int fd[3], port = ig_http_server_port(s);
    for (int i = 0; i < 3; i++) {
        fd[i] = raw_connect(port);
        raw_send(fd[i], "GET /sleep?ms=60000 HTTP/1.1\r\n" END);
        if (!i) assert_true(wait_for(&started, 1, 10000));
    }
    int status = 0;
    /* until both wait, this one might wait itself: it is asked to sleep for a moment only */
    for (int i = 0; i < 100 && status != 429; i++) {
        int one = raw_connect(port);
        raw_send(one, "GET /echo HTTP/1.1\r\n" END);
        size_t n = raw_read(one, answer, sizeof answer - 1, 300);
        answer[n] = '\0';
        close(one);
        if (n) sscanf(answer, "HTTP/1.1 %d", &status);
    }
    assert_int_equal(status, 429);
    assert_non_null(strstr(answer, "Retry-After: 7\r\n"));
    assert_non_null(strstr(answer, "\"rate_limit_error\""));
    for (int i = 0; i < 3; i++) close(fd[i]);
    assert_true(wait_for(&gone_seen, 1, 10000));
    for (int i = 0; i < 1000 && status != 200; i++) status = raw_ask(port, "GET /echo HTTP/1.1\r\n" END, answer, sizeof answer);
    assert_int_equal(status, 200);
    ig_http_server_close(s);
}

static void addresses_are_limited(void **state) {
    (void)state;
    ig_http_server *s = serve((ig_http_opts){.per_address_max = 3});
    int fd[4], port = ig_http_server_port(s);
    for (int i = 0; i < 3; i++) {
        fd[i] = raw_connect(port);
        raw_send(fd[i], "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_int_equal(raw_answer(fd[i], answer, sizeof answer), 200);
    }
    fd[3] = raw_connect(port);
    assert_true(raw_ended(fd[3], 10000));
    for (int i = 0; i < 4; i++) close(fd[i]);
    int status = 0;
    for (int i = 0; i < 1000 && status != 200; i++) {
        usleep(5000);
        status = raw_ask(port, "GET /echo HTTP/1.1\r\n" END, answer, sizeof answer);
    }
    assert_int_equal(status, 200);
    ig_http_server_close(s);
}

static void slow_headers_and_bodies_time_out(void **state) {
    (void)state;
    ig_http_server *s = serve((ig_http_opts){.header_timeout_ms = 300, .body_timeout_ms = 300, .idle_timeout_ms = 300});
    int port = ig_http_server_port(s), silent = raw_connect(port), slow = raw_connect(port);
    raw_send(slow, "GET /echo HTTP/1.1\r\nX");
    assert_int_equal(raw_answer(slow, answer, sizeof answer), 408);
    assert_non_null(strstr(answer, "the headers took too long"));
    assert_true(raw_ended(slow, 10000));
    assert_true(raw_ended(silent, 10000));
    close(slow);
    close(silent);
    slow = raw_connect(port);
    raw_send(slow, "POST /echo HTTP/1.1\r\nContent-Length: 10\r\n" END "abc");
    assert_int_equal(raw_answer(slow, answer, sizeof answer), 408);
    assert_true(raw_ended(slow, 10000));
    close(slow);
    slow = raw_connect(port);
    raw_send(slow, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(raw_answer(slow, answer, sizeof answer), 200);
    assert_true(raw_ended(slow, 10000)); /* idle */
    close(slow);
    ig_http_server_close(s);
}

static void a_body_below_the_least_rate_times_out(void **state) {
    (void)state;
    ig_http_server *s = serve((ig_http_opts){.upload_rate_min = 1 << 20});
    int fd = raw_connect(ig_http_server_port(s));
    raw_send(fd, "POST /echo HTTP/1.1\r\nContent-Length: 10\r\n" END "abc");
    assert_int_equal(raw_answer(fd, answer, sizeof answer), 408);
    close(fd);
    ig_http_server_close(s);
}

static void the_total_time_is_limited(void **state) {
    (void)state;
    ig_http_server *s = serve((ig_http_opts){.total_timeout_ms = 300, .stream_buffer_bytes = 1 << 16});
    assert_int_equal(raw_ask(ig_http_server_port(s), "GET /sleep HTTP/1.1\r\n" END, answer, sizeof answer), 504);
    assert_true(wait_for(&gone_seen, 1, 10000));
    int fd = raw_connect(ig_http_server_port(s));
    raw_send(fd, "GET /flood HTTP/1.1\r\n" END);
    assert_true(raw_ended(fd, 20000));
    assert_true(wait_for(&gone_seen, 2, 10000));
    close(fd);
    ig_http_server_close(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_limited),
        cmocka_unit_test(bodies_are_limited),
        cmocka_unit_test(a_request_is_refused_by_its_headers),
        cmocka_unit_test(bodies_together_are_limited),
        cmocka_unit_test(a_full_queue_answers_429),
        cmocka_unit_test(addresses_are_limited),
        cmocka_unit_test(slow_headers_and_bodies_time_out),
        cmocka_unit_test(a_body_below_the_least_rate_times_out),
        cmocka_unit_test(the_total_time_is_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
