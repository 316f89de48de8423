/* infer/encoder.h: many sequences through a model that reads whole texts: batches, and the plans that run them. */
#ifndef INGOT_INFER_ENCODER_H
#define INGOT_INFER_ENCODER_H

#include "infer/sequences.h"

typedef enum encoder_output { ENCODER_MEAN, ENCODER_FIRST, ENCODER_LAST, ENCODER_CLASSES } encoder_output;

typedef struct encoder_plan {
    int64_t B, T;
    ig_tensor tokens, types; /* i64 [B,T]; types only where the model has more than one */
    ig_tensor lengths;       /* i64 [B] */
    ig_plan *plan;
    size_t bytes;
} encoder_plan;

typedef struct encoder {
    ig_model *m;
    encoder_output output;
    ig_batch_opts opts;      /* without zeros */
    int64_t width;           /* of an output row: C, or L labels */
    encoder_plan **plan;     /* the least recently used first */
    size_t count, cap, bytes;
} encoder;

/* e is zero-initialised; fini after an error too.  opts may be NULL. */
ig_status encoder_init(encoder *e, ig_model *m, encoder_output output, const ig_batch_opts *opts, ig_error *err);
void encoder_fini(encoder *e);
/* out [count,width], in the order of the sequences */
ig_status encoder_run(encoder *e, const sequences *s, float *out, ig_error *err);

#endif
