/* tests/formats/make_file.h: safetensors files made by hand, byte by byte, for the tests of this folder. */
#ifndef TESTS_FORMATS_MAKE_FILE_H
#define TESTS_FORMATS_MAKE_FILE_H

#include "../check.h"

typedef struct made_file {
    uint8_t *bytes; /* exactly `size` of them, so that a sanitizer sees a read past the end */
    size_t size;
} made_file;

/* The length of the header, the header, and `data_size` bytes 0, 1, 2 … 250, 0 … */
static inline made_file make_file(const char *header, size_t data_size) {
    size_t n = strlen(header);
    made_file f = {malloc(8 + n + data_size), 8 + n + data_size};
    assert_non_null(f.bytes);
    for (int i = 0; i < 8; i++) f.bytes[i] = (uint8_t)((uint64_t)n >> (8 * i));
    memcpy(f.bytes + 8, header, n);
    for (size_t i = 0; i < data_size; i++) f.bytes[8 + n + i] = (uint8_t)(i % 251);
    return f;
}

#endif
