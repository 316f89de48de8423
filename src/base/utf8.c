/* base/utf8.c: UTF-8 as Unicode defines it (no overlong forms, no surrogates, nothing past U+10FFFF), and the edit distance
 * behind "did you mean".
 */
#include <string.h>

#include "ingot/base.h"

static bool is_tail(char c) {
    return ((unsigned char)c & 0xC0) == 0x80;
}

static uint32_t tail_bits(char c) {
    return (unsigned char)c & 0x3Fu;
}

static size_t decode_long(const char *s, size_t n, uint32_t *cp) {
    unsigned char lead = (unsigned char)s[0];
    if (lead < 0xF0) {
        if (n < 3 || !is_tail(s[1]) || !is_tail(s[2])) return 0;
        uint32_t c = (lead & 0x0Fu) << 12 | tail_bits(s[1]) << 6 | tail_bits(s[2]);
        if (c < 0x800 || (c >= 0xD800 && c <= 0xDFFF)) return 0;
        *cp = c;
        return 3;
    }
    if (lead > 0xF4 || n < 4 || !is_tail(s[1]) || !is_tail(s[2]) || !is_tail(s[3])) return 0;
    uint32_t c = (lead & 0x07u) << 18 | tail_bits(s[1]) << 12 | tail_bits(s[2]) << 6 | tail_bits(s[3]);
    if (c < 0x10000 || c > 0x10FFFF) return 0;
    *cp = c;
    return 4;
}

size_t ig_utf8_decode(const char *s, size_t n, uint32_t *cp) {
    if (n == 0) return 0;
    unsigned char lead = (unsigned char)s[0];
    if (lead < 0x80) {
        *cp = lead;
        return 1;
    }
    if (lead < 0xC2) return 0; /* a tail byte, or an overlong form of ASCII */
    if (lead >= 0xE0) return decode_long(s, n, cp);
    if (n < 2 || !is_tail(s[1])) return 0;
    *cp = (lead & 0x1Fu) << 6 | tail_bits(s[1]);
    return 2;
}

size_t ig_utf8_encode(uint32_t cp, char out[4]) {
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (char)(0xC0 | cp >> 6);
        out[1] = (char)(0x80 | (cp & 0x3F));
        return 2;
    }
    if (cp > 0x10FFFF || (cp >= 0xD800 && cp <= 0xDFFF)) return 0;
    if (cp < 0x10000) {
        out[0] = (char)(0xE0 | cp >> 12);
        out[1] = (char)(0x80 | (cp >> 6 & 0x3F));
        out[2] = (char)(0x80 | (cp & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | cp >> 18);
    out[1] = (char)(0x80 | (cp >> 12 & 0x3F));
    out[2] = (char)(0x80 | (cp >> 6 & 0x3F));
    out[3] = (char)(0x80 | (cp & 0x3F));
    return 4;
}

bool ig_utf8_valid(const char *s, size_t n) {
    size_t i = 0;
    while (i < n) {
        uint64_t word;
        if (n - i >= sizeof word) { /* eight bytes of ASCII at a time */
            memcpy(&word, s + i, sizeof word);
            if (!(word & 0x8080808080808080u)) {
                i += sizeof word;
                continue;
            }
        }
        uint32_t cp;
        size_t len = ig_utf8_decode(s + i, n - i, &cp);
        if (len == 0) return false;
        i += len;
    }
    return true;
}

#define DISTANCE_CHARS_MAX 64

/* Code points of s, a broken byte counting as one; -1 when there are more than fit. */
static int code_points(const char *s, uint32_t out[DISTANCE_CHARS_MAX]) {
    size_t n = strlen(s);
    int count = 0;
    for (size_t i = 0; i < n; count++) {
        if (count == DISTANCE_CHARS_MAX) return -1;
        uint32_t cp = (unsigned char)s[i];
        size_t len = ig_utf8_decode(s + i, n - i, &cp);
        out[count] = cp;
        i += len ? len : 1;
    }
    return count;
}

static int min3(int a, int b, int c) {
    int m = a < b ? a : b;
    return m < c ? m : c;
}

/* Optimal string alignment: insert, delete, replace, and swap of neighbours, which is the commonest slip of the hand.
 * Rows i-2, i-1 and i of the table stand in row[]. */
int ig_edit_distance(const char *a, const char *b, int bound) {
    uint32_t x[DISTANCE_CHARS_MAX], y[DISTANCE_CHARS_MAX];
    int n = code_points(a, x), m = code_points(b, y);
    if (n < 0 || m < 0) return strcmp(a, b) == 0 ? 0 : bound + 1;
    int row[3][DISTANCE_CHARS_MAX + 1];
    for (int j = 0; j <= m; j++) row[0][j] = j;
    for (int i = 1; i <= n; i++) {
        int *now = row[i % 3], *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];
        now[0] = i;
        for (int j = 1; j <= m; j++) {
            bool same = x[i - 1] == y[j - 1];
            now[j] = min3(last[j] + 1, now[j - 1] + 1, last[j - 1] + !same);
            bool swapped = i > 1 && j > 1 && x[i - 1] == y[j - 2] && x[i - 2] == y[j - 1];
            if (swapped && before[j - 2] + 1 < now[j]) now[j] = before[j - 2] + 1;
        }
    }
    int distance = row[n % 3][m];
    return distance <= bound ? distance : bound + 1;
}
