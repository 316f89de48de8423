/* nn/schedule/cosine.c: torch's CosineAnnealingLR, one half period (Loshchilov & Hutter 2017, eq. 5), then the floor. */
#include <math.h>

#include "nn/schedule.h"

static double lr(const ig_schedule *s, int64_t t, int64_t T) {
    if (t >= T) return s->min_lr;
    return s->min_lr + 0.5 * (s->lr - s->min_lr) * (1 + cos(M_PI * (double)t / (double)T));
}

extern const schedule_row ig_schedule_cosine;
const schedule_row ig_schedule_cosine = {.lr = lr, .needs_total = true};
