/* net/http_server.c: opening, draining and closing a server.
 *
 * Closing has an order: nothing is suspended any more (`closing`), all that is suspended is resumed, the watch and the workers
 * end, and only then is libmicrohttpd stopped, which must not find a suspended connection.
 */
#include <string.h>
#include <unistd.h>

#include "net/http.h"

/* ---- options -------------------------------------------------------------------------------------------------------- */

static void otherwise(int *value, int by_default) {
    if (!*value) *value = by_default;
}

static void otherwise_size(size_t *value, size_t by_default) {
    if (!*value) *value = by_default;
}

static void fill_in(ig_http_opts *o) {
    if (!o->host) o->host = "127.0.0.1";
    otherwise(&o->threads, 16);
    otherwise(&o->queue_max, 64);
    otherwise(&o->retry_after_s, 1);
    otherwise(&o->connections_max, 1024);
    otherwise_size(&o->header_bytes_max, 16 << 10);
    otherwise_size(&o->body_bytes_max, 20000000);
    otherwise_size(&o->bodies_bytes_max, (size_t)256 << 20);
    otherwise(&o->header_timeout_ms, 10000);
    otherwise(&o->body_timeout_ms, 60000);
    otherwise(&o->upload_rate_min, 1024);
    otherwise(&o->idle_timeout_ms, 60000);
    otherwise(&o->write_timeout_ms, 30000);
    otherwise(&o->total_timeout_ms, 600000);
    otherwise_size(&o->stream_buffer_bytes, 256 << 10);
}

static ig_status check(const ig_http_opts *o, ig_error *err) {
    if (!o->cert_file != !o->key_file) return ig_error_set(err, IG_E_ARG, "TLS needs both a certificate and its key");
    if (o->threads < 1 || o->threads > 4096) return ig_error_set(err, IG_E_ARG, "%d threads: expected 1 to 4096", o->threads);
    if (o->queue_max < 1 || o->connections_max < 1 || o->per_address_max < 0)
        return ig_error_set(err, IG_E_ARG, "queue_max and connections_max must be positive, per_address_max not negative");
    if (o->header_timeout_ms < 1 || o->body_timeout_ms < 1 || o->idle_timeout_ms < 1 || o->write_timeout_ms < 1 ||
        o->total_timeout_ms < 1)
        return ig_error_set(err, IG_E_ARG, "timeouts must be positive");
    if (o->header_bytes_max > (1 << 20) || o->body_bytes_max > SIZE_MAX / 2)
        return ig_error_set(err, IG_E_ARG, "at most 1 MiB of headers");
    return IG_OK;
}

/* ---- libmicrohttpd --------------------------------------------------------------------------------------------------- */

static void __attribute__((format(printf, 2, 0))) complain(void *arg, const char *format, va_list args) {
    ig_http_server *s = arg;
    char text[sizeof s->complaint];
    vsnprintf(text, sizeof text, format, args);
    text[strcspn(text, "\n")] = '\0';
    if (pthread_equal(pthread_self(), s->opener)) memcpy(s->complaint, text, sizeof text);
    if (s->opts.log) s->opts.log(s->opts.log_arg, IG_LOG_DEBUG, text);
}

static enum MHD_Result accept_from(void *arg, const struct sockaddr *address, socklen_t len) {
    (void)len;
    return http_accept(arg, address) ? MHD_YES : MHD_NO;
}

/* Memory of a connection: the headers, what is parsed from them, and a block to read and write. */
static size_t pool_bytes(const ig_http_opts *o) {
    return 2 * o->header_bytes_max + IG_HTTP_HEADERS_MAX * 128 + 32768;
}

static ig_status start_daemon(ig_http_server *s, int fd, char *cert, char *key, ig_error *err) {
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, cert}, {MHD_OPTION_HTTPS_MEM_KEY, 0, key}, {MHD_OPTION_END, 0, NULL}};
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG | (s->tls ? MHD_USE_TLS : 0);
    s->daemon =
        MHD_start_daemon(flags, 0, accept_from, s, http_on_request, s, MHD_OPTION_EXTERNAL_LOGGER, complain, s,
                         MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)s->opts.connections_max,
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, pool_bytes(&s->opts), MHD_OPTION_URI_LOG_CALLBACK, http_on_target,
                         s, MHD_OPTION_NOTIFY_CONNECTION, http_on_connection, s, MHD_OPTION_NOTIFY_COMPLETED, http_on_completed,
                         s, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_ARRAY, s->tls ? tls : &tls[2], MHD_OPTION_END);
    if (s->daemon) return IG_OK;
    return ig_error_set(err, IG_E_IO, "the HTTP server does not start: %s", *s->complaint ? s->complaint : "no reason given");
}

