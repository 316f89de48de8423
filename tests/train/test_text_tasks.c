/* tests/train/test_text_tasks.c: labels, scores, masked, pairs and tags: losses and gradients against PyTorch (tasks_torch.py),
 * the
 * same bits after a stop, damaged rows, what is held out, and models that get another head.
 */
#include <math.h>
#include <unistd.h>

#include "tiny.h"
#include "train/tag_rows.h"
#include "train/task.h"
#include "train/texts.h"

static const char bert[] =
    "model={config: {model_type: bert, hidden_size: 8, intermediate_size: 12, num_hidden_layers: 1, num_attention_heads: 2, "
    "layer_norm_eps: 1.0e-12}}";
static const char words[] = "tokenizer={kind: word, vocab_size: 64}";

static void put(const char *name, const char *text) {
    ig_error err = {0};
    check_ok(ig_file_write(tiny_path(name), text, strlen(text), &err));
}

static void put_many(const char *name, const char *header, const char *first, const char *second, int n) {
    ig_buf b = {.max = 1 << 16};
    ig_error err = {0};
    ig_buf_puts(&b, header);
    for (int i = 0; i < n; i++) ig_buf_printf(&b, i % 2 ? first : second, "word more", i % 7 < 3 ? "cat" : "dog",
                                              i % 5 ? "sees" : "hears");
    check_ok(ig_file_write(tiny_path(name), b.data, b.len, &err));
    ig_buf_fini(&b);
}

/* ---- PyTorch ---- */

static void set_weights(const ig_params *ps) {
    for (size_t i = 0; i < ps->count; i++) {
        const ig_param *p = ps->item[i];
        int phase = 0;
        size_t len = strlen(p->name);
        for (const char *s = p->name; *s; s++) phase += (unsigned char)*s;
        double one = p->value.ndim == 1 && strcmp(p->name + len - 6, "weight") == 0;
        for (int64_t k = 0; k < ig_tensor_numel(&p->value); k++) ig_tensor_set(&p->value, k,
            one + 0.25 * sin(1.3 * (double)k + phase % 97));
    }
}

static double norm_of(const ig_tensor *t) {
    double sum = 0;
    for (int64_t i = 0; i < ig_tensor_numel(t); i++) sum += ig_tensor_get(t, i) * ig_tensor_get(t, i);
    return sqrt(sum);
}

/* f32 against f64, through a block and a softmax: a hundred roundings of 6e-8 at most add up. */
static void check_near(const char *what, const char *name, double is, double must) {
    if (!(fabs(is - must) <= 2e-5 + 2e-4 * fabs(must))) fail_msg("%s, %s: %.9g, must be %.9g", what, name, is, must);
}

static void check_gradients(trainer *t, train_shape *s, const ig_tree *expected) {
    ig_error err = {0};
    ig_graph *g;
    ig_var *more[TRAIN_OUTPUTS_MAX];
    int count = 0, checked = 0;
    const ig_tree *norms = ig_tree_get(expected, "gradients");
    check_ok(ig_graph_new(t->ctx, IG_GRAPH_EAGER, &g, &err));
    ig_var *loss = t->r->data.task->loss(t, &(ig_pass){.g = g, .training = true, .key = ig_input(g, "key", &t->key)}, s, more,
                                         &count);
    ig_backward(g, loss);
    check_ok(ig_graph_status(g, &err));
    check_near(expected->key, "loss", ig_tensor_get(ig_value(loss), 0), ig_tree_real(expected, "loss", 0));
    for (const ig_tree *n = norms->child; n; n = n->next, checked++) {
        const ig_param *p = ig_params_find(&t->model->params, n->key);
        if (!p) fail_msg("%s: no parameter %s", expected->key, n->key);
        check_near(expected->key, n->key, norm_of(ig_value(ig_gradient(g, ig_param_var(g, p)))), n->real);
    }
    assert_true(checked >= 20);
    ig_graph_free(g);
}

