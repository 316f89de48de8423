/* features/support/units.h: what a desk answers with, in memory and as units.jsonl. */
#ifndef INGOT_FEATURES_SUPPORT_UNITS_H
#define INGOT_FEATURES_SUPPORT_UNITS_H

#include "features/support/support.h"

typedef struct support_unit {
    char *id, *title, *answer, *language, *source, *anchor;
    int64_t line, page;
    bool passage;
    int32_t label;      /* in the matcher; -1: it does not know this unit */
    uint32_t first, items; /* of units.item_ids */
} support_unit;

typedef struct support_units {
    support_unit *at;
    size_t count, cap;
    char **item_ids;       /* those of a unit stand together */
    size_t item_count, item_cap;
    struct support_item_place { const char *id; uint32_t unit; } *by_item; /* sorted by id */
} support_units;

void support_units_fini(support_units *u);
/* Items with the same answer and language become one unit, at the place of the first. */
ig_status support_units_from_items(const ig_item *items, size_t count, support_units *out, ig_error *err);
ig_status support_units_save(const support_units *u, const char *path, ig_error *err);
ig_status support_units_load(const char *path, support_units *out, ig_error *err);
int64_t support_units_find(const support_units *u, const char *item); /* unit of an item; -1: none */
int64_t support_units_find_unit(const support_units *u, const char *id); /* by the unit's own id */

/* Questions whose answer is known word for word: sorted digests.
 *     "IGEXACT1", count u64, count × {digest u64, unit u64}, CRC-32C u64     little-endian */
typedef struct support_exact {
    uint64_t *pair;     /* digest, unit */
    size_t count, cap;
} support_exact;
void support_exact_fini(support_exact *x);
ig_status support_exact_add(support_exact *x, const char *question, uint64_t unit, ig_error *err);
ig_status support_exact_save(support_exact *x, const char *path, ig_error *err); /* sorts; drops questions with two answers */
ig_status support_exact_load(const char *path, size_t units, support_exact *x, ig_error *err);
int64_t support_exact_find(const support_exact *x, const char *question);

#endif
