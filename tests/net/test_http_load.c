/* tests/net/test_http_load.c: many connections at once, most of them bad company; and the ways to stop. */
#include "raw.h"

#include <unistd.h>

#define END "Host: x\r\nConnection: close\r\n\r\n"

static char answer[1 << 16];
static int port;

static void *ask_often(void *arg) {
    char text[4096];
    for (int i = 0; i < 20; i++)
        if (raw_ask(port, "POST /echo HTTP/1.1\r\nContent-Length: 2\r\n" END "ab", text, sizeof text) == 200)
            atomic_fetch_add((atomic_int *)arg, 1);
    return NULL;
}

static void slow_and_idle_connections_hinder_nobody(void **state) {
    (void)state;
    ig_http_server *s = serve((ig_http_opts){0});
    int idle[200], slow[50];
    atomic_int served = 0;
    pthread_t thread[10];
    port = ig_http_server_port(s);
    for (int i = 0; i < 200; i++) idle[i] = raw_connect(port);
    for (int i = 0; i < 50; i++)
        raw_send(slow[i] = raw_connect(port), i % 2 ? "POST /echo HTTP/1.1\r\nContent-Length: 100\r\n" END "a" : "GET /ec");
    for (int i = 0; i < 10; i++) assert_int_equal(pthread_create(&thread[i], NULL, ask_often, &served), 0);
    for (int i = 0; i < 50; i++) raw_send(slow[i], "b");
    for (int i = 0; i < 10; i++) pthread_join(thread[i], NULL);
    assert_int_equal(atomic_load(&served), 200);
    for (int i = 0; i < 200; i++) close(idle[i]);
    for (int i = 0; i < 50; i++) close(slow[i]);
    ig_http_server_close(s);
}

static void three_hundred_connections_are_served(void **state) {
    (void)state;
    ig_http_server *s = serve((ig_http_opts){.queue_max = 300});
    int fd[300];
    port = ig_http_server_port(s);
    for (int i = 0; i < 300; i++) fd[i] = raw_connect(port);
    for (int i = 0; i < 300; i++)
        raw_send(fd[i], i % 3 ? "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n" : "GET /count HTTP/1.1\r\nHost: x\r\n\r\n");
    for (int i = 0; i < 300; i++) {
        assert_int_equal(raw_answer(fd[i], answer, sizeof answer), 200);
        close(fd[i]);
    }
    ig_http_server_close(s);
}

static void *drain(void *server) {
    ig_error err = {0};
    return ig_http_server_drain(server, 20000, &err) == IG_OK ? server : NULL;
}

static void draining_finishes_what_runs(void **state) {
    (void)state;
    ig_http_server *s = serve((ig_http_opts){0});
    pthread_t thread;
    void *drained = NULL;
    port = ig_http_server_port(s);
    int running = raw_connect(port), idle = raw_connect(port);
    raw_send(idle, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(raw_answer(idle, answer, sizeof answer), 200);
    raw_send(running, "GET /sleep?ms=500 HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(wait_for(&started, 2, 10000));
    assert_int_equal(pthread_create(&thread, NULL, drain, s), 0);
    assert_true(raw_ended(idle, 10000));
    assert_int_equal(raw_answer(running, answer, sizeof answer), 200);
    assert_non_null(strstr(answer, "Connection: close\r\n"));
    assert_string_equal(raw_body(answer), "slept");
    assert_true(raw_ended(running, 10000));
    pthread_join(thread, &drained);
    assert_ptr_equal(drained, s);
    close(running);
    close(idle);
    ig_http_server_close(s);
}

static void draining_gives_up_and_closing_cuts(void **state) {
    (void)state;
    ig_http_server *s = serve((ig_http_opts){.threads = 2});
    ig_error err = {0};
    int fd[8];
    port = ig_http_server_port(s);
    for (int i = 0; i < 8; i++)
        raw_send(fd[i] = raw_connect(port), i % 2 ? "GET /sleep HTTP/1.1\r\n" END : "GET /flood HTTP/1.1\r\n" END);
    assert_true(wait_for(&started, 2, 10000));
    check_fails(ig_http_server_drain(s, 100, &err), IG_E_CANCELLED);
    assert_non_null(strstr(err.message, "requests still run"));
    ig_http_server_close(s);
    assert_true(atomic_load(&gone_seen) >= 2);
    for (int i = 0; i < 8; i++) close(fd[i]);
}

static void opening_and_closing_under_fire(void **state) {
    (void)state;
    for (int round = 0; round < 20; round++) {
        ig_http_server *s = serve((ig_http_opts){0});
        int fd[20];
        port = ig_http_server_port(s);
        static const char *const requests[] = {"GET /echo HTTP/1.1\r\n" END, "GET /sleep HTTP/1.1\r\n" END,
                                               "GET /count HTTP/1.1\r\n" END, "GET",
                                               "POST /echo HTTP/1.1\r\nContent-Length: 9\r\n" END};
        for (int i = 0; i < 20; i++) raw_send(fd[i] = raw_connect(port), requests[(i + round) % 5]);
        for (int i = 0; i < round; i++) close(fd[i]);
        ig_http_server_close(s);
        for (int i = round; i < 20; i++) close(fd[i]);
    }
    ig_http_server_close(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slow_and_idle_connections_hinder_nobody),
        cmocka_unit_test(three_hundred_connections_are_served),
        cmocka_unit_test(draining_finishes_what_runs),
        cmocka_unit_test(draining_gives_up_and_closing_cuts),
        cmocka_unit_test(opening_and_closing_under_fire),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
