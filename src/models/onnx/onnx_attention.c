/* models/onnx/onnx_attention.c: attention as products and a softmax, and rotary positions.
 *
 *     softmax(where(seen, q·scale·kᵀ, least))·v          least: the smallest f32, which softmax makes 0
 *
 * Grouped queries: q [B,H,T,D] becomes [B,G,H/G,T,D], so that keys and values [B,G,1,S,D] are repeated by broadcasting.
 */
#include <float.h>
#include <math.h>

#include "graph/ops/ops.h"
#include "models/onnx/onnx.h"

typedef struct attention {
    const ig_node *n;
    const ig_var *length;  /* NULL: all keys are valid */
    int64_t H, G, D;
    bool causal;
    onnx_size rows, columns; /* T and S */
} attention;

static bool grouped(const attention *a) { return a->G != a->H; }

/* ---- what may be seen ---- */

static const char *count_up(onnx_export *x, onnx_size n) { /* 0 … n-1 */
    return onnx_op3(x, "Range", onnx_index(x, 0), onnx_size_scalar(x, n), onnx_index(x, 1));
}

/* i64 [B,1,1,1], or with one more 1 for the groups */
static const char *length_column(onnx_export *x, const attention *a) {
    return onnx_reshape(x, onnx_in(x, a->n, 3), (int64_t[]){-1, 1, 1, 1, 1}, grouped(a) ? 5 : 4);
}

/* bool, broadcast against the scores [B,…,T,S]: s < length, or s <= t + (valid - T) */
static const char *seen(onnx_export *x, const attention *a) {
    const char *s = count_up(x, a->columns);
    if (!a->causal) return onnx_op2(x, "Less", s, length_column(x, a));
    const char *t = onnx_unsqueeze(x, count_up(x, a->rows), 1); /* [T,1] */
    if (a->length) {
        const char *before = onnx_op2(x, "Sub", length_column(x, a), onnx_size_value(x, a->rows));
        t = onnx_op2(x, "Add", t, before);
    } else if (!onnx_size_is(a->rows, a->columns)) {
        t = onnx_op2(x, "Add", t, onnx_size_value(x, onnx_minus(a->columns, a->rows)));
    }
    return onnx_op2(x, "LessOrEqual", s, t);
}

static const char *mask(onnx_export *x, const attention *a) {
    for (int i = 0; i < x->masks; i++) {
        const onnx_mask *m = &x->mask[i];
        if (m->length == a->length && m->causal == a->causal && m->grouped == grouped(a) && onnx_size_is(m->rows, a->rows) &&
            onnx_size_is(m->columns, a->columns))
            return m->name;
    }
    onnx_mask made = {a->length, a->rows, a->columns, a->causal, grouped(a), seen(x, a)};
    if (x->masks < ONNX_MASKS_MAX) x->mask[x->masks++] = made;
    return made.name;
}

/* ---- attention ---- */

static const char *scores(onnx_export *x, const attention *a) {
    const ig_node *n = a->n;
    double scale = n->attrs.f[0] != 0 ? n->attrs.f[0] : 1 / sqrt((double)a->D);
    ig_dtype type = n->in[0]->t.dtype;
    const char *q = onnx_op2(x, "Mul", onnx_in(x, n, 0), onnx_real(x, type, scale));
    const char *k = onnx_permute(x, onnx_in(x, n, 1), (int64_t[]){0, 1, 3, 2}, 4);
    if (grouped(a)) q = onnx_reshape(x, q, (int64_t[]){0, a->G, a->H / a->G, -1, a->D}, 5), k = onnx_unsqueeze(x, k, 2);
    const char *s = onnx_op2(x, "MatMul", q, k);
    return a->causal || a->length ? onnx_op3(x, "Where", mask(x, a), s, onnx_real(x, type, -FLT_MAX)) : s;
}

static void write_attention(onnx_export *x, const ig_node *n, const onnx_row *row) {
    const ig_tensor *q = &n->in[0]->t;
    attention a = {.n = n,
                   .length = n->nin == 4 ? n->in[3] : NULL,
                   .H = q->shape[1],
                   .G = n->in[1]->t.shape[1],
                   .D = q->shape[3],
                   .causal = n->attrs.i[0] != 0,
                   .rows = onnx_dim(x, n->in[0], 2),
                   .columns = onnx_dim(x, n->in[1], 2)};
    (void)row;
    const char *s = scores(x, &a), *v = onnx_in(x, n, 2);
    s = onnx_emit(x, "Softmax", &s, 1, (onnx_attr[]){onnx_int("axis", -1)}, 1);
    const char *y = onnx_op2(x, "MatMul", s, grouped(&a) ? onnx_unsqueeze(x, v, 2) : v);
    onnx_set(x, n, 0, grouped(&a) ? onnx_reshape(x, y, (int64_t[]){0, a.H, -1, a.D}, 4) : y);
}

