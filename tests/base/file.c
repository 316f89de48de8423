/* tests/base/file.c: files, the atomic writer and folders, in a folder of their own below TMPDIR. */
#include "../check.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[300];

static const char *at(const char *name) {
    static char path[4][600];
    static int next;
    char *p = path[next++ % 4];
    snprintf(p, sizeof path[0], "%s/%s", root, name);
    return p;
}

static int make_root(void **state) {
    (void)state;
    const char *tmp = getenv("TMPDIR");
    snprintf(root, sizeof root, "%s/ingot-file-XXXXXX", tmp ? tmp : "/tmp");
    return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state) {
    (void)state;
    return ig_dir_remove(root, NULL) == IG_OK ? 0 : -1;
}

static void check_content(const char *path, const char *expected) {
    ig_error err;
    ig_buf b = {.max = 1 << 20};
    check_ok(ig_file_read(path, 1 << 20, &b, &err));
    assert_string_equal(b.data, expected);
    ig_buf_fini(&b);
}

static void written_file_reads_back(void **state) {
    (void)state;
    ig_error err;
    check_ok(ig_file_write(at("a"), "hello\n", 6, &err));
    check_content(at("a"), "hello\n");
    ig_map_file m;
    check_ok(ig_file_map(at("a"), &m, &err));
    assert_int_equal(m.size, 6);
    assert_memory_equal(m.data, "hello\n", 6);
    ig_file_unmap(&m);
    check_ok(ig_file_write(at("empty"), NULL, 0, &err));
    check_content(at("empty"), "");
    check_ok(ig_file_map(at("empty"), &m, &err));
    assert_null(m.data);
    ig_file_unmap(&m);
}

static void read_errors_name_the_file(void **state) {
    (void)state;
    ig_error err;
    ig_buf b = {.max = 100};
    check_fails(ig_file_read(at("absent"), 100, &b, &err), IG_E_NOT_FOUND);
    assert_string_equal(err.file, at("absent"));
    check_fails(ig_file_read(root, 100, &b, &err), IG_E_IO);
    check_ok(ig_file_write(at("six"), "123456", 6, &err));
    check_fails(ig_file_read(at("six"), 5, &b, &err), IG_E_LIMIT);
    assert_string_equal(err.file, at("six"));
    ig_buf small = {.max = 5};
    check_fails(ig_file_read(at("six"), 6, &small, &err), IG_E_LIMIT);
    check_fails(ig_file_read("/proc/self/status", 10, &b, &err), IG_E_LIMIT); /* says that its size is 0 */
    ig_map_file m;
    check_fails(ig_file_map(at("absent"), &m, &err), IG_E_NOT_FOUND);
    ig_buf_fini(&b);
    ig_buf_fini(&small);
}

static size_t entries(const char *path) {
    ig_error err;
    char **names;
    size_t n;
    check_ok(ig_dir_list(path, &names, &n, &err));
    ig_names_free(names, n);
    return n;
}

static void close_without_commit_keeps_the_old_file(void **state) {
    (void)state;
    ig_error err;
    check_ok(ig_dir_make(at("w"), &err));
    check_ok(ig_file_write(at("w/f"), "old", 3, &err));
    ig_writer *w;
    check_ok(ig_writer_open(at("w/f"), &w, &err));
    check_ok(ig_writer_write(w, "new", 3, &err));
    check_content(at("w/f"), "old");
    assert_int_equal(entries(at("w")), 2);
    ig_writer_close(w);
    check_content(at("w/f"), "old");
    assert_int_equal(entries(at("w")), 1);
    ig_writer_close(NULL);
}

static void failed_write_is_final_and_keeps_the_old_file(void **state) {
    (void)state;
    ig_error err;
    check_ok(ig_dir_make(at("full"), &err));
    check_ok(ig_file_write(at("full/f"), "old", 3, &err));
    struct rlimit before, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 100000; /* stands for a full disk */
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    char *megabyte = calloc(1, 1 << 20);
    ig_writer *w;
    check_ok(ig_writer_open(at("full/f"), &w, &err));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    ig_status first = ig_writer_write(w, megabyte, 1 << 20, &err);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, handler);
    check_fails(first, IG_E_IO);
    check_fails(ig_writer_write(w, "x", 1, &err), IG_E_IO);
    check_fails(ig_writer_commit(w, &err), IG_E_IO);
    assert_non_null(strstr(err.message, "cannot write"));
    ig_writer_close(w);
    free(megabyte);
    check_content(at("full/f"), "old");
    assert_int_equal(entries(at("full")), 1);
}

static void many_small_and_large_writes_keep_their_order(void **state) {
    (void)state;
    ig_error err;
    ig_buf expected = {.max = 4 << 20}, got = {.max = 4 << 20};
    ig_writer *w;
    check_ok(ig_writer_open(at("order"), &w, &err));
    for (uint32_t i = 0; i < 300; i++) {
        char block[70000];
        size_t n = i % 50 == 7 ? sizeof block : i * 7 % 500;
        memset(block, (int)i, sizeof block);
        check_ok(ig_writer_write(w, block, n, &err));
        ig_buf_append(&expected, block, n);
    }
    check_ok(ig_writer_commit(w, &err));
    check_fails(ig_writer_commit(w, &err), IG_E_STATE);
    check_fails(ig_writer_write(w, "x", 1, &err), IG_E_STATE);
    ig_writer_close(w);
    check_ok(ig_file_read(at("order"), 4 << 20, &got, &err));
    assert_int_equal(got.len, expected.len);
    assert_memory_equal(got.data, expected.data, got.len);
    ig_buf_fini(&expected);
    ig_buf_fini(&got);
}

