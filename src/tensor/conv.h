/* tensor/conv.h: convolutions and their two gradients on raw pointers: pictures NHWC, kernels OIHW.
 *
 *     pass      reads   writes
 *     FORWARD   x, w    y [N,OH,OW,O]
 *     DATA      y, w    x [N,H,W,C]          the gradient of the data; forward it is the transposed convolution
 *     WEIGHTS   x, y    w [O,C/groups,KH,KW]
 */
#ifndef INGOT_TENSOR_CONV_H
#define INGOT_TENSOR_CONV_H

#include "ingot/tensor.h"
#include "tensor/kernels/kernels.h"

typedef enum ig_conv_pass { IG_CONV_FORWARD, IG_CONV_DATA, IG_CONV_WEIGHTS } ig_conv_pass;

typedef struct ig_conv_desc {
    ig_conv_pass pass;
    ig_dtype in, out; /* of what is read and written: f32 → f32, f64 → f64, bf16 → f32; packed also u8 → f32 or u8 */
    bool bias;        /* FORWARD: + bias [O], f32 (f64 for f64) */
    ig_conv_args size;
    int64_t after[2]; /* zeros below and on the right; so large that the sizes of x and y fit together */
} ig_conv_desc;

/* x, w, y as in the table above; what the pass does not write is only read. */
typedef struct ig_conv_io {
    void *x, *w, *y;
    const void *bias;
} ig_conv_io;

typedef struct ig_conv ig_conv;

/* A convolution prepared for these sizes, none of them 0.  Making one whose like was made before costs microseconds: oneDNN
 * keeps the code.  Its working memory belongs to the context and is shared by all, so running one allocates nothing. */
ig_status ig_conv_new(ig_context *ctx, const ig_conv_desc *d, ig_conv **out, ig_error *err);
void ig_conv_free(ig_conv *c);
ig_status ig_conv_run(ig_conv *c, const ig_conv_io *io, ig_error *err);

/* The loops of tensor/kernels/conv.c, on all threads; f32 or f64. */
void ig_conv_loops(ig_context *ctx, const ig_conv_desc *d, const ig_conv_io *io);

/* Elements of x, w and y. */
static inline int64_t ig_conv_x_count(const ig_conv_args *a) { return a->n * a->h * a->w * a->c; }
static inline int64_t ig_conv_w_count(const ig_conv_args *a) { return a->o * (a->c / a->groups) * a->kh * a->kw; }
static inline int64_t ig_conv_y_count(const ig_conv_args *a) { return a->n * a->oh * a->ow * a->o; }

/* oneDNN as this context has it, for the files beside this one; NULL: IG_CPU=reference. */
struct dnnl_room;
ig_status ig_conv_library(ig_context *ctx, struct dnnl_room **out, ig_error *err);

#endif
