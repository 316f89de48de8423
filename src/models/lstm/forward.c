/* models/lstm/forward.c: the network: tokens in, and what the head makes of the states.
 *
 * Inside, time is the outermost dimension (ig_lstm).  Tokens are turned before they are looked up and states before the
 * decoder: both are small beside what comes out of it.
 */
#include "graph/op.h"
#include "models/lstm/lstm.h"

/* [B,T] → the states of the last layer [T,B,D] */
static ig_var *states(const lstm *s, const ig_pass *p, ig_var *tokens, ig_var *lengths, ig_var *const *first, ig_var **last) {
    ig_var *x = ig_nn_lookup(p, s->encoder, ig_contiguous(p->g, ig_transpose(p->g, tokens, 0, 1)));           /* [T,B,E] */
    return ig_nn_recurrent(p, &s->rnn, ig_nn_dropout(p, x, s->dropout.embedding), lengths, first, last);
}

static ig_var *decode(const lstm *s, const ig_pass *p, ig_var *x) {
    return ig_nn_dense(p, ig_nn_dropout(p, x, s->dropout.output), s->decoder, s->bias);
}

/* [T,B,D] → logits [B,T,…] */
static ig_var *decode_steps(const lstm *s, const ig_pass *p, ig_var *x) {
    return decode(s, p, ig_contiguous(p->g, ig_transpose(p->g, x, 0, 1)));
}

static bool possible(const lstm *s, const ig_pass *p, ig_var *tokens, lstm_head head, const char *architecture) {
    if (ig_graph_poisoned(p->g)) return false;
    if (s->c.head != head)
        ig_poison(p->g, IG_E_UNSUPPORTED, "the model has no head for it: config.json must name a …%s", architecture);
    else if (ig_ndim(tokens) != 2) ig_poison(p->g, IG_E_SHAPE, "tokens have %d dimensions; [B,T] is needed", ig_ndim(tokens));
    return !ig_graph_poisoned(p->g);
}

ig_var *lstm_logits_carried(ig_model *m, const ig_pass *p, ig_var *tokens, ig_var *const *state, ig_var **next) {
    const lstm *s = m->state;
    if (!possible(s, p, tokens, LSTM_NEXT_TOKEN, "ForCausalLM")) {
        for (int i = 0; next && i < ig_recurrent_states(&s->rnn); i++) next[i] = tokens;
        return tokens;
    }
    return decode_steps(s, p, states(s, p, tokens, NULL, state, next));                                       /* [B,T,V] */
}

ig_var *lstm_logits(ig_model *m, const ig_pass *p, ig_var *tokens, ig_kv_cache *cache) {
    if (cache) return ig_poison(p->g, IG_E_UNSUPPORTED, "a recurrent network has a state, and no keys and values");
    return lstm_logits_carried(m, p, tokens, NULL, NULL);
}

/* From the state in which the last layer leaves each text, in both directions. */
ig_var *lstm_classify(ig_model *m, const ig_pass *p, ig_var *tokens, ig_var *types, ig_var *lengths) {
    const lstm *s = m->state;
    ig_var *last[IG_STATE_MAX];
    (void)types;
    if (!possible(s, p, tokens, LSTM_CLASSIFY, "ForSequenceClassification")) return tokens;
    states(s, p, tokens, lengths, NULL, last);
    int cell = s->c.cell == IG_CELL_LSTM ? 2 : 1, directions = s->c.bidirectional ? 2 : 1,
        top = (s->c.layers - 1) * directions * cell;
    ig_var *h[2] = {last[top], s->c.bidirectional ? last[top + cell] : NULL};
    return decode(s, p, directions == 1 ? h[0] : ig_concat(p->g, h, 2, 1));                                   /* [B,L] */
}

ig_var *lstm_tag(ig_model *m, const ig_pass *p, ig_var *tokens, ig_var *types, ig_var *lengths) {
    const lstm *s = m->state;
    (void)types;
    if (!possible(s, p, tokens, LSTM_TAG, "ForTokenClassification")) return tokens;
    return decode_steps(s, p, states(s, p, tokens, lengths, NULL, NULL));                                     /* [B,T,L] */
}
