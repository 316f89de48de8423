/* tests/base/damaged.c: damaged JSON and YAML, each refused with its line and a reason that a person understands. */
#include "../check.h"

typedef struct row {
    const char *text;
    int line;
    const char *reason; /* must be part of the message */
} row;

static const row json_rows[] = {
    {"", 1, "expected a value, found the end of the text"},
    {"\n\n  ", 3, "found the end"},
    {"{", 1, "expected a key in quotes, found the end"},
    {"[1, 2", 1, "expected ',' or ']', found the end"},
    {"{\"a\": 1\n \"b\": 2}", 2, "expected ',' or '}', found '\"'"},
    {"{\"a\": 1,\n}", 2, "expected a key in quotes, found '}'"},
    {"[1,\n2,\n]", 3, "expected a value, found ']'"},
    {"[,1]", 1, "expected a value, found ','"},
    {"{\"a\" 1}", 1, "expected ':' after the key, found '1'"},
    {"{a: 1}", 1, "expected a key in quotes, found 'a'"},
    {"{'a': 1}", 1, "expected a key in quotes, found '''"},
    {"{\"a\": 1,\n\"b\": 2,\n\"a\": 3}", 3, "key \"a\" stands twice in this map; it was first set in line 1"},
    {"{\"a\\u0062\": 1, \"ab\": 2}", 1, "stands twice"},
    {"{\"a\\u0000b\": 1}", 1, "zero byte"},
    {"[1] 2", 1, "expected the end of the text, found '2'"},
    {"{}\n}", 2, "expected the end of the text, found '}'"},
    {"[1}", 1, "expected ',' or ']', found '}'"},
    {"[01]", 1, "must not start with 0"},
    {"[-]", 1, "expected a digit, found ']'"},
    {"[1.]", 1, "a digit after the decimal point"},
    {"[.5]", 1, "expected a value, found '.'"},
    {"[+1]", 1, "expected a value, found '+'"},
    {"[1e]", 1, "a digit in the exponent"},
    {"[0x10]", 1, "expected ',' or ']', found 'x'"},
    {"[1e999]", 1, "too large"},
    {"[NaN]", 1, "expected a value, found 'N'"},
    {"[True]", 1, "expected a value, found 'T'"},
    {"[nul]", 1, "expected a value, found 'n'"},
    {"[\n\"abc]", 2, "is not closed"},
    {"[\"a\nb\"]", 1, "control character 0x0A"},
    {"[\"a\tb\"]", 1, "control character 0x09"},
    {"[\"\\x41\"]", 1, "after a backslash, found 'x'"},
    {"[\"\\u12G4\"]", 1, "four hexadecimal digits"},
    {"[\"\\uD83D\"]", 1, "surrogate"},
    {"[\"\\uDE00\"]", 1, "surrogate"},
    {"[\"\\uD83D\\u0041\"]", 1, "surrogate"},
    {"[\"\\", 1, "is not closed"},
    {"[1,\n\"\xFF\"]", 2, "byte 0xFF is not UTF-8"},
    {"\n\n[\"\xC0\xAF\"]", 3, "byte 0xC0 is not UTF-8"},
    {"// no comments\n1", 1, "expected a value, found '/'"},
    {"[1 /* x */]", 1, "found '/'"},
    {"，", 1, "expected a value, found '，'"},
};

