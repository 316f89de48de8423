/* formats/gguf_tensors.c: the tensors' descriptions against the data.
 *
 * GGUF counts dimensions from the fastest, Ingot from the slowest: they are turned here, once.  A tensor must lie at a
 * multiple of the alignment, inside the file, and share no byte with another; holes are padding and allowed.
 */
#include <stdlib.h>
#include <string.h>

#include "formats/gguf.h"

#define FAIL(code, ...) return ig_error_at(err, code, g->file, 0, __VA_ARGS__)

static ig_status take_shape(const ig_gguf *g, gguf_cursor *c, ig_gguf_tensor *t, ig_error *err) {
    uint32_t n = 0;
    IG_TRY(gguf_take_u32(c, &n, err));
    if (n > IG_GGUF_DIMS_MAX)
        FAIL(IG_E_FORMAT, "tensor %.200s has %u dimensions; GGUF has at most %d", t->name, n, IG_GGUF_DIMS_MAX);
    t->ndim = (int)n;
    for (uint32_t d = n; d-- > 0;) {
        uint64_t size = 0;
        IG_TRY(gguf_take_u64(c, &size, err));
        if (size > INT64_MAX) FAIL(IG_E_FORMAT, "tensor %.200s has the size %llu", t->name, (unsigned long long)size);
        t->shape[d] = (int64_t)size;
    }
    return IG_OK;
}

static ig_status take_tensor(const ig_gguf *g, gguf_cursor *c, ig_gguf_tensor *t, uint64_t *offset, ig_error *err) {
    char *name = NULL;
    ig_error why;
    IG_TRY(gguf_take_name(c, "name of a tensor", IG_GGUF_NAME_BYTES_MAX, &name, err));
    t->name = name;
    IG_TRY(take_shape(g, c, t, err));
    IG_TRY(gguf_take_u32(c, &t->type, err));
    const ig_ggml_type *type = ig_ggml_type_find(t->type);
    if (!type) FAIL(IG_E_FORMAT, "tensor %.200s has the unknown type %u", t->name, t->type);
    if (gguf_shape_bytes(type, t->ndim, t->shape, &t->bytes, &why) != IG_OK)
        FAIL(IG_E_FORMAT, "tensor %.200s: %s", t->name, why.message);
    return gguf_take_u64(c, offset, err);
}

/* The header is over: the data begins at the next multiple of the alignment.  A file without tensors may end before. */
static void find_data(ig_gguf *g, const gguf_cursor *c) {
    uint64_t size = (uint64_t)(c->end - c->begin), at = (uint64_t)(c->at - c->begin);
    uint64_t begin = (at + g->alignment - 1) / g->alignment * g->alignment;
    g->data = begin <= size ? c->begin + begin : c->end;
    g->data_bytes = begin <= size ? size - begin : 0;
}

static ig_status place(ig_gguf *g, ig_gguf_tensor *t, uint64_t offset, ig_error *err) {
    if (offset % g->alignment)
        FAIL(IG_E_FORMAT, "tensor %.200s begins at byte %llu of the data, which is no multiple of the alignment %llu", t->name,
             (unsigned long long)offset, (unsigned long long)g->alignment);
    if (offset > g->data_bytes || t->bytes > g->data_bytes - offset)
        FAIL(IG_E_FORMAT,
             "tensor %.200s of %llu bytes at byte %llu of %llu reaches past the end: the file is cut short or damaged",
             t->name, (unsigned long long)t->bytes, (unsigned long long)offset, (unsigned long long)g->data_bytes);
    t->data = g->data + offset;
    return IG_OK;
}

static int by_place(const void *a, const void *b) {
    const ig_gguf_tensor *x = *(ig_gguf_tensor *const *)a, *y = *(ig_gguf_tensor *const *)b;
    const uint8_t *p = x->data, *q = y->data;
    if (p != q) return p < q ? -1 : 1;
    return x->bytes < y->bytes ? -1 : x->bytes > y->bytes; /* an empty tensor lies before the one that begins there */
}

static int by_name(const void *a, const void *b) {
    return strcmp((*(ig_gguf_tensor *const *)a)->name, (*(ig_gguf_tensor *const *)b)->name);
}

static ig_status check_apart(const ig_gguf *g, ig_gguf_tensor *const *order, ig_error *err) {
    for (size_t i = 1; i < g->tensor_count; i++) {
        const ig_gguf_tensor *a = order[i - 1], *b = order[i];
        if (b->bytes && (const uint8_t *)b->data < (const uint8_t *)a->data + a->bytes)
            FAIL(IG_E_FORMAT, "tensors %.200s and %.200s overlap", a->name, b->name);
    }
    return IG_OK;
}

static ig_status sort_and_check(ig_gguf *g, ig_error *err) {
    ig_gguf_tensor **order = g->tensor_by_name;
    for (size_t i = 0; i < g->tensor_count; i++) order[i] = &g->tensor[i];
    qsort(order, g->tensor_count, sizeof *order, by_place);
    IG_TRY(check_apart(g, order, err));
    qsort(order, g->tensor_count, sizeof *order, by_name);
    for (size_t i = 1; i < g->tensor_count; i++)
        if (strcmp(order[i]->name, order[i - 1]->name) == 0)
            FAIL(IG_E_FORMAT, "the tensor %.200s stands twice", order[i]->name);
    return IG_OK;
}

ig_status gguf_read_tensors(ig_gguf *g, gguf_cursor *c, ig_error *err) {
    size_t n = g->tensor_count;
    g->tensor = ig_calloc(n + 1, sizeof *g->tensor);
    g->offset = ig_calloc(n + 1, sizeof *g->offset);
    g->tensor_by_name = ig_calloc(n + 1, sizeof *g->tensor_by_name);
    if (!g->tensor || !g->offset || !g->tensor_by_name) return ig_error_nomem(err, n * sizeof *g->tensor);
    for (size_t i = 0; i < n; i++) IG_TRY(take_tensor(g, c, &g->tensor[i], &g->offset[i], err));
    find_data(g, c);
    for (size_t i = 0; i < n; i++) IG_TRY(place(g, &g->tensor[i], g->offset[i], err));
    return sort_and_check(g, err);
}

size_t ig_gguf_count(const ig_gguf *g) { return g->tensor_count; }

const ig_gguf_tensor *ig_gguf_describe(const ig_gguf *g, size_t i) { return i < g->tensor_count ? &g->tensor[i] : NULL; }

int64_t ig_gguf_find(const ig_gguf *g, const char *name) {
    size_t low = 0, high = g->tensor_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, g->tensor_by_name[middle]->name);
        if (order == 0) return g->tensor_by_name[middle] - g->tensor;
        if (order < 0) high = middle;
        else low = middle + 1;
    }
    return -1;
}
