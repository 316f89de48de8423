/* nn/optim/gd.c: p -= lr·g, and nothing remembered.  The op is SGD's without momentum (nn/optim/sgd.c). */
#include "nn/optim.h"

extern const ig_op ig_op_sgd, ig_op_sgd_rows;
extern const optim_row ig_optim_gd;
const optim_row ig_optim_gd = {.plain = {.op = &ig_op_sgd, .rows = &ig_op_sgd_rows}};
