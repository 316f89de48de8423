/* nn/schedule/step.c: torch's StepLR: times gamma every step_size steps, not below min_lr. */
#include <math.h>

#include "nn/schedule.h"

static double lr(const ig_schedule *s, int64_t t, int64_t T) {
    double gamma = s->gamma != 0 ? s->gamma : 0.1;
    (void)T;
    return s->step_size > 0 ? fmax(s->lr * pow(gamma, (double)(t / s->step_size)), s->min_lr) : s->lr;
}

extern const schedule_row ig_schedule_step;
const schedule_row ig_schedule_step = {.lr = lr, .needs_step_size = true};
