/* data/preparation.h: what was fitted, field by field.
 *
 *     field "age"   number    (39 - mean) / sd ─► numbers[0]      missing? ─► numbers[1]
 *     field "job"   category  0 other, 1 none, 2 clerk … ─► indices[0]
 *     field "when"  date      days, scaled ─► numbers[2]          month, weekday (hour) ─► indices[1], indices[2] …
 *     field "note"  text      ─► texts[0]
 */
#ifndef DATA_PREPARATION_H
#define DATA_PREPARATION_H

#include "data/cells.h"

#define INDEX_OTHER 0
#define INDEX_MISSING 1
#define INDEX_FIRST 2

typedef enum field_kind { FIELD_NUMBER, FIELD_BUCKETS, FIELD_CATEGORY, FIELD_HASH, FIELD_DATE, FIELD_TEXT, FIELD_KINDS } field_kind;

typedef struct field {
    char *name;
    field_kind kind;
    ig_column_type type;   /* of the column: BOOLEAN, INTEGER, NUMBER, DATE … */
    ig_scaling scaling;
    double impute;         /* before scaling */
    double mean, sd;       /* after the logarithm; sd > 0 */
    bool some_missing;     /* in training */
    ig_date_order order;
    bool clock;
    char **value;          /* CATEGORY: index - INDEX_FIRST, ordered by text */
    size_t values;
    double *edge;          /* BUCKETS: bucket b holds edge[b-1] <= x < edge[b] */
    size_t edges;
    size_t buckets;        /* HASH */
    size_t number_at, index_at, text_at; /* first place in the result */
} field;

struct ig_preparation {
    field *field;
    size_t fields;
    size_t numbers, indices, texts;
    char *label;
    char **class_name;     /* [classes] ordered by text */
    size_t classes;
    bool drop_stop, bad_is_missing;
    char **missing;        /* NULL: ig_missing_words */
    size_t missing_count;
};

size_t field_numbers(const field *f); /* how many places a field takes */
size_t field_indices(const field *f);
void preparation_lay_out(ig_preparation *p);
/* Copies.  *out is to be freed with texts_free, also after a failure. */
ig_status texts_copy(const char *const *from, size_t count, char ***out, ig_error *err);
void texts_free(char **list, size_t count);
/* Place in an ordered list; count when it is not there. */
size_t texts_find(char *const *list, size_t count, const char *s);

#endif
