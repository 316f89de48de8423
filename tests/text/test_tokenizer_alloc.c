/* Every allocation may fail: the call then says so, leaves nothing behind, and works when tried again. */
#include "../check.h"

#include "ingot/text.h"

static ig_error err;
static const char text[] = "the cat, the hat <s> and the other cat; 12 \xe4\xbd\xa0\xe5\xa5\xbd \xff the end";
static const char *const special[] = {"<s>"};
static ig_tokenizer *trained;
static ig_buf file = {.max = 1 << 20};

static ig_status call_train(ig_tokenizer_kind kind) {
    ig_tokenizer *t = NULL;
    ig_tokenizer_train_opts opts = {.special = special, .special_count = 1, .byte_fallback = true};
    ig_status status = ig_tokenizer_train(kind, 300, text, sizeof text - 1, &opts, &t, &err);
    assert_true((status == IG_OK) == (t != NULL));
    ig_tokenizer_free(t);
    return status;
}

static ig_status train_bpe(void) { return call_train(IG_TOKENIZER_BPE); }
static ig_status train_char(void) { return call_train(IG_TOKENIZER_CHAR); }

static ig_status load(void) {
    ig_tokenizer *t = NULL;
    ig_status status = ig_tokenizer_parse("file", file.data, file.len, &t, &err);
    assert_true((status == IG_OK) == (t != NULL));
    ig_tokenizer_free(t);
    return status;
}

static ig_status encode(void) {
    ig_ids ids = {0};
    ig_status status = ig_tokenizer_encode(trained, text, sizeof text - 1, IG_ENCODE_SPECIAL, &ids, &err);
    if (status != IG_OK) assert_int_equal(ids.len, 0);
    ig_ids_fini(&ids);
    return status;
}

/* One word that takes the heap. */
static ig_status encode_long(void) {
    char word[300];
    memset(word, 'a', sizeof word);
    ig_ids ids = {0};
    ig_status status = ig_tokenizer_encode(trained, word, sizeof word, 0, &ids, &err);
    ig_ids_fini(&ids);
    return status;
}

static ig_status decode(void) {
    ig_buf out = {.max = 1000};
    int32_t ids[] = {1, 2, 3};
    ig_status status = ig_tokenizer_decode(trained, ids, 3, 0, &out, &err);
    ig_buf_fini(&out);
    return status;
}

static ig_status format(void) {
    ig_buf out = {.max = 1 << 20};
    ig_status status = ig_tokenizer_format(trained, &out, &err);
    ig_buf_fini(&out);
    return status;
}

static void check_each_allocation(ig_status (*call)(void)) {
    assert_int_equal(call(), IG_OK);
    for (uint64_t n = 1;; n++) {
        ig_alloc_fail_at(n);
        ig_status status = call();
        bool reached = ig_alloc_fail_at(0) >= n;
        if (!reached) {
            assert_int_equal(status, IG_OK);
            return;
        }
        if (status != IG_OK) assert_int_equal(status, IG_E_NOMEM);
        assert_true(n < 1000000);
    }
}

static void training_survives(void **state) {
    (void)state;
    check_each_allocation(train_bpe);
    check_each_allocation(train_char);
}

static void loading_survives(void **state) {
    (void)state;
    check_each_allocation(load);
}

static void encoding_and_decoding_survive(void **state) {
    (void)state;
    check_each_allocation(encode);
    check_each_allocation(encode_long);
    check_each_allocation(decode);
}

static void formatting_survives(void **state) {
    (void)state;
    check_each_allocation(format);
}

static int set_up(void **state) {
    (void)state;
    ig_tokenizer_train_opts opts = {.special = special, .special_count = 1};
    check_ok(ig_tokenizer_train(IG_TOKENIZER_BPE, 300, text, sizeof text - 1, &opts, &trained, &err));
    check_ok(ig_tokenizer_format(trained, &file, &err));
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    ig_tokenizer_free(trained);
    ig_buf_fini(&file);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(training_survives),
        cmocka_unit_test(loading_survives),
        cmocka_unit_test(encoding_and_decoding_survive),
        cmocka_unit_test(formatting_survives),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
