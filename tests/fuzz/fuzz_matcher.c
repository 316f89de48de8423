/* Fuzz target: a matcher's file from anybody.
 *
 * The checksum is made right first, so that what lies behind it is reached.  What opens must answer and explain.
 */
#include <stdlib.h>
#include <string.h>

#include "ingot/matcher.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                                                 \
    do {                                                                                                                   \
        if (!(condition)) __builtin_trap();                                                                                \
    } while (0)

static const char question[] = "my card 退款 is late";

static void use(const ig_matcher *m) {
    size_t labels = ig_matcher_labels(m), reasons = 4, nears = 4;
    ig_match_reason reason[4];
    ig_match_near near[4];
    volatile size_t sum = 0;
    float *p = ig_calloc(labels, sizeof *p);
    REQUIRE(p && ig_matcher_score(m, question, sizeof question - 1, p, NULL, NULL) == IG_OK);
    REQUIRE(ig_matcher_explain(m, question, sizeof question - 1, 0, reason, &reasons, near, &nears, NULL) == IG_OK);
    for (size_t i = 0; i < nears; i++)
        for (size_t k = 0; k < near[i].len; k++) sum += (unsigned char)near[i].text[k];
    (void)sum;
    ig_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static ig_context *ctx;
    static char folder[] = "/tmp/fuzz_matcher_XXXXXX", path[64];
    if (!ctx) {
        REQUIRE(ig_context_new(&(ig_context_opts){.threads = 1}, &ctx, NULL) == IG_OK && mkdtemp(folder));
        snprintf(path, sizeof path, "%s/matcher.bin", folder);
    }
    uint8_t *copy = ig_malloc(size + 1);
    REQUIRE(copy);
    if (size) memcpy(copy, data, size);
    if (size > 16) {
        uint32_t crc = ig_crc32c(0, copy + 16, size - 16);
        memcpy(copy + 12, &crc, sizeof crc);
    }
    ig_matcher *m = NULL;
    FILE *f = fopen(path, "wb"); /* not ig_file_write: a sync for every input would take all the time */
    REQUIRE(f && fwrite(copy, 1, size, f) == size && fclose(f) == 0);
    if (ig_matcher_open(ctx, folder, &m, NULL) == IG_OK) use(m);
    ig_matcher_free(m);
    ig_free(copy);
    return 0;
}
