/* tensor/conv_packed.c: runs a prepared kernel: by oneDNN with everything behind the sums as its post-operations, or, for
 * IG_CPU=reference, by the plain loops over the numbers that the 8 bits stand for.
 *
 * In 8 bits oneDNN computes, in units of y,
 *
 *     y = zero_y + act(scale[o]·(Σ (q_x - zero_x)·q_w + bias[o]/(s_x·s_w[o])) + (s_r/s_y)·(residual - zero_r)),
 *     scale[o] = s_x·s_w[o]/s_y
 *
 * Winograd's algorithm (Lavin & Gray 2016) is taken for f32 kernels of 3x3 where oneDNN offers it for pictures as they lie.
 *
 * Scratch:   | x in 8 bits | reference only: x as f32 | y as f32 |
 */
#include "tensor/conv_packed.h"

#include <math.h>
#include <string.h>

#include "tensor/conv_weight.h"

struct ig_conv_packed {
    ig_context *ctx;
    const ig_conv_weight *w;
    ig_conv_packed_desc d;
    dnnl_conv *dnnl;     /* NULL: loops */
    void *kernel;        /* of the weight, in oneDNN's format; loops: f32 */
    float *plain;        /* loops over 8 bits: the kernel as f32, ours */
    float *scale, *bias; /* [O], 8 bits on oneDNN: in its units, ours */
};

