/* tests/base/json.c: what the JSON reader takes, and that the writer's texts read back as the same values. */
#include "../check.h"

#include <float.h>
#include <locale.h>
#include <math.h>

#include "ingot/limits.h"

static ig_doc *parse(const char *text) {
    ig_error err;
    ig_doc *d = NULL;
    check_ok(ig_json_parse("t.json", text, strlen(text), &d, &err));
    return d;
}

static void values_have_type_value_and_line(void **state) {
    (void)state;
    ig_doc *d = parse("{\n \"i\": -12,\n \"r\": 2.5e3,\n\n \"t\": \"x\",\n \"l\": [1,\n  true, null],\n \"m\": {}}\n");
    const ig_tree *r = ig_doc_root(d);
    assert_int_equal(r->type, IG_TREE_MAP);
    assert_int_equal(r->line, 1);
    assert_int_equal(r->count, 5);
    assert_int_equal(ig_tree_int(r, "i", 0), -12);
    assert_true(ig_tree_real(r, "i", 0) == -12 && ig_tree_real(r, "r", 0) == 2500);
    assert_string_equal(ig_tree_text(r, "t", ""), "x");
    assert_int_equal(ig_tree_get(r, "t")->line, 5);
    const ig_tree *l = ig_tree_get(r, "l");
    assert_int_equal(l->count, 3);
    assert_int_equal(l->child->next->line, 7);
    assert_true(l->child->next->boolean);
    assert_int_equal(l->child->next->next->type, IG_TREE_NULL);
    assert_null(ig_tree_get(r, "m")->child);
    assert_null(ig_tree_get(r, "absent"));
    assert_string_equal(ig_doc_name(d), "t.json");
    ig_doc_free(d);
}

static void escapes_become_their_characters(void **state) {
    (void)state;
    ig_doc *d = parse("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\", \"\\u00e9\\u4f60\\uD83D\\uDE00\", \"a\\u0000b\", \"你好\"]");
    const ig_tree *t = ig_doc_root(d)->child;
    assert_string_equal(t->text, "\"\\/\b\f\n\r\t");
    assert_string_equal(t->next->text, "\xC3\xA9\xE4\xBD\xA0\xF0\x9F\x98\x80");
    assert_int_equal(t->next->next->text_len, 3);
    assert_memory_equal(t->next->next->text, "a\0b", 4);
    assert_string_equal(t->next->next->next->text, "你好");
    ig_doc_free(d);
}

static void numbers_keep_their_kind(void **state) {
    (void)state;
    ig_doc *d = parse("\xEF\xBB\xBF[9223372036854775807, -9223372036854775808, 9223372036854775808, 1.0, 1E+2, 5e-324, 0]");
    const ig_tree *t = ig_doc_root(d)->child;
    assert_true(t->type == IG_TREE_INT && t->integer == INT64_MAX);
    t = t->next;
    assert_true(t->type == IG_TREE_INT && t->integer == INT64_MIN);
    t = t->next;
    assert_true(t->type == IG_TREE_REAL && t->real == 9223372036854775808.0);
    t = t->next;
    assert_true(t->type == IG_TREE_REAL && t->real == 1);
    t = t->next;
    assert_true(t->type == IG_TREE_REAL && t->real == 100);
    t = t->next;
    assert_true(t->type == IG_TREE_REAL && t->real == 5e-324);
    ig_doc_free(d);
}

static void depth_is_allowed_up_to_the_limit(void **state) {
    (void)state;
    ig_error err;
    ig_doc *d;
    char text[2 * IG_TREE_DEPTH_MAX + 8] = "";
    memset(text, '[', IG_TREE_DEPTH_MAX);
    memset(text + IG_TREE_DEPTH_MAX, ']', IG_TREE_DEPTH_MAX);
    check_ok(ig_json_parse("deep", text, 2 * IG_TREE_DEPTH_MAX, &d, &err));
    ig_doc_free(d);
    char *hostile = malloc(1 << 20);
    memset(hostile, '[', 1 << 20);
    check_fails(ig_json_parse("deep", hostile, 1 << 20, &d, &err), IG_E_LIMIT);
    assert_null(d);
    free(hostile);
}

