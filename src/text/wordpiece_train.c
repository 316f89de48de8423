/* text/wordpiece_train.c: learning a WordPiece vocabulary, or one of whole words.
 *
 *     text ──line by line──► normalised ──► words and how often each occurs ──► characters ──► pieces (bpe_train.c)
 *                                                                         └──► the most frequent words
 *
 * Ids are the special tokens, then characters ("a", and "##a" inside of words) by how often they occur, then pieces in the
 * order in which they were made.  A vocabulary of whole words has no pieces that go on inside of a word: such a word is
 * unknown.
 */
#include <stdlib.h>
#include <string.h>

#include "text/tokenizer_impl.h"

/* ---- counts ---- */

ig_status ig_tok_count_add(tok_counts *c, const char *word, size_t n, uint64_t times, ig_error *err) {
    int32_t id = ig_tok_find(&c->words, word, n);
    if (id < 0) {
        id = (int32_t)c->words.count;
        if (c->words.count == c->cap) {
            size_t cap = c->cap + c->cap / 2 + 64;
            uint64_t *count = ig_realloc_array(c->count, cap, sizeof *count);
            if (!count) return ig_error_nomem(err, cap * sizeof *count);
            c->count = count, c->cap = cap;
        }
        IG_TRY(ig_tok_add(&c->words, word, n, 0, err));
        c->count[id] = 0;
    }
    c->count[id] += times;
    return IG_OK;
}

void ig_tok_counts_fini(tok_counts *c) {
    ig_tok_table_fini(&c->words);
    ig_free(c->count);
    *c = (tok_counts){0};
}

/* ---- words ---- */

typedef struct reader {
    const ig_tokenizer *t;
    const ig_tokenizer_train_opts *opts;
    tok_counts words;
    ig_buf normal, spare;
    size_t next_call;
} reader;

static ig_status count_word(void *arg, const char *word, size_t n, ig_error *err) {
    reader *r = arg;
    size_t chars = 0;
    for (size_t i = 0; i < n; i++) chars += ((uint8_t)word[i] & 0xc0) != 0x80;
    return chars > r->t->word_chars_max ? IG_OK : ig_tok_count_add(&r->words, word, n, 1, err);
}

static ig_status count_run(reader *r, const char *s, size_t n, ig_error *err) {
    ig_buf_clear(&r->normal);
    IG_TRY(ig_tok_norm_run(r->t, s, n, &r->normal, &r->spare, err));
    return ig_tok_split_run(&r->t->split, r->normal.data ? r->normal.data : "", r->normal.len, true, count_word, r, err);
}

/* Special tokens are cut out of a line. */
static ig_status count_line(reader *r, const char *s, size_t n, ig_error *err) {
    for (size_t at = 0; at < n;) {
        size_t where, len = 0;
        int32_t added = ig_tok_next_added(r->t, s, n, at, TOK_SPECIAL, &where);
        if (where > at) IG_TRY(count_run(r, s + at, where - at, err));
        if (added >= 0) tok_bytes(&r->t->table, (size_t)added, &len);
        at = where + len;
    }
    return IG_OK;
}

static ig_status count_words(reader *r, const char *text, size_t len, ig_error *err) {
    for (size_t at = 0, end; at < len; at = end + 1) {
        const char *nl = memchr(text + at, '\n', len - at);
        end = nl ? (size_t)(nl - text) : len;
        IG_TRY(count_line(r, text + at, end - at, err));
        if (at < r->next_call) continue;
        r->next_call = at + ((size_t)1 << 20);
        if (r->opts->progress && !r->opts->progress(r->opts->progress_arg, "words", at, len))
            return ig_error_set(err, IG_E_CANCELLED, "training was stopped");
    }
    return IG_OK;
}

/* ---- the most frequent ---- */

typedef struct ranked {
    uint64_t count;
    const char *text;
    size_t len;
} ranked;

static int more_frequent(const void *left, const void *right) {
    const ranked *a = left, *b = right;
    if (a->count != b->count) return a->count > b->count ? -1 : 1;
    int order = memcmp(a->text, b->text, a->len < b->len ? a->len : b->len);
    return order ? order : (a->len > b->len) - (a->len < b->len);
}

