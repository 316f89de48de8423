/* data/permute.c: a permutation that is computed and not stored.
 *
 *     i = (L, R), each `half` bits      four rounds:  (L, R) ← (R, L ⊕ F(round, R))
 *
 * A Feistel network permutes 0 … 2^(2·half) - 1 whatever F is; F is Philox keyed with the permutation's key (Luby & Rackoff
 * 1988: four rounds of a random function look random).  Results of n or more go round again, which leads back into 0 … n-1
 * because a permutation consists of cycles (Black & Rogaway 2002); with 2^(2·half) < 4n that takes fewer than four
 * rounds on average.
 */
#include "ingot/data.h"

static uint64_t feistel(uint64_t key, int half, uint64_t i) {
    uint64_t mask = (UINT64_C(1) << half) - 1, left = i >> half, right = i & mask;
    for (uint64_t round = 0; round < 4; round++) {
        uint32_t word[4];
        ig_philox(key, round, right, word);
        uint64_t next = left ^ (word[0] & mask);
        left = right;
        right = next;
    }
    return left << half | right;
}

uint64_t ig_permute(uint64_t key, uint64_t n, uint64_t i) {
    int half = 1;
    while (half < 31 && (UINT64_C(1) << (2 * half)) < n) half++;
    do i = feistel(key, half, i);
    while (i >= n);
    return i;
}
