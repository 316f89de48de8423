/* Damaged and unsupported tokenizer.json, made by hand: each is refused, with an error that names what is wrong. */
#include "../check.h"

#include "ingot/text.h"

static ig_error err;

/* A whole file from its parts. */
#define FILE_OF(added, pre, decoder, more, vocab, merges)                                                                  \
    "{\"version\": \"1.0\", \"truncation\": null, \"padding\": null,\n\"added_tokens\": [" added "],\n\"normalizer\": null,\n"  \
    "\"pre_tokenizer\": " pre ",\n\"post_processor\": null,\n\"decoder\": " decoder ",\n\"model\": {\"type\": \"BPE\"" more ",\n" \
    "\"vocab\": {" vocab "},\n\"merges\": [" merges "]}}"
#define BYTE_LEVEL "{\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true, \"use_regex\": true}"
#define BPE(added, vocab, merges) FILE_OF(added, BYTE_LEVEL, BYTE_LEVEL, "", vocab, merges)
#define MODEL(more) FILE_OF("", BYTE_LEVEL, BYTE_LEVEL, more, ABC, "")
#define PRE(pre) FILE_OF("", pre, BYTE_LEVEL, "", ABC, "")
#define CHARS(more, vocab) FILE_OF("", "null", "{\"type\": \"Fuse\"}", more, vocab, "")
#define ABC "\"a\": 0, \"b\": 1, \"ab\": 2"

typedef struct damage {
    const char *json;
    ig_status status;
    const char *says; /* part of the message */
} damage;

