/* models/cnn/initialise.c: weights of a new network: normal by fan-out for convolutions (He et al. 2015, as torchvision's ResNets
 * do), uniform by fan-in for linear layers, norms the identity.  */
#include <string.h>

#include "models/cnn/cnn.h"

static bool ends_with(const char *s, const char *end) {
    size_t n = strlen(s), k = strlen(end);
    return n >= k && strcmp(s + n - k, end) == 0;
}

/* One-dimensional weights are norms' and have their values from the moment they are added, or are ones. */
static ig_status initialise_one(ig_model *m, const ig_param *p, uint64_t seed, ig_error *err) {
    bool norm = p->value.ndim == 1 && !ends_with(p->name, ".bias");
    if (p->role == IG_PARAM_STATE) return IG_OK;
    ig_init kind = p->value.ndim == 4 ? IG_INIT_KAIMING_NORMAL : p->value.ndim == 2 ? IG_INIT_KAIMING_UNIFORM : norm ? IG_INIT_ONES : IG_INIT_ZEROS;
    double gain = p->value.ndim == 2 ? 0.5773502691896258 : 0; /* uniform in ±1/sqrt(fan-in): torch's Linear */
    return ig_init_tensor(m->ctx, &p->value, p->name, seed, kind, (ig_init_opts){.a = gain}, err);
}

ig_status cnn_initialise(ig_model *m, uint64_t seed, ig_error *err) {
    for (size_t i = 0; i < m->params.count; i++) IG_TRY(initialise_one(m, m->params.item[i], seed, err));
    return IG_OK;
}
