/* tests/train/test_table.c: tables as data of a recipe: runs that are resumed, figures, answers, and tables that are refused. */
#include <math.h>

#include "ingot/predict.h"
#include "tiny.h"

static const char recipe[] =
    "name: table\n"
    "seed: 7\n"
    "model:\n"
    "  config: {model_type: deepfm, embedding_size: 3, hidden_sizes: [8, 5], dropout: 0.2}\n"
    "data: {kind: table, train: table.csv, validation: 0.2, label: left}\n"
    "train: {steps: 12, batch: 16, precision: f32}\n"
    "optimiser: {name: adam, lr: 1e-2}\n"
    "evaluate: {every: 4}\n"
    "checkpoint: {every: 3}\n";

static void put(const char *name, const char *text) {
    ig_error err;
    check_ok(ig_file_write(tiny_path(name), text, strlen(text), &err));
}

/* Who leaves depends on plan and days together; pay is 3·days + 20 for those who are paid for. */
static void write_tables(void) {
    ig_buf csv = {.max = 1 << 20}, libfm = {.max = 1 << 20};
    ig_rng r;
    ig_rng_init(&r, 5, 0);
    ig_buf_puts(&csv, "plan,place,days,pay,left\n");
    for (int i = 0; i < 200; i++) {
        int plan = (int)ig_rng_below(&r, 2), place = (int)ig_rng_below(&r, 3), days = (int)ig_rng_below(&r, 30);
        bool left = (days > 12) == (plan == 1) ? ig_rng_below(&r, 20) > 0 : ig_rng_below(&r, 20) == 0;
        ig_buf_printf(&csv, "%s,%c,%d,%d,%s\n", plan ? "free" : "paid", 'a' + place, days, 3 * days + 20 * !plan, left ? "yes" : "no");
        ig_buf_printf(&libfm, "%d %d:1 %d:1 %d:1\n", left ? 1 : -1, plan, 2 + place, 5 + days);
    }
    put("table.csv", csv.data);
    put("table.libfm", libfm.data);
    ig_buf_fini(&csv);
    ig_buf_fini(&libfm);
}

static int setup(void **state) {
    if (tiny_setup(state) != 0) return -1;
    put("recipe.yaml", recipe);
    write_tables();
    return 0;
}

/* ---- resuming ---- */

static void check_resumed(const char *whole, const char *parts, const char *const *overrides) {
    const int64_t stops[] = {1, 5, 8};
    ig_train_result a, b;
    tiny_told told = {0};
    ig_error err;
    check_ok(tiny_run(whole, overrides, false, NULL, &a, &err));
    for (size_t i = 0; i < 3; i++) {
        told.cancel_at = stops[i];
        check_fails(tiny_run(parts, overrides, i > 0, &told, &b, &err), IG_E_CANCELLED);
    }
    told.cancel_at = 0;
    check_ok(tiny_run(parts, overrides, true, &told, &b, &err));
    tiny_check_same(whole, parts, "model.safetensors");
    tiny_check_same(whole, parts, "preparation.json");
    tiny_check_same_end(whole, parts, 12);
    tiny_check_log(parts, 12);
    assert_memory_equal(&a.best_eval_loss, &b.best_eval_loss, sizeof a.best_eval_loss);
}

static void resumed_run_ends_with_the_same_bits(void **state) {
    (void)state;
    check_resumed("adam", "adam_parts", (const char *[]){NULL});
    check_resumed("accumulate", "accumulate_parts", (const char *[]){"train.accumulate=2", "optimiser.ema=0.9", "optimiser.clip_norm=1", NULL});
    check_resumed("number", "number_parts", (const char *[]){"data.label=pay", "data.label_is=number", "data.types={left: id}",
                                                              "optimiser={name: adagrad, lr: 0.1}", NULL});
    check_resumed("libfm", "libfm_parts", (const char *[]){"data.train=table.libfm", "data.label=label",
                                                            "optimiser={name: sgd, lr: 0.1, momentum: 0.9}", NULL});
}

/* ---- learning ---- */

static double figure(const ig_train_result *r, const char *name) {
    for (int k = 0; k < r->figures; k++)
        if (strcmp(r->figure[k].name, name) == 0) return r->figure[k].value;
    fail_msg("the run has no figure %s", name);
    return NAN;
}

