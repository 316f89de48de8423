/* text/char_train.c: the vocabulary of a CHAR tokenizer: count code points, keep the most frequent, sort by code point.
 *
 * U+0000 never gets a token of its own, because tokenizer.json is text: with byte tokens it is <0x00>.
 */
#include <stdlib.h>
#include <string.h>

#include "text/tokenizer_impl.h"

#define CODE_POINTS 0x110000u
#define BLOCK       ((size_t)4 << 20) /* bytes between two progress calls */

typedef struct counts {
    uint64_t *of; /* [CODE_POINTS] */
    size_t different;
} counts;

static ig_status count_one(counts *c, const char *s, size_t n, size_t offset, bool fallback, size_t *len, ig_error *err) {
    uint32_t cp = 0;
    *len = ig_utf8_decode(s, n, &cp);
    if (*len && cp) {
        c->different += !c->of[cp]++;
        return IG_OK;
    }
    if (!fallback)
        return ig_error_set(err, IG_E_FORMAT,
                            "%s at byte offset %zu of the training text (0x%02x): clean it, or ask for byte fallback",
                            *len ? "U+0000 cannot be a character token:" : "no UTF-8", offset, (uint8_t)*s);
    if (!*len) *len = 1;
    return IG_OK;
}

static ig_status count_text(const ig_tokenizer *t, counts *c, const char *s, size_t n, const ig_tokenizer_train_opts *opts,
                            ig_error *err) {
    size_t next_call = 0;
    for (size_t at = 0; at < n;) {
        size_t where, len = 0;
        int32_t added = ig_tok_next_added(t, s, n, at, TOK_SPECIAL, &where);
        while (at < where) {
            IG_TRY(count_one(c, s + at, where - at, at, opts->byte_fallback, &len, err));
            at += len;
            if (at < next_call) continue;
            next_call = at + BLOCK;
            if (opts->progress && !opts->progress(opts->progress_arg, "characters", at, n))
                return ig_error_set(err, IG_E_CANCELLED, "training was stopped");
        }
        if (added >= 0) {
            tok_bytes(&t->table, (size_t)added, &len);
            at += len;
        }
    }
    return IG_OK;
}

typedef struct ranked {
    uint64_t count;
    uint32_t cp;
} ranked;

static int more_frequent(const void *left, const void *right) {
    const ranked *a = left, *b = right;
    if (a->count != b->count) return a->count > b->count ? -1 : 1;
    return (a->cp > b->cp) - (a->cp < b->cp);
}

/* Set the counts of all but the `keep` most frequent characters to zero. */
static ig_status keep_frequent(counts *c, size_t keep, ig_error *err) {
    if (c->different <= keep) return IG_OK;
    ranked *r = ig_calloc(c->different, sizeof *r);
    if (!r) return ig_error_nomem(err, c->different * sizeof *r);
    size_t n = 0;
    for (uint32_t cp = 0; cp < CODE_POINTS; cp++)
        if (c->of[cp]) r[n++] = (ranked){.count = c->of[cp], .cp = cp};
    qsort(r, n, sizeof *r, more_frequent);
    for (size_t i = keep; i < n; i++) c->of[r[i].cp] = 0;
    ig_free(r);
    return IG_OK;
}

/* How many characters fit beside the tokens that are there already. */
static ig_status room(const ig_tokenizer *t, size_t vocab_size, size_t different, size_t *keep, ig_error *err) {
    size_t taken = t->table.count, most = vocab_size ? vocab_size : IG_VOCAB_MAX;
    if (most < taken + 1)
        return ig_error_set(err, IG_E_ARG,
                            "a vocabulary of %zu tokens has no room for characters beside %zu special and byte tokens", most,
                            taken);
    *keep = most - taken;
    if (!t->byte_fallback && different > *keep)
        return ig_error_set(err, IG_E_ARG,
                            "the text has %zu different characters, and a vocabulary of %zu tokens has room for %zu: "
                            "raise the size, set it to 0, or ask for byte fallback",
                            different, most, *keep);
    return IG_OK;
}

static ig_status add_characters(ig_tokenizer *t, const counts *c, ig_error *err) {
    for (uint32_t cp = 0; cp < CODE_POINTS; cp++) {
        char utf8[4];
        if (c->of[cp]) IG_TRY(ig_tok_add(&t->table, utf8, ig_utf8_encode(cp, utf8), 0, err));
    }
    return IG_OK;
}

static ig_status learn(ig_tokenizer *t, counts *c, size_t vocab_size, const char *text, size_t len,
                       const ig_tokenizer_train_opts *opts, ig_error *err) {
    size_t keep = 0;
    IG_TRY(count_text(t, c, text, len, opts, err));
    IG_TRY(room(t, vocab_size, c->different, &keep, err));
    IG_TRY(keep_frequent(c, keep, err));
    IG_TRY(add_characters(t, c, err));
    return t->table.count ? IG_OK : ig_error_set(err, IG_E_ARG, "there is no text to learn a vocabulary from");
}

ig_status ig_tok_char_train(ig_tokenizer *t, size_t vocab_size, const char *text, size_t len,
                            const ig_tokenizer_train_opts *opts, ig_error *err) {
    t->byte_fallback = opts->byte_fallback;
    for (int b = 0; b < 256 && t->byte_fallback; b++) {
        char byte = (char)b;
        t->byte_id[b] = (int32_t)t->table.count;
        IG_TRY(ig_tok_add(&t->table, &byte, 1, TOK_BYTE, err));
    }
    counts c = {.of = ig_calloc(CODE_POINTS, sizeof *c.of)};
    if (!c.of) return ig_error_nomem(err, CODE_POINTS * sizeof *c.of);
    ig_status status = learn(t, &c, vocab_size, text, len, opts, err);
    ig_free(c.of);
    return status;
}
