/* ingot/analyze.h: texts to index terms, for search and for classifiers, in English and Chinese.
 *
 * A text is normalised (NFKC, case folded, traditional characters to simplified ones), cut into words by ICU, with its
 * dictionary where Chinese is written without spaces, and English words are cut to their stems by Snowball.  What a customer
 * types as one thing, a product code such as "A4-2000x" or a price such as "¥199", stays one term.
 *
 *     退款 of the A4-2000x:   退款 CHINESE   of WORD   the WORD   a4-2000x NUMBER
 *
 * An analyzer belongs to one thread at a time (ICU's break iterators cannot be shared); make one per thread and keep it.
 */
#ifndef INGOT_ANALYZE_H
#define INGOT_ANALYZE_H

#include "ingot/base.h"

#pragma GCC visibility push(default) /* what stands here, libingot.so exports */
#ifdef __cplusplus
extern "C" {
#endif

/* Kinds of terms, also flags of ig_analyze_opts. */
typedef enum ig_term_kind {
    IG_TERM_WORD = 1,    /* a word of a script with spaces: its stem, unless IG_ANALYZE_NO_STEMS */
    IG_TERM_CHINESE = 2, /* a word by the Chinese (and Japanese) dictionary */
    IG_TERM_BIGRAM = 4,  /* two neighbouring Chinese characters; one where it stands alone and words are not asked for */
    IG_TERM_NUMBER = 8   /* a number, price or product code: anything with a digit, whole */
} ig_term_kind;

#define IG_TERM_ALL       15u
#define IG_ANALYZE_NO_STEMS 16u /* words as they are written, folded */
#define IG_ANALYZE_PARTS    32u /* of a product code also its parts: a4-2000x, a4, 2000x, at one position */

typedef struct ig_analyze_opts {
    unsigned flags;      /* kinds, or'ed with IG_ANALYZE_…; no kind: all of them */
    const char *stemmer; /* Snowball's name of a language; NULL: "english" */
} ig_analyze_opts;

typedef struct ig_term {
    const char *text; /* normalised UTF-8, NUL-terminated; borrowed until the analyzer's next call */
    uint32_t len;
    uint32_t position;   /* of its word in the text, from 0; a bigram has that of the word where it begins */
    uint32_t begin, end; /* bytes of the text that it was made of */
    ig_term_kind kind;
} ig_term;

typedef struct ig_analyzer ig_analyzer;
/* IG_E_NOT_FOUND for an unknown stemmer.  `opts` may be NULL. */
ig_status ig_analyzer_new(const ig_analyze_opts *opts, ig_analyzer **out, ig_error *err);
void ig_analyzer_free(ig_analyzer *a); /* NULL is allowed */

/* The terms of text[0..n), in the order of their first byte; borrowed until the next call.  Where words and bigrams are asked
 * for, a word of two characters is not said again as a bigram.  Bytes that are no UTF-8 separate words.  A text is at most
 * IG_ANALYZE_BYTES_MAX long (IG_E_LIMIT). */
ig_status ig_analyze(ig_analyzer *a, const char *text, size_t n, const ig_term **terms, size_t *count, ig_error *err);

/* Append the normalised text to `out`. */
ig_status ig_analyze_normalize(ig_analyzer *a, const char *text, size_t n, ig_buf *out, ig_error *err);

/* Hashes of the character n-grams of the normalised text, 1 <= from <= to <= IG_NGRAM_MAX, all lengths at a place one after
 * the other.  White space counts as one space.  word_bounded: of each word between two spaces, none across words (a word shorter
 * than n gives itself once).  Borrowed until the next call; the same on every machine. */
ig_status ig_analyze_ngrams(ig_analyzer *a, const char *text, size_t n, int from, int to, bool word_bounded,
                            const uint64_t **hashes, size_t *count, ig_error *err);

typedef enum ig_language { IG_LANGUAGE_OTHER, IG_LANGUAGE_EN, IG_LANGUAGE_ZH, IG_LANGUAGE_MIXED } ig_language;
/* A guess by scripts: a Chinese character weighs as three Latin letters.  From 70 % Chinese on it is zh, from 85 % Latin en (also
 * in other languages with few accents), mixed between them; other where a third is neither or there is no letter at all. */
ig_language ig_text_language(const char *text, size_t n);
const char *ig_language_name(ig_language l); /* "en", "zh", "mixed", "other" */

/* Bytes of unknown encoding as UTF-8, appended to `out` without byte order mark.  A byte order mark decides; else UTF-8 where it is
 * valid; else UTF-16 by its zero or Chinese high bytes; else GB18030, Big5 or Windows-1252, by how many frequent characters each
 * gives.  `hint` (may be NULL) is an encoding's name from outside (a Content-Type): tried first, left when the bytes break it.
 * *detected (may be NULL) gets a static name: "UTF-8", "UTF-16LE", "UTF-16BE", "UTF-32LE", "UTF-32BE", "GB18030", "Big5",
 * "windows-1252".
 * IG_E_FORMAT for bytes that are a text in none of them. */
ig_status ig_text_to_utf8(const void *bytes, size_t n, const char *hint, ig_buf *out, const char **detected, ig_error *err);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
