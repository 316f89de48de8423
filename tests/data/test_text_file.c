/* tests/data/test_text_file.c: reading texts, and the cut into training and validation. */
#include "../check.h"

#include <unistd.h>

#include "ingot/data.h"

static char folder[] = "/tmp/ingot-data-XXXXXX";

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    return ig_dir_remove(folder, NULL) == IG_OK ? 0 : -1;
}

static const char *write_file(const char *name, const void *bytes, size_t n, char path[256]) {
    ig_error err;
    snprintf(path, 256, "%s/%s", folder, name);
    check_ok(ig_file_write(path, bytes, n, &err));
    return path;
}

static void files_are_joined_in_their_order(void **state) {
    (void)state;
    char a[256], b[256];
    ig_buf text = {0};
    ig_error err;
    const char *paths[2] = {write_file("a", "one\n", 4, a), write_file("b", "\xFF\x00two", 5, b)};
    check_ok(ig_text_load(paths, 2, &text, &err));
    assert_int_equal(text.len, 9);
    assert_memory_equal(text.data, "one\n\xFF\x00two", 9);
    ig_buf_fini(&text);
}

static void empty_and_missing_files_are_refused_by_name(void **state) {
    (void)state;
    char a[256], b[256];
    ig_buf text = {0};
    ig_error err;
    const char *paths[2] = {write_file("a", "one", 3, a), write_file("empty", "", 0, b)};
    check_fails(ig_text_load(paths, 2, &text, &err), IG_E_FORMAT);
    assert_string_equal(err.file, b);
    paths[1] = "/nowhere/text.txt";
    check_fails(ig_text_load(paths, 2, &text, &err), IG_E_NOT_FOUND);
    assert_string_equal(err.file, "/nowhere/text.txt");
    paths[0] = folder;
    check_fails(ig_text_load(paths, 1, &text, &err), IG_E_ARG);
    assert_string_equal(err.file, folder);
    check_fails(ig_text_load(paths, 0, &text, &err), IG_E_ARG);
    ig_buf_fini(&text);
}

static void the_cut_is_nanogpts_and_never_inside_of_a_character(void **state) {
    (void)state;
    static char ascii[1115394];
    memset(ascii, 'a', sizeof ascii);
    assert_int_equal(ig_text_split(ascii, sizeof ascii, 0.1), 1003854); /* int(1115394 · 0.9), tiny Shakespeare */
    assert_int_equal(ig_text_split(ascii, 10, 0), 10);
    assert_int_equal(ig_text_split("", 0, 0.5), 0);
    const char *chinese = "你好吗我很好"; /* three bytes each */
    for (double f = 0.01; f < 0.99; f += 0.01) assert_int_equal(ig_text_split(chinese, 18, f) % 3, 0);
    assert_int_equal(ig_text_split("\x80\x80\x80\x80\x80\x80\x80\x80", 8, 0.25), 6); /* no UTF-8: where asked */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_joined_in_their_order),
        cmocka_unit_test(empty_and_missing_files_are_refused_by_name),
        cmocka_unit_test(the_cut_is_nanogpts_and_never_inside_of_a_character),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
