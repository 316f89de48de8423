/* Damaged and hostile templates, made by hand: each is refused with its status, line and reason; none hangs or grows. */
#include "../check.h"

#include "ingot/template.h"

static ig_error err;

typedef struct damage {
    const char *template;
    ig_status status;
    int line;
    const char *says;
} damage;

static const damage damages[] = {
    /* never closed */
    {"a {{ b", IG_E_FORMAT, 1, "never closed with }}"},
    {"a\n{% if x", IG_E_FORMAT, 2, "never closed with %}"},
    {"a\n\n{# b", IG_E_FORMAT, 3, "never closed with #}"},
    {"{% if x %}\na", IG_E_FORMAT, 1, "{% if %} is never closed"},
    {"\n{% for x in y %}a{% if z %}{% endif %}", IG_E_FORMAT, 2, "{% for %} is never closed"},
    {"{% macro m() %}", IG_E_FORMAT, 1, "{% macro %} is never closed"},
    {"{% set x %}a", IG_E_FORMAT, 1, "{% set %} is never closed"},
    {"{% raw %}a", IG_E_FORMAT, 1, "never closed with {% endraw %}"},
    {"{% filter upper %}a", IG_E_FORMAT, 1, "{% filter %} is never closed"},
    {"{% call m() %}a", IG_E_FORMAT, 1, "{% call %} is never closed"},
    {"{% generation %}a", IG_E_FORMAT, 1, "{% generation %} is never closed"},
    {"{{ 'abc }}", IG_E_FORMAT, 1, "string is never closed"},
    {"{{ (1 }}", IG_E_FORMAT, 1, "closes nothing"},
    {"{{ [1, 2 }}", IG_E_FORMAT, 1, "closes nothing"},
    {"{{ {'a': 1 }}", IG_E_FORMAT, 1, "closes nothing"},
    {"{{", IG_E_FORMAT, 1, "never closed"},
    {"{%", IG_E_FORMAT, 1, "never closed"},
    {"{#", IG_E_FORMAT, 1, "never closed"},
    {"{{ 'a\\", IG_E_FORMAT, 1, "never closed"},
    /* out of place */
    {"{% endif %}", IG_E_FORMAT, 1, "no tag 'endif' here"},
    {"{% if x %}{% endfor %}", IG_E_FORMAT, 1, "expected is elif or else or endif"},
    {"{% for x in y %}{% endif %}{% endfor %}", IG_E_FORMAT, 1, "no tag 'endif'"},
    {"{% else %}", IG_E_FORMAT, 1, "no tag 'else'"},
    {"{% if x %}{% else %}{% else %}{% endif %}", IG_E_FORMAT, 1, "no tag 'else'"},
    {"{% if x %}{% else %}{% elif y %}{% endif %}", IG_E_FORMAT, 1, "no tag 'elif'"},
    {"{% break %}", IG_E_FORMAT, 1, "outside of a loop"},
    {"{% for i in x %}{% macro m() %}{% continue %}{% endmacro %}{% endfor %}", IG_E_FORMAT, 1, "outside of a loop"},
    {"a\nb\n{% unknown %}", IG_E_FORMAT, 3, "no tag 'unknown'"},
    {"{% %}", IG_E_FORMAT, 1, "no tag"},
    {"{{ }}", IG_E_FORMAT, 1, "an expression is expected"},
    {"{{ 1 2 }}", IG_E_FORMAT, 1, "}} is expected before '2'"},
    {"{{ a b }}", IG_E_FORMAT, 1, "}} is expected before 'b'"},
    {"{% if %}{% endif %}", IG_E_FORMAT, 1, "an expression is expected"},
    {"{% for in x %}{% endfor %}", IG_E_FORMAT, 1, "name of a variable"},
    {"{% for x of y %}{% endfor %}", IG_E_FORMAT, 1, "'in' is expected"},
    {"{% set 1 = 2 %}", IG_E_FORMAT, 1, "name of a variable"},
    {"{% set a.b.c = 2 %}", IG_E_FORMAT, 1, "%} is expected before '.'"},
    {"{% macro %}{% endmacro %}", IG_E_FORMAT, 1, "name of the macro"},
    {"{% macro m(1) %}{% endmacro %}", IG_E_FORMAT, 1, "name of a parameter"},
    {"{% call 5 %}{% endcall %}", IG_E_FORMAT, 1, "needs a call"},
    {"{{ ) }}", IG_E_FORMAT, 1, "closes nothing"},
    {"{{ a. }}", IG_E_FORMAT, 1, "a name after '.'"},
    {"{{ a[] }}", IG_E_FORMAT, 1, "an index is expected"},
    {"{{ f(a=1, 2) }}", IG_E_FORMAT, 1, "comes after one with a name"},
    {"{{ 1 + }}", IG_E_FORMAT, 1, "an expression is expected"},
    {"{{ {1 2} }}", IG_E_FORMAT, 1, "':' after the key"},
    {"{{ ? }}", IG_E_FORMAT, 1, "'?' means nothing"},
    {"{{ \x01 }}", IG_E_FORMAT, 1, "0x01 means nothing"},
    {"{{ 12abc }}", IG_E_FORMAT, 1, "number is malformed"},
    {"{{ 99999999999999999999 }}", IG_E_FORMAT, 1, "too large"},
    {"{{ 1e400 }}", IG_E_FORMAT, 1, "too large"},
    {"{{ '\\ud800' }}", IG_E_FORMAT, 1, "no Unicode character"},
    {"{{ '\\x4' }}", IG_E_FORMAT, 1, "no Unicode character"},
    {"{{ x|uper }}", IG_E_FORMAT, 1, "\"upper\" is one"},
    {"{{ x|nothing_like_it }}", IG_E_FORMAT, 1, "no filter"},
    {"{{ x is strange }}", IG_E_FORMAT, 1, "no test \"strange\""},
    {"a\xff", IG_E_FORMAT, 0, "not UTF-8"},
    /* Jinja that is not for chat templates */
    {"{% include 'x' %}", IG_E_UNSUPPORTED, 1, "include"},
    {"{% import 'x' as y %}", IG_E_UNSUPPORTED, 1, "import"},
    {"{% extends 'x' %}", IG_E_UNSUPPORTED, 1, "extends"},
    {"{% for x in y recursive %}{% endfor %}", IG_E_UNSUPPORTED, 1, "recursive"},
    {"{{ f(*a) }}", IG_E_UNSUPPORTED, 1, "not supported"},
    /* what values do not allow */
    {"\n{{ a.b }}", IG_E_FORMAT, 2, "'a' is undefined"},
    {"{{ a.b() }}", IG_E_FORMAT, 1, "'a' is undefined"},
    {"{{ 'x'.nothing() }}", IG_E_FORMAT, 1, "'nothing' is undefined and cannot be called"},
    {"{{ 1(2) }}", IG_E_FORMAT, 1, "an integer cannot be called"},
    {"{{ [1,\n2] +\n{} }}", IG_E_FORMAT, 2, "does not work on a list and a dict"},
    {"{{ 'x'|replace('a') }}", IG_E_FORMAT, 1, "needs 2 arguments"},
    {"{{ 'x'|upper(1) }}", IG_E_FORMAT, 1, "at most 0"},
    {"{{ 'x'|trim(what=1) }}", IG_E_FORMAT, 1, "no parameter 'what'"},
    {"{{ 'x'.split(5) }}", IG_E_FORMAT, 1, "must be a string"},
    {"{{ 'x'.split('') }}", IG_E_FORMAT, 1, "empty string"},
    {"{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}", IG_E_FORMAT, 1, "at most 1"},
    {"{% macro m(a) %}{% endmacro %}{{ m(b=2) }}", IG_E_FORMAT, 1, "no parameter 'b'"},
    {"{% macro m(a) %}{% endmacro %}{{ m(1, a=2) }}", IG_E_FORMAT, 1, "'a' twice"},
    {"{% for a, b in [[1, 2, 3]] %}{% endfor %}", IG_E_FORMAT, 1, "3 values for 2 names"},
    {"{% for a in 5 %}{% endfor %}", IG_E_FORMAT, 1, "nothing to go through"},
    {"{{ none[1:] }}", IG_E_FORMAT, 1, "none cannot be sliced"},
    {"{{ [1, 2][::0] }}", IG_E_FORMAT, 1, "not 0"},
    {"{{ range(1, 2, 0) }}", IG_E_FORMAT, 1, "not 0"},
    {"{{ 9223372036854775807 + 1 }}", IG_E_FORMAT, 1, "64 bits"},
    {"{{ 10 ** 100 }}", IG_E_FORMAT, 1, "64 bits"},
    {"{{ -9223372036854775807 - 2 }}", IG_E_FORMAT, 1, "64 bits"},
    {"{{ 1 // 0 }}", IG_E_FORMAT, 1, "zero"},
    {"{{ {[1]: 2} }}", IG_E_FORMAT, 1, "cannot be a key"},
    {"{% set ns = {} %}{% set ns.a = 1 %}", IG_E_FORMAT, 1, "not a namespace"},
    {"{{ range|tojson }}", IG_E_FORMAT, 1, "no form in JSON"},
    {"{{ [1]|map }}", IG_E_FORMAT, 1, "map needs"},
    {"{{ [1]|select('strange')|list }}", IG_E_FORMAT, 1, "no test \"strange\""},
    {"{{ [].pop() }}", IG_E_FORMAT, 1, "no such item"},
    /* what never ends, or grows */
    {"{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", IG_E_LIMIT, 1, "deep"},
    {"{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}", IG_E_LIMIT, 1, "deep"},
    {"{% macro m(x=m()) %}{% endmacro %}{{ m() }}", IG_E_LIMIT, 1, "deep"},
    {"{{ range(1000000000)|length }}", IG_E_LIMIT, 1, ""},
    {"{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}", IG_E_LIMIT, 1, ""},
    {"{% for i in range(100000) %}{{ 'x' * 10000 }}{% endfor %}", IG_E_LIMIT, 1, ""},
    {"{{ 'x' * 1000000000000 }}", IG_E_LIMIT, 1, ""},
    {"{{ 'xx' * 9223372036854775807 }}", IG_E_LIMIT, 1, ""},
    {"{{ [1] * 9223372036854775807 }}", IG_E_LIMIT, 1, ""},
    {"{{ [] * 9223372036854775807 }}{{ 'x'|indent(9223372036854775807) }}", IG_E_LIMIT, 1, ""},
    {"{% set ns = namespace(s='x') %}{% for i in range(100) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}", IG_E_LIMIT, 1, ""},
    {"{% set ns = namespace(l=[1]) %}{% for i in range(100) %}{% set ns.l = ns.l + ns.l %}{% endfor %}", IG_E_LIMIT, 1, ""},
    {"{% set ns = namespace(l=[]) %}{% for i in range(1000) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l }}", IG_E_LIMIT, 1, "deep"},
    {"{% set ns = namespace(l=[]) %}{% for i in range(1000) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l == [ns.l] }}", IG_E_LIMIT, 1, "deep"},
    {"{% set ns = namespace(l=[]) %}{% for i in range(1000) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l|tojson }}", IG_E_LIMIT, 1, "deep"},
    {"{% set l = [1] %}{% set _ = l.append(l) %}{{ l }}", IG_E_LIMIT, 1, "deep"},
    {"{% set l = [1] %}{% set _ = l.append(l) %}{{ l == [1, l] }}", IG_E_LIMIT, 1, "deep"},
    {"{% set l = [0] %}{% for i in range(30) %}{% set _ = l.append(l + l) %}{% endfor %}{{ l }}", IG_E_LIMIT, 1, ""},
    {"{% set x %}{% for i in range(200000) %}{{ 'x' * 1000 }}{% endfor %}{% endset %}", IG_E_LIMIT, 1, ""},
    {"{{ ('a' * 100000)|replace('', 'b' * 100000)|length }}", IG_E_LIMIT, 1, ""},
    {"{{ (['a'] * 100000)|join('b' * 100000)|length }}", IG_E_LIMIT, 1, ""},
    {"{{ ('\n' * 1000000)|indent(10000, blank=true)|length }}", IG_E_LIMIT, 2, ""},
    {"{% set s = 'x' * 1000000 %}{% for i in range(1000000) %}{% if 'y' in s %}{% endif %}{% endfor %}", IG_E_LIMIT, 1, "steps"},
    {"{{ [1.5]|tojson(indent=1000000) }}", IG_E_LIMIT, 1, "indents"},
};

