/* tests/models/test_import.c: models of other programs: real llama2.c checkpoints give the text and the loss that are known of
 * them, folders and PyTorch checkpoints come over, and what does not fit is refused by name and leaves nothing behind.
 */
#include <unistd.h>

#include "../text/data.h"
#include "ingot/formats.h"
#include "ingot/infer.h"
#include "tiny.h"

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
    snprintf(root, sizeof root, "/tmp/ingot-import-XXXXXX");
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

static void put(const char *name, const char *text) { check_ok(ig_file_write(at(name), text, strlen(text), &err)); }

/* Nothing but what stands in `names` (sorted, separated by spaces). */
static void check_files(const char *names) {
    char **found, all[1024] = "";
    size_t count;
    check_ok(ig_dir_list(root, &found, &count, &err));
    for (size_t i = 0; i < count; i++) snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i ? " " : "", found[i]);
    ig_names_free(found, count);
    assert_string_equal(all, names);
}

/* ---- the published checkpoints ---- */

static ig_model *import_checkpoint(const char *archive, const char *weights, const char *tokenizer) {
    char folder[1024], source[1200], words[1200];
    ig_model_import_report r;
    ig_model *m = NULL;
    if (!data_folder(archive, folder, sizeof folder)) skip();
    snprintf(source, sizeof source, "%s/%s", folder, weights);
    snprintf(words, sizeof words, "%s/%s", folder, tokenizer ? tokenizer : "");
    check_ok(ig_model_import(ctx, source, at("m"), &(ig_model_import_opts){.tokenizer = tokenizer ? words : NULL}, &r, &err));
    assert_string_equal(r.format, "llama2.c");
    assert_string_equal(r.type, "f32");
    assert_int_equal(r.has_tokenizer, tokenizer != NULL);
    check_ok(ig_model_load(ctx, at("m"), &m, &err));
    return m;
}

/* From BOS, the most likely token each time. */
static void greedy(ig_model *m, int32_t *out, size_t n) {
    ig_session *s = NULL;
    int32_t token = 1;
    int64_t V = m->family->vocab_size(m);
    check_ok(ig_session_open(m, NULL, &s, &err));
    for (size_t i = 0; i < n; i++) {
        check_ok(ig_session_feed(s, &token, 1, &err));
        const float *logits = ig_session_logits(s);
        token = 0;
        for (int32_t v = 1; v < V; v++)
            if (logits[v] > logits[token]) token = v;
        out[i] = token;
    }
    ig_session_close(s);
}

static void check_start(ig_model *m, const int32_t *ids, size_t n) {
    int32_t got[16];
    greedy(m, got, n);
    for (size_t i = 0; i < n; i++) assert_int_equal(got[i], ids[i]);
}

static void check_text(ig_model *m, size_t tokens, const char *want) {
    int32_t ids[256];
    ig_buf text = {.max = 1 << 16};
    greedy(m, ids, tokens);
    check_ok(ig_tokenizer_decode(m->tokenizer, ids, tokens, 0, &text, &err));
    const char *got = text.data[0] == ' ' ? text.data + 1 : text.data;
    assert_string_equal(got, want);
    ig_buf_fini(&text);
}

/* The protocol of ../shared/data/README.md: BOS and the tokens of each story, one after the other. */
static double loss_of(ig_model *m) {
    static const char end[] = "<|endoftext|>";
    char folder[1024], path[1200];
    ig_buf text = {.max = 1 << 20};
    ig_ids ids = {0};
    ig_eval_result r;
    if (!data_folder("tinystories-sample", folder, sizeof folder)) skip();
    char **names;
    size_t count;
    check_ok(ig_dir_list(folder, &names, &count, &err));
    for (size_t i = 0; i < count; i++)
        if (strstr(names[i], ".txt")) snprintf(path, sizeof path, "%s/%s", folder, names[i]);
    ig_names_free(names, count);
    check_ok(ig_file_read(path, text.max, &text, &err));
    for (char *s = text.data, *next; s; s = next) {
        char *stop = strstr(s, end);
        next = stop ? stop + sizeof end - 1 : NULL;
        size_t n = stop ? (size_t)(stop - s) : strlen(s);
        while (n && strchr(" \n\r\t", s[n - 1])) n--;
        while (n && strchr(" \n\r\t", *s)) s++, n--;
        if (!n) continue;
        check_ok(ig_ids_push(&ids, 1, &err));
        check_ok(ig_tokenizer_encode(m->tokenizer, s, n, 0, &ids, &err));
    }
    check_ok(ig_eval_text(m, ids.data, ids.len, NULL, &r, &err));
    ig_ids_fini(&ids);
    ig_buf_fini(&text);
    return r.loss;
}

