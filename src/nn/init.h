/* nn/init.h: what an initialiser is made of. */
#ifndef INGOT_NN_INIT_H
#define INGOT_NN_INIT_H

#include "ingot/nn.h"

/* One tensor to fill: the numbers come from the stream (key, stream), which follow from the seed and the name. */
typedef struct init_job {
    ig_context *ctx;
    const ig_tensor *t;
    uint64_t key, stream;
    ig_init_opts opts;
} init_job;

/* One row per initialiser, in the file that defines it: `const init_row ig_init_NAME = {…};`. */
typedef struct init_row {
    ig_status (*fill)(const init_job *j, ig_error *err);
} init_row;

/* Inputs and outputs of one unit, as torch.nn.init counts them. */
ig_status ig_init_fans(const init_job *j, double *fan_in, double *fan_out, ig_error *err);
/* Element i (row-major) gets number i of the stream; cut over the threads without changing a bit. */
ig_status ig_init_draw_uniform(const init_job *j, double lo, double hi);
ig_status ig_init_draw_normal(const init_job *j, double mean, double deviation);

#endif
