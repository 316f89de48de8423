/* bench/pictures.c: times the memory-bound ops of convolutional networks as a captured plan runs them, on one and on two
 * threads.
 *
 *     pictures [reference|avx2|avx512]
 *
 * Each line is the best of many runs: forward, and forward with the gradient, with the bytes that each must move at least
 * (batch norm: forward reads x twice and writes y; backward reads dy and x twice and writes dx).
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ingot/graph.h"

#define ENOUGH 0.4 /* seconds per line */

typedef ig_var *build_fn(ig_graph *g, ig_var *const *x);

typedef struct task {
    const char *name;
    build_fn *build;
    int64_t shape[4];
    double forward, backward; /* passes over x */
} task;

static ig_var *batch_norm(ig_graph *g, ig_var *const *x) {
    return ig_batch_norm(g, x[0], x[1], x[2], NULL, NULL, (ig_batch_norm_opts){.training = true, .eps = 1e-5, .relu = true});
}
static ig_var *batch_norm_residual(ig_graph *g, ig_var *const *x) {
    ig_batch_norm_opts o = {.training = true, .eps = 1e-5, .relu = true, .residual = x[3]};
    return ig_batch_norm(g, x[0], x[1], x[2], NULL, NULL, o);
}
static ig_var *batch_norm_apart(ig_graph *g, ig_var *const *x) {
    ig_batch_norm_opts o = {.training = true, .eps = 1e-5};
    return ig_relu(g, ig_add(g, ig_batch_norm(g, x[0], x[1], x[2], NULL, NULL, o), x[3]));
}
static ig_var *max_pool(ig_graph *g, ig_var *const *x) {
    return ig_max_pool2d(g, x[0],
                         (ig_pool_opts){.kernel = {3, 3}, .stride = {2, 2}, .pad_before = {1, 1}, .pad_after = {1, 1}});
}
static ig_var *avg_pool(ig_graph *g, ig_var *const *x) { return ig_avg_pool2d(g, x[0], (ig_pool_opts){.kernel = {2, 2}}); }
static ig_var *global_mean(ig_graph *g, ig_var *const *x) { return ig_mean(g, x[0], 6, false); }

static const task tasks[] = {
    {"batch norm + relu", batch_norm, {128, 32, 32, 16}, 3, 5},
    {"batch norm + residual + relu", batch_norm_residual, {128, 32, 32, 16}, 4, 7},
    {"the same, op by op", batch_norm_apart, {128, 32, 32, 16}, 4, 8},
    {"batch norm + relu", batch_norm, {32, 14, 14, 256}, 3, 5},
    {"max pool 3x3/2", max_pool, {32, 112, 112, 64}, 1.5, 1.5},
    {"avg pool 2x2", avg_pool, {128, 32, 32, 16}, 1.25, 1.25},
    {"mean over the picture", global_mean, {128, 8, 8, 64}, 1, 1},
};

/* With one thread the time that it had the processor: a busy machine then disturbs less. */
static clockid_t clock_used = CLOCK_THREAD_CPUTIME_ID;

static double seconds(void) {
    struct timespec t;
    clock_gettime(clock_used, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double best_of(ig_plan *p) {
    double best = 1e30, begin = seconds();
    for (int i = 0; i < 5 || seconds() - begin < ENOUGH; i++) {
        double start = seconds();
        if (ig_plan_run(p, NULL) != IG_OK) return 0;
        double took = seconds() - start;
        if (took < best) best = took;
    }
    return best;
}

static ig_status time_task(ig_context *ctx, const task *t, bool backward, double *best, ig_error *err) {
    const int64_t *s = t->shape;
    ig_tensor x[4] = {0};
    ig_var *v[4], *out[3];
    ig_graph *g = NULL;
    ig_plan *p = NULL;
    static const char *const names[] = {"x", "w", "b", "residual"};
    ig_status status = ig_graph_new(ctx, IG_GRAPH_LAZY, &g, err);
    for (int k = 0; k < 4 && status == IG_OK; k++) {
        bool vector = k == 1 || k == 2;
        status = ig_tensor_new(ctx, IG_DTYPE_F32, vector ? 1 : 4, vector ? s + 3 : s, &x[k], err);
        for (int64_t i = 0; status == IG_OK && i < ig_tensor_numel(&x[k]); i++)
            ((float *)x[k].data)[i] = (float)(i * 2654435761 % 1000) / 500 - 1;
        if (status == IG_OK) v[k] = ig_parameter(g, names[k], &x[k]);
    }
    if (status == IG_OK) {
        out[0] = t->build(g, v);
        int n = 1;
        if (backward) {
            ig_backward_from(g, out[0], ig_full(g, IG_DTYPE_F32, ig_ndim(out[0]), ig_value(out[0])->shape, 0.5));
            out[n++] = ig_gradient(g, v[0]);
            if (ig_gradient(g, v[3])) out[n++] = ig_gradient(g, v[3]);
        }
        status = ig_capture(g, out, n, (ig_plan_opts){0}, &p, err);
    }
    if (status == IG_OK) *best = best_of(p);
    ig_plan_free(p);
    ig_graph_free(g);
    for (int k = 0; k < 4; k++) ig_tensor_unref(&x[k]);
    return status;
}

static ig_status time_all(ig_context *ctx, ig_error *err) {
    for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++) {
        const task *t = &tasks[i];
        double f, both, mega = 4e-6 * (double)(t->shape[0] * t->shape[1] * t->shape[2] * t->shape[3]);
        IG_TRY(time_task(ctx, t, false, &f, err));
        IG_TRY(time_task(ctx, t, true, &both, err));
        printf("  %-29s %4lldx%-3lldx%-3lldx%-3lld forward %7.3f ms %5.1f GB/s   with gradient %7.3f ms %5.1f GB/s\n", t->name,
               (long long)t->shape[0], (long long)t->shape[1], (long long)t->shape[2], (long long)t->shape[3], f * 1e3,
               mega * t->forward / f / 1e3, both * 1e3, mega * (t->forward + t->backward) / both / 1e3);
    }
    return IG_OK;
}

int main(int argc, char **argv) {
    ig_cpu cpu = IG_CPU_AUTO;
    for (int c = IG_CPU_REFERENCE; c <= IG_CPU_AVX512; c++)
        if (argc > 1 && strcmp(argv[1], ig_cpu_name((ig_cpu)c)) == 0) cpu = (ig_cpu)c;
    for (int threads = 1; threads <= 2; threads++) {
        ig_error err = {0};
        ig_context *ctx = NULL;
        if (threads > 1) clock_used = CLOCK_MONOTONIC;
        ig_status s = ig_context_new(&(ig_context_opts){.threads = threads, .cpu = cpu}, &ctx, &err);
        if (s == IG_OK) printf("%s, %d thread%s\n", ig_cpu_name(ig_context_cpu(ctx)), threads, threads > 1 ? "s" : "");
        if (s == IG_OK) s = time_all(ctx, &err);
        if (s != IG_OK) fprintf(stderr, "%s\n", err.message);
        ig_context_free(ctx);
        if (s != IG_OK) return 1;
    }
    return 0;
}
