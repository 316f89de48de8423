/* infer/grammar/schema_number.c: numbers, and whole numbers between two bounds.
 *
 * Digits between two bounds of one length, here 274 … 431, are an automaton whose place tells whether the digits so far are
 * those of the lower bound, of the upper, of both, or of none:
 *
 *     both ─2─► low ─7─► low ─[4-9]─► end        low  ─[8-9]─► free ─[0-9]─► end
 *     both ─3─► free ─[0-9]─► …                   high ─[0-2]─► free
 *     both ─4─► high ─3─► high ─[0-1]─► end
 *
 * Bounds of different lengths are cut at the powers of ten.  Numbers with a point keep to 15 digits when they are bounded, so
 * that none of them is rounded onto a bound by a reader with doubles.
 */
#include <math.h>
#include <string.h>

#include "infer/grammar/json_form.h"

#define DIGITS_MAX 20
#define PLAIN_LIMIT 999999999          /* numbers with one bound end here … */
#define PLAIN_FRACTION 6               /* … so that six digits behind the point make fifteen */
#define WIDE_LIMIT 999999999999999

typedef struct tracks {
    uint32_t both, low, high, free;    /* nodes; 0: nobody is there */
} tracks;

static uint32_t track(gr_builder *b, uint32_t *node) {
    if (!*node) *node = gr_node(b);
    return *node;
}

static void digits(gr_builder *b, uint32_t from, uint32_t *to, int lo, int hi) {
    if (from && lo <= hi) gr_bytes(b, from, track(b, to), (uint8_t)lo, (uint8_t)hi);
}

static tracks next_digit(gr_builder *b, tracks t, char lo, char hi) {
    tracks n = {0};
    if (t.both && lo == hi) digits(b, t.both, &n.both, lo, lo);
    if (t.both && lo != hi) {
        digits(b, t.both, &n.low, lo, lo);
        digits(b, t.both, &n.high, hi, hi);
        digits(b, t.both, &n.free, lo + 1, hi - 1);
    }
    digits(b, t.low, &n.low, lo, lo);
    digits(b, t.low, &n.free, lo + 1, '9');
    digits(b, t.high, &n.high, hi, hi);
    digits(b, t.high, &n.free, '0', hi - 1);
    digits(b, t.free, &n.free, '0', '9');
    return n;
}

/* lo and hi have the same number of digits. */
static gr_frag same_length(gr_builder *b, uint64_t lo, uint64_t hi) {
    char from[DIGITS_MAX + 1], to[DIGITS_MAX + 1];
    gr_frag f = gr_open(b);
    tracks t = {.both = f.start};
    int n = snprintf(from, sizeof from, "%llu", (unsigned long long)lo);
    snprintf(to, sizeof to, "%llu", (unsigned long long)hi);
    for (int i = 0; i < n && b->status == IG_OK; i++) t = next_digit(b, t, from[i], to[i]);
    const uint32_t ends[] = {t.both, t.low, t.high, t.free};
    for (int i = 0; i < 4; i++)
        if (ends[i]) gr_link(b, ends[i], f.end);
    return f;
}

/* Whole numbers lo … hi without sign; lo <= hi. */
static gr_frag natural(gr_builder *b, uint64_t lo, uint64_t hi) {
    gr_frag f = gr_open(b);
    for (uint64_t first = 0, last = 9; lo <= hi; first = last + 1, last = last * 10 + 9) {
        if (last >= hi || last > UINT64_MAX / 10 - 1) last = hi;
        if (lo > last) continue;
        gr_branch(b, f, same_length(b, lo > first ? lo : first, last));
        if (last == hi) break;
        lo = last + 1;
    }
    return f;
}

static gr_frag negative(gr_builder *b, gr_frag f) { return gr_seq(b, gr_literal(b, "-", 1), f); }

static uint64_t magnitude(int64_t v) { return v < 0 ? 0 - (uint64_t)v : (uint64_t)v; }

gr_frag gr_integer_range(gr_json *j, int64_t min, int64_t max) {
    gr_builder *b = &j->b;
    gr_frag f = gr_open(b);
    if (max >= 0) gr_branch(b, f, natural(b, min > 0 ? (uint64_t)min : 0, (uint64_t)max));
    if (min < 0) gr_branch(b, f, negative(b, natural(b, max < 0 ? magnitude(max) : 1, magnitude(min))));
    return f;
}

