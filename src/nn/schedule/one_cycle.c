/* nn/schedule/one_cycle.c: torch's OneCycleLR with cosine annealing (Smith & Topin 2018, "Super-convergence"):
 *
 *     lr/25 ──rise──► lr ──fall──► min_lr, or lr/25/10000
 *     step 0     rise-1        total-1
 */
#include <math.h>

#include "nn/schedule.h"

static double anneal(double from, double to, double share) { return to + 0.5 * (from - to) * (1 + cos(M_PI * share)); }

static double lr(const ig_schedule *s, int64_t t, int64_t T) {
    double start = s->lr / 25, end = s->min_lr > 0 ? s->min_lr : start / 1e4;
    double top = (s->warmup > 0 ? (double)s->warmup : 0.3 * (double)T) - 1, last = (double)T - 1;
    if ((double)t >= last) return end;
    if ((double)t <= top) return top > 0 ? anneal(start, s->lr, (double)t / top) : s->lr;
    return anneal(s->lr, end, ((double)t - top) / (last - top));
}

extern const schedule_row ig_schedule_one_cycle;
const schedule_row ig_schedule_one_cycle = {.lr = lr, .own_warmup = true, .needs_total = true};
