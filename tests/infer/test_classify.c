/* tests/infer/test_classify.c: probabilities of labels and scores of pairs, against the network asked directly.
 *
 * That the network itself is right is shown in tests/models/test_bert_torch.c; here it is the way there and back: framing,
 * types, cutting, batches, softmax.
 */
#include <math.h>

#include "ingot/infer.h"

#include "../check.h"

#define TOLERANCE 1e-5

static ig_context *ctx;

static int set_up(void **state) {
    (void)state;
    return ig_context_new(NULL, &ctx, NULL) == IG_OK ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    ig_context_free(ctx);
    return 0;
}

static const char *const bert_marks[] = {"[PAD]", "[CLS]", "[SEP]"};
static const char *const roberta_marks[] = {"<s>", "<pad>", "</s>"};
static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz .,!?";

static ig_model *torch_model(const char *name, const char *const *marks) {
    ig_tokenizer_train_opts o = {.special = marks, .special_count = 3};
    char dir[IG_PATH_MAX];
    ig_model *m = NULL;
    ig_error err;
    check_ok(ig_path_join(dir, sizeof dir, TORCH_DIR, name, &err));
    check_ok(ig_model_load(ctx, dir, &m, &err));
    check_ok(ig_tokenizer_train(IG_TOKENIZER_CHAR, 0, alphabet, strlen(alphabet), &o, &m->tokenizer, &err));
    return m;
}

static ig_classifier *opened(ig_model *m, const ig_batch_opts *o) {
    ig_classifier *c = NULL;
    ig_error err;
    check_ok(ig_classifier_open(m, o, &c, &err));
    return c;
}

/* ---- asking the network ---- */

typedef struct sequence {
    int64_t ids[64], types[64], n;
} sequence;

static void append(const ig_model *m, sequence *s, const char *text, size_t len, int64_t type, bool special) {
    ig_ids ids = {0};
    ig_error err;
    check_ok(ig_tokenizer_encode(m->tokenizer, text, len, special ? IG_ENCODE_SPECIAL : 0, &ids, &err));
    for (size_t i = 0; i < ids.len; i++) s->types[s->n] = type, s->ids[s->n++] = ids.data[i];
    ig_ids_fini(&ids);
}

static void ask(ig_model *m, sequence *s, float *logits) {
    ig_graph *g = NULL;
    ig_tensor tokens, types;
    ig_error err;
    int64_t shape[2] = {1, s->n};
    check_ok(ig_tensor_wrap(&tokens, s->ids, IG_DTYPE_I64, 2, shape, &err));
    check_ok(ig_tensor_wrap(&types, s->types, IG_DTYPE_I64, 2, shape, &err));
    check_ok(ig_graph_new(ctx, IG_GRAPH_EAGER, &g, &err));
    ig_pass p = {.g = g};
    ig_var *y = m->family->classify(m, &p, ig_input(g, "tokens", &tokens), ig_input(g, "types", &types), NULL);
    check_ok(ig_graph_status(g, &err));
    for (int64_t i = 0; i < m->family->label_count(m); i++) logits[i] = (float)ig_tensor_get(ig_value(y), i);
    ig_graph_free(g);
}

static void assert_near(double ours, double theirs, const char *what) {
    if (!(fabs(ours - theirs) <= TOLERANCE * (1 + fabs(theirs)))) fail_msg("%s: %.9g, the network says %.9g", what, ours,
                                                                           theirs);
}

/* ---- classification ---- */

static const char *const texts[] = {"very good", "", "no!", "bad, bad, bad", "it is ok", "good"};
#define TEXTS (sizeof texts / sizeof *texts)

static void probabilities(double *x, int64_t n, bool each) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += x[i] = exp(x[i]);
    for (int64_t i = 0; i < n; i++) x[i] = each ? x[i] / (1 + x[i]) : x[i] / sum;
}

static void check_classes(ig_model *m, bool each, bool plain) {
    float out[TEXTS * 3], logits[3];
    ig_error err;
    ig_classifier *c = opened(m, NULL);
    check_ok(ig_classify_texts(c, texts, TEXTS, out, NULL, &err));
    for (size_t i = 0; i < TEXTS; i++) {
        sequence s = {0};
        append(m, &s, "[CLS]", 5, 0, true);
        append(m, &s, texts[i], strlen(texts[i]), 0, false);
        append(m, &s, "[SEP]", 5, 0, true);
        ask(m, &s, logits);
        double expected[3] = {(double)logits[0], (double)logits[1], (double)logits[2]};
        if (!plain) probabilities(expected, 3, each);
        for (size_t k = 0; k < 3; k++) assert_near((double)out[i * 3 + k], expected[k], texts[i]);
    }
    ig_classifier_close(c);
}

static void classes_have_probabilities_and_names(void **state) {
    (void)state;
    ig_model *m = torch_model("bert-classify", bert_marks);
    ig_error err;
    ig_classifier *c = opened(m, NULL);
    assert_int_equal(ig_classifier_count(c), 3);
    assert_string_equal(ig_classifier_label(c, 0), "bad");
    assert_string_equal(ig_classifier_label(c, 2), "good");
    assert_null(ig_classifier_label(c, 3));
    ig_classifier_close(c);
    check_classes(m, false, false);
    check_ok(ig_model_set(m, "problem_type", "multi_label_classification", &err));
    check_classes(m, true, false);
    check_ok(ig_model_set(m, "problem_type", "regression", &err));
    check_classes(m, false, true);
    ig_model_free(m);
}

/* ---- pairs ---- */

