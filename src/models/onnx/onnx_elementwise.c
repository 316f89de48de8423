/* models/onnx/onnx_elementwise.c: element-wise ops.  Most have a namesake in ONNX; the rest are short formulas over namesakes.
 *
 * ONNX's operators want all operands of one type, Ingot's ops promote: operands are cast first.  They work in either order of
 * the dimensions: where an operand has its channels in front, the others are brought there.
 */
#include <math.h>

#include "models/onnx/onnx.h"
#include "tensor/map.h"

#define SQRT_HALF 0.70710678118654752440
#define SQRT_2_OVER_PI 0.79788456080286535588

/* ---- operands ---- */

static bool compares(const ig_node *n) { return n->op->map >= IG_MAP_eq && n->op->map <= IG_MAP_ge; }

/* The type in which two operands are compared. */
static ig_dtype common_type(const ig_node *n) {
    ig_dtype a = n->in[0]->t.dtype, b = n->in[1]->t.dtype;
    if (a == b) return a;
    if (a == IG_DTYPE_F64 || b == IG_DTYPE_F64) return IG_DTYPE_F64;
    return ig_dtype_is_float(a) || ig_dtype_is_float(b) ? IG_DTYPE_F32 : IG_DTYPE_I64;
}

static ig_dtype operand_type(const ig_node *n, int k) {
    if (n->op->map == IG_MAP_select && k == 0) return IG_DTYPE_BOOL;
    return compares(n) ? common_type(n) : n->out[0].t.dtype;
}

/* Can all operands stand beside one whose channels are in front?  Rows of channels can, and single numbers. */
static bool takes_channels_first(const onnx_export *x, const ig_node *n) {
    bool any = false, fits = true;
    int ndim = n->out[0].t.ndim;
    for (int k = 0; k < n->nin; k++) {
        const ig_tensor *t = &n->in[k]->t;
        any |= onnx_only_channels_first(x, n->in[k]);
        fits &= t->ndim == ndim || t->ndim <= 1;
    }
    return any && fits;
}

static const char *operand(onnx_export *x, const ig_node *n, int k, bool channels_first) {
    int ndim = n->out[0].t.ndim;
    int64_t row[IG_DIMS_MAX] = {-1, 1, 1, 1, 1, 1};
    const char *v;
    if (!channels_first) v = onnx_in(x, n, k);
    else if (n->in[k]->t.ndim == ndim) v = onnx_in_channels_first(x, n, k);
    else v = n->in[k]->t.ndim == 1 ? onnx_reshape(x, onnx_in(x, n, k), row, ndim - 1) : onnx_in(x, n, k); /* [C] → [C,1,1] */
    return onnx_cast(x, v, n->in[k]->t.dtype, operand_type(n, k));
}

static void write_map(onnx_export *x, const ig_node *n, const onnx_row *row) {
    bool channels_first = takes_channels_first(x, n);
    const char *in[4] = {0};
    for (int k = 0; k < n->nin; k++) in[k] = operand(x, n, k, channels_first);
    const char *y = row->formula ? row->formula(x, n, in) : onnx_emit(x, row->to, in, n->nin, NULL, 0);
    if (channels_first) onnx_set_channels_first(x, n, 0, y);
    else onnx_set(x, n, 0, y);
}

/* ---- formulas ---- */

static const char *number(onnx_export *x, const ig_node *n, double v) { return onnx_real(x, n->out[0].t.dtype, v); }
static const char *scaled(onnx_export *x, const ig_node *n, const char *a, double v) {
    return v == 1 ? a : onnx_op2(x, "Mul", a, number(x, n, v));
}
static const char *shifted(onnx_export *x, const ig_node *n, const char *a, double v) {
    return v == 0 ? a : onnx_op2(x, "Add", a, number(x, n, v));
}

static const char *square(onnx_export *x, const ig_node *n, const char *const *in) {
    (void)n;
    return onnx_op2(x, "Mul", in[0], in[0]);
}

static const char *rsqrt(onnx_export *x, const ig_node *n, const char *const *in) {
    (void)n;
    return onnx_op1(x, "Reciprocal", onnx_op1(x, "Sqrt", in[0]));
}

static const char *log_1_plus(onnx_export *x, const ig_node *n, const char *const *in) {
    return onnx_op1(x, "Log", shifted(x, n, in[0], 1));
}

static const char *leaky_relu(onnx_export *x, const ig_node *n, const char *const *in) {
    return onnx_emit(x, "LeakyRelu", in, 1, (onnx_attr[]){onnx_float("alpha", n->attrs.f[0])}, 1);
}

