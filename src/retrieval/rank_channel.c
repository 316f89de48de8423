/* retrieval/rank_channel.c: the block of one channel: building, checking, scoring; see rank_channel.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "retrieval/rank_channel.h"

void ig_rank_builder_fini(rank_builder *b) {
    ig_free(b->slot_hash);
    ig_free(b->slot_id);
    ig_free(b->hash);
    ig_free(b->term);
    ig_free(b->tf);
    ig_free(b->end);
    ig_free(b->length);
    *b = (rank_builder){0};
}

static size_t slot_of(const rank_builder *b, uint64_t hash) {
    size_t i = hash & (b->slots - 1);
    while (b->slot_id[i] && b->slot_hash[i] != hash) i = (i + 1) & (b->slots - 1);
    return i;
}

static ig_status grow_slots(rank_builder *b, ig_error *err) {
    rank_builder bigger = {.slots = b->slots ? 2 * b->slots : 1024};
    bigger.slot_hash = ig_calloc(bigger.slots, sizeof *bigger.slot_hash);
    bigger.slot_id = ig_calloc(bigger.slots, sizeof *bigger.slot_id);
    if (!bigger.slot_hash || !bigger.slot_id) {
        ig_rank_builder_fini(&bigger);
        return ig_error_nomem(err, bigger.slots * sizeof *bigger.slot_hash);
    }
    for (size_t i = 0; i < b->slots; i++) {
        if (!b->slot_id[i]) continue;
        size_t at = slot_of(&bigger, b->slot_hash[i]);
        bigger.slot_hash[at] = b->slot_hash[i];
        bigger.slot_id[at] = b->slot_id[i];
    }
    ig_free(b->slot_hash);
    ig_free(b->slot_id);
    b->slot_hash = bigger.slot_hash;
    b->slot_id = bigger.slot_id;
    b->slots = bigger.slots;
    return IG_OK;
}

/* Room for one more of an array: doubles its capacity. */
static ig_status grow(void *array, size_t n, size_t size, ig_error *err) {
    void *p;
    memcpy(&p, array, sizeof p);
    void *q = ig_realloc_array(p, n, size);
    if (!q) return ig_error_nomem(err, n * size);
    memcpy(array, &q, sizeof q);
    return IG_OK;
}

static ig_status reserve(rank_builder *b, size_t terms, ig_error *err) {
    while (2 * (b->terms + terms) > b->slots) IG_TRY(grow_slots(b, err));
    if (b->terms + terms > b->term_cap) {
        size_t cap = 2 * (b->terms + terms);
        IG_TRY(grow(&b->hash, cap, sizeof *b->hash, err));
        b->term_cap = cap;
    }
    if (b->postings + terms > b->posting_cap) {
        size_t cap = (b->postings + terms) + (b->postings + terms) / 2;
        IG_TRY(grow(&b->term, cap, sizeof *b->term, err));
        IG_TRY(grow(&b->tf, cap, sizeof *b->tf, err));
        b->posting_cap = cap;
    }
    if (b->docs == b->doc_cap) {
        size_t cap = b->doc_cap ? 2 * b->doc_cap : 256;
        IG_TRY(grow(&b->end, cap, sizeof *b->end, err));
        IG_TRY(grow(&b->length, cap, sizeof *b->length, err));
        b->doc_cap = cap;
    }
    return IG_OK;
}

ig_status ig_rank_builder_add(rank_builder *b, const rank_bag *bag, ig_error *err) {
    uint64_t length = 0;
    IG_TRY(reserve(b, bag->n + 1, err));
    for (size_t i = 0; i < bag->n; i++) {
        size_t at = slot_of(b, bag->term[i].hash);
        if (!b->slot_id[at]) {
            b->hash[b->terms++] = b->slot_hash[at] = bag->term[i].hash;
            b->slot_id[at] = (uint32_t)b->terms;
        }
        uint32_t tf = bag->term[i].tf;
        b->term[b->postings] = b->slot_id[at] - 1;
        b->tf[b->postings++] = (uint8_t)(tf < 255 ? tf : 255);
        length += tf;
    }
    b->end[b->docs] = b->postings;
    b->length[b->docs++] = (float)length;
    return IG_OK;
}

