/* infer/grammar/json_form.c: JSON (RFC 8259) as rules: white space, characters of a text, values of any kind.
 *
 *     any   ::= object | array | text | number | "true" | "false" | "null"
 *     text  ::= "\"" character* "\""
 *     character ::= [^"\\ and control] | "\\" ["\\/bfnrt] | "\\u" hex hex hex hex (surrogates in pairs)
 *
 * Lists and maps are rules that count as one level, so that what a grammar lets through is never nested deeper than readers
 * take.
 */
#include <string.h>

#include "infer/grammar/json_form.h"

void gr_json_init(gr_json *j, const char *file, const ig_grammar_json_opts *opts, ig_error *err) {
    *j = (gr_json){.spaces = opts && opts->spaces};
    gr_builder_init(&j->b, file, err);
}

void gr_json_fini(gr_json *j) {
    gr_builder_fini(&j->b);
    ig_free(j->job);
    ig_free(j->slot);
    ig_free(j->child);
}

/* ---- white space ---- */

gr_frag gr_json_space(gr_json *j) { return j->spaces ? gr_call(&j->b, j->space) : gr_nothing(&j->b); }

gr_frag gr_json_mark(gr_json *j, const char *mark) {
    return gr_seq(&j->b, gr_literal(&j->b, mark, strlen(mark)), gr_json_space(j));
}

static void define_space(gr_json *j) {
    gr_builder *b = &j->b;
    gr_frag f = gr_open(b), lines = gr_repeat(b, gr_literal(b, " ", 1), 0, 32);
    gr_branch(b, f, gr_nothing(b));
    gr_branch(b, f, gr_literal(b, " ", 1));
    gr_branch(b, f, gr_seq(b, gr_literal(b, "\n", 1), lines));
    gr_rule_define(b, j->space, f);
}

/* ---- characters ---- */

static gr_frag set_of(gr_builder *b, const gr_range *r, size_t n) {
    gr_set s = {0};
    for (size_t i = 0; i < n; i++) gr_set_add(b, &s, r[i].lo, r[i].hi);
    gr_set_settle(b, &s, false);
    gr_frag f = gr_set_frag(b, &s);
    gr_set_fini(&s);
    return f;
}

static gr_frag chars(gr_builder *b, const char *each) {
    gr_frag f = gr_open(b);
    for (; *each; each++) gr_bytes(b, f.start, f.end, (uint8_t)*each, (uint8_t)*each);
    return f;
}

static gr_frag hex_digits(gr_builder *b, int n) {
    gr_frag f = gr_nothing(b);
    while (n-- > 0) f = gr_seq(b, f, chars(b, "0123456789abcdefABCDEF"));
    return f;
}

/* \uXXXX: no surrogate, or D800-DBFF with DC00-DFFF behind it. */
static gr_frag unicode_escape(gr_builder *b) {
    gr_frag f = gr_open(b), u = gr_literal(b, "\\u", 2);
    gr_branch(b, f, gr_seq(b, chars(b, "0123456789abcefABCEF"), hex_digits(b, 3)));
    gr_branch(b, f, gr_seq(b, gr_seq(b, chars(b, "dD"), chars(b, "01234567")), hex_digits(b, 2)));
    gr_frag high = gr_seq(b, gr_seq(b, chars(b, "dD"), chars(b, "89abAB")), hex_digits(b, 2));
    gr_frag low = gr_seq(b, gr_seq(b, chars(b, "dD"), chars(b, "cdefCDEF")), hex_digits(b, 2));
    gr_branch(b, f, gr_seq(b, gr_seq(b, high, gr_literal(b, "\\u", 2)), low));
    return gr_seq(b, u, f);
}

static void define_character(gr_json *j) {
    static const gr_range plain[] = {{0x20, 0x21}, {0x23, 0x5B}, {0x5D, GR_CODE_POINT_MAX}};
    gr_builder *b = &j->b;
    gr_frag f = gr_open(b);
    gr_branch(b, f, set_of(b, plain, 3));
    gr_branch(b, f, gr_seq(b, gr_literal(b, "\\", 1), chars(b, "\"\\/bfnrt")));
    gr_branch(b, f, unicode_escape(b));
    gr_rule_define(b, j->character, f);
}

