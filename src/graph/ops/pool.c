/* graph/ops/pool.c: maxima and means over windows of a picture [N,H,W,C], as torch.nn.functional has them on [N,C,H,W].
 *
 * A window is a range of rows and one of columns.  Those of a sliding pool start `stride` apart, the first one `pad_before` in
 * front of the picture; those of an adaptive pool cut the picture into out_h × out_w parts, which overlap by less than a pixel.
 * Padding is no pixel: a maximum does not see it, a mean may count it (count_include_pad).  Every window has at least one
 * pixel.
 *
 * A maximum's second output is where in the picture it was found, row·W + column, i32: its gradient goes there.  The gradient
 * of a mean is spread over its window; pictures, and strips of channels, are independent of each other, so no two threads add
 * to one element.
 */
#include "graph/ops/ops.h"

#include <string.h>

#define SIZE_MAX_2D ((int64_t)1 << 24) /* of windows, strides and outputs: far beyond any use, far from overflow */
#define PLANE_MAX ((int64_t)INT32_MAX)
#define STRIP ((int64_t)64) /* channels of an item of the gradient, when there are few pictures */

/* ---- windows ------------------------------------------------------------------------------------------------------- */

/* attrs.i of the sliding pools: kernel, stride, before, after, of rows and columns; of the adaptive ones: out_h, out_w.
 * attrs.f: ceil_mode, count_include_pad, and the picture's height and width, which the pool's own shape rule fills in. */
enum { KERNEL = 0, STRIDE = 2, BEFORE = 4, AFTER = 6 };
enum { CEIL, INCLUDE_PAD, HEIGHT };

typedef struct side { /* of the picture: rows or columns */
    int64_t in, out, kernel, stride, before, after;
    bool adaptive;
} side;

typedef struct span {
    int64_t begin, end; /* pixels */
    int64_t whole;      /* with the padding that it covers */
} span;

static bool is_adaptive(const ig_op *op) {
    return op == &ig_op_adaptive_max_pool2d || op == &ig_op_adaptive_avg_pool2d || op == &ig_op_adaptive_avg_pool2d_grad;
}

/* As torch: in ceil mode a last window that would start in the padding behind the picture is left out. */
static int64_t windows_of(const side *s, bool ceil_mode) {
    int64_t room = s->in + s->before + s->after - s->kernel;
    if (room < 0) return 0;
    int64_t n = (room + (ceil_mode ? s->stride - 1 : 0)) / s->stride + 1;
    return (n - 1) * s->stride >= s->in + s->before ? n - 1 : n;
}

static side side_of(const ig_node *n, int d) {
    const ig_attrs *a = &n->attrs;
    side s = {.in = (int64_t)a->f[HEIGHT + d], .adaptive = is_adaptive(n->op)};
    if (s.adaptive) {
        s.out = a->i[d];
        return s;
    }
    s.kernel = a->i[KERNEL + d], s.stride = a->i[STRIDE + d], s.before = a->i[BEFORE + d], s.after = a->i[AFTER + d];
    s.out = windows_of(&s, a->f[CEIL] != 0);
    return s;
}

static span span_of(const side *s, int64_t o) {
    if (s->adaptive) {
        int64_t begin = o * s->in / s->out, end = ((o + 1) * s->in + s->out - 1) / s->out;
        return (span){begin, end, end - begin};
    }
    int64_t begin = o * s->stride - s->before, end = begin + s->kernel, edge = s->in + s->after;
    int64_t whole = (end < edge ? end : edge) - begin;
    return (span){begin > 0 ? begin : 0, end < s->in ? end : s->in, whole};
}

static ig_window window_of(span rows, span columns, int64_t width, int64_t channels) {
    return (ig_window){.rows = rows.end - rows.begin, .columns = columns.end - columns.begin, .row_stride = width * channels,
                       .column_stride = channels, .position = (int32_t)(rows.begin * width + columns.begin),
                       .width = (int32_t)width};
}

