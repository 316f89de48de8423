/* tests/models/test_model_folder.c: models to disk and back: bits, foreign files, files that do not fit, killed saves. */
#include <sys/stat.h>
#include <unistd.h>

#include "tiny.h"

#include "ingot/formats.h"

#include "../check.h"

static ig_context *ctx;
static char root[64]; /* a fresh folder per test */

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
    snprintf(root, sizeof root, "/tmp/ingot-model-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    return ig_dir_remove(root, NULL) == IG_OK ? 0 : -1;
}

/* ---- helpers ---- */

static const char *at(const char *name) { /* four results stay valid */
    static char path[4][IG_PATH_MAX];
    static int next;
    next = (next + 1) % 4;
    snprintf(path[next], sizeof path[next], "%s/%s", root, name);
    return path[next];
}

static void put(const char *name, const char *text) {
    ig_error err;
    check_ok(ig_file_write(at(name), text, strlen(text), &err));
}

static char *slurp(const char *name, size_t *len) {
    ig_error err;
    ig_buf b = {.max = 1 << 24};
    check_ok(ig_file_read(at(name), b.max, &b, &err));
    *len = b.len;
    return b.data;
}

static ig_model *loaded(const char *name) {
    ig_model *m = NULL;
    ig_error err;
    check_ok(ig_model_load(ctx, at(name), &m, &err));
    return m;
}

static ig_tokenizer *tokenizer(size_t size) {
    char text[100];
    ig_tokenizer *t = NULL;
    ig_error err;
    for (size_t i = 0; i < size; i++) text[i] = (char)(' ' + i);
    check_ok(ig_tokenizer_train(IG_TOKENIZER_CHAR, 0, text, size, NULL, &t, &err));
    return t;
}

static void assert_same_weights(const ig_model *a, const ig_model *b) {
    assert_int_equal(a->params.count, b->params.count);
    for (size_t i = 0; i < a->params.count; i++) {
        const ig_param *p = a->params.item[i], *q = ig_params_find(&b->params, p->name);
        assert_non_null(q);
        assert_memory_equal(p->value.data, q->value.data, ig_tensor_bytes(&p->value));
    }
}

/* ---- there and back ---- */

static void saved_and_loaded_is_the_same_bits(void **state) {
    (void)state;
    const char *configs[] = {tiny_gpt2_json, tiny_gpt2_untied_json, tiny_llama_json, tiny_llama_tied_json};
    int64_t tokens[8] = {1, 5, 2, 64, 0, 3, 3, 9};
    static float before[8 * TINY_V], after[8 * TINY_V];
    ig_error err;
    for (int i = 0; i < 4; i++) {
        ig_model *m = tiny_model(ctx, configs[i], 3);
        check_ok(ig_model_save(m, at("m"), NULL, &err));
        ig_model *n = loaded("m");
        assert_same_weights(m, n);
        tiny_logits(m, tokens, 1, 8, before);
        tiny_logits(n, tokens, 1, 8, after);
        assert_memory_equal(before, after, sizeof before);
        assert_string_equal(n->path, at("m"));
        ig_model_free(m);
        ig_model_free(n);
    }
}

static void saving_twice_writes_the_same_files(void **state) {
    (void)state;
    const char *names[] = {"config.json", "model.safetensors", "tokenizer.json", "card.json"};
    ig_error err;
    char path[80];
    size_t n, k;
    ig_model *m = tiny_model(ctx, tiny_gpt2_json, 3);
    m->tokenizer = tokenizer(65);
    check_ok(ig_model_save(m, at("a"), NULL, &err));
    ig_model *again = loaded("a");
    check_ok(ig_model_save(again, at("b"), NULL, &err));
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "a/%s", names[i]);
        char *a = slurp(path, &n);
        path[0] = 'b';
        char *b = slurp(path, &k);
        assert_int_equal(n, k);
        assert_memory_equal(a, b, n);
        ig_free(a);
        ig_free(b);
    }
    ig_model_free(m);
    ig_model_free(again);
}

static void config_keeps_foreign_keys_and_says_f32(void **state) {
    (void)state;
    ig_error err;
    ig_model *m = NULL;
    const char json[] = "{\"model_type\":\"gpt2\",\"torch_dtype\":\"bfloat16\",\"vocab_size\":5,\"n_positions\":4,\"n_embd\":4,\"n_layer\":1,"
                        "\"n_head\":1,\"id2label\":{\"0\":\"A\"},\"layer_norm_epsilon\":1e-05}";
    check_ok(ig_model_new(ctx, "c", json, strlen(json), &m, &err));
    check_ok(ig_model_save(m, at("m"), NULL, &err));
    ig_doc *d = NULL;
    check_ok(ig_doc_load(at("m/config.json"), 1 << 16, &d, &err));
    assert_string_equal(ig_tree_text(ig_doc_root(d), "torch_dtype", ""), "float32");
    assert_string_equal(ig_tree_path(ig_doc_root(d), "id2label.0")->text, "A");
    assert_true(ig_tree_real(ig_doc_root(d), "layer_norm_epsilon", 0) == 1e-5);
    ig_doc_free(d);
    ig_model_free(m);
}

