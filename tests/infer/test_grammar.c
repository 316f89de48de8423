/* tests/infer/test_grammar.c: what grammars and schemas let through, and which of them are refused.
 *
 * The schemas and their instances are judged by Ajv (schema_cases.mjs); ours must judge the same.
 */
#include "ingot/grammar.h"

#include "../check.h"

static bool matches(const ig_grammar *g, const char *text, size_t len) {
    ig_grammar_state *s = NULL;
    ig_error err;
    bool fits;
    check_ok(ig_grammar_state_new(g, &s, &err));
    check_ok(ig_grammar_accept(s, text, len, &fits, &err));
    bool all = fits && ig_grammar_can_end(s);
    ig_grammar_state_free(s);
    return all;
}

/* ---- GBNF ---- */

typedef struct gbnf_case {
    const char *grammar, *yes[6], *no[6];
} gbnf_case;

static const gbnf_case gbnf[] = {
    {"root ::= \"abc\"", {"abc"}, {"", "ab", "abcd", "abd"}},
    {"root ::= \"\"", {""}, {"a"}},
    {"root ::= \"a\" | \"b\" | ", {"a", "b", ""}, {"c", "ab"}},
    {"root ::= [a-c]+", {"a", "abcabc"}, {"", "d", "abd"}},
    {"root ::= [^a-c]*", {"", "xyz", "中é😀\n"}, {"a", "xa"}},
    {"root ::= .", {"a", "中", "\n", "😀"}, {"", "ab", "\xC3", "\xFF", "\xED\xA0\x80"}},
    {"root ::= \"a\"{3}", {"aaa"}, {"aa", "aaaa"}},
    {"root ::= \"a\"{2,}", {"aa", "aaaaa"}, {"a", ""}},
    {"root ::= \"a\"{,2}", {"", "a", "aa"}, {"aaa"}},
    {"root ::= (\"a\" | \"bc\"){1,2}", {"a", "bc", "abc", "bca"}, {"", "aaa", "b"}},
    {"root ::= \"a\"? \"b\"* \"c\"+", {"c", "abbc", "acc"}, {"", "ab", "aac"}},
    {"root ::= item (\",\" item)*  # a list\nitem ::= [0-9]+", {"1", "1,22,3"}, {"", "1,", ",1"}},
    {"root ::= \"(\" root \")\" | \"x\"", {"x", "(x)", "(((x)))"}, {"(x", "x)", "()"}},
    {"root ::= \"a\" root | \"a\"", {"a", "aaaaaaaa"}, {"", "b"}},
    {"root ::= expr\nexpr ::= term ((\"+\" | \"-\") term)*\nterm ::= num | \"(\" expr \")\"\nnum ::= [0-9]+", {"1+2", "(1-2)+3", "((4))"}, {"1+", "(1", "+"}},
    {"root ::= \"\\x41\\u00e9\\U0001F600\\n\\t\\\\\\\"\"", {"Aé😀\n\t\\\""}, {"A"}},
    {"root ::= [\\x41\\]\\-\\\\]+", {"A", "]-\\"}, {"B", "["}},
    {"root ::= [a-]+", {"a-", "--"}, {"b"}},
    {"root ::= (\n  \"a\"\n  | \"b\"\n) \"c\"", {"ac", "bc"}, {"a", "abc"}},
    {"root ::=\n  \"a\"\n  | \"b\"\n\nother-Rule_1 ::= root", {"a", "b"}, {"c"}},
    {"root ::= (\"a\"?){3} \"b\"", {"b", "ab", "aaab"}, {"aaaab", ""}},
    {"root ::= ((\"a\"*)*)+ \"b\"", {"b", "aab"}, {"a"}},
    {"root ::= x y\nx ::= \"a\"?\ny ::= x \"b\"", {"b", "ab", "aab"}, {"aaab"}},
    {"root ::= [é-ü一-龥]+", {"é", "ü中文"}, {"a", "ý"}},
    {"root ::= [\\u0100-\\U0010FFFF]", {"Ā", "\xF4\x8F\xBF\xBF", "\xEF\xBF\xBF"}, {"é", "\xF4\x90\x80\x80", "\xED\xA0\x80"}},
    {"root::=\"a\"\r\n", {"a"}, {"b"}},
};

