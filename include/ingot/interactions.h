/* ingot/interactions.h: who did what with which item: views, purchases, ratings.
 *
 *     table   user,item,value,time             named columns of CSV, TSV, JSON, JSON lines, XLSX   (ingot/documents.h)
 *     rows    196  242  3  881250949           no header; blanks, tabs, commas or "::" between the fields; value and time may lack
 *     lines   user item item item …            each item once, with the value 1
 *
 *                │ ids are texts; id tables number them in the order in which they appear
 *                ▼
 *     offset [users+1] ─► item, value [count]         one row per user, items rising, each at most once
 *
 * `rows` and `lines` are mapped, not held, so that they may be large.
 */
#ifndef INGOT_INTERACTIONS_H
#define INGOT_INTERACTIONS_H

#include "ingot/documents.h"

#pragma GCC visibility push(default) /* what stands here, libingot.so exports */
#ifdef __cplusplus
extern "C" {
#endif

/* ---- ids ----------------------------------------------------------------------------------------------------------- */

/* Texts and their numbers 0, 1, 2 …  Start from zero. */
typedef struct ig_id_table {
    char *bytes;         /* each text with a NUL behind it */
    size_t len, cap;
    size_t *begin;       /* [count] */
    size_t count, begins;
    uint32_t *slot;      /* number + 1; 0: free */
    size_t slots;        /* a power of two */
} ig_id_table;

/* The number of a text, which is new when it was not there.  IG_E_FORMAT for an empty one, one over IG_ID_BYTES_MAX, and for
 * one with a control character or no UTF-8. */
ig_status ig_id_table_add(ig_id_table *t, const char *id, size_t len, int32_t *number, ig_error *err);
int64_t ig_id_table_find(const ig_id_table *t, const char *id, size_t len); /* -1: not there */
const char *ig_id_table_at(const ig_id_table *t, size_t number);
void ig_id_table_fini(ig_id_table *t);

/* ---- interactions -------------------------------------------------------------------------------------------------- */

typedef enum ig_interaction_format { IG_INTERACTIONS_TABLE, IG_INTERACTIONS_ROWS, IG_INTERACTIONS_LINES } ig_interaction_format;
/* What becomes of a pair of user and item that comes again: values are added, or the last counts (by time, then by order). */
typedef enum ig_duplicates { IG_DUPLICATES_LAST, IG_DUPLICATES_SUM } ig_duplicates;

typedef struct ig_interaction_entry {
    int32_t user, item;
    float value;
    int64_t time;
    size_t order;
} ig_interaction_entry;

typedef struct ig_interactions {
    ig_id_table users, items;
    ig_interaction_entry *entry; /* what was added since; NULL after finish */
    size_t entries, entry_cap;
    int64_t *offset;             /* [users+1]; NULL before finish */
    int32_t *item;               /* [count] */
    float *value;                /* [count] */
    size_t count;
    size_t repeated;             /* pairs that came again */
} ig_interactions;

/* Start from zero, add, finish once.  value must be finite (IG_E_FORMAT). */
ig_status ig_interactions_add(ig_interactions *x, const char *user, const char *item, double value, int64_t time, ig_error *err);
ig_status ig_interactions_finish(ig_interactions *x, ig_duplicates duplicates, ig_error *err);
void ig_interactions_fini(ig_interactions *x);
/* The same by item: offset [items+1]; user, value [count], users rising.  Free them with ig_free. */
ig_status ig_interactions_by_item(const ig_interactions *x, int64_t **offset, int32_t **user, float **value, ig_error *err);
/* Of users, items, order and values together: data that gives the same digest trains the same model. */
void ig_interactions_digest(const ig_interactions *x, char out[65]);

typedef struct ig_interactions_opts {
    ig_interaction_format format;
    const char *user, *item;     /* columns of a table; NULL: "user", "item" */
    const char *value, *time;    /* NULL: "value" and "time" where there are such columns; without a value each counts 1 */
    ig_problem_fn *problem;      /* told of bad rows, which are left out; NULL: the first one ends the call */
    void *problem_arg;
} ig_interactions_opts;

/* Add what stands in a file.  opts may be NULL. */
ig_status ig_interactions_read(ig_interactions *x, const char *path, const ig_interactions_opts *opts, ig_error *err);
bool ig_interaction_format_parse(const char *name, ig_interaction_format *out); /* "table", "rows", "lines" */

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
