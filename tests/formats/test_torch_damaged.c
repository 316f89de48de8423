/* tests/formats/test_torch_damaged.c: pickles that try to run something, pickles, archives and legacy files that are damaged,
 * each refused with its status and a reason that a person understands; and changed bytes and cuts of good files, refused or
 * taken but never a crash.
 */
#include "ingot/formats.h"
#include "make_zip.h"

static void check_refused(const char *what, const spelt *f, ig_status expected, const char *reason) {
    ig_torch *t = NULL;
    ig_error err = {0};
    ig_status status = ig_torch_open_memory("damaged", f->bytes, f->size, &t, &err);
    if (status != expected)
        fail_msg("%s: %s, expected %s: %s", what, ig_status_name(status), ig_status_name(expected), err.message);
    if (!strstr(err.message, reason)) fail_msg("%s: \"%s\" not in \"%s\"", what, reason, err.message);
    assert_null(t);
    assert_string_equal(err.file, "damaged");
}

/* ---- pickles: each in an archive whose storage 0 has four floats ------------------------------------------------- */

typedef struct row {
    const char *pickle; /* after the protocol */
    size_t size;
    ig_status status;
    const char *reason;
} row;

#define P(s) s, sizeof s - 1
#define ID(type, key, count) "(U\x07storagectorch\n" type "\nU\x01" key "U\x03" "cpuK" count "tQ"
#define FLOATS ID("FloatStorage", "0", "\x04")
/* one size and one stride, as opcodes */
#define TENSOR(storage, offset, size, stride) \
    "ctorch._utils\n_rebuild_tensor_v2\n(" storage offset size "\x85" stride "\x85\x89NtR"
#define K(n) "K" n

