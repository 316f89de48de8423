/* tests/infer/test_sampling.c: cuts and penalties on logits made by hand, and the distribution of draws. */
#include <math.h>

#include "ingot/infer.h"

#include "../check.h"

#define DRAWS 20000

/* Probabilities 0.5, 0.3, 0.15, 0.05, in an order that is not theirs. */
#define V 4
static float logits[V];
static const double probability[V] = {0.15, 0.5, 0.05, 0.3};

static int set_up(void **state) {
    (void)state;
    for (int i = 0; i < V; i++) logits[i] = (float)log(probability[i]) + 3;
    return 0;
}

static ig_sampler *sampler(const ig_sampling *o, int64_t vocab) {
    ig_sampler *s = NULL;
    ig_error err;
    check_ok(ig_sampler_new(vocab, o, &s, &err));
    return s;
}

/* Share of each token in DRAWS draws. */
static void shares(const ig_sampling *o, double *share) {
    ig_sampler *s = sampler(o, V);
    ig_choice c;
    ig_error err;
    memset(share, 0, V * sizeof *share);
    for (int i = 0; i < DRAWS; i++) {
        check_ok(ig_sampler_choose(s, logits, &c, &err));
        share[c.id] += 1.0 / DRAWS;
    }
    ig_sampler_free(s);
}

/* The deviation of a share is at most sqrt(0.25/20000) = 0.0035; four of them. */
static void assert_shares(const ig_sampling *o, const double *expected) {
    double share[V];
    shares(o, share);
    for (int i = 0; i < V; i++) {
        if (expected[i] == 0) assert_true(share[i] == 0);
        if (fabs(share[i] - expected[i]) > 0.0142) fail_msg("token %d: share %g, expected %g", i, share[i], expected[i]);
    }
}

static void draws_follow_the_softmax(void **state) {
    (void)state;
    assert_shares(&(ig_sampling){.temperature = 1}, probability);
    assert_shares(&(ig_sampling){.temperature = 1, .top_p = 1, .top_k = V, .repetition_penalty = 1}, probability);
}

static void temperature_sharpens(void **state) {
    (void)state;
    double p[V], sum = 0;
    for (int i = 0; i < V; i++) sum += p[i] = probability[i] * probability[i];
    for (int i = 0; i < V; i++) p[i] /= sum;
    assert_shares(&(ig_sampling){.temperature = 0.5}, p);
}

static void top_k_keeps_exactly_k(void **state) {
    (void)state;
    assert_shares(&(ig_sampling){.temperature = 1, .top_k = 1}, (double[V]){0, 1, 0, 0});
    assert_shares(&(ig_sampling){.temperature = 1, .top_k = 2}, (double[V]){0, 0.625, 0, 0.375});
    assert_shares(&(ig_sampling){.temperature = 1, .top_k = 3}, (double[V]){0.15 / 0.95, 0.5 / 0.95, 0, 0.3 / 0.95});
}

/* 0.5 + 0.3 reaches 0.8 exactly: the third token stays out in spite of rounding; a little more lets it in. */
static void top_p_keeps_the_fewest_that_reach_it(void **state) {
    (void)state;
    assert_shares(&(ig_sampling){.temperature = 1, .top_p = 0.001}, (double[V]){0, 1, 0, 0});
    assert_shares(&(ig_sampling){.temperature = 1, .top_p = 0.49}, (double[V]){0, 1, 0, 0});
    assert_shares(&(ig_sampling){.temperature = 1, .top_p = 0.51}, (double[V]){0, 0.625, 0, 0.375});
    assert_shares(&(ig_sampling){.temperature = 1, .top_p = 0.79}, (double[V]){0, 0.625, 0, 0.375});
    assert_shares(&(ig_sampling){.temperature = 1, .top_p = 0.81}, (double[V]){0.15 / 0.95, 0.5 / 0.95, 0, 0.3 / 0.95});
    assert_shares(&(ig_sampling){.temperature = 1, .top_p = 0.96}, probability);
}

static void exact_border_of_top_p(void **state) {
    (void)state;
    float even[10];
    int seen[10] = {0};
    ig_sampler *s = sampler(&(ig_sampling){.temperature = 1, .top_p = 0.7}, 10);
    ig_choice c;
    ig_error err;
    for (int i = 0; i < 10; i++) even[i] = 0.1f;
    for (int i = 0; i < 2000; i++) {
        check_ok(ig_sampler_choose(s, even, &c, &err));
        seen[c.id]++;
    }
    for (int i = 0; i < 10; i++) assert_int_equal(seen[i] > 0, i < 7); /* of equals the smaller ids */
    ig_sampler_free(s);
}

