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
MAP(log1p, y[i] = MATH(log1p)(a[i]))
MAP(sin, y[i] = MATH(sin)(a[i]))
MAP(cos, y[i] = MATH(cos)(a[i]))
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

/* ---- dropout: element i is kept iff its random word is at least p·2^32 ---------------------------------------------------- */

#define GROUPS 16 /* counters at once; each gives four words */

/* Philox4x32-10, as base/random.c has it, for GROUPS consecutive counters. */
static void philox_groups(uint64_t key, uint64_t hi, uint64_t first, uint32_t out[4][GROUPS]) {
    uint32_t c0[GROUPS], c1[GROUPS], c2[GROUPS], c3[GROUPS], k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    for (int j = 0; j < GROUPS; j++) {
        uint64_t lo = first + (uint64_t)j;
        c0[j] = (uint32_t)lo, c1[j] = (uint32_t)(lo >> 32), c2[j] = (uint32_t)hi, c3[j] = (uint32_t)(hi >> 32);
    }
    for (int round = 0; round < 10; round++) {
        for (int j = 0; j < GROUPS; j++) {
            uint64_t p0 = (uint64_t)0xD2511F53u * c0[j], p1 = (uint64_t)0xCD9E8D57u * c2[j];
            uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1[j] ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3[j] ^ k1;
            c0[j] = n0, c1[j] = (uint32_t)p1, c2[j] = n2, c3[j] = (uint32_t)p0;
        }
        k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
    }
    memcpy(out[0], c0, sizeof c0), memcpy(out[1], c1, sizeof c1), memcpy(out[2], c2, sizeof c2), memcpy(out[3], c3, sizeof c3);
}

void K(map_dropout)(real *y, const real *const in[3], size_t n, const ig_map_args *args) {
    const real *a = in[0];
    real scale = (real)(1.0 / (1.0 - args->f[0]));
    uint32_t bound = (uint32_t)(args->f[0] * 4294967296.0), word[4][GROUPS], flat[4 * GROUPS];
    uint64_t key = args->key[0] ^ args->stream * 0x9E3779B97F4A7C15u, index = args->index;
    for (size_t i = 0; i < n;) {
        size_t skip = (size_t)(index & 3), count = 4 * GROUPS - skip;
        if (count > n - i) count = n - i;
        philox_groups(key, args->key[1], index >> 2, word);
        for (int j = 0; j < GROUPS; j++)
            for (int w = 0; w < 4; w++) flat[4 * j + w] = word[w][j];
        EACH(j, count) y[i + j] = flat[skip + j] >= bound ? a[i + j] * scale : R(0.0);
        i += count, index += count;
    }
}