/* ---- shape --------------------------------------------------------------------------------------------------------- */

static ig_status check_side(const ig_node *n, int d, ig_error *err) {
    const int64_t *i = n->attrs.i;
    int64_t kernel = i[KERNEL + d], stride = i[STRIDE + d], before = i[BEFORE + d], after = i[AFTER + d];
    if (is_adaptive(n->op)) {
        if (i[d] >= 1 && i[d] <= SIZE_MAX_2D) return IG_OK;
        return ig_error_set(err, IG_E_ARG, "an output of size %lld", (long long)i[d]);
    }
    if (kernel < 1 || kernel > SIZE_MAX_2D || stride < 1 || stride > SIZE_MAX_2D)
        return ig_error_set(err, IG_E_ARG, "kernel %lld, stride %lld: both must be at least 1", (long long)kernel,
                            (long long)stride);
    if (before < 0 || before >= kernel || after < 0 || after >= kernel)
        return ig_error_set(err, IG_E_ARG, "padding %lld, %lld around a kernel of %lld: it must be smaller", (long long)before,
                            (long long)after, (long long)kernel);
    return IG_OK;
}

static ig_status picture_shape(const ig_node *n, const ig_tensor *x, int64_t *shape, ig_error *err) {
    for (int d = 0; d < 2; d++) {
        IG_TRY(check_side(n, d, err));
        double in = n->attrs.f[HEIGHT + d];
        if (!(in >= 1 && in <= (double)PLANE_MAX))
            return ig_error_set(err, IG_E_SHAPE, "a picture of %g pixels along a side", in);
        shape[1 + d] = side_of(n, d).out;
        if (shape[1 + d] < 1)
            return ig_error_set(err, IG_E_SHAPE, "a kernel of %lld does not fit into %g pixels and the padding",
                                (long long)n->attrs.i[KERNEL + d], in);
    }
    if (n->attrs.f[HEIGHT] * n->attrs.f[HEIGHT + 1] > (double)PLANE_MAX)
        return ig_error_set(err, IG_E_SHAPE, "the picture has too many pixels");
    shape[0] = x->shape[0], shape[3] = x->shape[3];
    return IG_OK;
}

static ig_status pool_shape(ig_node *n, ig_error *err) {
    const ig_tensor *x = &n->in[0]->t;
    int64_t shape[4];
    IG_TRY(ig_need_real(n, 0, true, err));
    if (x->ndim != 4) return ig_error_set(err, IG_E_SHAPE, "input 0 has %d dimensions; [N,H,W,C] is needed", x->ndim);
    for (int d = 0; d < 2; d++) n->attrs.f[HEIGHT + d] = (double)x->shape[1 + d];
    IG_TRY(picture_shape(n, x, shape, err));
    IG_TRY(ig_out_set(n, 0, x->dtype, 4, shape, err));
    return n->op->nout == 2 ? ig_out_set(n, 1, IG_DTYPE_I32, 4, shape, err) : IG_OK;
}

/* Input dy of a mean; output dx. */
static ig_status avg_pool_grad_shape(ig_node *n, ig_error *err) {
    const ig_tensor *dy = &n->in[0]->t;
    int64_t shape[4];
    IG_TRY(ig_need_real(n, 0, true, err));
    if (dy->ndim != 4) return ig_error_set(err, IG_E_SHAPE, "input 0 has %d dimensions; [N,H,W,C] is needed", dy->ndim);
    IG_TRY(picture_shape(n, dy, shape, err));
    IG_TRY(ig_need_shape(n, 0, dy->dtype, 4, shape, err));
    shape[1] = side_of(n, 0).in, shape[2] = side_of(n, 1).in;
    return ig_out_set(n, 0, dy->dtype, 4, shape, err);
}

/* ---- forward ------------------------------------------------------------------------------------------------------- */

typedef struct pool_job {
    const ig_run *r;
    bool wide, max;
    bool include_pad;
    side h, w;
    int64_t n, c, strips;   /* pictures, channels; strips of channels (gradients) */
    const int64_t *length;  /* max over time: rows of each picture that count; NULL: all */
} pool_job;

