/* tensor/copy.c: copying with conversion, filling, and single elements. */
#include <math.h>
#include <string.h>

#include "ingot/tensor.h"
#include "tensor/map.h"

/* ---- half precision (IEEE 754-2008 binary16; bfloat16 is the upper half of binary32) ---------------------------------- */

static uint32_t float_bits(float v) {
    uint32_t u;
    memcpy(&u, &v, sizeof u);
    return u;
}

static float bits_float(uint32_t u) {
    float v;
    memcpy(&v, &u, sizeof v);
    return v;
}

float ig_bf16_to_f32(uint16_t v) { return bits_float((uint32_t)v << 16); }

uint16_t ig_f32_to_bf16(float v) {
    uint32_t u = float_bits(v);
    if ((u & 0x7fffffffu) > 0x7f800000u) return (uint16_t)((u >> 16) | 0x40); /* stays NaN when the low half is cut */
    return (uint16_t)((u + 0x7fffu + ((u >> 16) & 1)) >> 16);
}

float ig_f16_to_f32(uint16_t v) {
    uint32_t sign = (uint32_t)(v & 0x8000) << 16, exponent = (v >> 10) & 31, fraction = v & 0x3ff;
    if (exponent == 31) return bits_float(sign | 0x7f800000u | fraction << 13);
    if (exponent) return bits_float(sign | (exponent + 112) << 23 | fraction << 13);
    float small = (float)fraction * 0x1p-24f;
    return sign ? -small : small;
}

uint16_t ig_f32_to_f16(float v) {
    uint32_t u = float_bits(v), sign = (u >> 16) & 0x8000, magnitude = u & 0x7fffffffu;
    if (magnitude > 0x7f800000u) return (uint16_t)(sign | 0x7e00);
    if (magnitude >= 0x477ff000u) return (uint16_t)(sign | 0x7c00); /* rounds past 65504 */
    if (magnitude < 0x38800000u) {                                  /* subnormal: the sum rounds at the right bit */
        float shifted = bits_float(magnitude) + 0.5f;
        return (uint16_t)(sign | (float_bits(shifted) - 0x3f000000u));
    }
    uint32_t odd = (magnitude >> 13) & 1;
    return (uint16_t)(sign | ((magnitude - 0x38000000u + 0xfff + odd) >> 13));
}

/* ---- copy and fill ---------------------------------------------------------------------------------------------------- */

static ig_status check_copy(const ig_tensor *dst, const ig_tensor *src, ig_tensor *wide, ig_error *err) {
    if (!dst->data || !src->data) return ig_error_set(err, IG_E_STATE, "copy of a tensor without memory");
    return ig_tensor_broadcast(wide, src, dst->ndim, dst->shape, err);
}

/* Element by element, bytes as they are: for integers, which must not pass through floating point. */
static void copy_bytes(const ig_tensor *dst, const ig_tensor *src) {
    int64_t index[IG_DIMS_MAX] = {0}, n = ig_tensor_numel(dst);
    size_t size = ig_dtype_size(dst->dtype);
    int64_t d_off = 0, s_off = 0;
    for (int64_t i = 0; i < n; i++) {
        memcpy((char *)dst->data + d_off * (int64_t)size, (const char *)src->data + s_off * (int64_t)size, size);
        for (int d = dst->ndim - 1; d >= 0; d--) {
            d_off += dst->stride[d], s_off += src->stride[d];
            if (++index[d] < dst->shape[d]) break;
            d_off -= dst->stride[d] * dst->shape[d], s_off -= src->stride[d] * dst->shape[d];
            index[d] = 0;
        }
    }
}

/* Rows that lie dense in both: joining the dims behind the first stride gives at most two levels, which covers parts of a
 * concatenation, heads laid out apart, and slices. */
typedef struct row_copy {
    char *dst;
    const char *src;
    size_t rows, bytes;
    int64_t dst_step, src_step; /* bytes */
} row_copy;

