/* tensor/conv_weight.c: making a kernel for running.
 *
 *     w[o]    = w[o]·scale[o]                     the batch norm behind it, folded in
 *     bias[o] = bias[o]·scale[o] + shift[o]
 *     q[o]    = round(w[o] / q_scale[o]),         q_scale[o] = max|w[o]| / limit
 *
 * limit is 127; 63 on processors that multiply u8·s8 in pairs summed in 16 bits (AVX2), which two products of 255·127 would
 * overflow.  The kernel stays in OIHW, and once more in each format that oneDNN asked for.
 */
#include "tensor/conv_weight.h"

#include <math.h>
#include <string.h>

/* ---- checking ---------------------------------------------------------------------------------------------------- */

ig_conv_quant ig_conv_quant_of(double low, double high) {
    low = fmin(low, 0), high = fmax(high, 0);
    double scale = (high - low) / 255;
    return (ig_conv_quant){scale, scale > 0 ? (int)lrint(-low / scale) : 0};
}

static ig_status check_quant(const ig_conv_quant *q, const char *what, ig_error *err) {
    if (isfinite(q->scale) && q->scale >= 0 && q->zero >= 0 && q->zero <= 255) return IG_OK;
    return ig_error_set(err, IG_E_ARG, "the scale %g and zero %d of the %s; a scale is positive, a zero 0 to 255", q->scale, q->zero, what);
}

static ig_status check_opts(const ig_conv_weight_opts *o, ig_error *err) {
    IG_TRY(check_quant(&o->in, "input", err));
    IG_TRY(check_quant(&o->out, "output", err));
    if (o->out.scale > 0 && o->in.scale == 0) return ig_error_set(err, IG_E_ARG, "an output in 8 bits needs an input in 8 bits");
    return IG_OK;
}

static ig_status check_shape(const int64_t *shape, size_t *count, ig_error *err) {
    size_t n = 1, bytes;
    for (int d = 0; d < 4; d++) {
        if (shape[d] < 1 || shape[d] > INT32_MAX)
            return ig_error_set(err, IG_E_SHAPE, "a kernel [%lld,%lld,%lld,%lld]; each size must be at least 1", (long long)shape[0], (long long)shape[1],
                                (long long)shape[2], (long long)shape[3]);
        if (!ig_mul_size(n, (size_t)shape[d], &n) || !ig_mul_size(n, sizeof(float), &bytes))
            return ig_error_set(err, IG_E_LIMIT, "a kernel [%lld,%lld,%lld,%lld] does not fit in memory", (long long)shape[0], (long long)shape[1],
                                (long long)shape[2], (long long)shape[3]);
    }
    *count = n;
    return IG_OK;
}

/* ---- making ------------------------------------------------------------------------------------------------------ */

static ig_status fold(ig_conv_weight *k, const float *w, const ig_conv_weight_opts *o, ig_error *err) {
    size_t per = ig_conv_weight_filter(k);
    for (size_t c = 0; c < (size_t)k->shape[0]; c++) {
        float scale = o->scale ? o->scale[c] : 1, bad = 0;
        k->bias[c] = (o->bias ? o->bias[c] : 0) * scale + (o->shift ? o->shift[c] : 0);
        for (size_t i = 0; i < per; i++) {
            k->w[c * per + i] = w[c * per + i] * scale;
            bad += k->w[c * per + i] * 0; /* NaN as soon as one is not finite */
        }
        if (bad != 0 || !isfinite(k->bias[c])) return ig_error_set(err, IG_E_NUMERIC, "output channel %zu of the kernel is not finite", c);
    }
    return IG_OK;
}

static void quantise_filter(int8_t *q, float *q_scale, const float *w, size_t n, float limit) {
    float largest = 0;
    for (size_t i = 0; i < n; i++) largest = fmaxf(largest, fabsf(w[i]));
    float scale = largest / limit;
    if (!(scale >= 0x1p-120f)) scale = 1; /* too small for a quotient: zeros */
    for (size_t i = 0; i < n; i++) q[i] = (int8_t)fmaxf(fminf(rintf(w[i] / scale), limit), -limit);
    *q_scale = scale;
}

static ig_status quantise(ig_context *ctx, ig_conv_weight *k, size_t count, ig_error *err) {
    size_t per = ig_conv_weight_filter(k);
    float limit = ig_context_cpu(ctx) == IG_CPU_AVX2 ? 63 : 127;
    k->q = ig_malloc(count);
    k->q_scale = ig_realloc_array(NULL, (size_t)k->shape[0], sizeof *k->q_scale);
    if (!k->q || !k->q_scale) return ig_error_nomem(err, count);
    for (size_t o = 0; o < (size_t)k->shape[0]; o++) quantise_filter(k->q + o * per, &k->q_scale[o], k->w + o * per, per, limit);
    ig_free(k->w);
    k->w = NULL;
    return IG_OK;
}

