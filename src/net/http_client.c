/* net/http_client.c: GET and POST on libcurl, with rules on where a URL may lead.
 *
 * Redirects are followed here and not by libcurl, so that each target passes the same rules as the first URL, and credentials
 * stay with the origin that they were given for.  Private addresses are refused where the socket is made: a name that resolves
 * to one is caught, whatever it resolved to a moment ago.
 */
#include <curl/curl.h>
#include <inttypes.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "ingot/net.h"
#include "net/address.h"

typedef struct transfer {
    const ig_http_call *call;
    ig_http_answer *answer;
    CURL *easy;
    char *url; /* of this hop */
    struct curl_slist *headers;
    char reason[CURL_ERROR_SIZE];
    uint64_t at;       /* place of the next byte */
    bool started;      /* the body has begun */
    bool refused;      /* a private address */
    bool other_origin; /* not where the credentials were meant to go */
    ig_status status;  /* why our callback stopped it */
    ig_error stopped;
    double deadline; /* 0: none */
} transfer;

/* ---- URLs ------------------------------------------------------------------------------------------------------- */

typedef struct origin {
    CURLU *url;
    char *scheme, *host, *port;
} origin;

static void origin_fini(origin *o) {
    curl_free(o->scheme);
    curl_free(o->host);
    curl_free(o->port);
    curl_url_cleanup(o->url);
}

static bool has_credentials(CURLU *url) {
    char *part = NULL;
    bool has = curl_url_get(url, CURLUPART_USER, &part, 0) == CURLUE_OK;
    curl_free(part);
    part = NULL;
    has |= curl_url_get(url, CURLUPART_PASSWORD, &part, 0) == CURLUE_OK;
    curl_free(part);
    return has;
}

/* Reads and checks a URL.  The caller ends *o in every case. */
static ig_status origin_read(const char *text, origin *o, ig_error *err) {
    *o = (origin){.url = curl_url()};
    if (!o->url) return ig_error_nomem(err, 0);
    if (curl_url_set(o->url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK ||
        curl_url_get(o->url, CURLUPART_SCHEME, &o->scheme, 0) != CURLUE_OK ||
        curl_url_get(o->url, CURLUPART_HOST, &o->host, 0) != CURLUE_OK)
        return ig_error_set(err, IG_E_ARG, "\"%.200s\" is no URL with scheme and host", text);
    if (strcasecmp(o->scheme, "http") != 0 && strcasecmp(o->scheme, "https") != 0)
        return ig_error_set(err, IG_E_ARG, "\"%.200s\": only http and https are fetched", text);
    if (has_credentials(o->url))
        return ig_error_set(err, IG_E_ARG, "the URL carries a user or password; send them as an Authorization header");
    if (curl_url_get(o->url, CURLUPART_PORT, &o->port, CURLU_DEFAULT_PORT) != CURLUE_OK) return ig_error_nomem(err, 0);
    return IG_OK;
}

static bool same_origin(const origin *a, const origin *b) {
    return strcasecmp(a->scheme, b->scheme) == 0 && strcasecmp(a->host, b->host) == 0 && strcmp(a->port, b->port) == 0;
}

/* May the first URL lead to the second?  Tells whether it leaves the origin. */
static ig_status check_redirect(const char *from, const char *to, bool *leaves, ig_error *err) {
    origin a, b = {0};
    ig_status status = origin_read(from, &a, err);
    if (status == IG_OK) status = origin_read(to, &b, err);
    if (status == IG_OK && strcasecmp(a.scheme, "https") == 0 && strcasecmp(b.scheme, "http") == 0)
        status = ig_error_set(err, IG_E_ARG, "redirected from https to \"%.200s\", which is not encrypted", to);
    if (status == IG_OK) *leaves = !same_origin(&a, &b);
    origin_fini(&b);
    origin_fini(&a);
    return status;
}

/* ---- callbacks -------------------------------------------------------------------------------------------------- */

static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a) {
    transfer *t = arg;
    (void)purpose;
    if (t->call->refuse_private && net_is_private_sockaddr(&a->addr)) {
        t->refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static int on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d) {
    const transfer *t = arg;
    (void)a, (void)b, (void)c, (void)d;
    return t->call->cancelled && t->call->cancelled(t->call->arg);
}

static const char *header(const transfer *t, const char *name) {
    struct curl_header *h;
    return curl_easy_header(t->easy, name, 0, CURLH_HEADER, -1, &h) == CURLHE_OK ? h->value : NULL;
}

static long response_code(const transfer *t) {
    long code = 0;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &code);
    return code;
}