static void check_task(const ig_tree *expected) {
    const char *overrides[12] = {bert, words, "train={steps: 1, batch: 4, context: 16, precision: f32}", "evaluate={every: 1}",
                                 "schedule={name: constant}"};
    size_t n = 5;
    ig_error err = {0};
    trainer t;
    int shape = 0;
    int64_t counted = 0;
    put("rows.tsv", ig_tree_text(expected, "data", ""));
    for (const ig_tree *o = ig_tree_get(expected, "overrides")->child; o; o = o->next) overrides[n++] = o->text;
    ig_recipe *r = tiny_recipe(overrides);
    check_ok(trainer_init(&t, tiny_context, r, NULL, &err));
    set_weights(&t.model->params);
    check_ok(t.r->data.task->fill(&t, 0, &shape, &counted, &err));
    assert_true(counted > 1);
    check_gradients(&t, &t.shape[shape], expected);
    trainer_fini(&t);
    ig_recipe_free(r);
}

static void losses_and_gradients_are_those_of_torch(void **state) {
    char path[IG_PATH_MAX];
    ig_error err = {0};
    ig_doc *d;
    (void)state;
    snprintf(path, sizeof path, "%s/tests/train/tasks_torch.json", getenv("INGOT_ROOT") ? getenv("INGOT_ROOT") : ".");
    check_ok(ig_doc_load(path, 1 << 20, &d, &err));
    for (const ig_tree *t = ig_doc_root(d)->child; t; t = t->next) check_task(t);
    ig_doc_free(d);
}

/* ---- resuming ---- */

static const struct {
    const char *name, *data, *more;
} kinds[] = {
    {"labels", "data={kind: labels, train: labels.tsv, validation: 0.2}", "train.accumulate=2"},
    {"scores", "data={kind: scores, train: scores.tsv, validation: 0.2}", "scores.loss=mse"},
    {"masked", "data={kind: masked, train: text.txt, validation: 0.2}", "masked={share: 0.2, whole_words: true}"},
    {"pairs", "data={kind: pairs, train: pairs.tsv, validation: 0.2}", "pairs={pooling: cls}"},
    {"tags", "data={kind: tags, train: tags.txt, validation: 0.2}", "train.accumulate=2"},
};

static void put_all(void) {
    put_many("labels.tsv", "text\tlabel\n", "%s %s %s\tyes\n", "%s %s %s here\tno\n", 40);
    put_many("scores.tsv", "text\tscore\n", "%s %s %s\t0.5\n", "%s %s %s here\t1\n", 40);
    put_many("pairs.tsv", "question\tanswer\n", "%s %s\tthe %s\n", "here %s %s\tan %s\n", 40);
    put_many("tags.txt", "", "%s O\n%s B-X\n%s I-X\n\n", "%s O\n%s B-Y\n%s O\n\n", 40);
}

static void a_resumed_run_of_every_kind_ends_with_the_same_bits(void **state) {
    ig_error err = {0};
    (void)state;
    put_all();
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const char *overrides[] = {bert, words, kinds[i].data, "train.context=12", "regularise.dropout=0.2",
                                   "schedule={name: linear}", kinds[i].more, NULL};
        char whole[64], parts[64];
        ig_train_result a, b;
        tiny_told told = {.cancel_at = 5};
        snprintf(whole, sizeof whole, "%s_whole", kinds[i].name);
        snprintf(parts, sizeof parts, "%s_parts", kinds[i].name);
        check_ok(tiny_run(whole, overrides, false, NULL, &a, &err));
        check_fails(tiny_run(parts, overrides, false, &told, &b, &err), IG_E_CANCELLED);
        told.cancel_at = 0;
        check_ok(tiny_run(parts, overrides, true, &told, &b, &err));
        tiny_check_same(whole, parts, "model.safetensors");
        tiny_check_same(whole, parts, "config.json");
        assert_memory_equal(&a.best_eval_loss, &b.best_eval_loss, sizeof a.best_eval_loss);
    }
}

/* ---- memory ---- */

