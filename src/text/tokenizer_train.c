/* text/tokenizer_train.c: what all kinds of training share: checking the options and the special tokens. */
#include <string.h>

#include "text/tokenizer_impl.h"

static ig_status add_special(ig_tokenizer *t, const char *text, ig_error *err) {
    size_t len = text ? strlen(text) : 0;
    char quote[64];
    if (!len || len > TOK_ADDED_BYTES_MAX || !ig_utf8_valid(text, len))
        return ig_error_set(err, IG_E_ARG, "a special token must be UTF-8 of 1 to %d bytes", TOK_ADDED_BYTES_MAX);
    uint32_t cp;
    if (ig_utf8_decode(text, len, &cp) == len)
        return ig_error_set(err, IG_E_ARG, "the special token %s is a single character: text could not be told from it",
                            ig_tok_quote(text, len, quote));
    if (t->kind == IG_TOKENIZER_CHAR && ig_tok_byte_token(text, len) >= 0)
        return ig_error_set(err, IG_E_ARG, "the special token %s has the name of a byte token", ig_tok_quote(text, len, quote));
    for (size_t i = 0; i < t->table.count; i++) {
        size_t other_len;
        const char *other = tok_bytes(&t->table, i, &other_len);
        if (other_len == len && !memcmp(other, text, len))
            return ig_error_set(err, IG_E_ARG, "the special token %s is given twice", ig_tok_quote(text, len, quote));
    }
    return ig_tok_add(&t->table, text, len, TOK_ADDED | TOK_SPECIAL, err);
}

static ig_status check_sizes(size_t vocab_size, size_t len, const ig_tokenizer_train_opts *opts, ig_error *err) {
    if (vocab_size > IG_VOCAB_MAX)
        return ig_error_set(err, IG_E_LIMIT, "a vocabulary of %zu tokens is too large (at most %d)", vocab_size, IG_VOCAB_MAX);
    if (opts->special_count > 4096)
        return ig_error_set(err, IG_E_LIMIT, "%zu special tokens are too many (at most 4096)", opts->special_count);
    if (len > IG_TEXT_BYTES_MAX)
        return ig_error_set(err, IG_E_LIMIT, "a text of %zu bytes is too long to train on (at most %zu)", len,
                            IG_TEXT_BYTES_MAX);
    return len ? IG_OK : ig_error_set(err, IG_E_ARG, "there is no text to learn a vocabulary from");
}

static ig_status train(ig_tokenizer *t, size_t vocab_size, const void *text, size_t len, const ig_tokenizer_train_opts *opts,
                       ig_error *err) {
    for (size_t i = 0; i < opts->special_count; i++) IG_TRY(add_special(t, opts->special[i], err));
    IG_TRY(ig_tok_finish(t, err)); /* so that they are found in the text */
    if (t->kind == IG_TOKENIZER_CHAR) return ig_tok_char_train(t, vocab_size, text, len, opts, err);
    if (t->kind == IG_TOKENIZER_WORDPIECE) return ig_tok_wordpiece_train(t, vocab_size, text, len, opts, err);
    return ig_tok_bpe_train(t, vocab_size, text, len, opts, err);
}

ig_status ig_tokenizer_train(ig_tokenizer_kind kind, size_t vocab_size, const void *text, size_t len,
                             const ig_tokenizer_train_opts *opts, ig_tokenizer **out, ig_error *err) {
    static const ig_tokenizer_train_opts defaults = {0};
    if (!opts) opts = &defaults;
    *out = NULL;
    if (kind != IG_TOKENIZER_BPE && kind != IG_TOKENIZER_CHAR && kind != IG_TOKENIZER_WORDPIECE)
        return ig_error_set(err, IG_E_UNSUPPORTED,
                            "a tokenizer of kind %s cannot be trained here: choose bpe, char or wordpiece",
                            ig_tokenizer_kind_name(kind));
    IG_TRY(check_sizes(vocab_size, len, opts, err));
    ig_tokenizer *t;
    IG_TRY(ig_tok_new(kind, &t, err));
    ig_status status = train(t, vocab_size, text, len, opts, err);
    if (status == IG_OK)
        *out = t;
    else
        ig_tokenizer_free(t);
    return status;
}
