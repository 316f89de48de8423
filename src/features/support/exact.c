/* features/support/exact.c: questions whose answer the team itself wrote, word for word. */
#include <stdlib.h>
#include <string.h>

#include "features/support/units.h"

static const char magic[8] = {'I', 'G', 'E', 'X', 'A', 'C', 'T', '1'};

void support_exact_fini(support_exact *x) {
    ig_free(x->pair);
    *x = (support_exact){0};
}

/* Case, white space and the marks at the end do not count. */
static uint64_t digest(const char *question) {
    static const char *const marks[] = {"？", "！", "。"};
    char id[IG_STORE_ID_SIZE];
    size_t len = strlen(question), before;
    do {
        before = len;
        if (len && strchr(" \t\r\n?!.", question[len - 1])) len--;
        for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
            if (len >= 3 && !memcmp(question + len - 3, marks[i], 3)) len -= 3;
    } while (len < before);
    char *cut = ig_strndup(question, len);
    if (!cut) return 0; /* found by nobody: the ranker answers */
    support_id("q", cut, id);
    ig_free(cut);
    return strtoull(id + 2, NULL, 16);
}

ig_status support_exact_add(support_exact *x, const char *question, uint64_t unit, ig_error *err) {
    if (x->count == x->cap) {
        size_t cap = x->cap ? 2 * x->cap : 256;
        uint64_t *pair = ig_realloc_array(x->pair, cap, 2 * sizeof *pair);
        if (!pair) return ig_error_nomem(err, 2 * cap * sizeof *pair);
        x->pair = pair, x->cap = cap;
    }
    x->pair[2 * x->count] = digest(question);
    x->pair[2 * x->count + 1] = unit;
    x->count++;
    return IG_OK;
}

static int compare(const void *a, const void *b) {
    const uint64_t *x = a, *y = b;
    if (x[0] != y[0]) return x[0] < y[0] ? -1 : 1;
    return x[1] < y[1] ? -1 : x[1] > y[1];
}

/* One of each; none of those that two units claim. */
static void settle(support_exact *x) {
    size_t kept = 0;
    if (x->count) qsort(x->pair, x->count, 2 * sizeof *x->pair, compare);
    for (size_t i = 0, end; i < x->count; i = end) {
        bool one = x->pair[2 * i] != 0;
        for (end = i + 1; end < x->count && x->pair[2 * end] == x->pair[2 * i]; end++) one = one && x->pair[2 * end + 1] == x->pair[2 * i + 1];
        if (!one) continue;
        memmove(&x->pair[2 * kept], &x->pair[2 * i], 2 * sizeof *x->pair);
        kept++;
    }
    x->count = kept;
}

ig_status support_exact_save(support_exact *x, const char *path, ig_error *err) {
    ig_writer *w = NULL;
    settle(x);
    uint64_t count = x->count, crc = ig_crc32c(0, x->pair, x->count * 2 * sizeof *x->pair);
    ig_status s = ig_writer_open(path, &w, err);
    if (s == IG_OK) s = ig_writer_write(w, magic, sizeof magic, err);
    if (s == IG_OK) s = ig_writer_write(w, &count, sizeof count, err);
    if (s == IG_OK && count) s = ig_writer_write(w, x->pair, x->count * 2 * sizeof *x->pair, err);
    if (s == IG_OK) s = ig_writer_write(w, &crc, sizeof crc, err);
    if (s == IG_OK) s = ig_writer_commit(w, err);
    ig_writer_close(w);
    return s;
}

ig_status support_exact_load(const char *path, size_t units, support_exact *x, ig_error *err) {
    ig_map_file map;
    uint64_t count = 0, crc = 0;
    IG_TRY(ig_file_map(path, &map, err));
    bool good = map.size >= 24 && !memcmp(map.data, magic, sizeof magic);
    if (good) memcpy(&count, map.data + 8, sizeof count);
    good = good && count <= (map.size - 24) / 16 && map.size == 24 + 16 * count;
    if (good) memcpy(&crc, map.data + map.size - 8, sizeof crc);
    good = good && crc == ig_crc32c(0, map.data + 16, 16 * count);
    if (good) {
        x->pair = ig_malloc(16 * count + 1);
        if (x->pair) memcpy(x->pair, map.data + 16, 16 * count);
    }
    ig_file_unmap(&map);
    if (!good) return ig_error_at(err, IG_E_FORMAT, path, 0, "the list of known questions is damaged");
    if (!x->pair) return ig_error_nomem(err, 16 * count);
    x->count = count;
    for (size_t i = 0; i < count; i++)
        if (x->pair[2 * i + 1] >= units) return ig_error_at(err, IG_E_FORMAT, path, 0, "a known question names an answer that is not there");
    return IG_OK;
}

int64_t support_exact_find(const support_exact *x, const char *question) {
    uint64_t d = digest(question);
    size_t lo = 0, hi = x->count;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (x->pair[2 * mid] < d) lo = mid + 1;
        else hi = mid;
    }
    return d && lo < x->count && x->pair[2 * lo] == d ? (int64_t)x->pair[2 * lo + 1] : -1;
}
