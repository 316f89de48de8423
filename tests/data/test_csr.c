/* Sparse rows: what the format allows is read, what it does not is refused by line; two published files. */
#include "../text/data.h"
#include "ingot/tabular.h"

static void rows_are_read_in_the_order_of_their_indices(void **state) {
    const char *text = "# first a remark\n1 qid:7 3:0.5 1:-2e1 # why\r\n\n-1 qid:8 2:+1\n0 qid:8";
    ig_csr x;
    ig_error err = {0};
    (void)state;
    check_ok(ig_csr_parse("a.txt", text, strlen(text), &x, &err));
    assert_int_equal(x.rows, 3);
    assert_int_equal(x.columns, 4);
    assert_int_equal(x.entries, 3);
    assert_true(x.index[0] == 1 && x.value[0] == -20 && x.index[1] == 3 && x.value[1] == 0.5f && x.index[2] == 2);
    assert_true(x.start[0] == 0 && x.start[1] == 2 && x.start[2] == 3 && x.start[3] == 3);
    assert_true(x.label[0] == 1 && x.label[1] == -1 && x.query[0] == 7 && x.query[2] == 8);
    ig_csr_fini(&x);
}

static void damaged_files_are_refused_by_line(void **state) {
    static const struct { const char *text; int line; } cases[] = {
        {"", 0}, {"\n# nothing\n", 0}, {"x 1:1\n", 1}, {"1 2\n", 1}, {"1 1:1\n1 a:1\n", 2}, {"1 1:b\n", 1}, {"1 1:\n", 1}, {"1 :1\n", 1},
        {"1 -1:1\n", 1}, {"1 1:1 1:2\n", 1}, {"1 5:1 3:1 5:2\n", 1}, {"1 1073741824:1\n", 1}, {"1 99999999999999999999:1\n", 1},
        {"1 1:nan\n", 1}, {"1 1:1e999\n", 1}, {"1 1:0x10\n", 1}, {"1 qid:1 1:1\n1 1:1\n", 2}, {"1 1:1\n1 qid:1 1:1\n", 2}, {"1 qid:-1\n", 1},
        {"1 1:1 qid:3\n", 1}, {"1 1:0000000000000000000000000000000000000000000000000000000000000000000001\n", 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ig_csr x;
        ig_error err = {0};
        if (ig_csr_parse("a.txt", cases[i].text, strlen(cases[i].text), &x, &err) != IG_E_FORMAT || err.line != cases[i].line)
            fail_msg("case %zu: %s in line %d: %s", i, ig_status_name(err.code), err.line, err.message);
    }
    ig_csr x;
    check_fails(ig_csr_parse("a.txt", "1 1:1\0 2:2\n", 11, &x, NULL), IG_E_FORMAT);
}

static void failed_allocations_are_reported(void **state) {
    const char *text = "1 qid:1 3:1 2:2\n0 qid:2 1:1\n";
    (void)state;
    for (uint64_t n = 1;; n++) {
        ig_csr x;
        ig_alloc_fail_at(n);
        ig_status s = ig_csr_parse("a.txt", text, strlen(text), &x, NULL);
        ig_alloc_fail_at(0);
        ig_csr_fini(&x);
        if (s == IG_OK) break;
        assert_int_equal(s, IG_E_NOMEM);
    }
}

/* Figures of the archives' descriptions. */
static void published_files_have_their_sizes(void **state) {
    char folder[768], path[1024];
    ig_csr x;
    ig_error err = {0};
    size_t positive = 0;
    (void)state;
    if (data_folder("frappe", folder, sizeof folder)) {
        snprintf(path, sizeof path, "%s/frappe.test.libfm", folder);
        check_ok(ig_csr_load(path, &x, &err));
        for (size_t i = 0; i < x.rows; i++) positive += x.label[i] > 0;
        assert_true(x.rows == 28860 && positive == 9536 && x.entries == 10 * x.rows && x.columns <= 5382 && !x.query);
        ig_csr_fini(&x);
    }
    if (data_folder("ltr-lightgbm", folder, sizeof folder)) {
        snprintf(path, sizeof path, "%s/rank.train", folder);
        check_ok(ig_csr_load(path, &x, &err));
        assert_true(x.rows == 3005 && x.columns == 301);
        ig_csr_fini(&x);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_read_in_the_order_of_their_indices), cmocka_unit_test(damaged_files_are_refused_by_line),
        cmocka_unit_test(failed_allocations_are_reported), cmocka_unit_test(published_files_have_their_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
