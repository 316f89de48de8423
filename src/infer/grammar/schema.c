/* infer/grammar/schema.c: a JSON schema (2020-12, the part that a grammar can say) as rules: one rule for each schema in it.
 *
 *     {"type": "object", "properties": {"a": {"$ref": "#/$defs/x"}}, …}
 *      rule #                           rule #/properties/a ──► rule #/$defs/x
 *
 * A schema gets its rule when it is first mentioned, and the rule its body later from a queue: so a schema may refer to
 * itself, and a long chain of references never reaches the C stack.  Keywords that are not known are refused: to overlook one
 * would let through what the schema forbids.  What is let through always validates; where a schema allows more than a text
 * can keep to (numbers without end, keys in any order), less is let through.
 */
#include <math.h>
#include <string.h>

#include "infer/grammar/json_form.h"

enum { TYPE_NULL = 1, TYPE_BOOLEAN = 2, TYPE_INTEGER = 4, TYPE_NUMBER = 8, TYPE_STRING = 16, TYPE_ARRAY = 32,
       TYPE_OBJECT = 64 };

static const struct {
    const char *key;
    unsigned group;
} keywords[] = {
    {"title", GR_KEY_NOTE}, {"description", GR_KEY_NOTE}, {"default", GR_KEY_NOTE}, {"examples", GR_KEY_NOTE},
    {"example", GR_KEY_NOTE},
    {"$schema", GR_KEY_NOTE}, {"$id", GR_KEY_NOTE}, {"$comment", GR_KEY_NOTE}, {"$defs", GR_KEY_NOTE},
    {"definitions", GR_KEY_NOTE},
    {"deprecated", GR_KEY_NOTE}, {"readOnly", GR_KEY_NOTE}, {"writeOnly", GR_KEY_NOTE}, {"nullable", GR_KEY_NOTE},
    {"type", GR_KEY_TYPE},
    {"properties", GR_KEY_OBJECT}, {"required", GR_KEY_OBJECT}, {"additionalProperties", GR_KEY_OBJECT},
    {"items", GR_KEY_ARRAY}, {"prefixItems", GR_KEY_ARRAY}, {"minItems", GR_KEY_ARRAY}, {"maxItems", GR_KEY_ARRAY},
    {"minLength", GR_KEY_TEXT}, {"maxLength", GR_KEY_TEXT}, {"pattern", GR_KEY_TEXT}, {"format", GR_KEY_TEXT},
    {"minimum", GR_KEY_NUMBER}, {"maximum", GR_KEY_NUMBER}, {"exclusiveMinimum", GR_KEY_NUMBER},
    {"exclusiveMaximum", GR_KEY_NUMBER},
    {"$ref", GR_KEY_REF}, {"const", GR_KEY_VALUE}, {"enum", GR_KEY_VALUE},
    {"anyOf", GR_KEY_ANY}, {"oneOf", GR_KEY_ANY}, {"allOf", GR_KEY_ALL},
};

/* ---- errors ---- */

static ig_status tell(gr_json *j, ig_status code, const gr_job *at, const ig_tree *where, const char *what) {
    if (where->key && where != at->schema)
        return gr_fail(&j->b, code, where->line, "%s: \"%.100s\" %s", at->path, where->key, what);
    return gr_fail(&j->b, code, where->line, "%s: this %s", at->path, what);
}

ig_status gr_schema_refuse(gr_json *j, const gr_job *at, const ig_tree *where, const char *what) {
    return tell(j, IG_E_UNSUPPORTED, at, where, what);
}

ig_status gr_schema_wrong(gr_json *j, const gr_job *at, const ig_tree *where, const char *what) {
    return tell(j, IG_E_FORMAT, at, where, what);
}

/* ---- keywords ---- */

static unsigned group_of(const char *key) {
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
        if (strcmp(key, keywords[i].key) == 0) return keywords[i].group;
    return 0;
}

ig_status gr_schema_keys(gr_json *j, const gr_job *at, const ig_tree *schema, unsigned *groups) {
    *groups = 0;
    for (const ig_tree *k = schema->child; k; k = k->next) {
        unsigned group = group_of(k->key);
        bool off = strcmp(k->key, "uniqueItems") == 0 && k->type == IG_TREE_BOOL && !k->boolean;
        if (!group && !off) return gr_schema_refuse(j, at, k, "is not supported in a schema");
        *groups |= group;
    }
    return j->b.status;
}

