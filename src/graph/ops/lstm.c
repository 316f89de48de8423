/* graph/ops/lstm.c: the recurrence of an LSTM over a whole sequence, and its gradient.   (Hochreiter & Schmidhuber 1997)
 *
 * The product of all inputs, x·W_ihᵀ, is an op of its own before it: one product of T·B rows.  What is left is one op:
 *
 *     in    x [T,B,4H], gates i f g o with both biases   w [4H,H]   h0, c0 [B,H]   lengths i64 [B], or none
 *     out   h, c [T+1,B,H]: the states in slots (recurrence.h)   gates [T,B,4H] after their functions, for the gradient
 *
 * The gradient walks the steps backwards and gives dx and those of the first states.  That of the weights needs no sweep: it is
 * dxᵀ·h over all steps, one product, recorded beside it.  A step behind the end of a sequence keeps the state, backwards too.
 */
#include "graph/ops/recurrence.h"

#include <string.h>

/* ---- forward ------------------------------------------------------------------------------------------------------------ */

static ig_status lstm_shape(ig_node *n, ig_error *err) {
    int64_t T, B, H;
    IG_TRY(ig_recurrence_flags(n, 1, n->nin, err));
    IG_TRY(ig_recurrence_shape(n, 0, 1, 4, &T, &B, &H, err));
    int64_t gates[3] = {T, B, 4 * H}, state[2] = {B, H}, slots[3] = {T + 1, B, H};
    IG_TRY(ig_recurrence_need(n, 0, 3, gates, err));
    IG_TRY(ig_recurrence_need(n, 2, 2, state, err));
    IG_TRY(ig_recurrence_need(n, 3, 2, state, err));
    if (n->nin == 5) {
        IG_TRY(ig_need_shape(n, 4, IG_DTYPE_I64, 1, &B, err));
        IG_TRY(ig_need_indices(n, 4, err));
    }
    IG_TRY(ig_out_set(n, 0, n->in[0]->t.dtype, 3, slots, err));
    IG_TRY(ig_out_set(n, 1, n->in[0]->t.dtype, 3, slots, err));
    return ig_out_set(n, 2, n->in[0]->t.dtype, 3, gates, err);
}

static void keep_state(const ig_recurrence *s, int64_t b, int64_t u, size_t n) {
    size_t bytes = n * ig_dtype_size(s->w->dtype);
    for (int k = 0; k < 2; k++)
        memcpy(ig_step_row(s, s->r->out[k], ig_slot_after(s), b, u), ig_step_row(s, s->r->out[k], ig_slot_before(s), b, u),
               bytes);
    for (int64_t gate = 0; gate < 4; gate++) memset(ig_step_row(s, s->r->out[2], s->t, b, gate * s->H + u), 0, bytes);
}

static void lstm_units(const ig_recurrence *s, int64_t b, int64_t u, size_t n, void *sum) {
    const ig_run *r = s->r;
    size_t H = (size_t)s->H;
    if (ig_is_padding(s, b)) {
        keep_state(s, b, u, n);
        return;
    }
    void *h = ig_step_row(s, r->out[0], ig_slot_after(s), b, u), *c = ig_step_row(s, r->out[1], ig_slot_after(s), b, u);
    void *gates = ig_step_row(s, r->out[2], s->t, b, u);
    const void *x = ig_step_row(s, r->in[0], s->t, b, u), *before = ig_step_row(s, r->out[1], ig_slot_before(s), b, u);
    if (ig_is_f64(s->w)) r->k->lstm_row_f64(h, c, gates, x, sum, before, H, n);
    else r->k->lstm_row(h, c, gates, x, sum, before, H, n);
}

