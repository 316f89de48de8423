/* base/tree.c: documents: the arena that owns a tree, the builder that both readers drive (tree.h), and the questions asked
 * of a finished tree.
 */
#include "base/tree.h"

#include <stdlib.h>
#include <string.h>

#define ARENA_FIRST_BYTES ((size_t)2 << 10) /* small documents stay small … */
#define ARENA_BLOCK_BYTES ((size_t)4 << 20) /* … and large ones get blocks of huge pages */
#define SCAN_CHILDREN_MAX 16 /* up to here a repeated key is looked for one by one, without a table */

typedef struct arena_block {
    struct arena_block *next;
    size_t used, size, bytes_total; /* size: of bytes[]; bytes_total: with this head */
    unsigned char bytes[];
} arena_block;

struct ig_doc {
    ig_tree *root;
    char *name;
    arena_block *blocks; /* newest first */
    size_t nodes;
};

/* ---- the arena ---- */

static arena_block *arena_grow(ig_doc *d, size_t size) {
    size_t total, bytes = d->blocks ? d->blocks->bytes_total * 4 : ARENA_FIRST_BYTES;
    if (bytes > ARENA_BLOCK_BYTES) bytes = ARENA_BLOCK_BYTES;
    if (!ig_add_size(size, sizeof(arena_block), &total)) return NULL;
    if (bytes < total) bytes = total;
    arena_block *block = ig_malloc_aligned(bytes);
    if (!block) return NULL;
    *block = (arena_block){.next = d->blocks, .size = bytes - sizeof *block, .bytes_total = bytes};
    d->blocks = block;
    return block;
}

void *ig_doc_alloc(ig_doc *d, size_t size) {
    size_t rounded;
    if (!ig_add_size(size, 7, &rounded)) return NULL;
    rounded &= ~(size_t)7;
    arena_block *block = d->blocks;
    if (!block || block->size - block->used < rounded) block = arena_grow(d, rounded);
    if (!block) return NULL;
    void *p = block->bytes + block->used;
    block->used += rounded;
    return memset(p, 0, rounded);
}

ig_status ig_doc_new(const char *name, ig_doc **out, ig_error *err) {
    *out = NULL;
    ig_doc *d = ig_calloc(1, sizeof *d);
    if (!d) return ig_error_nomem(err, sizeof *d);
    d->name = ig_strdup(name ? name : "");
    if (!d->name) {
        ig_free(d);
        return ig_error_nomem(err, 0);
    }
    *out = d;
    return IG_OK;
}

void ig_doc_free(ig_doc *d) {
    if (!d) return;
    while (d->blocks) {
        arena_block *next = d->blocks->next;
        ig_free_aligned(d->blocks, d->blocks->bytes_total);
        d->blocks = next;
    }
    ig_free(d->name);
    ig_free(d);
}

ig_tree *ig_doc_root(const ig_doc *d) {
    return d->root;
}

const char *ig_doc_name(const ig_doc *d) {
    return d->name;
}

void ig_doc_set_root(ig_doc *d, ig_tree *root) {
    d->root = root;
}

/* ---- the builder ---- */

void ig_builder_init(ig_tree_builder *b, ig_doc *doc, const char *name, bool lines) {
    memset(b, 0, sizeof *b);
    b->doc = doc;
    b->name = name;
    b->lines = lines;
    /* Address and time: nobody outside can prepare keys that all fall into one slot. */
    b->salt = (uint64_t)(uintptr_t)doc ^ (uint64_t)(ig_clock() * 1e9);
}

void ig_builder_fini(ig_tree_builder *b) {
    while (b->depth > 0) ig_builder_close(b);
}

ig_status ig_builder_fail(const ig_tree_builder *b, ig_error *err, ig_status code, int line, const char *fmt, ...) {
    char message[sizeof err->message];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    return ig_error_at(err, code, b->name, b->lines ? line : 0, "%s", message);
}

