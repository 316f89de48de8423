/* retrieval/match_terms.c: counting the grams of texts, numbering those that are kept, and texts as rows of numbers.
 *
 *     texts ─► grams ─► in how many texts? ─► the most frequent `max` ─► term, idf
 *     text  ─► grams ─► terms it knows, with word numbers (bags) ─► sorted, counted, weighed (rows)
 *
 * value = (1 + log count) · idf, then each kind of grams of the row scaled to length 1.
 */
#include "retrieval/match_terms.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the table ---- */

static size_t place(const match_terms *t, uint64_t hash) {
    size_t at = (size_t)(hash ^ (hash >> 32)) & (t->slots - 1);
    while (t->slot[at] != MATCH_NO_TERM && t->hash[t->slot[at]] != hash) at = (at + 1) & (t->slots - 1);
    return at;
}

uint32_t match_terms_find(const match_terms *t, uint64_t hash) { return t->count ? t->slot[place(t, hash)] : MATCH_NO_TERM; }

ig_status match_terms_index(match_terms *t, ig_error *err) {
    size_t slots = 16;
    while (slots < t->count * 2) slots *= 2;
    uint32_t *slot = ig_malloc(slots * sizeof *slot);
    if (!slot) return ig_error_nomem(err, slots * sizeof *slot);
    ig_free(t->slot);
    t->slot = slot, t->slots = slots;
    memset(slot, 0xFF, slots * sizeof *slot);
    for (size_t i = 0; i < t->count; i++) {
        size_t at = place(t, t->hash[i]);
        if (slot[at] != MATCH_NO_TERM) return ig_error_set(err, IG_E_FORMAT, "terms %u and %zu are the same", slot[at], i);
        slot[at] = (uint32_t)i;
    }
    return IG_OK;
}

void match_terms_fini(match_terms *t) {
    ig_free(t->hash);
    ig_free(t->idf);
    ig_free(t->kind);
    ig_free(t->slot);
    *t = (match_terms){0};
}

/* ---- counting ---- */

typedef struct counter {
    match_terms t;     /* every gram that was seen; idf unused */
    uint32_t *texts;   /* in how many texts */
    uint32_t *last;    /* the last of them + 1 */
    size_t cap;
} counter;

static ig_status grow(void **p, size_t cap, size_t size, ig_error *err) {
    void *more = ig_realloc_array(*p, cap, size);
    if (!more) return ig_error_nomem(err, cap * size);
    *p = more;
    return IG_OK;
}

static ig_status counter_grow(counter *c, ig_error *err) {
    size_t cap = c->cap ? c->cap * 2 : 4096;
    if (cap > UINT32_MAX / 2) return ig_error_set(err, IG_E_LIMIT, "the texts have more than %zu different grams", c->cap);
    IG_TRY(grow((void **)&c->t.hash, cap, sizeof *c->t.hash, err));
    IG_TRY(grow((void **)&c->t.kind, cap, sizeof *c->t.kind, err));
    IG_TRY(grow((void **)&c->texts, cap, sizeof *c->texts, err));
    IG_TRY(grow((void **)&c->last, cap, sizeof *c->last, err));
    c->cap = cap;
    uint32_t *slot = ig_realloc_array(c->t.slot, cap * 2, sizeof *slot);
    if (!slot) return ig_error_nomem(err, cap * 2 * sizeof *slot);
    c->t.slot = slot, c->t.slots = cap * 2;
    memset(slot, 0xFF, cap * 2 * sizeof *slot);
    for (size_t i = 0; i < c->t.count; i++) slot[place(&c->t, c->t.hash[i])] = (uint32_t)i;
    return IG_OK;
}

static ig_status count_gram(counter *c, const match_gram *g, uint32_t text, ig_error *err) {
    if (c->t.count == c->cap) IG_TRY(counter_grow(c, err));
    size_t at = place(&c->t, g->hash);
    if (c->t.slot[at] == MATCH_NO_TERM) {
        uint32_t term = (uint32_t)c->t.count++;
        c->t.hash[term] = g->hash, c->t.kind[term] = (uint8_t)g->kind, c->texts[term] = 0, c->last[term] = 0;
        c->t.slot[at] = term;
    }
    uint32_t term = c->t.slot[at];
    if (c->last[term] != text + 1) c->texts[term]++, c->last[term] = text + 1;
    return IG_OK;
}

