/* base/hash.h: the fallback of ig_crc32c, so that its test can compare the two on a machine that has the instruction. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

uint32_t ig_crc32c_portable(uint32_t crc, const void *bytes, size_t n);

#endif
