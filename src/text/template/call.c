/* text/template/call.c: calls: arguments to parameters, builtins and macros.
 *
 * A builtin names its parameters in a string ("old new count"), so that positions and keywords are sorted out here, once,
 * with errors that name the function and the parameter.  A macro is called in a scope of its own whose parent is the
 * scope in which it was defined; a parameter without value and default is undefined, as in Jinja.
 */
#include <string.h>

#include "text/template/run.h"

ig_status ig_tpl_eval_args(tpl_run *r, const tpl_node *n, const tpl_value *caller, tpl_args *out) {
    size_t count = n->count + (caller != NULL), i = 0;
    tpl_value *value = NULL;
    const char **name = NULL;
    *out = (tpl_args){0};
    if (!count) return IG_OK;
    IG_TRY(ig_tpl_alloc(r, count, sizeof *value, &value));
    IG_TRY(ig_tpl_alloc(r, count, sizeof *name, &name));
    for (const tpl_node *arg = n->list; arg; arg = arg->next, i++) {
        IG_TRY(ig_tpl_eval(r, arg->a, &value[i]));
        name[i] = arg->text;
    }
    if (caller) {
        value[i] = *caller;
        name[i] = "caller";
    }
    *out = (tpl_args){.value = value, .name = name, .count = count};
    return IG_OK;
}

ig_status ig_tpl_call_node(tpl_run *r, const tpl_node *n, tpl_value callee, const tpl_value *caller, tpl_value *out) {
    tpl_args args;
    IG_TRY(ig_tpl_eval_args(r, n, caller, &args));
    return ig_tpl_call(r, callee, &args, out);
}

/* ---- builtins ---- */

/* The place of a parameter in "old new count"; -1 when there is none of that name. */
static int parameter_index(const char *params, const char *name) {
    size_t len = strlen(name);
    int i = 0;
    for (const char *p = params; *p; i++) {
        size_t n = strcspn(p, " ");
        if (n == len && memcmp(p, name, n) == 0) return i;
        p += n + (p[n] == ' ');
    }
    return -1;
}

static int parameter_count(const char *params) {
    int count = *params != '\0';
    for (const char *p = params; *p; p++) count += *p == ' ';
    return count;
}

static ig_status bind_arguments(tpl_run *r, tpl_call *c) {
    int count = parameter_count(c->fn->params);
    for (size_t k = 0; k < c->raw.count; k++) {
        const char *name = c->raw.name[k];
        int i = name ? parameter_index(c->fn->params, name) : (int)k;
        if (i < 0) return ig_tpl_fail(r, IG_E_FORMAT, "%s has no parameter '%.40s'", c->fn->name, name);
        if (i >= count) return ig_tpl_fail(r, IG_E_FORMAT, "%s takes at most %d arguments", c->fn->name, count);
        if (c->arg[i]) return ig_tpl_fail(r, IG_E_FORMAT, "%s is given '%.40s' twice", c->fn->name, name ? name : "?");
        c->arg[i] = &c->raw.value[k];
    }
    for (int i = 0; i < c->fn->required; i++) {
        if (!c->arg[i])
            return ig_tpl_fail(r, IG_E_FORMAT, "%s needs %d arguments (%s)", c->fn->name, c->fn->required, c->fn->params);
    }
    return IG_OK;
}

ig_status ig_tpl_call_builtin(tpl_run *r, const tpl_builtin *fn, tpl_value self, const tpl_args *args, tpl_value *out) {
    tpl_call c = {.self = self, .fn = fn, .raw = *args};
    tpl_value result = ig_tpl_none();
    if (fn->params) IG_TRY(bind_arguments(r, &c));
    IG_TRY(ig_tpl_work(r, 1));
    IG_TRY(fn->fn(r, &c, &result));
    *out = result;
    return IG_OK;
}

ig_status ig_tpl_bind(tpl_run *r, const tpl_builtin *fn, tpl_value self, tpl_value *out) {
    tpl_callable *c;
    IG_TRY(ig_tpl_alloc(r, 1, sizeof *c, &c));
    *c = (tpl_callable){.builtin = fn, .self = self};
    *out = (tpl_value){.type = TPL_CALLABLE, .callable = c};
    return IG_OK;
}

bool ig_tpl_arg_bool(const tpl_call *c, int i, bool otherwise) {
    return c->arg[i] ? ig_tpl_truth(*c->arg[i]) : otherwise;
}

