/* bench/kernels.c: times the kernels that a training step spends its time in, on one thread, per instruction set.
 *
 *     kernels [reference|avx2|avx512 …]
 *
 * Each line is the best of many runs, with a rate: arithmetic for attention, as a share of what one thread's fused
 * multiply-adds reach, and bytes moved for all that memory bounds.  Attention counts the visible half of the products: two
 * forward (QKᵀ, PV), and five backward (the scores again, dP, dQ, dK, dV).
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bench/peak.h"
#include "tensor/kernels/kernels.h"

#define ENOUGH 0.25 /* seconds per line */

typedef struct task {
    const ig_kernels *k;
    float *x[8];
    size_t n, rows;
    ig_attention_args a;
    ig_map map;
    int heads;
} task;

typedef void task_fn(task *t);

/* Time that this thread had the processor: a busy machine then disturbs less. */
static double own_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double best_of(task_fn *run, task *t) {
    double best = 1e30, begin = own_seconds();
    run(t);
    for (int i = 0; i < 5 || own_seconds() - begin < ENOUGH; i++) {
        double start = own_seconds();
        run(t);
        double seconds = own_seconds() - start;
        if (seconds < best) best = seconds;
    }
    return best;
}

/* ---- attention ------------------------------------------------------------------------------------------------------- */

/* Heads lie side by side in rows of 3C as a fused projection leaves them, so rows are far apart as in a real model. */
static void forward(task *t) {
    int64_t d = t->a.D, c = t->heads * d;
    for (int h = 0; h < t->heads; h++)
        t->k->attention_forward(t->x[1] + h * d, t->x[2] + h * t->a.T, t->x[0] + h * d, t->x[0] + c + h * d, t->x[0] + 2 * c + h * d, &t->a, t->x[3]);
}

static void backward(task *t) {
    int64_t d = t->a.D, c = t->heads * d;
    for (int h = 0; h < t->heads; h++) {
        float *dq = t->x[4] + h * d, *q = t->x[0] + h * d;
        t->k->attention_backward(dq, dq + c, dq + 2 * c, t->x[5] + h * d, t->x[1] + h * d, t->x[2] + h * t->a.T, q, q + c, q + 2 * c, &t->a,
                                 3 * c, 3 * c, 3 * c, c, t->x[3]);
    }
}

static void attention(task *t, int64_t T, int64_t S, int64_t D, double peak) {
    t->heads = 6;
    int64_t c = t->heads * D;
    t->a = (ig_attention_args){.T = T, .S = S, .D = D, .q_row = 3 * c, .k_row = 3 * c, .v_row = 3 * c, .o_row = c, .scale = 0.125f,
                               .causal = true, .offset = S - T};
    double visible = (double)T * (double)(S - T) + (double)T * (double)(T + 1) / 2, product = 2.0 * visible * (double)D * t->heads;
    double f = best_of(forward, t);
    printf("  attention T=%-4lld S=%-4lld D=%-3lld forward  %8.1f us %7.1f GF/s  %3.0f %%\n", (long long)T, (long long)S, (long long)D,
           f * 1e6, 2 * product / f / 1e9, 2 * product / f / 1e7 / peak);
    if (T == 1) return;
    double b = best_of(backward, t);
    printf("  attention T=%-4lld S=%-4lld D=%-3lld backward %8.1f us %7.1f GF/s  %3.0f %%\n", (long long)T, (long long)S, (long long)D,
           b * 1e6, 5 * product / b / 1e9, 5 * product / b / 1e7 / peak);
}

/* ---- memory-bound kernels ---------------------------------------------------------------------------------------------- */

static void print_rate(const char *name, task_fn *run, task *t, double bytes) {
    double s = best_of(run, t);
    printf("  %-24s %10.1f us %7.1f GB/s  %6.3f ns/element\n", name, s * 1e6, bytes / s / 1e9, s * 1e9 / (double)(t->n * t->rows));
}

