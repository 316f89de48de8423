/* text/byte_alphabet.c: the printable characters by which GPT-2 writes bytes.   (Radford et al. 2019, encoder.py)
 *
 * The bytes that print in Latin-1 stand for themselves; the other 68 (controls, space, 0x7f..0xa0, 0xad) are U+0100 and
 * up, in order of the byte.  So a space is U+0120, and tokenizer.json needs no escapes.
 */
#include "text/tokenizer_impl.h"

static bool prints(unsigned b) {
    return (b >= '!' && b <= '~') || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
}

/* The bytes that do not print, in order. */
static unsigned hidden_byte(unsigned index) {
    if (index <= 0x20) return index;
    return index < 0x20 + 35 ? 0x7f + index - 0x21 : 0xad;
}

static unsigned hidden_index(unsigned b) {
    return b <= 0x20 ? b : b == 0xad ? 67 : b - 0x7f + 0x21;
}

size_t ig_tok_byte_char(uint8_t byte, char out[4]) {
    return ig_utf8_encode(prints(byte) ? byte : 0x100 + hidden_index(byte), out);
}

bool ig_tok_alphabet_bytes(const char *text, size_t len, ig_buf *out) {
    for (size_t i = 0; i < len;) {
        uint32_t cp = 0;
        size_t n = ig_utf8_decode(text + i, len - i, &cp);
        bool hidden = cp >= 0x100 && cp < 0x100 + 68;
        if (!n || (!hidden && (cp > 0xff || !prints(cp)))) return false;
        ig_buf_putc(out, (char)(hidden ? hidden_byte(cp - 0x100) : cp));
        i += n;
    }
    return true;
}

void ig_tok_alphabet_order(uint8_t order[256]) {
    size_t n = 0;
    for (unsigned b = 0; b < 256; b++)
        if (prints(b)) order[n++] = (uint8_t)b;
    for (unsigned i = 0; i < 68; i++) order[n++] = (uint8_t)hidden_byte(i);
}
