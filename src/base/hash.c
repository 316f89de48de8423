/* base/hash.c: checksums and digests.
 *
 * crc32c (Castagnoli) guards blocks of our own files; SHA-256 (FIPS 180-4) names contents; hash64 spreads keys over tables.
 * The processor's own CRC instruction is used where there is one; the fallback walks half bytes, because it runs on no
 * machine that anyone serves from.
 */
#include <string.h>

#include "base/cpu.h"
#include "base/hash.h"
#include "ingot/base.h"

/* ---- crc32c, reflected polynomial 0x82F63B78 ---- */

static const uint32_t crc_nibble[16] = {
    0x00000000, 0x105EC76F, 0x20BD8EDE, 0x30E349B1, 0x417B1DBC, 0x5125DAD3, 0x61C69362, 0x7198540D,
    0x82F63B78, 0x92A8FC17, 0xA24BB5A6, 0xB21572C9, 0xC38D26C4, 0xD3D3E1AB, 0xE330A81A, 0xF36E6F75,
};

static uint32_t crc_portable(uint32_t crc, const unsigned char *p, size_t n) {
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        crc = crc >> 4 ^ crc_nibble[crc & 15];
        crc = crc >> 4 ^ crc_nibble[crc & 15];
    }
    return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc_sse42(uint32_t crc, const unsigned char *p, size_t n) {
    uint64_t wide = crc;
    for (; n >= 8; p += 8, n -= 8) {
        uint64_t word;
        memcpy(&word, p, sizeof word);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    crc = (uint32_t)wide;
    for (; n > 0; p++, n--) crc = __builtin_ia32_crc32qi(crc, *p);
    return crc;
}
#endif

uint32_t ig_crc32c(uint32_t crc, const void *bytes, size_t n) {
#if defined(__x86_64__)
    if (ig_cpu_has_sse42()) return ~crc_sse42(~crc, bytes, n);
#endif
    return ~crc_portable(~crc, bytes, n);
}

uint32_t ig_crc32c_portable(uint32_t crc, const void *bytes, size_t n) {
    return ~crc_portable(~crc, bytes, n);
}

/* ---- hash64: 64x64 -> 128 bit products folded by xor, as in wyhash ---- */

static uint64_t fold(uint64_t a, uint64_t b) {
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t ig_hash64(const void *bytes, size_t n, uint64_t seed) {
    const uint64_t k0 = 0x2D358DCCAA6C78A5u, k1 = 0x8BB84B93962EACC9u, k2 = 0x4B33A62ED433D4A3u;
    const unsigned char *p = bytes;
    uint64_t h = seed ^ fold(seed ^ k0, (uint64_t)n ^ k1);
    uint64_t word[2];
    size_t left = n;
    for (; left > 16; p += 16, left -= 16) {
        memcpy(word, p, sizeof word);
        h = fold(word[0] ^ k1, word[1] ^ h);
    }
    word[0] = word[1] = 0;
    if (left) memcpy(word, p, left);
    h = fold(word[0] ^ k1, word[1] ^ h);
    return fold(h ^ k2, (uint64_t)n ^ k0);
}

/* ---- SHA-256 ---- */

static const uint32_t sha_round[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
    0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
    0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08,
    0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate(uint32_t x, int k) {
    return x >> k | x << (32 - k);
}

static void sha_schedule(uint32_t w[64], const unsigned char block[64]) {
    for (int i = 0; i < 16; i++) {
        const unsigned char *b = block + 4 * i;
        w[i] = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
    }
    for (int i = 16; i < 64; i++) {
        uint32_t s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
}

static void sha_block(uint32_t state[8], const unsigned char block[64]) {
    uint32_t w[64];
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    sha_schedule(w, block);
    for (int i = 0; i < 64; i++) {
        uint32_t sum1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25), choice = (e & f) ^ (~e & g);
        uint32_t sum0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22), majority = (a & b) ^ (a & c) ^ (b & c);
        uint32_t t1 = h + sum1 + choice + sha_round[i] + w[i], t2 = sum0 + majority;
        h = g, g = f, f = e, e = d + t1;
        d = c, c = b, b = a, a = t1 + t2;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

/* The last bytes, a one bit, zeros, and the length in bits, big-endian: one block or two. */
static void sha_finish(uint32_t h[8], const unsigned char *rest, size_t left, uint64_t total) {
    unsigned char last[128] = {0};
    if (left) memcpy(last, rest, left);
    last[left] = 0x80;
    size_t size = left < 56 ? 64 : 128;
    uint64_t bits = total * 8;
    for (int i = 0; i < 8; i++) last[size - 1 - (size_t)i] = (unsigned char)(bits >> (8 * i));
    for (size_t at = 0; at < size; at += 64) sha_block(h, last + at);
}

void ig_sha256_hex(const void *bytes, size_t n, char out[65]) {
    uint32_t h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    const unsigned char *p = bytes;
    size_t left = n;
    for (; left >= 64; p += 64, left -= 64) sha_block(h, p);
    sha_finish(h, p, left, n);
    for (int i = 0; i < 8; i++) snprintf(out + 8 * i, 9, "%08x", h[i]);
}
