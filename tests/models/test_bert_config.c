/* tests/models/test_bert_config.c: what a BERT's config.json may say, which files fit it, and what is
 * refused, with its reason.
 */
#include <unistd.h>

#include "ingot/formats.h"
#include "ingot/models.h"

#include "../check.h"

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

static ig_status make(const char *json, ig_model **m, ig_error *err) { return ig_model_new(ctx, "config.json", json,
                                                                                           strlen(json), m, err); }

static ig_model *made(const char *json) {
    ig_model *m = NULL;
    ig_error err;
    check_ok(make(json, &m, &err));
    return m;
}

/* ---- refused ---- */

typedef struct damaged {
    const char *json, *says; /* a part of the message */
    ig_status status;
    int line;
} damaged;

#define SIZES                                                                                                          \
    "\"vocab_size\":41,\"max_position_embeddings\":16,\"hidden_size\":24,\"intermediate_size\":40,\"num_hidden_layers\":2,"    \
    "\"num_attention_heads\":3"
#define BERT "\"model_type\":\"bert\"," SIZES
#define ROBERTA "\"model_type\":\"roberta\"," SIZES
#define CLASSIFY BERT ",\"architectures\":[\"BertForSequenceClassification\"]"

static const damaged cases[] = {
    {"{\"model_type\":\"bert\"}", "\"vocab_size\" is missing", IG_E_FORMAT, 1},
    {"{" BERT ",\n\"hidden_act\":\"mish\"}", "activation \"mish\"", IG_E_UNSUPPORTED, 2},
    {"{" BERT ",\n\"position_embedding_type\":\"relative_key\"}", "\"relative_key\" is not supported", IG_E_UNSUPPORTED, 2},
    {"{" BERT ",\n\"is_decoder\":true}", "is_decoder: true is not supported", IG_E_UNSUPPORTED, 2},
    {"{" BERT ",\n\"add_cross_attention\":true}", "not supported", IG_E_UNSUPPORTED, 2},
    {"{" BERT ",\n\"architectures\":[\"BertForQuestionAnswering\"]}", "BertForQuestionAnswering", IG_E_UNSUPPORTED, 2},
    {"{" BERT ",\n\"architectures\":[7]}", "architectures", IG_E_FORMAT, 2},
    {"{" BERT ",\n\"architectures\":\"BertModel\"}", "architectures", IG_E_FORMAT, 2},
    {"{" BERT ",\"architectures\":[\"BertForMaskedLM\"],\n\"tie_word_embeddings\":false}", "false is not supported",
     IG_E_UNSUPPORTED, 2},
    {"{" BERT ",\n\"hidden_dropout_prob\":1}", "hidden_dropout_prob", IG_E_FORMAT, 2},
    {"{" BERT ",\n\"layer_norm_eps\":\"tiny\"}", "layer_norm_eps", IG_E_FORMAT, 2},
    {"{" BERT ",\n\"type_vocab_size\":0}", "type_vocab_size", IG_E_FORMAT, 2},
    {"{" BERT ",\n\"pad_token_id\":-1}", "pad_token_id", IG_E_FORMAT, 2},
    {"{\"model_type\":\"bert\",\"vocab_size\":41,\"max_position_embeddings\":16,\"hidden_size\":24,\"intermediate_size\":40,"
     "\"num_hidden_layers\":2,\n\"num_attention_heads\":5}", "hidden_size, which is 24, is no multiple", IG_E_FORMAT, 2},
    {"{" ROBERTA ",\"pad_token_id\":15}", "positions begin at row 16", IG_E_FORMAT, 1},
    {"{" CLASSIFY ",\n\"id2label\":{\"0\":\"a\",\"2\":\"b\"}}", "none with the number 1", IG_E_FORMAT, 2},
    {"{" CLASSIFY ",\n\"id2label\":{}}", "0 labels", IG_E_FORMAT, 2},
    {"{" CLASSIFY ",\n\"id2label\":{\"0\":1}}", "id2label", IG_E_FORMAT, 2},
    {"{" CLASSIFY ",\"id2label\":{\"0\":\"a\"},\n\"num_labels\":3}", "num_labels: id2label names 1 labels", IG_E_FORMAT, 2},
    {"{" CLASSIFY ",\n\"num_labels\":0}", "num_labels", IG_E_FORMAT, 2},
    {"{" CLASSIFY ",\n\"problem_type\":\"ranking\"}", "problem_type", IG_E_FORMAT, 2},
    {"{\"model_type\":\"bert\",\"vocab_size\":2000000,\"max_position_embeddings\":16,\"hidden_size\":65536,\"intermediate_size\":40,"
     "\"num_hidden_layers\":2,\"num_attention_heads\":4}", "word_embeddings.weight [2000000,65536] needs", IG_E_LIMIT, 0},
};

