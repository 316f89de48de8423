/* nn/params.c: the parameters of a network, by name, in the order in which its family added them (the order of a
 * checkpoint and of the optimiser's state).
 *
 * Names are looked up one by one: networks have hundreds of parameters, and are built once.
 */
#include <string.h>

#include "ingot/nn.h"

void ig_params_init(ig_params *ps, ig_context *ctx) { *ps = (ig_params){.ctx = ctx}; }

static void free_param(ig_param *p) {
    if (!p) return;
    ig_tensor_unref(&p->value);
    ig_qweight_free(p->packed);
    ig_conv_weight_free(p->conv);
    ig_free(p->name);
    ig_free(p);
}

void ig_params_fini(ig_params *ps) {
    for (size_t i = 0; i < ps->count; i++) free_param(ps->item[i]);
    ig_free(ps->item);
    *ps = (ig_params){.ctx = ps->ctx};
}

ig_param *ig_params_find(const ig_params *ps, const char *name) {
    for (size_t i = 0; i < ps->count; i++)
        if (strcmp(ps->item[i]->name, name) == 0) return ps->item[i];
    return NULL;
}

static ig_status grow(ig_params *ps, ig_error *err) {
    if (ps->count < ps->cap) return IG_OK;
    size_t cap = ps->cap ? ps->cap * 2 : 32;
    ig_param **item = ig_realloc_array(ps->item, cap, sizeof *item);
    if (!item) return ig_error_nomem(err, cap * sizeof *item);
    ps->item = item, ps->cap = cap;
    return IG_OK;
}

ig_status ig_params_add(ig_params *ps, const char *name, ig_dtype dtype, int ndim, const int64_t *shape, bool decay,
                        ig_param **out, ig_error *err) {
    if (ig_params_find(ps, name)) return ig_error_set(err, IG_E_EXISTS, "two parameters are called %s", name);
    IG_TRY(grow(ps, err));
    ig_param *p = ig_calloc(1, sizeof *p);
    if (!p) return ig_error_nomem(err, sizeof *p);
    p->decay = decay;
    p->stored = dtype;
    p->name = ig_strdup(name);
    ig_status s = p->name ? ig_tensor_zeros(ps->ctx, dtype, ndim, shape, &p->value, err)
                          : ig_error_nomem(err, strlen(name) + 1);
    if (s != IG_OK) {
        free_param(p);
        return s;
    }
    ps->item[ps->count++] = p;
    if (out) *out = p;
    return IG_OK;
}

void ig_params_drop(ig_params *ps, size_t i) {
    free_param(ps->item[i]);
    ps->count--;
    memmove(ps->item + i, ps->item + i + 1, (ps->count - i) * sizeof *ps->item);
}

int64_t ig_params_numel(const ig_params *ps) {
    int64_t n = 0;
    for (size_t i = 0; i < ps->count; i++) n += ig_tensor_numel(&ps->item[i]->value);
    return n;
}

ig_var *ig_param_var(ig_graph *g, const ig_param *p) {
    return p->frozen ? ig_input(g, p->name, &p->value) : ig_parameter(g, p->name, &p->value);
}
