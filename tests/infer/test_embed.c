/* tests/infer/test_embed.c: texts to vectors: against PyTorch's hidden states, in any company, cut, pooled as the folder says.
 *
 * bert_torch.py wrote the models and their hidden states.  A text has the same bits alone and in company, except where
 * oneDNN sums the last rows of a product in another order than the others, as it does on AVX2: a rounding in each of some
 * ten sums, in vectors of length 1, and 1e-6 is allowed there.
 */
#include <math.h>
#include <unistd.h>

#include "ingot/formats.h"
#include "ingot/infer.h"

#include "../check.h"
#include "../models/tiny.h"

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

static double company_tolerance(void) { return ig_context_cpu(ctx) == IG_CPU_AVX2 ? 1e-6 : 0; }

/* ---- models and texts ---- */

static ig_model *torch_model(const char *name) {
    char dir[IG_PATH_MAX];
    ig_model *m = NULL;
    ig_error err;
    check_ok(ig_path_join(dir, sizeof dir, TORCH_DIR, name, &err));
    check_ok(ig_model_load(ctx, dir, &m, &err));
    return m;
}

static const char *const bert_marks[] = {"[PAD]", "[CLS]", "[SEP]"};
static const char *const roberta_marks[] = {"<s>", "<pad>", "</s>"};
static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz .,!?";

static void give_tokenizer(ig_model *m, const char *const *marks) {
    ig_tokenizer_train_opts o = {.special = marks, .special_count = 3};
    ig_error err;
    check_ok(ig_tokenizer_train(IG_TOKENIZER_CHAR, 0, alphabet, strlen(alphabet), &o, &m->tokenizer, &err));
}

static const char *const texts[] = {"a", "cheap shoes", "", "where is my parcel? it left on monday.", "no", "refund",
                                    "hello, hello, hello!",
                                    "the blue one", "a b c d e f g h i j k l m n o p q r s t u v w x y z", "yes", "ok", "is it open?"};
#define TEXTS (sizeof texts / sizeof *texts)

static ig_embedder *opened(ig_model *m, const ig_embedder_opts *o) {
    ig_embedder *e = NULL;
    ig_error err;
    check_ok(ig_embedder_open(m, o, &e, &err));
    return e;
}

/* ---- against PyTorch ---- */

static void read_reference(const char *model, const char *name, ig_tensor *out) {
    char path[IG_PATH_MAX], folder[IG_PATH_MAX];
    ig_safetensors *f = NULL;
    ig_tensor shape;
    ig_error err;
    check_ok(ig_path_join(folder, sizeof folder, TORCH_DIR, model, &err));
    check_ok(ig_path_join(path, sizeof path, folder, "reference.safetensors", &err));
    check_ok(ig_safetensors_open(path, &f, &err));
    size_t at = (size_t)ig_safetensors_find(f, name);
    check_ok(ig_safetensors_describe(f, at, &shape, &err));
    check_ok(ig_tensor_new(ctx, shape.dtype, shape.ndim, shape.shape, out, &err));
    check_ok(ig_safetensors_read(ctx, f, at, out, &err));
    ig_safetensors_close(f);
}

#define REFERENCE_TEXTS 4

/* The pooled vector of text b, channel c, out of the hidden states [B,T,C]. */
static double pooled(const ig_tensor *hidden, int64_t b, int64_t length, int64_t c, ig_pooling p) {
    int64_t T = hidden->shape[1], C = hidden->shape[2];
    double sum = 0;
    if (p == IG_POOLING_CLS) return ig_tensor_get(hidden, b * T * C + c);
    if (p == IG_POOLING_LAST) return ig_tensor_get(hidden, (b * T + length - 1) * C + c);
    for (int64_t t = 0; t < length; t++) sum += ig_tensor_get(hidden, (b * T + t) * C + c);
    return sum / (double)length;
}

static void check_vector(const float *ours, const ig_tensor *hidden, int64_t b, int64_t length, ig_pooling p, int64_t D,
                         bool raw) {
    double norm = 0;
    for (int64_t c = 0; c < D; c++) norm += pow(pooled(hidden, b, length, c, p), 2);
    norm = sqrt(norm);
    for (int64_t c = 0; c < D; c++) {
        double theirs = pooled(hidden, b, length, c, p) / (raw ? 1 : norm), size = raw ? norm : 1;
        if (!(fabs((double)ours[c] - theirs) <= TOLERANCE * size))
            fail_msg("%s, text %lld, channel %lld: %.9g, PyTorch has %.9g", ig_pooling_name(p), (long long)b, (long long)c,
                     (double)ours[c], theirs);
    }
}

