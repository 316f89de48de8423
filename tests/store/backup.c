/* tests/store/backup.c: a backup taken in use becomes the store again, and a bad one changes nothing. */
#include "folder.h"

#include <sqlite3.h>

static void flip(const char *path, long offset, int bytes) {
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    fseek(f, offset, SEEK_SET);
    for (int i = 0; i < bytes; i++) fputc(0x5a, f);
    fclose(f);
}

static void execute(const char *path, const char *sql) {
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

/* More than two parts. */
static ig_store_file big_file(ig_store *s) {
    ig_error err = {0};
    ig_store_file f;
    size_t n = (2u << 20) + 5;
    char *bytes = malloc(n);
    for (size_t i = 0; i < n; i++) bytes[i] = (char)(i * 2654435761u >> 24);
    check_ok(ig_store_file_new(s, "big", "batch", bytes, n, NULL, &f, &err));
    free(bytes);
    return f;
}

static void restored_store_is_as_it_was(void **state) {
    (void)state;
    ig_error err = {0};
    char secret[IG_STORE_SECRET_SIZE], path[IG_PATH_MAX], again[65];
    ig_store_key k;
    ig_store *s = open_store("whole");
    ig_store_file small = new_file(s, "small", "hello"), big = big_file(s), late;
    check_ok(ig_store_key_new(s, &(ig_store_key_opts){.name = "n"}, secret, &k, &err));
    check_ok(ig_store_backup(s, at("whole.backup"), &err));
    check_ok(ig_store_key_revoke(s, k.id, NULL, &err));
    check_ok(ig_store_file_delete(s, big.id, NULL, &err));
    late = new_file(s, "late", "later than the backup");
    check_fails(ig_store_restore(at("whole"), at("whole.backup"), &err), IG_E_STATE); /* it is open */
    assert_non_null(strstr(err.message, "another process"));
    ig_store_close(s);
    check_ok(ig_store_restore(at("whole"), at("whole.backup"), &err));
    s = open_store("whole");
    check_ok(ig_store_key_find(s, secret, &k, &err));
    assert_true(has_content(s, &small, "hello"));
    check_ok(ig_store_file_path(s, &big, path, sizeof path, &err));
    ig_map_file m;
    check_ok(ig_file_map(path, &m, &err));
    ig_sha256_hex(m.data, m.size, again);
    assert_string_equal(again, big.sha256);
    ig_file_unmap(&m);
    check_fails(ig_store_file_get(s, late.id, &late, &err), IG_E_NOT_FOUND);
    check_ok(ig_store_audit_check(s, NULL, NULL, &err));
    ig_store_close(s);
    assert_true(ig_path_exists(at("whole/store.db.before-restore")));
    check_ok(ig_store_restore(at("elsewhere/new"), at("whole.backup"), &err)); /* and where no store was */
    s = open_store("elsewhere/new");
    check_ok(ig_store_key_find(s, secret, &k, &err));
    assert_true(has_content(s, &small, "hello"));
    ig_store_close(s);
}

static void damaged_store_is_restored(void **state) {
    (void)state;
    ig_error err = {0};
    ig_store *s = open_store("hurt");
    ig_store_file f = new_file(s, "f", "content");
    check_ok(ig_store_backup(s, at("hurt.backup"), &err));
    ig_store_close(s);
    flip(at("hurt/store.db"), 0, 5000);
    flip(at("hurt/blobs/ed/7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73"), 0,
         9); /* sha256 of "content": longer now */
    check_fails(ig_store_open(at("hurt"), NULL, &s, &err), IG_E_FORMAT);
    check_ok(ig_store_restore(at("hurt"), at("hurt.backup"), &err));
    s = open_store("hurt");
    assert_true(has_content(s, &f, "content"));
    ig_store_close(s);
}

static void bad_backup_changes_nothing(void **state) {
    (void)state;
    ig_error err = {0};
    char **names;
    size_t count;
    ig_store *s = open_store("good");
    ig_store_file f = new_file(s, "f", "kept"), big = big_file(s);
    check_ok(ig_store_backup(s, at("torn.backup"), &err));
    check_ok(ig_store_backup(s, at("false.backup"), &err));
    check_ok(ig_store_file_delete(s, big.id, NULL, &err));
    ig_store_close(s);
    flip(at("torn.backup"), 4096 * 3, 20000);
    execute(at("false.backup"), "UPDATE backup_blobs SET bytes = zeroblob(length(bytes)) WHERE part = 1");
    check_ok(ig_file_write(at("text.backup"), "not a database at all, but long enough to look like one", 55, &err));
    check_ok(ig_file_write(at("empty.backup"), "", 0, &err));
    execute(at("other.backup"), "CREATE TABLE t (a)");
    static const char *const bad[] = {"torn.backup", "false.backup", "text.backup", "empty.backup", "other.backup"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ig_status status = ig_store_restore(at("good"), at(bad[i]), &err);
        if (status != IG_E_FORMAT) fail_msg("%s: %s: %s", bad[i], ig_status_name(status), err.message);
        assert_false(ig_path_exists(at("good/store.db.before-restore")));
    }
    check_fails(ig_store_restore(at("good"), at("absent.backup"), &err), IG_E_NOT_FOUND);
    check_fails(ig_store_restore(at("good"), at("good/store.db"), &err), IG_E_FORMAT);
    s = open_store("good");
    assert_true(has_content(s, &f, "kept"));
    check_fails(ig_store_file_get(s, big.id, &big, &err), IG_E_NOT_FOUND);
    check_fails(ig_store_backup(s, at("good"), &err), IG_E_ARG);
    check_fails(ig_store_backup(s, at("nowhere/b"), &err), IG_E_NOT_FOUND);
    ig_store_close(s);
    check_ok(ig_dir_list(root, &names, &count, &err));
    for (size_t i = 0; i < count; i++) assert_null(strstr(names[i], ".backup-"));
    ig_names_free(names, count);
}

static void lost_content_is_told(void **state) {
    (void)state;
    ig_error err = {0};
    char path[IG_PATH_MAX];
    ig_store *s = open_store("lost");
    ig_store_file f = new_file(s, "f", "gone");
    check_ok(ig_store_file_path(s, &f, path, sizeof path, &err));
    assert_int_equal(unlink(path), 0);
    check_fails(ig_store_backup(s, at("lost.backup"), &err), IG_E_FORMAT);
    assert_string_equal(err.file, path);
    assert_false(ig_path_exists(at("lost.backup")));
    ig_store_close(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(restored_store_is_as_it_was), cmocka_unit_test(damaged_store_is_restored),
        cmocka_unit_test(bad_backup_changes_nothing), cmocka_unit_test(lost_content_is_told),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
