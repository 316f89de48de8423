/* models/bert/family.c: the family's row in the table, and what commands ask of it. */
#include "models/bert/bert.h"
#include "models/labels.h"
#include "models/model.h"

/* m->state is set first: whatever fails later, ig_model_free gives back what is there. */
static ig_status build(ig_model *m, ig_error *err) {
    bert *s = ig_calloc(1, sizeof *s);
    if (!s) return ig_error_nomem(err, sizeof *s);
    m->state = s;
    IG_TRY(bert_read_config(m, &s->c, err));
    bert_read_dropout(m, &s->dropout);
    s->block = ig_calloc((size_t)s->c.layers, sizeof *s->block);
    if (!s->block) return ig_error_nomem(err, (size_t)s->c.layers * sizeof *s->block);
    IG_TRY(bert_add_parameters(m, s, err));
    return bert_complete_config(m, &s->c, err);
}

static void free_state(void *state) {
    bert *s = state;
    if (!s) return;
    ig_free(s->block);
    ig_free(s);
}

static ig_status settings(ig_model *m, ig_error *err) {
    (void)err;
    bert_read_dropout(m, &((bert *)m->state)->dropout);
    return IG_OK;
}

static const bert_config *config_of(const ig_model *m) { return &((const bert *)m->state)->c; }

static int64_t context_length(const ig_model *m) { return config_of(m)->positions - config_of(m)->first; }
static int64_t vocab_size(const ig_model *m) { return config_of(m)->V; }
static int64_t hidden_size(const ig_model *m) { return config_of(m)->C; }
static int64_t type_count(const ig_model *m) { return config_of(m)->types; }
static int64_t label_count(const ig_model *m) { return config_of(m)->L; }

/* A pair of texts is scored by the one logit of a classification. */
static unsigned can(const ig_model *m) {
    const bert_config *c = config_of(m);
    static const unsigned heads[] = {[BERT_MASKED] = IG_CAN_FILL, [BERT_CLASSIFY] = IG_CAN_CLASSIFY, [BERT_TAG] = IG_CAN_TAG};
    return IG_CAN_EMBED | heads[c->head] | (c->head == BERT_CLASSIFY && c->L == 1 ? IG_CAN_SCORE : 0);
}

/* Two per weight of a product, and q·kᵀ and scores·v over `context` keys. */
static double flops_per_token(const ig_model *m, int64_t context) {
    const bert_config *c = config_of(m);
    double C = (double)c->C, scores = 2 * (double)context * C;
    double head = c->head == BERT_MASKED ? (double)c->V * C + C * C : 0;
    return 2 * (c->layers * (4 * C * C + 2 * C * (double)c->F + scores) + head);
}

static const char *const model_types[] = {"bert", "roberta", "xlm-roberta", NULL};

const ig_family ig_family_bert = {
    .name = "bert",
    .doc = "encoder-only transformers: BERT, RoBERTa and XLM-RoBERTa",
    .capabilities = IG_CAN_EMBED | IG_CAN_CLASSIFY | IG_CAN_SCORE | IG_CAN_TAG | IG_CAN_FILL,
    .model_types = model_types,
    .config_schema = bert_schema,
    .build = build,
    .free_state = free_state,
    .settings = settings,
    .tensor_name = bert_tensor_name,
    .initialise = bert_initialise,
    .can = can,
    .optional = bert_optional,
    .hidden = bert_hidden,
    .classify = bert_classify,
    .masked = bert_masked,
    .tag = bert_tag,
    .hidden_size = hidden_size,
    .type_count = type_count,
    .label_count = label_count,
    .label = ig_model_label,
    .architecture = bert_architecture,
    .of_head = bert_of_head,
    .context_length = context_length,
    .vocab_size = vocab_size,
    .flops_per_token = flops_per_token,
};
