/* tests/models/test_export.c: models to GGUF and back: f32 gives the bits again, blocks give logits close to them; quantised
 * folders; real tokenizers keep their ids; contradicting files are refused by name.
 */
#include <math.h>
#include <unistd.h>

#include "../text/gguf_vocab.h"
#include "ingot/formats.h"
#include "tiny.h"

#define LOGITS (TINY_CONTEXT * TINY_V)

static ig_context *ctx;
static ig_error err;
static char root[64];

static int group_set_up(void **state) {
    (void)state;
    return ig_context_new(NULL, &ctx, NULL) == IG_OK ? 0 : -1;
}

static int group_tear_down(void **state) {
    (void)state;
    ig_context_free(ctx);
    return 0;
}

static int set_up(void **state) {
    (void)state;
    snprintf(root, sizeof root, "/tmp/ingot-export-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    return ig_dir_remove(root, NULL) == IG_OK ? 0 : -1;
}

static const char *at(const char *name) { /* four results stay valid */
    static char path[4][IG_PATH_MAX];
    static int next;
    next = (next + 1) % 4;
    snprintf(path[next], sizeof path[next], "%s/%s", root, name);
    return path[next];
}

static void logits_of(ig_model *m, float *out) {
    int64_t tokens[TINY_CONTEXT];
    for (int i = 0; i < TINY_CONTEXT; i++) tokens[i] = tiny_token(i);
    tiny_logits(m, tokens, 1, TINY_CONTEXT, out);
}

/* To GGUF, back into a folder, and the logits of what is read from there. */
static void there_and_back(ig_model *m, ig_block_type type, bool convert, float *out, ig_model_import_report *r) {
    ig_model *again = NULL;
    check_ok(ig_model_export_gguf(m, at("m.gguf"), type, &err));
    check_ok(ig_model_import(ctx, at("m.gguf"), at("again"), &(ig_model_import_opts){.overwrite = true, .convert = convert}, r, &err));
    check_ok(ig_model_load(ctx, at("again"), &again, &err));
    logits_of(again, out);
    ig_model_free(again);
}

static double relative(const float *a, const float *b) {
    double d = 0, n = 0;
    for (size_t i = 0; i < LOGITS; i++) d += ((double)a[i] - b[i]) * ((double)a[i] - b[i]), n += (double)a[i] * a[i];
    return sqrt(d / n);
}

static const char *const configs[] = {tiny_gpt2_json,   tiny_gpt2_untied_json, tiny_llama_json,  tiny_llama_tied_json, tiny_mistral_json,
                                      tiny_qwen2_json,  tiny_qwen3_json,       tiny_linear_json, tiny_llama31_json};

static void f32_gives_the_same_bits(void **state) {
    (void)state;
    static float a[LOGITS], b[LOGITS];
    ig_model_import_report r;
    for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
        ig_model *m = tiny_model(ctx, configs[i], 3);
        logits_of(m, a);
        there_and_back(m, IG_BLOCK_F32, false, b, &r);
        assert_string_equal(r.type, "f32");
        if (memcmp(a, b, sizeof a) != 0) fail_msg("model %zu: the logits differ by %g", i, relative(a, b));
        ig_model_free(m);
    }
}

/* Rounding moves weights by 2^-12 (f16), 0.4 % (q8_0), 7 % (q4_0) of their size; two layers add to that. */
static void rounded_types_give_close_logits(void **state) {
    (void)state;
    static float a[LOGITS], b[LOGITS], c[LOGITS];
    static const struct {
        ig_block_type type;
        double bound;
    } types[] = {{IG_BLOCK_F16, 2e-3}, {IG_BLOCK_Q8_0, 0.05}, {IG_BLOCK_Q4_0, 0.6}};
    ig_model_import_report r;
    for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
        ig_model *m = tiny_model(ctx, configs[i], 3);
        logits_of(m, a);
        for (size_t k = 0; k < sizeof types / sizeof *types; k++) {
            there_and_back(m, types[k].type, false, b, &r);
            if (relative(a, b) > types[k].bound) fail_msg("model %zu, %s: off by %g", i, ig_block_name(types[k].type), relative(a, b));
            there_and_back(m, types[k].type, true, c, &r); /* the same weights as numbers */
            if (relative(b, c) > 0.03) fail_msg("model %zu, %s: packed and plain differ by %g", i, ig_block_name(types[k].type), relative(b, c));
            assert_int_equal(r.packed, 0);
        }
        ig_model_free(m);
    }
}