static void run_map(task *t) {
    static const uint64_t key[2] = {1, 2};
    ig_map_args args = {.f = {0.1, 1.0}, .key = key};
    for (size_t r = 0; r < t->rows; r++)
        t->k->map_f32[t->map](t->x[1], (const float *const[3]){t->x[0], t->x[4], t->x[5]}, t->n, &args);
}

static void run_adam(task *t) {
    ig_adam_args a = {.lr = 1e-4f, .beta1 = 0.9f, .beta2 = 0.99f, .eps = 1e-8f, .weight_decay = 0.1f, .correction1 = 0.5f,
                      .correction2 = 0.5f, .grad_scale = 1};
    t->k->adam(t->x[0], t->x[1], t->x[4], t->x[6], t->n, &a);
}

#define EACH_ROW(t, r) for (size_t r = 0, o = 0; r < (t)->rows; r++, o += (t)->n)

static void run_layer_norm(task *t) {
    float mean, rstd;
    EACH_ROW(t, r) t->k->layer_norm_row(t->x[1] + o, &mean, &rstd, t->x[0] + o, t->x[4], t->x[5], 1e-5f, t->n);
}
static void run_layer_norm_grad(task *t) {
    EACH_ROW(t, r) t->k->layer_norm_grad_row(t->x[1] + o, t->x[6], t->x[7], t->x[4] + o, t->x[0] + o, t->x[5], 0.1f, 1.0f, t->n);
}
static void run_rms_norm(task *t) {
    float rstd;
    EACH_ROW(t, r) t->k->rms_norm_row(t->x[1] + o, &rstd, t->x[0] + o, t->x[4], 1e-5f, t->n);
}
static void run_softmax(task *t) { EACH_ROW(t, r) t->k->softmax_row(t->x[1] + o, t->x[0] + o, t->n); }
static void run_lse(task *t) { EACH_ROW(t, r) t->x[2][0] = t->k->lse_row(t->x[0] + o, t->n); }
static void run_cross_entropy_grad(task *t) {
    EACH_ROW(t, r) t->k->cross_entropy_grad_row(t->x[1] + o, t->x[0] + o, 11.0f, 5, 0.0f, 1.0f, t->n);
}
static void run_add_rows(task *t) { t->k->add_rows(t->x[1], t->x[0], t->rows, t->n, t->n); }
static void run_row_sum(task *t) { EACH_ROW(t, r) t->x[2][0] = t->k->row_sum_squares(t->x[0] + o, t->n); }
static void run_to_bf16(task *t) { t->k->f32_to_bf16((uint16_t *)(void *)t->x[1], t->x[0], t->n); }
static void run_to_f16(task *t) { t->k->f32_to_f16((uint16_t *)(void *)t->x[1], t->x[0], t->n); }
static void run_from_f16(task *t) { t->k->f16_to_f32(t->x[1], (uint16_t *)(void *)t->x[0], t->n); }

static void maps(task *t) {
    static const struct { const char *name; ig_map map; } list[] = {{"copy", IG_MAP_copy}, {"add", IG_MAP_add}, {"exp", IG_MAP_exp},
        {"log", IG_MAP_log}, {"log1p", IG_MAP_log1p}, {"sin", IG_MAP_sin}, {"cos", IG_MAP_cos}, {"pow", IG_MAP_pow},
        {"sigmoid", IG_MAP_sigmoid}, {"tanh", IG_MAP_tanh}, {"gelu", IG_MAP_gelu}, {"gelu_grad", IG_MAP_gelu_grad},
        {"gelu_tanh", IG_MAP_gelu_tanh}, {"gelu_tanh_grad", IG_MAP_gelu_tanh_grad}, {"silu", IG_MAP_silu}, {"silu_grad", IG_MAP_silu_grad},
        {"dropout", IG_MAP_dropout}};
    for (size_t j = 0; j < 4096; j++) t->x[4][j] = t->x[5][j] = t->x[0][j] * 8; /* attention left its gradients there */
    t->n = 4096, t->rows = 16; /* blocks that stay in the first cache, as the map runner cuts them */
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        char name[40];
        snprintf(name, sizeof name, "map %s", list[i].name);
        t->map = list[i].map;
        print_rate(name, run_map, t, 4.0 * (double)(t->n * t->rows) * (1 + t->k->map_arity[t->map]));
    }
}

