/* formats/safetensors.c: reading.  Everything in the file is data from a stranger: lengths before they are used, shapes
 * before they are multiplied, offsets before they are added.  A file that passes `open` can be read without further checks.
 */
#include <stdlib.h>
#include <string.h>

#include "ingot/formats.h"

typedef struct entry {
    const char *name; /* in the document */
    ig_tensor t;      /* shape; dtype only when known */
    const char *type; /* as written */
    bool known;
    uint64_t begin, end;
    int line;
} entry;

struct ig_safetensors {
    ig_map_file map;
    ig_doc *doc;
    const uint8_t *data;
    uint64_t data_size;
    entry *item;
    size_t count;
    const ig_tree *metadata;
};

/* ---- types ---------------------------------------------------------------------------------------------------------------- */

static const struct { const char *name; int dtype; size_t bytes; } types[] = { /* dtype -1: not ours, but of known size */
    {"F64", IG_DTYPE_F64, 8}, {"F32", IG_DTYPE_F32, 4}, {"F16", IG_DTYPE_F16, 2}, {"BF16", IG_DTYPE_BF16, 2},
    {"I64", IG_DTYPE_I64, 8}, {"I32", IG_DTYPE_I32, 4}, {"U8", IG_DTYPE_U8, 1},   {"BOOL", IG_DTYPE_BOOL, 1},
    {"I16", -1, 2}, {"I8", -1, 1}, {"U16", -1, 2}, {"U32", -1, 4}, {"U64", -1, 8}, {"F8_E4M3", -1, 1}, {"F8_E5M2", -1, 1},
};
#define TYPES (sizeof types / sizeof *types)

static int find_type(const char *name) {
    for (size_t i = 0; i < TYPES; i++)
        if (strcmp(types[i].name, name) == 0) return (int)i;
    return -1;
}

/* ---- one tensor of the header ------------------------------------------------------------------------------------------------- */

static const ig_schema_field tensor_fields[] = {
    {.key = "dtype", .type = IG_TREE_TEXT, .required = true},
    {.key = "shape", .type = IG_TREE_LIST, .required = true, .item = IG_TREE_INT},
    {.key = "data_offsets", .type = IG_TREE_LIST, .required = true, .item = IG_TREE_INT},
    {.key = NULL},
};

static ig_status read_shape(const char *file, const ig_tree *t, entry *e, uint64_t *bytes, int type, ig_error *err) {
    const ig_tree *shape = ig_tree_get(t, "shape");
    uint64_t size = types[type].bytes;
    if (shape->count > IG_DIMS_MAX)
        return ig_error_at(err, IG_E_LIMIT, file, t->line, "tensor %s has %zu dimensions; at most %d are supported", e->name, shape->count, IG_DIMS_MAX);
    int64_t sizes[IG_DIMS_MAX];
    int n = 0;
    for (const ig_tree *c = shape->child; c; c = c->next) {
        if (c->integer < 0) return ig_error_at(err, IG_E_FORMAT, file, t->line, "tensor %s has the size %lld", e->name, (long long)c->integer);
        if (__builtin_mul_overflow(size, (uint64_t)c->integer, &size)) return ig_error_at(err, IG_E_FORMAT, file, t->line, "the shape of tensor %s overflows", e->name);
        sizes[n++] = c->integer;
    }
    *bytes = size;
    ig_dtype dtype = types[type].dtype >= 0 ? (ig_dtype)types[type].dtype : IG_DTYPE_U8;
    if (ig_tensor_describe(&e->t, dtype, n, sizes, NULL) != IG_OK)
        return ig_error_at(err, IG_E_FORMAT, file, t->line, "the shape of tensor %s is too large", e->name);
    return IG_OK;
}

static ig_status read_offsets(const char *file, const ig_tree *t, entry *e, uint64_t bytes, uint64_t data_size, ig_error *err) {
    const ig_tree *o = ig_tree_get(t, "data_offsets");
    if (o->count != 2 || o->child->integer < 0 || o->child->next->integer < o->child->integer)
        return ig_error_at(err, IG_E_FORMAT, file, t->line, "data_offsets of tensor %s must be [begin, end] with 0 <= begin <= end", e->name);
    e->begin = (uint64_t)o->child->integer, e->end = (uint64_t)o->child->next->integer;
    if (e->end > data_size)
        return ig_error_at(err, IG_E_FORMAT, file, t->line, "tensor %s ends at byte %llu, but the data has %llu: the file is cut short, or damaged", e->name,
                           (unsigned long long)e->end, (unsigned long long)data_size);
    if (e->end - e->begin != bytes)
        return ig_error_at(err, IG_E_FORMAT, file, t->line, "tensor %s takes %llu bytes by its offsets and %llu by its shape", e->name,
                           (unsigned long long)(e->end - e->begin), (unsigned long long)bytes);
    return IG_OK;
}

