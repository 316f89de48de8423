/* data/sitemap.c: the pages of a site, by its sitemap.   (sitemaps.org 0.9)
 *
 *     <sitemapindex><sitemap><loc>https://shop.example/help.xml</loc></sitemap></sitemapindex>   more sitemaps
 *     <urlset><url><loc>https://shop.example/returns</loc></url></urlset>                        pages
 *
 * Addresses of another host or port are left out, whoever names them: a sitemap must not lead into other networks.  All
 * sitemaps are read before the first page, so that what is asked for first does not depend on how the site splits them.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "data/office.h"
#include "data/plain_text.h"
#include "data/seen.h"

#define URL_MAX 2048 /* sitemaps.org */

typedef struct urls {
    char **url;
    size_t count, cap;
} urls;

typedef struct site {
    const char *host; /* of the first address, which is borrowed */
    size_t host_len;
    long port;
    size_t pages_max;
    urls maps, pages;
    seen known;
    const ig_sitemap_opts *opts;
    ig_document_counts *counts;
    ig_buf loc;
    bool in_loc, index, more;
} site;

/* ---- addresses ------------------------------------------------------------------------------------------------------ */

/* The host and port of http://host:port/…; false for anything that readers of addresses could take differently. */
static bool split(const char *url, const char **host, size_t *len, long *port) {
    bool tls = strncasecmp(url, "https://", 8) == 0;
    if (!tls && strncasecmp(url, "http://", 7) != 0) return false;
    for (const char *s = url; *s; s++)
        if ((unsigned char)*s <= ' ' || *s == '\\' || *s == 0x7F) return false;
    *host = url + (tls ? 8 : 7);
    size_t all = strcspn(*host, "/?#");
    if (memchr(*host, '@', all)) return false;
    const char *bracket = memchr(*host, ']', all), *from = bracket ? bracket : *host;
    const char *colon = memchr(from, ':', all - (size_t)(from - *host));
    *len = colon ? (size_t)(colon - *host) : all;
    *port = tls ? 443 : 80;
    if (colon) {
        char *end;
        *port = strtol(colon + 1, &end, 10);
        if (end != *host + all || end == colon + 1 || colon[1] < '0' || colon[1] > '9') return false;
    }
    return *len > 0 && *port > 0 && *port < 65536;
}

static bool is_ours(const site *s, const char *url) {
    const char *host;
    size_t len;
    long port;
    return split(url, &host, &len, &port) && port == s->port && len == s->host_len && strncasecmp(host, s->host, len) == 0;
}

static ig_status add_url(urls *u, const char *url, ig_error *err) {
    if (u->count == u->cap) {
        size_t cap = u->cap ? 2 * u->cap : 64;
        char **more = ig_realloc(u->url, cap * sizeof *more);
        if (!more) return ig_error_nomem(err, cap * sizeof *more);
        u->url = more;
        u->cap = cap;
    }
    u->url[u->count] = ig_strdup(url);
    if (!u->url[u->count]) return ig_error_nomem(err, strlen(url) + 1);
    u->count++;
    return IG_OK;
}

/* ---- sitemaps ------------------------------------------------------------------------------------------------------- */

static ig_status found(site *s, char *url, ig_error *err) {
    int64_t earlier;
    url += strspn(url, " \t\r\n");
    for (size_t n = strlen(url); n && strchr(" \t\r\n", url[n - 1]);) url[--n] = '\0';
    url[strcspn(url, "#")] = '\0';
    if (!is_ours(s, url)) {
        s->counts->skipped++;
        return IG_OK;
    }
    IG_TRY(seen_add(&s->known, url, strlen(url), 1, &earlier, err));
    if (earlier) return IG_OK;
    if (s->index ? s->maps.count < IG_SITEMAP_FILES_MAX : s->pages.count < s->pages_max)
        return add_url(s->index ? &s->maps : &s->pages, url, err);
    s->more = true;
    return IG_OK;
}

static ig_status on_start(void *arg, const char *name, const char **attributes, ig_error *err) {
    site *s = arg;
    (void)attributes, (void)err;
    if (strcmp(name, "sitemapindex") == 0) s->index = true;
    if (strcmp(name, "url") == 0) s->index = false;
    s->in_loc = strcmp(name, "loc") == 0;
    if (s->in_loc) ig_buf_clear(&s->loc);
    return IG_OK;
}

/* An address that is too long makes the buffer's status LIMIT: it is none of ours then. */
static ig_status on_end(void *arg, const char *name, ig_error *err) {
    site *s = arg;
    s->in_loc = false;
    if (strcmp(name, "loc") != 0) return IG_OK;
    if (s->loc.status == IG_E_NOMEM) return ig_buf_status(&s->loc, err);
    if (s->loc.status == IG_OK && s->loc.len) return found(s, s->loc.data, err);
    s->counts->skipped++;
    return IG_OK;
}

