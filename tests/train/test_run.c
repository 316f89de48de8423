/* tests/train/test_run.c: what a run writes, says, keeps and refuses. */
#include "tiny.h"

#include <math.h>
#include <sys/file.h>
#include <unistd.h>

#include "ingot/infer.h"

static ig_buf read_text(const char *out, const char *name) {
    ig_buf b = {.max = 1 << 26};
    char path[1024];
    ig_error err;
    snprintf(path, sizeof path, "%s/%s", tiny_path(out), name);
    check_ok(ig_file_read(path, b.max, &b, &err));
    return b;
}

/* ---- numbers ---- */

static void the_same_recipe_gives_the_same_bits_and_another_seed_others(void **state) {
    (void)state;
    const char *const dropout[] = {"regularise.dropout=0.2", NULL}, *const seed[] = {"regularise.dropout=0.2", "seed=8", NULL};
    ig_error err;
    check_ok(tiny_run("same_a", dropout, false, NULL, NULL, &err));
    check_ok(tiny_run("same_b", dropout, false, NULL, NULL, &err));
    check_ok(tiny_run("same_c", seed, false, NULL, NULL, &err));
    tiny_check_same("same_a", "same_b", "model.safetensors");
    ig_buf a = read_text("same_a", "model.safetensors"), c = read_text("same_c", "model.safetensors");
    assert_int_equal(a.len, c.len);
    assert_memory_not_equal(a.data, c.data, a.len);
    ig_buf_fini(&a);
    ig_buf_fini(&c);
}

static void the_seed_of_the_options_is_the_recipes(void **state) {
    (void)state;
    const char *const seed[] = {"seed=99", NULL};
    ig_error err;
    ig_train_result result;
    ig_recipe *r = tiny_recipe(NULL);
    check_ok(tiny_run("seed_a", seed, false, NULL, NULL, &err));
    check_ok(ig_train_run(tiny_context, r, tiny_path("seed_b"), &(ig_train_opts){.has_seed = true, .seed = 99}, &result, &err));
    tiny_check_same("seed_a", "seed_b", "model.safetensors");
    ig_recipe_free(r);
}

static uint64_t arena_of(const char *const *overrides) {
    ig_train_report report;
    ig_error err;
    ig_recipe *r = tiny_recipe(overrides);
    check_ok(ig_train_check(tiny_context, r, &report, &err));
    ig_recipe_free(r);
    return report.arena_bytes;
}

static void recompute_gives_the_same_bits_with_less_memory(void **state) {
    (void)state;
    const char *const keep[] = {"model.config.n_layer=6", "regularise.dropout=0.2", "train.batch=16", "data.validation=0", NULL};
    const char *const recompute[] = {"model.config.n_layer=6", "regularise.dropout=0.2", "train.batch=16", "data.validation=0", "train.recompute=true", NULL};
    ig_error err;
    check_ok(tiny_run("kept", keep, false, NULL, NULL, &err));
    check_ok(tiny_run("recomputed", recompute, false, NULL, NULL, &err));
    tiny_check_same("kept", "recomputed", "model.safetensors");
    uint64_t much = arena_of(keep), less = arena_of(recompute);
    if (!(less < much * 2 / 3)) fail_msg("%llu bytes instead of %llu", (unsigned long long)less, (unsigned long long)much);
}

/* The mean over micro batches of equal size is the mean over one large batch: accumulation changes rounding only.  The
 * windows are the same ones: batch index and row make the number that a window is drawn from. */
static void accumulation_is_a_larger_batch(void **state) {
    (void)state;
    const char *const large[] = {"train.batch=6", "optimiser={name: sgd, lr: 0.1}", NULL};
    const char *const small[] = {"train.batch=2", "train.accumulate=3", "optimiser={name: sgd, lr: 0.1}", NULL};
    ig_error err;
    ig_train_result a, b;
    check_ok(tiny_run("large", large, false, NULL, &a, &err));
    check_ok(tiny_run("small", small, false, NULL, &b, &err));
    assert_int_equal(a.tokens, b.tokens);
    if (fabs(a.eval_loss - b.eval_loss) > 1e-5) fail_msg("%.9g and %.9g", a.eval_loss, b.eval_loss);
}