static uint64_t hash_key(const ig_tree_builder *b, const char *key) {
    return ig_hash64(key, strlen(key), b->salt);
}

/* The slot of the key, or the free one where it belongs. */
static ig_tree_slot *probe(const ig_tree_frame *f, const char *key, uint64_t hash) {
    size_t mask = f->seen_cap - 1, i = (size_t)hash & mask;
    while (f->seen[i].node && (f->seen[i].hash != hash || strcmp(f->seen[i].node->key, key) != 0)) i = (i + 1) & mask;
    return &f->seen[i];
}

/* Twice the table, filled anew; it is never more than half full. */
static bool grow_seen(const ig_tree_builder *b, ig_tree_frame *f) {
    ig_tree_frame grown = *f;
    grown.seen_cap = f->seen_cap ? f->seen_cap * 2 : 4 * SCAN_CHILDREN_MAX;
    grown.seen = ig_calloc(grown.seen_cap, sizeof *grown.seen);
    if (!grown.seen) return false;
    for (size_t i = 0; i < f->seen_cap; i++) {
        if (f->seen[i].node) *probe(&grown, f->seen[i].node->key, f->seen[i].hash) = f->seen[i];
    }
    for (const ig_tree *c = f->seen_cap ? NULL : f->node->child; c; c = c->next) {
        uint64_t hash = hash_key(b, c->key);
        *probe(&grown, c->key, hash) = (ig_tree_slot){hash, c};
    }
    ig_free(f->seen);
    *f = grown;
    return true;
}

static ig_status find_key(ig_tree_builder *b, const char *key, const ig_tree **found, ig_error *err) {
    ig_tree_frame *f = &b->frame[b->depth - 1];
    size_t count = f->node->count;
    if (count < SCAN_CHILDREN_MAX) {
        *found = ig_tree_get(f->node, key);
        return IG_OK;
    }
    if (2 * count >= f->seen_cap && !grow_seen(b, f)) return ig_error_nomem(err, 0);
    f->free_hash = hash_key(b, key);
    f->free_slot = probe(f, key, f->free_hash);
    *found = f->free_slot->node;
    return IG_OK;
}

ig_status ig_builder_key(ig_tree_builder *b, const char *key, size_t len, int line, ig_error *err) {
    if (memchr(key, '\0', len)) return ig_builder_fail(b, err, IG_E_FORMAT, line, "a key with a zero byte in it");
    const ig_tree *first = NULL;
    IG_TRY(find_key(b, key, &first, err));
    if (first && b->lines) {
        return ig_builder_fail(b, err, IG_E_FORMAT, line, "key \"%.80s\" stands twice in this map; it was first set in line %d",
                               key, first->line);
    }
    if (first) return ig_builder_fail(b, err, IG_E_FORMAT, line, "key \"%.80s\" stands twice in this map", key);
    b->key = key;
    b->key_line = line;
    return IG_OK;
}

static void link_child(ig_tree_builder *b, ig_tree *node) {
    if (b->depth == 0) {
        b->root = node;
        return;
    }
    ig_tree_frame *f = &b->frame[b->depth - 1];
    if (f->last) {
        f->last->next = node;
    } else {
        f->node->child = node;
    }
    f->last = node;
    f->node->count++;
    if (f->seen) *f->free_slot = (ig_tree_slot){f->free_hash, node};
}

static ig_status add_node(ig_tree_builder *b, const ig_tree *value, ig_tree **out, ig_error *err) {
    if (b->doc->nodes >= IG_TREE_NODES_MAX) {
        return ig_builder_fail(b, err, IG_E_LIMIT, value->line, "more than %u values in one document", IG_TREE_NODES_MAX);
    }
    ig_tree *node = ig_doc_alloc(b->doc, sizeof *node);
    if (!node) return ig_error_nomem(err, sizeof *node);
    *node = *value;
    node->key = b->key;
    if (node->key) node->line = b->key_line; /* the key is what a person looks for */
    if (!b->lines) node->line = 0;
    b->key = NULL;
    b->doc->nodes++;
    link_child(b, node);
    if (out) *out = node;
    return IG_OK;
}

