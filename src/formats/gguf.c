/* formats/gguf.c: opening a GGUF file.  The layout is drawn in ingot/formats.h.
 *
 * The header is read once from front to back; nothing is kept but places in the file and copies of keys and names.  A file
 * that passed `open` is used without further checks.
 */
#include <stdlib.h>
#include <string.h>

#include "formats/gguf.h"

#define FAIL(code, ...) return ig_error_at(err, code, g->file, 0, __VA_ARGS__)
#define PAIR_BYTES_MIN 13   /* length of the key, type, one byte */
#define TENSOR_BYTES_MIN 24 /* length of the name, dimensions, type, offset */

static ig_status check_version(const ig_gguf *g, uint32_t version, ig_error *err) {
    if (version == 2 || version == 3) return IG_OK;
    if (version == 1) FAIL(IG_E_UNSUPPORTED, "version 1 of GGUF; convert it to version 3 with llama.cpp's tools");
    if ((version & 0xffff) == 0)
        FAIL(IG_E_UNSUPPORTED, "the file is big-endian (version 0x%08x); only little-endian files are read", version);
    FAIL(IG_E_UNSUPPORTED, "version %u of GGUF; versions 2 and 3 are read", version);
}

/* Counts are bounded by the bytes that so many pairs and tensors take at least, and by a limit. */
static ig_status check_count(const ig_gguf *g, const gguf_cursor *c, uint64_t count, size_t bytes_min, uint64_t max,
                             const char *what, ig_error *err) {
    if (count > gguf_left(c) / bytes_min)
        FAIL(IG_E_FORMAT, "%llu %s cannot stand in the %zu bytes that follow: the file is cut short or damaged",
             (unsigned long long)count, what, gguf_left(c));
    if (count > max)
        FAIL(IG_E_LIMIT, "%llu %s, at most %llu are allowed", (unsigned long long)count, what, (unsigned long long)max);
    return IG_OK;
}

static ig_status take_header(ig_gguf *g, gguf_cursor *c, ig_error *err) {
    uint32_t version = 0;
    uint64_t tensors = 0, pairs = 0;
    if (gguf_left(c) < 4 || memcmp(c->at, "GGUF", 4) != 0) FAIL(IG_E_FORMAT, "the file does not begin with GGUF");
    c->at += 4;
    IG_TRY(gguf_take_u32(c, &version, err));
    IG_TRY(check_version(g, version, err));
    IG_TRY(gguf_take_u64(c, &tensors, err));
    IG_TRY(gguf_take_u64(c, &pairs, err));
    IG_TRY(check_count(g, c, tensors, TENSOR_BYTES_MIN, IG_GGUF_TENSORS_MAX, "tensors", err));
    IG_TRY(check_count(g, c, pairs, PAIR_BYTES_MIN, IG_GGUF_KEYS_MAX, "keys", err));
    g->tensor_count = (size_t)tensors;
    g->pair_count = (size_t)pairs;
    return IG_OK;
}

/* ---- pairs ------------------------------------------------------------------------------------------------------------ */

static ig_status take_pair(const ig_gguf *g, gguf_cursor *c, gguf_pair *p, ig_error *err) {
    uint32_t type = 0;
    ig_error why;
    IG_TRY(gguf_take_name(c, "key", IG_GGUF_KEY_BYTES_MAX, &p->key, err));
    IG_TRY(gguf_take_u32(c, &type, err));
    ig_status status = gguf_take_value(c, type, 0, &p->value, &why);
    return status == IG_OK ? IG_OK : ig_error_at(err, status, g->file, 0, "the value of %.200s: %s", p->key, why.message);
}

static int by_key(const void *a, const void *b) {
    return strcmp((*(gguf_pair *const *)a)->key, (*(gguf_pair *const *)b)->key);
}