static void a_run_learns_and_the_model_in_out_has_the_loss_it_says(void **state) {
    (void)state;
    const char *const longer[] = {"train.steps=80", "evaluate.every=20", NULL};
    ig_error err;
    ig_train_result result;
    ig_model *m;
    ig_eval_result measured;
    ig_ids ids = {0};
    ig_buf text = read_text(".", "text.txt");
    check_ok(tiny_run("learned", longer, false, NULL, &result, &err));
    check_ok(ig_model_load(tiny_context, tiny_path("learned"), &m, &err));
    size_t cut = ig_text_split(text.data, text.len, 0.2);
    check_ok(ig_tokenizer_encode(m->tokenizer, text.data + cut, text.len - cut, 0, &ids, &err));
    check_ok(ig_eval_text(m, ids.data, ids.len, NULL, &measured, &err));
    assert_true(result.best_eval_loss < 2); /* from log 16 = 2.8 */
    if (fabs(measured.loss - result.best_eval_loss) > 1e-6) fail_msg("%.9g and %.9g", measured.loss, result.best_eval_loss);
    ig_ids_fini(&ids);
    ig_buf_fini(&text);
    ig_model_free(m);
}

static void a_model_goes_on_from_another(void **state) {
    (void)state;
    char from[700];
    ig_error err;
    ig_train_result first, second;
    snprintf(from, sizeof from, "model={from: base}");
    const char *const go_on[] = {from, "optimiser.lr=1e-3", "schedule={name: constant}", "regularise.dropout=0.1", NULL};
    check_ok(tiny_run("base", NULL, false, NULL, &first, &err));
    ig_recipe *r = tiny_recipe(go_on);
    check_ok(ig_train_run(tiny_context, r, tiny_path("further"), NULL, &second, &err));
    ig_recipe_free(r);
    assert_true(second.loss < 2.7 && second.best_eval_loss < first.best_eval_loss + 0.05);
    ig_buf card = read_text("further", "card.json");
    assert_non_null(strstr(card.data, "\"parent\": "));
    assert_non_null(strstr(card.data, "/base"));
    ig_buf_fini(&card);
}

static void the_model_at_the_end_is_the_best_one(void **state) {
    (void)state;
    /* a rate at which the loss jumps up and down */
    const char *const worse[] = {"schedule={name: constant}", "optimiser={name: sgd, lr: 3, clip_norm: 20}", "evaluate.every=1", NULL};
    ig_error err;
    ig_train_result result;
    ig_doc *d;
    check_ok(tiny_run("best", worse, false, NULL, &result, &err));
    check_ok(ig_doc_load(tiny_path("best/card.json"), 1 << 20, &d, &err));
    const ig_tree *metrics = ig_tree_get(ig_doc_root(d), "metrics");
    assert_int_equal(ig_tree_int(metrics, "step", -1), result.best_step);
    assert_true(ig_tree_real(metrics, "eval_loss", 0) == result.best_eval_loss);
    assert_true(result.best_eval_loss <= result.eval_loss);
    ig_doc_free(d);
}

static void groups_set_rates_and_freeze(void **state) {
    (void)state;
    const char *const freeze[] = {"optimiser.groups=[{match: '*.wte.*', lr_scale: 0}]", "evaluate.every=1", NULL};
    const char *const nothing[] = {"optimiser.groups=[{match: 'no.such.*', lr_scale: 0.1}]", NULL};
    ig_error err;
    ig_model *first, *last;
    const char *const once[] = {"optimiser.groups=[{match: '*.wte.*', lr_scale: 0}]", "evaluate.every=1", "train.steps=3", NULL};
    check_ok(tiny_run("frozen_short", once, false, NULL, NULL, &err));
    check_ok(tiny_run("frozen", freeze, false, NULL, NULL, &err));
    check_ok(ig_model_load(tiny_context, tiny_path("frozen_short"), &first, &err));
    check_ok(ig_model_load(tiny_context, tiny_path("frozen"), &last, &err));
    for (size_t i = 0; i < first->params.count; i++) {
        const ig_param *a = first->params.item[i], *b = last->params.item[i];
        bool same = memcmp(a->value.data, b->value.data, ig_tensor_bytes(&a->value)) == 0;
        if (same != (strstr(a->name, ".wte.") != NULL)) fail_msg("%s", a->name);
    }
    ig_model_free(first);
    ig_model_free(last);
    check_fails(tiny_run("no_match", nothing, false, NULL, NULL, &err), IG_E_FORMAT);
    assert_non_null(strstr(err.message, "\"no.such.*\" matches no parameter"));
}

/* ---- stopping ---- */

