/* ingot/text.h: tokenizers: text in, token ids out, and back.
 *
 * BPE        works on bytes (GPT-2: a pattern cuts the text into words, ranked merges join the bytes of a word), so that any
 *            bytes encode and decode to themselves.
 * CHAR       has one token per Unicode code point, and byte tokens <0xNN> for what is not in its vocabulary if it was
 *            trained with byte_fallback.
 * WORDPIECE  BERT: words are cleaned, lower-cased where the file says so, and cut greedily into the longest pieces.
 * UNIGRAM    SentencePiece, T5, XLM-R: of all ways to cut a text into pieces the one with the highest sum of scores.
 * SPM        SentencePiece's BPE, Llama and Mistral: merges over characters; spaces are written as U+2581 "▁".
 *
 * A tokenizer comes from `tokenizer.json` as the Hugging Face tokenizers write and read it, from GPT-2's pair of files, from
 * BERT's vocab.txt, from a SentencePiece `.model`, or from the arrays of a GGUF file, and is saved as tokenizer.json.  It
 * never changes after it was made and may be used by many threads at once.
 */
#ifndef INGOT_TEXT_H
#define INGOT_TEXT_H

#include "ingot/base.h"

#pragma GCC visibility push(default) /* what stands here, libingot.so exports */
#ifdef __cplusplus
extern "C" {
#endif

typedef struct ig_tokenizer ig_tokenizer;

typedef enum ig_tokenizer_kind {
    IG_TOKENIZER_BPE,
    IG_TOKENIZER_CHAR,
    IG_TOKENIZER_WORDPIECE,
    IG_TOKENIZER_UNIGRAM,
    IG_TOKENIZER_SPM
} ig_tokenizer_kind;

const char *ig_tokenizer_kind_name(ig_tokenizer_kind kind); /* "bpe", "char", "wordpiece", "unigram", "spm" */
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
    size_t min_count;           /* BPE, WORDPIECE: a pair, character or word seen fewer times is none; 0 means 2 */
    bool whole_words;           /* WORDPIECE: words are learned, not their pieces */
    bool keep_case;             /* WORDPIECE: upper and lower case differ, and accents stay */
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
 * WORDPIECE: BERT's normaliser and words; ids are the special tokens, the characters by how often they occur ("##" before
 * those inside of words), then one piece per merge, as Hugging Face's WordPieceTrainer; with whole_words the most frequent
 * words.
 * [UNK] or <unk> must be among the special tokens; [CLS] and [SEP] make the template.
 * The other kinds are read, not learned (IG_E_UNSUPPORTED).
 * Fails with IG_E_ARG, IG_E_LIMIT, IG_E_FORMAT (no UTF-8), IG_E_CANCELLED or IG_E_NOMEM. */
ig_status ig_tokenizer_train(ig_tokenizer_kind kind, size_t vocab_size, const void *text, size_t len,
                             const ig_tokenizer_train_opts *opts, ig_tokenizer **out, ig_error *err);

/* Read a tokenizer.json.  Everything that would change ids and is not supported is refused by name (IG_E_UNSUPPORTED);
 * everything that contradicts itself is IG_E_FORMAT with the line.  Supported are the models BPE, WordPiece and Unigram with
 * the normalisers, pre-tokenizers, post-processors and decoders of GPT-2, RoBERTa, Llama 1 to 3, Mistral, Qwen 2 and 3, BERT,
 * T5 and XLM-R.  BPE without merges and pre-tokenizer is CHAR; BPE over characters instead of bytes is SPM.
 * "truncation" and "padding" are read over: how long a text may be is the caller's to decide. */
ig_status ig_tokenizer_load(const char *path, ig_tokenizer **out, ig_error *err);
/* The same from memory; `name` stands for the file in errors. */
ig_status ig_tokenizer_parse(const char *name, const char *json, size_t len, ig_tokenizer **out, ig_error *err);
/* OpenAI's pair of files for GPT-2: encoder.json and vocab.bpe.  <|endoftext|> is special if it is there. */
ig_status ig_tokenizer_load_gpt2(const char *encoder_path, const char *merges_path, ig_tokenizer **out, ig_error *err);

/* BERT's vocab.txt, one piece a line: [UNK], [CLS], [SEP], [PAD] and [MASK] are special where they are there.  With
 * `lower_case` text is lower-cased and loses its accents (the "uncased" models). */
ig_status ig_tokenizer_load_bert(const char *vocab_path, bool lower_case, ig_tokenizer **out, ig_error *err);
/* SentencePiece's .model (BPE or Unigram), and the same from memory. */
ig_status ig_tokenizer_load_sentencepiece(const char *path, ig_tokenizer **out, ig_error *err);
ig_status ig_tokenizer_parse_sentencepiece(const char *name, const void *data, size_t len, ig_tokenizer **out, ig_error *err);

/* A vocabulary as the metadata of a GGUF file (tokenizer.ggml.*) has it.  Zero-initialise, then ig_vocab_init for the ids.
 * Nothing is kept of it.  text[i] has text_len[i] bytes, or is NUL-terminated where text_len is NULL. */
