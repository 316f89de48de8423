/* nn/linear.c: the layers that know how a pass is recorded: the fully connected one, and dropout.
 *
 * In a bf16 pass both factors are rounded to bf16 and the sums are f32: the weights stay f32 for the optimiser (master
 * weights, Micikevicius et al. 2018), biases are added in f32.  bf16 has the range of f32, so no loss scaling is needed.
 */
#include "graph/op.h"
#include "ingot/nn.h"

/* The cast comes before the transpose: casts are recorded once per variable, transposes are new variables each time. */
static ig_var *factor(const ig_pass *p, ig_var *x) {
    return p->bf16 && ig_var_dtype(x) == IG_DTYPE_F32 ? ig_cast(p->g, x, IG_DTYPE_BF16) : x;
}

ig_var *ig_nn_linear(const ig_pass *p, ig_var *x, ig_var *w, ig_var *bias, bool out_in) {
    ig_var *a = factor(p, x), *b = factor(p, w);
    if (out_in) b = ig_transpose(p->g, b, 0, 1);                                    /* [K,N] */
    return bias ? ig_linear(p->g, a, b, bias) : ig_matmul(p->g, a, b);              /* [...,N] */
}

static ig_var *low_rank(const ig_pass *p, ig_var *x, const ig_lora *l) {
    ig_var *h = ig_nn_linear(p, ig_nn_dropout(p, x, l->dropout), ig_param_var(p->g, l->a), NULL, true); /* [...,rank] */
    return ig_affine(p->g, ig_nn_linear(p, h, ig_param_var(p->g, l->b), NULL, true), l->scale, 0);      /* [...,N] */
}

static ig_var *base(const ig_pass *p, ig_var *x, const ig_param *w, const ig_param *bias) {
    ig_var *b = bias ? ig_param_var(p->g, bias) : NULL;
    if (!w->packed) return ig_nn_linear(p, x, ig_param_var(p->g, w), b, w->role != IG_PARAM_IN_OUT);
    ig_var *y = ig_linear_quantised(p->g, ig_contiguous(p->g, x), w->packed);
    return b ? ig_add(p->g, y, b) : y;
}

ig_var *ig_nn_dense(const ig_pass *p, ig_var *x, const ig_param *w, const ig_param *bias) {
    ig_var *y = base(p, x, w, bias);
    return w->lora ? ig_add(p->g, y, low_rank(p, x, w->lora)) : y;
}

ig_var *ig_nn_lookup(const ig_pass *p, const ig_param *table, ig_var *indices) {
    if (table->packed) return ig_embedding_quantised(p->g, indices, table->packed);
    return ig_embedding(p->g, ig_param_var(p->g, table), indices);
}

ig_var *ig_nn_dropout(const ig_pass *p, ig_var *x, double rate) {
    if (!p->training || rate == 0) return x;
    if (!p->key) return ig_poison(p->g, IG_E_ARG, "dropout in training needs the pass's key");
    return ig_dropout(p->g, x, rate, p->key);
}
