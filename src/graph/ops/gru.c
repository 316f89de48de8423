/* graph/ops/gru.c: the recurrence of a GRU over a whole sequence, and its gradient.   (Cho et al. 2014)
 *
 * As lstm.c, with three gates r z n.  The reset gate multiplies the recurrent part of n together with its bias, as PyTorch and
 * cuDNN have it, so that the recurrent bias belongs to this op:
 *
 *     in    x [T,B,3H] with the input's bias   w [3H,H]   b [3H]   h0 [B,H]   lengths i64 [B], or none
 *     out   h [T+1,B,H] in slots (recurrence.h)   gates [T,B,4H]: r, z, n, and q = W_hn·h + b_hn, for the gradient
 *
 * The gradients of what stands beside x and beside h·wᵀ differ in the third gate: the op gives both, dx and ds.
 */
#include "graph/ops/recurrence.h"

#include <string.h>

/* ---- forward ------------------------------------------------------------------------------------------------------------ */

static ig_status gru_shape(ig_node *n, ig_error *err) {
    int64_t T, B, H;
    IG_TRY(ig_recurrence_flags(n, 1, n->nin, err));
    IG_TRY(ig_recurrence_shape(n, 0, 1, 3, &T, &B, &H, err));
    int64_t x[3] = {T, B, 3 * H}, bias = 3 * H, state[2] = {B, H}, slots[3] = {T + 1, B, H}, gates[3] = {T, B, 4 * H};
    IG_TRY(ig_recurrence_need(n, 0, 3, x, err));
    IG_TRY(ig_recurrence_need(n, 2, 1, &bias, err));
    IG_TRY(ig_recurrence_need(n, 3, 2, state, err));
    if (n->nin == 5) {
        IG_TRY(ig_need_shape(n, 4, IG_DTYPE_I64, 1, &B, err));
        IG_TRY(ig_need_indices(n, 4, err));
    }
    IG_TRY(ig_out_set(n, 0, n->in[0]->t.dtype, 3, slots, err));
    return ig_out_set(n, 1, n->in[0]->t.dtype, 3, gates, err);
}

static void gru_units(const ig_recurrence *s, int64_t b, int64_t u, size_t n, void *sum) {
    const ig_run *r = s->r;
    size_t H = (size_t)s->H, size = ig_dtype_size(s->w->dtype);
    void *h = ig_step_row(s, r->out[0], ig_slot_after(s), b, u), *gates = ig_step_row(s, r->out[1], s->t, b, u);
    const void *before = ig_step_row(s, r->out[0], ig_slot_before(s), b, u), *x = ig_step_row(s, r->in[0], s->t, b, u);
    const void *bias = (const char *)r->in[2]->data + (size_t)u * size;
    if (ig_is_padding(s, b)) {
        memcpy(h, before, n * size);
        for (int64_t gate = 0; gate < 4; gate++) memset(ig_step_row(s, r->out[1], s->t, b, gate * s->H + u), 0, n * size);
    } else if (ig_is_f64(s->w)) {
        r->k->gru_row_f64(h, gates, x, sum, bias, before, H, n);
    } else {
        r->k->gru_row(h, gates, x, sum, bias, before, H, n);
    }
}

static ig_status gru_forward(const ig_run *r, ig_error *err) {
    ig_recurrence s;
    IG_TRY(ig_recurrence_start(&s, r, r->in[0], r->in[1], r->node->nin == 5 ? r->in[4] : NULL, r->node->attrs.i[0] != 0, false,
                               err));
    if (s.B == 0) return IG_OK;
    memcpy(ig_step_row(&s, r->out[0], ig_slot_first(&s), 0, 0), r->in[3]->data, ig_tensor_bytes(r->in[3]));
    for (int64_t i = 0; i < s.T; i++) {
        s.t = ig_step_at(&s, i);
        ig_recurrence_step(&s, s.t, ig_step_row(&s, r->out[0], ig_slot_before(&s), 0, 0), gru_units);
    }
    return IG_OK;
}

static size_t gru_scratch(ig_context *ctx, const ig_node *n) {
    return ig_recurrence_scratch(ctx, &n->in[1]->t, n->in[0]->t.shape[1], false);
}

static double gru_flops(const ig_node *n) { return 2 * (double)ig_tensor_numel(&n->in[0]->t) * (double)n->in[1]->t.shape[1]; }

/* ---- gradient ----------------------------------------------------------------------------------------------------------- */

