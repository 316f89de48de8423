/* models/deepfm/parameters.c: names and shapes of the parameters, and how a new model is filled.
 *
 * Embeddings are normal with deviation 0.01 (Rendle 2012, libFM), the network's layers Glorot's, everything else 0.  The tables
 * change row by row: a step costs what its batch touches, whatever the vocabulary (nn/optim_rows.c).
 */
#include <string.h>

#include "models/deepfm/deepfm.h"
#include "models/model.h"

static ig_status add(ig_model *m, const char *name, int64_t rows, int64_t columns, const ig_param **out, ig_error *err) {
    int64_t shape[2] = {rows, columns};
    return ig_model_add(m, name, 2, shape, out, err);
}

static ig_status add_table(ig_model *m, const char *name, int64_t rows, int64_t columns, const ig_param **out, ig_error *err) {
    IG_TRY(add(m, name, rows, columns, out, err));
    m->params.item[m->params.count - 1]->by_row = true;
    return IG_OK;
}

static ig_status add_linear(ig_model *m, deepfm *s, ig_error *err) {
    int64_t F = s->shape.indices, D = s->shape.numbers, one = 1;
    if (s->linear && F) IG_TRY(add_table(m, "linear.table.weight", s->V, 1, &s->first, err));
    if (s->linear && D) IG_TRY(ig_model_add_matrix(m, "linear.numbers.weight", 1, D, IG_PARAM_OUT_IN, &s->slope, err));
    return ig_model_add(m, "bias", 1, &one, &s->bias, err);
}

static ig_status add_layers(ig_model *m, deepfm *s, ig_error *err) {
    int64_t in = (s->shape.indices + s->shape.numbers) * s->K;
    char name[64];
    for (int i = 0; i <= s->hidden; i++) {
        int64_t out = i < s->hidden ? s->width[i] : 1;
        snprintf(name, sizeof name, "deep.%d.weight", i);
        IG_TRY(ig_model_add_matrix(m, name, out, in, IG_PARAM_OUT_IN, &s->w[i], err));
        snprintf(name, sizeof name, "deep.%d.bias", i);
        if (i < s->hidden) IG_TRY(ig_model_add(m, name, 1, &out, &s->b[i], err));
        in = out;
    }
    return IG_OK;
}

ig_status deepfm_add_parameters(ig_model *m, deepfm *s, ig_error *err) {
    if ((s->fm || s->deep) && s->shape.indices) IG_TRY(add_table(m, "embedding.table.weight", s->V, s->K, &s->table, err));
    if ((s->fm || s->deep) && s->shape.numbers) IG_TRY(add(m, "embedding.numbers.weight", s->shape.numbers, s->K, &s->numbers, err));
    IG_TRY(add_linear(m, s, err));
    return s->deep ? add_layers(m, s, err) : IG_OK;
}

/* ---- a new model ---- */

static ig_init kind_of(const deepfm *s, const ig_param *p) {
    if (p == s->table || p == s->numbers) return IG_INIT_NORMAL;
    for (int i = 0; i <= s->hidden; i++)
        if (p == s->w[i]) return IG_INIT_XAVIER_UNIFORM;
    return IG_INIT_ZEROS;
}

ig_status deepfm_initialise(ig_model *m, uint64_t seed, ig_error *err) {
    for (size_t i = 0; i < m->params.count; i++) {
        const ig_param *p = m->params.item[i];
        ig_init kind = kind_of(m->state, p);
        ig_init_opts opts = {.b = kind == IG_INIT_NORMAL ? 0.01 : 0};
        IG_TRY(ig_init_tensor(m->ctx, &p->value, p->name, seed, kind, opts, err));
    }
    return IG_OK;
}