static ig_status listen_and_start(ig_http_server *s, char *cert, char *key, ig_error *err) {
    int fd = -1;
    IG_TRY(http_listen(s->opts.host, s->opts.port, &fd, &s->port, err));
    ig_status started = start_daemon(s, fd, cert, key, err);
    if (started != IG_OK) close(fd);
    return started;
}

static ig_status start_http(ig_http_server *s, ig_error *err) {
    ig_buf cert = {.max = 1 << 20}, key = {.max = 1 << 20};
    ig_status status = IG_OK;
    s->tls = s->opts.cert_file != NULL;
    if (s->tls) status = ig_file_read(s->opts.cert_file, cert.max, &cert, err);
    if (s->tls && status == IG_OK) status = ig_file_read(s->opts.key_file, key.max, &key, err);
    if (status == IG_OK) status = listen_and_start(s, cert.data, key.data, err);
    if (key.data) explicit_bzero(key.data, key.len);
    ig_buf_fini(&key);
    ig_buf_fini(&cert);
    return status;
}

/* ---- open, drain, close ---------------------------------------------------------------------------------------------- */

static ig_http_server *make(const ig_http_opts *opts, ig_http_handler *fn, void *arg) {
    ig_http_server *s = ig_calloc(1, sizeof *s);
    if (!s) return NULL;
    s->opts = *opts;
    s->fn = fn;
    s->arg = arg;
    s->quiet_fd = -1;
    s->opener = pthread_self();
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_t *cond[] = {&s->work, &s->quiet, &s->tick};
    for (size_t i = 0; i < 3; i++) {
        if (http_cond_init(cond[i])) continue;
        while (i--) pthread_cond_destroy(cond[i]);
        pthread_mutex_destroy(&s->lock);
        ig_free(s);
        return NULL;
    }
    return s;
}

ig_status ig_http_server_open(const ig_http_opts *opts, ig_http_handler *fn, void *arg, ig_http_server **out, ig_error *err) {
    ig_http_opts filled = opts ? *opts : (ig_http_opts){0};
    *out = NULL;
    fill_in(&filled);
    IG_TRY(check(&filled, err));
    ig_http_server *s = make(&filled, fn, arg);
    if (!s) return ig_error_nomem(err, sizeof *s);
    ig_status status = http_workers_start(s, err);
    if (status == IG_OK) status = http_watch_start(s, err);
    if (status == IG_OK) status = start_http(s, err);
    s->opts.host = s->opts.cert_file = s->opts.key_file = NULL;
    if (status == IG_OK) *out = s;
    else ig_http_server_close(s);
    return status;
}

int ig_http_server_port(const ig_http_server *s) {
    return s->port;
}

/* libmicrohttpd gives the socket back but may just be using it: it is shut now, which refuses new connections, and closed at
 * the end. */
static void stop_listening(ig_http_server *s) {
    if (s->quiet_fd >= 0) return;
    s->quiet_fd = MHD_quiesce_daemon(s->daemon);
    if (s->quiet_fd >= 0) shutdown(s->quiet_fd, SHUT_RDWR);
}

ig_status ig_http_server_drain(ig_http_server *s, int timeout_ms, ig_error *err) {
    double until = ig_clock() + timeout_ms / 1000.0;
    stop_listening(s);
    pthread_mutex_lock(&s->lock);
    s->draining = true;
    while (s->active && http_cond_wait_until(&s->quiet, &s->lock, until)) {}
    int left = s->active;
    pthread_mutex_unlock(&s->lock);
    return left ? ig_error_set(err, IG_E_CANCELLED, "%d requests still run after %d ms", left, timeout_ms) : IG_OK;
}

static void cut_all(ig_http_server *s) {
    pthread_mutex_lock(&s->lock);
    s->closing = s->draining = true;
    for (http_conn *c = s->conns; c; c = c->next) {
        if (c->req) http_set_gone(c->req);
        http_cut(c);
    }
    pthread_cond_broadcast(&s->work);
    pthread_cond_broadcast(&s->tick);
    pthread_mutex_unlock(&s->lock);
}

void ig_http_server_close(ig_http_server *s) {
    if (!s) return;
    if (s->daemon) stop_listening(s);
    cut_all(s);
    http_watch_stop(s);
    http_workers_stop(s);
    if (s->daemon) MHD_stop_daemon(s->daemon);
    if (s->quiet_fd >= 0) close(s->quiet_fd);
    pthread_cond_destroy(&s->work);
    pthread_cond_destroy(&s->quiet);
    pthread_cond_destroy(&s->tick);
    pthread_mutex_destroy(&s->lock);
    ig_free(s);
}
