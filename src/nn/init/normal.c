/* nn/init/normal.c: Gaussian with mean a and deviation b. */
#include "nn/init.h"

static ig_status normal(const init_job *j, ig_error *err) {
    if (!(j->opts.b >= 0)) return ig_error_set(err, IG_E_ARG, "the deviation is negative");
    return ig_init_draw_normal(j, j->opts.a, j->opts.b);
}

extern const init_row ig_init_normal;
const init_row ig_init_normal = {normal};
