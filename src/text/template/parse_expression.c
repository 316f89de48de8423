/* text/template/parse_expression.c: expressions, by recursive descent.
 *
 *     expression   or [if or [else expression]]          the lowest
 *     or           and {or and}
 *     and          not {and not}
 *     not          not not | compare
 *     compare      sum {== != < <= > >= in, not in  sum}
 *     sum          concat {+ - concat}
 *     concat       product {~ product}
 *     product      power {* / // % power}
 *     power        unary {** unary}
 *     unary        - unary | + unary | primary, then what follows it: parse_primary.c
 *
 * As in Jinja, a sign binds tighter than ** and than filters: -1|abs is 1.
 */
#include "text/template/syntax.h"

/* ---- operators ---- */

static ig_status parse_unary(tpl_parser *p, bool with_filters, tpl_node **out) {
    if (ig_tpl_is_op(p, '-') || ig_tpl_is_op(p, '+')) {
        tpl_node *n;
        IG_TRY(ig_tpl_node_of(p, TPL_UNARY, NULL, &n));
        n->op = (p->at++)->op;
        IG_TRY(ig_tpl_enter(p));
        IG_TRY(parse_unary(p, false, &n->a));
        p->nest--;
        *out = n;
    } else {
        IG_TRY(ig_tpl_parse_primary(p, out));
    }
    IG_TRY(ig_tpl_parse_postfix(p, out));
    return with_filters ? ig_tpl_parse_applied(p, out) : IG_OK;
}

/* The levels from sum down to power, all of the same form: operands of the next level with operators between them. */
static const unsigned level_ops[][5] = {
    {'+', '-'}, {'~'}, {'*', '/', TPL_OP2('/', '/'), '%'}, {TPL_OP2('*', '*')},
};
#define LEVELS (sizeof level_ops / sizeof *level_ops)

static bool at_level(const tpl_parser *p, size_t level) {
    for (const unsigned *op = level_ops[level]; *op; op++) {
        if (ig_tpl_is_op(p, *op)) return true;
    }
    return false;
}

static ig_status parse_level(tpl_parser *p, size_t level, tpl_node **out) {
    if (level == LEVELS) return parse_unary(p, true, out);
    IG_TRY(parse_level(p, level + 1, out));
    while (at_level(p, level)) {
        tpl_node *n;
        IG_TRY(ig_tpl_node_of(p, TPL_BINARY, *out, &n));
        n->op = (p->at++)->op;
        IG_TRY(parse_level(p, level + 1, &n->b));
        *out = n;
    }
    return IG_OK;
}

static bool accept_comparison(tpl_parser *p, unsigned *op) {
    static const unsigned ops[] = {TPL_OP2('=', '='), TPL_OP2('!', '='), TPL_OP2('<', '='), TPL_OP2('>', '='), '<', '>'};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        *op = ops[i];
        if (ig_tpl_accept_op(p, ops[i])) return true;
    }
    *op = TPL_OP_IN;
    if (ig_tpl_accept_name(p, "in")) return true;
    *op = TPL_OP_NOT_IN;
    if (!ig_tpl_is_name(p, "not") || !ig_tpl_is_word_token(p->at + 1, "in")) return false;
    p->at += 2;
    return true;
}

static ig_status parse_compare(tpl_parser *p, tpl_node **out) {
    tpl_node *n = NULL, **tail = NULL;
    unsigned op;
    IG_TRY(parse_level(p, 0, out));
    while (accept_comparison(p, &op)) {
        tpl_node *part;
        if (!n) {
            IG_TRY(ig_tpl_node_of(p, TPL_COMPARE, *out, &n));
            tail = &n->list;
        }
        IG_TRY(ig_tpl_node_of(p, TPL_PART, NULL, &part));
        part->op = op;
        IG_TRY(parse_level(p, 0, &part->a));
        ig_tpl_append(n, &tail, part);
        *out = n;
    }
    return IG_OK;
}

