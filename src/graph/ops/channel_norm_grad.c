/* graph/ops/channel_norm_grad.c: the gradient of batch and group norm.  With g = dy (where the rectified output was positive),
 * r = 1/√(var + eps), and sums over the M values of a group:
 *
 *     dx = w·r·g - c0 - (x - mean)·c1,   c0 = r·Σ w·g / M,   c1 = r³·Σ w·g·(x - mean) / M
 *     dw = Σ g·(x - mean)·r,   db = Σ g,   d_residual = g
 *
 * Two passes over memory: the sums per channel (which also leave g behind a residual), and dx.
 */
#include "graph/ops/channel_norm.h"

#include <math.h>
#include <string.h>

/* ---- shape: inputs dy, x, w, b, mean, var, [y]; outputs dx, [dw; db], d_residual (empty without y) ----------------- */

static ig_status channel_norm_grad_shape(ig_node *n, ig_error *err) {
    int64_t stat[2], none = 0;
    IG_TRY(ig_channel_norm_check(n, 1, 0, err));
    const ig_tensor *x = &n->in[1]->t;
    int ndim = ig_channel_norm_stat_shape(n, 1, stat);
    IG_TRY(ig_need_channels(n, 2, 1, err));
    IG_TRY(ig_need_channels(n, 3, 1, err));
    for (int k = 0; k < n->nin; k++) {
        bool like_stat = k == 4 || k == 5;
        if (k >= 1 && k <= 3) continue;
        IG_TRY(ig_need_real(n, k, true, err));
        IG_TRY(ig_need_shape(n, k, x->dtype, like_stat ? ndim : x->ndim, like_stat ? stat : x->shape, err));
    }
    if (n->nin == 7 && !n->attrs.i[0]) return ig_error_set(err, IG_E_ARG, "y is only needed behind a relu");
    IG_TRY(ig_out_set(n, 0, x->dtype, x->ndim, x->shape, err));
    IG_TRY(ig_out_set(n, 1, x->dtype, 2, (int64_t[]){2, x->shape[x->ndim - 1]}, err));
    return n->nin == 7 ? ig_out_set(n, 2, x->dtype, x->ndim, x->shape, err) : ig_out_set(n, 2, x->dtype, 1, &none, err);
}

static size_t channel_norm_grad_scratch(ig_context *ctx, const ig_node *n) {
    ig_channel_norm j = ig_channel_norm_of(n, 1);
    (void)ctx;
    return ig_channel_norm_scratch(&j);
}

/* ---- running ------------------------------------------------------------------------------------------------------- */

static const void *output_at(const ig_channel_norm *j, size_t at) {
    return j->r->node->nin == 7 ? (const char *)j->r->in[6]->data + at : NULL;
}

/* Partials 0 and 1 of a block: Σ g and Σ g·(x - mean) per channel. */
static void block_sums(void *arg, size_t begin, size_t end, int thread) {
    const ig_channel_norm *j = arg;
    (void)thread;
    for (size_t item = begin; item < end; item++) {
        char *sum = ig_channel_norm_partial(j, item, 0), *dot = ig_channel_norm_partial(j, item, 1);
        ig_columns v = ig_channel_norm_columns(j, item / j->blocks);
        size_t at = ig_channel_norm_offset(j, item), count = ig_channel_norm_rows(j, item % j->blocks) * j->channels;
        const void *dy = (const char *)j->r->in[0]->data + at, *x = (const char *)j->x->data + at, *y = output_at(j, at);
        memset(sum, 0, 2 * j->width * j->size);
        void *g = y ? (char *)j->r->out[2]->data + at : NULL;
        IG_COLUMNS(j, column_grad_sums, (void *)sum, (void *)dot, g, dy, x, y, &v, count, j->width, j->relu);
        ig_channel_norm_fold(j, sum), ig_channel_norm_fold(j, dot);
    }
}

static char *total_of(const ig_channel_norm *j, size_t segment, size_t which) {
    return j->totals + (segment * 2 + which) * j->channels * j->size;
}

/* Item = segment·groups + group: totals of its channels, and c0 and c1 of the group. */
static void group_sums(void *arg, size_t begin, size_t end, int thread) {
    const ig_channel_norm *j = arg;
    size_t each = j->channels / j->groups;
    (void)thread;
    for (size_t i = begin; i < end; i++) {
        size_t s = i / j->groups, first = i % j->groups * each;
        double all[2] = {0}, r = 1 / sqrt(ig_real_at(j, j->var->data, i) + j->eps), m = (double)(j->rows * each);
        for (size_t c = first; c < first + each; c++) {
            for (size_t which = 0; which < 2; which++) {
                double sum = 0;
                for (size_t b = 0; b < j->blocks; b++)
                    sum += ig_real_at(j, ig_channel_norm_partial(j, s * j->blocks + b, which), c);
                ig_real_put(j, total_of(j, s, which), c, sum);
                all[which] += ig_real_at(j, j->w->data, c) * sum;
            }
        }
        for (size_t c = first; c < first + each; c++) {
            ig_real_put(j, ig_channel_norm_vector(j, s, 3), c, r * all[0] / m);
            ig_real_put(j, ig_channel_norm_vector(j, s, 4), c, r * r * r * all[1] / m);
        }
    }
}

