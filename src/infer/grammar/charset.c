/* infer/grammar/charset.c: sets of code points, and the byte automaton that reads their UTF-8.
 *
 * A range of code points is cut where the length of its UTF-8 changes and where the trailing bytes do not run from 80 to
 * BF, until each part is a row of independent byte ranges:  U+0100 … U+FFFF  →  C4-DF 80-BF,  E0 A0-BF 80-BF,  …
 */
#include <stdlib.h>

#include "infer/grammar/grammar.h"

void gr_set_add(gr_builder *b, gr_set *s, uint32_t lo, uint32_t hi) {
    if (b->status != IG_OK) return;
    if (s->n == s->cap) {
        size_t cap = s->cap ? 2 * s->cap : 16;
        gr_range *grown = ig_realloc_array(s->r, cap, sizeof *grown);
        if (!grown) {
            b->status = ig_error_nomem(b->err, cap * sizeof *grown);
            return;
        }
        s->r = grown;
        s->cap = cap;
    }
    s->r[s->n++] = (gr_range){lo, hi};
}

void gr_set_fini(gr_set *s) {
    ig_free(s->r);
    *s = (gr_set){0};
}

static int by_start(const void *a, const void *b) {
    const gr_range *x = a, *y = b;
    return (x->lo > y->lo) - (x->lo < y->lo);
}

static void merge(gr_set *s) {
    size_t n = 0;
    if (s->n) qsort(s->r, s->n, sizeof *s->r, by_start);
    for (size_t i = 0; i < s->n; i++) {
        if (n && s->r[i].lo <= s->r[n - 1].hi + 1) {
            if (s->r[i].hi > s->r[n - 1].hi) s->r[n - 1].hi = s->r[i].hi;
        } else {
            s->r[n++] = s->r[i];
        }
    }
    s->n = n;
}

static void complement(gr_builder *b, gr_set *s) {
    gr_set others = {0};
    uint32_t next = 0;
    for (size_t i = 0; i < s->n; i++) {
        if (s->r[i].lo > next) gr_set_add(b, &others, next, s->r[i].lo - 1);
        next = s->r[i].hi + 1;
    }
    if (next <= GR_CODE_POINT_MAX) gr_set_add(b, &others, next, GR_CODE_POINT_MAX);
    gr_set_fini(s);
    *s = others;
}

/* UTF-8 has no surrogates: the complement of (the complement and the surrogates). */
void gr_set_settle(gr_builder *b, gr_set *s, bool negate) {
    merge(s);
    if (!negate) complement(b, s);
    gr_set_add(b, s, 0xD800, 0xDFFF);
    merge(s);
    complement(b, s);
}

bool gr_set_has(const gr_set *s, uint32_t cp) {
    size_t lo = 0, hi = s->n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (s->r[mid].hi < cp) lo = mid + 1;
        else hi = mid;
    }
    return lo < s->n && s->r[lo].lo <= cp;
}

/* One row of byte ranges. */
static void add_row(gr_builder *b, gr_frag f, uint32_t lo, uint32_t hi) {
    char from[4], to[4];
    size_t n = ig_utf8_encode(lo, from);
    uint32_t at = f.start;
    ig_utf8_encode(hi, to);
    for (size_t i = 0; i < n; i++) {
        uint32_t next = i + 1 == n ? f.end : gr_node(b);
        gr_bytes(b, at, next, (uint8_t)from[i], (uint8_t)to[i]);
        at = next;
    }
}

/* Where lo … hi must be cut: the last code point of the first part; hi when it need not. */
static uint32_t first_part(uint32_t lo, uint32_t hi) {
    static const uint32_t last_of_length[] = {0x7F, 0x7FF, 0xFFFF};
    for (int i = 0; i < 3; i++)
        if (lo <= last_of_length[i] && hi > last_of_length[i]) hi = last_of_length[i];
    if (hi <= 0x7F) return hi;
    for (int i = 1; i <= 3; i++) {
        uint32_t low_bits = (1u << 6 * i) - 1;
        if ((lo & ~low_bits) == (hi & ~low_bits)) continue;
        if (lo & low_bits) return lo | low_bits;
        if ((hi & low_bits) != low_bits) hi = (hi & ~low_bits) - 1;
    }
    return hi;
}

gr_frag gr_set_frag(gr_builder *b, const gr_set *s) {
    gr_frag f = gr_open(b);
    for (size_t i = 0; i < s->n && b->status == IG_OK; i++) {
        for (uint32_t lo = s->r[i].lo, last; lo <= s->r[i].hi; lo = last + 1) {
            last = first_part(lo, s->r[i].hi);
            add_row(b, f, lo, last);
        }
    }
    return f;
}
