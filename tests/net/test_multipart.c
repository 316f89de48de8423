/* tests/net/test_multipart.c: multipart/form-data as clients send it, and a table of damaged bodies.
 *
 * A form that libcurl makes, over HTTP, is in test_http_client.c.
 */
#include "../check.h"

#include "ingot/net.h"

#define TYPE "multipart/form-data; boundary=XX"

static ig_multipart *parse(const char *type, const char *body) {
    ig_multipart *m = NULL;
    ig_error err = {0};
    check_ok(ig_multipart_parse(type, body, strlen(body), 0, &m, &err));
    return m;
}

static void check_part(const ig_multipart *m, size_t i, const char *name, const char *filename, const char *type,
                       const char *bytes) {
    const ig_multipart_part *p = ig_multipart_at(m, i);
    assert_non_null(p);
    assert_string_equal(p->name, name);
    assert_string_equal(p->filename ? p->filename : "(none)", filename ? filename : "(none)");
    assert_string_equal(p->content_type ? p->content_type : "(none)", type ? type : "(none)");
    assert_int_equal(p->len, strlen(bytes));
    assert_memory_equal(p->bytes, bytes, p->len);
}

static void parts_of_common_clients(void **state) {
    (void)state;
    ig_multipart *m = parse("multipart/form-data; boundary=------------------------d74496d66958873e",
                            "--------------------------d74496d66958873e\r\n"
                            "Content-Disposition: form-data; name=\"purpose\"\r\n\r\nfine-tune\r\n"
                            "--------------------------d74496d66958873e\r\n"
                            "Content-Disposition: form-data; name=\"file\"; filename=\"a \\\"b\\\".jsonl\"\r\n"
                            "Content-Type: application/octet-stream\r\n\r\n{\"a\":1}\r\n\r\n"
                            "--------------------------d74496d66958873e--\r\n");
    assert_int_equal(ig_multipart_count(m), 2);
    check_part(m, 0, "purpose", NULL, NULL, "fine-tune");
    check_part(m, 1, "file", "a \"b\".jsonl", "application/octet-stream", "{\"a\":1}\r\n");
    assert_ptr_equal(ig_multipart_get(m, "file"), ig_multipart_at(m, 1));
    assert_null(ig_multipart_get(m, "other"));
    assert_null(ig_multipart_at(m, 2));
    ig_multipart_free(m);
    m = parse("Multipart/Form-Data; charset=utf-8; Boundary=\"a b\"",
              "a preamble\r\n--a b\r\ncontent-disposition: FORM-DATA; filename=\"\xe9\x80\x80.csv\"; name=f%22g\r\nX-Other: "
              "1\r\n\r\n\r\n--a b--epilogue\r\n--a b--");
    assert_int_equal(ig_multipart_count(m), 1);
    check_part(m, 0, "f\"g", "\xe9\x80\x80.csv", NULL, "\r\n--a b--epilogue");
    ig_multipart_free(m);
}

static void content_is_untouched(void **state) {
    (void)state;
    ig_multipart *m = parse(TYPE, "--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n--XX \t\r\n"
                                  "Content-Disposition: form-data; name=b\r\n\r\n--XX-\r\n\r\n--XXY\r\n\r\n\r\n--XX--");
    assert_int_equal(ig_multipart_count(m), 2);
    check_part(m, 0, "a", NULL, NULL, "");
    check_part(m, 1, "b", NULL, NULL, "--XX-\r\n\r\n--XXY\r\n\r\n");
    ig_multipart_free(m);
    static const char zeros[] = "--XX\r\nContent-Disposition: form-data; name=\"\"\r\n\r\na\0b\xff\r\n--XX--";
    ig_error err = {0};
    check_ok(ig_multipart_parse(TYPE, zeros, sizeof zeros - 1, 0, &m, &err));
    assert_string_equal(ig_multipart_at(m, 0)->name, "");
    assert_int_equal(ig_multipart_at(m, 0)->len, 4);
    assert_memory_equal(ig_multipart_at(m, 0)->bytes, "a\0b\xff", 4);
    ig_multipart_free(m);
    m = parse(TYPE, "--XX--");
    assert_int_equal(ig_multipart_count(m), 0);
    ig_multipart_free(m);
}

#define CD "Content-Disposition: form-data; name=a"

