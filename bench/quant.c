/* bench/quant.c: products over quantised weights: bytes of weights and operations per second.
 *
 *     quant [type …]          a [4096,4096] matrix of each type (all when none is named), M = 1, 4, 16, 64, 512
 *
 * Each figure is the best of many runs.  Few rows are bound by memory: their share is that of the read bandwidth, which
 * is measured here by summing an array of 256 MB.  Many rows are bound by arithmetic: 2·M·N·K operations.  The matrices
 * take turns over copies that together exceed the caches.
 */
#include <stdio.h>
#include <string.h>

#include "bench/peak.h"
#include "ingot/quant.h"

#define SIZE 4096
#define ROWS_MAX 512
#define CACHE_BYTES ((size_t)160 << 20)
#define COPIES_MAX 32
#define ENOUGH 0.4 /* seconds per figure */

typedef struct reading {
    const uint64_t *x;
    uint64_t sum[64];
} reading;

typedef uint64_t lanes __attribute__((vector_size(64)));

static void read_range(void *arg, size_t begin, size_t end, int thread) {
    reading *r = arg;
    lanes s[4] = {{0}};
    for (size_t i = begin; i < end; i++)
        for (size_t j = 0; j < 65536; j += 4)
            for (size_t l = 0; l < 4; l++) s[l] += ((const lanes *)(const void *)r->x)[i * 65536 + j + l];
    for (size_t l = 0; l < 4; l++) r->sum[thread % 64] += s[l][0];
}

static double read_bandwidth(ig_context *ctx) {
    size_t bytes = (size_t)256 << 20;
    uint64_t *x = ig_malloc_aligned(bytes);
    if (!x) return 1;
    memset(x, 1, bytes);
    reading r = {.x = x};
    double best = 1e9;
    for (int i = 0; i < 100; i++) {
        double start = ig_clock();
        ig_parallel_for(ctx, bytes / 65536 / 64, 1, read_range, &r);
        double seconds = ig_clock() - start;
        best = seconds < best ? seconds : best;
    }
    ig_free_aligned(x, bytes);
    return (double)bytes / best + (r.sum[0] == 1 ? 1e-9 : 0);
}

typedef struct bench {
    ig_context *ctx;
    ig_qweight *w[COPIES_MAX];
    int copies;
    float *x, *y;
    void *scratch;
    double bandwidth;
} bench;

static double seconds_of(const bench *b, int64_t m) {
    double best = 1e9, begin = ig_clock();
    for (int i = 0; i < 3 * b->copies || ig_clock() - begin < ENOUGH; i++) {
        double start = ig_clock();
        ig_qweight_matmul_in(b->ctx, b->w[i % b->copies], b->x, m, b->y, b->scratch);
        double seconds = ig_clock() - start;
        if (seconds < best) best = seconds;
    }
    return best;
}

static void print_type(bench *b, ig_block_type t) {
    static const int64_t rows[] = {1, 4, 16, 64, ROWS_MAX};
    size_t bytes;
    if (ig_block_row_bytes(t, (size_t)SIZE * SIZE, &bytes, NULL) != IG_OK) return;
    uint8_t *blocks = ig_malloc(bytes);
    if (!blocks) return;
    for (size_t i = 0; i < bytes; i++) blocks[i] = (uint8_t)((i * 2654435761u) >> 13 & 0x3b); /* no scale becomes infinite */
    for (b->copies = 0; b->copies < COPIES_MAX && (size_t)b->copies * bytes < CACHE_BYTES; b->copies++)
        if (ig_qweight_new(b->ctx, t, SIZE, SIZE, blocks, &b->w[b->copies], NULL) != IG_OK) break;
    ig_free(blocks);
    if (b->copies == 0) return;
    b->scratch = ig_malloc_aligned(ig_qweight_scratch(b->w[0], ROWS_MAX));
    for (size_t i = 0; b->scratch && i < sizeof rows / sizeof *rows; i++) {
        double s = seconds_of(b, rows[i]), read = (double)ig_qweight_bytes(b->w[0]) / s;
        printf("  %-5s M=%-4lld %9.1f us %6.1f GB/s %4.0f %% %8.1f Gop/s\n", ig_block_name(t), (long long)rows[i], s * 1e6, read / 1e9,
               100 * read / b->bandwidth, 2.0 * (double)rows[i] * SIZE * SIZE / s / 1e9);
    }
    ig_free_aligned(b->scratch, ig_qweight_scratch(b->w[0], ROWS_MAX));
    for (int i = 0; i < b->copies; i++) ig_qweight_free(b->w[i]);
}

static bool wanted(int argc, char **argv, ig_block_type t) {
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], ig_block_name(t)) == 0) return true;
    return argc == 1;
}

int main(int argc, char **argv) {
    for (int threads = 1; threads <= 2; threads++) {
        ig_context_opts opts = {.threads = threads};
        bench b = {0};
        size_t bytes = (size_t)ROWS_MAX * SIZE * sizeof(float);
        if (ig_context_new(&opts, &b.ctx, NULL) != IG_OK) return 1;
        b.x = ig_malloc_aligned(bytes), b.y = ig_malloc_aligned(bytes);
        if (!b.x || !b.y) return 1;
        for (size_t i = 0; i < bytes / sizeof(float); i++) b.x[i] = (float)((i * 2654435761u) >> 12 & 0xffff) / 65536.0f - 0.5f;
        b.bandwidth = read_bandwidth(b.ctx);
        printf("%s, %d thread(s): reads %.1f GB/s, peak %.0f GF/s in f32\n", ig_cpu_name(ig_context_cpu(b.ctx)), threads, b.bandwidth / 1e9,
               bench_peak_gflops(b.ctx));
        for (int t = 0; t < IG_BLOCK_COUNT; t++)
            if (wanted(argc, argv, (ig_block_type)t)) print_type(&b, (ig_block_type)t);
        ig_free_aligned(b.x, bytes), ig_free_aligned(b.y, bytes);
        ig_context_free(b.ctx);
    }
    return 0;
}
