/* tensor/dnnl_conv.c: convolutions by oneDNN 2's primitives.
 *
 * Pictures are nhwc, which the direct kernels read as quickly as their own blocked format (measured), so nothing but the
 * kernel is ever reordered.  Memory objects are made once and get their pointers at each run.  Scratch memory is the
 * library's own, one for all primitives; code that was generated once is found again in its cache.
 */
#include "tensor/dnnl_conv.h"

#include <string.h>

#include "ingot/conv.h"
#include "tensor/dnnl_room.h"

struct dnnl_conv {
    dnnl_room *room;
    ig_conv_pass pass;
    bool packed;
    dnnl_primitive_t primitive, reorder;
    dnnl_memory_desc_t format; /* of the kernel, as the primitive has it */
    dnnl_memory_t x, w, y, bias, plain;
};

/* ---- describing -------------------------------------------------------------------------------------------------- */

typedef struct conv_descs {
    dnnl_memory_desc_t x, w, plain, y, bias;
    dnnl_dims_t stride, dilation, before, after;
} conv_descs;

static dnnl_data_type_t data_type(ig_dtype d) { return d == IG_DTYPE_BF16 ? dnnl_bf16 : d == IG_DTYPE_U8 ? dnnl_u8 : dnnl_f32; }

static dnnl_status_t describe_weights(conv_descs *m, const ig_conv_desc *d, dnnl_data_type_t type) {
    const ig_conv_args *a = &d->size;
    dnnl_dims_t grouped = {a->groups, a->o / a->groups, a->c / a->groups, a->kh, a->kw}, whole = {a->o, a->c, a->kh, a->kw};
    bool groups = a->groups > 1;
    dnnl_status_t s = dnnl_memory_desc_init_by_tag(&m->w, groups ? 5 : 4, groups ? grouped : whole, type, dnnl_format_tag_any);
    if (s != dnnl_success) return s;
    return dnnl_memory_desc_init_by_tag(&m->plain, groups ? 5 : 4, groups ? grouped : whole, type, groups ? dnnl_goihw : dnnl_oihw);
}

static dnnl_status_t describe(conv_descs *m, const ig_conv_desc *d) {
    const ig_conv_args *a = &d->size;
    dnnl_dims_t x = {a->n, a->c, a->h, a->w}, y = {a->n, a->o, a->oh, a->ow}, bias = {a->o};
    dnnl_data_type_t in = data_type(d->in), out = data_type(d->out);
    dnnl_data_type_t w = in == dnnl_u8 ? dnnl_s8 : d->pass == IG_CONV_WEIGHTS ? out : in;
    for (int k = 0; k < 2; k++) {
        m->stride[k] = a->stride[k], m->dilation[k] = a->dilation[k] - 1;
        m->before[k] = a->before[k], m->after[k] = d->after[k];
    }
    dnnl_status_t s = dnnl_memory_desc_init_by_tag(&m->x, 4, x, d->pass == IG_CONV_DATA ? out : in, dnnl_nhwc);
    if (s == dnnl_success) s = dnnl_memory_desc_init_by_tag(&m->y, 4, y, d->pass == IG_CONV_FORWARD ? out : in, dnnl_nhwc);
    if (s == dnnl_success) s = dnnl_memory_desc_init_by_tag(&m->bias, 1, bias, dnnl_f32, dnnl_x);
    return s == dnnl_success ? describe_weights(m, d, w) : s;
}

/* ---- what happens to a result before it is stored ----------------------------------------------------------------- */

static dnnl_status_t append_post(dnnl_post_ops_t post, const dnnl_conv_extra *e) {
    dnnl_status_t s = dnnl_success;
    if (e->residual) s = dnnl_post_ops_append_sum_v3(post, e->residual_scale, e->residual_zero, dnnl_data_type_undef);
    if (s != dnnl_success) return s;
    switch (e->activation) {
    case IG_CONV_RELU: return dnnl_post_ops_append_eltwise(post, 1.0f, dnnl_eltwise_relu, 0, 0);
    case IG_CONV_LEAKY_RELU: return dnnl_post_ops_append_eltwise(post, 1.0f, dnnl_eltwise_relu, e->slope, 0);
    case IG_CONV_RELU6: return dnnl_post_ops_append_eltwise(post, 1.0f, dnnl_eltwise_clip, 0, e->limit);
    default: return dnnl_success;
    }
}

