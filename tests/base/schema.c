/* tests/base/schema.c: what the checker lets through, and the words of its refusals. */
#include "../check.h"

#include <math.h>

static const ig_schema_field layer_fields[] = {
    {.key = "size", .type = IG_TREE_INT, .required = true, .has_range = true, .min = 1, .max = 4096},
    {.key = NULL},
};

static const ig_schema_field train_fields[] = {
    {.key = "lr", .type = IG_TREE_REAL, .required = true, .has_range = true, .min = 0, .max = 10},
    {.key = "warmup", .type = IG_TREE_INT, .has_range = true, .min = 0, .max = INFINITY},
    {.key = "optimizer", .type = IG_TREE_TEXT, .choices = "adam|adamw|sgd"},
    {.key = "betas", .type = IG_TREE_LIST, .item = IG_TREE_REAL, .has_range = true, .min = 0, .max = 1},
    {.key = "decay", .type = IG_TREE_REAL, .nullable = true},
    {.key = NULL},
};

static const ig_schema_field recipe_fields[] = {
    {.key = "name", .type = IG_TREE_TEXT},
    {.key = "train", .type = IG_TREE_MAP, .fields = train_fields},
    {.key = "layers", .type = IG_TREE_LIST, .item = IG_TREE_MAP, .fields = layer_fields},
    {.key = "labels", .type = IG_TREE_MAP, .fields = (const ig_schema_field[]){{.key = "*", .type = IG_TREE_INT}, {.key = NULL}}},
    {.key = "extra", .type = IG_TREE_MAP},
    {.key = "any", .type = IG_TREE_NULL},
    {.key = "shuffle", .type = IG_TREE_BOOL},
    {.key = NULL},
};

static ig_status check(const char *text, ig_error *out) {
    ig_error err;
    ig_doc *d;
    check_ok(ig_yaml_parse("r.yaml", text, strlen(text), &d, &err));
    ig_status status = ig_schema_check("r.yaml", ig_doc_root(d), recipe_fields, out);
    ig_doc_free(d);
    return status;
}

static void good_recipe_passes(void **state) {
    (void)state;
    ig_error err;
    check_ok(check("name: x\n"
                   "train: {lr: 1, warmup: 1000000, optimizer: sgd, betas: [0, 0.5, 1], decay: null}\n"
                   "layers: [{size: 1}, {size: 2}]\n"
                   "labels: {spam: 0, ham: 1}\n"
                   "extra: {what: [ever]}\n"
                   "any: 5\n"
                   "shuffle: true\n",
                   &err));
    check_ok(check("{}", &err));
}

static void refusals_say_what_was_expected_and_found(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"train: {lr: fast}", "r.yaml:1: train.lr: expected a number between 0 and 10, found text \"fast\""},
        {"name: x\ntrain:\n  lr: 11", "r.yaml:3: train.lr: expected a number between 0 and 10, found 11"},
        {"train: {lr: .nan}", "r.yaml:1: train.lr: expected a number between 0 and 10, found not-a-number"},
        {"train: {lr: }", "r.yaml:1: train.lr: expected a number between 0 and 10, found nothing"},
        {"train:\n  lr: 1\n  warmpu: 5", "r.yaml:3: train.warmpu: unknown key; did you mean \"warmup\"?"},
        {"train: {lr: 1, zebra: 5}",
         "r.yaml:1: train.zebra: unknown key; known here: lr, warmup, optimizer, betas, decay"},
        {"trian: {lr: 1}", "r.yaml:1: trian: unknown key; did you mean \"train\"?"},
        {"train: {warmup: -1, lr: 1}", "r.yaml:1: train.warmup: expected a whole number of at least 0, found -1"},
        {"train: {warmup: 1.5, lr: 1}", "r.yaml:1: train.warmup: expected a whole number of at least 0, found 1.5"},
        {"train: {lr: 1, optimizer: adma}", "r.yaml:1: train.optimizer: expected one of adam, adamw or sgd, found text \"adma\""},
        {"train: {lr: 1, optimizer: ada}", "r.yaml:1: train.optimizer: expected one of adam, adamw or sgd, found text \"ada\""},
        {"train: {lr: 1, betas: [0.5, 2]}", "r.yaml:1: train.betas[1]: expected a number between 0 and 1, found 2"},
        {"train: {lr: 1, betas: 3}", "r.yaml:1: train.betas: expected a list, found 3"},
        {"train: {lr: 1, decay: .inf}", "r.yaml:1: train.decay: expected a number, found infinity"},
        {"train:\n  warmup: 1", "r.yaml:1: train: key \"lr\" is missing: a number between 0 and 10"},
        {"layers:\n- size: 1\n- {}", "r.yaml:3: layers[1]: key \"size\" is missing: a whole number between 1 and 4096"},
        {"layers: [5]", "r.yaml:1: layers[0]: expected a map, found 5"},
        {"layers: [{size: 1, sice: 2}]", "r.yaml:1: layers[0].sice: unknown key; did you mean \"size\"?"},
        {"labels: {spam: a}", "r.yaml:1: labels.spam: expected a whole number, found text \"a\""},
        {"shuffle: yes", "r.yaml:1: shuffle: expected true or false, found text \"yes\""},
        {"name: [a]", "r.yaml:1: name: expected text, found a list"},
        {"name: {a: 1}", "r.yaml:1: name: expected text, found a map"},
        {"[1]", "r.yaml:1: expected a map, found a list"},
        {"shuffle: \"a\\nb\"", "r.yaml:1: shuffle: expected true or false, found text \"a…\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ig_error err;
        char buf[1200];
        check_fails(check(rows[i].text, &err), IG_E_FORMAT);
        assert_string_equal(ig_error_format(&err, buf, sizeof buf), rows[i].message);
    }
}

static void line_zero_is_not_printed(void **state) {
    (void)state;
    ig_error err;
    ig_doc *d;
    char buf[1200];
    check_ok(ig_yaml_parse("r.yaml", "train: {lr: 1}", 14, &d, &err));
    check_ok(ig_doc_set(d, "train.lr", "fast", &err));
    check_fails(ig_schema_check("r.yaml", ig_doc_root(d), recipe_fields, &err), IG_E_FORMAT);
    assert_string_equal(ig_error_format(&err, buf, sizeof buf),
                        "r.yaml: train.lr: expected a number between 0 and 10, found text \"fast\"");
    ig_doc_free(d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_recipe_passes),
        cmocka_unit_test(refusals_say_what_was_expected_and_found),
        cmocka_unit_test(line_zero_is_not_printed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
