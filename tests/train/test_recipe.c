/* tests/train/test_recipe.c: recipes that are right, and what is said about those that are not. */
#include "tiny.h"

#include <math.h>

#define MODEL "model: {config: {model_type: gpt2, n_layer: 1, n_head: 1, n_embd: 8}}\n"
#define REST "tokenizer: {kind: char}\ndata: {train: text.txt}\ntrain: {steps: 10}\n"

static ig_status parse(const char *text, const char *const *overrides, size_t count, ig_recipe **r, ig_error *err) {
    memset(err, 0, sizeof *err);
    return ig_recipe_parse(tiny_context, "dir/r.yaml", text, strlen(text), overrides, count, r, err);
}

static const struct {
    const char *text, *message; /* "file:line: key: …", or how it begins */
} damaged[] = {
    {"", "dir/r.yaml:1: the recipe is empty; it needs model, data and train"},
    {"[1]", "dir/r.yaml:1: expected a map, found a list"},
    {REST, "dir/r.yaml:1: key \"model\" is missing"},
    {MODEL "tokenizer: {kind: char}\ntrain: {steps: 10}\n", "dir/r.yaml:1: key \"data\" is missing"},
    {MODEL REST "optimizer: {lr: 1}\n", "dir/r.yaml:5: optimizer: unknown key; did you mean \"optimiser\"?"},
    {MODEL REST "optimiser:\n  name: adam\n  learning_rate: 1\n", "dir/r.yaml:7: optimiser.learning_rate: unknown key; known here: name, lr,"},
    {MODEL REST "optimiser: {name: adamW}\n", "dir/r.yaml:5: optimiser.name: expected one of gd, sgd, rmsprop, adagrad, adam or adamw, found text \"adamW\""},
    {MODEL REST "optimiser: {lr: fast}\n", "dir/r.yaml:5: optimiser.lr: expected a number between 1e-12 and 1000, found text \"fast\""},
    {MODEL REST "optimiser: {lr: -1}\n", "dir/r.yaml:5: optimiser.lr: expected a number between 1e-12 and 1000, found -1"},
    {MODEL REST "optimiser: {betas: [0.9]}\n", "dir/r.yaml:5: optimiser.betas: expected two numbers, found 1"},
    {MODEL REST "optimiser: {betas: [0.9, 1]}\n", "dir/r.yaml:5: optimiser.betas[1]: expected a number between"},
    {MODEL REST "optimiser: {momentum: 0.9}\n", "dir/r.yaml:5: optimiser.momentum: is for sgd and rmsprop; adam has betas"},
    {MODEL REST "optimiser: {name: sgd, nesterov: true}\n", "dir/r.yaml:5: optimiser.nesterov: needs sgd with a momentum above 0"},
    {MODEL REST "optimiser:\n  groups:\n  - lr_scale: 2\n", "dir/r.yaml:7: optimiser.groups[0]: key \"match\" is missing"},
    {MODEL REST "schedule: {name: cosine, min_lr: 0.1}\n", "dir/r.yaml:5: schedule.min_lr: 0.1 is above optimiser.lr, which is 0.001"},
    {MODEL REST "schedule: {name: cosine, warmup: 10}\n", "dir/r.yaml:5: schedule.warmup: 10 steps are not fewer than train.steps, which is 10"},
    {MODEL REST "schedule: {warmup: 2.5}\n", "dir/r.yaml:5: schedule.warmup: expected whole steps, or a share below 1; found 2.5"},
    {MODEL REST "schedule: {name: step}\n", "dir/r.yaml:5: schedule.step_size: the step schedule needs it"},
    {MODEL REST "schedule: {name: cosin}\n", "dir/r.yaml:5: schedule.name: expected one of constant, step, linear, cosine, one_cycle or plateau"},
    {MODEL REST "regularise: {dropout: 1}\n", "dir/r.yaml:5: regularise.dropout: expected a number between 0 and 0.999, found 1"},
    {MODEL REST "regularise: {early_stop: {}}\n", "dir/r.yaml:5: regularise.early_stop: key \"patience\" is missing"},
    {MODEL REST "evaluate: {windows: some}\n", "dir/r.yaml:5: evaluate.windows: expected all, or a whole number of at least 1"},
    {MODEL REST "evaluate: {windows: 0}\n", "dir/r.yaml:5: evaluate.windows: expected all, or a whole number of at least 1"},
    {MODEL REST "evaluate: {every: 0}\n", "dir/r.yaml:5: evaluate.every: expected a whole number between 1 and"},
    {MODEL REST "evaluate: {metric: accuracy}\n", "dir/r.yaml:5: evaluate.metric: expected one of eval_loss, found \"accuracy\""},
    {MODEL REST "checkpoint: {keep: 1}\n", "dir/r.yaml:5: checkpoint.keep: expected a whole number between 2 and 1000, found 1"},
    {MODEL REST "seed: -1\n", "dir/r.yaml:5: seed: expected a whole number between 0 and"},
    {MODEL REST "name: [a]\n", "dir/r.yaml:5: name: expected text, found a list"},
    {"model: {}\n" REST, "dir/r.yaml:1: model: expected either config or from, found none"},
    {"model: {from: a, config: {model_type: gpt2}}\n" REST, "dir/r.yaml:1: model.config.model_type: with model.from only dropout rates"},
    {"model:\n  config: {n_layer: 1}\n" REST, "dir/r.yaml:2: model.config: key \"model_type\" is missing"},
    {"model: {config: {model_type: gpt9}}\n" REST, "dir/r.yaml:1: model.config.model_type: \"gpt9\" is of no known family"},
    {"model: {family: cat, config: {model_type: gpt2}}\n" REST, "dir/r.yaml:1: model.family: expected one of gpt, bert, cnn, lstm, als, deepfm, found \"cat\""},
    {"model:\n  config: {model_type: gpt2, n_layer: 1, n_head: 1, n_embd: 8, n_layers: 2}\n" REST,
     "dir/r.yaml:2: model.config.n_layers: unknown key; did you mean \"n_layer\"?"},
    {"model:\n  config: {model_type: gpt2, n_layer: 1, n_head: 1}\n" REST, "dir/r.yaml:2: model.config: key \"n_embd\" is missing"},
    {"model: {config: {model_type: gpt2, n_layer: 1, n_head: 1, n_embd: 8, n_positions: 32}}\n" REST,
     "dir/r.yaml:4: train.context: 64 tokens are more than the model's 32 positions"},
    {MODEL "data: {train: text.txt}\ntrain: {steps: 10}\n", "dir/r.yaml:1: tokenizer: a new model needs one"},
    {MODEL "data: {train: text.txt}\ntrain: {steps: 10}\ntokenizer: {}\n", "dir/r.yaml:4: tokenizer: expected either kind or path, found none"},
    {MODEL "data: {train: text.txt}\ntrain: {steps: 10}\ntokenizer: {kind: bpe}\n", "dir/r.yaml:4: tokenizer.vocab_size: bpe needs 257 or more"},
    {MODEL "data: {train: text.txt}\ntrain: {steps: 10}\ntokenizer: {kind: word}\n", "dir/r.yaml:4: tokenizer.kind: expected one of char or bpe"},
    {MODEL "data: {train: text.txt}\ntrain: {steps: 10}\ntokenizer: {path: a, vocab_size: 9}\n", "dir/r.yaml:4: tokenizer.vocab_size: the tokenizer of `path`"},
    {MODEL "data: {train: []}\ntrain: {steps: 10}\ntokenizer: {kind: char}\n", "dir/r.yaml:2: data.train: expected 1 to 1024 files, found 0"},
    {MODEL "data: {train: [a, 5]}\ntrain: {steps: 10}\ntokenizer: {kind: char}\n", "dir/r.yaml:2: data.train: expected the path of a file, found a whole number"},
    {MODEL "data: {train: ''}\ntrain: {steps: 10}\ntokenizer: {kind: char}\n", "dir/r.yaml:2: data.train: expected the path of a file, found nothing"},
    {MODEL "data: {train: a, validation: 1}\ntrain: {steps: 10}\ntokenizer: {kind: char}\n", "dir/r.yaml:2: data.validation: expected a file, a list of them, or a share"},
    {MODEL "data: {train: a, validation: true}\ntrain: {steps: 10}\ntokenizer: {kind: char}\n", "dir/r.yaml:2: data.validation: expected a file"},
    {MODEL "data: {train: a, order: sorted}\ntrain: {steps: 10}\ntokenizer: {kind: char}\n", "dir/r.yaml:2: data.order: expected one of random, shuffled or sequential"},
    {MODEL "data: {train: a}\ntrain: {}\ntokenizer: {kind: char}\n", "dir/r.yaml:3: train: expected either steps or epochs, found none"},
    {MODEL "data: {train: a}\ntrain: {steps: 1, epochs: 1}\ntokenizer: {kind: char}\n", "dir/r.yaml:3: train: expected either steps or epochs, found both"},
    {MODEL "data: {train: a}\ntrain: {steps: 1, precision: f16}\ntokenizer: {kind: char}\n", "dir/r.yaml:3: train.precision: expected one of f32, bf16 or auto"},
    {MODEL "data: {train: a}\ntrain: {steps: 1, batch: 0}\ntokenizer: {kind: char}\n", "dir/r.yaml:3: train.batch: expected a whole number between 1 and 65536, found 0"},
    {MODEL "data: {train: a, validation: 0}\ntrain: {steps: 9}\ntokenizer: {kind: char}\nschedule: {name: plateau}\n", "dir/r.yaml:5: schedule.name: plateau needs validation text"},
    {MODEL "data: {train: a, validation: 0}\ntrain: {steps: 9}\ntokenizer: {kind: char}\nregularise:\n  early_stop: {patience: 1}\n",
     "dir/r.yaml:6: regularise.early_stop: needs validation text"},
    {MODEL "data: {train: a, too_long: cut}\ntrain: {steps: 9}\ntokenizer: {kind: char}\n", "dir/r.yaml:2: data.too_long: is not for data of the kind text"},
    {MODEL REST "dpo: {beta: 0.1}\n", "dir/r.yaml:5: dpo: is for data of the kind preference"},
    {MODEL REST "train: {steps: 5}\n", "dir/r.yaml:5: key \"train\" stands twice in this map; it was first set in line 4"},
    {MODEL REST "evaluate: {every: 10\n", "dir/r.yaml:6:"},
    {MODEL REST "name: *anchor\n", "dir/r.yaml:5:"},
    {MODEL REST "name: \xFF\n", "dir/r.yaml:5: byte 0xFF is not UTF-8"},
};

