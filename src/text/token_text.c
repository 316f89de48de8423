/* text/token_text.c: how a token is written: in tokenizer.json, as a byte token, in a message. */
#include <stdio.h>
#include <string.h>

#include "text/tokenizer_impl.h"

static int hex(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int ig_tok_byte_token(const char *text, size_t len) {
    if (len != 6 || memcmp(text, "<0x", 3) || text[5] != '>') return -1;
    int high = hex(text[3]), low = hex(text[4]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

void ig_tok_json_text(const ig_tokenizer *t, size_t id, ig_buf *out) {
    size_t len;
    const char *s = tok_bytes(&t->table, id, &len);
    if (t->table.flag[id] & TOK_BYTE) {
        ig_buf_printf(out, "<0x%02X>", (uint8_t)s[0]);
    } else if (!tok_on_bytes(t) || (t->table.flag[id] & TOK_ADDED)) {
        ig_buf_append(out, s, len);
    } else {
        char utf8[4];
        for (size_t i = 0; i < len; i++) ig_buf_append(out, utf8, ig_tok_byte_char((uint8_t)s[i], utf8));
    }
}

/* At most 48 bytes, cut between characters; what does not print becomes a point. */
const char *ig_tok_quote(const char *text, size_t len, char out[64]) {
    size_t n = 0, at = 0;
    out[n++] = '"';
    while (at < len) {
        uint32_t cp = 0;
        size_t step = ig_utf8_decode(text + at, len - at, &cp);
        if (n + step > 48) break;
        if (step && cp >= ' ' && cp != 0x7f)
            memcpy(out + n, text + at, step);
        else
            out[n] = '.';
        n += step ? step : 1;
        at += step ? step : 1;
    }
    memcpy(out + n, at < len ? "...\"" : "\"", at < len ? 5 : 2);
    return out;
}