static void check_pooling(ig_model *m, const ig_tensor *tokens, const ig_tensor *lengths, const ig_tensor *hidden,
                          ig_embedder_opts o) {
    ig_ids ids[REFERENCE_TEXTS] = {0};
    ig_text_use use[REFERENCE_TEXTS];
    float out[REFERENCE_TEXTS * 24];
    ig_error err;
    ig_embedder *e = opened(m, &o);
    int64_t T = tokens->shape[1], D = ig_embedder_dimensions(e);
    for (int64_t b = 0; b < REFERENCE_TEXTS; b++)
        for (int64_t t = 0; t < (int64_t)ig_tensor_get(lengths, b); t++)
            check_ok(ig_ids_push(&ids[b], (int32_t)ig_tensor_get(tokens, b * T + t), &err));
    check_ok(ig_embed_tokens(e, ids, REFERENCE_TEXTS, out, use, &err));
    for (int64_t b = 0; b < REFERENCE_TEXTS; b++) {
        int64_t length = (int64_t)ig_tensor_get(lengths, b);
        assert_true(use[b].tokens == length && !use[b].truncated);
        check_vector(out + b * D, hidden, b, length, o.pooling, D, o.raw);
        ig_ids_fini(&ids[b]);
    }
    ig_embedder_close(e);
}

static void pooled_vectors_are_those_of_pytorch(void **state) {
    (void)state;
    ig_model *m = torch_model("xlm-roberta");
    ig_tensor tokens, lengths, hidden;
    read_reference("xlm-roberta", "tokens", &tokens);
    read_reference("xlm-roberta", "lengths", &lengths);
    read_reference("xlm-roberta", "hidden", &hidden);
    for (ig_pooling p = IG_POOLING_MEAN; p <= IG_POOLING_LAST; p++) {
        check_pooling(m, &tokens, &lengths, &hidden, (ig_embedder_opts){.pooling = p});
        check_pooling(m, &tokens, &lengths, &hidden, (ig_embedder_opts){.pooling = p, .raw = true});
        check_pooling(m, &tokens, &lengths, &hidden, (ig_embedder_opts){.pooling = p, .dimensions = 7});
    }
    ig_tensor_unref(&tokens), ig_tensor_unref(&lengths), ig_tensor_unref(&hidden);
    ig_model_free(m);
}

/* ---- company ---- */

/* Largest difference between a text read alone and among the others. */
static double difference_in_company(ig_model *m, const ig_embedder_opts *o) {
    ig_error err;
    ig_embedder *e = opened(m, o);
    size_t D = (size_t)ig_embedder_dimensions(e);
    float *together = calloc(TEXTS, D * sizeof *together), *alone = calloc(1, D * sizeof *alone);
    double most = 0;
    check_ok(ig_embed_texts(e, texts, TEXTS, together, NULL, &err));
    for (size_t i = 0; i < TEXTS; i++) {
        check_ok(ig_embed_texts(e, &texts[i], 1, alone, NULL, &err));
        for (size_t c = 0; c < D; c++) most = fmax(most, fabs((double)alone[c] - (double)together[i * D + c]));
    }
    free(together), free(alone);
    ig_embedder_close(e);
    return most;
}

static const char wide_bert[] = "{\"model_type\": \"bert\", \"vocab_size\": 65, \"max_position_embeddings\": 64, \"hidden_size\": 96,"
                                " \"num_hidden_layers\": 2, \"num_attention_heads\": 3, \"intermediate_size\": 200, \"initializer_range\": 0.2}";
static const char wide_gpt[] = "{\"model_type\": \"gpt2\", \"vocab_size\": 65, \"n_positions\": 64, \"n_embd\": 96, \"n_layer\": 2, \"n_head\": 3,"
                               " \"initializer_range\": 0.2}";

