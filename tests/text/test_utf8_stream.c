/* Text that arrives in pieces goes out in whole characters, whatever the pieces are. */
#include "../check.h"

#include "ingot/text.h"

static const char mixed[] = "a\xc3\xa9\xe4\xbd\xa0\xf0\x9f\x98\x80z";

static void whole_characters_come_out_however_the_text_is_cut(void **state) {
    (void)state;
    size_t n = sizeof mixed - 1;
    for (unsigned cuts = 0; cuts < 1u << (n - 1); cuts++) {
        ig_utf8_stream s = {0};
        ig_buf out = {.max = 100};
        for (size_t from = 0, to = 1; to <= n; to++) {
            if (to < n && !(cuts >> (to - 1) & 1)) continue;
            ig_utf8_stream_push(&s, mixed + from, to - from, &out);
            assert_true(ig_utf8_valid(out.data ? out.data : "", out.len));
            from = to;
        }
        assert_int_equal(s.count, 0);
        assert_string_equal(out.data, mixed);
        ig_buf_fini(&out);
    }
}

/* Expected by the table 3-8 of Unicode 15; U+FFFD is written as '?' here. */
static void broken_sequences_become_one_replacement_per_maximal_part(void **state) {
    (void)state;
    static const struct { const char *in, *out; } row[] = {
        {"\xff", "?"},
        {"\xc0\x80", "??"},
        {"\xed\xa0\x80", "???"},
        {"\xf4\x90\x80\x80", "????"},
        {"\xe4\xbd", "?"},
        {"\xe4\xbd" "a", "?a"},
        {"\xf0\x9f\x98", "?"},
        {"\xf0\x9f\x98\xf0\x9f\x98\x80", "?\xf0\x9f\x98\x80"},
        {"a\xf1\x80\x80\xe1\x80\xc2" "b\x80" "c\x80\xbf" "d", "a???b?c??d"},
        {"\xe0\x80\x80", "???"},
        {"\xc3\xc3\xa9", "?\xc3\xa9"},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        for (size_t step = 1; step < 4; step++) {
            ig_utf8_stream s = {0};
            ig_buf out = {.max = 100}, seen = {.max = 100};
            size_t n = strlen(row[i].in);
            for (size_t at = 0; at < n; at += step) ig_utf8_stream_push(&s, row[i].in + at, n - at < step ? n - at : step, &out);
            ig_utf8_stream_finish(&s, &out);
            for (size_t at = 0; at < out.len; at++) {
                bool replaced = out.len - at >= 3 && !memcmp(out.data + at, "\xef\xbf\xbd", 3);
                ig_buf_putc(&seen, replaced ? '?' : out.data[at]);
                if (replaced) at += 2;
            }
            assert_string_equal(seen.data, row[i].out);
            ig_buf_fini(&out);
            ig_buf_fini(&seen);
        }
    }
}

static void random_bytes_always_come_out_as_valid_utf8(void **state) {
    (void)state;
    ig_rng rng;
    ig_rng_init(&rng, 1, 2);
    for (int round = 0; round < 3000; round++) {
        ig_utf8_stream s = {0};
        ig_buf out = {.max = 10000};
        for (int piece = 0; piece < 20; piece++) {
            char bytes[7];
            size_t n = ig_rng_below(&rng, sizeof bytes + 1);
            for (size_t i = 0; i < n; i++) bytes[i] = (char)ig_rng_below(&rng, 256);
            ig_utf8_stream_push(&s, bytes, n, &out);
            assert_true(s.count < 4);
        }
        ig_utf8_stream_finish(&s, &out);
        assert_true(ig_utf8_valid(out.data ? out.data : "", out.len));
        ig_buf_fini(&out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_characters_come_out_however_the_text_is_cut),
        cmocka_unit_test(broken_sequences_become_one_replacement_per_maximal_part),
        cmocka_unit_test(random_bytes_always_come_out_as_valid_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
