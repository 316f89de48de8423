/* SentencePiece models: Llama's gives the ids of its GGUF twin; the others give back what their normaliser makes of a text. */
#include "gguf_vocab.h"

static ig_error err;
static char folder[1024];

static ig_tokenizer *load(const char *file) {
    char path[1200];
    ig_tokenizer *t;
    snprintf(path, sizeof path, "%s/%s", folder, file);
    check_ok(ig_tokenizer_load_sentencepiece(path, &t, &err));
    return t;
}

/* encode, decode, and the text that must come back. */
static void check_back(const ig_tokenizer *t, const char *text, const char *want) {
    ig_ids ids = {0};
    ig_buf out = {.max = 1 << 20};
    check_ok(ig_tokenizer_encode(t, text, strlen(text), 0, &ids, &err));
    check_ok(ig_tokenizer_decode(t, ids.data, ids.len, 0, &out, &err));
    if (out.len != strlen(want) || memcmp(out.data ? out.data : "", want, out.len))
        fail_msg("\"%s\" comes back as \"%.*s\", expected \"%s\"", text, (int)out.len, out.data, want);
    ig_ids_fini(&ids);
    ig_buf_fini(&out);
}

static const char *const texts[] = {"Hello, world!", "你好，世界", "the  quick   brown", "x = 12345;\n\treturn x;", "é ü 😀 한국어", "", " ", "a", "<s>", "<unk> </s>"};

static void llamas_model_gives_the_ids_of_its_gguf_twin(void **state) {
    (void)state;
    char vectors[1024];
    if (!data_folder("tok-llama", folder, sizeof folder) || !data_folder("tok-ggml-vocab", vectors, sizeof vectors)) skip();
    ig_tokenizer *t = load("tokenizer.model");
    assert_int_equal(ig_tokenizer_get_kind(t), IG_TOKENIZER_SPM);
    assert_int_equal(ig_tokenizer_count(t), 32000);
    check_vectors(t, vectors, "llama-spm");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) check_back(t, texts[i], texts[i]);
    ig_ids ids = {0};
    check_ok(ig_tokenizer_encode(t, "hi", 2, IG_ENCODE_TEMPLATE, &ids, &err));
    assert_int_equal(ids.data[0], 1); /* <s> */
    ig_ids_fini(&ids);
    ig_tokenizer_free(t);
}

static void other_models_give_texts_back(void **state) {
    (void)state;
    if (!data_folder("tok-spm-zh", folder, sizeof folder)) skip();
    ig_tokenizer *identity = load("tokenizers_llama2enzh_tokenizer.model");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) check_back(identity, texts[i], texts[i]);
    ig_tokenizer_free(identity);
    ig_tokenizer *baichuan = load("tokenizers_baichuan_tokenizer.model");
    check_back(baichuan, "Hello, world!", "Hello, world!");
    check_back(baichuan, "\xef\xbc\xa1\xef\xbc\xa2 \xe2\x91\xa0 12345", "AB 1 12345"); /* full width, circled digit: NFKC */
    check_back(baichuan, "今天天气很好😀", "今天天气很好😀");
    ig_tokenizer_free(baichuan);
    ig_tokenizer *meng = load("tokenizers_custom_tokenizer_meng.model");
    check_back(meng, "今天天气很好", "今天天气很好");
    ig_ids ids = {0};
    check_ok(ig_tokenizer_encode(meng, "😀😀", 8, 0, &ids, &err)); /* no bytes: two unknown ones are one token */
    assert_int_equal(ids.data[ids.len - 1], 0);
    assert_true(ids.len <= 2);
    ig_ids_fini(&ids);
    ig_tokenizer_free(meng);
}

/* ---- made by hand ---- */

static void put_piece(ig_buf *b, const char *text, float score, int type) {
    size_t n = strlen(text);
    ig_buf_printf(b, "\x0a%c\x0a%c%s\x15", (int)(n + 9), (int)n, text);
    ig_buf_append(b, &score, 4);
    ig_buf_putc(b, 0x18);
    ig_buf_putc(b, (char)type);
}

static void put_model(ig_buf *b, int model) {
    put_piece(b, "<unk>", 0, 2);
    put_piece(b, "<s>", 0, 3);
    put_piece(b, "</s>", 0, 3);
    put_piece(b, "\xe2\x96\x81", -1, 1);
    put_piece(b, "a", -2, 1);
    put_piece(b, "b", -3, 1);
    put_piece(b, "\xe2\x96\x81" "a", -2.5f, 1);
    put_piece(b, "ab", -4, 1);
    put_piece(b, "@@", 0, 4);
    ig_buf_append(b, "\x12\x02\x18", 3);
    ig_buf_putc(b, (char)model);
}