static ig_status add_frequent(ig_tokenizer *t, const tok_counts *c, size_t vocab_size, size_t min_count, ig_error *err) {
    ranked *r = ig_calloc(c->words.count + 1, sizeof *r);
    ig_status status = IG_OK;
    if (!r) return ig_error_nomem(err, c->words.count * sizeof *r);
    for (size_t i = 0; i < c->words.count; i++) {
        r[i].count = c->count[i];
        r[i].text = tok_bytes(&c->words, i, &r[i].len);
    }
    qsort(r, c->words.count, sizeof *r, more_frequent);
    for (size_t i = 0; i < c->words.count && r[i].count >= min_count && t->table.count < vocab_size && status == IG_OK; i++)
        if (r[i].len <= TOK_PIECE_BYTES_MAX && ig_tok_find_any(t, r[i].text, r[i].len) < 0)
            status = ig_tok_add(&t->table, r[i].text, r[i].len, 0, err);
    ig_free(r);
    return status;
}

static ig_status count_characters(const tok_counts *words, tok_counts *out, ig_error *err) {
    for (size_t w = 0; w < words->words.count; w++) {
        size_t len, k;
        const char *s = tok_bytes(&words->words, w, &len);
        for (size_t i = 0; i < len; i += k) {
            char symbol[6] = "##";
            uint32_t cp;
            k = ig_utf8_decode(s + i, len - i, &cp);
            if (!k || !cp) break;
            memcpy(symbol + 2, s + i, k);
            IG_TRY(ig_tok_count_add(out, i ? symbol : symbol + 2, i ? k + 2 : k, words->count[w], err));
        }
    }
    return IG_OK;
}

/* ---- the whole ---- */

static ig_status learn(ig_tokenizer *t, reader *r, size_t vocab_size, ig_error *err) {
    size_t least = r->opts->min_count ? r->opts->min_count : 2;
    if (r->opts->whole_words) return add_frequent(t, &r->words, vocab_size, least, err);
    tok_counts characters = {0};
    ig_status status = count_characters(&r->words, &characters, err);
    if (status == IG_OK) status = add_frequent(t, &characters, vocab_size, least, err);
    ig_tok_counts_fini(&characters);
    return status == IG_OK ? ig_tok_pieces_train(t, vocab_size, &r->words, r->opts, err) : status;
}

static int32_t either(const ig_tokenizer *t, const char *a, const char *b) {
    int32_t id = ig_tok_find_any(t, a, strlen(a));
    return id >= 0 ? id : ig_tok_find_any(t, b, strlen(b));
}

ig_status ig_tok_wordpiece_train(ig_tokenizer *t, size_t vocab_size, const char *text, size_t len,
                                 const ig_tokenizer_train_opts *opts, ig_error *err) {
    reader r = {.t = t, .opts = opts, .normal.max = SIZE_MAX / 2, .spare.max = SIZE_MAX / 2};
    t->unk = either(t, "[UNK]", "<unk>");
    t->word_chars_max = 100;
    t->prefix = ig_strdup("##");
    if (!t->prefix) return ig_error_nomem(err, 3);
    if (t->unk < 0) return ig_error_set(err, IG_E_ARG, "a WordPiece vocabulary needs the special token [UNK] or <unk>");
    if (vocab_size <= t->table.count) return ig_error_set(err, IG_E_ARG,
                                                          "a vocabulary of %zu tokens has no room beside %zu special ones",
                                                              vocab_size, t->table.count);
    IG_TRY(ig_tok_bert_parts(t, !opts->keep_case, ig_tok_find_any(t, "[CLS]", 5), ig_tok_find_any(t, "[SEP]", 5), err));
    ig_status status = count_words(&r, text, len, err);
    if (status == IG_OK) status = learn(t, &r, vocab_size, err);
    ig_tok_counts_fini(&r.words);
    ig_buf_fini(&r.normal);
    ig_buf_fini(&r.spare);
    return status == IG_OK ? ig_tok_wordpiece_finish(t, "the learned vocabulary", err) : status;
}
