/* models/lstm/family.c: the family's row in the table, and what commands ask of it. */
#include <string.h>

#include "models/labels.h"
#include "models/lstm/lstm.h"
#include "models/model.h"

/* m->state is set first: whatever fails later, ig_model_free gives back what is there. */
static ig_status build(ig_model *m, ig_error *err) {
    lstm *s = ig_calloc(1, sizeof *s);
    if (!s) return ig_error_nomem(err, sizeof *s);
    m->state = s;
    IG_TRY(lstm_read_config(m, &s->c, err));
    size_t count = (size_t)s->c.layers * (s->c.bidirectional ? 2 : 1);
    s->layer = ig_calloc(count, sizeof *s->layer);
    if (!s->layer) return ig_error_nomem(err, count * sizeof *s->layer);
    s->rnn = (ig_recurrent){.cell = s->c.cell, .layers = s->c.layers, .bidirectional = s->c.bidirectional, .layer = s->layer};
    lstm_read_dropout(m, s);
    IG_TRY(lstm_add_parameters(m, s, err));
    return lstm_complete_config(m, &s->c, err);
}

static void free_state(void *state) {
    lstm *s = state;
    if (!s) return;
    ig_free(s->layer);
    ig_free(s);
}

static ig_status settings(ig_model *m, ig_error *err) {
    (void)err;
    lstm_read_dropout(m, m->state);
    return IG_OK;
}

static const lstm_config *config_of(const ig_model *m) { return &((const lstm *)m->state)->c; }

static int64_t context_length(const ig_model *m) { return config_of(m)->context; }
static int64_t vocab_size(const ig_model *m) { return config_of(m)->V; }
static int64_t hidden_size(const ig_model *m) { return config_of(m)->D; }
static int64_t label_count(const ig_model *m) { return config_of(m)->L; }
static int state_count(const ig_model *m) { return ig_recurrent_states(&((const lstm *)m->state)->rnn); }

static void state_shape(const ig_model *m, int i, int64_t B, int64_t shape[2]) {
    (void)i;
    shape[0] = B, shape[1] = config_of(m)->H;
}

static unsigned can(const ig_model *m) {
    switch (config_of(m)->head) {
    case LSTM_CLASSIFY: return IG_CAN_CLASSIFY;
    case LSTM_TAG: return IG_CAN_TAG;
    case LSTM_NEXT_TOKEN: break;
    }
    return IG_CAN_GENERATE;
}

/* Two per weight of a product; the table of tokens is only looked up.  What came before costs nothing. */
static double flops_per_token(const ig_model *m, int64_t context) {
    const lstm_config *c = config_of(m);
    double H = (double)c->H, D = (double)c->D, gates = (c->cell == IG_CELL_GRU ? 3 : 4) * D;
    double layers = gates * ((double)c->E + H) + (c->layers - 1) * gates * (D + H);
    (void)context;
    return 2 * (layers + (double)(c->head == LSTM_NEXT_TOKEN ? c->V : c->L) * D);
}

static bool of_head(const ig_model *m, const char *name) {
    (void)m;
    return strncmp(name, "decoder.", 8) == 0;
}

static const char *const model_types[] = {"lstm", "gru", NULL};

const ig_family ig_family_lstm = {
    .name = "lstm",
    .doc = "recurrent networks: LSTM and GRU",
    .capabilities = IG_CAN_GENERATE | IG_CAN_CLASSIFY | IG_CAN_TAG,
    .model_types = model_types,
    .config_schema = lstm_schema,
    .build = build,
    .free_state = free_state,
    .settings = settings,
    .initialise = lstm_initialise,
    .can = can,
    .logits = lstm_logits,
    .logits_carried = lstm_logits_carried,
    .state_count = state_count,
    .state_shape = state_shape,
    .classify = lstm_classify,
    .tag = lstm_tag,
    .hidden_size = hidden_size,
    .label_count = label_count,
    .label = ig_model_label,
    .architecture = lstm_architecture,
    .of_head = of_head,
    .context_length = context_length,
    .vocab_size = vocab_size,
    .flops_per_token = flops_per_token,
};