/* The place of the first byte: 0, or what Content-Range says, which must be what was asked for. */
static ig_status begin_body(transfer *t, long code) {
    uint64_t from = 0, to = 0, total = 0;
    curl_off_t length = -1;
    t->started = true;
    curl_easy_getinfo(t->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    if (code == 206) {
        const char *range = header(t, "Content-Range");
        int got = range ? sscanf(range, "bytes %" SCNu64 "-%" SCNu64 "/%" SCNu64, &from, &to, &total) : 0;
        if (got < 2 || !t->call->offset || from != t->call->offset || to < from)
            return ig_error_set(&t->stopped, IG_E_FORMAT, "the server sent another range than the one from byte %" PRIu64,
                                t->call->offset);
    }
    t->at = from;
    t->answer->total_bytes = total ? total : length > 0 ? from + (uint64_t)length : 0;
    return IG_OK;
}

static ig_status take_bytes(transfer *t, const char *bytes, size_t n) {
    const ig_http_call *c = t->call;
    uint64_t most = c->bytes_max ? c->bytes_max : (uint64_t)1 << 30;
    long code = response_code(t);
    if (code < 200 || code > 299) {
        size_t space = sizeof t->answer->detail - 1 - t->answer->detail_len, some = n < space ? n : space;
        memcpy(t->answer->detail + t->answer->detail_len, bytes, some);
        t->answer->detail_len += some;
        t->at += n;
        return t->at > most ? ig_error_set(&t->stopped, IG_E_LIMIT, "the answer is longer than %" PRIu64 " bytes", most)
                            : IG_OK;
    }
    if (!t->started) IG_TRY(begin_body(t, code));
    if (n > most || t->at > most - n || t->answer->total_bytes > most)
        return ig_error_set(&t->stopped, IG_E_LIMIT, "the answer is longer than %" PRIu64 " bytes", most);
    if (c->on_bytes) IG_TRY(c->on_bytes(c->arg, t->at, bytes, n, &t->stopped));
    t->at += n;
    return IG_OK;
}

static size_t on_write(char *bytes, size_t size, size_t n, void *arg) {
    transfer *t = arg;
    t->status = take_bytes(t, bytes, size * n);
    return t->status == IG_OK ? size * n : CURL_WRITEFUNC_ERROR;
}

/* ---- one hop ---------------------------------------------------------------------------------------------------- */

static bool has_name(const char *line, const char *name) {
    size_t n = strlen(name);
    return strncasecmp(line, name, n) == 0 && line[n] == ':';
}

static bool is_secret(const char *line) {
    return has_name(line, "Authorization") || has_name(line, "Cookie") || has_name(line, "Proxy-Authorization") ||
           has_name(line, "X-Api-Key") || has_name(line, "Api-Key");
}

static ig_status add_line(transfer *t, const char *line, ig_error *err) {
    struct curl_slist *grown = curl_slist_append(t->headers, line);
    if (!grown) return ig_error_nomem(err, strlen(line));
    t->headers = grown;
    return IG_OK;
}

static ig_status make_headers(transfer *t, bool post, ig_error *err) {
    bool typed = false;
    curl_slist_free_all(t->headers);
    t->headers = NULL;
    for (size_t i = 0; i < t->call->header_count; i++) {
        const char *line = t->call->headers[i];
        const char *colon = strchr(line, ':');
        if (!colon || colon == line || strpbrk(line, "\r\n"))
            return ig_error_set(err, IG_E_ARG, "header %zu: expected \"Name: value\" on one line", i + 1);
        typed |= has_name(line, "Content-Type");
        if (!t->other_origin || !is_secret(line)) IG_TRY(add_line(t, line, err));
    }
    if (post && !typed) IG_TRY(add_line(t, "Content-Type: application/json", err));
    if (!t->call->offset || !t->call->if_range) return IG_OK;
    ig_buf line = {.max = 4096};
    ig_buf_printf(&line, "If-Range: %s", t->call->if_range);
    ig_status status = ig_buf_status(&line, err);
    if (status == IG_OK && strpbrk(line.data, "\r\n")) status = ig_error_set(err, IG_E_ARG, "if_range has a line end");
    if (status == IG_OK) status = add_line(t, line.data, err);
    ig_buf_fini(&line);
    return status;
}

static long or_default(int value, long by_default) {
    return value ? value : by_default;
}

static CURLcode set_body(transfer *t, bool post) {
    char range[32];
    CURLcode r = CURLE_OK;
    if (post) {
        r |= curl_easy_setopt(t->easy, CURLOPT_POST, 1L);
        r |= curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, t->call->body_len ? t->call->body : "");
        r |= curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->call->body_len);
    } else if (t->call->offset) {
        snprintf(range, sizeof range, "%" PRIu64 "-", t->call->offset);
        r |= curl_easy_setopt(t->easy, CURLOPT_RANGE, range);
    }
    return r;
}