static void the_card_says_where_a_model_comes_from(void **state) {
    (void)state;
    ig_error err;
    ig_doc *d = NULL;
    ig_model *m = tiny_model(ctx, tiny_gpt2_json, 3);
    ig_model_card card = {.recipe = "train:\n  steps: 3\n", .data_sha256 = "abc", .parent = "base", .metrics_json = "{\"loss\": 1.5}"};
    check_ok(ig_model_save(m, at("m"), &card, &err));
    check_ok(ig_doc_load(at("m/card.json"), 1 << 16, &d, &err));
    const ig_tree *t = ig_doc_root(d);
    assert_string_equal(ig_tree_text(t, "family", ""), "gpt");
    assert_string_equal(ig_tree_text(t, "recipe", ""), card.recipe);
    assert_string_equal(ig_tree_text(t, "parent", ""), "base");
    assert_true(ig_tree_path(t, "metrics.loss")->real == 1.5);
    assert_int_equal(ig_tree_int(t, "parameters", 0), ig_params_numel(&m->params));
    ig_doc_free(d);
    card.metrics_json = "{";
    check_fails(ig_model_save(m, at("other"), &card, &err), IG_E_FORMAT);
    assert_false(ig_path_exists(at("other/config.json")));
    ig_model_free(m);
}

static void a_tokenizer_comes_along_and_must_fit(void **state) {
    (void)state;
    ig_error err;
    ig_model *m = tiny_model(ctx, tiny_gpt2_json, 3), *n = NULL;
    m->tokenizer = tokenizer(65);
    check_ok(ig_model_save(m, at("m"), NULL, &err));
    n = loaded("m");
    assert_int_equal(ig_tokenizer_count(n->tokenizer), 65);
    ig_model_free(n);
    ig_tokenizer *large = tokenizer(66);
    check_ok(ig_tokenizer_save(large, at("m/tokenizer.json"), &err));
    check_fails(ig_model_load(ctx, at("m"), &n, &err), IG_E_FORMAT);
    assert_non_null(strstr(err.message, "66 tokens, the model 65"));
    ig_tokenizer_free(large);
    ig_model_free(m);
}

/* ---- files of others ---- */

typedef struct edit { /* what becomes of a parameter in a file */
    const char *from, *to; /* a part of the name is replaced; to NULL: left out */
} edit;

/* The parameters of m, renamed by the edits, in `dtype`, and extra tensors. */
static void write_weights(const ig_model *m, const char *file, const edit *edits, int count, ig_dtype dtype, const ig_named_tensor *extra, size_t extras) {
    static char name[64][160];
    ig_named_tensor list[80];
    ig_tensor copy[64];
    ig_error err;
    size_t n = 0;
    for (size_t i = 0; i < m->params.count; i++) {
        const ig_param *p = m->params.item[i];
        bool keep = true;
        snprintf(name[i], sizeof name[i], "%s", p->name);
        check_ok(ig_tensor_new(ctx, dtype, p->value.ndim, p->value.shape, &copy[i], &err));
        check_ok(ig_tensor_copy(ctx, &copy[i], &p->value, &err));
        for (int e = 0; e < count; e++) {
            const char *found = strstr(p->name, edits[e].from);
            if (found && !edits[e].to) keep = false;
            else if (found) snprintf(name[i], sizeof name[i], "%.*s%s%s", (int)(found - p->name), p->name, edits[e].to, found + strlen(edits[e].from));
        }
        if (keep) list[n++] = (ig_named_tensor){name[i], &copy[i]};
    }
    for (size_t i = 0; i < extras; i++) list[n++] = extra[i];
    check_ok(ig_safetensors_save(ctx, at(file), list, n, NULL, 0, &err));
    for (size_t i = 0; i < m->params.count; i++) ig_tensor_unref(&copy[i]);
}

/* A saved model in "m", to be damaged. */
static ig_model *saved(const char *config) {
    ig_error err;
    ig_model *m = tiny_model(ctx, config, 3);
    check_ok(ig_model_save(m, at("m"), NULL, &err));
    return m;
}

