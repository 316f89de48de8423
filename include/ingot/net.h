/* ingot/net.h: HTTP/1.1 in and out.  Knows no model.
 *
 * The server: libmicrohttpd reads and writes on one thread; a handler runs on a pool of workers and may block.  Everything
 * from outside is bounded: bytes, connections, waiting requests and time.  The client: libcurl behind rules on where it may go.
 *
 * Reference: RFC 9110 and 9112 (HTTP), RFC 7578 (multipart/form-data), WHATWG HTML 9.2 (server-sent events), WHATWG Fetch
 * (CORS).  What is no HTTP at all libmicrohttpd refuses by itself, with a short HTML page; everything else is JSON.
 */
#ifndef INGOT_NET_H
#define INGOT_NET_H

#include "ingot/base.h"

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/* ---- server ------------------------------------------------------------------------------------------------------ */

typedef struct ig_http_server ig_http_server;
typedef struct ig_http_request ig_http_request;

/* Answers one request, on a worker: ig_http_reply or a stream, once.  A handler that returns without either answers 500, and
 * a stream left open is cut.  `req` is the handler's until it returns. */
typedef void ig_http_handler(void *arg, ig_http_request *req);
/* Writes the body (JSON) of an error that the room itself answers.  Called on any thread: it only writes to `body`. */
typedef void ig_http_error_fn(void *arg, int status, const char *message, ig_buf *body);
/* May a web page of this origin read answers?  Called on any thread: it must not block, nor call back into the room except
 * for what it reads of `req`. */
typedef bool ig_http_origin_fn(void *arg, const ig_http_request *req, const char *origin);

/* Asked once when the headers of a request are there, before its body is read: 0, or the HTTP status to refuse it with;
 * `message` then says why.  *body_bytes_max is the most that its body may have, and may be made smaller: up to 8 times as much of
 * the body of a refused request is read and dropped, so that the client sees the answer.  Called on the thread that serves all
 * connections: it must be quick.  ig_http_header_add may be called. */
typedef int ig_http_head_fn(void *arg, ig_http_request *req, size_t *body_bytes_max, char *message, size_t size);

/* 0 and NULL are the defaults in brackets. */
typedef struct ig_http_opts {
    const char *host;           /* address or name to listen on [127.0.0.1] */
    int port;                   /* 0: any that is free, see ig_http_server_port */
    const char *cert_file;      /* PEM; with key_file: TLS [none] */
    const char *key_file;
    int threads;                /* workers: requests that run at the same time [16] */
    int queue_max;              /* requests that wait for a worker; one more is answered 429 [64] */
    int retry_after_s;          /* what 429 and 503 tell the client to wait [1] */
    int connections_max;        /* further ones wait in the listen queue [1024] */
    int per_address_max;        /* connections of one address (IPv6: one /64) [64; loopback exempt unless set] */
    size_t header_bytes_max;    /* request line and headers, else 431 [16 KiB] */
    size_t body_bytes_max;      /* of one request, else 413 [20 MB] */
    size_t bodies_bytes_max;    /* of all requests together, else 503 [256 MiB] */
    int header_timeout_ms;      /* from accept to the end of the headers, else 408 [10 s] */
    int body_timeout_ms;        /* from the headers to the end of the body, else 408 [60 s] */
    int upload_rate_min;        /* bytes per second of a body after its first 5 s, else 408 [1024] */
    int idle_timeout_ms;        /* from a finished answer to the headers of the next request, then closed [60 s] */
    int write_timeout_ms;       /* a stream whose client takes nothing for so long is cut [30 s] */
    int total_timeout_ms;       /* from the headers to the end of the answer: 504, or the stream is cut [10 min] */
    size_t stream_buffer_bytes; /* of a stream, between handler and client [256 KiB] */
    ig_http_error_fn *error_body; /* [{"error":{"message","type","param":null,"code":null}}] */
    ig_http_origin_fn *allow_origin; /* [no origin].  With it, preflights are answered here. */
    ig_http_head_fn *check_head; /* [every request is taken] */
    void *hook_arg;             /* for error_body, allow_origin and check_head */
    ig_log_fn *log;             /* what libmicrohttpd complains about, as IG_LOG_DEBUG [nowhere] */
    void *log_arg;
} ig_http_opts;

ig_status ig_http_server_open(const ig_http_opts *opts, ig_http_handler *fn, void *arg, ig_http_server **out, ig_error *err);
int ig_http_server_port(const ig_http_server *s);
/* Stop accepting, close idle connections, answer 503 to what still arrives on others, and wait until all that runs is
 * answered.  IG_E_CANCELLED when some is left after timeout_ms; the error says how much.  Then call close. */
ig_status ig_http_server_drain(ig_http_server *s, int timeout_ms, ig_error *err);
/* Cuts what still runs (its requests are `gone`), waits for the handlers to return, frees.  NULL is allowed.  Not from a
 * handler. */
void ig_http_server_close(ig_http_server *s);

/* What was asked.  All text is borrowed until the handler returns; NULL where there is none. */
const char *ig_http_request_method(const ig_http_request *req);
/* The path without query, percent-decoded except for slashes inside a segment (%2F), no empty or dot segments: "/v1/models".
 * Segment i is decoded whole: GET /v1/models/a%2Fb has the segments "v1", "models", "a/b". */
const char *ig_http_request_path(const ig_http_request *req);
size_t ig_http_request_segment_count(const ig_http_request *req);
const char *ig_http_request_segment(const ig_http_request *req, size_t i);
const char *ig_http_request_query(const ig_http_request *req, const char *name);  /* the first of this name, decoded */
const char *ig_http_request_header(const ig_http_request *req, const char *name); /* the first; any case */
const void *ig_http_request_body(const ig_http_request *req, size_t *len);        /* followed by a NUL that does not count */
const char *ig_http_request_peer(const ig_http_request *req);                     /* numeric address without port */
/* True once nobody waits for the answer: the client hung up (a half-closed connection counts), was cut for slowness, ran out
 * of total time, or the server closes.  Costs one system call: ask once per token. */
