/* retrieval/index_search.c: the best documents for weighted terms, by block-max WAND.   (Ding, Suel 2011; Broder et al. 2003)
 *
 * A cursor per term stands on a document.  With the cursors in the order of their documents, the first place where the greatest
 * possible scores add up to more than the k-th best so far is the pivot: no document before it can enter.  The maxima of the
 * blocks around the pivot then often rule it out as well, and all cursors leap behind the nearest end of a block.  A document
 * that stays is scored over the terms in the order of the query, in double, so that its score does not depend on the way to it;
 * documents come ascending, so that of equal ones the first stays.
 */
#include <math.h>
#include <string.h>

#include "retrieval/index_file.h"

#define NO_DOCUMENT UINT32_MAX
#define SLACK       (1 + 1e-9) /* bounds are summed in another order than scores */

typedef struct cursor {
    const index_posting *first, *end, *at;
    const index_block *blocks, *blocks_end, *block;
    double weight, most; /* weight·idf, and the term's greatest score */
    uint32_t document;
} cursor;

typedef struct search {
    cursor *all;     /* [n] in the order of the query */
    cursor **sorted; /* [n] by document */
    size_t n, k, count;
    ig_index_hit *hits; /* a heap, the worst first */
    ig_index_filter *keep;
    void *arg;
} search;

/* ---- cursors ---- */

static void open_cursor(const ig_index *x, const index_term *t, double weight, cursor *c) {
    *c = (cursor){.first = x->postings + t->posting, .end = x->postings + t[1].posting, .blocks = x->blocks + t->block,
                  .blocks_end = x->blocks + t[1].block, .weight = weight * ig_index_idf(x, t)};
    c->at = c->first;
    c->block = c->blocks;
    c->document = c->at->document;
    for (const index_block *b = c->blocks; b < c->blocks_end; b++) c->most = b->most > c->most ? b->most : c->most;
    c->most *= c->weight;
}

/* The block that may hold `document`, without moving the cursor; blocks_end when there is none. */
static const index_block *block_of(const cursor *c, uint32_t document) {
    const index_block *b = c->block;
    size_t step = 1;
    while (b < c->blocks_end && b->last < document) {
        const index_block *far = (size_t)(c->blocks_end - b) > step ? b + step : c->blocks_end;
        bool leap = far < c->blocks_end && far->last < document;
        b = leap ? far : b + 1;
        step = leap ? step * 2 : 1;
    }
    return b;
}

static void advance(cursor *c, uint32_t document) {
    if (c->document >= document) return;
    const index_block *b = block_of(c, document);
    if (b == c->blocks_end) {
        c->at = c->end, c->block = b, c->document = NO_DOCUMENT;
        return;
    }
    if (b != c->block) c->at = c->first + (size_t)(b - c->blocks) * INDEX_BLOCK;
    c->block = b;
    while (c->at->document < document) c->at++;
    c->document = c->at->document;
}

static ig_status open_cursors(const ig_index *x, const ig_index_query *q, size_t n, search *s, ig_error *err) {
    if (n > IG_INDEX_QUERY_MAX) return ig_error_set(err, IG_E_LIMIT, "a query of %zu terms: at most %d", n, IG_INDEX_QUERY_MAX);
    for (size_t i = 0; i < n; i++)
        if (!(q[i].weight > 0 && q[i].weight <= 1e9))
            return ig_error_set(err, IG_E_ARG, "the weight of term %zu must be positive, at most 1e9", i);
    s->all = ig_realloc_array(NULL, n + 1, sizeof *s->all);
    s->sorted = ig_realloc_array(NULL, n + 1, sizeof *s->sorted);
    if (!s->all || !s->sorted) return ig_error_nomem(err, (n + 1) * sizeof *s->all);
    for (size_t i = 0; i < n; i++) {
        const index_term *t = ig_index_find(x, q[i].text, q[i].len);
        if (t) open_cursor(x, t, q[i].weight, &s->all[s->n++]);
    }
    for (size_t i = 0; i < s->n; i++) s->sorted[i] = &s->all[i];
    return IG_OK;
}

static void close_cursors(search *s) {
    ig_free(s->all);
    ig_free(s->sorted);
}

static double score_at(search *s, uint32_t document) {
    double score = 0;
    for (cursor *c = s->all; c < s->all + s->n; c++) {
        advance(c, document);
        if (c->document == document) score += c->weight * c->at->impact;
    }
    return score;
}

/* ---- the best k ---- */