static ig_status lstm_forward(const ig_run *r, ig_error *err) {
    ig_recurrence s;
    IG_TRY(ig_recurrence_start(&s, r, r->in[0], r->in[1], r->node->nin == 5 ? r->in[4] : NULL, r->node->attrs.i[0] != 0, false,
                               err));
    if (s.B == 0) return IG_OK;
    memcpy(ig_step_row(&s, r->out[0], ig_slot_first(&s), 0, 0), r->in[2]->data, ig_tensor_bytes(r->in[2]));
    memcpy(ig_step_row(&s, r->out[1], ig_slot_first(&s), 0, 0), r->in[3]->data, ig_tensor_bytes(r->in[3]));
    for (int64_t i = 0; i < s.T; i++) {
        s.t = ig_step_at(&s, i);
        ig_recurrence_step(&s, s.t, ig_step_row(&s, r->out[0], ig_slot_before(&s), 0, 0), lstm_units);
    }
    return IG_OK;
}

static size_t lstm_scratch(ig_context *ctx, const ig_node *n) {
    return ig_recurrence_scratch(ctx, &n->in[1]->t, n->in[0]->t.shape[1], false);
}

static double lstm_flops(const ig_node *n) { return 2 * (double)ig_tensor_numel(&n->in[0]->t) * (double)n->in[1]->t.shape[1]; }

/* ---- gradient ----------------------------------------------------------------------------------------------------------- */

enum { GATES, CELLS, WEIGHTS, LATER }; /* inputs of lstm_grad; dh, dc and lengths follow where the constants say so */
enum { REVERSE, HAS_DH, HAS_DC, HAS_LENGTHS };

static const ig_tensor *later_input(const ig_run *r, int flag) {
    int at = LATER;
    if (!r->node->attrs.i[flag]) return NULL;
    for (int i = HAS_DH; i < flag; i++) at += r->node->attrs.i[i] != 0;
    return r->in[at];
}

static ig_status lstm_grad_shape(ig_node *n, ig_error *err) {
    int64_t T, B, H;
    int at = LATER;
    IG_TRY(ig_recurrence_flags(n, 4, LATER, err));
    IG_TRY(ig_recurrence_shape(n, GATES, WEIGHTS, 4, &T, &B, &H, err));
    int64_t gates[3] = {T, B, 4 * H}, state[2] = {B, H}, slots[3] = {T + 1, B, H};
    IG_TRY(ig_recurrence_need(n, GATES, 3, gates, err));
    IG_TRY(ig_recurrence_need(n, CELLS, 3, slots, err));
    if (n->attrs.i[HAS_DH]) IG_TRY(ig_recurrence_need(n, at++, 3, slots, err));
    if (n->attrs.i[HAS_DC]) IG_TRY(ig_recurrence_need(n, at++, 3, slots, err));
    if (n->attrs.i[HAS_LENGTHS]) {
        IG_TRY(ig_need_shape(n, at, IG_DTYPE_I64, 1, &B, err));
        IG_TRY(ig_need_indices(n, at, err));
    }
    IG_TRY(ig_out_set(n, 0, n->in[0]->t.dtype, 3, gates, err));
    IG_TRY(ig_out_set(n, 1, n->in[0]->t.dtype, 2, state, err));
    return ig_out_set(n, 2, n->in[0]->t.dtype, 2, state, err);
}

/* Units of a gradient that came from outside, at one slot. */
static const void *outside(const ig_recurrence *s, int flag, int64_t slot, int64_t b, int64_t u) {
    const ig_tensor *d = later_input(s->r, flag);
    return d ? ig_step_row(s, d, slot, b, u) : s->zeros;
}

static void add_two(const ig_recurrence *s, void *y, const void *a, const void *b, size_t n) {
    if (ig_is_f64(s->w)) s->r->k->add_two_row_f64(y, a, b, n);
    else s->r->k->add_two_row(y, a, b, n);
}

