/* text/analyze_impl.h: what the files of the analyzer share.
 *
 *     UTF-8 ──analyze_normalize.c──► units (UTF-16, each with the bytes it was made of)
 *           ──analyze.c────────────► terms          (words of ICU, codes, stems, bigrams)
 *           ──analyze_ngrams.c─────► hashes
 *
 * The arrays keep their memory from call to call: a warm analyzer allocates nothing.
 */
#ifndef TEXT_ANALYZE_IMPL_H
#define TEXT_ANALYZE_IMPL_H

#include <libstemmer.h>
#include <unicode/ubrk.h>
#include <unicode/unorm2.h>

#include "ingot/analyze.h"
#include "ingot/limits.h"

struct ig_analyzer {
    unsigned flags;
    UBreakIterator *words;
    struct sb_stemmer *stemmer;   /* NULL: no stems */
    const UNormalizer2 *fold;     /* ICU's, NFKC_Casefold */
    UChar *unit;                  /* [units] */
    uint32_t *begin, *end;        /* [units]: source bytes of each */
    size_t units, units_cap;
    ig_term *terms;
    size_t term_count, terms_cap;
    ig_buf bytes;                 /* texts of the terms; `text` of a term is an offset until all are there */
    uint64_t *hashes;
    size_t hash_count, hashes_cap;
    uint32_t *points;             /* code points of the normalised text, for n-grams */
    size_t points_cap;
};

/* Grow an array that holds *cap items of `size` bytes to at least `need`, doubling. */
ig_status ig_analyze_grow(void *array, size_t *cap, size_t need, size_t size, ig_error *err);
/* Fill unit, begin, end of `a` from the text. */
ig_status ig_analyze_units(ig_analyzer *a, const char *text, size_t n, ig_error *err);
bool ig_analyze_is_chinese(uint32_t cp);

#endif
