/* tests/formats/test_safetensors.c: what is written is read again with the same bits, here and by a reader that Ingot did
 * not write (read_safetensors.py); the layout is that of the reference implementation, byte for byte.
 */
#include <unistd.h>

#include "ingot/formats.h"
#include "make_file.h"

static ig_context *ctx;
static ig_error err;
static char folder[] = "/tmp/ingot-formats-XXXXXX";

static int set_up(void **state) {
    (void)state;
    if (!mkdtemp(folder)) return 1;
    return ig_context_new(&(ig_context_opts){.threads = 1}, &ctx, &err) != IG_OK;
}

static int tear_down(void **state) {
    (void)state;
    ig_context_free(ctx);
    return ig_dir_remove(folder, NULL) != IG_OK;
}

static const char *in_folder(const char *name) {
    static char path[200];
    check_ok(ig_path_join(path, sizeof path, folder, name, &err));
    return path;
}

/* ---- a file with every type ------------------------------------------------------------------------------------------- */

static double f64[] = {1.0 / 3, -0.0};
static float f32[] = {1.5f, -2.25f, 3e-40f, 1e38f, 0.1f, -7};
static uint16_t f16[] = {0x3c00, 0xfbff, 0x0001}, bf16[] = {0x3f80, 0xc000, 0x7f7f};
static int32_t i32[] = {-2147483647 - 1, 2147483647};
static int64_t i64[] = {INT64_MIN, INT64_MAX};
static uint8_t u8[] = {0, 1, 255}, booleans[] = {1, 0, 1, 1, 0};

typedef struct sample {
    const char *name;
    ig_dtype dtype;
    int ndim;
    int64_t shape[IG_DIMS_MAX];
    void *data;
} sample;

/* In an order that is not the one of the file. */
static const sample samples[] = {
    {"mask", IG_DTYPE_BOOL, 1, {5}, booleans},   {"layer.10.w", IG_DTYPE_F32, 2, {2, 3}, f32},
    {"layer.2.w", IG_DTYPE_F32, 1, {6}, f32},    {"half", IG_DTYPE_F16, 1, {3}, f16},
    {"bytes", IG_DTYPE_U8, 3, {1, 3, 1}, u8},    {"brain", IG_DTYPE_BF16, 1, {3}, bf16},
    {"step", IG_DTYPE_I64, 1, {2}, i64},         {"ids", IG_DTYPE_I32, 1, {2}, i32},
    {"double", IG_DTYPE_F64, 1, {2}, f64},       {"scalar", IG_DTYPE_F32, 0, {0}, f32},
    {"none", IG_DTYPE_F32, 2, {3, 0}, f32},      {"名字 \"q\"\n", IG_DTYPE_F32, 1, {1}, f32},
};
#define SAMPLES (sizeof samples / sizeof *samples)

static void save_samples(const char *path) {
    ig_tensor t[SAMPLES];
    ig_named_tensor named[SAMPLES];
    for (size_t i = 0; i < SAMPLES; i++) {
        check_ok(ig_tensor_wrap(&t[i], samples[i].data, samples[i].dtype, samples[i].ndim, samples[i].shape, &err));
        named[i] = (ig_named_tensor){samples[i].name, &t[i]};
    }
    check_ok(ig_safetensors_save(ctx, path, named, SAMPLES, NULL, 0, &err));
}

static void every_type_comes_back_with_the_same_bits(void **state) {
    (void)state;
    ig_safetensors *s;
    ig_tensor view;
    const char *path = in_folder("types.safetensors");
    save_samples(path);
    check_ok(ig_safetensors_open(path, &s, &err));
    assert_int_equal(ig_safetensors_count(s), SAMPLES);
    for (size_t k = 0; k < SAMPLES; k++) {
        int64_t i = ig_safetensors_find(s, samples[k].name);
        assert_true(i >= 0);
        assert_string_equal(ig_safetensors_name(s, (size_t)i), samples[k].name);
        check_ok(ig_safetensors_view(s, (size_t)i, &view, &err));
        assert_int_equal(view.dtype, samples[k].dtype);
        assert_int_equal(view.ndim, samples[k].ndim);
        assert_memory_equal(view.shape, samples[k].shape, (size_t)view.ndim * sizeof *view.shape);
        if (ig_tensor_bytes(&view)) assert_memory_equal(view.data, samples[k].data, ig_tensor_bytes(&view));
    }
    ig_safetensors_close(s);
}