static gr_frag digit(gr_builder *b) {
    gr_frag f = gr_open(b);
    gr_bytes(b, f.start, f.end, '0', '9');
    return f;
}

/* -? whole (. digits)? (e sign? digits)?, never too large for a double. */
gr_frag gr_number_basic(gr_json *j) {
    gr_builder *b = &j->b;
    gr_frag sign = gr_repeat(b, gr_literal(b, "-", 1), 0, 1), whole = natural(b, 0, WIDE_LIMIT);
    gr_frag letter = gr_open(b), signs = gr_open(b);
    gr_frag point = gr_repeat(b, gr_seq(b, gr_literal(b, ".", 1), gr_repeat(b, digit(b), 1, 16)), 0, 1);
    gr_bytes(b, letter.start, letter.end, 'e', 'e');
    gr_bytes(b, letter.start, letter.end, 'E', 'E');
    gr_bytes(b, signs.start, signs.end, '+', '+');
    gr_bytes(b, signs.start, signs.end, '-', '-');
    gr_frag power = gr_seq(b, gr_seq(b, letter, gr_repeat(b, signs, 0, 1)), gr_repeat(b, digit(b), 1, 2));
    return gr_seq(b, gr_seq(b, gr_seq(b, sign, whole), point), gr_repeat(b, power, 0, 1));
}

/* ---- bounds ---- */

typedef struct bounds {
    double lo, hi;           /* infinite: none */
    bool lo_open, hi_open;
} bounds;

static void take_bound(gr_json *j, const gr_job *at, const char *key, double *out) {
    const ig_tree *t = ig_tree_get(at->schema, key);
    if (!t) return;
    if (t->type != IG_TREE_INT && t->type != IG_TREE_REAL) gr_schema_wrong(j, at, t, "must be a number");
    else if (fabs(t->real) > 9e18) gr_schema_wrong(j, at, t, "is out of the range of 64 bits");
    else *out = t->real;
}

static bounds read_bounds(gr_json *j, const gr_job *at) {
    bounds r = {.lo = -INFINITY, .hi = INFINITY};
    double lo_open = -INFINITY, hi_open = INFINITY;
    take_bound(j, at, "minimum", &r.lo);
    take_bound(j, at, "maximum", &r.hi);
    take_bound(j, at, "exclusiveMinimum", &lo_open);
    take_bound(j, at, "exclusiveMaximum", &hi_open);
    if (lo_open >= r.lo && lo_open > -INFINITY) r.lo = lo_open, r.lo_open = true;
    if (hi_open <= r.hi && hi_open < INFINITY) r.hi = hi_open, r.hi_open = true;
    return r;
}

/* The exact whole number of a key: doubles keep only 53 bits. */
static int64_t whole_bound(const gr_job *at, const char *key, double v, bool up) {
    const ig_tree *t = ig_tree_get(at->schema, key);
    return t && t->type == IG_TREE_INT ? t->integer : (int64_t)(up ? ceil(v) : floor(v));
}

static int64_t least_integer(gr_json *j, const gr_job *at) {
    const ig_tree *open = ig_tree_get(at->schema, "exclusiveMinimum"), *closed = ig_tree_get(at->schema, "minimum");
    int64_t least = INT64_MIN;
    if (j->b.status != IG_OK) return least;
    if (closed) least = whole_bound(at, "minimum", closed->real, true);
    if (!open) return least;
    int64_t above = open->type == IG_TREE_INT ? open->integer + 1 : (int64_t)floor(open->real) + 1;
    return above > least ? above : least;
}

static int64_t largest_integer(gr_json *j, const gr_job *at) {
    const ig_tree *open = ig_tree_get(at->schema, "exclusiveMaximum"), *closed = ig_tree_get(at->schema, "maximum");
    int64_t most = INT64_MAX;
    if (j->b.status != IG_OK) return most;
    if (closed) most = whole_bound(at, "maximum", closed->real, false);
    if (!open) return most;
    int64_t below = open->type == IG_TREE_INT ? open->integer - 1 : (int64_t)ceil(open->real) - 1;
    return below < most ? below : most;
}

