/* graph/ops/pad.c: a border around a tensor of up to four dimensions: a value, the mirrored inside, or the edge repeated.
 *
 * x is seen with four dimensions (sizes of 1 in front).  Every index of an output dimension comes from one of the input's, or,
 * with a constant border, from none:
 *
 *     reflect     2 1 | 0 1 2 3 | 2 1        replicate   0 0 | 0 1 2 3 | 3 3
 *
 * The gradient of a constant border is the inside, a view; the others add up what came from one element.
 */
#include "graph/ops/ops.h"

#include <string.h>

#define DIMS 4
#define BORDER_MAX ((int64_t)1 << 30)

/* i = before, after of dims 0 … 3 of x; f = mode, value */
typedef struct frame {
    int64_t in[DIMS], out[DIMS], before[DIMS];
    ig_pad_mode mode;
} frame;

static int64_t before_of(const ig_node *n, int d) { return n->attrs.i[2 * d]; }
static int64_t after_of(const ig_node *n, int d) { return n->attrs.i[2 * d + 1]; }

/* From the shape without the border. */
static frame frame_of(const ig_node *n, const ig_tensor *x) {
    frame f = {.mode = (ig_pad_mode)n->attrs.f[0]};
    for (int d = 0; d < DIMS; d++) {
        int of = d - (DIMS - x->ndim);
        f.in[d] = of < 0 ? 1 : x->shape[of];
        f.before[d] = of < 0 ? 0 : before_of(n, of);
        f.out[d] = f.in[d] + f.before[d] + (of < 0 ? 0 : after_of(n, of));
    }
    return f;
}

/* -1: the border's value */
static int64_t source(const frame *f, int d, int64_t o) {
    int64_t i = o - f->before[d], n = f->in[d];
    if (i >= 0 && i < n) return i;
    if (f->mode == IG_PAD_CONSTANT) return -1;
    if (f->mode == IG_PAD_REPLICATE) return i < 0 ? 0 : n - 1;
    return i < 0 ? -i : 2 * (n - 1) - i;
}

/* ---- shape --------------------------------------------------------------------------------------------------------- */

static ig_status check_border(const ig_node *n, int ndim, const int64_t *inside, ig_error *err) {
    double mode = n->attrs.f[0];
    if (mode != IG_PAD_CONSTANT && mode != IG_PAD_REFLECT && mode != IG_PAD_REPLICATE)
        return ig_error_set(err, IG_E_ARG, "there is no padding mode %g", mode);
    for (int d = 0; d < DIMS; d++) {
        int64_t a = before_of(n, d), b = after_of(n, d), size = d < ndim ? inside[d] : 0;
        bool any = a || b;
        if (a < 0 || b < 0 || a > BORDER_MAX || b > BORDER_MAX)
            return ig_error_set(err, IG_E_ARG, "padding %lld, %lld of dimension %d", (long long)a, (long long)b, d);
        if (any && d >= ndim) return ig_error_set(err, IG_E_SHAPE, "padding of dimension %d of %d", d, ndim);
        if (mode == IG_PAD_REFLECT && (a >= size || b >= size) && any)
            return ig_error_set(err, IG_E_SHAPE, "dimension %d has %lld elements: too few to reflect %lld, %lld", d,
                                (long long)size, (long long)a, (long long)b);
        if (mode == IG_PAD_REPLICATE && any && size == 0)
            return ig_error_set(err, IG_E_SHAPE, "dimension %d has no edge to repeat", d);
    }
    return IG_OK;
}

static ig_status check_pad_input(const ig_node *n, ig_error *err) {
    IG_TRY(ig_need_real(n, 0, true, err));
    if (n->in[0]->t.ndim <= DIMS) return IG_OK;
    return ig_error_set(err, IG_E_SHAPE, "input 0 has %d dimensions; up to %d can be padded", n->in[0]->t.ndim, DIMS);
}

static ig_status pad_shape(ig_node *n, ig_error *err) {
    const ig_tensor *x = &n->in[0]->t;
    int64_t shape[DIMS];
    IG_TRY(check_pad_input(n, err));
    IG_TRY(check_border(n, x->ndim, x->shape, err));
    for (int d = 0; d < x->ndim; d++) shape[d] = x->shape[d] + before_of(n, d) + after_of(n, d);
    return ig_out_set(n, 0, x->dtype, x->ndim, shape, err);
}