static const char bert_json[] = "{\"model_type\": \"bert\", \"architectures\": [\"BertModel\"], \"vocab_size\": 65, \"max_position_embeddings\": 32,"
                                " \"hidden_size\": 32, \"intermediate_size\": 64, \"num_hidden_layers\": 2, \"num_attention_heads\": 4}";

static void hidden_of(ig_model *m, float *out) { /* [16,32] */
    ig_graph *g = NULL;
    ig_tensor t, dst;
    int64_t shape[2] = {1, 16}, whole[3] = {1, 16, 32};
    check_ok(ig_tensor_new(ctx, IG_DTYPE_I64, 2, shape, &t, &err));
    for (int64_t i = 0; i < 16; i++) ((int64_t *)t.data)[i] = tiny_token(i);
    check_ok(ig_graph_new(ctx, IG_GRAPH_EAGER, &g, &err));
    ig_pass pass = {.g = g};
    ig_var *h = m->family->hidden(m, &pass, ig_input(g, "tokens", &t), NULL, NULL);
    check_ok(ig_graph_status(g, &err));
    check_ok(ig_tensor_wrap(&dst, out, IG_DTYPE_F32, 3, whole, &err));
    check_ok(ig_tensor_copy(ctx, &dst, ig_value(h), &err));
    ig_graph_free(g);
    ig_tensor_unref(&t);
}

static void bert_goes_both_ways(void **state) {
    (void)state;
    static float a[16 * 32], b[16 * 32];
    ig_model *m = tiny_model(ctx, bert_json, 5), *again = NULL;
    hidden_of(m, a);
    check_ok(ig_model_export_gguf(m, at("b.gguf"), IG_BLOCK_F32, &err));
    check_ok(ig_model_import(ctx, at("b.gguf"), at("b"), NULL, NULL, &err));
    check_ok(ig_model_load(ctx, at("b"), &again, &err));
    hidden_of(again, b);
    assert_memory_equal(a, b, sizeof a);
    ig_model_free(again);
    ig_model_free(m);
}

/* ---- quantised folders ---- */

static bool count_layer(void *arg, const ig_quantize_layer *l, size_t done, size_t total) {
    size_t *n = arg;
    assert_int_equal(done, ++*n);
    assert_true(done <= total && l->error >= 0 && l->error < 0.1);
    return true;
}

static void a_quantised_folder_loads_packed(void **state) {
    (void)state;
    static float a[LOGITS], b[LOGITS], c[LOGITS];
    for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
        ig_model *m = tiny_model(ctx, configs[i], 3), *again = NULL;
        ig_quantize_report r;
        size_t layers = 0;
        ig_quantize_opts o = {.type = IG_BLOCK_Q8_0, .overwrite = true, .on_layer = count_layer, .arg = &layers};
        logits_of(m, a);
        check_ok(ig_model_quantize(m, at("q"), &o, &r, &err));
        assert_int_equal(layers, r.matrices);
        assert_true(r.bytes_after < r.bytes_before && r.error < 0.01);
        check_ok(ig_model_load(ctx, at("q"), &again, &err));
        logits_of(again, b);
        if (relative(a, b) > 0.05) fail_msg("model %zu: off by %g", i, relative(a, b));
        check_fails(ig_model_save(again, at("dense"), NULL, &err), IG_E_STATE);
        there_and_back(again, IG_BLOCK_F32, false, c, NULL); /* packed numbers written plainly */
        if (relative(b, c) > 0.03) fail_msg("model %zu: packed and plain differ by %g", i, relative(b, c));
        ig_model_free(again);
        ig_model_free(m);
    }
}

static void rows_that_fill_no_block_fall_back(void **state) {
    (void)state;
    ig_model *m = tiny_model(ctx, tiny_llama_tied_json, 3); /* rows of 24, 40 and 48 */
    ig_quantize_report r;
    ig_gguf *g;
    check_ok(ig_model_quantize(m, at("q"), &(ig_quantize_opts){.type = IG_BLOCK_Q4_K}, &r, &err));
    assert_int_equal(r.fallbacks, r.matrices);
    check_ok(ig_gguf_open(at("q/model.gguf"), &g, &err));
    const ig_gguf_tensor *t = ig_gguf_describe(g, (size_t)ig_gguf_find(g, "model.embed_tokens.weight"));
    assert_int_equal(t->type, 1);
    ig_gguf_close(g);
    ig_model_free(m);
}

/* ---- tokenizers ---- */