static const row rows[] = {
    /* names */
    {P("cos\nsystem\n(U\x02ls\x85R."), IG_E_UNSUPPORTED, "it names os.system, which is neither a tensor nor a plain container"},
    {P("cbuiltins\neval\n."), IG_E_UNSUPPORTED, "it names builtins.eval"},
    {P("c__builtin__\nexec\n."), IG_E_UNSUPPORTED, "it names __builtin__.exec"},
    {P("ctorch\nload\n."), IG_E_UNSUPPORTED, "it names torch.load"},
    {P("ctorch.FloatStorage\n__class__\n."), IG_E_UNSUPPORTED, "it names torch.FloatStorage.__class__"},
    {P("ctorch._utils\n_rebuild_sparse_tensor\n."), IG_E_UNSUPPORTED, "_rebuild_sparse_tensor"},
    {P("\x8c\x02os\x8c\x06system\x93."), IG_E_UNSUPPORTED, "it names os.system"},
    {P("cos\nsystem"), IG_E_FORMAT, "a name without an end"},
    {P("K\x01K\x02\x93."), IG_E_FORMAT, "an integer where a text was expected"},
    /* calls */
    {P("U\x02os)R."), IG_E_FORMAT, "a text where a name was expected"},
    {P("ccollections\nOrderedDict\n]R."), IG_E_FORMAT, "a list where a tuple was expected"},
    {P("ccollections\nOrderedDict\nK\x01\x85R."), IG_E_FORMAT, "an ordered dictionary of something else"},
    {P("ccollections\nOrderedDict\n]K\x01" "a\x85R."), IG_E_FORMAT, "something else than pairs"},
    {P("cbuiltins\nset\nK\x01\x85R."), IG_E_FORMAT, "a set of something else"},
    {P("ctorch\nSize\nK\x01\x85R."), IG_E_FORMAT, "a torch.Size of something else"},
    {P("ctorch\nFloatStorage\n)R."), IG_E_FORMAT, "it calls FloatStorage"},
    {P("ctorch._utils\n_rebuild_parameter\n(NtR."), IG_E_FORMAT, "a parameter without a tensor"},
    {P("]}b."), IG_E_UNSUPPORTED, "a list with attributes"},
    {P("(i__main__\nX\n."), IG_E_UNSUPPORTED, "the opcode 0x69"},
    {P("ccollections\nOrderedDict\n)\x81."), IG_E_UNSUPPORTED, "the opcode 0x81"},
    {P("\x82\x01."), IG_E_UNSUPPORTED, "the opcode 0x82"},
    /* storages */
    {P("NQ."), IG_E_FORMAT, "a persistent id that is no tuple"},
    {P(")Q."), IG_E_FORMAT, "a persistent id that is not"},
    {P("(U\x06moduleNNNtQ."), IG_E_UNSUPPORTED, "a whole module with its source"},
    {P("(U\x07storageNU\x01" "0U\x03" "cpuK\x04tQ."), IG_E_FORMAT, "a persistent id that is not"},
    {P("(U\x07storagectorch\nfloat32\nU\x01" "0U\x03" "cpuK\x04tQ."), IG_E_FORMAT, "a persistent id that is not"},
    {P("(U\x07storagectorch\nFloatStorage\nU\x01" "0U\x03" "cpuJ\xff\xff\xff\xfftQ."), IG_E_FORMAT,
     "a persistent id that is not"},
    {P("(U\x07storagectorch\nFloatStorage\nU\x01" "0U\x03" "cpuK\x04(U\x01" "1K\x02K\x03ttQ."), IG_E_FORMAT,
     "a view of a storage that"},
    {P(TENSOR(ID("FloatStorage", "7", "\x04"), K("\0"), K("\x04"), K("\x01")) "."), IG_E_FORMAT, "a/data/7 is missing"},
    {P(TENSOR(ID("FloatStorage", "0", "\x05"), K("\0"), K("\x04"), K("\x01")) "."), IG_E_FORMAT, "a/data/0 has 16 bytes"},
    {P(TENSOR(ID("DoubleStorage", "0", "\x04"), K("\0"), K("\x04"), K("\x01")) "."), IG_E_FORMAT, "a/data/0 has 16 bytes"},
    {P("(" FLOATS ID("IntStorage", "0", "\x04") "t."), IG_E_FORMAT, "storage 0 is 4 f32 here and 4 i32 there"},
    {P("(U\x07storagectorch\nFloatStorage\nU\x01" "0U\x03" "cpu\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7ftQ."), IG_E_FORMAT,
     "a/data/0 has 16 bytes"},
    /* tensors */
    {P("ctorch._utils\n_rebuild_tensor_v2\n)R."), IG_E_FORMAT, "a tensor must be made of a storage"},
    {P("ctorch._utils\n_rebuild_tensor_v2\n(" FLOATS "K\0K\x04\x85NtR."), IG_E_FORMAT, "a tensor must be made of"},
    {P(TENSOR("N", K("\0"), K("\x04"), K("\x01")) "."), IG_E_FORMAT, "a tensor must be made of"},
    {P(TENSOR(FLOATS, K("\0"), K("\x05"), K("\x01")) "."), IG_E_FORMAT, "reaches past the 4 elements of storage 0"},
    {P(TENSOR(FLOATS, K("\x01"), K("\x04"), K("\x01")) "."), IG_E_FORMAT, "reaches past the 4 elements"},
    {P(TENSOR(FLOATS, K("\0"), K("\x03"), K("\x02")) "."), IG_E_FORMAT, "reaches past the 4 elements"},
    {P(TENSOR(FLOATS, K("\x05"), K("\0"), K("\x01")) "."), IG_E_FORMAT, "reaches past the 4 elements"},
    {P(TENSOR(FLOATS, "J\xff\xff\xff\xff", K("\x01"), K("\x01")) "."), IG_E_FORMAT, "a tensor must be made of"},
    {P(TENSOR(FLOATS, K("\0"), "J\xff\xff\xff\xff", K("\x01")) "."), IG_E_FORMAT, "no positive integer"},
    {P(TENSOR(FLOATS, K("\0"), K("\x04"), "J\xff\xff\xff\xff") "."), IG_E_FORMAT, "no positive integer"},
    {P(TENSOR(FLOATS, K("\0"), K("\x03"), "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f") "."), IG_E_FORMAT,
     "reaches past the 4 elements"},
    {P(TENSOR(FLOATS, K("\0"), "J\0\0\0\x7f", K("\0")) "."), IG_E_LIMIT, "a tensor shows 4 elements as 2130706432"},
    {P(TENSOR(FLOATS, K("\0"), "N", K("\x01")) "."), IG_E_FORMAT, "no positive integer"},
    {P("ctorch._utils\n_rebuild_tensor_v2\n(" FLOATS "K\0K\x01\x85)\x89NtR."), IG_E_FORMAT,
     "a tensor with 1 sizes and 0 strides"},
    {P("ctorch._utils\n_rebuild_tensor_v2\n(" FLOATS "K\0(K\x01K\x01K\x01K\x01K\x01K\x01K\x01t)\x89NtR."), IG_E_LIMIT,
     "7 dimensions"},
    {P("ctorch._utils\n_rebuild_tensor_v2\n(" FLOATS "K\0(J\0\0\0\x7fJ\0\0\0\x7fJ\0\0\0\x7ft(K\0K\0K\0t\x89NtR."), IG_E_FORMAT,
     "the shape of a tensor"},
    /* the machine */
    {P(""), IG_E_FORMAT, "it has no end"},
    {P("\x80\x06."), IG_E_UNSUPPORTED, "pickle protocol 6"},
    {P("\x80\x01."), IG_E_UNSUPPORTED, "pickle protocol 1"},
    {P("."), IG_E_FORMAT, "a value is missing on the stack"},
    {P("(."), IG_E_FORMAT, "a value is missing on the stack"},
    {P("NN."), IG_E_FORMAT, "ends with 2 values"},
    {P("N.N"), IG_E_FORMAT, "data.pkl goes on after its end"},
    {P("0N."), IG_E_FORMAT, "the stack is empty"},
    {P("t."), IG_E_FORMAT, "there is no mark"},
    {P("1N."), IG_E_FORMAT, "there is no mark"},
    {P("(e."), IG_E_FORMAT, "a container is missing"},
    {P("((e."), IG_E_FORMAT, "a container is missing"},
    {P("}(Nu."), IG_E_FORMAT, "a key without a value"},
    {P("](NNu."), IG_E_FORMAT, "a list where a dictionary was expected"},
    {P(")Na."), IG_E_FORMAT, "a tuple where a list was expected"},
    {P("h\x05."), IG_E_FORMAT, "slot 5 of the memo is empty"},
    {P("Nr\xff\xff\xff\xff."), IG_E_LIMIT, "slot 4294967295 of the memo"},
    {P("X\xff\xff\xff\x7f" "abc"), IG_E_FORMAT, "2147483647 bytes are needed"},
    {P("\x8d\xff\xff\xff\xff\xff\xff\xff\xff."), IG_E_FORMAT, "18446744073709551615 bytes are needed"},
    {P("J\x01\x02"), IG_E_FORMAT, "4 bytes are needed, 2 are left"},
    /* names of what is found */
    {P("]q\0h\0a."), IG_E_LIMIT, "is nested more than 64 deep"},
    {P("}N" TENSOR(FLOATS, K("\0"), K("\x04"), K("\x01")) "s."), IG_E_UNSUPPORTED, "None as a key"},
    {P("}U\0Ns."), IG_E_FORMAT, "a key that is empty"},
    {P("}U\x01\xffNs."), IG_E_FORMAT, "a key that is empty, not UTF-8"},
    {P("}U\x02" "a\0Ns."), IG_E_FORMAT, "zero byte"},
    {P("}U\x01" "aK\x01sU\x01" "aK\x02s."), IG_E_FORMAT, "two values are called a"},
    {P("}U\x03" "a.bK\x01sU\x01" "a}U\x01" "bK\x02ss."), IG_E_FORMAT, "two values are called a.b"},
};