static ig_status build(ig_context *ctx, ig_conv_weight *k, const float *w, size_t count, const ig_conv_weight_opts *o, ig_error *err) {
    k->w = ig_realloc_array(NULL, count, sizeof *k->w);
    k->bias = ig_realloc_array(NULL, (size_t)k->shape[0], sizeof *k->bias);
    k->copies = ig_calloc(1, sizeof *k->copies);
    if (!k->w || !k->bias || !k->copies) return ig_error_nomem(err, count * sizeof *k->w);
    if (pthread_mutex_init(&k->copies->lock, NULL) != 0) {
        ig_free(k->copies);
        k->copies = NULL;
        return ig_error_nomem(err, 0);
    }
    IG_TRY(fold(k, w, o, err));
    return k->in.scale > 0 ? quantise(ctx, k, count, err) : IG_OK;
}

ig_status ig_conv_weight_new(ig_context *ctx, const float *w, const int64_t shape[4], const ig_conv_weight_opts *opts,
                             ig_conv_weight **out, ig_error *err) {
    ig_conv_weight_opts o = opts ? *opts : (ig_conv_weight_opts){0};
    size_t count = 0;
    IG_TRY(check_opts(&o, err));
    IG_TRY(check_shape(shape, &count, err));
    ig_conv_weight *k = ig_calloc(1, sizeof *k);
    if (!k) return ig_error_nomem(err, sizeof *k);
    memcpy(k->shape, shape, sizeof k->shape);
    k->in = o.in, k->out = o.out;
    ig_status s = build(ctx, k, w, count, &o, err);
    if (s == IG_OK) *out = k;
    else ig_conv_weight_free(k);
    return s;
}

void ig_conv_weight_free(ig_conv_weight *w) {
    if (!w) return;
    for (conv_copy *c = w->copies ? w->copies->first : NULL; c;) {
        conv_copy *next = c->next;
        ig_free_aligned(c->kernel, c->bytes);
        ig_free(c);
        c = next;
    }
    if (w->copies) pthread_mutex_destroy(&w->copies->lock);
    ig_free(w->copies);
    ig_free(w->w);
    ig_free(w->q);
    ig_free(w->q_scale);
    ig_free(w->bias);
    ig_free(w);
}

const int64_t *ig_conv_weight_shape(const ig_conv_weight *w) { return w->shape; }
ig_conv_quant ig_conv_weight_in(const ig_conv_weight *w) { return w->in; }
ig_conv_quant ig_conv_weight_out(const ig_conv_weight *w) { return w->out; }

size_t ig_conv_weight_bytes(const ig_conv_weight *w) {
    size_t o = (size_t)w->shape[0], per = ig_conv_weight_filter(w);
    return w->q ? o * per + 2 * o * sizeof(float) : o * (per + 1) * sizeof(float);
}

/* ---- formats ----------------------------------------------------------------------------------------------------- */

static conv_copy *find(const conv_copies *all, const void *format, size_t bytes) {
    for (conv_copy *c = all->first; c; c = c->next)
        if (c->format_bytes == bytes && memcmp(c->format, format, bytes) == 0) return c;
    return NULL;
}

static ig_status add(const ig_conv_weight *w, dnnl_conv *c, conv_copy **out, ig_error *err) {
    size_t format_bytes, bytes = ig_dnnl_conv_weight_bytes(c);
    const void *format = ig_dnnl_conv_format(c, &format_bytes);
    conv_copy *made = ig_calloc(1, sizeof *made + format_bytes);
    if (!made) return ig_error_nomem(err, format_bytes);
    made->bytes = bytes, made->format_bytes = format_bytes;
    memcpy(made->format, format, format_bytes);
    made->kernel = ig_malloc_aligned(bytes);
    ig_status s = made->kernel ? ig_dnnl_conv_reorder(c, w->q ? (const void *)w->q : w->w, made->kernel, err) : ig_error_nomem(err, bytes);
    if (s != IG_OK) {
        if (made->kernel) ig_free_aligned(made->kernel, bytes);
        ig_free(made);
        return s;
    }
    made->next = w->copies->first, w->copies->first = made;
    *out = made;
    return IG_OK;
}

ig_status ig_conv_weight_copy(const ig_conv_weight *w, dnnl_conv *c, void **out, ig_error *err) {
    size_t bytes;
    ig_status s = IG_OK;
    if (ig_dnnl_conv_weight_bytes(c) == 0) {
        *out = w->q ? (void *)w->q : w->w;
        return IG_OK;
    }
    const void *format = ig_dnnl_conv_format(c, &bytes);
    pthread_mutex_lock(&w->copies->lock);
    conv_copy *copy = find(w->copies, format, bytes);
    if (!copy) s = add(w, c, &copy, err);
    pthread_mutex_unlock(&w->copies->lock);
    if (s == IG_OK) *out = copy->kernel;
    return s;
}
