/* text/analyze_normalize.c: UTF-8 to normalised UTF-16 units that know the bytes they came from.
 *
 * NFKC with case folding is ICU's NFKC_Casefold, which also drops what cannot be seen.  It is asked for stretches between two
 * places that no normalisation joins; ASCII and the common Chinese block, which it leaves alone but for case, go by it.
 * Traditional characters become simplified ones by a table of single characters, filled once from ICU's transliterator: the rules
 * of that transliterator for whole phrases are given up, and places in the text stay what they are.   (UAX #15; ICU Hant-Hans)
 */
#include <pthread.h>
#include <string.h>
#include <unicode/utrans.h>
#include <unicode/ustring.h>

#include "text/analyze_impl.h"

#define HAN_FIRST    0x3400u
#define HAN_LAST     0x9fffu
#define HAN_COUNT    (HAN_LAST - HAN_FIRST + 1)
#define SLICE        512u /* characters that are transliterated at once */
#define STRETCH_MAX  64   /* code points between two boundaries: more marks than that on a letter are no text */
#define MADE_MAX     (STRETCH_MAX * 18 * 2)
#define INVALID      0xfffdu

/* ---- traditional to simplified ---- */

static uint16_t simplified[HAN_COUNT]; /* constant after table_once */
static UErrorCode table_status;
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

/* Every character alone on a line, so that no rule sees two; where the lines do not come back one to one nothing is changed. */
static void fill_slice(UTransliterator *t, uint32_t first, uint32_t count) {
    UChar lines[SLICE * 4];
    int32_t n = 0, end;
    for (uint32_t i = 0; i < count; i++) {
        lines[n++] = (UChar)(first + i);
        lines[n++] = '\n';
    }
    end = n;
    utrans_transUChars(t, lines, &n, (int32_t)(sizeof lines / sizeof *lines), 0, &end, &table_status);
    if (U_FAILURE(table_status) || n != (int32_t)count * 2) return;
    for (uint32_t i = 0; i < count; i++)
        if (lines[2 * i + 1] == '\n' && !U16_IS_SURROGATE(lines[2 * i])) simplified[first + i - HAN_FIRST] = lines[2 * i];
}

static void fill_table(void) {
    static const UChar name[] = u"Hant-Hans";
    for (uint32_t i = 0; i < HAN_COUNT; i++) simplified[i] = (uint16_t)(HAN_FIRST + i);
    UTransliterator *t = utrans_openU(name, -1, UTRANS_FORWARD, NULL, 0, NULL, &table_status);
    for (uint32_t at = HAN_FIRST; at <= HAN_LAST && !U_FAILURE(table_status); at += SLICE)
        fill_slice(t, at, HAN_LAST - at + 1 < SLICE ? HAN_LAST - at + 1 : SLICE);
    if (t) utrans_close(t);
}

static UChar simplify(UChar u) {
    return u >= HAN_FIRST && u <= HAN_LAST ? simplified[u - HAN_FIRST] : u;
}

bool ig_analyze_is_chinese(uint32_t cp) {
    return (cp >= HAN_FIRST && cp <= HAN_LAST) || (cp >= 0x20000 && cp <= 0x323af) || (cp >= 0xf900 && cp <= 0xfaff);
}

/* ---- units ---- */

ig_status ig_analyze_grow(void *array, size_t *cap, size_t need, size_t size, ig_error *err) {
    if (need <= *cap) return IG_OK;
    size_t more = *cap ? *cap : 256;
    while (more < need)
        if (!ig_mul_size(more, 2, &more)) return ig_error_set(err, IG_E_LIMIT, "the text is too long");
    void *old, *grown;
    memcpy(&old, array, sizeof old);
    grown = ig_realloc_array(old, more, size);
    if (!grown) return ig_error_nomem(err, more * size);
    memcpy(array, &grown, sizeof grown);
    *cap = more;
    return IG_OK;
}

