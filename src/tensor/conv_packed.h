/* tensor/conv_packed.h: y = act(x∗w + bias + residual) over a kernel of ingot/conv.h, on raw pointers.
 *
 *     kernel    x          y, residual    in between
 *     f32       f32        f32            f32
 *     8 bits    f32, u8    f32 or u8      u8·s8 summed in 32 bits; an f32 x is rounded first
 */
#ifndef INGOT_TENSOR_CONV_PACKED_H
#define INGOT_TENSOR_CONV_PACKED_H

#include "ingot/conv.h"
#include "tensor/conv.h"

typedef struct ig_conv_packed_desc {
    ig_dtype in, out;        /* out: u8 exactly where the kernel has the numbers of its output */
    ig_conv_args size;
    int64_t after[2];
    ig_conv_activation activation;
    float slope;
    bool residual;
    ig_conv_quant residual_numbers; /* out u8 */
} ig_conv_packed_desc;

typedef struct ig_conv_packed ig_conv_packed;

ig_status ig_conv_packed_new(ig_context *ctx, const ig_conv_weight *w, const ig_conv_packed_desc *d, ig_conv_packed **out, ig_error *err);
void ig_conv_packed_free(ig_conv_packed *p);
size_t ig_conv_packed_scratch(ig_context *ctx, const ig_conv_weight *w, const ig_conv_packed_desc *d);
/* residual: NULL or as y; y itself when it lies there already. */
ig_status ig_conv_packed_run(ig_conv_packed *p, void *y, const void *x, const void *residual, void *scratch, ig_error *err);

#endif
