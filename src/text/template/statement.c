/* text/template/statement.c: statements, and the variables that they set.
 *
 * A scope belongs to the template, to one turn of a loop, to a macro's call or to a with: what is set inside is gone
 * outside, which is why templates keep state in a namespace.  An if has no scope.
 */
#include "text/template/run.h"

#include <string.h>

/* ---- variables ---- */

ig_status ig_tpl_scope_new(tpl_run *r, tpl_scope *parent, tpl_scope **out) {
    tpl_scope *s;
    IG_TRY(ig_tpl_alloc(r, 1, sizeof *s, &s));
    s->parent = parent;
    *out = s;
    return IG_OK;
}

static tpl_var *find_var(const tpl_scope *scope, const char *name, size_t n) {
    for (tpl_var *v = scope->vars; v; v = v->next) {
        if (v->len == n && memcmp(v->name, name, n) == 0) return v;
    }
    return NULL;
}

ig_status ig_tpl_define(tpl_run *r, tpl_scope *scope, const char *name, size_t n, tpl_value value) {
    tpl_var *v = find_var(scope, name, n);
    if (!v) {
        IG_TRY(ig_tpl_alloc(r, 1, sizeof *v, &v));
        *v = (tpl_var){.name = name, .len = n, .next = scope->vars};
        scope->vars = v;
    }
    v->value = value;
    return IG_OK;
}

ig_status ig_tpl_lookup(tpl_run *r, const char *name, size_t n, tpl_value *out) {
    for (const tpl_scope *s = r->scope; s; s = s->parent) {
        const tpl_var *v = find_var(s, name, n);
        if (v) {
            *out = v->value;
            return IG_OK;
        }
    }
    *out = ig_tpl_undefined(name, n);
    const tpl_builtin *fn = ig_tpl_find_global(name, n);
    if (!fn || (strcmp(fn->name, "strftime_now") == 0 && !r->limits.has_clock)) return IG_OK;
    return ig_tpl_bind(r, fn, ig_tpl_none(), out);
}

static ig_status assign_attribute(tpl_run *r, const tpl_node *target, tpl_value v) {
    tpl_value owner;
    IG_TRY(ig_tpl_eval(r, target->a, &owner));
    if (owner.type != TPL_NAMESPACE)
        return ig_tpl_fail(r, IG_E_FORMAT, "%s.%s cannot be set: %s is %s, not a namespace", target->a->text, target->text,
                           target->a->text, ig_tpl_type_name(owner));
    return ig_tpl_dict_put(r, owner, ig_tpl_text(target->text, target->len), v);
}

/* Tuples inside tuples, as deep as the parser let them be. */
ig_status ig_tpl_assign(tpl_run *r, const tpl_node *target, tpl_value v) {
    if (target->kind == TPL_NAME) return ig_tpl_define(r, r->scope, target->text, target->len, v);
    if (target->kind == TPL_ATTRIBUTE) return assign_attribute(r, target, v);
    tpl_value list;
    IG_TRY(ig_tpl_iterate(r, v, &list));
    if (list.list->count != target->count)
        return ig_tpl_fail(r, IG_E_FORMAT, "%zu values for %zu names", list.list->count, target->count);
    size_t i = 0;
    for (const tpl_node *n = target->list; n; n = n->next) IG_TRY(ig_tpl_assign(r, n, list.list->item[i++]));
    return IG_OK;
}

/* ---- loops ---- */

/* The items for which the condition holds; it sees the names of the loop. */
static ig_status filter_items(tpl_run *r, const tpl_node *n, const tpl_list *items, tpl_value *out) {
    IG_TRY(ig_tpl_list_new(r, TPL_LIST, 0, out));
    for (size_t i = 0; i < items->count; i++) {
        tpl_value keep;
        IG_TRY(ig_tpl_assign(r, n->a, items->item[i]));
        IG_TRY(ig_tpl_eval(r, n->c, &keep));
        if (ig_tpl_truth(keep)) IG_TRY(ig_tpl_list_add(r, *out, items->item[i]));
    }
    return IG_OK;
}

static ig_status turn(tpl_run *r, const tpl_node *n, tpl_loop *loop) {
    IG_TRY(ig_tpl_define(r, r->scope, "loop", 4, (tpl_value){.type = TPL_LOOP, .loop = loop}));
    IG_TRY(ig_tpl_assign(r, n->a, loop->item[loop->index]));
    return ig_tpl_execute(r, n->list);
}

