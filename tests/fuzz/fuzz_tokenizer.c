/* Fuzz target: a tokenizer.json from anybody, and a text from anybody.
 *
 * The input is the file, a line "%%", and the text (all of it is the file when there is no such line).  What loads must
 * encode or say why not; what was encoded must decode, to the same bytes where the tokenizer says so; what is saved must load
 * again and give the same ids.
 */
#include <string.h>

#include "ingot/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                                                 \
    do {                                                                                                                   \
        if (!(condition)) __builtin_trap();                                                                                \
    } while (0)

static void check_text(const ig_tokenizer *t, const void *text, size_t n, unsigned flags) {
    ig_ids ids = {0};
    ig_buf out = {.max = 1 << 24};
    ig_error err;
    if (ig_tokenizer_encode(t, text, n, flags, &ids, &err) == IG_OK) {
        REQUIRE(ig_tokenizer_decode(t, ids.data, ids.len, 0, &out, &err) == IG_OK);
        REQUIRE(!ig_tokenizer_is_lossless(t) || (out.len == n && (!n || !memcmp(out.data, text, n))));
        for (size_t i = 0; i < ids.len && !flags && ig_tokenizer_is_lossless(t); i++) REQUIRE(!ig_tokenizer_is_special(t, ids.data[i]));
    }
    ig_ids_fini(&ids);
    ig_buf_fini(&out);
}

static void check_same(const ig_tokenizer *t, const ig_tokenizer *u, const void *text, size_t n) {
    ig_ids a = {0}, b = {0};
    ig_error err;
    ig_status one = ig_tokenizer_encode(t, text, n, IG_ENCODE_TEMPLATE, &a, &err);
    ig_status two = ig_tokenizer_encode(u, text, n, IG_ENCODE_TEMPLATE, &b, &err);
    REQUIRE(one == two && a.len == b.len && (!a.len || !memcmp(a.data, b.data, a.len * sizeof *a.data)));
    ig_ids_fini(&a);
    ig_ids_fini(&b);
}

static void check_saved(const ig_tokenizer *t, const void *text, size_t n) {
    ig_buf file = {.max = 1 << 26};
    ig_error err;
    ig_tokenizer *again = NULL;
    REQUIRE(ig_tokenizer_format(t, &file, &err) == IG_OK);
    REQUIRE(ig_tokenizer_parse("again", file.data, file.len, &again, &err) == IG_OK);
    REQUIRE(ig_tokenizer_count(again) == ig_tokenizer_count(t));
    check_same(t, again, text, n);
    ig_tokenizer_free(again);
    ig_buf_fini(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t *mark = size ? memmem(data, size, "\n%%\n", 4) : NULL;
    size_t file_len = mark ? (size_t)(mark - data) : size;
    const uint8_t *text = mark ? mark + 4 : data;
    size_t text_len = mark ? size - file_len - 4 : size;
    ig_tokenizer *t;
    ig_error err;
    if (ig_tokenizer_parse("fuzz", (const char *)data, file_len, &t, &err) != IG_OK) return 0;
    check_text(t, text, text_len, 0);
    check_text(t, text, text_len, IG_ENCODE_SPECIAL);
    check_saved(t, text, text_len);
    ig_tokenizer_free(t);
    return 0;
}