static void a_vector_does_not_depend_on_its_company(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        ig_model *m = tiny_model(ctx, i ? wide_gpt : wide_bert, 3);
        give_tokenizer(m, bert_marks);
        for (ig_pooling p = IG_POOLING_MEAN; p <= IG_POOLING_LAST; p++)
            for (int64_t budget = 16; budget <= 4096; budget *= 16) {
                double d = difference_in_company(m, &(ig_embedder_opts){.pooling = p, .batch = {.batch_tokens = budget}});
                if (!(d <= company_tolerance())) fail_msg("%s, %s: %g", m->family->name, ig_pooling_name(p), d);
            }
        ig_model_free(m);
    }
}

/* A decoder's vector is the state that its logits come from. */
static void a_decoder_gives_its_last_hidden_state(void **state) {
    (void)state;
    ig_model *m = tiny_model(ctx, tiny_gpt2_untied_json, 5);
    int64_t tokens[6], V = TINY_V;
    float logits[6 * TINY_V], vector[32];
    ig_ids ids = {0};
    ig_error err;
    ig_embedder *e = opened(m, &(ig_embedder_opts){.raw = true});
    assert_int_equal(ig_embedder_pooling(e), IG_POOLING_LAST);
    for (int64_t i = 0; i < 6; i++) {
        tokens[i] = tiny_token(i);
        check_ok(ig_ids_push(&ids, tiny_token(i), &err));
    }
    check_ok(ig_embed_tokens(e, &ids, 1, vector, NULL, &err));
    tiny_logits(m, tokens, 1, 6, logits);
    const float *head = ig_params_find(&m->params, "lm_head.weight")->value.data;
    for (int64_t v = 0; v < V; v++) {
        double sum = 0;
        for (int64_t c = 0; c < 32; c++) sum += (double)vector[c] * (double)head[v * 32 + c];
        assert_true(fabs(sum - (double)logits[5 * V + v]) <= TOLERANCE * 32);
    }
    ig_ids_fini(&ids);
    ig_embedder_close(e);
    ig_model_free(m);
}

/* ---- framing, cutting, plans ---- */

static void texts_stand_between_marks_and_long_ones_are_cut(void **state) {
    (void)state;
    ig_model *m = torch_model("xlm-roberta");
    ig_text_use use[TEXTS];
    float out[TEXTS * 24], by_hand[24];
    ig_ids ids = {0};
    ig_error err;
    give_tokenizer(m, roberta_marks);
    ig_embedder *e = opened(m, &(ig_embedder_opts){.batch.max_tokens = 10});
    assert_int_equal(ig_embedder_max_tokens(e), 10);
    check_ok(ig_embed_texts(e, texts, TEXTS, out, use, &err));
    for (size_t i = 0; i < TEXTS; i++) {
        size_t n = strlen(texts[i]);
        assert_int_equal(use[i].tokens, n + 2 < 10 ? n + 2 : 10);
        assert_int_equal(use[i].truncated, n + 2 > 10);
    }
    ig_tokenizer *t = m->tokenizer;
    check_ok(ig_ids_push(&ids, ig_tokenizer_find(t, "<s>", 3), &err));
    check_ok(ig_tokenizer_encode(t, texts[3], 8, 0, &ids, &err));
    check_ok(ig_ids_push(&ids, ig_tokenizer_find(t, "</s>", 4), &err));
    m->tokenizer = NULL; /* ids as they are */
    check_ok(ig_embed_tokens(e, &ids, 1, by_hand, NULL, &err));
    for (size_t c = 0; c < 24; c++) assert_true(fabs((double)by_hand[c] - (double)out[3 * 24 + c]) <= company_tolerance());
    m->tokenizer = t;
    ig_ids_fini(&ids);
    ig_embedder_close(e);
    ig_model_free(m);
}

static void plans_are_kept_within_their_bound(void **state) {
    (void)state;
    ig_model *m = tiny_model(ctx, wide_bert, 3);
    float *out = calloc(TEXTS, 96 * sizeof *out);
    ig_tensor_stats before, after;
    ig_error err;
    give_tokenizer(m, bert_marks);
    ig_embedder *e = opened(m, &(ig_embedder_opts){.batch.plan_bytes_max = 600000, .batch.batch_tokens = 32});
    for (int round = 0; round < 3; round++) {
        check_ok(ig_embed_texts(e, texts, TEXTS, out, NULL, &err));
        assert_true(ig_embedder_plan_bytes(e) > 0 && ig_embedder_plan_bytes(e) <= 600000);
    }
    ig_embedder_close(e);
    e = opened(m, NULL);
    check_ok(ig_embed_texts(e, texts, TEXTS, out, NULL, &err));
    ig_tensor_stats_get(ctx, &before);
    check_ok(ig_embed_texts(e, texts, TEXTS, out, NULL, &err)); /* all plans are there */
    ig_tensor_stats_get(ctx, &after);
    assert_int_equal(before.allocations, after.allocations);
    ig_embedder_close(e);
    free(out);
    ig_model_free(m);
}