static const damage damages[] = {
    /* the form of the file */
    {"", IG_E_FORMAT, ""},
    {"{", IG_E_FORMAT, ""},
    {"[1, 2]", IG_E_FORMAT, "must be a map"},
    {"\"text\"", IG_E_FORMAT, "must be a map"},
    {"{}", IG_E_FORMAT, "model"},
    {"{\"model\": []}", IG_E_FORMAT, "model"},
    {"{\"model\": {\"type\": \"BPE\"}}", IG_E_FORMAT, "vocab"},
    {"{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0}}}", IG_E_FORMAT, "merges"},
    {"{\"model\": {\"type\": \"BPE\", \"vocab\": [\"a\"], \"merges\": []}}", IG_E_FORMAT, "vocab"},
    {"{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": {}}}", IG_E_FORMAT, "merges"},
    {"{\"version\": \"1.0\", \"modell\": {}, \"model\": {\"vocab\": {}, \"merges\": []}}", IG_E_FORMAT, "modell"},
    {BPE("", ABC, "") "x", IG_E_FORMAT, ""},
    {BPE("", "\"a\": 0, \"a\": 1", ""), IG_E_FORMAT, "a"},
    {BPE("", "\"a\xff\": 0", ""), IG_E_FORMAT, ""},
    /* ids */
    {BPE("", "", ""), IG_E_FORMAT, "empty"},
    {BPE("", "\"\": 0", ""), IG_E_FORMAT, "without text"},
    {BPE("", "\"a\": 0, \"b\": 2", ""), IG_E_FORMAT, "\"b\" has id 2"},
    {BPE("", "\"a\": 0, \"b\": -1", ""), IG_E_FORMAT, "id -1"},
    {BPE("", "\"a\": 0, \"b\": 0", ""), IG_E_FORMAT, "\"a\" and \"b\" have the same id 0"},
    {BPE("", "\"a\": 0, \"b\": 9223372036854775807", ""), IG_E_FORMAT, "\"b\" has id"},
    {BPE("", "\"a\": 0, \"b\": 99999999999999999999", ""), IG_E_FORMAT, ""},
    {BPE("", "\"a\": 0, \"b\": 1.5", ""), IG_E_FORMAT, "\"b\" must be an integer"},
    {BPE("", "\"a\": 0, \"b\": \"1\"", ""), IG_E_FORMAT, "\"b\" must be an integer"},
    {BPE("", "\"a\": 0, \"b\": null", ""), IG_E_FORMAT, "\"b\" must be an integer"},
    {BPE("", "\"a\": 0, \"b c\": 1", ""), IG_E_FORMAT, "outside of the byte-level alphabet"},
    {BPE("", "\"a\": 0, \"\xe4\xbd\xa0\": 1", ""), IG_E_FORMAT, "outside of the byte-level alphabet"},
    /* added tokens */
    {BPE("{\"id\": 3}", ABC, ""), IG_E_FORMAT, "content"},
    {BPE("{\"content\": \"<s>\"}", ABC, ""), IG_E_FORMAT, "id"},
    {BPE("{\"id\": 3, \"content\": \"<s>\", \"bold\": true}", ABC, ""), IG_E_FORMAT, "bold"},
    {BPE("7", ABC, ""), IG_E_FORMAT, ""},
    {BPE("{\"id\": 4, \"content\": \"<s>\"}", ABC, ""), IG_E_FORMAT, "\"<s>\" has id 4"},
    {BPE("{\"id\": 2, \"content\": \"<s>\"}", ABC, ""), IG_E_FORMAT, "same id 2"},
    {BPE("{\"id\": -3, \"content\": \"<s>\"}", ABC, ""), IG_E_FORMAT, "id"},
    {BPE("{\"id\": 1, \"content\": \"a\"}", ABC, ""), IG_E_FORMAT, "has id 1, but id 0 in the vocabulary"},
    {BPE("{\"id\": 3, \"content\": \"\"}", ABC, ""), IG_E_FORMAT, "added token"},
    {BPE("{\"id\": 3, \"content\": \"<s>\"}, {\"id\": 4, \"content\": \"<s>\"}", ABC, ""), IG_E_FORMAT, "there twice"},
    {BPE("{\"id\": 3, \"content\": \"<s>\", \"lstrip\": true}", ABC, ""), IG_E_UNSUPPORTED, "lstrip"},
    {BPE("{\"id\": 3, \"content\": \"<s>\", \"special\": \"yes\"}", ABC, ""), IG_E_FORMAT, "special"},
    /* merges */
    {BPE("", ABC, "\"a b\", \"a c\""), IG_E_FORMAT, "merge 1 uses \"c\""},
    {BPE("", ABC, "\"b a\""), IG_E_FORMAT, "merge 0 of \"b\" and \"a\" makes a token"},
    {BPE("", ABC, "\"ab\""), IG_E_FORMAT, "merge 0"},
    {BPE("", ABC, "\"a b c\""), IG_E_FORMAT, "merge 0"},
    {BPE("", ABC, "\" b\""), IG_E_FORMAT, "merge 0 uses \"\""},
    {BPE("", ABC, "[\"a\"]"), IG_E_FORMAT, "merge 0 must be two tokens"},
    {BPE("", ABC, "[\"a\", 1]"), IG_E_FORMAT, "merge 0 must be two tokens"},
    {BPE("", ABC, "[\"a\", \"b\", \"a\"]"), IG_E_FORMAT, "merge 0 must be two tokens"},
    {BPE("", ABC, "5"), IG_E_FORMAT, "merge 0 must be two tokens"},
    {BPE("{\"id\": 2, \"content\": \"ab\", \"special\": true}", ABC, "\"a b\""), IG_E_FORMAT, "makes a token that is not"},
    {BPE("{\"id\": 0, \"content\": \"a\", \"special\": true}", ABC, "\"a b\""), IG_E_FORMAT, "merge 0 uses \"a\""},
    /* what is not supported */
    {"{\"model\": {\"type\": \"WordLevel\", \"vocab\": {\"a\": 0}}}", IG_E_UNSUPPORTED, "WordLevel"},
    {MODEL(", \"dropout\": 0.1"), IG_E_UNSUPPORTED, "dropout"},
    {MODEL(", \"continuing_subword_prefix\": \"##\""), IG_E_UNSUPPORTED, "continuing_subword_prefix"},
    {MODEL(", \"end_of_word_suffix\": \"</w>\""), IG_E_UNSUPPORTED, "end_of_word_suffix"},
    {MODEL(", \"fuse_unk\": 1"), IG_E_FORMAT, "fuse_unk"},
    {PRE("{\"type\": \"Whitespace\"}"), IG_E_UNSUPPORTED, "Whitespace"},
    {PRE("{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Metaspace\"}]}"), IG_E_UNSUPPORTED, "Metaspace"},
    {PRE("{\"type\": \"Sequence\", \"pretokenizers\": []}"), IG_E_UNSUPPORTED, "without ByteLevel"},
    {PRE("{\"type\": \"ByteLevel\"}"), IG_E_UNSUPPORTED, "add_prefix_space"},
    {PRE("{\"type\": \"ByteLevel\", \"add_prefix_space\": \"no\"}"), IG_E_FORMAT, "add_prefix_space"},
    {PRE("{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Split\", \"pattern\": {\"Regex\": \"(\"}, \"behavior\": \"Isolated\"}," BYTE_LEVEL "]}"),
     IG_E_FORMAT, "pattern"},
    {PRE("{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Split\", \"pattern\": {\"Regex\": \"a\"}, \"behavior\": \"Removed\"}," BYTE_LEVEL "]}"),
     IG_E_UNSUPPORTED, "Isolated"},
    {PRE("{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Split\", \"pattern\": {\"String\": \"a\"}, \"behavior\": \"Isolated\"}," BYTE_LEVEL "]}"),
     IG_E_UNSUPPORTED, "Regex"},
    {PRE("{\"type\": \"Sequence\", \"pretokenizers\": [" BYTE_LEVEL "," BYTE_LEVEL "]}"), IG_E_UNSUPPORTED, "after ByteLevel"},
    {FILE_OF("", BYTE_LEVEL, "null", "", ABC, ""), IG_E_UNSUPPORTED, "decoder ByteLevel"},
    {FILE_OF("", BYTE_LEVEL, "{\"type\": \"WordPiece\"}", "", ABC, ""), IG_E_UNSUPPORTED, "WordPiece"},
    {FILE_OF("", "null", "{\"type\": \"Fuse\"}", "", ABC, "\"a b\""), IG_E_UNSUPPORTED, "ByteLevel"},
    {FILE_OF("", "null", "{\"type\": \"Sequence\", \"decoders\": [{\"type\": \"Strip\"}]}", "", "\"a\": 0", ""), IG_E_UNSUPPORTED, "Strip"},
    {CHARS("", ABC), IG_E_UNSUPPORTED, "\"ab\" of a model without merges is not a single character"},
    {CHARS(", \"unk_token\": \"a\"", "\"a\": 0"), IG_E_UNSUPPORTED, "unk_token"},
    {CHARS(", \"byte_fallback\": true", "\"a\": 0"), IG_E_FORMAT, "<0x00>"},
    {"{\"normalizer\": {\"type\": \"NFC\"}, \"model\": {\"vocab\": {\"a\": 0}, \"merges\": []}}", IG_E_UNSUPPORTED, "NFC"},
    {"{\"truncation\": {\"max_length\": 128}, \"model\": {\"vocab\": {\"a\": 0}, \"merges\": []}}", IG_E_UNSUPPORTED, "truncation"},
    {"{\"post_processor\": {\"type\": \"TemplateProcessing\"}, \"model\": {\"vocab\": {\"a\": 0}, \"merges\": []}}", IG_E_UNSUPPORTED, "TemplateProcessing"},
};