/* The error of parsing or of rendering. */
static ig_status refuse(const char *text, size_t len) {
    ig_template *t = NULL;
    ig_buf out = {.max = 64 << 20};
    err = (ig_error){0};
    ig_status status = ig_template_parse("damaged", text, len, &t, &err);
    assert_true((status == IG_OK) == (t != NULL));
    if (status == IG_OK) status = ig_template_render(t, NULL, NULL, &out, &err);
    if (status != IG_OK) assert_int_equal(out.len, 0);
    ig_template_free(t);
    ig_buf_fini(&out);
    return status;
}

static void every_damaged_template_is_refused_with_its_reason(void **state) {
    (void)state;
    size_t bad = 0;
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        const damage *d = &damages[i];
        ig_status status = refuse(d->template, strlen(d->template));
        if (status == d->status && strstr(err.message, d->says) && strcmp(err.file, "damaged") == 0 && err.line == d->line) continue;
        print_error("%s\n  gives %s %s:%d \"%s\", expected %s :%d \"%s\"\n", d->template, ig_status_name(status), err.file, err.line, err.message,
                    ig_status_name(d->status), d->line, d->says);
        bad++;
    }
    assert_int_equal(bad, 0);
}

static void deep_sources_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *open, *middle, *close;
    } deep[] = {
        {"(", "1", ")"}, {"[", "1", "]"}, {"-", "1", ""}, {"not ", "1", ""}, {"{'a':", "1", "}"}, {"x[", "1", "]"}, {"f(", "1", ")"},
        {"1 if 2 else ", "3", ""}, {"1+", "1", ""}, {"'a'~", "1", ""}, {"x|default(", "1", ")"}, {"1**", "1", ""},
    };
    for (size_t i = 0; i < sizeof deep / sizeof *deep; i++) {
        ig_buf text = {.max = 1 << 20};
        ig_buf_puts(&text, "{{ ");
        for (int k = 0; k < 20000; k++) ig_buf_puts(&text, deep[i].open);
        ig_buf_puts(&text, deep[i].middle);
        for (int k = 0; k < 20000; k++) ig_buf_puts(&text, deep[i].close);
        ig_buf_puts(&text, " }}");
        assert_int_equal(refuse(text.data, text.len), IG_E_LIMIT);
        ig_buf_fini(&text);
    }
    ig_buf text = {.max = 1 << 20};
    for (int k = 0; k < 10000; k++) ig_buf_puts(&text, "{% if x %}");
    assert_int_equal(refuse(text.data, text.len), IG_E_LIMIT);
    ig_buf_fini(&text);
}

