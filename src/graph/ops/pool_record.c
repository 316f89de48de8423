/* graph/ops/pool_record.c: the functions that record pools: over pictures, and over time as pictures of one column. */
#include "graph/ops/ops.h"

static ig_attrs sliding(ig_pool_opts o) {
    ig_attrs a = {.f = {o.ceil_mode, o.count_include_pad}};
    for (int d = 0; d < 2; d++) {
        a.i[d] = o.kernel[d], a.i[2 + d] = o.stride[d] ? o.stride[d] : o.kernel[d];
        a.i[4 + d] = o.pad_before[d], a.i[6 + d] = o.pad_after[d];
    }
    return a;
}

static ig_var *record(ig_graph *g, const ig_op *op, ig_var *x, const ig_attrs *a) {
    ig_var *in = ig_contiguous(g, x);
    return ig_record(g, op, &in, 1, a);
}

ig_var *ig_max_pool2d(ig_graph *g, ig_var *x, ig_pool_opts o) {
    ig_attrs a = sliding(o);
    a.f[1] = 0; /* padding never wins */
    return record(g, &ig_op_max_pool2d, x, &a);
}

ig_var *ig_avg_pool2d(ig_graph *g, ig_var *x, ig_pool_opts o) {
    ig_attrs a = sliding(o);
    return record(g, &ig_op_avg_pool2d, x, &a);
}

ig_var *ig_adaptive_max_pool2d(ig_graph *g, ig_var *x, int64_t out_h, int64_t out_w) {
    return record(g, &ig_op_adaptive_max_pool2d, x, &(ig_attrs){.i = {out_h, out_w}});
}

ig_var *ig_adaptive_avg_pool2d(ig_graph *g, ig_var *x, int64_t out_h, int64_t out_w) {
    return record(g, &ig_op_adaptive_avg_pool2d, x, &(ig_attrs){.i = {out_h, out_w}});
}

/* ---- over time: [N,T,C] is [N,T,1,C] ------------------------------------------------------------------------------- */

static ig_var *as_pictures(ig_graph *g, ig_var *x) {
    if (ig_graph_poisoned(g)) return x;
    if (!x || x->t.ndim != 3) return ig_poison(g, IG_E_SHAPE, "a pool over time needs [N,T,C]");
    return ig_reshape(g, x, 4, (int64_t[]){x->t.shape[0], x->t.shape[1], 1, x->t.shape[2]});
}

static ig_var *as_sequences(ig_graph *g, ig_var *y) {
    if (ig_graph_poisoned(g)) return y;
    return ig_reshape(g, y, 3, (int64_t[]){y->t.shape[0], y->t.shape[1], y->t.shape[3]});
}

static ig_pool_opts over_time(ig_pool_opts o) {
    o.kernel[1] = o.stride[1] = 1;
    o.pad_before[1] = o.pad_after[1] = 0;
    return o;
}

ig_var *ig_max_pool1d(ig_graph *g, ig_var *x, ig_pool_opts o) {
    return as_sequences(g, ig_max_pool2d(g, as_pictures(g, x), over_time(o)));
}
ig_var *ig_avg_pool1d(ig_graph *g, ig_var *x, ig_pool_opts o) {
    return as_sequences(g, ig_avg_pool2d(g, as_pictures(g, x), over_time(o)));
}

ig_var *ig_max_over_time(ig_graph *g, ig_var *x, ig_var *lengths) {
    ig_var *in[] = {ig_contiguous(g, as_pictures(g, x)), lengths};
    ig_var *y = ig_record(g, &ig_op_max_over_time, in, lengths ? 2 : 1, NULL);
    if (ig_graph_poisoned(g)) return y;
    return ig_reshape(g, y, 2, (int64_t[]){y->t.shape[0], y->t.shape[3]});
}
