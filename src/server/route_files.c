/* server/route_files.c: /v1/files: what was uploaded, for training and other work.  The store keeps it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "server/server.h"

static const char purposes[] = "|fine-tune|batch|assistants|user_data|evals|vision|";

static ig_status need_store(call *c) {
    return c->s->store ? IG_OK : call_fail(c, 404, NULL, "no_workspace", "the server runs without a workspace, which is where files are kept");
}

static void put_file(ig_json *j, const ig_store_file *f) {
    ig_json_open(j, '{');
    reply_pair_text(j, "id", f->id);
    reply_pair_text(j, "object", "file");
    reply_pair_int(j, "bytes", f->bytes);
    reply_pair_int(j, "created_at", f->created_at);
    reply_pair_text(j, "filename", f->filename);
    reply_pair_text(j, "purpose", f->purpose);
    reply_pair_text(j, "status", ig_store_file_status_name(f->status));
    ig_json_close(j, '}');
}

static ig_status reply_file(call *c, const ig_store_file *f) {
    ig_buf b = {.max = 1 << 16};
    ig_json j = {.out = &b};
    put_file(&j, f);
    ig_status s = reply_json(c, 200, &b);
    ig_buf_fini(&b);
    return s;
}

/* ---- upload ------------------------------------------------------------------------------------------------------------------------ */

static ig_status check_parts(call *c, const ig_multipart *m) {
    for (size_t i = 0; i < ig_multipart_count(m); i++) {
        const char *name = ig_multipart_at(m, i)->name;
        if (strncmp(name, "expires_after", 13) == 0)
            return call_fail(c, 400, "expires_after", "unsupported_parameter", "'expires_after' is not supported here: files stay until they are deleted");
        if (strcmp(name, "file") != 0 && strcmp(name, "purpose") != 0)
            return call_fail(c, 400, name, "unknown_parameter", "there is no parameter '%.60s'", name);
    }
    return IG_OK;
}

static ig_status read_purpose(call *c, const ig_multipart_part *p, char *out, size_t size) {
    char quoted[64];
    if (!p) return call_fail(c, 400, "purpose", "missing_required_parameter", "'purpose' is missing");
    snprintf(out, size, "%.*s", p->len < size ? (int)p->len : (int)size - 1, p->bytes);
    snprintf(quoted, sizeof quoted, "|%s|", out);
    if (p->len < size && strlen(out) == p->len && *out && !strchr(out, '|') && strstr(purposes, quoted)) return IG_OK;
    return call_fail(c, 400, "purpose", "invalid_value", "'purpose' must be one of fine-tune, batch, assistants, user_data, evals, vision");
}

static ig_status store_parts(call *c, const ig_multipart *m) {
    const ig_multipart_part *file = ig_multipart_get(m, "file");
    char purpose[32];
    ig_store_file f;
    IG_TRY(check_parts(c, m));
    IG_TRY(read_purpose(c, ig_multipart_get(m, "purpose"), purpose, sizeof purpose));
    if (!file || !file->filename) return call_fail(c, 400, "file", "missing_required_parameter", "'file' is missing, or has no file name");
    IG_TRY(ig_store_file_new(c->s->store, file->filename, purpose, file->bytes, file->len, c->key_id, &f, &c->err));
    return reply_file(c, &f);
}

ig_status run_file_new(call *c) {
    size_t n;
    const void *body = ig_http_request_body(c->http, &n);
    const char *type = ig_http_request_header(c->http, "Content-Type");
    ig_multipart *m = NULL;
    IG_TRY(need_store(c));
    if (!type || strncmp(type, "multipart/form-data", 19) != 0)
        return call_fail(c, 400, NULL, "invalid_content_type", "send the file as multipart/form-data with the parts file and purpose");
    IG_TRY(ig_multipart_parse(type, body ? body : "", n, 0, &m, &c->err));
    ig_status s = store_parts(c, m);
    ig_multipart_free(m);
    return s;
}

