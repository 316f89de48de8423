/* graph/ops/interpolate.c: pictures [N,H,W,C] brought to another size, as torch.nn.functional.interpolate does: by the nearest
 * pixel, or bilinear.
 *
 *     nearest                    row = ⌊o·H / out_h⌋
 *     bilinear                   row = (o + ½)·H / out_h - ½, at least 0; between ⌊row⌋ and the next, which is itself at the
 * edge bilinear, corners aligned  row = o·(H - 1) / (out_h - 1)
 *
 * Gradients are added per picture, and strip of channels when there are few pictures, so no two threads add to one element.
 */
#include "graph/ops/ops.h"

#include <string.h>

#define STRIP ((int64_t)64)
#define SIDE_MAX ((int64_t)1 << 24)

/* i = height and width of the result, mode, align_corners, height and width of the input */
typedef struct scaling {
    int64_t in[2], out[2], n, c;
    bool bilinear, corners, wide;
    const ig_run *r;
} scaling;

typedef struct place { /* between pixels a and b of a side: a·(1 - share) + b·share */
    int64_t a, b;
    double share;
} place;

static scaling scaling_of(const ig_run *r, const ig_tensor *t) {
    const int64_t *i = r->node->attrs.i;
    return (scaling){.in = {i[4], i[5]},
                     .out = {i[0], i[1]},
                     .n = t->shape[0],
                     .c = t->shape[3],
                     .bilinear = i[2] == IG_INTERPOLATE_BILINEAR,
                     .corners = i[3] != 0,
                     .wide = ig_is_f64(t),
                     .r = r};
}

static place place_of(const scaling *s, int d, int64_t o) {
    int64_t in = s->in[d], out = s->out[d];
    double at;
    if (!s->bilinear) return (place){o * in / out, o * in / out, 0};
    if (s->corners) at = out > 1 ? (double)o * (double)(in - 1) / (double)(out - 1) : 0;
    else at = ((double)o + 0.5) * (double)in / (double)out - 0.5;
    if (at < 0) at = 0;
    int64_t a = (int64_t)at;
    if (a > in - 1) a = in - 1;
    return (place){a, a + 1 < in ? a + 1 : a, at - (double)a};
}

/* ---- shape --------------------------------------------------------------------------------------------------------- */

static ig_status interpolate_check(const ig_node *n, ig_error *err) {
    const int64_t *i = n->attrs.i;
    IG_TRY(ig_need_real(n, 0, true, err));
    if (n->in[0]->t.ndim != 4)
        return ig_error_set(err, IG_E_SHAPE, "input 0 has %d dimensions; [N,H,W,C] is needed", n->in[0]->t.ndim);
    if (i[2] != IG_INTERPOLATE_NEAREST && i[2] != IG_INTERPOLATE_BILINEAR)
        return ig_error_set(err, IG_E_ARG, "there is no mode %lld", (long long)i[2]);
    if (i[3] && i[2] == IG_INTERPOLATE_NEAREST)
        return ig_error_set(err, IG_E_ARG, "only bilinear interpolation aligns corners");
    static const int sides[] = {0, 1, 4, 5};
    for (int k = 0; k < 4; k++)
        if (i[sides[k]] < 1 || i[sides[k]] > SIDE_MAX)
            return ig_error_set(err, IG_E_SHAPE, "a side of %lld pixels; 1 … %lld are possible", (long long)i[sides[k]],
                                (long long)SIDE_MAX);
    return IG_OK;
}

static ig_status interpolate_shape(ig_node *n, ig_error *err) {
    const ig_tensor *x = &n->in[0]->t;
    int64_t *i = n->attrs.i;
    if (x->ndim == 4) i[4] = x->shape[1], i[5] = x->shape[2];
    IG_TRY(interpolate_check(n, err));
    return ig_out_set(n, 0, x->dtype, 4, (int64_t[]){x->shape[0], i[0], i[1], x->shape[3]}, err);
}

static ig_status interpolate_grad_shape(ig_node *n, ig_error *err) {
    const ig_tensor *dy = &n->in[0]->t;
    const int64_t *i = n->attrs.i;
    IG_TRY(interpolate_check(n, err));
    IG_TRY(ig_need_shape(n, 0, dy->dtype, 4, (int64_t[]){dy->shape[0], i[0], i[1], dy->shape[3]}, err));
    return ig_out_set(n, 0, dy->dtype, 4, (int64_t[]){dy->shape[0], i[4], i[5], dy->shape[3]}, err);
}

/* ---- running ------------------------------------------------------------------------------------------------------- */

static void blend_pixel(const scaling *s, char *y, const char *const x[4], double h, double w, size_t element) {
    size_t c = (size_t)s->c;
    if (!s->bilinear) memcpy(y, x[0], c * element);
    else if (s->wide)
        s->r->k->blend_f64(
            (void *)y, (const double *const[]){(const void *)x[0], (const void *)x[1], (const void *)x[2], (const void *)x[3]},
            h, w, c);
    else
        s->r->k->blend((void *)y,
                       (const float *const[]){(const void *)x[0], (const void *)x[1], (const void *)x[2], (const void *)x[3]},
                       (float)h, (float)w, c);
}

