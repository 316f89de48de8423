/* text/template/template.c: parse, render, free; and what a run checks everywhere: its limits.
 *
 * A chat template runs on a server, for requests of strangers, and was itself written by a stranger: nothing here trusts
 * either.  All that a run makes stands in its arena and its text, both bounded, and goes at its end; loops end because every
 * node that is evaluated, and every larger piece of work, is counted.
 */
#include <string.h>

#include "ingot/limits.h"
#include "text/template/run.h"

#define DEPTH_DEFAULT 400
#define DEPTH_MAX 2000
#define STEPS_DEFAULT 5000000u
#define MEMORY_DEFAULT ((size_t)64 << 20)
#define OUTPUT_DEFAULT ((size_t)16 << 20)

/* ---- what a run checks ---- */

ig_status ig_tpl_fail(tpl_run *r, ig_status code, const char *fmt, ...) {
    char message[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    return ig_error_at(r->err, code, r->name, r->line, "%s", message);
}

ig_status ig_tpl_work(tpl_run *r, size_t n) {
    r->steps += n;
    if (r->steps > r->limits.steps)
        return ig_tpl_fail(r, IG_E_LIMIT, "the template takes more than its %llu steps", (unsigned long long)r->limits.steps);
    return IG_OK;
}

ig_status ig_tpl_deeper(tpl_run *r, const tpl_node *n) {
    r->line = n->line;
    if (++r->depth > r->limits.depth)
        return ig_tpl_fail(r, IG_E_LIMIT, "expressions and macros nested more than %d deep", r->limits.depth);
    return ig_tpl_work(r, 1);
}

ig_status ig_tpl_alloc(tpl_run *r, size_t n, size_t size, void *out) {
    ig_error local;
    ig_status status = ig_tpl_arena_alloc(&r->arena, n, size, out, &local);
    return status == IG_OK ? IG_OK : ig_tpl_fail(r, status, "%s", local.message);
}

ig_status ig_tpl_check_text(tpl_run *r) {
    if (r->text.status == IG_OK) return IG_OK;
    if (r->text.status == IG_E_NOMEM) return ig_error_nomem(r->err, r->text.len);
    return ig_tpl_fail(r, IG_E_LIMIT, "the template makes texts of more than %zu bytes", r->text.max);
}

ig_status ig_tpl_take(tpl_run *r, size_t mark, tpl_value *out) {
    IG_TRY(ig_tpl_check_text(r));
    size_t n = r->text.len - mark;
    char *copy;
    IG_TRY(ig_tpl_alloc(r, n + 1, 1, &copy));
    if (n) memcpy(copy, r->text.data + mark, n);
    r->text.len = mark;
    *out = ig_tpl_text(copy, n);
    return ig_tpl_work(r, n / 64);
}

/* ---- parsing ---- */

/* A copy with \n for every kind of line end, and without the last one. */
static void normalize(ig_template *t, const char *text, size_t len) {
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\r' && i + 1 < len && text[i + 1] == '\n') continue;
        t->source[n++] = text[i] == '\r' ? '\n' : text[i];
    }
    t->len = n && t->source[n - 1] == '\n' ? n - 1 : n;
    t->source[t->len] = '\0';
}

static ig_status parse(ig_template *t, ig_error *err) {
    tpl_tokens tokens = {0};
    ig_status status = ig_tpl_lex(t, &tokens, err);
    if (status == IG_OK) {
        tpl_parser p = {.t = t, .at = tokens.item, .err = err};
        status = ig_tpl_parse_statements(&p, &t->body);
    }
    ig_free(tokens.item);
    return status;
}

ig_status ig_template_parse(const char *name, const char *text, size_t len, ig_template **out, ig_error *err) {
    *out = NULL;
    if (len > IG_TEMPLATE_BYTES_MAX)
        return ig_error_at(err, IG_E_LIMIT, name, 0, "a template of more than %u bytes", IG_TEMPLATE_BYTES_MAX);
    if (!ig_utf8_valid(text, len)) return ig_error_at(err, IG_E_FORMAT, name, 0, "the template is not UTF-8");
    ig_template *t = ig_calloc(1, sizeof *t);
    if (!t) return ig_error_nomem(err, sizeof *t);
    t->arena.bytes_max = TPL_ARENA_MAX;
    t->name = ig_strdup(name);
    t->source = ig_malloc(len + 1);
    ig_status status = t->name && t->source ? IG_OK : ig_error_nomem(err, len);
    if (status == IG_OK) {
        normalize(t, text, len);
        status = parse(t, err);
    }
    if (status == IG_OK)
        *out = t;
    else
        ig_template_free(t);
    return status;
}

void ig_template_free(ig_template *t) {
    if (!t) return;
    ig_tpl_arena_fini(&t->arena);
    ig_free(t->source);
    ig_free(t->name);
    ig_free(t);
}

/* ---- rendering ---- */

static ig_status take_limits(const ig_template_limits *given, ig_template_limits *l, ig_error *err) {
    if (given) *l = *given;
    if (l->depth < 0 || l->depth > DEPTH_MAX)
        return ig_error_set(err, IG_E_ARG, "a template's depth is limited to %d", DEPTH_MAX);
    if (!l->depth) l->depth = DEPTH_DEFAULT;
    if (!l->steps) l->steps = STEPS_DEFAULT;
    if (!l->memory_bytes) l->memory_bytes = MEMORY_DEFAULT;
    if (!l->output_bytes) l->output_bytes = OUTPUT_DEFAULT;
    return IG_OK;
}

static ig_status define_variables(tpl_run *r, const ig_tree *variables) {
    IG_TRY(ig_tpl_scope_new(r, NULL, &r->scope));
    for (const ig_tree *c = variables ? variables->child : NULL; c; c = c->next) {
        tpl_value v;
        IG_TRY(ig_tpl_from_tree(r, c, &v));
        IG_TRY(ig_tpl_define(r, r->scope, c->key, strlen(c->key), v));
    }
    return ig_tpl_scope_new(r, r->scope, &r->scope);
}

static ig_status run(tpl_run *r, const ig_template *t, const ig_tree *variables, ig_buf *out) {
    size_t len = out->len;
    IG_TRY(define_variables(r, variables));
    IG_TRY(ig_tpl_execute(r, t->body->list));
    IG_TRY(ig_tpl_check_text(r));
    if (r->text.len) ig_buf_append(out, r->text.data, r->text.len);
    ig_status status = ig_buf_status(out, r->err);
    if (status != IG_OK) out->len = len;
    return status;
}

ig_status ig_template_render(const ig_template *t, const ig_tree *variables, const ig_template_limits *limits, ig_buf *out,
                             ig_error *err) {
    tpl_run r = {.name = t->name, .err = err, .line = 1};
    if (variables && variables->type != IG_TREE_MAP)
        return ig_error_set(err, IG_E_ARG, "the variables of a template must be a map, not %s",
                            ig_tree_type_name(variables->type));
    IG_TRY(take_limits(limits, &r.limits, err));
    r.arena.bytes_max = r.limits.memory_bytes;
    if (!ig_add_size(r.limits.memory_bytes, r.limits.output_bytes, &r.text.max)) r.text.max = SIZE_MAX;
    ig_status status = run(&r, t, variables, out);
    if (r.ctype) freelocale(r.ctype);
    ig_tpl_arena_fini(&r.arena);
    ig_buf_fini(&r.text);
    return status;
}