/* ---- folders of Sentence-Transformers ---- */

static void put(const char *dir, const char *name, const char *text) {
    char path[IG_PATH_MAX];
    ig_error err;
    check_ok(ig_path_join(path, sizeof path, dir, name, &err));
    check_ok(ig_file_write(path, text, strlen(text), &err));
}

static void the_folder_says_how_to_pool(void **state) {
    (void)state;
    static const struct {
        const char *pooling, *modules, *says;
        ig_status status;
        ig_pooling is;
    } cases[] = {
        {"{\"word_embedding_dimension\": 24, \"pooling_mode_cls_token\": true, \"pooling_mode_mean_tokens\": false}", "[]", "",
         IG_OK, IG_POOLING_CLS},
        {"{\"pooling_mode_mean_tokens\": true}", "[{\"type\": \"sentence_transformers.models.Normalize\"}]", "", IG_OK,
         IG_POOLING_MEAN},
        {"{\"pooling_mode_lasttoken\": true}", "[]", "", IG_OK, IG_POOLING_LAST},
        {"{\n\"pooling_mode_max_tokens\": true}", "[]", "pooling_mode_max_tokens is not supported", IG_E_UNSUPPORTED, 0},
        {"{\"pooling_mode_cls_token\": true, \"pooling_mode_mean_tokens\": true}", "[]", "2 kinds of pooling",
         IG_E_UNSUPPORTED, 0},
        {"{}", "[]", "0 kinds of pooling", IG_E_FORMAT, 0},
        {"[]", "[]", "expected a map", IG_E_FORMAT, 0},
        {"{\"pooling_mode_cls_token\"", "[]", "", IG_E_FORMAT, 0},
        {"{\"pooling_mode_cls_token\": true}", "{}", "expected a list", IG_E_FORMAT, 0},
        {"{\"pooling_mode_cls_token\": true}", "[{\"type\": \"sentence_transformers.models.Dense\"}]",
         "models.Dense\" is not supported", IG_E_UNSUPPORTED, 0},
    };
    char dir[] = "/tmp/ingot-embed-XXXXXX", pooling[64];
    ig_error err;
    assert_non_null(mkdtemp(dir));
    snprintf(pooling, sizeof pooling, "%s/1_Pooling", dir);
    check_ok(ig_dir_make(pooling, &err));
    ig_model *m = torch_model("bert");
    check_ok(ig_model_save(m, dir, NULL, &err));
    ig_model_free(m);
    check_ok(ig_model_load(ctx, dir, &m, &err));
    put(dir, "sentence_bert_config.json", "{\"max_seq_length\": 9, \"do_lower_case\": false}");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ig_embedder *e = NULL;
        put(pooling, "config.json", cases[i].pooling);
        put(dir, "modules.json", cases[i].modules);
        check_fails(ig_embedder_open(m, NULL, &e, &err), cases[i].status);
        if (cases[i].status == IG_OK) assert_int_equal(ig_embedder_pooling(e), cases[i].is);
        else if (!strstr(err.message, cases[i].says)) fail_msg("\"%s\" does not say \"%s\"", err.message, cases[i].says);
        if (e) assert_int_equal(ig_embedder_max_tokens(e), 9);
        ig_embedder_close(e);
    }
    put(pooling, "config.json", cases[0].pooling);
    put(dir, "modules.json", "[]");
    put(dir, "sentence_bert_config.json", "{\"max_seq_length\": 0}");
    ig_embedder *e = NULL;
    check_fails(ig_embedder_open(m, NULL, &e, &err), IG_E_FORMAT);
    ig_model_free(m);
    check_ok(ig_dir_remove(dir, &err));
}

/* ---- refused ---- */

