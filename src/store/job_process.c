/* store/job_process.c: is the process that took a job still there?
 *
 * The number of a process is used again, after a restart of the machine soon.  Number, time of start and the kernel's id of
 * this boot together name one process only (proc(5): field 22 of /proc/PID/stat, /proc/sys/kernel/random/boot_id).
 */
#include <inttypes.h>
#include <string.h>

#include "store/store.h"

/* Fields are counted after the last ')': the name of the program, before it, may hold anything. */
static bool start_time(int64_t pid, char out[24]) {
    char path[64], line[1024];
    snprintf(path, sizeof path, "/proc/%" PRId64 "/stat", pid);
    FILE *f = fopen(path, "re");
    if (!f) return false;
    char *p = fgets(line, sizeof line, f) ? strrchr(line, ')') : NULL;
    fclose(f);
    for (int field = 2; p && field < 22; field++) p = strchr(p + 1, ' ');
    return p && sscanf(p, " %23[0-9]", out) == 1;
}

static void boot_id(char out[40]) {
    FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
    out[0] = '\0';
    if (!f) return;
    if (!fgets(out, 40, f)) out[0] = '\0';
    fclose(f);
    out[strcspn(out, "\n")] = '\0';
}

void store_process_name(int64_t pid, char out[STORE_PROCESS_SIZE]) {
    char boot[40], start[24];
    out[0] = '\0';
    if (pid <= 0 || !start_time(pid, start)) return;
    boot_id(boot);
    snprintf(out, STORE_PROCESS_SIZE, "%s %s", boot, start);
}