static spelt wrap(const char *pickle, size_t size) {
    static const float numbers[4] = {1, 2, 3, 4};
    char whole[1024] = "\x80\x02";
    assert_true(size + 2 <= sizeof whole);
    memcpy(whole + 2, pickle, size);
    return make_zip((zip_part[]){{.name = "a/data.pkl", .bytes = whole, .size = size + 2},
                                 {.name = "a/data/0", .bytes = numbers, .size = sizeof numbers}}, 2);
}

static void damaged_pickles_are_refused_with_a_reason(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        spelt f = wrap(rows[i].pickle, rows[i].size);
        check_refused(rows[i].reason, &f, rows[i].status, rows[i].reason);
        free(f.bytes);
    }
}

/* [[…],[…]] of the list before, twenty times over: a million values from a hundred bytes. */
static void containers_that_unfold_without_end_are_refused(void **state) {
    (void)state;
    char pickle[400] = "]";
    size_t n = 1;
    for (int i = 0; i < 40; i++) n += (size_t)snprintf(pickle + n, sizeof pickle - n, "2\x86");
    pickle[n++] = '.';
    spelt f = wrap(pickle, n);
    check_refused("unfold", &f, IG_E_LIMIT, "unfold to more than");
    free(f.bytes);
}

/* ---- archives ---------------------------------------------------------------------------------------------------- */

#define GOOD "\x80\x02}U\x01w" TENSOR(FLOATS, K("\0"), K("\x04"), K("\x01")) "s."
#define PICKLE {.name = "a/data.pkl", .bytes = GOOD, .size = sizeof GOOD - 1}
#define NUMBERS "\0\0\x80\x3f\0\0\0\x40\0\0\x40\x40\0\0\x80\x40"
#define STORAGE .name = "a/data/0", .bytes = NUMBERS, .size = 16