static void names_are_found_or_absent(void **state) {
    (void)state;
    ig_safetensors *s;
    const char *path = in_folder("names.safetensors");
    save_samples(path);
    check_ok(ig_safetensors_open(path, &s, &err));
    assert_int_equal(ig_safetensors_find(s, "layer.2"), -1);
    assert_int_equal(ig_safetensors_find(s, ""), -1);
    assert_int_equal(ig_safetensors_find(s, "__metadata__"), -1);
    assert_int_equal(ig_safetensors_find(s, "~"), -1);
    assert_null(ig_safetensors_name(s, SAMPLES));
    check_fails(ig_safetensors_view(s, SAMPLES, &(ig_tensor){0}, &err), IG_E_ARG);
    assert_string_equal(ig_safetensors_metadata(s, "format"), "pt");
    assert_null(ig_safetensors_metadata(s, "absent"));
    ig_safetensors_close(s);
}

/* ---- against others --------------------------------------------------------------------------------------------------- */

/* crc32 of zlib, computed here once more so that the two programs share no code: polynomial 0xEDB88320, bit by bit. */
static uint32_t crc32_zlib(const void *bytes, size_t n) {
    uint32_t c = ~0u;
    for (size_t i = 0; i < n; i++) {
        c ^= ((const uint8_t *)bytes)[i];
        for (int k = 0; k < 8; k++) c = c & 1 ? c >> 1 ^ 0xedb88320u : c >> 1;
    }
    return ~c;
}

/* "\nNAME DTYPE [SHAPE] CRC32\n", as the reader prints it. */
static void expected_line(const sample *w, char *line, size_t size) {
    static const char *const types[] = {[IG_DTYPE_F32] = "F32", [IG_DTYPE_F64] = "F64", [IG_DTYPE_F16] = "F16",
                                        [IG_DTYPE_BF16] = "BF16", [IG_DTYPE_I32] = "I32", [IG_DTYPE_I64] = "I64",
                                        [IG_DTYPE_U8] = "U8", [IG_DTYPE_BOOL] = "BOOL"};
    ig_tensor t;
    char shape[96];
    check_ok(ig_tensor_wrap(&t, w->data, w->dtype, w->ndim, w->shape, &err));
    snprintf(line, size, "\n%s %s %s %08x\n", w->name, types[w->dtype], ig_tensor_shape_text(&t, shape, sizeof shape),
             crc32_zlib(w->data, ig_tensor_bytes(&t)));
}

static void run_reader(const char *path, ig_buf *out) {
    char command[600], line[512];
    snprintf(command, sizeof command, "PYTHONUTF8=1 python3 '%s' '%s'", getenv("READ_SAFETENSORS"), path);
    FILE *p = popen(command, "r");
    assert_non_null(p);
    while (fgets(line, sizeof line, p)) ig_buf_puts(out, line);
    int status = pclose(p);
    if (status != 0) fail_msg("%s", out->data ? out->data : "python3 did not run");
}

static void another_reader_sees_the_same(void **state) {
    (void)state;
    if (!getenv("READ_SAFETENSORS") || system("python3 -c pass >/dev/null 2>&1") != 0) skip();
    ig_buf out = {.max = 1 << 20};
    const char *path = in_folder("other.safetensors");
    save_samples(path);
    run_reader(path, &out);
    assert_non_null(strstr(out.data, "metadata format pt\n"));
    for (size_t k = 0; k < SAMPLES; k++) {
        char line[200];
        expected_line(&samples[k], line, sizeof line);
        if (!strstr(out.data, line)) fail_msg("\"%s\" is missing in\n%s", line, out.data);
    }
    ig_buf_fini(&out);
}