static CURLcode set_callbacks(transfer *t) {
    CURLcode r = CURLE_OK;
    r |= curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_write);
    r |= curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
    r |= curl_easy_setopt(t->easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    r |= curl_easy_setopt(t->easy, CURLOPT_OPENSOCKETDATA, t);
    r |= curl_easy_setopt(t->easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    r |= curl_easy_setopt(t->easy, CURLOPT_XFERINFODATA, t);
    r |= curl_easy_setopt(t->easy, CURLOPT_NOPROGRESS, 0L);
    return r;
}

static CURLcode set_limits(transfer *t) {
    const ig_http_call *c = t->call;
    CURLcode r = CURLE_OK;
    r |= curl_easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT_MS, or_default(c->connect_timeout_ms, 10000));
    r |= curl_easy_setopt(t->easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    r |= curl_easy_setopt(t->easy, CURLOPT_LOW_SPEED_TIME, (or_default(c->idle_timeout_ms, 30000) + 999) / 1000);
    if (t->deadline > 0) {
        double left_ms = (t->deadline - ig_clock()) * 1000;
        r |= curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, left_ms > 1 ? (long)left_ms : 1L);
    }
    return r;
}

/* A proxy of the environment would make the connection for us: not where addresses are checked, nor to ourselves. */
static bool must_connect_directly(const transfer *t) {
    if (t->call->refuse_private) return true;
    origin o;
    bool direct = origin_read(t->url, &o, NULL) == IG_OK && ig_net_is_loopback(o.host);
    origin_fini(&o);
    return direct;
}

static ig_status set_up(transfer *t, bool post, ig_error *err) {
    CURLcode r = CURLE_OK;
    curl_easy_reset(t->easy);
    IG_TRY(make_headers(t, post, err));
    r |= curl_easy_setopt(t->easy, CURLOPT_URL, t->url);
    r |= curl_easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    r |= curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
    r |= curl_easy_setopt(t->easy, CURLOPT_USERAGENT, "ingot");
    r |= curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->reason);
    r |= curl_easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L);
    if (must_connect_directly(t)) r |= curl_easy_setopt(t->easy, CURLOPT_PROXY, "");
    if (t->call->ca_file) r |= curl_easy_setopt(t->easy, CURLOPT_CAINFO, t->call->ca_file);
    r |= set_body(t, post);
    r |= set_callbacks(t);
    r |= set_limits(t);
    return r == CURLE_OK ? IG_OK : ig_error_set(err, IG_E_NOMEM, "libcurl cannot be set up for %.200s", t->url);
}

