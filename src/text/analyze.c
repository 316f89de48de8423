/* text/analyze.c: normalised units to terms.
 *
 * ICU's word breaks are walked once.  At every break a product code is tried first, because ICU would cut it at its hyphens; a
 * stretch of Chinese words is followed by its characters, two by two, in the same walk, so that terms come in the order of the
 * text.  Stems are Snowball's (Porter 2001) and made of words of letters only.
 */
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/ustring.h>

#include "text/analyze_impl.h"

#define TERM_BYTES_MAX 255 /* longer runs of letters are no words: their head stands for them */

typedef struct walk {
    ig_analyzer *a;
    uint32_t position;
    ig_error *err;
} walk;

/* ---- making ---- */

static ig_status make_stemmer(ig_analyzer *a, const char *language, ig_error *err) {
    if (a->flags & IG_ANALYZE_NO_STEMS) return IG_OK;
    a->stemmer = sb_stemmer_new(language ? language : "english", "UTF_8");
    return a->stemmer ? IG_OK
                      : ig_error_set(err, IG_E_NOT_FOUND, "there is no stemmer \"%s\": give a language of Snowball, such as english",
                                     language ? language : "english");
}

ig_status ig_analyzer_new(const ig_analyze_opts *opts, ig_analyzer **out, ig_error *err) {
    ig_analyzer *a = ig_calloc(1, sizeof *a);
    if (!a) return ig_error_nomem(err, sizeof *a);
    UErrorCode code = U_ZERO_ERROR;
    a->flags = opts ? opts->flags : 0;
    if (!(a->flags & IG_TERM_ALL)) a->flags |= IG_TERM_ALL;
    a->bytes.max = (size_t)IG_ANALYZE_BYTES_MAX * 40;
    a->fold = unorm2_getNFKCCasefoldInstance(&code);
    a->words = ubrk_open(UBRK_WORD, "en", NULL, 0, &code);
    ig_status status = U_FAILURE(code) ? ig_error_set(err, IG_E_UNSUPPORTED, "ICU cannot break words: %s", u_errorName(code))
                                       : make_stemmer(a, opts ? opts->stemmer : NULL, err);
    if (status == IG_OK) *out = a;
    else ig_analyzer_free(a);
    return status;
}

void ig_analyzer_free(ig_analyzer *a) {
    if (!a) return;
    if (a->words) ubrk_close(a->words);
    if (a->stemmer) sb_stemmer_delete(a->stemmer);
    ig_buf_fini(&a->bytes);
    ig_free(a->unit);
    ig_free(a->begin);
    ig_free(a->end);
    ig_free(a->terms);
    ig_free(a->hashes);
    ig_free(a->points);
    ig_free(a);
}

/* ---- one term ---- */

static size_t to_utf8(const UChar *u, size_t n, char out[TERM_BYTES_MAX]) {
    size_t len = 0;
    for (size_t i = 0; i < n && len + 4 <= TERM_BYTES_MAX;) {
        UChar32 cp;
        U16_NEXT_OR_FFFD(u, i, n, cp);
        len += ig_utf8_encode((uint32_t)cp, out + len);
    }
    return len;
}

static ig_status put_term(walk *w, ig_term_kind kind, size_t from, size_t to) {
    ig_analyzer *a = w->a;
    char utf8[TERM_BYTES_MAX];
    if (!(a->flags & kind)) return IG_OK;
    IG_TRY(ig_analyze_grow(&a->terms, &a->terms_cap, a->term_count + 1, sizeof *a->terms, w->err));
    const char *text = utf8;
    size_t len = to_utf8(a->unit + from, to - from, utf8);
    if (kind == IG_TERM_WORD && a->stemmer) {
        const sb_symbol *stem = sb_stemmer_stem(a->stemmer, (const sb_symbol *)utf8, (int)len);
        if (!stem) return ig_error_nomem(w->err, len);
        text = (const char *)stem, len = (size_t)sb_stemmer_length(a->stemmer);
    }
    if (!len) return IG_OK;
    a->terms[a->term_count++] = (ig_term){.text = (const char *)a->bytes.len, .len = (uint32_t)len, .position = w->position,
                                          .begin = a->begin[from], .end = a->end[to - 1], .kind = kind};
    ig_buf_append(&a->bytes, text, len);
    ig_buf_putc(&a->bytes, '\0');
    return IG_OK;
}

/* ---- codes ---- */

static bool in_code(UChar u) {
    return (u >= '0' && u <= '9') || (u >= 'a' && u <= 'z');
}

static bool is_currency(UChar u) {
    return u == '$' || u == 0xa3 || u == 0xa5 || u == 0x20ac;
}

static bool joins_code(UChar u) {
    return u == '-' || u == '_' || u == '.' || u == ',' || u == '/' || u == ':' || u == '+' || u == '#';
}

/* Where the code that begins at `from` ends, with its currency and per cent sign; `from` where there is none.  Letters and digits
 * joined by single signs, at least one digit. */
