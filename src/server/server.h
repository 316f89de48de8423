/* server/server.h: what the files of the room share.
 *
 *     net ── request ──► server.c: id, route, limits, log ──► route_*.c ──► pool.c: a loaded model ──► infer
 *                          │        access.c: who asks          │     └────► the loop (ingot/features.h)
 *                          routes.c: one table                  fields.c: one table per endpoint
 *
 * A handler answers through reply.c, or returns an error, which server.c turns into OpenAI's shape:
 * {"error": {"message", "type", "param", "code"}}.  No prompt and no key ever reaches a log.
 */
#ifndef INGOT_SERVER_SERVER_H
#define INGOT_SERVER_SERVER_H

#include <pthread.h>

#include "ingot/features.h"
#include "ingot/infer.h"
#include "ingot/net.h"
#include "ingot/server.h"
#include "ingot/template.h"

#define SERVER_ID_SIZE 48
#define SERVER_REPLY_BYTES_MAX ((size_t)256 << 20)
#define SERVER_CHOICES_MAX 8
#define SERVER_STOPS_MAX 4
#define SERVER_USER_SIZE 512
#define ACCESS_COOKIE "ingot"

/* ---- routes.c ---------------------------------------------------------------------------------------------------------- */

typedef struct call call;
typedef struct route {
    const char *method, *path;  /* "/v1/files/{id}/content": {id} stands for one segment */
    int role;                   /* least ig_store_role that may call it; -1: anybody, without a key */
    bool heavy;                 /* uses a model: counts against the places that are kept for such work */
    ig_status (*run)(call *c);
    const char *doc;
} route;
extern const route server_routes[]; /* method NULL ends it */
/* NULL when there is none; *other is then whether the path exists with another method.  ids are the segments for {…}. */
const route *route_find(const ig_http_request *req, const char *ids[2], bool *other);
const route *route_web(const ig_http_request *req); /* of a file of the console; NULL when it is none */

/* ---- a request ------------------------------------------------------------------------------------------------------------ */

struct call {
    ig_server *s;
    ig_http_request *http;
    const route *route;
    const char *segment, *second; /* what stands for {id} and for a further one */
    char id[SERVER_ID_SIZE];     /* "req_…" */
    const char *key_id;          /* NULL: no key */
    char key[IG_STORE_ID_SIZE];
    ig_store_role role;          /* of the key; admin where the server runs without keys */
    ig_store_key_scope allowed;  /* of a public key */
    uint64_t scope;              /* prompts share beginnings with this number only */
    ig_doc *body;
    ig_error err;
    int fail_status;             /* HTTP; 0: chosen by err.code */
    char param[80], code[48];    /* of a failure; "" is null */
    bool answered;
    int status;
    char model[128];
    int64_t prompt_tokens, completion_tokens;
    double start;
};

/* Store a failure that the client caused; returns a status that is not IG_OK.  param and code may be NULL. */
ig_status call_fail(call *c, int status, const char *param, const char *code, const char *fmt, ...) IG_PRINTF(5, 6);
/* The body as a JSON object, in c->body. */
ig_status call_body(call *c);

/* ---- access.c, origins.c ------------------------------------------------------------------------------------------------------ */

/* Who asks, in c->key_id, c->role and c->allowed; *key has the limits. */
ig_status access_check(call *c, ig_store_key *key);
ig_status access_same_origin(call *c); /* refuses what a page of another origin would change */
bool access_cookie(const call *c, char *out, size_t size);
/* Is the origin one of these, separated by spaces ("*": any)? */
bool access_origin_in(const char *list, const char *origin);
/* The user that a body names (NULL: none): of a public key a signed visitor, whose limit counts this request when it `counts`. */
ig_status access_user(call *c, const char *given, bool counts, char *out, size_t size);

typedef struct origin_list origin_list;
ig_status origins_open(origin_list **out, ig_error *err);
void origins_close(origin_list *o);
ig_status origins_refresh(ig_server *s, ig_error *err);
bool origins_allow(void *arg, const ig_http_request *req, const char *origin);

/* ---- reply.c -------------------------------------------------------------------------------------------------------------- */

