/* tests/base/yaml.c: what the YAML reader takes. */
#include "../check.h"

#include <math.h>

#include "ingot/limits.h"

static ig_doc *parse(const char *text) {
    ig_error err;
    ig_doc *d = NULL;
    check_ok(ig_yaml_parse("t.yaml", text, strlen(text), &d, &err));
    return d;
}

static void recipe_is_read_with_lines(void **state) {
    (void)state;
    ig_doc *d = parse("# a recipe\n"
                      "model: {family: gpt, layers: 6}\n"
                      "train:\n"
                      "  lr: 1e-3\n"
                      "  betas: [0.9, 0.95]\n"
                      "  note: |\n"
                      "    two\n"
                      "    lines\n"
                      "names:\n"
                      "- 你好\n"
                      "- \"123\"\n");
    const ig_tree *r = ig_doc_root(d);
    assert_string_equal(ig_tree_path(r, "model.family")->text, "gpt");
    assert_int_equal(ig_tree_path(r, "model.layers")->integer, 6);
    assert_int_equal(ig_tree_path(r, "model.layers")->line, 2);
    assert_true(ig_tree_path(r, "train.lr")->real == 1e-3);
    assert_int_equal(ig_tree_path(r, "train.lr")->line, 4);
    assert_true(ig_tree_path(r, "train.betas")->child->next->real == 0.95);
    assert_string_equal(ig_tree_path(r, "train.note")->text, "two\nlines\n");
    assert_int_equal(ig_tree_path(r, "train.note")->line, 6);
    const ig_tree *names = ig_tree_get(r, "names");
    assert_string_equal(names->child->text, "你好");
    assert_int_equal(names->child->next->type, IG_TREE_TEXT);
    assert_int_equal(names->child->next->line, 11);
    assert_null(ig_tree_path(r, "train.absent"));
    assert_null(ig_tree_path(r, "train.lr.deeper"));
    ig_doc_free(d);
}

static void plain_scalars_resolve_as_in_yaml_1_2(void **state) {
    (void)state;
    static const struct {
        const char *text;
        ig_tree_type type;
        double value;
    } rows[] = {
        {"null", IG_TREE_NULL, 0},   {"~", IG_TREE_NULL, 0},        {"", IG_TREE_NULL, 0},        {"true", IG_TREE_BOOL, 1},
        {"False", IG_TREE_BOOL, 0},  {"yes", IG_TREE_TEXT, 0},      {"no", IG_TREE_TEXT, 0},      {"on", IG_TREE_TEXT, 0},
        {"12", IG_TREE_INT, 12},     {"-12", IG_TREE_INT, -12},     {"+12", IG_TREE_INT, 12},     {"012", IG_TREE_INT, 12},
        {"0o17", IG_TREE_INT, 15},   {"0x1F", IG_TREE_INT, 31},     {"0x", IG_TREE_TEXT, 0},      {"1_000", IG_TREE_TEXT, 0},
        {"1.", IG_TREE_REAL, 1},     {".5", IG_TREE_REAL, 0.5},     {"1e3", IG_TREE_REAL, 1000},  {"-1.5E-2", IG_TREE_REAL, -0.015},
        {".inf", IG_TREE_REAL, INFINITY}, {"-.INF", IG_TREE_REAL, -INFINITY}, {".", IG_TREE_TEXT, 0}, {"1e", IG_TREE_TEXT, 0},
        {"1.2.3", IG_TREE_TEXT, 0},  {"12:30:45", IG_TREE_TEXT, 0}, {"inf", IG_TREE_TEXT, 0},     {"'12'", IG_TREE_TEXT, 0},
        {"\"true\"", IG_TREE_TEXT, 0}, {"18446744073709551616", IG_TREE_REAL, 18446744073709551616.0}, {"2024-01-01", IG_TREE_TEXT, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ig_doc *d = parse(rows[i].text);
        const ig_tree *t = ig_doc_root(d);
        if (t->type != rows[i].type) fail_msg("%s became %s", rows[i].text, ig_tree_type_name(t->type));
        if (t->type == IG_TREE_BOOL) assert_int_equal(t->boolean, rows[i].value);
        if (t->type == IG_TREE_INT || t->type == IG_TREE_REAL) assert_true(t->real == rows[i].value);
        ig_doc_free(d);
    }
    ig_doc *d = parse(".nan");
    assert_true(isnan(ig_doc_root(d)->real));
    ig_doc_free(d);
}

static void empty_texts_are_null(void **state) {
    (void)state;
    static const char *const texts[] = {"", "\n\n", "# only a comment\n", "---\n...\n", "\xEF\xBB\xBF"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        ig_doc *d = parse(texts[i]);
        assert_int_equal(ig_doc_root(d)->type, IG_TREE_NULL);
        ig_doc_free(d);
    }
}

static void scalar_keys_are_text(void **state) {
    (void)state;
    ig_doc *d = parse("404: a\ntrue: b\n\"\": c\n");
    const ig_tree *r = ig_doc_root(d);
    assert_string_equal(ig_tree_text(r, "404", "-"), "a");
    assert_string_equal(ig_tree_text(r, "true", "-"), "b");
    assert_string_equal(ig_tree_text(r, "", "-"), "c");
    ig_doc_free(d);
}

static void json_is_yaml(void **state) {
    (void)state;
    ig_doc *d = parse("{\"a\": [1, 2.5, \"x\\u00e9\"], \"b\": null}");
    assert_string_equal(ig_tree_get(ig_doc_root(d), "a")->child->next->next->text, "x\xC3\xA9");
    ig_doc_free(d);
}

static void hostile_depth_is_refused(void **state) {
    (void)state;
    ig_error err;
    ig_doc *d;
    char text[IG_TREE_DEPTH_MAX + 2];
    memset(text, '[', sizeof text);
    check_fails(ig_yaml_parse("deep", text, sizeof text, &d, &err), IG_E_LIMIT);
    assert_null(d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recipe_is_read_with_lines),
        cmocka_unit_test(plain_scalars_resolve_as_in_yaml_1_2),
        cmocka_unit_test(empty_texts_are_null),
        cmocka_unit_test(scalar_keys_are_text),
        cmocka_unit_test(json_is_yaml),
        cmocka_unit_test(hostile_depth_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
