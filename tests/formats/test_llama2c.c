/* tests/formats/test_llama2c.c: a checkpoint made by hand reads under Hugging Face's names and in its order of rows; the real
 * one has the numbers that are known of it; damaged ones are refused with a reason.
 */
#include "data.h"
#include "ingot/formats.h"
#include "spell.h"

static ig_context *ctx;
static ig_error err;

static int set_up(void **state) {
    (void)state;
    return ig_context_new(&(ig_context_opts){.threads = 1}, &ctx, NULL) != IG_OK;
}

static int tear_down(void **state) {
    (void)state;
    ig_context_free(ctx);
    return 0;
}

/* dim 8, hidden 3, 2 layers, 2 heads of 4, 1 key/value head, 5 tokens, 6 positions; the float at place i is i. */
#define FLOATS(copies) ((copies) * 5 * 8 + 2 * (2 * 8 + 2 * 64 + 2 * 4 * 8 + 3 * 3 * 8) + 8 + 6 * 4)

static spelt checkpoint(const char *header, size_t floats) {
    spelt f = spell(header);
    for (size_t i = 0; i < floats; i++) {
        float v = (float)i;
        spell_bytes(&f, &v, sizeof v);
    }
    return f;
}

static double element(const ig_llama2c *l, const char *name, int64_t row, int64_t column) {
    ig_tensor t;
    int64_t i = ig_llama2c_find(l, name);
    if (i < 0) fail_msg("%s is missing", name);
    check_ok(ig_llama2c_describe(l, (size_t)i, &t, &err));
    check_ok(ig_tensor_alloc(ctx, &t, &err));
    check_ok(ig_llama2c_read(ctx, l, (size_t)i, &t, &err));
    double v = ig_tensor_get(&t, t.ndim == 2 ? row * t.shape[1] + column : column);
    ig_tensor_unref(&t);
    return v;
}

static void tensors_are_found_in_the_order_of_the_file(void **state) {
    (void)state;
    ig_llama2c *l;
    spelt f = checkpoint("w8 w3 w2 w2 w1 w-5 w6", FLOATS(2));
    check_ok(ig_llama2c_open_memory("m", f.bytes, f.size, &l, &err));
    assert_int_equal(ig_llama2c_count(l), 1 + 2 * 9 + 2);
    assert_false(ig_llama2c_header(l)->shared_classifier);
    assert_int_equal(ig_llama2c_header(l)->vocab_size, 5);
    for (size_t i = 0; i < ig_llama2c_count(l); i++) assert_int_equal(ig_llama2c_find(l, ig_llama2c_name(l, i)), i);
    assert_null(ig_llama2c_name(l, ig_llama2c_count(l)));
    size_t norm1 = 40, q = norm1 + 16, k = q + 128, v = k + 64, o = v + 64, norm2 = o + 128, gate = norm2 + 16;
    size_t down = gate + 48, up = down + 48, last = up + 48, head = last + 8 + 24;
    assert_true(element(l, "model.embed_tokens.weight", 4, 7) == 39);
    assert_true(element(l, "model.layers.1.input_layernorm.weight", 0, 2) == (double)(norm1 + 8 + 2));
    assert_true(element(l, "model.layers.0.self_attn.v_proj.weight", 3, 1) == (double)(v + 25));
    assert_true(element(l, "model.layers.1.self_attn.o_proj.weight", 0, 0) == (double)(o + 64));
    assert_true(element(l, "model.layers.0.post_attention_layernorm.weight", 0, 7) == (double)(norm2 + 7));
    assert_true(element(l, "model.layers.0.mlp.gate_proj.weight", 2, 7) == (double)(gate + 23));
    assert_true(element(l, "model.layers.1.mlp.down_proj.weight", 7, 2) == (double)(down + 24 + 23));
    assert_true(element(l, "model.layers.1.mlp.up_proj.weight", 0, 1) == (double)(up + 25));
    assert_true(element(l, "model.norm.weight", 0, 7) == (double)(last + 7));
    assert_true(element(l, "lm_head.weight", 1, 0) == (double)(head + 8));
    ig_llama2c_close(l);
    free(f.bytes);
}

/* A head's rows 0 1 2 3 rotate as (0,1) (2,3) in the file and as (0,2) (1,3) afterwards: 0 2 1 3. */
static void rows_of_q_and_k_are_put_into_halves(void **state) {
    (void)state;
    static const int from[4] = {0, 2, 1, 3};
    ig_llama2c *l;
    spelt f = checkpoint("w8 w3 w2 w2 w1 w5 w6", FLOATS(1));
    check_ok(ig_llama2c_open_memory("m", f.bytes, f.size, &l, &err));
    assert_int_equal(ig_llama2c_find(l, "lm_head.weight"), -1);
    for (int row = 0; row < 8; row++)
        assert_true(element(l, "model.layers.1.self_attn.q_proj.weight", row, 5) ==
                    56 + 64 + (row / 4 * 4 + from[row % 4]) * 8 + 5);
    for (int row = 0; row < 4; row++)
        assert_true(element(l, "model.layers.0.self_attn.k_proj.weight", row, 0) == 56 + 128 + from[row] * 8);
    ig_llama2c_close(l);
    free(f.bytes);
}

