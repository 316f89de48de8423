/* infer/grammar/heights.c: how much depth the rest of a rule needs at least, for every place.
 *
 *     height(end) = 0
 *     height(v)   = the least over v's edges of   height(to)                                     bytes, nothing
 *                                                 max(nest + height(start of rule), height(to))  a call
 *
 * All are found in the order of their size (Knuth 1977, "A generalization of Dijkstra's algorithm"), here level by level.  The
 * matcher enters a place only if its height fits into the depth that is left; that is why it never runs into a dead end.
 * With bytes left out the same tells which rules may be empty.
 */
#include "infer/grammar/grammar.h"

#define NONE UINT32_MAX

typedef struct levels {
    const ig_grammar *g;
    bool without_bytes;
    uint16_t *height;
    uint32_t *before, *from;       /* [nodes + 1] rows of `into`: arcs that need a node; [arcs] where an arc starts */
    uint32_t *into;
    uint32_t *waiting, *node_of, *next; /* [depth_max + 1] heads of lists; their entries, at most one per row of `into` */
    uint32_t entries;
} levels;

static void wait_at(levels *l, uint16_t level, uint32_t node) {
    l->node_of[l->entries] = node;
    l->next[l->entries] = l->waiting[level];
    l->waiting[level] = l->entries++;
}

/* Called when a place that the arc needs has got its height; the last of them decides. */
static void consider(levels *l, uint32_t arc) {
    const gr_arc *a = &l->g->arc[arc];
    if (l->height[l->from[arc]] != GR_NEVER || l->height[a->to] == GR_NEVER) return;
    uint32_t level = l->height[a->to];
    if (a->kind == GR_CALL) {
        if (l->height[a->start] == GR_NEVER) return;
        uint32_t inside = l->height[a->start] + (l->without_bytes ? 0u : a->nest);
        if (inside > level) level = inside;
    }
    if (level <= l->g->depth_max) wait_at(l, (uint16_t)level, l->from[arc]);
}

static bool ignored(const levels *l, const gr_arc *a) { return l->without_bytes && a->kind == GR_BYTES; }

static void index_arcs(levels *l) {
    const ig_grammar *g = l->g;
    uint32_t n = g->nodes;
    for (uint32_t v = 0; v < n; v++)
        for (uint32_t k = g->first[v]; k < g->first[v + 1]; k++) {
            l->from[k] = v;
            l->before[g->arc[k].to]++;
            if (g->arc[k].kind == GR_CALL) l->before[g->arc[k].start]++;
        }
    for (uint32_t v = 0, sum = 0; v <= n; v++) sum += l->before[v], l->before[v] = sum;
    for (uint32_t k = 0; k < g->first[n]; k++) {
        l->into[--l->before[g->arc[k].to]] = k;
        if (g->arc[k].kind == GR_CALL) l->into[--l->before[g->arc[k].start]] = k;
    }
}

static void settle(levels *l, uint32_t v, uint16_t level) {
    if (l->height[v] != GR_NEVER) return;
    l->height[v] = level;
    for (uint32_t i = l->before[v]; i < l->before[v + 1]; i++)
        if (!ignored(l, &l->g->arc[l->into[i]])) consider(l, l->into[i]);
}

static void run(levels *l) {
    for (uint32_t v = 0; v < l->g->nodes; v++) {
        l->height[v] = GR_NEVER;
        if (l->g->end[v]) wait_at(l, 0, v);
    }
    for (uint32_t level = 0; level <= l->g->depth_max; level++)
        while (l->waiting[level] != NONE) {
            uint32_t entry = l->waiting[level];
            l->waiting[level] = l->next[entry];
            settle(l, l->node_of[entry], (uint16_t)level);
        }
}

ig_status gr_heights(const ig_grammar *g, bool without_bytes, uint16_t *height, ig_error *err) {
    size_t n = g->nodes, arcs = g->first[n], rows = 2 * arcs, heads = (size_t)g->depth_max + 1, lists = rows + n;
    uint32_t *memory = ig_calloc(n + 1 + arcs + rows + heads + 2 * lists, sizeof *memory);
    if (!memory) return ig_error_nomem(err, (n + 1 + arcs + rows + heads + 2 * lists) * sizeof *memory);
    levels l = {.g = g, .without_bytes = without_bytes, .height = height, .before = memory, .from = memory + n + 1};
    l.into = l.from + arcs;
    l.waiting = l.into + rows;
    l.node_of = l.waiting + heads;
    l.next = l.node_of + lists;
    for (size_t i = 0; i < heads; i++) l.waiting[i] = NONE;
    index_arcs(&l);
    run(&l);
    ig_free(memory);
    return IG_OK;
}