static void every_damaged_file_is_refused_with_its_reason(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        const damage *d = &damages[i];
        ig_tokenizer *t = NULL;
        err = (ig_error){0};
        ig_status status = ig_tokenizer_parse("damaged.json", d->json, strlen(d->json), &t, &err);
        char text[1200];
        ig_error_format(&err, text, sizeof text);
        if (status != d->status || !strstr(text, d->says) || !strstr(text, "damaged.json"))
            fail_msg("file %zu gives %s \"%s\", expected %s \"%s\":\n%s", i, ig_status_name(status), text, ig_status_name(d->status), d->says, d->json);
        assert_null(t);
    }
}

static void the_undamaged_file_loads(void **state) {
    (void)state;
    static const char *const good[] = {
        BPE("", ABC, "\"a b\""),
        BPE("", ABC, "[\"a\", \"b\"]"),
        BPE("{\"id\": 3, \"content\": \"<s>\", \"special\": true}", ABC, "\"a b\""),
        BPE("{\"id\": 2, \"content\": \"<s>\", \"special\": true}", "\"a\": 0, \"b\": 1, \"<s>\": 2", ""),
        CHARS("", "\"a\": 1, \"\xe4\xbd\xa0\": 0"),
        "{\"model\": {\"vocab\": {\"a\": 0}, \"merges\": []}}",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        ig_tokenizer *t;
        check_ok(ig_tokenizer_parse("good.json", good[i], strlen(good[i]), &t, &err));
        ig_tokenizer_free(t);
    }
}

static void every_cut_of_a_file_is_refused(void **state) {
    (void)state;
    const char *whole = BPE("{\"id\": 3, \"content\": \"<s>\", \"special\": true}", ABC, "\"a b\"");
    for (size_t n = 0; n < strlen(whole); n++) {
        ig_tokenizer *t;
        assert_int_not_equal(ig_tokenizer_parse("cut.json", whole, n, &t, &err), IG_OK);
        assert_null(t);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_damaged_file_is_refused_with_its_reason),
        cmocka_unit_test(the_undamaged_file_loads),
        cmocka_unit_test(every_cut_of_a_file_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
