/* text/utf8_stream.c: UTF-8 that arrives in pieces goes out in whole characters.
 *
 * A token of a byte-level vocabulary may end in the middle of a character.  What could still become one is held (at most
 * three bytes); what cannot is replaced by U+FFFD, one for each maximal part of a sequence that was possible so far
 * (Unicode 15, section 3.9, table 3-8; the same as WHATWG's decoder).
 */
#include <string.h>

#include "ingot/text.h"

/* The bytes that may follow the lead byte: length of the sequence and range of its second byte; 0 = no lead byte. */
static size_t lead(uint8_t b, uint8_t *low, uint8_t *high) {
    *low = b == 0xe0 ? 0xa0 : b == 0xf0 ? 0x90 : 0x80;
    *high = b == 0xed ? 0x9f : b == 0xf4 ? 0x8f : 0xbf;
    if (b < 0x80) return 1;
    if (b >= 0xc2 && b <= 0xdf) return 2;
    if ((b & 0xf0) == 0xe0) return 3;
    return b >= 0xf0 && b <= 0xf4 ? 4 : 0;
}

/* How many bytes of s[0..n) belong together: a whole character (*whole), or a part that cannot go on or ends with s. */
static size_t part(const char *s, size_t n, bool *whole) {
    uint8_t low, high;
    size_t need = lead((uint8_t)s[0], &low, &high), have = 1;
    while (have < need && have < n) {
        uint8_t b = (uint8_t)s[have];
        if (b < low || b > high) break;
        low = 0x80;
        high = 0xbf;
        have++;
    }
    *whole = have == need;
    return have;
}

static bool may_go_on(const char *s, size_t n) {
    bool whole;
    uint8_t low, high;
    return part(s, n, &whole) == n && !whole && lead((uint8_t)s[0], &low, &high) > n;
}

static void put(ig_buf *out, const char *s, size_t n, bool whole) {
    if (whole)
        ig_buf_append(out, s, n);
    else
        ig_buf_puts(out, "\xef\xbf\xbd");
}

/* All complete parts of s[0..n); returns how many bytes at the end must wait. */
static size_t drain(const char *s, size_t n, ig_buf *out) {
    size_t at = 0, whole_from = 0;
    while (at < n) {
        bool whole;
        size_t have = part(s + at, n - at, &whole);
        if (!whole) {
            ig_buf_append(out, s + whole_from, at - whole_from);
            if (at + have == n && may_go_on(s + at, have)) return have;
            put(out, s + at, have, false);
            whole_from = at + have;
        }
        at += have;
    }
    ig_buf_append(out, s + whole_from, n - whole_from);
    return 0;
}

void ig_utf8_stream_push(ig_utf8_stream *s, const void *bytes, size_t n, ig_buf *out) {
    const char *p = bytes;
    while (s->count && n) { /* complete what is held, byte by byte */
        s->held[s->count] = *p;
        bool whole;
        size_t have = part(s->held, s->count + 1, &whole);
        if (have == s->count + 1) { /* the byte fits */
            s->count++, p++, n--;
            if (!whole) continue;
        }
        put(out, s->held, s->count, whole);
        s->count = 0;
    }
    if (!n) return;
    size_t wait = drain(p, n, out);
    memcpy(s->held, p + n - wait, wait);
    s->count = wait;
}

void ig_utf8_stream_finish(ig_utf8_stream *s, ig_buf *out) {
    if (s->count) put(out, s->held, s->count, false);
    s->count = 0;
}
