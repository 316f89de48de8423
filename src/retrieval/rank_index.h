/* retrieval/rank_index.h: what the ranker knows of the passages: five channels, and which form belongs to which passage.
 *
 * Four channels have one document a passage, in the order of the features; the fifth has one a form (a known question).
 * Passages' words, forms' norms and the forms of a passage are derived when it is opened.
 */
#ifndef INGOT_RETRIEVAL_RANK_INDEX_H
#define INGOT_RETRIEVAL_RANK_INDEX_H

#include "ingot/ranker.h"
#include "retrieval/rank_channel.h"
#include "retrieval/rank_file.h"

enum { RANK_GRAM, RANK_WORD, RANK_LONG, RANK_BEGIN, RANK_FORM, RANK_CHANNELS };
#define RANK_NONE UINT32_MAX

/* Questions with what is known about them: the forms of the passages, then the caller's cases. */
typedef struct rank_pairs {
    size_t n;
    const char **text;
    uint32_t *passage;           /* RANK_NONE: not known */
    float *weight;
    uint64_t *key;               /* hash of the folded text: equal questions share it, and so their fold */
    const ig_rank_case **of;     /* NULL: a form of the passage */
    uint64_t *begin;             /* [n + 1] into word: different words of each question */
    uint32_t *word;
    uint64_t *word_hash;         /* [words] */
    size_t words, word_cap, hash_cap;
} rank_pairs;

typedef struct rank_index {
    rank_channel channel[RANK_CHANNELS];
    size_t passages, forms;
    const uint32_t *form_passage; /* [forms] */
    const uint64_t *form_key;     /* [forms] */
    const uint64_t *id_end;       /* [passages] into ids, each with its NUL */
    const char *ids;
    uint64_t *word_begin;         /* [passages + 1]: the passage's words, as numbers of channel WORD */
    uint32_t *word;
    uint8_t *word_tf;
    float *form_norm;             /* [forms] */
    void *block[RANK_CHANNELS + 4]; /* owned: when built; NULL when mapped */
    size_t size[RANK_CHANNELS + 4]; /* sections: the channels, form_passage, form_key, id_end, ids */
} rank_index;

ig_status ig_rank_pairs_make(const ig_rank_passage *passages, size_t n, const ig_rank_case *cases, size_t m, rank_pairs *out,
                             ig_error *err);
void ig_rank_pairs_fini(rank_pairs *p);

/* Forms are the pairs that name a passage and weigh a half or more; the words of all pairs are noted in them. */
ig_status ig_rank_index_build(const ig_rank_passage *passages, size_t n, rank_pairs *pairs, const ig_ranker_opts *opts,
                              rank_index *out,
                              ig_error *err);
ig_status ig_rank_index_save(const rank_index *x, const char *path, ig_error *err);
/* The sections of `f` stay mapped by the caller while the index is used. */
ig_status ig_rank_index_open(const rank_file *f, rank_index *out, ig_error *err);
void ig_rank_index_fini(rank_index *x);

#endif
