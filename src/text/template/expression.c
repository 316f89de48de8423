/* text/template/expression.c: the value of an expression.
 *
 * One function for a kind of node.  ig_tpl_eval counts depth and steps, and puts the line back, so that an error that an
 * operator finds after its operands were evaluated names the operator's line.
 */
#include "text/template/run.h"

static ig_status eval_list(tpl_run *r, const tpl_node *e, tpl_value *out) {
    tpl_value list;
    IG_TRY(ig_tpl_list_new(r, (tpl_type)e->op, e->count, &list));
    for (const tpl_node *n = e->list; n; n = n->next) {
        tpl_value v;
        IG_TRY(ig_tpl_eval(r, n, &v));
        IG_TRY(ig_tpl_list_add(r, list, v));
    }
    *out = list;
    return IG_OK;
}

static ig_status eval_dict(tpl_run *r, const tpl_node *e, tpl_value *out) {
    tpl_value dict;
    IG_TRY(ig_tpl_dict_new(r, TPL_DICT, &dict));
    for (const tpl_node *n = e->list; n; n = n->next) {
        tpl_value key, value;
        IG_TRY(ig_tpl_eval(r, n->a, &key));
        IG_TRY(ig_tpl_eval(r, n->b, &value));
        IG_TRY(ig_tpl_dict_put(r, dict, key, value));
    }
    *out = dict;
    return IG_OK;
}

static ig_status compare_values(tpl_run *r, unsigned op, tpl_value a, tpl_value b, bool *out) {
    int order = 0;
    switch (op) {
    case TPL_OP2('=', '='): return ig_tpl_equal(r, a, b, out);
    case TPL_OP2('!', '='): IG_TRY(ig_tpl_equal(r, a, b, out)); *out = !*out; return IG_OK;
    case TPL_OP_IN: return ig_tpl_contains(r, b, a, out);
    case TPL_OP_NOT_IN: IG_TRY(ig_tpl_contains(r, b, a, out)); *out = !*out; return IG_OK;
    default: IG_TRY(ig_tpl_compare(r, a, b, &order));
    }
    *out = op == '<' ? order < 0 : op == '>' ? order > 0 : op == TPL_OP2('<', '=') ? order <= 0 : order >= 0;
    return IG_OK;
}

/* a < b < c is a < b and b < c. */
static ig_status eval_compare(tpl_run *r, const tpl_node *e, tpl_value *out) {
    tpl_value left, right;
    bool holds = true;
    IG_TRY(ig_tpl_eval(r, e->a, &left));
    for (const tpl_node *n = e->list; n && holds; n = n->next) {
        IG_TRY(ig_tpl_eval(r, n->a, &right));
        IG_TRY(compare_values(r, n->op, left, right, &holds));
        left = right;
    }
    *out = ig_tpl_bool(holds);
    return IG_OK;
}

/* As in Python, the value of the operand that decided. */
static ig_status eval_logic(tpl_run *r, const tpl_node *e, tpl_value *out) {
    IG_TRY(ig_tpl_eval(r, e->a, out));
    return ig_tpl_truth(*out) == (e->kind == TPL_AND) ? ig_tpl_eval(r, e->b, out) : IG_OK;
}

static ig_status eval_not(tpl_run *r, const tpl_node *e, tpl_value *out) {
    tpl_value v;
    IG_TRY(ig_tpl_eval(r, e->a, &v));
    *out = ig_tpl_bool(!ig_tpl_truth(v));
    return IG_OK;
}

static ig_status eval_condition(tpl_run *r, const tpl_node *e, tpl_value *out) {
    tpl_value v;
    IG_TRY(ig_tpl_eval(r, e->b, &v));
    if (ig_tpl_truth(v)) return ig_tpl_eval(r, e->a, out);
    *out = ig_tpl_undefined("the else of a condition", 23);
    return e->c ? ig_tpl_eval(r, e->c, out) : IG_OK;
}

