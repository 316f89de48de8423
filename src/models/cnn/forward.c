/* models/cnn/forward.c: pictures [N,H,W,C] → logits [N,L].
 *
 * Three neighbours are one pass over memory in training: batch norm, the addition of a shortcut, and ReLU.  So a list is walked
 * with a look at what follows, and the branch of a sum that ends in a batch norm is given the others to add.
 */
#include "models/cnn/cnn.h"

typedef struct walk {
    const cnn *s;
    const ig_pass *p;
    ig_var *features;   /* the last value that was a picture, outside of branches */
} walk;

static ig_var *run_list(walk *w, const cnn_list *l, ig_var *x, ig_var *residual, bool relu);

/* A packed convolution does what follows it in the same pass: its batch norm, an activation, and at the end of the list what is
 * added there.  *i becomes the last node that was done; true when that is all of the list, residual and relu too. */
static bool run_packed(const walk *w, const cnn_list *l, size_t *i, ig_var **x, ig_var *residual, bool relu) {
    const cnn_node *n = &l->item[*i];
    size_t next = *i + 1 + n->folded;
    bool last = next == l->count;
    ig_conv_post post = {.activation = last && relu ? IG_CONV_RELU : IG_CONV_LINEAR};
    cnn_op follows = last ? CNN_CONV : l->item[next].op;
    if (follows == CNN_RELU) post.activation = IG_CONV_RELU;
    if (follows == CNN_RELU6) post.activation = IG_CONV_RELU6;
    if (follows == CNN_LEAKY_RELU) post.activation = IG_CONV_LEAKY_RELU, post.slope = l->item[next].rate;
    *x = ig_nn_conv(w->p, *x, n->w, n->b, last ? residual : NULL, n->conv, post);
    *i = next - 1 + (!last && post.activation != IG_CONV_LINEAR);
    return last;
}

/* Rows and columns 0, step, 2·step …: windows of one. */
static ig_var *run_subsample(const walk *w, const cnn_node *n, ig_var *x) {
    return ig_max_pool2d(w->p->g, x, (ig_pool_opts){.kernel = {1, 1}, .stride = {n->size[0], n->size[0]}});
}

static ig_var *run_pad_channels(const walk *w, const cnn_node *n, ig_var *x) {
    int64_t before[4] = {0, 0, 0, n->size[0]}, after[4] = {0, 0, 0, n->size[1]};
    return ig_pad(w->p->g, x, before, after, IG_PAD_CONSTANT, 0);
}

/* Channels of all groups in turn.   (Zhang et al. 2018) */
static ig_var *run_shuffle(const walk *w, const cnn_node *n, ig_var *x) {
    ig_graph *g = w->p->g;
    int64_t groups = n->size[0], C = ig_dim(x, -1);
    int64_t cut[5] = {ig_dim(x, 0), ig_dim(x, 1), ig_dim(x, 2), groups, C / groups}, whole[4] = {cut[0], cut[1], cut[2], C};
    return ig_reshape(g, ig_transpose(g, ig_reshape(g, x, 5, cut), 3, 4), 4, whole);
}

/* In the order channels, rows, columns, in which files of PyTorch store the weights behind it. */
static ig_var *run_flatten(const walk *w, ig_var *x) {
    ig_graph *g = w->p->g;
    int64_t flat[2] = {ig_dim(x, 0), ig_dim(x, 1) * ig_dim(x, 2) * ig_dim(x, 3)};
    if (ig_dim(x, 1) * ig_dim(x, 2) > 1) x = ig_transpose(g, ig_transpose(g, x, 2, 3), 1, 2);
    return ig_reshape(g, x, 2, flat);
}

static ig_var *run_concat(walk *w, const cnn_node *n, ig_var *x) {
    ig_var *part[CNN_BRANCHES_MAX];
    for (size_t i = 0; i < n->branches; i++) part[i] = run_list(w, &n->branch[i], x, NULL, false);
    return ig_concat(w->p->g, part, (int)n->branches, -1);
}

