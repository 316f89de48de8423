/* graph/ops/conv.h: what the rows over trained and over packed kernels share: the constants of a convolution and their checks. */
#ifndef INGOT_GRAPH_OPS_CONV_H
#define INGOT_GRAPH_OPS_CONV_H

#include "graph/ops/ops.h"
#include "tensor/conv.h"

/* Constants: stride, dilation, padding before and after as pairs (height, width); groups. */
enum { CONV_STRIDE = 0, CONV_DILATION = 2, CONV_BEFORE = 4, CONV_AFTER = 6, CONV_GROUPS = 8, CONV_CONSTANTS = 9 };
#define CONV_ATTR_NAMES "stride_h,stride_w,dilation_h,dilation_w,top,left,bottom,right,groups"

void ig_conv_constants(int64_t *i, const ig_conv_opts *o);
/* Zeros become the defaults; IG_E_ARG for what is out of range. */
ig_status ig_conv_check_constants(int64_t *i, ig_error *err);
/* How many positions a kernel of `taps` has along an axis; IG_E_SHAPE when it has none. */
ig_status ig_conv_positions(const int64_t *i, int axis, int64_t size, int64_t taps, int64_t *out, ig_error *err);
ig_status ig_conv_divides(int64_t groups, int64_t channels, const char *what, ig_error *err);
/* Sizes of x, w and y, four each. */
ig_conv_args ig_conv_sizes(const int64_t *i, const int64_t *x, const int64_t *w, const int64_t *y);

#endif
