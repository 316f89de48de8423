/* Fuzz target: a multipart/form-data body from anybody.
 *
 * The first line is the Content-Type, the rest the body.  Parts must lie in the body, in order and apart, and have a name.
 */
#include <string.h>

#include "ingot/net.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                  \
    do {                                    \
        if (!(condition)) __builtin_trap(); \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t *line = size ? memchr(data, '\n', size) : NULL;
    size_t type_len = line ? (size_t)(line - data) : size, from = line ? type_len + 1 : size;
    char *type = ig_strndup((const char *)data, type_len);
    const char *body = (const char *)data + from, *at = body;
    ig_multipart *m = NULL;
    if (type && ig_multipart_parse(type, body, size - from, 0, &m, NULL) == IG_OK) {
        REQUIRE(ig_multipart_count(m) <= 64);
        for (size_t i = 0; i < ig_multipart_count(m); i++) {
            const ig_multipart_part *p = ig_multipart_at(m, i);
            REQUIRE(p->name && p->bytes >= at && p->len <= size - from && p->bytes + p->len <= (const char *)data + size);
            REQUIRE(ig_multipart_get(m, p->name) != NULL);
            at = p->bytes + p->len;
        }
    }
    ig_multipart_free(m);
    ig_free(type);
    return 0;
}
