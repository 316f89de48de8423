/* graph/ops/channel_norm.c: batch norm in training (Ioffe & Szegedy 2015) and group norm (Wu & He 2018) over [...,C].
 *
 *     y = (x - mean)·scale + b [+ residual], [max(0, ·)],   scale = w/√(var + eps)
 *
 * Three passes: the blocks' moments in the type of x, each around its own mean; all blocks of a group together in double (Chan,
 * Golub & LeVeque 1983); and the affine part.  A block fits the cache, so that memory is read twice and written once.  In
 * inference batch norm is an affine function of element-wise ops, which fuse with their neighbours.
 *
 * The variance is that of the values themselves (divided by their number); the running one that torch keeps is the unbiased
 * estimate, n/(n-1) times it.
 */
#include "graph/ops/channel_norm.h"

#include <math.h>
#include <string.h>

#define BLOCK ((size_t)8192)   /* elements */
#define BLOCK_ROWS ((size_t)32) /* at least, so that a block's sums are small beside it */
#define WIDTH ((size_t)64)     /* columns that keep the vector units busy */

/* ---- how the work is cut ------------------------------------------------------------------------------------------- */

static bool is_group(const ig_op *op) { return op == &ig_op_group_norm || op == &ig_op_group_norm_grad; }

ig_channel_norm ig_channel_norm_of(const ig_node *n, int k) {
    const ig_tensor *x = &n->in[k]->t;
    bool group = is_group(n->op);
    ig_channel_norm j = {.wide = ig_is_f64(x), .size = ig_dtype_size(x->dtype), .eps = n->attrs.f[0]};
    size_t all = (size_t)ig_tensor_numel(x);
    j.channels = (size_t)x->shape[x->ndim - 1];
    if (!all) return j;
    j.segments = group ? (size_t)x->shape[0] : 1;
    j.groups = group ? (size_t)n->attrs.i[0] : j.channels;
    j.relu = !group && n->attrs.i[0];
    j.rows = all / j.segments / j.channels;
    j.block = BLOCK / j.channels > BLOCK_ROWS ? BLOCK / j.channels : BLOCK_ROWS;
    if (j.block > j.rows) j.block = j.rows;
    j.blocks = (j.rows + j.block - 1) / j.block;
    size_t beside = (WIDTH + j.channels - 1) / j.channels;
    j.width = j.channels * (beside < j.block ? beside : j.block);
    return j;
}

static size_t vectors_size(const ig_channel_norm *j) { return ig_round64(j->segments * 5 * j->width * j->size); }
static size_t partial_size(const ig_channel_norm *j) { return ig_round64(j->segments * j->blocks * 3 * j->width * j->size); }

size_t ig_channel_norm_scratch(const ig_channel_norm *j) {
    return vectors_size(j) + partial_size(j) + ig_round64(j->segments * 2 * j->channels * j->size);
}

void ig_channel_norm_bind(ig_channel_norm *j, const ig_run *r, const ig_tensor *x, const ig_tensor *w, const ig_tensor *b,
                          const ig_tensor *mean, const ig_tensor *var) {
    j->r = r, j->x = x, j->w = w, j->b = b, j->mean = mean, j->var = var;
    j->vectors = r->scratch;
    j->partial = j->vectors + vectors_size(j);
    j->totals = j->partial + partial_size(j);
}

void ig_channel_norm_fold(const ig_channel_norm *j, void *sums) {
    for (size_t c = 0; c < j->channels; c++) {
        double sum = 0;
        for (size_t i = c; i < j->width; i += j->channels) sum += ig_real_at(j, sums, i);
        ig_real_put(j, sums, c, sum);
    }
}

void ig_channel_norm_repeat(const ig_channel_norm *j, void *vector) {
    size_t bytes = j->channels * j->size;
    for (size_t i = 1; i < j->width / j->channels; i++) memcpy((char *)vector + i * bytes, vector, bytes);
}

/* ---- shape --------------------------------------------------------------------------------------------------------- */

