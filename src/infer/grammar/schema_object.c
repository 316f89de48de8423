/* infer/grammar/schema_object.c: objects, what allOf joins of them, and arrays.
 *
 * The keys of an object come in the order in which they are listed.  Two rows of places, before the first member and after
 * one, tell whether a comma is due; an optional member can be passed over in both:
 *
 *     none ─┬─ "a": … ─┐   none ─┬─ "b": … ─┐   none
 *           │          ▼         │          ▼
 *     some ─┴─ , "a"…─► some ────┴─ , "b"…─► some ─► }
 *
 * Names of additional members are texts that leave the trie of the listed names somewhere; what needs an escape may come only
 * after that, so that no spelling of a listed name gets through.
 */
#include <string.h>

#include "infer/grammar/json_form.h"

#define PARTS_MAX 256           /* of one object by allOf */
#define REFERENCES_MAX 64       /* from $ref to $ref */
#define MERGED_MAX 65536        /* of all objects of a schema */

typedef struct member {
    const char *key;
    const ig_tree *schema;      /* NULL: any value */
    const char *group;          /* for the path */
    bool required, dropped;
} member;

typedef enum rest { REST_CLOSED, REST_ANY, REST_SCHEMA } rest;

typedef struct object {
    const ig_tree *part[PARTS_MAX];
    size_t parts;
    member *m;
    size_t n, cap;
    uint32_t *slot;             /* members by key: index + 1 */
    size_t slots;
    rest rest;
    const ig_tree *rest_schema;
} object;

/* ---- members by key ---- */

static size_t slot_of(const object *o, const char *key) {
    size_t at = ig_hash64(key, strlen(key), 0) & (o->slots - 1);
    while (o->slot[at] && strcmp(o->m[o->slot[at] - 1].key, key)) at = (at + 1) & (o->slots - 1);
    return at;
}

static ig_status grow_members(gr_json *j, object *o) {
    size_t cap = o->cap ? 2 * o->cap : 8;
    member *m = ig_realloc_array(o->m, cap, sizeof *m);
    if (m) o->m = m;
    uint32_t *slot = m ? ig_calloc(2 * cap, sizeof *slot) : NULL;
    if (!slot) return j->b.status = ig_error_nomem(j->b.err, cap * sizeof *m);
    ig_free(o->slot);
    o->slot = slot;
    o->slots = 2 * cap;
    o->cap = cap;
    for (size_t i = 0; i < o->n; i++) slot[slot_of(o, m[i].key)] = (uint32_t)i + 1;
    return IG_OK;
}

static member *find_member(const object *o, const char *key) {
    size_t at = o->slots ? slot_of(o, key) : 0;
    return o->slots && o->slot[at] ? &o->m[o->slot[at] - 1] : NULL;
}

static ig_status add_member(gr_json *j, const gr_job *at, object *o, member m) {
    if (o->n == IG_SCHEMA_PROPERTIES_MAX)
        return gr_fail(&j->b, IG_E_LIMIT, at->schema->line, "%s: an object of more than %d properties", at->path,
                       IG_SCHEMA_PROPERTIES_MAX);
    if (o->n == o->cap) IG_TRY(grow_members(j, o));
    o->slot[slot_of(o, m.key)] = (uint32_t)o->n + 1;
    o->m[o->n++] = m;
    return IG_OK;
}

/* ---- allOf ---- */

static ig_status add_part(gr_json *j, const gr_job *at, object *o, const ig_tree *schema) {
    const ig_tree *target = schema;
    for (int n = 0; ig_tree_get(target, "$ref"); n++) {
        if (n == REFERENCES_MAX) return gr_schema_wrong(j, at, schema, "refers to itself");
        target = gr_schema_resolve(j, at, target);
        if (!target) return j->b.status;
    }
    if (target->type != IG_TREE_MAP)
        return gr_schema_refuse(j, at, schema, "joins what is not an object, which is not supported");
    if (o->parts == PARTS_MAX || ++j->merged > MERGED_MAX)
        return gr_fail(&j->b, IG_E_LIMIT, schema->line, "%s: allOf joins too many schemas", at->path);
    o->part[o->parts++] = target;
    return IG_OK;
}

