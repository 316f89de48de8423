/* tests/data/test_batches.c: which tokens are trained on and measured, and how often. */
#include "../check.h"

#include "ingot/data.h"

static int32_t tokens[1000];

static int fill_tokens(void **state) {
    (void)state;
    for (int i = 0; i < 1000; i++) tokens[i] = i;
    return 0;
}

static ig_batches batches_of(size_t count, int64_t batch, int64_t context, ig_batch_order order, uint64_t seed) {
    ig_batches b;
    ig_error err;
    check_ok(ig_batches_init(&b, tokens, count, batch, context, order, seed, &err));
    return b;
}

static void batches_are_the_same_for_the_same_seed_and_number(void **state) {
    (void)state;
    for (int order = IG_ORDER_RANDOM; order <= IG_ORDER_SHUFFLED; order++) {
        int64_t first[8][4], again[4];
        ig_batches a = batches_of(1000, 4, 16, (ig_batch_order)order, 7);
        for (int64_t i = 0; i < 8; i++) ig_batches_offsets(&a, i, first[i]);
        ig_batches b = batches_of(1000, 4, 16, (ig_batch_order)order, 7); /* new, and asked backwards */
        for (int64_t i = 7; i >= 0; i--) {
            ig_batches_offsets(&b, i, again);
            assert_memory_equal(first[i], again, sizeof again);
        }
        ig_batches other = batches_of(1000, 4, 16, (ig_batch_order)order, 8);
        ig_batches_offsets(&other, 0, again);
        assert_memory_not_equal(first[0], again, sizeof again);
        assert_memory_not_equal(first[0], first[1], sizeof again);
    }
}

static void targets_are_the_inputs_one_further(void **state) {
    (void)state;
    int64_t in[2][5], out[2][5], shape[2] = {2, 5}, offsets[2] = {0, 994};
    ig_tensor inputs, targets;
    ig_error err;
    ig_batches b = batches_of(1000, 2, 5, IG_ORDER_RANDOM, 1);
    check_ok(ig_tensor_wrap(&inputs, in, IG_DTYPE_I64, 2, shape, &err));
    check_ok(ig_tensor_wrap(&targets, out, IG_DTYPE_I64, 2, shape, &err));
    ig_batches_fill(&b, offsets, &inputs, &targets);
    for (int r = 0; r < 2; r++)
        for (int t = 0; t < 5; t++) {
            assert_int_equal(in[r][t], offsets[r] + t);
            assert_int_equal(out[r][t], offsets[r] + t + 1);
        }
}

/* 100 places, 10,000 draws: each 100 times, deviation 10. */
static void random_windows_begin_everywhere_and_never_run_over_the_end(void **state) {
    (void)state;
    int seen[100] = {0};
    ig_batches b = batches_of(108, 4, 8, IG_ORDER_RANDOM, 3);
    for (int64_t i = 0; i < 2500; i++) {
        int64_t at[4];
        ig_batches_offsets(&b, i, at);
        for (int r = 0; r < 4; r++) {
            assert_in_range(at[r], 0, 99); /* 99 + 8 is the last target */
            seen[at[r]]++;
        }
    }
    for (int i = 0; i < 100; i++) assert_in_range(seen[i], 50, 150);
}

static void an_epoch_has_every_window_once_in_an_order_of_its_own(void **state) {
    (void)state;
    ig_batches b = batches_of(1000, 3, 16, IG_ORDER_SHUFFLED, 3); /* 62 windows, 7 tokens over */
    int64_t order[2][62];
    for (int64_t n = 0; n < 124; n++) { /* batches of 3 run over the border of the epochs */
        int64_t at[3];
        ig_batches_offsets(&b, n / 3, at);
        order[n / 62][n % 62] = at[n % 3];
    }
    for (int e = 0; e < 2; e++) {
        int64_t phase = order[e][0] % 16;
        bool seen[62] = {false};
        assert_in_range(phase, 0, 7);
        for (int i = 0; i < 62; i++) {
            assert_int_equal(order[e][i] % 16, phase);
            assert_false(seen[order[e][i] / 16]);
            seen[order[e][i] / 16] = true;
        }
    }
    assert_memory_not_equal(order[0], order[1], sizeof order[0]);
    assert_true(ig_batches_epoch(&b, 62) == 3);
}

/* 997 tokens in 3 stretches of 332, 20 windows of 16 each. */
static void sequential_rows_read_on_and_begin_anew_with_the_epoch(void **state) {
    (void)state;
    ig_batches b = batches_of(997, 3, 16, IG_ORDER_SEQUENTIAL, 3);
    for (int64_t i = 0; i < 40; i++) {
        int64_t at[3];
        ig_batches_offsets(&b, i, at);
        assert_int_equal(ig_batches_begin(&b, i), i % 20 == 0);
        for (int64_t row = 0; row < 3; row++) assert_int_equal(at[row], row * 332 + i % 20 * 16);
    }
    assert_true(ig_batches_epoch(&b, 30) == 1.5);
    ig_error err = {0};
    check_fails(ig_batches_init(&b, tokens, 40, 3, 16, IG_ORDER_SEQUENTIAL, 0, &err), IG_E_ARG);
}

