/* nn/conv.c: the convolution layer, over trained and over packed kernels.  A signal [N,T,C] is a picture of one row.
 *
 * In a bf16 pass x and the kernel are rounded to bf16 and the sums are f32, as in the fully connected layer.
 */
#include "graph/op.h"
#include "ingot/nn.h"

static ig_var *factor(const ig_pass *p, ig_var *x) {
    return p->bf16 && ig_var_dtype(x) == IG_DTYPE_F32 ? ig_cast(p->g, x, IG_DTYPE_BF16) : x;
}

static ig_var *activated(ig_graph *g, ig_var *x, const ig_conv_post *post) {
    switch (post->activation) {
    case IG_CONV_RELU: return ig_relu(g, x);
    case IG_CONV_LEAKY_RELU: return ig_leaky_relu(g, x, post->slope);
    case IG_CONV_RELU6: return ig_clamp(g, x, 0, 6);
    default: return x;
    }
}

static ig_var *plain(const ig_pass *p, ig_var *x, const ig_param *w, const ig_param *bias, ig_var *residual, ig_conv_opts o, const ig_conv_post *post) {
    ig_var *b = bias ? ig_param_var(p->g, bias) : NULL, *a = factor(p, x), *k = factor(p, ig_param_var(p->g, w));
    ig_var *y = ig_ndim(x) == 3 ? ig_conv1d(p->g, a, k, b, o) : ig_conv2d(p->g, a, k, b, o);
    return activated(p->g, residual ? ig_add(p->g, y, residual) : y, post);
}

static ig_var *as_picture(ig_graph *g, ig_var *x) {
    return x ? ig_reshape(g, x, 4, (int64_t[]){ig_dim(x, 0), 1, ig_dim(x, 1), ig_dim(x, 2)}) : NULL;
}

static ig_var *packed_row(ig_graph *g, ig_var *x, const ig_conv_weight *w, ig_var *residual, ig_conv_opts o, const ig_conv_post *post) {
    ig_conv_opts row = {.stride = {1, o.stride[0]}, .dilation = {1, o.dilation[0]}, .pad_before = {0, o.pad_before[0]},
                        .pad_after = {0, o.pad_after[0]}, .groups = o.groups};
    ig_var *y = ig_conv2d_packed(g, as_picture(g, x), w, as_picture(g, residual), row, *post);
    return ig_reshape(g, y, 3, (int64_t[]){ig_dim(y, 0), ig_dim(y, 2), ig_dim(y, 3)});
}

ig_var *ig_nn_conv(const ig_pass *p, ig_var *x, const ig_param *w, const ig_param *bias, ig_var *residual, ig_conv_opts opts, ig_conv_post post) {
    if (!w->conv) return plain(p, x, w, bias, residual, opts, &post);
    if (ig_graph_poisoned(p->g)) return x;
    if (ig_ndim(x) == 3) return packed_row(p->g, x, w->conv, residual, opts, &post);
    return ig_conv2d_packed(p->g, x, w->conv, residual, opts, post);
}