static void what_cannot_be_embedded_is_refused(void **state) {
    (void)state;
    ig_model *m = torch_model("bert");
    ig_embedder *e = NULL;
    float out[48];
    ig_error err;
    check_fails(ig_embedder_open(m, &(ig_embedder_opts){.dimensions = 25}, &e, &err), IG_E_ARG);
    check_fails(ig_embedder_open(m, &(ig_embedder_opts){.dimensions = -1}, &e, &err), IG_E_ARG);
    check_fails(ig_embedder_open(m, &(ig_embedder_opts){.batch.max_tokens = -1}, &e, &err), IG_E_ARG);
    e = opened(m, NULL);
    check_fails(ig_embed_texts(e, texts, 1, out, NULL, &err), IG_E_STATE); /* no tokenizer */
    int32_t far[] = {3, 41};
    ig_ids ids[2] = {{.data = far, .len = 1}, {.data = far, .len = 2}};
    check_fails(ig_embed_tokens(e, ids, 2, out, NULL, &err), IG_E_ARG);
    assert_non_null(strstr(err.message, "text 1: token 41 at place 1"));
    ids[0].len = 0;
    check_fails(ig_embed_tokens(e, ids, 1, out, NULL, &err), IG_E_ARG);
    check_ok(ig_embed_tokens(e, ids, 0, out, NULL, &err));
    ig_tokenizer_train_opts unmarked = {0};
    check_ok(ig_tokenizer_train(IG_TOKENIZER_CHAR, 0, alphabet, strlen(alphabet), &unmarked, &m->tokenizer, &err));
    check_fails(ig_embed_texts(e, texts, 1, out, NULL, &err), IG_E_FORMAT);
    assert_non_null(strstr(err.message, "[CLS]"));
    ig_tokenizer_free(m->tokenizer);
    give_tokenizer(m, bert_marks);
    ig_embedder_close(e);
    e = opened(m, &(ig_embedder_opts){.batch.max_tokens = 2});
    check_fails(ig_embed_texts(e, texts, 1, out, NULL, &err), IG_E_ARG);
    assert_non_null(strstr(err.message, "leaves no room"));
    ig_embedder_close(e);
    ((float *)ig_params_find(&m->params, "embeddings.LayerNorm.weight")->value.data)[0] = NAN;
    e = opened(m, NULL);
    check_fails(ig_embed_texts(e, texts, 1, out, NULL, &err), IG_E_NUMERIC);
    ig_embedder_close(e);
    ig_model_free(m);
}

/* ---- allocation ---- */

static ig_status all_of_it(ig_model *m, float *out, ig_error *err) {
    ig_embedder *e = NULL;
    IG_TRY(ig_embedder_open(m, &(ig_embedder_opts){.batch = {.batch_tokens = 16, .plan_bytes_max = 60000}}, &e, err));
    ig_status status = ig_embed_texts(e, texts, 4, out, NULL, err);
    ig_embedder_close(e);
    return status;
}

static void every_failed_allocation_is_a_status(void **state) {
    (void)state;
    ig_model *m = torch_model("bert");
    float out[4 * 24];
    uint64_t n = 0;
    ig_status status;
    ig_tensor_stats before, after;
    give_tokenizer(m, bert_marks);
    ig_tensor_stats_get(ctx, &before);
    do {
        ig_error err = {0};
        ig_alloc_fail_at(++n);
        status = all_of_it(m, out, &err);
        ig_alloc_fail_at(0);
        if (status != IG_OK && status != IG_E_NOMEM) fail_msg("allocation %llu: %s", (unsigned long long)n, err.message);
        ig_tensor_stats_get(ctx, &after);
        assert_int_equal(before.bytes, after.bytes);
    } while (status != IG_OK);
    assert_true(n > 20);
    ig_model_free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pooled_vectors_are_those_of_pytorch),
        cmocka_unit_test(a_vector_does_not_depend_on_its_company),
        cmocka_unit_test(a_decoder_gives_its_last_hidden_state),
        cmocka_unit_test(texts_stand_between_marks_and_long_ones_are_cut),
        cmocka_unit_test(plans_are_kept_within_their_bound),
        cmocka_unit_test(the_folder_says_how_to_pool),
        cmocka_unit_test(what_cannot_be_embedded_is_refused),
        cmocka_unit_test(every_failed_allocation_is_a_status),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