static void a_real_checkpoint_opens(void **state) {
    (void)state;
    char data[400], file[500];
    ig_llama2c *l;
    need_data("stories260K", data);
    check_ok(ig_path_join(file, sizeof file, data, "stories260K.bin", &err));
    check_ok(ig_llama2c_open(file, &l, &err));
    const ig_llama2c_config *c = ig_llama2c_header(l);
    assert_int_equal(c->dim, 64);
    assert_int_equal(c->hidden_dim, 172);
    assert_int_equal(c->n_layers, 5);
    assert_int_equal(c->n_heads, 8);
    assert_int_equal(c->n_kv_heads, 4);
    assert_int_equal(c->vocab_size, 512);
    assert_int_equal(c->seq_len, 512);
    assert_true(c->shared_classifier);
    int64_t weights = 0;
    for (size_t i = 0; i < ig_llama2c_count(l); i++) {
        ig_tensor t;
        check_ok(ig_llama2c_describe(l, i, &t, &err));
        weights += ig_tensor_numel(&t);
    }
    assert_int_equal(weights, 260032); /* the README of the archive */
    ig_llama2c_close(l);
}

static void damaged_files_are_refused_with_a_reason(void **state) {
    (void)state;
    static const struct { const char *header; size_t floats; ig_status status; const char *reason; } rows[] = {
        {"", 0, IG_E_FORMAT, "0 bytes are too short"},
        {"w8 w3 w2 w2 w1 w5", 0, IG_E_FORMAT, "24 bytes are too short"},
        {"w1634415666 w1 w8 w3 w2 w2 w1 w5 w6", 0, IG_E_UNSUPPORTED, "version 1 of llama2.c's format"},
        {"w0 w3 w2 w2 w1 w5 w6", 40, IG_E_FORMAT, "dim is 0, it must lie between 1 and"},
        {"w8 w-3 w2 w2 w1 w5 w6", 40, IG_E_FORMAT, "hidden_dim is -3"},
        {"w8 w3 w2000 w2 w1 w5 w6", 40, IG_E_FORMAT, "n_layers is 2000"},
        {"w8 w3 w2 w9 w1 w5 w6", 40, IG_E_FORMAT, "n_heads is 9, it must lie between 1 and 8"},
        {"w8 w3 w2 w2 w4 w5 w6", 40, IG_E_FORMAT, "n_kv_heads is 4, it must lie between 1 and 2"},
        {"w8 w3 w2 w2 w1 w0 w6", 40, IG_E_FORMAT, "vocab_size is 0"},
        {"w8 w3 w2 w2 w1 w-2147483648 w6", 40, IG_E_FORMAT, "vocab_size"},
        {"w8 w3 w2 w2 w1 w5 w0", 40, IG_E_FORMAT, "seq_len is 0"},
        {"w8 w3 w2 w3 w1 w5 w6", 40, IG_E_FORMAT, "does not give 3 heads of an even size"},
        {"w8 w3 w2 w8 w1 w5 w6", 40, IG_E_FORMAT, "does not give 8 heads of an even size"},
        {"w18 w3 w2 w3 w2 w5 w6", 40, IG_E_FORMAT, "n_heads 3 is no multiple of n_kv_heads 2"},
        {"w8 w3 w2 w2 w1 w5 w6", FLOATS(1) - 1, IG_E_FORMAT, "it is cut short"},
        {"w8 w3 w2 w2 w1 w5 w6", FLOATS(1) + 1, IG_E_FORMAT, "it is too long"},
        {"w8 w3 w2 w2 w1 w-5 w6", FLOATS(1), IG_E_FORMAT, "it is cut short"},
        {"w16777216 w16777216 w1024 w1 w1 w2097152 w16777216", 4, IG_E_FORMAT, "its header needs"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ig_llama2c *l = NULL;
        spelt f = checkpoint(rows[i].header, rows[i].floats);
        check_fails(ig_llama2c_open_memory("damaged", f.bytes, f.size, &l, &err), rows[i].status);
        if (!strstr(err.message, rows[i].reason)) fail_msg("row %zu: \"%s\" not in \"%s\"", i, rows[i].reason, err.message);
        assert_null(l);
        free(f.bytes);
    }
}

static void failing_calls_leave_nothing(void **state) {
    (void)state;
    spelt f = checkpoint("w8 w3 w2 w2 w1 w5 w6", FLOATS(1));
    ig_llama2c *l;
    ig_tensor wrong;
    int n = 1;
    for (;; n++) {
        ig_alloc_fail_at((uint64_t)n);
        ig_status status = ig_llama2c_open_memory("m", f.bytes, f.size, &l, &err);
        ig_alloc_fail_at(0);
        if (status == IG_OK) break;
        assert_int_equal(status, IG_E_NOMEM);
        assert_null(l);
    }
    assert_true(n > 3);
    check_ok(ig_tensor_new(ctx, IG_DTYPE_F32, 1, (int64_t[]){8}, &wrong, &err));
    check_fails(ig_llama2c_read(ctx, l, 0, &wrong, &err), IG_E_SHAPE);
    check_fails(ig_llama2c_read(ctx, l, ig_llama2c_count(l), &wrong, &err), IG_E_ARG);
    check_fails(ig_llama2c_describe(l, ig_llama2c_count(l), &wrong, &err), IG_E_ARG);
    ig_tensor_unref(&wrong);
    ig_llama2c_close(l);
    free(f.bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tensors_are_found_in_the_order_of_the_file),
        cmocka_unit_test(rows_of_q_and_k_are_put_into_halves),
        cmocka_unit_test(a_real_checkpoint_opens),
        cmocka_unit_test(damaged_files_are_refused_with_a_reason),
        cmocka_unit_test(failing_calls_leave_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
