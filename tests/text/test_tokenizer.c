/* Encoding and decoding: what goes in comes out, special tokens are safe, nothing hangs. */
#include "../check.h"

#include "ingot/text.h"

static ig_error err;

static const char corpus[] =
    "The quick brown fox jumps over the lazy dog. The quick brown fox doesn't jump.\n"
    "To be, or not to be, that is the question: whether 'tis nobler in the mind to suffer\n\n"
    "the slings and arrows of outrageous fortune, 1234 5678    spaces\t\ttabs\r\n"
    "\xe4\xbd\xa0\xe5\xa5\xbd\xef\xbc\x8c\xe4\xb8\x96\xe7\x95\x8c\xe3\x80\x82 \xe4\xbd\xa0\xe5\xa5\xbd \xf0\x9f\x98\x80\xf0\x9f\x98\x80 caf\xc3\xa9\n";

static const char *const end_of_text[] = {"<|endoftext|>", "<|pad|>"};

static ig_tokenizer *train(ig_tokenizer_kind kind, size_t size, bool fallback, bool special) {
    ig_tokenizer *t;
    ig_tokenizer_train_opts opts = {.byte_fallback = fallback, .special = end_of_text, .special_count = special ? 2 : 0};
    check_ok(ig_tokenizer_train(kind, size, corpus, sizeof corpus - 1, &opts, &t, &err));
    return t;
}

/* The kinds that can encode anything. */
static ig_tokenizer *complete(int which) {
    return which ? train(IG_TOKENIZER_CHAR, 0, true, true) : train(IG_TOKENIZER_BPE, 400, false, true);
}

static void check_round_trip(const ig_tokenizer *t, const char *s, size_t n) {
    ig_ids ids = {0};
    ig_buf out = {.max = 1 << 26};
    check_ok(ig_tokenizer_encode(t, s, n, 0, &ids, &err));
    check_ok(ig_tokenizer_decode(t, ids.data, ids.len, 0, &out, &err));
    assert_int_equal(out.len, n);
    if (n) assert_memory_equal(out.data, s, n);
    for (size_t i = 0; i < ids.len; i++) assert_false(ig_tokenizer_is_special(t, ids.data[i]));
    ig_ids_fini(&ids);
    ig_buf_fini(&out);
}

static void random_bytes_come_back_unchanged(void **state) {
    (void)state;
    for (int which = 0; which < 2; which++) {
        ig_tokenizer *t = complete(which);
        ig_rng rng;
        ig_rng_init(&rng, 7, 1);
        char s[2048];
        for (int round = 0; round < 400; round++) {
            size_t n = ig_rng_below(&rng, sizeof s);
            uint32_t range = round % 4 == 0 ? 256 : round % 4 == 1 ? 128 : 4;
            for (size_t i = 0; i < n; i++) s[i] = (char)(ig_rng_below(&rng, range) + (range == 4 ? 0xbe : 0));
            check_round_trip(t, s, n);
        }
        ig_tokenizer_free(t);
    }
}

static void pieces_of_the_corpus_come_back_even_cut_inside_characters(void **state) {
    (void)state;
    for (int which = 0; which < 2; which++) {
        ig_tokenizer *t = complete(which);
        for (size_t from = 0; from < sizeof corpus - 1; from += 3)
            for (size_t to = from; to < sizeof corpus - 1; to += 5) check_round_trip(t, corpus + from, to - from);
        ig_tokenizer_free(t);
    }
}

static void empty_text_has_no_ids(void **state) {
    (void)state;
    ig_tokenizer *t = complete(0);
    check_round_trip(t, "", 0);
    check_round_trip(t, NULL, 0);
    ig_tokenizer_free(t);
}