ig_status ig_channel_norm_check(const ig_node *n, int x, int64_t rows_min, ig_error *err) {
    const ig_tensor *t = &n->in[x]->t;
    int least = is_group(n->op) ? 2 : 1;
    IG_TRY(ig_need_real(n, x, true, err));
    if (t->ndim < least) return ig_error_set(err, IG_E_SHAPE, "input %d must be %s", x, least == 2 ? "[N,...,C]" : "[...,C]");
    int64_t c = t->shape[t->ndim - 1], groups = n->attrs.i[0];
    if (!(n->attrs.f[0] >= 0)) return ig_error_set(err, IG_E_ARG, "eps %g is negative", n->attrs.f[0]);
    if (is_group(n->op) && (groups < 1 || c % groups))
        return ig_error_set(err, IG_E_SHAPE, "%lld channels do not fall into %lld groups", (long long)c, (long long)groups);
    if (c < 1 || ig_tensor_numel(t) / c < rows_min)
        return ig_error_set(err, IG_E_SHAPE, "statistics of %lld channels need at least %lld values of each", (long long)c,
                            (long long)rows_min);
    return IG_OK;
}

ig_status ig_need_channels(const ig_node *n, int k, int x, ig_error *err) {
    const ig_tensor *t = &n->in[x]->t;
    IG_TRY(ig_need_real(n, k, true, err));
    return ig_need_shape(n, k, t->dtype, 1, &t->shape[t->ndim - 1], err);
}

int ig_channel_norm_stat_shape(const ig_node *n, int x, int64_t shape[2]) {
    const ig_tensor *t = &n->in[x]->t;
    bool group = is_group(n->op);
    shape[0] = group ? t->shape[0] : t->shape[t->ndim - 1];
    shape[1] = n->attrs.i[0];
    return group ? 2 : 1;
}

static ig_status channel_norm_shape(ig_node *n, ig_error *err) {
    const ig_tensor *x = &n->in[0]->t;
    int64_t stat[2];
    IG_TRY(ig_channel_norm_check(n, 0, is_group(n->op) ? 0 : 2, err));
    IG_TRY(ig_need_channels(n, 1, 0, err));
    IG_TRY(ig_need_channels(n, 2, 0, err));
    if (n->nin == 4) {
        IG_TRY(ig_need_real(n, 3, true, err));
        IG_TRY(ig_need_shape(n, 3, x->dtype, x->ndim, x->shape, err));
    }
    int ndim = ig_channel_norm_stat_shape(n, 0, stat);
    IG_TRY(ig_shape_same(n, err));
    IG_TRY(ig_out_set(n, 1, x->dtype, ndim, stat, err));
    return ig_out_set(n, 2, x->dtype, ndim, stat, err);
}

static size_t channel_norm_scratch(ig_context *ctx, const ig_node *n) {
    ig_channel_norm j = ig_channel_norm_of(n, 0);
    (void)ctx;
    return ig_channel_norm_scratch(&j);
}

/* ---- forward ------------------------------------------------------------------------------------------------------- */

/* Partial 0 becomes the means of a block, partial 1 the sums of squares around them: first around a mean that has the rounding
 * of its sum, then corrected by what is left. */
static void block_moments(void *arg, size_t begin, size_t end, int thread) {
    const ig_channel_norm *j = arg;
    (void)thread;
    for (size_t item = begin; item < end; item++) {
        char *mean = ig_channel_norm_partial(j, item, 0), *squares = ig_channel_norm_partial(j, item, 1),
             *rest = ig_channel_norm_partial(j, item, 2);
        const void *x = (const char *)j->x->data + ig_channel_norm_offset(j, item);
        size_t rows = ig_channel_norm_rows(j, item % j->blocks), count = rows * j->channels;
        memset(mean, 0, 3 * j->width * j->size);
        IG_COLUMNS(j, column_sums, (void *)mean, x, count, j->width);
        ig_channel_norm_fold(j, mean);
        for (size_t c = 0; c < j->channels; c++) ig_real_put(j, mean, c, ig_real_at(j, mean, c) / (double)rows);
        ig_channel_norm_repeat(j, mean);
        IG_COLUMNS(j, column_moments, (void *)rest, (void *)squares, x, (void *)mean, count, j->width);
        ig_channel_norm_fold(j, rest), ig_channel_norm_fold(j, squares);
        for (size_t c = 0; c < j->channels; c++) {
            double r = ig_real_at(j, rest, c), q = ig_real_at(j, squares, c) - r * r / (double)rows;
            ig_real_put(j, mean, c, ig_real_at(j, mean, c) + r / (double)rows);
            ig_real_put(j, squares, c, q < 0 ? 0 : q);
        }
    }
}

