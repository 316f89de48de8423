/* models/lstm/lstm.h: recurrent networks over tokens, LSTM and GRU, for the files of this folder.
 *
 *     tokens [B,T] ─ encoder ─► [T,B,E] ─ rnn, in one direction or both ─► [T,B,D] ─┬─ all steps ──► decoder   tags, next tokens
 *                                                                                   └─ last state ─► decoder   class
 *
 * The parts are called as in PyTorch's own example of a language model: encoder.weight, rnn.weight_ih_l0, decoder.weight …, so
 * that checkpoints written with torch.nn.LSTM need no renaming.
 *
 * Shape letters: B batch, T time, E embedding size, H hidden units, D = directions·H, V vocabulary, L labels.
 */
#ifndef INGOT_MODELS_LSTM_H
#define INGOT_MODELS_LSTM_H

#include "ingot/models.h"

typedef enum lstm_head { LSTM_NEXT_TOKEN, LSTM_CLASSIFY, LSTM_TAG } lstm_head;

typedef struct lstm_config {
    ig_cell cell;
    lstm_head head;
    int layers;
    int64_t V, E, H, D, L; /* L 0 for the next token */
    bool bidirectional, tied;
    int64_t context;
} lstm_config;

typedef struct lstm_dropout {
    double embedding, output;
} lstm_dropout;

typedef struct lstm {
    lstm_config c;
    lstm_dropout dropout;
    ig_recurrent rnn;                          /* with its own rates */
    ig_recurrent_layer *layer;                 /* rnn.layer */
    const ig_param *encoder, *decoder, *bias;  /* [V,E]; [V,D] or [L,D], the encoder where tied; [V] or [L] */
} lstm;

/* config.c */
const ig_schema_field *lstm_schema(const char *model_type);
ig_status lstm_read_config(const ig_model *m, lstm_config *c, ig_error *err);
void lstm_read_dropout(const ig_model *m, lstm *s);
/* Write the head into config.json, and names for labels without one. */
/* What config.json calls such a network with this head ("classify", "tag"); NULL: it has none of that name. */
const char *lstm_architecture(const char *model_type, const char *head);
ig_status lstm_complete_config(ig_model *m, const lstm_config *c, ig_error *err);

/* parameters.c */
ig_status lstm_add_parameters(ig_model *m, lstm *s, ig_error *err);
ig_status lstm_initialise(ig_model *m, uint64_t seed, ig_error *err);

/* forward.c */
ig_var *lstm_logits(ig_model *m, const ig_pass *p, ig_var *tokens, ig_kv_cache *cache);
ig_var *lstm_logits_carried(ig_model *m, const ig_pass *p, ig_var *tokens, ig_var *const *state, ig_var **next);
ig_var *lstm_classify(ig_model *m, const ig_pass *p, ig_var *tokens, ig_var *types, ig_var *lengths);
ig_var *lstm_tag(ig_model *m, const ig_pass *p, ig_var *tokens, ig_var *types, ig_var *lengths);

#endif
