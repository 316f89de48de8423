/* bench/peak.c: attainable peaks of arithmetic and of memory.
 *
 * The arithmetic loop is written in assembly because a compiler is free to spoil it: accumulators in an array spill to the
 * stack, and the loop then shows half the peak.  A processor with two units of latency four needs at least eight sums in
 * flight; twelve leave room for deeper pipelines.
 */
#include "bench/peak.h"

#include <string.h>

#define SUMS 12
#define LOOPS 2000000
#define CHUNK 256 /* iterations between two looks at the loop counter of the executor */

#define TWELVE(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)

#if defined(__x86_64__)
#define FMA512(i) "vfmadd231ps %%zmm12, %%zmm13, %%zmm" #i "\n\t"
#define FMA256(i) "vfmadd231ps %%ymm12, %%ymm13, %%ymm" #i "\n\t"
#define MUL128(i) "mulps %%xmm12, %%xmm" #i "\n\t"
#define ZERO128(i) "xorps %%xmm" #i ", %%xmm" #i "\n\t"
#define CLOBBERS "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "cc"

static void loop512(size_t n) {
    __asm__ volatile(TWELVE(ZERO128) ZERO128(12) ZERO128(13) "1:\n\t" TWELVE(FMA512) "dec %0\n\tjnz 1b\n\tvzeroupper\n\t" : "+r"(n) : : CLOBBERS);
}
static void loop256(size_t n) {
    __asm__ volatile(TWELVE(ZERO128) ZERO128(12) ZERO128(13) "1:\n\t" TWELVE(FMA256) "dec %0\n\tjnz 1b\n\tvzeroupper\n\t" : "+r"(n) : : CLOBBERS);
}
static void loop128(size_t n) { /* no fused operation in the base set: one operation per lane */
    __asm__ volatile(TWELVE(ZERO128) ZERO128(12) "1:\n\t" TWELVE(MUL128) "dec %0\n\tjnz 1b\n\t" : "+r"(n) : : CLOBBERS);
}

typedef struct loop {
    void (*run)(size_t n);
    double operations; /* per iteration */
} loop;

static loop loop_of(ig_cpu cpu) {
    switch (cpu) {
    case IG_CPU_AVX512: return (loop){loop512, SUMS * 16 * 2};
    case IG_CPU_AVX2: return (loop){loop256, SUMS * 8 * 2};
    default: return (loop){loop128, SUMS * 4};
    }
}
#else
typedef struct loop {
    void (*run)(size_t n);
    double operations;
} loop;
static void loop_none(size_t n) { (void)n; }
static loop loop_of(ig_cpu cpu) { (void)cpu; return (loop){loop_none, 0}; }
#endif

static void run_range(void *arg, size_t begin, size_t end, int thread) {
    const loop *l = arg;
    (void)thread;
    if (end > begin) l->run((end - begin) * CHUNK);
}

double bench_peak_gflops(ig_context *ctx) {
    loop l = loop_of(ig_context_cpu(ctx));
    size_t chunks = (size_t)LOOPS / CHUNK * (size_t)ig_context_threads(ctx);
    double best = 1e30;
    for (int repeat = 0; repeat < 5; repeat++) {
        double start = ig_clock();
        ig_parallel_for(ctx, chunks, 1, run_range, &l);
        double seconds = ig_clock() - start;
        if (seconds < best) best = seconds;
    }
    return l.operations * (double)chunks * CHUNK / best / 1e9;
}

typedef struct copy {
    char *to, *from;
} copy;

static void copy_range(void *arg, size_t begin, size_t end, int thread) {
    const copy *c = arg;
    (void)thread;
    memcpy(c->to + begin, c->from + begin, end - begin);
}

double bench_copy_gbytes(ig_context *ctx) {
    size_t size = (size_t)256 << 20;
    copy c = {ig_malloc_aligned(size), ig_malloc_aligned(size)};
    double best = 1e30;
    if (c.to && c.from) {
        memset(c.from, 1, size), memset(c.to, 2, size);
        for (int repeat = 0; repeat < 5; repeat++) {
            double start = ig_clock();
            ig_parallel_for(ctx, size, 1 << 20, copy_range, &c);
            double seconds = ig_clock() - start;
            if (seconds < best) best = seconds;
        }
    }
    ig_free_aligned(c.to, size), ig_free_aligned(c.from, size);
    return 2.0 * (double)size / best / 1e9;
}
