/* text/normalize_icu.c: the normalisers that need Unicode's tables, from ICU: normal forms, case, accents, BERT's cleaning.
 *
 * Normal forms go through UTF-16, which is what ICU normalises; a text is bounded so that its lengths fit ICU's.  All else
 * looks at one code point at a time, as the tokenizers of Hugging Face do.   (Devlin et al. 2018, tokenization.py)
 */
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

#include "text/tokenizer_impl.h"

#define CHUNK_UNITS    1024 /* normalised at once */
#define GROWTH         19   /* NFKD makes at most 18 units of one */
#define FORM_BYTES_MAX  (64 << 20) /* of a text: its units must fit ICU's lengths */
#define INVALID         0xfffdu

bool ig_tok_is_space(uint32_t cp) {
    return u_hasBinaryProperty((UChar32)cp, UCHAR_WHITE_SPACE);
}

/* ---- normal forms ---- */

static const UNormalizer2 *normalizer_of(tok_step_kind form, UErrorCode *code) {
    switch (form) {
    case TOK_STEP_NFC: return unorm2_getNFCInstance(code);
    case TOK_STEP_NFD: return unorm2_getNFDInstance(code);
    case TOK_STEP_NFKC: return unorm2_getNFKCInstance(code);
    default: return unorm2_getNFKDInstance(code);
    }
}

static ig_status append_units(const UChar *units, int32_t n, ig_buf *out, ig_error *err) {
    for (int32_t i = 0; i < n;) {
        UChar32 cp;
        char utf8[4];
        U16_NEXT_OR_FFFD(units, i, n, cp);
        ig_buf_append(out, utf8, ig_utf8_encode((uint32_t)cp, utf8));
    }
    return ig_buf_status(out, err);
}

/* Where the chunk that starts at `start` ends: before a character that no form joins to what is before it.  A run of marks
 * without such a place is cut all the same: putting them in order takes the square of their number. */
static int32_t chunk_end(const UNormalizer2 *form, const UChar *units, int32_t start, int32_t n) {
    if (n - start <= CHUNK_UNITS) return n;
    int32_t longest = start + CHUNK_UNITS;
    U16_SET_CP_START(units, start, longest);
    for (int32_t end = longest; end > start;) {
        UChar32 cp;
        U16_GET(units, start, end, n, cp);
        if (unorm2_hasBoundaryBefore(form, cp)) return end;
        U16_BACK_1(units, start, end);
    }
    return longest;
}

static ig_status normalize_units(const UNormalizer2 *form, const UChar *units, int32_t n, ig_buf *out, ig_error *err) {
    const int32_t cap = CHUNK_UNITS * GROWTH;
    UChar *made = ig_realloc_array(NULL, (size_t)cap, sizeof *made);
    if (!made) return ig_error_nomem(err, (size_t)cap * sizeof *made);
    ig_status status = IG_OK;
    for (int32_t at = 0, end; at < n && status == IG_OK; at = end) {
        UErrorCode code = U_ZERO_ERROR;
        end = chunk_end(form, units, at, n);
        int32_t len = unorm2_normalize(form, units + at, end - at, made, cap, &code);
        status = U_FAILURE(code) ? ig_error_set(err, IG_E_FORMAT, "the text cannot be normalised: %s", u_errorName(code))
                                 : append_units(made, len, out, err);
    }
    ig_free(made);
    return status;
}

static bool is_ascii(const char *s, size_t n) {
    for (size_t i = 0; i < n; i++)
        if ((uint8_t)s[i] >= 0x80) return false;
    return true;
}

ig_status ig_tok_norm_form(tok_step_kind form, const char *s, size_t n, ig_buf *out, ig_error *err) {
    if (is_ascii(s, n)) {
        ig_buf_append(out, s, n);
        return ig_buf_status(out, err);
    }
    if (n > FORM_BYTES_MAX)
        return ig_error_set(err, IG_E_LIMIT, "a text of %zu bytes is too long to normalise at once (at most %d)", n,
                            FORM_BYTES_MAX);
    UErrorCode code = U_ZERO_ERROR;
    const UNormalizer2 *normalizer = normalizer_of(form, &code);
    if (U_FAILURE(code)) return ig_error_set(err, IG_E_UNSUPPORTED, "ICU has no normaliser: %s", u_errorName(code));
    UChar *units = ig_realloc_array(NULL, n + 1, sizeof *units);
    if (!units) return ig_error_nomem(err, n * sizeof *units);
    int32_t count = 0;
    u_strFromUTF8WithSub(units, (int32_t)n + 1, &count, s, (int32_t)n, INVALID, NULL, &code);
    ig_status status = U_FAILURE(code) ? ig_error_set(err, IG_E_FORMAT, "the text cannot be normalised: %s", u_errorName(code))
                                       : normalize_units(normalizer, units, count, out, err);
    ig_free(units);
    return status;
}