ig_status reply_json(call *c, int status, const ig_buf *b);
ig_status reply_failure(call *c); /* from c->err */
ig_status reply_events(call *c);  /* begin a stream of server-sent events */
void reply_new_id(const char *prefix, char id[SERVER_ID_SIZE]);
/* Append "key": {"prompt_tokens" …} in OpenAI's form. */
void reply_usage(ig_json *j, int64_t prompt, int64_t completion);
void reply_pair_text(ig_json *j, const char *key, const char *value); /* null when value is NULL */
void reply_pair_int(ig_json *j, const char *key, int64_t value);
void failure_json(const call *c, int status, ig_buf *out);
int failure_status(const call *c); /* HTTP status for c->err */
const char *failure_code(const call *c, int status);
void failure_message(const call *c, int status, ig_json *j); /* "message": … */
/* What net refuses itself, in the same shape: an ig_http_error_fn of the server. */
void reply_net_error(void *server, int status, const char *message, ig_buf *body);
/* A stream that has begun ends with an event {"error": …}; returns `failed`. */
ig_status reply_late_failure(call *c, ig_status failed);

/* ---- fields.c ------------------------------------------------------------------------------------------------------------- */

enum { F_BOOL = 1, F_INT = 2, F_REAL = 4, F_TEXT = 8, F_LIST = 16, F_MAP = 32 };
typedef enum field_use {
    FIELD_USED,     /* does what OpenAI's documentation says, or what doc says */
    FIELD_IGNORED,  /* taken, and without influence on the answer, as documented there */
    FIELD_REFUSED   /* known and not supported; `choices` are the values that ask for nothing */
} field_use;
typedef struct field {
    const char *name;      /* NULL ends the table */
    unsigned types;        /* of F_…; null stands for absent */
    field_use use;
    double min, max;       /* of numbers, lengths of lists, bytes of what can only be text; checked when max > min */
    const char *choices;   /* of texts: "auto|none"; of refused fields also "true", "false" */
    bool required;
    const char *doc;
} field;
typedef struct endpoint {
    const char *path, *doc;
    const field *fields;
} endpoint;
extern const endpoint server_endpoints[]; /* path NULL ends it; docs/OPENAI.md is made from it */
extern const field chat_fields[], completion_fields[], response_fields[], embedding_fields[], rerank_fields[],
    classify_fields[],
    tokenize_fields[],
    detokenize_fields[], job_fields[];
/* Every key of the map is in the table, has its type and range, and is supported.  prefix ("" or "stream_options.") stands
 * before names in errors. */
ig_status fields_check(call *c, const ig_tree *map, const field *fields, const char *prefix);
/* A value that is there and not null. */
const ig_tree *field_get(const ig_tree *map, const char *key);

/* ---- pool.c, loaded.c ------------------------------------------------------------------------------------------------------ */

typedef struct loaded {
    ig_model *m;
    ig_scheduler *scheduler;      /* of models that generate */
    ig_embedder *embedder;        /* opened on first use; under `lock` */
    ig_classifier *classifier;
    ig_vocab_trie *trie;
    ig_ids end_ids;
    ig_template *chat;
    bool plain_chat;              /* "user: …" lines: no token ends an answer */
    char bos[128], eos[128];      /* texts of the tokens, for the template */
    char fingerprint[32];
    pthread_mutex_t lock;         /* of embedder and classifier: one thread at a time */
} loaded;
typedef struct loaded_opts {
    int64_t context_max;
    int running_max;
    const char *version; /* of Ingot, for the fingerprint */
} loaded_opts;
ig_status loaded_open(ig_context *ctx, const char *path, const loaded_opts *opts, loaded **out, ig_error *err);
void loaded_close(loaded *l);

