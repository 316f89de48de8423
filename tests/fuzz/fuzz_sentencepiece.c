/* Fuzz target: a SentencePiece model from anybody, and a text from anybody.
 *
 * The first byte is the length of the text that follows it, the rest is the model.  What loads must encode, decode, and be
 * saved as a tokenizer.json; no text makes a special token but the unknown one.
 */
#include "ingot/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                                                 \
    do {                                                                                                                   \
        if (!(condition)) __builtin_trap();                                                                                \
    } while (0)

static void check(const ig_tokenizer *t, const uint8_t *text, size_t n) {
    ig_ids ids = {0};
    ig_buf out = {.max = 1 << 26};
    ig_error err;
    if (ig_tokenizer_encode(t, text, n, IG_ENCODE_TEMPLATE, &ids, &err) == IG_OK)
        REQUIRE(ig_tokenizer_decode(t, ids.data, ids.len, 0, &out, &err) == IG_OK);
    ig_buf_clear(&out);
    REQUIRE(ig_tokenizer_format(t, &out, &err) == IG_OK);
    ig_ids_fini(&ids);
    ig_buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t n = size ? data[0] : 0;
    ig_tokenizer *t;
    ig_error err;
    if (size < 1 || n > size - 1) return 0;
    if (ig_tokenizer_parse_sentencepiece("fuzz", data + 1 + n, size - 1 - n, &t, &err) != IG_OK) return 0;
    check(t, data + 1, n);
    ig_tokenizer_free(t);
    return 0;
}