static void nan_loss_stops_and_keeps_the_last_good(void **state) {
    (void)state;
    const char *const high[] = {"optimiser={name: sgd, lr: 1000}", "schedule={name: constant}", "train.steps=200", "checkpoint.every=1", "evaluate.every=1000",
                                "model.config.initializer_range=3", NULL};
    ig_error err;
    ig_train_result result;
    tiny_told told = {0};
    check_fails(tiny_run("diverged", high, false, &told, &result, &err), IG_E_NUMERIC);
    assert_non_null(strstr(err.message, "this update was not applied"));
    assert_non_null(strstr(err.message, "learning rate that is too high (1000 at this step"));
    assert_non_null(strstr(err.message, "windows at tokens"));
    assert_non_null(strstr(err.message, "last good checkpoint stays: step-"));
    char step[32];
    snprintf(step, sizeof step, "step %d:", told.steps + 1);
    assert_non_null(strstr(err.message, step)); /* within the step in which it appeared */
    assert_int_equal(result.steps, told.steps);
    assert_true(isfinite(result.loss));
    check_fails(tiny_run("diverged", high, true, &told, &result, &err), IG_E_NUMERIC); /* the checkpoint is good, and the same happens again */
    assert_int_equal(result.first_step, result.steps);
}

static void early_stopping_stops_and_resumes_into_nothing(void **state) {
    (void)state;
    const char *const stop[] = {"train.steps=100", "regularise.early_stop={patience: 2, min_delta: 100}", NULL};
    ig_error err;
    ig_train_result result;
    tiny_told told = {0};
    check_ok(tiny_run("early", stop, false, &told, &result, &err));
    assert_true(result.stopped_early);
    assert_int_equal(result.steps, 12); /* the first evaluation counts as better, two more do not */
    assert_int_equal(told.evaluations, 3);
    told = (tiny_told){0};
    check_ok(tiny_run("early", stop, true, &told, &result, &err));
    assert_true(result.stopped_early);
    assert_int_equal(told.steps, 0);
}

/* ---- files ---- */

static void the_log_has_the_keys_that_other_programs_read(void **state) {
    (void)state;
    static const char *const common[] = {"current_steps", "total_steps", "lr", "epoch", "percentage", "elapsed_time", "remaining_time", "throughput", "total_tokens", "memory", NULL};
    const char *const sample[] = {"evaluate.sample={prompt: 'the ', tokens: 12, temperature: 1, top_k: 5}", NULL};
    ig_error err;
    tiny_told told = {0};
    check_ok(tiny_run("logged", sample, false, &told, NULL, &err));
    assert_int_equal(told.samples, 3);
    ig_buf log = read_text("logged", "run/log.jsonl");
    int losses = 0, evaluations = 0;
    for (char *line = log.data, *end; (end = strchr(line, '\n')); line = end + 1) {
        ig_doc *d;
        check_ok(ig_json_parse("log", line, (size_t)(end - line), &d, &err));
        const ig_tree *t = ig_doc_root(d);
        for (const char *const *key = common; *key; key++)
            if (!ig_tree_get(t, *key)) fail_msg("%s is missing: %.*s", *key, (int)(end - line), line);
        losses += ig_tree_get(t, "loss") && ig_tree_get(t, "grad_norm");
        evaluations += ig_tree_get(t, "eval_loss") != NULL;
        if (ig_tree_get(t, "eval_loss")) assert_int_equal(strncmp(ig_tree_text(t, "sample", ""), "the ", 4), 0);
        int hours, minutes, seconds;
        assert_int_equal(sscanf(ig_tree_text(t, "elapsed_time", ""), "%d:%2d:%2d", &hours, &minutes, &seconds), 3);
        ig_doc_free(d);
    }
    assert_int_equal(losses, 12);
    assert_int_equal(evaluations, 3);
    tiny_check_log("logged", 12);
    ig_buf_fini(&log);
}

static void the_chart_is_a_picture_without_scripts(void **state) {
    (void)state;
    const char *const name[] = {"name='a <b> & c'", NULL};
    ig_error err;
    check_ok(tiny_run("charted", name, false, NULL, NULL, &err));
    ig_buf svg = read_text("charted", "run/chart.svg");
    assert_int_equal(strncmp(svg.data, "<svg xmlns=\"http://www.w3.org/2000/svg\"", 39), 0);
    assert_non_null(strstr(svg.data, "a &lt;b> &amp; c"));
    assert_null(strstr(svg.data, "<script"));
    assert_null(strstr(svg.data, "nan"));
    assert_non_null(strstr(svg.data, "prefers-color-scheme:dark"));
    assert_non_null(strstr(svg.data, "<circle"));
    assert_string_equal(svg.data + svg.len - 7, "</svg>\n");
    ig_buf_fini(&svg);
}