typedef struct pool pool;
typedef struct pool_info {
    char name[128];
    int64_t created;
    bool is_loaded;
} pool_info;
ig_status pool_open(ig_server *s, pool **out, ig_error *err);
void pool_close(pool *p);
/* A model by name, loaded; release it.  IG_E_NOT_FOUND; IG_E_BUSY when memory is short. */
ig_status pool_acquire(pool *p, const char *name, loaded **out, ig_error *err);
void pool_release(pool *p, loaded *l);
void pool_sweep(pool *p); /* unload what is idle */
/* *out is one block, freed with ig_free; in the order of names. */
ig_status pool_list(pool *p, pool_info **out, size_t *count, ig_error *err);
/* The model that the body names, able to do `capability`; names what is wrong. */
ig_status call_model(call *c, unsigned capability, loaded **out);

/* ---- admission.c ------------------------------------------------------------------------------------------------------------ */

typedef struct admission admission;
ig_status admission_open(int heavy_max, admission **out, ig_error *err);
void admission_close(admission *a);
/* One more request of this key (id NULL: of nobody).  IG_E_BUSY says which limit it is; *retry_s when to try again. */
ig_status admission_enter(admission *a, const char *id, int64_t per_minute, int64_t concurrent, bool heavy, int *retry_s,
                          ig_error *err);
void admission_leave(admission *a, const char *id, bool heavy);

/* ---- metrics.c -------------------------------------------------------------------------------------------------------------- */

typedef struct metrics metrics;
ig_status metrics_open(metrics **out, ig_error *err);
void metrics_close(metrics *m);
void metrics_count(metrics *m, const call *c, double seconds);
void metrics_refused(metrics *m, int status); /* before a handler saw it */
ig_status metrics_format(metrics *m, pool *p, ig_buf *out, ig_error *err);

/* ---- generation: settings.c, conversation.c, answer.c ------------------------------------------------------------------------ */

typedef struct settings {
    ig_generate_opts o;
    const char *stop[SERVER_STOPS_MAX + 1];
    ig_grammar *grammar;
    ig_token_bias *bias;
    int n;
    bool stream, usage_chunk;
    bool wants_logprobs;
    int top_logprobs;
    const char *prompt_name; /* the field that the prompt comes from, for errors */
    bool tools, one_call;   /* calls are looked for in the answer; at most one is told */
} settings;
void settings_fini(settings *s);
/* Temperature … stop, seed, bias, n and stream: what chat and completions have in common. */
ig_status settings_common(call *c, const loaded *l, const ig_tree *body, settings *s);
/* response_format, tools and tool_choice. */
ig_status settings_form(call *c, const loaded *l, const ig_tree *body, settings *s);
ig_status settings_schema(call *c, const loaded *l, const ig_tree *schema, const char *param, settings *s);
void settings_grammar(const loaded *l, settings *s, ig_grammar *g);

/* The messages of a request, written as the model's template wants them, as tokens. */
ig_status conversation_encode(call *c, const loaded *l, const ig_tree *messages, const ig_tree *tools, ig_ids *out);
/* The text parts of a message's content, appended. */
ig_status conversation_text(call *c, const ig_tree *content, const char *where, ig_buf *out);

typedef struct answer_token {
    int32_t id;
    double logprob;
    int top_count;
    ig_token_logprob *top;
    size_t at;              /* where its text begins in the answer */
} answer_token;

typedef struct answer answer;
/* Told while an answer is made, under a lock: text that is certain to belong to it. */
typedef ig_status answer_text_fn(void *arg, answer *a, const char *text, size_t len, const answer_token *tokens, size_t count);
struct answer {
    int index;
    call *c;
    const loaded *l;
    const settings *s;
    const ig_ids *prompt;
    answer_text_fn *on_text;  /* NULL: only the whole is wanted */
    void *arg;
    ig_generation g;
    answer_token *tokens;     /* kept when logprobs are wanted */
    size_t token_count, token_cap, told;
    size_t sent;              /* bytes of g.text that on_text has had */
    ig_tool_calls calls;      /* content too, when tools are looked for */
    bool enough;              /* the one call that may be made is there */
    ig_status status;
    ig_error err;
    pthread_mutex_t *lock;
};
/* Make s->n answers, in parallel; fills a[0..n).  Counts tokens in the call. */
ig_status answers_make(call *c, const loaded *l, const settings *s, const ig_ids *prompt, answer_text_fn *on_text, void *arg,
                       answer *a, size_t n);