/* top_k renormalises before top_p: of 0.5 and 0.3 the first has 0.625. */
static void cuts_work_on_what_the_one_before_left(void **state) {
    (void)state;
    assert_shares(&(ig_sampling){.temperature = 1, .top_k = 2, .top_p = 0.6}, (double[V]){0, 1, 0, 0});
    assert_shares(&(ig_sampling){.temperature = 1, .top_k = 2, .top_p = 0.63}, (double[V]){0, 0.625, 0, 0.375});
    assert_shares(&(ig_sampling){.temperature = 1, .top_k = 3, .min_p = 0.5}, (double[V]){0, 0.625, 0, 0.375});
}

static void min_p_is_a_share_of_the_largest(void **state) {
    (void)state;
    assert_shares(&(ig_sampling){.temperature = 1, .min_p = 0.29}, (double[V]){0.15 / 0.95, 0.5 / 0.95, 0, 0.3 / 0.95});
    assert_shares(&(ig_sampling){.temperature = 1, .min_p = 0.31}, (double[V]){0, 0.625, 0, 0.375});
    assert_shares(&(ig_sampling){.temperature = 1, .min_p = 1}, (double[V]){0, 1, 0, 0});
}

static int32_t chosen(ig_sampler *s, const float *x) {
    ig_choice c;
    ig_error err;
    check_ok(ig_sampler_choose(s, x, &c, &err));
    return c.id;
}

static void greedy_takes_the_smaller_id_of_equals(void **state) {
    (void)state;
    ig_sampler *s = sampler(NULL, V);
    assert_int_equal(chosen(s, logits), 1);
    assert_int_equal(chosen(s, (float[V]){1, 2, 2, -INFINITY}), 1);
    ig_sampler_free(s);
}

static void repetition_penalty_divides_and_multiplies(void **state) {
    (void)state;
    ig_sampler *s = sampler(&(ig_sampling){.repetition_penalty = 2}, V);
    assert_int_equal(chosen(s, (float[V]){3, 2, 1, 0}), 0);
    assert_int_equal(chosen(s, (float[V]){3, 2, 1, 0}), 1);         /* 3/2 < 2 */
    ig_sampler_saw(s, 2);
    assert_int_equal(chosen(s, (float[V]){-9, -9, -1, -1.5f}), 3);  /* -1·2 < -1.5 */
    ig_sampler_free(s);
}

static void penalties_count_what_was_generated(void **state) {
    (void)state;
    ig_sampler *s = sampler(&(ig_sampling){.frequency_penalty = 0.4, .presence_penalty = 0.3}, V);
    ig_sampler_saw(s, 0); /* a prompt does not count */
    float x[V] = {2, 1, -9, -9};
    assert_int_equal(chosen(s, x), 0);
    assert_int_equal(chosen(s, x), 0); /* 2 - 0.7 */
    assert_int_equal(chosen(s, x), 1); /* 2 - 1.1 < 1 */
    ig_sampler_free(s);
}

/* The odds of a token are multiplied by exp(bias); what has -infinity is never chosen. */
static void bias_moves_the_odds(void **state) {
    (void)state;
    const ig_token_bias bias[] = {{0, (float)log(2)}, {1, -INFINITY}};
    double sum = 2 * 0.15 + 0.05 + 0.3;
    assert_shares(&(ig_sampling){.temperature = 1, .seed = 9, .bias = bias, .bias_count = 2},
                  (double[]){2 * 0.15 / sum, 0, 0.05 / sum, 0.3 / sum});
    const ig_token_bias outside = {V, 1}, no_number = {0, NAN};
    ig_sampler *s = NULL;
    assert_int_equal(ig_sampler_new(V, &(ig_sampling){.bias = &outside, .bias_count = 1}, &s, NULL), IG_E_ARG);
    assert_int_equal(ig_sampler_new(V, &(ig_sampling){.bias = &no_number, .bias_count = 1}, &s, NULL), IG_E_ARG);
    assert_null(s);
}

static void logprobs_are_those_of_the_model(void **state) {
    (void)state;
    ig_sampler *s = sampler(&(ig_sampling){.temperature = 0.1, .top_k = 1, .logprobs = 3, .repetition_penalty = 1.5}, V);
    ig_choice c;
    ig_error err;
    ig_sampler_saw(s, 3);
    check_ok(ig_sampler_choose(s, logits, &c, &err));
    assert_int_equal(c.id, 1);
    assert_true(fabs(c.logprob - log(0.5)) < 1e-6);
    assert_int_equal(c.top_count, 3);
    const int order[] = {1, 3, 0};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(c.top[i].id, order[i]);
        assert_true(fabs(c.top[i].logprob - log(probability[order[i]])) < 1e-6);
    }
    ig_sampler_free(s);
}