static ig_status tell(const transfer *t, CURLcode code, ig_error *err) {
    const char *reason = *t->reason ? t->reason : curl_easy_strerror(code);
    if (t->status != IG_OK) {
        if (err) *err = t->stopped;
        return t->status;
    }
    if (t->refused) return ig_error_set(err, IG_E_ARG, "%.200s leads to a private address, which is refused", t->url);
    switch (code) {
    case CURLE_OK: return IG_OK;
    case CURLE_OUT_OF_MEMORY: return ig_error_nomem(err, 0);
    case CURLE_ABORTED_BY_CALLBACK: return ig_error_set(err, IG_E_CANCELLED, "stopped on request");
    case CURLE_OPERATION_TIMEDOUT: return ig_error_set(err, IG_E_LIMIT, "%.200s: %s", t->url, reason);
    default: return ig_error_set(err, IG_E_IO, "%.200s: %s", t->url, reason);
    }
}

static void copy_header(const transfer *t, const char *name, char *out, size_t size) {
    const char *value = header(t, name);
    snprintf(out, size, "%s", value ? value : "");
}

static ig_status one_hop(transfer *t, bool post, ig_error *err) {
    *t->answer = (ig_http_answer){0};
    *t->reason = '\0';
    t->at = 0;
    IG_TRY(set_up(t, post, err));
    CURLcode code = curl_easy_perform(t->easy);
    IG_TRY(tell(t, code, err));
    t->answer->status = (int)response_code(t);
    copy_header(t, "Content-Type", t->answer->content_type, sizeof t->answer->content_type);
    copy_header(t, "ETag", t->answer->etag, sizeof t->answer->etag);
    return IG_OK;
}

/* ---- the call --------------------------------------------------------------------------------------------------- */

static bool is_redirect(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* Moves on to where the answer points; false when it points nowhere. */
static ig_status follow(transfer *t, bool *moved, ig_error *err) {
    char *to = NULL;
    bool leaves = false;
    *moved = false;
    curl_easy_getinfo(t->easy, CURLINFO_REDIRECT_URL, &to);
    if (!to) return IG_OK;
    IG_TRY(check_redirect(t->url, to, &leaves, err));
    char *copy = ig_strdup(to);
    if (!copy) return ig_error_nomem(err, strlen(to));
    ig_free(t->url);
    t->url = copy;
    t->other_origin |= leaves;
    *moved = true;
    return IG_OK;
}

static ig_status run(transfer *t, bool post, ig_error *err) {
    int left = post || t->call->redirects_max < 0 ? 0 : t->call->redirects_max ? t->call->redirects_max : 5;
    bool follows = left > 0, moved = true;
    IG_TRY(one_hop(t, post, err));
    while (follows && moved && is_redirect(t->answer->status)) {
        if (!left--) return ig_error_set(err, IG_E_LIMIT, "%.200s: too many redirects", t->call->url);
        IG_TRY(follow(t, &moved, err));
        if (moved) IG_TRY(one_hop(t, post, err));
    }
    return IG_OK;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void start_libcurl(void) {
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static ig_status check_call(const ig_http_call *call, ig_error *err) {
    origin o;
    if (!call->url) return ig_error_set(err, IG_E_ARG, "no URL");
    ig_status status = origin_read(call->url, &o, err);
    origin_fini(&o);
    return status;
}

static ig_status perform(const ig_http_call *call, bool post, ig_http_answer *out, ig_error *err) {
    pthread_once(&once, start_libcurl);
    *out = (ig_http_answer){0};
    IG_TRY(check_call(call, err));
    transfer t = {.call = call, .answer = out, .easy = curl_easy_init(), .url = ig_strdup(call->url)};
    if (call->total_timeout_ms > 0) t.deadline = ig_clock() + call->total_timeout_ms / 1000.0;
    ig_status status = t.easy && t.url ? run(&t, post, err) : ig_error_nomem(err, 0);
    curl_easy_cleanup(t.easy);
    curl_slist_free_all(t.headers);
    ig_free(t.url);
    return status;
}

ig_status ig_http_get(const ig_http_call *call, ig_http_answer *out, ig_error *err) {
    return perform(call, false, out, err);
}

ig_status ig_http_post(const ig_http_call *call, ig_http_answer *out, ig_error *err) {
    return perform(call, true, out, err);
}
