/* graph/ops/elementwise.c: element-wise ops.  One row per op: formula, and derivative.
 *
 * The loops stand in tensor/kernels/map.c under the same names; tensor/map.c runs them over broadcast and strided
 * operands; graph/fuse.c joins neighbours into chains.  The derivative of each row is recorded with other rows.
 */
#include "graph/graph.h"
#include "tensor/map.h"

#include <string.h>

/* ---- shape and forward, the same for all -------------------------------------------------------------------------------- */

static bool compares(int map) { return map >= IG_MAP_eq && map <= IG_MAP_ge; }

/* f64 beats f32 beats halves beats integers: the wider operand decides, a 0-d operand only if it is alone of its kind. */
static ig_dtype result_type(const ig_node *n, int operands) {
    static const int rank[IG_DTYPE_COUNT] = {[IG_DTYPE_F64] = 7, [IG_DTYPE_F32] = 6, [IG_DTYPE_BF16] = 5, [IG_DTYPE_F16] = 4,
                                             [IG_DTYPE_I64] = 3, [IG_DTYPE_I32] = 2, [IG_DTYPE_U8] = 1, [IG_DTYPE_BOOL] = 0};
    int from = n->op->map == IG_MAP_select ? 1 : 0;
    ig_dtype best = n->in[from]->t.dtype;
    bool best_scalar = n->in[from]->t.ndim == 0;
    for (int i = from + 1; i < operands; i++) {
        const ig_tensor *t = &n->in[i]->t;
        bool scalar = t->ndim == 0, same_kind = ig_dtype_is_float(best) == ig_dtype_is_float(t->dtype);
        if (scalar != best_scalar && same_kind ? best_scalar : rank[t->dtype] > rank[best]) best = t->dtype;
        best_scalar &= scalar;
    }
    return best;
}

static int operand_count(const ig_node *n) { return n->op->map == IG_MAP_dropout ? 1 : n->nin; }

static ig_status map_shape(ig_node *n, ig_error *err) {
    ig_tensor shape = n->in[0]->t;
    int operands = operand_count(n);
    for (int i = 1; i < operands; i++) {
        int64_t sizes[IG_DIMS_MAX];
        int ndim = 0;
        IG_TRY(ig_broadcast_shape(&shape, &n->in[i]->t, &ndim, sizes, err));
        IG_TRY(ig_tensor_describe(&shape, IG_DTYPE_F32, ndim, sizes, err));
    }
    ig_dtype type = compares(n->op->map) ? IG_DTYPE_BOOL : result_type(n, operands);
    return ig_out_set(n, 0, type, shape.ndim, shape.shape, err);
}

ig_status ig_map_forward(const ig_run *r, ig_error *err) {
    const ig_node *n = r->node;
    int operands = operand_count(n);
    ig_map_program p = {.steps = 1, .inputs = n->nin, .outputs = 1};
    p.step[0] = (ig_map_step){.map = (ig_map)(n->op->map < 0 ? IG_MAP_copy : n->op->map), .in = {0, 1, 2}, .key = operands < n->nin ? operands : -1,
                              .f = {n->attrs.f[0], n->attrs.f[1]}, .stream = (uint64_t)n->attrs.i[0]};
    (void)err;
    ig_map_run(r->ctx, &p, r->in, r->out);
    return IG_OK;
}

/* ---- recording ------------------------------------------------------------------------------------------------------------- */

static ig_var *map1(ig_graph *g, ig_map m, ig_var *x, double f0, double f1) {
    ig_attrs a = {.f = {f0, f1}};
    return ig_record(g, &ig_map_ops[m], &x, 1, &a);
}

static ig_var *map2(ig_graph *g, ig_map m, ig_var *a, ig_var *b, double f0) {
    ig_var *in[] = {a, b};
    ig_attrs at = {.f = {f0}};
    return ig_record(g, &ig_map_ops[m], in, 2, &at);
}

static ig_var *map3(ig_graph *g, ig_map m, ig_var *a, ig_var *b, ig_var *c) {
    ig_var *in[] = {a, b, c};
    return ig_record(g, &ig_map_ops[m], in, 3, NULL);
}

#define UNARY(name)                                                                                                    \
    ig_var *ig_##name(ig_graph *g, ig_var *x) { return map1(g, IG_MAP_##name, x, 0, 0); }
