/* tests/train/test_tune.c: going on from a model: conversations, adapters, preferences. */
#include "tiny.h"

#include <math.h>

#include "ingot/infer.h"

static const char chat[] =
    "{\"messages\": [{\"role\": \"user\", \"content\": \"cat\"}, {\"role\": \"assistant\", \"content\": \"meow\"}]}\n"
    "{\"messages\": [{\"role\": \"user\", \"content\": \"dog\"}, {\"role\": \"assistant\", \"content\": \"woof\"}]}\n"
    "{\"prompt\": \"bird\", \"completion\": \"tweet\"}\n"
    "{\"prompt\": \"cow\", \"completion\": \"moo\"}\n";
static const char pairs[] =
    "{\"prompt\": \"cat\", \"chosen\": \"meow\", \"rejected\": \"woof\"}\n"
    "{\"prompt\": \"dog\", \"chosen\": \"woof\", \"rejected\": \"meow\"}\n"
    "{\"prompt\": \"bird\", \"chosen\": \"tweet\", \"rejected\": \"moo\"}\n";
static const char letters[] = "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ:\n.";

#define FROM "model={from: base}"
#define CHAT "data={kind: chat, train: chat.jsonl, validation: 0}"
#define TOKENIZER "tokenizer={path: base/tokenizer.json}"
#define PAIRS "data={kind: preference, train: pairs.jsonl, validation: pairs.jsonl}"

static void write_file(const char *name, const char *text, size_t len) {
    ig_error err = {0};
    check_ok(ig_file_write(tiny_path(name), text, len, &err));
}

/* A model that knows letters and little else. */
static int set_up(void **state) {
    const char *const base[] = {"data={train: letters.txt, validation: 0}", "train={steps: 3, batch: 2, context: 32, precision: f32}",
                                "model={config: {model_type: gpt2, n_layer: 2, n_head: 2, n_embd: 32, n_positions: 64}}", NULL};
    ig_error err = {0};
    if (tiny_setup(state) != 0) return -1;
    write_file("letters.txt", letters, sizeof letters - 1);
    write_file("chat.jsonl", chat, sizeof chat - 1);
    write_file("pairs.jsonl", pairs, sizeof pairs - 1);
    return tiny_run("base", base, false, NULL, NULL, &err) == IG_OK ? 0 : -1;
}

static ig_model *load(const char *name) {
    ig_model *m;
    ig_error err = {0};
    check_ok(ig_model_load(tiny_context, tiny_path(name), &m, &err));
    return m;
}

static void check_answer(const char *model, const char *question, const char *answer) {
    ig_model *m = load(model);
    ig_session *s;
    ig_generation g = {0};
    ig_error err = {0};
    char prompt[128];
    const char *const stop[] = {"\n"};
    snprintf(prompt, sizeof prompt, "User:\n%s\nAssistant:\n", question);
    check_ok(ig_session_open(m, &(ig_session_opts){0}, &s, &err));
    check_ok(ig_generate_text(s, prompt, strlen(prompt), &(ig_generate_opts){.max_tokens = 12, .stop = stop, .stop_count = 1}, &g, &err));
    assert_string_equal(g.text.data, answer);
    ig_generation_fini(&g);
    ig_session_close(s);
    ig_model_free(m);
}

/* The logits of a text, [T,V]. */
static double *logits_of(ig_model *m, size_t *count) {
    const int64_t shape[2] = {1, 12};
    ig_tensor tokens;
    ig_graph *g;
    ig_error err = {0};
    check_ok(ig_tensor_zeros(tiny_context, IG_DTYPE_I64, 2, shape, &tokens, &err));
    for (int64_t i = 0; i < 12; i++) ig_tensor_set(&tokens, i, (double)(i * 5 % 40));
    check_ok(ig_graph_new(tiny_context, IG_GRAPH_EAGER, &g, &err));
    const ig_var *y = m->family->logits(m, &(ig_pass){.g = g}, ig_input(g, "tokens", &tokens), NULL);
    check_ok(ig_graph_status(g, &err));
    *count = (size_t)ig_tensor_numel(ig_value(y));
    double *out = calloc(*count, sizeof *out);
    for (size_t i = 0; i < *count; i++) out[i] = ig_tensor_get(ig_value(y), (int64_t)i);
    ig_graph_free(g);
    ig_tensor_unref(&tokens);
    return out;
}