/* Σ over the blocks of channels [first, last) of a segment: n·(mean - around), or squares + n·(mean - around)². */
static double over_blocks(const ig_channel_norm *j, size_t segment, size_t first, size_t last, double around, bool squares) {
    double sum = 0;
    for (size_t b = 0; b < j->blocks; b++) {
        const char *mean = ig_channel_norm_partial(j, segment * j->blocks + b, 0), *square = mean + j->width * j->size;
        double rows = (double)ig_channel_norm_rows(j, b);
        for (size_t c = first; c < last; c++) {
            double d = ig_real_at(j, mean, c) - around;
            sum += squares ? ig_real_at(j, square, c) + rows * d * d : rows * d;
        }
    }
    return sum;
}

/* Item = segment·groups + group. */
static void group_moments(void *arg, size_t begin, size_t end, int thread) {
    const ig_channel_norm *j = arg;
    size_t channels = j->channels / j->groups;
    double n = (double)(j->rows * channels);
    (void)thread;
    for (size_t i = begin; i < end; i++) {
        size_t first = i % j->groups * channels;
        double mean = over_blocks(j, i / j->groups, first, first + channels, 0, false) / n;
        ig_real_put(j, j->mean->data, i, mean);
        ig_real_put(j, j->var->data, i, over_blocks(j, i / j->groups, first, first + channels, mean, true) / n);
    }
}

static void segment_vectors(void *arg, size_t begin, size_t end, int thread) {
    const ig_channel_norm *j = arg;
    size_t each = j->channels / j->groups;
    (void)thread;
    for (size_t s = begin; s < end; s++) {
        char *mean = ig_channel_norm_vector(j, s, 0), *scale = ig_channel_norm_vector(j, s, 1),
             *shift = ig_channel_norm_vector(j, s, 2);
        for (size_t c = 0; c < j->channels; c++) {
            size_t stat = s * j->groups + c / each;
            ig_real_put(j, mean, c, ig_real_at(j, j->mean->data, stat));
            ig_real_put(j, scale, c, ig_real_at(j, j->w->data, c) / sqrt(ig_real_at(j, j->var->data, stat) + j->eps));
            ig_real_put(j, shift, c, ig_real_at(j, j->b->data, c));
        }
        ig_channel_norm_repeat(j, mean), ig_channel_norm_repeat(j, scale), ig_channel_norm_repeat(j, shift);
    }
}

void ig_channel_norm_vectors(ig_channel_norm *j) {
    ig_parallel_for(j->r->ctx, j->segments, ig_grain(8 * j->channels), segment_vectors, j);
}

static void block_affine(void *arg, size_t begin, size_t end, int thread) {
    const ig_channel_norm *j = arg;
    const ig_run *r = j->r;
    (void)thread;
    for (size_t item = begin; item < end; item++) {
        ig_columns v = ig_channel_norm_columns(j, item / j->blocks);
        size_t at = ig_channel_norm_offset(j, item), count = ig_channel_norm_rows(j, item % j->blocks) * j->channels;
        const void *x = (const char *)j->x->data + at, *add = r->node->nin == 4 ? (const char *)r->in[3]->data + at : NULL;
        IG_COLUMNS(j, column_affine, (void *)((char *)r->out[0]->data + at), x, add, &v, count, j->width, j->relu);
    }
}

static ig_status channel_norm_forward(const ig_run *r, ig_error *err) {
    ig_channel_norm j = ig_channel_norm_of(r->node, 0);
    (void)err;
    if (!j.segments) return IG_OK;
    size_t items = j.segments * j.blocks, cost = j.block * j.channels;
    ig_channel_norm_bind(&j, r, r->in[0], r->in[1], r->in[2], r->out[1], r->out[2]);
    ig_parallel_for(r->ctx, items, ig_grain(2 * cost), block_moments, &j);
    ig_parallel_for(r->ctx, j.segments * j.groups, ig_grain(8 * j.blocks * (j.channels / j.groups)), group_moments, &j);
    ig_channel_norm_vectors(&j);
    ig_parallel_for(r->ctx, items, ig_grain(cost), block_affine, &j);
    return IG_OK;
}

/* ---- gradient, rows, recording ------------------------------------------------------------------------------------- */

/* Row k of the [2,C] that holds dw and db. */
static ig_var *half_of(ig_graph *g, ig_var *both, int k, const ig_var *like) {
    return ig_reshape(g, ig_slice(g, both, 0, k, k + 1), 1, like->t.shape);
}

