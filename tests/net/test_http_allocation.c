/* tests/net/test_http_allocation.c: opening, serving and fetching with the first, second, third … allocation failing.
 *
 * The allocator counts for all threads: a failure may hit any of them.  Each call must come back, a request may be refused but
 * never hang, and the sanitizer run of the same test sees the leaks.
 */
#include "raw.h"

#include <unistd.h>

static void opening_survives_every_failure(void **state) {
    (void)state;
    for (int n = 1; n < 100; n++) {
        ig_http_server *s = NULL;
        ig_error err = {0};
        ig_http_opts opts = {.threads = 2};
        ig_alloc_fail_at((uint64_t)n);
        ig_status status = ig_http_server_open(&opts, handle, NULL, &s, &err);
        ig_alloc_fail_at(0);
        assert_int_equal(status == IG_OK, s != NULL);
        ig_http_server_close(s);
        if (status == IG_OK) {
            assert_true(n >= 3);
            return;
        }
        assert_int_equal(status, IG_E_NOMEM);
    }
    fail_msg("the call never succeeds");
}

static void serving_survives_every_failure(void **state) {
    (void)state;
    static const char *const requests[] = {
        "POST /echo/a?q=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc",
        "GET /count HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "GET /sse HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "GET /%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    };
    static char answer[1 << 16];
    ig_http_server *s = serve((ig_http_opts){0});
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
        for (int n = 1; n < 60; n++) {
            ig_alloc_fail_at((uint64_t)n);
            int status = raw_ask(ig_http_server_port(s), requests[i], answer, sizeof answer);
            ig_alloc_fail_at(0);
            if (status != 0 && status != 200 && status != 500 && status != 503 && status != (i == 3 ? 400 : 0))
                fail_msg("allocation %d: status %d", n, status);
        }
    assert_int_equal(raw_ask(ig_http_server_port(s), requests[0], answer, sizeof answer), 200);
    ig_http_server_close(s);
}

static void fetching_survives_every_failure(void **state) {
    (void)state;
    ig_http_server *s = serve((ig_http_opts){0});
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/echo", ig_http_server_port(s));
    const char *const headers[] = {"X-Test: 1"};
    ig_http_call call = {.url = url, .headers = headers, .header_count = 1, .offset = 1, .if_range = "\"e\""};
    for (int n = 1; n < 60; n++) {
        ig_http_answer answer;
        ig_error err = {0};
        ig_alloc_fail_at((uint64_t)n);
        ig_status status = ig_http_get(&call, &answer, &err);
        ig_alloc_fail_at(0);
        if (status != IG_OK && status != IG_E_NOMEM && status != IG_E_IO) fail_msg("allocation %d: %s", n, err.message);
    }
    ig_http_server_close(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opening_survives_every_failure),
        cmocka_unit_test(serving_survives_every_failure),
        cmocka_unit_test(fetching_survives_every_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