static void check_close(const double *a, const double *b, size_t n, double tolerance) {
    for (size_t i = 0; i < n; i++)
        if (!(fabs(a[i] - b[i]) <= tolerance)) fail_msg("[%zu]: %.9g and %.9g", i, a[i], b[i]);
}

static void a_tiny_set_is_learned_by_heart(void **state) {
    const char *const all[] = {FROM, CHAT, "train={epochs: 150, batch: 2, context: 40, precision: f32}", TOKENIZER, "schedule={name: constant}", NULL};
    ig_error err = {0};
    tiny_told told = {0};
    (void)state;
    check_ok(tiny_run("whole", all + 0, false, &told, NULL, &err));
    assert_int_equal(told.steps, 300);
    assert_non_null(strstr(told.warning, "plain form"));
    check_answer("whole", "cat", "meow");
    check_answer("whole", "dog", "woof");
    check_answer("whole", "bird", "tweet");
    check_answer("whole", "cow", "moo");
}

static void an_adapter_learns_too_and_the_merged_model_is_the_same(void **state) {
    const char *const merged[] = {FROM, CHAT, "lora={rank: 8, alpha: 32}", TOKENIZER, "train={steps: 400, batch: 4, context: 40, precision: f32}",
                                  "optimiser={name: adamw, lr: 1e-2}", "checkpoint={every: 400}", NULL};
    const char *const apart[] = {FROM, CHAT, "lora={rank: 8, alpha: 32, merge: false}", TOKENIZER, "train={steps: 400, batch: 4, context: 40, precision: f32}",
                                 "optimiser={name: adamw, lr: 1e-2}", "checkpoint={every: 400}", NULL};
    ig_error err = {0};
    size_t n, k;
    (void)state;
    check_ok(tiny_run("merged", merged, false, NULL, NULL, &err));
    check_ok(tiny_run("apart", apart, false, NULL, NULL, &err));
    check_answer("merged", "cat", "meow");
    check_answer("apart", "dog", "woof");
    ig_model *a = load("merged"), *b = load("apart");
    assert_null(a->adapter);
    assert_non_null(b->adapter);
    double *x = logits_of(a, &n), *y = logits_of(b, &k);
    assert_int_equal(n, k);
    check_close(x, y, n, 2e-4); /* f32 sums of 32 and 128 products in another order */
    check_ok(ig_model_merge(b, &err));
    free(y);
    y = logits_of(b, &k);
    check_close(x, y, n, 0);
    free(x);
    free(y);
    ig_model_free(a);
    ig_model_free(b);
}

static void the_base_of_an_adapter_keeps_its_bits(void **state) {
    ig_error err = {0};
    ig_model *m = load("base"), *same = load("base");
    const char *const targets[] = {"q", "mlp.c_fc"}, *const wrong[] = {"rotor"};
    (void)state;
    check_fails(ig_model_adapt(m, &(ig_adapter_opts){.targets = wrong, .target_count = 1}, &err), IG_E_ARG);
    assert_null(m->adapter);
    check_ok(ig_model_adapt(m, &(ig_adapter_opts){.rank = 2, .targets = targets, .target_count = 2, .seed = 3}, &err));
    assert_int_equal(ig_model_adapter_params(m)->count, 8);
    check_fails(ig_model_adapt(m, &(ig_adapter_opts){0}, &err), IG_E_STATE);
    check_ok(ig_model_save_adapter(m, tiny_path("fresh"), tiny_path("base"), NULL, &err));
    check_ok(ig_model_merge(m, &err)); /* B is zero */
    for (size_t i = 0; i < m->params.count; i++)
        assert_memory_equal(m->params.item[i]->value.data, same->params.item[i]->value.data, ig_tensor_bytes(&m->params.item[i]->value));
    ig_model_free(m);
    m = load("fresh");
    assert_int_equal(ig_model_adapter_params(m)->count, 8);
    ig_model_free(m);
    ig_model_free(same);
}