static ig_status read_entry(const char *file, const ig_tree *t, uint64_t data_size, entry *e, ig_error *err) {
    uint64_t bytes = 0;
    if (t->type != IG_TREE_MAP) return ig_error_at(err, IG_E_FORMAT, file, t->line, "tensor %s must be a map with dtype, shape and data_offsets", t->key);
    IG_TRY(ig_schema_check(file, t, tensor_fields, err));
    *e = (entry){.name = t->key, .type = ig_tree_text(t, "dtype", ""), .line = t->line};
    int type = find_type(e->type);
    if (type < 0) return ig_error_at(err, IG_E_FORMAT, file, t->line, "tensor %s has the unknown type \"%s\"", e->name, e->type);
    e->known = types[type].dtype >= 0;
    IG_TRY(read_shape(file, t, e, &bytes, type, err));
    return read_offsets(file, t, e, bytes, data_size, err);
}

/* ---- the whole header ------------------------------------------------------------------------------------------------------------ */

static int by_begin(const void *a, const void *b) {
    const entry *x = *(entry *const *)a, *y = *(entry *const *)b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    return x->end < y->end ? -1 : x->end > y->end;
}

/* Side by side from 0 to the end of the data. */
static ig_status check_cover(const char *file, entry *const *order, size_t count, uint64_t data_size, ig_error *err) {
    uint64_t at = 0;
    for (size_t i = 0; i < count; i++) {
        if (order[i]->begin != at)
            return ig_error_at(err, IG_E_FORMAT, file, order[i]->line, "tensor %s begins at byte %llu, the one before it ends at %llu: %s", order[i]->name,
                               (unsigned long long)order[i]->begin, (unsigned long long)at, order[i]->begin < at ? "they overlap" : "there is a hole");
        at = order[i]->end;
    }
    if (at != data_size)
        return ig_error_at(err, IG_E_FORMAT, file, 0, "%llu bytes behind the last tensor belong to none", (unsigned long long)(data_size - at));
    return IG_OK;
}

static ig_status sort_and_check(const char *file, ig_safetensors *s, ig_error *err) {
    entry **order = ig_calloc(s->count + 1, sizeof *order);
    if (!order) return ig_error_nomem(err, s->count * sizeof *order);
    for (size_t i = 0; i < s->count; i++) order[i] = &s->item[i];
    qsort(order, s->count, sizeof *order, by_begin);
    ig_status status = check_cover(file, order, s->count, s->data_size, err);
    ig_free(order);
    return status;
}

static ig_status read_metadata(const char *file, ig_safetensors *s, const ig_tree *t, ig_error *err) {
    if (t->type != IG_TREE_MAP) return ig_error_at(err, IG_E_FORMAT, file, t->line, "__metadata__ must be a map of texts");
    for (const ig_tree *c = t->child; c; c = c->next)
        if (c->type != IG_TREE_TEXT) return ig_error_at(err, IG_E_FORMAT, file, c->line, "__metadata__.%s must be a text", c->key);
    s->metadata = t;
    return IG_OK;
}

static ig_status read_header(const char *file, ig_safetensors *s, ig_error *err) {
    const ig_tree *root = ig_doc_root(s->doc);
    if (root->type != IG_TREE_MAP) return ig_error_at(err, IG_E_FORMAT, file, 1, "the header must be a JSON object");
    s->item = ig_calloc(root->count + 1, sizeof *s->item);
    if (!s->item) return ig_error_nomem(err, root->count * sizeof *s->item);
    for (const ig_tree *t = root->child; t; t = t->next) {
        if (strcmp(t->key, "__metadata__") == 0) IG_TRY(read_metadata(file, s, t, err));
        else IG_TRY(read_entry(file, t, s->data_size, &s->item[s->count++], err));
    }
    return sort_and_check(file, s, err);
}