/* ---- one character at a time ---- */

static void put(uint32_t cp, ig_buf *out) {
    char utf8[4];
    ig_buf_append(out, utf8, ig_utf8_encode(cp, utf8));
}

static void put_lower(uint32_t cp, ig_buf *out) {
    put((uint32_t)u_tolower((UChar32)cp), out);
    if (cp == 0x130) put(0x307, out); /* İ: the one letter whose full lower case is two */
}

/* SentencePiece's "nmt" rules: controls go, odd spaces become spaces. */
static void put_nmt(uint32_t cp, ig_buf *out) {
    bool gone = (cp >= 1 && cp <= 8) || cp == 0xb || (cp >= 0xe && cp <= 0x1f) || cp == 0x7f || cp == 0x8f || cp == 0x9f;
    bool space = cp == 9 || cp == 0xa || cp == 0xc || cp == 0xd || cp == 0x1680 || (cp >= 0x200b && cp <= 0x200f) ||
                 cp == 0x2028 || cp == 0x2029 || cp == 0x2581 || cp == 0xfeff || cp == INVALID;
    if (!gone) put(space ? ' ' : cp, out);
}

static bool is_chinese(uint32_t cp) {
    return (cp >= 0x4e00 && cp <= 0x9fff) || (cp >= 0x3400 && cp <= 0x4dbf) || (cp >= 0x20000 && cp <= 0x2a6df) ||
           (cp >= 0x2a700 && cp <= 0x2b73f) || (cp >= 0x2b740 && cp <= 0x2b81f) || (cp >= 0x2b920 && cp <= 0x2ceaf) ||
           (cp >= 0xf900 && cp <= 0xfaff) || (cp >= 0x2f800 && cp <= 0x2fa1f);
}

static bool is_other(uint32_t cp) {
    return (U_GET_GC_MASK((UChar32)cp) & U_GC_C_MASK) != 0;
}

/* The first half of BERT's cleaning; accents and case follow. */
static void put_clean(uint32_t cp, unsigned flags, ig_buf *out) {
    bool space = cp == '\t' || cp == '\n' || cp == '\r' || ig_tok_is_space(cp);
    if (flags & TOK_BERT_CLEAN) {
        if (!cp || cp == INVALID || (is_other(cp) && cp != '\t' && cp != '\n' && cp != '\r')) return;
        if (space) cp = ' ';
    }
    bool apart = (flags & TOK_BERT_CHINESE) && is_chinese(cp);
    if (apart) ig_buf_putc(out, ' ');
    put(cp, out);
    if (apart) ig_buf_putc(out, ' ');
}

static ig_status each_char(const tok_step *step, tok_step_kind what, const char *s, size_t n, ig_buf *out, ig_error *err) {
    for (size_t at = 0, len; at < n; at += len) {
        uint32_t cp = INVALID;
        len = ig_utf8_decode(s + at, n - at, &cp);
        if (!len && what != TOK_STEP_BERT) ig_buf_putc(out, s[at]); /* BERT drops what is no UTF-8 */
        if (len && what == TOK_STEP_NMT) put_nmt(cp, out);
        if (len && what == TOK_STEP_LOWERCASE) put_lower(cp, out);
        if (len && what == TOK_STEP_STRIP_ACCENTS && u_charType((UChar32)cp) != U_NON_SPACING_MARK) put(cp, out);
        if (len && what == TOK_STEP_BERT) put_clean(cp, step->flags, out);
        len = len ? len : 1;
    }
    return ig_buf_status(out, err);
}

static ig_status bert(const tok_step *step, ig_buf *one, ig_buf *two, const char *s, size_t n, ig_buf *out, ig_error *err) {
    IG_TRY(each_char(step, TOK_STEP_BERT, s, n, one, err));
    if (step->flags & TOK_BERT_ACCENTS) {
        IG_TRY(ig_tok_norm_form(TOK_STEP_NFD, one->data ? one->data : "", one->len, two, err));
        ig_buf_clear(one);
        IG_TRY(each_char(step, TOK_STEP_STRIP_ACCENTS, two->data ? two->data : "", two->len, one, err));
    }
    if (step->flags & TOK_BERT_LOWER)
        return each_char(step, TOK_STEP_LOWERCASE, one->data ? one->data : "", one->len, out, err);
    ig_buf_append(out, one->data, one->len);
    return ig_buf_status(out, err);
}

ig_status ig_tok_norm_chars(const tok_step *step, const char *s, size_t n, ig_buf *out, ig_error *err) {
    if (step->kind != TOK_STEP_BERT) return each_char(step, step->kind, s, n, out, err);
    ig_buf one = {.max = IG_TEXT_BYTES_MAX}, two = {.max = IG_TEXT_BYTES_MAX};
    ig_status status = bert(step, &one, &two, s, n, out, err);
    ig_buf_fini(&one);
    ig_buf_fini(&two);
    return status;
}