enum { GATES, STATES, WEIGHTS, DH, LENGTHS }; /* inputs of gru_grad */

static ig_status gru_grad_shape(ig_node *n, ig_error *err) {
    int64_t T, B, H;
    IG_TRY(ig_recurrence_flags(n, 1, n->nin, err));
    IG_TRY(ig_recurrence_shape(n, GATES, WEIGHTS, 3, &T, &B, &H, err));
    int64_t gates[3] = {T, B, 4 * H}, dx[3] = {T, B, 3 * H}, state[2] = {B, H}, slots[3] = {T + 1, B, H};
    IG_TRY(ig_recurrence_need(n, GATES, 3, gates, err));
    IG_TRY(ig_recurrence_need(n, STATES, 3, slots, err));
    IG_TRY(ig_recurrence_need(n, DH, 3, slots, err));
    if (n->nin == 5) {
        IG_TRY(ig_need_shape(n, LENGTHS, IG_DTYPE_I64, 1, &B, err));
        IG_TRY(ig_need_indices(n, LENGTHS, err));
    }
    IG_TRY(ig_out_set(n, 0, n->in[0]->t.dtype, 3, dx, err));
    IG_TRY(ig_out_set(n, 1, n->in[0]->t.dtype, 3, dx, err));
    return ig_out_set(n, 2, n->in[0]->t.dtype, 2, state, err);
}

static void add_two(const ig_recurrence *s, void *y, const void *a, const void *b, size_t n) {
    if (ig_is_f64(s->w)) s->r->k->add_two_row_f64(y, a, b, n);
    else s->r->k->add_two_row(y, a, b, n);
}

/* The output dh0 holds what flows from step to step. */
static void gru_grad_units(const ig_recurrence *s, int64_t b, int64_t u, size_t n, void *sum) {
    const ig_run *r = s->r;
    size_t H = (size_t)s->H, bytes = n * ig_dtype_size(s->w->dtype);
    void *dx = ig_step_row(s, r->out[0], s->t, b, u), *ds = ig_step_row(s, r->out[1], s->t, b, u),
         *dh = ig_step_row(s, r->out[2], 0, b, u);
    const void *dh_out = ig_step_row(s, r->in[DH], ig_slot_after(s), b, u), *gates = ig_step_row(s, r->in[GATES], s->t, b, u);
    const void *before = ig_step_row(s, r->in[STATES], ig_slot_before(s), b, u);
    if (ig_is_padding(s, b)) {
        for (int64_t gate = 0; gate < 3; gate++)
            for (int k = 0; k < 2; k++) memset(ig_step_row(s, r->out[k], s->t, b, gate * s->H + u), 0, bytes);
        add_two(s, dh, sum, dh_out, n);
    } else if (ig_is_f64(s->w)) {
        r->k->gru_grad_row_f64(dx, ds, dh, sum, dh_out, gates, before, H, n);
    } else {
        r->k->gru_grad_row(dx, ds, dh, sum, dh_out, gates, before, H, n);
    }
}

static void first_units(const ig_recurrence *s, int64_t b, int64_t u, size_t n, void *sum) {
    add_two(s, ig_step_row(s, s->r->out[2], 0, b, u), sum, ig_step_row(s, s->r->in[DH], ig_slot_first(s), b, u), n);
}

static ig_status gru_grad_forward(const ig_run *r, ig_error *err) {
    ig_recurrence s;
    const void *later = NULL; /* ds of the step that the sweep has just left */
    IG_TRY(ig_recurrence_start(&s, r, r->in[GATES], r->in[WEIGHTS], r->node->nin == 5 ? r->in[LENGTHS] : NULL,
                               r->node->attrs.i[0] != 0, true, err));
    if (s.B == 0) return IG_OK;
    memset(r->out[2]->data, 0, ig_tensor_bytes(r->out[2]));
    for (int64_t i = s.T - 1; i >= 0; i--) {
        int64_t t = ig_step_at(&s, i);
        ig_recurrence_step(&s, t, later, gru_grad_units);
        later = ig_step_row(&s, r->out[1], t, 0, 0);
    }
    ig_recurrence_step(&s, 0, later, first_units);
    return IG_OK;
}

static size_t gru_grad_scratch(ig_context *ctx, const ig_node *n) {
    return ig_recurrence_scratch(ctx, &n->in[WEIGHTS]->t, n->in[GATES]->t.shape[1], true);
}

static double gru_grad_flops(const ig_node *n) {
    return 1.5 * (double)ig_tensor_numel(&n->in[GATES]->t) * (double)n->in[WEIGHTS]->t.shape[1];
}