/* Order, spelling and padding as the reference implementation's `prepare` (safetensors/src/tensor.rs) makes them. */
static void layout_is_that_of_the_reference_implementation(void **state) {
    (void)state;
    static const char expected[] =
        "{\"__metadata__\":{\"format\":\"pt\"},"
        "\"step\":{\"dtype\":\"I64\",\"shape\":[2],\"data_offsets\":[0,16]},"
        "\"double\":{\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[16,32]},"
        "\"layer.10.w\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[32,56]},"
        "\"layer.2.w\":{\"dtype\":\"F32\",\"shape\":[6],\"data_offsets\":[56,80]},"
        "\"none\":{\"dtype\":\"F32\",\"shape\":[3,0],\"data_offsets\":[80,80]},"
        "\"scalar\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[80,84]},"
        "\"名字 \\\"q\\\"\\n\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[84,88]},"
        "\"ids\":{\"dtype\":\"I32\",\"shape\":[2],\"data_offsets\":[88,96]},"
        "\"brain\":{\"dtype\":\"BF16\",\"shape\":[3],\"data_offsets\":[96,102]},"
        "\"half\":{\"dtype\":\"F16\",\"shape\":[3],\"data_offsets\":[102,108]},"
        "\"bytes\":{\"dtype\":\"U8\",\"shape\":[1,3,1],\"data_offsets\":[108,111]},"
        "\"mask\":{\"dtype\":\"BOOL\",\"shape\":[5],\"data_offsets\":[111,116]}}";
    ig_buf file = {.max = 1 << 20};
    const char *path = in_folder("layout.safetensors");
    save_samples(path);
    check_ok(ig_file_read(path, file.max, &file, &err));
    size_t n = sizeof expected - 1, padded = (n + 7) / 8 * 8;
    assert_int_equal(file.len, 8 + padded + 116);
    assert_int_equal((uint8_t)file.data[0] | (uint8_t)file.data[1] << 8, padded);
    assert_memory_equal(file.data + 8, expected, n);
    for (size_t i = n; i < padded; i++) assert_int_equal(file.data[8 + i], ' ');
    ig_buf_fini(&file);
}

/* The example of the reference implementation's documentation: header not padded, no metadata. */
static void example_of_the_reference_documentation_is_read(void **state) {
    (void)state;
    made_file f = make_file("{\"test\":{\"dtype\":\"I32\",\"shape\":[2,2],\"data_offsets\":[0,16]}}", 16);
    ig_safetensors *s;
    ig_tensor t;
    check_ok(ig_safetensors_open_memory("example", f.bytes, f.size, &s, &err));
    check_ok(ig_safetensors_describe(s, (size_t)ig_safetensors_find(s, "test"), &t, &err));
    assert_int_equal(t.dtype, IG_DTYPE_I32);
    assert_true(t.ndim == 2 && t.shape[0] == 2 && t.shape[1] == 2);
    assert_null(ig_safetensors_metadata(s, "format"));
    ig_safetensors_close(s);
    free(f.bytes);
}

/* ---- reading ------------------------------------------------------------------------------------------------------------ */

/* The header of f32 [3] at an odd place: data is converted and copied wherever it lies, viewed only where aligned. */
static void unaligned_tensors_are_copied_and_not_viewed(void **state) {
    (void)state;
    static const char header[] = "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
                                 "\"w\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[1,13]}}       ";
    made_file f = make_file(header, 13);
    ig_safetensors *s;
    ig_tensor dst, view;
    double got[3];
    memcpy(f.bytes + f.size - 12, f32, 12);
    check_ok(ig_safetensors_open_memory("m", f.bytes, f.size, &s, &err));
    bool aligned = (uintptr_t)(f.bytes + f.size - 12) % 4 == 0;
    check_fails(ig_safetensors_view(s, 1, &view, &err), aligned ? IG_OK : IG_E_UNSUPPORTED);
    assert_false(aligned);
    check_ok(ig_tensor_wrap(&dst, got, IG_DTYPE_F64, 1, (int64_t[]){3}, &err));
    check_ok(ig_safetensors_read(ctx, s, 1, &dst, &err));
    for (int i = 0; i < 3; i++) assert_true(got[i] == (double)f32[i]);
    ig_safetensors_close(s);
    free(f.bytes);
}

