/* data/document_pdf.c: the text of a PDF, by the program pdftotext of poppler.   (ISO 32000)
 *
 *     line, line, empty line, line, form feed │ line …        pages end at form feeds, blocks at empty lines
 *
 * A PDF holds places of letters rather than text, and its readers are large and often attacked: one stands in its own process.
 * Lines of a block are one paragraph, joined without a space between two Chinese characters.  No passage goes over the end
 * of a page, so that its page is certain.
 */
#include <string.h>

#include "data/passages.h"
#include "data/program.h"

static bool is_wide(unsigned char lead) {
    return lead >= 0xE3 && lead < 0xF0; /* U+3000 and above, without what lies past U+FFFF */
}

/* Does the text end with a character of three bytes that is written without spaces? */
static bool ends_wide(const ig_buf *b) {
    return b->len >= 3 && is_wide((unsigned char)b->data[b->len - 3]) && ((unsigned char)b->data[b->len - 1] & 0xC0) == 0x80;
}

static ig_status read_line(passages *p, const char *s, size_t n, int line, ig_error *err) {
    while (n && strchr(" \t\r", *s)) s++, n--;
    if (!n) return passages_end(p, err);
    if (p->block.len && !(ends_wide(&p->block) && is_wide((unsigned char)*s))) passages_put(p, " ", 1, line);
    passages_put(p, s, n, line);
    return ig_buf_status(&p->block, err);
}

static ig_status read_page(passages *p, const char *s, size_t len, ig_error *err) {
    const char *end = s + len;
    for (int line = 1; s < end; line++) {
        const char *nl = memchr(s, '\n', (size_t)(end - s));
        size_t n = nl ? (size_t)(nl - s) : (size_t)(end - s);
        IG_TRY(read_line(p, s, n, line, err));
        s += n + (nl != NULL);
    }
    return passages_finish(p, err);
}

static ig_status read_pages(passages *p, const char *s, size_t len, ig_error *err) {
    const char *end = s + len;
    for (p->page = 1; s < end; p->page++) {
        if (p->page > IG_PDF_PAGES_MAX)
            return ig_error_at(err, IG_E_LIMIT, p->file, 0, "the PDF has more than %d pages: give it in parts",
                               IG_PDF_PAGES_MAX);
        const char *feed = memchr(s, '\f', (size_t)(end - s));
        size_t n = feed ? (size_t)(feed - s) : (size_t)(end - s);
        IG_TRY(read_page(p, s, n, err));
        s += n + (feed != NULL);
    }
    if (p->count) return IG_OK;
    return ig_error_at(err, IG_E_FORMAT, p->file, 0,
                       "the PDF holds no text, perhaps only pictures of it: have the text recognised first");
}

static ig_status explain(const char *file, int code, ig_error *err) {
    if (code == 0) return IG_OK;
    if (code == 3)
        return ig_error_at(err, IG_E_UNSUPPORTED, file, 0,
                           "the PDF does not allow its text to be taken out: save it without that");
    if (code > 3) return ig_error_at(err, IG_E_FORMAT, file, 0, "pdftotext ended with %d on the PDF: save it again", code);
    return ig_error_at(err, IG_E_FORMAT, file, 0,
                       "the PDF is damaged, or opens only with a password: save it again without one");
}

ig_status pdf_read(const void *bytes, size_t len, passages *p, ig_error *err) {
    static const char *const command[] = {"pdftotext", "-q", "-enc", "UTF-8", "-", "-", NULL};
    const program_bounds bounds = {.seconds = IG_PDF_SECONDS_MAX, .memory = IG_PDF_MEMORY_MAX};
    ig_buf text = {.max = IG_DOCUMENT_BYTES_MAX};
    int code = 0;
    ig_status status = program_run(p->file, command, bytes, len, &bounds, &text, &code, err);
    if (status == IG_E_NOT_FOUND)
        status = ig_error_at(err, IG_E_UNSUPPORTED, p->file, 0,
                             "PDF is read through the program pdftotext, which is not installed: apt-get install poppler-utils, "
                             "or give the document as DOCX, HTML or text");
    if (status == IG_OK) status = explain(p->file, code, err);
    if (status == IG_OK && !ig_utf8_valid(text.data ? text.data : "", text.len))
        status = ig_error_at(err, IG_E_FORMAT, p->file, 0, "pdftotext makes no UTF-8 of the PDF: save it again");
    if (status == IG_OK) status = read_pages(p, text.data ? text.data : "", text.len, err);
    ig_buf_fini(&text);
    return status;
}
