/* graph/plan_profile.c: where the time of a plan goes, by op. */
#include <stdlib.h>
#include <string.h>

#include "graph/plan.h"

typedef struct profile_row {
    char name[96];
    double seconds;
    int launches;
} profile_row;

static void step_name(const plan_step *s, char *out, size_t size) {
    size_t at = 0;
    if (s->node) snprintf(out, size, "%s", s->node->op->name);
    for (int m = 0; m < s->members && at < size; m++) at += (size_t)snprintf(out + at, size - at, "%s%s", m ? "+" : "", s->member[m]->op->name);
}

static profile_row *find_row(profile_row *rows, int *count, const plan_step *s) {
    char name[96];
    step_name(s, name, sizeof name);
    for (int i = 0; i < *count; i++)
        if (strcmp(rows[i].name, name) == 0) return &rows[i];
    memcpy(rows[*count].name, name, sizeof name);
    return &rows[(*count)++];
}

static int slowest_first(const void *a, const void *b) {
    double x = ((const profile_row *)a)->seconds, y = ((const profile_row *)b)->seconds;
    return x < y ? 1 : x > y ? -1 : 0;
}

static ig_status measure(ig_plan *p, int runs, profile_row *rows, int *count, ig_error *err) {
    for (int r = 0; r < runs; r++) {
        for (int i = 0; i < p->steps; i++) {
            double start = ig_clock();
            IG_TRY(ig_plan_run_step(p, i, err));
            profile_row *row = find_row(rows, count, &p->step[i]);
            row->seconds += ig_clock() - start;
            row->launches++;
        }
    }
    return IG_OK;
}

ig_status ig_plan_profile(ig_plan *p, int runs, ig_buf *out, ig_error *err) {
    profile_row *rows = ig_calloc((size_t)p->steps + 1, sizeof *rows);
    int count = 0;
    double total = 0;
    if (!rows) return ig_error_nomem(err, (size_t)p->steps * sizeof *rows);
    ig_status s = measure(p, runs, rows, &count, err);
    qsort(rows, (size_t)count, sizeof *rows, slowest_first);
    for (int i = 0; i < count; i++) total += rows[i].seconds;
    ig_buf_printf(out, "%10s %7s %9s  op\n", "ms a run", "share", "launches");
    for (int i = 0; i < count; i++)
        ig_buf_printf(out, "%10.3f %6.1f%% %9d  %s\n", rows[i].seconds / runs * 1e3, 100 * rows[i].seconds / total, rows[i].launches / runs, rows[i].name);
    ig_free(rows);
    return s == IG_OK ? ig_buf_status(out, err) : s;
}
