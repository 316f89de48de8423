/* bench/conv.c: times convolutions on one thread: the three passes in f32 and bf16, and packed kernels in f32 and 8 bits.
 *
 *     conv [first letters of a shape's name]
 *
 * Each figure is the best of many runs, in GFLOP/s (two per product; taps in the padding are counted, though they are skipped:
 * 16 % of the count at 8x8) and as a share of what one thread's f32 fused multiply-adds reach.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bench/peak.h"
#include "ingot/graph.h"

#define ENOUGH 0.15 /* seconds per figure */

typedef struct shape {
    const char *name;
    int64_t x[4], w[4];
    ig_conv_opts o;
} shape;

#define PAD1 .pad_before = {1, 1}, .pad_after = {1, 1}
static const shape shapes[] = {
    {"resnet20 first, 3 to 16 at 32x32", {64, 32, 32, 3}, {16, 3, 3, 3}, {PAD1}},
    {"resnet20 16 at 32x32", {64, 32, 32, 16}, {16, 16, 3, 3}, {PAD1}},
    {"resnet20 16 to 32, stride 2", {64, 32, 32, 16}, {32, 16, 3, 3}, {.stride = {2, 2}, PAD1}},
    {"resnet20 32 at 16x16", {64, 16, 16, 32}, {32, 32, 3, 3}, {PAD1}},
    {"resnet20 32 to 64, stride 2", {64, 16, 16, 32}, {64, 32, 3, 3}, {.stride = {2, 2}, PAD1}},
    {"resnet20 64 at 8x8", {64, 8, 8, 64}, {64, 64, 3, 3}, {PAD1}},
    {"64 at 56x56", {4, 56, 56, 64}, {64, 64, 3, 3}, {PAD1}},
    {"256 at 14x14", {8, 14, 14, 256}, {256, 256, 3, 3}, {PAD1}},
    {"1x1 256 to 64 at 56x56", {4, 56, 56, 256}, {64, 256, 1, 1}, {.groups = 1}},
    {"depthwise 96 at 28x28", {16, 28, 28, 96}, {96, 1, 3, 3}, {.groups = 96, PAD1}},
};

typedef struct bench {
    ig_context *ctx;
    const shape *s;
    ig_tensor x, w, dy, u;
    double peak, flops;
} bench;

/* Time that this thread had the processor: a busy machine then disturbs less. */
static double own_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static ig_status best_of(ig_plan *p, double *best, ig_error *err) {
    double begin = own_seconds();
    *best = 1e30;
    for (int i = 0; i < 5 || own_seconds() - begin < ENOUGH; i++) {
        double start = own_seconds();
        IG_TRY(ig_plan_run(p, err));
        double seconds = own_seconds() - start;
        if (i > 0 && seconds < *best) *best = seconds;
    }
    return IG_OK;
}

static ig_status show(const bench *b, const char *what, ig_graph *g, ig_var *y, ig_error *err) {
    ig_plan *p = NULL;
    double best = 0;
    IG_TRY(ig_graph_status(g, err));
    IG_TRY(ig_capture(g, &y, 1, (ig_plan_opts){0}, &p, err));
    ig_status s = best_of(p, &best, err);
    if (s == IG_OK) printf("  %-22s %9.1f us %7.1f GF/s  %4.0f %%\n", what, best * 1e6, b->flops / best / 1e9, b->flops / best / 1e7 / b->peak);
    fflush(stdout);
    ig_plan_free(p);
    return s;
}

/* ---- the passes ------------------------------------------------------------------------------------------------------ */

static ig_status passes(const bench *b, ig_graph *g, bool bf16, ig_error *err) {
    static const char *const name[2][3] = {{"forward", "gradient of data", "gradient of weights"}, {"bf16 forward", "bf16 data", "bf16 weights"}};
    ig_var *x = ig_parameter(g, "x", &b->x), *w = ig_parameter(g, "w", &b->w), *dy = ig_input(g, "dy", &b->dy);
    ig_var *y = ig_conv2d(g, bf16 ? ig_cast(g, x, IG_DTYPE_BF16) : x, bf16 ? ig_cast(g, w, IG_DTYPE_BF16) : w, NULL, b->s->o);
    ig_backward_from(g, y, dy);
    IG_TRY(ig_graph_status(g, err));
    ig_var *out[] = {y, ig_gradient(g, x), ig_gradient(g, w)};
    for (int k = 0; k < 3; k++) IG_TRY(show(b, name[bf16][k], g, out[k], err));
    ig_graph_reset(g);
    return IG_OK;
}