static bool worse(const ig_index_hit *a, const ig_index_hit *b) {
    return a->score != b->score ? a->score < b->score : a->document > b->document;
}

static void sink(ig_index_hit *h, size_t n, size_t i) {
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && worse(&h[child + 1], &h[child])) child++;
        if (!worse(&h[child], &h[i])) return;
        ig_index_hit t = h[i];
        h[i] = h[child], h[child] = t;
    }
}

static void offer(search *s, ig_index_hit hit) {
    if (s->count == s->k) {
        if (!worse(&s->hits[0], &hit)) return;
        s->hits[0] = hit;
        sink(s->hits, s->k, 0);
        return;
    }
    size_t i = s->count++;
    for (; i && worse(&hit, &s->hits[(i - 1) / 2]); i = (i - 1) / 2) s->hits[i] = s->hits[(i - 1) / 2];
    s->hits[i] = hit;
}

static void best_first(search *s) {
    for (size_t n = s->count; n > 1; n--) {
        ig_index_hit worst = s->hits[0];
        s->hits[0] = s->hits[n - 1];
        s->hits[n - 1] = worst;
        sink(s->hits, n - 1, 0);
    }
}

/* ---- WAND ---- */

static void sort_cursors(search *s) {
    for (size_t i = 1; i < s->n; i++) {
        cursor *c = s->sorted[i];
        size_t at = i;
        for (; at && s->sorted[at - 1]->document > c->document; at--) s->sorted[at] = s->sorted[at - 1];
        s->sorted[at] = c;
    }
}

/* How many cursors stand on or before the pivot, 0 when no document is left that could enter. */
static size_t find_pivot(const search *s, double threshold) {
    double bound = 0;
    for (size_t i = 0; i < s->n && s->sorted[i]->document != NO_DOCUMENT; i++) {
        bound += s->sorted[i]->most;
        if (bound * SLACK <= threshold) continue;
        while (i + 1 < s->n && s->sorted[i + 1]->document == s->sorted[i]->document) i++;
        return i + 1;
    }
    return 0;
}

/* The pivot itself where the blocks around it allow it to enter, else the next document that may. */
static uint32_t next_candidate(const search *s, size_t pivots, double threshold) {
    uint32_t pivot = s->sorted[pivots - 1]->document;
    uint32_t next = pivots < s->n ? s->sorted[pivots]->document : NO_DOCUMENT;
    double bound = 0;
    for (size_t i = 0; i < pivots; i++) {
        const index_block *b = block_of(s->sorted[i], pivot);
        if (b == s->sorted[i]->blocks_end) continue;
        bound += s->sorted[i]->weight * b->most;
        if (b->last < next) next = b->last + 1;
    }
    return bound * SLACK > threshold ? pivot : next;
}

static void run(search *s) {
    for (;;) {
        double threshold = s->count == s->k ? s->hits[0].score : -1;
        sort_cursors(s);
        size_t pivots = find_pivot(s, threshold);
        if (!pivots) return;
        uint32_t pivot = s->sorted[pivots - 1]->document, next = next_candidate(s, pivots, threshold);
        if (next == pivot) {
            if (!s->keep || s->keep(s->arg, pivot)) offer(s, (ig_index_hit){pivot, score_at(s, pivot)});
            next = pivot + 1;
        }
        for (size_t i = 0; i < pivots; i++) advance(s->sorted[i], next);
    }
}

ig_status ig_index_search(const ig_index *x, const ig_index_query *terms, size_t n, ig_index_filter *keep, void *arg, size_t k,
                          ig_index_hit *hits, size_t *count, ig_error *err) {
    search s = {.k = k, .hits = hits, .keep = keep, .arg = arg};
    *count = 0;
    ig_status status = open_cursors(x, terms, n, &s, err);
    if (status == IG_OK && k) run(&s);
    best_first(&s);
    *count = s.count;
    close_cursors(&s);
    return status;
}

/* A cursor only goes forward: it starts again where the documents go back. */
ig_status ig_index_score(const ig_index *x, const ig_index_query *terms, size_t n, const uint32_t *documents, size_t m,
                         double *scores, ig_error *err) {
    search s = {0};
    ig_status status = open_cursors(x, terms, n, &s, err);
    for (size_t i = 0; i < m && status == IG_OK; i++) {
        for (cursor *c = s.all; i && documents[i] < documents[i - 1] && c < s.all + s.n; c++)
            c->at = c->first, c->block = c->blocks, c->document = c->first->document;
        scores[i] = score_at(&s, documents[i]);
    }
    close_cursors(&s);
    return status;
}