static ig_status wrong_argument(tpl_run *r, const tpl_call *c, int i, const char *expected) {
    return ig_tpl_fail(r, IG_E_FORMAT, "argument %d of %s must be %s, not %s", i + 1, c->fn->name, expected,
                       ig_tpl_type_name(*c->arg[i]));
}

ig_status ig_tpl_arg_int(tpl_run *r, const tpl_call *c, int i, int64_t otherwise, int64_t *out) {
    *out = otherwise;
    if (!c->arg[i] || c->arg[i]->type == TPL_NONE) return IG_OK;
    if (!ig_tpl_is_int(*c->arg[i])) return wrong_argument(r, c, i, "an integer");
    *out = ig_tpl_as_int(*c->arg[i]);
    return IG_OK;
}

ig_status ig_tpl_arg_text(tpl_run *r, const tpl_call *c, int i, const char *otherwise, tpl_value *out) {
    *out = ig_tpl_text(otherwise, strlen(otherwise));
    if (!c->arg[i] || c->arg[i]->type == TPL_NONE) return IG_OK;
    if (c->arg[i]->type != TPL_TEXT) return wrong_argument(r, c, i, "a string");
    *out = *c->arg[i];
    return IG_OK;
}

/* ---- macros ---- */

static const tpl_value *find_argument(const tpl_args *args, const char *name, size_t position) {
    if (position < args->count && !args->name[position]) return &args->value[position];
    for (size_t k = 0; k < args->count; k++) {
        if (args->name[k] && strcmp(args->name[k], name) == 0) return &args->value[k];
    }
    return NULL;
}

/* Every argument must find its parameter; `caller` may come without one. */
static ig_status check_arguments(tpl_run *r, const tpl_node *macro, const tpl_args *args) {
    for (size_t k = 0; k < args->count; k++) {
        const tpl_node *p = macro->list;
        size_t i = 0;
        if (!args->name[k] && k >= macro->count)
            return ig_tpl_fail(r, IG_E_FORMAT, "macro '%.40s' takes at most %zu arguments", macro->text, macro->count);
        if (!args->name[k]) continue;
        for (; p && strcmp(p->text, args->name[k]) != 0; p = p->next) i++;
        if (!p && strcmp(args->name[k], "caller") != 0)
            return ig_tpl_fail(r, IG_E_FORMAT, "macro '%.40s' has no parameter '%.40s'", macro->text, args->name[k]);
        if (p && i < k && !args->name[i])
            return ig_tpl_fail(r, IG_E_FORMAT, "macro '%.40s' is given '%.40s' twice", macro->text, args->name[k]);
    }
    return IG_OK;
}

static ig_status bind_parameters(tpl_run *r, const tpl_node *macro, const tpl_args *args) {
    size_t i = 0;
    const tpl_value *caller = find_argument(args, "caller", SIZE_MAX);
    for (const tpl_node *p = macro->list; p; p = p->next, i++) {
        const tpl_value *given = find_argument(args, p->text, i);
        tpl_value v = ig_tpl_undefined(p->text, p->len);
        if (given)
            v = *given;
        else if (p->b)
            IG_TRY(ig_tpl_eval(r, p->b, &v));
        IG_TRY(ig_tpl_define(r, r->scope, p->text, p->len, v));
    }
    return caller ? ig_tpl_define(r, r->scope, "caller", 6, *caller) : IG_OK;
}

static ig_status call_macro(tpl_run *r, const tpl_callable *c, const tpl_args *args, tpl_value *out) {
    tpl_scope *outer = r->scope;
    tpl_flow flow = r->flow;
    IG_TRY(check_arguments(r, c->macro, args));
    IG_TRY(ig_tpl_scope_new(r, c->scope, &r->scope));
    IG_TRY(bind_parameters(r, c->macro, args));
    r->flow = TPL_GO_ON;
    IG_TRY(ig_tpl_eval(r, c->macro->c, out));
    r->flow = flow;
    r->scope = outer;
    return IG_OK;
}

ig_status ig_tpl_call(tpl_run *r, tpl_value callee, const tpl_args *args, tpl_value *out) {
    if (callee.type == TPL_UNDEFINED)
        return ig_tpl_fail(r, IG_E_FORMAT, "'%.*s' is undefined and cannot be called", callee.len < 60 ? (int)callee.len : 60,
                           callee.text);
    if (callee.type != TPL_CALLABLE) return ig_tpl_fail(r, IG_E_FORMAT, "%s cannot be called", ig_tpl_type_name(callee));
    const tpl_callable *c = callee.callable;
    return c->builtin ? ig_tpl_call_builtin(r, c->builtin, c->self, args, out) : call_macro(r, c, args, out);
}
