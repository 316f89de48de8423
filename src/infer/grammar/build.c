/* infer/grammar/build.c: rules from fragments (Thompson 1968, with calls).
 *
 *     sequence     a.start ─…─ a.end ──► b.start ─…─ b.end
 *     alternative  start ──► each start … each end ──► end
 *     {m,n}        the fragment becomes a rule of its own, and n calls stand in a row, so that n copies cost n edges
 */
#include <stdarg.h>
#include <string.h>

#include "infer/grammar/grammar.h"

void gr_builder_init(gr_builder *b, const char *file, ig_error *err) {
    *b = (gr_builder){.nodes = 1, .err = err, .file = file};
}

void gr_builder_fini(gr_builder *b) {
    for (size_t i = 0; i < b->rules; i++) ig_free(b->rule[i].name);
    ig_free(b->rule);
    ig_free(b->edge);
}

ig_status gr_fail(gr_builder *b, ig_status code, int line, const char *fmt, ...) {
    char text[600];
    va_list args;
    if (b->status != IG_OK) return b->status;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return b->status = ig_error_at(b->err, code, b->file, line, "%s", text);
}

uint32_t gr_node(gr_builder *b) {
    if (b->status != IG_OK) return 0;
    if (b->nodes < IG_GRAMMAR_NODES_MAX) return b->nodes++;
    gr_fail(b, IG_E_LIMIT, 0, "the grammar has more than %u places: use smaller repetitions", IG_GRAMMAR_NODES_MAX);
    return 0;
}

static void add_edge(gr_builder *b, gr_edge e) {
    if (b->status != IG_OK) return;
    if (b->edges == b->edges_cap) {
        size_t cap = b->edges_cap ? 2 * b->edges_cap : 256;
        gr_edge *grown = cap <= 4 * (size_t)IG_GRAMMAR_NODES_MAX ? ig_realloc_array(b->edge, cap, sizeof *grown) : NULL;
        if (!grown) {
            b->status = cap <= 4 * (size_t)IG_GRAMMAR_NODES_MAX ? ig_error_nomem(b->err, cap * sizeof *grown)
                                                               : gr_fail(b, IG_E_LIMIT, 0, "the grammar is too large");
            return;
        }
        b->edge = grown;
        b->edges_cap = cap;
    }
    b->edge[b->edges++] = e;
}

void gr_link(gr_builder *b, uint32_t from, uint32_t to) { add_edge(b, (gr_edge){.from = from, .to = to, .kind = GR_EMPTY}); }

void gr_bytes(gr_builder *b, uint32_t from, uint32_t to, uint8_t lo, uint8_t hi) {
    add_edge(b, (gr_edge){.from = from, .to = to, .kind = GR_BYTES, .lo = lo, .hi = hi});
}

gr_frag gr_open(gr_builder *b) {
    uint32_t start = gr_node(b);
    return (gr_frag){start, gr_node(b)};
}

void gr_branch(gr_builder *b, gr_frag alternative, gr_frag f) {
    gr_link(b, alternative.start, f.start);
    gr_link(b, f.end, alternative.end);
}

gr_frag gr_nothing(gr_builder *b) {
    uint32_t n = gr_node(b);
    return (gr_frag){n, n};
}

gr_frag gr_literal(gr_builder *b, const char *bytes, size_t n) {
    gr_frag f = gr_nothing(b);
    for (size_t i = 0; i < n && b->status == IG_OK; i++) {
        uint32_t next = gr_node(b);
        gr_bytes(b, f.end, next, (uint8_t)bytes[i], (uint8_t)bytes[i]);
        f.end = next;
    }
    return f;
}

gr_frag gr_call(gr_builder *b, uint32_t rule) {
    gr_frag f = gr_open(b);
    add_edge(b, (gr_edge){.from = f.start, .to = f.end, .rule = rule, .kind = GR_CALL});
    return f;
}

gr_frag gr_seq(gr_builder *b, gr_frag first, gr_frag then) {
    gr_link(b, first.end, then.start);
    return (gr_frag){first.start, then.end};
}

static gr_frag optional(gr_builder *b, gr_frag f) {
    gr_frag alternative = gr_open(b);
    gr_branch(b, alternative, f);
    gr_link(b, alternative.start, alternative.end);
    return alternative;
}

static gr_frag once_or_more(gr_builder *b, gr_frag f) {
    gr_frag loop = gr_open(b);
    gr_branch(b, loop, f);
    gr_link(b, f.end, loop.start);
    return loop;
}

/* Between m and n calls in a row, from each of which after the m-th the end can be reached. */
static gr_frag repeat_calls(gr_builder *b, uint32_t rule, uint32_t min, uint32_t max) {
    gr_frag row = gr_nothing(b);
    uint32_t out = gr_node(b), last = max == GR_UNBOUNDED ? min : max;
    for (uint32_t i = 0; i < last && b->status == IG_OK; i++) {
        if (i >= min) gr_link(b, row.end, out);
        row = gr_seq(b, row, gr_call(b, rule));
    }
    if (max == GR_UNBOUNDED) row = gr_seq(b, row, gr_repeat(b, gr_call(b, rule), 0, max));
    gr_link(b, row.end, out);
    return (gr_frag){row.start, out};
}

gr_frag gr_repeat(gr_builder *b, gr_frag f, uint32_t min, uint32_t max) {
    if (max == 0) return gr_nothing(b);
    if (min == 1 && max == 1) return f;
    if (min == 0 && max == 1) return optional(b, f);
    if (min == 0 && max == GR_UNBOUNDED) return optional(b, once_or_more(b, f));
    if (min == 1 && max == GR_UNBOUNDED) return once_or_more(b, f);
    if (min > IG_GRAMMAR_REPEAT_MAX || (max != GR_UNBOUNDED && max > IG_GRAMMAR_REPEAT_MAX)) {
        gr_fail(b, IG_E_LIMIT, 0, "a repetition of more than %d times", IG_GRAMMAR_REPEAT_MAX);
        return f;
    }
    uint32_t rule = gr_rule_new(b, NULL, 0, 0, 0);
    gr_rule_define(b, rule, f);
    return repeat_calls(b, rule, min, max);
}

uint32_t gr_rule_new(gr_builder *b, const char *name, size_t len, int line, uint16_t nest) {
    if (b->status != IG_OK) return 0;
    if (b->rules == b->rules_cap) {
        size_t cap = b->rules_cap ? 2 * b->rules_cap : 64;
        gr_rule *grown = ig_realloc_array(b->rule, cap, sizeof *grown);
        if (!grown) {
            b->status = ig_error_nomem(b->err, cap * sizeof *grown);
            return 0;
        }
        b->rule = grown;
        b->rules_cap = cap;
    }
    char *copy = name ? ig_strndup(name, len) : NULL;
    if (name && !copy) {
        b->status = ig_error_nomem(b->err, len);
        return 0;
    }
    b->rule[b->rules] = (gr_rule){.name = copy, .line = line, .nest = nest};
    return (uint32_t)b->rules++;
}

void gr_rule_define(gr_builder *b, uint32_t rule, gr_frag f) {
    uint32_t end = gr_node(b); /* of its own, so that nothing leads out of it */
    gr_link(b, f.end, end);
    if (b->status != IG_OK) return;
    b->rule[rule].start = f.start;
    b->rule[rule].end = end;
}
