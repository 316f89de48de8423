/* infer/grammar/tools.c: answers that call tools: the grammar that keeps them in form, and taking the calls out again.
 *
 *     text <tool_call>
 *     {"name": "weather", "arguments": {"city": "Paris"}}
 *     </tool_call>
 *
 * Text before a call is any text without "<tool_call>": one place for each beginning of it that has been read, as in the
 * search of Knuth, Morris and Pratt (1977).  '<' stands only at its start, so every other character leads back to the first
 * place.
 */
#include <string.h>

#include "infer/grammar/json_form.h"

#define OPENING "<tool_call>"
#define CLOSING "</tool_call>"

/* ---- the grammar ---- */

/* One tool of the list: its name, and the schema of its arguments (NULL: none). */
static ig_status read_tool(gr_json *j, const ig_tree *t, const ig_tree **name, const ig_tree **parameters) {
    const ig_tree *f = ig_tree_get(t, "function");
    if (t->type != IG_TREE_MAP || strcmp(ig_tree_text(t, "type", "function"), "function"))
        return gr_fail(&j->b, IG_E_UNSUPPORTED, t->line, "a tool must be {\"type\": \"function\", \"function\": …}");
    *name = ig_tree_get(f ? f : t, "name");
    *parameters = ig_tree_get(f ? f : t, "parameters");
    if (!*name || (*name)->type != IG_TREE_TEXT || (*name)->text_len == 0)
        return gr_fail(&j->b, IG_E_FORMAT, t->line, "a tool must have a name");
    return IG_OK;
}

static gr_frag arguments(gr_json *j, const ig_tree *parameters, const char *name) {
    char path[GR_PATH_MAX];
    if (!parameters || parameters->type == IG_TREE_NULL) return gr_literal(&j->b, "{}", 2);
    snprintf(path, sizeof path, "tool %.60s: #", name);
    return gr_call(&j->b, gr_schema_rule(j, parameters, parameters, path, NULL));
}

/* \n{"name": …, "arguments": …}\n</tool_call> for every tool that may be called. */
static gr_frag call_body(gr_json *j, const ig_tree *tools, const char *named) {
    gr_builder *b = &j->b;
    gr_frag f = gr_open(b);
    bool found = false;
    if (tools->type != IG_TREE_LIST || !tools->child)
        gr_fail(b, IG_E_FORMAT, tools->line, "tools must be a list of tools, not empty");
    for (const ig_tree *t = tools->child; t && b->status == IG_OK; t = t->next) {
        const ig_tree *name = NULL, *parameters = NULL;
        if (read_tool(j, t, &name, &parameters) != IG_OK || (named && strcmp(named, name->text))) continue;
        gr_frag call = gr_seq(b, gr_literal(b, "\n{\"name\": ", 10), gr_json_text(j, name->text, name->text_len));
        call = gr_seq(b, call, gr_literal(b, ", \"arguments\": ", 15));
        call = gr_seq(b, call, arguments(j, parameters, name->text));
        gr_branch(b, f, gr_seq(b, call, gr_literal(b, "}\n" CLOSING, 2 + strlen(CLOSING))));
        found = true;
    }
    if (b->status == IG_OK && !found) gr_fail(b, IG_E_NOT_FOUND, tools->line, "there is no tool \"%.100s\" in the list", named);
    return f;
}

static gr_frag opening(gr_builder *b) { return gr_literal(b, OPENING, strlen(OPENING)); }

/* Behind the first "<tool_call>": the call, and further ones. */
static gr_frag calls(gr_json *j, const ig_tree *tools, const char *named) {
    gr_builder *b = &j->b;
    uint32_t rule = gr_rule_new(b, NULL, 0, 0, 0);
    gr_rule_define(b, rule, call_body(j, tools, named));
    if (named) return gr_call(b, rule);
    gr_frag more = gr_seq(b, gr_seq(b, gr_literal(b, "\n", 1), opening(b)), gr_call(b, rule));
    return gr_seq(b, gr_call(b, rule), gr_repeat(b, more, 0, GR_UNBOUNDED));
}