static void damaged_archives_are_refused_with_a_reason(void **state) {
    (void)state;
    static const struct { zip_part part[3]; size_t count; ig_status status; const char *reason; } bad[] = {
        {{{.name = "a/other", .bytes = "x", .size = 1}}, 1, IG_E_FORMAT, "the archive has no data.pkl"},
        {{PICKLE, {.name = "b/data.pkl", .bytes = GOOD, .size = sizeof GOOD - 1}}, 2, IG_E_FORMAT, "more than one data.pkl"},
        {{{.name = "data.pkl", .bytes = GOOD, .size = sizeof GOOD - 1}}, 1, IG_E_FORMAT, "no data.pkl in a folder"},
        {{PICKLE}, 1, IG_E_FORMAT, "a/data/0 is missing"},
        {{PICKLE, {.name = "a/data/0", .bytes = NUMBERS, .size = 15}}, 2, IG_E_FORMAT, "a/data/0 has 15 bytes"},
        {{PICKLE, {STORAGE, .method = 8}}, 2, IG_E_UNSUPPORTED, "a/data/0 is compressed"},
        {{PICKLE, {STORAGE, .size_error = 1u << 30}}, 2, IG_E_FORMAT, "the files of the archive are larger than the archive"},
        {{{.name = "a/data.pkl", .bytes = GOOD, .size = sizeof GOOD - 1, .crc_error = 1}, {STORAGE}}, 2, IG_E_FORMAT,
         "a/data.pkl cannot be read"},
        {{PICKLE, {STORAGE}, {.name = "a/byteorder", .bytes = "big", .size = 3}}, 3, IG_E_UNSUPPORTED, "byte order"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        spelt f = make_zip(bad[i].part, bad[i].count);
        check_refused(bad[i].reason, &f, bad[i].status, bad[i].reason);
        free(f.bytes);
    }
    spelt f = make_zip((zip_part[]){PICKLE, {STORAGE}}, 2);
    f.size -= 30;
    check_refused("cut archive", &f, IG_E_FORMAT, "the zip archive is damaged");
    free(f.bytes);
}

static void a_wrong_checksum_is_told_when_the_storage_is_read(void **state) {
    (void)state;
    ig_context *ctx;
    ig_error err;
    ig_torch *t;
    ig_tensor x;
    spelt f = make_zip((zip_part[]){PICKLE, {STORAGE, .crc_error = 1}}, 2);
    check_ok(ig_context_new(&(ig_context_opts){.threads = 1}, &ctx, &err));
    check_ok(ig_torch_open_memory("m", f.bytes, f.size, &t, &err));
    check_ok(ig_tensor_new(ctx, IG_DTYPE_F32, 1, (int64_t[]){4}, &x, &err));
    check_fails(ig_torch_read(ctx, t, 0, &x, &err), IG_E_FORMAT);
    assert_non_null(strstr(err.message, "a/data/0 cannot be read"));
    ig_tensor_unref(&x);
    ig_torch_close(t);
    ig_context_free(ctx);
    free(f.bytes);
}

/* ---- the legacy form --------------------------------------------------------------------------------------------- */

#define MAGIC "\x80\x02\x8a\x0al\xfc\x9c\x46\xf9 j\xa8P\x19."
#define PROTOCOL "\x80\x02M\xe9\x03."
#define SYSTEM(flag) "\x80\x02}U\x0dlittle_endian" flag "s."
#define HEAD MAGIC PROTOCOL SYSTEM("\x88")
#define KEYS "\x80\x02]U\x01" "0a."
#define COUNT(n) n "\0\0\0\0\0\0\0"

static const row legacy_rows[] = {
    {P(""), IG_E_FORMAT, "begins neither like a zip archive nor like a pickle"},
    {P("ustar"), IG_E_FORMAT, "begins neither"},
    {P("\x80\x02N."), IG_E_FORMAT, "without PyTorch's magic number"},
    {P("\x80\x02\x8a\x0al\xfc\x9c\x46\xf9 j\xa8P\x18."), IG_E_FORMAT, "without PyTorch's magic number"},
    {P(MAGIC), IG_E_FORMAT, "it has no end"},
    {P(MAGIC "\x80\x02K\x01."), IG_E_UNSUPPORTED, "the checkpoint's protocol is not 1001"},
    {P(MAGIC PROTOCOL SYSTEM("\x89")), IG_E_UNSUPPORTED, "big-endian"},
    {P(HEAD "cos\nsystem\n(U\x02ls\x85R."), IG_E_UNSUPPORTED, "it names os.system"},
    {P(HEAD GOOD), IG_E_FORMAT, "it has no end"},
    {P(HEAD GOOD "\x80\x02N."), IG_E_FORMAT, "the list of storages is None"},
    {P(HEAD GOOD "\x80\x02]K\x01" "a."), IG_E_FORMAT, "the list of storages has an integer in it"},
    {P(HEAD GOOD "\x80\x02]."), IG_E_FORMAT, "0 storages are listed, 1 are used"},
    {P(HEAD GOOD "\x80\x02]U\x01" "1a." COUNT("\x04") NUMBERS), IG_E_FORMAT, "storage 1 is listed and used by no tensor"},
    {P(HEAD GOOD KEYS), IG_E_FORMAT, "the file ends before storage 0"},
    {P(HEAD GOOD KEYS COUNT("\x05") NUMBERS), IG_E_FORMAT, "storage 0 has 5 elements, its tensors were told 4"},
    {P(HEAD GOOD KEYS COUNT("\x04") "\0\0\0"), IG_E_FORMAT, "storage 0 of 4 elements reaches past the end"},
    {P(HEAD GOOD KEYS COUNT("\x04") NUMBERS "x"), IG_E_FORMAT, "the last 1 bytes belong to no storage"},
    {P(HEAD GOOD "\x80\x02](U\x01" "0U\x01" "0e." COUNT("\x04") NUMBERS), IG_E_FORMAT, "storage 0 is listed twice"},
};

static void damaged_legacy_files_are_refused_with_a_reason(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof legacy_rows / sizeof *legacy_rows; i++) {
        spelt f = {0};
        spell_bytes(&f, legacy_rows[i].pickle, legacy_rows[i].size);
        check_refused(legacy_rows[i].reason, &f, legacy_rows[i].status, legacy_rows[i].reason);
        free(f.bytes);
    }
}

