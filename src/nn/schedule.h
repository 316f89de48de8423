/* nn/schedule.h: what a schedule is made of. */
#ifndef INGOT_NN_SCHEDULE_H
#define INGOT_NN_SCHEDULE_H

#include "ingot/nn.h"

/* One row per schedule, in the file that defines it: `const schedule_row ig_schedule_NAME = {…};`. */
typedef struct schedule_row {
    /* The learning rate at t steps after the warm-up; T steps are left for the schedule (0: none were planned). */
    double (*lr)(const ig_schedule *s, int64_t t, int64_t T);
    void (*evaluated)(ig_schedule *s, double loss); /* NULL: does not listen */
    bool own_warmup;                                /* t counts from the first step, T is the total */
    bool needs_total, needs_step_size;
} schedule_row;

#endif
