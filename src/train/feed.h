/* train/feed.h: what a step reads: the inputs that its task made, filled for a micro step.
 *
 * With accumulation each micro step's mean counts by its share of what counts in the step, so that the gradient is that of the
 * mean over all of it, however the rows fell into batches.
 */
#ifndef INGOT_TRAIN_FEED_H
#define INGOT_TRAIN_FEED_H

#include "train/task.h"

ig_status feed_make(trainer *t, ig_error *err);        /* batches, and how many steps the recipe's epochs are */
ig_status feed_make_inputs(trainer *t, ig_error *err); /* the tensors */
void feed_free(trainer *t);

/* Before the micro steps of a step: what its shares need. */
void feed_begin_step(trainer *t, int64_t first_batch);
/* Fill the inputs of a micro step; *shape is the one that was filled. */
ig_status feed_fill(trainer *t, int64_t batch, train_shape **shape, ig_error *err);
double feed_epoch(const trainer *t, int64_t batches);

#endif
