/* models/onnx/onnx_recurrent.c: LSTM and GRU over whole sequences.
 *
 * Ingot multiplies all inputs at once and hands the products to the recurrence; ONNX's operators take the inputs and the
 * matrix.  So the product before the recurrence is taken apart again: its factors go in, and it is not written itself.  What is
 * no plain product, as one over quantised weights, goes in as it is, with the unit matrix.
 *
 *     gates               Ingot, PyTorch        ONNX
 *     LSTM                i f g o               i o f g
 *     GRU                 r z n                 z r n           the reset gate behind the recurrent bias: linear_before_reset
 *
 * The states h [T+1,B,H] of a recording have the first state in front (reverse: behind), and behind the end of a sequence they
 * stay what they were; ONNX gives 0 there.
 */
#include <string.h>

#include "models/onnx/onnx.h"

typedef struct recurrence {
    const ig_node *n;
    bool gru, reverse;
    int64_t gates, H;
    int first, lengths; /* inputs: h0, and lengths or -1 */
} recurrence;

const ig_node *onnx_recurrent_product(const ig_node *n) {
    if (strcmp(n->op->name, "lstm") != 0 && strcmp(n->op->name, "gru") != 0) return NULL;
    const ig_node *p = n->in[0]->node;
    bool product = p->op == &ig_op_matmul || p->op == &ig_op_linear;
    return product && p->in[0]->t.ndim == 3 && p->in[1]->t.ndim == 2 ? p : NULL;
}

/* ---- weights ---- */

/* Rows [gates·H,…] with the gates in ONNX's order, and a dimension for the direction in front: [1,gates·H,…]. */
static const char *reorder(onnx_export *x, const recurrence *r, const char *w) {
    static const int64_t lstm[] = {0, 3, 1, 2}, gru[] = {1, 0, 2};
    const char *part[4];
    for (int64_t k = 0; k < r->gates; k++) {
        int64_t from = (r->gru ? gru : lstm)[k] * r->H;
        part[k] = onnx_slice(x, w, 0, onnx_fixed(from), onnx_fixed(from + r->H), 1);
    }
    return onnx_unsqueeze(x, onnx_emit(x, "Concat", part, (int)r->gates, (onnx_attr[]){onnx_int("axis", 0)}, 1), 0);
}

static const char *no_bias(onnx_export *x, const recurrence *r) {
    int64_t shape[] = {1, r->gates * r->H};
    return onnx_op2(x, "Expand", onnx_real(x, r->n->in[0]->t.dtype, 0), onnx_ints(x, shape, 2));
}

/* [1,2·gates·H]: of the inputs, of the recurrence */
static const char *biases(onnx_export *x, const recurrence *r, const ig_node *product) {
    const char *b = product && product->nin == 3 ? reorder(x, r, onnx_in(x, product, 2)) : no_bias(x, r);
    const char *both[] = {b, r->gru ? reorder(x, r, onnx_in(x, r->n, 2)) : no_bias(x, r)};
    return onnx_emit(x, "Concat", both, 2, (onnx_attr[]){onnx_int("axis", 1)}, 1);
}

/* [gates·H,I] of the inputs, before it is reordered */
static const char *input_weights(onnx_export *x, const recurrence *r, const ig_node *product) {
    int64_t square[] = {r->gates * r->H, r->gates * r->H};
    if (product) return onnx_permute(x, onnx_in(x, product, 1), (int64_t[]){1, 0}, 2);
    return onnx_op1(x, "EyeLike", onnx_op2(x, "Expand", onnx_real(x, r->n->in[0]->t.dtype, 0), onnx_ints(x, square, 2)));
}

/* ---- states ---- */

/* bool [T,B,1]: the steps before the end of each sequence */
static const char *live_steps(onnx_export *x, const recurrence *r) {
    const char *t = onnx_op3(x, "Range", onnx_index(x, 0), onnx_size_scalar(x, onnx_dim(x, r->n->in[0], 0)), onnx_index(x, 1));
    const char *length = onnx_reshape(x, onnx_in(x, r->n, r->lengths), (int64_t[]){1, -1, 1}, 3);
    return onnx_op2(x, "Less", onnx_reshape(x, t, (int64_t[]){-1, 1, 1}, 3), length);
}

/* y [T,1,B,H], last [1,B,H] → all states [T+1,B,H] */
static const char *states(onnx_export *x, const recurrence *r, const char *y, const char *last, const char *first) {
    y = onnx_op2(x, "Squeeze", y, onnx_ints(x, (int64_t[]){1}, 1));
    if (r->lengths >= 0) y = onnx_op3(x, "Where", live_steps(x, r), y, r->reverse ? first : last);
    const char *both[] = {r->reverse ? y : first, r->reverse ? first : y};
    return onnx_emit(x, "Concat", both, 2, (onnx_attr[]){onnx_int("axis", 0)}, 1);
}

static bool is_read(const onnx_export *x, const ig_var *v) {
    for (int i = 0; i < x->g[0]->count; i++)
        for (int k = 0; x->needed[i] && k < x->g[0]->node[i]->nin; k++)
            if (x->g[0]->node[i]->in[k] == v) return true;
    return false;
}

/* ---- the operators ---- */

static void emit(onnx_export *x, const recurrence *r, const ig_node *product, const onnx_row *row) {
    const ig_node *n = r->n;
    const char *first = onnx_unsqueeze(x, onnx_in(x, n, r->first), 0);
    const char *lengths = r->lengths < 0 ? "" : onnx_cast(x, onnx_in(x, n, r->lengths), IG_DTYPE_I64, IG_DTYPE_I32);
    const char *in[] = {product ? onnx_in(x, product, 0) : onnx_in(x, n, 0), reorder(x, r, input_weights(x, r, product)),
                        reorder(x, r, onnx_in(x, n, 1)), biases(x, r, product), lengths, first,
                        r->gru ? "" : onnx_unsqueeze(x, onnx_in(x, n, 3), 0)};
    const char *out[] = {onnx_fresh(x, "states"), onnx_fresh(x, "last")};
    onnx_attr attr[] = {onnx_int("hidden_size", r->H), onnx_text("direction", r->reverse ? "reverse" : "forward"),
                        onnx_int("linear_before_reset", 1)}; /* the last one is a GRU's */
    onnx_node node = {.op = row->to, .name = out[0], .in = in, .nin = r->gru ? 6 : 7, .out = out, .nout = 2, .attr = attr,
                      .attrs = r->gru ? 3 : 2};
    if (onnx_failed(x)) return;
    onnx_put_node(&x->out, &node);
    onnx_set(x, n, 0, states(x, r, out[0], out[1], first));
}

static void write_recurrence(onnx_export *x, const ig_node *n, const onnx_row *row) {
    bool gru = strcmp(n->op->name, "gru") == 0;
    recurrence r = {.n = n, .gru = gru, .reverse = n->attrs.i[0] != 0, .gates = gru ? 3 : 4, .H = n->in[1]->t.shape[1],
                    .first = gru ? 3 : 2, .lengths = n->nin == 5 ? 4 : -1};
    if (!is_read(x, &n->out[1])) emit(x, &r, onnx_recurrent_product(n), row);
    else onnx_fail(x, IG_E_UNSUPPORTED, "%s: a network that reads the cells has no form in ONNX", n->op->name);
}

const onnx_row onnx_rows_recurrent[] = {
    {.op = "lstm", .write = write_recurrence, .to = "LSTM"},
    {.op = "gru", .write = write_recurrence, .to = "GRU"},
    {0},
};