static void large_map_is_read_in_linear_time_and_keeps_its_order(void **state) {
    (void)state;
    enum { KEYS = 200000 };
    ig_buf b = {.max = 64 << 20};
    ig_buf_putc(&b, '{');
    for (int i = 0; i < KEYS; i++) ig_buf_printf(&b, "%s\"k%d\":%d", i ? ",\n" : "", i, i);
    ig_buf_putc(&b, '}');
    double start = ig_clock();
    ig_doc *d = parse(b.data);
    assert_true(ig_clock() - start < 10); /* seconds; a scan of all earlier keys for each key takes minutes */
    int i = 0;
    for (const ig_tree *t = ig_doc_root(d)->child; t; t = t->next, i++) assert_true(t->integer == i && t->line == i + 1);
    assert_int_equal(i, KEYS);
    ig_doc_free(d);
    ig_error err;
    ig_buf_clear(&b);
    ig_buf_putc(&b, '{');
    for (i = 0; i < KEYS; i++) ig_buf_printf(&b, "\"k%d\":1,\n", i);
    ig_buf_puts(&b, "\"k777\":2}");
    check_fails(ig_json_parse("big", b.data, b.len, &d, &err), IG_E_FORMAT);
    assert_int_equal(err.line, KEYS + 1);
    assert_non_null(strstr(err.message, "line 778"));
    ig_buf_fini(&b);
}

static void writer_keeps_commas_and_quotes_right(void **state) {
    (void)state;
    ig_buf b = {.max = 1000};
    ig_json j = {.out = &b};
    ig_json_open(&j, '{');
    ig_json_key(&j, "a\"b");
    ig_json_open(&j, '[');
    ig_json_int(&j, 1);
    ig_json_real(&j, 0.1);
    ig_json_real(&j, NAN);
    ig_json_bool(&j, true);
    ig_json_close(&j, ']');
    ig_json_key(&j, "e");
    ig_json_open(&j, '{');
    ig_json_close(&j, '}');
    ig_json_key(&j, "t");
    ig_json_text_n(&j, "x\n\x01\xFF\xE4\xBD\xA0", 7);
    ig_json_key(&j, "n");
    ig_json_null(&j);
    ig_json_close(&j, '}');
    assert_string_equal(b.data, "{\"a\\\"b\":[1,0.1,null,true],\"e\":{},\"t\":\"x\\n\\u0001\xEF\xBF\xBD\xE4\xBD\xA0\",\"n\":null}");
    ig_buf_fini(&b);
}

static void indented_tree_reads_well_and_reads_back(void **state) {
    (void)state;
    const char *text = "{\n  \"a\": [\n    1,\n    {\n      \"b\": null\n    }\n  ],\n  \"c\": {}\n}";
    ig_doc *d = parse(text);
    ig_buf b = {.max = 1000};
    ig_json j = {.out = &b, .indent = 2};
    ig_json_tree(&j, ig_doc_root(d));
    assert_string_equal(b.data, text);
    ig_buf_fini(&b);
    ig_doc_free(d);
}

static void writer_refuses_to_nest_deeper_than_the_reader(void **state) {
    (void)state;
    ig_buf b = {.max = 10000};
    ig_json j = {.out = &b};
    for (int i = 0; i < 100; i++) ig_json_open(&j, '[');
    for (int i = 0; i < 100; i++) ig_json_close(&j, ']');
    assert_int_equal(ig_buf_status(&b, NULL), IG_E_LIMIT);
    ig_buf_fini(&b);
}

static void reals_round_trip_in_any_locale(void **state) {
    (void)state;
    static const double values[] = {0.1, 1.0 / 3, 5e-324, DBL_MAX, -0.0, 1e21, 123456789.125, 0x1.fffffffffffffp-3, 3.0};
    setlocale(LC_ALL, "de_DE.UTF-8"); /* a decimal comma, where the machine has this locale */
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        ig_buf b = {.max = 100};
        ig_json j = {.out = &b};
        ig_json_real(&j, values[i]);
        ig_doc *d = parse(b.data);
        double back = ig_doc_root(d)->real;
        assert_true(back == values[i]);
        ig_doc_free(d);
        ig_buf_fini(&b);
    }
    setlocale(LC_ALL, "C");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_have_type_value_and_line),
        cmocka_unit_test(escapes_become_their_characters),
        cmocka_unit_test(numbers_keep_their_kind),
        cmocka_unit_test(depth_is_allowed_up_to_the_limit),
        cmocka_unit_test(large_map_is_read_in_linear_time_and_keeps_its_order),
        cmocka_unit_test(writer_keeps_commas_and_quotes_right),
        cmocka_unit_test(indented_tree_reads_well_and_reads_back),
        cmocka_unit_test(writer_refuses_to_nest_deeper_than_the_reader),
        cmocka_unit_test(reals_round_trip_in_any_locale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