static void at_least_two_checkpoints_are_kept(void **state) {
    (void)state;
    char names[1024];
    const char *const many[] = {"checkpoint={every: 2, keep: 3}", NULL};
    ig_error err;
    check_ok(tiny_run("keep_two", NULL, false, NULL, NULL, &err));
    assert_string_equal(tiny_checkpoints("keep_two", names), "step-00000009.ckpt step-00000012.ckpt");
    check_ok(tiny_run("keep_three", many, false, NULL, NULL, &err));
    assert_string_equal(tiny_checkpoints("keep_three", names), "step-00000008.ckpt step-00000010.ckpt step-00000012.ckpt");
}

static void the_recipe_of_a_run_can_be_read_again(void **state) {
    (void)state;
    const char *const steps[] = {"train.steps=5", NULL};
    ig_error err;
    ig_recipe *r;
    check_ok(tiny_run("written", steps, false, NULL, NULL, &err));
    check_ok(ig_recipe_load(tiny_context, tiny_path("written/run/recipe.json"), NULL, 0, &r, &err));
    assert_int_equal(r->train.steps, 5);
    assert_string_equal(r->name, "tiny");
    ig_recipe_free(r);
}

/* ---- folders ---- */

static void a_folder_that_holds_something_is_not_written_to(void **state) {
    (void)state;
    ig_error err;
    ig_train_result result;
    ig_recipe *r = tiny_recipe(NULL);
    check_ok(tiny_run("taken", NULL, false, NULL, NULL, &err));
    check_fails(ig_train_run(tiny_context, r, tiny_path("taken"), NULL, &result, &err), IG_E_EXISTS);
    assert_non_null(strstr(err.message, "holds a run"));
    check_ok(ig_train_run(tiny_context, r, tiny_path("taken"), &(ig_train_opts){.overwrite = true}, &result, &err));
    assert_int_equal(result.first_step, 0);
    check_ok(ig_file_write(tiny_path("text.txt.copy"), "x", 1, &err));
    check_fails(ig_train_run(tiny_context, r, tiny_folder, NULL, &result, &err), IG_E_EXISTS);
    check_fails(ig_train_run(tiny_context, r, tiny_folder, &(ig_train_opts){.overwrite = true}, &result, &err), IG_E_EXISTS);
    assert_non_null(strstr(err.message, "neither a run nor a model"));
    check_fails(ig_train_run(tiny_context, r, tiny_path("text.txt"), NULL, &result, &err), IG_E_EXISTS);
    check_fails(ig_train_run(tiny_context, r, "", NULL, &result, &err), IG_E_ARG);
    ig_recipe_free(r);
}

static void two_processes_do_not_share_a_folder(void **state) {
    (void)state;
    char lock[1024];
    ig_error err;
    check_ok(tiny_run("locked", NULL, false, NULL, NULL, &err));
    snprintf(lock, sizeof lock, "%s/run/lock", tiny_path("locked"));
    FILE *f = fopen(lock, "r+");
    assert_non_null(f);
    assert_int_equal(flock(fileno(f), LOCK_EX), 0);
    check_fails(tiny_run("locked", NULL, true, NULL, NULL, &err), IG_E_STATE);
    assert_non_null(strstr(err.message, "another process"));
    fclose(f);
    check_ok(tiny_run("locked", NULL, true, NULL, NULL, &err));
}

/* ---- data ---- */