static void texts_match_a_grammar_or_not(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof gbnf / sizeof *gbnf; i++) {
        ig_grammar *g = NULL;
        ig_error err;
        check_ok(ig_grammar_parse("t.gbnf", gbnf[i].grammar, strlen(gbnf[i].grammar), &g, &err));
        for (int k = 0; k < 6 && gbnf[i].yes[k]; k++)
            if (!matches(g, gbnf[i].yes[k], strlen(gbnf[i].yes[k]))) fail_msg("%s refuses %s", gbnf[i].grammar, gbnf[i].yes[k]);
        for (int k = 0; k < 6 && gbnf[i].no[k]; k++)
            if (matches(g, gbnf[i].no[k], strlen(gbnf[i].no[k]))) fail_msg("%s takes %s", gbnf[i].grammar, gbnf[i].no[k]);
        ig_grammar_free(g);
    }
}

static const struct {
    const char *grammar;
    ig_status status;
    int line;
    const char *message;
} bad_gbnf[] = {
    {"", IG_E_FORMAT, 0, "no rule \"root\""},
    {"# nothing\n", IG_E_FORMAT, 0, "no rule \"root\""},
    {"start ::= \"a\"", IG_E_FORMAT, 0, "no rule \"root\""},
    {"root ::= a", IG_E_FORMAT, 1, "\"a\" is used and never defined"},
    {"root ::= \"a\"\nroot ::= \"b\"", IG_E_FORMAT, 2, "defined twice"},
    {"root = \"a\"", IG_E_FORMAT, 1, "::="},
    {"::= \"a\"", IG_E_FORMAT, 1, "name of a rule"},
    {"root ::= \"a", IG_E_FORMAT, 1, "not closed"},
    {"root ::= \"a\n\"", IG_E_FORMAT, 1, "not closed"},
    {"root ::= [a", IG_E_FORMAT, 1, "not closed"},
    {"root ::= []", IG_E_FORMAT, 1, "without a character"},
    {"root ::= [z-a]", IG_E_FORMAT, 1, "backwards"},
    {"root ::= (\"a\"", IG_E_FORMAT, 1, "')' is missing"},
    {"root ::= \"a\")", IG_E_FORMAT, 1, "closes nothing"},
    {"root ::= *", IG_E_FORMAT, 1, "expected a rule's name"},
    {"root ::= \"a\"{", IG_E_FORMAT, 1, "repetition"},
    {"root ::= \"a\"{2", IG_E_FORMAT, 1, "repetition"},
    {"root ::= \"a\"{,}", IG_E_FORMAT, 1, "repetition"},
    {"root ::= \"a\"{3,2}", IG_E_FORMAT, 1, "below its minimum"},
    {"root ::= \"a\"{999999999999}", IG_E_LIMIT, 0, "repetition of more than"},
    {"root ::= (((\"a\"{60000}){60000} \"b\"){60000} .{60000} .{60000} .{60000} .{60000} .{60000} .{60000} .{60000} .{60000} .{60000} .{60000})", IG_E_LIMIT, 0, "places"},
    {"root ::= \"\\q\"", IG_E_FORMAT, 1, "unknown escape"},
    {"root ::= \"\\x4\"", IG_E_FORMAT, 1, "hexadecimal"},
    {"root ::= \"\\uD800\"", IG_E_FORMAT, 1, "no Unicode character"},
    {"root ::= \"\\U00110000\"", IG_E_FORMAT, 1, "no Unicode character"},
    {"root ::= \"\xFF\"", IG_E_FORMAT, 1, "not UTF-8"},
    {"root ::= <think>", IG_E_FORMAT, 1, "expected a rule's name"},
    {"root ::= \"x\"\n\nb ::= b \"y\" | \"z\"", IG_E_FORMAT, 3, "left recursion: \"b\""},
    {"root ::= a\na ::= c \"x\"\nc ::= a | \"y\"", IG_E_FORMAT, 2, "left recursion: \"a\""},
    {"root ::= e root | \"x\"\ne ::= \"y\"?", IG_E_FORMAT, 1, "left recursion: \"root\""},
    {"root ::= (root | \"a\"){2,3}", IG_E_FORMAT, 1, "left recursion: \"root\""},
    {"root ::= \"x\" root", IG_E_FORMAT, 1, "\"root\" can never end"},
    {"root ::= \"x\" | b\nb ::= \"(\" b \")\"", IG_E_FORMAT, 2, "\"b\" can never end"},
};