static void real_vocabularies_come_back(void **state) {
    (void)state;
    static const char *const names[] = {"gpt-2", "starcoder", "falcon", "deepseek-llm", "bert-bge", "llama-spm", "phi-3"};
    char folder[1024], path[1200];
    if (!data_folder("tok-ggml-vocab", folder, sizeof folder)) skip();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        gguf_vocab g;
        ig_vocab_copy copy;
        ig_tokenizer *t, *again;
        snprintf(path, sizeof path, "%s/ggml-vocab-%s.gguf", folder, names[i]);
        gguf_open(&g, path);
        check_ok(ig_tokenizer_from_vocab(&g.v, &t, &err));
        check_ok(ig_tokenizer_to_vocab(t, &copy, &err));
        assert_int_equal(copy.v.count, g.v.count);
        check_ok(ig_tokenizer_from_vocab(&copy.v, &again, &err));
        check_vectors(again, folder, names[i]);
        ig_vocab_copy_fini(&copy);
        ig_tokenizer_free(again);
        ig_tokenizer_free(t);
        gguf_close(&g);
    }
}

static void a_story_teller_keeps_its_tokenizer_and_template(void **state) {
    (void)state;
    static const char template[] = "{\"chat_template\": \"{{ messages[0].content }}\"}";
    char folder[1024], source[1200], words[1200];
    ig_model *m = NULL, *again = NULL;
    ig_model_import_report r;
    ig_ids a = {0}, b = {0};
    if (!data_folder("stories260K", folder, sizeof folder)) skip();
    snprintf(source, sizeof source, "%s/stories260K.bin", folder);
    snprintf(words, sizeof words, "%s/tok512.bin", folder);
    check_ok(ig_model_import(ctx, source, at("s"), &(ig_model_import_opts){.tokenizer = words}, NULL, &err));
    check_ok(ig_file_write(at("s/tokenizer_config.json"), template, sizeof template - 1, &err));
    check_ok(ig_model_load(ctx, at("s"), &m, &err));
    check_ok(ig_model_export_gguf(m, at("s.gguf"), IG_BLOCK_Q8_0, &err));
    check_ok(ig_model_import(ctx, at("s.gguf"), at("t"), NULL, &r, &err));
    assert_true(r.chat_template && r.has_tokenizer && r.packed > 0);
    check_ok(ig_model_load(ctx, at("t"), &again, &err));
    check_ok(ig_tokenizer_encode(m->tokenizer, "Lily saw a 红 ball.", 19, IG_ENCODE_TEMPLATE, &a, &err));
    check_ok(ig_tokenizer_encode(again->tokenizer, "Lily saw a 红 ball.", 19, IG_ENCODE_TEMPLATE, &b, &err));
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.data, b.data, a.len * sizeof *a.data);
    ig_ids_fini(&a);
    ig_ids_fini(&b);
    ig_model_free(m);
    ig_model_free(again);
}

/* ---- what is refused ---- */

typedef struct edit {
    const char *key;  /* pair to leave out or change, or NULL */
    int64_t integer;  /* -1: leave it out */
    const char *drop, *rename; /* tensor */
    ig_status status;
    const char *says;
} edit;

/* The file again, with one thing wrong. */
static void write_edited(const ig_gguf *g, const edit *e) {
    ig_gguf_pair pairs[64];
    ig_gguf_tensor tensors[64];
    size_t n = 0, k = 0;
    for (size_t i = 0; i < ig_gguf_key_count(g); i++) {
        ig_gguf_value v;
        const char *key = ig_gguf_key(g, i);
        bool hit = e->key && strcmp(key, e->key) == 0;
        ig_gguf_get(g, key, &v);
        if (hit && e->integer < 0) continue;
        pairs[n++] = (ig_gguf_pair){.key = key, .type = v.type, .integer = hit ? e->integer : v.integer, .real = v.real, .text = v.text};
    }
    for (size_t i = 0; i < ig_gguf_count(g); i++) {
        tensors[k] = *ig_gguf_describe(g, i);
        if (e->drop && strcmp(tensors[k].name, e->drop) == 0) {
            if (!e->rename) continue;
            tensors[k].name = e->rename;
        }
        k++;
    }
    check_ok(ig_gguf_save(at("bad.gguf"), pairs, n, tensors, k, &err));
}