/* x/2·(1 + erf(x/√2)) */
static const char *gelu(onnx_export *x, const ig_node *n, const char *const *in) {
    const char *e = onnx_op1(x, "Erf", scaled(x, n, in[0], SQRT_HALF));
    return onnx_op2(x, "Mul", scaled(x, n, in[0], 0.5), shifted(x, n, e, 1));
}

/* x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³))) */
static const char *gelu_tanh(onnx_export *x, const ig_node *n, const char *const *in) {
    const char *cube = onnx_op2(x, "Mul", onnx_op2(x, "Mul", in[0], in[0]), in[0]);
    const char *inner = onnx_op2(x, "Add", in[0], scaled(x, n, cube, 0.044715));
    const char *t = onnx_op1(x, "Tanh", scaled(x, n, inner, SQRT_2_OVER_PI));
    return onnx_op2(x, "Mul", scaled(x, n, in[0], 0.5), shifted(x, n, t, 1));
}

static const char *silu(onnx_export *x, const ig_node *n, const char *const *in) {
    (void)n;
    return onnx_op2(x, "Mul", in[0], onnx_op1(x, "Sigmoid", in[0]));
}

static const char *affine(onnx_export *x, const ig_node *n, const char *const *in) {
    const char *y = shifted(x, n, scaled(x, n, in[0], n->attrs.f[0]), n->attrs.f[1]);
    return y == in[0] ? onnx_op1(x, "Identity", y) : y;
}

/* A border may be infinite: then it is left out. */
static const char *clamp(onnx_export *x, const ig_node *n, const char *const *in) {
    const char *lo = isfinite(n->attrs.f[0]) ? number(x, n, n->attrs.f[0]) : "",
               *hi = isfinite(n->attrs.f[1]) ? number(x, n, n->attrs.f[1]) : "";
    return onnx_op3(x, "Clip", in[0], lo, hi);
}

static const char *not_equal(onnx_export *x, const ig_node *n, const char *const *in) {
    (void)n;
    return onnx_op1(x, "Not", onnx_op2(x, "Equal", in[0], in[1]));
}

static const char *fma_sum(onnx_export *x, const ig_node *n, const char *const *in) {
    (void)n;
    return onnx_op2(x, "Add", onnx_op2(x, "Mul", in[0], in[1]), in[2]);
}

/* operand() has cast it already. */
static const char *same(onnx_export *x, const ig_node *n, const char *const *in) {
    (void)x, (void)n;
    return in[0];
}

#define NAMESAKE(name, onnx) {.op = name, .write = write_map, .to = onnx}
#define FORMULA(name, function) {.op = name, .write = write_map, .formula = function}

const onnx_row onnx_rows_elementwise[] = {
    FORMULA("copy", same),
    FORMULA("cast", same),
    NAMESAKE("neg", "Neg"),
    NAMESAKE("abs", "Abs"),
    NAMESAKE("sign", "Sign"),
    FORMULA("square", square),
    NAMESAKE("sqrt", "Sqrt"),
    FORMULA("rsqrt", rsqrt),
    NAMESAKE("reciprocal", "Reciprocal"),
    NAMESAKE("exp", "Exp"),
    NAMESAKE("log", "Log"),
    FORMULA("log1p", log_1_plus),
    NAMESAKE("sin", "Sin"),
    NAMESAKE("cos", "Cos"),
    NAMESAKE("floor", "Floor"),
    NAMESAKE("sigmoid", "Sigmoid"),
    NAMESAKE("tanh", "Tanh"),
    NAMESAKE("relu", "Relu"),
    FORMULA("leaky_relu", leaky_relu),
    FORMULA("gelu", gelu),
    FORMULA("gelu_tanh", gelu_tanh),
    FORMULA("silu", silu),
    FORMULA("affine", affine),
    FORMULA("clamp", clamp),
    NAMESAKE("add", "Add"),
    NAMESAKE("sub", "Sub"),
    NAMESAKE("mul", "Mul"),
    NAMESAKE("div", "Div"),
    NAMESAKE("pow", "Pow"),
    NAMESAKE("minimum", "Min"),
    NAMESAKE("maximum", "Max"),
    NAMESAKE("eq", "Equal"),
    FORMULA("ne", not_equal),
    NAMESAKE("lt", "Less"),
    NAMESAKE("le", "LessOrEqual"),
    NAMESAKE("gt", "Greater"),
    NAMESAKE("ge", "GreaterOrEqual"),
    FORMULA("fma", fma_sum),
    NAMESAKE("select", "Where"),
    {0},
};
