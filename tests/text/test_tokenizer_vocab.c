/* The vocabularies of GGUF files: ids equal to those that other programs computed, before and after saving. */
#include "gguf_vocab.h"

static ig_error err;
static char folder[1024];

static ig_tokenizer *load(const char *name) {
    char path[1200];
    gguf_vocab g;
    ig_tokenizer *t;
    snprintf(path, sizeof path, "%s/ggml-vocab-%s.gguf", folder, name);
    gguf_open(&g, path);
    check_ok(ig_tokenizer_from_vocab(&g.v, &t, &err));
    assert_int_equal(ig_tokenizer_count(t), g.v.count);
    gguf_close(&g);
    return t;
}

static const char *const names[] = {"gpt-2",  "starcoder", "refact",    "mpt",   "falcon", "deepseek-llm", "deepseek-coder",
                                    "bert-bge", "llama-spm", "phi-3"};

static void ids_equal_those_of_other_programs(void **state) {
    (void)state;
    if (!data_folder("tok-ggml-vocab", folder, sizeof folder)) skip();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        ig_tokenizer *t = load(names[i]);
        check_vectors(t, folder, names[i]);
        ig_tokenizer_free(t);
    }
}

/* Saved as tokenizer.json and read again: the same ids. */
static ig_tokenizer *saved_and_read(ig_tokenizer *t) {
    ig_buf file = {.max = 64 << 20};
    ig_tokenizer *again;
    check_ok(ig_tokenizer_format(t, &file, &err));
    check_ok(ig_tokenizer_parse("saved", file.data, file.len, &again, &err));
    assert_int_equal(ig_tokenizer_get_kind(again), ig_tokenizer_get_kind(t));
    assert_int_equal(ig_tokenizer_count(again), ig_tokenizer_count(t));
    ig_buf_fini(&file);
    ig_tokenizer_free(t);
    return again;
}

static void the_same_ids_after_saving_as_tokenizer_json(void **state) {
    (void)state;
    if (!data_folder("tok-ggml-vocab", folder, sizeof folder)) skip();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        ig_tokenizer *t = saved_and_read(load(names[i]));
        check_vectors(t, folder, names[i]);
        ig_tokenizer_free(t);
    }
}

/* ---- BERT's own files ---- */

static void check_bert(const ig_tokenizer *t, const char *text, const char *pair, const char *want) {
    ig_ids ids = {0}, types = {0};
    char got[1024] = "";
    if (pair)
        check_ok(ig_tokenizer_encode_pair(t, text, strlen(text), pair, strlen(pair), IG_ENCODE_TEMPLATE, &ids, &types, &err));
    else
        check_ok(ig_tokenizer_encode(t, text, strlen(text), IG_ENCODE_TEMPLATE, &ids, &err));
    for (size_t i = 0; i < ids.len; i++) sprintf(got + strlen(got), "%s%d", i ? " " : "", ids.data[i]);
    for (size_t i = 0; i < types.len; i++) sprintf(got + strlen(got), "%s%d", i ? "" : " | ", types.data[i]);
    assert_string_equal(got, want);
    ig_ids_fini(&ids);
    ig_ids_fini(&types);
}

static void bert_uncased_from_vocab_txt_and_tokenizer_json(void **state) {
    (void)state;
    char path[1200], vectors[1024];
    ig_tokenizer *t[3];
    if (!data_folder("tok-bert-uncased", folder, sizeof folder)) skip();
    snprintf(path, sizeof path, "%s/vocab.txt", folder);
    check_ok(ig_tokenizer_load_bert(path, true, &t[0], &err));
    snprintf(path, sizeof path, "%s/tokenizer.json", folder);
    check_ok(ig_tokenizer_load(path, &t[1], &err));
    check_ok(ig_tokenizer_load(path, &t[2], &err));
    t[2] = saved_and_read(t[2]);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ig_tokenizer_count(t[i]), 30522);
        check_bert(t[i], "Hello, world!", NULL, "101 7592 1010 2088 999 102");
        check_bert(t[i], "Hello", "W\xc3\xb6rld", "101 7592 102 2088 102 | 00011");
        check_bert(t[i], "[CLS] [MASK]", NULL, "101 1031 18856 2015 1033 1031 7308 1033 102"); /* typed: no special tokens */
        if (data_folder("tok-ggml-vocab", vectors, sizeof vectors)) check_vectors(t[i], vectors, "bert-bge");
        ig_buf out = {.max = 1000};
        check_ok(ig_tokenizer_decode(t[i], (int32_t[]){101, 7592, 1010, 2088, 999, 18856, 2015, 102}, 8, IG_DECODE_SKIP_SPECIAL, &out, &err));
        assert_string_equal(out.data, "hello, world! cls");
        ig_buf_fini(&out);
        ig_tokenizer_free(t[i]);
    }
}

