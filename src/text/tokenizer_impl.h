/* text/tokenizer_impl.h: the parts of a tokenizer, for the files of this room.
 *
 *   text ──► added tokens cut out ──► normalise ──► cut into words (PCRE2) ──► model ──► ids ──► template
 *                                     steps         stages                     merges over bytes               BPE
 *                                                                              merges over characters          SPM
 *                                                                              longest piece first             WORDPIECE
 *                                                                              best sum of scores              UNIGRAM
 *                                                                              one token per code point        CHAR
 *
 * tokenizer.c         making, look-ups                      token_table.c   bytes <-> id
 * tokenizer_encode.c  the way above; tokenizer_decode.c back  pair_table.c    (id, id) -> numbers
 * tokenizer_load.c    tokenizer.json                        byte_alphabet.c GPT-2's printable bytes
 * tokenizer_components.c, component_*.c  its other parts    token_text.c    how a token is written
 * tokenizer_save.c, save_components.c    writing it         normalize.c, normalize_icu.c, charsmap.c  the normalisers
 * tokenizer_files.c   GPT-2's and BERT's files              word_split.c    the patterns that cut words
 * tokenizer_vocab.c   arrays of a GGUF file                 vocab_pattern.c its named pre-tokenizers
 * sentencepiece.c     .model files                          bpe_merge.c     merging one word
 * wordpiece.c, unigram.c, spm.c: the other models           bpe_train.c, char_train.c, wordpiece_train.c: learning
 * utf8_stream.c: text in pieces
 */
#ifndef TEXT_TOKENIZER_IMPL_H
#define TEXT_TOKENIZER_IMPL_H

#include "ingot/limits.h"
#include "ingot/text.h"

#define TOK_ADDED_BYTES_MAX 512 /* bytes of one added token: bounds the search for them */
#define TOK_STAGES_MAX      12  /* cuts of one pre-tokenizer */
#define TOK_STEPS_MAX       16  /* steps of one normaliser */
#define TOK_PIECE_BYTES_MAX 512 /* bytes of one piece of WORDPIECE, UNIGRAM and SPM: bounds the search at one place */
#define TOK_TEMPLATE_MAX    16  /* places in a template */
#define TOK_SPACE           "\xe2\x96\x81" /* U+2581, SentencePiece's space */

/* ---- token table: bytes -> id and id -> bytes ------------------------------------------------------------------------ */

