/* text/tokenizer_impl.h: the parts of a tokenizer, for the files of this room.
 *
 *   text ──► added tokens cut out ──► split (PCRE2) into words ──► merges over the bytes of a word ──► ids      BPE
 *   text ──► added tokens cut out ──► one token per code point, byte tokens for the rest ──► ids                CHAR
 *
 * tokenizer.c        encode, decode, look-ups              token_table.c   bytes <-> id
 * tokenizer_load.c   tokenizer.json and GPT-2's files      pair_table.c    (id, id) -> numbers
 * tokenizer_save.c   tokenizer.json                        byte_alphabet.c GPT-2's printable bytes
 * bpe_merge.c        merging one word                      word_split.c    the pattern that cuts words
 * tokenizer_components.c  the other parts of a tokenizer.json   token_text.c    how a token is written
 * bpe_train.c, char_train.c: learning                      utf8_stream.c   text in pieces
 */
#ifndef TEXT_TOKENIZER_IMPL_H
#define TEXT_TOKENIZER_IMPL_H

#include "ingot/limits.h"
#include "ingot/text.h"

#define TOK_ADDED_BYTES_MAX 512 /* bytes of one added token: bounds the search for them */
#define TOK_STAGES_MAX      8   /* patterns of one pre-tokenizer */

/* ---- token table: bytes -> id and id -> bytes ------------------------------------------------------------------------ */

typedef enum tok_flags {
    TOK_ADDED = 1,   /* listed in added_tokens: found by its text, never by merges */
    TOK_SPECIAL = 2, /* an added token that stands for no text */
    TOK_BYTE = 4     /* <0xNN> of a CHAR tokenizer: one byte that is not a character of the vocabulary */
} tok_flags;

/* All bytes in id order in one block: token i is bytes[start[i] .. start[i+1]).  Only tokens without flags are hashed. */
typedef struct tok_table {
    char *bytes;
    size_t bytes_len, bytes_cap;
    size_t *start; /* [count+1] */
    uint8_t *flag; /* [count] */
    size_t count, cap;
    uint32_t *slot; /* [slots], a power of two: id+1, 0 = empty */
    size_t slots, hashed;
} tok_table;

int32_t ig_tok_find(const tok_table *v, const void *bytes, size_t n); /* -1 when absent */
ig_status ig_tok_add(tok_table *v, const void *bytes, size_t n, unsigned flag, ig_error *err); /* gets the id count */
void ig_tok_table_fini(tok_table *v);

static inline const char *tok_bytes(const tok_table *v, size_t id, size_t *len) {
    *len = v->start[id + 1] - v->start[id];
    return v->bytes + v->start[id];
}

/* ---- pair table ---------------------------------------------------------------------------------------------------- */

typedef struct tok_pair_slot {
    uint64_t key;
    uint32_t value; /* rank of a merge, index of a training pair */
    int32_t extra;  /* id that the merge makes */
} tok_pair_slot;

typedef struct tok_pairs {
    tok_pair_slot *slot; /* [slots], a power of two */
    size_t slots, used;
} tok_pairs;

const tok_pair_slot *ig_tok_pairs_get(const tok_pairs *p, int32_t a, int32_t b); /* NULL when absent */
ig_status ig_tok_pairs_set(tok_pairs *p, int32_t a, int32_t b, uint32_t value, int32_t extra, ig_error *err);
void ig_tok_pairs_fini(tok_pairs *p);

/* ---- GPT-2's byte alphabet: every byte has a printable character ------------------------------------------------------- */

size_t ig_tok_byte_char(uint8_t byte, char out[4]); /* its UTF-8 length: 1 or 2 */
/* Back to bytes, appended to out; false when a character is not of the alphabet. */
bool ig_tok_alphabet_bytes(const char *text, size_t len, ig_buf *out);
/* The 256 bytes in the order of their characters: the order of ids in GPT-2 and in Hugging Face's trainer. */
void ig_tok_alphabet_order(uint8_t order[256]);

/* ---- words ----------------------------------------------------------------------------------------------------------- */