static void every_cut_of_a_template_is_parsed_or_refused(void **state) {
    (void)state;
    const char *whole = "{%- for m in messages -%}{{ '<|' ~ m['role'] + \"|>\" }}{# c #}{% if m is defined %}a{% endif %}{% endfor %}";
    for (size_t n = 0; n <= strlen(whole); n++) refuse(whole, n);
    assert_int_equal(refuse(whole, strlen(whole)), IG_OK);
}

static void the_callers_limits_hold(void **state) {
    (void)state;
    static const struct {
        const char *template;
        ig_template_limits limits;
        ig_status status;
    } limited[] = {
        {"{% for i in range(100) %}{{ i }}{% endfor %}", {.steps = 100}, IG_E_LIMIT},
        {"{% for i in range(100) %}{{ i }}{% endfor %}", {.steps = 10000}, IG_OK},
        {"{% for i in range(100) %}abc{% endfor %}", {.output_bytes = 299}, IG_E_LIMIT},
        {"{% for i in range(100) %}abc{% endfor %}", {.output_bytes = 300}, IG_OK},
        {"{% set x = 'a' * 100000 %}", {.memory_bytes = 50000}, IG_E_LIMIT},
        {"{{ ((((1 + 2) + 3) + 4) + 5) }}", {.depth = 3}, IG_E_LIMIT},
        {"{{ ((((1 + 2) + 3) + 4) + 5) }}", {.depth = 8}, IG_OK},
        {"x", {.depth = 100000}, IG_E_ARG},
        {"x", {.depth = -1}, IG_E_ARG},
        {"{% macro m(n) %}{% if n %}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(300) }}", {.depth = 2000}, IG_OK},
        {"{% macro m(n) %}{{ m(n + 1) }}{% endmacro %}{{ m(0) }}", {.depth = 2000}, IG_E_LIMIT},
    };
    for (size_t i = 0; i < sizeof limited / sizeof *limited; i++) {
        ig_template *t;
        ig_buf out = {.max = 1 << 20};
        check_ok(ig_template_parse("test", limited[i].template, strlen(limited[i].template), &t, &err));
        ig_status status = ig_template_render(t, NULL, &limited[i].limits, &out, &err);
        if (status != limited[i].status) fail_msg("%s: %s %s", limited[i].template, ig_status_name(status), err.message);
        ig_template_free(t);
        ig_buf_fini(&out);
    }
}