#define BINARY(name)                                                                                                   \
    ig_var *ig_##name(ig_graph *g, ig_var *a, ig_var *b) { return map2(g, IG_MAP_##name, a, b, 0); }

UNARY(neg) UNARY(abs) UNARY(sign) UNARY(square) UNARY(sqrt) UNARY(rsqrt) UNARY(reciprocal)
UNARY(exp) UNARY(log) UNARY(log1p) UNARY(sin) UNARY(cos) UNARY(floor)
UNARY(sigmoid) UNARY(tanh) UNARY(relu) UNARY(gelu) UNARY(gelu_tanh) UNARY(silu)
BINARY(add) BINARY(sub) BINARY(mul) BINARY(div) BINARY(pow) BINARY(minimum) BINARY(maximum)
BINARY(eq) BINARY(ne) BINARY(lt) BINARY(le) BINARY(gt) BINARY(ge)

ig_var *ig_leaky_relu(ig_graph *g, ig_var *x, double slope) { return map1(g, IG_MAP_leaky_relu, x, slope, 0); }
ig_var *ig_affine(ig_graph *g, ig_var *x, double scale, double shift) { return map1(g, IG_MAP_affine, x, scale, shift); }
ig_var *ig_clamp(ig_graph *g, ig_var *x, double lo, double hi) { return map1(g, IG_MAP_clamp, x, lo, hi); }
ig_var *ig_relu6(ig_graph *g, ig_var *x) { return ig_clamp(g, x, 0, 6); }
ig_var *ig_hard_sigmoid(ig_graph *g, ig_var *x) { return ig_clamp(g, ig_affine(g, x, 1.0 / 6, 0.5), 0, 1); }
ig_var *ig_hard_swish(ig_graph *g, ig_var *x) { return ig_mul(g, x, ig_hard_sigmoid(g, x)); }
ig_var *ig_fma(ig_graph *g, ig_var *a, ig_var *b, ig_var *c) { return map3(g, IG_MAP_fma, a, b, c); }
ig_var *ig_select(ig_graph *g, ig_var *condition, ig_var *a, ig_var *b) { return map3(g, IG_MAP_select, condition, a, b); }

static ig_var *dropout(ig_graph *g, ig_var *x, double p, ig_var *key, uint64_t stream) {
    ig_var *in[] = {x, key};
    ig_attrs a = {.i = {(int64_t)stream}, .f = {p}};
    if (!ig_graph_poisoned(g) && key && (key->t.dtype != IG_DTYPE_I64 || ig_tensor_numel(&key->t) != 2 || !ig_tensor_is_contiguous(&key->t)))
        return ig_poison(g, IG_E_ARG, "dropout: the key must be i64 [2]: {seed, step}");
    return ig_record(g, &ig_map_ops[IG_MAP_dropout], in, 2, &a);
}

ig_var *ig_dropout(ig_graph *g, ig_var *x, double p, ig_var *key) {
    if (!(p >= 0 && p < 1)) return ig_poison(g, IG_E_ARG, "dropout: the rate %g is not in [0, 1)", p);
    return p == 0 ? x : dropout(g, x, p, key, ig_graph_next_stream(g));
}

ig_var *ig_dropout_channels(ig_graph *g, ig_var *x, double p, ig_var *key) {
    int64_t shape[IG_DIMS_MAX];
    if (ig_graph_poisoned(g)) return x;
    if (!x || x->t.ndim < 2) return ig_poison(g, IG_E_SHAPE, "dropout of channels needs [N,...,C]");
    for (int d = 0; d < x->t.ndim; d++) shape[d] = d == 0 || d == x->t.ndim - 1 ? x->t.shape[d] : 1;
    return p == 0 ? x : ig_mul(g, x, ig_dropout(g, ig_full(g, x->t.dtype, x->t.ndim, shape, 1), p, key));
}

/* ---- derivatives -------------------------------------------------------------------------------------------------------------- */

/* dx[k] = the gradient, brought back to the shape of input k. */
static void give(ig_graph *g, ig_node *n, ig_var **dx, int k, ig_var *gradient) {
    const ig_tensor *x = &n->in[k]->t;
    if (ig_graph_poisoned(g)) return;
    dx[k] = ig_tensor_same_shape(&gradient->t, x) ? gradient : ig_sum_to(g, gradient, x->ndim, x->shape);
}