uint32_t gr_schema_count(gr_json *j, const gr_job *at, const ig_tree *schema, const char *key, uint32_t otherwise) {
    const ig_tree *t = ig_tree_get(schema, key);
    if (!t) return otherwise;
    if (t->type != IG_TREE_INT || t->integer < 0) gr_schema_wrong(j, at, t, "must be a whole number, not negative");
    else if (t->integer > IG_GRAMMAR_REPEAT_MAX)
        gr_fail(&j->b, IG_E_LIMIT, t->line, "%s: \"%s\" is more than %d", at->path, key, IG_GRAMMAR_REPEAT_MAX);
    else return (uint32_t)t->integer;
    return otherwise;
}

/* ---- rules of schemas ---- */

/* "path/step", its end if it is too long. */
static void write_path(char *out, const char *path, const char *step) {
    size_t a = strlen(path), b = step ? strlen(step) + 1 : 0, room = GR_PATH_MAX - 1;
    size_t tail = b < room ? b : room, head = a + tail <= room ? a : room - tail;
    memcpy(out, path + a - head, head);
    if (tail) {
        out[head] = '/';
        memcpy(out + head + 1, step, tail - 1);
    }
    out[head + tail] = '\0';
}

static ig_status grow_jobs(gr_json *j) {
    size_t cap = j->jobs_cap ? 2 * j->jobs_cap : 32;
    gr_job *job = ig_realloc_array(j->job, cap, sizeof *job);
    if (job) j->job = job;
    uint32_t *slot = job ? ig_calloc(2 * cap, sizeof *slot) : NULL;
    if (!slot) return j->b.status = ig_error_nomem(j->b.err, cap * sizeof *job);
    for (size_t i = 0; i < j->jobs; i++) {
        size_t at = ig_hash64(&job[i].schema, sizeof job[i].schema, 0) & (2 * cap - 1);
        while (slot[at]) at = (at + 1) & (2 * cap - 1);
        slot[at] = (uint32_t)i + 1;
    }
    ig_free(j->slot);
    j->slot = slot;
    j->slots = 2 * cap;
    j->jobs_cap = cap;
    return IG_OK;
}

uint32_t gr_schema_rule(gr_json *j, const ig_tree *schema, const ig_tree *root, const char *path, const char *step) {
    if (j->b.status != IG_OK || (j->jobs == j->jobs_cap && grow_jobs(j) != IG_OK)) return 0;
    size_t at = ig_hash64(&schema, sizeof schema, 0) & (j->slots - 1);
    for (; j->slot[at]; at = (at + 1) & (j->slots - 1))
        if (j->job[j->slot[at] - 1].schema == schema) return j->job[j->slot[at] - 1].rule;
    gr_job *job = &j->job[j->jobs];
    *job = (gr_job){.schema = schema, .root = root};
    write_path(job->path, path, step);
    job->rule = gr_rule_new(&j->b, job->path, strlen(job->path), schema->line, 0);
    if (j->b.status != IG_OK) return 0;
    j->slot[at] = (uint32_t)++j->jobs;
    return job->rule;
}

/* ---- $ref ---- */

static gr_frag reference(gr_json *j, const gr_job *at) {
    const ig_tree *target = gr_schema_resolve(j, at, at->schema), *ref = ig_tree_get(at->schema, "$ref");
    return target ? gr_call(&j->b, gr_schema_rule(j, target, at->root, ref->text, NULL)) : (gr_frag){0, 0};
}

/* ---- types ---- */

static unsigned type_named(const ig_tree *t) {
    static const char *const names[] = {"null", "boolean", "integer", "number", "string", "array", "object"};
    for (unsigned i = 0; i < 7 && t->type == IG_TREE_TEXT; i++)
        if (strcmp(t->text, names[i]) == 0) return 1u << i;
    return 0;
}

/* Without "type": those that its keywords speak of; 0: any. */
static unsigned types_of(gr_json *j, const gr_job *at, unsigned groups) {
    const ig_tree *t = ig_tree_get(at->schema, "type");
    unsigned types = 0;
    if (!t)
        return (groups & GR_KEY_OBJECT ? TYPE_OBJECT : 0) | (groups & GR_KEY_ARRAY ? TYPE_ARRAY : 0)
               | (groups & GR_KEY_TEXT ? TYPE_STRING : 0)
               | (groups & GR_KEY_NUMBER ? TYPE_NUMBER : 0);
    for (const ig_tree *each = t->type == IG_TREE_LIST ? t->child : t; each; each = each == t ? NULL : each->next) {
        unsigned type = type_named(each);
        if (!type) break;
        types |= type;
        if (each == t || !each->next) return types;
    }
    gr_schema_wrong(j, at, t, "must be null, boolean, integer, number, string, array or object, or a list of these");
    return 0;
}