static ig_tensor zeros(int ndim, int64_t a, int64_t b, ig_dtype dtype) {
    ig_tensor t;
    ig_error err;
    int64_t shape[2] = {a, b};
    check_ok(ig_tensor_zeros(ctx, dtype, ndim, shape, &t, &err));
    return t;
}

static void files_without_the_first_word_and_with_buffers_load(void **state) {
    (void)state;
    ig_model *m = saved(tiny_gpt2_json);
    ig_tensor mask = zeros(2, 32, 32, IG_DTYPE_BOOL), one = zeros(1, 1, 0, IG_DTYPE_F32);
    ig_named_tensor extra[] = {{"h.0.attn.bias", &mask}, {"h.1.attn.masked_bias", &one}};
    write_weights(m, "m/model.safetensors", (edit[]){{"transformer.", ""}}, 1, IG_DTYPE_F32, extra, 2);
    ig_model *n = loaded("m");
    assert_same_weights(m, n);
    ig_tensor_unref(&mask);
    ig_tensor_unref(&one);
    ig_model_free(m);
    ig_model_free(n);
}

static void a_tied_head_may_be_stored_again_if_it_is_the_same(void **state) {
    (void)state;
    ig_error err;
    ig_model *m = saved(tiny_llama_tied_json), *n = NULL;
    const ig_tensor *table = &ig_params_find(&m->params, "model.embed_tokens.weight")->value;
    write_weights(m, "m/model.safetensors", NULL, 0, IG_DTYPE_F32, &(ig_named_tensor){"lm_head.weight", table}, 1);
    n = loaded("m");
    assert_same_weights(m, n);
    ig_model_free(n);
    ig_tensor other = zeros(2, table->shape[0], table->shape[1], IG_DTYPE_F32);
    write_weights(m, "m/model.safetensors", NULL, 0, IG_DTYPE_F32, &(ig_named_tensor){"lm_head.weight", &other}, 1);
    check_fails(ig_model_load(ctx, at("m"), &n, &err), IG_E_FORMAT);
    assert_non_null(strstr(err.message, "differs from the tensor it is tied to"));
    ig_tensor_unref(&other);
    ig_model_free(m);
}

static void half_and_double_weights_load(void **state) {
    (void)state;
    const ig_dtype types[] = {IG_DTYPE_BF16, IG_DTYPE_F16, IG_DTYPE_F64};
    const double distance[] = {1.0 / 256, 1.0 / 2048, 0}; /* half a unit in the last place */
    for (int k = 0; k < 3; k++) {
        ig_model *m = saved(tiny_llama_json);
        write_weights(m, "m/model.safetensors", NULL, 0, types[k], NULL, 0);
        ig_model *n = loaded("m");
        for (size_t i = 0; i < m->params.count; i++) {
            const ig_tensor *a = &m->params.item[i]->value, *b = &n->params.item[i]->value;
            for (int64_t j = 0; j < ig_tensor_numel(a); j++) {
                double x = ig_tensor_get(a, j), d = x - ig_tensor_get(b, j);
                assert_true((d < 0 ? -d : d) <= distance[k] * (x < 0 ? -x : x) + 1e-7);
            }
        }
        ig_model_free(m);
        ig_model_free(n);
    }
}

static void shards_are_put_together(void **state) {
    (void)state;
    ig_error err;
    ig_model *m = saved(tiny_gpt2_json), *n = NULL;
    assert_int_equal(unlink(at("m/model.safetensors")), 0);
    write_weights(m, "m/one.safetensors", (edit[]){{".h.1.", NULL}}, 1, IG_DTYPE_F32, NULL, 0);
    write_weights(m, "m/two.safetensors", (edit[]){{".h.0.", NULL}, {"wte", NULL}, {"wpe", NULL}, {"ln_f", NULL}}, 4, IG_DTYPE_F32, NULL, 0);
    put("m/model.safetensors.index.json", "{\"metadata\":{},\"weight_map\":{\"a\":\"one.safetensors\",\"b\":\"two.safetensors\",\"c\":\"one.safetensors\"}}");
    n = loaded("m");
    assert_same_weights(m, n);
    ig_model_free(n);
    put("m/model.safetensors.index.json", "{\"weight_map\":{\"a\":\"one.safetensors\"}}");
    check_fails(ig_model_load(ctx, at("m"), &n, &err), IG_E_FORMAT);
    put("m/model.safetensors.index.json", "{\"weight_map\":{\"a\":\"../m/one.safetensors\"}}");
    check_fails(ig_model_load(ctx, at("m"), &n, &err), IG_E_FORMAT);
    put("m/model.safetensors.index.json", "{\"weight_map\":{\"a\":1}}");
    check_fails(ig_model_load(ctx, at("m"), &n, &err), IG_E_FORMAT);
    ig_model_free(m);
}

