/* models/lstm/parameters.c: the parameters of recurrent networks: names, shapes, and how a new model is filled.
 *
 * New recurrent layers are uniform within 1/√H, biases too, as torch.nn.LSTM fills them; the decoder within 1/√D; the table of
 * tokens within 0.1 (Zaremba et al. 2014), the decoder's bias is 0.
 */
#include <math.h>
#include <string.h>

#include "models/lstm/lstm.h"
#include "models/model.h"

#define NAME_MAX_BYTES 64

static ig_status add_matrix(ig_model *m, const char *part, int layer, bool reverse, int64_t rows, int64_t columns,
                            const ig_param **out, ig_error *err) {
    char name[NAME_MAX_BYTES] = "rnn.";
    ig_recurrent_name(name + 4, sizeof name - 4, part, layer, reverse);
    return ig_model_add_matrix(m, name, rows, columns, IG_PARAM_OUT_IN, out, err);
}

/* Biases, and the recurrent matrix, which the sweep over time packs for itself. */
static ig_status add(ig_model *m, const char *part, int layer, bool reverse, int ndim, const int64_t *shape,
                     const ig_param **out, ig_error *err) {
    char name[NAME_MAX_BYTES] = "rnn.";
    ig_recurrent_name(name + 4, sizeof name - 4, part, layer, reverse);
    return ig_model_add(m, name, ndim, shape, out, err);
}

static ig_status add_layer(ig_model *m, const lstm_config *c, int layer, bool reverse, ig_recurrent_layer *l, ig_error *err) {
    int64_t in = layer == 0 ? c->E : c->D, gates = (c->cell == IG_CELL_GRU ? 3 : 4) * c->H, square[2] = {gates, c->H};
    IG_TRY(add_matrix(m, "weight_ih", layer, reverse, gates, in, &l->w_ih, err));
    IG_TRY(add(m, "weight_hh", layer, reverse, 2, square, &l->w_hh, err));
    IG_TRY(add(m, "bias_ih", layer, reverse, 1, &gates, &l->b_ih, err));
    return add(m, "bias_hh", layer, reverse, 1, &gates, &l->b_hh, err);
}

ig_status lstm_add_parameters(ig_model *m, lstm *s, ig_error *err) {
    const lstm_config *c = &s->c;
    int directions = c->bidirectional ? 2 : 1;
    int64_t out = c->head == LSTM_NEXT_TOKEN ? c->V : c->L;
    IG_TRY(ig_model_add_matrix(m, "encoder.weight", c->V, c->E, IG_PARAM_OUT_IN, &s->encoder, err));
    for (int i = 0; i < c->layers * directions; i++)
        IG_TRY(add_layer(m, c, i / directions, i % directions == 1, &s->layer[i], err));
    s->decoder = s->encoder;
    if (!c->tied) IG_TRY(ig_model_add_matrix(m, "decoder.weight", out, c->D, IG_PARAM_OUT_IN, &s->decoder, err));
    return ig_model_add(m, "decoder.bias", 1, &out, &s->bias, err);
}

/* ---- a new model ---- */

static double bound_of(const lstm *s, const ig_param *p) {
    if (p == s->bias) return 0;
    if (p == s->encoder) return 0.1;
    return 1 / sqrt((double)(p == s->decoder ? s->c.D : s->c.H));
}

ig_status lstm_initialise(ig_model *m, uint64_t seed, ig_error *err) {
    for (size_t i = 0; i < m->params.count; i++) {
        const ig_param *p = m->params.item[i];
        double bound = bound_of(m->state, p);
        ig_init_opts opts = {.a = -bound, .b = bound};
        IG_TRY(ig_init_tensor(m->ctx, &p->value, p->name, seed, bound > 0 ? IG_INIT_UNIFORM : IG_INIT_ZEROS, opts, err));
    }
    return IG_OK;
}
