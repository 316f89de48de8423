/* infer/grammar/schema_ref.c: $ref: JSON pointers (RFC 6901) within a schema.
 *
 *     #/$defs/a~1b/anyOf/0      a name of a map, or the number of an item; ~0 is ~, ~1 is /
 *
 * The children of a list or map are put into a table when the first pointer passes through it, so that many references into a
 * large map of definitions are not the square of it.
 */
#include <string.h>

#include "infer/grammar/json_form.h"

struct gr_child {
    const ig_tree *parent, *child;
    uint32_t index; /* in a list */
};

static uint64_t hash_of(const ig_tree *parent, const char *key) {
    return ig_hash64(key, strlen(key), (uint64_t)(uintptr_t)parent);
}

static const char *key_of(const gr_child *c, char number[24]) {
    if (c->child->key) return c->child->key;
    snprintf(number, 24, "%u", c->index);
    return number;
}

/* The slot of a child, or the free one where it belongs. */
static gr_child *slot_of(gr_child *table, size_t size, const ig_tree *parent, const char *key) {
    char number[24];
    size_t at = hash_of(parent, key) & (size - 1);
    while (table[at].parent && (table[at].parent != parent || strcmp(key_of(&table[at], number), key))) at = (at + 1) & (size - 1);
    return &table[at];
}

static ig_status make_room(gr_json *j, size_t more) {
    size_t size = j->children_size ? j->children_size : 64;
    char number[24];
    while (size < 2 * (j->children + more)) size *= 2;
    if (size == j->children_size) return IG_OK;
    gr_child *table = ig_calloc(size, sizeof *table);
    if (!table) return j->b.status = ig_error_nomem(j->b.err, size * sizeof *table);
    for (size_t i = 0; i < j->children_size; i++)
        if (j->child[i].parent) *slot_of(table, size, j->child[i].parent, key_of(&j->child[i], number)) = j->child[i];
    ig_free(j->child);
    j->child = table;
    j->children_size = size;
    return IG_OK;
}

static ig_status add_children(gr_json *j, const ig_tree *parent) {
    char number[24];
    uint32_t index = 0;
    IG_TRY(make_room(j, parent->count));
    for (const ig_tree *c = parent->child; c; c = c->next, index++) {
        gr_child entry = {parent, c, index};
        *slot_of(j->child, j->children_size, parent, key_of(&entry, number)) = entry;
    }
    j->children += parent->count;
    return IG_OK;
}

static const ig_tree *find_child(gr_json *j, const ig_tree *parent, const char *key) {
    char number[24];
    if (!parent->child) return NULL;
    const gr_child first = {parent, parent->child, 0};
    bool known = j->children_size && slot_of(j->child, j->children_size, parent, key_of(&first, number))->parent;
    if (!known && add_children(j, parent) != IG_OK) return NULL;
    return slot_of(j->child, j->children_size, parent, key)->child;
}

/* One step of a pointer, in place: up to the next '/', with ~0 and ~1 read.  Returns what follows. */
static char *read_step(char *step) {
    char *out = step, *p = step;
    for (; *p && *p != '/'; p++) {
        if (*p == '~' && (p[1] == '0' || p[1] == '1')) *out++ = *++p == '1' ? '/' : '~';
        else *out++ = *p;
    }
    char *rest = *p ? p + 1 : NULL;
    *out = '\0';
    return rest;
}

/* NULL when there is no such place, or no memory. */
static const ig_tree *follow_pointer(gr_json *j, const ig_tree *root, const char *pointer) {
    if (strcmp(pointer, "#") == 0) return root;
    if (strncmp(pointer, "#/", 2)) return NULL;
    char *copy = ig_strdup(pointer + 2);
    if (!copy) j->b.status = ig_error_nomem(j->b.err, strlen(pointer));
    const ig_tree *t = copy ? root : NULL;
    for (char *step = copy, *rest; t && step; step = rest) {
        rest = read_step(step);
        t = find_child(j, t, step);
    }
    ig_free(copy);
    return t;
}

const ig_tree *gr_schema_resolve(gr_json *j, const gr_job *at, const ig_tree *schema) {
    const ig_tree *ref = ig_tree_get(schema, "$ref");
    unsigned groups;
    if (gr_schema_keys(j, at, schema, &groups) != IG_OK) return NULL;
    if (groups & ~(unsigned)(GR_KEY_REF | GR_KEY_NOTE))
        gr_schema_refuse(j, at, ref, "beside other conditions is not supported");
    else if (ref->type != IG_TREE_TEXT || strlen(ref->text) != ref->text_len) gr_schema_wrong(j, at, ref, "must be text");
    if (j->b.status != IG_OK) return NULL;
    const ig_tree *target = follow_pointer(j, at->root, ref->text);
    if (!target)
        gr_fail(&j->b, *ref->text == '#' ? IG_E_FORMAT : IG_E_UNSUPPORTED, ref->line,
                "%s: there is no \"%.150s\": \"$ref\" must lead to a place within this schema, such as #/$defs/name",
                at->path, ref->text);
    return target;
}