static void damaged_recipes_are_refused_with_line_key_and_expectation(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        char text[1200];
        ig_recipe *r = NULL;
        ig_error err;
        ig_status status = parse(damaged[i].text, NULL, 0, &r, &err);
        if (status != IG_E_FORMAT || r) fail_msg("row %zu was taken, or %s", i, ig_status_name(status));
        ig_error_format(&err, text, sizeof text);
        if (strncmp(text, damaged[i].message, strlen(damaged[i].message)) != 0) fail_msg("row %zu: \"%s\"\nexpected \"%s\"", i, text, damaged[i].message);
    }
}

static void defaults_are_filled_in(void **state) {
    (void)state;
    ig_recipe *r;
    ig_error err;
    check_ok(parse(MODEL REST, NULL, 0, &r, &err));
    assert_string_equal(r->name, "r.yaml");
    assert_string_equal(r->model.family, "gpt");
    assert_int_equal(r->seed, 1337);
    assert_string_equal(r->data.train[0], "dir/text.txt");
    assert_true(r->data.validation_fraction == 0.1 && r->data.validation_count == 0 && r->data.order == IG_ORDER_RANDOM);
    assert_true(r->train.batch == 12 && r->train.context == 64 && r->train.accumulate == 1 && r->train.precision == IG_PRECISION_AUTO);
    assert_true(r->optimiser.opts.kind == IG_OPTIM_ADAMW && r->optimiser.lr == 1e-3 && r->optimiser.opts.weight_decay == 0.01);
    assert_true(r->evaluate.every == 250 && r->evaluate.windows == 0 && !r->evaluate.prompt);
    assert_true(r->checkpoint.every == 250 && r->checkpoint.keep == 2);
    ig_recipe_free(r);
}

