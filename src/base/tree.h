/* base/tree.h: how the JSON and the YAML reader build a document.
 *
 * Both are event machines without recursion; the builder keeps the stack, links siblings in constant time, and refuses what
 * either language must not bring in: too deep, too many nodes, a key twice.
 *
 *     builder.frame[0 … depth-1]   the open lists and maps, outermost first
 *     builder.key                  text of a key whose value has not come yet
 *
 * Every byte of a document (nodes, keys, text) lies in its arena and goes with it; a failed parse frees the document.
 */
#ifndef BASE_TREE_H
#define BASE_TREE_H

#include "ingot/base.h"
#include "ingot/limits.h"

ig_status ig_doc_new(const char *name, ig_doc **out, ig_error *err);
void ig_doc_set_root(ig_doc *d, ig_tree *root);
void *ig_doc_alloc(ig_doc *d, size_t size); /* zeroed; NULL when memory is short */

typedef struct ig_tree_slot {
    uint64_t hash; /* compared first: most keys are never touched again */
    const ig_tree *node;
} ig_tree_slot;

typedef struct ig_tree_frame {
    ig_tree *node, *last;
    ig_tree_slot *seen; /* hash table of a map's children, from some size on; NULL before */
    size_t seen_cap;
    ig_tree_slot *free_slot; /* where the child of the pending key goes */
    uint64_t free_hash;
} ig_tree_frame;

typedef struct ig_tree_builder {
    ig_doc *doc;
    const char *name; /* for errors */
    bool lines;       /* false: nodes and errors carry line 0 (a value from the command line has none) */
    uint64_t salt;
    ig_tree *root;
    const char *key;
    int key_line;
    int depth;
    ig_tree_frame frame[IG_TREE_DEPTH_MAX];
} ig_tree_builder;

void ig_builder_init(ig_tree_builder *b, ig_doc *doc, const char *name, bool lines);
void ig_builder_fini(ig_tree_builder *b);
ig_status ig_builder_fail(const ig_tree_builder *b, ig_error *err, ig_status code, int line, const char *fmt, ...)
    IG_PRINTF(5, 6);
/* In a map, before its value.  `key` must lie in the arena. */
ig_status ig_builder_key(ig_tree_builder *b, const char *key, size_t len, int line, ig_error *err);
ig_status ig_builder_scalar(ig_tree_builder *b, const ig_tree *value, ig_error *err);
ig_status ig_builder_open(ig_tree_builder *b, ig_tree_type type, int line, ig_error *err);
void ig_builder_close(ig_tree_builder *b);
static inline ig_tree *ig_builder_top(const ig_tree_builder *b) {
    return b->depth ? b->frame[b->depth - 1].node : NULL;
}

/* IG_OK, or an error with the line of the first byte that is not UTF-8. */
ig_status ig_tree_check_utf8(const ig_tree_builder *b, const char *text, size_t len, ig_error *err);
/* Parse into the builder's document; b->root is the result. */
ig_status ig_yaml_build(ig_tree_builder *b, const char *text, size_t len, ig_error *err);

#endif
