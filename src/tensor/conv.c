/* tensor/conv.c: chooses who computes a convolution.
 *
 *     f32, bf16   oneDNN, pictures as they lie (nhwc), kernels in the format that it likes best: they are turned into it, or
 *                 their gradient out of it, at every run, which is little work beside the convolution
 *     bf16        where the processor has no such instruction: widened to f32 first
 *     otherwise   the loops of tensor/kernels/conv.c: f64, IG_CPU=reference, and whatever oneDNN has nothing for
 *
 * Working memory is one buffer of the context, as large as the largest convolution needs:
 *
 *     | kernel in oneDNN's format | first input as f32 | second input as f32 |
 */
#include "tensor/conv.h"

#include "tensor/dnnl_conv.h"

typedef struct conv_room {
    dnnl_room *dnnl; /* NULL: not used here */
    char *buffer;
    size_t bytes;
} conv_room;

struct ig_conv {
    ig_context *ctx;
    conv_room *room;
    ig_conv_desc d;  /* as it is computed: in f32 where the inputs are widened */
    bool widen;
    dnnl_conv *dnnl; /* NULL: loops */
    size_t packed_bytes;
};

/* ---- the room's part of the context ------------------------------------------------------------------------------ */

static void room_free(void *p) {
    conv_room *r = p;
    ig_dnnl_close(r->dnnl);
    ig_free_aligned(r->buffer, r->bytes);
    ig_free(r);
}

static ig_status room_make(ig_context *ctx, void **out, ig_error *err) {
    conv_room *r = ig_calloc(1, sizeof *r);
    if (!r) return ig_error_nomem(err, sizeof *r);
    ig_status s = ig_context_cpu(ctx) == IG_CPU_REFERENCE ? IG_OK : ig_dnnl_open(ctx, &r->dnnl, err);
    if (s == IG_OK) *out = r;
    else room_free(r);
    return s;
}

static ig_status room_of(ig_context *ctx, conv_room **out, ig_error *err) {
    void *p = NULL;
    IG_TRY(ig_context_slot(ctx, IG_SLOT_CONV, room_make, room_free, &p, err));
    *out = p;
    return IG_OK;
}

ig_status ig_conv_library(ig_context *ctx, dnnl_room **out, ig_error *err) {
    conv_room *r = NULL;
    IG_TRY(room_of(ctx, &r, err));
    *out = r->dnnl;
    return IG_OK;
}

static ig_status reserve(conv_room *r, size_t bytes, ig_error *err) {
    if (bytes <= r->bytes) return IG_OK;
    char *buffer = ig_malloc_aligned(bytes);
    if (!buffer) return ig_error_nomem(err, bytes);
    ig_free_aligned(r->buffer, r->bytes);
    r->buffer = buffer, r->bytes = bytes;
    return IG_OK;
}

/* ---- loops ------------------------------------------------------------------------------------------------------- */

typedef struct loops {
    const ig_kernels *k;
    const ig_conv_desc *d;
    const ig_conv_io *io;
} loops;

static void loops_range(void *arg, size_t begin, size_t end, int thread) {
    const loops *l = arg;
    const ig_conv_args *a = &l->d->size;
    const ig_conv_io *io = l->io;
    bool wide = l->d->in == IG_DTYPE_F64;
    (void)thread;
    switch (l->d->pass) {
    case IG_CONV_FORWARD:
        if (wide) l->k->conv_rows_f64(io->y, io->x, io->w, io->bias, a, begin, end);
        else l->k->conv_rows(io->y, io->x, io->w, io->bias, a, begin, end);
        break;
    case IG_CONV_DATA:
        if (wide) l->k->conv_data_rows_f64(io->x, io->y, io->w, a, begin, end);
        else l->k->conv_data_rows(io->x, io->y, io->w, a, begin, end);
        break;
    case IG_CONV_WEIGHTS:
        if (wide) l->k->conv_weight_planes_f64(io->w, io->x, io->y, a, begin, end);
        else l->k->conv_weight_planes(io->w, io->x, io->y, a, begin, end);
        break;
    }
}

void ig_conv_loops(ig_context *ctx, const ig_conv_desc *d, const ig_conv_io *io) {
    const ig_conv_args *a = &d->size;
    loops l = {.k = ig_kernels_of(ctx), .d = d, .io = io};
    int64_t items = d->pass == IG_CONV_FORWARD ? a->n * a->oh : d->pass == IG_CONV_DATA ? a->n * a->h : a->o * (a->c / a->groups);
    ig_parallel_for(ctx, (size_t)items, 1, loops_range, &l);
}

/* ---- making ------------------------------------------------------------------------------------------------------ */

