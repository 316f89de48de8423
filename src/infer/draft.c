/* infer/draft.c: see draft.h. */
#include "infer/draft.h"

#include <string.h>

#define LOOK_BACK 4096 /* positions: bounds the time of a search */

int draft_find(const int32_t *text, size_t n, int most, int32_t *out) {
    size_t first = n > LOOK_BACK ? n - LOOK_BACK : 0;
    for (size_t length = DRAFT_NGRAM_MAX; length >= DRAFT_NGRAM_MIN; length--) {
        if (n < length + 1 || most < 1) continue;
        const int32_t *end = text + n - length;
        for (size_t at = n - length; at-- > first;) {
            if (memcmp(text + at, end, length * sizeof *text) != 0) continue;
            size_t from = at + length, count = n - from < (size_t)most ? n - from : (size_t)most;
            memcpy(out, text + from, count * sizeof *out);
            return (int)count;
        }
    }
    return 0;
}
