/* nn/early_stop.c: stop when the validation loss has not improved for `patience` evaluations (Prechelt 1998, "Early
 * stopping: but when?").  The struct is all state, so a checkpoint saves it as it is.
 */
#include <math.h>

#include "ingot/nn.h"

void ig_early_stop_init(ig_early_stop *e, int64_t patience, double min_delta) {
    *e = (ig_early_stop){.patience = patience, .min_delta = min_delta, .best = INFINITY};
}

bool ig_early_stop_evaluated(ig_early_stop *e, double loss) {
    if (loss < e->best - e->min_delta) { /* false for NaN */
        e->best = loss, e->bad = 0;
        return false;
    }
    e->bad++;
    return e->patience > 0 && e->bad >= e->patience;
}