static void special_tokens_come_only_when_asked_for(void **state) {
    (void)state;
    const char text[] = "a<|endoftext|><|pad|>b<|endoftext";
    for (int which = 0; which < 2; which++) {
        ig_tokenizer *t = complete(which);
        int32_t end = ig_tokenizer_find(t, "<|endoftext|>", 13), pad = ig_tokenizer_find(t, "<|pad|>", 7);
        assert_int_equal(ig_tokenizer_special_count(t), 2);
        assert_int_equal(ig_tokenizer_special_get(t, 0), end);
        assert_int_equal(ig_tokenizer_special_get(t, 1), pad);
        assert_int_equal(ig_tokenizer_special_get(t, 2), -1);
        if (which == 0) check_round_trip(t, text, sizeof text - 1);
        ig_ids ids = {0};
        check_ok(ig_tokenizer_encode(t, text, sizeof text - 1, IG_ENCODE_SPECIAL, &ids, &err));
        assert_int_equal(ids.data[1], end);
        assert_int_equal(ids.data[2], pad);
        for (size_t i = 3; i < ids.len; i++) assert_false(ig_tokenizer_is_special(t, ids.data[i]));
        ig_buf out = {.max = 1000};
        check_ok(ig_tokenizer_decode(t, ids.data, ids.len, 0, &out, &err));
        assert_string_equal(out.data, text);
        ig_buf_clear(&out);
        check_ok(ig_tokenizer_decode(t, ids.data, ids.len, IG_DECODE_SKIP_SPECIAL, &out, &err));
        assert_string_equal(out.data, "ab<|endoftext");
        ig_ids_fini(&ids);
        ig_buf_fini(&out);
        ig_tokenizer_free(t);
    }
}

static void ids_are_appended_and_kept_on_failure(void **state) {
    (void)state;
    ig_tokenizer *t = train(IG_TOKENIZER_CHAR, 0, false, false);
    ig_ids ids = {0};
    check_ok(ig_tokenizer_encode(t, "The", 3, 0, &ids, &err));
    check_fails(ig_tokenizer_encode(t, "The ~", 5, 0, &ids, &err), IG_E_NOT_FOUND);
    assert_non_null(strstr(err.message, "byte offset 4"));
    assert_non_null(strstr(err.message, "U+007E"));
    assert_int_equal(ids.len, 3);
    check_fails(ig_tokenizer_encode(t, "q\xff", 2, 0, &ids, &err), IG_E_NOT_FOUND);
    assert_non_null(strstr(err.message, "byte offset 1"));
    check_ok(ig_tokenizer_encode(t, "The", 3, 0, &ids, &err));
    assert_int_equal(ids.len, 6);
    assert_int_equal(ids.data[3], ids.data[0]);
    ig_ids_fini(&ids);
    ig_tokenizer_free(t);
}

static void ids_outside_of_the_vocabulary_are_refused(void **state) {
    (void)state;
    ig_tokenizer *t = complete(0);
    ig_buf out = {.max = 100};
    int32_t bad[] = {3, -1}, worse[] = {(int32_t)ig_tokenizer_count(t)};
    check_fails(ig_tokenizer_decode(t, bad, 2, 0, &out, &err), IG_E_ARG);
    assert_non_null(strstr(err.message, "position 1"));
    check_fails(ig_tokenizer_decode(t, worse, 1, 0, &out, &err), IG_E_ARG);
    size_t len;
    assert_null(ig_tokenizer_token(t, -1, &len));
    assert_null(ig_tokenizer_token(t, worse[0], &len));
    ig_buf_fini(&out);
    ig_tokenizer_free(t);
}

static void every_token_is_found_by_its_bytes(void **state) {
    (void)state;
    for (int which = 0; which < 2; which++) {
        ig_tokenizer *t = complete(which);
        for (size_t id = 0; id < ig_tokenizer_count(t); id++) {
            size_t len;
            const char *s = ig_tokenizer_token(t, (int32_t)id, &len);
            int32_t found = ig_tokenizer_find(t, s, len);
            if (which == 0 || len != 1 || found == (int32_t)id) assert_int_equal(found, id);
        }
        assert_int_equal(ig_tokenizer_find(t, "no such token", 13), -1);
        assert_int_equal(ig_tokenizer_find(t, "", 0), -1);
        ig_tokenizer_free(t);
    }
}

static void a_saved_tokenizer_gives_the_same_ids_and_the_same_file(void **state) {
    (void)state;
    for (int which = 0; which < 3; which++) {
        ig_tokenizer *t = which == 2 ? train(IG_TOKENIZER_CHAR, 0, false, false) : complete(which), *u;
        ig_buf one = {.max = 1 << 20}, two = {.max = 1 << 20};
        check_ok(ig_tokenizer_format(t, &one, &err));
        check_ok(ig_tokenizer_parse("one", one.data, one.len, &u, &err));
        check_ok(ig_tokenizer_format(u, &two, &err));
        assert_string_equal(one.data, two.data);
        assert_int_equal(ig_tokenizer_get_kind(t), ig_tokenizer_get_kind(u));
        ig_ids a = {0}, b = {0};
        check_ok(ig_tokenizer_encode(t, corpus, sizeof corpus - 1, 0, &a, &err));
        check_ok(ig_tokenizer_encode(u, corpus, sizeof corpus - 1, 0, &b, &err));
        assert_int_equal(a.len, b.len);
        assert_memory_equal(a.data, b.data, a.len * sizeof *a.data);
        ig_ids_fini(&a);
        ig_ids_fini(&b);
        ig_buf_fini(&one);
        ig_buf_fini(&two);
        ig_tokenizer_free(t);
        ig_tokenizer_free(u);
    }
}