/* ---- files that do not fit ---- */

static void refused(const char *const *says, int count) {
    ig_model *n = NULL;
    ig_error err = {0};
    check_fails(ig_model_load(ctx, at("m"), &n, &err), IG_E_FORMAT);
    assert_null(n);
    for (int i = 0; i < count; i++)
        if (!strstr(err.message, says[i])) fail_msg("\"%s\" is not in \"%s\"", says[i], err.message);
}

static void missing_unknown_and_misshapen_tensors_are_listed_by_name(void **state) {
    (void)state;
    ig_model *m = saved(tiny_llama_json);
    ig_tensor bad = zeros(2, 3, 4, IG_DTYPE_F32), count = zeros(1, 32, 0, IG_DTYPE_I64);
    ig_named_tensor extra[] = {{"model.layers.7.extra", &bad}, {"model.norm.weight", &bad}, {"model.layers.0.input_layernorm.weight", &count}};
    edit edits[] = {{"model.norm", NULL}, {"layers.0.input_layernorm", NULL}, {"layers.1.mlp.up_proj", NULL}, {"lm_head", "head"}};
    write_weights(m, "m/model.safetensors", edits, 4, IG_DTYPE_F32, extra, 3);
    refused((const char *[]){"2 missing: model.layers.1.mlp.up_proj.weight, lm_head.weight", "2 unknown: ", "head.weight", "model.layers.7.extra",
                             "2 misshapen: ", "model.norm.weight is [3,4], must be [32]", "input_layernorm.weight is i64, must be a float type"}, 7);
    ig_tensor_unref(&bad);
    ig_tensor_unref(&count);
    ig_model_free(m);
}

static void long_lists_are_cut_and_counted(void **state) {
    (void)state;
    ig_model *m = saved(tiny_gpt2_json);
    write_weights(m, "m/model.safetensors", (edit[]){{"transformer.h", "transformer.blocks"}}, 1, IG_DTYPE_F32, NULL, 0);
    refused((const char *[]){"24 missing: transformer.h.0.ln_1.weight", "…"}, 2);
    ig_model_free(m);
}

static void absent_and_damaged_files_are_named(void **state) {
    (void)state;
    ig_error err;
    ig_model *n = NULL, *m = saved(tiny_gpt2_json);
    check_fails(ig_model_load(ctx, at("nothing"), &n, &err), IG_E_NOT_FOUND);
    assert_non_null(strstr(err.file, "nothing/config.json"));
    assert_int_equal(truncate(at("m/model.safetensors"), 5000), 0);
    check_fails(ig_model_load(ctx, at("m"), &n, &err), IG_E_FORMAT);
    assert_non_null(strstr(err.file, "model.safetensors"));
    assert_int_equal(unlink(at("m/model.safetensors")), 0);
    check_fails(ig_model_load(ctx, at("m"), &n, &err), IG_E_NOT_FOUND);
    put("m/config.json", "{");
    check_fails(ig_model_load(ctx, at("m"), &n, &err), IG_E_FORMAT);
    assert_non_null(strstr(err.file, "config.json"));
    put("m/config.json", "");
    check_fails(ig_model_load(ctx, at("m"), &n, &err), IG_E_FORMAT);
    ig_model_free(m);
}

/* ---- replacing ---- */

static void other_files_of_the_folder_stay(void **state) {
    (void)state;
    ig_error err;
    check_ok(ig_dir_make(at("m/run"), &err));
    put("m/run/log.jsonl", "{}\n");
    ig_model_free(saved(tiny_gpt2_json));
    ig_model_free(saved(tiny_llama_json));
    assert_true(ig_path_exists(at("m/run/log.jsonl")));
    assert_false(ig_path_exists(at("m/.ingot-save")) || ig_path_exists(at("m/.ingot-save.tmp")));
    ig_model *n = loaded("m");
    assert_string_equal(ig_tree_text(ig_doc_root(n->config), "model_type", ""), "llama");
    ig_model_free(n);
}

static void a_config_of_something_else_is_not_replaced(void **state) {
    (void)state;
    ig_error err;
    ig_model *m = tiny_model(ctx, tiny_gpt2_json, 3);
    check_ok(ig_dir_make(at("web"), &err));
    put("web/config.json", "{\"port\": 80}");
    check_fails(ig_model_save(m, at("web"), NULL, &err), IG_E_EXISTS);
    assert_false(ig_path_exists(at("web/model.safetensors")));
    ig_model_free(m);
}

