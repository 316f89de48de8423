/* tests/formats/test_gguf.c: what is written is read again with the same bits; files of llama.cpp's own tests open with the
 * vocabulary sizes that are known of them; and no failing allocation is lost.
 */
#include <unistd.h>

#include "data.h"
#include "ingot/formats.h"
#include "spell.h"

static ig_context *ctx;
static ig_error err;
static char folder[] = "/tmp/ingot-gguf-XXXXXX", path[100];

static int set_up(void **state) {
    (void)state;
    if (!mkdtemp(folder) || ig_context_new(&(ig_context_opts){.threads = 1}, &ctx, NULL) != IG_OK) return 1;
    return ig_path_join(path, sizeof path, folder, "m.gguf", NULL) != IG_OK;
}

static int tear_down(void **state) {
    (void)state;
    ig_context_free(ctx);
    return ig_dir_remove(folder, NULL) != IG_OK;
}

/* ---- a file with everything ------------------------------------------------------------------------------------------ */

static const uint8_t bytes8[] = {0, 1, 255};
static const int8_t small[] = {-128, 0, 127};
static const uint16_t u16[] = {65535};
static const int32_t i32[] = {INT32_MIN, -1, INT32_MAX};
static const uint64_t u64[] = {UINT64_MAX};
static const float f32[] = {1.5f, -3e-40f, 0.1f};
static const double f64[] = {1.0 / 3};
static const ig_gguf_text texts[] = {{"one", 3}, {"", 0}, {"a\0b\xff", 4}};

static const ig_gguf_pair pairs[] = {
    {.key = "general.architecture", .type = IG_GGUF_TEXT, .text = {"llama", 5}},
    {.key = "u8", .type = IG_GGUF_U8, .integer = 255},
    {.key = "i8", .type = IG_GGUF_I8, .integer = -128},
    {.key = "u16", .type = IG_GGUF_U16, .integer = 65535},
    {.key = "i16", .type = IG_GGUF_I16, .integer = -32768},
    {.key = "u32", .type = IG_GGUF_U32, .integer = UINT32_MAX},
    {.key = "i32", .type = IG_GGUF_I32, .integer = INT32_MIN},
    {.key = "u64", .type = IG_GGUF_U64, .integer = -1},
    {.key = "i64", .type = IG_GGUF_I64, .integer = INT64_MIN},
    {.key = "f32", .type = IG_GGUF_F32, .real = 0.5},
    {.key = "f64", .type = IG_GGUF_F64, .real = 0.1},
    {.key = "yes", .type = IG_GGUF_BOOL, .integer = 1},
    {.key = "no", .type = IG_GGUF_BOOL, .integer = 0},
    {.key = "名字", .type = IG_GGUF_TEXT, .text = {"x\0y", 3}},
    {.key = "bools", .type = IG_GGUF_ARRAY, .item = IG_GGUF_BOOL, .count = 2, .items = bytes8},
    {.key = "u8s", .type = IG_GGUF_ARRAY, .item = IG_GGUF_U8, .count = 3, .items = bytes8},
    {.key = "i8s", .type = IG_GGUF_ARRAY, .item = IG_GGUF_I8, .count = 3, .items = small},
    {.key = "u16s", .type = IG_GGUF_ARRAY, .item = IG_GGUF_U16, .count = 1, .items = u16},
    {.key = "i32s", .type = IG_GGUF_ARRAY, .item = IG_GGUF_I32, .count = 3, .items = i32},
    {.key = "u64s", .type = IG_GGUF_ARRAY, .item = IG_GGUF_U64, .count = 1, .items = u64},
    {.key = "f32s", .type = IG_GGUF_ARRAY, .item = IG_GGUF_F32, .count = 3, .items = f32},
    {.key = "f64s", .type = IG_GGUF_ARRAY, .item = IG_GGUF_F64, .count = 1, .items = f64},
    {.key = "texts", .type = IG_GGUF_ARRAY, .item = IG_GGUF_TEXT, .count = 3, .items = texts},
    {.key = "none", .type = IG_GGUF_ARRAY, .item = IG_GGUF_TEXT},
};
#define PAIRS (sizeof pairs / sizeof *pairs)