static const struct {
    const char *type, *body;
    ig_status status;
} damaged[] = {
    {NULL, "", IG_E_FORMAT},
    {"", "", IG_E_FORMAT},
    {"application/json", "{}", IG_E_FORMAT},
    {"multipart/form-data", "--XX--", IG_E_FORMAT},
    {"multipart/form-data; boundary=", "--XX--", IG_E_FORMAT},
    {"multipart/form-data; boundary=\"XX", "--XX--", IG_E_FORMAT},
    {"multipart/form-data; boundary", "--XX--", IG_E_FORMAT},
    {"multipart/form-data; boundary=12345678901234567890123456789012345678901234567890123456789012345678901", "", IG_E_FORMAT},
    {"multipart/form-data; boundary=\"X \"", "--X --", IG_E_FORMAT},
    {TYPE, "", IG_E_FORMAT},
    {TYPE, "--XX", IG_E_FORMAT},
    {TYPE, "--XX\r\n", IG_E_FORMAT},
    {TYPE, "--XX\n" CD "\n\nx\n--XX--", IG_E_FORMAT},
    {TYPE, "text", IG_E_FORMAT},
    {TYPE, "--XX\r\n\r\nx\r\n--XX--", IG_E_FORMAT},
    {TYPE, "--XX\r\n" CD, IG_E_FORMAT},
    {TYPE, "--XX\r\n" CD "\r\n", IG_E_FORMAT},
    {TYPE, "--XX\r\n" CD "\r\n\r\n", IG_E_FORMAT},
    {TYPE, "--XX\r\n" CD "\r\n\r\nx", IG_E_FORMAT},
    {TYPE, "--XX\r\n" CD "\r\n\r\nx\r\n--XX", IG_E_FORMAT},
    {TYPE, "--XX\r\n" CD "\r\n\r\nx\r\n--XX-", IG_E_FORMAT},
    {TYPE, "--XX\r\n" CD "\r\n\r\nx\r\n--XX\r\n", IG_E_FORMAT},
    {TYPE, "--XX\r\n" CD "\r\n" CD "\r\n\r\nx\r\n--XX--", IG_E_FORMAT},
    {TYPE, "--XX\r\n" CD "; name=b\r\n\r\nx\r\n--XX--", IG_E_FORMAT},
    {TYPE, "--XX\r\nContent-Disposition: attachment; name=a\r\n\r\nx\r\n--XX--", IG_E_FORMAT},
    {TYPE, "--XX\r\nContent-Disposition: form-data; name=\"a\r\n\r\nx\r\n--XX--", IG_E_FORMAT},
    {TYPE, "--XX\r\nContent-Disposition: form-data; name=\"a\\\"\r\n\r\nx\r\n--XX--", IG_E_FORMAT},
    {TYPE, "--XX\r\nContent-Disposition: form-data; =a\r\n\r\nx\r\n--XX--", IG_E_FORMAT},
    {TYPE, "--XX\r\nContent-Disposition: form-data; name=\"a\"b\r\n\r\nx\r\n--XX--", IG_E_FORMAT},
    {TYPE, "--XX\r\nContent-Disposition: form-data; filename=a\r\n\r\nx\r\n--XX--", IG_E_FORMAT},
    {TYPE, "--XX\r\nContent-Disposition: form-data; name=\"a\tb\"\r\n\r\nx\r\n--XX--", IG_E_FORMAT},
    {TYPE, "--XX\r\nContent-Disposition: form-data; name=\"\xff\"\r\n\r\nx\r\n--XX--", IG_E_FORMAT},
    {TYPE, "--XX\r\n" CD "\r\nbroken\r\n\r\nx\r\n--XX--", IG_E_FORMAT},
    {TYPE, "--XX\r\n" CD "\r\n: x\r\n\r\nx\r\n--XX--", IG_E_FORMAT},
    {TYPE, "--XX\r\n" CD "\r\n folded: x\r\n\r\nx\r\n--XX--", IG_E_FORMAT},
    {TYPE, "--XX\r\n" CD "\r\nContent-Transfer-Encoding: base64\r\n\r\nx\r\n--XX--", IG_E_UNSUPPORTED},
};

static void damaged_bodies_are_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        ig_multipart *m = NULL;
        ig_error err = {0};
        size_t len = strlen(damaged[i].body);
        char *exact = malloc(len + !len); /* so that a sanitizer sees a read past the end */
        memcpy(exact, damaged[i].body, len);
        ig_status status = ig_multipart_parse(damaged[i].type, exact, len, 0, &m, &err);
        free(exact);
        if (status != damaged[i].status) fail_msg("damaged body %zu: %s", i, ig_status_name(status));
        assert_null(m);
        assert_true(err.message[0] != '\0');
    }
}

static void parts_and_their_headers_are_bounded(void **state) {
    (void)state;
    ig_buf b = {.max = 1 << 20};
    ig_multipart *m = NULL;
    ig_error err = {0};
    for (int i = 0; i < 65; i++) ig_buf_puts(&b, "--XX\r\n" CD "\r\n\r\nx\r\n");
    ig_buf_puts(&b, "--XX--");
    check_fails(ig_multipart_parse(TYPE, b.data, b.len, 0, &m, &err), IG_E_LIMIT);
    check_ok(ig_multipart_parse(TYPE, b.data, b.len, 65, &m, &err));
    ig_multipart_free(m);
    ig_buf_clear(&b);
    ig_buf_puts(&b, "--XX\r\nX: ");
    for (int i = 0; i < 9000; i++) ig_buf_putc(&b, 'x');
    ig_buf_puts(&b, "\r\n" CD "\r\n\r\nx\r\n--XX--");
    check_fails(ig_multipart_parse(TYPE, b.data, b.len, 0, &m, &err), IG_E_LIMIT);
    ig_buf_fini(&b);
}

static void survives_every_failed_allocation(void **state) {
    (void)state;
    static const char body[] =
        "--XX\r\nContent-Disposition: form-data; name=a; filename=b\r\nContent-Type: c\r\n\r\nx\r\n--XX--";
    for (int n = 1; n < 100; n++) {
        ig_multipart *m = NULL;
        ig_error err = {0};
        ig_alloc_fail_at((uint64_t)n);
        ig_status status = ig_multipart_parse(TYPE, body, sizeof body - 1, 0, &m, &err);
        ig_alloc_fail_at(0);
        ig_multipart_free(m);
        if (status == IG_OK) {
            assert_int_equal(n, 6); /* the list, its parts, three texts */
            return;
        }
        assert_int_equal(status, IG_E_NOMEM);
    }
    fail_msg("the call never succeeds");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_of_common_clients),          cmocka_unit_test(content_is_untouched),
        cmocka_unit_test(damaged_bodies_are_refused),       cmocka_unit_test(parts_and_their_headers_are_bounded),
        cmocka_unit_test(survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