static size_t round64(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

/* What is read, in the order of the buffer. */
static void inputs_of(const ig_conv_desc *d, int64_t count[2]) {
    int64_t x = ig_conv_x_count(&d->size), w = ig_conv_w_count(&d->size), y = ig_conv_y_count(&d->size);
    count[0] = d->pass == IG_CONV_DATA ? w : x;
    count[1] = d->pass == IG_CONV_FORWARD ? w : y;
}

static ig_status choose(ig_conv *c, ig_error *err) {
    ig_error ignored = {0};
    if (c->d.in == IG_DTYPE_F64) return IG_OK;
    if (c->d.in == IG_DTYPE_BF16 && c->room->dnnl && ig_context_has_bf16(c->ctx)) {
        ig_status s = ig_dnnl_conv_new(c->room->dnnl, &c->d, NULL, &c->dnnl, &ignored);
        if (s == IG_OK || s == IG_E_NOMEM) return s == IG_OK ? s : ig_error_nomem(err, 0);
    }
    c->widen = c->d.in == IG_DTYPE_BF16;
    c->d.in = IG_DTYPE_F32;
    if (!c->room->dnnl) return IG_OK;
    ig_status s = ig_dnnl_conv_new(c->room->dnnl, &c->d, NULL, &c->dnnl, err);
    return s == IG_E_UNSUPPORTED ? IG_OK : s;
}

static ig_status take_memory(ig_conv *c, ig_error *err) {
    int64_t count[2];
    inputs_of(&c->d, count);
    c->packed_bytes = c->dnnl ? round64(ig_dnnl_conv_weight_bytes(c->dnnl)) : 0;
    size_t wide = c->widen ? round64((size_t)count[0] * sizeof(float)) + round64((size_t)count[1] * sizeof(float)) : 0;
    return reserve(c->room, c->packed_bytes + wide, err);
}

ig_status ig_conv_new(ig_context *ctx, const ig_conv_desc *d, ig_conv **out, ig_error *err) {
    conv_room *r = NULL;
    IG_TRY(room_of(ctx, &r, err));
    ig_conv *c = ig_calloc(1, sizeof *c);
    if (!c) return ig_error_nomem(err, sizeof *c);
    c->ctx = ctx, c->room = r, c->d = *d;
    ig_status s = choose(c, err);
    if (s == IG_OK) s = take_memory(c, err);
    if (s == IG_OK) *out = c;
    else ig_conv_free(c);
    return s;
}

void ig_conv_free(ig_conv *c) {
    if (!c) return;
    ig_dnnl_conv_free(c->dnnl);
    ig_free(c);
}

/* ---- running ----------------------------------------------------------------------------------------------------- */

typedef struct widening {
    const ig_kernels *k;
    const uint16_t *from;
    float *to;
} widening;

static void widen_range(void *arg, size_t begin, size_t end, int thread) {
    const widening *w = arg;
    (void)thread;
    w->k->bf16_to_f32(w->to + begin, w->from + begin, end - begin);
}

/* *p becomes its f32 copy at `to`. */
static void widen(ig_context *ctx, void **p, int64_t count, char *to) {
    widening w = {.k = ig_kernels_of(ctx), .from = *p, .to = (float *)(void *)to};
    ig_parallel_for(ctx, (size_t)count, 16384, widen_range, &w);
    *p = to;
}

static void widen_inputs(const ig_conv *c, ig_conv_io *io) {
    int64_t count[2];
    char *at = c->room->buffer + c->packed_bytes;
    inputs_of(&c->d, count);
    widen(c->ctx, c->d.pass == IG_CONV_DATA ? &io->w : &io->x, count[0], at);
    widen(c->ctx, c->d.pass == IG_CONV_FORWARD ? &io->w : &io->y, count[1], at + round64((size_t)count[0] * sizeof(float)));
}

ig_status ig_conv_run(ig_conv *c, const ig_conv_io *given, ig_error *err) {
    ig_conv_io io = *given;
    if (c->widen) widen_inputs(c, &io);
    if (!c->dnnl) {
        ig_conv_loops(c->ctx, &c->d, &io);
        return IG_OK;
    }
    void *plain = io.w;
    bool packed = ig_dnnl_conv_weight_bytes(c->dnnl) > 0;
    if (packed) io.w = c->room->buffer;
    if (packed && c->d.pass != IG_CONV_WEIGHTS) IG_TRY(ig_dnnl_conv_reorder(c->dnnl, plain, io.w, err));
    IG_TRY(ig_dnnl_conv_run(c->dnnl, &io, err));
    return packed && c->d.pass == IG_CONV_WEIGHTS ? ig_dnnl_conv_reorder(c->dnnl, io.w, plain, err) : IG_OK;
}
