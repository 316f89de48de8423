/* nn/schedule/plateau.c: torch's ReduceLROnPlateau: more than `patience` evaluations in a row that do not improve on the
 * best by a ten-thousandth multiply the rate by gamma.  The state stands in ig_schedule, for checkpoints.
 */
#include <math.h>

#include "nn/schedule.h"

#define THRESHOLD 1e-4

static double lr(const ig_schedule *s, int64_t t, int64_t T) {
    (void)t, (void)T;
    return s->plateau_scale != 0 ? fmax(s->lr * s->plateau_scale, s->min_lr) : s->lr;
}

static void evaluated(ig_schedule *s, double loss) {
    if (s->plateau_scale == 0) s->plateau_scale = 1, s->plateau_best = INFINITY, s->plateau_bad = 0;
    if (loss < s->plateau_best - THRESHOLD * fabs(s->plateau_best) || (isinf(s->plateau_best) && loss < s->plateau_best)) {
        s->plateau_best = loss, s->plateau_bad = 0; /* not reached for NaN */
        return;
    }
    if (++s->plateau_bad <= s->patience) return;
    s->plateau_bad = 0;
    /* Not below the floor: it would fade to 0, which says "not started". */
    if (s->lr * s->plateau_scale > s->min_lr) s->plateau_scale *= s->gamma != 0 ? s->gamma : 0.1;
}

extern const schedule_row ig_schedule_plateau;
const schedule_row ig_schedule_plateau = {.lr = lr, .evaluated = evaluated};
