/* Fuzz target: sparse rows (libsvm, libfm).  What is read holds what ingot/tabular.h promises of an ig_csr. */
#include "ingot/tabular.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                  \
    do {                                    \
        if (!(condition)) __builtin_trap(); \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    ig_csr x;
    ig_error err = {0};
    if (ig_csr_parse("fuzz", (const char *)data, size, &x, &err) != IG_OK) {
        REQUIRE(err.code != IG_OK && *err.message && !x.start);
        return 0;
    }
    REQUIRE(x.rows > 0 && x.start[0] == 0 && x.start[x.rows] == x.entries);
    for (size_t r = 0; r < x.rows; r++) {
        REQUIRE(x.start[r] <= x.start[r + 1]);
        for (size_t i = x.start[r]; i < x.start[r + 1]; i++) {
            REQUIRE(x.index[i] >= 0 && (size_t)x.index[i] < x.columns);
            REQUIRE(i == x.start[r] || x.index[i - 1] < x.index[i]);
        }
    }
    ig_csr_fini(&x);
    return 0;
}
