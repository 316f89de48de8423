/* nn/init/uniform.c: evenly in [a, b). */
#include "nn/init.h"

static ig_status uniform(const init_job *j, ig_error *err) {
    if (!(j->opts.a <= j->opts.b)) return ig_error_set(err, IG_E_ARG, "a is above b");
    return ig_init_draw_uniform(j, j->opts.a, j->opts.b);
}

extern const init_row ig_init_uniform;
const init_row ig_init_uniform = {uniform};
