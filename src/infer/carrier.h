/* infer/carrier.h: a recurrent model that reads on: the state of its layers and the plans that move it, behind sessions.
 *
 *     many    64 tokens: moves the state, and computes no logits
 *     one     a token: moves the state and gives the logits of the next
 *
 * What was read cannot be taken back: whoever goes back starts again and reads what remains.
 */
#ifndef INGOT_INFER_CARRIER_H
#define INGOT_INFER_CARRIER_H

#include "ingot/infer.h"

typedef struct carrier_plan {
    ig_tensor tokens; /* i64 [1,n] */
    ig_plan *plan;    /* made when first needed */
} carrier_plan;

typedef struct carrier {
    ig_model *m;
    bool bf16;                     /* products of many tokens */
    int states;
    ig_tensor state[IG_STATE_MAX]; /* f32 [1,H] */
    carrier_plan many, one;
    size_t length;                 /* tokens that the state has seen */
} carrier;

ig_status carrier_open(carrier *c, ig_model *m, bool bf16, ig_error *err);
void carrier_close(carrier *c);
void carrier_restart(carrier *c);
/* n >= 1 tokens; *logits [V] of the last one, until the next run.  After a failure the state is of no text: restart. */
ig_status carrier_read(carrier *c, const int32_t *tokens, size_t n, const float **logits, ig_error *err);

#endif