static ig_status run_for(tpl_run *r, const tpl_node *n) {
    tpl_scope *outer = r->scope;
    tpl_value items;
    tpl_loop *loop;
    IG_TRY(ig_tpl_eval(r, n->b, &items));
    IG_TRY(ig_tpl_iterate(r, items, &items));
    IG_TRY(ig_tpl_scope_new(r, outer, &r->scope));
    if (n->c) IG_TRY(filter_items(r, n, items.list, &items));
    IG_TRY(ig_tpl_alloc(r, 1, sizeof *loop, &loop));
    *loop = (tpl_loop){.item = items.list->item, .count = items.list->count};
    for (; loop->index < loop->count && r->flow != TPL_BREAK; loop->index++) {
        IG_TRY(ig_tpl_scope_new(r, outer, &r->scope));
        r->flow = TPL_GO_ON;
        IG_TRY(turn(r, n, loop));
    }
    r->scope = outer;
    r->flow = TPL_GO_ON;
    return n->d && !loop->count ? ig_tpl_execute(r, n->d->list) : IG_OK;
}

/* ---- the others ---- */

static ig_status run_if(tpl_run *r, const tpl_node *n) {
    for (const tpl_node *branch = n->list; branch; branch = branch->next) {
        tpl_value v = ig_tpl_bool(true);
        if (branch->a) IG_TRY(ig_tpl_eval(r, branch->a, &v));
        if (ig_tpl_truth(v)) return ig_tpl_execute(r, branch->list);
    }
    return IG_OK;
}

static ig_status run_with(tpl_run *r, const tpl_node *n) {
    tpl_scope *outer = r->scope, *inner;
    if (n->op) return ig_tpl_execute(r, n->list);
    IG_TRY(ig_tpl_scope_new(r, outer, &inner));
    for (const tpl_node *set = n->a; set; set = set->next) { /* all values are of the scope outside */
        tpl_value v;
        IG_TRY(ig_tpl_eval(r, set->b, &v));
        IG_TRY(ig_tpl_define(r, inner, set->a->text, set->a->len, v));
    }
    r->scope = inner;
    IG_TRY(ig_tpl_execute(r, n->list));
    r->scope = outer;
    return IG_OK;
}

static ig_status new_macro(tpl_run *r, const tpl_node *n, tpl_value *out) {
    tpl_callable *c;
    IG_TRY(ig_tpl_alloc(r, 1, sizeof *c, &c));
    *c = (tpl_callable){.macro = n, .scope = r->scope};
    *out = (tpl_value){.type = TPL_CALLABLE, .callable = c};
    return IG_OK;
}

static ig_status run_macro(tpl_run *r, const tpl_node *n) {
    tpl_value v;
    IG_TRY(new_macro(r, n, &v));
    return ig_tpl_define(r, r->scope, n->text, n->len, v);
}

static ig_status run_set(tpl_run *r, const tpl_node *n) {
    tpl_value v;
    IG_TRY(ig_tpl_eval(r, n->b, &v));
    return ig_tpl_assign(r, n->a, v);
}

static ig_status print_value(tpl_run *r, tpl_value v) {
    IG_TRY(ig_tpl_print(r, v));
    if (!r->captures && r->text.len > r->limits.output_bytes)
        return ig_tpl_fail(r, IG_E_LIMIT, "the template writes more than its %zu bytes", r->limits.output_bytes);
    return IG_OK;
}

static ig_status run_print(tpl_run *r, const tpl_node *n) {
    tpl_value v;
    IG_TRY(ig_tpl_eval(r, n->a, &v));
    return print_value(r, v);
}

static ig_status run_call_block(tpl_run *r, const tpl_node *n) {
    tpl_value callee, caller, v;
    IG_TRY(ig_tpl_eval(r, n->a->a, &callee));
    IG_TRY(new_macro(r, n->b, &caller));
    IG_TRY(ig_tpl_call_node(r, n->a, callee, &caller, &v));
    return print_value(r, v);
}

static ig_status execute_one(tpl_run *r, const tpl_node *n) {
    switch (n->kind) {
    case TPL_OUTPUT: return print_value(r, ig_tpl_text(n->text, n->len));
    case TPL_PRINT: return run_print(r, n);
    case TPL_IF: return run_if(r, n);
    case TPL_FOR: return run_for(r, n);
    case TPL_SET: return run_set(r, n);
    case TPL_WITH: return run_with(r, n);
    case TPL_MACRO: return run_macro(r, n);
    case TPL_CALL_BLOCK: return run_call_block(r, n);
    case TPL_BREAK_LOOP: r->flow = TPL_BREAK; return IG_OK;
    case TPL_CONTINUE_LOOP: r->flow = TPL_CONTINUE; return IG_OK;
    default: return ig_tpl_fail(r, IG_E_INTERNAL, "node %d is no statement", n->kind);
    }
}

ig_status ig_tpl_execute(tpl_run *r, const tpl_node *list) {
    for (const tpl_node *n = list; n && r->flow == TPL_GO_ON; n = n->next) {
        IG_TRY(ig_tpl_deeper(r, n));
        IG_TRY(execute_one(r, n));
        r->depth--;
    }
    return IG_OK;
}