typedef enum tok_flags {
    TOK_ADDED = 1,   /* listed in added_tokens: found by its text, never by merges */
    TOK_SPECIAL = 2, /* an added token that stands for no text */
    TOK_BYTE = 4,    /* <0xNN>: one byte that is not a character of the vocabulary */
    TOK_USER = 8,    /* an added token that is looked for after normalising, which leaves it alone */
    TOK_LSTRIP = 16, /* an added token that takes the white space before it, */
    TOK_RSTRIP = 32  /* after it */
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

typedef enum tok_stage_kind {
    TOK_STAGE_PATTERN,
    TOK_STAGE_METASPACE,   /* spaces become ▁, one more in front */
    TOK_STAGE_SPACE_BEFORE /* ByteLevel's add_prefix_space */
} tok_stage_kind;

/* What becomes of the matches of a pattern; what stands between them is always a word. */
typedef enum tok_cut { TOK_CUT_ISOLATED, TOK_CUT_REMOVED, TOK_CUT_PREVIOUS, TOK_CUT_NEXT, TOK_CUT_CONTIGUOUS } tok_cut;

typedef enum tok_prepend { TOK_PREPEND_ALWAYS, TOK_PREPEND_FIRST, TOK_PREPEND_NEVER } tok_prepend;

typedef struct tok_stage {
    tok_stage_kind kind;
    const char *name; /* the type in tokenizer.json that it came from, when that is not Split */
    char *pattern;    /* as the file has it; its own copy of source */
    const char *source; /* set only to make a stage */
    void *code;         /* pcre2_code */
    tok_cut cut;
    bool invert;         /* matches and what is between them change places */
    bool literal;        /* the file had a text, not a pattern */
    tok_prepend prepend; /* METASPACE */
} tok_stage;

typedef struct tok_split {
    tok_stage stage[TOK_STAGES_MAX];
    size_t count;
    bool gpt2_last; /* the last stage is GPT-2's own pattern: ByteLevel with use_regex */
} tok_split;

extern const char ig_tok_gpt2_pattern[];
ig_status ig_tok_split_add(tok_split *s, const char *pattern, ig_error *err); /* NULL: GPT-2's pattern */
ig_status ig_tok_split_add_stage(tok_split *s, const tok_stage *stage, ig_error *err); /* compiles and copies stage->source */
void ig_tok_split_fini(tok_split *s);
typedef ig_status tok_word_fn(void *arg, const char *word, size_t n, ig_error *err);
/* Cut text into words, in order; without METASPACE and REMOVED they together are the text.  Bytes that are no UTF-8 are words
 * of their own.  `at_start`: the text is not what follows an added token. */
ig_status ig_tok_split_run(const tok_split *s, const char *text, size_t n, bool at_start, tok_word_fn *fn, void *arg,
                           ig_error *err);
/* Compile a pattern with what all our patterns have; *code is a pcre2_code for ig_tok_replace and pcre2_code_free. */
ig_status ig_tok_pattern_compile(const char *pattern, void **code, ig_error *err);
void ig_tok_pattern_free(void *code);
/* A text taken literally, as a pattern.  Appended to out. */
void ig_tok_pattern_quote(const char *text, size_t n, ig_buf *out);
/* Append s[0..n) to out with every match of `code` replaced. */
ig_status ig_tok_replace(void *code, const char *s, size_t n, const char *to, size_t to_len, ig_buf *out, ig_error *err);

/* ---- normalisers ----------------------------------------------------------------------------------------------------- */

typedef enum tok_step_kind {
    TOK_STEP_NFC,
    TOK_STEP_NFD,
    TOK_STEP_NFKC,
    TOK_STEP_NFKD,
    TOK_STEP_NMT,
    TOK_STEP_LOWERCASE,
    TOK_STEP_STRIP_ACCENTS,
    TOK_STEP_REPLACE,
    TOK_STEP_PREPEND,
    TOK_STEP_STRIP,
    TOK_STEP_CHARSMAP,
    TOK_STEP_BERT
} tok_step_kind;

enum { TOK_LEFT = 1, TOK_RIGHT = 2 };                                                    /* STRIP */
enum {
    TOK_BERT_CLEAN = 1,
    TOK_BERT_CHINESE = 2,
    TOK_BERT_ACCENTS = 4,
    TOK_BERT_LOWER = 8,
    TOK_BERT_ACCENTS_AUTO = 16
}; /* BERT */

typedef struct tok_step {
    tok_step_kind kind;
    unsigned flags;
    char *from;       /* REPLACE: text, or pattern if code */
    void *code;       /* REPLACE */
    char *to;         /* REPLACE, PREPEND */
    size_t from_len, to_len;
    uint8_t *map;     /* CHARSMAP */
    size_t map_len;
} tok_step;

typedef struct tok_norm {
    tok_step step[TOK_STEPS_MAX];
    size_t count;
} tok_norm;

/* Append a step; the texts and the map are copied.  A REPLACE with `pattern` takes `from` as a pattern. */
ig_status ig_tok_norm_add(tok_norm *m, const tok_step *step, bool pattern, ig_error *err);
void ig_tok_norm_fini(tok_norm *m);
struct ig_tokenizer;
/* Apply all steps to s[0..n); *out gets the text and *spare is scratch. */
ig_status ig_tok_norm_run(const struct ig_tokenizer *t, const char *s, size_t n, ig_buf *out, ig_buf *spare, ig_error *err);
/* The steps that need ICU: NFC … NFKD, and what is done to each character. */
ig_status ig_tok_norm_form(tok_step_kind form, const char *s, size_t n, ig_buf *out, ig_error *err);
ig_status ig_tok_norm_chars(const tok_step *step, const char *s, size_t n, ig_buf *out, ig_error *err);
bool ig_tok_is_space(uint32_t cp);

/* A precompiled charsmap: is it one, and the longest rule that s[0..n) starts with: bytes taken (0: none), text in *to. */
ig_status ig_tok_charsmap_check(const uint8_t *map, size_t len, ig_error *err);
size_t ig_tok_charsmap_match(const uint8_t *map, size_t len, const char *s, size_t n, const char **to, size_t *to_len);

/* ---- template and decoder -------------------------------------------------------------------------------------------- */

enum { TOK_TEXT_A = -1, TOK_TEXT_B = -2 };

typedef struct tok_template {
    struct {
        int32_t id; /* of a special token, or TOK_TEXT_A, TOK_TEXT_B */
        int32_t type;
    } item[TOK_TEMPLATE_MAX];
    size_t count;
} tok_template;

ig_status ig_tok_template_add(tok_template *m, int32_t id, int32_t type, ig_error *err);

/* How pieces become text.  All false: their bytes one after the other. */
typedef struct tok_decoder {
    bool metaspace;   /* ▁ is a space */
    bool strip_first; /* one space at the start of the text is left out */
    bool wordpiece;   /* a space before each piece that does not begin with ## */
    bool cleanup;     /* no space before punctuation and English endings */
} tok_decoder;

/* ---- the tokenizer --------------------------------------------------------------------------------------------------- */

typedef struct tok_merge {
    int32_t left, right;
} tok_merge;

struct ig_tokenizer {
    ig_tokenizer_kind kind;
    bool byte_fallback; /* all but BPE: <0xNN> for what has no token */
    bool ignore_merges; /* BPE, SPM: a word that is a token needs no merging */
    bool fuse_unk;      /* neighbouring unknown characters are one unknown token */
    int32_t unk;        /* -1: there is none */
    tok_table table;
    int32_t byte_id[256]; /* BPE: the base tokens; else the byte tokens; -1 when absent */
    tok_merge *merge;     /* [merges] by rank, for saving */
    size_t merges, merges_cap;
    tok_pairs rank; /* (left, right) -> rank, id made */
    float *score;   /* UNIGRAM: [count] */
    float unk_score;
    tok_pairs trie; /* UNIGRAM: (node, byte) -> id + 1 or 0, next node */
    char *prefix;   /* WORDPIECE: before a piece that continues a word, "##" */
    size_t word_chars_max, piece_bytes_max; /* WORDPIECE */
    tok_norm norm;
    tok_split split;
    tok_template single, pair;
    tok_decoder decoder;
    int32_t *added; /* [added_count] sorted by bytes */
    size_t added_count;
    uint8_t added_first[256]; /* flags of the added tokens that start with this byte */
    int32_t *special;         /* [special_count] by id */
    size_t special_count;
};

static inline bool tok_on_bytes(const struct ig_tokenizer *t) {
    return t->kind == IG_TOKENIZER_BPE;
}

/* Its tokens are pieces, written as the model writes them; see ig_tokenizer_token. */
static inline bool tok_has_pieces(const struct ig_tokenizer *t) {
    return t->kind != IG_TOKENIZER_BPE && t->kind != IG_TOKENIZER_CHAR;
}

ig_status ig_tok_new(ig_tokenizer_kind kind, ig_tokenizer **out, ig_error *err);
/* Append a merge that makes `made`; of two equal pairs the later rank counts. */
ig_status ig_tok_merge_add(ig_tokenizer *t, int32_t left, int32_t right, int32_t made, ig_error *err);
/* Once all tokens are in: byte ids and the lists of added tokens. */
ig_status ig_tok_finish(ig_tokenizer *t, ig_error *err);
/* The leftmost longest added token with one of these flags at or after `at`: its id, and its place in *where; -1 = none. */
int32_t ig_tok_next_added(const ig_tokenizer *t, const char *text, size_t n, size_t at, unsigned flags, size_t *where);
/* The longest added token with one of these flags that s[0..n) starts with; -1 when there is none. */
int32_t ig_tok_added_here(const ig_tokenizer *t, const char *s, size_t n, unsigned flags);
/* The added token that is exactly these bytes, or the piece; -1 when there is none. */
int32_t ig_tok_find_any(const ig_tokenizer *t, const void *s, size_t n);
/* Print the text of a token, shortened, for a message. */
const char *ig_tok_quote(const char *text, size_t len, char out[64]);
/* The text that stands for token `id` in tokenizer.json, appended to out. */
void ig_tok_json_text(const ig_tokenizer *t, size_t id, ig_buf *out);
/* "<0x41>" -> 0x41, else -1. */
int ig_tok_byte_token(const char *text, size_t len);

ig_status ig_tok_bpe_train(ig_tokenizer *t, size_t vocab_size, const char *text, size_t len,
                           const ig_tokenizer_train_opts *opts, ig_error *err);
/* What WORDPIECE learns from: the different words of a text after normalising, and how often each occurs. */
typedef struct tok_counts {
    tok_table words;
    uint64_t *count; /* [words.count] */
    size_t cap;
} tok_counts;
ig_status ig_tok_count_add(tok_counts *c, const char *word, size_t n, uint64_t times, ig_error *err);
void ig_tok_counts_fini(tok_counts *c);
/* Learn merges of these words, whose symbols are characters of the table, "##" before those inside, until it has vocab_size. */
ig_status ig_tok_pieces_train(ig_tokenizer *t, size_t vocab_size, tok_counts *words, const ig_tokenizer_train_opts *opts,
                              ig_error *err);
ig_status ig_tok_wordpiece_train(ig_tokenizer *t, size_t vocab_size, const char *text, size_t len,
                                 const ig_tokenizer_train_opts *opts, ig_error *err);
ig_status ig_tok_char_train(ig_tokenizer *t, size_t vocab_size, const char *text, size_t len,
                            const ig_tokenizer_train_opts *opts, ig_error *err);

/* ---- merging one word -------------------------------------------------------------------------------------------------- */

typedef struct tok_heap_item {
    uint32_t rank, at;
} tok_heap_item;

/* One place of UNIGRAM's search: the best way to get here. */
typedef struct tok_best {
    double score;
    uint32_t from; /* where its last piece starts */
    int32_t id;
} tok_best;

/* Scratch of one encode call, kept from word to word. */
typedef struct tok_merger {
    const ig_tokenizer *t;
    ig_ids *ids;
    bool after_unk; /* the last id of this word is an unknown one */
    int32_t *id, *next, *prev; /* [cap] */
    uint32_t *rank;            /* [cap] of the pair that starts here */
    tok_heap_item *heap;       /* [2*cap] */
    size_t cap, heap_len;
    tok_best *best; /* UNIGRAM: [best_cap] */
    size_t best_cap;
    ig_buf word; /* WORDPIECE: the rest of a word with its prefix */
} tok_merger;

/* A word to ids, one for each kind; all are tok_word_fn. */
ig_status ig_tok_merge_word(void *merger, const char *word, size_t n, ig_error *err); /* BPE and SPM */
ig_status ig_tok_wordpiece_word(void *merger, const char *word, size_t n, ig_error *err);
ig_status ig_tok_unigram_word(void *merger, const char *word, size_t n, ig_error *err);
/* Symbols of a word before any merge: byte tokens or characters; *count of them go to id[0..n). */
ig_status ig_tok_spm_symbols(const ig_tokenizer *t, const char *word, size_t n, int32_t *id, size_t *count, ig_error *err);
/* Append byte tokens, or the unknown token, for a character that has none. */
ig_status ig_tok_push_unknown(tok_merger *m, const char *s, size_t n, ig_error *err);
void ig_tok_merger_fini(tok_merger *m);

/* Merges as files write them, "left right"; errors name the file, the line and the merge. */
typedef struct tok_merge_reader {
    const char *name;
    ig_tokenizer *t;
    ig_buf bytes; /* scratch */
} tok_merge_reader;
ig_status ig_tok_read_merge(tok_merge_reader *r, const char *left, size_t left_len, const char *right, size_t right_len,
                            size_t index, int line, ig_error *err);
ig_status ig_tok_read_merge_text(tok_merge_reader *r, const char *s, size_t len, size_t index, int line, ig_error *err);

/* Once all tokens are in: what the models need besides.  SPM: merges out of scores, a higher one first.  `name` for errors. */
ig_status ig_tok_spm_merges(ig_tokenizer *t, const char *name, const float *score, ig_error *err);
ig_status ig_tok_unigram_finish(ig_tokenizer *t, const char *name, ig_error *err);
ig_status ig_tok_wordpiece_finish(ig_tokenizer *t, const char *name, ig_error *err);

/* SentencePiece's normaliser as steps: charsmap (may be NULL), white space, a space in front, ▁ for spaces. */
typedef struct tok_spm_rules {
    const void *charsmap;
    size_t charsmap_len;
    bool remove_extra, add_prefix, escape;
} tok_spm_rules;
ig_status ig_tok_spm_normalizer(ig_tokenizer *t, const tok_spm_rules *rules, ig_error *err);
/* Tokens of SPM and UNIGRAM out of arrays: pieces, merges or trie, normaliser, decoder and template. */
ig_status ig_tok_build_pieces(const ig_vocab *v, ig_tokenizer_kind kind, const tok_spm_rules *rules, ig_tokenizer **out,
                              ig_error *err);
/* WORDPIECE out of arrays, continuations marked by ##. */
ig_status ig_tok_build_bert(const ig_vocab *v, bool lower_case, ig_tokenizer **out, ig_error *err);
/* BERT's: normaliser, words, decoder and template. */
ig_status ig_tok_bert_parts(ig_tokenizer *t, bool lower_case, int32_t cls, int32_t sep, ig_error *err);
/* The two stages of BertPreTokenizer. */
ig_status ig_tok_split_add_bert(tok_split *s, ig_error *err);
/* The pre-tokenizer that GGUF calls `pre`, for model "gpt2"; also tells ignore_merges. */
ig_status ig_tok_vocab_pattern(const char *name, const char *pre, tok_split *s, bool *ignore_merges, ig_error *err);
/* What GGUF calls the pre-tokenizer of these stages; NULL when it has no name for it. */
const char *ig_tok_vocab_pattern_name(const tok_split *s);

#endif