/* One row in twenty is noise: the best possible AUC is near 0.95.  What is a product of two columns, logistic regression cannot say. */
static void products_of_columns_are_learned(void **state) {
    const char *fm[] = {"train.steps=300", "evaluate.every=100", "model.config.parts={linear: true, fm: true}", NULL};
    const char *linear[] = {"train.steps=300", "evaluate.every=100", "model.config.parts={linear: true}", NULL};
    ig_train_result a, b;
    ig_error err;
    (void)state;
    check_ok(tiny_run("fm", fm, false, NULL, &a, &err));
    check_ok(tiny_run("linear", linear, false, NULL, &b, &err));
    assert_true(figure(&a, "auc") > 0.85);
    assert_true(figure(&b, "auc") < 0.75);
    assert_true(figure(&a, "accuracy") > figure(&b, "accuracy"));
}

static void a_number_is_learned(void **state) {
    const char *o[] = {"train.steps=600", "evaluate.every=200", "data.label=pay", "data.label_is=number", "data.types={left: id}",
                       "model.config.parts={linear: true}", "optimiser.lr=0.3", NULL};
    ig_train_result r;
    ig_error err;
    (void)state;
    check_ok(tiny_run("pay", o, false, NULL, &r, &err));
    assert_true(figure(&r, "rmse") < 1); /* of numbers from 0 to 107, linear in the columns */
    assert_true(figure(&r, "mae") <= figure(&r, "rmse"));
}

/* ---- answers ---- */

static double answer(ig_predictor *p, const char *row, ig_status expected) {
    ig_doc *d = NULL;
    ig_error err;
    double y = NAN;
    check_ok(ig_json_parse("row", row, strlen(row), &d, &err));
    assert_int_equal(ig_predictor_object(p, "row", ig_doc_root(d), &y, &err), expected);
    ig_doc_free(d);
    return y;
}

static void a_saved_model_answers_rows_as_it_answers_tables(void **state) {
    static const char table[] = "days,plan,place\n3,free,a\n29,paid,c\n7,unheard,b\n";
    ig_frame f = {0};
    ig_prepared x = {0};
    ig_predictor *p = NULL;
    ig_model *m = NULL;
    double said[3];
    ig_error err;
    (void)state;
    check_ok(tiny_run("answers", (const char *[]){"data.types={pay: id}", NULL}, false, NULL, NULL, &err));
    check_ok(ig_model_load(tiny_context, tiny_path("answers"), &m, &err));
    check_ok(ig_predictor_open(m, 2, &p, &err)); /* fewer than rows: two runs */
    assert_string_equal(ig_predictor_class(p), "yes");
    check_ok(ig_frame_parse("table.csv", table, strlen(table), NULL, &f, &err));
    check_ok(ig_preparation_apply(ig_predictor_preparation(p), &f, &x, &err));
    check_ok(ig_predictor_run(p, &x, said, &err));
    assert_true(fabs(said[0] - answer(p, "{\"plan\": \"free\", \"place\": \"a\", \"days\": 3}", IG_OK)) < 1e-6);
    assert_true(fabs(said[1] - answer(p, "{\"plan\": \"paid\", \"place\": \"c\", \"days\": 29, \"more\": 1}", IG_OK)) < 1e-6);
    assert_true(fabs(said[2] - answer(p, "{\"plan\": \"unheard\", \"place\": \"b\", \"days\": 7}", IG_OK)) < 1e-6);
    answer(p, "{\"plan\": \"free\", \"place\": \"a\", \"days\": \"soon\"}", IG_E_FORMAT);
    answer(p, "{\"plan\": \"free\"}", IG_E_NOT_FOUND);
    ig_predictor_close(p);
    put("answers/preparation.json", "{}");
    check_fails(ig_predictor_open(m, 2, &p, &err), IG_E_FORMAT);
    assert_null(p);
    ig_prepared_fini(&x);
    ig_frame_fini(&f);
    ig_model_free(m);
}

static void a_trained_model_goes_on_with_its_own_preparation(void **state) {
    char from[600];
    ig_error err;
    (void)state;
    check_ok(tiny_run("first", (const char *[]){NULL}, false, NULL, NULL, &err));
    snprintf(from, sizeof from, "model={from: %s}", tiny_path("first"));
    check_ok(tiny_run("second", (const char *[]){from, NULL}, false, NULL, NULL, &err));
    tiny_check_same("first", "second", "preparation.json");
    check_fails(tiny_run("third", (const char *[]){from, "data.label_is=number", "data.label=pay", NULL}, false, NULL, NULL, &err), IG_E_FORMAT);
}

/* ---- what is refused ---- */

