/* tests/models/write_onnx.c: writes models in ONNX beside inputs and what Ingot computes with them, for onnx.test.mjs.
 *
 *     write_onnx DIR      DIR/NAME.onnx and DIR/NAME.json for the models of tests/models/torch, small descendants of Llama,
 * packed and half-precision ones, and networks of single ops
 *
 *     {"tolerance": relative error, "transposes": most that the file may have or -1,
 *      "runs": [{"inputs": {NAME: {"shape", "data"}}, "lengths", "rows": the first `lengths` rows of each text count, "shape",
 * "data"}]}
 */
#include "ingot/formats.h"
#include "onnx_scratch.h"
#include "tiny.h"

#include "../check.h"

typedef struct sizes {
    int64_t B, T;
} sizes;

static ig_context *ctx;
static const char *folder;
static const sizes runs[] = {{1, 1}, {2, 6}, {3, 9}};

static ig_var *pass_of(ig_model *m, const char *task, const ig_pass *p, ig_var *tokens, ig_var *types, ig_var *lengths) {
    if (strcmp(task, "classification") == 0) return m->family->classify(m, p, tokens, types, lengths);
    if (strcmp(task, "tags") == 0) return m->family->tag(m, p, tokens, types, lengths);
    if (strcmp(task, "masked tokens") == 0) return m->family->masked(m, p, tokens, types, lengths, NULL);
    if (strcmp(task, "next tokens") == 0) return m->family->logits(m, p, tokens, NULL);
    return m->family->hidden(m, p, tokens, types, lengths);
}

/* ---- JSON ---- */

static void put_ints(ig_json *j, const char *key, const int64_t *v, int64_t n) {
    ig_json_key(j, key);
    ig_json_open(j, '[');
    for (int64_t i = 0; i < n; i++) ig_json_int(j, v[i]);
    ig_json_close(j, ']');
}

static void put_input(ig_json *j, const char *name, const int64_t *v, sizes s) {
    ig_json_key(j, name);
    ig_json_open(j, '{');
    put_ints(j, "shape", (int64_t[]){s.B, s.T}, 2);
    put_ints(j, "data", v, s.B * s.T);
    ig_json_close(j, '}');
}

static void put_result(ig_json *j, const ig_tensor *y) {
    put_ints(j, "shape", y->shape, y->ndim);
    ig_json_key(j, "data");
    ig_json_open(j, '[');
    for (int64_t i = 0; i < ig_tensor_numel(y); i++) ig_json_real(j, ig_tensor_get(y, i));
    ig_json_close(j, ']');
}

/* ---- one run ---- */

static bool has_input(const ig_onnx *f, const char *name) {
    for (size_t i = 0; i < ig_onnx_about(f)->input_count; i++)
        if (strcmp(ig_onnx_input_at(f, i)->name, name) == 0) return true;
    return false;
}

static void make_inputs(const ig_model *m, sizes s, int64_t *tokens, int64_t *mask, int64_t *types, int64_t *lengths) {
    for (int64_t b = 0; b < s.B; b++) {
        lengths[b] = s.T - b * s.T / 4;
        for (int64_t t = 0; t < s.T; t++) {
            int64_t i = b * s.T + t;
            tokens[i] = (5 + 7 * i + i * i % 11) % m->family->vocab_size(m);
            mask[i] = t < lengths[b], types[i] = t > s.T / 2;
        }
    }
}

static void run(ig_json *j, ig_model *m, const ig_onnx *f, sizes s) {
    int64_t tokens[64], mask[64], types[64], lengths[8], shape[2] = {s.B, s.T};
    ig_tensor t, k, l;
    ig_graph *g = NULL;
    ig_error err;
    make_inputs(m, s, tokens, mask, types, lengths);
    check_ok(ig_tensor_wrap(&t, tokens, IG_DTYPE_I64, 2, shape, &err));
    check_ok(ig_tensor_wrap(&k, types, IG_DTYPE_I64, 2, shape, &err));
    check_ok(ig_tensor_wrap(&l, lengths, IG_DTYPE_I64, 1, shape, &err));
    check_ok(ig_graph_new(ctx, IG_GRAPH_EAGER, &g, &err));
    const char *task = ig_onnx_metadata(f, "task");
    ig_var *y = pass_of(m, task, &(ig_pass){.g = g}, ig_input(g, "tokens", &t),
                        has_input(f, "token_type_ids") ? ig_input(g, "types", &k) : NULL, ig_input(g, "lengths", &l));
    check_ok(ig_graph_status(g, &err));
    ig_json_open(j, '{');
    ig_json_key(j, "inputs");
    ig_json_open(j, '{');
    put_input(j, "input_ids", tokens, s);
    if (has_input(f, "attention_mask")) put_input(j, "attention_mask", mask, s);
    if (has_input(f, "token_type_ids")) put_input(j, "token_type_ids", types, s);
    ig_json_close(j, '}');
    put_ints(j, "lengths", lengths, s.B);
    ig_json_key(j, "rows");
    ig_json_bool(j, has_input(f, "attention_mask") && ig_ndim(y) == 3 && strcmp(m->family->name, "scratch") != 0);
    put_result(j, ig_value(y));
    ig_json_close(j, '}');
    ig_graph_free(g);
}

/* ---- one model ---- */

