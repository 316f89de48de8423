/* infer/grammar/freeze.c: from the builder to an ig_grammar: edges in rows, bytes in classes; then the checks.
 *
 *     left recursion   a call that reaches itself before anything was read: the matcher would call for ever
 *     height           what can never end, or only deeper than allowed, is never entered; a grammar of only that is refused
 */
#include <string.h>

#include "infer/grammar/grammar.h"

void ig_grammar_free(ig_grammar *g) {
    if (!g) return;
    ig_free(g->first);
    ig_free(g->arc);
    ig_free(g->height);
    ig_free(g->end);
    ig_free(g);
}

/* ---- packing ---- */

static ig_status allocate(ig_grammar *g, size_t nodes, size_t arcs, ig_error *err) {
    g->nodes = (uint32_t)nodes;
    g->first = ig_calloc(nodes + 2, sizeof *g->first);
    g->arc = ig_calloc(arcs + 1, sizeof *g->arc);
    g->height = ig_calloc(nodes, sizeof *g->height);
    g->end = ig_calloc(nodes, sizeof *g->end);
    if (g->first && g->arc && g->height && g->end) return IG_OK;
    return ig_error_nomem(err, arcs * sizeof *g->arc);
}

static void pack(const gr_builder *b, ig_grammar *g) {
    for (size_t i = 0; i < b->edges; i++) g->first[b->edge[i].from + 2]++;
    for (uint32_t v = 2; v < g->nodes + 2; v++) g->first[v] += g->first[v - 1];
    for (size_t i = 0; i < b->edges; i++) {
        const gr_edge *e = &b->edge[i];
        gr_arc *a = &g->arc[g->first[e->from + 1]++];
        *a = (gr_arc){.to = e->to, .kind = e->kind, .lo = e->lo, .hi = e->hi};
        if (e->kind == GR_CALL) a->start = b->rule[e->rule].start, a->nest = b->rule[e->rule].nest;
    }
    for (size_t i = 0; i < b->rules; i++) g->end[b->rule[i].end] = true;
}

static void classify_bytes(ig_grammar *g) {
    bool border[257] = {true};
    for (uint32_t k = 0; k < g->first[g->nodes]; k++)
        if (g->arc[k].kind == GR_BYTES) border[g->arc[k].lo] = border[g->arc[k].hi + 1] = true;
    for (int c = 0; c < 256; c++) {
        if (border[c]) g->byte_of[g->classes++] = (uint8_t)c;
        g->class_of[c] = (uint8_t)(g->classes - 1);
    }
}

/* From v nothing is done on the way to the end of the rule. */
static bool leads_to_end_only(const ig_grammar *g, uint32_t v) {
    for (int steps = 0; steps < 16; steps++) {
        if (g->end[v]) return true;
        if (g->first[v + 1] - g->first[v] != 1 || g->arc[g->first[v]].kind != GR_EMPTY) return false;
        v = g->arc[g->first[v]].to;
    }
    return false;
}

/* ---- graphs of places ---- */

typedef struct graph {
    uint32_t *first, *to, *component;
} graph;

static void graph_fini(graph *x) {
    ig_free(x->first);
    ig_free(x->to);
    ig_free(x->component);
}

/* Which arcs join places: bytes too, or only what reads nothing, where calls of rules that may be empty are passed over. */
static uint32_t targets(const gr_arc *a, const uint16_t *empty, uint32_t out[2]) {
    uint32_t n = 0;
    if (a->kind == GR_CALL) out[n++] = a->start;
    if (a->kind == GR_EMPTY || !empty || (a->kind == GR_CALL && empty[a->start] != GR_NEVER)) out[n++] = a->to;
    return n;
}

static ig_status find_components(const ig_grammar *g, const uint16_t *empty, graph *x, ig_error *err) {
    size_t arcs = g->first[g->nodes];
    uint32_t n = 0;
    x->first = ig_calloc((size_t)g->nodes + 1, sizeof *x->first);
    x->to = ig_calloc(2 * arcs + 1, sizeof *x->to);
    x->component = ig_calloc(g->nodes, sizeof *x->component);
    if (!x->first || !x->to || !x->component) return ig_error_nomem(err, 2 * arcs * sizeof *x->to);
    for (uint32_t v = 0; v < g->nodes; v++) {
        for (uint32_t k = g->first[v]; k < g->first[v + 1]; k++) n += targets(&g->arc[k], empty, x->to + n);
        x->first[v + 1] = n;
    }
    return gr_components(g->nodes, x->first, x->to, x->component, err);
}