static void damaged_grammars_are_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof bad_gbnf / sizeof *bad_gbnf; i++) {
        ig_grammar *g = NULL;
        ig_error err = {0};
        ig_status s = ig_grammar_parse("t.gbnf", bad_gbnf[i].grammar, strlen(bad_gbnf[i].grammar), &g, &err);
        if (s != bad_gbnf[i].status || err.line != bad_gbnf[i].line || !strstr(err.message, bad_gbnf[i].message))
            fail_msg("%s: %s, line %d: %s", bad_gbnf[i].grammar, ig_status_name(s), err.line, err.message);
        assert_null(g);
    }
}

static void groups_have_a_depth(void **state) {
    (void)state;
    char text[400] = "root ::= ";
    ig_error err;
    ig_grammar *g = NULL;
    for (int i = 0; i < 70; i++) strcat(text, "(");
    check_fails(ig_grammar_parse("t.gbnf", text, strlen(text), &g, &err), IG_E_LIMIT);
}

/* ---- schemas ---- */

static ig_doc *load_cases(void) {
    ig_doc *doc = NULL;
    ig_error err;
    check_ok(ig_doc_load(SOURCE_DIR "/schema_cases.json", 1 << 22, &doc, &err));
    return doc;
}

static void check_instances(const ig_grammar *g, const char *schema, const ig_tree *list, bool wanted) {
    for (const ig_tree *t = list->child; t; t = t->next)
        if (matches(g, t->text, t->text_len) != wanted) fail_msg("%s %s %s", schema, wanted ? "refuses" : "takes", t->text);
}

static void schemas_judge_as_ajv_does(void **state) {
    (void)state;
    ig_doc *doc = load_cases();
    size_t pairs = 0;
    for (const ig_tree *c = ig_doc_root(doc)->child; c; c = c->next) {
        const char *schema = ig_tree_text(c, "schema", "");
        ig_grammar *g = NULL;
        ig_error err;
        if (ig_grammar_from_schema("schema", schema, strlen(schema), NULL, &g, &err) != IG_OK) fail_msg("%s: %s", schema, err.message);
        check_instances(g, schema, ig_tree_get(c, "yes"), true);
        check_instances(g, schema, ig_tree_get(c, "no"), false);
        pairs += ig_tree_get(c, "yes")->count + ig_tree_get(c, "no")->count;
        ig_grammar_free(g);
    }
    assert_true(pairs >= 120);
    ig_doc_free(doc);
}

static ig_grammar *schema(const char *text, bool spaces) {
    ig_grammar *g = NULL;
    ig_error err;
    check_ok(ig_grammar_from_schema("schema", text, strlen(text), &(ig_grammar_json_opts){.spaces = spaces}, &g, &err));
    return g;
}

static void white_space_is_allowed_when_asked_for(void **state) {
    (void)state;
    static const char text[] = "{\"properties\": {\"a\": {\"items\": {\"type\": \"integer\"}}, \"b\": {\"const\": {\"x\": [1, 2]}}}}";
    static const char *const yes[] = {"{ \"a\": [1, 2 ], \"b\": {\"x\": [1, 2]} }", "{\n  \"a\": [\n    1\n  ]\n}", "{\"a\":[]}", "{ }"};
    static const char *const no[] = {" {}", "{} ", "{  }", "{\"a\" :[]}", "{\n\n}", "{\t}"};
    ig_grammar *loose = schema(text, true), *strict = schema(text, false);
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) assert_true(matches(loose, yes[i], strlen(yes[i])));
    for (size_t i = 0; i < sizeof no / sizeof *no; i++) assert_false(matches(loose, no[i], strlen(no[i])));
    assert_false(matches(strict, yes[0], strlen(yes[0])));
    ig_grammar_free(loose);
    ig_grammar_free(strict);
}

/* Less than the schema says, never more: integers with a point, keys in another order, nothing beside `properties`. */
static void some_of_what_a_schema_allows_is_never_written(void **state) {
    (void)state;
    ig_grammar *g = schema("{\"properties\": {\"a\": {\"type\": \"integer\"}, \"b\": {\"nullable\": true, \"type\": \"boolean\"}}}", false);
    assert_true(matches(g, "{\"a\":1,\"b\":null}", 16));
    assert_false(matches(g, "{\"b\":null,\"a\":1}", 16));
    assert_false(matches(g, "{\"a\":1.0}", 9));
    assert_false(matches(g, "{\"c\":1}", 7));
    ig_grammar_free(g);
}

