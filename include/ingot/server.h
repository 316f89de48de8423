/* ingot/server.h: the OpenAI-compatible server: models, features, keys and files of a workspace, over HTTP.
 *
 *     POST /v1/chat/completions  /v1/completions  /v1/responses  /v1/embeddings  /v1/rerank  /tokenize  /detokenize
 *     GET  /v1/models  /v1/files …  /v1/fine_tuning/jobs …  /health/live  /health/ready  /metrics
 *     /v1/features …  /v1/feedback  /v1/tickets …  /v1/jobs …  /v1/keys …  /v1/session    the loop: docs/LOOP.md
 *     GET  /  /console/…  /widget.js                                                     the console and the widget
 *
 * Models are loaded on first use and unloaded when nobody has used them for a while or memory is short.  Every request but
 * those for health needs a key of the store, unless `no_key` is set, which only a loopback address allows.
 * docs/OPENAI.md lists what each route takes.
 */
#ifndef INGOT_SERVER_H
#define INGOT_SERVER_H

#include "ingot/features.h"

#pragma GCC visibility push(default) /* what stands here, libingot.so exports */
#ifdef __cplusplus
extern "C" {
#endif

typedef struct ig_server ig_server;

/* A model that is served besides those of the workspace. */
typedef struct ig_server_model {
    const char *name;
    const char *path; /* its folder */
} ig_server_model;

/* Takes a line of the access log: a JSON object without line break.  Called on any thread. */
typedef void ig_server_log_fn(void *arg, const char *line);

typedef struct ig_server_opts {
    const char *host;                /* [127.0.0.1] */
    int port;                        /* 0: any that is free */
    const char *cert_file, *key_file; /* PEM: TLS */
    const char *workspace;           /* its models are served, and its store is used; NULL: none of either */
    const char *program;             /* ingot itself, which runs jobs (`train`, `new`, `improve`); NULL: they are refused */
    const char *version;             /* of Ingot, for system_fingerprint */
    const ig_kind *const *kinds;     /* of features; NULL: ig_kinds */
    const ig_server_model *models;
    size_t model_count;
    bool no_key;
    bool private_webhooks;           /* webhooks may be in the private network, else only at public addresses */
    int64_t requests_per_minute, concurrent; /* of a key that names none itself; 0: no limit */
    int64_t context_max;             /* tokens of one request and its answer; 0: the model's */
    int idle_seconds;                /* a model that nobody used for so long is unloaded [15 minutes] */
    ig_server_log_fn *log;
    void *log_arg;
} ig_server_opts;

/* IG_E_STATE when nobody could use the server, or everybody could: a public address without a key.  The message says what to
 * do.  The context must outlive the server. */
ig_status ig_server_open(ig_context *ctx, const ig_server_opts *opts, ig_server **out, ig_error *err);
int ig_server_port(const ig_server *s);
/* Take no more requests and wait for those that run.  IG_E_CANCELLED when some still run after timeout_ms. */
ig_status ig_server_drain(ig_server *s, int timeout_ms, ig_error *err);
void ig_server_close(ig_server *s); /* NULL is allowed */

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
