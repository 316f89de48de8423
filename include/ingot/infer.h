/* ingot/infer.h: using a model: sessions that remember, choosing the next token, generating text, and measuring a text.
 *
 *     ig_session       a model, the keys and values of what it has read, and the plans that read on
 *     ig_sampler       from logits to a token
 *     ig_generate      both in a loop, with stop texts and streaming
 *     ig_eval_text     loss and perplexity over a whole text
 *     ig_embedder      texts to vectors
 *     ig_classifier    texts to probabilities of labels, pairs of texts to scores
 *
 * A session, a sampler, an embedder and a classifier are used by one thread at a time; many may share a model as long as
 * nobody trains it.
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
 * full context without `slide`.  Both leave the session as it was.
 * A recurrent network keeps a state instead of keys and values: after a rewind, the next call reads again what remains. */
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

/* Added to the logit of a token; -infinity forbids it. */
typedef struct ig_token_bias {
    int32_t id;
    float bias;
} ig_token_bias;

/* Applied in this order: bias, penalties, temperature, top_k, top_p, min_p.  Zero is the default: the most likely token. */
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
    const ig_token_bias *bias;  /* [bias_count] of different tokens; copied */
    size_t bias_count;
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

/* ---- many requests at once ------------------------------------------------------------------------------------------------ */

/* One model, one thread of its own that runs it for all requests: prompts in chunks, up to 16 requests (and guesses at their
 * next tokens, see draft.h) in one decoding run, beginnings of prompts remembered.  (Yu et al. 2022, "Orca"; Kwon et al. 2023)
 * A request gives the tokens that it gives alone, whatever else runs, if the model's weights are packed (ig_model_pack). */
typedef struct ig_scheduler ig_scheduler;

typedef struct ig_scheduler_opts {
    int64_t context_max;    /* positions of a request, at most the model's context; 0: the model's */
    size_t cache_bytes_max; /* of keys and values; 0: what 16 full contexts need, at most a quarter of the free memory */
    int running_max;        /* requests that run together, 1 … 16; 0: 16 */
    int waiting_max;        /* 0: 64 */
    bool bf16;              /* products of prompts in bf16 */
    bool no_drafts;         /* one token per request and run */
} ig_scheduler_opts;

typedef struct ig_scheduler_stats {
    int running, waiting;
    int64_t pages, pages_used;                     /* of 64 positions */
    uint64_t requests, prompt_tokens, shared_tokens; /* shared: prompt tokens that were not read again */
    uint64_t generated_tokens, runs, guessed, guessed_right;
} ig_scheduler_stats;

typedef struct ig_request {
    const int32_t *prompt;
    size_t n;                          /* at least 1 */
    const ig_generate_opts *opts;      /* on_piece is called by the thread that waits */
    uint64_t scope;                    /* prompts share beginnings within a scope only, e.g. an API key's number */
    bool (*is_wanted)(void *arg);      /* asked a few times a second, while waiting too; false cancels.  NULL: always */
    void *arg;
} ig_request;

ig_status ig_scheduler_open(ig_model *m, const ig_scheduler_opts *opts, ig_scheduler **out, ig_error *err);
/* Ends what runs with IG_E_CANCELLED, and waits for it. */
void ig_scheduler_close(ig_scheduler *s);
/* As ig_generate, from any thread.  IG_E_BUSY: too many wait already; IG_E_LIMIT: the prompt does not fit, with both numbers;
 * a request that is no longer wanted ends with IG_OK and IG_FINISH_CANCELLED. */
ig_status ig_scheduler_generate(ig_scheduler *s, const ig_request *r, ig_generation *out, ig_error *err);
int64_t ig_scheduler_context(const ig_scheduler *s);
void ig_scheduler_stats_get(ig_scheduler *s, ig_scheduler_stats *out);

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

/* ---- reading whole texts ------------------------------------------------------------------------------------------------ */

/* Texts are put into batches of equal length, padded to the next of few lengths, and each batch runs a plan that is kept
 * for the next batch of this size.  How long a text is padded to depends on its own length only, and padding is masked: what comes
 * out for a text depends on its company only as far as matrix products round differently for another number of rows. */
typedef struct ig_batch_opts {
    int64_t max_tokens;    /* longer texts are cut; counts the tokens around them; 0: what sentence_bert_config.json in the
                              model's folder says, else the model's context */
    int64_t batch_tokens;  /* of one batch, padding included, or one text; 0: 1024 */
    size_t plan_bytes_max; /* memory of all plans that are kept; 0: 256 MB.  The one that runs may be larger alone. */
    bool bf16;             /* matrix products in bf16 */
} ig_batch_opts;