static gr_frag boolean(gr_builder *b) {
    gr_frag f = gr_open(b);
    gr_branch(b, f, gr_literal(b, "true", 4));
    gr_branch(b, f, gr_literal(b, "false", 5));
    return f;
}

static gr_frag by_types(gr_json *j, const gr_job *at, unsigned groups) {
    gr_builder *b = &j->b;
    gr_frag f = gr_open(b);
    unsigned types = types_of(j, at, groups);
    if (b->status != IG_OK) return f;
    if (types == 0) gr_branch(b, f, gr_call(b, j->any));
    if (types & TYPE_OBJECT) gr_branch(b, f, gr_schema_object(j, at));
    if (types & TYPE_ARRAY) gr_branch(b, f, gr_schema_array(j, at));
    if (types & TYPE_STRING) gr_branch(b, f, gr_schema_text(j, at));
    if (types & TYPE_NUMBER) gr_branch(b, f, gr_schema_number(j, at));
    else if (types & TYPE_INTEGER) gr_branch(b, f, gr_schema_integer(j, at));
    if (types & TYPE_BOOLEAN) gr_branch(b, f, boolean(b));
    if (types & TYPE_NULL) gr_branch(b, f, gr_literal(b, "null", 4));
    return f;
}

/* ---- const, enum, anyOf ---- */

static bool value_has_type(const ig_tree *v, unsigned types) {
    switch (v->type) {
    case IG_TREE_NULL: return types & TYPE_NULL;
    case IG_TREE_BOOL: return types & TYPE_BOOLEAN;
    case IG_TREE_INT: return types & (TYPE_INTEGER | TYPE_NUMBER);
    case IG_TREE_REAL: return types & (v->real == floor(v->real) ? TYPE_INTEGER | TYPE_NUMBER : TYPE_NUMBER);
    case IG_TREE_TEXT: return types & TYPE_STRING;
    case IG_TREE_LIST: return types & TYPE_ARRAY;
    case IG_TREE_MAP: return types & TYPE_OBJECT;
    }
    return false;
}

static gr_frag values(gr_json *j, const gr_job *at) {
    const ig_tree *one = ig_tree_get(at->schema, "const"), *list = ig_tree_get(at->schema, "enum");
    unsigned types = ig_tree_get(at->schema, "type") ? types_of(j, at, 0) : ~0u;
    gr_frag f = gr_open(&j->b);
    size_t count = 0;
    if (one && list) gr_schema_refuse(j, at, list, "beside \"const\" is not supported");
    else if (list && list->type != IG_TREE_LIST) gr_schema_wrong(j, at, list, "must be a list of values");
    for (const ig_tree *v = one ? one : list->child; v && j->b.status == IG_OK; v = one ? NULL : v->next) {
        if (!value_has_type(v, types)) continue;
        gr_branch(&j->b, f, gr_json_value(j, v));
        count++;
    }
    if (count == 0) gr_schema_wrong(j, at, one ? one : list, "has no value of the type that is asked for");
    return f;
}

static gr_frag any_of(gr_json *j, const gr_job *at) {
    const ig_tree *any = ig_tree_get(at->schema, "anyOf"), *one = ig_tree_get(at->schema, "oneOf"), *list = any ? any : one;
    gr_frag f = gr_open(&j->b);
    char path[GR_PATH_MAX], step[24];
    size_t index = 0;
    if (any && one) gr_schema_refuse(j, at, one, "beside \"anyOf\" is not supported");
    else if (list->type != IG_TREE_LIST || !list->child) gr_schema_wrong(j, at, list, "must be a list of schemas, not empty");
    write_path(path, at->path, list->key);
    for (const ig_tree *s = list->child; s && j->b.status == IG_OK; s = s->next) {
        snprintf(step, sizeof step, "%zu", index++);
        gr_branch(&j->b, f, gr_call(&j->b, gr_schema_rule(j, s, at->root, path, step)));
    }
    return f;
}

/* allOf of one schema is that schema; of several, they must be objects. */
static gr_frag all_of(gr_json *j, const gr_job *at, unsigned groups) {
    const ig_tree *list = ig_tree_get(at->schema, "allOf");
    if (list->type != IG_TREE_LIST || !list->child) gr_schema_wrong(j, at, list, "must be a list of schemas, not empty");
    else if (list->count == 1 && !(groups & (GR_KEY_TYPE | GR_KEY_OBJECT)))
        return gr_call(&j->b, gr_schema_rule(j, list->child, at->root, at->path, "allOf/0"));
    else return gr_schema_object(j, at);
    return (gr_frag){0, 0};
}

