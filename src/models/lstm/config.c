/* models/lstm/config.c: config.json of recurrent networks.
 *
 * No library has published a layout for them, so the keys are those that Hugging Face gives the same things elsewhere.
 * `architectures` chooses the head.  What has to hold between keys is checked after the table.
 */
#include <string.h>

#include "models/fields.h"
#include "models/labels.h"
#include "models/lstm/lstm.h"
#include "models/model.h"

#define RECURRENT_LAYERS_MAX 16
#define CONTEXT_DEFAULT 4096

static const ig_schema_field text_map[] = {{.key = "*", .type = IG_TREE_TEXT}, {0}};

static const ig_schema_field schema[] = {
    {.key = "model_type", .type = IG_TREE_TEXT, .required = true, .choices = "lstm|gru"},
    {.key = "architectures",
     .type = IG_TREE_LIST,
     .nullable = true,
     .item = IG_TREE_TEXT,
     .doc = "one name; it ends in ForCausalLM, ForSequenceClassification or ForTokenClassification",
     .otherwise = "a language model"},
    SIZE("vocab_size", IG_VOCAB_MAX, true, "tokens of the vocabulary"),
    SIZE("hidden_size", CHANNELS_MAX, true, "units of a layer in each direction"),
    SIZE_OR_NULL("embedding_size", CHANNELS_MAX, "channels of a token", "hidden_size"),
    SIZE("num_hidden_layers", RECURRENT_LAYERS_MAX, true, "layers"),
    SIZE("context_length", CONTEXT_MAX, false,
         "tokens of a text at most (4096 by default; the network has no limit)"),
    FLAG("bidirectional", "read each text from both ends; not for language models", "false"),
    FLAG("tie_word_embeddings", "the decoder is the table of tokens; embedding_size must be hidden_size", "false"),
    RATE("dropout", "dropout between layers, and of embeddings and outputs unless these are given"),
    {.key = "embedding_dropout",
     .type = IG_TREE_REAL,
     .nullable = true,
     .has_range = true,
     .min = 0,
     .max = 0.999,
     .doc = "dropout of embeddings",
     .otherwise = "dropout"},
    {.key = "output_dropout",
     .type = IG_TREE_REAL,
     .nullable = true,
     .has_range = true,
     .min = 0,
     .max = 0.999,
     .doc = "dropout before the decoder",
     .otherwise = "dropout"},
    RATE("weight_drop", "dropout of the recurrent weights, once for all steps of a text"),
    {.key = "id2label", .type = IG_TREE_MAP, .nullable = true, .fields = text_map, .doc = "names of the labels, by number"},
    SIZE("num_labels", LABELS_MAX, false, "labels, when id2label does not name them (2 by default)"),
    {.key = "problem_type",
     .type = IG_TREE_TEXT,
     .nullable = true,
     .choices = "single_label_classification|multi_label_classification|regression",
     .doc = "what the logits mean"},
    {0},
};

const ig_schema_field *lstm_schema(const char *model_type) {
    (void)model_type;
    return schema;
}

static const ig_tree *root(const ig_model *m) { return ig_doc_root(m->config); }

static bool ends_with(const char *s, const char *end) {
    size_t n = strlen(s), k = strlen(end);
    return n >= k && strcmp(s + n - k, end) == 0;
}

static const char *const head_name[] = {
    [LSTM_NEXT_TOKEN] = "ForCausalLM", [LSTM_CLASSIFY] = "ForSequenceClassification", [LSTM_TAG] = "ForTokenClassification"};

static ig_status read_head(const ig_model *m, lstm_head *out, ig_error *err) {
    const ig_tree *list = ig_tree_get(root(m), "architectures"), *first = list ? list->child : NULL;
    *out = LSTM_NEXT_TOKEN;
    if (!first) return IG_OK;
    for (lstm_head h = LSTM_NEXT_TOKEN; h <= LSTM_TAG; h++) {
        *out = h;
        if (ends_with(first->text, head_name[h])) return IG_OK;
    }
    return ig_model_refuse(m, "architectures", err, "\"%.60s\" is not supported; …%s, …%s and …%s are", first->text,
                           head_name[0], head_name[1], head_name[2]);
}

static ig_status check(const ig_model *m, const lstm_config *c, ig_error *err) {
    if (c->head == LSTM_NEXT_TOKEN && c->bidirectional)
        return ig_model_contradiction(m, "bidirectional", err, "a language model would see the token that it predicts");
    if (!c->tied) return IG_OK;
    if (c->head != LSTM_NEXT_TOKEN)
        return ig_model_contradiction(m, "tie_word_embeddings", err, "only a language model has tokens at its end");
    if (c->E == c->H) return IG_OK;
    return ig_model_contradiction(m, "tie_word_embeddings", err,
                                  "embedding_size is %lld and hidden_size %lld; they must be equal", (long long)c->E,
                                  (long long)c->H);
}

ig_status lstm_read_config(const ig_model *m, lstm_config *c, ig_error *err) {
    const ig_tree *t = root(m), *E = ig_tree_get(t, "embedding_size");
    bool gru = strcmp(ig_tree_text(t, "model_type", ""), "gru") == 0;
    *c = (lstm_config){.cell = gru ? IG_CELL_GRU : IG_CELL_LSTM};
    c->layers = (int)ig_tree_int(t, "num_hidden_layers", 1);
    c->V = ig_tree_int(t, "vocab_size", 0);
    c->H = ig_tree_int(t, "hidden_size", 0);
    c->E = E && E->type == IG_TREE_INT ? E->integer : c->H;
    c->bidirectional = ig_tree_bool(t, "bidirectional", false);
    c->D = c->bidirectional ? 2 * c->H : c->H;
    c->tied = ig_tree_bool(t, "tie_word_embeddings", false);
    c->context = ig_tree_int(t, "context_length", CONTEXT_DEFAULT);
    IG_TRY(read_head(m, &c->head, err));
    if (c->head != LSTM_NEXT_TOKEN) IG_TRY(ig_model_read_labels(m, &c->L, err));
    return check(m, c, err);
}

static double rate_or(const ig_model *m, const char *key, double otherwise) {
    const ig_tree *v = ig_tree_get(root(m), key);
    return v && v->type != IG_TREE_NULL ? v->real : otherwise;
}

void lstm_read_dropout(const ig_model *m, lstm *s) {
    double rate = ig_tree_real(root(m), "dropout", 0);
    s->rnn.dropout = rate;
    s->rnn.weight_drop = ig_tree_real(root(m), "weight_drop", 0);
    s->dropout.embedding = rate_or(m, "embedding_dropout", rate);
    s->dropout.output = rate_or(m, "output_dropout", rate);
}

const char *lstm_architecture(const char *model_type, const char *head) {
    bool gru = strcmp(model_type, "gru") == 0;
    if (strcmp(head, "classify") == 0) return gru ? "GruForSequenceClassification" : "LstmForSequenceClassification";
    if (strcmp(head, "tag") == 0) return gru ? "GruForTokenClassification" : "LstmForTokenClassification";
    return NULL;
}

ig_status lstm_complete_config(ig_model *m, const lstm_config *c, ig_error *err) {
    char name[64];
    snprintf(name, sizeof name, "[%s%s]", c->cell == IG_CELL_GRU ? "Gru" : "Lstm", head_name[c->head]);
    if (!ig_tree_get(root(m), "architectures")) IG_TRY(ig_doc_set(m->config, "architectures", name, err));
    return c->head == LSTM_NEXT_TOKEN ? IG_OK : ig_model_name_labels(m, c->L, err);
}