typedef struct tok_stage {
    char *pattern; /* as the file has it */
    void *code;    /* pcre2_code */
} tok_stage;

typedef struct tok_split {
    tok_stage stage[TOK_STAGES_MAX];
    size_t count;
    bool gpt2_last; /* the last stage is GPT-2's own pattern: ByteLevel with use_regex */
} tok_split;

ig_status ig_tok_split_add(tok_split *s, const char *pattern, ig_error *err); /* NULL: GPT-2's pattern */
void ig_tok_split_fini(tok_split *s);
typedef ig_status tok_word_fn(void *arg, const char *word, size_t n, ig_error *err);
/* Cut text into words that together are the text, in order.  Bytes that are no UTF-8 are words of their own. */
ig_status ig_tok_split_run(const tok_split *s, const char *text, size_t n, tok_word_fn *fn, void *arg, ig_error *err);

/* ---- the tokenizer --------------------------------------------------------------------------------------------------- */

typedef struct tok_merge {
    int32_t left, right;
} tok_merge;

struct ig_tokenizer {
    ig_tokenizer_kind kind;
    bool byte_fallback; /* CHAR */
    bool ignore_merges; /* BPE: a word that is a token needs no merging */
    tok_table table;
    int32_t byte_id[256]; /* BPE: the base tokens; CHAR: the byte tokens; -1 when absent */
    tok_merge *merge;     /* [merges] by rank, for saving */
    size_t merges, merges_cap;
    tok_pairs rank; /* (left, right) -> rank, id made */
    tok_split split;
    int32_t *added; /* [added_count] sorted by bytes */
    size_t added_count;
    uint8_t added_first[256]; /* flags of the added tokens that start with this byte */
    int32_t *special;         /* [special_count] by id */
    size_t special_count;
};

ig_status ig_tok_new(ig_tokenizer_kind kind, ig_tokenizer **out, ig_error *err);
/* Append a merge that makes `made`; of two equal pairs the later rank counts. */
ig_status ig_tok_merge_add(ig_tokenizer *t, int32_t left, int32_t right, int32_t made, ig_error *err);
/* Once all tokens are in: byte ids and the lists of added tokens. */
ig_status ig_tok_finish(ig_tokenizer *t, ig_error *err);
/* The leftmost longest added token with one of these flags at or after `at`: its id, and its place in *where; -1 = none. */
int32_t ig_tok_next_added(const ig_tokenizer *t, const char *text, size_t n, size_t at, unsigned flags, size_t *where);
/* Print the text of a token, shortened, for a message. */
const char *ig_tok_quote(const char *text, size_t len, char out[64]);
/* The text that stands for token `id` in tokenizer.json, appended to out. */
void ig_tok_json_text(const ig_tokenizer *t, size_t id, ig_buf *out);
/* "<0x41>" -> 0x41, else -1. */
int ig_tok_byte_token(const char *text, size_t len);

ig_status ig_tok_bpe_train(ig_tokenizer *t, size_t vocab_size, const char *text, size_t len,
                           const ig_tokenizer_train_opts *opts, ig_error *err);
ig_status ig_tok_char_train(ig_tokenizer *t, size_t vocab_size, const char *text, size_t len,
                            const ig_tokenizer_train_opts *opts, ig_error *err);

/* ---- merging one word -------------------------------------------------------------------------------------------------- */

typedef struct tok_heap_item {
    uint32_t rank, at;
} tok_heap_item;

/* Scratch of one encode call, kept from word to word. */
typedef struct tok_merger {
    const ig_tokenizer *t;
    ig_ids *ids;
    int32_t *id, *next, *prev; /* [cap] */
    uint32_t *rank;            /* [cap] of the pair that starts here */
    tok_heap_item *heap;       /* [2*cap] */
    size_t cap, heap_len;
} tok_merger;

ig_status ig_tok_merge_word(void *merger, const char *word, size_t n, ig_error *err); /* a tok_word_fn */
void ig_tok_merger_fini(tok_merger *m);

#endif
