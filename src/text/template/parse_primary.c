/* text/template/parse_primary.c: what operators stand between: literals, names, brackets, and what follows them.
 *
 *     primary      name | number | string … | ( … ) | [ … ] | { … }
 *     postfix      .name  [index]  [a:b:c]  (arguments)
 *     applied      | filter(arguments)   is [not] test(arguments)
 *
 * Names of filters and tests are looked up here, so that a template with an unknown one is refused when it is loaded and not
 * in the middle of a conversation.
 */
#include <string.h>

#include "text/template/syntax.h"

/* ---- small things ---- */

bool ig_tpl_is_op(const tpl_parser *p, unsigned op) {
    return p->at->type == TOK_OPERATOR && p->at->op == op;
}

bool ig_tpl_is_word_token(const tpl_token *t, const char *word) {
    return t->type == TOK_NAME && t->len == strlen(word) && memcmp(t->text, word, t->len) == 0;
}

bool ig_tpl_is_name(const tpl_parser *p, const char *word) {
    return ig_tpl_is_word_token(p->at, word);
}

bool ig_tpl_accept_op(tpl_parser *p, unsigned op) {
    bool yes = ig_tpl_is_op(p, op);
    p->at += yes;
    return yes;
}

bool ig_tpl_accept_name(tpl_parser *p, const char *word) {
    bool yes = ig_tpl_is_name(p, word);
    p->at += yes;
    return yes;
}

static ig_status unexpected(tpl_parser *p, const char *what) {
    const tpl_token *t = p->at;
    if (t->type == TOK_END) return ig_tpl_parse_error(p, IG_E_FORMAT, t->line, "%s is expected, the template ends", what);
    return ig_tpl_parse_error(p, IG_E_FORMAT, t->line, "%s is expected before '%.*s'", what, t->len < 40 ? (int)t->len : 40,
                              t->text);
}

ig_status ig_tpl_expect_op(tpl_parser *p, unsigned op, const char *what) {
    return ig_tpl_accept_op(p, op) ? IG_OK : unexpected(p, what);
}

ig_status ig_tpl_enter(tpl_parser *p) {
    if (++p->nest > TPL_NEST_MAX)
        return ig_tpl_parse_error(p, IG_E_LIMIT, p->at->line, "more than %d blocks and brackets inside each other",
                                  TPL_NEST_MAX);
    return IG_OK;
}

ig_status ig_tpl_node(tpl_parser *p, tpl_node_kind kind, int line, tpl_node **out) {
    tpl_node *n;
    IG_TRY(ig_tpl_arena_alloc(&p->t->arena, 1, sizeof *n, &n, p->err));
    n->kind = kind;
    n->line = line;
    *out = n;
    return IG_OK;
}

ig_status ig_tpl_node_of(tpl_parser *p, tpl_node_kind kind, tpl_node *a, tpl_node **out) {
    IG_TRY(ig_tpl_node(p, kind, p->at->line, out));
    (*out)->a = a;
    return IG_OK;
}

void ig_tpl_append(tpl_node *owner, tpl_node ***tail, tpl_node *item) {
    **tail = item;
    *tail = &item->next;
    owner->count++;
}

/* The text of the name at hand, with a NUL. */
static ig_status take_name(tpl_parser *p, tpl_node *n) {
    char *copy;
    IG_TRY(ig_tpl_arena_alloc(&p->t->arena, p->at->len + 1, 1, &copy, p->err));
    memcpy(copy, p->at->text, p->at->len);
    n->text = copy;
    n->len = p->at->len;
    p->at++;
    return IG_OK;
}

bool ig_tpl_is_keyword(const tpl_token *t) {
    static const char *const word[] = {"and", "or", "not", "if", "else", "in", "is", "elif", "recursive"};
    for (size_t i = 0; i < sizeof word / sizeof *word; i++) {
        if (ig_tpl_is_word_token(t, word[i])) return true;
    }
    return false;
}

