/* text/charsmap.c: SentencePiece's precompiled charsmap: which characters become which, as a double array.
 *
 *   u32 trie_bytes │ u32 unit[trie_bytes / 4] │ replacement texts, each ended by a NUL          (all little-endian)
 *
 * The trie is that of Darts-clone (Yata): unit bits 0–7 are the label, bit 8 says that a value hangs below, bit 9 shifts the
 * offset in bits 10–30 left by 8, bit 31 marks a value.  From node p by the byte c the child is p ^ offset ^ c; its value is
 * at child ^ offset: the place of the replacement among the texts.  The blob comes from a file: every index is checked at
 * each step, and a walk ends at the longest key at the latest, because a child's label must be the byte that led to it.
 */
#include <string.h>

#include "text/tokenizer_impl.h"

#define RULE_BYTES_MAX 64 /* of the characters that a rule takes; those of NFKC take at most 18 */

static uint32_t u32(const uint8_t *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

ig_status ig_tok_charsmap_check(const uint8_t *map, size_t len, ig_error *err) {
    size_t trie = len >= 4 ? u32(map) : 0;
    if (len < 8 || trie < 4 || trie % 4 || trie > len - 4)
        return ig_error_set(err, IG_E_FORMAT, "the precompiled charsmap of %zu bytes has no valid header", len);
    if (len - 4 == trie || map[len - 1])
        return ig_error_set(err, IG_E_FORMAT, "the precompiled charsmap does not end in a text");
    return IG_OK;
}

static uint32_t offset_of(uint32_t unit) {
    return (unit >> 10) << ((unit & (1u << 9)) >> 6);
}

size_t ig_tok_charsmap_match(const uint8_t *map, size_t len, const char *s, size_t n, const char **to, size_t *to_len) {
    size_t units = u32(map) / 4, texts = 4 + units * 4, taken = 0;
    const uint8_t *unit = map + 4;
    uint32_t at = offset_of(u32(unit));
    for (size_t i = 0; i < n && i < RULE_BYTES_MAX; i++) {
        uint8_t byte = (uint8_t)s[i];
        at ^= byte;
        if (at >= units) break;
        uint32_t here = u32(unit + (size_t)at * 4);
        if ((here & (1u << 31 | 0xff)) != byte) break;
        at ^= offset_of(here);
        if (!(here >> 8 & 1) || at >= units) continue;
        size_t place = texts + (u32(unit + (size_t)at * 4) & 0x7fffffffu);
        if (place >= len) continue;
        *to = (const char *)map + place;
        *to_len = strlen(*to); /* the blob ends in a NUL */
        taken = i + 1;
    }
    return taken;
}
