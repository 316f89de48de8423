/* net/http.h: what the files of the HTTP server share.
 *
 *   libmicrohttpd's thread                        workers                     watch (every 100 ms)
 *   http_exchange.c                               http_workers.c              http_watch.c
 *     connection opened: http_conn
 *     headers read:      request  ── stage BODY                               headers, body too slow: 408, cut
 *     body read:         queue ────────────────►  RUNNING: the handler
 *                        (connection suspended)     reply or stream           hung up, out of time: gone
 *     answer sent  ◄──── resumed ───────────────    SENDING                   idle for too long: closed
 *     completed: request leaves its connection
 *
 * One mutex, the server's, guards all that changes after a request is queued; handlers and hooks run outside it, except
 * error_body, which only formats.  A suspended connection is watched by nobody in libmicrohttpd; therefore the watch and
 * ig_http_request_gone ask its socket themselves, and whoever has something for it (bytes, an answer, the end) resumes it.
 * libmicrohttpd holds a lock of the response while it asks for bytes of a stream; nothing that takes that lock (queueing and
 * destroying a response) is called with ours held.  A socket stays open as long as its http_conn is listed: libmicrohttpd
 * closes it after it has told us.
 */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

#include "ingot/limits.h"
#include "ingot/net.h"

#define HTTP_REPLY_HEADERS_MAX 32

typedef struct http_pair {
    const char *name, *value;
} http_pair;

typedef struct http_target {
    char *text; /* owns all that follows */
    const char *path;
    const char *segment[IG_HTTP_SEGMENTS_MAX];
    size_t segment_count;
    http_pair arg[IG_HTTP_ARGS_MAX];
    size_t arg_count;
} http_target;

typedef struct http_conn http_conn;
struct http_conn {
    http_conn *prev, *next;
    ig_http_server *server;
    ig_http_request *req; /* whose headers are complete; NULL between requests */
    int fd;
    bool kept;           /* has finished a request */
    bool cut;            /* shut down by us */
    double since;        /* accepted, or its last answer finished */
    uint8_t address[16]; /* IPv4 as mapped IPv6; of IPv6 the /64 */
};

typedef enum http_stage { HTTP_HEAD, HTTP_BODY, HTTP_QUEUED, HTTP_RUNNING, HTTP_SENDING } http_stage;

struct ig_http_request {
    ig_http_server *server;
    http_conn *conn;            /* NULL before the headers are complete, and once libmicrohttpd is done with the request */
    struct MHD_Connection *mhd; /* as long as conn */
    ig_http_request *next;      /* in the queue */
    pthread_cond_t changed;     /* room in the stream, or gone */
    int holders;                /* libmicrohttpd; the queue or a worker */
    http_stage stage;
    bool has_head, has_answer; /* of libmicrohttpd's thread alone: headers read, answer to be queued */
    bool suspended;
    bool gone;
    double since; /* headers complete */

    char *raw_target;
    char *method;
    http_target target;
    char *header_text;
    http_pair *header;
    size_t header_count;
    char peer[64];
    ig_buf body;
    size_t body_seen; /* bytes received, dropped ones too */
    int refusal;      /* status of an answer that waits for the end of a dropped body; 0: none */
    char refusal_text[256];

    http_pair reply_header[HTTP_REPLY_HEADERS_MAX];
    size_t reply_header_count;
    struct MHD_Response *response; /* NULL: not answered yet */
    unsigned status;

    bool streaming, ended;
    bool no_body; /* HEAD, 204, 304: what is streamed is dropped */
    char *ring;
    size_t ring_size, ring_at, ring_len;
};

struct ig_http_server {
    ig_http_opts opts; /* with defaults filled in; texts are the caller's only until open returns */
    ig_http_handler *fn;
    void *arg;
    struct MHD_Daemon *daemon;
    int port;
    int quiet_fd; /* the listening socket, once libmicrohttpd gave it back; else -1 */
    bool tls;
    pthread_t opener; /* writes complaint: the last of libmicrohttpd while it starts */
    char complaint[256];
    pthread_mutex_t lock;
    pthread_cond_t work;  /* the queue has a request, or closing */
    pthread_cond_t quiet; /* active fell to 0 */
    pthread_cond_t tick;  /* closing: the watch need not wait */
    http_conn *conns;
    ig_http_request *queue_head, *queue_tail;
    int queued;
    int active;        /* requests with complete headers and no complete answer */
    size_t body_bytes; /* of all requests */
    bool draining, closing;
    pthread_t *workers;
    int worker_count;
    pthread_t watch;
    bool watching;
};

/* http_listen.c */
ig_status http_listen(const char *host, int port, int *fd, int *bound_port, ig_error *err);
bool http_accept(ig_http_server *s, const struct sockaddr *address);
void http_address_key(const struct sockaddr *address, uint8_t key[16]);
void http_socket_setup(int fd);
bool http_cond_init(pthread_cond_t *cond); /* waits by the monotonic clock */
/* False when `until` (of ig_clock) has passed. */
bool http_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, double until);

/* http_target.c */
ig_status http_target_parse(const char *raw, http_target *out, ig_error *err);
void http_target_fini(http_target *t);

/* http_exchange.c: callbacks of libmicrohttpd */
void *http_on_target(void *server, const char *raw, struct MHD_Connection *mhd);
void http_on_connection(void *server, struct MHD_Connection *mhd, void **conn, enum MHD_ConnectionNotificationCode code);
enum MHD_Result http_on_request(void *server, struct MHD_Connection *mhd, const char *url, const char *method,
                                const char *version, const char *data, size_t *size, void **request);
void http_on_completed(void *server, struct MHD_Connection *mhd, void **request, enum MHD_RequestTerminationCode code);

/* http_request.c */
ig_http_request *http_request_new(ig_http_server *s, const char *raw_target);
ig_status http_request_headers(ig_http_request *req, ig_error *err); /* copied from libmicrohttpd */
void http_request_unref(ig_http_request *req);                       /* without the lock */
bool http_is_gone(ig_http_request *req);                             /* with the lock held */
void http_set_gone(ig_http_request *req);                            /* with the lock held */
void http_resume(ig_http_request *req);                              /* with the lock held */
void http_cut(http_conn *conn);                                      /* with the lock held */

/* http_reply.c */
ig_status http_error_body(ig_http_server *s, int status, const char *message, ig_buf *body, ig_error *err);
ig_status http_answer_error(ig_http_request *req, int status, const char *message, ig_error *err); /* with the lock held */
ig_status http_check_answer(ig_http_request *req, ig_error *err);                                  /* with the lock held */
ig_status http_set_response(ig_http_request *req, int status, const char *content_type, struct MHD_Response *response,
                            ig_error *err); /* with the lock held; takes the response */
void http_allow_origin(ig_http_request *req);
bool http_is_preflight(const ig_http_request *req);
void http_answer_preflight(ig_http_request *req);

/* http_stream.c */
void http_stream_cut_if_open(ig_http_request *req); /* with the lock held */

/* http_workers.c */
ig_status http_workers_start(ig_http_server *s, ig_error *err);
void http_workers_stop(ig_http_server *s);
bool http_enqueue(ig_http_request *req); /* with the lock held; false when the queue is full */

/* http_watch.c */
ig_status http_watch_start(ig_http_server *s, ig_error *err);
void http_watch_stop(ig_http_server *s);

#endif
