/* tests/base/random.c: Philox against the vectors of its authors' library, and the shape of what is drawn from it. */
#include "../check.h"

#include <math.h>

/* Random123 1.14, tests/kat_vectors, rows "philox4x32 10". */
static void philox_gives_the_vectors_of_random123(void **state) {
    (void)state;
    static const struct {
        uint64_t key, hi, lo;
        uint32_t words[4];
    } rows[] = {
        {0, 0, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {UINT64_MAX, UINT64_MAX, UINT64_MAX, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {0x299f31d0a4093822, 0x0370734413198a2e, 0x85a308d3243f6a88, {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint32_t out[4];
        ig_philox(rows[i].key, rows[i].hi, rows[i].lo, out);
        assert_memory_equal(out, rows[i].words, sizeof out);
    }
}

static void stream_is_the_blocks_in_order(void **state) {
    (void)state;
    ig_rng r;
    ig_rng_init(&r, 7, 3);
    for (uint64_t block = 0; block < 5; block++) {
        uint32_t out[4];
        ig_philox(7, 3, block, out);
        for (int i = 0; i < 4; i++) assert_int_equal(ig_rng_u32(&r), out[i]);
    }
}

static void below_is_in_range_and_even(void **state) {
    (void)state;
    enum { N = 7, DRAWS = 70000 };
    int count[N] = {0};
    ig_rng r;
    ig_rng_init(&r, 1, 1);
    for (int i = 0; i < DRAWS; i++) {
        uint64_t v = ig_rng_below(&r, N);
        assert_in_range(v, 0, N - 1);
        count[v]++;
    }
    /* chi-square with 6 degrees of freedom: 99.99 % stay below 27.9, and the stream is fixed */
    double chi = 0, expected = (double)DRAWS / N;
    for (int i = 0; i < N; i++) chi += (count[i] - expected) * (count[i] - expected) / expected;
    assert_true(chi < 27.9);
    assert_int_equal(ig_rng_below(&r, 1), 0);
    for (int i = 0; i < 100; i++) assert_true(ig_rng_below(&r, (UINT64_MAX / 2) + 2) <= UINT64_MAX / 2 + 1);
}

static void uniform_and_normal_have_their_moments(void **state) {
    (void)state;
    enum { DRAWS = 100000 };
    ig_rng r;
    ig_rng_init(&r, 5, 0);
    double sum = 0, normal_sum = 0, normal_squares = 0;
    for (int i = 0; i < DRAWS; i++) {
        double u = ig_rng_uniform(&r), z = ig_rng_normal(&r);
        assert_true(u >= 0 && u < 1 && isfinite(z));
        sum += u;
        normal_sum += z;
        normal_squares += z * z;
    }
    /* five standard errors: sigma/sqrt(n) of the means, sqrt(2/n) of the variance */
    assert_true(fabs(sum / DRAWS - 0.5) < 5 * sqrt(1.0 / 12 / DRAWS));
    assert_true(fabs(normal_sum / DRAWS) < 5 / sqrt(DRAWS));
    assert_true(fabs(normal_squares / DRAWS - 1) < 5 * sqrt(2.0 / DRAWS));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_gives_the_vectors_of_random123),
        cmocka_unit_test(stream_is_the_blocks_in_order),
        cmocka_unit_test(below_is_in_range_and_even),
        cmocka_unit_test(uniform_and_normal_have_their_moments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
