/* tests/formats/test_safetensors_damaged.c: damaged safetensors files, each refused with its status and a reason that a
 * person understands; and every one-byte change and every cut of a good file, refused or taken but never a crash.
 */
#include "ingot/formats.h"
#include "make_file.h"

typedef struct row {
    const char *header;
    size_t data_size;
    ig_status status;
    const char *reason; /* must be part of the message */
} row;

#define F32(name, shape, begin, end) \
    "\"" name "\":{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":[" #begin "," #end "]}"

static const row rows[] = {
    /* the header as a whole */
    {"", 0, IG_E_FORMAT, "does not begin with {"},
    {"[]", 0, IG_E_FORMAT, "does not begin with {"},
    {" {}", 0, IG_E_FORMAT, "does not begin with {"},
    {"{", 0, IG_E_FORMAT, "found the end of the text"},
    {"{}x", 0, IG_E_FORMAT, "expected the end of the text"},
    {"{\"a\":\"\xff\"}", 0, IG_E_FORMAT, "not UTF-8"},
    {"{\"a\\u0000b\":1}", 0, IG_E_FORMAT, "zero byte"},
    {"{" F32("a", "[1]", 0, 4) "," F32("a", "[1]", 4, 8) "}", 8, IG_E_FORMAT, "\"a\" stands twice"},
    {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, IG_E_FORMAT, "stands twice"},
    /* metadata */
    {"{\"__metadata__\":[]}", 0, IG_E_FORMAT, "__metadata__ must be a map"},
    {"{\"__metadata__\":{\"step\":3}}", 0, IG_E_FORMAT, "__metadata__.step must be a text"},
    {"{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0, IG_E_FORMAT, "stands twice"},
    /* one tensor's map */
    {"{\"a\":5}", 0, IG_E_FORMAT, "tensor a must be a map"},
    {"{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4, IG_E_FORMAT, "dtype"},
    {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, IG_E_FORMAT, "shape"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, IG_E_FORMAT, "data_offsets"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\":1}}", 4, IG_E_FORMAT, "unknown key"},
    {"{\"a\":{\"dtype\":32,\"shape\":[1],\"data_offsets\":[0,4]}}", 4, IG_E_FORMAT, "dtype"},
    {"{\"a\":{\"dtype\":\"f32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, IG_E_FORMAT, "unknown type \"f32\""},
    {"{\"a\":{\"dtype\":\"\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, IG_E_FORMAT, "unknown type \"\""},
    /* shapes */
    {"{" F32("a", "4", 0, 4) "}", 4, IG_E_FORMAT, "shape"},
    {"{" F32("a", "[1.0]", 0, 4) "}", 4, IG_E_FORMAT, "shape"},
    {"{" F32("a", "[\"1\"]", 0, 4) "}", 4, IG_E_FORMAT, "shape"},
    {"{" F32("a", "[-1]", 0, 4) "}", 4, IG_E_FORMAT, "the size -1"},
    {"{" F32("a", "[-1,-1]", 0, 4) "}", 4, IG_E_FORMAT, "the size -1"},
    {"{" F32("a", "[1,1,1,1,1,1,1]", 0, 4) "}", 4, IG_E_LIMIT, "has 7 dimensions; at most 6"},
    {"{" F32("a", "[4611686018427387904]", 0, 0) "}", 0, IG_E_FORMAT, "too large"},
    {"{" F32("a", "[4294967296,4294967296]", 0, 0) "}", 0, IG_E_FORMAT, "too large"},
    {"{" F32("a", "[4294967296,4294967296,0]", 0, 0) "}", 0, IG_E_FORMAT, "too large"},
    {"{" F32("a", "[99999999999999999999]", 0, 0) "}", 0, IG_E_FORMAT, "shape"},
    {"{\"a\":{\"dtype\":\"C64\",\"shape\":[2305843009213693952],\"data_offsets\":[0,0]}}", 0, IG_E_FORMAT, "too large"},
    {"{\"a\":{\"dtype\":\"F4\",\"shape\":[3],\"data_offsets\":[0,1]}}", 1, IG_E_FORMAT, "do not fill whole bytes"},
    /* offsets */
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 4, IG_E_FORMAT, "must be [begin, end]"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[]}}", 4, IG_E_FORMAT, "must be [begin, end]"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]}}", 4, IG_E_FORMAT, "must be [begin, end]"},
    {"{" F32("a", "[1]", -4, 0) "}", 4, IG_E_FORMAT, "must be [begin, end]"},
    {"{" F32("a", "[1]", 4, 0) "}", 4, IG_E_FORMAT, "must be [begin, end]"},
    {"{" F32("a", "[1]", 0, 4.0) "}", 4, IG_E_FORMAT, "data_offsets"},
    {"{" F32("a", "[1]", 0, 8) "}", 8, IG_E_FORMAT, "takes 8 bytes by its offsets and 4 by its shape"},
    {"{" F32("a", "[2]", 0, 4) "}", 4, IG_E_FORMAT, "takes 4 bytes by its offsets and 8 by its shape"},
    {"{" F32("a", "[0]", 0, 4) "}", 4, IG_E_FORMAT, "takes 4 bytes by its offsets and 0 by its shape"},
    {"{\"a\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, IG_E_FORMAT, "and 2 by its shape"},
    {"{" F32("a", "[2]", 0, 8) "}", 7, IG_E_FORMAT, "ends at byte 8 of 7"},
    {"{" F32("a", "[1]", 9223372036854775803, 9223372036854775807) "}", 4, IG_E_FORMAT, "cut short or damaged"},
    /* holes, overlaps and what is left over */
    {"{}", 1, IG_E_FORMAT, "the last 1 bytes of the data belong to no tensor"},
    {"{" F32("a", "[1]", 0, 4) "}", 5, IG_E_FORMAT, "the last 1 bytes"},
    {"{" F32("a", "[1]", 4, 8) "}", 8, IG_E_FORMAT, "there is a hole"},
    {"{" F32("a", "[1]", 0, 4) "," F32("b", "[1]", 5, 9) "}", 9, IG_E_FORMAT, "tensor b begins at byte 5"},
    {"{" F32("a", "[2]", 0, 8) "," F32("b", "[1]", 4, 8) "}", 8, IG_E_FORMAT, "they overlap"},
    {"{" F32("a", "[1]", 0, 4) "," F32("b", "[1]", 0, 4) "}", 4, IG_E_FORMAT, "they overlap"},
    {"{" F32("a", "[2]", 0, 8) "," F32("b", "[0]", 4, 4) "}", 8, IG_E_FORMAT, "they overlap"},
};