/* Where the parts of a block begin.  False when the sizes do not fit an address. */
typedef struct block_parts {
    size_t hash, offset, doc, length, tf, size;
} block_parts;

static bool lay_out(uint64_t docs, uint64_t terms, uint64_t postings, block_parts *p) {
    if (docs > UINT32_MAX || terms > UINT32_MAX || postings > (UINT64_C(1) << 40)) return false;
    p->hash = 3 * sizeof(uint64_t);
    p->offset = p->hash + terms * 8;
    p->doc = p->offset + (terms + 1) * 8;
    p->length = p->doc + postings * 4;
    p->tf = p->length + docs * 4;
    p->size = (p->tf + postings + 7) & ~(size_t)7;
    return true;
}

typedef struct named_term {
    uint64_t hash;
    uint32_t id;
} named_term;

static int by_hash(const void *a, const void *b) {
    uint64_t x = ((const named_term *)a)->hash, y = ((const named_term *)b)->hash;
    return (x > y) - (x < y);
}

/* rank[id]: the place of a term among the sorted ones. */
static ig_status sort_terms(const rank_builder *b, uint64_t *sorted, uint32_t *rank, ig_error *err) {
    named_term *list = ig_calloc(b->terms + 1, sizeof *list);
    if (!list) return ig_error_nomem(err, (b->terms + 1) * sizeof *list);
    for (size_t i = 0; i < b->terms; i++) list[i] = (named_term){b->hash[i], (uint32_t)i};
    qsort(list, b->terms, sizeof *list, by_hash);
    for (size_t i = 0; i < b->terms; i++) {
        sorted[i] = list[i].hash;
        rank[list[i].id] = (uint32_t)i;
    }
    ig_free(list);
    return IG_OK;
}

/* offset[t + 1] counts up from the beginning of t to its end while the postings are put in their places. */
static void put_postings(const rank_builder *b, const uint32_t *rank, uint64_t *offset, uint32_t *doc, uint8_t *tf) {
    for (size_t i = 0; i < b->postings; i++) {
        size_t t = rank[b->term[i]];
        if (t + 2 <= b->terms) offset[t + 2]++;
    }
    for (size_t t = 2; t <= b->terms; t++) offset[t] += offset[t - 1];
    for (size_t d = 0, i = 0; d < b->docs; d++) {
        for (; i < b->end[d]; i++) {
            uint64_t at = offset[rank[b->term[i]] + 1]++;
            doc[at] = (uint32_t)d;
            tf[at] = b->tf[i];
        }
    }
}

ig_status ig_rank_builder_finish(rank_builder *b, void **block, size_t *size, ig_error *err) {
    block_parts p;
    if (!lay_out(b->docs, b->terms, b->postings, &p)) return ig_error_set(err, IG_E_LIMIT, "the index is too large: split it");
    uint32_t *rank = ig_calloc(b->terms + 1, sizeof *rank);
    unsigned char *out = ig_calloc(1, p.size);
    ig_status s = rank && out ? IG_OK : ig_error_nomem(err, p.size);
    if (s == IG_OK) s = sort_terms(b, (uint64_t *)(void *)(out + p.hash), rank, err);
    if (s == IG_OK) {
        uint64_t head[3] = {b->docs, b->terms, b->postings};
        memcpy(out, head, sizeof head);
        put_postings(b, rank, (uint64_t *)(void *)(out + p.offset), (uint32_t *)(void *)(out + p.doc), out + p.tf);
        if (b->docs) memcpy(out + p.length, b->length, b->docs * sizeof(float));
        *block = out;
        *size = p.size;
        out = NULL;
    }
    ig_free(out);
    ig_free(rank);
    ig_rank_builder_fini(b);
    return s;
}

static const char *check_channel(const rank_channel *c) {
    if (c->offset[0] != 0 || c->offset[c->terms] != c->postings) return "its lists do not cover the postings";
    for (size_t t = 0; t < c->terms; t++) {
        if (c->offset[t] > c->offset[t + 1] || c->offset[t + 1] > c->postings) return "a list ends before it begins";
        if (t && c->hash[t - 1] >= c->hash[t]) return "its terms are not sorted";
        for (uint64_t i = c->offset[t]; i < c->offset[t + 1]; i++) {
            if (c->doc[i] >= c->docs || !c->tf[i] || (i > c->offset[t] && c->doc[i - 1] >= c->doc[i]))
                return "a list is damaged";
        }
    }
    for (size_t d = 0; d < c->docs; d++) {
        if (!(c->length[d] >= 0 && c->length[d] < 1e9f)) return "a length is no number";
    }
    return NULL;
}

