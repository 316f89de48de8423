/* Fuzz target: a safetensors file from anybody.
 *
 * What opens must be found by name, described, viewed where aligned, and readable to its last byte; what was read is
 * bounded by the input, because the tensors cover the data exactly once.
 */
#include "ingot/formats.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                                                 \
    do {                                                                                                                   \
        if (!(condition)) __builtin_trap();                                                                                \
    } while (0)

static uint64_t sum_bytes(const ig_tensor *t) {
    uint64_t sum = 0;
    for (size_t i = 0; i < ig_tensor_bytes(t); i++) sum += ((const uint8_t *)t->data)[i];
    return sum;
}

static size_t check_tensor(ig_context *ctx, const ig_safetensors *s, size_t i) {
    ig_tensor shape, view, copy;
    volatile uint64_t sum;
    REQUIRE(ig_safetensors_find(s, ig_safetensors_name(s, i)) == (int64_t)i);
    if (ig_safetensors_describe(s, i, &shape, NULL) != IG_OK) return 0;
    if (ig_safetensors_view(s, i, &view, NULL) == IG_OK) sum = sum_bytes(&view);
    REQUIRE(ig_tensor_new(ctx, shape.dtype, shape.ndim, shape.shape, &copy, NULL) == IG_OK);
    if (ig_safetensors_read(ctx, s, i, &copy, NULL) == IG_OK) sum = sum_bytes(&copy);
    else REQUIRE(shape.dtype == IG_DTYPE_BOOL);
    (void)sum;
    ig_tensor_unref(&copy);
    return ig_tensor_bytes(&shape);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static ig_context *ctx;
    ig_safetensors *s;
    ig_error err;
    size_t bytes = 0;
    if (!ctx) REQUIRE(ig_context_new(&(ig_context_opts){.threads = 1}, &ctx, NULL) == IG_OK);
    if (ig_safetensors_open_memory("fuzz", data, size, &s, &err) != IG_OK) {
        REQUIRE(err.code == IG_E_FORMAT || err.code == IG_E_LIMIT);
        return 0;
    }
    for (size_t i = 0; i < ig_safetensors_count(s); i++) bytes += check_tensor(ctx, s, i);
    REQUIRE(bytes <= size);
    ig_safetensors_close(s);
    return 0;
}
