/* bench/peak.h: what the machine can do at most. */
#ifndef BENCH_PEAK_H
#define BENCH_PEAK_H

#include "ingot/base.h"

/* GFLOP/s of f32 fused multiply-adds in registers, on all threads of the context, best of several short runs. */
double bench_peak_gflops(ig_context *ctx);

#endif
