/* retrieval/rank_terms.h: what a text is made of, for the ranker: three bags of 64-bit hashes.
 *
 *     GRAM  characters: four of a script with letters (over words' borders), two of Chinese
 *     WORD  words of the analyzer: stems, Chinese dictionary words, numbers and product codes
 *     LONG  two neighbouring words of a script with letters; three and four Chinese characters
 *
 * Hashes of different bags differ, so that bags can be poured together.  They are the same on every machine.
 */
#ifndef INGOT_RETRIEVAL_RANK_TERMS_H
#define INGOT_RETRIEVAL_RANK_TERMS_H

#include "ingot/analyze.h"

enum { RANK_BAG_GRAM, RANK_BAG_WORD, RANK_BAG_LONG, RANK_BAGS };
#define RANK_TEXT_MAX 16384u /* bytes of a text that are read; a passage is a section, not a book */

typedef struct rank_term {
    uint64_t hash;
    uint32_t tf;
} rank_term;

typedef struct rank_bag { /* sorted by hash, each once */
    rank_term *term;
    size_t n, cap;
} rank_bag;

typedef struct rank_terms {
    ig_analyzer *analyzer;
    ig_buf text;
    uint32_t *cp; /* the normalised text: letters and digits, one space between others */
    size_t cps, cp_cap;
    rank_bag bag[RANK_BAGS];
    rank_bag mixed; /* GRAM and WORD together */
} rank_terms;

ig_status ig_rank_terms_init(rank_terms *t, ig_error *err);
void ig_rank_terms_fini(rank_terms *t);
/* Fill all bags; valid until the next call. */
ig_status ig_rank_terms_read(rank_terms *t, const char *text, size_t len, ig_error *err);
/* The first n bytes of a text or fewer, not cutting a character. */
size_t ig_rank_cut(const char *text, size_t len, size_t max);

#endif