/* Every fortieth of the allocations that making a trainer needs fails, and the first hundred one by one. */
static void a_failed_allocation_is_a_status_that_leaks_nothing(void **state) {
    (void)state;
    put_all();
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const char *overrides[] = {bert, words, kinds[i].data, "train.context=12", kinds[i].more, NULL};
        ig_recipe *r = tiny_recipe(overrides);
        ig_tensor_stats before, after;
        ig_status status = IG_E_NOMEM;
        ig_tensor_stats_get(tiny_context, &before);
        for (uint64_t n = 1; status != IG_OK; n += 1 + n / 100 * 3) {
            ig_error err = {0};
            trainer t;
            ig_alloc_fail_at(n);
            status = trainer_init(&t, tiny_context, r, NULL, &err);
            ig_alloc_fail_at(0);
            if (status == IG_OK) trainer_fini(&t);
            else if (status != IG_E_NOMEM) fail_msg("%s, allocation %d: %s: %s", kinds[i].name, (int)n, ig_status_name(status),
                                                    err.message);
            ig_tensor_stats_get(tiny_context, &after);
            if (after.bytes != before.bytes) fail_msg("%s, allocation %d: tensors stayed", kinds[i].name, (int)n);
        }
        ig_recipe_free(r);
    }
}

/* ---- damaged rows ---- */

static void check_refused(const char *data, const char *file, int line, const char *says) {
    const char *overrides[] = {bert, words, data, "train.context=12", NULL};
    ig_error err = {0};
    char text[1400];
    if (tiny_run("refused", overrides, false, NULL, NULL, &err) == IG_OK) fail_msg("%s: was taken", data);
    ig_error_format(&err, text, sizeof text);
    if (!strstr(text, says)
        || (file && (!strstr(err.file, file) || err.line != line))) fail_msg("%s: %s, must say %s of line %d", data, text,
            says, line);
}

static void damaged_rows_are_told_by_file_and_line(void **state) {
    (void)state;
    put("bad.tsv", "text\tlabel\na b\tx\nc\t\nd e\ty\n");
    check_refused("data={kind: labels, train: bad.tsv}", "bad.tsv", 3, "no label in column");
    put("bad.tsv", "text\tlabel\na b\tx\nc\td\te\nd e\ty\n");
    check_refused("data={kind: labels, train: bad.tsv}", "bad.tsv", 3, "3 fields");
    put("good.tsv", "text\tlabel\na b\tx\nd e\ty\n");
    put("bad.tsv", "text\tlabel\na b\tx\nd e\tz\n");
    check_refused("data={kind: labels, train: good.tsv, validation: bad.tsv}", "bad.tsv", 3, "none of the 2 classes");
    put("bad.tsv", "text\tlabel\na b\tx\nd e\tx\n");
    check_refused("data={kind: labels, train: bad.tsv, validation: 0}", "bad.tsv", 0, "one label only");
    check_refused("data={kind: labels, train: good.tsv, columns: {label: mood}}", "good.tsv", 1,
                  "no column \"mood\" was found among \"text\", \"label\"");
    check_refused("data={kind: labels, train: good.tsv, columns: {text: 3}}", "good.tsv", 1, "no column \"3\"");
    put("bad.tsv", "text\tscore\na b\t1\nd e\tmany\n");
    check_refused("data={kind: scores, train: bad.tsv}", "bad.tsv", 3, "\"many\" is no number");
    put("bad.tsv", "text\tscore\na b\t1\nd e\t7\n");
    check_refused("data={kind: scores, train: bad.tsv, validation: 0}", "bad.tsv", 3, "not between 0 and 1");
    put("bad.txt", "a O\nb\n\n");
    check_refused("data={kind: tags, train: bad.txt}", "bad.txt", 2, "expected a token and its tag");
    put("bad.txt", "\n\n");
    check_refused("data={kind: tags, train: bad.txt}", "bad.txt", 0, "no sentence");
    put("bad.tsv", "question\tanswer\na b\t\n");
    check_refused("data={kind: pairs, train: bad.tsv}", "bad.tsv", 2, "no pair in column");
}

