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

/* One file of each model, with as many parts as fit. */
static const char *const models[] = {
    "{\"normalizer\": {\"type\": \"BertNormalizer\"}, \"pre_tokenizer\": {\"type\": \"BertPreTokenizer\"},"
    "\"decoder\": {\"type\": \"WordPiece\"}, \"post_processor\": {\"type\": \"BertProcessing\", \"cls\": [\"[C]\", 1], \"sep\": [\"[C]\", 1]},"
    "\"added_tokens\": [{\"id\": 1, \"content\": \"[C]\", \"special\": true}],"
    "\"model\": {\"type\": \"WordPiece\", \"unk_token\": \"[U]\", \"vocab\": {\"[U]\": 0, \"[C]\": 1, \"the\": 2, \"c\": 3, \"##at\": 4}}}",
    "{\"normalizer\": {\"type\": \"Sequence\", \"normalizers\": [{\"type\": \"NFKC\"}, {\"type\": \"Replace\", \"pattern\": {\"Regex\": \" +\"}, \"content\": \" \"},"
    "{\"type\": \"Precompiled\", \"precompiled_charsmap\": \"BAAAAAAAAABhAA==\"}]},"
    "\"pre_tokenizer\": {\"type\": \"Metaspace\"}, \"decoder\": {\"type\": \"Metaspace\"},"
    "\"model\": {\"type\": \"Unigram\", \"unk_id\": 0, \"vocab\": [[\"<unk>\", 0], [\"\xe2\x96\x81\", -1], [\"the\", -2.5], [\"a\", -3]]}}",
    "{\"normalizer\": {\"type\": \"Prepend\", \"prepend\": \"\xe2\x96\x81\"},"
    "\"decoder\": {\"type\": \"Sequence\", \"decoders\": [{\"type\": \"Fuse\"}, {\"type\": \"Strip\", \"content\": \" \", \"start\": 1, \"stop\": 0}]},"
    "\"model\": {\"type\": \"BPE\", \"unk_token\": \"u\", \"fuse_unk\": true, \"vocab\": {\"u\": 0, \"t\": 1, \"h\": 2, \"th\": 3}, \"merges\": [\"t h\"]}}"};

/* Load, encode a text twice over, decode, save. */
static ig_status use(const ig_tokenizer *t) {
    ig_ids ids = {0}, types = {0};
    ig_buf out = {.max = 1 << 20};
    ig_status status = ig_tokenizer_encode_pair(t, text, sizeof text - 1, "the \xc3\x84", 6, IG_ENCODE_TEMPLATE, &ids, &types, &err);
    if (status == IG_OK) status = ig_tokenizer_decode(t, ids.data, ids.len, 0, &out, &err);
    if (status == IG_OK) status = ig_tokenizer_format(t, &out, &err);
    ig_ids_fini(&ids);
    ig_ids_fini(&types);
    ig_buf_fini(&out);
    return status;
}

static ig_status all_models(void) {
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        ig_tokenizer *t = NULL;
        ig_status status = ig_tokenizer_parse("model", models[i], strlen(models[i]), &t, &err);
        if (status == IG_OK) status = use(t);
        ig_tokenizer_free(t);
        if (status != IG_OK) return status;
    }
    return IG_OK;
}

static ig_status from_vocab(void) {
    static const char *const tokens[] = {"<unk>", "<s>", "</s>", "\xe2\x96\x81", "a", "\xe2\x96\x81" "a"}, *const merges[] = {"a a"};
    static const float scores[] = {0, 0, 0, -1, -2, -3};
    for (int i = 0; i < 3; i++) {
        ig_vocab v;
        ig_tokenizer *t = NULL;
        ig_vocab_init(&v);
        v.model = i == 0 ? "llama" : i == 1 ? "t5" : "bert";
        v.text = tokens;
        v.count = 6;
        v.score = scores;
        v.merge = merges;
        v.unk = 0;
        ig_status status = ig_tokenizer_from_vocab(&v, &t, &err);
        if (status == IG_OK) status = use(t);
        ig_tokenizer_free(t);
        if (status != IG_OK) return status;
    }
    return IG_OK;
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

static void every_model_survives(void **state) {
    (void)state;
    check_each_allocation(all_models);
    check_each_allocation(from_vocab);
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
        cmocka_unit_test(every_model_survives),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
