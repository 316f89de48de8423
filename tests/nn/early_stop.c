/* tests/nn/early_stop.c: early stopping counts evaluations without improvement. */
#include <math.h>

#include "../check.h"
#include "ingot/nn.h"

static int stops_at(int64_t patience, double min_delta, const double *loss, int n) {
    ig_early_stop e;
    ig_early_stop_init(&e, patience, min_delta);
    for (int i = 0; i < n; i++)
        if (ig_early_stop_evaluated(&e, loss[i])) return i;
    return -1;
}

static void it_stops_after_patience_evaluations_without_improvement(void **state) {
    const double loss[] = {3, 2, 2.5, 1.9, 2, 1.95, 1.9, 1};
    (void)state;
    assert_int_equal(stops_at(3, 0, loss, 8), 6);
    assert_int_equal(stops_at(1, 0, loss, 8), 2);
    assert_int_equal(stops_at(4, 0, loss, 8), -1);
}

static void improvements_below_min_delta_do_not_count(void **state) {
    const double loss[] = {3, 2.95, 2.89, 2.88, 2.87};
    (void)state;
    assert_int_equal(stops_at(2, 0.1, loss, 5), 4); /* 2.89 is better than 3 by more than 0.1 */
    assert_int_equal(stops_at(2, 0.2, loss, 5), 2);
}

static void patience_0_never_stops(void **state) {
    const double loss[] = {1, 2, 3, 4, 5, 6};
    (void)state;
    assert_int_equal(stops_at(0, 0, loss, 6), -1);
}

static void nan_is_no_improvement(void **state) {
    const double loss[] = {NAN, NAN, 1, NAN, NAN, NAN};
    (void)state;
    assert_int_equal(stops_at(3, 0, loss, 6), 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_stops_after_patience_evaluations_without_improvement),
        cmocka_unit_test(improvements_below_min_delta_do_not_count),
        cmocka_unit_test(patience_0_never_stops),
        cmocka_unit_test(nan_is_no_improvement),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