static bool as_rows(const ig_tensor *dst, const ig_tensor *src, row_copy *r) {
    int64_t size = (int64_t)ig_dtype_size(dst->dtype), dense = 1;
    int d = dst->ndim - 1;
    for (; d >= 0 && (dst->shape[d] == 1 || (dst->stride[d] == dense && src->stride[d] == dense)); d--) dense *= dst->shape[d];
    if (d < 0 || dense * size < 64) return false;
    int64_t rows = dst->shape[d], dst_step = dst->stride[d], src_step = src->stride[d];
    for (d--; d >= 0; d--) {
        if (dst->shape[d] == 1) continue;
        if (dst->stride[d] != dst_step * rows || src->stride[d] != src_step * rows) return false;
        rows *= dst->shape[d];
    }
    *r = (row_copy){dst->data, src->data, (size_t)rows, (size_t)(dense * size), dst_step * size, src_step * size};
    return true;
}

static void copy_rows(void *arg, size_t begin, size_t end, int thread) {
    const row_copy *r = arg;
    (void)thread;
    for (size_t i = begin; i < end; i++) memcpy(r->dst + (int64_t)i * r->dst_step, r->src + (int64_t)i * r->src_step, r->bytes);
}

ig_status ig_tensor_copy(ig_context *ctx, const ig_tensor *dst, const ig_tensor *src, ig_error *err) {
    static const ig_map_program copy = {.steps = 1, .inputs = 1, .outputs = 1, .step = {{.map = IG_MAP_copy, .key = -1}}};
    ig_tensor wide = {0};
    if (ig_tensor_numel(dst) == 0 && ig_tensor_same_shape(dst, src)) return IG_OK;
    IG_TRY(check_copy(dst, src, &wide, err));
    bool same = dst->dtype == src->dtype;
    row_copy rows;
    if (same && ig_tensor_is_contiguous(dst) && ig_tensor_is_contiguous(&wide)) {
        memmove(dst->data, wide.data, ig_tensor_bytes(dst));
    } else if (same && as_rows(dst, &wide, &rows)) {
        ig_parallel_for(ctx, rows.rows, 1 + 32768 / rows.bytes, copy_rows, &rows);
    } else if (same && dst->dtype != IG_DTYPE_F32) {
        copy_bytes(dst, &wide);
    } else {
        const ig_tensor *in[] = {&wide}, *out[] = {dst};
        ig_map_run(ctx, &copy, in, out);
    }
    return IG_OK;
}

ig_status ig_tensor_fill(ig_context *ctx, const ig_tensor *t, double value, ig_error *err) {
    ig_tensor one;
    IG_TRY(ig_tensor_wrap(&one, &value, IG_DTYPE_F64, 0, NULL, err));
    return ig_tensor_copy(ctx, t, &one, err);
}

/* ---- single elements ----------------------------------------------------------------------------------------------------- */

static void *element(const ig_tensor *t, int64_t linear) {
    int64_t offset = 0;
    for (int d = t->ndim - 1; d >= 0; d--) {
        offset += linear % t->shape[d] * t->stride[d];
        linear /= t->shape[d];
    }
    return (char *)t->data + offset * (int64_t)ig_dtype_size(t->dtype);
}

double ig_tensor_get(const ig_tensor *t, int64_t linear_index) {
    const void *p = element(t, linear_index);
    switch (t->dtype) {
    case IG_DTYPE_F32: return *(const float *)p;
    case IG_DTYPE_F64: return *(const double *)p;
    case IG_DTYPE_F16: return ig_f16_to_f32(*(const uint16_t *)p);
    case IG_DTYPE_BF16: return ig_bf16_to_f32(*(const uint16_t *)p);
    case IG_DTYPE_I32: return *(const int32_t *)p;
    case IG_DTYPE_I64: return (double)*(const int64_t *)p;
    default: return *(const uint8_t *)p;
    }
}

void ig_tensor_set(const ig_tensor *t, int64_t linear_index, double value) {
    void *p = element(t, linear_index);
    switch (t->dtype) {
    case IG_DTYPE_F32: *(float *)p = (float)value; break;
    case IG_DTYPE_F64: *(double *)p = value; break;
    case IG_DTYPE_F16: *(uint16_t *)p = ig_f32_to_f16((float)value); break;
    case IG_DTYPE_BF16: *(uint16_t *)p = ig_f32_to_bf16((float)value); break;
    case IG_DTYPE_I32: *(int32_t *)p = (int32_t)value; break;
    case IG_DTYPE_I64: *(int64_t *)p = (int64_t)value; break;
    case IG_DTYPE_BOOL: *(uint8_t *)p = value != 0; break;
    default: *(uint8_t *)p = (uint8_t)value; break;
    }
}
