/* store/item_find.c: lists of content: by words, by count, by what was withdrawn.
 *
 * The index holds trigrams, which serve Chinese as well as English, but no word of one or two characters, as 退款.  Words of
 * three and more characters go to the index, quoted, so that nothing in them is an operator; up to four shorter ones are
 * looked for in the bodies that are left.
 */
#include <string.h>

#include "store/item_rows.h"

#define SHORT_MAX 4
#define QUERY_BYTES_MAX 1000

typedef struct words {
    ig_buf match;                               /* FTS5: "one" "two" */
    char brief[SHORT_MAX][QUERY_BYTES_MAX + 1];
    int count;                                  /* of brief ones */
} words;

static size_t characters(const char *s, size_t n) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++) count += ((unsigned char)s[i] & 0xc0) != 0x80;
    return count;
}

static ig_status add_word(words *w, const char *s, size_t n, ig_error *err) {
    if (characters(s, n) < 3) {
        if (w->count == SHORT_MAX)
            return ig_error_set(err, IG_E_LIMIT, "at most %d words of one or two characters can be looked for", SHORT_MAX);
        memcpy(w->brief[w->count], s, n);
        w->brief[w->count++][n] = '\0';
        return IG_OK;
    }
    ig_buf_append(&w->match, w->match.len ? " \"" : "\"", w->match.len ? 2 : 1);
    for (size_t i = 0; i < n; i++) ig_buf_append(&w->match, s[i] == '"' ? "\"\"" : &s[i], s[i] == '"' ? 2 : 1);
    ig_buf_append(&w->match, "\"", 1);
    return ig_buf_status(&w->match, err);
}

static size_t space(const char *s) {
    if (*s == ' ' || (*s >= '\t' && *s <= '\r')) return 1;
    return strncmp(s, "\xe3\x80\x80", 3) == 0 ? 3 : 0; /* U+3000, between Chinese words */
}

static ig_status split(words *w, const char *query, ig_error *err) {
    if (strlen(query) > QUERY_BYTES_MAX)
        return ig_error_set(err, IG_E_LIMIT, "a query of more than %d bytes", QUERY_BYTES_MAX);
    IG_TRY(store_check_text("the query", query, err));
    for (const char *s = query; *s;) {
        size_t n = 0;
        if (space(s)) {
            s += space(s);
            continue;
        }
        while (s[n] && !space(s + n)) n++;
        IG_TRY(add_word(w, s, n, err));
        s += n;
    }
    return IG_OK;
}

static ig_status find(ig_store *s, const char *feature, const words *w, int64_t offset, int limit, store_items_to *to, int64_t *total,
                      ig_error *err) {
    store_value v[8] = {store_text(feature), store_int(offset), store_int(limit)};
    for (int i = 0; i < SHORT_MAX; i++) v[3 + i] = store_text(w->brief[i]);
    bool match = w->match.len > 0;
    if (match) v[7] = (store_value){.type = STORE_TEXT, .text = w->match.data, .len = w->match.len};
    int n = match ? 8 : 7;
    IG_TRY(store_stream(s, match ? STORE_Q_ITEM_MATCH_COUNT : STORE_Q_ITEM_NEWEST_COUNT, v, n, store_read_number, total, err));
    return store_stream(s, match ? STORE_Q_ITEM_MATCH : STORE_Q_ITEM_NEWEST, v, n, store_give_item, to, err);
}

ig_status ig_store_item_find(ig_store *s, const char *feature, const char *query, int64_t offset, int limit, ig_store_item_fn *fn,
                             void *arg, int64_t *total, ig_error *err) {
    store_items_to to = {fn, arg, 0};
    int64_t all = 0;
    if (offset < 0 || limit < 0 || limit > IG_STORE_LIST_MAX)
        return ig_error_set(err, IG_E_ARG, "a list starts at 0 or more and has between 1 and %d rows", IG_STORE_LIST_MAX);
    words w = {.match = {.max = QUERY_BYTES_MAX * 5}};
    ig_status status = split(&w, query ? query : "", err);
    if (status == IG_OK) status = find(s, feature, &w, offset, limit ? limit : 20, &to, &all, err);
    if (total) *total = status == IG_OK ? all : 0;
    ig_buf_fini(&w.match);
    return status;
}

/* ---- tombstones, counts ------------------------------------------------------------------------------------------ */

static ig_status read_id(void *item, const store_value *v, ig_error *err) { return store_get_copy(item, v, err); }

static void fini_id(void *item) { ig_free(*(char **)item); }

static const store_list ids = {.thing = "item", .item_bytes = sizeof(char *), .read = read_id, .fini = fini_id};

ig_status ig_store_item_withdrawn(ig_store *s, const char *feature, char ***out, size_t *count, ig_error *err) {
    const store_value v = store_text(feature);
    return store_all(s, &ids, STORE_Q_ITEM_WITHDRAWN, &v, 1, out, count, err);
}

typedef struct counts {
    int64_t live, withdrawn;
} counts;

static ig_status read_counts(void *arg, const store_value *v, ig_error *err) {
    (void)err;
    *(counts *)arg = (counts){v[0].integer, v[1].integer};
    return IG_OK;
}

ig_status ig_store_item_count(ig_store *s, const char *feature, int64_t *live, int64_t *withdrawn, ig_error *err) {
    const store_value v = store_text(feature);
    counts c = {0};
    IG_TRY(store_read(s, STORE_Q_ITEM_COUNT, &v, 1, read_counts, &c, err));
    if (live) *live = c.live;
    if (withdrawn) *withdrawn = c.withdrawn;
    return IG_OK;
}