static void bad_tables_and_recipes_are_refused_with_their_reason(void **state) {
    static const struct { const char *file, *table, *override, *says; } bad[] = {
        {"table.csv", NULL, "data.label=gone", "gone"},
        {"table.csv", NULL, "data.label=place", "two classes"},
        {"table.csv", NULL, "data.types={plan: roman}", "plan"},
        {"table.csv", NULL, "data.types={gone: id}", "gone"},
        {"table.csv", NULL, "data.label_is=number", "left"},
        {"table.csv", NULL, "data.order=shuffled", "order"},
        {"table.csv", NULL, "model.config.field_sizes=[2]", "indices"},
        {"table.csv", NULL, "data.train=[table.csv, table.csv]", "one table"},
        {"bad.csv", "plan,left\n", NULL, "row"},
        {"bad.csv", "plan,left\na,yes\nb,yes\na,yes\nb,yes\n", NULL, "left"},
        {"bad.libfm", "1 0:1 2:1\n-1 1:1\n", "data.label=label", "entries"},
        {"bad.libfm", "1 0:1 2:0.5\n-1 1:1 2:1\n", "data.label=label", "only the value 1"},
        {"bad.libfm", "1\n-1\n", "data.label=label", "entries"},
        {"bad.libfm", "1 x:1\n", "data.label=label", "bad.libfm"},
    };
    char train[200];
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *overrides[] = {train, bad[i].override, NULL};
        char told[1400];
        ig_error err = {0};
        ig_recipe *r = NULL;
        ig_train_result result;
        if (bad[i].table) put(bad[i].file, bad[i].table);
        snprintf(train, sizeof train, "data.train=%s", bad[i].file);
        ig_status status = ig_recipe_load(tiny_context, tiny_path("recipe.yaml"), overrides, bad[i].override ? 2 : 1, &r, &err);
        if (status == IG_OK) status = ig_train_run(tiny_context, r, tiny_path("refused"), &(ig_train_opts){0}, &result, &err);
        ig_recipe_free(r);
        ig_error_format(&err, told, sizeof told);
        if (status == IG_OK || !strstr(told, bad[i].says)) fail_msg("%s, %s: %s", bad[i].file, bad[i].override ? bad[i].override : "", told);
        ig_dir_remove(tiny_path("refused"), NULL);
    }
}

/* Every thirteenth call of the allocator fails once, of a run from its file to its saved model, and of an answer. */
static ig_status train_and_answer(ig_error *err) {
    const char *overrides[] = {"train.steps=1", "evaluate.every=1", "data.types={pay: id}", NULL};
    static const char row[] = "{\"plan\":\"free\",\"place\":\"a\",\"days\":3}";
    ig_doc *d = NULL;
    ig_model *m = NULL;
    ig_predictor *p = NULL;
    ig_recipe *r = NULL;
    ig_train_result result;
    double y = NAN;
    ig_status status = ig_recipe_load(tiny_context, tiny_path("recipe.yaml"), overrides, 3, &r, err);
    if (status == IG_OK) status = ig_train_run(tiny_context, r, tiny_path("alloc"), &(ig_train_opts){.overwrite = true}, &result, err);
    if (status == IG_OK) status = ig_model_load(tiny_context, tiny_path("alloc"), &m, err);
    if (status == IG_OK) status = ig_predictor_open(m, 1, &p, err);
    if (status == IG_OK) status = ig_json_parse("row", row, sizeof row - 1, &d, err);
    if (status == IG_OK) status = ig_predictor_object(p, "row", ig_doc_root(d), &y, err);
    ig_doc_free(d);
    ig_predictor_close(p);
    ig_model_free(m);
    ig_recipe_free(r);
    return status;
}

static void failed_allocations_are_statuses(void **state) {
    ig_status status = IG_E_NOMEM;
    (void)state;
    for (uint64_t n = 1; status != IG_OK; n += 13) {
        ig_error err = {0};
        ig_alloc_fail_at(n);
        status = train_and_answer(&err);
        if (ig_alloc_fail_at(0) < n) break; /* all went well: nothing was left to fail */
        if (status != IG_OK && status != IG_E_NOMEM) fail_msg("allocation %llu: %s", (unsigned long long)n, err.message);
        status = IG_E_NOMEM; /* a call that goes on without this allocation is as good */
    }
    assert_int_equal(status, IG_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resumed_run_ends_with_the_same_bits),
        cmocka_unit_test(products_of_columns_are_learned),
        cmocka_unit_test(a_number_is_learned),
        cmocka_unit_test(a_saved_model_answers_rows_as_it_answers_tables),
        cmocka_unit_test(a_trained_model_goes_on_with_its_own_preparation),
        cmocka_unit_test(failed_allocations_are_statuses),
        cmocka_unit_test(bad_tables_and_recipes_are_refused_with_their_reason),
    };
    return cmocka_run_group_tests(tests, setup, tiny_teardown);
}
