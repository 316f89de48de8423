/* tests/infer/test_session.c: reading with a key/value cache gives what reading everything at once gives. */
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

static const char *const configs[] = {tiny_gpt2_json, tiny_gpt2_untied_json, tiny_llama_json, tiny_llama_tied_json};
#define CONFIGS 4

static ig_session *session(ig_model *m, const ig_session_opts *o) {
    ig_session *s = NULL;
    ig_error err;
    check_ok(ig_session_open(m, o, &s, &err));
    return s;
}

static void feed(ig_session *s, int64_t from, size_t n) {
    int32_t tokens[256];
    ig_error err;
    for (size_t i = 0; i < n; i++) tokens[i] = tiny_token(from + (int64_t)i);
    check_ok(ig_session_feed(s, tokens, n, &err));
}

/* f32 sums of 32 to 128 terms of order 1 in another order. */
static void assert_close(const float *a, const float *b, const char *what) {
    for (int v = 0; v < TINY_V; v++)
        if (!(fabsf(a[v] - b[v]) <= 1e-5f * fmaxf(1, fabsf(b[v])))) fail_msg("%s: logit %d is %.8g, not %.8g", what, v, (double)a[v], (double)b[v]);
}

static void full_logits(ig_model *m, int64_t T, float *out) {
    int64_t tokens[256];
    for (int64_t i = 0; i < T; i++) tokens[i] = tiny_token(i);
    tiny_logits(m, tokens, 1, T, out);
}

static void one_by_one_equals_all_at_once(void **state) {
    (void)state;
    static float full[TINY_CONTEXT * TINY_V];
    for (int c = 0; c < CONFIGS; c++) {
        ig_model *m = tiny_model(ctx, configs[c], 3);
        ig_session *s = session(m, NULL);
        full_logits(m, TINY_CONTEXT, full);
        for (int t = 0; t < TINY_CONTEXT; t++) {
            feed(s, t, 1);
            assert_close(ig_session_logits(s), full + t * TINY_V, configs[c]);
        }
        ig_session_close(s);
        ig_model_free(m);
    }
}

/* Every way to cut a prompt in two, with its parts read in padded chunks or one by one. */
static void every_cut_of_a_prompt_equals_all_at_once(void **state) {
    (void)state;
    static float full[TINY_CONTEXT * TINY_V];
    for (int c = 0; c < CONFIGS; c++) {
        ig_model *m = tiny_model(ctx, configs[c], 4);
        ig_session *s = session(m, NULL);
        ig_error err;
        full_logits(m, TINY_CONTEXT, full);
        for (size_t cut = 1; cut < TINY_CONTEXT; cut++) {
            feed(s, 0, cut);
            assert_close(ig_session_logits(s), full + (cut - 1) * TINY_V, "first part");
            feed(s, (int64_t)cut, TINY_CONTEXT - cut);
            assert_close(ig_session_logits(s), full + (TINY_CONTEXT - 1) * TINY_V, "second part");
            check_ok(ig_session_rewind(s, 0, &err));
        }
        ig_session_close(s);
        ig_model_free(m);
    }
}

static const char long_json[] = "{\"model_type\": \"llama\", \"vocab_size\": 65, \"max_position_embeddings\": 200, \"hidden_size\": 32,"
                                " \"intermediate_size\": 40, \"num_hidden_layers\": 2, \"num_attention_heads\": 4,"
                                " \"num_key_value_heads\": 2, \"initializer_range\": 0.2}";

static void prompts_longer_than_a_chunk_equal_all_at_once(void **state) {
    (void)state;
    static float full[200 * TINY_V];
    const size_t lengths[] = {63, 64, 65, 67, 68, 127, 128, 129, 190, 200};
    ig_model *m = tiny_model(ctx, long_json, 4);
    ig_session *s = session(m, NULL);
    ig_error err;
    full_logits(m, 200, full);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        feed(s, 0, lengths[i]);
        assert_close(ig_session_logits(s), full + (lengths[i] - 1) * TINY_V, "long");
        check_ok(ig_session_rewind(s, 0, &err));
    }
    ig_session_close(s);
    ig_model_free(m);
}

static void beginnings_cut_on_the_grid_keep_the_bits(void **state) {
    (void)state;
    float bits[TINY_V];
    ig_error err;
    ig_model *m = tiny_model(ctx, long_json, 4);
    ig_session *s = session(m, NULL);
    feed(s, 0, 150);
    memcpy(bits, ig_session_logits(s), sizeof bits);
    check_ok(ig_session_rewind(s, 64, &err));
    assert_null(ig_session_logits(s));
    feed(s, 64, 86);
    assert_memory_equal(bits, ig_session_logits(s), sizeof bits);
    ig_session_close(s);
    ig_model_free(m);
}

static void sessions_do_not_disturb_each_other(void **state) {
    (void)state;
    float bits[TINY_V];
    ig_model *m = tiny_model(ctx, tiny_gpt2_json, 4);
    ig_session *a = session(m, NULL), *b = session(m, NULL);
    feed(a, 0, 10);
    memcpy(bits, ig_session_logits(a), sizeof bits);
    feed(b, 5, 3);
    feed(b, 0, 10);
    assert_memory_equal(bits, ig_session_logits(a), sizeof bits);
    ig_session_close(a);
    feed(b, 1, 1);
    ig_session_close(b);
    ig_model_free(m);
}

