/* retrieval/rank_terms.c: texts to bags of hashes; see rank_terms.h. */
#include <stdlib.h>
#include <string.h>

#include "retrieval/rank_terms.h"

ig_status ig_rank_terms_init(rank_terms *t, ig_error *err) {
    ig_analyze_opts opts = {.flags = IG_TERM_WORD | IG_TERM_CHINESE | IG_TERM_NUMBER};
    *t = (rank_terms){.text = {.max = 16 * RANK_TEXT_MAX}};
    return ig_analyzer_new(&opts, &t->analyzer, err);
}

void ig_rank_terms_fini(rank_terms *t) {
    ig_analyzer_free(t->analyzer);
    ig_buf_fini(&t->text);
    ig_free(t->cp);
    for (int i = 0; i < RANK_BAGS; i++) ig_free(t->bag[i].term);
    ig_free(t->mixed.term);
    *t = (rank_terms){0};
}

size_t ig_rank_cut(const char *text, size_t len, size_t max) {
    if (len <= max) return len;
    while (max > 0 && ((unsigned char)text[max] & 0xC0) == 0x80) max--;
    return max;
}

static bool is_chinese(uint32_t c) {
    return (c >= 0x3400 && c <= 0x9FFF) || (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x20000 && c <= 0x3FFFF);
}

/* What separates: ASCII but letters and digits, and the punctuation blocks. */
static bool is_space(uint32_t c) {
    if (c < 0x80) return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'));
    return c < 0xC0 || (c >= 0x2000 && c <= 0x2BFF) || (c >= 0x3000 && c <= 0x303F) || (c >= 0xFE30 && c <= 0xFE6F) ||
           (c >= 0xFF00 && c <= 0xFF0F);
}

static ig_status read_characters(rank_terms *t, const char *text, size_t len, ig_error *err) {
    ig_buf_clear(&t->text);
    IG_TRY(ig_analyze_normalize(t->analyzer, text, len, &t->text, err));
    size_t need = t->text.len + 2;
    if (need > t->cp_cap) {
        uint32_t *cp = ig_realloc_array(t->cp, need, sizeof *cp);
        if (!cp) return ig_error_nomem(err, need * sizeof *cp);
        t->cp = cp;
        t->cp_cap = need;
    }
    t->cps = 0;
    t->cp[t->cps++] = ' ';
    for (size_t i = 0; i < t->text.len;) {
        uint32_t c = ' ';
        size_t step = ig_utf8_decode(t->text.data + i, t->text.len - i, &c);
        if (is_space(c)) c = ' ';
        if (c != ' ' || t->cp[t->cps - 1] != ' ') t->cp[t->cps++] = c;
        i += step ? step : 1;
    }
    if (t->cp[t->cps - 1] != ' ') t->cp[t->cps++] = ' ';
    return IG_OK;
}

static ig_status bag_reserve(rank_bag *b, size_t n, ig_error *err) {
    if (n > b->cap) {
        rank_term *term = ig_realloc_array(b->term, n, sizeof *term);
        if (!term) return ig_error_nomem(err, n * sizeof *term);
        b->term = term;
        b->cap = n;
    }
    return IG_OK;
}

static void bag_put(rank_bag *b, const void *bytes, size_t n, uint64_t seed) {
    b->term[b->n++] = (rank_term){ig_hash64(bytes, n, seed), 1};
}

static int by_hash(const void *a, const void *b) {
    uint64_t x = ((const rank_term *)a)->hash, y = ((const rank_term *)b)->hash;
    return (x > y) - (x < y);
}

static void bag_close(rank_bag *b) {
    size_t n = 0;
    if (b->n) qsort(b->term, b->n, sizeof *b->term, by_hash);
    for (size_t i = 0; i < b->n; i++) {
        if (n && b->term[n - 1].hash == b->term[i].hash) b->term[n - 1].tf += b->term[i].tf;
        else b->term[n++] = b->term[i];
    }
    b->n = n;
}

/* How many characters from i on, up to `most`, are all Chinese, or all not. */
static size_t same_script(const rank_terms *t, size_t i, size_t most) {
    bool chinese = is_chinese(t->cp[i]);
    size_t n = 1;
    while (n < most && i + n < t->cps && is_chinese(t->cp[i + n]) == chinese && (!chinese || t->cp[i + n] != ' ')) n++;
    return n;
}

static ig_status put_grams(rank_terms *t, ig_error *err) {
    rank_bag *gram = &t->bag[RANK_BAG_GRAM], *longer = &t->bag[RANK_BAG_LONG];
    IG_TRY(bag_reserve(gram, t->cps, err));
    IG_TRY(bag_reserve(longer, 3 * t->cps, err));
    gram->n = longer->n = 0;
    for (size_t i = 0; i < t->cps; i++) {
        bool chinese = is_chinese(t->cp[i]);
        size_t run = same_script(t, i, 4);
        const uint32_t *p = t->cp + i;
        if (!chinese && run == 4) bag_put(gram, p, 4 * sizeof *p, 1);
        if (chinese && run >= 2) bag_put(gram, p, 2 * sizeof *p, 1);
        if (chinese && run >= 3) bag_put(longer, p, 3 * sizeof *p, 3);
        if (chinese && run >= 4) bag_put(longer, p, 4 * sizeof *p, 3);
    }
    return IG_OK;
}

static ig_status put_words(rank_terms *t, const char *text, size_t len, ig_error *err) {
    const ig_term *term;
    size_t n;
    IG_TRY(ig_analyze(t->analyzer, text, len, &term, &n, err));
    rank_bag *word = &t->bag[RANK_BAG_WORD], *longer = &t->bag[RANK_BAG_LONG];
    IG_TRY(bag_reserve(word, n, err));
    IG_TRY(bag_reserve(longer, longer->n + n, err));
    word->n = 0;
    for (size_t i = 0; i < n; i++) {
        bag_put(word, term[i].text, term[i].len, 2);
        if (i == 0 || (term[i].kind == IG_TERM_CHINESE && term[i - 1].kind == IG_TERM_CHINESE)) continue;
        uint64_t pair[2] = {word->term[i - 1].hash, word->term[i].hash};
        bag_put(longer, pair, sizeof pair, 3);
    }
    return IG_OK;
}

static ig_status mix(rank_terms *t, ig_error *err) {
    const rank_bag *gram = &t->bag[RANK_BAG_GRAM], *word = &t->bag[RANK_BAG_WORD];
    t->mixed.n = 0;
    IG_TRY(bag_reserve(&t->mixed, gram->n + word->n, err));
    for (size_t i = 0; i < gram->n; i++) t->mixed.term[t->mixed.n++] = gram->term[i];
    for (size_t i = 0; i < word->n; i++) t->mixed.term[t->mixed.n++] = word->term[i];
    bag_close(&t->mixed);
    return IG_OK;
}

ig_status ig_rank_terms_read(rank_terms *t, const char *text, size_t len, ig_error *err) {
    len = ig_rank_cut(text, len, RANK_TEXT_MAX);
    IG_TRY(read_characters(t, text, len, err));
    IG_TRY(put_grams(t, err));
    IG_TRY(put_words(t, text, len, err));
    for (int i = 0; i < RANK_BAGS; i++) bag_close(&t->bag[i]);
    return mix(t, err);
}
