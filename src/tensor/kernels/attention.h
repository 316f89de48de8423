/* tensor/kernels/attention.h: between attention.c (row by row) and attention_blocks.c (block by block). */
#ifndef INGOT_TENSOR_ATTENTION_H
#define INGOT_TENSOR_ATTENTION_H

#include "tensor/kernels/isa.h"

typedef int64_t dim;

typedef struct backward_args {
    real *dq, *dk, *dv;
    const real *d_o, *o, *lse, *q, *k, *v;
    const ig_attention_args *a;
    dim dq_row, dk_row, dv_row, do_row;
} backward_args;

/* How many keys position t may look at: they are 0 … n-1. */
INLINE dim visible_keys(const ig_attention_args *a, dim t) {
    dim n = a->causal ? t + a->offset + 1 : a->S;
    return n < 0 ? 0 : n > a->S ? a->S : n;
}

#if !defined(IG_WIDE) && defined(__AVX2__)
#define IG_ATTENTION_BLOCKS 1
size_t K(attention_blocks_scratch)(const ig_attention_args *a);
void K(attention_blocks_forward)(float *o, float *lse, const float *q, const float *k, const float *v, const ig_attention_args *a, float *scratch);
void K(attention_blocks_backward)(const backward_args *b, float *scratch);
#else
#define IG_ATTENTION_BLOCKS 0
#endif

#endif