static pool_job job_of(const ig_run *r, const ig_tensor *like) {
    pool_job j = {.r = r, .wide = ig_is_f64(like), .max = r->node->nout == 2, .include_pad = r->node->attrs.f[INCLUDE_PAD] != 0,
                  .h = side_of(r->node, 0), .w = side_of(r->node, 1), .n = like->shape[0], .c = like->shape[3]};
    j.strips = j.n >= 16 ? 1 : (j.c + STRIP - 1) / STRIP; /* enough pictures keep all threads busy */
    return j;
}

static double divisor_of(const pool_job *j, span rows, span columns) {
    if (j->include_pad) return (double)(rows.whole * columns.whole);
    return (double)((rows.end - rows.begin) * (columns.end - columns.begin));
}

/* Output pixel `at` of picture x. */
static void pool_pixel(const pool_job *j, const void *x, size_t at, span rows, span columns) {
    const ig_kernels *k = j->r->k;
    size_t c = (size_t)j->c, from = (size_t)(rows.begin * j->w.in + columns.begin) * c;
    ig_window w = window_of(rows, columns, j->w.in, j->c);
    void *y = j->r->out[0]->data;
    int32_t *index = j->max ? (int32_t *)j->r->out[1]->data + at * c : NULL;
    if (j->max && j->wide) k->max_pool_f64((double *)y + at * c, index, (const double *)x + from, &w, c);
    else if (j->max) k->max_pool((float *)y + at * c, index, (const float *)x + from, &w, c);
    else if (j->wide) k->avg_pool_f64((double *)y + at * c, (const double *)x + from, &w, divisor_of(j, rows, columns), c);
    else k->avg_pool((float *)y + at * c, (const float *)x + from, &w, (float)divisor_of(j, rows, columns), c);
}

/* Item = picture·out_h + row. */
static void pool_rows(void *arg, size_t begin, size_t end, int thread) {
    const pool_job *j = arg;
    size_t plane = (size_t)(j->h.in * j->w.in * j->c) * (j->wide ? sizeof(double) : sizeof(float));
    (void)thread;
    for (size_t i = begin; i < end; i++) {
        int64_t picture = (int64_t)i / j->h.out;
        span rows = span_of(&j->h, (int64_t)i % j->h.out);
        if (j->length) rows.end = j->length[picture];
        for (int64_t o = 0; o < j->w.out; o++)
            pool_pixel(j, (const char *)j->r->in[0]->data + (size_t)picture * plane, i * (size_t)j->w.out + (size_t)o, rows,
                       span_of(&j->w, o));
    }
}

static void run_pool(pool_job *j) {
    if (j->n * j->c == 0) return;
    int64_t rows = j->h.adaptive ? j->h.in / j->h.out + 1 : j->h.kernel,
            columns = j->w.adaptive ? j->w.in + j->w.out : j->w.out * j->w.kernel;
    ig_parallel_for(j->r->ctx, (size_t)(j->n * j->h.out), ig_grain((size_t)(rows * columns * j->c)), pool_rows, j);
}

static ig_status pool_forward(const ig_run *r, ig_error *err) {
    pool_job j = job_of(r, r->in[0]);
    (void)err;
    run_pool(&j);
    return IG_OK;
}

/* ---- gradient of a mean -------------------------------------------------------------------------------------------- */

/* Clear channels [first, first + c) of a picture. */
static void clear_strip(const pool_job *j, char *dx, size_t c, size_t element) {
    int64_t pixels = j->h.in * j->w.in;
    if ((int64_t)c == j->c) memset(dx, 0, (size_t)pixels * c * element);
    else
        for (int64_t p = 0; p < pixels; p++) memset(dx + (size_t)(p * j->c) * element, 0, c * element);
}