static dnnl_status_t set_numbers(dnnl_primitive_attr_t attr, const ig_conv_desc *d, const dnnl_conv_extra *e) {
    dnnl_status_t s = dnnl_success;
    if (e->scale) s = dnnl_primitive_attr_set_output_scales(attr, d->size.o, 1 << 1, e->scale);
    if (s == dnnl_success && e->x_zero) s = dnnl_primitive_attr_set_zero_points(attr, DNNL_ARG_SRC, 1, 0, &e->x_zero);
    if (s == dnnl_success && e->y_zero) s = dnnl_primitive_attr_set_zero_points(attr, DNNL_ARG_DST, 1, 0, &e->y_zero);
    return s;
}

static dnnl_status_t make_attr(dnnl_primitive_attr_t *out, const ig_conv_desc *d, const dnnl_conv_extra *e) {
    dnnl_post_ops_t post = NULL;
    if (!e) return dnnl_success;
    dnnl_status_t s = dnnl_primitive_attr_create(out);
    if (s == dnnl_success) s = dnnl_post_ops_create(&post);
    if (s == dnnl_success) s = append_post(post, e);
    if (s == dnnl_success) s = dnnl_primitive_attr_set_post_ops(*out, post);
    if (s == dnnl_success) s = set_numbers(*out, d, e);
    if (post) dnnl_post_ops_destroy(post);
    return s;
}

/* ---- making ------------------------------------------------------------------------------------------------------ */

static dnnl_status_t init_desc(dnnl_convolution_desc_t *op, const ig_conv_desc *d, const conv_descs *m, const dnnl_conv_extra *e) {
    dnnl_alg_kind_t alg = e && e->winograd ? dnnl_convolution_winograd : dnnl_convolution_direct;
    switch (d->pass) {
    case IG_CONV_DATA:
        return dnnl_dilated_convolution_backward_data_desc_init(op, alg, &m->x, &m->w, &m->y, m->stride, m->dilation, m->before, m->after);
    case IG_CONV_WEIGHTS:
        return dnnl_dilated_convolution_backward_weights_desc_init(op, alg, &m->x, &m->w, NULL, &m->y, m->stride, m->dilation, m->before, m->after);
    default:
        return dnnl_dilated_convolution_forward_desc_init(op, e ? dnnl_forward_inference : dnnl_forward_training, alg, &m->x, &m->w,
                                                          d->bias ? &m->bias : NULL, &m->y, m->stride, m->dilation, m->before, m->after);
    }
}

static dnnl_status_t make_primitive(dnnl_conv *c, const ig_conv_desc *d, const conv_descs *m, const dnnl_conv_extra *e) {
    dnnl_convolution_desc_t op;
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t pd = NULL;
    dnnl_status_t s = init_desc(&op, d, m, e);
    if (s == dnnl_success) s = make_attr(&attr, d, e);
    if (s == dnnl_success) s = dnnl_primitive_desc_create(&pd, &op, attr, c->room->engine, NULL);
    if (s == dnnl_success) {
        c->format = *dnnl_primitive_desc_query_md(pd, d->pass == IG_CONV_WEIGHTS ? dnnl_query_diff_weights_md : dnnl_query_weights_md, 0);
        s = dnnl_primitive_create(&c->primitive, pd);
    }
    if (pd) dnnl_primitive_desc_destroy(pd);
    if (attr) dnnl_primitive_attr_destroy(attr);
    return s;
}

static dnnl_status_t make_reorder(dnnl_conv *c, const conv_descs *m) {
    dnnl_primitive_desc_t pd = NULL;
    dnnl_engine_t e = c->room->engine;
    bool out = c->pass == IG_CONV_WEIGHTS;
    c->packed = !dnnl_memory_desc_equal(&c->format, &m->plain);
    if (!c->packed) return dnnl_success;
    dnnl_status_t s = dnnl_reorder_primitive_desc_create(&pd, out ? &c->format : &m->plain, e, out ? &m->plain : &c->format, e, NULL);
    if (s == dnnl_success) s = dnnl_primitive_create(&c->reorder, pd);
    if (s == dnnl_success) s = dnnl_memory_create(&c->plain, &m->plain, e, DNNL_MEMORY_NONE);
    if (pd) dnnl_primitive_desc_destroy(pd);
    return s;
}