static ig_status check_part(gr_json *j, const gr_job *at, const ig_tree *part) {
    unsigned groups;
    const char *type = ig_tree_text(part, "type", "object");
    IG_TRY(gr_schema_keys(j, at, part, &groups));
    bool other = groups & ~(unsigned)(GR_KEY_NOTE | GR_KEY_TYPE | GR_KEY_OBJECT | GR_KEY_ALL);
    if (part != at->schema && (other || strcmp(type, "object") || ig_tree_get(part, "nullable")))
        return gr_schema_refuse(j, at, part, "is joined by allOf, which is supported for plain objects only");
    return IG_OK;
}

/* The schema itself and all that its allOf leads to; the list is its own queue. */
static ig_status gather_parts(gr_json *j, const gr_job *at, object *o) {
    IG_TRY(add_part(j, at, o, at->schema));
    for (size_t i = 0; i < o->parts; i++) {
        const ig_tree *all = ig_tree_get(o->part[i], "allOf");
        IG_TRY(check_part(j, at, o->part[i]));
        if (all && all->type != IG_TREE_LIST) return gr_schema_wrong(j, at, all, "must be a list of schemas");
        for (const ig_tree *s = all ? all->child : NULL; s; s = s->next) IG_TRY(add_part(j, at, o, s));
    }
    return IG_OK;
}

static bool same(const ig_tree *a, const ig_tree *b) {
    if (a->type != b->type || a->count != b->count) return false;
    if (a->type == IG_TREE_TEXT) return a->text_len == b->text_len && memcmp(a->text, b->text, a->text_len) == 0;
    if (a->type != IG_TREE_LIST && a->type != IG_TREE_MAP)
        return a->boolean == b->boolean && a->real == b->real && a->integer == b->integer;
    const ig_tree *x = a->child, *y = b->child;
    for (; x && y; x = x->next, y = y->next)
        if ((x->key && strcmp(x->key, y->key)) || !same(x, y)) return false;
    return true;
}

static ig_status add_properties(gr_json *j, const gr_job *at, object *o, const ig_tree *part) {
    const ig_tree *list = ig_tree_get(part, "properties");
    if (!list) return IG_OK;
    if (list->type != IG_TREE_MAP) return gr_schema_wrong(j, at, list, "must be a map of schemas");
    for (const ig_tree *p = list->child; p; p = p->next) {
        const member *known = find_member(o, p->key);
        if (known && !same(known->schema, p))
            return gr_schema_refuse(j, at, p, "is described twice by what allOf joins, which is not supported");
        if (!known) IG_TRY(add_member(j, at, o, (member){.key = p->key, .schema = p, .group = "properties"}));
    }
    return IG_OK;
}

/* additionalProperties of all parts: one false closes the object, also for what other parts list. */
static ig_status read_rest(gr_json *j, const gr_job *at, object *o) {
    bool closed = false, open = false;
    for (size_t i = 0; i < o->parts; i++) {
        const ig_tree *t = ig_tree_get(o->part[i], "additionalProperties");
        if (!t) continue;
        if (t->type != IG_TREE_BOOL && t->type != IG_TREE_MAP)
            return gr_schema_wrong(j, at, t, "must be true, false or a schema");
        if (t->type == IG_TREE_MAP && o->parts > 1)
            return gr_schema_refuse(j, at, t, "with a schema is not supported in allOf");
        if (t->type == IG_TREE_MAP) o->rest_schema = t;
        closed |= t->type == IG_TREE_BOOL && !t->boolean;
        open |= t->type == IG_TREE_BOOL && t->boolean;
    }
    o->rest = closed ? REST_CLOSED : o->rest_schema ? REST_SCHEMA : open || o->n == 0 ? REST_ANY : REST_CLOSED;
    return IG_OK;
}

