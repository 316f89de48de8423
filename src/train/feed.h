/* train/feed.h: what a step and an evaluation read: the input tensors of the plans, and what fills them.
 *
 *     text         one shape [B,T]; windows of the text
 *     chat         a shape per bucket of lengths; rows padded behind, only what the assistant says is a target
 *     preference   a shape per bucket, [2B,T]: the chosen answers of B rows, then the rejected ones
 *
 * Everything is a function of (seed, number of the micro step).
 */
#ifndef INGOT_TRAIN_FEED_H
#define INGOT_TRAIN_FEED_H

#include "train/trainer.h"

ig_status feed_make(trainer *t, ig_error *err);        /* batches, and how many steps the recipe's epochs are */
ig_status feed_make_shapes(trainer *t, ig_error *err); /* the tensors */
void feed_free(trainer *t);

/* Before the micro steps of a step: what its shares need. */
void feed_begin_step(trainer *t, int64_t first_batch);
/* Fill the inputs of a micro step; returns the number of its shape. */
int feed_fill(trainer *t, int64_t batch);
/* Fill the inputs of evaluation run i; returns the weight of its loss: how many targets, or pairs, count. */
int64_t feed_fill_evaluation(trainer *t, int64_t i);
int64_t feed_evaluations(const trainer *t);
double feed_epoch(const trainer *t, int64_t batches);
/* Where the last micro step's data stands, for a message. */
void feed_where(const trainer *t, char *buf, size_t size);
/* Fill a shape with these rows (-1: none) and no share; returns what counts. */
int64_t feed_fill_rows(trainer *t, train_shape *s, const int64_t *rows, int64_t n);

#endif