static void check_refused(size_t i, const made_file *f, ig_status expected, const char *reason) {
    ig_safetensors *s = NULL;
    ig_error err = {0};
    ig_status status = ig_safetensors_open_memory("damaged", f->bytes, f->size, &s, &err);
    if (status != expected) fail_msg("row %zu: %s, expected %s: %s", i, ig_status_name(status), ig_status_name(expected), err.message);
    if (!strstr(err.message, reason)) fail_msg("row %zu: \"%s\" not in \"%s\"", i, reason, err.message);
    assert_null(s);
    assert_int_equal(err.code, expected);
    assert_string_equal(err.file, "damaged");
}

static void damaged_files_are_refused_with_a_reason(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        made_file f = make_file(rows[i].header, rows[i].data_size);
        check_refused(i, &f, rows[i].status, rows[i].reason);
        free(f.bytes);
    }
}

static void set_length(made_file *f, uint64_t length) {
    for (int i = 0; i < 8; i++) f->bytes[i] = (uint8_t)(length >> (8 * i));
}

static void lengths_of_the_header_that_lie_are_refused(void **state) {
    (void)state;
    static const struct { uint64_t length; ig_status status; const char *reason; } lies[] = {
        {0, IG_E_FORMAT, "does not begin with {"},
        {1, IG_E_FORMAT, "found the end"},
        {3, IG_E_FORMAT, "cut short or damaged"},
        {100000000, IG_E_FORMAT, "cut short or damaged"},
        {100000001, IG_E_LIMIT, "is this a safetensors file?"},
        {UINT64_MAX - 7, IG_E_LIMIT, "is this a safetensors file?"}, /* plus 8 is 0 */
        {UINT64_MAX, IG_E_LIMIT, "is this a safetensors file?"},
    };
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        made_file f = make_file("{}", 0);
        set_length(&f, lies[i].length);
        check_refused(i, &f, lies[i].status, lies[i].reason);
        free(f.bytes);
    }
}

static void short_files_are_refused(void **state) {
    (void)state;
    for (size_t size = 0; size < 8; size++) {
        made_file f = {calloc(1, size + !size), size};
        check_refused(size, &f, IG_E_FORMAT, "too short for a safetensors file");
        free(f.bytes);
    }
}

static const char good[] = "{\"__metadata__\":{\"k\":\"v\"}," F32("w", "[2,2]", 0, 16)
    ",\"b\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[16,19]}}  ";

/* Whatever opens must also be readable to its last byte. */
static void open_and_read(ig_context *ctx, const uint8_t *bytes, size_t size) {
    ig_safetensors *s;
    ig_tensor t, copy;
    if (ig_safetensors_open_memory("m", bytes, size, &s, NULL) != IG_OK) return;
    for (size_t i = 0; i < ig_safetensors_count(s); i++) {
        assert_int_equal(ig_safetensors_find(s, ig_safetensors_name(s, i)), i);
        if (ig_safetensors_describe(s, i, &t, NULL) != IG_OK) continue;
        assert_int_equal(ig_tensor_new(ctx, t.dtype, t.ndim, t.shape, &copy, NULL), IG_OK);
        (void)ig_safetensors_read(ctx, s, i, &copy, NULL); /* BOOL may refuse its bytes */
        ig_tensor_unref(&copy);
    }
    ig_safetensors_close(s);
}

static void changed_and_cut_files_never_crash(void **state) {
    (void)state;
    static const char swaps[] = "\"\\{}[]:,-0129eE. FBU\x80\xFF"; /* its own NUL is one of them */
    ig_context *ctx;
    assert_int_equal(ig_context_new(&(ig_context_opts){.threads = 1}, &ctx, NULL), IG_OK);
    made_file f = make_file(good, 19);
    for (size_t i = 0; i < f.size; i++) {
        uint8_t kept = f.bytes[i], *cut = malloc(i + 1);
        for (size_t k = 0; k < sizeof swaps; k++) {
            f.bytes[i] = (uint8_t)swaps[k];
            open_and_read(ctx, f.bytes, f.size);
        }
        f.bytes[i] = kept;
        memcpy(cut, f.bytes, i + 1);
        if (i + 1 < f.size) assert_int_not_equal(ig_safetensors_open_memory("m", cut, i + 1, &(ig_safetensors *){0}, NULL), IG_OK);
        free(cut);
    }
    free(f.bytes);
    ig_context_free(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_files_are_refused_with_a_reason),
        cmocka_unit_test(lengths_of_the_header_that_lie_are_refused),
        cmocka_unit_test(short_files_are_refused),
        cmocka_unit_test(changed_and_cut_files_never_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
