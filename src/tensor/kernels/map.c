/* tensor/kernels/map.c: element-wise kernels.  One line per function; the compiler vectorises the loops.
 *
 * A map computes y[i] from a[i], b[i], c[i] and the constants f0, f1.  y may be one of them.
 */
#include "tensor/kernels/kernel_math.h"
#include "tensor/kernels/table.h"

#define MAP(name, ...)                                                                                                 \
    void K(map_##name)(real *y, const real *const in[3], size_t n, const ig_map_args *args) {                          \
        const real *a = in[0], *b = in[1], *c = in[2];                                                                 \
        const real f0 = (real)args->f[0], f1 = (real)args->f[1];                                                       \
        (void)a, (void)b, (void)c, (void)f0, (void)f1;                                                                 \
        EACH(i, n) {                                                                                                   \
            __VA_ARGS__;                                                                                               \
        }                                                                                                              \
    }

#define HALF_LOG_TAU R(0.3989422804014327)  /* 1/√(2π) */
#define ROOT_HALF R(0.7071067811865476)
#define GELU_K R(1.5957691216057308)        /* 2·√(2/π): tanh u = 2·sigmoid(2u) - 1 */
#define GELU_C R(0.044715)

/* Beyond ±100 the gradients of the gated functions are 0 and 1; infinities would give 0·inf. */
INLINE real saturated(real x) {
    real low = x < -100 ? R(-100.0) : x;
    return low > 100 ? R(100.0) : low;
}

MAP(copy, y[i] = a[i])
MAP(neg, y[i] = -a[i])
MAP(abs, y[i] = MATH(fabs)(a[i]))
MAP(sign, y[i] = a[i] > 0 ? R(1.0) : a[i] < 0 ? R(-1.0) : a[i])
MAP(square, y[i] = a[i] * a[i])
MAP(sqrt, y[i] = MATH(sqrt)(a[i]))
MAP(rsqrt, y[i] = R(1.0) / MATH(sqrt)(a[i]))
MAP(reciprocal, y[i] = R(1.0) / a[i])
MAP(exp, y[i] = k_exp(a[i]))
MAP(log, y[i] = k_log(a[i]))
MAP(log1p, y[i] = k_log1p(a[i]))
MAP(floor, y[i] = MATH(floor)(a[i]))
MAP(sigmoid, y[i] = k_sigmoid(a[i]))
MAP(tanh, y[i] = k_tanh(a[i]))
MAP(relu, y[i] = a[i] < 0 ? R(0.0) : a[i])
MAP(leaky_relu, y[i] = a[i] < 0 ? f0 * a[i] : a[i])
MAP(gelu, real x = a[i]; y[i] = R(0.5) * x * (R(1.0) + k_erf(x * ROOT_HALF)))
MAP(gelu_tanh, real x = a[i]; y[i] = x * k_sigmoid(GELU_K * x * FMA(GELU_C * x, x, R(1.0))))
MAP(silu, real x = a[i]; y[i] = x * k_sigmoid(x))
MAP(affine, y[i] = FMA(a[i], f0, f1))
MAP(clamp, real x = a[i]; x = x < f0 ? f0 : x; y[i] = x > f1 ? f1 : x)
MAP(add, y[i] = a[i] + b[i])
MAP(sub, y[i] = a[i] - b[i])
MAP(mul, y[i] = a[i] * b[i])
MAP(div, y[i] = a[i] / b[i])
MAP(pow, y[i] = MATH(pow)(a[i], b[i]))
MAP(minimum, real x = a[i]; real z = b[i]; y[i] = x != x ? x : z != z ? z : x < z ? x : z)
MAP(maximum, real x = a[i]; real z = b[i]; y[i] = x != x ? x : z != z ? z : x > z ? x : z)
MAP(eq, y[i] = a[i] == b[i] ? R(1.0) : R(0.0))
MAP(ne, y[i] = a[i] != b[i] ? R(1.0) : R(0.0))
MAP(lt, y[i] = a[i] < b[i] ? R(1.0) : R(0.0))
MAP(le, y[i] = a[i] <= b[i] ? R(1.0) : R(0.0))
MAP(gt, y[i] = a[i] > b[i] ? R(1.0) : R(0.0))
MAP(ge, y[i] = a[i] >= b[i] ? R(1.0) : R(0.0))
/* in the gradients a = dy, b = x or y as the table in kernels.h says */
MAP(sigmoid_grad, y[i] = a[i] * b[i] * (R(1.0) - b[i]))
MAP(tanh_grad, y[i] = a[i] * (R(1.0) - b[i] * b[i]))
MAP(relu_grad, y[i] = b[i] > 0 ? a[i] : R(0.0))
MAP(leaky_relu_grad, y[i] = b[i] > 0 ? a[i] : f0 * a[i])
MAP(gelu_grad, real x = saturated(b[i]); real phi = R(0.5) * (R(1.0) + k_erf(x * ROOT_HALF));
    y[i] = a[i] * FMA(x * HALF_LOG_TAU, k_exp_down(R(-0.5) * x * x), phi))
MAP(gelu_tanh_grad, real x = saturated(b[i]); real s = k_sigmoid(GELU_K * x * FMA(GELU_C * x, x, R(1.0)));
    real du = GELU_K * FMA(R(3.0) * GELU_C * x, x, R(1.0)); y[i] = a[i] * FMA(x * s * (R(1.0) - s), du, s))
MAP(silu_grad, real x = saturated(b[i]); real s = k_sigmoid(x); y[i] = a[i] * s * FMA(x, R(1.0) - s, R(1.0)))
MAP(abs_grad, y[i] = b[i] > 0 ? a[i] : b[i] < 0 ? -a[i] : R(0.0) * a[i])
MAP(pow_grad_a, y[i] = c[i] == 0 ? R(0.0) : a[i] * c[i] * MATH(pow)(b[i], c[i] - R(1.0)))
MAP(fma, y[i] = FMA(a[i], b[i], c[i]))
MAP(select, y[i] = a[i] != 0 ? b[i] : c[i])

/* ---- sine and cosine: large arguments need hundreds of digits of π, which libm has ------------------------------------ */

#ifdef IG_WIDE
MAP(sin, y[i] = sin(a[i]))
MAP(cos, y[i] = cos(a[i]))
#else
#define BLOCK 64

/* Each element alone decides who computes it, so that cutting a row elsewhere changes nothing.  Also takes NaN and infinities. */
static void patch_far(float *y, const float *x, size_t n, float (*exact)(float)) {
    int far = 0;
    EACH(i, n) far |= !(fabsf(x[i]) < TRIG_NEAR);
    for (size_t i = 0; far && i < n; i++)
        if (!(fabsf(x[i]) < TRIG_NEAR)) y[i] = exact(x[i]);
}

#define TRIG(name, turn)                                                                                               \
    void K(map_##name)(float *y, const float *const in[3], size_t n, const ig_map_args *args) {                        \
        float x[BLOCK];                                                                                                \
        (void)args;                                                                                                    \
        for (size_t o = 0; o < n; o += BLOCK) {                                                                        \
            size_t count = n - o < BLOCK ? n - o : BLOCK;                                                              \
            memcpy(x, in[0] + o, count * sizeof *x);                                                                   \
            EACH(i, count) y[o + i] = k_sin_quadrant(x[i], turn);                                                      \
            patch_far(y + o, x, count, name##f);                                                                       \
        }                                                                                                              \
    }
TRIG(sin, 0)
TRIG(cos, 1)
#endif