static void stories260k_tells_the_known_story(void **state) {
    (void)state;
    ig_model *m = import_checkpoint("stories260K", "stories260K.bin", "tok512.bin");
    check_start(m, (const int32_t[]){403, 407, 261, 378, 432, 383, 286, 261, 376, 298, 315, 421}, 12);
    check_text(m, 200,
               "Once upon a time, there was a little girl named Lily. She loved to play outside in the park. One day, she saw a big, red "
               "ball. She wanted to play with it, but it was too high.\nLily's mom said, \"Lily, let's go to the park.\" Lily was sad and "
               "didn't know what to do. She said, \"I want to play with your ball, but I can't find it.\"\nLily was sad and didn't know what "
               "to do. She said, \"I'm sorry, Lily. I didn't know what to do.\"\nLily didn't want to help her mom, so she");
    assert_float_equal(loss_of(m), 1.3000, 5e-5); /* as it was measured, to its last digit */
    ig_model_free(m);
}

static void babyllama_tells_the_known_story(void **state) {
    (void)state;
    ig_model *m = import_checkpoint("babyllama-105", "tok105-model5000.bin", "tok105.model");
    check_start(m, (const int32_t[]){3, 34, 9, 22, 4, 3, 18, 20, 7, 9}, 10);
    check_text(m, 250,
               "Once upon a time, there was a little girl named Lily. She loved to play outside in the sunshine. One day, she went to the "
               "park with her mommy and daddy. She saw a big box on the ground. She wanted to play with it, but she was too heavy. She was "
               "so h");
    assert_float_equal(loss_of(m), 0.7627, 5e-5);
    ig_model_free(m);
}

static void a_checkpoint_without_tokenizer_runs_on_ids(void **state) {
    (void)state;
    ig_model *m = import_checkpoint("babyllama-105", "model5000.bin", NULL);
    check_start(m, (const int32_t[]){259, 290, 265, 278, 260, 259, 274, 276, 263, 265}, 10);
    ig_model_free(m);
}

/* ---- folders ---- */

static void logits_of(const char *dir, float *out) {
    ig_model *m = NULL;
    int64_t tokens[TINY_CONTEXT];
    for (int i = 0; i < TINY_CONTEXT; i++) tokens[i] = tiny_token(i);
    check_ok(ig_model_load(ctx, dir, &m, &err));
    tiny_logits(m, tokens, 1, TINY_CONTEXT, out);
    ig_model_free(m);
}

static void save_tiny(const char *config, const char *name) {
    ig_model *m = tiny_model(ctx, config, 7);
    check_ok(ig_model_save(m, at(name), NULL, &err));
    ig_model_free(m);
}

static void a_folder_is_copied_with_its_weights_as_they_are(void **state) {
    (void)state;
    static float a[TINY_CONTEXT * TINY_V], b[TINY_CONTEXT * TINY_V];
    save_tiny(tiny_llama_json, "hf");
    put("hf/tokenizer_config.json", "{\"model_max_length\": 32}\n");
    put("hf/notes.txt", "not of the model\n");
    check_ok(ig_model_import(ctx, at("hf"), at("m"), NULL, NULL, &err));
    logits_of(at("hf"), a);
    logits_of(at("m"), b);
    assert_memory_equal(a, b, sizeof a);
    assert_true(ig_path_exists(at("m/tokenizer_config.json")));
    assert_false(ig_path_exists(at("m/notes.txt")));
    check_files("hf m");
}

static void converted_weights_are_half_as_large(void **state) {
    (void)state;
    static float a[TINY_CONTEXT * TINY_V], b[TINY_CONTEXT * TINY_V];
    ig_safetensors *f;
    ig_tensor t;
    save_tiny(tiny_gpt2_json, "hf");
    check_ok(ig_model_import(ctx, at("hf"), at("m"), &(ig_model_import_opts){.convert = true, .dtype = IG_DTYPE_BF16}, NULL, &err));
    check_ok(ig_safetensors_open(at("m/model.safetensors"), &f, &err));
    check_ok(ig_safetensors_describe(f, 0, &t, &err));
    assert_int_equal(t.dtype, IG_DTYPE_BF16);
    ig_safetensors_close(f);
    logits_of(at("hf"), a);
    logits_of(at("m"), b);
    for (size_t i = 0; i < sizeof a / sizeof *a; i++) assert_float_equal(a[i], b[i], 0.1); /* 8 bits of weights, two layers */
}

