/* train/checkpoint.h: the state of a run on disk.
 *
 *     8 bytes    "INGOTCK1"
 *     8 bytes    length of the header, little-endian
 *     header     JSON: step, losses, schedule, early stopping; settings of the recipe; names, types and shapes of the tensors
 *     tensors    back to back, in the order of the header, little-endian, as they stand in memory
 *     4 bytes    CRC32C of everything before, little-endian
 *
 * There are no offsets that could point somewhere else: a tensor begins where the one before it ends, and the last ends at the
 * checksum.  What a file may say is checked by checkpoint_parse, whether it is this run's by checkpoint_apply; nothing of
 * the trainer is changed before both have agreed.
 */
#ifndef INGOT_TRAIN_CHECKPOINT_H
#define INGOT_TRAIN_CHECKPOINT_H

#include "train/trainer.h"

typedef struct checkpoint_view {
    ig_doc *header;
    const uint8_t *tensors; /* in the caller's bytes */
    size_t tensor_bytes;
} checkpoint_view;

/* IG_E_FORMAT: damaged, with what is wrong.  `name` is the file in errors. */
ig_status checkpoint_parse(const char *name, const uint8_t *bytes, size_t size, checkpoint_view *out, ig_error *err);
void checkpoint_view_fini(checkpoint_view *v);

/* IG_E_STATE: of another recipe or model; names what differs.  IG_E_FORMAT: contradicts itself. */
ig_status checkpoint_apply(trainer *t, const char *name, const checkpoint_view *v, ig_error *err);

ig_status checkpoint_write(const trainer *t, const char *path, ig_error *err); /* atomic */

/* The tensors of a trainer in the order of the file: the parameters that are trained, then the optimiser's state and
 * what the task keeps.  NULL past the end. */
const char *checkpoint_tensor(const trainer *t, size_t i, ig_tensor *out);

/* ---- the folder ---- */

typedef void checkpoint_warn_fn(void *arg, const char *message);

/* Write DIR/step-NNNNNNNN.ckpt, then remove the oldest ones beyond `keep`.  path gets its name. */
ig_status checkpoint_save(const trainer *t, const char *dir, int64_t keep, char path[IG_PATH_MAX], ig_error *err);
/* Go on from the newest good one.  Damaged ones are told to `warn` and set aside as NAME.damaged.  path is "" when the folder
 * has none; IG_E_FORMAT when it has only damaged ones. */
ig_status checkpoint_resume(trainer *t, const char *dir, checkpoint_warn_fn *warn, void *arg, char path[IG_PATH_MAX], ig_error *err);

#endif
