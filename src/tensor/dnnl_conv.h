/* tensor/dnnl_conv.h: oneDNN's convolutions.  The kernel's format is the library's choice: it is turned from, or to, OIHW by
 * ig_dnnl_conv_reorder.
 */
#ifndef INGOT_TENSOR_DNNL_CONV_H
#define INGOT_TENSOR_DNNL_CONV_H

#include "tensor/conv.h"
#include "tensor/dnnl.h"

typedef struct dnnl_conv dnnl_conv;

/* What a packed convolution does beside: y = act(scale·(conv + bias) + residual), and the numbers of int8. */
typedef struct dnnl_conv_extra {
    bool residual;           /* y holds it when the run begins */
    int activation;          /* ig_conv_activation */
    float slope, limit;      /* of leaky ReLU; upper end of ReLU6 in units of y */
    const float *scale;      /* [O], int8 */
    float residual_scale;    /* in units of y; f32: 1 */
    int32_t residual_zero, x_zero, y_zero;
    bool winograd;           /* ask for that algorithm; IG_E_UNSUPPORTED where it cannot be had */
} dnnl_conv_extra;

/* extra: NULL for none.  IG_E_UNSUPPORTED when oneDNN has no implementation for this description. */
ig_status ig_dnnl_conv_new(dnnl_room *r, const ig_conv_desc *d, const dnnl_conv_extra *extra, dnnl_conv **out, ig_error *err);
void ig_dnnl_conv_free(dnnl_conv *c);
/* Memory that the kernel takes in the library's format; 0: that is OIHW itself, and nothing is to be reordered. */
size_t ig_dnnl_conv_weight_bytes(const dnnl_conv *c);
/* The format, as bytes to compare. */
const void *ig_dnnl_conv_format(const dnnl_conv *c, size_t *bytes);
/* OIHW to the library's format; for the weights' gradient the other way. */
ig_status ig_dnnl_conv_reorder(dnnl_conv *c, const void *from, void *to, ig_error *err);
/* io->w in the library's format. */
ig_status ig_dnnl_conv_run(dnnl_conv *c, const ig_conv_io *io, ig_error *err);

#endif
