/* models/deepfm/forward.c: from rows to logits.   (Guo et al. 2017, eq. 1 to 4)
 *
 * The products of all pairs are one formula: Σ_{i<j} <v_i, v_j> = ½ Σ_k ((Σ_i v_ik)² - Σ_i v_ik²)   (Rendle 2010, lemma 3.1)
 */
#include "graph/op.h"
#include "models/deepfm/deepfm.h"

#define AXIS_1 2u /* the bit of dim 1 */

/* A number is its own weight on the vector that stands for it. */
static ig_var *embed_numbers(const deepfm *s, ig_graph *g, ig_var *numbers) {
    int64_t shape[3] = {ig_dim(numbers, 0), s->shape.numbers, 1};
    return ig_mul(g, ig_reshape(g, numbers, 3, shape), ig_param_var(g, s->numbers)); /* [B,D,K] */
}

static ig_var *embed(const deepfm *s, const ig_pass *p, ig_var *numbers, ig_var *places) {
    ig_var *part[2];
    int n = 0;
    if (s->table) part[n++] = ig_nn_lookup(p, s->table, places);                     /* [B,F,K] */
    if (s->numbers) part[n++] = embed_numbers(s, p->g, numbers);
    return n == 1 ? part[0] : ig_concat(p->g, part, n, 1);                           /* [B,F+D,K] */
}

static ig_var *linear(const deepfm *s, const ig_pass *p, ig_var *numbers, ig_var *places, ig_var *y) {
    int64_t flat[2] = {-1, s->shape.indices}, column = -1;
    if (s->first) y = ig_add(p->g, y, ig_sum(p->g, ig_reshape(p->g, ig_nn_lookup(p, s->first, places), 2, flat), AXIS_1, false));
    if (s->slope) y = ig_add(p->g, y, ig_reshape(p->g, ig_nn_dense(p, numbers, s->slope, NULL), 1, &column));
    return y;
}

static ig_var *pairs(ig_graph *g, ig_var *e) {
    ig_var *sum = ig_sum(g, e, AXIS_1, false), *squares = ig_sum(g, ig_square(g, e), AXIS_1, false); /* [B,K] */
    return ig_affine(g, ig_sum(g, ig_sub(g, ig_square(g, sum), squares), AXIS_1, false), 0.5, 0);
}

static ig_var *deep(const deepfm *s, const ig_pass *p, ig_var *e) {
    int64_t flat[2] = {-1, (s->shape.indices + s->shape.numbers) * s->K}, column = -1;
    ig_var *x = ig_reshape(p->g, e, 2, flat);
    for (int i = 0; i < s->hidden; i++) x = ig_nn_dropout(p, ig_relu(p->g, ig_nn_dense(p, x, s->w[i], s->b[i])), s->dropout);
    return ig_reshape(p->g, ig_nn_dense(p, x, s->w[s->hidden], NULL), 1, &column);
}

static bool possible(const deepfm *s, const ig_pass *p, ig_var *numbers, ig_var *indices) {
    if (ig_graph_poisoned(p->g)) return false;
    bool good = !numbers == !s->shape.numbers && !indices == !s->shape.indices;
    good = good && (!numbers || (ig_ndim(numbers) == 2 && ig_dim(numbers, 1) == s->shape.numbers));
    good = good && (!indices || (ig_ndim(indices) == 2 && ig_dim(indices, 1) == s->shape.indices));
    if (!good) ig_poison(p->g, IG_E_SHAPE, "rows must have %lld numbers and %lld indices", (long long)s->shape.numbers,
                         (long long)s->shape.indices);
    return good;
}

ig_var *deepfm_score(ig_model *m, const ig_pass *p, ig_var *numbers, ig_var *indices) {
    const deepfm *s = m->state;
    ig_graph *g = p->g;
    if (!possible(s, p, numbers, indices)) return numbers ? numbers : indices;
    int64_t B = ig_dim(numbers ? numbers : indices, 0);
    ig_var *places = indices ? ig_add(g, indices, ig_input(g, "offsets", &s->offsets)) : NULL;
    ig_var *y = ig_broadcast(g, ig_param_var(g, s->bias), 1, &B);
    if (s->linear) y = linear(s, p, numbers, places, y);
    if (!s->fm && !s->deep) return y;
    ig_var *e = embed(s, p, numbers, places);
    if (s->fm) y = ig_add(g, y, pairs(g, e));
    return s->deep ? ig_add(g, y, deep(s, p, e)) : y;
}