static ig_status pad_grad_shape(ig_node *n, ig_error *err) {
    const ig_tensor *dy = &n->in[0]->t;
    int64_t shape[DIMS];
    IG_TRY(check_pad_input(n, err));
    for (int d = 0; d < dy->ndim; d++) {
        int64_t a = before_of(n, d), b = after_of(n, d);
        bool fits = a >= 0 && b >= 0 && a <= dy->shape[d] && b <= dy->shape[d] - a;
        if (!fits)
            return ig_error_set(err, IG_E_SHAPE, "padding %lld, %lld of dimension %d of %lld elements", (long long)a,
                                (long long)b, d, (long long)dy->shape[d]);
        shape[d] = dy->shape[d] - a - b;
    }
    if (n->attrs.f[0] == IG_PAD_CONSTANT) return ig_error_set(err, IG_E_ARG, "the gradient of a constant border is a slice");
    IG_TRY(check_border(n, dy->ndim, shape, err));
    return ig_out_set(n, 0, dy->dtype, dy->ndim, shape, err);
}

/* ---- running ------------------------------------------------------------------------------------------------------- */

typedef struct pad_job {
    frame f;
    const ig_run *r;
    bool wide;
    double value;
} pad_job;

static void put_value(const pad_job *j, char *y, int64_t n) {
    if (j->wide)
        for (int64_t i = 0; i < n; i++) ((double *)(void *)y)[i] = j->value;
    else
        for (int64_t i = 0; i < n; i++) ((float *)(void *)y)[i] = (float)j->value;
}

/* One pixel: out[3] elements from in[3]. */
static void pad_pixel(const pad_job *j, char *y, const char *x, size_t element) {
    const frame *f = &j->f;
    int64_t left = f->before[3], inside = f->in[3];
    for (int64_t o = 0; o < f->out[3]; o++) {
        int64_t from = source(f, 3, o);
        if (o == left && inside > 0) {
            memcpy(y + (size_t)o * element, x, (size_t)inside * element);
            o += inside - 1;
        } else if (from < 0) put_value(j, y + (size_t)o * element, 1);
        else memcpy(y + (size_t)o * element, x + (size_t)from * element, element);
    }
}

/* One row of pixels; its inside is copied at once when the pixels themselves have no border. */
static void pad_row(const pad_job *j, char *y, const char *x, size_t element) {
    const frame *f = &j->f;
    size_t in = (size_t)f->in[3] * element, out = (size_t)f->out[3] * element;
    for (int64_t o = 0; o < f->out[2]; o++) {
        int64_t from = source(f, 2, o);
        if (o == f->before[2] && f->in[2] > 0 && in == out) {
            memcpy(y + (size_t)o * out, x, (size_t)f->in[2] * in);
            o += f->in[2] - 1;
        } else if (from < 0) put_value(j, y + (size_t)o * out, f->out[3]);
        else pad_pixel(j, y + (size_t)o * out, x + (size_t)from * in, element);
    }
}

/* Item = output row: index of dim 0 · out[1] + index of dim 1. */
static void pad_rows(void *arg, size_t begin, size_t end, int thread) {
    const pad_job *j = arg;
    const frame *f = &j->f;
    size_t element = j->wide ? sizeof(double) : sizeof(float);
    int64_t in_row = f->in[2] * f->in[3], out_row = f->out[2] * f->out[3];
    (void)thread;
    for (size_t i = begin; i < end; i++) {
        int64_t a = source(f, 0, (int64_t)i / f->out[1]), b = source(f, 1, (int64_t)i % f->out[1]);
        char *y = (char *)j->r->out[0]->data + i * (size_t)out_row * element;
        if (a < 0 || b < 0) put_value(j, y, out_row);
        else pad_row(j, y, (const char *)j->r->in[0]->data + (size_t)((a * f->in[1] + b) * in_row) * element, element);
    }
}

static ig_status pad_forward(const ig_run *r, ig_error *err) {
    pad_job j = {.f = frame_of(r->node, r->in[0]), .r = r, .wide = ig_is_f64(r->in[0]), .value = r->node->attrs.f[1]};
    const frame *f = &j.f;
    (void)err;
    if (ig_tensor_numel(r->out[0]) == 0) return IG_OK;
    ig_parallel_for(r->ctx, (size_t)(f->out[0] * f->out[1]), ig_grain((size_t)(f->out[2] * f->out[3])), pad_rows, &j);
    return IG_OK;
}