gr_frag gr_schema_integer(gr_json *j, const gr_job *at) {
    bounds r = read_bounds(j, at);
    if (isinf(r.lo) && isinf(r.hi)) return gr_call(&j->b, j->integer);
    int64_t min = least_integer(j, at), max = largest_integer(j, at);
    if (min > max) gr_schema_wrong(j, at, at->schema, "has no integer between its bounds");
    return j->b.status == IG_OK ? gr_integer_range(j, min, max) : (gr_frag){0, 0};
}

/* ---- numbers with a point ---- */

static gr_frag point(gr_builder *b, gr_frag f) { return gr_seq(b, gr_literal(b, ".", 1), f); }

static gr_frag zeros(gr_builder *b, uint32_t min, uint32_t max) { return gr_repeat(b, gr_literal(b, "0", 1), min, max); }

/* .0…0d…: up to `places` digits, not all of them 0. */
static gr_frag some_fraction(gr_builder *b, uint32_t places) {
    gr_frag f = gr_open(b);
    for (uint32_t n = 0; n < places; n++) {
        gr_frag first = gr_open(b);
        gr_bytes(b, first.start, first.end, '1', '9');
        gr_branch(b, f, gr_seq(b, gr_seq(b, zeros(b, n, n), first), gr_repeat(b, digit(b), 0, places - n - 1)));
    }
    return point(b, f);
}

static gr_frag any_fraction(gr_builder *b, uint32_t places) {
    if (places == 0) return gr_nothing(b);
    return gr_repeat(b, point(b, gr_repeat(b, digit(b), 1, places)), 0, 1);
}

/* Numbers without sign from lo to hi, which are whole; 0 <= lo <= hi. */
static gr_frag magnitudes(gr_builder *b, uint64_t lo, bool lo_open, uint64_t hi, bool hi_open, uint32_t places) {
    gr_frag f = gr_open(b);
    if (lo < hi && lo_open && places) gr_branch(b, f, gr_seq(b, natural(b, lo, lo), some_fraction(b, places)));
    uint64_t first = lo + (lo_open ? 1 : 0);
    if (first < hi) gr_branch(b, f, gr_seq(b, natural(b, first, hi - 1), any_fraction(b, places)));
    if (!hi_open && (lo < hi || !lo_open)) {
        gr_frag tail = places ? gr_repeat(b, point(b, zeros(b, 1, places)), 0, 1) : gr_nothing(b);
        gr_branch(b, f, gr_seq(b, natural(b, hi, hi), tail));
    }
    return f;
}

gr_frag gr_schema_number(gr_json *j, const gr_job *at) {
    gr_builder *b = &j->b;
    bounds r = read_bounds(j, at);
    gr_frag f = gr_open(b);
    if (isinf(r.lo) && isinf(r.hi)) return gr_call(b, j->number);
    bool wide = (isfinite(r.lo) && fabs(r.lo) > PLAIN_LIMIT) || (isfinite(r.hi) && fabs(r.hi) > PLAIN_LIMIT);
    double limit = wide ? (double)WIDE_LIMIT : PLAIN_LIMIT;
    if (isinf(r.lo)) r.lo = -limit;
    if (isinf(r.hi)) r.hi = limit;
    if (r.lo != floor(r.lo) || r.hi != floor(r.hi) || fabs(r.lo) > WIDE_LIMIT || fabs(r.hi) > WIDE_LIMIT)
        gr_schema_refuse(j, at, at->schema,
                         "bounds a number by what is not a whole number of at most 15 digits, which is not supported");
    else if (r.lo > r.hi || (r.lo == r.hi && (r.lo_open || r.hi_open)))
        gr_schema_wrong(j, at, at->schema, "has no number between its bounds");
    if (b->status != IG_OK) return f;
    uint32_t places = wide ? 0 : PLAIN_FRACTION;
    if (r.hi >= 0)
        gr_branch(b, f, magnitudes(b, r.lo > 0 ? (uint64_t)r.lo : 0, r.lo >= 0 && r.lo_open, (uint64_t)r.hi, r.hi_open,
                                   places));
    if (r.lo < 0) {
        uint64_t least = r.hi < 0 ? (uint64_t)-r.hi : 0;
        gr_branch(b, f, negative(b, magnitudes(b, least, r.hi >= 0 || r.hi_open, (uint64_t)-r.lo, r.lo_open, places)));
    }
    return f;
}