static void a_full_context_is_told_and_changes_nothing(void **state) {
    (void)state;
    ig_error err;
    int32_t token = 1;
    ig_model *m = tiny_model(ctx, tiny_gpt2_json, 4);
    ig_session *s = session(m, NULL);
    feed(s, 0, TINY_CONTEXT);
    const float *logits = ig_session_logits(s);
    check_fails(ig_session_feed(s, &token, 1, &err), IG_E_LIMIT);
    assert_non_null(strstr(err.message, "context of 32"));
    assert_int_equal(ig_session_length(s), TINY_CONTEXT);
    assert_ptr_equal(ig_session_logits(s), logits);
    ig_session_close(s);
    ig_model_free(m);
}

/* The window after sliding is the last half of the context, read from position 0. */
static void a_sliding_session_reads_the_last_half_again(void **state) {
    (void)state;
    for (int c = 0; c < CONFIGS; c++) {
        ig_model *m = tiny_model(ctx, configs[c], 4);
        ig_session *s = session(m, &(ig_session_opts){.slide = true}), *fresh = session(m, NULL);
        feed(s, 0, TINY_CONTEXT);
        feed(s, TINY_CONTEXT, 1);
        assert_int_equal(ig_session_length(s), TINY_CONTEXT / 2);
        feed(fresh, TINY_CONTEXT / 2 + 1, TINY_CONTEXT / 2);
        assert_memory_equal(ig_session_tokens(s), ig_session_tokens(fresh), TINY_CONTEXT / 2 * sizeof(int32_t));
        assert_memory_equal(ig_session_logits(s), ig_session_logits(fresh), TINY_V * sizeof(float));
        feed(s, 0, 100); /* longer than the context */
        assert_int_equal(ig_session_length(s), TINY_CONTEXT / 2);
        ig_session_close(s);
        ig_session_close(fresh);
        ig_model_free(m);
    }
}

static void wrong_tokens_and_lengths_are_refused(void **state) {
    (void)state;
    ig_error err;
    ig_model *m = tiny_model(ctx, tiny_gpt2_json, 4);
    ig_session *s = session(m, &(ig_session_opts){.context_max = 8});
    assert_int_equal(ig_session_context(s), 8);
    check_fails(ig_session_feed(s, (int32_t[]){1, 65}, 2, &err), IG_E_ARG);
    assert_non_null(strstr(err.message, "token 65 at place 1"));
    check_fails(ig_session_feed(s, (int32_t[]){-1}, 1, &err), IG_E_ARG);
    check_fails(ig_session_feed(s, NULL, 0, &err), IG_E_ARG);
    assert_int_equal(ig_session_length(s), 0);
    feed(s, 0, 8);
    check_fails(ig_session_rewind(s, 9, &err), IG_E_ARG);
    check_fails(ig_session_rewind(s, -1, &err), IG_E_ARG);
    ig_session_close(s);
    ig_model_free(m);
}

/* bf16 keeps 8 bits: products of 32 terms are off by some 2^-9 of their size, and two layers add up. */
static void prompts_in_bf16_are_near(void **state) {
    (void)state;
    for (int c = 0; c < CONFIGS; c++) {
        ig_model *m = tiny_model(ctx, configs[c], 4);
        ig_session *a = session(m, NULL), *b = session(m, &(ig_session_opts){.bf16 = true});
        double difference = 0, norm = 0;
        feed(a, 0, 20);
        feed(b, 0, 20);
        for (int v = 0; v < TINY_V; v++) {
            double x = ig_session_logits(a)[v], d = ig_session_logits(b)[v] - x;
            difference += d * d;
            norm += x * x;
        }
        assert_true(difference > 0 && sqrt(difference / norm) < 0.02);
        ig_session_close(a);
        ig_session_close(b);
        ig_model_free(m);
    }
}

static void failed_allocations_leave_a_usable_session(void **state) {
    (void)state;
    ig_model *m = tiny_model(ctx, tiny_llama_json, 4);
    int32_t tokens[10] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    bool done = false;
    for (uint64_t n = 1; !done; n++) {
        ig_session *s = NULL;
        ig_alloc_fail_at(n);
        ig_status status = ig_session_open(m, NULL, &s, NULL);
        if (status == IG_OK) status = ig_session_feed(s, tokens, 10, NULL);
        uint64_t seen = ig_alloc_fail_at(0);
        done = seen < n;
        assert_int_equal(status, done ? IG_OK : IG_E_NOMEM);
        if (s) assert_int_equal(ig_session_feed(s, tokens, 10, NULL), IG_OK);
        ig_session_close(s);
    }
    ig_model_free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_by_one_equals_all_at_once),
        cmocka_unit_test(every_cut_of_a_prompt_equals_all_at_once),
        cmocka_unit_test(prompts_longer_than_a_chunk_equal_all_at_once),
        cmocka_unit_test(beginnings_cut_on_the_grid_keep_the_bits),
        cmocka_unit_test(sessions_do_not_disturb_each_other),
        cmocka_unit_test(a_full_context_is_told_and_changes_nothing),
        cmocka_unit_test(a_sliding_session_reads_the_last_half_again),
        cmocka_unit_test(wrong_tokens_and_lengths_are_refused),
        cmocka_unit_test(prompts_in_bf16_are_near),
        cmocka_unit_test(failed_allocations_leave_a_usable_session),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
