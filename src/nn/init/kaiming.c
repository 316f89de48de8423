/* nn/init/kaiming.c: keeps the variance through rectified layers, forwards: Var w = gain²/fan_in with gain √2, because a
 * ReLU passes half of the energy (He et al. 2015, eq. 10).  A uniform variable in ±√3·σ has the deviation σ.
 */
#include <math.h>

#include "nn/init.h"

static ig_status deviation(const init_job *j, double *sigma, ig_error *err) {
    double in, out, gain = j->opts.a != 0 ? j->opts.a : sqrt(2);
    IG_TRY(ig_init_fans(j, &in, &out, err));
    *sigma = in > 0 ? gain / sqrt(in) : 0;
    return IG_OK;
}

static ig_status kaiming_uniform(const init_job *j, ig_error *err) {
    double sigma;
    IG_TRY(deviation(j, &sigma, err));
    return ig_init_draw_uniform(j, -sqrt(3) * sigma, sqrt(3) * sigma);
}

static ig_status kaiming_normal(const init_job *j, ig_error *err) {
    double sigma;
    IG_TRY(deviation(j, &sigma, err));
    return ig_init_draw_normal(j, 0, sigma);
}

extern const init_row ig_init_kaiming_uniform, ig_init_kaiming_normal;
const init_row ig_init_kaiming_uniform = {kaiming_uniform}, ig_init_kaiming_normal = {kaiming_normal};