/* ---- one schema ---- */

static const ig_tree *first_of_group(const ig_tree *schema, unsigned groups) {
    const ig_tree *k = schema->child;
    while (!(group_of(k->key) & groups)) k = k->next;
    return k;
}

/* Keywords that stand for a whole schema leave others nothing to say. */
static ig_status check_neighbours(gr_json *j, const gr_job *at, unsigned groups) {
    unsigned whole = groups & (GR_KEY_REF | GR_KEY_VALUE | GR_KEY_ANY | GR_KEY_ALL);
    unsigned conditions = groups & (GR_KEY_TYPE | GR_KEY_OBJECT | GR_KEY_ARRAY | GR_KEY_TEXT | GR_KEY_NUMBER);
    unsigned allowed = whole == GR_KEY_VALUE ? GR_KEY_TYPE : whole == GR_KEY_ALL ? GR_KEY_TYPE | GR_KEY_OBJECT : 0;
    if (!whole) return IG_OK;
    if (whole & (whole - 1))
        return gr_schema_refuse(j, at, first_of_group(at->schema, whole),
                                "beside another of $ref, const, enum, anyOf, oneOf and allOf is not supported");
    if (conditions & ~allowed)
        return gr_schema_refuse(j, at, first_of_group(at->schema, conditions & ~allowed),
                                "beside $ref, const, enum, anyOf, oneOf or allOf is not supported");
    return IG_OK;
}

static gr_frag body(gr_json *j, const gr_job *at) {
    gr_frag f = {0, 0};
    unsigned groups;
    const ig_tree *s = at->schema;
    if (s->type == IG_TREE_BOOL && s->boolean) return gr_call(&j->b, j->any);
    if (s->type == IG_TREE_BOOL) gr_schema_wrong(j, at, s, "allows nothing: the schema is false");
    else if (s->type != IG_TREE_MAP) gr_schema_wrong(j, at, s, "must be a schema: a map of keywords");
    if (j->b.status != IG_OK || gr_schema_keys(j, at, s, &groups) != IG_OK || check_neighbours(j, at, groups) != IG_OK)
        return f;
    if (groups & GR_KEY_REF) f = reference(j, at);
    else if (groups & GR_KEY_VALUE) f = values(j, at);
    else if (groups & GR_KEY_ANY) f = any_of(j, at);
    else if (groups & GR_KEY_ALL) f = all_of(j, at, groups);
    else f = by_types(j, at, groups);
    return f;
}

static ig_status define(gr_json *j, const gr_job *at) {
    gr_frag f = gr_open(&j->b);
    gr_branch(&j->b, f, body(j, at));
    if (ig_tree_bool(at->schema, "nullable", false)) gr_branch(&j->b, f, gr_literal(&j->b, "null", 4));
    gr_rule_define(&j->b, at->rule, f);
    return j->b.status;
}

ig_status gr_schema_run(gr_json *j) {
    while (j->done < j->jobs && j->b.status == IG_OK) {
        gr_job at = j->job[j->done++]; /* a copy: the list grows */
        IG_TRY(define(j, &at));
    }
    return j->b.status;
}

/* ---- a whole schema ---- */

static ig_status build(const char *name, const ig_tree *schema, const ig_grammar_json_opts *opts, ig_grammar **out,
                       ig_error *err) {
    gr_json j;
    gr_json_init(&j, name, opts, err);
    gr_json_basics(&j);
    uint32_t root = gr_schema_rule(&j, schema, schema, "#", NULL);
    ig_status s = gr_schema_run(&j);
    if (s == IG_OK) s = gr_freeze(&j.b, root, GR_JSON_DEPTH_MAX, true, out);
    gr_json_fini(&j);
    return s;
}

ig_status ig_grammar_from_schema(const char *name, const char *json, size_t len, const ig_grammar_json_opts *opts,
                                 ig_grammar **out, ig_error *err) {
    ig_doc *doc = NULL;
    *out = NULL;
    if (len > IG_GRAMMAR_BYTES_MAX)
        return ig_error_at(err, IG_E_LIMIT, name, 0, "a schema of more than %u bytes", IG_GRAMMAR_BYTES_MAX);
    IG_TRY(ig_json_parse(name, json, len, &doc, err));
    ig_status s = build(name, ig_doc_root(doc), opts, out, err);
    ig_doc_free(doc);
    return s;
}
