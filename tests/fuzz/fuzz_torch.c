/* Fuzz target: a PyTorch checkpoint from anybody, in either form.
 *
 * What opens must be found by name and be readable or say why not.  Mutations reach the pickle machine best through the
 * legacy form, whose pickles no checksum guards.
 */
#include "ingot/formats.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                                                 \
    do {                                                                                                                   \
        if (!(condition)) __builtin_trap();                                                                                \
    } while (0)

#define ELEMENTS_MAX 65536 /* repeated elements make large tensors of small files: allowed, and slow to copy */

static bool is_refusal(ig_status s) { return s == IG_E_FORMAT || s == IG_E_LIMIT || s == IG_E_UNSUPPORTED; }

static void check_tensor(ig_context *ctx, ig_torch *t, size_t i) {
    ig_tensor x;
    ig_error err;
    volatile double sum = 0;
    REQUIRE(ig_torch_find(t, ig_torch_name(t, i)) == (int64_t)i);
    if (ig_torch_describe(t, i, &x, &err) != IG_OK) {
        REQUIRE(is_refusal(err.code));
        return;
    }
    if (ig_tensor_numel(&x) > ELEMENTS_MAX) return;
    REQUIRE(ig_tensor_alloc(ctx, &x, NULL) == IG_OK);
    if (ig_torch_read(ctx, t, i, &x, &err) != IG_OK) REQUIRE(is_refusal(err.code));
    else for (int64_t k = 0; k < ig_tensor_numel(&x); k++) sum += ig_tensor_get(&x, k);
    ig_tensor_unref(&x);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static ig_context *ctx;
    ig_torch *t;
    ig_error err;
    if (!ctx) REQUIRE(ig_context_new(&(ig_context_opts){.threads = 1}, &ctx, NULL) == IG_OK);
    if (ig_torch_open_memory("fuzz", data, size, &t, &err) != IG_OK) {
        REQUIRE(is_refusal(err.code));
        return 0;
    }
    for (size_t i = 0; i < ig_torch_count(t); i++) check_tensor(ctx, t, i);
    ig_torch_close(t);
    return 0;
}
