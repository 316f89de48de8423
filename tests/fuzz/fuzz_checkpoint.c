/* Fuzz target: a checkpoint from anybody.
 *
 * The checksum would keep every change out, so the target seals the input first; the parser behind it is what is tested.
 * What is taken must have all of its tensors inside of the file.
 */
#include <string.h>

#include "train/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                                                 \
    do {                                                                                                                   \
        if (!(condition)) __builtin_trap();                                                                                \
    } while (0)

static void parse(const uint8_t *bytes, size_t size) {
    checkpoint_view v;
    ig_error err;
    if (checkpoint_parse("fuzz", bytes, size, &v, &err) != IG_OK) {
        REQUIRE(!v.header);
        return;
    }
    REQUIRE(v.tensors >= bytes + 16 && v.tensors + v.tensor_bytes + 4 == bytes + size);
    REQUIRE(ig_tree_get(ig_doc_root(v.header), "settings") && ig_tree_get(ig_doc_root(v.header), "tensors"));
    checkpoint_view_fini(&v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    parse(data, size);
    if (size < 4) return 0;
    uint8_t *sealed = ig_malloc(size);
    if (!sealed) return 0;
    memcpy(sealed, data, size);
    uint32_t crc = ig_crc32c(0, sealed, size - 4);
    memcpy(sealed + size - 4, &crc, 4);
    parse(sealed, size);
    ig_free(sealed);
    return 0;
}
