/* formats/safetensors.c: reading.  The layout is drawn in ingot/formats.h.
 *
 * Everything in the file is data from a stranger: a length is compared before it is used, a shape is multiplied with a
 * check, an offset is compared before it is added.  The rules are those of the format's own reader
 * (https://github.com/huggingface/safetensors, README "Format"), so that what one takes the other takes too, with three
 * differences: at most IG_DIMS_MAX dimensions, no unknown keys in a tensor's map, and BOOL bytes must be 0 or 1 when read.
 * A file that passed `open` is read without further checks of the header.
 */
#include <stdlib.h>
#include <string.h>

#include "ingot/formats.h"

typedef struct entry {
    const char *name; /* in the document */
    ig_tensor shape;  /* no data; its type counts only when `known` */
    const char *type; /* as written */
    bool known;
    uint64_t begin, end; /* in the data */
    int line;
} entry;

struct ig_safetensors {
    const char *file;
    ig_map_file map; /* empty when the memory is the caller's */
    ig_doc *doc;
    const uint8_t *data;
    uint64_t data_size;
    entry *item; /* [count], in the order of the header */
    entry **by_name;
    size_t count;
    const ig_tree *metadata;
};

#define FAIL(code, line, ...) return ig_error_at(err, code, s->file, line, __VA_ARGS__)

/* ---- types ------------------------------------------------------------------------------------------------------- */

#define NOT_OURS (-1)

typedef struct type_row {
    const char *name;
    int dtype;
    unsigned bits;
} type_row;

static const type_row types[] = {
    {"F64", IG_DTYPE_F64, 64},  {"F32", IG_DTYPE_F32, 32}, {"F16", IG_DTYPE_F16, 16}, {"BF16", IG_DTYPE_BF16, 16},
    {"I64", IG_DTYPE_I64, 64},  {"I32", IG_DTYPE_I32, 32}, {"U8", IG_DTYPE_U8, 8},    {"BOOL", IG_DTYPE_BOOL, 8},
    {"C64", NOT_OURS, 64},      {"U64", NOT_OURS, 64},     {"U32", NOT_OURS, 32},     {"U16", NOT_OURS, 16},
    {"I16", NOT_OURS, 16},      {"I8", NOT_OURS, 8},       {"F8_E4M3", NOT_OURS, 8},  {"F8_E5M2", NOT_OURS, 8},
    {"F8_E8M0", NOT_OURS, 8},   {"F6_E2M3", NOT_OURS, 6},  {"F6_E3M2", NOT_OURS, 6},  {"F4", NOT_OURS, 4},
};

static const type_row *find_type(const char *name) {
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].name, name) == 0) return &types[i];
    return NULL;
}

/* ---- one tensor of the header ------------------------------------------------------------------------------------- */

static const ig_schema_field tensor_fields[] = {
    {.key = "dtype", .type = IG_TREE_TEXT, .required = true},
    {.key = "shape", .type = IG_TREE_LIST, .required = true, .item = IG_TREE_INT},
    {.key = "data_offsets", .type = IG_TREE_LIST, .required = true, .item = IG_TREE_INT},
    {.key = NULL},
};

static ig_status read_shape(const ig_safetensors *s, const ig_tree *t, const type_row *type, entry *e, ig_error *err) {
    const ig_tree *shape = ig_tree_get(t, "shape");
    int64_t size[IG_DIMS_MAX];
    int n = 0;
    if (shape->count > IG_DIMS_MAX)
        FAIL(IG_E_LIMIT, t->line, "tensor %.200s has %zu dimensions; at most %d are supported", e->name, shape->count,
             IG_DIMS_MAX);
    for (const ig_tree *c = shape->child; c; c = c->next) {
        if (c->integer < 0) FAIL(IG_E_FORMAT, t->line, "tensor %.200s has the size %lld", e->name, (long long)c->integer);
        size[n++] = c->integer;
    }
    ig_dtype dtype = type->dtype == NOT_OURS ? IG_DTYPE_U8 : (ig_dtype)type->dtype;
    ig_error why;
    if (ig_tensor_describe(&e->shape, dtype, n, size, &why) != IG_OK)
        FAIL(IG_E_FORMAT, t->line, "the shape of tensor %.200s: %s", e->name, why.message);
    return IG_OK;
}

