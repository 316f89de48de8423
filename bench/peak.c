/* bench/peak.c: the machine's f32 peak: chains of fused multiply-adds that never leave the registers.
 *
 * Twelve independent chains hide the latency of the instruction (4 cycles at 2 a cycle need 8).  The accumulators are
 * separate variables: an array of them would be spilled to the stack and show half of the peak.  The empty assembly hides that all
 * start equal: the compiler would see twelve times the same chain, run one, and show a peak that does not exist.
 */
#include "bench/peak.h"

#include <immintrin.h>

#define ITERATIONS 2000000

#define CHAINS(X) X(a) X(b) X(c) X(d) X(e) X(f) X(g) X(h) X(i) X(j) X(k) X(l)

__attribute__((target("avx512f"))) static double chain512(void) {
    __m512 m = _mm512_set1_ps(0.9999999f), s = _mm512_set1_ps(1e-9f);
#define START(v) __m512 v = _mm512_set1_ps(1.0f); __asm__("" : "+v"(v));
#define STEP(v) v = _mm512_fmadd_ps(v, m, s);
#define JOIN(v) total = _mm512_add_ps(total, v);
    CHAINS(START)
    for (int n = 0; n < ITERATIONS; n++) { CHAINS(STEP) }
    __m512 total = s;
    CHAINS(JOIN)
    return _mm512_reduce_add_ps(total);
#undef START
#undef STEP
#undef JOIN
}

__attribute__((target("avx2,fma"))) static double chain256(void) {
    __m256 m = _mm256_set1_ps(0.9999999f), s = _mm256_set1_ps(1e-9f);
    float out[8];
#define START(v) __m256 v = _mm256_set1_ps(1.0f); __asm__("" : "+x"(v));
#define STEP(v) v = _mm256_fmadd_ps(v, m, s);
#define JOIN(v) total = _mm256_add_ps(total, v);
    CHAINS(START)
    for (int n = 0; n < ITERATIONS; n++) { CHAINS(STEP) }
    __m256 total = s;
    CHAINS(JOIN)
    _mm256_storeu_ps(out, total);
    return out[0];
}

static volatile double sink;

static void one_thread(void *arg, size_t begin, size_t end, int thread) {
    bool wide = *(bool *)arg;
    (void)thread;
    for (size_t i = begin; i < end; i++) sink = wide ? chain512() : chain256();
}

double bench_peak_gflops(ig_context *ctx) {
    bool wide = ig_context_cpu(ctx) == IG_CPU_AVX512;
    size_t threads = (size_t)ig_context_threads(ctx);
    double best = 0, flops = 12.0 * 2 * (wide ? 16 : 8) * ITERATIONS * (double)threads;
    if (!__builtin_cpu_supports("fma")) return 0;
    for (int i = 0; i < 5; i++) {
        double t = ig_clock();
        ig_parallel_for(ctx, threads, 1, one_thread, &wide);
        double rate = flops / (ig_clock() - t) / 1e9;
        if (rate > best) best = rate;
    }
    return best;
}
