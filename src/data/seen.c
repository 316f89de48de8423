/* data/seen.c: open addressing, at most half full. */
#include "data/seen.h"

static seen_entry *find(const seen *s, uint64_t a, uint64_t b) {
    size_t i = (size_t)a & (s->cap - 1);
    while (s->slot[i].line && (s->slot[i].a != a || s->slot[i].b != b)) i = (i + 1) & (s->cap - 1);
    return &s->slot[i];
}

static ig_status grow(seen *s, ig_error *err) {
    seen bigger = {.cap = s->cap ? 2 * s->cap : 64};
    if (2 * s->count < s->cap) return IG_OK;
    bigger.slot = ig_calloc(bigger.cap, sizeof *bigger.slot);
    if (!bigger.slot) return ig_error_nomem(err, bigger.cap * sizeof *bigger.slot);
    for (size_t i = 0; i < s->cap; i++)
        if (s->slot[i].line) *find(&bigger, s->slot[i].a, s->slot[i].b) = s->slot[i];
    bigger.count = s->count;
    ig_free(s->slot);
    *s = bigger;
    return IG_OK;
}

ig_status seen_slot(seen *s, const char *text, size_t len, int64_t **line, ig_error *err) {
    IG_TRY(grow(s, err));
    uint64_t a = ig_hash64(text, len, 1), b = ig_hash64(text, len, 2);
    seen_entry *e = find(s, a, b);
    if (!e->line) {
        *e = (seen_entry){a, b, 0};
        s->count++;
    }
    *line = &e->line;
    return IG_OK;
}

ig_status seen_add(seen *s, const char *text, size_t len, int64_t line, int64_t *earlier, ig_error *err) {
    int64_t *at;
    IG_TRY(seen_slot(s, text, len, &at, err));
    *earlier = *at;
    if (!*at) *at = line;
    return IG_OK;
}

void seen_fini(seen *s) {
    ig_free(s->slot);
    *s = (seen){0};
}
