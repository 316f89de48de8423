/* tests/base/hash.c: checksums against published vectors; UTF-8 over every code point; the edit distance. */
#include "../check.h"

#include "base/hash.h"

/* RFC 3720, appendix B.4, and the check value of the CRC catalogue. */
static void crc32c_gives_the_vectors_of_rfc_3720(void **state) {
    (void)state;
    unsigned char bytes[32];
    assert_int_equal(ig_crc32c(0, "123456789", 9), 0xE3069283);
    memset(bytes, 0, 32);
    assert_int_equal(ig_crc32c(0, bytes, 32), 0x8A9136AA);
    memset(bytes, 0xFF, 32);
    assert_int_equal(ig_crc32c(0, bytes, 32), 0x62A8AB43);
    for (int i = 0; i < 32; i++) bytes[i] = (unsigned char)i;
    assert_int_equal(ig_crc32c(0, bytes, 32), 0x46DD794E);
    assert_int_equal(ig_crc32c(0, NULL, 0), 0);
}

static void crc32c_continues_and_both_ways_agree(void **state) {
    (void)state;
    unsigned char bytes[100];
    for (int i = 0; i < 100; i++) bytes[i] = (unsigned char)(i * 37 + 11);
    uint32_t whole = ig_crc32c(0, bytes, 100);
    for (size_t cut = 0; cut <= 100; cut++) {
        assert_int_equal(ig_crc32c(ig_crc32c(0, bytes, cut), bytes + cut, 100 - cut), whole);
        assert_int_equal(ig_crc32c_portable(0, bytes, cut), ig_crc32c(0, bytes, cut));
    }
}

/* FIPS 180-4 examples (NIST CSRC "SHA256.pdf") and the long vector of a million a's. */
static void sha256_gives_the_vectors_of_nist(void **state) {
    (void)state;
    char out[65];
    ig_sha256_hex("", 0, out);
    assert_string_equal(out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    ig_sha256_hex("abc", 3, out);
    assert_string_equal(out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    ig_sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, out);
    assert_string_equal(out, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    char *a = malloc(1000000);
    memset(a, 'a', 1000000);
    ig_sha256_hex(a, 1000000, out);
    assert_string_equal(out, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(a);
}

static void hash64_spreads_and_depends_on_all(void **state) {
    (void)state;
    enum { SLOTS = 256, KEYS = 25600 };
    int count[SLOTS] = {0};
    for (uint32_t i = 0; i < KEYS; i++) count[ig_hash64(&i, sizeof i, 0) % SLOTS]++;
    double chi = 0;
    for (int i = 0; i < SLOTS; i++) chi += (count[i] - 100.0) * (count[i] - 100.0) / 100;
    assert_true(chi < 350); /* 255 degrees of freedom: 99.99 % below 346 */
    char bytes[64] = {0};
    for (size_t n = 0; n < 64; n++) {
        assert_true(ig_hash64(bytes, n, 0) != ig_hash64(bytes, n + 1, 0));
        assert_true(ig_hash64(bytes, n, 0) != ig_hash64(bytes, n, 1));
        uint64_t before = ig_hash64(bytes, 64, 9);
        bytes[n] = 1;
        assert_true(ig_hash64(bytes, 64, 9) != before);
        bytes[n] = 0;
    }
}

static void every_code_point_goes_out_and_in(void **state) {
    (void)state;
    for (uint32_t cp = 0; cp <= 0x110000; cp++) {
        char out[4];
        uint32_t back = 0;
        size_t n = ig_utf8_encode(cp, out);
        bool valid = cp <= 0x10FFFF && !(cp >= 0xD800 && cp <= 0xDFFF);
        if (!valid) {
            assert_int_equal(n, 0);
            continue;
        }
        if (ig_utf8_decode(out, n, &back) != n || back != cp) fail_msg("U+%04X", cp);
        if (ig_utf8_decode(out, n - 1, &back) != 0) fail_msg("U+%04X, cut", cp);
    }
}

static void broken_utf8_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "\x80",         "\xC0\x80",         "\xC1\xBF",         "\xE0\x80\x80", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xED\xBF\xBF",
        "\xF0\x80\x80\x80", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xE4\xBD", "\xF0\x9F\x98",
        "\xC3(",        "abcdefgh\xE4\xBDx",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(ig_utf8_valid(bad[i], strlen(bad[i])));
    assert_true(ig_utf8_valid("plain and 你好 \xF0\x9F\x98\x80 to the end", 33));
}

static void edit_distance_counts_slips_up_to_its_bound(void **state) {
    (void)state;
    static const struct {
        const char *a, *b;
        int bound, distance;
    } rows[] = {
        {"", "", 2, 0},         {"lr", "lr", 2, 0},           {"warmpu", "warmup", 3, 1}, {"kitten", "sitting", 5, 3},
        {"kitten", "sitting", 2, 3}, {"", "abc", 5, 3},       {"退款", "退货", 2, 1},     {"abcdef", "zzzzzz", 1, 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(ig_edit_distance(rows[i].a, rows[i].b, rows[i].bound), rows[i].distance);
        assert_int_equal(ig_edit_distance(rows[i].b, rows[i].a, rows[i].bound), rows[i].distance);
    }
    char longer[200];
    memset(longer, 'a', 199);
    longer[199] = '\0';
    assert_int_equal(ig_edit_distance(longer, longer, 3), 0);
    assert_int_equal(ig_edit_distance(longer, "a", 3), 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc32c_gives_the_vectors_of_rfc_3720),
        cmocka_unit_test(crc32c_continues_and_both_ways_agree),
        cmocka_unit_test(sha256_gives_the_vectors_of_nist),
        cmocka_unit_test(hash64_spreads_and_depends_on_all),
        cmocka_unit_test(every_code_point_goes_out_and_in),
        cmocka_unit_test(broken_utf8_is_refused),
        cmocka_unit_test(edit_distance_counts_slips_up_to_its_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
