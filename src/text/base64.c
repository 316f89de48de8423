/* text/base64.c: the base64 in which a tokenizer.json holds a precompiled charsmap.   (RFC 4648, section 4) */
#include <string.h>

#include "text/tokenizer_impl.h"

static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void ig_tok_base64_encode(const uint8_t *bytes, size_t n, ig_buf *out) {
    for (size_t i = 0; i < n; i += 3) {
        uint32_t v = (uint32_t)bytes[i] << 16 | (uint32_t)(i + 1 < n ? bytes[i + 1] : 0) << 8 | (i + 2 < n ? bytes[i + 2] : 0);
        char text[4] = {digit[v >> 18], digit[v >> 12 & 63], i + 1 < n ? digit[v >> 6 & 63] : '=',
                        i + 2 < n ? digit[v & 63] : '='};
        ig_buf_append(out, text, 4);
    }
}

bool ig_tok_base64_decode(const char *text, size_t n, ig_buf *out) {
    if (n % 4) return false;
    for (size_t i = 0; i < n; i += 4) {
        size_t pad = i + 4 < n || text[i + 3] != '=' ? 0 : text[i + 2] == '=' ? 2 : 1;
        uint32_t v = 0;
        for (size_t k = 0; k < 4; k++) {
            const char *at = k >= 4 - pad ? digit : memchr(digit, text[i + k], 64);
            if (!at) return false;
            v = v << 6 | (uint32_t)(at - digit);
        }
        char bytes[3] = {(char)(v >> 16), (char)(v >> 8), (char)v};
        ig_buf_append(out, bytes, 3 - pad);
    }
    return true;
}