ig_status ig_tpl_parse_name(tpl_parser *p, const char *what, tpl_node **out) {
    if (p->at->type != TOK_NAME || ig_tpl_is_keyword(p->at)) return unexpected(p, what);
    IG_TRY(ig_tpl_node(p, TPL_NAME, p->at->line, out));
    return take_name(p, *out);
}

/* ---- primaries ---- */

static ig_status parse_items(tpl_parser *p, tpl_node *list, unsigned close, const char *what) {
    tpl_node **tail = &list->list;
    while (!ig_tpl_is_op(p, close)) {
        tpl_node *item;
        if (list->count) IG_TRY(ig_tpl_expect_op(p, ',', what));
        if (ig_tpl_is_op(p, close)) break;
        IG_TRY(ig_tpl_parse_expression(p, true, &item));
        ig_tpl_append(list, &tail, item);
    }
    return ig_tpl_expect_op(p, close, what);
}

static ig_status parse_list(tpl_parser *p, tpl_node **out) {
    IG_TRY(ig_tpl_node_of(p, TPL_LIST_OF, NULL, out));
    (*out)->op = TPL_LIST;
    p->at++;
    return parse_items(p, *out, ']', "',' or ']' of the list");
}

static ig_status parse_dict(tpl_parser *p, tpl_node **out) {
    IG_TRY(ig_tpl_node_of(p, TPL_DICT_OF, NULL, out));
    tpl_node **tail = &(*out)->list;
    p->at++;
    while (!ig_tpl_is_op(p, '}')) {
        tpl_node *entry;
        if ((*out)->count) IG_TRY(ig_tpl_expect_op(p, ',', "',' or '}' of the dict"));
        if (ig_tpl_is_op(p, '}')) break;
        IG_TRY(ig_tpl_node_of(p, TPL_PART, NULL, &entry));
        IG_TRY(ig_tpl_parse_expression(p, true, &entry->a));
        IG_TRY(ig_tpl_expect_op(p, ':', "':' after the key"));
        IG_TRY(ig_tpl_parse_expression(p, true, &entry->b));
        ig_tpl_append(*out, &tail, entry);
    }
    p->at++;
    return IG_OK;
}

/* ( … ): a tuple when there is a comma or nothing, else what stands inside. */
static ig_status parse_parentheses(tpl_parser *p, tpl_node **out) {
    p->at++;
    if (ig_tpl_is_op(p, ')')) {
        IG_TRY(ig_tpl_node_of(p, TPL_LIST_OF, NULL, out));
        (*out)->op = TPL_TUPLE;
    } else {
        IG_TRY(ig_tpl_parse_tuple(p, true, out));
    }
    return ig_tpl_expect_op(p, ')', "')'");
}

static ig_status parse_word(tpl_parser *p, tpl_node **out) {
    static const struct {
        const char *word;
        tpl_value value;
    } constant[] = {
        {"true", {.type = TPL_BOOL, .boolean = true}}, {"True", {.type = TPL_BOOL, .boolean = true}},
        {"false", {.type = TPL_BOOL}},                 {"False", {.type = TPL_BOOL}},
        {"none", {.type = TPL_NONE}},                  {"None", {.type = TPL_NONE}},
    };
    for (size_t i = 0; i < sizeof constant / sizeof *constant; i++) {
        if (!ig_tpl_is_name(p, constant[i].word)) continue;
        IG_TRY(ig_tpl_node_of(p, TPL_CONST, NULL, out));
        (*out)->value = constant[i].value;
        p->at++;
        return IG_OK;
    }
    return ig_tpl_parse_name(p, "an expression", out);
}

/* A number, or strings that stand beside each other and are one. */
static ig_status parse_constant(tpl_parser *p, tpl_node **out) {
    IG_TRY(ig_tpl_node_of(p, TPL_CONST, NULL, out));
    tpl_value v = (p->at++)->value;
    while (v.type == TPL_TEXT && p->at->type == TOK_CONST && p->at->value.type == TPL_TEXT) {
        char *joined;
        tpl_value more = (p->at++)->value;
        IG_TRY(ig_tpl_arena_alloc(&p->t->arena, v.len + more.len + 1, 1, &joined, p->err));
        memcpy(joined, v.text, v.len);
        memcpy(joined + v.len, more.text, more.len);
        v = ig_tpl_text(joined, v.len + more.len);
    }
    (*out)->value = v;
    return IG_OK;
}