void answers_fini(answer *a, size_t n);
const char *answer_finish(const answer *a); /* "stop", "length", "tool_calls" */
void answer_logprobs(const answer *a, const answer_token *t, size_t n, ig_json *j);            /* chat's form */
void answer_logprobs_completion(const answer *a, const answer_token *t, size_t n, ig_json *j); /* the older form */
void answer_token_text(const loaded *l, int32_t id, ig_buf *out);

/* ---- jobs.c: work in processes of their own ---------------------------------------------------------------------------------- */

typedef struct jobs jobs;
ig_status jobs_open(ig_server *s, jobs **out, ig_error *err);
void jobs_wake(jobs *j);
/* Asks the running child to stop, and waits for it; a fine-tuning job stays, and the next server goes on with it. */
void jobs_close(jobs *j);
#define JOB_FINE_TUNING "fine_tuning"
#define JOB_STARTS_MAX 10 /* of a job whose server is stopped or killed again and again */
#define JOB_NEW "new"         /* spec: {"feature", "kind", "settings", "sources", "options", "folder", "who"} */
#define JOB_IMPROVE "improve" /* spec: {"feature", "who", "seed"} */
/* Queue a job; *out is the caller's. */
ig_status work_new(call *c, const char *kind, const ig_buf *spec, ig_store_job *out);
ig_status reply_work(call *c, int status, const ig_store_job *job);
/* What a process of fine-tuning needs, and what it leaves: job_tuning.c. */
ig_status tuning_write_recipe(ig_server *s, const ig_store_job *job, const char *path, ig_error *err);
/* The log of a run that grows.  It borrows the job. */
typedef struct tuning_log {
    ig_store *store;
    const char *job;
    char model[IG_PATH_MAX], path[IG_PATH_MAX];
    long at;            /* bytes that were read */
    int64_t last, told; /* steps: the last one seen, the last whose training loss was told */
} tuning_log;
ig_status tuning_log_open(ig_server *s, const ig_store_job *job, tuning_log *l, ig_error *err);
/* Tell what is new as events of the job; true while there may be more. */
bool tuning_log_look(tuning_log *l);
/* What is left, and the checkpoint. */
ig_status tuning_take_run(tuning_log *l, ig_error *err);
/* The recipe of a job, from its spec (the request, with `seed` and `result` settled); paths are those of the contents. */
ig_status job_recipe(const ig_tree *spec, const char *training_path, const char *validation_path, ig_buf *out, ig_error *err);
/* A hyperparameter of the spec, from `method` or from the older place; NULL when it is absent or "auto". */
const ig_tree *job_hyperparameter(const ig_tree *spec, const char *name);

/* ---- feature.c: what the routes of features share ------------------------------------------------------------------------------ */

ig_status call_loop(call *c); /* 404 without a workspace */
/* A feature by name; 404 when there is none for this key.  Free with ig_store_feature_fini. */
ig_status call_feature(call *c, const char *name, ig_store_feature *out);
ig_status call_named_feature(call *c); /* the one of the path is there */
ig_status call_interaction(call *c, const char *id, ig_store_interaction *out);
ig_status call_conversation(call *c, const ig_store_feature *f, const char *id); /* id NULL: fine */
const ig_kind *server_kind(const ig_server *s, const char *name);
ig_status call_kind(call *c, const char *name, const ig_kind **out);
/* A whole number of the query. */
ig_status call_query_int(call *c, const char *name, int64_t min, int64_t max, int64_t otherwise, int64_t *out);
/* A text of a feature's settings; out stays as it is when there is none or it does not fit. */
void feature_setting(const ig_tree *of, const char *name, char *out, size_t size);
/* The environment variable that settings name, which must end in _KEY, so that no other can be sent away; NULL: none. */
const char *server_env_key(const char *name);
/* Reply with *b when s is IG_OK; *b is freed. */
ig_status reply_result(call *c, int status, ig_status s, ig_buf *b);

/* ---- asking: writer.c, route_ask.c, chat_feature.c ------------------------------------------------------------------------------- */

