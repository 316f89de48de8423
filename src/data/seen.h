/* data/seen.h: which texts have come before, by a hash of 128 bits. */
#ifndef INGOT_DATA_SEEN_H
#define INGOT_DATA_SEEN_H

#include "ingot/base.h"

typedef struct seen_entry {
    uint64_t a, b;
    int64_t line; /* 0: free */
} seen_entry;

typedef struct seen {
    seen_entry *slot;
    size_t cap, count; /* cap is a power of two */
} seen;

/* *earlier gets the line of the same text, or 0 when it is new and was put in. */
ig_status seen_add(seen *s, const char *text, size_t len, int64_t line, int64_t *earlier, ig_error *err);
/* *line: what is kept for the text, until the next call; 0 when it is new, and then to be set. */
ig_status seen_slot(seen *s, const char *text, size_t len, int64_t **line, ig_error *err);
void seen_fini(seen *s);

#endif