ig_status ig_tpl_parse_primary(tpl_parser *p, tpl_node **out) {
    IG_TRY(ig_tpl_enter(p));
    ig_status status;
    if (p->at->type == TOK_NAME)
        status = parse_word(p, out);
    else if (p->at->type == TOK_CONST)
        status = parse_constant(p, out);
    else if (ig_tpl_is_op(p, '('))
        status = parse_parentheses(p, out);
    else if (ig_tpl_is_op(p, '['))
        status = parse_list(p, out);
    else if (ig_tpl_is_op(p, '{'))
        status = parse_dict(p, out);
    else
        status = unexpected(p, "an expression");
    p->nest--;
    return status;
}

/* ---- after a primary: attributes, indices, calls ---- */

static ig_status parse_argument(tpl_parser *p, tpl_node *call, tpl_node ***tail) {
    tpl_node *arg;
    IG_TRY(ig_tpl_node_of(p, TPL_PART, NULL, &arg));
    if (ig_tpl_is_op(p, '*') || ig_tpl_is_op(p, TPL_OP2('*', '*')))
        return ig_tpl_parse_error(p, IG_E_UNSUPPORTED, p->at->line, "*list and **dict as arguments are not supported");
    bool keyword = p->at->type == TOK_NAME && p->at[1].type == TOK_OPERATOR && p->at[1].op == '=';
    if (keyword) {
        IG_TRY(take_name(p, arg));
        p->at++;
    } else if (call->op) {
        return ig_tpl_parse_error(p, IG_E_FORMAT, p->at->line, "an argument without a name comes after one with a name");
    }
    call->op = keyword;
    IG_TRY(ig_tpl_parse_expression(p, true, &arg->a));
    ig_tpl_append(call, tail, arg);
    return IG_OK;
}

/* ( already taken.  call->op: the last argument had a name. */
static ig_status parse_arguments(tpl_parser *p, tpl_node *call) {
    tpl_node **tail = &call->list;
    IG_TRY(ig_tpl_enter(p));
    while (!ig_tpl_is_op(p, ')')) {
        if (call->count) IG_TRY(ig_tpl_expect_op(p, ',', "',' or ')' of the call"));
        if (ig_tpl_is_op(p, ')')) break;
        IG_TRY(parse_argument(p, call, &tail));
    }
    p->at++;
    p->nest--;
    return IG_OK;
}

ig_status ig_tpl_parse_attribute(tpl_parser *p, tpl_node *owner, tpl_node **out) {
    IG_TRY(ig_tpl_node_of(p, TPL_ATTRIBUTE, owner, out));
    if (p->at->type == TOK_NAME) return take_name(p, *out);
    if (p->at->type != TOK_CONST || p->at->value.type != TPL_INT) return unexpected(p, "a name after '.'");
    (*out)->kind = TPL_ITEM; /* a.0 is a[0] */
    return parse_constant(p, &(*out)->b);
}

static bool at_slice_part(const tpl_parser *p) {
    return !ig_tpl_is_op(p, ':') && !ig_tpl_is_op(p, ']');
}

static ig_status parse_subscript(tpl_parser *p, tpl_node *owner, tpl_node **out) {
    IG_TRY(ig_tpl_node_of(p, TPL_ITEM, owner, out));
    tpl_node *n = *out;
    if (at_slice_part(p)) IG_TRY(ig_tpl_parse_expression(p, true, &n->b));
    if (ig_tpl_accept_op(p, ':')) {
        n->kind = TPL_SLICE;
        if (at_slice_part(p)) IG_TRY(ig_tpl_parse_expression(p, true, &n->c));
        if (ig_tpl_accept_op(p, ':') && at_slice_part(p)) IG_TRY(ig_tpl_parse_expression(p, true, &n->d));
    } else if (!n->b) {
        return unexpected(p, "an index");
    }
    return ig_tpl_expect_op(p, ']', "']'");
}