/* The outputs dh0 and dc0 hold what flows from step to step. */
static void lstm_grad_units(const ig_recurrence *s, int64_t b, int64_t u, size_t n, void *sum) {
    const ig_run *r = s->r;
    int64_t slot = ig_slot_after(s);
    size_t H = (size_t)s->H, bytes = n * ig_dtype_size(s->w->dtype);
    void *dx = ig_step_row(s, r->out[0], s->t, b, u), *dh = ig_step_row(s, r->out[1], 0, b, u),
         *dc = ig_step_row(s, r->out[2], 0, b, u);
    const void *dh_out = outside(s, HAS_DH, slot, b, u), *dc_out = outside(s, HAS_DC, slot, b, u);
    if (ig_is_padding(s, b)) {
        for (int64_t gate = 0; gate < 4; gate++) memset(ig_step_row(s, r->out[0], s->t, b, gate * s->H + u), 0, bytes);
        add_two(s, dh, sum, dh_out, n);
        add_two(s, dc, s->zeros, dc_out, n);
        return;
    }
    const void *gates = ig_step_row(s, r->in[GATES], s->t, b, u);
    const void *c = ig_step_row(s, r->in[CELLS], slot, b, u), *before = ig_step_row(s, r->in[CELLS], ig_slot_before(s), b, u);
    if (ig_is_f64(s->w)) r->k->lstm_grad_row_f64(dx, dh, dc, sum, dh_out, dc_out, gates, c, before, H, n);
    else r->k->lstm_grad_row(dx, dh, dc, sum, dh_out, dc_out, gates, c, before, H, n);
}

static void first_units(const ig_recurrence *s, int64_t b, int64_t u, size_t n, void *sum) {
    int64_t slot = ig_slot_first(s);
    add_two(s, ig_step_row(s, s->r->out[1], 0, b, u), sum, outside(s, HAS_DH, slot, b, u), n);
    add_two(s, ig_step_row(s, s->r->out[2], 0, b, u), s->zeros, outside(s, HAS_DC, slot, b, u), n);
}

static ig_status lstm_grad_forward(const ig_run *r, ig_error *err) {
    ig_recurrence s;
    const void *later = NULL; /* gate gradients of the step that the sweep has just left */
    IG_TRY(ig_recurrence_start(&s, r, r->in[GATES], r->in[WEIGHTS], later_input(r, HAS_LENGTHS), r->node->attrs.i[REVERSE] != 0,
                               true, err));
    if (s.B == 0) return IG_OK;
    memset(r->out[1]->data, 0, ig_tensor_bytes(r->out[1]));
    memset(r->out[2]->data, 0, ig_tensor_bytes(r->out[2]));
    for (int64_t i = s.T - 1; i >= 0; i--) {
        int64_t t = ig_step_at(&s, i);
        ig_recurrence_step(&s, t, later, lstm_grad_units);
        later = ig_step_row(&s, r->out[0], t, 0, 0);
    }
    ig_recurrence_step(&s, 0, later, first_units);
    return IG_OK;
}

static size_t lstm_grad_scratch(ig_context *ctx, const ig_node *n) {
    return ig_recurrence_scratch(ctx, &n->in[WEIGHTS]->t, n->in[GATES]->t.shape[1], true);
}

static double lstm_grad_flops(const ig_node *n) {
    return 2 * (double)ig_tensor_numel(&n->in[GATES]->t) * (double)n->in[WEIGHTS]->t.shape[1];
}

/* ---- rows of the table -------------------------------------------------------------------------------------------------- */

const ig_op ig_op_lstm_grad = {
    .name = "lstm_grad",
    .doc = "inputs gates, c, w, and dh, dc, lengths as the constants say; outputs dx, dh0, dc0",
    .nin_min = 3,
    .nin_max = 6,
    .nout = 3,
    .map = -1,
    .flags = IG_OP_NO_GRAD,
    .shape = lstm_grad_shape,
    .forward = lstm_grad_forward,
    .scratch = lstm_grad_scratch,
    .flops = lstm_grad_flops,
    .attr_names = "reverse,dh,dc,lengths",
};