static void rows_without_names_and_with_quotes_are_read(void **state) {
    const char *overrides[] = {bert, words,
                               "data={kind: labels, train: plain.csv, header: false, quotes: false, validation: 0, columns: {text: 2, label: 1}}",
                               "train.context=12", "train.steps=2", "schedule={name: constant}", NULL};
    ig_error err = {0};
    ig_train_result r;
    (void)state;
    put("plain.csv", "x,\"to be\ny,or not\nx,to be\ny,or \"not\"\n");
    check_ok(tiny_run("plain", overrides, false, NULL, &r, &err));
    assert_int_equal(r.steps, 2);
}

/* ---- what is held out ---- */

static void equal_texts_are_never_on_both_sides(void **state) {
    ig_text_rows x = {0};
    ig_problems problems = {0};
    ig_error err = {0};
    ig_buf b = {.max = 1 << 16};
    (void)state;
    ig_buf_puts(&b, "text\tlabel\n");
    for (int i = 0; i < 300; i++) ig_buf_printf(&b, "text %d\t%s\n", i % 100, i % 100 < 20 ? "rare" : "common");
    check_ok(ig_file_write(tiny_path("split.tsv"), b.data, b.len, &err));
    ig_buf_fini(&b);
    check_ok(ig_text_rows_read(tiny_path("split.tsv"),
                               &(ig_text_rows_opts){.needs = 1u << IG_TEXT_FIRST | 1u << IG_TEXT_LABEL}, &x, &problems, &err));
    size_t train, rare = 0;
    check_ok(ig_text_rows_split(&x, 0.2, &train, &err));
    assert_true(x.count == 300 && train >= 228 && train <= 240);
    for (size_t i = train; i < x.count; i++) {
        rare += strcmp(ig_text_rows_get(&x, i, IG_TEXT_LABEL), "rare") == 0;
        for (size_t k = 0; k < train; k++) assert_string_not_equal(ig_text_rows_get(&x, i, IG_TEXT_FIRST),
                                                                   ig_text_rows_get(&x, k, IG_TEXT_FIRST));
    }
    assert_true(rare >= 12 && rare <= 15);
    ig_text_rows_fini(&x);
    ig_problems_fini(&problems);
}

/* ---- masks ---- */

static int64_t targets_that_count(const int64_t *targets, int64_t n) {
    int64_t count = 0;
    for (int64_t i = 0; i < n; i++) count += targets[i] != IG_NO_TARGET;
    return count;
}

static void masks_are_fifteen_per_cent_and_mostly_the_mask_token(void **state) {
    const char *overrides[] = {bert, "tokenizer={kind: wordpiece, vocab_size: 40}",
                               "data={kind: masked, train: text.txt, validation: 0.3}",
                               "train={steps: 1, batch: 8, context: 34, precision: f32}", "schedule={name: constant}", NULL};
    ig_error err = {0};
    trainer t;
    int64_t counted, masked = 0, kept = 0, all = 0;
    int shape;
    (void)state;
    ig_recipe *r = tiny_recipe(overrides);
    check_ok(trainer_init(&t, tiny_context, r, NULL, &err));
    int32_t mask = ig_tokenizer_find(t.model->tokenizer, "[MASK]", 6);
    const train_shape *s = &t.shape[0];
    for (int64_t batch = 0; batch < 60; batch++) {
        check_ok(t.r->data.task->fill(&t, batch, &shape, (counted = 0, &counted), &err));
        assert_int_equal(counted, 8 * 5); /* 15 % of 32, rounded */
        const int64_t *token = s->in[0].data, *place = s->in[1].data, *target = s->in[2].data;
        assert_int_equal(targets_that_count(target, 40), 40);
        for (int64_t i = 0; i < 40; i++, all++) {
            assert_true(place[i] / 34 == i / 5 && place[i] % 34 > 0 && place[i] % 34 < 33
                        && !ig_tokenizer_is_special(t.model->tokenizer, (int32_t)target[i]));
            masked += token[place[i]] == mask, kept += token[place[i]] == target[i];
        }
    }
    /* Of 2400: 80 % ± 4 deviations; those that stay are 10 %, and a random token may be the same. */
    assert_true(masked > 1840 && masked < 2000 && kept > 180 && kept < 340);
    trainer_fini(&t);
    ig_recipe_free(r);
}