static void reading_converts_and_checks_the_shape(void **state) {
    (void)state;
    ig_safetensors *s;
    ig_tensor dst;
    float got[6];
    const char *path = in_folder("convert.safetensors");
    save_samples(path);
    check_ok(ig_safetensors_open(path, &s, &err));
    size_t brain = (size_t)ig_safetensors_find(s, "brain");
    check_ok(ig_tensor_wrap(&dst, got, IG_DTYPE_F32, 1, (int64_t[]){3}, &err));
    check_ok(ig_safetensors_read(ctx, s, brain, &dst, &err));
    for (int i = 0; i < 3; i++) assert_true(got[i] == ig_bf16_to_f32(bf16[i]));
    check_ok(ig_tensor_wrap(&dst, got, IG_DTYPE_F32, 2, (int64_t[]){1, 3}, &err));
    check_fails(ig_safetensors_read(ctx, s, brain, &dst, &err), IG_E_SHAPE);
    assert_non_null(strstr(err.message, "brain is [3] in the file, [1,3] was expected"));
    check_ok(ig_tensor_wrap(&dst, got, IG_DTYPE_F32, 2, (int64_t[]){3, 0}, &err));
    check_ok(ig_safetensors_read(ctx, s, (size_t)ig_safetensors_find(s, "none"), &dst, &err));
    ig_safetensors_close(s);
}

static void types_that_are_not_ours_are_refused_only_when_asked_for(void **state) {
    (void)state;
    static const char header[] = "{\"w\":{\"dtype\":\"F8_E4M3\",\"shape\":[4],\"data_offsets\":[0,4]},"
                                 "\"n\":{\"dtype\":\"F4\",\"shape\":[3,2],\"data_offsets\":[4,7]},"
                                 "\"u\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[7,8]}}";
    made_file f = make_file(header, 8);
    ig_safetensors *s;
    ig_tensor t;
    check_ok(ig_safetensors_open_memory("m", f.bytes, f.size, &s, &err));
    check_fails(ig_safetensors_describe(s, 0, &t, &err), IG_E_UNSUPPORTED);
    assert_non_null(strstr(err.message, "tensor w has the type F8_E4M3, which is not supported"));
    check_fails(ig_safetensors_view(s, 1, &t, &err), IG_E_UNSUPPORTED);
    check_ok(ig_safetensors_view(s, 2, &t, &err));
    assert_int_equal(ig_tensor_get(&t, 0), 7);
    ig_safetensors_close(s);
    free(f.bytes);
}

static void bools_are_zero_or_one(void **state) {
    (void)state;
    made_file f = make_file("{\"m\":{\"dtype\":\"BOOL\",\"shape\":[3],\"data_offsets\":[0,3]}}", 3); /* 0, 1, 2 */
    ig_safetensors *s;
    check_ok(ig_safetensors_open_memory("m", f.bytes, f.size, &s, &err));
    check_fails(ig_safetensors_view(s, 0, &(ig_tensor){0}, &err), IG_E_FORMAT);
    assert_non_null(strstr(err.message, "the byte 2 is no BOOL"));
    ig_safetensors_close(s);
    free(f.bytes);
}

static void missing_files_are_told_by_name(void **state) {
    (void)state;
    ig_safetensors *s;
    const char *path = in_folder("absent.safetensors");
    check_fails(ig_safetensors_open(path, &s, &err), IG_E_NOT_FOUND);
    assert_null(s);
    assert_string_equal(err.file, path);
}

/* ---- writing ------------------------------------------------------------------------------------------------------------ */

static void strided_views_are_written_dense(void **state) {
    (void)state;
    ig_tensor t, turned, view;
    ig_safetensors *s;
    const char *path = in_folder("strided.safetensors");
    check_ok(ig_tensor_wrap(&t, f32, IG_DTYPE_F32, 2, (int64_t[]){2, 3}, &err));
    check_ok(ig_tensor_transpose(&turned, &t, 0, 1, &err));
    check_ok(ig_safetensors_save(ctx, path, &(ig_named_tensor){"w", &turned}, 1, NULL, 0, &err));
    check_ok(ig_safetensors_open(path, &s, &err));
    check_ok(ig_safetensors_view(s, 0, &view, &err));
    assert_true(view.shape[0] == 3 && view.shape[1] == 2);
    for (int i = 0; i < 6; i++) assert_true(((float *)view.data)[i] == f32[i % 2 * 3 + i / 2]);
    ig_safetensors_close(s);
}