/* Only y is differentiable: the statistics are for the gradient alone. */
static void channel_norm_back(ig_graph *g, ig_node *n, ig_var *const *d, ig_var **dx) {
    bool residual = n->nin == 4, relu = n->op == &ig_op_batch_norm && n->attrs.i[0];
    if (!d[0]) return;
    ig_var *dy = ig_contiguous(g, d[0]);
    ig_var *in[] = {dy, n->in[0], n->in[1], n->in[2], &n->out[1], &n->out[2], &n->out[0]};
    dx[0] = ig_record(g, n->op == &ig_op_batch_norm ? &ig_op_batch_norm_grad : &ig_op_group_norm_grad, in,
                      residual && relu ? 7 : 6, &n->attrs);
    if (ig_graph_poisoned(g)) return;
    ig_var *out = dx[0]->node->out;
    dx[1] = half_of(g, &out[1], 0, n->in[1]);
    dx[2] = half_of(g, &out[1], 1, n->in[2]);
    if (residual) dx[3] = relu ? &out[2] : dy;
}

const ig_op ig_op_batch_norm = {
    .name = "batch_norm",
    .doc = "(x - mean)/√(var + eps)·w + b [+ residual], [relu], over all but the last dim; "
           "outputs y, mean, var   (Ioffe & Szegedy 2015)",
    .nin_min = 3, .nin_max = 4, .nout = 3, .map = -1, .shape = channel_norm_shape, .forward = channel_norm_forward,
    .backward = channel_norm_back, .scratch = channel_norm_scratch, .attr_names = "relu;eps",
};

const ig_op ig_op_group_norm = {
    .name = "group_norm",
    .doc = "(x - mean)/√(var + eps)·w + b, per picture and group of channels; outputs y, mean, var   (Wu & He 2018)",
    .nin_min = 3, .nin_max = 3, .nout = 3, .map = -1, .shape = channel_norm_shape, .forward = channel_norm_forward,
    .backward = channel_norm_back, .scratch = channel_norm_scratch, .attr_names = "groups;eps",
};

void ig_batch_norm_fold(ig_graph *g, ig_var *w, ig_var *b, ig_var *mean, ig_var *var, double eps, ig_var **scale,
                        ig_var **shift) {
    *scale = ig_mul(g, w, ig_rsqrt(g, ig_affine(g, var, 1, eps)));
    *shift = ig_sub(g, b, ig_mul(g, mean, *scale));
}

static ig_var *in_inference(ig_graph *g, ig_var *x, ig_var *w, ig_var *b, ig_var *mean, ig_var *var, ig_batch_norm_opts o) {
    ig_var *scale, *shift;
    if (!mean || !var) return ig_poison(g, IG_E_ARG, "batch_norm: inference needs running_mean and running_var");
    ig_batch_norm_fold(g, w, b, mean, var, o.eps, &scale, &shift);
    ig_var *y = ig_fma(g, x, scale, shift);
    if (o.residual) y = ig_add(g, y, o.residual);
    return o.relu ? ig_relu(g, y) : y;
}

static void move(ig_graph *g, ig_var *running, ig_var *batch, double momentum, double factor) {
    ig_assign(g, running, ig_add(g, ig_affine(g, running, 1 - momentum, 0), ig_affine(g, batch, momentum * factor, 0)));
}

ig_var *ig_batch_norm(ig_graph *g, ig_var *x, ig_var *w, ig_var *b, ig_var *running_mean, ig_var *running_var,
                      ig_batch_norm_opts o) {
    ig_attrs a = {.i = {o.relu}, .f = {o.eps}};
    if (!o.training) return in_inference(g, x, w, b, running_mean, running_var, o);
    ig_var *in[] = {ig_contiguous(g, x), ig_contiguous(g, w), ig_contiguous(g, b),
                    o.residual ? ig_contiguous(g, o.residual) : NULL};
    ig_var *y = ig_record(g, &ig_op_batch_norm, in, o.residual ? 4 : 3, &a);
    if (ig_graph_poisoned(g)) return y;
    double n = (double)(ig_tensor_numel(&x->t) / ig_dim(x, -1));
    if (running_mean) move(g, running_mean, &y->node->out[1], o.momentum, 1);
    if (running_var) move(g, running_var, &y->node->out[2], o.momentum, n / (n - 1));
    return y;
}

ig_var *ig_group_norm(ig_graph *g, ig_var *x, int64_t groups, ig_var *w, ig_var *b, double eps) {
    ig_attrs a = {.i = {groups}, .f = {eps}};
    ig_var *in[] = {ig_contiguous(g, x), ig_contiguous(g, w), ig_contiguous(g, b)};
    return ig_record(g, &ig_op_group_norm, in, 3, &a);
}
