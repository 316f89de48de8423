/* tests/net/test_http_client.c: our client against our server, whose other side is tested by raw sockets. */
#include "raw.h"

#include <curl/curl.h>

static ig_http_server *server;
static char base[64], other[64];

/* /go?to=…: a redirect; /auth: who asks; /bytes: 100 bytes, with ranges; /fixed: a redirect to another origin */
static void redirect(ig_http_request *req, const char *to) {
    (void)ig_http_header_add(req, "Location", to, NULL);
    (void)ig_http_reply(req, 302, "text/plain", "moved", 5, NULL);
}

static void ranges(ig_http_request *req) {
    char bytes[100], text[64];
    const char *range = ig_http_request_header(req, "Range"), *kind = ig_http_request_query(req, "q");
    size_t from = range && !kind ? strtoul(range + 6, NULL, 10) : 0;
    for (int i = 0; i < 100; i++) bytes[i] = (char)i;
    if (kind && strcmp(kind, "wrong") == 0) snprintf(text, sizeof text, "bytes 0-99/100");
    else snprintf(text, sizeof text, "bytes %zu-99/100", from);
    (void)ig_http_header_add(req, "ETag", "\"e1\"", NULL);
    bool partial = range && (!kind || strcmp(kind, "wrong") == 0);
    if (partial) (void)ig_http_header_add(req, "Content-Range", text, NULL);
    (void)ig_http_reply(req, partial ? 206 : 200, "application/octet-stream", bytes + from, 100 - from, NULL);
}

/* "name|filename|type|length;" of each part */
static void tell_form(ig_http_request *req) {
    size_t len;
    const void *body = ig_http_request_body(req, &len);
    ig_multipart *m = NULL;
    ig_buf b = {.max = 1 << 16};
    if (ig_multipart_parse(ig_http_request_header(req, "Content-Type"), body, len, 0, &m, NULL) == IG_OK)
        for (size_t i = 0; i < ig_multipart_count(m); i++) {
            const ig_multipart_part *p = ig_multipart_at(m, i);
            ig_buf_printf(&b, "%s|%s|%s|%zu;", p->name, p->filename ? p->filename : "-",
                          p->content_type ? p->content_type : "-", p->len);
        }
    ig_multipart_free(m);
    (void)ig_http_reply(req, 200, "text/plain", b.data ? b.data : "", b.len, NULL);
    ig_buf_fini(&b);
}

static void serve_client(void *arg, ig_http_request *req) {
    const char *verb = ig_http_request_segment(req, 0), *to = ig_http_request_query(req, "to");
    const char *auth = ig_http_request_header(req, "Authorization"), *x = ig_http_request_header(req, "X-Mine");
    char text[256];
    if (verb && strcmp(verb, "go") == 0 && to) redirect(req, to);
    else if (verb && strcmp(verb, "away") == 0) redirect(req, other);
    else if (verb && strcmp(verb, "bytes") == 0) ranges(req);
    else if (verb && strcmp(verb, "form") == 0) tell_form(req);
    else if (verb && strcmp(verb, "auth") == 0) {
        snprintf(text, sizeof text, "%s %s", auth ? auth : "nobody", x ? x : "-");
        (void)ig_http_reply(req, 200, "text/plain", text, strlen(text), NULL);
    } else handle(arg, req);
}

static ig_buf got = {.max = 1 << 20};
static uint64_t first_at;

static ig_status take(void *arg, uint64_t at, const void *bytes, size_t len, ig_error *err) {
    (void)arg;
    if (!got.len) first_at = at;
    ig_buf_append(&got, bytes, len);
    return ig_buf_status(&got, err);
}

static ig_http_answer answer;
static ig_error err;

static ig_status get(const char *path, ig_http_call call) {
    char url[512];
    snprintf(url, sizeof url, "%s%s", *path == '/' ? base : "", path);
    if (!call.url) call.url = url;
    if (!call.on_bytes) call.on_bytes = take;
    ig_buf_clear(&got);
    return call.body ? ig_http_post(&call, &answer, &err) : ig_http_get(&call, &answer, &err);
}

