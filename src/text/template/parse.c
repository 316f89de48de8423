/* text/template/parse.c: statements: what stands in {% %}, and the text between.
 *
 * A block is read up to the tags that may end it ("elif|else|endif"); the parser stops at the name of that tag, and the
 * statement decides what it means.  {% generation %}, which marks the words of the assistant for training, is its content.
 */
#include <string.h>

#include "text/template/syntax.h"

static ig_status parse_body(tpl_parser *p, const char *ends, const char *opener, int line, tpl_node *owner);

ig_status ig_tpl_parse_error(const tpl_parser *p, ig_status code, int line, const char *fmt, ...) {
    char message[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    return ig_error_at(p->err, code, p->t->name, line, "%s", message);
}

static ig_status end_tag(tpl_parser *p) {
    if (p->at->type != TOK_BLOCK_END)
        return ig_tpl_parse_error(p, IG_E_FORMAT, p->at->line, "%%} is expected before '%.*s'",
                                  p->at->len < 40 ? (int)p->at->len : 40, p->at->text);
    p->at++;
    return IG_OK;
}

static ig_status end_named(tpl_parser *p) {
    p->at++;
    return end_tag(p);
}

/* ---- if, for ---- */

static ig_status parse_branch(tpl_parser *p, bool condition, int line, tpl_node **out) {
    IG_TRY(ig_tpl_node(p, TPL_PART, p->at->line, out));
    p->at++;
    if (condition) IG_TRY(ig_tpl_parse_tuple(p, true, &(*out)->a));
    IG_TRY(end_tag(p));
    return parse_body(p, condition ? "elif|else|endif" : "endif", "if", line, *out);
}

static ig_status parse_if(tpl_parser *p, tpl_node **out) {
    int line = p->at->line;
    IG_TRY(ig_tpl_node(p, TPL_IF, line, out));
    tpl_node *branch, **tail = &(*out)->list;
    do {
        IG_TRY(parse_branch(p, !ig_tpl_is_name(p, "else"), line, &branch));
        ig_tpl_append(*out, &tail, branch);
    } while (!ig_tpl_is_name(p, "endif"));
    return end_named(p);
}

static ig_status parse_for(tpl_parser *p, tpl_node **out) {
    int line = p->at->line;
    IG_TRY(ig_tpl_node(p, TPL_FOR, line, out));
    tpl_node *n = *out;
    p->at++;
    IG_TRY(ig_tpl_parse_targets(p, &n->a));
    if (!ig_tpl_accept_name(p, "in")) return ig_tpl_parse_error(p, IG_E_FORMAT, line, "'in' is expected in {%% for … in … %%}");
    IG_TRY(ig_tpl_parse_tuple(p, false, &n->b));
    if (ig_tpl_accept_name(p, "if")) IG_TRY(ig_tpl_parse_expression(p, true, &n->c));
    if (ig_tpl_is_name(p, "recursive"))
        return ig_tpl_parse_error(p, IG_E_UNSUPPORTED, line, "recursive loops are not supported");
    IG_TRY(end_tag(p));
    p->loops++;
    IG_TRY(parse_body(p, "else|endfor", "for", line, n));
    p->loops--;
    if (ig_tpl_is_name(p, "else")) {
        IG_TRY(ig_tpl_node(p, TPL_PART, line, &n->d));
        IG_TRY(end_named(p));
        IG_TRY(parse_body(p, "endfor", "for", line, n->d));
    }
    return end_named(p);
}

static ig_status parse_jump(tpl_parser *p, tpl_node_kind kind, tpl_node **out) {
    IG_TRY(ig_tpl_node(p, kind, p->at->line, out));
    if (!p->loops)
        return ig_tpl_parse_error(p, IG_E_FORMAT, p->at->line, "'%.*s' stands outside of a loop", (int)p->at->len, p->at->text);
    return end_named(p);
}

/* ---- set, with, filter ---- */

/* The output of a body as an expression. */
static ig_status parse_capture(tpl_parser *p, const char *ends, const char *opener, int line, tpl_node **out) {
    IG_TRY(end_tag(p));
    IG_TRY(ig_tpl_node(p, TPL_CAPTURE, line, out));
    IG_TRY(parse_body(p, ends, opener, line, *out));
    return end_named(p);
}

static ig_status check_target(tpl_parser *p, const tpl_node *target) {
    if (target->kind == TPL_NAME) return IG_OK;
    if (target->kind == TPL_ATTRIBUTE && target->a->kind == TPL_NAME) return IG_OK;
    if (target->kind != TPL_LIST_OF)
        return ig_tpl_parse_error(p, IG_E_FORMAT, target->line, "only a name or an attribute of a namespace can be set");
    for (const tpl_node *n = target->list; n; n = n->next) IG_TRY(check_target(p, n));
    return IG_OK;
}

/* The filters of {% set x | trim %}…{% endset %} come before the body that they are applied to. */
static ig_status parse_set_block(tpl_parser *p, int line, tpl_node *n) {
    tpl_node input, *first = &input;
    memset(&input, 0, sizeof input);
    IG_TRY(ig_tpl_parse_filters(p, &input, true, &n->b));
    for (tpl_node *f = n->b; f != &input; f = f->a) first = f;
    tpl_node *capture;
    IG_TRY(parse_capture(p, "endset", "set", line, &capture));
    if (first == &input)
        n->b = capture;
    else
        first->a = capture;
    return IG_OK;
}

static ig_status parse_set(tpl_parser *p, tpl_node **out) {
    int line = p->at->line;
    IG_TRY(ig_tpl_node(p, TPL_SET, line, out));
    p->at++;
    IG_TRY(ig_tpl_parse_targets(p, &(*out)->a));
    IG_TRY(check_target(p, (*out)->a));
    if (!ig_tpl_accept_op(p, '=')) return parse_set_block(p, line, *out);
    IG_TRY(ig_tpl_parse_tuple(p, true, &(*out)->b));
    return end_tag(p);
}

static ig_status parse_with(tpl_parser *p, tpl_node **out) {
    int line = p->at->line;
    IG_TRY(ig_tpl_node(p, TPL_WITH, line, out));
    tpl_node *n = *out, **tail = &n->a;
    p->at++;
    while (p->at->type != TOK_BLOCK_END) {
        tpl_node *set;
        if (n->a) IG_TRY(ig_tpl_expect_op(p, ',', "','"));
        IG_TRY(ig_tpl_node(p, TPL_SET, p->at->line, &set));
        IG_TRY(ig_tpl_parse_name(p, "the name of a variable", &set->a));
        IG_TRY(ig_tpl_expect_op(p, '=', "'='"));
        IG_TRY(ig_tpl_parse_expression(p, true, &set->b));
        ig_tpl_append(n, &tail, set);
    }
    IG_TRY(end_tag(p));
    IG_TRY(parse_body(p, "endwith", "with", line, n));
    return end_named(p);
}

static ig_status parse_filter_block(tpl_parser *p, tpl_node **out) {
    int line = p->at->line;
    tpl_node input, *first = NULL;
    memset(&input, 0, sizeof input);
    IG_TRY(ig_tpl_node(p, TPL_PRINT, line, out));
    p->at++;
    IG_TRY(ig_tpl_parse_filters(p, &input, false, &(*out)->a));
    for (tpl_node *f = (*out)->a; f != &input; f = f->a) first = f;
    return parse_capture(p, "endfilter", "filter", line, &first->a);
}

static ig_status parse_generation(tpl_parser *p, tpl_node **out) {
    int line = p->at->line;
    IG_TRY(ig_tpl_node(p, TPL_WITH, line, out));
    (*out)->op = true; /* no scope of its own */
    IG_TRY(end_named(p));
    IG_TRY(parse_body(p, "endgeneration", "generation", line, *out));
    return end_named(p);
}

/* ---- macro, call ---- */

static ig_status parse_parameters(tpl_parser *p, tpl_node *macro) {
    tpl_node **tail = &macro->list;
    while (!ig_tpl_is_op(p, ')')) {
        tpl_node *name;
        if (macro->count) IG_TRY(ig_tpl_expect_op(p, ',', "',' or ')' of the parameters"));
        if (ig_tpl_is_op(p, ')')) break;
        IG_TRY(ig_tpl_parse_name(p, "the name of a parameter", &name));
        if (ig_tpl_accept_op(p, '=')) IG_TRY(ig_tpl_parse_expression(p, true, &name->b));
        ig_tpl_append(macro, &tail, name);
    }
    p->at++;
    return IG_OK;
}

static ig_status parse_macro_body(tpl_parser *p, const char *ends, const char *opener, int line, tpl_node *macro) {
    int loops = p->loops;
    p->loops = 0;
    IG_TRY(parse_capture(p, ends, opener, line, &macro->c));
    p->loops = loops;
    return IG_OK;
}

static ig_status parse_macro(tpl_parser *p, tpl_node **out) {
    int line = p->at->line;
    tpl_node *name;
    IG_TRY(ig_tpl_node(p, TPL_MACRO, line, out));
    p->at++;
    IG_TRY(ig_tpl_parse_name(p, "the name of the macro", &name));
    (*out)->text = name->text;
    (*out)->len = name->len;
    IG_TRY(ig_tpl_expect_op(p, '(', "'(' after the name of the macro"));
    IG_TRY(parse_parameters(p, *out));
    return parse_macro_body(p, "endmacro", "macro", line, *out);
}

static ig_status parse_call(tpl_parser *p, tpl_node **out) {
    int line = p->at->line;
    IG_TRY(ig_tpl_node(p, TPL_CALL_BLOCK, line, out));
    tpl_node *n = *out;
    IG_TRY(ig_tpl_node(p, TPL_MACRO, line, &n->b));
    n->b->text = "caller";
    n->b->len = strlen("caller");
    p->at++;
    if (ig_tpl_accept_op(p, '(')) IG_TRY(parse_parameters(p, n->b));
    IG_TRY(ig_tpl_parse_expression(p, true, &n->a));
    if (n->a->kind != TPL_CALL) return ig_tpl_parse_error(p, IG_E_FORMAT, line, "{%% call %%} needs a call of a macro");
    return parse_macro_body(p, "endcall", "call", line, n->b);
}

/* ---- the list of statements ---- */

static ig_status parse_break(tpl_parser *p, tpl_node **out) { return parse_jump(p, TPL_BREAK_LOOP, out); }
static ig_status parse_continue(tpl_parser *p, tpl_node **out) { return parse_jump(p, TPL_CONTINUE_LOOP, out); }

static ig_status refuse(tpl_parser *p, tpl_node **out) {
    (void)out;
    return ig_tpl_parse_error(p, IG_E_UNSUPPORTED, p->at->line, "{%% %.*s %%} is not supported in chat templates",
                              (int)p->at->len, p->at->text);
}

static const struct {
    const char *word;
    ig_status (*parse)(tpl_parser *p, tpl_node **out);
} statements[] = {
    {"if", parse_if},         {"for", parse_for},         {"set", parse_set},
    {"macro", parse_macro},   {"call", parse_call},       {"filter", parse_filter_block},
    {"with", parse_with},     {"break", parse_break},     {"continue", parse_continue},
    {"generation", parse_generation},
    {"include", refuse},      {"import", refuse},         {"from", refuse},
    {"extends", refuse},      {"block", refuse},          {"do", refuse},
    {"autoescape", refuse},   {"trans", refuse},
};

static ig_status unknown_tag(tpl_parser *p, const char *ends) {
    const tpl_token *t = p->at;
    char list[64] = "";
    size_t n = 0;
    for (const char *e = ends; *e && n + 8 < sizeof list; e++)
        n += (size_t)snprintf(list + n, sizeof list - n, *e == '|' ? " or " : "%c", *e);
    return ig_tpl_parse_error(p, IG_E_FORMAT, t->line, "there is no tag '%.*s' here%s%s", t->len < 40 ? (int)t->len : 40,
                              t->text, *ends ? "; expected is " : "", list);
}

static ig_status parse_statement(tpl_parser *p, const char *ends, tpl_node **out) {
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        if (ig_tpl_is_name(p, statements[i].word)) return statements[i].parse(p, out);
    }
    return unknown_tag(p, ends);
}