/* ---- changed bytes ----------------------------------------------------------------------------------------------- */

/* Whatever opens must also be readable, or say why not. */
static bool open_and_read(ig_context *ctx, const uint8_t *bytes, size_t size) {
    ig_torch *t;
    ig_tensor x;
    if (ig_torch_open_memory("m", bytes, size, &t, NULL) != IG_OK) return false;
    for (size_t i = 0; i < ig_torch_count(t); i++) {
        assert_int_equal(ig_torch_find(t, ig_torch_name(t, i)), i);
        if (ig_torch_describe(t, i, &x, NULL) != IG_OK) continue;
        assert_int_equal(ig_tensor_alloc(ctx, &x, NULL), IG_OK);
        (void)ig_torch_read(ctx, t, i, &x, NULL);
        ig_tensor_unref(&x);
    }
    ig_torch_close(t);
    return true;
}

static void change_and_cut(ig_context *ctx, spelt *f) {
    static const uint8_t swaps[] = {0, 1, 2, 4, '(', '.', 'N', 'Q', 'R', '}', 'a', 'e', 0x80, 0x85, 0x8a, 0xff};
    assert_true(open_and_read(ctx, f->bytes, f->size));
    for (size_t i = 0; i < f->size; i++) {
        uint8_t kept = f->bytes[i], *cut = malloc(i + 1);
        for (size_t k = 0; k < sizeof swaps; k++) {
            f->bytes[i] = swaps[k];
            (void)open_and_read(ctx, f->bytes, f->size);
        }
        f->bytes[i] = kept;
        memcpy(cut, f->bytes, i + 1);
        if (i + 1 < f->size) assert_false(open_and_read(ctx, cut, i + 1));
        free(cut);
    }
}

static void changed_and_cut_files_never_crash(void **state) {
    (void)state;
    ig_context *ctx;
    assert_int_equal(ig_context_new(&(ig_context_opts){.threads = 1}, &ctx, NULL), IG_OK);
    spelt zip = make_zip((zip_part[]){PICKLE, {STORAGE}}, 2), legacy = {0};
    spell_bytes(&legacy, HEAD GOOD KEYS COUNT("\x04") NUMBERS, sizeof HEAD GOOD KEYS COUNT("\x04") NUMBERS - 1);
    change_and_cut(ctx, &zip);
    change_and_cut(ctx, &legacy);
    free(zip.bytes);
    free(legacy.bytes);
    ig_context_free(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_pickles_are_refused_with_a_reason),
        cmocka_unit_test(containers_that_unfold_without_end_are_refused),
        cmocka_unit_test(damaged_archives_are_refused_with_a_reason),
        cmocka_unit_test(a_wrong_checksum_is_told_when_the_storage_is_read),
        cmocka_unit_test(damaged_legacy_files_are_refused_with_a_reason),
        cmocka_unit_test(changed_and_cut_files_never_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
