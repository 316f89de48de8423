/* tests/formats/spell.h: binary files spelt as text, so that a table of damaged ones can be read.
 *
 *     spell("GGUF w3 q0 q1 'key w0 b7")
 *
 * Words:  bN  a byte      wN  u32      qN  u64, both little-endian and possibly negative      fX  f32
 *         'T  u64 length and the bytes of T      zN  zeros up to a multiple of N      nN  N bytes 1, 2 … 250, 0, 1 …
 *         "T  the bytes of T       anything else: itself.   An underscore in T is a space; \xHH in C strings are bytes.
 */
#ifndef TESTS_FORMATS_SPELL_H
#define TESTS_FORMATS_SPELL_H

#include "../check.h"

typedef struct spelt {
    uint8_t *bytes; /* exactly `size` of them, so that a sanitizer sees a read past the end */
    size_t size;
} spelt;

static inline void spell_bytes(spelt *s, const void *bytes, size_t n) {
    s->bytes = realloc(s->bytes, s->size + n + !(s->size + n));
    assert_non_null(s->bytes);
    if (n) memcpy(s->bytes + s->size, bytes, n);
    s->size += n;
}

static inline void spell_number(spelt *s, uint64_t v, size_t n) { spell_bytes(s, &v, n); }

static inline void spell_text(spelt *s, const char *t, size_t n) {
    for (size_t i = 0; i < n; i++) spell_number(s, t[i] == '_' ? ' ' : (uint8_t)t[i], 1);
}

static inline void spell_zeros(spelt *s, size_t multiple) {
    while (s->size % multiple) spell_number(s, 0, 1);
}

static inline void spell_run(spelt *s, size_t n) {
    size_t at = s->size;
    uint8_t *zeros = calloc(1, n + !n);
    assert_non_null(zeros);
    spell_bytes(s, zeros, n);
    free(zeros);
    for (size_t i = 1; i <= n; i++) s->bytes[at + i - 1] = (uint8_t)(i % 251);
}

static inline void spell_word(spelt *s, const char *w, size_t n) {
    uint64_t v = w[1] == '-' ? (uint64_t)strtoll(w + 1, NULL, 10) : strtoull(w + 1, NULL, 10);
    float f = strtof(w + 1, NULL);
    switch (w[0]) {
    case 'b': spell_number(s, v, 1); break;
    case 'w': spell_number(s, v, 4); break;
    case 'q': spell_number(s, v, 8); break;
    case 'f': spell_bytes(s, &f, 4); break;
    case 'z': spell_zeros(s, v); break;
    case 'n': spell_run(s, v); break;
    case '\'': spell_number(s, n - 1, 8); spell_text(s, w + 1, n - 1); break;
    case '"': spell_text(s, w + 1, n - 1); break;
    default: spell_text(s, w, n);
    }
}

static inline spelt spell(const char *words) {
    spelt s = {0};
    spell_bytes(&s, "", 0);
    while (*words) {
        size_t n = strcspn(words, " ");
        if (n) spell_word(&s, words, n);
        words += n + (words[n] == ' ');
    }
    return s;
}

#endif