/* What became of one text. */
typedef struct ig_text_use {
    int64_t tokens;        /* read, with [CLS], [SEP] … */
    bool truncated;        /* its end was cut off */
} ig_text_use;

typedef enum ig_pooling {
    IG_POOLING_DEFAULT,    /* what 1_Pooling/config.json in the folder says, else MEAN for encoders, LAST for decoders */
    IG_POOLING_MEAN,       /* of all tokens */
    IG_POOLING_CLS,        /* the first token */
    IG_POOLING_LAST        /* the last token */
} ig_pooling;
bool ig_pooling_parse(const char *name, ig_pooling *out); /* "mean", "cls", "last" */
const char *ig_pooling_name(ig_pooling pooling);

typedef struct ig_embedder ig_embedder;
typedef struct ig_embedder_opts {
    ig_pooling pooling;
    int64_t dimensions;    /* keep the first so many (Kusupati et al. 2022, "Matryoshka"); 0: all */
    bool raw;              /* leave the vectors as they are; else their length becomes 1, after the cut */
    ig_batch_opts batch;
} ig_embedder_opts;

/* opts may be NULL.  The model must outlive the embedder.  Sentence-Transformers folders whose modules.json asks for more
 * than pooling and normalisation are refused by name. */
ig_status ig_embedder_open(ig_model *m, const ig_embedder_opts *opts, ig_embedder **out, ig_error *err);
void ig_embedder_close(ig_embedder *e);
int64_t ig_embedder_dimensions(const ig_embedder *e); /* D of the vectors */
ig_pooling ig_embedder_pooling(const ig_embedder *e);
int64_t ig_embedder_max_tokens(const ig_embedder *e);
size_t ig_embedder_plan_bytes(const ig_embedder *e);  /* memory of the plans that are kept now */

/* out [n,D]; uses [n] may be NULL.  The tokens that frame a text are added here, so `texts` have none; without a tokenizer
 * they are read as they are.  IG_E_ARG names text and token that is not in the vocabulary. */
ig_status ig_embed_tokens(ig_embedder *e, const ig_ids *texts, size_t n, float *out, ig_text_use *uses, ig_error *err);
ig_status ig_embed_texts(ig_embedder *e, const char *const *texts, size_t n, float *out, ig_text_use *uses, ig_error *err);

typedef struct ig_classifier ig_classifier;
/* IG_E_UNSUPPORTED for a model without a classification head.  opts may be NULL. */
ig_status ig_classifier_open(ig_model *m, const ig_batch_opts *opts, ig_classifier **out, ig_error *err);
void ig_classifier_close(ig_classifier *c);
int64_t ig_classifier_count(const ig_classifier *c); /* L labels */
const char *ig_classifier_label(const ig_classifier *c, int64_t i);

/* out [n,L]: probabilities, by softmax; by sigmoid, each label for itself, when problem_type is multi_label_classification or
 * there is one label; the plain logits when it is regression. */
ig_status ig_classify_texts(ig_classifier *c, const char *const *texts, size_t n, float *out, ig_text_use *uses, ig_error *err);
/* The same of pairs of texts, for a model that was trained on such. */
ig_status ig_classify_pairs(ig_classifier *c, const char *const *texts, const char *const *second, size_t n, float *out,
                            ig_text_use *uses,
                            ig_error *err);
typedef struct ig_tagger ig_tagger;
/* IG_E_UNSUPPORTED for a model without a head for tags.  The model must outlive the tagger. */
ig_status ig_tagger_open(ig_model *m, ig_tagger **out, ig_error *err);
void ig_tagger_close(ig_tagger *t);
const char *ig_tagger_label(const ig_tagger *t, int32_t i); /* NULL out of range */
/* out [n]: the label of every word of one text; -1 for words behind what the model reads. */
ig_status ig_tag_words(ig_tagger *t, const char *const *words, size_t n, int32_t *out, ig_error *err);

/* A cross-encoder: how well documents[i] answers queries[i], the plain logit (any size; more is better).  The longer of the
 * two is cut first.  IG_E_UNSUPPORTED unless the model has one label. */
ig_status ig_score_pairs(ig_classifier *c, const char *const *queries, const char *const *documents, size_t n, float *out,
                         ig_text_use *uses, ig_error *err);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