static void lstm_back(ig_graph *g, ig_node *n, ig_var *const *d, ig_var **dx) {
    bool reverse = n->attrs.i[0] != 0;
    int64_t T = n->in[0]->t.shape[0];
    ig_attrs a = {.i = {reverse, d[0] != NULL, d[1] != NULL, n->nin == 5}};
    int nin = LATER;
    if (!d[0] && !d[1]) return;
    ig_var *in[6] = {&n->out[2], &n->out[1], n->in[1]};
    if (d[0]) in[nin++] = ig_contiguous(g, d[0]);
    if (d[1]) in[nin++] = ig_contiguous(g, d[1]);
    if (n->nin == 5) in[nin++] = n->in[4];
    ig_var *gates = ig_record(g, &ig_op_lstm_grad, in, nin, &a);
    if (ig_graph_poisoned(g)) return;
    dx[0] = gates, dx[2] = &gates->node->out[1], dx[3] = &gates->node->out[2];
    if (!n->in[1]->requires_grad) return;
    ig_var *before = ig_recurrence_rows(g, &n->out[0], reverse ? 1 : 0, T), *rows = ig_recurrence_rows(g, gates, 0, T);
    dx[1] = ig_matmul(g, ig_transpose(g, rows, 0, 1), before);
}

const ig_op ig_op_lstm = {
    .name = "lstm",
    .doc = "c = σ(f)·c + σ(i)·tanh(g), h = σ(o)·tanh(c) for t = 0 … T-1 with i, f, g, o = x_t + h·wᵀ; inputs x [T,B,4H], w "
           "[4H,H], h0, c0 [B,H], "
           "lengths i64 [B]; outputs h, c [T+1,B,H], gates   (Hochreiter & Schmidhuber 1997)",
    .nin_min = 4,
    .nin_max = 5,
    .nout = 3,
    .map = -1,
    .shape = lstm_shape,
    .forward = lstm_forward,
    .backward = lstm_back,
    .scratch = lstm_scratch,
    .flops = lstm_flops,
    .attr_names = "reverse",
};

ig_var *ig_lstm_recurrence(ig_graph *g, ig_var *x, ig_var *w_hh, ig_var *h0, ig_var *c0, ig_recurrent_opts opts, ig_var **hT,
                           ig_var **cT) {
    ig_attrs a = {.i = {opts.reverse}};
    if (hT) *hT = x;
    if (cT) *cT = x;
    if (ig_graph_poisoned(g)) return x;
    int64_t T = ig_dim(x, 0), state[2] = {ig_dim(x, 1), ig_dim(w_hh, 1)}, last = opts.reverse ? 0 : T;
    if (!h0) h0 = ig_full(g, ig_var_dtype(x), 2, state, 0);
    if (!c0) c0 = ig_full(g, ig_var_dtype(x), 2, state, 0);
    ig_var *in[] = {ig_contiguous(g, x), ig_contiguous(g, w_hh), ig_contiguous(g, h0), ig_contiguous(g, c0), opts.lengths};
    ig_var *h = ig_record(g, &ig_op_lstm, in, opts.lengths ? 5 : 4, &a);
    if (ig_graph_poisoned(g)) return h;
    if (hT) *hT = ig_recurrence_slot(g, h, last);
    if (cT) *cT = ig_recurrence_slot(g, &h->node->out[1], last);
    return ig_recurrence_mask(g, ig_slice(g, h, 0, opts.reverse ? 0 : 1, opts.reverse ? T : T + 1), opts.lengths);
}

ig_var *ig_lstm(ig_graph *g, ig_var *x, const ig_recurrent_weights *w, ig_var *h0, ig_var *c0, ig_recurrent_opts opts,
                ig_var **hT, ig_var **cT) {
    ig_var *bias = w->b_ih && w->b_hh ? ig_add(g, w->b_ih, w->b_hh) : w->b_ih ? w->b_ih : w->b_hh;
    ig_var *gates = ig_linear(g, x, ig_transpose(g, w->w_ih, 0, 1), bias ? ig_contiguous(g, bias) : NULL); /* [T,B,4H] */
    return ig_lstm_recurrence(g, gates, w->w_hh, h0, c0, opts, hT, cT);
}