static ig_status read_required(gr_json *j, const gr_job *at, object *o, const ig_tree *part) {
    const ig_tree *list = ig_tree_get(part, "required");
    if (!list) return IG_OK;
    if (list->type != IG_TREE_LIST) return gr_schema_wrong(j, at, list, "must be a list of names");
    for (const ig_tree *r = list->child; r; r = r->next) {
        if (r->type != IG_TREE_TEXT || strlen(r->text) != r->text_len)
            return gr_schema_wrong(j, at, list, "must be a list of names");
        member *m = find_member(o, r->text);
        if (m) m->required = true;
        else if (o->rest == REST_CLOSED)
            return gr_fail(&j->b, IG_E_FORMAT, r->line,
                           "%s: \"required\" names \"%.100s\", which is not among the properties", at->path, r->text);
        else IG_TRY(add_member(j, at, o, (member){.key = r->text, .schema = o->rest_schema, .group = "additionalProperties",
                                                  .required = true}));
    }
    return IG_OK;
}

static ig_status drop_forbidden(gr_json *j, const gr_job *at, object *o, const ig_tree *part) {
    const ig_tree *closed = ig_tree_get(part, "additionalProperties"), *list = ig_tree_get(part, "properties");
    if (o->parts == 1 || !closed || closed->boolean) return IG_OK;
    size_t *own = ig_calloc(o->n + 1, sizeof *own);
    if (!own) return j->b.status = ig_error_nomem(j->b.err, o->n * sizeof *own);
    for (const ig_tree *p = list ? list->child : NULL; p; p = p->next) own[find_member(o, p->key) - o->m] = 1;
    for (size_t i = 0; i < o->n; i++) {
        if (own[i]) continue;
        o->m[i].dropped = true;
        if (o->m[i].required)
            gr_fail(&j->b, IG_E_FORMAT, closed->line,
                    "%s: \"%.100s\" is required by one part of allOf and forbidden by another", at->path, o->m[i].key);
    }
    ig_free(own);
    return j->b.status;
}

static ig_status read_object(gr_json *j, const gr_job *at, object *o) {
    IG_TRY(gather_parts(j, at, o));
    for (size_t i = 0; i < o->parts; i++) IG_TRY(add_properties(j, at, o, o->part[i]));
    IG_TRY(read_rest(j, at, o));
    for (size_t i = 0; i < o->parts; i++) IG_TRY(read_required(j, at, o, o->part[i]));
    for (size_t i = 0; i < o->parts; i++) IG_TRY(drop_forbidden(j, at, o, o->part[i]));
    return IG_OK;
}

/* ---- names that are not listed ---- */

typedef struct name_node {
    uint32_t cp, child, sibling, place; /* indices; 0: none */
    bool listed;
} name_node;

typedef struct name_trie {
    name_node *node;
    uint32_t n;
} name_trie;

static uint32_t name_child(name_trie *t, uint32_t at, uint32_t cp) {
    for (uint32_t c = t->node[at].child; c; c = t->node[c].sibling)
        if (t->node[c].cp == cp) return c;
    t->node[t->n] = (name_node){.cp = cp, .sibling = t->node[at].child};
    return t->node[at].child = t->n++;
}

static ig_status list_names(gr_json *j, const object *o, name_trie *t) {
    size_t room = 1;
    for (size_t i = 0; i < o->n; i++) room += strlen(o->m[i].key);
    t->node = ig_calloc(room, sizeof *t->node);
    if (!t->node) return j->b.status = ig_error_nomem(j->b.err, room * sizeof *t->node);
    t->n = 1;
    for (size_t i = 0; i < o->n; i++) {
        uint32_t at = 0, cp;
        const char *key = o->m[i].key;
        for (size_t len = strlen(key), step; len && (step = ig_utf8_decode(key, len, &cp)); key += step, len -= step)
            at = name_child(t, at, cp);
        t->node[at].listed = true;
    }
    return IG_OK;
}