static void own_patterns_and_ignore_merges_survive_saving(void **state) {
    (void)state;
    ig_tokenizer *t = train(IG_TOKENIZER_BPE, 300, false, false), *u;
    ig_buf file = {.max = 1 << 20}, edited = {.max = 1 << 20}, again = {.max = 1 << 20};
    check_ok(ig_tokenizer_format(t, &file, &err));
    char *at = strstr(file.data, "\"pre_tokenizer\""), *post = strstr(file.data, "\"post_processor\"");
    ig_buf_append(&edited, file.data, (size_t)(at - file.data));
    ig_buf_puts(&edited, "\"pre_tokenizer\": {\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Digits\", \"individual_digits\": true},"
                         "{\"type\": \"Split\", \"pattern\": {\"Regex\": \"\\\\s+|[^\\\\s]\"}, \"behavior\": \"Isolated\"},"
                         "{\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"use_regex\": false}]},");
    ig_buf_puts(&edited, post);
    char *flag = strstr(edited.data, "\"ignore_merges\": false");
    assert_non_null(flag);
    memcpy(flag, "\"ignore_merges\":  true", 22);
    check_ok(ig_tokenizer_parse("edited", edited.data, edited.len, &u, &err));
    check_ok(ig_tokenizer_format(u, &again, &err));
    assert_non_null(strstr(again.data, "\\\\s+|[^\\\\s]"));
    assert_non_null(strstr(again.data, "\\\\p{N}"));
    assert_non_null(strstr(again.data, "\"ignore_merges\": true"));
    ig_ids ids = {0};
    check_ok(ig_tokenizer_encode(u, "the  the", 8, 0, &ids, &err));
    assert_true(ids.len >= 7); /* every letter is a word of its own now */
    check_round_trip(u, corpus, sizeof corpus - 1);
    ig_ids_fini(&ids);
    ig_buf_fini(&file);
    ig_buf_fini(&edited);
    ig_buf_fini(&again);
    ig_tokenizer_free(t);
    ig_tokenizer_free(u);
}

static void a_pattern_that_explodes_is_stopped(void **state) {
    (void)state;
    ig_tokenizer *t = train(IG_TOKENIZER_BPE, 300, false, false), *u;
    ig_buf file = {.max = 1 << 20}, edited = {.max = 1 << 20};
    check_ok(ig_tokenizer_format(t, &file, &err));
    char *at = strstr(file.data, "\"pre_tokenizer\""), *post = strstr(file.data, "\"post_processor\"");
    ig_buf_append(&edited, file.data, (size_t)(at - file.data));
    ig_buf_puts(&edited, "\"pre_tokenizer\": {\"type\": \"Sequence\", \"pretokenizers\": ["
                         "{\"type\": \"Split\", \"pattern\": {\"Regex\": \"(a|aa|b?a)+$\"}, \"behavior\": \"Isolated\"},"
                         "{\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"use_regex\": false}]},");
    ig_buf_puts(&edited, post);
    check_ok(ig_tokenizer_parse("edited", edited.data, edited.len, &u, &err));
    ig_buf text = {.max = 1 << 20};
    for (int i = 0; i < 5000; i++) ig_buf_putc(&text, 'a');
    ig_buf_putc(&text, 'c');
    ig_ids ids = {0};
    double start = ig_clock();
    check_fails(ig_tokenizer_encode(u, text.data, text.len, 0, &ids, &err), IG_E_LIMIT);
    assert_true(ig_clock() - start < 30);
    ig_buf_fini(&file);
    ig_buf_fini(&edited);
    ig_buf_fini(&text);
    ig_tokenizer_free(t);
    ig_tokenizer_free(u);
}

