/* Fuzz target: documents and sitemaps, of which a site's pages come from anybody.
 *
 * The first byte chooses: 1 text, 2 Markdown, 3 HTML, 4 DOCX (as ig_document_format), s a sitemap whose every address holds the
 * same bytes.  Passages must be UTF-8, not empty, not longer than asked for, and counted from 0; an address that is asked for
 * must have the sitemap's host and port in the eyes of curl too.  PDF is another program's.
 */
#include <curl/curl.h>
#include <string.h>
#include <strings.h>

#include "ingot/documents.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                  \
    do {                                    \
        if (!(condition)) __builtin_trap(); \
    } while (0)

enum { PASSAGE = 100 };

typedef struct reading {
    const uint8_t *data;
    size_t size, next;
} reading;

static ig_status on_passage(void *arg, const ig_passage *p, ig_error *err) {
    reading *r = arg;
    (void)err;
    size_t n = strlen(p->text);
    REQUIRE(n > 0 && n <= PASSAGE && ig_utf8_valid(p->text, n));
    REQUIRE(*p->title && ig_utf8_valid(p->title, strlen(p->title)) && p->anchor && p->page == 0);
    REQUIRE(p->index == 0 || p->index == r->next);
    r->next = p->index + 1;
    return IG_OK;
}

static void on_problem(void *arg, const ig_error *problem) {
    (void)arg;
    REQUIRE(problem->code != IG_OK && *problem->message);
}

/* An address that curl cannot read is not asked for by anybody. */
static void check_address(const char *url) {
    char *host = NULL, *port = NULL;
    CURLU *u = curl_url();
    if (u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK && curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
        curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK)
        REQUIRE(strcasecmp(host, "shop.example") == 0 && strcmp(port, "80") == 0);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(u);
}

static ig_status fetch(void *arg, const char *url, ig_buf *body, ig_error *err) {
    const reading *r = arg;
    (void)err;
    check_address(url);
    ig_buf_append(body, r->data, r->size);
    return IG_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!size) return 0;
    reading r = {.data = data + 1, .size = size - 1};
    const ig_document_opts document = {.passage_bytes = PASSAGE, .problem = on_problem};
    ig_error err = {0};
    if (*data == 's') {
        ig_sitemap_opts opts = {.pages_max = 3, .fetch = fetch, .fetch_arg = &r, .document = document};
        opts.document.format = IG_DOCUMENT_TEXT;
        (void)ig_sitemap_read("http://shop.example/sitemap.xml", &opts, on_passage, &r, NULL, &err);
    } else if (*data >= '1' && *data <= '4') {
        ig_document_opts opts = document;
        opts.format = (ig_document_format)(*data - '0');
        (void)ig_document_parse("page", r.data, r.size, &opts, on_passage, &r, NULL, &err);
    }
    return 0;
}
