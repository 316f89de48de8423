/* infer/grammar/grammar.h: between the files of the grammars: a network of places, and the builder that makes one.
 *
 *     rule "pair" ::= "a" list? "b"
 *
 *     start ─a─► ○ ──call list──► ○ ─b─► end          edges: a range of bytes, a call of a rule, or nothing
 *                └───────────────►┘
 *
 * A grammar is a recursive transition network over bytes (Woods 1970): each rule is a small automaton whose edges read a
 * byte, do nothing, or call another rule and go on behind it.  Parsers put rules together from fragments (build.c), freeze.c
 * checks the whole and packs it, matcher.c follows it.
 */
#ifndef INGOT_GRAMMAR_INTERNAL_H
#define INGOT_GRAMMAR_INTERNAL_H

#include "ingot/grammar.h"
#include "ingot/limits.h"

#define GR_UNBOUNDED UINT32_MAX
#define GR_CODE_POINT_MAX 0x10FFFFu

typedef enum gr_kind { GR_EMPTY, GR_BYTES, GR_CALL } gr_kind;

typedef struct gr_edge {
    uint32_t from, to, rule; /* rule of GR_CALL */
    uint8_t kind, lo, hi;    /* bytes lo … hi of GR_BYTES */
} gr_edge;

typedef struct gr_rule {
    char *name;          /* NULL: a group that is repeated */
    uint32_t start, end; /* 0 until it is defined */
    int line;            /* of its first mention */
    uint16_t nest;       /* what a call adds to the depth */
} gr_rule;

/* The first error stays; later calls do nothing, and gr_freeze tells. */
typedef struct gr_builder {
    gr_edge *edge;
    size_t edges, edges_cap;
    gr_rule *rule;
    size_t rules, rules_cap;
    uint32_t nodes;
    ig_status status;
    ig_error *err;
    const char *file;
} gr_builder;

/* A piece of a rule: what leads from start to end.  Each is used once. */
typedef struct gr_frag {
    uint32_t start, end;
} gr_frag;

void gr_builder_init(gr_builder *b, const char *file, ig_error *err);
void gr_builder_fini(gr_builder *b);
ig_status gr_fail(gr_builder *b, ig_status code, int line, const char *fmt, ...) IG_PRINTF(4, 5);

uint32_t gr_node(gr_builder *b);
void gr_link(gr_builder *b, uint32_t from, uint32_t to);
void gr_bytes(gr_builder *b, uint32_t from, uint32_t to, uint8_t lo, uint8_t hi);
gr_frag gr_open(gr_builder *b); /* two ends that nothing joins yet: an alternative of nothing */
void gr_branch(gr_builder *b, gr_frag alternative, gr_frag f);
gr_frag gr_nothing(gr_builder *b); /* the empty text */
gr_frag gr_literal(gr_builder *b, const char *bytes, size_t n);
gr_frag gr_call(gr_builder *b, uint32_t rule);
gr_frag gr_seq(gr_builder *b, gr_frag first, gr_frag then);
gr_frag gr_repeat(gr_builder *b, gr_frag f, uint32_t min, uint32_t max);
/* name may be NULL; it is copied. */
uint32_t gr_rule_new(gr_builder *b, const char *name, size_t len, int line, uint16_t nest);
void gr_rule_define(gr_builder *b, uint32_t rule, gr_frag f);

/* ---- sets of characters (charset.c) ---- */

typedef struct gr_range {
    uint32_t lo, hi;
} gr_range;

typedef struct gr_set {
    gr_range *r;
    size_t n, cap;
} gr_set;

void gr_set_add(gr_builder *b, gr_set *s, uint32_t lo, uint32_t hi);
/* Sorted, merged and without surrogates; `negate`: all others instead. */
void gr_set_settle(gr_builder *b, gr_set *s, bool negate);
bool gr_set_has(const gr_set *s, uint32_t cp); /* of a settled set */
void gr_set_fini(gr_set *s);
gr_frag gr_set_frag(gr_builder *b, const gr_set *s); /* the characters as UTF-8 */

/* ---- the packed form (freeze.c) ---- */

typedef struct gr_arc {
    uint32_t to, start; /* start: of the rule called */
    uint16_t nest;
    uint8_t kind, lo, hi;
    bool tail;          /* nothing follows the call within its rule: no need to come back */
} gr_arc;

#define GR_NEVER UINT16_MAX

struct ig_grammar {
    uint32_t nodes, start;
    uint32_t *first;      /* [nodes + 1] into arc */
    gr_arc *arc;
    uint16_t *height;     /* [nodes] depth that the rest of the rule needs at least; GR_NEVER: it cannot end */
    bool *end;            /* [nodes] of its rule */
    uint16_t depth_max;
    uint16_t classes;
    uint8_t class_of[256];   /* bytes that no edge tells apart */
    uint8_t byte_of[256];    /* one of each class */
};

/* Checks what was built and packs it; `root` is where texts start.  counted: calls add what gr_rule_new was told, and are all
 * kept; else each call of a recursive rule that comes back adds one. */
ig_status gr_freeze(gr_builder *b, uint32_t root, uint16_t depth_max, bool counted, ig_grammar **out);
/* Strongly connected components of a graph in rows: component[v], numbered from the leaves (Tarjan 1972). */
ig_status gr_components(uint32_t n, const uint32_t *first, const uint32_t *to, uint32_t *component, ig_error *err);
/* height[v] of every node; without_bytes: only ways that read nothing count. */
ig_status gr_heights(const ig_grammar *g, bool without_bytes, uint16_t *height, ig_error *err);

#endif
