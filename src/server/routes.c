/* server/routes.c: every route: method, path, the least role of the key, and who answers.  A new route is a file and a line. */
#include <string.h>

#include "server/server.h"

#define ANYBODY (-1)

const route server_routes[] = {
    {"POST", "/v1/chat/completions", IG_ROLE_APP, true, run_chat, "answer a conversation"},
    {"POST", "/v1/completions", IG_ROLE_APP, true, run_completions, "continue a text"},
    {"POST", "/v1/responses", IG_ROLE_APP, true, run_responses, "answer a text or a conversation"},
    {"POST", "/v1/embeddings", IG_ROLE_APP, true, run_embeddings, "vectors of texts"},
    {"POST", "/v1/rerank", IG_ROLE_APP, true, run_rerank, "order documents by how well they answer a query"},
    {"GET", "/v1/models", IG_ROLE_APP, false, run_models, "the models that are served"},
    {"GET", "/v1/models/{id}", IG_ROLE_APP, false, run_model, "one model"},
    {"POST", "/tokenize", IG_ROLE_APP, true, run_tokenize, "token ids of a text"},
    {"POST", "/detokenize", IG_ROLE_APP, true, run_detokenize, "text of token ids"},
    {"POST", "/v1/files", IG_ROLE_STAFF, false, run_file_new, "store a file (multipart: file, purpose)"},
    {"GET", "/v1/files", IG_ROLE_STAFF, false, run_file_list, "files, the newest first (purpose, limit, order, after)"},
    {"GET", "/v1/files/{id}", IG_ROLE_STAFF, false, run_file_get, "one file"},
    {"GET", "/v1/files/{id}/content", IG_ROLE_STAFF, false, run_file_content, "its bytes"},
    {"DELETE", "/v1/files/{id}", IG_ROLE_STAFF, false, run_file_delete, "delete a file"},
    {"POST", "/v1/fine_tuning/jobs", IG_ROLE_STAFF, false, run_job_new, "train a model on a stored file"},
    {"GET", "/v1/fine_tuning/jobs", IG_ROLE_STAFF, false, run_job_list, "jobs, the newest first (limit, after)"},
    {"GET", "/v1/fine_tuning/jobs/{id}", IG_ROLE_STAFF, false, run_job_get, "one job"},
    {"POST", "/v1/fine_tuning/jobs/{id}/cancel", IG_ROLE_STAFF, false, run_job_cancel, "stop a job"},
    {"GET", "/v1/fine_tuning/jobs/{id}/events", IG_ROLE_STAFF, false, run_job_events, "what a job tells (limit, after)"},
    {"GET", "/v1/fine_tuning/jobs/{id}/checkpoints", IG_ROLE_STAFF, false, run_job_checkpoints, "its checkpoints (limit, after)"},
    {"GET", "/health/live", ANYBODY, false, run_live, "the process answers"},
    {"GET", "/health/ready", ANYBODY, false, run_ready, "it takes work"},
    {"GET", "/metrics", IG_ROLE_STAFF, false, run_metrics, "counters in Prometheus' text format"},
    {NULL, NULL, ANYBODY, false, NULL, NULL},
};

static bool path_fits(const char *pattern, const ig_http_request *req, const char **id) {
    size_t n = ig_http_request_segment_count(req), i = 0;
    for (const char *p = pattern; *p; i++) {
        p++; /* the slash */
        size_t len = strcspn(p, "/");
        const char *segment = i < n ? ig_http_request_segment(req, i) : NULL;
        if (!segment) return false;
        if (*p == '{') *id = segment;
        else if (strlen(segment) != len || memcmp(segment, p, len) != 0) return false;
        p += len;
    }
    return i == n;
}

const route *route_find(const ig_http_request *req, const char **id, bool *other) {
    const char *method = ig_http_request_method(req);
    *other = false;
    for (const route *r = server_routes; r->method; r++) {
        *id = NULL;
        if (!path_fits(r->path, req, id)) continue;
        if (strcmp(r->method, method) == 0) return r;
        *other = true;
    }
    *id = NULL;
    return NULL;
}