ig_status ig_rank_channel_open(rank_channel *c, const void *block, size_t size, const char *file, ig_error *err) {
    const unsigned char *p = block;
    uint64_t head[3];
    block_parts part;
    if (size < sizeof head) return ig_error_at(err, IG_E_FORMAT, file, 0, "an index list is cut short: build the index again");
    memcpy(head, p, sizeof head);
    if (!lay_out(head[0], head[1], head[2], &part) || part.size != size) {
        return ig_error_at(err, IG_E_FORMAT, file, 0, "an index list has not the size that it names: build the index again");
    }
    *c = (rank_channel){.docs = head[0], .terms = head[1], .postings = head[2], .block = block, .size = size};
    c->hash = (const uint64_t *)(const void *)(p + part.hash);
    c->offset = (const uint64_t *)(const void *)(p + part.offset);
    c->doc = (const uint32_t *)(const void *)(p + part.doc);
    c->length = (const float *)(const void *)(p + part.length);
    c->tf = p + part.tf;
    const char *why = check_channel(c);
    if (why) return ig_error_at(err, IG_E_FORMAT, file, 0, "an index list is damaged (%s): build the index again", why);
    double sum = 0;
    for (size_t d = 0; d < c->docs; d++) sum += c->length[d];
    c->mean_length = c->docs && sum > 0 ? sum / (double)c->docs : 1;
    return IG_OK;
}

size_t ig_rank_channel_find(const rank_channel *c, uint64_t hash) {
    size_t lo = 0, hi = c->terms;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (c->hash[mid] < hash) lo = mid + 1;
        else hi = mid;
    }
    return lo < c->terms && c->hash[lo] == hash ? lo : SIZE_MAX;
}

static double idf_of(const rank_channel *c, double df) {
    return log(1 + ((double)c->docs - df + 0.5) / (df + 0.5));
}

double ig_rank_channel_idf(const rank_channel *c, size_t term) {
    return idf_of(c, (double)(c->offset[term + 1] - c->offset[term]));
}

static int rarer(const void *a, const void *b) {
    const rank_pick *x = a, *y = b;
    if (x->df != y->df) return x->df < y->df ? -1 : 1;
    return (x->term > y->term) - (x->term < y->term);
}

ig_status ig_rank_channel_pick(const rank_channel *c, const rank_bag *query, size_t most, size_t budget, rank_picks *out,
                               ig_error *err) {
    out->n = out->early = 0;
    if (query->n > out->cap) {
        rank_pick *pick = ig_realloc_array(out->pick, query->n, sizeof *pick);
        if (!pick) return ig_error_nomem(err, query->n * sizeof *pick);
        out->pick = pick;
        out->cap = query->n;
    }
    for (size_t q = 0; q < query->n; q++) {
        size_t t = ig_rank_channel_find(c, query->term[q].hash);
        if (t == SIZE_MAX || c->offset[t + 1] - c->offset[t] > most) continue;
        out->pick[out->n++] = (rank_pick){(uint32_t)t, (uint32_t)(c->offset[t + 1] - c->offset[t]), query->term[q].tf};
    }
    if (out->n) qsort(out->pick, out->n, sizeof *out->pick, rarer);
    for (size_t spent = 0; out->early < out->n; out->early++) {
        spent += out->pick[out->early].df;
        if (out->early && spent > budget) break;
    }
    return IG_OK;
}

/* idf(t) · tf · (k1 + 1) / (tf + k1 · (1 - b + b · length / mean)) */
typedef struct bm25 {
    float k1, floor_norm, slope;
} bm25;

static bm25 bm25_of(const rank_channel *c, double k1, double b) {
    return (bm25){(float)k1, (float)(k1 * (1 - b)), (float)(k1 * b / c->mean_length)};
}

static inline void bm25_add(const rank_channel *c, const bm25 *f, float w, size_t i, float *score) {
    float tf = (float)c->tf[i];
    uint32_t d = c->doc[i];
    score[d] += w * tf / (tf + f->floor_norm + f->slope * c->length[d]);
}