static void permutation_is_one_for_every_size(void **state) {
    (void)state;
    for (uint64_t n = 1; n < 300; n++) {
        bool seen[300] = {false};
        for (uint64_t i = 0; i < n; i++) {
            uint64_t p = ig_permute(99, n, i);
            assert_true(p < n && !seen[p]);
            seen[p] = true;
        }
    }
    assert_true(ig_permute(1, UINT64_C(1) << 40, 12345) < UINT64_C(1) << 40);
}

static void a_text_shorter_than_a_window_is_refused_with_what_is_needed(void **state) {
    (void)state;
    ig_batches b;
    ig_error err;
    check_fails(ig_batches_init(&b, tokens, 16, 1, 16, IG_ORDER_RANDOM, 0, &err), IG_E_ARG);
    assert_non_null(strstr(err.message, "16 tokens"));
    assert_non_null(strstr(err.message, "needs 17"));
    check_ok(ig_batches_init(&b, tokens, 17, 1, 16, IG_ORDER_SHUFFLED, 0, &err));
    assert_int_equal(b.windows, 1);
    check_fails(ig_batches_init(&b, tokens, 100, 0, 16, IG_ORDER_RANDOM, 0, &err), IG_E_ARG);
}

static void check_every_token_once(size_t count, int64_t context, int64_t rows) {
    ig_windows w;
    ig_error err;
    int64_t *in = calloc((size_t)(rows * context), sizeof *in), *out = calloc((size_t)(rows * context), sizeof *out), shape[2] = {rows, context}, total = 0;
    int *seen = calloc(count, sizeof *seen);
    ig_tensor inputs, targets;
    check_ok(ig_tensor_wrap(&inputs, in, IG_DTYPE_I64, 2, shape, &err));
    check_ok(ig_tensor_wrap(&targets, out, IG_DTYPE_I64, 2, shape, &err));
    check_ok(ig_windows_init(&w, tokens, count, context, 0, &err));
    for (int64_t at = 0, n; (n = ig_windows_fill(&w, at, &inputs, &targets)) > 0; at += rows) {
        total += n;
        for (int64_t i = 0; i < rows * context; i++) {
            if (out[i] == IG_NO_TARGET) continue;
            assert_int_equal(out[i], in[i] + 1); /* the tokens are their places */
            seen[out[i]]++;
        }
    }
    assert_int_equal(total, (int64_t)count - 1);
    assert_int_equal(seen[0], 0);
    for (size_t i = 1; i < count; i++) assert_int_equal(seen[i], 1);
    free(in);
    free(out);
    free(seen);
}

static void every_validation_token_is_counted_once(void **state) {
    (void)state;
    const size_t counts[] = {2, 3, 8, 9, 10, 17, 100, 997, 1000};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
        for (int64_t context = 1; context <= 33; context += 8)
            for (int64_t rows = 1; rows <= 7; rows += 2) check_every_token_once(counts[c], context, rows);
}

static void limited_windows_are_spread_over_the_text(void **state) {
    (void)state;
    ig_windows w;
    ig_error err;
    int64_t in[4][10], out[4][10], shape[2] = {4, 10};
    ig_tensor inputs, targets;
    check_ok(ig_tensor_wrap(&inputs, in, IG_DTYPE_I64, 2, shape, &err));
    check_ok(ig_tensor_wrap(&targets, out, IG_DTYPE_I64, 2, shape, &err));
    check_ok(ig_windows_init(&w, tokens, 1000, 10, 4, &err)); /* 4 of 100 windows */
    assert_int_equal(ig_windows_fill(&w, 0, &inputs, &targets), 40);
    for (int r = 0; r < 4; r++) assert_int_equal(in[r][0], 250 * r);
    assert_int_equal(ig_windows_fill(&w, 4, &inputs, &targets), 0);
    check_fails(ig_windows_init(&w, tokens, 1, 10, 0, &err), IG_E_ARG);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_are_the_same_for_the_same_seed_and_number),
        cmocka_unit_test(targets_are_the_inputs_one_further),
        cmocka_unit_test(random_windows_begin_everywhere_and_never_run_over_the_end),
        cmocka_unit_test(an_epoch_has_every_window_once_in_an_order_of_its_own),
        cmocka_unit_test(sequential_rows_read_on_and_begin_anew_with_the_epoch),
        cmocka_unit_test(permutation_is_one_for_every_size),
        cmocka_unit_test(a_text_shorter_than_a_window_is_refused_with_what_is_needed),
        cmocka_unit_test(every_validation_token_is_counted_once),
        cmocka_unit_test(limited_windows_are_spread_over_the_text),
    };
    return cmocka_run_group_tests(tests, fill_tokens, NULL);
}
