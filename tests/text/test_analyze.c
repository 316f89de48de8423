/* tests/text/test_analyze.c: terms, n-grams and languages of texts; every failing allocation. */
#include "../check.h"

#include "ingot/analyze.h"
#include "ingot/limits.h"

/* "text/kind@position text/kind@position …" */
static const char *listed(unsigned flags, const char *text, ig_buf *out) {
    ig_error err;
    ig_analyzer *a;
    const ig_term *t;
    size_t n;
    check_ok(ig_analyzer_new(&(ig_analyze_opts){.flags = flags}, &a, &err));
    check_ok(ig_analyze(a, text, strlen(text), &t, &n, &err));
    ig_buf_clear(out);
    for (size_t i = 0; i < n; i++) {
        char kind = t[i].kind == IG_TERM_WORD ? 'w' : t[i].kind == IG_TERM_CHINESE ? 'c' : t[i].kind == IG_TERM_BIGRAM ? 'b' : 'n';
        ig_buf_printf(out, "%s%s/%c%u", i ? " " : "", t[i].text, kind, t[i].position);
        assert_int_equal(strlen(t[i].text), t[i].len);
        assert_true(t[i].begin < t[i].end && t[i].end <= strlen(text));
    }
    ig_analyzer_free(a);
    return out->data ? out->data : "";
}

static void terms_are_as_expected(void **state) {
    (void)state;
    const struct {
        unsigned flags;
        const char *text, *terms;
    } rows[] = {
        {0, "", ""},
        {0, " ,.!? ", ""},
        {0, "Refunds are QUICKLY processed", "refund/w0 are/w1 quick/w2 process/w3"},
        {IG_ANALYZE_NO_STEMS, "Refunds are ﬁne", "refunds/w0 are/w1 fine/w2"},
        {0, "buy A4-2000x now", "buy/w0 a4-2000x/n1 now/w2"},
        {IG_ANALYZE_PARTS, "A4-2000x now", "a4-2000x/n0 a4/n0 2000x/n0 now/w1"},
        {0, "￥199 or $1,299.50, 5%.", "¥199/n0 or/w1 $1,299.50/n2 5%/n3"},
        {IG_TERM_CHINESE, "退款多久到账？", "退款/c0 多久/c1 到/c2 账/c3"},
        {IG_TERM_BIGRAM, "退款多久", "退款/b0 款多/b0 多久/b1"},
        {IG_TERM_CHINESE | IG_TERM_BIGRAM, "退款多久", "退款/c0 款多/b0 多久/c1"},
        {IG_TERM_CHINESE, "軟體開發", "软体/c0 开发/c1"},
        {IG_TERM_BIGRAM, "我 a", "我/b0"},
        {0, "用iPhone15退款", "用/c0 iphone15/n1 退款/c2"},
        {0, "don't", "don't/w0"},
        {0, "Cafe\xcc\x81 \xff""caf\xc3\x89", "café/w0 café/w1"},
        {0, "Ｆｕｌｌ　ｗｉｄｔｈ", "full/w0 width/w1"},
    };
    ig_buf out = {.max = 1 << 16};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) assert_string_equal(listed(rows[i].flags, rows[i].text, &out), rows[i].terms);
    ig_buf_fini(&out);
}

static void ranges_name_the_bytes_of_the_text(void **state) {
    (void)state;
    ig_error err;
    ig_analyzer *a;
    const ig_term *t;
    size_t n;
    const char *text = "Die ＡＢＣ 軟體 cafe\xcc\x81s";
    const char *pieces[] = {"Die", "ＡＢＣ", "軟體", "cafe\xcc\x81s"};
    check_ok(ig_analyzer_new(NULL, &a, &err));
    check_ok(ig_analyze(a, text, strlen(text), &t, &n, &err));
    assert_int_equal(n, 4);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(t[i].end - t[i].begin, strlen(pieces[i]));
        assert_memory_equal(text + t[i].begin, pieces[i], strlen(pieces[i]));
    }
    ig_analyzer_free(a);
}

static size_t gram_count(ig_analyzer *a, const char *text, int from, int to, bool bounded) {
    ig_error err;
    const uint64_t *h;
    size_t n;
    check_ok(ig_analyze_ngrams(a, text, strlen(text), from, to, bounded, &h, &n, &err));
    return n;
}