/* In bits, because elements of four and six bits exist. */
static ig_status shape_bytes(const ig_safetensors *s, const type_row *type, const entry *e, uint64_t *bytes, ig_error *err) {
    uint64_t bits;
    if (__builtin_mul_overflow((uint64_t)ig_tensor_numel(&e->shape), (uint64_t)type->bits, &bits))
        FAIL(IG_E_FORMAT, e->line, "the shape of tensor %.200s is too large to address", e->name);
    if (bits % 8) FAIL(IG_E_FORMAT, e->line, "the %s elements of tensor %.200s do not fill whole bytes", e->type, e->name);
    *bytes = bits / 8;
    return IG_OK;
}

static ig_status read_offsets(const ig_safetensors *s, const ig_tree *t, entry *e, uint64_t bytes, ig_error *err) {
    const ig_tree *o = ig_tree_get(t, "data_offsets");
    if (o->count != 2 || o->child->integer < 0 || o->child->next->integer < o->child->integer)
        FAIL(IG_E_FORMAT, t->line, "data_offsets of tensor %.200s must be [begin, end] with 0 <= begin <= end", e->name);
    e->begin = (uint64_t)o->child->integer, e->end = (uint64_t)o->child->next->integer;
    if (e->end - e->begin != bytes)
        FAIL(IG_E_FORMAT, t->line, "tensor %.200s takes %llu bytes by its offsets and %llu by its shape", e->name,
             (unsigned long long)(e->end - e->begin), (unsigned long long)bytes);
    if (e->end > s->data_size)
        FAIL(IG_E_FORMAT, t->line, "tensor %.200s ends at byte %llu of %llu: the file is cut short or damaged", e->name,
             (unsigned long long)e->end, (unsigned long long)s->data_size);
    return IG_OK;
}

static ig_status read_entry(const ig_safetensors *s, const ig_tree *t, entry *e, ig_error *err) {
    uint64_t bytes = 0;
    if (t->type != IG_TREE_MAP)
        FAIL(IG_E_FORMAT, t->line, "tensor %.200s must be a map with dtype, shape and data_offsets", t->key);
    IG_TRY(ig_schema_check(s->file, t, tensor_fields, err));
    *e = (entry){.name = t->key, .type = ig_tree_text(t, "dtype", ""), .line = t->line};
    const type_row *type = find_type(e->type);
    if (!type) FAIL(IG_E_FORMAT, t->line, "tensor %.200s has the unknown type \"%.40s\"", e->name, e->type);
    e->known = type->dtype != NOT_OURS;
    IG_TRY(read_shape(s, t, type, e, err));
    IG_TRY(shape_bytes(s, type, e, &bytes, err));
    return read_offsets(s, t, e, bytes, err);
}

/* ---- the whole header --------------------------------------------------------------------------------------------- */

static int by_place(const void *a, const void *b) {
    const entry *x = *(entry *const *)a, *y = *(entry *const *)b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    return x->end < y->end ? -1 : x->end > y->end; /* an empty tensor lies before the one that begins there */
}

static int by_name(const void *a, const void *b) {
    const entry *x = *(entry *const *)a, *y = *(entry *const *)b;
    return strcmp(x->name, y->name);
}

/* Side by side from 0 to the end of the data: nothing hides in holes, and no byte has two meanings. */
static ig_status check_cover(const ig_safetensors *s, entry *const *order, ig_error *err) {
    uint64_t at = 0;
    for (size_t i = 0; i < s->count; i++) {
        const entry *e = order[i];
        if (e->begin != at)
            FAIL(IG_E_FORMAT, e->line, "tensor %.200s begins at byte %llu, the one before it ends at %llu: %s", e->name,
                 (unsigned long long)e->begin, (unsigned long long)at, e->begin < at ? "they overlap" : "there is a hole");
        at = e->end;
    }
    if (at != s->data_size)
        FAIL(IG_E_FORMAT, 0, "the last %llu bytes of the data belong to no tensor", (unsigned long long)(s->data_size - at));
    return IG_OK;
}