static ig_status eval_operator(tpl_run *r, const tpl_node *e, tpl_value *out) {
    tpl_value a, b;
    IG_TRY(ig_tpl_eval(r, e->a, &a));
    if (e->kind == TPL_UNARY) return ig_tpl_unary(r, e->op, a, out);
    IG_TRY(ig_tpl_eval(r, e->b, &b));
    return ig_tpl_binary(r, e->op, a, b, out);
}

static ig_status eval_access(tpl_run *r, const tpl_node *e, tpl_value *out) {
    tpl_value owner, index;
    IG_TRY(ig_tpl_eval(r, e->a, &owner));
    if (e->kind == TPL_ATTRIBUTE) return ig_tpl_attribute(r, owner, e->text, e->len, out);
    IG_TRY(ig_tpl_eval(r, e->b, &index));
    return ig_tpl_item(r, owner, index, out);
}

static ig_status eval_slice(tpl_run *r, const tpl_node *e, tpl_value *out) {
    const tpl_node *part[3] = {e->b, e->c, e->d};
    tpl_value owner, bound[3];
    IG_TRY(ig_tpl_eval(r, e->a, &owner));
    for (int i = 0; i < 3; i++) {
        bound[i] = ig_tpl_none();
        if (part[i]) IG_TRY(ig_tpl_eval(r, part[i], &bound[i]));
    }
    return ig_tpl_slice(r, owner, bound, out);
}

static ig_status eval_call(tpl_run *r, const tpl_node *e, tpl_value *out) {
    tpl_value callee;
    IG_TRY(ig_tpl_eval(r, e->a, &callee));
    return ig_tpl_call_node(r, e, callee, NULL, out);
}

static ig_status eval_applied(tpl_run *r, const tpl_node *e, tpl_value *out) {
    tpl_value input;
    tpl_args args;
    IG_TRY(ig_tpl_eval(r, e->a, &input));
    IG_TRY(ig_tpl_eval_args(r, e, NULL, &args));
    return ig_tpl_call_builtin(r, e->fn, input, &args, out);
}

static ig_status eval_capture(tpl_run *r, const tpl_node *e, tpl_value *out) {
    size_t mark = r->text.len;
    r->captures++;
    IG_TRY(ig_tpl_execute(r, e->list));
    r->captures--;
    return ig_tpl_take(r, mark, out);
}

static ig_status eval_kind(tpl_run *r, const tpl_node *e, tpl_value *out) {
    switch (e->kind) {
    case TPL_CONST: *out = e->value; return IG_OK;
    case TPL_NAME: return ig_tpl_lookup(r, e->text, e->len, out);
    case TPL_LIST_OF: return eval_list(r, e, out);
    case TPL_DICT_OF: return eval_dict(r, e, out);
    case TPL_UNARY:
    case TPL_BINARY: return eval_operator(r, e, out);
    case TPL_AND:
    case TPL_OR: return eval_logic(r, e, out);
    case TPL_NOT: return eval_not(r, e, out);
    case TPL_COMPARE: return eval_compare(r, e, out);
    case TPL_COND: return eval_condition(r, e, out);
    case TPL_ATTRIBUTE:
    case TPL_ITEM: return eval_access(r, e, out);
    case TPL_SLICE: return eval_slice(r, e, out);
    case TPL_CALL: return eval_call(r, e, out);
    case TPL_FILTER:
    case TPL_TEST: return eval_applied(r, e, out);
    case TPL_CAPTURE: return eval_capture(r, e, out);
    default: return ig_tpl_fail(r, IG_E_INTERNAL, "node %d is no expression", e->kind);
    }
}

ig_status ig_tpl_eval(tpl_run *r, const tpl_node *e, tpl_value *out) {
    int line = r->line;
    IG_TRY(ig_tpl_deeper(r, e));
    IG_TRY(eval_kind(r, e, out));
    r->depth--;
    r->line = line;
    return IG_OK;
}
