/* tests/graph/conv.c: convolutions beyond the op cases: sizes that oneDNN treats differently, bf16, the same bits on every run,
 * no allocation in a step, and kernels packed for running, in f32 and in 8 bits, against the plain ops.
 *
 * Tolerances.  f32 against f64: a sum of K products, each of at most the largest |x|·|w|, is off by K·eps times that at most.
 * 8 bits: a kernel is off by half a step, max|w|/254 (of an AVX2 machine max|w|/126), x by half its scale, and each product by
 * |x|·dw + |w|·dx, so that the sum is off by less than K·(max|x|·dw + max|w|·dx + dw·dx); a result in 8 bits, by half its scale more.
 */
#include "../check.h"

#include <float.h>
#include <math.h>

#include "graph/graph.h"
#include "ingot/nn.h"

typedef struct shape {
    const char *name;
    int64_t x[4], w[4];
    ig_conv_opts o;
} shape;

#define PAD1 .pad_before = {1, 1}, .pad_after = {1, 1}
static const shape shapes[] = {
    {"3x3", {2, 8, 8, 16}, {16, 16, 3, 3}, {PAD1}},
    {"3x3 of many channels", {2, 14, 14, 64}, {64, 64, 3, 3}, {PAD1}},
    {"3x3 of odd channels", {2, 7, 9, 33}, {35, 33, 3, 3}, {PAD1}},
    {"3x3 of stride 2", {2, 9, 8, 32}, {48, 32, 3, 3}, {.stride = {2, 2}, PAD1}},
    {"1x1", {3, 7, 7, 24}, {40, 24, 1, 1}, {.groups = 1}},
    {"1x1 of stride 2", {2, 8, 8, 16}, {32, 16, 1, 1}, {.stride = {2, 2}}},
    {"first layer", {2, 23, 23, 3}, {64, 3, 7, 7}, {.stride = {2, 2}, .pad_before = {3, 3}, .pad_after = {3, 3}}},
    {"depthwise", {2, 10, 10, 32}, {32, 1, 3, 3}, {.groups = 32, PAD1}},
    {"depthwise of odd channels, stride 2", {2, 9, 7, 13}, {13, 1, 5, 5}, {.groups = 13, .stride = {2, 2}, .pad_before = {2, 2}, .pad_after = {2, 2}}},
    {"groups", {2, 6, 6, 24}, {36, 8, 3, 3}, {.groups = 3, PAD1}},
    {"dilated, padded unevenly", {1, 11, 9, 8}, {16, 8, 3, 2}, {.dilation = {2, 3}, .pad_before = {3, 0}, .pad_after = {1, 2}}},
    {"kernel larger than the picture", {2, 3, 2, 8}, {8, 8, 5, 5}, {.pad_before = {2, 2}, .pad_after = {2, 2}}},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

typedef struct fixture {
    ig_context *ctx;
    ig_graph *g;
} fixture;

static int set_up(void **state) {
    static fixture f;
    ig_error err = {0};
    check_ok(ig_context_new(&(ig_context_opts){.threads = 2}, &f.ctx, &err));
    check_ok(ig_graph_new(f.ctx, IG_GRAPH_EAGER, &f.g, &err));
    *state = &f;
    return 0;
}

static int tear_down(void **state) {
    fixture *f = *state;
    ig_graph_free(f->g);
    ig_context_free(f->ctx);
    return 0;
}

static ig_tensor noise(ig_context *ctx, ig_dtype dtype, int ndim, const int64_t *size, uint64_t seed, bool positive) {
    ig_tensor t;
    ig_error err = {0};
    ig_rng r;
    ig_rng_init(&r, seed, 0);
    check_ok(ig_tensor_new(ctx, dtype, ndim, size, &t, &err));
    for (int64_t i = 0; i < ig_tensor_numel(&t); i++) {
        double v = (float)ig_rng_normal(&r);
        ig_tensor_set(&t, i, positive ? fabs(v) : v);
    }
    return t;
}

static double largest(const ig_tensor *t) {
    double m = 0;
    for (int64_t i = 0; i < ig_tensor_numel(t); i++) m = fmax(m, fabs(ig_tensor_get(t, i)));
    return m;
}

static void check_close(const char *name, const char *what, const ig_tensor *have, const ig_tensor *want, double tolerance) {
    assert_true(ig_tensor_same_shape(have, want));
    for (int64_t i = 0; i < ig_tensor_numel(want); i++) {
        double a = ig_tensor_get(have, i), b = ig_tensor_get(want, i);
        if (!(fabs(a - b) <= tolerance)) fail_msg("%s, %s: %.9g instead of %.9g at %lld (tolerance %g)", name, what, a, b, (long long)i, tolerance);
    }
}

/* ---- all passes, f32 and bf16 against f64 -------------------------------------------------------------------------- */

typedef struct results {
    ig_var *y, *dx, *dw, *db;
} results;

static results record(ig_graph *g, const shape *s, ig_tensor *t, ig_dtype dtype) {
    ig_var *x = ig_parameter(g, "x", &t[0]), *w = ig_parameter(g, "w", &t[1]), *b = ig_parameter(g, "b", &t[2]);
    bool bf16 = dtype == IG_DTYPE_BF16;
    ig_dtype wide = bf16 ? IG_DTYPE_F32 : dtype;
    ig_var *y = ig_conv2d(g, ig_cast(g, x, dtype), ig_cast(g, w, dtype), ig_cast(g, b, wide), s->o);
    ig_backward_from(g, y, ig_cast(g, ig_input(g, "dy", &t[3]), wide));
    return (results){y, ig_gradient(g, x), ig_gradient(g, w), ig_gradient(g, b)};
}

static void make_tensors(const fixture *f, const shape *s, ig_tensor t[4]) {
    ig_error err = {0};
    t[0] = noise(f->ctx, IG_DTYPE_F32, 4, s->x, 1, false), t[1] = noise(f->ctx, IG_DTYPE_F32, 4, s->w, 2, false);
    t[2] = noise(f->ctx, IG_DTYPE_F32, 1, s->w, 3, false);
    ig_var *y = ig_conv2d(f->g, ig_input(f->g, "x", &t[0]), ig_input(f->g, "w", &t[1]), NULL, s->o);
    check_ok(ig_graph_status(f->g, &err));
    t[3] = noise(f->ctx, IG_DTYPE_F32, 4, ig_value(y)->shape, 4, false);
    ig_graph_reset(f->g);
}

static void drop_tensors(ig_tensor t[4]) {
    for (int k = 0; k < 4; k++) ig_tensor_unref(&t[k]);
}

/* eps: what one product may be off by. */
static void compare(const fixture *f, const shape *s, ig_dtype dtype, double eps) {
    ig_tensor t[4];
    ig_error err = {0};
    ig_graph *wide = NULL;
    make_tensors(f, s, t);
    check_ok(ig_graph_new(f->ctx, IG_GRAPH_EAGER, &wide, &err));
    results have = record(f->g, s, t, dtype), want = record(wide, s, t, IG_DTYPE_F64);
    check_ok(ig_graph_status(f->g, &err));
    check_ok(ig_graph_status(wide, &err));
    double taps = (double)(s->w[2] * s->w[3]), x = largest(&t[0]), w = largest(&t[1]), dy = largest(&t[3]);
    check_close(s->name, "y", ig_value(have.y), ig_value(want.y), eps * taps * (double)s->w[1] * x * w);
    check_close(s->name, "dx", ig_value(have.dx), ig_value(want.dx), eps * taps * (double)s->w[0] * dy * w);
    check_close(s->name, "dw", ig_value(have.dw), ig_value(want.dw), eps * (double)ig_tensor_numel(&t[3]) / (double)s->w[0] * x * dy);
    check_close(s->name, "db", ig_value(have.db), ig_value(want.db), eps * (double)ig_tensor_numel(&t[3]) / (double)s->w[0] * dy);
    ig_graph_reset(f->g);
    ig_graph_free(wide);
    drop_tensors(t);
}

static void f32_passes_agree_with_f64(void **state) {
    for (int i = 0; i < SHAPES; i++) compare(*state, &shapes[i], IG_DTYPE_F32, (double)FLT_EPSILON);
}

/* Both factors are rounded to 8 bits: 2^-8 of the product, together; sums of roundings that do not all point one way. */
static void bf16_passes_agree_with_f64(void **state) {
    for (int i = 0; i < SHAPES; i++) compare(*state, &shapes[i], IG_DTYPE_BF16, 0x1p-8);
}

/* ---- plans ----------------------------------------------------------------------------------------------------------- */

static void steps_repeat_their_bits_and_allocate_nothing(void **state) {
    const fixture *f = *state;
    ig_error err = {0};
    for (int i = 0; i < SHAPES; i++) {
        ig_tensor t[4], first[4];
        ig_graph *g = NULL;
        ig_plan *p = NULL;
        make_tensors(f, &shapes[i], t);
        check_ok(ig_graph_new(f->ctx, IG_GRAPH_LAZY, &g, &err));
        results r = record(g, &shapes[i], t, IG_DTYPE_F32), e = record(f->g, &shapes[i], t, IG_DTYPE_F32);
        ig_var *outs[] = {r.y, r.dx, r.dw, r.db}, *eager[] = {e.y, e.dx, e.dw, e.db};
        check_ok(ig_capture(g, outs, 4, (ig_plan_opts){0}, &p, &err));
        check_ok(ig_plan_run(p, &err));
        for (int k = 0; k < 4; k++) {
            check_ok(ig_tensor_new(f->ctx, IG_DTYPE_F32, ig_plan_output(p, k)->ndim, ig_plan_output(p, k)->shape, &first[k], &err));
            check_ok(ig_tensor_copy(f->ctx, &first[k], ig_plan_output(p, k), &err));
        }
        for (int run = 0; run < 5; run++) {
            ig_alloc_fail_at(1);
            check_ok(ig_plan_run(p, &err));
            ig_alloc_fail_at(0);
            for (int k = 0; k < 4; k++) assert_memory_equal(ig_plan_output(p, k)->data, first[k].data, ig_tensor_bytes(&first[k]));
        }
        for (int k = 0; k < 4; k++) assert_memory_equal(ig_value(eager[k])->data, first[k].data, ig_tensor_bytes(&first[k]));
        for (int k = 0; k < 4; k++) ig_tensor_unref(&first[k]);
        ig_plan_free(p);
        ig_graph_free(g);
        ig_graph_reset(f->g);
        drop_tensors(t);
    }
}

/* Backward data is not computed for a picture that nobody learns. */
static void pictures_get_no_gradient(void **state) {
    const fixture *f = *state;
    ig_error err = {0};
    ig_tensor t[4];
    make_tensors(f, &shapes[0], t);
    ig_var *x = ig_input(f->g, "x", &t[0]), *w = ig_parameter(f->g, "w", &t[1]);
    ig_backward_from(f->g, ig_conv2d(f->g, x, w, NULL, shapes[0].o), ig_input(f->g, "dy", &t[3]));
    check_ok(ig_graph_status(f->g, &err));
    assert_null(ig_gradient(f->g, x));
    assert_non_null(ig_gradient(f->g, w));
    for (int i = 0; i < f->g->count; i++) assert_string_not_equal(f->g->node[i]->op->name, "conv2d_data");
    ig_graph_reset(f->g);
    drop_tensors(t);
}

/* ---- packed kernels ---------------------------------------------------------------------------------------------------- */

static const ig_conv_post posts[] = {{0}, {.activation = IG_CONV_RELU}, {.activation = IG_CONV_LEAKY_RELU, .slope = 0.125}, {.activation = IG_CONV_RELU6}};
enum { POSTS = sizeof posts / sizeof *posts };

static ig_var *activated(ig_graph *g, ig_var *x, const ig_conv_post *p) {
    switch (p->activation) {
    case IG_CONV_RELU: return ig_relu(g, x);
    case IG_CONV_LEAKY_RELU: return ig_leaky_relu(g, x, p->slope);
    case IG_CONV_RELU6: return ig_clamp(g, x, 0, 6);
    default: return x;
    }
}

/* A convolution, its batch norm, a residual and an activation in separate ops: [0] x, [1] w, [2] bias, [3] residual, [4] scale, [5] shift. */
typedef struct block {
    const shape *s;
    ig_tensor t[6];
} block;

static void make_block(const fixture *f, const shape *s, bool positive, block *b) {
    make_tensors(f, s, b->t);
    ig_tensor_unref(&b->t[0]);
    b->s = s;
    b->t[0] = noise(f->ctx, IG_DTYPE_F32, 4, s->x, 1, positive);
    b->t[4] = noise(f->ctx, IG_DTYPE_F32, 1, s->w, 5, true), b->t[5] = noise(f->ctx, IG_DTYPE_F32, 1, s->w, 6, false);
}

static void drop_block(block *b) {
    for (int k = 0; k < 6; k++) ig_tensor_unref(&b->t[k]);
}

static ig_var *leaf(ig_graph *g, block *b, int k) {
    static const char *const name[] = {"x", "w", "b", "r", "scale", "shift"};
    return ig_input(g, name[k], &b->t[k]);
}

static ig_var *separate(ig_graph *g, block *b, ig_var *x, ig_var *residual, const ig_conv_post *post) {
    ig_var *y = ig_conv2d(g, x, leaf(g, b, 1), leaf(g, b, 2), b->s->o);
    y = ig_add(g, ig_mul(g, y, leaf(g, b, 4)), leaf(g, b, 5));
    return activated(g, residual ? ig_add(g, y, residual) : y, post);
}

static ig_conv_weight_opts opts_of(const block *b) {
    return (ig_conv_weight_opts){.bias = b->t[2].data, .scale = b->t[4].data, .shift = b->t[5].data};
}

static double products(const block *b) { return (double)(b->s->w[1] * b->s->w[2] * b->s->w[3]); }

static void packed_kernels_in_f32_give_what_the_ops_give(void **state) {
    const fixture *f = *state;
    ig_error err = {0};
    for (int i = 0; i < SHAPES * POSTS; i++) {
        block b;
        ig_conv_weight *w = NULL;
        make_block(f, &shapes[i / POSTS], false, &b);
        ig_conv_weight_opts o = opts_of(&b);
        check_ok(ig_conv_weight_new(f->ctx, b.t[1].data, b.s->w, &o, &w, &err));
        const ig_conv_post *post = &posts[i % POSTS];
        double bound = 4 * (double)FLT_EPSILON * (products(&b) * largest(&b.t[0]) * largest(&b.t[1]) + 8) * (largest(&b.t[4]) + 1);
        for (int more = 0; more < 2; more++) {
            ig_var *x = leaf(f->g, &b, 0), *r = more ? leaf(f->g, &b, 3) : NULL;
            ig_var *want = separate(f->g, &b, x, r, post), *have = ig_conv2d_packed(f->g, x, w, r, b.s->o, *post);
            check_ok(ig_graph_status(f->g, &err));
            check_close(b.s->name, "packed", ig_value(have), ig_value(want), bound);
            ig_graph_reset(f->g);
        }
        ig_conv_weight_free(w);
        drop_block(&b);
    }
}

/* x as numbers in 8 bits, and what they stand for. */
static ig_tensor rounded(ig_context *ctx, ig_tensor *t, ig_conv_quant q) {
    ig_tensor u;
    ig_error err = {0};
    check_ok(ig_tensor_new(ctx, IG_DTYPE_U8, t->ndim, t->shape, &u, &err));
    for (int64_t i = 0; i < ig_tensor_numel(t); i++) {
        double v = fmin(fmax(rint(ig_tensor_get(t, i) / q.scale) + q.zero, 0), 255);
        ig_tensor_set(&u, i, v);
        ig_tensor_set(t, i, q.scale * (v - q.zero));
    }
    return u;
}

static ig_tensor values_of(ig_context *ctx, const ig_tensor *t, ig_conv_quant q) {
    ig_tensor v;
    ig_error err = {0};
    check_ok(ig_tensor_new(ctx, IG_DTYPE_F32, t->ndim, t->shape, &v, &err));
    for (int64_t i = 0; i < ig_tensor_numel(t); i++) ig_tensor_set(&v, i, t->dtype == IG_DTYPE_U8 ? q.scale * (ig_tensor_get(t, i) - q.zero) : ig_tensor_get(t, i));
    return v;
}

/* One block in 8 bits: x and the residual hold numbers that 8 bits hold exactly, so that only the kernel is rounded. */
static void check_narrow(const fixture *f, int which, const ig_conv_post *given, bool positive, bool narrow_out) {
    ig_error err = {0};
    block b;
    ig_conv_weight *w = NULL;
    ig_conv_post post = *given;
    make_block(f, &shapes[which], positive, &b);
    double x_max = largest(&b.t[0]), w_max = largest(&b.t[1]) * largest(&b.t[4]), half = ig_context_cpu(f->ctx) == IG_CPU_AVX2 ? 126 : 254;
    ig_conv_weight_opts o = opts_of(&b);
    o.in = ig_conv_quant_of(positive ? 0 : -x_max, x_max);
    post.residual = ig_conv_quant_of(-largest(&b.t[3]), largest(&b.t[3]));
    ig_tensor xq = rounded(f->ctx, &b.t[0], o.in), rq = rounded(f->ctx, &b.t[3], post.residual);
    ig_var *x = leaf(f->g, &b, 0), *r = leaf(f->g, &b, 3), *want = separate(f->g, &b, x, r, &post);
    check_ok(ig_graph_status(f->g, &err));
    if (narrow_out) o.out = ig_conv_quant_of(-largest(ig_value(want)), largest(ig_value(want)));
    check_ok(ig_conv_weight_new(f->ctx, b.t[1].data, b.s->w, &o, &w, &err));
    ig_var *u = ig_input(f->g, "xq", &xq), *residual = narrow_out ? ig_input(f->g, "rq", &rq) : r;
    double bound = products(&b) * x_max * w_max / half + 1e-4 * (1 + largest(ig_value(want))) + o.out.scale * 0.51;
    ig_var *have[2] = {ig_conv2d_packed(f->g, u, w, residual, b.s->o, post), ig_conv2d_packed(f->g, x, w, residual, b.s->o, post)};
    check_ok(ig_graph_status(f->g, &err));
    assert_int_equal(ig_var_dtype(have[0]), narrow_out ? IG_DTYPE_U8 : IG_DTYPE_F32);
    ig_tensor v = values_of(f->ctx, ig_value(have[0]), o.out);
    check_close(b.s->name, narrow_out ? "u8 to u8" : "u8 to f32", &v, ig_value(want), bound);
    /* numbers that 8 bits hold exactly are rounded to themselves: the same bits */
    assert_memory_equal(ig_value(have[0])->data, ig_value(have[1])->data, ig_tensor_bytes(ig_value(have[0])));
    ig_graph_reset(f->g);
    ig_tensor_unref(&v), ig_tensor_unref(&xq), ig_tensor_unref(&rq);
    ig_conv_weight_free(w);
    drop_block(&b);
}

static void packed_kernels_in_8_bits_stay_within_their_rounding(void **state) {
    for (int i = 0; i < SHAPES * POSTS; i++)
        for (int k = 0; k < 4; k++) check_narrow(*state, i / POSTS, &posts[i % POSTS], k & 1, k & 2);
}

/* Integer sums are exact: kernels and pictures of small whole numbers must come out to the last bit. */
static void sums_of_8_bits_do_not_overflow(void **state) {
    const fixture *f = *state;
    ig_error err = {0};
    enum { C = 64, O = 16 };
    ig_tensor x;
    static float k[O * C * 9];
    ig_conv_weight *w = NULL;
    ig_conv_weight_opts o = {.in = {1, 0}};
    float limit = ig_context_cpu(f->ctx) == IG_CPU_AVX2 ? 63 : 127;
    for (int i = 0; i < O * C * 9; i++) k[i] = i / (C * 9) % 2 ? -limit : limit;
    check_ok(ig_conv_weight_new(f->ctx, k, (int64_t[]){O, C, 3, 3}, &o, &w, &err));
    check_ok(ig_tensor_new(f->ctx, IG_DTYPE_U8, 4, (int64_t[]){1, 5, 5, C}, &x, &err));
    check_ok(ig_tensor_fill(f->ctx, &x, 255, &err));
    const ig_tensor *y = ig_value(ig_conv2d_packed(f->g, ig_input(f->g, "x", &x), w, NULL, (ig_conv_opts){0}, (ig_conv_post){0}));
    check_ok(ig_graph_status(f->g, &err));
    for (int64_t i = 0; i < ig_tensor_numel(y); i++) assert_true(ig_tensor_get(y, i) == (i % 2 ? -1 : 1) * 255.0 * limit * C * 9);
    ig_graph_reset(f->g);
    ig_conv_weight_free(w);
    ig_tensor_unref(&x);
}

/* Two layers with a short cut, u8 in between, as a plan: the same bits as op by op, run for run, nothing allocated. */
static void a_plan_over_packed_kernels_gives_the_bits_of_the_ops(void **state) {
    const fixture *f = *state;
    ig_error err = {0};
    block b;
    ig_conv_weight *w[2] = {0};
    ig_var *y[2];
    ig_graph *g = NULL;
    ig_plan *p = NULL;
    ig_conv_post post = {.activation = IG_CONV_RELU, .residual = {0.05, 128}};
    make_block(f, &shapes[0], true, &b);
    ig_conv_weight_opts o = opts_of(&b);
    o.in = (ig_conv_quant){0.02, 0}, o.out = (ig_conv_quant){0.05, 128};
    check_ok(ig_conv_weight_new(f->ctx, b.t[1].data, b.s->w, &o, &w[0], &err));
    o.in = o.out, o.out = (ig_conv_quant){0.1, 3};
    check_ok(ig_conv_weight_new(f->ctx, b.t[1].data, b.s->w, &o, &w[1], &err));
    check_ok(ig_graph_new(f->ctx, IG_GRAPH_LAZY, &g, &err));
    for (int k = 0; k < 2; k++) {
        ig_graph *at = k ? g : f->g;
        ig_var *h = ig_conv2d_packed(at, leaf(at, &b, 0), w[0], NULL, b.s->o, (ig_conv_post){.activation = IG_CONV_LEAKY_RELU, .slope = 0.1});
        y[k] = ig_conv2d_packed(at, h, w[1], h, b.s->o, post);
        check_ok(ig_graph_status(at, &err));
    }
    check_ok(ig_capture(g, &y[1], 1, (ig_plan_opts){0}, &p, &err));
    for (int run = 0; run < 3; run++) {
        ig_alloc_fail_at(1);
        check_ok(ig_plan_run(p, &err));
        ig_alloc_fail_at(0);
        assert_memory_equal(ig_plan_output(p, 0)->data, ig_value(y[0])->data, ig_tensor_bytes(ig_value(y[0])));
    }
    check_fails(ig_plan_save(p, "/tmp/ingot_conv_never", &err), IG_E_UNSUPPORTED);
    ig_plan_free(p);
    ig_graph_free(g);
    ig_graph_reset(f->g);
    ig_conv_weight_free(w[0]), ig_conv_weight_free(w[1]);
    drop_block(&b);
}

static void packed_kernels_that_make_no_sense_are_refused(void **state) {
    const fixture *f = *state;
    ig_error err = {0};
    float k[4] = {1, 2, 3, NAN};
    int64_t size[4] = {2, 2, 1, 1}, none[4] = {2, 0, 1, 1};
    ig_conv_weight *w = NULL;
    check_fails(ig_conv_weight_new(f->ctx, k, size, NULL, &w, &err), IG_E_NUMERIC);
    assert_string_equal(err.message, "output channel 1 of the kernel is not finite");
    k[3] = 4;
    check_fails(ig_conv_weight_new(f->ctx, k, none, NULL, &w, &err), IG_E_SHAPE);
    check_fails(ig_conv_weight_new(f->ctx, k, size, &(ig_conv_weight_opts){.in = {-1, 0}}, &w, &err), IG_E_ARG);
    check_fails(ig_conv_weight_new(f->ctx, k, size, &(ig_conv_weight_opts){.in = {1, 256}}, &w, &err), IG_E_ARG);
    check_fails(ig_conv_weight_new(f->ctx, k, size, &(ig_conv_weight_opts){.out = {1, 0}}, &w, &err), IG_E_ARG);
    assert_string_equal(err.message, "an output in 8 bits needs an input in 8 bits");
    check_ok(ig_conv_weight_new(f->ctx, k, size, NULL, &w, &err));
    ig_tensor x = noise(f->ctx, IG_DTYPE_F32, 4, (int64_t[]){1, 3, 3, 3}, 1, false);
    ig_conv2d_packed(f->g, ig_input(f->g, "x", &x), w, NULL, (ig_conv_opts){0}, (ig_conv_post){0});
    check_fails(ig_graph_status(f->g, &err), IG_E_SHAPE);
    assert_string_equal(err.message, "conv2d_packed: [1,3,3,3] with a kernel [2,2,1,1] in 1 groups; [N,H,W,2] without gaps is needed");
    ig_graph_reset(f->g);
    ig_conv_weight_free(w);
    ig_tensor_unref(&x);
}

static ig_status make_and_run(const fixture *f, block *b, ig_graph_mode mode, ig_error *err) {
    ig_conv_weight *w = NULL;
    ig_graph *g = NULL;
    ig_plan *p = NULL;
    ig_conv_weight_opts o = opts_of(b);
    o.in = (ig_conv_quant){0.02, 10};
    ig_status s = ig_conv_weight_new(f->ctx, b->t[1].data, b->s->w, &o, &w, err);
    if (s == IG_OK) s = ig_graph_new(f->ctx, mode, &g, err);
    if (s == IG_OK) {
        ig_var *y = ig_conv2d_packed(g, leaf(g, b, 0), w, leaf(g, b, 3), b->s->o, (ig_conv_post){0});
        s = ig_graph_status(g, err);
        if (s == IG_OK && mode == IG_GRAPH_LAZY) s = ig_capture(g, &y, 1, (ig_plan_opts){0}, &p, err);
        if (s == IG_OK && p) s = ig_plan_run(p, err);
    }
    ig_plan_free(p);
    ig_graph_free(g);
    ig_conv_weight_free(w);
    return s;
}

static void failed_allocations_are_reported(void **state) {
    const fixture *f = *state;
    block b;
    make_block(f, &shapes[0], false, &b);
    for (ig_graph_mode mode = IG_GRAPH_EAGER; mode <= IG_GRAPH_LAZY; mode++) {
        ig_status s = IG_E_NOMEM;
        for (uint64_t n = 1; s != IG_OK; n++) {
            ig_error err = {0};
            ig_alloc_fail_at(n);
            s = make_and_run(f, &b, mode, &err);
            ig_alloc_fail_at(0);
            if (s != IG_OK && s != IG_E_NOMEM) fail_msg("allocation %llu: %s: %s", (unsigned long long)n, ig_status_name(s), err.message);
        }
    }
    drop_block(&b);
}

/* ---- the layer --------------------------------------------------------------------------------------------------------- */

static void layer_of(const fixture *f, ig_params *ps, int ndim, const int64_t *x_size, const int64_t *w_size, ig_conv_opts o) {
    ig_error err = {0};
    ig_param *w = NULL, *bias = NULL;
    ig_tensor x = noise(f->ctx, IG_DTYPE_F32, ndim, x_size, 1, false), k = noise(f->ctx, IG_DTYPE_F32, ndim, w_size, 2, false);
    ig_pass pass = {.g = f->g};
    ig_conv_post post = {.activation = IG_CONV_RELU};
    ig_params_init(ps, f->ctx);
    check_ok(ig_params_add(ps, "w", IG_DTYPE_F32, ndim, w_size, true, &w, &err));
    check_ok(ig_params_add(ps, "b", IG_DTYPE_F32, 1, w_size, false, &bias, &err));
    check_ok(ig_tensor_copy(f->ctx, &w->value, &k, &err));
    check_ok(ig_tensor_fill(f->ctx, &bias->value, 0.25, &err));
    check_fails(ig_param_pack_conv(f->ctx, w, NULL, &err), IG_E_ARG);
    w->role = IG_PARAM_CONV;
    ig_var *want = ig_nn_conv(&pass, ig_input(f->g, "x", &x), w, bias, NULL, o, post);
    check_ok(ig_graph_status(f->g, &err));
    ig_tensor copy = values_of(f->ctx, ig_value(want), (ig_conv_quant){0});
    ig_graph_reset(f->g);
    check_ok(ig_param_pack_conv(f->ctx, w, &(ig_conv_weight_opts){.bias = bias->value.data}, &err));
    assert_null(w->value.data);
    check_fails(ig_param_pack_conv(f->ctx, w, NULL, &err), IG_E_STATE);
    ig_var *have = ig_nn_conv(&pass, ig_input(f->g, "x", &x), w, bias, NULL, o, post);
    check_ok(ig_graph_status(f->g, &err));
    check_close("layer", "packed", ig_value(have), &copy, 1e-4);
    ig_graph_reset(f->g);
    ig_tensor_unref(&copy), ig_tensor_unref(&x), ig_tensor_unref(&k);
    ig_params_fini(ps);
}

static void the_layer_is_the_same_packed_or_not(void **state) {
    ig_params ps;
    layer_of(*state, &ps, 4, (int64_t[]){2, 7, 6, 5}, (int64_t[]){8, 5, 3, 3}, (ig_conv_opts){.stride = {2, 1}, PAD1});
    layer_of(*state, &ps, 3, (int64_t[]){2, 9, 4}, (int64_t[]){6, 2, 3}, (ig_conv_opts){.dilation = {2}, .pad_before = {2}, .groups = 2});
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f32_passes_agree_with_f64), cmocka_unit_test(bf16_passes_agree_with_f64),
        cmocka_unit_test(steps_repeat_their_bits_and_allocate_nothing), cmocka_unit_test(pictures_get_no_gradient),
        cmocka_unit_test(packed_kernels_in_f32_give_what_the_ops_give), cmocka_unit_test(packed_kernels_in_8_bits_stay_within_their_rounding),
        cmocka_unit_test(sums_of_8_bits_do_not_overflow), cmocka_unit_test(a_plan_over_packed_kernels_gives_the_bits_of_the_ops),
        cmocka_unit_test(packed_kernels_that_make_no_sense_are_refused), cmocka_unit_test(failed_allocations_are_reported),
        cmocka_unit_test(the_layer_is_the_same_packed_or_not),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