static void overrides_come_before_the_check(void **state) {
    (void)state;
    const char *const good[] = {"optimiser.lr=0.5", "data.train=[/a/b, c]", "evaluate.sample.prompt=\"x=y\"", "checkpoint={every: 7, keep: 5}"};
    const struct {
        const char *text, *says;
    } bad[] = {
        {"optimiser.lr", "expected path.to.key=value"}, {"=5", "expected path.to.key=value"}, {"", "expected path.to.key=value"},
        {"train.stepz=5", "train.stepz: unknown key; did you mean \"steps\"?"}, {"train.steps=many", "train.steps: expected a whole number"},
    };
    ig_recipe *r;
    ig_error err;
    check_ok(parse(MODEL REST, good, 4, &r, &err));
    assert_true(r->optimiser.lr == 0.5 && r->checkpoint.every == 7 && r->checkpoint.keep == 5);
    assert_string_equal(r->data.train[0], "/a/b");
    assert_string_equal(r->data.train[1], "dir/c");
    assert_string_equal(r->evaluate.prompt, "x=y");
    ig_recipe_free(r);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_not_equal(parse(MODEL REST, &bad[i].text, 1, &r, &err), IG_OK);
        if (!strstr(err.message, bad[i].says)) fail_msg("\"%s\": %s", bad[i].text, err.message);
    }
}