/* From a place behind n characters of the opening, with any other character than the next one and '<'. */
static void back_to_text(gr_builder *b, uint32_t place, char next, uint32_t text) {
    gr_set s = {0};
    gr_set_add(b, &s, '<', '<');
    gr_set_add(b, &s, (uint8_t)next, (uint8_t)next);
    gr_set_settle(b, &s, true);
    gr_frag f = gr_set_frag(b, &s);
    gr_set_fini(&s);
    gr_link(b, place, f.start);
    gr_link(b, f.end, text);
}

static gr_frag text_then(gr_builder *b, gr_frag rest) {
    static const char word[] = OPENING;
    uint32_t start = gr_node(b), end = gr_node(b), place = start, first = 0;
    for (size_t n = 0; n + 1 < sizeof word; n++) {
        uint32_t next = n + 2 < sizeof word ? gr_node(b) : rest.start;
        if (n == 0) first = next;
        gr_bytes(b, place, next, (uint8_t)word[n], (uint8_t)word[n]);
        if (n > 0) gr_bytes(b, place, first, '<', '<');
        back_to_text(b, place, word[n], start);
        gr_link(b, place, end);
        place = next;
    }
    gr_link(b, rest.end, end);
    return (gr_frag){start, end};
}

static ig_status build(const ig_tree *tools, ig_tool_mode mode, const char *named, ig_grammar **out, ig_error *err) {
    gr_json j;
    gr_json_init(&j, "tools", &(ig_grammar_json_opts){.spaces = true}, err);
    gr_json_basics(&j);
    gr_builder *b = &j.b;
    gr_frag f = calls(&j, tools, mode == IG_TOOL_NAMED ? named : NULL);
    f = mode == IG_TOOL_AUTO ? text_then(b, f) : gr_seq(b, opening(b), f);
    uint32_t root = gr_rule_new(b, NULL, 0, 0, 0);
    gr_rule_define(b, root, f);
    ig_status s = gr_schema_run(&j);
    if (s == IG_OK) s = gr_freeze(b, root, GR_JSON_DEPTH_MAX, true, out);
    gr_json_fini(&j);
    return s;
}

ig_status ig_tool_grammar(const char *tools_json, size_t len, ig_tool_mode mode, const char *named, ig_tool_style style,
                          ig_grammar **out, ig_error *err) {
    ig_doc *doc = NULL;
    *out = NULL;
    if (style != IG_TOOL_STYLE_HERMES) return ig_error_set(err, IG_E_ARG, "an unknown style of tool calls");
    if (mode == IG_TOOL_NAMED && !named) return ig_error_set(err, IG_E_ARG, "the name of a tool is needed");
    if (len > IG_GRAMMAR_BYTES_MAX) return ig_error_set(err, IG_E_LIMIT, "tools of more than %u bytes", IG_GRAMMAR_BYTES_MAX);
    IG_TRY(ig_json_parse("tools", tools_json, len, &doc, err));
    ig_status s = build(ig_doc_root(doc), mode, named, out, err);
    ig_doc_free(doc);
    return s;
}

/* ---- taking calls out of a text ---- */

/* The end of the JSON object that begins at p, by brackets outside of texts; NULL when it is not closed.  All searches of a
 * text together look at no more than *budget bytes: openings without end must not cost their square. */
static const char *object_end(const char *p, const char *end, size_t *budget) {
    int depth = 0;
    bool text = false;
    for (; p < end && *budget > 0; p++, --*budget) {
        if (text && *p == '\\') p++;
        else if (*p == '"') text = !text;
        else if (!text && (*p == '{' || *p == '[')) depth++;
        else if (!text && (*p == '}' || *p == ']') && --depth == 0) return p + 1;
    }
    return NULL;
}

static const char *skip_space(const char *p, const char *end) {
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r')) p++;
    return p;
}