static void ngrams_are_those_of_the_padded_text(void **state) {
    (void)state;
    ig_error err;
    ig_analyzer *a;
    const uint64_t *h;
    size_t n;
    check_ok(ig_analyzer_new(NULL, &a, &err));
    assert_int_equal(gram_count(a, "", 1, 3, false), 0);
    assert_int_equal(gram_count(a, " \n", 1, 3, true), 0);
    assert_int_equal(gram_count(a, "ab", 2, 3, false), 3 + 2);         /* " ab " */
    assert_int_equal(gram_count(a, "ab  cd", 3, 3, false), 5);         /* " ab cd " */
    assert_int_equal(gram_count(a, "ab  cd", 3, 3, true), 4);          /* " ab ", " cd " */
    assert_int_equal(gram_count(a, "a bcde", 5, 5, true), 1 + 2);      /* " a " itself, " bcde " */
    check_ok(ig_analyze_ngrams(a, "AB\tab", 5, 4, 4, true, &h, &n, &err));
    assert_int_equal(n, 2);
    assert_true(h[0] == h[1]);
    check_fails(ig_analyze_ngrams(a, "a", 1, 0, 1, true, &h, &n, &err), IG_E_ARG);
    check_fails(ig_analyze_ngrams(a, "a", 1, 1, IG_NGRAM_MAX + 1, true, &h, &n, &err), IG_E_ARG);
    ig_analyzer_free(a);
}

static void languages_are_guessed_by_script(void **state) {
    (void)state;
    const struct {
        const char *text;
        ig_language language;
    } rows[] = {
        {"", IG_LANGUAGE_OTHER}, {"123 !?", IG_LANGUAGE_OTHER}, {"How long does a refund take?", IG_LANGUAGE_EN},
        {"a café", IG_LANGUAGE_OTHER}, {"The small café near the station is closed", IG_LANGUAGE_EN},
        {"退款多久到账？", IG_LANGUAGE_ZH}, {"我的iPhone退款多久到账？", IG_LANGUAGE_ZH},
        {"please refund 退款 now", IG_LANGUAGE_MIXED}, {"Сколько ждать возврата", IG_LANGUAGE_OTHER}, {"返金はいつですか", IG_LANGUAGE_OTHER},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(ig_language_name(ig_text_language(rows[i].text, strlen(rows[i].text))), ig_language_name(rows[i].language));
}

static void wrong_use_is_refused(void **state) {
    (void)state;
    ig_error err;
    ig_analyzer *a;
    const ig_term *t;
    size_t n;
    check_fails(ig_analyzer_new(&(ig_analyze_opts){.stemmer = "klingon"}, &a, &err), IG_E_NOT_FOUND);
    check_ok(ig_analyzer_new(NULL, &a, &err));
    check_fails(ig_analyze(a, "", (size_t)IG_ANALYZE_BYTES_MAX + 1, &t, &n, &err), IG_E_LIMIT);
    ig_analyzer_free(a);
}

static ig_status all_calls(ig_error *err) {
    const char *text = "Refunds of the A4-2000x: 退款多久到账？ ﷺ";
    const ig_term *t;
    const uint64_t *h;
    size_t n;
    ig_analyzer *a = NULL;
    IG_TRY(ig_analyzer_new(NULL, &a, err));
    ig_status s = ig_analyze(a, text, strlen(text), &t, &n, err);
    if (s == IG_OK) s = ig_analyze_ngrams(a, text, strlen(text), 1, 12, false, &h, &n, err);
    ig_analyzer_free(a);
    return s;
}

static void failed_allocations_are_reported(void **state) {
    (void)state;
    ig_status s = IG_E_NOMEM;
    uint64_t n = 1;
    for (; s != IG_OK; n++) {
        ig_error err;
        ig_alloc_fail_at(n);
        s = all_calls(&err);
        ig_alloc_fail_at(0);
        assert_true(s == IG_OK || s == IG_E_NOMEM);
    }
    assert_true(n > 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(terms_are_as_expected), cmocka_unit_test(ranges_name_the_bytes_of_the_text),
        cmocka_unit_test(ngrams_are_those_of_the_padded_text), cmocka_unit_test(languages_are_guessed_by_script),
        cmocka_unit_test(wrong_use_is_refused), cmocka_unit_test(failed_allocations_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