static dnnl_status_t make_memory(dnnl_conv *c, const ig_conv_desc *d, const conv_descs *m) {
    dnnl_engine_t e = c->room->engine;
    dnnl_status_t s = dnnl_memory_create(&c->x, &m->x, e, DNNL_MEMORY_NONE);
    if (s == dnnl_success) s = dnnl_memory_create(&c->w, &c->format, e, DNNL_MEMORY_NONE);
    if (s == dnnl_success) s = dnnl_memory_create(&c->y, &m->y, e, DNNL_MEMORY_NONE);
    if (s == dnnl_success && d->bias) s = dnnl_memory_create(&c->bias, &m->bias, e, DNNL_MEMORY_NONE);
    return s;
}

ig_status ig_dnnl_conv_new(dnnl_room *r, const ig_conv_desc *d, const dnnl_conv_extra *extra, dnnl_conv **out, ig_error *err) {
    conv_descs m;
    *out = NULL;
    DNNL_TRY(describe(&m, d), "describing a convolution");
    dnnl_conv *c = ig_calloc(1, sizeof *c);
    if (!c) return ig_error_nomem(err, sizeof *c);
    c->room = r, c->pass = d->pass;
    dnnl_status_t s = make_primitive(c, d, &m, extra);
    if (s == dnnl_success) s = make_reorder(c, &m);
    if (s == dnnl_success) s = make_memory(c, d, &m);
    if (s != dnnl_success) {
        ig_dnnl_conv_free(c);
        return ig_dnnl_failed(err, s, "making a convolution");
    }
    *out = c;
    return IG_OK;
}

void ig_dnnl_conv_free(dnnl_conv *c) {
    if (!c) return;
    dnnl_memory_t memory[] = {c->x, c->w, c->y, c->bias, c->plain};
    if (c->primitive) dnnl_primitive_destroy(c->primitive);
    if (c->reorder) dnnl_primitive_destroy(c->reorder);
    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++)
        if (memory[i]) dnnl_memory_destroy(memory[i]);
    ig_free(c);
}

size_t ig_dnnl_conv_weight_bytes(const dnnl_conv *c) { return c->packed ? dnnl_memory_desc_get_size(&c->format) : 0; }

const void *ig_dnnl_conv_format(const dnnl_conv *c, size_t *bytes) {
    *bytes = sizeof c->format;
    return &c->format;
}

/* ---- running ----------------------------------------------------------------------------------------------------- */

/* The library's handles are not const; what a pass reads, it only reads. */
static void *loose(const void *p) { return (void *)(uintptr_t)p; }

ig_status ig_dnnl_conv_reorder(dnnl_conv *c, const void *from, void *to, ig_error *err) {
    bool out = c->pass == IG_CONV_WEIGHTS;
    dnnl_exec_arg_t args[2] = {{DNNL_ARG_FROM, out ? c->w : c->plain}, {DNNL_ARG_TO, out ? c->plain : c->w}};
    DNNL_TRY(dnnl_memory_set_data_handle(args[0].memory, loose(from)), "setting a kernel");
    DNNL_TRY(dnnl_memory_set_data_handle(args[1].memory, to), "setting a kernel");
    DNNL_TRY(dnnl_primitive_execute(c->reorder, c->room->stream, 2, args), "reordering a kernel");
    DNNL_TRY(dnnl_stream_wait(c->room->stream), "waiting for a reordered kernel");
    return IG_OK;
}

ig_status ig_dnnl_conv_run(dnnl_conv *c, const ig_conv_io *io, ig_error *err) {
    static const int names[][3] = {
        [IG_CONV_FORWARD] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST},
        [IG_CONV_DATA] = {DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_DST},
        [IG_CONV_WEIGHTS] = {DNNL_ARG_SRC, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_DST},
    };
    const int *name = names[c->pass];
    dnnl_exec_arg_t args[4] = {{name[0], c->x}, {name[1], c->w}, {name[2], c->y}, {DNNL_ARG_BIAS, c->bias}};
    DNNL_TRY(dnnl_memory_set_data_handle(c->x, io->x), "setting x");
    DNNL_TRY(dnnl_memory_set_data_handle(c->w, io->w), "setting a kernel");
    DNNL_TRY(dnnl_memory_set_data_handle(c->y, io->y), "setting y");
    if (c->bias) DNNL_TRY(dnnl_memory_set_data_handle(c->bias, loose(io->bias)), "setting the bias");
    DNNL_TRY(dnnl_primitive_execute(c->primitive, c->room->stream, c->bias ? 4 : 3, args), "a convolution");
    DNNL_TRY(dnnl_stream_wait(c->room->stream), "waiting for a convolution");
    return IG_OK;
}
