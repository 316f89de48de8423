/* nn/init/constant.c: one value everywhere. */
#include "nn/init.h"

static ig_status zeros(const init_job *j, ig_error *err) { return ig_tensor_fill(j->ctx, j->t, 0, err); }
static ig_status ones(const init_job *j, ig_error *err) { return ig_tensor_fill(j->ctx, j->t, 1, err); }
static ig_status constant(const init_job *j, ig_error *err) { return ig_tensor_fill(j->ctx, j->t, j->opts.a, err); }

extern const init_row ig_init_zeros, ig_init_ones, ig_init_constant;
const init_row ig_init_zeros = {zeros}, ig_init_ones = {ones}, ig_init_constant = {constant};
