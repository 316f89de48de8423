/* retrieval/match_text.h: what the matcher sees of a text: words and pairs of words, and pieces of 2 to 5 characters. */
#ifndef INGOT_RETRIEVAL_MATCH_TEXT_H
#define INGOT_RETRIEVAL_MATCH_TEXT_H

#include "ingot/base.h"

typedef enum match_kind { MATCH_WORDS, MATCH_PIECES, MATCH_KINDS } match_kind;

/* One gram: the bytes [from, to) of the text, hashed; `word` is the number of the word that it starts in. */
typedef struct match_gram {
    uint64_t hash;
    uint32_t word, from, to;
    match_kind kind;
} match_gram;

typedef struct match_letter {
    uint32_t point, from, to; /* lower case; bytes in the text */
} match_letter;

/* The grams of one text.  All zero at first; memory is kept from text to text. */
typedef struct match_grams {
    match_gram *item;
    size_t count, cap;
    size_t words;
    match_letter *letter;
    size_t letters, letter_cap;
} match_grams;

/* Reads at most IG_MATCH_TEXT_MAX characters; invalid bytes separate words. */
ig_status match_grams_read(match_grams *g, const char *text, size_t len, ig_error *err);
void match_grams_fini(match_grams *g);

#endif
