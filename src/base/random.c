/* base/random.c: counter-based random numbers, Philox4x32-10.
 *
 * Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011.  Ten rounds of two 32x32-bit
 * products turn (key, counter) into four words that pass every statistical test; there is no state, so that dropout can be
 * computed again in the backward pass, on any thread, from (seed, op, step) alone.  tests/base/random.c holds the vectors of
 * the authors' own library (Random123).
 */
#include <math.h>

#include "ingot/base.h"

#define MULTIPLIER_0 0xD2511F53u
#define MULTIPLIER_1 0xCD9E8D57u
#define WEYL_0 0x9E3779B9u /* golden ratio */
#define WEYL_1 0xBB67AE85u /* sqrt(3) - 1 */

void ig_philox(uint64_t key, uint64_t counter_hi, uint64_t counter_lo, uint32_t out[4]) {
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    uint32_t c0 = (uint32_t)counter_lo, c1 = (uint32_t)(counter_lo >> 32);
    uint32_t c2 = (uint32_t)counter_hi, c3 = (uint32_t)(counter_hi >> 32);
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)MULTIPLIER_0 * c0, p1 = (uint64_t)MULTIPLIER_1 * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        k0 += WEYL_0;
        k1 += WEYL_1;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

void ig_rng_init(ig_rng *r, uint64_t key, uint64_t stream) {
    *r = (ig_rng){.key = key, .stream = stream};
}

uint32_t ig_rng_u32(ig_rng *r) {
    if (r->have == 0) {
        ig_philox(r->key, r->stream, r->next++, r->word);
        r->have = 4;
    }
    return r->word[4 - r->have--];
}

static uint64_t next_u64(ig_rng *r) {
    uint64_t low = ig_rng_u32(r);
    return (uint64_t)ig_rng_u32(r) << 32 | low;
}

/* Lemire 2019, "Fast random integer generation in an interval": the high half of x·n, x drawn again while the low half
 * falls into the 2^64 mod n values that would be hit once too often. */
uint64_t ig_rng_below(ig_rng *r, uint64_t n) {
    if (n <= 1) return 0;
    unsigned __int128 product = (unsigned __int128)next_u64(r) * n;
    if ((uint64_t)product < n) {
        uint64_t surplus = (0 - n) % n;
        while ((uint64_t)product < surplus) product = (unsigned __int128)next_u64(r) * n;
    }
    return (uint64_t)(product >> 64);
}

double ig_rng_uniform(ig_rng *r) {
    return (double)(next_u64(r) >> 11) * 0x1p-53;
}

/* The sine partner is thrown away: one block of four words per number keeps the position easy to state. */
double ig_rng_normal(ig_rng *r) {
    double radius = sqrt(-2 * log(1 - ig_rng_uniform(r))); /* 1 - u is in (0,1] */
    double angle = 2 * M_PI * ig_rng_uniform(r);
    return radius * cos(angle);
}