static void spread(const pool_job *j, char *dx, const char *dy, span rows, span columns, size_t c, size_t element) {
    ig_window w = window_of(rows, columns, j->w.in, j->c);
    char *to = dx + (size_t)((rows.begin * j->w.in + columns.begin) * j->c) * element;
    double divisor = divisor_of(j, rows, columns);
    if (j->wide) j->r->k->avg_pool_grad_f64((void *)to, (const void *)dy, &w, divisor, c);
    else j->r->k->avg_pool_grad((void *)to, (const void *)dy, &w, (float)divisor, c);
}

/* Item = picture·strips + strip. */
static void avg_grad_strips(void *arg, size_t begin, size_t end, int thread) {
    const pool_job *j = arg;
    size_t element = j->wide ? sizeof(double) : sizeof(float);
    (void)thread;
    for (size_t i = begin; i < end; i++) {
        int64_t picture = (int64_t)i / j->strips, first = (int64_t)i % j->strips * STRIP, left = j->c - first;
        size_t c = (size_t)(j->strips > 1 && left > STRIP ? STRIP : left);
        char *dx = (char *)j->r->out[0]->data + (size_t)(picture * j->h.in * j->w.in * j->c + first) * element;
        const char *dy = (const char *)j->r->in[0]->data + (size_t)(picture * j->h.out * j->w.out * j->c + first) * element;
        clear_strip(j, dx, c, element);
        for (int64_t a = 0; a < j->h.out; a++)
            for (int64_t b = 0; b < j->w.out; b++, dy += (size_t)j->c * element)
                spread(j, dx, dy, span_of(&j->h, a), span_of(&j->w, b), c, element);
    }
}

static ig_status avg_pool_grad_forward(const ig_run *r, ig_error *err) {
    pool_job j = job_of(r, r->in[0]);
    (void)err;
    if (j.n * j.c == 0) return IG_OK;
    ig_parallel_for(r->ctx, (size_t)(j.n * j.strips), 1, avg_grad_strips, &j);
    return IG_OK;
}

static void avg_pool_back(ig_graph *g, ig_node *n, ig_var *const *d, ig_var **dx) {
    ig_var *dy = ig_contiguous(g, d[0]);
    dx[0] = ig_record(g, is_adaptive(n->op) ? &ig_op_adaptive_avg_pool2d_grad : &ig_op_avg_pool2d_grad, &dy, 1, &n->attrs);
}

/* ---- gradient of a maximum: inputs dy, index; i = height, width ---------------------------------------------------- */

/* The index must come from a maximum over a picture of this size: then it needs no check when running. */
static bool index_fits(const ig_node *n) {
    const ig_node *from = n->in[1]->node;
    bool pool = from->op == &ig_op_max_pool2d || from->op == &ig_op_adaptive_max_pool2d || from->op == &ig_op_max_over_time;
    return pool && n->in[1]->index == 1 && n->attrs.i[0] >= 1 && (double)n->attrs.i[0] == from->attrs.f[HEIGHT] &&
           (double)n->attrs.i[1] == from->attrs.f[HEIGHT + 1];
}

static ig_status max_pool_grad_shape(ig_node *n, ig_error *err) {
    const ig_tensor *dy = &n->in[0]->t;
    IG_TRY(ig_need_real(n, 0, true, err));
    if (dy->ndim != 4) return ig_error_set(err, IG_E_SHAPE, "input 0 has %d dimensions; [N,H,W,C] is needed", dy->ndim);
    IG_TRY(ig_need_shape(n, 1, IG_DTYPE_I32, 4, dy->shape, err));
    if (!index_fits(n))
        return ig_error_set(err, IG_E_ARG, "input 1 is not where a pool over %lld × %lld pixels found its maxima",
                            (long long)n->attrs.i[0], (long long)n->attrs.i[1]);
    return ig_out_set(n, 0, dy->dtype, 4, (int64_t[]){dy->shape[0], n->attrs.i[0], n->attrs.i[1], dy->shape[3]}, err);
}

