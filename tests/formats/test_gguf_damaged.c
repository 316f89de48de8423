/* tests/formats/test_gguf_damaged.c: damaged GGUF files, each refused with its status and a reason that a person
 * understands; and every changed byte and every cut of a good file, refused or taken but never a crash.
 */
#include "ingot/formats.h"
#include "spell.h"

typedef struct row {
    const char *file; /* see spell.h */
    ig_status status;
    const char *reason; /* must be part of the message */
} row;

#define HEAD(tensors, pairs) "GGUF w3 q" #tensors " q" #pairs " "
#define ALIGNMENT(n) "'general.alignment w4 w" #n " "
#define VECTOR(name, type, size, offset) "'" name " w1 q" #size " w" #type " q" #offset " "

static const row rows[] = {
    /* the header as a whole */
    {"", IG_E_FORMAT, "empty"},
    {"GGU", IG_E_FORMAT, "does not begin with GGUF"},
    {"ggjt w3 q0 q0", IG_E_FORMAT, "does not begin with GGUF"},
    {"GGUF", IG_E_FORMAT, "cut short"},
    {"GGUF w3 q0 w0", IG_E_FORMAT, "cut short"},
    {"GGUF w0 q0 q0", IG_E_UNSUPPORTED, "big-endian"},
    {"GGUF w1 w0 w0", IG_E_UNSUPPORTED, "version 1 of GGUF"},
    {"GGUF w4 q0 q0", IG_E_UNSUPPORTED, "version 4 of GGUF"},
    {"GGUF w50331648 q0 q0", IG_E_UNSUPPORTED, "big-endian (version 0x03000000)"},
    {HEAD(1, 0), IG_E_FORMAT, "1 tensors cannot stand in the 0 bytes"},
    {HEAD(-1, 0) "n100", IG_E_FORMAT, "18446744073709551615 tensors cannot"},
    {HEAD(0, 1), IG_E_FORMAT, "1 keys cannot stand in the 0 bytes"},
    {HEAD(0, 9223372036854775807) "n100", IG_E_FORMAT, "keys cannot stand"},
    {HEAD(0, 65537) "n900000", IG_E_LIMIT, "65537 keys, at most 65536"},
    {HEAD(262145, 0) "n6400000", IG_E_LIMIT, "262145 tensors, at most 262144"},
    /* keys */
    {HEAD(0, 1) "q1000 n20", IG_E_FORMAT, "a text of 1000 bytes, 20 are left"},
    {HEAD(0, 1) "q-1 n20", IG_E_FORMAT, "a text of 18446744073709551615 bytes"},
    {HEAD(0, 1) "q-8 n20", IG_E_FORMAT, "cut short or damaged"},
    {HEAD(0, 1) "' w0 b1 n8", IG_E_FORMAT, "an empty key"},
    {HEAD(0, 1) "'\xff\xff w0 b1 n8", IG_E_FORMAT, "not UTF-8"},
    {HEAD(0, 1) "q3 a b0 b w0 b1", IG_E_FORMAT, "zero byte"},
    {HEAD(0, 1) "q65536 n65536 w0 b1", IG_E_LIMIT, "a key of 65536 bytes, at most 65535"},
    {HEAD(0, 2) "'a w0 b1 'a w0 b2", IG_E_FORMAT, "the key a stands twice"},
    {HEAD(0, 2) "'a w0 b1 'b w0", IG_E_FORMAT, "cut short"},
    {HEAD(0, 1) "'abcde", IG_E_FORMAT, "cut short"},
    /* values */
    {HEAD(0, 1) "'a w13 q0", IG_E_FORMAT, "the value of a: before byte 37 a value of the unknown type 13"},
    {HEAD(0, 1) "'a w-1 q0", IG_E_FORMAT, "unknown type 4294967295"},
    {HEAD(0, 1) "'abcdef w10 w0", IG_E_FORMAT, "the value of abcdef: the file ends"},
    {HEAD(0, 1) "'a w7 b2", IG_E_FORMAT, "the bool 2"},
    {HEAD(0, 1) "'a w8 q9 abcdefgh", IG_E_FORMAT, "a text of 9 bytes, 8 are left"},
    {HEAD(0, 1) "'a w9 w0", IG_E_FORMAT, "cut short"},
    {HEAD(0, 1) "'a w9 w13 q0", IG_E_FORMAT, "an array of the unknown type 13"},
    {HEAD(0, 1) "'a w9 w4 q3 w1 w2", IG_E_FORMAT, "an array of 3 u32, 8 bytes are left"},
    {HEAD(0, 1) "'a w9 w12 q2305843009213693953 n8", IG_E_FORMAT, "cut short or damaged"},
    {HEAD(0, 1) "'a w9 w8 q4 'x 'y 'z", IG_E_FORMAT, "an array of 4 text, 27 bytes are left"},
    {HEAD(0, 1) "'a w9 w8 q2 'x q5 ab", IG_E_FORMAT, "a text of 5 bytes, 2 are left"},
    {HEAD(0, 1) "'a w9 w7 q3 b0 b1 b2", IG_E_FORMAT, "the bool 2"},
    {HEAD(0, 1) "'a w9 w9 q-1 n40", IG_E_FORMAT, "an array of 18446744073709551615 array"},
    {HEAD(0, 1) "'a w9 w9 q1 w9 q1 w9 q1 w9 q1 w9 q1 n30", IG_E_LIMIT, "nested more than 4 deep"},
    /* alignment */
    {HEAD(0, 1) ALIGNMENT(0), IG_E_FORMAT, "general.alignment is 0, it must be a power of two"},
    {HEAD(0, 1) ALIGNMENT(24), IG_E_FORMAT, "general.alignment is 24"},
    {HEAD(0, 1) ALIGNMENT(2147483648), IG_E_FORMAT, "general.alignment is 2147483648"},
    {HEAD(0, 1) "'general.alignment w10 q32", IG_E_FORMAT, "general.alignment is of the type u64"},
    /* tensors */
    {HEAD(1, 0) "' w1 q1 w0 q0 z32 n4", IG_E_FORMAT, "an empty name of a tensor"},
    {HEAD(1, 0) "q1025 n1025 w1 q1 w0 q0 z32 n4", IG_E_LIMIT, "a name of a tensor of 1025 bytes"},
    {HEAD(1, 0) "'\xc3( w1 q1 w0 q0 z32 n4", IG_E_FORMAT, "not UTF-8"},
    {HEAD(1, 0) "'a w5 q1 q1 q1 q1 q1 w0 q0 z32 n4", IG_E_FORMAT, "tensor a has 5 dimensions; GGUF has at most 4"},
    {HEAD(1, 0) "'a w-1 q1 w0 q0 z32 n4", IG_E_FORMAT, "tensor a has 4294967295 dimensions"},
    {HEAD(1, 0) VECTOR("a", 0, -1, 0) "z32 n4", IG_E_FORMAT, "tensor a has the size 18446744073709551615"},
    {HEAD(1, 0) "'a w2 q4294967296 q4294967296 w0 q0 z32 n4", IG_E_FORMAT, "tensor a: its shape"},
    {HEAD(1, 0) "'a w2 q0 q2305843009213693952 w0 q0 z32 n4", IG_E_FORMAT, "tensor a: its shape"},
    {HEAD(1, 0) VECTOR("a", 28, 2305843009213693952, 0) "z32 n4", IG_E_FORMAT, "tensor a: its shape"},
    {HEAD(1, 0) VECTOR("a", 4, 32, 0) "z32 n32", IG_E_FORMAT, "tensor a has the unknown type 4"},
    {HEAD(1, 0) VECTOR("a", 40, 32, 0) "z32 n32", IG_E_FORMAT, "tensor a has the unknown type 40"},
    {HEAD(1, 0) VECTOR("a", 2, 33, 0) "z32 n36", IG_E_FORMAT, "rows of 33 elements do not fill blocks of 32, which q4_0 has"},
    {HEAD(1, 0) "'a w2 q16 q2 w8 q0 z32 n34", IG_E_FORMAT, "rows of 16 elements"},
    {HEAD(1, 0) "'a w0 w12 q0 z32 n144", IG_E_FORMAT, "rows of 1 elements do not fill blocks of 256"},
    {HEAD(1, 0) VECTOR("a", 0, 1, 4) "z32 n8", IG_E_FORMAT, "byte 4 of the data, which is no multiple of the alignment 32"},
    {HEAD(1, 1) ALIGNMENT(64) VECTOR("a", 0, 1, 32) "z64 n68", IG_E_FORMAT, "no multiple of the alignment 64"},
    {HEAD(1, 0) VECTOR("a", 0, 1, 0) "z32", IG_E_FORMAT, "tensor a of 4 bytes at byte 0 of 0 reaches past the end"},
    {HEAD(1, 0) VECTOR("a", 0, 2, 0) "z32 n7", IG_E_FORMAT, "tensor a of 8 bytes at byte 0 of 7"},
    {HEAD(1, 0) VECTOR("a", 0, 1, 64) "z32 n32", IG_E_FORMAT, "at byte 64 of 32"},
    {HEAD(1, 0) VECTOR("a", 0, 1, -32) "z32 n32", IG_E_FORMAT, "reaches past the end"},
    {HEAD(1, 0) VECTOR("a", 0, 1, 0), IG_E_FORMAT, "reaches past the end"},
    {HEAD(2, 0) VECTOR("a", 0, 1, 0) VECTOR("b", 0, 1, 0) "z32 n4", IG_E_FORMAT, "tensors a and b overlap"},
    {HEAD(2, 0) VECTOR("a", 0, 9, 0) VECTOR("b", 0, 1, 32) "z32 n36", IG_E_FORMAT, "tensors a and b overlap"},
    {HEAD(2, 0) VECTOR("b", 0, 1, 32) VECTOR("a", 0, 9, 0) "z32 n36", IG_E_FORMAT, "tensors a and b overlap"},
    {HEAD(2, 0) VECTOR("a", 0, 1, 0) VECTOR("a", 0, 1, 32) "z32 n36", IG_E_FORMAT, "the tensor a stands twice"},
    {HEAD(2, 0) VECTOR("a", 0, 1, 0) "'b w1 q1", IG_E_FORMAT, "cut short"},
};

