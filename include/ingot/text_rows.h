/* ingot/text_rows.h: tables of texts as training data: a text, or two that belong together, and what is known of them.
 *
 *     CSV, TSV, JSON lines … ──ig_text_rows_read──► rows (texts, label, score) ──ig_text_rows_split──► to learn from | held out
 *                                    │
 *                                    └──► ig_problems: what is wrong, by line
 *
 * Columns are found by their names, in English and Chinese, or named by the caller.
 */
#ifndef INGOT_TEXT_ROWS_H
#define INGOT_TEXT_ROWS_H

#include "ingot/examples.h"

#pragma GCC visibility push(default) /* what stands here, libingot.so exports */
#ifdef __cplusplus
extern "C" {
#endif

typedef enum ig_text_role {
    IG_TEXT_FIRST,    /* text, sentence, question, review, 文本 … */
    IG_TEXT_SECOND,   /* pair, sentence2, answer, 答案 … */
    IG_TEXT_NEGATIVE, /* a second text that does not belong to the first */
    IG_TEXT_LABEL,    /* label, category, 标签 … */
    IG_TEXT_SCORE,    /* a number: how well the texts fit */
    IG_TEXT_ROLES
} ig_text_role;
const char *ig_text_role_name(ig_text_role role); /* "text", "pair", "negative", "label", "score" */

#define IG_TEXT_ROWS_MAX ((size_t)1 << 26)

typedef struct ig_text_row {
    int file;
    int64_t line;
    size_t at[IG_TEXT_ROLES]; /* of the value in bytes; 0: none or empty */
    double score;
    int32_t label;            /* as ig_text_rows_classify says; -1 before */
} ig_text_row;

/* Zero-initialise. */
typedef struct ig_text_rows {
    ig_text_row *row;
    size_t count, cap;
    ig_buf bytes;             /* all values, each with a NUL behind it */
    bool has[IG_TEXT_ROLES];  /* which columns the files have */
    int files;
} ig_text_rows;

typedef struct ig_text_rows_opts {
    const char *column[IG_TEXT_ROLES]; /* name, or number from 1; NULL: found by its name */
    unsigned needs;                    /* bit per role: a file without this column is refused, and so is an empty cell */
    unsigned may;                      /* roles that are taken where they are there under a name that is meant for them alone */
    bool no_header;                    /* CSV, TSV: the first line is a row */
    bool no_quotes;                    /* CSV, TSV: a quote is a character like any other */
} ig_text_rows_opts;

/* Append the rows of a table.  What is wrong goes to *problems, and such rows are left out; a column that is missing is
 * IG_E_NOT_FOUND, and a file without any row IG_E_FORMAT. */
ig_status ig_text_rows_read(const char *path, const ig_text_rows_opts *opts, ig_text_rows *out, ig_problems *problems,
                            ig_error *err);
/* The same from bytes; `name` stands in errors and may tell the format. */
ig_status ig_text_rows_parse(const char *name, const void *bytes, size_t len, const ig_text_rows_opts *opts, ig_text_rows *out,
                             ig_problems *problems, ig_error *err);
const char *ig_text_rows_get(const ig_text_rows *x, size_t i, ig_text_role role); /* "" when there is none */
void ig_text_rows_fini(ig_text_rows *x);

/* Put a share of every label's rows behind all others: which, is decided by a hash of the texts, so that the same row is held
 * out for ever and equal texts are never on both sides.  *kept is how many stand before; at least one when there is a row. */
ig_status ig_text_rows_split(ig_text_rows *x, double share, size_t *kept, ig_error *err);

/* Names of classes: those of numbers by value, else by their bytes. */
typedef struct ig_classes {
    char **name;     /* [count] */
    size_t count;
    int32_t *sorted; /* [count]: by name */
} ig_classes;
/* Of the labels of the first `rows` rows. */
ig_status ig_classes_of_rows(const ig_text_rows *x, size_t rows, ig_classes *out, ig_error *err);
/* With these names, in this order; IG_E_ARG when two are the same. */
ig_status ig_classes_of_names(const char *const *names, size_t count, ig_classes *out, ig_error *err);
int32_t ig_classes_find(const ig_classes *c, const char *name); /* -1: none */
void ig_classes_fini(ig_classes *c);
/* Set row.label; a label that is none of the classes is a problem of its row. */
ig_status ig_text_rows_classify(ig_text_rows *x, const ig_classes *c, ig_problems *problems, ig_error *err);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