static void repeat_vectors(void *arg, size_t begin, size_t end, int thread) {
    const ig_channel_norm *j = arg;
    (void)thread;
    for (size_t s = begin; s < end; s++)
        for (size_t which = 3; which < 5; which++) ig_channel_norm_repeat(j, ig_channel_norm_vector(j, s, which));
}

/* dw and db of channels [begin, end). */
static void parameter_grads(void *arg, size_t begin, size_t end, int thread) {
    const ig_channel_norm *j = arg;
    size_t each = j->channels / j->groups;
    void *out = j->r->out[1]->data;
    (void)thread;
    for (size_t c = begin; c < end; c++) {
        double dw = 0, db = 0;
        for (size_t s = 0; s < j->segments; s++) {
            double r = 1 / sqrt(ig_real_at(j, j->var->data, s * j->groups + c / each) + j->eps);
            db += ig_real_at(j, total_of(j, s, 0), c);
            dw += ig_real_at(j, total_of(j, s, 1), c) * r;
        }
        ig_real_put(j, out, c, dw);
        ig_real_put(j, out, j->channels + c, db);
    }
}

static void block_grads(void *arg, size_t begin, size_t end, int thread) {
    const ig_channel_norm *j = arg;
    const ig_run *r = j->r;
    (void)thread;
    for (size_t item = begin; item < end; item++) {
        ig_columns v = ig_channel_norm_columns(j, item / j->blocks);
        size_t at = ig_channel_norm_offset(j, item), count = ig_channel_norm_rows(j, item % j->blocks) * j->channels;
        bool passed = r->node->nin == 7; /* the first pass has left g in d_residual */
        const void *dy = (const char *)(passed ? r->out[2] : r->in[0])->data + at, *x = (const char *)j->x->data + at;
        IG_COLUMNS(j, column_grad, (void *)((char *)r->out[0]->data + at), dy, x, &v, count, j->width, j->relu && !passed);
    }
}

static ig_status channel_norm_grad_forward(const ig_run *r, ig_error *err) {
    ig_channel_norm j = ig_channel_norm_of(r->node, 1);
    (void)err;
    if (!j.segments) {
        memset(r->out[1]->data, 0, 2 * j.channels * j.size);
        return IG_OK;
    }
    size_t items = j.segments * j.blocks, cost = j.block * j.channels;
    ig_channel_norm_bind(&j, r, r->in[1], r->in[2], r->in[3], r->in[4], r->in[5]);
    ig_channel_norm_vectors(&j);
    ig_parallel_for(r->ctx, items, ig_grain(2 * cost), block_sums, &j);
    ig_parallel_for(r->ctx, j.segments * j.groups, ig_grain(8 * j.blocks * (j.channels / j.groups)), group_sums, &j);
    ig_parallel_for(r->ctx, j.segments, ig_grain(2 * j.width), repeat_vectors, &j);
    ig_parallel_for(r->ctx, j.channels, ig_grain(8 * j.segments), parameter_grads, &j);
    ig_parallel_for(r->ctx, items, ig_grain(2 * cost), block_grads, &j);
    return IG_OK;
}

const ig_op ig_op_batch_norm_grad = {
    .name = "batch_norm_grad",
    .doc = "inputs dy, x, w, b, mean, var, [y behind residual and relu]; outputs dx, [dw; db], d_residual (empty without y)",
    .nin_min = 6, .nin_max = 7, .nout = 3, .map = -1, .flags = IG_OP_IN_PLACE | IG_OP_NO_GRAD, .shape = channel_norm_grad_shape,
    .forward = channel_norm_grad_forward, .scratch = channel_norm_grad_scratch, .attr_names = "relu;eps",
};

const ig_op ig_op_group_norm_grad = {
    .name = "group_norm_grad", .doc = "inputs dy, x, w, b, mean, var; outputs dx, [dw; db], and an empty one", .nin_min = 6,
    .nin_max = 6, .nout = 3, .map = -1, .flags = IG_OP_IN_PLACE | IG_OP_NO_GRAD, .shape = channel_norm_grad_shape,
    .forward = channel_norm_grad_forward, .scratch = channel_norm_grad_scratch, .attr_names = "groups;eps",
};