static void check_file(const ig_onnx *f) {
    const ig_onnx_info *about = ig_onnx_about(f);
    assert_int_equal(about->opset, 17);
    assert_int_equal(about->output_count, 1);
    assert_string_equal(ig_onnx_input_at(f, 0)->name, "input_ids");
    assert_string_equal(ig_onnx_input_at(f, 0)->symbol[0], "batch_size");
    assert_string_equal(ig_onnx_input_at(f, 0)->symbol[1], "sequence_length");
    assert_non_null(ig_onnx_metadata(f, "task"));
}

typedef struct how {
    ig_dtype type;
    double tolerance;
    int transposes;
} how;
static const how plainly = {IG_DTYPE_F32, 2e-5, -1};

static void write_model(ig_model *m, const char *name, how h) {
    char path[IG_PATH_MAX];
    ig_buf text = {.max = 8 << 20};
    ig_json j = {.out = &text};
    ig_onnx *f = NULL;
    ig_error err;
    snprintf(path, sizeof path, "%s/%s.onnx", folder, name);
    check_ok(ig_model_export_onnx(m, path, h.type, &err));
    check_ok(ig_onnx_open(path, &f, &err));
    check_file(f);
    ig_json_open(&j, '{');
    ig_json_key(&j, "tolerance"), ig_json_real(&j, h.tolerance);
    ig_json_key(&j, "transposes"), ig_json_int(&j, h.transposes);
    size_t transposes = 0;
    for (size_t i = 0; i < ig_onnx_about(f)->node_count; i++) transposes += strcmp(ig_onnx_node_at(f, i)->op, "Transpose") == 0;
    if (h.transposes >= 0) assert_int_equal(transposes, h.transposes);
    ig_json_key(&j, "runs"), ig_json_open(&j, '[');
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) run(&j, m, f, runs[i]);
    ig_json_close(&j, ']');
    ig_json_close(&j, '}');
    check_ok(ig_buf_status(&text, &err));
    snprintf(path, sizeof path, "%s/%s.json", folder, name);
    check_ok(ig_file_write(path, text.data, text.len, &err));
    ig_buf_fini(&text);
    ig_onnx_close(f);
}

static void the_models_of_pytorch(void **state) {
    static const char *const names[] = {"bert",        "bert-classify", "bert-masked", "roberta-masked", "roberta-score",
                                        "xlm-roberta", "gpt2",          "llama",       "lstm",           "lstm-classify",
                                        "lstm-tied",   "gru",           "gru-tag"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[IG_PATH_MAX];
        ig_model *m = NULL;
        ig_error err;
        check_ok(ig_path_join(path, sizeof path, TORCH_DIR, names[i], &err));
        check_ok(ig_model_load(ctx, path, &m, &err));
        write_model(m, names[i], plainly);
        ig_model_free(m);
    }
}

static void descendants_of_llama(void **state) {
    static const char *const configs[] = {tiny_mistral_json, tiny_qwen2_json,  tiny_qwen3_json,
                                          tiny_llama31_json, tiny_linear_json, tiny_llama_tied_json};
    static const char *const names[] = {"mistral", "qwen2", "qwen3", "llama31", "linear", "llama-tied"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        ig_model *m = tiny_model(ctx, configs[i], 3);
        write_model(m, names[i], plainly);
        ig_model_free(m);
    }
}

/* Ingot rounds what is multiplied with blocks of q8_0 to 8 bits too. */
static void weights_in_fewer_bits(void **state) {
    ig_error err;
    (void)state;
    ig_model *m = tiny_model(ctx, tiny_llama_json, 3);
    write_model(m, "half", (how){IG_DTYPE_F16, 5e-3, -1});
    check_ok(ig_model_pack(m, IG_BLOCK_Q8_0, &err));
    write_model(m, "packed", (how){IG_DTYPE_F32, 0.05, -1});
    ig_model_free(m);
}

static void recurrent_networks_in_fewer_bits(void **state) {
    static const char *const names[] = {"lstm-classify", "gru"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[IG_PATH_MAX], name[64];
        ig_model *m = NULL;
        ig_error err;
        check_ok(ig_path_join(path, sizeof path, TORCH_DIR, names[i], &err));
        check_ok(ig_model_load(ctx, path, &m, &err));
        check_ok(ig_model_pack(m, IG_BLOCK_Q8_0, &err));
        snprintf(name, sizeof name, "packed-%s", names[i]);
        write_model(m, name, (how){IG_DTYPE_F32, 0.05, -1});
        ig_model_free(m);
    }
}

static void networks_of_single_ops(void **state) {
    (void)state;
    for (int i = 0; i < scratch_count(); i++) {
        ig_model m;
        scratch_init(ctx, i, &m);
        write_model(&m, scratch_name(i), (how){IG_DTYPE_F32, 2e-5, strcmp(scratch_name(i), "residual") == 0 ? 1 : -1});
        scratch_fini(&m);
    }
}

static int set_up(void **state) {
    (void)state;
    return ig_context_new(NULL, &ctx, NULL) == IG_OK ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    ig_context_free(ctx);
    return 0;
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_models_of_pytorch),
        cmocka_unit_test(descendants_of_llama),
        cmocka_unit_test(weights_in_fewer_bits),
        cmocka_unit_test(recurrent_networks_in_fewer_bits),
        cmocka_unit_test(networks_of_single_ops),
    };
    if (argc != 2) return 2;
    folder = argv[1];
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
