/* models/onnx/onnx_sizes.c: which sizes of a recording are fixed, and how the others follow the inputs.
 *
 * A recording knows numbers only.  So the pass is recorded for four pairs of a batch B and a length T, and every size and every
 * integer constant is solved for
 *
 *     v(B,T) = c0 + c1·B + c2·T + c3·B·T
 *
 * which these four determine.  A fifth pair must confirm it: what follows the inputs in another way is refused and not guessed.
 */
#include <string.h>

#include "models/onnx/onnx.h"

static const int64_t batches[ONNX_RECORDINGS] = {3, 5, 3, 5, 6};
static const int64_t lengths[ONNX_RECORDINGS] = {7, 7, 11, 11, 13};
static const int64_t short_lengths[ONNX_RECORDINGS] = {2, 2, 3, 3, 4}; /* for models that know fewer positions */

int64_t onnx_batch(int r) { return batches[r]; }
int64_t onnx_length(int r, int64_t longest) { return longest < 13 ? short_lengths[r] : lengths[r]; }

/* ---- comparing ---- */

/* Pools keep the size of their picture as real constants h and w. */
static bool same_reals(const ig_node *a, const ig_node *b) {
    bool pool = strstr(a->op->name, "pool2d") || strcmp(a->op->name, "max_over_time") == 0;
    return memcmp(a->attrs.f, b->attrs.f, (pool ? 2 : IG_OP_REAL_MAX) * sizeof *a->attrs.f) == 0;
}

static bool same_node(const ig_node *a, const ig_node *b) {
    if (a->op != b->op || a->nin != b->nin || !same_reals(a, b)) return false;
    for (int k = 0; k < a->nin; k++)
        if (a->in[k]->node->id != b->in[k]->node->id || a->in[k]->index != b->in[k]->index) return false;
    for (int k = 0; k < a->nout; k++)
        if (a->out[k].t.ndim != b->out[k].t.ndim || a->out[k].t.dtype != b->out[k].t.dtype) return false;
    return true;
}

bool onnx_same_recordings(onnx_export *x) {
    for (int r = 1; r < ONNX_RECORDINGS; r++) {
        if (x->g[r]->count != x->g[0]->count) return false;
        for (int i = 0; i < x->g[0]->count; i++)
            if (!same_node(x->g[0]->node[i], x->g[r]->node[i])) return false;
    }
    return true;
}

/* ---- solving ---- */

typedef struct corner {
    int64_t B, T;
} corner;

/* The batch and the length of recording r, as its first input shows them. */
static corner corner_of(const onnx_export *x, int r) {
    const onnx_input *in = &x->input[0];
    corner c = {onnx_batch(r), 0};
    for (int d = 0; d < in->ndim; d++)
        if (onnx_size_is(in->shape[d], (onnx_size){{0, 0, 1, 0}})) c.T = in->t[r].shape[d];
    return c;
}

static int64_t value_at(onnx_size s, corner c) { return s.c[0] + s.c[1] * c.B + s.c[2] * c.T + s.c[3] * c.B * c.T; }

static onnx_size solve(onnx_export *x, const int64_t v[ONNX_RECORDINGS], const char *op) {
    corner a = corner_of(x, 0), b = corner_of(x, 1), c = corner_of(x, 2);
    int64_t dB = b.B - a.B, dT = c.T - a.T ? c.T - a.T : 1;
    onnx_size s = {{0}};
    s.c[3] = (v[3] - v[1] - v[2] + v[0]) / (dB * dT);
    s.c[1] = (v[1] - v[0]) / dB - s.c[3] * a.T;
    s.c[2] = (v[2] - v[0]) / dT - s.c[3] * a.B;
    s.c[0] = v[0] - value_at(s, a);
    for (int r = 0; r < ONNX_RECORDINGS; r++)
        if (value_at(s, corner_of(x, r)) != v[r]) {
            onnx_fail(x, IG_E_UNSUPPORTED, "%s: a size follows those of the inputs in a way that cannot be written in ONNX",
                      op);
            return onnx_fixed(v[0]);
        }
    return s;
}

onnx_size onnx_dim(onnx_export *x, const ig_var *v, int axis) {
    int64_t at[ONNX_RECORDINGS];
    int d = axis < 0 ? axis + v->t.ndim : axis;
    for (int r = 0; r < ONNX_RECORDINGS; r++) at[r] = x->g[r]->node[v->node->id]->out[v->index].t.shape[d];
    return solve(x, at, v->node->op->name);
}