static ig_status on_text(void *arg, const char *text, size_t n, ig_error *err) {
    site *s = arg;
    (void)err;
    if (s->in_loc) ig_buf_append(&s->loc, text, n);
    return IG_OK;
}

static ig_status fetch(const site *s, const char *url, ig_buf *body, ig_error *err) {
    IG_TRY(s->opts->fetch(s->opts->fetch_arg, url, body, err));
    return ig_buf_status(body, err);
}

static ig_status read_map(site *s, const char *url, ig_error *err) {
    const xml_handlers handlers = {on_start, on_end, on_text, s};
    ig_buf body = {.max = IG_SITEMAP_BYTES_MAX};
    s->index = s->in_loc = false;
    ig_status status = fetch(s, url, &body, err);
    if (status == IG_OK && body.len > 1 && memcmp(body.data, "\x1f\x8b", 2) == 0)
        status = ig_error_at(err, IG_E_UNSUPPORTED, url, 0, "the sitemap is packed: give the address of the plain one");
    if (status == IG_OK) status = xml_read(url, "", body.data ? body.data : "", body.len, &handlers, err);
    ig_buf_fini(&body);
    return status;
}

/* ---- pages ---------------------------------------------------------------------------------------------------------- */

static ig_status settle(site *s, ig_status status, const ig_error *problem, ig_error *err) {
    if (status == IG_OK) return IG_OK;
    if (s->opts->document.problem && status != IG_E_NOMEM && status != IG_E_CANCELLED) {
        s->counts->failed++;
        s->opts->document.problem(s->opts->document.problem_arg, problem);
        return IG_OK;
    }
    if (err) *err = *problem;
    return status;
}

static ig_status read_page(site *s, const char *url, ig_passage_fn *fn, void *arg, ig_error *err) {
    ig_document_opts opts = s->opts->document;
    ig_document_counts one = {0};
    ig_error problem = {0};
    ig_buf body = {.max = IG_DOCUMENT_BYTES_MAX};
    if (opts.format == IG_DOCUMENT_AUTO)
        opts.format = ends_with(url, ".pdf") ? IG_DOCUMENT_PDF : ends_with(url, ".docx") ? IG_DOCUMENT_DOCX : IG_DOCUMENT_HTML;
    ig_status status = fetch(s, url, &body, &problem);
    if (status != IG_OK) status = settle(s, status, &problem, err);
    else status = ig_document_parse(url, body.data, body.len, &opts, fn, arg, &one, err);
    ig_buf_fini(&body);
    s->counts->documents += one.documents;
    s->counts->passages += one.passages;
    s->counts->failed += one.failed;
    return status;
}

static ig_status read_site(site *s, const char *url, ig_passage_fn *fn, void *arg, ig_error *err) {
    ig_error problem = {0};
    int64_t earlier;
    IG_TRY(seen_add(&s->known, url, strlen(url), 1, &earlier, err));
    IG_TRY(add_url(&s->maps, url, err));
    IG_TRY(read_map(s, url, err)); /* without the first there is nothing */
    for (size_t i = 1; i < s->maps.count; i++) {
        ig_status status = read_map(s, s->maps.url[i], &problem);
        IG_TRY(settle(s, status, &problem, err));
    }
    if (s->more) {
        ig_status status = ig_error_at(&problem, IG_E_LIMIT, url, 0,
                                       "the site has more than %zu pages or %d sitemaps: the others are left out", s->pages_max,
                                       IG_SITEMAP_FILES_MAX);
        IG_TRY(settle(s, status, &problem, err));
    }
    for (size_t i = 0; i < s->pages.count; i++) IG_TRY(read_page(s, s->pages.url[i], fn, arg, err));
    return IG_OK;
}

ig_status ig_sitemap_read(const char *url, const ig_sitemap_opts *opts, ig_passage_fn *fn, void *arg,
                          ig_document_counts *counts, ig_error *err) {
    ig_document_counts own, *c = counts ? counts : &own;
    site s = {.opts = opts, .counts = c, .loc.max = URL_MAX};
    *c = (ig_document_counts){0};
    s.pages_max = opts->pages_max ? opts->pages_max : IG_SITEMAP_PAGES_MAX;
    if (s.pages_max > IG_SITEMAP_PAGES_MAX)
        return ig_error_set(err, IG_E_ARG, "%zu pages are too many: at most %d are read", s.pages_max, IG_SITEMAP_PAGES_MAX);
    if (!split(url, &s.host, &s.host_len, &s.port))
        return ig_error_set(err, IG_E_ARG, "%.200s is no address: it should look like https://shop.example/sitemap.xml", url);
    ig_status status = read_site(&s, url, fn, arg, err);
    ig_names_free(s.maps.url, s.maps.count);
    ig_names_free(s.pages.url, s.pages.count);
    seen_fini(&s.known);
    ig_buf_fini(&s.loc);
    return status;
}
