/* data/passages.h: headings and blocks of a document, as a reader meets them, become passages.
 *
 *     passages_heading ── begins a section: title "A > B", anchor
 *     passages_put … passages_end ── a block (paragraph, list item, row): blocks of a section are joined while they fit
 *     passages_finish ── the last passage
 *
 * A block that is too long alone is cut where a sentence ends, else at a space, else between two characters.
 */
#ifndef DATA_PASSAGES_H
#define DATA_PASSAGES_H

#include "ingot/documents.h"

#define HEADING_LEVELS 7 /* h1 … h6, and what is below them all: a question of a list */

typedef struct passages {
    const char *file;
    ig_passage_fn *fn;
    void *arg;
    size_t max;
    ig_buf text, block, title, anchor, document_title;
    ig_buf heading[HEADING_LEVELS];
    int line, block_line; /* where they begin */
    int page;             /* 0: the format has no pages */
    size_t count;
    bool verbatim;        /* white space is kept */
    bool stopped;         /* fn failed: that status is the caller's, not the document's */
} passages;

void passages_init(passages *p, const char *file, size_t max, ig_passage_fn *fn, void *arg);
void passages_fini(passages *p);
void passages_put(passages *p, const char *s, size_t n, int line);
void passages_break(passages *p); /* a new line inside of a block */
ig_status passages_end(passages *p, ig_error *err);
/* The block that was put is the heading.  level 1 … HEADING_LEVELS; anchor may be NULL. */
ig_status passages_heading(passages *p, int level, const char *anchor, ig_error *err);
ig_status passages_finish(passages *p, ig_error *err);

/* Readers: text is UTF-8 without a NUL. */
ig_status markdown_read(const char *text, size_t len, passages *p, ig_error *err);
ig_status html_read(const char *text, size_t len, passages *p, ig_error *err);
ig_status pdf_read(const void *bytes, size_t len, passages *p, ig_error *err);
ig_status docx_read(const void *bytes, size_t len, passages *p, ig_error *err);

#endif
