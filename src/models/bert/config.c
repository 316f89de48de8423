/* models/bert/config.c: config.json of BERT, RoBERTa and XLM-RoBERTa, with the keys that Hugging Face gives them.
 *
 * The table says what each key may be; what has to hold between keys is checked after it.  `architectures` chooses the
 * head.  A setting that would change the results and is not supported is refused by name.
 */
#include <string.h>

#include "models/bert/bert.h"
#include "models/fields.h"
#include "models/labels.h"
#include "models/model.h"

#define TYPES_MAX 1024

static const ig_schema_field text_map[] = {{.key = "*", .type = IG_TREE_TEXT}, {0}};

/* BERT's rows; a RoBERTa says the same. */
static const ig_schema_field schema[] = {
    {.key = "model_type", .type = IG_TREE_TEXT, .required = true, .choices = "bert|roberta|xlm-roberta"},
    {.key = "architectures", .type = IG_TREE_LIST, .nullable = true, .item = IG_TREE_TEXT,
     .doc = "one name; it ends in Model, ForMaskedLM, ForSequenceClassification or ForTokenClassification",
         .otherwise = "the bare encoder"},
    SIZE("vocab_size", IG_VOCAB_MAX, true, "tokens of the vocabulary"),
    SIZE("max_position_embeddings", CONTEXT_MAX, true, "rows of the table of positions"),
    SIZE("hidden_size", CHANNELS_MAX, true, "channels"),
    SIZE("intermediate_size", INNER_MAX, true, "inner size of the network in a block"),
    SIZE("num_hidden_layers", LAYERS_MAX, true, "blocks"),
    SIZE("num_attention_heads", HEADS_MAX, true, "attention heads"),
    SIZE("type_vocab_size", TYPES_MAX, false, "token types (2 by default)"),
    {.key = "pad_token_id", .type = IG_TREE_INT, .nullable = true, .has_range = true, .min = 0, .max = IG_VOCAB_MAX,
     .doc = "token of the padding; in RoBERTa positions begin behind it", .otherwise = "0, in RoBERTa 1"},
    {.key = "hidden_act", .type = IG_TREE_TEXT, .doc = "gelu, gelu_new, relu or silu", .otherwise = "gelu"},
    {.key = "position_embedding_type", .type = IG_TREE_TEXT, .doc = "must be absolute", .otherwise = "absolute"},
    REAL("layer_norm_eps", 0, 1, "added to the variance", "1e-12"),
    REAL("initializer_range", 0, 100, "deviation of new weights", "0.02"),
    RATE("hidden_dropout_prob", "dropout of the embeddings and of what attention and network add"),
    RATE("attention_probs_dropout_prob", "dropout of attention probabilities; training needs 0"),
    {.key = "classifier_dropout", .type = IG_TREE_REAL, .nullable = true, .has_range = true, .min = 0, .max = 0.999,
     .doc = "dropout before the classifier", .otherwise = "hidden_dropout_prob"},
    {.key = "id2label", .type = IG_TREE_MAP, .nullable = true, .fields = text_map, .doc = "names of the labels, by number"},
    SIZE("num_labels", LABELS_MAX, false, "labels, when id2label does not name them (2 by default)"),
    {.key = "problem_type", .type = IG_TREE_TEXT, .nullable = true,
     .choices = "single_label_classification|multi_label_classification|regression", .doc = "what the logits mean"},
    FLAG("is_decoder", "must be false", "false"),
    FLAG("add_cross_attention", "must be false", "false"),
    FLAG("tie_word_embeddings", "must be true", "true"),
    {0},
};

const ig_schema_field *bert_schema(const char *model_type) {
    (void)model_type;
    return schema;
}

static const ig_tree *root(const ig_model *m) { return ig_doc_root(m->config); }

static int64_t size_or(const ig_model *m, const char *key, int64_t otherwise) {
    const ig_tree *v = ig_tree_get(root(m), key);
    return v && v->type == IG_TREE_INT ? v->integer : otherwise;
}

/* ---- words ---- */

static ig_status read_activation(const ig_model *m, bert_activation *out, ig_error *err) {
    static const struct {
        const char *name;
        bert_activation activation;
    } known[] = {{"gelu", BERT_GELU}, {"gelu_new", BERT_GELU_TANH}, {"gelu_pytorch_tanh", BERT_GELU_TANH}, {"relu", BERT_RELU},
                 {"silu", BERT_SILU}, {"swish", BERT_SILU}};
    const char *name = ig_tree_text(root(m), "hidden_act", "gelu");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        *out = known[i].activation;
        if (strcmp(name, known[i].name) == 0) return IG_OK;
    }
    return ig_model_refuse(m, "hidden_act", err,
                           "the activation \"%.60s\" is not supported; gelu, gelu_new, relu and silu are", name);
}

static bool ends_with(const char *s, const char *end) {
    size_t n = strlen(s), k = strlen(end);
    return n >= k && strcmp(s + n - k, end) == 0;
}

/* "XLMRobertaForSequenceClassification" → BERT_CLASSIFY.  ForPreTraining has a second head, for pairs of sentences, that
 * nobody uses afterwards. */
