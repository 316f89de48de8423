/* tests/base/doc.c: documents from files, and values set by path. */
#include "../check.h"

#include <unistd.h>

#include "ingot/limits.h"

static void check_json(const ig_doc *d, const char *expected) {
    ig_buf b = {.max = 1 << 16};
    ig_json j = {.out = &b};
    ig_json_tree(&j, ig_doc_root(d));
    assert_string_equal(b.data, expected);
    ig_buf_fini(&b);
}

static ig_doc *parse(const char *text) {
    ig_error err;
    ig_doc *d = NULL;
    check_ok(ig_json_parse("t", text, strlen(text), &d, &err));
    return d;
}

static void suffix_chooses_the_language(void **state) {
    (void)state;
    ig_error err;
    ig_doc *d;
    char folder[] = "/tmp/ingot-doc-XXXXXX", path[100];
    assert_non_null(mkdtemp(folder));
    check_ok(ig_path_join(path, sizeof path, folder, "a.yaml", &err));
    check_ok(ig_file_write(path, "a: b\n", 5, &err));
    check_ok(ig_doc_load(path, 100, &d, &err));
    check_json(d, "{\"a\":\"b\"}");
    ig_doc_free(d);
    check_fails(ig_doc_load(path, 4, &d, &err), IG_E_LIMIT);
    check_ok(ig_path_join(path, sizeof path, folder, "a.json", &err));
    check_ok(ig_file_write(path, "a: b\n", 5, &err));
    check_fails(ig_doc_load(path, 100, &d, &err), IG_E_FORMAT);
    assert_string_equal(err.file, path);
    assert_int_equal(err.line, 1);
    assert_null(d);
    check_ok(ig_dir_remove(folder, &err));
}

static void set_replaces_adds_and_makes_maps(void **state) {
    (void)state;
    ig_error err;
    ig_doc *d = parse("{\"train\":{\"lr\":1,\"steps\":5},\"empty\":null}");
    check_ok(ig_doc_set(d, "train.lr", "0.5", &err));
    check_ok(ig_doc_set(d, "train.betas", "[0.5, 0.25]", &err));
    check_ok(ig_doc_set(d, "a.b.c", "{x: yes}", &err));
    check_ok(ig_doc_set(d, "empty.now", "true", &err));
    check_ok(ig_doc_set(d, "train.steps", "", &err));
    check_json(d, "{\"train\":{\"lr\":0.5,\"steps\":null,\"betas\":[0.5,0.25]},\"empty\":{\"now\":true},"
                  "\"a\":{\"b\":{\"c\":{\"x\":\"yes\"}}}}");
    assert_int_equal(ig_tree_path(ig_doc_root(d), "a.b.c.x")->line, 0);
    assert_int_equal(ig_doc_root(d)->count, 3);
    ig_doc_free(d);
}

static void failed_set_leaves_the_document_alone(void **state) {
    (void)state;
    ig_error err;
    ig_doc *d = parse("{\"a\":1,\"l\":[1]}");
    check_fails(ig_doc_set(d, "a.b", "2", &err), IG_E_ARG);
    assert_non_null(strstr(err.message, "a.b: a is a whole number, not a map"));
    check_fails(ig_doc_set(d, "l.b", "2", &err), IG_E_ARG);
    check_fails(ig_doc_set(d, "", "2", &err), IG_E_ARG);
    check_fails(ig_doc_set(d, "a..b", "2", &err), IG_E_ARG);
    check_fails(ig_doc_set(d, "a.", "2", &err), IG_E_ARG);
    check_fails(ig_doc_set(d, "new.key", "[1, 2", &err), IG_E_FORMAT);
    assert_string_equal(err.file, "new.key");
    assert_int_equal(err.line, 0);
    check_json(d, "{\"a\":1,\"l\":[1]}");
    ig_doc_free(d);
}

static void set_cannot_pass_the_depth_limit(void **state) {
    (void)state;
    ig_error err;
    ig_doc *d = parse("{}");
    char path[2 * IG_TREE_DEPTH_MAX + 2] = "a";
    while (strlen(path) < 2 * IG_TREE_DEPTH_MAX - 3) strcat(path, ".a"); /* one level less than allowed */
    check_ok(ig_doc_set(d, path, "[1]", &err));
    check_fails(ig_doc_set(d, path, "[[1]]", &err), IG_E_LIMIT);
    strcat(path, ".a.a");
    check_fails(ig_doc_set(d, path, "1", &err), IG_E_LIMIT);
    ig_doc_free(d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(suffix_chooses_the_language),
        cmocka_unit_test(set_replaces_adds_and_makes_maps),
        cmocka_unit_test(failed_set_leaves_the_document_alone),
        cmocka_unit_test(set_cannot_pass_the_depth_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
