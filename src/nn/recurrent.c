/* nn/recurrent.c: LSTM and GRU layers, stacked and in one direction or both.   (Hochreiter & Schmidhuber 1997; Cho et al. 2014)
 *
 *     layer l    forward  ─┐
 *                          ├─ side by side [T,B,2H] ─ dropout ─► layer l + 1
 *                reverse  ─┘
 *
 * Time is the outermost dimension.  The product of the inputs follows the pass (bf16, packed weights, adapters); the recurrence
 * is in the type of the parameters.  Weight drop draws one mask per step of training for the matrix, not for each step of time:
 * the recurrence sees the same network all along.
 */
#include "graph/op.h"
#include "ingot/nn.h"

void ig_recurrent_name(char *buf, size_t size, const char *part, int layer, bool reverse) {
    snprintf(buf, size, "%s_l%d%s", part, layer, reverse ? "_reverse" : "");
}

static int per_cell(const ig_recurrent *r) { return r->cell == IG_CELL_LSTM ? 2 : 1; }

int ig_recurrent_states(const ig_recurrent *r) { return per_cell(r) * r->layers * (r->bidirectional ? 2 : 1); }

/* An LSTM's two biases are one; a GRU's second one belongs to the recurrence. */
static ig_var *input_product(const ig_pass *p, const ig_recurrent *r, const ig_recurrent_layer *l, ig_var *x) {
    if (r->cell == IG_CELL_GRU) return ig_nn_dense(p, x, l->w_ih, l->b_ih);
    ig_var *b_hh = ig_param_var(p->g, l->b_hh);
    if (l->w_ih->packed || l->w_ih->lora) return ig_add(p->g, ig_nn_dense(p, x, l->w_ih, l->b_ih), b_hh);
    ig_var *bias = ig_add(p->g, ig_param_var(p->g, l->b_ih), b_hh);
    return ig_nn_linear(p, x, ig_param_var(p->g, l->w_ih), bias, true);                                     /* [T,B,G·H] */
}

/* state: where those of this layer and direction stand in the lists. */
static ig_var *direction(const ig_pass *p, const ig_recurrent *r, int at, ig_var *x, ig_recurrent_opts opts,
                         ig_var *const *first, ig_var **last) {
    const ig_recurrent_layer *l = &r->layer[at];
    int state = at * per_cell(r);
    ig_var *gates = input_product(p, r, l, x), *w = ig_nn_dropout(p, ig_param_var(p->g, l->w_hh), r->weight_drop);
    ig_var *h0 = first ? first[state] : NULL, **h = last ? &last[state] : NULL;
    if (r->cell == IG_CELL_GRU) return ig_gru_recurrence(p->g, gates, w, ig_param_var(p->g, l->b_hh), h0, opts, h);
    return ig_lstm_recurrence(p->g, gates, w, h0, first ? first[state + 1] : NULL, opts, h, last ? &last[state + 1] : NULL);
}

ig_var *ig_nn_recurrent(const ig_pass *p, const ig_recurrent *r, ig_var *x, ig_var *lengths, ig_var *const *first,
                        ig_var **last) {
    int directions = r->bidirectional ? 2 : 1;
    for (int i = 0; i < r->layers; i++) {
        ig_var *y[2];
        if (i > 0) x = ig_nn_dropout(p, x, r->dropout);
        for (int d = 0; d < directions; d++) {
            ig_recurrent_opts opts = {.reverse = d == 1, .lengths = lengths};
            y[d] = direction(p, r, i * directions + d, x, opts, first, last);
        }
        x = directions == 1 ? y[0] : ig_concat(p->g, y, 2, 2);                                              /* [T,B,2H] */
    }
    return x;
}