static void check_ids(const ig_tokenizer *t, const char *text, size_t n, const int32_t *want) {
    ig_ids ids = {0};
    check_ok(ig_tokenizer_encode(t, text, strlen(text), 0, &ids, &err));
    assert_int_equal(ids.len, n);
    for (size_t i = 0; i < n; i++) assert_int_equal(ids.data[i], want[i]);
    ig_ids_fini(&ids);
}

static void a_model_made_by_hand_encodes_as_worked_out(void **state) {
    (void)state;
    ig_buf b = {.max = 1 << 16};
    ig_tokenizer *t;
    put_model(&b, 2);
    check_ok(ig_tokenizer_parse_sentencepiece("bpe", b.data, b.len, &t, &err));
    check_ids(t, "ab", 2, (int32_t[]){6, 5});               /* ▁a has a higher score than ab */
    check_ids(t, "  a   ab ", 3, (int32_t[]){6, 6, 5});     /* extra spaces are gone */
    check_ids(t, "bab", 3, (int32_t[]){3, 5, 7});
    check_ids(t, "bzz@@zb", 6, (int32_t[]){3, 5, 0, 8, 0, 5}); /* unknown ones in a row are one */
    ig_tokenizer_free(t);
    ig_buf_clear(&b);
    put_model(&b, 1);
    check_ok(ig_tokenizer_parse_sentencepiece("unigram", b.data, b.len, &t, &err));
    assert_int_equal(ig_tokenizer_get_kind(t), IG_TOKENIZER_UNIGRAM);
    check_ids(t, "ab", 2, (int32_t[]){3, 7}); /* -1 - 4 beats -2.5 - 3 and -1 - 2 - 3 */
    check_ids(t, "a", 1, (int32_t[]){6});
    check_ids(t, "azz", 2, (int32_t[]){6, 0});
    ig_tokenizer_free(t);
    ig_buf_fini(&b);
}

static void damaged_models_are_refused(void **state) {
    (void)state;
    ig_buf b = {.max = 1 << 16};
    ig_tokenizer *t = NULL;
    put_model(&b, 2);
    for (size_t n = 0; n < b.len; n++) { /* a cut may end between two pieces: then it is a smaller model */
        char *copy = malloc(n ? n : 1);
        memcpy(copy, b.data, n);
        ig_status status = ig_tokenizer_parse_sentencepiece("cut", copy, n, &t, &err);
        if (status == IG_OK) ig_tokenizer_free(t);
        else assert_null(t);
        free(copy);
    }
    static const struct {
        const char *bytes;
        size_t len;
        ig_status status;
        const char *says;
    } damage[] = {
        {"", 0, IG_E_FORMAT, "no pieces"},
        {"text", 4, IG_E_FORMAT, "damaged"},
        {"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11, IG_E_FORMAT, "damaged"},
        {"\x0a\x80", 2, IG_E_FORMAT, "damaged"},
        {"\x0a\x02\x0a\x05", 4, IG_E_FORMAT, "pieces"},
        {"\x0a\x00", 2, IG_E_FORMAT, "piece 0 has no text"},
        {"\x0a\x03\x0a\x01" "a\x12\x02\x18\x04", 9, IG_E_UNSUPPORTED, "type 4"},
        {"\x0a\x03\x0a\x01" "a\x12\x03\xc0\x01\x01", 10, IG_E_UNSUPPORTED, "suffix"},
        {"\x0a\x05\x0a\x01" "a\x18\x09", 7, IG_E_FORMAT, "type 0"},
        {"\x0a\x0a\x0a\x01" "a\x15\x00\x00\xc0\x7f\x18\x01", 12, IG_E_FORMAT, "not a number"},
        {"\x0a\x05\x0a\x01" "a\x18\x06", 7, IG_E_FORMAT, "<0x41>"},
        {"\x0a\x03\x0a\x01" "a\x1a\x04\x12\x02xx", 11, IG_E_FORMAT, "charsmap"},
        {"\x0b\x03\x0a\x01" "a", 5, IG_E_FORMAT, "damaged"},
    };
    for (size_t i = 0; i < sizeof damage / sizeof *damage; i++) {
        err = (ig_error){0};
        ig_status status = ig_tokenizer_parse_sentencepiece("m.model", damage[i].bytes, damage[i].len, &t, &err);
        if (status != damage[i].status || !strstr(err.message, damage[i].says))
            fail_msg("model %zu gives %s \"%s\", expected %s \"%s\"", i, ig_status_name(status), err.message, ig_status_name(damage[i].status), damage[i].says);
        assert_null(t);
    }
    ig_buf_fini(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(llamas_model_gives_the_ids_of_its_gguf_twin),
        cmocka_unit_test(other_models_give_texts_back),
        cmocka_unit_test(a_model_made_by_hand_encodes_as_worked_out),
        cmocka_unit_test(damaged_models_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