static ig_status count_all(counter *c, const match_text *texts, size_t n, match_grams *g, ig_error *err) {
    IG_TRY(counter_grow(c, err));
    for (size_t i = 0; i < n; i++) {
        IG_TRY(match_grams_read(g, texts[i].text, texts[i].len, err));
        for (size_t k = 0; k < g->count; k++) IG_TRY(count_gram(c, &g->item[k], (uint32_t)i, err));
    }
    return IG_OK;
}

/* The smallest number of texts that leaves at most `max` terms. */
static uint32_t least_texts(const counter *c, size_t n, size_t max, uint32_t *histogram) {
    for (size_t i = 0; i < c->t.count; i++) histogram[c->texts[i]]++;
    size_t kept = 0;
    for (size_t d = n; d >= 1; d--) {
        if (kept + histogram[d] > max) return (uint32_t)d + 1;
        kept += histogram[d];
    }
    return 1;
}

static ig_status keep(const counter *c, size_t n, size_t max, match_terms *out, ig_error *err) {
    uint32_t *histogram = ig_calloc(n + 1, sizeof *histogram);
    if (!histogram) return ig_error_nomem(err, (n + 1) * sizeof *histogram);
    uint32_t least = least_texts(c, n, max, histogram);
    ig_free(histogram);
    size_t count = c->t.count ? c->t.count : 1;
    IG_TRY(grow((void **)&out->hash, count, sizeof *out->hash, err));
    IG_TRY(grow((void **)&out->idf, count, sizeof *out->idf, err));
    IG_TRY(grow((void **)&out->kind, count, sizeof *out->kind, err));
    for (size_t i = 0; i < c->t.count; i++) {
        if (c->texts[i] < least) continue;
        out->hash[out->count] = c->t.hash[i], out->kind[out->count] = c->t.kind[i];
        out->idf[out->count++] = (float)(log((1.0 + (double)n) / (1.0 + c->texts[i])) + 1);
    }
    return match_terms_index(out, err);
}

ig_status match_terms_build(const match_text *texts, size_t n, size_t max, match_terms *out, ig_error *err) {
    counter c = {0};
    match_grams g = {0};
    *out = (match_terms){0};
    ig_status s = count_all(&c, texts, n, &g, err);
    if (s == IG_OK) s = keep(&c, n, max, out, err);
    if (s != IG_OK) match_terms_fini(out);
    match_grams_fini(&g);
    match_terms_fini(&c.t);
    ig_free(c.texts);
    ig_free(c.last);
    return s;
}

/* ---- one text ---- */

static ig_status query_reserve(match_query *q, size_t n, ig_error *err) {
    if (n <= q->cap) return IG_OK;
    q->cap = 0; /* until all three have grown */
    IG_TRY(grow((void **)&q->seen, n, sizeof *q->seen, err));
    IG_TRY(grow((void **)&q->term, n, sizeof *q->term, err));
    IG_TRY(grow((void **)&q->value, n, sizeof *q->value, err));
    q->cap = n;
    return IG_OK;
}