static const struct {
    const char *schema;
    ig_status status;
    const char *message;
} bad_schemas[] = {
    {"", IG_E_FORMAT, "end of the text"},
    {"{", IG_E_FORMAT, "end of the text"},
    {"[]", IG_E_FORMAT, "#: this must be a schema"},
    {"1", IG_E_FORMAT, "#: this must be a schema"},
    {"false", IG_E_FORMAT, "allows nothing"},
    {"{\"not\": {}}", IG_E_UNSUPPORTED, "#: \"not\" is not supported"},
    {"{\"properties\": {\"a\": {\"if\": {}}}}", IG_E_UNSUPPORTED, "#/properties/a: \"if\" is not supported"},
    {"{\"items\": {\"patternProperties\": {}}}", IG_E_UNSUPPORTED, "#/items: \"patternProperties\" is not supported"},
    {"{\"anyOf\": [{}, {\"uniqueItems\": true}]}", IG_E_UNSUPPORTED, "#/anyOf/1: \"uniqueItems\" is not supported"},
    {"{\"type\": \"integer\", \"multipleOf\": 2}", IG_E_UNSUPPORTED, "\"multipleOf\""},
    {"{\"type\": \"object\", \"minProperties\": 2}", IG_E_UNSUPPORTED, "\"minProperties\""},
    {"{\"type\": \"object\", \"propertyNames\": {}}", IG_E_UNSUPPORTED, "\"propertyNames\""},
    {"{\"dependentRequired\": {}}", IG_E_UNSUPPORTED, "\"dependentRequired\""},
    {"{\"contains\": {}}", IG_E_UNSUPPORTED, "\"contains\""},
    {"{\"$dynamicRef\": \"#x\"}", IG_E_UNSUPPORTED, "\"$dynamicRef\""},
    {"{\"type\": \"text\"}", IG_E_FORMAT, "\"type\" must be"},
    {"{\"type\": []}", IG_E_FORMAT, "\"type\" must be"},
    {"{\"type\": [\"string\", 1]}", IG_E_FORMAT, "\"type\" must be"},
    {"{\"type\": \"string\", \"pattern\": \"(\"}", IG_E_FORMAT, "')' is missing"},
    {"{\"type\": \"string\", \"pattern\": \"a)\"}", IG_E_FORMAT, "closes nothing"},
    {"{\"type\": \"string\", \"pattern\": \"[a\"}", IG_E_FORMAT, "']' is missing"},
    {"{\"type\": \"string\", \"pattern\": \"[z-a]\"}", IG_E_FORMAT, "backwards"},
    {"{\"type\": \"string\", \"pattern\": \"*\"}", IG_E_FORMAT, "nothing before it"},
    {"{\"type\": \"string\", \"pattern\": \"a{2,1}\"}", IG_E_FORMAT, "repetition"},
    {"{\"type\": \"string\", \"pattern\": \"(?=a)\"}", IG_E_UNSUPPORTED, "lookaround"},
    {"{\"type\": \"string\", \"pattern\": \"(a)\\\\1\"}", IG_E_UNSUPPORTED, "references back"},
    {"{\"type\": \"string\", \"pattern\": \"\\\\bx\"}", IG_E_UNSUPPORTED, "word boundaries"},
    {"{\"type\": \"string\", \"pattern\": \"\\\\p{L}\"}", IG_E_UNSUPPORTED, "\\p"},
    {"{\"type\": \"string\", \"pattern\": \"a^b\"}", IG_E_UNSUPPORTED, "at the two ends"},
    {"{\"type\": \"string\", \"pattern\": \"a$b\"}", IG_E_UNSUPPORTED, "at the two ends"},
    {"{\"type\": \"string\", \"pattern\": \"\\\\\"}", IG_E_FORMAT, "backslash"},
    {"{\"type\": \"string\", \"pattern\": 1}", IG_E_FORMAT, "must be text"},
    {"{\"type\": \"string\", \"pattern\": \"a\", \"maxLength\": 3}", IG_E_UNSUPPORTED, "beside a length"},
    {"{\"type\": \"string\", \"format\": \"regex\"}", IG_E_UNSUPPORTED, "\"format\" must be date"},
    {"{\"type\": \"string\", \"minLength\": 3, \"maxLength\": 2}", IG_E_FORMAT, "longer"},
    {"{\"type\": \"string\", \"minLength\": -1}", IG_E_FORMAT, "not negative"},
    {"{\"type\": \"string\", \"maxLength\": 10000000}", IG_E_LIMIT, "is more than"},
    {"{\"type\": \"integer\", \"minimum\": \"1\"}", IG_E_FORMAT, "must be a number"},
    {"{\"type\": \"integer\", \"exclusiveMinimum\": true}", IG_E_FORMAT, "must be a number"},
    {"{\"type\": \"integer\", \"minimum\": 3, \"maximum\": 2}", IG_E_FORMAT, "no integer"},
    {"{\"type\": \"integer\", \"minimum\": 1e300}", IG_E_FORMAT, "64 bits"},
    {"{\"type\": \"number\", \"minimum\": 0.5}", IG_E_UNSUPPORTED, "whole number"},
    {"{\"type\": \"number\", \"minimum\": 1, \"exclusiveMaximum\": 1}", IG_E_FORMAT, "no number"},
    {"{\"properties\": []}", IG_E_FORMAT, "must be a map"},
    {"{\"properties\": {\"a\": 1}}", IG_E_FORMAT, "#/properties/a: this must be a schema"},
    {"{\"properties\": {\"a\": {}}, \"required\": [\"b\"]}", IG_E_FORMAT, "names \"b\""},
    {"{\"properties\": {\"a\": {}}, \"required\": \"a\"}", IG_E_FORMAT, "list of names"},
    {"{\"properties\": {\"a\": {}}, \"required\": [1]}", IG_E_FORMAT, "list of names"},
    {"{\"additionalProperties\": 1}", IG_E_FORMAT, "true, false or a schema"},
    {"{\"type\": \"array\", \"items\": [{}]}", IG_E_UNSUPPORTED, "prefixItems"},
    {"{\"type\": \"array\", \"minItems\": 2, \"maxItems\": 1}", IG_E_FORMAT, "more items"},
    {"{\"type\": \"array\", \"prefixItems\": {}}", IG_E_FORMAT, "list of schemas"},
    {"{\"enum\": []}", IG_E_FORMAT, "no value"},
    {"{\"enum\": 1}", IG_E_FORMAT, "list of values"},
    {"{\"enum\": [1], \"type\": \"string\"}", IG_E_FORMAT, "no value"},
    {"{\"enum\": [1], \"const\": 1}", IG_E_UNSUPPORTED, "beside"},
    {"{\"enum\": [1], \"minimum\": 1}", IG_E_UNSUPPORTED, "\"minimum\" beside"},
    {"{\"anyOf\": []}", IG_E_FORMAT, "not empty"},
    {"{\"anyOf\": [{}], \"oneOf\": [{}]}", IG_E_UNSUPPORTED, "beside"},
    {"{\"anyOf\": [{}], \"type\": \"object\"}", IG_E_UNSUPPORTED, "\"type\" beside"},
    {"{\"allOf\": [{\"type\": \"string\"}, {\"minLength\": 2}]}", IG_E_UNSUPPORTED, "plain objects"},
    {"{\"allOf\": [{\"properties\": {\"a\": {\"type\": \"null\"}}}, {\"properties\": {\"a\": {\"type\": \"string\"}}}]}", IG_E_UNSUPPORTED, "described twice"},
    {"{\"allOf\": [{\"properties\": {\"a\": {}}, \"additionalProperties\": false}, {\"properties\": {\"b\": {}}, \"required\": [\"b\"]}]}", IG_E_FORMAT, "forbidden by another"},
    {"{\"$defs\": {\"a\": {\"allOf\": [{\"$ref\": \"#/$defs/a\"}, {}]}}, \"$ref\": \"#/$defs/a\"}", IG_E_LIMIT, "too many schemas"},
    {"{\"$ref\": 1}", IG_E_FORMAT, "must be text"},
    {"{\"$ref\": \"#/$defs/x\"}", IG_E_FORMAT, "there is no \"#/$defs/x\""},
    {"{\"$ref\": \"other.json\"}", IG_E_UNSUPPORTED, "within this schema"},
    {"{\"$ref\": \"#/$defs/x\", \"minimum\": 1, \"$defs\": {\"x\": {}}}", IG_E_UNSUPPORTED, "beside"},
    {"{\"$ref\": \"#\"}", IG_E_FORMAT, "left recursion: \"#\""},
    {"{\"$ref\": \"#/$defs/a\", \"$defs\": {\"a\": {\"$ref\": \"#/$defs/b\"}, \"b\": {\"$ref\": \"#/$defs/a\"}}}", IG_E_FORMAT, "left recursion"},
    {"{\"properties\": {\"a\": {\"$ref\": \"#\"}}, \"required\": [\"a\"]}", IG_E_FORMAT, "nothing fits"},
};

