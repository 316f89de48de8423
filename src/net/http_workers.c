/* net/http_workers.c: the bounded queue of complete requests, and the threads that run the handler. */
#include <string.h>

#include "net/http.h"

bool http_enqueue(ig_http_request *req) {
    ig_http_server *s = req->server;
    if (s->queued >= s->opts.queue_max) return false;
    req->stage = HTTP_QUEUED;
    req->holders++;
    if (s->queue_tail) s->queue_tail->next = req;
    else s->queue_head = req;
    s->queue_tail = req;
    s->queued++;
    pthread_cond_signal(&s->work);
    return true;
}

/* The next request, or NULL when the server closes.  With the lock held. */
static ig_http_request *next_request(ig_http_server *s) {
    while (!s->queue_head && !s->closing) pthread_cond_wait(&s->work, &s->lock);
    ig_http_request *req = s->queue_head;
    if (!req) return NULL;
    s->queue_head = req->next;
    if (!s->queue_head) s->queue_tail = NULL;
    s->queued--;
    if (req->stage == HTTP_QUEUED) req->stage = HTTP_RUNNING;
    return req;
}

/* Without the lock. */
static void run(ig_http_request *req) {
    if (ig_http_request_gone(req)) return;
    if (http_is_preflight(req)) http_answer_preflight(req);
    else req->server->fn(req->server->arg, req);
}

/* The handler returned: whatever it left undone is done.  With the lock held. */
static void finish(ig_http_request *req) {
    if (!req->response && !http_is_gone(req) && http_answer_error(req, 500, "the request was not answered", NULL) != IG_OK)
        http_set_gone(req);
    http_stream_cut_if_open(req);
}

static void *work(void *arg) {
    ig_http_server *s = arg;
    pthread_mutex_lock(&s->lock);
    for (ig_http_request *req; (req = next_request(s)) != NULL;) {
        pthread_mutex_unlock(&s->lock);
        run(req);
        pthread_mutex_lock(&s->lock);
        finish(req);
        pthread_mutex_unlock(&s->lock);
        http_request_unref(req);
        pthread_mutex_lock(&s->lock);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

ig_status http_workers_start(ig_http_server *s, ig_error *err) {
    s->workers = ig_calloc((size_t)s->opts.threads, sizeof *s->workers);
    if (!s->workers) return ig_error_nomem(err, (size_t)s->opts.threads * sizeof *s->workers);
    for (; s->worker_count < s->opts.threads; s->worker_count++)
        if (pthread_create(&s->workers[s->worker_count], NULL, work, s) != 0)
            return ig_error_set(err, IG_E_IO, "cannot start thread %d of %d", s->worker_count + 1, s->opts.threads);
    return IG_OK;
}

/* `closing` is set.  What is queued is taken out too: its requests are gone. */
void http_workers_stop(ig_http_server *s) {
    for (int i = 0; i < s->worker_count; i++) pthread_join(s->workers[i], NULL);
    ig_free(s->workers);
}
