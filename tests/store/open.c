/* tests/store/open.c: what opening finds: nothing, an older version, a newer one, damage, somebody else's file, no permission.
 *
 * version1.sql beside this file is what the first version of the tables looked like, with rows in it.
 */
#include "folder.h"

#include <sqlite3.h>

static const char *source_folder;

static void execute(const char *path, const char *sql) {
    sqlite3 *db;
    char *message = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK) fail_msg("%s: %s", sql, message);
    sqlite3_close(db);
}

static void new_store_has_the_newest_tables(void **state) {
    (void)state;
    ig_error err = {0};
    int64_t version = 0;
    ig_store *s = open_store("new"), *second = open_store("new");
    check_ok(ig_store_version(s, &version, &err));
    assert_int_equal(version, 3);
    ig_store_close(s), ig_store_close(second);
    struct stat st;
    assert_int_equal(stat(at("new"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    check_fails(ig_store_open("", NULL, &s, &err), IG_E_ARG);
    assert_null(s);
}

static void first_version_is_brought_to_this_one(void **state) {
    (void)state;
    ig_error err = {0};
    char path[700];
    int64_t version = 0, rows = 0;
    ig_buf sql = {.max = 1 << 20};
    ig_store_key k;
    ig_store_file f;
    ig_store_job j;
    snprintf(path, sizeof path, "%s/version1.sql", source_folder);
    check_ok(ig_file_read(path, 1 << 20, &sql, &err));
    check_ok(ig_dir_make(at("old"), &err));
    execute(at("old/store.db"), sql.data);
    ig_buf_fini(&sql);
    ig_store *s = open_store("old");
    check_ok(ig_store_version(s, &version, &err));
    assert_int_equal(version, 3);
    check_ok(ig_store_key_get(s, "key-0123456789AB", &k, &err));
    assert_string_equal(k.name, "第一把钥匙");
    assert_int_equal(k.role, IG_ROLE_STAFF);
    check_ok(ig_store_file_get(s, "file-000000000000000000000001", &f, &err));
    assert_int_equal(f.bytes, 3);
    check_ok(ig_store_job_get(s, "ftjob-000000000000000000000001", &j, &err));
    assert_int_equal(j.status, IG_JOB_FAILED); /* it was running, in a process of another boot */
    ig_store_job_fini(&j);
    check_ok(ig_store_audit_add(s, &(ig_store_audit_opts){.what = "test"}, &err));
    check_ok(ig_store_audit_check(s, &rows, NULL, &err));
    assert_int_equal(rows, 1);
    ig_store_close(s);
}

static void newer_version_is_refused(void **state) {
    (void)state;
    ig_error err = {0};
    ig_store *s = open_store("newer");
    ig_store_close(s);
    execute(at("newer/store.db"), "PRAGMA user_version = 999");
    check_fails(ig_store_open(at("newer"), NULL, &s, &err), IG_E_UNSUPPORTED);
    assert_non_null(strstr(err.message, "version 999"));
    assert_non_null(strstr(err.file, "store.db"));
}

static void database_of_another_program_is_left_alone(void **state) {
    (void)state;
    ig_error err = {0};
    ig_store *s;
    check_ok(ig_dir_make(at("other"), &err));
    execute(at("other/store.db"), "CREATE TABLE bookmarks (url TEXT)");
    check_fails(ig_store_open(at("other"), NULL, &s, &err), IG_E_FORMAT);
    assert_non_null(strstr(err.message, "another program"));
    execute(at("other/store.db"), "SELECT url FROM bookmarks");
}

/* Bytes of a page in the middle, the header, and no database at all. */
static void damage_is_told_with_its_cure(void **state) {
    (void)state;
    for (int i = 0; i < 3; i++) {
        ig_error err = {0};
        char name[20], path[700], secret[IG_STORE_SECRET_SIZE];
        snprintf(name, sizeof name, "damaged%d", i);
        snprintf(path, sizeof path, "%s/store.db", at(name));
        ig_store *s = open_store(name);
        for (int k = 0; k < 200; k++) check_ok(ig_store_key_new(s, &(ig_store_key_opts){.name = "n"}, secret, NULL, &err));
        ig_store_close(s);
        FILE *f = fopen(path, "r+b");
        assert_non_null(f);
        fseek(f, i == 0 ? 4096 * 5 : i == 1 ? 0 : 4096, SEEK_SET);
        for (int k = 0; k < 16384; k++) fputc(k * 7 + 1, f);
        fclose(f);
        check_fails(ig_store_open(at(name), NULL, &s, &err), IG_E_FORMAT);
        assert_string_equal(err.file, path);
        assert_non_null(strstr(err.message, "ingot restore"));
        assert_null(strchr(err.message, '\n'));
    }
}

static void as_nobody(void) {
    if (geteuid() == 0 && (setegid(65534) != 0 || seteuid(65534) != 0)) _exit(3);
}

static void folder_that_cannot_be_written_is_named(void **state) {
    (void)state;
    ig_error err = {0};
    ig_store *s = open_store("readonly");
    ig_store_close(s);
    check_ok(ig_dir_make(at("bare"), &err));
    assert_int_equal(chmod(root, 0755) | chmod(at("readonly"), 0555) | chmod(at("bare"), 0555), 0);
    pid_t child = fork();
    if (child == 0) {
        as_nobody();
        bool good = ig_store_open(at("bare"), NULL, &s, &err) == IG_E_IO && strstr(err.file, "bare/") && strstr(err.message,
                                                                                                                "permission");
        good = good && ig_store_open(at("readonly"), NULL, &s, &err) == IG_E_IO && strstr(err.file, "readonly/");
        good = good && ig_store_open(at("bare/inside"), NULL, &s, &err) == IG_E_IO && strstr(err.file, "bare/inside");
        _exit(good ? 0 : 1);
    }
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(chmod(at("readonly"), 0755) | chmod(at("bare"), 0755), 0);
    assert_int_equal(status, 0);
}

int main(int argc, char **argv) {
    source_folder = argc > 1 ? argv[1] : "tests/store";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_store_has_the_newest_tables), cmocka_unit_test(first_version_is_brought_to_this_one),
        cmocka_unit_test(newer_version_is_refused), cmocka_unit_test(database_of_another_program_is_left_alone),
        cmocka_unit_test(damage_is_told_with_its_cure), cmocka_unit_test(folder_that_cannot_be_written_is_named),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