/* ---- checks ---- */

static ig_status tell_left_recursion(gr_builder *b, const graph *x, uint32_t component) {
    for (size_t i = 0; i < b->rules; i++)
        if (b->rule[i].name && x->component[b->rule[i].start] == component)
            return gr_fail(b, IG_E_FORMAT, b->rule[i].line,
                           "left recursion: \"%.200s\" begins with itself before anything is read",
                           b->rule[i].name);
    return gr_fail(b, IG_E_FORMAT, 0, "left recursion: a group begins with itself");
}

static ig_status refuse_left_recursion(gr_builder *b, const ig_grammar *g, const uint16_t *empty) {
    graph x = {0};
    ig_status s = find_components(g, empty, &x, b->err);
    for (uint32_t v = 0; v < g->nodes && s == IG_OK; v++)
        for (uint32_t k = g->first[v]; k < g->first[v + 1] && s == IG_OK; k++)
            if (g->arc[k].kind == GR_CALL && x.component[v] == x.component[g->arc[k].start])
                s = tell_left_recursion(b, &x, x.component[v]);
    graph_fini(&x);
    return s;
}

/* Calls that come back to where they are made add one to the depth; calls at its end need no way back and add none. */
static ig_status mark_calls(gr_builder *b, ig_grammar *g, bool counted) {
    graph x = {0};
    ig_status s = counted ? IG_OK : find_components(g, NULL, &x, b->err);
    for (uint32_t v = 0; v < g->nodes && s == IG_OK; v++)
        for (uint32_t k = g->first[v]; k < g->first[v + 1]; k++) {
            gr_arc *a = &g->arc[k];
            if (a->kind != GR_CALL) continue;
            if (!counted) a->nest = x.component[v] == x.component[a->start];
            a->tail = leads_to_end_only(g, a->to) && (!counted || a->nest == 0);
            if (a->tail) a->nest = 0;
        }
    graph_fini(&x);
    return s;
}

static ig_status refuse_endless(gr_builder *b, const ig_grammar *g, uint32_t root, bool counted) {
    if (counted && g->height[g->start] == GR_NEVER)
        return gr_fail(b, IG_E_FORMAT, b->rule[root].line,
                       "nothing fits: every value would have to be nested deeper than %u levels", g->depth_max);
    for (size_t i = 0; i < b->rules && !counted; i++)
        if (b->rule[i].name && g->height[b->rule[i].start] == GR_NEVER)
            return gr_fail(b, IG_E_FORMAT, b->rule[i].line,
                           "the rule \"%.200s\" can never end: give it an alternative without itself", b->rule[i].name);
    return IG_OK;
}

static ig_status check(gr_builder *b, ig_grammar *g, uint32_t root, bool counted) {
    IG_TRY(gr_heights(g, true, g->height, b->err));
    IG_TRY(refuse_left_recursion(b, g, g->height));
    IG_TRY(mark_calls(b, g, counted));
    IG_TRY(gr_heights(g, false, g->height, b->err));
    return refuse_endless(b, g, root, counted);
}

ig_status gr_freeze(gr_builder *b, uint32_t root, uint16_t depth_max, bool counted, ig_grammar **out) {
    *out = NULL;
    if (b->status != IG_OK) return b->status;
    ig_grammar *g = ig_calloc(1, sizeof *g);
    if (!g) return ig_error_nomem(b->err, sizeof *g);
    g->depth_max = depth_max;
    ig_status s = allocate(g, b->nodes, b->edges, b->err);
    if (s == IG_OK) {
        pack(b, g);
        g->start = b->rule[root].start;
        classify_bytes(g);
        s = check(b, g, root, counted);
    }
    if (s == IG_OK) *out = g;
    else ig_grammar_free(g);
    return s;
}