typedef enum ig_vocab_type {
    IG_VOCAB_NORMAL = 1,
    IG_VOCAB_UNKNOWN = 2,
    IG_VOCAB_CONTROL = 3,
    IG_VOCAB_USER_DEFINED = 4,
    IG_VOCAB_UNUSED = 5,
    IG_VOCAB_BYTE = 6
} ig_vocab_type;

typedef struct ig_vocab {
    const char *name;         /* of the file, for errors */
    const char *model;        /* "gpt2", "llama", "bert", "t5" */
    const char *pre;          /* "llama-bpe", "qwen2", …; NULL is "default".  Only "gpt2" looks at it. */
    const char *const *text;  /* [count] */
    const size_t *text_len;   /* [count] or NULL */
    size_t count;
    const float *score;       /* [count]; needed for "llama" and "t5" */
    const int32_t *type;      /* [count] of ig_vocab_type; NULL: all normal */
    const char *const *merge; /* [merges] "left right", for "gpt2" */
    size_t merges;
    int32_t bos, eos, unk, sep, pad, cls, mask; /* -1: none, or the model's own default */
    int add_bos, add_eos, add_space_prefix, remove_extra_whitespaces; /* 1 yes, 0 no, -1: the model's own default */
    const void *charsmap;     /* "t5": precompiled_charsmap, or NULL */
    size_t charsmap_len;
} ig_vocab;

void ig_vocab_init(ig_vocab *v); /* all zero, ids and flags -1 */
ig_status ig_tokenizer_from_vocab(const ig_vocab *v, ig_tokenizer **out, ig_error *err);

/* The way back, for writing a GGUF file: v and the memory behind it, which may also be the tokenizer's.
 * IG_E_UNSUPPORTED for CHAR, and for patterns that GGUF has no name for. */
typedef struct ig_vocab_copy {
    ig_vocab v;
    void *own[8];
    size_t owned;
} ig_vocab_copy;
ig_status ig_tokenizer_to_vocab(const ig_tokenizer *t, ig_vocab_copy *out, ig_error *err);
void ig_vocab_copy_fini(ig_vocab_copy *c); /* fine on a zeroed struct */

ig_status ig_tokenizer_save(const ig_tokenizer *t, const char *path, ig_error *err); /* atomic */
ig_status ig_tokenizer_format(const ig_tokenizer *t, ig_buf *out, ig_error *err);    /* the same text into a buffer */

void ig_tokenizer_free(ig_tokenizer *t);

/* ---- encode and decode --------------------------------------------------------------------------------------------- */

typedef enum ig_tokenizer_flags {
    IG_ENCODE_SPECIAL = 1,      /* "<|endoftext|>" in the text becomes that token.  Without it the text of a special token
                                   is text like any other: what a user types never produces one. */
    IG_DECODE_SKIP_SPECIAL = 2, /* leave special tokens out of the text */
    IG_ENCODE_TEMPLATE = 4,     /* add what the model expects around a text: BOS, or [CLS] … [SEP] */
    IG_DECODE_INSIDE = 8,       /* the ids stand inside of a text: no space is left out before the first.  The way to the bytes
                                   that a single token adds */
} ig_tokenizer_flags;

/* Append the ids of len bytes to *ids.  Time is O(len · log len) whatever the bytes are, times the length of the longest
 * piece for UNIGRAM and WORDPIECE.  On failure *ids is as before.
 * Fails with IG_E_NOT_FOUND, naming the byte offset, where a character has no token (CHAR without byte_fallback; other
 * kinds only without an unknown token). */
ig_status ig_tokenizer_encode(const ig_tokenizer *t, const void *text, size_t len, unsigned flags, ig_ids *ids, ig_error *err);
/* Two texts for a model that compares them.  With IG_ENCODE_TEMPLATE as the model expects them ([CLS] a [SEP] b [SEP]), else
 * one after the other.  *types (may be NULL) gets as many type ids as *ids gets ids. */
ig_status ig_tokenizer_encode_pair(const ig_tokenizer *t, const void *a, size_t a_len, const void *b, size_t b_len,
                                   unsigned flags, ig_ids *ids, ig_ids *types, ig_error *err);
/* Append the text of n ids to *out.  A single id may be a part of a UTF-8 sequence: see ig_utf8_stream.  Kinds that write a
 * space before every text (Llama) leave it out at the start: decode the answer of a model as a whole, or from one text on. */
ig_status ig_tokenizer_decode(const ig_tokenizer *t, const int32_t *ids, size_t n, unsigned flags, ig_buf *out, ig_error *err);
/* Every text that encodes decodes to the same bytes: true of BPE and CHAR without normaliser. */
bool ig_tokenizer_is_lossless(const ig_tokenizer *t);

ig_tokenizer_kind ig_tokenizer_get_kind(const ig_tokenizer *t);
size_t ig_tokenizer_count(const ig_tokenizer *t); /* tokens; ids are 0 … count-1 */
/* The bytes of `id`, not NUL-terminated; NULL when there is no such id.  For BPE and CHAR what it decodes to; for the others
 * the piece as the model writes it, "##ing" or "▁the". */
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
