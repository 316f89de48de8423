/* tests/formats/make_zip.h: zip archives made by hand, with what a damaged one may say wrongly. */
#ifndef TESTS_FORMATS_MAKE_ZIP_H
#define TESTS_FORMATS_MAKE_ZIP_H

#include "spell.h"

typedef struct zip_part {
    const char *name;
    const void *bytes;
    size_t size;
    int method;           /* 0 stored, 8 deflated */
    uint32_t crc_error;   /* added to the checksum */
    uint32_t size_error;  /* added to the size in the directory */
} zip_part;

static inline uint32_t zip_crc(const uint8_t *p, size_t n) {
    uint32_t crc = ~0u;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int k = 0; k < 8; k++) crc = crc >> 1 ^ (0xedb88320u & -(crc & 1));
    }
    return ~crc;
}

/* From "version needed" to "length of the extra field": the same in both kinds of header. */
static inline void zip_common(spelt *s, const zip_part *p, uint32_t size_error) {
    uint32_t size = (uint32_t)p->size + size_error;
    spell_number(s, 20, 2);
    spell_number(s, 0, 2);
    spell_number(s, (uint64_t)p->method, 2);
    spell_number(s, 0x21 << 16, 4);
    spell_number(s, zip_crc(p->bytes, p->size) + p->crc_error, 4);
    spell_number(s, size, 4);
    spell_number(s, size, 4);
    spell_number(s, strlen(p->name), 2);
    spell_number(s, 0, 2);
}

static inline spelt make_zip(const zip_part *part, size_t count) {
    spelt s = {0}, directory = {0};
    for (size_t i = 0; i < count; i++) {
        spell_bytes(&directory, "PK\1\2\x14\0", 6);
        size_t at = s.size;
        zip_common(&directory, &part[i], part[i].size_error);
        spell_number(&directory, 0, 8); /* comment, disk, attributes inside */
        spell_number(&directory, 0, 2);
        spell_number(&directory, at, 4);
        spell_bytes(&directory, part[i].name, strlen(part[i].name));
        spell_bytes(&s, "PK\3\4", 4);
        zip_common(&s, &part[i], part[i].size_error);
        spell_bytes(&s, part[i].name, strlen(part[i].name));
        spell_bytes(&s, part[i].bytes, part[i].size);
    }
    uint64_t begin = s.size, size = directory.size;
    spell_bytes(&s, directory.bytes, directory.size);
    free(directory.bytes);
    spell_bytes(&s, "PK\5\6\0\0\0\0", 8);
    spell_number(&s, count, 2);
    spell_number(&s, count, 2);
    spell_number(&s, size, 4);
    spell_number(&s, begin, 4);
    spell_number(&s, 0, 2);
    return s;
}

#endif
