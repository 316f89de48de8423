/* bench/peak.h: what the machine can do at most, measured in the process that is to be compared with it. */
#ifndef BENCH_PEAK_H
#define BENCH_PEAK_H

#include "ingot/base.h"

/* Billions of f32 operations per second of all threads of the context together, by fused multiply-adds that touch no
 * memory (two operations each), with the vectors of the context's instruction set; best of several runs, about 0.1 s. */
double bench_peak_gflops(ig_context *ctx);

/* Bytes per second, in billions, of a copy between arrays far larger than every cache, reads and writes counted. */
double bench_copy_gbytes(ig_context *ctx);

#endif
