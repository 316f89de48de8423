/* retrieval/match_terms.h: the vocabulary of grams, and texts as sparse rows over it. */
#ifndef INGOT_RETRIEVAL_MATCH_TERMS_H
#define INGOT_RETRIEVAL_MATCH_TERMS_H

#include "retrieval/match_text.h"

#define MATCH_NO_TERM UINT32_MAX

/* Terms are numbered by their first appearance.  slot: open addressing, a power of two of them, at most half full. */
typedef struct match_terms {
    size_t count;
    uint64_t *hash;  /* [count] */
    float *idf;      /* [count] log((1 + texts) / (1 + texts with it)) + 1 */
    uint8_t *kind;   /* [count] match_kind */
    uint32_t *slot;  /* [slots] term or MATCH_NO_TERM */
    size_t slots;
} match_terms;

typedef struct match_text {
    const char *text;
    size_t len;
} match_text;

/* From texts; keeps at most `max` terms: those of the most texts. */
ig_status match_terms_build(const match_text *texts, size_t n, size_t max, match_terms *out, ig_error *err);
/* slot anew, from hash: after reading a file.  IG_E_FORMAT when two terms are the same. */
ig_status match_terms_index(match_terms *t, ig_error *err);
uint32_t match_terms_find(const match_terms *t, uint64_t hash);
void match_terms_fini(match_terms *t);

/* Texts as rows: TF-IDF, the words of a row scaled to length 1, and its pieces too (Salton & Buckley 1988).
 * Row i is [start[i], start[i+1]) of term and value, sorted by term. */
typedef struct match_rows {
    size_t n;
    uint64_t *start; /* [n+1] */
    uint32_t *term;
    float *value;
    size_t cap;
} match_rows;
ig_status match_rows_build(const match_terms *t, const match_text *texts, size_t n, match_rows *out, ig_error *err);
void match_rows_fini(match_rows *r);

/* The same texts with every occurrence by itself, in the order of the text, so that whole words can be left out. */
typedef struct match_seen {
    uint32_t term, word;
} match_seen;
typedef struct match_bags {
    size_t n;
    uint64_t *start;  /* [n+1] */
    match_seen *seen;
    uint32_t *words;  /* [n] words of each text */
    size_t cap;
} match_bags;
ig_status match_bags_build(const match_terms *t, const match_text *texts, size_t n, match_bags *out, ig_error *err);
void match_bags_fini(match_bags *b);

/* One text as one row, into arrays that the caller keeps: for answering. */
typedef struct match_query {
    match_grams grams;
    match_seen *seen;
    uint32_t *term;
    float *value;
    size_t seen_count, count, cap;
} match_query;
ig_status match_query_read(const match_terms *t, const char *text, size_t len, match_query *q, ig_error *err);
void match_query_fini(match_query *q);

#endif
