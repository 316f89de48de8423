/* Fuzz target: a GGUF file from anybody.
 *
 * What opens must be found by key and name, its arrays must have as many items as they say, its tensors must lie apart and
 * inside the file, and those of plain types must be readable.
 */
#include "ingot/formats.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                                                 \
    do {                                                                                                                   \
        if (!(condition)) __builtin_trap();                                                                                \
    } while (0)

static volatile uint64_t sink;

static void sum_bytes(const void *bytes, uint64_t n) {
    for (uint64_t i = 0; i < n; i++) sink += ((const uint8_t *)bytes)[i];
}

static void walk(const ig_gguf_value *v) {
    ig_gguf_value item;
    uint64_t n = 0;
    sum_bytes(v->text.at, v->text.len);
    for (ig_gguf_items it = ig_gguf_items_of(v); ig_gguf_items_next(&it, &item); n++) walk(&item);
    REQUIRE(n == v->count);
}

static uint64_t check_tensor(ig_context *ctx, const ig_gguf *g, size_t i) {
    const ig_gguf_tensor *t = ig_gguf_describe(g, i);
    ig_tensor copy;
    REQUIRE(t && ig_gguf_find(g, t->name) == (int64_t)i);
    sum_bytes(t->data, t->bytes);
    if (ig_ggml_type_find(t->type)->block > 1) return t->bytes;
    REQUIRE(ig_tensor_new(ctx, IG_DTYPE_F32, t->ndim, t->shape, &copy, NULL) == IG_OK);
    REQUIRE(ig_gguf_read(ctx, g, i, &copy, NULL) == IG_OK);
    ig_tensor_unref(&copy);
    return t->bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static ig_context *ctx;
    ig_gguf *g;
    ig_gguf_value v;
    ig_error err;
    uint64_t bytes = 0;
    if (!ctx) REQUIRE(ig_context_new(&(ig_context_opts){.threads = 1}, &ctx, NULL) == IG_OK);
    if (ig_gguf_open_memory("fuzz", data, size, &g, &err) != IG_OK) {
        REQUIRE(err.code == IG_E_FORMAT || err.code == IG_E_LIMIT || err.code == IG_E_UNSUPPORTED);
        return 0;
    }
    for (size_t i = 0; i < ig_gguf_key_count(g); i++) {
        REQUIRE(ig_gguf_get(g, ig_gguf_key(g, i), &v));
        walk(&v);
    }
    for (size_t i = 0; i < ig_gguf_count(g); i++) bytes += check_tensor(ctx, g, i);
    REQUIRE(bytes <= size);
    ig_gguf_close(g);
    return 0;
}