/* 1 MB each.  A method that is quadratic in the length of a word would take hours. */
static void hostile_megabytes_are_encoded_quickly(void **state) {
    (void)state;
    static const char *const unit[] = {"a", " ", "ab", "\n", "\xff", "a\xff", "\xe4\xbd\xa0", "'", "<|endoftext|", "1", " \n", "\xf0\x9f\x98\x80", "the", "\xcc\x81"};
    for (int which = 0; which < 2; which++) {
        ig_tokenizer *t = complete(which);
        for (size_t u = 0; u < sizeof unit / sizeof *unit; u++) {
            ig_buf text = {.max = 2 << 20};
            while (text.len < 1 << 20) ig_buf_puts(&text, unit[u]);
            ig_buf_putc(&text, 'z');
            double start = ig_clock();
            check_round_trip(t, text.data, text.len);
            ig_ids ids = {0};
            check_ok(ig_tokenizer_encode(t, text.data, text.len, IG_ENCODE_SPECIAL, &ids, &err));
            ig_ids_fini(&ids);
            double seconds = ig_clock() - start;
            if (seconds > 10) fail_msg("1 MB of \"%s\" took %.1f s", unit[u], seconds);
            ig_buf_fini(&text);
        }
        ig_tokenizer_free(t);
    }
}

/* Long words take the heap, short ones the scan: both must give the merges in the same order. */
static void long_words_merge_as_short_ones_do(void **state) {
    (void)state;
    ig_tokenizer *t, *u;
    const char text[] = " abababab abcabcabc aaaa aaaabbbb cabcab cab ab abc aaaaaaaa";
    ig_tokenizer_train_opts opts = {.min_count = 1};
    check_ok(ig_tokenizer_train(IG_TOKENIZER_BPE, 280, text, sizeof text - 1, &opts, &t, &err));
    u = t;
    ig_rng rng;
    ig_rng_init(&rng, 3, 3);
    for (int round = 0; round < 500; round++) {
        char word[48 * 3], twice[sizeof word * 2];
        size_t n = 1 + ig_rng_below(&rng, 24);
        for (size_t i = 0; i < n; i++) word[i] = (char)('a' + ig_rng_below(&rng, 3));
        /* the word, then a byte that merges with nothing, then 60 more of it: a long word of letters */
        memcpy(twice, word, n);
        for (size_t i = 0; i < 60; i++) twice[n + i] = 'z';
        ig_ids small = {0}, large = {0};
        check_ok(ig_tokenizer_encode(t, word, n, 0, &small, &err));
        check_ok(ig_tokenizer_encode(u, twice, n + 60, 0, &large, &err));
        assert_int_equal(large.len, small.len + 60);
        assert_memory_equal(small.data, large.data, small.len * sizeof *small.data);
        ig_ids_fini(&small);
        ig_ids_fini(&large);
    }
    ig_tokenizer_free(t);
}

static void kinds_have_names(void **state) {
    (void)state;
    ig_tokenizer_kind k;
    check_ok(ig_tokenizer_kind_parse("char", &k, &err));
    assert_int_equal(k, IG_TOKENIZER_CHAR);
    assert_string_equal(ig_tokenizer_kind_name(k), "char");
    check_ok(ig_tokenizer_kind_parse("bpe", &k, &err));
    assert_string_equal(ig_tokenizer_kind_name(k), "bpe");
    check_fails(ig_tokenizer_kind_parse("wordlevel", &k, &err), IG_E_ARG);
    check_fails(ig_tokenizer_kind_parse(NULL, &k, &err), IG_E_ARG);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_bytes_come_back_unchanged),
        cmocka_unit_test(pieces_of_the_corpus_come_back_even_cut_inside_characters),
        cmocka_unit_test(empty_text_has_no_ids),
        cmocka_unit_test(special_tokens_come_only_when_asked_for),
        cmocka_unit_test(ids_are_appended_and_kept_on_failure),
        cmocka_unit_test(ids_outside_of_the_vocabulary_are_refused),
        cmocka_unit_test(every_token_is_found_by_its_bytes),
        cmocka_unit_test(a_saved_tokenizer_gives_the_same_ids_and_the_same_file),
        cmocka_unit_test(own_patterns_and_ignore_merges_survive_saving),
        cmocka_unit_test(a_pattern_that_explodes_is_stopped),
        cmocka_unit_test(hostile_megabytes_are_encoded_quickly),
        cmocka_unit_test(long_words_merge_as_short_ones_do),
        cmocka_unit_test(kinds_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