ig_status ig_builder_scalar(ig_tree_builder *b, const ig_tree *value, ig_error *err) {
    return add_node(b, value, NULL, err);
}

ig_status ig_builder_open(ig_tree_builder *b, ig_tree_type type, int line, ig_error *err) {
    if (b->depth == IG_TREE_DEPTH_MAX) {
        return ig_builder_fail(b, err, IG_E_LIMIT, line, "nested deeper than %d levels", IG_TREE_DEPTH_MAX);
    }
    ig_tree *node = NULL;
    IG_TRY(add_node(b, &(ig_tree){.type = type, .line = line}, &node, err));
    b->frame[b->depth++] = (ig_tree_frame){.node = node};
    return IG_OK;
}

void ig_builder_close(ig_tree_builder *b) {
    ig_free(b->frame[--b->depth].seen);
}

ig_status ig_tree_check_utf8(const ig_tree_builder *b, const char *text, size_t len, ig_error *err) {
    if (ig_utf8_valid(text, len)) return IG_OK;
    int line = 1;
    size_t i = 0, step;
    uint32_t cp;
    for (; i < len && (step = ig_utf8_decode(text + i, len - i, &cp)) > 0; i += step) line += cp == '\n';
    return ig_builder_fail(b, err, IG_E_FORMAT, line, "byte 0x%02X is not UTF-8 text", (unsigned char)text[i]);
}

/* ---- questions ---- */

const ig_tree *ig_tree_get(const ig_tree *map, const char *key) {
    if (!map || map->type != IG_TREE_MAP) return NULL;
    for (const ig_tree *c = map->child; c; c = c->next) {
        if (strcmp(c->key, key) == 0) return c;
    }
    return NULL;
}

/* As ig_tree_get, with a key that is not NUL-terminated. */
static const ig_tree *get_n(const ig_tree *map, const char *key, size_t n) {
    if (!map || map->type != IG_TREE_MAP) return NULL;
    for (const ig_tree *c = map->child; c; c = c->next) {
        if (strncmp(c->key, key, n) == 0 && c->key[n] == '\0') return c;
    }
    return NULL;
}

const ig_tree *ig_tree_path(const ig_tree *root, const char *dotted) {
    const ig_tree *t = root;
    for (const char *p = dotted; t;) {
        size_t n = strcspn(p, ".");
        t = get_n(t, p, n);
        if (p[n] == '\0') break;
        p += n + 1;
    }
    return t;
}

const char *ig_tree_text(const ig_tree *map, const char *key, const char *otherwise) {
    const ig_tree *t = ig_tree_get(map, key);
    return t && t->type == IG_TREE_TEXT ? t->text : otherwise;
}

double ig_tree_real(const ig_tree *map, const char *key, double otherwise) {
    const ig_tree *t = ig_tree_get(map, key);
    return t && (t->type == IG_TREE_REAL || t->type == IG_TREE_INT) ? t->real : otherwise;
}

int64_t ig_tree_int(const ig_tree *map, const char *key, int64_t otherwise) {
    const ig_tree *t = ig_tree_get(map, key);
    return t && t->type == IG_TREE_INT ? t->integer : otherwise;
}

bool ig_tree_bool(const ig_tree *map, const char *key, bool otherwise) {
    const ig_tree *t = ig_tree_get(map, key);
    return t && t->type == IG_TREE_BOOL ? t->boolean : otherwise;
}

const char *ig_tree_type_name(ig_tree_type t) {
    static const char *const names[] = {"null", "true or false", "a whole number", "a number", "text", "a list", "a map"};
    return (unsigned)t < sizeof names / sizeof *names ? names[t] : "unknown";
}