static const row yaml_rows[] = {
    {"a: 1\nb: 2\na: 3\n", 3, "key \"a\" stands twice in this map; it was first set in line 1"},
    {"{x: 1, x: 2}", 1, "stands twice"},
    {"base: &b\n  x: 1\n", 1, "anchors"},
    {"base: &b 5\n", 1, "anchors"},
    {"a: 1\nb: *a\n", 2, "aliases"},
    {"a: !!str 5\n", 1, "tags"},
    {"a: !custom {x: 1}\n", 1, "tags"},
    {"a:\n  <<: {x: 1}\n", 2, "merge keys"},
    {"a: 1\n---\nb: 2\n", 2, "second document"},
    {"[a, b]: 1\n", 1, "a key must be text"},
    {"? {a: 1}\n: 2\n", 1, "a key must be text"},
    {"? \n: 1\n", 1, "a value without a key"},
    {"a: [1, 2\nb: 3\n", 2, "did not find expected ',' or ']'"},
    {"a: 1\n b: 2\n", 2, "mapping values are not allowed"},
    {"a:\n  b: 1\n c: 2\n", 3, "did not find expected key"},
    {"a: 1\n\tb: 2\n", 2, "tab character"},
    {"a: \"open\n", 2, "unexpected end of stream"},
    {"a: 'x' y\n", 1, "did not find expected key"},
    {"a: @x\n", 1, "cannot start any token"},
    {"a: %x\n", 1, "cannot start any token"},
    {"a: \"\\q\"\n", 1, "unknown escape character"},
    {"x: 1\ny: 1e999\n", 2, "too large"},
    {"a: 1\nb: \xFF\n", 2, "byte 0xFF is not UTF-8"},
    {"a: 1\nb: \x01\n", 2, "control characters are not allowed"},
    {"\"a\\0b\": 1\n", 1, "zero byte"},
    {"- 1\nb: 2\n", 2, "did not find expected '-' indicator"},
    {"a: }\n", 1, "did not find expected node content"},
};

typedef ig_status parse_fn(const char *name, const char *text, size_t len, ig_doc **out, ig_error *err);

static void check_rows(parse_fn *parse, const row *rows, size_t count) {
    for (size_t i = 0; i < count; i++) {
        ig_error err;
        ig_doc *d = NULL;
        size_t len = strlen(rows[i].text);
        char *copy = malloc(len ? len : 1); /* no NUL after the text, so that a sanitizer sees a reader that goes past it */
        memcpy(copy, rows[i].text, len);
        ig_status status = parse("damaged", copy, len, &d, &err);
        free(copy);
        if (status != IG_E_FORMAT || d) fail_msg("row %zu was taken: %s", i, rows[i].text);
        if (err.line != rows[i].line) fail_msg("row %zu: line %d, expected %d: %s", i, err.line, rows[i].line, err.message);
        if (!strstr(err.message, rows[i].reason)) fail_msg("row %zu: \"%s\" not in \"%s\"", i, rows[i].reason, err.message);
        assert_string_equal(err.file, "damaged");
    }
}

static void damaged_json_is_refused_with_line_and_reason(void **state) {
    (void)state;
    check_rows(ig_json_parse, json_rows, sizeof json_rows / sizeof *json_rows);
}

static void damaged_yaml_is_refused_with_line_and_reason(void **state) {
    (void)state;
    check_rows(ig_yaml_parse, yaml_rows, sizeof yaml_rows / sizeof *yaml_rows);
}

static void parse_anything(parse_fn *parse, const char *text, size_t len) {
    ig_doc *d = NULL;
    ig_status status = parse("m", text, len, &d, NULL);
    assert_int_equal(status == IG_OK, d != NULL);
    ig_doc_free(d);
}

/* Every byte of the text changed, and the text cut behind it: any answer but a crash. */
static void check_mutations(parse_fn *parse, const char *text) {
    static const char swaps[] = "\"\\{}[]:,-0eE. \n\t#&*!|>'%@`\x80\xFF"; /* its own NUL is one of them */
    size_t len = strlen(text);
    char *copy = malloc(len);
    for (size_t i = 0; i < len; i++) {
        for (size_t k = 0; k < sizeof swaps; k++) {
            memcpy(copy, text, len);
            copy[i] = swaps[k];
            parse_anything(parse, copy, len);
            parse_anything(parse, copy, i + 1);
        }
    }
    free(copy);
}

static void mutated_texts_never_crash(void **state) {
    (void)state;
    check_mutations(ig_json_parse, "{\"a\": [1, -2.5e+3, true, null, \"x\\u00e9\\uD83D\\uDE00\\n\"], \"b\": {\"c\": \"你\"}}");
    check_mutations(ig_yaml_parse, "a: [1, -2.5e+3, true, ~, \"x\\u00e9\\n\"]\nb:\n  c: 你\n  d: |\n    text\n- e\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_json_is_refused_with_line_and_reason),
        cmocka_unit_test(damaged_yaml_is_refused_with_line_and_reason),
        cmocka_unit_test(mutated_texts_never_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