static void damaged_files_are_refused_with_a_reason(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        spelt f = spell(rows[i].file);
        ig_gguf *g = NULL;
        ig_error err = {0};
        ig_status status = ig_gguf_open_memory("damaged", f.bytes, f.size, &g, &err);
        if (status != rows[i].status)
            fail_msg("%s: %s, expected %s: %s", rows[i].file, ig_status_name(status), ig_status_name(rows[i].status),
                     err.message);
        if (!strstr(err.message, rows[i].reason))
            fail_msg("%s: \"%s\" not in \"%s\"", rows[i].file, rows[i].reason, err.message);
        assert_null(g);
        assert_int_equal(err.code, status);
        assert_string_equal(err.file, "damaged");
        free(f.bytes);
    }
}

static const char good[] = HEAD(3, 6) "'u w4 w7 't w8 'text 'b w9 w7 q2 b0 b1 'l w9 w8 q2 'one 'two "
    "'n w9 w9 q2 w0 q1 b5 w6 q1 f1.5 'general.alignment w4 w8 "
    "'w w2 q2 q3 w0 q0 " VECTOR("q", 8, 32, 24) VECTOR("s", 25, 3, 64) "z8 n70";

static void walk_array(const ig_gguf_value *array) {
    ig_gguf_value v;
    uint64_t n = 0;
    for (ig_gguf_items it = ig_gguf_items_of(array); ig_gguf_items_next(&it, &v); n++)
        if (v.type == IG_GGUF_ARRAY) walk_array(&v);
    assert_int_equal(n, array->count);
}

