/* base/clock.c: time, and memory of the process and the machine. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "ingot/base.h"

double ig_clock(void) {
    struct timespec t;
    if (clock_gettime(CLOCK_MONOTONIC, &t) != 0) return 0;
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int64_t ig_unix_time(void) {
    return (int64_t)time(NULL);
}

uint64_t ig_process_peak_bytes(void) {
    struct rusage u;
    if (getrusage(RUSAGE_SELF, &u) != 0 || u.ru_maxrss < 0) return 0;
    return (uint64_t)u.ru_maxrss * 1024;
}

uint64_t ig_process_bytes(void) {
    FILE *f = fopen("/proc/self/statm", "re");
    if (!f) return 0;
    uint64_t total = 0, resident = 0;
    int fields = fscanf(f, "%" SCNu64 " %" SCNu64, &total, &resident);
    fclose(f);
    long page = sysconf(_SC_PAGESIZE);
    return fields == 2 && page > 0 ? resident * (uint64_t)page : 0;
}

/* The first number in a file; `otherwise` when it is not there or says "max". */
static uint64_t read_number(const char *path, uint64_t otherwise) {
    FILE *f = fopen(path, "re");
    if (!f) return otherwise;
    uint64_t v = 0;
    int fields = fscanf(f, "%" SCNu64, &v);
    fclose(f);
    return fields == 1 ? v : otherwise;
}

static uint64_t machine_available(void) {
    FILE *f = fopen("/proc/meminfo", "re");
    if (!f) return 0;
    char line[256];
    uint64_t kib = 0;
    while (fgets(line, sizeof line, f)) {
        if (sscanf(line, "MemAvailable: %" SCNu64, &kib) == 1) break;
    }
    fclose(f);
    return kib * 1024;
}

/* Inside a container (cgroup v2, else v1) its limit counts, when it is tighter than the machine. */
static uint64_t container_available(void) {
    uint64_t max = read_number("/sys/fs/cgroup/memory.max", UINT64_MAX);
    uint64_t used = read_number("/sys/fs/cgroup/memory.current", 0);
    if (max == UINT64_MAX) {
        max = read_number("/sys/fs/cgroup/memory/memory.limit_in_bytes", UINT64_MAX);
        used = read_number("/sys/fs/cgroup/memory/memory.usage_in_bytes", 0);
    }
    return max > used ? max - used : 0;
}

uint64_t ig_memory_available(void) {
    uint64_t machine = machine_available(), container = container_available();
    return machine < container ? machine : container;
}
