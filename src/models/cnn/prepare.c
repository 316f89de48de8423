/* models/cnn/prepare.c: a network made ready for running: kernels packed, and batch norms folded into the convolutions before them.
 *
 *     w·(x∗k + bias - mean)/sqrt(var + eps) + b  =  (x∗k + bias)·scale + shift,   scale = w/sqrt(var + eps), shift = b - mean·scale
 */
#include <math.h>

#include "models/cnn/cnn.h"

static float at(const ig_param *p, int64_t i, float otherwise) { return p ? ((const float *)p->value.data)[i] : otherwise; }

static void fold(const ig_nn_batch_norm_layer *n, int64_t channels, float *scale, float *shift) {
    for (int64_t i = 0; i < channels; i++) {
        scale[i] = (float)((double)at(n->weight, i, 1) / sqrt((double)at(n->running_var, i, 1) + n->eps));
        shift[i] = at(n->bias, i, 0) - at(n->running_mean, i, 0) * scale[i];
    }
}

static ig_status pack(ig_model *m, cnn_node *n, const cnn_node *norm, ig_error *err) {
    int64_t channels = n->out.channels;
    ig_param *p = ig_params_find(&m->params, n->w->name);
    float *both = norm ? ig_calloc((size_t)(2 * channels), sizeof *both) : NULL;
    if (norm && !both) return ig_error_nomem(err, (size_t)(2 * channels) * sizeof *both);
    ig_conv_weight_opts opts = {.bias = n->b ? n->b->value.data : NULL};
    if (norm) {
        fold(&norm->norm, channels, both, both + channels);
        opts.scale = both, opts.shift = both + channels;
    }
    ig_status status = ig_param_pack_conv(m->ctx, p, &opts, err);
    ig_free(both);
    n->folded = status == IG_OK && norm != NULL;
    return status;
}

static ig_status prepare_list(ig_model *m, cnn_list *l, ig_error *err) {
    for (size_t i = 0; i < l->count; i++) {
        cnn_node *n = &l->item[i];
        bool norm = i + 1 < l->count && n[1].op == CNN_BATCH_NORM;
        if (n->op == CNN_CONV && !n->w->conv) IG_TRY(pack(m, n, norm ? n + 1 : NULL, err));
        for (size_t k = 0; k < n->branches; k++) IG_TRY(prepare_list(m, &n->branch[k], err));
    }
    return IG_OK;
}

ig_status cnn_prepare(ig_model *m, ig_error *err) { return prepare_list(m, &((cnn *)m->state)->layers, err); }
