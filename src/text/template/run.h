/* text/template/run.h: what the files of the interpreter share: evaluation, variables, calls.
 *
 *     template.c     parse and render, limits, errors
 *     statement.c    statements: output, branches, loops, assignments
 *     expression.c   expressions: literals, names, logic, conditions, calls
 *     operator.c     arithmetic and text, on two values
 *     access.c       a.b, a[b], a[b:c:d]
 *     call.c         arguments to parameters; macros
 *     builtins.c     the lists of filters, tests and globals; filter_*.c, test.c, method.c, global.c hold them
 */
#ifndef TEXT_TEMPLATE_RUN_H
#define TEXT_TEMPLATE_RUN_H

#include "text/template/syntax.h"

struct tpl_callable {
    const tpl_builtin *builtin; /* or */
    const tpl_node *macro;
    tpl_value self;       /* of a method */
    tpl_scope *scope;     /* of a macro: where it was defined */
};

ig_status ig_tpl_eval(tpl_run *r, const tpl_node *e, tpl_value *out);
ig_status ig_tpl_execute(tpl_run *r, const tpl_node *list); /* statements, until a break or continue */
ig_status ig_tpl_deeper(tpl_run *r, const tpl_node *n);     /* one level and one step; r->depth-- on the way out */

ig_status ig_tpl_lookup(tpl_run *r, const char *name, size_t n, tpl_value *out);
ig_status ig_tpl_define(tpl_run *r, tpl_scope *scope, const char *name, size_t n, tpl_value v);
ig_status ig_tpl_scope_new(tpl_run *r, tpl_scope *parent, tpl_scope **out);
ig_status ig_tpl_assign(tpl_run *r, const tpl_node *target, tpl_value v);

ig_status ig_tpl_binary(tpl_run *r, unsigned op, tpl_value a, tpl_value b, tpl_value *out);
ig_status ig_tpl_unary(tpl_run *r, unsigned op, tpl_value a, tpl_value *out);

ig_status ig_tpl_attribute(tpl_run *r, tpl_value owner, const char *name, size_t n, tpl_value *out);
ig_status ig_tpl_item(tpl_run *r, tpl_value owner, tpl_value index, tpl_value *out);
ig_status ig_tpl_slice(tpl_run *r, tpl_value owner, const tpl_value bound[3], tpl_value *out); /* none: not given */
/* A path of names and numbers, "function.name", as attribute= of filters takes it. */
ig_status ig_tpl_attribute_path(tpl_run *r, tpl_value owner, tpl_value path, tpl_value *out);

/* The arguments of a TPL_CALL, FILTER or TEST node evaluated, and the call made; `caller` (or NULL) goes along by that name. */
ig_status ig_tpl_call_node(tpl_run *r, const tpl_node *n, tpl_value callee, const tpl_value *caller, tpl_value *out);
ig_status ig_tpl_eval_args(tpl_run *r, const tpl_node *n, const tpl_value *caller, tpl_args *out);
ig_status ig_tpl_call(tpl_run *r, tpl_value callee, const tpl_args *args, tpl_value *out);
ig_status ig_tpl_call_builtin(tpl_run *r, const tpl_builtin *fn, tpl_value self, const tpl_args *args, tpl_value *out);
ig_status ig_tpl_bind(tpl_run *r, const tpl_builtin *fn, tpl_value self, tpl_value *out); /* a callable */
const tpl_builtin *ig_tpl_find_method(tpl_value owner, const char *name, size_t n);

/* Arguments of builtins: `otherwise` where none was given. */
bool ig_tpl_arg_bool(const tpl_call *c, int i, bool otherwise);
ig_status ig_tpl_arg_int(tpl_run *r, const tpl_call *c, int i, int64_t otherwise, int64_t *out);
ig_status ig_tpl_arg_text(tpl_run *r, const tpl_call *c, int i, const char *otherwise, tpl_value *out);

#endif