static const float weight[6] = {1, 2, 3, 4, 5, 6};
static const uint8_t blocks[2 * 34] = {1, 2, 3};
static const int16_t shorts[3] = {-32768, 7, 32767};
static const uint16_t brain[2] = {0x3f80, 0xc000};
static const uint16_t half[2] = {0x3c00, 0xfbff};
static const int64_t longs[1] = {INT64_MIN};

static const ig_gguf_tensor tensors[] = {
    {"blk.0.w", 0, 2, {2, 3}, weight, sizeof weight},    {"blk.0.q", 8, 2, {2, 32}, blocks, sizeof blocks},
    {"shorts", 25, 1, {3}, shorts, sizeof shorts},       {"signed", 24, 1, {3}, small, sizeof small},
    {"brain", 30, 3, {1, 2, 1}, brain, sizeof brain},    {"half", 1, 4, {1, 1, 2, 1}, half, sizeof half},
    {"scalar", 0, 0, {0}, weight, 4},                    {"empty", 0, 2, {0, 5}, NULL, 0},
    {"long", 27, 1, {1}, longs, sizeof longs},
};
#define TENSORS (sizeof tensors / sizeof *tensors)

static ig_gguf *save_and_open(void) {
    ig_gguf *g;
    check_ok(ig_gguf_save(path, pairs, PAIRS, tensors, TENSORS, &err));
    check_ok(ig_gguf_open(path, &g, &err));
    assert_int_equal(ig_gguf_key_count(g), PAIRS);
    assert_int_equal(ig_gguf_count(g), TENSORS);
    return g;
}

static void check_items(const ig_gguf_value *v, const ig_gguf_pair *p) {
    ig_gguf_value item;
    uint64_t n = 0;
    assert_int_equal(v->item, p->item);
    assert_int_equal(v->count, p->count);
    if (p->item != IG_GGUF_TEXT) assert_memory_equal(v->items, p->items, v->items_bytes);
    for (ig_gguf_items it = ig_gguf_items_of(v); ig_gguf_items_next(&it, &item); n++) {
        assert_int_equal(item.type, p->item);
        if (p->item == IG_GGUF_I8) assert_int_equal(item.integer, small[n]);
        if (p->item == IG_GGUF_F32) assert_true(item.real == f32[n]);
        if (p->item != IG_GGUF_TEXT) continue;
        assert_int_equal(item.text.len, texts[n].len);
        assert_memory_equal(item.text.at, texts[n].at, texts[n].len);
    }
    assert_int_equal(n, p->count);
}

static void values_of_every_type_come_back(void **state) {
    (void)state;
    ig_gguf *g = save_and_open();
    for (size_t i = 0; i < PAIRS; i++) {
        ig_gguf_value v;
        assert_string_equal(ig_gguf_key(g, i), pairs[i].key);
        assert_true(ig_gguf_get(g, pairs[i].key, &v));
        assert_int_equal(v.type, pairs[i].type);
        assert_int_equal(v.text.len, pairs[i].text.len);
        if (v.text.len) assert_memory_equal(v.text.at, pairs[i].text.at, v.text.len);
        assert_int_equal(v.integer, pairs[i].integer);
        if (v.type == IG_GGUF_F32 || v.type == IG_GGUF_F64) assert_true(v.real == pairs[i].real);
        if (v.type == IG_GGUF_ARRAY) check_items(&v, &pairs[i]);
    }
    assert_null(ig_gguf_key(g, PAIRS));
    assert_false(ig_gguf_get(g, "nothing", &(ig_gguf_value){0}));
    ig_gguf_close(g);
}