typedef struct writer {
    call *c;
    char model[200], url[1024], key_env[64];
    int wait_ms;
} writer;
/* The writer that the feature's settings name, set up in *w; NULL when they name none. */
ig_writer_fn *writer_of(call *c, const ig_store_feature *f, writer *w);

typedef struct asking {
    call *c;
    ig_ask_opts o;
    writer writer;
    char user[SERVER_USER_SIZE];
    bool stream, begun;
} asking;
/* Ask with a->o, the key and the feature's writer filled in. */
ig_status ask_loop(asking *a, const ig_store_feature *f, const ig_tree *request, ig_buf *out);
ig_status ask_end_stream(call *c, const char *data, size_t len); /* a last event, [DONE] */
ig_status ask_fail_stream(call *c, ig_status failed);            /* the error as an event */

typedef struct threads threads;
ig_status threads_open(threads **out, ig_error *err);
void threads_close(threads *t);
/* Answer the body as a chat when `name` is a feature. */
ig_status chat_feature(call *c, const char *name, bool *is_feature);

/* ---- webhooks.c: others are told of tickets -------------------------------------------------------------------------------------- */

typedef struct webhooks webhooks;
ig_status webhooks_open(ig_server *s, webhooks **out, ig_error *err);
/* Queue the news of a ticket when the feature's settings have a webhook.  Never waits for anybody; a failure is logged. */
void webhooks_ticket(webhooks *w, const ig_store_feature *f, const ig_store_ticket *t, const char *text);
void webhooks_close(webhooks *w); /* what waits is dropped: the tickets are in the store */

/* limit, after and order of a list. */
ig_status call_page(call *c, int most, ig_store_page *page);

/* ---- handlers ---------------------------------------------------------------------------------------------------------------- */

ig_status run_chat(call *c), run_completions(call *c), run_responses(call *c), run_embeddings(call *c), run_rerank(call *c),
    run_classify(call *c);
ig_status run_models(call *c), run_model(call *c), run_tokenize(call *c), run_detokenize(call *c);
ig_status run_live(call *c), run_ready(call *c), run_metrics(call *c);
ig_status run_file_new(call *c), run_file_list(call *c), run_file_get(call *c), run_file_content(call *c), run_file_delete(call *c);
ig_status run_job_new(call *c), run_job_list(call *c), run_job_get(call *c), run_job_cancel(call *c), run_job_events(call *c),
    run_job_checkpoints(call *c);
ig_status run_kinds(call *c), run_features(call *c), run_feature_new(call *c), run_feature(call *c), run_feature_patch(call *c),
    run_feature_delete(call *c), run_content_add(call *c), run_content_list(call *c), run_content_delete(call *c), run_ask(call *c),
    run_interactions(call *c), run_interaction(call *c), run_why(call *c), run_feedback(call *c), run_feedback_of_message(call *c),
    run_improve(call *c), run_work_list(call *c), run_work_get(call *c), run_work_cancel(call *c), run_versions(call *c),
    run_compare(call *c), run_promote(call *c), run_rollback(call *c), run_report(call *c);
ig_status run_ticket_new(call *c), run_tickets(call *c), run_ticket(call *c), run_ticket_message(call *c), run_ticket_close(call *c),
    run_visitor(call *c), run_widget_messages(call *c);
ig_status run_keys(call *c), run_key_new(call *c), run_key_delete(call *c), run_session_new(call *c), run_session_get(call *c),
    run_session_end(call *c), run_web(call *c);

/* ---- the server --------------------------------------------------------------------------------------------------------------- */

struct ig_server {
    ig_context *ctx;
    ig_server_opts o;            /* texts are the server's own */
    ig_http_server *http;
    ig_store *store;             /* NULL: none */
    ig_loop *loop;               /* NULL: none */
    origin_list *origins;
    threads *threads;
    pool *pool;
    admission *admission;
    metrics *metrics;
    jobs *jobs;
    webhooks *webhooks;
    pthread_t keeper;            /* unloads idle models */
    bool has_keeper, closing;
    pthread_mutex_t lock;
    pthread_cond_t wake;
};

#endif
