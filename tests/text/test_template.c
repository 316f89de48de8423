/* Chat templates of published models and pieces of the language give what Jinja2 gives (tests/text/templates/README.md). */
#include "../check.h"

#include "ingot/template.h"

#define CLOCK 1722000000 /* as in templates/reference.py */

static ig_error err;

static ig_doc *load(const char *name) {
    char path[4096];
    ig_doc *doc = NULL;
    const char *root = getenv("INGOT_ROOT");
    snprintf(path, sizeof path, "%s/tests/text/templates/%s", root ? root : ".", name);
    check_ok(ig_doc_load(path, 16 << 20, &doc, &err));
    return doc;
}

/* True when template and variables give the expected text (NULL node type: an error); prints what differs. */
static bool renders(const char *what, const char *text, size_t len, const ig_tree *variables, const ig_tree *expected) {
    ig_template *t = NULL;
    ig_buf out = {.max = 1 << 24};
    ig_template_limits limits = {.has_clock = true, .clock_seconds = CLOCK};
    char message[1200] = "";
    err = (ig_error){0};
    ig_status status = ig_template_parse("test", text, len, &t, &err);
    if (status == IG_OK) status = ig_template_render(t, variables, &limits, &out, &err);
    if (status != IG_OK) ig_error_format(&err, message, sizeof message);
    bool fails = expected->type == IG_TREE_NULL;
    bool same =
        fails ? status == IG_E_FORMAT || status == IG_E_ARG
              : status == IG_OK && out.len == expected->text_len && (!out.len || !memcmp(out.data, expected->text, out.len));
    if (!same)
        print_error("%s\n  gives    \"%.*s\" %s\n  expected \"%s\"\n", what, (int)out.len, out.len ? out.data : "", message,
                    fails ? "(an error)" : expected->text);
    ig_template_free(t);
    ig_buf_fini(&out);
    return same;
}

static size_t check_model(const ig_tree *model, const ig_tree *conversations, size_t *count) {
    char path[4096], what[512];
    ig_buf text = {.max = 1 << 20};
    size_t bad = 0;
    const char *root = getenv("INGOT_ROOT");
    snprintf(path, sizeof path, "%s/tests/text/templates/%s", root ? root : ".", model->key);
    check_ok(ig_file_read(path, text.max, &text, &err));
    for (const ig_tree *c = conversations->child; c; c = c->next) {
        const char *name = ig_tree_text(c, "name", "");
        const ig_tree *expected = ig_tree_get(model, name);
        assert_non_null(expected);
        snprintf(what, sizeof what, "%s, %s", model->key, name);
        bad += !renders(what, text.data, text.len, ig_tree_get(c, "variables"), expected);
        ++*count;
    }
    ig_buf_fini(&text);
    return bad;
}

static void published_templates_give_what_jinja2_gives(void **state) {
    (void)state;
    ig_doc *conversations = load("conversations.json"), *expected = load("expected.json");
    size_t bad = 0, count = 0;
    for (const ig_tree *m = ig_tree_get(ig_doc_root(expected), "templates")->child; m; m = m->next)
        bad += check_model(m, ig_doc_root(conversations), &count);
    print_message("%zu conversations\n", count);
    assert_true(count >= 500);
    assert_int_equal(bad, 0);
    ig_doc_free(conversations);
    ig_doc_free(expected);
}

static void pieces_of_the_language_give_what_jinja2_gives(void **state) {
    (void)state;
    ig_doc *cases = load("expressions.json"), *expected = load("expected.json");
    const ig_tree *variables = ig_tree_get(ig_doc_root(cases), "variables");
    const ig_tree *e = ig_tree_get(ig_doc_root(expected), "expressions")->child;
    size_t bad = 0, count = 0;
    for (const ig_tree *c = ig_tree_get(ig_doc_root(cases), "templates")->child; c; c = c->next, e = e->next) {
        assert_non_null(e);
        bad += !renders(c->text, c->text, c->text_len, variables, e);
        count++;
    }
    assert_null(e);
    print_message("%zu pieces\n", count);
    assert_true(count >= 150);
    assert_int_equal(bad, 0);
    ig_doc_free(cases);
    ig_doc_free(expected);
}

static void render_text(const char *template, const ig_template_limits *limits, const char *expected) {
    ig_template *t;
    ig_buf out = {.max = 1 << 20};
    check_ok(ig_template_parse("test", template, strlen(template), &t, &err));
    check_ok(ig_template_render(t, NULL, limits, &out, &err));
    assert_int_equal(out.len, strlen(expected));
    assert_memory_equal(out.data ? out.data : "", expected, out.len);
    ig_template_free(t);
    ig_buf_fini(&out);
}

static void a_template_has_a_clock_only_when_it_is_given_one(void **state) {
    (void)state;
    const char *template = "{{ strftime_now('%d %b %Y') if strftime_now is defined else '26 Jul 2024' }}";
    render_text(template, NULL, "26 Jul 2024");
    render_text(template, &(ig_template_limits){.has_clock = true, .clock_seconds = 0}, "01 Jan 1970");
    render_text(template, &(ig_template_limits){.has_clock = true, .clock_seconds = CLOCK}, "26 Jul 2024");
}

static void lists_can_grow_and_shrink(void **state) {
    (void)state;
    render_text("{% set l = [1] %}{% set _ = l.append(2) %}{{ l }}{{ l.pop() }}{{ l.pop(0) }}{{ l }}", NULL, "[1, 2]21[]");
}

static void output_is_appended(void **state) {
    (void)state;
    ig_template *t;
    ig_buf out = {.max = 100};
    ig_buf_puts(&out, "before ");
    check_ok(ig_template_parse("test", "a{{ 1 }}", 8, &t, &err));
    check_ok(ig_template_render(t, NULL, NULL, &out, &err));
    assert_string_equal(out.data, "before a1");
    ig_template_free(t);
    check_ok(ig_template_parse("test", "abc\n{{ x.y }}", 13, &t, &err));
    check_fails(ig_template_render(t, NULL, NULL, &out, &err), IG_E_FORMAT);
    assert_int_equal(err.line, 2);
    assert_string_equal(out.data, "before a1");
    assert_int_equal(out.len, 9);
    ig_template_free(t);
    ig_buf_fini(&out);
}

static void raise_exception_tells_its_words(void **state) {
    (void)state;
    ig_template *t;
    ig_buf out = {.max = 100};
    const char *text = "\n\n{{ raise_exception('No system role, ' ~ 'please') }}";
    check_ok(ig_template_parse("gemma", text, strlen(text), &t, &err));
    check_fails(ig_template_render(t, NULL, NULL, &out, &err), IG_E_ARG);
    assert_string_equal(err.message, "No system role, please");
    assert_string_equal(err.file, "gemma");
    assert_int_equal(err.line, 3);
    ig_template_free(t);
    ig_buf_fini(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_templates_give_what_jinja2_gives),
        cmocka_unit_test(pieces_of_the_language_give_what_jinja2_gives),
        cmocka_unit_test(a_template_has_a_clock_only_when_it_is_given_one),
        cmocka_unit_test(lists_can_grow_and_shrink),
        cmocka_unit_test(output_is_appended),
        cmocka_unit_test(raise_exception_tells_its_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