/* The first branch takes what the others gave. */
static ig_var *run_add(walk *w, const cnn_node *n, ig_var *x, bool relu) {
    ig_var *sum = NULL;
    for (size_t i = 1; i < n->branches; i++) {
        ig_var *y = run_list(w, &n->branch[i], x, NULL, false);
        sum = sum ? ig_add(w->p->g, sum, y) : y;
    }
    return run_list(w, &n->branch[0], x, sum, relu);
}

static ig_var *run_dropout(const walk *w, const cnn_node *n, ig_var *x) {
    return ig_nn_dropout(w->p, x, w->s->dropout_given ? w->s->dropout : n->rate);
}

static ig_var *run_shaped(walk *w, const cnn_node *n, ig_var *x) {
    ig_graph *g = w->p->g;
    switch (n->op) {
    case CNN_MAX_POOL: return ig_max_pool2d(g, x, n->pool);
    case CNN_AVG_POOL: return ig_avg_pool2d(g, x, n->pool);
    case CNN_ADAPTIVE_POOL: return ig_adaptive_avg_pool2d(g, x, n->size[0], n->size[1]);
    case CNN_GLOBAL_POOL: return ig_mean(g, x, 1u << 1 | 1u << 2, false);
    case CNN_FLATTEN: return run_flatten(w, x);
    case CNN_LINEAR: return ig_nn_dense(w->p, x, n->w, n->b);
    case CNN_CONCAT: return run_concat(w, n, x);
    case CNN_SUBSAMPLE: return run_subsample(w, n, x);
    case CNN_PAD_CHANNELS: return run_pad_channels(w, n, x);
    case CNN_SHUFFLE: return run_shuffle(w, n, x);
    case CNN_CONV: return ig_nn_conv(w->p, x, n->w, n->b, NULL, n->conv, (ig_conv_post){0});
    default: return run_dropout(w, n, x);
    }
}

static ig_var *run_node(walk *w, const cnn_node *n, ig_var *x) {
    ig_graph *g = w->p->g;
    switch (n->op) {
    case CNN_GROUP_NORM: return ig_group_norm(g, x, n->size[0], ig_param_var(g, n->norm.weight), ig_param_var(g, n->norm.bias), n->norm.eps);
    case CNN_LRN: return ig_local_response_norm(g, x, n->size[0], n->alpha, n->beta, n->k);
    case CNN_RELU: return ig_relu(g, x);
    case CNN_RELU6: return ig_relu6(g, x);
    case CNN_LEAKY_RELU: return ig_leaky_relu(g, x, n->rate);
    case CNN_SILU: return ig_silu(g, x);
    case CNN_HARD_SWISH: return ig_hard_swish(g, x);
    case CNN_SIGMOID: return ig_sigmoid(g, x);
    case CNN_TANH: return ig_tanh(g, x);
    case CNN_GELU: return ig_gelu(g, x);
    default: return run_shaped(w, n, x);
    }
}

/* residual is added to the end of the list, and relu follows it. */
static ig_var *run_list(walk *w, const cnn_list *l, ig_var *x, ig_var *residual, bool relu) {
    ig_graph *g = w->p->g;
    for (size_t i = 0; i < l->count; i++) {
        const cnn_node *n = &l->item[i];
        bool follows = i + 1 < l->count && n[1].op == CNN_RELU, last = i + 1 == l->count;
        if (n->op == CNN_CONV && n->w->conv) {
            if (run_packed(w, l, &i, &x, residual, relu)) return x;
            follows = false;
        } else if (n->op == CNN_BATCH_NORM) {
            x = ig_nn_batch_norm(w->p, x, &n->norm, last ? residual : NULL, last ? relu : follows);
            if (last) return x;
        } else if (n->op == CNN_ADD) {
            x = run_add(w, n, x, follows);
        } else {
            x = run_node(w, n, x);
            follows = false;
        }
        i += follows;
        if (ig_ndim(x) == 4) w->features = x;
    }
    if (residual) x = ig_add(g, x, residual);
    return relu ? ig_relu(g, x) : x;
}

ig_var *cnn_see(ig_model *m, const ig_pass *p, ig_var *pictures, ig_var **features) {
    const cnn *s = m->state;
    walk w = {.s = s, .p = p, .features = pictures};
    ig_var *logits = run_list(&w, &s->layers, pictures, NULL, false);
    if (features) *features = w.features;
    return logits;
}