static void get_and_post_reach_the_server(void **state) {
    (void)state;
    check_ok(get("/echo?q=%20x", (ig_http_call){0}));
    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.content_type, "text/plain");
    assert_non_null(strstr(got.data, "GET /echo q= x"));
    check_ok(get("/echo", (ig_http_call){.body = "hello", .body_len = 5}));
    assert_non_null(strstr(got.data, "POST /echo"));
    assert_non_null(strstr(got.data, "\nhello"));
    check_ok(get("/count", (ig_http_call){0}));
    assert_int_equal(got.len, 10 * strlen("退款多久到账？"));
    check_ok(get("/nowhere", (ig_http_call){0}));
    assert_int_equal(answer.status, 404);
    assert_int_equal(got.len, 0);
    assert_non_null(strstr(answer.detail, "there is no such route"));
}

static void large_bodies_go_through(void **state) {
    (void)state;
    size_t n = 3 << 20; /* large enough that libcurl asks first */
    char *body = calloc(n, 1);
    check_ok(get("/size", (ig_http_call){.body = body, .body_len = n}));
    assert_string_equal(got.data, "3145728");
    free(body);
}

static size_t keep(char *bytes, size_t size, size_t n, void *arg) {
    ig_buf_append(arg, bytes, size * n);
    return size * n;
}

static void a_form_of_libcurl_is_read(void **state) {
    (void)state;
    static const char data[100000] = {'\r', '\n', '-', '-'};
    char url[128];
    CURL *easy = curl_easy_init();
    curl_mime *form = curl_mime_init(easy);
    curl_mimepart *purpose = curl_mime_addpart(form), *file = curl_mime_addpart(form);
    snprintf(url, sizeof url, "%s/form", base);
    curl_mime_name(purpose, "purpose");
    curl_mime_data(purpose, "fine-tune", CURL_ZERO_TERMINATED);
    curl_mime_name(file, "file");
    curl_mime_data(file, data, sizeof data);
    curl_mime_filename(file, "退款 \"a\".csv");
    curl_mime_type(file, "text/csv");
    ig_buf_clear(&got);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_MIMEPOST, form);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &got);
    assert_int_equal(curl_easy_perform(easy), CURLE_OK);
    assert_string_equal(got.data, "purpose|-|-|9;file|退款 \"a\".csv|text/csv|100000;");
    curl_mime_free(form);
    curl_easy_cleanup(easy);
}

static void transfers_resume(void **state) {
    (void)state;
    check_ok(get("/bytes", (ig_http_call){.offset = 40, .if_range = "\"e1\""}));
    assert_int_equal(answer.status, 206);
    assert_int_equal(first_at, 40);
    assert_int_equal(got.len, 60);
    assert_int_equal(got.data[0], 40);
    assert_int_equal(answer.total_bytes, 100);
    assert_string_equal(answer.etag, "\"e1\"");
    check_ok(get("/bytes?q=whole", (ig_http_call){.offset = 40})); /* the server sends all of it */
    assert_int_equal(answer.status, 200);
    assert_int_equal(first_at, 0);
    assert_int_equal(got.len, 100);
    check_fails(get("/bytes?q=wrong", (ig_http_call){.offset = 40}), IG_E_FORMAT);
    assert_int_equal(got.len, 0);
}

