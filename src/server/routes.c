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
    {"POST", "/v1/classify", IG_ROLE_APP, true, run_classify, "labels of texts"},
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
    {"GET", "/v1/kinds", IG_ROLE_APP, false, run_kinds, "what each kind of feature says of itself"},
    {"GET", "/v1/features", IG_ROLE_APP, false, run_features, "the features"},
    {"POST", "/v1/features", IG_ROLE_ADMIN, false, run_feature_new, "make a feature"},
    {"GET", "/v1/features/{name}", IG_ROLE_APP, false, run_feature, "a feature, and what to do next"},
    {"PATCH", "/v1/features/{name}", IG_ROLE_ADMIN, false, run_feature_patch, "settings, and the share of a candidate"},
    {"DELETE", "/v1/features/{name}", IG_ROLE_ADMIN, false, run_feature_delete, "remove a feature"},
    {"POST", "/v1/features/{name}/content", IG_ROLE_STAFF, true, run_content_add, "add content, live at once"},
    {"GET", "/v1/features/{name}/content", IG_ROLE_STAFF, false, run_content_list, "content (query, offset, limit)"},
    {"DELETE", "/v1/features/{name}/content/{item}", IG_ROLE_STAFF, true, run_content_delete, "withdraw an item"},
    {"POST", "/v1/features/{name}/ask", IG_ROLE_PUBLIC, true, run_ask, "ask"},
    {"GET", "/v1/features/{name}/interactions", IG_ROLE_STAFF, false, run_interactions, "what was asked and said"},
    {"GET", "/v1/interactions/{id}", IG_ROLE_STAFF, false, run_interaction, "one, with its feedback"},
    {"GET", "/v1/interactions/{id}/explain", IG_ROLE_STAFF, true, run_why, "why it was answered so"},
    {"POST", "/v1/feedback", IG_ROLE_PUBLIC, false, run_feedback, "what somebody says about an answer"},
    {"POST", "/v1/messages/{id}/feedbacks", IG_ROLE_PUBLIC, false, run_feedback_of_message, "the same in Dify's shape"},
    {"POST", "/v1/features/{name}/improve", IG_ROLE_ADMIN, false, run_improve, "learn: a job"},
    {"GET", "/v1/jobs", IG_ROLE_STAFF, false, run_work_list, "jobs, the newest first (kind, limit, after)"},
    {"GET", "/v1/jobs/{id}", IG_ROLE_STAFF, false, run_work_get, "one job, with its events"},
    {"POST", "/v1/jobs/{id}/cancel", IG_ROLE_STAFF, false, run_work_cancel, "stop a job"},
    {"GET", "/v1/features/{name}/versions", IG_ROLE_APP, false, run_versions, "the versions"},
    {"GET", "/v1/features/{name}/compare", IG_ROLE_STAFF, true, run_compare, "two versions beside each other (from, to)"},
    {"POST", "/v1/features/{name}/promote", IG_ROLE_ADMIN, false, run_promote, "put a version live"},
    {"POST", "/v1/features/{name}/rollback", IG_ROLE_ADMIN, false, run_rollback, "back to the one before"},
    {"GET", "/v1/features/{name}/report", IG_ROLE_STAFF, true, run_report, "how it does (since)"},
    {"POST", "/v1/tickets", IG_ROLE_PUBLIC, false, run_ticket_new, "ask for a person"},
    {"GET", "/v1/tickets", IG_ROLE_STAFF, false, run_tickets, "tickets (feature, status, limit, after)"},
    {"GET", "/v1/tickets/{id}", IG_ROLE_STAFF, false, run_ticket, "one, with its messages"},
    {"POST", "/v1/tickets/{id}/messages", IG_ROLE_STAFF, false, run_ticket_message, "answer it"},
    {"POST", "/v1/tickets/{id}/close", IG_ROLE_STAFF, false, run_ticket_close, "close it"},
    {"GET", "/v1/keys", IG_ROLE_ADMIN, false, run_keys, "the keys"},
    {"POST", "/v1/keys", IG_ROLE_ADMIN, false, run_key_new, "make a key"},
    {"DELETE", "/v1/keys/{id}", IG_ROLE_ADMIN, false, run_key_delete, "revoke a key"},
    {"POST", "/v1/session", ANYBODY, false, run_session_new, "sign a browser in"},
    {"GET", "/v1/session", ANYBODY, false, run_session_get, "who is signed in"},
    {"DELETE", "/v1/session", ANYBODY, false, run_session_end, "sign out"},
    {"POST", "/v1/widget/visitor", IG_ROLE_PUBLIC, false, run_visitor, "a token for a new visitor"},
    {"GET", "/v1/widget/messages", IG_ROLE_PUBLIC, false, run_widget_messages, "answers of staff to a visitor"},
    {"GET", "/health/live", ANYBODY, false, run_live, "the process answers"},
    {"GET", "/health/ready", ANYBODY, false, run_ready, "it takes work"},
    {"GET", "/metrics", IG_ROLE_STAFF, false, run_metrics, "counters in Prometheus' text format"},
    {NULL, NULL, ANYBODY, false, NULL, NULL},
};

static bool path_fits(const char *pattern, const ig_http_request *req, const char *ids[2]) {
    size_t n = ig_http_request_segment_count(req), i = 0, found = 0;
    ids[0] = ids[1] = NULL;
    for (const char *p = pattern; *p; i++) {
        p++; /* the slash */
        size_t len = strcspn(p, "/");
        const char *segment = i < n ? ig_http_request_segment(req, i) : NULL;
        if (!segment) return false;
        if (*p == '{') {
            if (found < 2) ids[found++] = segment;
        }
        else if (strlen(segment) != len || memcmp(segment, p, len) != 0) return false;
        p += len;
    }
    return i == n;
}

const route *route_find(const ig_http_request *req, const char *ids[2], bool *other) {
    const char *method = ig_http_request_method(req);
    *other = false;
    for (const route *r = server_routes; r->method; r++) {
        if (!path_fits(r->path, req, ids)) continue;
        if (strcmp(r->method, method) == 0) return r;
        *other = true;
    }
    ids[0] = ids[1] = NULL;
    return *other ? NULL : route_web(req);
}