static void a_small_buffer_of_the_caller_is_an_error(void **state) {
    (void)state;
    ig_template *t;
    ig_buf out = {.max = 5};
    check_ok(ig_template_parse("test", "123456789", 9, &t, &err));
    check_fails(ig_template_render(t, NULL, NULL, &out, &err), IG_E_LIMIT);
    assert_int_equal(out.len, 0);
    ig_template_free(t);
    ig_buf_fini(&out);
}

static void variables_must_be_a_map(void **state) {
    (void)state;
    ig_template *t;
    ig_doc *doc;
    ig_buf out = {.max = 5};
    check_ok(ig_template_parse("test", "1", 1, &t, &err));
    check_ok(ig_json_parse("variables", "[1]", 3, &doc, &err));
    check_fails(ig_template_render(t, ig_doc_root(doc), NULL, &out, &err), IG_E_ARG);
    ig_doc_free(doc);
    ig_template_free(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_damaged_template_is_refused_with_its_reason),
        cmocka_unit_test(deep_sources_are_refused),
        cmocka_unit_test(every_cut_of_a_template_is_parsed_or_refused),
        cmocka_unit_test(the_callers_limits_hold),
        cmocka_unit_test(a_small_buffer_of_the_caller_is_an_error),
        cmocka_unit_test(variables_must_be_a_map),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