static void a_model_is_replaced_only_when_it_may_be(void **state) {
    (void)state;
    static float a[TINY_CONTEXT * TINY_V], b[TINY_CONTEXT * TINY_V];
    save_tiny(tiny_llama_json, "hf");
    save_tiny(tiny_qwen3_json, "m");
    check_fails(ig_model_import(ctx, at("hf"), at("m"), NULL, NULL, &err), IG_E_EXISTS);
    check_ok(ig_model_import(ctx, at("hf"), at("m"), &(ig_model_import_opts){.overwrite = true}, NULL, &err));
    logits_of(at("hf"), a);
    logits_of(at("m"), b);
    assert_memory_equal(a, b, sizeof a);
    check_ok(ig_dir_make(at("other"), &err));
    put("other/letter.txt", "dear reader\n");
    check_fails(ig_model_import(ctx, at("hf"), at("other"), &(ig_model_import_opts){.overwrite = true}, NULL, &err), IG_E_EXISTS);
    check_files("hf m other");
}

/* What a killed import leaves is no model, and the next import takes it away. */
static void the_stage_of_a_killed_import_is_cleared(void **state) {
    (void)state;
    save_tiny(tiny_llama_json, "hf");
    check_ok(ig_dir_make(at(".ingot-import-m"), &err));
    put(".ingot-import-m/model.safetensors", "half");
    assert_false(ig_path_exists(at("m")));
    check_ok(ig_model_import(ctx, at("hf"), at("m"), NULL, NULL, &err));
    check_files("hf m");
}

/* ---- what is refused ---- */

static void check_refused(const char *source, ig_status status, const char *says) {
    ig_error e = {0};
    ig_status s = ig_model_import(ctx, source, at("m"), NULL, NULL, &e);
    char text[1200];
    ig_error_format(&e, text, sizeof text);
    if (s != status || !strstr(text, says)) fail_msg("%s: %s: %s, expected %s: %s", source, ig_status_name(s), text, ig_status_name(status), says);
    assert_false(ig_path_exists(at("m")));
    assert_false(ig_path_exists(at(".ingot-import-m")));
}

static void what_does_not_fit_is_named(void **state) {
    (void)state;
    check_refused(at("nothing"), IG_E_NOT_FOUND, "there is no file or folder");
    put("letter.txt", "dear reader, this is no model at all\n");
    check_refused(at("letter.txt"), IG_E_UNSUPPORTED, "is no model that can be imported");
    check_ok(ig_dir_make(at("empty"), &err));
    check_refused(at("empty"), IG_E_NOT_FOUND, "has no config.json");
    save_tiny(tiny_llama_json, "hf");
    put("hf/config.json", tiny_qwen3_json);
    check_refused(at("hf"), IG_E_FORMAT, "missing: model.layers.0.self_attn.q_norm.weight");
    put("hf/config.json", "{\"model_type\": \"mamba\"}");
    check_refused(at("hf"), IG_E_UNSUPPORTED, "mamba");
    put("cut.bin", "\x08\0\0\0");
    check_refused(at("cut.bin"), IG_E_UNSUPPORTED, "is no model");
}

static void a_checkpoint_without_config_names_what_is_missing(void **state) {
    (void)state;
    char folder[1024], path[1200];
    if (!data_folder("resnet-cifar10", folder, sizeof folder)) skip();
    snprintf(path, sizeof path, "%s/resnet20-12fca82f.th", folder);
    check_refused(path, IG_E_NOT_FOUND, "resnet-cifar10/config.json is missing");
}

static void failed_allocations_leave_nothing(void **state) {
    (void)state;
    save_tiny(tiny_gpt2_json, "hf");
    for (uint64_t n = 1;; n++) {
        ig_alloc_fail_at(n);
        ig_status s = ig_model_import(ctx, at("hf"), at("m"), &(ig_model_import_opts){.convert = true, .dtype = IG_DTYPE_F16}, NULL, &err);
        bool failed = ig_alloc_fail_at(0) >= n;
        if (!failed) {
            assert_int_equal(s, IG_OK);
            break;
        }
        assert_true(s == IG_OK || s == IG_E_NOMEM);
        if (s == IG_OK) check_ok(ig_dir_remove(at("m"), &err));
        check_files("hf");
    }
    check_files("hf m");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(stories260k_tells_the_known_story),
        TEST(babyllama_tells_the_known_story),
        TEST(a_checkpoint_without_tokenizer_runs_on_ids),
        TEST(a_folder_is_copied_with_its_weights_as_they_are),
        TEST(converted_weights_are_half_as_large),
        TEST(a_model_is_replaced_only_when_it_may_be),
        TEST(the_stage_of_a_killed_import_is_cleared),
        TEST(what_does_not_fit_is_named),
        TEST(a_checkpoint_without_config_names_what_is_missing),
        TEST(failed_allocations_leave_nothing),
    };
    return cmocka_run_group_tests(tests, group_set_up, group_tear_down);
}