static void an_old_tokenizer_does_not_stay_with_a_new_model(void **state) {
    (void)state;
    ig_error err;
    ig_model *m = tiny_model(ctx, tiny_gpt2_json, 3);
    m->tokenizer = tokenizer(65);
    check_ok(ig_model_save(m, at("m"), NULL, &err));
    ig_model_free(m);
    ig_model_free(saved(tiny_gpt2_json));
    ig_model *n = loaded("m");
    assert_null(n->tokenizer);
    ig_model_free(n);
}

/* A process that was killed after the commit leaves .ingot-save with some files already moved: every such state loads as
 * the new model, and the next save clears it up. */
static void every_state_of_a_killed_save_is_the_whole_new_model(void **state) {
    (void)state;
    const char *order[] = {"model.safetensors", "tokenizer.json", "card.json", "config.json"};
    ig_error err;
    char from[80], to[80];
    for (int moved = 0; moved <= 4; moved++) {
        ig_model *m = tiny_model(ctx, tiny_llama_json, 9);
        ig_model_free(saved(tiny_gpt2_json));
        m->tokenizer = tokenizer(65);
        check_ok(ig_model_save(m, at("m/.ingot-save"), NULL, &err));
        for (int i = 0; i < moved; i++) {
            snprintf(from, sizeof from, "m/.ingot-save/%s", order[i]);
            snprintf(to, sizeof to, "m/%s", order[i]);
            assert_int_equal(rename(at(from), at(to)), 0);
        }
        ig_model *n = loaded("m");
        assert_same_weights(m, n);
        assert_non_null(n->tokenizer);
        ig_model_free(n);
        ig_model_free(m);
        ig_model_free(saved(tiny_gpt2_json));
        assert_false(ig_path_exists(at("m/.ingot-save")));
        ig_model_free(loaded("m"));
    }
}

static void a_save_killed_before_its_commit_is_the_old_model(void **state) {
    (void)state;
    ig_error err;
    ig_model *m = saved(tiny_gpt2_json);
    check_ok(ig_dir_make(at("m/.ingot-save.tmp"), &err));
    put("m/.ingot-save.tmp/model.safetensors", "half");
    ig_model *n = loaded("m");
    assert_same_weights(m, n);
    ig_model_free(n);
    ig_model_free(m);
    ig_model_free(saved(tiny_gpt2_json));
    assert_false(ig_path_exists(at("m/.ingot-save.tmp")));
}

/* ---- memory ---- */

static void failed_allocations_are_statuses(void **state) {
    (void)state;
    ig_model *m = tiny_model(ctx, tiny_gpt2_json, 3);
    m->tokenizer = tokenizer(65);
    ig_status status = IG_E_NOMEM;
    for (uint64_t n = 1; status != IG_OK; n++) {
        ig_model *copy = NULL;
        ig_alloc_fail_at(n);
        status = ig_model_save(m, at("m"), &(ig_model_card){.metrics_json = "{\"a\":1}"}, NULL);
        if (status == IG_OK) status = ig_model_load(ctx, at("m"), &copy, NULL);
        bool failed = ig_alloc_fail_at(0) >= n;
        assert_int_equal(status, failed ? IG_E_NOMEM : IG_OK);
        ig_model_free(copy);
    }
    ig_model_free(m);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(saved_and_loaded_is_the_same_bits),
        TEST(saving_twice_writes_the_same_files),
        TEST(config_keeps_foreign_keys_and_says_f32),
        TEST(the_card_says_where_a_model_comes_from),
        TEST(a_tokenizer_comes_along_and_must_fit),
        TEST(files_without_the_first_word_and_with_buffers_load),
        TEST(a_tied_head_may_be_stored_again_if_it_is_the_same),
        TEST(half_and_double_weights_load),
        TEST(shards_are_put_together),
        TEST(missing_unknown_and_misshapen_tensors_are_listed_by_name),
        TEST(long_lists_are_cut_and_counted),
        TEST(absent_and_damaged_files_are_named),
        TEST(other_files_of_the_folder_stay),
        TEST(a_config_of_something_else_is_not_replaced),
        TEST(an_old_tokenizer_does_not_stay_with_a_new_model),
        TEST(every_state_of_a_killed_save_is_the_whole_new_model),
        TEST(a_save_killed_before_its_commit_is_the_old_model),
        TEST(failed_allocations_are_statuses),
    };
    return cmocka_run_group_tests(tests, group_set_up, group_tear_down);
}