static void values_are_asked_for_by_type(void **state) {
    (void)state;
    ig_gguf *g = save_and_open();
    int64_t n;
    double x;
    bool b;
    ig_gguf_text t;
    ig_gguf_value v;
    check_ok(ig_gguf_get_int(g, "i16", -40000, 0, &n, &err));
    assert_int_equal(n, -32768);
    check_fails(ig_gguf_get_int(g, "u32", 1, 100, &n, &err), IG_E_FORMAT);
    assert_non_null(strstr(err.message, "u32 is 4294967295, it must lie between 1 and 100"));
    check_fails(ig_gguf_get_int(g, "u64", INT64_MIN, INT64_MAX, &n, &err), IG_E_FORMAT);
    check_fails(ig_gguf_get_int(g, "f32", 0, 1, &n, &err), IG_E_FORMAT);
    check_fails(ig_gguf_get_int(g, "nothing", 0, 1, &n, &err), IG_E_NOT_FOUND);
    check_ok(ig_gguf_get_real(g, "u64", &x, &err));
    assert_true(x == 18446744073709551616.0);
    check_fails(ig_gguf_get_real(g, "yes", &x, &err), IG_E_FORMAT);
    check_ok(ig_gguf_get_bool(g, "yes", &b, &err));
    assert_true(b);
    check_fails(ig_gguf_get_bool(g, "u8", &b, &err), IG_E_FORMAT);
    check_ok(ig_gguf_get_text(g, "general.architecture", &t, &err));
    assert_int_equal(t.len, 5);
    check_fails(ig_gguf_get_text(g, "u8", &t, &err), IG_E_FORMAT);
    check_ok(ig_gguf_get_array(g, "texts", IG_GGUF_TEXT, &v, &err));
    check_fails(ig_gguf_get_array(g, "texts", IG_GGUF_F32, &v, &err), IG_E_FORMAT);
    assert_non_null(strstr(err.message, "texts is an array of text, one of f32 was expected"));
    check_fails(ig_gguf_get_array(g, "u8", IG_GGUF_U8, &v, &err), IG_E_FORMAT);
    ig_gguf_close(g);
}

static double read_element(const ig_gguf *g, const char *name, ig_dtype dtype, int64_t at) {
    ig_tensor copy;
    size_t i = (size_t)ig_gguf_find(g, name);
    const ig_gguf_tensor *t = ig_gguf_describe(g, i);
    check_ok(ig_tensor_new(ctx, dtype, t->ndim, t->shape, &copy, &err));
    check_ok(ig_gguf_read(ctx, g, i, &copy, &err));
    double v = ig_tensor_get(&copy, at);
    ig_tensor_unref(&copy);
    return v;
}

static void tensors_of_every_type_come_back(void **state) {
    (void)state;
    ig_gguf *g = save_and_open();
    ig_tensor wrong;
    for (size_t i = 0; i < TENSORS; i++) {
        const ig_gguf_tensor *t = ig_gguf_describe(g, i);
        assert_string_equal(t->name, tensors[i].name);
        assert_int_equal(ig_gguf_find(g, t->name), i);
        assert_int_equal(t->ndim, tensors[i].ndim);
        assert_memory_equal(t->shape, tensors[i].shape, (size_t)t->ndim * sizeof *t->shape);
        assert_int_equal(t->bytes, tensors[i].bytes);
        assert_int_equal((uintptr_t)t->data % 32, 0);
        if (t->bytes) assert_memory_equal(t->data, tensors[i].data, t->bytes);
    }
    assert_true(read_element(g, "blk.0.w", IG_DTYPE_F64, 4) == 5);
    assert_true(read_element(g, "shorts", IG_DTYPE_F32, 0) == -32768);
    assert_true(read_element(g, "shorts", IG_DTYPE_I32, 2) == 32767);
    assert_true(read_element(g, "signed", IG_DTYPE_F32, 0) == -128);
    assert_true(read_element(g, "brain", IG_DTYPE_F32, 1) == -2);
    assert_true(read_element(g, "half", IG_DTYPE_F32, 1) == -65504);
    assert_true(read_element(g, "long", IG_DTYPE_I64, 0) == (double)INT64_MIN);
    assert_int_equal(ig_gguf_find(g, "nothing"), -1);
    assert_null(ig_gguf_describe(g, TENSORS));
    check_ok(ig_tensor_new(ctx, IG_DTYPE_F32, 2, (int64_t[]){3, 2}, &wrong, &err));
    check_fails(ig_gguf_read(ctx, g, 0, &wrong, &err), IG_E_SHAPE);
    check_fails(ig_gguf_read(ctx, g, 1, &wrong, &err), IG_E_UNSUPPORTED);
    assert_non_null(strstr(err.message, "blk.0.q has the type q8_0"));
    check_fails(ig_gguf_read(ctx, g, TENSORS, &wrong, &err), IG_E_ARG);
    ig_tensor_unref(&wrong);
    ig_gguf_close(g);
}