static void damaged_schemas_are_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof bad_schemas / sizeof *bad_schemas; i++) {
        ig_grammar *g = NULL;
        ig_error err = {0};
        ig_status s = ig_grammar_from_schema("schema", bad_schemas[i].schema, strlen(bad_schemas[i].schema), NULL, &g, &err);
        if (s != bad_schemas[i].status || !strstr(err.message, bad_schemas[i].message))
            fail_msg("%s: %s: %s", bad_schemas[i].schema, ig_status_name(s), err.message);
        assert_null(g);
    }
}

/* ---- depth and size ---- */

static void nesting_ends_where_readers_end(void **state) {
    (void)state;
    ig_grammar *g = NULL;
    ig_grammar_state *s = NULL;
    ig_doc *doc = NULL;
    ig_error err;
    bool fits;
    char text[400] = "";
    int depth = 0;
    check_ok(ig_grammar_json_object(NULL, &g, &err));
    check_ok(ig_grammar_state_new(g, &s, &err));
    for (fits = true; fits && depth < 70; depth += fits) {
        check_ok(ig_grammar_accept(s, "{\"a\":", 5, &fits, &err));
        if (fits) strcat(text, "{\"a\":");
    }
    assert_in_range(depth, 50, 64);
    check_ok(ig_grammar_accept(s, "null", 4, &fits, &err));
    assert_true(fits);
    strcat(text, "null");
    for (int i = 0; i < depth; i++) {
        check_ok(ig_grammar_accept(s, "}", 1, &fits, &err));
        assert_true(fits);
        strcat(text, "}");
    }
    assert_true(ig_grammar_is_complete(s));
    check_ok(ig_json_parse("text", text, strlen(text), &doc, &err));
    ig_doc_free(doc);
    ig_grammar_state_free(s);
    ig_grammar_free(g);
}