static void run_copy(task *t) { memcpy(t->x[1], t->x[0], t->n * sizeof(float)); }

static void rows(task *t) {
    t->n = (size_t)8 << 20, t->rows = 1;
    print_rate("memcpy of 32 MB", run_copy, t, 8.0 * (double)t->n);
    t->n = 384, t->rows = 4096;
    double all = 4.0 * 384 * 4096;
    print_rate("layer_norm 4096x384", run_layer_norm, t, 2 * all);
    print_rate("layer_norm_grad 4096x384", run_layer_norm_grad, t, 3 * all);
    print_rate("rms_norm 4096x384", run_rms_norm, t, 2 * all);
    t->n = 50257, t->rows = 32;
    all = 4.0 * 50257 * 32;
    print_rate("softmax 32x50257", run_softmax, t, 2 * all);
    print_rate("lse 32x50257", run_lse, t, all);
    print_rate("ce grad 32x50257", run_cross_entropy_grad, t, 2 * all);
    t->n = 1536, t->rows = 4096;
    print_rate("add_rows 4096x1536", run_add_rows, t, 4.0 * 1536 * 4096);
    print_rate("row_sum_squares", run_row_sum, t, 4.0 * 1536 * 4096);
    t->n = (size_t)4 << 20, t->rows = 1;
    print_rate("adam 4M", run_adam, t, 28.0 * (double)t->n);
    print_rate("f32_to_bf16 4M", run_to_bf16, t, 6.0 * (double)t->n);
    print_rate("f32_to_f16 4M", run_to_f16, t, 6.0 * (double)t->n);
    print_rate("f16_to_f32 4M", run_from_f16, t, 6.0 * (double)t->n);
}

static void run_all(task *t, double peak) {
    static const int shapes[][3] = {{256, 256, 64}, {64, 64, 32}, {1024, 1024, 64}, {512, 512, 128}, {257, 257, 80}, {64, 64, 30},
                                    {1, 256, 64}, {1, 2048, 64}, {4, 512, 64}, {2048, 2048, 64}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) attention(t, shapes[i][0], shapes[i][1], shapes[i][2], peak);
    maps(t);
    rows(t);
}

static ig_cpu cpu_named(const char *name) {
    for (int c = IG_CPU_REFERENCE; c <= IG_CPU_AVX512; c++)
        if (strcmp(name, ig_cpu_name((ig_cpu)c)) == 0) return (ig_cpu)c;
    return IG_CPU_AUTO;
}

int main(int argc, char **argv) {
    size_t size = (size_t)8 << 20;
    task t = {0};
    for (size_t i = 0; i < 8; i++) {
        t.x[i] = ig_malloc_aligned(size * sizeof(float));
        if (!t.x[i]) return 1;
    }
    for (int arg = argc > 1 ? 1 : 0; arg < argc; arg++) {
        ig_context_opts opts = {.threads = 1, .cpu = arg ? cpu_named(argv[arg]) : IG_CPU_AUTO};
        ig_context *ctx;
        if (ig_context_new(&opts, &ctx, NULL) != IG_OK) continue; /* this processor lacks it */
        for (size_t i = 0; i < 8; i++)
            for (size_t j = 0; j < size; j++) t.x[i][j] = (float)((j * 2654435761u + i) >> 12 & 0xffff) / 65536.0f - 0.5f;
        for (size_t j = 0; j < size; j++) t.x[6][j] = 0.5f; /* a second moment is never negative */
        t.k = ig_kernels_of(ctx);
        double peak = bench_peak_gflops(ctx);
        printf("%s, one thread: peak %.0f GF/s\n", ig_cpu_name(ig_context_cpu(ctx)), peak);
        run_all(&t, peak);
        ig_context_free(ctx);
    }
    for (size_t i = 0; i < 8; i++) ig_free_aligned(t.x[i], size * sizeof(float));
    return 0;
}