static ig_status packed(const bench *b, ig_graph *g, const char *what, const ig_tensor *x, ig_conv_quant in, ig_conv_quant out, ig_error *err) {
    ig_conv_weight *w = NULL;
    IG_TRY(ig_conv_weight_new(b->ctx, b->w.data, b->s->w, &(ig_conv_weight_opts){.in = in, .out = out}, &w, err));
    ig_var *y = ig_conv2d_packed(g, ig_input(g, "x", x), w, NULL, b->s->o, (ig_conv_post){.activation = IG_CONV_RELU});
    ig_status s = show(b, what, g, y, err);
    ig_graph_reset(g);
    ig_conv_weight_free(w);
    return s;
}

static ig_status all(const bench *b, ig_graph *g, ig_error *err) {
    ig_conv_quant none = {0}, some = {0.02, 0};
    IG_TRY(passes(b, g, false, err));
    if (ig_context_has_bf16(b->ctx)) IG_TRY(passes(b, g, true, err));
    IG_TRY(packed(b, g, "packed", &b->x, none, none, err));
    IG_TRY(packed(b, g, "packed, f32 in 8 bits", &b->x, some, none, err));
    return packed(b, g, "packed, u8 to u8", &b->u, some, some, err);
}

/* ---- making ------------------------------------------------------------------------------------------------------------ */

static ig_status filled(const bench *b, ig_dtype dtype, const int64_t *size, double value, ig_tensor *t, ig_error *err) {
    IG_TRY(ig_tensor_new(b->ctx, dtype, 4, size, t, err));
    return ig_tensor_fill(b->ctx, t, value, err);
}

static ig_status make(bench *b, ig_graph *g, ig_error *err) {
    const shape *s = b->s;
    IG_TRY(filled(b, IG_DTYPE_F32, s->x, 0.5, &b->x, err));
    IG_TRY(filled(b, IG_DTYPE_F32, s->w, 0.01, &b->w, err));
    IG_TRY(filled(b, IG_DTYPE_U8, s->x, 25, &b->u, err));
    ig_var *y = ig_conv2d(g, ig_input(g, "x", &b->x), ig_input(g, "w", &b->w), NULL, s->o);
    IG_TRY(ig_graph_status(g, err));
    IG_TRY(filled(b, IG_DTYPE_F32, ig_value(y)->shape, 0.5, &b->dy, err));
    b->flops = 2.0 * (double)ig_tensor_numel(&b->dy) * (double)(s->w[1] * s->w[2] * s->w[3]);
    ig_graph_reset(g);
    return IG_OK;
}

static ig_status run(ig_context *ctx, const shape *s, double peak, ig_error *err) {
    bench b = {.ctx = ctx, .s = s, .peak = peak};
    ig_graph *g = NULL;
    ig_status status = ig_graph_new(ctx, IG_GRAPH_LAZY, &g, err);
    printf("%s\n", s->name);
    if (status == IG_OK) status = make(&b, g, err);
    if (status == IG_OK) status = all(&b, g, err);
    ig_tensor_unref(&b.x), ig_tensor_unref(&b.w), ig_tensor_unref(&b.dy), ig_tensor_unref(&b.u);
    ig_graph_free(g);
    return status;
}

int main(int argc, char **argv) {
    ig_context *ctx = NULL;
    ig_error err = {0};
    char text[1200];
    const char *wanted = argc > 1 ? argv[1] : "";
    ig_status s = ig_context_new(&(ig_context_opts){.threads = 1}, &ctx, &err);
    double peak = s == IG_OK ? bench_peak_gflops(ctx) : 0;
    if (s == IG_OK) printf("%s, one thread, peak %.0f GF/s\n", ig_cpu_name(ig_context_cpu(ctx)), peak);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes && s == IG_OK; i++)
        if (strncmp(shapes[i].name, wanted, strlen(wanted)) == 0) s = run(ctx, &shapes[i], peak, &err);
    if (s != IG_OK) fprintf(stderr, "conv: %s\n", ig_error_format(&err, text, sizeof text));
    ig_context_free(ctx);
    return s == IG_OK ? 0 : 1;
}