ig_status ig_tpl_parse_postfix(tpl_parser *p, tpl_node **at) {
    for (;;) {
        tpl_node *n;
        if (ig_tpl_accept_op(p, '.')) {
            IG_TRY(ig_tpl_parse_attribute(p, *at, &n));
        } else if (ig_tpl_accept_op(p, '[')) {
            IG_TRY(parse_subscript(p, *at, &n));
        } else if (ig_tpl_accept_op(p, '(')) {
            IG_TRY(ig_tpl_node_of(p, TPL_CALL, *at, &n));
            IG_TRY(parse_arguments(p, n));
        } else {
            return IG_OK;
        }
        *at = n;
    }
}

/* ---- filters and tests ---- */

static ig_status parse_filter(tpl_parser *p, tpl_node *input, tpl_node **out) {
    IG_TRY(ig_tpl_node_of(p, TPL_FILTER, input, out));
    tpl_node *n = *out;
    if (p->at->type != TOK_NAME) return unexpected(p, "the name of a filter");
    IG_TRY(take_name(p, n));
    n->fn = ig_tpl_find_filter(n->text, n->len);
    if (!n->fn) {
        const char *near = ig_tpl_nearest_filter(n->text);
        return ig_tpl_parse_error(p, IG_E_FORMAT, n->line, "there is no filter \"%.40s\"%s%s%s", n->text, near ? "; \"" : "",
                                  near ? near : "", near ? "\" is one" : "");
    }
    return ig_tpl_accept_op(p, '(') ? parse_arguments(p, n) : IG_OK;
}

ig_status ig_tpl_parse_filters(tpl_parser *p, tpl_node *input, bool pipe, tpl_node **out) {
    *out = input;
    if (!pipe) IG_TRY(parse_filter(p, input, out));
    while (ig_tpl_accept_op(p, '|')) IG_TRY(parse_filter(p, *out, out));
    return IG_OK;
}

/* `x is divisibleby 3`: one argument may stand without parentheses. */
static bool at_bare_argument(const tpl_parser *p) {
    return (p->at->type == TOK_NAME && !ig_tpl_is_keyword(p->at)) || p->at->type == TOK_CONST || ig_tpl_is_op(p, '[') ||
           ig_tpl_is_op(p, '{');
}

static ig_status parse_test(tpl_parser *p, tpl_node *input, tpl_node **out) {
    tpl_node *n, *not = NULL;
    if (ig_tpl_is_name(p, "not")) {
        IG_TRY(ig_tpl_node_of(p, TPL_NOT, NULL, &not));
        p->at++;
    }
    IG_TRY(ig_tpl_node_of(p, TPL_TEST, input, &n));
    if (p->at->type != TOK_NAME) return unexpected(p, "the name of a test");
    IG_TRY(take_name(p, n));
    n->fn = ig_tpl_find_test(n->text, n->len);
    if (!n->fn) return ig_tpl_parse_error(p, IG_E_FORMAT, n->line, "there is no test \"%.40s\"", n->text);
    if (ig_tpl_accept_op(p, '(')) {
        IG_TRY(parse_arguments(p, n));
    } else if (n->fn->required && at_bare_argument(p)) {
        tpl_node *arg, **tail = &n->list;
        IG_TRY(ig_tpl_node_of(p, TPL_PART, NULL, &arg));
        IG_TRY(ig_tpl_parse_primary(p, &arg->a));
        IG_TRY(ig_tpl_parse_postfix(p, &arg->a));
        ig_tpl_append(n, &tail, arg);
    }
    if (not) not->a = n;
    *out = not ? not : n;
    return IG_OK;
}

ig_status ig_tpl_parse_applied(tpl_parser *p, tpl_node **at) {
    for (;;) {
        if (ig_tpl_accept_op(p, '|')) {
            IG_TRY(parse_filter(p, *at, at));
        } else if (ig_tpl_accept_name(p, "is")) {
            IG_TRY(parse_test(p, *at, at));
        } else {
            return IG_OK;
        }
        IG_TRY(ig_tpl_parse_postfix(p, at)); /* x|first.role: more than Jinja itself allows */
    }
}
