/* tensor/kernels/attention_pages.c: one query row against a key/value cache that lies in pages.   (Kwon et al. 2023)
 *
 *     page of a key head:   keys   [D][64]    transposed: the scores of 64 keys are sums of whole vectors, without a
 *                                             horizontal addition
 *                           values [64][Dv]   Dv: D rounded up to 16, zeros behind D
 *
 * Per page and query head: 64 scores, the running maximum and sum of e^x (Milakov & Gimelshein 2018), values added.  The
 * order of all sums depends on the number of keys alone, so a row has the same bits in any company.
 */
#include "tensor/kernels/kernel_math.h"
#include "tensor/kernels/lanes.h"
#include "tensor/kernels/table.h"

#define PAGE IG_PAGE
typedef int64_t dim;

/* score[64] = scale·q·K */
static void page_scores(float *score, const float *q, const float *k, dim d, float scale) {
    lanes a = lanes_set(0), b = a, c = a, e = a;
    for (dim i = 0; i < d; i++, k += PAGE) {
        lanes f = lanes_set(q[i]);
        a = lanes_fma(f, lanes_load(k), a);
        b = lanes_fma(f, lanes_load(k + LANES), b);
        c = lanes_fma(f, lanes_load(k + 2 * LANES), c);
        e = lanes_fma(f, lanes_load(k + 3 * LANES), e);
    }
    lanes s = lanes_set(scale);
    lanes_store(score, lanes_mul(a, s));
    lanes_store(score + LANES, lanes_mul(b, s));
    lanes_store(score + 2 * LANES, lanes_mul(c, s));
    lanes_store(score + 3 * LANES, lanes_mul(e, s));
}

/* o[64 of wide] = o·keep + p[n]·V, four vectors at a time */
static void add_values_4(float *o, const float *p, const float *v, dim n, dim wide, float keep) {
    lanes f = lanes_set(keep), a = lanes_mul(f, lanes_load(o)), b = lanes_mul(f, lanes_load(o + LANES));
    lanes c = lanes_mul(f, lanes_load(o + 2 * LANES)), e = lanes_mul(f, lanes_load(o + 3 * LANES));
    for (dim j = 0; j < n; j++, v += wide) {
        f = lanes_set(p[j]);
        a = lanes_fma(f, lanes_load(v), a);
        b = lanes_fma(f, lanes_load(v + LANES), b);
        c = lanes_fma(f, lanes_load(v + 2 * LANES), c);
        e = lanes_fma(f, lanes_load(v + 3 * LANES), e);
    }
    lanes_store(o, a), lanes_store(o + LANES, b), lanes_store(o + 2 * LANES, c), lanes_store(o + 3 * LANES, e);
}

static void add_values_1(float *o, const float *p, const float *v, dim n, dim wide, float keep) {
    lanes a = lanes_mul(lanes_set(keep), lanes_load(o));
    for (dim j = 0; j < n; j++) a = lanes_fma(lanes_set(p[j]), lanes_load(v + j * wide), a);
    lanes_store(o, a);
}

static void add_values(float *o, const float *p, const float *v, dim n, dim wide, float keep) {
    dim i = 0;
    for (; i + 4 * LANES <= wide; i += 4 * LANES) add_values_4(o + i, p, v + i, n, wide, keep);
    for (; i < wide; i += LANES) add_values_1(o + i, p, v + i, n, wide, keep);
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

/* scratch: heads·(wide + 2) floats */
void K(attention_pages)(float *o, const float *q, const float *k, const float *v, const ig_page_args *a, float *scratch) {
    dim wide = ig_page_width(a->D);
    float score[PAGE], *max = scratch + a->heads * wide, *sum = max + a->heads;
    memset(scratch, 0, sizeof *scratch * (size_t)(a->heads * wide));
    for (dim h = 0; h < a->heads; h++) max[h] = -INFINITY, sum[h] = 0;
    for (dim from = 0; from < a->keys; from += PAGE) {
        dim n = a->keys - from < PAGE ? a->keys - from : PAGE, page = a->page[from / PAGE];
        const float *keys = k + page * a->k_stride, *values = v + page * a->v_stride;
        for (dim h = 0; h < a->heads; h++) {
            page_scores(score, q + h * a->q_row, keys, a->D, a->scale);
            float keep = page_softmax(score, n, &max[h], &sum[h]);
            add_values(scratch + h * wide, score, values, n, wide, keep);
        }
    }
    for (dim h = 0; h < a->heads; h++) {
        float inverse = sum[h] == 0 ? 0.0f : 1.0f / sum[h];
        EACH(i, (size_t)a->D) o[h * a->o_row + (dim)i] = scratch[h * wide + (dim)i] * inverse;
    }
}