/* ---- reading ----------------------------------------------------------------------------------------------------------------------- */

static ig_status find_file(call *c, ig_store_file *f) {
    IG_TRY(need_store(c));
    ig_error err = {0};
    ig_status s = ig_store_file_get(c->s->store, c->segment, f, &err);
    if (s == IG_E_NOT_FOUND || s == IG_E_ARG) return call_fail(c, 404, "id", "file_not_found", "there is no file '%.60s'", c->segment);
    if (s != IG_OK) c->err = err;
    return s;
}

ig_status run_file_get(call *c) {
    ig_store_file f;
    IG_TRY(find_file(c, &f));
    return reply_file(c, &f);
}

ig_status run_file_content(call *c) {
    ig_store_file f;
    char path[IG_PATH_MAX];
    ig_map_file map;
    IG_TRY(find_file(c, &f));
    IG_TRY(ig_store_file_path(c->s->store, &f, path, sizeof path, &c->err));
    IG_TRY(ig_file_map(path, &map, &c->err));
    c->answered = true;
    c->status = 200;
    ig_status s = ig_http_reply(c->http, 200, "application/octet-stream", map.data ? (const char *)map.data : "", map.size, &c->err);
    ig_file_unmap(&map);
    return s;
}

ig_status run_file_delete(call *c) {
    ig_store_file f;
    ig_buf b = {.max = 4096};
    ig_json j = {.out = &b};
    IG_TRY(find_file(c, &f));
    IG_TRY(ig_store_file_delete(c->s->store, f.id, c->key_id, &c->err));
    ig_json_open(&j, '{');
    reply_pair_text(&j, "id", f.id);
    reply_pair_text(&j, "object", "file");
    ig_json_key(&j, "deleted"), ig_json_bool(&j, true);
    ig_json_close(&j, '}');
    ig_status s = reply_json(c, 200, &b);
    ig_buf_fini(&b);
    return s;
}

ig_status call_page(call *c, int most, ig_store_page *page) {
    const char *limit = ig_http_request_query(c->http, "limit"), *order = ig_http_request_query(c->http, "order");
    char *end = NULL;
    page->after = ig_http_request_query(c->http, "after");
    if (order && strcmp(order, "asc") != 0 && strcmp(order, "desc") != 0)
        return call_fail(c, 400, "order", "invalid_value", "'order' must be asc or desc");
    page->oldest_first = order && strcmp(order, "asc") == 0;
    if (!limit) return IG_OK;
    errno = 0;
    long n = strtol(limit, &end, 10);
    if (errno || end == limit || *end || n < 1 || n > most) return call_fail(c, 400, "limit", "invalid_value", "'limit' must be between 1 and %d", most);
    page->limit = (int)n;
    return IG_OK;
}

ig_status run_file_list(call *c) {
    ig_store_page page = {.limit = IG_STORE_LIST_MAX};
    ig_store_file *files = NULL;
    size_t count = 0;
    bool more = false;
    ig_buf b = {.max = SERVER_REPLY_BYTES_MAX};
    ig_json j = {.out = &b};
    IG_TRY(need_store(c));
    IG_TRY(call_page(c, IG_STORE_LIST_MAX, &page));
    IG_TRY(ig_store_file_list(c->s->store, ig_http_request_query(c->http, "purpose"), &page, &files, &count, &more, &c->err));
    ig_json_open(&j, '{');
    reply_pair_text(&j, "object", "list");
    ig_json_key(&j, "data"), ig_json_open(&j, '[');
    for (size_t i = 0; i < count; i++) put_file(&j, &files[i]);
    ig_json_close(&j, ']');
    reply_pair_text(&j, "first_id", count ? files[0].id : NULL);
    reply_pair_text(&j, "last_id", count ? files[count - 1].id : NULL);
    ig_json_key(&j, "has_more"), ig_json_bool(&j, more);
    ig_json_close(&j, '}');
    ig_free(files);
    ig_status s = reply_json(c, 200, &b);
    ig_buf_fini(&b);
    return s;
}