static void damaged_configs_are_refused_with_line_and_reason(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ig_model *m = NULL;
        ig_error err = {0};
        ig_status s = make(cases[i].json, &m, &err);
        assert_null(m);
        if (s != cases[i].status || err.line != cases[i].line || !strstr(err.message, cases[i].says))
            fail_msg("%s\n%s, line %d: %s", cases[i].json, ig_status_name(s), err.line, err.message);
    }
}

/* ---- what a model is and can ---- */

static void heads_decide_what_a_model_can(void **state) {
    (void)state;
    static const struct {
        const char *json;
        unsigned can, cannot;
        int64_t labels;
    } models[] = {
        {"{" BERT "}", IG_CAN_EMBED, IG_CAN_CLASSIFY, 0},
        {"{" BERT ",\"architectures\":[\"BertForPreTraining\"]}", IG_CAN_EMBED, IG_CAN_SCORE, 0},
        {"{" CLASSIFY "}", IG_CAN_EMBED | IG_CAN_CLASSIFY, IG_CAN_SCORE, 2},
        {"{" CLASSIFY ",\"id2label\":null,\"num_labels\":4}", IG_CAN_CLASSIFY, IG_CAN_SCORE, 4},
        {"{" CLASSIFY ",\"num_labels\":1}", IG_CAN_EMBED | IG_CAN_CLASSIFY | IG_CAN_SCORE, IG_CAN_GENERATE, 1},
    };
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        ig_model *m = made(models[i].json);
        assert_true(ig_model_can(m, models[i].can));
        assert_false(ig_model_can(m, models[i].cannot));
        assert_int_equal(m->family->label_count(m), models[i].labels);
        if (models[i].labels) assert_string_equal(m->family->label(m, 0), "LABEL_0");
        ig_model_free(m);
    }
}

/* google-bert/bert-base-uncased: 109,482,240 parameters; FacebookAI/xlm-roberta-base: 278,043,648, of which all but 41 rows
 * of the token table are left out here. */
static void published_models_have_their_published_size(void **state) {
    (void)state;
    ig_model *m = made("{\"model_type\":\"bert\",\"vocab_size\":30522,\"max_position_embeddings\":512,\"hidden_size\":768,\"intermediate_size\":3072,"
                       "\"num_hidden_layers\":12,\"num_attention_heads\":12}");
    assert_int_equal(ig_params_numel(&m->params), 109482240);
    assert_int_equal(m->family->context_length(m), 512);
    ig_model_free(m);
    m = made("{\"model_type\":\"xlm-roberta\",\"vocab_size\":41,\"max_position_embeddings\":514,\"hidden_size\":768,\"intermediate_size\":3072,"
             "\"num_hidden_layers\":12,\"num_attention_heads\":12,\"type_vocab_size\":1}");
    assert_int_equal(ig_params_numel(&m->params), 278043648 - (250002 - 41) * 768);
    assert_int_equal(m->family->context_length(m), 512);
    ig_model_free(m);
}

/* ---- passes that are refused ---- */

static ig_status pass(ig_model *m, bool training, int64_t T, ig_error *err) {
    ig_graph *g = NULL;
    ig_tensor tokens;
    int64_t shape[2] = {1, T};
    IG_TRY(ig_tensor_zeros(ctx, IG_DTYPE_I64, 2, shape, &tokens, err));
    IG_TRY(ig_graph_new(ctx, IG_GRAPH_EAGER, &g, err));
    ig_pass p = {.g = g, .training = training};
    m->family->hidden(m, &p, ig_input(g, "tokens", &tokens), NULL, NULL);
    ig_status status = ig_graph_status(g, err);
    ig_graph_free(g);
    ig_tensor_unref(&tokens);
    return status;
}

static void passes_that_cannot_be_right_are_refused(void **state) {
    (void)state;
    ig_error err;
    ig_model *m = made("{" ROBERTA ",\"attention_probs_dropout_prob\":0.1}");
    check_ok(pass(m, false, 14, &err));
    check_fails(pass(m, false, 15, &err), IG_E_LIMIT); /* two rows of the table stand before position 0 */
    check_fails(pass(m, true, 14, &err), IG_E_UNSUPPORTED);
    assert_non_null(strstr(err.message, "attention_probs_dropout_prob is 0.1"));
    check_ok(ig_model_set(m, "attention_probs_dropout_prob", "0.0", &err));
    check_ok(pass(m, true, 14, &err));
    ig_graph *g = NULL;
    ig_tensor tokens;
    check_ok(ig_tensor_zeros(ctx, IG_DTYPE_I64, 2, (int64_t[]){1, 3}, &tokens, &err));
    check_ok(ig_graph_new(ctx, IG_GRAPH_EAGER, &g, &err));
    ig_pass p = {.g = g};
    m->family->classify(m, &p, ig_input(g, "tokens", &tokens), NULL, NULL);
    check_fails(ig_graph_status(g, &err), IG_E_UNSUPPORTED);
    assert_non_null(strstr(err.message, "ForSequenceClassification"));
    ig_graph_free(g);
    ig_tensor_unref(&tokens);
    ig_model_free(m);
}

