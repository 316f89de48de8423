/* infer/grammar/components.c: strongly connected components (Tarjan 1972), with a stack of its own: a grammar from outside must
 * not decide how deep the C stack grows.
 */
#include <string.h>

#include "infer/grammar/grammar.h"

#define UNSEEN UINT32_MAX

typedef struct search {
    const uint32_t *first, *to;
    uint32_t *component;
    uint32_t *index, *low, *at; /* [n] order of discovery; the earliest that is reached; the next edge */
    uint32_t *open, *path;      /* [n] found, in no component yet; from the root to where we are */
    uint32_t opened, depth, found, components;
} search;

static void enter(search *s, uint32_t v) {
    s->index[v] = s->low[v] = s->found++;
    s->at[v] = s->first[v];
    s->open[s->opened++] = v;
    s->path[s->depth++] = v;
}

static void close_component(search *s, uint32_t v) {
    uint32_t w;
    do {
        w = s->open[--s->opened];
        s->component[w] = s->components;
    } while (w != v);
    s->components++;
}

static void leave(search *s, uint32_t v) {
    if (s->low[v] == s->index[v]) close_component(s, v);
    s->depth--;
    if (s->depth && s->low[v] < s->low[s->path[s->depth - 1]]) s->low[s->path[s->depth - 1]] = s->low[v];
}

static void walk(search *s, uint32_t root) {
    enter(s, root);
    while (s->depth) {
        uint32_t v = s->path[s->depth - 1];
        if (s->at[v] == s->first[v + 1]) {
            leave(s, v);
            continue;
        }
        uint32_t w = s->to[s->at[v]++];
        if (s->index[w] == UNSEEN) enter(s, w);
        else if (s->component[w] == UNSEEN && s->index[w] < s->low[v]) s->low[v] = s->index[w];
    }
}

ig_status gr_components(uint32_t n, const uint32_t *first, const uint32_t *to, uint32_t *component, ig_error *err) {
    uint32_t *memory = ig_calloc(n, 5 * sizeof *memory);
    if (!memory) return ig_error_nomem(err, (size_t)n * 5 * sizeof *memory);
    search s = {.first = first, .to = to, .component = component, .index = memory, .low = memory + n,
                .at = memory + 2 * (size_t)n, .open = memory + 3 * (size_t)n, .path = memory + 4 * (size_t)n};
    for (uint32_t v = 0; v < n; v++) s.index[v] = component[v] = UNSEEN;
    for (uint32_t v = 0; v < n; v++)
        if (s.index[v] == UNSEEN) walk(&s, v);
    ig_free(memory);
    return IG_OK;
}