static void metadata_comes_back(void **state) {
    (void)state;
    static const ig_text_pair pairs[] = {{"step", "12"}, {"format", "pt"}, {"note", "中文 \"quoted\"\n"}};
    ig_safetensors *s;
    const char *path = in_folder("metadata.safetensors");
    check_ok(ig_safetensors_save(ctx, path, NULL, 0, pairs, 3, &err));
    check_ok(ig_safetensors_open(path, &s, &err));
    assert_int_equal(ig_safetensors_count(s), 0);
    for (int i = 0; i < 3; i++) assert_string_equal(ig_safetensors_metadata(s, pairs[i].key), pairs[i].value);
    ig_safetensors_close(s);
}

/* A refused save leaves the file that was there. */
static void what_no_reader_would_take_is_not_written(void **state) {
    (void)state;
    ig_tensor t, byte, shape_only;
    ig_buf before = {.max = 1 << 20}, after = {.max = 1 << 20};
    const char *path = in_folder("kept.safetensors");
    save_samples(path);
    check_ok(ig_file_read(path, before.max, &before, &err));
    check_ok(ig_tensor_wrap(&t, f32, IG_DTYPE_F32, 1, (int64_t[]){2}, &err));
    check_ok(ig_tensor_wrap(&byte, u8, IG_DTYPE_U8, 1, (int64_t[]){2}, &err));
    check_ok(ig_tensor_describe(&shape_only, IG_DTYPE_F32, 1, (int64_t[]){2}, &err));
    const ig_named_tensor twice[] = {{"a", &t}, {"b", &t}, {"a", &byte}}, reserved = {"__metadata__", &t};
    const ig_named_tensor no_text = {"\xff", &t}, empty = {"a", &shape_only}, fine = {"a", &t};
    const ig_text_pair pairs[] = {{"k", "1"}, {"k", "2"}}, no_utf8 = {"k", "\xc0"};
    check_fails(ig_safetensors_save(ctx, path, twice, 3, NULL, 0, &err), IG_E_ARG);
    assert_non_null(strstr(err.message, "two tensors are called a"));
    check_fails(ig_safetensors_save(ctx, path, &reserved, 1, NULL, 0, &err), IG_E_ARG);
    check_fails(ig_safetensors_save(ctx, path, &no_text, 1, NULL, 0, &err), IG_E_ARG);
    check_fails(ig_safetensors_save(ctx, path, &empty, 1, NULL, 0, &err), IG_E_ARG);
    check_fails(ig_safetensors_save(ctx, path, &fine, 1, pairs, 2, &err), IG_E_ARG);
    check_fails(ig_safetensors_save(ctx, path, &fine, 1, &no_utf8, 1, &err), IG_E_ARG);
    check_ok(ig_file_read(path, after.max, &after, &err));
    assert_true(before.len == after.len && memcmp(before.data, after.data, after.len) == 0);
    ig_buf_fini(&before);
    ig_buf_fini(&after);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_comes_back_with_the_same_bits),
        cmocka_unit_test(names_are_found_or_absent),
        cmocka_unit_test(another_reader_sees_the_same),
        cmocka_unit_test(layout_is_that_of_the_reference_implementation),
        cmocka_unit_test(example_of_the_reference_documentation_is_read),
        cmocka_unit_test(unaligned_tensors_are_copied_and_not_viewed),
        cmocka_unit_test(reading_converts_and_checks_the_shape),
        cmocka_unit_test(types_that_are_not_ours_are_refused_only_when_asked_for),
        cmocka_unit_test(bools_are_zero_or_one),
        cmocka_unit_test(missing_files_are_told_by_name),
        cmocka_unit_test(strided_views_are_written_dense),
        cmocka_unit_test(metadata_comes_back),
        cmocka_unit_test(what_no_reader_would_take_is_not_written),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
