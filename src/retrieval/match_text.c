/* retrieval/match_text.c: a text to its grams.
 *
 *     "Card isn't here" ─► card isnt here ─► words   card, isnt, here, card·isnt, isnt·here
 *                                            pieces  <c ca ar rd d> <ca car … <card card>
 *     "退款多久"         ─► 退 款 多 久   ─► words   退, 款, 多, 久, 退·款, 款·多, 多·久
 *                                            pieces  退款 款多 多久 退款多 …, over the whole run
 *
 * Letters and digits make words, in lower case and without apostrophes; a sign for money or a share is a word of its own; so
 * is every character of a script without spaces, whose run gives pieces as one word does.  Everything else separates.
 */
#include "retrieval/match_text.h"

#include "ingot/limits.h"

enum { PIECE_MIN = 2, PIECE_MAX = 5, WORD_MAX = 64 };
enum { EDGE_LEFT = 2, EDGE_RIGHT = 3 }; /* stand for the ends of a word; no text has these characters */

typedef enum letter_class { SEPARATOR, LETTER, SIGN, IDEOGRAPH, APOSTROPHE } letter_class;

static bool between(uint32_t c, uint32_t lo, uint32_t hi) { return c >= lo && c <= hi; }

static bool is_ideograph(uint32_t c) {
    return between(c, 0x3040, 0x30FF) || between(c, 0x3400, 0x4DBF) || between(c, 0x4E00, 0x9FFF) ||
           between(c, 0xF900, 0xFAFF) || between(c, 0x20000, 0x3FFFF) || between(c, 0x0E00, 0x0EFF);
}

static letter_class class_of(uint32_t c) {
    if (between(c, 'a', 'z') || between(c, '0', '9')) return LETTER;
    if (c == '\'' || c == 0x2019) return APOSTROPHE;
    if (c == '$' || c == '%' || c == 0xA3 || c == 0xA5 || c == 0x20AC) return SIGN;
    if (c < 0xC0) return SEPARATOR;
    if (is_ideograph(c)) return IDEOGRAPH;
    if (c == 0xD7 || c == 0xF7 || between(c, 0x2000, 0x2BFF) || between(c, 0x3000, 0x303F) || between(c, 0xFE30, 0xFE6F) ||
        c >= 0xFF00)
        return SEPARATOR;
    return LETTER;
}

/* Lower case where it is a matter of adding: Latin, Greek, Cyrillic; and the full-width forms of ASCII. */
static uint32_t lowered(uint32_t c) {
    if (between(c, 0xFF01, 0xFF5E)) c -= 0xFEE0;
    if (between(c, 'A', 'Z') || (between(c, 0xC0, 0xDE) && c != 0xD7) || between(c, 0x391, 0x3A9) || between(c, 0x410, 0x42F))
        return c + 32;
    if (between(c, 0x400, 0x40F)) return c + 80;
    if (between(c, 0x100, 0x137) || between(c, 0x14A, 0x177)) return c | 1;
    return c;
}

static ig_status reserve(void **items, size_t *cap, size_t count, size_t size, ig_error *err) {
    if (count < *cap) return IG_OK;
    size_t more = *cap ? *cap * 2 : 256;
    void *p = ig_realloc_array(*items, more, size);
    if (!p) return ig_error_nomem(err, more * size);
    *items = p, *cap = more;
    return IG_OK;
}

static ig_status push(match_grams *g, match_gram gram, ig_error *err) {
    IG_TRY(reserve((void **)&g->item, &g->cap, g->count, sizeof *g->item, err));
    g->item[g->count++] = gram;
    return IG_OK;
}

static ig_status push_letter(match_grams *g, uint32_t point, size_t from, size_t to, ig_error *err) {
    IG_TRY(reserve((void **)&g->letter, &g->letter_cap, g->letters, sizeof *g->letter, err));
    g->letter[g->letters++] = (match_letter){point, (uint32_t)from, (uint32_t)to};
    return IG_OK;
}

/* The hash of `n` letters, the same as of the letters one after the other. */
static uint64_t mix(uint64_t h, uint32_t point) {
    h = (h ^ point) * 0x9E3779B97F4A7C15u;
    return h ^ (h >> 29);
}

/* Pieces of one run of letters, between its two edges.  per_letter: every letter is a word. */
static ig_status push_pieces(match_grams *g, size_t first, size_t n, bool per_letter, uint32_t word, ig_error *err) {
    const match_letter *l = g->letter + first;
    for (size_t from = 0; from < n + 2; from++) {
        uint64_t h = 0x51ED270B9F3A4C17u;
        size_t start = from ? from - 1 : 0;
        for (size_t k = 0; k < PIECE_MAX && from + k < n + 2; k++) {
            size_t at = from + k;
            h = mix(h, at == 0 ? EDGE_LEFT : at == n + 1 ? EDGE_RIGHT : l[at - 1].point);
            if (k + 1 < PIECE_MIN) continue;
            size_t last = at > n ? n - 1 : at - 1;
            match_gram gram = {h, word + (per_letter ? (uint32_t)start : 0), l[start].from, l[last].to, MATCH_PIECES};
            IG_TRY(push(g, gram, err));
        }
    }
    return IG_OK;
}

/* A word and, with the word before it, a pair. */
static ig_status push_word(match_grams *g, size_t first, size_t n, match_gram *before, ig_error *err) {
    const match_letter *l = g->letter + first;
    uint64_t h = 0x2545F4914F6CDD1Du;
    for (size_t i = 0; i < n; i++) h = mix(h, l[i].point);
    match_gram gram = {h, (uint32_t)g->words++, l[0].from, l[n - 1].to, MATCH_WORDS};
    IG_TRY(push(g, gram, err));
    match_gram pair = {mix(mix(before->hash, (uint32_t)h), (uint32_t)(h >> 32)), before->word, before->from, gram.to,
                       MATCH_WORDS};
    bool has = before->to != 0;
    *before = gram;
    return has ? push(g, pair, err) : IG_OK;
}

static ig_status end_run(match_grams *g, letter_class class, match_gram *before, ig_error *err) {
    size_t n = g->letters, step = class == LETTER ? n : 1;
    uint32_t word = (uint32_t)g->words;
    for (size_t i = 0; n && i < n; i += step) IG_TRY(push_word(g, i, step, before, err));
    if (n && class != SIGN) IG_TRY(push_pieces(g, 0, n, class == IDEOGRAPH, word, err));
    g->letters = 0;
    return IG_OK;
}

ig_status match_grams_read(match_grams *g, const char *text, size_t len, ig_error *err) {
    match_gram before = {0};
    letter_class run = SEPARATOR;
    g->count = g->words = g->letters = 0;
    for (size_t at = 0, points = 0; at < len && points < IG_MATCH_TEXT_MAX; points++) {
        uint32_t c = 0;
        size_t n = ig_utf8_decode(text + at, len - at, &c);
        uint32_t point = n ? lowered(c) : ' ';
        letter_class class = class_of(point);
        if (n == 0) n = 1;
        if (class == APOSTROPHE && run == LETTER) class = LETTER, point = 0;
        if (class != run || class == SIGN || g->letters >= WORD_MAX) {
            IG_TRY(end_run(g, run, &before, err));
            run = class;
        }
        if (class != SEPARATOR && class != APOSTROPHE && point) IG_TRY(push_letter(g, point, at, at + n, err));
        at += n;
    }
    return end_run(g, run, &before, err);
}

void match_grams_fini(match_grams *g) {
    ig_free(g->item);
    ig_free(g->letter);
    *g = (match_grams){0};
}