static ig_status sort_and_check(ig_safetensors *s, ig_error *err) {
    s->by_name = ig_calloc(s->count + 1, sizeof(entry *));
    if (!s->by_name) return ig_error_nomem(err, s->count * sizeof(entry *));
    for (size_t i = 0; i < s->count; i++) s->by_name[i] = &s->item[i];
    qsort(s->by_name, s->count, sizeof(entry *), by_place);
    IG_TRY(check_cover(s, s->by_name, err));
    qsort(s->by_name, s->count, sizeof(entry *), by_name);
    return IG_OK;
}

static ig_status read_metadata(ig_safetensors *s, const ig_tree *t, ig_error *err) {
    if (t->type != IG_TREE_MAP) FAIL(IG_E_FORMAT, t->line, "__metadata__ must be a map of texts");
    for (const ig_tree *c = t->child; c; c = c->next)
        if (c->type != IG_TREE_TEXT) FAIL(IG_E_FORMAT, c->line, "__metadata__.%.200s must be a text", c->key);
    s->metadata = t;
    return IG_OK;
}

static ig_status read_header(ig_safetensors *s, ig_error *err) {
    const ig_tree *root = ig_doc_root(s->doc);
    if (root->type != IG_TREE_MAP) FAIL(IG_E_FORMAT, 1, "the header must be a JSON object");
    s->item = ig_calloc(root->count + 1, sizeof *s->item);
    if (!s->item) return ig_error_nomem(err, root->count * sizeof *s->item);
    for (const ig_tree *t = root->child; t; t = t->next) {
        if (strcmp(t->key, "__metadata__") == 0) IG_TRY(read_metadata(s, t, err));
        else IG_TRY(read_entry(s, t, &s->item[s->count++], err));
    }
    return sort_and_check(s, err);
}

static ig_status parse(ig_safetensors *s, const uint8_t *bytes, size_t size, ig_error *err) {
    uint64_t header = 0;
    if (size < 8) FAIL(IG_E_FORMAT, 0, "%zu bytes are too short for a safetensors file", size);
    for (int i = 7; i >= 0; i--) header = header << 8 | bytes[i];
    if (header > IG_SAFETENSORS_HEADER_MAX)
        FAIL(IG_E_LIMIT, 0, "a header of %llu bytes, at most %u are allowed: is this a safetensors file?",
             (unsigned long long)header, IG_SAFETENSORS_HEADER_MAX);
    if (header > size - 8)
        FAIL(IG_E_FORMAT, 0, "the header should have %llu bytes, the file has %zu after the length: it is cut short or damaged",
             (unsigned long long)header, size - 8);
    if (header == 0 || bytes[8] != '{') FAIL(IG_E_FORMAT, 0, "the header does not begin with {");
    s->data = bytes + 8 + header, s->data_size = size - 8 - header;
    IG_TRY(ig_json_parse(s->file, (const char *)bytes + 8, header, &s->doc, err));
    return read_header(s, err);
}

/* ---- opening ------------------------------------------------------------------------------------------------------ */

ig_status ig_safetensors_open_memory(const char *name, const void *bytes, size_t size, ig_safetensors **out, ig_error *err) {
    *out = NULL;
    ig_safetensors *s = ig_calloc(1, sizeof *s);
    if (!s) return ig_error_nomem(err, sizeof *s);
    s->file = name;
    ig_status status = parse(s, bytes, size, err);
    s->file = status == IG_OK ? ig_doc_name(s->doc) : NULL; /* the caller's text may go away */
    if (status == IG_OK) *out = s;
    else ig_safetensors_close(s);
    return status;
}

ig_status ig_safetensors_open(const char *path, ig_safetensors **out, ig_error *err) {
    ig_map_file map;
    *out = NULL;
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
    ig_free(s->by_name);
    ig_file_unmap(&s->map);
    ig_free(s);
}

/* ---- asking ------------------------------------------------------------------------------------------------------- */

size_t ig_safetensors_count(const ig_safetensors *s) { return s->count; }

