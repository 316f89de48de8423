/* tensor/kernels/dropout.c: element i is kept iff its random word is at least p·2^32.
 *
 * The words are Philox4x32-10's (base/random.c) for consecutive counters, four words each.  A counter's four words stand in the low
 * halves of four 64-bit lanes, so that the 32×32-bit products are one instruction and need no shuffles.  GROUPS counters are
 * computed together; a call that starts or ends inside a group computes it whole and drops the rest.
 */
#include "tensor/kernels/kernel_math.h"
#include "tensor/kernels/table.h"

#define GROUPS 16
#define WORDS (4 * GROUPS)

#if !defined(IG_WIDE) && defined(__AVX512F__)
#include <immintrin.h>
typedef __m512i wide; /* one word in the low half of each of 8 lanes */
#define WIDE 8
#define SET(x) _mm512_set1_epi64((long long)(x))
#define LOAD(p) _mm512_loadu_si512(p)
#define MUL(a, b) _mm512_mul_epu32(a, b)
#define XOR(a, b) _mm512_xor_si512(a, b)
#define OR(a, b) _mm512_or_si512(a, b)
#define HIGH(a) _mm512_srli_epi64(a, 32)
#define RAISE(a) _mm512_slli_epi64(a, 32)
INLINE void store_pairs(uint32_t *out, wide a, wide b) { /* a and b in turn, 64 bits each */
    _mm512_storeu_si512(out, _mm512_permutex2var_epi64(a, _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11), b));
    _mm512_storeu_si512(out + 16, _mm512_permutex2var_epi64(a, _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15), b));
}
#elif !defined(IG_WIDE) && defined(__AVX2__)
#include <immintrin.h>
typedef __m256i wide;
#define WIDE 4
#define SET(x) _mm256_set1_epi64x((long long)(x))
#define LOAD(p) _mm256_loadu_si256((const __m256i *)(const void *)(p))
#define MUL(a, b) _mm256_mul_epu32(a, b)
#define XOR(a, b) _mm256_xor_si256(a, b)
#define OR(a, b) _mm256_or_si256(a, b)
#define HIGH(a) _mm256_srli_epi64(a, 32)
#define RAISE(a) _mm256_slli_epi64(a, 32)
INLINE void store_pairs(uint32_t *out, wide a, wide b) {
    __m256i low = _mm256_unpacklo_epi64(a, b), high = _mm256_unpackhi_epi64(a, b);
    _mm256_storeu_si256((__m256i *)(void *)out, _mm256_permute2x128_si256(low, high, 0x20));
    _mm256_storeu_si256((__m256i *)(void *)(out + 8), _mm256_permute2x128_si256(low, high, 0x31));
}
#else
typedef uint64_t wide;
#define WIDE 1
#define SET(x) ((uint64_t)(x))
#define LOAD(p) (*(p))
#define MUL(a, b) (((a) & 0xffffffffu) * ((b) & 0xffffffffu))
#define XOR(a, b) ((a) ^ (b))
#define OR(a, b) ((a) | (b))
#define HIGH(a) ((a) >> 32)
#define RAISE(a) ((a) << 32)
INLINE void store_pairs(uint32_t *out, wide a, wide b) {
    out[0] = (uint32_t)a, out[1] = (uint32_t)(a >> 32), out[2] = (uint32_t)b, out[3] = (uint32_t)(b >> 32);
}
#endif

#define LOW(a) HIGH(RAISE(a))

/* The words of counters (hi, first …), in their order.  What the high halves of lanes hold between rounds does not matter: MUL reads
 * the low ones only. */
static void philox_words(uint32_t out[WORDS], uint64_t key, uint64_t hi, uint64_t first) {
    uint64_t counter[GROUPS];
    for (uint64_t j = 0; j < GROUPS; j++) counter[j] = first + j;
    for (int g = 0; g < GROUPS; g += WIDE) {
        wide c0 = LOAD(counter + g), c1 = HIGH(c0), c2 = SET(hi), c3 = SET(hi >> 32);
        uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
        for (int round = 0; round < 10; round++, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u) {
            wide p0 = MUL(c0, SET(0xD2511F53u)), p1 = MUL(c2, SET(0xCD9E8D57u));
            c0 = XOR(XOR(HIGH(p1), c1), SET(k0));
            c2 = XOR(XOR(HIGH(p0), c3), SET(k1));
            c1 = p1, c3 = p0;
        }
        store_pairs(out + 4 * g, OR(LOW(c0), RAISE(c1)), OR(LOW(c2), RAISE(c3)));
    }
}

void K(map_dropout)(real *y, const real *const in[3], size_t n, const ig_map_args *args) {
    const real *a = in[0], scale = (real)(1.0 / (1.0 - args->f[0]));
    const uint32_t bound = (uint32_t)(args->f[0] * 4294967296.0);
    const uint64_t key = args->key[0] ^ args->stream * 0x9E3779B97F4A7C15u;
    uint64_t index = args->index;
    uint32_t words[WORDS];
    for (size_t i = 0; i < n;) {
        size_t skip = (size_t)(index & 3), count = WORDS - skip;
        if (count > n - i) count = n - i;
        philox_words(words, key, args->key[1], index >> 2);
        EACH(j, count) y[i + j] = words[skip + j] >= bound ? a[i + j] * scale : R(0.0);
        i += count, index += count;
    }
}