static ig_status reserve(ig_analyzer *a, size_t more, ig_error *err) {
    if (a->units + more <= a->units_cap) return IG_OK;
    size_t one = a->units_cap, two = a->units_cap;
    IG_TRY(ig_analyze_grow(&a->begin, &one, a->units + more, sizeof *a->begin, err));
    IG_TRY(ig_analyze_grow(&a->end, &two, a->units + more, sizeof *a->end, err));
    return ig_analyze_grow(&a->unit, &a->units_cap, a->units + more, sizeof *a->unit, err);
}

static void put(ig_analyzer *a, UChar u, size_t begin, size_t end) {
    a->unit[a->units] = simplify(u);
    a->begin[a->units] = (uint32_t)begin;
    a->end[a->units] = (uint32_t)end;
    a->units++;
}

static size_t decode(const char *s, size_t at, size_t n, uint32_t *cp) {
    size_t len = ig_utf8_decode(s + at, n - at, cp);
    if (!len) *cp = INVALID;
    return len ? len : 1;
}

static bool plain(uint32_t cp) {
    return cp < 0x80 || (cp >= 0x4e00 && cp <= HAN_LAST);
}

/* Fold the stretch that begins at s[at]; returns where it ends. */
static ig_status fold_stretch(ig_analyzer *a, const char *s, size_t *at, size_t n, ig_error *err) {
    UChar source[STRETCH_MAX * 2], made[MADE_MAX];
    int32_t len = 0;
    uint32_t cp;
    size_t end = *at;
    for (int i = 0; i < STRETCH_MAX && end < n; i++) {
        size_t step = decode(s, end, n, &cp);
        if (i && unorm2_hasBoundaryBefore(a->fold, (UChar32)cp)) break;
        U16_APPEND_UNSAFE(source, len, cp);
        end += step;
    }
    UErrorCode code = U_ZERO_ERROR;
    int32_t count = unorm2_normalize(a->fold, source, len, made, MADE_MAX, &code);
    if (U_FAILURE(code)) return ig_error_set(err, IG_E_FORMAT, "the text cannot be normalised: %s", u_errorName(code));
    IG_TRY(reserve(a, (size_t)count, err));
    for (int32_t i = 0; i < count; i++) put(a, made[i], *at, end);
    *at = end;
    return IG_OK;
}

ig_status ig_analyze_units(ig_analyzer *a, const char *text, size_t n, ig_error *err) {
    if (n > IG_ANALYZE_BYTES_MAX)
        return ig_error_set(err, IG_E_LIMIT, "a text of %zu bytes is too long to analyse at once (at most %u): give it in parts", n,
                            IG_ANALYZE_BYTES_MAX);
    pthread_once(&table_once, fill_table);
    if (U_FAILURE(table_status))
        return ig_error_set(err, IG_E_UNSUPPORTED, "ICU has no Hant-Hans: %s", u_errorName(table_status));
    a->units = 0;
    IG_TRY(reserve(a, n + 1, err));
    for (size_t at = 0; at < n;) {
        uint32_t cp, next = 0;
        size_t len = decode(text, at, n, &cp);
        if (plain(cp) && at + len < n && (uint8_t)text[at + len] >= 0x80) decode(text, at + len, n, &next);
        if (plain(cp) && plain(next)) {
            IG_TRY(reserve(a, 1, err));
            put(a, (UChar)(cp >= 'A' && cp <= 'Z' ? cp + 32 : cp), at, at + len);
            at += len;
        } else {
            IG_TRY(fold_stretch(a, text, &at, n, err));
        }
    }
    return IG_OK;
}

ig_status ig_analyze_normalize(ig_analyzer *a, const char *text, size_t n, ig_buf *out, ig_error *err) {
    IG_TRY(ig_analyze_units(a, text, n, err));
    for (size_t i = 0; i < a->units;) {
        UChar32 cp;
        char utf8[4];
        U16_NEXT_OR_FFFD(a->unit, i, a->units, cp);
        ig_buf_append(out, utf8, ig_utf8_encode((uint32_t)cp, utf8));
    }
    return ig_buf_status(out, err);
}
