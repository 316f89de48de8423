/* tests/net/test_http_tls.c: TLS with a certificate that `openssl req` makes for the test; skipped without openssl. */
#include "raw.h"

#include <unistd.h>

static char folder[] = "/tmp/ingot-tls-XXXXXX", cert[100], key[100];

static ig_status take(void *arg, uint64_t at, const void *bytes, size_t len, ig_error *err) {
    (void)at;
    ig_buf_append(arg, bytes, len);
    return ig_buf_status(arg, err);
}

static void answers_and_streams_are_encrypted(void **state) {
    (void)state;
    ig_http_server *s = serve((ig_http_opts){.cert_file = cert, .key_file = key});
    ig_http_answer answer;
    ig_error err = {0};
    ig_buf got = {.max = 1 << 20};
    char url[100];
    snprintf(url, sizeof url, "https://localhost:%d/count", ig_http_server_port(s));
    ig_http_call call = {.url = url, .ca_file = cert, .on_bytes = take, .arg = &got};
    check_ok(ig_http_get(&call, &answer, &err));
    assert_int_equal(answer.status, 200);
    assert_int_equal(got.len, 10 * strlen("退款多久到账？"));
    call.ca_file = NULL; /* nobody vouches for it */
    check_fails(ig_http_get(&call, &answer, &err), IG_E_IO);
    ig_buf_fini(&got);
    ig_http_server_close(s);
}

static bool is_gone_wanted(void *arg) {
    return atomic_load((atomic_int *)arg) > 0;
}

static void a_client_that_vanishes_is_noticed(void **state) {
    (void)state;
    ig_http_server *s = serve((ig_http_opts){.cert_file = cert, .key_file = key});
    ig_http_answer answer;
    ig_error err = {0};
    char url[100];
    snprintf(url, sizeof url, "https://localhost:%d/sleep", ig_http_server_port(s));
    ig_http_call call = {.url = url, .ca_file = cert, .cancelled = is_gone_wanted, .arg = &started};
    check_fails(ig_http_get(&call, &answer, &err), IG_E_CANCELLED);
    assert_true(wait_for(&gone_seen, 1, 10000));
    ig_http_server_close(s);
}

static void slow_handshakes_are_cut(void **state) {
    (void)state;
    ig_http_server *s = serve((ig_http_opts){.cert_file = cert, .key_file = key, .header_timeout_ms = 200});
    int silent = raw_connect(ig_http_server_port(s)), plain = raw_connect(ig_http_server_port(s));
    raw_send(plain, "\x16\x03\x01");
    assert_true(raw_ended(silent, 10000));
    assert_true(raw_ended(plain, 10000));
    close(silent);
    close(plain);
    ig_http_server_close(s);
}

static void wrong_files_are_told(void **state) {
    (void)state;
    ig_http_server *s = NULL;
    ig_error err = {0};
    check_fails(ig_http_server_open(&(ig_http_opts){.cert_file = cert, .key_file = "/nowhere.pem"}, handle, NULL, &s, &err),
                IG_E_NOT_FOUND);
    check_fails(ig_http_server_open(&(ig_http_opts){.cert_file = key, .key_file = cert}, handle, NULL, &s, &err), IG_E_IO);
    assert_non_null(strstr(err.message, "does not start"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_and_streams_are_encrypted),
        cmocka_unit_test(a_client_that_vanishes_is_noticed),
        cmocka_unit_test(slow_handshakes_are_cut),
        cmocka_unit_test(wrong_files_are_told),
    };
    char command[512];
    if (!mkdtemp(folder)) return 1;
    snprintf(cert, sizeof cert, "%s/cert.pem", folder);
    snprintf(key, sizeof key, "%s/key.pem", folder);
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost "
             "-addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout %s -out %s >/dev/null 2>&1",
             key, cert);
    if (system(command) != 0) {
        printf("SKIP net http_tls: openssl is not there to make a certificate\n");
        ig_dir_remove(folder, NULL);
        return 77;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    ig_dir_remove(folder, NULL);
    return failed;
}
