/* ingot/examples.h: conversations and preferences as training data for language models.
 *
 *     JSONL ──ig_examples_read──► rows that were checked ──chat template, tokenizer──► ids, and which of them are learned
 *                    │                                                                        │
 *                    └──► ig_problems: what is wrong, by line                      ig_row_batches ──► [B,T] i64
 *
 * A row of kind chat is {"messages": [{"role", "content", "weight"}…], "tools": […]} or {"prompt", "completion"}; one of kind
 * preference has a prompt and two answers.  Only what the assistant says is learned: the mask is found by rendering the
 * conversation up to each turn, so that it holds for any template.
 */
#ifndef INGOT_EXAMPLES_H
#define INGOT_EXAMPLES_H

#include "ingot/data.h"
#include "ingot/template.h"

#pragma GCC visibility push(default) /* what stands here, libingot.so exports */
#ifdef __cplusplus
extern "C" {
#endif

typedef enum ig_example_kind { IG_EXAMPLES_TEXT, IG_EXAMPLES_CHAT, IG_EXAMPLES_PREFERENCE } ig_example_kind;
bool ig_example_kind_parse(const char *name, ig_example_kind *out); /* "text", "chat", "preference" */
const char *ig_example_kind_name(ig_example_kind kind);

/* ---- how a model wants conversations written ------------------------------------------------------------------------ */

typedef struct ig_chat_format ig_chat_format;

/* From the files beside a model: chat_template.jinja, else the chat_template of tokenizer_config.json.  Without one: ChatML
 * where the tokenizer has its tokens, else a plain form ("User:", "Assistant:", each on a line).  dir may be NULL. */
ig_status ig_chat_format_load(const char *dir, const ig_tokenizer *t, ig_chat_format **out, ig_error *err);
/* A template from memory; bos and eos are what bos_token and eos_token say in it, "" for none. */
ig_status ig_chat_format_new(const char *name, const char *text, size_t len, const char *bos, const char *eos, ig_chat_format **out,
                             ig_error *err);
void ig_chat_format_free(ig_chat_format *f); /* NULL is allowed */
const char *ig_chat_format_name(const ig_chat_format *f);  /* "tokenizer_config.json", "chat_template.jinja", "ChatML", "plain" */
bool ig_chat_format_is_own(const ig_chat_format *f);       /* the model brought it */
/* What a tokenizer_config.json says so that others find the same form: chat_template, bos_token, eos_token. */
ig_status ig_chat_format_config(const ig_chat_format *f, ig_buf *out, ig_error *err);

/* Append the first `count` of conversation's "messages"; prompt: and what the assistant's next turn begins with. */
ig_status ig_chat_render(const ig_chat_format *f, const ig_tree *conversation, size_t count, bool prompt, ig_buf *out, ig_error *err);
/* Append the ids of the whole conversation, and to *learned a byte per id: 1 where it belongs to a turn of the assistant,
 * numbered `first` or later, whose weight is not 0.  A turn of the past that the template shortens (as some drop what was
 * thought) is not learned. */
ig_status ig_chat_encode(const ig_chat_format *f, const ig_tokenizer *t, const ig_tree *conversation, size_t first, ig_ids *ids,
                         ig_buf *learned, ig_error *err);

/* ---- what is wrong with rows ----------------------------------------------------------------------------------------- */

/* IG_PROBLEM_name, its name in JSON, whether training goes on all the same, and its words. */
#define IG_PROBLEMS(X)                                                                                                 \
    X(JSON, json, false, "is no JSON object")                                                                          \
    X(ENCODING, encoding, false, "is no UTF-8")                                                                        \
    X(LONG_LINE, long_line, false, "is longer than a row may be")                                                      \
    X(FIELDS, fields, false, "lacks what a row needs")                                                                 \
    X(MESSAGES, messages, false, "has no list of messages")                                                            \
    X(ROLE, role, false, "has a message without a role that is known")                                                 \
    X(CONTENT, content, false, "has a message without content")                                                        \
    X(EMPTY, empty, false, "has a message that says nothing")                                                          \
    X(ORDER, order, false, "has its messages in an order that cannot be")                                              \
    X(NO_ANSWER, no_answer, false, "has no answer of the assistant to learn")                                          \
    X(WEIGHT, weight, false, "has a weight that is neither 0 nor 1")                                                   \
    X(TOOLS, tools, false, "has tools or tool calls of the wrong form")                                                \
    X(SAME, same, false, "has the same answer as chosen and as rejected")                                              \
    X(TEMPLATE, template, false, "is refused by the chat template")                                                    \
    X(TOKENS, tokens, false, "cannot be written in the model's tokens")                                                \
    X(SPECIAL, special, false, "has a special token of the model in its text")                                         \
    X(LABEL, label, false, "has no label or score that is known")                                                     \
    X(TOO_LONG, too_long, false, "has more tokens than the context holds")                                             \
    X(CUT, cut, true, "is cut to the context")                                                                         \
    X(DUPLICATE, duplicate, true, "is the same as an earlier row")
#define IG_PROBLEM_ENUM(upper, lower, harmless, words) IG_PROBLEM_##upper,
typedef enum ig_problem_kind { IG_PROBLEMS(IG_PROBLEM_ENUM) IG_PROBLEM_COUNT } ig_problem_kind;
#undef IG_PROBLEM_ENUM
const char *ig_problem_name(ig_problem_kind kind);
const char *ig_problem_words(ig_problem_kind kind);
bool ig_problem_is_harmless(ig_problem_kind kind);

#define IG_PROBLEMS_MAX 1000 /* that are kept; all are counted */
typedef struct ig_problem {
    ig_problem_kind kind;
    int file;                 /* number of the file, as it was given */
    int64_t line;
    char detail[160];         /* which message, which token …; "" */
} ig_problem;

typedef struct ig_problems {
    ig_problem *item;
    size_t len, cap;
    size_t count, harmless;   /* all of them, and those that training goes on with */
} ig_problems;
void ig_problems_fini(ig_problems *p);

/* ---- rows ------------------------------------------------------------------------------------------------------------- */

#define IG_EXAMPLE_BYTES_MAX ((size_t)16 << 20) /* one line */
#define IG_EXAMPLES_MAX ((size_t)1 << 26)

typedef struct ig_example {
    int file;
    int64_t line;
    size_t at, len;           /* ids of the conversation; preference: of the chosen one */
    size_t rejected_at, rejected_len; /* 0 0 without */
} ig_example;

typedef struct ig_examples {
    ig_example *row;
    size_t count, cap;
    ig_ids ids;
    ig_buf learned;           /* a byte per id */
    size_t learned_count;     /* ids that are learned */
    int64_t longest;          /* ids of the longest row */
    int files;
} ig_examples;

typedef struct ig_examples_opts {
    ig_example_kind kind;           /* CHAT or PREFERENCE */
    const ig_tokenizer *tokenizer;  /* NULL: rows are checked, and nothing is encoded */
    const ig_chat_format *format;   /* with a tokenizer */
    int64_t context;                /* a row may have one id more than this; 0: any number */
    bool cut;                       /* longer ones are cut at their end, instead of refused */
} ig_examples_opts;

/* Append the rows of a file.  What is wrong goes to *problems (zero-initialise both), and such rows are left out: the status
 * tells only whether the file could be read.  A file without any row is IG_E_FORMAT. */
ig_status ig_examples_read(const char *path, const ig_examples_opts *opts, ig_examples *out, ig_problems *problems, ig_error *err);
ig_status ig_examples_parse(const char *name, const char *text, size_t len, const ig_examples_opts *opts, ig_examples *out,
                            ig_problems *problems, ig_error *err);
void ig_examples_fini(ig_examples *x);
/* Put the rows into an order of their own, the same for the same number of rows, so that the last share of them is a sample.
 * Returns how many rows stand before that share; at least one when there is a row. */
size_t ig_examples_split(ig_examples *x, double share);
/* Row i, or its rejected answer, as row `at` of inputs, targets i64 [B,T]: cut at T, padded behind with the target
 * IG_NO_TARGET.  i < 0: all padding.  Returns how many targets count. */
int64_t ig_examples_fill(const ig_examples *x, int64_t i, bool rejected, int64_t at, const ig_tensor *inputs, const ig_tensor *targets);

/* Plain text: lines that are no UTF-8 are noted; such a text trains byte tokenizers only. */
ig_status ig_text_check(const char *text, size_t len, ig_problems *problems, ig_error *err);

/* ---- batches of rows -------------------------------------------------------------------------------------------------- */

/* Rows first … first+count-1 in epochs, each once and in a new order per epoch.  Rows of about the same length come together:
 * a bucket holds those that fit its length, and a batch is of one bucket.  The last batch of a bucket may have rows missing. */
#define IG_ROW_BUCKETS_MAX 4
typedef struct ig_row_batches {
    size_t first, count;
    int64_t batch;
    uint64_t seed;
    int buckets;
    int64_t length[IG_ROW_BUCKETS_MAX]; /* T of each */
    int64_t *rows;                      /* [count], bucket by bucket */
    int64_t rows_at[IG_ROW_BUCKETS_MAX + 1];
    int64_t batches_at[IG_ROW_BUCKETS_MAX + 1]; /* of one epoch */
} ig_row_batches;

/* Rows first … first+count-1 of x, whose length is what is read of them (one id less than they have). */
ig_status ig_row_batches_init(ig_row_batches *b, const ig_examples *x, size_t first, size_t count, int64_t batch, int64_t context,
                              uint64_t seed, ig_error *err);
/* The same for rows of anything: lengths[i] belongs to row i. */
ig_status ig_row_batches_init_lengths(ig_row_batches *b, const int64_t *lengths, size_t count, int64_t batch, int64_t context,
                                      uint64_t seed, ig_error *err);
void ig_row_batches_fini(ig_row_batches *b);
/* The rows of batch `index`, -1 for a missing one; returns its bucket.  A function of (seed, index) and of nothing else. */
int ig_row_batches_pick(const ig_row_batches *b, int64_t index, int64_t *rows /* [batch] */);
double ig_row_batches_epoch(const ig_row_batches *b, int64_t batches);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