/* The head over some places gives the loss that the head over all of them gives at these. */
static void the_head_runs_over_the_masked_places_only(void **state) {
    const char *overrides[] = {bert, words, "data={kind: masked, train: text.txt, validation: 0.3}",
                               "train={steps: 1, batch: 2, context: 20, precision: f32}", "schedule={name: constant}", NULL};
    ig_error err = {0};
    trainer t;
    ig_graph *g;
    int64_t counted = 0;
    int shape;
    (void)state;
    ig_recipe *r = tiny_recipe(overrides);
    check_ok(trainer_init(&t, tiny_context, r, NULL, &err));
    check_ok(t.r->data.task->fill(&t, 0, &shape, &counted, &err));
    check_ok(ig_graph_new(t.ctx, IG_GRAPH_EAGER, &g, &err));
    ig_pass pass = {.g = g};
    ig_var *tokens = ig_input(g, "tokens", &t.shape[0].in[0]), *places = ig_input(g, "places", &t.shape[0].in[1]);
    ig_var *some = t.model->family->masked(t.model, &pass, tokens, NULL, NULL, places),
        *all = t.model->family->masked(t.model, &pass, tokens, NULL, NULL, NULL);
    check_ok(ig_graph_status(g, &err));
    const ig_tensor *a = ig_value(some), *b = ig_value(all);
    const int64_t *place = t.shape[0].in[1].data, V = a->shape[1];
    assert_true(a->ndim == 2 && b->ndim == 3 && V == b->shape[2]);
    for (int64_t i = 0; i < a->shape[0]; i++)
        for (int64_t v = 0; v < V; v++) assert_true(fabs(ig_tensor_get(a, i * V + v) - ig_tensor_get(b,
            place[i] * V + v)) < 1e-5);
    ig_graph_free(g);
    trainer_fini(&t);
    ig_recipe_free(r);
}

/* ---- another head ---- */

static ig_model *load(const char *name) {
    ig_error err = {0};
    ig_model *m;
    check_ok(ig_model_load(tiny_context, tiny_path(name), &m, &err));
    return m;
}

static void a_pretrained_encoder_learns_to_classify(void **state) {
    const char *first[] = {bert, words, "data={kind: masked, train: text.txt, validation: 0}", "train.context=12", NULL};
    const char *second[] = {"model={from: base, head: classify}", "tokenizer={path: base/tokenizer.json}",
                            "data={kind: labels, train: labels.tsv, validation: 0}", "train.context=12",
                            "train.steps=1", "optimiser.lr=1.0e-9", "schedule={name: constant}", NULL};
    const char *third[] = {"model={from: base}", "tokenizer={path: base/tokenizer.json}",
                           "data={kind: labels, train: labels.tsv, validation: 0}", "train.context=12", NULL};
    ig_error err = {0};
    tiny_told told = {0};
    (void)state;
    put_all();
    check_ok(tiny_run("base", first, false, NULL, NULL, &err));
    check_ok(tiny_run("head", second, false, &told, NULL, &err));
    assert_non_null(strstr(told.warning, "classifier.weight, classifier.bias"));
    ig_model *a = load("base"), *b = load("head");
    assert_true(ig_model_can(a, IG_CAN_FILL) && ig_model_can(b, IG_CAN_CLASSIFY));
    assert_int_equal(b->family->label_count(b), 2);
    assert_string_equal(b->family->label(b, 0), "no");
    const char *name = "bert.encoder.layer.0.attention.self.query.weight";
    const ig_tensor *x = &ig_params_find(&a->params, name)->value, *y = &ig_params_find(&b->params, name)->value;
    for (int64_t i = 0; i < ig_tensor_numel(x); i++) assert_true(fabs(ig_tensor_get(x, i) - ig_tensor_get(y, i)) < 1e-6);
    ig_model_free(a), ig_model_free(b);
    assert_true(tiny_run("none", third, false, NULL, NULL, &err) == IG_E_UNSUPPORTED && strstr(err.message,
        "model.head: classify"));
}

