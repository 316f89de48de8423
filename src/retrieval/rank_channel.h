/* retrieval/rank_channel.h: one inverted list of the ranker: bags of documents, asked with a bag.
 *
 * It lives in one block, the same in memory and in the file:
 *
 *     header   docs, terms, postings (u64 each)
 *     hash     u64 [terms]      sorted
 *     offset   u64 [terms + 1]  into doc and tf
 *     doc      u32 [postings]   ascending within a term
 *     length   f32 [docs]       number of terms of a document
 *     tf       u8  [postings]   up to 255
 */
#ifndef INGOT_RETRIEVAL_RANK_CHANNEL_H
#define INGOT_RETRIEVAL_RANK_CHANNEL_H

#include "retrieval/rank_terms.h"

typedef struct rank_channel {
    size_t docs, terms, postings;
    const uint64_t *hash, *offset;
    const uint32_t *doc;
    const float *length;
    const uint8_t *tf;
    double mean_length;
    const void *block; /* `size` bytes: what is saved */
    size_t size;
} rank_channel;

typedef struct rank_builder { /* document by document */
    uint64_t *slot_hash;      /* open addressing: hash of the term, and its number + 1 */
    uint32_t *slot_id;
    size_t slots;
    uint64_t *hash;           /* [terms] by number */
    uint32_t *term;           /* the documents' terms, one after the other */
    uint8_t *tf;
    uint64_t *end;            /* [docs] */
    float *length;
    size_t terms, term_cap, postings, posting_cap, docs, doc_cap;
} rank_builder;

void ig_rank_builder_fini(rank_builder *b);
ig_status ig_rank_builder_add(rank_builder *b, const rank_bag *bag, ig_error *err);
/* The channel's block is the caller's (ig_free); the builder is emptied. */
ig_status ig_rank_builder_finish(rank_builder *b, void **block, size_t *size, ig_error *err);

/* Point into a block, checking all of it: IG_E_FORMAT. */
ig_status ig_rank_channel_open(rank_channel *c, const void *block, size_t size, const char *file, ig_error *err);
/* The number of a term; SIZE_MAX when it is not there. */
size_t ig_rank_channel_find(const rank_channel *c, uint64_t hash);
double ig_rank_channel_idf(const rank_channel *c, size_t term); /* ln(1 + (N - df + 1/2) / (df + 1/2)) */

/* The terms of a query that a channel has, the rarest first.  The first `early` of them find documents: their postings are
 * within a budget.  The others, which say least, only add to the scores of documents that were found. */
typedef struct rank_pick {
    uint32_t term, df, tf; /* tf: in the query */
} rank_pick;
typedef struct rank_picks {
    rank_pick *pick;
    size_t n, early, cap;
} rank_picks;
/* Terms in more than `most` documents are left out; the rarest is always early.  Reuses the space of `out`, which the caller
 * frees (pick). */
ig_status ig_rank_channel_pick(const rank_channel *c, const rank_bag *query, size_t most, size_t budget, rank_picks *out,
                               ig_error *err);

/* score[docs] += BM25 (Robertson, Zaragoza 2009) of the early terms; _rest: of the others, for docs[n], ascending. */
void ig_rank_channel_bm25(const rank_channel *c, const rank_picks *picks, double k1, double b, float *score);
void ig_rank_channel_bm25_rest(const rank_channel *c, const rank_picks *picks, double k1, double b, const uint32_t *docs,
                               size_t n, float *score);
/* score[docs] += Σ idf² · (1 + ln tf): the upper part of a cosine; ig_rank_channel_norms gives the lower part of each
 * document. */
void ig_rank_channel_dot(const rank_channel *c, const rank_picks *picks, float *score);
void ig_rank_channel_dot_rest(const rank_channel *c, const rank_picks *picks, const uint32_t *docs, size_t n, float *score);
void ig_rank_channel_norms(const rank_channel *c, float *norm);
/* The query's own norm; a term that is nowhere counts as the rarest. */
double ig_rank_channel_norm_of(const rank_channel *c, const rank_bag *query);

#endif
