/* nn/batch_norm.c: the batch norm layer: its four parameters, and how a pass uses them.
 *
 * The running statistics are parameters too, so that model files and checkpoints have them under torch's names; they are frozen
 * for the optimiser, and a pass that trains records their update (ig_batch_norm).
 */
#include <stdio.h>

#include "ingot/nn.h"

static ig_status add(ig_params *ps, const char *name, const char *part, ig_dtype dtype, int64_t channels, bool state,
                     double value, const ig_param **out, ig_error *err) {
    char full[256];
    ig_param *p;
    int n = snprintf(full, sizeof full, "%s.%s", name, part);
    if (n < 0 || (size_t)n >= sizeof full) return ig_error_set(err, IG_E_ARG, "the name %.40s… of a layer is too long", name);
    IG_TRY(ig_params_add(ps, full, dtype, 1, &channels, false, &p, err));
    if (state) p->role = IG_PARAM_STATE, p->frozen = true;
    *out = p;
    return ig_tensor_fill(ps->ctx, &p->value, value, err);
}

ig_status ig_nn_batch_norm_add(ig_params *ps, const char *name, ig_dtype dtype, int64_t channels, ig_nn_batch_norm_layer *out,
                               ig_error *err) {
    *out = (ig_nn_batch_norm_layer){0};
    IG_TRY(add(ps, name, "weight", dtype, channels, false, 1, &out->weight, err));
    IG_TRY(add(ps, name, "bias", dtype, channels, false, 0, &out->bias, err));
    IG_TRY(add(ps, name, "running_mean", dtype, channels, true, 0, &out->running_mean, err));
    return add(ps, name, "running_var", dtype, channels, true, 1, &out->running_var, err);
}

ig_var *ig_nn_batch_norm(const ig_pass *p, ig_var *x, const ig_nn_batch_norm_layer *l, ig_var *residual, bool relu) {
    ig_batch_norm_opts o = {.momentum = l->momentum != 0 ? l->momentum : 0.1,
                            .eps = l->eps != 0 ? l->eps : 1e-5,
                            .training = p->training,
                            .relu = relu,
                            .residual = residual};
    return ig_batch_norm(p->g, x, ig_param_var(p->g, l->weight), ig_param_var(p->g, l->bias),
                         ig_param_var(p->g, l->running_mean), ig_param_var(p->g, l->running_var), o);
}