static int by_number(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* term sorted with repetitions ─► each once, with its value */
static void weigh(const match_terms *t, match_query *q) {
    double squares[MATCH_KINDS] = {0};
    size_t n = 0;
    for (size_t i = 0; i < q->seen_count;) {
        size_t j = i;
        uint32_t term = q->term[i];
        while (j < q->seen_count && q->term[j] == term) j++;
        double v = (1 + log((double)(j - i))) * (double)t->idf[term];
        squares[t->kind[term]] += v * v;
        q->term[n] = term, q->value[n++] = (float)v;
        i = j;
    }
    q->count = n;
    for (size_t i = 0; i < n; i++) q->value[i] = (float)((double)q->value[i] / sqrt(squares[t->kind[q->term[i]]]));
}

ig_status match_query_read(const match_terms *t, const char *text, size_t len, match_query *q, ig_error *err) {
    q->seen_count = q->count = 0;
    IG_TRY(match_grams_read(&q->grams, text, len, err));
    IG_TRY(query_reserve(q, q->grams.count, err));
    for (size_t i = 0; i < q->grams.count; i++) {
        uint32_t term = match_terms_find(t, q->grams.item[i].hash);
        if (term == MATCH_NO_TERM) continue;
        q->term[q->seen_count] = term;
        q->seen[q->seen_count++] = (match_seen){term, q->grams.item[i].word};
    }
    if (q->seen_count) qsort(q->term, q->seen_count, sizeof *q->term, by_number);
    weigh(t, q);
    return IG_OK;
}

void match_query_fini(match_query *q) {
    match_grams_fini(&q->grams);
    ig_free(q->seen);
    ig_free(q->term);
    ig_free(q->value);
    *q = (match_query){0};
}

/* ---- many texts ---- */

static ig_status rows_add(match_rows *r, const match_query *q, ig_error *err) {
    size_t at = (size_t)r->start[r->n], need = at + q->count;
    if (need > r->cap) {
        size_t cap = need + need / 2 + 1024;
        IG_TRY(grow((void **)&r->term, cap, sizeof *r->term, err));
        IG_TRY(grow((void **)&r->value, cap, sizeof *r->value, err));
        r->cap = cap;
    }
    if (q->count) {
        memcpy(r->term + at, q->term, q->count * sizeof *q->term);
        memcpy(r->value + at, q->value, q->count * sizeof *q->value);
    }
    r->start[++r->n] = need;
    return IG_OK;
}

static ig_status bags_add(match_bags *b, const match_query *q, ig_error *err) {
    size_t at = (size_t)b->start[b->n], need = at + q->seen_count;
    if (need > b->cap) {
        size_t cap = need + need / 2 + 1024;
        IG_TRY(grow((void **)&b->seen, cap, sizeof *b->seen, err));
        b->cap = cap;
    }
    if (q->seen_count) memcpy(b->seen + at, q->seen, q->seen_count * sizeof *q->seen);
    b->words[b->n] = (uint32_t)q->grams.words;
    b->start[++b->n] = need;
    return IG_OK;
}

static ig_status read_all(const match_terms *t, const match_text *texts, size_t n, match_rows *r, match_bags *b,
                          ig_error *err) {
    match_query q = {0};
    ig_status s = IG_OK;
    for (size_t i = 0; i < n && s == IG_OK; i++) {
        s = match_query_read(t, texts[i].text, texts[i].len, &q, err);
        if (s == IG_OK) s = r ? rows_add(r, &q, err) : bags_add(b, &q, err);
    }
    match_query_fini(&q);
    return s;
}

ig_status match_rows_build(const match_terms *t, const match_text *texts, size_t n, match_rows *out, ig_error *err) {
    *out = (match_rows){.start = ig_calloc(n + 1, sizeof *out->start)};
    ig_status s = out->start ? read_all(t, texts, n, out, NULL, err) : ig_error_nomem(err, (n + 1) * sizeof *out->start);
    if (s != IG_OK) match_rows_fini(out);
    return s;
}

void match_rows_fini(match_rows *r) {
    ig_free(r->start);
    ig_free(r->term);
    ig_free(r->value);
    *r = (match_rows){0};
}

ig_status match_bags_build(const match_terms *t, const match_text *texts, size_t n, match_bags *out, ig_error *err) {
    *out = (match_bags){.start = ig_calloc(n + 1, sizeof *out->start), .words = ig_calloc(n + 1, sizeof *out->words)};
    ig_status s = IG_OK;
    if (!out->start || !out->words) s = ig_error_nomem(err, (n + 1) * sizeof *out->start);
    else s = read_all(t, texts, n, NULL, out, err);
    if (s != IG_OK) match_bags_fini(out);
    return s;
}

void match_bags_fini(match_bags *b) {
    ig_free(b->start);
    ig_free(b->seen);
    ig_free(b->words);
    *b = (match_bags){0};
}