#define NEEDS(k) (n->in[k]->requires_grad)
#define X n->in[0]
#define A n->in[0]
#define B n->in[1]
#define Y (&n->out[0])
#define DERIVATIVE(name) static void name##_back(ig_graph *g, ig_node *n, ig_var *const *d, ig_var **dx)
#define UNARY_DERIVATIVE(name, formula)                                                                                \
    DERIVATIVE(name) { ig_var *dy = d[0]; (void)g, (void)n; dx[0] = (formula); }

UNARY_DERIVATIVE(copy, dy)
UNARY_DERIVATIVE(neg, ig_neg(g, dy))
UNARY_DERIVATIVE(abs, map2(g, IG_MAP_abs_grad, dy, X, 0))
UNARY_DERIVATIVE(square, ig_mul(g, ig_affine(g, dy, 2, 0), X))
UNARY_DERIVATIVE(sqrt, ig_div(g, ig_affine(g, dy, 0.5, 0), Y))
UNARY_DERIVATIVE(rsqrt, ig_mul(g, ig_affine(g, dy, -0.5, 0), ig_mul(g, Y, ig_square(g, Y))))
UNARY_DERIVATIVE(reciprocal, ig_neg(g, ig_mul(g, dy, ig_square(g, Y))))
UNARY_DERIVATIVE(exp, ig_mul(g, dy, Y))
UNARY_DERIVATIVE(log, ig_div(g, dy, X))
UNARY_DERIVATIVE(log1p, ig_div(g, dy, ig_affine(g, X, 1, 1)))
UNARY_DERIVATIVE(sin, ig_mul(g, dy, ig_cos(g, X)))
UNARY_DERIVATIVE(cos, ig_neg(g, ig_mul(g, dy, ig_sin(g, X))))
UNARY_DERIVATIVE(sigmoid, map2(g, IG_MAP_sigmoid_grad, dy, Y, 0))
UNARY_DERIVATIVE(tanh, map2(g, IG_MAP_tanh_grad, dy, Y, 0))
UNARY_DERIVATIVE(relu, map2(g, IG_MAP_relu_grad, dy, X, 0))
UNARY_DERIVATIVE(leaky_relu, map2(g, IG_MAP_leaky_relu_grad, dy, X, n->attrs.f[0]))
UNARY_DERIVATIVE(gelu, map2(g, IG_MAP_gelu_grad, dy, X, 0))
UNARY_DERIVATIVE(gelu_tanh, map2(g, IG_MAP_gelu_tanh_grad, dy, X, 0))
UNARY_DERIVATIVE(silu, map2(g, IG_MAP_silu_grad, dy, X, 0))
UNARY_DERIVATIVE(affine, ig_affine(g, dy, n->attrs.f[0], 0))
UNARY_DERIVATIVE(dropout, dropout(g, dy, n->attrs.f[0], n->in[1], (uint64_t)n->attrs.i[0]))
/* inside the bounds, both included: y still equals x there */
UNARY_DERIVATIVE(clamp, ig_select(g, ig_eq(g, X, Y), dy, ig_affine(g, dy, 0, 0)))

DERIVATIVE(add) { for (int k = 0; k < 2; k++) if (NEEDS(k)) give(g, n, dx, k, d[0]); }
DERIVATIVE(sub) {
    if (NEEDS(0)) give(g, n, dx, 0, d[0]);
    if (NEEDS(1)) give(g, n, dx, 1, ig_neg(g, d[0]));
}
DERIVATIVE(mul) {
    if (NEEDS(0)) give(g, n, dx, 0, ig_mul(g, d[0], B));
    if (NEEDS(1)) give(g, n, dx, 1, ig_mul(g, d[0], A));
}
DERIVATIVE(div) {
    if (NEEDS(0)) give(g, n, dx, 0, ig_div(g, d[0], B));
    if (NEEDS(1)) give(g, n, dx, 1, ig_neg(g, ig_div(g, ig_mul(g, d[0], Y), B)));
}
DERIVATIVE(pow) { /* d a^b = b·a^(b-1) da + a^b·ln a db */
    if (NEEDS(0)) give(g, n, dx, 0, map3(g, IG_MAP_pow_grad_a, d[0], A, B));
    if (NEEDS(1)) give(g, n, dx, 1, ig_mul(g, d[0], ig_mul(g, Y, ig_log(g, A))));
}

