/* base/executor.c: the one way to use all cores.
 *
 * [0,n) is cut into as many equal ranges as there are threads, fewer where a range would fall below the grain.  Which
 * range is which depends on n, grain and the number of threads only, never on timing: sums that are made per range and
 * then added in order of ranges have the same bits in every run.
 *
 * OpenMP, because oneDNN and OpenBLAS stand on the same libgomp and share its threads; a second pool would fight with it
 * for the cores.  The team always has the full size (libgomp makes threads anew when the size changes), idle members
 * included.  Without OpenMP (clang builds, for the sanitizers) the same ranges run one after the other.
 */
#include "ingot/base.h"

#if defined(_OPENMP)
#include <omp.h>
#endif

/* 0 outside of a range; inside, 1 + the thread index of that range, which nested calls pass on. */
static _Thread_local int inside;

typedef struct range_plan {
    size_t n;
    int parts;
    ig_range_fn *fn;
    void *arg;
} range_plan;

/* The first n % parts ranges are one longer. */
static void run_range(const range_plan *p, int i) {
    size_t parts = (size_t)p->parts, k = (size_t)i;
    size_t base = p->n / parts, extra = p->n % parts;
    size_t begin = k * base + (k < extra ? k : extra);
    size_t end = begin + base + (k < extra ? 1 : 0);
    int before = inside;
    inside = i + 1;
    p->fn(p->arg, begin, end, i);
    inside = before;
}

static int count_parts(const ig_context *ctx, size_t n, size_t grain) {
    size_t most = n / (grain ? grain : 1);
    size_t threads = (size_t)ig_context_threads(ctx);
    if (most < 1) most = 1;
    return (int)(most < threads ? most : threads);
}

static void run_all(const range_plan *p, int threads) {
#if defined(_OPENMP)
    /* The runtime may give fewer threads than asked for, so every member walks on by the size of the team. */
#pragma omp parallel num_threads(threads)
    for (int i = omp_get_thread_num(); i < p->parts; i += omp_get_num_threads()) run_range(p, i);
#else
    (void)threads;
    for (int i = 0; i < p->parts; i++) run_range(p, i);
#endif
}

void ig_parallel_for(ig_context *ctx, size_t n, size_t grain, ig_range_fn *fn, void *arg) {
    if (n == 0) return;
    if (inside) {
        fn(arg, 0, n, inside - 1);
        return;
    }
    range_plan p = {.n = n, .parts = count_parts(ctx, n, grain), .fn = fn, .arg = arg};
    if (p.parts == 1) {
        run_range(&p, 0);
    } else {
        run_all(&p, ig_context_threads(ctx));
    }
}