/* ---- names in files ---- */

#define TENSORS_MAX 64

/* Write the parameters of `from` under other names: prefix + own name without `strip`; then `more` tensors. */
static void write_folder(const char *dir, const char *config, const ig_model *from, const char *strip, const char *prefix,
                         bool old_norms,
                         const ig_named_tensor *more, size_t more_count) {
    char path[IG_PATH_MAX], names[TENSORS_MAX][160];
    ig_named_tensor list[TENSORS_MAX];
    size_t n = 0;
    ig_error err;
    for (; n < from->params.count; n++) {
        const char *own = from->params.item[n]->name;
        char *norm, *kind;
        snprintf(names[n], sizeof names[n], "%s%s", prefix, strncmp(own, strip,
                                                                    strlen(strip)) == 0 ? own + strlen(strip) : own);
        norm = strstr(names[n], "LayerNorm.");
        kind = norm ? norm + strlen("LayerNorm.") : NULL;
        if (old_norms && norm) snprintf(kind, 8, "%s", strcmp(kind, "weight") == 0 ? "gamma" : "beta");
        list[n] = (ig_named_tensor){names[n], &from->params.item[n]->value};
    }
    for (size_t i = 0; i < more_count; i++) list[n++] = more[i];
    check_ok(ig_path_join(path, sizeof path, dir, "model.safetensors", &err));
    check_ok(ig_safetensors_save(ctx, path, list, n, NULL, 0, &err));
    check_ok(ig_path_join(path, sizeof path, dir, "config.json", &err));
    check_ok(ig_file_write(path, config, strlen(config), &err));
}

static void assert_same(const ig_model *a, const ig_model *b) {
    assert_int_equal(a->params.count, b->params.count);
    for (size_t i = 0; i < a->params.count; i++) {
        const ig_param *p = a->params.item[i], *q = b->params.item[i];
        assert_string_equal(p->name, q->name);
        assert_memory_equal(p->value.data, q->value.data, ig_tensor_bytes(&p->value));
    }
}

static const char bare[] = "{" BERT "}", masked[] = "{" BERT ",\"architectures\":[\"BertForMaskedLM\"]}";
static const char roberta_classify[] = "{" ROBERTA ",\"architectures\":[\"RobertaForSequenceClassification\"]}";

static void files_are_read_with_and_without_their_first_word(void **state) {
    (void)state;
    char dir[] = "/tmp/ingot-bert-XXXXXX";
    ig_error err;
    ig_tensor ids, pair;
    assert_non_null(mkdtemp(dir));
    check_ok(ig_tensor_zeros(ctx, IG_DTYPE_I64, 2, (int64_t[]){1, 16}, &ids, &err));
    check_ok(ig_tensor_zeros(ctx, IG_DTYPE_F32, 2, (int64_t[]){2, 24}, &pair, &err));
    const struct {
        const char *config, *strip, *prefix;
        ig_named_tensor more;
        bool old_norms;
    } files[] = {
        {bare, "", "", {"embeddings.position_ids", &ids}, false},
        {bare, "", "bert.", {"bert.embeddings.position_ids", &ids}, true},
        {masked, "", "", {"cls.seq_relationship.weight", &pair}, true},
        {roberta_classify, "", "", {"roberta.embeddings.position_ids", &ids}, false},
        {roberta_classify, "roberta.", "", {"pooler.dense.weight", &pair}, false},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        ig_model *m = made(files[i].config), *read = NULL;
        check_ok(m->family->initialise(m, i + 1, &err));
        write_folder(dir, files[i].config, m, files[i].strip, files[i].prefix, files[i].old_norms, &files[i].more, 1);
        check_ok(ig_model_load(ctx, dir, &read, &err));
        assert_same(m, read);
        ig_model_free(read);
        check_ok(ig_model_save(m, dir, NULL, &err)); /* and back under our own names */
        check_ok(ig_model_load(ctx, dir, &read, &err));
        assert_same(m, read);
        ig_model_free(read);
        ig_model_free(m);
    }
    ig_tensor_unref(&ids), ig_tensor_unref(&pair);
    check_ok(ig_dir_remove(dir, &err));
}