/* At one node of the trie: on along it, away from it, or the end of a name that is not listed. */
static void leave_name(gr_json *j, name_trie *t, uint32_t at, uint32_t away, uint32_t end) {
    gr_builder *b = &j->b;
    gr_set others = {0};
    uint32_t place = t->node[at].place;
    gr_set_add(b, &others, 0, 0x1F);
    gr_set_add(b, &others, '"', '"');
    gr_set_add(b, &others, '\\', '\\');
    for (uint32_t c = t->node[at].child; c; c = t->node[c].sibling) {
        gr_set one = {0};
        gr_set_add(b, &others, t->node[c].cp, t->node[c].cp);
        gr_set_add(b, &one, t->node[c].cp, t->node[c].cp);
        gr_set_settle(b, &one, false);
        gr_frag f = gr_json_set(j, &one);
        gr_set_fini(&one);
        gr_link(b, place, f.start);
        t->node[c].place = f.end;
    }
    gr_set_settle(b, &others, true);
    gr_frag other = gr_set_frag(b, &others);
    gr_set_fini(&others);
    gr_link(b, place, other.start);
    gr_link(b, other.end, away);
    if (!t->node[at].listed) gr_bytes(b, place, end, '"', '"');
}

static gr_frag unlisted_name(gr_json *j, const object *o) {
    gr_builder *b = &j->b;
    name_trie t = {0};
    if (o->n == 0) return gr_call(b, j->text);
    gr_frag f = gr_literal(b, "\"", 1), tail = gr_repeat(b, gr_call(b, j->character), 0, GR_UNBOUNDED);
    uint32_t end = gr_node(b);
    gr_bytes(b, tail.end, end, '"', '"');
    if (b->status != IG_OK || list_names(j, o, &t) != IG_OK) return f;
    t.node[0].place = f.end;
    for (uint32_t i = 0; i < t.n && b->status == IG_OK; i++)
        leave_name(j, &t, i, tail.start, end); /* parents have smaller numbers */
    ig_free(t.node);
    return (gr_frag){f.start, end};
}

/* ---- the body of an object ---- */

typedef struct rows {
    uint32_t none, some; /* places; 0: cannot be there */
} rows;

static gr_frag value_of(gr_json *j, const gr_job *at, const ig_tree *schema, const char *group, const char *key) {
    char path[GR_PATH_MAX + 40];
    if (!schema) return gr_call(&j->b, j->any);
    snprintf(path, GR_PATH_MAX, "%.*s/%s", GR_PATH_MAX - 40, at->path, group);
    return gr_call(&j->b, gr_schema_rule(j, schema, at->root, path, key));
}

/* Lead both rows into f, with a comma where one is due. */
static void enter(gr_json *j, rows r, gr_frag f) {
    gr_builder *b = &j->b;
    if (r.none) gr_link(b, r.none, f.start);
    if (!r.some) return;
    gr_frag comma = gr_json_mark(j, ",");
    gr_link(b, r.some, comma.start);
    gr_link(b, comma.end, f.start);
}

static rows add_to_rows(gr_json *j, rows r, gr_frag f, bool required) {
    gr_builder *b = &j->b;
    rows after = {.none = required ? 0 : r.none, .some = gr_node(b)};
    enter(j, r, f);
    gr_link(b, f.end, after.some);
    if (!required && r.some) gr_link(b, r.some, after.some);
    return after;
}

static gr_frag member_frag(gr_json *j, const gr_job *at, const member *m) {
    gr_builder *b = &j->b;
    gr_frag key = gr_seq(b, gr_json_text(j, m->key, strlen(m->key)), gr_json_mark(j, ":"));
    return gr_seq(b, key, value_of(j, at, m->schema, m->group, m->key));
}

static rows add_rest(gr_json *j, const gr_job *at, const object *o, rows r) {
    gr_builder *b = &j->b;
    gr_frag f = gr_seq(b, unlisted_name(j, o), gr_json_mark(j, ":"));
    f = gr_seq(b, f, value_of(j, at, o->rest_schema, "additionalProperties", NULL));
    rows after = add_to_rows(j, r, f, false);
    enter(j, (rows){.some = after.some}, f);
    return after;
}

/* From the rows to the bracket that closes. */
static gr_frag close_rows(gr_json *j, uint32_t start, rows r, const char *bracket) {
    gr_builder *b = &j->b;
    gr_frag close = gr_literal(b, bracket, 1), space = gr_json_space(j);
    gr_link(b, space.end, close.start);
    if (r.none) gr_link(b, r.none, close.start);
    if (r.some) gr_link(b, r.some, space.start);
    return gr_json_nested(j, (gr_frag){start, close.end});
}