/* the chosen operand gets dy; both get half of it where they are equal, as PyTorch does */
static void extremum_back(ig_graph *g, ig_node *n, ig_var *const *d, ig_var **dx) {
    for (int k = 0; k < 2; k++) {
        if (!NEEDS(k)) continue;
        ig_var *chosen = ig_cast(g, ig_eq(g, n->in[k], Y), d[0]->t.dtype), *tie = ig_cast(g, ig_eq(g, A, B), d[0]->t.dtype);
        give(g, n, dx, k, ig_mul(g, d[0], ig_mul(g, chosen, ig_affine(g, tie, -0.5, 1))));
    }
}
#define minimum_back extremum_back
#define maximum_back extremum_back

DERIVATIVE(fma) {
    if (NEEDS(0)) give(g, n, dx, 0, ig_mul(g, d[0], B));
    if (NEEDS(1)) give(g, n, dx, 1, ig_mul(g, d[0], A));
    if (NEEDS(2)) give(g, n, dx, 2, d[0]);
}
DERIVATIVE(select) {
    ig_var *zero = ig_full(g, d[0]->t.dtype, 0, NULL, 0);
    if (NEEDS(1)) give(g, n, dx, 1, ig_select(g, n->in[0], d[0], zero));
    if (NEEDS(2)) give(g, n, dx, 2, ig_select(g, n->in[0], zero, d[0]));
}

/* second derivatives of the common ones: d(dy·y·(1-y)) and friends are left to their parts */
#define NONE NULL

/* ---- the table ------------------------------------------------------------------------------------------------------------------- */

#define ROW(op_name, arity, derivative, words)                                                                         \
    [IG_MAP_##op_name] = {.name = #op_name, .doc = words, .nin_min = arity, .nin_max = arity, .nout = 1,               \
                          .flags = IG_OP_IN_PLACE, .map = IG_MAP_##op_name, .shape = map_shape, .forward = ig_map_forward,      \
                          .backward = derivative, .attr_names = "stream;f0,f1"}

const ig_op ig_map_ops[IG_MAP_COUNT] = {
    ROW(copy, 1, copy_back, "x"),
    ROW(neg, 1, neg_back, "-x"),
    ROW(abs, 1, abs_back, "|x|"),
    ROW(sign, 1, NONE, "-1, 0 or 1"),
    ROW(square, 1, square_back, "x²"),
    ROW(sqrt, 1, sqrt_back, "√x"),
    ROW(rsqrt, 1, rsqrt_back, "1/√x"),
    ROW(reciprocal, 1, reciprocal_back, "1/x"),
    ROW(exp, 1, exp_back, "eˣ"),
    ROW(log, 1, log_back, "ln x"),
    ROW(log1p, 1, log1p_back, "ln(1 + x)"),
    ROW(sin, 1, sin_back, "sin x"),
    ROW(cos, 1, cos_back, "cos x"),
    ROW(floor, 1, NONE, "largest integer ≤ x"),
    ROW(sigmoid, 1, sigmoid_back, "1 / (1 + e⁻ˣ)"),
    ROW(tanh, 1, tanh_back, "tanh x"),
    ROW(relu, 1, relu_back, "max(x, 0)"),
    ROW(leaky_relu, 1, leaky_relu_back, "x for x > 0, else f0·x"),
    ROW(gelu, 1, gelu_back, "x·Φ(x)   (Hendrycks & Gimpel 2016)"),
    ROW(gelu_tanh, 1, gelu_tanh_back, "x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³)))"),
    ROW(silu, 1, silu_back, "x / (1 + e⁻ˣ)"),
    ROW(affine, 1, affine_back, "x·f0 + f1"),
    ROW(clamp, 1, clamp_back, "x held within [f0, f1]"),
    [IG_MAP_dropout] = {.name = "dropout", .doc = "0 with probability f0, else x/(1 - f0)   (Srivastava et al. 2014)", .nin_min = 2, .nin_max = 2,
                        .nout = 1, .flags = IG_OP_IN_PLACE, .map = IG_MAP_dropout, .shape = map_shape, .forward = ig_map_forward,
                        .backward = dropout_back, .attr_names = "stream;rate"},
    ROW(add, 2, add_back, "a + b"),
    ROW(sub, 2, sub_back, "a - b"),
    ROW(mul, 2, mul_back, "a·b"),
    ROW(div, 2, div_back, "a / b"),
    ROW(pow, 2, pow_back, "aᵇ"),
    ROW(minimum, 2, minimum_back, "the smaller"),
    ROW(maximum, 2, maximum_back, "the larger"),
    ROW(eq, 2, NONE, "a = b, as bool"),
    ROW(ne, 2, NONE, "a ≠ b, as bool"),
    ROW(lt, 2, NONE, "a < b, as bool"),
    ROW(le, 2, NONE, "a ≤ b, as bool"),
    ROW(gt, 2, NONE, "a > b, as bool"),
    ROW(ge, 2, NONE, "a ≥ b, as bool"),
    ROW(sigmoid_grad, 2, NONE, "dy·y·(1 - y)"),
    ROW(tanh_grad, 2, NONE, "dy·(1 - y²)"),
    ROW(relu_grad, 2, NONE, "dy where x > 0, else 0"),
    ROW(leaky_relu_grad, 2, NONE, "dy where x > 0, else f0·dy"),
    ROW(gelu_grad, 2, NONE, "dy·(Φ(x) + x·φ(x))"),
    ROW(gelu_tanh_grad, 2, NONE, "dy times the derivative of gelu_tanh at x"),
    ROW(silu_grad, 2, NONE, "dy·s·(1 + x·(1 - s)), s = sigmoid x"),
    ROW(abs_grad, 2, NONE, "dy·sign x"),
    ROW(pow_grad_a, 3, NONE, "dy·b·a^(b-1)"),
    ROW(fma, 3, fma_back, "a·b + c, rounded once"),
    ROW(select, 3, select_back, "b where a ≠ 0, else c"),
};

