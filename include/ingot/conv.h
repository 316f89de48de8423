/* ingot/conv.h: kernels of convolutions, prepared for running.
 *
 * A kernel is prepared once: a batch norm behind it is folded in, and, where the numbers of its input are known, it is rounded
 * to 8 bits, one scale per output channel.  What is computed then is, in one pass over the result,
 *
 *     y = act((x∗w + bias)·scale + shift + residual)
 *
 * A picture between two such layers may stay in 8 bits: u8, value = scale·(q - zero)   (Jacob et al. 2018).
 */
#ifndef INGOT_CONV_H
#define INGOT_CONV_H

#include "ingot/base.h"

#pragma GCC visibility push(default) /* what stands here, libingot.so exports */
#ifdef __cplusplus
extern "C" {
#endif

typedef enum ig_conv_activation {
    IG_CONV_LINEAR,
    IG_CONV_RELU,
    IG_CONV_LEAKY_RELU, /* slope·x below 0 */
    IG_CONV_RELU6       /* held within [0, 6] */
} ig_conv_activation;

/* Numbers in 8 bits: value = scale·(q - zero), q and zero in 0 … 255.  scale 0: not in 8 bits. */
typedef struct ig_conv_quant {
    double scale;
    int zero;
} ig_conv_quant;
/* The scale and zero whose range just holds [low, high] and 0; high > low. */
ig_conv_quant ig_conv_quant_of(double low, double high);

typedef struct ig_conv_weight_opts {
    const float *bias;          /* [O]; NULL: 0 */
    const float *scale, *shift; /* [O], of a batch norm behind the convolution; NULL: 1 and 0 */
    ig_conv_quant in;           /* of x: the products are in 8 bits */
    ig_conv_quant out;          /* of y, which then is u8; only with `in` */
} ig_conv_weight_opts;

/* Does not change, so that threads may share it. */
typedef struct ig_conv_weight ig_conv_weight;

/* From w [O,C/groups,KH,KW], which is not needed afterwards.  IG_E_SHAPE for a size below 1, IG_E_NUMERIC for a value that is not
 * finite, IG_E_ARG for a scale or zero out of range. */
ig_status ig_conv_weight_new(ig_context *ctx, const float *w, const int64_t shape[4], const ig_conv_weight_opts *opts,
                             ig_conv_weight **out, ig_error *err);
void ig_conv_weight_free(ig_conv_weight *w);
const int64_t *ig_conv_weight_shape(const ig_conv_weight *w); /* [4] */
ig_conv_quant ig_conv_weight_in(const ig_conv_weight *w);
ig_conv_quant ig_conv_weight_out(const ig_conv_weight *w);
size_t ig_conv_weight_bytes(const ig_conv_weight *w); /* of the kernel as it is kept, without the copies of plans */

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
