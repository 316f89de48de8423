/* tests/text/test_charset.c: encodings of Chinese and Western texts are found and decoded; bytes written by iconv(3). */
#include "../check.h"

#include <iconv.h>

#include "ingot/analyze.h"

static size_t encode(const char *to, const char *utf8, char *out, size_t size) {
    iconv_t c = iconv_open(to, "UTF-8");
    assert_true(c != (iconv_t)-1);
    char *in = (char *)(uintptr_t)utf8, *at = out;
    size_t left = strlen(utf8), room = size;
    assert_true(iconv(c, &in, &left, &at, &room) != (size_t)-1);
    iconv_close(c);
    return size - room;
}

static void check_text(const char *encoding, const char *name, const char *text, const char *hint) {
    ig_error err;
    char bytes[4096];
    const char *detected;
    ig_buf out = {.max = 1 << 16};
    size_t n = encode(encoding, text, bytes, sizeof bytes);
    check_ok(ig_text_to_utf8(bytes, n, hint, &out, &detected, &err));
    if (strcmp(detected, name) || strcmp(out.data, text)) fail_msg("%s as %s: %s", encoding, detected, out.data);
    ig_buf_fini(&out);
}

static void encodings_are_found(void **state) {
    (void)state;
    static const char *const simplified[] = {"退款多久到账？", "您的订单已经发货，请注意查收。", "产品质量很好", "用iPhone付款失败了怎么办",
                                             "id,question\n1,如何修改收货地址\n2,可以开发票吗\n"};
    static const char *const traditional[] = {"退款多久會到帳？", "您的訂單已經出貨，請注意查收。", "產品品質很好，我很喜歡", "如何修改收貨地址"};
    static const char *const western[] = {"Le café est fermé pour l'été.", "Größe und Maße der Tür", "price 5 €, “quoted”", "naïve"};
    static const char *const utf16[] = {"Hello", "a,b\n1,退款多久到账\n"};
    for (int i = 0; i < 5; i++) {
        check_text("GB18030", "GB18030", simplified[i], NULL);
        check_text("UTF-8", "UTF-8", simplified[i], NULL);
    }
    for (int i = 0; i < 4; i++) check_text("BIG5", "Big5", traditional[i], NULL);
    for (int i = 0; i < 4; i++) check_text("CP1252", "windows-1252", western[i], NULL);
    for (int i = 0; i < 2; i++) {
        check_text("UTF-16LE", "UTF-16LE", utf16[i], NULL);
        check_text("UTF-16BE", "UTF-16BE", utf16[i], NULL);
    }
    check_text("BIG5", "Big5", "產", "big5");
    check_text("GBK", "GB18030", "产", "gb2312");
    check_text("UTF-8", "UTF-8", "退款", "iso-8859-1");
    check_text("UTF-8", "UTF-8", "", NULL);
}

static void marks_decide_and_are_dropped(void **state) {
    (void)state;
    ig_error err;
    const char *detected;
    ig_buf out = {.max = 100};
    check_ok(ig_text_to_utf8("\xff\xfe" "a\0\x00\x90", 6, NULL, &out, &detected, &err));
    assert_string_equal(out.data, "a退");
    assert_string_equal(detected, "UTF-16LE");
    ig_buf_clear(&out);
    check_ok(ig_text_to_utf8("\xef\xbb\xbfx", 4, "gbk", &out, &detected, &err));
    assert_string_equal(out.data, "x");
    check_fails(ig_text_to_utf8("\xef\xbb\xbf\xff", 4, NULL, &out, &detected, &err), IG_E_FORMAT);
    check_fails(ig_text_to_utf8("\x7f" "ELF\0\1\2\3\0\0\0\0\0", 13, NULL, &out, &detected, &err), IG_E_FORMAT);
    ig_buf_fini(&out);
}

static void failed_allocations_are_reported(void **state) {
    (void)state;
    ig_status s = IG_E_NOMEM;
    for (uint64_t n = 1; s != IG_OK; n++) {
        ig_error err;
        ig_buf out = {.max = 100};
        ig_alloc_fail_at(n);
        s = ig_text_to_utf8("\xcd\xcb\xbf\xee", 4, NULL, &out, NULL, &err);
        ig_alloc_fail_at(0);
        ig_buf_fini(&out);
        assert_true(s == IG_OK || s == IG_E_NOMEM);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(encodings_are_found), cmocka_unit_test(marks_decide_and_are_dropped),
                                       cmocka_unit_test(failed_allocations_are_reported)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
