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

#define NORM(norm) "{\"normalizer\": " norm ", \"model\": {\"vocab\": {\"a\": 0}, \"merges\": []}, \"decoder\": {\"type\": \"Fuse\"}}"
#define UNK ", \"unk_token\": \"a\""
#define WORDS(model, more, vocab)                                                                                              \
    "{\"decoder\": {\"type\": \"WordPiece\"}" more ", \"model\": {\"type\": \"WordPiece\"" model ", \"vocab\": {" vocab "}}}"
#define TEMPLATE(item)                                                                                                       \
    ", \"post_processor\": {\"type\": \"TemplateProcessing\", \"single\": [" item "], \"pair\": [], "                       \
    "\"special_tokens\": {\"a\": {\"id\": \"a\", \"ids\": [0], \"tokens\": [\"a\"]}}}"
#define PIECES(model, vocab)                                                                                                 \
    "{\"decoder\": {\"type\": \"Metaspace\"}, \"model\": {\"type\": \"Unigram\"" model ", \"vocab\": " vocab "}}"

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
    {BPE("{\"id\": 3, \"content\": \"<s>\", \"single_word\": true}", ABC, ""), IG_E_UNSUPPORTED, "single_word"},
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
    {PRE("{\"type\": \"Whitespace\"}"), IG_E_UNSUPPORTED, "decoder \"ByteLevel\""},
    {PRE("{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Metaspace\"}]}"), IG_E_UNSUPPORTED, "decoder \"ByteLevel\""},
    {PRE("{\"type\": \"UnicodeScripts\"}"), IG_E_UNSUPPORTED, "UnicodeScripts"},
    {PRE("{\"type\": \"Metaspace\", \"prepend_scheme\": \"last\"}"), IG_E_FORMAT, "last"},
    {PRE("{\"type\": \"Metaspace\", \"replacement\": \"_\"}"), IG_E_UNSUPPORTED, "replacement"},
    {PRE("{\"type\": \"Sequence\", \"pretokenizers\": 1}"), IG_E_FORMAT, "list of pretokenizers"},
    {PRE("{\"type\": \"ByteLevel\", \"add_prefix_space\": \"no\"}"), IG_E_FORMAT, "add_prefix_space"},
    {PRE("{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Split\", \"pattern\": {\"Regex\": \"(\"}, \"behavior\": \"Isolated\"}," BYTE_LEVEL "]}"),
     IG_E_FORMAT, "pattern"},
    {PRE("{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Split\", \"pattern\": {\"Regex\": \"a\"}, \"behavior\": \"Sideways\"}," BYTE_LEVEL "]}"),
     IG_E_UNSUPPORTED, "Sideways"},
    {PRE("{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Split\", \"pattern\": {\"Glob\": \"a\"}, \"behavior\": \"Isolated\"}," BYTE_LEVEL "]}"),
     IG_E_UNSUPPORTED, "Regex"},
    {PRE("{\"type\": \"Sequence\", \"pretokenizers\": [" BYTE_LEVEL "," BYTE_LEVEL "]}"), IG_E_UNSUPPORTED, "after ByteLevel"},
    {FILE_OF("", BYTE_LEVEL, "null", "", ABC, ""), IG_E_UNSUPPORTED, "decoder ByteLevel"},
    {FILE_OF("", BYTE_LEVEL, "{\"type\": \"WordPiece\"}", "", ABC, ""), IG_E_UNSUPPORTED, "WordPiece"},
    {FILE_OF("", "null", "{\"type\": \"Sequence\", \"decoders\": [{\"type\": \"Strip\"}]}", "", "\"a\": 0", ""), IG_E_UNSUPPORTED, "Strip"},
    {CHARS("", ABC), IG_E_UNSUPPORTED, "\"ab\" of a model without merges is not a single character"},
    {CHARS(", \"unk_token\": \"a\"", "\"a\": 0"), IG_E_UNSUPPORTED, "unk_token"},
    {CHARS(", \"byte_fallback\": true", "\"a\": 0"), IG_E_FORMAT, "<0x00>"},
    {"{\"normalizer\": {\"type\": \"NFX\"}, \"model\": {\"vocab\": {\"a\": 0}, \"merges\": []}}", IG_E_UNSUPPORTED, "NFX"},
    {"{\"post_processor\": {\"type\": \"TemplateProcessing\"}, \"model\": {\"vocab\": {\"a\": 0}, \"merges\": []}}", IG_E_FORMAT, "\"single\""},
    /* normalizers */
    {NORM("{\"type\": \"Sequence\"}"), IG_E_FORMAT, "list of normalizers"},
    {NORM("{\"type\": \"Prepend\"}"), IG_E_FORMAT, "Prepend"},
    {NORM("{\"type\": \"Replace\", \"pattern\": {\"String\": \"a\"}}"), IG_E_FORMAT, "content"},
    {NORM("{\"type\": \"Replace\", \"pattern\": {\"String\": \"\"}, \"content\": \"\"}"), IG_E_FORMAT, "look for"},
    {NORM("{\"type\": \"Replace\", \"pattern\": {\"Regex\": \"[\"}, \"content\": \"\"}"), IG_E_FORMAT, "pattern"},
    {NORM("{\"type\": \"Replace\", \"content\": \"\"}"), IG_E_UNSUPPORTED, "String"},
    {NORM("{\"type\": \"Strip\", \"strip_left\": 1}"), IG_E_FORMAT, "strip_left"},
    {NORM("{\"type\": \"Precompiled\"}"), IG_E_FORMAT, "base64"},
    {NORM("{\"type\": \"Precompiled\", \"precompiled_charsmap\": \"abc!\"}"), IG_E_FORMAT, "base64"},
    {NORM("{\"type\": \"Precompiled\", \"precompiled_charsmap\": \"/////wAA\"}"), IG_E_FORMAT, "header"},
    {NORM("{\"type\": \"Precompiled\", \"precompiled_charsmap\": \"BAAAAAAAAABh\"}"), IG_E_FORMAT, "charsmap does not end"},
    /* WordPiece */
    {WORDS("", "", "\"a\": 0"), IG_E_FORMAT, "unk_token"},
    {WORDS(", \"unk_token\": \"[UNK]\"", "", "\"a\": 0"), IG_E_FORMAT, "\"[UNK]\" is not in the vocabulary"},
    {WORDS(UNK ", \"max_input_chars_per_word\": 0", "", "\"a\": 0"), IG_E_FORMAT, "max_input_chars_per_word"},
    {WORDS(UNK ", \"continuing_subword_prefix\": \"@@\"", "", "\"a\": 0"), IG_E_UNSUPPORTED, "prefix"},
    {WORDS(UNK, ", \"decoder\": null", "\"a\": 0"), IG_E_FORMAT, "decoder"},
    {"{\"model\": {\"type\": \"WordPiece\" " UNK ", \"vocab\": {\"a\": 0}}}", IG_E_UNSUPPORTED, "without a decoder"},
    {WORDS(UNK, ", \"pre_tokenizer\": " BYTE_LEVEL, "\"a\": 0"), IG_E_UNSUPPORTED, "ByteLevel before"},
    {WORDS(UNK, ", \"post_processor\": {\"type\": \"BertProcessing\", \"sep\": [\"a\", 0]}", "\"a\": 0"), IG_E_FORMAT, "\"cls\""},
    {WORDS(UNK, ", \"post_processor\": {\"type\": \"BertProcessing\", \"sep\": [\"a\", 0], \"cls\": [\"b\", 1]}", "\"a\": 0"), IG_E_FORMAT, "token id 1"},
    {WORDS(UNK, TEMPLATE("{\"SpecialToken\": {\"id\": \"b\", \"type_id\": 0}}"), "\"a\": 0"), IG_E_FORMAT, "special_tokens"},
    {WORDS(UNK, TEMPLATE("{\"SpecialToken\": {\"id\": \"a\", \"type_id\": 256}}"), "\"a\": 0"), IG_E_FORMAT, "type_id"},
    {WORDS(UNK, TEMPLATE("{\"Sequence\": {\"id\": \"C\", \"type_id\": 0}}"), "\"a\": 0"), IG_E_FORMAT, "the Sequence A or B"},
    /* Unigram */
    {PIECES("", "{}"), IG_E_FORMAT, "vocab"},
    {PIECES("", "[]"), IG_E_FORMAT, "empty"},
    {PIECES("", "[[\"a\"]]"), IG_E_FORMAT, "entry 0"},
    {PIECES("", "[[\"a\", \"b\"]]"), IG_E_FORMAT, "entry 0"},
    {PIECES("", "[[\"\", 0]]"), IG_E_FORMAT, "without text"},
    {PIECES("", "[[\"a\", 1e200]]"), IG_E_FORMAT, "not a number"},
    {PIECES(", \"unk_id\": 1", "[[\"a\", 0]]"), IG_E_FORMAT, "unk_id 1"},
    {PIECES(", \"byte_fallback\": true", "[[\"a\", 0]]"), IG_E_FORMAT, "<0x00>"},
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
        "{\"truncation\": {\"max_length\": 128}, \"model\": {\"vocab\": {\"a\": 0}, \"merges\": []}}",
        PRE("{\"type\": \"ByteLevel\"}"),
        FILE_OF("", "null", "{\"type\": \"Fuse\"}", "", ABC, "\"a b\""),
        NORM("{\"type\": \"NFC\"}"),
        WORDS(UNK, TEMPLATE("{\"SpecialToken\": {\"id\": \"a\", \"type_id\": 0}}"), "\"a\": 0"),
        PIECES(", \"unk_id\": 0", "[[\"a\", 0]]"),
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