static void copies_of_tied_tensors_must_be_equal(void **state) {
    (void)state;
    char dir[] = "/tmp/ingot-bert-XXXXXX";
    ig_error err;
    ig_model *m = made(masked), *read = NULL;
    assert_non_null(mkdtemp(dir));
    check_ok(m->family->initialise(m, 1, &err));
    const ig_tensor *table = &ig_params_find(&m->params, "bert.embeddings.word_embeddings.weight")->value;
    const ig_tensor *bias = &ig_params_find(&m->params, "cls.predictions.bias")->value;
    ig_named_tensor more[] = {{"cls.predictions.decoder.weight", table}, {"cls.predictions.decoder.bias", bias}};
    write_folder(dir, masked, m, "", "", false, more, 2);
    check_ok(ig_model_load(ctx, dir, &read, &err));
    assert_same(m, read);
    ig_model_free(read);
    ig_tensor other;
    check_ok(ig_tensor_zeros(ctx, IG_DTYPE_F32, 2, table->shape, &other, &err));
    more[0].tensor = &other;
    write_folder(dir, masked, m, "", "", false, more, 2);
    check_fails(ig_model_load(ctx, dir, &read, &err), IG_E_FORMAT);
    assert_non_null(strstr(err.message, "cls.predictions.decoder.weight, which differs"));
    ig_tensor_unref(&other);
    ig_model_free(m);
    check_ok(ig_dir_remove(dir, &err));
}

/* The pooler may be absent, but not one half of it; all else must be there. */
static void missing_and_unknown_tensors_are_named(void **state) {
    (void)state;
    char dir[] = "/tmp/ingot-bert-XXXXXX";
    ig_error err;
    ig_model *m = made(bare), *read = NULL;
    ig_tensor stray;
    assert_non_null(mkdtemp(dir));
    check_ok(ig_tensor_zeros(ctx, IG_DTYPE_F32, 1, (int64_t[]){3}, &stray, &err));
    size_t all = m->params.count;
    assert_string_equal(m->params.item[all - 1]->name, "pooler.dense.bias");
    m->params.count = all - 2;
    write_folder(dir, bare, m, "", "", false, NULL, 0);
    check_ok(ig_model_load(ctx, dir, &read, &err));
    assert_int_equal(read->params.count, all - 2);
    ig_model_free(read);
    m->params.count = all - 1;
    write_folder(dir, bare, m, "", "", false, NULL, 0);
    check_fails(ig_model_load(ctx, dir, &read, &err), IG_E_FORMAT);
    assert_non_null(strstr(err.message, "1 missing: pooler.dense.bias"));
    m->params.count = all - 4;
    write_folder(dir, bare, m, "", "", false, &(ig_named_tensor){"crf.weight", &stray}, 1);
    check_fails(ig_model_load(ctx, dir, &read, &err), IG_E_FORMAT);
    assert_non_null(strstr(err.message,
                           "2 missing: encoder.layer.1.output.LayerNorm.weight, encoder.layer.1.output.LayerNorm.bias"));
    assert_non_null(strstr(err.message, "1 unknown: "));
    assert_non_null(strstr(err.message, "crf.weight"));
    m->params.count = all;
    ig_tensor_unref(&stray);
    ig_model_free(m);
    check_ok(ig_dir_remove(dir, &err));
}

/* ---- allocation ---- */

static void every_failed_allocation_is_a_status(void **state) {
    (void)state;
    const char *json[] = {bare, masked, roberta_classify};
    for (size_t i = 0; i < 3; i++) {
        ig_status status;
        uint64_t n = 0;
        do {
            ig_model *m = NULL;
            ig_error err = {0};
            ig_alloc_fail_at(++n);
            status = make(json[i], &m, &err);
            ig_alloc_fail_at(0);
            if (status != IG_OK && status != IG_E_NOMEM) fail_msg("allocation %llu: %s", (unsigned long long)n, err.message);
            assert_true((m != NULL) == (status == IG_OK));
            ig_model_free(m);
        } while (status != IG_OK);
        assert_true(n > 50);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_configs_are_refused_with_line_and_reason),
        cmocka_unit_test(heads_decide_what_a_model_can),
        cmocka_unit_test(published_models_have_their_published_size),
        cmocka_unit_test(passes_that_cannot_be_right_are_refused),
        cmocka_unit_test(files_are_read_with_and_without_their_first_word),
        cmocka_unit_test(copies_of_tied_tensors_must_be_equal),
        cmocka_unit_test(missing_and_unknown_tensors_are_named),
        cmocka_unit_test(every_failed_allocation_is_a_status),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
