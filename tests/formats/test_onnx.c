/* tests/formats/test_onnx.c: an ONNX file tells what it holds; damaged ones, each refused with its status and a reason that a
 * person understands; every cut and every changed byte of a good file refused or taken, never a crash; every failed allocation
 * a status.
 */
#include "ingot/formats.h"
#include "spell.h"

#define MODEL "b8 b8 "                                          /* ir_version 8 */
#define OPSET "b66 b4 b10 b0 b16 b17 "                          /* domain "", version 17 */
#define GRAPH(length) "b58 b" #length " "
#define NODE "b10 b17 b10 b1 \"x b10 b0 b18 b1 \"y b26 b1 \"n b34 b4 \"Relu " /* y = Relu(x, nothing), called n */
#define WEIGHT "b42 b12 b8 b2 b16 b1 b66 b1 \"w b74 b3 b0 b1 b2 "             /* w, f32 [2], three bytes of numbers */
#define INPUT "b90 b22 b10 b1 \"x b18 b17 b10 b15 b8 b7 b18 b11 b10 b5 b18 b3 \"any b10 b2 b8 b3 "

typedef struct row {
    const char *file; /* see spell.h */
    ig_status status;
    const char *reason;
} row;

static const row rows[] = {
    {"", IG_E_FORMAT, "empty"},
    {"b8", IG_E_FORMAT, "a number is cut short at byte 1"},
    {"b8 b200", IG_E_FORMAT, "a number is cut short"},
    {MODEL, IG_E_FORMAT, "it has no graph"},
    {GRAPH(0), IG_E_FORMAT, "it has no ir_version"},
    {MODEL GRAPH(5), IG_E_FORMAT, "a field is longer than what it stands in at byte 4"},
    {MODEL GRAPH(200), IG_E_FORMAT, "cut short"},
    {"b11", IG_E_FORMAT, "a field of an unknown kind"},
    {"b15", IG_E_FORMAT, "a field of an unknown kind"},
    {"b13 b1", IG_E_FORMAT, "longer than what it stands in"},
    {"b9 b1", IG_E_FORMAT, "longer than what it stands in"},
    {"b8 b255 b255 b255 b255 b255 b255 b255 b255 b255 b2", IG_E_FORMAT, "a number is too large"},
    {"b8 b255 b255 b255 b255 b255 b255 b255 b255 b255 b255 b1", IG_E_FORMAT, "a number is too large"},
    {"b18 b2 b255 b255", IG_E_FORMAT, "a text is not UTF-8 at byte 2"},
    {"b18 b1 b0", IG_E_FORMAT, "a text is not UTF-8"},
    {MODEL GRAPH(3) "b10 b9 b0", IG_E_FORMAT, "longer than what it stands in"},
    {MODEL GRAPH(20) "b42 b18 b8 b1 b8 b1 b8 b1 b8 b1 b8 b1 b8 b1 b8 b1 b8 b1 b8 b1", IG_E_LIMIT, "more than 8 dimensions"},
    {MODEL GRAPH(13) "b42 b11 b8 b251 b255 b255 b255 b255 b255 b255 b255 b255 b1", IG_E_FORMAT, "a dimension of the size -5"},
    {"PNG not a model", IG_E_FORMAT, "no ONNX model"},
};

static void damaged_files_are_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        spelt s = spell(rows[i].file);
        ig_onnx *m = NULL;
        ig_error err = {0};
        ig_status status = ig_onnx_open_memory("file", s.bytes, s.size, &m, &err);
        if (status != rows[i].status || !strstr(err.message, rows[i].reason))
            fail_msg("row %zu: %s: %s, expected %s", i, ig_status_name(status), err.message, rows[i].reason);
        assert_null(m);
        assert_string_equal(err.file, "file");
        free(s.bytes);
    }
}

static const char good[] =
    MODEL "b18 b2 \"me b50 b3 \"doc " OPSET GRAPH(60) NODE "b18 b1 \"g " WEIGHT INPUT "b114 b8 b10 b1 \"k b18 b3 \"v_w";

static void a_file_tells_what_it_holds(void **state) {
    ig_error err;
    ig_onnx *m;
    spelt s = spell(good);
    (void)state;
    check_ok(ig_onnx_open_memory("file", s.bytes, s.size, &m, &err));
    free(s.bytes); /* is not needed any more */
    const ig_onnx_info *about = ig_onnx_about(m);
    assert_int_equal(about->ir_version, 8);
    assert_int_equal(about->opset, 17);
    assert_string_equal(about->producer, "me");
    assert_string_equal(about->doc, "doc");
    assert_string_equal(about->graph, "g");
    const ig_onnx_node *n = ig_onnx_node_at(m, 0);
    assert_int_equal(n->input_count, 2);
    assert_string_equal(n->inputs[0], "x");
    assert_string_equal(n->inputs[1], "");
    assert_string_equal(n->outputs[0], "y");
    assert_string_equal(n->op, "Relu");
    assert_string_equal(n->name, "n");
    assert_null(ig_onnx_node_at(m, 1));
    const ig_onnx_value *w = ig_onnx_weight_at(m, 0), *x = ig_onnx_input_at(m, 0);
    assert_string_equal(w->name, "w");
    assert_string_equal(w->type, "f32");
    assert_int_equal(w->ndim, 1);
    assert_int_equal(w->shape[0], 2);
    assert_int_equal(w->bytes, 3);
    assert_string_equal(x->type, "i64");
    assert_int_equal(x->ndim, 2);
    assert_string_equal(x->symbol[0], "any");
    assert_int_equal(x->shape[0], -1);
    assert_int_equal(x->shape[1], 3);
    assert_null(ig_onnx_output_at(m, 0));
    assert_string_equal(ig_onnx_metadata(m, "k"), "v w");
    assert_null(ig_onnx_metadata(m, "l"));
    ig_onnx_close(m);
}

static void try_bytes(const uint8_t *bytes, size_t size) {
    ig_error err = {0};
    ig_onnx *m;
    uint8_t *exact = malloc(size + !size);
    assert_non_null(exact);
    memcpy(exact, bytes, size);
    ig_status s = ig_onnx_open_memory("file", exact, size, &m, &err);
    assert_true(s == IG_OK || s == IG_E_FORMAT || s == IG_E_LIMIT);
    ig_onnx_close(m);
    free(exact);
}

static void every_cut_and_every_changed_byte_is_survived(void **state) {
    spelt s = spell(good);
    (void)state;
    for (size_t n = 0; n < s.size; n++) try_bytes(s.bytes, n);
    for (size_t i = 0; i < s.size; i++) {
        uint8_t was = s.bytes[i];
        for (int v = 0; v < 256; v++) s.bytes[i] = (uint8_t)v, try_bytes(s.bytes, s.size);
        s.bytes[i] = was;
    }
    free(s.bytes);
}

static void failed_allocations_are_statuses(void **state) {
    spelt s = spell(good);
    ig_onnx *m;
    ig_status status = IG_E_NOMEM;
    (void)state;
    for (uint64_t n = 1; status != IG_OK; n++) {
        ig_error err = {0};
        ig_alloc_fail_at(n);
        status = ig_onnx_open_memory("file", s.bytes, s.size, &m, &err);
        ig_alloc_fail_at(0);
        assert_true(status == IG_OK || (status == IG_E_NOMEM && !m));
        assert_true(n < 100);
    }
    ig_onnx_close(m);
    free(s.bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_files_are_refused),
        cmocka_unit_test(a_file_tells_what_it_holds),
        cmocka_unit_test(every_cut_and_every_changed_byte_is_survived),
        cmocka_unit_test(failed_allocations_are_statuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
