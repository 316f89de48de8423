/* Tables: rows of every format, damaged ones named by line or refused, every failed allocation a status. */
#include "../text/data.h"
#include "ingot/documents.h"

#define XLSX "faq.xlsx" /* of tests/data/make_documents.py */

typedef struct seen {
    ig_buf text; /* "line:a|b;" for each row */
    int rows, problems, problem_line;
} seen;

static ig_status see_row(void *arg, const ig_table_row *row, ig_error *err) {
    seen *s = arg;
    ig_buf_printf(&s->text, "%d:", row->line);
    for (size_t i = 0; i < row->count; i++) ig_buf_printf(&s->text, "%s%s", i ? "|" : "", row->values[i]);
    ig_buf_putc(&s->text, ';');
    s->rows++;
    return ig_buf_status(&s->text, err);
}

static void see_problem(void *arg, const ig_error *problem) {
    seen *s = arg;
    s->problems++;
    s->problem_line = problem->line;
}

static ig_status read_all(const char *name, const void *bytes, size_t len, seen *s, ig_error *err) {
    ig_table *t;
    const ig_table_opts opts = {.problem = see_problem, .problem_arg = s};
    s->text.max = 16 << 20;
    IG_TRY(ig_table_parse(name, bytes, len, &opts, &t, err));
    ig_status status = ig_table_each(t, see_row, s, err);
    ig_table_close(t);
    return status;
}

static void expect(const char *name, const char *text, const char *rows, int problems) {
    seen s = {0};
    ig_error err = {0};
    check_ok(read_all(name, text, strlen(text), &s, &err));
    assert_string_equal(s.text.data ? s.text.data : "", rows);
    assert_int_equal(s.problems, problems);
    ig_buf_fini(&s.text);
}

static void csv_follows_rfc_4180(void **state) {
    (void)state;
    expect("a.csv", "q,a\n1,2\n", "2:1|2;", 0);
    expect("a.csv", "\xEF\xBB\xBFq,a\r\n\"x \"\"y\"\", z\",\"two\r\nlines\"\r\n\r\n3,4", "2:x \"y\", z|two\r\nlines;5:3|4;", 0);
    expect("a.csv", "q;a\n1,5;2\n2,5;3\n", "2:1,5|2;3:2,5|3;", 0);
    expect("a.csv", "q\ta\n1\t2\n", "2:1|2;", 0);
    expect("a.csv", "q|a\r1|2\r", "2:1|2;", 0);
    expect("a.csv", "q,a,,\n1,2,,\n", "2:1|2;", 0);
    expect("a.tsv", "q,x\ta\n1\t2\n", "2:1|2;", 0);
}

static void ragged_and_badly_quoted_rows_are_named_and_left_out(void **state) {
    (void)state;
    expect("a.csv", "q,a\n1,2\n1,2,3\n1\n4,5\n", "2:1|2;5:4|5;", 2);
    expect("a.csv", "q,a\n\"1\"x,2\n3,4\n", "3:3|4;", 1);
    expect("a.csv", "q,a\n1,2\n\"3,4\n5,6\n", "2:1|2;", 1);
    seen s = {.text.max = 1000};
    ig_error err = {0};
    const char *text = "q,a\n\"1\n2\",2\n1\n";
    check_ok(read_all("a.csv", text, strlen(text), &s, &err));
    assert_int_equal(s.problem_line, 4);
    ig_buf_fini(&s.text);
}

static void json_in_its_three_shapes(void **state) {
    (void)state;
    expect("a.json", "[{\"q\": \"1\", \"a\": 2.5},\n {\"b\": true, \"q\": null}]", "1:1|2.5|;2:||true;", 0);
    expect("a.json", "{\"version\": 1, \"questions\": [{\"q\": \"1\"},\n 7, {\"q\": [1, 2]}]}", "1:1;2:[1,2];", 1);
    expect("a.jsonl", "{\"q\": \"1\"}\n\n{\"q\": \"2\"}\n{oops\n[3]\n", "1:1;3:2;", 2);
    expect("a.json", "{\"q\": \"1\"}\n{\"q\": \"2\"}\n", "1:1;2:2;", 0);
}

