/* server/webhooks.c: others are told of a new ticket: a signed POST to the address in the feature's settings ("webhook").
 *
 *     ticket ──► waiting (WAITING_MAX) ──► one thread ──► POST, X-Ingot-Time: t, X-Ingot-Signature: sha256=HMAC(key, t "." body)
 *                     ▲                                    ├── 2xx: done          ├── 4xx, 3xx, refused address: given up
 *                     └──── later: 1, 4, 16, 64 s ◄────────┴── no answer, 408, 429, 5xx: TRIES_MAX times
 *
 * A request never waits for it.  Addresses are checked after name resolution, redirects are not followed; a proxy is not used, as it
 * would connect to what we refuse.  The log tells what became of it, by the ticket's id.  docs/LOOP.md is what receivers read.
 */
#include <string.h>
#include <time.h>

#include "server/server.h"

#define WAITING_MAX 64
#define TRIES_MAX 5
#define POST_MS 10000
#define BODY_MAX ((size_t)1 << 20)

typedef struct delivery {
    char ticket[IG_STORE_ID_SIZE], url[1024], key_env[64];
    ig_buf body;
    int tries;
    double due; /* by ig_clock */
} delivery;

struct webhooks {
    ig_server *s;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    bool has_thread, closing;
    size_t count;
    delivery waiting[WAITING_MAX];
};

/* ---- the queue ----------------------------------------------------------------------------------------------------------- */

/* Takes over d->body when there is room; the lock is held. */
static bool put(webhooks *w, const delivery *d) {
    if (w->closing || w->count == WAITING_MAX) return false;
    w->waiting[w->count++] = *d;
    pthread_cond_signal(&w->wake);
    return true;
}

static void wait_until(webhooks *w, double due) {
    struct timespec until;
    double left = due - ig_clock();
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += left > 0 ? (time_t)left + 1 : 0;
    pthread_cond_timedwait(&w->wake, &w->lock, &until);
}

/* The one that is due first, once it is due; false: the server closes.  The lock is held. */
static bool take_due(webhooks *w, delivery *out) {
    while (!w->closing) {
        size_t first = 0;
        for (size_t i = 1; i < w->count; i++)
            if (w->waiting[i].due < w->waiting[first].due) first = i;
        if (w->count && w->waiting[first].due <= ig_clock()) {
            *out = w->waiting[first];
            w->waiting[first] = w->waiting[--w->count];
            return true;
        }
        if (w->count) wait_until(w, w->waiting[first].due);
        else pthread_cond_wait(&w->wake, &w->lock);
    }
    return false;
}

/* ---- one POST -------------------------------------------------------------------------------------------------------------- */

static bool is_closing(void *arg) {
    webhooks *w = arg;
    pthread_mutex_lock(&w->lock);
    bool closing = w->closing;
    pthread_mutex_unlock(&w->lock);
    return closing;
}

/* Without the address: it may hold a secret of the receiver's. */
static const char *reason(ig_status s) {
    switch (s) {
    case IG_E_ARG:
        return "the address in \"webhook\" is refused: it is none, or private (ingot serve --private-webhooks allows those)";
    case IG_E_LIMIT: return "the answer was too late or too long";
    case IG_E_CANCELLED: return "the server ends";
    default: return "there was no connection, or it broke";
    }
}

static ig_status post(webhooks *w, const delivery *d, int *status, ig_error *err) {
    char at[24], time_line[48], signature[120], hex[65];
    const char *key = server_env_key(d->key_env), *const headers[] = {"Content-Type: application/json", time_line, signature};
    ig_http_answer a = {0};
    if (!key) return ig_error_set(err, IG_E_ARG, "the server has no key to sign with: \"webhook_key_env\" names an environment variable "
                                  "that ends in _KEY and is set");
    snprintf(at, sizeof at, "%lld.", (long long)ig_unix_time());
    ig_store_hmac(key, at, d->body.data, d->body.len, hex);
    snprintf(time_line, sizeof time_line, "X-Ingot-Time: %.*s", (int)strcspn(at, "."), at);
    snprintf(signature, sizeof signature, "X-Ingot-Signature: sha256=%s", hex);
    ig_http_call h = {.url = d->url, .headers = headers, .header_count = 3, .body = d->body.data, .body_len = d->body.len,
                      .bytes_max = BODY_MAX, .connect_timeout_ms = POST_MS, .idle_timeout_ms = POST_MS, .total_timeout_ms = POST_MS,
                      .redirects_max = -1, .refuse_private = !w->s->o.private_webhooks, .arg = w, .cancelled = is_closing};
    ig_status s = ig_http_post(&h, &a, NULL);
    if (s != IG_OK) return ig_error_set(err, s, "%s", reason(s));
    *status = a.status;
    if (a.status / 100 == 2) return IG_OK;
    return ig_error_set(err, IG_E_IO, "the webhook answered %d", a.status);
}