static void redirects_keep_the_rules(void **state) {
    (void)state;
    const char *const headers[] = {"Authorization: Bearer k", "X-Mine: m"};
    ig_http_call call = {.headers = headers, .header_count = 2};
    check_ok(get("/go?to=/auth", call));
    assert_string_equal(got.data, "Bearer k m");
    check_ok(get("/away", call)); /* the same server by another name is another origin */
    assert_string_equal(got.data, "nobody m");
    check_fails(get("/go?to=ftp://x/", (ig_http_call){0}), IG_E_ARG);
    check_fails(get("/go?to=file:///etc/passwd", (ig_http_call){0}), IG_E_ARG);
    check_fails(get("/go?to=http://u:p@x/", (ig_http_call){0}), IG_E_ARG);
    check_fails(get("/go?to=/go?to=/go", (ig_http_call){.redirects_max = 1}), IG_E_LIMIT);
    check_ok(get("/go?to=/auth", (ig_http_call){.redirects_max = -1}));
    assert_int_equal(answer.status, 302);
    assert_string_equal(answer.detail, "moved");
    check_ok(get("/go?to=/auth", (ig_http_call){.body = "x", .body_len = 1}));
    assert_int_equal(answer.status, 302);
}

static void urls_and_headers_are_checked(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",           "x", "ftp://127.0.0.1/", "file:///etc/passwd", "http://", "http://u:p@127.0.0.1/", "http://u@127.0.0.1/",
        "gopher://x/"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (get("", (ig_http_call){.url = bad[i]}) != IG_E_ARG) fail_msg("\"%s\" is taken", bad[i]);
    const char *const headers[] = {"X: a\r\nY: b"}, *const nameless[] = {": x"};
    check_fails(get("/echo", (ig_http_call){.headers = headers, .header_count = 1}), IG_E_ARG);
    check_fails(get("/echo", (ig_http_call){.headers = nameless, .header_count = 1}), IG_E_ARG);
    check_fails(get("/echo", (ig_http_call){.refuse_private = true}), IG_E_ARG);
    assert_non_null(strstr(err.message, "private"));
    check_fails(get("", (ig_http_call){.url = other, .refuse_private = true}), IG_E_ARG); /* by name */
    check_fails(get("", (ig_http_call){.url = "http://127.0.0.1:1/"}), IG_E_IO);
}

static ig_status stop(void *arg, uint64_t at, const void *bytes, size_t len, ig_error *e) {
    (void)arg, (void)at, (void)bytes, (void)len;
    return ig_error_set(e, IG_E_EXISTS, "enough");
}

static bool always(void *arg) {
    (void)arg;
    return true;
}

static void transfers_are_bounded(void **state) {
    (void)state;
    check_fails(get("/flood", (ig_http_call){.bytes_max = 100000}), IG_E_LIMIT);
    assert_true(got.len <= 100000);
    check_fails(get("/bytes", (ig_http_call){.bytes_max = 99}), IG_E_LIMIT);
    check_fails(get("/sleep", (ig_http_call){.total_timeout_ms = 200}), IG_E_LIMIT);
    check_fails(get("/sleep", (ig_http_call){.idle_timeout_ms = 1000}), IG_E_LIMIT);
    check_fails(get("/flood", (ig_http_call){.on_bytes = stop}), IG_E_EXISTS);
    assert_string_equal(err.message, "enough");
    check_fails(get("/flood", (ig_http_call){.cancelled = always}), IG_E_CANCELLED);
    check_fails(get("/open", (ig_http_call){0}), IG_E_IO); /* a stream that breaks off */
}

static int open_server(void **state) {
    (void)state;
    ig_http_opts opts = {.threads = 4};
    check_ok(ig_http_server_open(&opts, serve_client, NULL, &server, &err));
    snprintf(base, sizeof base, "http://127.0.0.1:%d", ig_http_server_port(server));
    snprintf(other, sizeof other, "http://localhost:%d/auth", ig_http_server_port(server));
    return 0;
}

static int close_server(void **state) {
    (void)state;
    ig_http_server_close(server);
    ig_buf_fini(&got);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(get_and_post_reach_the_server), cmocka_unit_test(large_bodies_go_through),
        cmocka_unit_test(a_form_of_libcurl_is_read),     cmocka_unit_test(transfers_resume),
        cmocka_unit_test(redirects_keep_the_rules),      cmocka_unit_test(urls_and_headers_are_checked),
        cmocka_unit_test(transfers_are_bounded),
    };
    return cmocka_run_group_tests(tests, open_server, close_server);
}