static void a_stopped_run_of_an_adapter_ends_with_the_same_bits(void **state) {
    const char *const over[] = {FROM, CHAT, "lora={rank: 4, dropout: 0.1, merge: false}", TOKENIZER, "train={steps: 12, batch: 2, accumulate: 2, context: 40, precision: f32}", NULL};
    tiny_told told = {.cancel_at = 5};
    ig_error err = {0};
    (void)state;
    check_ok(tiny_run("unbroken", over, false, NULL, NULL, &err));
    check_fails(tiny_run("broken", over, false, &told, NULL, &err), IG_E_CANCELLED);
    check_ok(tiny_run("broken", over, true, NULL, NULL, &err));
    tiny_check_same("unbroken", "broken", "adapter_model.safetensors");
    tiny_check_same_end("unbroken", "broken", 12);
}

static void preferences_raise_the_chosen_answer(void **state) {
    const char *const over[] = {FROM, PAIRS, "dpo={beta: 0.5}", TOKENIZER, "train={steps: 150, batch: 2, context: 40, precision: f32}",
                                "evaluate={every: 50}", "optimiser={name: adamw, lr: 1e-2}", NULL};
    ig_train_result r;
    ig_error err = {0};
    (void)state;
    check_ok(tiny_run("dpo", over, false, NULL, &r, &err));
    if (!(r.best_eval_loss < 0.3)) fail_msg("%g", r.best_eval_loss); /* from log 2 */
    ig_buf log = {.max = 1 << 20};
    char path[600];
    snprintf(path, sizeof path, "%s/run/log.jsonl", tiny_path("dpo"));
    check_ok(ig_file_read(path, log.max, &log, &err));
    assert_non_null(strstr(log.data, "\"loss\":0.69314"));
    assert_non_null(strstr(log.data, "\"eval_rewards/accuracies\":1"));
    ig_buf_fini(&log);
}

static void a_quantised_base_is_trained_upon(void **state) {
    const char *const over[] = {FROM, CHAT, "lora={rank: 8, alpha: 32, merge: false, quantise: q8_0}", TOKENIZER,
                                "train={steps: 300, batch: 4, context: 40, precision: f32}", "optimiser={name: adamw, lr: 1e-2}", "checkpoint={every: 300}", NULL};
    ig_error err = {0};
    (void)state;
    check_ok(tiny_run("quantised", over, false, NULL, NULL, &err));
    check_answer("quantised", "cow", "moo");
}

static void bad_rows_refuse_the_run_with_file_and_line(void **state) {
    static const char rows[] = "{\"prompt\": \"cat\", \"completion\": \"meow\"}\n{\"prompt\": \"cat\"}\n{}\n";
    const char *const over[] = {FROM, "data={kind: chat, train: bad.jsonl, validation: 0}", TOKENIZER, "train={steps: 4, batch: 1, context: 40}", NULL};
    ig_error err = {0};
    (void)state;
    write_file("bad.jsonl", rows, sizeof rows - 1);
    check_fails(tiny_run("refused", over, false, NULL, NULL, &err), IG_E_FORMAT);
    assert_int_equal(err.line, 2);
    assert_non_null(strstr(err.file, "bad.jsonl"));
    assert_non_null(strstr(err.message, "prompt without completion; bad.jsonl:3 lacks what a row needs"));
    assert_false(ig_path_exists(tiny_path("refused")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tiny_set_is_learned_by_heart),
        cmocka_unit_test(an_adapter_learns_too_and_the_merged_model_is_the_same),
        cmocka_unit_test(the_base_of_an_adapter_keeps_its_bits),
        cmocka_unit_test(a_stopped_run_of_an_adapter_ends_with_the_same_bits),
        cmocka_unit_test(preferences_raise_the_chosen_answer),
        cmocka_unit_test(a_quantised_base_is_trained_upon),
        cmocka_unit_test(bad_rows_refuse_the_run_with_file_and_line),
    };
    return cmocka_run_group_tests(tests, set_up, tiny_teardown);
}
