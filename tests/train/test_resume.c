/* tests/train/test_resume.c: a run that was stopped, killed or damaged ends as if nothing had happened. */
#include "tiny.h"

#include <unistd.h>

typedef struct variant {
    const char *name;
    const char *overrides[8];
} variant;

static const variant variants[] = {
    {"plain", {NULL}},
    {"accumulate", {"train.accumulate=3", "regularise.dropout=0.3", "regularise.label_smoothing=0.1", NULL}},
    {"plateau", {"schedule={name: plateau, warmup: 2, patience: 1, gamma: 0.5}", "optimiser.lr=0.3", "evaluate.every=1", "regularise.dropout=0.1", NULL}},
    {"average", {"optimiser.ema=0.8", "data.order=shuffled", "train.recompute=true", "regularise.dropout=0.2", NULL}},
    {"momentum", {"optimiser={name: sgd, lr: 0.1, momentum: 0.9, nesterov: true, clip_value: 0.5}", "train.accumulate=2", NULL}},
    {"rmsprop", {"optimiser={name: rmsprop, lr: 0.01, momentum: 0.5, l1: 1e-4}", "schedule={name: step, step_size: 5, gamma: 0.5}", NULL}},
    {"lstm", {"model.config={model_type: lstm, num_hidden_layers: 2, hidden_size: 12}", "data.order=sequential", NULL}},
    {"gru", {"model.config={model_type: gru, num_hidden_layers: 1, hidden_size: 12, weight_drop: 0.3}", "data.order=sequential",
             "train.accumulate=2", "train.context=64", "regularise.dropout=0.2", NULL}}, /* 12 windows: the second epoch begins */
    {"no_validation", {"data.validation=0", "optimiser={name: adagrad, lr: 0.05}", "schedule={name: one_cycle, warmup: 4}", NULL}},
};

static void remove_checkpoint(const char *out, int64_t step) {
    char path[1024];
    snprintf(path, sizeof path, "%s/run/checkpoints/step-%08lld.ckpt", tiny_path(out), (long long)step);
    assert_int_equal(unlink(path), 0);
}

/* Stopped after steps 1, 5 and 8; the third time everything after the checkpoint of step 6 is lost, as when killed. */
static void check_variant(const variant *v) {
    char whole[64], parts[64];
    ig_error err;
    ig_train_result a, b;
    tiny_told told = {0};
    snprintf(whole, sizeof whole, "%s_whole", v->name);
    snprintf(parts, sizeof parts, "%s_parts", v->name);
    check_ok(tiny_run(whole, v->overrides, false, NULL, &a, &err));
    const int64_t stops[] = {1, 5, 8};
    for (size_t i = 0; i < 3; i++) {
        told.cancel_at = stops[i];
        check_fails(tiny_run(parts, v->overrides, i > 0, &told, &b, &err), IG_E_CANCELLED);
        assert_int_equal(b.steps, stops[i]);
        assert_int_equal(b.first_step, i ? stops[i - 1] : 0);
    }
    remove_checkpoint(parts, 8);
    told.cancel_at = 0;
    check_ok(tiny_run(parts, v->overrides, true, &told, &b, &err));
    assert_int_equal(b.first_step, 6);
    assert_int_equal(told.warnings, 0);
    tiny_check_same(whole, parts, "model.safetensors");
    tiny_check_same_end(whole, parts, 12);
    tiny_check_log(parts, 12);
    assert_memory_equal(&a.loss, &b.loss, sizeof a.loss);
    assert_memory_equal(&a.best_eval_loss, &b.best_eval_loss, sizeof a.best_eval_loss);
    assert_int_equal(a.best_step, b.best_step);
}

static void resumed_run_ends_with_the_same_bits(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof variants / sizeof *variants; i++) check_variant(&variants[i]);
}

static void a_finished_run_resumes_into_nothing(void **state) {
    (void)state;
    ig_error err;
    ig_train_result a, b;
    tiny_told told = {0};
    check_ok(tiny_run("finished", NULL, false, NULL, &a, &err));
    check_ok(tiny_run("finished", NULL, true, &told, &b, &err));
    assert_int_equal(told.steps, 0);
    assert_int_equal(b.steps, 12);
    assert_int_equal(b.first_step, 12);
    assert_memory_equal(&a.best_eval_loss, &b.best_eval_loss, sizeof(double));
    tiny_check_log("finished", 12);
}

static void resume_without_checkpoint_starts_and_says_so(void **state) {
    (void)state;
    ig_error err;
    tiny_told told = {0};
    check_ok(tiny_run("nothing_there", NULL, true, &told, NULL, &err));
    assert_int_equal(told.warnings, 1);
    assert_non_null(strstr(told.warning, "from the beginning"));
    assert_int_equal(told.steps, 12);
}

static void damage(const char *out, int64_t step) {
    char path[1024];
    snprintf(path, sizeof path, "%s/run/checkpoints/step-%08lld.ckpt", tiny_path(out), (long long)step);
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    fseek(f, 5000, SEEK_SET);
    fputc(fgetc(f) ^ 1, f);
    fseek(f, 5000, SEEK_SET);
    fputc('#', f);
    fclose(f);
}

