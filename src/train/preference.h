/* train/preference.h: learning from pairs of answers. */
#ifndef INGOT_TRAIN_PREFERENCE_H
#define INGOT_TRAIN_PREFERENCE_H

#include "train/trainer.h"

/* The loss of a shape; *margin [B] is β·((log π(c) - log π₀(c)) - (log π(r) - log π₀(r))), the difference of rewards. */
ig_var *preference_loss(trainer *t, const ig_pass *p, const train_shape *s, ig_var **margin);
/* log π₀(c) - log π₀(r) of all rows under the model as it is now, into t->prior. */
ig_status preference_prepare(trainer *t, ig_error *err);
/* Mean margin and share of pairs in which the chosen answer has the higher reward, over the pairs of a shape that was run. */
void preference_tell(const train_shape *s, const ig_tensor *margin, double *mean, double *accuracy);

#endif
