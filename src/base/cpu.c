/* base/cpu.c: what the processor can do, and how much of it this process may use.
 *
 * __builtin_cpu_supports also asks whether the operating system saves the wide registers, which a bare CPUID does not
 * tell.  The features it has no name for in older compilers (f16c, bf16) are read from CPUID, and only believed when the
 * level they belong to is there.
 */
#include "base/cpu.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>

static bool has_f16c(void) {
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c >> 29 & 1);
}

static bool has_avx2(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2") && has_f16c();
}

static bool has_avx512(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
}

ig_cpu ig_cpu_best(void) {
    __builtin_cpu_init();
    if (!has_avx2()) return IG_CPU_REFERENCE;
    return has_avx512() ? IG_CPU_AVX512 : IG_CPU_AVX2;
}

bool ig_cpu_has_bf16(void) {
    unsigned a, b, c, d;
    return ig_cpu_best() == IG_CPU_AVX512 && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 5 & 1);
}

bool ig_cpu_has_sse42(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("sse4.2");
}
#else
ig_cpu ig_cpu_best(void) {
    return IG_CPU_REFERENCE;
}

bool ig_cpu_has_bf16(void) {
    return false;
}

bool ig_cpu_has_sse42(void) {
    return false;
}
#endif

const char *ig_cpu_name(ig_cpu cpu) {
    switch (cpu) {
    case IG_CPU_AUTO: return "auto";
    case IG_CPU_REFERENCE: return "reference";
    case IG_CPU_AVX2: return "avx2";
    case IG_CPU_AVX512: return "avx512";
    }
    return "unknown";
}

static int affinity_cores(void) {
    cpu_set_t set; /* 1024 processors; a larger machine makes the call fail and the count below is taken */
    if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 && n < 4096 ? (int)n : 1;
}

/* A container's share (cgroup v2): "max 100000" or "150000 100000", rounded up to whole cores.  0: no quota. */
static int quota_cores(void) {
    FILE *f = fopen("/sys/fs/cgroup/cpu.max", "re");
    if (!f) return 0;
    long long quota = 0, period = 0;
    int fields = fscanf(f, "%lld %lld", &quota, &period);
    fclose(f);
    if (fields != 2 || quota <= 0 || period <= 0) return 0;
    long long cores = (quota + period - 1) / period;
    return cores < 4096 ? (int)cores : 0;
}

int ig_cpu_cores(void) {
    int cores = affinity_cores(), quota = quota_cores();
    if (quota > 0 && quota < cores) cores = quota;
    return cores > 0 ? cores : 1;
}
