/* GPT-2's own vocabulary against the ids that other programs computed (llama.cpp's test strings). */
#include "gguf_vocab.h"

static ig_error err;
static char folder[1024];

static ig_tokenizer *load_gpt2(void) {
    char encoder[1200], merges[1200];
    if (!data_folder("tok-gpt2", folder, sizeof folder)) return NULL;
    snprintf(encoder, sizeof encoder, "%s/encoder.json", folder);
    snprintf(merges, sizeof merges, "%s/vocab.bpe", folder);
    ig_tokenizer *t;
    check_ok(ig_tokenizer_load_gpt2(encoder, merges, &t, &err));
    return t;
}

static void ids_equal_those_of_other_programs(void **state) {
    (void)state;
    ig_tokenizer *t = load_gpt2();
    if (!t) skip();
    assert_int_equal(ig_tokenizer_count(t), 50257);
    assert_int_equal(ig_tokenizer_find(t, "<|endoftext|>", 13), 50256);
    assert_int_equal(ig_tokenizer_special_count(t), 1);
    bool found = data_folder("tok-ggml-vocab", folder, sizeof folder);
    if (found) check_vectors(t, folder, "gpt-2");
    ig_tokenizer_free(t);
    if (!found) skip();
}

static void the_same_ids_after_saving_as_tokenizer_json(void **state) {
    (void)state;
    ig_tokenizer *t = load_gpt2(), *u;
    if (!t) skip();
    ig_buf file = {.max = 16 << 20};
    check_ok(ig_tokenizer_format(t, &file, &err));
    ig_tokenizer_free(t);
    double start = ig_clock();
    check_ok(ig_tokenizer_parse("saved", file.data, file.len, &u, &err));
    printf("a tokenizer.json of %zu bytes loads in %.3f s\n", file.len, ig_clock() - start);
    ig_buf_fini(&file);
    bool found = data_folder("tok-ggml-vocab", folder, sizeof folder);
    if (found) check_vectors(u, folder, "gpt-2");
    ig_tokenizer_free(u);
    if (!found) skip();
}

static void a_file_of_another_kind_is_refused(void **state) {
    (void)state;
    char path[1200];
    ig_tokenizer *t;
    if (!data_folder("tok-bert-uncased", folder, sizeof folder)) skip();
    snprintf(path, sizeof path, "%s/vocab.txt", folder);
    check_fails(ig_tokenizer_load(path, &t, &err), IG_E_FORMAT);
    snprintf(path, sizeof path, "%s/no-such-file", folder);
    check_fails(ig_tokenizer_load(path, &t, &err), IG_E_NOT_FOUND);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_equal_those_of_other_programs),
        cmocka_unit_test(the_same_ids_after_saving_as_tokenizer_json),
        cmocka_unit_test(a_file_of_another_kind_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