/* ---- rows of the table -------------------------------------------------------------------------------------------------- */

const ig_op ig_op_gru_grad = {
    .name = "gru_grad",
    .doc = "inputs gates, h, w, dh, lengths; outputs dx, ds (beside h·wᵀ), dh0",
    .nin_min = 4,
    .nin_max = 5,
    .nout = 3,
    .map = -1,
    .flags = IG_OP_NO_GRAD,
    .shape = gru_grad_shape,
    .forward = gru_grad_forward,
    .scratch = gru_grad_scratch,
    .flops = gru_grad_flops,
    .attr_names = "reverse",
};

static void gru_back(ig_graph *g, ig_node *n, ig_var *const *d, ig_var **dx) {
    bool reverse = n->attrs.i[0] != 0;
    int64_t T = n->in[0]->t.shape[0];
    if (!d[0]) return;
    ig_var *in[] = {&n->out[1], &n->out[0], n->in[1], ig_contiguous(g, d[0]), n->nin == 5 ? n->in[4] : NULL};
    dx[0] = ig_record(g, &ig_op_gru_grad, in, n->nin, &n->attrs);
    if (ig_graph_poisoned(g)) return;
    ig_var *ds = &dx[0]->node->out[1];
    dx[3] = &dx[0]->node->out[2];
    if (n->in[2]->requires_grad) dx[2] = ig_sum_to(g, ds, 1, n->in[2]->t.shape);
    if (!n->in[1]->requires_grad) return;
    ig_var *before = ig_recurrence_rows(g, &n->out[0], reverse ? 1 : 0, T), *rows = ig_recurrence_rows(g, ds, 0, T);
    dx[1] = ig_matmul(g, ig_transpose(g, rows, 0, 1), before);
}

const ig_op ig_op_gru = {
    .name = "gru",
    .doc = "n = tanh(x_n + σ(r)·(h·w_nᵀ + b_n)), h = (1 - σ(z))·n + σ(z)·h for t = 0 … T-1 with r, z = x_t + h·wᵀ + b; inputs "
           "x [T,B,3H], "
           "w [3H,H], b [3H], h0 [B,H], lengths i64 [B]; outputs h [T+1,B,H], gates   (Cho et al. 2014)",
    .nin_min = 4,
    .nin_max = 5,
    .nout = 2,
    .map = -1,
    .shape = gru_shape,
    .forward = gru_forward,
    .backward = gru_back,
    .scratch = gru_scratch,
    .flops = gru_flops,
    .attr_names = "reverse",
};

ig_var *ig_gru_recurrence(ig_graph *g, ig_var *x, ig_var *w_hh, ig_var *b_hh, ig_var *h0, ig_recurrent_opts opts, ig_var **hT) {
    ig_attrs a = {.i = {opts.reverse}};
    if (hT) *hT = x;
    if (ig_graph_poisoned(g)) return x;
    int64_t T = ig_dim(x, 0), state[2] = {ig_dim(x, 1), ig_dim(w_hh, 1)}, gates = ig_dim(w_hh, 0);
    if (!b_hh) b_hh = ig_full(g, ig_var_dtype(x), 1, &gates, 0);
    if (!h0) h0 = ig_full(g, ig_var_dtype(x), 2, state, 0);
    ig_var *in[] = {ig_contiguous(g, x), ig_contiguous(g, w_hh), ig_contiguous(g, b_hh), ig_contiguous(g, h0), opts.lengths};
    ig_var *h = ig_record(g, &ig_op_gru, in, opts.lengths ? 5 : 4, &a);
    if (ig_graph_poisoned(g)) return h;
    if (hT) *hT = ig_recurrence_slot(g, h, opts.reverse ? 0 : T);
    return ig_recurrence_mask(g, ig_slice(g, h, 0, opts.reverse ? 0 : 1, opts.reverse ? T : T + 1), opts.lengths);
}

ig_var *ig_gru(ig_graph *g, ig_var *x, const ig_recurrent_weights *w, ig_var *h0, ig_recurrent_opts opts, ig_var **hT) {
    ig_var *gates = ig_linear(g, x, ig_transpose(g, w->w_ih, 0, 1), w->b_ih ? ig_contiguous(g, w->b_ih) : NULL); /* [T,B,3H] */
    return ig_gru_recurrence(g, gates, w->w_hh, w->b_hh, h0, opts, hT);
}