bool ig_http_request_gone(ig_http_request *req);

/* One header more for the answer; before reply or stream_begin.  At most 32. */
ig_status ig_http_header_add(ig_http_request *req, const char *name, const char *value, ig_error *err);
/* A whole answer; the bytes are copied.  content_type NULL: none.  IG_E_CANCELLED when the request is gone, IG_E_STATE when it
 * has an answer already. */
ig_status ig_http_reply(ig_http_request *req, int status, const char *content_type, const void *bytes, size_t len,
                        ig_error *err);
/* An error in the shape of opts.error_body. */
ig_status ig_http_reply_error(ig_http_request *req, int status, const char *message, ig_error *err);

/* An answer of unknown length (chunked).  write copies into a bounded buffer and blocks while it is full; the bytes arrive as
 * they are, however they are cut.  IG_E_CANCELLED when the request is gone: stop working on it. */
ig_status ig_http_stream_begin(ig_http_request *req, int status, const char *content_type, ig_error *err);
ig_status ig_http_stream_write(ig_http_request *req, const void *bytes, size_t len, ig_error *err);
ig_status ig_http_stream_end(ig_http_request *req, ig_error *err);

/* Server-sent events over a stream; close with ig_http_stream_end.  Line ends in data become further "data:" lines. */
ig_status ig_sse_begin(ig_http_request *req, ig_error *err);
ig_status ig_sse_event(ig_http_request *req, const char *event_or_null, const char *data, size_t len, ig_error *err);
ig_status ig_sse_ping(ig_http_request *req, ig_error *err); /* a comment, so that proxies keep the connection */

/* ---- multipart/form-data (RFC 7578) -------------------------------------------------------------------------------- */

typedef struct ig_multipart_part {
    const char *name;         /* always there */
    const char *filename;     /* NULL when not a file.  As the client sent it: never a path to write to */
    const char *content_type; /* NULL when not given */
    const char *bytes;        /* into the parsed body */
    size_t len;
} ig_multipart_part;

typedef struct ig_multipart ig_multipart;
/* content_type is the request's header with its boundary.  Parts borrow the body.  IG_E_FORMAT names the part that is wrong,
 * IG_E_LIMIT when there are more than parts_max (0: 64) or a part has over 8 KiB of headers. */
ig_status ig_multipart_parse(const char *content_type, const void *body, size_t len, size_t parts_max, ig_multipart **out,
                             ig_error *err);
size_t ig_multipart_count(const ig_multipart *m);
const ig_multipart_part *ig_multipart_at(const ig_multipart *m, size_t i);
const ig_multipart_part *ig_multipart_get(const ig_multipart *m, const char *name); /* the first of this name, or NULL */
void ig_multipart_free(ig_multipart *m);

/* ---- addresses ------------------------------------------------------------------------------------------------------ */

/* A host that only this machine reaches: 127.0.0.0/8, ::1, their mapped and bracketed forms, "localhost". Never resolves. */
bool ig_net_is_loopback(const char *host);
/* A numeric address that is not of the public internet: loopback, private, link-local, shared, multicast, reserved. */
bool ig_net_is_private(const char *address);

/* ---- client ---------------------------------------------------------------------------------------------------------- */

/* Takes bytes of a 2xx answer; `at` is their place in the whole resource (0 for one that does not resume).  What is not IG_OK
 * stops the transfer and is returned by the call. */
typedef ig_status ig_http_bytes_fn(void *arg, uint64_t at, const void *bytes, size_t len, ig_error *err);

typedef struct ig_http_call {
    const char *url;             /* http or https, without user or password */
    const char *const *headers;  /* "Name: value" */
    size_t header_count;
    const void *body;            /* POST only */
    size_t body_len;
    uint64_t offset;             /* GET: ask for the bytes from here on.  A server may not: look at `at` */
    const char *if_range;        /* ETag that the bytes before offset belong to; else the server sends all [none] */
    uint64_t bytes_max;          /* of the answer, else IG_E_LIMIT [1 GiB] */
    int connect_timeout_ms;      /* [10 s] */
    int idle_timeout_ms;         /* without a byte [30 s] */
    int total_timeout_ms;        /* of all redirects together [none] */
    int redirects_max;           /* GET only; -1: none [5] */
    bool refuse_private;         /* connect to public addresses only, checked after name resolution and at each redirect */
    const char *ca_file;         /* PEM of trusted certificates [the system's] */
    ig_http_bytes_fn *on_bytes;  /* [bytes are dropped] */
    void *arg;
    bool (*cancelled)(void *arg); /* asked about once a second and on traffic [never] */
} ig_http_call;

typedef struct ig_http_answer {
    int status;              /* of the last redirect */
    uint64_t total_bytes;    /* of the whole resource, 0 when not told */
    char content_type[128];
    char etag[128];
    char detail[4096];       /* the start of the body when status is not 2xx */
    size_t detail_len;
} ig_http_answer;

/* IG_OK for every complete HTTP answer, whatever its status.  IG_E_IO: no connection, or it broke; IG_E_LIMIT: too long or too
 * slow; IG_E_ARG: a URL or header that is refused; IG_E_CANCELLED.  `Authorization` and `Cookie` are not sent on to another
 * host, port or scheme, and no redirect leads from https to http. */
ig_status ig_http_get(const ig_http_call *call, ig_http_answer *out, ig_error *err);
ig_status ig_http_post(const ig_http_call *call, ig_http_answer *out, ig_error *err);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