static void version_2_and_unaligned_tensors_are_read(void **state) {
    (void)state;
    ig_gguf *g;
    spelt f = spell("GGUF w2 q2 q1 'general.alignment w4 w1 'a w1 q1 w24 q0 'b w1 q2 w0 q1 b255 f1.5 f-2");
    check_ok(ig_gguf_open_memory("m", f.bytes, f.size, &g, &err));
    assert_true(read_element(g, "a", IG_DTYPE_F32, 0) == -1);
    assert_true(read_element(g, "b", IG_DTYPE_F32, 1) == -2);
    ig_gguf_close(g);
    free(f.bytes);
}

static void what_cannot_be_written_is_refused_by_name(void **state) {
    (void)state;
    static const char long_name[] = "a123456789b123456789c123456789d123456789e123456789f123456789g123";
    const struct { ig_gguf_pair pair; ig_gguf_tensor tensor; const char *reason; } bad[] = {
        {{.key = "", .type = IG_GGUF_U8}, tensors[0], "a key must be UTF-8"},
        {{.key = "\xff", .type = IG_GGUF_U8}, tensors[0], "a key must be UTF-8"},
        {{.key = "k", .type = IG_GGUF_TYPE_COUNT}, tensors[0], "k has an unknown type"},
        {{.key = "k", .type = IG_GGUF_U8, .integer = 256}, tensors[0], "k is 256, which u8 does not hold"},
        {{.key = "k", .type = IG_GGUF_I16, .integer = -32769}, tensors[0], "which i16 does not hold"},
        {{.key = "k", .type = IG_GGUF_BOOL, .integer = 2}, tensors[0], "which bool does not hold"},
        {{.key = "k", .type = IG_GGUF_ARRAY, .item = IG_GGUF_ARRAY}, tensors[0], "an array of arrays"},
        {{.key = "general.alignment", .type = IG_GGUF_U32, .integer = 33}, tensors[0], "must be a u32 and a power of two"},
        {{.key = "u8", .type = IG_GGUF_U8}, tensors[0], "u8 stands twice"},
        {{.key = "k", .type = IG_GGUF_U8}, {"half", 0, 1, {1}, weight, 4}, "half stands twice"},
        {{.key = "k", .type = IG_GGUF_U8}, {long_name, 0, 1, {1}, weight, 4}, "1 to 63 bytes"},
        {{.key = "k", .type = IG_GGUF_U8}, {"a", 99, 1, {1}, weight, 4}, "tensor a has the unknown type 99"},
        {{.key = "k", .type = IG_GGUF_U8}, {"a", 0, 5, {1}, weight, 4}, "tensor a: 5 dimensions"},
        {{.key = "k", .type = IG_GGUF_U8}, {"a", 0, 1, {-1}, weight, 4}, "tensor a: its shape"},
        {{.key = "k", .type = IG_GGUF_U8}, {"a", 8, 1, {31}, weight, 34}, "do not fill blocks"},
        {{.key = "k", .type = IG_GGUF_U8}, {"a", 0, 1, {2}, weight, 4}, "needs 8 bytes by its shape and has 4"},
        {{.key = "k", .type = IG_GGUF_U8}, {"a", 0, 1, {1}, NULL, 4}, "needs 4 bytes by its shape and has 0"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ig_gguf_pair p[2] = {pairs[1], bad[i].pair};
        ig_gguf_tensor t[2] = {tensors[5], bad[i].tensor};
        check_fails(ig_gguf_save(path, p, 2, t, 2, &err), IG_E_ARG);
        if (!strstr(err.message, bad[i].reason)) fail_msg("row %zu: \"%s\" not in \"%s\"", i, bad[i].reason, err.message);
    }
}

/* ---- files of others --------------------------------------------------------------------------------------------- */

static void vocabularies_of_llama_cpp_open(void **state) {
    (void)state;
    static const struct { const char *file; int64_t tokens; const char *model; } known[] = {
        {"ggml-vocab-bert-bge.gguf", 30522, "bert"}, {"ggml-vocab-deepseek-llm.gguf", 102400, "gpt2"},
        {"ggml-vocab-falcon.gguf", 65024, "gpt2"},   {"ggml-vocab-gpt-2.gguf", 50257, "gpt2"},
        {"ggml-vocab-llama-spm.gguf", 32000, "llama"}, {"ggml-vocab-mpt.gguf", 50432, "gpt2"},
        {"ggml-vocab-phi-3.gguf", 32064, "llama"},   {"ggml-vocab-starcoder.gguf", 49152, "gpt2"},
    };
    char data[400], file[500];
    need_data("tok-ggml-vocab", data);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        ig_gguf *g;
        ig_gguf_value tokens, types;
        ig_gguf_text model;
        check_ok(ig_path_join(file, sizeof file, data, known[i].file, &err));
        check_ok(ig_gguf_open(file, &g, &err));
        assert_int_equal(ig_gguf_count(g), 0);
        check_ok(ig_gguf_get_array(g, "tokenizer.ggml.tokens", IG_GGUF_TEXT, &tokens, &err));
        check_ok(ig_gguf_get_array(g, "tokenizer.ggml.token_type", IG_GGUF_I32, &types, &err));
        check_ok(ig_gguf_get_text(g, "tokenizer.ggml.model", &model, &err));
        assert_int_equal(tokens.count, known[i].tokens);
        assert_int_equal(types.count, known[i].tokens);
        assert_int_equal(model.len, strlen(known[i].model));
        assert_memory_equal(model.at, known[i].model, model.len);
        ig_gguf_close(g);
    }
}