static float bm25_weight(const rank_channel *c, const bm25 *f, const rank_pick *p) {
    return (float)(idf_of(c, p->df) * (f->k1 + 1) * p->tf);
}

void ig_rank_channel_bm25(const rank_channel *c, const rank_picks *picks, double k1, double b, float *score) {
    bm25 f = bm25_of(c, k1, b);
    for (size_t q = 0; q < picks->early; q++) {
        size_t t = picks->pick[q].term;
        float w = bm25_weight(c, &f, &picks->pick[q]);
        for (size_t i = c->offset[t]; i < c->offset[t + 1]; i++) bm25_add(c, &f, w, i, score);
    }
}

/* The first place in doc[at … end) that is not before d: growing steps from `at`, then halving. */
static size_t seek(const uint32_t *doc, size_t at, size_t end, uint32_t d) {
    size_t step = 1, lo = at, hi = at;
    while (hi < end && doc[hi] < d) {
        lo = hi + 1;
        hi = end - hi > step ? hi + step : end;
        step *= 2;
    }
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (doc[mid] < d) lo = mid + 1;
        else hi = mid;
    }
    return lo;
}

void ig_rank_channel_bm25_rest(const rank_channel *c, const rank_picks *picks, double k1, double b, const uint32_t *docs,
                               size_t n, float *score) {
    bm25 f = bm25_of(c, k1, b);
    for (size_t q = picks->early; q < picks->n; q++) {
        size_t t = picks->pick[q].term, at = c->offset[t], end = c->offset[t + 1];
        float w = bm25_weight(c, &f, &picks->pick[q]);
        for (size_t k = 0; k < n; k++) {
            at = seek(c->doc, at, end, docs[k]);
            if (at == end) break;
            if (c->doc[at] == docs[k]) bm25_add(c, &f, w, at, score);
        }
    }
}

static float log_tf(unsigned tf) {
    return tf == 1 ? 1.0f : 1.0f + logf((float)tf);
}

static float dot_weight(const rank_channel *c, const rank_pick *p) {
    double idf = idf_of(c, p->df);
    return (float)(idf * idf) * log_tf(p->tf);
}

void ig_rank_channel_dot(const rank_channel *c, const rank_picks *picks, float *score) {
    for (size_t q = 0; q < picks->early; q++) {
        size_t t = picks->pick[q].term;
        float w = dot_weight(c, &picks->pick[q]);
        for (size_t i = c->offset[t]; i < c->offset[t + 1]; i++) score[c->doc[i]] += w * log_tf(c->tf[i]);
    }
}

void ig_rank_channel_dot_rest(const rank_channel *c, const rank_picks *picks, const uint32_t *docs, size_t n, float *score) {
    for (size_t q = picks->early; q < picks->n; q++) {
        size_t t = picks->pick[q].term, at = c->offset[t], end = c->offset[t + 1];
        float w = dot_weight(c, &picks->pick[q]);
        for (size_t k = 0; k < n; k++) {
            at = seek(c->doc, at, end, docs[k]);
            if (at == end) break;
            if (c->doc[at] == docs[k]) score[docs[k]] += w * log_tf(c->tf[at]);
        }
    }
}

void ig_rank_channel_norms(const rank_channel *c, float *norm) {
    for (size_t d = 0; d < c->docs; d++) norm[d] = 0;
    for (size_t t = 0; t < c->terms; t++) {
        float idf = (float)ig_rank_channel_idf(c, t);
        for (uint64_t i = c->offset[t]; i < c->offset[t + 1]; i++) {
            float x = idf * log_tf(c->tf[i]);
            norm[c->doc[i]] += x * x;
        }
    }
    for (size_t d = 0; d < c->docs; d++) norm[d] = sqrtf(norm[d]);
}

double ig_rank_channel_norm_of(const rank_channel *c, const rank_bag *query) {
    double sum = 0;
    for (size_t q = 0; q < query->n; q++) {
        size_t t = ig_rank_channel_find(c, query->term[q].hash);
        double idf = t == SIZE_MAX ? idf_of(c, 0) : ig_rank_channel_idf(c, t), x = idf * log_tf(query->term[q].tf);
        sum += x * x;
    }
    return sqrt(sum);
}