/* Item = picture·out_h + row. */
static void scale_rows(void *arg, size_t begin, size_t end, int thread) {
    const scaling *s = arg;
    size_t element = s->wide ? sizeof(double) : sizeof(float), pixel = (size_t)s->c * element;
    (void)thread;
    for (size_t i = begin; i < end; i++) {
        place h = place_of(s, 0, (int64_t)i % s->out[0]);
        const char *x = (const char *)s->r->in[0]->data + (size_t)((int64_t)i / s->out[0] * s->in[0] * s->in[1]) * pixel;
        const char *above = x + (size_t)(h.a * s->in[1]) * pixel, *below = x + (size_t)(h.b * s->in[1]) * pixel;
        char *y = (char *)s->r->out[0]->data + i * (size_t)s->out[1] * pixel;
        for (int64_t o = 0; o < s->out[1]; o++, y += pixel) {
            place w = place_of(s, 1, o);
            size_t a = (size_t)w.a * pixel, b = (size_t)w.b * pixel;
            blend_pixel(s, y, (const char *const[]){above + a, above + b, below + a, below + b}, h.share, w.share, element);
        }
    }
}

static ig_status interpolate_forward(const ig_run *r, ig_error *err) {
    scaling s = scaling_of(r, r->in[0]);
    (void)err;
    if (s.n > 0 && s.c > 0)
        ig_parallel_for(r->ctx, (size_t)(s.n * s.out[0]), ig_grain((size_t)(4 * s.out[1] * s.c)), scale_rows, &s);
    return IG_OK;
}

static void add_share(const scaling *s, char *dx, const char *dy, double share, size_t c) {
    if (share == 0) return;
    if (s->wide) s->r->k->add_scaled_f64((void *)dx, (const void *)dy, share, c);
    else s->r->k->add_scaled((void *)dx, (const void *)dy, (float)share, c);
}

/* c channels of a picture: dx from dy, both at the first of them. */
static void unscale(const scaling *s, char *dx, const char *dy, size_t c, size_t element) {
    size_t pixel = (size_t)s->c * element;
    for (int64_t p = 0; p < s->in[0] * s->in[1]; p++) memset(dx + (size_t)p * pixel, 0, c * element);
    for (int64_t r = 0; r < s->out[0]; r++) {
        place h = place_of(s, 0, r);
        char *above = dx + (size_t)(h.a * s->in[1]) * pixel, *below = dx + (size_t)(h.b * s->in[1]) * pixel;
        for (int64_t o = 0; o < s->out[1]; o++, dy += pixel) {
            place w = place_of(s, 1, o);
            size_t a = (size_t)w.a * pixel, b = (size_t)w.b * pixel;
            add_share(s, above + a, dy, (1 - h.share) * (1 - w.share), c);
            add_share(s, above + b, dy, (1 - h.share) * w.share, c);
            add_share(s, below + a, dy, h.share * (1 - w.share), c);
            add_share(s, below + b, dy, h.share * w.share, c);
        }
    }
}

static int64_t strips_of(const scaling *s) { return s->n >= 16 ? 1 : (s->c + STRIP - 1) / STRIP; }

/* Item = picture·strips + strip. */
static void unscale_strips(void *arg, size_t begin, size_t end, int thread) {
    const scaling *s = arg;
    size_t element = s->wide ? sizeof(double) : sizeof(float);
    int64_t strips = strips_of(s);
    (void)thread;
    for (size_t i = begin; i < end; i++) {
        int64_t picture = (int64_t)i / strips, first = (int64_t)i % strips * STRIP, left = s->c - first;
        unscale(s, (char *)s->r->out[0]->data + (size_t)(picture * s->in[0] * s->in[1] * s->c + first) * element,
                (const char *)s->r->in[0]->data + (size_t)(picture * s->out[0] * s->out[1] * s->c + first) * element,
                (size_t)(strips > 1 && left > STRIP ? STRIP : left), element);
    }
}

static ig_status interpolate_grad_forward(const ig_run *r, ig_error *err) {
    scaling s = scaling_of(r, r->in[0]);
    (void)err;
    if (s.n > 0 && s.c > 0) ig_parallel_for(r->ctx, (size_t)(s.n * strips_of(&s)), 1, unscale_strips, &s);
    return IG_OK;
}

static void interpolate_back(ig_graph *g, ig_node *n, ig_var *const *d, ig_var **dx) {
    ig_var *dy = ig_contiguous(g, d[0]);
    dx[0] = ig_record(g, &ig_op_interpolate_grad, &dy, 1, &n->attrs);
}

#define NAMES "out_h,out_w,mode,align_corners,h,w"

const ig_op ig_op_interpolate = {
    .name = "interpolate", .doc = "pictures [N,H,W,C] at another size: mode 0 the nearest pixel, 1 bilinear", .nin_min = 1,
    .nin_max = 1, .nout = 1, .map = -1, .shape = interpolate_shape, .forward = interpolate_forward,
    .backward = interpolate_back, .attr_names = NAMES,
};

const ig_op ig_op_interpolate_grad = {
    .name = "interpolate_grad", .doc = "dy added to the pixels that it came from, by their shares", .nin_min = 1, .nin_max = 1,
    .nout = 1, .map = -1, .flags = IG_OP_NO_GRAD, .shape = interpolate_grad_shape, .forward = interpolate_grad_forward,
    .attr_names = NAMES,
};

ig_var *ig_interpolate(ig_graph *g, ig_var *x, int64_t out_h, int64_t out_w, ig_interpolate_mode mode, bool align_corners) {
    ig_var *in = ig_contiguous(g, x);
    return ig_record(g, &ig_op_interpolate, &in, 1, &(ig_attrs){.i = {out_h, out_w, mode, align_corners}});
}