static void damaged_tables_are_refused(void **state) {
    static const struct { const char *name, *text; ig_status status; } cases[] = {
        {"a.csv", "", IG_E_FORMAT}, {"a.csv", " \n", IG_E_FORMAT}, {"a.csv", "\"q,a\n1,2\n", IG_E_FORMAT},
        {"a.json", "{}", IG_E_FORMAT}, {"a.json", "[1, 2]", IG_E_FORMAT}, {"a.json", "[{\"q\": 1", IG_E_FORMAT}, {"a.json", "3", IG_E_FORMAT},
        {"a.json", "{\"x\": [{\"q\": 1}], \"y\": [{\"q\": 1}]}", IG_E_FORMAT}, {"a.jsonl", "oops\n", IG_E_FORMAT},
        {"a.xlsx", "PK\3\4 no zip", IG_E_FORMAT}, {"a.xls", "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1 old", IG_E_UNSUPPORTED},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        seen s = {0};
        ig_error err = {0};
        if (read_all(cases[i].name, cases[i].text, strlen(cases[i].text), &s, &err) != cases[i].status)
            fail_msg("case %zu: %s: %s", i, ig_status_name(err.code), err.message);
        assert_string_equal(err.file, cases[i].name);
        ig_buf_fini(&s.text);
    }
}