static gr_frag escaped(gr_builder *b, uint32_t c) {
    static const char values[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";
    char text[8];
    const char *found = c ? strchr(values, (int)c) : NULL;
    int n = found ? snprintf(text, sizeof text, "\\%c", names[found - values]) : snprintf(text, sizeof text, "\\u%04x", c);
    return gr_literal(b, text, (size_t)n);
}

static bool needs_escape(uint32_t c) { return c < 0x20 || c == '"' || c == '\\'; }

gr_frag gr_json_set(gr_json *j, const gr_set *s) {
    gr_builder *b = &j->b;
    gr_set plain = {0};
    gr_frag f = gr_open(b);
    for (size_t i = 0; i < s->n; i++) {
        uint32_t lo = s->r[i].lo;
        for (uint32_t c = lo; c <= '\\' && c <= s->r[i].hi; c++) {
            if (!needs_escape(c)) continue;
            gr_branch(b, f, escaped(b, c));
            if (c > lo) gr_set_add(b, &plain, lo, c - 1);
            lo = c + 1;
        }
        if (lo <= s->r[i].hi) gr_set_add(b, &plain, lo, s->r[i].hi);
    }
    gr_set_settle(b, &plain, false);
    if (plain.n) gr_branch(b, f, gr_set_frag(b, &plain));
    gr_set_fini(&plain);
    return f;
}

/* ---- values ---- */

static gr_frag written(gr_json *j, const ig_tree *v, const char *text, size_t n) {
    ig_buf out = {.max = 8 * (size_t)IG_GRAMMAR_BYTES_MAX};
    ig_json w = {.out = &out};
    gr_frag f = {0, 0};
    if (v) ig_json_tree(&w, v);
    else ig_json_text_n(&w, text, n);
    ig_status s = ig_buf_status(&out, j->b.err);
    if (s == IG_OK) f = gr_literal(&j->b, out.data, out.len);
    else if (j->b.status == IG_OK) j->b.status = s;
    ig_buf_fini(&out);
    return f;
}

gr_frag gr_json_text(gr_json *j, const char *s, size_t n) { return written(j, NULL, s, n); }

gr_frag gr_json_nested(gr_json *j, gr_frag body) {
    uint32_t rule = gr_rule_new(&j->b, NULL, 0, 0, 1);
    gr_rule_define(&j->b, rule, body);
    return gr_call(&j->b, rule);
}

/* The depth of the C stack is that of a parsed document: IG_TREE_DEPTH_MAX. */
gr_frag gr_json_value(gr_json *j, const ig_tree *v) {
    gr_builder *b = &j->b;
    if (v->type != IG_TREE_LIST && v->type != IG_TREE_MAP) return written(j, v, NULL, 0);
    bool map = v->type == IG_TREE_MAP;
    gr_frag f = gr_json_mark(j, map ? "{" : "[");
    for (const ig_tree *c = v->child; c; c = c->next) {
        if (map) f = gr_seq(b, f, gr_seq(b, gr_json_text(j, c->key, strlen(c->key)), gr_json_mark(j, ":")));
        f = gr_seq(b, f, gr_json_value(j, c));
        f = gr_seq(b, f, c->next ? gr_json_mark(j, ",") : gr_json_space(j));
    }
    return gr_json_nested(j, gr_seq(b, f, gr_literal(b, map ? "}" : "]", 1)));
}

/* ---- values of any kind ---- */

static gr_frag quoted_characters(gr_json *j) {
    gr_builder *b = &j->b;
    gr_frag f = gr_seq(b, gr_literal(b, "\"", 1), gr_repeat(b, gr_call(b, j->character), 0, GR_UNBOUNDED));
    return gr_seq(b, f, gr_literal(b, "\"", 1));
}

static gr_frag any_member(gr_json *j, bool map) {
    gr_builder *b = &j->b;
    gr_frag value = gr_call(b, j->any);
    return map ? gr_seq(b, gr_seq(b, gr_call(b, j->text), gr_json_mark(j, ":")), value) : value;
}

/* Bracket, members with commas between them or none, bracket. */
static void define_any_members(gr_json *j, uint32_t rule, bool map) {
    gr_builder *b = &j->b;
    gr_frag more = gr_repeat(b, gr_seq(b, gr_json_mark(j, ","), any_member(j, map)), 0, GR_UNBOUNDED);
    gr_frag all = gr_seq(b, gr_seq(b, any_member(j, map), more), gr_json_space(j));
    gr_frag f = gr_seq(b, gr_json_mark(j, map ? "{" : "["), gr_repeat(b, all, 0, 1));
    gr_rule_define(b, rule, gr_seq(b, f, gr_literal(b, map ? "}" : "]", 1)));
}

static void define_any(gr_json *j) {
    gr_builder *b = &j->b;
    gr_frag f = gr_open(b);
    gr_branch(b, f, gr_call(b, j->any_object));
    gr_branch(b, f, gr_call(b, j->any_array));
    gr_branch(b, f, gr_call(b, j->text));
    gr_branch(b, f, gr_call(b, j->number));
    gr_branch(b, f, gr_literal(b, "true", 4));
    gr_branch(b, f, gr_literal(b, "false", 5));
    gr_branch(b, f, gr_literal(b, "null", 4));
    gr_rule_define(b, j->any, f);
}

void gr_json_basics(gr_json *j) {
    gr_builder *b = &j->b;
    uint32_t *rules[] = {&j->space, &j->character, &j->any, &j->text, &j->number, &j->integer};
    if (j->has_basics) return;
    j->has_basics = true;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) *rules[i] = gr_rule_new(b, NULL, 0, 0, 0);
    j->any_object = gr_rule_new(b, NULL, 0, 0, 1);
    j->any_array = gr_rule_new(b, NULL, 0, 0, 1);
    if (b->status != IG_OK) return;
    define_space(j);
    define_character(j);
    gr_rule_define(b, j->text, quoted_characters(j));
    gr_rule_define(b, j->number, gr_number_basic(j));
    gr_rule_define(b, j->integer, gr_integer_range(j, INT64_MIN, INT64_MAX));
    define_any_members(j, j->any_object, true);
    define_any_members(j, j->any_array, false);
    define_any(j);
}

ig_status ig_grammar_json_object(const ig_grammar_json_opts *opts, ig_grammar **out, ig_error *err) {
    gr_json j;
    *out = NULL;
    gr_json_init(&j, "json_object", opts, err);
    gr_json_basics(&j);
    uint32_t root = gr_rule_new(&j.b, NULL, 0, 0, 0);
    gr_rule_define(&j.b, root, gr_call(&j.b, j.any_object));
    ig_status s = gr_freeze(&j.b, root, GR_JSON_DEPTH_MAX, true, out);
    gr_json_fini(&j);
    return s;
}