static void max_grad_strips(void *arg, size_t begin, size_t end, int thread) {
    const pool_job *j = arg;
    const ig_kernels *k = j->r->k;
    size_t element = j->wide ? sizeof(double) : sizeof(float), ld = (size_t)j->c;
    int64_t pixels = j->h.out * j->w.out;
    (void)thread;
    for (size_t i = begin; i < end; i++) {
        int64_t picture = (int64_t)i / j->strips, first = (int64_t)i % j->strips * STRIP, left = j->c - first;
        size_t c = (size_t)(j->strips > 1 && left > STRIP ? STRIP : left), from = (size_t)(picture * pixels * j->c + first);
        char *dx = (char *)j->r->out[0]->data + (size_t)(picture * j->h.in * j->w.in * j->c + first) * element;
        const int32_t *index = j->r->in[1]->data;
        clear_strip(j, dx, c, element);
        for (int64_t p = 0; p < pixels; p++, from += ld) {
            if (j->wide) k->max_pool_grad_f64((void *)dx, (const double *)j->r->in[0]->data + from, index + from, ld, c);
            else k->max_pool_grad((void *)dx, (const float *)j->r->in[0]->data + from, index + from, ld, c);
        }
    }
}

static ig_status max_pool_grad_forward(const ig_run *r, ig_error *err) {
    const ig_tensor *dy = r->in[0];
    const int64_t *i = r->node->attrs.i;
    pool_job j = {.r = r, .wide = ig_is_f64(dy), .h = {.in = i[0], .out = dy->shape[1]}, .w = {.in = i[1], .out = dy->shape[2]},
                  .n = dy->shape[0], .c = dy->shape[3]};
    (void)err;
    if (j.n * j.c == 0) return IG_OK;
    j.strips = j.n >= 16 ? 1 : (j.c + STRIP - 1) / STRIP;
    ig_parallel_for(r->ctx, (size_t)(j.n * j.strips), 1, max_grad_strips, &j);
    return IG_OK;
}

static void max_pool_back(ig_graph *g, ig_node *n, ig_var *const *d, ig_var **dx) {
    ig_attrs a = {.i = {(int64_t)n->attrs.f[HEIGHT], (int64_t)n->attrs.f[HEIGHT + 1]}};
    if (d[0]) dx[0] = ig_record(g, &ig_op_max_pool_grad, (ig_var *[]){ig_contiguous(g, d[0]), &n->out[1]}, 2, &a);
}

/* ---- max over time: x [N,T,1,C], lengths [N] ----------------------------------------------------------------------- */

static ig_status max_over_time_shape(ig_node *n, ig_error *err) {
    const ig_tensor *x = &n->in[0]->t;
    IG_TRY(ig_need_real(n, 0, true, err));
    if (x->ndim != 4 || x->shape[2] != 1 || x->shape[1] < 1 || x->shape[1] > PLANE_MAX)
        return ig_error_set(err, IG_E_SHAPE, "input 0 must be [N,T,1,C], T at least 1");
    n->attrs.f[HEIGHT] = (double)x->shape[1], n->attrs.f[HEIGHT + 1] = 1;
    if (n->nin == 2) {
        IG_TRY(ig_need_shape(n, 1, IG_DTYPE_I64, 1, x->shape, err));
        IG_TRY(ig_need_indices(n, 1, err));
    }
    int64_t shape[] = {x->shape[0], 1, 1, x->shape[3]};
    IG_TRY(ig_out_set(n, 0, x->dtype, 4, shape, err));
    return ig_out_set(n, 1, IG_DTYPE_I32, 4, shape, err);
}