static ig_status add_call(ig_tool_calls *out, const ig_tree *name, const ig_tree *arguments, ig_error *err) {
    ig_buf text = {.max = SIZE_MAX / 2};
    ig_json j = {.out = &text};
    ig_tool_call *grown = ig_realloc_array(out->call, out->count + 1, sizeof *grown);
    if (!grown) return ig_error_nomem(err, (out->count + 1) * sizeof *grown);
    out->call = grown;
    ig_json_tree(&j, arguments);
    ig_status s = ig_buf_status(&text, err);
    if (s == IG_OK) {
        ig_tool_call *c = &out->call[out->count];
        *c = (ig_tool_call){ig_strdup(name->text), ig_strndup(text.data, text.len)};
        out->count++; /* also with a half, which fini frees */
        if (!c->name || !c->arguments) s = ig_error_nomem(err, text.len);
    }
    ig_buf_fini(&text);
    return s;
}

/* The text between p and end as a call.  *taken stays false when it is none. */
static ig_status take_call(const char *p, const char *end, ig_tool_calls *out, bool *taken, ig_error *err) {
    ig_doc *doc = NULL;
    ig_status s = ig_json_parse("tool call", p, (size_t)(end - p), &doc, err);
    if (s == IG_E_NOMEM) return s;
    const ig_tree *root = s == IG_OK ? ig_doc_root(doc) : NULL;
    const ig_tree *name = root ? ig_tree_get(root, "name") : NULL, *arguments = root ? ig_tree_get(root, "arguments") : NULL;
    s = IG_OK;
    bool named = name && name->type == IG_TREE_TEXT && strlen(name->text) == name->text_len;
    if (named && arguments && arguments->type == IG_TREE_MAP) {
        *taken = true;
        s = add_call(out, name, arguments, err);
    }
    ig_doc_free(doc);
    return s;
}

/* A whole call whose opening is at p: *next is behind it, or NULL when there is none. */
static ig_status read_call(const char *p, const char *end, size_t *budget, ig_tool_calls *out, const char **next,
                           ig_error *err) {
    bool taken = false;
    *next = NULL;
    const char *from = skip_space(p + strlen(OPENING), end), *to = NULL;
    if (from < end && *from == '{') to = object_end(from, end, budget);
    if (!to) return IG_OK;
    const char *close = skip_space(to, end);
    if ((size_t)(end - close) < strlen(CLOSING) || memcmp(close, CLOSING, strlen(CLOSING))) return IG_OK;
    IG_TRY(take_call(from, to, out, &taken, err));
    if (taken) *next = close + strlen(CLOSING);
    return IG_OK;
}

static bool begins_call(const char *p, const char *end) {
    return (size_t)(end - p) >= strlen(OPENING) && memcmp(p, OPENING, strlen(OPENING)) == 0;
}

static size_t without_breaks(const char *s, size_t n) {
    while (n && (s[n - 1] == '\n' || s[n - 1] == '\r' || s[n - 1] == ' ')) n--;
    return n;
}

ig_status ig_tool_calls_parse(const char *text, size_t len, ig_tool_style style, ig_tool_calls *out, ig_error *err) {
    const char *p = text, *end = text + len, *next;
    size_t budget = 8 * len;
    *out = (ig_tool_calls){.content = {.max = SIZE_MAX / 2}};
    if (style != IG_TOOL_STYLE_HERMES) return ig_error_set(err, IG_E_ARG, "an unknown style of tool calls");
    while (p < end) {
        const char *open = memmem(p, (size_t)(end - p), OPENING, strlen(OPENING));
        if (!open) break;
        IG_TRY(read_call(open, end, &budget, out, &next, err));
        if (next) {
            ig_buf_append(&out->content, p, without_breaks(p, (size_t)(open - p)));
            p = skip_space(next, end);
            if (out->content.len && p < end && !begins_call(p, end)) ig_buf_putc(&out->content, '\n'); /* text behind a call */
        } else {
            ig_buf_append(&out->content, p, (size_t)(open - p) + strlen(OPENING));
            p = open + strlen(OPENING);
        }
    }
    ig_buf_append(&out->content, p, (size_t)(end - p));
    return ig_buf_status(&out->content, err);
}

void ig_tool_calls_fini(ig_tool_calls *c) {
    for (size_t i = 0; i < c->count; i++) {
        ig_free(c->call[i].name);
        ig_free(c->call[i].arguments);
    }
    ig_free(c->call);
    ig_buf_fini(&c->content);
    *c = (ig_tool_calls){0};
}
