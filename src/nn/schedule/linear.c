/* nn/schedule/linear.c: torch's LinearLR from 1 to min_lr/lr: a straight line, then the floor. */
#include "nn/schedule.h"

static double lr(const ig_schedule *s, int64_t t, int64_t T) {
    return t >= T ? s->min_lr : s->lr + (s->min_lr - s->lr) * (double)t / (double)T;
}

extern const schedule_row ig_schedule_linear;
const schedule_row ig_schedule_linear = {.lr = lr, .needs_total = true};