static void texts_that_cannot_be_trained_on_are_named(void **state) {
    (void)state;
    ig_error err;
    check_ok(ig_file_write(tiny_path("short.txt"), "abcdefg", 7, &err));
    check_ok(ig_file_write(tiny_path("empty.txt"), "", 0, &err));
    check_ok(ig_file_write(tiny_path("latin1.txt"), "caf\xE9 caf\xE9 caf\xE9", 14, &err));
    const struct {
        const char *override[3];
        ig_status status;
        const char *file, *says;
    } rows[] = {
        {{"data.train=missing.txt"}, IG_E_NOT_FOUND, "missing.txt", ""},
        {{"data.train=short.txt"}, IG_E_FORMAT, "short.txt", "needs 9 or more"},
        {{"data.train=empty.txt"}, IG_E_FORMAT, "empty.txt", "is empty"},
        {{"data.validation=empty.txt"}, IG_E_FORMAT, "empty.txt", "is empty"},
        {{"data.validation=0.0001"}, IG_E_FORMAT, "text.txt", "the validation text has"},
        {{"data.train=latin1.txt", "train.context=2"}, IG_E_FORMAT, "", "UTF-8"},
        {{"tokenizer={path: missing.json}"}, IG_E_NOT_FOUND, "missing.json", ""},
        {{"model={from: missing}"}, IG_E_NOT_FOUND, "missing", ""},
        {{"evaluate.sample={prompt: 'Ω'}"}, IG_E_NOT_FOUND, "recipe.yaml", "evaluate.sample.prompt"},
        {{"model.config.vocab_size=5"}, IG_E_FORMAT, "recipe.yaml", "vocab_size of 5"},
        {{"train={epochs: 0.01}"}, IG_E_FORMAT, "recipe.yaml", "schedule.warmup"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char out[32];
        snprintf(out, sizeof out, "refused_%zu", i);
        memset(&err, 0, sizeof err);
        ig_status status = tiny_run(out, rows[i].override, false, NULL, NULL, &err);
        if (status != rows[i].status || !strstr(err.file, rows[i].file) || !strstr(err.message, rows[i].says))
            fail_msg("%s: %s: %s: %s", rows[i].override[0], ig_status_name(status), err.file, err.message);
        assert_false(ig_path_exists(tiny_path(out))); /* the corrected recipe can start at once */
    }
}

static void epochs_become_steps(void **state) {
    (void)state;
    const char *const epochs[] = {"train={epochs: 2, batch: 4, context: 8, accumulate: 2}", "data.order=shuffled", NULL};
    ig_train_report report;
    ig_error err;
    ig_recipe *r = tiny_recipe(epochs);
    check_ok(ig_train_check(tiny_context, r, &report, &err));
    int64_t windows = (report.train_tokens - 1) / 8;
    assert_int_equal(report.steps, (2 * windows + 7) / 8);
    assert_int_equal(report.tokens_per_step, 64);
    assert_true(report.epochs >= 2 && report.epochs < 2.1);
    ig_recipe_free(r);
}

static void the_dry_run_writes_nothing_and_tells_all(void **state) {
    (void)state;
    ig_train_report p;
    ig_error err;
    ig_recipe *r = tiny_recipe(NULL);
    check_ok(ig_train_check(tiny_context, r, &p, &err));
    assert_true(p.parameters > 1000 && p.vocab_size > 10 && p.validation_tokens > 100 && p.steps == 12 && p.tokens_per_step == 16);
    assert_true(p.weight_bytes == (uint64_t)p.parameters * 4 && p.optimiser_bytes >= 2 * p.weight_bytes && p.arena_bytes > 0);
    assert_true(p.memory_bytes >= p.weight_bytes + p.optimiser_bytes + p.arena_bytes);
    assert_true(p.seconds_per_step > 0 && p.seconds_per_evaluation > 0 && p.tokens_per_second > 0 && p.flops_per_step > 0);
    assert_true(p.seconds_total >= 12 * p.seconds_per_step);
    ig_recipe_free(r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_recipe_gives_the_same_bits_and_another_seed_others),
        cmocka_unit_test(the_seed_of_the_options_is_the_recipes),
        cmocka_unit_test(recompute_gives_the_same_bits_with_less_memory),
        cmocka_unit_test(accumulation_is_a_larger_batch),
        cmocka_unit_test(a_run_learns_and_the_model_in_out_has_the_loss_it_says),
        cmocka_unit_test(a_model_goes_on_from_another),
        cmocka_unit_test(the_model_at_the_end_is_the_best_one),
        cmocka_unit_test(groups_set_rates_and_freeze),
        cmocka_unit_test(nan_loss_stops_and_keeps_the_last_good),
        cmocka_unit_test(early_stopping_stops_and_resumes_into_nothing),
        cmocka_unit_test(the_log_has_the_keys_that_other_programs_read),
        cmocka_unit_test(the_chart_is_a_picture_without_scripts),
        cmocka_unit_test(at_least_two_checkpoints_are_kept),
        cmocka_unit_test(the_recipe_of_a_run_can_be_read_again),
        cmocka_unit_test(a_folder_that_holds_something_is_not_written_to),
        cmocka_unit_test(two_processes_do_not_share_a_folder),
        cmocka_unit_test(texts_that_cannot_be_trained_on_are_named),
        cmocka_unit_test(epochs_become_steps),
        cmocka_unit_test(the_dry_run_writes_nothing_and_tells_all),
    };
    return cmocka_run_group_tests(tests, tiny_setup, tiny_teardown);
}