static size_t code_end(const ig_analyzer *a, size_t from) {
    size_t at = from, digits = 0;
    if (is_currency(a->unit[at])) at++;
    for (; at < a->units; at++) {
        UChar u = a->unit[at];
        if (!in_code(u) && !(joins_code(u) && at > from && at + 1 < a->units && in_code(a->unit[at - 1]) && in_code(a->unit[at + 1])))
            break;
        digits += u >= '0' && u <= '9';
    }
    if (!digits) return from;
    if (at < a->units && u_isalpha(a->unit[at]) && !ig_analyze_is_chinese(a->unit[at])) return from; /* 3º, 2ème: ICU's to cut */
    return at + (at < a->units && a->unit[at] == '%');
}

static ig_status put_code(walk *w, size_t from, size_t to) {
    IG_TRY(put_term(w, IG_TERM_NUMBER, from, to));
    if (w->a->flags & IG_ANALYZE_PARTS)
        for (size_t at = from, end; at < to; at = end + 1) {
            for (end = at; end < to && in_code(w->a->unit[end]);) end++;
            if (end > at && end - at < to - from) IG_TRY(put_term(w, IG_TERM_NUMBER, at, end));
        }
    w->position++;
    return IG_OK;
}

/* ---- Chinese ---- */

static size_t char_end(const ig_analyzer *a, size_t at, UChar32 *cp) {
    U16_NEXT_OR_FFFD(a->unit, at, a->units, *cp);
    return at;
}

/* The bigrams that begin in the word [from,to).  `alone`: no Chinese stands before the word. */
static ig_status put_bigrams(walk *w, size_t from, size_t to, bool alone) {
    bool words = w->a->flags & IG_TERM_CHINESE;
    for (size_t at = from, next; at < to; at = next) {
        UChar32 one, two = 0;
        next = char_end(w->a, at, &one);
        size_t end = next < w->a->units ? char_end(w->a, next, &two) : next;
        bool pair = ig_analyze_is_chinese((uint32_t)one) && ig_analyze_is_chinese((uint32_t)two);
        if (pair && !(words && at == from && end == to)) IG_TRY(put_term(w, IG_TERM_BIGRAM, at, end));
        if (!pair && alone && at == from && next == to && !words) IG_TRY(put_term(w, IG_TERM_BIGRAM, at, next));
    }
    return IG_OK;
}

static ig_status put_chinese(walk *w, size_t from, size_t to) {
    UChar32 before = 0;
    if (from) U16_GET(w->a->unit, 0, from - 1, w->a->units, before);
    IG_TRY(put_term(w, IG_TERM_CHINESE, from, to));
    if (w->a->flags & IG_TERM_BIGRAM) IG_TRY(put_bigrams(w, from, to, !ig_analyze_is_chinese((uint32_t)before)));
    w->position++;
    return IG_OK;
}

/* ---- the walk ---- */

static ig_status put_piece(walk *w, size_t from, size_t to, int32_t rule) {
    if (rule >= UBRK_WORD_KANA) return put_chinese(w, from, to);
    if (rule < UBRK_WORD_NUMBER) return IG_OK;
    IG_TRY(put_term(w, rule < UBRK_WORD_LETTER ? IG_TERM_NUMBER : IG_TERM_WORD, from, to));
    w->position++;
    return IG_OK;
}

static ig_status walk_words(walk *w) {
    ig_analyzer *a = w->a;
    UErrorCode code = U_ZERO_ERROR;
    ubrk_setText(a->words, a->unit, (int32_t)a->units, &code);
    if (U_FAILURE(code)) return ig_error_set(w->err, IG_E_FORMAT, "the text cannot be cut into words: %s", u_errorName(code));
    int32_t from = ubrk_first(a->words), to;
    for (size_t done = 0; (to = ubrk_next(a->words)) != UBRK_DONE; from = to) {
        if ((size_t)from < done) continue; /* within a code */
        size_t end = code_end(a, (size_t)from);
        if (end > (size_t)from) IG_TRY(put_code(w, (size_t)from, done = end));
        else IG_TRY(put_piece(w, (size_t)from, (size_t)to, ubrk_getRuleStatus(a->words)));
    }
    return ig_buf_status(&a->bytes, w->err);
}

ig_status ig_analyze(ig_analyzer *a, const char *text, size_t n, const ig_term **terms, size_t *count, ig_error *err) {
    *terms = NULL;
    *count = 0;
    a->term_count = 0;
    ig_buf_clear(&a->bytes);
    IG_TRY(ig_analyze_units(a, text, n, err));
    IG_TRY(walk_words(&(walk){.a = a, .err = err}));
    for (size_t i = 0; i < a->term_count; i++) a->terms[i].text = a->bytes.data + (uintptr_t)a->terms[i].text;
    *terms = a->terms;
    *count = a->term_count;
    return IG_OK;
}
