/* train/tag_rows.h: sentences whose tokens have tags, and how well tags are found.
 *
 *     file   token … tag␤     columns between spaces or tabs: the first is the token, the last its tag
 *            token … tag␤     an empty line ends a sentence; lines that begin with -DOCSTART- are none
 *            ␤                                                          (CoNLL 2003; MSRA's characters with TAB and tag)
 */
#ifndef INGOT_TRAIN_TAG_ROWS_H
#define INGOT_TRAIN_TAG_ROWS_H

#include "ingot/text_rows.h"

typedef struct tag_row {
    int file;
    int64_t line;
    size_t at, count; /* words */
} tag_row;

typedef struct tag_word {
    size_t at;        /* in bytes, NUL-terminated */
    int32_t tag;      /* number in the order in which the tags came; later the class */
} tag_word;

/* Zero-initialise. */
typedef struct tag_rows {
    tag_row *row;
    size_t count, row_cap;
    tag_word *word;
    size_t words, word_cap;
    ig_buf bytes;
    char **tag;       /* as they came */
    size_t tags, tag_cap;
    int files;
} tag_rows;

#define TAGS_MAX 1024
#define TAG_FILE_BYTES_MAX ((size_t)2 << 30)

ig_status tag_rows_read(const char *path, tag_rows *out, ig_problems *problems, ig_error *err);
ig_status tag_rows_parse(const char *name, const char *text, size_t len, tag_rows *out, ig_problems *problems, ig_error *err);
void tag_rows_fini(tag_rows *x);
/* Sentences that a hash of their words holds out go behind the others, unless all would; *kept: how many stand before. */
ig_status tag_rows_split(tag_rows *x, double share, size_t *kept, ig_error *err);

/* ---- spans   (the rules of conlleval, Tjong Kim Sang & Buchholz 2000) -------------------------------------------------- */

typedef struct tag_spans {
    int64_t right, said, are;
} tag_spans;

/* Count the spans of one sentence: are[n] and said[n] are numbers of names. */
void tag_spans_count(tag_spans *s, char *const *names, const int32_t *are, const int32_t *said, size_t n);
double tag_spans_f1(const tag_spans *s); /* 0 without any */

#endif