static ig_status parse_not(tpl_parser *p, tpl_node **out) {
    if (!ig_tpl_is_name(p, "not")) return parse_compare(p, out);
    IG_TRY(ig_tpl_node_of(p, TPL_NOT, NULL, out));
    p->at++;
    IG_TRY(ig_tpl_enter(p));
    IG_TRY(parse_not(p, &(*out)->a));
    p->nest--;
    return IG_OK;
}

static ig_status parse_and(tpl_parser *p, tpl_node **out) {
    IG_TRY(parse_not(p, out));
    while (ig_tpl_accept_name(p, "and")) {
        tpl_node *n;
        IG_TRY(ig_tpl_node_of(p, TPL_AND, *out, &n));
        IG_TRY(parse_not(p, &n->b));
        *out = n;
    }
    return IG_OK;
}

static ig_status parse_or(tpl_parser *p, tpl_node **out) {
    IG_TRY(parse_and(p, out));
    while (ig_tpl_accept_name(p, "or")) {
        tpl_node *n;
        IG_TRY(ig_tpl_node_of(p, TPL_OR, *out, &n));
        IG_TRY(parse_and(p, &n->b));
        *out = n;
    }
    return IG_OK;
}

ig_status ig_tpl_parse_expression(tpl_parser *p, bool with_condition, tpl_node **out) {
    IG_TRY(ig_tpl_enter(p));
    IG_TRY(parse_or(p, out));
    while (with_condition && ig_tpl_accept_name(p, "if")) {
        tpl_node *n;
        IG_TRY(ig_tpl_node_of(p, TPL_COND, *out, &n));
        IG_TRY(parse_or(p, &n->b));
        if (ig_tpl_accept_name(p, "else")) IG_TRY(ig_tpl_parse_expression(p, true, &n->c));
        *out = n;
    }
    p->nest--;
    return IG_OK;
}

ig_status ig_tpl_parse_tuple(tpl_parser *p, bool with_condition, tpl_node **out) {
    tpl_node *n, **tail;
    IG_TRY(ig_tpl_parse_expression(p, with_condition, out));
    if (!ig_tpl_is_op(p, ',')) return IG_OK;
    IG_TRY(ig_tpl_node_of(p, TPL_LIST_OF, NULL, &n));
    n->op = TPL_TUPLE;
    tail = &n->list;
    ig_tpl_append(n, &tail, *out);
    while (ig_tpl_accept_op(p, ',')) {
        tpl_node *item;
        if (p->at->type == TOK_PRINT_END || p->at->type == TOK_BLOCK_END || ig_tpl_is_op(p, ')')) break;
        IG_TRY(ig_tpl_parse_expression(p, with_condition, &item));
        ig_tpl_append(n, &tail, item);
    }
    *out = n;
    return IG_OK;
}

/* ---- targets ---- */

static ig_status parse_target(tpl_parser *p, tpl_node **out) {
    if (ig_tpl_accept_op(p, '(')) {
        IG_TRY(ig_tpl_enter(p));
        IG_TRY(ig_tpl_parse_targets(p, out));
        p->nest--;
        return ig_tpl_expect_op(p, ')', "')'");
    }
    IG_TRY(ig_tpl_parse_name(p, "the name of a variable", out));
    if (!ig_tpl_is_op(p, '.')) return IG_OK;
    p->at++;
    return ig_tpl_parse_attribute(p, *out, out);
}

ig_status ig_tpl_parse_targets(tpl_parser *p, tpl_node **out) {
    tpl_node *n, **tail;
    IG_TRY(parse_target(p, out));
    if (!ig_tpl_is_op(p, ',')) return IG_OK;
    IG_TRY(ig_tpl_node_of(p, TPL_LIST_OF, NULL, &n));
    n->op = TPL_TUPLE;
    tail = &n->list;
    ig_tpl_append(n, &tail, *out);
    while (ig_tpl_accept_op(p, ',')) {
        tpl_node *item;
        if (p->at->type != TOK_NAME && !ig_tpl_is_op(p, '(')) break;
        if (ig_tpl_is_keyword(p->at)) break;
        IG_TRY(parse_target(p, &item));
        ig_tpl_append(n, &tail, item);
    }
    *out = n;
    return IG_OK;
}