static ig_status parse_print(tpl_parser *p, tpl_node **out) {
    IG_TRY(ig_tpl_node(p, TPL_PRINT, p->at->line, out));
    p->at++;
    IG_TRY(ig_tpl_parse_tuple(p, true, &(*out)->a));
    if (p->at->type != TOK_PRINT_END)
        return ig_tpl_parse_error(p, IG_E_FORMAT, p->at->line, "}} is expected before '%.*s'",
                                  p->at->len < 40 ? (int)p->at->len : 40, p->at->text);
    p->at++;
    return IG_OK;
}

static ig_status parse_text(tpl_parser *p, tpl_node **out) {
    IG_TRY(ig_tpl_node(p, TPL_OUTPUT, p->at->line, out));
    (*out)->text = p->at->text;
    (*out)->len = p->at->len;
    p->at++;
    return IG_OK;
}

/* Is the name at hand one of "a|b|c"? */
static bool is_end(const tpl_parser *p, const char *ends) {
    while (*ends) {
        size_t n = strcspn(ends, "|");
        if (p->at->type == TOK_NAME && p->at->len == n && memcmp(p->at->text, ends, n) == 0) return true;
        ends += n + (ends[n] == '|');
    }
    return false;
}

/* Statements into owner->list, up to the name of a tag in `ends` (which is left at hand), or to the end when ends is "". */
static ig_status parse_body(tpl_parser *p, const char *ends, const char *opener, int line, tpl_node *owner) {
    tpl_node **tail = &owner->list;
    IG_TRY(ig_tpl_enter(p));
    while (p->at->type != TOK_END) {
        tpl_node *n;
        if (p->at->type == TOK_TEXT) {
            IG_TRY(parse_text(p, &n));
        } else if (p->at->type == TOK_PRINT_BEGIN) {
            IG_TRY(parse_print(p, &n));
        } else {
            p->at++; /* only a block is left */
            if (is_end(p, ends)) break;
            IG_TRY(parse_statement(p, ends, &n));
        }
        ig_tpl_append(owner, &tail, n);
    }
    if (p->at->type == TOK_END && *ends)
        return ig_tpl_parse_error(p, IG_E_FORMAT, line, "this {%% %s %%} is never closed with {%% end%s %%}", opener, opener);
    p->nest--;
    return IG_OK;
}

ig_status ig_tpl_parse_statements(tpl_parser *p, tpl_node **out) {
    IG_TRY(ig_tpl_node(p, TPL_PART, 1, out));
    return parse_body(p, "", "", 1, *out);
}
