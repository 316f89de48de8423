/* nn/init/xavier.c: keeps the variance through tanh-like layers, forwards and backwards: Var w = 2/(fan_in + fan_out)
 * (Glorot & Bengio 2010, eq. 12 and 16).  A uniform variable in ±√3·σ has the deviation σ.
 */
#include <math.h>

#include "nn/init.h"

static ig_status deviation(const init_job *j, double *sigma, ig_error *err) {
    double in, out, gain = j->opts.a != 0 ? j->opts.a : 1;
    IG_TRY(ig_init_fans(j, &in, &out, err));
    *sigma = in + out > 0 ? gain * sqrt(2 / (in + out)) : 0;
    return IG_OK;
}

static ig_status xavier_uniform(const init_job *j, ig_error *err) {
    double sigma;
    IG_TRY(deviation(j, &sigma, err));
    return ig_init_draw_uniform(j, -sqrt(3) * sigma, sqrt(3) * sigma);
}

static ig_status xavier_normal(const init_job *j, ig_error *err) {
    double sigma;
    IG_TRY(deviation(j, &sigma, err));
    return ig_init_draw_normal(j, 0, sigma);
}

extern const init_row ig_init_xavier_uniform, ig_init_xavier_normal;
const init_row ig_init_xavier_uniform = {xavier_uniform}, ig_init_xavier_normal = {xavier_normal};