/* ---- cast: i = dtype ----------------------------------------------------------------------------------------------------------------- */

static ig_status cast_shape(ig_node *n, ig_error *err) {
    const ig_tensor *x = &n->in[0]->t;
    return ig_out_set(n, 0, (ig_dtype)n->attrs.i[0], x->ndim, x->shape, err);
}

/* The gradient of a bf16 or f16 copy may arrive in f32: products give f32. */
static void cast_back(ig_graph *g, ig_node *n, ig_var *const *d, ig_var **dx) { dx[0] = ig_cast(g, d[0], n->in[0]->t.dtype); }

const ig_op ig_op_cast = {
    .name = "cast", .doc = "the same values in another type; f32 to bf16 and f16 rounds to nearest even", .nin_min = 1, .nin_max = 1, .nout = 1,
    .map = IG_MAP_copy, .flags = IG_OP_IN_PLACE, .shape = cast_shape, .forward = ig_map_forward, .backward = cast_back, .attr_names = "dtype",
};

ig_var *ig_cast(ig_graph *g, ig_var *x, ig_dtype dtype) {
    if (ig_graph_poisoned(g) || x->t.dtype == dtype) return x;
    if (x->cast_to[dtype]) return x->cast_to[dtype];
    ig_attrs a = {.i = {dtype}};
    ig_var *y = ig_record(g, &ig_op_cast, &x, 1, &a);
    /* a leaf may change between two casts (an update), and a stretch releases its values: remember neither */
    if (!ig_graph_poisoned(g) && !g->segment) x->cast_to[dtype] = y;
    return y;
}

/* ---- stop_gradient: a view through which nothing flows back ------------------------------------------------------------------------------ */

static ig_status view_shape(ig_node *n, ig_error *err) {
    (void)err;
    n->out[0].t = n->in[0]->t;
    n->out[0].t.data = NULL, n->out[0].t.storage = NULL;
    return IG_OK;
}

const ig_op ig_op_stop_gradient = {
    .name = "stop_gradient", .doc = "x, through which no gradient flows", .nin_min = 1, .nin_max = 1, .nout = 1, .map = -1,
    .flags = IG_OP_VIEW | IG_OP_NO_GRAD, .shape = view_shape,
};

ig_var *ig_stop_gradient(ig_graph *g, ig_var *x) { return ig_record(g, &ig_op_stop_gradient, &x, 1, NULL); }
