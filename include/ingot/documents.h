/* ingot/documents.h: what a team has, its tables and its pages, as rows and passages.
 *
 *     CSV, TSV, JSON, JSON lines, XLSX ──ig_table_open──► names ──ig_table_each──► row, row, row …
 *     Markdown, HTML, DOCX, text, a folder of them ──ig_document_read──► passage, passage …
 *
 * Everything that comes out is UTF-8.  A row or a file that cannot be read is named (file, line, what to do) to `problem`, and
 * the others go on; without a `problem` the first one is the error of the call.  Specifications: RFC 4180, RFC 8259,
 * ECMA-376 (Office Open XML), CommonMark, HTML.
 */
#ifndef INGOT_DOCUMENTS_H
#define INGOT_DOCUMENTS_H

#include "ingot/base.h"
#include "ingot/limits.h"

#pragma GCC visibility push(default) /* what stands here, libingot.so exports */
#ifdef __cplusplus
extern "C" {
#endif

/* Told of what is left out; never called for a failed allocation, which ends the call. */
typedef void ig_problem_fn(void *arg, const ig_error *problem);

/* ---- tables -------------------------------------------------------------------------------------------------------- */

typedef enum ig_table_format {
    IG_TABLE_AUTO,       /* by content, then by the end of the name */
    IG_TABLE_CSV,        /* RFC 4180; the delimiter is the one of , ; tab | that fits the rows best */
    IG_TABLE_TSV,
    IG_TABLE_JSON,       /* a list of objects, or an object with one such list */
    IG_TABLE_JSON_LINES,
    IG_TABLE_XLSX
} ig_table_format;

typedef struct ig_table_opts {
    ig_table_format format;
    const char *sheet;      /* of XLSX; NULL: the first that is not hidden */
    bool headless;          /* of CSV, TSV and XLSX: the first row holds data, the columns are called "column 1" … */
    bool no_quotes;         /* CSV, TSV: a quote is a character like any other */
    ig_problem_fn *problem; /* NULL: the first bad row ends ig_table_each */
    void *problem_arg;
} ig_table_opts;

typedef struct ig_table ig_table;
/* The first row that is not empty names the columns (but headless); of JSON all keys do, in the order they appear.  opts may be NULL. */
ig_status ig_table_open(const char *path, const ig_table_opts *opts, ig_table **out, ig_error *err);
/* The same from bytes (an upload), which are copied; `name` stands in errors and may tell the format. */
ig_status ig_table_parse(const char *name, const void *bytes, size_t len, const ig_table_opts *opts, ig_table **out, ig_error *err);
void ig_table_close(ig_table *t); /* NULL is allowed */
size_t ig_table_count(const ig_table *t); /* of columns */
const char *ig_table_name(const ig_table *t, size_t column);
ig_table_format ig_table_format_of(const ig_table *t);

/* Borrowed until the callback returns.  values[count], one for each column, never NULL: "" is an empty cell.  Numbers are their
 * shortest decimal text, dates "2026-11-24" or "2026-11-24 09:30:00", booleans "true" and "false", nested JSON its text. */
typedef struct ig_table_row {
    const char *const *values;
    size_t count;
    int line; /* where the row begins; of XLSX the row's number */
} ig_table_row;
/* A status other than IG_OK ends ig_table_each, which returns it. */
typedef ig_status ig_table_row_fn(void *arg, const ig_table_row *row, ig_error *err);
/* Every row in its order; may be called again.  A row with more or fewer fields than there are columns is a problem of its line
 * (empty fields past the last column are none); empty rows are skipped. */
ig_status ig_table_each(const ig_table *t, ig_table_row_fn *fn, void *arg, ig_error *err);

/* What a column holds, found by its name in English and Chinese, without regard to case, space, '_' and '-'. */
typedef enum ig_table_role {
    IG_ROLE_QUESTION, /* question, query, 问题, 提问, 问 … */
    IG_ROLE_TITLE,    /* title, subject, 标题 …: the question where there is no other, or where it is empty */
    IG_ROLE_ANSWER,   /* answer, reply, response, 答案, 回复 … */
    IG_ROLE_LANGUAGE,
    IG_ROLE_CATEGORY,
    IG_ROLE_COUNT
} ig_table_role;
const char *ig_table_role_name(ig_table_role r); /* "question" … */

typedef struct ig_table_columns {
    int of[IG_ROLE_COUNT]; /* column; -1: none */
} ig_table_columns;
/* given[role] (or given) may name a column of the caller's choice.  Fails with IG_E_NOT_FOUND, listing the columns that there
 * are, when no column holds questions or answers, or a given one is not there. */
ig_status ig_table_find_columns(const ig_table *t, const char *const given[IG_ROLE_COUNT], ig_table_columns *out, ig_error *err);
/* The value of a role in a row, "" when there is none; of QUESTION the title where the question is empty. */
const char *ig_table_value(const ig_table_columns *c, const ig_table_row *row, ig_table_role role);

/* ---- documents ------------------------------------------------------------------------------------------------------- */

typedef enum ig_document_format {
    IG_DOCUMENT_AUTO, /* by the end of the name */
    IG_DOCUMENT_TEXT,
    IG_DOCUMENT_MARKDOWN,
    IG_DOCUMENT_HTML,
    IG_DOCUMENT_DOCX,
    IG_DOCUMENT_PDF /* through the program pdftotext (Debian: poppler-utils): IG_E_UNSUPPORTED where it is not installed */
} ig_document_format;

/* Borrowed until the callback returns. */
typedef struct ig_passage {
    const char *file;   /* or address */
    const char *title;  /* headings above the text, "Returns > How long"; else the document's title or the file's name */
    const char *text;   /* at most the bytes that were asked for, cut where a sentence ends */
    const char *anchor; /* of the nearest heading, without '#'; "" when it has none */
    int line;           /* where the text begins; of DOCX the number of the paragraph, of PDF the line on its page */
    int page;           /* of PDF, from 1; else 0 */
    size_t index;       /* within the document: 0, 1, 2 … */
} ig_passage;
typedef ig_status ig_passage_fn(void *arg, const ig_passage *p, ig_error *err);

typedef struct ig_document_opts {
    ig_document_format format; /* of one document; of a folder every file tells its own */
    size_t passage_bytes;      /* 0: IG_PASSAGE_BYTES_MAX; at least 64 */
    ig_problem_fn *problem;    /* NULL: the first bad file ends the call */
    void *problem_arg;
} ig_document_opts;

typedef struct ig_document_counts {
    size_t documents, passages;
    size_t failed;  /* told to `problem` */
    size_t skipped; /* files of a folder that are no documents */
} ig_document_counts;

/* A file, or a folder with all that is in it, in the order of names: hidden files and symbolic links are left out.
 * opts and counts may be NULL. */
ig_status ig_document_read(const char *path, const ig_document_opts *opts, ig_passage_fn *fn, void *arg, ig_document_counts *counts,
                           ig_error *err);
/* One document from bytes; `name` stands in the passages and may tell the format. */
ig_status ig_document_parse(const char *name, const void *bytes, size_t len, const ig_document_opts *opts, ig_passage_fn *fn,
                            void *arg, ig_document_counts *counts, ig_error *err);
/* By the end of the name; AUTO when it is none of ours. */
ig_document_format ig_document_format_of(const char *path);

/* ---- a site ---------------------------------------------------------------------------------------------------------- */

/* Append what stands at an address to *body, which has a limit.  Which addresses may be asked, the callback must know.
 * IG_E_CANCELLED ends the reading of the site; any other status but IG_E_NOMEM is a problem of this address. */
typedef ig_status ig_fetch_fn(void *arg, const char *url, ig_buf *body, ig_error *err);

typedef struct ig_sitemap_opts {
    size_t pages_max; /* 0: IG_SITEMAP_PAGES_MAX, which is the most; that there are more is a problem */
    ig_fetch_fn *fetch;
    void *fetch_arg;
    ig_document_opts document; /* format AUTO: HTML, but what ends with .pdf and .docx */
} ig_sitemap_opts;

/* Every page that the sitemap, or the sitemaps of an index, at `url` (http or https) names on the same host and port, once;
 * others are counted as skipped.  counts may be NULL. */
ig_status ig_sitemap_read(const char *url, const ig_sitemap_opts *opts, ig_passage_fn *fn, void *arg,
                          ig_document_counts *counts, ig_error *err);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