const char *ig_safetensors_name(const ig_safetensors *s, size_t i) { return i < s->count ? s->item[i].name : NULL; }

int64_t ig_safetensors_find(const ig_safetensors *s, const char *name) {
    size_t low = 0, high = s->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, s->by_name[middle]->name);
        if (order == 0) return s->by_name[middle] - s->item;
        if (order < 0) high = middle;
        else low = middle + 1;
    }
    return -1;
}

const char *ig_safetensors_metadata(const ig_safetensors *s, const char *key) {
    return s->metadata ? ig_tree_text(s->metadata, key, NULL) : NULL;
}

ig_status ig_safetensors_describe(const ig_safetensors *s, size_t i, ig_tensor *shape, ig_error *err) {
    if (i >= s->count) FAIL(IG_E_ARG, 0, "tensor %zu of %zu", i, s->count);
    const entry *e = &s->item[i];
    if (!e->known) FAIL(IG_E_UNSUPPORTED, e->line, "tensor %.200s has the type %s, which is not supported", e->name, e->type);
    *shape = e->shape;
    return IG_OK;
}

/* ---- reading ------------------------------------------------------------------------------------------------------ */

/* The rest of Ingot relies on 0 and 1. */
static ig_status check_bools(const ig_safetensors *s, const entry *e, ig_error *err) {
    for (uint64_t i = e->begin; i < e->end; i++)
        if (s->data[i] > 1)
            FAIL(IG_E_FORMAT, e->line, "tensor %.200s: the byte %u is no BOOL, which is 0 or 1", e->name, s->data[i]);
    return IG_OK;
}

/* As describe, with the content checked and told where it lies. */
static ig_status locate(const ig_safetensors *s, size_t i, ig_tensor *shape, const uint8_t **bytes, ig_error *err) {
    IG_TRY(ig_safetensors_describe(s, i, shape, err));
    if (shape->dtype == IG_DTYPE_BOOL) IG_TRY(check_bools(s, &s->item[i], err));
    *bytes = s->data + s->item[i].begin;
    return IG_OK;
}

static bool is_aligned(const void *p, ig_dtype dtype) { return (uintptr_t)p % ig_dtype_size(dtype) == 0; }

ig_status ig_safetensors_view(const ig_safetensors *s, size_t i, ig_tensor *view, ig_error *err) {
    const uint8_t *bytes;
    ig_tensor t;
    IG_TRY(locate(s, i, &t, &bytes, err));
    if (!is_aligned(bytes, t.dtype))
        FAIL(IG_E_UNSUPPORTED, s->item[i].line, "tensor %.200s is not aligned to its elements: it can only be copied",
             s->item[i].name);
    t.data = (void *)(uintptr_t)bytes;
    *view = t;
    return IG_OK;
}

static ig_status copy_unaligned(ig_context *ctx, const ig_tensor *dst, ig_tensor *shape, const uint8_t *bytes, ig_error *err) {
    IG_TRY(ig_tensor_alloc(ctx, shape, err));
    memcpy(shape->data, bytes, ig_tensor_bytes(shape));
    ig_status status = ig_tensor_copy(ctx, dst, shape, err);
    ig_tensor_unref(shape);
    return status;
}

ig_status ig_safetensors_read(ig_context *ctx, const ig_safetensors *s, size_t i, const ig_tensor *dst, ig_error *err) {
    const uint8_t *bytes;
    ig_tensor src;
    char have[96], want[96];
    IG_TRY(locate(s, i, &src, &bytes, err));
    if (!ig_tensor_same_shape(&src, dst))
        FAIL(IG_E_SHAPE, s->item[i].line, "tensor %.200s is %s in the file, %s was expected", s->item[i].name,
             ig_tensor_shape_text(&src, have, sizeof have), ig_tensor_shape_text(dst, want, sizeof want));
    if (ig_tensor_numel(&src) == 0) return IG_OK;
    if (!is_aligned(bytes, src.dtype)) return copy_unaligned(ctx, dst, &src, bytes, err);
    src.data = (void *)(uintptr_t)bytes; /* only read */
    return ig_tensor_copy(ctx, dst, &src, err);
}