static void a_missing_recipe_is_named(void **state) {
    (void)state;
    ig_recipe *r;
    ig_error err;
    check_fails(ig_recipe_load(tiny_context, "/nowhere/r.yaml", NULL, 0, &r, &err), IG_E_NOT_FOUND);
    assert_string_equal(err.file, "/nowhere/r.yaml");
}

/* Every default and meaning is written down for the help. */
static void check_documented(const ig_schema_field *f, const char *where) {
    for (; f->key; f++) {
        if (!f->doc && !f->fields) fail_msg("%s.%s has no doc", where, f->key);
        if (f->fields) check_documented(f->fields, f->key);
    }
}

static void every_key_is_documented(void **state) {
    (void)state;
    check_documented(ig_recipe_schema(), "recipe");
}

static void recipes_of_the_repository_are_right(void **state) {
    (void)state;
    const char *const names[] = {"shakespeare-char.yaml", "shakespeare-char-hour.yaml", "shakespeare-bpe.yaml"};
    const char *root = getenv("INGOT_ROOT");
    for (size_t i = 0; root && i < sizeof names / sizeof *names; i++) {
        char path[1024];
        ig_recipe *r;
        ig_error err;
        snprintf(path, sizeof path, "%s/recipes/%s", root, names[i]);
        check_ok(ig_recipe_load(tiny_context, path, NULL, 0, &r, &err));
        assert_true(ig_path_exists(r->data.train[0]));
        ig_recipe_free(r);
    }
}

/* Every call of the allocator fails once. */
static void failed_allocations_are_statuses(void **state) {
    (void)state;
    ig_status status = IG_E_NOMEM;
    for (uint64_t n = 1; status != IG_OK; n++) {
        const char *const overrides[] = {"data.train=[a, b]", "optimiser.groups=[{match: a}]"};
        ig_recipe *r = NULL;
        ig_error err;
        ig_alloc_fail_at(n);
        status = parse(MODEL REST, overrides, 2, &r, &err);
        ig_alloc_fail_at(0);
        if (status != IG_OK && status != IG_E_NOMEM) fail_msg("allocation %llu: %s: %s", (unsigned long long)n, ig_status_name(status), err.message);
        ig_recipe_free(r);
        if (n > 100000) fail_msg("does not end");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_recipes_are_refused_with_line_key_and_expectation),
        cmocka_unit_test(defaults_are_filled_in),
        cmocka_unit_test(overrides_come_before_the_check),
        cmocka_unit_test(a_missing_recipe_is_named),
        cmocka_unit_test(every_key_is_documented),
        cmocka_unit_test(recipes_of_the_repository_are_right),
        cmocka_unit_test(failed_allocations_are_statuses),
    };
    return cmocka_run_group_tests(tests, tiny_setup, tiny_teardown);
}
