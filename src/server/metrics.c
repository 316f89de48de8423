/* server/metrics.c: counters, in Prometheus' text format 0.0.4.  Labels are routes and statuses: nothing that a client writes. */
#include <string.h>

#include "server/server.h"

#define ROUTES_MAX 64
#define STATUSES 6 /* by their first digit; 0: other */

static const double bounds[] = {0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60};
#define BOUNDS (sizeof bounds / sizeof *bounds)

typedef struct route_count {
    uint64_t status[STATUSES], within[BOUNDS];
    double seconds;
} route_count;

struct metrics {
    pthread_mutex_t lock;
    route_count route[ROUTES_MAX + 1]; /* the last: no route */
    uint64_t prompt_tokens, completion_tokens, refused[600];
    double start;
};

ig_status metrics_open(metrics **out, ig_error *err) {
    metrics *m = *out = ig_calloc(1, sizeof *m);
    if (!m) return ig_error_nomem(err, sizeof *m);
    m->start = ig_clock();
    pthread_mutex_init(&m->lock, NULL);
    return IG_OK;
}

void metrics_close(metrics *m) {
    if (!m) return;
    pthread_mutex_destroy(&m->lock);
    ig_free(m);
}

void metrics_count(metrics *m, const call *c, double seconds) {
    size_t at = c->route ? (size_t)(c->route - server_routes) : ROUTES_MAX;
    int status = c->status / 100;
    route_count *r = &m->route[at < ROUTES_MAX ? at : ROUTES_MAX];
    pthread_mutex_lock(&m->lock);
    r->status[status > 0 && status < STATUSES ? status : 0]++;
    r->seconds += seconds;
    for (size_t i = 0; i < BOUNDS; i++) r->within[i] += seconds <= bounds[i];
    m->prompt_tokens += (uint64_t)c->prompt_tokens;
    m->completion_tokens += (uint64_t)c->completion_tokens;
    pthread_mutex_unlock(&m->lock);
}

void metrics_refused(metrics *m, int status) {
    if (status < 0 || status >= (int)(sizeof m->refused / sizeof *m->refused)) return;
    pthread_mutex_lock(&m->lock);
    m->refused[status]++;
    pthread_mutex_unlock(&m->lock);
}

static void put_refused(const metrics *m, ig_buf *b) {
    for (size_t i = 0; i < sizeof m->refused / sizeof *m->refused; i++)
        if (m->refused[i]) ig_buf_printf(b, "ingot_refused_total{status=\"%zu\"} %llu\n", i, (unsigned long long)m->refused[i]);
}

static uint64_t total(const route_count *r) {
    uint64_t n = 0;
    for (int i = 0; i < STATUSES; i++) n += r->status[i];
    return n;
}

static void put_head(ig_buf *b, const char *name, const char *type, const char *help) {
    ig_buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_counts(ig_buf *b, const route_count *r, const char *labels) {
    for (int i = 0; i < STATUSES; i++)
        if (r->status[i]) ig_buf_printf(b, "ingot_requests_total{%s,status=\"%dxx\"} %llu\n", labels, i, (unsigned long long)r->status[i]);
}

static void put_times(ig_buf *b, const route_count *r, const char *labels) {
    for (size_t i = 0; i < BOUNDS; i++)
        ig_buf_printf(b, "ingot_request_seconds_bucket{%s,le=\"%g\"} %llu\n", labels, bounds[i], (unsigned long long)r->within[i]);
    ig_buf_printf(b, "ingot_request_seconds_bucket{%s,le=\"+Inf\"} %llu\n", labels, (unsigned long long)total(r));
    ig_buf_printf(b, "ingot_request_seconds_sum{%s} %.6f\n", labels, r->seconds);
    ig_buf_printf(b, "ingot_request_seconds_count{%s} %llu\n", labels, (unsigned long long)total(r));
}

typedef void put_route_fn(ig_buf *b, const route_count *r, const char *labels);
static void put_routes(const metrics *m, ig_buf *b, put_route_fn *put) {
    char labels[160];
    for (const route *r = server_routes; r->method; r++) {
        size_t at = (size_t)(r - server_routes);
        if (at >= ROUTES_MAX || !total(&m->route[at])) continue;
        snprintf(labels, sizeof labels, "method=\"%s\",route=\"%s\"", r->method, r->path);
        put(b, &m->route[at], labels);
    }
    if (total(&m->route[ROUTES_MAX])) put(b, &m->route[ROUTES_MAX], "method=\"\",route=\"\"");
}

static void put_single(ig_buf *b, const char *name, const char *type, const char *help, double value) {
    put_head(b, name, type, help);
    ig_buf_printf(b, "%s %.17g\n", name, value);
}

ig_status metrics_format(metrics *m, pool *p, ig_buf *out, ig_error *err) {
    pool_info *models = NULL;
    size_t count = 0, in_memory = 0;
    IG_TRY(pool_list(p, &models, &count, err));
    for (size_t i = 0; i < count; i++) in_memory += models[i].is_loaded;
    ig_free(models);
    pthread_mutex_lock(&m->lock);
    put_head(out, "ingot_requests_total", "counter", "Requests that were answered.");
    put_routes(m, out, put_counts);
    put_head(out, "ingot_request_seconds", "histogram", "Time from the request to the end of its answer.");
    put_routes(m, out, put_times);
    put_head(out, "ingot_refused_total", "counter", "Requests that were refused before anything was done for them.");
    put_refused(m, out);
    put_single(out, "ingot_prompt_tokens_total", "counter", "Tokens read.", (double)m->prompt_tokens);
    put_single(out, "ingot_completion_tokens_total", "counter", "Tokens made.", (double)m->completion_tokens);
    put_single(out, "ingot_uptime_seconds", "gauge", "Since the server was opened.", ig_clock() - m->start);
    pthread_mutex_unlock(&m->lock);
    put_single(out, "ingot_models", "gauge", "Models that are served.", (double)count);
    put_single(out, "ingot_models_loaded", "gauge", "Models in memory.", (double)in_memory);
    put_single(out, "ingot_memory_bytes", "gauge", "Resident memory of the process.", (double)ig_process_bytes());
    return ig_buf_status(out, err);
}