static void a_long_text_needs_bounded_memory(void **state) {
    (void)state;
    ig_grammar *g = schema("{\"type\": \"array\", \"items\": {\"type\": \"string\", \"maxLength\": 60000}}", false);
    ig_grammar_state *s = NULL, *early = NULL;
    ig_error err;
    bool fits;
    check_ok(ig_grammar_state_new(g, &s, &err));
    check_ok(ig_grammar_accept(s, "[\"ab", 4, &fits, &err));
    check_ok(ig_grammar_state_copy(s, &early, &err));
    for (int i = 0; i < 59998; i++) check_ok(ig_grammar_accept(s, "\xC3\xA9", 2, &fits, &err));
    assert_true(fits);
    check_ok(ig_grammar_accept(s, "x", 1, &fits, &err));
    assert_false(fits);
    check_ok(ig_grammar_accept(s, "\"]", 2, &fits, &err));
    assert_true(fits && ig_grammar_is_complete(s));
    check_ok(ig_grammar_accept(early, "x\"]", 3, &fits, &err));
    assert_true(fits && ig_grammar_is_complete(early));
    ig_grammar_state_free(s);
    ig_grammar_state_free(early);
    ig_grammar_free(g);
}

static void ambiguity_has_a_limit(void **state) {
    (void)state;
    static const char text[] = "root ::= \"a\" root \"b\" | \"a\" root \"c\" | \"a\" root \"d\" | \"x\"";
    ig_grammar *g = NULL;
    ig_grammar_state *s = NULL;
    ig_error err;
    bool fits = true;
    ig_status status = IG_OK;
    check_ok(ig_grammar_parse("t.gbnf", text, strlen(text), &g, &err));
    check_ok(ig_grammar_state_new(g, &s, &err));
    for (int i = 0; i < 100 && status == IG_OK; i++) status = ig_grammar_accept(s, "a", 1, &fits, &err);
    assert_int_equal(status, IG_E_LIMIT);
    check_ok(ig_grammar_accept(s, "x", 1, &fits, &err)); /* it stands where it stood */
    assert_true(fits);
    ig_grammar_state_free(s);
    ig_grammar_free(g);
}