onnx_size onnx_attr_size(onnx_export *x, const ig_node *n, int k) {
    int64_t at[ONNX_RECORDINGS];
    for (int r = 0; r < ONNX_RECORDINGS; r++) at[r] = x->g[r]->node[n->id]->attrs.i[k];
    return solve(x, at, n->op->name);
}

bool onnx_size_is(onnx_size a, onnx_size b) { return memcmp(&a, &b, sizeof a) == 0; }
bool onnx_is_fixed(onnx_size s) { return !s.c[1] && !s.c[2] && !s.c[3]; }

onnx_size onnx_minus(onnx_size a, onnx_size b) {
    for (int i = 0; i < 4; i++) a.c[i] -= b.c[i];
    return a;
}

/* ---- sizes as values ---- */

/* B or T, read from the first input that has it. */
static const char *symbol(onnx_export *x, int which) {
    onnx_size wanted = {{0, which == 0, which == 1, 0}};
    for (int k = 0; k < x->inputs && !x->symbol[which]; k++) {
        for (int d = 0; d < x->input[k].ndim && !x->symbol[which]; d++) {
            const char *name = x->input[k].name;
            if (!onnx_size_is(x->input[k].shape[d], wanted)) continue;
            x->symbol[which] = onnx_emit(x, "Shape", &name, 1, (onnx_attr[]){onnx_int("start", d), onnx_int("end", d + 1)}, 2);
        }
    }
    return x->symbol[which] ? x->symbol[which] : "";
}

static const char *times(onnx_export *x, const char *v, int64_t factor) {
    return factor == 1 ? v : onnx_op2(x, "Mul", v, onnx_ints(x, &factor, 1));
}

static const char *plus(onnx_export *x, const char *sum, const char *v) { return sum ? onnx_op2(x, "Add", sum, v) : v; }

const char *onnx_size_value(onnx_export *x, onnx_size s) {
    const char *sum = NULL;
    if (onnx_is_fixed(s)) return onnx_ints(x, s.c, 1);
    if (s.c[1]) sum = plus(x, sum, times(x, symbol(x, 0), s.c[1]));
    if (s.c[2]) sum = plus(x, sum, times(x, symbol(x, 1), s.c[2]));
    if (s.c[3]) sum = plus(x, sum, times(x, onnx_op2(x, "Mul", symbol(x, 0), symbol(x, 1)), s.c[3]));
    return s.c[0] ? plus(x, sum, onnx_ints(x, s.c, 1)) : sum;
}

const char *onnx_size_scalar(onnx_export *x, onnx_size s) {
    return onnx_is_fixed(s) ? onnx_index(x, s.c[0]) : onnx_op1(x, "Squeeze", onnx_size_value(x, s));
}

const char *onnx_shape_value(onnx_export *x, const onnx_size *s, int count) {
    const char *part[IG_DIMS_MAX] = {0};
    int64_t fixed[IG_DIMS_MAX];
    bool all = true;
    for (int d = 0; d < count; d++) fixed[d] = s[d].c[0], all &= onnx_is_fixed(s[d]);
    if (all) return onnx_ints(x, fixed, count);
    for (int d = 0; d < count; d++) part[d] = onnx_size_value(x, s[d]);
    return onnx_emit(x, "Concat", part, count, (onnx_attr[]){onnx_int("axis", 0)}, 1);
}

onnx_extent onnx_file_dim(onnx_export *x, onnx_size s) {
    if (onnx_is_fixed(s)) return (onnx_extent){.size = s.c[0]};
    if (onnx_size_is(s, (onnx_size){{0, 1, 0, 0}})) return (onnx_extent){.symbol = "batch_size"};
    if (onnx_size_is(s, (onnx_size){{0, 0, 1, 0}})) return (onnx_extent){.symbol = "sequence_length"};
    char *text = onnx_alloc(x, 128);
    if (text)
        snprintf(text, 128, "%lld+%lld*batch_size+%lld*sequence_length+%lld*batch_size*sequence_length", (long long)s.c[0],
                 (long long)s.c[1], (long long)s.c[2], (long long)s.c[3]);
    return (onnx_extent){.symbol = text ? text : ""};
}