static void same_seed_same_choices(void **state) {
    (void)state;
    ig_sampler *a = sampler(&(ig_sampling){.temperature = 1, .seed = 5}, V), *b = sampler(&(ig_sampling){.temperature = 1, .seed = 5}, V);
    ig_sampler *other = sampler(&(ig_sampling){.temperature = 1, .seed = 6}, V);
    int differ = 0;
    for (int i = 0; i < 200; i++) {
        int32_t id = chosen(a, logits);
        assert_int_equal(id, chosen(b, logits));
        differ += id != chosen(other, logits);
    }
    assert_true(differ > 0);
    ig_sampler_free(a);
    ig_sampler_free(b);
    ig_sampler_free(other);
}

/* A large vocabulary with a wide spread: top_k by the heap is the top_k of a sort. */
static void heap_gives_the_most_likely_of_many(void **state) {
    (void)state;
    enum { MANY = 5000, K = 40 };
    static float x[MANY];
    ig_rng r;
    ig_rng_init(&r, 3, 0);
    for (int i = 0; i < MANY; i++) x[i] = (float)(4 * ig_rng_normal(&r));
    ig_sampler *s = sampler(&(ig_sampling){.temperature = 50, .top_k = K}, MANY);
    for (int n = 0; n < 500; n++) {
        int32_t id = chosen(s, x), larger = 0;
        for (int i = 0; i < MANY; i++) larger += x[i] > x[id];
        assert_true(larger < K);
    }
    ig_sampler_free(s);
}

static void logits_that_are_no_numbers_are_told(void **state) {
    (void)state;
    ig_sampler *s = sampler(&(ig_sampling){.temperature = 1}, V);
    ig_choice c;
    check_fails(ig_sampler_choose(s, (float[V]){0, NAN, 0, 0}, &c, NULL), IG_E_NUMERIC);
    check_fails(ig_sampler_choose(s, (float[V]){0, INFINITY, 0, 0}, &c, NULL), IG_E_NUMERIC);
    check_fails(ig_sampler_choose(s, (float[V]){-INFINITY, -INFINITY, -INFINITY, -INFINITY}, &c, NULL), IG_E_NUMERIC);
    for (int i = 0; i < 50; i++) assert_int_equal(chosen(s, (float[V]){-INFINITY, -INFINITY, 0, -INFINITY}), 2);
    ig_sampler_free(s);
}

static void settings_out_of_range_are_refused_by_name(void **state) {
    (void)state;
    const struct {
        ig_sampling o;
        const char *name;
    } cases[] = {
        {{.temperature = -1}, "temperature"}, {{.temperature = NAN}, "temperature"}, {{.top_k = -1}, "top_k"},
        {{.top_p = 1.1}, "top_p"}, {{.min_p = -0.1}, "min_p"}, {{.repetition_penalty = -2}, "repetition_penalty"},
        {{.frequency_penalty = 3}, "frequency_penalty"}, {{.presence_penalty = -3}, "presence_penalty"}, {{.logprobs = 21}, "logprobs"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ig_sampler *s = NULL;
        ig_error err;
        check_fails(ig_sampler_new(V, &cases[i].o, &s, &err), IG_E_ARG);
        assert_ptr_equal(strstr(err.message, cases[i].name), err.message);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draws_follow_the_softmax),
        cmocka_unit_test(temperature_sharpens),
        cmocka_unit_test(bias_moves_the_odds),
        cmocka_unit_test(top_k_keeps_exactly_k),
        cmocka_unit_test(top_p_keeps_the_fewest_that_reach_it),
        cmocka_unit_test(exact_border_of_top_p),
        cmocka_unit_test(cuts_work_on_what_the_one_before_left),
        cmocka_unit_test(min_p_is_a_share_of_the_largest),
        cmocka_unit_test(greedy_takes_the_smaller_id_of_equals),
        cmocka_unit_test(repetition_penalty_divides_and_multiplies),
        cmocka_unit_test(penalties_count_what_was_generated),
        cmocka_unit_test(logprobs_are_those_of_the_model),
        cmocka_unit_test(same_seed_same_choices),
        cmocka_unit_test(heap_gives_the_most_likely_of_many),
        cmocka_unit_test(logits_that_are_no_numbers_are_told),
        cmocka_unit_test(settings_out_of_range_are_refused_by_name),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