/* dx row += what came from it. */
static void add_row(const pad_job *j, char *dx, const char *dy, size_t element) {
    const frame *f = &j->f;
    for (int64_t o = 0; o < f->out[2]; o++) {
        char *to = dx + (size_t)(source(f, 2, o) * f->in[3]) * element;
        const char *from = dy + (size_t)(o * f->out[3]) * element;
        for (int64_t e = 0; e < f->out[3]; e++) {
            int64_t at = source(f, 3, e);
            int64_t run = e == f->before[3] ? f->in[3] : 1;
            if (j->wide)
                j->r->k->add_scaled_f64((double *)(void *)to + at, (const double *)(const void *)from + e, 1, (size_t)run);
            else j->r->k->add_scaled((float *)(void *)to + at, (const float *)(const void *)from + e, 1, (size_t)run);
            e += run - 1;
        }
    }
}

/* Item = picture of dx; those of dy that came from it, in order. */
static void add_pictures(void *arg, size_t begin, size_t end, int thread) {
    const pad_job *j = arg;
    const frame *f = &j->f;
    size_t element = j->wide ? sizeof(double) : sizeof(float);
    int64_t in_row = f->in[2] * f->in[3], out_row = f->out[2] * f->out[3];
    (void)thread;
    for (int64_t a = (int64_t)begin; a < (int64_t)end; a++) {
        char *dx = (char *)j->r->out[0]->data + (size_t)(a * f->in[1] * in_row) * element;
        memset(dx, 0, (size_t)(f->in[1] * in_row) * element);
        for (int64_t o = 0; o < f->out[0]; o++) {
            if (source(f, 0, o) != a) continue;
            for (int64_t b = 0; b < f->out[1]; b++)
                add_row(j, dx + (size_t)(source(f, 1, b) * in_row) * element,
                        (const char *)j->r->in[0]->data + (size_t)((o * f->out[1] + b) * out_row) * element, element);
        }
    }
}

static ig_status pad_grad_forward(const ig_run *r, ig_error *err) {
    pad_job j = {.f = frame_of(r->node, r->out[0]), .r = r, .wide = ig_is_f64(r->in[0])};
    (void)err;
    if (ig_tensor_numel(r->out[0])) ig_parallel_for(r->ctx, (size_t)j.f.in[0], 1, add_pictures, &j);
    return IG_OK;
}

/* ---- rows, recording ----------------------------------------------------------------------------------------------- */

static void pad_back(ig_graph *g, ig_node *n, ig_var *const *d, ig_var **dx) {
    const ig_tensor *x = &n->in[0]->t;
    ig_var *inside = d[0];
    if (n->attrs.f[0] == IG_PAD_CONSTANT) {
        for (int k = 0; k < x->ndim; k++)
            if (before_of(n, k) || after_of(n, k))
                inside = ig_slice(g, inside, k, before_of(n, k), before_of(n, k) + x->shape[k]);
        dx[0] = inside;
        return;
    }
    inside = ig_contiguous(g, inside);
    dx[0] = ig_record(g, &ig_op_pad_grad, &inside, 1, &n->attrs);
}

#define NAMES "before_0,after_0,before_1,after_1,before_2,after_2,before_3,after_3;mode,value"

const ig_op ig_op_pad = {
    .name = "pad", .doc = "a border around up to four dims: mode 0 a value, 1 reflected, 2 the edge repeated", .nin_min = 1,
    .nin_max = 1, .nout = 1, .map = -1, .shape = pad_shape, .forward = pad_forward, .backward = pad_back, .attr_names = NAMES,
};

const ig_op ig_op_pad_grad = {
    .name = "pad_grad", .doc = "a border folded back to where it came from", .nin_min = 1, .nin_max = 1, .nout = 1, .map = -1,
    .flags = IG_OP_NO_GRAD, .shape = pad_grad_shape, .forward = pad_grad_forward, .attr_names = NAMES,
};

ig_var *ig_pad(ig_graph *g, ig_var *x, const int64_t *before, const int64_t *after, ig_pad_mode mode, double value) {
    ig_attrs a = {.f = {mode, value}};
    if (ig_graph_poisoned(g)) return x;
    for (int d = 0; x && d < x->t.ndim && d < DIMS; d++) a.i[2 * d] = before[d], a.i[2 * d + 1] = after[d];
    ig_var *in = ig_contiguous(g, x);
    return ig_record(g, &ig_op_pad, &in, 1, &a);
}