static ig_status parse(const char *file, const uint8_t *bytes, size_t size, ig_safetensors *s, ig_error *err) {
    uint64_t header = 0;
    if (size < 8) return ig_error_at(err, IG_E_FORMAT, file, 0, "%zu bytes are too short for a safetensors file", size);
    for (int i = 7; i >= 0; i--) header = header << 8 | bytes[i];
    if (header > IG_SAFETENSORS_HEADER_MAX)
        return ig_error_at(err, IG_E_FORMAT, file, 0, "a header of %llu bytes; at most %u are allowed (is this a safetensors file?)", (unsigned long long)header,
                           IG_SAFETENSORS_HEADER_MAX);
    if (header > size - 8) return ig_error_at(err, IG_E_FORMAT, file, 0, "the header of %llu bytes is cut short", (unsigned long long)header);
    if (header == 0 || bytes[8] != '{') return ig_error_at(err, IG_E_FORMAT, file, 0, "the header does not begin with {");
    s->data = bytes + 8 + header, s->data_size = size - 8 - header;
    IG_TRY(ig_json_parse(file, (const char *)bytes + 8, header, &s->doc, err));
    return read_header(file, s, err);
}

ig_status ig_safetensors_open_memory(const char *name, const void *bytes, size_t size, ig_safetensors **out, ig_error *err) {
    ig_safetensors *s = ig_calloc(1, sizeof *s);
    if (!s) return ig_error_nomem(err, sizeof *s);
    ig_status status = parse(name, bytes, size, s, err);
    if (status == IG_OK) *out = s;
    else ig_safetensors_close(s);
    return status;
}

ig_status ig_safetensors_open(const char *path, ig_safetensors **out, ig_error *err) {
    ig_map_file map;
    IG_TRY(ig_file_map(path, &map, err));
    ig_status status = ig_safetensors_open_memory(path, map.data, map.size, out, err);
    if (status == IG_OK) (*out)->map = map;
    else ig_file_unmap(&map);
    return status;
}

void ig_safetensors_close(ig_safetensors *s) {
    if (!s) return;
    ig_doc_free(s->doc);
    ig_free(s->item);
    ig_file_unmap(&s->map);
    ig_free(s);
}

/* ---- asking -------------------------------------------------------------------------------------------------------------------------- */

size_t ig_safetensors_count(const ig_safetensors *s) { return s->count; }
const char *ig_safetensors_name(const ig_safetensors *s, size_t i) { return i < s->count ? s->item[i].name : NULL; }

int64_t ig_safetensors_find(const ig_safetensors *s, const char *name) {
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->item[i].name, name) == 0) return (int64_t)i;
    return -1;
}

const char *ig_safetensors_metadata(const ig_safetensors *s, const char *key) { return s->metadata ? ig_tree_text(s->metadata, key, NULL) : NULL; }

ig_status ig_safetensors_describe(const ig_safetensors *s, size_t i, ig_tensor *shape, ig_error *err) {
    if (i >= s->count) return ig_error_set(err, IG_E_ARG, "tensor %zu of %zu", i, s->count);
    if (!s->item[i].known) return ig_error_set(err, IG_E_UNSUPPORTED, "tensor %s has the type %s, which is not supported", s->item[i].name, s->item[i].type);
    *shape = s->item[i].t;
    return IG_OK;
}

/* The data may lie at any address; what is not aligned to its element goes through an aligned copy. */
ig_status ig_safetensors_read(ig_context *ctx, const ig_safetensors *s, size_t i, const ig_tensor *dst, ig_error *err) {
    ig_tensor src;
    char have[96], want[96];
    IG_TRY(ig_safetensors_describe(s, i, &src, err));
    if (!ig_tensor_same_shape(&src, dst))
        return ig_error_set(err, IG_E_SHAPE, "tensor %s is %s in the file, %s was expected", s->item[i].name, ig_tensor_shape_text(&src, have, sizeof have),
                            ig_tensor_shape_text(dst, want, sizeof want));
    const uint8_t *bytes = s->data + s->item[i].begin;
    if ((uintptr_t)bytes % ig_dtype_size(src.dtype) == 0) {
        src.data = (void *)(uintptr_t)bytes; /* only read */
        return ig_tensor_copy(ctx, dst, &src, err);
    }
    IG_TRY(ig_tensor_alloc(ctx, &src, err));
    memcpy(src.data, bytes, ig_tensor_bytes(&src));
    ig_status status = ig_tensor_copy(ctx, dst, &src, err);
    ig_tensor_unref(&src);
    return status;
}
