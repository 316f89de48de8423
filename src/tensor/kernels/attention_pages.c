/* tensor/kernels/attention_pages.c: one query row against a key/value cache that lies in pages.   (Kwon et al. 2023)
 *
 *     page of a key head:   keys   [D][64]    transposed: the scores of 64 keys are sums of whole vectors, without a
 *                                             horizontal addition
 *                           values [64][Dv]   Dv: D rounded up to 16, zeros behind D
 *
 * Both in f32 or in f16; the arithmetic is f32.
 *
 * Per page and query head: 64 scores, the running maximum and sum of e^x (Milakov & Gimelshein 2018), values added.  The
 * order of all sums depends on the number of keys alone, so a row has the same bits in any company.
 */
#include "tensor/kernels/kernel_math.h"
#include "tensor/kernels/lanes.h"
#include "tensor/kernels/table.h"

#define PAGE IG_PAGE
typedef int64_t dim;

#if !defined(__AVX2__)
INLINE lanes lanes_load_f16(const uint16_t *p) {
    float x[LANES];
    K(f16_to_f32)(x, p, LANES);
    return lanes_load(x);
}
#endif

/* Sixteen numbers from element i on.  `half` is a constant in every caller. */
INLINE lanes load(const void *p, dim i, bool half) {
    return half ? lanes_load_f16((const uint16_t *)p + i) : lanes_load((const float *)p + i);
}

/* score[64] = scale·q·K */
INLINE void page_scores(float *score, const float *q, const void *k, dim d, float scale, bool half) {
    lanes a = lanes_set(0), b = a, c = a, e = a;
    for (dim i = 0, at = 0; i < d; i++, at += PAGE) {
        lanes f = lanes_set(q[i]);
        a = lanes_fma(f, load(k, at, half), a);
        b = lanes_fma(f, load(k, at + LANES, half), b);
        c = lanes_fma(f, load(k, at + 2 * LANES, half), c);
        e = lanes_fma(f, load(k, at + 3 * LANES, half), e);
    }
    lanes s = lanes_set(scale);
    lanes_store(score, lanes_mul(a, s));
    lanes_store(score + LANES, lanes_mul(b, s));
    lanes_store(score + 2 * LANES, lanes_mul(c, s));
    lanes_store(score + 3 * LANES, lanes_mul(e, s));
}

/* o[64 of wide] = o·keep + p[n]·V, four vectors at a time */
INLINE void add_values_4(float *o, const float *p, const void *v, dim from, dim n, dim wide, float keep, bool half) {
    lanes f = lanes_set(keep), a = lanes_mul(f, lanes_load(o)), b = lanes_mul(f, lanes_load(o + LANES));
    lanes c = lanes_mul(f, lanes_load(o + 2 * LANES)), e = lanes_mul(f, lanes_load(o + 3 * LANES));
    for (dim j = 0; j < n; j++, from += wide) {
        f = lanes_set(p[j]);
        a = lanes_fma(f, load(v, from, half), a);
        b = lanes_fma(f, load(v, from + LANES, half), b);
        c = lanes_fma(f, load(v, from + 2 * LANES, half), c);
        e = lanes_fma(f, load(v, from + 3 * LANES, half), e);
    }
    lanes_store(o, a), lanes_store(o + LANES, b), lanes_store(o + 2 * LANES, c), lanes_store(o + 3 * LANES, e);
}

INLINE void add_values_1(float *o, const float *p, const void *v, dim from, dim n, dim wide, float keep, bool half) {
    lanes a = lanes_mul(lanes_set(keep), lanes_load(o));
    for (dim j = 0; j < n; j++) a = lanes_fma(lanes_set(p[j]), load(v, from + j * wide, half), a);
    lanes_store(o, a);
}

INLINE void add_values(float *o, const float *p, const void *v, dim n, dim wide, float keep, bool half) {
    dim i = 0;
    for (; i + 4 * LANES <= wide; i += 4 * LANES) add_values_4(o + i, p, v, i, n, wide, keep, half);
    for (; i < wide; i += LANES) add_values_1(o + i, p, v, i, n, wide, keep, half);
}

/* score becomes e^(score - max) for n keys; returns what the earlier sums must be multiplied by. */
static float page_softmax(float *score, dim n, float *max, float *sum) {
    for (dim j = n; j < PAGE; j++) score[j] = -INFINITY;
    lanes top = lanes_max(lanes_max(lanes_load(score), lanes_load(score + LANES)),
                          lanes_max(lanes_load(score + 2 * LANES), lanes_load(score + 3 * LANES)));
    float before = *max, largest = lanes_largest(top);
    if (largest > before) *max = largest;
    float shift = *max == -INFINITY ? 0.0f : *max;
    EACH(j, (size_t)PAGE) score[j] = k_exp_down(score[j] - shift);
    lanes s = lanes_add(lanes_add(lanes_load(score), lanes_load(score + LANES)),
                        lanes_add(lanes_load(score + 2 * LANES), lanes_load(score + 3 * LANES)));
    float keep = before == *max ? 1.0f : k_exp_down(before == -INFINITY ? -100.0f : before - shift);
    *sum = *sum * keep + lanes_sum(s);
    return keep;
}

INLINE void attend(float *o, const float *q, const char *k, const char *v, const ig_page_args *a, float *scratch, bool half) {
    dim wide = ig_page_width(a->D), size = half ? 2 : 4;
    float score[PAGE], *max = scratch + a->heads * wide, *sum = max + a->heads;
    memset(scratch, 0, sizeof *scratch * (size_t)(a->heads * wide));
    for (dim h = 0; h < a->heads; h++) max[h] = -INFINITY, sum[h] = 0;
    for (dim from = 0; from < a->keys; from += PAGE) {
        dim n = a->keys - from < PAGE ? a->keys - from : PAGE, page = a->page[from / PAGE];
        const void *keys = k + page * a->k_stride * size, *values = v + page * a->v_stride * size;
        for (dim h = 0; h < a->heads; h++) {
            page_scores(score, q + h * a->q_row, keys, a->D, a->scale, half);
            float keep = page_softmax(score, n, &max[h], &sum[h]);
            add_values(scratch + h * wide, score, values, n, wide, keep, half);
        }
    }
    for (dim h = 0; h < a->heads; h++) {
        float inverse = sum[h] == 0 ? 0.0f : 1.0f / sum[h];
        EACH(i, (size_t)a->D) o[h * a->o_row + (dim)i] = scratch[h * wide + (dim)i] * inverse;
    }
}

/* scratch: heads·(wide + 2) floats */
void K(attention_pages)(float *o, const float *q, const void *k, const void *v, const ig_page_args *a, float *scratch) {
    if (a->half) attend(o, q, k, v, a, scratch, true);
    else attend(o, q, k, v, a, scratch, false);
}