static void contradicting_files_are_refused_by_name(void **state) {
    (void)state;
    static const edit edits[] = {
        {.key = "general.architecture", .integer = -1, .status = IG_E_NOT_FOUND, .says = "general.architecture"},
        {.key = "llama.block_count", .integer = -1, .status = IG_E_NOT_FOUND, .says = "llama.block_count"},
        {.key = "llama.block_count", .integer = 1, .status = IG_E_FORMAT, .says = "unknown: model.layers.1."},
        {.key = "llama.block_count", .integer = 3, .status = IG_E_FORMAT, .says = "missing: model.layers.2."},
        {.key = "llama.feed_forward_length", .integer = 44, .status = IG_E_FORMAT, .says = "must be [44,32]"},
        {.key = "llama.attention.head_count", .integer = 0, .status = IG_E_FORMAT, .says = "llama.attention.head_count"},
        {.key = "llama.attention.head_count_kv", .integer = 3, .status = IG_E_FORMAT, .says = "num_key_value_heads"},
        {.key = "llama.rope.scaling.original_context_length", .integer = 4096, .status = IG_E_UNSUPPORTED, .says = "rope_freqs.weight"},
        {.drop = "token_embd.weight", .status = IG_E_FORMAT, .says = "vocab_size"},
        {.drop = "blk.1.ffn_up.weight", .status = IG_E_FORMAT, .says = "missing: model.layers.1.mlp.up_proj.weight"},
        {.drop = "blk.1.ffn_up.weight", .rename = "blk.1.ffn_gate_inp.weight", .status = IG_E_FORMAT, .says = "unknown: blk.1.ffn_gate_inp.weight"},
    };
    ig_model *m = tiny_model(ctx, tiny_llama31_json, 3);
    ig_gguf *g;
    check_ok(ig_model_export_gguf(m, at("m.gguf"), IG_BLOCK_F32, &err));
    check_ok(ig_gguf_open(at("m.gguf"), &g, &err));
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        char text[1200];
        ig_error e = {0};
        write_edited(g, &edits[i]);
        ig_status s = ig_model_import(ctx, at("bad.gguf"), at("bad"), NULL, NULL, &e);
        ig_error_format(&e, text, sizeof text);
        if (s != edits[i].status || !strstr(text, edits[i].says))
            fail_msg("edit %zu: %s: %s, expected %s: %s", i, ig_status_name(s), text, ig_status_name(edits[i].status), edits[i].says);
        assert_false(ig_path_exists(at("bad")));
    }
    ig_gguf_close(g);
    ig_model_free(m);
}

static void heads_without_a_name_are_not_exported(void **state) {
    (void)state;
    static const char json[] = "{\"model_type\": \"bert\", \"architectures\": [\"BertForMaskedLM\"], \"vocab_size\": 65, \"max_position_embeddings\": 32,"
                               " \"hidden_size\": 32, \"intermediate_size\": 64, \"num_hidden_layers\": 1, \"num_attention_heads\": 4}";
    ig_model *m = tiny_model(ctx, json, 5);
    check_fails(ig_model_export_gguf(m, at("b.gguf"), IG_BLOCK_F32, &err), IG_E_UNSUPPORTED);
    assert_non_null(strstr(err.message, "cls.predictions"));
    assert_false(ig_path_exists(at("b.gguf")));
    ig_model_free(m);
}

static ig_status whole_way(ig_model *m) {
    ig_error e;
    IG_TRY(ig_model_export_gguf(m, at("a.gguf"), IG_BLOCK_Q8_0, &e));
    IG_TRY(ig_model_import(ctx, at("a.gguf"), at("a"), &(ig_model_import_opts){.overwrite = true}, NULL, &e));
    return ig_model_quantize(m, at("q"), &(ig_quantize_opts){.type = IG_BLOCK_Q4_0, .overwrite = true}, NULL, &e);
}

static void failed_allocations_are_statuses(void **state) {
    (void)state;
    ig_model *m = tiny_model(ctx, tiny_llama31_json, 3);
    for (uint64_t n = 1;; n++) {
        ig_alloc_fail_at(n);
        ig_status s = whole_way(m);
        if (ig_alloc_fail_at(0) < n) {
            assert_int_equal(s, IG_OK);
            break;
        }
        assert_true(s == IG_OK || s == IG_E_NOMEM);
        assert_false(ig_path_exists(at(".ingot-import-a")));
    }
    ig_model_free(m);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(f32_gives_the_same_bits),
        TEST(rounded_types_give_close_logits),
        TEST(bert_goes_both_ways),
        TEST(a_quantised_folder_loads_packed),
        TEST(rows_that_fill_no_block_fall_back),
        TEST(real_vocabularies_come_back),
        TEST(a_story_teller_keeps_its_tokenizer_and_template),
        TEST(contradicting_files_are_refused_by_name),
        TEST(heads_without_a_name_are_not_exported),
        TEST(failed_allocations_are_statuses),
    };
    return cmocka_run_group_tests(tests, group_set_up, group_tear_down);
}