static void bert_chinese_has_one_token_per_character(void **state) {
    (void)state;
    char path[1200];
    ig_tokenizer *t;
    if (!data_folder("tok-bert-chinese", folder, sizeof folder)) skip();
    snprintf(path, sizeof path, "%s/vocab.txt", folder);
    check_ok(ig_tokenizer_load_bert(path, false, &t, &err));
    assert_int_equal(ig_tokenizer_count(t), 21128);
    ig_ids ids = {0};
    check_ok(ig_tokenizer_encode(t, "今天天气很好", 18, 0, &ids, &err));
    assert_int_equal(ids.len, 6);
    assert_int_equal(ids.data[1], ids.data[2]);
    assert_int_equal(ids.data[0], ig_tokenizer_find(t, "今", 3));
    ig_ids_fini(&ids);
    ig_tokenizer_free(t);
}

/* Marks without end after one letter: putting them in order takes the square of their number unless they are cut up. */
static void a_long_run_of_marks_takes_linear_time(void **state) {
    (void)state;
    static const char *const words[] = {"[UNK]", "[CLS]", "[SEP]", "e"};
    ig_vocab v;
    ig_tokenizer *t;
    ig_buf text = {.max = 1 << 20};
    ig_ids ids = {0};
    ig_vocab_init(&v);
    v.model = "bert";
    v.text = words;
    v.count = 4;
    check_ok(ig_tokenizer_from_vocab(&v, &t, &err));
    ig_buf_putc(&text, 'e');
    for (int i = 0; i < 200000; i++) ig_buf_puts(&text, "\xcc\x95\xcc\x81"); /* U+0315 U+0301: the wrong order */
    double start = ig_clock();
    check_ok(ig_tokenizer_encode(t, text.data, text.len, 0, &ids, &err));
    assert_true(ig_clock() - start < 10); /* a tenth of a second; the square takes minutes */
    assert_int_equal(ids.len, 1);
    assert_int_equal(ids.data[0], 3);
    ig_ids_fini(&ids);
    ig_buf_fini(&text);
    ig_tokenizer_free(t);
}

/* ---- damaged ---- */

static const char *const three[] = {"<unk>", "a", "<0x41>"};
static const float scores[] = {0, -1, -2};

static void damaged_vocabularies_are_refused(void **state) {
    (void)state;
    const ig_vocab good = {.name = "v.gguf", .model = "llama", .text = three, .count = 3, .score = scores, .bos = -1, .eos = -1, .unk = 0, .sep = -1, .pad = -1, .cls = -1, .mask = -1};
    const float nan_scores[] = {0, 0, (float)strtod("nan", NULL)};
    const int32_t bad_types[] = {2, 1, 7}, byte_types[] = {2, 6, 6};
    const char *const merges[] = {"a b"};
    struct {
        ig_vocab v;
        ig_status status;
        const char *says;
    } damage[10];
    for (size_t i = 0; i < 10; i++) damage[i].v = good, damage[i].status = IG_E_FORMAT;
    damage[0].v.model = "rwkv", damage[0].status = IG_E_UNSUPPORTED, damage[0].says = "rwkv";
    damage[1].v.count = 0, damage[1].says = "empty";
    damage[2].v.score = NULL, damage[2].says = "no scores";
    damage[3].v.score = nan_scores, damage[3].says = "not a number";
    damage[4].v.type = bad_types, damage[4].says = "type 7";
    damage[5].v.type = byte_types, damage[5].says = "<0x41>";
    damage[6].v.eos = 3, damage[6].says = "eos";
    damage[7].v.model = "gpt2", damage[7].says = "no merges";
    damage[8].v.model = "gpt2", damage[8].v.merge = merges, damage[8].v.merges = 1, damage[8].says = "\"b\"";
    damage[9].v.model = "gpt2", damage[9].v.pre = "no such", damage[9].v.merge = merges, damage[9].status = IG_E_UNSUPPORTED, damage[9].says = "no such";
    for (size_t i = 0; i < 10; i++) {
        ig_tokenizer *t = NULL;
        err = (ig_error){0};
        ig_status status = ig_tokenizer_from_vocab(&damage[i].v, &t, &err);
        if (status != damage[i].status || !strstr(err.message, damage[i].says) || strcmp(err.file, "v.gguf"))
            fail_msg("vocabulary %zu gives %s \"%s\" of \"%s\"", i, ig_status_name(status), err.message, err.file);
        assert_null(t);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_equal_those_of_other_programs),
        cmocka_unit_test(the_same_ids_after_saving_as_tokenizer_json),
        cmocka_unit_test(bert_uncased_from_vocab_txt_and_tokenizer_json),
        cmocka_unit_test(bert_chinese_has_one_token_per_character),
        cmocka_unit_test(a_long_run_of_marks_takes_linear_time),
        cmocka_unit_test(damaged_vocabularies_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
