/* tests/models/write_folders.c: writes model folders and the logits that Ingot computes with them, for hf_layout.py.
 *
 *     write_folders DIR      DIR/gpt2, DIR/gpt2-untied, DIR/llama, DIR/llama-tied and the descendants of Llama, each with a logits.json
 */
#include "tiny.h"

#include "../check.h"

#define TOKENS 12

static void write_logits(ig_model *m, const char *folder) {
    int64_t tokens[TOKENS];
    static float logits[TOKENS * TINY_V];
    char path[IG_PATH_MAX];
    ig_error err;
    ig_buf text = {.max = 1 << 20};
    ig_json j = {.out = &text};
    for (int i = 0; i < TOKENS; i++) tokens[i] = tiny_token(i);
    tiny_logits(m, tokens, 1, TOKENS, logits);
    ig_json_open(&j, '{');
    ig_json_key(&j, "tokens");
    ig_json_open(&j, '[');
    for (int i = 0; i < TOKENS; i++) ig_json_int(&j, tokens[i]);
    ig_json_close(&j, ']');
    ig_json_key(&j, "logits");
    ig_json_open(&j, '[');
    for (int i = 0; i < TOKENS; i++) {
        ig_json_open(&j, '[');
        for (int v = 0; v < TINY_V; v++) ig_json_real(&j, logits[i * TINY_V + v]);
        ig_json_close(&j, ']');
    }
    ig_json_close(&j, ']');
    ig_json_close(&j, '}');
    check_ok(ig_buf_status(&text, &err));
    check_ok(ig_path_join(path, sizeof path, folder, "logits.json", &err));
    check_ok(ig_file_write(path, text.data, text.len, &err));
    ig_buf_fini(&text);
}

static void write_folder(ig_context *ctx, const char *dir, const char *name, const char *config) {
    char folder[IG_PATH_MAX];
    ig_error err;
    ig_model *m = tiny_model(ctx, config, 7);
    check_ok(ig_path_join(folder, sizeof folder, dir, name, &err));
    check_ok(ig_model_save(m, folder, &(ig_model_card){.recipe = "none"}, &err));
    write_logits(m, folder);
    ig_model_free(m);
}

static const char *target;

static void folders_are_written(void **state) {
    ig_context *ctx = NULL;
    ig_error err;
    (void)state;
    check_ok(ig_context_new(NULL, &ctx, &err));
    write_folder(ctx, target, "gpt2", tiny_gpt2_json);
    write_folder(ctx, target, "gpt2-untied", tiny_gpt2_untied_json);
    write_folder(ctx, target, "llama", tiny_llama_json);
    write_folder(ctx, target, "llama-tied", tiny_llama_tied_json);
    write_folder(ctx, target, "mistral", tiny_mistral_json);
    write_folder(ctx, target, "qwen2", tiny_qwen2_json);
    write_folder(ctx, target, "qwen3", tiny_qwen3_json);
    write_folder(ctx, target, "llama31", tiny_llama31_json);
    write_folder(ctx, target, "linear", tiny_linear_json);
    ig_context_free(ctx);
}

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    target = argv[1];
    const struct CMUnitTest tests[] = {cmocka_unit_test(folders_are_written)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