static ig_status max_over_time_forward(const ig_run *r, ig_error *err) {
    const ig_tensor *x = r->in[0];
    pool_job j = {.r = r, .wide = ig_is_f64(x), .max = true, .h = {.in = x->shape[1], .out = 1, .adaptive = true},
                  .w = {.in = 1, .out = 1, .adaptive = true}, .n = x->shape[0], .c = x->shape[3]};
    if (r->node->nin == 2) {
        j.length = r->in[1]->data;
        for (int64_t i = 0; i < j.n; i++)
            if (j.length[i] < 1 || j.length[i] > j.h.in)
                return ig_error_set(err, IG_E_ARG, "length %lld at position %lld is not in [1, %lld]", (long long)j.length[i],
                                    (long long)i, (long long)j.h.in);
    }
    run_pool(&j);
    return IG_OK;
}

/* ---- rows ---------------------------------------------------------------------------------------------------------- */

#define SLIDING_NAMES "kernel_h,kernel_w,stride_h,stride_w,before_h,before_w,after_h,after_w;ceil_mode,count_include_pad,h,w"
#define ADAPTIVE_NAMES "out_h,out_w;,,h,w"

const ig_op ig_op_max_pool2d = {
    .name = "max_pool2d", .doc = "largest of each window of [N,H,W,C]; outputs y, index", .nin_min = 1, .nin_max = 1, .nout = 2,
    .map = -1, .shape = pool_shape, .forward = pool_forward, .backward = max_pool_back, .attr_names = SLIDING_NAMES,
};

const ig_op ig_op_adaptive_max_pool2d = {
    .name = "adaptive_max_pool2d", .doc = "largest of each of out_h × out_w parts of [N,H,W,C]; outputs y, index", .nin_min = 1,
    .nin_max = 1, .nout = 2, .map = -1, .shape = pool_shape, .forward = pool_forward, .backward = max_pool_back,
    .attr_names = ADAPTIVE_NAMES,
};

const ig_op ig_op_max_over_time = {
    .name = "max_over_time", .doc = "largest over T of [N,T,1,C], of the first lengths[n] of it; outputs y, index",
    .nin_min = 1, .nin_max = 2, .nout = 2, .map = -1, .shape = max_over_time_shape, .forward = max_over_time_forward,
    .backward = max_pool_back, .attr_names = ";,,h,w",
};

const ig_op ig_op_max_pool_grad = {
    .name = "max_pool_grad", .doc = "inputs dy, index; dy added to where its maximum was found, in [N,h,w,C]", .nin_min = 2,
    .nin_max = 2, .nout = 1, .map = -1, .flags = IG_OP_NO_GRAD, .shape = max_pool_grad_shape, .forward = max_pool_grad_forward,
    .attr_names = "h,w",
};

const ig_op ig_op_avg_pool2d = {
    .name = "avg_pool2d", .doc = "mean of each window of [N,H,W,C]", .nin_min = 1, .nin_max = 1, .nout = 1, .map = -1,
    .shape = pool_shape, .forward = pool_forward, .backward = avg_pool_back, .attr_names = SLIDING_NAMES,
};

const ig_op ig_op_avg_pool2d_grad = {
    .name = "avg_pool2d_grad", .doc = "dy spread evenly over its window", .nin_min = 1, .nin_max = 1, .nout = 1, .map = -1,
    .flags = IG_OP_NO_GRAD, .shape = avg_pool_grad_shape, .forward = avg_pool_grad_forward, .attr_names = SLIDING_NAMES,
};

const ig_op ig_op_adaptive_avg_pool2d = {
    .name = "adaptive_avg_pool2d", .doc = "mean of each of out_h × out_w parts of [N,H,W,C]", .nin_min = 1, .nin_max = 1,
    .nout = 1, .map = -1, .shape = pool_shape, .forward = pool_forward, .backward = avg_pool_back, .attr_names = ADAPTIVE_NAMES,
};

const ig_op ig_op_adaptive_avg_pool2d_grad = {
    .name = "adaptive_avg_pool2d_grad", .doc = "dy spread evenly over its part", .nin_min = 1, .nin_max = 1, .nout = 1,
    .map = -1, .flags = IG_OP_NO_GRAD, .shape = avg_pool_grad_shape, .forward = avg_pool_grad_forward,
    .attr_names = ADAPTIVE_NAMES,
};