static void vectors_are_saved_with_their_pooling(void **state) {
    const char *overrides[] = {bert, words, "data={kind: pairs, train: pairs.tsv, validation: 0.2}", "train.context=12",
                               "pairs.pooling=cls", NULL};
    ig_error err = {0};
    ig_doc *d;
    (void)state;
    put_all();
    check_ok(tiny_run("vectors", overrides, false, NULL, NULL, &err));
    check_ok(ig_doc_load(tiny_path("vectors/1_Pooling/config.json"), 1 << 16, &d, &err));
    assert_true(ig_tree_bool(ig_doc_root(d), "pooling_mode_cls_token", false) && !ig_tree_bool(ig_doc_root(d),
        "pooling_mode_mean_tokens", true));
    ig_doc_free(d);
    check_ok(ig_doc_load(tiny_path("vectors/modules.json"), 1 << 16, &d, &err));
    assert_int_equal(ig_doc_root(d)->count, 3);
    ig_doc_free(d);
}

/* ---- spans ---- */

static void spans_are_counted_as_conlleval_counts_them(void **state) {
    char *names[] = {(char[]){"O"}, (char[]){"B-X"}, (char[]){"I-X"}, (char[]){"B-Y"}, (char[]){"I-Y"}};
    static const struct {
        int32_t are[6], said[6];
        int64_t right, claimed, truly;
    } cases[] = {
        {{1, 2, 0, 3, 4, 0}, {1, 2, 0, 3, 4, 0}, 2, 2, 2},
        {{1, 2, 2, 0, 0, 0}, {1, 2, 0, 0, 0, 0}, 0, 1, 1},   /* too short */
        {{1, 2, 0, 0, 0, 0}, {3, 4, 0, 0, 0, 0}, 0, 1, 1},   /* another type */
        {{1, 1, 0, 0, 0, 0}, {1, 2, 0, 0, 0, 0}, 0, 1, 2},   /* two that touch */
        {{1, 2, 0, 0, 0, 0}, {2, 2, 0, 0, 0, 0}, 1, 1, 1},   /* I after nothing begins a span */
        {{1, 4, 0, 0, 0, 3}, {1, 4, 0, 0, 0, 3}, 3, 3, 3},   /* I of another type begins one */
        {{0, 0, 0, 0, 0, 0}, {0, 0, 1, 0, 0, 0}, 0, 1, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tag_spans s = {0};
        tag_spans_count(&s, names, cases[i].are, cases[i].said, 6);
        if (s.right != cases[i].right || s.said != cases[i].claimed || s.are != cases[i].truly)
            fail_msg("case %zu: %d %d %d", i, (int)s.right, (int)s.said, (int)s.are);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(losses_and_gradients_are_those_of_torch),
        cmocka_unit_test(a_resumed_run_of_every_kind_ends_with_the_same_bits),
        cmocka_unit_test(a_failed_allocation_is_a_status_that_leaks_nothing),
        cmocka_unit_test(damaged_rows_are_told_by_file_and_line),
        cmocka_unit_test(rows_without_names_and_with_quotes_are_read),
        cmocka_unit_test(equal_texts_are_never_on_both_sides),
        cmocka_unit_test(masks_are_fifteen_per_cent_and_mostly_the_mask_token),
        cmocka_unit_test(the_head_runs_over_the_masked_places_only),
        cmocka_unit_test(a_pretrained_encoder_learns_to_classify),
        cmocka_unit_test(vectors_are_saved_with_their_pooling),
        cmocka_unit_test(spans_are_counted_as_conlleval_counts_them),
    };
    return cmocka_run_group_tests(tests, tiny_setup, tiny_teardown);
}
