/* tensor/conv_weight.h: a kernel prepared for running, as the files of this room see it. */
#ifndef INGOT_TENSOR_CONV_WEIGHT_H
#define INGOT_TENSOR_CONV_WEIGHT_H

#include <pthread.h>

#include "ingot/conv.h"
#include "tensor/dnnl_conv.h"

/* The kernel in one of oneDNN's formats; plans of several batch sizes share it. */
typedef struct conv_copy {
    struct conv_copy *next;
    size_t bytes, format_bytes;
    void *kernel;
    char format[];
} conv_copy;

typedef struct conv_copies {
    pthread_mutex_t lock;
    conv_copy *first;
} conv_copies;

struct ig_conv_weight {
    int64_t shape[4]; /* [O,C/groups,KH,KW] */
    float *w;         /* OIHW; NULL: in 8 bits */
    int8_t *q;        /* OIHW, value = q_scale[o]·q */
    float *q_scale;   /* [O] */
    float *bias;      /* [O], with the batch norm folded in */
    ig_conv_quant in, out;
    conv_copies *copies;
};

static inline size_t ig_conv_weight_filter(const ig_conv_weight *w) { return (size_t)(w->shape[1] * w->shape[2] * w->shape[3]); }

/* The kernel in the format that `c` wants, for as long as the weight lives. */
ig_status ig_conv_weight_copy(const ig_conv_weight *w, dnnl_conv *c, void **out, ig_error *err);

#endif