static void a_misfit_changes_nothing(void **state) {
    (void)state;
    ig_grammar *g = schema("{\"type\": \"integer\"}", false);
    ig_grammar_state *s = NULL;
    ig_error err;
    bool fits;
    check_ok(ig_grammar_state_new(g, &s, &err));
    check_ok(ig_grammar_accept(s, "12x", 3, &fits, &err));
    assert_false(fits);
    assert_false(ig_grammar_can_end(s));
    check_ok(ig_grammar_accept(s, "12", 2, &fits, &err));
    assert_true(fits && ig_grammar_can_end(s) && !ig_grammar_is_complete(s));
    ig_grammar_state_free(s);
    ig_grammar_free(g);
}

/* ---- memory ---- */

static ig_status make_and_follow(const char *text, bool gbnf_text, const char *instance) {
    ig_grammar *g = NULL;
    ig_grammar_state *s = NULL, *copy = NULL;
    bool fits;
    ig_status status = gbnf_text ? ig_grammar_parse("t", text, strlen(text), &g, NULL) : ig_grammar_from_schema("t", text, strlen(text), NULL, &g, NULL);
    if (status == IG_OK) status = ig_grammar_state_new(g, &s, NULL);
    if (status == IG_OK) status = ig_grammar_state_copy(s, &copy, NULL);
    if (status == IG_OK) status = ig_grammar_accept(copy, instance, strlen(instance), &fits, NULL);
    if (status == IG_OK) assert_true(fits);
    ig_grammar_state_free(s);
    ig_grammar_state_free(copy);
    ig_grammar_free(g);
    return status;
}

static void fail_each_allocation(const char *text, bool gbnf_text, const char *instance) {
    ig_status status = IG_E_NOMEM;
    for (uint64_t n = 1; status != IG_OK; n++) {
        ig_alloc_fail_at(n);
        status = make_and_follow(text, gbnf_text, instance);
        bool failed = ig_alloc_fail_at(0) >= n;
        assert_int_equal(status, failed ? IG_E_NOMEM : IG_OK);
    }
}

static void failed_allocations_are_statuses(void **state) {
    (void)state;
    fail_each_allocation("root ::= item{2,4} [^a-z\\u00e9] .\nitem ::= (\"a\" | item2)+\nitem2 ::= \"(\" item \")\"", true, "a(a)a!x");
    fail_each_allocation("{\"properties\": {\"a\": {\"$ref\": \"#/$defs/x\"}, \"b\": {\"type\": \"string\", \"pattern\": \"^[a-z]{2}$\"}, \"c\": {\"anyOf\": [{\"const\": [1, {}]}, {}]},"
                         " \"d\": {\"allOf\": [{\"properties\": {\"e\": {}}}, {\"properties\": {\"f\": {}}, \"additionalProperties\": false}]}},"
                         " \"additionalProperties\": {\"type\": \"array\", \"items\": {\"type\": \"integer\", \"minimum\": 3}}, \"$defs\": {\"x\": {\"type\": \"number\"}}}",
                         false, "{\"a\":1,\"b\":\"xy\",\"c\":[1,{}],\"dd\":[3]}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_match_a_grammar_or_not),
        cmocka_unit_test(damaged_grammars_are_refused),
        cmocka_unit_test(groups_have_a_depth),
        cmocka_unit_test(schemas_judge_as_ajv_does),
        cmocka_unit_test(white_space_is_allowed_when_asked_for),
        cmocka_unit_test(some_of_what_a_schema_allows_is_never_written),
        cmocka_unit_test(damaged_schemas_are_refused),
        cmocka_unit_test(nesting_ends_where_readers_end),
        cmocka_unit_test(a_long_text_needs_bounded_memory),
        cmocka_unit_test(ambiguity_has_a_limit),
        cmocka_unit_test(a_misfit_changes_nothing),
        cmocka_unit_test(failed_allocations_are_statuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