static ig_status sort_pairs(ig_gguf *g, ig_error *err) {
    gguf_pair **order = g->pair_by_key;
    for (size_t i = 0; i < g->pair_count; i++) order[i] = &g->pair[i];
    qsort(order, g->pair_count, sizeof *order, by_key);
    for (size_t i = 1; i < g->pair_count; i++)
        if (strcmp(order[i]->key, order[i - 1]->key) == 0) FAIL(IG_E_FORMAT, "the key %.200s stands twice", order[i]->key);
    return IG_OK;
}

static ig_status take_pairs(ig_gguf *g, gguf_cursor *c, ig_error *err) {
    g->pair = ig_calloc(g->pair_count + 1, sizeof *g->pair);
    g->pair_by_key = ig_calloc(g->pair_count + 1, sizeof *g->pair_by_key);
    if (!g->pair || !g->pair_by_key) return ig_error_nomem(err, g->pair_count * sizeof *g->pair);
    for (size_t i = 0; i < g->pair_count; i++) IG_TRY(take_pair(g, c, &g->pair[i], err));
    return sort_pairs(g, err);
}

static ig_status find_alignment(ig_gguf *g, ig_error *err) {
    ig_gguf_value v;
    g->alignment = GGUF_ALIGNMENT_DEFAULT;
    if (!ig_gguf_get(g, GGUF_ALIGNMENT_KEY, &v)) return IG_OK;
    if (v.type != IG_GGUF_U32)
        FAIL(IG_E_FORMAT, GGUF_ALIGNMENT_KEY " is of the type %s, u32 was expected", ig_gguf_type_name(v.type));
    if (!gguf_alignment_ok(v.integer))
        FAIL(IG_E_FORMAT, GGUF_ALIGNMENT_KEY " is %lld, it must be a power of two up to %u", (long long)v.integer,
             GGUF_ALIGNMENT_MAX);
    g->alignment = (uint64_t)v.integer;
    return IG_OK;
}

/* ---- opening ----------------------------------------------------------------------------------------------------------- */

static ig_status parse(ig_gguf *g, const char *name, const uint8_t *bytes, size_t size, ig_error *err) {
    g->file = ig_strdup(name);
    if (!g->file) return ig_error_nomem(err, strlen(name) + 1);
    if (!size) FAIL(IG_E_FORMAT, "the file is empty");
    gguf_cursor c = {g->file, bytes, bytes, bytes + size};
    ig_status status = take_header(g, &c, err);
    if (status != IG_OK) g->pair_count = g->tensor_count = 0;
    if (status == IG_OK) status = take_pairs(g, &c, err);
    if (status == IG_OK) status = find_alignment(g, err);
    return status == IG_OK ? gguf_read_tensors(g, &c, err) : status;
}

ig_status ig_gguf_open_memory(const char *name, const void *bytes, size_t size, ig_gguf **out, ig_error *err) {
    *out = NULL;
    ig_gguf *g = ig_calloc(1, sizeof *g);
    if (!g) return ig_error_nomem(err, sizeof *g);
    ig_status status = parse(g, name, bytes, size, err);
    if (status == IG_OK) *out = g;
    else ig_gguf_close(g);
    return status;
}

ig_status ig_gguf_open(const char *path, ig_gguf **out, ig_error *err) {
    ig_map_file map;
    *out = NULL;
    IG_TRY(ig_file_map(path, &map, err));
    ig_status status = ig_gguf_open_memory(path, map.data, map.size, out, err);
    if (status == IG_OK) (*out)->map = map;
    else ig_file_unmap(&map);
    return status;
}

void ig_gguf_close(ig_gguf *g) {
    if (!g) return;
    for (size_t i = 0; g->pair && i < g->pair_count; i++) ig_free(g->pair[i].key);
    for (size_t i = 0; g->tensor && i < g->tensor_count; i++) ig_free((char *)(uintptr_t)g->tensor[i].name);
    ig_free(g->pair);
    ig_free(g->pair_by_key);
    ig_free(g->tensor);
    ig_free(g->offset);
    ig_free(g->tensor_by_name);
    ig_free(g->file);
    ig_file_unmap(&g->map);
    ig_free(g);
}
