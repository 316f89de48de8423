/* tensor/dnnl.h: the door to oneDNN, and its matrix products.  Written for the C interface of version 2 (version 3 changed it);
 * only dnnl*.c include dnnl.h of the library, through dnnl_room.h.
 */
#ifndef INGOT_TENSOR_DNNL_H
#define INGOT_TENSOR_DNNL_H

#include "tensor/gemm.h"

typedef struct dnnl_room dnnl_room;       /* engine and stream */
typedef struct dnnl_product dnnl_product; /* a matmul primitive with its memory objects */

/* Caps oneDNN to the context's instruction set, which oneDNN can do only once per process and before its first use. */
ig_status ig_dnnl_open(ig_context *ctx, dnnl_room **out, ig_error *err);
void ig_dnnl_close(dnnl_room *r);

/* IG_E_UNSUPPORTED when oneDNN has no implementation for this description. */
ig_status ig_dnnl_product_new(dnnl_room *r, const ig_gemm_desc *d, dnnl_product **out, ig_error *err);
void ig_dnnl_product_free(dnnl_product *p);
ig_status ig_dnnl_product_run(dnnl_product *p, void *c, const void *a, const void *b, const void *bias, ig_error *err);

/* f32, no batch: for few rows, where the primitive is slower (bias and accumulate as described). */
ig_status ig_dnnl_sgemm(const ig_gemm_desc *d, float *c, const float *a, const float *b, ig_error *err);

#endif