static void columns_are_found_in_both_languages_or_listed(void **state) {
    static const struct { const char *header; int question, title, answer; } cases[] = {
        {"Question,Answer,Class\n", 0, -1, 1}, {"title,question,reply,is_best\n", 1, 0, 2}, {"回复,标题\n", 1, -1, 0},
        {"编号,问题,答案\n", 1, -1, 2}, {"Question Text,answer_text\n", 0, -1, 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ig_table *t;
        ig_table_columns c;
        ig_error err = {0};
        check_ok(ig_table_parse("a.csv", cases[i].header, strlen(cases[i].header), NULL, &t, &err));
        check_ok(ig_table_find_columns(t, NULL, &c, &err));
        assert_int_equal(c.of[IG_ROLE_QUESTION] >= 0 ? c.of[IG_ROLE_QUESTION] : c.of[IG_ROLE_TITLE], cases[i].question);
        if (cases[i].title >= 0) assert_int_equal(c.of[IG_ROLE_TITLE], cases[i].title);
        assert_int_equal(c.of[IG_ROLE_ANSWER], cases[i].answer);
        ig_table_close(t);
    }
    ig_table *t;
    ig_table_columns c;
    ig_error err = {0};
    const char *given[IG_ROLE_COUNT] = {"foo", NULL, "bar"};
    check_ok(ig_table_parse("a.csv", "foo,bar\n", 8, NULL, &t, &err));
    check_fails(ig_table_find_columns(t, NULL, &c, &err), IG_E_NOT_FOUND);
    assert_non_null(strstr(err.message, "\"foo\", \"bar\""));
    check_ok(ig_table_find_columns(t, given, &c, &err));
    assert_int_equal(c.of[IG_ROLE_ANSWER], 1);
    ig_table_close(t);
}

static void read_fixture(const char *name, ig_buf *out) {
    char path[1024];
    ig_error err = {0};
    snprintf(path, sizeof path, "%s/tests/data/documents/%s", getenv("INGOT_ROOT") ? getenv("INGOT_ROOT") : ".", name);
    out->max = 64 << 20;
    check_ok(ig_file_read(path, out->max, out, &err));
}

static void a_workbook_gives_text_numbers_and_dates(void **state) {
    (void)state;
    ig_buf bytes = {0};
    seen s = {0};
    ig_error err = {0};
    read_fixture(XLSX, &bytes);
    check_ok(read_all(XLSX, bytes.data, bytes.len, &s, &err));
    assert_string_equal(s.text.data, "2:怎么退款？|3 days & more|2026-11-24|0.1|true;4:How long?|rich text|2026-11-24 09:30:00|1234567890123|;");
    ig_buf_fini(&s.text);
    ig_buf_fini(&bytes);
}

static void hostile_workbooks_are_refused(void **state) {
    static const struct { const char *name; ig_status status; } cases[] = {
        {"bomb.xlsx", IG_E_LIMIT}, {"doctype.xlsx", IG_E_FORMAT}, {"no_string.xlsx", IG_E_FORMAT}, {"no_sheet.xlsx", IG_E_FORMAT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ig_buf bytes = {0};
        seen s = {0};
        ig_error err = {0};
        read_fixture(cases[i].name, &bytes);
        if (read_all(cases[i].name, bytes.data, bytes.len, &s, &err) != cases[i].status)
            fail_msg("%s: %s: %s", cases[i].name, ig_status_name(err.code), err.message);
        ig_buf_fini(&s.text);
        ig_buf_fini(&bytes);
    }
}

/* len 0: of the text */
static void survive(const char *name, const char *text, size_t len) {
    if (!len) len = strlen(text);
    for (uint64_t n = 1;; n++) {
        seen s = {0};
        ig_error err = {0};
        ig_alloc_fail_at(n);
        ig_status status = read_all(name, text, len, &s, &err);
        ig_alloc_fail_at(0);
        ig_buf_fini(&s.text);
        if (status == IG_OK) break;
        if (status != IG_E_NOMEM) fail_msg("%s, allocation %d: %s: %s", name, (int)n, ig_status_name(status), err.message);
    }
}

static void every_failed_allocation_is_a_status(void **state) {
    (void)state;
    ig_buf bytes = {0};
    survive("a.csv", "q,a\n\"1\",2\n3\n", 0);
    survive("a.json", "{\"l\": [{\"q\": 1.5, \"a\": [2]}]}", 0);
    survive("a.jsonl", "{\"q\": \"1\"}\n{\"a\": \"2\"}\n", 0);
    read_fixture(XLSX, &bytes);
    survive(XLSX, bytes.data, bytes.len);
    ig_buf_fini(&bytes);
}

static void real_tables(void **state) {
    (void)state;
    static const struct { const char *archive, *file; int rows; } cases[] = {
        {"ecommerce-faq", "Ecommerce_FAQ_Chatbot_dataset.json", 79}, {"bank-faq", "BankFAQs.csv", 1764},
        {"zh-insurance-qa", "baoxianzhidao_filter.csv", 8362}, /* GB18030 */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char folder[1024], path[2048];
        ig_table *t;
        ig_table_columns c;
        seen s = {.text.max = 16 << 20};
        ig_error err = {0};
        if (!data_folder(cases[i].archive, folder, sizeof folder)) continue;
        snprintf(path, sizeof path, "%s/%s", folder, cases[i].file);
        check_ok(ig_table_open(path, NULL, &t, &err));
        check_ok(ig_table_find_columns(t, NULL, &c, &err));
        check_ok(ig_table_each(t, see_row, &s, &err));
        assert_int_equal(s.rows, cases[i].rows);
        ig_table_close(t);
        ig_buf_fini(&s.text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_follows_rfc_4180),
        cmocka_unit_test(ragged_and_badly_quoted_rows_are_named_and_left_out),
        cmocka_unit_test(json_in_its_three_shapes),
        cmocka_unit_test(damaged_tables_are_refused),
        cmocka_unit_test(columns_are_found_in_both_languages_or_listed),
        cmocka_unit_test(a_workbook_gives_text_numbers_and_dates),
        cmocka_unit_test(hostile_workbooks_are_refused),
        cmocka_unit_test(every_failed_allocation_is_a_status),
        cmocka_unit_test(real_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
