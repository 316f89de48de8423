/* tests/infer/test_evaluate.c: the loss of a text against the same windows computed by hand. */
#include <math.h>

#include "../models/tiny.h"
#include "ingot/infer.h"

#include "../check.h"

static ig_context *ctx;

static int set_up(void **state) {
    (void)state;
    return ig_context_new(NULL, &ctx, NULL) == IG_OK ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    ig_context_free(ctx);
    return 0;
}

#define LONGEST 300
static int32_t text[LONGEST];

static double negative_log_likelihood(const float *logits, int32_t target) {
    double sum = 0;
    for (int v = 0; v < TINY_V; v++) sum += exp(logits[v]);
    return log(sum) - logits[target];
}

/* Window after window in f64: every token but the first, each window from position 0. */
static double by_hand(ig_model *m, int64_t n, int64_t T) {
    static float logits[TINY_CONTEXT * TINY_V];
    int64_t tokens[TINY_CONTEXT];
    double sum = 0;
    for (int64_t at = 0; at < n - 1; at += T) {
        int64_t length = n - 1 - at < T ? n - 1 - at : T;
        for (int64_t i = 0; i < length; i++) tokens[i] = text[at + i];
        tiny_logits(m, tokens, 1, length, logits);
        for (int64_t i = 0; i < length; i++) sum += negative_log_likelihood(logits + i * TINY_V, text[at + i + 1]);
    }
    return sum / (double)(n - 1);
}

static ig_eval_result evaluated(ig_model *m, size_t n, int64_t T, int64_t batch) {
    ig_eval_result r;
    ig_error err;
    check_ok(ig_eval_text(m, text, n, &(ig_eval_opts){.context_max = T, .batch = batch}, &r, &err));
    return r;
}

static void loss_is_that_of_the_windows(void **state) {
    (void)state;
    const size_t lengths[] = {2, 3, 9, 32, 33, 34, 65, 100, LONGEST};
    const char *configs[] = {tiny_gpt2_json, tiny_llama_json};
    for (int i = 0; i < LONGEST; i++) text[i] = tiny_token(i);
    for (int c = 0; c < 2; c++) {
        ig_model *m = tiny_model(ctx, configs[c], 5);
        for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
            for (int64_t T = 8; T <= TINY_CONTEXT; T += 24) {
                ig_eval_result r = evaluated(m, lengths[i], T, 0);
                double expected = by_hand(m, (int64_t)lengths[i], T);
                if (fabs(r.loss - expected) > 1e-5 * expected) fail_msg("%zu tokens: %g, not %g", lengths[i], r.loss, expected);
                assert_int_equal(r.tokens, lengths[i] - 1);
                assert_true(fabs(r.perplexity - exp(r.loss)) < 1e-9 * r.perplexity);
                assert_true(r.bits_per_byte == 0);
            }
        }
        ig_model_free(m);
    }
}

static void the_batch_changes_nothing_but_rounding(void **state) {
    (void)state;
    ig_model *m = tiny_model(ctx, tiny_llama_json, 5);
    double one = evaluated(m, LONGEST, 16, 1).loss;
    for (int64_t batch = 2; batch < 30; batch += 3) assert_true(fabs(evaluated(m, LONGEST, 16, batch).loss - one) < 1e-6 * one);
    ig_model_free(m);
}

/* One byte per token: bits per byte are bits per token. */
static void bits_per_byte_count_the_predicted_bytes(void **state) {
    (void)state;
    ig_error err;
    char all[TINY_V];
    for (int i = 0; i < TINY_V; i++) all[i] = (char)(32 + i);
    ig_model *m = tiny_model(ctx, tiny_gpt2_json, 5);
    check_ok(ig_tokenizer_train(IG_TOKENIZER_CHAR, 0, all, TINY_V, NULL, &m->tokenizer, &err));
    ig_eval_result r = evaluated(m, 100, 0, 0);
    assert_int_equal(r.bytes, 99);
    assert_true(fabs(r.bits_per_byte - r.loss / log(2)) < 1e-12);
    ig_model_free(m);
}

static bool stop_after_two(void *arg, int64_t done, int64_t total) {
    assert_true(done > 0 && done <= total && total == LONGEST - 1);
    return ++*(int *)arg < 2;
}

static void it_can_be_stopped(void **state) {
    (void)state;
    int calls = 0;
    ig_eval_result r;
    ig_model *m = tiny_model(ctx, tiny_gpt2_json, 5);
    ig_eval_opts o = {.batch = 1, .progress = stop_after_two, .arg = &calls};
    check_fails(ig_eval_text(m, text, LONGEST, &o, &r, NULL), IG_E_CANCELLED);
    assert_int_equal(calls, 2);
    ig_model_free(m);
}

static void wrong_texts_are_refused(void **state) {
    (void)state;
    ig_error err;
    ig_eval_result r;
    ig_model *m = tiny_model(ctx, tiny_gpt2_json, 5);
    check_fails(ig_eval_text(m, text, 1, NULL, &r, &err), IG_E_ARG);
    check_fails(ig_eval_text(m, (int32_t[]){1, 2, 65}, 3, NULL, &r, &err), IG_E_ARG);
    assert_non_null(strstr(err.message, "token 65 at place 2"));
    ig_model_free(m);
}

static void failed_allocations_are_statuses(void **state) {
    (void)state;
    ig_model *m = tiny_model(ctx, tiny_gpt2_json, 5);
    ig_status status = IG_E_NOMEM;
    for (uint64_t n = 1; status != IG_OK; n++) {
        ig_eval_result r;
        ig_alloc_fail_at(n);
        status = ig_eval_text(m, text, 40, NULL, &r, NULL);
        bool failed = ig_alloc_fail_at(0) >= n;
        assert_int_equal(status, failed ? IG_E_NOMEM : IG_OK);
    }
    ig_model_free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loss_is_that_of_the_windows),
        cmocka_unit_test(the_batch_changes_nothing_but_rounding),
        cmocka_unit_test(bits_per_byte_count_the_predicted_bytes),
        cmocka_unit_test(it_can_be_stopped),
        cmocka_unit_test(wrong_texts_are_refused),
        cmocka_unit_test(failed_allocations_are_statuses),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