/* ---- rotary positions ---- */

/* f32 or f64 [P] */
static const char *frequencies(onnx_export *x, const ig_node *n) {
    int64_t pairs = n->out[0].t.shape[1];
    ig_error err = {0};
    ig_tensor t;
    const char *name = onnx_fresh(x, "frequencies");
    if (ig_tensor_new(x->m->ctx, n->out[0].t.dtype, 1, &pairs, &t, &err) != IG_OK) {
        onnx_fail(x, err.code, "%s", err.message);
        return name;
    }
    for (int64_t i = 0; i < pairs; i++) {
        double f = ig_rope_frequency(&n->attrs, i, pairs);
        if (ig_is_f64(&t)) ((double *)t.data)[i] = f;
        else ((float *)t.data)[i] = (float)f;
    }
    onnx_weight_of(x, name, &t);
    ig_tensor_unref(&t);
    return name;
}

/* Angles are products of f32 here, as PyTorch's models compute them; Ingot takes them in double. */
static void write_rope_table(onnx_export *x, const ig_node *n, const onnx_row *row) {
    (void)row;
    const char *at = onnx_unsqueeze(x, onnx_cast(x, onnx_in(x, n, 0), n->in[0]->t.dtype, n->out[0].t.dtype), 1); /* [T,1] */
    const char *angle = onnx_op2(x, "Mul", at, frequencies(x, n));                                               /* [T,P] */
    onnx_set(x, n, 0, onnx_op1(x, "Cos", angle));
    onnx_set(x, n, 1, onnx_op1(x, "Sin", angle));
}

/* The two halves of the pairs of the last dim: [...,P] each */
static void halves(onnx_export *x, const ig_node *n, int64_t pairs, const char *half[2]) {
    int last = n->in[0]->t.ndim - 1;
    const char *v = onnx_in(x, n, 0);
    for (int k = 0; k < 2; k++) {
        if (n->attrs.i[0]) half[k] = onnx_slice(x, v, last, onnx_fixed(k * pairs), onnx_fixed((k + 1) * pairs), 1);
        else half[k] = onnx_slice(x, v, last, onnx_fixed(k), onnx_fixed(2 * pairs), 2);
    }
}

/* Adjacent pairs: [...,P] and [...,P] → [...,P,2] → [...,2P] */
static const char *interleave(onnx_export *x, const char *a, const char *b, int ndim, int64_t pairs) {
    const char *in[] = {onnx_unsqueeze(x, a, ndim), onnx_unsqueeze(x, b, ndim)};
    int64_t shape[IG_DIMS_MAX] = {0};
    shape[ndim - 1] = 2 * pairs;
    return onnx_reshape(x, onnx_emit(x, "Concat", in, 2, (onnx_attr[]){onnx_int("axis", ndim)}, 1), shape, ndim);
}

static void write_rope(onnx_export *x, const ig_node *n, const onnx_row *row) {
    int64_t pairs = n->in[1]->t.shape[1], ndim = n->in[0]->t.ndim, D = n->in[0]->t.shape[ndim - 1];
    const char *half[2] = {"", ""}, *c = onnx_in(x, n, 1), *s = onnx_in(x, n, 2);
    bool back = n->attrs.i[1] != 0;
    (void)row;
    halves(x, n, pairs, half);
    const char *a = onnx_op2(x, back ? "Add" : "Sub", onnx_op2(x, "Mul", half[0], c), onnx_op2(x, "Mul", half[1], s));
    const char *b = onnx_op2(x, back ? "Sub" : "Add", onnx_op2(x, "Mul", half[1], c), onnx_op2(x, "Mul", half[0], s));
    const char *part[3] = {a, b, NULL};
    int parts = 2;
    if (!n->attrs.i[0]) part[0] = interleave(x, a, b, (int)ndim, pairs), parts = 1;
    if (D > 2 * pairs) part[parts++] = onnx_slice(x, onnx_in(x, n, 0), (int)ndim - 1, onnx_fixed(2 * pairs), onnx_fixed(D), 1);
    onnx_set(x, n, 0, parts == 1 ? part[0] : onnx_emit(x, "Concat", part, parts, (onnx_attr[]){onnx_int("axis", ndim - 1)}, 1));
}

const onnx_row onnx_rows_attention[] = {
    {.op = "attention", .write = write_attention},
    {.op = "rope_table", .write = write_rope_table},
    {.op = "rope", .write = write_rope},
    {0},
};
