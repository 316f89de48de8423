/* train/carried.h: the state that a recurrent network carries from step to step.   (Williams & Peng 1990, truncated
 * back-propagation: gradients end at the border of a step, the state does not)
 *
 *     step n     state ──► forward ──► next        step n + 1     state ──► …
 *                  ▲                     │
 *                  └──── assigned ◄──────┘
 *
 * The state of training is in checkpoints; that of an evaluation, which begins anew each time, is another.
 */
#ifndef INGOT_TRAIN_CARRIED_H
#define INGOT_TRAIN_CARRIED_H

#include "train/task.h"

/* Makes t->data.  IG_E_UNSUPPORTED for a model that carries none. */
ig_status carried_open(trainer *t, ig_error *err);
/* The tensors of s, which is the shape of a step or of an evaluation. */
ig_status carried_inputs(trainer *t, const train_shape *s, ig_error *err);
/* Before a batch whose rows begin anew. */
void carried_clear(trainer *t, const train_shape *s);
/* Mean cross-entropy of the next token from the state on, which afterwards is that behind the tokens. */
ig_var *carried_loss(trainer *t, const ig_pass *p, const train_shape *s, const ig_tensor *tokens, const ig_tensor *targets);
const char *carried_kept(const trainer *t, size_t i, ig_tensor *out);
void carried_close(trainer *t);

#endif