static void damaged_newest_checkpoint_is_passed_over(void **state) {
    (void)state;
    char names[1024];
    ig_error err;
    ig_train_result whole, result;
    tiny_told told = {.cancel_at = 7};
    check_ok(tiny_run("undamaged", NULL, false, NULL, &whole, &err));
    check_fails(tiny_run("damaged", NULL, false, &told, NULL, &err), IG_E_CANCELLED);
    assert_string_equal(tiny_checkpoints("damaged", names), "step-00000006.ckpt step-00000007.ckpt");
    damage("damaged", 7);
    told.cancel_at = 0;
    check_ok(tiny_run("damaged", NULL, true, &told, &result, &err));
    assert_int_equal(told.warnings, 1);
    assert_non_null(strstr(told.warning, "step-00000007.ckpt"));
    assert_non_null(strstr(told.warning, "checksum"));
    assert_int_equal(result.first_step, 6);
    tiny_check_same("undamaged", "damaged", "model.safetensors");
    assert_string_equal(tiny_checkpoints("damaged", names), "step-00000007.ckpt.damaged step-00000009.ckpt step-00000012.ckpt");
}

static void only_damaged_checkpoints_are_an_error(void **state) {
    (void)state;
    char names[1024];
    ig_error err;
    tiny_told told = {.cancel_at = 7};
    check_fails(tiny_run("all_damaged", NULL, false, &told, NULL, &err), IG_E_CANCELLED);
    damage("all_damaged", 6);
    damage("all_damaged", 7);
    told = (tiny_told){0};
    for (int i = 0; i < 2; i++) check_fails(tiny_run("all_damaged", NULL, true, &told, NULL, &err), IG_E_FORMAT);
    assert_non_null(strstr(err.message, "all 2 checkpoints are damaged"));
    assert_int_equal(told.warnings, 4);
    assert_string_equal(tiny_checkpoints("all_damaged", names), "step-00000006.ckpt step-00000007.ckpt");
}

static void checkpoint_of_another_recipe_is_refused_by_key(void **state) {
    (void)state;
    const struct {
        const char *override[2], *says[2];
    } rows[] = {
        {{"optimiser.lr=0.02"}, {"optimiser.lr is 0.01", "0.02 now"}},
        {{"seed=8"}, {"seed is 7", "8 now"}},
        {{"model.config.n_layer=3"}, {"model.config.n_layer is 2", "3 now"}},
        {{"train.batch=3"}, {"train.batch is 2", "3 now"}},
        {{"train.steps=13"}, {"train.steps is 12", "13 now"}},
        {{"data.validation=0.3"}, {"data.validation is 0.2", "0.3 now"}},
        {{"optimiser.groups=[{match: '*ln*', weight_decay: 0}]"}, {"optimiser.groups[0] is nothing", "*ln*"}},
        {{"data.train=recipe.yaml"}, {"data (SHA-256) is", "now"}},
        {{"regularise.early_stop={patience: 3}"}, {"regularise.early_stop.patience is 0", "3 now"}},
        {{"model.config.layer_norm_epsilon=1e-6"}, {"model.config.layer_norm_epsilon is nothing", "1e-06 now"}},
    };
    ig_error err;
    tiny_told told = {.cancel_at = 4};
    check_fails(tiny_run("another", NULL, false, &told, NULL, &err), IG_E_CANCELLED);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ig_status status = tiny_run("another", rows[i].override, true, NULL, NULL, &err);
        if (status != IG_E_STATE || !strstr(err.message, rows[i].says[0]) || !strstr(err.message, rows[i].says[1]))
            fail_msg("%s: %s: %s", rows[i].override[0], ig_status_name(status), err.message);
    }
    const char *const harmless[] = {"name=other", "checkpoint.every=2", "train.recompute=true", "evaluate.sample={prompt: 'the ', tokens: 4}", NULL};
    check_ok(tiny_run("another", harmless, true, NULL, NULL, &err));
}

static void cancel_during_the_first_steps_saves_and_resumes(void **state) {
    (void)state;
    ig_error err;
    ig_train_result result;
    tiny_told told = {.cancel_at = 2};
    check_fails(tiny_run("cancelled", NULL, false, &told, &result, &err), IG_E_CANCELLED);
    assert_non_null(strstr(err.message, "step 2 of 12"));
    assert_non_null(strstr(result.checkpoint, "step-00000002.ckpt"));
    assert_true(ig_path_exists(result.checkpoint));
    assert_int_equal(told.steps, 2);
    told.cancel_at = 0;
    check_ok(tiny_run("cancelled", NULL, true, &told, &result, &err));
    assert_int_equal(told.steps, 12);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resumed_run_ends_with_the_same_bits),
        cmocka_unit_test(a_finished_run_resumes_into_nothing),
        cmocka_unit_test(resume_without_checkpoint_starts_and_says_so),
        cmocka_unit_test(damaged_newest_checkpoint_is_passed_over),
        cmocka_unit_test(only_damaged_checkpoints_are_an_error),
        cmocka_unit_test(checkpoint_of_another_recipe_is_refused_by_key),
        cmocka_unit_test(cancel_during_the_first_steps_saves_and_resumes),
    };
    return cmocka_run_group_tests(tests, tiny_setup, tiny_teardown);
}