static const struct {
    const char *query, *document;
    size_t query_kept, document_kept; /* of 12 tokens with 4 around: 8 */
} pairs[] = {
    {"a", "bc", 1, 2}, {"abcd", "efgh", 4, 4}, {"abcde", "fgh", 5, 3}, {"ab", "cdefghijk", 2, 6}, {"abcdefghijk", "lm", 6, 2},
    {"abcdefg", "hijklmnop", 4, 4}, {"", "abcdefghijklmnop", 0, 8}, {"abcdefghij", "", 8, 0}, {"abcde", "fghij", 4, 4},
};
#define PAIRS (sizeof pairs / sizeof *pairs)

static void pairs_are_framed_cut_and_scored(void **state) {
    (void)state;
    ig_model *m = torch_model("roberta-score", roberta_marks);
    const char *queries[PAIRS], *documents[PAIRS];
    float out[PAIRS], logit;
    ig_text_use use[PAIRS];
    ig_error err;
    ig_classifier *c = opened(m, &(ig_batch_opts){.max_tokens = 12});
    for (size_t i = 0; i < PAIRS; i++) queries[i] = pairs[i].query, documents[i] = pairs[i].document;
    check_ok(ig_score_pairs(c, queries, documents, PAIRS, out, use, &err));
    for (size_t i = 0; i < PAIRS; i++) {
        sequence s = {0};
        append(m, &s, "<s>", 3, 0, true);
        append(m, &s, queries[i], pairs[i].query_kept, 0, false);
        append(m, &s, "</s></s>", 8, 0, true);
        append(m, &s, documents[i], pairs[i].document_kept, 0, false);
        append(m, &s, "</s>", 4, 0, true);
        ask(m, &s, &logit);
        assert_int_equal(use[i].tokens, s.n);
        assert_int_equal(use[i].truncated, strlen(queries[i]) + strlen(documents[i]) > 8);
        assert_near((double)out[i], (double)logit, queries[i]);
    }
    float probability;
    check_ok(ig_classify_texts(c, queries, 1, &probability, NULL, &err));
    assert_true(probability > 0 && probability < 1);
    ig_classifier_close(c);
    ig_model_free(m);
}

/* BERT tells the two texts of a pair apart by type. */
static void the_second_text_of_a_pair_has_its_own_type(void **state) {
    (void)state;
    ig_model *m = torch_model("bert-classify", bert_marks);
    const char *query = "abc", *document = "defg";
    ig_error err;
    float out[3], logits[3];
    sequence s = {0};
    check_ok(ig_model_set(m, "problem_type", "regression", &err));
    ig_classifier *c = opened(m, NULL);
    check_fails(ig_score_pairs(c, &query, &document, 1, out, NULL, &err), IG_E_UNSUPPORTED); /* three labels */
    ig_classifier_close(c);
    ig_model_free(m);
    static const char json[] = "{\"model_type\": \"bert\", \"architectures\": [\"BertForSequenceClassification\"], \"num_labels\": 1,"
                               " \"vocab_size\": 41, \"max_position_embeddings\": 16, \"hidden_size\": 24, \"intermediate_size\": 40,"
                               " \"num_hidden_layers\": 2, \"num_attention_heads\": 3, \"initializer_range\": 0.3}";
    ig_model *source = torch_model("bert-classify", bert_marks);
    check_ok(ig_model_new(ctx, "config.json", json, strlen(json), &m, &err));
    check_ok(m->family->initialise(m, 3, &err));
    m->tokenizer = source->tokenizer;
    source->tokenizer = NULL;
    ig_model_free(source);
    c = opened(m, NULL);
    assert_string_equal(ig_classifier_label(c, 0), "LABEL_0");
    check_ok(ig_score_pairs(c, &query, &document, 1, out, NULL, &err));
    append(m, &s, "[CLS]abc[SEP]", 13, 0, true);
    append(m, &s, "defg[SEP]", 9, 1, true);
    ask(m, &s, logits);
    assert_near((double)out[0], (double)logits[0], query);
    ig_classifier_close(c);
    ig_model_free(m);
}

/* ---- refused ---- */

static void a_model_without_a_head_is_refused(void **state) {
    (void)state;
    ig_model *m = torch_model("bert", bert_marks);
    ig_classifier *c = NULL;
    ig_error err;
    check_fails(ig_classifier_open(m, NULL, &c, &err), IG_E_UNSUPPORTED);
    assert_null(c);
    ig_model_free(m);
}

static void every_failed_allocation_is_a_status(void **state) {
    (void)state;
    ig_model *m = torch_model("roberta-score", roberta_marks);
    const char *query = "abc", *document = "defg";
    float out;
    uint64_t n = 0;
    ig_status status;
    do {
        ig_classifier *c = NULL;
        ig_error err = {0};
        ig_alloc_fail_at(++n);
        status = ig_classifier_open(m, NULL, &c, &err);
        if (status == IG_OK) status = ig_score_pairs(c, &query, &document, 1, &out, NULL, &err);
        ig_alloc_fail_at(0);
        ig_classifier_close(c);
        if (status != IG_OK && status != IG_E_NOMEM) fail_msg("allocation %llu: %s", (unsigned long long)n, err.message);
    } while (status != IG_OK);
    ig_model_free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_have_probabilities_and_names),
        cmocka_unit_test(pairs_are_framed_cut_and_scored),
        cmocka_unit_test(the_second_text_of_a_pair_has_its_own_type),
        cmocka_unit_test(a_model_without_a_head_is_refused),
        cmocka_unit_test(every_failed_allocation_is_a_status),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
