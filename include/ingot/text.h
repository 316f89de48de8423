/* ingot/text.h: tokenizers: text in, token ids out, and back without the loss of a byte.
 *
 * Two kinds.  BPE works on bytes (GPT-2: a pattern cuts the text into words, ranked merges join the bytes of a word), so
 * that any bytes encode and decode to themselves.  CHAR has one token per Unicode code point, and byte tokens <0xNN> for
 * what is not in its vocabulary if it was trained with byte_fallback.
 *
 * Files are `tokenizer.json` as the Hugging Face tokenizers write and read it.  A tokenizer never changes after it was
 * made and may be used by many threads at once.
 */
#ifndef INGOT_TEXT_H
#define INGOT_TEXT_H

#include "ingot/base.h"

#pragma GCC visibility push(default) /* what stands here, libingot.so exports */
#ifdef __cplusplus
extern "C" {
#endif

typedef struct ig_tokenizer ig_tokenizer;

typedef enum ig_tokenizer_kind { IG_TOKENIZER_BPE, IG_TOKENIZER_CHAR } ig_tokenizer_kind;

const char *ig_tokenizer_kind_name(ig_tokenizer_kind kind); /* "bpe", "char" */
ig_status ig_tokenizer_kind_parse(const char *name, ig_tokenizer_kind *out, ig_error *err);

/* Token ids that grow.  Zero-initialise. */
typedef struct ig_ids {
    int32_t *data;
    size_t len, cap;
} ig_ids;

ig_status ig_ids_push(ig_ids *ids, int32_t id, ig_error *err);
void ig_ids_fini(ig_ids *ids);

/* ---- making one -------------------------------------------------------------------------------------------------- */

/* Told now and then during training; `total` is 0 when it is not known.  Return false to stop. */
typedef bool ig_tokenizer_progress_fn(void *arg, const char *stage, size_t done, size_t total);

typedef struct ig_tokenizer_train_opts {
    const char *const *special; /* e.g. "<|endoftext|>": they get the first ids and are cut out of the training text */
    size_t special_count;
    size_t min_count;           /* BPE: a pair seen fewer times is not merged; 0 means 2 */
    bool byte_fallback;         /* CHAR: add <0x00> … <0xFF>, so that every text can be encoded */
    ig_tokenizer_progress_fn *progress;
    void *progress_arg;
} ig_tokenizer_train_opts;

/* Learn a vocabulary of at most `vocab_size` tokens from len bytes of text.  opts may be NULL.
 *
 * BPE: ids are the special tokens, the 256 bytes, then one token per merge, the most frequent pair first and, among equals,
 * the pair with the smaller ids (Sennrich et al. 2016; the order of Hugging Face's trainer).  The same text gives the same
 * tokenizer.  Learning stops early when no pair is left that is seen min_count times.
 * CHAR: ids are the special tokens, the byte tokens if asked for, then the characters by code point.  vocab_size 0 keeps
 * all characters.  With byte_fallback the most frequent are kept; without it all must fit, and the text must be UTF-8.
 * Fails with IG_E_ARG, IG_E_LIMIT, IG_E_FORMAT (no UTF-8), IG_E_CANCELLED or IG_E_NOMEM. */
ig_status ig_tokenizer_train(ig_tokenizer_kind kind, size_t vocab_size, const void *text, size_t len,
                             const ig_tokenizer_train_opts *opts, ig_tokenizer **out, ig_error *err);

/* Read a tokenizer.json.  Everything that would change ids and is not supported is refused by name (IG_E_UNSUPPORTED);
 * everything that contradicts itself is IG_E_FORMAT with the line.  Supported: BPE with ByteLevel, also after Split and
 * Digits (GPT-2, Llama 3, StarCoder …), and BPE without merges and pre-tokenizer, which is CHAR. */
ig_status ig_tokenizer_load(const char *path, ig_tokenizer **out, ig_error *err);
/* The same from memory; `name` stands for the file in errors. */
ig_status ig_tokenizer_parse(const char *name, const char *json, size_t len, ig_tokenizer **out, ig_error *err);
/* OpenAI's pair of files for GPT-2: encoder.json and vocab.bpe.  <|endoftext|> is special if it is there. */
ig_status ig_tokenizer_load_gpt2(const char *encoder_path, const char *merges_path, ig_tokenizer **out, ig_error *err);

ig_status ig_tokenizer_save(const ig_tokenizer *t, const char *path, ig_error *err); /* atomic */
ig_status ig_tokenizer_format(const ig_tokenizer *t, ig_buf *out, ig_error *err);    /* the same text into a buffer */

void ig_tokenizer_free(ig_tokenizer *t);

/* ---- encode and decode --------------------------------------------------------------------------------------------- */

typedef enum ig_tokenizer_flags {
    IG_ENCODE_SPECIAL = 1,      /* "<|endoftext|>" in the text becomes that token.  Without it the text of a special token
                                   is text like any other: what a user types never produces one. */
    IG_DECODE_SKIP_SPECIAL = 2, /* leave special tokens out of the text */
} ig_tokenizer_flags;

/* Append the ids of len bytes to *ids.  Time is O(len · log len) whatever the bytes are.  On failure *ids is as before.
 * Fails with IG_E_NOT_FOUND, naming the byte offset, where a character has no token (CHAR without byte_fallback). */
ig_status ig_tokenizer_encode(const ig_tokenizer *t, const void *text, size_t len, unsigned flags, ig_ids *ids, ig_error *err);
/* Append the bytes of n ids to *out.  A single id may be a part of a UTF-8 sequence: see ig_utf8_stream. */
ig_status ig_tokenizer_decode(const ig_tokenizer *t, const int32_t *ids, size_t n, unsigned flags, ig_buf *out, ig_error *err);

ig_tokenizer_kind ig_tokenizer_get_kind(const ig_tokenizer *t);
size_t ig_tokenizer_count(const ig_tokenizer *t); /* tokens; ids are 0 … count-1 */
/* The bytes that `id` decodes to, not NUL-terminated; NULL when there is no such id. */
const char *ig_tokenizer_token(const ig_tokenizer *t, int32_t id, size_t *len);
/* The id of the token that is exactly these bytes, special ones included; -1 when there is none. */
int32_t ig_tokenizer_find(const ig_tokenizer *t, const void *token, size_t len);
bool ig_tokenizer_is_special(const ig_tokenizer *t, int32_t id);
size_t ig_tokenizer_special_count(const ig_tokenizer *t);
int32_t ig_tokenizer_special_get(const ig_tokenizer *t, size_t i); /* the i-th by id; -1 past the end */

/* ---- text that arrives in pieces ----------------------------------------------------------------------------------- */

/* Holds back the beginning of a UTF-8 sequence until the rest has arrived, so that what goes out is whole characters.
 * Bytes that can no longer become UTF-8 go out as U+FFFD, one per maximal part (WHATWG Encoding, as browsers do).
 * Zero-initialise. */
typedef struct ig_utf8_stream {
    char held[4];
    size_t count;
} ig_utf8_stream;

void ig_utf8_stream_push(ig_utf8_stream *s, const void *bytes, size_t n, ig_buf *out);
void ig_utf8_stream_finish(ig_utf8_stream *s, ig_buf *out); /* what is held will not be completed */

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
