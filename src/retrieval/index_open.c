/* retrieval/index_open.c: an index file is mapped, checked, and asked for its terms.
 *
 * The checksum finds accidents.  A file with right checksums may still have been made to do harm, so every place that a search
 * follows is checked too, once, in the order of the file; searches then need no checks.
 */
#include <math.h>
#include <string.h>

#include "retrieval/index_file.h"

static ig_status damaged(const char *path, const char *what, ig_error *err) {
    return ig_error_at(err, IG_E_FORMAT, path, 0, "the index is damaged (%s): build it again", what);
}

/* Next section of `n` items; false where it passes the end. */
static bool section(const ig_index *x, size_t *at, uint64_t n, size_t size, const void **out) {
    size_t bytes, end = x->file.size - sizeof x->tail;
    if (!ig_mul_size((size_t)n, size, &bytes) || bytes > end - *at) return false;
    *out = x->file.data + *at;
    bytes += (8 - bytes % 8) % 8;
    if (bytes > end - *at) return false;
    *at += bytes;
    return true;
}

static bool lay_out(ig_index *x) {
    size_t at = 16;
    const void *p[5];
    const index_tail *t = &x->tail;
    if (t->terms > IG_INDEX_TERMS_MAX || t->documents > IG_INDEX_DOCUMENTS_MAX || t->slots <= t->terms || (t->slots & (t->slots - 1)))
        return false;
    if (!section(x, &at, t->postings, sizeof(index_posting), &p[0]) || !section(x, &at, t->blocks, sizeof(index_block), &p[1]) ||
        !section(x, &at, t->terms + 1, sizeof(index_term), &p[2]) || !section(x, &at, t->slots, sizeof(uint32_t), &p[3]) ||
        !section(x, &at, t->names, 1, &p[4]) || at != x->file.size - sizeof *t)
        return false;
    x->postings = p[0], x->blocks = p[1], x->terms = p[2], x->slots = p[3], x->names = p[4];
    return true;
}

static bool term_is_sound(const ig_index *x, const index_term *t) {
    if (t[1].posting <= t->posting || t[1].posting > x->tail.postings || t[1].name <= t->name || t[1].name > x->tail.names) return false;
    uint64_t n = t[1].posting - t->posting, blocks = (n + INDEX_BLOCK - 1) / INDEX_BLOCK;
    if (t[1].block < t->block || t[1].block > x->tail.blocks || t[1].block - t->block != blocks) return false;
    int64_t before = -1;
    for (uint64_t i = 0; i < n; i++) {
        const index_posting *p = &x->postings[t->posting + i];
        const index_block *k = &x->blocks[t->block + i / INDEX_BLOCK];
        bool ends = i + 1 == n || (i + 1) % INDEX_BLOCK == 0;
        if (p->document <= before || p->document >= x->tail.documents || !(p->impact >= 0 && p->impact <= k->most)) return false;
        if (!isfinite(k->most) || (ends && k->last != p->document)) return false;
        before = p->document;
    }
    return true;
}

static bool is_sound(const ig_index *x) {
    const index_term *first = x->terms, *last = x->terms + x->tail.terms;
    if (first->posting || first->block || first->name) return false;
    for (const index_term *t = first; t < last; t++)
        if (!term_is_sound(x, t)) return false;
    uint64_t used = 0;
    for (uint64_t i = 0; i < x->tail.slots; i++) {
        if (x->slots[i] > x->tail.terms) return false;
        used += x->slots[i] != 0;
    }
    return used == x->tail.terms && last->posting == x->tail.postings && last->block == x->tail.blocks && last->name == x->tail.names;
}

static ig_status check(ig_index *x, const char *path, ig_error *err) {
    if (x->file.size < 16 + sizeof x->tail || memcmp(x->file.data, INDEX_MAGIC, 16)) return damaged(path, "no index file", err);
    memcpy(&x->tail, x->file.data + x->file.size - sizeof x->tail, sizeof x->tail);
    index_tail plain = x->tail;
    plain.tail_crc = 0;
    if (ig_crc32c(0, &plain, sizeof plain) != x->tail.tail_crc) return damaged(path, "its end", err);
    if (ig_crc32c(0, x->file.data, x->file.size - sizeof x->tail) != x->tail.crc) return damaged(path, "checksum", err);
    return lay_out(x) && is_sound(x) ? IG_OK : damaged(path, "its tables", err);
}

ig_status ig_index_open(const char *path, ig_index **out, ig_error *err) {
    ig_index *x = ig_calloc(1, sizeof *x);
    if (!x) return ig_error_nomem(err, sizeof *x);
    ig_status s = ig_file_map(path, &x->file, err);
    if (s == IG_OK) s = check(x, path, err);
    if (s == IG_OK) *out = x;
    else ig_index_close(x);
    return s;
}

void ig_index_close(ig_index *x) {
    if (!x) return;
    ig_file_unmap(&x->file);
    ig_free(x);
}

uint32_t ig_index_documents(const ig_index *x) {
    return x->tail.documents;
}

const index_term *ig_index_find(const ig_index *x, const char *text, size_t len) {
    uint64_t mask = x->tail.slots - 1; /* a slot is always free: there are more slots than terms */
    for (uint64_t at = ig_hash64(text, len, INDEX_SEED) & mask; x->slots[at]; at = (at + 1) & mask) {
        const index_term *t = &x->terms[x->slots[at] - 1];
        if (t[1].name - t->name == len && !memcmp(x->names + t->name, text, len)) return t;
    }
    return NULL;
}

double ig_index_idf(const ig_index *x, const index_term *t) {
    double df = (double)(t[1].posting - t->posting);
    return log(1 + (x->tail.documents - df + 0.5) / (df + 0.5));
}

uint32_t ig_index_df(const ig_index *x, const char *text, size_t len, double *idf) {
    const index_term *t = ig_index_find(x, text, len);
    if (idf) *idf = t ? ig_index_idf(x, t) : log(1 + (x->tail.documents + 0.5) / 0.5);
    return t ? (uint32_t)(t[1].posting - t->posting) : 0;
}