/* Whatever opens must also be readable to its last byte. */
static bool open_and_read(ig_context *ctx, const uint8_t *bytes, size_t size) {
    ig_gguf *g;
    ig_gguf_value v;
    if (ig_gguf_open_memory("m", bytes, size, &g, NULL) != IG_OK) return false;
    for (size_t i = 0; i < ig_gguf_key_count(g); i++) {
        assert_true(ig_gguf_get(g, ig_gguf_key(g, i), &v));
        if (v.type == IG_GGUF_ARRAY) walk_array(&v);
    }
    for (size_t i = 0; i < ig_gguf_count(g); i++) {
        const ig_gguf_tensor *t = ig_gguf_describe(g, i);
        ig_tensor copy;
        assert_int_equal(ig_gguf_find(g, t->name), i);
        assert_int_equal(ig_tensor_new(ctx, IG_DTYPE_F32, t->ndim, t->shape, &copy, NULL), IG_OK);
        assert_int_equal(ig_gguf_read(ctx, g, i, &copy, NULL),
                         ig_ggml_type_find(t->type)->block == 1 ? IG_OK : IG_E_UNSUPPORTED);
        ig_tensor_unref(&copy);
    }
    ig_gguf_close(g);
    return true;
}

static void changed_and_cut_files_never_crash(void **state) {
    (void)state;
    static const uint8_t swaps[] = {0, 1, 2, 3, 8, 9, 12, 13, 30, 64, 127, 128, 255};
    ig_context *ctx;
    assert_int_equal(ig_context_new(&(ig_context_opts){.threads = 1}, &ctx, NULL), IG_OK);
    spelt f = spell(good);
    assert_true(open_and_read(ctx, f.bytes, f.size));
    for (size_t i = 0; i < f.size; i++) {
        uint8_t kept = f.bytes[i], *cut = malloc(i + 1);
        for (size_t k = 0; k < sizeof swaps; k++) {
            f.bytes[i] = swaps[k];
            (void)open_and_read(ctx, f.bytes, f.size);
        }
        f.bytes[i] = kept;
        memcpy(cut, f.bytes, i + 1);
        if (i + 1 < f.size) assert_false(open_and_read(ctx, cut, i + 1));
        free(cut);
    }
    free(f.bytes);
    ig_context_free(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_files_are_refused_with_a_reason),
        cmocka_unit_test(changed_and_cut_files_never_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
