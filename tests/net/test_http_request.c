/* tests/net/test_http_request.c: what a handler sees of a request, and what malformed ones get. */
#include "raw.h"

#include <unistd.h>

#define END "Host: x\r\nConnection: close\r\n\r\n"

static char answer[1 << 16];
static ig_http_server *server;
static int port;

static void ask(const char *request, int status, const char *expected) {
    int got = raw_ask(port, request, answer, sizeof answer);
    if (got != status) fail_msg("%.60s: status %d, expected %d\n%s", request, got, status, answer);
    if (expected && !strstr(answer, expected)) fail_msg("%.60s: expected \"%s\" in\n%s", request, expected, answer);
}

static void path_query_headers_and_body_are_read(void **state) {
    (void)state;
    ask("GET /echo HTTP/1.1\r\n" END, 200, "GET /echo q=- x=- n=1 peer=127.0.0.1\n");
    ask("GET /echo//a%2Fb/%E9%80%80/?p=1&q=a+b%26c&q=2 HTTP/1.1\r\nX-Test:  hi \r\n" END, 200,
        "GET /echo/a%2Fb/\xe9\x80\x80 q=a b&c x=hi n=3");
    ask("GET http://x/echo?q HTTP/1.1\r\n" END, 200, "GET /echo q= x=-");
    ask("GET / HTTP/1.1\r\n" END, 200, "GET / q=- x=- n=0");
    ask("OPTIONS * HTTP/1.1\r\n" END, 200, "OPTIONS * q=- x=- n=0");
    ask("POST /echo HTTP/1.1\r\nContent-Length: 5\r\n" END "hello", 200, "\nhello");
    ask("DELETE /echo HTTP/1.1\r\n" END, 200, "X-Answer: yes\r\n");
    ask("GET /nowhere HTTP/1.1\r\n" END, 404,
        "{\"error\":{\"message\":\"there is no such route\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":null}}");
    ask("GET /none HTTP/1.1\r\n" END, 500, "\"server_error\"");
}

static void head_has_no_body(void **state) {
    (void)state;
    ask("HEAD /echo HTTP/1.1\r\n" END, 200, "Content-Length: ");
    assert_string_equal(raw_body(answer), "");
    ask("HEAD /count HTTP/1.1\r\n" END, 200, NULL);
    assert_string_equal(raw_body(answer), "");
}

static void chunks_are_put_together(void **state) {
    (void)state;
    ask("POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" END "3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nTrailer: 1\r\n\r\n", 200,
        "\nabcdefg");
}

static void expectation_is_answered_first(void **state) {
    (void)state;
    int fd = raw_connect(port);
    raw_send(fd, "POST /echo HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n" END);
    size_t n = raw_read(fd, answer, sizeof answer - 1, 10000);
    answer[n] = '\0';
    assert_non_null(strstr(answer, "HTTP/1.1 100 Continue\r\n\r\n"));
    raw_send(fd, "hello");
    assert_int_equal(raw_answer(fd, answer, sizeof answer), 200);
    assert_non_null(strstr(answer, "\nhello"));
    close(fd);
}

static void connections_are_kept_and_pipelined(void **state) {
    (void)state;
    int fd = raw_connect(port);
    for (int i = 0; i < 3; i++) {
        raw_send(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab");
        assert_int_equal(raw_answer(fd, answer, sizeof answer), 200);
    }
    raw_send(fd, "GET /echo/1 HTTP/1.1\r\nHost: x\r\n\r\nPOST /echo/2 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nxyzGET "
                 "/echo/3 HTTP/1.1\r\n" END);
    size_t len = 0, n;
    while ((n = raw_read(fd, answer + len, sizeof answer - len - 1, 10000)) > 0) len += n;
    answer[len] = '\0';
    const char *one = strstr(answer, "GET /echo/1"), *two = strstr(answer, "POST /echo/2"),
               *three = strstr(answer, "GET /echo/3");
    assert_true(one && two && three && one < two && two < three);
    assert_non_null(strstr(two, "\nxyz"));
    close(fd);
}

static void malformed_requests_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *request;
        int status;
    } bad[] = {
        {"GET /%zz HTTP/1.1\r\n" END, 400},
        {"GET /a%0 HTTP/1.1\r\n" END, 400},
        {"GET /a%00b HTTP/1.1\r\n" END, 400},
        {"GET /a%0Ab HTTP/1.1\r\n" END, 400},
        {"GET /%ff HTTP/1.1\r\n" END, 400},
        {"GET /a/../b HTTP/1.1\r\n" END, 400},
        {"GET /a/%2e%2E/b HTTP/1.1\r\n" END, 400},
        {"GET a HTTP/1.1\r\n" END, 400},
        {"GET /a?%g1 HTTP/1.1\r\n" END, 400},
        {"GET /a HTTP/1.1\r\nConnection: close\r\n\r\n", 400},
        {"GET /1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8/9/0/1/2/3 HTTP/1.1\r\n" END, 414},
        {"POST /echo HTTP/1.1\r\nContent-Length: abc\r\n" END, 400},
        {"POST /echo HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n" END "ab", 400},
        {"POST /echo HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n" END "1\r\na\r\n0\r\n\r\n", 400},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) ask(bad[i].request, bad[i].status, NULL);
    /* without an HTTP request there may be no answer; the server must outlive it */
    static const char *const noise[] = {"\r\n\r\n\r\n",
                                        "\x16\x03\x01\x02",
                                        "GET",
                                        "GET / HTTP/9.9\r\n\r\n",
                                        "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" END "zz\r\n",
                                        "GET /echo HTTP/1.1\r\nHost: x\r\n : bad\r\n\r\n"};
    for (size_t i = 0; i < sizeof noise / sizeof *noise; i++) {
        int fd = raw_connect(port);
        raw_send(fd, noise[i]);
        raw_read(fd, answer, sizeof answer, 200);
        close(fd);
    }
    ask("GET /echo HTTP/1.1\r\n" END, 200, NULL);
}