static ig_status read_head(const ig_model *m, bert_head *out, ig_error *err) {
    static const struct {
        const char *end;
        bert_head head;
    } known[] = {{"Model", BERT_BARE}, {"ForMaskedLM", BERT_MASKED}, {"ForPreTraining", BERT_MASKED},
                 {"ForSequenceClassification", BERT_CLASSIFY}, {"ForTokenClassification", BERT_TAG}};
    const ig_tree *list = ig_tree_get(root(m), "architectures"), *first = list ? list->child : NULL;
    *out = BERT_BARE;
    if (!first) return IG_OK;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        *out = known[i].head;
        if (ends_with(first->text, known[i].end)) return IG_OK;
    }
    return ig_model_refuse(m, "architectures", err,
                           "\"%.60s\" is not supported; …Model, …ForMaskedLM, …ForSequenceClassification and …ForTokenClassification are", first->text);
}

const char *bert_architecture(const char *model_type, const char *head) {
    static const char *const heads[] = {"bare", "masked", "classify", "tag"};
    static const char *const names[][4] = {
        {"BertModel", "BertForMaskedLM", "BertForSequenceClassification", "BertForTokenClassification"},
        {"RobertaModel", "RobertaForMaskedLM", "RobertaForSequenceClassification", "RobertaForTokenClassification"},
        {"XLMRobertaModel", "XLMRobertaForMaskedLM", "XLMRobertaForSequenceClassification",
         "XLMRobertaForTokenClassification"}};
    int row = strcmp(model_type, "bert") == 0 ? 0 : strcmp(model_type, "roberta") == 0 ? 1 : 2;
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        if (strcmp(head, heads[i]) == 0) return names[row][i];
    return NULL;
}

/* A switch that only works one way. */
static ig_status only(const ig_model *m, const char *key, bool supported, ig_error *err) {
    bool said = ig_tree_bool(root(m), key, supported);
    return said == supported ? IG_OK : ig_model_refuse(m, key, err, "%s is not supported", said ? "true" : "false");
}

/* ---- all of it ---- */

static ig_status check(const ig_model *m, const bert_config *c, ig_error *err) {
    const char *kind = ig_tree_text(root(m), "position_embedding_type", "absolute");
    if (strcmp(kind, "absolute") != 0)
        return ig_model_refuse(m, "position_embedding_type", err, "\"%.60s\" is not supported; absolute is", kind);
    IG_TRY(only(m, "is_decoder", false, err));
    IG_TRY(only(m, "add_cross_attention", false, err));
    if (c->head == BERT_MASKED) IG_TRY(only(m, "tie_word_embeddings", true, err));
    if (c->C % c->H)
        return ig_model_contradiction(m, "num_attention_heads", err, "hidden_size, which is %lld, is no multiple of it",
                                      (long long)c->C);
    if (c->first < c->positions) return IG_OK;
    return ig_model_contradiction(m, "max_position_embeddings", err,
                                  "positions begin at row %lld, behind pad_token_id: none is left",
                                  (long long)c->first);
}

ig_status bert_read_config(const ig_model *m, bert_config *c, ig_error *err) {
    const ig_tree *t = root(m);
    *c = (bert_config){.roberta = strcmp(ig_tree_text(t, "model_type", ""), "bert") != 0};
    c->V = ig_tree_int(t, "vocab_size", 0);
    c->C = ig_tree_int(t, "hidden_size", 0);
    c->F = ig_tree_int(t, "intermediate_size", 0);
    c->layers = (int)ig_tree_int(t, "num_hidden_layers", 0);
    c->H = ig_tree_int(t, "num_attention_heads", 1);
    c->D = c->C / c->H;
    c->types = ig_tree_int(t, "type_vocab_size", 2);
    c->positions = ig_tree_int(t, "max_position_embeddings", 0);
    c->first = c->roberta ? size_or(m, "pad_token_id", 1) + 1 : 0;
    c->norm_eps = ig_tree_real(t, "layer_norm_eps", 1e-12);
    c->init_deviation = ig_tree_real(t, "initializer_range", 0.02);
    IG_TRY(read_activation(m, &c->activation, err));
    IG_TRY(read_head(m, &c->head, err));
    if (c->head == BERT_CLASSIFY || c->head == BERT_TAG) IG_TRY(ig_model_read_labels(m, &c->L, err));
    return check(m, c, err);
}

void bert_read_dropout(const ig_model *m, bert_dropout *d) {
    const ig_tree *t = root(m), *own = ig_tree_get(t, "classifier_dropout");
    d->hidden = ig_tree_real(t, "hidden_dropout_prob", 0);
    d->attention = ig_tree_real(t, "attention_probs_dropout_prob", 0);
    d->classifier = own && own->type != IG_TREE_NULL ? own->real : d->hidden;
}

/* ---- what others would assume ---- */

static ig_status set_if_absent(ig_model *m, const char *key, const char *value, ig_error *err) {
    return ig_tree_get(root(m), key) ? IG_OK : ig_doc_set(m->config, key, value, err);
}

/* A rate that is not written is 0 here and 0.1 in Hugging Face's BERT: write it, so that both read the same. */
ig_status bert_complete_config(ig_model *m, const bert_config *c, ig_error *err) {
    static const char *const bare[] = {"[BertModel]", "[RobertaModel]", "[XLMRobertaModel]"};
    bool xlm = strcmp(ig_tree_text(root(m), "model_type", ""), "xlm-roberta") == 0;
    IG_TRY(set_if_absent(m, "hidden_dropout_prob", "0.0", err));
    IG_TRY(set_if_absent(m, "attention_probs_dropout_prob", "0.0", err));
    IG_TRY(set_if_absent(m, "architectures", bare[xlm ? 2 : c->roberta], err));
    return c->L ? ig_model_name_labels(m, c->L, err) : IG_OK;
}
