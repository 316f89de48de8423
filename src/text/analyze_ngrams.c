/* text/analyze_ngrams.c: hashes of character n-grams, and the language of a text by its scripts.
 *
 * N-grams of words between spaces are those that scikit-learn calls char_wb: a learner sees beginnings and ends of words, and
 * none of their accidental neighbours.  Hashes are of code points as little-endian bytes, so that they are the same everywhere.
 */
#include <unicode/uchar.h>
#include <unicode/uscript.h>

#include "text/analyze_impl.h"

#define SEED 0x6e6772616d73ull

typedef struct gram_range {
    size_t from, to;
} gram_range;

/* The normalised text as code points, white space as single spaces, one at each end. */
static ig_status fill_points(ig_analyzer *a, size_t *count, ig_error *err) {
    IG_TRY(ig_analyze_grow(&a->points, &a->points_cap, a->units + 2, sizeof *a->points, err));
    size_t n = 0;
    a->points[n++] = ' ';
    for (size_t i = 0; i < a->units;) {
        UChar32 cp;
        U16_NEXT_OR_FFFD(a->unit, i, a->units, cp);
        if (!u_hasBinaryProperty(cp, UCHAR_WHITE_SPACE)) a->points[n++] = (uint32_t)cp;
        else if (a->points[n - 1] != ' ') a->points[n++] = ' ';
    }
    if (a->points[n - 1] != ' ') a->points[n++] = ' ';
    *count = n == 1 ? 0 : n;
    return IG_OK;
}

static uint64_t hash_points(const uint32_t *p, size_t n) {
    uint8_t bytes[IG_NGRAM_MAX * 4];
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < 4; k++) bytes[4 * i + (size_t)k] = (uint8_t)(p[i] >> (8 * k));
    return ig_hash64(bytes, n * 4, SEED);
}

/* N-grams of points[0..n), spaces at both ends included; what is shorter than the shortest gives itself. */
static ig_status grams(ig_analyzer *a, const uint32_t *p, size_t n, gram_range r, ig_error *err) {
    if (n < r.from) r.from = r.to = n;
    for (size_t at = 0; at + r.from <= n; at++) {
        IG_TRY(ig_analyze_grow(&a->hashes, &a->hashes_cap, a->hash_count + (r.to - r.from + 1), sizeof *a->hashes, err));
        for (size_t len = r.from; len <= r.to && at + len <= n; len++) a->hashes[a->hash_count++] = hash_points(p + at, len);
    }
    return IG_OK;
}

static ig_status word_grams(ig_analyzer *a, size_t n, gram_range r, ig_error *err) {
    for (size_t at = 0, end; at + 1 < n; at = end) {
        for (end = at + 1; a->points[end] != ' ';) end++;
        IG_TRY(grams(a, a->points + at, end + 1 - at, r, err));
    }
    return IG_OK;
}

ig_status ig_analyze_ngrams(ig_analyzer *a, const char *text, size_t n, int from, int to, bool word_bounded,
                            const uint64_t **hashes, size_t *count, ig_error *err) {
    if (from < 1 || to < from || to > IG_NGRAM_MAX)
        return ig_error_set(err, IG_E_ARG, "n-grams of %d to %d characters: give 1 <= from <= to <= %d", from, to, IG_NGRAM_MAX);
    size_t points;
    a->hash_count = 0;
    IG_TRY(ig_analyze_units(a, text, n, err));
    IG_TRY(fill_points(a, &points, err));
    gram_range r = {(size_t)from, (size_t)to};
    if (word_bounded) IG_TRY(word_grams(a, points, r, err));
    else if (points) IG_TRY(grams(a, a->points, points, r, err));
    *hashes = a->hashes;
    *count = a->hash_count;
    return IG_OK;
}

/* ---- language ---- */

static void count_letter(uint32_t cp, size_t *han, size_t *latin, size_t *other) {
    if (cp < 0x80) {
        *latin += (cp | 32) >= 'a' && (cp | 32) <= 'z';
        return;
    }
    if (!u_isalpha((UChar32)cp)) return;
    UErrorCode code = U_ZERO_ERROR;
    UScriptCode script = uscript_getScript((UChar32)cp, &code);
    if (script == USCRIPT_HAN) *han += 3;
    else if (script == USCRIPT_LATIN && cp < 0xff00) *latin += 1, *other += 4; /* an accent speaks against English */
    else if (script == USCRIPT_LATIN) *latin += 1;
    else *other += 3;
}

ig_language ig_text_language(const char *text, size_t n) {
    size_t han = 0, latin = 0, other = 0;
    for (size_t at = 0, len; at < n; at += len ? len : 1) {
        uint32_t cp = 0;
        len = ig_utf8_decode(text + at, n - at, &cp);
        if (len) count_letter(cp, &han, &latin, &other);
    }
    size_t all = han + latin + other;
    if (!all || other * 3 >= all) return IG_LANGUAGE_OTHER;
    if (han * 10 >= (han + latin) * 7) return IG_LANGUAGE_ZH;
    return latin * 100 >= (han + latin) * 85 ? IG_LANGUAGE_EN : IG_LANGUAGE_MIXED;
}

const char *ig_language_name(ig_language l) {
    static const char *const names[] = {"other", "en", "zh", "mixed"};
    return names[l];
}