static void replaced_file_keeps_its_mode(void **state) {
    (void)state;
    ig_error err;
    struct stat st;
    check_ok(ig_file_write(at("secret"), "1", 1, &err));
    assert_int_equal(chmod(at("secret"), 0600), 0);
    check_ok(ig_file_write(at("secret"), "2", 1, &err));
    assert_int_equal(stat(at("secret"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void writer_refuses_what_cannot_be_a_file(void **state) {
    (void)state;
    ig_error err;
    ig_writer *w;
    check_ok(ig_dir_make(at("folder"), &err));
    check_fails(ig_writer_open(at("folder"), &w, &err), IG_E_IO);
    assert_null(w);
    check_fails(ig_writer_open(at("folder/"), &w, &err), IG_E_ARG);
    check_fails(ig_writer_open(at("no/such/folder"), &w, &err), IG_E_NOT_FOUND);
    assert_int_equal(entries(at("folder")), 0);
}

static void folders_are_made_with_parents_and_removed_whole(void **state) {
    (void)state;
    ig_error err;
    check_ok(ig_dir_make(at("x/y//z/"), &err));
    check_ok(ig_dir_make(at("x/y/z"), &err));
    assert_true(ig_path_is_dir(at("x/y/z")));
    check_ok(ig_file_write(at("x/y/f"), "1", 1, &err));
    check_fails(ig_dir_make(at("x/y/f"), &err), IG_E_EXISTS);
    check_ok(ig_dir_sync(at("x"), &err));
    check_ok(ig_dir_remove(at("x"), &err));
    assert_false(ig_path_exists(at("x")));
    check_ok(ig_dir_remove(at("x"), &err));
}

static void removing_never_follows_links(void **state) {
    (void)state;
    ig_error err;
    check_ok(ig_dir_make(at("kept"), &err));
    check_ok(ig_file_write(at("kept/f"), "1", 1, &err));
    check_ok(ig_dir_make(at("gone"), &err));
    assert_int_equal(symlink(at("kept"), at("gone/link")), 0);
    assert_int_equal(symlink(at("kept"), at("link")), 0);
    check_ok(ig_dir_remove(at("gone"), &err));
    assert_int_not_equal(ig_dir_remove(at("link"), &err), IG_OK);
    assert_true(ig_path_exists(at("kept/f")));
}

static void names_are_sorted_by_bytes(void **state) {
    (void)state;
    ig_error err;
    static const char *const names[] = {"b", "a", "\xE4\xBD\xA0", "B", ".hidden", "a1"};
    static const char *const sorted[] = {".hidden", "B", "a", "a1", "b", "\xE4\xBD\xA0"};
    check_ok(ig_dir_make(at("list"), &err));
    for (int i = 0; i < 6; i++) {
        char path[700];
        check_ok(ig_path_join(path, sizeof path, at("list"), names[i], &err));
        check_ok(ig_file_write(path, "", 0, &err));
    }
    char **got;
    size_t n;
    check_ok(ig_dir_list(at("list"), &got, &n, &err));
    assert_int_equal(n, 6);
    for (size_t i = 0; i < n; i++) assert_string_equal(got[i], sorted[i]);
    ig_names_free(got, n);
    check_fails(ig_dir_list(at("absent"), &got, &n, &err), IG_E_NOT_FOUND);
}

static void paths_join_with_one_slash_or_not_at_all(void **state) {
    (void)state;
    ig_error err;
    char p[16];
    check_ok(ig_path_join(p, sizeof p, "a", "b", &err));
    assert_string_equal(p, "a/b");
    check_ok(ig_path_join(p, sizeof p, "a/", "b", &err));
    assert_string_equal(p, "a/b");
    check_ok(ig_path_join(p, sizeof p, "", "b", &err));
    assert_string_equal(p, "b");
    check_ok(ig_path_join(p, sizeof p, "a", "/b", &err));
    assert_string_equal(p, "/b");
    check_ok(ig_path_join(p, sizeof p, "1234567", "1234567", &err));
    check_fails(ig_path_join(p, sizeof p, "12345678", "1234567", &err), IG_E_LIMIT);
    assert_string_equal(ig_path_base("a/b/c"), "c");
    assert_string_equal(ig_path_base("c"), "c");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_file_reads_back),
        cmocka_unit_test(read_errors_name_the_file),
        cmocka_unit_test(close_without_commit_keeps_the_old_file),
        cmocka_unit_test(failed_write_is_final_and_keeps_the_old_file),
        cmocka_unit_test(many_small_and_large_writes_keep_their_order),
        cmocka_unit_test(replaced_file_keeps_its_mode),
        cmocka_unit_test(writer_refuses_what_cannot_be_a_file),
        cmocka_unit_test(folders_are_made_with_parents_and_removed_whole),
        cmocka_unit_test(removing_never_follows_links),
        cmocka_unit_test(names_are_sorted_by_bytes),
        cmocka_unit_test(paths_join_with_one_slash_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