static void tokens_are_walked_in_order(void **state) {
    (void)state;
    char data[400], file[500];
    ig_gguf *g;
    ig_gguf_value tokens, v;
    int64_t n = 0;
    need_data("tok-ggml-vocab", data);
    check_ok(ig_path_join(file, sizeof file, data, "ggml-vocab-llama-spm.gguf", &err));
    check_ok(ig_gguf_open(file, &g, &err));
    check_ok(ig_gguf_get_array(g, "tokenizer.ggml.tokens", IG_GGUF_TEXT, &tokens, &err));
    for (ig_gguf_items it = ig_gguf_items_of(&tokens); ig_gguf_items_next(&it, &v); n++) {
        if (n == 0) assert_memory_equal(v.text.at, "<unk>", 5);
        if (n == 1) assert_memory_equal(v.text.at, "<s>", 3);
        if (n == 13) assert_memory_equal(v.text.at, "<0x0A>", 6);
    }
    assert_int_equal(n, 32000);
    ig_gguf_close(g);
}

/* ---- allocations ------------------------------------------------------------------------------------------------- */

/* Returns how many allocations could fail. */
static int walk(ig_status (*step)(ig_error *err)) {
    for (int n = 1; n < 10000; n++) {
        ig_alloc_fail_at((uint64_t)n);
        ig_status status = step(&err);
        ig_alloc_fail_at(0);
        if (status == IG_OK) return n - 1;
        if (status != IG_E_NOMEM) fail_msg("allocation %d: %s: %s", n, ig_status_name(status), err.message);
    }
    fail_msg("the call never succeeds");
    return 0;
}

static ig_status open_and_read(ig_error *e) {
    ig_gguf *g;
    float got[3];
    ig_tensor dst;
    IG_TRY(ig_tensor_wrap(&dst, got, IG_DTYPE_F32, 1, (int64_t[]){3}, e));
    ig_status status = ig_gguf_open(path, &g, e);
    assert_int_equal(status == IG_OK, g != NULL);
    if (status == IG_OK) status = ig_gguf_read(ctx, g, 2, &dst, e); /* i16: through a copy */
    ig_gguf_close(g);
    return status;
}

static ig_status save(ig_error *e) { return ig_gguf_save(path, pairs, PAIRS, tensors, TENSORS, e); }

static void every_failing_allocation_is_told(void **state) {
    (void)state;
    assert_true(walk(save) >= 3);
    assert_true(walk(open_and_read) >= (int)(PAIRS + TENSORS));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_every_type_come_back),
        cmocka_unit_test(values_are_asked_for_by_type),
        cmocka_unit_test(tensors_of_every_type_come_back),
        cmocka_unit_test(version_2_and_unaligned_tensors_are_read),
        cmocka_unit_test(what_cannot_be_written_is_refused_by_name),
        cmocka_unit_test(vocabularies_of_llama_cpp_open),
        cmocka_unit_test(tokens_are_walked_in_order),
        cmocka_unit_test(every_failing_allocation_is_told),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
