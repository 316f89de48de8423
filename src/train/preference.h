/* train/preference.h: learning from pairs of answers. */
#ifndef INGOT_TRAIN_PREFERENCE_H
#define INGOT_TRAIN_PREFERENCE_H

#include "train/task.h"

/* What the inputs of rows are: i64 [rows,T] twice; preferences have 2·rows of them, and */
enum {
    ROWS_TOKENS,
    ROWS_TARGETS,
    ROWS_MASK,    /* f32 [2·rows,T], 1 where a target is learned */
    ROWS_PRIOR,   /* f32 [rows] */
    ROWS_PRESENT  /* i64 [rows], IG_NO_TARGET where there is no pair */
};

ig_status preference_inputs(trainer *t, train_shape *s, ig_error *err);
/* Fill a shape with these rows (-1: none); returns how many pairs there are. */
int64_t preference_fill(trainer *t, train_shape *s, const int64_t *rows, int64_t n);
/* The loss of a shape; more[0] [B] is β·((log π(c) - log π₀(c)) - (log π(r) - log π₀(r))), the difference of rewards. */
ig_var *preference_loss(trainer *t, const ig_pass *p, train_shape *s, ig_var **more, int *count);
/* log π₀(c) - log π₀(r) of all rows under the model as it is now, into t->prior. */
ig_status preference_prepare(trainer *t, ig_error *err);
/* The margin, and whether the chosen answer has the higher reward, over the pairs of a shape that was run. */
void preference_watch(trainer *t, const train_shape *s, const ig_tensor *const *more, task_sums *sums);

#endif