static void shape_error(void *arg, int status, const char *message, ig_buf *body) {
    ig_buf_printf(body, "%s %d %s", (const char *)arg, status, message);
}

static bool allow(void *arg, const ig_http_request *req, const char *origin) {
    (void)arg;
    return strcmp(origin, "https://shop.example") == 0 && ig_http_request_path(req) != NULL;
}

static void errors_and_origins_follow_the_hooks(void **state) {
    (void)state;
    ig_http_server *s = serve((ig_http_opts){.error_body = shape_error, .allow_origin = allow, .hook_arg = "shaped"});
    int kept = port;
    port = ig_http_server_port(s);
    ask("GET /%zz HTTP/1.1\r\n" END, 400, "shaped 400 the URL has a '%' without two hexadecimal digits");
    ask("GET /none HTTP/1.1\r\nOrigin: https://shop.example\r\n" END, 500,
        "Access-Control-Allow-Origin: https://shop.example\r\n");
    ask("OPTIONS /v1/x HTTP/1.1\r\nOrigin: https://shop.example\r\nAccess-Control-Request-Method: "
        "POST\r\nAccess-Control-Request-Headers: authorization\r\n" END,
        204, "Access-Control-Allow-Headers: authorization\r\n");
    assert_non_null(strstr(answer, "Access-Control-Allow-Origin: https://shop.example\r\n"));
    assert_non_null(strstr(answer, "Vary: Origin\r\n"));
    ask("OPTIONS /v1/x HTTP/1.1\r\nOrigin: https://evil.example\r\nAccess-Control-Request-Method: POST\r\n" END, 204,
        "Vary: Origin\r\n");
    assert_null(strstr(answer, "Access-Control"));
    ask("GET /echo HTTP/1.1\r\nOrigin: https://evil.example\r\n" END, 200, NULL);
    assert_null(strstr(answer, "Access-Control"));
    port = kept;
    ig_http_server_close(s);
}

static void wrong_options_are_refused(void **state) {
    (void)state;
    ig_http_server *s = NULL;
    ig_error err = {0};
    check_fails(ig_http_server_open(&(ig_http_opts){.port = port}, handle, NULL, &s, &err), IG_E_IO);
    assert_null(s);
    assert_non_null(strstr(err.message, "cannot listen on 127.0.0.1 port"));
    check_fails(ig_http_server_open(&(ig_http_opts){.port = 70000}, handle, NULL, &s, &err), IG_E_ARG);
    check_fails(ig_http_server_open(&(ig_http_opts){.host = "no such host."}, handle, NULL, &s, &err), IG_E_ARG);
    check_fails(ig_http_server_open(&(ig_http_opts){.cert_file = "x"}, handle, NULL, &s, &err), IG_E_ARG);
    check_fails(ig_http_server_open(&(ig_http_opts){.threads = -1}, handle, NULL, &s, &err), IG_E_ARG);
    check_fails(ig_http_server_open(&(ig_http_opts){.idle_timeout_ms = -1}, handle, NULL, &s, &err), IG_E_ARG);
}

static int open_server(void **state) {
    (void)state;
    server = serve((ig_http_opts){0});
    port = ig_http_server_port(server);
    return 0;
}

static int close_server(void **state) {
    (void)state;
    ig_http_server_close(server);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(path_query_headers_and_body_are_read),
        cmocka_unit_test(head_has_no_body),
        cmocka_unit_test(chunks_are_put_together),
        cmocka_unit_test(expectation_is_answered_first),
        cmocka_unit_test(connections_are_kept_and_pipelined),
        cmocka_unit_test(malformed_requests_are_refused),
        cmocka_unit_test(errors_and_origins_follow_the_hooks),
        cmocka_unit_test(wrong_options_are_refused),
    };
    return cmocka_run_group_tests(tests, open_server, close_server);
}
