/* server/route_web.c: the console and the widget, from inside the program.
 *
 *     /                   the console's page
 *     /console/…          its files; a path without a file is a place in the console: its page again
 *     /widget.js          the widget, which pages of any origin may load
 *
 * Nothing inline runs, nothing is loaded from elsewhere, and no other page may frame the console.  A file is named by a hash of
 * its bytes (ETag), so that a browser asks again and gets 304 until the program changes.
 */
#include <string.h>

#include "server/server.h"
#include "server/web_files.h"

#define CONSOLE_PAGE "/console/index.html"

static const char policy[] = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
                             "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

static const web_file *file_at(const char *path) {
    for (const web_file *f = web_files; f->path; f++)
        if (strcmp(f->path, path) == 0) return f;
    return NULL;
}

static bool in_console(const char *path) {
    return strcmp(path, "/") == 0 || strcmp(path, "/console") == 0 || strncmp(path, "/console/", 9) == 0;
}

static const web_file *find_file(const char *path) {
    const web_file *f = file_at(path);
    bool page = !strchr(ig_path_base(path), '.');
    return f || !in_console(path) || !page ? f : file_at(CONSOLE_PAGE);
}

static ig_status add_headers(call *c, const web_file *f, const char *etag) {
    bool widget = strcmp(f->path, "/widget.js") == 0;
    const char *const pairs[][2] = {
        {"ETag", etag}, {"Cache-Control", "no-cache"}, {"Referrer-Policy", "no-referrer"},
        {"Content-Security-Policy", policy}, {"Cross-Origin-Resource-Policy", widget ? "cross-origin" : "same-origin"},
        {"X-Frame-Options", "DENY"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        IG_TRY(ig_http_header_add(c->http, pairs[i][0], pairs[i][1], &c->err));
    return IG_OK;
}

ig_status run_web(call *c) {
    const web_file *f = find_file(ig_http_request_path(c->http));
    const char *known = ig_http_request_header(c->http, "If-None-Match");
    char etag[24];
    if (!f) return call_fail(c, 404, NULL, "unknown_url", "there is no file %.200s; this program may have been built without the console",
                             ig_http_request_path(c->http));
    snprintf(etag, sizeof etag, "\"%016llx\"", (unsigned long long)ig_hash64(f->bytes, f->len, 0));
    IG_TRY(add_headers(c, f, etag));
    c->answered = true;
    c->status = known && strstr(known, etag) ? 304 : 200;
    return ig_http_reply(c->http, c->status, f->type, f->bytes, c->status == 200 ? f->len : 0, &c->err);
}

static const route web_route = {"GET", "/console", -1, false, run_web, "the console and the widget"};

const route *route_web(const ig_http_request *req) {
    const char *method = ig_http_request_method(req), *path = ig_http_request_path(req);
    bool reads = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    return reads && (in_console(path) || file_at(path)) ? &web_route : NULL;
}
