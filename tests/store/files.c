/* tests/store/files.c: contents are kept once, go when nobody uses them, and are never missing from a row. */
#include "folder.h"

#include <fcntl.h>

/* NIST's vector for "abc" (FIPS 180-4, example B.1). */
#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void content_reads_back(void **state) {
    (void)state;
    ig_error err = {0};
    ig_store *s = open_store("read");
    ig_store_file f = new_file(s, "数据.jsonl", "abc"), g;
    assert_string_equal(f.sha256, ABC);
    assert_int_equal(f.bytes, 3);
    assert_true(has_content(s, &f, "abc"));
    assert_true(ig_path_exists(at("read/blobs/ba/7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")));
    check_ok(ig_store_file_get(s, f.id, &g, &err));
    assert_string_equal(g.filename, "数据.jsonl");
    assert_string_equal(g.purpose, "fine-tune");
    assert_int_equal(g.status, IG_FILE_UPLOADED);
    check_ok(ig_store_file_set_status(s, f.id, IG_FILE_PROCESSED, &err));
    check_ok(ig_store_file_get(s, f.id, &g, &err));
    assert_string_equal(ig_store_file_status_name(g.status), "processed");
    check_fails(ig_store_file_set_status(s, "file-none", IG_FILE_ERROR, &err), IG_E_NOT_FOUND);
    f = new_file(s, "empty", "");
    assert_true(has_content(s, &f, ""));
    ig_store_close(s);
}

static void pieces_make_the_same_file(void **state) {
    (void)state;
    ig_error err = {0};
    ig_store_upload *u;
    ig_store_file f;
    ig_store *s = open_store("pieces");
    check_ok(ig_store_upload_open(s, &u, &err));
    for (int i = 0; i < 3; i++) check_ok(ig_store_upload_write(u, &"abc"[i], 1, &err));
    check_fails(ig_store_upload_commit(u, "", "p", NULL, &f, &err), IG_E_ARG);
    check_ok(ig_store_upload_commit(u, "a", "p", NULL, &f, &err));
    check_fails(ig_store_upload_commit(u, "a", "p", NULL, &f, &err), IG_E_STATE);
    ig_store_upload_close(u);
    assert_string_equal(f.sha256, ABC);
    check_ok(ig_store_upload_open(s, &u, &err));
    check_ok(ig_store_upload_write(u, "given up", 8, &err));
    ig_store_upload_close(u);
    char **names;
    size_t count;
    check_ok(ig_dir_list(at("pieces/blobs/incoming"), &names, &count, &err));
    assert_int_equal(count, 0);
    ig_names_free(names, count);
    ig_store_close(s);
}

static void content_goes_with_its_last_file(void **state) {
    (void)state;
    ig_error err = {0};
    ig_store *s = open_store("delete");
    ig_store_file a = new_file(s, "a", "same"), b = new_file(s, "b", "same");
    assert_string_equal(a.sha256, b.sha256);
    check_ok(ig_store_file_delete(s, a.id, NULL, &err));
    assert_true(has_content(s, &b, "same"));
    check_fails(ig_store_file_delete(s, a.id, NULL, &err), IG_E_NOT_FOUND);
    check_ok(ig_store_file_delete(s, b.id, NULL, &err));
    assert_false(has_content(s, &b, "same"));
    ig_store_close(s);
}

static void orphans_are_swept_at_the_next_opening(void **state) {
    (void)state;
    ig_error err = {0};
    const char *lost = "sweep/blobs/cd/7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    ig_store *s = open_store("sweep"), *quick;
    ig_store_file f = new_file(s, "a", "kept");
    check_ok(ig_dir_make(at("sweep/blobs/cd"), &err));
    check_ok(ig_file_write(at(lost), "x", 1, &err));
    check_ok(ig_file_write(at("sweep/blobs/cd/notes.txt"), "x", 1, &err));
    check_ok(ig_file_write(at("sweep/blobs/incoming/new"), "x", 1, &err));
    check_ok(ig_file_write(at("sweep/blobs/incoming/old"), "x", 1, &err));
    struct timespec old[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    assert_int_equal(utimensat(AT_FDCWD, at("sweep/blobs/incoming/old"), old, 0), 0);
    check_ok(ig_store_open(at("sweep"), &(ig_store_opts){.quick = true}, &quick, &err));
    ig_store_close(quick);
    assert_true(ig_path_exists(at(lost)));
    ig_store_close(s);
    s = open_store("sweep");
    assert_false(ig_path_exists(at(lost)));
    assert_false(ig_path_exists(at("sweep/blobs/incoming/old")));
    assert_true(ig_path_exists(at("sweep/blobs/incoming/new")));
    assert_true(ig_path_exists(at("sweep/blobs/cd/notes.txt")));
    assert_true(has_content(s, &f, "kept"));
    ig_store_close(s);
}

static void files_are_listed_by_purpose(void **state) {
    (void)state;
    ig_error err = {0};
    ig_store_file *list, a;
    size_t count;
    bool more;
    ig_store *s = open_store("list");
    for (int i = 0; i < 4; i++) check_ok(ig_store_file_new(s, "f", i % 2 ? "batch" : "fine-tune", "x", 1, NULL, &a, &err));
    check_ok(ig_store_file_list(s, NULL, &(ig_store_page){.limit = 3}, &list, &count, &more, &err));
    assert_int_equal(count, 3);
    assert_true(more);
    ig_free(list);
    check_ok(ig_store_file_list(s, "batch", &(ig_store_page){.limit = 2}, &list, &count, &more, &err));
    assert_int_equal(count, 2);
    assert_false(more);
    assert_string_equal(list[0].id, a.id);
    ig_free(list);
    ig_store_close(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_reads_back), cmocka_unit_test(pieces_make_the_same_file),
        cmocka_unit_test(content_goes_with_its_last_file), cmocka_unit_test(orphans_are_swept_at_the_next_opening),
        cmocka_unit_test(files_are_listed_by_purpose),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
