/* tests/store/audit.c: every touched row of the audit shows. */
#include "folder.h"

#include <sqlite3.h>

static void add(ig_store *s, const char *what) {
    ig_error err = {0};
    check_ok(ig_store_audit_add(s, &(ig_store_audit_opts){.who = "key-a", .what = what, .object = "对象", .before = "{\"a\":1}",
                                                          .after = "{\"a\":2}"}, &err));
}

static void audit_of(const char *folder, int rows) {
    ig_store *s = open_store(folder);
    for (int i = 0; i < rows; i++) add(s, "test");
    ig_store_close(s);
}

static void changes_leave_rows(void **state) {
    (void)state;
    ig_error err = {0};
    char secret[IG_STORE_SECRET_SIZE], head[65];
    ig_store_key k;
    ig_store_audit *a;
    size_t count;
    bool more;
    int64_t rows;
    ig_store *s = open_store("rows");
    check_ok(ig_store_audit_check(s, &rows, head, &err));
    assert_int_equal(rows, 0);
    check_ok(ig_store_key_new(s, &(ig_store_key_opts){.name = "n", .role = IG_ROLE_ADMIN}, secret, &k, &err));
    check_ok(ig_store_key_revoke(s, k.id, "key-boss", &err));
    ig_store_file f = new_file(s, "f", "content");
    check_ok(ig_store_file_delete(s, f.id, NULL, &err));
    check_ok(ig_store_audit_check(s, &rows, head, &err));
    assert_int_equal(rows, 4);
    check_ok(ig_store_audit_list(s, 1, 2, &a, &count, &more, &err));
    assert_int_equal(count, 2);
    assert_true(more);
    assert_int_equal(a[0].number, 2);
    assert_string_equal(a[0].who, "key-boss");
    assert_string_equal(a[0].what, "key.revoke");
    assert_string_equal(a[0].object, k.id);
    assert_string_equal(a[1].who, "local");
    assert_string_equal(a[1].what, "file.new");
    ig_store_audits_free(a, count);
    check_fails(ig_store_audit_add(s, &(ig_store_audit_opts){.what = ""}, &err), IG_E_ARG);
    check_fails(ig_store_audit_add(s, &(ig_store_audit_opts){.what = "w", .after = "{"}, &err), IG_E_FORMAT);
    ig_store_close(s);
}

/* What somebody with the file and sqlite3 could do; rc is what SQLite answers. */
static int tamper(const char *folder, const char *sql) {
    sqlite3 *db;
    char path[700];
    snprintf(path, sizeof path, "%s/store.db", at(folder));
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    sqlite3_close(db);
    return rc;
}

static void rows_cannot_be_changed_or_deleted(void **state) {
    (void)state;
    audit_of("kept", 3);
    assert_int_equal(tamper("kept", "UPDATE audit SET who = 'x' WHERE number = 2"), SQLITE_CONSTRAINT);
    assert_int_equal(tamper("kept", "DELETE FROM audit WHERE number = 2"), SQLITE_CONSTRAINT);
}

static void tampering_breaks_the_chain(void **state) {
    (void)state;
    static const struct { const char *sql, *says; } cases[] = {
        {"UPDATE audit SET who = 'x' WHERE number = 2", "row 2 "},
        {"UPDATE audit SET after = '{}' WHERE number = 700", "row 700 "},
        {"UPDATE audit SET created_at = 5 WHERE number = 1", "row 1 "},
        {"UPDATE audit SET what = 'tes', object = 't' || object WHERE number = 3", "row 3 "},
        {"UPDATE audit SET digest = x'00' WHERE number = 4", "row 4 "},
        {"DELETE FROM audit WHERE number = 600", "lacks row 600"},
        {"DELETE FROM audit WHERE number = 1", "lacks row 1:"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ig_error err = {0};
        char name[20], sql[300];
        snprintf(name, sizeof name, "tamper%zu", i);
        audit_of(name, i == 1 || i == 5 ? 701 : 5);
        snprintf(sql, sizeof sql, "DROP TRIGGER audit_stays; DROP TRIGGER audit_is_kept; %s", cases[i].sql);
        assert_int_equal(tamper(name, sql), SQLITE_OK);
        ig_store *s = open_store(name);
        check_fails(ig_store_audit_check(s, NULL, NULL, &err), IG_E_FORMAT);
        if (!strstr(err.message, cases[i].says)) fail_msg("%s: %s", cases[i].sql, err.message);
        ig_store_close(s);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_leave_rows), cmocka_unit_test(rows_cannot_be_changed_or_deleted),
        cmocka_unit_test(tampering_breaks_the_chain),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
