/* tests/tensor/kernels/kernel_check.h: what the kernel tests share: sizes, extreme values, guarded arrays, and the loop over
 * the instruction sets of this processor.
 *
 * Results are compared with the double-precision twin or with plain loops in double written in the test.  Tolerances are
 * multiples of the unit roundoff of f32, EPS = 2^-24, times the number of roundings, times the magnitude that was summed.
 */
#ifndef TESTS_KERNEL_CHECK_H
#define TESTS_KERNEL_CHECK_H

#include <math.h>

#include "../../check.h"
#include "tensor/kernels/kernels.h"

#define EPS 5.9604644775390625e-08

static const size_t sizes[] = {1, 2, 3, 7, 15, 16, 17, 31, 33, 63, 64, 65, 127, 1000, 1023};
#define COUNT(array) (sizeof(array) / sizeof *(array))
#define LARGEST 1023
#define EACH_SIZE(n) for (size_t size_ = 0, n = sizes[0]; size_ < COUNT(sizes) && (n = sizes[size_], true); size_++)

/* `k` is each table that this processor can run. */
#define EACH_SET(k)                                                                                                    \
    for (int set_ = IG_CPU_REFERENCE; set_ <= IG_CPU_AVX512; set_++)                                                   \
        for (const ig_kernels *k = ig_kernels_for((ig_cpu)set_); k; k = NULL)

static uint64_t random_state = 1;
static inline double random_in(double low, double high) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return low + (high - low) * (double)(random_state >> 11) / 9007199254740992.0;
}
static inline void fill(float *x, size_t n, double low, double high) {
    for (size_t i = 0; i < n; i++) x[i] = (float)random_in(low, high);
}

/* An array of n floats ends right before a guard that nobody may write. */
#define GUARD 32
static inline float *guarded(size_t n) {
    float *x = malloc((n + GUARD) * sizeof *x);
    assert_non_null(x);
    memset(x, 0xa5, (n + GUARD) * sizeof *x);
    return x;
}
static inline void check_guard(const float *x, size_t n) {
    const unsigned char *p = (const unsigned char *)(x + n);
    for (size_t i = 0; i < GUARD * sizeof *x; i++)
        if (p[i] != 0xa5) fail_msg("wrote %zu bytes behind the end of %zu elements", i + 1, n);
}
static inline void free_guarded(float *x, size_t n) {
    check_guard(x, n);
    free(x);
}

/* The sign and payload of a NaN are nobody's business: they depend on the order of operands. */
static inline bool same_bits(const float *a, const float *b, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (memcmp(a + i, b + i, sizeof *a) != 0 && !(isnan(a[i]) && isnan(b[i]))) return false;
    return true;
}

/* |got - want| <= tolerance; both NaN, or equal infinities, are equal. */
static inline void check_near(const char *what, size_t n, size_t i, double got, double want, double tolerance) {
    if (isnan(want) && isnan(got)) return;
    if (got == want || fabs(got - want) <= tolerance) return;
    fail_msg("%s, n = %zu, element %zu: %.9g, expected %.9g (difference %.3g, tolerance %.3g)", what, n, i, got, want, got - want, tolerance);
}

#endif
