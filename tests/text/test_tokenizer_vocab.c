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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_equal_those_of_other_programs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
