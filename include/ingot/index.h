/* ingot/index.h: the lexical index of a version: BM25 over fields, in one mapped file.
 *
 * Documents are numbered 0, 1, 2 … as they are added; whoever adds them keeps what the numbers mean.  A document's terms lie in
 * fields (title, body …), each with a weight and a length normalisation.   (Robertson, Zaragoza, Taylor 2004: BM25F)
 *
 *     tf'(t,d) = Σ_f weight_f · tf_f / (1 - b_f + b_f · length_f / average length_f)
 *     score(d) = Σ_t weight_t · idf_t · tf'·(k1 + 1) / (tf' + k1),     idf = ln(1 + (N - df + 0.5) / (df + 0.5))
 *
 * The same documents in the same order give the same bytes, the same query the same scores.  An open index may be searched by any
 * number of threads.
 */
#ifndef INGOT_INDEX_H
#define INGOT_INDEX_H

#include "ingot/base.h"

#pragma GCC visibility push(default) /* what stands here, libingot.so exports */
#ifdef __cplusplus
extern "C" {
#endif

#define IG_INDEX_FIELDS_MAX 8

typedef struct ig_index_opts {
    int fields;                            /* 0: one */
    double weight[IG_INDEX_FIELDS_MAX];    /* 0: 1 */
    double b[IG_INDEX_FIELDS_MAX];         /* 0: 0.75; negative: no normalisation; at most 1 */
    double k1;                             /* 0: 1.2 */
    size_t memory_max;                     /* bytes of postings held before they go to a run on disk; 0: 64 MiB */
} ig_index_opts;

typedef struct ig_index_term {
    const char *text;
    uint32_t len;   /* at most IG_INDEX_TERM_BYTES_MAX */
    uint32_t field; /* 0 … fields-1 */
} ig_index_term;

/* Building: the file at `path` appears whole, on finish.  Runs stand beside it (path.run0 …) and go with the builder. */
typedef struct ig_index_builder ig_index_builder;
ig_status ig_index_builder_new(const char *path, const ig_index_opts *opts, ig_index_builder **out, ig_error *err);
/* The next document; one without terms has a number too.  After a failure only ig_index_builder_free is left. */
ig_status ig_index_builder_add(ig_index_builder *b, const ig_index_term *terms, size_t n, ig_error *err);
ig_status ig_index_builder_finish(ig_index_builder *b, ig_error *err);
void ig_index_builder_free(ig_index_builder *b); /* NULL is allowed */

typedef struct ig_index ig_index;
/* A damaged file is IG_E_FORMAT with its name: checksums, and every number that leads anywhere, are checked here, once. */
ig_status ig_index_open(const char *path, ig_index **out, ig_error *err);
void ig_index_close(ig_index *x); /* NULL is allowed */
uint32_t ig_index_documents(const ig_index *x);
/* In how many documents a term stands (0: in none), and its idf (may be NULL). */
uint32_t ig_index_df(const ig_index *x, const char *text, size_t len, double *idf);

typedef struct ig_index_query {
    const char *text;
    uint32_t len;
    double weight; /* > 0 */
} ig_index_query;

typedef struct ig_index_hit {
    uint32_t document;
    double score;
} ig_index_hit;

/* Documents that may be found; false hides one (a tombstone). */
typedef bool ig_index_filter(void *arg, uint32_t document);

/* The best k documents, best first, equal ones by number; hits [k], *count of them found.  `keep` may be NULL.
 * Block-max WAND (Ding, Suel 2011): documents that cannot be among the best are not scored; the result is that of scoring all. */
ig_status ig_index_search(const ig_index *x, const ig_index_query *terms, size_t n, ig_index_filter *keep, void *arg, size_t k,
                          ig_index_hit *hits, size_t *count, ig_error *err);
/* The same scores for given documents, in any order: scores [m], 0 where no term stands. */
ig_status ig_index_score(const ig_index *x, const ig_index_query *terms, size_t n, const uint32_t *documents, size_t m,
                         double *scores, ig_error *err);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
