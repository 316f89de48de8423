/* ingot/infer.h: using a model: sessions that remember, choosing the next token, generating text, and measuring a text.
 *
 *     ig_session       a model, the keys and values of what it has read, and the plans that read on
 *     ig_sampler       from logits to a token
 *     ig_generate      both in a loop, with stop texts and streaming
 *     ig_eval_text     loss and perplexity over a whole text
 *
 * A session, and a sampler, is used by one thread at a time; many sessions may share a model as long as nobody trains it.
 */
#ifndef INGOT_INFER_H
#define INGOT_INFER_H

#include "ingot/grammar.h"
#include "ingot/models.h"

#pragma GCC visibility push(default) /* what stands here, libingot.so exports */
#ifdef __cplusplus
extern "C" {
#endif

/* ---- sessions -------------------------------------------------------------------------------------------------------- */

typedef struct ig_session ig_session;

typedef struct ig_session_opts {
    int64_t context_max;  /* positions to keep, at most the model's context; 0: the model's */
    bool bf16;            /* matrix products of chunks (prompts) in bf16; single tokens stay in f32 */
    bool slide;           /* context full: forget all but the last half of it and read that half again, instead of failing */
} ig_session_opts;

/* opts may be NULL.  The model must outlive the session. */
ig_status ig_session_open(ig_model *m, const ig_session_opts *opts, ig_session **out, ig_error *err);
void ig_session_close(ig_session *s);

/* Read n tokens (n >= 1) behind what was read before.  Afterwards ig_session_logits are those of the token that follows.
 *
 * Tokens are read in chunks that end on multiples of 64 positions, so the bits depend on the positions and on how the
 * calls cut the text, never on other sessions.  IG_E_ARG names a token that is not in the vocabulary; IG_E_LIMIT is a
 * full context without `slide`.  Both leave the session as it was. */
ig_status ig_session_feed(ig_session *s, const int32_t *tokens, size_t n, ig_error *err);
const float *ig_session_logits(const ig_session *s); /* [V]; NULL before the first feed, and after a rewind */
int64_t ig_session_length(const ig_session *s);      /* positions in use */
int64_t ig_session_context(const ig_session *s);     /* positions that there are */
bool ig_session_slides(const ig_session *s);
ig_model *ig_session_model(const ig_session *s);
const int32_t *ig_session_tokens(const ig_session *s); /* [length]: what is remembered */
/* Forget everything behind the first `length` positions (0: all).  Multiples of 64 keep the bits of one long feed. */
ig_status ig_session_rewind(ig_session *s, int64_t length, ig_error *err);

/* ---- choosing a token -------------------------------------------------------------------------------------------------- */

#define IG_LOGPROBS_MAX 20

/* Applied in this order: penalties, temperature, top_k, top_p, min_p.  Zero is the default: the most likely token. */
typedef struct ig_sampling {
    double temperature;         /* 0: always the most likely token (of equals the smaller id); up to 100 */
    int top_k;                  /* keep the k most likely; 0: all   (Fan et al. 2018) */
    double top_p;               /* keep the fewest whose probability reaches it; 0 or 1: all   (Holtzman et al. 2020) */
    double min_p;               /* keep those with at least this share of the largest probability; 0: all */
    double repetition_penalty;  /* divide positive, multiply negative logits of tokens seen; 0 or 1: none (Keskar et al. 2019) */
    double frequency_penalty;   /* subtract, times how often the token was generated; -2 … 2 */
    double presence_penalty;    /* subtract, if the token was generated; -2 … 2 */
    uint64_t seed;
    int logprobs;               /* how many of the most likely tokens to report; at most IG_LOGPROBS_MAX */
} ig_sampling;

typedef struct ig_token_logprob {
    int32_t id;
    double logprob;
} ig_token_logprob;

typedef struct ig_choice {
    int32_t id;
    double logprob;                        /* in the model's own distribution: before penalties, temperature and cuts */
    int top_count;                         /* as many as asked for, the most likely first */
    ig_token_logprob top[IG_LOGPROBS_MAX];
} ig_choice;

typedef struct ig_sampler ig_sampler;
/* IG_E_ARG names the setting that is out of range.  opts may be NULL. */
ig_status ig_sampler_new(int64_t vocab, const ig_sampling *opts, ig_sampler **out, ig_error *err);
void ig_sampler_free(ig_sampler *s);
/* A token that was read: repetition_penalty counts it. */
void ig_sampler_saw(ig_sampler *s, int32_t id);
/* Choose from logits [V] and count the choice as generated.  The n-th choice of a seed uses the n-th random number.
 * IG_E_NUMERIC when a logit is not a number or +infinity; -infinity is a token that cannot be chosen. */
ig_status ig_sampler_choose(ig_sampler *s, const float *logits, ig_choice *out, ig_error *err);
/* The same among the tokens whose bit of mask [ig_mask_words(V)] is set (NULL: all), as if the others had the logit -infinity;
 * logprobs stay those of the model.  IG_E_NUMERIC when no such token is possible. */
ig_status ig_sampler_choose_masked(ig_sampler *s, const float *logits, const uint32_t *mask, ig_choice *out, ig_error *err);

/* ---- generating ---------------------------------------------------------------------------------------------------------- */

typedef enum ig_finish {
    IG_FINISH_STOP,      /* a token that ends the text, or a stop text */
    IG_FINISH_LENGTH,    /* max_tokens, or a context that is full and does not slide */
    IG_FINISH_CANCELLED  /* the callback said no */
} ig_finish;

/* What one token added.  text is whole UTF-8 characters and may be empty: a character may need several tokens, and what
 * may be the beginning of a stop text is held back.  choice is NULL for the rest of the text after the last token. */
typedef struct ig_piece {
    const char *text;
    size_t len;
    const ig_choice *choice;
    size_t index;            /* of the token, from 0 */
} ig_piece;
typedef bool ig_piece_fn(void *arg, const ig_piece *piece); /* false: stop here */

typedef struct ig_generate_opts {
    ig_sampling sampling;
    size_t max_tokens;         /* 0: as many as the context holds; 1024 when it slides */
    const char *const *stop;   /* texts that end the generation and are not part of it */
    size_t stop_count;
    const int32_t *end_ids;    /* tokens that end it; NULL: eos_token_id of config.json, else the tokenizer's end token */
    size_t end_count;
    bool ignore_end;           /* no token ends it */
    const ig_grammar *grammar; /* the text keeps to it, and ends only where it may; NULL: any text.  Needs a tokenizer */
    const ig_vocab_trie *trie; /* of the model's tokenizer, vocabulary and end tokens, to be used again; NULL: made for the call */
    ig_piece_fn *on_piece;     /* NULL: none */
    void *arg;
} ig_generate_opts;

/* Filled anew by each call; fini frees, after an error too. */
typedef struct ig_generation {
    ig_buf text;               /* without the prompt and the stop text */
    ig_ids ids;                /* of the tokens chosen; the last may be one that ended it */
    ig_finish finish;
    size_t prompt_tokens;
    double prompt_seconds, generate_seconds;
} ig_generation;
void ig_generation_fini(ig_generation *r);

/* Read the prompt behind what the session holds, then generate.  n may be 0 when the session has logits.  Needs a
 * tokenizer only for the text: without one `text` stays empty and stop texts are refused. */
ig_status ig_generate(ig_session *s, const int32_t *prompt, size_t n, const ig_generate_opts *opts, ig_generation *out,
                      ig_error *err);
/* The same from text.  Special tokens in it are plain text.  An empty text in a fresh session starts from ig_start_token. */
ig_status ig_generate_text(ig_session *s, const char *prompt, size_t len, const ig_generate_opts *opts, ig_generation *out,
                           ig_error *err);
/* What a text starts from when there is no prompt: bos_token_id of config.json, else eos_token_id, else the tokenizer's
 * first special token, else its token for a line break, else 0. */
int32_t ig_start_token(const ig_model *m);

/* ---- measuring ------------------------------------------------------------------------------------------------------------ */

typedef bool ig_eval_progress_fn(void *arg, int64_t done, int64_t total); /* tokens; false: stop with IG_E_CANCELLED */

typedef struct ig_eval_opts {
    int64_t context_max;   /* window length, at most the model's context; 0: the model's */
    int64_t batch;         /* windows at a time; 0: as many as take about 256 MB of logits, at most 16 */
    ig_eval_progress_fn *progress;
    void *arg;
} ig_eval_opts;

typedef struct ig_eval_result {
    double loss;           /* mean negative log-likelihood per token, nats */
    double perplexity;     /* exp(loss) */
    double bits_per_byte;  /* of the predicted tokens' bytes; 0 without a tokenizer */
    int64_t tokens;        /* predicted: n - 1 */
    int64_t bytes;         /* of the predicted tokens; 0 without a tokenizer */
} ig_eval_result;

/* The protocol: the text is cut into windows of context_max tokens that do not overlap, each read from position 0 with
 * nothing before it; every token of the text but the first is predicted exactly once, from the tokens of its window.
 * In f32 whatever the model was trained in.  The result does not depend on `batch` beyond rounding.  opts may be NULL. */
ig_status ig_eval_text(ig_model *m, const int32_t *tokens, size_t n, const ig_eval_opts *opts, ig_eval_result *out,
                       ig_error *err);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