static size_t round64(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

static bool is_reference(ig_context *ctx) { return ig_context_cpu(ctx) == IG_CPU_REFERENCE; }

/* ---- parts of the scratch memory ----------------------------------------------------------------------------------- */

static size_t rounded_bytes(const ig_conv_weight *w, const ig_conv_packed_desc *d) {
    return w->q && d->in == IG_DTYPE_F32 ? round64((size_t)ig_conv_x_count(&d->size)) : 0;
}

static size_t wide_x_bytes(const ig_conv_weight *w, const ig_conv_packed_desc *d) {
    return w->q ? round64((size_t)ig_conv_x_count(&d->size) * sizeof(float)) : 0;
}

size_t ig_conv_packed_scratch(ig_context *ctx, const ig_conv_weight *w, const ig_conv_packed_desc *d) {
    size_t bytes = rounded_bytes(w, d);
    if (is_reference(ctx)) bytes += wide_x_bytes(w, d) + (size_t)ig_conv_y_count(&d->size) * sizeof(float);
    return bytes;
}

/* ---- making -------------------------------------------------------------------------------------------------------- */

static ig_conv_desc inner(const ig_conv_weight *w, const ig_conv_packed_desc *d) {
    return (ig_conv_desc){.pass = IG_CONV_FORWARD, .in = w->q ? IG_DTYPE_U8 : IG_DTYPE_F32, .out = d->out, .bias = true, .size = d->size,
                          .after = {d->after[0], d->after[1]}};
}

static ig_status make_numbers(ig_conv_packed *p, ig_error *err) {
    const ig_conv_weight *w = p->w;
    size_t O = (size_t)w->shape[0];
    double unit = p->d.out == IG_DTYPE_U8 ? w->out.scale : 1;
    if (!w->q) return IG_OK;
    p->scale = ig_realloc_array(NULL, O, sizeof *p->scale);
    p->bias = ig_realloc_array(NULL, O, sizeof *p->bias);
    if (!p->scale || !p->bias) return ig_error_nomem(err, O * sizeof *p->scale);
    for (size_t o = 0; o < O; o++) {
        double product = w->in.scale * (double)w->q_scale[o];
        p->scale[o] = (float)(product / unit);
        p->bias[o] = (float)((double)w->bias[o] / product);
    }
    return IG_OK;
}

static dnnl_conv_extra extra_of(const ig_conv_packed *p) {
    const ig_conv_weight *w = p->w;
    bool narrow = p->d.out == IG_DTYPE_U8;
    double unit = narrow ? w->out.scale : 1;
    return (dnnl_conv_extra){
        .residual = p->d.residual, .activation = p->d.activation, .slope = p->d.slope, .limit = (float)(6 / unit), .scale = p->scale,
        .residual_scale = narrow ? (float)(p->d.residual_numbers.scale / unit) : 1, .residual_zero = narrow ? p->d.residual_numbers.zero : 0,
        .x_zero = w->q ? w->in.zero : 0, .y_zero = narrow ? w->out.zero : 0,
    };
}

static bool winograd_pays(const ig_conv_packed *p) {
    const ig_conv_args *a = &p->d.size;
    return !p->w->q && a->kh == 3 && a->kw == 3 && a->stride[0] == 1 && a->stride[1] == 1 && a->dilation[0] == 1 && a->dilation[1] == 1 &&
           a->groups == 1 && a->c >= 32 && a->o >= 32;
}

static ig_status on_library(ig_conv_packed *p, dnnl_room *r, ig_error *err) {
    ig_conv_desc d = inner(p->w, &p->d);
    IG_TRY(make_numbers(p, err));
    dnnl_conv_extra e = extra_of(p);
    e.winograd = winograd_pays(p);
    ig_status s = ig_dnnl_conv_new(r, &d, &e, &p->dnnl, err);
    if (s == IG_E_UNSUPPORTED && e.winograd) {
        e.winograd = false;
        s = ig_dnnl_conv_new(r, &d, &e, &p->dnnl, err);
    }
    return s == IG_OK ? ig_conv_weight_copy(p->w, p->dnnl, &p->kernel, err) : s;
}

static ig_status on_loops(ig_conv_packed *p, ig_error *err) {
    const ig_conv_weight *w = p->w;
    size_t per = ig_conv_weight_filter(w), count = (size_t)w->shape[0] * per;
    p->kernel = w->w;
    if (!w->q) return IG_OK;
    p->kernel = p->plain = ig_realloc_array(NULL, count, sizeof *p->plain);
    if (!p->plain) return ig_error_nomem(err, count * sizeof *p->plain);
    for (size_t i = 0; i < count; i++) p->plain[i] = (float)w->q[i] * w->q_scale[i / per];
    return IG_OK;
}

ig_status ig_conv_packed_new(ig_context *ctx, const ig_conv_weight *w, const ig_conv_packed_desc *d, ig_conv_packed **out, ig_error *err) {
    dnnl_room *r = NULL;
    IG_TRY(ig_conv_library(ctx, &r, err));
    ig_conv_packed *p = ig_calloc(1, sizeof *p);
    if (!p) return ig_error_nomem(err, sizeof *p);
    p->ctx = ctx, p->w = w, p->d = *d;
    ig_status s = r ? on_library(p, r, err) : on_loops(p, err);
    if (s == IG_OK) *out = p;
    else ig_conv_packed_free(p);
    return s;
}

void ig_conv_packed_free(ig_conv_packed *p) {
    if (!p) return;
    ig_dnnl_conv_free(p->dnnl);
    ig_free(p->plain);
    ig_free(p->scale);
    ig_free(p->bias);
    ig_free(p);
}

/* ---- between f32 and 8 bits ------------------------------------------------------------------------------------------ */

typedef struct passage {
    const ig_kernels *k;
    uint8_t *q;
    float *x;
    ig_conv_quant numbers;
} passage;

static void round_range(void *arg, size_t begin, size_t end, int thread) {
    const passage *p = arg;
    (void)thread;
    p->k->f32_to_u8(p->q + begin, p->x + begin, (float)(1 / p->numbers.scale), (float)p->numbers.zero, end - begin);
}

static void widen_range(void *arg, size_t begin, size_t end, int thread) {
    const passage *p = arg;
    (void)thread;
    p->k->u8_to_f32(p->x + begin, p->q + begin, (float)p->numbers.scale, (float)p->numbers.zero, end - begin);
}

static void between(ig_context *ctx, ig_range_fn *fn, void *q, void *x, ig_conv_quant numbers, int64_t n) {
    passage p = {.k = ig_kernels_of(ctx), .q = q, .x = x, .numbers = numbers};
    ig_parallel_for(ctx, (size_t)n, 16384, fn, &p);
}

/* ---- running --------------------------------------------------------------------------------------------------------- */

static float activated(const ig_conv_packed_desc *d, float v) {
    switch (d->activation) {
    case IG_CONV_RELU: return v > 0 ? v : 0;
    case IG_CONV_LEAKY_RELU: return v > 0 ? v : d->slope * v;
    case IG_CONV_RELU6: return v > 0 ? fminf(v, 6) : 0;
    default: return v;
    }
}

/* The sums in `sum` become y; sum may be y. */
static void finish_loops(const ig_conv_packed *p, void *y, float *sum, const void *residual) {
    const ig_conv_packed_desc *d = &p->d;
    const ig_conv_quant *q = &d->residual_numbers;
    int64_t n = ig_conv_y_count(&d->size);
    for (int64_t i = 0; i < n; i++) {
        float more = 0;
        if (residual) more = d->out == IG_DTYPE_U8 ? (float)(q->scale * (((const uint8_t *)residual)[i] - q->zero)) : ((const float *)residual)[i];
        sum[i] = activated(d, sum[i] + more);
    }
    if (d->out == IG_DTYPE_U8) between(p->ctx, round_range, y, sum, p->w->out, n);
    else memcpy(y, sum, (size_t)n * sizeof *sum);
}

static void run_loops(const ig_conv_packed *p, void *y, void *x, const void *residual, char *scratch) {
    ig_conv_desc d = inner(p->w, &p->d);
    ig_conv_io io = {.x = x, .w = p->kernel, .y = scratch + rounded_bytes(p->w, &p->d) + wide_x_bytes(p->w, &p->d), .bias = p->w->bias};
    if (p->w->q) {
        io.x = scratch + rounded_bytes(p->w, &p->d);
        between(p->ctx, widen_range, x, io.x, p->w->in, ig_conv_x_count(&d.size));
    }
    d.in = d.out = IG_DTYPE_F32;
    ig_conv_loops(p->ctx, &d, &io);
    finish_loops(p, y, io.y, residual);
}

static void *loose(const void *p) { return (void *)(uintptr_t)p; }

ig_status ig_conv_packed_run(ig_conv_packed *p, void *y, const void *given, const void *residual, void *scratch, ig_error *err) {
    void *x = loose(given);
    if (rounded_bytes(p->w, &p->d)) {
        between(p->ctx, round_range, scratch, x, p->w->in, ig_conv_x_count(&p->d.size));
        x = scratch;
    }
    if (!p->dnnl) {
        run_loops(p, y, x, residual, scratch);
        return IG_OK;
    }
    if (residual && residual != y) memcpy(y, residual, (size_t)ig_conv_y_count(&p->d.size) * ig_dtype_size(p->d.out));
    ig_conv_io io = {.x = x, .w = p->kernel, .y = y, .bias = p->bias ? p->bias : p->w->bias};
    return ig_dnnl_conv_run(p->dnnl, &io, err);
}
