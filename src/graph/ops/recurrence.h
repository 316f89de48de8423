/* graph/ops/recurrence.h: the sweep over time that LSTM and GRU share, forwards and backwards.
 *
 * Time is the outermost dimension, so that a step reads and writes one stretch of memory.  States stand in T + 1 slots:
 *
 *     slot    0     1     2   …   T            forward: step t reads slot t and writes slot t + 1; the first state is slot 0
 *     step       0     1    …  T-1             reverse: step t reads slot t + 1 and writes slot t; the first state is slot T
 *
 * A step cuts the units into blocks.  For a block it makes the recurrent sums of all sequences, by one product with the block's
 * packed weights, and hands each sequence's row of them to `row`, which does the rest.  Blocks are independent: a step is one
 * parallel loop.
 */
#ifndef INGOT_GRAPH_OPS_RECURRENCE_H
#define INGOT_GRAPH_OPS_RECURRENCE_H

#include "graph/ops/ops.h"

typedef struct ig_recurrence ig_recurrence;
/* Units u … u+n-1 of sequence b at step s->t; sum: their recurrent sums, gates 16 apart. */
typedef void ig_recurrence_row_fn(const ig_recurrence *s, int64_t b, int64_t u, size_t n, void *sum);

struct ig_recurrence {
    const ig_run *r;
    ig_recurrence_row_fn *row;
    const ig_tensor *w;             /* [G·H,H] */
    const int64_t *lengths;         /* [B]; NULL: all T */
    bool reverse, back;             /* back: sums of gradients, dgates·w, of H units; else h·wᵀ, of G·H gates */
    int64_t T, B, H, G;
    int64_t depth, strips, blocks;  /* of the product: its K, strips of a block */
    int64_t t;                      /* the step under way */
    const void *state;              /* what the product multiplies: B rows of `depth`; NULL: the sums are 0 */
    char *packed, *sums;
    void *zeros;                    /* of a block's width */
};

/* x: [T,B,…], for the sizes; lengths may be NULL.  IG_E_ARG for a length outside [0, T]. */
ig_status ig_recurrence_start(ig_recurrence *s, const ig_run *r, const ig_tensor *x, const ig_tensor *w,
                              const ig_tensor *lengths, bool reverse, bool back, ig_error *err);
size_t ig_recurrence_scratch(ig_context *ctx, const ig_tensor *w, int64_t B, bool back);
/* One step: all rows of all blocks. */
void ig_recurrence_step(ig_recurrence *s, int64_t t, const void *state, ig_recurrence_row_fn *row);

/* y = h without what stands behind the end of a sequence.   h [T,B,H] */
ig_var *ig_recurrence_mask(ig_graph *g, ig_var *h, ig_var *lengths);
/* One slot of states [T+1,B,H], as [B,H]. */
ig_var *ig_recurrence_slot(ig_graph *g, ig_var *states, int64_t slot);
/* Slots first … first+T-1 as the rows of a matrix, [T·B,H]; gradients of gates likewise. */
ig_var *ig_recurrence_rows(ig_graph *g, ig_var *states, int64_t first, int64_t T);
/* The bounds of [T,B,G·H] · w [G·H,H], T, B >= 0 and H > 0, and the type. */
ig_status ig_recurrence_shape(const ig_node *n, int x, int w, int64_t G, int64_t *T, int64_t *B, int64_t *H, ig_error *err);
ig_status ig_recurrence_need(const ig_node *n, int k, int ndim, const int64_t *shape, ig_error *err);
/* Whether a slot's gradient is wanted, etc.: flags of a node that must be 0 or 1. */
ig_status ig_recurrence_flags(const ig_node *n, int count, int inputs, ig_error *err);

static inline int64_t ig_slot_before(const ig_recurrence *s) { return s->reverse ? s->t + 1 : s->t; }
static inline int64_t ig_slot_after(const ig_recurrence *s) { return s->reverse ? s->t : s->t + 1; }
static inline int64_t ig_slot_first(const ig_recurrence *s) { return s->reverse ? s->T : 0; }
/* Step number i of a sweep, in its order. */
static inline int64_t ig_step_at(const ig_recurrence *s, int64_t i) { return s->reverse ? s->T - 1 - i : i; }
static inline bool ig_is_padding(const ig_recurrence *s, int64_t b) { return s->lengths && s->t >= s->lengths[b]; }

/* Element [slot][b][column] of a contiguous tensor. */
static inline void *ig_step_row(const ig_recurrence *s, const ig_tensor *x, int64_t slot, int64_t b, int64_t column) {
    int64_t width = x->shape[x->ndim - 1];
    return (char *)x->data + ((slot * s->B + b) * width + column) * (int64_t)ig_dtype_size(x->dtype);
}

#endif
