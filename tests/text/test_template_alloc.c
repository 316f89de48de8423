/* Every allocation of parsing and rendering a template may fail: the call says so, and leaves nothing behind. */
#include "../check.h"

#include "ingot/template.h"

static ig_error err;
static const char text[] =
    "{% set ns = namespace(n=0) %}{% macro m(a, b=[1, 2]) %}{{ a }}{{ caller() }}{{ b|join(',') }}{% endmacro %}"
    "{% for x in messages if x.role is defined %}{% set ns.n = ns.n + 1 %}{% call m(x.role|upper) %}{{ loop is defined }}{% "
    "endcall %}"
    "{{ x|tojson(indent=2) }}{{ x.content.split(' ')|sort|map('upper')|list }}{{ loop.index ~ '/' ~ loop.length }}{% endfor %}"
    "{% set big %}{% for i in range(300) %}{{ 'line %' * 20 }}\n{% endfor %}{% endset %}{{ big|indent(3)|replace('n', "
    "'N')|length }}"
    "{{ messages|map(attribute='role')|join }}{{ {'k': [1, 'a' 'b', none]} }}{{ \"\\u4f60\"|title }}{{ big[::-1]|length }}"
    "{{ strftime_now('%Y') }}";
static const char variables[] =
    "{\"messages\": [{\"role\": \"user\", \"content\": \"b a c\"}, {\"role\": \"x\", \"content\": \"\xc3\xa9 y\"}]}";
static ig_template *parsed;
static ig_doc *doc;

static ig_status parse(void) {
    ig_template *t = NULL;
    ig_status status = ig_template_parse("test", text, sizeof text - 1, &t, &err);
    assert_true((status == IG_OK) == (t != NULL));
    ig_template_free(t);
    return status;
}

static ig_status render(void) {
    ig_buf out = {.max = 1 << 24};
    ig_status status = ig_template_render(parsed, ig_doc_root(doc), &(ig_template_limits){.has_clock = true}, &out, &err);
    if (status != IG_OK) assert_int_equal(out.len, 0);
    ig_buf_fini(&out);
    return status;
}

static void check_each_allocation(ig_status (*call)(void)) {
    check_ok(call());
    for (uint64_t n = 1;; n++) {
        ig_alloc_fail_at(n);
        ig_status status = call();
        bool reached = ig_alloc_fail_at(0) >= n;
        assert_int_equal(status, reached ? IG_E_NOMEM : IG_OK);
        if (!reached) {
            assert_true(n > 3);
            return;
        }
    }
}

static void parsing_survives(void **state) {
    (void)state;
    check_each_allocation(parse);
}

static void rendering_survives(void **state) {
    (void)state;
    check_ok(ig_template_parse("test", text, sizeof text - 1, &parsed, &err));
    check_ok(ig_json_parse("variables", variables, sizeof variables - 1, &doc, &err));
    check_each_allocation(render);
    ig_doc_free(doc);
    ig_template_free(parsed);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(parsing_survives), cmocka_unit_test(rendering_survives)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