static gr_frag object_frag(gr_json *j, const gr_job *at, const object *o) {
    gr_frag open = gr_json_mark(j, "{");
    rows r = {.none = open.end};
    for (size_t i = 0; i < o->n && j->b.status == IG_OK; i++)
        if (!o->m[i].dropped) r = add_to_rows(j, r, member_frag(j, at, &o->m[i]), o->m[i].required);
    if (o->rest != REST_CLOSED && j->b.status == IG_OK) r = add_rest(j, at, o, r);
    return close_rows(j, open.start, r, "}");
}

gr_frag gr_schema_object(gr_json *j, const gr_job *at) {
    gr_frag f = {0, 0};
    object *o = ig_calloc(1, sizeof *o);
    if (!o) {
        j->b.status = ig_error_nomem(j->b.err, sizeof *o);
        return f;
    }
    if (read_object(j, at, o) == IG_OK) f = object_frag(j, at, o);
    ig_free(o->m);
    ig_free(o->slot);
    ig_free(o);
    return f;
}

/* ---- arrays ---- */

typedef struct array {
    const ig_tree *prefix, *items; /* items NULL: any value */
    uint32_t min, max;
} array;

static ig_status read_array(gr_json *j, const gr_job *at, array *a) {
    const ig_tree *prefix = ig_tree_get(at->schema, "prefixItems"), *items = ig_tree_get(at->schema, "items");
    size_t fixed = prefix ? prefix->count : 0;
    if (prefix && prefix->type != IG_TREE_LIST) return gr_schema_wrong(j, at, prefix, "must be a list of schemas");
    if (items && items->type != IG_TREE_BOOL && items->type != IG_TREE_MAP)
        return gr_schema_refuse(j, at, items, "must be true, false or a schema; a schema for each place is \"prefixItems\"");
    bool closed = items ? items->type == IG_TREE_BOOL && !items->boolean : prefix != NULL;
    *a = (array){.prefix = prefix ? prefix->child : NULL, .items = items && items->type == IG_TREE_MAP ? items : NULL};
    a->min = gr_schema_count(j, at, at->schema, "minItems", 0);
    a->max = gr_schema_count(j, at, at->schema, "maxItems", GR_UNBOUNDED);
    if (fixed > IG_GRAMMAR_REPEAT_MAX)
        return gr_fail(&j->b, IG_E_LIMIT, prefix->line, "%s: \"prefixItems\" is too long", at->path);
    if (closed && a->max > fixed) a->max = (uint32_t)fixed;
    if (j->b.status == IG_OK && a->min > a->max)
        return gr_schema_wrong(j, at, at->schema, "must have more items than it may have");
    return j->b.status;
}

static gr_frag item_frag(gr_json *j, const gr_job *at, const ig_tree **prefix, const array *a, uint32_t index) {
    char step[24];
    if (!*prefix) return value_of(j, at, a->items, "items", NULL);
    const ig_tree *schema = *prefix;
    *prefix = schema->next;
    snprintf(step, sizeof step, "%u", index);
    return value_of(j, at, schema, "prefixItems", step);
}

/* A row of places, one for each number of items; from those that suffice the array can end. */
gr_frag gr_schema_array(gr_json *j, const gr_job *at) {
    gr_builder *b = &j->b;
    array a = {0};
    if (read_array(j, at, &a) != IG_OK) return (gr_frag){0, 0};
    gr_frag open = gr_json_mark(j, "[");
    rows r = {.none = open.end}, out = {.none = a.min == 0 ? open.end : 0, .some = gr_node(b)};
    const ig_tree *prefix = a.prefix;
    for (uint32_t i = 0; i < a.max && (i < a.min || prefix || a.max != GR_UNBOUNDED) && b->status == IG_OK; i++) {
        r = add_to_rows(j, r, item_frag(j, at, &prefix, &a, i), true);
        if (i + 1 >= a.min) gr_link(b, r.some, out.some);
    }
    if (a.max == GR_UNBOUNDED && b->status == IG_OK) {
        gr_frag f = item_frag(j, at, &prefix, &a, 0);
        r = add_to_rows(j, r, f, true);
        enter(j, (rows){.some = r.some}, f);
        gr_link(b, r.some, out.some);
    }
    return close_rows(j, open.start, out, "]");
}