static bool is_worth_another(ig_status s, int status) {
    if (s == IG_E_LIMIT) return true;
    return s == IG_E_IO && (status == 0 || status == 408 || status == 429 || status >= 500);
}

/* False when nothing more is to be done for it. */
static bool attempt(webhooks *w, delivery *d) {
    static const int wait_seconds[TRIES_MAX - 1] = {1, 4, 16, 64};
    int status = 0;
    ig_error err = {0};
    ig_status s = post(w, d, &status, &err);
    bool again = s != IG_OK && is_worth_another(s, status) && ++d->tries < TRIES_MAX;
    if (again) d->due = ig_clock() + wait_seconds[d->tries - 1];
    if (s != IG_OK)
        ig_log_write(w->s->ctx, IG_LOG_WARN, "webhook of ticket %s: %s; %s", d->ticket, err.message,
                     again ? "it is tried again" : "nobody was told");
    return again;
}

static void *deliver(void *arg) {
    webhooks *w = arg;
    delivery d;
    pthread_mutex_lock(&w->lock);
    while (take_due(w, &d)) {
        pthread_mutex_unlock(&w->lock);
        bool again = attempt(w, &d);
        pthread_mutex_lock(&w->lock);
        if (!again || !put(w, &d)) ig_buf_fini(&d.body);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* ---- tickets --------------------------------------------------------------------------------------------------------------- */

static bool take_settings(const ig_store_feature *f, delivery *d) {
    ig_doc *doc = NULL;
    if (!f->settings || ig_json_parse("settings", f->settings, strlen(f->settings), &doc, NULL) != IG_OK) return false;
    feature_setting(ig_doc_root(doc), "webhook", d->url, sizeof d->url);
    feature_setting(ig_doc_root(doc), "webhook_key_env", d->key_env, sizeof d->key_env);
    ig_doc_free(doc);
    return d->url[0] != '\0';
}

static ig_status write_body(const ig_store_feature *f, const ig_store_ticket *t, const char *text, ig_buf *out, ig_error *err) {
    ig_json j = {.out = out};
    out->max = BODY_MAX;
    ig_json_open(&j, '{');
    reply_pair_text(&j, "ticket", t->id);
    reply_pair_text(&j, "feature", f->name);
    reply_pair_text(&j, "text", text);
    reply_pair_text(&j, "contact", t->contact && t->contact[0] ? t->contact : NULL);
    reply_pair_text(&j, "conversation", t->conversation[0] ? t->conversation : NULL);
    ig_json_close(&j, '}');
    return ig_buf_status(out, err);
}

void webhooks_ticket(webhooks *w, const ig_store_feature *f, const ig_store_ticket *t, const char *text) {
    delivery d = {0};
    ig_error err = {0};
    if (!take_settings(f, &d)) return;
    snprintf(d.ticket, sizeof d.ticket, "%s", t->id);
    ig_status s = write_body(f, t, text, &d.body, &err);
    pthread_mutex_lock(&w->lock);
    if (s == IG_OK && !put(w, &d)) s = ig_error_set(&err, IG_E_BUSY, "%d others wait already", WAITING_MAX);
    pthread_mutex_unlock(&w->lock);
    if (s == IG_OK) return;
    ig_log_write(w->s->ctx, IG_LOG_WARN, "webhook of ticket %s: %s; nobody was told", d.ticket, err.message);
    ig_buf_fini(&d.body);
}

/* ---- opening ---------------------------------------------------------------------------------------------------------------- */

ig_status webhooks_open(ig_server *s, webhooks **out, ig_error *err) {
    webhooks *w = *out = ig_calloc(1, sizeof *w);
    if (!w) return ig_error_nomem(err, sizeof *w);
    w->s = s;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->wake, NULL);
    if (pthread_create(&w->thread, NULL, deliver, w) != 0) return ig_error_set(err, IG_E_LIMIT, "no thread could be started");
    w->has_thread = true;
    return IG_OK;
}

void webhooks_close(webhooks *w) {
    if (!w) return;
    pthread_mutex_lock(&w->lock);
    w->closing = true;
    pthread_cond_broadcast(&w->wake);
    pthread_mutex_unlock(&w->lock);
    if (w->has_thread) pthread_join(w->thread, NULL);
    if (w->count) ig_log_write(w->s->ctx, IG_LOG_WARN, "the webhooks of %zu tickets were not delivered", w->count);
    for (size_t i = 0; i < w->count; i++) ig_buf_fini(&w->waiting[i].body);
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
    ig_free(w);
}
